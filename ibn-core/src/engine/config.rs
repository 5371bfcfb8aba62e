//! How the engine is set up.

use std::time::Duration;

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
    /// The weight of one violated control period against one core saved, in the learners' reward.
    pub violation_weight: f64,
    /// The weight of one changed field against one core saved, in the learners' reward.
    pub change_weight: f64,
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
            violation_weight: 10.0,
            change_weight: 0.1,
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
