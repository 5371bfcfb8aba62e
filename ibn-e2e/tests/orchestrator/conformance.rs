//! The suite of the role, on the real thing.

use std::time::Duration;

use async_trait::async_trait;
use ibn_core::allocation::FieldChange;
use ibn_core::guard::{ApprovedPlan, Receipt};
use ibn_core::roles::Orchestrator;
use ibn_core::workload::Inventory;
use ibn_e2e::{in_namespace, shop};
use ibn_k8s::ClusterOrchestrator;
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{SOON, clusters};

/// Shows what is live once nothing moves by itself any more: the suite compares what it saw with what it sees.
struct Settled(ClusterOrchestrator);

#[async_trait]
impl Orchestrator for Settled {
    async fn inventory(&self) -> ibn_core::Result<Inventory> {
        let end = tokio::time::Instant::now() + SOON;
        loop {
            let seen = self.0.inventory().await?;
            let mut states = seen.workloads.values();
            let is_settled = states.all(|it| it.ready_replicas == it.allocation.replicas);
            if is_settled || tokio::time::Instant::now() > end {
                return Ok(seen);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn preview(&self, plan: &ApprovedPlan) -> ibn_core::Result<Vec<FieldChange>> {
        self.0.preview(plan).await
    }

    async fn apply(&self, plan: ApprovedPlan) -> ibn_core::Result<Receipt> {
        self.0.apply(plan).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_acts_as_an_orchestrator() {
    for client in clusters().await {
        in_namespace(&client, "conformance", async |first| {
            // Each check of the suite begins on a namespace of its own, named after the first one.
            let count = AtomicU32::new(0);
            let make = || {
                let name = format!("{first}-{}", count.fetch_add(1, Ordering::Relaxed));
                tokio::task::block_in_place(|| {
                    tokio::runtime::Handle::current().block_on(fresh(&client, &name))
                })
            };
            ibn_testkit::orchestrator::check(make).await;
            for idx in 0..count.into_inner() {
                ibn_e2e::delete_namespace(&client, &format!("{first}-{idx}")).await;
            }
        })
        .await;
    }
}

/// A namespace with a workload of which nothing is foreign, and one that an autoscaler moves.
async fn fresh(client: &kube::Client, space: &str) -> Settled {
    ibn_e2e::create_namespace(client, space).await;
    for name in ["api", "web"] {
        let manifest = shop::deployment(name, 1);
        shop::create(client, space, &manifest).await.unwrap();
    }
    let scaler = json!({
        "metadata": {"name": "api"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
            "minReplicas": 1,
            "maxReplicas": 4,
            "metrics": [{"type": "Resource", "resource": {
                "name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 90},
            }}],
        },
    });
    let scalers: kube::Api<k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler> =
        kube::Api::namespaced(client.clone(), space);
    let scaler = serde_json::from_value(scaler).unwrap();
    scalers.create(&Default::default(), &scaler).await.unwrap();
    let made = crate::orchestrator(client, space).await;
    let settled = Settled(made);
    // Both are there, and ready.
    ibn_e2e::until("both workloads are listed", SOON, async || {
        let seen = settled.inventory().await.ok()?;
        (seen.workloads.len() == 3).then_some(())
    })
    .await;
    settled
}
