//! A histogram of durations.

use std::time::Duration;

/// Counts durations by buckets.
#[derive(Debug, Clone)]
pub(crate) struct Durations {
    pub(crate) count: u64,
    /// Seconds.
    pub(crate) sum: f64,
    bounds: &'static [f64],
    counts: Vec<u64>,
}

impl Durations {
    /// An empty histogram with these upper ends, in seconds and ascending.
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        Self {
            count: 0,
            sum: 0.0,
            bounds,
            counts: vec![0; bounds.len()],
        }
    }

    pub(crate) fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.count += 1;
        self.sum += seconds;
        let bucket = self.bounds.iter().position(|end| seconds <= *end);
        if let Some(count) = bucket.and_then(|bucket| self.counts.get_mut(bucket)) {
            *count += 1;
        }
    }

    /// Upper ends with the counts between the one before and each.
    pub(crate) fn buckets(&self) -> Vec<(f64, u64)> {
        self.bounds
            .iter()
            .copied()
            .zip(self.counts.iter().copied())
            .collect()
    }
}
