//! The server in a pod: workers under a CPU quota, and a bounded queue before them.
//!
//! CPU bandwidth control of Linux gives a container `limit` × 100 ms of CPU time per period of 100 ms. Its threads run
//! at full speed until that is spent, then all of them wait for the next period: not a slower CPU, but one that stops.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Length of a quota period (`cpu.cfs_period_us`, 100 ms as the kubelet sets it).
pub(crate) const PERIOD_NANOS: u64 = 100_000_000;

/// Where the outcome of each request goes. Times are in ns since the start.
pub(crate) trait Sink {
    /// A request that came at `arrived` was answered in time, `latency` ns later.
    fn served(&mut self, arrived: u64, latency: u64);
    /// The client of a request gave up: while it waited, or (the CPU time is then wasted) while it was worked on.
    fn timed_out(&mut self, arrived: u64);
    /// The container of a request ended at `at` while it waited or was worked on.
    fn lost(&mut self, arrived: u64, at: u64);
}

/// What bounds a server. Times in ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Requests worked on at a time, at least 1.
    pub(crate) concurrency: usize,
    /// Requests that may wait besides.
    pub(crate) max_queue: usize,
    /// Age at which a client gives up; `u64::MAX` for never.
    pub(crate) timeout: u64,
    /// Cores that the server's threads can run on at once, at least 1.
    pub(crate) cores: u64,
    /// CPU time per period; `u64::MAX` for no limit.
    pub(crate) quota: u64,
    /// Whether the pod around the container has the same quota, with periods of its own.
    pub(crate) pod_quota: bool,
    /// CPU time beyond the quota that is spent before it is noticed, and then owed.
    pub(crate) overrun: u64,
    /// CPU time that a request needs besides where it finds an idle thread.
    pub(crate) wake: u64,
}

/// The quota of one cgroup.
#[derive(Debug, Clone, Copy)]
struct Quota {
    /// CPU time left in the period that ends at `period_end`, with what it may be exceeded by.
    left: u64,
    period_end: u64,
}

impl Quota {
    /// Full, before the first period that begins at `phase` into each 100 ms.
    const fn new(limits: &Limits, now: u64, phase: u64) -> Self {
        let phase = phase % PERIOD_NANOS;
        Self {
            left: limits.quota.saturating_add(limits.overrun),
            period_end: if now < phase {
                phase
            } else {
                now - (now - phase) % PERIOD_NANOS
            },
        }
    }

    /// Begins the period that `now` is in, with what was owed paid; false where it was begun already.
    #[inline]
    fn renew(&mut self, limits: &Limits, now: u64) -> bool {
        if now < self.period_end {
            return false;
        }
        let idle_periods = (now - self.period_end) / PERIOD_NANOS;
        self.period_end += idle_periods * PERIOD_NANOS + PERIOD_NANOS;
        // An idle period pays what was owed.
        let beyond = if idle_periods == 0 {
            self.left.min(limits.overrun)
        } else {
            limits.overrun
        };
        self.left = limits.quota + beyond;
        true
    }
}

/// A request that waits: when it came and the CPU time that it needs.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    arrived: u64,
    work: u64,
}

/// A first-come-first-served server with `concurrency` threads on `cores` cores under a CPU quota.
///
/// Running threads advance together, so one number, the thread clock (CPU time each of them would have used since the
/// start), orders their completions: a request that starts at clock `v` and needs `w` is done at clock `v + w`. With
/// more threads than cores the clock goes slower (processor sharing); while throttled it stands still.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    limits: Limits,
    now: u64,
    clock: u64,
    /// What the clock is behind by, in parts of 1/threads ns, since threads last came or went. With it, the course of
    /// events doesn't depend on the instants at which someone looks.
    carry: u64,
    /// `(clock at completion, arrival)`.
    running: BinaryHeap<Reverse<(u64, u64)>>,
    waiting: VecDeque<Waiting>,
    quota: Quota,
    /// Of the pod, where it has one.
    pod_quota: Option<Quota>,
    throttled: bool,
    usage: Usage,
    /// When requests were served, since someone last took that; `None` where nobody wants to know.
    served_at: Option<Vec<u64>>,
}

/// Counters that only grow, as a container's cgroup has them. Times in ns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time used.
    pub cpu_nanos: u64,
    /// Quota periods in which something ran.
    pub periods: u64,
    /// Quota periods in which the quota was spent while something still wanted to run.
    pub throttled_periods: u64,
    /// Time that the container stood still because its quota was spent.
    pub throttled_nanos: u64,
}

impl Server {
    /// An idle server at `now`; its quota periods begin `phase` ns into each 100 ms, those of its pod at any other time that
    /// follows from `phase`.
    pub(crate) fn new(limits: Limits, now: u64, phase: u64) -> Self {
        let mut server = Self {
            limits,
            now,
            clock: 0,
            carry: 0,
            running: BinaryHeap::new(),
            waiting: VecDeque::new(),
            quota: Quota::new(&limits, now, phase),
            pod_quota: limits
                .pod_quota
                .then(|| Quota::new(&limits, now, phase / PERIOD_NANOS)),
            throttled: false,
            usage: Usage::default(),
            served_at: None,
        };
        server.unbind();
        server
    }

    /// Without a quota, or with one that the threads can't spend, periods needn't be followed.
    fn unbind(&mut self) {
        let most = (self.limits.concurrency as u64)
            .min(self.limits.cores)
            .saturating_mul(PERIOD_NANOS);
        if self.limits.quota >= most {
            self.quota.left = u64::MAX;
            return;
        }
        let full = self.limits.quota + self.limits.overrun;
        for quota in [&mut self.quota].into_iter().chain(&mut self.pod_quota) {
            quota.left = quota.left.min(full);
        }
    }

    const fn bound(&self) -> bool {
        self.quota.left != u64::MAX
    }

    /// Notes from now on when requests are served, for [`take_served`](Self::take_served).
    pub(crate) fn note_served(&mut self) {
        self.served_at.get_or_insert_default();
    }

    /// When requests were served since the last call, in that order.
    pub(crate) fn take_served(&mut self) -> impl Iterator<Item = u64> + '_ {
        self.served_at.iter_mut().flat_map(|times| times.drain(..))
    }

    pub(crate) const fn usage(&self) -> Usage {
        self.usage
    }

    pub(crate) const fn limits(&self) -> Limits {
        self.limits
    }

    /// Requests that are worked on or wait, after the last call that moved time.
    #[inline]
    pub(crate) fn in_flight(&self) -> usize {
        self.running.len() + self.waiting.len()
    }

    /// Requests that are worked on or wait at `now`.
    #[inline]
    pub(crate) fn load_at(&mut self, now: u64, sink: &mut impl Sink) -> usize {
        self.advance(now, sink);
        self.expire(sink);
        self.in_flight()
    }

    /// Changes what bounds the server at `now`. As in Linux, a new quota starts with a full period's worth.
    pub(crate) fn set_limits(&mut self, now: u64, limits: Limits, sink: &mut impl Sink) {
        self.advance(now, sink);
        if limits.quota != self.limits.quota {
            let full = limits.quota.saturating_add(limits.overrun);
            for quota in [&mut self.quota].into_iter().chain(&mut self.pod_quota) {
                quota.left = full;
            }
            self.throttled = false;
        }
        self.limits = limits;
        self.carry = 0;
        self.unbind();
        while self.running.len() < self.limits.concurrency && self.start_next(sink) {}
    }

    /// Takes a request at `now` that needs `work` ns of CPU; false where the queue is full.
    #[inline]
    pub(crate) fn offer(&mut self, now: u64, work: u64, sink: &mut impl Sink) -> bool {
        self.advance(now, sink);
        if self.running.len() < self.limits.concurrency {
            self.start(now, work + self.limits.wake);
            return true;
        }
        self.expire(sink);
        if self.waiting.len() < self.limits.max_queue {
            self.waiting.push_back(Waiting { arrived: now, work });
            true
        } else {
            false
        }
    }

    /// Stops everything at `now`: what is in flight is lost.
    pub(crate) fn abort(&mut self, now: u64, sink: &mut impl Sink) {
        self.advance(now, sink);
        self.expire(sink);
        for Reverse((_, arrived)) in self.running.drain() {
            sink.lost(arrived, now);
        }
        for waiting in self.waiting.drain(..) {
            sink.lost(waiting.arrived, now);
        }
    }

    /// Lets those who wait and have given up by now go. All wait equally long at most, so they are first in the queue.
    #[inline]
    pub(crate) fn expire(&mut self, sink: &mut impl Sink) {
        while let Some(first) = self.waiting.front() {
            let arrived = first.arrived;
            if self.now - arrived < self.limits.timeout {
                break;
            }
            self.waiting.pop_front();
            sink.timed_out(arrived);
        }
    }

    /// Moves time on to `until`; what completes at `until` is completed.
    #[inline]
    pub(crate) fn advance(&mut self, until: u64, sink: &mut impl Sink) {
        while self.now < until {
            let Some(&Reverse((done_at, arrived))) = self.running.peek() else {
                self.now = until;
                return;
            };
            if self.bound() && !self.within_quota(until) {
                continue;
            }
            let threads = self.running.len() as u64;
            let busy = threads.min(self.limits.cores);
            let ahead = done_at - self.clock;
            let until_done = if threads == busy {
                ahead
            } else {
                (ahead * threads - self.carry).div_ceil(busy)
            };
            let mut dt = until_done.min(until - self.now);
            if self.bound() {
                for quota in [&self.quota].into_iter().chain(&self.pod_quota) {
                    dt = dt.min(quota.left / busy).min(quota.period_end - self.now);
                }
                for quota in [&mut self.quota].into_iter().chain(&mut self.pod_quota) {
                    quota.left -= busy * dt;
                }
            }
            self.now += dt;
            self.usage.cpu_nanos += busy * dt;
            if dt == until_done {
                self.clock = done_at;
                self.carry = 0;
                self.running.pop();
                let latency = self.now - arrived;
                if latency < self.limits.timeout {
                    sink.served(arrived, latency);
                    if let Some(times) = &mut self.served_at {
                        times.push(self.now);
                    }
                } else {
                    sink.timed_out(arrived);
                }
                self.start_next(sink);
            } else {
                let progress = dt * busy + self.carry;
                (self.clock, self.carry) = if threads == busy {
                    (self.clock + dt, 0)
                } else {
                    (self.clock + progress / threads, progress % threads)
                };
            }
        }
    }

    /// Sees to the quota periods at `now`; false where the server is throttled, and then moves time on to the end of
    /// a period or to `until`.
    #[inline]
    fn within_quota(&mut self, until: u64) -> bool {
        if self.quota.renew(&self.limits, self.now) {
            self.throttled = false;
            self.usage.periods += 1;
        }
        let busy = (self.running.len() as u64).min(self.limits.cores);
        let mut to = until;
        let mut may_run = true;
        if let Some(pod) = &mut self.pod_quota {
            pod.renew(&self.limits, self.now);
            if pod.left < busy {
                may_run = false;
                to = to.min(pod.period_end);
            }
        }
        if self.quota.left < busy {
            may_run = false;
            to = to.min(self.quota.period_end);
            if !self.throttled {
                self.throttled = true;
                self.usage.throttled_periods += 1;
            }
        }
        if may_run {
            return true;
        }
        self.usage.throttled_nanos += to - self.now;
        self.now = to;
        false
    }

    #[inline]
    fn start(&mut self, arrived: u64, work: u64) {
        self.running.push(Reverse((self.clock + work, arrived)));
        self.carry = 0;
    }

    /// Begins the next request that still has a client; false where none waits.
    #[inline]
    fn start_next(&mut self, sink: &mut impl Sink) -> bool {
        self.expire(sink);
        match self.waiting.pop_front() {
            Some(Waiting { arrived, work }) => {
                self.start(arrived, work);
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[derive(Default, Debug, PartialEq)]
    struct Log {
        latencies: Vec<u64>,
        timeouts: usize,
        lost: usize,
    }

    impl Sink for Log {
        fn served(&mut self, _: u64, latency: u64) {
            self.latencies.push(latency);
        }
        fn timed_out(&mut self, _: u64) {
            self.timeouts += 1;
        }
        fn lost(&mut self, _: u64, _: u64) {
            self.lost += 1;
        }
    }

    const PLAIN: Limits = Limits {
        concurrency: 1,
        max_queue: 100,
        timeout: u64::MAX,
        cores: 2,
        quota: u64::MAX,
        pod_quota: false,
        overrun: 0,
        wake: 0,
    };

    /// Offers `(arrival, work)` in ms and runs until `until` ms.
    fn run(limits: Limits, requests: &[(u64, u64)], until: u64) -> (Log, Server) {
        let (mut log, mut server) = (Log::default(), Server::new(limits, 0, 0));
        for (at, work) in requests {
            server.offer(at * MS, work * MS, &mut log);
        }
        server.advance(until * MS, &mut log);
        server.expire(&mut log);
        (log, server)
    }

    #[track_caller]
    fn check(limits: Limits, requests: &[(u64, u64)], latencies_ms: &[u64]) {
        let (log, server) = run(limits, requests, 10_000);
        assert_eq!(
            log.latencies.iter().map(|l| l / MS).collect::<Vec<_>>(),
            latencies_ms
        );
        assert_eq!(
            server.usage().cpu_nanos,
            requests.iter().map(|r| r.1 * MS).sum::<u64>()
        );
    }

    #[test]
    fn one_thread_serves_in_order() {
        check(PLAIN, &[(0, 10), (5, 10), (30, 4)], &[10, 15, 4]);
    }

    #[test]
    fn two_threads_serve_at_once_and_the_shorter_is_done_first() {
        check(
            Limits {
                concurrency: 2,
                ..PLAIN
            },
            &[(0, 10), (0, 4), (1, 3)],
            &[4, 6, 10],
        );
    }

    #[test]
    fn more_threads_than_cores_share_them() {
        // Four threads on two cores run at half speed until the short pair is done (20 ms), then two at full speed.
        let limits = Limits {
            concurrency: 4,
            ..PLAIN
        };
        check(
            limits,
            &[(0, 10), (0, 10), (0, 20), (0, 20)],
            &[20, 20, 30, 30],
        );
    }

    #[test]
    fn a_spent_quota_stops_until_the_next_period() {
        // 200m: 20 ms a period at full speed. 50 ms of work: 20 + 20 + 10, done 10 ms into the third period.
        let limits = Limits {
            quota: 20 * MS,
            ..PLAIN
        };
        check(limits, &[(0, 50)], &[210]);
        check(limits, &[(0, 20), (0, 5)], &[20, 105]);
        // Quota doesn't carry over: idle in the first period, then 30 ms of work takes two.
        check(limits, &[(150, 30)], &[60]);
        let (_, server) = run(limits, &[(0, 50)], 1000);
        let usage = server.usage();
        assert_eq!(
            (usage.throttled_periods, usage.throttled_nanos),
            (2, 160 * MS)
        );
    }

    #[test]
    fn the_quota_of_the_pod_stops_it_too() {
        // 200m. The container's periods begin at 0, the pod's at 50 ms. 20 ms from 40 on: 10 in the pod's period before and
        // 10 in the one after; 20 more from 100 on: the pod has 10 left, and the rest waits for 150.
        let limits = Limits {
            quota: 20 * MS,
            pod_quota: true,
            ..PLAIN
        };
        let mut log = Log::default();
        let mut server = Server::new(limits, 0, 50 * MS * PERIOD_NANOS);
        server.offer(40 * MS, 20 * MS, &mut log);
        server.offer(100 * MS, 20 * MS, &mut log);
        server.advance(1000 * MS, &mut log);
        assert_eq!(log.latencies, [20 * MS, 60 * MS]);
        // Without the pod's, nothing stops.
        let alone = Limits {
            pod_quota: false,
            ..limits
        };
        check(alone, &[(40, 20), (100, 20)], &[20, 20]);
    }

    #[test]
    fn what_is_spent_beyond_the_quota_is_owed() {
        // 20 ms and 2 more, then only 18 in the next period but for the 2 beyond it again.
        let limits = Limits {
            quota: 20 * MS,
            overrun: 2 * MS,
            ..PLAIN
        };
        check(limits, &[(0, 22)], &[22]);
        check(limits, &[(0, 23)], &[101]);
        // 22 + 20 + 20 and no more: over time the quota holds.
        check(limits, &[(0, 63)], &[301]);
        // A period in which it is idle pays for all.
        check(limits, &[(0, 22), (210, 22)], &[22, 22]);
    }

    #[test]
    fn an_idle_thread_takes_time_to_wake() {
        let limits = Limits { wake: MS, ..PLAIN };
        let (log, server) = run(limits, &[(0, 10), (5, 10), (30, 4)], 100);
        // The second follows the first at once.
        assert_eq!(log.latencies, [11 * MS, 16 * MS, 5 * MS]);
        assert_eq!(server.usage().cpu_nanos, 26 * MS);
    }

    #[test]
    fn both_threads_draw_on_the_quota() {
        // Two threads spend 20 ms in 10 ms; each has then 5 ms left.
        check(
            Limits {
                concurrency: 2,
                quota: 20 * MS,
                ..PLAIN
            },
            &[(0, 15), (0, 15)],
            &[105, 105],
        );
    }

    #[test]
    fn a_quota_that_threads_cannot_spend_is_none() {
        check(
            Limits {
                quota: 100 * MS,
                ..PLAIN
            },
            &[(0, 350)],
            &[350],
        );
    }

    #[test]
    fn a_full_queue_refuses() {
        let (mut log, mut server) = (
            Log::default(),
            Server::new(
                Limits {
                    max_queue: 1,
                    ..PLAIN
                },
                0,
                0,
            ),
        );
        assert!(server.offer(0, MS, &mut log));
        assert!(server.offer(0, MS, &mut log));
        assert!(!server.offer(0, MS, &mut log));
        assert!(server.offer(MS, MS, &mut log), "the first is done at 1 ms");
    }

    #[test]
    fn clients_give_up_in_the_queue_and_at_work() {
        let limits = Limits {
            timeout: 15 * MS,
            ..PLAIN
        };
        // The first is served; the second would be done at 22 ms, 20 after it came: its work is wasted; the third
        // gives up in the queue and costs nothing.
        let (log, server) = run(limits, &[(0, 12), (2, 10), (3, 10)], 100);
        assert_eq!(
            log,
            Log {
                latencies: vec![12 * MS],
                timeouts: 2,
                lost: 0
            }
        );
        assert_eq!(server.usage().cpu_nanos, 22 * MS);
    }

    #[test]
    fn a_request_that_gave_up_makes_room() {
        let limits = Limits {
            timeout: 5 * MS,
            max_queue: 1,
            ..PLAIN
        };
        let (mut log, mut server) = (Log::default(), Server::new(limits, 0, 0));
        assert!(server.offer(0, 20 * MS, &mut log));
        assert!(server.offer(MS, MS, &mut log));
        assert!(!server.offer(2 * MS, MS, &mut log));
        assert!(server.offer(6 * MS, MS, &mut log));
        assert_eq!(log.timeouts, 1);
    }

    #[test]
    fn a_resize_takes_effect_at_once() {
        let limits = Limits {
            quota: 10 * MS,
            ..PLAIN
        };
        let (mut log, mut server) = (Log::default(), Server::new(limits, 0, 0));
        server.offer(0, 50 * MS, &mut log);
        // Throttled from 10 ms on; at 30 ms the quota becomes 50 ms, of which 40 are needed.
        server.set_limits(
            30 * MS,
            Limits {
                quota: 50 * MS,
                ..PLAIN
            },
            &mut log,
        );
        server.advance(200 * MS, &mut log);
        assert_eq!(log.latencies, [70 * MS]);
    }

    #[test]
    fn stopping_loses_what_is_in_flight() {
        let (mut log, mut server) = (Log::default(), Server::new(PLAIN, 0, 0));
        for at in 0..5 {
            server.offer(at * MS, 10 * MS, &mut log);
        }
        server.abort(25 * MS, &mut log);
        assert_eq!(
            (log.latencies.len(), log.lost, server.in_flight()),
            (2, 3, 0)
        );
    }

    #[test]
    fn time_may_be_cut_anywhere() {
        let limits = Limits {
            concurrency: 3,
            quota: 35 * MS,
            pod_quota: true,
            overrun: MS,
            wake: MS / 3,
            ..PLAIN
        };
        let requests: Vec<(u64, u64)> = (0..200).map(|i| (i * 17, 1 + i * i % 13)).collect();
        let (whole, _) = run(limits, &requests, 10_000);
        let (mut log, mut server) = (Log::default(), Server::new(limits, 0, 0));
        for (at, work) in &requests {
            for cut in 0..7 {
                server.advance((at * MS).saturating_sub((7 - cut) * 1_234_567), &mut log);
            }
            server.offer(at * MS, work * MS, &mut log);
        }
        server.advance(10_000 * MS, &mut log);
        assert_eq!(whole, log);
    }
}
