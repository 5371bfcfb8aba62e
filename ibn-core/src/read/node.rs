//! The tree that every format is read into: values with the place where they stand in the text.

use std::collections::BTreeSet;

use super::path::{self, Segment};
use super::words::quote;
use crate::diagnostic::{Code, Diagnostic};

/// A value with the place where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it begins.
    pub position: Position,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in the line, in characters, from 1.
    pub column: u32,
}

impl Position {
    /// Where a text begins.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place; what is beyond 2^32 is the last place that can be said.
    #[must_use]
    pub(super) fn new(line: usize, column: usize) -> Self {
        let clip = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            line: clip(line),
            column: clip(column),
        }
    }
}

/// What stands at a place, before anybody asked for a type.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing: `null`, `~` or an empty place.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A decimal number as it is written, so that `0.10` and `1e3` stay exact; `.inf` and `.nan` too.
    Number(String),
    /// A text.
    Text(String),
    /// A word without quotes that readers of YAML disagree on: `no`, `010`, `0x1F`, `1_000`.
    Ambiguous(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping.
    Map(Map),
    /// Something that was reported already; nobody reports it again.
    Unreadable,
}

/// A mapping in the order of the text. No key stands in it twice: a second one is reported and left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Map {
    /// Keys and values.
    pub entries: Vec<Entry>,
    /// Set where a part of it could not be read, so that an absent key says nothing.
    pub partial: bool,
}

/// One key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub position: Position,
    /// The value.
    pub value: Node,
}

impl Map {
    /// The entry of this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Node {
    /// A value at a place.
    #[must_use]
    pub fn new(value: Value, position: Position) -> Self {
        Self { value, position }
    }

    /// The value below this key, where this is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(map) => map.get(key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// Where `path` stands: the key of its last part, or of the last part that is there.
    ///
    /// ```
    /// use ibn_core::read::{Format, parse};
    ///
    /// let (documents, _) = parse("spec:\n  priority: 101\n", Format::Yaml);
    /// let position = documents[0].locate("spec.priority");
    /// assert_eq!((position.line, position.column), (2, 3));
    /// ```
    #[must_use]
    pub fn locate(&self, path: &str) -> Position {
        self.follow(path).0
    }

    /// The place and the value of the last part of `path` that is there.
    pub(super) fn follow(&self, path: &str) -> (Position, &Node) {
        let mut node = self;
        let mut position = self.position;
        for segment in path::segments(path) {
            let next = match (&segment, &node.value) {
                (Segment::Key(key), Value::Map(map)) => {
                    map.get(key).map(|entry| (entry.position, &entry.value))
                }
                (Segment::Index(index), Value::List(list)) => {
                    list.get(*index).map(|node| (node.position, node))
                }
                _ => None,
            };
            let Some((found, below)) = next else { break };
            position = found;
            node = below;
        }
        (position, node)
    }

    /// Whether this is a mapping of which a part may be missing.
    pub(super) fn is_partial(&self) -> bool {
        matches!(&self.value, Value::Map(map) if map.partial)
    }

    /// Gives each diagnostic that has no line the place of its path in this document.
    ///
    /// For rules that look at typed values, such as those of [`crate::validate`].
    pub fn place(&self, diagnostics: &mut [Diagnostic]) {
        for diagnostic in diagnostics
            .iter_mut()
            .filter(|diagnostic| diagnostic.line.is_none())
        {
            let position = self.locate(&diagnostic.path);
            diagnostic.line = Some(position.line);
            diagnostic.column = Some(position.column);
        }
    }

    /// Marks every mapping as one of which a part may be missing.
    pub(super) fn mark_partial(&mut self) {
        match &mut self.value {
            Value::Map(map) => {
                map.partial = true;
                for entry in &mut map.entries {
                    entry.value.mark_partial();
                }
            }
            Value::List(list) => list.iter_mut().for_each(Self::mark_partial),
            _ => {}
        }
    }
}

/// Takes out each entry whose key stands in the mapping before.
pub(super) fn remove_repeated(map: &mut Map) -> Vec<Entry> {
    let mut seen = BTreeSet::new();
    let firsts: Vec<bool> = map
        .entries
        .iter()
        .map(|entry| seen.insert(entry.key.as_str()))
        .collect();
    if firsts.iter().all(|first| *first) {
        return Vec::new();
    }
    let (kept, repeated): (Vec<_>, Vec<_>) = std::mem::take(&mut map.entries)
        .into_iter()
        .zip(firsts)
        .partition(|(_, first)| *first);
    map.entries = kept.into_iter().map(|(entry, _)| entry).collect();
    repeated.into_iter().map(|(entry, _)| entry).collect()
}

/// The fault of a key that stands twice in the mapping at `path`.
pub(super) fn duplicate(path: &str, entry: &Entry) -> Diagnostic {
    Diagnostic::error(
        Code::DuplicateField,
        path::join(path, &entry.key),
        format!("{} stands twice in one mapping", quote(&entry.key)),
        "each field once; remove one of the two",
    )
    .at(entry.position)
}
