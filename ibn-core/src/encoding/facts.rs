//! What the features are computed from.

use std::f64::consts::TAU;
use std::time::Duration;

use super::action::ReplicaRoom;
use crate::allocation::PodResources;
use crate::intent::{Bound, IndicatorName, Objective};
use crate::observation::{Observation, Signal, SignalHealth};
use crate::situation::Situation;
use crate::units::{Magnitude, Quantile};

/// How far back a trend looks.
const TREND: Duration = Duration::from_secs(300);

/// Values that several features need, each `None` where it can't be told.
pub(super) struct Facts<'a> {
    pub(super) situation: &'a Situation,
    pub(super) room: ReplicaRoom,
    /// Ready pods: as measured, else as the cluster says.
    pub(super) ready: f64,
    latest: Option<&'a Observation>,
    max_age: Duration,
    pod_requests: PodResources,
    pod_limits: PodResources,
}

impl<'a> Facts<'a> {
    pub(super) fn of(situation: &'a Situation) -> Self {
        let latest = situation.latest();
        // Two windows: what a monitor that skipped one scrape still has.
        let max_age = latest
            .map_or(Duration::ZERO, |seen| seen.window)
            .max(situation.control_period)
            .saturating_mul(2);
        let mut facts = Self {
            situation,
            room: ReplicaRoom::of(situation),
            ready: f64::from(situation.state.ready_replicas),
            latest,
            max_age,
            pod_requests: situation.state.allocation.pod_requests(),
            pod_limits: situation.state.allocation.pod_limits(),
        };
        if let Some(ready) = facts.value(&Signal::ReadyReplicas) {
            facts.ready = ready;
        }
        facts
    }

    /// A signal of the newest observation, where it is fresh.
    pub(super) fn value(&self, signal: &Signal) -> Option<f64> {
        let latest = self.latest?;
        (latest.health(signal, self.situation.now, self.max_age) == SignalHealth::Fresh)
            .then(|| latest.value(signal))
            .flatten()
    }

    pub(super) fn replicas(&self) -> f64 {
        f64::from(self.situation.state.allocation.replicas)
    }

    /// CPU used by all pods over the CPU requests of the ready ones.
    pub(super) fn cpu_utilization(&self) -> Option<f64> {
        let requested = self.ready * self.pod_requests.cpu.as_cores();
        super::ratio(self.value(&Signal::CpuUsage)?, requested)
    }

    /// CPU time that arrives per second over what the ready pods have.
    pub(super) fn offered_load(&self) -> Option<f64> {
        let model = self.situation.model.as_ref()?;
        let needed = self.value(&Signal::RequestRate)? * model.cpu_seconds_per_request;
        let capacity = self.ready * self.pod_limits.cpu.as_cores();
        super::ratio(needed, capacity).filter(|load| load.is_finite())
    }

    pub(super) fn rate_trend(&self) -> Option<f64> {
        let latest = self.latest?;
        let then = self.situation.history.iter().rev().find(|seen| {
            latest.at.duration_since(seen.at)
                >= jiff::SignedDuration::try_from(TREND).unwrap_or_default()
        })?;
        self.rise_since(then)
    }

    pub(super) fn rate_step(&self) -> Option<f64> {
        self.rise_since(self.situation.history.iter().rev().nth(1)?)
    }

    fn rise_since(&self, then: &Observation) -> Option<f64> {
        let now = self.value(&Signal::RequestRate)?;
        let then = then.value(&Signal::RequestRate)?;
        if now + then > 0.0 {
            super::ratio(now - then, now + then)
        } else {
            Some(0.0)
        }
    }

    /// log2 of achieved over bound of the objective that is worst off; above zero is violated.
    pub(super) fn strain(&self) -> Option<f64> {
        self.situation
            .objectives
            .iter()
            .filter_map(|objective| self.strain_of(objective))
            .fold(None, |worst: Option<f64>, strain| {
                Some(worst.map_or(strain, |worst| worst.max(strain)))
            })
    }

    fn strain_of(&self, objective: &Objective) -> Option<f64> {
        let latest = self.latest?;
        let needs = match &objective.indicator {
            IndicatorName::Latency => Some(Signal::Latency(objective.quantile())),
            IndicatorName::ErrorRate | IndicatorName::Availability => Some(Signal::ErrorRate),
            IndicatorName::CpuUtilization => Some(Signal::CpuUsage),
            IndicatorName::MemoryUtilization => Some(Signal::MemoryUsage),
            IndicatorName::Throughput => Some(Signal::Throughput),
            IndicatorName::Cost => None,
            IndicatorName::Custom(name) => Some(Signal::Custom(name.clone())),
        };
        if let Some(signal) = needs {
            self.value(&signal)?;
        }
        let achieved = latest.achieved(objective, &self.situation.state.allocation)?;
        let bound = objective.bound.value().number();
        // Of an availability what counts is the part that failed.
        let share = match (&objective.indicator, &objective.bound) {
            (IndicatorName::Availability, Bound::AtLeast(_)) => {
                super::ratio(100.0 - achieved, 100.0 - bound)
            }
            (_, Bound::AtMost(_)) => super::ratio(achieved, bound),
            (_, Bound::AtLeast(_)) => super::ratio(bound, achieved),
        };
        // Nothing to divide by: met as far as can be, or violated as far as can be.
        let share = share.unwrap_or(if objective.is_met_by(achieved) {
            0.0
        } else {
            f64::MAX
        });
        Some(share.max(0.0).log2().clamp(-3.0, 3.0))
    }

    pub(super) fn memory_used(&self) -> Option<f64> {
        let limit = self.pod_limits.memory.as_f64();
        super::ratio(self.value(&Signal::MemoryPeak)?, limit)
    }

    pub(super) fn replicas_place(&self) -> Option<f64> {
        let most = self.room.most?;
        let span = f64::from(most) - f64::from(self.room.least);
        super::ratio(self.replicas() - f64::from(self.room.least), span)
    }

    pub(super) fn budget_used(&self) -> Option<f64> {
        let own = self.situation.state.allocation.total_requests().cpu;
        let tightest = self
            .situation
            .envelope
            .budgets
            .iter()
            .filter_map(|budget| budget.limit.cpu)
            .min()?;
        super::ratio(own.as_f64(), tightest.as_f64())
    }

    pub(super) fn pod_cpu_place(&self) -> Option<f64> {
        let most = self.situation.envelope.cpu.range().max?;
        super::ratio(self.pod_limits.cpu.as_f64(), most.as_f64())
    }

    /// How long ago the number of ready pods was last another than now.
    pub(super) fn seconds_since_change(&self) -> Option<f64> {
        let now = self.value(&Signal::ReadyReplicas)?;
        let other = self.situation.history.iter().rev().find(|seen| {
            seen.value(&Signal::ReadyReplicas)
                .is_some_and(|then| (then - now).abs() >= 0.5)
        })?;
        Some(
            self.situation
                .now
                .duration_since(other.at)
                .as_secs_f64()
                .max(0.0),
        )
    }

    /// log2 of the forecast peak over the present rate, between −2 and 2.
    pub(super) fn forecast_rise(&self, greatest_quantile: bool) -> Option<f64> {
        let forecast = self.situation.forecast.as_ref()?;
        let rate = self.value(&Signal::RequestRate)?;
        let startup = self
            .situation
            .model
            .as_ref()
            .map_or(Duration::ZERO, |model| model.startup);
        let horizon = startup.saturating_add(self.situation.control_period);
        let quantiles = || {
            forecast
                .points
                .iter()
                .flat_map(|point| point.values.iter().map(|(quantile, _)| *quantile))
        };
        let quantile = if greatest_quantile {
            quantiles().max()?
        } else {
            quantiles().min_by_key(|quantile| distance_to_median(*quantile))?
        };
        // Nothing within the horizon: the first point that there is.
        let first = forecast
            .points
            .iter()
            .filter_map(|point| point.at(quantile))
            .find(|value| value.is_finite());
        let peak = forecast.peak_within(horizon, quantile).or(first)?.max(0.0);
        // One request a minute is the least that counts, so that rates of zero compare.
        let least = 1.0 / 60.0;
        Some((peak.max(least) / rate.max(least)).log2().clamp(-2.0, 2.0))
    }

    pub(super) fn day_angle(&self) -> f64 {
        let second = self.situation.now.as_second().rem_euclid(86_400);
        TAU * second as f64 / 86_400.0
    }

    pub(super) fn week_angle(&self) -> f64 {
        // The epoch was a Thursday.
        let second = (self.situation.now.as_second() + 3 * 86_400).rem_euclid(604_800);
        TAU * second as f64 / 604_800.0
    }
}

/// Millionths between a quantile and the median.
fn distance_to_median(quantile: Quantile) -> u64 {
    ((quantile.get() - 0.5).abs() * 1e6).round() as u64
}
