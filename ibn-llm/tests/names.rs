//! What intents are called: an intent of a name that is there takes its place, so that only the same thing said again may have it.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed helper fails its test"
)]

use ibn_core::catalog::Catalog;
use ibn_core::translation::{Translation, Utterance};
use ibn_llm::GrammarTranslator;

/// The name of the one intent of a sentence, as it is called when it is said at a time of the day.
#[track_caller]
fn name_at(text: &str, time: &str) -> String {
    let catalog: Catalog = serde_json::from_str(include_str!("../fixtures/catalog.json")).unwrap();
    let now = format!("2026-11-24T{time}Z").parse().unwrap();
    match GrammarTranslator::new().read(&Utterance::new(text, now), &catalog) {
        Translation::Intent(reading) => match reading.intents.as_slice() {
            [intent] => intent.metadata.name.clone(),
            several => panic!("`{text}`: {several:#?}"),
        },
        other => panic!("`{text}`: {other:#?}"),
    }
}

#[track_caller]
fn name(text: &str) -> String {
    name_at(text, "12:00:30")
}

#[test]
fn a_name_tells_the_very_field_and_side() {
    for (text, expected) in [
        ("scale web to 5", "web-replicas"),
        ("keep web's p95 under 250ms", "web-latency-p95"),
        ("keep web's p99.9 under 1s", "web-latency-p99-9"),
        ("at least 4 pods for web", "web-min-pods"),
        ("at most 6 pods for web", "web-max-pods"),
        ("between 2 and 8 pods for web", "web-min-max-pods"),
        ("a pod of web may have at most 2 cores", "web-max-pod-cpu"),
        ("all pods of web together at most 8 cores", "web-budget-cpu"),
        (
            "all pods of web together at most 8Gi of memory",
            "web-budget-memory",
        ),
        ("set the cpu limit of web to 1", "web-cpu-limit"),
        ("set the cpu request of web to 300m", "web-cpu-request"),
        ("set the memory limit of web to 1Gi", "web-memory-limit"),
        ("double the cpu of web", "web-cpu"),
        (
            "keep the CPU utilization of web below 70%",
            "web-cpu-utilization",
        ),
        (
            "team-a may use at most 8 cores",
            "namespace-team-a-quota-cpu",
        ),
        ("scale db to 5", "statefulset-db-replicas"),
    ] {
        assert_eq!(name(text), expected, "{text}");
    }
}

#[test]
fn what_is_said_of_something_else_has_another_name() {
    for (first, second) in [
        ("at least 4 pods for web", "at most 6 pods for web"),
        ("at least 4 pods for web", "between 2 and 8 pods for web"),
        (
            "all pods of checkout together at most 1 core",
            "at most 4 pods for checkout",
        ),
        (
            "keep web's p95 under 250ms",
            "keep web's p95 under 150ms for 10 minutes",
        ),
        (
            "scale worker in acme to 3",
            "scale worker in acme to 4 for 5 minutes",
        ),
        (
            "set the cpu limit of web to 1",
            "set the cpu request of web to 300m",
        ),
        (
            "scale the cache deployment to 2",
            "scale the cache statefulset to 2",
        ),
    ] {
        assert_ne!(name(first), name(second), "`{first}` and `{second}`");
    }
}

#[test]
fn the_same_thing_said_again_has_the_same_name() {
    for (first, second) in [
        ("at least 4 pods for web", "web needs at least 6 pods"),
        ("keep web's p95 under 250ms", "keep web's p95 under 100ms"),
        ("scale web to 5", "double the pods of web"),
        ("scale web to 5 until 18:00", "scale web to 7 until 18:00"),
    ] {
        assert_eq!(name(first), name(second), "`{first}` and `{second}`");
    }
}

#[test]
fn what_holds_for_a_time_says_for_which() {
    assert_eq!(
        name("scale web to 4 for 5 minutes"),
        "web-replicas-until-20261124-1205"
    );
    assert_eq!(
        name_at("scale web to 4 for 5 minutes", "23:57:10"),
        "web-replicas-until-20261125-0002"
    );
    assert_eq!(
        name("scale web to 4 from 18:00 until 20:00"),
        "web-replicas-from-20261124-1800-until-20261124-2000"
    );
    let long = name("keep fraud-check's p95 under 150ms from 18:00 until 20:00");
    assert!(long.len() <= 63, "{long}");
    let other = name("keep fraud-check's p95 under 150ms from 18:00 until 21:00");
    assert_ne!(long, other, "what is too long is told apart by its hash");
}
