//! A Prometheus of our own, on a free port, with the configuration of `deploy/`.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::exporter::PODS;

/// Ends with the process, by its own id, when it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    process: Child,
    _folder: TempDir,
}

impl Server {
    /// With the rules and the job of `deploy/prometheus/prometheus.yml`, at a quicker pace, and with two jobs that stand for a cluster.
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, configuration(target)).unwrap();
        // The port is free when it is chosen; where somebody else was quicker, another one is.
        for _ in 0..5 {
            let port = std::net::TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            let mut process = Command::new("prometheus")
                .arg(format!("--config.file={}", config.display()))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    folder.path().join("data").display()
                ))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .arg("--log.level=error")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let url = format!("http://127.0.0.1:{port}");
            let deadline = Instant::now() + Duration::from_secs(60);
            while Instant::now() < deadline && process.try_wait().unwrap().is_none() {
                let answer = reqwest::get(format!("{url}/-/ready")).await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return Self {
                        url,
                        process,
                        _folder: folder,
                    };
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let _ = process.kill();
            let _ = process.wait();
        }
        panic!("prometheus does not start");
    }

    /// What the API says; panics where it says no.
    pub(crate) async fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let answer = reqwest::Client::new()
            .post(format!("{}/api/v1/{path}", self.url))
            .form(parameters)
            .send()
            .await
            .unwrap();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["status"], "success", "{path} {parameters:?}: {body}");
        body["data"].clone()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = reqwest::get(format!("{}/api/v1/{path}", self.url))
            .await
            .unwrap();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["status"], "success", "{path}: {body}");
        body["data"].clone()
    }

    /// The series of a query's result.
    pub(crate) async fn query(&self, expression: &str) -> Vec<Value> {
        let data = self.api("query", &[("query", expression)]).await;
        match data["resultType"].as_str() {
            Some("vector") => data["result"].as_array().unwrap().clone(),
            _ => vec![data["result"].clone()],
        }
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn configuration(target: SocketAddr) -> String {
    let mut text = super::read("prometheus/prometheus.yml");
    for (from, to) in [
        ("demo:8080", target.to_string()),
        (
            "rules/*.yml",
            super::deploy("prometheus/rules/*.yml")
                .display()
                .to_string(),
        ),
        ("scrape_interval: 2s", "scrape_interval: 500ms".to_owned()),
        ("scrape_timeout: 2s", "scrape_timeout: 500ms".to_owned()),
        (
            "evaluation_interval: 5s",
            "evaluation_interval: 1s".to_owned(),
        ),
    ] {
        assert!(text.contains(from), "the configuration lacks `{from}`");
        text = text.replace(from, &to);
    }
    let ups: String = PODS
        .iter()
        .map(|(pod, _, _)| {
            format!(
                "      - targets: [\"{target}\"]\n        labels: {{namespace: acme, pod: {pod}}}\n"
            )
        })
        .collect();
    format!(
        "{text}
  - job_name: pods
    metrics_path: /pods
    honor_labels: true
    static_configs: [{{targets: [\"{target}\"]}}]
  - job_name: cadvisor
    metrics_path: /cadvisor
    honor_labels: true
    static_configs: [{{targets: [\"{target}\"]}}]
  - job_name: pod-targets
    metrics_path: /nothing
    static_configs:
{ups}"
    )
}
