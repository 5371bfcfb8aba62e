//! Conformance of the roles that remember.

use futures::executor::block_on;
use ibn_core::decision::{Decision, DecisionId, LedgerEntry, LedgerEvent, Reason, Trigger};
use ibn_core::guard::{Desired, Receipt};
use ibn_core::intent::{Amount, Directive, Expectation, Intent, IntentKey, Metadata};
use ibn_core::roles::{IntentStore, Ledger, LedgerQuery};
use ibn_core::workload::WorkloadRef;
use jiff::Timestamp;

use ibn_core::allocation::Allocation;

/// What every [`IntentStore`] must do; `make` gives a new, empty one each time.
///
/// # Panics
/// Where it doesn't.
pub fn intent_store_conformance<S: IntentStore>(make: impl Fn() -> S) {
    intent_store_conformance_in("acme", make);
}

/// The same for a store in which a namespace must be there before something is put into it.
///
/// # Panics
/// Where it doesn't do what it must.
pub fn intent_store_conformance_in<S: IntentStore>(namespace: &str, make: impl Fn() -> S) {
    let web = WorkloadRef::deployment(namespace, "web");
    let intent = |name: &str| {
        Intent::new(name, &web).with_expectation(Expectation::Directive(Directive::Replicas(
            Amount::Scale(1.5),
        )))
    };
    let key = |name: &str| IntentKey {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    let store = make();
    block_on(async {
        assert_eq!(store.list().await, Ok(Vec::new()), "a new store is empty");
        assert_eq!(store.get(&key("a")).await, Ok(None));
        assert_eq!(
            store.delete(&key("a")).await,
            Ok(()),
            "deleting nothing is no error"
        );
        assert_eq!(store.put(&intent("b")).await, Ok(()));
        assert_eq!(store.put(&intent("a")).await, Ok(()));
        let listed = store.list().await;
        let listed = listed.map(|found| found.into_iter().map(written).collect());
        assert_eq!(
            listed,
            Ok(vec![intent("a"), intent("b")]),
            "in order of the key"
        );
        let mut changed = intent("a");
        changed.spec.text = Some("\"quotes\", ünïcode and\nnew lines".to_owned());
        assert_eq!(store.put(&changed).await, Ok(()));
        assert_eq!(
            store.get(&key("a")).await.map(|found| found.map(written)),
            Ok(Some(changed)),
            "what is read is what was written"
        );
        assert_eq!(store.delete(&key("a")).await, Ok(()));
        assert_eq!(store.get(&key("a")).await, Ok(None));
        let listed = store.list().await;
        let listed = listed.map(|found| found.into_iter().map(written).collect());
        assert_eq!(listed, Ok(vec![intent("b")]));
    });
}

/// An intent without what a store gives it.
fn written(mut intent: Intent) -> Intent {
    intent.metadata = Metadata {
        name: intent.metadata.name,
        namespace: intent.metadata.namespace,
        labels: intent.metadata.labels,
        annotations: intent.metadata.annotations,
        ..Metadata::default()
    };
    intent
}

/// What every [`Ledger`] must do; `make` gives a new, empty one each time.
///
/// # Panics
/// Where it doesn't.
pub fn ledger_conformance<L: Ledger>(make: impl Fn() -> L) {
    ledger_conformance_in("acme", make);
}

/// The same for a ledger in which a namespace must be there before something is put into it: this one, and the same with `-2`.
///
/// # Panics
/// Where it doesn't do what it must.
pub fn ledger_conformance_in<L: Ledger>(namespace: &str, make: impl Fn() -> L) {
    let web = WorkloadRef::deployment(namespace, "web");
    let api = WorkloadRef::deployment(namespace, "api");
    let others = WorkloadRef::deployment(&format!("{namespace}-2"), "api");
    let quota = WorkloadRef::namespace(namespace);
    let entries = vec![
        decided(1, &web, 10),
        applied(1, &web, 11),
        decided(2, &api, 20),
        LedgerEntry {
            at: second(21),
            event: LedgerEvent::Failed {
                decision: DecisionId(2),
                error: ibn_core::Error::not_found("acme/Deployment/api"),
            },
        },
        decided(3, &web, 30),
        LedgerEntry {
            at: second(31),
            event: LedgerEvent::Undone {
                decision: DecisionId(1),
                by: DecisionId(3),
                reason: "worse".to_owned(),
            },
        },
        decided(4, &others, 40),
        decided(5, &quota, 41),
        decided(6, &others, 42),
    ];
    let pick = |indices: &[usize]| -> ibn_core::Result<Vec<LedgerEntry>> {
        Ok(indices
            .iter()
            .filter_map(|idx| entries.get(*idx).cloned())
            .collect())
    };
    let ledger = make();
    block_on(async {
        assert_eq!(
            ledger.query(&LedgerQuery::default()).await,
            Ok(Vec::new()),
            "a new ledger is empty"
        );
        for entry in &entries {
            assert_eq!(ledger.append(entry).await, Ok(()));
        }
        let ask = async |query: LedgerQuery| ledger.query(&query).await;
        let all = LedgerQuery::default();
        assert_eq!(
            ask(all.clone()).await,
            pick(&[0, 1, 2, 3, 4, 5, 6, 7, 8]),
            "all, in order"
        );
        assert_eq!(
            ask(LedgerQuery {
                last: Some(2),
                ..all.clone()
            })
            .await,
            pick(&[7, 8]),
            "the newest, in order"
        );
        assert_eq!(
            ask(LedgerQuery {
                last: Some(0),
                ..all.clone()
            })
            .await,
            pick(&[])
        );
        assert_eq!(
            ask(LedgerQuery {
                decision: Some(DecisionId(1)),
                ..all.clone()
            })
            .await,
            pick(&[0, 1, 5])
        );
        assert_eq!(
            ask(LedgerQuery {
                workload: Some(api),
                ..all.clone()
            })
            .await,
            pick(&[2, 3]),
            "an entry that names only a decision belongs to that decision's workload"
        );
        assert_eq!(
            ask(LedgerQuery {
                since: Some(second(21)),
                ..all.clone()
            })
            .await,
            pick(&[3, 4, 5, 6, 7, 8])
        );
        assert_eq!(
            ask(LedgerQuery {
                namespace: Some(namespace.to_owned()),
                last: Some(3),
                ..all.clone()
            })
            .await,
            pick(&[4, 5, 7]),
            "the newest of a namespace, whatever was added for others meanwhile, and no other that begins alike"
        );
        assert_eq!(
            ask(LedgerQuery {
                namespace: Some("acm".to_owned()),
                ..all.clone()
            })
            .await,
            pick(&[])
        );
        let both = LedgerQuery {
            workload: Some(web),
            namespace: Some(namespace.to_owned()),
            since: Some(second(11)),
            last: Some(2),
            decision: None,
        };
        assert_eq!(
            ask(both).await,
            pick(&[4, 5]),
            "all parts of a query must fit"
        );
    });
}

/// A decision for `workload`, as an entry at so many seconds.
#[must_use]
pub fn decided(id: u64, workload: &WorkloadRef, at: i64) -> LedgerEntry {
    let before = Desired::Allocation(Allocation::new(3, Vec::new()));
    let wanted = Desired::Allocation(Allocation::new(5, Vec::new()));
    let decision = Decision {
        id: DecisionId(id),
        at: second(at),
        workload: workload.clone(),
        trigger: Trigger::Directive,
        intents: Vec::new(),
        reasons: vec![Reason::new("Directive", "a directive orders it")],
        observation: None,
        changes: before.changes_to(&wanted),
        before,
        approved: Some(wanted.clone()),
        wanted,
        cuts: Vec::new(),
        alternatives: Vec::new(),
        predicted: None,
        policy: None,
    };
    LedgerEntry {
        at: second(at),
        event: LedgerEvent::Decided(Box::new(decision)),
    }
}

fn applied(id: u64, workload: &WorkloadRef, at: i64) -> LedgerEntry {
    let receipt = Receipt {
        decision: DecisionId(id),
        workload: workload.clone(),
        previous: Desired::Allocation(Allocation::new(3, Vec::new())),
        applied: Desired::Allocation(Allocation::new(5, Vec::new())),
        previous_owners: std::collections::BTreeMap::new(),
        resource_version: "7".to_owned(),
        applied_at: second(at),
    };
    LedgerEntry {
        at: second(at),
        event: LedgerEvent::Applied(Box::new(receipt)),
    }
}

fn second(at: i64) -> Timestamp {
    Timestamp::from_second(at).unwrap_or_default()
}
