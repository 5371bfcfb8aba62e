//! What was measured of a workload; each value may be missing and each has its time.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::allocation::Allocation;
use crate::intent::{IndicatorName, Objective};
use crate::units::{Magnitude, Quantile, duration_text};
use crate::workload::WorkloadRef;

/// What was measured of one workload over a window. A signal that isn't in here is missing, not zero.
///
/// ```
/// use ibn_core::observation::{Observation, Signal, SignalHealth};
/// use ibn_core::workload::WorkloadRef;
/// use std::time::Duration;
///
/// let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
/// let mut seen = Observation::new(WorkloadRef::deployment("acme", "web"), now, Duration::from_secs(60));
/// seen.set(Signal::RequestRate, 120.0, now);
/// seen.set(Signal::CpuUsage, f64::NAN, now);
/// let max_age = Duration::from_secs(60);
/// assert_eq!(seen.health(&Signal::RequestRate, now, max_age), SignalHealth::Fresh);
/// assert_eq!(seen.health(&Signal::CpuUsage, now, max_age), SignalHealth::Invalid);
/// assert_eq!(seen.health(&Signal::ErrorRate, now, max_age), SignalHealth::Missing);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// Of which workload.
    pub workload: WorkloadRef,
    /// When it was asked.
    pub at: Timestamp,
    /// The span before `at` that rates and quantiles cover.
    #[serde(with = "duration_text")]
    pub window: Duration,
    /// What was measured.
    pub readings: BTreeMap<Signal, Reading>,
}

impl Observation {
    /// An observation in which every signal is missing.
    #[must_use]
    pub fn new(workload: WorkloadRef, at: Timestamp, window: Duration) -> Self {
        Self {
            workload,
            at,
            window,
            readings: BTreeMap::new(),
        }
    }

    /// Adds or replaces a reading.
    pub fn set(&mut self, signal: Signal, value: f64, at: Timestamp) {
        self.readings.insert(signal, Reading { value, at });
    }

    /// The value of a signal, where it is there and is a usable number (finite, not negative).
    #[must_use]
    pub fn value(&self, signal: &Signal) -> Option<f64> {
        self.readings
            .get(signal)
            .map(|reading| reading.value)
            .filter(|value| value.is_finite() && *value >= 0.0)
    }

    /// How far a signal can be relied on at `now`.
    #[must_use]
    pub fn health(&self, signal: &Signal, now: Timestamp, max_age: Duration) -> SignalHealth {
        match self.readings.get(signal) {
            None => SignalHealth::Missing,
            Some(reading) if !reading.value.is_finite() || reading.value < 0.0 => {
                SignalHealth::Invalid
            }
            Some(reading) => {
                let age = now.duration_since(reading.at);
                // A time ahead of ours by more than the limit is as useless as an old one.
                if age.unsigned_abs() > max_age {
                    SignalHealth::Stale
                } else {
                    SignalHealth::Fresh
                }
            }
        }
    }

    /// What was achieved of an objective, in the unit of its bound (seconds, percent, rps, cores); `None` where it can't be told.
    ///
    /// Utilisations are relative to the requests of `allocation`.
    #[must_use]
    pub fn achieved(&self, objective: &Objective, allocation: &Allocation) -> Option<f64> {
        let ratio = |part: f64, whole: f64| (whole > 0.0).then_some(100.0 * part / whole);
        let requests = allocation.total_requests();
        match &objective.indicator {
            IndicatorName::Latency => self.value(&Signal::Latency(objective.quantile())),
            IndicatorName::ErrorRate => self.value(&Signal::ErrorRate).map(|share| 100.0 * share),
            IndicatorName::Availability => self
                .value(&Signal::ErrorRate)
                .map(|share| 100.0 * (1.0 - share)),
            IndicatorName::CpuUtilization => {
                ratio(self.value(&Signal::CpuUsage)?, requests.cpu.as_cores())
            }
            IndicatorName::MemoryUtilization => {
                ratio(self.value(&Signal::MemoryUsage)?, requests.memory.as_f64())
            }
            IndicatorName::Throughput => self.value(&Signal::Throughput),
            IndicatorName::Cost => Some(requests.cpu.as_cores()),
            IndicatorName::Custom(name) => self.value(&Signal::Custom(name.clone())),
        }
    }
}

/// One measured number and when it was true.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// The number, in the unit of its [`Signal`]; may be NaN where the source said so.
    #[serde(with = "number")]
    pub value: f64,
    /// The end of what it covers.
    pub at: Timestamp,
}

/// JSON has no NaN or infinity: they are written as strings.
mod number {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            serializer.serialize_f64(*value)
        } else {
            serializer.collect_str(value)
        }
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Number(f64),
        Text(String),
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Form::deserialize(deserializer)? {
            Form::Number(value) => Ok(value),
            Form::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// What can be measured, with its unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// Requests that arrived, per second.
    RequestRate,
    /// Requests that were served, per second.
    Throughput,
    /// A quantile of the response time of served requests, seconds.
    Latency(Quantile),
    /// Share of requests that failed, 0 to 1.
    ErrorRate,
    /// CPU used by all pods, cores.
    CpuUsage,
    /// Share of CFS periods in which pods were throttled, 0 to 1.
    CpuThrottled,
    /// Memory used by all pods, bytes.
    MemoryUsage,
    /// Memory used by the pod that uses most, bytes.
    MemoryPeak,
    /// Pods that are ready.
    ReadyReplicas,
    /// Container restarts in the window.
    Restarts,
    /// The value of an `Indicator` object of this name.
    Custom(String),
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestRate => f.pad("requestRate"),
            Self::Throughput => f.pad("throughput"),
            Self::Latency(quantile) => write!(f, "latency/{quantile}"),
            Self::ErrorRate => f.pad("errorRate"),
            Self::CpuUsage => f.pad("cpuUsage"),
            Self::CpuThrottled => f.pad("cpuThrottled"),
            Self::MemoryUsage => f.pad("memoryUsage"),
            Self::MemoryPeak => f.pad("memoryPeak"),
            Self::ReadyReplicas => f.pad("readyReplicas"),
            Self::Restarts => f.pad("restarts"),
            Self::Custom(name) => write!(f, "indicator/{name}"),
        }
    }
}

impl FromStr for Signal {
    type Err = crate::units::ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || {
            crate::units::ParseUnitError::new(
                text,
                "a signal such as `requestRate` or `latency/0.95`",
            )
        };
        Ok(match text {
            "requestRate" => Self::RequestRate,
            "throughput" => Self::Throughput,
            "errorRate" => Self::ErrorRate,
            "cpuUsage" => Self::CpuUsage,
            "cpuThrottled" => Self::CpuThrottled,
            "memoryUsage" => Self::MemoryUsage,
            "memoryPeak" => Self::MemoryPeak,
            "readyReplicas" => Self::ReadyReplicas,
            "restarts" => Self::Restarts,
            _ => match text.split_once('/') {
                Some(("latency", quantile)) => Self::Latency(
                    quantile
                        .parse()
                        .ok()
                        .and_then(Quantile::new)
                        .ok_or_else(fail)?,
                ),
                Some(("indicator", name)) => Self::Custom(name.to_owned()),
                _ => return Err(fail()),
            },
        })
    }
}

impl Serialize for Signal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Signal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// How far a signal can be relied on. Ordered from good to bad, so that the worst of several is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SignalHealth {
    /// There, a number, and recent.
    Fresh,
    /// Older than is allowed.
    Stale,
    /// NaN, infinite or negative.
    Invalid,
    /// Not there.
    Missing,
}

impl fmt::Display for SignalHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Invalid => "not a number",
            Self::Missing => "missing",
        })
    }
}

/// What the measured load needs at least; nothing may shrink below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Floor {
    /// Pods.
    pub replicas: u32,
    /// CPU limit (request where there is no limit) summed over all pods, millicores.
    pub total_cpu: crate::units::CpuMillis,
    /// Memory limit of each pod.
    pub pod_memory: crate::units::Bytes,
    /// From what it was measured, for a person to read.
    pub basis: String,
}
