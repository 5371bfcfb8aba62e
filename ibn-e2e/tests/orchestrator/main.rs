//! What the orchestrator holds on a real cluster: nodes that really resize, controllers that really scale.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]
#![expect(clippy::expect_used, reason = "a failed helper fails its test")]
#![expect(clippy::indexing_slicing, reason = "what is not there fails its test")]

mod conformance;
mod owners;
mod plans;
mod replicas;
mod sizes;

use std::sync::Arc;
use std::time::Duration;

use ibn_k8s::{ClusterOrchestrator, Scope, Watches};

/// Long enough for anything that a cluster does at once.
const SOON: Duration = Duration::from_secs(60);

/// An orchestrator of one namespace.
async fn orchestrator(client: &kube::Client, namespace: &str) -> ClusterOrchestrator {
    let watches = Watches::start(client.clone(), Scope::namespace(namespace));
    watches.synced(SOON).await.unwrap();
    ClusterOrchestrator::new(Arc::new(watches))
}
