//! What plays a role of `ibn-core` holds what the role asks for.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

use std::sync::Arc;

use futures::executor::block_on;
use ibn_core::decision::LedgerEvent;
use ibn_core::engine::Effect;
use ibn_core::roles::Orchestrator as _;
use ibn_runtime::{DryRun, MemoryStore, Recorded, ReplayingLedger, SqliteStore, SystemClock};
use ibn_testkit::cluster::FakeCluster;
use ibn_testkit::stage::Stage;
use ibn_testkit::store::{intent_store_conformance, ledger_conformance};
use ibn_testkit::{clock, orchestrator};

#[test]
fn memory_keeps_intents_and_ledger() {
    intent_store_conformance(MemoryStore::new);
    ledger_conformance(MemoryStore::new);
}

#[test]
fn sqlite_keeps_intents_and_ledger() {
    intent_store_conformance(|| SqliteStore::in_memory().unwrap());
    ledger_conformance(|| SqliteStore::in_memory().unwrap());
}

#[test]
fn a_shared_store_is_a_store() {
    intent_store_conformance(|| Arc::new(SqliteStore::in_memory().unwrap()));
    ledger_conformance(|| Arc::new(MemoryStore::new()));
}

#[test]
fn a_replaying_ledger_that_expects_nothing_keeps_the_ledger() {
    ledger_conformance(|| block_on(ReplayingLedger::new(MemoryStore::new())).unwrap());
}

#[test]
fn the_system_tells_the_time() {
    clock::check(&SystemClock);
}

fn cluster() -> FakeCluster {
    FakeCluster::new()
        .with_deployment("acme", "web", 3, "500m", "256Mi")
        .with_deployment("acme", "api", 2, "500m", "256Mi")
        .with_namespace("acme")
}

#[test]
fn a_recorded_orchestrator_is_an_orchestrator() {
    block_on(orchestrator::check(|| Recorded::new(cluster(), Vec::new())));
}

#[test]
fn a_dry_run_looks_and_does_nothing() {
    block_on(orchestrator::check_dry_run(|| DryRun(cluster())));
}

/// A plan that sets the pods of `acme/web`, as the guard approved it; after a longer wait for it to be applied, a later one.
fn plan(cluster: &FakeCluster, pods: u32, minutes: u64) -> ibn_core::guard::ApprovedPlan {
    let mut stage = Stage::new(cluster.clone());
    stage.hold_back(|effect| matches!(effect, Effect::Apply(_)));
    let web = ibn_core::workload::WorkloadRef::deployment("acme", "web");
    let order = ibn_core::intent::Directive::Replicas(ibn_core::intent::Amount::To(pods));
    let intent = ibn_core::intent::Intent::new("pods", &web)
        .with_expectation(ibn_core::intent::Expectation::Directive(order));
    stage.submit(intent);
    stage.run(std::time::Duration::from_secs(60 * minutes));
    let mut plans = stage.effects.iter().filter_map(|effect| match effect {
        Effect::Apply(plan) => Some((**plan).clone()),
        _ => None,
    });
    plans.next_back().unwrap()
}

#[test]
fn every_apply_is_written_down_once_with_what_came_of_it() {
    let cluster = cluster();
    let recorded = Recorded::new(cluster.clone(), Vec::new());
    let (first, stale) = (plan(&cluster, 5, 1), plan(&cluster, 7, 5));
    let receipt = block_on(recorded.apply(first.clone())).unwrap();
    assert_eq!(block_on(recorded.apply(first)), Ok(receipt.clone()));
    let error = block_on(recorded.apply(stale.clone())).unwrap_err();
    let lines = String::from_utf8(recorded.into_lines()).unwrap();
    let read: Vec<LedgerEvent> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let decision = stale.decision();
    assert_eq!(
        read,
        [
            LedgerEvent::Applied(Box::new(receipt)),
            LedgerEvent::Failed { decision, error },
        ]
    );
}

/// A full disk.
struct Full;

impl std::io::Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_can_not_be_written_down_is_the_last_thing_that_is_done() {
    let cluster = cluster();
    let recorded = Recorded::new(cluster.clone(), Full);
    assert!(
        block_on(recorded.apply(plan(&cluster, 5, 1))).is_ok(),
        "done is done"
    );
    let refused = block_on(recorded.apply(plan(&cluster, 7, 5))).unwrap_err();
    assert_eq!(refused.kind(), ibn_core::ErrorKind::Unavailable);
    assert_eq!(cluster.applied().len(), 1);
}
