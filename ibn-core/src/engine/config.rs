//! How the engine is set up.

use std::time::Duration;

use crate::situation::RewardWeights;

/// The settings of an engine; [`EngineConfig::default`] is right for a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineConfig {
    /// The time between two turns of a workload.
    pub control_period: Duration,
    /// The span that one observation covers.
    pub observation_window: Duration,
    /// The age beyond which a signal is stale.
    pub max_signal_age: Duration,
    /// How many observations are kept of a workload.
    pub history: usize,
    /// How long an effect may take before its turn goes on without it.
    pub timeout: Duration,
    /// Which workloads are observed.
    pub observe: Observe,
    /// Seed of everything random in recommenders.
    pub seed: u64,
    /// What violations and changes weigh in the learners' reward.
    pub reward: RewardWeights,
    /// Whether intents are only advised on, whatever their mode: every decision is taken and recorded, and none is applied.
    pub advise_only: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            control_period: Duration::from_secs(15),
            observation_window: Duration::from_secs(60),
            max_signal_age: Duration::from_secs(90),
            history: 240,
            timeout: Duration::from_secs(10),
            observe: Observe::Managed,
            seed: 0,
            reward: RewardWeights::default(),
            advise_only: false,
        }
    }
}

/// Which workloads are observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observe {
    /// Those with an intent.
    Managed,
    /// All of the inventory.
    All,
}
