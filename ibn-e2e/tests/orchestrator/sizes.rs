//! CPU and memory of running pods.

use ibn_core::allocation::{Allocation, Field};
use ibn_core::guard::Desired;
use ibn_core::roles::Orchestrator;
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::{FieldOwner, WorkloadRef};
use ibn_e2e::{in_namespace, shop, until};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::plans::{live, plan, undo};
use crate::{SOON, clusters, orchestrator};

#[tokio::test]
async fn running_pods_are_resized_without_a_restart_and_back() {
    for client in clusters().await {
        in_namespace(&client, "resize", async |space| {
            shop::create(&client, space, &shop::deployment("web", 2))
                .await
                .unwrap();
            let deployments: Api<Deployment> = Api::namespaced(client.clone(), space);
            let cluster = orchestrator(&client, space).await;
            let web = WorkloadRef::deployment(space, "web");
            all_ready(&cluster, &web, 2).await;
            let template = deployments.get("web").await.unwrap().spec.unwrap();
            let pods = shop::pods(&client, space, "web").await.unwrap();
            let specs =
                |pods: &[Pod]| -> Vec<Value> { pods.iter().map(|pod| json!(pod.spec)).collect() };

            let wanted = plan(&cluster, 1, &web, bigger).await;
            let receipt = cluster.apply(wanted.clone()).await.unwrap();
            assert_eq!(cluster.preview(&wanted).await.unwrap(), []);
            until("every node has done it", SOON, async || {
                cluster.resizes(&web).is_done().then_some(())
            })
            .await;
            let resized = shop::pods(&client, space, "web").await.unwrap();
            assert_eq!(names(&resized), names(&pods), "the same pods");
            for pod in &resized {
                let status = &pod
                    .status
                    .as_ref()
                    .unwrap()
                    .container_statuses
                    .as_ref()
                    .unwrap()[0];
                assert_eq!(status.restart_count, 0, "without a restart");
                let given = json!(status.resources);
                assert_eq!(
                    given,
                    json!({
                        "requests": {"cpu": "30m", "memory": "40Mi"},
                        "limits": {"cpu": "150m", "memory": "80Mi"},
                    }),
                    "as the node says"
                );
            }
            let after = deployments.get("web").await.unwrap();
            assert_eq!(after.spec.unwrap(), template, "the template is untouched");
            let state = live(&cluster, &web).await;
            let field: Field = "app.requests.cpu".parse().unwrap();
            assert_eq!(state.owners.get(&field), Some(&FieldOwner::Ibn));

            undo(&cluster, 2, &receipt).await;
            until("every node has taken it back", SOON, async || {
                cluster.resizes(&web).is_done().then_some(())
            })
            .await;
            let back = shop::pods(&client, space, "web").await.unwrap();
            assert_eq!(specs(&back), specs(&pods), "byte by byte");
            let after = deployments.get("web").await.unwrap();
            assert_eq!(after.spec.unwrap(), template);
            let annotations = after.metadata.annotations.unwrap_or_default();
            let left: Vec<_> = annotations
                .keys()
                .filter(|it| it.contains("ibn.dev"))
                .collect();
            assert!(left.is_empty(), "{left:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn pods_that_come_later_get_the_size_and_what_is_resized_by_hand_is_left() {
    for client in clusters().await {
        in_namespace(&client, "keep", async |space| {
            shop::create(&client, space, &shop::deployment("web", 1))
                .await
                .unwrap();
            let cluster = orchestrator(&client, space).await;
            let web = WorkloadRef::deployment(space, "web");
            all_ready(&cluster, &web, 1).await;
            let keeping = cluster.clone();
            let keeper = tokio::spawn(async move { keeping.keep(|_| {}).await });
            let both = plan(&cluster, 1, &web, |desired| {
                bigger(desired);
                crate::replicas::scale_to(2)(desired);
            })
            .await;
            cluster.apply(both).await.unwrap();
            let all_sized = async |count: usize| {
                let pods = shop::pods(&client, space, "web").await.unwrap();
                let pods: Vec<&Pod> = pods
                    .iter()
                    .filter(|it| it.metadata.deletion_timestamp.is_none())
                    .collect();
                let sized = |pod: &&Pod| given(pod) == json!({"cpu": "150m", "memory": "80Mi"});
                (pods.len() == count && pods.iter().all(sized)).then_some(())
            };
            until("a pod of the same plan has the size", SOON, async || {
                all_sized(2).await
            })
            .await;
            let more = plan(&cluster, 2, &web, crate::replicas::scale_to(3)).await;
            cluster.apply(more).await.unwrap();
            until("a pod more has the size", SOON, async || all_sized(3).await).await;
            let pods: Api<Pod> = Api::namespaced(client.clone(), space);
            let gone = names(&shop::pods(&client, space, "web").await.unwrap());
            pods.delete(&gone[0], &DeleteParams::default())
                .await
                .unwrap();
            until("what took its place has the size", SOON, async || {
                let there = names(&shop::pods(&client, space, "web").await.unwrap());
                if there.contains(&gone[0]) {
                    return None;
                }
                all_sized(3).await
            })
            .await;

            // Somebody has another opinion about one pod.
            let name = names(&shop::pods(&client, space, "web").await.unwrap()).remove(0);
            let params = PatchParams {
                field_manager: Some("customer".to_owned()),
                ..PatchParams::default()
            };
            let by_hand = Patch::Strategic(json!({"spec": {"containers": [
                {"name": "app", "resources": {"limits": {"cpu": "170m"}}},
            ]}}));
            pods.patch_resize(&name, &params, &by_hand).await.unwrap();
            let state = until("it is seen", SOON, async || {
                let state = live(&cluster, &web).await;
                let limit = state.allocation.containers[0].limits.cpu;
                (limit == Some(CpuMillis::new(170))).then_some(state)
            })
            .await;
            let field: Field = "app.limits.cpu".parse().unwrap();
            let owner = FieldOwner::Manager("customer".to_owned());
            assert_eq!(state.owners.get(&field), Some(&owner));
            cluster.keep_once().await.unwrap();
            let left = pods.get(&name).await.unwrap();
            assert_eq!(given(&left), json!({"cpu": "170m", "memory": "80Mi"}));
            assert!(cluster.resizes(&web).by_hand.contains(&name));
            keeper.abort();
        })
        .await;
    }
}

#[tokio::test]
async fn what_no_node_can_ever_give_changes_nothing() {
    for client in clusters().await {
        in_namespace(&client, "infeasible", async |space| {
            shop::create(&client, space, &shop::deployment("web", 1))
                .await
                .unwrap();
            let deployments: Api<Deployment> = Api::namespaced(client.clone(), space);
            let cluster = orchestrator(&client, space).await;
            let web = WorkloadRef::deployment(space, "web");
            all_ready(&cluster, &web, 1).await;
            let before = deployments.get("web").await.unwrap().spec;
            let huge = plan(&cluster, 1, &web, |desired| {
                crate::replicas::scale_to(2)(desired);
                let app = &mut allocation(desired).containers[0];
                app.requests.cpu = Some(CpuMillis::new(5_000_000));
                app.limits.cpu = Some(CpuMillis::new(5_000_000));
            })
            .await;
            let error = cluster.apply(huge).await.unwrap_err();
            assert_eq!(error.kind(), ibn_core::ErrorKind::Refused, "{error}");
            assert_eq!(deployments.get("web").await.unwrap().spec, before);
            let pod = shop::pods(&client, space, "web").await.unwrap().remove(0);
            assert_eq!(given(&pod), json!({"cpu": "100m", "memory": "67108865"}));
        })
        .await;
    }
}

#[tokio::test]
async fn what_running_pods_cannot_take_goes_through_the_template_and_back() {
    for client in clusters().await {
        in_namespace(&client, "rollout", async |space| {
            shop::create(&client, space, &shop::deployment("web", 1))
                .await
                .unwrap();
            let deployments: Api<Deployment> = Api::namespaced(client.clone(), space);
            let never = orchestrator(&client, space).await;
            let cluster = never.clone().replacing_pods(|_| true);
            let web = WorkloadRef::deployment(space, "web");
            all_ready(&cluster, &web, 1).await;
            let before = deployments.get("web").await.unwrap().spec;
            let old = names(&shop::pods(&client, space, "web").await.unwrap());
            let unlimited = plan(&cluster, 1, &web, |desired| {
                let app = &mut allocation(desired).containers[0];
                app.limits.cpu = None;
                app.limits.memory = Some(Bytes::new(80 << 20));
            })
            .await;
            let refused = never.apply(unlimited.clone()).await.unwrap_err();
            assert_eq!(refused.kind(), ibn_core::ErrorKind::Refused, "{refused}");
            let receipt = cluster.apply(unlimited).await.unwrap();
            until("a pod takes the place", SOON, async || {
                let pods = shop::pods(&client, space, "web").await.unwrap();
                let pod = pods.first().filter(|_| pods.len() == 1)?;
                let is_new = !old.contains(pod.metadata.name.as_ref()?);
                (is_new && given(pod) == json!({"memory": "80Mi"})).then_some(())
            })
            .await;
            undo(&cluster, 2, &receipt).await;
            let after = deployments.get("web").await.unwrap();
            assert_eq!(after.spec, before, "byte by byte");
        })
        .await;
    }
}

fn allocation(desired: &mut Desired) -> &mut Allocation {
    match desired {
        Desired::Allocation(allocation) => allocation,
        Desired::Quota(_) => unreachable!("of a workload"),
    }
}

fn bigger(desired: &mut Desired) {
    let app = &mut allocation(desired).containers[0];
    app.requests.cpu = Some(CpuMillis::new(30));
    app.requests.memory = Some(Bytes::new(40 << 20));
    app.limits.cpu = Some(CpuMillis::new(150));
    app.limits.memory = Some(Bytes::new(80 << 20));
}

/// The limits of a pod, as its specification has them.
fn given(pod: &Pod) -> Value {
    let container = &pod.spec.as_ref().unwrap().containers[0];
    json!(container.resources.as_ref().unwrap().limits)
}

fn names(pods: &[Pod]) -> Vec<String> {
    pods.iter()
        .map(|pod| pod.metadata.name.clone().unwrap())
        .collect()
}

async fn all_ready(cluster: &ibn_k8s::ClusterOrchestrator, of: &WorkloadRef, count: u32) {
    until("its pods are ready", SOON, async || {
        (live(cluster, of).await.ready_replicas == count).then_some(())
    })
    .await;
}
