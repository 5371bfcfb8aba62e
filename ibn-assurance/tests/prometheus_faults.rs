//! A Prometheus that misbehaves in every way.
#![expect(
    clippy::unwrap_used,
    reason = "the functions that tests share fail as tests do"
)]

use std::sync::Arc;
use std::time::Duration;

use ibn_assurance::prometheus::{PrometheusMonitor, Templates};
use ibn_core::observation::{Observation, Signal, SignalHealth};
use ibn_core::roles::{Monitor, VirtualClock};
use ibn_core::units::Quantile;
use ibn_core::workload::WorkloadRef;
use ibn_core::{Error, ErrorKind};
use ibn_testkit::monitor::check;
use jiff::Timestamp;
use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const MINUTE: Duration = Duration::from_secs(60);
const NOW: i64 = 1_767_225_600;

fn web() -> WorkloadRef {
    WorkloadRef::deployment("acme", "web")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(NOW + second).unwrap()
}

fn part(name: &str, value: &str) -> Value {
    json!({"metric": {"ibn_part": name}, "value": [NOW, value]})
}

fn vector(series: Vec<Value>) -> Value {
    json!({"status": "success", "data": {"resultType": "vector", "result": series}})
}

/// An answer with a value whose samples are `age` seconds old.
fn answer(value: &str, age: i64) -> Value {
    vector(vec![
        part("value", value),
        part("time", &(NOW - age).to_string()),
    ])
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn one_signal() -> Templates {
    Templates::empty()
        .with(Signal::CpuUsage, r#"sum(cpu{app="{{name}}"})"#)
        .unwrap()
}

fn monitor(server: &MockServer, templates: Templates) -> PrometheusMonitor {
    let clock = Arc::new(VirtualClock::new(at(0)));
    PrometheusMonitor::new(&server.uri(), templates, clock).unwrap()
}

async fn server(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/v1/query"))
        .respond_with(response)
        .mount(&server)
        .await;
    server
}

async fn see(response: ResponseTemplate) -> ibn_core::Result<Observation> {
    let server = server(response).await;
    let seen = monitor(&server, one_signal())
        .observe(&[web()], MINUTE)
        .await?;
    Ok(seen.into_iter().next().unwrap())
}

async fn error_of(response: ResponseTemplate) -> Error {
    see(response).await.unwrap_err()
}

#[tokio::test]
async fn a_reading_has_the_time_of_its_samples() {
    let seen = see(ok(answer("0.75", 40))).await.unwrap();
    let reading = seen.readings[&Signal::CpuUsage];
    assert_eq!((reading.value, reading.at), (0.75, at(-40)));
    assert_eq!(seen.at, at(0));
    assert_eq!(
        seen.health(&Signal::CpuUsage, at(0), MINUTE),
        SignalHealth::Fresh
    );
    let old = see(ok(answer("0.75", 70))).await.unwrap();
    assert_eq!(
        old.health(&Signal::CpuUsage, at(0), MINUTE),
        SignalHealth::Stale
    );
}

#[tokio::test]
async fn what_is_missing_is_missing_and_nan_is_nan() {
    let health = |body: Value| async move {
        let seen = see(ok(body)).await.unwrap();
        seen.health(&Signal::CpuUsage, at(0), MINUTE)
    };
    assert_eq!(health(vector(vec![])).await, SignalHealth::Missing);
    assert_eq!(health(answer("NaN", 1)).await, SignalHealth::Invalid);
    assert_eq!(health(answer("+Inf", 1)).await, SignalHealth::Invalid);
    assert_eq!(health(answer("0", 1)).await, SignalHealth::Fresh);
    // A value without a time is of nobody knows when; a time without a value is none.
    assert_eq!(
        health(vector(vec![part("value", "1")])).await,
        SignalHealth::Missing
    );
    assert_eq!(
        health(vector(vec![part("time", "1767225600")])).await,
        SignalHealth::Missing
    );
    // Which of two is meant?
    let two = vec![
        part("value", "1"),
        part("value", "2"),
        part("time", "1767225600"),
    ];
    assert_eq!(health(vector(two)).await, SignalHealth::Missing);
    let unusable = vec![part("value", "1"), part("time", "1e300")];
    assert_eq!(health(vector(unusable)).await, SignalHealth::Missing);
}

#[tokio::test]
async fn overload_and_failure_of_the_server_are_unavailable() {
    for status in [429, 500, 502, 503, 504] {
        let plain = error_of(ResponseTemplate::new(status).set_body_string("busy")).await;
        assert_eq!(plain.kind(), ErrorKind::Unavailable, "{plain}");
        assert!(
            plain
                .to_string()
                .contains(&format!("status {status}: busy")),
            "{plain}"
        );
    }
    let body = json!({"status": "error", "errorType": "timeout", "error": "query timed out in expression evaluation"});
    let told = error_of(ResponseTemplate::new(503).set_body_json(body)).await;
    assert!(told.to_string().contains("query timed out"), "{told}");
}

#[tokio::test]
async fn what_the_server_rejects_is_refused() {
    for (status, kind) in [
        (400, "bad_data"),
        (422, "execution"),
        (401, "unauthorized"),
        (404, "not_found"),
    ] {
        let body = json!({"status": "error", "errorType": kind, "error": "no, thank you"});
        let error = error_of(ResponseTemplate::new(status).set_body_json(body)).await;
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.to_string().contains("no, thank you"), "{error}");
    }
    let lied = json!({"status": "error", "errorType": "bad_data", "error": "said with 200"});
    assert_eq!(error_of(ok(lied)).await.kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn what_is_no_answer_is_corrupt() {
    let html = ResponseTemplate::new(200).set_body_string("<html>sign in</html>");
    let matrix = json!({"status": "success", "data": {"resultType": "tensor", "result": []}});
    let number = json!({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, 2]}]}});
    for response in [
        html,
        ok(json!({"status": "success"})),
        ok(matrix),
        ok(number),
        ok(json!([])),
    ] {
        let error = error_of(response).await;
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
}

#[tokio::test]
async fn silence_is_timed_out_and_nobody_there_is_unavailable() {
    let server = server(ok(answer("1", 0)).set_delay(Duration::from_secs(30))).await;
    let monitor = monitor(&server, one_signal())
        .with_timeout(Duration::from_millis(50))
        .unwrap();
    let error = monitor.observe(&[web()], MINUTE).await.unwrap_err();
    assert_eq!(
        error,
        Error::TimedOut {
            service: "Prometheus".to_owned(),
            after_ms: 50
        }
    );

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let clock = Arc::new(VirtualClock::new(at(0)));
    let monitor = PrometheusMonitor::new(&address, one_signal(), clock.clone()).unwrap();
    let error = monitor.observe(&[web()], MINUTE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(PrometheusMonitor::new("not an address", one_signal(), clock).is_err());
}

#[tokio::test]
async fn one_question_that_fails_leaves_one_signal_missing() {
    let server = MockServer::start().await;
    Mock::given(body_string_contains("memory"))
        .respond_with(ResponseTemplate::new(503))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(ok(answer("1", 0)))
        .mount(&server)
        .await;
    let templates = one_signal()
        .with(Signal::MemoryUsage, "sum(memory)")
        .unwrap();
    let seen = monitor(&server, templates)
        .observe(&[web()], MINUTE)
        .await
        .unwrap();
    assert_eq!(seen[0].value(&Signal::CpuUsage), Some(1.0));
    assert_eq!(seen[0].readings.get(&Signal::MemoryUsage), None);
}

#[tokio::test]
async fn a_server_that_is_down_is_not_asked_for_ever() {
    let server = server(ResponseTemplate::new(503)).await;
    let monitor = monitor(&server, Templates::simulated().unwrap()).with_concurrency(2);
    let workloads: Vec<WorkloadRef> = (0..50)
        .map(|idx| WorkloadRef::deployment("acme", &format!("w{idx}")))
        .collect();
    let error = monitor.observe(&workloads, MINUTE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let asked = server.received_requests().await.unwrap().len();
    assert!((3..=4).contains(&asked), "asked {asked} times of 600");
}

#[tokio::test]
async fn questions_are_bounded_escaped_and_of_one_instant() {
    let server = server(ok(answer("1", 0)).set_delay(Duration::from_millis(5))).await;
    let odd = WorkloadRef::deployment("acme", r#"we"b} or vector(1)"#);
    let templates = Templates::simulated().unwrap();
    let quantiles = [Quantile::P99, Quantile::P50, Quantile::P50];
    let monitor = monitor(&server, templates).with_quantiles(&quantiles);
    let seen = monitor.observe(&[odd], MINUTE).await.unwrap();
    assert_eq!(seen[0].readings.len(), 9 + 2);
    assert!(
        seen[0]
            .readings
            .contains_key(&Signal::Latency(Quantile::P99))
    );
    for request in server.received_requests().await.unwrap() {
        let form = form(&request);
        assert_eq!(form["time"], format!("{NOW}.000"));
        assert!(
            !form["query"].contains(r#"workload="we"b"#),
            "{}",
            form["query"]
        );
        assert!(form["query"].contains("[60s"), "{}", form["query"]);
    }
}

fn form(request: &Request) -> std::collections::HashMap<String, String> {
    let url = reqwest::Url::parse("http://x/?").unwrap();
    let mut url = url;
    url.set_query(Some(std::str::from_utf8(&request.body).unwrap()));
    url.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn it_conforms() {
    let server = MockServer::start().await;
    Mock::given(body_string_contains("no-such"))
        .respond_with(ok(vector(vec![])))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(ok(answer("1", 0)))
        .mount(&server)
        .await;
    check(&monitor(&server, Templates::kubernetes().unwrap()), &web()).await;
}

#[tokio::test]
async fn indicators_of_users_are_measured_under_their_name() {
    let indicator = serde_json::from_value(json!({
        "apiVersion": "ibn.dev/v1alpha1", "kind": "Indicator", "metadata": {"name": "queue-depth"},
        "spec": {
            "direction": "LowerIsBetter",
            "query": "max({{metric}}{namespace=\"{{namespace}}\",app=\"{{name}}\"})",
            "parameters": {"metric": "queue_depth"},
        },
    }));
    let templates = Templates::empty()
        .with_indicator(&indicator.unwrap())
        .unwrap();
    let server = server(ok(answer("17", 0))).await;
    let seen = monitor(&server, templates)
        .observe(&[web()], MINUTE)
        .await
        .unwrap();
    assert_eq!(
        seen[0].value(&Signal::Custom("queue-depth".to_owned())),
        Some(17.0)
    );
    let asked = server.received_requests().await.unwrap();
    assert!(form(&asked[0])["query"].contains(r#"max(queue_depth{namespace="acme",app="web"})"#));
}

#[tokio::test]
async fn a_constant_is_of_now() {
    let server = server(ok(vector(vec![part("value", "3")]))).await;
    let templates = Templates::empty().with(Signal::ReadyReplicas, "3").unwrap();
    let seen = monitor(&server, templates)
        .observe(&[web()], MINUTE)
        .await
        .unwrap();
    assert_eq!(seen[0].readings[&Signal::ReadyReplicas].at, at(0));
}
