//! `ibn simulate`: one run of a scenario with one recommender.

use std::path::Path;
use std::sync::Arc;

use ibn_core::roles::Predictor;
use ibn_core::workload::WorkloadRef;
use ibn_sim::autoscaler::Fixed;
use ibn_sim::{Metrics, Scenario, Twin, run as simulate};
use serde::Serialize;

use crate::args::SimulateArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::recommenders;
use crate::settings::Settings;

/// What a run came to.
#[derive(Debug, Serialize)]
struct Run {
    scenario: String,
    recommender: String,
    seed: u64,
    workloads: Vec<Figures>,
    event_hash: String,
}

/// What a workload came to.
#[derive(Debug, Serialize)]
struct Figures {
    workload: String,
    requests: u64,
    violations: Violations,
    core_hours: f64,
    replica_hours: f64,
    /// Changes of replicas or sizes per hour.
    churn: f64,
    /// Seconds; absent where nothing was served.
    latency: Latency,
    /// Turned away: no pod, no room, or a container that ended.
    dropped: u64,
    /// Given up by their client.
    timed_out: u64,
}

#[derive(Debug, Serialize)]
struct Violations {
    /// Share of windows of a minute in which the objective's quantile was above its bound.
    windows: f64,
    /// Share of requests that were slower than the bound, or failed.
    requests: f64,
}

#[derive(Debug, Serialize)]
struct Latency {
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

impl From<&Metrics> for Figures {
    fn from(metrics: &Metrics) -> Self {
        let seconds = |quantile: Option<std::time::Duration>| quantile.map(|it| it.as_secs_f64());
        Self {
            workload: metrics.workload.clone(),
            requests: metrics.counts.arrived,
            violations: Violations {
                windows: metrics.violated_windows(),
                requests: metrics.violating_requests(),
            },
            core_hours: metrics.core_hours,
            replica_hours: metrics.replica_hours,
            churn: metrics.churn(),
            latency: Latency {
                p50: seconds(metrics.p50),
                p95: seconds(metrics.p95),
                p99: seconds(metrics.p99),
            },
            dropped: metrics.counts.dropped(),
            timed_out: metrics.counts.timed_out,
        }
    }
}

pub(crate) fn run(args: &SimulateArgs, settings: &Settings) -> Outcome {
    let scenario = Scenario::load(&args.file).map_err(|error| unreadable(&args.file, error))?;
    let spec = recommenders::parse(&args.recommender)?;
    let twin: Arc<dyn Predictor> = Arc::new(Twin::default().with_cores(scenario.cores()));
    // Once before the run, so that a fault is told at once and `make` can't fail.
    recommenders::make(&spec, &twin)?;
    let mut make = |_: &WorkloadRef| {
        recommenders::make(&spec, &twin).unwrap_or_else(|_| Box::new(Fixed::as_found()))
    };
    let episode = simulate(&scenario, &mut make, settings.seed).map_err(|error| {
        Failure::because(Exit::Usage, "the scenario can't be simulated", &error)
    })?;
    let run = Run {
        scenario: scenario.name.clone(),
        recommender: spec.to_string(),
        seed: settings.seed,
        workloads: episode.workloads.iter().map(Figures::from).collect(),
        event_hash: format!("{:016x}", episode.event_hash),
    };
    output::print(settings.output, &run, || text(&run))?;
    Ok(Exit::Done)
}

/// The faults of a scenario, each with its place, or why it can't be read at all.
fn unreadable(file: &Path, error: ibn_sim::Error) -> Failure {
    match error {
        ibn_sim::Error::Scenario { faults } => Failure::faults(&file.to_string_lossy(), faults),
        error => Failure::because(Exit::Usage, "the scenario can't be read", &error),
    }
}

fn text(run: &Run) -> String {
    let seconds = |latency: Option<f64>| {
        latency.map_or_else(
            || "–".to_owned(),
            |seconds| format!("{:.0} ms", seconds * 1e3),
        )
    };
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    let rows: Vec<Vec<String>> = run
        .workloads
        .iter()
        .map(|figures| {
            vec![
                figures.workload.clone(),
                figures.requests.to_string(),
                percent(figures.violations.windows),
                percent(figures.violations.requests),
                seconds(figures.latency.p50),
                seconds(figures.latency.p95),
                seconds(figures.latency.p99),
                format!("{:.2}", figures.core_hours),
                format!("{:.2}", figures.replica_hours),
                format!("{:.1}", figures.churn),
                (figures.dropped + figures.timed_out).to_string(),
            ]
        })
        .collect();
    let head = [
        "WORKLOAD",
        "REQUESTS",
        "WINDOWS OVER",
        "REQUESTS OVER",
        "P50",
        "P95",
        "P99",
        "CORE-HOURS",
        "POD-HOURS",
        "CHANGES/H",
        "FAILED",
    ];
    format!(
        "{} with {}, seed {}\n{}\nevents {}",
        run.scenario,
        run.recommender,
        run.seed,
        output::table(&head, &rows),
        run.event_hash
    )
}
