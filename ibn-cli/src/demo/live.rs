//! The demo with a page in the browser: virtual time at a pace, kept in a state folder, going on where it was.

use std::fs::{File, TryLockError};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use ibn_core::roles::{IntentStore, Ledger};
use ibn_runtime::{
    Error, Journal, JournalEntry, MemoryStore, PacedDriver, ReplayingLedger, RunIdentity,
    SqliteStore, replay,
};
use ibn_sim::Scenario;
use jiff::Timestamp;

use super::setup;
use crate::args::DemoArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::progress::Progress;
use crate::settings::Settings;

/// The live demo ends its traffic after so long.
const HORIZON: Duration = Duration::from_secs(30 * 24 * 3600);

/// Simulated seconds for each real one, where nothing else is said.
const SPEED: f64 = 60.0;

/// What a run keeps, and where.
struct Kept {
    /// Held as long as the run goes on, so that no other one writes there.
    _lock: Option<File>,
    intents: Arc<dyn IntentStore>,
    ledger: Arc<dyn Ledger>,
    journal: Option<Arc<dyn Journal>>,
    requests: Vec<JournalEntry>,
    position: Option<Timestamp>,
}

pub(super) fn run(args: &DemoArgs, settings: &Settings) -> Outcome {
    let scenario = setup::scenario(args, HORIZON)?;
    let cluster = setup::cluster(&scenario, settings.seed)?;
    let translator = crate::commands::translate::translator(&args.model)?;
    let kept = open(&scenario, args, settings)?;

    let mut requests = kept.requests;
    if requests.is_empty() {
        requests = begin(&scenario, &cluster, kept.journal.as_deref())?;
    }
    let roles = setup::roles(args, &cluster, kept.intents, kept.ledger)?;
    let mut driver = setup::driver(&scenario, settings.seed, &cluster, roles, args);
    let board = ibn_server::Board::new();
    driver.listen(board.clone());
    let server = super::serve::Server::new(settings.state_dir.is_some())?;
    if kept.position.is_some() {
        output::note("Going on where it was: running the recorded requests again…");
    }
    let passed = |now: Timestamp| now.duration_since(scenario.start).unsigned_abs().as_secs();
    let progress = Progress::start(
        settings.output,
        "replaying",
        kept.position.map_or(0, passed),
    );
    let replayed = replay(&mut driver, requests, kept.position, |now| {
        progress.at(passed(now));
        if server.is_told_to_stop() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    progress.finish();
    if replayed.is_break() {
        output::note(
            "Stopped before it had come to where it was. Nothing is lost: the same command goes on there.",
        );
        return Ok(Exit::Done);
    }
    let speed = args.speed.unwrap_or(SPEED);
    let paced = PacedDriver::start(driver, kept.journal, speed)
        .map_err(|error| Failure::because(Exit::Failed, "the engine can't be started", &error))?;
    let listen = args
        .listen
        .clone()
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let served = server.until_stopped(&paced, speed, board, translator, &cluster, &listen);
    paced.stop();
    served?;
    match &settings.state_dir {
        Some(dir) => output::note(&format!(
            "Stopped. The same command goes on here; all is kept in `{}`.",
            dir.display()
        )),
        None => output::note("Stopped. Nothing was kept."),
    }
    Ok(Exit::Done)
}

/// Opens the state folder, or keeps nothing.
fn open(scenario: &Scenario, args: &DemoArgs, settings: &Settings) -> Result<Kept, Failure> {
    let Some(dir) = &settings.state_dir else {
        let store = Arc::new(MemoryStore::new());
        return Ok(Kept {
            _lock: None,
            intents: Arc::<MemoryStore>::clone(&store),
            ledger: store,
            journal: None,
            requests: Vec::new(),
            position: None,
        });
    };
    let lock = lock(dir)?;
    let failed = |error: Error| {
        let help = match &error {
            Error::OtherRun { .. } => {
                "name another folder with `--state-dir DIR`, or call it as before"
            }
            _ => {
                "name another folder with `--state-dir DIR`, or `--state-dir :memory:` to keep nothing"
            }
        };
        Failure::because(
            Exit::Usage,
            format!("the state in `{}` can't be used", dir.display()),
            &error,
        )
        .help(help)
    };
    let store = Arc::new(SqliteStore::open(&dir.join("demo.sqlite")).map_err(failed)?);
    let text = serde_json::to_string(scenario).map_err(|error| {
        Failure::because(Exit::Failed, "the scenario can't be identified", &error)
    })?;
    let identity = RunIdentity::default()
        .with("seed", settings.seed)
        .with("version", env!("CARGO_PKG_VERSION"))
        .with("recommender", setup::recommender(args)?)
        .with("dry run", args.dry_run)
        .with(
            "trace",
            args.trace
                .as_ref()
                .map_or_else(|| "built in".to_owned(), |path| path.display().to_string()),
        )
        .with(
            "scenario",
            format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes())),
        );
    block_on(store.identify(&identity)).map_err(failed)?;
    let requests = block_on(store.entries()).map_err(failed)?;
    let position = block_on(store.position()).map_err(failed)?;
    let ledger = block_on(ReplayingLedger::new(Arc::clone(&store)))?;
    let position = position.max(ledger.reaches());
    Ok(Kept {
        _lock: Some(lock),
        intents: Arc::<SqliteStore>::clone(&store),
        ledger: Arc::new(ledger),
        journal: Some(store),
        requests,
        position,
    })
}

/// Makes the state folder this run's own.
fn lock(dir: &Path) -> Result<File, Failure> {
    let help =
        "name another folder with `--state-dir DIR`, or `--state-dir :memory:` to keep nothing";
    let unusable = |error: &std::io::Error| {
        Failure::because(
            Exit::Usage,
            format!("the state in `{}` can't be used", dir.display()),
            error,
        )
        .help(help)
    };
    std::fs::create_dir_all(dir).map_err(|error| unusable(&error))?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("demo.lock"))
        .map_err(|error| unusable(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::new(
            Exit::Usage,
            format!("another demo runs on the state in `{}`", dir.display()),
        )
        .help(help)),
        Err(TryLockError::Error(error)) => Err(unusable(&error)),
    }
}

/// What the customers ask for at the start, in the journal.
fn begin(
    scenario: &Scenario,
    cluster: &ibn_sim::SimulatedCluster,
    journal: Option<&dyn Journal>,
) -> Result<Vec<JournalEntry>, Failure> {
    let requests = setup::first_requests(scenario, cluster)?;
    let entries: Vec<JournalEntry> = requests
        .into_iter()
        .map(|request| JournalEntry {
            at: scenario.start,
            request,
        })
        .collect();
    if let Some(journal) = journal {
        block_on(journal.begin(&entries)).map_err(|error| {
            Failure::because(Exit::Failed, "the journal can't be written", &error)
        })?;
    }
    Ok(entries)
}
