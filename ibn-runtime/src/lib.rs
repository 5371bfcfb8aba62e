//! Drivers of the control engine, and the stores that outlive a crash.
//!
//! The rules are in [`ibn_core::engine`]; here its effects are carried out and answered:
//!
//! - [`VirtualDriver`] in virtual time, one effect after the other: as fast as the machine can, and to
//!   the byte the same for the same seed and requests;
//! - [`LiveDriver`] on tokio, in real time: every effect is a task with a time-out, services have
//!   bounded concurrency, and nothing waits for what is slow;
//! - [`MemoryStore`] and [`SqliteStore`]: intents, ledger, and (SQLite) the journal of requests by which a
//!   run in virtual time goes on after a crash;
//! - [`DryRun`] and [`Recorded`] around an orchestrator: nothing is done, or all that is done is written down. They stand here and
//!   not beside an orchestrator, since they go around any.

mod clock;
mod control;
mod error;
mod journal;
mod live;
mod memory;
mod orchestrators;
mod paced;
mod pool;
mod roles;
mod sqlite;
mod telling;
mod virtual_time;

pub use clock::SystemClock;
pub use control::{Control, Update};
pub use error::{Error, Result};
pub use journal::{Journal, JournalEntry, ReplayingLedger, RunIdentity};
pub use live::{LiveDriver, LiveHandle};
pub use memory::MemoryStore;
pub use orchestrators::{DryRun, Recorded};
pub use paced::{PacedDriver, PacedHandle, replay};
pub use pool::{RecommenderPool, SharedRecommender};
pub use roles::{Happening, Listener, Roles};
pub use sqlite::SqliteStore;
pub use virtual_time::{VirtualDriver, World};
