//! Shares of requests: errors and availability.

use ibn_core::intent::IndicatorName;

use super::amounts::qty;
use super::item;
use super::objectives::{objective, plain};
use crate::grammar::decimal::Decimal;
use crate::grammar::engine::Builder;
use crate::grammar::sem::{Item, Sem, Unit};

pub(super) fn add(g: &mut Builder) {
    shares(g);
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
            "[an/a] <errnoun> of <v:pctupper> (for/on/of) <t:target>",
            "<v:pctupper> of [all] <t:ownerof> <calls> <failmodal>",
            "<t:target> <mustnot> fail [in/for] more than <v:pct> [of [the/its/all] <calls>]",
            "<v:pctupper> <errnoun>",
            "<holdverb> <t:target> [at] <v:pctupper> <errnoun>",
            "<v:pctupper> of [the/all] <calls> (to/of/on/for/against) <t:target> <failmodal>",
            "<v:pctupper> of <t:ownerof> <calls> <failmodal>",
            "<v:pctupper> of [the/all/its] <calls> <failmodal>",
            "<t:target> <modal> fail [in/on/for] <v:pctupper> [of [the/its/all] <calls>]",
            "<t:target> may/can/should fail <v:pctupper> of [the/its/all] <calls>",
            "<calls> (to/of/on/for) <t:target> may/can/should/must fail [in] <v:pctupper> [of the time]",
            "<holdverb> <t:target> with [an] <errnoun> [of] <v:pctupper>",
            "<t:ownerof> <errnoun> <mustnot> <exceeding> <v:pct>",
            "<errnoun> (of/for/on) <t:target> <mustnot> <exceeding> <v:pct>",
            "<errnoun> <mustnot> <exceeding> <v:pct>",
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
            "<v:availvalue> of [all] <t:ownerof> <calls> <okmodal>",
            "<t:target> <modal> have <v:nines> [of] <availnoun>",
            "<t:target> needs/requires/gets/has <v:nines> [of] <availnoun>",
            "<v:nines> <availnoun> (for/on) <t:target>",
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
            "<t:ownerof> <availnoun> <mustnot> <dropping> <v:pct>",
            "<availnoun> (of/for) <t:target> <mustnot> <dropping> <v:pct>",
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
            "<t:target> <mustnot> fail",
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
