//! One workload of a scenario, moved by head-room over what the twin says it needs.

use std::sync::Arc;
use std::time::Duration;

use ibn_core::encoding::headroom::{Headroom, HeadroomView};
use ibn_core::intent::Preference;
use ibn_core::roles::{Action, ActionSpace, Environment, ScenarioSource, Spaces, Step};
use ibn_core::situation::Situation;

use crate::autoscaler::Foresight;
use crate::environment::ScenarioDistribution;
use crate::episode::{WINDOW, Watch};
use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::rng::Seeds;
use crate::scenario::Scenario;
use crate::simulated::SimulatedCluster;
use crate::twin::Twin;

/// What the other workloads of the scenario do: 1.2 times the demand, and no memory of peaks.
const OTHERS: usize = HeadroomView::action(2, 0);

/// What the parts of a reward cost, against a request's worth of CPU for every request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Of every request being answered too late or not at all, for a balanced preference: four times that for performance, a quarter for
    /// cost.
    pub violated: f64,
    /// Of a change in every control period.
    pub change: f64,
}

/// How many times as dear a violated request is with a preference as with a balanced one.
const fn dearness(preference: Preference) -> f64 {
    match preference {
        Preference::Cost => 0.25,
        Preference::Balanced => 1.0,
        Preference::Performance => 4.0,
    }
}

impl Default for Price {
    fn default() -> Self {
        Self {
            violated: 60.0,
            change: 1.0,
        }
    }
}

/// One workload of a scenario on the request-level engine, one step a control period.
///
/// - **Observation**: the features of [`HeadroomView`].
/// - **Action**: one of [`HeadroomView::N_ACTIONS`]: leave, or as many pods as meet the objective at so many times the measured rate by
///   [`Twin`], and at the highest rate of so long a time. What the mask forbids is left. The other workloads of the scenario follow with a fixed head-room.
/// - **Reward**: `−(cores ÷ usual cores + price.violated · violated ÷ usual requests + price.change · changed)`, with the CPU that pods on
///   nodes request, the requests of the period that failed or took longer than the bound of the objective, and whether the
///   number of pods was changed. Usual cores are those that the mean demand of the scenario keeps busy, usual requests those
///   of a mean period: a reward of −2 a step is twice the CPU that the requests use, and nothing violated. It says so with the
///   demand to come in view, as observations don't.
///   The preference stands in the observation, and says how dear a violated request is; all of the reward is divided by the root of
///   that, so that no preference outweighs the others in training.
/// - **Episode**: from one control period into the scenario to its horizon, then truncated; never terminated.
///
/// A snapshot is the seed with the actions so far; going back to it plays them again.
///
/// ```
/// use ibn_core::roles::{Action, Environment};
/// use ibn_sim::Scenario;
/// use ibn_sim::environment::{HeadroomEnvironment, Price};
///
/// let mut environment = HeadroomEnvironment::new(Scenario::demo()?, 0, Price::default())?;
/// let spaces = environment.spaces();
/// let (mut observation, mut mask) = (vec![0.0; spaces.observation], vec![false; spaces.action.mask_len()]);
/// environment.reset(7, &mut observation, &mut mask);
/// assert!(environment.step(Action::Discrete(&[0]), &mut observation, &mut mask).reward < 0.0);
/// # Ok::<(), ibn_sim::Error>(())
/// ```
pub struct HeadroomEnvironment {
    scenario: Arc<Scenario>,
    focus: usize,
    price: Price,
    preference: Preference,
    twin: Twin,
    cluster: SimulatedCluster,
    watches: Vec<Watch>,
    headrooms: Vec<Headroom>,
    views: Vec<HeadroomView>,
    usual_cores: f64,
    usual_requests: f64,
    counted: Counted,
    seed: u64,
    taken: Vec<u8>,
}

/// What was counted up to now.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    violated: u64,
    core_hours: f64,
}

impl Counted {
    fn of(metrics: Option<&Metrics>) -> Self {
        metrics.map_or_else(Self::default, |metrics| Self {
            violated: metrics.counts.over_objective
                + metrics.counts.dropped()
                + metrics.counts.timed_out,
            core_hours: metrics.core_hours,
        })
    }
}

impl Clone for HeadroomEnvironment {
    /// A snapshot in memory: it goes on as the original does, and neither changes the other.
    fn clone(&self) -> Self {
        Self {
            scenario: Arc::clone(&self.scenario),
            focus: self.focus,
            price: self.price,
            preference: self.preference,
            twin: self.twin,
            cluster: self.cluster.fork(),
            watches: self.watches.clone(),
            headrooms: self.headrooms.clone(),
            views: self.views.clone(),
            usual_cores: self.usual_cores,
            usual_requests: self.usual_requests,
            counted: self.counted,
            seed: self.seed,
            taken: self.taken.clone(),
        }
    }
}

impl HeadroomEnvironment {
    /// The workload number `focus` of a scenario, at the start of seed 0.
    ///
    /// # Errors
    /// As for [`Scenario::cluster_spec`]; a scenario without such a workload, or whose horizon is less than two control periods.
    pub fn new(scenario: Scenario, focus: usize, price: Price) -> Result<Self> {
        if scenario.horizon < 2 * scenario.control_period || focus >= scenario.workloads.len() {
            return Err(Error::spec(
                "horizon",
                "an environment needs a workload and at least two control periods",
            ));
        }
        Self::at(Arc::new(scenario), focus, price, Preference::default(), 0)
    }

    fn at(
        scenario: Arc<Scenario>,
        focus: usize,
        price: Price,
        preference: Preference,
        seed: u64,
    ) -> Result<Self> {
        let cluster = SimulatedCluster::new(&scenario, seed)?;
        let foresight = Foresight::of(&scenario, seed)?;
        let watches: Vec<Watch> = scenario
            .workloads
            .iter()
            .map(|workload| {
                Watch::new(workload, cluster.model(&workload.workload()))
                    .with_preference(preference)
            })
            .collect();
        let (mut usual_cores, mut usual_requests) = (0.1, 1.0);
        if let Some(workload) = scenario.workloads.get(focus) {
            let reference = workload.workload();
            let rate = foresight.mean(&reference, scenario.horizon).unwrap_or(0.0);
            usual_requests = (rate * scenario.control_period.as_secs_f64()).max(1.0);
            let work = workload.model(scenario.cores()).cpu_seconds_per_request;
            usual_cores = (rate * work).max(0.01);
        }
        let mut environment = Self {
            twin: Twin::default().with_cores(scenario.cores()),
            headrooms: vec![Headroom::default(); watches.len()],
            views: Vec::new(),
            counted: Counted::default(),
            scenario,
            focus,
            price,
            preference,
            cluster,
            watches,
            usual_cores,
            usual_requests,
            seed,
            taken: Vec::new(),
        };
        environment.advance();
        environment.counted = Counted::of(environment.metrics().as_ref());
        Ok(environment)
    }

    /// Steps of an episode.
    #[must_use]
    pub fn steps(&self) -> u64 {
        let periods = |span: Duration| span.as_nanos() / self.scenario.control_period.as_nanos();
        u64::try_from(periods(self.scenario.horizon)).map_or(u64::MAX, |periods| periods - 1)
    }

    fn metrics(&self) -> Option<Metrics> {
        let workload = self.scenario.workloads.get(self.focus)?.workload();
        self.cluster.metrics(&workload)
    }

    /// Goes on by a control period, and looks.
    fn advance(&mut self) {
        self.cluster.advance_by(self.scenario.control_period);
        let seeds = Seeds::new(self.seed).child("environment");
        let seed = seeds.child(&self.taken.len().to_string()).root();
        let period = self.scenario.control_period;
        let workloads = self.scenario.workloads.iter();
        self.views = workloads
            .zip(&mut self.watches)
            .zip(&mut self.headrooms)
            .filter_map(|((workload, watch), headroom)| {
                let (state, seen) = self.cluster.look(&workload.workload(), WINDOW)?;
                let situation: Situation = watch.situation(state, seen, period, seed);
                Some(headroom.view(&situation, &self.twin))
            })
            .collect();
    }

    fn write(&self, observation: &mut [f32], mask: &mut [bool]) {
        if let Some(view) = self.views.get(self.focus) {
            observation.copy_from_slice(&view.features);
            mask.copy_from_slice(&view.mask);
        }
    }

    /// Takes an action and gives back the reward.
    fn take(&mut self, action: u8) -> f32 {
        let mut changed = false;
        for (index, (workload, view)) in self.scenario.workloads.iter().zip(&self.views).enumerate()
        {
            let action = if index == self.focus {
                usize::from(action)
            } else {
                OTHERS
            };
            let is_allowed = view.mask.get(action).copied().unwrap_or(false);
            let live = view.allocations.first();
            if let Some(to) = view
                .allocations
                .get(action)
                .filter(|to| is_allowed && Some(*to) != live)
            {
                // What the cluster refuses is left as it is, and seen at the next step.
                let _ = self
                    .cluster
                    .change_by_hand(&workload.workload(), to, "environment");
                changed |= index == self.focus;
            }
        }
        self.taken.push(action);
        self.advance();
        let now = Counted::of(self.metrics().as_ref());
        let before = std::mem::replace(&mut self.counted, now);
        let hours = self.scenario.control_period.as_secs_f64() / 3600.0;
        let cores = (now.core_hours - before.core_hours) / hours / self.usual_cores;
        let violated = (now.violated - before.violated) as f64 / self.usual_requests;
        let changed = f64::from(u8::from(changed));
        let dearness = dearness(self.preference);
        let paid = cores + dearness * self.price.violated * violated + self.price.change * changed;
        // So that what is at stake is alike for all preferences.
        -(paid / dearness.sqrt()) as f32
    }
}

impl Environment for HeadroomEnvironment {
    fn spaces(&self) -> Spaces {
        Spaces {
            observation: HeadroomView::N_FEATURES,
            action: ActionSpace::Discrete(HeadroomView::N_ACTIONS),
        }
    }

    fn reset(&mut self, seed: u64, observation: &mut [f32], mask: &mut [bool]) {
        // What could be built once can be built again; a trace file that has gone meanwhile leaves the episode that there is.
        let scenario = Arc::clone(&self.scenario);
        if let Ok(fresh) = Self::at(scenario, self.focus, self.price, self.preference, seed) {
            *self = fresh;
        }
        self.write(observation, mask);
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f32], mask: &mut [bool]) -> Step {
        let reward = match action {
            Action::Discrete([choice])
                if (*choice as usize) < HeadroomView::N_ACTIONS
                    && (self.taken.len() as u64) < self.steps() =>
            {
                self.take(*choice as u8)
            }
            _ => 0.0,
        };
        self.write(observation, mask);
        Step {
            reward,
            terminated: false,
            truncated: self.taken.len() as u64 >= self.steps(),
        }
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.seed.to_le_bytes());
        bytes.extend(&self.taken);
        bytes
    }

    fn restore(&mut self, snapshot: &[u8]) -> ibn_core::Result<()> {
        let invalid = || {
            ibn_core::Error::invalid(
                "the snapshot",
                "it is not of an environment of this scenario",
            )
        };
        let rest = snapshot.strip_prefix(MAGIC).ok_or_else(invalid)?;
        let (seed, taken) = rest.split_first_chunk::<8>().ok_or_else(invalid)?;
        let is_one = |action: &u8| usize::from(*action) < HeadroomView::N_ACTIONS;
        if !taken.iter().all(is_one) || taken.len() as u64 > self.steps() {
            return Err(invalid());
        }
        let seed = u64::from_le_bytes(*seed);
        let mut fresh = Self::at(
            Arc::clone(&self.scenario),
            self.focus,
            self.price,
            self.preference,
            seed,
        )
        .map_err(|error| ibn_core::Error::invalid("the snapshot", error.to_string()))?;
        for action in taken {
            fresh.take(*action);
        }
        *self = fresh;
        Ok(())
    }
}

/// What a snapshot begins with; the last byte is the version of the form.
const MAGIC: &[u8] = b"ibn-headroom\x02";

/// Draws a workload of one of some scenarios, or a scenario of a [`ScenarioDistribution`].
#[derive(Clone)]
pub struct HeadroomSource {
    scenarios: Vec<(Arc<Scenario>, usize)>,
    drawn: Option<ScenarioDistribution>,
    /// The share of those that are drawn from the distribution.
    share: f64,
    price: Price,
    first: HeadroomEnvironment,
}

impl HeadroomSource {
    /// Each workload with an objective of these scenarios is as likely as any other; with `drawn`, that makes up `share` of all.
    ///
    /// # Errors
    /// As for [`HeadroomEnvironment::new`]; nothing to draw from.
    pub fn new(
        scenarios: &[Scenario],
        drawn: Option<ScenarioDistribution>,
        share: f64,
        price: Price,
    ) -> Result<Self> {
        let mut known = Vec::new();
        for scenario in scenarios {
            let shared = Arc::new(scenario.clone());
            for focus in 0..scenario.workloads.len() {
                HeadroomEnvironment::at(
                    Arc::clone(&shared),
                    focus,
                    price,
                    Preference::default(),
                    0,
                )?;
                known.push((Arc::clone(&shared), focus));
            }
        }
        let first = match (known.first(), &drawn) {
            (Some((scenario, focus)), _) => HeadroomEnvironment::at(
                Arc::clone(scenario),
                *focus,
                price,
                Preference::default(),
                0,
            )?,
            (None, Some(drawn)) => HeadroomEnvironment::new(drawn.scenario(0.0, 0)?, 0, price)?,
            (None, None) => {
                return Err(Error::spec("scenarios", "there is nothing to draw from"));
            }
        };
        Ok(Self {
            first,
            share: if known.is_empty() { 1.0 } else { share },
            scenarios: known,
            drawn,
            price,
        })
    }

    fn draw(&self, level: f64, seed: u64) -> Result<HeadroomEnvironment> {
        let mut stream = Seeds::new(seed).stream(crate::rng::Purpose::Demand, "source", 0);
        let is_drawn = crate::rng::uniform(&mut stream) < self.share;
        let pick = crate::rng::uniform(&mut stream);
        let preference = match (crate::rng::uniform(&mut stream) * 3.0) as u32 {
            0 => Preference::Cost,
            1 => Preference::Balanced,
            _ => Preference::Performance,
        };
        match (&self.drawn, is_drawn) {
            (Some(drawn), true) => {
                let scenario = Arc::new(drawn.scenario(level, seed)?);
                HeadroomEnvironment::at(scenario, 0, self.price, preference, seed)
            }
            _ => {
                let index = (pick * self.scenarios.len() as f64) as usize;
                let (scenario, focus) = self
                    .scenarios
                    .get(index.min(self.scenarios.len().saturating_sub(1)))
                    .ok_or_else(|| Error::spec("scenarios", "there is nothing to draw from"))?;
                HeadroomEnvironment::at(Arc::clone(scenario), *focus, self.price, preference, seed)
            }
        }
    }
}

impl ScenarioSource for HeadroomSource {
    fn sample(&self, level: f64, seed: u64) -> Box<dyn Environment> {
        // What could be drawn once can be drawn again, but for a trace file that has gone: then the first stands in.
        let drawn = self.draw(level, seed);
        Box::new(drawn.unwrap_or_else(|_| self.first.clone()))
    }
}
