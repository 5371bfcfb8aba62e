//! Training over a distribution of scenarios: a curriculum, validation on scenarios that are not trained on, the best policy kept.

mod checkpoint;
mod drawn;

use std::sync::Arc;

use ibn_core::roles::{Environment, ScenarioSource};
use rayon::prelude::*;

pub use drawn::{Drawn, Level};

use crate::error::{Faults, Result};
use crate::nn::Mlp;
use crate::policy::Policy;
use crate::ppo::{Episode, Iteration, Ppo, PpoSettings, Teacher, evaluate};

/// How to train.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSettings {
    /// The learner's.
    pub ppo: PpoSettings,
    /// Environments beside each other.
    pub environments: usize,
    /// The share of the training over which the level of the scenarios rises from 0 to 1.
    pub curriculum: f64,
    /// Iterations between two validations.
    pub validate_every: u64,
    /// Episodes of a validation, each of another scenario.
    pub validated: usize,
    /// Validations in a row that are no better than the best, after which the training stops; `None` for never.
    pub patience: Option<u32>,
}

impl Default for TrainingSettings {
    /// What the shipped policy was trained with, after a rule had been learned.
    fn default() -> Self {
        Self {
            ppo: PpoSettings {
                total_steps: 300_000,
                rollout_steps: 256,
                minibatches: 16,
                epochs: 6,
                discount: 0.98,
                entropy_weight: 0.005,
                normalise_observations: true,
                normalise_rewards: true,
                learning_rate: crate::ppo::Schedule::Linear(1e-3),
                ..PpoSettings::default()
            },
            environments: 32,
            curriculum: 0.0,
            validate_every: 16,
            validated: 32,
            patience: None,
        }
    }
}

/// What an iteration of a training came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The learner's.
    pub iteration: Iteration,
    /// The level of the scenarios that were begun in it.
    pub level: f64,
    /// The mean reward of a step of the validation, where there was one.
    pub validation: Option<f64>,
    /// Whether that is the best so far.
    pub is_best: bool,
}

/// A training that goes on.
pub struct Training {
    settings: TrainingSettings,
    source: Arc<dyn ScenarioSource>,
    level: Arc<Level>,
    ppo: Ppo<f32>,
    seed: u64,
    best: Option<Best>,
    worse: u32,
}

/// The best policy by validation.
#[derive(Clone)]
struct Best {
    validation: f64,
    steps: u64,
    policy: Policy<f32>,
    critic: Mlp<f32>,
}

impl Training {
    /// A training on scenarios of `source`.
    ///
    /// # Errors
    /// [`crate::Error::Settings`] with the faults of the settings.
    pub fn new(
        settings: TrainingSettings,
        source: Arc<dyn ScenarioSource>,
        seed: u64,
    ) -> Result<Self> {
        let mut faults = Faults::default();
        faults.in_range("environments", settings.environments as f64, 1.0..=4096.0);
        faults.in_range("curriculum", settings.curriculum, 0.0..=1.0);
        faults.in_range("validate_every", settings.validate_every as f64, 1.0..=1e9);
        faults.in_range("validated", settings.validated as f64, 1.0..=1e5);
        faults.finish("training")?;
        let level = Arc::new(Level::default());
        level.set(if settings.curriculum > 0.0 { 0.0 } else { 1.0 });
        let environments = (0..settings.environments)
            .map(|_| {
                let drawn = Drawn::new(Arc::clone(&source), Arc::clone(&level));
                Box::new(drawn) as Box<dyn Environment>
            })
            .collect();
        Ok(Self {
            ppo: Ppo::new(settings.ppo.clone(), environments, seed)?,
            settings,
            source,
            level,
            seed,
            best: None,
            worse: 0,
        })
    }

    /// Learns from `teacher` for a rollout, which doesn't count as steps; meant for before the first of them.
    ///
    /// # Errors
    /// [`crate::Error::Diverged`].
    pub fn imitate(&mut self, teacher: &dyn Teacher) -> Result<()> {
        self.level.set(1.0);
        self.ppo.imitate(teacher)
    }

    /// Whether all steps were taken, or validations haven't become better for too long.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let gave_up = |patience| self.worse >= patience;
        self.ppo.is_done() || self.settings.patience.is_some_and(gave_up)
    }

    /// Steps so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.ppo.steps()
    }

    /// One iteration, with the validation that is due.
    ///
    /// # Errors
    /// [`crate::Error::Diverged`]; the best policy is kept.
    pub fn advance(&mut self) -> Result<Progress> {
        let share = self.ppo.steps() as f64 / self.settings.ppo.total_steps as f64;
        let level = if self.settings.curriculum > 0.0 {
            (share / self.settings.curriculum).min(1.0)
        } else {
            1.0
        };
        self.level.set(level);
        let iteration = self.ppo.iterate()?;
        let is_due = iteration
            .number
            .is_multiple_of(self.settings.validate_every)
            || self.ppo.is_done();
        let validation = is_due.then(|| self.validate());
        let is_best = validation.is_some_and(|found| {
            let is_best = self
                .best
                .as_ref()
                .is_none_or(|best| found > best.validation);
            self.worse = if is_best { 0 } else { self.worse + 1 };
            if is_best {
                self.best = Some(Best {
                    validation: found,
                    steps: self.ppo.steps(),
                    policy: self.ppo.policy().clone(),
                    critic: self.ppo.critic().clone(),
                });
            }
            is_best
        });
        Ok(Progress {
            iteration,
            level,
            validation,
            is_best,
        })
    }

    /// The mean reward of a step over the validation's scenarios, which are the same at every validation and of no seed that is
    /// trained on.
    fn validate(&self) -> f64 {
        /// Seeds from here on are for validation.
        const FROM: u64 = 1 << 63;
        let (policy, source, of_training) = (self.ppo.policy(), self.source.as_ref(), self.seed);
        let episodes: Vec<Episode> = (0..self.settings.validated as u64)
            .into_par_iter()
            .flat_map_iter(|number| {
                let seed = FROM | (of_training << 20) | number;
                let mut environment = source.sample(1.0, seed);
                evaluate(policy, environment.as_mut(), 1, seed)
            })
            .collect();
        let mean = |episode: &Episode| episode.reward / episode.steps.max(1) as f64;
        episodes.iter().map(mean).sum::<f64>() / episodes.len().max(1) as f64
    }

    /// The policy that was best in validation, its critic, its validation and the steps it took; `None` before the first validation.
    #[must_use]
    pub fn best(&self) -> Option<(&Policy<f32>, &Mlp<f32>, f64, u64)> {
        let best = self.best.as_ref()?;
        Some((&best.policy, &best.critic, best.validation, best.steps))
    }
}
