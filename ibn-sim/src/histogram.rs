//! Latency histograms with logarithmic buckets and a fixed relative error.

/// Linear steps per power of two, as a power of two.
const STEP_BITS: u32 = 7;
const STEPS: usize = 1 << STEP_BITS;
/// Values from 2^40 ns (18 min) share the last bucket.
const MAX_BITS: u32 = 40;
pub(crate) const BUCKETS: usize = (MAX_BITS - STEP_BITS + 1) as usize * STEPS;

/// The bucket of a value in nanoseconds.
#[inline]
pub(crate) const fn bucket_of(nanos: u64) -> usize {
    let nanos = if nanos < (1 << MAX_BITS) {
        nanos
    } else {
        (1 << MAX_BITS) - 1
    };
    // Values below STEPS have a bucket each; above, the highest 8 bits name it.
    let shift = (u64::BITS - (nanos | (STEPS as u64 - 1)).leading_zeros()) - STEP_BITS;
    let shift = shift.saturating_sub(1);
    ((shift as usize) << STEP_BITS) + (nanos >> shift) as usize
}

/// The middle of a bucket in nanoseconds.
pub(crate) const fn middle_of(bucket: usize) -> u64 {
    if bucket < 2 * STEPS {
        return bucket as u64;
    }
    let shift = (bucket >> STEP_BITS) as u32 - 1;
    let low = ((bucket & (STEPS - 1)) | STEPS) as u64;
    (low << shift) + ((1 << shift) >> 1)
}

/// The rank that the nearest-rank quantile `q` of `n` values has, 1 to `n`; 0 where there are none.
pub(crate) fn nearest_rank(q: f64, n: u64) -> u64 {
    // The product can exceed a whole number by rounding alone (0.95 · 20 = 19 must stay 19).
    let exact = q * n as f64;
    let rank = (exact - exact * 1e-12).ceil();
    (rank as u64).clamp(u64::from(n > 0), n)
}

/// Counts of latencies by bucket.
///
/// A bucket above 128 ns is at most 1/128 of its values wide, and its middle stands for it, so that a quantile is
/// within 0.4 % of a value that was recorded. Values from 18 minutes on count as 18 minutes.
///
/// ```
/// use std::time::Duration;
/// use ibn_sim::Histogram;
/// let mut latencies = Histogram::default();
/// for ms in 1..=100 {
///     latencies.record(Duration::from_millis(ms));
/// }
/// let p95 = latencies.quantile(0.95).unwrap().as_secs_f64();
/// assert!((p95 / 0.095 - 1.0).abs() < 0.004);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Empty until something is recorded.
    counts: Vec<u64>,
    /// No bucket before this one holds anything.
    low: usize,
    total: u64,
}

impl Histogram {
    /// The largest relative error of a quantile, from 128 ns to 18 min.
    pub const RELATIVE_ERROR: f64 = 1.0 / 256.0;

    /// Counts one latency.
    pub fn record(&mut self, latency: std::time::Duration) {
        self.add(bucket_of(crate::time::nanos(latency)), 1);
    }

    /// Counts a latency in nanoseconds.
    #[inline]
    pub(crate) fn record_nanos(&mut self, nanos: u64) {
        self.add(bucket_of(nanos), 1);
    }

    /// How many latencies were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.total
    }

    /// Counts of all buckets that hold something, by rising latency: the middle of the bucket and its count.
    pub fn buckets(&self) -> impl Iterator<Item = (std::time::Duration, u64)> + '_ {
        self.counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(bucket, count)| (std::time::Duration::from_nanos(middle_of(bucket)), *count))
    }

    /// The nearest-rank quantile `q` in [0, 1]; `None` where nothing was counted or `q` is NaN.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<std::time::Duration> {
        if q.is_nan() {
            None
        } else {
            self.quantiles([q]).into_iter().next()
        }
    }

    /// The nearest-rank quantiles at rising `quantiles` in [0, 1]; as many as there are, or none where nothing was counted.
    pub(crate) fn quantiles<const N: usize>(
        &self,
        quantiles: [f64; N],
    ) -> Vec<std::time::Duration> {
        let mut buckets = self.counts.iter().enumerate().skip(self.low);
        let (mut seen, mut bucket) = (0, 0);
        let mut values = Vec::with_capacity(N);
        if self.total == 0 {
            return values;
        }
        for q in quantiles {
            let rank = nearest_rank(q, self.total);
            while seen < rank {
                let Some((index, count)) = buckets.next() else {
                    return values;
                };
                (seen, bucket) = (seen + count, index);
            }
            values.push(std::time::Duration::from_nanos(middle_of(bucket)));
        }
        values
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in other
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
        {
            self.add(bucket, *count);
        }
    }

    pub(crate) fn add(&mut self, bucket: usize, count: u64) {
        if self.counts.is_empty() {
            self.counts.resize(BUCKETS, 0);
            self.low = bucket;
        }
        self.low = self.low.min(bucket);
        if let Some(cell) = self.counts.get_mut(bucket) {
            *cell += count;
            self.total += count;
        }
    }

    pub(crate) fn add_all(&mut self, sparse: &[(u16, u32)]) {
        for (bucket, count) in sparse {
            self.add(usize::from(*bucket), u64::from(*count));
        }
    }
}

/// The histogram of the bin that is being filled: dense, emptied into a sparse list at the end of the bin.
#[derive(Debug, Clone)]
pub(crate) struct Filling {
    counts: Box<[u32; BUCKETS]>,
    low: usize,
    high: usize,
}

impl Default for Filling {
    fn default() -> Self {
        Self {
            counts: Box::new([0; BUCKETS]),
            low: BUCKETS,
            high: 0,
        }
    }
}

impl Filling {
    #[inline]
    pub(crate) fn record(&mut self, nanos: u64) {
        let bucket = bucket_of(nanos);
        if let Some(cell) = self.counts.get_mut(bucket) {
            *cell += 1;
        }
        self.low = self.low.min(bucket);
        self.high = self.high.max(bucket);
    }

    /// What was counted, by rising bucket; empties this.
    pub(crate) fn drain(&mut self) -> Vec<(u16, u32)> {
        let mut sparse = Vec::new();
        if let Some(range) = self.counts.get_mut(self.low..=self.high) {
            for (offset, cell) in range.iter_mut().enumerate().filter(|(_, cell)| **cell > 0) {
                sparse.push(((self.low + offset) as u16, *cell));
                *cell = 0;
            }
        }
        (self.low, self.high) = (BUCKETS, 0);
        sparse
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn buckets_are_contiguous_and_their_middle_is_near() {
        let mut values: Vec<u64> = (0..5000).collect();
        values.extend(
            (12..MAX_BITS).flat_map(|bits| [(1u64 << bits) - 1, 1 << bits, (1 << bits) + 12_345]),
        );
        values.sort_unstable();
        let mut last = 0;
        for value in values.into_iter().filter(|v| *v < 1 << MAX_BITS) {
            let bucket = bucket_of(value);
            assert!(bucket >= last && bucket < BUCKETS, "{value}");
            assert!(value >= 5000 || bucket <= last + 1, "{value}");
            last = bucket;
            let error = (middle_of(bucket) as f64 / value.max(1) as f64 - 1.0).abs();
            assert!(
                value < 256 || error <= Histogram::RELATIVE_ERROR,
                "{value}: {error}"
            );
            assert_eq!(bucket_of(middle_of(bucket)), bucket, "{value}");
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn ranks_are_those_of_the_definition() {
        // The smallest rank r with r/n >= q.
        for (q, n, rank) in [
            (0.95, 20, 19),
            (0.95, 21, 20),
            (0.5, 4, 2),
            (0.99, 100, 99),
            (1.0, 3, 3),
            (0.0, 3, 1),
            (0.5, 0, 0),
        ] {
            assert_eq!(nearest_rank(q, n), rank, "{q} of {n}");
        }
    }

    #[test]
    fn merging_is_adding() {
        let (mut left, mut right, mut both) = (
            Histogram::default(),
            Histogram::default(),
            Histogram::default(),
        );
        for i in 0..1000u64 {
            let latency = Duration::from_micros(i * i);
            if i % 3 == 0 {
                left.record(latency)
            } else {
                right.record(latency)
            }
            both.record(latency);
        }
        left.merge(&right);
        assert_eq!(left, both);
        assert_eq!(Histogram::default().quantile(0.5), None);
        assert_eq!(both.buckets().map(|(_, count)| count).sum::<u64>(), 1000);
    }

    #[test]
    fn filling_drains_once() {
        let mut filling = Filling::default();
        for nanos in [5_000_000, 5_000_001, 90] {
            filling.record(nanos);
        }
        assert_eq!(
            filling
                .drain()
                .iter()
                .map(|(_, count)| *count)
                .collect::<Vec<_>>(),
            [1, 2]
        );
        assert!(filling.drain().is_empty());
    }
}
