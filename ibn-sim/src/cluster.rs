//! The cluster: workloads on nodes, driven through simulated time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use ibn_core::units::{Bytes, CpuMillis};

use crate::account::{Bin, Span};
use crate::error::{Error, Result};
use crate::log::{Event, EventKind};
use crate::metrics::Metrics;
use crate::node::{Node, place};
use crate::pod::{PodPhase, PodView};
use crate::rng::Seeds;
use crate::spec::{Accounting, ClusterSpec, PodSize, WorkloadSpec, check_size};
use crate::time::{SimTime, nanos};
use crate::workload::Workload;

/// The kubelet looks after a pod that stops once a second.
const LOOK_NANOS: u64 = 1_000_000_000;
/// From a change of a pod's resources to its quota file: 10 to 30 ms on a real node.
const ACTUATION_NANOS: u64 = 20_000_000;

/// A simulated cluster.
///
/// Time moves only in [`advance_to`](Self::advance_to). Every request is simulated: it goes to a pod, waits there,
/// is worked on under the pod's CPU quota, or fails. Pods take time to start and to stop, and need room on a node.
///
/// The same specification, seed and sequence of changes at the same instants give the same run, to the byte, whatever
/// the steps in which time is moved and however often someone looks. A clone is a snapshot: it goes on as the
/// original does, and neither changes the other.
///
/// ```
/// use ibn_sim::{Cluster, ClusterSpec, RateCurve, SimTime, WorkloadSpec};
/// let web = WorkloadSpec::new("web", RateCurve::constant(40.0)?);
/// let mut cluster = Cluster::new(&ClusterSpec::on_one_node(vec![web]), 1)?;
/// cluster.advance_to(SimTime::from_secs(60));
/// cluster.scale("web", 3)?;
/// cluster.advance_to(SimTime::from_secs(120));
/// assert_eq!(cluster.status("web")?.ready, 3);
/// # Ok::<(), ibn_sim::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cluster {
    accounting: Accounting,
    nodes: Vec<Node>,
    workloads: Vec<Workload>,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Due)>>,
    next_event: u64,
}

/// What happens at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A bin ends.
    Bin,
    /// A pod that stops is looked after.
    Look { workload: usize, pod: u64 },
    /// A pod's new resources are written.
    Actuate { workload: usize, pod: u64 },
}

/// What a workload is given and has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Pods asked for.
    pub replicas: u32,
    /// What each pod should have.
    pub size: PodSize,
    /// Rises with every change of either.
    pub version: u64,
    /// Pods that take requests.
    pub ready: u32,
    /// Pods that aren't stopping, ready or not.
    pub pods: u32,
    /// Requests in flight.
    pub in_flight: u64,
}

/// Room on the nodes that no pod has reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Free {
    /// CPU.
    pub cpu: CpuMillis,
    /// Memory.
    pub memory: Bytes,
}

impl Cluster {
    /// A cluster at time 0, with every pod of the specification that fits ready at once.
    ///
    /// # Errors
    /// A specification that is not one; the first fault, with its key.
    pub fn new(spec: &ClusterSpec, seed: u64) -> Result<Self> {
        spec.check()?;
        let seeds = Seeds::new(seed);
        let workloads = spec
            .workloads
            .iter()
            .map(|workload| Workload::new(workload.clone(), &spec.accounting, seeds))
            .collect::<Result<_>>()?;
        let mut cluster = Self {
            accounting: spec.accounting,
            nodes: spec.nodes.iter().cloned().map(Node::new).collect(),
            workloads,
            now: 0,
            events: BinaryHeap::new(),
            next_event: 0,
        };
        cluster.schedule(nanos(spec.accounting.bin), Due::Bin);
        for workload in &mut cluster.workloads {
            workload.replicas = workload.spec.replicas;
            for _ in 0..workload.replicas {
                workload.create_pod(0);
            }
        }
        cluster.fill_nodes(true);
        for workload in &mut cluster.workloads {
            workload.run_to(0);
        }
        Ok(cluster)
    }

    /// The present.
    #[must_use]
    pub const fn now(&self) -> SimTime {
        SimTime::from_nanos(self.now)
    }

    /// Names of the workloads, in the order of the specification.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.workloads
            .iter()
            .map(|workload| workload.spec.name.as_str())
    }

    /// Moves time on to `until`; an instant that has passed changes nothing.
    pub fn advance_to(&mut self, until: SimTime) {
        let until = until.nanos();
        while let Some(&Reverse((at, _, due))) = self.events.peek() {
            if at > until {
                break;
            }
            self.events.pop();
            self.run_to(at);
            self.handle(due);
        }
        self.run_to(until);
    }

    fn run_to(&mut self, until: u64) {
        if until < self.now {
            return;
        }
        for workload in &mut self.workloads {
            workload.run_to(until);
        }
        self.now = until;
    }

    fn schedule(&mut self, at: u64, due: Due) {
        self.events.push(Reverse((at, self.next_event, due)));
        self.next_event += 1;
    }

    fn handle(&mut self, due: Due) {
        let now = self.now;
        match due {
            Due::Bin => {
                for workload in &mut self.workloads {
                    workload.close_bin(now);
                }
                self.schedule(now + nanos(self.accounting.bin), due);
            }
            Due::Look { workload, pod } => {
                let Some(owner) = self.workloads.get_mut(workload) else {
                    return;
                };
                let Some(index) = owner.index_of(pod) else {
                    return;
                };
                match owner.end_pod(index, now, false) {
                    None => self.schedule(now + LOOK_NANOS, due),
                    Some(pod) => self.release(pod.node, &pod.size),
                }
            }
            Due::Actuate { workload, pod } => {
                let Some(owner) = self.workloads.get_mut(workload) else {
                    return;
                };
                let Some(pod) = owner
                    .index_of(pod)
                    .and_then(|index| owner.pods.get_mut(index))
                else {
                    return;
                };
                if pod.running == pod.size {
                    return;
                }
                if pod.actuate(now, &owner.spec, &mut owner.account) {
                    owner.log.push(now, EventKind::PodResized(pod.id));
                } else {
                    // Its memory in use exceeds the new limit: the kubelet tries again.
                    self.schedule(now + LOOK_NANOS, due);
                }
            }
        }
    }

    fn release(&mut self, node: Option<usize>, size: &PodSize) {
        if let Some(node) = node.and_then(|node| self.nodes.get_mut(node)) {
            node.release(size);
            self.fill_nodes(false);
        }
    }

    /// Gives free room to resizes that wait for it, then to pods that wait for a node, each in the order of the
    /// workloads and of their pods.
    fn fill_nodes(&mut self, at_start: bool) {
        let now = self.now;
        for workload in 0..self.workloads.len() {
            self.resize_pods(workload);
        }
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
    }

    /// Lets the pods of a workload that aren't as they should be reserve what they should have, where their node has room.
    fn resize_pods(&mut self, workload: usize) {
        let now = self.now;
        let mut changed = Vec::new();
        let Some(owner) = self.workloads.get_mut(workload) else {
            return;
        };
        for pod in owner
            .pods
            .iter_mut()
            .filter(|pod| pod.phase != PodPhase::Stopping && pod.size != pod.desired)
        {
            let Some(node) = pod.node.and_then(|node| self.nodes.get_mut(node)) else {
                pod.size = pod.desired;
                continue;
            };
            if node.resize(&pod.size, &pod.desired) {
                owner.meter.replace(now, &pod.size, &pod.desired);
                pod.size = pod.desired;
                pod.deferred = false;
                changed.push(pod.id);
            } else if !pod.deferred {
                pod.deferred = true;
                owner.log.push(now, EventKind::PodResizeDeferred(pod.id));
            }
        }
        for pod in changed {
            self.schedule(now + ACTUATION_NANOS, Due::Actuate { workload, pod });
        }
    }

    fn find(&self, name: &str) -> Result<usize> {
        let found = self
            .workloads
            .iter()
            .position(|workload| workload.spec.name == name);
        found.ok_or_else(|| Error::UnknownWorkload(name.to_owned()))
    }

    fn get(&self, name: &str) -> Result<&Workload> {
        let unknown = || Error::UnknownWorkload(name.to_owned());
        self.workloads.get(self.find(name)?).ok_or_else(unknown)
    }

    fn get_mut(&mut self, name: &str) -> Result<&mut Workload> {
        let index = self.find(name)?;
        self.workloads
            .get_mut(index)
            .ok_or_else(|| Error::UnknownWorkload(name.to_owned()))
    }

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
        self.match_replicas(index);
        Ok(())
    }

    /// Makes or stops pods until as many live as are asked for.
    fn match_replicas(&mut self, index: usize) {
        let now = self.now;
        let Some(workload) = self.workloads.get_mut(index) else {
            return;
        };
        let live = workload
            .pods
            .iter()
            .filter(|pod| pod.phase != PodPhase::Stopping)
            .count();
        let wanted = workload.replicas as usize;
        for _ in live..wanted {
            workload.create_pod(now);
        }
        for id in workload.victims(live.saturating_sub(wanted)) {
            self.stop(index, id);
        }
        self.fill_nodes(false);
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
        self.fill_nodes(false);
        Ok(())
    }

    /// Deletes a pod by force, now: what is in flight there is lost, and another pod is made.
    ///
    /// # Errors
    /// A workload that isn't in the cluster; a pod that doesn't exist is none.
    pub fn kill_pod(&mut self, name: &str, id: u64) -> Result<()> {
        let (now, index) = (self.now, self.find(name)?);
        let workload = self.get_mut(name)?;
        if let Some(pod) = workload
            .index_of(id)
            .and_then(|pod| workload.end_pod(pod, now, true))
        {
            self.release(pod.node, &pod.size);
            self.match_replicas(index);
        }
        Ok(())
    }

    /// What a workload is given and has.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn status(&mut self, name: &str) -> Result<Status> {
        let now = self.now;
        let workload = self.get_mut(name)?;
        Ok(Status {
            replicas: workload.replicas,
            size: workload.size,
            version: workload.version,
            ready: workload.ready(),
            pods: workload
                .pods
                .iter()
                .filter(|pod| pod.phase != PodPhase::Stopping)
                .count() as u32,
            in_flight: workload.in_flight(now),
        })
    }

    /// The pods of a workload, by their number.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn pods(&mut self, name: &str) -> Result<Vec<PodView>> {
        let now = self.now;
        let workload = self.get_mut(name)?;
        workload.in_flight(now);
        Ok(workload
            .pods
            .iter()
            .map(|pod| pod.view(&workload.spec.memory))
            .collect())
    }

    /// CPU that each pod used on average over the last `window` of whole bins, in cores, by pod number; `None` for a
    /// pod that is younger. This is what a metrics server would say of it; its time is the end of the last bin.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn pod_cpu(&self, name: &str, window: Duration) -> Result<Vec<(u64, Option<f64>)>> {
        let bin = nanos(self.accounting.bin);
        let bins = (nanos(window) / bin).max(1);
        let cores = |used: u64| used as f64 / (bins * bin) as f64;
        let workload = self.get(name)?;
        Ok(workload
            .pods
            .iter()
            .map(|pod| (pod.id, pod.cpu_in_last(bins as usize).map(cores)))
            .collect())
    }

    /// The specification of a workload.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn spec(&self, name: &str) -> Result<&WorkloadSpec> {
        self.get(name).map(|workload| &workload.spec)
    }

    /// The closed bins that are kept, oldest first.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn bins(&self, name: &str) -> Result<impl Iterator<Item = &Bin>> {
        self.get(name)
            .map(|workload| workload.account.bins().iter())
    }

    /// The closed bins within `window` before now as one; `None` where there are none.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn span(&self, name: &str, window: Duration) -> Result<Option<Span>> {
        self.get(name)
            .map(|workload| workload.account.span(self.now(), window))
    }

    /// What was counted and used since the start.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn metrics(&mut self, name: &str) -> Result<Metrics> {
        let now = self.now;
        let workload = self.get_mut(name)?;
        let in_flight = workload.in_flight(now);
        workload.meter.advance(now);
        Ok(Metrics::new(workload, now, in_flight))
    }

    /// The last events of a workload other than closed bins, oldest first.
    ///
    /// # Errors
    /// A workload that isn't in the cluster.
    pub fn recent_events(&self, name: &str) -> Result<impl Iterator<Item = &Event>> {
        self.get(name).map(|workload| workload.log.recent().iter())
    }

    /// Hash (XXH3) of everything that happened up to the last closed bin or later event, over all workloads.
    #[must_use]
    pub fn event_hash(&self) -> u64 {
        let hashes: Vec<u8> = self
            .workloads
            .iter()
            .flat_map(|workload| workload.log.hash().to_le_bytes())
            .collect();
        xxhash_rust::xxh3::xxh3_64(&hashes)
    }

    /// Room on all nodes together that no pod has reserved.
    #[must_use]
    pub fn free(&self) -> Free {
        Free {
            cpu: self
                .nodes
                .iter()
                .map(|node| CpuMillis::new(node.cpu_free()))
                .sum(),
            memory: self
                .nodes
                .iter()
                .map(|node| Bytes::new(node.memory_free()))
                .sum(),
        }
    }
}

#[cfg(test)]
mod tests;
