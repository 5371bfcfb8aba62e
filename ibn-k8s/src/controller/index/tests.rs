use serde_json::json;

use super::*;

fn object(uid: &str, generation: i64, replicas: u32) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "ibn.dev/v1alpha1",
        "kind": "Intent",
        "metadata": {
            "namespace": "acme", "name": "more", "uid": uid, "generation": generation,
            "finalizers": [FINALIZER],
        },
        "spec": {
            "target": {"kind": "Deployment", "name": "web"},
            "expectations": [{"directive": {"replicas": {"to": replicas}}}],
        },
    }))
    .unwrap()
}

fn going(mut object: DynamicObject) -> DynamicObject {
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    object.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at));
    object
}

fn there(object: &DynamicObject) -> Seen {
    Seen::There(Box::new(object.clone()))
}

fn submit(object: &DynamicObject) -> Wanted {
    Wanted::Submit(Box::new(read(object).unwrap()))
}

fn withdraw() -> Wanted {
    Wanted::Withdraw(more())
}

fn more() -> IntentKey {
    IntentKey {
        namespace: "acme".to_owned(),
        name: "more".to_owned(),
    }
}

#[test]
fn an_intent_is_submitted_once_and_again_when_it_is_edited() {
    let mut index = Index::default();
    let first = object("a", 1, 3);
    assert_eq!(index.intent(&there(&first)), [submit(&first)]);
    assert_eq!(index.intent(&there(&first)), []);
    let edited = object("a", 2, 4);
    assert_eq!(index.intent(&there(&edited)), [submit(&edited)]);
    assert_eq!(index.intent(&there(&edited)), []);
}

#[test]
fn what_the_engine_writes_itself_is_no_news() {
    let mut index = Index::default();
    let mut own = read(&object("a", 1, 3)).unwrap();
    own.metadata.uid = Some("of the engine".to_owned());
    assert_eq!(index.told(&Told::Saved(Box::new(own.clone()))), []);
    assert_eq!(index.intent(&there(&object("a", 1, 3))), []);
    // The engine was asked to change the mode; the object still shows the old one, then the new one.
    own.spec.mode = Some(ibn_core::intent::Mode::Suspended);
    own.metadata.generation = Some(2);
    assert_eq!(index.told(&Told::Saved(Box::new(own))), []);
    assert_eq!(index.intent(&there(&object("a", 1, 3))), []);
    let mut written = object("a", 2, 3);
    written.data["spec"]["mode"] = json!("Suspended");
    assert_eq!(index.intent(&there(&written)), []);
    // A person's edit of the same generation is another wording.
    let edited = object("a", 2, 4);
    assert_eq!(index.intent(&there(&edited)), [submit(&edited)]);
}

#[test]
fn after_a_start_only_what_was_not_looked_at_is_submitted() {
    let mut seen = read(&object("a", 2, 3)).unwrap();
    let status = ibn_core::intent::IntentStatus {
        observed_generation: Some(2),
        ..Default::default()
    };
    seen.status = Some(status);
    let mut index = Index::new("ibn-system", &[seen]);
    assert_eq!(index.intent(&there(&object("a", 2, 3))), []);
    let edited = object("a", 3, 4);
    let mut index = index.clone();
    assert_eq!(index.intent(&there(&edited)), [submit(&edited)]);
}

#[test]
fn one_that_goes_is_withdrawn_once() {
    let mut index = Index::default();
    let _ = index.intent(&there(&object("a", 1, 3)));
    let leaving = going(object("a", 2, 3));
    assert_eq!(index.intent(&there(&leaving)), [withdraw()]);
    assert_eq!(index.intent(&there(&leaving)), []);
    assert_eq!(index.intent(&Seen::Gone(Box::new(leaving))), []);
    assert_eq!(index.told(&Told::Forgotten(more())), []);
    assert_eq!(index, Index::default());
}

#[test]
fn one_that_nobody_knows_and_that_goes_is_let_go() {
    let mut index = Index::default();
    let leaving = going(object("a", 1, 3));
    assert_eq!(index.intent(&there(&leaving)), [Wanted::Release(more())]);
}

#[test]
fn an_heir_waits_until_the_one_before_is_over() {
    let mut index = Index::default();
    let _ = index.intent(&there(&object("a", 1, 3)));
    let heir = object("b", 1, 5);
    assert_eq!(index.intent(&there(&heir)), [withdraw()]);
    assert_eq!(index.intent(&Seen::Gone(Box::new(object("a", 1, 3)))), []);
    assert_eq!(index.told(&Told::Forgotten(more())), [submit(&heir)]);
    assert_eq!(index.intent(&there(&heir)), []);
}

#[test]
fn what_went_while_nobody_watched_is_withdrawn_after_a_new_list() {
    let mut index = Index::default();
    let _ = index.intent(&there(&object("a", 1, 3)));
    assert_eq!(index.intent(&Seen::Begun), []);
    assert_eq!(index.intent(&Seen::Complete), [withdraw()]);
}

#[test]
fn one_that_the_engine_has_not_stored_yet_is_not_missed_in_a_list() {
    let mut index = Index::default();
    let own = read(&object("a", 1, 3)).unwrap();
    let _ = index.told(&Told::Saved(Box::new(own)));
    assert_eq!(index.intent(&Seen::Begun), []);
    assert_eq!(index.intent(&Seen::Complete), []);
}

#[test]
fn one_that_cannot_be_read_says_so_once_a_wording() {
    let mut index = Index::default();
    let _ = index.intent(&there(&object("a", 1, 3)));
    let mut broken = object("a", 2, 3);
    broken.data["spec"]["expectations"] =
        json!([{"objective": {"indicator": "latency", "atMost": "fast"}}]);
    let wanted = index.intent(&there(&broken));
    assert!(
        matches!(&wanted[..], [Wanted::Unreadable { generation: 2, message, .. }] if message.contains("fast")),
        "{wanted:?}"
    );
    assert_eq!(index.intent(&there(&broken)), []);
}

#[test]
fn guardrails_count_when_all_are_known_and_those_at_home_for_all() {
    let rail = |namespace: &str, max: u32| -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "ibn.dev/v1alpha1",
            "kind": "Guardrail",
            "metadata": {"namespace": namespace, "name": "limits"},
            "spec": {"replicas": {"max": max}},
        }))
        .unwrap()
    };
    let mut index = Index::new("ibn-system", &[]);
    assert_eq!(index.guardrail(&Seen::Begun), []);
    assert_eq!(index.guardrail(&there(&rail("acme", 3))), []);
    assert_eq!(index.guardrail(&there(&rail("ibn-system", 9))), []);
    let reach = |wanted: &[Wanted]| -> Vec<(String, Option<u32>)> {
        let [Wanted::Guardrails(all)] = wanted else {
            panic!("{wanted:?}");
        };
        all.iter()
            .map(|it| (it.metadata.namespace.clone(), it.spec.replicas.max))
            .collect()
    };
    let first = index.guardrail(&Seen::Complete);
    assert_eq!(
        reach(&first),
        [("acme".to_owned(), Some(3)), (String::new(), Some(9))]
    );
    assert_eq!(index.guardrail(&there(&rail("acme", 3))), []);
    let gone = index.guardrail(&Seen::Gone(Box::new(rail("acme", 3))));
    assert_eq!(reach(&gone), [(String::new(), Some(9))]);
}
