//! The whole loop in 40 lines: an objective for each workload, a simulated cluster, an hour of traffic.

use std::sync::Arc;

use ibn_assurance::BurnRateAssessor;
use ibn_core::admission::Admission;
use ibn_core::engine::{Engine, EngineConfig, Request, State};
use ibn_core::intent::{Expectation, Intent};
use ibn_runtime::{MemoryStore, RecommenderPool, Roles, VirtualDriver, World};
use ibn_sim::autoscaler::hpa::Hpa;
use ibn_sim::{Scenario, SimulatedCluster};
use jiff::{SignedDuration, Timestamp};

struct Simulated(SimulatedCluster);

impl World for Simulated {
    fn advance_to(&mut self, now: Timestamp) {
        self.0.advance_to(now);
    }
}

fn main() -> anyhow::Result<()> {
    let scenario = Scenario::demo()?;
    let (cluster, start) = (SimulatedCluster::new(&scenario, 7)?, scenario.start);
    let store = Arc::new(MemoryStore::new());
    let roles = Roles {
        orchestrator: Arc::new(cluster.clone()),
        monitor: Arc::new(cluster.clone()),
        assessor: Arc::new(BurnRateAssessor::default()),
        intents: Arc::<MemoryStore>::clone(&store),
        ledger: store,
        recommenders: RecommenderPool::new(|_| Box::new(Hpa::new(60))),
    };
    let engine = Engine::new(EngineConfig::default(), Admission::without_twin());
    let world = Simulated(cluster);
    let mut driver = VirtualDriver::new(engine, State::new(start), roles, world, start);
    for workload in &scenario.workloads {
        let mut intent = Intent::new(&format!("{}-fast", workload.name), &workload.workload());
        let objective = workload.objective().map(Expectation::Objective);
        intent.spec.expectations.extend(objective);
        driver.request(Request::Submit(Box::new(intent)));
    }
    driver.run_until(start.checked_add(SignedDuration::from_hours(1))?);
    for intent in driver.state().intents() {
        println!(
            "{:24} {}",
            intent.key().to_string(),
            intent.state().as_str()
        );
    }
    Ok(())
}
