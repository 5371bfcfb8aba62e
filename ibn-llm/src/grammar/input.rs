//! A sentence made ready for matching: tokens, names of the catalog, and forgiven typos.

use std::collections::{BTreeMap, BTreeSet};

use ibn_core::catalog::Catalog;
use ibn_core::intent::IndicatorName;

use super::engine::Grammar;
use super::lex::{self, Kind, Token};
use super::sem::NameHit;
use super::vocabulary;

/// What a forgiven typo costs, so that a reading without one is preferred.
pub(crate) const TYPO: u32 = 10;
/// What a name that is not in the catalog costs.
pub(crate) const UNKNOWN: u32 = 100;
/// More tokens than any sentence has.
pub(crate) const MAX_TOKENS: usize = 120;

/// A sentence and what its words may be.
pub(crate) struct Input {
    text: String,
    tokens: Vec<Token>,
    /// The word that a misspelt one is taken for.
    repaired: Vec<Option<String>>,
    /// Whether the grammar knows the word as it stands.
    known: Vec<bool>,
    names: Vec<NameEdge>,
    /// Spans that are near to a name, though words of the grammar are in them: `check out` to `checkout`.
    near: Vec<(usize, usize)>,
    /// Plurals of workloads' names, by token.
    plurals: Vec<(usize, NameHit)>,
}

/// A span of tokens that is a name of the catalog.
#[derive(Debug, Clone)]
pub(crate) struct NameEdge {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) name: CatalogName,
}

/// What a name is the name of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CatalogName {
    /// A workload or a namespace, or both.
    Thing(NameHit),
    Container(String),
    Indicator(IndicatorName),
}

/// The names of a catalog, by their written form in lower case with hyphens for spaces.
pub(crate) struct NameIndex {
    things: BTreeMap<String, NameHit>,
    containers: BTreeMap<String, String>,
    indicators: BTreeMap<String, IndicatorName>,
    /// The longest name in tokens that spaces could make of it.
    longest: usize,
}

/// Lower case, with one hyphen for each run of spaces.
pub(crate) fn normal(text: &str) -> String {
    text.split_whitespace()
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join("-")
}

impl NameIndex {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let mut index = Self {
            things: BTreeMap::new(),
            containers: BTreeMap::new(),
            indicators: BTreeMap::new(),
            longest: 1,
        };
        for (number, workload) in catalog.workloads.iter().enumerate() {
            for name in workload.aliases.iter().chain([&workload.name]) {
                let hit = index.thing(name);
                if !hit.workloads.contains(&number) {
                    hit.workloads.push(number);
                }
            }
            index.thing(&workload.namespace).namespace = Some(workload.namespace.clone());
            for container in &workload.containers {
                index.note(&container.name);
                index
                    .containers
                    .insert(normal(&container.name), container.name.clone());
            }
        }
        for namespace in &catalog.namespaces {
            index.thing(namespace).namespace = Some(namespace.clone());
        }
        for indicator in &catalog.indicators {
            index.note(indicator);
            index.indicators.insert(
                normal(indicator),
                indicator
                    .parse()
                    .unwrap_or_else(|never: std::convert::Infallible| match never {}),
            );
        }
        index
    }

    fn note(&mut self, name: &str) {
        let parts = name
            .split(|c: char| !c.is_alphanumeric())
            .map(|part| 1 + part.len().min(6))
            .sum();
        self.longest = self.longest.max(parts);
    }

    fn thing(&mut self, name: &str) -> &mut NameHit {
        self.note(name);
        self.things.entry(normal(name)).or_insert_with(|| NameHit {
            text: name.to_owned(),
            workloads: Vec::new(),
            namespace: None,
            plural_of: None,
        })
    }

    /// The workloads whose plural a word is, where nothing has the word itself as its name.
    fn plural(&self, token: &Token) -> Option<NameHit> {
        let singular = token.lower.strip_suffix('s')?;
        let hit = self.things.get(singular).filter(|hit| {
            token.kind == Kind::Word && hit.namespace.is_none() && !singular.ends_with('s')
        })?;
        Some(NameHit {
            text: token.lower.clone(),
            plural_of: Some(singular.to_owned()),
            ..hit.clone()
        })
    }

    /// Whether a word of the grammar is one letter from a workload's name: `wed` from `web`.
    fn is_mistaken(&self, tokens: &[Token], known: &[bool], at: usize) -> bool {
        let Some(token) = tokens.get(at).filter(|it| it.kind == Kind::Word) else {
            return false;
        };
        let word = token.lower.as_str();
        let behind_slash = at
            .checked_sub(1)
            .and_then(|before| tokens.get(before))
            .is_some_and(|before| before.lower == "{slash}");
        let is_near = |name: &str| {
            name.len() >= 3
                && name.chars().next() == word.chars().next()
                && strsim::osa_distance(name, word) == 1
        };
        known.get(at).copied().unwrap_or(false)
            && (!token.glued || behind_slash)
            && !vocabulary::NEGATIONS.contains(&word)
            && self
                .things
                .iter()
                .any(|(name, hit)| !hit.workloads.is_empty() && is_near(name))
    }

    /// Every name that could be misspelt.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.things
            .keys()
            .chain(self.containers.keys())
            .chain(self.indicators.keys())
            .map(String::as_str)
    }

    fn edges(&self, text: &str, tokens: &[Token]) -> Vec<NameEdge> {
        let mut edges = Vec::new();
        for (start, first) in tokens.iter().enumerate() {
            let last = tokens
                .iter()
                .enumerate()
                .skip(start)
                .take(self.longest.min(24));
            for (at, token) in last {
                let written = normal(text.get(first.start..token.end).unwrap_or_default());
                let mut push = |name| {
                    edges.push(NameEdge {
                        start,
                        end: at + 1,
                        name,
                    });
                };
                if let Some(hit) = self.things.get(&written) {
                    push(CatalogName::Thing(hit.clone()));
                }
                if let Some(name) = self.containers.get(&written) {
                    push(CatalogName::Container(name.clone()));
                }
                if let Some(name) = self.indicators.get(&written) {
                    push(CatalogName::Indicator(name.clone()));
                }
            }
        }
        edges
    }
}

/// Leaves out the commas that courtesies leave behind, at the start and in pairs.
fn without_idle_signs(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let separates = matches!(
            token.lower.as_str(),
            "{comma}" | "{semicolon}" | "{stop}" | "{dash}" | "{colon}"
        );
        let idle = separates
            && kept
                .last()
                .is_none_or(|before| token.lower == "{comma}" && before.lower == "{comma}");
        if !idle {
            kept.push(token);
        }
    }
    kept
}

/// Spans of words, one of them known to the grammar, that would be near to a name if written together.
fn near_names(tokens: &[Token], known: &[bool], index: &NameIndex) -> Vec<(usize, usize)> {
    let names: Vec<String> = index
        .all()
        .filter(|name| name.chars().count() >= 5)
        .map(|name| name.replace('-', ""))
        .collect();
    let mut near = Vec::new();
    for start in 0..tokens.len() {
        let mut joined = String::new();
        for end in start + 1..=(start + 3).min(tokens.len()) {
            let Some(token) = tokens.get(end - 1).filter(|it| it.kind == Kind::Word) else {
                break;
            };
            joined.push_str(&token.lower.replace('-', ""));
            let has_known = known.iter().take(end).skip(start).any(|it| *it);
            let is_near = |name: &String| {
                name.len().abs_diff(joined.len()) <= 1 && strsim::osa_distance(name, &joined) <= 1
            };
            if has_known && names.iter().any(is_near) {
                near.push((start, end));
            }
        }
    }
    near
}

impl Input {
    /// Reads a text against the vocabulary of a grammar and the names of a catalog.
    pub(crate) fn new(text: &str, grammar: &Grammar, index: &NameIndex) -> Self {
        let all = lex::tokens(text);
        let named = index.edges(text, &all);
        let covered = |at: usize| named.iter().any(|edge| edge.start <= at && at < edge.end);
        let tokens: Vec<Token> = all
            .iter()
            .enumerate()
            .filter(|(at, token)| {
                covered(*at)
                    || !(vocabulary::is_courtesy(&token.lower)
                        || token.lower == "{bang}"
                        || token.lower == "thank"
                        || token.lower == "you"
                            && at
                                .checked_sub(1)
                                .and_then(|before| all.get(before))
                                .is_some_and(|before| before.lower == "thank"))
            })
            .map(|(_, token)| token.clone())
            .collect();
        let tokens = without_idle_signs(tokens);
        let names = index.edges(text, &tokens);
        let covered = |at: usize| names.iter().any(|edge| edge.start <= at && at < edge.end);
        let known: Vec<bool> = tokens
            .iter()
            .map(|token| grammar.knows(&token.lower))
            .collect();
        let repaired = tokens
            .iter()
            .enumerate()
            .map(|(at, token)| {
                let repairable = token.kind == Kind::Word
                    && !token.glued
                    && !known.get(at).copied().unwrap_or(true)
                    && !covered(at);
                repairable
                    .then(|| vocabulary::repair(&token.lower, grammar, index))
                    .flatten()
            })
            .collect();
        let near = (0..tokens.len())
            .filter(|at| index.is_mistaken(&tokens, &known, *at))
            .map(|at| (at, at + 1))
            .chain(near_names(&tokens, &known, index))
            .collect();
        let plurals = tokens
            .iter()
            .enumerate()
            .filter(|(at, _)| !covered(*at) && !known.get(*at).copied().unwrap_or(true))
            .filter_map(|(at, token)| Some((at, index.plural(token)?)))
            .collect();
        Self {
            text: text.to_owned(),
            near,
            plurals,
            tokens,
            repaired,
            known,
            names,
        }
    }

    /// The ends of the spans from here that are near to a name.
    pub(crate) fn near_at(&self, at: usize) -> impl Iterator<Item = usize> {
        self.near
            .iter()
            .filter(move |(start, _)| *start == at)
            .map(|(_, end)| *end)
    }

    /// The workloads whose name stands here in the plural.
    pub(crate) fn plural_at(&self, at: usize) -> Option<&NameHit> {
        self.plurals
            .iter()
            .find(|(token, _)| *token == at)
            .map(|(_, hit)| hit)
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(crate) fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at)
    }

    pub(crate) fn lower(&self, at: usize) -> Option<&str> {
        self.tokens.get(at).map(|token| token.lower.as_str())
    }

    /// What it costs to read one of `words` here; `None` where it can't be.
    pub(crate) fn word_cost(&self, at: usize, words: &[&'static str]) -> Option<u32> {
        let lower = self.lower(at)?;
        if words.binary_search(&lower).is_ok() {
            return Some(0);
        }
        let repaired = self.repaired.get(at)?.as_deref()?;
        words.binary_search(&repaired).is_ok().then_some(TYPO)
    }

    /// Whether one of `words` can be read here.
    pub(crate) fn is_one_of(&self, at: usize, words: &BTreeSet<&'static str>) -> bool {
        self.lower(at).is_some_and(|word| words.contains(word))
            || self
                .repaired
                .get(at)
                .and_then(Option::as_deref)
                .is_some_and(|word| words.contains(word))
    }

    /// Whether the grammar knows the word, as it stands.
    pub(crate) fn is_known(&self, at: usize) -> bool {
        self.known.get(at).copied().unwrap_or(false)
    }

    /// Whether the word is a forgiven typo.
    pub(crate) fn is_repaired(&self, at: usize) -> bool {
        self.repaired.get(at).is_some_and(Option::is_some)
    }

    /// Whether a name of the catalog covers the token.
    pub(crate) fn is_named(&self, at: usize) -> bool {
        self.names
            .iter()
            .any(|edge| edge.start <= at && at < edge.end)
    }

    /// Whether a name begins before the token and ends behind its beginning.
    pub(crate) fn is_named_across(&self, at: usize) -> bool {
        self.names
            .iter()
            .any(|edge| edge.start < at && at < edge.end)
    }

    /// The names that begin here.
    pub(crate) fn names_at(&self, at: usize) -> impl Iterator<Item = &NameEdge> {
        self.names.iter().filter(move |edge| edge.start == at)
    }

    /// The text of a span of tokens.
    pub(crate) fn span(&self, start: usize, end: usize) -> &str {
        let from = self.tokens.get(start).map(|token| token.start);
        let to = end
            .checked_sub(1)
            .and_then(|last| self.tokens.get(last))
            .map(|token| token.end);
        from.zip(to)
            .and_then(|(from, to)| self.text.get(from..to))
            .unwrap_or_default()
    }
}
