//! Intents and queries in a person's words, for questions that offer several readings.

use std::fmt::Display;

use ibn_core::intent::{
    Amount, Bound, Constraints, Directive, Expectation, Intent, Mode, Objective, OnEnd, Preference,
    QuotaAmounts, Range, ResourceAmounts, ResourcesDirective,
};
use ibn_core::translation::{QueryKind, Translation};
use ibn_core::units::{Magnitude, format_duration};

/// Whether two readings ask for the same; notes, names and the order of what is asked for don't count.
pub(crate) fn is_same(one: &Translation, other: &Translation) -> bool {
    match (one, other) {
        (Translation::Intent(one), Translation::Intent(other)) => {
            are_same(&one.intents, &other.intents)
        }
        (Translation::Query(one), Translation::Query(other)) => {
            one.about == other.about
                && one.target == other.target
                && are_same(&one.intents, &other.intents)
        }
        (one, other) => one == other,
    }
}

fn are_same(one: &[Intent], other: &[Intent]) -> bool {
    let is_same = |a: &Intent, b: &Intent| {
        let (mut first, mut second) = (a.spec.clone(), b.spec.clone());
        let (some, others) = (
            std::mem::take(&mut first.expectations),
            std::mem::take(&mut second.expectations),
        );
        a.workload() == b.workload()
            && first == second
            && some.len() == others.len()
            && some.iter().all(|it| others.contains(it))
    };
    one.len() == other.len()
        && one
            .iter()
            .all(|it| other.iter().any(|other| is_same(it, other)))
}

/// Readings as a question offers them.
pub(crate) fn told_apart(readings: &[&Translation]) -> Vec<String> {
    let mut offered: Vec<String> = Vec::new();
    for words in readings.iter().map(|it| in_words(it)) {
        if !offered.contains(&words) {
            offered.push(words);
        }
    }
    offered
}

/// An intent or a query in one line.
pub(crate) fn in_words(translation: &Translation) -> String {
    match translation {
        Translation::Intent(reading) => all(&reading.intents),
        Translation::Query(query) => {
            let target = query
                .target
                .as_ref()
                .map_or("everything".to_owned(), ToString::to_string);
            match query.about {
                QueryKind::WhatIf if query.intents.is_empty() => {
                    format!("what would happen with {target}")
                }
                QueryKind::WhatIf => format!("what would happen with {}", all(&query.intents)),
                QueryKind::Explain => format!("why {target} is as it is"),
                _ => format!("how {target} is doing"),
            }
        }
        Translation::Clarify(clarification) => clarification.question.clone(),
        Translation::Refuse(refusal) => refusal.message.clone(),
    }
}

fn all(intents: &[Intent]) -> String {
    intents.iter().map(intent).collect::<Vec<_>>().join("; ")
}

/// The workload and what is wanted of it.
fn intent(intent: &Intent) -> String {
    let spec = &intent.spec;
    let mut parts: Vec<String> = spec.expectations.iter().map(expectation).collect();
    parts.extend(constraints(&spec.constraints));
    parts.extend(spec.preference.map(|preference| {
        match preference {
            Preference::Cost => "as cheap as possible",
            Preference::Performance => "as fast as possible",
            Preference::Balanced => "cost and performance in balance",
        }
        .to_owned()
    }));
    parts.extend(spec.priority.map(|priority| format!("priority {priority}")));
    parts.extend(spec.mode.map(|mode| {
        match mode {
            Mode::Enforce => "managed",
            Mode::Advise => "only advice, nothing done",
            Mode::Suspended => "left alone",
        }
        .to_owned()
    }));
    if let Some(validity) = spec.validity {
        parts.extend(validity.from.map(|from| format!("from {from}")));
        parts.extend(validity.until.map(|until| format!("until {until}")));
    }
    parts.extend(spec.on_end.map(|on_end| {
        match on_end {
            OnEnd::Restore => "put back at the end",
            OnEnd::Keep => "kept at the end",
        }
        .to_owned()
    }));
    format!("{}: {}", intent.workload(), parts.join(", "))
}

fn expectation(expectation: &Expectation) -> String {
    match expectation {
        Expectation::Objective(objective) => promise(objective),
        Expectation::Directive(Directive::Replicas(pods)) => change("the number of pods", *pods),
        Expectation::Directive(Directive::Resources(directive)) => resources(directive),
        Expectation::Directive(Directive::Autoscale(auto)) => {
            let (min, max) = (auto.min_replicas(), auto.max);
            let cpu = auto
                .cpu_utilization
                .map_or(String::new(), |cpu| format!(" at {cpu} % CPU"));
            format!("an autoscaler from {min} to {max} pods{cpu}")
        }
        Expectation::Directive(Directive::Quota(QuotaAmounts { cpu, memory, pods })) => {
            let parts: Vec<String> = [
                cpu.map(|cpu| format!("{cpu} CPU")),
                memory.map(|memory| format!("{memory} memory")),
                pods.map(|pods| format!("{pods} pods")),
            ]
            .into_iter()
            .flatten()
            .collect();
            format!("a quota of {}", parts.join(", "))
        }
    }
}

fn promise(objective: &Objective) -> String {
    let quantile = objective
        .quantile
        .map_or(String::new(), |it| format!(" ({it})"));
    let bound = match &objective.bound {
        Bound::AtMost(value) => format!("at most {value}"),
        Bound::AtLeast(value) => format!("at least {value}"),
    };
    let window = objective
        .window
        .map_or(String::new(), |it| format!(" over {}", format_duration(it)));
    format!("{}{quantile} {bound}{window}", objective.indicator)
}

fn resources(directive: &ResourcesDirective) -> String {
    let of = directive
        .container
        .as_ref()
        .map_or(String::new(), |it| format!(" of container {it}"));
    let mut parts = Vec::new();
    for (side, amounts) in [
        ("request", &directive.requests),
        ("limit", &directive.limits),
    ] {
        let ResourceAmounts { cpu, memory } = amounts;
        parts.extend(cpu.map(|cpu| change(&format!("the CPU {side}{of}"), cpu)));
        parts.extend(memory.map(|memory| change(&format!("the memory {side}{of}"), memory)));
    }
    parts.join(", ")
}

fn change<T: Magnitude>(what: &str, amount: Amount<T>) -> String {
    match amount {
        Amount::To(value) => format!("{what} to {value}"),
        Amount::Add(delta) => format!("{what} changed by {delta}"),
        Amount::Scale(factor) => format!("{what} times {factor}"),
    }
}

fn constraints(constraints: &Constraints) -> Vec<String> {
    let mut parts = Vec::new();
    bounds(&mut parts, constraints.replicas, "pods");
    bounds(&mut parts, constraints.cpu, "CPU a pod");
    bounds(&mut parts, constraints.memory, "memory a pod");
    let budget = constraints.budget;
    let together =
        |most: &dyn Display, what| format!("at most {most} {what} for all pods together");
    parts.extend(budget.cpu.map(|most| together(&most, "CPU")));
    parts.extend(budget.memory.map(|most| together(&most, "memory")));
    parts
}

fn bounds<T: Display>(parts: &mut Vec<String>, range: Range<T>, what: &str) {
    parts.extend(range.min.map(|min| format!("at least {min} {what}")));
    parts.extend(range.max.map(|max| format!("at most {max} {what}")));
}
