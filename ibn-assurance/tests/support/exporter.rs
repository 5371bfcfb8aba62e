//! An application whose numbers are known, and what it exports.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::catalogue::{Kind, Metric, metrics};

/// Engine seconds in a second.
pub(crate) const SPEED: f64 = 10.0;
/// Requests a second, in engine time.
pub(crate) const OK: f64 = 36.0;
pub(crate) const FAILED: f64 = 3.0;
pub(crate) const DROPPED: f64 = 1.0;
/// Cores used, in engine time.
pub(crate) const CPU: f64 = 0.6;
/// Share of CFS periods throttled.
pub(crate) const THROTTLED: f64 = 0.25;
pub(crate) const MEMORY: f64 = 300e6;
pub(crate) const MEMORY_PEAK: f64 = 120e6;
pub(crate) const READY: f64 = 3.0;
/// Share of the requests that took at most so long, by the bounds around it: between two bounds they are spread evenly, as
/// `histogram_quantile` takes them to be.
const SHARES: [(f64, f64); 5] = [
    (0.05, 0.0),
    (0.1, 0.5),
    (0.15, 0.9),
    (0.2, 0.98),
    (0.3, 1.0),
];
/// What follows from the shares.
pub(crate) const P50: f64 = 0.1;
pub(crate) const P95: f64 = 0.15 + 0.05 * (0.95 - 0.90) / (0.98 - 0.90);
pub(crate) const P99: f64 = 0.2 + 0.1 * (0.99 - 0.98) / (1.0 - 0.98);
/// The two pods on Kubernetes: each has half of the requests, and so much CPU and memory.
pub(crate) const PODS: [(&str, f64, f64); 2] = [
    ("web-5d4f8c7b9-x2zlk", 0.2, 100e6),
    ("web-5d4f8c7b9-q8vnd", 0.4, 200e6),
];

/// Serves the numbers until it is dropped.
pub(crate) struct Exporter {
    pub(crate) address: SocketAddr,
    hidden: Arc<Mutex<BTreeSet<String>>>,
    task: JoinHandle<()>,
}

impl Exporter {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        // What the table doesn't tell fails here, not in the task.
        let metrics = metrics();
        ibn(&metrics, 0.0, &BTreeSet::new());
        let hidden = Arc::new(Mutex::new(BTreeSet::new()));
        let seen = Arc::clone(&hidden);
        let task = tokio::spawn(async move {
            let started = Instant::now();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0_u8; 4096];
                let n = stream.read(&mut request).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&request[..n]).into_owned();
                // A day has passed, so that no counter is near zero.
                let seconds = 86_400.0 + started.elapsed().as_secs_f64();
                let body = match head.split(' ').nth(1) {
                    Some("/metrics") => ibn(&metrics, seconds, &seen.lock().unwrap()),
                    Some("/pods") => pods(seconds),
                    Some("/cadvisor") => cadvisor(seconds),
                    _ => String::new(),
                };
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close";
                let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self {
            address,
            hidden,
            task,
        }
    }

    /// From now on, `metric` is not exported.
    pub(crate) fn hide(&self, metric: &str) {
        self.hidden.lock().unwrap().insert(metric.to_owned());
    }

    /// From now on nobody answers.
    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Every metric of the table, with each value of each label; of the workload `acme/Deployment/web`.
fn ibn(metrics: &[Metric], seconds: f64, hidden: &BTreeSet<String>) -> String {
    let mut text = String::from("# TYPE test_nothing gauge\ntest_nothing NaN\n");
    for metric in metrics
        .iter()
        .filter(|metric| !hidden.contains(&metric.name))
    {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let _ = writeln!(text, "# TYPE {} {kind}", metric.name);
        for labels in combinations(metric) {
            write_series(&mut text, metric, &labels, seconds);
        }
    }
    text
}

fn write_series(text: &mut String, metric: &Metric, labels: &str, seconds: f64) {
    let name = &metric.name;
    match &metric.kind {
        Kind::Gauge => {
            let _ = writeln!(text, "{name}{{{labels}}} {}", gauge(name, labels));
        }
        Kind::Counter => {
            let _ = writeln!(text, "{name}{{{labels}}} {}", rate(name, labels) * seconds);
        }
        Kind::Histogram(bounds) => {
            let n = SPEED * OK * seconds;
            let comma = if labels.is_empty() { "" } else { "," };
            for bound in bounds {
                let _ = writeln!(
                    text,
                    "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {}",
                    n * share_within(*bound)
                );
            }
            let _ = writeln!(text, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {n}");
            let _ = writeln!(
                text,
                "{name}_sum{{{labels}}} {}\n{name}_count{{{labels}}} {n}",
                0.1 * n
            );
        }
    }
}

fn share_within(bound: f64) -> f64 {
    SHARES
        .iter()
        .rfind(|(at, _)| *at <= bound)
        .map_or(0.0, |(_, share)| *share)
}

fn rate(name: &str, labels: &str) -> f64 {
    let of = |outcome: &str| labels.contains(&format!("outcome=\"{outcome}\""));
    SPEED
        * match name {
            "ibn_workload_requests_total" if of("ok") => OK,
            "ibn_workload_requests_total" if of("failed") => FAILED,
            "ibn_workload_requests_total" => DROPPED,
            "ibn_workload_cpu_usage_seconds_total" => CPU,
            "ibn_workload_cpu_periods_total" => 30.0,
            "ibn_workload_cpu_throttled_periods_total" => 30.0 * THROTTLED,
            "ibn_workload_restarts_total" => 0.0,
            _ => 1.0,
        }
}

fn gauge(name: &str, labels: &str) -> f64 {
    match name {
        "ibn_engine_time_speed" => SPEED,
        "ibn_workload_memory_usage_bytes" => MEMORY,
        "ibn_workload_pod_memory_peak_bytes" => MEMORY_PEAK,
        "ibn_workload_replicas" if labels.contains("wanted") => 4.0,
        "ibn_workload_replicas" => READY,
        // Both windows above what an alert asks for, and an objective that is missed.
        "ibn_assurance_burn_rate" => 3.0,
        "ibn_objective_met" => 0.0,
        _ => 1.0,
    }
}

/// The labels of each series of a metric, as the text format writes them.
fn combinations(metric: &Metric) -> Vec<String> {
    let mut all = vec![String::new()];
    for (label, values) in &metric.labels {
        let values: Vec<&str> = match (label.as_str(), values.as_slice()) {
            ("namespace", []) => vec!["acme"],
            ("workload", []) => vec!["web"],
            ("kind", _) => vec!["Deployment"],
            ("intent", []) => vec!["web-fast"],
            ("expectation", []) => vec!["0"],
            ("indicator", _) => vec!["latency"],
            ("learner", []) => vec!["ppo"],
            ("unit", []) => vec!["seconds"],
            // The table names the first of an intent's states.
            ("state", [first, ..]) if first == "Received" => {
                vec!["Received", "Accepted", "Fulfilled", "Degraded"]
            }
            (_, []) => panic!(
                "{} has the label {label}, whose values nobody knows",
                metric.name
            ),
            (_, values) => values.iter().map(String::as_str).collect(),
        };
        all = all
            .iter()
            .flat_map(|labels| values.iter().map(move |value| join(labels, label, value)))
            .collect();
    }
    all
}

fn join(labels: &str, label: &str, value: &str) -> String {
    let comma = if labels.is_empty() { "" } else { "," };
    format!("{labels}{comma}{label}=\"{value}\"")
}

/// What the pods export themselves. The labels `namespace` and `pod` come from the scrape of each pod; here from us.
fn pods(seconds: f64) -> String {
    let mut text = String::from("# TYPE http_requests_total counter\n");
    for (pod, _, _) in PODS {
        for (code, rate) in [("200", OK), ("500", FAILED), ("503", DROPPED)] {
            let labels = format!("namespace=\"acme\",pod=\"{pod}\",code=\"{code}\"");
            let _ = writeln!(
                text,
                "http_requests_total{{{labels}}} {}",
                rate / 2.0 * seconds
            );
        }
    }
    let _ = writeln!(text, "# TYPE http_request_duration_seconds histogram");
    for (pod, _, _) in PODS {
        let labels = format!("namespace=\"acme\",pod=\"{pod}\"");
        let n = OK / 2.0 * seconds;
        for (bound, share) in SHARES {
            let _ = writeln!(
                text,
                "http_request_duration_seconds_bucket{{{labels},le=\"{bound}\"}} {}",
                n * share
            );
        }
        let _ = writeln!(
            text,
            "http_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} {n}"
        );
    }
    // Pods of another workload with a name that begins alike.
    let _ = writeln!(
        text,
        "http_requests_total{{namespace=\"acme\",pod=\"web-api-5d4f8c7b9-x2zlk\",code=\"200\"}} {}",
        1000.0 * seconds
    );
    text
}

/// What the kubelet exports: cAdvisor's series, with the pause container and the sum of the pod's cgroup beside the container,
/// and the same name from the resource metrics, without an `id`.
fn cadvisor(seconds: f64) -> String {
    let mut text = String::new();
    for (pod, cpu, memory) in PODS {
        let of =
            |container: &str| format!("namespace=\"acme\",pod=\"{pod}\",container=\"{container}\"");
        for (labels, share) in [
            (format!("{},id=\"/pod/app\"", of("app")), 1.0),
            (format!("{},id=\"/pod\"", of("")), 1.01),
            (format!("{},id=\"/pod/pause\"", of("POD")), 0.01),
            (of("app"), 1.0),
        ] {
            let _ = writeln!(
                text,
                "container_cpu_usage_seconds_total{{{labels}}} {}",
                share * cpu * seconds
            );
            let _ = writeln!(
                text,
                "container_memory_working_set_bytes{{{labels}}} {}",
                share * memory
            );
        }
        let labels = format!("{},id=\"/pod/app\"", of("app"));
        let _ = writeln!(
            text,
            "container_cpu_cfs_periods_total{{{labels}}} {}",
            10.0 * seconds
        );
        let _ = writeln!(
            text,
            "container_cpu_cfs_throttled_periods_total{{{labels}}} {}",
            10.0 * THROTTLED * seconds
        );
    }
    text
}
