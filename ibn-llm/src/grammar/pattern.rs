//! The notation in which the rules of the grammar are written.
//!
//! A pattern is a sequence of items separated by spaces:
//! - `scale/set/run`: one of these words; `{comma}` is a sign, by the lexer's name
//! - `<count>`: what the rule `count` matches; `<n:count>` also keeps its value as `n`
//! - `[the]`: may be absent; `(of | for the)`: one of these sequences

use std::collections::{BTreeMap, BTreeSet};

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    /// One of these words, sorted.
    Words(Vec<&'static str>),
    Rule {
        rule: usize,
        label: Option<&'static str>,
    },
    Seq(Vec<Expr>),
    Alt(Vec<Expr>),
    Opt(Box<Expr>),
}

/// The numbers of the rules that were named so far, in any order of use and definition.
#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: BTreeMap<&'static str, usize>,
    pub(crate) words: BTreeSet<&'static str>,
}

impl Names {
    pub(crate) fn number(&mut self, name: &'static str) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(name).or_insert(next)
    }

    pub(crate) fn get(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.numbers.iter().map(|(name, number)| (*name, *number))
    }
}

/// Reads a pattern; `None` where it is malformed, which a test of the whole grammar excludes.
pub(crate) fn compile(text: &'static str, names: &mut Names) -> Option<Expr> {
    let mut reader = Reader {
        items: split(text),
        at: 0,
        names,
    };
    let expr = reader.alternatives()?;
    (reader.at == reader.items.len()).then_some(expr)
}

/// Brackets stand alone, everything else is separated by spaces.
fn split(text: &'static str) -> Vec<&'static str> {
    let mut items = Vec::new();
    for chunk in text.split_whitespace() {
        let mut rest = chunk;
        while !rest.is_empty() {
            let cut = match rest.find(['[', ']', '(', ')', '|']) {
                Some(0) => 1,
                Some(at) => at,
                None => rest.len(),
            };
            let (item, tail) = rest.split_at(cut);
            items.push(item);
            rest = tail;
        }
    }
    items
}

struct Reader<'a> {
    items: Vec<&'static str>,
    at: usize,
    names: &'a mut Names,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&'static str> {
        self.items.get(self.at).copied()
    }

    fn alternatives(&mut self) -> Option<Expr> {
        let mut branches = vec![self.sequence()?];
        while self.peek() == Some("|") {
            self.at += 1;
            branches.push(self.sequence()?);
        }
        match branches.len() {
            1 => branches.pop(),
            _ => Some(Expr::Alt(branches)),
        }
    }

    fn sequence(&mut self) -> Option<Expr> {
        let mut items = Vec::new();
        while let Some(item) = self.peek() {
            if matches!(item, "|" | "]" | ")") {
                break;
            }
            self.at += 1;
            items.push(match item {
                "[" => Expr::Opt(Box::new(self.until("]")?)),
                "(" => self.until(")")?,
                _ => self.item(item)?,
            });
        }
        match items.len() {
            0 => None,
            1 => items.pop(),
            _ => Some(Expr::Seq(items)),
        }
    }

    fn until(&mut self, close: &str) -> Option<Expr> {
        let inner = self.alternatives()?;
        (self.peek() == Some(close)).then(|| self.at += 1)?;
        Some(inner)
    }

    fn item(&mut self, item: &'static str) -> Option<Expr> {
        if let Some(inner) = item.strip_prefix('<') {
            let inner = inner.strip_suffix('>')?;
            let (label, name) = match inner.split_once(':') {
                Some((label, name)) => (Some(label), name),
                None => (None, inner),
            };
            let rule = self.names.number(name);
            return Some(Expr::Rule { rule, label });
        }
        let mut words: Vec<&'static str> =
            item.split('/').filter(|word| !word.is_empty()).collect();
        words.sort_unstable();
        self.names.words.extend(&words);
        (!words.is_empty()).then_some(Expr::Words(words))
    }
}
