//! Changes of lines, alone or several at once, with the faults that they make.

use ibn_core::diagnostic::Code;

use super::sheet::Sheet;
use super::{Expected, Mutant};

/// One fault, put into a text.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) operator: &'static str,
    pub(super) edits: Vec<Edit>,
    pub(super) code: Code,
    /// None where the path is not known, as with a fault of the syntax.
    pub(super) path: Option<String>,
    pub(super) anchor: Anchor,
    pub(super) help: Vec<String>,
    /// What it touches: two changes go together only where neither scope lies inside the other.
    pub(super) scope: String,
    pub(super) effect: Effect,
}

/// What a change does to what can be found besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    Plain,
    /// Something is absent, which a fault of the syntax may hide.
    Absence,
    /// The syntax is broken, and the rest is read all the same.
    BrokenLine,
    /// The syntax is broken, and nothing behind it can be read.
    BrokenEnd,
}

/// A change of whole lines, counted from 0.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    Replace(usize, String),
    InsertAfter(usize, Vec<String>),
    Delete(usize, usize),
}

/// Where the fault is to be found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    /// In this line of the text before.
    Line(usize),
    /// In the first line that is put in behind this one.
    Inserted(usize),
    /// In the first line with a field.
    FirstField,
    /// In this line of the text after, from 1.
    Fixed(u32),
}

impl Change {
    fn lines(&self) -> Vec<usize> {
        self.edits
            .iter()
            .flat_map(|edit| match edit {
                Edit::Replace(line, _) | Edit::InsertAfter(line, _) => *line..*line + 1,
                Edit::Delete(start, end) => *start..*end,
            })
            .collect()
    }

    /// Whether both can be made in one text and be found apart.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        let broken =
            |change: &Self| matches!(change.effect, Effect::BrokenLine | Effect::BrokenEnd);
        let hides = |one: &Self, other: &Self| {
            one.effect == Effect::BrokenEnd
                || (broken(one) && (broken(other) || other.effect == Effect::Absence))
        };
        let mine = self.lines();
        !hides(self, other)
            && !hides(other, self)
            && !is_within(&self.scope, &other.scope)
            && !is_within(&other.scope, &self.scope)
            && !other.lines().iter().any(|line| mine.contains(line))
    }
}

fn is_within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| {
        rest.is_empty() || outer.is_empty() || rest.starts_with('.') || rest.starts_with('[')
    })
}

/// The text with all changes made, and where each is to be found in it.
pub(super) fn apply(sheet: &Sheet, changes: &[&Change]) -> Option<Mutant> {
    let edits: Vec<&Edit> = changes.iter().flat_map(|change| &change.edits).collect();
    let mut text: Vec<&str> = Vec::new();
    let mut moved: Vec<Option<usize>> = vec![None; sheet.lines.len()];
    let mut inserted: Vec<Option<usize>> = vec![None; sheet.lines.len()];
    for (number, line) in sheet.lines.iter().enumerate() {
        let is_deleted = edits.iter().any(
            |edit| matches!(edit, Edit::Delete(start, end) if (*start..*end).contains(&number)),
        );
        let replaced = edits.iter().find_map(|edit| match edit {
            Edit::Replace(at, line) if *at == number => Some(line.as_str()),
            _ => None,
        });
        if !is_deleted {
            *moved.get_mut(number)? = Some(text.len());
            text.push(replaced.unwrap_or(line));
        }
        for edit in &edits {
            if let Edit::InsertAfter(at, lines) = edit
                && *at == number
            {
                *inserted.get_mut(number)? = Some(text.len());
                text.extend(lines.iter().map(String::as_str));
            }
        }
    }
    let first = sheet
        .fields
        .iter()
        .find_map(|field| *moved.get(field.line)?)?;
    let mut expected = Vec::new();
    for change in changes {
        let line = match change.anchor {
            Anchor::Line(line) => moved.get(line).copied().flatten()?,
            Anchor::Inserted(line) => inserted.get(line).copied().flatten()?,
            Anchor::FirstField => first,
            Anchor::Fixed(line) => line as usize - 1,
        };
        expected.push(Expected {
            code: change.code,
            path: change.path.clone(),
            line: u32::try_from(line + 1).ok()?,
            help: change.help.clone(),
        });
    }
    let operators: Vec<&str> = changes.iter().map(|change| change.operator).collect();
    let mut text = text.join("\n");
    text.push('\n');
    Some(Mutant {
        operator: operators.join(" + "),
        text,
        expected,
    })
}
