//! The orchestrator of a real cluster.
//!
//! Reads come from [`Watches`]; a plan is held against a fresh read of its workload, and every write carries the version of
//! that read, or the identity of the object, as its precondition.

mod apply;
mod call;
mod journal;
mod keep;
mod live;
mod quota;
mod scaler;
mod steps;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ibn_core::allocation::FieldChange;
use ibn_core::decision::DecisionId;
use ibn_core::guard::{ApprovedPlan, Desired, Receipt};
use ibn_core::roles::Orchestrator;
use ibn_core::workload::{Inventory, WorkloadRef};
use kube::Client;

use crate::watch::Watches;
pub use keep::{Kept, ResizeReport};

/// How long it is waited for what takes part in an apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the answer to one request.
    pub request: Duration,
    /// For nodes to say that they did a resize; what takes longer is told by [`ClusterOrchestrator::resizes`].
    pub resize: Duration,
    /// For the first list of everything.
    pub sync: Duration,
}

impl Default for Limits {
    /// Within the time that the engine waits for an apply.
    fn default() -> Self {
        Self {
            request: Duration::from_secs(3),
            resize: Duration::from_secs(3),
            sync: Duration::from_secs(8),
        }
    }
}

/// Reads and changes the workloads of a Kubernetes cluster.
///
/// - The number of pods goes through `/scale`, an autoscaler is a HorizontalPodAutoscaler of ours or one that carries the
///   annotation `ibn.dev/adopt: "true"`, of which only the bounds and the target are moved.
/// - CPU and memory are changed in the running pods by `resize`. What pods are to have stands in the annotation
///   `ibn.dev/held-sizes` of the workload; [`ClusterOrchestrator::keep`] gives it to pods that come later. The pod template is
///   changed only by a plan that running pods can't take, which the guard lets through only where a guardrail allows it.
/// - A plan of several writes is announced in the annotation `ibn.dev/applying` first and made final by one write at the end;
///   what was broken off in between is taken back.
///
/// Clones share everything.
#[derive(Clone)]
pub struct ClusterOrchestrator {
    client: Client,
    watches: Arc<Watches>,
    limits: Limits,
    may_replace: Arc<MayReplace>,
    shared: Arc<Shared>,
}

type MayReplace = dyn Fn(&WorkloadRef) -> bool + Send + Sync;

#[derive(Default)]
struct Shared {
    /// By decision, the newest ones.
    receipts: Mutex<BTreeMap<DecisionId, Receipt>>,
    /// One apply at a time of a workload.
    locks: Mutex<BTreeMap<WorkloadRef, Arc<tokio::sync::Mutex<()>>>>,
    retries: Mutex<keep::Retries>,
}

/// Receipts that are kept for repeated calls.
const RECEIPTS: usize = 1024;

impl ClusterOrchestrator {
    /// One that reads from `watches`, with the usual limits.
    #[must_use]
    pub fn new(watches: Arc<Watches>) -> Self {
        Self::with_limits(watches, Limits::default())
    }

    /// One with other limits.
    #[must_use]
    pub fn with_limits(watches: Arc<Watches>, limits: Limits) -> Self {
        Self {
            client: watches.client.clone(),
            watches,
            limits,
            may_replace: Arc::new(|_| false),
            shared: Arc::default(),
        }
    }

    /// The same, which changes the pod template of a workload where `may_replace` says that its pods may be replaced.
    ///
    /// The guard asks the guardrails already; they are asked here once more, so that it takes both to restart a pod. Without
    /// this no template is ever changed.
    #[must_use]
    pub fn replacing_pods(
        self,
        may_replace: impl Fn(&WorkloadRef) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            may_replace: Arc::new(may_replace),
            ..self
        }
    }

    /// The watches that it reads from.
    #[must_use]
    pub fn watches(&self) -> &Arc<Watches> {
        &self.watches
    }

    fn lock_of(&self, workload: &WorkloadRef) -> Arc<tokio::sync::Mutex<()>> {
        let locks = self.shared.locks.lock();
        let mut locks = locks.unwrap_or_else(PoisonError::into_inner);
        if locks.len() > RECEIPTS {
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        Arc::clone(locks.entry(workload.clone()).or_default())
    }

    fn receipt(&self, decision: DecisionId) -> Option<Receipt> {
        let receipts = self.shared.receipts.lock();
        let receipts = receipts.unwrap_or_else(PoisonError::into_inner);
        receipts.get(&decision).cloned()
    }

    fn remember(&self, receipt: &Receipt) {
        let receipts = self.shared.receipts.lock();
        let mut receipts = receipts.unwrap_or_else(PoisonError::into_inner);
        receipts.insert(receipt.decision, receipt.clone());
        while receipts.len() > RECEIPTS {
            receipts.pop_first();
        }
    }
}

#[async_trait]
impl Orchestrator for ClusterOrchestrator {
    async fn inventory(&self) -> ibn_core::Result<Inventory> {
        self.watches.synced(self.limits.sync).await?;
        Ok(live::inventory(&self.watches))
    }

    async fn preview(&self, plan: &ApprovedPlan) -> ibn_core::Result<Vec<FieldChange>> {
        if self.receipt(plan.decision()).is_some() {
            return Ok(Vec::new());
        }
        self.watches.synced(self.limits.sync).await?;
        match plan.desired() {
            Desired::Allocation(to) => self.preview_allocation(plan, to).await,
            Desired::Quota(to) => self.preview_quota(plan, *to).await,
        }
    }

    async fn apply(&self, plan: ApprovedPlan) -> ibn_core::Result<Receipt> {
        let lock = self.lock_of(plan.workload());
        let _alone = lock.lock().await;
        if let Some(receipt) = self.receipt(plan.decision()) {
            return Ok(receipt);
        }
        self.watches.synced(self.limits.sync).await?;
        let receipt = match plan.desired() {
            Desired::Allocation(to) => self.apply_allocation(&plan, to).await?,
            Desired::Quota(to) => self.apply_quota(&plan, *to).await?,
        };
        self.remember(&receipt);
        Ok(receipt)
    }
}
