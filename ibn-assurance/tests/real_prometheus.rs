//! Against a real Prometheus that scrapes an application whose numbers are known.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the functions that tests share fail as tests do"
)]
#![expect(
    dead_code,
    reason = "the test of the deployment files uses the rest of `support`"
)]

mod support;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ibn_assurance::prometheus::{PrometheusMonitor, Templates};
use ibn_core::ErrorKind;
use ibn_core::observation::{Observation, Signal, SignalHealth};
use ibn_core::roles::{Clock, Monitor};
use ibn_core::units::Quantile;
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use ibn_testkit::monitor::check;
use jiff::Timestamp;
use support::exporter::{self, Exporter};
use support::server::Server;
use support::{dashboards, has};

const WINDOW: Duration = Duration::from_secs(5);
/// Eight scrapes.
const MAX_AGE: Duration = Duration::from_secs(4);

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

fn web() -> WorkloadRef {
    WorkloadRef::deployment("acme", "web")
}

fn monitor(server: &Server, templates: Templates) -> PrometheusMonitor {
    PrometheusMonitor::new(&server.url, templates, Arc::new(SystemClock)).unwrap()
}

async fn see(monitor: &dyn Monitor, workload: &WorkloadRef) -> Observation {
    monitor
        .observe(std::slice::from_ref(workload), WINDOW)
        .await
        .unwrap()
        .remove(0)
}

fn health(seen: &Observation, signal: &Signal) -> SignalHealth {
    seen.health(signal, seen.at, MAX_AGE)
}

/// Asks again until it holds, a minute at most; `try_it` says what is still wrong.
async fn until<F: Future<Output = Result<(), String>>>(try_it: impl Fn() -> F) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match try_it().await {
            Ok(()) => return,
            Err(wrong) => assert!(Instant::now() < deadline, "{wrong}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Each signal is fresh and within `share` of what the application did.
fn compare(seen: &Observation, expected: &[(Signal, f64, f64)]) -> Result<(), String> {
    for (signal, expected, share) in expected {
        let health = health(seen, signal);
        if health != SignalHealth::Fresh {
            return Err(format!("{signal} is {health}"));
        }
        let value = seen.value(signal).unwrap();
        if (value - expected).abs() > share * expected {
            return Err(format!("{signal} is {value}, not {expected}"));
        }
    }
    Ok(())
}

/// Rates by the counters of whole scrapes, extrapolated to the window: 3 %. Gauges are exact. Quantiles and shares are ratios of
/// rates over the same scrapes, and as good as exact.
fn common() -> Vec<(Signal, f64, f64)> {
    let all = exporter::OK + exporter::FAILED + exporter::DROPPED;
    vec![
        (Signal::RequestRate, all, 0.03),
        (
            Signal::ErrorRate,
            (exporter::FAILED + exporter::DROPPED) / all,
            0.001,
        ),
        (Signal::Latency(Quantile::P50), exporter::P50, 0.001),
        (Signal::Latency(Quantile::P95), exporter::P95, 0.001),
        (Signal::Latency(Quantile::P99), exporter::P99, 0.001),
        (Signal::CpuUsage, exporter::CPU, 0.03),
        (Signal::CpuThrottled, exporter::THROTTLED, 0.001),
        (Signal::MemoryUsage, exporter::MEMORY, 1e-9),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus() {
    if !has("prometheus", "prometheus") {
        return;
    }
    let exporter = Exporter::start().await;
    let mut server = Server::start(exporter.address).await;
    measures_what_the_application_did(&server).await;
    measures_pods_on_kubernetes(&server).await;
    measures_what_users_define(&server).await;
    names_stay_names(&server).await;
    check(&monitor(&server, Templates::simulated().unwrap()), &web()).await;
    rules_are_evaluated(&server).await;
    dashboards_show_something(&server).await;
    what_is_no_longer_exported_is_missing(&server, &exporter).await;
    a_target_that_stops_grows_old(&server, &exporter).await;
    server.stop();
    let gone = monitor(&server, Templates::simulated().unwrap())
        .observe(&[web()], WINDOW)
        .await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::Unavailable);
}

async fn measures_what_the_application_did(server: &Server) {
    let monitor = monitor(server, Templates::simulated().unwrap());
    let mut expected = common();
    expected.extend([
        (Signal::Throughput, exporter::OK, 0.03),
        (Signal::MemoryPeak, exporter::MEMORY_PEAK, 1e-9),
        (Signal::ReadyReplicas, exporter::READY, 1e-9),
    ]);
    // Measured, and none.
    expected.push((Signal::Restarts, 0.0, 0.0));
    until(|| async {
        let seen = see(&monitor, &web()).await;
        compare(&seen, &expected)?;
        for (signal, reading) in &seen.readings {
            if reading.at >= seen.at {
                return Err(format!(
                    "{signal} has the time of the question, not of its sample"
                ));
            }
        }
        Ok(())
    })
    .await;
}

async fn measures_pods_on_kubernetes(server: &Server) {
    let monitor = monitor(server, Templates::kubernetes().unwrap());
    let mut expected = common();
    expected.extend([
        (Signal::Throughput, exporter::OK, 0.03),
        (Signal::MemoryPeak, 200e6, 1e-9),
        (Signal::ReadyReplicas, 2.0, 1e-9),
    ]);
    until(|| async { compare(&see(&monitor, &web()).await, &expected) }).await;
    let api = see(&monitor, &WorkloadRef::deployment("acme", "web-api")).await;
    assert!(
        api.value(&Signal::RequestRate)
            .is_some_and(|rate| rate > 900.0),
        "{api:?}"
    );
    assert_eq!(
        api.value(&Signal::ErrorRate),
        Some(0.0),
        "no series of failures: none failed"
    );
    assert_eq!(health(&api, &Signal::CpuUsage), SignalHealth::Missing);
    let other = WorkloadRef::new("acme", WorkloadKind::StatefulSet, "web");
    assert!(
        see(&monitor, &other).await.readings.is_empty(),
        "another kind, other pods"
    );
}

async fn measures_what_users_define(server: &Server) {
    let indicator = |name: &str, query: &str| {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "ibn.dev/v1alpha1", "kind": "Indicator", "metadata": {"name": name},
            "spec": {"direction": "LowerIsBetter", "query": query, "parameters": {"state": "wanted"}},
        }))
        .unwrap()
    };
    let wanted = r#"sum(ibn_workload_replicas{namespace="{{namespace}}",workload="{{name}}",state="{{state}}"})"#;
    let several = r#"ibn_workload_replicas{workload="{{name}}"}"#;
    let templates = Templates::empty()
        .with_indicator(&indicator("wanted", wanted))
        .and_then(|it| it.with_indicator(&indicator("nan", "test_nothing")))
        .and_then(|it| it.with_indicator(&indicator("several", several)))
        .and_then(|it| it.with_indicator(&indicator("number", "1 + 1")))
        .and_then(|it| {
            it.with_indicator(&indicator(
                "clash",
                r#"label_replace(up, "x", "y", "", "(")"#,
            ))
        });
    let monitor = monitor(server, templates.unwrap());
    let custom = |name: &str| Signal::Custom(name.to_owned());
    until(|| async {
        let seen = see(&monitor, &web()).await;
        compare(
            &seen,
            &[(custom("wanted"), 4.0, 0.0), (custom("number"), 2.0, 0.0)],
        )?;
        let found = ["nan", "several", "clash"].map(|name| health(&seen, &custom(name)));
        // NaN is NaN; of several none is meant; one that fails, fails alone.
        let expected = [
            SignalHealth::Invalid,
            SignalHealth::Missing,
            SignalHealth::Missing,
        ];
        if found == expected {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    })
    .await;
}

async fn names_stay_names(server: &Server) {
    let monitor = monitor(server, Templates::simulated().unwrap());
    for name in [
        r#"web"} or vector(1) #"#,
        r#"x",workload=~".*"#,
        ".*",
        "web\n",
        "web\\",
        "wéb",
    ] {
        let seen = see(&monitor, &WorkloadRef::deployment("acme", name)).await;
        assert!(seen.readings.is_empty(), "{name}: {:?}", seen.readings);
    }
}

async fn rules_are_evaluated(server: &Server) {
    until(|| async {
        let groups = server.get("rules").await;
        for group in groups["groups"].as_array().unwrap() {
            for rule in group["rules"].as_array().unwrap() {
                if rule["health"] != "ok" {
                    return Err(format!(
                        "{} is {}: {}",
                        rule["name"], rule["health"], rule["lastError"]
                    ));
                }
                let name = rule["name"].as_str().unwrap();
                if rule["type"] == "recording" && server.query(name).await.is_empty() {
                    return Err(format!("{name} records nothing"));
                }
            }
        }
        Ok(())
    })
    .await;
    let firing = server
        .query(r#"ALERTS{alertname="IbnObjectiveBurning",alertstate="firing"}"#)
        .await;
    assert_eq!(
        firing.len(),
        1,
        "what burns in both windows fires: {firing:?}"
    );
    // The minute of a rate isn't over yet; a ratio of two is what it will be.
    let p95 = server
        .query("workload:ibn_request_duration_seconds:p95_1m")
        .await;
    let p95: f64 = p95[0]["value"][1].as_str().unwrap().parse().unwrap();
    assert!((p95 - exporter::P95).abs() < 1e-4, "{p95}");
}

async fn dashboards_show_something(server: &Server) {
    for query in dashboards::queries("acme", "web", "5s") {
        until(|| async {
            let series = server.query(&query.expression).await;
            if series.iter().any(|it| it["value"][1] != "NaN") {
                return Ok(());
            }
            Err(format!(
                "{} shows no number: {}",
                query.place, query.expression
            ))
        })
        .await;
    }
    for (selector, label) in dashboards::variables() {
        let selector = selector.replace("$namespace", "acme");
        let url = reqwest::Url::parse_with_params("http://x", [("match[]", &selector)]).unwrap();
        let values = server
            .get(&format!("label/{label}/values?{}", url.query().unwrap()))
            .await;
        assert!(
            !values.as_array().unwrap().is_empty(),
            "{selector} has no {label}"
        );
    }
}

async fn what_is_no_longer_exported_is_missing(server: &Server, exporter: &Exporter) {
    let monitor = monitor(server, Templates::simulated().unwrap());
    exporter.hide("ibn_workload_memory_usage_bytes");
    until(|| async {
        let seen = see(&monitor, &web()).await;
        match health(&seen, &Signal::MemoryUsage) {
            SignalHealth::Missing => Ok(()),
            health => Err(format!("memory is {health}")),
        }
    })
    .await;
    assert_eq!(
        health(&see(&monitor, &web()).await, &Signal::CpuUsage),
        SignalHealth::Fresh
    );
}

async fn a_target_that_stops_grows_old(server: &Server, exporter: &Exporter) {
    let monitor = monitor(server, Templates::simulated().unwrap());
    exporter.stop();
    // A gauge ends at once. A rate still has samples in its window: it keeps the time of the last one, and grows stale.
    let window = Duration::from_secs(30);
    let seen_stale = std::sync::atomic::AtomicBool::new(false);
    until(|| async {
        let seen = monitor.observe(&[web()], window).await.unwrap().remove(0);
        let rate = health(&seen, &Signal::Latency(Quantile::P95));
        if rate == SignalHealth::Stale {
            seen_stale.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        let gauge = health(&seen, &Signal::ReadyReplicas);
        let gone = rate >= SignalHealth::Stale && gauge == SignalHealth::Missing;
        if gone {
            Ok(())
        } else {
            Err(format!("the rate is {rate}, the gauge {gauge}"))
        }
    })
    .await;
    assert!(
        seen_stale.into_inner(),
        "the rate was stale before it was missing"
    );
    until(|| async {
        let seen = see(&monitor, &web()).await;
        if seen.readings.is_empty() {
            Ok(())
        } else {
            Err(format!("still there: {:?}", seen.readings))
        }
    })
    .await;
}
