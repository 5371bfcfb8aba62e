//! The role that measures.

use std::time::Duration;

use async_trait::async_trait;

use crate::observation::Observation;
use crate::workload::WorkloadRef;

/// Measures workloads over a window.
#[async_trait]
pub trait Monitor: Send + Sync {
    /// One observation for each of `workloads`, in their order, over the last `window`.
    ///
    /// A signal that the source doesn't have is left out; it is never made up, and never zero for want of a value.
    ///
    /// # Errors
    /// Where the source can't be reached at all. A workload that it doesn't know has an empty observation.
    async fn observe(
        &self,
        workloads: &[WorkloadRef],
        window: Duration,
    ) -> crate::Result<Vec<Observation>>;
}
