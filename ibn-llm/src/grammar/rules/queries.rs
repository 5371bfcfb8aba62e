//! Questions: how things stand, why something was done, what would happen.

use ibn_core::translation::QueryKind;

use super::item;
use crate::grammar::engine::{Builder, Caps};
use crate::grammar::sem::{Item, Sem};

pub(super) fn add(g: &mut Builder) {
    g.words(
        "isword",
        &["is/are/was/were/does/do/did/has/have/{possessive}"],
    );
    g.words(
        "statenoun",
        &[
            "status/state/health/condition/situation/performance/progress",
            "current status/state",
            "overview",
            "numbers/metrics/figures/values",
        ],
    );
    g.words(
        "measured",
        &[
            "<latnoun>",
            "<errnoun>",
            "<availnoun>",
            "<utilnoun>",
            "<thrnoun>",
            "<costnoun>",
            "<podsn>",
            "<noun>",
            "<pods>",
            "[the] <statenoun>",
            "<indicator>",
            "[the] quota",
            "[the] intents/intent/objectives/objective/decisions/mode/priority",
        ],
    );
    g.rule(
        "query",
        &[
            "how <isword> <t:target> [doing/going/performing/running/behaving/holding/coping] [up/along] [now/today/currently] [{question}]",
            "[the] <statenoun> (of/for/on) <t:target> [{question}]",
            "<t:ownerof> <statenoun> [{question}]",
            "what <isword> [the] [current] <statenoun> (of/for/on) <t:target> [now] [{question}]",
            "what <isword> <t:ownerof> [current] <statenoun> [now] [{question}]",
            "what <isword> [the] [current] <measured> (of/for/on/in) <t:target> [now | currently | at the moment] [{question}]",
            "what <isword> <t:ownerof> [current] <measured> [now | currently | at the moment] [{question}]",
            "what <isword> <t:target> doing [now/currently] [{question}]",
            "what <isword> going on with/in/at <t:target> [{question}]",
            "what <isword> up with <t:target> [{question}]",
            "what <isword> happening with/in/to/at <t:target> [{question}]",
            "<isword> <t:target> [<isok>] [now/currently] [{question}]",
            "<isword> <t:target> <isok> [{question}]",
            "show/list/give/tell [me] [the] [current] <statenoun> (of/for/on) <t:target> [{question}]",
            "show/give/tell [me] [the] [current] <measured> (of/for/on) <t:target>",
            "show/give [me] <t:ownerof> <statenoun>",
            "show/give/tell [me] <t:ownerof> <measured>",
            "show/describe/inspect/check/get/list [me] <t:target>",
            "status <t:target>",
            "<statenoun> of <t:target>",
            "tell me how <t:target> is [doing/going/performing]",
            "tell me about <t:target>",
            "how many <pods> <isword> <t:target> [have/use/run/using/running/got/on] [now | currently | right now | at the moment] [{question}]",
            "how many <pods> of <t:target> [<isword>] [there/running/up] [{question}]",
            "how many <pods> are there of/for/in <t:target> [{question}]",
            "how many <t:target> <pods> [<isword>] [there/running/up] [{question}]",
            "how much <noun> <isword> <t:target> [have/use/using/get/got/consume/consuming] [now | currently | right now] [{question}]",
            "how fast/slow/busy/loaded/healthy/expensive/available/reliable <isword> <t:target> [{question}]",
            "how much <isword> <t:target> cost/costing [{question}]",
            "which intents/intent/decisions <isword> [there/set/active/exist] [for/on/about] <t:target> [{question}]",
            "what <isword> set for <t:target> [{question}]",
            "list/show [me] [the/all] intents/decisions/events (of/for/on/about) <t:target>",
            "<isword> [there] [any] problem/problems/issue/issues/trouble with <t:target> [{question}]",
            "<isword> <t:target> meeting/keeping/meet/keep [its/the] objective/objectives/goal/goals/target/targets/slo/slos [{question}]",
            "<isword> <t:ownerof> objective/objectives/goal/goals/intent/intents met/fulfilled/kept/achieved/ok/violated [{question}]",
            "<isword> <t:target> under/in pressure/load/trouble [{question}]",
            "any problem/problems/issues/trouble with <t:target> [{question}]",
        ],
        |c| query(c, QueryKind::Status),
    );
    g.words("isok", &["ok/okay/fine/healthy/up/alive/well/stable/slow/fast/down/running/overloaded/ready/available/degraded/broken/good/suspended/paused/failing/busy/working", "doing ok/okay/fine/well", "up and running", "in trouble", "running/doing well/fine/ok", "meeting its objectives/objective", "over/within [its] budget"]);
    g.rule(
        "query",
        &[
            "status [{question}]", "[the/overall/current] status [report] [{question}]", "how <isword> everything [doing/going/running] [{question}]", "how <isword> things/it [doing/going] [{question}]", "what <isword> the status [of everything] [{question}]",
            "<isword> everything [all] <isok> [{question}]", "<isword> all [well] [{question}]", "show/give [me] [the/an/a] [current/overall] status/overview [report | of everything]", "what <isword> going on [{question}]", "what <isword> happening [{question}]",
            "list/show [me] [all] [the/my] workloads/deployments/intents/decisions/applications/services", "what <isword> the state of things [{question}]", "how do things stand [{question}]", "how <isword> the cluster [doing] [{question}]", "status of the cluster", "what intents/workloads are there [{question}]", "which intents/workloads are there [{question}]",
        ],
        |_| {
            item(Item::Query {
                kind: QueryKind::Status,
                target: None,
            })
        },
    );
    g.words(
        "amiss",
        &[
            "wrong/amiss/broken/down/failing/slow/degraded/unhealthy/overloaded/infeasible/overridden/rejected/suspended/paused/stuck/unstable",
            "not ok/okay/fine/healthy/fulfilled/working/met/kept/achieved",
            "violated/missed/broken/unmet/met/kept/fulfilled/achieved/burning",
            "going wrong",
            "on fire",
            "in trouble",
        ],
    );
    g.words(
        "goal",
        &["[their/its/the] [latency] objective/objectives/goal/goals/target/targets/slo/slos/budget/budgets"],
    );
    g.words(
        "offgoal",
        &[
            "[not] over/above/under/below/outside/beyond/within/at <goal>",
            "[not] meeting/missing/violating/breaking/breaching/keeping/exceeding/failing/fulfilling/achieving <goal>",
        ],
    );
    g.words(
        "things",
        &["[of] [the/my/our/your] workloads/workload/deployments/deployment/services/service/applications/application/apps/app/pods/intents/intent/objectives/objective/goals/slos"],
    );
    g.rule(
        "query",
        &[
            "<isword> anything/something/everything/anyone [<amiss> | <offgoal>] [now | right now | at the moment] [{question}]",
            "<isword> any <things> [<amiss> | <offgoal>] [now | right now | at the moment] [{question}]",
            "<isword> all <things> [<isok> | <offgoal>] [now | right now | at the moment] [{question}]",
            "<isword> there any/a problem/problems/issue/issues/trouble/alerts/violations [now | right now | at the moment] [{question}]",
            "any problem/problems/issue/issues/trouble/alerts/violations [now] [{question}]",
            "anything wrong/amiss/broken/new [{question}]",
            "what <isword> <amiss> [now | right now | at the moment] [{question}]",
            "which <things> <isword> [<amiss> | <isok> | <offgoal>] [now | right now | at the moment] [{question}]",
            "show/list/give/tell [me] [all] <things> [that/which] [are] (<amiss> | <offgoal>)",
            "show/list/give/tell [me] everything/all",
            "what <isword> you manage/managing/watch/watching/control/controlling/know/see/look [after/at] [{question}]",
            "which <things> do you manage/watch/control/know/see [{question}]",
            "<isword> all <things> <amiss> [now | right now | at the moment] [{question}]",
            "what needs attention/fixing [now] [{question}]",
            "how many (<things> | <pods>) <isword> there/running [now | right now | at the moment] [{question}]",
            "how many <things> do you manage/watch/control [{question}]",
        ],
        |_| {
            item(Item::Query {
                kind: QueryKind::Status,
                target: None,
            })
        },
    );
    g.rule(
        "query",
        &[
            "<isword> anything/something <amiss> with/in/on <t:target> [now | right now | at the moment] [{question}]",
            "<isword> there anything/something <amiss> with/in/on <t:target> [now | right now | at the moment] [{question}]",
            "anything wrong/amiss/new with/in/on <t:target> [{question}]",
            "what <isword> wrong/amiss with/in/on <t:target> [{question}]",
            "<isword> <t:target> (<amiss> | <offgoal>) [now | right now | at the moment] [{question}]",
            "what/which [<things>] [<isword>] run/runs/running/live in <t:target> [{question}]",
            "which <things> <isword> [there] in <t:target> [{question}]",
        ],
        |c| query(c, QueryKind::Status),
    );
    g.rule(
        "query",
        &[
            "help [me] [{question}]",
            "help [me] with <target> [{question}]",
            "[show] examples/commands [{question}]",
            "show me [some] examples",
            "what can/could you do [for me/us] [{question}]",
            "what can/could/may/do/should i/we say/ask/do/tell/type/write/order [you/for/here/now] [{question}]",
            "how do/can/should i/we use you/this/it/ibn [{question}]",
            "how does this/it work [{question}]",
            "how do you work [{question}]",
            "what <isword> you for/capable [of] [{question}]",
            "what do you understand [{question}]",
        ],
        |_| item(Item::Help),
    );
    g.words("didwhat", &["scale/scaled/grow/grown/shrink/shrunk/change/changed/restart/restarted/go/gone/get/got/lose/lost/gain/jump/drop/dropped/rise/move/moved/resize/resized/slow/become/increase/increased/decrease/decreased/fail/failing/failed/degrade/degraded/run/running/use/using/need/have/cost/spike/spiked [so] [up/down/out/in/slow/slower/down/more/fewer/less/bigger/smaller/that] [much/many/more/fewer/less] [<num>] [<pods> | <noun>] [by <size>] [to <num> [<pods>]] [from <num> to <num> [<pods>]]", "scaling up/down", "been scaled/changed [up/down]", "so slow/many/expensive/big/small/few [<pods>]", "slow/slower/down/degraded/suspended/overridden/infeasible/rejected/expensive/unhealthy/not fulfilled", "at <num> <pods>", "not scaling/scaled/scale [up/down]", "being scaled [up/down]", "undone/reverted/throttled"]);
    g.words(
        "whenpast",
        &[
            "yesterday/recently/earlier/today/now/again",
            "last night/week/time/hour",
            "just now",
            "this morning",
            "a while ago",
            "at <clock>",
            "<length> ago",
            "at night",
        ],
    );
    g.rule(
        "query",
        &[
            "why <isword> <t:target> [<didwhat>] [<whenpast>] [{question}]",
            "why <isword> [the] <pods> of <t:target> [<didwhat>] [<whenpast>] [{question}]",
            "why <isword> you <didyou> <t:target> [up/down/back] [to <num> [<pods>]] [by <size>] [from <num> to <num>] [<whenpast>] [{question}]",
            "why <isword> <measured> (of/for/in) <t:target> [<didwhat>] [<highlow>] [<whenpast>] [{question}]",
            "why <isword> <t:ownerof> <measured> [<didwhat>] [<highlow>] [<whenpast>] [{question}]",
            "why <isword> <t:target> [<isword>] [so] many/few <pods> [{question}]",
            "why so many/few <pods> (for/of/in) <t:target> [{question}]",
            "explain [me] [to me] [the] [last/latest/recent/current] [decision/decisions/change/changes/scaling/action/actions/state/status] (on/for/of/about) <t:target>",
            "explain <t:target>",
            "explain [to me] why <t:target> [<isword>] <didwhat> [<whenpast>]",
            "explain <t:ownerof> [last/latest/recent/current] decision/decisions/change/changes/scaling/replicas/state/status",
            "explain what happened to/with/on <t:target> [<whenpast>]",
            "what <isword> the reason for <t:ownerof> [last/latest/recent] decision/decisions/change/changes/scaling [{question}]",
            "what happened to/with/on <t:target> [<whenpast>] [{question}]",
            "what/who changed/scaled <t:target> [<whenpast>] [{question}]",
            "what made <t:target> <didwhat> [<whenpast>] [{question}]",
            "what <isword> you <didyou> (to/with) <t:target> [<whenpast>] [{question}]",
            "tell me why <t:target> [<isword>] <didwhat> [<whenpast>]",
            "how come <t:target> [<isword>] <didwhat> [<whenpast>] [{question}]",
            "what caused <t:target> to <didwhat> [<whenpast>] [{question}]",
            "<t:target> {comma} why [{question}]",
        ],
        |c| query(c, QueryKind::Explain),
    );
    g.words("didyou", &["scale/scaled/change/changed/resize/resized/grow/shrink/touch/do/done/move/give/reduce/increase/suspend/undo/set/adjust/pause"]);
    g.words(
        "highlow",
        &[
            "high/low/higher/lower/up/down/bad/good/rising/falling/increasing",
            "so high/low/big/bad/much/many",
            "going up/down",
        ],
    );
    g.rule("query", &["explain [to me] [the/your] [last/latest/recent] decision/decisions/change/changes/action/actions", "why <isword> you do that/it/this [{question}]", "what did you do [<whenpast>] [and why] [{question}]", "why [{question}]", "what happened [<whenpast>] [{question}]"], |_| {
        item(Item::Query {
            kind: QueryKind::Explain,
            target: None,
        })
    });
    // What comes behind is predicted, not done.
    g.rule(
        "whatif",
        &[
            "what [would/will/could/might] happen/happens if/when [i/we/you]",
            "what would be the effect/effects/impact/result/outcome/consequence/consequences if [i/we/you]",
            "what would be the effect/effects/impact of",
            "what if [i/we/you] [were to/would]",
            "what-if [i/we/you]",
            "what would it do/mean/cost if [i/we/you]",
            "what happens if/when [i/we/you]",
            "how would <target> do/behave/perform if [i/we/you]",
            "how would things be if [i/we/you]",
            "simulate/predict/forecast [what happens if/when] [i/we/you]",
            "predict/simulate/estimate/show [me] [the] effect/effects/impact of",
            "would it help/work/suffice to",
            "would it help/work/suffice if [i/we/you]",
            "what would change if [i/we/you]",
            "what is the effect/impact of",
            "what would the effect/impact be of",
            "what would the effect/impact be if [i/we/you]",
            "what effect/impact would it have to",
            "what effect/impact would it have if [i/we/you]",
            "suppose/imagine/assume [that] [i/we/you]",
            "what would [be] [the] effect/impact of",
        ],
        |_| item(Item::WhatIf),
    );
    // The past and -ing forms of what-if clauses.
    g.rule(
        "pastclause",
        &["<i:pastreplicas>", "<i:pastresource>"],
        |c| c.get("i").cloned(),
    );
    past(g);
}

fn query(c: &Caps<'_>, kind: QueryKind) -> Option<Sem> {
    item(Item::Query {
        kind,
        target: c.target("t"),
    })
}

fn past(g: &mut Builder) {
    use super::amounts::{changed, directed, qty};
    use crate::grammar::sem::{Change, Dir, Part, Unit};
    g.words(
        "pastscale",
        &["scaled/scaling/set/setting/brought/bringing/resized/took/put/changed/changing"],
    );
    g.rule(
        "pastscale",
        &["raised/raising/increased/increasing/grew"],
        |_| Some(Sem::Dir(Dir::Up)),
    );
    g.rule(
        "pastscale",
        &["reduced/reducing/dropped/cut/cutting/lowered/lowering/shrank"],
        |_| Some(Sem::Dir(Dir::Down)),
    );
    g.words(
        "pastrun",
        &["ran/running/had/having/used/using/kept/keeping/gave/giving"],
    );
    g.rule(
        "pastreplicas",
        &[
            "<d:pastscale> <t:target> [<d:updown>] [back] to <n:count> [<pods>]",
            "<t:target> [were/was] <pastrun> [at/with/on] [only/just/exactly] <n:count> <pods>",
            "<t:target> was/were/is scaled [<d:updown>] to <n:count> [<pods>]",
            "<t:target> had/has/runs/ran [only/just] <n:count> <pods>",
            "<pastrun> <t:target> with/at/on <n:count> <pods>",
            "<pastrun> <n:count> <pods> (of/for) <t:target>",
            "<d:pastscale> <podsn> (of/for) <t:target> to <n:count>",
            "there were <n:count> <pods> of <t:target>",
        ],
        |c| {
            item(Item::Replicas {
                target: c.target("t"),
                change: directed(c, Change::To(qty(c.num("n")?, Unit::Pods))),
            })
        },
    );
    g.rule("pastmult", &["doubled/doubling"], |_| {
        Some(Sem::Change(Change::Scale(2.0)))
    });
    g.rule("pastmult", &["tripled/tripling"], |_| {
        Some(Sem::Change(Change::Scale(3.0)))
    });
    g.rule("pastmult", &["halved/halving"], |_| {
        Some(Sem::Change(Change::Scale(0.5)))
    });
    g.rule(
        "pastreplicas",
        &[
            "<m:pastmult> <podsn> (of/for) <t:target>",
            "<m:pastmult> <t:ownerof> <podsn>",
        ],
        |c| {
            item(Item::Replicas {
                target: c.target("t"),
                change: c.change("m")?,
            })
        },
    );
    g.costly("pastreplicas", 30, &["<pastmult> <t:target>"], |c| {
        item(Item::Ask {
            target: c.target("t"),
            missing: "unit",
            question: "Of what: its pods, its CPU or its memory?".to_owned(),
        })
    });
    g.rule(
        "pastreplicas",
        &[
            "<t:target> had/got/has <x:podchange>",
            "gave/added/giving/adding <t:target> <x:podchange>",
            "added/adding <x:podchange> to <t:target>",
        ],
        |c| {
            item(Item::Replicas {
                target: c.target("t"),
                change: c.change("x")?,
            })
        },
    );
    g.rule(
        "pastreplicas",
        &["added/adding <s:podby> to <t:target>"],
        |c| {
            item(Item::Replicas {
                target: c.target("t"),
                change: changed(Dir::Up, &c.by("s")?, Some(Unit::Pods)),
            })
        },
    );
    g.rule(
        "pastreplicas",
        &["removed/removing/took <s:podby> from <t:target>"],
        |c| {
            item(Item::Replicas {
                target: c.target("t"),
                change: changed(Dir::Down, &c.by("s")?, Some(Unit::Pods)),
            })
        },
    );
    g.rule(
        "pastreplicas",
        &["scaled/scaling <t:target> <d:updown> <b:by>"],
        |c| {
            let change = changed(c.dir("d")?, &c.by("b")?, None);
            item(Item::Replicas {
                target: c.target("t"),
                change,
            })
        },
    );
    g.rule("pastresource", &["<m:pastmult> <p:rnp>"], |c| {
        parts(c, c.change("m")?)
    });
    g.rule(
        "pastresource",
        &["<d:pastscale> <p:rnp> to <q:anyqty>"],
        |c| parts(c, directed(c, Change::To(c.qty("q")?))),
    );
    g.rule("pastdir", &["increased/increasing/raised/raising"], |_| {
        Some(Sem::Dir(Dir::Up))
    });
    g.rule(
        "pastdir",
        &["reduced/reducing/decreased/decreasing/lowered/lowering/cut/cutting"],
        |_| Some(Sem::Dir(Dir::Down)),
    );
    g.rule("pastresource", &["<d:pastdir> <p:rnp> <b:by>"], |c| {
        parts(c, changed(c.dir("d")?, &c.by("b")?, None))
    });
    g.rule(
        "pastreplicas",
        &[
            "<d:pastdir> <podsn> (of/for) <t:target> <b:by>",
            "<d:pastdir> <t:ownerof> <podsn> <b:by>",
        ],
        |c| {
            item(Item::Replicas {
                target: c.target("t"),
                change: changed(c.dir("d")?, &c.by("b")?, Some(Unit::Pods)),
            })
        },
    );
    g.rule(
        "pastresource",
        &[
            "gave/giving <o:owner> <q:rqs>",
            "<o:owner> had/got/has <q:rqs>",
        ],
        |c| {
            let parts = c
                .all_qtys("q")
                .into_iter()
                .map(|qty| {
                    Some(Part {
                        noun: super::resources::noun_of(&qty)?,
                        change: Change::To(crate::grammar::sem::Qty { of: None, ..qty }),
                    })
                })
                .collect::<Option<Vec<_>>>()?;
            item(Item::Resources {
                owner: c.owner("o")?,
                parts,
            })
        },
    );
    g.rule(
        "pastresource",
        &[
            "gave/giving <o:owner> <x:moreofs>",
            "<o:owner> had/got/has <x:moreofs>",
        ],
        |c| {
            let Item::Resources { parts, .. } = c.item("x")? else {
                return None;
            };
            item(Item::Resources {
                owner: c.owner("o")?,
                parts,
            })
        },
    );
}

fn parts(c: &Caps<'_>, change: crate::grammar::sem::Change) -> Option<Sem> {
    let Item::Resources { owner, mut parts } = c.item("p")? else {
        return None;
    };
    for part in &mut parts {
        part.change = change.clone();
    }
    item(Item::Resources { owner, parts })
}
