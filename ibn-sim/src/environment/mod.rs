//! Reinforcement-learning environments over both engines: a scenario, one step a control period.
//!
//! **Observation.** For each workload, in the order of the scenario, the features of [`ibn_core::encoding`], all of them finite and
//! in a fixed range.
//!
//! **Actions** are of one of three kinds ([`ActionKind`]). What the mask forbids, and what would lead outside the bounds of the
//! scenario, is left as it is.
//!
//! **Reward** of a step, the mean over the workloads of
//! `−violated − (cores + change weight · changes) ÷ violation weight`
//! with `violated` 1 where the objective's quantile over the last minute is above its bound (0 where nobody came), `cores` the CPU that all pods
//! request, `changes` the fields that were changed, and the weights of [`RewardWeights`]. So a violated
//! period costs 1, and ten cores for a period cost as much.
//!
//! **Episodes** begin one control period into the scenario, are never `terminated`, and `truncated` at its horizon.

mod action;
mod headroom;
mod plant;
mod source;

use std::sync::Arc;
use std::time::Duration;

use ibn_core::encoding;
use ibn_core::roles::{Action, Environment, Spaces, Step};
use ibn_core::situation::{Outcome, RewardWeights, Situation};

pub use action::ActionKind;
pub use headroom::{HeadroomEnvironment, HeadroomSource, Price};
pub use source::ScenarioDistribution;

use crate::episode::Watch;
use crate::error::{Error, Result};
use crate::rng::Seeds;
use crate::scenario::Scenario;
use plant::{Flow, Plant, Requests};

/// Which engine simulates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Request by request.
    Requests,
    /// As a flow, for speed; see [`crate::fluid`] for what that leaves out. Faults but a surge are left out, too.
    Fluid,
}

/// A scenario as an environment. A snapshot is the seed with the actions so far; going back to it plays them again.
///
/// ```
/// use ibn_core::roles::{Action, Environment};
/// use ibn_sim::Scenario;
/// use ibn_sim::environment::{ActionKind, Engine, ScenarioEnvironment};
///
/// let mut environment = ScenarioEnvironment::new(Scenario::demo()?, Engine::Fluid, ActionKind::MultiDiscrete)?;
/// let spaces = environment.spaces();
/// let (mut observation, mut mask) = (vec![0.0; spaces.observation], vec![false; spaces.action.mask_len()]);
/// environment.reset(7, &mut observation, &mut mask);
/// // Nine workloads: one pod more for the first, everything else as it is.
/// let mut action = [2, 1, 1].repeat(9);
/// action[0] = 3;
/// let step = environment.step(Action::Discrete(&action), &mut observation, &mut mask);
/// assert!(step.reward <= 0.0 && !step.truncated);
/// # Ok::<(), ibn_sim::Error>(())
/// ```
pub struct ScenarioEnvironment {
    scenario: Arc<Scenario>,
    engine: Engine,
    actions: ActionKind,
    plant: Box<dyn Plant>,
    watches: Vec<Watch>,
    /// One for each workload, as it is now.
    situations: Vec<Situation>,
    seed: u64,
    /// The actions so far, as bits.
    taken: Vec<u32>,
    step: u64,
}

impl Clone for ScenarioEnvironment {
    /// A snapshot in memory: it goes on as the original does, and neither changes the other.
    fn clone(&self) -> Self {
        Self {
            scenario: Arc::clone(&self.scenario),
            engine: self.engine,
            actions: self.actions,
            plant: self.plant.fork(),
            watches: self.watches.clone(),
            situations: self.situations.clone(),
            seed: self.seed,
            taken: self.taken.clone(),
            step: self.step,
        }
    }
}

impl ScenarioEnvironment {
    /// A scenario on an engine, at the start of seed 0.
    ///
    /// # Errors
    /// As for [`Scenario::cluster_spec`]; a horizon of less than two control periods; [`ActionKind::Discrete`] for several workloads; for the
    /// fluid engine a demand of given times, or a control period below 1 s.
    pub fn new(scenario: Scenario, engine: Engine, actions: ActionKind) -> Result<Self> {
        if scenario.horizon < 2 * scenario.control_period || scenario.workloads.is_empty() {
            return Err(Error::spec(
                "horizon",
                "an environment needs a workload and at least two control periods",
            ));
        }
        if actions == ActionKind::Discrete && scenario.workloads.len() != 1 {
            return Err(Error::spec(
                "workloads",
                "one discrete action is for one workload; take the multi-discrete ones",
            ));
        }
        Self::at(Arc::new(scenario), engine, actions, 0)
    }

    fn at(scenario: Arc<Scenario>, engine: Engine, actions: ActionKind, seed: u64) -> Result<Self> {
        let plant: Box<dyn Plant> = match engine {
            Engine::Requests => Box::new(Requests::new(&scenario, seed)?),
            Engine::Fluid => Box::new(Flow::new(&scenario, seed)?),
        };
        let cores = scenario.cores();
        let watches = scenario
            .workloads
            .iter()
            .map(|workload| Watch::new(workload, Some(workload.model(cores))))
            .collect();
        let mut environment = Self {
            scenario,
            engine,
            actions,
            plant,
            watches,
            situations: Vec::new(),
            seed,
            taken: Vec::new(),
            step: 0,
        };
        environment.plant.advance();
        environment.look();
        Ok(environment)
    }

    /// Steps of an episode.
    #[must_use]
    pub fn steps(&self) -> u64 {
        let periods = |span: Duration| span.as_nanos() / self.scenario.control_period.as_nanos();
        u64::try_from(periods(self.scenario.horizon)).map_or(u64::MAX, |periods| periods - 1)
    }

    /// The situations of the workloads, in the order of the scenario.
    #[must_use]
    pub fn situations(&self) -> &[Situation] {
        &self.situations
    }

    fn look(&mut self) {
        let seeds = Seeds::new(self.seed).child("environment");
        let seed = seeds.child(&self.step.to_string()).root();
        let period = self.scenario.control_period;
        self.situations = self
            .watches
            .iter_mut()
            .enumerate()
            .filter_map(|(index, watch)| {
                let (state, seen) = self.plant.look(index)?;
                Some(watch.situation(state, seen, period, seed))
            })
            .collect();
    }

    /// Writes what is observed, and what is allowed.
    fn write(&self, observation: &mut [f32], mask: &mut [bool]) {
        let features = encoding::FEATURE_NAMES.len();
        for (situation, part) in self
            .situations
            .iter()
            .zip(observation.chunks_exact_mut(features))
        {
            part.copy_from_slice(&encoding::encode(situation).features);
        }
        let each = self.actions.mask_len();
        if each > 0 {
            for (situation, part) in self.situations.iter().zip(mask.chunks_exact_mut(each)) {
                self.actions.mask(situation, part);
            }
        }
    }

    /// Takes an action, given as bits, and gives back the reward.
    fn take(&mut self, action: &[u32]) -> f32 {
        let each = self.actions.len();
        let mut changes = vec![0; self.situations.len()];
        for (index, (situation, part)) in self
            .situations
            .iter()
            .zip(action.chunks_exact(each))
            .enumerate()
        {
            let to = self.actions.wanted(situation, part);
            let changed = situation.state.allocation.changes_to(&to).len() as u32;
            if changed > 0 {
                self.plant.set(index, &to);
            }
            if let Some(changes) = changes.get_mut(index) {
                *changes = changed;
            }
        }
        self.taken.extend_from_slice(action);
        self.step += 1;
        self.plant.advance();
        self.look();
        let weights = RewardWeights::default();
        let rewards = self.situations.iter().zip(&changes).map(|(now, changes)| {
            let outcome = now.history.last().map(|seen| {
                let live = &now.state.allocation;
                Outcome::of(&now.objectives, seen, live, *changes, weights)
            });
            outcome.map_or(0.0, |outcome| {
                let violated = if outcome.violation.is_nan() {
                    0.0
                } else {
                    outcome.violation
                };
                let cost = outcome.cost_cores + weights.change * f64::from(outcome.changes);
                -violated - cost / weights.violation
            })
        });
        (rewards.sum::<f64>() / self.situations.len().max(1) as f64) as f32
    }
}

impl Environment for ScenarioEnvironment {
    fn spaces(&self) -> Spaces {
        let workloads = self.scenario.workloads.len();
        Spaces {
            observation: workloads * encoding::FEATURE_NAMES.len(),
            action: self.actions.space(workloads),
        }
    }

    fn reset(&mut self, seed: u64, observation: &mut [f32], mask: &mut [bool]) {
        // What could be built once can be built again; a trace file that has gone meanwhile leaves the episode that there is.
        if let Ok(fresh) = Self::at(Arc::clone(&self.scenario), self.engine, self.actions, seed) {
            *self = fresh;
        }
        self.write(observation, mask);
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f32], mask: &mut [bool]) -> Step {
        let bits = self.actions.bits(action, self.scenario.workloads.len());
        let reward = match bits {
            Some(bits) if self.step < self.steps() => self.take(&bits),
            _ => 0.0,
        };
        self.write(observation, mask);
        Step {
            reward,
            terminated: false,
            truncated: self.step >= self.steps(),
        }
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.seed.to_le_bytes());
        bytes.extend(self.taken.iter().flat_map(|bits| bits.to_le_bytes()));
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
        let (seed, rest) = rest.split_first_chunk::<8>().ok_or_else(invalid)?;
        let (words, odd) = rest.as_chunks::<4>();
        let each = self.actions.len() * self.scenario.workloads.len();
        let taken: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let steps = (taken.len() / each) as u64;
        if !odd.is_empty() || !taken.len().is_multiple_of(each) || steps > self.steps() {
            return Err(invalid());
        }
        let mut fresh = Self::at(
            Arc::clone(&self.scenario),
            self.engine,
            self.actions,
            u64::from_le_bytes(*seed),
        )
        .map_err(|error| ibn_core::Error::invalid("the snapshot", error.to_string()))?;
        for action in taken.chunks_exact(each) {
            if !self.actions.is_one(action) {
                return Err(invalid());
            }
            fresh.take(action);
        }
        *self = fresh;
        Ok(())
    }
}

/// What a snapshot begins with; the last byte is the version of the form.
const MAGIC: &[u8] = b"ibn-env\x01";
