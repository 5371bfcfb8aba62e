//! The monitor of a real cluster: what `metrics.k8s.io` says of pods, and what the pods themselves say.

mod restarts;
mod usage;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ibn_core::observation::{Observation, Signal};
use ibn_core::roles::Monitor;
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use jiff::Timestamp;

use crate::watch::{Phase, PodView, Watches};
use restarts::History;
use usage::{Usage, Usages};

/// How long it is waited for the first list of pods.
const SYNC: Duration = Duration::from_secs(8);

/// Measures workloads by `metrics.k8s.io` (CPU, memory) and by their pods (readiness, restarts).
///
/// CPU and memory are missing where there is no metrics server, and where it has no sample of a pod that is ready: the sum of
/// the others would be too small. Their time is that of the oldest sample. Restarts are missing until this has looked at the
/// workload for as long as the window is. Requests, latencies and errors are never in it: merge it with a monitor that has them.
pub struct ClusterMonitor {
    watches: Arc<Watches>,
    usages: Usages,
    restarts: Mutex<BTreeMap<WorkloadRef, History>>,
}

impl ClusterMonitor {
    /// One that reads pods from `watches`.
    #[must_use]
    pub fn new(watches: Arc<Watches>) -> Self {
        Self {
            usages: Usages::new(watches.client.clone(), watches.scope.clone()),
            watches,
            restarts: Mutex::default(),
        }
    }

    fn observe_one(
        &self,
        workload: &WorkloadRef,
        window: Duration,
        now: Timestamp,
        usages: &BTreeMap<(String, String), Usage>,
    ) -> Observation {
        let mut seen = Observation::new(workload.clone(), now, window);
        if workload.kind == WorkloadKind::Namespace || self.watches.workload(workload).is_none() {
            return seen;
        }
        let mut pods = self.watches.pods.about(workload);
        pods.retain(|pod| pod.phase != Phase::Over);
        let ready = pods.iter().filter(|pod| pod.ready_since.is_some()).count();
        let ready = u32::try_from(ready).unwrap_or(u32::MAX);
        seen.set(Signal::ReadyReplicas, f64::from(ready), now);
        if let Some(restarts) = self.count_restarts(workload, &pods, window, now) {
            seen.set(Signal::Restarts, restarts, now);
        }
        let samples = pods.iter().map(|pod| {
            let of = usages.get(&(pod.namespace.clone(), pod.name.clone()));
            (pod, of)
        });
        let samples: Vec<_> = samples.collect();
        let is_whole = samples
            .iter()
            .all(|(pod, sample)| sample.is_some() || pod.ready_since.is_none());
        let there: Vec<&Usage> = samples.iter().filter_map(|(_, sample)| *sample).collect();
        let Some(at) = there.iter().map(|it| it.at).min().filter(|_| is_whole) else {
            return seen;
        };
        let sum = |value: fn(&Usage) -> f64| there.iter().map(|it| value(it)).sum();
        seen.set(Signal::CpuUsage, sum(|it| it.cpu), at);
        seen.set(Signal::MemoryUsage, sum(|it| it.memory), at);
        let peak = there.iter().map(|it| it.memory).fold(0.0, f64::max);
        seen.set(Signal::MemoryPeak, peak, at);
        seen
    }

    fn count_restarts(
        &self,
        workload: &WorkloadRef,
        pods: &[Arc<PodView>],
        window: Duration,
        now: Timestamp,
    ) -> Option<f64> {
        let histories = self.restarts.lock();
        let mut histories = histories.unwrap_or_else(PoisonError::into_inner);
        let history = histories.entry(workload.clone()).or_default();
        history.look(
            pods.iter().map(|pod| (pod.uid.as_str(), pod.restarts)),
            now,
            window,
        );
        history.within(window, now).map(f64::from)
    }

    /// Forgets workloads that are gone.
    fn forget(&self) {
        let histories = self.restarts.lock();
        let mut histories = histories.unwrap_or_else(PoisonError::into_inner);
        histories.retain(|workload, _| self.watches.workload(workload).is_some());
    }
}

#[async_trait]
impl Monitor for ClusterMonitor {
    async fn observe(
        &self,
        workloads: &[WorkloadRef],
        window: Duration,
    ) -> ibn_core::Result<Vec<Observation>> {
        self.watches.synced(SYNC).await?;
        let usages = if workloads.is_empty() {
            Arc::default()
        } else {
            self.usages.newest().await
        };
        let now = Timestamp::now();
        self.forget();
        let observe = |it| self.observe_one(it, window, now, &usages);
        Ok(workloads.iter().map(observe).collect())
    }
}
