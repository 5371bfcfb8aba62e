//! The worst health of the signals that the intents need.

use ibn_core::assessment::AssessmentInput;
use ibn_core::observation::{Signal, SignalHealth};
use ibn_core::workload::WorkloadKind;

use crate::slo::signal_of;

/// The worst health of what the objectives are judged by, of CPU usage and of the request rate.
///
/// While it is measured that no request comes, latency, error rate and throughput have no value to be fresh:
/// they don't count then. A namespace has nothing that is measured, and is always fresh.
pub(crate) fn worst(input: &AssessmentInput) -> SignalHealth {
    needed(input)
        .into_iter()
        .map(|signal| of(input, &signal))
        .max()
        .unwrap_or(SignalHealth::Fresh)
}

/// The health of one signal in the newest observation.
pub(crate) fn of(input: &AssessmentInput, signal: &Signal) -> SignalHealth {
    input.history.last().map_or(SignalHealth::Missing, |seen| {
        let health = seen.health(signal, input.now, input.max_signal_age);
        let needs_requests = matches!(
            signal,
            Signal::Latency(_) | Signal::ErrorRate | Signal::Throughput
        );
        if needs_requests && health != SignalHealth::Fresh && is_idle(input) {
            SignalHealth::Fresh
        } else {
            health
        }
    })
}

/// Whether it is freshly measured that no request comes, to pods that could serve one.
pub(crate) fn is_idle(input: &AssessmentInput) -> bool {
    let pods_serve = input.state.ready_replicas > 0 || input.state.allocation.replicas == 0;
    pods_serve
        && input.history.last().is_some_and(|seen| {
            seen.health(&Signal::RequestRate, input.now, input.max_signal_age)
                == SignalHealth::Fresh
                && seen.value(&Signal::RequestRate) == Some(0.0)
        })
}

/// The signals that count, each with its health where that isn't fresh; for a person to read.
pub(crate) fn complaints(input: &AssessmentInput) -> Vec<(Signal, SignalHealth)> {
    needed(input)
        .into_iter()
        .map(|signal| (of(input, &signal), signal))
        .filter(|(health, _)| *health != SignalHealth::Fresh)
        .map(|(health, signal)| (signal, health))
        .collect()
}

fn needed(input: &AssessmentInput) -> Vec<Signal> {
    if input.state.workload.kind == WorkloadKind::Namespace {
        return Vec::new();
    }
    let mut signals = vec![Signal::RequestRate, Signal::CpuUsage];
    for intent in &input.intents {
        for (_, objective) in intent.spec.objectives() {
            if let Some(signal) = signal_of(objective)
                && !signals.contains(&signal)
            {
                signals.push(signal);
            }
        }
    }
    signals
}
