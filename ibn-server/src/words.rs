//! Intents in plain words.

use std::fmt::Display;

use ibn_core::allocation::ContainerResources;
use ibn_core::intent::{
    Amount, Autoscale, Bound, DEFAULT_WINDOW, Directive, Expectation, IndicatorName, IntentSpec,
    Mode, Objective, OnEnd, Preference, QuotaAmounts, Range, ResourceAmounts, ResourcesDirective,
    Setting,
};
use ibn_core::units::{Magnitude, format_duration, parse_duration};
use ibn_core::workload::WorkloadKind;

use crate::format;

/// What a spec says, one sentence for each thing.
pub fn sentences(spec: &IntentSpec) -> Vec<String> {
    let mut all: Vec<String> = spec.expectations.iter().map(expectation).collect();
    let constraints = &spec.constraints;
    all.extend(range("pods", &constraints.replicas));
    all.extend(range("CPU for each pod", &constraints.cpu));
    all.extend(range("memory for each pod", &constraints.memory));
    all.extend(
        constraints
            .budget
            .cpu
            .map(|cpu| format!("All pods together request at most {cpu} CPU.")),
    );
    all.extend(
        constraints
            .budget
            .memory
            .map(|memory| format!("All pods together request at most {memory} memory.")),
    );
    all.extend(spec.preference.map(|preference| {
        match preference {
            Preference::Cost => "Take the cheapest that meets it.",
            Preference::Performance => "Prefer head-room over price.",
            Preference::Balanced => "Balance head-room and price.",
        }
        .to_owned()
    }));
    all.extend(spec.mode.map(|mode| {
        match mode {
            Mode::Enforce => "Act on it.",
            Mode::Advise => "Only tell what would be done; change nothing.",
            Mode::Suspended => "Do nothing for it until it is resumed.",
        }
        .to_owned()
    }));
    all.extend(
        spec.priority
            .map(|priority| format!("Priority {priority} of 100.")),
    );
    if let Some(validity) = spec.validity {
        all.extend(match (validity.from, validity.until) {
            (Some(from), Some(until)) => Some(format!(
                "From {} until {} (UTC).",
                format::moment(from),
                format::moment(until)
            )),
            (Some(from), None) => Some(format!("From {} on (UTC).", format::moment(from))),
            (None, Some(until)) => Some(format!("Until {} (UTC).", format::moment(until))),
            (None, None) => None,
        });
    }
    all.extend(spec.on_end.map(|on_end| {
        match on_end {
            OnEnd::Restore => "When it ends, everything goes back to what it was.",
            OnEnd::Keep => "When it ends, everything stays as it is then.",
        }
        .to_owned()
    }));
    all
}

/// What a spec says in one line, for the middle of a sentence.
pub fn brief(spec: &IntentSpec) -> String {
    let clause = |sentence: &String| {
        let mut rest = sentence.trim_end_matches('.').chars();
        let first = rest.next().map(|first| first.to_ascii_lowercase());
        first.into_iter().chain(rest).collect()
    };
    let mut clauses: Vec<String> = sentences(spec).iter().map(clause).collect();
    // The expectations come first there, one for each.
    for (idx, objective) in spec.objectives() {
        if let Some(clause) = clauses.get_mut(idx) {
            *clause = short_objective(objective);
            if objective.window() != DEFAULT_WINDOW {
                clause.push_str(&format!(" over {}", format_duration(objective.window())));
            }
        }
    }
    if clauses.is_empty() {
        clauses.push("nothing".to_owned());
    }
    clauses.join("; ")
}

/// The target, as in `Deployment web in acme`.
pub fn target(namespace: &str, kind: WorkloadKind, name: &str) -> String {
    match kind {
        WorkloadKind::Namespace => format!("namespace {name}"),
        kind => format!("{kind} {name} in {namespace}"),
    }
}

/// One expectation as a sentence.
pub fn expectation(expectation: &Expectation) -> String {
    match expectation {
        Expectation::Objective(objective) => self::objective(objective),
        Expectation::Directive(Directive::Replicas(amount)) => match amount {
            Amount::To(pods) => format!("Run exactly {}.", pods_text(*pods)),
            Amount::Add(more) if *more < 0 => {
                format!("Run {} fewer.", pods_text(more.unsigned_abs()))
            }
            Amount::Add(more) => format!("Run {} more.", pods_text(more.unsigned_abs())),
            Amount::Scale(factor) => format!("Run {} times as many pods.", format::number(*factor)),
        },
        Expectation::Directive(Directive::Resources(resources)) => self::resources(resources),
        Expectation::Directive(Directive::Autoscale(autoscale)) => {
            format!("Keep an autoscaler: {}.", autoscaler(autoscale))
        }
        Expectation::Directive(Directive::Quota(quota)) => {
            format!("The namespace may use at most {}.", self::quota(quota))
        }
    }
}

/// An objective as a sentence.
pub fn objective(objective: &Objective) -> String {
    let value = objective.bound.value();
    let value = format::in_unit(value.number(), value.unit());
    let side = match objective.bound {
        Bound::AtMost(_) => "at most",
        Bound::AtLeast(_) => "at least",
    };
    let what = match &objective.indicator {
        IndicatorName::Latency => {
            format!("the {} response time", objective.quantile().short_name())
        }
        IndicatorName::ErrorRate => "the share of failed requests".to_owned(),
        IndicatorName::Availability => "the share of requests that succeed".to_owned(),
        IndicatorName::CpuUtilization => "CPU use, relative to requests,".to_owned(),
        IndicatorName::MemoryUtilization => "memory use, relative to requests,".to_owned(),
        IndicatorName::Throughput => "the requests served".to_owned(),
        IndicatorName::Cost => "the cores requested".to_owned(),
        IndicatorName::Custom(name) => format!("`{name}`"),
    };
    format!(
        "Keep {what} {side} {value}, over {}.",
        format_duration(objective.window())
    )
}

/// An objective in a few signs.
pub fn short_objective(objective: &Objective) -> String {
    let value = objective.bound.value();
    let value = format::in_unit(value.number(), value.unit());
    let side = match objective.bound {
        Bound::AtMost(_) => "≤",
        Bound::AtLeast(_) => "≥",
    };
    let what = match &objective.indicator {
        IndicatorName::Latency => objective.quantile().short_name(),
        IndicatorName::ErrorRate => "failed".to_owned(),
        IndicatorName::Availability => "succeed".to_owned(),
        IndicatorName::CpuUtilization => "CPU use".to_owned(),
        IndicatorName::MemoryUtilization => "memory use".to_owned(),
        IndicatorName::Throughput => "served".to_owned(),
        IndicatorName::Cost => "requested".to_owned(),
        IndicatorName::Custom(name) => name.clone(),
    };
    format!("{what} {side} {value}")
}

/// What was achieved of an objective, as the status has it: a duration as people write it.
pub fn achieved(text: &str) -> String {
    parse_duration(text).map_or_else(
        |_| text.to_owned(),
        |duration| format::seconds(duration.as_secs_f64()),
    )
}

fn resources(resources: &ResourcesDirective) -> String {
    let whose = match &resources.container {
        Some(container) => format!("Of container {container}"),
        None => "Of every container".to_owned(),
    };
    let mut parts = Vec::new();
    for (bound, amounts) in [
        ("request", &resources.requests),
        ("limit", &resources.limits),
    ] {
        let ResourceAmounts { cpu, memory } = amounts;
        parts.extend(
            cpu.as_ref()
                .map(|amount| format!("the CPU {bound} {}", changed(amount))),
        );
        parts.extend(
            memory
                .as_ref()
                .map(|amount| format!("the memory {bound} {}", changed(amount))),
        );
    }
    if parts.is_empty() {
        parts.push("nothing".to_owned());
    }
    format!("{whose}: {}.", parts.join(", "))
}

fn changed<T: Magnitude>(amount: &Amount<T>) -> String
where
    T::Delta: Display,
{
    match amount {
        Amount::To(value) => format!("to {value}"),
        Amount::Add(delta) => {
            let text = delta.to_string();
            match text.strip_prefix('-') {
                Some(less) => format!("less by {less}"),
                None => format!("more by {text}"),
            }
        }
        Amount::Scale(factor) => format!("times {}", format::number(*factor)),
    }
}

fn range<T: Display + PartialEq>(what: &str, range: &Range<T>) -> Option<String> {
    match (&range.min, &range.max) {
        (None, None) => None,
        (Some(min), Some(max)) if min == max => Some(format!("Always {min} {what}.")),
        (Some(min), Some(max)) => Some(format!("Between {min} and {max} {what}.")),
        (Some(min), None) => Some(format!("Never less than {min} {what}.")),
        (None, Some(max)) => Some(format!("Never more than {max} {what}.")),
    }
}

fn quota(quota: &QuotaAmounts) -> String {
    let mut parts = Vec::new();
    parts.extend(quota.cpu.map(|cpu| format!("{cpu} CPU")));
    parts.extend(quota.memory.map(|memory| format!("{memory} memory")));
    parts.extend(quota.pods.map(pods_text));
    parts.join(", ")
}

fn autoscaler(autoscale: &Autoscale) -> String {
    format!(
        "{} to {} pods at {} % CPU",
        autoscale.min_replicas(),
        autoscale.max,
        autoscale.cpu_utilization()
    )
}

/// A number of pods.
pub fn pods_text(count: u32) -> String {
    match count {
        1 => "1 pod".to_owned(),
        count => format!("{count} pods"),
    }
}

/// What a directive was resolved to.
pub fn setting(setting: &Setting) -> String {
    match setting {
        Setting::Replicas(pods) => pods_text(*pods),
        Setting::Containers(containers) => sizes(containers),
        Setting::Allocation {
            replicas,
            containers,
        } => format!("{}, {}", pods_text(*replicas), sizes(containers)),
        Setting::Autoscale(Some(autoscale)) => autoscaler(autoscale),
        Setting::Autoscale(None) => "no autoscaler".to_owned(),
        Setting::Quota(Some(limits)) => quota(&QuotaAmounts {
            cpu: limits.cpu,
            memory: limits.memory,
            pods: limits.pods,
        }),
        Setting::Quota(None) => "no quota".to_owned(),
    }
}

fn sizes(containers: &[ContainerResources]) -> String {
    containers
        .iter()
        .flat_map(|container| {
            [
                ("requests", &container.requests),
                ("limits", &container.limits),
            ]
            .into_iter()
            .flat_map(|(bound, resources)| {
                let cpu = resources
                    .cpu
                    .map(|cpu| format!("{}.{bound}.cpu {cpu}", container.name));
                let memory = resources
                    .memory
                    .map(|memory| format!("{}.{bound}.memory {memory}", container.name));
                cpu.into_iter().chain(memory)
            })
        })
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibn_core::read::{Format, read};

    #[track_caller]
    fn check(spec: &str, words: &[&str]) {
        let spec = format!("{{target: {{kind: Deployment, name: web}}, {spec}}}");
        let (spec, faults) = read::<IntentSpec>(&spec, Format::Yaml);
        assert_eq!(sentences(&spec.unwrap()), words, "{faults:?}");
    }

    #[test]
    fn a_spec_is_told_in_sentences() {
        check(
            "expectations: [{objective: {indicator: latency, atMost: 200ms}}], constraints: {replicas: {max: 12}}, preference: cost",
            &[
                "Keep the p95 response time at most 200 ms, over 5m.",
                "Never more than 12 pods.",
                "Take the cheapest that meets it.",
            ],
        );
        check(
            "expectations: [{directive: {replicas: {add: -2}}}, {directive: {resources: {requests: {cpu: {scale: 1.5}}}}}], \
             priority: 80, validity: {until: 2026-12-24T18:00:00Z}",
            &[
                "Run 2 pods fewer.",
                "Of every container: the CPU request times 1.5.",
                "Priority 80 of 100.",
                "Until Thu 24 Dec, 18:00:00 (UTC).",
            ],
        );
        check(
            "mode: Suspended",
            &["Do nothing for it until it is resumed."],
        );
    }

    #[track_caller]
    fn check_brief(spec: &str, words: &str) {
        let spec = format!("{{target: {{kind: Deployment, name: web}}, {spec}}}");
        let (spec, faults) = read::<IntentSpec>(&spec, Format::Yaml);
        assert_eq!(brief(&spec.unwrap()), words, "{faults:?}");
    }

    #[test]
    fn a_spec_is_told_in_one_line() {
        check_brief(
            "expectations: [{directive: {replicas: {to: 3}}}, {objective: {indicator: latency, atMost: 250ms}}], preference: cost",
            "run exactly 3 pods; p95 ≤ 250 ms; take the cheapest that meets it",
        );
        check_brief(
            "expectations: [{objective: {indicator: availability, atLeast: 99.9%, window: 1h}}]",
            "succeed ≥ 99.9 % over 1h",
        );
        check_brief("priority: 80", "priority 80 of 100");
    }
}
