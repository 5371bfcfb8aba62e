//! How large an input may be.

use super::Format;
use super::node::Position;
use crate::diagnostic::{Code, Diagnostic, Severity};

/// The longest JSON that is read, in bytes.
pub const MAX_JSON_BYTES: usize = 8 << 20;
/// The longest YAML or TOML that is read, in bytes. Their parsers take up to 200 times as much memory.
pub const MAX_BYTES: usize = 2 << 20;
/// Up to this length a text with broken syntax is read again without its broken lines.
pub(super) const RETRIED_BYTES: usize = 256 << 10;
/// How deep collections may be nested.
pub const MAX_DEPTH: usize = 64;
/// The most values that a text may hold.
pub const MAX_NODES: usize = 1_000_000;
/// The most faults that are listed.
pub const MAX_DIAGNOSTICS: usize = 1_000;

/// The longest text of this form.
pub(super) fn longest(format: Format) -> usize {
    match format {
        Format::Json => MAX_JSON_BYTES,
        Format::Yaml | Format::Toml => MAX_BYTES,
    }
}

/// Sorts by place, and leaves out what is beyond [`MAX_DIAGNOSTICS`], aloud.
pub(super) fn finish(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    let rest = diagnostics.get(MAX_DIAGNOSTICS..).unwrap_or_default();
    if let Some(first) = rest.first() {
        let position = Position {
            line: first.line.unwrap_or(1),
            column: first.column.unwrap_or(1),
        };
        // What is left out must not look better than it is.
        let has_error = rest.iter().any(Diagnostic::is_error);
        diagnostics.truncate(MAX_DIAGNOSTICS);
        let mut more = too_many_faults(position);
        if !has_error {
            more.severity = Severity::Warning;
        }
        diagnostics.push(more);
    }
}

/// Adds a diagnostic, unless there are more already than will be listed.
pub(super) fn push(diagnostics: &mut Vec<Diagnostic>, diagnostic: Diagnostic) {
    if diagnostics.len() <= MAX_DIAGNOSTICS {
        diagnostics.push(diagnostic);
    }
}

pub(super) fn too_long(bytes: usize, format: Format) -> Diagnostic {
    Diagnostic::error(
        Code::InputTooLarge,
        "",
        format!("the text has `{bytes}` bytes"),
        format!(
            "at most {} bytes; split it into several files",
            longest(format)
        ),
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

fn too_many_faults(position: Position) -> Diagnostic {
    Diagnostic::error(
        Code::InputTooLarge,
        "",
        format!("there are more than {MAX_DIAGNOSTICS} faults; the rest is not listed"),
        "mend these and look again",
    )
    .at(position)
}
