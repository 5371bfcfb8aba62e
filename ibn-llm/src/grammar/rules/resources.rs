//! CPU and memory of containers: requests, limits, or both.

use super::amounts::{changed, directed, qty, times};
use super::item;
use crate::grammar::engine::{Builder, Caps};
use crate::grammar::measure;
use crate::grammar::sem::{By, Change, Dir, Item, Noun, Owner, Part, Qty, Sem, Side, Unit};

pub(super) fn add(g: &mut Builder) {
    g.words(
        "setverb",
        &["set/change/adjust/bring/put/take/move/make/update/configure/modify/fix/resize/scale/get"],
    );
    g.words(
        "anyverb",
        &["set/change/adjust/bring/put/take/move/make/update/configure/modify/fix/resize/scale"],
    );
    g.rule("anyverb", &["increase/raise/boost/bump/grow"], |_| {
        Some(Sem::Dir(Dir::Up))
    });
    g.rule(
        "anyverb",
        &["lower/reduce/decrease/cut/drop/shrink/trim"],
        |_| Some(Sem::Dir(Dir::Down)),
    );
    noun_phrases(g);
    absolute(g);
    relative(g);
    incomplete(g);
}

/// `the memory limit of the app container of checkout`: who owns it under `o`, what it is under `r`.
fn noun_phrases(g: &mut Builder) {
    g.rule(
        "rnp",
        &[
            "[the] <r:noun> (of/for/on/in/to) <o:owner>",
            "<o:poss> <r:noun>",
            "[the] <r:noun>",
            "[the] <s:side> of/for/on <o:owner> for/on <r:res>",
            "<o:poss> <s:side> for/on <r:res>",
            "[the] <s:side> of/for/on <o:owner> [{possessive}] <r:res>",
            "[the] <r:noun> per pod of <o:owner>",
        ],
        |c| {
            let noun = match (c.noun("r")?, c.noun("s")) {
                (noun, Some(side)) => Noun {
                    side: side.side,
                    ..noun
                },
                (noun, None) => noun,
            };
            item(Item::Resources {
                owner: c.owner("o").unwrap_or_default(),
                parts: vec![Part {
                    noun,
                    change: Change::Ask("amount", "How much?".to_owned()),
                }],
            })
        },
    );
}

/// The noun phrase under `p` with its change.
fn with(c: &Caps<'_>, change: Change) -> Option<Sem> {
    let Item::Resources { owner, mut parts } = c.item("p")? else {
        return None;
    };
    for part in &mut parts {
        part.change = change.clone();
    }
    item(Item::Resources { owner, parts })
}

/// One part for each amount of the list under `q`, each of what its unit or noun says.
fn each(c: &Caps<'_>, side: Side, make: impl Fn(Qty) -> Change) -> Option<Sem> {
    let parts = c
        .all_qtys("q")
        .into_iter()
        .map(|qty| {
            let noun = noun_of(&qty)?;
            let noun = match noun.side {
                Side::Unsaid => Noun { side, ..noun },
                _ => noun,
            };
            Some(Part {
                noun,
                change: make(Qty { of: None, ..qty }),
            })
        })
        .collect::<Option<Vec<_>>>()?;
    item(Item::Resources {
        owner: c.owner("o").unwrap_or_default(),
        parts,
    })
}

/// The resource that a quantity is of, by its noun, else by its unit; neither CPU nor memory where that leaves it open.
pub(super) fn noun_of(qty: &Qty) -> Option<Noun> {
    let noun = noun_by_unit(qty)?;
    let said = qty.of.is_some_and(|noun| noun.cpu || noun.memory);
    Some(if said || !measure::is_bare_suffix(qty.unit) {
        noun
    } else {
        Noun {
            cpu: false,
            memory: false,
            ..noun
        }
    })
}

/// The same where CPU and memory both were said, so that a letter is enough to tell them apart.
fn noun_by_unit(qty: &Qty) -> Option<Noun> {
    let by_unit = match qty.unit {
        Unit::Cores | Unit::Cpu | Unit::Millicores | Unit::BareM => Some((true, false)),
        Unit::Memory { .. } => Some((false, true)),
        _ => None,
    };
    match qty.of {
        Some(noun) if noun.cpu || noun.memory => Some(noun),
        Some(noun) => {
            let (cpu, memory) = by_unit?;
            Some(Noun {
                cpu,
                memory,
                ..noun
            })
        }
        None => {
            let (cpu, memory) = by_unit?;
            Some(Noun {
                cpu,
                memory,
                side: Side::Unsaid,
            })
        }
    }
}

fn absolute(g: &mut Builder) {
    // set the CPU of web to 2
    g.rule(
        "resource",
        &[
            "<d:anyverb> <p:rnp> [<d:updown>] [back] to/at/{equals} [exactly] <q:anyqty> [each]",
            "<d:anyverb> <p:rnp> {colon}/{equals}/{arrow} <q:anyqty>",
            "make/set <p:rnp> <q:anyqty>",
            "<p:rnp> <bidmodal> be [set to] [exactly] <q:anyqty>",
            "<p:rnp> to/{colon}/{equals}/{arrow} <q:anyqty>",
            "keep/hold/fix/pin <p:rnp> at <q:anyqty>",
        ],
        |c| with(c, directed(c, Change::To(c.qty("q")?))),
    );
    // set the CPU and memory of web to 1 and 2Gi
    g.rule(
        "resource",
        &[
            "<d:anyverb> <p:rnp> to [a total of] <q:rq> and <q:rq>",
            "<d:anyverb> <p:rnp> to <q:rq> {slash} <q:rq>",
        ],
        |c| {
            let Item::Resources { owner, parts } = c.item("p")? else {
                return None;
            };
            let noun = parts.first()?.noun;
            let qtys = c.all_qtys("q");
            let parts = qtys
                .into_iter()
                .map(|qty| {
                    let of = if noun.cpu {
                        noun_by_unit(&qty)?
                    } else {
                        noun_of(&qty)?
                    };
                    Some(Part {
                        noun: Noun {
                            side: noun.side,
                            ..of
                        },
                        change: directed(c, Change::To(Qty { of: None, ..qty })),
                    })
                })
                .collect::<Option<Vec<_>>>()?;
            (!noun.cpu || noun.memory).then_some(())?;
            item(Item::Resources { owner, parts })
        },
    );
    // give web 1 CPU and 2Gi
    g.rule(
        "resource",
        &[
            "give/grant/assign/allocate/allot [to] <o:owner> [a total of] [exactly] <q:rqs> [each]",
            "give/grant/assign/allocate <q:rqs> to <o:owner>",
            "<runverb> <o:owner> with/on/at [exactly] <q:rqs>",
            "<o:owner> <bidmodal> have/get/use/receive [exactly] <q:rqs>",
            "<o:owner> needs/need/gets/requires/wants/has [exactly] <q:rqs>",
            "<setverb> <o:owner> to [exactly] <q:rqs>",
            "<setverb> [<d:updown>] <o:owner> to <q:rqs>",
            "let/have/make <o:owner> have/use/get <q:rqs>",
            "[exactly] <q:rqs> for <o:owner>",
            "set/assign/allocate <q:rqs> for/to/on <o:owner>",
            "<o:owner> {colon}/with/at <q:rqs>",
            "give [a total of] <q:rqs>",
            "<setverb> <q:rqs> on/for <o:owner>",
        ],
        |c| each(c, Side::Unsaid, |qty| directed(c, Change::To(qty))),
    );
    // request 500m CPU for web
    g.rule(
        "resource",
        &[
            "request <q:rqs> for <o:owner>",
            "<o:owner> <bidmodal> request <q:rqs>",
            "<o:owner> requests <q:rqs>",
            "let/have/make <o:owner> request <q:rqs>",
            "<d:anyverb> <o:poss> <requestword> to/at <q:rqs>",
            "<d:anyverb> [the] <requestword> (of/for/on) <o:owner> to/at <q:rqs>",
            "<o:poss> <requestword> {colon}/to/at <q:rqs>",
        ],
        |c| each(c, Side::Requests, |qty| directed(c, Change::To(qty))),
    );
    g.rule(
        "resource",
        &[
            "<d:anyverb> <o:poss> <limitword> to/at <q:rqs>",
            "<d:anyverb> [the] <limitword> (of/for/on) <o:owner> to/at <q:rqs>",
            "<o:poss> <limitword> {colon}/to/at <q:rqs>",
            "give <o:owner> [a] <limitword> of <q:rqs>",
            "set [a] <limitword> of <q:rqs> (for/on) <o:owner>",
            "put [a] <limitword> of <q:rqs> on <o:owner>",
        ],
        |c| each(c, Side::Limits, |qty| directed(c, Change::To(qty))),
    );
    g.rule(
        "resource",
        &[
            "give <o:owner> [a] <requestword> of <q:rqs>",
            "set [a] <requestword> of <q:rqs> (for/on) <o:owner>",
        ],
        |c| each(c, Side::Requests, |qty| directed(c, Change::To(qty))),
    );
    // give web a memory limit of 512Mi
    g.rule(
        "resource",
        &[
            "give <o:owner> [a] <r:noun> of <q:anyqty>",
            "set [a] <r:noun> of <q:anyqty> (for/on) <o:owner>",
            "put [a] <r:noun> of <q:anyqty> on <o:owner>",
            "<o:owner> <bidmodal> have [a] <r:noun> of <q:anyqty>",
            "<o:owner> gets/needs a <r:noun> of <q:anyqty>",
        ],
        |c| {
            item(Item::Resources {
                owner: c.owner("o")?,
                parts: vec![Part {
                    noun: c.noun("r")?,
                    change: Change::To(c.qty("q")?),
                }],
            })
        },
    );
    // requests to 250m CPU and 256Mi, and limits to 1 CPU and 512Mi
    g.rule(
        "resource",
        &[
            "<d:anyverb> <o:poss> <requestword> to/at <q:rqs> [{comma}] and [the/its] <limitword> to/at <l:rqs>",
            "<d:anyverb> [the] <requestword> (of/for/on) <o:owner> to/at <q:rqs> [{comma}] and [the/its] <limitword> to/at <l:rqs>",
            "give <o:owner> <requestword> of <q:rqs> and <limitword> of <l:rqs>",
        ],
        |c| {
            let Some(Sem::Item(first)) = each(c, Side::Requests, |qty| directed(c, Change::To(qty))) else {
                return None;
            };
            let Item::Resources { owner, mut parts } = *first else {
                return None;
            };
            for qty in c.all_qtys("l") {
                let noun = noun_of(&qty)?;
                parts.push(Part {
                    noun: Noun {
                        side: Side::Limits,
                        ..noun
                    },
                    change: directed(c, Change::To(Qty { of: None, ..qty })),
                });
            }
            item(Item::Resources { owner, parts })
        },
    );
}

fn relative(g: &mut Builder) {
    // increase the CPU of web by 50 %
    g.rule(
        "resource",
        &[
            "<d:dirverb> <p:rnp> [<d:updown>] <b:by> [each]",
            "adjust/change/scale/turn/bump/move/bring/take <p:rnp> <d:updown> <b:by>",
            "scale/turn/bump/ramp <d:updown> <p:rnp> <b:by>",
        ],
        |c| {
            let change = changed(c.dir("d")?, &c.by("b")?, None);
            with(c, directed(c, not_pods(change)?))
        },
    );
    g.rule(
        "resource",
        &["cut/reduce/slash <p:rnp> <d:ind> <b:inpart>"],
        |c| with(c, changed(Dir::Down, &c.by("b")?, None)),
    );
    g.rule("resource", &["<m:multverb> <p:rnp> [again]"], |c| {
        with(c, c.change("m")?)
    });
    g.rule("resource", &["<d:anyverb> <p:rnp> [<d:updown>] to <m:mult> [of] [its/the] [current] value/size/amount/level", "<d:anyverb> <p:rnp> to <m:mult>"], |c| {
        with(c, directed(c, c.change("m")?))
    });
    g.rule(
        "resource",
        &[
            "scale/multiply <p:rnp> by <q:times>",
            "multiply <p:rnp> by <q:num1>",
            "<d:dirverb> <p:rnp> <q:times>",
        ],
        |c| with(c, directed(c, times(c.qty("q")?.number))),
    );
    g.rule(
        "resource",
        &["scale/change/adjust <p:rnp> by <s:size>"],
        |c| match c.by("s")? {
            By::Qty(qty) if qty.unit == Unit::Times => None,
            By::Qty(qty) if qty.unit == Unit::None => {
                with(c, changed(Dir::Up, &By::Qty(qty), None))
            }
            _ => with(c, Change::Ask("direction", "Up or down?".to_owned())),
        },
    );
    g.rule("resource", &["<p:rnp> <bidmodal> be <m:donemult>"], |c| {
        with(c, c.change("m")?)
    });
    g.rule(
        "resource",
        &["<p:rnp> <bidmodal> be <d:donedir> <b:by>"],
        |c| with(c, not_pods(changed(c.dir("d")?, &c.by("b")?, None))?),
    );
    g.rule(
        "resource",
        &["<p:rnp> <bidmodal> be <donedir> to <q:anyqty>"],
        |c| with(c, Change::To(c.qty("q")?)),
    );
    // 50 % more CPU, 256Mi more memory, twice the memory, half as much CPU
    g.rule(
        "moreof",
        &[
            "<s:size> <d:more> [of] [the] <r:noun>",
            "another/additional <s:size> [of] <r:noun>",
            "an additional/extra <s:size> [of] <r:noun>",
        ],
        |c| more(c, c.dir("d").unwrap_or(Dir::Up), c.noun("r")?),
    );
    g.rule(
        "moreof",
        &[
            "<s:size> of <d:more> <r:noun>",
            "<r:noun> <s:size> <d:more>",
        ],
        |c| more(c, c.dir("d")?, c.noun("r")?),
    );
    // 256Mi more, another core
    g.rule(
        "moreof",
        &[
            "<q:rqty> <d:more>",
            "another/additional <q:rq>",
            "an additional/extra <q:rq>",
            "a further <q:rq>",
            "<q:rqtyof> <d:more>",
        ],
        |c| {
            let qty = c.qty("q")?;
            let noun = noun_of(&qty)?;
            let dir = c.dir("d").unwrap_or(Dir::Up);
            part(noun, changed(dir, &By::Qty(Qty { of: None, ..qty }), None))
        },
    );
    g.rule("moreof", &["<n:some> <d:more> <u:cpuunit>"], |c| {
        let noun = Noun {
            cpu: true,
            memory: false,
            side: Side::Unsaid,
        };
        let unit = c.qty("u")?.unit;
        part(
            noun,
            changed(c.dir("d")?, &By::Qty(qty(c.num("n")?, unit)), None),
        )
    });
    g.rule(
        "moreof",
        &["<n:some> <d:more> <u:memunit> [of] [<r:res>]"],
        |c| {
            let noun = Noun {
                cpu: false,
                memory: true,
                side: Side::Unsaid,
            };
            let unit = c.qty("u")?.unit;
            part(
                noun,
                changed(c.dir("d")?, &By::Qty(qty(c.num("n")?, unit)), None),
            )
        },
    );
    g.rule("moreof", &["another <u:cpuunit>"], |_| {
        let noun = Noun {
            cpu: true,
            memory: false,
            side: Side::Unsaid,
        };
        part(
            noun,
            Change::Add(qty(crate::grammar::decimal::Decimal::whole(1), Unit::Cores)),
        )
    });
    g.rule(
        "moreof",
        &[
            "<m:mult> as much [of] [the] <r:noun>",
            "<m:mult> [of] the/its/their [current] [amount of] <r:noun>",
            "<m:mult> [of] <r:noun>",
            "<m:mult> as many <r:cpucount>",
        ],
        |c| part(c.noun("r")?, c.change("m")?),
    );
    g.rule("cpucount", &["cores/cpus"], |_| {
        Some(Sem::Noun(Noun {
            cpu: true,
            memory: false,
            side: Side::Unsaid,
        }))
    });
    g.rule(
        "moreofs",
        &[
            "<x:moreof>",
            "<x:moreof> and <x:moreofs>",
            "<x:moreof> {comma} <x:moreofs>",
        ],
        |c| {
            let mut all = Vec::new();
            for item in c.items("x") {
                if let Item::Resources { parts, .. } = item {
                    all.extend(parts);
                }
            }
            item(Item::Resources {
                owner: Owner::default(),
                parts: all,
            })
        },
    );
    g.rule(
        "resource",
        &[
            "give/grant/get/assign/allocate <o:owner> <x:moreofs> [each]",
            "give/grant/add/assign/allocate <x:moreofs> to <o:owner>",
            "<o:owner> <bidmodal> have/get/use/receive <x:moreofs>",
            "<o:owner> needs/need/gets/requires/wants <x:moreofs>",
            "<o:owner> could use <x:moreofs>",
            "<runverb> <o:owner> with/on/at <x:moreofs>",
            "<x:moreofs> for <o:owner>",
            "let/have/make <o:owner> have/use/get <x:moreofs>",
            "give <x:moreofs>",
            "<o:owner> {colon} <x:moreofs>",
        ],
        |c| {
            let Item::Resources { parts, .. } = c.item("x")? else {
                return None;
            };
            item(Item::Resources {
                owner: c.owner("o").unwrap_or_default(),
                parts,
            })
        },
    );
    // add 256Mi of memory to web, take 100m CPU from web
    g.rule(
        "resource",
        &[
            "add <q:rqs> to <o:owner>",
            "<d:resdir> <o:owner> by <q:rqs>",
            "add <q:rqs>",
        ],
        |c| match c.dir("d") {
            Some(Dir::Down) => each(c, Side::Unsaid, |qty| {
                changed(Dir::Down, &By::Qty(qty), None)
            }),
            _ => each(c, Side::Unsaid, |qty| changed(Dir::Up, &By::Qty(qty), None)),
        },
    );
    g.rule(
        "resource",
        &[
            "<takeverb> <q:rqs> [away] from <o:owner>",
            "give <o:owner> <q:rqs> less",
        ],
        |c| {
            each(c, Side::Unsaid, |qty| {
                changed(Dir::Down, &By::Qty(qty), None)
            })
        },
    );
    // add 20 % CPU to web
    g.rule(
        "resource",
        &[
            "add <s:pct> [of] <r:noun> to <o:owner>",
            "add <s:pct> to <r0:noun> of <o:owner>",
        ],
        |c| {
            item(Item::Resources {
                owner: c.owner("o")?,
                parts: vec![Part {
                    noun: c.noun("r").or_else(|| c.noun("r0"))?,
                    change: changed(Dir::Up, &By::Qty(c.qty("s")?), None),
                }],
            })
        },
    );
    g.rule(
        "resource",
        &["add <q:anyqty> to <p:rnp>", "add <q:pct> to <p:rnp>"],
        |c| with(c, not_pods(changed(Dir::Up, &By::Qty(c.qty("q")?), None))?),
    );
    g.rule(
        "resource",
        &[
            "<takeverb> <q:anyqty> [away] from/off <p:rnp>",
            "<takeverb> <q:pct> from/off <p:rnp>",
        ],
        |c| {
            with(
                c,
                not_pods(changed(Dir::Down, &By::Qty(c.qty("q")?), None))?,
            )
        },
    );
    // by 50 % CPU-wise: increase web's CPU and memory by half
    g.rule(
        "resource",
        &[
            "<d:resdir> <o:owner> <b:by> [in] <r:noun>",
            "<d:resdir> <r:noun> <b:by> (for/of/on) <o:owner>",
        ],
        |c| {
            item(Item::Resources {
                owner: c.owner("o")?,
                parts: vec![Part {
                    noun: c.noun("r")?,
                    change: not_pods(changed(c.dir("d")?, &c.by("b")?, None))?,
                }],
            })
        },
    );
}

fn not_pods(change: Change) -> Option<Change> {
    match change.qty() {
        Some(qty) if qty.unit == Unit::Pods => None,
        _ => Some(change),
    }
}

fn part(noun: Noun, change: Change) -> Option<Sem> {
    item(Item::Resources {
        owner: Owner::default(),
        parts: vec![Part { noun, change }],
    })
}

fn more(c: &Caps<'_>, dir: Dir, noun: Noun) -> Option<Sem> {
    part(noun, not_pods(changed(dir, &c.by("s")?, None))?)
}

/// What is clearly about CPU or memory, but without the amount.
fn incomplete(g: &mut Builder) {
    g.costly(
        "resource",
        30,
        &[
            "<anyverb> <p:rnp> [<updown>] [a bit/little/lot]",
            "<dirverb> <p:rnp> [a bit/little/lot]",
            "<updown> <p:rnp>",
        ],
        |c| with(c, Change::Ask("amount", "How much?".to_owned())),
    );
    g.costly(
        "resource",
        30,
        &[
            "give/grant/get/assign <o:owner> [a bit/little/lot/some] more/less/extra/additional/enough/some [of] <r:noun>",
            "give/add/assign [a bit/little/lot/some] more/less/extra/additional/some [of] <r:noun> to <o:owner>",
            "<o:owner> needs/need/wants/requires [a bit/little/lot/some] more/less/extra/additional/some [of] <r:noun>",
            "<o:owner> <bidmodal> have/get/use [a bit/little/lot/some] more/less/extra [of] <r:noun>",
            "add <r:noun> to <o:owner>",
            "give <o:owner> <r:noun>",
            "more/less [of] <r:noun> for <o:owner>",
            "<o:owner> needs/need <r:noun>",
            "<takeverb> some <r:noun> from <o:owner>",
        ],
        |c| {
            item(Item::Resources {
                owner: c.owner("o")?,
                parts: vec![Part {
                    noun: c.noun("r")?,
                    change: Change::Ask("amount", "How much?".to_owned()),
                }],
            })
        },
    );
}
