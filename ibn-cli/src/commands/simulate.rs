//! `ibn simulate`: one run of a scenario with one recommender.

use std::path::Path;

use ibn_core::workload::WorkloadRef;
use ibn_sim::autoscaler::Fixed;
use ibn_sim::evaluation::Figures;
use ibn_sim::{Scenario, run as simulate};
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

pub(crate) fn run(args: &SimulateArgs, settings: &Settings) -> Outcome {
    let scenario = Scenario::load(&args.file).map_err(|error| unreadable(&args.file, error))?;
    let spec = recommenders::parse(&args.recommender)?;
    let twin = recommenders::twin(&scenario);
    let foresight = recommenders::foresight(&spec, &scenario, settings.seed)?;
    let make = || recommenders::make(&spec, &twin, foresight.as_ref());
    // Once before the run, so that a fault is told at once and none can come later.
    make()?;
    let mut make = |_: &WorkloadRef| make().unwrap_or_else(|_| Box::new(Fixed::as_found()));
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
pub(crate) fn unreadable(file: &Path, error: ibn_sim::Error) -> Failure {
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
