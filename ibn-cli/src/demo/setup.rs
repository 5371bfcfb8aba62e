//! What the demo is made of: the scenario, the roles around the engine, and what is asked for at the start.

use std::sync::Arc;
use std::time::Duration;

use ibn_assurance::{BurnRateAssessor, ForecastAwareAssessor};
use ibn_core::admission::Admission;
use ibn_core::catalog::Catalog;
use ibn_core::conflict::Registry;
use ibn_core::engine::{Engine, EngineConfig, Observe, Request, State};
use ibn_core::roles::{IntentStore, Ledger, Orchestrator, Predictor, Translator};
use ibn_core::translation::{Translation, Utterance};
use ibn_core::units::format_duration;
use ibn_core::workload::WorkloadRef;
use ibn_drl::Spec;
use ibn_runtime::{DryRun, RecommenderPool, Recorded, Roles, VirtualDriver, World};
use ibn_sim::scenario::TraceSpec;
use ibn_sim::{Scenario, SimulatedCluster, Twin};
use jiff::Timestamp;

use crate::args::DemoArgs;
use crate::exit::{Exit, Failure};
use crate::recommenders;

/// The simulated cluster as it moves with virtual time.
pub(super) struct SimWorld(pub(super) SimulatedCluster);

impl World for SimWorld {
    fn advance_to(&mut self, now: Timestamp) {
        self.0.advance_to(now);
    }
}

/// The scenario of the demo, with the traffic of a trace where one is named.
pub(super) fn scenario(args: &DemoArgs, horizon: Duration) -> Result<Scenario, Failure> {
    let mut scenario = Scenario::demo()
        .map_err(|error| Failure::because(Exit::Usage, "the scenario can't be used", &error))?;
    scenario.horizon = horizon;
    let Some(trace) = &args.trace else {
        return Ok(scenario);
    };
    // The customers share the recorded requests as they share the built-in ones.
    let trace = TraceSpec {
        file: std::path::absolute(trace).unwrap_or_else(|_| trace.clone()),
        column: args.trace_column.clone(),
        unit: args.trace_unit.clone().unwrap_or_else(|| "1min".to_owned()),
        scale: args.trace_scale.unwrap_or(1.0),
        skip: Duration::ZERO,
        work: None,
    };
    scenario
        .following(&trace)
        .map_err(|error| Failure::because(Exit::Usage, "the scenario can't be used", &error))
}

/// Opens the simulated cluster of a scenario.
pub(super) fn cluster(scenario: &Scenario, seed: u64) -> Result<SimulatedCluster, Failure> {
    SimulatedCluster::new(scenario, seed).map_err(|error| {
        Failure::because(Exit::Usage, "the traffic can't be simulated", &error).help(
            "a trace is a CSV file with a header, `--trace FILE`; `--trace-column NAME` is the column of its counts, \
             `--trace-unit SPAN` the span of a row, such as `1min`, and `--trace-scale X` a factor on every count",
        )
    })
}

/// The engine of the demo; `resizing` says whether whoever recommends gives pods another size.
fn engine(scenario: &Scenario, seed: u64, resizing: bool, advise_only: bool) -> Engine {
    let config = EngineConfig {
        control_period: scenario.control_period,
        observe: Observe::All,
        seed,
        advise_only,
        ..EngineConfig::default()
    };
    let admission = Admission::new(Registry::standard(), predictor()).resizing(resizing);
    Engine::new(config, admission)
}

fn predictor() -> Arc<dyn Predictor> {
    Arc::new(Twin::default())
}

/// Who decides for objectives.
pub(super) fn recommender(args: &DemoArgs) -> Result<Spec, Failure> {
    let name = args.recommender.as_deref().unwrap_or("ladder");
    let spec = recommenders::parse(name)?;
    // Made once beforehand, so that a fault is told here and not in the middle of a run.
    recommenders::make(&spec, &predictor(), None)?;
    Ok(spec)
}

/// The simulated cluster, with what is asked for around it.
fn orchestrator(
    args: &DemoArgs,
    cluster: &SimulatedCluster,
) -> Result<Arc<dyn Orchestrator>, Failure> {
    let Some(path) = &args.record else {
        return Ok(if args.dry_run {
            Arc::new(DryRun(cluster.clone()))
        } else {
            Arc::new(cluster.clone())
        });
    };
    let lines = std::fs::File::create(path).map_err(|error| {
        let message = format!("can't write `{}`", path.display());
        Failure::because(Exit::Usage, message, &error)
            .help("name another file with `--record FILE`")
    })?;
    Ok(if args.dry_run {
        Arc::new(Recorded::new(DryRun(cluster.clone()), lines))
    } else {
        Arc::new(Recorded::new(cluster.clone(), lines))
    })
}

/// The roles around the engine: simulated cluster, burn rates with a forecast, and a recommender for each workload.
pub(super) fn roles(
    args: &DemoArgs,
    cluster: &SimulatedCluster,
    intents: Arc<dyn IntentStore>,
    ledger: Arc<dyn Ledger>,
) -> Result<Roles, Failure> {
    let spec = recommender(args)?;
    let twin = predictor();
    Ok(Roles {
        orchestrator: orchestrator(args, cluster)?,
        monitor: Arc::new(cluster.clone()),
        assessor: Arc::new(ForecastAwareAssessor::around(BurnRateAssessor::default())),
        intents,
        ledger,
        recommenders: RecommenderPool::new(move |_: &WorkloadRef| {
            recommenders::make(&spec, &twin, None)
                .unwrap_or_else(|_| Box::new(ibn_drl::rules::Hold))
        }),
    })
}

/// How many threads a run may use.
pub(super) fn threads(args: &DemoArgs) -> usize {
    match args.threads {
        Some(threads) => usize::try_from(threads).unwrap_or(usize::MAX).max(1),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    }
}

/// A driver that stands at the beginning of the scenario, with its guardrails in force.
pub(super) fn driver(
    scenario: &Scenario,
    seed: u64,
    cluster: &SimulatedCluster,
    roles: Roles,
    args: &DemoArgs,
) -> VirtualDriver<SimWorld> {
    let start = scenario.start;
    let resizing = scenario
        .workloads
        .iter()
        .any(|workload| roles.recommenders.resizes(&workload.workload()));
    let mut driver = VirtualDriver::new(
        engine(scenario, seed, resizing, args.dry_run),
        State::new(start),
        roles,
        SimWorld(cluster.clone()),
        start,
    )
    .with_threads(threads(args));
    driver.set_guardrails(scenario.guardrails());
    driver
}

/// What the customers ask for before anybody speaks on the page: each its own objective. The sentences go the way of every other one.
fn sentences(scenario: &Scenario) -> impl Iterator<Item = (String, String)> {
    scenario.workloads.iter().map(|workload| {
        let (name, namespace) = (&workload.name, &workload.namespace);
        let bound = format_duration(workload.slo.at_most);
        // The largest customer pays for head-room.
        let preference = if namespace == "acme" {
            ""
        } else {
            " as cheaply as you can"
        };
        let sentence = format!("keep {name} in {namespace}'s p95 under {bound}{preference}");
        (namespace.clone(), sentence)
    })
}

/// What the customers ask for at the start. The grammar alone reads it, so that a run is the same with any model and with none.
pub(super) fn first_requests(
    scenario: &Scenario,
    cluster: &SimulatedCluster,
) -> Result<Vec<Request>, Failure> {
    let translator = ibn_llm::GrammarTranslator::new();
    let inventory = futures::executor::block_on(cluster.inventory())?;
    let catalog = Catalog::from_inventory(&inventory, &cluster.aliases(), Vec::new());
    let mut requests = Vec::new();
    for (namespace, sentence) in sentences(scenario) {
        let mut utterance = Utterance::new(&sentence, scenario.start);
        utterance.namespace = Some(namespace);
        match futures::executor::block_on(translator.translate(&utterance, &catalog))? {
            Translation::Intent(reading) => {
                requests.extend(
                    reading
                        .intents
                        .into_iter()
                        .map(|intent| Request::Submit(Box::new(intent))),
                );
            }
            other => {
                let understood = serde_json::to_string(&other).unwrap_or_default();
                return Err(Failure::new(
                    Exit::Failed,
                    format!(
                        "the demo's own sentence `{sentence}` was not understood: {understood}"
                    ),
                ));
            }
        }
    }
    Ok(requests)
}
