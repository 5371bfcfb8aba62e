//! Response times of a pod by its load, worked out once for all pods that are alike.

use ibn_core::allocation::{Allocation, ContainerResources};
use ibn_core::prediction::{Demand, WorkloadModel};
use ibn_core::roles::Predictor;
use ibn_core::units::{Bytes, CpuMillis, Quantile};

use crate::balance::Balancing;
use crate::spec::WorkloadSpec;
use crate::twin::Twin;

/// Loads at which the twin is asked; in between it is interpolated.
const POINTS: usize = 49;
/// The highest of them.
const HIGHEST: f64 = 0.98;

/// What makes pods alike. Quantities are whole so that equal ones are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    work_nanos: u64,
    work_cv2_bits: u64,
    base_nanos: u64,
    threads: u32,
    cores: u32,
    limit: Option<u64>,
    /// How requests are spread, and over how many pods where that matters.
    balancing: Balancing,
    pods: u32,
}

impl Kind {
    pub(super) fn of(spec: &WorkloadSpec, cores: u32) -> Self {
        let mean = spec.service.mean();
        Self {
            work_nanos: crate::time::nanos(mean),
            work_cv2_bits: spec.service.cv2().to_bits(),
            base_nanos: crate::time::nanos(spec.base_latency),
            threads: spec.concurrency.unwrap_or(cores),
            cores,
            limit: spec.size.cpu_limit.map(CpuMillis::get),
            balancing: spec.balancing,
            pods: 1,
        }
    }

    /// The same where requests are spread over so many pods. At random each pod is a queue of its own, whatever their number;
    /// beyond 64 one more makes no difference.
    pub(super) fn over(self, pods: u32) -> Self {
        let pods = if self.balancing == Balancing::Random {
            1
        } else {
            pods.clamp(1, 64)
        };
        Self { pods, ..self }
    }

    /// The same under another CPU limit.
    pub(super) fn limited(self, limit: Option<CpuMillis>) -> Self {
        Self {
            limit: limit.map(CpuMillis::get),
            ..self
        }
    }

    fn work(&self) -> f64 {
        self.work_nanos as f64 / 1e9
    }

    /// Requests a second that a pod serves at most.
    pub(super) fn capacity(&self) -> f64 {
        let busy = f64::from(self.threads.min(self.cores).max(1));
        let limit = self
            .limit
            .map_or(f64::INFINITY, |limit| limit as f64 / 1000.0);
        limit.min(busy) / self.work()
    }
}

/// Mean and quantiles of the response time of pods of one kind, seconds, by load.
#[derive(Debug, Clone)]
pub(super) struct Class {
    /// Requests a second that a pod serves at most.
    pub(super) capacity: f64,
    /// CPU time of a request, seconds.
    pub(super) work: f64,
    table: Vec<[f64; 3]>,
}

impl Class {
    pub(super) fn of(kind: &Kind) -> Self {
        let (capacity, work) = (kind.capacity(), kind.work());
        let twin = Twin::default()
            .with_cores(kind.cores)
            .with_balancing(kind.balancing);
        let model = WorkloadModel {
            cpu_seconds_per_request: work,
            service_cv2: f64::from_bits(kind.work_cv2_bits),
            base_latency_seconds: kind.base_nanos as f64 / 1e9,
            concurrency: kind.threads,
            queue_capacity: None,
            startup: std::time::Duration::ZERO,
            pod_memory: Bytes::new(0),
        };
        let mut app = ContainerResources::new("app");
        app.limits.cpu = kind.limit.map(CpuMillis::new);
        let pods = Allocation::new(kind.pods, vec![app]);
        let table = (0..POINTS)
            .map(|point| {
                let load = HIGHEST * point as f64 / (POINTS - 1) as f64;
                let demand = Demand {
                    request_rate: load * capacity * f64::from(kind.pods),
                    arrival_cv2: 1.0,
                };
                let prediction = twin.predict(&model, demand, &pods);
                [Quantile::P50, Quantile::P95, Quantile::P99].map(|quantile| {
                    prediction
                        .latency_at(quantile)
                        .map_or(f64::INFINITY, |seconds| seconds.mid)
                })
            })
            .collect();
        Self {
            capacity,
            work,
            table,
        }
    }

    /// Median, 95th and 99th percentile at a load, 0 to 1; beyond the highest one that was asked for, as there.
    #[inline]
    pub(super) fn quantiles(&self, load: f64) -> [f64; 3] {
        let place = (load / HIGHEST).clamp(0.0, 1.0) * (POINTS - 1) as f64;
        let below = (place as usize).min(POINTS - 2);
        let part = place - below as f64;
        match (self.table.get(below), self.table.get(below + 1)) {
            (Some([a, b, c]), Some([x, y, z])) => {
                [a + part * (x - a), b + part * (y - b), c + part * (z - c)]
            }
            _ => [f64::INFINITY; 3],
        }
    }
}
