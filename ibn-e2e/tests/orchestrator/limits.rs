//! What pods, nodes and policies don't let through, and how it is told.

use ibn_core::ErrorKind;
use ibn_core::guard::Desired;
use ibn_core::roles::Orchestrator;
use ibn_core::units::CpuMillis;
use ibn_core::workload::WorkloadRef;
use ibn_e2e::{in_namespace, shop, until};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::LimitRange;
use kube::api::{Api, PostParams};
use serde_json::json;

use crate::plans::{live, plan, undo};
use crate::{SOON, clusters, is_real, orchestrator};

/// CPU requested and limited, in millicores.
fn cpu(request: u64, limit: u64) -> impl FnOnce(&mut Desired) {
    move |desired| {
        if let Desired::Allocation(allocation) = desired {
            let app = &mut allocation.containers[0];
            app.requests.cpu = Some(CpuMillis::new(request));
            app.limits.cpu = Some(CpuMillis::new(limit));
        }
    }
}

#[tokio::test]
async fn what_would_restart_a_container_is_refused() {
    for client in clusters().await {
        in_namespace(&client, "restart", async |space| {
            let mut manifest = shop::deployment("web", 1);
            let container = manifest.pointer_mut("/spec/template/spec/containers/0");
            container.unwrap()["resizePolicy"] = json!([
                {"resourceName": "cpu", "restartPolicy": "RestartContainer"},
                {"resourceName": "memory", "restartPolicy": "NotRequired"},
            ]);
            shop::create(&client, space, &manifest).await.unwrap();
            let cluster = orchestrator(&client, space).await;
            let web = WorkloadRef::deployment(space, "web");
            let wanted = plan(&cluster, 1, &web, cpu(30, 150)).await;
            let before = live(&cluster, &web).await;
            let error = cluster.apply(wanted).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
            assert!(error.to_string().contains("resize policy"), "{error}");
            let after = live(&cluster, &web).await;
            assert_eq!(after.allocation, before.allocation);
        })
        .await;
    }
}

#[tokio::test]
async fn a_limit_range_is_heard_before_anything_is_changed() {
    for client in clusters().await {
        if !is_real(&client).await {
            continue;
        }
        in_namespace(&client, "limit-range", async |space| {
            shop::create(&client, space, &shop::deployment("web", 1))
                .await
                .unwrap();
            let cluster = orchestrator(&client, space).await;
            let web = WorkloadRef::deployment(space, "web");
            until("a pod runs", SOON, async || {
                (live(&cluster, &web).await.ready_replicas == 1).then_some(())
            })
            .await;
            let ranges: Api<LimitRange> = Api::namespaced(client.clone(), space);
            let range = json!({
                "metadata": {"name": "small"},
                "spec": {"limits": [{"type": "Container", "max": {"cpu": "120m"}}]},
            });
            let range = serde_json::from_value(range).unwrap();
            ranges.create(&PostParams::default(), &range).await.unwrap();
            let deployments: Api<Deployment> = Api::namespaced(client.clone(), space);
            let before = deployments.get("web").await.unwrap();
            // The admission of the API server hears of the range a little later.
            let error = until("it is refused", SOON, async || {
                let wanted = plan(&cluster, 1, &web, cpu(30, 150)).await;
                cluster.preview(&wanted).await.err()
            })
            .await;
            assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
            assert!(error.to_string().contains("120m"), "{error}");
            let wanted = plan(&cluster, 2, &web, cpu(30, 150)).await;
            let error = cluster.apply(wanted).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
            let after = deployments.get("web").await.unwrap();
            assert_eq!(after.metadata.annotations, before.metadata.annotations);
            assert_eq!(after.spec, before.spec);
        })
        .await;
    }
}

#[tokio::test]
async fn what_a_node_has_no_room_for_yet_is_told() {
    for client in clusters().await {
        if !is_real(&client).await {
            continue;
        }
        in_namespace(&client, "deferred", async |space| {
            shop::create(&client, space, &shop::deployment("web", 2))
                .await
                .unwrap();
            let cluster = orchestrator(&client, space).await;
            let web = WorkloadRef::deployment(space, "web");
            until("both pods run", SOON, async || {
                (live(&cluster, &web).await.ready_replicas == 2).then_some(())
            })
            .await;
            let nodes: Api<k8s_openapi::api::core::v1::Node> = Api::all(client.clone());
            let nodes = nodes.list(&Default::default()).await.unwrap().items;
            let largest = nodes.iter().filter_map(|node| {
                let allocatable = node.status.as_ref()?.allocatable.as_ref()?;
                allocatable["cpu"].0.parse::<CpuMillis>().ok()
            });
            // Each fits on a node alone; two on one do not.
            let most = largest.max().unwrap().get() - 50;
            let wanted = plan(&cluster, 1, &web, cpu(most, most + 10)).await;
            let receipt = cluster.apply(wanted).await.unwrap();
            let report = until("it is told", SOON, async || {
                let report = cluster.resizes(&web);
                (!report.deferred.is_empty()).then_some(report)
            })
            .await;
            let why = report.deferred.values().next().unwrap();
            assert!(why.contains("cpu"), "{why}");
            undo(&cluster, 2, &receipt).await;
            until("it is as it was", SOON, async || {
                let report = cluster.resizes(&web);
                report.is_done().then_some(())
            })
            .await;
        })
        .await;
    }
}
