//! How the workload turns requests into CPU time, estimated from the history.

use std::time::Duration;

use ibn_core::assessment::AssessmentInput;
use ibn_core::observation::{Observation, Signal};
use ibn_core::prediction::WorkloadModel;
use ibn_core::units::{Bytes, Quantile};
use ibn_core::workload::WorkloadKind;

use super::evidence::{utilization, work_of};
use super::floor::{pod_memory_peak, saturating_u32, saturating_u64};
use crate::anomaly::last_shift;
use crate::settings::AssuranceSettings;
use crate::slo::{fresh_value, seconds_of};
use crate::stats;

/// Above this utilisation, queueing and throttling are in the latency.
const LOW_LOAD: f64 = 0.5;
/// From this utilisation on, pods may serve less than what comes.
const FULL: f64 = 0.9;
/// The least noise that the CPU time per request is credited with when a shift is looked for.
const LEAST_SCALE: f64 = 0.1;

/// The parameters of a twin; `None` where no observation has both CPU use and requests.
///
/// - CPU time per request: the median, weighted by requests, of CPU used over requests served. Where what was
///   served isn't measured, arrivals stand in, and pods that were full don't count as long as others do: they serve
///   less than what comes. After a lasting shift (CUSUM), only what lies behind it counts: a new release costs what
///   it costs.
/// - Its variation: from the spread of the quantiles at low load, as of a log-normal distribution:
///   `σ = (ln x₂ - ln x₁)/(z₂ - z₁)`, `cv² = exp(σ²) - 1`; 1 (exponential) where only one quantile is measured.
/// - Base latency: the latency at low load less that quantile of the CPU time. The lowest quartile of
///   utilisation is low load, where it lies below one half; 0 where there is none.
/// - Start-up: from the last apply to the first observation in which the pods that it added are ready, where
///   that was seen; else the setting. Concurrency: the CPU limit in whole cores. Queue: unbounded.
pub(crate) fn estimate(
    input: &AssessmentInput,
    settings: &AssuranceSettings,
) -> Option<WorkloadModel> {
    if input.state.workload.kind == WorkloadKind::Namespace {
        return None;
    }
    let used: Vec<Option<f64>> = input
        .history
        .iter()
        .map(|seen| utilization(input, seen))
        .collect();
    let cpu_seconds = cpu_seconds_per_request(input, &used)?;
    let quiet = low_load(input, &used);
    let service_cv2 = variation(&quiet, input.max_signal_age).unwrap_or(1.0);
    let pod_cpu = input.state.allocation.pod_limits().cpu.as_cores();
    Some(WorkloadModel {
        cpu_seconds_per_request: cpu_seconds,
        service_cv2,
        base_latency_seconds: base_latency(&quiet, cpu_seconds, service_cv2, input.max_signal_age),
        concurrency: saturating_u32(pod_cpu.ceil()).max(1),
        queue_capacity: None,
        startup: startup(input).unwrap_or(settings.startup),
        pod_memory: Bytes::new(saturating_u64(
            pod_memory_peak(input, Duration::MAX).unwrap_or(0.0).ceil(),
        )),
    })
}

/// The time that new pods took to be ready at the last apply, rounded up to an observation; `None` where it wasn't seen.
pub(crate) fn startup(input: &AssessmentInput) -> Option<Duration> {
    let apply = input.last_apply.as_ref()?;
    let before = apply.before.allocation()?.replicas;
    let after = apply.after.allocation()?.replicas;
    if after <= before {
        return None;
    }
    let max_age = input.max_signal_age;
    let ready = input.history.iter().find(|seen| {
        let ready = fresh_value(seen, &Signal::ReadyReplicas, max_age);
        seen.at > apply.at && ready.is_some_and(|ready| ready >= f64::from(after))
    })?;
    let reading = ready.readings.get(&Signal::ReadyReplicas)?;
    let took = reading.at.max(apply.at).duration_since(apply.at);
    Some(took.unsigned_abs())
}

fn cpu_seconds_per_request(input: &AssessmentInput, used: &[Option<f64>]) -> Option<f64> {
    let mut before: Option<&Observation> = None;
    let (mut all, mut trusted) = (Vec::new(), Vec::new());
    for (seen, used) in input.history.iter().zip(used) {
        let seconds = seconds_of(before, seen);
        before = Some(seen);
        if let Some((work, rate)) = work_of(seen, input.max_signal_age) {
            let ratio = (work, rate * seconds);
            all.push(ratio);
            let served = || fresh_value(seen, &Signal::Throughput, input.max_signal_age);
            if used.is_none_or(|used| used < FULL) || served().is_some() {
                trusted.push(ratio);
            }
        }
    }
    let ratios = if trusted.is_empty() { all } else { trusted };
    let works: Vec<f64> = ratios.iter().map(|(work, _)| *work).collect();
    // The shift was found some values after it began: what comes from there on is surely behind it.
    let from = last_shift(&works, LEAST_SCALE).map_or(0, |(idx, _)| idx);
    let kept = ratios.get(from..).unwrap_or_default();
    stats::weighted_median(kept.iter().copied()).filter(|work| *work > 0.0)
}

/// The observations of the lowest quartile of utilisation, as far as that is low.
fn low_load<'a>(input: &'a AssessmentInput, used: &[Option<f64>]) -> Vec<&'a Observation> {
    let Some(quartile) = stats::quantile(used.iter().copied().flatten(), 0.25) else {
        return Vec::new();
    };
    let limit = quartile.min(LOW_LOAD);
    let all = input.history.iter().map(AsRef::as_ref).zip(used);
    all.filter(|(_, used)| used.is_some_and(|used| used <= limit))
        .map(|(seen, _)| seen)
        .collect()
}

fn variation(quiet: &[&Observation], max_age: Duration) -> Option<f64> {
    let spread = |seen: &&Observation| {
        let points = latencies(seen, max_age);
        let ((q1, x1), (q2, x2)) = (*points.first()?, *points.last()?);
        let width = stats::normal_quantile(q2.get()) - stats::normal_quantile(q1.get());
        (width > 0.0 && x1 > 0.0 && x2 >= x1).then(|| (x2.ln() - x1.ln()) / width)
    };
    let sigma = stats::median(quiet.iter().filter_map(spread))?;
    Some(((sigma * sigma).exp() - 1.0).clamp(0.0, 4.0))
}

/// `x_q - S·exp(σ z_q - σ²/2)` with `σ² = ln(1 + cv²)`, the quantile of a log-normal law with mean S, at the least
/// quantile that was measured.
fn base_latency(quiet: &[&Observation], cpu_seconds: f64, cv2: f64, max_age: Duration) -> f64 {
    let variance = cv2.ln_1p();
    // Mostly all observations have the same least quantile.
    let mut service_at: Option<(Quantile, f64)> = None;
    let base = stats::median(quiet.iter().filter_map(|seen| {
        let (quantile, seconds) = *latencies(seen, max_age).first()?;
        let service = match service_at {
            Some((at, service)) if at == quantile => service,
            _ => {
                let z = stats::normal_quantile(quantile.get());
                let service = cpu_seconds * (variance.sqrt() * z - variance / 2.0).exp();
                service_at = Some((quantile, service));
                service
            }
        };
        Some((seconds - service).max(0.0))
    }));
    base.unwrap_or(0.0)
}

fn latencies(seen: &Observation, max_age: Duration) -> Vec<(Quantile, f64)> {
    seen.readings
        .keys()
        .filter_map(|signal| match signal {
            Signal::Latency(quantile) => Some((*quantile, fresh_value(seen, signal, max_age)?)),
            _ => None,
        })
        .collect()
}
