//! What holds when calls go wrong, and when whoever applies is killed at any of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ibn_core::allocation::Allocation;
use ibn_core::guard::{ApprovedPlan, Desired};
use ibn_core::intent::Autoscale;
use ibn_core::roles::Orchestrator;
use ibn_core::units::CpuMillis;
use ibn_core::workload::WorkloadRef;
use ibn_core::{Error, ErrorKind};
use ibn_e2e::{shop, until};
use ibn_k8s::orchestrator::Limits;
use ibn_k8s::{ClusterOrchestrator, Scope, Watches};
use ibn_testkit::apiserver::{ApiServer, Call, Fault};
use serde_json::{Value, json};

use crate::plans::{live, plan};
use crate::replicas::scale_to;
use crate::{NODE, SOON};

const SPACE: &str = "default";

fn web() -> WorkloadRef {
    WorkloadRef::deployment(SPACE, "web")
}

/// A server with a Deployment of two pods.
async fn server() -> (ApiServer, kube::Client) {
    let server = ApiServer::new().with_life(NODE);
    let client = kube::Client::new(server.clone(), SPACE);
    let manifest = shop::deployment("web", 2);
    shop::create(&client, SPACE, &manifest).await.unwrap();
    (server, client)
}

/// Who waits this long for an answer.
async fn orchestrator(client: &kube::Client, request: Duration) -> ClusterOrchestrator {
    let watches = Watches::start(client.clone(), Scope::namespace(SPACE));
    watches.synced(SOON).await.unwrap();
    let limits = Limits {
        request,
        ..Limits::default()
    };
    ClusterOrchestrator::with_limits(Arc::new(watches), limits)
}

fn is_scale(call: &Call) -> bool {
    call.is_write() && call.subresource == "scale"
}

/// Lets the first `times` calls that `pick` finds go wrong.
fn inject(server: &ApiServer, times: usize, fault: Fault, pick: fn(&Call) -> bool) {
    let mut left = times;
    server.inject(move |call| {
        let is_hit = left > 0 && pick(call);
        left -= usize::from(is_hit);
        is_hit.then_some(fault)
    });
}

fn scales(server: &ApiServer) -> usize {
    let writes = server.writes();
    writes
        .iter()
        .filter(|it| it.manager == "ibn" && it.subresource == "scale")
        .count()
}

#[tokio::test]
async fn what_the_server_had_no_time_for_is_asked_again() {
    for (times, status) in [(1, 409), (2, 429)] {
        let (server, client) = server().await;
        let cluster = orchestrator(&client, SOON).await;
        let wanted = plan(&cluster, 1, &web(), scale_to(3)).await;
        inject(&server, times, Fault::Status(status), is_scale);
        cluster.apply(wanted).await.unwrap();
        assert_eq!(live(&cluster, &web()).await.allocation.replicas, 3);
        assert_eq!(scales(&server), 1, "{status}");
    }
}

#[tokio::test]
async fn a_refusal_changes_nothing() {
    for (status, kind) in [
        (403, ErrorKind::Refused),
        (422, ErrorKind::Refused),
        (500, ErrorKind::Unavailable),
    ] {
        let (server, client) = server().await;
        let cluster = orchestrator(&client, SOON).await;
        let wanted = plan(&cluster, 1, &web(), scale_to(3)).await;
        inject(&server, usize::MAX, Fault::Status(status), is_scale);
        let error = cluster.apply(wanted).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(live(&cluster, &web()).await.allocation.replicas, 2);
    }
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_not_done_twice() {
    let (server, client) = server().await;
    let cluster = orchestrator(&client, Duration::from_millis(300)).await;
    let wanted = plan(&cluster, 1, &web(), scale_to(3)).await;
    inject(&server, 1, Fault::LostAnswer, is_scale);
    let receipt = cluster.apply(wanted.clone()).await.unwrap();
    assert_eq!(receipt.applied, *wanted.desired());
    assert_eq!(scales(&server), 1);

    let next = plan(&cluster, 2, &web(), scale_to(4)).await;
    inject(&server, 1, Fault::Silence, is_scale);
    let error = cluster.apply(next.clone()).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert_eq!(live(&cluster, &web()).await.allocation.replicas, 3);
    cluster.apply(next).await.unwrap();
    assert_eq!(scales(&server), 2);
}

#[tokio::test]
async fn watches_that_end_or_are_too_old_go_on() {
    let (server, client) = server().await;
    let cluster = orchestrator(&client, SOON).await;
    for (replicas, is_forgotten) in [(3, false), (4, true), (1, false)] {
        server.drop_watches();
        if is_forgotten {
            server.compact();
        }
        let by_hand = json!({"spec": {"replicas": replicas}});
        let path = format!("/apis/apps/v1/namespaces/{SPACE}/deployments/web/scale");
        assert_eq!(
            server.call("PATCH", &path, "customer", Some(&by_hand)).0,
            200
        );
        until("it is seen", SOON, async || {
            let state = live(&cluster, &web()).await;
            (state.allocation.replicas == replicas && state.ready_replicas == replicas)
                .then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_node_that_writes_at_the_same_time_is_no_reason_to_leave_a_pod_out() {
    let (server, client) = server().await;
    let cluster = orchestrator(&client, SOON).await;
    let wanted = everything(&cluster).await;
    inject(&server, 2, Fault::Status(409), |call| {
        call.is_write() && call.subresource == "resize"
    });
    cluster.apply(wanted).await.unwrap();
    let resizes = server.writes();
    let resizes = resizes.iter().filter(|it| it.subresource == "resize");
    assert_eq!(resizes.count(), 2, "both pods");
}

/// A plan of every kind of write at once.
async fn everything(cluster: &ClusterOrchestrator) -> ApprovedPlan {
    plan(cluster, 1, &web(), |desired| {
        let Desired::Allocation(to) = desired else {
            unreachable!("of a workload");
        };
        to.autoscale = Some(Autoscale {
            min: Some(2),
            max: 5,
            cpu_utilization: Some(70),
        });
        to.containers[0].requests.cpu = Some(CpuMillis::new(30));
        to.containers[0].limits.cpu = Some(CpuMillis::new(150));
    })
    .await
}

/// Everything that such a plan touches, without what the server keeps by itself.
fn touched(server: &ApiServer) -> Value {
    let object = server.object("deployments", SPACE, "web").unwrap();
    let annotations = &object["metadata"]["annotations"];
    let held = annotations.get("ibn.dev/held-sizes");
    assert_eq!(annotations.get("ibn.dev/applying"), None, "nothing is left");
    let (_, pods) = server.call("GET", &format!("/api/v1/namespaces/{SPACE}/pods"), "", None);
    let pods = pods["items"].as_array().unwrap().iter();
    let pods: Vec<&Value> = pods.map(|it| &it["spec"]).collect();
    let scaler = server.object("horizontalpodautoscalers", SPACE, "ibn-web");
    json!({
        "spec": object["spec"],
        "held": held,
        "pods": pods,
        "scaler": scaler.map(|it| it["spec"].clone()),
    })
}

#[tokio::test]
async fn a_plan_that_fails_at_any_write_is_taken_back_whole() {
    let mut failed = 0;
    for at in 0.. {
        let (server, client) = server().await;
        let cluster = orchestrator(&client, SOON).await;
        let wanted = everything(&cluster).await;
        let before = touched(&server);
        let mut count = 0;
        server.inject(move |call| {
            count += usize::from(call.is_write());
            (call.is_write() && count == at + 1).then_some(Fault::Status(500))
        });
        let done = cluster.apply(wanted).await;
        server.heal();
        if done.is_ok() {
            assert_ne!(touched(&server), before);
            break;
        }
        failed += 1;
        assert_eq!(touched(&server), before, "after a failure of write {at}");
    }
    // The announcement, two pods, the autoscaler, and what makes it final.
    assert_eq!(failed, 5);
}

#[tokio::test]
async fn whoever_leads_next_takes_back_what_a_killed_one_left() {
    let mut outcomes = Vec::new();
    for fault in [Fault::Silence, Fault::LostAnswer] {
        for at in 0.. {
            let (server, client) = server().await;
            let cluster = orchestrator(&client, SOON).await;
            let wanted = everything(&cluster).await;
            let before = touched(&server);
            let hit = Arc::new(AtomicUsize::new(0));
            let seen = Arc::clone(&hit);
            server.inject(move |call| {
                if !call.is_write() {
                    return None;
                }
                let count = seen.fetch_add(1, Ordering::SeqCst);
                // Once it is killed, nothing of it gets through.
                (count >= at).then_some(if count == at { fault } else { Fault::Silence })
            });
            let applying = cluster.clone();
            let again = wanted.clone();
            let task = tokio::spawn(async move { applying.apply(again).await });
            let is_done = until("it is done or stands", SOON, async || {
                if task.is_finished() {
                    return Some(true);
                }
                (hit.load(Ordering::SeqCst) > at).then_some(false)
            })
            .await;
            if is_done {
                break;
            }
            task.abort();
            let _ = task.await;
            drop(cluster);
            server.heal();
            let next = orchestrator(&client, SOON).await;
            next.recover().await.unwrap();
            let after = touched(&server);
            let is_before = after == before;
            outcomes.push(is_before);
            if !is_before {
                let state = live(&next, &web()).await;
                assert_eq!(Desired::Allocation(state.allocation), *wanted.desired());
            }
            // Whatever it was, the next plan finds a workload that can be changed.
            let decision = everything_back(&next, &before).await;
            assert!(decision.is_none_or(|it| it.is_ok()));
        }
    }
    let whole = outcomes.iter().filter(|is_before| !**is_before).count();
    assert_eq!(
        (outcomes.len(), whole),
        (10, 1),
        "only the last write is the whole plan"
    );
}

/// Applies the plan once more, where nothing of it is there.
async fn everything_back(
    cluster: &ClusterOrchestrator,
    before: &Value,
) -> Option<ibn_core::Result<Allocation>> {
    let state = live(cluster, &web()).await;
    if state.allocation.autoscale.is_some() {
        return None;
    }
    let replicas = before["spec"]["replicas"].as_u64();
    assert_eq!(replicas, Some(u64::from(state.allocation.replicas)));
    let wanted = everything(cluster).await;
    Some(cluster.apply(wanted).await.map(|it| match it.applied {
        Desired::Allocation(allocation) => allocation,
        Desired::Quota(_) => unreachable!("of a workload"),
    }))
}
