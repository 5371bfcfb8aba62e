//! What the monitor measures of a real cluster.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

use std::sync::Arc;
use std::time::Duration;

use ibn_core::observation::{Observation, Signal};
use ibn_core::roles::Monitor;
use ibn_core::workload::WorkloadRef;
use ibn_e2e::{in_namespace, shop, until};
use ibn_k8s::{ClusterMonitor, Scope, Watches};
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

async fn look(monitor: &ClusterMonitor, of: &WorkloadRef) -> Observation {
    let seen = monitor.observe(std::slice::from_ref(of), WINDOW).await;
    seen.unwrap().remove(0)
}
