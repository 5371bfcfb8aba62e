//! What goes back, and when.

use super::*;

#[test]
fn at_the_end_of_its_validity_a_directive_gives_back_what_it_took() {
    let mut stage = stage();
    let mut event = replicas("event", Amount::To(8));
    event.spec.validity = Some(Validity {
        from: Some(stage.now.checked_add(SignedDuration::from_mins(5)).unwrap()),
        until: Some(
            stage
                .now
                .checked_add(SignedDuration::from_mins(15))
                .unwrap(),
        ),
    });
    stage.submit(event);
    assert_eq!(stage.cluster.replicas(&web()), 3, "not before its time");
    stage.run(6 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 8);
    stage.run(10 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 3);
    check_state(&stage, "event", IntentState::Finished);
}

#[test]
fn with_keep_the_fields_stay() {
    let mut stage = stage();
    let mut kept = replicas("kept", Amount::To(5));
    kept.spec.on_end = Some(OnEnd::Keep);
    stage.submit(kept);
    stage.ask(Request::Withdraw(key("kept")));
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 5);
    assert!(stage.intent("acme", "kept").is_none());
    assert!(stage.stored.is_empty());
}

#[test]
fn what_somebody_else_changed_meanwhile_is_not_put_back() {
    let mut stage = stage();
    stage.submit(replicas("five", Amount::To(5)));
    stage.ask(Request::SetMode(web(), Mode::Suspended));
    stage
        .cluster
        .change(&web(), |state| state.allocation.replicas = 7);
    stage.ask(Request::Withdraw(key("five")));
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 7);
}

#[test]
fn a_suspended_intent_does_nothing_and_a_resumed_one_goes_on() {
    let mut stage = stage();
    let mut paused = replicas("five", Amount::To(5));
    paused.spec.mode = Some(Mode::Suspended);
    stage.submit(paused);
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 3);
    check_state(&stage, "five", IntentState::Suspended);
    stage.ask(Request::SetMode(web(), Mode::Enforce));
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 5);
}

#[test]
fn an_undone_directive_is_suspended_and_its_allocation_barred_for_three_windows() {
    let mut stage = stage();
    stage.submit(replicas("five", Amount::To(5)));
    let receipt = Box::new(last_receipt(&stage));
    let reply = stage.ask(Request::Undo {
        receipt,
        cause: "a person said so".into(),
    });
    assert!(matches!(reply, Some(Reply::Undoing(_))), "{reply:?}");
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 3);
    check_state(&stage, "five", IntentState::Suspended);
    let undone = stage
        .ledger
        .iter()
        .any(|entry| matches!(entry.event, LedgerEvent::Undone { .. }));
    assert!(undone);

    // Another directive for the same allocation has to wait until the bar is lifted.
    stage.submit(replicas("again", Amount::To(5)));
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 3);
    let refused = decisions(&stage).pop().unwrap();
    let barred = &refused.reasons[0];
    assert_eq!((refused.approved, barred.code.as_str()), (None, "Barred"));
    assert!(
        barred.message.contains("replicas 3 → 5: not again before "),
        "{barred:?}"
    );
    assert_eq!(refused.reasons[1].code, "Directive");
    stage.run(15 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 5);
}

#[test]
fn a_quota_is_set_on_a_namespace_and_given_back() {
    let mut stage = stage();
    let acme = WorkloadRef::namespace("acme");
    let quota = ibn_core::intent::QuotaAmounts {
        cpu: Some("8".parse().unwrap()),
        memory: None,
        pods: Some(20),
    };
    let intent = Intent::new("quota", &acme)
        .with_expectation(Expectation::Directive(Directive::Quota(quota)));
    stage.submit(intent);
    let live = stage.cluster.state(&acme).unwrap().quota.unwrap();
    assert_eq!(
        (live.cpu, live.pods),
        (Some("8".parse().unwrap()), Some(20))
    );
    stage.ask(Request::Withdraw(key("quota")));
    stage.run(MINUTE);
    assert_eq!(stage.cluster.state(&acme).unwrap().quota, None);
}

#[test]
fn the_receipt_names_what_was_there_before() {
    let mut stage = stage();
    stage.submit(replicas("five", Amount::To(5)));
    let receipt = last_receipt(&stage);
    let changes = receipt.previous.changes_to(&receipt.applied);
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (&changes[0].field, changes[0].from.as_deref()),
        (&Field::Replicas, Some("3"))
    );
    let decided = stage.ledger.iter().find_map(|entry| match &entry.event {
        LedgerEvent::Decided(decision) => Some(decision.trigger),
        _ => None,
    });
    assert_eq!(decided, Some(Trigger::Directive));
}

#[test]
fn a_field_that_was_not_set_before_is_unset_at_the_end_even_after_a_change_of_mind() {
    let mut stage = stage();
    let app =
        ContainerResources::new("app").with_requests(CpuMillis::new(500), Bytes::new(256 << 20));
    stage.cluster.change(&web(), |state| {
        state.allocation.containers = vec![app.clone()]
    });
    let limit = |millis: u64| {
        let mut order = ResourcesDirective::default();
        order.limits.cpu = Some(Amount::To(CpuMillis::new(millis)));
        Intent::new("limit", &web())
            .with_expectation(Expectation::Directive(Directive::Resources(order)))
    };
    let live = |stage: &Stage| {
        stage.cluster.state(&web()).unwrap().allocation.containers[0]
            .limits
            .cpu
    };
    // A limit isn't taken away from a running pod: that takes a rollout.
    let allowed = ibn_core::guardrail::GuardrailSpec {
        rollout: Some(ibn_core::guardrail::Rollout::Allowed),
        ..ibn_core::guardrail::GuardrailSpec::default()
    };
    stage.feed(Event::GuardrailsChanged(vec![
        ibn_core::guardrail::Guardrail::new("rollout", "", allowed),
    ]));
    stage.submit(limit(800));
    stage.run(2 * MINUTE);
    assert_eq!(live(&stage), Some(CpuMillis::new(800)));
    stage.submit(limit(900));
    stage.run(5 * MINUTE);
    assert_eq!(live(&stage), Some(CpuMillis::new(900)));
    stage.ask(Request::Withdraw(key("limit")));
    stage.run(5 * MINUTE);
    assert_eq!(live(&stage), None);
}

#[test]
fn an_objective_keeps_what_was_done_for_it_unless_it_is_to_be_restored() {
    for (on_end, pods) in [(None, 6), (Some(OnEnd::Restore), 3)] {
        let mut stage = stage();
        stage.recommender = Box::new(FixedReplicas(6));
        let mut fast = latency("fast");
        fast.spec.on_end = on_end;
        stage.submit(fast);
        stage.run(2 * MINUTE);
        assert_eq!(stage.cluster.replicas(&web()), 6);
        stage.ask(Request::Withdraw(key("fast")));
        stage.run(5 * MINUTE);
        assert_eq!(stage.cluster.replicas(&web()), pods, "{on_end:?}");
        assert!(stage.intent("acme", "fast").is_none());
    }
}

#[test]
fn a_pause_with_an_end_leaves_the_workload_alone_until_then() {
    let mut stage = stage();
    stage.recommender = Box::new(FixedReplicas(6));
    stage.submit(latency("fast"));
    stage.run(2 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 6);
    let mut pause = Intent::new("pause", &web());
    pause.spec.mode = Some(Mode::Suspended);
    pause.spec.validity = Some(Validity {
        from: None,
        until: Some(stage.now + SignedDuration::from_mins(10)),
    });
    stage.submit(pause);
    check_state(&stage, "pause", IntentState::Suspended);
    stage.recommender = Box::new(FixedReplicas(2));
    stage.run(9 * MINUTE);
    assert_eq!(
        stage.cluster.replicas(&web()),
        6,
        "nothing is done meanwhile"
    );
    stage.run(3 * MINUTE);
    check_state(&stage, "pause", IntentState::Finished);
    assert_eq!(stage.cluster.replicas(&web()), 2);
}

#[test]
fn while_a_workload_may_only_be_advised_on_what_acts_advises() {
    let mut stage = stage();
    stage.recommender = Box::new(FixedReplicas(6));
    let mut advise = Intent::new("look", &web());
    advise.spec.mode = Some(Mode::Advise);
    advise.spec.validity = Some(Validity {
        from: None,
        until: Some(stage.now + SignedDuration::from_mins(10)),
    });
    stage.submit(advise);
    stage.submit(latency("fast"));
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 3);
    assert_eq!(stage.ledger.len(), 1, "said once");
    stage.run(8 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 6);
}

/// An order that is over in so many minutes.
fn for_minutes(stage: &Stage, name: &str, pods: u32, minutes: i64) -> Intent {
    let mut order = replicas(name, Amount::To(pods));
    order.spec.validity = Some(Validity {
        from: None,
        until: Some(stage.now + SignedDuration::from_mins(minutes)),
    });
    order
}

fn reason_of(stage: &Stage, name: &str) -> String {
    let intent = stage.intent("acme", name).unwrap();
    let expectations = intent.status.clone().unwrap().expectations;
    expectations.first().unwrap().reason.clone()
}

#[test]
fn an_order_that_stands_is_in_force_again_when_a_newer_one_with_an_end_is_over() {
    for waits in [Duration::ZERO, 3 * MINUTE] {
        let mut stage = stage();
        stage.submit(replicas("standing", Amount::To(5)));
        stage.run(waits);
        let event = for_minutes(&stage, "event", 8, 15);
        let until = event.spec.validity.unwrap().until.unwrap();
        stage.submit(event);
        stage.run(6 * MINUTE);
        assert_eq!(stage.cluster.replicas(&web()), 8);
        check_state(&stage, "standing", IntentState::Degraded);
        assert_eq!(
            reason_of(&stage, "standing"),
            format!("it stands back behind `acme/event` until {until}")
        );
        stage.run(20 * MINUTE);
        check_state(&stage, "event", IntentState::Finished);
        check_state(&stage, "standing", IntentState::Fulfilled);
        assert_eq!(stage.cluster.replicas(&web()), 5);
        // It is followed, not only left: a change by hand is noticed.
        stage
            .cluster
            .change(&web(), |state| state.allocation.replicas = 4);
        stage.run(2 * MINUTE);
        check_state(&stage, "standing", IntentState::Overridden);

        stage.ask(Request::SetMode(web(), Mode::Enforce));
        stage.ask(Request::Withdraw(key("standing")));
        stage.run(5 * MINUTE);
        assert_eq!(stage.cluster.replicas(&web()), 3, "as before both");
    }
}

#[test]
fn with_keep_a_newer_order_with_an_end_takes_the_place_of_the_older_for_good() {
    let mut stage = stage();
    stage.submit(replicas("standing", Amount::To(5)));
    let mut event = for_minutes(&stage, "event", 8, 5);
    event.spec.on_end = Some(OnEnd::Keep);
    stage.submit(event);
    stage.run(20 * MINUTE);
    check_state(&stage, "standing", IntentState::Finished);
    assert_eq!(stage.cluster.replicas(&web()), 8);
}

#[test]
fn what_was_withdrawn_meanwhile_is_nothing_to_go_back_to() {
    let mut stage = stage();
    stage.submit(replicas("standing", Amount::To(5)));
    stage.run(2 * MINUTE);
    let event = for_minutes(&stage, "event", 8, 15);
    stage.submit(event);
    stage.run(2 * MINUTE);
    stage.ask(Request::Withdraw(key("standing")));
    stage.run(2 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 8, "the newer one lives");
    stage.run(20 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 3, "as before both");
}

#[test]
fn a_change_by_hand_is_not_fought_by_the_order_that_stands_behind() {
    let mut stage = stage();
    stage.submit(replicas("standing", Amount::To(5)));
    stage.run(2 * MINUTE);
    let event = for_minutes(&stage, "event", 8, 60);
    stage.submit(event);
    stage.run(2 * MINUTE);
    stage
        .cluster
        .change(&web(), |state| state.allocation.replicas = 6);
    stage.run(10 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 6);
    check_state(&stage, "event", IntentState::Overridden);
    check_state(&stage, "standing", IntentState::Overridden);
}

#[test]
fn an_undone_order_with_an_end_leaves_the_standing_one_in_force() {
    let mut stage = stage();
    stage.submit(replicas("standing", Amount::To(5)));
    stage.run(2 * MINUTE);
    let event = for_minutes(&stage, "event", 8, 60);
    stage.submit(event);
    stage.run(2 * MINUTE);
    let receipt = Box::new(last_receipt(&stage));
    stage.ask(Request::Undo {
        receipt,
        cause: "a person said so".into(),
    });
    stage.run(2 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 5);
    check_state(&stage, "event", IntentState::Suspended);
    check_state(&stage, "standing", IntentState::Fulfilled);
}

#[test]
fn an_end_that_came_while_nobody_was_there_is_brought_about_after_the_restart() {
    for deleted in [true, false] {
        let mut stage = stage();
        let mut eight = replicas("eight", Amount::To(8));
        eight.spec.validity = Some(Validity {
            from: None,
            until: Some(
                stage
                    .now
                    .checked_add(SignedDuration::from_mins(15))
                    .unwrap(),
            ),
        });
        stage.submit(eight);
        assert_eq!(stage.cluster.replicas(&web()), 8);
        let mut intents: Vec<Intent> = stage.stored.values().cloned().collect();
        let passed = if deleted { 1 } else { 20 };
        let now = stage
            .now
            .checked_add(SignedDuration::from_mins(passed))
            .unwrap();
        if deleted {
            intents[0].metadata.deletion_timestamp = Some(now);
        }
        let mut second = Stage::with_engine(stage.cluster.clone(), stage.engine.clone());
        second.now = now;
        second.stored = stage.stored.clone();
        second.state = State::restored(intents, Vec::new(), &stage.ledger, now);
        second.run(5 * MINUTE);
        assert_eq!(second.cluster.replicas(&web()), 3, "{deleted}");
        if deleted {
            assert!(second.intent("acme", "eight").is_none());
            assert!(second.stored.is_empty());
        } else {
            check_state(&second, "eight", IntentState::Finished);
        }
    }
}

#[test]
fn of_two_who_count_the_wordings_the_greater_number_holds() {
    let mut stage = stage();
    let mut three = replicas("some", Amount::To(3));
    three.metadata.generation = Some(1);
    stage.submit(three);
    let mut five = replicas("some", Amount::To(5));
    five.metadata.generation = Some(4);
    stage.submit(five);
    let intent = stage.intent("acme", "some").unwrap();
    assert_eq!(intent.metadata.generation, Some(4));
    let status = intent.status.as_ref().unwrap();
    assert_eq!(status.observed_generation, Some(4));
}
