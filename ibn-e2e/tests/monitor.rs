//! What the monitor measures, of a real cluster and of one in memory.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

use std::sync::Arc;
use std::time::Duration;

use ibn_core::observation::{Observation, Signal};
use ibn_core::roles::Monitor;
use ibn_core::workload::WorkloadRef;
use ibn_e2e::{in_namespace, shop, until};
use ibn_k8s::{ClusterMonitor, Scope, Watches};
use ibn_testkit::apiserver::{ApiServer, Kind};
use ibn_testkit::service::need;
use serde_json::json;

/// Two rounds of a metrics server at its usual pace, and a pod's start.
const SOON: Duration = Duration::from_secs(120);

const WINDOW: Duration = Duration::from_secs(5);

#[tokio::test]
async fn it_measures() {
    let Some(client) = need("cluster", ibn_e2e::cluster().await) else {
        return;
    };
    in_namespace(&client, "monitor", async |space| {
        shop::create(&client, space, &shop::deployment("web", 2))
            .await
            .unwrap();
        // Runs, fails, and is started again and again.
        let mut failing = shop::deployment("failing", 1);
        let container = failing
            .pointer_mut("/spec/template/spec/containers/0")
            .unwrap();
        let container = container.as_object_mut().unwrap();
        container.insert("command".to_owned(), json!(["/no-such-program"]));
        container.remove("readinessProbe");
        shop::create(&client, space, &failing).await.unwrap();

        let watches = Watches::start(client.clone(), Scope::namespace(space));
        watches.synced(SOON).await.unwrap();
        let monitor = ClusterMonitor::new(Arc::new(watches));
        let web = WorkloadRef::deployment(space, "web");
        let seen = until("both pods were measured", SOON, async || {
            let seen = look(&monitor, &web).await;
            let is_there = seen.value(&Signal::CpuUsage).is_some()
                && seen.value(&Signal::ReadyReplicas) == Some(2.0)
                && seen.value(&Signal::Restarts) == Some(0.0);
            is_there.then_some(seen)
        })
        .await;
        let memory = seen.value(&Signal::MemoryUsage).unwrap();
        let peak = seen.value(&Signal::MemoryPeak).unwrap();
        assert!(
            peak > 0.0 && memory >= peak && memory <= 2.0 * peak,
            "{seen:?}"
        );
        assert!(
            memory < 2.0 * 67_108_865.0,
            "less than both limits: {seen:?}"
        );
        assert!(seen.value(&Signal::CpuUsage).unwrap() <= 0.2, "{seen:?}");
        assert_eq!(seen.value(&Signal::RequestRate), None, "not made up");
        ibn_testkit::monitor::check(&monitor, &web).await;

        let failing = WorkloadRef::deployment(space, "failing");
        let seen = look(&monitor, &failing).await;
        assert_eq!(seen.value(&Signal::ReadyReplicas), Some(0.0));
        assert_eq!(
            seen.value(&Signal::CpuUsage),
            None,
            "nothing runs: {seen:?}"
        );
    })
    .await;
}

/// A server that has pods, a clean window, and whatever metrics a test gives it.
async fn in_memory(server: &ApiServer) -> (ClusterMonitor, WorkloadRef) {
    let client = kube::Client::new(server.clone(), "default");
    shop::create(&client, "default", &shop::deployment("web", 2))
        .await
        .unwrap();
    let watches = Watches::start(client, Scope::namespace("default"));
    watches.synced(SOON).await.unwrap();
    let web = WorkloadRef::deployment("default", "web");
    (ClusterMonitor::new(Arc::new(watches)), web)
}

fn with_metrics() -> ApiServer {
    let kind = Kind::namespaced("metrics.k8s.io", "v1beta1", "pods", "PodMetrics");
    ApiServer::new().with_kind(kind).with_life(2000)
}

#[tokio::test]
async fn without_a_metrics_server_cpu_and_memory_are_missing() {
    let (monitor, web) = in_memory(&ApiServer::new().with_life(2000)).await;
    let seen = look(&monitor, &web).await;
    assert_eq!(seen.value(&Signal::ReadyReplicas), Some(2.0));
    assert_eq!(seen.value(&Signal::CpuUsage), None);
    assert_eq!(seen.value(&Signal::MemoryUsage), None);
    ibn_testkit::monitor::check(&monitor, &web).await;
}

#[tokio::test]
async fn a_sum_is_of_every_pod_that_is_ready_or_missing_and_as_old_as_its_oldest_sample() {
    for (measured, expected) in [(1, None), (2, Some((0.3, 30.0 * 1_048_576.0)))] {
        let server = with_metrics();
        let (monitor, web) = in_memory(&server).await;
        let (_, pods) = server.call("GET", "/api/v1/namespaces/default/pods", "", None);
        let pods = pods["items"].as_array().unwrap();
        for (idx, pod) in pods.iter().take(measured).enumerate() {
            let sample = json!({
                "metadata": {"name": pod["metadata"]["name"]},
                "timestamp": format!("2026-01-01T00:00:0{}Z", idx + 1),
                "window": "15s",
                "containers": [{"name": "app", "usage": {
                    "cpu": format!("{}00m", idx + 1),
                    "memory": format!("{}0Mi", idx + 1),
                }}],
            });
            let path = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods";
            assert_eq!(server.call("POST", path, "metrics", Some(&sample)).0, 201);
        }
        let seen = look(&monitor, &web).await;
        let found = seen
            .value(&Signal::CpuUsage)
            .zip(seen.value(&Signal::MemoryUsage));
        match (found, expected) {
            (Some(found), Some(expected)) => {
                assert!((found.0 - expected.0).abs() < 1e-9, "{found:?}");
                assert!((found.1 - expected.1).abs() < 1.0, "{found:?}");
                let at = seen.readings[&Signal::CpuUsage].at;
                assert_eq!(at.to_string(), "2026-01-01T00:00:01Z", "the oldest");
                let peak = seen.value(&Signal::MemoryPeak);
                assert_eq!(peak, Some(20.0 * 1_048_576.0));
            }
            (found, expected) => assert_eq!(found, expected),
        }
    }
}

#[tokio::test]
async fn many_workloads_are_one_question_to_the_metrics_server() {
    let server = with_metrics();
    let (monitor, web) = in_memory(&server).await;
    for _ in 0..20 {
        look(&monitor, &web).await;
    }
    let asked = server.calls().into_iter();
    let asked = asked.filter(|it| it.group == "metrics.k8s.io");
    assert_eq!(asked.count(), 1);
}

async fn look(monitor: &ClusterMonitor, of: &WorkloadRef) -> Observation {
    let seen = monitor.observe(std::slice::from_ref(of), WINDOW).await;
    seen.unwrap().remove(0)
}
