//! What Rust sources must and must not say, beyond what clippy holds.

use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;

/// From here on a file is asked whether it has two jobs.
const LONG_FILE: usize = 800;

pub(super) fn check(root: &Path, tracked: &[String]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for path in tracked.iter().filter(|path| path.ends_with(".rs")) {
        let source = std::fs::read_to_string(root.join(path))
            .with_context(|| format!("cannot read `{path}`"))?;
        findings.extend(check_source(path, &source));
    }
    Ok(findings)
}

fn check_source(path: &str, source: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = source.lines().count();
    if lines > LONG_FILE {
        findings.push(Finding::warning(
            path,
            format!("has {lines} lines: does it have two jobs?"),
        ));
    }
    if states_job(path) && !source.starts_with("//!") {
        findings.push(Finding::error(
            path,
            "does not open with a `//!` line that states its job",
        ));
    }
    let code = blank_text(source);
    for (line, attribute) in attributes(&code) {
        if let Some(message) = check_attribute(&attribute) {
            findings.push(Finding::error(format!("{path}:{line}"), message));
        }
    }
    findings
}

/// Modules do; what only tests their neighbour, and test crates, need not.
fn states_job(path: &str) -> bool {
    path.contains("src/") && !path.ends_with("/tests.rs") && !path.contains("/tests/")
}

/// An attribute without its spaces and the contents of its strings.
fn check_attribute(attribute: &str) -> Option<&'static str> {
    let has_reason = attribute.contains("reason=\"");
    if attribute == "ignore" {
        return Some("`#[ignore]` without a reason: write `#[ignore = \"…\"]`");
    }
    if attribute.starts_with("deny(warnings") || attribute.starts_with("forbid(warnings") {
        return Some("warnings become errors in the gate, not in the source");
    }
    if has_call(attribute, "allow") && !has_reason {
        return Some("`allow` without a reason: write `#[expect(…, reason = \"…\")]`");
    }
    if has_call(attribute, "expect") && !has_reason {
        return Some("`expect` without a reason");
    }
    None
}

/// Whether a lint attribute of this name stands at the start or inside a `cfg_attr`.
fn has_call(attribute: &str, name: &str) -> bool {
    let call = format!("{name}(");
    attribute.starts_with(&call)
        || (attribute.starts_with("cfg_attr(") && attribute.contains(&format!(",{call}")))
}

/// Every `#[…]` and `#![…]` with its line, without white space.
fn attributes(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = code;
    while let Some(at) = rest.find('#') {
        let (before, from) = rest.split_at(at);
        line += before.matches('\n').count();
        rest = from.get(1..).unwrap_or_default();
        let inner = rest.strip_prefix('!').unwrap_or(rest);
        if let Some(inner) = inner.strip_prefix('[')
            && let Some(end) = closing_bracket(inner)
        {
            let text = inner.get(..end).unwrap_or_default();
            found.push((line, text.split_whitespace().collect()));
        }
    }
    found
}

fn closing_bracket(text: &str) -> Option<usize> {
    let mut depth = 1_usize;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The source with comments and the contents of strings and characters left out; lines keep their numbers.
pub(super) fn blank_text(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let (length, kept) = match text_length(rest, before) {
            Some((length, kept)) => (length, kept),
            None => {
                code.push(c);
                before = c;
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
                continue;
            }
        };
        let text = rest.get(..length).unwrap_or(rest);
        code.push_str(kept);
        code.extend(text.chars().filter(|c| *c == '\n'));
        code.push_str(kept);
        before = ' ';
        rest = rest.get(length..).unwrap_or_default();
    }
    code
}

/// The length of the comment, string or character that starts here, and the quote that stays of it.
fn text_length(rest: &str, before: char) -> Option<(usize, &'static str)> {
    if rest.starts_with("//") {
        return Some((rest.find('\n').unwrap_or(rest.len()), ""));
    }
    if rest.starts_with("/*") {
        return Some((block_comment_length(rest), ""));
    }
    if rest.starts_with('"') {
        return Some((quoted_length(rest, '"')?, "\""));
    }
    let in_word = before.is_alphanumeric() || before == '_';
    if !in_word && (rest.starts_with("r\"") || rest.starts_with("r#") || rest.starts_with("br")) {
        return raw_string_length(rest).map(|length| (length, "\""));
    }
    if rest.starts_with('\'') {
        return char_length(rest).map(|length| (length, ""));
    }
    None
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn quoted_length(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return Some(at + c.len_utf8());
        }
    }
    None
}

fn raw_string_length(rest: &str) -> Option<usize> {
    let start = rest.find('r')? + 1;
    let hashes = rest.get(start..)?.chars().take_while(|c| *c == '#').count();
    let open = start + hashes;
    if rest.get(open..)?.chars().next()? != '"' {
        return None;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let end = rest.get(open + 1..)?.find(&close)?;
    Some(open + 1 + end + close.len())
}

/// A character literal; none for a lifetime or a label.
fn char_length(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        return quoted_length(rest, '\'');
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn found(source: &str) -> Vec<String> {
        let findings = check_source("a/src/b.rs", &format!("//! A job.\n{source}"));
        findings.iter().map(Finding::to_string).collect()
    }

    const NOTHING: [String; 0] = [];

    #[test]
    fn an_ignored_test_has_a_reason() {
        assert_eq!(
            found("#[test]\n#[ignore]\nfn a() {}\n"),
            ["error: a/src/b.rs:3: `#[ignore]` without a reason: write `#[ignore = \"…\"]`"]
        );
        assert_eq!(found("#[ignore = \"takes an hour\"]\nfn a() {}\n"), NOTHING);
    }

    #[test]
    fn lints_are_expected_or_allowed_with_a_reason() {
        let message = "`allow` without a reason: write `#[expect(…, reason = \"…\")]`";
        for source in [
            "#[allow(dead_code)]",
            "#![allow(dead_code)]",
            "#[allow(\n    dead_code,\n    unused\n)]",
            "#[cfg_attr(test, allow(dead_code))]",
        ] {
            assert_eq!(
                found(source),
                [format!("error: a/src/b.rs:2: {message}")],
                "{source}"
            );
        }
        assert_eq!(
            found("#[expect(dead_code)]"),
            ["error: a/src/b.rs:2: `expect` without a reason"]
        );
        assert_eq!(
            found("#[allow(dead_code, reason = \"each test crate uses a part\")]"),
            NOTHING
        );
        assert_eq!(
            found("#[expect(dead_code, reason = \"kept for the reader\")]"),
            NOTHING
        );
    }

    #[test]
    fn comments_strings_and_macros_are_no_attributes() {
        for source in [
            "// #[allow(a)]",
            "/* #[allow(a)] /* nested */ #[ignore] */",
            "const A: &str = \"#[allow(a)] \\\" #[ignore]\";",
            "const A: &str = r#\"#[ignore] \" \"#;",
            "const A: char = '\"'; const B: &'static str = \"#[ignore]\"; const C: char = '\\'';",
            "vec.allow(1);",
        ] {
            assert_eq!(found(source), NOTHING, "{source}");
        }
        assert_eq!(
            found("const A: char = '\"';\n#[ignore]\nconst B: char = '\"';").len(),
            1
        );
    }

    #[test]
    fn a_module_states_its_job() {
        let findings = check_source("a/src/b.rs", "pub struct B;\n");
        assert_eq!(findings.len(), 1);
        for path in ["a/tests/b.rs", "a/src/b/tests.rs", "a/src/tests/b.rs"] {
            assert!(check_source(path, "fn b() {}\n").is_empty(), "{path}");
        }
    }

    #[test]
    fn a_long_file_is_a_warning() {
        let findings = check_source("a/tests/b.rs", &"\n".repeat(801));
        assert_eq!(
            findings,
            [Finding::warning(
                "a/tests/b.rs",
                "has 801 lines: does it have two jobs?"
            )]
        );
    }
}
