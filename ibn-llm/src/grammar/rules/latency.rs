//! Latency: percentiles, response times, shares of requests within a time; and the window of an objective.

use ibn_core::intent::IndicatorName;

use super::amounts::qty;
use super::item;
use super::objectives::{SLOW, metric, objective, quant};
use crate::grammar::decimal::Decimal;
use crate::grammar::engine::Builder;
use crate::grammar::measure::length;
use crate::grammar::sem::{Item, Metric, Quant, Sem, Unit};

pub(super) fn add(g: &mut Builder) {
    quantiles(g);
    latency(g);
    windows(g);
}

fn quantiles(g: &mut Builder) {
    g.rule("quant", &["[the] <q:pword>"], |c| {
        Some(Sem::Quantile(c.quant("q")?))
    });
    g.rule(
        "quant",
        &[
            "[the] <n:num> [st/nd/rd/th] [{dash}] percentile/percentiles/quantile",
            "[the] <n:num> percent/{percent} quantile/percentile",
            "[the] p <n:digits>",
            "[the] percentile <n:num>",
            "[the] q <n:digits>",
        ],
        |c| quant(c.num("n")?),
    );
    g.rule(
        "quant",
        &[
            "[the] ninety-fifth percentile",
            "[the] ninety fifth percentile",
        ],
        |_| quant(Decimal::whole(95)),
    );
    g.rule(
        "quant",
        &[
            "[the] ninety-ninth percentile",
            "[the] ninety ninth percentile",
        ],
        |_| quant(Decimal::whole(99)),
    );
    g.rule("quant", &["[the] ninetieth percentile"], |_| {
        quant(Decimal::whole(90))
    });
    g.rule("quant", &["[the] median"], |_| quant(Decimal::whole(50)));
    g.rule("quant", &["[the] average/mean/avg"], |_| {
        Some(Sem::Quantile(Quant::Mean))
    });
    g.rule(
        "quant",
        &[
            "[the] maximum/max/worst/worst-case/peak/slowest/highest",
            "[the] worst case",
        ],
        |_| Some(Sem::Quantile(Quant::Extreme)),
    );
    g.rule(
        "quant",
        &["[the] tail", "[the] typical/usual/normal"],
        |_| Some(Sem::Quantile(Quant::Vague)),
    );
    g.words(
        "latword",
        &[
            "latency/latencies",
            "response time/times/latency",
            "request time/latency/duration/durations",
            "answer time/times",
            "reply time",
            "response-time",
            "responsetime",
            "delay",
            "turnaround",
            "request latencies",
        ],
    );
    g.rule("latnoun", &["[the] <latword>"], |_| {
        metric(IndicatorName::Latency, None)
    });
    g.rule(
        "latnoun",
        &[
            "[the] <q:quant> [of] [the] <latword>",
            "[the] <latword> <q:quant>",
            "[the] <latword> at/in/for [the] <q:quant>",
            "<q:quantile>",
            "<q:quant> [of] [the] response/request/requests",
        ],
        |c| metric(IndicatorName::Latency, Some(c.quant("q")?)),
    );
    // A quantile that stands for the latency by itself; `the average` doesn't.
    g.rule("quantile", &["<q:quant>"], |c| match c.quant("q")? {
        Quant::Percent(percent) => quant(percent),
        _ => None,
    });
    // `at p95`, `for 95 % of requests`
    g.words("calls", &["request/requests/call/calls/response/responses/query/queries/transactions/cases/traffic/hits", "the time", "[all] user requests", "http requests", "all requests"]);
    g.rule(
        "atquant",
        &[
            "at/in/on/for/measured [at/by/as] [the] <q:quant>",
            "<q:quant>",
        ],
        |c| Some(Sem::Quantile(c.quant("q")?)),
    );
    g.rule(
        "atquant",
        &[
            "for/in [at least] <n:pct> of [the/all/its] <calls>",
            "<n:pct> of the time",
        ],
        |c| quant(c.qty("n")?.number),
    );
    g.rule("atquant", &["on average"], |_| {
        Some(Sem::Quantile(Quant::Mean))
    });
    g.rule(
        "atquant",
        &[
            "in the worst case",
            "for/in all/every/each [of] [the/its] <calls>",
            "always",
        ],
        |_| Some(Sem::Quantile(Quant::Extreme)),
    );
    g.rule("modifier", &["<q:atquant>"], |c| {
        item(Item::AtQuantile(c.quant("q")?))
    });
}

fn latency(g: &mut Builder) {
    g.words(
        "stay",
        &[
            "be/stay/remain/keep/lie/sit/hover/get/become/is/are/stays/remains/go/run/come [at]",
            "be kept/held/brought",
        ],
    );
    g.words("holdverb", &["keep/hold/make/ensure/guarantee/maintain/get/bring/have/push/limit/cap/reduce/lower/cut/drop/set/target/want/aim/achieve/hit/provide/deliver/give/improve/need/restrict"]);
    g.words(
        "withinword",
        &[
            "within",
            "in under/below",
            "in less than",
            "in at most",
            "in no more than",
            "in [a] maximum of",
            "in up to",
            "in not more than",
            "inside",
        ],
    );
    // An upper bound with a value in time.
    g.rule(
        "durupper",
        &[
            "<upper> <v:dur>",
            "<upperx> <v:dur>",
            "within <v:dur>",
            "<v:dur> at most/max/maximum/tops",
            "<v:dur> or less/better/faster/below/under",
            "to/at/of/by [at most] <v:dur> [or less/better/faster]",
            "lower/faster/quicker/better/shorter than <v:dur>",
        ],
        |c| Some(Sem::Qty(c.qty("v")?)),
    );
    // A number whose unit is missing.
    g.costly(
        "durupper",
        20,
        &[
            "<upper> <n:num>",
            "<upperx> <n:num>",
            "within <n:num>",
            "to/at <n:num>",
        ],
        |c| Some(Sem::Qty(qty(c.num("n")?, Unit::None))),
    );
    g.rule(
        "objective",
        &[
            "<holdverb> <m:latnoun> (of/for/on/in/from) <t:target> [{colon}] [down] <v:durupper>",
            "<holdverb> <t:ownerof> <m:latnoun> [down] <v:durupper>",
            "<holdverb> <m:latnoun> [down] <v:durupper> [(for/on/of) <t:target>]",
            "<m:latnoun> (of/for/on/in/from) <t:target> <modal> [not] [<stay>] <v:durupper>",
            "<t:ownerof> <m:latnoun> <modal> [<stay>] <v:durupper>",
            "<m:latnoun> <modal> [<stay>] <v:durupper> [(for/on/of) <t:target>]",
            "<t:ownerof> <m:latnoun> [<stay>] <v:durupper>",
            "<m:latnoun> (of/for/on/in) <t:target> [<stay>] [{colon}] <v:durupper>",
            "<m:latnoun> [<stay>] [{colon}] <v:durupper> [(for/on/of) <t:target>]",
            "<t:target> {colon} <m:latnoun> <v:durupper>",
            "<m:latnoun> <t:target> <v:durupper>",
            "aim for/at [a] <m:latnoun> [of] <v:durupper> (for/on/of) <t:target>",
            "<t:target> <modal> have [a] <m:latnoun> [of] <v:durupper>",
            "<t:target> needs/has/gets [a] <m:latnoun> [of] <v:durupper>",
            "<holdverb> <t:target> [at/to] [a] <m:latnoun> [of] <v:durupper>",
            "give <t:target> [a] <m:latnoun> [of] <v:durupper>",
            "<holdverb> <t:target> <v:durupper> [at] [the] <m:latnoun>",
            "<holdverb> [a] <m:latnoun> [of] <v:durupper> (for/on/of) <t:target>",
            "<holdverb> <t:target> with [a] <m:latnoun> [of] <v:durupper>",
        ],
        |c| objective(c, c.metric("m")?, true, c.qty("v")?),
    );
    // checkout's p95 and p99 under 500 ms
    g.rule(
        "objective",
        &[
            "[<holdverb>] <t:ownerof> <m:quantile> and <k:quantile> [<latword>] [<modal>] [<stay>] <v:durupper>",
            "[<holdverb>] [the] <m:quantile> and <k:quantile> [<latword>] (of/for) <t:target> [<modal>] [<stay>] <v:durupper>",
            "[<holdverb>] [both] <m:quantile> and <k:quantile> (of/for) <t:target> [<modal>] [<stay>] <v:durupper>",
        ],
        |c| {
            let value = c.qty("v")?;
            let items = [c.quant("m")?, c.quant("k")?].map(|quantile| Item::Objective {
                target: c.target("t"),
                metric: Metric {
                    name: IndicatorName::Latency,
                    quantile: Some(quantile),
                },
                upper: true,
                value: value.clone(),
            });
            item(Item::Several(items.to_vec()))
        },
    );
    // the 99th percentile of checkout's latency
    g.rule(
        "objective",
        &[
            "[<holdverb>] [the] <q:quant> of <t:ownerof> <latword> [<modal>] [<stay>] [at/to] <v:durupper>",
            "[<holdverb>] [the] <q:quant> of [the] <latword> (of/for) <t:target> [<modal>] [<stay>] [at/to] <v:durupper>",
            "[the] <q:quant> of <t:ownerof> <latword> <mustnot> <exceeding> <v:dur>",
        ],
        |c| {
            objective(
                c,
                Metric {
                    name: IndicatorName::Latency,
                    quantile: Some(c.quant("q")?),
                },
                true,
                c.qty("v")?,
            )
        },
    );
    // never above / must not exceed
    g.words(
        "exceeding",
        &[
            "exceed/exceeds",
            "go/rise/climb/get/be/grow/goes [above/over/beyond/past]",
            "be/get more/higher/longer/slower/greater than",
            "above/over",
            "exceed",
        ],
    );
    g.rule(
        "objective",
        &[
            "<m:latnoun> (of/for/on/in) <t:target> <mustnot> <exceeding> <v:dur>",
            "<t:ownerof> <m:latnoun> <mustnot> <exceeding> <v:dur>",
            "<m:latnoun> <mustnot> <exceeding> <v:dur>",
            "<t:ownerof> <m:latnoun> <mustnot> <exceeding> <v:dur>",
            "never/don't/dont let <t:ownerof> <m:latnoun> <exceeding> <v:dur>",
            "do not let <t:ownerof> <m:latnoun> <exceeding> <v:dur>",
            "never/don't/dont let <m:latnoun> (of/for/on) <t:target> <exceeding> <v:dur>",
            "<m:latnoun> (of/for) <t:target> never <exceeding> <v:dur>",
            "<t:ownerof> <m:latnoun> never <exceeding> <v:dur>",
        ],
        |c| objective(c, c.metric("m")?, true, c.qty("v")?),
    );
    // checkout must answer within 200 ms
    g.words("answer", &["answer/respond/reply/react/serve/finish/complete/return/process/handle/load [its/all/every/any] [user/http] [request/requests/calls/queries]", "be answered/served/completed/finished/done/handled/processed", "answers/responds/replies/reacts/answering/responding", "answered/served", "take/takes", "run"]);
    g.rule(
        "latspan",
        &[
            "<withinword> <v:dur>",
            "faster/quicker than <v:dur>",
            "at most <v:dur>",
            "less than <v:dur>",
            "no more/longer than <v:dur>",
            "not more/longer than <v:dur>",
            "under/below <v:dur>",
            "up to <v:dur>",
            "in <v:dur> [or less | better | at most]",
            "within <v:dur> or less",
            "a maximum of <v:dur>",
            "{lt} <v:dur>",
        ],
        |c| Some(Sem::Qty(c.qty("v")?)),
    );
    g.costly(
        "latspan",
        20,
        &[
            "<withinword> <n:num>",
            "faster than <n:num>",
            "less than <n:num>",
        ],
        |c| Some(Sem::Qty(qty(c.num("n")?, Unit::None))),
    );
    g.words("askmodal", &["<modal>", "always", "<modal> always"]);
    g.rule(
        "objective",
        &[
            "<t:target> <modal> <answer> <v:latspan>",
            "<t:target> <modal> be <v:latspan>",
            "<t:target> answers/responds/replies <v:latspan>",
            "let/make/have/get/keep <t:target> <answer> <v:latspan>",
            "keep <t:target> answering/responding <v:latspan>",
            "make <t:target> <v:latspan>",
            "keep/hold/get/bring <t:target> [responses/requests] <v:latspan>",
            "<calls> (to/of/on/for/against) <t:target> <modal> <answer> <v:latspan>",
            "<calls> (to/of/on/for/against) <t:target> <modal> be <v:latspan>",
            "<calls> (to/of/on/for) <t:target> <answer> <v:latspan>",
            "<t:ownerof> <calls> <modal> <answer> <v:latspan>",
            "answer/serve <calls> (to/of/on/for) <t:target> <v:latspan>",
            "keep <calls> (to/of/on/for) <t:target> <v:latspan>",
            "<calls> <modal> <answer> <v:latspan>",
        ],
        |c| {
            objective(
                c,
                Metric {
                    name: IndicatorName::Latency,
                    quantile: None,
                },
                true,
                c.qty("v")?,
            )
        },
    );
    // checkout must never take longer than 200 ms
    g.rule(
        "objective",
        &[
            "<t:target> <mustnot> take/need/be longer/more/slower than <v:dur> [to answer/respond/reply]",
            "<t:target> never takes longer/more than <v:dur> [to answer/respond/reply]",
            "<t:target> <mustnot> take longer/more than <v:dur> [to answer/respond/reply]",
            "<calls> (to/of/on/for) <t:target> <mustnot> take/be longer/more/slower than <v:dur>",
            "<t:ownerof> <calls> <mustnot> take/be longer/more/slower than <v:dur>",
            "<t:ownerof> <calls> <modal> take at most <v:dur>",
            "<t:target> takes/take at most <v:dur> [to answer/respond/reply]",
            "<t:target> should/must take no longer/more than <v:dur> [to answer/respond/reply]",
            "don't/never let <t:target> take longer/more than <v:dur> [to answer/respond/reply]",
        ],
        |c| {
            objective(
                c,
                Metric {
                    name: IndicatorName::Latency,
                    quantile: None,
                },
                true,
                c.qty("v")?,
            )
        },
    );
    // 95 % of requests to checkout must finish within 200 ms
    g.rule(
        "objective",
        &[
            "[at least] <n:pct> of [all/the] <calls> (to/of/on/for/against) <t:target> <modal> [<stay>] <answer> <v:latspan>",
            "[at least] <n:pct> of [all/the] <calls> (to/of/on/for/against) <t:target> <modal> be <v:latspan>",
            "[at least] <n:pct> of [all/the] <calls> (to/of/on/for/against) <t:target> [<answer>] <v:latspan>",
            "[at least] <n:pct> of <t:ownerof> <calls> <modal> [<answer>] [be] <v:latspan>",
            "[at least] <n:pct> of <t:ownerof> <calls> <answer> <v:latspan>",
            "[at least] <n:pct> of <t:ownerof> <calls> <v:latspan>",
            "[at least] <n:pct> of all <t:ownerof> <calls> <modal> [<answer>] [be] <v:latspan>",
            "[at least] <n:pct> of [all/the/its] <calls> <modal> [<answer>] [be] <v:latspan>",
            "[at least] <n:pct> of [all/the/its] <calls> [<answer>] <v:latspan>",
            "<t:target> <modal> answer/serve/handle/process/complete/finish [at least] <n:pct> of [all/the/its] <calls> <v:latspan>",
            "answer/serve/handle/process/complete [at least] <n:pct> of [all/the] <calls> (to/of/on/for) <t:target> <v:latspan>",
            "answer/serve/handle/process/complete [at least] <n:pct> of [all/the/its] <calls> <v:latspan>",
            "<holdverb> [at least] <n:pct> of [all/the] <calls> (to/of/on/for) <t:target> <v:latspan>",
            "<holdverb> [at least] <n:pct> of <t:ownerof> <calls> <v:latspan>",
        ],
        |c| {
            let number = c.qty("n")?.number;
            objective(
                c,
                Metric {
                    name: IndicatorName::Latency,
                    quantile: Some(Quant::Percent(number)),
                },
                true,
                c.qty("v")?,
            )
        },
    );
    // no request may take longer than 200 ms
    g.rule(
        "objective",
        &[
            "no/none [single] [of] [the] <calls> (to/of/on/for) <t:target> may/should/must/can/shall [ever] take/be longer/more/slower than <v:dur>",
            "all/every/each [of] [the] <calls> (to/of/on/for) <t:target> <modal> <answer> <v:latspan>",
            "all/every/each <t:target> <calls> <modal> <answer> <v:latspan>",
            "no <t:target> <calls> may/should/must/can [ever] take/be longer/more/slower than <v:dur>",
        ],
        |c| {
            objective(
                c,
                Metric {
                    name: IndicatorName::Latency,
                    quantile: Some(Quant::Extreme),
                },
                true,
                c.qty("v")?,
            )
        },
    );
    g.costly(
        "objective",
        30,
        &[
            "<holdverb> <t:ownerof> <latnoun> [low/down/small/short/good/stable/acceptable]",
            "<holdverb> <latnoun> (of/for/on) <t:target> [low/down/small/short/stable]",
            "<t:ownerof> <latnoun> <modal> [<stay>] low/down/small/short/good/lower/better/stable",
            "<latnoun> (of/for) <t:target> <modal> [<stay>] low/small/short/lower/better",
            "make <t:target> fast/faster/quick/quicker/responsive/snappy/snappier",
            "<t:target> <modal> be fast/faster/quick/quicker/responsive/snappy/reliable",
            "speed up <t:target>",
            "speed <t:target> up",
            "keep <t:target> fast/quick/responsive/healthy/stable/snappy",
            "<t:target> is [too] slow",
            "improve <t:target>",
            "improve [the] performance (of/for) <t:target>",
            "improve <t:ownerof> performance",
        ],
        |c| {
            item(Item::Ask {
                target: c.target("t"),
                missing: "amount",
                question: "Within what time should it answer, for example p95 at most 200ms?"
                    .to_owned(),
            })
        },
    );
    g.rule(
        "objective",
        &[
            "<holdverb> <t:ownerof> <m:latnoun> above/over <v:dur>",
            "<holdverb> <t:ownerof> <m:latnoun> <lower> <v:dur>",
            "<m:latnoun> of <t:target> <modal> [<stay>] <lower> <v:dur>",
            "<t:ownerof> <m:latnoun> <modal> [<stay>] <lower> <v:dur>",
            "<t:ownerof> <m:latnoun> <modal> [<stay>] above/over <v:dur>",
        ],
        |c| {
            item(Item::Ask {
                target: c.target("t"),
                missing: "direction",
                question: SLOW.to_owned(),
            })
        },
    );
}

fn windows(g: &mut Builder) {
    g.rule("modifier", &["over <d:dur>"], |c| {
        item(Item::Over(c.qty("d")?))
    });
    g.rule(
        "modifier",
        &[
            "over a/any/every/each [window/period/span] [of] <d:dur> [window/windows/period]",
            "over window/period/span [of] <d:dur> [window/windows/period]",
            "over [of] <d:dur> window/windows/period",
            "measured/averaged/evaluated/taken over/in [a/any] [window/period] [of] <d:dur> [window/windows]",
            "in/over any/every/each <d:dur> [window/windows/period]",
            "over [a] sliding/rolling/moving [window/period] [of] <d:dur> [window]",
            "over [a] <n:num> {dash} <u:timeunit> [window/period]",
            "on [a/any] <d:dur> window/basis",
            "with [a] <d:dur> [sliding/rolling/moving] window",
            "with [a] [sliding/rolling/moving] window of <d:dur>",
            "[{comma}] window <d:dur>",
        ],
        |c| {
            let qty = match c.qty("d") {
                Some(qty) => qty,
                None => qty(c.num("n")?, c.qty("u")?.unit),
            };
            item(Item::Window(length(&qty)?))
        },
    );
}
