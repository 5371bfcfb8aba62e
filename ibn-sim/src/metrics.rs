//! What a run came to, for one workload.

use std::time::Duration;

use crate::account::{Counts, Windows};
use crate::time::SimTime;
use crate::workload::Workload;

/// What was counted of a workload since the start of a run.
///
/// Quantiles are within [`Histogram::RELATIVE_ERROR`](crate::Histogram::RELATIVE_ERROR); everything else is exact.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// The workload.
    pub workload: String,
    /// The end of the run.
    pub at: SimTime,
    /// Requests by what became of them.
    pub counts: Counts,
    /// Requests in flight at the end.
    pub in_flight: u64,
    /// Windows that violated the objective.
    pub windows: Windows,
    /// CPU request of the pods on nodes over time, in core-hours.
    pub core_hours: f64,
    /// Pods on nodes over time, in pod-hours.
    pub replica_hours: f64,
    /// CPU time used, in core-hours.
    pub used_core_hours: f64,
    /// Quota periods in which something ran, over all pods.
    pub cpu_periods: u64,
    /// Of those, the ones in which the quota was spent too soon.
    pub cpu_throttled_periods: u64,
    /// Changes of replicas or resources.
    pub changes: u64,
    /// Containers started again.
    pub restarts: u64,
    /// Mean response time of the requests that were served.
    pub mean: Option<Duration>,
    /// Median response time.
    pub p50: Option<Duration>,
    /// 95th percentile of the response time.
    pub p95: Option<Duration>,
    /// 99th percentile of the response time.
    pub p99: Option<Duration>,
    /// Hash of the workload's event log.
    pub event_hash: u64,
}

impl Metrics {
    pub(crate) fn new(workload: &Workload, now: u64, in_flight: u64) -> Self {
        let (counts, latencies) = (workload.account.total(), workload.account.latencies());
        let used = workload.usage();
        Self {
            workload: workload.spec.name.clone(),
            at: SimTime::from_nanos(now),
            counts,
            in_flight,
            windows: workload.account.windows(),
            core_hours: workload.meter.core_hours(),
            replica_hours: workload.meter.replica_hours(),
            used_core_hours: used.cpu_nanos as f64 / 3.6e12,
            cpu_periods: used.periods,
            cpu_throttled_periods: used.throttled_periods,
            changes: workload.version - 1,
            restarts: workload.restarts(),
            mean: counts.mean_latency(),
            p50: latencies.quantile(0.5),
            p95: latencies.quantile(0.95),
            p99: latencies.quantile(0.99),
            event_hash: workload.log.hash(),
        }
    }

    /// Share of windows that violated the objective, 0 to 1; 0 where there was none.
    #[must_use]
    pub fn violated_windows(&self) -> f64 {
        share(self.windows.violated, self.windows.total)
    }

    /// Share of finished requests that were slower than the objective's bound or failed, 0 to 1; 0 where there was none.
    #[must_use]
    pub fn violating_requests(&self) -> f64 {
        share(self.counts.violating(), self.counts.finished())
    }

    /// Share of finished requests that failed, 0 to 1; 0 where there was none.
    #[must_use]
    pub fn error_rate(&self) -> f64 {
        share(self.counts.failed(), self.counts.finished())
    }

    /// Changes of replicas or resources per hour.
    #[must_use]
    pub fn churn(&self) -> f64 {
        let hours = self.at.as_secs_f64() / 3600.0;
        if hours > 0.0 {
            self.changes as f64 / hours
        } else {
            0.0
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
