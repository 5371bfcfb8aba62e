//! What plays a role of `ibn-core` holds what the role asks for.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up is to fail")]

use std::time::Duration;

use futures::executor::block_on;
use ibn_core::roles::Orchestrator;
use ibn_core::workload::WorkloadRef;
use ibn_sim::autoscaler::Fixed;
use ibn_sim::autoscaler::hpa::Hpa;
use ibn_sim::{Replay, Scenario, SimulatedCluster, Twin};
use ibn_testkit::{clock, monitor, orchestrator, predictor, recommender};

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
