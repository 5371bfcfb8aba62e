//! `ibn evaluate`: a grid of scenarios, recommenders and seeds, and what it comes to.

mod report;
mod store;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use ibn_core::workload::WorkloadRef;
use ibn_drl::Spec;
use ibn_sim::Scenario;
use ibn_sim::autoscaler::Fixed;
use ibn_sim::evaluation::{self, Cell, Grid, Overall, Played, Summary};
use serde::Serialize;

pub(crate) use self::store::Shard;
use self::store::{Store, merge, unwritable};
use crate::args::EvaluateArgs;
use crate::commands::simulate::unreadable;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::progress::Progress;
use crate::recommenders;
use crate::settings::Settings;

/// What a grid came to; `results.json`.
#[derive(Debug, Serialize)]
struct Results {
    grid: Grid,
    /// The recommender that others are compared with.
    baseline: String,
    overall: Vec<Overall>,
    summary: Vec<Summary>,
    runs: Vec<Played>,
}

pub(crate) fn run(args: &EvaluateArgs, settings: &Settings) -> Outcome {
    if let Some(folder) = &args.merge {
        let (grid, done) = merge(folder)?;
        let missing: Vec<Cell> = grid
            .cells()
            .into_iter()
            .filter(|cell| !done.contains_key(cell))
            .collect();
        if let Some(first) = missing.first() {
            return Err(Failure::new(
                Exit::Failed,
                format!(
                    "{} of the grid's runs are missing, the first of them `{}` with `{}` and seed {}",
                    missing.len(),
                    first.scenario,
                    first.recommender,
                    first.seed
                ),
            )
            .help("run the parts that are missing to their end; the same command goes on where a part was"));
        }
        return finish(grid, done, args.out.as_deref().unwrap_or(folder), settings);
    }
    let scenarios = scenarios(&args.files)?;
    let specs = specs(&args.recommenders)?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("evaluation"));
    let grid = Grid {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scenarios: scenarios
            .iter()
            .map(|scenario| Ok((scenario.name.clone(), fingerprint(scenario)?)))
            .collect::<Result<_, Failure>>()?,
        recommenders: specs.iter().map(ToString::to_string).collect(),
        seeds: (0..args.seeds)
            .map(|index| settings.seed.wrapping_add(index))
            .collect(),
    };
    let shard = args.shard.unwrap_or(Shard::WHOLE);
    let mut store = Store::open(&out, shard, &grid)?;
    play(&grid, &scenarios, &specs, shard, &mut store, args, settings)?;
    if shard == Shard::WHOLE {
        return finish(grid, std::mem::take(&mut store.done), &out, settings);
    }
    output::note(&format!(
        "Part {shard} is done: {} runs in `{}`. `ibn evaluate --merge DIR --out DIR` puts the parts together.",
        store.done.len(),
        out.display()
    ));
    Ok(Exit::Done)
}

pub(crate) fn fingerprint(scenario: &Scenario) -> Result<String, Failure> {
    scenario
        .fingerprint()
        .map(|fingerprint| format!("{fingerprint:016x}"))
        .map_err(|error| {
            Failure::because(
                Exit::Usage,
                format!("the scenario `{}` can't be read", scenario.name),
                &error,
            )
        })
}

/// The scenarios of files, and of the folders among them.
pub(crate) fn scenarios(files: &[PathBuf]) -> Result<Vec<Scenario>, Failure> {
    let mut paths = Vec::new();
    for file in files {
        if file.is_dir() {
            let entries = std::fs::read_dir(file).map_err(|error| {
                Failure::because(
                    Exit::Usage,
                    format!("can't read `{}`", file.display()),
                    &error,
                )
            })?;
            let mut inside: Vec<PathBuf> = entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| {
                    path.extension()
                        .is_some_and(|ending| ending == "toml" || ending == "yaml")
                })
                .collect();
            inside.sort();
            if inside.is_empty() {
                return Err(Failure::new(
                    Exit::Usage,
                    format!("there is no scenario in `{}`", file.display()),
                )
                .help("scenarios are `.toml` and `.yaml` files"));
            }
            paths.extend(inside);
        } else {
            paths.push(file.clone());
        }
    }
    let mut scenarios: Vec<Scenario> = Vec::new();
    for path in paths {
        let scenario = Scenario::load(&path).map_err(|error| unreadable(&path, error))?;
        if scenarios.iter().any(|other| other.name == scenario.name) {
            return Err(Failure::new(
                Exit::Usage,
                format!("two scenarios have the name `{}`", scenario.name),
            )
            .help("each scenario's `name` is its name in the results"));
        }
        scenarios.push(scenario);
    }
    Ok(scenarios)
}

/// The recommenders that were named, sweeps spread out, each once.
fn specs(names: &[String]) -> Result<Vec<Spec>, Failure> {
    let mut specs: Vec<Spec> = Vec::new();
    for name in names {
        let spread = evaluation::sweep(name)
            .map_err(|error| Failure::because(Exit::Usage, "the sweep can't be read", &error))?;
        for name in spread {
            let spec = recommenders::parse(&name)?;
            if !specs.contains(&spec) {
                specs.push(spec);
            }
        }
    }
    Ok(specs)
}

/// Plays what isn't there yet, on all threads.
fn play(
    grid: &Grid,
    scenarios: &[Scenario],
    specs: &[Spec],
    shard: Shard,
    store: &mut Store,
    args: &EvaluateArgs,
    settings: &Settings,
) -> Result<(), Failure> {
    // Once before the runs, so that a fault is told at once and none fails in the middle.
    for scenario in scenarios {
        let twin = recommenders::twin(scenario);
        for spec in specs {
            let foresight = recommenders::foresight(spec, scenario, settings.seed)?;
            recommenders::make(spec, &twin, foresight.as_ref())?;
        }
        scenario.cluster_spec(settings.seed).map_err(|error| {
            Failure::because(
                Exit::Usage,
                format!("the scenario `{}` can't be simulated", scenario.name),
                &error,
            )
        })?;
    }
    let of_part: Vec<Cell> = grid
        .cells()
        .into_iter()
        .enumerate()
        .filter(|(place, _)| shard.has(*place))
        .map(|(_, cell)| cell)
        .collect();
    let to_play: Vec<&Cell> = of_part
        .iter()
        .filter(|cell| !store.done.contains_key(cell))
        .collect();
    let before = of_part.len() - to_play.len();
    if before > 0 {
        output::note(&format!(
            "Going on: {before} of {} runs are there already.",
            of_part.len()
        ));
    }
    let progress = Progress::start(settings.output, "evaluating", of_part.len() as u64);
    progress.at(before as u64);
    let threads = match args.threads {
        Some(threads) => usize::try_from(threads).unwrap_or(usize::MAX).max(1),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let next = AtomicUsize::new(0);
    let stage = Mutex::new((store, None::<Failure>));
    std::thread::scope(|scope| {
        for _ in 0..threads.min(to_play.len()) {
            scope.spawn(|| {
                while let Some(cell) = to_play.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let played = play_one(cell, scenarios, specs);
                    let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
                    let (store, failure) = &mut *stage;
                    let added = played.and_then(|played| store.add(played));
                    if let Err(error) = added {
                        failure.get_or_insert(error);
                        next.store(to_play.len(), Ordering::Relaxed);
                    }
                    progress.at(store.done.len() as u64);
                }
            });
        }
    });
    progress.finish();
    let (_, failure) = stage.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(()), Err)
}

fn play_one(cell: &Cell, scenarios: &[Scenario], specs: &[Spec]) -> Result<Played, Failure> {
    let scenario = scenarios.iter().find(|of| of.name == cell.scenario);
    let spec = specs.iter().find(|of| of.to_string() == cell.recommender);
    let (Some(scenario), Some(spec)) = (scenario, spec) else {
        return Err(Failure::new(Exit::Failed, "a run is of no scenario"));
    };
    let twin = recommenders::twin(scenario);
    let foresight = recommenders::foresight(spec, scenario, cell.seed)?;
    let mut make = |_: &WorkloadRef| {
        recommenders::make(spec, &twin, foresight.as_ref())
            .unwrap_or_else(|_| Box::new(Fixed::as_found()))
    };
    evaluation::evaluate(scenario, cell, &mut make).map_err(|error| {
        Failure::because(
            Exit::Failed,
            format!(
                "`{}` with `{}` and seed {} can't be simulated",
                cell.scenario, cell.recommender, cell.seed
            ),
            &error,
        )
    })
}

/// Sums up, and writes the files.
fn finish(
    grid: Grid,
    mut done: BTreeMap<Cell, Played>,
    out: &Path,
    settings: &Settings,
) -> Outcome {
    let runs: Vec<Played> = grid
        .cells()
        .iter()
        .filter_map(|cell| done.remove(cell))
        .collect();
    let baseline = grid.recommenders.first().cloned().unwrap_or_default();
    let results = Results {
        overall: evaluation::overall(&runs, &baseline),
        summary: evaluation::summarise(&runs, &baseline),
        grid,
        baseline,
        runs,
    };
    std::fs::create_dir_all(out).map_err(|error| unwritable(out, &error))?;
    let json = serde_json::to_string_pretty(&results)
        .map_err(|error| Failure::because(Exit::Failed, "the results can't be written", &error))?;
    for (name, text) in [
        ("results.json", json + "\n"),
        ("results.csv", csv(&results.runs)?),
        ("report.html", report::html(&results)?),
    ] {
        let path = out.join(name);
        std::fs::write(&path, text).map_err(|error| unwritable(&path, &error))?;
    }
    output::print(settings.output, &results, || text(&results))?;
    output::note(&format!(
        "`report.html`, `results.csv` and `results.json` are in `{}`.",
        out.display()
    ));
    Ok(Exit::Done)
}

/// A row for each workload of each run.
fn csv(runs: &[Played]) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Row<'r> {
        scenario: &'r str,
        recommender: &'r str,
        seed: u64,
        workload: &'r str,
        requests: u64,
        violated_windows: f64,
        violating_requests: f64,
        core_hours: f64,
        replica_hours: f64,
        churn: f64,
        p50_seconds: Option<f64>,
        p95_seconds: Option<f64>,
        p99_seconds: Option<f64>,
        dropped: u64,
        timed_out: u64,
        event_hash: &'r str,
    }
    let failed = |error: &dyn std::error::Error| {
        Failure::because(Exit::Failed, "the results can't be written as CSV", error)
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for run in runs {
        for of in &run.workloads {
            writer
                .serialize(Row {
                    scenario: &run.cell.scenario,
                    recommender: &run.cell.recommender,
                    seed: run.cell.seed,
                    workload: &of.workload,
                    requests: of.requests,
                    violated_windows: of.violations.windows,
                    violating_requests: of.violations.requests,
                    core_hours: of.core_hours,
                    replica_hours: of.replica_hours,
                    churn: of.churn,
                    p50_seconds: of.latency.p50,
                    p95_seconds: of.latency.p95,
                    p99_seconds: of.latency.p99,
                    dropped: of.dropped,
                    timed_out: of.timed_out,
                    event_hash: &run.event_hash,
                })
                .map_err(|error| failed(&error))?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

/// The results for a person.
fn text(results: &Results) -> String {
    let mark = |pareto: bool| if pareto { "*" } else { "" }.to_owned();
    let mut parts = Vec::new();
    if results.grid.scenarios.len() > 1 {
        let rows: Vec<Vec<String>> = results
            .overall
            .iter()
            .map(|of| {
                vec![
                    of.recommender.clone(),
                    report::percent(&of.violated_windows),
                    report::percent(&of.violating_requests),
                    report::percent(&of.relative_core_hours),
                    report::number(&of.churn),
                    mark(of.pareto),
                ]
            })
            .collect();
        parts.push(output::table(
            &[
                "OVER ALL SCENARIOS",
                "WINDOWS VIOLATED",
                "REQUESTS VIOLATED",
                "CORE-HOURS",
                "CHANGES/H",
                "PARETO",
            ],
            &rows,
        ));
    }
    for (scenario, _) in &results.grid.scenarios {
        let rows: Vec<Vec<String>> = results
            .summary
            .iter()
            .filter(|of| of.scenario == *scenario)
            .map(|of| {
                vec![
                    of.recommender.clone(),
                    report::percent(&of.measures.violated_windows),
                    report::percent(&of.measures.violating_requests),
                    report::number(&of.measures.core_hours),
                    report::number(&of.measures.churn),
                    mark(of.pareto),
                ]
            })
            .collect();
        parts.push(output::table(
            &[
                &scenario.to_uppercase(),
                "WINDOWS VIOLATED",
                "REQUESTS VIOLATED",
                "CORE-HOURS",
                "CHANGES/H",
                "PARETO",
            ],
            &rows,
        ));
    }
    parts.push(format!(
        "Means over {} {}, with 95 % bootstrap intervals. Over all scenarios, core-hours are a share of those of `{}`.",
        results.grid.seeds.len(),
        if results.grid.seeds.len() == 1 {
            "seed"
        } else {
            "seeds"
        },
        results.baseline
    ));
    parts.join("\n\n")
}
