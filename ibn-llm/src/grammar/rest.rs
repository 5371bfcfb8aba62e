//! What goes on with a verb that was said before: `scale web to 3 and api to 5`.

use ibn_core::translation::Translation;

use super::reply::clarify;
use super::sem::{Change, Item, Owner, Qty, Rest, Span, Target, Unit};
use super::sentence::Said;

type Answer<T> = Result<T, Translation>;

/// What the rest of a sentence stands for behind what was said so far.
pub(crate) fn item(target: &Target, rest: &Rest, before: &[Said]) -> Answer<Item> {
    let Some(at) = before.iter().rposition(|it| !it.modifier) else {
        return Err(misread());
    };
    let is_of_all = |it: &Said| matches!(it.item, Item::Topic(_) | Item::In(_) | Item::When(_));
    // What was said of the first only in words of its own, such as `at p99`, may be meant for the second or not.
    if !before.iter().skip(at + 1).all(is_of_all) {
        return Err(misread());
    }
    let target = Some(target.clone());
    match (before.get(at).map(|it| &it.item), rest) {
        (Some(Item::Replicas { change: first, .. }), Rest::To(change))
            if first.absolute().is_some() =>
        {
            Ok(Item::Replicas {
                target,
                change: likewise(first, as_pods(change)?),
            })
        }
        (Some(Item::Resources { parts, .. }), Rest::To(change)) => {
            let [part] = parts.as_slice() else {
                return Err(misread());
            };
            if part.change.absolute().is_none() {
                return Err(misread());
            }
            let mut part = part.clone();
            part.change = likewise(&part.change, change.clone());
            Ok(Item::Resources {
                owner: Owner {
                    target,
                    container: None,
                },
                parts: vec![part],
            })
        }
        (Some(Item::Quota { .. }), Rest::To(Change::To(qty))) => quota(target, vec![qty.clone()]),
        (Some(Item::Quota { .. }), Rest::Amounts(amounts)) => quota(target, amounts.clone()),
        (Some(Item::Autoscale { cpu: first, .. }), Rest::Spans(spans, cpu)) => {
            if first.is_some() && cpu.is_none() {
                return Err(clarify(
                    "amount",
                    "Which CPU target are the others to have?",
                ));
            }
            let ends = |end: fn(&Span) -> Option<&Qty>| {
                let said = spans.iter().filter_map(end);
                said.map(|qty| qty.number).collect()
            };
            if spans.iter().any(|span| span.strict_min || span.strict_max) {
                return Err(misread());
            }
            Ok(Item::Autoscale {
                target,
                mins: ends(|span| span.min.as_ref()),
                maxs: ends(|span| span.max.as_ref()),
                cpu: *cpu,
                other: false,
            })
        }
        (Some(Item::Bounds { spans: first, .. }), Rest::Spans(spans, None))
            if first.iter().all(is_on_pods) =>
        {
            Ok(Item::Bounds {
                target,
                scope: None,
                spans: spans.clone(),
                limits: false,
                is_verbless: false,
            })
        }
        (
            Some(Item::Objective {
                metric,
                upper: first,
                ..
            }),
            Rest::Bound { upper, value },
        ) if first == upper => Ok(Item::Objective {
            target,
            metric: metric.clone(),
            upper: *upper,
            value: value.clone(),
        }),
        _ => Err(misread()),
    }
}

fn quota(target: Option<Target>, amounts: Vec<Qty>) -> Answer<Item> {
    if !target.as_ref().is_some_and(Target::may_be_namespace) {
        return Err(misread());
    }
    Ok(Item::Quota { target, amounts })
}

/// Whether a bound is on the number of pods.
pub(crate) fn is_on_pods(span: &Span) -> bool {
    let sides = [&span.min, &span.max];
    sides
        .into_iter()
        .flatten()
        .all(|qty| qty.unit == Unit::Pods)
}

/// What goes on with a verb goes in its direction, where it says none itself.
fn likewise(before: &Change, change: Change) -> Change {
    match (before, change) {
        (Change::Toward(dir, _), Change::To(qty)) => Change::Toward(*dir, qty),
        (_, change) => change,
    }
}

fn as_pods(change: &Change) -> Answer<Change> {
    let pods = |qty: &Qty| {
        if matches!(qty.unit, Unit::None | Unit::Pods) && qty.of.is_none() {
            let unit = Unit::Pods;
            return Ok(Qty {
                unit,
                ..qty.clone()
            });
        }
        Err(misread())
    };
    match change {
        Change::To(qty) => Ok(Change::To(pods(qty)?)),
        Change::Toward(dir, qty) => Ok(Change::Toward(*dir, pods(qty)?)),
        _ => Err(misread()),
    }
}

fn misread() -> Translation {
    clarify("amount", "What is that to become of?")
}
