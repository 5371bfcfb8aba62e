//! The one face of a running engine, whichever driver runs it.

use std::sync::Arc;

use async_trait::async_trait;
use ibn_core::Result;
use ibn_core::admission::WhatIf;
use ibn_core::decision::LedgerEntry;
use ibn_core::engine::{Notice, Reply, Request, State};
use ibn_core::intent::Intent;
use ibn_core::roles::LedgerQuery;
use jiff::Timestamp;
use tokio::sync::broadcast;

/// Speaks to a running engine: for the API, the GUI and the command line.
#[async_trait]
pub trait Control: Send + Sync {
    /// Asks for something and waits for the reply.
    ///
    /// # Errors
    /// Where the engine has ended, or the request could not be put on record.
    async fn request(&self, request: Request) -> Result<Reply>;

    /// What would become of these intents, each by itself, if they were submitted now; changes nothing.
    ///
    /// # Errors
    /// Where the engine has ended.
    async fn preview(&self, intents: Vec<Intent>) -> Result<Vec<WhatIf>>;

    /// Entries of the ledger.
    ///
    /// # Errors
    /// Where it can't be read.
    async fn ledger(&self, query: LedgerQuery) -> Result<Vec<LedgerEntry>>;

    /// The engine's state as it was a moment ago.
    fn state(&self) -> Arc<State>;

    /// The engine's time.
    fn now(&self) -> Timestamp;

    /// What is said aloud and put on record from now on. One who is too slow misses the oldest and is told how many.
    fn updates(&self) -> broadcast::Receiver<Update>;
}

/// Something worth telling whoever watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// The state changed; look again.
    Changed(Timestamp),
    /// Something was said aloud.
    Notice(Timestamp, Notice),
    /// Something was put on record.
    Recorded(Arc<LedgerEntry>),
}

/// How many updates are kept for somebody who is slow.
pub(crate) const UPDATE_BACKLOG: usize = 1024;
