//! What each `Cargo.toml` must say: the shared lints, the shared fields, dependencies of the workspace's one table.

use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::Metadata;
use toml::{Table, Value};

use super::Finding;

const SHARED_FIELDS: &[&str] = &["version", "edition", "rust-version", "license"];
const SECTIONS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// Clippy reads only the nearest file, so that a crate with its own has to repeat the rest.
const CLIPPY_FILES: (&str, &str) = ("clippy.toml", "ibn-core/clippy.toml");

pub(super) fn check(root: &Path, metadata: &Metadata) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        let path = package.manifest_path.as_std_path();
        let shown = path
            .strip_prefix(root)
            .unwrap_or(path)
            .display()
            .to_string();
        findings.extend(check_manifest(&shown, &read(path)?));
    }
    let (general, own) = CLIPPY_FILES;
    findings.extend(check_clippy(
        &read(&root.join(general))?,
        &read(&root.join(own))?,
    ));
    Ok(findings)
}

fn read(path: &Path) -> Result<Table> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.parse()
        .with_context(|| format!("{} is no TOML", path.display()))
}

fn check_manifest(place: &str, manifest: &Table) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !inherits(manifest.get("lints")) {
        findings.push(Finding::error(place, "lacks `[lints] workspace = true`"));
    }
    for field in SHARED_FIELDS {
        if !inherits(
            manifest
                .get("package")
                .and_then(|package| package.get(field)),
        ) {
            findings.push(Finding::error(
                place,
                format!("lacks `{field}.workspace = true`"),
            ));
        }
    }
    let targets = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flatten();
    let tables = targets
        .filter_map(|(_, table)| table.as_table())
        .chain([manifest]);
    for table in tables {
        for section in SECTIONS {
            let dependencies = table
                .get(*section)
                .and_then(Value::as_table)
                .into_iter()
                .flatten();
            for (name, dependency) in dependencies {
                if !inherits(Some(dependency)) {
                    let message = format!("`{name}` in [{section}] is not `workspace = true`");
                    findings.push(Finding::error(place, message));
                }
            }
        }
    }
    findings
}

fn inherits(value: Option<&Value>) -> bool {
    value
        .and_then(|value| value.get("workspace"))
        .and_then(Value::as_bool)
        == Some(true)
}

fn check_clippy(general: &Table, own: &Table) -> Vec<Finding> {
    let (_, place) = CLIPPY_FILES;
    general
        .iter()
        .filter(|(key, value)| own.get(*key) != Some(*value))
        .map(|(key, _)| Finding::error(place, format!("lacks `{key}` as in clippy.toml")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn found(manifest: &str) -> Vec<String> {
        let findings = check_manifest("Cargo.toml", &manifest.parse().unwrap());
        findings
            .into_iter()
            .map(|finding| finding.message)
            .collect()
    }

    const PACKAGE: &str = "lints.workspace = true
[package]
name = \"a\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
";

    #[test]
    fn a_manifest_that_inherits_passes() {
        let nothing: [String; 0] = [];
        assert_eq!(
            found(&format!("{PACKAGE}[dependencies]\nserde.workspace = true")),
            nothing
        );
    }

    #[test]
    fn a_version_of_its_own_is_found_in_every_section() {
        let manifest = format!(
            "{PACKAGE}[dev-dependencies]\nserde = \"1\"\n\
             [target.'cfg(unix)'.dependencies]\nlibc = {{ version = \"0.2\" }}"
        );
        assert_eq!(
            found(&manifest),
            [
                "`libc` in [dependencies] is not `workspace = true`",
                "`serde` in [dev-dependencies] is not `workspace = true`",
            ]
        );
    }

    #[test]
    fn missing_shared_fields_are_found() {
        assert_eq!(
            found(
                "[package]\nname = \"a\"\nversion = \"1.0.0\"\nedition.workspace = true\nrust-version.workspace = true"
            ),
            [
                "lacks `[lints] workspace = true`",
                "lacks `version.workspace = true`",
                "lacks `license.workspace = true`",
            ]
        );
    }

    #[test]
    fn clippy_files_stay_in_step() {
        let general = "a = true\nb = true".parse().unwrap();
        let own = "a = true\nb = false\nc = 1".parse().unwrap();
        let findings = check_clippy(&general, &own);
        assert_eq!(
            findings,
            [Finding::error(
                "ibn-core/clippy.toml",
                "lacks `b` as in clippy.toml"
            )]
        );
    }
}
