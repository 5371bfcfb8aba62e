//! What a run does is written down, or not done at all; what it tells the log stands apart from its result.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

use std::path::Path;
use std::process::{Command, Output};

use ibn_core::decision::LedgerEvent;
use serde_json::Value;

fn ibn(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ibn"))
        .args([
            "demo",
            "--seed",
            "5",
            "--state-dir",
            ":memory:",
            "-o",
            "json",
        ])
        .args(args)
        .env_remove("RUST_LOG")
        .env_remove("IBN_LOG")
        .output()
        .unwrap()
}

fn report(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn recorded(path: &Path) -> Vec<LedgerEvent> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn what_is_applied_is_recorded_and_the_same_with_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let run = |threads: &str| {
        let path = folder.path().join(threads);
        let file = path.to_str().unwrap();
        let output = ibn(&["--once", "40m", "--threads", threads, "--record", file]);
        let report = report(&output);
        (
            report["event_hash"].clone(),
            report["decisions"].clone(),
            recorded(&path),
        )
    };
    let alone = run("1");
    assert!(!alone.2.is_empty());
    assert!(
        alone
            .2
            .iter()
            .all(|event| matches!(event, LedgerEvent::Applied(_)))
    );
    assert_eq!(run("2"), alone);
}

#[test]
fn a_dry_run_decides_and_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("applied");
    let file = path.to_str().unwrap();
    let report = report(&ibn(&["--once", "40m", "--dry-run", "--record", file]));
    assert_eq!(recorded(&path), []);
    assert!(
        report["decisions_by_reason"]["AdviseOnly"]
            .as_u64()
            .unwrap()
            > 0
    );
    let comparison = &report["comparison"];
    assert_eq!(comparison["managed"]["changes_per_hour"], 0.0);
    assert_eq!(
        comparison["managed"]["core_hours"],
        comparison["fixed"]["core_hours"]
    );
}

#[test]
fn the_log_is_told_on_standard_error_alone() {
    let quiet = ibn(&["--once", "10m", "--dry-run"]);
    assert_eq!(String::from_utf8_lossy(&quiet.stderr), "");
    let loud = ibn(&["--once", "10m", "--dry-run", "-vv", "--log-format", "json"]);
    assert_eq!(loud.stdout, quiet.stdout);
    let told = String::from_utf8(loud.stderr).unwrap();
    let told: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!told.is_empty());
    assert!(
        told.iter().any(|line| line["workload"].is_string()),
        "{told:#?}"
    );
    let chosen = ibn(&["--once", "10m", "--dry-run", "-vv", "--log", "off"]);
    assert_eq!(String::from_utf8_lossy(&chosen.stderr), "");
}

#[test]
fn a_log_that_can_not_be_told_is_a_usage_fault() {
    let output = ibn(&["--once", "10m", "--log", "ibn=loud"]);
    assert_eq!(output.status.code(), Some(2));
    let told: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(told["error"]["message"], "the log can't tell `ibn=loud`");
}
