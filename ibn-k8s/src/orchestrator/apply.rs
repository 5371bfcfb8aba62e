//! Applying what was approved for a workload.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use ibn_core::Error;
use ibn_core::allocation::{Allocation, Field, FieldChange};
use ibn_core::guard::{ApprovedPlan, Desired, Receipt};
use ibn_core::workload::{WorkloadRef, WorkloadState};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::Mode;
use super::journal::Journal;
use super::steps::{Steps, refused};
use super::{ClusterOrchestrator, live};
use crate::sizes;
use crate::watch::{Given, Phase, PodView, Resize, WorkloadView};

/// How often a workload is read again since its status moved between the read and the write.
const LOOKS: usize = 6;

/// Pods that are resized at the same time.
const AT_ONCE: usize = 8;

impl ClusterOrchestrator {
    pub(super) async fn apply_allocation(
        &self,
        plan: &ApprovedPlan,
        to: &Allocation,
    ) -> ibn_core::Result<Receipt> {
        let mut stale = None;
        let mut known = self.known(plan);
        for _ in 0..LOOKS {
            let (view, live) = match known.take() {
                Some(known) => known,
                None => self.look(plan).await?,
            };
            let steps = Steps::new(&view, &live, to, (self.may_replace)(plan.workload()))?;
            match self.carry_out(plan, &view, &live, &steps).await {
                Ok(after) => return Ok(self.receipt_of(plan, &live, &after)),
                // The version of an object also moves with its status: the next look tells what it was.
                Err(error @ Error::Stale { .. }) => stale = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(stale.unwrap_or_else(|| Error::not_found(plan.workload())))
    }

    /// The workload as it was last seen, where a plan of pods alone was judged on just that: its only write is refused by the
    /// server where it isn't so any more, which saves asking before each.
    fn known(&self, plan: &ApprovedPlan) -> Option<(WorkloadView, WorkloadState)> {
        if plan.changes().iter().any(|it| it.field != Field::Replicas) {
            return None;
        }
        let view = self.watches.workload(plan.workload())?;
        let live = live::state(&view, &self.watches);
        let is_judged = view.journal.is_none() && plan.check_fresh(&live).is_ok();
        is_judged.then(|| ((*view).clone(), live))
    }

    /// The workload as it is now, where that is what the plan was judged on.
    async fn look(&self, plan: &ApprovedPlan) -> ibn_core::Result<(WorkloadView, WorkloadState)> {
        let mut view = self.read(plan.workload()).await?;
        if view.journal.is_some() {
            self.take_back(&view).await?;
            view = self.read(plan.workload()).await?;
        }
        let live = live::state(&view, &self.watches);
        plan.check_fresh(&live)?;
        Ok((view, live))
    }

    pub(super) async fn preview_allocation(
        &self,
        plan: &ApprovedPlan,
        to: &Allocation,
    ) -> ibn_core::Result<Vec<FieldChange>> {
        let view = self.read(plan.workload()).await?;
        let live = live::state(&view, &self.watches);
        plan.check_fresh(&live)?;
        let steps = Steps::new(&view, &live, to, (self.may_replace)(plan.workload()))?;
        let seen = self.dry_run(&view, &live, &steps).await?;
        Ok(live.allocation.changes_to(&seen))
    }

    fn receipt_of(
        &self,
        plan: &ApprovedPlan,
        before: &WorkloadState,
        after: &WorkloadView,
    ) -> Receipt {
        let changes = plan.changes().into_iter();
        Receipt {
            decision: plan.decision(),
            workload: plan.workload().clone(),
            previous: Desired::live(before),
            applied: plan.desired().clone(),
            previous_owners: changes
                .filter_map(|it| Some((it.field.clone(), before.owners.get(&it.field)?.clone())))
                .collect(),
            resource_version: live::state(after, &self.watches).resource_version,
            applied_at: Timestamp::now(),
        }
    }

    /// The pods of a workload that are there and stay.
    pub(super) fn pods_of(&self, workload: &WorkloadRef) -> Vec<Arc<PodView>> {
        let mut pods = self.watches.pods.about(workload);
        pods.retain(|pod| pod.phase != Phase::Over);
        pods
    }

    /// Has the API server try out every write; what would then be live.
    async fn dry_run(
        &self,
        view: &WorkloadView,
        live: &WorkloadState,
        steps: &Steps,
    ) -> ibn_core::Result<Allocation> {
        let mut seen = live.allocation.clone();
        if steps.held.is_some() {
            let patch = guarded(view, steps.commit(view));
            let after = self
                .patch_workload(&view.workload, &patch, Mode::DryRun)
                .await?;
            seen.containers = sizes::containers(&after.containers, &after.sizes());
        }
        // One pod stands for all that have its size.
        let mut tried: Vec<Value> = Vec::new();
        for pod in self.pods_of(&view.workload) {
            if let Some(patch) = steps.of_pod(&pod)
                && let Some(containers) = patch.pointer("/spec").cloned()
                && !tried.contains(&containers)
            {
                match self.resize(&pod, &patch, Mode::DryRun).await {
                    Ok(_) => tried.push(containers),
                    Err(Error::NotFound { .. } | Error::Stale { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        if let Some(wanted) = steps.scaler {
            let found = self.scaler_of(view);
            let after = self
                .write_scaler(view, found.as_deref(), wanted, Mode::DryRun)
                .await?;
            seen.autoscale = after.as_ref().map(live::autoscale);
        }
        if let Some(replicas) = steps.replicas {
            seen.replicas = self.scale(view, replicas, Mode::DryRun).await?.replicas;
        }
        Ok(seen)
    }

    async fn carry_out(
        &self,
        plan: &ApprovedPlan,
        view: &WorkloadView,
        live: &WorkloadState,
        steps: &Steps,
    ) -> ibn_core::Result<WorkloadView> {
        let pods = self.pods_of(&view.workload);
        if steps.is_one(pods.len()) {
            return self.write_one(view, steps).await;
        }
        self.dry_run(view, live, steps).await?;
        let journal = Journal::new(plan.decision(), view, live.allocation.autoscale, steps);
        let announced = self
            .patch_workload(&view.workload, &journal.announce(view), Mode::Write)
            .await?;
        let done = self.write_all(&announced, steps, pods).await;
        let Err(error) = done else { return done };
        let broken = self.read(&view.workload).await;
        let back = match broken {
            Ok(broken) => self.take_back(&broken).await,
            Err(error) => Err(error),
        };
        Err(match (back, error) {
            (Ok(()), error) => error,
            (Err(back), error) => Error::unavailable(
                crate::error::API_SERVER,
                format!("{error}; what was done is taken back as soon as it can be: {back}"),
            ),
        })
    }

    /// The only write of a plan. Where no answer came, what is live tells whether it was done.
    async fn write_one(
        &self,
        view: &WorkloadView,
        steps: &Steps,
    ) -> ibn_core::Result<WorkloadView> {
        if let Some(replicas) = steps.replicas {
            let done = self.scale(view, replicas, Mode::Write).await;
            let Err(error @ (Error::Unavailable { .. } | Error::TimedOut { .. })) = done else {
                return done;
            };
            let found = self.read(&view.workload).await.map_err(|_| error.clone())?;
            let is_ours =
                found.managers.get(&Field::Replicas) == Some(&ibn_core::workload::FieldOwner::Ibn);
            return if found.replicas == replicas && is_ours {
                Ok(found)
            } else {
                Err(error)
            };
        }
        if let Some(wanted) = steps.scaler {
            let found = self.scaler_of(view);
            self.write_scaler(view, found.as_deref(), wanted, Mode::Write)
                .await?;
            return Ok(view.clone());
        }
        let patch = guarded(view, steps.commit(view));
        self.patch_workload(&view.workload, &patch, Mode::Write)
            .await
    }

    /// All writes, the one that makes them final last.
    async fn write_all(
        &self,
        view: &WorkloadView,
        steps: &Steps,
        pods: Vec<Arc<PodView>>,
    ) -> ibn_core::Result<WorkloadView> {
        let resized = self.resize_all(&pods, steps).await?;
        self.verify(&resized).await?;
        let mut view = view.clone();
        if let Some(wanted) = steps.scaler {
            let found = self.scaler_of(&view);
            self.write_scaler(&view, found.as_deref(), wanted, Mode::Write)
                .await?;
        }
        if let Some(replicas) = steps.replicas {
            view = self.scale_anyway(&view, view.replicas, replicas).await?;
        }
        let patch = steps.commit(&view);
        self.patch_workload(&view.workload, &patch, Mode::Write)
            .await
    }

    async fn resize_all(
        &self,
        pods: &[Arc<PodView>],
        steps: &Steps,
    ) -> ibn_core::Result<Vec<PodView>> {
        let changes: Vec<(Arc<PodView>, Value)> = pods
            .iter()
            .filter_map(|pod| Some((Arc::clone(pod), steps.of_pod(pod)?)))
            .collect();
        let resized = stream::iter(changes)
            .map(
                async |(pod, patch)| match self.resize(&pod, &patch, Mode::Write).await {
                    Ok(after) => Ok(Some(after)),
                    // It went meanwhile; what takes its place is resized as it comes.
                    Err(Error::NotFound { .. } | Error::Stale { .. }) => Ok(None),
                    Err(error) => Err(error),
                },
            )
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(resized.into_iter().flatten().collect())
    }

    /// Waits for nodes to say what becomes of resizes.
    ///
    /// A node that can never do it fails the apply. One that has no room for it yet does it when it has.
    async fn verify(&self, resized: &[PodView]) -> ibn_core::Result<()> {
        let until = tokio::time::Instant::now() + self.limits.resize;
        loop {
            let change = self.watches.changes.any().notified();
            let mut is_open = false;
            for pod in resized.iter().filter(|pod| pod.given != Given::Unsaid) {
                let now = self.watches.pods.get(&pod.namespace, &pod.name);
                let Some(now) = now.filter(|now| now.uid == pod.uid) else {
                    continue;
                };
                match &now.resize {
                    Resize::Infeasible(reason) => {
                        return Err(refused(format!(
                            "pod {} can't be resized: {reason}",
                            pod.name
                        )));
                    }
                    Resize::Deferred(_) => {}
                    _ => is_open |= !now.is_settled(),
                }
            }
            if !is_open {
                return Ok(());
            }
            if tokio::time::timeout_at(until, change).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// A patch that is refused where the workload is no longer as in `view`.
fn guarded(view: &WorkloadView, mut patch: Value) -> Value {
    let precondition = json!({"uid": view.uid, "resourceVersion": view.resource_version});
    if let (Some(metadata), Value::Object(precondition)) = (
        patch.get_mut("metadata").and_then(Value::as_object_mut),
        precondition,
    ) {
        metadata.extend(precondition);
    }
    patch
}
