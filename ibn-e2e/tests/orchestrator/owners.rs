//! Autoscalers and quotas: ours, handed over, and foreign.

use ibn_core::ErrorKind;
use ibn_core::allocation::{Field, QuotaLimits};
use ibn_core::guard::Desired;
use ibn_core::intent::Autoscale;
use ibn_core::roles::Orchestrator;
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::{FieldOwner, WorkloadRef};
use ibn_e2e::{in_namespace, shop, until};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::ResourceQuota;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::plans::{live, plan, undo};
use crate::{SOON, clusters, is_real, orchestrator};

fn customer() -> PostParams {
    PostParams {
        field_manager: Some("customer".to_owned()),
        ..PostParams::default()
    }
}

fn autoscale(min: u32, max: u32, cpu: u32) -> Autoscale {
    Autoscale {
        min: Some(min),
        max,
        cpu_utilization: Some(cpu),
    }
}

fn order(wanted: Option<Autoscale>) -> impl FnOnce(&mut Desired) {
    move |desired| {
        if let Desired::Allocation(allocation) = desired {
            allocation.autoscale = wanted;
        }
    }
}

#[tokio::test]
async fn an_autoscaler_of_ours_is_made_moved_and_removed() {
    for client in clusters().await {
        in_namespace(&client, "scaler", async |space| {
            shop::create(&client, space, &shop::deployment("web", 1))
                .await
                .unwrap();
            let scalers: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), space);
            let cluster = orchestrator(&client, space).await;
            let web = WorkloadRef::deployment(space, "web");
            let first = plan(&cluster, 1, &web, order(Some(autoscale(1, 3, 50)))).await;
            assert_eq!(cluster.preview(&first).await.unwrap(), first.changes());
            let made = cluster.apply(first).await.unwrap();
            let second = plan(&cluster, 2, &web, order(Some(autoscale(2, 4, 60)))).await;
            let moved = cluster.apply(second).await.unwrap();
            let found = scalers.get("ibn-web").await.unwrap().spec.unwrap();
            assert_eq!((found.min_replicas, found.max_replicas), (Some(2), 4));
            let state = live(&cluster, &web).await;
            assert_eq!(state.allocation.autoscale, Some(autoscale(2, 4, 60)));
            assert_eq!(state.owners.get(&Field::Autoscale), Some(&FieldOwner::Ibn));
            if is_real(&client).await {
                until("it scales", SOON, async || {
                    let state = live(&cluster, &web).await;
                    (state.allocation.replicas == 2).then_some(())
                })
                .await;
            }
            undo(&cluster, 3, &moved).await;
            let found = scalers.get("ibn-web").await.unwrap().spec.unwrap();
            assert_eq!((found.min_replicas, found.max_replicas), (Some(1), 3));
            undo(&cluster, 4, &made).await;
            assert!(scalers.get_opt("ibn-web").await.unwrap().is_none());
            assert_eq!(live(&cluster, &web).await.allocation.autoscale, None);
        })
        .await;
    }
}

#[tokio::test]
async fn of_an_autoscaler_that_is_handed_over_only_the_bounds_move() {
    for client in clusters().await {
        in_namespace(&client, "adopt", async |space| {
        shop::create(&client, space, &shop::deployment("web", 1))
            .await
            .unwrap();
        let scalers: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), space);
        let scaler = json!({
            "metadata": {"name": "theirs"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "minReplicas": 1,
                "maxReplicas": 2,
                "metrics": [
                    {"type": "Resource", "resource": {
                        "name": "memory",
                        "target": {"type": "AverageValue", "averageValue": "500Mi"},
                    }},
                    {"type": "Resource", "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 90},
                    }},
                ],
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 7}},
            },
        });
        let scaler = serde_json::from_value(scaler).unwrap();
        let before = scalers.create(&customer(), &scaler).await.unwrap();
        let cluster = orchestrator(&client, space).await;
        let web = WorkloadRef::deployment(space, "web");
        let state = live(&cluster, &web).await;
        let owner = FieldOwner::HorizontalPodAutoscaler("theirs".to_owned());
        assert_eq!(state.owners.get(&Field::Replicas), Some(&owner));
        assert_eq!(state.allocation.autoscale, None, "it isn't ours");

        let handed = Patch::Merge(json!({"metadata": {"annotations": {"ibn.dev/adopt": "true"}}}));
        let params = PatchParams {
            field_manager: Some("customer".to_owned()),
            ..PatchParams::default()
        };
        scalers.patch("theirs", &params, &handed).await.unwrap();
        until("it is seen", SOON, async || {
            let state = live(&cluster, &web).await;
            (state.allocation.autoscale == Some(autoscale(1, 2, 90))).then_some(())
        })
        .await;
        let wanted = plan(&cluster, 1, &web, order(Some(autoscale(2, 5, 90)))).await;
        let receipt = cluster.apply(wanted).await.unwrap();
        let now = scalers.get("theirs").await.unwrap();
        let mut expected = before.spec.clone().unwrap();
        (expected.min_replicas, expected.max_replicas) = (Some(2), 5);
        assert_eq!(now.spec, Some(expected), "only the bounds moved");
        let remove = plan(&cluster, 2, &web, order(None)).await;
        let error = cluster.apply(remove).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        undo(&cluster, 3, &receipt).await;
        let now = scalers.get("theirs").await.unwrap();
        assert_eq!(json!(now.spec), json!(before.spec), "byte by byte");
    })
    .await;
    }
}

#[tokio::test]
async fn a_quota_of_somebody_else_is_moved_and_brought_back() {
    for client in clusters().await {
        in_namespace(&client, "quota", async |space| {
            let quotas: Api<ResourceQuota> = Api::namespaced(client.clone(), space);
            let quota = json!({
                "metadata": {"name": "theirs"},
                "spec": {"hard": {"cpu": "4", "requests.memory": "8Gi", "services": "3"}},
            });
            let quota = serde_json::from_value(quota).unwrap();
            let before = quotas.create(&customer(), &quota).await.unwrap();
            let cluster = orchestrator(&client, space).await;
            let of = WorkloadRef::namespace(space);
            let limits = QuotaLimits {
                cpu: Some(CpuMillis::new(6000)),
                memory: Some(Bytes::new(8 << 30)),
                pods: Some(20),
            };
            let wanted = plan(&cluster, 1, &of, |desired| {
                *desired = Desired::Quota(Some(limits));
            })
            .await;
            assert_eq!(cluster.preview(&wanted).await.unwrap(), wanted.changes());
            let receipt = cluster.apply(wanted).await.unwrap();
            let hard =
                |quota: &ResourceQuota| -> Value { json!(quota.spec.as_ref().unwrap().hard) };
            let now = quotas.get("theirs").await.unwrap();
            assert_eq!(
                hard(&now),
                json!({"cpu": "6", "requests.memory": "8Gi", "services": "3", "pods": "20"})
            );
            assert_eq!(live(&cluster, &of).await.quota, Some(limits));
            undo(&cluster, 2, &receipt).await;
            let now = quotas.get("theirs").await.unwrap();
            assert_eq!(hard(&now), hard(&before), "byte by byte");
        })
        .await;
    }
}
