//! Rules on indicators.

use std::collections::BTreeSet;

use super::Findings;
use super::intent::{header, metadata};
use super::objective::near_built_in;
use crate::diagnostic::{Code, Diagnostic};
use crate::indicator::{Indicator, IndicatorSpec};
use crate::intent::IndicatorName;
use crate::read::path::join;
use crate::read::{alternatives, quote};

/// The placeholders of a query that the system fills in.
const PLACEHOLDERS: [&str; 4] = ["namespace", "kind", "name", "window"];
/// The longest unit, in characters.
const UNIT_LENGTH: usize = 16;

/// Every rule that an indicator breaks by itself; whether its query is PromQL is checked where that is known.
///
/// Lines and columns are absent, as with [`super::validate_intent`].
#[must_use]
pub fn validate_indicator(indicator: &Indicator) -> Vec<Diagnostic> {
    let mut findings = Findings::default();
    header(
        "Indicator",
        &indicator.api_version,
        &indicator.kind,
        &mut findings,
    );
    metadata(&indicator.metadata, &mut findings);
    indicator_name(&indicator.metadata.name, &mut findings);
    indicator_spec(&indicator.spec, &mut findings);
    findings.diagnostics
}

pub(crate) fn indicator_name(name: &str, findings: &mut Findings) {
    if let Some(known) = near_built_in(name) {
        findings.error(
            Code::ReservedName,
            "metadata.name",
            format!(
                "{} is the built-in indicator `{known}`, or one letter from it",
                quote(name)
            ),
            format!(
                "another name than {}",
                alternatives(&IndicatorName::BUILT_IN.map(|name| name.to_string()))
            ),
        );
    }
}

/// Every rule on the spec.
pub(crate) fn indicator_spec(spec: &IndicatorSpec, findings: &mut Findings) {
    unit(&spec.unit, findings);
    for name in spec.parameters.keys() {
        let path = join("spec.parameters", name);
        if PLACEHOLDERS.contains(&name.as_str()) {
            findings.error(
                Code::ReservedName,
                path,
                format!("the placeholder {} is filled in by the system", quote(name)),
                format!("another name than {}", alternatives(&PLACEHOLDERS)),
            );
        } else if !is_placeholder(name) {
            findings.error(
                Code::InvalidName,
                path,
                format!("{} is no name of a placeholder", quote(name)),
                "a letter, then letters, digits and `_`",
            );
        }
    }
    query(spec, findings);
}

/// A value is written as number and unit, so a unit begins with no digit, point or space.
fn unit(unit: &str, findings: &mut Findings) {
    let starts_well = unit
        .chars()
        .next()
        .is_none_or(|c| !c.is_ascii_digit() && c != '.');
    let printable = unit.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if !starts_well || !printable || unit.chars().count() > UNIT_LENGTH {
        findings.error(
            Code::InvalidIndicatorValue,
            "spec.unit",
            format!("{} can't stand behind a number", quote(unit)),
            format!("up to {UNIT_LENGTH} characters without spaces that begin with no digit, such as `items` or `%`; or nothing"),
        );
    }
}

fn query(spec: &IndicatorSpec, findings: &mut Findings) {
    let path = "spec.query";
    if spec.query.trim().is_empty() {
        findings.error(
            Code::InvalidQuery,
            path,
            "the query is empty",
            "a PromQL expression with one result",
        );
        return;
    }
    let known: Vec<&str> = PLACEHOLDERS
        .into_iter()
        .chain(spec.parameters.keys().map(String::as_str))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let mut rest = spec.query.as_str();
    let mut reported: Vec<&str> = Vec::new();
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else {
            findings.error(
                Code::InvalidQuery,
                path,
                "a `{{` is not closed",
                "a placeholder such as `{{namespace}}`",
            );
            return;
        };
        let trimmed = name.trim();
        if !known.contains(&trimmed) && !reported.contains(&trimmed) && reported.len() < 20 {
            findings.diagnostics.push(Diagnostic::error(
                Code::UnknownPlaceholder,
                path,
                format!("the placeholder {} has no value", quote(trimmed)),
                format!(
                    "{}, or an entry of `parameters`",
                    alternatives(&known).replace(" or ", ", ")
                ),
            ));
            reported.push(trimmed);
        }
        rest = behind;
    }
}

fn is_placeholder(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
