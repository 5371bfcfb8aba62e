//! The number of pods.

use ibn_core::allocation::Field;
use ibn_core::guard::Desired;
use ibn_core::roles::Orchestrator;
use ibn_core::workload::{FieldOwner, WorkloadRef};
use ibn_core::{Error, ErrorKind};
use ibn_e2e::{in_namespace, shop, until};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::plans::{live, plan, undo};
use crate::{SOON, clusters, orchestrator};

#[tokio::test]
async fn pods_are_ordered_through_scale_and_no_field_of_others_moves() {
    for client in clusters().await {
        in_namespace(&client, "scale", async |space| {
            shop::create(&client, space, &shop::deployment("web", 1))
                .await
                .unwrap();
            let deployments: Api<Deployment> = Api::namespaced(client.clone(), space);
            let cluster = orchestrator(&client, space).await;
            let web = WorkloadRef::deployment(space, "web");
            let before = deployments.get("web").await.unwrap();
            let wanted = plan(&cluster, 1, &web, scale_to(3)).await;
            let receipt = cluster.apply(wanted.clone()).await.unwrap();
            assert_eq!(
                receipt.previous_owners.get(&Field::Replicas),
                Some(&FieldOwner::Manager("customer".to_owned()))
            );
            until("three pods are ready", SOON, async || {
                (live(&cluster, &web).await.ready_replicas == 3).then_some(())
            })
            .await;
            let after = deployments.get("web").await.unwrap();
            let spec = |of: &Deployment, replicas| {
                let mut spec = of.spec.clone().unwrap();
                spec.replicas = Some(replicas);
                spec
            };
            assert_eq!(after.spec, Some(spec(&before, 3)), "nothing else moved");
            let entries = after.metadata.managed_fields.unwrap();
            let ours: Vec<_> = entries
                .iter()
                .filter(|it| it.manager.as_deref() == Some("ibn"))
                .map(|it| (it.subresource.clone(), it.fields_v1.clone().unwrap().0))
                .collect();
            assert_eq!(
                ours,
                [(
                    Some("scale".to_owned()),
                    json!({"f:spec": {"f:replicas": {}}})
                )],
                "we own what we wrote, and nothing else"
            );
            // A repeat of the same decision changes nothing, also after something else.
            let next = plan(&cluster, 2, &web, scale_to(2)).await;
            cluster.apply(next).await.unwrap();
            assert_eq!(cluster.apply(wanted).await.unwrap(), receipt);
            assert_eq!(live(&cluster, &web).await.allocation.replicas, 2);
        })
        .await;
    }
}

#[tokio::test]
async fn what_changed_since_the_judgement_is_not_overwritten() {
    for client in clusters().await {
        in_namespace(&client, "stale", async |space| {
            shop::create(&client, space, &shop::deployment("web", 1))
                .await
                .unwrap();
            let deployments: Api<Deployment> = Api::namespaced(client.clone(), space);
            let cluster = orchestrator(&client, space).await;
            let web = WorkloadRef::deployment(space, "web");
            let judged = plan(&cluster, 1, &web, scale_to(3)).await;
            let by_hand = Patch::Merge(json!({"spec": {"replicas": 2}}));
            let params = PatchParams {
                field_manager: Some("customer".to_owned()),
                ..PatchParams::default()
            };
            deployments
                .patch_scale("web", &params, &by_hand)
                .await
                .unwrap();
            let kind = |error: Error| error.kind();
            let previewed = cluster.preview(&judged).await.map_err(kind);
            assert_eq!(previewed, Err(ErrorKind::Stale));
            let applied = cluster.apply(judged).await.map_err(kind);
            assert_eq!(applied.map(|_| ()), Err(ErrorKind::Stale));
            let found = deployments.get("web").await.unwrap();
            assert_eq!(found.spec.unwrap().replicas, Some(2), "by hand");
        })
        .await;
    }
}

#[tokio::test]
async fn an_undo_brings_the_number_back() {
    for client in clusters().await {
        in_namespace(&client, "unscale", async |space| {
            shop::create(&client, space, &shop::deployment("web", 1))
                .await
                .unwrap();
            let deployments: Api<Deployment> = Api::namespaced(client.clone(), space);
            let before = deployments.get("web").await.unwrap();
            let cluster = orchestrator(&client, space).await;
            let web = WorkloadRef::deployment(space, "web");
            let wanted = plan(&cluster, 1, &web, scale_to(2)).await;
            let receipt = cluster.apply(wanted).await.unwrap();
            undo(&cluster, 2, &receipt).await;
            let after = deployments.get("web").await.unwrap();
            assert_eq!(after.spec, before.spec);
        })
        .await;
    }
}

pub(crate) fn scale_to(replicas: u32) -> impl FnOnce(&mut Desired) {
    move |desired| {
        if let Desired::Allocation(allocation) = desired {
            allocation.replicas = replicas;
        }
    }
}
