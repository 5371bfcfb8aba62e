//! What all objectives share.

use ibn_core::intent::IndicatorName;

use super::item;
use crate::grammar::decimal::Decimal;
use crate::grammar::engine::{Builder, Caps};
use crate::grammar::sem::{Item, Metric, Pick, Qty, Quant, Sem};

pub(super) fn add(g: &mut Builder) {
    nouns(g);
    placed(g);
}

pub(super) fn metric(name: IndicatorName, quantile: Option<Quant>) -> Option<Sem> {
    Some(Sem::Metric(Metric { name, quantile }))
}

pub(super) fn quant(percent: Decimal) -> Option<Sem> {
    Some(Sem::Quantile(Quant::Percent(percent)))
}

/// An objective, in the namespace under `p` where one was said apart from its target.
pub(super) fn objective(c: &Caps<'_>, metric: Metric, upper: bool, value: Qty) -> Option<Sem> {
    let objective = Item::Objective {
        target: c.target("t"),
        metric,
        upper,
        value,
    };
    in_place(c, objective)
}

/// The namespace goes with workloads: what may be a namespace itself is asked about.
fn in_place(c: &Caps<'_>, about: Item) -> Option<Sem> {
    let Some(place) = c.loose_place("p") else {
        return item(about);
    };
    let unclear = c.picks("t").into_iter().find_map(|pick| match pick {
        Pick::Named { hit, .. } if hit.namespace.is_some() => Some(hit.text),
        _ => None,
    });
    if let Some(name) = unclear {
        return item(Item::Ask {
            target: c.target("t"),
            missing: "target",
            question: format!(
                "`{name}` is a namespace. Which workload is meant, and in which namespace?"
            ),
        });
    }
    item(Item::Several(vec![about, Item::In(place)]))
}

pub(super) fn plain(name: IndicatorName) -> Metric {
    Metric {
        name,
        quantile: None,
    }
}

/// Indicators by what they may be bounded by: from above, from below.
fn nouns(g: &mut Builder) {
    for (rule, patterns) in [
        (
            "uppernoun",
            ["<m:latnoun>", "<m:utilnoun>", "[the] <m:indicator>"].as_slice(),
        ),
        ("lowernoun", &["<m:utilnoun>", "[the] <m:indicator>"]),
    ] {
        g.rule(rule, patterns, |c| Some(Sem::Metric(c.metric("m")?)));
    }
    g.rule("uppernoun", &["<errnoun>"], |_| {
        metric(IndicatorName::ErrorRate, None)
    });
    g.rule("uppernoun", &["<costnoun>"], |_| {
        metric(IndicatorName::Cost, None)
    });
    g.rule("lowernoun", &["<availnoun>"], |_| {
        metric(IndicatorName::Availability, None)
    });
    g.rule("lowernoun", &["<thrnoun>"], |_| {
        metric(IndicatorName::Throughput, None)
    });
}

/// checkout's p95 in acme under 200 ms
fn placed(g: &mut Builder) {
    g.rule(
        "objective",
        &[
            "<holdverb> <t:ownerof> <m:latnoun> <p:inplace> [down] <v:durupper>",
            "<holdverb> <t:ownerof> <m:uppernoun> <p:inplace> <ownupper> <v:ownvalue>",
            "<t:ownerof> <m:uppernoun> <p:inplace> [<modal>] [<stay>] <ownupper> <v:ownvalue>",
            "<t:ownerof> <m:uppernoun> <p:inplace> <mustnot> <exceeding> <v:ownvalue>",
            "never/don't/dont let <t:ownerof> <m:uppernoun> <p:inplace> <exceeding> <v:ownvalue>",
        ],
        |c| objective(c, c.metric("m")?, true, c.qty("v")?),
    );
    g.rule(
        "objective",
        &[
            "<holdverb> <t:ownerof> <m:lowernoun> <p:inplace> <ownlower> <v:ownvalue>",
            "<t:ownerof> <m:lowernoun> <p:inplace> [<modal>] [<stay>] <ownlower> <v:ownvalue>",
            "<t:ownerof> <m:lowernoun> <p:inplace> <mustnot> <dropping> <v:ownvalue>",
        ],
        |c| objective(c, c.metric("m")?, false, c.qty("v")?),
    );
}
