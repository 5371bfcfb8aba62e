//! What the shared watches show, and what they cost.

use std::collections::BTreeSet;
use std::sync::Arc;

use ibn_core::allocation::Field;
use ibn_core::guard::Desired;
use ibn_core::roles::Orchestrator;
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::{FieldOwner, FreeCapacity, WorkloadKind, WorkloadRef};
use ibn_e2e::{in_namespace, shop, until};
use ibn_k8s::{ClusterOrchestrator, Scope, Watches};
use ibn_testkit::apiserver::{ApiServer, Kind};
use ibn_testkit::service::need;
use serde_json::{Value, json};

use crate::plans::{live, plan};
use crate::{NODE, SOON};

fn server() -> (ApiServer, kube::Client) {
    let server = ApiServer::new()
        .with_kind(Kind::namespaced(
            "autoscaling.k8s.io",
            "v1",
            "verticalpodautoscalers",
            "VerticalPodAutoscaler",
        ))
        .with_kind(Kind::namespaced(
            "keda.sh",
            "v1alpha1",
            "scaledobjects",
            "ScaledObject",
        ))
        .with_life(NODE);
    let client = kube::Client::new(server.clone(), "default");
    (server, client)
}

async fn watching(client: &kube::Client, scope: Scope) -> ClusterOrchestrator {
    let watches = Watches::start(client.clone(), scope);
    watches.synced(SOON).await.unwrap();
    ClusterOrchestrator::new(Arc::new(watches))
}

fn make(server: &ApiServer, path: &str, body: &Value) {
    let (code, answer) = server.call("POST", path, "customer", Some(body));
    assert_eq!(code, 201, "{answer}");
}

fn owner(field: &str, of: &ibn_core::workload::WorkloadState) -> Option<FieldOwner> {
    let field: Field = field.parse().unwrap();
    of.owners.get(&field).cloned()
}

#[tokio::test]
async fn autoscalers_of_other_kinds_are_seen() {
    let (server, client) = server();
    shop::create(&client, "default", &shop::deployment("web", 1))
        .await
        .unwrap();
    let cluster = watching(&client, Scope::namespace("default")).await;
    let web = WorkloadRef::deployment("default", "web");
    let vertical = json!({
        "metadata": {"name": "sizes"},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "updatePolicy": {"updateMode": "Auto"},
            "resourcePolicy": {"containerPolicies": [{
                "containerName": "*",
                "controlledResources": ["cpu"],
                "controlledValues": "RequestsOnly",
            }]},
        },
    });
    let path = "/apis/autoscaling.k8s.io/v1/namespaces/default/verticalpodautoscalers";
    make(&server, path, &vertical);
    let by = FieldOwner::VerticalPodAutoscaler("sizes".to_owned());
    let state = until("it is seen", SOON, async || {
        let state = live(&cluster, &web).await;
        (owner("app.requests.cpu", &state) == Some(by.clone())).then_some(state)
    })
    .await;
    let customer = FieldOwner::Manager("customer".to_owned());
    for field in ["app.limits.cpu", "app.requests.memory", "replicas"] {
        assert_eq!(owner(field, &state), Some(customer.clone()), "{field}");
    }
    let off = json!({"spec": {"updatePolicy": {"updateMode": "Off"}}});
    let answer = server.call("PATCH", &format!("{path}/sizes"), "customer", Some(&off));
    assert_eq!(answer.0, 200, "{answer:?}");
    until("it only recommends", SOON, async || {
        let state = live(&cluster, &web).await;
        (owner("app.requests.cpu", &state) == Some(customer.clone())).then_some(())
    })
    .await;

    let scaled = json!({
        "metadata": {"name": "queue"},
        "spec": {"scaleTargetRef": {"name": "web"}},
    });
    make(
        &server,
        "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects",
        &scaled,
    );
    let by = FieldOwner::ScaledObject("queue".to_owned());
    until("it is seen", SOON, async || {
        let state = live(&cluster, &web).await;
        (owner("replicas", &state) == Some(by.clone())).then_some(())
    })
    .await;
}

#[tokio::test]
async fn once_everything_was_listed_to_look_asks_nothing() {
    let (server, client) = server();
    for idx in 0..20 {
        let manifest = shop::deployment(&format!("web-{idx}"), 1);
        shop::create(&client, "default", &manifest).await.unwrap();
    }
    let cluster = watching(&client, Scope::Cluster).await;
    let before = server.calls().len();
    for _ in 0..100 {
        let seen = cluster.inventory().await.unwrap();
        assert_eq!(seen.workloads.len(), 21, "and the namespace");
    }
    assert_eq!(server.calls().len(), before);
    let lists = server.calls().into_iter();
    let lists = lists.filter(|it| it.method == "GET" && it.name.is_empty() && !it.is_watch());
    let lists: Vec<String> = lists.map(|it| it.plural).collect();
    let kinds: BTreeSet<&String> = lists.iter().collect();
    assert_eq!(
        lists.len(),
        kinds.len(),
        "each kind was listed once: {lists:?}"
    );
}

#[tokio::test]
async fn an_order_of_pods_is_one_call() {
    let (server, client) = server();
    shop::create(&client, "default", &shop::deployment("web", 1))
        .await
        .unwrap();
    let cluster = watching(&client, Scope::namespace("default")).await;
    let web = WorkloadRef::deployment("default", "web");
    for replicas in [2, 5, 3] {
        let wanted = plan(&cluster, u64::from(replicas), &web, |desired| {
            if let Desired::Allocation(allocation) = desired {
                allocation.replicas = replicas;
            }
        })
        .await;
        let before = server.calls().len();
        cluster.apply(wanted).await.unwrap();
        let calls = server.calls().split_off(before);
        let calls: Vec<(String, String)> = calls
            .into_iter()
            .map(|it| (it.method, it.subresource))
            .collect();
        assert_eq!(calls, [("PATCH".to_owned(), "scale".to_owned())]);
        until("it is seen", SOON, async || {
            (live(&cluster, &web).await.ready_replicas == replicas).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn several_namespaces_are_looked_after_and_no_others() {
    let (server, client) = server();
    for name in ["a", "b", "c"] {
        let space = json!({"metadata": {"name": name}});
        make(&server, "/api/v1/namespaces", &space);
        shop::create(&client, name, &shop::deployment("web", 1))
            .await
            .unwrap();
    }
    let both = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
    let cluster = watching(&client, Scope::Namespaces(both)).await;
    let seen = cluster.inventory().await.unwrap();
    let names: Vec<String> = seen.workloads.keys().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "a/Deployment/web",
            "a/Namespace/a",
            "b/Deployment/web",
            "b/Namespace/b"
        ]
    );
    assert_eq!(seen.free, None, "nodes are none of its business");
    let cluster_wide = server.calls().into_iter();
    let mut cluster_wide = cluster_wide
        .filter(|it| it.is_watch() && it.namespace.is_empty() && it.manager() != "customer");
    assert_eq!(
        cluster_wide.next(),
        None,
        "nothing that needs a cluster role"
    );
}

#[tokio::test]
async fn room_on_nodes_is_what_pods_leave_of_it() {
    let (server, client) = server();
    let node = json!({"metadata": {"name": "n"}});
    make(&server, "/api/v1/nodes", &node);
    let status = json!({"status": {"allocatable": {"cpu": "4", "memory": "8Gi"}}});
    server.call("PATCH", "/api/v1/nodes/n/status", "kubelet", Some(&status));
    let mut manifest = shop::deployment("web", 3);
    manifest["spec"]["template"]["spec"]["nodeName"] = json!("n");
    shop::create(&client, "default", &manifest).await.unwrap();
    let cluster = watching(&client, Scope::Cluster).await;
    let expected = FreeCapacity {
        cpu: CpuMillis::new(4000 - 3 * 20),
        memory: Bytes::new((8 << 30) - 3 * (32 << 20)),
    };
    assert_eq!(cluster.inventory().await.unwrap().free, Some(expected));
}

#[tokio::test]
async fn a_stateful_set_is_a_workload_too() {
    let (_server, client) = server();
    let mut manifest = shop::deployment("db", 2);
    manifest["kind"] = json!("StatefulSet");
    manifest["spec"]["serviceName"] = json!("db");
    let object = serde_json::from_value(manifest).unwrap();
    let sets: kube::Api<k8s_openapi::api::apps::v1::StatefulSet> =
        kube::Api::namespaced(client.clone(), "default");
    sets.create(&Default::default(), &object).await.unwrap();
    let cluster = watching(&client, Scope::namespace("default")).await;
    let db = WorkloadRef::new("default", WorkloadKind::StatefulSet, "db");
    let wanted = plan(&cluster, 1, &db, |desired| {
        if let Desired::Allocation(allocation) = desired {
            allocation.replicas = 3;
            allocation.containers[0].requests.cpu = Some(CpuMillis::new(40));
        }
    })
    .await;
    cluster.apply(wanted).await.unwrap();
    cluster.keep_once().await.unwrap();
    let pods = shop::pods(&client, "default", "db").await.unwrap();
    let sizes: Vec<String> = pods
        .iter()
        .map(|pod| {
            let container = &pod.spec.as_ref().unwrap().containers[0];
            let resources = container.resources.as_ref().unwrap();
            resources.requests.as_ref().unwrap()["cpu"].0.clone()
        })
        .collect();
    assert_eq!(sizes, ["40m", "40m", "40m"]);
}

#[tokio::test]
async fn a_template_of_ours_whose_rollout_is_stuck_is_put_back() {
    let (server, client) = server();
    shop::create(&client, "default", &shop::deployment("web", 1))
        .await
        .unwrap();
    let cluster = watching(&client, Scope::namespace("default"))
        .await
        .replacing_pods(|_| true);
    let web = WorkloadRef::deployment("default", "web");
    let spec = || server.object("deployments", "default", "web").unwrap()["spec"].clone();
    let before = spec();
    let unlimited = plan(&cluster, 1, &web, |desired| {
        if let Desired::Allocation(allocation) = desired {
            allocation.containers[0].limits.memory = None;
        }
    })
    .await;
    cluster.apply(unlimited).await.unwrap();
    assert_ne!(spec(), before);
    assert_eq!(cluster.keep_once().await.unwrap().put_back, []);
    let stuck = json!({"status": {"conditions": [{
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
    }]}});
    let path = "/apis/apps/v1/namespaces/default/deployments/web/status";
    server.call("PATCH", path, "kube-controller-manager", Some(&stuck));
    until("it is put back", SOON, async || {
        let kept = cluster.keep_once().await.unwrap();
        (kept.put_back == [web.clone()]).then_some(())
    })
    .await;
    assert_eq!(spec(), before);
}

#[tokio::test]
async fn annotations_that_were_copied_from_another_workload_say_nothing() {
    let (server, client) = server();
    shop::create(&client, "default", &shop::deployment("web", 1))
        .await
        .unwrap();
    let cluster = watching(&client, Scope::namespace("default")).await;
    let web = WorkloadRef::deployment("default", "web");
    let bigger = plan(&cluster, 1, &web, |desired| {
        if let Desired::Allocation(allocation) = desired {
            allocation.containers[0].requests.cpu = Some(CpuMillis::new(40));
        }
    })
    .await;
    cluster.apply(bigger).await.unwrap();
    let held = server.object("deployments", "default", "web").unwrap();
    let held = held["metadata"]["annotations"]["ibn.dev/held-sizes"].clone();
    assert!(held.is_string(), "{held}");
    let mut copy = shop::deployment("copy", 1);
    copy["metadata"]["annotations"] = json!({
        "ibn.dev/held-sizes": held,
        "ibn.dev/applying": r#"{"decision":"d1","replicas":[7,1]}"#,
    });
    shop::create(&client, "default", &copy).await.unwrap();
    let copy = WorkloadRef::deployment("default", "copy");
    until("it is seen", SOON, async || {
        let seen = cluster.inventory().await.ok()?;
        seen.workloads.contains_key(&copy).then_some(())
    })
    .await;
    cluster.keep_once().await.unwrap();
    let state = live(&cluster, &copy).await;
    assert_eq!(state.allocation.replicas, 1);
    let cpu = state.allocation.containers[0].requests.cpu;
    assert_eq!(cpu, Some(CpuMillis::new(20)));
}

#[tokio::test]
async fn a_whole_real_cluster_can_be_looked_after() {
    let Some(client) = need("cluster", ibn_e2e::cluster().await) else {
        return;
    };
    in_namespace(&client, "whole", async |space| {
        shop::create(&client, space, &shop::deployment("web", 1))
            .await
            .unwrap();
        let cluster = watching(&client, Scope::Cluster).await;
        let seen = cluster.inventory().await.unwrap();
        let web = WorkloadRef::deployment(space, "web");
        assert!(seen.workloads.contains_key(&web));
        let system = WorkloadRef::namespace("kube-system");
        assert!(seen.workloads.contains_key(&system));
        let free = seen.free.unwrap();
        assert!(free.memory > Bytes::new(0), "{free:?}");
    })
    .await;
}
