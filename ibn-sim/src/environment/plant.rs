//! The engines as what an environment acts on.

use std::collections::BTreeMap;
use std::time::Duration;

use ibn_core::allocation::Allocation;
use ibn_core::observation::{Observation, Signal};
use ibn_core::units::Quantile;
use ibn_core::workload::{WorkloadRef, WorkloadState};
use jiff::{SignedDuration, Timestamp};

use crate::episode::WINDOW;
use crate::error::Result;
use crate::fluid::Fleet;
use crate::scenario::Scenario;
use crate::simulated::SimulatedCluster;
use crate::spec::PodSize;
use crate::time::SimTime;

/// Something that workloads run on.
pub(super) trait Plant: Send + Sync {
    /// Goes on by a control period.
    fn advance(&mut self);

    /// A workload as it is, and what was measured of it; `None` where there is no such workload.
    fn look(&mut self, workload: usize) -> Option<(WorkloadState, Observation)>;

    /// Gives a workload an allocation, as far as there is room.
    fn set(&mut self, workload: usize, to: &Allocation);

    /// Another one in the same state; what happens to one doesn't touch the other.
    fn fork(&self) -> Box<dyn Plant>;
}

/// The request-level engine.
pub(super) struct Requests {
    cluster: SimulatedCluster,
    workloads: Vec<WorkloadRef>,
    period: Duration,
}

impl Requests {
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Result<Self> {
        Ok(Self {
            cluster: SimulatedCluster::new(scenario, seed)?,
            workloads: scenario.workloads.iter().map(|of| of.workload()).collect(),
            period: scenario.control_period,
        })
    }
}

impl Plant for Requests {
    fn advance(&mut self) {
        self.cluster.advance_by(self.period);
    }

    fn look(&mut self, workload: usize) -> Option<(WorkloadState, Observation)> {
        self.cluster.look(self.workloads.get(workload)?, WINDOW)
    }

    fn set(&mut self, workload: usize, to: &Allocation) {
        if let Some(workload) = self.workloads.get(workload) {
            // What the cluster refuses is left as it is, and seen at the next step.
            let _ = self.cluster.change_by_hand(workload, to, "environment");
        }
    }

    fn fork(&self) -> Box<dyn Plant> {
        Box::new(Self {
            cluster: self.cluster.fork(),
            workloads: self.workloads.clone(),
            period: self.period,
        })
    }
}

/// The fluid engine.
#[derive(Clone)]
pub(super) struct Flow {
    fleet: Fleet,
    workloads: Vec<WorkloadRef>,
    allocations: Vec<Allocation>,
    version: u64,
    start: Timestamp,
    period: Duration,
}

impl Flow {
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Result<Self> {
        let spec = scenario.cluster_spec(seed)?;
        Ok(Self {
            fleet: Fleet::new(&spec, scenario.control_period, seed)?,
            workloads: scenario.workloads.iter().map(|of| of.workload()).collect(),
            allocations: scenario
                .workloads
                .iter()
                .map(|of| of.allocation())
                .collect(),
            version: 1,
            start: scenario.start,
            period: scenario.control_period,
        })
    }
}

impl Plant for Flow {
    fn advance(&mut self) {
        self.fleet.step();
    }

    fn look(&mut self, workload: usize) -> Option<(WorkloadState, Observation)> {
        let reading = self.fleet.reading(workload)?;
        let reference = self.workloads.get(workload)?.clone();
        let passed = self.fleet.now().since(SimTime::ZERO);
        let at = SignedDuration::try_from(passed)
            .ok()
            .and_then(|passed| self.start.checked_add(passed).ok())
            .unwrap_or(Timestamp::MAX);
        let mut seen = Observation::new(reference.clone(), at, self.period);
        let mut set = |signal, value: f64| {
            if value.is_finite() {
                seen.set(signal, value, at);
            }
        };
        set(Signal::RequestRate, reading.offered_rps);
        set(Signal::Throughput, reading.served_rps);
        set(Signal::CpuUsage, reading.used_cores);
        set(Signal::ReadyReplicas, f64::from(reading.ready));
        let finished = reading.served_rps + reading.dropped_rps;
        if finished > 0.0 {
            set(Signal::ErrorRate, reading.dropped_rps / finished);
            for (quantile, seconds) in [
                (Quantile::P50, reading.p50),
                (Quantile::P95, reading.p95),
                (Quantile::P99, reading.p99),
            ] {
                // Where nothing serves it takes longer than any bound.
                set(Signal::Latency(quantile), seconds.min(3600.0));
            }
        }
        let state = WorkloadState {
            workload: reference,
            resource_version: self.version.to_string(),
            labels: BTreeMap::new(),
            allocation: self.allocations.get(workload)?.clone(),
            quota: None,
            ready_replicas: reading.ready,
            owners: BTreeMap::new(),
        };
        Some((state, seen))
    }

    fn set(&mut self, workload: usize, to: &Allocation) {
        let Some(live) = self.allocations.get_mut(workload) else {
            return;
        };
        self.version += 1;
        self.fleet.scale(workload, to.replicas);
        live.replicas = to.replicas;
        if let Some(container) = to.containers.first()
            && self.fleet.resize(workload, PodSize::from(container))
        {
            live.containers.clone_from(&to.containers);
        }
    }

    fn fork(&self) -> Box<dyn Plant> {
        Box::new(self.clone())
    }
}
