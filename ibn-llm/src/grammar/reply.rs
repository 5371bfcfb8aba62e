//! Shorthands for the answers that are no intents.

use ibn_core::translation::{Clarification, Refusal, RefusalCode, Translation};

/// A question to the person.
pub(crate) fn clarify(missing: &str, question: impl Into<String>) -> Translation {
    clarify_among(missing, question, Vec::new())
}

/// A question with what could be meant.
pub(crate) fn clarify_among(
    missing: &str,
    question: impl Into<String>,
    candidates: Vec<String>,
) -> Translation {
    Translation::Clarify(Clarification {
        question: question.into(),
        missing: vec![missing.to_owned()],
        candidates,
    })
}

/// A refusal.
pub(crate) fn refuse(code: RefusalCode, message: impl Into<String>) -> Translation {
    Translation::Refuse(Refusal {
        code,
        message: message.into(),
    })
}
