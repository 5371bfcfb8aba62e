//! What is known of the containers of one name in pods of one kind, and of each single one of them.

use super::histogram::{Buckets, DecayingHistogram};
use super::{Config, Nanos, SAMPLE_WEIGHT, scaled};

/// Usage of all containers of one name in pods with the same labels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Aggregate {
    pub(super) cpu: DecayingHistogram,
    pub(super) memory_peaks: DecayingHistogram,
    first: Option<Nanos>,
    last: Option<Nanos>,
    pub(super) samples: u64,
}

impl Aggregate {
    pub(super) fn new(config: &Config, cpu: &Buckets, memory: &Buckets) -> Self {
        Self {
            cpu: DecayingHistogram::new(cpu, config.cpu_half_life),
            memory_peaks: DecayingHistogram::new(memory, config.memory_half_life),
            first: None,
            last: None,
            samples: 0,
        }
    }

    pub(super) fn merge(&mut self, other: &mut Self) {
        self.cpu.merge(&mut other.cpu);
        self.memory_peaks.merge(&mut other.memory_peaks);
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
        self.samples = self.samples.saturating_add(other.samples);
    }

    /// How much is known, in confidence intervals: by the time that samples span or by their number, one a minute, whichever
    /// is less.
    pub(super) fn confidence(&self, interval: Nanos) -> f64 {
        let span = self
            .last
            .zip(self.first)
            .map_or(0, |(last, first)| last.saturating_sub(first));
        let minutes = interval as f64 / (60 * super::SECOND) as f64;
        (span as f64 / interval as f64).min(self.samples as f64 / minutes)
    }

    fn add_cpu(&mut self, buckets: &Buckets, at: Nanos, millicores: i64) {
        let cores = millicores as f64 / 1000.0;
        self.cpu.add(buckets, cores, SAMPLE_WEIGHT, at);
        self.last = self.last.max(Some(at));
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.samples = self.samples.saturating_add(1);
    }
}

/// One container: which samples of it were seen, and its memory peak in the running window.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Container {
    last_cpu: Option<Nanos>,
    last_memory: Option<Nanos>,
    window_end: Option<Nanos>,
    memory_peak: i64,
    oom_peak: i64,
}

impl Container {
    /// Takes in a CPU sample in millicores; `false` for one that is negative, a duplicate or out of order.
    pub(super) fn add_cpu(
        &mut self,
        aggregate: &mut Aggregate,
        buckets: &Buckets,
        at: Nanos,
        millicores: i64,
    ) -> bool {
        if millicores < 0 || self.last_cpu.is_some_and(|last| at <= last) {
            return false;
        }
        aggregate.add_cpu(buckets, at, millicores);
        self.last_cpu = Some(at);
        true
    }

    /// Takes in a memory sample in bytes; `false` for one that is negative or out of order. Of a window only the peak is
    /// kept, as a sample of the window's end.
    pub(super) fn add_memory(
        &mut self,
        aggregate: &mut Aggregate,
        (config, buckets): (&Config, &Buckets),
        at: Nanos,
        bytes: i64,
        is_oom: bool,
    ) -> bool {
        if bytes < 0 || (!is_oom && self.last_memory.is_some_and(|last| at < last)) {
            return false;
        }
        self.last_memory = Some(at);
        let end = *self.window_end.get_or_insert(at);
        let peaks = &mut aggregate.memory_peaks;
        if at < end {
            let old = self.memory_peak.max(self.oom_peak);
            if old == 0 || bytes <= old {
                return true;
            }
            peaks.subtract(buckets, old as f64, 1.0, end);
            peaks.add(buckets, bytes as f64, 1.0, end);
        } else {
            let interval = config.memory_interval.max(1);
            let past = at.saturating_sub(end);
            let end = end.saturating_add(
                past.saturating_sub(past % interval)
                    .saturating_add(interval),
            );
            self.window_end = Some(end);
            (self.memory_peak, self.oom_peak) = (0, 0);
            peaks.add(buckets, bytes as f64, 1.0, end);
        }
        if is_oom {
            self.oom_peak = bytes;
        } else {
            self.memory_peak = bytes;
        }
        true
    }

    /// Takes in that the container was killed for want of memory, as a sample above what it had.
    pub(super) fn record_oom(
        &mut self,
        aggregate: &mut Aggregate,
        (config, buckets): (&Config, &Buckets),
        at: Nanos,
        requested: i64,
    ) -> bool {
        let too_old = |end: Nanos| at < end.saturating_sub(config.memory_interval);
        // Before the first sample the window's end is at the beginning of time: nothing is too old.
        if self.window_end.is_some_and(too_old) {
            return false;
        }
        let used = requested.max(self.memory_peak);
        let bumped = used.saturating_add(scaled(config.oom_min_bytes, 1.0));
        let needed = bumped.max(scaled(used as f64, config.oom_ratio));
        self.add_memory(aggregate, (config, buckets), at, needed, true)
    }
}
