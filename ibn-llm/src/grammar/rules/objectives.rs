//! What all objectives share.

use ibn_core::intent::IndicatorName;

use super::item;
use crate::grammar::clash;
use crate::grammar::decimal::Decimal;
use crate::grammar::engine::{Builder, Caps};
use crate::grammar::sem::{Item, Metric, Pick, Qty, Quant, Sem, Unit};

pub(super) fn add(g: &mut Builder) {
    nouns(g);
    placed(g);
    two_sides(g);
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

/// The question for a lower bound on latency.
pub(super) const SLOW: &str = "That asks for slow answers; do you mean at most?";

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
    g.rule("anynoun", &["<m:uppernoun>", "<m:lowernoun>"], |c| {
        Some(Sem::Metric(c.metric("m")?))
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

/// Two bounds on one indicator, or one that asks for slow answers: questions.
fn two_sides(g: &mut Builder) {
    g.rule(
        "objective",
        &[
            "<holdverb> <t:ownerof> <m:anynoun> [<p:inplace>] between <a:ownvalue> and/to <b:ownvalue>",
            "<holdverb> <m:anynoun> (of/for/on/in) <t:target> between <a:ownvalue> and/to <b:ownvalue>",
            "<holdverb> <m:anynoun> between <a:ownvalue> and/to <b:ownvalue> [(for/of/on) <t:target>]",
            "<t:ownerof> <m:anynoun> [<modal>] [<stay>] between <a:ownvalue> and/to <b:ownvalue>",
            "<m:anynoun> (of/for/on/in) <t:target> [<modal>] [<stay>] between <a:ownvalue> and/to <b:ownvalue>",
            "<holdverb> <t:ownerof> <m:latnoun> <ownlower> <a:ownvalue> and/but <ownupper> <b:ownvalue>",
            "<holdverb> <m:latnoun> (of/for/on/in) <t:target> <ownlower> <a:ownvalue> and/but <ownupper> <b:ownvalue>",
            "<t:ownerof> <m:latnoun> [<modal>] [<stay>] <ownlower> <a:ownvalue> and/but <ownupper> <b:ownvalue>",
        ],
        |c| {
            let upper = c.qty("b")?;
            let mut lower = c.qty("a")?;
            // `between 200 and 300 ms`
            if lower.unit == Unit::None {
                lower.unit = upper.unit;
            }
            let metric = c.metric("m")?;
            let sides = clash::two_sides(c.target("t"), &metric, (false, &lower), (true, &upper));
            in_place(c, sides)
        },
    );
    g.rule(
        "objective",
        &[
            "<holdverb> <t:ownerof> <m:latnoun> <p:inplace> <ownlower> <v:dur>",
            "<t:ownerof> <m:latnoun> <p:inplace> <modal> [<stay>] <ownlower> <v:dur>",
        ],
        |c| {
            let ask = Item::Ask {
                target: c.target("t"),
                missing: "direction",
                question: SLOW.to_owned(),
            };
            in_place(c, ask)
        },
    );
    // `…, and above 70 %`, of what stands before.
    g.costly("modifier", 40, &["<ownupper> <v:ownvalue>"], |c| {
        item(Item::Also {
            upper: true,
            value: c.qty("v")?,
        })
    });
    g.costly("modifier", 40, &["<ownlower> <v:ownvalue>"], |c| {
        item(Item::Also {
            upper: false,
            value: c.qty("v")?,
        })
    });
}
