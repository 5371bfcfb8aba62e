//! The whole loop in 40 lines: an objective, a simulated cluster, an hour of traffic.

use std::sync::Arc;

use ibn_assurance::BurnRateAssessor;
use ibn_core::admission::Admission;
use ibn_core::engine::{Engine, EngineConfig, Request, State};
use ibn_core::intent::{Expectation, Intent};
use ibn_core::roles::Predictor;
use ibn_runtime::{MemoryStore, RecommenderPool, Roles, VirtualDriver, World};
use ibn_sim::{Scenario, SimulatedCluster, Twin};
use jiff::{SignedDuration, Timestamp};

struct Simulated(SimulatedCluster);

impl World for Simulated {
    fn advance_to(&mut self, now: Timestamp) {
        self.0.advance_to(now);
    }
}

fn main() -> anyhow::Result<()> {
    let scenario = Scenario::demo()?;
    let cluster = SimulatedCluster::new(&scenario, 7)?;
    let store = Arc::new(MemoryStore::new());
    let twin: Arc<dyn Predictor> = Arc::new(Twin::default());
    let roles = Roles {
        orchestrator: Arc::new(cluster.clone()),
        monitor: Arc::new(cluster.clone()),
        assessor: Arc::new(BurnRateAssessor::default()),
        intents: Arc::<MemoryStore>::clone(&store),
        ledger: store,
        recommenders: RecommenderPool::new(move |_| {
            match ibn_drl::recommender(&ibn_drl::Spec::new("mpc"), &twin) {
                Ok(recommender) => recommender,
                Err(_) => Box::new(ibn_drl::rules::Hold),
            }
        }),
    };
    let engine = Engine::new(EngineConfig::default(), Admission::without_twin());
    let state = State::new(scenario.start);
    let mut driver = VirtualDriver::new(engine, state, roles, Simulated(cluster), scenario.start);
    for workload in &scenario.workloads {
        let mut intent = Intent::new(&format!("{}-fast", workload.name), &workload.workload());
        intent
            .spec
            .expectations
            .extend(workload.objective().map(Expectation::Objective));
        driver.request(Request::Submit(Box::new(intent)));
    }
    driver.run_until(scenario.start.checked_add(SignedDuration::from_hours(1))?);
    for intent in driver.state().intents() {
        let pods = driver
            .state()
            .inventory()
            .workloads
            .get(&intent.workload())
            .map(|live| live.allocation.replicas);
        println!(
            "{:24} {:10} with {} pods",
            intent.key().to_string(),
            intent.state().as_str(),
            pods.unwrap_or(0)
        );
    }
    Ok(())
}
