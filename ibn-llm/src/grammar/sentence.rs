//! From tokens to the things that a sentence says: clauses, modifiers and what joins them.

use std::rc::Rc;

use super::engine::{Chart, Grammar};
use super::input::Input;
use super::sem::{Item, Pick, Sem};

/// One thing that was said, and how it hangs together with what stands before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) item: Item,
    /// Whether a comma, `and` or the like stands before it.
    pub(crate) joined: Join,
    /// Whether it is a modifier, which may belong to what is around it.
    pub(crate) modifier: bool,
    /// Whether it went on with the verb of what stood before.
    pub(crate) shared: bool,
}

/// What stands between two things that were said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    Start,
    None,
    And,
    /// A comma, a semicolon, a full stop, `but`.
    Apart,
}

/// A reading of the whole sentence.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub(crate) cost: u32,
    pub(crate) said: Vec<Said>,
}

/// More readings of a beginning than are worth keeping.
const MAX_PARTIALS: usize = 20;

#[derive(Clone)]
struct Partial {
    cost: u32,
    last: Option<Rc<Node>>,
}

struct Node {
    said: Said,
    before: Option<Rc<Node>>,
}

/// Where a reading stands between two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    /// At the start, or behind a word that begins a clause.
    Start,
    /// Behind `and`.
    And,
    /// Behind a comma or the like.
    Apart,
    Clause,
    Modifier,
}

/// All readings of the whole, cheapest first.
pub(crate) fn read(grammar: &Grammar, input: &Input) -> Vec<Whole> {
    let mut chart = Chart::new(grammar, input);
    let len = input.len();
    let mut table: Vec<Vec<(At, Partial)>> = vec![Vec::new(); len + 1];
    push(
        &mut table,
        0,
        At::Start,
        Partial {
            cost: 0,
            last: None,
        },
    );
    for pos in 0..len {
        let Some(here) = table.get_mut(pos).map(std::mem::take) else {
            continue;
        };
        for (at, partial) in close(&mut chart, here, pos, &mut table) {
            step(&mut chart, &mut table, pos, at, &partial);
        }
    }
    let mut found: Vec<Whole> = Vec::new();
    for (at, partial) in table.pop().unwrap_or_default() {
        if !matches!(at, At::Clause | At::Modifier) {
            continue;
        }
        let said = unroll(partial.last.as_ref());
        let known = found.iter_mut().find(|whole| whole.said == said);
        match known {
            Some(whole) => whole.cost = whole.cost.min(partial.cost),
            None => found.push(Whole {
                cost: partial.cost,
                said,
            }),
        }
    }
    found.sort_by_key(|whole| whole.cost);
    found
}

fn push(table: &mut [Vec<(At, Partial)>], pos: usize, at: At, partial: Partial) {
    let Some(cell) = table.get_mut(pos) else {
        return;
    };
    cell.push((at, partial));
    cell.sort_by_key(|(_, partial)| partial.cost);
    cell.truncate(MAX_PARTIALS);
}

/// Takes words that begin or end a clause and mean nothing.
fn close(
    chart: &mut Chart<'_>,
    here: Vec<(At, Partial)>,
    pos: usize,
    table: &mut [Vec<(At, Partial)>],
) -> Vec<(At, Partial)> {
    for (at, partial) in &here {
        let (rule, behind) = match at {
            At::Start | At::And | At::Apart => ("lead", *at),
            At::Clause | At::Modifier => ("trail", *at),
        };
        for reading in chart.read(rule, pos).iter() {
            let next = Partial {
                cost: partial.cost + reading.cost,
                last: partial.last.clone(),
            };
            push(table, reading.end, behind, next);
        }
    }
    here
}

fn step(
    chart: &mut Chart<'_>,
    table: &mut [Vec<(At, Partial)>],
    pos: usize,
    at: At,
    partial: &Partial,
) {
    let behind_part = matches!(at, At::Clause | At::Modifier);
    if behind_part {
        for (rule, next) in [("sepand", At::And), ("sepapart", At::Apart)] {
            for reading in chart.read(rule, pos).iter() {
                let partial = Partial {
                    cost: partial.cost + reading.cost,
                    last: partial.last.clone(),
                };
                push(table, reading.end, next, partial);
            }
        }
        for reading in chart.read("fullstop", pos).iter() {
            push(table, reading.end, at, partial.clone());
        }
    }
    let join = match at {
        At::Start => match partial.last {
            None => Join::Start,
            Some(_) => Join::None,
        },
        At::And => Join::And,
        At::Apart => Join::Apart,
        At::Clause | At::Modifier => Join::None,
    };
    let mut take = |chart: &mut Chart<'_>, rule: &str, modifier: bool, next: At| {
        for reading in chart.read(rule, pos).iter() {
            let Sem::Item(item) = &reading.sem else {
                continue;
            };
            // What goes on with a verb needs one before it, and a word that goes on.
            let goes_on = partial.last.is_some() && matches!(join, Join::And | Join::Apart);
            if matches!(**item, Item::Ellipsis { .. }) && !goes_on {
                continue;
            }
            // A second bound needs a first one.
            if matches!(**item, Item::Also { .. })
                && !partial
                    .last
                    .as_ref()
                    .is_some_and(|node| says(node, is_bounded))
            {
                continue;
            }
            let said = Said {
                item: (**item).clone(),
                joined: join,
                modifier,
                shared: false,
            };
            let partial = Partial {
                cost: partial.cost + reading.cost,
                last: Some(Rc::new(Node {
                    said,
                    before: partial.last.clone(),
                })),
            };
            push(table, reading.end, next, partial);
        }
    };
    take(chart, "modifier", true, At::Modifier);
    if at != At::Clause {
        take(chart, "clause", false, At::Clause);
    }
    match &partial.last {
        None => take(chart, "whatif", false, At::Start),
        Some(node) if at != At::Clause && says(node, |item| *item == Item::WhatIf) => {
            take(chart, "pastclause", false, At::Clause);
        }
        Some(_) => {}
    }
}

/// Whether something like this was said so far.
fn says(node: &Rc<Node>, is: impl Fn(&Item) -> bool) -> bool {
    std::iter::successors(Some(node), |node| node.before.as_ref()).any(|node| is(&node.said.item))
}

fn is_bounded(item: &Item) -> bool {
    match item {
        Item::Objective { .. } => true,
        Item::Several(items) => items.iter().any(is_bounded),
        _ => false,
    }
}

/// The words of names that nobody knows, where what is done is done to them.
pub(crate) fn unknown_targets(said: &[Said]) -> Vec<String> {
    let mut words = Vec::new();
    for it in said.iter().filter(|it| !it.modifier) {
        let target = match &it.item {
            Item::Query { .. } | Item::Ellipsis { .. } => None,
            item => super::read::target_of(item),
        };
        for pick in target.into_iter().flat_map(|target| &target.picks) {
            if let Pick::Unknown { text, .. } = pick {
                words.extend(text.split_whitespace().map(str::to_lowercase));
            }
        }
    }
    words
}

fn unroll(last: Option<&Rc<Node>>) -> Vec<Said> {
    let mut said = Vec::new();
    let mut node = last;
    while let Some(it) = node {
        said.push(it.said.clone());
        node = it.before.as_ref();
    }
    said.reverse();
    said
}
