//! A cluster that does just what it is told, at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ibn_core::allocation::{Allocation, ContainerResources, FieldChange};
use ibn_core::decision::DecisionId;
use ibn_core::guard::{ApprovedPlan, Desired, Receipt};
use ibn_core::observation::{Observation, Signal};
use ibn_core::roles::{Monitor, Orchestrator};
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::{FieldOwner, Inventory, WorkloadKind, WorkloadRef, WorkloadState};
use ibn_core::{Error, Result};
use jiff::Timestamp;

/// A cluster in memory: what is applied is live at once, and what is measured is what was set.
///
/// Clones share the cluster. Time stands at the epoch until [`FakeCluster::set_now`].
#[derive(Debug, Clone, Default)]
pub struct FakeCluster {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    now: Timestamp,
    inventory: Inventory,
    versions: u64,
    signals: BTreeMap<WorkloadRef, BTreeMap<Signal, f64>>,
    receipts: BTreeMap<DecisionId, Receipt>,
    applied: Vec<ApprovedPlan>,
    inventory_error: Option<Error>,
    monitor_error: Option<Error>,
    apply_error: Option<Error>,
}

impl FakeCluster {
    /// A cluster without workloads.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a Deployment of one container `app` (CPU and memory as requests and limits).
    #[must_use]
    pub fn with_deployment(
        self,
        namespace: &str,
        name: &str,
        replicas: u32,
        cpu: &str,
        memory: &str,
    ) -> Self {
        let (cpu, memory): (CpuMillis, Bytes) = (
            cpu.parse().unwrap_or_default(),
            memory.parse().unwrap_or_default(),
        );
        let app = ContainerResources::new("app")
            .with_requests(cpu, memory)
            .with_limits(cpu, memory);
        self.with_workload(
            WorkloadRef::deployment(namespace, name),
            Allocation::new(replicas, vec![app]),
        )
    }

    /// The same with a workload.
    #[must_use]
    pub fn with_workload(self, workload: WorkloadRef, allocation: Allocation) -> Self {
        {
            let mut inner = self.lock();
            inner.versions += 1;
            let state = WorkloadState {
                workload: workload.clone(),
                resource_version: inner.versions.to_string(),
                labels: BTreeMap::new(),
                ready_replicas: allocation.replicas,
                allocation,
                quota: None,
                owners: BTreeMap::new(),
            };
            inner.inventory.workloads.insert(workload, state);
        }
        self
    }

    /// The same with a namespace without a quota.
    #[must_use]
    pub fn with_namespace(self, name: &str) -> Self {
        self.with_workload(WorkloadRef::namespace(name), Allocation::default())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the instant of observations and receipts.
    pub fn set_now(&self, now: Timestamp) {
        self.lock().now = now;
    }

    /// Sets what is measured of a workload from now on; NaN is measured as NaN.
    pub fn set_signal(&self, workload: &WorkloadRef, signal: Signal, value: f64) {
        self.lock()
            .signals
            .entry(workload.clone())
            .or_default()
            .insert(signal, value);
    }

    /// Lets a signal go missing.
    pub fn lose_signal(&self, workload: &WorkloadRef, signal: &Signal) {
        if let Some(signals) = self.lock().signals.get_mut(workload) {
            signals.remove(signal);
        }
    }

    /// Changes a workload as somebody else would; its resource version moves on.
    pub fn change(&self, workload: &WorkloadRef, change: impl FnOnce(&mut WorkloadState)) {
        let mut inner = self.lock();
        inner.versions += 1;
        let version = inner.versions.to_string();
        if let Some(state) = inner.inventory.workloads.get_mut(workload) {
            change(state);
            state.resource_version = version;
        }
    }

    /// What is live of a workload.
    #[must_use]
    pub fn state(&self, workload: &WorkloadRef) -> Option<WorkloadState> {
        self.lock().inventory.workloads.get(workload).cloned()
    }

    /// The replicas of a workload; 0 where there is none.
    #[must_use]
    pub fn replicas(&self, workload: &WorkloadRef) -> u32 {
        self.state(workload)
            .map_or(0, |state| state.allocation.replicas)
    }

    /// The plans that were applied, in order.
    #[must_use]
    pub fn applied(&self) -> Vec<ApprovedPlan> {
        self.lock().applied.clone()
    }

    /// Lets every inventory fail, or work again.
    pub fn fail_inventory(&self, error: Option<Error>) {
        self.lock().inventory_error = error;
    }

    /// Lets every observation fail, or work again.
    pub fn fail_monitor(&self, error: Option<Error>) {
        self.lock().monitor_error = error;
    }

    /// Lets every apply fail, or work again.
    pub fn fail_apply(&self, error: Option<Error>) {
        self.lock().apply_error = error;
    }
}

#[async_trait]
impl Orchestrator for FakeCluster {
    async fn inventory(&self) -> Result<Inventory> {
        let inner = self.lock();
        inner
            .inventory_error
            .clone()
            .map_or_else(|| Ok(inner.inventory.clone()), Err)
    }

    async fn preview(&self, plan: &ApprovedPlan) -> Result<Vec<FieldChange>> {
        let inner = self.lock();
        if inner.receipts.contains_key(&plan.decision()) {
            return Ok(Vec::new());
        }
        let state = inner
            .inventory
            .workloads
            .get(plan.workload())
            .ok_or_else(|| Error::not_found(plan.workload()))?;
        check(plan, state)?;
        Ok(Desired::live(state).changes_to(plan.desired()))
    }

    async fn apply(&self, plan: ApprovedPlan) -> Result<Receipt> {
        let mut inner = self.lock();
        if let Some(receipt) = inner.receipts.get(&plan.decision()) {
            return Ok(receipt.clone());
        }
        if let Some(error) = inner.apply_error.clone() {
            return Err(error);
        }
        let now = inner.now;
        let version = (inner.versions + 1).to_string();
        let workload = plan.workload().clone();
        let state = inner
            .inventory
            .workloads
            .get_mut(&workload)
            .ok_or_else(|| Error::not_found(&workload))?;
        check(&plan, state)?;
        let previous = Desired::live(state);
        let changes = previous.changes_to(plan.desired());
        let previous_owners = changes
            .iter()
            .filter_map(|c| Some((c.field.clone(), state.owners.get(&c.field)?.clone())))
            .collect();
        match plan.desired() {
            Desired::Allocation(allocation) => {
                state.allocation = allocation.clone();
                state.ready_replicas = allocation.replicas;
            }
            Desired::Quota(quota) => state.quota = *quota,
        }
        for change in changes {
            state.owners.insert(change.field, FieldOwner::Ibn);
        }
        state.resource_version.clone_from(&version);
        let receipt = Receipt {
            decision: plan.decision(),
            workload,
            previous,
            applied: plan.desired().clone(),
            previous_owners,
            resource_version: version,
            applied_at: now,
        };
        inner.versions += 1;
        inner.receipts.insert(plan.decision(), receipt.clone());
        inner.applied.push(plan);
        Ok(receipt)
    }
}

/// Whether a plan may be applied to what is live.
fn check(plan: &ApprovedPlan, live: &WorkloadState) -> Result<()> {
    plan.check_fresh(live)?;
    let of = |allocation: &Allocation| -> Vec<String> {
        let names = allocation.containers.iter().map(|it| it.name.clone());
        names.collect()
    };
    match plan.desired() {
        Desired::Allocation(wanted) if of(wanted) != of(&live.allocation) => Err(Error::Refused {
            service: "the fake cluster".to_owned(),
            reason: format!(
                "{} has the containers {:?}",
                live.workload,
                of(&live.allocation)
            ),
        }),
        _ => Ok(()),
    }
}

#[async_trait]
impl Monitor for FakeCluster {
    async fn observe(
        &self,
        workloads: &[WorkloadRef],
        window: Duration,
    ) -> Result<Vec<Observation>> {
        let inner = self.lock();
        if let Some(error) = inner.monitor_error.clone() {
            return Err(error);
        }
        let observe = |workload: &WorkloadRef| {
            let mut seen = Observation::new(workload.clone(), inner.now, window);
            if let Some(state) = inner
                .inventory
                .workloads
                .get(workload)
                .filter(|state| state.workload.kind != WorkloadKind::Namespace)
            {
                seen.set(
                    Signal::ReadyReplicas,
                    f64::from(state.ready_replicas),
                    inner.now,
                );
            }
            for (signal, value) in inner.signals.get(workload).into_iter().flatten() {
                seen.set(signal.clone(), *value, inner.now);
            }
            seen
        };
        Ok(workloads.iter().map(observe).collect())
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use ibn_core::allocation::Field;

    use super::*;

    fn cluster() -> FakeCluster {
        let cluster = FakeCluster::new()
            .with_deployment("acme", "api", 2, "250m", "128Mi")
            .with_deployment("acme", "web", 3, "500m", "256Mi")
            .with_namespace("acme");
        cluster.change(&WorkloadRef::deployment("acme", "web"), |state| {
            let owner = FieldOwner::HorizontalPodAutoscaler("web".to_owned());
            state.owners.insert(Field::Replicas, owner);
        });
        cluster.change(&WorkloadRef::deployment("acme", "api"), |state| {
            let owner = FieldOwner::Manager("kubectl".to_owned());
            state.owners.insert(Field::Replicas, owner);
        });
        cluster
    }

    #[test]
    fn it_conforms() {
        block_on(crate::orchestrator::check(cluster));
        let cluster = cluster();
        block_on(crate::monitor::check(
            &cluster,
            &WorkloadRef::deployment("acme", "web"),
        ));
    }
}
