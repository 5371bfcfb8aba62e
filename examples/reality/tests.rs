//! The comparison on a made-up directory whose runs have closed forms, and on the recorded one.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::record::read_directory;
use crate::report::Run;
use crate::{Settings, compare};

const SETTINGS: Settings = Settings {
    phases: 4,
    seed: 1,
    one_quota: false,
};

fn write(directory: &Path, name: &str, lines: &[Value]) {
    let file = File::create(directory.join(name)).unwrap();
    let mut writer = GzEncoder::new(file, Compression::fast());
    for line in lines {
        writeln!(writer, "{line}").unwrap();
    }
    writer.finish().unwrap();
}

fn config(limit_m: u64, profile: &str, end_s: u32) -> Value {
    json!({
        "limit_m": limit_m, "replicas": 1, "service_ms": 10, "concurrency": null, "max_queue": 20,
        "mode": "clusterip-fresh", "arrivals": "deterministic", "profile": profile, "seed": 3, "end_s": end_s,
    })
}

/// A run of 70 s at an even rate, of which the last 60 s are measured; the last request would come at its very end.
fn at_rate(kind: &str, rate: u64, served_rps: f64, ms: f64, cores: f64) -> Value {
    let (offered, served) = (60 * rate, (60.0 * served_rps).round() as u64);
    let latency = json!({"mean": ms, "p50": ms, "p95": ms});
    json!({
        "kind": kind, "id": format!("{kind}-{rate}"), "config": config(200, &format!("0:{rate},70:{rate}"), 70),
        "parallel": [], "cpu_ms_per_completed": 10.5, "cpu_cores": cores,
        "window": {
            "from_s": 10, "to_s": 70, "offered": offered, "offered_rps": rate, "served_rps": served_rps,
            "codes": {"200": served, "503": offered - served}, "latency_ms": latency,
        },
        "whole": {"offered": 70 * rate - 1, "codes": {"200": served}, "latency_ms": latency},
    })
}

fn made_up() -> (Vec<Value>, Vec<Value>) {
    // One request a second finds an idle pod: its CPU time, half a millisecond of waking included, and 0.3 ms of way. At
    // 40 a second the quota is saturated: 20 ms in 100 are 19.05 requests of 10.5 ms, and 22 are there at a time.
    let steady = vec![at_rate("steady", 1, 1.0, 10.8, 0.0105)];
    let overload = at_rate("overload", 40, 200.0 / 10.5, 1155.0, 0.2);
    let whole = json!({"offered": 300, "codes": {"200": 300}, "latency_ms": {"mean": 12.0, "p50": 12.0, "p95": 12.0}});
    // 5 a second use 52m of 200m: the autoscaler leaves one pod. 5, then 25 a second: two pods aren't enough for 60 %.
    let samples: Vec<Value> = (0..=12)
        .map(|at| json!({"t": at * 5, "replicas": 1}))
        .collect();
    let hpa = json!({
        "minReplicas": 1, "maxReplicas": 4,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 15}]}},
    });
    let idle = json!({
        "kind": "hpa", "id": "hpa-idle", "config": config(200, "0:5,60:5", 60), "hpa": hpa, "whole": whole,
        "samples": samples, "bins": [], "actions": [],
    });
    let bins: Vec<Value> = (0..60)
        .map(|at| json!({"from_s": at, "to_s": at + 1, "served": 5, "latency_ms": {"mean": 12.0}}))
        .collect();
    let dynamic = |kind: &str, actions: Value| {
        json!({
            "kind": kind, "id": kind, "config": config(200, "0:5,60:5", 60), "hpa": null, "whole": whole,
            "samples": [], "bins": bins, "actions": actions,
        })
    };
    let starts = (0..8).map(|at| {
        let process = if at < 4 { 0.4 } else { 0.8 };
        let ready = process + 0.1 + 0.125 + 0.25 * f64::from(at % 4);
        json!({
            "kind": "startup", "id": format!("startup-{at}"), "jitter": true, "limit_m": if at < 4 { 200 } else { 50 },
            "readiness_period_s": 2, "process_started": process, "ready_seen": ready,
            "answers_at_cluster_ip": ready + if at % 2 == 0 { 0.1 } else { 1.1 },
        })
    });
    let dynamics = vec![
        overload,
        idle,
        dynamic(
            "resize-load",
            json!([{"t": 30.0, "what": "up", "detail": "limit and request of the pod to 500m"}]),
        ),
        dynamic(
            "kill",
            json!([{"t": 25.0, "what": "kill-delete", "detail": "DELETE of one of the pods"}]),
        ),
        json!({"kind": "resize", "id": "resize-0", "pod_s": 0.010, "container_s": 0.020, "status_s": 1.0}),
    ];
    (steady, dynamics.into_iter().chain(starts).collect())
}

#[test]
fn closed_forms_are_met_and_laws_are_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let (steady, dynamics) = made_up();
    write(directory.path(), "steady.jsonl.gz", &steady);
    write(directory.path(), "dynamics.jsonl.gz", &dynamics);
    let lines = read_directory(directory.path()).unwrap();
    let report = compare(&lines, &SETTINGS).unwrap();
    assert!(report.is_met(), "{report}");
    for run in &report.runs {
        match run {
            Run::Steady(run) => {
                let mean = run.mean_error.unwrap();
                assert!(
                    run.load_is_equal && mean.abs() < 0.05,
                    "{}: {mean}",
                    run.name
                );
                assert!(
                    run.failed_points.abs() < 1.5,
                    "{}: {}",
                    run.name,
                    run.failed_points
                );
            }
            Run::Autoscale(run) => assert_eq!((run.equal, run.load_is_equal), (1.0, true)),
            Run::Dynamic(run) => assert!(run.load_is_equal && run.segments.len() == 2),
        }
    }
    let json = serde_json::to_value(&report).unwrap();
    let near = |key: &str, expected: f64| {
        let found = json["laws"][key].as_f64().unwrap();
        assert!((found - expected).abs() < 1e-9, "{key}: {found}");
    };
    // At 50m the runtime's work waits for 0.4 s: 5 ms a period are spent in five periods.
    near("process_s", 0.4);
    near("runtime_cpu_s", 0.025);
    near("notice_s", 0.1);
    near("probe_fails", 0.0);
    near("service_s", 0.1);
    near("service_waits", 0.5);
    assert_eq!(json["runs"].as_array().unwrap().len(), 5);
    assert_eq!(json["runs"][0]["name"], "overload-40");
    assert_eq!(json["met"]["overload"], true);
}

#[test]
fn a_missed_bar_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let slow = at_rate("steady", 1, 1.0, 100.0, 0.0105);
    write(directory.path(), "steady.jsonl.gz", &[slow]);
    let report = compare(&read_directory(directory.path()).unwrap(), &SETTINGS).unwrap();
    assert!(!report.is_met());
    assert!(
        report.to_string().contains("MISSED steady runs"),
        "{report}"
    );
    assert!(
        report.to_string().contains("absent replicas equal"),
        "{report}"
    );
}

#[test]
fn the_same_seed_says_the_same() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "dynamics.jsonl.gz", &made_up().1);
    let lines = read_directory(directory.path()).unwrap();
    let told = || serde_json::to_string(&compare(&lines, &SETTINGS).unwrap()).unwrap();
    assert_eq!(told(), told());
}

#[track_caller]
fn refused(lines: Option<&[Value]>, because: &str) {
    let directory = tempfile::tempdir().unwrap();
    if let Some(lines) = lines {
        write(directory.path(), "steady.jsonl.gz", lines);
    }
    let refused = read_directory(directory.path()).and_then(|lines| compare(&lines, &SETTINGS));
    let error = format!("{:#}", refused.unwrap_err());
    assert!(error.contains(because), "{error}");
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    refused(None, "has no *.jsonl.gz");
    refused(Some(&[]), "have no lines");
    refused(
        Some(&[json!({"kind": "other"})]),
        "line 1, is no recorded run: unknown variant `other`",
    );
    let mut run = at_rate("steady", 1, 1.0, 10.0, 0.01);
    run["config"]["profile"] = json!("0:1");
    refused(
        Some(&[run.clone()]),
        "can't simulate the run `steady-1`: the profile `0:1` needs two points",
    );
    run["config"]["limit_m"] = json!("much");
    refused(Some(&[run]), "line 1, is no recorded run");
    let nowhere = read_directory(Path::new("/nowhere"))
        .unwrap_err()
        .to_string();
    assert!(
        nowhere.contains("can't read the directory /nowhere"),
        "{nowhere}"
    );
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("steady.jsonl.gz"), "plain text\n").unwrap();
    let plain = read_directory(directory.path()).unwrap_err().to_string();
    assert!(plain.contains("is not gzipped text"), "{plain}");
}

/// The recorded runs are no part of the project: where they are absent, the test says so.
#[test]
fn every_bar_is_met_on_the_recorded_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/measurements");
    let found = if folder.exists() {
        Ok(())
    } else {
        Err(format!("there is no {}", folder.display()))
    };
    if ibn_testkit::service::need("oracles", found).is_none() {
        return;
    }
    let lines = read_directory(&folder).expect("the files are readable");
    let report = compare(
        &lines,
        &Settings {
            phases: 32,
            ..SETTINGS
        },
    )
    .expect("every run is simulated");
    assert!(report.runs.len() > 40, "{report}");
    assert!(report.is_met(), "{report}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["summary"]["load_equal_share"], 1.0, "{report}");
}
