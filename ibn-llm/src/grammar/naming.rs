//! Names for intents: readable, stable, valid as DNS labels, derived from what they say.
//!
//! An intent of a name that is there takes its place, so a name tells the very fields and sides that are spoken of: only the same
//! thing said again replaces, and everything else stands beside it.

use ibn_core::intent::{
    Bound, Constraints, Directive, Expectation, IndicatorName, Intent, Mode, Objective,
    QuotaAmounts, Range, ResourceAmounts, ResourcesDirective, Validity,
};
use ibn_core::workload::WorkloadKind;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The longest DNS label.
const MAX_LENGTH: usize = 63;

/// The name of an intent, from its target and what it says: `web-replicas`, `checkout-latency-p95`, `web-min-pods`.
///
/// One that holds for a time says for which, and so never takes the place of one that stands: `web-replicas-until-20261224-1800`.
pub(crate) fn name(intent: &Intent) -> String {
    let spec = &intent.spec;
    let mut parts = Vec::new();
    let mut add = |part: String| {
        if !parts.contains(&part) {
            parts.push(part);
        }
    };
    for expectation in &spec.expectations {
        match expectation {
            Expectation::Objective(it) => add(objective(it)),
            Expectation::Directive(Directive::Replicas(_)) => add("replicas".to_owned()),
            Expectation::Directive(Directive::Autoscale(_)) => add("autoscale".to_owned()),
            Expectation::Directive(Directive::Quota(it)) => {
                quota(it).into_iter().for_each(&mut add)
            }
            Expectation::Directive(Directive::Resources(it)) => add(resources(it)),
        }
    }
    constraints(&spec.constraints)
        .into_iter()
        .for_each(&mut add);
    let mode = spec.mode.map(|mode| match mode {
        Mode::Enforce => "resume",
        Mode::Advise => "advise",
        Mode::Suspended => "suspend",
    });
    if parts.is_empty() {
        let rest = [
            spec.preference.map(|_| "preference"),
            spec.priority.map(|_| "priority"),
            mode,
        ];
        parts.extend(rest.into_iter().flatten().map(str::to_owned));
    } else if spec.mode() != Mode::Enforce {
        // What is only to be told must not end what is done.
        parts.extend(mode.map(str::to_owned));
    }
    let target = match spec.target.kind {
        WorkloadKind::Deployment => spec.target.name.clone(),
        // Namesakes of another kind have intents of their own.
        kind => format!("{}-{}", kind.as_str().to_lowercase(), spec.target.name),
    };
    let when = spec.validity.map(validity).unwrap_or_default();
    label(&format!("{target}-{}{when}", parts.join("-")))
}

/// The indicator, and its side where that is not the usual one.
fn objective(objective: &Objective) -> String {
    let what = match &objective.indicator {
        IndicatorName::Latency => format!("latency-{}", objective.quantile().short_name()),
        other => other.as_str().to_owned(),
    };
    let more_is_better = matches!(
        objective.indicator,
        IndicatorName::Availability | IndicatorName::Throughput
    );
    match (&objective.bound, more_is_better) {
        (Bound::AtMost(_), false) | (Bound::AtLeast(_), true) => what,
        (Bound::AtMost(_), true) => format!("max-{what}"),
        (Bound::AtLeast(_), false) => format!("min-{what}"),
    }
}

fn resources(directive: &ResourcesDirective) -> String {
    let ResourceAmounts {
        cpu: cpu_request,
        memory: memory_request,
    } = &directive.requests;
    let ResourceAmounts {
        cpu: cpu_limit,
        memory: memory_limit,
    } = &directive.limits;
    let one = |what: &str, request: bool, limit: bool| match (request, limit) {
        (true, true) => Some(what.to_owned()),
        (true, false) => Some(format!("{what}-request")),
        (false, true) => Some(format!("{what}-limit")),
        (false, false) => None,
    };
    let cpu = one("cpu", cpu_request.is_some(), cpu_limit.is_some());
    let memory = one("memory", memory_request.is_some(), memory_limit.is_some());
    let what = match (cpu.as_deref(), memory.as_deref()) {
        (Some("cpu"), Some("memory")) => "resources".to_owned(),
        _ => cpu.into_iter().chain(memory).collect::<Vec<_>>().join("-"),
    };
    // Behind the field, so that no workload `web-app` has the names of container `app` of workload `web`.
    match &directive.container {
        Some(container) => format!("{what}-of-{container}"),
        None => what,
    }
}

fn quota(quota: &QuotaAmounts) -> Vec<String> {
    let parts = [
        quota.cpu.map(|_| "quota-cpu"),
        quota.memory.map(|_| "quota-memory"),
        quota.pods.map(|_| "quota-pods"),
    ];
    parts.into_iter().flatten().map(str::to_owned).collect()
}

fn constraints(constraints: &Constraints) -> Vec<String> {
    let Constraints {
        replicas,
        cpu,
        memory,
        budget,
    } = constraints;
    let parts = [
        range("pods", replicas),
        range("pod-cpu", cpu),
        range("pod-memory", memory),
        budget.cpu.map(|_| "budget-cpu".to_owned()),
        budget.memory.map(|_| "budget-memory".to_owned()),
    ];
    parts.into_iter().flatten().collect()
}

fn range<T>(what: &str, range: &Range<T>) -> Option<String> {
    match (&range.min, &range.max) {
        (None, None) => None,
        (Some(_), None) => Some(format!("min-{what}")),
        (None, Some(_)) => Some(format!("max-{what}")),
        (Some(_), Some(_)) => Some(format!("min-max-{what}")),
    }
}

/// When it holds, to the minute and in UTC.
fn validity(validity: Validity) -> String {
    let minute = |word: &str, instant: Timestamp| {
        let at = instant.to_zoned(TimeZone::UTC).datetime();
        format!(
            "-{word}-{:04}{:02}{:02}-{:02}{:02}",
            at.year(),
            at.month(),
            at.day(),
            at.hour(),
            at.minute()
        )
    };
    let from = validity.from.map(|from| minute("from", from));
    let until = validity.until.map(|until| minute("until", until));
    from.into_iter().chain(until).collect()
}

/// Makes a DNS label of a text: lower case, hyphens for what isn't allowed, a hash for what is too long.
pub(crate) fn label(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            'A'..='Z' => {
                // `errorRate` becomes `error-rate`.
                if out.ends_with(|c: char| c.is_ascii_lowercase()) {
                    out.push('-');
                }
                out.push(c.to_ascii_lowercase());
            }
            _ if !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    let out = out.trim_matches('-');
    if out.len() <= MAX_LENGTH && !out.is_empty() {
        return out.to_owned();
    }
    let hash = format!("{:08x}", fnv(text.as_bytes()) as u32);
    let head = out.get(..MAX_LENGTH - 9).unwrap_or(out);
    format!("{}-{hash}", head.trim_end_matches('-'))
        .trim_start_matches('-')
        .to_owned()
}

/// FNV-1a, 64 bit: stable over versions and machines.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_valid_and_stable() {
        assert_eq!(label("checkout-latency-p99.9"), "checkout-latency-p99-9");
        assert_eq!(label("web-errorRate"), "web-error-rate");
        let long = label(&format!("{}-replicas", "a".repeat(80)));
        assert_eq!(long.len(), 63);
        assert_eq!(long, label(&format!("{}-replicas", "a".repeat(80))));
        assert_ne!(long, label(&format!("{}-min-pods", "a".repeat(80))));
    }
}
