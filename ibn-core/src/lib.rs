//! The vocabulary, rules and control engine of `ibn`, without any IO.
//!
//! A sentence becomes an [`intent::Intent`]; it is checked, its effect predicted, and applied inside an
//! [`envelope::Envelope`] that nobody can leave: only [`guard::Guard`] makes the
//! [`guard::ApprovedPlan`] that [`roles::Orchestrator::apply`] takes. What implements the roles lives
//! in the other crates.
//!
//! Nothing here reads a clock, the environment, a file or a random source, starts a thread or waits:
//! time and seeds are parameters, and the same input gives the same output on every machine.

pub mod admission;
pub mod allocation;
pub mod assessment;
pub mod catalog;
pub mod conflict;
pub mod decision;
pub mod diagnostic;
pub mod encoding;
pub mod engine;
pub mod envelope;
mod error;
mod feasibility;
pub mod guard;
pub mod guardrail;
pub mod indicator;
pub mod intent;
pub mod lifecycle;
pub mod observation;
pub mod prediction;
pub mod qos;
pub mod read;
pub mod resolve;
pub mod roles;
pub mod situation;
pub mod translation;
pub mod units;
pub mod validate;
pub mod workload;

pub use error::{Error, ErrorKind, Result};
