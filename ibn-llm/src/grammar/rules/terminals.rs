//! What is read by code: numbers, units whose letters count, names of the catalog, and words that nothing knows.

use crate::grammar::decimal::Decimal;
use crate::grammar::engine::Builder;
use crate::grammar::input::{CatalogName, Input, UNKNOWN};
use crate::grammar::lex::Kind;
use crate::grammar::sem::{
    ClockWord, ContainerPick, Day, Metric, Moment, NameHit, Pick, Place, Quant, Sem, Target, Unit,
};
use crate::grammar::vocabulary::NEGATIONS;

pub(super) fn add(g: &mut Builder) {
    g.builtin("num", number);
    g.builtin("digits", digits);
    g.builtin("name", thing);
    g.builtin("nsname", namespace);
    g.builtin("nsonly", only_namespace);
    g.builtin("wlname", only_workload);
    g.builtin("placed", placed);
    g.builtin("plural", plural);
    g.builtin("cname", container);
    g.builtin("indicator", indicator);
    g.builtin("unknown", unknown);
    g.builtin("unknown1", unknown_word);
    g.builtin("cpuunit", cpu_unit);
    g.builtin("memunit", memory_unit);
    g.builtin("barem", bare_m);
    g.builtin("timeunit", time_unit);
    g.builtin("pword", p_word);
    g.builtin("clocktoken", clock_token);
    g.builtin("datetoken", date_token);
    g.builtin("instanttoken", instant_token);
}

type Found = Vec<(usize, u32, Sem)>;

fn one(end: usize, sem: Sem) -> Found {
    vec![(end, 0, sem)]
}

fn digits(input: &Input, at: usize) -> Found {
    match input.token(at).map(|token| &token.kind) {
        Some(Kind::Number(number)) => one(at + 1, Sem::Num(*number)),
        _ => Vec::new(),
    }
}

fn number(input: &Input, at: usize) -> Found {
    let found = digits(input, at);
    if !found.is_empty() {
        return found;
    }
    words(input, at)
        .into_iter()
        .map(|(end, number)| (end, 0, Sem::Num(number)))
        .collect()
}

const SMALL: &[(&str, i64)] = &[
    ("zero", 0),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("thirteen", 13),
    ("fourteen", 14),
    ("fifteen", 15),
    ("sixteen", 16),
    ("seventeen", 17),
    ("eighteen", 18),
    ("nineteen", 19),
];

const TENS: &[(&str, i64)] = &[
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
];

fn look_up(table: &[(&str, i64)], word: &str) -> Option<i64> {
    table
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, value)| *value)
}

/// Below a hundred, `twenty-five` and `twenty five` included.
fn below_hundred(input: &Input, at: usize) -> Option<(usize, i64)> {
    let word = input.lower(at)?;
    if let Some(value) = look_up(SMALL, word) {
        return Some((at + 1, value));
    }
    if let Some((tens, ones)) = word.split_once('-') {
        let tens = look_up(TENS, tens)?;
        let ones = look_up(SMALL, ones).filter(|ones| (1..10).contains(ones))?;
        return Some((at + 1, tens + ones));
    }
    let tens = look_up(TENS, word)?;
    let ones = input
        .lower(at + 1)
        .and_then(|word| look_up(SMALL, word))
        .filter(|ones| (1..10).contains(ones));
    Some(match ones {
        Some(ones) => (at + 2, tens + ones),
        None => (at + 1, tens),
    })
}

/// The readings of a number in words, longest last.
fn words(input: &Input, at: usize) -> Vec<(usize, Decimal)> {
    let mut found = Vec::new();
    let article = matches!(input.lower(at), Some("a"));
    let (mut end, mut value) = match below_hundred(input, at) {
        Some((end, value)) => (end, value),
        None if article
            && matches!(
                input.lower(at + 1),
                Some("hundred" | "thousand" | "dozen" | "million")
            ) =>
        {
            (at + 1, 1)
        }
        None if matches!(input.lower(at), Some("half"))
            && matches!(input.lower(at + 1), Some("a"))
            && matches!(input.lower(at + 2), Some("dozen")) =>
        {
            return vec![(at + 3, Decimal::whole(6))];
        }
        None if input.lower(at) == Some("dozen") => return vec![(at + 1, Decimal::whole(12))],
        None => return found,
    };
    let mut total = 0;
    loop {
        match input.lower(end) {
            Some("dozen") => {
                value *= 12;
                end += 1;
            }
            Some("hundred") if value < 100 => {
                value *= 100;
                end += 1;
                let and = usize::from(input.lower(end) == Some("and"));
                if let Some((after, rest)) = below_hundred(input, end + and) {
                    if and == 1 {
                        found.push((end, Decimal::whole(total + value)));
                    }
                    value += rest;
                    end = after;
                }
                continue;
            }
            Some("thousand") if value < 1000 && total == 0 => {
                total = value * 1000;
                value = 0;
                end += 1;
                if let Some((after, rest)) = below_hundred(input, end) {
                    value = rest;
                    end = after;
                }
                continue;
            }
            Some("million") if value < 1000 && total == 0 => {
                total = value * 1_000_000;
                value = 0;
                end += 1;
            }
            _ => {}
        }
        break;
    }
    let whole = Decimal::whole(total + value);
    // `one and a half`, `two and a half`
    if input.lower(end) == Some("and")
        && input.lower(end + 1) == Some("a")
        && input.lower(end + 2) == Some("half")
        && let Some(number) = whole.plus(Decimal::new(5, 1))
    {
        found.push((end + 3, number));
    }
    // `nine point five`
    if input.lower(end) == Some("point")
        && let Some((after, fraction)) = below_hundred(input, end + 1)
        && fraction < 10
        && let Some(number) = whole.plus(Decimal::new(fraction, 1))
    {
        return vec![(after, number)];
    }
    found.push((end, whole));
    found
}

fn thing(input: &Input, at: usize) -> Found {
    input
        .names_at(at)
        .filter_map(|edge| match &edge.name {
            CatalogName::Thing(hit) => Some((edge.end, 0, Sem::Name(hit.clone()))),
            _ => None,
        })
        .collect()
}

fn namespace(input: &Input, at: usize) -> Found {
    input
        .names_at(at)
        .filter_map(|edge| match &edge.name {
            CatalogName::Thing(hit) if hit.namespace.is_some() => {
                Some((edge.end, 0, Sem::Name(hit.clone())))
            }
            _ => None,
        })
        .collect()
}

/// What a name alone stands for, where no rule could take it for a word of its own.
fn names(input: &Input, at: usize) -> impl Iterator<Item = (usize, &NameHit)> {
    input.names_at(at).filter_map(move |edge| {
        let is_word = (at..edge.end).all(|token| input.is_known(token));
        match &edge.name {
            CatalogName::Thing(hit) if !is_word => Some((edge.end, hit)),
            _ => None,
        }
    })
}

fn is_only_namespace(hit: &NameHit) -> bool {
    hit.namespace.is_some() && hit.workloads.is_empty()
}

fn is_only_workload(hit: &NameHit) -> bool {
    hit.namespace.is_none() && !hit.workloads.is_empty()
}

/// A namespace whose name no workload has.
fn only_namespace(input: &Input, at: usize) -> Found {
    names(input, at)
        .filter(|(_, hit)| is_only_namespace(hit))
        .map(|(end, hit)| (end, 0, Sem::Name(hit.clone())))
        .collect()
}

/// A workload whose name no namespace has.
fn only_workload(input: &Input, at: usize) -> Found {
    names(input, at)
        .filter(|(_, hit)| is_only_workload(hit))
        .map(|(end, hit)| (end, 0, Sem::Name(hit.clone())))
        .collect()
}

/// `acme web`: a namespace and a workload side by side, both of them nothing else, and no name made of both.
fn placed(input: &Input, at: usize) -> Found {
    let mut found = Vec::new();
    for (middle, namespace) in names(input, at).filter(|(_, hit)| is_only_namespace(hit)) {
        if input.is_named_across(middle) {
            continue;
        }
        for (end, hit) in names(input, middle).filter(|(_, hit)| is_only_workload(hit)) {
            let pick = Pick::Named {
                hit: hit.clone(),
                kind: None,
                namespace: namespace.namespace.clone().map(Place::Loose),
            };
            found.push((end, 0, Sem::Target(Target::one(pick))));
        }
    }
    found
}

/// `workers`, of a workload `worker`.
fn plural(input: &Input, at: usize) -> Found {
    input
        .plural_at(at)
        .map(|hit| (at + 1, 0, Sem::Name(hit.clone())))
        .into_iter()
        .collect()
}

fn container(input: &Input, at: usize) -> Found {
    input
        .names_at(at)
        .filter_map(|edge| match &edge.name {
            CatalogName::Container(name) => Some((
                edge.end,
                0,
                Sem::Container(ContainerPick::Named(name.clone())),
            )),
            _ => None,
        })
        .collect()
}

fn indicator(input: &Input, at: usize) -> Found {
    input
        .names_at(at)
        .filter_map(|edge| match &edge.name {
            CatalogName::Indicator(name) => Some((
                edge.end,
                0,
                Sem::Metric(Metric {
                    name: name.clone(),
                    quantile: None,
                }),
            )),
            _ => None,
        })
        .collect()
}

/// A word in the place of a name that neither the catalog nor the grammar knows.
fn unknown_word(input: &Input, at: usize) -> Found {
    if could_be_name(input, at) || input.near_at(at).any(|end| end == at + 1) {
        let text = input.span(at, at + 1).to_owned();
        return vec![(at + 1, UNKNOWN, Sem::Text(text))];
    }
    Vec::new()
}

/// One to three such words.
fn unknown(input: &Input, at: usize) -> Found {
    let mut found = Vec::new();
    for length in 1..=3 {
        if !could_be_name(input, at + length - 1) {
            break;
        }
        let text = input.span(at, at + length).to_owned();
        let cost = UNKNOWN + 5 * (length as u32 - 1);
        found.push((at + length, cost, Sem::Text(text)));
    }
    for end in input.near_at(at) {
        let text = input.span(at, end).to_owned();
        found.push((end, UNKNOWN, Sem::Text(text)));
    }
    found
}

fn could_be_name(input: &Input, at: usize) -> bool {
    input.token(at).is_some_and(|token| {
        token.kind == Kind::Word
            && !input.is_known(at)
            && !input.is_named(at)
            && !NEGATIONS.contains(&token.lower.as_str())
            && below_hundred(input, at).is_none()
    })
}

fn cpu_unit(input: &Input, at: usize) -> Found {
    let unit = match input.lower(at) {
        Some("core" | "cores" | "vcpu" | "vcpus" | "vcore" | "vcores") => Unit::Cores,
        Some("millicore" | "millicores" | "millicpu" | "millicpus" | "mcpu" | "mcores") => {
            Unit::Millicores
        }
        Some("cpus") => Unit::Cores,
        Some("cpu") => Unit::Cpu,
        _ => return Vec::new(),
    };
    one(at + 1, Sem::Qty(unit_only(unit)))
}

fn unit_only(unit: Unit) -> crate::grammar::sem::Qty {
    crate::grammar::sem::Qty {
        number: Decimal::whole(1),
        unit,
        of: None,
    }
}

fn memory_unit(input: &Input, at: usize) -> Found {
    let Some(token) = input.token(at) else {
        return Vec::new();
    };
    let (suffix, loose) = match token.raw.as_str() {
        "M" => ("M", false),
        "G" => ("G", false),
        "T" => ("T", false),
        "K" | "k" => ("k", false),
        _ => match token.lower.as_str() {
            "ki" | "kib" | "kibibyte" | "kibibytes" => ("Ki", false),
            "mi" | "mib" | "mebibyte" | "mebibytes" => ("Mi", false),
            "gi" | "gib" | "gibibyte" | "gibibytes" => ("Gi", false),
            "ti" | "tib" | "tebibyte" | "tebibytes" => ("Ti", false),
            "kb" | "kilobyte" | "kilobytes" => ("k", true),
            "mb" | "meg" | "megs" | "megabyte" | "megabytes" => ("M", true),
            "gb" | "gig" | "gigs" | "gigabyte" | "gigabytes" => ("G", true),
            "tb" | "terabyte" | "terabytes" => ("T", true),
            "byte" | "bytes" => ("", false),
            _ => return Vec::new(),
        },
    };
    // `5 k` is no memory: a single letter only where it follows its number at once.
    if token.raw.len() == 1 && !token.glued && token.raw != "G" && token.raw != "M" {
        return Vec::new();
    }
    one(at + 1, Sem::Qty(unit_only(Unit::Memory { suffix, loose })))
}

fn bare_m(input: &Input, at: usize) -> Found {
    match input.token(at) {
        Some(token) if token.raw == "m" => one(at + 1, Sem::Qty(unit_only(Unit::BareM))),
        _ => Vec::new(),
    }
}

fn time_unit(input: &Input, at: usize) -> Found {
    let nanos = match input.lower(at) {
        Some("ns" | "nanosecond" | "nanoseconds") => 1,
        Some("us" | "µs" | "μs" | "microsecond" | "microseconds") => 1_000,
        Some("ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds") => 1_000_000,
        Some("s" | "sec" | "secs" | "second" | "seconds") => 1_000_000_000,
        Some("min" | "mins" | "minute" | "minutes") => 60_000_000_000,
        Some("h" | "hr" | "hrs" | "hour" | "hours") => 3_600_000_000_000,
        Some("d" | "day" | "days") => 86_400_000_000_000,
        Some("w" | "week" | "weeks") => 604_800_000_000_000,
        _ => return Vec::new(),
    };
    one(at + 1, Sem::Qty(unit_only(Unit::Time(nanos))))
}

/// `p95`, `p99.9`, `p999`.
fn p_word(input: &Input, at: usize) -> Found {
    let Some(digits) = input
        .lower(at)
        .and_then(|word| word.strip_prefix('p'))
        .map(|rest| rest.trim_start_matches('-'))
    else {
        return Vec::new();
    };
    let percent = match digits {
        "999" => Some(Decimal::new(999, 1)),
        "9999" => Some(Decimal::new(9999, 2)),
        "995" => Some(Decimal::new(995, 1)),
        _ => Decimal::parse(digits),
    };
    match percent {
        Some(percent) => one(at + 1, Sem::Quantile(Quant::Percent(percent))),
        None => Vec::new(),
    }
}

fn clock_token(input: &Input, at: usize) -> Found {
    match input.token(at) {
        Some(token) => match token.kind {
            Kind::Clock(_) if token.raw == "24:00" => one(at + 1, Sem::Clock(ClockWord::Midnight)),
            Kind::Clock(time) => one(at + 1, Sem::Clock(ClockWord::At(time))),
            _ => Vec::new(),
        },
        None => Vec::new(),
    }
}

fn date_token(input: &Input, at: usize) -> Found {
    match input.token(at).map(|token| &token.kind) {
        Some(Kind::Date(date)) => one(at + 1, Sem::Day(Day::Date(*date))),
        _ => Vec::new(),
    }
}

fn instant_token(input: &Input, at: usize) -> Found {
    match input.token(at).map(|token| &token.kind) {
        Some(Kind::Instant(instant)) => one(at + 1, Sem::Moment(Moment::Instant(*instant))),
        Some(Kind::DateTime(local)) => one(at + 1, Sem::Moment(Moment::Local(*local))),
        _ => Vec::new(),
    }
}
