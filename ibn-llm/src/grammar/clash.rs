//! Bounds that exclude each other, asked about with both numbers.

use std::fmt::Display;
use std::time::Duration;

use ibn_core::translation::Translation;

use super::decimal::Decimal;
use super::measure;
use super::reply::clarify;
use super::sem::{Dir, Item, Metric, Qty, Span, Target, Unit};
use super::sentence::{Join, Said};

/// The question which of two bounds holds; `lower` and `upper` as they are to be shown.
pub(crate) fn bounds(what: &str, lower: impl Display, upper: impl Display) -> Translation {
    either(
        what,
        format!("at least {lower}"),
        format!("at most {upper}"),
    )
}

/// The question which of two things that were said of the same holds.
pub(crate) fn either(what: &str, one: impl Display, other: impl Display) -> Translation {
    clarify(
        "amount",
        format!("The bounds on {what} contradict each other: {one}, and {other}. Which one holds?"),
    )
}

const OPPOSITE: &str = " was said, but ";

/// The question for a value that lies in the other direction than was said; `live` says what there is now.
pub(crate) fn opposite(live: impl Display, dir: Dir, to: impl Display) -> Translation {
    let (said, other) = match dir {
        Dir::Up => ("up", "less"),
        Dir::Down => ("down", "more"),
    };
    clarify(
        "amount",
        format!("{live} now: {said}{OPPOSITE}{to} is {other}. How much is it to be?"),
    )
}

/// Whether it is the question for a value that lies in the other direction than was said.
pub(crate) fn is_opposite(answer: &Translation) -> bool {
    matches!(answer, Translation::Clarify(it) if it.question.contains(OPPOSITE))
}

/// The first bounds of a sentence that exclude each other whatever they are about.
pub(crate) fn first(said: &[Said]) -> Option<Translation> {
    said.iter().find_map(|it| match &it.item {
        Item::Bounds { spans, .. } => within(spans),
        Item::Autoscale { mins, maxs, .. } => mins.iter().find_map(|min| {
            let max = maxs.iter().find(|max| min.to_f64() > max.to_f64())?;
            Some(bounds("pods", min, max))
        }),
        Item::Sides {
            metric,
            first,
            second,
            ..
        } if exclude(first, second) => Some(sides(metric, first, second)),
        _ => None,
    })
}

/// Two bounds on an indicator.
pub(crate) fn two_sides(
    target: Option<Target>,
    metric: &Metric,
    first: (bool, &Qty),
    second: (bool, &Qty),
) -> Item {
    Item::Sides {
        target,
        metric: metric.clone(),
        first: (first.0, first.1.clone()),
        second: (second.0, second.1.clone()),
    }
}

/// The question for two bounds on an indicator, of which an objective has one.
pub(crate) fn sides(metric: &Metric, first: &(bool, Qty), second: &(bool, Qty)) -> Translation {
    let show = |(upper, qty): &(bool, Qty)| {
        let side = if *upper { "at most" } else { "at least" };
        format!("{side} {}", shown(qty))
    };
    if first.0 == second.0 || exclude(first, second) {
        return either(metric.name.as_str(), show(first), show(second));
    }
    clarify(
        "bound",
        format!(
            "An objective has one side: {} {}, or {}?",
            metric.name,
            show(first),
            show(second)
        ),
    )
}

/// Whether `over` and a time say a window rather than a second bound.
pub(crate) fn is_window(over: &Qty, bound: &Qty, joined: Join) -> bool {
    const SECOND: Duration = Duration::from_secs(1);
    const FAR: u32 = 10;
    let Some(window) = measure::length(over).filter(|window| *window >= SECOND) else {
        return false;
    };
    match (measure::length(bound), joined) {
        (Some(_), Join::And) => false,
        // `under 200 ms, over 5 minutes`, but not `under 2 s but over 3 s`.
        (Some(bound), Join::Apart) => window >= bound.saturating_mul(FAR),
        _ => true,
    }
}

/// The first spans of which the lower bound is above the upper one.
fn within(spans: &[Span]) -> Option<Translation> {
    let lowers = || spans.iter().filter_map(|span| span.min.as_ref());
    let uppers = || spans.iter().filter_map(|span| span.max.as_ref());
    lowers().find_map(|lower| {
        let upper = uppers().find(|upper| is_above(lower, upper))?;
        let what = match size(upper)?.0 {
            Of::Cpu => "CPU",
            Of::Memory => "memory",
            _ => "pods",
        };
        Some(bounds(what, shown(lower), shown(upper)))
    })
}

fn exclude(first: &(bool, Qty), second: &(bool, Qty)) -> bool {
    match (first, second) {
        ((true, upper), (false, lower)) | ((false, lower), (true, upper)) => is_above(lower, upper),
        _ => false,
    }
}

fn is_above(lower: &Qty, upper: &Qty) -> bool {
    match (size(lower), size(upper)) {
        (Some((a, lower)), Some((b, upper))) => a == b && lower > upper,
        _ => false,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Count,
    Percent,
    Time,
    Rate,
    Cpu,
    Memory,
}

/// A quantity in its base unit, so that two can be compared.
fn size(qty: &Qty) -> Option<(Of, f64)> {
    let number = qty.number.to_f64();
    let of_cpu = qty.of.is_some_and(|noun| noun.cpu);
    Some(match qty.unit {
        Unit::None if of_cpu => (Of::Cpu, number * 1000.0),
        Unit::None | Unit::Pods => (Of::Count, number),
        Unit::Percent => (Of::Percent, number),
        Unit::Time(nanos) => (Of::Time, number * nanos as f64),
        Unit::Rate(seconds) => (Of::Rate, number / f64::from(seconds)),
        Unit::Cores | Unit::Cpu => (Of::Cpu, number * 1000.0),
        Unit::Millicores => (Of::Cpu, number),
        Unit::Memory { .. } => {
            let bytes = measure::memory(qty).ok()?.value;
            (Of::Memory, bytes.get() as f64)
        }
        Unit::Times | Unit::BareM => return None,
    })
}

/// A quantity as it is written.
fn shown(qty: &Qty) -> String {
    let Qty { number, unit, .. } = qty;
    if let Unit::Time(nanos) = unit
        && letters(*unit).is_empty()
    {
        let nanos = i64::try_from(*nanos).ok().map(Decimal::whole);
        return nanos
            .and_then(|nanos| number.times(nanos))
            .map_or(number.to_string(), |nanos| format!("{nanos} ns"));
    }
    format!("{number}{}", letters(*unit))
}

/// What is written behind a number of a unit.
pub(crate) fn letters(unit: Unit) -> &'static str {
    match unit {
        Unit::None | Unit::Pods => "",
        Unit::Percent => " %",
        Unit::Times => " times",
        Unit::Cores | Unit::Cpu => " cores",
        Unit::Millicores | Unit::BareM => "m",
        Unit::Memory { suffix, .. } => suffix,
        Unit::Time(1) => " ns",
        Unit::Time(1_000) => " µs",
        Unit::Time(1_000_000) => " ms",
        Unit::Time(1_000_000_000) => " s",
        Unit::Time(60_000_000_000) => " min",
        Unit::Time(3_600_000_000_000) => " h",
        Unit::Time(_) => "",
        Unit::Rate(1) => " rps",
        Unit::Rate(_) => " rpm",
    }
}
