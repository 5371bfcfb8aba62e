//! The fluid engine: whole fleets of workloads in steps of a control period, requests as a flow.
//!
//! For training and for scale, where a request at a time is too slow. The cluster is the same: pods take time to start, need
//! room on a node, and serve under a CPU quota. Within a step the load is constant. Response times are those of the
//! [`Twin`](crate::Twin) at that load, read from a table, and on top of them the time that a backlog of earlier steps takes to
//! be worked off. All state is in columns, one entry a workload or a pod. Left out are calls, retries, faults, memory, and nodes that come and go.
//!
//! Measured against the engine that serves request by request (`examples/fluid_error.rs`, `benches/results/fluid-error.md`): p95 is within
//! some 15 % where requests go to a pod at random, and a third too short where they go to the least loaded one.

mod autoscale;
mod class;

use std::collections::BTreeMap;
use std::time::Duration;

use rand::Rng;

pub use autoscale::FleetHpa;
use class::{Class, Kind};

use crate::demand::RateCurve;
use crate::error::{Error, Result};
use crate::node::{Node, Placer};
use crate::rng::{Purpose, Seeds, Stream, normal};
use crate::spec::{ClusterSpec, PodSize, Traffic};
use crate::time::{SimTime, nanos};

/// Workloads on nodes, driven in steps.
///
/// Deterministic: the same specification, seed and changes give the same run, to the bit.
///
/// ```
/// use std::time::Duration;
/// use ibn_sim::fluid::Fleet;
/// use ibn_sim::{ClusterSpec, RateCurve, WorkloadSpec};
///
/// // 40 requests a second of 20 ms on pods of half a core: one is too few, four are not.
/// let web = WorkloadSpec::new("web", RateCurve::constant(40.0)?);
/// let mut fleet = Fleet::new(&ClusterSpec::on_one_node(vec![web]), Duration::from_secs(15), 1)?;
/// fleet.step();
/// assert!(fleet.reading(0).unwrap().p95 > 1.0);
/// fleet.scale(0, 4);
/// for _ in 0..20 {
///     fleet.step();
/// }
/// assert!(fleet.reading(0).unwrap().p95 < 0.3);
/// # Ok::<(), ibn_sim::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Fleet {
    step: Duration,
    steps: u64,
    nodes: Vec<Node>,
    placer: Placer,
    curves: Vec<RateCurve>,
    sizes: Vec<PodSize>,
    startups: Vec<crate::law::Sampler>,
    kinds: Vec<Kind>,
    /// Pods that the class of a workload is for.
    class_pods: Vec<u32>,
    known: BTreeMap<Kind, u32>,
    rooms: Vec<f64>,
    objectives: Vec<f64>,
    classes: Vec<Class>,
    class_of: Vec<u32>,
    replicas: Vec<u32>,
    /// The pods of each workload, oldest first: their node and the step from which they are ready.
    pods: Vec<Vec<Pod>>,
    backlog: Vec<f64>,
    readings: Vec<Reading>,
    totals: Vec<Totals>,
    pending: Vec<u32>,
    stream: Stream,
}

#[derive(Debug, Clone, Copy)]
struct Pod {
    node: u32,
    ready_at: u64,
}

/// What a workload went through in the last step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reading {
    /// Pods that are wanted.
    pub replicas: u32,
    /// Pods that served.
    pub ready: u32,
    /// CPU that each pod requests.
    pub request_millicores: u64,
    /// Requests that came, per second.
    pub offered_rps: f64,
    /// Requests that were answered, per second.
    pub served_rps: f64,
    /// Requests that found no room, per second.
    pub dropped_rps: f64,
    /// CPU used by all pods.
    pub used_cores: f64,
    /// Requests that wait at the end of the step beyond what a steady queue holds.
    pub backlog: f64,
    /// Median response time, seconds; infinite where nothing serves.
    pub p50: f64,
    /// 95th percentile, seconds.
    pub p95: f64,
    /// 99th percentile, seconds.
    pub p99: f64,
}

/// What a workload went through since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Totals {
    /// Requests that came.
    pub offered: f64,
    /// Requests that were answered.
    pub served: f64,
    /// Requests that found no room.
    pub dropped: f64,
    /// CPU requested by pods on nodes over time, in core-hours.
    pub core_hours: f64,
    /// Steps in which the objective's quantile, taken as p95, was above its bound.
    pub violated: u64,
    /// Changes of the number of pods.
    pub changes: u64,
}

impl Fleet {
    /// A fleet at time 0, with every pod of the specification that fits ready at once.
    ///
    /// # Errors
    /// A specification that is not one, with given arrival times (there is no flow in them), or a step below 1 s.
    pub fn new(spec: &ClusterSpec, step: Duration, seed: u64) -> Result<Self> {
        spec.check()?;
        if step < Duration::from_secs(1) {
            return Err(Error::spec("step", "must be at least 1s"));
        }
        let cores = spec
            .nodes
            .iter()
            .map(|node| node.cpu.get().div_ceil(1000))
            .min()
            .map_or(1, |cores| u32::try_from(cores).unwrap_or(u32::MAX));
        let count = spec.workloads.len();
        let mut fleet = Self {
            step,
            steps: 0,
            nodes: spec.nodes.iter().cloned().map(Node::new).collect(),
            placer: Placer::default(),
            curves: Vec::with_capacity(count),
            sizes: Vec::with_capacity(count),
            startups: Vec::with_capacity(count),
            kinds: Vec::with_capacity(count),
            class_pods: Vec::with_capacity(count),
            known: BTreeMap::new(),
            rooms: Vec::with_capacity(count),
            objectives: Vec::with_capacity(count),
            classes: Vec::new(),
            class_of: Vec::with_capacity(count),
            replicas: vec![0; count],
            pods: vec![Vec::new(); count],
            backlog: vec![0.0; count],
            readings: vec![Reading::default(); count],
            totals: vec![Totals::default(); count],
            pending: Vec::new(),
            stream: Seeds::new(seed).stream(Purpose::Pod, "fleet", 0),
        };
        for workload in &spec.workloads {
            let Traffic::Rate(curve, _) = &workload.traffic else {
                return Err(Error::spec(
                    format!("workloads.{}.traffic", workload.name),
                    "must be a rate: given arrival times are no flow",
                ));
            };
            let kind = Kind::of(workload, cores);
            let class = fleet.class(kind.over(1));
            fleet.kinds.push(kind);
            fleet.class_pods.push(1);
            let threads = workload.concurrency.unwrap_or(cores);
            fleet.class_of.push(class);
            fleet.curves.push(curve.clone());
            fleet.sizes.push(workload.size);
            fleet.startups.push(workload.startup.sampler()?);
            fleet
                .rooms
                .push(f64::from(workload.max_queue) + f64::from(threads));
            fleet
                .objectives
                .push(workload.objective.at_most.as_secs_f64());
        }
        for (index, workload) in spec.workloads.iter().enumerate() {
            fleet.set(index, workload.replicas, true);
        }
        Ok(fleet)
    }

    /// The class of a kind, worked out where it is new.
    fn class(&mut self, kind: Kind) -> u32 {
        let next = self.classes.len() as u32;
        let class = *self.known.entry(kind).or_insert(next);
        if class == next {
            self.classes.push(Class::of(&kind));
        }
        class
    }

    /// Chooses the class by the pods that serve, where their number matters.
    fn choose_class(&mut self, index: usize, ready: u32) {
        let (Some(kind), Some(of)) = (self.kinds.get(index), self.class_pods.get_mut(index)) else {
            return;
        };
        let (kind, before) = (kind.over(ready), kind.over(*of));
        *of = ready;
        if kind != before {
            let class = self.class(kind);
            if let Some(of) = self.class_of.get_mut(index) {
                *of = class;
            }
        }
    }

    /// How many workloads there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.curves.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.curves.is_empty()
    }

    /// The end of the last step.
    #[must_use]
    pub fn now(&self) -> SimTime {
        SimTime::from_nanos(nanos(self.step).saturating_mul(self.steps))
    }

    /// Pods on nodes.
    #[must_use]
    pub fn placed_pods(&self) -> usize {
        self.pods.iter().map(Vec::len).sum()
    }

    /// What a workload went through in the last step; `None` where there is no such workload.
    #[must_use]
    pub fn reading(&self, workload: usize) -> Option<Reading> {
        let mut reading = *self.readings.get(workload)?;
        reading.replicas = *self.replicas.get(workload)?;
        Some(reading)
    }

    /// What a workload went through since the start.
    #[must_use]
    pub fn totals(&self, workload: usize) -> Option<Totals> {
        self.totals.get(workload).copied()
    }

    /// Wants so many pods of a workload. New ones start at once where a node has room, else they wait for it; the newest go
    /// first.
    pub fn scale(&mut self, workload: usize, replicas: u32) {
        if self
            .replicas
            .get(workload)
            .is_none_or(|now| *now == replicas)
        {
            return;
        }
        if let Some(totals) = self.totals.get_mut(workload) {
            totals.changes += 1;
        }
        self.set(workload, replicas, false);
    }

    /// Gives every pod of a workload another size, in place; false where a node has no room for that, and then nothing has changed.
    pub fn resize(&mut self, workload: usize, size: PodSize) -> bool {
        let (Some(pods), Some(before)) =
            (self.pods.get(workload), self.sizes.get(workload).copied())
        else {
            return false;
        };
        if before == size {
            return true;
        }
        let places: Vec<usize> = pods.iter().map(|pod| pod.node as usize).collect();
        let fitted = places
            .iter()
            .take_while(|index| {
                self.nodes
                    .get_mut(**index)
                    .is_some_and(|node| node.resize(&before, &size))
            })
            .count();
        let fits = fitted == places.len();
        for (place, index) in places.iter().enumerate() {
            if !fits
                && place < fitted
                && let Some(node) = self.nodes.get_mut(*index)
            {
                // What it had fits again.
                node.resize(&size, &before);
            }
            self.placer.changed(&self.nodes, *index);
        }
        if !fits {
            return false;
        }
        let of = self.class_pods.get(workload).copied().unwrap_or(1);
        let kind = self
            .kinds
            .get(workload)
            .map(|kind| kind.limited(size.cpu_limit));
        if let Some(kind) = kind {
            let class = self.class(kind.over(of));
            if let (Some(known), Some(chosen)) = (
                self.kinds.get_mut(workload),
                self.class_of.get_mut(workload),
            ) {
                (*known, *chosen) = (kind, class);
            }
        }
        if let (Some(known), Some(totals)) =
            (self.sizes.get_mut(workload), self.totals.get_mut(workload))
        {
            *known = size;
            totals.changes += 1;
        }
        true
    }

    /// Ends some pods of a workload, the oldest first; others start in their place.
    pub fn crash(&mut self, workload: usize, pods: u32) {
        let (Some(held), Some(size)) = (self.pods.get_mut(workload), self.sizes.get(workload))
        else {
            return;
        };
        let gone = held.len().min(pods as usize);
        for pod in held.drain(..gone) {
            let index = pod.node as usize;
            if let Some(node) = self.nodes.get_mut(index) {
                node.release(size);
                self.placer.changed(&self.nodes, index);
            }
        }
        self.fill(workload, false);
    }

    fn set(&mut self, workload: usize, replicas: u32, at_once: bool) {
        let Some(wanted) = self.replicas.get_mut(workload) else {
            return;
        };
        *wanted = replicas;
        let (Some(pods), Some(size)) = (self.pods.get_mut(workload), self.sizes.get(workload))
        else {
            return;
        };
        while pods.len() > replicas as usize {
            let Some(index) = pods.pop().map(|pod| pod.node as usize) else {
                break;
            };
            if let Some(node) = self.nodes.get_mut(index) {
                node.release(size);
                self.placer.changed(&self.nodes, index);
            }
        }
        self.fill(workload, at_once);
    }

    /// Places the pods that a workload lacks.
    fn fill(&mut self, workload: usize, at_once: bool) {
        let (Some(pods), Some(size), Some(startup), Some(wanted)) = (
            self.pods.get_mut(workload),
            self.sizes.get(workload),
            self.startups.get(workload),
            self.replicas.get(workload),
        ) else {
            return;
        };
        while pods.len() < *wanted as usize {
            let Some(index) = self.placer.place(&self.nodes, size) else {
                self.pending.push(workload as u32);
                return;
            };
            if let Some(node) = self.nodes.get_mut(index) {
                node.reserve(size);
                self.placer.changed(&self.nodes, index);
            }
            let ready_at = if at_once {
                0
            } else {
                let takes = startup.sample(&mut self.stream);
                // A pod that becomes ready within a step counts from the next one.
                self.steps + takes.div_ceil(nanos(self.step).max(1))
            };
            pods.push(Pod {
                node: index as u32,
                ready_at,
            });
        }
    }

    /// Moves on by one step.
    pub fn step(&mut self) {
        let waiting = std::mem::take(&mut self.pending);
        for workload in waiting {
            self.fill(workload as usize, false);
        }
        let from = self.now();
        self.steps += 1;
        let to = self.now();
        let seconds = self.step.as_secs_f64();
        let hours = seconds / 3600.0;
        for index in 0..self.len() {
            self.step_one(index, (from, to), seconds, hours);
        }
    }

    fn step_one(&mut self, index: usize, (from, to): (SimTime, SimTime), seconds: f64, hours: f64) {
        let begun = self.steps - 1;
        let serving = self.pods.get(index).map_or(0, |pods| {
            pods.iter().filter(|pod| pod.ready_at <= begun).count()
        });
        self.choose_class(index, serving as u32);
        let (Some(curve), Some(pods), Some(size)) = (
            self.curves.get(index),
            self.pods.get(index),
            self.sizes.get(index),
        ) else {
            return;
        };
        let Some(class) = self
            .class_of
            .get(index)
            .and_then(|class| self.classes.get(*class as usize))
        else {
            return;
        };
        let ready = serving as f64;
        let expected = curve.mean_between(from, to) * seconds;
        // The number of arrivals of a Poisson process, by its normal approximation.
        let came = if expected > 0.0 {
            (expected + expected.sqrt() * normal(&mut self.stream)).max(0.0)
        } else {
            self.stream.next_u64();
            0.0
        };
        let capacity = ready * class.capacity * seconds;
        let (Some(backlog), Some(room)) = (self.backlog.get_mut(index), self.rooms.get(index))
        else {
            return;
        };
        let before = *backlog;
        let offered = before + came;
        let served = offered.min(capacity);
        let left = offered - served;
        let kept = left.min(room * ready);
        let dropped = left - kept;
        *backlog = kept;
        let rate = if ready > 0.0 {
            ready * class.capacity
        } else {
            0.0
        };
        let quantiles = if ready > 0.0 {
            let load = (served / capacity).min(1.0);
            let steady = class.quantiles(load);
            let (low, high) = (before.min(kept) / rate, before.max(kept) / rate);
            let waits = [0.5, 0.95, 0.99].map(|share| low + share * (high - low));
            let [a, b, c] = steady;
            let [x, y, z] = waits;
            [a + x, b + y, c + z]
        } else {
            [f64::INFINITY; 3]
        };
        let [p50, p95, p99] = quantiles;
        if let Some(reading) = self.readings.get_mut(index) {
            *reading = Reading {
                replicas: 0,
                ready: ready as u32,
                request_millicores: size.cpu_request.get(),
                offered_rps: came / seconds,
                served_rps: served / seconds,
                dropped_rps: dropped / seconds,
                used_cores: served * class.work / seconds,
                backlog: kept,
                p50,
                p95,
                p99,
            };
        }
        if let (Some(totals), Some(bound)) =
            (self.totals.get_mut(index), self.objectives.get(index))
        {
            totals.offered += came;
            totals.served += served;
            totals.dropped += dropped;
            totals.core_hours += pods.len() as f64 * size.cpu_request.as_cores() * hours;
            totals.violated += u64::from(p95 > *bound && came > 0.0);
        }
    }
}

#[cfg(test)]
mod tests;
