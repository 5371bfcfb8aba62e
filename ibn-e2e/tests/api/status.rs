//! The status that the engine writes, through the schema of the API server.

use ibn_core::allocation::ContainerResources;
use ibn_core::decision::DecisionId;
use ibn_core::intent::{
    Amount, Directive, Expectation, ExpectationStatus, Intent, IntentStatus, Setting,
    StatusConflict,
};
use ibn_core::lifecycle::LifecycleEvent;
use ibn_core::roles::IntentStore;
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::WorkloadRef;
use ibn_e2e::{in_namespace, install_crds};
use ibn_k8s::ClusterIntentStore;
use ibn_testkit::service::need;

#[tokio::test]
async fn every_part_of_a_status_is_kept() {
    let Some(client) = need("cluster", ibn_e2e::cluster().await) else {
        return;
    };
    install_crds(&client).await;
    in_namespace(&client, "status", async |space| {
        let web = WorkloadRef::deployment(space, "web");
        let store = ClusterIntentStore::new(client.clone(), Some(space.to_owned()));
        let mut intent = Intent::new("more", &web)
            .with_expectation(Expectation::Directive(Directive::Replicas(Amount::To(5))));
        let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let app = ContainerResources::new("app")
            .with_requests(CpuMillis::new(500), Bytes::new(256 << 20));
        let mut status = IntentStatus {
            observed_generation: Some(1),
            proposal: Some(Box::new(intent.spec.clone())),
            last_decision: Some(DecisionId(17)),
            expectations: vec![ExpectationStatus {
                achieved: Some("as ordered".to_owned()),
                fulfilled: Some(true),
                hash: Some("0123".to_owned()),
                resolved: Some(Setting::Replicas(5)),
                ordered: Some(now),
                previous: Some(Setting::Containers(vec![app])),
                reason: "none".to_owned(),
                since: Some(now),
            }],
            conflicts: vec![StatusConflict {
                rule: "directive-values-differ".to_owned(),
                level: "warning".to_owned(),
                sides: ["a".to_owned(), "b".to_owned()],
                why: "because".to_owned(),
                ways_out: vec!["choose".to_owned()],
            }],
            ..IntentStatus::default()
        };
        for event in [
            LifecycleEvent::Admitted,
            LifecycleEvent::Applied,
            LifecycleEvent::Met,
        ] {
            status.advance(event, "as it should", now).unwrap();
        }
        intent.status = Some(status.clone());
        store.put(&intent).await.unwrap();
        let live = store.get(&intent.key()).await.unwrap().unwrap();
        assert_eq!(live.status, Some(status.clone()));

        // Nothing new, nothing written.
        store.put(&intent).await.unwrap();
        let again = store.get(&intent.key()).await.unwrap().unwrap();
        assert_eq!(
            again.metadata.resource_version,
            live.metadata.resource_version
        );

        // A part that is over goes away.
        (status.proposal, status.conflicts) = (None, Vec::new());
        intent.status = Some(status.clone());
        store.put(&intent).await.unwrap();
        let live = store.get(&intent.key()).await.unwrap().unwrap();
        assert_eq!(live.status, Some(status));
    })
    .await;
}
