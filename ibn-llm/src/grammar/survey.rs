//! What a sentence literally says, rule by rule: the facts that another's reading of it is held against.

use ibn_core::catalog::Catalog;
use ibn_core::translation::{RefusalCode, Translation, Utterance};
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use jiff::Zoned;

use super::decimal::Decimal;
use super::engine::Chart;
use super::input::{CatalogName, Input, MAX_TOKENS, NameIndex};
use super::lex::Kind;
use super::sem::{Item, Moment, Qty, Quant, Sem, Unit, When};
use super::vocabulary::NEGATIONS;
use super::{GRAMMAR, MAX_BYTES, rules, scope, when};

/// The facts of one sentence.
pub(crate) struct Survey {
    /// Numbers with the units that stand behind them.
    pub(crate) quantities: Vec<Qty>,
    /// Bare numbers, those of `quantities` included, times and percentiles left out.
    pub(crate) numbers: Vec<Decimal>,
    /// Percentiles.
    pub(crate) quantiles: Vec<Decimal>,
    /// Factors that words stand for: `double` is 2.
    pub(crate) factors: Vec<f64>,
    /// The one time that is said.
    pub(crate) when: Option<When>,
    /// A time is said that code can't read, or more than one.
    pub(crate) time_is_unclear: bool,
    /// Workloads and namespaces that are named.
    pub(crate) named: Vec<WorkloadRef>,
    /// What may be a target: named, or of a group that is named.
    pub(crate) allowed: Vec<WorkloadRef>,
    /// Containers that are named.
    pub(crate) containers: Vec<String>,
    /// `all containers` or the like.
    pub(crate) says_all: bool,
    pub(crate) is_negated: bool,
    /// Says more, and not less; or the other way.
    pub(crate) only_up: bool,
    pub(crate) only_down: bool,
    /// The instant in the person's zone.
    pub(crate) now: Zoned,
}

/// Looks at a sentence; a refusal where it is out of reach whoever reads it, or too long.
pub(crate) fn survey(utterance: &Utterance, catalog: &Catalog) -> Result<Survey, Translation> {
    if utterance.text.len() > MAX_BYTES {
        return Err(super::reply::refuse(
            RefusalCode::NotUnderstood,
            "the text is too long for a sentence",
        ));
    }
    let now = when::zoned(utterance.now, &utterance.timezone).ok_or_else(|| {
        super::reply::clarify(
            "timezone",
            format!("`{}` is no time zone. Which one is it?", utterance.timezone),
        )
    })?;
    let index = NameIndex::new(catalog);
    let input = Input::new(&utterance.text, &GRAMMAR, &index);
    if input.len() == 0 {
        return Err(super::reply::refuse(
            RefusalCode::NotUnderstood,
            "nothing was said",
        ));
    }
    if input.len() > MAX_TOKENS {
        return Err(super::reply::refuse(
            RefusalCode::NotUnderstood,
            "the text is too long for a sentence",
        ));
    }
    if let Some((code, message)) = scope::reason(&input) {
        return Err(super::reply::refuse(code, message));
    }
    Ok(facts(&input, utterance, catalog, now))
}

fn facts(input: &Input, utterance: &Utterance, catalog: &Catalog, now: Zoned) -> Survey {
    let mut chart = Chart::new(&GRAMMAR, input);
    let mut used = vec![false; input.len()];
    let mut whens = Vec::new();
    let mut at = 0;
    while at < input.len() {
        let longest = chart
            .read("when", at)
            .iter()
            .filter(|reading| reading.cost == 0)
            .filter_map(|reading| match &reading.sem {
                Sem::Item(item) => match &**item {
                    Item::When(when) if !is_brief(when) => Some((reading.end, when.clone())),
                    _ => None,
                },
                _ => None,
            })
            .max_by_key(|(end, _)| *end);
        match longest {
            Some((end, when)) if end > at => {
                whens.push(when);
                used.iter_mut().take(end).skip(at).for_each(|it| *it = true);
                at = end;
            }
            _ => at += 1,
        }
    }
    let mut quantiles = Vec::new();
    for at in 0..input.len() {
        for reading in chart.read("quant", at).iter() {
            if let Sem::Quantile(Quant::Percent(percent)) = &reading.sem {
                quantiles.push(*percent);
                used.iter_mut()
                    .take(reading.end)
                    .skip(at)
                    .for_each(|it| *it = true);
            }
        }
    }
    let mut quantities = Vec::new();
    let mut numbers = Vec::new();
    let mut at = 0;
    while at < input.len() {
        if used.get(at).copied().unwrap_or(false) || input.is_named(at) {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        for rule in ["rqty", "dur", "pct", "rate", "times", "podqty"] {
            for reading in chart.read(rule, at).iter() {
                if let Sem::Qty(qty) = &reading.sem {
                    quantities.push(qty.clone());
                }
            }
        }
        for reading in chart.read("num", at).iter() {
            if let Sem::Num(number) = &reading.sem {
                numbers.push(*number);
                end = end.max(reading.end);
            }
        }
        at = end;
    }
    for at in 0..input.len() {
        for reading in chart.read("nines", at).iter() {
            if let Sem::Qty(qty) = &reading.sem {
                quantities.push(qty.clone());
                // The count of nines is no number of its own.
                numbers.retain(|number| number.to_u32().is_none_or(|count| count > 6));
                numbers.push(qty.number);
            }
        }
    }
    let says = |words: &[&str]| {
        (0..input.len()).any(|at| {
            !input.is_named(at) && input.lower(at).is_some_and(|word| words.contains(&word))
        })
    };
    let mut factors = Vec::new();
    for (words, factor) in FACTORS {
        if says(words) {
            factors.push(*factor);
        }
    }
    let up = says(UP) || factors.iter().any(|factor| *factor > 1.0);
    let down = says(DOWN) || factors.iter().any(|factor| *factor < 1.0);
    let timed = says(TIME_WORDS)
        || (0..input.len()).any(|at| {
            input.token(at).is_some_and(|token| {
                matches!(
                    token.kind,
                    Kind::Clock(_) | Kind::Date(_) | Kind::DateTime(_) | Kind::Instant(_)
                )
            })
        });
    let (named, allowed) = targets(input, utterance, catalog, says(GROUP_WORDS));
    Survey {
        quantities,
        numbers,
        quantiles,
        factors,
        time_is_unclear: whens.len() > 1 || whens.is_empty() && timed,
        when: whens.into_iter().next(),
        named,
        allowed,
        containers: (0..input.len())
            .flat_map(|at| input.names_at(at))
            .filter_map(|edge| match &edge.name {
                CatalogName::Container(name) => Some(name.clone()),
                _ => None,
            })
            .collect(),
        says_all: says(GROUP_WORDS),
        is_negated: (0..input.len()).any(|at| {
            !input.is_named(at)
                && input
                    .lower(at)
                    .is_some_and(|word| NEGATIONS.contains(&word) || word.ends_with("n't"))
        }),
        only_up: up && !down,
        only_down: down && !up,
        now,
    }
}

/// `in 200 ms` is how fast, not when.
fn is_brief(when: &When) -> bool {
    const MINUTE: i64 = 60_000_000_000;
    let brief = |moment: &Option<Moment>| matches!(moment, Some(Moment::In(length)) if length.days == 0 && length.months == 0 && length.nanos < MINUTE);
    brief(&when.from)
        || when
            .length
            .is_some_and(|length| length.days == 0 && length.months == 0 && length.nanos < MINUTE)
}

const FACTORS: &[(&[&str], f64)] = &[
    (&["double", "twice", "doubled", "twofold"], 2.0),
    (&["triple", "thrice", "treble", "threefold"], 3.0),
    (&["quadruple"], 4.0),
    (&["half", "halve", "halves"], 0.5),
];

const UP: &[&str] = &[
    "more",
    "increase",
    "raise",
    "up",
    "grow",
    "boost",
    "add",
    "additional",
    "extra",
    "larger",
    "bigger",
    "expand",
    "bump",
];
const DOWN: &[&str] = &[
    "fewer", "less", "decrease", "reduce", "down", "shrink", "cut", "lower", "drop", "take",
    "smaller", "trim", "shed",
];
const GROUP_WORDS: &[&str] = &[
    "every",
    "all",
    "each",
    "everything",
    "both",
    "whole",
    "entire",
];
const TIME_WORDS: &[&str] = &[
    "until",
    "till",
    "til",
    "tomorrow",
    "today",
    "tonight",
    "weekend",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "week",
    "month",
    "year",
    "midnight",
    "noon",
    "morning",
    "evening",
    "afternoon",
    "night",
    "christmas",
    "easter",
    "holidays",
    "pm",
    "am",
    "o'clock",
    "hours",
    "hour",
    "days",
    "day",
    "later",
    "soon",
    "temporarily",
    "meanwhile",
];

fn targets(
    input: &Input,
    utterance: &Utterance,
    catalog: &Catalog,
    grouped: bool,
) -> (Vec<WorkloadRef>, Vec<WorkloadRef>) {
    let mut hits: Vec<Vec<WorkloadRef>> = Vec::new();
    let mut namespaces = Vec::new();
    for at in 0..input.len() {
        // The longest name that begins here, and none inside it.
        let longest = input.names_at(at).map(|edge| edge.end).max();
        let inside = (0..at).any(|before| {
            input
                .names_at(before)
                .any(|edge| edge.end > at && edge.end - before > longest.unwrap_or(at) - at)
        });
        if inside {
            continue;
        }
        for edge in input.names_at(at).filter(|edge| Some(edge.end) == longest) {
            if let CatalogName::Thing(hit) = &edge.name {
                hits.push(
                    hit.workloads
                        .iter()
                        .filter_map(|number| catalog.workloads.get(*number))
                        .map(ibn_core::catalog::CatalogWorkload::workload)
                        .collect(),
                );
                namespaces.extend(hit.namespace.clone());
            }
        }
    }
    let in_place = |workload: &WorkloadRef| {
        namespaces.contains(&workload.namespace)
            || utterance.namespace.as_deref() == Some(&workload.namespace)
    };
    let mut named = Vec::new();
    for hit in &hits {
        match hit.as_slice() {
            [one] => named.push(one.clone()),
            several => {
                let here: Vec<_> = several.iter().filter(|it| in_place(it)).collect();
                if let [one] = here.as_slice() {
                    named.push((*one).clone());
                }
            }
        }
    }
    let mut allowed = named.clone();
    for namespace in &namespaces {
        allowed.push(WorkloadRef::new(
            namespace,
            WorkloadKind::Namespace,
            namespace,
        ));
    }
    if grouped {
        let of_group = catalog
            .workloads
            .iter()
            .map(ibn_core::catalog::CatalogWorkload::workload)
            .filter(|workload| namespaces.is_empty() || namespaces.contains(&workload.namespace));
        allowed.extend(of_group);
    }
    (named, allowed)
}

impl Survey {
    /// Whether a number with a unit is literally said; a unit that the field implies need not be.
    pub(crate) fn says(&self, number: Decimal, unit: Unit) -> bool {
        let with_unit = self
            .quantities
            .iter()
            .any(|qty| qty.number == number && same_unit(qty.unit, unit));
        let is_implied =
            |unit: Unit| matches!(unit, Unit::None | Unit::Pods | Unit::Cores | Unit::Cpu);
        let implied = is_implied(unit)
            && self.numbers.contains(&number)
            && !self
                .quantities
                .iter()
                .any(|qty| qty.number == number && !is_implied(qty.unit));
        with_unit || implied
    }

    /// Whether a factor is said, by a word or a number.
    pub(crate) fn says_factor(&self, factor: f64) -> bool {
        self.factors.contains(&factor)
            || self
                .quantities
                .iter()
                .any(|qty| qty.unit == Unit::Times && qty.number.to_f64() == factor)
    }
}

fn same_unit(said: Unit, read: Unit) -> bool {
    match (said, read) {
        (Unit::Memory { suffix: a, .. }, Unit::Memory { suffix: b, .. }) => a == b,
        (Unit::BareM, Unit::Millicores) | (Unit::Millicores, Unit::BareM) => true,
        (Unit::BareM, Unit::Time(60_000_000_000)) => true,
        (a, b) => a == b,
    }
}

/// Reads one amount such as `512Mi` or `50%`, all of it; `None` where it is none.
pub(crate) fn amount(text: &str) -> Option<Qty> {
    if text.len() > 64 {
        return None;
    }
    let index = NameIndex::new(&Catalog::default());
    let input = Input::new(text, &GRAMMAR, &index);
    let mut chart = Chart::new(&GRAMMAR, &input);
    for rule in ["rqty", "dur", "pct", "rate", "times", "podqty"] {
        for reading in chart.read(rule, 0).iter() {
            if let Sem::Qty(qty) = &reading.sem
                && reading.end == input.len()
            {
                return Some(qty.clone());
            }
        }
    }
    let found = chart.read("num", 0);
    found.iter().find_map(|reading| match &reading.sem {
        Sem::Num(number) if reading.end == input.len() => Some(rules::bare(*number)),
        _ => None,
    })
}
