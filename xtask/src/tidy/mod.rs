//! The house rules that no compiler holds: crate arrows, manifests, files, sources.

mod arrows;
mod files;
mod manifests;
mod sources;
mod suites;
mod targets;

use std::fmt;
use std::path::Path;

use anyhow::{Result, bail};

/// A place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    level: Level,
    place: String,
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Said, and let through.
    Warning,
    /// Fails the gate.
    Error,
}

impl Finding {
    fn error(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            place: place.into(),
            message: message.into(),
        }
    }

    fn warning(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            place: place.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Warning => "warning",
            Level::Error => "error",
        };
        write!(f, "{level}: {}: {}", self.place, self.message)
    }
}

/// `cargo xtask tidy`: prints every finding and fails when one is an error.
pub(crate) fn run(root: &Path) -> Result<()> {
    let findings = check(root)?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.level == Level::Error)
        .count();
    if errors > 0 {
        bail!("{errors} breaches of the house rules");
    }
    Ok(())
}

fn check(root: &Path) -> Result<Vec<Finding>> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root)
        .exec()?;
    let tracked = files::tracked(root)?;
    let mut findings = arrows::check(&arrows::Graph::read(&metadata)?);
    findings.extend(targets::check(&metadata, &tracked));
    findings.extend(manifests::check(root, &metadata)?);
    findings.extend(files::check(root, &tracked)?);
    findings.extend(sources::check(root, &tracked)?);
    findings.extend(suites::check(root, &tracked)?);
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_tidy() {
        let findings = check(&crate::workspace_root().unwrap()).unwrap();
        let errors: Vec<_> = findings
            .iter()
            .filter(|it| it.level == Level::Error)
            .map(Finding::to_string)
            .collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
    }
}
