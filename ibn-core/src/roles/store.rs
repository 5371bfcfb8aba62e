//! The roles that remember.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::decision::{DecisionId, LedgerEntry};
use crate::intent::{Intent, IntentKey};
use crate::workload::WorkloadRef;

/// Keeps intents with their status.
///
/// ```
/// use ibn_core::intent::{Intent, IntentKey};
/// use ibn_core::roles::IntentStore;
/// use ibn_core::workload::WorkloadRef;
/// use std::collections::BTreeMap;
/// use std::sync::Mutex;
///
/// /// In memory, for as long as the process lives.
/// #[derive(Default)]
/// struct Forgetful(Mutex<BTreeMap<IntentKey, Intent>>);
///
/// #[async_trait::async_trait]
/// impl IntentStore for Forgetful {
///     async fn put(&self, intent: &Intent) -> ibn_core::Result<()> {
///         self.0.lock().unwrap().insert(intent.key(), intent.clone());
///         Ok(())
///     }
///
///     async fn get(&self, key: &IntentKey) -> ibn_core::Result<Option<Intent>> {
///         Ok(self.0.lock().unwrap().get(key).cloned())
///     }
///
///     async fn list(&self) -> ibn_core::Result<Vec<Intent>> {
///         Ok(self.0.lock().unwrap().values().cloned().collect())
///     }
///
///     async fn delete(&self, key: &IntentKey) -> ibn_core::Result<()> {
///         self.0.lock().unwrap().remove(key);
///         Ok(())
///     }
/// }
///
/// let store = Forgetful::default();
/// let intent = Intent::new("fast", &WorkloadRef::deployment("acme", "web"));
/// futures::executor::block_on(async {
///     store.put(&intent).await?;
///     assert_eq!(store.list().await?, [intent]);
///     Ok::<(), ibn_core::Error>(())
/// })?;
/// # Ok::<(), ibn_core::Error>(())
/// ```
#[async_trait]
pub trait IntentStore: Send + Sync {
    /// Writes an intent whole; creates it where there is none of its key.
    ///
    /// # Errors
    /// Where the store can't be written. The old content is then still there.
    async fn put(&self, intent: &Intent) -> crate::Result<()>;

    /// The intent of this key.
    ///
    /// # Errors
    /// Where the store can't be read.
    async fn get(&self, key: &IntentKey) -> crate::Result<Option<Intent>>;

    /// All intents, in order of their key.
    ///
    /// # Errors
    /// Where the store can't be read.
    async fn list(&self) -> crate::Result<Vec<Intent>>;

    /// Forgets an intent; no error where there is none.
    ///
    /// # Errors
    /// Where the store can't be written.
    async fn delete(&self, key: &IntentKey) -> crate::Result<()>;
}

/// Keeps what was decided and what came of it, in order, for ever.
///
/// ```
/// use ibn_core::decision::{DecisionId, LedgerEntry, LedgerEvent};
/// use ibn_core::roles::{Ledger, LedgerQuery};
///
/// /// Passes entries on and says each aloud.
/// struct Loud<L>(L);
///
/// #[async_trait::async_trait]
/// impl<L: Ledger> Ledger for Loud<L> {
///     async fn append(&self, entry: &LedgerEntry) -> ibn_core::Result<()> {
///         self.0.append(entry).await?;
///         println!("{}: {} is on record", entry.at, entry.event.decision());
///         Ok(())
///     }
///
///     async fn query(&self, query: &LedgerQuery) -> ibn_core::Result<Vec<LedgerEntry>> {
///         self.0.query(query).await
///     }
/// }
/// ```
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Adds an entry. When this returns, the entry outlives a crash of the process (where the ledger is meant to).
    ///
    /// # Errors
    /// Where it can't be written; nothing may then be applied.
    async fn append(&self, entry: &LedgerEntry) -> crate::Result<()>;

    /// The entries that fit, in the order in which they were added.
    ///
    /// # Errors
    /// Where it can't be read.
    async fn query(&self, query: &LedgerQuery) -> crate::Result<Vec<LedgerEntry>>;
}

#[async_trait]
impl<S: IntentStore + ?Sized> IntentStore for Arc<S> {
    async fn put(&self, intent: &Intent) -> crate::Result<()> {
        (**self).put(intent).await
    }

    async fn get(&self, key: &IntentKey) -> crate::Result<Option<Intent>> {
        (**self).get(key).await
    }

    async fn list(&self) -> crate::Result<Vec<Intent>> {
        (**self).list().await
    }

    async fn delete(&self, key: &IntentKey) -> crate::Result<()> {
        (**self).delete(key).await
    }
}

#[async_trait]
impl<L: Ledger + ?Sized> Ledger for Arc<L> {
    async fn append(&self, entry: &LedgerEntry) -> crate::Result<()> {
        (**self).append(entry).await
    }

    async fn query(&self, query: &LedgerQuery) -> crate::Result<Vec<LedgerEntry>> {
        (**self).query(query).await
    }
}

/// Which entries of a ledger are wanted; all parts must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerQuery {
    /// Of this workload.
    pub workload: Option<WorkloadRef>,
    /// Of workloads in this namespace, and of itself.
    pub namespace: Option<String>,
    /// Of this decision.
    pub decision: Option<DecisionId>,
    /// Written at or after this instant.
    pub since: Option<Timestamp>,
    /// Only the newest so many, still in order.
    pub last: Option<usize>,
}
