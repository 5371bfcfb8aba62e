//! Operators that break the form of a text.

use ibn_core::diagnostic::Code;
use ibn_core::read::Format;

use super::change::{Anchor, Change, Edit, Effect};
use super::edit::replace_value;
use super::sheet::{Field, Sheet};

/// Ways to break the line of a field.
pub(super) fn broken(sheet: &Sheet, field: &Field, changes: &mut Vec<Change>) {
    if !field.is_leaf() || field.key.is_none() || field.prefix.ends_with("- ") {
        return;
    }
    match sheet.format {
        Format::Yaml => yaml(sheet, field, changes),
        Format::Json => json(sheet, field, changes),
        Format::Toml => toml(sheet, field, changes),
    }
}

fn change(operator: &'static str, field: &Field, edits: Vec<Edit>, effect: Effect) -> Change {
    Change {
        operator,
        edits,
        code: Code::Syntax,
        path: None,
        anchor: Anchor::Line(field.line),
        help: Vec::new(),
        scope: field.path.clone(),
        effect,
    }
}

fn value(sheet: &Sheet, field: &Field, value: &str) -> Vec<Edit> {
    replace_value(sheet, field, value).unwrap_or_default()
}

fn yaml(sheet: &Sheet, field: &Field, changes: &mut Vec<Change>) {
    let line = sheet.line(field.line);
    let mut push =
        |operator, edits| changes.push(change(operator, field, edits, Effect::BrokenLine));
    let quote_follows = sheet
        .lines
        .iter()
        .skip(field.line + 1)
        .any(|line| line.contains('"'));
    if !quote_follows {
        push("quote not closed", value(sheet, field, "\"abc"));
    }
    push(
        "text behind a quoted one",
        value(sheet, field, "\"abc\" def"),
    );
    push("colon inside a plain text", value(sheet, field, "a: b: c"));
    push(
        "bracket closed that was not opened",
        value(sheet, field, "[1, 2]]"),
    );
    push("reserved character", value(sheet, field, "@abc"));
    if !field.prefix.is_empty() {
        let tabs = format!("\t{}", line.trim_start());
        push("tab as indent", vec![Edit::Replace(field.line, tabs)]);
    }
    let continues = sheet.lines.len() > field.line + 1;
    if continues {
        push("bracket not closed", value(sheet, field, "[1, 2"));
    }
}

fn json(sheet: &Sheet, field: &Field, changes: &mut Vec<Change>) {
    let line = sheet.line(field.line);
    let mut push = |operator, edits, effect| changes.push(change(operator, field, edits, effect));
    match line.strip_suffix(',') {
        Some(bare) => push(
            "comma missing",
            vec![Edit::Replace(field.line, bare.to_owned())],
            Effect::BrokenLine,
        ),
        None => push(
            "comma too many",
            vec![Edit::Replace(field.line, format!("{line},"))],
            Effect::BrokenLine,
        ),
    }
    push("bare word", value(sheet, field, "abc"), Effect::BrokenLine);
    push(
        "number with a leading zero",
        value(sheet, field, "012"),
        Effect::BrokenLine,
    );
    push(
        "unknown escape",
        value(sheet, field, "\"a\\qb\""),
        Effect::BrokenLine,
    );
    push(
        "half of a surrogate pair",
        value(sheet, field, "\"a\\ud83d\""),
        Effect::BrokenLine,
    );
    push(
        "string not closed",
        value(sheet, field, "\"abc"),
        Effect::BrokenEnd,
    );
    push("no value", value(sheet, field, ""), Effect::BrokenEnd);
    push(
        "single quotes",
        value(sheet, field, "'abc'"),
        Effect::BrokenEnd,
    );
    push(
        "colon missing",
        vec![Edit::Replace(field.line, line.replacen(':', " ", 1))],
        Effect::BrokenEnd,
    );
}

fn toml(sheet: &Sheet, field: &Field, changes: &mut Vec<Change>) {
    let line = sheet.line(field.line);
    let mut push =
        |operator, edits| changes.push(change(operator, field, edits, Effect::BrokenLine));
    push(
        "equals sign missing",
        vec![Edit::Replace(field.line, line.replacen('=', " ", 1))],
    );
    push("no value", value(sheet, field, ""));
    push("bare word", value(sheet, field, "abc"));
    push("quote not closed", value(sheet, field, "\"abc"));
    push("number with a leading zero", value(sheet, field, "012"));
    push("two values", value(sheet, field, "1 2"));
}
