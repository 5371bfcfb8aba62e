//! What plays a role of `ibn-core` holds what the role asks for.

use std::sync::Arc;

use futures::executor::block_on;
use ibn_runtime::{MemoryStore, ReplayingLedger, SqliteStore, SystemClock};
use ibn_testkit::clock;
use ibn_testkit::store::{intent_store_conformance, ledger_conformance};

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
