//! The workload of the tests: `ibn.local/shop:1`, which every test cluster has.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, PostParams};
use serde_json::{Value, json};

/// A Deployment of one container `app` with this many pods, small enough that many fit on one node.
///
/// Its memory limit is spelled in plain bytes, which no one who writes it anew from a number of bytes would do.
#[must_use]
pub fn deployment(name: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{
                        "name": "app",
                        "image": "ibn.local/shop:1",
                        "env": [{"name": "SERVICE_MS", "value": "1"}],
                        "ports": [{"containerPort": 8080}],
                        "readinessProbe": {
                            "httpGet": {"path": "/healthz", "port": 8080},
                            "periodSeconds": 1,
                        },
                        "resources": {
                            "requests": {"cpu": "20m", "memory": "32Mi"},
                            "limits": {"cpu": "0.1", "memory": "67108865"},
                        },
                    }],
                },
            },
        },
    })
}

/// Makes a Deployment as somebody else would.
///
/// # Errors
/// Where the cluster refuses it.
pub async fn create(
    client: &kube::Client,
    namespace: &str,
    manifest: &Value,
) -> Result<Deployment, kube::Error> {
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let params = PostParams {
        field_manager: Some("customer".to_owned()),
        ..PostParams::default()
    };
    let object = serde_json::from_value(manifest.clone()).map_err(kube::Error::SerdeError)?;
    api.create(&params, &object).await
}

/// The pods with the label `app: NAME`.
///
/// # Errors
/// Where the cluster can't be asked.
pub async fn pods(
    client: &kube::Client,
    namespace: &str,
    name: &str,
) -> Result<Vec<Pod>, kube::Error> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let list = api
        .list(&ListParams::default().labels(&format!("app={name}")))
        .await?;
    Ok(list.items)
}
