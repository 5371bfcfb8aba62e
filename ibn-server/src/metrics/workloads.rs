//! Metrics of workloads, of their objectives, and of what assurance says of them.

use std::fmt;
use std::time::Duration;

use ibn_core::engine::State;
use ibn_core::intent::Bound;
use ibn_core::observation::{Signal, SignalHealth};
use ibn_core::units::{Quantile, Unit};
use ibn_core::workload::{WorkloadKind, WorkloadState};

use super::out::{Histogram, Labels, Out, of, with};
use super::{RequestCounts, WorkloadSample};
use crate::state::ServerState;

/// How far ahead the exported forecast looks.
const FORECAST: Duration = Duration::from_secs(600);

fn workloads(state: &State) -> impl Iterator<Item = &WorkloadState> {
    state
        .inventory()
        .workloads
        .values()
        .filter(|it| it.workload.kind != WorkloadKind::Namespace)
}

pub(super) fn write(server: &ServerState, out: &mut Out<'_, '_>) -> Result<(), fmt::Error> {
    let state = server.control().state();
    let told: Vec<WorkloadSample> = server
        .metrics()
        .map(|source| source.read())
        .unwrap_or_default();
    write_told(&told, out)?;

    let seen = |signal: Signal| {
        let state = &state;
        workloads(state).filter_map(move |it| {
            let value = state.observation(&it.workload)?.value(&signal)?;
            Some((of(&it.workload), value))
        })
    };
    out.gauges(
        "ibn_workload_memory_usage_bytes",
        "Memory used by all pods",
        seen(Signal::MemoryUsage),
    )?;
    out.gauges(
        "ibn_workload_pod_memory_peak_bytes",
        "Memory of the pod that uses most",
        seen(Signal::MemoryPeak),
    )?;
    let asked = |of_state: fn(&WorkloadState) -> f64| {
        workloads(&state).map(move |it| (of(&it.workload), of_state(it)))
    };
    out.gauges(
        "ibn_workload_cpu_requested_cores",
        "CPU requests summed over all pods: the cost",
        asked(|it| it.allocation.total_requests().cpu.as_cores()),
    )?;
    out.gauges(
        "ibn_workload_cpu_limit_cores",
        "CPU limits summed over all pods",
        asked(|it| it.allocation.pod_limits().cpu.as_cores() * f64::from(it.allocation.replicas)),
    )?;
    out.gauges(
        "ibn_workload_memory_requested_bytes",
        "Memory requests summed over all pods",
        asked(|it| it.allocation.total_requests().memory.get() as f64),
    )?;
    let replicas = workloads(&state).flat_map(|it| {
        [
            ("wanted", it.allocation.replicas),
            ("ready", it.ready_replicas),
        ]
        .map(|(state, count)| (with(of(&it.workload), "state", state), f64::from(count)))
    });
    out.gauges(
        "ibn_workload_replicas",
        "Pods asked for, and ready",
        replicas,
    )
}

fn write_told(told: &[WorkloadSample], out: &mut Out<'_, '_>) -> Result<(), fmt::Error> {
    let requests = told.iter().flat_map(|it| {
        let counts = it.requests.map(
            |RequestCounts {
                 ok,
                 failed,
                 dropped,
             }| { [("ok", ok), ("failed", failed), ("dropped", dropped)] },
        );
        counts
            .into_iter()
            .flatten()
            .map(|(outcome, count)| (with(of(&it.workload), "outcome", outcome), count))
    });
    out.counters(
        "ibn_workload_requests",
        "Requests by how they ended",
        requests,
    )?;
    let durations = told.iter().filter_map(|it| {
        let duration = it.duration.as_ref()?;
        Some(Histogram {
            labels: of(&it.workload),
            sum: duration.sum,
            count: duration.count,
            buckets: duration.buckets.clone(),
        })
    });
    out.histograms(
        "ibn_workload_request_duration_seconds",
        "Response times of the requests that were answered well",
        durations,
    )?;
    let cpu = told
        .iter()
        .filter_map(|it| Some((of(&it.workload), it.cpu_seconds?)));
    out.counters(
        "ibn_workload_cpu_usage_seconds",
        "CPU time used by all pods",
        cpu,
    )?;
    for (name, help, count) in [
        (
            "ibn_workload_cpu_periods",
            "CFS periods in which a pod could run",
            (|it| it.cpu_periods) as fn(&WorkloadSample) -> Option<u64>,
        ),
        (
            "ibn_workload_cpu_throttled_periods",
            "CFS periods in which a pod was throttled",
            |it| it.cpu_throttled_periods,
        ),
        ("ibn_workload_restarts", "Container restarts", |it| {
            it.restarts
        }),
    ] {
        let counts = told
            .iter()
            .filter_map(|it| Some((of(&it.workload), count(it)?)));
        out.counters(name, help, counts)?;
    }
    Ok(())
}

pub(super) fn write_objectives(
    server: &ServerState,
    out: &mut Out<'_, '_>,
) -> Result<(), fmt::Error> {
    let state = server.control().state();
    let Objectives {
        bounds,
        achieved,
        met,
        burn_rates,
    } = Objectives::of(&state);
    out.gauges(
        "ibn_objective_bound",
        "The bound of an objective, in its unit",
        bounds,
    )?;
    out.gauges(
        "ibn_objective_achieved",
        "What was achieved of an objective, in its unit",
        achieved,
    )?;
    out.gauges("ibn_objective_met", "Whether the bound is kept", met)?;
    out.gauges(
        "ibn_assurance_burn_rate",
        "How many times faster than allowed the error budget is spent",
        burn_rates,
    )?;

    let assessed =
        || workloads(&state).filter_map(|it| Some((it, state.assessment(&it.workload)?)));
    let health = assessed().flat_map(|(it, assessment)| {
        [
            ("fresh", SignalHealth::Fresh),
            ("stale", SignalHealth::Stale),
            ("invalid", SignalHealth::Invalid),
            ("missing", SignalHealth::Missing),
        ]
        .map(|(word, health)| {
            let is_it = f64::from(u8::from(assessment.health == health));
            (with(of(&it.workload), "health", word), is_it)
        })
    });
    out.gauges(
        "ibn_assurance_signal_health",
        "1 for the worst health of the signals that are needed",
        health,
    )?;
    let forecasts = assessed().flat_map(|(it, assessment)| {
        let forecast = assessment.forecast.as_ref();
        [Quantile::P50, Quantile::P95]
            .into_iter()
            .filter_map(move |quantile| {
                let peak = forecast?.peak_within(FORECAST, quantile)?;
                let labels = with(of(&it.workload), "quantile", &quantile.to_string());
                Some((labels, peak))
            })
    });
    out.gauges(
        "ibn_assurance_demand_forecast",
        "Requests a second that are foreseen at the most within ten minutes",
        forecasts,
    )
}

/// The series of all objectives of live intents.
#[derive(Default)]
struct Objectives {
    bounds: Vec<(Labels, f64)>,
    achieved: Vec<(Labels, f64)>,
    met: Vec<(Labels, f64)>,
    burn_rates: Vec<(Labels, f64)>,
}

impl Objectives {
    fn of(state: &State) -> Self {
        let mut all = Self::default();
        for intent in state.intents().filter(|intent| intent.state().is_live()) {
            let workload = intent.workload();
            let assessed = state
                .assessment(&workload)
                .and_then(|all| all.intents.iter().find(|one| one.intent == intent.key()));
            for (idx, objective) in intent.spec.objectives() {
                let labels = vec![
                    ("namespace", workload.namespace.clone()),
                    ("intent", intent.metadata.name.clone()),
                    ("expectation", idx.to_string()),
                    ("kind", workload.kind.as_str().to_owned()),
                    ("workload", workload.name.clone()),
                    ("indicator", objective.indicator.as_str().to_owned()),
                ];
                let unit = with(labels.clone(), "unit", unit(objective.bound.value().unit()));
                let side = match &objective.bound {
                    Bound::AtMost(_) => "atMost",
                    Bound::AtLeast(_) => "atLeast",
                };
                let bound = objective.bound.value().number();
                all.bounds.push((with(unit.clone(), "side", side), bound));
                let Some(judged) =
                    assessed.and_then(|one| one.objectives.iter().find(|it| it.expectation == idx))
                else {
                    continue;
                };
                all.achieved
                    .extend(judged.achieved.map(|value| (unit, value)));
                let met = judged.met.map(|met| f64::from(u8::from(met)));
                all.met.extend(met.map(|met| (labels.clone(), met)));
                if let Some(burn) = judged.burn_rate {
                    for (window, rate) in [("short", burn.short), ("long", burn.long)] {
                        all.burn_rates
                            .push((with(labels.clone(), "window", window), rate));
                    }
                }
            }
        }
        all
    }
}

fn unit(unit: &Unit) -> &'static str {
    match unit {
        Unit::Seconds => "seconds",
        Unit::Percent => "percent",
        Unit::RequestsPerSecond => "rps",
        Unit::Cores => "cores",
        Unit::Other(_) => "other",
    }
}
