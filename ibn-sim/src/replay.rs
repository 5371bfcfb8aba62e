//! A twin that simulates: slow and true to the model of a pod, for what-if questions and to test quicker twins.

use std::collections::BTreeMap;
use std::time::Duration;

use ibn_core::allocation::Allocation;
use ibn_core::prediction::{Demand, Interval, Prediction, WorkloadModel};
use ibn_core::roles::Predictor;
use ibn_core::units::{Bytes, CpuMillis, Quantile};

use crate::account::Span;
use crate::balance::Balancing;
use crate::cluster::Cluster;
use crate::demand::RateCurve;
use crate::error::Result;
use crate::law::Law;
use crate::spec::{ClusterSpec, MemoryUse, NodeSpec, PodSize, WorkloadSpec};
use crate::time::SimTime;

/// Runs the request-level simulator under a constant rate and reports the second half of each run.
///
/// The middle of an interval is the mean over the runs, its ends their extremes. Arrivals are Poisson whatever the demand's
/// `arrival_cv2`; the CPU time is log-normal with the model's moments, constant for a `cv2` of 0. Saturation is told by the
/// offered load, as by [`Twin`](crate::Twin). The same values give the same prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    balancing: Balancing,
    runs: u32,
    span: Duration,
}

impl Default for Replay {
    /// Three runs of ten minutes, with random balancing.
    fn default() -> Self {
        Self {
            balancing: Balancing::Random,
            runs: 3,
            span: Duration::from_secs(600),
        }
    }
}

impl Replay {
    /// The same with so many runs (at least one) of `span` each (at least 20 s).
    #[must_use]
    pub fn with_runs(self, runs: u32, span: Duration) -> Self {
        Self {
            runs: runs.max(1),
            span: span.max(Duration::from_secs(20)),
            ..self
        }
    }

    /// The same with requests spread over the pods so.
    #[must_use]
    pub const fn with_balancing(self, balancing: Balancing) -> Self {
        Self { balancing, ..self }
    }

    fn spec(
        &self,
        model: &WorkloadModel,
        demand: Demand,
        allocation: &Allocation,
    ) -> Result<ClusterSpec> {
        let mut workload = WorkloadSpec::new("workload", RateCurve::constant(demand.request_rate)?);
        let mean =
            Duration::try_from_secs_f64(model.cpu_seconds_per_request).unwrap_or(Duration::MAX);
        let cv = model.service_cv2.max(0.0).sqrt();
        workload.service = if cv > 0.0 {
            Law::Lognormal { mean, cv }
        } else {
            Law::Constant { mean }
        };
        workload.base_latency =
            Duration::try_from_secs_f64(model.base_latency_seconds).unwrap_or_default();
        workload.concurrency = Some(model.concurrency.max(1));
        workload.max_queue = model.queue_capacity.unwrap_or(u32::MAX);
        workload.replicas = allocation.replicas;
        workload.balancing = self.balancing;
        // Memory is none of a twin's business, nor is room on nodes.
        workload.memory = MemoryUse {
            base: Bytes::new(0),
            per_request: Bytes::new(0),
        };
        let limits = allocation
            .containers
            .iter()
            .map(|container| container.limits.cpu);
        workload.size = PodSize {
            cpu_request: CpuMillis::new(0),
            cpu_limit: limits
                .sum::<Option<CpuMillis>>()
                .filter(|limit| limit.get() > 0),
            memory_request: Bytes::new(0),
            memory_limit: None,
        };
        let cores = u64::from(model.concurrency.clamp(1, 1024));
        let node = NodeSpec {
            max_pods: u32::MAX,
            ..NodeSpec::new("node", CpuMillis::new(1000 * cores), Bytes::new(0))
        };
        Ok(ClusterSpec {
            nodes: vec![node],
            ..ClusterSpec::on_one_node(vec![workload])
        })
    }

    fn run(&self, spec: &ClusterSpec, seed: u64) -> Option<Span> {
        let mut cluster = Cluster::new(spec, seed).ok()?;
        cluster.advance_to(SimTime::ZERO.after(self.span));
        cluster.span("workload", self.span / 2).ok()?
    }
}

impl Predictor for Replay {
    fn name(&self) -> &str {
        "replay"
    }

    fn predict(
        &self,
        model: &WorkloadModel,
        demand: Demand,
        allocation: &Allocation,
    ) -> Prediction {
        // The sums and the contract of saturation are the analytic twin's.
        let mut prediction = crate::Twin::default()
            .with_balancing(self.balancing)
            .predict(model, demand, allocation);
        if prediction.saturated || allocation.replicas == 0 {
            return prediction;
        }
        let Ok(spec) = self.spec(model, demand, allocation) else {
            return prediction;
        };
        let spans: Vec<Span> = (0..u64::from(self.runs))
            .filter_map(|seed| self.run(&spec, seed))
            .collect();
        let over_runs = |value: &dyn Fn(&Span) -> Option<f64>| {
            let values: Vec<f64> = spans.iter().filter_map(value).collect();
            let mid = values.iter().sum::<f64>() / values.len() as f64;
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            (!values.is_empty()).then(|| Interval {
                low,
                mid,
                high: values.iter().copied().fold(low, f64::max),
            })
        };
        let mut latency = BTreeMap::new();
        for quantile in [Quantile::P50, Quantile::P95, Quantile::P99] {
            let at = |span: &Span| {
                span.latencies
                    .quantile(quantile.get())
                    .map(|latency| latency.as_secs_f64())
            };
            latency.extend(over_runs(&at).map(|interval| (quantile.short_name(), interval)));
        }
        if latency.len() == 3 {
            prediction.latency = latency;
        }
        let share = |span: &Span| {
            let finished = span.counts.finished();
            (finished > 0).then(|| span.counts.failed() as f64 / finished as f64)
        };
        prediction.error_rate = over_runs(&share).unwrap_or(prediction.error_rate);
        let seconds = |span: &Span| span.to.since(span.from).as_secs_f64();
        let throughput = over_runs(&|span| Some(span.counts.served as f64 / seconds(span)));
        prediction.throughput = throughput.unwrap_or(prediction.throughput);
        let requested = allocation.total_requests().cpu.as_cores();
        if requested > 0.0 {
            let used = over_runs(&|span| Some(span.load.cpu_nanos as f64 / 1e9 / seconds(span)));
            prediction.cpu_utilization = used.map_or(prediction.cpu_utilization, |used| {
                used.map(|cores| 100.0 * cores / requested)
            });
        }
        prediction
    }
}

#[cfg(test)]
mod tests {
    use ibn_core::allocation::ContainerResources;

    use super::*;
    use crate::Twin;

    fn model() -> WorkloadModel {
        WorkloadModel {
            cpu_seconds_per_request: 0.01,
            service_cv2: 0.5,
            base_latency_seconds: 0.002,
            concurrency: 4,
            queue_capacity: Some(100),
            startup: Duration::from_secs(10),
            pod_memory: Bytes::new(1 << 20),
        }
    }

    fn allocation(replicas: u32) -> Allocation {
        let cpu = CpuMillis::new(500);
        Allocation::new(
            replicas,
            vec![
                ContainerResources::new("app")
                    .with_requests(cpu, Bytes::new(1))
                    .with_limits(cpu, Bytes::new(1)),
            ],
        )
    }

    #[test]
    fn it_says_what_the_twin_says_within_its_interval() {
        let demand = Demand {
            request_rate: 100.0,
            arrival_cv2: 1.0,
        };
        let replayed = Replay::default().predict(&model(), demand, &allocation(4));
        let foreseen = Twin::default().predict(&model(), demand, &allocation(4));
        for quantile in [Quantile::P50, Quantile::P95, Quantile::P99] {
            let (replayed, foreseen) = (
                replayed.latency_at(quantile).unwrap(),
                foreseen.latency_at(quantile).unwrap(),
            );
            assert!(replayed.low <= replayed.mid && replayed.mid <= replayed.high);
            assert!(
                replayed.high >= foreseen.low && replayed.low <= foreseen.high,
                "{replayed:?} {foreseen:?}"
            );
        }
        assert!(
            (replayed.cpu_utilization.mid - 50.0).abs() < 2.0,
            "{:?}",
            replayed.cpu_utilization
        );
        assert!((replayed.throughput.mid - 100.0).abs() < 3.0);
        assert_eq!(
            replayed,
            Replay::default().predict(&model(), demand, &allocation(4))
        );
    }

    #[test]
    fn saturation_is_told_not_simulated() {
        let demand = Demand {
            request_rate: 1000.0,
            arrival_cv2: 1.0,
        };
        let prediction = Replay::default().predict(&model(), demand, &allocation(4));
        assert!(
            prediction.saturated
                && prediction
                    .latency_at(Quantile::P95)
                    .unwrap()
                    .mid
                    .is_infinite()
        );
    }
}
