//! Histograms with buckets that grow, in which old samples weigh less.

use super::Nanos;
use super::arithmetic::{exp2, ln, power, scale};

/// The weight below which a bucket counts as empty.
const EPSILON: f64 = 0.001 * super::SAMPLE_WEIGHT;
/// How many half-lives weights may grow before all are scaled down.
const MAX_EXPONENT: i128 = 100;
/// From the year 1, from which half-lives are counted, to 1970.
const EPOCH_SECONDS: i128 = 62_135_596_800;
const GROWTH: f64 = 1.05;

/// Where the buckets lie: the first is `first` wide, each next one 5 % wider, the last one holds what is above.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets {
    first: f64,
    starts: Vec<f64>,
}

impl Buckets {
    /// For CPU, in cores: from 10m to 1000 cores.
    #[must_use]
    pub fn cpu_cores() -> Self {
        Self::new(1000.0, 0.01)
    }

    /// For memory, in bytes: from 10 MB to 1 TB.
    #[must_use]
    pub fn memory_bytes() -> Self {
        Self::new(1e12, 1e7)
    }

    fn new(max: f64, first: f64) -> Self {
        let count = index(max, first).ceil() as u32 + 1;
        let start = |bucket| first * (power(GROWTH, bucket) - 1.0) / (GROWTH - 1.0);
        Self {
            first,
            starts: (0..count).map(start).collect(),
        }
    }

    /// The lower end of each bucket, ascending from 0.
    #[must_use]
    pub fn starts(&self) -> &[f64] {
        &self.starts
    }

    fn find(&self, value: f64) -> usize {
        if value < self.first {
            return 0;
        }
        (index(value, self.first) as usize).min(self.starts.len().saturating_sub(1))
    }

    /// What is said of a bucket: its upper end, or of the last one its lower end.
    fn upper(&self, bucket: usize) -> f64 {
        let next = self.starts.get(bucket.saturating_add(1));
        next.or(self.starts.last()).copied().unwrap_or_default()
    }
}

/// The bucket of a value, with its fraction.
fn index(value: f64, first: f64) -> f64 {
    ln(value * (GROWTH - 1.0) / first + 1.0) / ln(GROWTH)
}

/// A histogram in which a sample's weight halves with every half-life.
///
/// Instead of the old samples' weights, those of new samples change, relative to a reference instant that follows from time
/// to time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DecayingHistogram {
    half_life: Nanos,
    reference: Option<Nanos>,
    weights: Vec<f64>,
    total: f64,
    min: usize,
    max: usize,
}

impl DecayingHistogram {
    pub(super) fn new(buckets: &Buckets, half_life: Nanos) -> Self {
        let count = buckets.starts.len();
        Self {
            half_life,
            reference: None,
            weights: vec![0.0; count],
            total: 0.0,
            min: count.saturating_sub(1),
            max: 0,
        }
    }

    pub(super) fn add(&mut self, buckets: &Buckets, value: f64, weight: f64, at: Nanos) {
        let weight = weight * self.factor(at);
        let bucket = buckets.find(value);
        let Some(held) = self.weights.get_mut(bucket) else {
            return;
        };
        *held += weight;
        self.total += weight;
        if *held >= EPSILON {
            self.min = self.min.min(bucket);
            self.max = self.max.max(bucket);
        }
    }

    pub(super) fn subtract(&mut self, buckets: &Buckets, value: f64, weight: f64, at: Nanos) {
        let weight = weight * self.factor(at);
        let less = |from: f64| {
            Some(from - weight)
                .filter(|rest| *rest >= EPSILON)
                .unwrap_or(0.0)
        };
        self.total = less(self.total);
        if let Some(held) = self.weights.get_mut(buckets.find(value)) {
            *held = less(*held);
        }
        self.narrow();
    }

    /// Adds another one's samples. The one whose reference is older takes over that of the other.
    pub(super) fn merge(&mut self, other: &mut Self) {
        match (self.reference, other.reference) {
            (None, Some(theirs)) => self.shift(theirs),
            (Some(ours), None) => other.shift(ours),
            (Some(ours), Some(theirs)) if ours < theirs => self.shift(theirs),
            (Some(ours), Some(theirs)) if theirs < ours => other.shift(ours),
            _ => {}
        }
        for bucket in other.min..=other.max {
            if let (Some(ours), Some(theirs)) =
                (self.weights.get_mut(bucket), other.weights.get(bucket))
            {
                *ours += theirs;
            }
        }
        self.total += other.total;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// The upper end of the bucket in which the given share of the weight is reached; 0 where nothing is held.
    pub(super) fn percentile(&self, buckets: &Buckets, share: f64) -> f64 {
        if self
            .weights
            .get(self.min)
            .is_none_or(|weight| *weight < EPSILON)
        {
            return 0.0;
        }
        let threshold = share * self.total;
        let mut sum = 0.0;
        for bucket in self.min..self.max {
            sum += self.weights.get(bucket).copied().unwrap_or_default();
            if sum >= threshold {
                return buckets.upper(bucket);
            }
        }
        buckets.upper(self.max)
    }

    /// How much more a sample of that instant weighs than one of the reference.
    fn factor(&mut self, at: Nanos) -> f64 {
        let last =
            |reference: Nanos| i128::from(reference) + MAX_EXPONENT * i128::from(self.half_life);
        let reference = match self.reference {
            Some(reference) if i128::from(at) <= last(reference) => reference,
            _ => {
                self.shift(at);
                self.reference.unwrap_or(at)
            }
        };
        exp2(at.saturating_sub(reference) as f64 / self.half_life as f64)
    }

    /// Moves the reference to the next whole half-life, and scales what is held accordingly.
    fn shift(&mut self, to: Nanos) {
        let half_life = i128::from(self.half_life.max(1));
        let since_year_1 = i128::from(to) + EPOCH_SECONDS * i128::from(super::SECOND);
        let past = since_year_1.rem_euclid(half_life);
        let rounded = i128::from(to) - past + if past * 2 < half_life { 0 } else { half_life };
        let rounded = Nanos::try_from(rounded).unwrap_or(to);
        if let Some(old) = self.reference {
            let halves = old.saturating_sub(rounded) as f64 / self.half_life as f64;
            let factor = scale(1.0, (halves + 0.5).floor() as i32);
            for bucket in self.min..=self.max {
                if let Some(weight) = self.weights.get_mut(bucket) {
                    *weight *= factor;
                }
            }
            self.total *= factor;
            self.narrow();
        }
        self.reference = Some(rounded);
    }

    /// Leaves out empty buckets at both ends.
    fn narrow(&mut self) {
        let is_empty = |bucket: usize| {
            self.weights
                .get(bucket)
                .is_some_and(|weight| *weight < EPSILON)
        };
        let last = self.weights.len().saturating_sub(1);
        let (mut min, mut max) = (self.min, self.max);
        while min < last && is_empty(min) {
            min += 1;
        }
        while max > 0 && is_empty(max) {
            max -= 1;
        }
        (self.min, self.max) = (min, max);
    }
}
