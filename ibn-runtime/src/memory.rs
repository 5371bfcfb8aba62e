//! Intents and ledger in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ibn_core::Result;
use ibn_core::decision::{LedgerEntry, LedgerEvent};
use ibn_core::intent::{Intent, IntentKey};
use ibn_core::roles::{IntentStore, Ledger, LedgerQuery};
use ibn_core::workload::WorkloadRef;

/// Intents and ledger for as long as the process lives. Clones share their content.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    content: Arc<Mutex<Content>>,
}

#[derive(Debug, Default)]
struct Content {
    intents: BTreeMap<IntentKey, Intent>,
    entries: Vec<LedgerEntry>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Content) -> T) -> T {
        work(&mut self.content.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl IntentStore for MemoryStore {
    async fn put(&self, intent: &Intent) -> Result<()> {
        self.with(|content| content.intents.insert(intent.key(), intent.clone()));
        Ok(())
    }

    async fn get(&self, key: &IntentKey) -> Result<Option<Intent>> {
        Ok(self.with(|content| content.intents.get(key).cloned()))
    }

    async fn list(&self) -> Result<Vec<Intent>> {
        Ok(self.with(|content| content.intents.values().cloned().collect()))
    }

    async fn delete(&self, key: &IntentKey) -> Result<()> {
        self.with(|content| content.intents.remove(key));
        Ok(())
    }
}

#[async_trait]
impl Ledger for MemoryStore {
    async fn append(&self, entry: &LedgerEntry) -> Result<()> {
        self.with(|content| content.entries.push(entry.clone()));
        Ok(())
    }

    async fn query(&self, query: &LedgerQuery) -> Result<Vec<LedgerEntry>> {
        Ok(self.with(|content| select(&content.entries, query)))
    }
}

/// The entries that fit a query. Entries that name only a decision belong to that decision's workload.
fn select(entries: &[LedgerEntry], query: &LedgerQuery) -> Vec<LedgerEntry> {
    let mut workload_of = BTreeMap::new();
    for entry in entries {
        if let Some(workload) = named_workload(&entry.event) {
            workload_of.insert(entry.event.decision(), workload.clone());
        }
    }
    let fits = |entry: &&LedgerEntry| {
        let decision = entry.event.decision();
        query
            .workload
            .as_ref()
            .is_none_or(|wanted| workload_of.get(&decision) == Some(wanted))
            && query.namespace.as_ref().is_none_or(|wanted| {
                workload_of
                    .get(&decision)
                    .is_some_and(|workload| workload.namespace == *wanted)
            })
            && query.decision.is_none_or(|wanted| wanted == decision)
            && query.since.is_none_or(|since| since <= entry.at)
    };
    let mut found: Vec<LedgerEntry> = entries.iter().filter(fits).cloned().collect();
    if let Some(last) = query.last {
        found.drain(..found.len().saturating_sub(last));
    }
    found
}

/// The workload that an entry names itself.
pub(crate) fn named_workload(event: &LedgerEvent) -> Option<&WorkloadRef> {
    match event {
        LedgerEvent::Decided(decision) => Some(&decision.workload),
        LedgerEvent::Applied(receipt) => Some(&receipt.workload),
        LedgerEvent::Failed { .. } | LedgerEvent::Undone { .. } => None,
    }
}
