//! TOML into nodes.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::limits::{MAX_DEPTH, MAX_NODES, too_deep, too_many_nodes};
use super::lines::Lines;
use super::node::{Entry, Map, Node, Position, Value};
use super::path;
use super::words::{clip, quote};
use crate::diagnostic::{Code, Diagnostic};

/// The table that the text is, with what is wrong with its form. What is missing at a fault of the syntax is left out.
pub(super) fn document(text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let lines = Lines::new(text);
    let mut builder = Builder {
        text,
        lines: &lines,
        depth: 0,
        nodes: 0,
        limit: None,
    };
    let map = builder.table(table.get_ref());
    if let Some(limit) = builder.limit {
        return (Vec::new(), vec![limit]);
    }
    let mut root = Node::new(Value::Map(map), Position::START);
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    for error in &errors {
        let span = error.span().unwrap_or_default();
        let position = lines.position(span.start);
        if error.message() == "duplicate key" {
            diagnostics.push(duplicate(text, &lines, table.get_ref(), span, position));
            continue;
        }
        root.mark_partial();
        // What the parser says further of a line that it could not read is about the same fault.
        let said =
            |known: &Diagnostic| known.code == Code::Syntax && known.line == Some(position.line);
        if !diagnostics.iter().any(said) {
            let line = lines.line(position.line);
            diagnostics.push(
                Diagnostic::error(
                    Code::Syntax,
                    "",
                    format!("{} is not well-formed TOML: {}", quote(line.trim()), error.message()),
                    "`key = value` under a `[table]`; a text in double quotes, every quote and bracket closed",
                )
                .at(position),
            );
        }
    }
    (vec![root], diagnostics)
}

struct Builder<'t> {
    text: &'t str,
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
            DeValue::Datetime(_) => Value::Text(self.text.get(span).unwrap_or_default().to_owned()),
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

fn duplicate(
    text: &str,
    lines: &Lines<'_>,
    root: &DeTable<'_>,
    span: Range<usize>,
    position: Position,
) -> Diagnostic {
    let key = text.get(span.clone()).unwrap_or_default();
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
        let inline = enclosing(text, root, span.start, &mut path);
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
