//! Translators: from a sentence to a typed intent.

mod grammar;

pub use grammar::GrammarTranslator;
