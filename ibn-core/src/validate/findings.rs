//! A list of findings with a path to begin them at.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::diagnostic::{Code, Diagnostic};
use crate::read::path::join;
use crate::read::quote;
use crate::units::format_duration;

/// What rules found, in the order in which they looked.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Findings {
    pub(super) fn error(
        &mut self,
        code: Code,
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.diagnostics
            .push(Diagnostic::error(code, path, message, help));
    }

    /// A minimum above its maximum, at the minimum.
    pub(super) fn ordered<T: PartialOrd + std::fmt::Display>(
        &mut self,
        path: &str,
        min: Option<T>,
        max: Option<T>,
    ) {
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            self.error(
                Code::MinAboveMax,
                join(path, "min"),
                format!("the minimum `{min}` is above the maximum `{max}`"),
                format!("a minimum of at most `{max}`, or a greater maximum"),
            );
        }
    }

    pub(super) fn duration_in(
        &mut self,
        path: &str,
        value: Duration,
        range: RangeInclusive<Duration>,
    ) {
        if !range.contains(&value) {
            self.error(
                Code::OutOfRange,
                path,
                format!("`{}` is out of range", format_duration(value)),
                format!(
                    "a duration from `{}` to `{}`",
                    format_duration(*range.start()),
                    format_duration(*range.end())
                ),
            );
        }
    }

    /// A name that has to be a DNS label (as of a namespace or container).
    pub(crate) fn label(&mut self, path: &str, name: &str) {
        if !is_dns_label(name) {
            self.error(
                Code::InvalidName,
                path,
                format!("{} is no DNS label", quote(name)),
                "1 to 63 lower-case letters, digits and `-`, with a letter or digit at both ends",
            );
        }
    }

    /// A name that has to be a DNS subdomain (as of most objects).
    pub(crate) fn subdomain(&mut self, path: &str, name: &str) {
        if !is_dns_subdomain(name) {
            self.error(
                Code::InvalidName,
                path,
                format!("{} is no name of a Kubernetes object", quote(name)),
                "1 to 253 lower-case letters, digits, `-` and `.`, with a letter or digit at both ends of each part",
            );
        }
    }
}

/// Whether `name` is a DNS label (RFC 1123).
pub(super) fn is_dns_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Whether `name` is a DNS subdomain (RFC 1123) as Kubernetes checks it: parts between dots, whose length is not bounded.
pub(super) fn is_dns_subdomain(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kubernetes() {
        for name in ["a", "web", "web-1", "1web", "a--b"] {
            assert!(is_dns_label(name) && is_dns_subdomain(name), "{name}");
        }
        for name in ["", "-a", "a-", "Web", "a_b", "a b", "é", "a/b"] {
            assert!(!is_dns_label(name) && !is_dns_subdomain(name), "{name}");
        }
        assert!(is_dns_subdomain("a.b-c.d") && !is_dns_label("a.b"));
        assert!(!is_dns_subdomain("a..b") && !is_dns_subdomain(".a"));
        assert!(is_dns_label(&"a".repeat(63)) && !is_dns_label(&"a".repeat(64)));
        assert!(is_dns_subdomain(&"a".repeat(253)) && !is_dns_subdomain(&"a".repeat(254)));
    }
}
