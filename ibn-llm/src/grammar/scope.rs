//! What is refused whatever else a sentence says: one table, read only where the grammar doesn't read the whole.
//!
//! | kind | examples | answer |
//! |---|---|---|
//! | the system itself, orders to the reader | guardrails, "ignore your instructions", ibn's own parts | refuse `unsafe` |
//! | secrets, shells, access rights, deletion | passwords, exec, RBAC, "delete" | refuse `unsafe` |
//! | other matters of a cluster | images, roll-outs, restarts, nodes, networks, storage, logs | refuse `outOfScope` |
//! | what the form can't say | conditions, recurrence, queues as triggers, money, no limit at all | refuse `outOfScope`, which says so |
//! | nothing of a cluster | jokes, the weather | refuse `outOfScope` |

use ibn_core::translation::RefusalCode;

use super::input::Input;
use super::reasons::{REASONS, RECURRING};

/// The first reason of the table whose words stand in the sentence outside names of the catalog.
pub(crate) fn reason(input: &Input) -> Option<(RefusalCode, String)> {
    reason_beside(input, &[])
}

/// The same, with words that stand in the place of a name left out.
pub(crate) fn reason_beside(input: &Input, names: &[String]) -> Option<(RefusalCode, String)> {
    REASONS
        .iter()
        .find(|reason| {
            reason
                .marks
                .iter()
                .any(|mark| stands_in(input, mark, names))
        })
        .map(|reason| (reason.code, reason.message.to_owned()))
        .or_else(|| {
            names_variable(input).then(|| {
                (
                    RefusalCode::OutOfScope,
                    "environment variables are no matter of resources or service levels".to_owned(),
                )
            })
        })
}

/// Whether a time that comes again and again is said.
pub(crate) fn recurs(input: &Input) -> Option<(RefusalCode, String)> {
    REASONS
        .iter()
        .filter(|reason| reason.message == RECURRING)
        .find(|reason| reason.marks.iter().any(|mark| stands_in(input, mark, &[])))
        .map(|reason| (reason.code, reason.message.to_owned()))
}

/// The same, for what is aimed at the system, at secrets or at deletion only.
pub(crate) fn unsafe_reason(input: &Input) -> Option<(RefusalCode, String)> {
    REASONS
        .iter()
        .filter(|reason| reason.code == RefusalCode::Unsafe)
        .find(|reason| reason.marks.iter().any(|mark| stands_in(input, mark, &[])))
        .map(|reason| (reason.code, reason.message.to_owned()))
}

/// Whether a word shows a reason all by itself.
pub(crate) fn is_mark(word: &str) -> bool {
    REASONS
        .iter()
        .flat_map(|reason| reason.marks)
        .any(|mark| *mark == word)
}

fn stands_in(input: &Input, mark: &str, names: &[String]) -> bool {
    let words: Vec<&str> = mark.split(' ').collect();
    let is_name = |at: usize| {
        input.is_named(at)
            || input
                .lower(at)
                .is_some_and(|lower| names.iter().any(|name| name == lower))
    };
    (0..input.len()).any(|at| {
        let named = (at..at + words.len()).all(is_name);
        !named
            && words.iter().enumerate().all(|(offset, word)| {
                input
                    .lower(at + offset)
                    .is_some_and(|lower| match word.strip_suffix('*') {
                        Some(stem) => lower.starts_with(stem),
                        None => lower == *word,
                    })
            })
    })
}

/// `LOG_LEVEL`: the name of a variable.
fn names_variable(input: &Input) -> bool {
    (0..input.len()).any(|at| {
        input.token(at).is_some_and(|token| {
            token.raw.contains('_')
                && token
                    .raw
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        })
    })
}
