//! Files that are valid, and files that say in their head what is wrong with them.

use ibn_core::diagnostic::{Code, Diagnostic};

use crate::{files, read_as};

#[test]
fn valid_files_are_read() {
    for (name, format, text) in files("pass") {
        let (usable, diagnostics) = read_as(&name, &text, format);
        let errors: Vec<String> = diagnostics
            .iter()
            .filter(|d| d.is_error())
            .map(Diagnostic::to_string)
            .collect();
        assert!(
            usable && errors.is_empty(),
            "{name}:\n{}",
            errors.join("\n")
        );
        // Only what the system set is ignored, aloud.
        assert!(
            diagnostics.iter().all(|d| d.code == Code::SystemField),
            "{name}: {diagnostics:?}"
        );
    }
}

/// A file in `fail` lists its faults in comments, or beside it in a file with `.expect` behind its name: a line
/// `expect: CODE LINE PATH` each, where the path of the whole document is `-`.
#[test]
fn faulty_files_give_the_faults_that_they_list() {
    let mut wrong = Vec::new();
    for (name, format, text) in files("fail") {
        let beside = format!("{}/fixtures/fail/{name}.expect", env!("CARGO_MANIFEST_DIR"));
        let list = std::fs::read_to_string(beside).unwrap_or_else(|_| text.clone());
        let mut expected: Vec<String> = list
            .lines()
            .filter_map(|line| line.trim_start_matches(['#', ' ']).strip_prefix("expect: "))
            .map(str::to_owned)
            .collect();
        let (usable, diagnostics) = read_as(&name, &text, format);
        let mut found: Vec<String> = diagnostics
            .iter()
            .map(|d| {
                let path = if d.path.is_empty() { "-" } else { &d.path };
                format!("{} {} {path}", d.code, d.line.unwrap_or(0))
            })
            .collect();
        expected.sort();
        found.sort();
        assert!(!expected.is_empty(), "{name} lists nothing");
        assert!(!usable, "{name}");
        if found != expected {
            wrong.push(format!(
                "{name}:\n  found    {found:?}\n  expected {expected:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn printed_diagnostics_read_well() {
    for (name, format, text) in files("fail") {
        let (_, diagnostics) = read_as(&name, &text, format);
        let printed: Vec<String> = diagnostics.iter().map(Diagnostic::to_string).collect();
        insta::assert_snapshot!(name, printed.join("\n"));
    }
}
