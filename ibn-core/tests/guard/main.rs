//! What the guard and the envelope promise: stories of each rule, and properties against an oracle that is written apart.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

mod approval;
mod bounds;
mod envelope;
mod groups;
mod malformed;
mod one_decision;
mod owners;
mod properties;
mod quotas;
mod signals;
mod support;
mod undo;
mod undone;
