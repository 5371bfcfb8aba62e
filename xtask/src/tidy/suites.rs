//! Every implementation of a role calls the conformance suite of it, and the table of `ibn-testkit` says where.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;
use super::sources::blank_text;

/// Where the table stands.
const TABLE: &str = "ibn-testkit/src/lib.rs";

/// The roles that have a suite.
const ROLES: &[&str] = &[
    "Translator",
    "Orchestrator",
    "Monitor",
    "IntentStore",
    "Ledger",
    "Assessor",
    "Recommender",
    "PolicyLearner",
    "Environment",
    "ScenarioSource",
    "Predictor",
    "Forecaster",
    "Clock",
];

pub(super) fn check(root: &Path, tracked: &[String]) -> Result<Vec<Finding>> {
    let read = |path: &str| {
        std::fs::read_to_string(root.join(path)).with_context(|| format!("cannot read `{path}`"))
    };
    let rows = rows(&read(TABLE)?);
    let mut findings = Vec::new();
    for path in tracked.iter().filter(|path| is_shipped(path)) {
        findings.extend(unlisted(path, &read(path)?, &rows));
    }
    let mut sources = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.place.is_empty()) {
        if tracked.contains(&row.place) && !sources.contains_key(&row.place) {
            sources.insert(row.place.clone(), read(&row.place)?);
        }
        findings.extend(uncalled(
            row,
            sources.get(&row.place).map_or("", String::as_str),
        ));
    }
    let listed = |role: &str| rows.iter().any(|row| row.roles.iter().any(|it| it == role));
    for role in ROLES.iter().filter(|role| !listed(role)) {
        findings.push(Finding::error(TABLE, format!("`{role}` has no suite")));
    }
    Ok(findings)
}

/// One line of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    roles: Vec<String>,
    suite: String,
    implementations: Vec<String>,
    place: String,
}

fn rows(source: &str) -> Vec<Row> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("//! |")?.split('|').collect();
        let [roles, suite, implementations, place, _] = cells.as_slice() else {
            return None;
        };
        let roles = code_of(roles);
        (!roles.is_empty()).then(|| Row {
            roles,
            suite: code_of(suite).into_iter().next().unwrap_or_default(),
            implementations: code_of(implementations),
            place: code_of(place).into_iter().next().unwrap_or_default(),
        })
    };
    source.lines().filter_map(row).collect()
}

/// What stands in backticks.
fn code_of(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// What others use or copy; what only a test makes up may misbehave on purpose.
fn is_shipped(path: &str) -> bool {
    path.ends_with(".rs")
        && (path.contains("/src/") || path.starts_with("examples/"))
        && !path.ends_with("/tests.rs")
        && !path.starts_with("xtask/")
}

fn unlisted(path: &str, source: &str, rows: &[Row]) -> Vec<Finding> {
    implementations(source)
        .into_iter()
        .filter(|(role, of)| {
            !rows
                .iter()
                .any(|row| row.roles.contains(role) && row.implementations.contains(of))
        })
        .map(|(role, of)| {
            let message = format!(
                "`{of}` plays `{role}`: call its conformance suite, and add it to the table in {TABLE}"
            );
            Finding::error(path, message)
        })
        .collect()
}

fn uncalled(row: &Row, source: &str) -> Vec<Finding> {
    let finding = |what: &str| {
        let message = format!("the table in {TABLE} says that it calls `{}`", row.suite);
        Finding::error(row.place.clone(), format!("has no {what}, and {message}"))
    };
    let words = words(source);
    let mut findings = Vec::new();
    let called = row.suite.rsplit("::").next().unwrap_or_default();
    let module = row.suite.split("::").next().unwrap_or_default();
    if !source.contains(&format!("{called}(")) || !words.contains(&module) {
        findings.push(finding(&format!("call of `{}`", row.suite)));
    }
    for of in &row.implementations {
        if !words.contains(&of.as_str()) {
            findings.push(finding(&format!("`{of}`")));
        }
    }
    findings
}

fn words(source: &str) -> Vec<&str> {
    source
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect()
}

/// Roles and the types that play them, up to the tests of the module.
fn implementations(source: &str) -> Vec<(String, String)> {
    let code = blank_text(source);
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for header in code.split("\nimpl").skip(1) {
        let header = header.split('{').next().unwrap_or_default();
        let header = without_generics(header);
        let mut parts = header.split_whitespace();
        let (Some(role), Some("for"), Some(of)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let last = |path: &str| path.rsplit("::").next().unwrap_or_default().to_owned();
        if ROLES.contains(&last(role).as_str()) {
            found.push((last(role), last(of)));
        }
    }
    found
}

/// The same without what stands in angle brackets.
fn without_generics(header: &str) -> String {
    let mut depth = 0_usize;
    let mut kept = String::with_capacity(header.len());
    for c in header.chars() {
        match c {
            '<' => depth += 1,
            '>' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    kept.push(' ');
                }
            }
            _ if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str =
        "//! | `Clock` | [`clock::check`] | `Sun`, `Moon` | `ibn-sky/tests/conformance.rs` |\n";

    #[test]
    fn a_row_has_roles_suite_implementations_and_place() {
        let table = format!(
            "//! | role | suite | implementations | called in |\n//! |---|---|---|---|\n{ROW}"
        );
        let row = Row {
            roles: vec!["Clock".to_owned()],
            suite: "clock::check".to_owned(),
            implementations: vec!["Sun".to_owned(), "Moon".to_owned()],
            place: "ibn-sky/tests/conformance.rs".to_owned(),
        };
        assert_eq!(rows(&table), [row]);
    }

    #[test]
    fn implementations_are_found_where_they_stand_in_code() {
        let source = "
/// impl Clock for Doc {}
impl Clock for Sun {}
impl<T: Clock, W: Write<u8>> ibn_core::roles::Clock for sky::Slow<T, W>
where
    T: Send,
{
}
impl Display for Sun {}
const TEXT: &str = \"
impl Clock for Text {}
\";
#[cfg(test)]
mod tests {
impl Clock for Broken {}
}
";
        let pair = |of: &str| ("Clock".to_owned(), of.to_owned());
        assert_eq!(implementations(source), [pair("Sun"), pair("Slow")]);
    }

    #[test]
    fn what_is_not_in_the_table_is_found() {
        let rows = rows(ROW);
        assert_eq!(unlisted("a/src/b.rs", "\nimpl Clock for Sun {}", &rows), []);
        assert_eq!(
            unlisted("a/src/b.rs", "\nimpl Clock for Star {}", &rows).len(),
            1
        );
        assert_eq!(
            unlisted("a/src/b.rs", "\nimpl Ledger for Sun {}", &rows).len(),
            1
        );
    }

    #[test]
    fn what_is_in_the_table_and_not_called_is_found() {
        let row = &rows(ROW)[0];
        let both = "use ibn_testkit::clock; clock::check(&Sun); clock::check(&Moon);";
        assert_eq!(uncalled(row, both), []);
        assert_eq!(uncalled(row, "use clock; check(&Sun);").len(), 1);
        assert_eq!(uncalled(row, "use clock; (Sun, Moon)").len(), 1);
        assert_eq!(uncalled(row, "").len(), 3);
    }

    #[test]
    fn only_what_others_use_is_asked() {
        assert!(is_shipped("ibn-llm/src/chain.rs"));
        assert!(is_shipped("examples/own_translator.rs"));
        assert!(!is_shipped("ibn-llm/tests/layers.rs"));
        assert!(!is_shipped("ibn-sim/src/simulated/tests.rs"));
    }
}
