//! The chart says what the plain manifests say: the same policies and rights, and only settings that there are.

use std::collections::BTreeSet;
use std::path::PathBuf;

fn read(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The text of a template with the namespace of the manifests, without lines of the template language.
fn rendered(template: &str) -> Vec<String> {
    read(template)
        .replace("{{ .Release.Namespace }}", "ibn-system")
        .lines()
        .filter(|line| !line.trim_start().starts_with("{{"))
        .map(str::to_owned)
        .collect()
}

fn without_comments(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    lines
        .into_iter()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect()
}

#[test]
fn the_policies_are_the_same() {
    let plain = read("deploy/manifests/30-policies.yaml");
    let plain = without_comments(plain.lines().map(str::to_owned));
    let chart = without_comments(rendered("deploy/chart/templates/policies.yaml"));
    assert_eq!(chart, plain);
}

#[test]
fn the_rights_are_the_same() {
    let rules = |text: &[String]| -> Vec<String> {
        let is_rule = |line: &&String| {
            let line = line.trim_start();
            ["- apiGroups", "resources:", "verbs:", "resourceNames:"]
                .iter()
                .any(|key| line.starts_with(key))
        };
        text.iter().filter(is_rule).cloned().collect()
    };
    let plain: Vec<String> = read("deploy/manifests/20-rbac.yaml")
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(
        rules(&rendered("deploy/chart/templates/rbac.yaml")),
        rules(&plain)
    );
}

#[test]
fn every_setting_that_is_used_is_there_and_has_a_schema() {
    let values = read("deploy/chart/values.yaml");
    let given: BTreeSet<&str> = values
        .lines()
        .filter(|line| !line.starts_with([' ', '#']))
        .filter_map(|line| line.split_once(':').map(|(name, _)| name))
        .collect();
    let schema: serde_json::Value =
        serde_json::from_str(&read("deploy/chart/values.schema.json")).unwrap();
    let known: BTreeSet<&str> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        // What parent charts hand down.
        .filter(|name| *name != "global")
        .collect();
    assert_eq!(given, known);
    let mut used = BTreeSet::new();
    for template in ["controller", "policies", "rbac"] {
        let text = read(&format!("deploy/chart/templates/{template}.yaml"));
        for part in text.split(".Values.").skip(1) {
            let name: String = part.chars().take_while(char::is_ascii_alphabetic).collect();
            used.insert(name);
        }
    }
    let used: BTreeSet<&str> = used.iter().map(String::as_str).collect();
    assert_eq!(used, given);
}
