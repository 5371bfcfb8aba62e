//! A workload: its pods, its users and its books, between two changes of what it is given.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use crate::account::{Account, Load, Outcome};
use crate::arrivals::Arrivals;
use crate::balance::{Balancer, Balancing};
use crate::error::Result;
use crate::law::Sampler;
use crate::log::{EventKind, Log};
use crate::pod::{Pod, PodPhase};
use crate::rng::{Purpose, Seeds, Stream};
use crate::server::{Sink, Usage};
use crate::spec::{Accounting, PodSize, Traffic, WorkloadSpec};
use crate::time::nanos;
use crate::tracked::Tracked;

#[derive(Debug, Clone)]
pub(crate) struct Workload {
    pub(crate) spec: WorkloadSpec,
    /// Pods asked for.
    pub(crate) replicas: u32,
    /// What each pod should have.
    pub(crate) size: PodSize,
    /// Rises with every change of `replicas` or `size`.
    pub(crate) version: u64,
    /// Pods that the quota of the namespace doesn't let be made.
    pub(crate) blocked: usize,
    /// By rising id.
    pub(crate) pods: Vec<Pod>,
    pub(crate) account: Account,
    pub(crate) log: Log,
    pub(crate) meter: Meter,
    pub(crate) startup: Sampler,
    /// Indices of ready pods, rising.
    ready: Vec<usize>,
    /// When starting pods become ready, and their ids; may hold pods that meanwhile are gone or start again.
    starts: BinaryHeap<Reverse<(u64, u64)>>,
    arrivals: Arrivals,
    work: Work,
    balancer: Balancer,
    seeds: Seeds,
    next_pod: u64,
    /// Usage of the pods that are gone, and of all at the end of the last bin.
    gone: Usage,
    counted: Usage,
    restarts: u64,
    restarts_counted: u64,
    /// Where requests are followed one by one.
    pub(crate) tracked: Option<Box<Tracked>>,
}

impl Workload {
    pub(crate) fn new(spec: WorkloadSpec, accounting: &Accounting, seeds: Seeds) -> Result<Self> {
        let stream = |purpose| seeds.stream(purpose, &spec.name, 0);
        let arrivals = match &spec.traffic {
            Traffic::Rate(curve, process) => {
                Arrivals::from_curve(Arc::new(curve.clone()), *process, stream(Purpose::Arrivals))
            }
            Traffic::Times(times) | Traffic::Requests { times, .. } => {
                Arrivals::from_times(times.iter().map(|time| nanos(*time)).collect())
            }
        };
        Ok(Self {
            replicas: 0,
            size: spec.size,
            version: 1,
            blocked: 0,
            pods: Vec::new(),
            account: Account::new(accounting, &spec.objective, spec.base_latency),
            log: Log::new(&spec.name),
            meter: Meter::default(),
            startup: spec.startup.sampler()?,
            ready: Vec::new(),
            starts: BinaryHeap::new(),
            arrivals,
            work: match &spec.traffic {
                Traffic::Requests { work, .. } if !work.is_empty() => {
                    Work::Given(work.iter().map(|work| nanos(*work)).collect(), 0)
                }
                _ => Work::Drawn(spec.service.sampler()?, stream(Purpose::Service)),
            },
            balancer: Balancer::new(spec.balancing, stream(Purpose::Balancing)),
            seeds,
            next_pod: 0,
            gone: Usage::default(),
            counted: Usage::default(),
            restarts: 0,
            restarts_counted: 0,
            tracked: None,
            spec,
        })
    }

    /// Runs to `until`: requests that come before it, and pods that become ready up to it.
    pub(crate) fn run_to(&mut self, until: u64) {
        loop {
            let stop = self.next_start().map_or(until, |start| start.min(until));
            if let Some((victim, now)) = self.serve_until(stop) {
                self.kill_container(victim, now);
                continue;
            }
            match self.next_start() {
                Some(start) if start <= until => self.finish_start(),
                _ => return,
            }
        }
    }

    fn next_start(&self) -> Option<u64> {
        self.starts.peek().map(|Reverse((start, _))| *start)
    }

    /// The inner loop: requests that come before `until`. Stops at a request that takes a pod beyond its memory limit
    /// and gives back the pod's index and the time.
    #[expect(
        clippy::indexing_slicing,
        reason = "hot: the balancer gives back one of the indices in `ready`"
    )]
    fn serve_until(&mut self, until: u64) -> Option<(usize, u64)> {
        if let Some(mut tracked) = self.tracked.take() {
            let stopped = self.serve_tracked(&mut tracked, until);
            self.tracked = Some(tracked);
            return stopped;
        }
        let Self {
            arrivals,
            work,
            balancer,
            pods,
            ready,
            account,
            ..
        } = self;
        while arrivals.peek() < until {
            let now = arrivals.peek();
            arrivals.step();
            account.arrived();
            // Drawn for every request, so that the work of the k-th request is the same in every run.
            let work = work.next();
            let Some(index) = balancer.pick(now, ready, pods, account) else {
                account.unrouted(now);
                continue;
            };
            let pod = &mut pods[index];
            if pod.lost {
                account.lost(now, now);
                continue;
            }
            let work = pod.work(work);
            if !pod.server.offer(now, work, account) {
                account.refused(now);
                balancer.refused(now, pod.id);
            } else if pod.server.in_flight() > pod.most_in_flight {
                return Some((index, now));
            }
        }
        None
    }

    /// The same where requests are followed one by one; every pod is then at `until`.
    fn serve_tracked(&mut self, tracked: &mut Tracked, until: u64) -> Option<(usize, u64)> {
        loop {
            tracked.take_in(&mut self.account);
            let outside = self.arrivals.peek();
            let attempt = tracked.next_attempt().min(outside);
            let give_up = tracked.next_give_up();
            if attempt.min(give_up) >= until {
                break;
            }
            if give_up <= attempt {
                // What is done by then is done in time.
                let pod = tracked.about_to_give_up();
                if let Some(index) = pod.and_then(|pod| self.index_of(pod))
                    && let Some(pod) = self.pods.get_mut(index)
                {
                    pod.server.advance(give_up, &mut self.account);
                    tracked.take_in(&mut self.account);
                }
                tracked.give_up(&mut self.account);
                continue;
            }
            let from_outside = (outside < tracked.next_attempt()).then(|| {
                self.arrivals.step();
                outside
            });
            let (now, mut attempt) = tracked.attempt(from_outside, &mut self.account);
            let work = self.work.next();
            let picked = self
                .balancer
                .pick(now, &self.ready, &mut self.pods, &mut self.account)
                .and_then(|index| Some((index, self.pods.get_mut(index)?)));
            let Some((index, pod)) = picked else {
                tracked.fail(attempt, now, Outcome::Unrouted(now), &mut self.account);
                continue;
            };
            if pod.lost {
                tracked.fail(attempt, now, Outcome::Lost(now), &mut self.account);
                continue;
            }
            let work = pod.work(work);
            if !pod.server.offer(now, work, &mut self.account) {
                self.balancer.refused(now, pod.id);
                tracked.fail(attempt, now, Outcome::Refused(now), &mut self.account);
                continue;
            }
            attempt.pod = pod.id;
            tracked.begin(now, attempt);
            if pod.server.in_flight() > pod.most_in_flight {
                return Some((index, now));
            }
        }
        for pod in &mut self.pods {
            pod.server.advance(until, &mut self.account);
            pod.server.expire(&mut self.account);
        }
        tracked.take_in(&mut self.account);
        None
    }

    /// Takes in what servers said outside of serving, of requests that are followed.
    fn take_in(&mut self) {
        if let Some(tracked) = &mut self.tracked {
            tracked.take_in(&mut self.account);
        }
    }

    /// Follows every request from now on.
    pub(crate) fn track(&mut self, tracked: Option<Tracked>) {
        if tracked.is_some() {
            self.account.put_aside();
        }
        self.tracked = tracked.map(Box::new);
    }

    /// The start that is due: the pod becomes ready, or is killed where its memory limit is below an idle container's.
    fn finish_start(&mut self) {
        let Some(Reverse((now, id))) = self.starts.pop() else {
            return;
        };
        let memory = self.spec.memory;
        let Some(index) = self.index_of(id) else {
            return;
        };
        let Some(pod) = self.pods.get_mut(index) else {
            return;
        };
        if pod.phase != PodPhase::Starting || pod.starts_until != now {
            return;
        }
        pod.server.advance(now, &mut self.account);
        if pod.cannot_start(&memory) {
            self.kill_container(index, now);
            return;
        }
        pod.enter(PodPhase::Ready, now);
        self.log.push(now, EventKind::PodReady(id));
        self.list_ready();
    }

    /// Kills the container of a pod for want of memory and starts it again; what is in flight is lost.
    fn kill_container(&mut self, index: usize, now: u64) {
        self.restart(index, now, EventKind::PodOutOfMemory);
    }

    fn restart(&mut self, index: usize, now: u64, why: fn(u64) -> EventKind) {
        let Some(pod) = self.pods.get_mut(index) else {
            return;
        };
        pod.server.abort(now, &mut self.account);
        self.log.push(now, why(pod.id));
        pod.restart(now, &self.startup);
        self.starts.push(Reverse((pod.starts_until, pod.id)));
        self.restarts += 1;
        self.list_ready();
    }

    /// The container of a pod ends, and is started again; what is in flight is lost.
    pub(crate) fn crash(&mut self, index: usize, now: u64) {
        self.restart(index, now, EventKind::PodCrashed);
    }

    /// The node of a pod is lost, and with it what is in flight. Requests still go there, until [`Self::unreachable`].
    pub(crate) fn lose_pod(&mut self, index: usize, now: u64) {
        let Some(pod) = self.pods.get_mut(index) else {
            return;
        };
        pod.server.abort(now, &mut self.account);
        pod.lost = true;
        if pod.phase == PodPhase::Starting {
            pod.starts_until = u64::MAX;
        }
        self.log.push(now, EventKind::PodLost(pod.id));
    }

    /// It is known that a pod's node is lost: no request goes there any more.
    pub(crate) fn unreachable(&mut self, index: usize, now: u64) {
        if let Some(pod) = self.pods.get_mut(index)
            && pod.phase == PodPhase::Ready
        {
            pod.enter(PodPhase::Starting, now);
            pod.starts_until = u64::MAX;
            self.list_ready();
        }
    }

    /// The node of a pod is there again, and its container is started.
    pub(crate) fn recover_pod(&mut self, index: usize, now: u64) {
        if let Some(pod) = self.pods.get_mut(index) {
            pod.lost = false;
        }
        self.restart(index, now, EventKind::PodCrashed);
    }

    /// Pods need so many times as long to start from now on.
    pub(crate) fn set_start_factor(&mut self, factor: f64) -> Result<()> {
        self.startup = self.spec.startup.scaled(factor).sampler()?;
        Ok(())
    }

    pub(crate) fn index_of(&self, id: u64) -> Option<usize> {
        self.pods.binary_search_by_key(&id, |pod| pod.id).ok()
    }

    fn list_ready(&mut self) {
        self.ready.clear();
        self.ready.extend(
            self.pods
                .iter()
                .enumerate()
                .filter(|(_, pod)| pod.phase == PodPhase::Ready)
                .map(|(index, _)| index),
        );
    }

    /// Pods that aren't stopping.
    pub(crate) fn live(&self) -> usize {
        self.pods
            .iter()
            .filter(|pod| pod.phase != PodPhase::Stopping)
            .count()
    }

    pub(crate) fn ready(&self) -> u32 {
        self.ready.len() as u32
    }

    /// Makes a pod that waits for a node.
    pub(crate) fn create_pod(&mut self, now: u64) {
        let id = self.next_pod;
        self.next_pod += 1;
        let stream = self.seeds.stream(Purpose::Pod, &self.spec.name, id);
        self.pods
            .push(Pod::new(id, now, &self.spec, self.size, stream));
        self.log.push(now, EventKind::PodCreated(id));
    }

    /// Puts a pod on a node; at the start of the run it is ready at once.
    pub(crate) fn place_pod(
        &mut self,
        index: usize,
        now: u64,
        node: usize,
        cores: u64,
        at_start: bool,
    ) {
        let Some(pod) = self.pods.get_mut(index) else {
            return;
        };
        pod.place(now, node, cores, &self.spec, &self.startup);
        if self.spec.balancing == Balancing::KeptConnections {
            pod.server.note_served();
        }
        if at_start {
            pod.starts_until = now;
        }
        self.starts.push(Reverse((pod.starts_until, pod.id)));
        self.meter.add(now, &pod.size);
        self.log
            .push(now, EventKind::PodPlaced { pod: pod.id, node });
    }

    /// The pods to stop so that `count` fewer are left: those without a node first, then those not ready, then those on
    /// nodes with more of them, then the newest (the order of the ReplicaSet controller).
    pub(crate) fn victims(&self, count: usize) -> Vec<u64> {
        let live = || {
            self.pods
                .iter()
                .filter(|pod| pod.phase != PodPhase::Stopping)
        };
        let mut on_node: BTreeMap<Option<usize>, usize> = BTreeMap::new();
        for pod in live() {
            *on_node.entry(pod.node).or_default() += 1;
        }
        let mut order: Vec<(PodPhase, Reverse<usize>, Reverse<u64>)> = live()
            .map(|pod| {
                (
                    pod.phase,
                    Reverse(on_node.get(&pod.node).copied().unwrap_or(0)),
                    Reverse(pod.id),
                )
            })
            .collect();
        order.sort_unstable();
        order
            .into_iter()
            .take(count)
            .map(|(_, _, Reverse(id))| id)
            .collect()
    }

    /// Lets a pod take no more requests; it ends between `drain` and `grace` from now.
    pub(crate) fn stop_pod(&mut self, index: usize, now: u64) {
        let Some(pod) = self.pods.get_mut(index) else {
            return;
        };
        pod.enter(PodPhase::Stopping, now);
        pod.stop_after = now.saturating_add(nanos(self.spec.drain));
        self.log.push(now, EventKind::PodStopping(pod.id));
        self.list_ready();
    }

    /// Ends a pod where it is done, or where it must be; what is in flight then is lost. Gives back the pod.
    pub(crate) fn end_pod(&mut self, index: usize, now: u64, by_force: bool) -> Option<Pod> {
        let pod = self.pods.get_mut(index)?;
        pod.server.advance(now, &mut self.account);
        pod.server.expire(&mut self.account);
        let deadline = pod.changed.saturating_add(nanos(self.spec.grace));
        let done = pod.server.in_flight() == 0 && now >= pod.stop_after;
        if !(by_force || done || now >= deadline) {
            return None;
        }
        pod.server.abort(now, &mut self.account);
        let pod = self.pods.remove(index);
        add_usage(&mut self.gone, pod.server.usage());
        if pod.node.is_some() {
            self.meter.remove(now, &pod.size);
        }
        self.log.push(now, EventKind::PodGone(pod.id));
        self.list_ready();
        Some(pod)
    }

    /// Ends a bin at `now`.
    pub(crate) fn close_bin(&mut self, now: u64) {
        let mut used = self.gone;
        let mut load = Load {
            replicas: self.replicas,
            ready: self.ready(),
            ..Load::default()
        };
        for pod in &mut self.pods {
            pod.server.advance(now, &mut self.account);
            pod.server.expire(&mut self.account);
            pod.read_usage();
            add_usage(&mut used, pod.server.usage());
            let memory = pod.memory_bytes(&self.spec.memory);
            load.in_flight += pod.server.in_flight() as u64;
            load.memory_bytes += memory;
            load.memory_peak_bytes = load.memory_peak_bytes.max(memory);
        }
        self.take_in();
        load.cpu_nanos = used.cpu_nanos - self.counted.cpu_nanos;
        load.periods = used.periods - self.counted.periods;
        load.throttled_periods = used.throttled_periods - self.counted.throttled_periods;
        load.requested_milli_nanos = self.meter.take_bin(now);
        load.restarts = self.restarts - self.restarts_counted;
        (self.counted, self.restarts_counted) = (used, self.restarts);
        let (counts, outcomes) = self.account.close_bin(load);
        self.log.push(
            now,
            EventKind::BinClosed {
                counts,
                cpu_nanos: load.cpu_nanos,
                outcomes,
            },
        );
    }

    /// What all pods that there were used.
    pub(crate) fn usage(&self) -> Usage {
        let mut used = self.gone;
        for pod in &self.pods {
            add_usage(&mut used, pod.server.usage());
        }
        used
    }

    /// Containers started again.
    pub(crate) const fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Requests that are worked on or wait at `now`.
    pub(crate) fn in_flight(&mut self, now: u64) -> u64 {
        let account = &mut self.account;
        let in_pods = self
            .pods
            .iter_mut()
            .map(|pod| pod.server.load_at(now, account) as u64)
            .sum();
        self.take_in();
        self.tracked
            .as_ref()
            .map_or(in_pods, |tracked| tracked.in_flight())
    }
}

/// CPU time of the requests, one after the other, in ns.
#[derive(Debug, Clone)]
enum Work {
    Drawn(Sampler, Stream),
    /// Each one's, and the place of the next.
    Given(Arc<[u64]>, usize),
}

impl Work {
    #[inline]
    fn next(&mut self) -> u64 {
        match self {
            Self::Drawn(law, stream) => law.sample(stream),
            Self::Given(all, place) => {
                let work = all.get(*place).copied().unwrap_or(1);
                *place = (*place + 1) % all.len();
                work
            }
        }
    }
}

fn add_usage(sum: &mut Usage, more: Usage) {
    sum.cpu_nanos += more.cpu_nanos;
    sum.periods += more.periods;
    sum.throttled_periods += more.throttled_periods;
    sum.throttled_nanos += more.throttled_nanos;
}

/// Integrals over time of what the pods on nodes request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Meter {
    at: u64,
    pods: u64,
    millis: u64,
    /// CPU request in millicores, summed over time in ns; total and at the end of the last bin.
    milli_nanos: u128,
    counted: u128,
    /// Number of pods, summed over time in ns.
    pod_nanos: u128,
}

impl Meter {
    pub(crate) fn advance(&mut self, now: u64) {
        let passed = u128::from(now.saturating_sub(self.at));
        self.milli_nanos += u128::from(self.millis) * passed;
        self.pod_nanos += u128::from(self.pods) * passed;
        self.at = now;
    }

    pub(crate) fn add(&mut self, now: u64, size: &PodSize) {
        self.advance(now);
        self.pods += 1;
        self.millis += size.cpu_request.get();
    }

    pub(crate) fn remove(&mut self, now: u64, size: &PodSize) {
        self.advance(now);
        self.pods -= 1;
        self.millis -= size.cpu_request.get();
    }

    fn take_bin(&mut self, now: u64) -> u128 {
        self.advance(now);
        let bin = self.milli_nanos - self.counted;
        self.counted = self.milli_nanos;
        bin
    }

    /// Changes what one pod requests.
    pub(crate) fn replace(&mut self, now: u64, from: &PodSize, to: &PodSize) {
        self.advance(now);
        self.millis = self.millis - from.cpu_request.get() + to.cpu_request.get();
    }

    /// CPU request over time, in core-hours.
    pub(crate) fn core_hours(&self) -> f64 {
        self.milli_nanos as f64 / (1000.0 * 3600.0 * 1e9)
    }

    /// Pods over time, in pod-hours.
    pub(crate) fn replica_hours(&self) -> f64 {
        self.pod_nanos as f64 / (3600.0 * 1e9)
    }
}
