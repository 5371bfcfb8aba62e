//! The gate: every check that a change must pass, one after the other.

use std::ffi::OsString;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;

use crate::process::{self, cargo};
use crate::{generate, tidy};

/// How long one example may run, unoptimised.
const EXAMPLE_LIMIT: Duration = Duration::from_secs(120);

type Step = (&'static str, fn(&Path) -> Result<()>);

const TESTS: &[Step] = &[("tests and doctests", tests)];
const CHECKS: &[Step] = &[
    ("fmt", fmt),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("facade features", facade),
    ("docs", docs),
    ("examples", examples),
    ("generated files", |root| generate::run(root, true)),
    ("bans and licences", deny),
];

/// Runs every step; the first that fails ends the run.
fn run_steps(root: &Path, steps: &[Step]) -> Result<()> {
    for (name, step) in steps {
        eprintln!("==> {name}");
        let started = Instant::now();
        step(root).with_context(|| format!("step `{name}` failed"))?;
        eprintln!("<== {name}: ok, {:.1} s", started.elapsed().as_secs_f64());
    }
    Ok(())
}

/// `cargo xtask ci`.
pub(crate) fn run(root: &Path, no_test: bool) -> Result<()> {
    let started = Instant::now();
    let tests = if no_test { &[] } else { TESTS };
    // What is quick and needs no build comes first.
    let (quick, slow) = CHECKS.split_at(2);
    run_steps(root, quick)?;
    run_steps(root, tests)?;
    run_steps(root, slow)?;
    eprintln!("all steps ok, {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn fmt(root: &Path) -> Result<()> {
    process::run(&mut cargo(root, &["fmt", "--all", "--check"]))
}

fn clippy(root: &Path) -> Result<()> {
    let args = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    process::run(&mut cargo(root, &args))
}

/// The command of the README; doctests are a part of it.
fn tests(root: &Path) -> Result<()> {
    process::run(&mut cargo(root, &["test", "--workspace"]))
}

/// An embedder asks the facade for nothing, or for everything.
fn facade(root: &Path) -> Result<()> {
    process::run(&mut cargo(
        root,
        &[
            "check",
            "--package",
            "ibn",
            "--locked",
            "--no-default-features",
        ],
    ))?;
    process::run(&mut cargo(
        root,
        &["check", "--package", "ibn", "--locked", "--all-features"],
    ))
}

fn docs(root: &Path) -> Result<()> {
    let mut command = cargo(root, &["doc", "--workspace", "--no-deps", "--locked"]);
    process::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Runs every example of `examples/`, as the build reports them.
pub(crate) fn examples(root: &Path) -> Result<()> {
    let examples = build_examples(root)?;
    if examples.is_empty() {
        bail!("the build made no example");
    }
    for (name, program) in examples {
        let started = Instant::now();
        eprintln!("--- example {name}");
        process::run_within(Command::new(&program).current_dir(root), EXAMPLE_LIMIT)?;
        eprintln!(
            "--- example {name}: ok, {:.1} s",
            started.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

/// Of the whole workspace, so that the features, and with them the built crates, are those of the tests.
fn build_examples(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    let manifest = root.join("examples/Cargo.toml");
    let args = [
        "build",
        "--workspace",
        "--examples",
        "--locked",
        "--message-format=json-render-diagnostics",
    ];
    let messages = process::output(&mut cargo(root, &args))?;
    let mut examples = Vec::new();
    for message in Message::parse_stream(Cursor::new(messages)) {
        if let Message::CompilerArtifact(artifact) = message?
            && let Some(program) = artifact.executable
            && artifact.target.is_example()
            && artifact.manifest_path == manifest
        {
            examples.push((artifact.target.name, program.into_std_path_buf()));
        }
    }
    examples.sort();
    Ok(examples)
}

/// Advisories are left out: they need a database from the network.
fn deny(root: &Path) -> Result<()> {
    let Some(program) = find_deny() else {
        let hint = "cargo-deny is missing: cargo install cargo-deny --locked";
        if std::env::var_os("CI").is_some() {
            bail!("{hint}");
        }
        eprintln!("skipped: {hint}");
        return Ok(());
    };
    let args = [
        "--workspace",
        "--all-features",
        "check",
        "bans",
        "licenses",
        "sources",
    ];
    process::run(Command::new(program).args(args).current_dir(root))
}

/// On the path, or where `.ci/run` puts it.
fn find_deny() -> Option<OsString> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let cached = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/ibn/bin"));
    std::env::split_paths(&on_path)
        .chain(cached)
        .map(|folder| folder.join("cargo-deny"))
        .find(|program| program.is_file())
        .map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_stops_and_is_named() {
        let steps: &[Step] = &[
            ("good", |_| Ok(())),
            ("bad", |_| bail!("broken")),
            ("never", |_| panic!("a step after a failure was run")),
        ];
        let error = run_steps(Path::new("."), steps).unwrap_err();
        assert_eq!(format!("{error:#}"), "step `bad` failed: broken");
    }
}
