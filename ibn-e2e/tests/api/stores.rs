//! The roles that remember, in custom resources: the suites of the testkit, and what only a cluster can do.

use ibn_core::decision::LedgerEvent;
use ibn_core::intent::{Amount, Directive, Expectation, Intent, IntentStatus};
use ibn_core::lifecycle::LifecycleEvent;
use ibn_core::roles::{IntentStore, Ledger, LedgerQuery};
use ibn_core::workload::WorkloadRef;
use ibn_e2e::{create_namespace, delete_namespace, in_namespace, install_crds};
use ibn_k8s::{ClusterIntentStore, ClusterLedger, FINALIZER};
use ibn_testkit::service::need;
use ibn_testkit::store;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::json;

fn objects(client: &kube::Client, kind: &str, space: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("ibn.dev", "v1alpha1", kind);
    Api::namespaced_with(client.clone(), space, &ApiResource::from_gvk(&kind))
}

fn scaled(space: &str, name: &str) -> Intent {
    let web = WorkloadRef::deployment(space, "web");
    Intent::new(name, &web)
        .with_expectation(Expectation::Directive(Directive::Replicas(Amount::Add(2))))
}

#[tokio::test(flavor = "multi_thread")]
async fn they_remember_as_every_store_does() {
    let Some(client) = need("cluster", ibn_e2e::cluster().await) else {
        return;
    };
    install_crds(&client).await;
    in_namespace(&client, "intents", async |space| {
        let space = space.to_owned();
        let make = {
            let (client, space) = (client.clone(), space.clone());
            move || ClusterIntentStore::new(client.clone(), Some(space.clone()))
        };
        let suite =
            tokio::task::spawn_blocking(move || store::intent_store_conformance_in(&space, make));
        suite.await.unwrap();
    })
    .await;
    in_namespace(&client, "ledger", async |space| {
        let space = space.to_owned();
        let second = format!("{space}-2");
        create_namespace(&client, &second).await;
        let make = {
            let (client, space) = (client.clone(), space.clone());
            move || ClusterLedger::new(client.clone(), Some(space.clone()))
        };
        let suite = tokio::task::spawn_blocking(move || store::ledger_conformance_in(&space, make));
        let outcome = suite.await;
        delete_namespace(&client, &second).await;
        outcome.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_came_through_the_engine_keeps_the_name_under_which_it_was_resolved() {
    let Some(client) = need("cluster", ibn_e2e::cluster().await) else {
        return;
    };
    install_crds(&client).await;
    in_namespace(&client, "identity", async |space| {
        let store = ClusterIntentStore::new(client.clone(), Some(space.to_owned()));
        let mut intent = scaled(space, "more");
        intent.metadata.uid = Some("0123456789abcdef0123456789abcdef".to_owned());
        store.put(&intent).await.unwrap();
        let found = store.list().await.unwrap();
        assert_eq!(found[0].metadata.uid, intent.metadata.uid);
        let live = objects(&client, "Intent", space).get("more").await.unwrap();
        assert_ne!(live.metadata.uid, intent.metadata.uid);
    })
    .await;
}

#[tokio::test]
async fn an_edit_that_was_not_seen_is_not_written_over() {
    let Some(client) = need("cluster", ibn_e2e::cluster().await) else {
        return;
    };
    install_crds(&client).await;
    in_namespace(&client, "edit", async |space| {
        let store = ClusterIntentStore::new(client.clone(), Some(space.to_owned()));
        let api = objects(&client, "Intent", space);
        store.put(&scaled(space, "more")).await.unwrap();
        let seen = store.list().await.unwrap().remove(0);
        let edit = json!({"spec": {"priority": 70}});
        let patch = Patch::Merge(&edit);
        api.patch("more", &PatchParams::default(), &patch)
            .await
            .unwrap();
        let mut told = seen.clone();
        let mut status = IntentStatus::default();
        let now = jiff::Timestamp::UNIX_EPOCH;
        status
            .advance(LifecycleEvent::Admitted, "no conflict", now)
            .unwrap();
        status.observed_generation = seen.metadata.generation;
        told.status = Some(status.clone());
        store.put(&told).await.unwrap();
        let live = store.get(&seen.key()).await.unwrap().unwrap();
        assert_eq!(live.spec.priority, Some(70));
        assert_eq!(live.status, Some(status));
    })
    .await;
}

#[tokio::test]
async fn what_was_deleted_waits_for_its_end_and_does_not_come_back() {
    let Some(client) = need("cluster", ibn_e2e::cluster().await) else {
        return;
    };
    install_crds(&client).await;
    in_namespace(&client, "end", async |space| {
        let store = ClusterIntentStore::new(client.clone(), Some(space.to_owned()));
        let api = objects(&client, "Intent", space);
        store.put(&scaled(space, "more")).await.unwrap();
        let seen = store.list().await.unwrap().remove(0);
        let live = api.get("more").await.unwrap();
        assert_eq!(live.metadata.finalizers, Some(vec![FINALIZER.to_owned()]));
        api.delete("more", &DeleteParams::default()).await.unwrap();
        let waiting = store.get(&seen.key()).await.unwrap().unwrap();
        assert!(waiting.metadata.deletion_timestamp.is_some());

        // Another object of the same name is none of the engine's business.
        store.delete(&seen.key()).await.unwrap();
        assert_eq!(api.get_opt("more").await.unwrap(), None);
        let mut told = seen.clone();
        told.status = Some(IntentStatus::default());
        assert!(store.put(&told).await.is_err());
        assert_eq!(api.get_opt("more").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_successor_of_the_same_name_is_left_alone() {
    let Some(client) = need("cluster", ibn_e2e::cluster().await) else {
        return;
    };
    install_crds(&client).await;
    in_namespace(&client, "heir", async |space| {
        let store = ClusterIntentStore::new(client.clone(), Some(space.to_owned()));
        let api = objects(&client, "Intent", space);
        store.put(&scaled(space, "more")).await.unwrap();
        let seen = store.list().await.unwrap().remove(0);
        let free = json!({"metadata": {"finalizers": []}});
        let patch = Patch::Merge(&free);
        api.patch("more", &PatchParams::default(), &patch)
            .await
            .unwrap();
        api.delete("more", &DeleteParams::default()).await.unwrap();
        let heir = json!({"apiVersion": "ibn.dev/v1alpha1", "kind": "Intent",
            "metadata": {"name": "more"}, "spec": {"target": {"kind": "Deployment", "name": "web"}}});
        let heir = serde_json::from_value(heir).unwrap();
        api.create(&PostParams::default(), &heir).await.unwrap();
        assert!(store.put(&seen).await.is_err());
        store.delete(&seen.key()).await.unwrap();
        assert!(api.get("more").await.unwrap().metadata.deletion_timestamp.is_none());
    })
    .await;
}

#[tokio::test]
async fn the_newest_decisions_of_each_workload_are_kept_and_read_back_by_another_process() {
    let Some(client) = need("cluster", ibn_e2e::cluster().await) else {
        return;
    };
    install_crds(&client).await;
    let first = format!("e2e-decisions-{}", std::process::id());
    create_namespace(&client, &first).await;
    let (web, api) = (
        WorkloadRef::deployment(&first, "web"),
        WorkloadRef::deployment(&first, "api"),
    );
    let ledger = ClusterLedger::new(client.clone(), Some(first.clone()));
    ledger.append(&store::decided(1, &api, 1)).await.unwrap();
    for id in 2..=14 {
        let at = i64::try_from(id).unwrap();
        ledger.append(&store::decided(id, &web, at)).await.unwrap();
    }
    let another = ClusterLedger::new(client.clone(), Some(first.clone()));
    let entries = another.query(&LedgerQuery::default()).await.unwrap();
    let ids: Vec<u64> = entries.iter().map(|it| it.event.decision().0).collect();
    assert_eq!(ids, [1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    assert!(matches!(entries[0].event, LedgerEvent::Decided(_)));
    assert_eq!(
        entries,
        ledger.query(&LedgerQuery::default()).await.unwrap()
    );
    delete_namespace(&client, &first).await;
}
