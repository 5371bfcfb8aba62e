//! What is counted of a workload: requests and their latencies by bin, windows that violate the objective, and what the
//! pods had and used.

use std::collections::VecDeque;
use std::ops::AddAssign;
use std::time::Duration;

use crate::histogram::{Filling, Histogram, nearest_rank};
use crate::request::{Fate, Request};
use crate::server::Sink;
use crate::spec::{Accounting, LatencyObjective};
use crate::time::{SimTime, nanos};

/// Requests by what became of them. At any time `arrived` is the sum of the other counts but `over_objective`, and of
/// the requests in flight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All that came.
    pub arrived: u64,
    /// Answered in time.
    pub served: u64,
    /// Turned away because the queue of the pod was full.
    pub refused: u64,
    /// Turned away because no pod was ready.
    pub unrouted: u64,
    /// In flight in a container that was killed, or sent to a node that was gone.
    pub lost: u64,
    /// Not answered because a call that they made failed.
    pub broken: u64,
    /// Given up by their client, while they waited or (counted when the server is done with them) while worked on.
    pub timed_out: u64,
    /// Of those served, the ones slower than the objective's bound.
    pub over_objective: u64,
    /// Attempts that clients made after one that failed; none of them is a request of its own.
    pub retried: u64,
    /// Sum of the response times of those served, in ns.
    pub latency_nanos: u128,
}

impl Counts {
    /// Refused, unrouted, lost or broken.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.refused + self.unrouted + self.lost + self.broken
    }

    /// Dropped or timed out.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.dropped() + self.timed_out
    }

    /// Served or failed: no longer in flight.
    #[must_use]
    pub const fn finished(&self) -> u64 {
        self.served + self.failed()
    }

    /// Slower than the objective's bound, or failed.
    #[must_use]
    pub const fn violating(&self) -> u64 {
        self.over_objective + self.failed()
    }

    /// Mean response time of those served; `None` where none was.
    #[must_use]
    pub fn mean_latency(&self) -> Option<Duration> {
        let mean = self.latency_nanos.checked_div(u128::from(self.served))?;
        u64::try_from(mean).ok().map(Duration::from_nanos)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.arrived += other.arrived;
        self.served += other.served;
        self.refused += other.refused;
        self.unrouted += other.unrouted;
        self.lost += other.lost;
        self.broken += other.broken;
        self.retried += other.retried;
        self.timed_out += other.timed_out;
        self.over_objective += other.over_objective;
        self.latency_nanos += other.latency_nanos;
    }
}

/// What a workload's pods had and used in a bin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// CPU time used, in ns.
    pub cpu_nanos: u64,
    /// CPU request of the pods on nodes, in millicores, summed over time in ns.
    pub requested_milli_nanos: u128,
    /// Quota periods in which something ran, over all pods.
    pub periods: u64,
    /// Of those, the ones in which the quota was spent too soon.
    pub throttled_periods: u64,
    /// Containers that were started again.
    pub restarts: u64,
    /// Pods asked for, at the end of the bin.
    pub replicas: u32,
    /// Ready pods, at the end of the bin.
    pub ready: u32,
    /// Requests that are worked on or wait, at the end of the bin.
    pub in_flight: u64,
    /// Memory of all pods in bytes, at the end of the bin.
    pub memory_bytes: u64,
    /// Memory of the pod that uses most in bytes, at the end of the bin.
    pub memory_peak_bytes: u64,
}

/// What happened in one bin of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Bin {
    /// The end of the bin.
    pub end: SimTime,
    /// Requests that came, and those that finished, in the bin.
    pub counts: Counts,
    /// What the pods had and used.
    pub load: Load,
    latencies: Box<[(u16, u32)]>,
}

/// Several bins as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The start of the first bin.
    pub from: SimTime,
    /// The end of the last bin.
    pub to: SimTime,
    /// Requests that came, and those that finished, in the span.
    pub counts: Counts,
    /// Response times of those served.
    pub latencies: Histogram,
    /// Sums over the span; of what is taken at the end of a bin, the value at the end, or the peak for `memory_peak_bytes`.
    pub load: Load,
}

/// Windows of time in which requests finished, and those that violated the objective.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Windows {
    /// Whole windows in which at least one request finished.
    pub total: u64,
    /// Of those, the ones whose quantile of the response time was above the bound; a request that failed counts as slower.
    pub violated: u64,
}

/// What became of an attempt; instants and times in ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Answered after so long.
    Served(u64),
    /// Given up.
    TimedOut,
    /// Lost at that instant.
    Lost(u64),
    /// Turned away by a full queue at that instant.
    Refused(u64),
    /// Without a pod at that instant.
    Unrouted(u64),
}

/// The books of one workload.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    bound_nanos: u64,
    base_nanos: u64,
    quantile: f64,
    bin_nanos: u64,
    bins_per_window: u64,
    keep: usize,

    open: Counts,
    filling: Filling,
    /// What servers said of requests that are followed one by one: not final, and not counted yet.
    aside: Option<Vec<(u64, Outcome)>>,
    /// Hashes of all outcomes, summed; part of the event log.
    digest: u64,

    closed: u64,
    window_finished: u64,
    window_violating: u64,
    windows: Windows,
    total: Counts,
    latencies: Histogram,
    bins: VecDeque<Bin>,
    /// Single requests, where someone asked for them.
    requests: Option<Vec<Request>>,
}

impl Account {
    pub(crate) fn new(
        accounting: &Accounting,
        objective: &LatencyObjective,
        base_latency: Duration,
    ) -> Self {
        let bin_nanos = nanos(accounting.bin);
        Self {
            bound_nanos: nanos(objective.at_most),
            base_nanos: nanos(base_latency),
            quantile: objective.quantile.get(),
            bin_nanos,
            bins_per_window: nanos(accounting.window) / bin_nanos,
            keep: usize::try_from(nanos(accounting.retention) / bin_nanos).unwrap_or(usize::MAX),
            open: Counts::default(),
            filling: Filling::default(),
            aside: None,
            digest: 0,
            closed: 0,
            window_finished: 0,
            window_violating: 0,
            windows: Windows::default(),
            total: Counts::default(),
            latencies: Histogram::default(),
            bins: VecDeque::new(),
            requests: None,
        }
    }

    #[inline]
    pub(crate) const fn arrived(&mut self) {
        self.open.arrived += 1;
    }

    #[inline]
    pub(crate) fn refused(&mut self, arrived: u64) {
        self.open.refused += 1;
        self.mix(arrived, u64::MAX - 1);
        self.keep(arrived, Fate::Refused);
    }

    #[inline]
    pub(crate) fn unrouted(&mut self, arrived: u64) {
        self.open.unrouted += 1;
        self.mix(arrived, u64::MAX - 2);
        self.keep(arrived, Fate::Unrouted);
    }

    pub(crate) const fn retried(&mut self) {
        self.open.retried += 1;
    }

    /// From now on what servers say is put aside, for who follows requests one by one.
    pub(crate) fn put_aside(&mut self) {
        self.aside = Some(Vec::new());
    }

    /// Something that was put aside: when the attempt came, and what became of it.
    pub(crate) fn aside(&mut self) -> Option<(u64, Outcome)> {
        self.aside.as_mut()?.pop()
    }

    /// Counts what finally became of a request that was followed; `broken` where a call of it failed.
    pub(crate) fn settle(&mut self, first: u64, outcome: Outcome, broken: bool) {
        match outcome {
            Outcome::Served(latency) => self.count_served(first, latency),
            Outcome::TimedOut => {
                self.open.timed_out += 1;
                self.mix(first, u64::MAX);
                self.keep(first, Fate::TimedOut);
            }
            Outcome::Lost(_) if broken => {
                self.open.broken += 1;
                self.mix(first, u64::MAX - 3);
                self.keep(first, Fate::Broken);
            }
            Outcome::Lost(_) => {
                self.open.lost += 1;
                self.keep(first, Fate::Lost);
            }
            Outcome::Refused(_) => self.refused(first),
            Outcome::Unrouted(_) => self.unrouted(first),
        }
    }

    #[inline]
    fn count_served(&mut self, arrived: u64, latency: u64) {
        let latency = latency + self.base_nanos;
        self.open.served += 1;
        self.open.over_objective += u64::from(latency > self.bound_nanos);
        self.open.latency_nanos += u128::from(latency);
        self.filling.record(latency);
        self.mix(arrived, latency);
        self.keep(arrived, Fate::Served(Duration::from_nanos(latency)));
    }

    /// Keeps every request from now on, until it is taken.
    pub(crate) fn keep_requests(&mut self) {
        self.requests.get_or_insert_default();
    }

    /// The requests kept so far, by arrival.
    pub(crate) fn take_requests(&mut self) -> Vec<Request> {
        let mut taken = self
            .requests
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        taken.sort_unstable();
        taken
    }

    #[inline]
    fn keep(&mut self, arrived: u64, fate: Fate) {
        if let Some(requests) = &mut self.requests {
            let arrived = SimTime::from_nanos(arrived);
            requests.push(Request { arrived, fate });
        }
    }

    /// Adds a hash of one outcome. The sum doesn't depend on the order in which pods are looked at.
    #[inline]
    const fn mix(&mut self, arrived: u64, outcome: u64) {
        let word = (arrived ^ outcome.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.digest = self
            .digest
            .wrapping_add((word ^ (word >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9));
    }

    /// Ends a bin. Gives back its counts and the digest of all outcomes so far.
    pub(crate) fn close_bin(&mut self, load: Load) -> (Counts, u64) {
        self.closed += 1;
        let latencies = self.filling.drain().into_boxed_slice();
        let counts = std::mem::take(&mut self.open);
        self.total += counts;
        self.latencies.add_all(&latencies);
        self.window_finished += counts.finished();
        self.window_violating += counts.violating();
        if self.closed.is_multiple_of(self.bins_per_window) {
            let finished = std::mem::take(&mut self.window_finished);
            let violating = std::mem::take(&mut self.window_violating);
            if finished > 0 {
                self.windows.total += 1;
                // The quantile is over the bound where fewer than its rank are within it.
                let within = finished - violating;
                self.windows.violated += u64::from(within < nearest_rank(self.quantile, finished));
            }
        }
        if self.bins.len() >= self.keep {
            self.bins.pop_front();
        }
        let end = SimTime::from_nanos(self.closed * self.bin_nanos);
        self.bins.push_back(Bin {
            end,
            counts,
            load,
            latencies,
        });
        (counts, self.digest)
    }

    /// All counts, those of the open bin included.
    pub(crate) fn total(&self) -> Counts {
        let mut total = self.total;
        total += self.open;
        total
    }

    /// All response times, those of the open bin included.
    pub(crate) fn latencies(&self) -> Histogram {
        let mut all = self.latencies.clone();
        all.add_all(&self.filling.clone().drain());
        all
    }

    pub(crate) const fn windows(&self) -> Windows {
        self.windows
    }

    pub(crate) const fn bins(&self) -> &VecDeque<Bin> {
        &self.bins
    }

    /// The bins that lie within `window` before `at`, as one; `None` where none does.
    pub(crate) fn span(&self, at: SimTime, window: Duration) -> Option<Span> {
        let from = at.before(window).nanos();
        let first = self
            .bins
            .partition_point(|bin| bin.end.nanos() - self.bin_nanos < from);
        let end = self.bins.partition_point(|bin| bin.end <= at);
        let mut bins = self.bins.range(first.min(end)..end).peekable();
        let from = SimTime::from_nanos(bins.peek()?.end.nanos() - self.bin_nanos);
        let mut span = Span {
            from,
            to: from,
            counts: Counts::default(),
            latencies: Histogram::default(),
            load: Load::default(),
        };
        for bin in bins {
            span.to = bin.end;
            span.counts += bin.counts;
            span.latencies.add_all(&bin.latencies);
            span.load = Load {
                cpu_nanos: span.load.cpu_nanos + bin.load.cpu_nanos,
                requested_milli_nanos: span.load.requested_milli_nanos
                    + bin.load.requested_milli_nanos,
                periods: span.load.periods + bin.load.periods,
                throttled_periods: span.load.throttled_periods + bin.load.throttled_periods,
                restarts: span.load.restarts + bin.load.restarts,
                memory_peak_bytes: span.load.memory_peak_bytes.max(bin.load.memory_peak_bytes),
                ..bin.load
            };
        }
        Some(span)
    }
}

impl Sink for Account {
    #[inline]
    fn served(&mut self, arrived: u64, latency: u64) {
        match &mut self.aside {
            None => self.count_served(arrived, latency),
            Some(aside) => aside.push((arrived, Outcome::Served(latency))),
        }
    }

    #[inline]
    fn timed_out(&mut self, arrived: u64) {
        match &mut self.aside {
            None => {
                self.open.timed_out += 1;
                self.mix(arrived, u64::MAX);
                self.keep(arrived, Fate::TimedOut);
            }
            Some(aside) => aside.push((arrived, Outcome::TimedOut)),
        }
    }

    fn lost(&mut self, arrived: u64, at: u64) {
        match &mut self.aside {
            None => {
                self.open.lost += 1;
                self.keep(arrived, Fate::Lost);
            }
            Some(aside) => aside.push((arrived, Outcome::Lost(at))),
        }
    }
}

#[cfg(test)]
mod tests {
    use ibn_core::units::Quantile;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn account(bound_ms: u64) -> Account {
        let accounting = Accounting {
            bin: Duration::from_secs(5),
            window: Duration::from_secs(10),
            retention: Duration::from_secs(30),
        };
        let objective = LatencyObjective {
            quantile: Quantile::P95,
            at_most: Duration::from_millis(bound_ms),
        };
        Account::new(&accounting, &objective, Duration::from_millis(1))
    }

    fn serve(account: &mut Account, latencies_ms: impl IntoIterator<Item = u64>) {
        for latency in latencies_ms {
            account.arrived();
            account.served(0, latency * 1_000_000);
        }
    }

    #[test]
    fn a_window_is_violated_where_its_p95_is_over_the_bound() {
        let mut account = account(100);
        // 20 requests: rank 19 of the sorted times decides. One slow request leaves it, two don't.
        for (slow, violated) in [(1, 0), (2, 1)] {
            serve(
                &mut account,
                (0..20).map(|i| if i < slow { 100 } else { 99 }),
            );
            account.close_bin(Load::default());
            account.close_bin(Load::default());
            assert_eq!(account.windows().violated, violated);
        }
        assert_eq!(account.windows().total, 2);
        assert_eq!(
            account.total().over_objective,
            3,
            "1 ms of base latency makes 100 ms too slow, 99 ms not"
        );
    }

    #[test]
    fn what_fails_counts_as_slow_and_an_empty_window_not_at_all() {
        let mut account = account(100);
        serve(&mut account, std::iter::repeat_n(1, 18));
        account.arrived();
        account.refused(0);
        account.arrived();
        account.timed_out(0);
        for _ in 0..4 {
            account.close_bin(Load::default());
        }
        assert_eq!(
            account.windows(),
            Windows {
                total: 1,
                violated: 1
            }
        );
        assert_eq!(
            (account.total().violating(), account.total().finished()),
            (2, 20)
        );
    }

    #[test]
    fn a_span_is_the_sum_of_its_bins() {
        let mut account = account(100);
        for bin in 1..=8u64 {
            serve(&mut account, std::iter::repeat_n(bin, 10));
            account.close_bin(Load {
                cpu_nanos: bin,
                ready: bin as u32,
                ..Load::default()
            });
        }
        let now = SimTime::from_nanos(40 * SECOND);
        assert_eq!(account.bins().len(), 6, "30 s are kept");
        let span = account.span(now, Duration::from_secs(10)).unwrap();
        assert_eq!(
            (span.from.nanos(), span.to.nanos()),
            (30 * SECOND, 40 * SECOND)
        );
        assert_eq!(
            (span.counts.served, span.load.cpu_nanos, span.load.ready),
            (20, 15, 8)
        );
        assert_eq!(span.latencies.count(), 20);
        assert_eq!(
            account
                .span(now, Duration::from_secs(3600))
                .unwrap()
                .counts
                .served,
            60
        );
        assert_eq!(
            account.span(now, Duration::from_secs(4)),
            None,
            "no bin lies within"
        );
        assert_eq!(
            account
                .span(SimTime::from_nanos(42 * SECOND), Duration::from_secs(8))
                .unwrap()
                .counts
                .served,
            10
        );
    }

    #[test]
    fn the_open_bin_is_in_the_totals() {
        let mut account = account(100);
        serve(&mut account, [10, 20]);
        assert_eq!(
            (account.total().served, account.latencies().count()),
            (2, 2)
        );
        assert_eq!(
            account.total().mean_latency(),
            Some(Duration::from_millis(16))
        );
    }
}
