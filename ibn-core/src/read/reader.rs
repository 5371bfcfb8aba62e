//! The reader: knows where it is in a document, and collects what is wrong with it.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::fields::Fields;
use super::limits::{MAX_DIAGNOSTICS, finish};
use super::node::{Entry, Node, Position, Value};
use super::path;
use super::words::{alternatives, nearest, quote};
use crate::diagnostic::{Code, Diagnostic, Severity};

/// Walks a document, keeps the path of where it is, and collects every diagnostic.
///
/// The methods that return `Option` return `None` only after they reported an error, here or deeper; so a decoder
/// passes `None` on and says no more.
#[derive(Debug, Default)]
pub struct Reader {
    path: String,
    /// Where the keys and elements stand that lead here.
    places: Vec<Position>,
    diagnostics: Vec<Diagnostic>,
    errors: usize,
    /// Paths of fields that are written with a slip of the hand: as they were meant, and as they are written.
    slips: Vec<(String, String)>,
}

impl Reader {
    /// A reader at the top of a document.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that was reported, in the order of the text.
    #[must_use]
    pub fn finish(mut self) -> Vec<Diagnostic> {
        finish(&mut self.diagnostics);
        self.diagnostics
    }

    /// Whether an error was reported; then what was decoded is of no use.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors were reported, those that are not listed included.
    pub(super) fn error_count(&self) -> usize {
        self.errors
    }

    /// The path of the value that is being read.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reports that `node`, which is being read, can't be used.
    ///
    /// Put the offending value in backticks ([`super::quote`]), and say in `help` what is allowed.
    pub fn error(
        &mut self,
        node: &Node,
        code: Code,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let path = self.path.clone();
        self.report(Diagnostic::error(code, path, message, help).at(node.position));
    }

    /// Reports something about `node` that does not keep it from being used.
    pub fn warning(
        &mut self,
        node: &Node,
        code: Code,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let path = self.path.clone();
        self.report(Diagnostic::warning(code, path, message, help).at(node.position));
    }

    /// Adds what was found elsewhere, with the path of the whole document; nothing is listed twice.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        if diagnostic.severity == Severity::Error {
            self.errors += 1;
        }
        let known = |other: &Diagnostic| {
            other.code == diagnostic.code
                && other.path == diagnostic.path
                && (other.line == diagnostic.line || diagnostic.line.is_none())
        };
        let is_first_error = diagnostic.is_error() && self.errors == 1;
        if (!self.is_full() || is_first_error) && !self.diagnostics.iter().any(known) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Whether there are more diagnostics than will be listed; a further error need only be counted.
    fn is_full(&self) -> bool {
        self.diagnostics.len() > MAX_DIAGNOSTICS
    }

    /// Counts an error that is not listed, and returns whether that was all there was to do.
    pub(super) fn count_only(&mut self) -> bool {
        let is_enough = self.is_full() && self.errors > 0;
        self.errors += usize::from(is_enough);
        is_enough
    }

    /// Adds what the rules found on the typed value of `node`, which is being read, at the places of their paths in it.
    ///
    /// What a rule says of something that is absent is dropped where a part of it is there and could not be read.
    pub(super) fn report_rules(&mut self, node: &Node, found: Vec<Diagnostic>) {
        for mut diagnostic in found {
            let mut full = path::concat(&self.path, &diagnostic.path);
            // Outer slips were met first, and inner ones know the outer as they are written.
            for (meant, written) in &self.slips {
                if path::is_within(&full, meant) {
                    let below = full.get(meant.len()..).unwrap_or_default();
                    full = format!("{written}{below}");
                }
            }
            let inner = full.get(self.path.len()..).unwrap_or_default();
            let (position, value) = node.follow(inner);
            let says_absent = diagnostic.code == Code::EmptyDirective;
            let known = self.diagnostics.iter().any(|known| {
                let same = known.code == diagnostic.code && known.path == full;
                same || (says_absent && path::is_within(&known.path, &full))
            });
            if known || (says_absent && value.is_partial()) {
                continue;
            }
            diagnostic.path = full;
            self.report(diagnostic.at(position));
        }
    }

    /// Notes that the field `meant` of the mapping that is being read is written as `written`.
    pub(super) fn note_slip(&mut self, meant: &str, written: &str) {
        let slip = (
            path::join(&self.path, meant),
            path::join(&self.path, written),
        );
        self.slips.push(slip);
    }

    /// Reads a mapping that may have the fields `allowed`, and reports every other one.
    ///
    /// A field with a slip of the hand in its name is reported and then read as the one that was meant, so that what
    /// is wrong inside it is found too.
    #[must_use]
    pub fn fields<'r, 'n>(
        &'r mut self,
        node: &'n Node,
        allowed: &'r [&'static str],
    ) -> Option<Fields<'r, 'n>> {
        Fields::new(self, node, allowed, &[])
    }

    /// Reads a text.
    #[must_use]
    pub fn text<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) => Some(text),
            Value::Ambiguous(word) | Value::Number(word) => {
                let help = format!("put it in quotes: \"{word}\"");
                let message = match &node.value {
                    Value::Number(_) => {
                        format!("{} is a number where a text is needed", quote(word))
                    }
                    _ => format!(
                        "{} is a text to some readers of YAML and none to others",
                        quote(word)
                    ),
                };
                self.error(node, Code::WrongType, message, help);
                None
            }
            Value::Bool(value) => {
                let message = format!("`{value}` is a boolean where a text is needed");
                self.error(
                    node,
                    Code::WrongType,
                    message,
                    format!("put it in quotes: \"{value}\""),
                );
                None
            }
            _ => self.wrong_type(node, "a text"),
        }
    }

    /// Reads a text in a form of its own: `parse` gives the value, or `None` where the text is not `expected`.
    #[must_use]
    pub fn parse<T>(
        &mut self,
        node: &Node,
        code: Code,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = match &node.value {
            Value::Text(text) | Value::Number(text) | Value::Ambiguous(text) => text,
            _ => return self.wrong_type(node, expected),
        };
        let value = parse(text).filter(|_| matches!(node.value, Value::Text(_)));
        if value.is_none() {
            self.error(
                node,
                code,
                format!("{} is not {expected}", quote(text)),
                expected,
            );
        }
        value
    }

    /// Reads one word of a closed list.
    #[must_use]
    pub fn one_of<T: Copy>(&mut self, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let word = match &node.value {
            Value::Text(word) | Value::Ambiguous(word) | Value::Number(word) => word.clone(),
            Value::Bool(value) => value.to_string(),
            _ => return self.wrong_type(node, &format!("one of {}", alternatives(&names))),
        };
        let found = words.iter().find(|(name, _)| *name == word);
        if found.is_none() {
            let message = format!(
                "{} is not one of the words that are allowed here",
                quote(&word)
            );
            self.error(
                node,
                Code::UnknownVariant,
                message,
                suggestion(&word, &names),
            );
        }
        found.map(|(_, value)| *value)
    }

    /// Reads a whole number inside `range`.
    #[must_use]
    pub fn whole<T>(&mut self, node: &Node, range: RangeInclusive<T>) -> Option<T>
    where
        T: Copy + Display + Into<i128> + TryFrom<i128>,
    {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        let written = self.number_text(node, &allowed)?;
        let number = match whole_number(written) {
            Whole::Number(number) => number,
            Whole::Fraction => {
                let message = format!("{} is no whole number", quote(written));
                self.error(node, Code::WrongType, message, allowed);
                return None;
            }
            Whole::OutOfReach => None,
        };
        let (start, end) = ((*range.start()).into(), (*range.end()).into());
        let value = number
            .filter(|number| (start..=end).contains(number))
            .and_then(|number| T::try_from(number).ok());
        if value.is_none() {
            let message = format!("{} is out of range", quote(written));
            self.error(node, Code::OutOfRange, message, allowed);
        }
        value
    }

    /// Reads a finite number inside `range`.
    #[must_use]
    pub fn number(&mut self, node: &Node, range: RangeInclusive<f64>) -> Option<f64> {
        let (start, end) = (*range.start(), *range.end());
        let allowed = match (start > f64::MIN, end < f64::MAX) {
            (false, false) => "a finite number".to_owned(),
            (true, false) => format!("a number of at least {start}"),
            (false, true) => format!("a number of at most {end}"),
            (true, true) => format!("a number from {start} to {end}"),
        };
        let written = self.number_text(node, &allowed)?;
        let value = float(written).filter(|number| range.contains(number) && number.is_finite());
        if value.is_none() {
            let message = format!("{} is out of range", quote(written));
            self.error(node, Code::OutOfRange, message, allowed);
        }
        value
    }

    /// Reads a list and hands each element to `decode`; one that could not be decoded is `None`.
    #[must_use]
    pub fn each<T>(
        &mut self,
        node: &Node,
        mut decode: impl FnMut(&Node, &mut Self) -> Option<T>,
    ) -> Option<Vec<Option<T>>> {
        let Value::List(items) = &node.value else {
            return self.wrong_type(node, "a list");
        };
        let length = self.path.len();
        let mut decoded = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            path::push_index(&mut self.path, index);
            self.places.push(item.position);
            decoded.push(decode(item, self));
            self.places.pop();
            self.path.truncate(length);
        }
        Some(decoded)
    }

    /// Reads a mapping with free keys and hands each entry to `decode`; one that could not be decoded is left out.
    #[must_use]
    pub fn each_entry<T>(
        &mut self,
        node: &Node,
        mut decode: impl FnMut(&Entry, &mut Self) -> Option<T>,
    ) -> Option<Vec<(String, T)>> {
        let Value::Map(map) = &node.value else {
            return self.wrong_type(node, "a mapping");
        };
        let mut decoded = Vec::with_capacity(map.entries.len());
        for entry in &map.entries {
            let value = self.below(entry, |reader| decode(entry, reader));
            decoded.extend(value.map(|value| (entry.key.clone(), value)));
        }
        Some(decoded)
    }

    /// Reports that `node` has another type than `expected`, which is a noun: "a list", "a duration such as `5m`".
    pub fn wrong_type<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        if !self.count_only()
            && let Some(found) = describe(&node.value)
        {
            let message = format!("{found} stands where {expected} is needed");
            self.error(node, Code::WrongType, message, expected);
        }
        None
    }

    /// The text of a number; what is none is reported.
    pub(super) fn number_text<'n>(&mut self, node: &'n Node, allowed: &str) -> Option<&'n str> {
        match &node.value {
            Value::Number(written) => Some(written),
            Value::Ambiguous(word) => {
                let message = format!(
                    "{} is one number to some readers of YAML and none or another to others",
                    quote(word)
                );
                let help = format!("{allowed}, in decimal digits without leading zeros or `_`");
                self.error(node, Code::WrongType, message, help);
                None
            }
            Value::Text(text) if float(text).is_some() => {
                let message = format!("{} is a text where a number is needed", quote(text));
                self.error(
                    node,
                    Code::WrongType,
                    message,
                    format!("{allowed}, without quotes"),
                );
                None
            }
            _ => self.wrong_type(node, allowed),
        }
    }

    /// Reads the value of `entry` by `decode`, one step further down.
    pub(super) fn below<T>(&mut self, entry: &Entry, decode: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        path::push_key(&mut self.path, &entry.key);
        self.places.push(entry.position);
        let value = decode(self);
        self.places.pop();
        self.path.truncate(length);
        value
    }

    /// Where the key or element stands that leads to what is being read.
    pub(super) fn place(&self, node: &Node) -> Position {
        self.places.last().copied().unwrap_or(node.position)
    }
}

/// "did you mean …" where a word is near, and always what is allowed.
pub(super) fn suggestion<S: AsRef<str>>(word: &str, allowed: &[S]) -> String {
    let allowed_text = alternatives(allowed);
    match nearest(word, allowed) {
        Some(meant) if allowed.len() > 1 => {
            format!("did you mean {}? Allowed: {allowed_text}", quote(meant))
        }
        Some(meant) => format!("did you mean {}?", quote(meant)),
        None => format!("allowed: {allowed_text}"),
    }
}

/// What stands there, for a person; nothing for what was reported already.
fn describe(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => format!("the boolean `{value}`"),
        Value::Number(number) => format!("the number {}", quote(number)),
        Value::Text(text) => format!("the text {}", quote(text)),
        Value::Ambiguous(word) => format!("the word {}", quote(word)),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a mapping".to_owned(),
        Value::Unreadable => return None,
    })
}

enum Whole {
    /// `None` beyond what `i128` holds.
    Number(Option<i128>),
    Fraction,
    OutOfReach,
}

/// A whole number, also where it is written as `5.0` or `1e3`.
fn whole_number(text: &str) -> Whole {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Whole::Number(text.strip_prefix('+').unwrap_or(text).parse().ok());
    }
    match float(text) {
        Some(number) if !number.is_finite() => Whole::OutOfReach,
        // 2^53: up to there every whole number is one value.
        Some(number) if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 => {
            Whole::Number(Some(number as i128))
        }
        Some(number) if number.fract() == 0.0 => Whole::OutOfReach,
        _ => Whole::Fraction,
    }
}

/// The number that a number's text stands for; not finite for `.inf` and `.nan`.
pub(super) fn float(text: &str) -> Option<f64> {
    match text.trim_start_matches('+') {
        ".inf" | ".Inf" | ".INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        text if text.bytes().any(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}
