//! YAML into nodes, event by event, so that nothing is expanded, overwritten or nested without a bound.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use super::limits::{MAX_DEPTH, MAX_NODES, too_deep, too_many_nodes};
use super::node::{Entry, Map, Node, Position, Value, duplicate, remove_repeated};
use super::path;
use super::scalar::resolve;
use super::words::quote;
use crate::diagnostic::{Code, Diagnostic};

/// Every document of the text, with what is wrong with its form.
///
/// After a fault of the syntax what could be read all the same is returned, its mappings marked as partial.
pub(super) fn documents(text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut loader = Loader::default();
    let error = match loader.load(text) {
        Ok(()) => return (loader.documents, loader.diagnostics),
        Err(Stop::Limit(diagnostic)) => return (Vec::new(), vec![diagnostic]),
        Err(Stop::Syntax(error)) => error,
    };
    let line = error.marker().line();
    for suspect in suspects(text, line) {
        let mut again = Loader::default();
        if again.load(&without_line(text, suspect)).is_ok() {
            let mut diagnostics = again.diagnostics;
            diagnostics.push(syntax(&error, text, suspect));
            let at_fault = again.documents.get_mut(loader.documents.len());
            at_fault.into_iter().for_each(Node::mark_partial);
            return (again.documents, diagnostics);
        }
    }
    loader.close();
    loader.diagnostics.push(syntax(&error, text, line));
    (loader.documents, loader.diagnostics)
}

/// The lines that may be at fault when the parser stops at `line`: the last three up to it that hold something.
fn suspects(text: &str, line: usize) -> Vec<usize> {
    let mut suspects: Vec<usize> = text
        .lines()
        .enumerate()
        .take(line)
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(index, _)| index + 1)
        .collect();
    suspects.reverse();
    suspects.truncate(3);
    suspects
}

fn without_line(text: &str, line: usize) -> String {
    text.split_inclusive('\n')
        .enumerate()
        .map(|(index, text)| match text.ends_with('\n') {
            _ if index + 1 != line => text,
            true => "\n",
            false => "",
        })
        .collect()
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

#[derive(Default)]
struct Loader {
    documents: Vec<Node>,
    diagnostics: Vec<Diagnostic>,
    frames: Vec<Frame>,
    nodes: usize,
}

impl Loader {
    fn load(&mut self, text: &str) -> Result<(), Stop> {
        let mut parser = Parser::new_from_str(text);
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
                self.unsupported(position, "an alias is used".to_owned());
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
            self.diagnostics.push(
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
                    self.diagnostics
                        .extend(repeated.iter().map(|entry| duplicate(&path, entry)));
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

    fn unsupported(&mut self, position: Position, message: String) {
        let path = self.path();
        self.diagnostics.push(
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
