//! Bounds: on the number of pods, on a pod's CPU and memory, on all pods together; and autoscalers.

use super::item;
use crate::grammar::engine::{Builder, Caps};
use crate::grammar::sem::{Item, Pick, Scope, Sem, Span, Target, Unit};

pub(super) fn add(g: &mut Builder) {
    g.rule(
        "podscope",
        &[
            "per pod/replica/instance/copy",
            "each",
            "for/in each/every pod/replica/instance",
            "a pod/replica",
            "each pod/replica",
            "apiece",
            "for a single pod",
            "by pod",
        ],
        |_| Some(Sem::Scope(Scope::Pod)),
    );
    g.rule(
        "sumscope",
        &[
            "in total",
            "together",
            "altogether",
            "overall",
            "in all",
            "combined",
            "summed up",
            "all pods/replicas/instances together/combined",
            "over/across/for all [its | the | of its] pods/replicas/instances [together/combined]",
            "as a whole",
            "all together",
            "in sum",
            "total",
        ],
        |_| Some(Sem::Scope(Scope::Together)),
    );
    g.rule("scope", &["<x:podscope>", "<x:sumscope>"], |c| {
        Some(Sem::Scope(c.scope("x")?))
    });
    g.words("capverb", &["limit/cap/restrict/bound/constrain/confine"]);
    g.words(
        "useverb",
        &["have/use/get/consume/take/need/request/run/be/grow/go/scale/reach/keep/stay/eat/occupy"],
    );
    pods(g);
    resources(g);
    autoscale(g);
}

fn bounds(c: &Caps<'_>, spans: Vec<Span>, scope: Option<Scope>, limits: bool) -> Option<Sem> {
    (!spans.is_empty()).then_some(())?;
    // What a namespace may use is a quota.
    let quota = c
        .target("t")
        .is_some_and(|target| target.must_be_namespace());
    (!quota).then_some(())?;
    item(Item::Bounds {
        target: c.target("t"),
        scope: scope.or_else(|| c.scope("s")),
        spans,
        limits,
    })
}

/// Bare numbers are pods.
fn as_pods(mut spans: Vec<Span>) -> Vec<Span> {
    for span in &mut spans {
        for qty in [&mut span.min, &mut span.max].into_iter().flatten() {
            if qty.unit == Unit::None && qty.of.is_none() {
                qty.unit = Unit::Pods;
            }
        }
    }
    spans
}

fn upper(c: &Caps<'_>, label: &str, strict: bool) -> Vec<Span> {
    c.all_qtys(label)
        .into_iter()
        .map(|qty| Span {
            min: None,
            max: Some(qty),
            strict_min: false,
            strict_max: strict,
        })
        .collect()
}

fn lower(c: &Caps<'_>, label: &str) -> Vec<Span> {
    c.all_qtys(label)
        .into_iter()
        .map(|qty| Span {
            min: Some(qty),
            max: None,
            strict_min: false,
            strict_max: false,
        })
        .collect()
}

fn pods(g: &mut Builder) {
    g.words("keepverb", &["keep/hold/run/have/let/allow/use/maintain/give/grant/leave/make/want/need/provide/provision/get/permit/operate"]);
    g.rule(
        "bounds",
        &[
            "<x:podspans> [each]",
            "[<keepverb>] <x:podspans> (for/of/in/on) <t:target>",
            "<keepverb> <x:podspans> [running/up/alive/available/ready]",
            "<keepverb> <t:target> [running/up] [with/at/on/to/within] <x:podspans> [running/up/alive]",
            "<keepverb> <t:target> [to] have/run/use/scale/go/grow [to/with/at/on] <x:podspans>",
            "<t:target> <modal> [<useverb>] [at/with/on/to] <x:podspans> [running]",
            "<t:target> [always] needs/need/gets/has/runs/wants/requires/get <x:podspans>",
            "<t:target> {colon}/with <x:podspans>",
            "there <modal> be <x:podspans> (of/for) <t:target>",
            "<t:target> <x:podspans>",
            "<keepverb> <x:podspans> of <t:target> running",
            "<x:podspans> of <t:target> (are | must be | should be) running/up/available/ready",
        ],
        |c| bounds(c, as_pods(c.all_spans("x")), None, false),
    );
    // `…, at least 2`: of what stands before.
    g.costly("bounds", 10, &["<x:numspans>"], |c| {
        item(Item::Bounds {
            target: None,
            scope: None,
            spans: c.all_spans("x"),
            limits: false,
        })
    });
    // at least 3 web pods
    g.rule(
        "bounds",
        &[
            "[<keepverb>] <x:numspans> <t:target> <pods> [running]",
            "there <modal> be <x:numspans> <t:target> <pods>",
            "[<keepverb>] <x:podspan> <t:target>",
        ],
        |c| bounds(c, as_pods(c.all_spans("x")), None, false),
    );
    // keep the number of replicas of web between 2 and 8
    g.rule(
        "bounds",
        &[
            "<keepverb> <podsn> (of/for/on/in) <t:target> <x:numspans>",
            "<keepverb> <t:ownerof> <podsn> [at/to] <x:numspans>",
            "<keepverb> the number of <t:target> <pods> [at/to] <x:numspans>",
            "the number of <t:target> <pods> <modal> [be/stay/remain/lie/not] <x:numspans>",
            "<keepverb> <podsn> [at/to] <x:numspans> [(for/of/on) <t:target>]",
            "<podsn> (of/for/on) <t:target> <modal> [be/stay/remain/lie/not] <x:numspans>",
            "<t:ownerof> <podsn> <modal> [be/stay/remain/lie] <x:numspans>",
            "<t:ownerof> <podsn> <x:numspans>",
            "<podsn> <modal> [be/stay/remain] <x:numspans>",
            "keep/run/hold <t:target> [to/at] <x:numspans>",
            "scale/rescale/set/bring/put/keep <t:target> [<updown>] [to/at/with] <x:spansx>",
            "scale/set/keep <x:spansx> (for/of/on) <t:target>",
            "let <t:target> scale/run/float/vary/move/be [to/at] <x:numspans>",
            "<t:target> <modal> scale/stay/be/remain/run [at/to] <x:numspans>",
        ],
        |c| bounds(c, as_pods(c.all_spans("x")), None, false),
    );
    // never more than 6 or fewer than 2 pods
    g.rule(
        "bounds",
        &[
            "<t:target> must/should/may/can never/not have/run/use more than <b:n1> [<pods>] and/or/nor less/fewer than <a:n1> [<pods>]",
            "<t:target> must/should/may/can never/not have/run/use less/fewer than <a:n1> [<pods>] and/or/nor more than <b:n1> [<pods>]",
        ],
        |c| {
            let mut spans = lower(c, "a");
            spans.extend(upper(c, "b", false));
            bounds(c, as_pods(spans), None, false)
        },
    );
    // limit web to 5 pods
    g.rule(
        "bounds",
        &[
            "<capverb> <t:target> [to/at] [a maximum of] <q:podqty>",
            "<capverb> <podsn> (of/for/on/in) <t:target> to/at <q:n1>",
            "<capverb> <t:ownerof> <podsn> to/at <q:n1>",
            "<capverb> <podsn> to/at <q:n1>",
            "(do not | don't | dont | never) let/allow/permit <t:target> [to] go/grow/scale/get/rise/be [up] above/over/beyond/past <q:podqty>",
            "(do not | don't | dont | never) let/allow/permit <t:target> [to] exceed <q:podqty>",
            "(do not | don't | dont | never) let/allow/permit <t:target> [to] have/run/use more than <q:podqty>",
            "(do not | don't | dont | never) go/grow/scale <t:target> above/over/beyond/past <q:podqty>",
            "<t:target> must/should/may/can not/never exceed <q:podqty>",
            "<t:target> mustn't/cannot/shouldn't exceed <q:podqty>",
            "do not [let/allow] <t:target> [to] go/grow/scale/get above/over/beyond/past <q:n1>",
            "do not/never exceed <q:podqty> [(for/on) <t:target>]",
            "don't/never exceed <q:podqty> [(for/on) <t:target>]",
            "never/don't/dont scale/grow/run/bring <t:target> above/over/beyond/past [to] <q:n1>",
            "never/don't/dont let/allow <t:target> [to] go/grow/scale/get/rise above/over/beyond/past <q:n1>",
            "<t:target> must/should/may/can never/not go/grow/scale/get above/over/beyond/past <q:n1>",
            "<t:target> may/can grow/scale/go [up] to [at most] <q:podqty>",
            "let/allow <t:target> [to] grow/scale/go [up] to <q:podqty>",
            "<t:ownerof> <podsn> must/should not/never exceed <q:n1>",
            "[the] max/maximum [number of] <pods> (of/for) <t:target> [is | be | to | should be | at | {colon}] <q:n1>",
            "set [the/a] max/maximum [number of] <pods> (of/for) <t:target> to <q:n1>",
            "set <t:ownerof> max/maximum <pods> to <q:n1>",
            "set [a/the] <pods> limit/cap/ceiling/maximum of <q:n1> (for/on) <t:target>",
            "[do] not/never use/run/have/take/need more than <q:podqty> [(for/on) <t:target>]",
            "don't/dont use/run/have/take/need more than <q:podqty> [(for/on) <t:target>]",
            "never [go] above/over/beyond <q:podqty>",
            "don't/dont go above/over/beyond <q:podqty>",
            "<t:target> must/should/may/can not/never have/run/use more than <q:podqty>",
            "never/don't/dont run/use/have more than <q:podqty> (of/for) <t:target>",
            "never/don't/dont run/give/let/allow <t:target> [have/run/use] [with] more than <q:podqty>",
            "max/maximum <q:n1> (for/on) <t:target>",
        ],
        |c| bounds(c, as_pods(upper(c, "q", false)), None, false),
    );
    g.rule(
        "bounds",
        &[
            "never/don't/dont scale/bring/run/take/drop/shrink/let <t:target> [go/drop/fall/shrink/scale/get] [down] [to] below/under <q:n1>",
            "do not scale/bring/let <t:target> [go/drop/fall/shrink/scale/get] [down] below/under <q:n1>",
            "<t:target> must/should/may/can not/never go/drop/fall/shrink/scale/get/be [down] below/under <q:n1>",
            "never/don't/dont go/drop/fall below/under <q:podqty>",
            "never/don't/dont run/let/have <t:target> [run/have] [with] less/fewer than <q:podqty>",
            "never/don't/dont run/have/use less/fewer than <q:podqty> [(for/of) <t:target>]",
            "<t:target> must/should/may not/never have/run less/fewer than <q:podqty>",
            "set [the/a] min/minimum [number of] <pods> (of/for) <t:target> to <q:n1>",
            "set <t:ownerof> min/minimum <pods> to <q:n1>",
            "[the] min/minimum [number of] <pods> (of/for) <t:target> [is | be | to | should be | at | {colon}] <q:n1>",
        ],
        |c| bounds(c, as_pods(lower(c, "q")), None, false),
    );
    g.rule(
        "bounds",
        &["set [the/a] min/minimum [of] <a:n1> [<pods>] and [a] max/maximum [of] <b:n1> [<pods>] (for/on/of) <t:target>",
          "set [the] min/minimum and max/maximum [number of] <pods> (for/of) <t:target> to <a:n1> and <b:n1>"],
        |c| {
            let mut spans = lower(c, "a");
            spans.extend(upper(c, "b", false));
            bounds(c, as_pods(spans), None, false)
        },
    );
}

fn resources(g: &mut Builder) {
    g.rule(
        "podsof",
        &[
            "a/each/every/one/any [single] pod/replica/instance of <t:target>",
            "each/every/any <t:target> pod/replica/instance",
            "a <t:target> pod/replica/instance",
            "<t:target> {possessive} pods each",
            "[the] pods of <t:target> each",
            "a/each/every/any [single] pod/replica of its",
        ],
        |c| {
            Some(Sem::Target(
                c.target("t").unwrap_or(Target::one(Pick::Pronoun)),
            ))
        },
    );
    g.rule(
        "sumof",
        &["all [of] [the] pods/replicas/instances of <t:target> [together | combined | taken together]", "all [of] [the] <t:target> pods/replicas [together/combined]", "all [of] <t:ownerof> pods/replicas [together/combined]",
          "the pods of <t:target> together/combined", "<t:target> {possessive} pods together/combined", "<t:target> as a whole", "<t:target> pods together/combined"],
        |c| Some(Sem::Target(c.target("t")?)),
    );
    g.words(
        "maymodal",
        &[
            "may/can/should/must/shall/will/might/needs/has/have [to] [always/only] [<useverb>]",
            "is/are allowed/permitted [to] [<useverb>]",
            "gets/get/uses/use/has/have/needs",
            "is/are limited/capped to",
        ],
    );
    // a pod of web may have at most 2 CPUs
    g.rule(
        "bounds",
        &[
            "<t:podsof> <maymodal> <x:resspans>",
            "<t:podsof> <x:resspans>",
            "let/allow/give <t:podsof> [<useverb>] <x:resspans>",
            "a/each/every/any [single] pod/replica/instance <maymodal> <x:resspans>",
            "<x:resspans> per pod/replica/instance of <t:target>",
            "<x:resspans> (for/in) each/every/a pod/replica of <t:target>",
            "keep <t:podsof> [at] <x:resspans>",
        ],
        |c| bounds(c, c.all_spans("x"), Some(Scope::Pod), false),
    );
    g.rule(
        "bounds",
        &[
            "<capverb> <t:podsof> to/at <q:rqs>",
            "<capverb> [the] pods of <t:target> to/at <q:rqs> <podscope>",
            "<capverb> <t:target> to/at <q:rqs> <podscope>",
            "never/don't/dont give/let/allow <t:podsof> [have/use] more than <q:rqs>",
            "<t:podsof> must/should/may not/never use/have/exceed [more than] <q:rqs>",
        ],
        |c| bounds(c, upper(c, "q", false), Some(Scope::Pod), false),
    );
    // all pods of web together at most 8 cores
    g.rule(
        "bounds",
        &[
            "<t:sumof> <maymodal> <x:resspans> [together | combined | in total | overall | altogether]",
            "<t:sumof> <x:resspans> [together/combined]",
            "all [its | the | of its] pods/replicas together/combined [<maymodal>] <x:resspans>",
            "all [its | the | of its] pods/replicas <maymodal> <x:resspans> together/combined/altogether",
            "let/allow/give <t:sumof> [<useverb>] <x:resspans> [together | in total]",
            "<x:resspans> (over/across/for) all [of] [the/its] pods/replicas/instances of <t:target>",
            "<x:resspans> (over/across/for) all [of] [the] <t:target> pods/replicas",
            "keep <t:sumof> [at] <x:resspans>",
            "[the] total <cpumem> of <t:target> <maymodal> <x:resspans>",
            "[the] pods of <t:target> <maymodal> <x:resspans> together/combined/altogether/overall",
            "[the] <t:target> pods <maymodal> <x:resspans> together/combined/altogether/overall",
            "<t:target> {possessive} pods <maymodal> <x:resspans> together/combined/altogether/overall",
        ],
        |c| bounds(c, c.all_spans("x"), Some(Scope::Together), false),
    );
    g.words(
        "cpumem",
        &["<res>", "<res> <side>", "[the] <res> use/usage/consumption"],
    );
    g.rule(
        "bounds",
        &[
            "<capverb> <t:sumof> to/at <q:rqs> [together | combined | in total]",
            "<capverb> <t:target> to/at [a total of] <q:rqs> <sumscope>",
            "[set] a budget of <q:rqs> for <t:target>",
            "give <t:target> a budget of <q:rqs>",
            "<t:target> has/gets a budget of <q:rqs>",
            "budget <q:rqs> for <t:target>",
            "set <t:ownerof> budget to <q:rqs>",
            "set the budget of <t:target> to <q:rqs>",
            "<capverb> <t:target> to a total of <q:rqs>",
            "<capverb> [the] total <cpumem> of <t:target> to/at <q:rqs>",
            "<capverb> <t:ownerof> total <cpumem> to/at <q:rqs>",
            "<t:ownerof> total <cpumem> must/should/may not/never exceed <q:rqs>",
            "[the] total <cpumem> of <t:target> must/should/may not/never exceed <q:rqs>",
        ],
        |c| bounds(c, upper(c, "q", false), Some(Scope::Together), false),
    );
    g.rule(
        "bounds",
        &[
            "keep [the] total <cpumem> of <t:target> [at] <x:resspans>",
            "keep <t:ownerof> total <cpumem> [at] <x:resspans>",
            "<t:ownerof> total <cpumem> [<maymodal>] <x:resspans>",
        ],
        |c| bounds(c, c.all_spans("x"), Some(Scope::Together), false),
    );
    // web may use at most 8 cores in total; without a scope it is a question, and for a namespace a quota
    g.rule(
        "bounds",
        &[
            "<t:target> <maymodal> [<s:scope>] <x:resspans> [<s:scope>]",
            "<t:target> [<s:scope>] <x:resspans> [<s:scope>]",
            "<keepverb> <t:target> [<useverb>] [to] [<s:scope>] <x:resspans> [<s:scope>]",
            "<x:resspans> [<s:scope>] for <t:target> [<s:scope>]",
            "<x:resspans> <s:scope>",
            "<keepverb> <x:resspans> [<s:scope>] for <t:target>",
            "[use/using] <x:resspans> [<s:scope>]",
        ],
        |c| bounds(c, c.all_spans("x"), None, false),
    );
    g.rule(
        "bounds",
        &["do not/never use/take more than <q:rqs> [<s:scope>] [(for/on) <t:target>]", "don't/dont/never use/take/give more than <q:rqs> [<s:scope>] [(for/on/to) <t:target>]", "<t:target> must/should/may not/never use/have/take/get/consume more than <q:rqs> [<s:scope>]", "<t:target> must/should/may not/never exceed <q:rqs> [<s:scope>]", "never/don't/dont let/give/allow <t:target> [use/have/take/get/exceed] [more than] <q:rqs> [<s:scope>]",
          "<t:target> mustn't/cannot/can't/shouldn't use/have/exceed [more than] <q:rqs> [<s:scope>]"],
        |c| bounds(c, upper(c, "q", false), None, false),
    );
    // limit web to 2 CPUs: its containers' limits, a pod's bound or all pods'?
    g.rule(
        "bounds",
        &[
            "<capverb> <t:target> to/at <q:rqs>",
            "<capverb> [the] <res> [use/usage/consumption] of/for <t:target> to/at <q:rq>",
            "<capverb> <t:ownerof> <res> to/at <q:rq>",
            "<capverb> <t:ownerof> <res> use/usage/consumption to/at <q:rq>",
        ],
        |c| bounds(c, upper(c, "q", false), None, true),
    );
    g.rule(
        "bounds",
        &["<keepverb> <t:ownerof> <r:res> <x:resspans> [<s:scope>]", "<t:ownerof> <r:res> [<maymodal>] [be/stay/remain/not] <x:resspans> [<s:scope>]", "[the] <r:res> of <t:target> [<maymodal>] [be/stay/remain] <x:resspans> [<s:scope>]", "<keepverb> [the] <r:res> (of/for) <t:target> <x:resspans> [<s:scope>]",
          "<t:ownerof> <r:res> use/usage/consumption [<maymodal>] [be/stay/remain] <x:resspans> [<s:scope>]", "<keepverb> <t:ownerof> <r:res> use/usage/consumption <x:resspans> [<s:scope>]"],
        |c| bounds(c, c.all_spans("x"), None, true),
    );
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
            let min = spans.iter().find_map(|span| span.min.clone());
            let max = spans.iter().find_map(|span| span.max.clone());
            let strict = spans.iter().any(|span| span.strict_min || span.strict_max);
            (!strict).then_some(())?;
            let unit_ok = |qty: &Option<crate::grammar::sem::Qty>| qty.as_ref().is_none_or(|qty| qty.unit == Unit::Pods && qty.of.is_none());
            (unit_ok(&min) && unit_ok(&max)).then_some(())?;
            item(Item::Autoscale {
                target: c.target("t"),
                min: min.map(|qty| qty.number),
                max: max.map(|qty| qty.number),
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
                min: None,
                max: None,
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
