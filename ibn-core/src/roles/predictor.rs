//! The role that foresees effects.

use crate::allocation::Allocation;
use crate::prediction::{Demand, Prediction, WorkloadModel};

/// A twin: what a workload would do under a demand with an allocation. Pure and quick.
///
/// ```
/// use ibn_core::allocation::{Allocation, ContainerResources};
/// use ibn_core::prediction::{Demand, Interval, Prediction, WorkloadModel};
/// use ibn_core::roles::Predictor;
/// use ibn_core::units::{Bytes, CpuMillis};
/// use std::time::Duration;
///
/// /// Knows utilisation and saturation, and says nothing of latency.
/// struct Utilization;
///
/// impl Predictor for Utilization {
///     fn name(&self) -> &str {
///         "utilization"
///     }
///
///     fn predict(&self, model: &WorkloadModel, demand: Demand, allocation: &Allocation) -> Prediction {
///         let cores = allocation.total_requests().cpu.as_cores();
///         let wanted = demand.request_rate * model.cpu_seconds_per_request;
///         Prediction {
///             latency: Default::default(),
///             cpu_utilization: Interval::exact(100.0 * wanted.min(cores) / cores),
///             error_rate: Interval::exact(0.0),
///             throughput: Interval::exact(demand.request_rate * (cores / wanted).min(1.0)),
///             cost_cores: cores,
///             saturated: wanted >= cores,
///         }
///     }
/// }
///
/// let model = WorkloadModel {
///     cpu_seconds_per_request: 0.02,
///     service_cv2: 1.0,
///     base_latency_seconds: 0.0,
///     concurrency: 2,
///     queue_capacity: None,
///     startup: Duration::from_secs(5),
///     pod_memory: Bytes::new(64 << 20),
/// };
/// let app = ContainerResources::new("app").with_requests(CpuMillis::new(500), Bytes::new(64 << 20));
/// let demand = Demand { request_rate: 40.0, arrival_cv2: 1.0 };
/// let two = Utilization.predict(&model, demand, &Allocation::new(2, vec![app]));
/// assert_eq!((two.cpu_utilization.mid, two.saturated), (80.0, false));
/// ```
pub trait Predictor: Send + Sync {
    /// The name under which it can be chosen.
    fn name(&self) -> &str;

    /// The predicted indicators. Never panics: beyond saturation latencies are infinite and `saturated` is set.
    fn predict(&self, model: &WorkloadModel, demand: Demand, allocation: &Allocation)
    -> Prediction;
}
