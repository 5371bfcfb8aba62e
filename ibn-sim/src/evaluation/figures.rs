//! What a run came to, in figures.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::metrics::Metrics;

/// What a workload came to. Times in seconds; absent where nothing was served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The workload, `NAMESPACE/KIND/NAME`.
    pub workload: String,
    /// Requests that came.
    pub requests: u64,
    /// How far the objective was missed.
    pub violations: Violations,
    /// CPU request of the pods on nodes over time.
    pub core_hours: f64,
    /// Pods on nodes over time.
    pub replica_hours: f64,
    /// Changes of replicas or sizes an hour.
    pub churn: f64,
    /// Response times, in seconds.
    pub latency: Latency,
    /// Turned away: no pod, no room, or a container that ended.
    pub dropped: u64,
    /// Given up by their client.
    pub timed_out: u64,
}

/// How far an objective was missed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Violations {
    /// Share of windows of a minute in which the objective's quantile was above its bound.
    pub windows: f64,
    /// Share of requests that were slower than the bound, or failed.
    pub requests: f64,
}

/// Quantiles of the response time, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
}

impl From<&Metrics> for Figures {
    fn from(metrics: &Metrics) -> Self {
        let seconds = |quantile: Option<Duration>| quantile.map(|it| it.as_secs_f64());
        Self {
            workload: metrics.workload.clone(),
            requests: metrics.counts.arrived,
            violations: Violations {
                windows: metrics.violated_windows(),
                requests: metrics.violating_requests(),
            },
            core_hours: metrics.core_hours,
            replica_hours: metrics.replica_hours,
            churn: metrics.churn(),
            latency: Latency {
                p50: seconds(metrics.p50),
                p95: seconds(metrics.p95),
                p99: seconds(metrics.p99),
            },
            dropped: metrics.counts.dropped(),
            timed_out: metrics.counts.timed_out,
        }
    }
}

/// Figures over all workloads of a run: windows, requests and changes of all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Requests that came.
    pub requests: u64,
    /// How far the objectives were missed.
    pub violations: Violations,
    /// CPU request of all pods on nodes over time.
    pub core_hours: f64,
    /// Pods on nodes over time.
    pub replica_hours: f64,
    /// Changes of replicas or sizes an hour.
    pub churn: f64,
    /// Share of finished requests that were turned away or given up.
    pub failed: f64,
}

impl Totals {
    /// Sums workloads up over a run of so long.
    #[must_use]
    pub fn of(workloads: &[Metrics], horizon: Duration) -> Self {
        let mut totals = Self::default();
        let (mut violated, mut windows, mut changes) = (0, 0, 0);
        let (mut violating, mut failed, mut finished) = (0, 0, 0);
        for metrics in workloads {
            violated += metrics.windows.violated;
            windows += metrics.windows.total;
            violating += metrics.counts.violating();
            failed += metrics.counts.failed();
            finished += metrics.counts.finished();
            changes += metrics.changes;
            totals.core_hours += metrics.core_hours;
            totals.replica_hours += metrics.replica_hours;
            totals.requests += metrics.counts.arrived;
        }
        let share = |part: u64, whole: u64| {
            if whole == 0 {
                0.0
            } else {
                part as f64 / whole as f64
            }
        };
        totals.violations = Violations {
            windows: share(violated, windows),
            requests: share(violating, finished),
        };
        totals.failed = share(failed, finished);
        let hours = horizon.as_secs_f64() / 3600.0;
        totals.churn = if hours > 0.0 {
            changes as f64 / hours
        } else {
            0.0
        };
        totals
    }
}
