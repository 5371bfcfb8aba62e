//! The life of an intent.

use std::collections::BTreeSet;

use ibn_core::intent::{ConditionKind, ConditionStatus, IntentState, IntentStatus};
use ibn_core::lifecycle::{LifecycleEvent, STATES, is_terminal, next, transition_table};
use jiff::Timestamp;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

#[track_caller]
fn check(state: IntentState, event: LifecycleEvent, after: IntentState) {
    assert_eq!(next(state, event), Ok(after));
}

#[test]
fn the_table_in_the_documentation_is_the_one_that_holds() {
    let documented = include_str!("../../src/lifecycle.md");
    assert!(
        documented.contains(&transition_table()),
        "the table of src/lifecycle.md should be\n{}",
        transition_table()
    );
}

#[test]
fn a_directive_lives_from_received_to_finished() {
    use LifecycleEvent as E;
    check(IntentState::Received, E::Admitted, IntentState::Accepted);
    check(IntentState::Accepted, E::Applied, IntentState::Accepted);
    check(IntentState::Accepted, E::Met, IntentState::Fulfilled);
    check(IntentState::Fulfilled, E::Missed, IntentState::Degraded);
    check(IntentState::Degraded, E::Expired, IntentState::Finished);
}

#[test]
fn a_manual_change_pauses_and_only_a_person_resumes() {
    use LifecycleEvent as E;
    check(
        IntentState::Fulfilled,
        E::ManualChange,
        IntentState::Overridden,
    );
    for event in [E::Admitted, E::Met, E::Missed, E::FoundInfeasible] {
        assert!(next(IntentState::Overridden, event).is_err(), "{event}");
    }
    check(IntentState::Overridden, E::Resumed, IntentState::Received);
}

#[test]
fn an_undone_intent_is_suspended() {
    check(
        IntentState::Fulfilled,
        LifecycleEvent::Undone,
        IntentState::Suspended,
    );
}

#[test]
fn what_was_infeasible_or_rejected_gets_another_chance() {
    check(
        IntentState::Infeasible,
        LifecycleEvent::Admitted,
        IntentState::Accepted,
    );
    check(
        IntentState::Rejected,
        LifecycleEvent::Admitted,
        IntentState::Accepted,
    );
}

#[test]
fn only_live_states_take_met_and_missed() {
    for state in STATES {
        for event in [LifecycleEvent::Met, LifecycleEvent::Missed] {
            assert_eq!(
                next(state, event).is_ok(),
                state.is_live(),
                "{state:?} {event}"
            );
        }
    }
}

#[test]
fn every_state_is_reachable_and_from_each_there_is_a_way_to_the_end() {
    let reachable_from = |start: IntentState| {
        let mut seen = BTreeSet::from([start]);
        let mut open = vec![start];
        while let Some(state) = open.pop() {
            for event in LifecycleEvent::ALL {
                if let Ok(after) = next(state, event)
                    && seen.insert(after)
                {
                    open.push(after);
                }
            }
        }
        seen
    };
    assert_eq!(
        reachable_from(IntentState::default()),
        BTreeSet::from(STATES)
    );
    for state in STATES {
        assert!(
            reachable_from(state).contains(&IntentState::Finished),
            "{state:?}"
        );
    }
}

#[test]
fn a_condition_keeps_its_time_until_it_changes() {
    let mut status = IntentStatus::default();
    let since = |status: &IntentStatus| {
        status
            .condition(ConditionKind::Fulfilled)
            .unwrap()
            .last_transition_time
    };
    status.advance(LifecycleEvent::Admitted, "", at(0)).unwrap();
    status.advance(LifecycleEvent::Met, "171ms", at(1)).unwrap();
    status.advance(LifecycleEvent::Met, "168ms", at(2)).unwrap();
    assert_eq!(since(&status), at(1));
    assert_eq!(
        status.condition(ConditionKind::Fulfilled).unwrap().message,
        "168ms"
    );
    status
        .advance(LifecycleEvent::Missed, "250ms", at(3))
        .unwrap();
    assert_eq!(since(&status), at(3));
    assert_eq!(
        status.condition(ConditionKind::Fulfilled).unwrap().status,
        ConditionStatus::False
    );
}

#[test]
fn an_event_that_cant_happen_leaves_the_status_as_it_is() {
    let mut status = IntentStatus::default();
    let error = status.advance(LifecycleEvent::Met, "", at(0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "an intent that is Received can't take the event Met"
    );
    assert_eq!(status, IntentStatus::default());
}

proptest! {
    #[test]
    fn no_path_leaves_finished(events in prop::collection::vec(0..LifecycleEvent::ALL.len(), 0..40)) {
        let mut state = IntentState::default();
        let mut finished = false;
        for event in events {
            match next(state, LifecycleEvent::ALL[event]) {
                Ok(after) => {
                    prop_assert!(!finished);
                    state = after;
                }
                Err(error) => prop_assert_eq!(error.state, state),
            }
            finished = is_terminal(state);
            prop_assert_eq!(finished, state == IntentState::Finished);
        }
    }

    #[test]
    fn what_ends_ends_everywhere(state in 0..STATES.len()) {
        let state = STATES[state];
        for end in [LifecycleEvent::Expired, LifecycleEvent::Withdrawn] {
            prop_assert_eq!(next(state, end).is_ok(), !is_terminal(state));
        }
    }
}
