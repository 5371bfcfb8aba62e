//! JSON (RFC 8259) into nodes. Its own reader, since a reader of YAML takes no `\ud83d\ude00` and takes much that is no JSON.

use std::iter::Peekable;
use std::str::Chars;

use super::limits::{MAX_DEPTH, MAX_NODES, push, too_deep, too_many_nodes};
use super::node::{Entry, Map, Node, Position, Value, duplicate, remove_repeated};
use super::path;
use super::words::quote;
use crate::diagnostic::{Code, Diagnostic};

/// The value that the text is, with what is wrong with its form. After a fault of the syntax, what stands before it.
pub(super) fn document(text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut parser = Parser {
        chars: text.chars().peekable(),
        position: Position::START,
        path: String::new(),
        depth: 0,
        nodes: 0,
        stopped: false,
        diagnostics: Vec::new(),
    };
    parser.skip_space();
    if parser.chars.peek().is_none() {
        return (Vec::new(), Vec::new());
    }
    let node = parser.value();
    parser.skip_space();
    if !parser.stopped
        && let Some(c) = parser.chars.peek().copied()
    {
        parser.stop(
            format!("{} follows the value", quote(&c.to_string())),
            "one value, and nothing behind it",
        );
    }
    let limited = parser
        .diagnostics
        .iter()
        .position(|diagnostic| diagnostic.code == Code::InputTooLarge);
    if let Some(index) = limited {
        return (Vec::new(), vec![parser.diagnostics.swap_remove(index)]);
    }
    let mut node = node;
    if parser
        .diagnostics
        .iter()
        .any(|diagnostic| diagnostic.code == Code::Syntax)
    {
        node.mark_partial();
    }
    (vec![node], parser.diagnostics)
}

struct Parser<'t> {
    chars: Peekable<Chars<'t>>,
    /// Where the next character stands.
    position: Position,
    /// Of the value that is being read.
    path: String,
    depth: usize,
    nodes: usize,
    /// Set after a fault behind which nothing can be understood.
    stopped: bool,
    diagnostics: Vec<Diagnostic>,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' {
            self.position.line = self.position.line.saturating_add(1);
            self.position.column = 1;
        } else {
            self.position.column = self.position.column.saturating_add(1);
        }
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.chars.peek() == Some(&wanted);
        if found {
            self.next();
        }
        found
    }

    fn skip_space(&mut self) {
        while let Some(' ' | '\t' | '\n' | '\r') = self.chars.peek() {
            self.next();
        }
    }

    fn fault(&mut self, position: Position, message: String, help: &str) {
        let message = format!("not well-formed JSON: {message}");
        let fault = Diagnostic::error(Code::Syntax, self.path.clone(), message, help).at(position);
        push(&mut self.diagnostics, fault);
    }

    fn stop(&mut self, message: String, help: &str) -> Value {
        self.fault(self.position, message, help);
        self.stopped = true;
        Value::Unreadable
    }

    fn limit(&mut self, diagnostic: Diagnostic) -> Value {
        self.diagnostics.push(diagnostic);
        self.stopped = true;
        Value::Unreadable
    }

    fn value(&mut self) -> Node {
        let position = self.position;
        self.nodes += 1;
        let value = match self.chars.peek().copied() {
            _ if self.nodes > MAX_NODES => self.limit(too_many_nodes(position)),
            Some('{' | '[') if self.depth >= MAX_DEPTH => self.limit(too_deep(position)),
            Some('{') => self.object(),
            Some('[') => self.array(),
            Some('"') => match self.string() {
                Some(Quoted { text, sound: true }) => Value::Text(text),
                _ => Value::Unreadable,
            },
            Some('-' | '0'..='9') => self.number(),
            Some(c) if c.is_alphabetic() => self.word(),
            Some(c) => self.stop(
                format!("{} stands where a value is needed", quote(&c.to_string())),
                VALUES,
            ),
            None => self.stop("the text ends where a value is needed".to_owned(), VALUES),
        };
        Node::new(value, position)
    }

    fn object(&mut self) -> Value {
        self.next();
        self.depth += 1;
        let mut map = Map::default();
        let mut after_comma = None;
        loop {
            self.skip_space();
            let position = self.position;
            if self.take('}') {
                self.refuse_trailing_comma(after_comma);
                break;
            }
            if self.chars.peek() != Some(&'"') {
                self.stop_at_next("where a field's name in double quotes is needed");
                break;
            }
            let Some(Quoted { text: key, .. }) = self.string() else {
                break;
            };
            let length = self.path.len();
            path::push_key(&mut self.path, &key);
            let value = self.field_value();
            self.path.truncate(length);
            map.entries.push(Entry {
                key,
                position,
                value,
            });
            if self.stopped {
                break;
            }
            after_comma = self.separator('}');
            if self.stopped {
                break;
            }
        }
        self.depth -= 1;
        for entry in remove_repeated(&mut map) {
            push(&mut self.diagnostics, duplicate(&self.path, &entry));
        }
        Value::Map(map)
    }

    /// Reads `: value` behind a field's name. Where either is missing, what comes next is read all the same.
    fn field_value(&mut self) -> Node {
        self.skip_space();
        let behind = self.position;
        if !self.take(':') {
            self.fault(
                behind,
                "a `:` is missing".to_owned(),
                "a colon between a name and its value",
            );
        }
        let behind = self.position;
        self.skip_space();
        if let Some(',' | '}' | ']') = self.chars.peek() {
            self.fault(behind, "a value is missing".to_owned(), VALUES);
            return Node::new(Value::Unreadable, behind);
        }
        self.value()
    }

    fn array(&mut self) -> Value {
        self.next();
        self.depth += 1;
        let mut items = Vec::new();
        let mut after_comma = None;
        loop {
            self.skip_space();
            if self.take(']') {
                self.refuse_trailing_comma(after_comma);
                break;
            }
            let length = self.path.len();
            path::push_index(&mut self.path, items.len());
            let item = self.value();
            self.path.truncate(length);
            items.push(item);
            if self.stopped {
                break;
            }
            after_comma = self.separator(']');
            if self.stopped {
                break;
            }
        }
        self.depth -= 1;
        Value::List(items)
    }

    /// Reads the comma between two parts and returns where it stands; none where the collection ends.
    fn separator(&mut self, end: char) -> Option<Position> {
        let behind = self.position;
        self.skip_space();
        let position = self.position;
        if self.take(',') {
            return Some(position);
        }
        match self.chars.peek().copied() {
            Some(c) if c == end => {}
            // The start of a next part: only the comma is missing.
            Some(c) if c == '"' || (end == ']' && begins_value(c)) => {
                self.fault(
                    behind,
                    "a `,` is missing".to_owned(),
                    "a comma between two parts",
                );
            }
            _ => self.stop_at_next(&format!("where `,` or `{end}` is needed")),
        }
        None
    }

    fn refuse_trailing_comma(&mut self, comma: Option<Position>) {
        if let Some(position) = comma {
            self.fault(
                position,
                "a `,` stands behind the last part".to_owned(),
                "no comma there",
            );
        }
    }

    fn stop_at_next(&mut self, place: &str) {
        let found = match self.chars.peek() {
            Some(c) => format!("{} stands {place}", quote(&c.to_string())),
            None => format!("the text ends {place}"),
        };
        self.stop(
            found,
            "close every `{`, `[` and `\"`, and put a `,` between two parts",
        );
    }

    fn word(&mut self) -> Value {
        let position = self.position;
        let mut word = String::new();
        while let Some(c) = self.chars.peek().copied().filter(|c| c.is_alphanumeric()) {
            word.push(c);
            self.next();
        }
        match word.as_str() {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => {
                self.fault(position, format!("{} is no value", quote(&word)), VALUES);
                Value::Unreadable
            }
        }
    }

    fn number(&mut self) -> Value {
        let position = self.position;
        let mut number = String::new();
        while let Some(c) = self
            .chars
            .peek()
            .copied()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        {
            number.push(c);
            self.next();
        }
        if is_number(&number) {
            return Value::Number(number);
        }
        self.fault(
            position,
            format!("{} is no number", quote(&number)),
            "a decimal number such as `5`, `0.95` or `1e3`; anything else in double quotes",
        );
        Value::Unreadable
    }

    /// Reads a string whose opening quote is next; `None` where it is not closed.
    fn string(&mut self) -> Option<Quoted> {
        let start = self.position;
        self.next();
        let mut text = String::new();
        let mut sound = true;
        loop {
            let position = self.position;
            let mut unsound = |parser: &mut Self, message: &str, help| {
                sound = false;
                parser.fault(position, message.to_owned(), help);
            };
            match self.next() {
                Some('"') => return Some(Quoted { text, sound }),
                Some('\\') => match self.escape() {
                    Some(c) => text.push(c),
                    None => unsound(self, "an unknown escape", ESCAPES),
                },
                Some('\n' | '\r') | None => {
                    self.fault(
                        start,
                        "a string is not closed in its line".to_owned(),
                        "a `\"` at its end; a line break inside is `\\n`",
                    );
                    self.stopped = true;
                    return None;
                }
                Some('\t') => unsound(self, "a tab stands in a string", "`\\t`"),
                Some(c) => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let c = self
            .chars
            .peek()
            .copied()
            .filter(|c| *c != '\n' && *c != '\r')?;
        self.next();
        Some(match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.four_digits()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    return char::from_u32(unit);
                }
                if !(self.take('\\') && self.take('u')) {
                    return None;
                }
                let low = self
                    .four_digits()
                    .filter(|low| (0xdc00..0xe000).contains(low))?;
                return char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
            }
            _ => return None,
        })
    }

    fn four_digits(&mut self) -> Option<u32> {
        let mut number = 0;
        for _ in 0..4 {
            let digit = self.chars.peek()?.to_digit(16)?;
            self.next();
            number = number * 16 + digit;
        }
        Some(number)
    }
}

/// A string as it was read; not sound where a part of it was reported.
struct Quoted {
    text: String,
    sound: bool,
}

const ESCAPES: &str = "`\\\"`, `\\\\`, `\\/`, `\\b`, `\\f`, `\\n`, `\\r`, `\\t`, or `\\u` with four hexadecimal digits";
const VALUES: &str =
    "an object, an array, a string in double quotes, a number, `true`, `false` or `null`";

fn begins_value(c: char) -> bool {
    matches!(c, '{' | '[' | '"' | '-') || c.is_ascii_alphanumeric()
}

/// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent
            .is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}
