//! Translators: from a sentence to a typed intent.
//!
//! - [`GrammarTranslator`] is deterministic: it reads a sentence as a whole by a grammar, or says why not.
//! - [`ModelTranslator`] asks a model behind an OpenAI-compatible endpoint, and believes nothing that code can't check.
//! - [`Chain`] asks the grammar first, and the model where the grammar doesn't understand.
//! - [`layers`] wrap any translator: retry, time-out, budget, cache, record, replay.
//!
//! Each holds the conformance suite of `ibn-testkit`; how to add another is told in
//! [`write_your_own`].

mod chain;
mod error;
mod grammar;
pub mod layers;
mod model;

pub use chain::Chain;
pub use error::{Error, ErrorKind, Result};
pub use grammar::GrammarTranslator;
pub use model::{ApiKey, ModelSettings, ModelTranslator};

#[doc = include_str!("../WRITE_YOUR_OWN.md")]
pub mod write_your_own {}
