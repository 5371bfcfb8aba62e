//! The role that foresees effects.

use crate::allocation::Allocation;
use crate::prediction::{Demand, Prediction, WorkloadModel};

/// A twin: what a workload would do under a demand with an allocation. Pure and quick.
pub trait Predictor: Send + Sync {
    /// The name under which it can be chosen.
    fn name(&self) -> &str;

    /// The predicted indicators. Never panics: beyond saturation latencies are infinite and `saturated` is set.
    fn predict(&self, model: &WorkloadModel, demand: Demand, allocation: &Allocation)
    -> Prediction;
}
