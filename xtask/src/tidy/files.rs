//! What is committed: nothing large, nothing left over, nothing of the folder beside us, no registry's host.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Finding;
use crate::process::output;

const SIZE_LIMIT: u64 = 1024 * 1024;

/// Ends of names that editors, merges and snapshot tools leave behind.
const LEFT_OVERS: &[&str] = &[
    "~",
    ".orig",
    ".rej",
    ".bak",
    ".swp",
    ".swo",
    ".tmp",
    ".part",
    ".log",
    ".snap.new",
    ".pending-snap",
    ".DS_Store",
    ".pyc",
];

/// Hosts of package registries, cut in two so that this file passes its own check.
/// Where packages come from is the setting of a machine, never of this repository.
const HOSTS: &[(&str, &str)] = &[
    ("crates", ".io"),
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("registry.npmjs", ".org"),
    ("npmjs", ".com"),
    ("registry.yarnpkg", ".com"),
    ("proxy.golang", ".org"),
    ("repo.maven.apache", ".org"),
    ("repo1.maven", ".org"),
    ("deb.debian", ".org"),
    ("archive.ubuntu", ".com"),
    ("rubygems", ".org"),
];

/// Written by a package client, which names its registry there.
const LOCK_FILES: &[&str] = &["Cargo.lock"];

/// Smaller files (an empty list, a licence line) are alike by chance.
const COPY_MINIMUM: u64 = 256;

/// Paths of what git tracks, with `/`, relative to the root; files that are deleted on disk are left out.
pub(super) fn tracked(root: &Path) -> Result<Vec<String>> {
    let list = output(
        Command::new("git")
            .args(["ls-files", "-z"])
            .current_dir(root),
    )?;
    let list = String::from_utf8(list).context("a file name is no UTF-8")?;
    Ok(list
        .split_terminator('\0')
        .filter(|path| root.join(path).exists())
        .map(str::to_owned)
        .collect())
}

pub(super) fn check(root: &Path, tracked: &[String]) -> Result<Vec<Finding>> {
    let shared = shared_files(&root.join("../shared"))?;
    let mut findings = Vec::new();
    for path in tracked {
        let full = root.join(path);
        let size = std::fs::metadata(&full)?.len();
        findings.extend(check_name(path));
        if size > SIZE_LIMIT {
            findings.push(Finding::error(
                path,
                format!("has {size} bytes, more than 1 MiB"),
            ));
            continue;
        }
        let bytes = std::fs::read(&full).with_context(|| format!("cannot read `{path}`"))?;
        if is_copy(&bytes, size, &shared)? {
            findings.push(Finding::error(path, "is a copy of a file in ../shared"));
        }
        if let Ok(text) = std::str::from_utf8(&bytes) {
            findings.extend(check_hosts(path, text));
        }
    }
    Ok(findings)
}

fn check_name(path: &str) -> Option<Finding> {
    let left_over = LEFT_OVERS.iter().any(|end| path.ends_with(end)) || path.contains('#');
    let build = path
        .split('/')
        .any(|part| matches!(part, "target" | "node_modules" | "__pycache__"));
    let shared = path.starts_with("shared/");
    (left_over || build || shared).then(|| Finding::error(path, "is a stray file"))
}

fn check_hosts(path: &str, text: &str) -> Vec<Finding> {
    if LOCK_FILES
        .iter()
        .any(|name| path.rsplit('/').next() == Some(name))
    {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (start, end) in HOSTS {
            if line.to_ascii_lowercase().contains(&format!("{start}{end}")) {
                findings.push(Finding::error(
                    format!("{path}:{}", number + 1),
                    format!("names a package registry's host (`{start}` `{end}`)"),
                ));
            }
        }
    }
    findings
}

/// Every file below a folder with its size; nothing when there is no such folder.
fn shared_files(folder: &Path) -> Result<Vec<(u64, std::path::PathBuf)>> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                files.push((entry.metadata()?.len(), entry.path()));
            }
        }
    }
    Ok(files)
}

fn is_copy(bytes: &[u8], size: u64, shared: &[(u64, std::path::PathBuf)]) -> Result<bool> {
    if size < COPY_MINIMUM {
        return Ok(false);
    }
    for (other_size, other) in shared {
        if *other_size == size && std::fs::read(other)? == bytes {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stray_names_are_found() {
        for path in [
            "a/b.rs.orig",
            "notes~",
            "x.snap.new",
            "target/debug/a",
            "shared/design.md",
            "#a#",
        ] {
            assert!(check_name(path).is_some(), "{path}");
        }
        for path in ["src/targets.rs", "docs/catalog.md", ".ci/run", "a/share.rs"] {
            assert!(check_name(path).is_none(), "{path}");
        }
    }

    #[test]
    fn hosts_are_found_by_line_but_not_in_a_lock_file() {
        let text = format!("one\nsee https://static.{}{}/x\n", "Crates", ".io");
        assert_eq!(
            check_hosts("README.md", &text),
            [Finding::error(
                "README.md:2",
                "names a package registry's host (`crates` `.io`)"
            )]
        );
        assert!(check_hosts("Cargo.lock", &text).is_empty());
    }

    #[test]
    fn copies_of_shared_files_are_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("traces")).unwrap();
        let data = vec![b'x'; 300];
        std::fs::write(folder.path().join("traces/a.csv"), &data).unwrap();
        let shared = shared_files(folder.path()).unwrap();
        assert!(is_copy(&data, 300, &shared).unwrap());
        assert!(!is_copy(&[b'y'; 300], 300, &shared).unwrap());
        assert!(
            shared_files(&folder.path().join("missing"))
                .unwrap()
                .is_empty()
        );
    }
}
