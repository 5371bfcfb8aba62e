//! The role that measures.

use std::time::Duration;

use async_trait::async_trait;

use crate::observation::Observation;
use crate::workload::WorkloadRef;

/// Measures workloads over a window.
///
/// ```
/// use ibn_core::observation::{Observation, Signal};
/// use ibn_core::roles::Monitor;
/// use ibn_core::workload::WorkloadRef;
/// use std::time::Duration;
///
/// /// A source that knows one workload, and of it the rate of requests.
/// struct OneCounter(WorkloadRef, f64, jiff::Timestamp);
///
/// #[async_trait::async_trait]
/// impl Monitor for OneCounter {
///     async fn observe(&self, workloads: &[WorkloadRef], window: Duration) -> ibn_core::Result<Vec<Observation>> {
///         let observe = |workload: &WorkloadRef| {
///             let mut seen = Observation::new(workload.clone(), self.2, window);
///             if *workload == self.0 {
///                 seen.set(Signal::RequestRate, self.1, self.2);
///             }
///             seen
///         };
///         Ok(workloads.iter().map(observe).collect())
///     }
/// }
///
/// let (web, api) = (WorkloadRef::deployment("acme", "web"), WorkloadRef::deployment("acme", "api"));
/// let monitor = OneCounter(web.clone(), 40.0, jiff::Timestamp::UNIX_EPOCH);
/// let seen = futures::executor::block_on(monitor.observe(&[api, web], Duration::from_secs(60)))?;
/// assert_eq!(seen[0].value(&Signal::RequestRate), None, "missing is missing, not zero");
/// assert_eq!(seen[1].value(&Signal::RequestRate), Some(40.0));
/// # Ok::<(), ibn_core::Error>(())
/// ```
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
