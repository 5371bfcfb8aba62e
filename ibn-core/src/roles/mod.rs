//! The roles: traits that hardly change, with implementations in the other crates.
//!
//! Roles that wait for something are async; roles that compute are synchronous. All of them that are
//! chosen at run time are object-safe. Each has a conformance suite in `ibn-testkit`, and its example is a whole implementation
//! to begin one's own with; the crates that have some tell more under `write_your_own`.

mod assessor;
mod batch;
mod clock;
mod environment;
mod forecaster;
mod monitor;
mod orchestrator;
mod predictor;
mod recommender;
mod store;
mod translator;

pub use assessor::Assessor;
pub use batch::{Batch, BatchActions};
pub use clock::{Clock, VirtualClock};
pub use environment::{Action, ActionSpace, Environment, ScenarioSource, Spaces, Step};
pub use forecaster::Forecaster;
pub use monitor::Monitor;
pub use orchestrator::Orchestrator;
pub use predictor::Predictor;
pub use recommender::{Checkpoint, LearnReport, PolicyLearner, Recommender};
pub use store::{IntentStore, Ledger, LedgerQuery};
pub use translator::Translator;
