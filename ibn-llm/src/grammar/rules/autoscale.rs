//! Autoscalers, and what they can't be told.

use super::bounds::{as_pods, lower, upper};
use super::item;
use crate::grammar::decimal::Decimal;
use crate::grammar::engine::Builder;
use crate::grammar::sem::{Item, Qty, Sem, Span, Unit};

pub(super) fn add(g: &mut Builder) {
    autoscale(g);
}

fn autoscale(g: &mut Builder) {
    g.words(
        "autoword",
        &[
            "autoscale",
            "auto-scale",
            "auto scale",
            "autoscaling",
            "auto-scaling",
            "automatically scale",
            "scale automatically",
        ],
    );
    g.words(
        "hpa",
        &[
            "hpa/autoscaler/auto-scaler/horizontalpodautoscaler/autoscaling/auto-scaling",
            "horizontal pod autoscaler",
            "pod autoscaler",
            "auto scaler",
            "horizontal autoscaler",
            "auto scaling",
        ],
    );
    g.rule("autospan", &["<x:podspans>", "<x:numspans>", "with <x:podspans>", "with <x:numspans>", "to <x:podspans>", "to <x:numspans>", "[with] [a] min/minimum [of] <a:n1> [<pods>] [{comma}] [and] [a] max/maximum [of] <b:n1> [<pods>]", "with [a] max/maximum [of] <b:n1> [<pods>] [{comma}] [and] [a] min/minimum [of] <a:n1> [<pods>]"], |c| {
        let mut spans = c.all_spans("x");
        spans.extend(lower(c, "a"));
        spans.extend(upper(c, "b", false));
        (!spans.is_empty()).then_some(Sem::Spans(as_pods(spans)))
    });
    g.rule("autocpu", &[
        "at <q:pct> [of] [target] [cpu] [utilization/utilisation/usage/load]",
        "at [a] [cpu/target] [utilization/utilisation/usage/load/target] of <q:pct> [cpu] [utilization/utilisation/usage]",
        "[with/at/on/by] [a] cpu [utilization/utilisation/usage/load] [target] [of/at/{colon}/around] <q:pct>",
        "[with/and] [a] target [cpu] [utilization/utilisation/usage] [of/at/{colon}] <q:pct> [cpu] [utilization/utilisation/usage]",
        "targeting <q:pct> [cpu] [utilization/utilisation/usage]",
        "[to] target/targeting/keep/keeping [a] cpu [utilization/utilisation/usage] [at/of/around] <q:pct>",
        "on cpu at <q:pct>", "with <q:pct> [target] cpu [utilization/utilisation/usage] [target]", "on <q:pct> cpu [utilization/utilisation/usage]",
        "based on cpu [utilization/utilisation/usage] [at/of/target] <q:pct>",
    ], |c| Some(Sem::Qty(c.qty("q")?)));
    g.words("autojoin", &["and", "{comma}", "{comma} and", "with"]);
    g.rule(
        "bounds",
        &[
            "<autoword> <t:target> [<autojoin>] [{colon}] [<x:autospan>] [<autojoin>] [<q:autocpu>] [<autojoin>] [<x:autospan>]",
            "<autoword> [<x:autospan>] [<autojoin>] [<q:autocpu>]",
            "<autoword> <x:autospan> [(for/of/on) <t:target>] [<autojoin>] [<q:autocpu>]",
            "scale <t:target> automatically [<x:autospan>] [<autojoin>] [<q:autocpu>] [<autojoin>] [<x:autospan>]",
            "automatically scale <t:target> [<x:autospan>] [<autojoin>] [<q:autocpu>]",
            "let <t:target> <autoword> [<x:autospan>] [<autojoin>] [<q:autocpu>]",
            "<t:target> <modal> <autoword> [<x:autospan>] [<autojoin>] [<q:autocpu>]",
            "<t:target> <modal> be autoscaled [<x:autospan>] [<autojoin>] [<q:autocpu>]",
            "<t:target> <modal> scale automatically [<x:autospan>] [<autojoin>] [<q:autocpu>]",
            "<hpaverb> [<det>] <hpa> (for/on/to/of) <t:target> [<autojoin>] [{colon}] [<x:autospan>] [<autojoin>] [<q:autocpu>] [<autojoin>] [<x:autospan>]",
            "<hpaverb> [<det>] <hpa> [with] [<x:autospan>] [<autojoin>] [<q:autocpu>] (for/on/to/of) <t:target>",
            "<hpaverb> <t:target> [<det>] <hpa> [<autojoin>] [<x:autospan>] [<autojoin>] [<q:autocpu>] [<autojoin>] [<x:autospan>]",
            "<hpaverb> [<det>] <hpa> [<autojoin>] [<x:autospan>] [<autojoin>] [<q:autocpu>]",
            "[<det>] <hpa> for <t:target> [<autojoin>] [{colon}] [<x:autospan>] [<autojoin>] [<q:autocpu>]",
            "set <t:ownerof> <hpa> to <x:autospan> [<autojoin>] [<q:autocpu>]",
            "turn on <hpa> (for/on/of) <t:target> [<autojoin>] [<x:autospan>] [<autojoin>] [<q:autocpu>]",
        ],
        |c| {
            let spans = c.all_spans("x");
            let strict = spans.iter().any(|span| span.strict_min || span.strict_max);
            (!strict).then_some(())?;
            let pods = |qty: &Qty| (qty.unit == Unit::Pods && qty.of.is_none()).then_some(qty.number);
            let ends = |end: fn(&Span) -> Option<&Qty>| -> Option<Vec<Decimal>> { spans.iter().filter_map(end).map(pods).collect() };
            item(Item::Autoscale {
                target: c.target("t"),
                mins: ends(|span| span.min.as_ref())?,
                maxs: ends(|span| span.max.as_ref())?,
                cpu: c.qty("q").map(|qty| qty.number),
                other: false,
            })
        },
    );
    g.words(
        "hpaverb",
        &[
            "create/add/set/put/use/configure/enable/attach/make/give/want/need/have",
            "set up",
            "switch/turn on",
        ],
    );
    // What an autoscaler can't be told.
    g.rule(
        "bounds",
        &[
            "<autoword> <t:target> [<autospan>] [<autojoin>] on/by/at/with/based [on] [<pct>] memory [utilization/utilisation/usage] [of/at] [<pct>] [<autojoin>] [<autospan>]",
        ],
        |c| {
            item(Item::Autoscale {
                target: c.target("t"),
                mins: Vec::new(),
                maxs: Vec::new(),
                cpu: None,
                other: true,
            })
        },
    );
    g.rule(
        "bounds",
        &["disable/remove/delete/stop/drop/deactivate [<det>] <hpa> (of/for/on/from) <t:target>", "disable/remove/stop <t:ownerof> <hpa>", "turn/switch off [<det>] <hpa> (of/for/on) <t:target>", "stop autoscaling <t:target>"],
        |c| {
            item(Item::Unsayable {
                target: c.target("t"),
                code: ibn_core::translation::RefusalCode::OutOfScope,
                message: "an autoscaler can't be taken away by an intent; withdraw the intent that asked for it".to_owned(),
            })
        },
    );
}
