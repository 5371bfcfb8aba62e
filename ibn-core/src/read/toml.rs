//! TOML into nodes.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::limits::{
    MAX_DEPTH, MAX_DIAGNOSTICS, MAX_NODES, RETRIED_BYTES, too_deep, too_many_nodes,
};
use super::lines::Lines;
use super::node::{Entry, Map, Node, Position, Value};
use super::path;
use super::words::{clip, quote};
use crate::diagnostic::{Code, Diagnostic};

/// How often a text is read again without its broken lines.
const ROUNDS: usize = 8;

/// The table that the text is, with what is wrong with its form.
///
/// After a fault of the syntax, what could be read all the same, its mappings marked as partial.
pub(super) fn document(text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
    let lines = Lines::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let (faults, duplicates) = faults(&lines, &errors);
    if faults.is_empty() {
        return nodes(&lines, &table, &duplicates, faults);
    }
    // Without the lines at fault the rest may be sound; then what was found on the way is a fault of its own.
    let mut found = faults.clone();
    let mut rest = text.to_owned();
    let rounds = if text.len() <= RETRIED_BYTES {
        ROUNDS
    } else {
        0
    };
    for _ in 0..rounds {
        let broken = lines_of(&found);
        rest = Lines::new(&rest).without(&broken);
        let rest_lines = Lines::new(&rest);
        let (table, errors) = DeTable::parse_recoverable(&rest);
        let (more, duplicates) = self::faults(&rest_lines, &errors);
        if more.is_empty() {
            return forgotten(nodes(&rest_lines, &table, &duplicates, found), &broken);
        }
        found.extend(more);
    }
    let broken = lines_of(&faults);
    forgotten(nodes(&lines, &table, &duplicates, faults), &broken)
}

fn lines_of(faults: &[Diagnostic]) -> BTreeSet<u32> {
    faults.iter().filter_map(|fault| fault.line).collect()
}

/// The same, with what stands in broken lines taken for unreadable.
fn forgotten(
    (mut nodes, diagnostics): (Vec<Node>, Vec<Diagnostic>),
    broken: &BTreeSet<u32>,
) -> (Vec<Node>, Vec<Diagnostic>) {
    for node in &mut nodes {
        node.mark_partial();
        forget(node, broken);
    }
    (nodes, diagnostics)
}

/// The faults of the syntax, one a line, and where keys stand for a second time.
fn faults(lines: &Lines<'_>, errors: &[toml::de::Error]) -> (Vec<Diagnostic>, Vec<Range<usize>>) {
    let mut faults: Vec<Diagnostic> = Vec::new();
    let mut duplicates = Vec::new();
    for error in errors {
        let span = error.span().unwrap_or_default();
        if error.message() == "duplicate key" {
            duplicates.push(span);
            continue;
        }
        let position = lines.position(span.start);
        // What the parser says further of a line that it could not read is about the same fault.
        if faults.iter().any(|known| known.line == Some(position.line)) {
            continue;
        }
        let line = lines.line(position.line);
        faults.push(
            Diagnostic::error(
                Code::Syntax,
                "",
                format!("{} is not well-formed TOML: {}", quote(line.trim()), error.message()),
                "`key = value` under a `[table]`; a text in double quotes, every quote and bracket closed",
            )
            .at(position),
        );
        if faults.len() > MAX_DIAGNOSTICS {
            break;
        }
    }
    (faults, duplicates)
}

fn nodes(
    lines: &Lines<'_>,
    table: &Spanned<DeTable<'_>>,
    duplicates: &[Range<usize>],
    mut diagnostics: Vec<Diagnostic>,
) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut builder = Builder {
        lines,
        depth: 0,
        nodes: 0,
        limit: None,
    };
    let map = builder.table(table.get_ref());
    if let Some(limit) = builder.limit {
        return (Vec::new(), vec![limit]);
    }
    diagnostics.extend(
        duplicates
            .iter()
            .take(MAX_DIAGNOSTICS)
            .map(|span| duplicate(lines, table.get_ref(), span)),
    );
    (
        vec![Node::new(Value::Map(map), Position::START)],
        diagnostics,
    )
}

/// Takes the scalars of broken lines for unreadable: what the parser made of them is a guess.
fn forget(node: &mut Node, broken: &BTreeSet<u32>) {
    match &mut node.value {
        Value::Map(map) => {
            for entry in &mut map.entries {
                forget(&mut entry.value, broken);
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| forget(item, broken)),
        value => {
            if broken.contains(&node.position.line) {
                *value = Value::Unreadable;
            }
        }
    }
}

struct Builder<'t> {
    lines: &'t Lines<'t>,
    depth: usize,
    nodes: usize,
    limit: Option<Diagnostic>,
}

impl Builder<'_> {
    fn table(&mut self, table: &DeTable<'_>) -> Map {
        let mut entries: Vec<(&Spanned<_>, &Spanned<DeValue<'_>>)> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        Map {
            entries: entries
                .into_iter()
                .map(|(key, value)| Entry {
                    key: key.get_ref().to_string(),
                    position: self.lines.position(key.span().start),
                    value: self.node(value),
                })
                .collect(),
            partial: false,
        }
    }

    fn node(&mut self, value: &Spanned<DeValue<'_>>) -> Node {
        let span = value.span();
        let position = self.lines.position(span.start);
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.limit.get_or_insert(too_many_nodes(position));
            return Node::new(Value::Unreadable, position);
        }
        if self.depth >= MAX_DEPTH {
            self.limit.get_or_insert(too_deep(position));
            return Node::new(Value::Unreadable, position);
        }
        self.depth += 1;
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => {
                Value::Number(number.as_str().to_owned())
            }
            DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
                .map_or_else(
                    |_| Value::Ambiguous(number.to_string()),
                    |number| Value::Number(number.to_string()),
                ),
            DeValue::Float(number) => Value::Number(number_text(number.as_str())),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Datetime(_) => {
                Value::Text(self.lines.text().get(span).unwrap_or_default().to_owned())
            }
            DeValue::Array(array) => {
                Value::List(array.iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => Value::Map(self.table(table)),
        };
        self.depth -= 1;
        Node::new(value, position)
    }
}

/// `inf` and `nan` as YAML writes them, so that one form reaches the decoders.
fn number_text(number: &str) -> String {
    match number.trim_start_matches('+') {
        "inf" => ".inf".to_owned(),
        "-inf" => "-.inf".to_owned(),
        "nan" | "-nan" => ".nan".to_owned(),
        _ => number.to_owned(),
    }
}

fn duplicate(lines: &Lines<'_>, root: &DeTable<'_>, span: &Range<usize>) -> Diagnostic {
    let key = lines.text().get(span.clone()).unwrap_or_default();
    let position = lines.position(span.start);
    let written = lines.line(position.line);
    let column = span.start.saturating_sub(lines.start(position.line));
    let before = written.get(..column).unwrap_or_default().trim_start();
    let mut path = String::new();
    if let Some(header) = before
        .strip_prefix("[[")
        .or_else(|| before.strip_prefix('['))
    {
        push_dotted(&mut path, header);
    } else {
        let inline = enclosing(lines.text(), root, span.start, &mut path);
        if !inline {
            push_dotted(&mut path, before);
        }
    }
    path::push_key(&mut path, key.trim_matches(['"', '\'']));
    Diagnostic::error(
        Code::DuplicateField,
        path,
        format!("{} stands twice in one table", quote(&clip(key, 80))),
        "each key and each `[table]` once; remove one of the two",
    )
    .at(position)
}

/// Appends `a.b.` of a dotted key.
fn push_dotted(path: &mut String, dotted: &str) {
    for part in dotted
        .split('.')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        path::push_key(path, part.trim_matches(['"', '\'']));
    }
}

/// Appends the path of the table in which `at` stands; whether that is an inline table.
fn enclosing(text: &str, root: &DeTable<'_>, at: usize, path: &mut String) -> bool {
    let mut search = Search {
        text,
        at,
        path: String::new(),
        best: None,
    };
    search.table(root);
    let found = search.best.unwrap_or_default();
    path.push_str(&found.path);
    found.inline
}

/// Looks for the table that begins last before `at`: an inline one that holds it, or the latest header above it.
struct Search<'t> {
    text: &'t str,
    at: usize,
    path: String,
    best: Option<Found>,
}

#[derive(Default)]
struct Found {
    start: usize,
    inline: bool,
    path: String,
}

impl Search<'_> {
    fn table(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            let length = self.path.len();
            path::push_key(&mut self.path, key.get_ref());
            self.value(value);
            self.path.truncate(length);
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>) {
        let span = value.span();
        match value.get_ref() {
            DeValue::Table(table) => {
                let inline = span.contains(&self.at);
                // A table that a dotted key made has the span of that key, so it begins with no bracket.
                let begins = self.text.get(span.start..).unwrap_or_default();
                let header = span.start < self.at && begins.starts_with('[');
                let later = self
                    .best
                    .as_ref()
                    .is_none_or(|found| found.start <= span.start);
                if (inline || header) && later {
                    self.best = Some(Found {
                        start: span.start,
                        inline,
                        path: self.path.clone(),
                    });
                }
                self.table(table);
            }
            DeValue::Array(array) => {
                for (index, item) in array.iter().enumerate() {
                    let length = self.path.len();
                    path::push_index(&mut self.path, index);
                    self.value(item);
                    self.path.truncate(length);
                }
            }
            _ => {}
        }
    }
}
