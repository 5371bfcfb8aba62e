//! What the history shows beside the objectives: demand, utilisation, throttling, errors, pods; now and before.

use std::time::Duration;

use ibn_core::assessment::AssessmentInput;
use ibn_core::observation::{Observation, Signal, SignalHealth};

use super::SHORT_PART;
use crate::anomaly::robust_z;
use crate::slo::{allocation_at, earlier, fresh_value};
use crate::stats;

/// Robust standard deviations from which demand or errors count as out of line.
const OUT_OF_LINE: f64 = 3.5;
/// The least noise that a baseline is credited with, as a share of its median.
const LEAST_SCALE: f64 = 0.05;

/// Level of a quantity in the short window, and what it was before.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Level {
    pub(crate) now: Option<f64>,
    pub(crate) before: Option<f64>,
    pub(crate) z: Option<f64>,
}

impl Level {
    /// Whether it rose out of line, and by `ratio` at least.
    pub(crate) fn rose_by(self, ratio: f64) -> bool {
        match (self.now, self.before) {
            (Some(now), Some(before)) if before <= 0.0 => now > 0.0,
            (Some(now), Some(before)) => {
                now >= ratio * before && self.z.is_some_and(|z| z > OUT_OF_LINE)
            }
            _ => false,
        }
    }
}

/// What attribution and corrective intents are based on. Everything that can't be told is `None`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Evidence {
    /// Requests per second.
    pub(crate) demand: Level,
    /// Share of requests that failed.
    pub(crate) errors: Level,
    /// CPU seconds per request.
    pub(crate) work: Level,
    /// CPU used over the CPU limits of the pods that are ready.
    pub(crate) utilization: Option<f64>,
    /// Share of CFS periods that were throttled.
    pub(crate) throttled: Option<f64>,
    /// Pods that are ready.
    pub(crate) ready: u32,
    /// Pods that were asked for.
    pub(crate) replicas: u32,
    /// Container restarts in the newest window.
    pub(crate) restarts: Option<f64>,
}

impl Evidence {
    /// From the newest twelfth of `window`, against what came before it.
    pub(crate) fn gather(input: &AssessmentInput, window: Duration) -> Self {
        let recent_from = earlier(input.now, window / SHORT_PART);
        let window_from = earlier(input.now, window);
        let newest = input.history.last().map(|seen| seen.at);
        let is_recent = |seen: &Observation| seen.at > recent_from || Some(seen.at) == newest;
        let (recent, older): (Vec<&Observation>, Vec<&Observation>) = input
            .history
            .iter()
            .map(AsRef::as_ref)
            .partition(|seen| is_recent(seen));
        // The baseline is what lies before the whole window, so that a trouble that lasts isn't its own baseline.
        let before_window: Vec<&Observation> = older
            .iter()
            .copied()
            .filter(|seen| seen.at <= window_from)
            .collect();
        let baseline = if before_window.len() >= 3 {
            before_window
        } else {
            older
        };
        let max_age = input.max_signal_age;
        let value = |seen: &Observation, signal: &Signal| fresh_value(seen, signal, max_age);
        let level = |of: &dyn Fn(&Observation) -> Option<f64>| {
            let base: Vec<f64> = baseline.iter().filter_map(|seen| of(seen)).collect();
            let now = mean(recent.iter().filter_map(|seen| of(seen)));
            Level {
                now,
                before: stats::median(base.iter().copied()),
                z: now.and_then(|now| robust_z(now, &base, LEAST_SCALE)),
            }
        };
        let newest_value = |signal: &Signal| {
            let seen = input.history.last()?;
            (seen.health(signal, input.now, max_age) == SignalHealth::Fresh)
                .then(|| seen.value(signal))
                .flatten()
        };
        let replicas = input.state.allocation.replicas;
        let ready = newest_value(&Signal::ReadyReplicas)
            .map_or(input.state.ready_replicas, |ready| ready.round() as u32);
        Self {
            demand: level(&|seen| value(seen, &Signal::RequestRate)),
            errors: level(&|seen| value(seen, &Signal::ErrorRate)),
            work: level(&|seen| work_of(seen, max_age).map(|(work, _)| work)),
            utilization: mean(recent.iter().filter_map(|seen| utilization(input, seen))),
            throttled: mean(
                recent
                    .iter()
                    .filter_map(|seen| value(seen, &Signal::CpuThrottled)),
            ),
            ready,
            replicas,
            restarts: newest_value(&Signal::Restarts),
        }
    }

    /// Whether more capacity is expected to help: pods are busy or throttled. `None` where neither was measured.
    pub(crate) fn capacity_helps(&self, utilization: f64, throttling: f64) -> Option<bool> {
        let busy = self.utilization.map(|used| used >= utilization);
        let throttled = self.throttled.map(|share| share >= throttling);
        match (busy, throttled) {
            (None, None) => None,
            _ => Some(busy == Some(true) || throttled == Some(true)),
        }
    }
}

/// CPU used over the limits of the pods that were ready then.
pub(crate) fn utilization(input: &AssessmentInput, seen: &Observation) -> Option<f64> {
    let max_age = input.max_signal_age;
    let used = fresh_value(seen, &Signal::CpuUsage, max_age)?;
    let allocation = allocation_at(input, seen.at);
    let ready = fresh_value(seen, &Signal::ReadyReplicas, max_age)
        .filter(|ready| *ready > 0.0)
        .unwrap_or(f64::from(allocation.replicas));
    let limit = allocation.pod_limits().cpu.as_cores() * ready;
    (limit > 0.0).then(|| used / limit)
}

/// CPU seconds per request that was served, and requests per second; `None` below one request in the window.
///
/// Requests that were turned away cost little, so that those served count where they were measured.
pub(crate) fn work_of(seen: &Observation, max_age: Duration) -> Option<(f64, f64)> {
    let used = fresh_value(seen, &Signal::CpuUsage, max_age)?;
    let arrived = fresh_value(seen, &Signal::RequestRate, max_age);
    let served = fresh_value(seen, &Signal::Throughput, max_age);
    let rate = match (arrived, served) {
        (Some(arrived), Some(served)) => served.min(arrived),
        (Some(rate), None) | (None, Some(rate)) => rate,
        (None, None) => return None,
    };
    (rate * seen.window.as_secs_f64() >= 1.0).then(|| (used / rate, rate))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0_u32), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}
