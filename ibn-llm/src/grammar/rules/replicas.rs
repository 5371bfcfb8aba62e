//! The number of pods: to, by, more, fewer, times.

use super::amounts::{changed, directed, qty, times};
use super::item;
use crate::grammar::engine::{Builder, Caps};
use crate::grammar::sem::{By, Change, Dir, Item, Sem, Unit};

pub(super) fn add(g: &mut Builder) {
    g.words(
        "scaleverb",
        &["scale/rescale/resize/bring/take/put/set/move/get/ramp/change/adjust"],
    );
    g.rule(
        "scaleverb",
        &["grow/raise/increase/expand/bump/boost/upscale"],
        |_| Some(Sem::Dir(Dir::Up)),
    );
    g.rule(
        "scaleverb",
        &["shrink/drop/cut/reduce/lower/decrease/downscale"],
        |_| Some(Sem::Dir(Dir::Down)),
    );
    g.words(
        "runverb",
        &["run/keep/have/hold/make/fix/pin/let/maintain/operate/give/get/put/set/leave/start/launch/provision/use/want/need"],
    );
    // What bids; `may` and `can` allow, which is a bound or nothing.
    g.words(
        "bidmodal",
        &[
            "should/must/shall/needs/ought/has/have/is/are/will/need [to] [always]",
            "to [always]",
            "always",
        ],
    );
    g.words(
        "modal",
        &[
            "should/must/shall/needs/ought/has/have/is/are/will/can/may/need/could [to] [always]",
            "to [always]",
            "always",
            "should/must always",
        ],
    );
    g.words("haveverb", &["have/run/use/get/keep/be/stay/remain/operate/execute/live [at/on/with] [exactly/precisely]"]);
    g.words("tiny", &["exactly/precisely/just/only"]);
    g.words("onat", &["at/on/with/using/to"]);
    absolute(g);
    relative(g);
    incomplete(g);
}

fn to(c: &Caps<'_>) -> Option<Sem> {
    item(Item::Replicas {
        target: c.target("t"),
        change: directed(c, Change::To(qty(c.num("n")?, Unit::Pods))),
    })
}

fn absolute(g: &mut Builder) {
    g.rule(
        "replicas",
        &[
            // scale web to 5
            "<d:scaleverb> <t:target> [<d:updown>] [back] [<d:updown>] to [a total of] [<tiny>] <n:count> [<pods>] [each] [in total]",
            "<d:scaleverb> [<d:updown>] <t:target> [back] to [a total of] [<tiny>] <n:count> [<pods>] [each] [in total]",
            "<d:scaleverb> <t:target> to have [<tiny>] <n:count> <pods>",
            "<d:scaleverb> <t:target> <d:up> to [a total of] <n:count> [<pods>]",
            "<d:scaleverb> [<d:updown>] [back] to [<tiny>] <n:count> [<pods>]",
            "<d:scaleverb> <t:target> <pods> to [<tiny>] <n:count>",
            "scale/rescale/resize/set <t:target> {colon}/{equals}/{arrow} <n:count> [<pods>]",
            // set the number of replicas of web to 5
            "<d:scaleverb> <podsn> (of/for/on/in) <t:target> [<d:updown>] [back] to/at/{equals} [<tiny>] <n:count> [<pods>]",
            "<d:scaleverb> <t:ownerof> <podsn> [<d:updown>] [back] to/at/{equals} [<tiny>] <n:count> [<pods>]",
            "<d:scaleverb> <podsn> [<d:updown>] [back] to/{equals} [<tiny>] <n:count> [(for/of/on) <t:target>]",
            "<d:scaleverb> [<d:updown>] [the] <pods> (of/for/on) <t:target> to <n:count>",
            "<d:scaleverb> the number of <t:target> <pods> [<d:updown>] to [<tiny>] <n:count>",
            "keep/hold/fix/pin/maintain <podsn> (of/for/on) <t:target> at [<tiny>] <n:count> [<pods>]",
            "keep/hold/fix/pin/maintain <t:ownerof> <podsn> at [<tiny>] <n:count> [<pods>]",
            "keep/hold/fix/pin/maintain/leave/set/run/put <t:target> [<tiny>] at/on [<tiny>] <n:count> <pods>",
            "keep/hold/fix/pin/maintain/leave/run <t:target> at [<tiny>] <n:count>",
            // run web with 5 pods, run 5 pods of web
            "<runverb> <t:target> at/on/with/using/to/as [a total of] [<tiny>] <n:count> <pods>",
            "<runverb> [<tiny>] <n:count> <pods> (of/for/in) <t:target>",
            "<runverb> [<tiny>] <n:count> [running] <pods>",
            "<runverb> [<tiny>] <n:count> <t:target> <pods>",
            "have/let/make/keep/get <t:target> run/running/use/have/operate [with/on/at] [<tiny>] <n:count> <pods>",
            "<runverb> <t:target> [a total of] <tiny> <n:count> <pods>",
            "give <t:target> [a total of] [<tiny>] <n:count> <pods>",
            "give <t:target> [<tiny>] <n:count> <pods> [in total]",
            "scale/set <t:target> to a total of <n:count> [<pods>]",
            // web should have 5 pods
            "<t:target> <bidmodal> <haveverb> [<tiny>] <n:count> <pods>",
            "<t:target> <bidmodal> have/run/use/get [<tiny>] <n:count> <pods>",
            "<t:target> needs/wants/requires/gets/has/need/want/require/get/runs [<tiny>] <n:count> <pods>",
            "<t:target> <bidmodal> be scaled/brought/set [<d:updown>] to [<tiny>] <n:count> [<pods>]",
            "<t:target> <bidmodal> scale/go [<d:updown>] [back] to [<tiny>] <n:count> [<pods>]",
            "<t:target> <bidmodal> run at/on/with [<tiny>] <n:count> <pods>",
            "there <bidmodal> be [<tiny>] <n:count> <pods> (of/for/in) <t:target>",
            "there <bidmodal> be [<tiny>] <n:count> <t:target> <pods>",
            "<t:ownerof> <podsn> <bidmodal> be [set to] [<tiny>] <n:count>",
            "<podsn> (of/for) <t:target> <bidmodal> be [set to] [<tiny>] <n:count>",
            // 5 pods for web
            "[<tiny>] <n:count> <pods> (for/of) <t:target>",
            "<tiny> <n:count> <pods>",
            "<t:target> to/at/{colon}/{equals}/on/with [<tiny>] <n:count> <pods>",
            "<t:target> <n:count> <pods>",
            "<podsn> (of/for) <t:target> {colon}/to/{equals} <n:count>",
            "<t:ownerof> <podsn> {colon}/to/{equals} <n:count>",
            "make it <n:count> <pods> (for/of/on) <t:target>",
            "[<tiny>] <n:count> <t:target> <pods>",
        ],
        to,
    );
    g.rule(
        "replicas",
        &[
            "make that/it/them <n:count> <pods>",
            "it should be <n:count> <pods>",
        ],
        to,
    );
    // scale web from 3 to 5
    g.rule(
        "replicas",
        &[
            "<d:scaleverb> <t:target> [<d:updown>] from <m:count> [<pods>] [<d:updown>] to <n:count> [<pods>]",
            "<d:scaleverb> <podsn> (of/for) <t:target> from <m:count> to <n:count>",
            "<d:scaleverb> <t:ownerof> <podsn> from <m:count> to <n:count>",
        ],
        |c| {
            let (from, to) = (c.num("m")?, c.num("n")?);
            let excludes = |dir: &Dir| dir.excludes(&from.to_f64(), &to.to_f64());
            if c.dirs("d").iter().any(excludes) {
                let question =
                    format!("From {from} to {to}, or from {to} to {from}? Up or down?");
                return ask(c, "direction", &question);
            }
            item(Item::FromTo {
                target: c.target("t"),
                from,
                to,
            })
        },
    );
}

fn moved(c: &Caps<'_>, fallback: Option<Dir>, noun: Option<Unit>) -> Option<Sem> {
    let dir = c.dir("d").or(fallback)?;
    item(Item::Replicas {
        target: c.target("t"),
        change: directed(c, pods_only(changed(dir, &c.by("b")?, noun))?),
    })
}

/// A change of the number of pods; `None` where the amount is one of something else.
fn pods_only(change: Change) -> Option<Change> {
    match change.qty() {
        Some(qty) if qty.unit != Unit::Pods => None,
        _ => Some(change),
    }
}

fn relative(g: &mut Builder) {
    // scale web up by 2 pods
    g.rule(
        "replicas",
        &[
            "scale/rescale/size/resize/bring/take/move/ramp/turn/dial/step/bump <t:target> [back] <d:updown> <b:by>",
            "<d:scaledir> <t:target> <b:by>",
            "<d:scaledir> <b:by> [(for/of/on) <t:target>]",
            // scale web up 50 %, up 2x
            "scale/rescale/size/resize/bring/take/move/ramp/turn/dial/step/bump <t:target> <d:updown> <b:factor>",
            "<d:scaledir> <t:target> <b:factor>",
        ],
        |c| plain(c, true),
    );
    g.rule("factor", &["<q:pct>", "<q:times>"], |c| {
        Some(Sem::By(By::Qty(c.qty("q")?)))
    });
    g.rule(
        "scaledir",
        &["scale/rescale/ramp/bring/take/move/step/turn/dial/size <d:updown>"],
        |c| Some(Sem::Dir(c.dir("d")?)),
    );
    g.rule("scaledir", &["upscale"], |_| Some(Sem::Dir(Dir::Up)));
    g.rule("scaledir", &["downscale"], |_| Some(Sem::Dir(Dir::Down)));
    g.rule(
        "resdir",
        &[
            "increase/raise/grow/boost/expand/extend/enlarge/bump",
            "bump up",
        ],
        |_| Some(Sem::Dir(Dir::Up)),
    );
    g.rule(
        "resdir",
        &[
            "decrease/reduce/lower/shrink/cut/drop/trim/slash",
            "cut down/back",
        ],
        |_| Some(Sem::Dir(Dir::Down)),
    );
    // increase web by 2 pods; of what otherwise?
    g.rule(
        "replicas",
        &[
            "<d:resdir> <t:target> [<d:updown>] <b:by>",
            "<d:resdir> <b:by> [(for/of/on) <t:target>]",
        ],
        |c| plain(c, false),
    );
    g.rule(
        "replicas",
        &[
            "<d:dirverb> <podsn> (of/for/on/in) <t:target> [<d:updown>] <b:by>",
            "<d:dirverb> <t:ownerof> <podsn> [<d:updown>] <b:by>",
            "<d:dirverb> <podsn> <b:by> [(for/of/on/in) <t:target>]",
            "scale/adjust/change <podsn> (of/for/on/in) <t:target> <d:updown> <b:by>",
            "scale/adjust/change <t:ownerof> <podsn> <d:updown> <b:by>",
            "scale/adjust/change <podsn> <d:updown> <b:by>",
            "<d:dirverb> the number of <t:target> <pods> <b:by>",
            "cut/reduce/slash <t:ownerof> <podsn> <d:ind> <b:inpart>",
            "cut/reduce/slash <podsn> (of/for/on/in) <t:target> <d:ind> <b:inpart>",
        ],
        |c| moved(c, None, Some(Unit::Pods)),
    );
    g.rule("ind", &["in/to"], |_| Some(Sem::Dir(Dir::Down)));
    g.rule("inpart", &["half"], |_| Some(Sem::By(By::Part(1, 2))));
    // scale web by a factor of 2, by 2x
    g.rule(
        "replicas",
        &[
            "scale/rescale/multiply <t:target> by <q:times>",
            "scale/rescale <t:target> <q:times>",
            "scale/rescale/multiply <podsn> (of/for/on/in) <t:target> by <q:times>",
            "scale/rescale/multiply <t:ownerof> <podsn> by <q:times>",
            "multiply <podsn> (of/for/on/in) <t:target> by <q:num1>",
            "multiply <t:ownerof> <podsn> by <q:num1>",
            "scale <podsn> by <q:times> [(of/for) <t:target>]",
        ],
        |c| {
            item(Item::Replicas {
                target: c.target("t"),
                change: times(c.qty("q")?.number),
            })
        },
    );
    g.rule("num1", &["<n:num>"], |c| {
        Some(Sem::Qty(qty(c.num("n")?, Unit::Times)))
    });
    // scale web by 50 %: up or down?
    g.rule(
        "replicas",
        &[
            "scale/rescale/resize/change/adjust <t:target> by <s:size>",
            "scale/change/adjust <podsn> (of/for) <t:target> by <s:size>",
            "scale/change/adjust <t:ownerof> <podsn> by <s:size>",
        ],
        |c| match c.by("s")? {
            By::Qty(qty) if qty.unit == Unit::Times => None,
            By::Qty(qty) if qty.unit == Unit::Percent => ask(c, "direction", "Up or down?"),
            By::Qty(qty) if qty.unit == Unit::None => ask(
                c,
                "unit",
                "By that many pods, or that many times? And up or down?",
            ),
            _ => ask(c, "direction", "Up or down?"),
        },
    );
    g.rule(
        "addverb",
        &[
            "add/start/launch/create/provision/spawn/give/grant/get/run/want/need",
            "spin/bring up",
            "throw in",
            "put in/up",
        ],
        |_| Some(Sem::Dir(Dir::Up)),
    );
    g.rule(
        "takeverb",
        &[
            "remove/drop/shed/retire/cut/release/lose/subtract",
            "take [away/off]",
            "spin/bring/scale down",
            "get rid of",
        ],
        |_| Some(Sem::Dir(Dir::Down)),
    );
    g.rule(
        "extra",
        &[
            "<s:size> more/additional/extra/further",
            "another/additional <s:size>",
            "an additional/extra <s:size>",
            "a further <s:size>",
            "one more",
        ],
        |c| {
            c.by("s").map(Sem::By).or(Some(Sem::By(By::Qty(qty(
                crate::grammar::decimal::Decimal::whole(1),
                Unit::None,
            )))))
        },
    );
    g.rule("extra", &["<s:onep>"], |c| Some(Sem::By(c.by("s")?)));
    g.rule(
        "onep",
        &[
            "another",
            "an additional",
            "an extra",
            "one extra",
            "one additional",
        ],
        |_| {
            Some(Sem::By(By::Qty(qty(
                crate::grammar::decimal::Decimal::whole(1),
                Unit::None,
            ))))
        },
    );
    // two more pods
    g.rule(
        "morepods",
        &[
            "<b:extra> <pods>",
            "<b:extra>  of <pods>",
            "additional/extra <b:numby> <pods>",
        ],
        |c| {
            Some(Sem::Change(pods_only(changed(
                Dir::Up,
                &c.by("b")?,
                Some(Unit::Pods),
            ))?))
        },
    );
    g.rule("numby", &["<n:num>"], |c| {
        Some(Sem::By(By::Qty(qty(c.num("n")?, Unit::None))))
    });
    g.rule(
        "morepods",
        &["<q:podqty> more", "<q:pct> more <pods>"],
        |c| {
            Some(Sem::Change(pods_only(changed(
                Dir::Up,
                &By::Qty(c.qty("q")?),
                Some(Unit::Pods),
            ))?))
        },
    );
    g.rule(
        "fewerpods",
        &["<s:size> fewer/less <pods>", "<s:podby> fewer/less"],
        |c| {
            Some(Sem::Change(pods_only(changed(
                Dir::Down,
                &c.by("s")?,
                Some(Unit::Pods),
            ))?))
        },
    );
    g.rule("podby", &["<q:podqty>"], |c| {
        Some(Sem::By(By::Qty(c.qty("q")?)))
    });
    g.rule(
        "multpods",
        &[
            "<m:mult> as many <pods>",
            "<m:mult> the [current] number of <pods>",
            "<m:mult> the/its <pods>",
            "<m:mult> its [current] number of <pods>",
            "<m:mult> that number of <pods>",
            "<m:mult> as many",
        ],
        |c| Some(Sem::Change(c.change("m")?)),
    );
    g.rule(
        "podchange",
        &["<x:morepods>", "<x:fewerpods>", "<x:multpods>"],
        |c| Some(Sem::Change(c.change("x")?)),
    );
    g.rule(
        "replicas",
        &[
            "<addverb> [<t:target>] <x:podchange>",
            "<addverb> <x:podchange> (to/for/of/on/in) <t:target>",
            "<addverb> <x:morepods2> <t:target> <pods>",
            "<t:target> <bidmodal> have/get/run/use [with/on/at] <x:podchange>",
            "<t:target> needs/wants/requires/gets/could-use/need/want/require/get <x:podchange>",
            "<t:target> could use <x:podchange>",
            "<runverb> <t:target> at/on/with/using <x:podchange>",
            "<runverb> <x:podchange> (of/for) <t:target>",
            "<runverb> <m:morepods2> <t:target> <pods>",
            "<x:podchange> (for/of/on) <t:target>",
            "<scaleverb> <t:target> <updown> by <x:podchange>",
            "<scaleverb> <t:target> by <x:podchange>",
            "<d:scaleverb> <t:target> [<d:updown>] to <x:multpods>",
            "<t:target> {colon} <x:podchange>",
        ],
        |c| {
            let change = c.change("x").or_else(|| c.change("m"))?;
            item(Item::Replicas {
                target: c.target("t"),
                change: directed(c, change),
            })
        },
    );
    // the replicas of web should be doubled, increased by half
    g.rule("donemult", &["doubled"], |_| {
        Some(Sem::Change(Change::Scale(2.0)))
    });
    g.rule("donemult", &["tripled"], |_| {
        Some(Sem::Change(Change::Scale(3.0)))
    });
    g.rule("donemult", &["quadrupled"], |_| {
        Some(Sem::Change(Change::Scale(4.0)))
    });
    g.rule("donemult", &["halved", "cut in half"], |_| {
        Some(Sem::Change(Change::Scale(0.5)))
    });
    g.rule(
        "donedir",
        &["increased/raised/grown/boosted/bumped/scaled [up]"],
        |_| Some(Sem::Dir(Dir::Up)),
    );
    g.rule(
        "donedir",
        &[
            "decreased/reduced/lowered/cut/shrunk/dropped [down]",
            "scaled down",
        ],
        |_| Some(Sem::Dir(Dir::Down)),
    );
    g.rule(
        "replicas",
        &[
            "<podsn> (of/for) <t:target> <bidmodal> be <m:donemult>",
            "<t:ownerof> <podsn> <bidmodal> be <m:donemult>",
            "the number of <t:target> <pods> <bidmodal> be <m:donemult>",
        ],
        |c| {
            item(Item::Replicas {
                target: c.target("t"),
                change: c.change("m")?,
            })
        },
    );
    g.rule(
        "replicas",
        &[
            "<podsn> (of/for) <t:target> <bidmodal> be <d:donedir> <b:by>",
            "<t:ownerof> <podsn> <bidmodal> be <d:donedir> <b:by>",
        ],
        |c| moved(c, None, Some(Unit::Pods)),
    );
    g.rule(
        "replicas",
        &[
            "<podsn> (of/for) <t:target> <bidmodal> be <d:donedir> to <n:count>",
            "<t:ownerof> <podsn> <bidmodal> be <d:donedir> to <n:count>",
        ],
        to,
    );
    g.rule(
        "replicas",
        &["<t:target> <bidmodal> be scaled <d:updown> <b:by>"],
        |c| plain(c, true),
    );
    // ledger: +2 replicas
    g.rule(
        "replicas",
        &[
            "<t:target> [{colon}] {plus} <b:numby> <pods>",
            "{plus} <b:numby> <pods> (for/on) <t:target>",
        ],
        |c| moved(c, Some(Dir::Up), Some(Unit::Pods)),
    );
    // two more web pods
    g.rule("morepods2", &["<b:extra>"], |c| {
        Some(Sem::Change(pods_only(changed(
            Dir::Up,
            &c.by("b")?,
            Some(Unit::Pods),
        ))?))
    });
    g.rule(
        "replicas",
        &[
            "<s:size> fewer <t:target> <pods>",
            "<runverb> <s:size> fewer <t:target> <pods>",
        ],
        |c| {
            item(Item::Replicas {
                target: c.target("t"),
                change: pods_only(changed(Dir::Down, &c.by("s")?, Some(Unit::Pods)))?,
            })
        },
    );
    g.rule(
        "replicas",
        &[
            "<b:extra> <t:target> <pods>",
            "<runverb> <b:extra> <t:target> <pods>",
        ],
        |c| moved(c, Some(Dir::Up), Some(Unit::Pods)),
    );
    g.rule(
        "replicas",
        &["[<runverb>] <m:mult> as many <t:target> <pods>"],
        |c| {
            item(Item::Replicas {
                target: c.target("t"),
                change: c.change("m")?,
            })
        },
    );
    // add 2 pods to web, remove two of web's pods
    g.rule(
        "replicas",
        &[
            "add/give [<tiny>] <s:podby> to <t:target>",
            "add [<tiny>] <s:podby>",
            "add <s:size> <t:target> <pods>",
            "add <s:podby> more to <t:target>",
        ],
        |c| {
            item(Item::Replicas {
                target: c.target("t"),
                change: pods_only(changed(Dir::Up, &c.by("s")?, Some(Unit::Pods)))?,
            })
        },
    );
    g.rule(
        "replicas",
        &[
            "<takeverb> [<tiny>] <s:podby> [away] (from/of/off/in/on/for) <t:target>",
            "<takeverb> [<tiny>] <s:podby>",
            "<takeverb> <s:size> <t:target> <pods>",
            "<takeverb> <s:size> of <t:ownerof> <pods>",
            "<takeverb> <s:podby> less (from/of/on) <t:target>",
            "<takeverb> <s:size> of [the] <pods> (from/of/in) <t:target>",
        ],
        |c| {
            item(Item::Replicas {
                target: c.target("t"),
                change: pods_only(changed(Dir::Down, &c.by("s")?, Some(Unit::Pods)))?,
            })
        },
    );
    // double the replicas of web
    g.rule(
        "replicas",
        &[
            "<m:multverb> <podsn> (of/for/on/in) <t:target>",
            "<m:multverb> <t:ownerof> <podsn>",
            "<m:multverb> <podsn>",
            "<m:multverb> the number of <t:target> <pods>",
            "<m:multverb> <t:plurals>",
            "<d:scaleverb> <t:target> [<d:updown>] to <m:mult> [of] its/the [current] size/replicas/pods/number/count",
            "<d:scaleverb> <t:target> [<d:updown>] to <m:mult> [of] the [current] number of <pods>",
            "<d:scaleverb> <podsn> (of/for) <t:target> to <m:mult> [of] [its/the] [current] number/size/count",
        ],
        |c| {
            item(Item::Replicas {
                target: c.target("t"),
                change: directed(c, c.change("m")?),
            })
        },
    );
}

/// A change whose noun wasn't said: `scale` speaks of pods where the amount allows it, other verbs don't.
fn plain(c: &Caps<'_>, scales: bool) -> Option<Sem> {
    let change = directed(c, changed(c.dir("d")?, &c.by("b")?, None));
    let clear = match &change {
        Change::Add(qty) | Change::To(qty) | Change::Toward(_, qty) if qty.unit == Unit::Pods => {
            true
        }
        Change::Add(_) | Change::To(_) | Change::Toward(..) => return None,
        Change::Scale(_) => scales,
        Change::Ask(..) => true,
    };
    if !clear {
        return ask(c, "unit", "Of what: pods, CPU or memory?");
    }
    item(Item::Replicas {
        target: c.target("t"),
        change,
    })
}

fn ask(c: &Caps<'_>, missing: &'static str, question: &str) -> Option<Sem> {
    item(Item::Ask {
        target: c.target("t"),
        missing,
        question: question.to_owned(),
    })
}

/// What is clearly about the number of pods, but without the number.
fn incomplete(g: &mut Builder) {
    g.costly(
        "replicas",
        30,
        &[
            "scale/rescale/resize [<updown>] <t:target>",
            "scale/rescale/resize/ramp/turn/bring/take/size <t:target> <updown> [a bit/little/lot]",
            "<dirverb> <t:target>",
            "<dirverb> <podsn> (of/for/on/in) <t:target>",
            "<dirverb> <t:ownerof> <podsn>",
            "<dirverb> <podsn>",
            "<addverb> <t:target> more/additional/extra/fewer/less/some/enough <pods>",
            "<addverb> more/additional/extra/some/fewer <pods> (to/for/of) <t:target>",
            "<addverb> more/additional/some/extra <t:target> <pods>",
            "<addverb> more/additional/extra/fewer <pods>",
            "<takeverb> some/more/few <pods> (from/of) <t:target>",
            "<takeverb> <pods> from <t:target>",
            "<t:target> needs/need/wants/requires more/fewer/some/additional/less <pods>",
            "<t:target> <bidmodal> have/get/run/use more/fewer/some/additional <pods>",
            "more/fewer/additional <pods> (for/of) <t:target>",
            "set/change/adjust <podsn> (of/for/on) <t:target>",
            "set/change/adjust <t:ownerof> <podsn>",
            "scale [<updown>]",
            "run <t:target> with more/fewer <pods>",
            "scale <t:target> <updown> by <pods>",
            "<t:target> has/have too few/many <pods>",
        ],
        |c| ask(c, "amount", "How many pods?"),
    );
    g.rule(
        "replicas",
        &["scale/give/add/run/start/remove <t:target> [<updown>] [to/by] a few/couple [of] [more] <pods>", "<t:target> needs a few/couple [of] [more] <pods>",
          "add a few/couple [of] [more] <pods> (to/for) <t:target>", "scale <t:target> <updown> [by] a bit/little/lot/notch"],
        |c| ask(c, "amount", "How many pods?"),
    );
    g.costly(
        "replicas",
        30,
        &[
            "<t:target> may/can/could have/run/use/get <podqty>",
            "<t:target> may/can/could have/use/get/take <rqs>",
        ],
        |c| ask(c, "bound", "Exactly that, or at most?"),
    );
    g.costly(
        "replicas",
        30,
        &[
            "<multverb> <t:target>",
            "<multverb> up <t:target>",
            "give <t:target> <mult> as much",
            "make <t:target> <mult> as big/large/strong",
            "cut <t:target> in half",
            "give <t:target> <size> more",
            "give <t:target> more [resources/power/capacity/headroom]",
            "<t:target> needs/need more [resources/power/capacity/headroom]",
            "<t:target> needs/need <size> more",
            "make <t:target> bigger/larger/smaller/stronger",
            "give <t:target> <num>",
            "<t:target> <bidmodal> have/get/use <num>",
            "<t:target> needs/gets/wants <num>",
            "add <num> to <t:target>",
            "<takeverb> <num> from <t:target>",
            "add <pct> to <t:target>",
            "give <t:target> <pct> more",
        ],
        |c| ask(c, "unit", "Of what: pods, CPU or memory?"),
    );
}
