//! The demo's own metrics on a real Prometheus, with the rules and the dashboards of `deploy/`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed helper fails its test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ibn_assurance::prometheus::{PrometheusMonitor, Templates};
use ibn_core::observation::Signal;
use ibn_core::roles::{Clock, Monitor};
use ibn_core::units::Quantile;
use ibn_core::workload::WorkloadRef;
use ibn_testkit::service;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Seconds of the demo in a second.
const SPEED: f64 = 600.0;
/// Five scrapes.
const WINDOW: Duration = Duration::from_secs(5);

/// A process that ends, by its own id, when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The demo, and where it is served.
fn demo() -> (Process, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ibn"))
        .args([
            "demo",
            "--listen",
            "127.0.0.1:0",
            "--state-dir",
            ":memory:",
            "--speed",
            &SPEED.to_string(),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = child.stdout.take().unwrap();
    let process = Process(child);
    let mut address = String::new();
    BufReader::new(output).read_line(&mut address).unwrap();
    let address = address.trim().to_owned();
    assert!(address.starts_with("http://127.0.0.1:"), "`{address}`");
    (process, address)
}

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../deploy")
        .join(path)
}

fn read(path: &str) -> String {
    let full = deploy(path);
    std::fs::read_to_string(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()))
}

/// A Prometheus on a free port, with the configuration of `deploy/` at a quicker pace.
struct Prometheus {
    url: String,
    _process: Process,
    _folder: TempDir,
}

impl Prometheus {
    async fn start(target: &str) -> Self {
        let mut text = read("prometheus/prometheus.yml");
        let rules = deploy("prometheus/rules/*.yml").display().to_string();
        for (from, to) in [
            ("demo:8080", target.trim_start_matches("http://")),
            ("rules/*.yml", &rules),
            ("scrape_interval: 2s", "scrape_interval: 1s"),
            ("scrape_timeout: 2s", "scrape_timeout: 1s"),
            ("evaluation_interval: 5s", "evaluation_interval: 1s"),
        ] {
            assert!(text.contains(from), "the configuration lacks `{from}`");
            text = text.replace(from, to);
        }
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, text).unwrap();
        // The port is free when it is chosen; where somebody else was quicker, another one is.
        for _ in 0..5 {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = free.local_addr().unwrap();
            drop(free);
            let child = Command::new("prometheus")
                .arg(format!("--config.file={}", config.display()))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    folder.path().join("data").display()
                ))
                .arg(format!("--web.listen-address={address}"))
                .arg("--log.level=error")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let mut process = Process(child);
            let url = format!("http://{address}");
            let deadline = Instant::now() + Duration::from_secs(60);
            while Instant::now() < deadline && process.0.try_wait().unwrap().is_none() {
                let answer = reqwest::get(format!("{url}/-/ready")).await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return Self {
                        url,
                        _process: process,
                        _folder: folder,
                    };
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        panic!("prometheus does not start");
    }

    /// What the API says; panics where it says no.
    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let url = format!("{}/api/v1/{path}", self.url);
        let url = reqwest::Url::parse_with_params(&url, parameters).unwrap();
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["status"], "success", "{path} {parameters:?}: {body}");
        body["data"].clone()
    }

    /// The values of a query's series that are numbers.
    async fn numbers(&self, expression: &str) -> Vec<f64> {
        let data = self.get("query", &[("query", expression)]).await;
        let series = data["result"].as_array().unwrap().iter();
        series
            .map(|it| it["value"][1].as_str().unwrap().parse::<f64>().unwrap())
            .filter(|value| !value.is_nan())
            .collect()
    }
}

/// Asks again until it holds, a minute at most; `try_it` says what is still wrong.
async fn until<F: Future<Output = Result<(), String>>>(try_it: impl Fn() -> F) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Err(wrong) = try_it().await {
        assert!(Instant::now() < deadline, "{wrong}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Name and type of each metric in the tables of `METRICS.md`.
fn catalogue() -> Vec<(String, String)> {
    let text = read("prometheus/METRICS.md");
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        Some((
            cells.next()?.trim_end_matches('`').to_owned(),
            cells.next()?.to_owned(),
        ))
    });
    let found: Vec<(String, String)> = rows.collect();
    assert!(found.len() > 30, "{found:?}");
    found
}

/// Each query of each panel, by where it stands.
fn panels() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(deploy("grafana/dashboards")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let dashboard: Value = serde_json::from_str(&text).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let expression = target["expr"].as_str().unwrap();
                let filled = expression
                    .replace("$namespace", "acme")
                    .replace("$workload", "web")
                    .replace("$__rate_interval", "5s");
                assert!(!filled.contains('$'), "an unknown variable: {expression}");
                let file = path.file_name().unwrap().display();
                found.push((format!("{file}: {}", panel["title"]), filled));
            }
        }
    }
    assert!(found.len() > 40, "{}", found.len());
    found
}

/// The sum of the samples of a metric whose line has all of `parts`, as the demo exports it now.
async fn exported(demo: &str, parts: &[&str]) -> f64 {
    let text = reqwest::get(format!("{demo}/metrics")).await.unwrap();
    let text = text.text().await.unwrap();
    let lines = text
        .lines()
        .filter(|line| parts.iter().all(|part| line.contains(part)));
    lines
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_demo_exports_feeds_monitor_rules_and_dashboards() {
    if service::need("prometheus", service::program("prometheus")).is_none() {
        return;
    }
    let (_demo, demo) = demo();
    let prometheus = Prometheus::start(&demo).await;
    each_metric_is_exported(&prometheus).await;
    rules_are_evaluated(&prometheus).await;
    panels_show_numbers(&prometheus, &demo).await;
    the_monitor_reads_what_was_counted(&prometheus, &demo).await;
}

async fn each_metric_is_exported(prometheus: &Prometheus) {
    until(|| async {
        let names = prometheus
            .get("label/__name__/values", &[("match[]", r#"{job="ibn"}"#)])
            .await;
        let names = names.as_array().unwrap().iter().filter_map(Value::as_str);
        let names: BTreeSet<&str> = names.filter(|name| name.starts_with("ibn_")).collect();
        let mut expected = BTreeSet::new();
        for (name, kind) in catalogue() {
            if kind == "histogram" {
                expected.extend(["bucket", "count", "sum"].map(|end| format!("{name}_{end}")));
            } else {
                expected.insert(name);
            }
        }
        let missing: Vec<&String> = expected
            .iter()
            .filter(|it| !names.contains(it.as_str()))
            .collect();
        let unknown: Vec<&&str> = names.iter().filter(|it| !expected.contains(**it)).collect();
        if missing.is_empty() && unknown.is_empty() {
            Ok(())
        } else {
            Err(format!("missing: {missing:?}; not described: {unknown:?}"))
        }
    })
    .await;
    let described = prometheus.get("metadata", &[]).await;
    for (name, kind) in catalogue() {
        // The text form tells a counter's type without its ending.
        let family = name.strip_suffix("_total").unwrap_or(&name);
        let told = [family, &name].map(|it| described[it][0]["type"].as_str());
        assert!(told.contains(&Some(kind.as_str())), "{name}: {told:?}");
    }
}

async fn rules_are_evaluated(prometheus: &Prometheus) {
    until(|| async {
        let groups = prometheus.get("rules", &[]).await;
        let groups = groups["groups"].as_array().unwrap();
        let rules = groups
            .iter()
            .flat_map(|group| group["rules"].as_array().unwrap());
        let mut count = 0;
        for rule in rules {
            count += 1;
            let name = rule["name"].as_str().unwrap();
            if rule["health"] != "ok" {
                return Err(format!("{name}: {} {}", rule["health"], rule["lastError"]));
            }
            if rule["type"] == "recording" && prometheus.numbers(name).await.is_empty() {
                return Err(format!("{name} records no number"));
            }
        }
        if count < 15 {
            return Err(format!("{count} rules only"));
        }
        Ok(())
    })
    .await;
}

async fn panels_show_numbers(prometheus: &Prometheus, demo: &str) {
    let client = reqwest::Client::new();
    let missing = std::sync::Mutex::new(panels());
    until(|| async {
        // Somebody asks, so that translations take time.
        let asked = json!({"text": "scale web in acme to 5"}).to_string();
        let answer = client
            .post(format!("{demo}/api/v1/translate"))
            .header("content-type", "application/json")
            .body(asked)
            .send();
        assert_eq!(answer.await.unwrap().status(), 200);
        let open = std::mem::take(&mut *missing.lock().unwrap());
        let mut still = Vec::new();
        for (place, expression) in open {
            if prometheus.numbers(&expression).await.is_empty() {
                still.push((place, expression));
            }
        }
        let told = format!("no number: {still:#?}");
        let done = still.is_empty();
        *missing.lock().unwrap() = still;
        if done { Ok(()) } else { Err(told) }
    })
    .await;
}

/// The monitor's answer against the counters that the demo itself had at the begin and the end of the window. Demand moves, and
/// scrapes don't fall on its ends: within a half, which tells units and speed apart (600).
async fn the_monitor_reads_what_was_counted(prometheus: &Prometheus, demo: &str) {
    let web = WorkloadRef::deployment("acme", "web");
    let templates = Templates::simulated().unwrap();
    let monitor = PrometheusMonitor::new(&prometheus.url, templates, Arc::new(SystemClock));
    let monitor = monitor.unwrap();
    let counted = || async {
        let of = r#"{namespace="acme",kind="Deployment",workload="web""#;
        let requests = exported(demo, &["ibn_workload_requests_total", of]).await;
        let cpu = exported(demo, &["ibn_workload_cpu_usage_seconds_total", of]).await;
        BTreeMap::from([(Signal::RequestRate, requests), (Signal::CpuUsage, cpu)])
    };
    until(|| async {
        let (before, began) = (counted().await, Instant::now());
        tokio::time::sleep(WINDOW).await;
        let seen = monitor.observe(std::slice::from_ref(&web), WINDOW).await;
        let seen = seen.unwrap().remove(0);
        let (after, took) = (counted().await, began.elapsed().as_secs_f64());
        for (signal, count) in &after {
            let expected = (count - before[signal]) / took / SPEED;
            let value = seen.value(signal).ok_or(format!("no {signal}"))?;
            let near = value > expected / 1.5 && value < expected * 1.5;
            if !near || expected <= 0.0 {
                return Err(format!("{signal} is {value}, not {expected}"));
            }
        }
        let p95 = seen.value(&Signal::Latency(Quantile::P95));
        match p95.ok_or("no latency")? {
            p95 if p95 > 0.0 && p95 <= 10.0 => Ok(()),
            p95 => Err(format!("the latency is {p95} s")),
        }
    })
    .await;
}
