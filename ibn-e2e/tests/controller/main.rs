//! The controller end to end: a process of its own against the real API server, under real load.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]
#![expect(clippy::indexing_slicing, reason = "what is not there fails its test")]

mod crashes;
mod story;

use std::time::Duration;

use ibn_e2e::controller::{binary, prometheus};
use ibn_e2e::load::{Load, reaches};
use ibn_e2e::{install_crds, shop, until};
use ibn_testkit::service::need;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

/// Long enough for anything that is done at once.
const SOON: Duration = Duration::from_secs(60);

/// What is measured is measured alone: one test's load is no part of another one's.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A client, where everything that the controller needs is there; no other test has one until the guard is dropped.
async fn ready() -> Option<(kube::Client, MutexGuard<'static, ()>)> {
    need("cluster", binary())?;
    need("cluster", prometheus())?;
    let client = need("cluster", ibn_e2e::cluster().await)?;
    install_crds(&client).await;
    Some((client, ALONE.lock().await))
}

fn objects(client: &kube::Client, kind: &str, space: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("ibn.dev", "v1alpha1", kind);
    Api::namespaced_with(client.clone(), space, &ApiResource::from_gvk(&kind))
}

fn intent(name: &str, spec: Value) -> DynamicObject {
    let object = json!({
        "apiVersion": "ibn.dev/v1alpha1",
        "kind": "Intent",
        "metadata": {"name": name},
        "spec": spec,
    });
    serde_json::from_value(object).unwrap()
}

async fn write(client: &kube::Client, space: &str, name: &str, spec: Value) {
    objects(client, "Intent", space)
        .create(&PostParams::default(), &intent(name, spec))
        .await
        .unwrap();
}

/// Waits until an intent has a state.
async fn reaches_state(
    client: &kube::Client,
    space: &str,
    name: &str,
    state: &str,
    limit: Duration,
) {
    let api = objects(client, "Intent", space);
    until(&format!("{name} is {state}"), limit, async || {
        let live = api.get_opt(name).await.ok()??;
        (live.data["status"]["state"] == state).then_some(())
    })
    .await;
}

async fn replicas(client: &kube::Client, space: &str) -> i32 {
    let api: Api<Deployment> = Api::namespaced(client.clone(), space);
    let live = api.get("web").await.unwrap();
    live.spec.unwrap().replicas.unwrap()
}

/// A workload that is measured, its Service, and load on it; `None` where it can't be reached from here.
async fn loaded(client: &kube::Client, space: &str, rate: u32) -> Option<Load> {
    let mut manifest = shop::deployment("web", 1);
    let template = &mut manifest["spec"]["template"];
    template["metadata"]["annotations"] =
        json!({"prometheus.io/scrape": "true", "prometheus.io/port": "8080"});
    let container = &mut template["spec"]["containers"][0];
    container["env"] = json!([{"name": "SERVICE_MS", "value": "10"}]);
    container["resources"] = json!({
        "requests": {"cpu": "50m", "memory": "32Mi"},
        "limits": {"cpu": "250m", "memory": "64Mi"},
    });
    shop::create(client, space, &manifest).await.unwrap();
    let services: Api<Service> = Api::namespaced(client.clone(), space);
    let service = json!({
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    });
    let service = serde_json::from_value(service).unwrap();
    let made: Service = services
        .create(&PostParams::default(), &service)
        .await
        .unwrap();
    let address = format!("{}:80", made.spec.unwrap().cluster_ip.unwrap());
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), space);
    until("the workload is ready", SOON, async || {
        let live = deployments.get("web").await.ok()?;
        (live.status?.ready_replicas? == 1).then_some(())
    })
    .await;
    need("cluster", reaches(&address).await)?;
    Some(Load::start(&address, rate))
}
