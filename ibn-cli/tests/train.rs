//! `ibn train`: what it writes can be followed, and interrupted and gone on with it comes to the same bits.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

use std::fs::{read, read_to_string, write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const SCENARIO: &str = r#"
name = "small"
horizon = "10m"
[[nodes]]
name = "n"
cpu = "8"
memory = "8Gi"
[[workloads]]
namespace = "acme"
name = "web"
replicas = 2
bounds = { min = 1, max = 6 }
requests = { cpu = "500m", memory = "256Mi" }
limits = { cpu = "500m", memory = "256Mi" }
service = { law = "exponential", mean = "20ms" }
startup = { law = "constant", mean = "5s" }
slo = { atMost = "300ms" }
demand = { steps = [{ at = "0s", rate = 8.0 }, { at = "60s", rate = 60.0 }, { at = "300s", rate = 8.0 }] }
"#;

/// Steps of one iteration: 32 environments times 256.
const ITERATION: u64 = 32 * 256;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("small.toml"), SCENARIO).unwrap();
    folder
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ibn"));
    command
        .current_dir(folder)
        .args(args)
        .env_remove("IBN_CONFIG");
    command
}

fn train(folder: &Path, out: &str, more: &[&str]) -> Output {
    let steps = (3 * ITERATION).to_string();
    let mut args = vec![
        "train",
        "-f",
        "small.toml",
        "--drawn",
        "0",
        "--steps",
        &steps,
    ];
    if !more.contains(&"--resume") {
        args.push("--from-scratch");
    }
    args.extend(["--out", out, "-o", "json"]);
    if !more.contains(&"--seed") {
        args.extend(["--seed", "3"]);
    }
    args.extend(more);
    command(folder, &args).output().unwrap()
}

fn error_of(output: &Output) -> String {
    let told: Value = serde_json::from_slice(&output.stdout)
        .or_else(|_| serde_json::from_slice(&output.stderr))
        .unwrap_or_default();
    told.to_string()
}

#[test]
fn a_training_begins_with_a_rule_and_says_which() {
    let folder = folder();
    let steps = ITERATION.to_string();
    let args = [
        "train",
        "-f",
        "small.toml",
        "--drawn",
        "0",
        "--steps",
        &steps,
        "--out",
        "ruled.safetensors",
        "-o",
        "json",
    ];
    let output = command(folder.path(), &args).output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    for preference in ["cost", "balanced", "performance"] {
        let rule = told["rule"][preference].as_str().unwrap();
        assert!(rule.contains("times the demand"), "{rule}");
    }
    // With one scenario that is as easy as this, what is learned is what the rule does.
    let entropy = told["curve"][0]["entropy"].as_f64().unwrap();
    assert!(entropy < 1.0, "{entropy}");
}

#[test]
fn a_training_is_the_same_whole_and_interrupted_and_its_policy_can_be_followed() {
    let folder = folder();
    let path = folder.path();
    let whole = train(path, "whole.safetensors", &["--threads", "2"]);
    assert!(whole.status.success(), "{}", error_of(&whole));
    let told: Value = serde_json::from_slice(&whole.stdout).unwrap();
    assert_eq!(told["steps"], 3 * ITERATION);
    assert_eq!(told["isDone"], true);
    assert_eq!(told["rule"], Value::Null);
    let curve = told["curve"].as_array().unwrap();
    assert_eq!(curve.len(), 3);
    let best = curve
        .iter()
        .filter_map(|point| point["validation"].as_f64())
        .fold(f64::NEG_INFINITY, f64::max);
    assert_eq!(told["best"]["reward"].as_f64(), Some(best));
    let report = read_to_string(path.join("whole.html")).unwrap();
    assert!(report.contains("<svg") && report.contains("small"));

    // Stopped by the signal that Ctrl-C sends, as soon as there is something to go on with.
    let steps = (3 * ITERATION).to_string();
    let args = [
        "train",
        "-f",
        "small.toml",
        "--drawn",
        "0",
        "--steps",
        &steps,
        "--seed",
        "3",
        "--out",
        "parts.safetensors",
        "--threads",
        "1",
        "--from-scratch",
    ];
    let mut running = command(path, &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while !path.join("parts.training.safetensors").exists() {
        assert!(Instant::now() < deadline, "nothing was saved");
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = running.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    let ended = running.wait().unwrap();
    // It may have been faster than the signal.
    assert!(matches!(ended.code(), Some(0 | 1)), "{ended:?}");
    let resumed = train(
        path,
        "parts.safetensors",
        &["--resume", "parts.training.safetensors"],
    );
    assert!(resumed.status.success(), "{}", error_of(&resumed));
    for ending in ["safetensors", "training.safetensors"] {
        let (whole, parts) = (format!("whole.{ending}"), format!("parts.{ending}"));
        assert!(
            read(path.join(&whole)).unwrap() == read(path.join(&parts)).unwrap(),
            "{whole} and {parts} differ"
        );
    }

    // Another seed is another training.
    let other = train(
        path,
        "other.safetensors",
        &["--resume", "whole.training.safetensors", "--seed", "4"],
    );
    assert_eq!(other.status.code(), Some(2));
    let told = error_of(&other);
    assert!(told.contains("seed 3") && told.contains("seed 4"), "{told}");

    let args = [
        "simulate",
        "-f",
        "small.toml",
        "--recommender",
        "ppo:whole.safetensors",
        "-o",
        "json",
    ];
    let followed = command(path, &args).output().unwrap();
    assert!(followed.status.success(), "{}", error_of(&followed));
}
