//! Names for intents: readable, stable, valid as DNS labels, derived from what they say.

use ibn_core::intent::{
    Directive, Expectation, IndicatorName, Intent, Mode, ResourceAmounts, ResourcesDirective,
};

/// The longest DNS label.
const MAX_LENGTH: usize = 63;

/// The name of an intent, from its target and what it says: `web-replicas`, `checkout-latency-p95`.
pub(crate) fn name(intent: &Intent) -> String {
    let spec = &intent.spec;
    let mut parts = Vec::new();
    for expectation in &spec.expectations {
        let part = match expectation {
            Expectation::Objective(objective) => match &objective.indicator {
                IndicatorName::Latency => {
                    format!("latency-{}", objective.quantile().short_name())
                }
                other => other.as_str().to_owned(),
            },
            Expectation::Directive(Directive::Replicas(_)) => "replicas".to_owned(),
            Expectation::Directive(Directive::Autoscale(_)) => "autoscale".to_owned(),
            Expectation::Directive(Directive::Quota(_)) => "quota".to_owned(),
            Expectation::Directive(Directive::Resources(directive)) => resources(directive),
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if !spec.constraints.is_empty() {
        parts.push("bounds".to_owned());
    }
    if parts.is_empty() {
        let rest = [
            spec.preference.map(|_| "preference"),
            spec.priority.map(|_| "priority"),
            spec.mode.map(|mode| match mode {
                Mode::Enforce => "resume",
                Mode::Advise => "advise",
                Mode::Suspended => "suspend",
            }),
        ];
        parts.extend(rest.into_iter().flatten().map(str::to_owned));
    }
    label(&format!("{}-{}", spec.target.name, parts.join("-")))
}

fn resources(directive: &ResourcesDirective) -> String {
    let has =
        |pick: fn(&ResourceAmounts) -> bool| pick(&directive.requests) || pick(&directive.limits);
    let what = match (has(|it| it.cpu.is_some()), has(|it| it.memory.is_some())) {
        (true, false) => "cpu",
        (false, true) => "memory",
        _ => "resources",
    };
    match &directive.container {
        Some(container) => format!("{container}-{what}"),
        None => what.to_owned(),
    }
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
        assert_ne!(long, label(&format!("{}-bounds", "a".repeat(80))));
    }
}
