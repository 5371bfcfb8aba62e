//! Mode, preference, priority, what becomes of it at the end, and what a sentence is about as a whole.

use ibn_core::intent::{Mode, OnEnd, Preference};

use super::amounts::directed;
use super::item;
use crate::grammar::engine::{Builder, Caps};
use crate::grammar::sem::{Change, Item, Rest, Sem};

pub(super) fn add(g: &mut Builder) {
    modes(g);
    preferences(g);
    priorities(g);
    ends(g);
    topics(g);
    ellipsis(g);
    g.rule(
        "clause",
        &[
            "<i:replicas>",
            "<i:resource>",
            "<i:bounds>",
            "<i:quota>",
            "<i:objective>",
            "<i:mode>",
            "<i:preference>",
            "<i:priority>",
            "<i:query>",
            "<i:ellipsis>",
        ],
        |c| c.get("i").cloned(),
    );
    g.words(
        "lead",
        &[
            "can/could/would/will you",
            "can/could/may we/i",
            "i/we want/need [you/ibn] [to/that]",
            "i/we would like [you] [to/that]",
            "i'd/we'd like [you] [to]",
            "i'd/we'd want",
            "i/we need/want",
            "i/we have/need/ought to",
            "i/we should/must",
            "let {possessive}",
            "let us",
            "lets",
            "make sure [that]",
            "ensure/guarantee [that]",
            "see to it that",
            "take care that",
            "be sure to/that",
            "go ahead and",
            "it is important that",
            "you should/must",
            "help me [to]",
            "now",
            "ok/okay/hey/hi/hello/so/well/also/then/and/again/alright/yes [{comma}]",
            "hey/hi/hello/dear ibn [{comma}]",
            "ibn {comma}/{colon}",
            "good morning/afternoon/evening [{comma}]",
            "immediately",
            "quickly",
            "simply/just/only",
            "from now on [{comma}]",
            "as of now [{comma}]",
            "would/do you mind",
            "i/we would appreciate it if you could/would",
            "be so kind and",
            "would it be possible to",
            "is it possible to",
            "the goal/aim/target/idea is to/that [is]",
            "my/our goal is to",
            "remember to",
            "do",
            "try to",
            "manage to",
            "want to",
        ],
    );
    g.words(
        "sepand",
        &[
            "and",
            "and also",
            "and then",
            "as well as",
            "plus",
            "{and}",
            "and with",
            "with",
            "while",
            "also",
            "{plus}",
        ],
    );
    g.words(
        "sepapart",
        &[
            "{comma}",
            "{semicolon}",
            "{stop}",
            "but",
            "{comma} and",
            "{comma} but",
            "{comma} then",
            "then",
            "{comma} and then",
            "{comma} also",
            "{comma} and also",
            "{comma} with",
            "{dash}",
            "{colon}",
            "{semicolon} and",
            "{stop} and",
            "yet",
            "{comma} yet",
            "though",
            "{comma} plus",
            "but also",
            "{comma} while",
        ],
    );
    g.words(
        "fullstop",
        &["{stop}", "{question}", "{dots}", "{semicolon}", "{comma}"],
    );
    g.words(
        "trail",
        &[
            "now",
            "right now",
            "right away",
            "immediately",
            "at once",
            "asap",
            "as soon as possible",
            "for me",
            "for us",
            "than now",
            "than today",
            "than currently",
            "than it has now",
            "than before",
            "ok/okay",
            "from now on",
            "straight away",
            "quickly",
            "would you",
            "will you",
            "can you",
            "you",
            "again",
            "too",
            "as well",
            "at all times",
            "all the time",
            "at any time",
            "permanently",
            "for good",
            "forever",
            "always",
            "without delay",
            "right",
            "any time",
            "as of now",
            "starting/beginning now",
            "effective immediately",
            // What isn't said isn't done.
            "[{comma}] [and/but] [do/scale/change/touch/alter/adjust] nothing else",
            "[{comma}] [and/but] [do not | don't | dont] scale/change/touch/alter/adjust anything else",
            "[{comma}] [and/but] leave everything/anything/all else [alone/unchanged/untouched | as it is | as is | as they are]",
            "then",
            "also",
        ],
    );
}

fn mode(c: &Caps<'_>, mode: Mode) -> Option<Sem> {
    item(Item::Mode {
        target: c.target("t"),
        mode,
    })
}

fn modes(g: &mut Builder) {
    g.words("intentword", &["[the/my/all/our] intent/intents/rules/goals/objectives/policy/policies/automation/management"]);
    g.rule(
        "mode",
        &[
            "suspend/pause/freeze [<intentword>] [for/of/on] <t:target>",
            "suspend/pause <t:ownerof> <intentword>",
            "suspend/pause managing/controlling/scaling/touching/handling/tuning/adjusting <t:target>",
            "suspend/pause [the] management/control/automation of/for <t:target>",
            "suspend/pause",
            "stop managing/controlling/touching/steering/tuning/adjusting/handling/optimizing/optimising <t:target>",
            "stop managing/controlling",
            "leave <t:target> alone",
            "put <t:target> on hold",
            "hands off <t:target>",
            "keep your hands off <t:target>",
            "(do not | don't | dont) manage/touch <t:target> [anymore | any more]",
            "(don't | do not) manage <t:target>",
            "<t:target> should/must be suspended/paused",
            "<t:target> must/should not be managed [anymore]",
            "take [your] hands off <t:target>",
            "set <t:target> to suspended/paused",
            "set [the] mode of <t:target> to suspended",
            "put <t:target> in/into suspended/paused [mode]",
            "no longer manage <t:target>",
        ],
        |c| mode(c, Mode::Suspended),
    );
    g.rule(
        "mode",
        &[
            "resume/unpause/unsuspend/reactivate [<intentword>] [for/of/on] <t:target>",
            "resume <t:ownerof> <intentword>",
            "resume/restart/continue/start managing/controlling/scaling/handling/tuning <t:target>",
            "start managing <t:target> again",
            "resume [the] management/control/automation of/for <t:target>",
            "resume/unpause",
            "resume managing",
            "manage <t:target> [again]",
            "take <t:target> off hold",
            "continue with <t:target>",
            "enforce [<intentword>] [for/of/on] <t:target> [again]",
            "enforce <t:ownerof> <intentword>",
            "set <t:target> to enforce/enforced/enforcing",
            "set [the] mode of <t:target> to enforce",
            "put <t:target> in/into/back enforce/enforcing [mode]",
            "<t:target> should/must be resumed/managed [again]",
            "take over <t:target> again",
        ],
        |c| mode(c, Mode::Enforce),
    );
    g.rule(
        "mode",
        &[
            "only/just advise/recommend/suggest [on/for/about] <t:target>",
            "advise/recommend only [on/for] <t:target>",
            "set <t:target> to advise/advice/advisory/advising [mode] [only]",
            "put/switch/set <t:target> in/into/to/on advise/advice/advisory/recommendation [only] mode",
            "set [the] mode of/for <t:target> to advise/advisory",
            "<t:target> in advise/advisory/advice mode",
            "advise mode for <t:target>",
            "(do not | don't | dont) act on <t:target> {comma} just/only <tellme>",
            "[just/only] <tellme> (for/on/with/about) <t:target>",
            "<tellme2> (for/on/with/about) <t:target>",
        ],
        |c| mode(c, Mode::Advise),
    );
    g.rule(
        "modifier",
        &[
            "[but] [just/only] <tellme>",
            "[but] [just/only] <tellme2>",
            "[but] [in/as] advise/advice/advisory/advisory-only/recommendation [only] [mode]",
            "[but] only/just advise/recommend/advice/report [it/me]",
            "[but] advise/recommend only",
            "[but] (do not | don't | dont) [actually] do/apply/enforce/execute/change it/anything [yet]",
            "without [actually] applying/doing/changing it/anything",
            "[as/in] [a] dry run [only/mode]",
            "[as] [a] dry-run [only]",
            "[but] predict [it] [and report] only",
        ],
        |c| mode(c, Mode::Advise),
    );
    g.words(
        "tellme",
        &[
            "tell/show me [first] what you would/will/d do [first]",
            "tell/show me [first] what you would/will change/recommend/suggest",
            "say what you would do",
            "report what you would do",
            "predict and report",
            "predict/report",
            "tell me",
            "show me what would be done",
            "tell me what would be done",
        ],
    );
    g.words(
        "tellme2",
        &[
            "what would you do",
            "what would you change/recommend/suggest",
        ],
    );
    g.rule(
        "mode",
        &[
            "remove/drop <t:target>",
            "take <t:target> away",
            "drop <t:target> altogether/entirely/completely",
            "remove <t:target> altogether/entirely/completely",
        ],
        |c| {
            item(Item::Unsayable {
                target: c.target("t"),
                code: ibn_core::translation::RefusalCode::Unsafe,
                message: "nothing is ever deleted by an intent".to_owned(),
            })
        },
    );
    // `stop web` is to suspend or to end it.
    g.costly(
        "mode",
        10,
        &[
            "stop/halt/disable/deactivate <t:target>",
            "turn/switch off <t:target>",
            "turn/switch <t:target> off",
            "shut down <t:target>",
            "shut <t:target> down",
            "take <t:target> down/offline",
            "bring/take down <t:target>",
            "end <t:target>",
            "quit/park <t:target>",
        ],
        |c| {
            item(Item::Ask {
                target: c.target("t"),
                missing: "action",
                question:
                    "Do you mean to scale it to 0 pods, or that it is not to be managed for now?"
                        .to_owned(),
            })
        },
    );
    g.costly(
        "mode",
        10,
        &["start/enable/activate <t:target>", "turn/switch on <t:target>", "turn/switch <t:target> on", "bring <t:target> back [up/online]", "bring up <t:target>", "bring <t:target> online", "wake [up] <t:target>"],
        |c| {
            item(Item::Ask {
                target: c.target("t"),
                missing: "action",
                question: "Do you mean to run a number of pods (how many?), or that it is to be managed again?".to_owned(),
            })
        },
    );
}

fn preference(c: &Caps<'_>, preference: Preference) -> Option<Sem> {
    item(Item::Preference {
        target: c.target("t"),
        preference,
    })
}

fn preferences(g: &mut Builder) {
    g.words(
        "makeverb",
        &["make/run/keep/operate/serve/have/get/treat/host"],
    );
    g.words(
        "cheaply",
        &[
            "as cheap/cheaply/cheapest/inexpensive/inexpensively/economically/economical/cost-effectively/cost-efficient/cost-efficiently (as you can | as possible | as you possibly can | as can be | as may be)",
            "cheaply/cheap/economically/cost-effectively/cost-efficiently",
            "at [the] lowest/minimum/minimal/least [possible] cost/costs/price",
            "at minimal/lowest cost/costs",
            "with [the] lowest/minimum/minimal/least [possible] cost/costs",
            "for as little [cost] as possible",
            "with as few resources as possible",
            "with as little cost as possible",
            "as cost effective/effectively/efficient/efficiently as possible",
            "in the cheapest [possible] way",
            "the cheapest [possible] way",
            "cheapest",
            "cost first",
            "costs first",
            "[with] [a] preference for [low] cost/costs",
            "prefer/preferring/favour/favor/favouring/favoring [low/lower] cost/costs",
            "prioritize/prioritise/prioritizing/prioritising [low] cost/costs",
            "optimize/optimise/optimizing/optimising/optimized/optimised for [low] cost/costs",
            "preference {colon} cost",
            "minimize/minimise/minimizing/minimising [the] cost/costs",
            "cost over performance",
            "cost before performance",
            "[with] cost preference",
            "cost-optimized/cost-optimised",
            "while/whilst keeping [the] cost/costs low/down/minimal", "while/whilst keeping [the] cost/costs as low as possible",
            "keep/keeping [the] cost/costs low/down/minimal",
            "and keep it cheap",
            "on the cheap",
        ],
    );
    g.words(
        "fastly",
        &[
            "performance first",
            "speed first",
            "[with] [a] preference for performance/speed",
            "prefer/preferring/favour/favor/favouring/favoring performance/speed",
            "prioritize/prioritise/prioritizing/prioritising performance/speed",
            "optimize/optimise/optimizing/optimising/optimized/optimised for performance/speed",
            "preference {colon} performance",
            "performance over cost",
            "performance before cost",
            "[with] performance preference",
            "maximize/maximise/maximizing/maximising [the] performance",
            "performance-optimized/performance-optimised",
            "performance matters more [than cost/costs]",
            "performance is more important [than cost/costs]",
            "with performance as [the] priority",
            "regardless of [the] cost/costs",
            "whatever it costs/takes",
            "whatever the cost/costs",
            "no matter [the/what] cost/costs",
            "cost/costs doesn't/don't matter",
            "cost is no object",
        ],
    );
    g.words(
        "fastrun",
        &[
            "as fast/performant/quick (as you can | as possible)",
            "fastest",
        ],
    );
    g.words(
        "evenly",
        &[
            "[with] [a] balanced preference",
            "preference {colon} balanced",
            "balanced",
            "balance/balancing cost/performance and performance/cost",
            "balance/balancing cost/performance against performance/cost",
            "[with] [a] balance of/between cost/performance and performance/cost",
            "optimize/optimise for balance",
            "prefer [a] balance/balanced",
        ],
    );
    g.rule(
        "modifier",
        &["<cheaply>", "[and] as <cheapadj> as you can"],
        |c| preference(c, Preference::Cost),
    );
    g.words("cheapadj", &["cheap/cheaply"]);
    g.rule("modifier", &["<fastly>"], |c| {
        preference(c, Preference::Performance)
    });
    g.rule("modifier", &["<evenly>"], |c| {
        preference(c, Preference::Balanced)
    });
    g.rule(
        "preference",
        &[
            "<makeverb> <t:target> <cheaply>",
            "<cheaply> (for/on/of) <t:target>",
            "<t:target> <modal> [be] [run/operated/served] <cheaply>",
            "<t:target> {colon} <cheaply>",
            "<t:target> <modal> be optimized/optimised for cost/costs",
            "optimize/optimise/tune <t:target> for [low] cost/costs",
            "set [the] preference of/for <t:target> to cost",
            "set <t:ownerof> preference to cost",
            "minimize/minimise/reduce/lower [the] cost/costs (of/for) <t:target>",
            "minimize/minimise <t:ownerof> cost/costs",
            "save cost/costs on <t:target>",
            "keep <t:target> cheap",
            "for <t:target> {comma} <cheaply>",
        ],
        |c| preference(c, Preference::Cost),
    );
    g.rule(
        "preference",
        &[
            "<makeverb> <t:target> <fastly>",
            "<makeverb> <t:target> <fastrun>",
            "<fastly> (for/on/of) <t:target>",
            "<t:target> <modal> [be] [run/operated] <fastly>",
            "<t:target> {colon} <fastly>",
            "optimize/optimise/tune <t:target> for performance/speed",
            "<t:target> <modal> be optimized/optimised for performance/speed",
            "set [the] preference of/for <t:target> to performance",
            "set <t:ownerof> preference to performance",
            "maximize/maximise <t:ownerof> performance",
            "maximize/maximise [the] performance of <t:target>",
        ],
        |c| preference(c, Preference::Performance),
    );
    g.rule(
        "preference",
        &[
            "<makeverb> <t:target> <evenly>",
            "<evenly> (for/on/of) <t:target>",
            "<t:target> {colon} <evenly>",
            "set [the] preference of/for <t:target> to balanced",
            "set <t:ownerof> preference to balanced",
            "balance cost/performance and performance/cost (for/of/on) <t:target>",
        ],
        |c| preference(c, Preference::Balanced),
    );
}

fn priorities(g: &mut Builder) {
    g.rule(
        "modifier",
        &[
            "[with/at/and/on] [a] priority [of/{colon}/{equals}/level/to] <n:num>",
            "[with/at] priority level <n:num>",
            "[with] prio <n:num>",
        ],
        priority,
    );
    g.rule(
        "priority",
        &[
            "give/grant/assign <t:target> [a] priority [of] <n:num>",
            "set/change/raise/lower/increase/reduce/put [the] priority (of/for/on) <t:target> to/at <n:num>",
            "set/change/raise/lower/increase/reduce/put <t:ownerof> priority to/at <n:num>",
            "set <t:target> to priority <n:num>",
            "<t:ownerof> priority <modal> be <n:num>",
            "<t:ownerof> priority {colon}/{equals}/is <n:num>", "<t:ownerof> priority <n:num>",
            "<t:target> has/gets/needs [a] priority [of] <n:num>",
            "<t:target> <modal> have/get [a] priority [of] <n:num>",
            "[a] priority [of] <n:num> for <t:target>",
            "[the] priority (of/for) <t:target> <modal> be <n:num>",
            "treat/run <t:target> with/at [a] priority [of] <n:num>",
            "prioritize/prioritise <t:target> at/with <n:num>",
        ],
        priority,
    );
    g.costly(
        "modifier",
        20,
        &["[with/at] [a] high/low/top/highest/lowest/medium/normal/higher/lower/max/maximum priority", "[with/at] highest/top priority"],
        ask_priority,
    );
    g.costly(
        "priority",
        20,
        &[
            "give <t:target> [a] [high/low/top/highest/lowest/medium/higher/lower/more/the] [highest/top] priority",
            "prioritize/prioritise <t:target>",
            "<t:target> [<modal>] is/has/be/have [a] high/low/top/higher/lower/highest/lowest priority",
            "raise/lower/increase/reduce/set [the] priority (of/for) <t:target> [to high/low]",
            "raise/lower/increase/reduce/set <t:ownerof> priority [to high/low]",
            "[a] high/low/top priority for <t:target>",
            "<t:target> is [very] important",
            "<t:target> is more/less important than <target>",
            "prioritize/prioritise <t:target> over <target>",
            "give <t:target> priority over <target>",
            "<t:target> has priority over <target>",
        ],
        ask_priority,
    );
}

fn ask_priority(c: &Caps<'_>) -> Option<Sem> {
    item(Item::Ask {
        target: c.target("t"),
        missing: "amount",
        question: "Which priority, from 1 to 100?".to_owned(),
    })
}

fn priority(c: &Caps<'_>) -> Option<Sem> {
    item(Item::Priority {
        target: c.target("t"),
        priority: c.num("n")?,
    })
}

fn ends(g: &mut Builder) {
    g.rule(
        "modifier",
        &[
            "[and] then/afterwards/after [that] restore/revert [it/everything/that] [to what it was] [afterwards/again]",
            "[and] then/afterwards go back [to what/how it was] [before] [again]",
            "[and] then/afterwards go/bring [it] back to normal",
            "[and] restore/revert [it/everything] [afterwards | after that | at the end | then]",
            "[and] put [it/everything] back [afterwards | after that | at the end | to what it was]",
            "[and] go back [to what it was] afterwards",
            "[and] undo it afterwards", "[and] undo it at the end",
        ],
        |_| item(Item::OnEnd(OnEnd::Restore)),
    );
    g.rule(
        "modifier",
        &[
            "[and] keep/leave it [that way | like that | as it is | so] [afterwards | after that | at the end]",
            "[and] keep the changes [afterwards | after that | at the end]",
            "[and] then/afterwards keep/leave it [that way | like that | as it is]",
            "[and] don't/dont/do not revert/restore/undo it [afterwards | after that | at the end | then]",
            "[and] keep what was changed [afterwards]",
        ],
        |_| item(Item::OnEnd(OnEnd::Keep)),
    );
}

fn topics(g: &mut Builder) {
    g.rule(
        "modifier",
        &[
            "for/on/of/with/to [the pods of] <t:target>",
            "regarding/concerning <t:target>",
            "as for/regards <t:target>",
            "when it comes to <t:target>",
            "in [the] case of <t:target>",
            "on [the] side of <t:target>",
        ],
        |c| {
            let target = c.target("t")?;
            (!target.is_pronoun()).then_some(())?;
            item(Item::Topic(target))
        },
    );
    g.rule(
        "modifier",
        &["<t:target> {colon}", "<t:target> {dash}"],
        |c| item(Item::Topic(c.target("t")?)),
    );
    g.rule("modifier", &["<p:inplace>"], |c| {
        item(Item::In(c.place("p")?))
    });
    g.rule("modifier", &["(for/on/in/of) <c:container>"], |c| {
        item(Item::Of(c.container("c")?))
    });
    g.rule(
        "modifier",
        &["across all containers", "for every container"],
        |_| item(Item::Of(crate::grammar::sem::ContainerPick::All)),
    );
}

fn ellipsis(g: &mut Builder) {
    g.rule(
        "resttarget",
        &["[of | that of | those of] <t:target> [{possessive}]"],
        |c| Some(Sem::Target(c.target("t")?)),
    );
    g.rule(
        "ellipsis",
        &[
            "<t:resttarget> [<d:updown>] to <q:anyqty>",
            "<t:target> <q:anyqty>",
        ],
        |c| rest(c, Rest::To(directed(c, Change::To(c.qty("q")?)))),
    );
    g.rule(
        "ellipsis",
        &[
            "<t:resttarget> to <a:qq> <listword> <q:qqs>",
            "<t:target> <a:qq> <listword> <q:qqs>",
        ],
        |c| {
            let mut amounts = c.all_qtys("a");
            amounts.extend(c.all_qtys("q"));
            rest(c, Rest::Amounts(amounts))
        },
    );
    g.rule(
        "ellipsis",
        &["<t:target> <x:autospan> [<autojoin>] [<q:autocpu>]"],
        |c| {
            let cpu = c.qty("q").map(|qty| qty.number);
            rest(c, Rest::Spans(c.all_spans("x"), cpu))
        },
    );
    g.rule(
        "ellipsis",
        &[
            "<t:resttarget> <v:durupper>",
            "<t:resttarget> <ownupper> <v:ownvalue>",
        ],
        |c| {
            let value = c.qty("v")?;
            rest(c, Rest::Bound { upper: true, value })
        },
    );
    g.rule(
        "ellipsis",
        &["<t:resttarget> <ownlower> <v:ownvalue>"],
        |c| {
            let value = c.qty("v")?;
            rest(
                c,
                Rest::Bound {
                    upper: false,
                    value,
                },
            )
        },
    );
}

fn rest(c: &Caps<'_>, rest: Rest) -> Option<Sem> {
    item(Item::Ellipsis {
        target: c.target("t")?,
        rest,
    })
}
