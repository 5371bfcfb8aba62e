//! A contextual bandit that sets the head-room of the model-predictive rule.

mod checkpoint;
mod linear;
mod thompson;

use std::sync::Arc;
use std::time::Duration;

use ibn_core::decision::{PolicyTrace, Reason};
use ibn_core::encoding::{self, EncodedSituation};
use ibn_core::observation::{Signal, SignalHealth};
use ibn_core::roles::{Checkpoint, LearnReport, PolicyLearner, Predictor, Recommender};
use ibn_core::situation::{Experience, Recommendation, Situation};
use jiff::Timestamp;

use crate::error::{Faults, Result};
use crate::rules::{ModelPredictive, MpcSettings, Steering};
use thompson::{Context, LinearThompson, ThompsonSettings};

/// The features that the value is made of, behind a constant 1, the surge and its square, the load and its square.
const VALUE_FEATURES: [&str; 6] = [
    "hour_sin",
    "hour_cos",
    "rate_trend",
    "forecast_peak",
    "strain",
    "error_rate",
];

/// Numbers in the shared and in an arm's own context.
const N_SHARED: usize = 5 + VALUE_FEATURES.len();
const N_OWN: usize = 2;

/// How a [`Bandit`] acts and learns.
#[derive(Debug, Clone, PartialEq)]
pub struct BanditSettings {
    /// The head-rooms to choose from, each 0.5 to 4, ascending; at least two.
    pub headrooms: Vec<f64>,
    /// How long a choice is kept at least; longer where start-up takes long.
    pub dwell: Duration,
    /// Weight of an experience after one more, above 0.5 and up to 1.
    pub decay: f64,
    /// Share of choices that are uniform, 0 to 0.5.
    pub uniform: f64,
    /// The standard deviation of rewards that is assumed at first, above 0 and up to 10.
    pub noise: f64,
    /// The rule that is steered.
    pub rule: MpcSettings,
}

impl Default for BanditSettings {
    fn default() -> Self {
        Self {
            headrooms: vec![0.9, 1.0, 1.15, 1.35, 1.6],
            dwell: Duration::from_secs(300),
            decay: 0.999,
            uniform: 0.02,
            noise: 0.1,
            rule: MpcSettings::default(),
        }
    }
}

impl BanditSettings {
    fn check(&self) -> Result<()> {
        let mut faults = Faults::default();
        if self.headrooms.len() < 2 {
            faults.push(format!(
                "`headrooms` has {} entries, at least 2 are needed",
                self.headrooms.len()
            ));
        }
        for headroom in &self.headrooms {
            faults.in_range("headrooms", *headroom, 0.5..=4.0);
        }
        if !self.headrooms.is_sorted() {
            faults.push("`headrooms` is not ascending".to_owned());
        }
        faults.in_range("decay", self.decay, 0.5..=1.0);
        faults.in_range("uniform", self.uniform, 0.0..=0.5);
        faults.in_range("noise", self.noise, 1e-6..=10.0);
        faults.finish("bandit")
    }
}

/// A contextual bandit that hands the model-predictive rule its head-room, in the manner of the "tower" of
/// Wang et al., "Autothrottle: A Practical Bi-Level Approach to Resource Management for SLO-Targeted Microservices"
/// (NSDI 2024): a slow learner chooses targets, a quick rule follows them. So each action is an allocation that
/// the rule itself would give at some head-room, inside the envelope, and never a raw number of pods.
///
/// - *Arms*: the head-rooms of [`BanditSettings::headrooms`]; the action's index in a [`PolicyTrace`].
/// - *Context*: the load (log2 of one and the cores that arriving requests need, a fifth of it). What the reward is
///   whichever head-room is chosen depends on it, its square and the features `hour_sin`, `hour_cos`, `rate_trend`,
///   `forecast_peak`, `strain`, `error_rate` of [`ibn_core::encoding`]; the advantage of a head-room on the load. Once a
///   choice is over, how far the rate rose meanwhile explains a part of its reward, too: demand doesn't follow from the
///   choice, so taking it out takes out noise alone (Mao et al., "Variance Reduction for Reinforcement Learning in
///   Input-Driven Environments", ICLR 2019).
/// - *Choice*: linear Thompson sampling with forgetting, from `situation.seed`; kept for the dwell, at least three
///   times start-up and one control period, so that a choice is judged by what it led to.
/// - *Reward*: the mean of `Outcome::reward` over a dwell, without the part in which what the choice before led to
///   still shows (start-up and one period). [`crate::RewardWeights`] is the reward that the defaults are made for.
///   An experience whose reward is NaN or infinite, or that was made on bad signals, is counted and left out.
/// - *Trace*: all turns of a dwell carry the same action, probability and observation hash, those of the turn of the draw.
///
/// A checkpoint holds what was learned, not the turn in progress: a restored learner begins with a new choice.
pub struct Bandit {
    settings: BanditSettings,
    rule: ModelPredictive,
    learner: LinearThompson,
    current: Option<Dwell>,
    gathering: Option<Gathering>,
    last: LearnReport,
    ignored: u64,
}

/// A choice that is kept for a while.
#[derive(Debug, Clone, PartialEq)]
struct Dwell {
    since: Timestamp,
    trace: PolicyTrace,
    exploration: f64,
}

/// The rewards of one choice.
#[derive(Debug, Clone, PartialEq)]
struct Gathering {
    observation_hash: u64,
    arm: usize,
    /// The arm before was another one.
    switched: bool,
    context: Context,
    since: Timestamp,
    /// The rate at the draw, and the greatest since.
    rate: f64,
    most: f64,
    /// Sum and count before and after what the arm before led to has passed.
    early: (f64, u32),
    late: (f64, u32),
}

impl Bandit {
    /// The name under which it can be chosen and that its checkpoints carry.
    pub const NAME: &'static str = "bandit";

    /// A learner that has learned nothing yet.
    ///
    /// # Errors
    /// [`crate::Error::Settings`] with all that is out of range.
    pub fn new(predictor: Arc<dyn Predictor>, settings: BanditSettings) -> Result<Self> {
        settings.check()?;
        Ok(Self {
            rule: ModelPredictive::new(predictor, settings.rule.clone())?,
            learner: LinearThompson::new(
                settings.headrooms.len(),
                N_SHARED,
                N_OWN,
                ThompsonSettings {
                    decay: settings.decay,
                    prior: 1.0,
                    noise: settings.noise,
                    uniform: settings.uniform,
                },
            ),
            settings,
            current: None,
            gathering: None,
            last: LearnReport::default(),
            ignored: 0,
        })
    }

    /// Experiences that were left out, since their reward was no number or their signals were bad.
    #[must_use]
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// For each head-room the reward that is expected of it in a situation, with the standard deviation of the belief in
    /// its advantage.
    #[must_use]
    pub fn beliefs(&self, situation: &Situation) -> Vec<(f64, f64, f64)> {
        let context = context(situation, &encoding::encode(situation));
        let (value, arms) = self.learner.beliefs(&context);
        self.settings
            .headrooms
            .iter()
            .zip(arms)
            .map(|(headroom, (mean, spread))| (*headroom, value + mean, spread))
            .collect()
    }

    /// The choice that holds now: the one before, or a new one where its time is over.
    fn choose(&mut self, situation: &Situation) -> Dwell {
        let kept_for = dwell(situation, self.settings.dwell);
        if let Some(dwell) = &self.current
            && situation.now >= dwell.since
            && situation.now.duration_since(dwell.since).unsigned_abs() < kept_for
        {
            return dwell.clone();
        }
        let encoded = encoding::encode(situation);
        let draw = self
            .learner
            .draw(&context(situation, &encoded), situation.seed);
        let dwell = Dwell {
            since: situation.now,
            trace: PolicyTrace {
                policy: format!("{}/{}", Self::NAME, checkpoint::VERSION),
                log_probability: draw.log_probability,
                value: draw.value,
                observation_hash: encoded.hash(),
                action: u32::try_from(draw.arm).unwrap_or(u32::MAX),
                explored: draw.explored,
            },
            exploration: draw.exploration,
        };
        self.current = Some(dwell.clone());
        dwell
    }

    /// Closes the choice whose rewards were gathered, and learns from it.
    fn close(&mut self) {
        let Some(done) = self.gathering.take() else {
            return;
        };
        let (sum, count) = if done.late.1 > 0 {
            done.late
        } else {
            done.early
        };
        if count == 0 {
            return;
        }
        let surge = if done.rate > 0.0 {
            (done.most / done.rate).max(1.0).log2().min(3.0)
        } else {
            0.0
        };
        let mut context = done.context;
        for (entry, value) in context
            .shared
            .iter_mut()
            .skip(1)
            .zip([surge, surge * surge])
        {
            *entry = value;
        }
        let residual = self
            .learner
            .update(&context, done.arm, sum / f64::from(count));
        self.last.error = residual.abs();
    }
}

impl Recommender for Bandit {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn resizes(&self) -> bool {
        self.rule.resizes()
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let dwell = self.choose(situation);
        let arm = dwell.trace.action as usize;
        let headroom = self.settings.headrooms.get(arm).copied().unwrap_or(1.0);
        let steering = Steering {
            headroom,
            ..self.rule.steering(situation.preference)
        };
        let mut recommendation = self.rule.recommend_with(situation, steering);
        recommendation.reasons.push(Reason::new(
            if dwell.trace.explored { "Explored" } else { "Learned" },
            format!(
                "head-room {headroom} (arm {arm} of {}) was {}, with probability {:.2}; expected reward {:.3}",
                self.settings.headrooms.len(),
                if dwell.trace.explored { "tried" } else { "the best known" },
                dwell.trace.log_probability.exp(),
                dwell.trace.value
            ),
        ));
        self.last.exploration = dwell.exploration;
        recommendation.policy = Some(dwell.trace);
        recommendation
    }

    fn as_learner(&mut self) -> Option<&mut dyn PolicyLearner> {
        Some(self)
    }
}

impl PolicyLearner for Bandit {
    fn learn(&mut self, experience: &Experience) -> LearnReport {
        self.last.experiences += 1;
        let reward = experience.outcome.reward;
        let usable = reward.is_finite() && experience.situation.health == SignalHealth::Fresh;
        let Some(trace) = experience.recommendation.policy.as_ref().filter(|_| usable) else {
            self.ignored += 1;
            return self.last.clone();
        };
        let arm = trace.action as usize;
        if arm >= self.settings.headrooms.len() {
            self.ignored += 1;
            return self.last.clone();
        }
        self.last.reward = reward;
        let same = self
            .gathering
            .as_ref()
            .is_some_and(|g| g.observation_hash == trace.observation_hash && g.arm == arm);
        if !same {
            let switched = self
                .gathering
                .as_ref()
                .is_none_or(|before| before.arm != arm);
            self.close();
            self.gathering = Some(Gathering {
                observation_hash: trace.observation_hash,
                arm,
                switched,
                context: context(
                    &experience.situation,
                    &encoding::encode(&experience.situation),
                ),
                since: experience.situation.now,
                rate: rate(&experience.situation),
                most: 0.0,
                early: (0.0, 0),
                late: (0.0, 0),
            });
        }
        if let Some(gathering) = &mut self.gathering {
            gathering.most = gathering.most.max(rate(&experience.situation));
            let settles = lead(&experience.situation);
            let passed = experience
                .situation
                .now
                .duration_since(gathering.since)
                .unsigned_abs();
            let into = if gathering.switched && passed < settles {
                &mut gathering.early
            } else {
                &mut gathering.late
            };
            into.0 += reward;
            into.1 += 1;
        }
        self.last.clone()
    }

    fn checkpoint(&self) -> Checkpoint {
        checkpoint::save(self)
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> ibn_core::Result<()> {
        checkpoint::load(self, checkpoint)
    }
}

/// From an order to its effect: start-up and one control period.
fn lead(situation: &Situation) -> Duration {
    situation
        .model
        .as_ref()
        .map_or(Duration::ZERO, |model| model.startup)
        .saturating_add(situation.control_period)
}

fn dwell(situation: &Situation, asked: Duration) -> Duration {
    asked.max(lead(situation).saturating_mul(3))
}

/// Requests a second; 0 where none were measured.
fn rate(situation: &Situation) -> f64 {
    situation
        .latest()
        .and_then(|seen| seen.value(&Signal::RequestRate))
        .unwrap_or(0.0)
}

/// What a choice is made on; the surge that will come is not known yet.
fn context(situation: &Situation, encoded: &EncodedSituation) -> Context {
    let feature = |name| f64::from(encoded.feature(name).unwrap_or(0.0));
    let pod = situation.state.allocation.pod_limits().cpu.as_cores();
    let ready = f64::from(situation.state.ready_replicas);
    // The feature is half the load of the ready pods.
    let cores = 2.0 * feature("offered_load") * pod * ready;
    let load = (1.0 + cores.max(0.0)).log2() / 5.0;
    Context {
        shared: [1.0, 0.0, 0.0, load, load * load]
            .into_iter()
            .chain(VALUE_FEATURES.map(feature))
            .collect(),
        own: [1.0, load].into_iter().collect(),
    }
}
