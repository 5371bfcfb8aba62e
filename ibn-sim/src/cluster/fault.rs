//! What can go wrong with pods and nodes.

use super::{Cluster, Due};
use crate::error::Result;
use crate::pod::PodPhase;

/// After so long without a sign of a node its pods get no requests (`node-monitor-grace-period`, 50 s since Kubernetes 1.32).
const NODE_GRACE_NANOS: u64 = 50_000_000_000;
/// After so long more they are deleted (the toleration that pods are given, 300 s).
const TOLERATION_NANOS: u64 = 300_000_000_000;

impl Cluster {
    /// Ids of so many ready pods of a workload, the oldest ones.
    fn oldest(&self, name: &str, count: u32) -> Result<Vec<u64>> {
        let ready = self
            .get(name)?
            .pods
            .iter()
            .filter(|pod| pod.phase == PodPhase::Ready);
        Ok(ready.take(count as usize).map(|pod| pod.id).collect())
    }

    /// Deletes so many ready pods by force, the oldest ones.
    pub(crate) fn kill_pods(&mut self, name: &str, count: u32) -> Result<()> {
        for id in self.oldest(name, count)? {
            self.kill_pod(name, id)?;
        }
        Ok(())
    }

    /// Lets the containers of so many ready pods end, the oldest ones; they are started again.
    pub(crate) fn crash_pods(&mut self, name: &str, count: u32) -> Result<()> {
        let now = self.now;
        let ids = self.oldest(name, count)?;
        let workload = self.get_mut(name)?;
        for id in ids {
            if let Some(index) = workload.index_of(id) {
                workload.crash(index, now);
            }
        }
        Ok(())
    }

    /// Lets so many ready pods, the oldest ones, need `factor` times the CPU time for requests that come from now on, and all
    /// others of the workload as much as they should.
    pub(crate) fn slow_pods(&mut self, name: &str, count: u32, factor: f64) -> Result<()> {
        let slow = self.oldest(name, count)?;
        for pod in &mut self.get_mut(name)?.pods {
            pod.slowness = if slow.contains(&pod.id) { factor } else { 1.0 };
        }
        Ok(())
    }

    /// Lets pods of a workload need `factor` times as long to start from now on.
    pub(crate) fn slow_starts(&mut self, name: &str, factor: f64) -> Result<()> {
        self.get_mut(name)?.set_start_factor(factor)
    }

    /// Loses so many nodes, those with most pods, and gives back which.
    pub(crate) fn lose_nodes(&mut self, count: u32) -> Vec<usize> {
        let now = self.now;
        let mut there: Vec<usize> = (0..self.nodes.len())
            .filter(|at| {
                self.nodes
                    .get(*at)
                    .is_some_and(|node| node.lost.is_none() && !node.is_gone)
            })
            .collect();
        there
            .sort_by_key(|at| std::cmp::Reverse(self.nodes.get(*at).map_or(0, |node| node.pods())));
        there.truncate(count as usize);
        for &at in &there {
            if let Some(node) = self.nodes.get_mut(at) {
                node.lost = Some(now);
            }
            for workload in &mut self.workloads {
                for index in 0..workload.pods.len() {
                    if workload
                        .pods
                        .get(index)
                        .is_some_and(|pod| pod.node == Some(at))
                    {
                        workload.lose_pod(index, now);
                    }
                }
            }
            let unreachable = now + NODE_GRACE_NANOS;
            self.schedule(
                unreachable,
                Due::Unreachable {
                    node: at,
                    since: now,
                },
            );
            self.schedule(
                unreachable + TOLERATION_NANOS,
                Due::Evict {
                    node: at,
                    since: now,
                },
            );
        }
        there
    }

    /// Lets a node that was lost be there again: containers of pods that still belong there are started.
    pub(crate) fn return_node(&mut self, at: usize) {
        let now = self.now;
        match self.nodes.get_mut(at) {
            Some(node) if node.lost.is_some() => node.lost = None,
            _ => return,
        }
        for workload in &mut self.workloads {
            for index in 0..workload.pods.len() {
                let back = |pod: &crate::pod::Pod| pod.node == Some(at) && pod.lost;
                if workload.pods.get(index).is_some_and(back) {
                    workload.recover_pod(index, now);
                }
            }
        }
        self.settle(false);
    }

    /// What follows of a node that has been lost since then, where it still is.
    pub(super) fn after_loss(&mut self, at: usize, since: u64, evict: bool) {
        if self
            .nodes
            .get(at)
            .is_none_or(|node| node.lost != Some(since))
        {
            return;
        }
        let now = self.now;
        let mut released = Vec::new();
        for workload in &mut self.workloads {
            let ids: Vec<u64> = workload
                .pods
                .iter()
                .filter(|pod| pod.node == Some(at))
                .map(|pod| pod.id)
                .collect();
            for id in ids {
                let Some(index) = workload.index_of(id) else {
                    continue;
                };
                if evict {
                    released.extend(workload.end_pod(index, now, true));
                } else {
                    workload.unreachable(index, now);
                }
            }
        }
        for pod in released {
            self.release(pod.node, &pod.size);
        }
        if evict {
            self.settle(false);
        }
    }
}
