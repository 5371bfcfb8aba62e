//! The simulated cluster as orchestrator.

use std::collections::BTreeMap;

use async_trait::async_trait;
use ibn_core::allocation::{Allocation, Field, FieldChange};
use ibn_core::guard::{ApprovedPlan, Desired, Receipt};
use ibn_core::roles::Orchestrator;
use ibn_core::workload::{FieldOwner, Inventory, WorkloadKind, WorkloadRef, WorkloadState};

use super::SimulatedCluster;
use super::world::World;
use crate::scenario::FaultEffect;

#[async_trait]
impl Orchestrator for SimulatedCluster {
    async fn inventory(&self) -> ibn_core::Result<Inventory> {
        let mut world = self.lock();
        world.check_reachable()?;
        Ok(world.inventory())
    }

    async fn preview(&self, plan: &ApprovedPlan) -> ibn_core::Result<Vec<FieldChange>> {
        let mut world = self.lock();
        world.check_reachable()?;
        world.check_willing()?;
        if world.receipts.contains_key(&plan.decision()) {
            return Ok(Vec::new());
        }
        let live = world.live(plan)?;
        // Tried out on a copy, so that it is refused exactly where an apply would be.
        world.clone().write(plan.workload(), plan.desired())?;
        Ok(Desired::live(&live).changes_to(plan.desired()))
    }

    async fn apply(&self, plan: ApprovedPlan) -> ibn_core::Result<Receipt> {
        let mut world = self.lock();
        world.check_reachable()?;
        world.check_willing()?;
        if let Some(receipt) = world.receipts.get(&plan.decision()) {
            return Ok(receipt.clone());
        }
        let before = world.live(&plan)?;
        world.write(plan.workload(), plan.desired())?;
        let previous_owners = world.take_over(&before, plan.desired(), &FieldOwner::Ibn);
        let after = world
            .state(plan.workload())
            .ok_or_else(|| ibn_core::Error::not_found(plan.workload()))?;
        let receipt = Receipt {
            decision: plan.decision(),
            workload: plan.workload().clone(),
            previous: Desired::live(&before),
            applied: Desired::live(&after),
            previous_owners,
            resource_version: after.resource_version,
            applied_at: world.now(),
        };
        world.receipts.insert(plan.decision(), receipt.clone());
        Ok(receipt)
    }
}

impl World {
    fn check_reachable(&self) -> ibn_core::Result<()> {
        if self.is_down(&FaultEffect::OrchestratorDown) {
            return Err(ibn_core::Error::unavailable(
                "the simulated cluster",
                "a fault of the scenario",
            ));
        }
        Ok(())
    }

    fn check_willing(&self) -> ibn_core::Result<()> {
        if self.is_down(&FaultEffect::OrchestratorRefuses) {
            return Err(ibn_core::Error::Refused {
                service: "the simulated cluster".to_owned(),
                reason: "a fault of the scenario".to_owned(),
            });
        }
        Ok(())
    }

    /// What is live of a plan's workload, where that is still what the plan was judged on.
    fn live(&mut self, plan: &ApprovedPlan) -> ibn_core::Result<WorkloadState> {
        let state = self
            .state(plan.workload())
            .ok_or_else(|| ibn_core::Error::not_found(plan.workload()))?;
        plan.check_fresh(&state)?;
        Ok(state)
    }

    fn write(&mut self, workload: &WorkloadRef, desired: &Desired) -> ibn_core::Result<()> {
        match desired {
            Desired::Allocation(allocation) => self.set(workload, allocation),
            Desired::Quota(quota) => {
                let namespace = (workload.kind == WorkloadKind::Namespace)
                    .then(|| self.namespaces.get_mut(&workload.name))
                    .flatten()
                    .ok_or_else(|| ibn_core::Error::not_found(workload))?;
                if namespace.quota != *quota {
                    namespace.quota = *quota;
                    namespace.version += 1;
                    self.cluster.set_quota(&workload.name, *quota);
                }
                Ok(())
            }
        }
    }

    /// Makes `owner` the owner of the fields that changed; gives back who had them before.
    fn take_over(
        &mut self,
        before: &WorkloadState,
        desired: &Desired,
        owner: &FieldOwner,
    ) -> BTreeMap<Field, FieldOwner> {
        let owners = match before.workload.kind {
            WorkloadKind::Namespace => self
                .namespaces
                .get_mut(&before.workload.name)
                .map(|of| &mut of.owners),
            _ => self
                .deployments
                .get_mut(&before.workload)
                .map(|of| &mut of.owners),
        };
        let Some(owners) = owners else {
            return BTreeMap::new();
        };
        let changes = Desired::live(before).changes_to(desired);
        changes
            .into_iter()
            .filter_map(|change| {
                Some((
                    change.field.clone(),
                    owners.insert(change.field, owner.clone())?,
                ))
            })
            .collect()
    }

    pub(super) fn change_by_hand(
        &mut self,
        workload: &WorkloadRef,
        allocation: &Allocation,
        manager: &str,
    ) -> ibn_core::Result<()> {
        self.check_reachable()?;
        self.check_willing()?;
        let before = self
            .state(workload)
            .ok_or_else(|| ibn_core::Error::not_found(workload))?;
        let desired = Desired::Allocation(allocation.clone());
        self.write(workload, &desired)?;
        self.take_over(&before, &desired, &FieldOwner::Manager(manager.to_owned()));
        Ok(())
    }
}
