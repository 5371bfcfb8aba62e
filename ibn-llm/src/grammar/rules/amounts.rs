//! Amounts: quantities with their unit, changes by and to, factors, bounds.

use crate::grammar::decimal::Decimal;
use crate::grammar::engine::{Builder, Caps};
use crate::grammar::measure;
use crate::grammar::sem::{By, Change, Dir, Noun, Qty, Sem, Side, Span, Unit};

pub(super) fn add(g: &mut Builder) {
    nouns(g);
    quantities(g);
    directions(g);
    sizes(g);
    spans(g);
}

/// A quantity of nothing in particular.
pub(super) fn qty(number: Decimal, unit: Unit) -> Qty {
    Qty {
        number,
        unit,
        of: None,
    }
}

fn noun(cpu: bool, memory: bool, side: Side) -> Option<Sem> {
    Some(Sem::Noun(Noun { cpu, memory, side }))
}

fn nouns(g: &mut Builder) {
    g.words(
        "pods",
        &["replicas/replica/pods/pod/instances/instance/copies/copy"],
    );
    g.words(
        "podsn",
        &[
            "[the] [total/current] number/count/amount of [running] <pods>",
            "[the] replica/pod/instance count/number/counts/numbers",
            "[the] replicas/pods/instances/copies",
            "[the] replica",
        ],
    );
    g.words(
        "cpuword",
        &[
            "cpu/cpus/processor/processors",
            "processor time",
            "processing power",
            "compute",
            "cpu power/time",
        ],
    );
    g.words("memword", &["memory/ram/mem"]);
    g.words(
        "requestword",
        &["request/requests/reservation/reservations"],
    );
    g.words("limitword", &["limit/limits"]);
    g.rule("side", &["<requestword>"], |_| {
        noun(false, false, Side::Requests)
    });
    g.rule("side", &["<limitword>"], |_| {
        noun(false, false, Side::Limits)
    });
    g.rule(
        "side",
        &[
            "<requestword> and <limitword>",
            "<limitword> and <requestword>",
            "both <requestword> and <limitword>",
            "both <limitword> and <requestword>",
        ],
        |_| noun(false, false, Side::Both),
    );
    g.rule("res", &["<cpuword>"], |_| noun(true, false, Side::Unsaid));
    g.rule("res", &["<memword>"], |_| noun(false, true, Side::Unsaid));
    g.rule(
        "res",
        &[
            "[both] <cpuword> and <memword>",
            "[both] <memword> and <cpuword>",
            "<cpuword> {slash} <memword>",
            "<cpuword> as well as <memword>",
            "resources",
            "resource allocation/allocations",
        ],
        |_| noun(true, true, Side::Unsaid),
    );
    // `cpu requests`, `the memory limit`, `limits`
    g.rule("noun", &["<r:res>"], |c| Some(Sem::Noun(c.noun("r")?)));
    g.rule("noun", &["<s:side>"], |c| Some(Sem::Noun(c.noun("s")?)));
    g.rule(
        "noun",
        &[
            "<r:res> <s:side>",
            "<s:side> of/for/on [the] <r:res>",
            "resource <s:side>",
        ],
        |c| {
            let side = c.noun("s")?.side;
            Some(Sem::Noun(match c.noun("r") {
                Some(res) => Noun { side, ..res },
                None => c.noun("s")?,
            }))
        },
    );
    g.rule(
        "noun",
        &[
            "<cpuword> <s:side> and [the] <memword> <z:side>",
            "<memword> <s:side> and [the] <cpuword> <z:side>",
        ],
        |c| {
            let side = c.noun("s")?.side;
            (c.noun("z")?.side == side).then_some(Sem::Noun(Noun {
                cpu: true,
                memory: true,
                side,
            }))
        },
    );
}

fn quantities(g: &mut Builder) {
    g.rule("count", &["<n:num>"], |c| Some(Sem::Num(c.num("n")?)));
    g.rule("count", &["a single", "just one"], |_| {
        Some(Sem::Num(Decimal::whole(1)))
    });
    g.words(
        "percentword",
        &[
            "{percent}",
            "percent",
            "per cent",
            "pct",
            "percentage points",
        ],
    );
    g.rule("pct", &["<n:num> <percentword>"], |c| {
        Some(Sem::Qty(qty(c.num("n")?, Unit::Percent)))
    });
    // `half a core`, `a gigabyte`, `one and a half cores`
    g.rule("some", &["<n:num>"], |c| Some(Sem::Num(c.num("n")?)));
    g.rule(
        "some",
        &["a/an", "a single", "one full", "a full/whole"],
        |_| Some(Sem::Num(Decimal::whole(1))),
    );
    g.rule(
        "some",
        &["half a/an", "half of a/an", "a half", "half", "{half}"],
        |_| Some(Sem::Num(Decimal::new(5, 1))),
    );
    g.rule(
        "some",
        &[
            "a quarter of a/an",
            "quarter of a/an",
            "a quarter",
            "{quarter}",
        ],
        |_| Some(Sem::Num(Decimal::new(25, 2))),
    );
    g.rule("some", &["three quarters of a/an"], |_| {
        Some(Sem::Num(Decimal::new(75, 2)))
    });
    g.rule(
        "some",
        &["<n:digits> {half}", "<n:digits> and a half"],
        |c| Some(Sem::Num(c.num("n")?.plus(Decimal::new(5, 1))?)),
    );
    g.rule("some", &["{dash} <n:digits>"], |_| None);
    g.rule(
        "rqty",
        &[
            "<n:some> <u:cpuunit>",
            "<n:some> <u:memunit>",
            "<n:some> <u:barem>",
            "<n:some> {dash} <u:memunit>",
        ],
        |c| {
            let unit = c.qty("u")?.unit;
            Some(Sem::Qty(qty(c.num("n")?, unit)))
        },
    );
    g.rule(
        "rqtyof",
        &["<q:rqty> [of] [the] <r:noun>", "<r:res> <q:rqty>"],
        |c| {
            let mut qty = c.qty("q")?;
            qty.of = Some(c.noun("r")?);
            Some(Sem::Qty(qty))
        },
    );
    g.rule(
        "rqtyof",
        &["<n:some> <r:noun>", "<n:some> of <r:noun>"],
        |c| {
            let of = c.noun("r")?;
            Some(Sem::Qty(Qty {
                number: c.num("n")?,
                unit: Unit::None,
                of: Some(of),
            }))
        },
    );
    // A quantity that says which resource it is of.
    g.rule("rq", &["<q:rqty>", "<q:rqtyof>"], |c| {
        Some(Sem::Qty(c.qty("q")?))
    });
    g.rule("rqs", &["<q:rq>", "<q:rq> <listword> <q:rqs>"], |c| {
        Some(Sem::Qtys(c.all_qtys("q")))
    });
    g.words(
        "listword",
        &[
            "and",
            "{comma}",
            "{comma} and",
            "plus",
            "with",
            "{slash}",
            "{plus}",
            "as well as",
            "{and}",
        ],
    );
    g.rule("podqty", &["<n:count> <pods>"], |c| {
        Some(Sem::Qty(qty(c.num("n")?, Unit::Pods)))
    });
    g.rule("podqty", &["a/an <pods>"], |_| {
        Some(Sem::Qty(qty(Decimal::whole(1), Unit::Pods)))
    });
    g.rule("podqty", &["no <pods>"], |_| {
        Some(Sem::Qty(qty(Decimal::whole(0), Unit::Pods)))
    });
    // A quantity whose unit depends on what it is an amount of.
    g.rule("anyqty", &["<q:rqty>", "<q:rqtyof>", "<q:podqty>"], |c| {
        Some(Sem::Qty(c.qty("q")?))
    });
    g.rule("anyqty", &["<n:num>"], |c| {
        Some(Sem::Qty(qty(c.num("n")?, Unit::None)))
    });
    g.rule(
        "dur",
        &["<n:some> <u:timeunit>", "<n:some> <u:barem>"],
        |c| Some(Sem::Qty(qty(c.num("n")?, c.qty("u")?.unit))),
    );
}

fn directions(g: &mut Builder) {
    g.rule("up", &["up/upwards/upward/out"], |_| {
        Some(Sem::Dir(Dir::Up))
    });
    g.rule("down", &["down/downwards/downward/in"], |_| {
        Some(Sem::Dir(Dir::Down))
    });
    g.rule("updown", &["<d:up>", "<d:down>"], |c| {
        Some(Sem::Dir(c.dir("d")?))
    });
    g.rule(
        "upverb",
        &[
            "increase/raise/grow/boost/expand/extend/enlarge/upscale/bump/augment/enhance",
            "scale/bump/ramp/step/crank/turn/push/beef/bring/move/go up",
            "scale out",
        ],
        |_| Some(Sem::Dir(Dir::Up)),
    );
    g.rule(
        "downverb",
        &[
            "decrease/reduce/lower/shrink/cut/drop/trim/downscale/diminish/slash",
            "scale/ramp/step/turn/cut/bring/dial/take/move/go/slim down",
            "scale in",
            "cut back",
        ],
        |_| Some(Sem::Dir(Dir::Down)),
    );
    g.rule("dirverb", &["<d:upverb>", "<d:downverb>"], |c| {
        Some(Sem::Dir(c.dir("d")?))
    });
    g.rule("multverb", &["double"], |_| scale(2.0));
    g.rule("multverb", &["triple/treble"], |_| scale(3.0));
    g.rule("multverb", &["quadruple"], |_| scale(4.0));
    g.rule("multverb", &["halve/half"], |_| scale(0.5));
}

fn scale(factor: f64) -> Option<Sem> {
    (factor.is_finite() && factor >= 0.0).then_some(Sem::Change(Change::Scale(factor)))
}

/// A change with the directions that were said under `d`, which must all be its own.
pub(super) fn directed(c: &Caps<'_>, change: Change) -> Change {
    let dirs = c.dirs("d");
    let Some(dir) = dirs.first().copied() else {
        return change;
    };
    let ask = || Change::Ask("direction", "Up or down?".to_owned());
    if dirs.iter().any(|it| *it != dir) {
        return ask();
    }
    match change {
        Change::To(qty) => Change::Toward(dir, qty),
        Change::Scale(factor) if dir.excludes(&1.0, &factor) => ask(),
        other => other,
    }
}

/// So many times as much.
pub(super) fn times(number: Decimal) -> Change {
    or_thousands(number, " times").unwrap_or(Change::Scale(number.to_f64()))
}

/// The question for a number that may be one with thousands.
fn or_thousands(number: Decimal, unit: &str) -> Option<Change> {
    let other = number.may_be_thousands()?;
    Some(Change::Ask(
        "amount",
        measure::thousands(number, other, unit),
    ))
}

fn sizes(g: &mut Builder) {
    // `by …`
    g.rule("part", &["half", "a half", "one half", "the half"], |_| {
        Some(Sem::By(By::Part(1, 2)))
    });
    g.rule("part", &["a third", "one third", "one-third"], |_| {
        Some(Sem::By(By::Part(1, 3)))
    });
    g.rule("part", &["two thirds", "two-thirds"], |_| {
        Some(Sem::By(By::Part(2, 3)))
    });
    g.rule(
        "part",
        &["a quarter", "one quarter", "a fourth", "one-quarter"],
        |_| Some(Sem::By(By::Part(1, 4))),
    );
    g.rule("part", &["three quarters", "three-quarters"], |_| {
        Some(Sem::By(By::Part(3, 4)))
    });
    g.rule("part", &["a fifth", "one fifth"], |_| {
        Some(Sem::By(By::Part(1, 5)))
    });
    g.rule("part", &["a tenth", "one tenth"], |_| {
        Some(Sem::By(By::Part(1, 10)))
    });
    g.rule(
        "times",
        &[
            "<n:num> x/times/fold",
            "a factor of <n:num>",
            "factor <n:num>",
            "<n:num> {times}",
            "{times} <n:num>",
        ],
        |c| Some(Sem::Qty(qty(c.num("n")?, Unit::Times))),
    );
    g.rule("times", &["twofold/two-fold"], |_| {
        Some(Sem::Qty(qty(Decimal::whole(2), Unit::Times)))
    });
    g.rule("times", &["threefold/three-fold/tripled"], |_| {
        Some(Sem::Qty(qty(Decimal::whole(3), Unit::Times)))
    });
    g.rule("size", &["<q:pct>", "<q:anyqty>", "<q:times>"], |c| {
        Some(Sem::By(By::Qty(c.qty("q")?)))
    });
    g.rule("size", &["<p:part>"], |c| Some(Sem::By(c.by("p")?)));
    g.rule(
        "size",
        &[
            "a bit/little/lot/few/touch/notch",
            "a few/couple [of] <pods>",
            "some/several [<pods>]",
            "a little bit",
            "a good deal",
            "somewhat",
            "a couple",
        ],
        |_| Some(Sem::By(By::Vague)),
    );
    g.rule(
        "by",
        &[
            "by <s:size>",
            "by another/additional/further/extra <s:size>",
        ],
        |c| Some(Sem::By(c.by("s")?)),
    );
    // `twice`, `three times`, `half`
    g.rule("mult", &["twice", "double", "two times", "2x"], |_| {
        scale(2.0)
    });
    g.rule("mult", &["thrice", "triple"], |_| scale(3.0));
    g.rule("mult", &["quadruple"], |_| scale(4.0));
    g.rule("mult", &["half"], |_| scale(0.5));
    g.rule("mult", &["a third [of]", "one third [of]"], |_| {
        scale(1.0 / 3.0)
    });
    g.rule("mult", &["a quarter [of]", "one quarter [of]"], |_| {
        scale(0.25)
    });
    g.rule("mult", &["two thirds [of]"], |_| scale(2.0 / 3.0));
    g.rule("mult", &["three quarters [of]"], |_| scale(0.75));
    g.rule("mult", &["<n:num> times/x"], |c| {
        Some(Sem::Change(times(c.num("n")?)))
    });
    g.rule("mult", &["<q:pct> of"], |c| {
        scale(c.qty("q")?.number.hundredth().to_f64())
    });
    // `50 % more`, `two more`, `half as much again`
    g.rule("more", &["more/additional/extra/further"], |_| {
        Some(Sem::Dir(Dir::Up))
    });
    g.rule("more", &["fewer/less"], |_| Some(Sem::Dir(Dir::Down)));
}

/// The change that a size stands for in a direction. `noun` says what a bare number is a number of.
pub(crate) fn changed(dir: Dir, by: &By, noun: Option<Unit>) -> Change {
    let unit_question = |number: Decimal| {
        Change::Ask(
            "unit",
            format!("By {number} what: percent, times, or an amount with a unit?"),
        )
    };
    match by {
        By::Vague => Change::Ask("amount", "By how much?".to_owned()),
        By::Part(part, of) => {
            let share = *part as f64 / *of as f64;
            Change::Scale(match dir {
                // (of + part) / of, one division: a third more is the double next to 4/3.
                Dir::Up => (*of + *part) as f64 / *of as f64,
                Dir::Down => {
                    if part == of {
                        0.0
                    } else {
                        (*of - *part) as f64 / *of as f64
                    }
                }
            })
            .finite_or(share)
        }
        By::Qty(qty) => match qty.unit {
            Unit::Percent => {
                if let Some(question) = or_thousands(qty.number, " %") {
                    return question;
                }
                let share = qty.number.hundredth();
                let signed = match dir {
                    Dir::Up => share,
                    Dir::Down => share.negated(),
                };
                match Decimal::whole(1).plus(signed) {
                    Some(factor) if !factor.is_negative() => Change::Scale(factor.to_f64()),
                    _ => Change::Ask(
                        "amount",
                        format!(
                            "Less by {} % is less than nothing; by how much?",
                            qty.number
                        ),
                    ),
                }
            }
            Unit::Times => {
                let factor = qty.number.to_f64();
                match (dir, times(qty.number)) {
                    (_, Change::Scale(_)) if factor < 1.0 => Change::Ask(
                        "direction",
                        format!("Up or down? A factor of {} makes less.", qty.number),
                    ),
                    (Dir::Down, Change::Scale(factor)) => Change::Scale(1.0 / factor),
                    (_, change) => change,
                }
            }
            Unit::None if qty.of.is_none() => match noun {
                Some(unit) => signed(
                    dir,
                    Qty {
                        unit,
                        ..qty.clone()
                    },
                ),
                None => unit_question(qty.number),
            },
            _ => signed(dir, qty.clone()),
        },
    }
}

fn signed(dir: Dir, qty: Qty) -> Change {
    Change::Add(match dir {
        Dir::Up => qty,
        Dir::Down => Qty {
            number: qty.number.negated(),
            ..qty
        },
    })
}

impl Change {
    fn finite_or(self, fallback: f64) -> Self {
        match self {
            Self::Scale(factor) if !factor.is_finite() => Self::Scale(fallback),
            other => other,
        }
    }
}

fn spans(g: &mut Builder) {
    g.words(
        "upper",
        &[
            "at most/maximum/max",
            "at the most/maximum",
            "no/not/never more than",
            "no/not/never greater/higher/larger/bigger than",
            "no/not/never above/over/beyond",
            "[not] to exceed",
            "[a] maximum/max [of]",
            "{le}",
            "capped/limited at/to",
            "not exceeding",
            "without exceeding",
            "maximally",
            "at or below/under",
            "max {colon}",
        ],
    );
    g.words(
        "upperx",
        &[
            "less/fewer/lower/smaller than",
            "under/below/beneath",
            "{lt}",
            "strictly under/below",
            "well under/below",
        ],
    );
    g.words(
        "lower",
        &[
            "at least/minimum/min",
            "at the least",
            "no/not/never less/fewer/lower/smaller than",
            "no/not/never below/under",
            "[a] minimum/min [of]",
            "{ge}",
            "at or above/over",
            "min {colon}",
        ],
    );
    g.words(
        "lowerx",
        &["more/greater/higher/larger than", "above", "{gt}", "over"],
    );
    // `up to 5`, which after `scale` is no bound.
    g.rule("numspan", &["<s:numspanx>"], |c| c.span("s").map(Sem::Span));
    g.rule(
        "numspan",
        &[
            "up to <b:n1>",
            "as many as <b:n1>",
            "from <a:n1> to <b:n1>",
            "<a:n1> to <b:n1>",
            "<a:n1> {dash} <b:n1>",
        ],
        |c| span(c, false),
    );
    g.rule("podspan", &["<s:podspanx>"], |c| c.span("s").map(Sem::Span));
    g.rule(
        "podspan",
        &[
            "up to <b:podqty>",
            "as many as <b:podqty>",
            "from <a:n1> to <b:podqty>",
            "<a:n1> to <b:podqty>",
            "<a:n1> {dash} <b:podqty>",
        ],
        |c| span(c, false),
    );
    bound(
        g,
        "numspanx",
        &[
            "<upper> <b:n1>",
            "<b:n1> at most/max/maximum/tops",
            "<b:n1> at the most",
            "<b:n1> or less/fewer/below",
            "<b:n1> or under",
        ],
        &["<upperx> <b:n1>"],
        &[
            "<lower> <a:n1>",
            "<a:n1> at least/min/minimum",
            "<a:n1> or more/above/over",
            "<a:n1> or higher",
        ],
        &["<lowerx> <a:n1>"],
        &[
            "between <a:n1> and/to <b:n1>",
            "between <a:n1> {dash} <b:n1>",
            "in [the] range <a:n1> to <b:n1>",
            "in the range of/from <a:n1> to <b:n1>",
        ],
    );
    bound(
        g,
        "podspanx",
        &[
            "<upper> <b:podqty>",
            "<b:podqty> at most/max/maximum/tops",
            "<b:podqty> at the most",
            "<b:podqty> or less/fewer",
            "max/maximum <pods> <b:n1>",
            "max/maximum [of] <b:podqty>",
            "<b:n1> at most/max/maximum <pods>",
            "maximum [of] <b:podqty>",
        ],
        &["<upperx> <b:podqty>"],
        &[
            "<lower> <a:podqty>",
            "<a:podqty> at least/min/minimum",
            "<a:podqty> or more",
            "<a:n1> or more <pods>",
            "min/minimum <pods> <a:n1>",
        ],
        &["<lowerx> <a:podqty>"],
        &[
            "between <a:n1> [<pods>] and/to <b:podqty>",
            "between <a:n1> {dash} <b:podqty>",
        ],
    );
    g.rule("n1", &["<n:num>"], |c| {
        Some(Sem::Qty(qty(c.num("n")?, Unit::None)))
    });
    g.rule("n1", &["<q:podqty>"], |c| Some(Sem::Qty(c.qty("q")?)));
    // Bounds on CPU and memory; several amounts under one bound.
    g.rule(
        "rspans",
        &[
            "<upper> <q:rqs>",
            "up to <q:rqs>",
            "<q:rqs> at most/max/maximum/tops",
            "<q:rqs> or less",
        ],
        |c| span_each(c, false, false),
    );
    g.rule("rspans", &["<upperx> <q:rqs>"], |c| {
        span_each(c, false, true)
    });
    g.rule(
        "rspans",
        &[
            "<lower> <q:rqs>",
            "<q:rqs> at least/minimum",
            "<q:rqs> or more",
        ],
        |c| span_each(c, true, false),
    );
    g.rule("rspans", &["<lowerx> <q:rqs>"], |c| {
        span_each(c, true, true)
    });
    g.rule(
        "rspans",
        &["between <a:rqn> and/to <b:rq>", "from <a:rqn> to <b:rq>"],
        |c| {
            let max = c.qty("b")?;
            let mut min = c.qty("a")?;
            if min.unit == Unit::None {
                min.unit = max.unit;
                min.of = max.of;
            }
            Some(Sem::Spans(vec![Span {
                min: Some(min),
                max: Some(max),
                strict_min: false,
                strict_max: false,
            }]))
        },
    );
    g.rule(
        "spansx",
        &[
            "<s:podspanx>",
            "<s:numspanx>",
            "<s:podspanx> [<spanjoin>] <s:podspanx>",
            "<s:numspanx> [<spanjoin>] <s:podspanx>",
            "<s:podspanx> [<spanjoin>] <s:numspanx>",
            "<s:numspanx> [<spanjoin>] <s:numspanx>",
        ],
        |c| Some(Sem::Spans(c.all_spans("s"))),
    );
    g.words(
        "spanjoin",
        &[
            "and",
            "{comma}",
            "but",
            "{comma} and",
            "{comma} but",
            "and also",
            "{slash}",
        ],
    );
    g.rule(
        "podspans",
        &[
            "<s:podspan>",
            "<s:podspan> [<spanjoin>] <s:podspan>",
            "<s:numspan> [<spanjoin>] <s:podspan>",
            "<s:podspan> [<spanjoin>] <s:numspan>",
        ],
        |c| Some(Sem::Spans(c.all_spans("s"))),
    );
    g.rule(
        "numspans",
        &["<s:numspan>", "<s:numspan> [<spanjoin>] <s:numspan>"],
        |c| Some(Sem::Spans(c.all_spans("s"))),
    );
    g.rule(
        "resspans",
        &["<s:rspans>", "<s:rspans> <spanjoin> <s:rspans>"],
        |c| Some(Sem::Spans(c.all_spans("s"))),
    );
    g.rule("rqn", &["<q:rq>"], |c| Some(Sem::Qty(c.qty("q")?)));
    g.rule("rqn", &["<n:num>"], |c| {
        Some(Sem::Qty(qty(c.num("n")?, Unit::None)))
    });
}

/// One span for each amount of the list under `q`.
fn span_each(c: &Caps<'_>, lower: bool, strict: bool) -> Option<Sem> {
    let spans = c
        .all_qtys("q")
        .into_iter()
        .map(|qty| Span {
            min: lower.then(|| qty.clone()),
            max: (!lower).then_some(qty),
            strict_min: lower && strict,
            strict_max: !lower && strict,
        })
        .collect();
    Some(Sem::Spans(spans))
}

fn bound(
    g: &mut Builder,
    name: &'static str,
    upper: &[&'static str],
    strict_upper: &[&'static str],
    lower: &[&'static str],
    strict_lower: &[&'static str],
    both: &[&'static str],
) {
    g.rule(name, upper, |c| span(c, false));
    g.rule(name, strict_upper, |c| span(c, true));
    g.rule(name, lower, |c| span(c, false));
    g.rule(name, strict_lower, |c| span(c, true));
    g.rule(name, both, |c| span(c, false));
}

fn span(c: &Caps<'_>, strict: bool) -> Option<Sem> {
    let (min, max) = (c.qty("a"), c.qty("b"));
    Some(Sem::Span(Span {
        strict_min: strict && min.is_some(),
        strict_max: strict && max.is_some(),
        min,
        max,
    }))
}
