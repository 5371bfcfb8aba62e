//! Bounds: on the number of pods, on a pod's CPU and memory, on all pods together.

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
    g.words(
        "mustnot",
        &[
            "must/should/may/can/shall/will not/never [ever]",
            "mustn't/shouldn't/cannot/can't/won't",
            "is/are not/never allowed/supposed to",
            "ought/has/have to never",
        ],
    );
    g.words("capverb", &["limit/cap/restrict/bound/constrain/confine"]);
    g.words(
        "useverb",
        &["have/use/get/consume/take/need/request/run/be/grow/go/scale/reach/keep/stay/eat/occupy"],
    );
    pods(g);
    resources(g);
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
        is_verbless: false,
    })
}

/// The same of pods, where only an amount stands behind the name.
fn verbless(c: &Caps<'_>) -> Option<Sem> {
    let Some(Sem::Item(bounds)) = bounds(c, as_pods(c.all_spans("x")), None, false) else {
        return None;
    };
    let Item::Bounds {
        target,
        scope,
        spans,
        limits,
        ..
    } = *bounds
    else {
        return None;
    };
    item(Item::Bounds {
        target,
        scope,
        spans,
        limits,
        is_verbless: true,
    })
}

/// Bare numbers are pods.
pub(super) fn as_pods(mut spans: Vec<Span>) -> Vec<Span> {
    for span in &mut spans {
        for qty in [&mut span.min, &mut span.max].into_iter().flatten() {
            if qty.unit == Unit::None && qty.of.is_none() {
                qty.unit = Unit::Pods;
            }
        }
    }
    spans
}

pub(super) fn upper(c: &Caps<'_>, label: &str, strict: bool) -> Vec<Span> {
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

pub(super) fn lower(c: &Caps<'_>, label: &str) -> Vec<Span> {
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
            "there <modal> be <x:podspans> (of/for) <t:target>",
            "there is/are [always] <x:podspans> (of/for) <t:target>",
            "<t:target> <modal> be able to scale/grow/run/go [to/at/with] <x:podspans>",
            "<podsn> (of/for) <t:target> {colon} <x:minmax>",
            "<t:ownerof> <podsn> {colon} <x:minmax>",
            "<keepverb> <x:podspans> of <t:target> running",
            "<x:podspans> of <t:target> (are | must be | should be) running/up/available/ready",
        ],
        |c| bounds(c, as_pods(c.all_spans("x")), None, false),
    );
    g.rule(
        "bounds",
        &[
            "<t:target> {colon}/with <x:podspans>",
            "<t:target> <x:podspans>",
            "<t:target> <x:minmax>",
        ],
        verbless,
    );
    // `…, at least 2`: of what stands before.
    g.costly("bounds", 10, &["<x:numspans>"], |c| {
        item(Item::Bounds {
            target: None,
            scope: None,
            spans: c.all_spans("x"),
            limits: false,
            is_verbless: false,
        })
    });
    g.rule(
        "minmax",
        &[
            "min/minimum [of] <a:n1> [<spanjoin>] max/maximum [of] <b:n1>",
            "max/maximum [of] <b:n1> [<spanjoin>] min/minimum [of] <a:n1>",
        ],
        |c| {
            let mut spans = lower(c, "a");
            spans.extend(upper(c, "b", false));
            Some(Sem::Spans(as_pods(spans)))
        },
    );
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
            "<t:target> <mustnot> have/run/use more than <b:n1> [<pods>] and/or/nor less/fewer than <a:n1> [<pods>]",
            "<t:target> <mustnot> have/run/use less/fewer than <a:n1> [<pods>] and/or/nor more than <b:n1> [<pods>]",
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
            "<t:target> <mustnot> exceed <q:podqty>",
            "<t:target> <mustnot> exceed <q:podqty>",
            "do not [let/allow] <t:target> [to] go/grow/scale/get above/over/beyond/past <q:n1>",
            "do not/never exceed <q:podqty> [(for/on) <t:target>]",
            "don't/never exceed <q:podqty> [(for/on) <t:target>]",
            "never/don't/dont scale/grow/run/bring <t:target> above/over/beyond/past [to] <q:n1>",
            "never/don't/dont let/allow <t:target> [to] go/grow/scale/get/rise above/over/beyond/past <q:n1>",
            "<t:target> <mustnot> go/grow/scale/get above/over/beyond/past <q:n1>",
            "<t:target> may/can grow/scale/go [up] to [at most] <q:podqty>",
            "let/allow <t:target> [to] grow/scale/go [up] to <q:podqty>",
            "<t:ownerof> <podsn> <mustnot> exceed <q:n1>",
            "[the] max/maximum [number of] <pods> (of/for) <t:target> [is | be | to | should be | at | {colon}] <q:n1>",
            "set [the/a] max/maximum [number of] <pods> (of/for) <t:target> to <q:n1>",
            "set <t:ownerof> max/maximum <pods> to <q:n1>",
            "set [a/the] <pods> limit/cap/ceiling/maximum of <q:n1> (for/on) <t:target>",
            "[do] not/never use/run/have/take/need more than <q:podqty> [(for/on) <t:target>]",
            "don't/dont use/run/have/take/need more than <q:podqty> [(for/on) <t:target>]",
            "never [go] above/over/beyond <q:podqty>",
            "don't/dont go above/over/beyond <q:podqty>",
            "<t:target> <mustnot> have/run/use more than <q:podqty>",
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
            "<t:target> <mustnot> go/drop/fall/shrink/scale/get/be [down] below/under <q:n1>",
            "never/don't/dont go/drop/fall below/under <q:podqty>",
            "never/don't/dont run/let/have <t:target> [run/have] [with] less/fewer than <q:podqty>",
            "never/don't/dont run/have/use less/fewer than <q:podqty> [(for/of) <t:target>]",
            "<t:target> <mustnot> have/run less/fewer than <q:podqty>",
            "set [the/a] min/minimum [number of] <pods> (of/for) <t:target> to <q:n1>",
            "set <t:ownerof> min/minimum <pods> to <q:n1>",
            "[the] min/minimum [number of] <pods> (of/for) <t:target> [is | be | to | should be | at | {colon}] <q:n1>",
        ],
        |c| bounds(c, as_pods(lower(c, "q")), None, false),
    );
    g.rule(
        "bounds",
        &["set [the/a] min/minimum [of] <a:n1> [<pods>] and [a] max/maximum [of] <b:n1> [<pods>] (for/on/of) <t:target>",
          "set [the] min/minimum <pods> (of/for) <t:target> to <a:n1> and [the] max/maximum <pods> to <b:n1>",
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
            "no [single] pod/replica/instance of <t:target> may/should/must/can/shall [ever] have/use/exceed [more than] <q:rqs>",
            "<capverb> [the] <t:target> pods to/at <q:rqs> <podscope>",
            "<capverb> [the] pods of <t:target> to/at <q:rqs> <podscope>",
            "<capverb> <t:target> to/at <q:rqs> <podscope>",
            "never/don't/dont give/let/allow <t:podsof> [have/use] more than <q:rqs>",
            "<t:podsof> <mustnot> use/have/exceed [more than] <q:rqs>",
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
            "[the] budget (for/of) <t:target> {colon} <q:rqs>",
            "<t:sumof> <mustnot> use/have/exceed/take/consume [more than] <q:rqs>",
            "<t:sumof> may use/have/take/consume <q:rqs>",
            "[the] pods of <t:target> may use/have/take/consume <q:rqs> altogether/together/combined",
            "give <t:target> a budget of <q:rqs>",
            "<t:target> has/gets a budget of <q:rqs>",
            "budget <q:rqs> for <t:target>",
            "set <t:ownerof> budget to <q:rqs>",
            "set the budget of <t:target> to <q:rqs>",
            "<capverb> <t:target> to a total of <q:rqs>",
            "<capverb> [the] total <cpumem> of <t:target> to/at <q:rqs>",
            "<capverb> <t:ownerof> total <cpumem> to/at <q:rqs>",
            "<t:ownerof> total <cpumem> <mustnot> exceed <q:rqs>",
            "[the] total <cpumem> of <t:target> <mustnot> exceed <q:rqs>",
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
        &["do not/never use/take more than <q:rqs> [<s:scope>] [(for/on) <t:target>]", "don't/dont/never use/take/give more than <q:rqs> [<s:scope>] [(for/on/to) <t:target>]", "<t:target> <mustnot> use/have/take/get/consume more than <q:rqs> [<s:scope>]", "<t:target> <mustnot> exceed <q:rqs> [<s:scope>]", "never/don't/dont let/give/allow <t:target> [use/have/take/get/exceed] [more than] <q:rqs> [<s:scope>]",
          "<t:target> <mustnot> use/have/exceed [more than] <q:rqs> [<s:scope>]"],
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
