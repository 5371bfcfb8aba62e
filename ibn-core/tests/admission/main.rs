//! What an intent means, told as stories: amounts, conflicts, admission and the life of an intent.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

mod conflict;
mod lifecycle;
mod precedence;
mod proposal;
mod resolve;
mod review;
mod support;
mod what_if;
