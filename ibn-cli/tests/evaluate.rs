//! `ibn evaluate`: whole, in parts, interrupted and gone on with, it comes to the same.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

use std::fs::{read, read_to_string, write};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const SCENARIO: &str = r#"
name = "NAME"
horizon = "20m"
[[nodes]]
name = "n"
cpu = "8"
memory = "8Gi"
[[workloads]]
namespace = "acme"
name = "web"
replicas = 1
bounds = { min = 1, max = 6 }
requests = { cpu = "500m", memory = "256Mi" }
limits = { cpu = "500m", memory = "256Mi" }
service = { law = "exponential", mean = "20ms" }
startup = { law = "constant", mean = "5s" }
slo = { atMost = "300ms" }
demand = { steps = [{ at = "0s", rate = 8.0 }, { at = "60s", rate = 60.0 }, { at = "600s", rate = 8.0 }] }
"#;

const RECOMMENDERS: [&str; 3] = ["hpa:target=0.5..0.7/2", "keda:rps=10", "fixed"];

/// A folder with two scenarios.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("scenarios")).unwrap();
    for name in ["one", "two"] {
        let path = folder.path().join("scenarios").join(format!("{name}.toml"));
        write(path, SCENARIO.replace("NAME", name)).unwrap();
    }
    folder
}

fn ibn(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ibn"));
    command.current_dir(folder).arg("evaluate").args(args);
    command.env_remove("IBN_CONFIG").output().unwrap()
}

fn evaluate(folder: &Path, seeds: &str, more: &[&str]) -> Output {
    let mut args = vec!["-f", "scenarios", "--recommender"];
    args.extend(RECOMMENDERS);
    args.extend(["--seeds", seeds]);
    args.extend(more);
    let output = ibn(folder, &args);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_grid_ends_with_a_table_a_csv_and_a_report() {
    let folder = folder();
    let output = evaluate(folder.path(), "3", &["--out", "out", "-o", "json"]);
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Two scenarios, a sweep of two and two more, three seeds.
    assert_eq!(results["runs"].as_array().unwrap().len(), 24);
    assert_eq!(results["baseline"], "hpa:target=0.5");
    let fixed = results["summary"]
        .as_array()
        .unwrap()
        .iter()
        .find(|of| of["recommender"] == "fixed")
        .unwrap();
    // One pod for what takes three: worse, and the seeds leave no doubt of it.
    let worse = &fixed["against"]["violated_windows"];
    assert!(worse["low"].as_f64().unwrap() > 0.1, "{fixed:#}");
    assert!(
        fixed["against"]["core_hours"]["high"].as_f64().unwrap() < 0.0,
        "{fixed:#}"
    );
    let out = folder.path().join("out");
    assert_eq!(
        serde_json::from_str::<Value>(&read_to_string(out.join("results.json")).unwrap()).unwrap(),
        results
    );
    let csv = read_to_string(out.join("results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 25);
    let report = read_to_string(out.join("report.html")).unwrap();
    assert_eq!(report.matches("<svg").count(), 3);
    for outside in ["<script", "<link", "src="] {
        assert!(!report.contains(outside), "it needs nothing from outside");
    }
}

#[test]
fn parts_interruptions_and_threads_change_nothing() {
    let folder = folder();
    let here = folder.path();
    evaluate(here, "3", &["--out", "whole", "--threads", "1"]);
    for part in ["0/3", "1/3", "2/3"] {
        let out = format!("parts/{}", part.replace('/', "-"));
        let output = evaluate(here, "3", &["--shard", part, "--out", &out]);
        assert!(said(&output).contains("Part"), "{}", said(&output));
    }
    let merged = ibn(here, &["--merge", "parts", "--out", "merged"]);
    assert!(merged.status.success(), "{}", said(&merged));

    // Interrupted in the middle of a line, and gone on with after the seeds were two.
    evaluate(here, "2", &["--out", "torn"]);
    let cells = here.join("torn/cells.jsonl");
    let mut bytes = read(&cells).unwrap();
    bytes.truncate(bytes.len() * 2 / 3);
    write(&cells, bytes).unwrap();
    let output = evaluate(here, "3", &["--out", "torn", "--threads", "2"]);
    assert!(said(&output).contains("Going on: "), "{}", said(&output));

    for name in ["results.json", "results.csv", "report.html"] {
        let whole = read(here.join("whole").join(name)).unwrap();
        for other in ["merged", "torn"] {
            assert_eq!(
                read(here.join(other).join(name)).unwrap(),
                whole,
                "{other}/{name}"
            );
        }
    }
    let again = evaluate(here, "3", &["--out", "whole"]);
    assert!(said(&again).contains("24 of 24"), "{}", said(&again));
}

#[test]
fn a_part_that_is_missing_or_of_another_grid_is_told() {
    let folder = folder();
    let here = folder.path();
    evaluate(here, "2", &["--shard", "0/2", "--out", "parts"]);
    let output = ibn(here, &["--merge", "parts"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("8 of the grid's runs are missing"),
        "{}",
        said(&output)
    );
    evaluate(here, "1", &["--shard", "1/2", "--out", "parts"]);
    let output = ibn(here, &["--merge", "parts"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("different grids"),
        "{}",
        said(&output)
    );
    for (args, told) in [
        (
            &["-f", "nowhere.toml", "--recommender", "hpa"][..],
            "nowhere.toml",
        ),
        (
            &["-f", "scenarios", "--recommender", "hpa:target=0..1"],
            "FROM..TO/N",
        ),
        (
            &["-f", "scenarios", "--recommender", "hpa:target=7"],
            "0.01 to 2",
        ),
        (
            &["-f", "scenarios", "scenarios", "--recommender", "hpa"],
            "two scenarios",
        ),
        (&["--recommender", "hpa"], "--file"),
        (&["--merge", "scenarios"], "no runs"),
    ] {
        let output = ibn(here, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(told), "{}", said(&output));
    }
}
