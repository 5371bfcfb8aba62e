//! YAML into nodes, event by event, so that nothing is expanded, overwritten or nested without a bound.

use std::borrow::Cow;
use std::collections::BTreeSet;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use super::limits::{MAX_DEPTH, MAX_NODES, RETRIED_BYTES, push, too_deep, too_many_nodes};
use super::lines::Lines;
use super::node::{Entry, Map, Node, Position, Value, duplicate, remove_repeated};
use super::path;
use super::scalar::resolve;
use super::words::quote;
use crate::diagnostic::{Code, Diagnostic};

/// How often a text is read again without a line that may be at fault.
const ROUNDS: usize = 4;

/// Every document of the text, with what is wrong with its form.
///
/// After a fault of the syntax what could be read all the same is returned, its mappings marked as partial.
pub(super) fn documents(text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut first = Loader::new(text);
    let error = match first.load() {
        Ok(()) => return (first.documents, first.diagnostics),
        Err(Stop::Limit(diagnostic)) => return (Vec::new(), vec![diagnostic]),
        Err(Stop::Syntax(error)) => error,
    };
    if text.len() <= RETRIED_BYTES
        && let Some(mended) = without_faults(text, &error, first.documents.len())
    {
        return mended;
    }
    let line = error.marker().line();
    first.close();
    first.diagnostics.push(syntax(&error, text, line));
    (first.documents, first.diagnostics)
}

/// Reads the text without the lines that are at fault. `None` where some lines away it is no sounder.
fn without_faults(
    text: &str,
    error: &ScanError,
    document: usize,
) -> Option<(Vec<Node>, Vec<Diagnostic>)> {
    let mut text = Cow::Borrowed(text);
    let mut error = error.clone();
    let mut faults = Vec::new();
    let mut partial = vec![document];
    for _ in 0..ROUNDS {
        let mut furthest: Option<(u32, ScanError, usize)> = None;
        for suspect in suspects(&text, error.marker().line()) {
            let number = u32::try_from(suspect).unwrap_or(u32::MAX);
            let rest = Lines::new(&text).without(&[number].into());
            let mut again = Loader::new(&rest);
            match again.load() {
                Ok(()) => {
                    faults.push(syntax(&error, &text, suspect));
                    for index in partial {
                        let at_fault = again.documents.get_mut(index);
                        at_fault.into_iter().for_each(Node::mark_partial);
                    }
                    again.diagnostics.extend(faults);
                    return Some((again.documents, again.diagnostics));
                }
                Err(Stop::Syntax(next)) => {
                    // Only a fault further down can be another one.
                    let least = furthest
                        .as_ref()
                        .map_or(error.marker().line(), |(_, known, ..)| {
                            known.marker().line()
                        });
                    if next.marker().line() > least {
                        furthest = Some((number, next, again.documents.len()));
                    }
                }
                Err(Stop::Limit(_)) => {}
            }
        }
        let (suspect, next, document) = furthest?;
        faults.push(syntax(&error, &text, suspect as usize));
        error = next;
        text = Cow::Owned(Lines::new(&text).without(&[suspect].into()));
        partial.push(document);
    }
    None
}

/// The lines that may be at fault when the parser stops at `line`, the likeliest first: one that a tab indents, or that is
/// neither an entry nor an item, then the last three up to there that hold something.
fn suspects(text: &str, line: usize) -> Vec<usize> {
    let near: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(index, text)| (index + 1, text))
        .skip(line.saturating_sub(20))
        .take_while(|(number, _)| *number <= line + 1)
        .filter(|(_, text)| !text.trim().is_empty())
        .collect();
    let tab = |text: &str| {
        let indent = text.len() - text.trim_start().len();
        text.get(..indent)
            .is_some_and(|indent| indent.contains('\t'))
    };
    let odd = |text: &str| {
        let text = text.trim_start();
        !text.contains(':') && !text.starts_with(['-', '#', '}', ']', '"', '\''])
    };
    let latest = near
        .iter()
        .rev()
        .filter(|(number, _)| *number <= line)
        .take(3);
    let tabbed = near.iter().rev().filter(|(_, text)| tab(text)).take(1);
    let mut suspects: Vec<usize> = tabbed
        .chain(latest.clone().filter(|(_, text)| odd(text)))
        .chain(latest.clone())
        .map(|(number, _)| *number)
        .collect();
    let mut seen = BTreeSet::new();
    suspects.retain(|suspect| seen.insert(*suspect));
    suspects
}

fn syntax(error: &ScanError, text: &str, line: usize) -> Diagnostic {
    let marker = error.marker();
    let at_fault = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let indent: String = at_fault.chars().take_while(|c| c.is_whitespace()).collect();
    let position = if marker.line() == line {
        place(*marker)
    } else {
        Position::new(line, indent.chars().count() + 1)
    };
    let help = if indent.contains('\t') {
        "indent with spaces; YAML allows no tab there"
    } else if error.info().contains("anchor") {
        "write the value out where it is needed; aliases are not read"
    } else {
        "`key: value` and `- item`, nested by spaces; close every bracket and quote, and quote a text that holds `: ` or ` #`"
    };
    Diagnostic::error(
        Code::Syntax,
        "",
        format!(
            "{} is not well-formed YAML: {}",
            quote(at_fault.trim()),
            error.info()
        ),
        help,
    )
    .at(position)
}

fn place(marker: Marker) -> Position {
    Position::new(marker.line(), marker.col() + 1)
}

enum Stop {
    Syntax(ScanError),
    Limit(Diagnostic),
}

/// A collection that is not closed yet.
enum Frame {
    List {
        position: Position,
        items: Vec<Node>,
    },
    Map {
        position: Position,
        map: Map,
        key: Option<Key>,
    },
}

/// A key that waits for its value.
struct Key {
    text: String,
    position: Position,
    /// Set where the entry was reported and is left out.
    refused: bool,
}

struct Loader<'t> {
    lines: Lines<'t>,
    documents: Vec<Node>,
    diagnostics: Vec<Diagnostic>,
    frames: Vec<Frame>,
    nodes: usize,
}

impl<'t> Loader<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            lines: Lines::new(text),
            documents: Vec::new(),
            diagnostics: Vec::new(),
            frames: Vec::new(),
            nodes: 0,
        }
    }

    fn load(&mut self) -> Result<(), Stop> {
        let mut parser = Parser::new_from_str(self.lines.text());
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(Stop::Syntax)?;
            self.event(event, place(span.start))?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, position: Position) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, style, _, tag) => {
                self.count(position)?;
                if self.wants_key() {
                    self.key(&text, style == ScalarStyle::Plain, position);
                    return Ok(());
                }
                let value = match tag {
                    Some(tag) => {
                        self.unsupported(
                            position,
                            format!("the tag {} is used", quote(&tag.to_string())),
                        );
                        Value::Unreadable
                    }
                    None if style == ScalarStyle::Plain => resolve(&text),
                    None => Value::Text(text.into_owned()),
                };
                self.finish(Node::new(value, position));
            }
            Event::Alias(_) => {
                self.count(position)?;
                let alias = self.word(position);
                self.unsupported(position, format!("the alias {} is used", quote(alias)));
                self.finish(Node::new(Value::Unreadable, position));
            }
            Event::SequenceStart(_, tag) => {
                self.open(position, tag.is_some().then_some("sequence"))?;
                self.frames.push(Frame::List {
                    position,
                    items: Vec::new(),
                });
            }
            Event::MappingStart(_, tag) => {
                self.open(position, tag.is_some().then_some("mapping"))?;
                self.frames.push(Frame::Map {
                    position,
                    map: Map::default(),
                    key: None,
                });
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn count(&mut self, position: Position) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Stop::Limit(too_many_nodes(position)));
        }
        Ok(())
    }

    fn open(&mut self, position: Position, tagged: Option<&str>) -> Result<(), Stop> {
        self.count(position)?;
        if self.frames.len() >= MAX_DEPTH {
            return Err(Stop::Limit(too_deep(position)));
        }
        if let Some(what) = tagged {
            self.unsupported(position, format!("a {what} has a tag"));
        }
        Ok(())
    }

    fn wants_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Map { key: None, .. }))
    }

    fn key(&mut self, text: &str, plain: bool, position: Position) {
        let merge = plain && text == "<<";
        if merge {
            self.unsupported(position, "the merge key `<<` is used".to_owned());
        }
        if let Some(Frame::Map { key, map, .. }) = self.frames.last_mut() {
            map.partial |= merge;
            *key = Some(Key {
                text: text.to_owned(),
                position,
                refused: merge,
            });
        }
    }

    /// Puts a finished value where it belongs.
    fn finish(&mut self, node: Node) {
        if self.wants_key() && node.value != Value::Unreadable {
            let path = self.path();
            push(
                &mut self.diagnostics,
                Diagnostic::error(
                    Code::WrongType,
                    path,
                    "a key is no text",
                    "a plain word as the key",
                )
                .at(node.position),
            );
        }
        match self.frames.last_mut() {
            None => self.documents.push(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map {
                key: key @ None, ..
            }) => {
                *key = Some(Key {
                    text: String::new(),
                    position: node.position,
                    refused: true,
                });
            }
            Some(Frame::Map { map, key, .. }) => {
                if let Some(key) = key.take().filter(|key| !key.refused) {
                    map.entries.push(Entry {
                        key: key.text,
                        position: key.position,
                        value: node,
                    });
                }
            }
        }
    }

    fn end(&mut self) {
        match self.frames.pop() {
            None => {}
            Some(Frame::List { position, items }) => {
                self.finish(Node::new(Value::List(items), position));
            }
            Some(Frame::Map {
                position, mut map, ..
            }) => {
                let repeated = remove_repeated(&mut map);
                if !repeated.is_empty() {
                    let path = self.path();
                    for entry in &repeated {
                        push(&mut self.diagnostics, duplicate(&path, entry));
                    }
                }
                self.finish(Node::new(Value::Map(map), position));
            }
        }
    }

    /// Ends every open collection where the parser stopped.
    fn close(&mut self) {
        while let Some(frame) = self.frames.last_mut() {
            if let Frame::Map { map, key, .. } = frame {
                map.partial = true;
                *key = None;
            }
            self.end();
        }
    }

    /// What stands at a place, up to a space, comma or bracket.
    fn word(&self, position: Position) -> &'t str {
        let line = self.lines.line(position.line);
        let start = line
            .char_indices()
            .nth(position.column.saturating_sub(1) as usize)
            .map_or(line.len(), |(at, _)| at);
        let rest = line.get(start..).unwrap_or_default();
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}'))
            .unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }

    fn unsupported(&mut self, position: Position, message: String) {
        let path = self.path();
        push(&mut self.diagnostics,
            Diagnostic::error(
                Code::UnsupportedYaml,
                path,
                message,
                "write the value out where it is needed, and a text in quotes; no aliases, tags or merge keys are read",
            )
            .at(position),
        );
    }

    /// The path of the value that is being read.
    fn path(&self) -> String {
        let mut text = String::new();
        for frame in &self.frames {
            match frame {
                Frame::List { items, .. } => path::push_index(&mut text, items.len()),
                Frame::Map { key: Some(key), .. } => path::push_key(&mut text, &key.text),
                Frame::Map { .. } => {}
            }
        }
        text
    }
}
