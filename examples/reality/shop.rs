//! The recorded workload in the simulator: one run, and several runs of the same load that differ in what nobody knows.

use std::time::Duration;

use anyhow::Result;
use ibn_core::units::{Bytes, CpuMillis};
use ibn_sim::{
    Balancing, Cluster, ClusterSpec, Fate, Kernel, Law, NodeSpec, PodSize, RateCurve, Request,
    SimTime, Traffic, WorkloadSpec,
};

use crate::load::arrivals;
use crate::record::{Config, Mode};

/// The workload's name in the simulator.
pub(crate) const SHOP: &str = "shop";

/// How long after the load has ended the last request is waited for.
pub(crate) const AFTER: f64 = 60.0;

/// What isn't in the configuration of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Costs {
    /// CPU of a request that doesn't find its thread idle, in ms.
    pub(crate) cpu_ms: f64,
    /// From a pod's creation to its first request.
    pub(crate) startup: Law,
    pub(crate) kernel: Kernel,
}

impl Costs {
    /// Requests that hardly work do hardly more on a cold cache.
    fn kernel(&self) -> Kernel {
        let tenth = Duration::from_secs_f64(self.cpu_ms / 1e4);
        Kernel {
            wake: self.kernel.wake.min(tenth),
            ..self.kernel
        }
    }

    /// The costs at which a request of `config` takes `cpu_ms` on average over the run, those that wake their thread
    /// included. How many do follows from the costs, so this is found by trying; a run of one phase says it well enough.
    pub(crate) fn on_average(self, config: &Config, cpu_ms: f64, seed: u64) -> Result<Self> {
        let mut costs = Self { cpu_ms, ..self };
        for _ in 0..3 {
            let mut cluster = cluster(config, &costs, config.replicas, seed)?;
            cluster.advance_to(instant(config.end_s + AFTER));
            let metrics = cluster.metrics(SHOP)?;
            let used = metrics.used_core_hours * 3.6e6 / metrics.counts.served.max(1) as f64;
            costs.cpu_ms = (costs.cpu_ms + cpu_ms - used).max(cpu_ms / 2.0);
        }
        Ok(costs)
    }
}

/// What doesn't wait for the CPU of the pod: the way there and back. By the runs without work, where the latency is 0.1 ms
/// above the CPU time on a kept connection and 0.3 ms on a new one.
const fn way(mode: Mode) -> Duration {
    match mode {
        Mode::ClusteripFresh => Duration::from_micros(300),
        Mode::DirectKeepalive | Mode::ClusteripKeepalive => Duration::from_micros(100),
    }
}

/// The cluster of a run at second 0 of its load: idle pods that are ready. Each pod is on a node of its own, of two cores like
/// the machine's, since the simulator doesn't know neighbours.
pub(crate) fn cluster(config: &Config, costs: &Costs, pods: u32, seed: u64) -> Result<Cluster> {
    let mut shop = WorkloadSpec::new(SHOP, RateCurve::constant(0.0)?);
    shop.traffic = Traffic::Times(arrivals(config)?);
    shop.replicas = config.replicas;
    shop.size = size(config.limit_m);
    shop.service = Law::Constant {
        mean: Duration::from_secs_f64(costs.cpu_ms / 1e3),
    };
    shop.kernel = costs.kernel();
    shop.base_latency = way(config.mode);
    shop.concurrency = config.concurrency;
    shop.max_queue = config.max_queue;
    shop.startup = costs.startup;
    shop.balancing = match config.mode {
        Mode::DirectKeepalive => Balancing::RoundRobin,
        Mode::ClusteripFresh => Balancing::Random,
        Mode::ClusteripKeepalive => Balancing::KeptConnections,
    };
    let nodes = (0..pods.max(config.replicas) * 2).map(|number| NodeSpec {
        max_pods: 1,
        ..NodeSpec::new(
            &format!("n{number}"),
            CpuMillis::new(2000),
            Bytes::new(1 << 40),
        )
    });
    let spec = ClusterSpec {
        nodes: nodes.collect(),
        ..ClusterSpec::on_one_node(vec![shop])
    };
    let mut cluster = Cluster::new(&spec, seed)?;
    cluster.keep_requests(SHOP)?;
    Ok(cluster)
}

/// Request and limit alike; memory plays no part.
pub(crate) fn size(limit_m: u64) -> PodSize {
    let cpu = CpuMillis::new(limit_m);
    PodSize {
        cpu_request: cpu,
        cpu_limit: Some(cpu),
        memory_request: Bytes::new(0),
        memory_limit: None,
    }
}

pub(crate) fn instant(seconds: f64) -> SimTime {
    SimTime::ZERO.after(Duration::from_secs_f64(seconds.max(0.0)))
}

/// Requests of several runs of the same load, as one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    runs: usize,
    requests: Vec<Request>,
}

impl Outcome {
    pub(crate) fn add(&mut self, requests: Vec<Request>) {
        self.runs += 1;
        self.requests.extend(requests);
    }

    /// Requests that came in [`from`, `to`).
    pub(crate) fn due(&self, from: f64, to: f64) -> Tally {
        let (from, to) = (instant(from), instant(to));
        let mut tally = Tally {
            runs: self.runs,
            ..Tally::default()
        };
        for request in &self.requests {
            let is_due = (from..to).contains(&request.arrived);
            tally.offered += usize::from(is_due);
            match request.fate {
                Fate::Served(latency) => {
                    let answered = request.arrived.after(latency);
                    tally.answered_within += usize::from((from..to).contains(&answered));
                    if is_due {
                        tally.latencies_ms.push(latency.as_secs_f64() * 1e3);
                    }
                }
                _ => tally.failed += usize::from(is_due),
            }
        }
        tally.latencies_ms.sort_by(f64::total_cmp);
        tally
    }
}

/// What became of the requests of a span of time, over all runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    runs: usize,
    pub(crate) offered: usize,
    pub(crate) failed: usize,
    /// Answers that came within the span, whenever their requests came.
    answered_within: usize,
    latencies_ms: Vec<f64>,
}

impl Tally {
    pub(crate) fn mean_ms(&self) -> Option<f64> {
        let sum: f64 = self.latencies_ms.iter().sum();
        (!self.latencies_ms.is_empty()).then(|| sum / self.latencies_ms.len() as f64)
    }

    /// By nearest rank.
    pub(crate) fn quantile_ms(&self, q: f64) -> Option<f64> {
        quantile(&self.latencies_ms, q)
    }

    /// Of one run, in requests a second.
    pub(crate) fn answered_rps(&self, seconds: f64) -> f64 {
        self.answered_within as f64 / self.runs.max(1) as f64 / seconds
    }

    pub(crate) fn failed_share(&self) -> f64 {
        self.failed as f64 / self.offered.max(1) as f64
    }
}

/// The nearest-rank quantile of sorted values.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}
