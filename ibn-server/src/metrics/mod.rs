//! The metrics endpoint, in the text form of OpenMetrics, which Prometheus reads. `deploy/prometheus/METRICS.md` lists
//! what stands in it.

mod engine;
mod out;
mod workloads;

use std::fmt;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use ibn_core::workload::WorkloadRef;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;

use crate::error::Result;
use crate::state::ServerState;
use out::Out;

/// Tells what the engine can't know of workloads: counters and histograms since their start.
///
/// A simulated cluster tells it of its pods. On a real one the pods are scraped themselves, and nobody implements it.
pub trait WorkloadMetrics: Send + Sync {
    /// What is known now, one entry for each workload. Counters never go back, when pods go too.
    fn read(&self) -> Vec<WorkloadSample>;
}

/// What is known of one workload. What isn't known is absent.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkloadSample {
    /// Which workload.
    pub workload: WorkloadRef,
    /// Requests by how they ended, since the start.
    pub requests: Option<RequestCounts>,
    /// Response times of the requests that were answered well, seconds.
    pub duration: Option<DurationHistogram>,
    /// CPU time that was used by all pods, seconds since the start.
    pub cpu_seconds: Option<f64>,
    /// CFS periods in which a pod could run, since the start.
    pub cpu_periods: Option<u64>,
    /// Those in which it was throttled.
    pub cpu_throttled_periods: Option<u64>,
    /// Container restarts, since the start.
    pub restarts: Option<u64>,
}

impl WorkloadSample {
    /// A sample in which nothing is known.
    #[must_use]
    pub fn new(workload: WorkloadRef) -> Self {
        Self {
            workload,
            requests: None,
            duration: None,
            cpu_seconds: None,
            cpu_periods: None,
            cpu_throttled_periods: None,
            restarts: None,
        }
    }
}

/// Requests by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// Answered well.
    pub ok: u64,
    /// Answered with an error.
    pub failed: u64,
    /// Turned away or given up.
    pub dropped: u64,
}

/// A histogram since the start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DurationHistogram {
    /// Sum of all durations, seconds.
    pub sum: f64,
    /// All that were counted.
    pub count: u64,
    /// Upper end of each bucket in seconds, ascending, with the count of what fell between the one before and it. What
    /// is longer than the last is told by `count`.
    pub buckets: Vec<(f64, u64)>,
}

impl DurationHistogram {
    /// The upper ends that dashboards and rules expect of response times, seconds.
    pub const REQUEST_BOUNDS: [f64; 13] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0,
    ];
}

/// `GET /metrics`.
pub(crate) async fn metrics(State(state): State<ServerState>) -> Result<Response> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Everything(state)));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

struct Everything(ServerState);

impl fmt::Debug for Everything {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Everything")
    }
}

impl Collector for Everything {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut out = Out::new(&mut encoder);
        workloads::write(&self.0, &mut out)?;
        workloads::write_objectives(&self.0, &mut out)?;
        engine::write(&self.0, &mut out)?;
        engine::write_learners(&self.0, &mut out)?;
        engine::write_translator(&self.0, &mut out)
    }
}
