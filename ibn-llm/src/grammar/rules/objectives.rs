//! Objectives: latency, errors, availability, utilisation, throughput, cost, and the catalog's own indicators.

use ibn_core::intent::IndicatorName;

use super::amounts::qty;
use super::item;
use crate::grammar::decimal::Decimal;
use crate::grammar::engine::{Builder, Caps};
use crate::grammar::sem::{Item, Metric, Qty, Quant, Sem, Unit};

pub(super) fn add(g: &mut Builder) {
    quantiles(g);
    latency(g);
    shares(g);
    utilisation(g);
    throughput_and_cost(g);
    own(g);
    windows(g);
}

fn metric(name: IndicatorName, quantile: Option<Quant>) -> Option<Sem> {
    Some(Sem::Metric(Metric { name, quantile }))
}

fn quant(percent: Decimal) -> Option<Sem> {
    Some(Sem::Quantile(Quant::Percent(percent)))
}

fn objective(c: &Caps<'_>, metric: Metric, upper: bool, value: Qty) -> Option<Sem> {
    item(Item::Objective {
        target: c.target("t"),
        metric,
        upper,
        value,
    })
}

fn quantiles(g: &mut Builder) {
    g.rule("quant", &["<q:pword>"], |c| {
        Some(Sem::Quantile(c.quant("q")?))
    });
    g.rule(
        "quant",
        &[
            "[the] <n:num> [st/nd/rd/th] [{dash}] percentile/percentiles/quantile",
            "[the] <n:num> percent/{percent} quantile/percentile",
            "p <n:digits>",
            "[the] percentile <n:num>",
            "q <n:digits>",
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
    // the 99th percentile of checkout's latency
    g.rule(
        "objective",
        &[
            "[<holdverb>] [the] <q:quant> of <t:ownerof> <latword> [<modal>] [<stay>] [at/to] <v:durupper>",
            "[<holdverb>] [the] <q:quant> of [the] <latword> (of/for) <t:target> [<modal>] [<stay>] [at/to] <v:durupper>",
            "[the] <q:quant> of <t:ownerof> <latword> must/should/may/can/shall not/never <exceeding> <v:dur>",
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
            "<m:latnoun> (of/for/on/in) <t:target> must/should/may/can/shall not/never <exceeding> <v:dur>",
            "<t:ownerof> <m:latnoun> must/should/may/can/shall not/never <exceeding> <v:dur>",
            "<m:latnoun> must/should/may/can/shall not/never <exceeding> <v:dur>",
            "<t:ownerof> <m:latnoun> mustn't/shouldn't/cannot/can't <exceeding> <v:dur>",
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
            "<t:target> must/should/may/can/shall not/never [ever] take/need/be longer/more/slower than <v:dur> [to answer/respond/reply]",
            "<t:target> never takes longer/more than <v:dur> [to answer/respond/reply]",
            "<t:target> mustn't/shouldn't/cannot/can't take longer/more than <v:dur> [to answer/respond/reply]",
            "<calls> (to/of/on/for) <t:target> must/should/may/can/shall not/never [ever] take/be longer/more/slower than <v:dur>",
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
                question: "That asks for slow answers; do you mean at most?".to_owned(),
            })
        },
    );
}

fn shares(g: &mut Builder) {
    g.words(
        "errnoun",
        &[
            "[the] error/failure/fault rate/rates/ratio/share",
            "[the] errors/failures",
            "[the] share/rate/ratio/percentage of errors/failures/failed [requests]",
            "[the] share/rate/ratio/percentage of failed/failing requests",
            "[the] http errors",
            "[the] 5xx [rate/errors/responses]",
        ],
    );
    g.words(
        "availnoun",
        &[
            "[the] availability/uptime/reliability",
            "[the] success rate/ratio/share",
            "[the] share/rate/ratio/percentage of successful requests",
        ],
    );
    g.rule(
        "pctupper",
        &[
            "<upper> <v:pct>",
            "<upperx> <v:pct>",
            "within <v:pct>",
            "<v:pct> at most/max/maximum/tops",
            "<v:pct> or less/lower/below/fewer",
        ],
        |c| Some(Sem::Qty(c.qty("v")?)),
    );
    g.costly(
        "pctupper",
        20,
        &["<upper> <n:num>", "<upperx> <n:num>"],
        |c| Some(Sem::Qty(qty(c.num("n")?, Unit::None))),
    );
    g.rule(
        "pctlower",
        &[
            "<lower> <v:pct>",
            "<lowerx> <v:pct>",
            "<v:pct> at least/minimum",
            "<v:pct> or more/better/higher/above",
        ],
        |c| Some(Sem::Qty(c.qty("v")?)),
    );
    g.costly(
        "pctlower",
        20,
        &["<lower> <n:num>", "<lowerx> <n:num>"],
        |c| Some(Sem::Qty(qty(c.num("n")?, Unit::None))),
    );
    g.rule("nines", &["two nines", "2 nines"], |_| {
        nines(Decimal::whole(99))
    });
    g.rule("nines", &["three nines"], |_| nines(Decimal::new(999, 1)));
    g.rule("nines", &["four nines"], |_| nines(Decimal::new(9999, 2)));
    g.rule("nines", &["five nines"], |_| nines(Decimal::new(99999, 3)));
    g.rule("nines", &["six nines"], |_| nines(Decimal::new(999_999, 4)));
    g.rule("nines", &["three and a half nines", "3.5 nines"], |_| {
        nines(Decimal::new(9995, 2))
    });
    g.rule("nines", &["<n:digits> nines"], |c| {
        match c.num("n")?.to_u32()? {
            1 => nines(Decimal::whole(90)),
            2 => nines(Decimal::whole(99)),
            3 => nines(Decimal::new(999, 1)),
            4 => nines(Decimal::new(9999, 2)),
            5 => nines(Decimal::new(99999, 3)),
            6 => nines(Decimal::new(999_999, 4)),
            _ => None,
        }
    });
    g.rule(
        "availvalue",
        &[
            "<v:pctlower>",
            "[of/at/to/a] <v:pct>",
            "[of/at/to/with] [at least] <v:nines>",
            "<lower> <v:nines>",
        ],
        |c| Some(Sem::Qty(c.qty("v")?)),
    );
    g.rule(
        "objective",
        &[
            "<holdverb> <errnoun> (of/for/on/in/from) <t:target> [down] [to] <v:pctupper>",
            "<holdverb> <t:ownerof> <errnoun> [down] [to] <v:pctupper>",
            "<holdverb> <errnoun> [down] <v:pctupper> [(for/on/of) <t:target>]",
            "<t:ownerof> <errnoun> [<modal>] [<stay>] <v:pctupper>",
            "<errnoun> (of/for/on/in) <t:target> [<modal>] [<stay>] <v:pctupper>",
            "<errnoun> [<modal>] [<stay>] <v:pctupper> [(for/on/of) <t:target>]",
            "<t:target> {colon} <errnoun> <v:pctupper>",
            "<t:target> <modal> have [an/a] <errnoun> [of] <v:pctupper>",
            "<v:pctupper> <errnoun> (for/on/in/of) <t:target>",
            "<v:pctupper> <errnoun>",
            "<holdverb> <t:target> [at] <v:pctupper> <errnoun>",
            "<v:pctupper> of [the/all] <calls> (to/of/on/for/against) <t:target> <failmodal>",
            "<v:pctupper> of <t:ownerof> <calls> <failmodal>",
            "<v:pctupper> of [the/all/its] <calls> <failmodal>",
            "<t:target> <modal> fail [in/on/for] <v:pctupper> [of [the/its/all] <calls>]",
            "<t:target> may/can/should fail <v:pctupper> of [the/its/all] <calls>",
            "<calls> (to/of/on/for) <t:target> may/can/should/must fail [in] <v:pctupper> [of the time]",
            "<holdverb> <t:target> with [an] <errnoun> [of] <v:pctupper>",
            "<t:ownerof> <errnoun> must/should/may/can not/never <exceeding> <v:pct>",
            "<errnoun> (of/for/on) <t:target> must/should/may/can not/never <exceeding> <v:pct>",
            "<errnoun> must/should/may/can not/never <exceeding> <v:pct>",
            "never/don't/dont let <t:ownerof> <errnoun> <exceeding> <v:pct>",
            "cap/limit <t:ownerof> <errnoun> at/to <v:pct>",
            "cap/limit <errnoun> (of/for/on) <t:target> at/to <v:pct>",
        ],
        |c| objective(c, plain(IndicatorName::ErrorRate), true, c.qty("v")?),
    );
    g.words(
        "failmodal",
        &[
            "may/should/can/must/are/shall/will [allowed] [to] [be] fail/error/failing/failed",
            "fail/fails/failing",
            "return/returning errors/5xx",
            "are/be failing",
            "result in errors",
            "may/should/can return errors",
            "may/should/can be errors",
            "error out",
            "may go wrong",
        ],
    );
    g.rule(
        "objective",
        &[
            "<holdverb> <availnoun> (of/for/on/in) <t:target> <v:availvalue>",
            "<holdverb> <t:ownerof> <availnoun> <v:availvalue>",
            "<holdverb> [an/a] <availnoun> <v:availvalue> [(for/on/of) <t:target>]",
            "<t:ownerof> <availnoun> [<modal>] [<stay>] <v:availvalue>",
            "<availnoun> (of/for/on/in) <t:target> [<modal>] [<stay>] <v:availvalue>",
            "<availnoun> [<modal>] [<stay>] <v:availvalue> [(for/on/of) <t:target>]",
            "<t:target> {colon} <availnoun> <v:availvalue>",
            "<t:target> <modal> have [an/a] <availnoun> <v:availvalue>",
            "<t:target> needs/has/wants/requires [an/a] <availnoun> <v:availvalue>",
            "<t:target> [<modal>] [<stay>] [at least] <v:pct> available/up/reliable [of the time]",
            "<t:target> [<modal>] [<stay>] available/up/reachable <v:availvalue> [of the time]",
            "<holdverb> <t:target> available/up/reachable <v:availvalue> [of the time]",
            "<holdverb> <t:target> [at least] <v:pct> available/up/reachable",
            "<holdverb> <t:target> at/to [at least] <v:pct> <availnoun>",
            "<t:target> <modal> have [at least] <v:pct> <availnoun>",
            "<v:availvalue> <availnoun> (for/on/of) <t:target>",
            "<v:availvalue> <availnoun>",
            "<t:target> needs/has/wants/gets/requires [at least] <v:pct> <availnoun>",
            "<v:availvalue> of [the/all] <calls> (to/of/on/for/against) <t:target> <okmodal>",
            "<v:availvalue> of <t:ownerof> <calls> <okmodal>",
            "<v:availvalue> of [the/all/its] <calls> <okmodal>",
            "<calls> (to/of/on/for) <t:target> must/should succeed [in] <v:availvalue> [of the time]",
            "<t:target> must/should succeed [in/for] <v:availvalue> [of [the/its/all] <calls>]",
            "<t:target> <modal> [have/reach/achieve/meet/hold/keep] [at least] <v:nines> [of <availnoun>]",
            "<holdverb> <t:target> [at/to] <v:nines> [of <availnoun>] [available]",
            "<t:target> needs/requires/wants/gets/has <v:nines> [of <availnoun>]",
            "<v:nines> [of <availnoun>] (for/on) <t:target>",
            "<v:nines> [of <availnoun>]",
            "give <t:target> <v:nines> [of <availnoun>]",
            "give <t:target> [at least] <v:pct> <availnoun>",
            "give <t:target> [an] <availnoun> of [at least] <v:pct>",
            "<t:ownerof> <availnoun> must/should/may not/never <dropping> <v:pct>",
            "<availnoun> (of/for) <t:target> must/should/may not/never <dropping> <v:pct>",
            "never/don't/dont let <t:ownerof> <availnoun> <dropping> <v:pct>",
        ],
        |c| objective(c, plain(IndicatorName::Availability), false, c.qty("v")?),
    );
    g.words(
        "dropping",
        &[
            "drop/fall/go/get/be/sink below/under",
            "be less/lower than",
            "drop to less than",
        ],
    );
    g.words(
        "okmodal",
        &[
            "<modal> [be] succeed/successful/ok/work/successfully",
            "succeed/succeeds",
            "to succeed",
            "<modal> be successful/ok",
            "<modal> go through",
            "<modal> be answered/served/handled/completed successfully",
            "are successful",
        ],
    );
    g.costly(
        "objective",
        30,
        &[
            "<holdverb> <t:ownerof> <errnoun> [low/down/small]",
            "<holdverb> <errnoun> (of/for/on) <t:target> [low/down]",
            "<t:ownerof> <errnoun> <modal> [<stay>] low/lower/small",
        ],
        |c| {
            item(Item::Ask {
                target: c.target("t"),
                missing: "amount",
                question: "How many percent of the requests may fail at most?".to_owned(),
            })
        },
    );
    g.costly(
        "objective",
        30,
        &[
            "<holdverb> <t:target> available/up/reachable/reliable",
            "<t:target> <modal> be available/reliable/reachable/up",
            "<t:target> <modal> be highly available",
            "make <t:target> highly available",
            "<t:target> must/should always be up",
            "<t:target> must/should never be down",
            "<t:target> must/should not/never fail",
            "<holdverb> <t:ownerof> <availnoun> [high/up]",
            "<t:ownerof> <availnoun> <modal> be high/higher",
            "all <calls> (to/of/on) <t:target> must/should succeed",
            "<calls> (to/of/on) <t:target> must/should [always] succeed",
            "<t:target> must/should succeed",
        ],
        |c| {
            item(Item::Ask {
                target: c.target("t"),
                missing: "amount",
                question: "How many percent of the requests must succeed at least?".to_owned(),
            })
        },
    );
}

fn nines(percent: Decimal) -> Option<Sem> {
    Some(Sem::Qty(qty(percent, Unit::Percent)))
}

fn plain(name: IndicatorName) -> Metric {
    Metric {
        name,
        quantile: None,
    }
}

fn utilisation(g: &mut Builder) {
    g.words(
        "useword",
        &["utilization/utilisation/usage/use/load/consumption/pressure"],
    );
    g.rule(
        "utilnoun",
        &[
            "[the] <cpuword> [<useword>]",
            "[the] <useword> of [the] <cpuword>",
        ],
        |_| metric(IndicatorName::CpuUtilization, None),
    );
    g.rule(
        "utilnoun",
        &[
            "[the] <memword> [<useword>]",
            "[the] <useword> of [the] <memword>",
        ],
        |_| metric(IndicatorName::MemoryUtilization, None),
    );
    g.words(
        "ofrequests",
        &[
            "of [the/its/their] [cpu/memory] request/requests",
            "of what it requests",
        ],
    );
    g.rule(
        "oflimits",
        &["of [the/its/their] [cpu/memory] limit/limits"],
        |_| Some(Sem::Unit),
    );
    {
        g.rule(
            "objective",
            &[
                "<utilverb> <m:utilnoun> (of/for/on/in) <t:target> <v:pctupper> [<ofrequests>]",
                "<utilverb> <t:ownerof> <m:utilnoun> <v:pctupper> [<ofrequests>]",
                "<utilverb> <m:utilnoun> <v:pctupper> [<ofrequests>] [(for/on/of) <t:target>]",
                "<t:ownerof> <m:utilnoun> [<modal>] [<stay>] <v:pctupper> [<ofrequests>]",
                "<m:utilnoun> (of/for/on/in) <t:target> [<modal>] [<stay>] <v:pctupper> [<ofrequests>]",
                "<m:utilnoun> [<modal>] [<stay>] <v:pctupper> [<ofrequests>] [(for/on/of) <t:target>]",
                "<utilverb> <t:target> <v:pctupper> [of] <m:utilnoun>",
                "<t:target> {colon} <m:utilnoun> <v:pctupper>",
                "<t:target> <modal> use/have/stay/run/be [at] <v:pctupper> [of] [its] <m:utilnoun>",
                "<t:ownerof> <m:utilnoun> must/should/may/can not/never <exceeding> <v:pct>",
                "<m:utilnoun> (of/for/on) <t:target> must/should/may/can not/never <exceeding> <v:pct>",
                "<m:utilnoun> must/should/may/can not/never <exceeding> <v:pct>",
                "never/don't/dont let <t:ownerof> <m:utilnoun> <exceeding> <v:pct>",
                "do not let <t:ownerof> <m:utilnoun> <exceeding> <v:pct>",
                "never/don't/dont let <m:utilnoun> (of/for/on) <t:target> <exceeding> <v:pct>",
            ],
            |c| objective(c, c.metric("m")?, true, c.qty("v")?),
        );
        g.rule(
            "objective",
            &[
                "<utilverb> <m:utilnoun> (of/for/on/in) <t:target> <v:pctlower> [<ofrequests>]",
                "<utilverb> <t:ownerof> <m:utilnoun> <v:pctlower> [<ofrequests>]",
                "<utilverb> <m:utilnoun> <v:pctlower> [<ofrequests>] [(for/on/of) <t:target>]",
                "<t:ownerof> <m:utilnoun> [<modal>] [<stay>] <v:pctlower> [<ofrequests>]",
                "<m:utilnoun> (of/for/on/in) <t:target> [<modal>] [<stay>] <v:pctlower> [<ofrequests>]",
                "<m:utilnoun> [<modal>] [<stay>] <v:pctlower> [<ofrequests>]",
                "<t:ownerof> <m:utilnoun> must/should/may not/never <dropping> <v:pct>",
                "never/don't/dont let <t:ownerof> <m:utilnoun> <dropping> <v:pct>",
            ],
            |c| objective(c, c.metric("m")?, false, c.qty("v")?),
        );
    }
    g.words("utilverb", &["keep/hold/maintain/ensure/make/have/get/bring/push/limit/cap/restrict/target/aim/want/guarantee/drive/stay"]);
    g.words(
        "aimverb",
        &["keep/hold/maintain/bring/get/push/set/drive/target/aim"],
    );
    g.rule(
        "objective",
        &[
            "limit/cap/restrict <t:ownerof> <m:utilnoun> to/at <v:pct>",
            "limit/cap/restrict <m:utilnoun> (of/for/on) <t:target> to/at <v:pct>",
        ],
        |c| objective(c, c.metric("m")?, true, c.qty("v")?),
    );
    // A utilisation with neither side, or of the limits.
    g.rule(
        "objective",
        &[
            "<utilverb> <m:utilnoun> (of/for/on/in) <t:target> around/about/near/at/roughly/approximately <v:pct>",
            "<utilverb> <t:ownerof> <m:utilnoun> around/about/near/at/roughly/approximately <v:pct>",
            "<utilverb> <m:utilnoun> around/about/near/at/roughly/approximately <v:pct> [(for/on/of) <t:target>]",
            "<t:ownerof> <m:utilnoun> [<modal>] [<stay>] around/about/near/at/roughly/approximately <v:pct>",
            "<m:utilnoun> (of/for/on/in) <t:target> [<modal>] [<stay>] around/about/near/at/roughly/approximately <v:pct>",
            "<utilverb> <t:target> around/about/near/at/roughly/approximately <v:pct> [of] <m:utilnoun>",
            "target/aim [for/at] <v:pct> [of] <m:utilnoun> (for/on/of) <t:target>",
            "<aimverb> <t:ownerof> <m:utilnoun> to [around/about] <v:pct>",
            "<aimverb> <m:utilnoun> (of/for/on) <t:target> to [around/about] <v:pct>",
        ],
        |c| {
            let name = c.metric("m")?.name;
            let value = c.qty("v")?.number;
            item(Item::Ask {
                target: c.target("t"),
                missing: "bound",
                question: format!("An objective has one side: {name} at most {value}%, or at least {value}%?"),
            })
        },
    );
    g.rule(
        "objective",
        &[
            "<utilverb> <t:ownerof> <m:utilnoun> <v:pctupper> <oflimits>",
            "<utilverb> <m:utilnoun> (of/for/on/in) <t:target> <v:pctupper> <oflimits>",
            "<utilverb> <m:utilnoun> <v:pctupper> <oflimits>",
            "<t:ownerof> <m:utilnoun> <modal> [<stay>] <v:pctupper> <oflimits>",
        ],
        |c| {
            item(Item::Ask {
                target: c.target("t"),
                missing: "bound",
                question: "Utilisation is relative to the requests, not to the limits; how many percent of the requests?".to_owned(),
            })
        },
    );
    g.costly(
        "objective",
        30,
        &[
            "<utilverb> <t:ownerof> <utilnoun> low/high/down/stable",
            "<utilverb> <utilnoun> (of/for/on) <t:target> low/high/down/stable",
        ],
        |c| {
            item(Item::Ask {
                target: c.target("t"),
                missing: "amount",
                question: "At most how many percent of the requests?".to_owned(),
            })
        },
    );
}

fn throughput_and_cost(g: &mut Builder) {
    g.rule("rate", &["<n:num> rps/qps", "<n:num> req/requests/request/queries/query/reqs/calls [{slash}/per/a/every] s/sec/second", "<n:num> requests {slash} second", "<n:num> req {slash} s/sec", "<n:num> r {slash} s", "<n:num> hits per second"], |c| {
        Some(Sem::Qty(qty(c.num("n")?, Unit::Rate(1))))
    });
    g.rule(
        "rate",
        &[
            "<n:num> rpm",
            "<n:num> req/requests/request/queries/reqs/calls per/a/{slash} minute/min",
        ],
        |c| Some(Sem::Qty(qty(c.num("n")?, Unit::Rate(60)))),
    );
    g.rule(
        "rate",
        &["<n:num> req/requests/queries/calls per/an/{slash} hour/h"],
        |c| Some(Sem::Qty(qty(c.num("n")?, Unit::Rate(3600)))),
    );
    g.rule(
        "ratelower",
        &[
            "<lower> <v:rate>",
            "<lowerx> <v:rate>",
            "<v:rate> at least/minimum",
            "<v:rate> or more",
            "[of/at/a] <v:rate>",
            "[up] to <v:rate>",
        ],
        |c| Some(Sem::Qty(c.qty("v")?)),
    );
    g.rule(
        "ratemin",
        &[
            "<lower> <v:rate>",
            "<lowerx> <v:rate>",
            "<v:rate> or more",
            "<v:rate> at least",
        ],
        |c| Some(Sem::Qty(c.qty("v")?)),
    );
    g.costly("ratemin", 20, &["<lower> <n:num> [<calls>]"], |c| {
        Some(Sem::Qty(qty(c.num("n")?, Unit::None)))
    });
    g.words(
        "thrnoun",
        &[
            "[the/a] throughput",
            "[the] request rate",
            "[the] requests per second",
        ],
    );
    g.words("servefn", &["handle/serve/sustain/process/cope/withstand/take/support/manage/deliver/do/bear/carry/answer/reach/achieve", "cope/deal with", "keep up with", "be able to handle/serve/sustain/process", "be good for"]);
    g.rule(
        "objective",
        &[
            "<holdverb> <thrnoun> (of/for/on) <t:target> [at/to] <v:ratemin>",
            "<holdverb> <t:ownerof> <thrnoun> [at/to] <v:ratemin>",
            "<holdverb> <thrnoun> [of/at] <v:ratemin> [(for/on/of) <t:target>]",
            "<t:ownerof> <thrnoun> [<modal>] [<stay>] <v:ratemin>",
            "<thrnoun> (of/for/on) <t:target> [<modal>] [<stay>] <v:ratemin>",
            "<thrnoun> [<modal>] [<stay>] [of] <v:ratemin> [(for/on/of) <t:target>]",
            "<t:target> {colon} <thrnoun> <v:ratemin>",
            "<t:target> <modal> <servefn> <v:ratelower>",
            "let/make/have/get <t:target> <servefn> <v:ratelower>",
            "<t:target> <modal> have [a] <thrnoun> [of] <v:ratemin>",
            "<v:ratemin> (for/on) <t:target>",
            "<v:ratemin>",
            "<t:target> needs [to] [<servefn>] <v:ratelower>",
            "<t:ownerof> <thrnoun> must/should/may not/never <dropping> <v:rate>",
            "<t:target> <modal> [<servefn>] <v:ratemin>",
            "<servefn> <v:ratelower> (on/with/in) <t:target>",
            "<holdverb> <t:target> [at] <v:ratemin>",
        ],
        |c| objective(c, plain(IndicatorName::Throughput), false, c.qty("v")?),
    );
    g.rule(
        "objective",
        &[
            "limit/cap/throttle/restrict <t:target> to/at <v:rate>",
            "rate limit <t:target> [to/at] [<v:rate>]",
            "limit/cap/throttle <t:ownerof> throughput/traffic to/at <v:rate>",
            "<t:target> <modal> [<servefn>] <upper> <v:rate>",
            "throttle <t:target>",
        ],
        |c| {
            item(Item::Unsayable {
                target: c.target("t"),
                code: ibn_core::translation::RefusalCode::OutOfScope,
                message: "an intent can't limit how much traffic a workload is sent".to_owned(),
            })
        },
    );
    g.rule(
        "costupper",
        &[
            "<upper> <q:rq>",
            "<upperx> <q:rq>",
            "<q:rq> at most/max/maximum",
            "<q:rq> or less",
        ],
        |c| Some(Sem::Qty(c.qty("q")?)),
    );
    g.costly(
        "costupper",
        20,
        &["<upper> <n:num>", "<upperx> <n:num>"],
        |c| Some(Sem::Qty(qty(c.num("n")?, Unit::None))),
    );
    g.words("costnoun", &["[the] cost/costs/price/spending/spend"]);
    g.rule(
        "objective",
        &[
            "<holdverb> <costnoun> (of/for/on) <t:target> [down] [at/to] <v:costupper>",
            "<holdverb> <t:ownerof> <costnoun> [down] [at/to] <v:costupper>",
            "<holdverb> <costnoun> [at/to] <v:costupper> [(for/of/on) <t:target>]",
            "<t:ownerof> <costnoun> [<modal>] [<stay>] <v:costupper>",
            "<costnoun> (of/for/on) <t:target> [<modal>] [<stay>] <v:costupper>",
            "<costnoun> [<modal>] [<stay>] [of] <v:costupper> [(for/of/on) <t:target>]",
            "<t:target> {colon} <costnoun> <v:costupper>",
            "<t:target> <modal> cost <v:costupper>",
            "<t:target> may/should/must/can [not/never] cost <v:costupper>",
            "<t:target> costs <v:costupper>",
            "spend <v:costupper> on <t:target>",
            "<t:ownerof> <costnoun> must/should/may not/never exceed <v:rq>",
            "<costnoun> (of/for) <t:target> must/should/may not/never exceed <v:rq>",
            "<costnoun> must/should/may not/never exceed <v:rq>",
            "[do] not/never spend more than <v:rq> on <t:target>",
            "don't/dont spend more than <v:rq> on <t:target>",
            "<t:target> must/should/may not/never cost more than <v:rq>",
            "limit/cap <costnoun> (of/for) <t:target> to/at <v:rq>",
            "limit/cap <t:ownerof> <costnoun> to/at <v:rq>",
        ],
        |c| objective(c, plain(IndicatorName::Cost), true, c.qty("v")?),
    );
}

/// An own indicator's unit is whatever word stands behind the number.
fn own(g: &mut Builder) {
    g.rule(
        "ownvalue",
        &["<q:pct>", "<q:dur>", "<q:rate>", "<q:rqty>"],
        |c| Some(Sem::Qty(c.qty("q")?)),
    );
    g.rule("ownvalue", &["<n:num>"], |c| {
        Some(Sem::Qty(qty(c.num("n")?, Unit::None)))
    });
    g.rule("ownvalue", &["<n:num> items/messages/jobs/tasks/entries/events/records/connections/sessions/users/orders/elements"], |c| {
        Some(Sem::Qty(qty(c.num("n")?, Unit::None)))
    });
    g.rule(
        "objective",
        &[
            "<utilverb> [the] <m:indicator> (of/for/on/in) <t:target> <ownupper> <v:ownvalue>",
            "<utilverb> <t:ownerof> <m:indicator> <ownupper> <v:ownvalue>",
            "<utilverb> [the] <m:indicator> <ownupper> <v:ownvalue> [(for/on/of) <t:target>]",
            "<t:ownerof> <m:indicator> [<modal>] [<stay>] <ownupper> <v:ownvalue>",
            "[the] <m:indicator> (of/for/on/in) <t:target> [<modal>] [<stay>] <ownupper> <v:ownvalue>",
            "[the] <m:indicator> [<modal>] [<stay>] <ownupper> <v:ownvalue> [(for/on/of) <t:target>]",
            "<t:ownerof> <m:indicator> must/should/may/can not/never <exceeding> <v:ownvalue>",
            "[the] <m:indicator> (of/for/on) <t:target> must/should/may/can not/never <exceeding> <v:ownvalue>",
        ],
        |c| objective(c, c.metric("m")?, true, c.qty("v")?),
    );
    g.words("ownupper", &["<upper>", "<upperx>", "within"]);
    g.words("ownlower", &["<lower>", "<lowerx>"]);
    g.rule(
        "objective",
        &[
            "<utilverb> [the] <m:indicator> (of/for/on/in) <t:target> <ownlower> <v:ownvalue>",
            "<utilverb> <t:ownerof> <m:indicator> <ownlower> <v:ownvalue>",
            "<utilverb> [the] <m:indicator> <ownlower> <v:ownvalue> [(for/on/of) <t:target>]",
            "<t:ownerof> <m:indicator> [<modal>] [<stay>] <ownlower> <v:ownvalue>",
            "[the] <m:indicator> (of/for/on/in) <t:target> [<modal>] [<stay>] <ownlower> <v:ownvalue>",
            "[the] <m:indicator> [<modal>] [<stay>] <ownlower> <v:ownvalue>",
        ],
        |c| objective(c, c.metric("m")?, false, c.qty("v")?),
    );
}

fn windows(g: &mut Builder) {
    g.rule(
        "modifier",
        &[
            "over [a/any/every/each] [window/period/span] [of] <d:dur> [window/windows/period]",
            "measured/averaged/evaluated/taken over/in [a/any] [window/period] [of] <d:dur> [window/windows]",
            "in/over any/every/each <d:dur> [window/windows/period]",
            "over [a] [sliding/rolling/moving] [window/period] [of] <d:dur> [window]",
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
            let nanos = match qty.unit {
                Unit::Time(nanos) => nanos,
                // In a window `m` can only be minutes.
                Unit::BareM => 60_000_000_000,
                _ => return None,
            };
            let exact = qty.number.times(Decimal::whole(i64::try_from(nanos).ok()?))?;
            let nanos: u64 = exact.to_string().parse().ok()?;
            item(Item::Window(std::time::Duration::from_nanos(nanos)))
        },
    );
}
