//! The rules that a document obeys beyond its form.
//!
//! They look at typed values, however those came about; [`crate::read`] calls them on what it reads and adds lines.
//! Nothing here is repaired: a value that breaks a rule is reported, with what is allowed.

mod catalog;
mod directives;
mod findings;
mod guardrail;
mod indicator;
mod intent;
mod limits;
mod objective;

pub use catalog::validate_against;
pub use guardrail::{MAX_COOL_DOWN, validate_guardrail};
pub use indicator::validate_indicator;
pub use intent::validate_intent;
pub use objective::{MAX_WINDOW, MIN_WINDOW};

pub(crate) use findings::Findings;
pub(crate) use guardrail::{freeze_window, guardrail_spec};
pub(crate) use indicator::{indicator_name, indicator_spec};
pub(crate) use intent::{SpecParts, spec, target};
pub(crate) use objective::{quantile, window};
