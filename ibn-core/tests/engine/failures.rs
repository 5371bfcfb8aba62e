//! What goes wrong, and what holds all the same.

use super::*;

#[test]
fn what_can_not_be_stored_is_not_followed() {
    let mut stage = stage();
    stage.store_error = Some(ibn_core::Error::unavailable("the store", "full"));
    stage.submit(replicas("five", Amount::To(5)));
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 3);
    assert!(stage.notice_codes().contains(&"StoreFailed".to_owned()));
    stage.store_error = None;
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 5, "it is tried again");
}

#[test]
fn what_can_not_be_recorded_is_not_applied() {
    let mut stage = stage();
    stage.ledger_error = Some(ibn_core::Error::unavailable("the ledger", "gone"));
    stage.submit(replicas("five", Amount::To(5)));
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 3);
    assert!(stage.notice_codes().contains(&"LedgerFailed".to_owned()));
    stage.ledger_error = None;
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 5);
}

#[test]
fn every_decision_is_recorded_before_it_is_applied() {
    let mut stage = stage();
    stage.submit(replicas("five", Amount::To(5)));
    let mut recorded = Vec::new();
    for effect in &stage.effects {
        match effect {
            Effect::Record(entry) => recorded.push(entry.event.decision()),
            Effect::Apply(plan) => assert!(recorded.contains(&plan.decision())),
            _ => {}
        }
    }
    assert!(!recorded.is_empty());
}

#[test]
fn nothing_shrinks_while_signals_are_missing() {
    let mut stage = stage();
    stage.recommender = Box::new(FixedReplicas(1));
    stage.cluster.lose_signal(&web(), &Signal::RequestRate);
    stage.submit(latency("fast"));
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 3);
    stage.cluster.set_signal(&web(), Signal::RequestRate, 50.0);
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 1);
}

#[test]
fn a_monitor_that_hangs_for_one_workload_holds_no_other_one_up() {
    let mut stage = stage();
    stage.hold_back(
        |effect| matches!(effect, Effect::Observe(_, workload, _) if workload.name == "web"),
    );
    stage.submit(replicas("five", Amount::To(5)));
    let api = WorkloadRef::deployment("acme", "api");
    let intent = Intent::new("api-four", &api)
        .with_expectation(Expectation::Directive(Directive::Replicas(Amount::To(4))));
    stage.submit(intent);
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&api), 4);
    assert_eq!(
        stage.cluster.replicas(&web()),
        5,
        "growing needs no signals: the turn goes on without them"
    );
    assert!(
        stage
            .notice_codes()
            .contains(&"ObservationFailed".to_owned())
    );
}

#[test]
fn without_an_inventory_nothing_changes_and_that_is_said_aloud() {
    let mut stage = stage();
    stage.run(MINUTE);
    stage
        .cluster
        .fail_inventory(Some(ibn_core::Error::unavailable("the apiserver", "gone")));
    stage.submit(replicas("five", Amount::To(5)));
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 3);
    assert!(stage.notice_codes().contains(&"InventoryFailed".to_owned()));
    stage.cluster.fail_inventory(None);
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 5);
}

#[test]
fn a_plan_is_not_applied_once_what_it_was_judged_on_has_changed() {
    let mut stage = stage();
    stage.hold_back(|effect| matches!(effect, Effect::Record(entry) if matches!(entry.event, LedgerEvent::Decided(_))));
    stage.submit(replicas("five", Amount::To(5)));
    let decided = stage.effects.iter().find_map(|effect| match effect {
        Effect::Record(entry) => Some(entry.event.decision()),
        _ => None,
    });
    // A guardrail comes into force while the decision is being written.
    let strict = ibn_core::guardrail::GuardrailSpec {
        replicas: Range::new(None, Some(4)),
        ..ibn_core::guardrail::GuardrailSpec::default()
    };
    stage.feed(Event::GuardrailsChanged(vec![
        ibn_core::guardrail::Guardrail::new("strict", "", strict),
    ]));
    stage.hold_back(|_| false);
    stage.now = stage
        .now
        .checked_add(SignedDuration::from_millis(1))
        .unwrap();
    stage.feed(Event::Recorded(decided.unwrap(), Ok(())));
    assert!(stage.cluster.applied().is_empty());
    stage.run(MINUTE);
    assert_eq!(
        stage.cluster.replicas(&web()),
        4,
        "the next turn decides anew, inside the new limit"
    );
}

#[test]
fn a_receipt_that_comes_late_is_recorded_all_the_same() {
    let mut stage = stage();
    stage.hold_back(|effect| matches!(effect, Effect::Apply(_)));
    stage.submit(replicas("five", Amount::To(5)));
    let plan = stage.effects.iter().find_map(|effect| match effect {
        Effect::Apply(plan) => Some((**plan).clone()),
        _ => None,
    });
    // It is done in the cluster, but the answer is lost.
    futures::executor::block_on(ibn_core::roles::Orchestrator::apply(
        &stage.cluster,
        plan.unwrap(),
    ))
    .unwrap();
    stage.run(5 * MINUTE);
    let applied = stage
        .ledger
        .iter()
        .filter(|entry| matches!(entry.event, LedgerEvent::Applied(_)))
        .count();
    assert_eq!(applied, 1, "{:#?}", stage.ledger);
    check_state(&stage, "five", IntentState::Fulfilled);
}

#[test]
fn what_was_done_gets_on_record_once_the_ledger_takes_it_again() {
    let mut stage = stage();
    stage.hold_back(|effect| matches!(effect, Effect::Apply(_)));
    stage.submit(replicas("five", Amount::To(5)));
    let plan = stage.effects.iter().find_map(|effect| match effect {
        Effect::Apply(plan) => Some((**plan).clone()),
        _ => None,
    });
    let plan = plan.unwrap();
    let decision = plan.decision();
    let receipt =
        futures::executor::block_on(ibn_core::roles::Orchestrator::apply(&stage.cluster, plan))
            .unwrap();
    stage.ledger_error = Some(ibn_core::Error::unavailable("the ledger", "full"));
    stage.feed(Event::Applied(decision, Ok(receipt)));
    stage.run(MINUTE);
    let is_applied =
        |entry: &ibn_core::decision::LedgerEntry| matches!(entry.event, LedgerEvent::Applied(_));
    assert!(!stage.ledger.iter().any(is_applied));
    stage.ledger_error = None;
    stage.run(MINUTE);
    assert_eq!(
        stage
            .ledger
            .iter()
            .filter(|entry| is_applied(entry))
            .count(),
        1
    );
}

#[test]
fn an_apply_that_a_crash_interrupted_is_settled_after_the_restart() {
    for done in [true, false] {
        let mut stage = stage();
        stage.hold_back(|effect| matches!(effect, Effect::Apply(_)));
        stage.submit(replicas("five", Amount::To(5)));
        if done {
            let plan = stage.effects.iter().find_map(|effect| match effect {
                Effect::Apply(plan) => Some((**plan).clone()),
                _ => None,
            });
            futures::executor::block_on(ibn_core::roles::Orchestrator::apply(
                &stage.cluster,
                plan.unwrap(),
            ))
            .unwrap();
        }
        let intents = stage.stored.values().cloned().collect();
        let before = stage.ledger.clone();
        let mut second = Stage::with_engine(stage.cluster.clone(), stage.engine.clone());
        second.now = stage.now;
        second.state = State::restored(intents, Vec::new(), &before, stage.now);
        second.run(MINUTE);
        assert_eq!(second.cluster.replicas(&web()), 5);
        let settled = &second.ledger[0].event;
        match done {
            true => assert!(matches!(settled, LedgerEvent::Applied(_)), "{settled:?}"),
            false => assert!(matches!(settled, LedgerEvent::Failed { .. }), "{settled:?}"),
        }
        let last = before
            .iter()
            .rev()
            .find(|entry| matches!(entry.event, LedgerEvent::Decided(_)));
        assert_eq!(settled.decision(), last.unwrap().event.decision());
    }
}

#[test]
fn after_a_restart_everything_goes_on() {
    let mut stage = stage();
    stage.submit(replicas("double", Amount::Scale(2.0)));
    let intents = stage.stored.values().cloned().collect();
    let state = State::restored(intents, Vec::new(), &stage.ledger, stage.now);
    let mut second = Stage::with_engine(stage.cluster.clone(), stage.engine.clone());
    second.now = stage.now;
    second.state = state;
    second.run(5 * MINUTE);
    assert_eq!(
        second.cluster.replicas(&web()),
        6,
        "still resolved only once"
    );
    second
        .cluster
        .change(&web(), |state| state.allocation.replicas = 4);
    second.run(MINUTE);
    check_state(&second, "double", IntentState::Overridden);
    let first_new = second
        .ledger
        .iter()
        .map(|entry| entry.event.decision())
        .min();
    let last_old = stage
        .ledger
        .iter()
        .map(|entry| entry.event.decision())
        .max();
    assert!(
        first_new.is_none() || first_new > last_old,
        "numbers of decisions are never reused"
    );
}

#[test]
fn the_same_events_lead_to_the_same_effects() {
    let run = || {
        let mut stage = stage();
        stage.recommender = Box::new(FixedReplicas(6));
        stage.submit(latency("fast"));
        stage.submit(replicas("five", Amount::To(5)));
        stage.run(5 * MINUTE);
        stage.effects
    };
    assert_eq!(run(), run());
}
