//! Cutting the text of a template into literal pieces and placeholders, each with the place that it stands in.

use std::collections::BTreeMap;

use super::{Hole, Piece, Place, push_value};
use crate::error::{Error, Result};

/// Cuts a text into pieces.
pub(super) struct Reader<'a> {
    /// Names the template in messages.
    pub(super) signal: &'a str,
    pub(super) parameters: &'a BTreeMap<String, String>,
    pub(super) pieces: Vec<Piece>,
}

impl Reader<'_> {
    pub(super) fn read(mut self, text: &str) -> Result<Vec<Piece>> {
        let mut rest = text;
        // The open quote and the kind of place in it: none where no matcher compares with it, or in other quotes than ".
        let mut quote: Option<(char, Option<Place>)> = None;
        let mut code = String::new();
        let mut literal = String::new();
        while let Some(c) = rest.chars().next() {
            if let Some(from) = rest.strip_prefix("{{") {
                let (name, after) = self.placeholder(from)?;
                let place = quote.map_or(Some(Place::Bare), |(_, place)| place);
                self.flush(&mut literal);
                let filled = self.hole(name, place)?;
                code.push_str(&filled);
                rest = after;
                continue;
            }
            let mut length = c.len_utf8();
            match quote {
                None if c == '#' => {
                    rest = rest
                        .find('\n')
                        .map_or("", |end| rest.get(end..).unwrap_or_default());
                    continue;
                }
                None if "\"'`".contains(c) => {
                    quote = Some((c, place_after(&code).filter(|_| c == '"')));
                }
                None => code.push(c),
                Some((open, _)) if c == open => quote = None,
                // What is escaped doesn't end the string.
                Some((open, _)) if c == '\\' && open != '`' => {
                    length += rest.chars().nth(1).map_or(0, char::len_utf8);
                }
                Some(_) => {}
            }
            literal.push_str(rest.get(..length).unwrap_or(rest));
            rest = rest.get(length..).unwrap_or_default();
        }
        self.flush(&mut literal);
        Ok(self.pieces)
    }

    fn flush(&mut self, literal: &mut String) {
        if !literal.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(literal)));
        }
    }

    /// The name up to the closing braces, and what follows.
    fn placeholder<'t>(&self, from: &'t str) -> Result<(&'t str, &'t str)> {
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        from.split_once("}}")
            .map(|(name, after)| (name.trim(), after))
            .filter(|(name, _)| is_name(name))
            .ok_or_else(|| self.wrong("`{{` is not followed by a name and `}}`"))
    }

    /// Adds a placeholder, or a parameter's value; returns what stands for it in the code outside of strings.
    fn hole(&mut self, name: &str, place: Option<Place>) -> Result<String> {
        let misplaced = || Error::Template {
            signal: self.signal.to_owned(),
            reason: format!(
                "`{{{{{name}}}}}` may not stand here: only in the value of a label matcher, in double quotes, or for a duration or number"
            ),
        };
        let built_in = Hole::ALL
            .into_iter()
            .find(|hole| hole.name() == name && *hole != Hole::Step);
        if let Some(hole) = built_in {
            let place = place
                .filter(|place| hole.may_stand_in(*place))
                .ok_or_else(misplaced)?;
            self.pieces.push(Piece::Hole(hole, place));
            return Ok(String::from("0"));
        }
        let value = self
            .parameters
            .get(name)
            .ok_or_else(|| Error::UnknownPlaceholder {
                signal: self.signal.to_owned(),
                placeholder: name.to_owned(),
            })?;
        let place = place
            .filter(|place| *place != Place::Bare || is_word(value))
            .ok_or_else(misplaced)?;
        let mut text = String::new();
        push_value(&mut text, value, place);
        self.pieces.push(Piece::Text(text.clone()));
        Ok(if place == Place::Bare {
            text
        } else {
            String::new()
        })
    }

    fn wrong(&self, reason: &str) -> Error {
        Error::Template {
            signal: self.signal.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

/// Numbers, durations, and names of metrics and labels: one word, whatever it means.
fn is_word(value: &str) -> bool {
    !value.is_empty()
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.'))
}

/// The place of a string, from the operator before it.
fn place_after(code: &str) -> Option<Place> {
    let code = code.trim_end();
    if code.ends_with("=~") || code.ends_with("!~") {
        Some(Place::Pattern)
    } else {
        code.ends_with('=').then_some(Place::Text)
    }
}
