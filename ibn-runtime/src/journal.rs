//! Going on after a crash, by replaying what was asked.
//!
//! A run in virtual time is a function of its identity (seed, scenario, settings) and of the requests
//! with their instants. So these are all that has to outlive a crash: the next process runs the same
//! way from the beginning, as fast as it can, and the ledger that it writes is held against the one that is there.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ibn_core::decision::LedgerEntry;
use ibn_core::engine::Request;
use ibn_core::roles::{Ledger, LedgerQuery};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// What was asked, and at which virtual instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// The virtual instant.
    pub at: Timestamp,
    /// What was asked.
    pub request: Request,
}

/// What makes two runs the same but for their requests: names with their values, such as `seed`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunIdentity {
    parts: BTreeMap<String, String>,
}

impl RunIdentity {
    /// The same with one more part.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.parts
            .insert(format!("identity.{name}"), value.to_string());
        self
    }

    /// The parts, by name.
    pub fn parts(&self) -> impl Iterator<Item = (&String, &String)> {
        self.parts.iter()
    }
}

/// Keeps the requests of a run in virtual time, and how far it has come.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Binds the journal to a run; the first one decides.
    ///
    /// # Errors
    /// Where it already belongs to another run, naming what differs.
    async fn identify(&self, run: &RunIdentity) -> Result<()>;

    /// Adds a request, before it is acted on.
    ///
    /// # Errors
    /// Where it can't be written; the request may then not be acted on.
    async fn write(&self, entry: &JournalEntry) -> Result<()>;

    /// Adds what is asked at the beginning of a run: all of it or, where the process ends meanwhile, nothing.
    ///
    /// # Errors
    /// Where it can't be written.
    async fn begin(&self, entries: &[JournalEntry]) -> Result<()>;

    /// All requests, in order.
    ///
    /// # Errors
    /// Where they can't be read.
    async fn entries(&self) -> Result<Vec<JournalEntry>>;

    /// Notes how far the run has come.
    ///
    /// # Errors
    /// Where it can't be written.
    async fn set_position(&self, now: Timestamp) -> Result<()>;

    /// How far the run had come when that was last noted.
    ///
    /// # Errors
    /// Where it can't be read.
    async fn position(&self) -> Result<Option<Timestamp>>;
}

/// A ledger that is held against what is already in it: entries that are there are compared, not added again.
///
/// A difference means that the run is not the one that was recorded (another program version, say). It
/// is an error of [`Ledger::append`], so that nothing is applied on top of a history that didn't happen.
pub struct ReplayingLedger<L> {
    inner: L,
    expected: Arc<Mutex<VecDeque<LedgerEntry>>>,
}

impl<L: Ledger> ReplayingLedger<L> {
    /// Wraps a ledger; what it holds now is what the run is expected to write first.
    ///
    /// # Errors
    /// Where it can't be read.
    pub async fn new(inner: L) -> ibn_core::Result<Self> {
        let expected = inner.query(&LedgerQuery::default()).await?.into();
        Ok(Self {
            inner,
            expected: Arc::new(Mutex::new(expected)),
        })
    }

    /// How many entries are still expected.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.expected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// The instant of the last entry that is still expected: the run had come at least so far.
    #[must_use]
    pub fn reaches(&self) -> Option<Timestamp> {
        self.expected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .back()
            .map(|entry| entry.at)
    }
}

#[async_trait]
impl<L: Ledger> Ledger for ReplayingLedger<L> {
    async fn append(&self, entry: &LedgerEntry) -> ibn_core::Result<()> {
        let expected = self
            .expected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        match expected {
            None => self.inner.append(entry).await,
            Some(expected) if same(&expected, entry) => Ok(()),
            Some(expected) => Err(ibn_core::Error::Corrupt {
                what: "the replay".to_owned(),
                reason: format!(
                    "the ledger has {} at {}, the replay came to {} at {}",
                    expected.event.decision(),
                    expected.at,
                    entry.event.decision(),
                    entry.at
                ),
            }),
        }
    }

    async fn query(&self, query: &LedgerQuery) -> ibn_core::Result<Vec<LedgerEntry>> {
        self.inner.query(query).await
    }
}

/// Compares as they are written, so that NaN equals NaN.
fn same(a: &LedgerEntry, b: &LedgerEntry) -> bool {
    match (serde_json::to_string(a), serde_json::to_string(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
