//! What a simulated cluster is beside its pods: objects with versions and owners, autoscalers, faults, receipts.

use std::collections::BTreeMap;
use std::time::Duration;

use ibn_core::allocation::{Allocation, ContainerResources, Field, QuotaLimits, Resources};
use ibn_core::decision::DecisionId;
use ibn_core::guard::Receipt;
use ibn_core::intent::Autoscale;
use ibn_core::prediction::WorkloadModel;
use ibn_core::workload::{
    FieldOwner, FreeCapacity, Inventory, WorkloadKind, WorkloadRef, WorkloadState,
};
use jiff::{SignedDuration, Timestamp};

use super::autoscale::Autoscaler;
use crate::cluster::Cluster;
use crate::error::Result;
use crate::scenario::{Fault, FaultEffect, Scenario};
use crate::spec::PodSize;
use crate::time::{SimTime, nanos};

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) cluster: Cluster,
    pub(super) start: Timestamp,
    pub(super) deployments: BTreeMap<WorkloadRef, Deployment>,
    pub(super) namespaces: BTreeMap<String, Namespace>,
    pub(super) receipts: BTreeMap<DecisionId, Receipt>,
    pub(super) faults: Vec<Fault>,
    /// The nodes that a fault took, by its place in `faults`.
    pub(super) lost_nodes: BTreeMap<usize, Vec<usize>>,
}

/// What is known of a workload beside its pods.
#[derive(Debug, Clone)]
pub(super) struct Deployment {
    pub(super) container: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) aliases: Vec<String>,
    pub(super) model: WorkloadModel,
    pub(super) autoscaler: Option<Autoscaler>,
    pub(super) owners: BTreeMap<Field, FieldOwner>,
    /// Changes that the cluster doesn't count: of the autoscaler and of owners.
    pub(super) edits: u64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Namespace {
    pub(super) quota: Option<QuotaLimits>,
    pub(super) owners: BTreeMap<Field, FieldOwner>,
    pub(super) version: u64,
}

impl World {
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Result<Self> {
        let cores = scenario.cores();
        let deployment = |workload: &crate::scenario::WorkloadScenario| Deployment {
            container: workload.container.clone(),
            labels: workload.labels.clone(),
            aliases: workload.aliases.clone(),
            model: workload.model(cores),
            autoscaler: None,
            owners: BTreeMap::new(),
            edits: 0,
        };
        let workloads = &scenario.workloads;
        let mut world = Self {
            cluster: scenario.cluster(seed)?,
            start: scenario.start,
            deployments: workloads
                .iter()
                .map(|of| (of.workload(), deployment(of)))
                .collect(),
            namespaces: workloads
                .iter()
                .map(|of| (of.namespace.clone(), Namespace::default()))
                .collect(),
            receipts: BTreeMap::new(),
            faults: scenario.faults.clone(),
            lost_nodes: BTreeMap::new(),
        };
        // What holds from the very beginning.
        world.feel_faults();
        Ok(world)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.timestamp(self.cluster.now())
    }

    /// The date and time of an instant of the run.
    pub(super) fn timestamp(&self, at: SimTime) -> Timestamp {
        let nanos = i64::try_from(at.nanos()).unwrap_or(i64::MAX);
        self.start
            .checked_add(SignedDuration::from_nanos(nanos))
            .unwrap_or(Timestamp::MAX)
    }

    /// The instant of the run at a date and time; the start for one before.
    pub(super) fn sim_time(&self, at: Timestamp) -> SimTime {
        let since = at.as_nanosecond() - self.start.as_nanosecond();
        SimTime::from_nanos(u64::try_from(since.max(0)).unwrap_or(u64::MAX))
    }

    /// Moves time on, stopping for autoscalers and for faults that pods and nodes feel.
    pub(super) fn advance_to(&mut self, until: SimTime) {
        while let Some(at) = self.next_interrupt().filter(|at| *at <= until) {
            self.cluster.advance_to(at);
            self.feel_faults();
            self.sync_autoscalers(at);
        }
        self.cluster.advance_to(until);
    }

    fn next_interrupt(&self) -> Option<SimTime> {
        let now = self.cluster.now().since(SimTime::ZERO);
        let felt = self
            .faults
            .iter()
            .filter_map(|fault| fault.next_after(now))
            .map(|at| SimTime::from_nanos(nanos(at)));
        let syncs = self
            .deployments
            .values()
            .filter_map(|of| of.autoscaler.as_ref())
            .map(Autoscaler::next_sync);
        felt.chain(syncs).min()
    }

    /// Brings about what faults do to pods and nodes at this very instant.
    pub(super) fn feel_faults(&mut self) {
        let now = self.cluster.now().since(SimTime::ZERO);
        let faults = self.faults.clone();
        let turns =
            |fault: &Fault| fault.at == now || (!fault.is_momentary() && fault.end() == now);
        for (place, fault) in faults.iter().enumerate() {
            if fault.is_momentary() {
                self.strike(fault, now);
            } else if let FaultEffect::NodeLoss(count) = fault.effect {
                if fault.at == now && fault.is_on(now) {
                    let nodes = self.cluster.lose_nodes(count);
                    self.lost_nodes.insert(place, nodes);
                } else if fault.end() == now {
                    for node in self.lost_nodes.remove(&place).unwrap_or_default() {
                        self.cluster.return_node(node);
                    }
                }
            }
        }
        let workloads: Vec<WorkloadRef> = self.deployments.keys().cloned().collect();
        for workload in workloads {
            let turning = |wanted: fn(&FaultEffect) -> bool| {
                faults
                    .iter()
                    .any(|fault| turns(fault) && fault.hits(&workload) && wanted(&fault.effect))
            };
            let holding = faults.iter().filter(|fault| fault.holds(now, &workload));
            let name = workload.to_string();
            // Names come from the cluster itself; a start beyond an hour stays as long as it was.
            if turning(|effect| matches!(effect, FaultEffect::SlowPods(_))) {
                let slow = holding.clone().find_map(|fault| match fault.effect {
                    FaultEffect::SlowPods(slow) => Some(slow),
                    _ => None,
                });
                let (pods, factor) = slow.map_or((0, 1.0), |slow| (slow.pods, slow.factor));
                let _ = self.cluster.slow_pods(&name, pods, factor);
            }
            if turning(|effect| matches!(effect, FaultEffect::ColdImage(_))) {
                let factor = holding.fold(1.0, |factor, fault| match fault.effect {
                    FaultEffect::ColdImage(times) => factor * times,
                    _ => factor,
                });
                let _ = self.cluster.slow_starts(&name, factor);
            }
        }
    }

    /// What a fault that happens at a moment does, where this is one of its moments.
    fn strike(&mut self, fault: &Fault, now: Duration) {
        let before = now.saturating_sub(Duration::from_nanos(1));
        let first = fault.at == now && !now.is_zero();
        if !first && fault.next_after(before).filter(|_| before >= fault.at) != Some(now) {
            return;
        }
        for workload in self
            .deployments
            .keys()
            .filter(|workload| fault.hits(workload))
        {
            let name = workload.to_string();
            // The name comes from the cluster itself.
            let _ = match fault.effect {
                FaultEffect::KillPods(count) => self.cluster.kill_pods(&name, count),
                FaultEffect::CrashPods(count) => self.cluster.crash_pods(&name, count),
                _ => Ok(()),
            };
        }
    }

    /// The first fault of the kind that `pick` looks for which holds now for a workload, and when it began.
    pub(super) fn fault_now<'a, T>(
        &'a self,
        workload: &WorkloadRef,
        pick: impl Fn(&'a FaultEffect) -> Option<T>,
    ) -> Option<(Duration, T)> {
        let at = self.cluster.now().since(SimTime::ZERO);
        let holding = self.faults.iter().filter(|fault| fault.holds(at, workload));
        holding
            .filter_map(|fault| Some((fault.at, pick(&fault.effect)?)))
            .next()
    }

    /// Whether a fault that concerns nobody in particular, or anybody, holds now.
    pub(super) fn is_down(&self, effect: &FaultEffect) -> bool {
        let at = self.cluster.now().since(SimTime::ZERO);
        self.faults.iter().any(|fault| {
            fault.effect == *effect && at >= fault.at && at < fault.at.saturating_add(fault.lasts)
        })
    }

    pub(super) fn inventory(&mut self) -> Inventory {
        let references: Vec<WorkloadRef> = self
            .deployments
            .keys()
            .cloned()
            .chain(
                self.namespaces
                    .keys()
                    .map(|name| WorkloadRef::namespace(name)),
            )
            .collect();
        let free = self.cluster.free();
        Inventory {
            workloads: references
                .into_iter()
                .filter_map(|workload| Some((workload.clone(), self.state(&workload)?)))
                .collect(),
            free: Some(FreeCapacity {
                cpu: free.cpu,
                memory: free.memory,
            }),
        }
    }

    /// What is live of a workload or a namespace; `None` where there is none.
    pub(super) fn state(&mut self, workload: &WorkloadRef) -> Option<WorkloadState> {
        if workload.kind == WorkloadKind::Namespace {
            let namespace = self.namespaces.get(&workload.name)?;
            return Some(WorkloadState {
                workload: workload.clone(),
                resource_version: (namespace.version + 1).to_string(),
                labels: BTreeMap::new(),
                allocation: Allocation::default(),
                quota: namespace.quota,
                ready_replicas: 0,
                owners: namespace.owners.clone(),
            });
        }
        let status = self.cluster.status(&workload.to_string()).ok()?;
        let deployment = self.deployments.get(workload)?;
        let container = ContainerResources {
            name: deployment.container.clone(),
            requests: Resources {
                cpu: Some(status.size.cpu_request).filter(|cpu| cpu.get() > 0),
                memory: Some(status.size.memory_request).filter(|memory| memory.get() > 0),
            },
            limits: Resources {
                cpu: status.size.cpu_limit,
                memory: status.size.memory_limit,
            },
        };
        let mut allocation = Allocation::new(status.replicas, vec![container]);
        allocation.autoscale = deployment.autoscaler.as_ref().map(Autoscaler::autoscale);
        Some(WorkloadState {
            workload: workload.clone(),
            resource_version: (status.version + deployment.edits).to_string(),
            labels: deployment.labels.clone(),
            allocation,
            quota: None,
            ready_replicas: status.ready,
            owners: deployment.owners.clone(),
        })
    }

    /// Gives a workload an allocation, all of it or nothing.
    pub(super) fn set(&mut self, workload: &WorkloadRef, to: &Allocation) -> ibn_core::Result<()> {
        let refuse = |reason: String| ibn_core::Error::Refused {
            service: "the simulated cluster".to_owned(),
            reason,
        };
        let deployment = self
            .deployments
            .get_mut(workload)
            .ok_or_else(|| ibn_core::Error::not_found(workload))?;
        let [container] = to.containers.as_slice() else {
            return Err(refuse(format!(
                "{workload} has one container, not {}",
                to.containers.len()
            )));
        };
        if container.name != deployment.container {
            return Err(refuse(format!(
                "{workload} has no container `{}`",
                container.name
            )));
        }
        let name = workload.to_string();
        self.cluster
            .resize(&name, PodSize::from(container))
            .and_then(|()| self.cluster.scale(&name, to.replicas))
            .map_err(|error| refuse(error.to_string()))?;
        let live: Option<Autoscale> = deployment.autoscaler.as_ref().map(Autoscaler::autoscale);
        if live != to.autoscale {
            deployment.edits += 1;
            let now = self.cluster.now();
            match (&mut deployment.autoscaler, to.autoscale) {
                (Some(autoscaler), Some(autoscale)) => autoscaler.edit(autoscale),
                (place, autoscale) => {
                    *place = autoscale.map(|autoscale| Autoscaler::new(autoscale, now))
                }
            }
        }
        Ok(())
    }
}
