//! What plays a role of `ibn-core` holds what the role asks for.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up is to fail")]

use std::time::Duration;

use futures::executor::block_on;
use ibn_core::roles::Orchestrator;
use ibn_core::workload::WorkloadRef;
use ibn_sim::autoscaler::Fixed;
use ibn_sim::autoscaler::hpa::Hpa;
use ibn_sim::environment::{ActionKind, Engine, ScenarioDistribution, ScenarioEnvironment};
use ibn_sim::{Replay, Scenario, SimulatedCluster, Twin};
use ibn_testkit::{clock, environment, monitor, orchestrator, predictor, recommender};

fn web() -> WorkloadRef {
    WorkloadRef::deployment("acme", "web")
}

/// After ten minutes, with one more pod that somebody else ordered.
fn clusters() -> impl Fn() -> SimulatedCluster {
    let cluster = SimulatedCluster::new(&Scenario::demo().unwrap(), 1).unwrap();
    cluster.advance_by(Duration::from_secs(600));
    let live = block_on(cluster.inventory()).unwrap();
    let live = &live.workloads.get(&web()).unwrap().allocation;
    let more = live.with_replicas(live.replicas + 1);
    cluster.change_by_hand(&web(), &more, "kubectl").unwrap();
    move || cluster.fork()
}

#[test]
fn the_simulated_cluster_acts_as_an_orchestrator() {
    block_on(orchestrator::check(clusters()));
}

#[test]
fn the_simulated_cluster_measures() {
    block_on(monitor::check(&clusters()(), &web()));
}

#[test]
fn the_simulated_cluster_tells_the_time() {
    clock::check(&clusters()());
}

#[test]
fn the_twin_foresees() {
    predictor::check(&Twin::default());
}

#[test]
fn a_replay_foresees() {
    predictor::check(&Replay::default());
}

#[test]
fn the_autoscalers_advise() {
    recommender::check(&|| Box::new(Hpa::new(70)));
    recommender::check(&|| Box::new(Fixed::as_found()));
}

/// One workload, or two, with a load that a pod of half a core is half busy with.
fn small(workloads: usize) -> Scenario {
    let mut text = r#"
name = "small"
horizon = "10m"
nodes = [{ name = "n", count = 2, cpu = "8", memory = "16Gi" }]
"#
    .to_owned();
    for index in 0..workloads {
        text.push_str(&format!(
            r#"
[[workloads]]
namespace = "acme"
name = "web{index}"
replicas = 3
bounds = {{ min = 1, max = 6 }}
requests = {{ cpu = "500m", memory = "256Mi" }}
limits = {{ cpu = "500m", memory = "256Mi" }}
service = {{ law = "exponential", mean = "20ms" }}
startup = {{ law = "constant", mean = "20s" }}
slo = {{ atMost = "400ms" }}
demand = {{ constant = 30.0 }}
"#
        ));
    }
    Scenario::from_toml(&text).unwrap()
}

#[test]
fn every_engine_and_kind_of_action_passes_the_suite() {
    for engine in [Engine::Requests, Engine::Fluid] {
        for (actions, workloads) in [
            (ActionKind::Discrete, 1),
            (ActionKind::MultiDiscrete, 2),
            (ActionKind::Continuous, 2),
        ] {
            environment::check(&|| {
                let of = ScenarioEnvironment::new(small(workloads), engine, actions);
                Box::new(of.unwrap())
            });
        }
    }
}

#[test]
fn a_distribution_passes_the_suite() {
    for engine in [Engine::Requests, Engine::Fluid] {
        let source = ScenarioDistribution::new(
            engine,
            ActionKind::Discrete,
            Duration::from_secs(900),
            Duration::from_secs(15),
        )
        .unwrap();
        environment::check_source(&source);
        let drawn = |seed| source.scenario(1.0, seed).unwrap();
        assert_ne!(drawn(1), drawn(2));
        assert_eq!(drawn(1), drawn(1));
    }
    let few = Duration::from_secs(20);
    let too_short = ScenarioDistribution::new(
        Engine::Fluid,
        ActionKind::Discrete,
        few,
        Duration::from_secs(15),
    );
    assert!(too_short.is_err());
}
