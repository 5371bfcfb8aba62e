//! A pod: its life from creation to the end, what it was given, and the server in it.

use std::collections::VecDeque;

use ibn_core::units::{Bytes, CpuMillis};

use crate::law::Sampler;
use crate::rng::Stream;
use crate::server::{Limits, PERIOD_NANOS, Server, Sink, Usage};
use crate::spec::{MemoryUse, PodSize, WorkloadSpec};
use crate::time::{SimTime, nanos};

/// Where a pod is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodPhase {
    /// It waits for a node with room.
    Pending,
    /// It is on a node, but not ready: it starts, or starts again.
    Starting,
    /// It takes requests.
    Ready,
    /// It finishes its requests and takes no more.
    Stopping,
}

/// What can be seen of a pod from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct PodView {
    /// Its number within the workload, from 0.
    pub id: u64,
    /// Where it is in its life.
    pub phase: PodPhase,
    /// The node, by its place in the specification.
    pub node: Option<usize>,
    /// When it was made.
    pub created: SimTime,
    /// When it went to a node.
    pub placed: Option<SimTime>,
    /// When its phase last changed.
    pub changed: SimTime,
    /// What it has.
    pub size: PodSize,
    /// What it should have; differs from `size` while a resize is under way or waits for room.
    pub desired: PodSize,
    /// Requests that are worked on or wait.
    pub in_flight: usize,
    /// Memory in use.
    pub memory: Bytes,
    /// Containers started again.
    pub restarts: u32,
    /// What its cgroup counted.
    pub usage: Usage,
}

/// Readings of the CPU counter that are kept.
const READINGS: usize = 61;

#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) id: u64,
    pub(crate) phase: PodPhase,
    pub(crate) created: u64,
    pub(crate) placed: Option<u64>,
    pub(crate) changed: u64,
    pub(crate) node: Option<usize>,
    /// What is reserved on the node.
    pub(crate) size: PodSize,
    /// What the container runs with; follows `size` after a moment.
    pub(crate) running: PodSize,
    pub(crate) desired: PodSize,
    pub(crate) deferred: bool,
    pub(crate) server: Server,
    /// Requests in flight beyond which the memory limit is exceeded.
    pub(crate) most_in_flight: usize,
    pub(crate) starts_until: u64,
    pub(crate) stop_after: u64,
    pub(crate) restarts: u32,
    /// What the CPU time of each request is multiplied by; 1 but in faults.
    pub(crate) slowness: f64,
    /// Whether its node is lost: what is sent to it is lost, too.
    pub(crate) lost: bool,
    crashes: u32,
    stream: Stream,
    /// Drawn once; says when quota periods begin.
    quota_phase: u64,
    /// The CPU counter at the ends of bins, oldest first.
    readings: VecDeque<u64>,
}

impl Pod {
    pub(crate) fn new(
        id: u64,
        now: u64,
        spec: &WorkloadSpec,
        size: PodSize,
        mut stream: Stream,
    ) -> Self {
        let quota_phase = rand::Rng::next_u64(&mut stream);
        Self {
            id,
            phase: PodPhase::Pending,
            created: now,
            placed: None,
            changed: now,
            node: None,
            size,
            running: size,
            desired: size,
            deferred: false,
            server: Server::new(server_limits(spec, &size, 1), now, quota_phase),
            most_in_flight: most_in_flight(&spec.memory, &size).unwrap_or(0),
            starts_until: u64::MAX,
            stop_after: 0,
            restarts: 0,
            slowness: 1.0,
            lost: false,
            crashes: 0,
            stream,
            quota_phase,
            readings: VecDeque::new(),
        }
    }

    /// Puts the pod on a node with so many cores; it will be ready after its start-up time.
    pub(crate) fn place(
        &mut self,
        now: u64,
        node: usize,
        cores: u64,
        spec: &WorkloadSpec,
        startup: &Sampler,
    ) {
        self.node = Some(node);
        self.placed = Some(now);
        self.running = self.size;
        self.server = Server::new(
            server_limits(spec, &self.size, cores),
            now,
            self.quota_phase,
        );
        self.most_in_flight = most_in_flight(&spec.memory, &self.size).unwrap_or(0);
        self.starts_until = now.saturating_add(startup.sample(&mut self.stream));
        self.enter(PodPhase::Starting, now);
    }

    /// The CPU time that a request takes here, where it takes so much elsewhere.
    #[inline]
    pub(crate) fn work(&self, nanos: u64) -> u64 {
        // Exact on purpose: 1 is what stands for "as elsewhere".
        if self.slowness == 1.0 {
            nanos
        } else {
            (nanos as f64 * self.slowness) as u64
        }
    }

    pub(crate) const fn enter(&mut self, phase: PodPhase, now: u64) {
        self.phase = phase;
        self.changed = now;
    }

    /// Starts the container again after it was killed, with the kubelet's back-off: at once, then after 10 s, 20 s …
    /// 5 min, and from the beginning after 10 min without a crash.
    pub(crate) fn restart(&mut self, now: u64, startup: &Sampler) {
        const SECOND: u64 = 1_000_000_000;
        if self.phase == PodPhase::Ready && now - self.changed > 600 * SECOND {
            self.crashes = 0;
        }
        let wait = match self.crashes {
            0 => 0,
            n => ((10 * SECOND) << (n - 1).min(5)).min(300 * SECOND),
        };
        self.crashes += 1;
        self.restarts += 1;
        self.starts_until = now
            .saturating_add(wait)
            .saturating_add(startup.sample(&mut self.stream));
        self.enter(PodPhase::Starting, now);
    }

    /// Lets the container run with what is reserved; false where its memory in use doesn't allow that yet.
    pub(crate) fn actuate(&mut self, now: u64, spec: &WorkloadSpec, sink: &mut impl Sink) -> bool {
        let most = most_in_flight(&spec.memory, &self.size);
        self.server.advance(now, sink);
        let fits = most.is_some_and(|most| self.server.in_flight() <= most);
        if !fits && self.phase != PodPhase::Starting {
            return false;
        }
        let limits = server_limits(spec, &self.size, self.server.limits().cores);
        self.server.set_limits(now, limits, sink);
        self.most_in_flight = most.unwrap_or(0);
        self.running = self.size;
        true
    }

    /// Whether an idle container already exceeds its memory limit.
    pub(crate) fn cannot_start(&self, memory: &MemoryUse) -> bool {
        most_in_flight(memory, &self.running).is_none()
    }

    pub(crate) fn memory_bytes(&self, memory: &MemoryUse) -> u64 {
        match self.phase {
            PodPhase::Pending => 0,
            _ => memory.base.get() + memory.per_request.get() * self.server.in_flight() as u64,
        }
    }

    pub(crate) fn read_usage(&mut self) {
        if self.readings.len() >= READINGS {
            self.readings.pop_front();
        }
        self.readings.push_back(self.server.usage().cpu_nanos);
    }

    /// CPU time used in the last `bins` closed bins, in ns; `None` where the pod isn't as old.
    pub(crate) fn cpu_in_last(&self, bins: usize) -> Option<u64> {
        let last = self.readings.len().checked_sub(1)?;
        let from = last.checked_sub(bins)?;
        Some(self.readings.get(last)? - self.readings.get(from)?)
    }

    pub(crate) fn view(&self, memory: &MemoryUse) -> PodView {
        PodView {
            id: self.id,
            phase: self.phase,
            node: self.node,
            created: SimTime::from_nanos(self.created),
            placed: self.placed.map(SimTime::from_nanos),
            changed: SimTime::from_nanos(self.changed),
            size: self.running,
            desired: self.desired,
            in_flight: self.server.in_flight(),
            memory: Bytes::new(self.memory_bytes(memory)),
            restarts: self.restarts,
            usage: self.server.usage(),
        }
    }
}

fn server_limits(spec: &WorkloadSpec, size: &PodSize, cores: u64) -> Limits {
    let kernel = &spec.kernel;
    let quota = |limit: CpuMillis| limit.get().saturating_mul(PERIOD_NANOS / 1000);
    Limits {
        concurrency: spec
            .concurrency
            .map_or(cores as usize, |concurrency| concurrency as usize)
            .max(1),
        max_queue: spec.max_queue as usize,
        timeout: spec.timeout.map_or(u64::MAX, |timeout| {
            nanos(timeout).saturating_sub(nanos(spec.base_latency))
        }),
        cores,
        quota: size.cpu_limit.map_or(u64::MAX, quota),
        pod_quota: kernel.pod_quota,
        overrun: nanos(kernel.overrun),
        wake: nanos(kernel.wake),
    }
}

/// Requests in flight that the memory limit has room for; `None` where it has none for an idle container.
fn most_in_flight(memory: &MemoryUse, size: &PodSize) -> Option<usize> {
    let Some(limit) = size.memory_limit else {
        return Some(usize::MAX);
    };
    let room = limit.get().checked_sub(memory.base.get())?;
    Some(
        room.checked_div(memory.per_request.get())
            .map_or(usize::MAX, |most| most as usize),
    )
}
