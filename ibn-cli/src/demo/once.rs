//! `ibn demo --once`: a simulated span as fast as possible, beside the same traffic with fixed replicas and with an HPA.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ibn_core::engine::Event;
use ibn_core::roles::{IntentStore, Ledger, LedgerQuery, Recommender};
use ibn_core::workload::WorkloadRef;
use ibn_runtime::{MemoryStore, SqliteStore};
use ibn_sim::Scenario;
use ibn_sim::autoscaler::{Fixed, hpa::Hpa};
use jiff::{SignedDuration, Timestamp};

use super::report::{Comparison, Report, Totals};
use super::setup;
use crate::args::DemoArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::progress::Progress;
use crate::settings::Settings;

/// The HPA that the managed run is compared with: CPU utilisation in percent.
const HPA_TARGET: u32 = 70;

/// One of the three runs.
enum Run {
    Managed(Box<Report>),
    Hpa(Totals),
    Fixed(Totals),
}

pub(super) fn run(args: &DemoArgs, settings: &Settings, span: Duration) -> Outcome {
    let scenario = setup::scenario(args, span)?;
    let seed = settings.seed;
    let threads = setup::threads(args);
    let progress = Progress::start(settings.output, "simulating", span.as_secs());

    // Each run is a function of scenario and seed; threads only decide how many go on at once.
    let jobs: Vec<Box<dyn FnOnce() -> Result<Run, Failure> + Send>> = vec![
        {
            let (scenario, settings, args, progress) = (
                scenario.clone(),
                settings.clone(),
                args.clone(),
                progress.clone(),
            );
            Box::new(move || {
                managed(&scenario, &settings, &args, &progress)
                    .map(|report| Run::Managed(Box::new(report)))
            })
        },
        {
            let scenario = scenario.clone();
            Box::new(move || {
                baseline(&scenario, seed, &mut |_| Box::new(Hpa::new(HPA_TARGET))).map(Run::Hpa)
            })
        },
        {
            let scenario = scenario.clone();
            Box::new(move || {
                baseline(&scenario, seed, &mut |_| Box::new(Fixed::as_found())).map(Run::Fixed)
            })
        },
    ];
    let done = in_parallel(jobs, threads);
    progress.finish();

    let (mut report, mut hpa, mut fixed) = (None, None, None);
    for run in done {
        match run? {
            Run::Managed(managed) => report = Some(*managed),
            Run::Hpa(totals) => hpa = Some(totals),
            Run::Fixed(totals) => fixed = Some(totals),
        }
    }
    let (Some(mut report), Some(hpa), Some(fixed)) = (report, hpa, fixed) else {
        return Err(Failure::new(Exit::Failed, "a run ended without a result"));
    };
    report.comparison = Some(Comparison {
        managed: report.totals,
        hpa,
        fixed,
    });
    output::print(settings.output, &report, || report.text())?;
    Ok(Exit::Done)
}

/// Does jobs on so many threads and returns what they came to, in the order of the jobs.
fn in_parallel<T: Send>(jobs: Vec<Box<dyn FnOnce() -> T + Send>>, threads: usize) -> Vec<T> {
    let count = jobs.len();
    let queue = Mutex::new(jobs.into_iter().enumerate());
    let results = Mutex::new(Vec::with_capacity(count));
    std::thread::scope(|scope| {
        for _ in 0..threads.min(count) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((idx, job)) = next else { break };
                    let result = job();
                    results
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((idx, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(idx, _)| *idx);
    results.into_iter().map(|(_, result)| result).collect()
}

fn managed(
    scenario: &Scenario,
    settings: &Settings,
    args: &DemoArgs,
    progress: &Progress,
) -> Result<Report, Failure> {
    let cluster = setup::cluster(scenario, settings.seed)?;
    let (intents, ledger): (Arc<dyn IntentStore>, Arc<dyn Ledger>) = match &settings.state_dir {
        None => {
            let store = Arc::new(MemoryStore::new());
            (Arc::<MemoryStore>::clone(&store), store)
        }
        Some(dir) => {
            // Each such run is a run of its own: the ledger of the live demo isn't touched.
            let path = dir.join(format!("once-seed-{}.sqlite", settings.seed));
            if path.exists() {
                std::fs::remove_file(&path).map_err(|error| {
                    Failure::because(
                        Exit::Failed,
                        format!("can't replace `{}`", path.display()),
                        &error,
                    )
                })?;
            }
            let store = Arc::new(SqliteStore::open(&path).map_err(|error| {
                Failure::because(Exit::Failed, "the state folder can't be used", &error)
                    .help("name another one with `--state-dir DIR`, or `--state-dir :memory:`")
            })?);
            (Arc::<SqliteStore>::clone(&store), store)
        }
    };
    let requests = setup::first_requests(scenario, &cluster)?;
    let roles = setup::roles(args, &cluster, intents, Arc::clone(&ledger))?;
    let mut driver = setup::driver(scenario, settings.seed, &cluster, roles, args);
    let heard = super::report::Heard::default();
    driver.listen(heard.listener());
    for request in requests {
        driver.request(request);
    }
    driver.feed(Event::Tick);
    let end = add(scenario.start, scenario.horizon);
    let hour = SignedDuration::from_mins(10);
    while driver.now() < end {
        let next = driver.now().checked_add(hour).unwrap_or(end).min(end);
        driver.run_until(next);
        progress.at(driver
            .now()
            .duration_since(scenario.start)
            .unsigned_abs()
            .as_secs());
    }
    let entries = futures::executor::block_on(ledger.query(&LedgerQuery::default()))?;
    Ok(Report::new(
        scenario,
        settings.seed,
        driver.state(),
        &cluster,
        &entries,
        &heard,
    ))
}

/// The same traffic with a recommender on every workload and nothing else.
fn baseline(
    scenario: &Scenario,
    seed: u64,
    recommender: &mut dyn FnMut(&WorkloadRef) -> Box<dyn Recommender>,
) -> Result<Totals, Failure> {
    let episode = ibn_sim::run(scenario, recommender, seed).map_err(|error| {
        Failure::because(Exit::Usage, "the simulated cluster can't be set up", &error)
    })?;
    Ok(Totals::of(&episode.workloads, scenario.horizon))
}

fn add(instant: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span)
        .ok()
        .and_then(|span| instant.checked_add(span).ok())
        .unwrap_or(Timestamp::MAX)
}
