//! The cluster: workloads on nodes, driven through simulated time.

mod control;
mod fault;
mod nodes;
mod view;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use ibn_core::allocation::QuotaLimits;

use crate::error::{Error, Result};
use crate::log::EventKind;
use crate::node::Node;
use crate::rng::Seeds;
use crate::spec::{Accounting, ClusterSpec, NodeAutoscaling};
use crate::time::{SimTime, nanos};
use crate::tracked::{Message, Tracked};
use crate::workload::Workload;

pub use view::{Free, Status};

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
    /// The places of the workloads, who calls before who is called.
    order: Vec<usize>,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Due)>>,
    next_event: u64,
    /// By namespace.
    quotas: BTreeMap<String, QuotaLimits>,
    scaling: Option<NodeAutoscaling>,
    /// Whether a node is ordered and not there yet.
    is_ordered: bool,
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
    /// It is noticed that a node is lost.
    Unreachable { node: usize, since: u64 },
    /// The pods of a lost node are given up.
    Evict { node: usize, since: u64 },
    /// A node that was ordered is there.
    NodeAdded,
    /// A node that came may have been empty for long enough.
    NodeIdle { node: usize },
}

impl Cluster {
    /// A cluster at time 0, with every pod of the specification that fits ready at once.
    ///
    /// # Errors
    /// A specification that is not one; the first fault, with its key.
    pub fn new(spec: &ClusterSpec, seed: u64) -> Result<Self> {
        spec.check()?;
        let seeds = Seeds::new(seed);
        let mut workloads: Vec<Workload> = spec
            .workloads
            .iter()
            .map(|workload| Workload::new(workload.clone(), &spec.accounting, seeds))
            .collect::<Result<_>>()?;
        for (place, workload) in workloads.iter_mut().enumerate() {
            let of = |name: &str| spec.workloads.iter().position(|other| other.name == name);
            let calls = workload
                .spec
                .calls
                .iter()
                .filter_map(|call| Some((of(&call.workload)?, call.share)))
                .collect();
            let is_called = spec
                .workloads
                .iter()
                .flat_map(|other| &other.calls)
                .any(|call| call.workload == workload.spec.name);
            let tracked = Tracked::of(&workload.spec, place, calls, is_called, seeds);
            workload.track(tracked);
        }
        let mut cluster = Self {
            accounting: spec.accounting,
            nodes: spec.nodes.iter().cloned().map(Node::new).collect(),
            workloads,
            order: spec.callers_first()?,
            now: 0,
            events: BinaryHeap::new(),
            next_event: 0,
            quotas: BTreeMap::new(),
            scaling: spec.node_autoscaling.clone(),
            is_ordered: false,
        };
        cluster.schedule(nanos(spec.accounting.bin), Due::Bin);
        for workload in &mut cluster.workloads {
            workload.replicas = workload.spec.replicas;
        }
        cluster.settle(true);
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
        for place in 0..self.order.len() {
            let place = self.order.get(place).copied().unwrap_or(place);
            let Some(workload) = self.workloads.get_mut(place) else {
                continue;
            };
            workload.run_to(until);
            self.pass_on(place);
        }
        self.now = until;
    }

    /// Passes on what a workload has to tell others: calls that its requests make, and answers to those that others made.
    fn pass_on(&mut self, from: usize) {
        let messages = |of: &mut Workload| {
            of.tracked
                .as_mut()
                .map(|tracked| tracked.messages())
                .unwrap_or_default()
        };
        let mut left = self
            .workloads
            .get_mut(from)
            .map(messages)
            .unwrap_or_default();
        while let Some(message) = left.pop() {
            match message {
                Message::Call { to, at, caller } => {
                    let called = self.workloads.get_mut(to);
                    if let Some(tracked) = called.and_then(|of| of.tracked.as_mut()) {
                        tracked.called(at, caller);
                    }
                }
                Message::Answer { to, at, ok } => {
                    let Some(caller) = self.workloads.get_mut(to.workload) else {
                        continue;
                    };
                    if let Some(tracked) = &mut caller.tracked {
                        tracked.answered(to.arrived, at, ok, &mut caller.account);
                    }
                    left.extend(messages(caller));
                }
            }
        }
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
            Due::NodeAdded => self.add_node(),
            Due::NodeIdle { node } => self.remove_idle(node),
            Due::Unreachable { node, since } => self.after_loss(node, since, false),
            Due::Evict { node, since } => self.after_loss(node, since, true),
            Due::Look { workload, pod } => {
                let Some(owner) = self.workloads.get_mut(workload) else {
                    return;
                };
                let Some(index) = owner.index_of(pod) else {
                    return;
                };
                match owner.end_pod(index, now, false) {
                    None => self.schedule(now + LOOK_NANOS, due),
                    Some(pod) => {
                        self.release(pod.node, &pod.size);
                        self.settle(false);
                    }
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
}

#[cfg(test)]
mod tests;
