//! A downsampled time series in bounded memory.

use std::collections::VecDeque;
use std::time::Duration;

use ibn_core::units::duration_text;
use jiff::Timestamp;
use serde::Serialize;

/// What was measured and asked for of one workload, bucket by bucket. Oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// The width of a bucket.
    #[serde(with = "duration_text")]
    #[schema(value_type = String)]
    pub step: Duration,
    /// The buckets; those in which nothing was heard are absent.
    #[schema(value_type = Vec<Point>)]
    pub points: VecDeque<Point>,
    #[serde(skip)]
    capacity: usize,
}

/// One bucket. What was not measured is absent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// The beginning of the bucket.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What is known of it.
    #[serde(flatten)]
    pub sample: Sample,
    /// Samples that went into the means.
    #[serde(skip)]
    count: u16,
}

/// What is known of a workload at one instant, or of a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Pods asked for; the last of the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<f32>,
    /// Pods that are ready; the last of the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<f32>,
    /// Cores used by all pods; the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_used: Option<f32>,
    /// Cores requested by all pods; the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_requested: Option<f32>,
    /// Cores that all pods are limited to; the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_limit: Option<f32>,
    /// Bytes used by all pods; the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_used: Option<f32>,
    /// Bytes requested by all pods; the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_requested: Option<f32>,
    /// Requests per second; the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_rate: Option<f32>,
    /// The response time at the quantile of the strictest latency objective (p95 where there is none), seconds; the greatest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<f32>,
    /// The strictest latency objective in force, seconds; the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_objective: Option<f32>,
    /// Share of requests that failed, 0 to 1; the greatest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<f32>,
}

impl Sample {
    /// Whether the latency is above its objective; `None` where either isn't known.
    #[must_use]
    pub fn is_violated(&self) -> Option<bool> {
        Some(self.latency? > self.latency_objective?)
    }

    /// Takes in another sample as the `count`-th of the bucket.
    fn take(&mut self, new: &Self, count: u16) {
        let last = |kept: &mut Option<f32>, new: Option<f32>| *kept = new.or(*kept);
        let mean = |kept: &mut Option<f32>, new: Option<f32>| {
            *kept = match (*kept, new) {
                (Some(mean), Some(new)) => Some(mean + (new - mean) / f32::from(count.max(1))),
                (kept, new) => new.or(kept),
            };
        };
        let greatest = |kept: &mut Option<f32>, new: Option<f32>| {
            *kept = match (*kept, new) {
                (Some(kept), Some(new)) => Some(kept.max(new)),
                (kept, new) => new.or(kept),
            };
        };
        last(&mut self.replicas, new.replicas);
        last(&mut self.ready, new.ready);
        last(&mut self.cpu_requested, new.cpu_requested);
        last(&mut self.cpu_limit, new.cpu_limit);
        last(&mut self.memory_requested, new.memory_requested);
        last(&mut self.latency_objective, new.latency_objective);
        mean(&mut self.cpu_used, new.cpu_used);
        mean(&mut self.memory_used, new.memory_used);
        mean(&mut self.request_rate, new.request_rate);
        greatest(&mut self.latency, new.latency);
        greatest(&mut self.error_rate, new.error_rate);
    }
}

impl Series {
    /// An empty series that keeps `capacity` buckets of `step` (at least a second).
    #[must_use]
    pub fn new(step: Duration, capacity: usize) -> Self {
        Self {
            step: step.max(Duration::from_secs(1)),
            points: VecDeque::new(),
            capacity: capacity.max(1),
        }
    }

    /// Takes in a sample; one that is older than the newest bucket is passed over.
    pub fn push(&mut self, at: Timestamp, sample: &Sample) {
        let step = i64::try_from(self.step.as_secs()).unwrap_or(i64::MAX);
        let second = at.as_second().div_euclid(step).saturating_mul(step);
        let Ok(bucket) = Timestamp::from_second(second) else {
            return;
        };
        match self.points.back_mut() {
            Some(newest) if newest.at == bucket => {
                newest.count = newest.count.saturating_add(1);
                newest.sample.take(sample, newest.count);
            }
            Some(newest) if newest.at > bucket => {}
            _ => {
                self.points.push_back(Point {
                    at: bucket,
                    sample: *sample,
                    count: 1,
                });
                while self.points.len() > self.capacity {
                    self.points.pop_front();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + second).unwrap_or_default()
    }

    #[test]
    fn a_bucket_has_the_last_count_the_mean_load_and_the_worst_latency() {
        let mut series = Series::new(Duration::from_secs(60), 10);
        for (second, replicas, rate, latency) in [
            (0, 3.0, 10.0, 0.2),
            (15, 4.0, 20.0, 0.5),
            (59, 5.0, 30.0, 0.1),
        ] {
            let sample = Sample {
                replicas: Some(replicas),
                request_rate: Some(rate),
                latency: Some(latency),
                latency_objective: Some(0.3),
                ..Sample::default()
            };
            series.push(at(second), &sample);
        }
        let found: Vec<_> = series.points.iter().map(|point| point.sample).collect();
        assert_eq!(
            found,
            [Sample {
                replicas: Some(5.0),
                request_rate: Some(20.0),
                latency: Some(0.5),
                latency_objective: Some(0.3),
                ..Sample::default()
            }]
        );
        assert_eq!(found.first().and_then(Sample::is_violated), Some(true));
    }

    #[test]
    fn memory_is_bounded_and_time_does_not_go_back() {
        let mut series = Series::new(Duration::from_secs(60), 3);
        for minute in 0..10 {
            series.push(at(60 * minute), &Sample::default());
        }
        series.push(at(0), &Sample::default());
        let kept: Vec<_> = series.points.iter().map(|point| point.at).collect();
        assert_eq!(kept, [at(420), at(480), at(540)]);
    }
}
