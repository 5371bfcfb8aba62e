//! Utilisation, throughput, cost, and the catalog's own indicators.

use ibn_core::intent::IndicatorName;

use super::amounts::qty;
use super::item;
use super::objectives::{metric, objective, plain};
use crate::grammar::engine::Builder;
use crate::grammar::sem::{Item, Sem, Unit};

pub(super) fn add(g: &mut Builder) {
    utilisation(g);
    throughput_and_cost(g);
    own(g);
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
                "<t:ownerof> <m:utilnoun> <mustnot> <exceeding> <v:pct>",
                "<m:utilnoun> (of/for/on) <t:target> <mustnot> <exceeding> <v:pct>",
                "<m:utilnoun> <mustnot> <exceeding> <v:pct>",
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
                "<t:ownerof> <m:utilnoun> <mustnot> <dropping> <v:pct>",
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
            "<t:ownerof> <thrnoun> <mustnot> <dropping> <v:rate>",
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
            "<t:ownerof> <costnoun> <mustnot> exceed <v:rq>",
            "<costnoun> (of/for) <t:target> <mustnot> exceed <v:rq>",
            "<costnoun> <mustnot> exceed <v:rq>",
            "[do] not/never spend more than <v:rq> on <t:target>",
            "don't/dont spend more than <v:rq> on <t:target>",
            "<t:target> <mustnot> cost more than <v:rq>",
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
            "<t:ownerof> <m:indicator> <mustnot> <exceeding> <v:ownvalue>",
            "[the] <m:indicator> (of/for/on) <t:target> <mustnot> <exceeding> <v:ownvalue>",
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
