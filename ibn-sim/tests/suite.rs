//! The scenarios that are shipped: all are read, are what their file is called, and run; the recorded ones where their traces are.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use ibn_sim::autoscaler::hpa::Hpa;
use ibn_sim::{Episode, Scenario, run};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    files
}

fn load(path: &Path) -> Scenario {
    let scenario = Scenario::load(path).unwrap();
    assert_eq!(
        path.file_stem().unwrap().to_str(),
        Some(scenario.name.as_str())
    );
    scenario
}

/// Its first ten minutes.
fn beginning(scenario: Scenario) -> Episode {
    let short = Scenario {
        horizon: Duration::from_secs(600),
        ..scenario
    };
    run(&short, &mut |_| Box::new(Hpa::new(70)), 1).unwrap()
}

#[test]
fn every_shipped_scenario_runs() {
    let files = files("../examples/scenarios");
    assert!(files.len() >= 12, "{} scenarios", files.len());
    for path in files {
        let scenario = load(&path);
        let idles = scenario.name == "idle";
        let episode = beginning(scenario);
        for of in &episode.workloads {
            assert!(
                idles || of.counts.served > 100,
                "{}: {of:?}",
                path.display()
            );
        }
    }
}

#[test]
fn every_recorded_scenario_runs() {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traces");
    let found = traces.read_dir().map(drop);
    if ibn_testkit::service::need("oracles", found).is_none() {
        return;
    }
    for path in files("../examples/scenarios/recorded") {
        let episode = beginning(load(&path));
        assert!(
            episode.workloads.iter().all(|of| of.counts.served > 100),
            "{}",
            path.display()
        );
    }
}
