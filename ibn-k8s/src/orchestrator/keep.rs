//! Keeping what was applied: sizes of pods that come later, applies that were broken off, rollouts that are stuck.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Duration;

use ibn_core::Error;
use ibn_core::allocation::Field;
use ibn_core::workload::{FieldOwner, WorkloadRef};
use serde_json::json;
use tokio::time::Instant;

use super::call::Mode;
use super::{ClusterOrchestrator, steps};
use crate::sizes::{self, HELD, Held, Sizes};
use crate::watch::{Phase, PodView, Resize, Rollout, WorkloadView};

/// When a pod that could not be resized is tried again, by its uid.
pub(super) type Retries = BTreeMap<String, Instant>;

/// How long after a failure something is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// How often everything is looked at, whether something was seen to change or not.
const ROUND: Duration = Duration::from_secs(60);

/// What one round of keeping did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Pods that were given the size that their workload is held at.
    pub resized: u32,
    /// Workloads on which an apply that was broken off was taken back.
    pub taken_back: Vec<WorkloadRef>,
    /// Workloads whose rollout made no progress, so that their template was put back.
    pub put_back: Vec<WorkloadRef>,
    /// What could not be done, and is tried again.
    pub failed: Vec<(WorkloadRef, Error)>,
}

/// How far the pods of a workload have the size that it is held at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResizeReport {
    /// Pods whose node gives them what was asked for.
    pub done: u32,
    /// Pods whose node hasn't said yet.
    pub pending: u32,
    /// Pods whose node has no room at the moment, and why.
    pub deferred: BTreeMap<String, String>,
    /// Pods whose node can never do it, and why.
    pub infeasible: BTreeMap<String, String>,
    /// Pods that somebody else resized; they are left alone.
    pub by_hand: BTreeSet<String>,
}

impl ResizeReport {
    /// Whether every pod has what was asked for.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.pending == 0
            && self.deferred.is_empty()
            && self.infeasible.is_empty()
            && self.by_hand.is_empty()
    }
}

impl ClusterOrchestrator {
    /// How far the pods of a workload have the size that it is held at, as nodes last said.
    #[must_use]
    pub fn resizes(&self, workload: &WorkloadRef) -> ResizeReport {
        let mut report = ResizeReport::default();
        let Some(view) = self.watches.workload(workload) else {
            return report;
        };
        for pod in self.pods_of(workload) {
            let wanted = kept_sizes(&view, &pod);
            let differs =
                |field: &Field| !sizes::is_same(field, wanted.get(field), pod.sizes.get(field));
            if wanted.keys().any(|it| differs(it) && pod.is_by_hand(it)) {
                report.by_hand.insert(pod.name.clone());
                continue;
            }
            match &pod.resize {
                Resize::Infeasible(why) => {
                    report.infeasible.insert(pod.name.clone(), why.clone());
                }
                Resize::Deferred(why) | Resize::Failing(why) => {
                    report.deferred.insert(pod.name.clone(), why.clone());
                }
                _ if wanted.keys().any(differs) || !pod.is_settled() => report.pending += 1,
                _ => report.done += 1,
            }
        }
        report
    }

    /// Takes back every apply that was broken off, by whomever of us: to be done before the first decision of a new leader.
    ///
    /// # Errors
    /// Where the cluster can't be reached, or an apply can't be taken back.
    pub async fn recover(&self) -> ibn_core::Result<Vec<WorkloadRef>> {
        self.watches.synced(self.limits.sync).await?;
        let mut done = Vec::new();
        for cache in [&self.watches.deployments, &self.watches.stateful_sets] {
            for view in cache.all().into_iter().filter(|it| it.journal.is_some()) {
                let lock = self.lock_of(&view.workload);
                let _alone = lock.lock().await;
                let now = self.read(&view.workload).await?;
                if now.journal.is_some() {
                    self.take_back(&now).await?;
                    done.push(now.workload);
                }
            }
        }
        Ok(done)
    }

    /// Keeps what was applied, for as long as it is polled: only whoever may write runs it.
    ///
    /// It looks at a workload when something about it was seen to change, and tells `told` whenever there was something to do.
    pub async fn keep(&self, mut told: impl FnMut(Kept)) {
        let mut all_at = Instant::now();
        loop {
            let now = Instant::now();
            let due = if now >= all_at {
                all_at = now + ROUND;
                self.watches.changes.take();
                self.everything()
            } else {
                self.watches.changes.take()
            };
            let (kept, again) = self.keep_these(due).await;
            if kept != Kept::default() {
                told(kept);
            }
            let wait = if again.is_empty() {
                all_at
            } else {
                now + Duration::from_millis(500)
            };
            self.watches.changes.put_back(again);
            let _ = tokio::time::timeout_at(wait.min(all_at), self.watches.changes.wait()).await;
        }
    }

    /// One round of [`ClusterOrchestrator::keep`] over everything.
    ///
    /// # Errors
    /// Where the cluster can't be reached.
    pub async fn keep_once(&self) -> ibn_core::Result<Kept> {
        self.watches.synced(self.limits.sync).await?;
        Ok(self.keep_these(self.everything()).await.0)
    }

    fn everything(&self) -> BTreeSet<WorkloadRef> {
        let all = [&self.watches.deployments, &self.watches.stateful_sets];
        let all = all.into_iter().flat_map(|cache| cache.all());
        all.map(|view| view.workload.clone()).collect()
    }

    /// What was done, and which workloads were busy.
    async fn keep_these(&self, these: BTreeSet<WorkloadRef>) -> (Kept, BTreeSet<WorkloadRef>) {
        let mut kept = Kept::default();
        let mut busy = BTreeSet::new();
        for workload in these {
            let Some(view) = self.watches.workload(&workload) else {
                continue;
            };
            if view.held == Held::default() && view.journal.is_none() {
                continue;
            }
            let lock = self.lock_of(&workload);
            let Ok(_alone) = lock.try_lock() else {
                busy.insert(workload);
                continue;
            };
            if let Err(error) = self.keep_one(&view, &mut kept).await {
                tracing::warn!(%workload, %error, "what was applied can't be kept");
                kept.failed.push((workload, error));
            }
        }
        (kept, busy)
    }

    async fn keep_one(&self, view: &WorkloadView, kept: &mut Kept) -> ibn_core::Result<()> {
        let workload = &view.workload;
        if view.journal.is_some() {
            let now = self.read(workload).await?;
            if now.journal.is_some() {
                self.take_back(&now).await?;
                kept.taken_back.push(workload.clone());
            }
            return Ok(());
        }
        if view.rollout == Rollout::Stuck && self.put_template_back(view).await? {
            kept.put_back.push(workload.clone());
            return Ok(());
        }
        let current = view.held.without_stale(&view.template);
        if current != view.held {
            let patch = json!({"metadata": {
                "uid": view.uid,
                "resourceVersion": view.resource_version,
                "annotations": {HELD: current.annotation()},
            }});
            match self.patch_workload(workload, &patch, Mode::Write).await {
                // What became of it is looked at when it is seen.
                Ok(_) | Err(Error::Stale { .. }) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let mut failure = Ok(());
        for pod in self.pods_of(workload) {
            let wanted = kept_sizes(view, &pod);
            let Some(patch) = steps::of_pod(&pod, &wanted, |field| !pod.is_by_hand(field)) else {
                continue;
            };
            if !self.is_due(&pod) {
                continue;
            }
            match self.resize(&pod, &patch, Mode::Write).await {
                Ok(_) => kept.resized += 1,
                Err(Error::NotFound { .. } | Error::Stale { .. }) => {}
                Err(error) => {
                    self.postpone(&pod);
                    failure = Err(error);
                }
            }
        }
        failure
    }

    fn is_due(&self, pod: &PodView) -> bool {
        let retries = self.shared.retries.lock();
        let retries = retries.unwrap_or_else(PoisonError::into_inner);
        retries.get(&pod.uid).is_none_or(|at| Instant::now() >= *at)
    }

    fn postpone(&self, pod: &PodView) {
        let retries = self.shared.retries.lock();
        let mut retries = retries.unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        retries.retain(|_, at| now < *at);
        retries.insert(pod.uid.clone(), now + AGAIN);
    }

    /// Where the rollout of a template of ours is stuck, puts the template back; whether it was one of ours.
    async fn put_template_back(&self, view: &WorkloadView) -> ibn_core::Result<bool> {
        let mut held = view.held.clone();
        let ours: Vec<(Field, Option<String>)> = view
            .held
            .0
            .iter()
            .filter(|(field, hold)| {
                let template = view.template.get(*field);
                hold.in_template && sizes::is_same(field, hold.to.as_ref(), template)
            })
            .map(|(field, hold)| (field.clone(), hold.from.clone()))
            .collect();
        if ours.is_empty() {
            return Ok(false);
        }
        for (field, _) in &ours {
            held.0.remove(field);
        }
        let changes = ours.iter().map(|(field, from)| (field, from.as_ref()));
        let patch = json!({
            "metadata": {
                "uid": view.uid,
                "resourceVersion": view.resource_version,
                "annotations": {HELD: held.annotation()},
            },
            "spec": {"template": {"spec": {"containers": sizes::patch(changes)}}},
        });
        match self
            .patch_workload(&view.workload, &patch, Mode::Write)
            .await
        {
            Ok(_) => Ok(true),
            // Its status moved on; it is looked at again when that is seen.
            Err(Error::Stale { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What a pod is to have: what is held of its workload, and of what we once resized what the template says.
fn kept_sizes(view: &WorkloadView, pod: &PodView) -> Sizes {
    let all = view.sizes();
    let held = view.held.in_force(&view.template).map(|(field, _)| field);
    let resized = pod
        .resized
        .iter()
        .filter(|(_, (by, _))| *by == FieldOwner::Ibn);
    let resized = resized.map(|(field, _)| field);
    held.chain(resized)
        .filter(|_| pod.phase != Phase::Over)
        .filter_map(|field| Some((field.clone(), all.get(field)?.clone())))
        .collect()
}
