//! What the orchestrator holds, on the API server in memory and on a real cluster, where nodes really resize.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]
#![expect(clippy::expect_used, reason = "a failed helper fails its test")]
#![expect(clippy::indexing_slicing, reason = "what is not there fails its test")]

mod conformance;
mod faults;
mod limits;
mod owners;
mod plans;
mod replicas;
mod sizes;
mod watching;

use std::sync::Arc;
use std::time::Duration;

use ibn_k8s::{ClusterOrchestrator, Scope, Watches};
use ibn_testkit::apiserver::ApiServer;
use ibn_testkit::service::need;

/// Long enough for anything that a cluster does at once.
const SOON: Duration = Duration::from_secs(60);

/// An orchestrator of one namespace.
async fn orchestrator(client: &kube::Client, namespace: &str) -> ClusterOrchestrator {
    let watches = Watches::start(client.clone(), Scope::namespace(namespace));
    watches.synced(SOON).await.unwrap();
    ClusterOrchestrator::new(Arc::new(watches))
}

/// A node of the API server in memory has so many millicores.
const NODE: u64 = 2000;

/// The API server in memory, and a real cluster where there is one.
async fn clusters() -> Vec<kube::Client> {
    let fake = kube::Client::new(ApiServer::new().with_life(NODE), "default");
    let real = need("cluster", ibn_e2e::cluster().await);
    std::iter::once(fake).chain(real).collect()
}

/// Whether autoscalers run in it.
async fn is_real(client: &kube::Client) -> bool {
    let version = client.apiserver_version().await;
    version.is_ok_and(|it| !it.platform.is_empty())
}
