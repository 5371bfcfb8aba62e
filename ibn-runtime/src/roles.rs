//! The implementations that a driver works with.

use std::sync::Arc;

use ibn_core::engine::{Effect, Event};
use ibn_core::roles::{Assessor, IntentStore, Ledger, Monitor, Orchestrator};
use jiff::Timestamp;

use crate::pool::RecommenderPool;

/// One implementation for each role.
#[derive(Clone)]
pub struct Roles {
    /// Acts.
    pub orchestrator: Arc<dyn Orchestrator>,
    /// Measures.
    pub monitor: Arc<dyn Monitor>,
    /// Judges.
    pub assessor: Arc<dyn Assessor>,
    /// Keeps intents.
    pub intents: Arc<dyn IntentStore>,
    /// Keeps decisions.
    pub ledger: Arc<dyn Ledger>,
    /// Advise, one for each workload.
    pub recommenders: RecommenderPool,
}

/// Something that went through a driver.
#[derive(Debug, Clone, Copy)]
pub enum Happening<'a> {
    /// The engine was told this.
    Event(&'a Event),
    /// The engine asked for this.
    Effect(&'a Effect),
}

/// Hears everything that goes through a driver, in order: for reports, live pages, metrics and recordings.
///
/// It must be quick and may not call the driver back.
pub trait Listener: Send {
    /// One thing that happened.
    fn hear(&mut self, now: Timestamp, what: Happening<'_>);
}

impl<F: FnMut(Timestamp, Happening<'_>) + Send> Listener for F {
    fn hear(&mut self, now: Timestamp, what: Happening<'_>) {
        self(now, what);
    }
}
