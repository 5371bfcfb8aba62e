//! How large an input may be.

use super::node::Position;
use crate::diagnostic::{Code, Diagnostic};

/// The longest text that is read, in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// How deep collections may be nested.
pub const MAX_DEPTH: usize = 64;
/// The most values that a text may hold.
pub const MAX_NODES: usize = 1_000_000;
/// The most faults that are listed.
pub const MAX_DIAGNOSTICS: usize = 1_000;

pub(super) fn too_long(bytes: usize) -> Diagnostic {
    Diagnostic::error(
        Code::InputTooLarge,
        "",
        format!("the text has `{bytes}` bytes"),
        format!("at most {MAX_BYTES} bytes; split it into several files"),
    )
    .at(Position::START)
}

pub(super) fn too_deep(position: Position) -> Diagnostic {
    Diagnostic::error(
        Code::InputTooLarge,
        "",
        format!("collections are nested more than {MAX_DEPTH} deep"),
        format!("at most {MAX_DEPTH} levels"),
    )
    .at(position)
}

pub(super) fn too_many_nodes(position: Position) -> Diagnostic {
    Diagnostic::error(
        Code::InputTooLarge,
        "",
        format!("the text holds more than {MAX_NODES} values"),
        format!("at most {MAX_NODES} values; split it into several files"),
    )
    .at(position)
}

pub(super) fn too_many_faults(position: Position) -> Diagnostic {
    Diagnostic::error(
        Code::InputTooLarge,
        "",
        format!("there are more than {MAX_DIAGNOSTICS} faults; the rest is not listed"),
        "mend these and look again",
    )
    .at(position)
}
