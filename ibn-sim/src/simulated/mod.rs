//! The simulated cluster behind the roles of `ibn-core`: orchestrator, monitor and clock in virtual time.

mod apply;
mod autoscale;
mod observe;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ibn_core::allocation::Allocation;
use ibn_core::observation::Observation;
use ibn_core::prediction::WorkloadModel;
use ibn_core::roles::Clock;
use ibn_core::workload::{WorkloadRef, WorkloadState};
use jiff::Timestamp;

use crate::account::Bin;
use crate::error::Result;
use crate::histogram::Histogram;
use crate::metrics::Metrics;
use crate::pod::PodView;
use crate::scenario::{Fault, Scenario};
use crate::time::SimTime;
use autoscale::METRICS_WINDOW;
use world::World;

/// A scenario's cluster as orchestrator, monitor and clock. Clones are handles on one cluster.
///
/// Time stands still until [`advance_to`](Self::advance_to); the calls of the roles never wait. Where an allocation has
/// an autoscaler, the cluster runs it, as Kubernetes would: every 15 s, on the CPU of each pod.
///
/// Deterministic: the same scenario, seed and changes at the same instants give the same run.
///
/// ```
/// use std::time::Duration;
/// use ibn_core::observation::Signal;
/// use ibn_core::roles::{Clock, Monitor, Orchestrator};
/// use ibn_core::workload::WorkloadRef;
/// use ibn_sim::{Scenario, SimulatedCluster};
///
/// # futures::executor::block_on(async {
/// let cluster = SimulatedCluster::new(&Scenario::demo()?, 1)?;
/// cluster.advance_by(Duration::from_secs(300));
/// let web = WorkloadRef::deployment("acme", "web");
/// let seen = cluster.observe(&[web.clone()], Duration::from_secs(60)).await.unwrap();
/// assert!(seen[0].value(&Signal::RequestRate).unwrap() > 1.0);
/// assert_eq!(cluster.inventory().await.unwrap().workloads[&web].ready_replicas, 3);
/// # Ok::<(), ibn_sim::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct SimulatedCluster {
    world: Arc<Mutex<World>>,
}

impl SimulatedCluster {
    /// The cluster of a scenario at its start.
    ///
    /// # Errors
    /// As for [`Scenario::cluster_spec`].
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self> {
        Ok(Self {
            world: Arc::new(Mutex::new(World::new(scenario, seed)?)),
        })
    }

    /// Another cluster in the same state; what happens to one doesn't touch the other.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            world: Arc::new(Mutex::new(self.lock().clone())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves time on to `until`; an instant that has passed changes nothing.
    pub fn advance_to(&self, until: Timestamp) {
        let mut world = self.lock();
        let until = world.sim_time(until);
        world.advance_to(until);
    }

    /// Moves time on by `duration`.
    pub fn advance_by(&self, duration: Duration) {
        let mut world = self.lock();
        let until = world.cluster.now().after(duration);
        world.advance_to(until);
    }

    /// A workload as it is, and what was measured of it over `window`, of its CPU over what a metrics server looks at; `None`
    /// where there is no such workload.
    pub(crate) fn look(
        &self,
        workload: &WorkloadRef,
        window: Duration,
    ) -> Option<(WorkloadState, Observation)> {
        let mut world = self.lock();
        let cpu_window = window.min(METRICS_WINDOW);
        Some((
            world.state(workload)?,
            world.observe(workload, window, cpu_window),
        ))
    }

    /// The time since the start of the run.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.lock().cluster.now().since(SimTime::ZERO)
    }

    /// Lets something go wrong, beside the faults of the scenario. Pods are killed only by a fault that is yet to begin.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Changes an allocation past every guard, as somebody with `kubectl` would; the fields are then `manager`'s.
    ///
    /// # Errors
    /// As for [`Orchestrator::apply`](ibn_core::roles::Orchestrator::apply), stale versions apart.
    pub fn change_by_hand(
        &self,
        workload: &WorkloadRef,
        allocation: &Allocation,
        manager: &str,
    ) -> ibn_core::Result<()> {
        self.lock().change_by_hand(workload, allocation, manager)
    }

    /// What was counted of a workload since the start; `None` where there is no such workload.
    #[must_use]
    pub fn metrics(&self, workload: &WorkloadRef) -> Option<Metrics> {
        self.lock().cluster.metrics(&workload.to_string()).ok()
    }

    /// Response times of a workload's served requests since the start; `None` where there is no such workload.
    #[must_use]
    pub fn latencies(&self, workload: &WorkloadRef) -> Option<Histogram> {
        self.lock().cluster.latencies(&workload.to_string()).ok()
    }

    /// What was counted of every workload, in the order of the scenario.
    #[must_use]
    pub fn all_metrics(&self) -> Vec<Metrics> {
        let mut world = self.lock();
        let names: Vec<String> = world.cluster.names().map(str::to_owned).collect();
        names
            .iter()
            .filter_map(|name| world.cluster.metrics(name).ok())
            .collect()
    }

    /// The pods of a workload; none where there is no such workload.
    #[must_use]
    pub fn pods(&self, workload: &WorkloadRef) -> Vec<PodView> {
        self.lock()
            .cluster
            .pods(&workload.to_string())
            .unwrap_or_default()
    }

    /// The closed bins of the last `window` of a workload, oldest first; none where there is no such workload.
    #[must_use]
    pub fn bins(&self, workload: &WorkloadRef, window: Duration) -> Vec<Bin> {
        let world = self.lock();
        let from = world.cluster.now().before(window);
        let name = workload.to_string();
        let bins = world.cluster.bins(&name);
        bins.map(|bins| bins.filter(|bin| bin.end > from).cloned().collect())
            .unwrap_or_default()
    }

    /// What a twin knows of a workload: the true parameters.
    #[must_use]
    pub fn model(&self, workload: &WorkloadRef) -> Option<WorkloadModel> {
        self.lock()
            .deployments
            .get(workload)
            .map(|deployment| deployment.model.clone())
    }

    /// Customers' own names, by workload.
    #[must_use]
    pub fn aliases(&self) -> BTreeMap<WorkloadRef, Vec<String>> {
        let world = self.lock();
        world
            .deployments
            .iter()
            .map(|(workload, of)| (workload.clone(), of.aliases.clone()))
            .collect()
    }

    /// Hash of everything that happened in the cluster.
    #[must_use]
    pub fn event_hash(&self) -> u64 {
        self.lock().cluster.event_hash()
    }
}

impl Clock for SimulatedCluster {
    fn now(&self) -> Timestamp {
        self.lock().now()
    }
}

#[cfg(test)]
mod tests;
