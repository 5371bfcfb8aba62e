//! What a twin predicts of an allocation, and what it knows of a workload.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::allocation::Allocation;
use crate::intent::{IndicatorName, Objective};
use crate::units::{Bytes, Quantile, duration_text};

/// How a workload turns requests into CPU time; the parameters of a twin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadModel {
    /// Mean CPU time of a request, seconds.
    pub cpu_seconds_per_request: f64,
    /// Squared coefficient of variation of the CPU time.
    pub service_cv2: f64,
    /// Response time that doesn't depend on load, seconds.
    pub base_latency_seconds: f64,
    /// Requests that a pod works on at once.
    pub concurrency: u32,
    /// Requests that wait in a pod at most; unbounded where absent.
    pub queue_capacity: Option<u32>,
    /// From creation to ready.
    #[serde(with = "duration_text")]
    pub startup: Duration,
    /// Memory of an idle pod plus what its requests hold.
    pub pod_memory: Bytes,
}

/// The demand that a prediction is for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Demand {
    /// Requests per second.
    pub request_rate: f64,
    /// Squared coefficient of variation of the time between arrivals; 1 for a Poisson process.
    pub arrival_cv2: f64,
}

/// Predicted indicators with intervals. Latencies are infinite where the queue would grow without bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prediction {
    /// Quantiles of the response time, seconds.
    pub latency: BTreeMap<String, Interval>,
    /// CPU used, percent of the requests.
    pub cpu_utilization: Interval,
    /// Share of requests that fail, 0 to 1.
    pub error_rate: Interval,
    /// Requests served per second.
    pub throughput: Interval,
    /// Cores requested over all pods.
    pub cost_cores: f64,
    /// Whether the offered load exceeds what the allocation can serve.
    pub saturated: bool,
}

impl Prediction {
    /// The predicted latency at a quantile, where it was computed.
    #[must_use]
    pub fn latency_at(&self, quantile: Quantile) -> Option<Interval> {
        self.latency.get(&quantile.short_name()).copied()
    }

    /// What is predicted of an objective, in the unit of its bound; `None` for what the twin doesn't model.
    #[must_use]
    pub fn of(&self, objective: &Objective) -> Option<Interval> {
        match objective.indicator {
            IndicatorName::Latency => self.latency_at(objective.quantile()),
            IndicatorName::ErrorRate => Some(self.error_rate.map(|share| 100.0 * share)),
            IndicatorName::Availability => {
                let failed = self.error_rate.map(|share| 100.0 * share);
                Some(Interval {
                    low: 100.0 - failed.high,
                    mid: 100.0 - failed.mid,
                    high: 100.0 - failed.low,
                })
            }
            IndicatorName::CpuUtilization => Some(self.cpu_utilization),
            IndicatorName::Throughput => Some(self.throughput),
            IndicatorName::Cost => Some(Interval::exact(self.cost_cores)),
            IndicatorName::MemoryUtilization | IndicatorName::Custom(_) => None,
        }
    }
}

/// A value with the range in which it is expected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    #[serde(with = "finite_or_null")]
    pub low: f64,
    /// The best guess.
    #[serde(with = "finite_or_null")]
    pub mid: f64,
    /// The upper end.
    #[serde(with = "finite_or_null")]
    pub high: f64,
}

/// Infinity, which JSON lacks, is written as null.
mod finite_or_null {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            serializer.serialize_some(value)
        } else {
            serializer.serialize_none()
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
    }
}

impl Interval {
    /// An interval without width.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self {
            low: value,
            mid: value,
            high: value,
        }
    }

    /// An interval that reaches from (1 - `share`) to (1 + `share`) times `mid`.
    #[must_use]
    pub fn around(mid: f64, share: f64) -> Self {
        Self {
            low: mid * (1.0 - share),
            mid,
            high: mid * (1.0 + share),
        }
    }

    /// Each of the three numbers through `f`, which must be increasing.
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self {
            low: f(self.low),
            mid: f(self.mid),
            high: f(self.high),
        }
    }
}

/// Quantiles of a series at times to come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// The instant from which the horizons count.
    pub made_at: Timestamp,
    /// By horizon, ascending.
    pub points: Vec<ForecastPoint>,
}

impl Forecast {
    /// The greatest value at `quantile` up to and including `horizon`; `None` where nothing was forecast.
    #[must_use]
    pub fn peak_within(&self, horizon: Duration, quantile: Quantile) -> Option<f64> {
        self.points
            .iter()
            .filter(|point| point.horizon <= horizon)
            .filter_map(|point| point.at(quantile))
            .filter(|value| value.is_finite())
            .fold(None, |peak: Option<f64>, value| {
                Some(peak.map_or(value, |peak| peak.max(value)))
            })
    }
}

/// Quantiles of a series at one time to come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForecastPoint {
    /// How far ahead.
    #[serde(with = "duration_text")]
    pub horizon: Duration,
    /// Quantile and value, by ascending quantile.
    pub values: Vec<(Quantile, f64)>,
}

impl ForecastPoint {
    /// The value at exactly this quantile.
    #[must_use]
    pub fn at(&self, quantile: Quantile) -> Option<f64> {
        self.values
            .iter()
            .find(|(q, _)| *q == quantile)
            .map(|(_, value)| *value)
    }
}

/// A regular series in which values may be missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// The time of the first value.
    pub start: Timestamp,
    /// The time between values.
    #[serde(with = "duration_text")]
    pub step: Duration,
    /// The values, the last one newest.
    pub values: Vec<Option<f64>>,
}

/// An allocation that was considered, and what was expected of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alternative {
    /// What was considered.
    pub allocation: Allocation,
    /// The score by which it was compared; greater is better.
    pub score: f64,
    /// Why it was not taken, or that it was.
    pub note: String,
}
