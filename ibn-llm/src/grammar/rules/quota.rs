//! What a namespace may use.

use super::item;
use crate::grammar::engine::{Builder, Caps};
use crate::grammar::sem::{Item, Sem};

pub(super) fn add(g: &mut Builder) {
    g.words(
        "quotaword",
        &["quota/quotas/resourcequota", "resource quota"],
    );
    g.rule("qq", &["<q:rq>", "<q:podqty>"], |c| {
        Some(Sem::Qty(c.qty("q")?))
    });
    g.rule("qqs", &["<q:qq>", "<q:qq> <listword> <q:qqs>"], |c| {
        Some(Sem::Qtys(c.all_qtys("q")))
    });
    g.rule(
        "quota",
        &[
            "<t:target> <maymodal> [at most | up to | no more than] <q:qqs>",
            "<t:target> <maymodal> a <quotaword> of <q:qqs>",
            "give/grant/assign <t:target> [a] <quotaword> of <q:qqs>",
            "set/put/create/make [a/the] <quotaword> of <q:qqs> (for/on/to) <t:target>",
            "set/change/adjust/bring/raise/lower/increase/reduce/update [the/a] <quotaword> (of/for/on) <t:target> to/at <q:qqs>",
            "set/change/adjust/bring/raise/lower/increase/reduce/update <t:ownerof> <quotaword> to/at <q:qqs>",
            "[a] <quotaword> of <q:qqs> for <t:target>",
            "<quotaword> (for/of) <t:target> {colon} <q:qqs>",
            "<t:target> {colon}/{possessive} <quotaword> [of/{colon}] <q:qqs>",
            "[the/a] <quotaword> (of/for/on) <t:target> <modal> be <q:qqs>",
            "<t:ownerof> <quotaword> <modal> be <q:qqs>",
            "<t:ownerof> <quotaword> is <q:qqs>",
            "[the] <quotaword> (of/for) <t:target> is <q:qqs>",
            "limit/cap/restrict/confine <t:target> to/at <q:qqs>",
            "<t:target> {colon} <q:qqs>",
            "allow/let/give/grant <t:target> [to] [use/have/consume/get] [at most | up to | no more than | a maximum of] <q:qqs> [in total/altogether/overall/together]",
            "<t:target> <maymodal> [in total/altogether] [at most | up to | no more than] <q:qqs> [in total/altogether/overall/together]",
            "<t:target> [at most | up to | no more than | max] <q:qqs> [in total/altogether/overall/together]",
            "<t:target> <mustnot> use/exceed/have/consume [more than] <q:qqs>",
            "don't/dont/never let/allow <t:target> [to] use/have/consume/take more than <q:qqs>",
            "at most/maximum <q:qqs> for <t:target>",
            "no more than <q:qqs> for <t:target>",
        ],
        quota,
    );
    g.rule(
        "quota",
        &["double/triple/halve/increase/reduce/raise/lower/change/adjust [the] <quotaword> (of/for/on) <t:target> [<by>]", "double/triple/halve/increase/reduce/raise/lower/change/adjust <t:ownerof> <quotaword> [<by>]"],
        |c| {
            item(Item::Ask {
                target: c.target("t"),
                missing: "amount",
                question: "A quota is a fixed amount: how much CPU, memory or how many pods should it be?".to_owned(),
            })
        },
    );
    g.rule(
        "quota",
        &[
            "remove/drop/delete/lift [the] <quotaword> (of/for/on/from) <t:target>",
            "remove/drop/delete/lift <t:ownerof> <quotaword>",
        ],
        |c| {
            item(Item::Unsayable {
                target: c.target("t"),
                code: ibn_core::translation::RefusalCode::OutOfScope,
                message: "an intent can't take a quota away".to_owned(),
            })
        },
    );
}

fn quota(c: &Caps<'_>) -> Option<Sem> {
    c.target("t")?.may_be_namespace().then_some(())?;
    item(Item::Quota {
        target: c.target("t"),
        amounts: c.all_qtys("q"),
    })
}
