//! Which directive is in force.

use ibn_core::allocation::{Field, QuotaLimits};
use ibn_core::conflict::{HeldField, StandsBack, held_fields, holders, is_acting};
use ibn_core::intent::{
    Amount, Autoscale, Directive, Expectation, Intent, IntentState, Mode, QuotaAmounts,
    ResourceAmounts, ResourcesDirective, Setting, Validity,
};
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::WorkloadRef;
use proptest::prelude::*;

use super::support::{MI, World, at, intent, now, replicas};

fn to(name: &str, author: &str, minute: i64, pods: u32) -> Intent {
    intent(name, author, minute).with_expectation(replicas(Amount::To(pods)))
}

fn prioritised(mut intent: Intent, priority: u8) -> Intent {
    intent.spec.priority = Some(priority);
    intent
}

fn held(intents: Vec<Intent>) -> HeldField {
    let world = World::new();
    let followed: Vec<Intent> = intents
        .into_iter()
        .map(|intent| world.followed(intent))
        .collect();
    holders(&followed).remove(&Field::Replicas).unwrap()
}

/// The winner, and the others with why they stand back.
#[track_caller]
fn check(intents: Vec<Intent>, winner: &str, others: &[(&str, StandsBack)]) {
    let held = held(intents);
    let stand_back: Vec<(&str, StandsBack)> = held
        .superseded
        .iter()
        .map(|other| (other.intent.name.as_str(), other.why))
        .collect();
    assert_eq!(
        (held.intent.name.as_str(), stand_back.as_slice()),
        (winner, others)
    );
}

#[test]
fn per_field_the_higher_priority_wins() {
    check(
        vec![
            to("old", "ann", 1, 5),
            prioritised(to("new", "bob", 2, 8), 70),
        ],
        "new",
        &[("old", StandsBack::Outranked)],
    );
    check(
        vec![
            prioritised(to("old", "ann", 1, 5), 70),
            to("new", "bob", 2, 8),
        ],
        "old",
        &[("new", StandsBack::Outranked)],
    );
}

#[test]
fn a_newer_directive_of_the_same_author_supersedes() {
    check(
        vec![to("old", "ann", 1, 5), to("new", "ann", 2, 8)],
        "new",
        &[("old", StandsBack::Superseded)],
    );
}

#[test]
fn between_authors_of_equal_priority_the_older_stays() {
    check(
        vec![to("a-new", "bob", 2, 8), to("z-old", "ann", 1, 5)],
        "z-old",
        &[("a-new", StandsBack::Contested)],
    );
}

#[test]
fn an_author_who_was_there_first_may_change_their_mind() {
    check(
        vec![
            to("first", "ann", 1, 5),
            to("bobs", "bob", 2, 8),
            to("second", "ann", 3, 6),
        ],
        "second",
        &[
            ("first", StandsBack::Superseded),
            ("bobs", StandsBack::Contested),
        ],
    );
}

#[test]
fn an_intent_that_is_not_stored_yet_is_the_newest() {
    let mut new = to("a", "ann", 0, 8);
    new.metadata.creation_timestamp = None;
    check(
        vec![new, to("old", "ann", 59, 5)],
        "a",
        &[("old", StandsBack::Superseded)],
    );
}

#[test]
fn who_orders_the_same_value_does_not_stand_back() {
    check(
        vec![to("old", "ann", 1, 5), to("new", "bob", 2, 5)],
        "old",
        &[],
    );
}

#[test]
fn fields_are_held_one_by_one() {
    let sizes = |name, cpu: u64, memory: Option<u64>| {
        intent(name, name, 1).with_expectation(Expectation::Directive(Directive::Resources(
            ResourcesDirective {
                container: Some("app".to_owned()),
                requests: ResourceAmounts {
                    cpu: Some(Amount::To(CpuMillis::new(cpu))),
                    memory: memory.map(|mi| Amount::To(Bytes::new(mi * MI))),
                },
                limits: ResourceAmounts::default(),
            },
        )))
    };
    let world = World::new();
    let both = world.followed(sizes("ann", 300, Some(200)));
    let cpu = world.followed(prioritised(sizes("bob", 400, None), 60));
    let held = holders(&[both, cpu]);
    let by: Vec<(String, &str, String)> = held
        .iter()
        .map(|(field, held)| {
            (
                field.to_string(),
                held.intent.name.as_str(),
                held.setting.to_string(),
            )
        })
        .collect();
    assert_eq!(
        by,
        [
            (
                "app.requests.cpu".to_owned(),
                "bob",
                "app.requests.cpu 400m".to_owned()
            ),
            (
                "app.requests.memory".to_owned(),
                "ann",
                "app.requests.memory 200Mi".to_owned()
            ),
        ]
    );
}

#[test]
fn replicas_and_an_autoscaler_exclude_each_other() {
    let autoscale = |name: &str| {
        intent(name, "ann", 5).with_expectation(Expectation::Directive(Directive::Autoscale(
            Autoscale {
                min: Some(2),
                max: 8,
                cpu_utilization: Some(60),
            },
        )))
    };
    let world = World::new();
    let intents = [
        world.followed(to("five", "ann", 1, 5)),
        world.followed(autoscale("auto")),
    ];
    let held = holders(&intents);
    assert_eq!(held.keys().collect::<Vec<_>>(), [&Field::Autoscale]);
    assert_eq!(
        held[&Field::Autoscale].superseded[0].setting,
        Setting::Replicas(5)
    );
    assert!(held_fields(&held).contains(&Field::Replicas));
}

#[test]
fn a_quota_has_parts_that_several_may_order() {
    let quota = |name: &str, minute, cpu: Option<u64>, pods| {
        let mut quota = Intent::new(name, &WorkloadRef::namespace("shop"));
        quota.metadata.creation_timestamp = Some(at(minute));
        quota.with_expectation(Expectation::Directive(Directive::Quota(QuotaAmounts {
            cpu: cpu.map(CpuMillis::new),
            memory: None,
            pods,
        })))
    };
    let world = World::new().with_quota(QuotaLimits::default());
    let intents = [
        world.followed(quota("cpu", 1, Some(8000), None)),
        world.followed(quota("pods", 2, None, Some(50))),
        world.followed(quota("less", 3, Some(4000), None)),
    ];
    let held = holders(&intents);
    // All of them are of one author, so the newest stands first and what agrees with it is added.
    assert_eq!(
        held[&Field::Quota].setting.to_string(),
        "a quota of 4 CPU, 50 pods"
    );
    assert_eq!(held[&Field::Quota].superseded[0].intent.name, "cpu");
}

#[test]
fn what_is_not_resolved_yet_holds_nothing() {
    let mut unresolved = World::new().followed(to("a", "ann", 1, 5));
    unresolved.status.as_mut().unwrap().expectations[0].hash =
        Some("of another wording".to_owned());
    assert!(holders(&[unresolved]).is_empty());
}

#[test]
fn only_live_enforcing_intents_in_their_time_act() {
    let followed = World::new().followed(to("a", "ann", 1, 5));
    assert!(is_acting(&followed, now()));
    let with = |change: fn(&mut Intent)| {
        let mut changed = followed.clone();
        change(&mut changed);
        is_acting(&changed, now())
    };
    assert!(!with(|it| it.spec.mode = Some(Mode::Advise)));
    assert!(!with(|it| it.spec.mode = Some(Mode::Suspended)));
    assert!(!with(
        |it| it.status.as_mut().unwrap().state = IntentState::Overridden
    ));
    assert!(!with(|it| it.metadata.deletion_timestamp = Some(at(1))));
    let validity = |from, until| Some(Validity { from, until });
    let mut early = followed.clone();
    early.spec.validity = validity(Some(at(61)), None);
    assert!(!is_acting(&early, now()));
    early.spec.validity = validity(Some(at(60)), Some(at(61)));
    assert!(is_acting(&early, now()));
    early.spec.validity = validity(None, Some(at(60)));
    assert!(!is_acting(&early, now()));
}

fn any_intents() -> impl Strategy<Value = Vec<Intent>> {
    let one = (
        0usize..3,
        0i64..4,
        1u32..4,
        prop_oneof![Just(50u8), Just(60)],
    );
    prop::collection::vec(one, 1..7).prop_map(|parts| {
        parts
            .into_iter()
            .enumerate()
            .map(|(idx, (author, minute, pods, priority))| {
                let author = ["ann", "bob", "eve"][author];
                prioritised(to(&format!("i{idx}"), author, minute, pods), priority)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn the_order_in_which_intents_are_given_is_no_matter(intents in any_intents(), seed in any::<u64>()) {
        let mut shuffled = intents.clone();
        shuffled.sort_by_key(|intent| xxhash(&intent.metadata.name, seed));
        prop_assert_eq!(held(intents), held(shuffled));
    }

    #[test]
    fn the_winner_has_the_highest_priority_and_is_the_newest_of_its_author(intents in any_intents()) {
        let held = held(intents.clone());
        let winner = intents.iter().find(|intent| intent.key() == held.intent).unwrap();
        let highest = intents.iter().map(|intent| intent.spec.priority()).max();
        prop_assert_eq!(Some(winner.spec.priority()), highest);
        let newer = intents.iter().filter(|other| {
            other.spec.priority() == winner.spec.priority()
                && other.spec.author() == winner.spec.author()
                && other.metadata.creation_timestamp > winner.metadata.creation_timestamp
        });
        prop_assert_eq!(newer.count(), 0);
    }

    #[test]
    fn withdrawing_one_that_stands_back_changes_nothing_for_the_winner_of_a_priority(intents in any_intents()) {
        let before = held(intents.clone());
        for loser in &before.superseded {
            if loser.why == StandsBack::Outranked {
                let rest: Vec<Intent> = intents.iter().filter(|it| it.key() != loser.intent).cloned().collect();
                prop_assert_eq!(&held(rest).intent, &before.intent);
            }
        }
    }
}

/// A key by which to shuffle.
fn xxhash(name: &str, seed: u64) -> u64 {
    name.bytes().fold(seed, |hash, byte| {
        hash.rotate_left(7).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(byte)
    })
}
