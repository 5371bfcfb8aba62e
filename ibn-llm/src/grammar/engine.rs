//! Matches rules against tokens: every reading of every span, each with its cost.
//!
//! A rule's alternatives are tried at every place where they could begin, so that a sentence with two
//! readings shows both. Results are kept by rule and place; nothing depends on the order of a map.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::input::Input;
use super::pattern::{self, Expr, Names};
use super::sem::Sem;

/// What a matched alternative means; `None` where the values that it matched don't fit together.
pub(crate) type Action = fn(&Caps<'_>) -> Option<Sem>;

/// A reader of tokens that is code: all its readings at a place, as end, cost and value.
pub(crate) type Builtin = fn(&Input, usize) -> Vec<(usize, u32, Sem)>;

/// The rules, ready to match.
pub(crate) struct Grammar {
    rules: Vec<Rule>,
    names: Names,
    /// Patterns that could not be read, for the test that there are none.
    #[cfg(test)]
    faults: Vec<String>,
}

#[derive(Default)]
struct Rule {
    builtin: Option<Builtin>,
    alternatives: Vec<Alternative>,
    /// What the rule can begin with.
    first: First,
}

struct Alternative {
    expr: Expr,
    action: Action,
    cost: u32,
    first: First,
}

/// What a pattern can begin with: words, and rules that are code.
#[derive(Default, Clone, PartialEq, Eq)]
struct First {
    words: BTreeSet<&'static str>,
    builtins: BTreeSet<usize>,
    /// Whether it can match nothing at all.
    empty: bool,
}

impl First {
    fn take(&mut self, other: &Self) {
        self.words.extend(&other.words);
        self.builtins.extend(&other.builtins);
    }

    /// The beginnings of an expression, as far as those of its rules are known.
    fn of(expr: &Expr, rules: &[Rule]) -> Self {
        let mut first = Self::default();
        match expr {
            Expr::Words(words) => first.words.extend(words),
            Expr::Rule { rule, .. } => {
                if let Some(known) = rules.get(*rule) {
                    if known.builtin.is_some() {
                        first.builtins.insert(*rule);
                    }
                    first.take(&known.first);
                    first.empty = known.first.empty;
                }
            }
            Expr::Seq(items) => {
                first.empty = true;
                for item in items {
                    let next = Self::of(item, rules);
                    first.take(&next);
                    if !next.empty {
                        first.empty = false;
                        break;
                    }
                }
            }
            Expr::Alt(branches) => {
                for branch in branches {
                    let next = Self::of(branch, rules);
                    first.take(&next);
                    first.empty |= next.empty;
                }
            }
            Expr::Opt(inner) => {
                first = Self::of(inner, rules);
                first.empty = true;
            }
        }
        first
    }
}

/// Collects rules.
#[derive(Default)]
pub(crate) struct Builder {
    rules: Vec<Rule>,
    names: Names,
    #[cfg(test)]
    faults: Vec<String>,
}

impl Builder {
    fn slot(&mut self, name: &'static str) -> Option<&mut Rule> {
        let number = self.names.number(name);
        if self.rules.len() <= number {
            self.rules.resize_with(number + 1, Rule::default);
        }
        self.rules.get_mut(number)
    }

    /// Adds alternatives that mean the same.
    pub(crate) fn rule(&mut self, name: &'static str, patterns: &[&'static str], action: Action) {
        self.costly(name, 0, patterns, action);
    }

    /// Adds alternatives that are taken only where nothing cheaper reads the sentence.
    pub(crate) fn costly(
        &mut self,
        name: &'static str,
        cost: u32,
        patterns: &[&'static str],
        action: Action,
    ) {
        for text in patterns {
            let Some(expr) = pattern::compile(text, &mut self.names) else {
                #[cfg(test)]
                self.faults.push(format!("{name}: {text}"));
                continue;
            };
            if let Some(rule) = self.slot(name) {
                rule.alternatives.push(Alternative {
                    expr,
                    action,
                    cost,
                    first: First::default(),
                });
            }
        }
    }

    /// Adds alternatives whose words are all that they say.
    pub(crate) fn words(&mut self, name: &'static str, patterns: &[&'static str]) {
        self.rule(name, patterns, |_| Some(Sem::Unit));
    }

    /// Sets a rule that is code.
    pub(crate) fn builtin(&mut self, name: &'static str, builtin: Builtin) {
        if let Some(rule) = self.slot(name) {
            rule.builtin = Some(builtin);
        }
    }

    pub(crate) fn build(mut self) -> Grammar {
        let len = self.names.len();
        self.rules.resize_with(len, Rule::default);
        find_beginnings(&mut self.rules);
        Grammar {
            rules: self.rules,
            names: self.names,
            #[cfg(test)]
            faults: self.faults,
        }
    }
}

/// Finds what each rule and alternative can begin with, until nothing new is found.
fn find_beginnings(rules: &mut [Rule]) {
    loop {
        let mut changed = false;
        for number in 0..rules.len() {
            let mut first = First::default();
            let found: Vec<First> = rules
                .get(number)
                .map(|rule| &rule.alternatives)
                .into_iter()
                .flatten()
                .map(|alternative| First::of(&alternative.expr, rules))
                .collect();
            for next in &found {
                first.take(next);
                first.empty |= next.empty;
            }
            if let Some(rule) = rules.get_mut(number) {
                changed |= rule.first != first;
                rule.first = first;
                for (alternative, first) in rule.alternatives.iter_mut().zip(found) {
                    alternative.first = first;
                }
            }
        }
        if !changed {
            break;
        }
    }
}

impl Grammar {
    /// The closed list of words that the patterns speak of.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.names.words.iter().copied()
    }

    pub(crate) fn knows(&self, word: &str) -> bool {
        self.names.words.contains(word)
    }

    /// Patterns that can't be read, and rules that are named but not defined.
    #[cfg(test)]
    pub(crate) fn faults(&self) -> Vec<String> {
        let undefined = self.names.iter().filter(|(_, number)| {
            self.rules
                .get(*number)
                .is_none_or(|rule| rule.builtin.is_none() && rule.alternatives.is_empty())
        });
        self.faults
            .iter()
            .cloned()
            .chain(undefined.map(|(name, _)| format!("no rule `{name}`")))
            .collect()
    }
}

/// One reading of a span that starts where it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) end: usize,
    pub(crate) cost: u32,
    pub(crate) sem: Sem,
}

/// The values that an alternative kept under labels.
#[derive(Clone, Copy)]
pub(crate) struct Caps<'a> {
    head: Option<&'a Cap>,
}

struct Cap {
    label: &'static str,
    sem: Sem,
    before: Option<Rc<Cap>>,
}

impl<'a> Caps<'a> {
    /// The value under a label, the last one where it was kept twice.
    pub(crate) fn get(&self, label: &str) -> Option<&'a Sem> {
        let mut at = self.head;
        while let Some(cap) = at {
            if cap.label == label {
                return Some(&cap.sem);
            }
            at = cap.before.as_deref();
        }
        None
    }

    /// All values under a label, in the order of the sentence.
    pub(crate) fn all(&self, label: &str) -> Vec<&'a Sem> {
        let mut found = Vec::new();
        let mut at = self.head;
        while let Some(cap) = at {
            if cap.label == label {
                found.push(&cap.sem);
            }
            at = cap.before.as_deref();
        }
        found.reverse();
        found
    }
}

#[derive(Clone)]
struct State {
    at: usize,
    cost: u32,
    caps: Option<Rc<Cap>>,
}

/// More readings of one span than any sentence has; what is over is dropped, dearest first.
const MAX_READINGS: usize = 24;
/// More open matches than any sentence has.
const MAX_STATES: usize = 96;

/// Matches one input.
pub(crate) struct Chart<'a> {
    grammar: &'a Grammar,
    input: &'a Input,
    memo: Vec<Option<Rc<[Reading]>>>,
    open: Vec<bool>,
}

impl<'a> Chart<'a> {
    pub(crate) fn new(grammar: &'a Grammar, input: &'a Input) -> Self {
        let cells = grammar.rules.len() * (input.len() + 1);
        Self {
            grammar,
            input,
            memo: vec![None; cells],
            open: vec![false; cells],
        }
    }

    /// All readings of a rule at a place, cheapest first.
    pub(crate) fn read(&mut self, rule: &str, at: usize) -> Rc<[Reading]> {
        match self.grammar.names.get(rule) {
            Some(number) => self.rule(number, at),
            None => Rc::from([]),
        }
    }

    fn rule(&mut self, number: usize, at: usize) -> Rc<[Reading]> {
        let cell = number * (self.input.len() + 1) + at;
        if let Some(known) = self.memo.get(cell).and_then(Option::as_ref) {
            return Rc::clone(known);
        }
        // A rule that begins with itself reads nothing; the grammar has none.
        match self.open.get_mut(cell) {
            Some(open) if !*open => *open = true,
            _ => return Rc::from([]),
        }
        let found: Rc<[Reading]> = self.alternatives(number, at).into();
        if let Some(open) = self.open.get_mut(cell) {
            *open = false;
        }
        if let Some(memo) = self.memo.get_mut(cell) {
            *memo = Some(Rc::clone(&found));
        }
        found
    }

    fn alternatives(&mut self, number: usize, at: usize) -> Vec<Reading> {
        let grammar = self.grammar;
        let Some(rule) = grammar.rules.get(number) else {
            return Vec::new();
        };
        let mut found: Vec<Reading> = Vec::new();
        let mut add = |reading: Reading| {
            let same = found
                .iter_mut()
                .find(|it| it.end == reading.end && it.sem == reading.sem);
            match same {
                Some(it) => it.cost = it.cost.min(reading.cost),
                None => found.push(reading),
            }
        };
        if let Some(builtin) = rule.builtin {
            for (end, cost, sem) in builtin(self.input, at) {
                add(Reading { end, cost, sem });
            }
        }
        for alternative in &rule.alternatives {
            if !self.can_begin(&alternative.first, at) {
                continue;
            }
            let start = State {
                at,
                cost: alternative.cost,
                caps: None,
            };
            for state in self.run(&alternative.expr, vec![start]) {
                let caps = Caps {
                    head: state.caps.as_deref(),
                };
                if let Some(sem) = (alternative.action)(&caps) {
                    add(Reading {
                        end: state.at,
                        cost: state.cost,
                        sem,
                    });
                }
            }
        }
        found.sort_by_key(|reading| reading.cost);
        found.truncate(MAX_READINGS);
        found
    }

    fn can_begin(&mut self, first: &First, at: usize) -> bool {
        first.empty
            || self.input.is_one_of(at, &first.words)
            || first
                .builtins
                .iter()
                .any(|builtin| !self.rule(*builtin, at).is_empty())
    }

    fn run(&mut self, expr: &Expr, states: Vec<State>) -> Vec<State> {
        if states.is_empty() {
            return states;
        }
        let mut next = match expr {
            Expr::Words(words) => states
                .into_iter()
                .filter_map(|state| {
                    let cost = self.input.word_cost(state.at, words)?;
                    Some(State {
                        at: state.at + 1,
                        cost: state.cost + cost,
                        ..state
                    })
                })
                .collect(),
            Expr::Rule { rule, label } => {
                let mut next = Vec::new();
                for state in states {
                    for reading in self.rule(*rule, state.at).iter() {
                        let caps = match label {
                            Some(label) => Some(Rc::new(Cap {
                                label,
                                sem: reading.sem.clone(),
                                before: state.caps.clone(),
                            })),
                            None => state.caps.clone(),
                        };
                        next.push(State {
                            at: reading.end,
                            cost: state.cost + reading.cost,
                            caps,
                        });
                    }
                }
                next
            }
            Expr::Seq(items) => items
                .iter()
                .fold(states, |states, item| self.run(item, states)),
            Expr::Alt(branches) => {
                let mut next = Vec::new();
                for branch in branches {
                    next.extend(self.run(branch, states.clone()));
                }
                next
            }
            Expr::Opt(inner) => {
                let mut next = states.clone();
                next.extend(self.run(inner, states));
                next
            }
        };
        next.truncate(MAX_STATES);
        next
    }
}
