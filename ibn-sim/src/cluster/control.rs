//! What can be done to a cluster, and how room on the nodes and in quotas is given.

use ibn_core::allocation::QuotaLimits;
use ibn_core::units::{Bytes, CpuMillis};

use super::{ACTUATION_NANOS, Cluster, Due, LOOK_NANOS};
use crate::error::{Error, Result};
use crate::log::EventKind;
use crate::node::place;
use crate::pod::{Pod, PodPhase};
use crate::spec::{PodSize, check_size};

impl Cluster {
    /// Asks for `replicas` pods of a workload, now. Pods that are too many stop; those that are missing are made.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn scale(&mut self, name: &str, replicas: u32) -> Result<()> {
        let (now, index) = (self.now, self.find(name)?);
        let workload = self.get_mut(name)?;
        if workload.replicas == replicas {
            return Ok(());
        }
        workload.log.push(
            now,
            EventKind::Scaled {
                from: workload.replicas,
                to: replicas,
            },
        );
        workload.replicas = replicas;
        workload.version += 1;
        self.stop_surplus(index);
        self.settle(false);
        Ok(())
    }

    /// Sets what all workloads of a namespace together may request, now; `None` for no bound. What is there stays; pods
    /// that don't fit aren't made, resizes that don't fit wait.
    pub fn set_quota(&mut self, namespace: &str, quota: Option<QuotaLimits>) {
        match quota {
            Some(quota) => self.quotas.insert(namespace.to_owned(), quota),
            None => self.quotas.remove(namespace),
        };
        self.settle(false);
    }

    /// Gives every pod of a workload `size`, now, in place: what is running gets it after 20 ms where its node has room,
    /// new pods are made with it.
    ///
    /// # Errors
    /// A workload that isn't in the cluster, or a limit of 0 or below its request.
    pub fn resize(&mut self, name: &str, size: PodSize) -> Result<()> {
        check_size(&size).map_err(|reason| Error::spec(format!("{name}.size"), reason))?;
        let now = self.now;
        let workload = self.get_mut(name)?;
        if workload.size == size {
            return Ok(());
        }
        workload.log.push(now, EventKind::Resized(size));
        workload.size = size;
        workload.version += 1;
        for pod in workload
            .pods
            .iter_mut()
            .filter(|pod| pod.phase != PodPhase::Stopping)
        {
            pod.desired = size;
            pod.deferred = false;
        }
        self.settle(false);
        Ok(())
    }

    /// Deletes a pod by force, now: what is in flight there is lost, and another pod is made.
    ///
    /// # Errors
    /// A workload that isn't in the cluster; a pod that doesn't exist is none.
    pub fn kill_pod(&mut self, name: &str, id: u64) -> Result<()> {
        let now = self.now;
        let workload = self.get_mut(name)?;
        if let Some(pod) = workload
            .index_of(id)
            .and_then(|pod| workload.end_pod(pod, now, true))
        {
            self.release(pod.node, &pod.size);
            self.settle(false);
        }
        Ok(())
    }

    /// Stops pods until no more live than are asked for.
    fn stop_surplus(&mut self, index: usize) {
        let Some(workload) = self.workloads.get(index) else {
            return;
        };
        let surplus = workload.live().saturating_sub(workload.replicas as usize);
        for id in workload.victims(surplus) {
            self.stop(index, id);
        }
    }

    /// Stops a pod: at once where it takes no requests yet, else once it is done with those that it has.
    fn stop(&mut self, workload: usize, id: u64) {
        let now = self.now;
        let Some(owner) = self.workloads.get_mut(workload) else {
            return;
        };
        let Some(index) = owner.index_of(id) else {
            return;
        };
        if owner
            .pods
            .get(index)
            .is_some_and(|pod| pod.phase == PodPhase::Ready)
        {
            owner.stop_pod(index, now);
            self.schedule(now + LOOK_NANOS, Due::Look { workload, pod: id });
        } else if let Some(pod) = owner.end_pod(index, now, true) {
            self.release(pod.node, &pod.size);
        }
    }

    /// Gives back what an ended pod had; [`Cluster::settle`] gives it to others.
    pub(super) fn release(&mut self, node: Option<usize>, size: &PodSize) {
        let now = self.now;
        if let Some(node) = node.and_then(|node| self.nodes.get_mut(node)) {
            node.release(size);
            if node.pods() == 0 {
                // Empty from now on.
                node.since = node.since.map(|_| now);
            }
        }
    }

    /// Gives free room in quotas and on nodes to missing pods, to resizes that wait and to pods that wait for a node, each
    /// in the order of the workloads and of their pods.
    pub(super) fn settle(&mut self, at_start: bool) {
        for workload in 0..self.workloads.len() {
            self.create_missing(workload);
        }
        for workload in 0..self.workloads.len() {
            self.resize_pods(workload);
        }
        let now = self.now;
        for workload in &mut self.workloads {
            for index in 0..workload.pods.len() {
                let Some(pod) = workload
                    .pods
                    .get(index)
                    .filter(|pod| pod.phase == PodPhase::Pending)
                else {
                    continue;
                };
                // Pods of one workload are alike: where one finds no node, none does.
                let Some(at) = place(&self.nodes, &pod.size) else {
                    break;
                };
                let size = pod.size;
                if let Some(node) = self.nodes.get_mut(at) {
                    node.reserve(&size);
                    workload.place_pod(index, now, at, node.cores(), at_start);
                }
            }
        }
        self.order_node();
    }

    /// Makes the pods that a workload lacks, as many as the quota of its namespace has room for.
    fn create_missing(&mut self, index: usize) {
        let Some(workload) = self.workloads.get(index) else {
            return;
        };
        let missing = (workload.replicas as usize).saturating_sub(workload.live());
        if missing == 0 && workload.blocked == 0 {
            return;
        }
        let size = workload.size;
        let mut room = self.room_in_quota(&workload.spec.namespace);
        let Some(workload) = self.workloads.get_mut(index) else {
            return;
        };
        let mut blocked = 0;
        for _ in 0..missing {
            if room.as_mut().is_none_or(|room| room.take(&size)) {
                workload.create_pod(self.now);
            } else {
                blocked += 1;
            }
        }
        if blocked != workload.blocked {
            workload.blocked = blocked;
            workload.log.push(self.now, EventKind::PodsBlocked(blocked));
        }
    }

    /// Lets the pods of a workload that aren't as they should be reserve what they should have, where their node and the
    /// quota have room.
    fn resize_pods(&mut self, workload: usize) {
        let now = self.now;
        let Some(owner) = self.workloads.get(workload) else {
            return;
        };
        if owner
            .pods
            .iter()
            .all(|pod| pod.size == pod.desired || pod.phase == PodPhase::Stopping)
        {
            return;
        }
        let mut room = self.room_in_quota(&owner.spec.namespace);
        let Some(owner) = self.workloads.get_mut(workload) else {
            return;
        };
        let mut changed = Vec::new();
        let differs = |pod: &&mut Pod| pod.phase != PodPhase::Stopping && pod.size != pod.desired;
        for pod in owner.pods.iter_mut().filter(differs) {
            let fits = room
                .as_ref()
                .is_none_or(|room| room.has_for(&pod.size, &pod.desired));
            let fits = fits
                && match pod.node.and_then(|node| self.nodes.get_mut(node)) {
                    Some(node) => node.resize(&pod.size, &pod.desired),
                    None => true,
                };
            if !fits {
                if !pod.deferred {
                    pod.deferred = true;
                    owner.log.push(now, EventKind::PodResizeDeferred(pod.id));
                }
                continue;
            }
            if pod.node.is_some() {
                owner.meter.replace(now, &pod.size, &pod.desired);
                changed.push(pod.id);
            }
            if let Some(room) = &mut room {
                room.exchange(&pod.size, &pod.desired);
            }
            pod.size = pod.desired;
            pod.deferred = false;
        }
        for pod in changed {
            self.schedule(now + ACTUATION_NANOS, Due::Actuate { workload, pod });
        }
    }

    /// What the quota of a namespace leaves; `None` where it has none.
    fn room_in_quota(&self, namespace: &str) -> Option<Room> {
        let quota = self.quotas.get(namespace)?;
        let mut room = Room::of(quota);
        for pod in self
            .workloads
            .iter()
            .filter(|w| w.spec.namespace == namespace)
            .flat_map(|w| &w.pods)
        {
            room.add(&pod.size);
        }
        Some(room)
    }
}

/// What a quota leaves: negative where more is used than it allows.
#[derive(Debug, Clone, Copy)]
struct Room {
    cpu: i128,
    memory: i128,
    pods: i128,
}

impl Room {
    fn of(quota: &QuotaLimits) -> Self {
        let bound = |bound: Option<u64>| bound.map_or(i128::MAX / 2, i128::from);
        Self {
            cpu: bound(quota.cpu.map(CpuMillis::get)),
            memory: bound(quota.memory.map(Bytes::get)),
            pods: bound(quota.pods.map(u64::from)),
        }
    }

    fn add(&mut self, size: &PodSize) {
        self.cpu -= i128::from(size.cpu_request.get());
        self.memory -= i128::from(size.memory_request.get());
        self.pods -= 1;
    }

    /// Takes room for a pod, where there is as much.
    fn take(&mut self, size: &PodSize) -> bool {
        let mut after = *self;
        after.add(size);
        let fits = after.cpu >= 0 && after.memory >= 0 && after.pods >= 0;
        if fits {
            *self = after;
        }
        fits
    }

    /// Whether a pod may change so: what it asks for more must be there, what it asks for less never matters.
    fn has_for(&self, from: &PodSize, to: &PodSize) -> bool {
        let grows = |from: u64, to: u64, room: i128| {
            to <= from || i128::from(to) - i128::from(from) <= room
        };
        grows(from.cpu_request.get(), to.cpu_request.get(), self.cpu)
            && grows(
                from.memory_request.get(),
                to.memory_request.get(),
                self.memory,
            )
    }

    fn exchange(&mut self, from: &PodSize, to: &PodSize) {
        self.cpu += i128::from(from.cpu_request.get()) - i128::from(to.cpu_request.get());
        self.memory += i128::from(from.memory_request.get()) - i128::from(to.memory_request.get());
    }
}
