//! Model-predictive scaling: the fewest pods for which the twin says that the objectives will be met.

use std::sync::Arc;
use std::time::Duration;

use ibn_core::decision::Reason;
use ibn_core::encoding::ReplicaRoom;
use ibn_core::intent::{Bound, IndicatorName, Objective, Preference};
use ibn_core::prediction::{Alternative, Prediction, WorkloadModel};
use ibn_core::roles::{Predictor, Recommender};
use ibn_core::situation::{Recommendation, Situation};
use jiff::Timestamp;

use super::correction::Correction;
use super::demand::{Backlog, DemandSettings, Demands};
use super::memo::Memo;
use super::planner::Planner;
use super::search::Judge;
use super::stabilizer::{Stabilizer, WindowMax};
use super::{TargetSettings, TargetTracking, replicas_are_held, settle, sizes};
use crate::error::{Faults, Result};

/// How [`ModelPredictive`] decides.
#[derive(Debug, Clone, PartialEq)]
pub struct MpcSettings {
    /// How sure a prediction must be, 0.5 (best guess) to 0.999; by the preference where absent:
    /// cost 0.8, balanced 0.85, performance 0.9.
    pub confidence: Option<f64>,
    /// Factor on the demand, 0.5 to 4; by the preference where absent: cost 1, balanced 1, performance 1.15.
    pub headroom: Option<f64>,
    /// How long a scale-in must have been wanted.
    pub stabilization: Duration,
    /// Whether the CPU of the pods may be changed, too.
    pub sizes: bool,
    /// How the demand is read.
    pub demand: DemandSettings,
    /// What is done without a model.
    pub fallback: TargetSettings,
}

impl Default for MpcSettings {
    fn default() -> Self {
        Self {
            confidence: None,
            headroom: None,
            stabilization: Duration::from_secs(300),
            sizes: false,
            demand: DemandSettings::default(),
            fallback: TargetSettings::default(),
        }
    }
}

impl MpcSettings {
    fn check(&self) -> Result<()> {
        let mut faults = Faults::default();
        if let Some(confidence) = self.confidence {
            faults.in_range("confidence", confidence, 0.5..=0.999);
        }
        if let Some(headroom) = self.headroom {
            faults.in_range("headroom", headroom, 0.5..=4.0);
        }
        faults.in_range("trend", self.demand.trend, 0.0..=1.0);
        faults.in_range("surgeLimit", self.demand.surge_limit, 1.0..=10.0);
        faults.finish("mpc")
    }
}

/// What is asked of the rule beside its settings; what a learner turns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Steering {
    /// How sure a prediction must be, 0.5 to 1.
    pub confidence: f64,
    /// Factor on the demand.
    pub headroom: f64,
}

impl Steering {
    /// What a preference stands for.
    #[must_use]
    pub fn for_preference(preference: Preference) -> Self {
        let (confidence, headroom) = match preference {
            Preference::Cost => (0.8, 1.0),
            Preference::Balanced => (0.85, 1.0),
            Preference::Performance => (0.9, 1.15),
        };
        Self {
            confidence,
            headroom,
        }
    }
}

/// The fewest pods for which the twin says that every objective is met, with the asked confidence, at the greatest
/// demand until pods that are ordered at the next turn would serve.
///
/// - *Demand*: the measured rate with its trend, the peak of the forecast, and what is needed to work off requests that
///   wait already. The forecast adds capacity, and never takes it below what the measured rate needs.
/// - *Horizon*: start-up time and one control period. Where a step limit bounds what one decision may add, the whole
///   forecast: what can't be added later in time is ordered now.
/// - *Scale-in* waits until it was wanted throughout the stabilisation window, by demand and by pods, and until the forecast
///   keeps it wanted for as long; so the number of pods never flaps.
/// - *Sizes*, where they are allowed: in calm, another CPU for every pod, where that is a tenth cheaper or meets what no
///   number of pods of the present size does, and no more pods are needed than there are. So capacity never dips.
/// - *Wrong models*: the model's CPU time per request follows what is measured. Where a latency objective is violated
///   in calm although the twin says that it is met, the load is taken higher by a margin that grows a tenth for each window
///   of it, up to twice, and halves in an hour.
/// - Without model, rate or an objective that the twin predicts it does as [`TargetTracking`] does, and says so.
///
/// Never asks for 0 pods. Deterministic, and doesn't use the seed.
pub struct ModelPredictive {
    settings: MpcSettings,
    predictor: Arc<dyn Predictor>,
    fallback: TargetTracking,
    /// The rates that were planned for in the stabilisation window.
    past: WindowMax<f64>,
    /// The pods that were wanted in it: estimates of the model wander, too.
    pods: Stabilizer,
    steered: Option<Steering>,
    backlog: Backlog,
    correction: Correction,
    resized_at: Option<Timestamp>,
    memo: Memo,
}

impl ModelPredictive {
    /// A recommender that asks `predictor`.
    ///
    /// # Errors
    /// [`crate::Error::Settings`] with all that is out of range.
    pub fn new(predictor: Arc<dyn Predictor>, settings: MpcSettings) -> Result<Self> {
        settings.check()?;
        Ok(Self {
            fallback: TargetTracking::new(settings.fallback.clone())?,
            past: WindowMax::new(settings.stabilization),
            pods: Stabilizer::new(settings.stabilization / 3),
            steered: None,
            backlog: Backlog::default(),
            correction: Correction::default(),
            resized_at: None,
            memo: Memo::default(),
            settings,
            predictor,
        })
    }

    /// What the settings say, and the preference where they are silent.
    #[must_use]
    pub fn steering(&self, preference: Preference) -> Steering {
        let preferred = Steering::for_preference(preference);
        Steering {
            confidence: self.settings.confidence.unwrap_or(preferred.confidence),
            headroom: self.settings.headroom.unwrap_or(preferred.headroom),
        }
    }

    /// Advises as [`Recommender::recommend`] does, with another head-room and confidence than the settings'.
    pub fn recommend_with(&mut self, situation: &Situation, steering: Steering) -> Recommendation {
        if let Some(held) = replicas_are_held(situation) {
            return Recommendation::new(situation.state.allocation.clone(), vec![held]);
        }
        match self.plan(situation, steering) {
            Ok(recommendation) => recommendation,
            Err(missing) => {
                let mut recommendation = self.fallback.recommend(situation);
                recommendation.reasons.insert(
                    0,
                    Reason::new(
                        "Fallback",
                        format!("{missing}: CPU utilisation is tracked instead"),
                    ),
                );
                recommendation
            }
        }
    }

    fn plan(
        &mut self,
        situation: &Situation,
        steering: Steering,
    ) -> Result<Recommendation, String> {
        let model = situation
            .model
            .as_ref()
            .ok_or("there is no model of the workload")?;
        if !is_usable(model) {
            return Err("the model of the workload has numbers that make no sense".to_owned());
        }
        let model = &self.memo.steady(&self.correction.model(situation, model));
        let live = &situation.state.allocation;
        let window = situation
            .latest()
            .map_or(Duration::ZERO, |seen| seen.window);
        let capacity = Judge::capacity_objectives(&situation.objectives);
        let judge = Judge::new(
            self.predictor.as_ref(),
            model,
            live,
            &capacity,
            steering.confidence,
            window,
            &self.memo,
        );
        if !judge.predicts_something() {
            return Err("the twin predicts none of the objectives".to_owned());
        }
        let violated = violated_latency(situation);
        let lead = model.startup.saturating_add(situation.control_period);
        let demands = Demands::of(
            situation,
            &self.settings.demand,
            &mut self.backlog,
            violated.is_some(),
            model,
            lead,
            steering.confidence,
        )
        .ok_or("no request rate was measured")?;
        let calm = demands.backlog < 1.0 && demands.slope <= 0.0;
        let foreseen = || judge.candidate(live.replicas, demands.measured).meets;
        self.correction
            .margin(situation, violated.is_some(), calm, foreseen);
        let planner = Planner {
            situation,
            judge,
            demands: &demands,
            room: ReplicaRoom::of(situation),
            correction: &self.correction,
            headroom: steering.headroom,
            least_rate: least_throughput(&situation.objectives),
            lead,
        };
        // Both are looked back on: the demand, since the forecast is held against it, and the pods, since estimates wander.
        self.past
            .note(situation.now, demands.peak_with_backlog(lead));
        let is_full = self.past.is_full(situation.now);
        let past = self.past.greatest().filter(|_| is_full);
        let past = past.map(|(_, rate)| rate);
        let (best, wanted, mut reasons) = planner.wanted(self.settings.stabilization, past);
        // What was wanted under another head-room says nothing: a learner is to see at once what its choice leads to.
        if self
            .steered
            .replace(steering)
            .is_some_and(|before| before != steering)
        {
            self.pods = Stabilizer::new(self.settings.stabilization / 3);
        }
        let for_now = best.allocation.replicas.min(wanted);
        let steady = self.pods.settle(situation.now, live.replicas, for_now);
        let steady = steady.max(wanted);
        if steady != wanted {
            reasons.push(Reason::new(
                "Stabilized",
                format!("{wanted} would do now, but more were wanted a short while ago"),
            ));
        }
        let mut allocation = settle(situation, steady, &mut reasons);
        let mut alternatives = planner.alternatives(&allocation, &best);
        let mut predicted = planner
            .judge
            .candidate(allocation.replicas, planner.rate())
            .prediction;
        let is_settled = calm
            && past.is_some()
            && situation.state.ready_replicas >= live.replicas
            && self.resized_at.is_none_or(|at| {
                situation.now.duration_since(at).unsigned_abs() > self.settings.stabilization
            });
        if self.settings.sizes && is_settled {
            let rate = planner.kept_rate(self.settings.stabilization, past);
            let better = sizes::better(&planner, &allocation, rate);
            if let Some(size) = better {
                self.resized_at = Some(situation.now);
                reasons.insert(0, size.reason);
                alternatives.push(Alternative {
                    allocation,
                    score: size.score_of_present,
                    note: "the present size".to_owned(),
                });
                predicted = size.best.prediction;
                allocation = size.best.allocation;
            }
        }
        Ok(Recommendation {
            alternatives,
            predicted: Some(predicted).filter(has_no_nan),
            allocation,
            reasons,
            policy: None,
        })
    }
}

impl Recommender for ModelPredictive {
    fn name(&self) -> &str {
        "mpc"
    }

    fn resizes(&self) -> bool {
        self.settings.sizes
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let steering = self.steering(situation.preference);
        self.recommend_with(situation, steering)
    }
}

fn is_usable(model: &WorkloadModel) -> bool {
    let positive = model.cpu_seconds_per_request > 0.0 && model.cpu_seconds_per_request.is_finite();
    positive && model.base_latency_seconds >= 0.0 && model.service_cv2 >= 0.0
}

/// Infinite is a prediction; not a number is none.
fn has_no_nan(prediction: &Prediction) -> bool {
    prediction
        .latency
        .values()
        .chain([
            &prediction.cpu_utilization,
            &prediction.error_rate,
            &prediction.throughput,
        ])
        .all(|interval| !interval.low.is_nan() && !interval.mid.is_nan() && !interval.high.is_nan())
}

/// A latency objective that the newest observation violates.
fn violated_latency(situation: &Situation) -> Option<&Objective> {
    let seen = situation.latest()?;
    situation.objectives.iter().find(|objective| {
        objective.indicator == IndicatorName::Latency
            && seen
                .achieved(objective, &situation.state.allocation)
                .is_some_and(|achieved| !objective.is_met_by(achieved))
    })
}

/// The greatest throughput that is asked for: capacity for it is kept even while less arrives.
fn least_throughput(objectives: &[Objective]) -> f64 {
    objectives
        .iter()
        .filter(|objective| objective.indicator == IndicatorName::Throughput)
        .filter_map(|objective| match &objective.bound {
            Bound::AtLeast(value) => Some(value.number()),
            Bound::AtMost(_) => None,
        })
        .fold(0.0, f64::max)
}
