//! Directives, objectives and constraints: who is followed, and how.

use super::*;

#[test]
fn a_directive_is_followed_and_then_fulfilled() {
    let mut stage = stage();
    let reply = stage.submit(replicas("five", Amount::To(5)));
    assert!(matches!(reply, Some(Reply::Submitted(..))), "{reply:?}");
    assert_eq!(stage.cluster.replicas(&web()), 5);
    stage.run(MINUTE);
    check_state(&stage, "five", IntentState::Fulfilled);
    assert_eq!(stage.cluster.applied().len(), 1, "it is applied once");
}

#[test]
fn a_decision_names_the_intents_that_it_serves_and_not_those_that_it_works_against() {
    let mut stage = stage();
    stage.submit(latency("fast"));
    stage.submit(replicas("five", Amount::To(5)));
    stage.run(MINUTE);
    let served: Vec<Vec<String>> = stage
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Record(entry) => match &entry.event {
                LedgerEvent::Decided(decision) => Some(&decision.intents),
                _ => None,
            },
            _ => None,
        })
        .map(|intents| intents.iter().map(|key| key.name.clone()).collect())
        .collect();
    assert_eq!(served, [["five"]]);
}

#[test]
fn a_relative_amount_is_resolved_once_and_on_record_before_it_is_applied() {
    let mut stage = stage();
    stage.submit(replicas("double", Amount::Scale(2.0)));
    stage.run(10 * MINUTE);
    assert_eq!(
        stage.cluster.replicas(&web()),
        6,
        "not doubled again and again"
    );
    let saved = stage.effects.iter().position(|effect| match effect {
        Effect::SaveIntent(intent, _) => intent
            .status
            .as_ref()
            .is_some_and(|status| status.expectations[0].resolved == Some(Setting::Replicas(6))),
        _ => false,
    });
    let applied = stage
        .effects
        .iter()
        .position(|effect| matches!(effect, Effect::Apply(_)));
    assert!(saved.unwrap() < applied.unwrap());
}

#[test]
fn a_manual_change_of_a_held_field_pauses_the_intent_and_is_not_fought() {
    let mut stage = stage();
    stage.submit(replicas("five", Amount::To(5)));
    stage
        .cluster
        .change(&web(), |state| state.allocation.replicas = 4);
    stage.run(10 * MINUTE);
    check_state(&stage, "five", IntentState::Overridden);
    assert_eq!(stage.cluster.replicas(&web()), 4);
    assert_eq!(
        stage
            .notice_codes()
            .iter()
            .filter(|code| *code == "Overridden")
            .count(),
        1
    );

    stage.ask(Request::SetMode(web(), Mode::Enforce));
    stage.run(MINUTE);
    assert_eq!(
        stage.cluster.replicas(&web()),
        5,
        "resumed, the directive is followed again"
    );
    check_state(&stage, "five", IntentState::Fulfilled);
}

#[test]
fn a_newer_directive_of_the_same_author_supersedes() {
    let mut stage = stage();
    stage.submit(replicas("five", Amount::To(5)));
    stage.submit(replicas("seven", Amount::To(7)));
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 7);
    check_state(&stage, "five", IntentState::Finished);
    check_state(&stage, "seven", IntentState::Fulfilled);
}

#[test]
fn the_higher_priority_wins_per_field() {
    let mut stage = stage();
    let mut strong = replicas("strong", Amount::To(6));
    strong.spec.priority = Some(80);
    stage.submit(strong);
    stage.submit(replicas("weak", Amount::To(2)));
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 6);
}

#[test]
fn directives_of_two_authors_at_equal_priority_conflict_and_the_older_stays() {
    let mut stage = stage();
    let by = |author: &str| Origin {
        by: OriginKind::User,
        author: Some(author.into()),
        parent: None,
        cause: None,
    };
    let mut older = replicas("older", Amount::To(5));
    older.spec.origin = Some(by("ann"));
    stage.submit(older);
    let mut newer = replicas("newer", Amount::To(2));
    newer.spec.origin = Some(by("bob"));
    let reply = stage.submit(newer);
    let Some(Reply::Submitted(_, outcome)) = reply else {
        panic!("{reply:?}")
    };
    assert!(outcome.accepted().is_none(), "{}", outcome.summary());
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 5);
}

#[test]
fn a_live_directive_outranks_an_objective_on_its_field() {
    let mut stage = stage();
    stage.recommender = Box::new(FixedReplicas(9));
    stage.submit(replicas("four", Amount::To(4)));
    stage.submit(latency("fast"));
    stage.run(5 * MINUTE);
    assert_eq!(
        stage.cluster.replicas(&web()),
        4,
        "the recommender doesn't move a held field"
    );
    stage.ask(Request::Withdraw(key("four")));
    stage.run(5 * MINUTE);
    assert_eq!(
        stage.cluster.replicas(&web()),
        9,
        "once it is free, it does"
    );
}

#[test]
fn an_objective_is_served_by_the_recommender_and_its_outcome_is_learned_from() {
    let mut stage = stage();
    stage.recommender = Box::new(FixedReplicas(4));
    stage.submit(latency("fast"));
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 4);
    check_state(&stage, "fast", IntentState::Fulfilled);
    let learned = stage
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Learn(..)))
        .count();
    assert!(learned >= 3, "{learned}");
    let achieved = stage
        .intent("acme", "fast")
        .unwrap()
        .status
        .clone()
        .unwrap()
        .expectations[0]
        .achieved
        .clone();
    assert_eq!(achieved.as_deref(), Some("100ms"));
}

#[test]
fn constraints_alone_act() {
    let mut stage = stage();
    let mut bounded = Intent::new("bounded", &web());
    bounded.spec.constraints = Constraints {
        replicas: Range::new(Some(5), Some(8)),
        ..Constraints::default()
    };
    stage.submit(bounded);
    stage.run(MINUTE);
    assert_eq!(
        stage.cluster.replicas(&web()),
        5,
        "live state moves to the nearest bound"
    );
}

#[test]
fn an_amount_that_can_not_be_is_infeasible_and_never_clipped() {
    let mut stage = stage();
    let reply = stage.submit(replicas("fewer", Amount::Add(-5)));
    let Some(Reply::Submitted(_, outcome)) = reply else {
        panic!("{reply:?}")
    };
    assert!(outcome.accepted().is_none());
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 3);
    check_state(&stage, "fewer", IntentState::Infeasible);
}

#[test]
fn an_advising_intent_is_decided_on_and_not_applied() {
    let mut stage = stage();
    stage.recommender = Box::new(FixedReplicas(6));
    let mut advice = latency("advice");
    advice.spec.mode = Some(Mode::Advise);
    stage.submit(advice);
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 3);
    let decisions: Vec<_> = stage
        .ledger
        .iter()
        .filter_map(|entry| match &entry.event {
            LedgerEvent::Decided(decision) => Some(decision),
            _ => None,
        })
        .collect();
    assert_eq!(decisions.len(), 1, "said once, not at every turn");
    assert!(
        decisions[0]
            .reasons
            .iter()
            .any(|reason| reason.code == "AdviseOnly")
    );
    assert_eq!(decisions[0].approved, None);
}

#[test]
fn what_could_not_be_met_is_looked_at_again_once_the_limits_allow_it() {
    let mut stage = stage();
    limit_replicas(&mut stage, 4);
    stage.submit(replicas("eight", Amount::To(8)));
    stage.run(5 * MINUTE);
    check_state(&stage, "eight", IntentState::Infeasible);
    limit_replicas(&mut stage, 10);
    stage.run(2 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 8);
    check_state(&stage, "eight", IntentState::Fulfilled);
}

#[test]
fn a_relative_amount_that_could_not_be_is_not_followed_at_some_later_time() {
    let mut stage = stage();
    stage.submit(replicas("fewer", Amount::Add(-5)));
    check_state(&stage, "fewer", IntentState::Infeasible);
    stage.submit(replicas("ten", Amount::To(10)));
    limit_replicas(&mut stage, 20);
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 10);
    check_state(&stage, "fewer", IntentState::Infeasible);
}

#[test]
fn an_amount_stays_resolved_when_its_expectation_moves_to_another_place() {
    let mut stage = stage();
    let more = Expectation::Directive(Directive::Replicas(Amount::Add(2)));
    let Some(objective) = latency("x").spec.expectations.pop() else {
        panic!("it has an objective");
    };
    let both = |expectations: [Expectation; 2]| {
        let mut intent = Intent::new("both", &web());
        intent.spec.expectations = expectations.to_vec();
        intent
    };
    stage.submit(both([more.clone(), objective.clone()]));
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 5);
    stage.submit(both([objective, more]));
    stage.run(5 * MINUTE);
    assert_eq!(
        stage.cluster.replicas(&web()),
        5,
        "two more than three, said once"
    );
    stage.ask(Request::Withdraw(key("both")));
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 3);
}

#[test]
fn constraints_of_several_intents_intersect() {
    let mut stage = stage();
    let bounded = |name: &str, min, max| {
        let mut intent = Intent::new(name, &web());
        intent.spec.constraints.replicas = Range::new(min, max);
        intent
    };
    stage.recommender = Box::new(FixedReplicas(20));
    stage.submit(latency("fast"));
    stage.submit(bounded("most", None, Some(8)));
    stage.submit(bounded("fewer", Some(4), Some(6)));
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 6);
    stage.recommender = Box::new(FixedReplicas(1));
    stage.run(10 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 4);
}

#[test]
fn replicas_ordered_after_an_autoscaler_of_ours_take_its_place() {
    let mut stage = stage();
    stage.submit(autoscale("auto", 2, 6));
    stage.run(MINUTE);
    check_state(&stage, "auto", IntentState::Fulfilled);
    autoscaler_moves_to(&stage, 2);
    stage.run(MINUTE);

    let four = replicas("four", Amount::To(4));
    let seen = preview(&stage, &four);
    let changes: Vec<String> = seen.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        changes,
        [
            "replicas 2 → 4",
            "autoscale 2 to 6 pods at 60 % CPU → unset"
        ]
    );
    assert_eq!(seen.cuts, [], "the guard lets all of it through in the end");

    stage.submit(four);
    // The autoscaler is taken away, then the pods are what was ordered, both for the order alone.
    let decisions = decisions(&stage);
    let [.., first, second] = decisions.as_slice() else {
        panic!("{decisions:#?}")
    };
    let fields = |decision: &Decision| -> Vec<Field> {
        let changes = decision.changes.iter();
        changes.map(|change| change.field.clone()).collect()
    };
    assert_eq!(fields(first), [Field::Autoscale]);
    assert_eq!(first.reasons[0].code, "AutoscalerGoes");
    assert_eq!(fields(second), [Field::Replicas]);
    assert_eq!(
        (&first.intents, &second.intents),
        (&vec![key("four")], &vec![key("four")])
    );
    assert_eq!(
        (first.trigger, second.trigger),
        (Trigger::Directive, Trigger::Directive)
    );
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 4);
    check_state(&stage, "auto", IntentState::Finished);
    check_state(&stage, "four", IntentState::Fulfilled);
    assert_eq!(count(&stage, "Overridden"), 0);
    assert_eq!(count(&stage, "GuardTrimmed"), 0);
    assert_eq!(count(&stage, "GuardRejected"), 0);
}

#[test]
fn an_autoscaler_ordered_after_replicas_takes_their_place_and_back_again() {
    let mut stage = stage();
    stage.submit(replicas("four", Amount::To(4)));
    stage.run(MINUTE);
    let auto = autoscale("auto", 2, 6);
    assert_eq!(preview(&stage, &auto).cuts, []);
    stage.submit(auto);
    stage.run(MINUTE);
    check_state(&stage, "four", IntentState::Finished);
    check_state(&stage, "auto", IntentState::Fulfilled);
    autoscaler_moves_to(&stage, 6);
    stage.run(MINUTE);
    check_state(&stage, "auto", IntentState::Fulfilled);

    stage.submit(replicas("five", Amount::To(5)));
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 5);
    assert_eq!(
        stage.cluster.state(&web()).unwrap().allocation.autoscale,
        None
    );
    check_state(&stage, "five", IntentState::Fulfilled);
    assert_eq!(count(&stage, "Overridden"), 0);
}

#[test]
fn an_autoscaler_that_was_kept_goes_where_replicas_are_ordered() {
    let mut stage = stage();
    let mut auto = autoscale("auto", 2, 6);
    auto.spec.on_end = Some(OnEnd::Keep);
    stage.submit(auto);
    stage.ask(Request::Withdraw(key("auto")));
    autoscaler_moves_to(&stage, 6);
    stage.submit(replicas("four", Amount::To(4)));
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 4);
    check_state(&stage, "four", IntentState::Fulfilled);
}

#[test]
fn an_order_that_ends_under_an_autoscaler_of_ours_ends() {
    let mut stage = stage();
    let mut auto = autoscale("auto", 2, 6);
    auto.spec.priority = Some(80);
    stage.submit(replicas("four", Amount::To(4)));
    stage.submit(auto);
    stage.run(MINUTE);
    stage.ask(Request::Withdraw(key("four")));
    stage.run(5 * MINUTE);
    assert_eq!(stage.intent("acme", "four"), None);
    assert_eq!(
        stage.cluster.replicas(&web()),
        4,
        "it is the autoscaler's number now"
    );
    assert_eq!(count(&stage, "GuardRejected"), 0);
}

#[test]
fn what_an_autoscaler_is_predicted_to_come_to_is_nothing_that_the_guard_would_cut() {
    let mut stage = stage();
    stage.run(MINUTE);
    stage
        .cluster
        .change(&web(), |state| state.allocation.replicas = 1);
    stage.run(MINUTE);
    let seen = preview(&stage, &autoscale("auto", 2, 6));
    let changes: Vec<String> = seen.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        changes,
        [
            "replicas 1 → 2",
            "autoscale unset → 2 to 6 pods at 60 % CPU"
        ]
    );
    assert_eq!(seen.cuts, []);
}

#[test]
fn the_same_relative_order_again_is_no_second_one_and_says_so() {
    let mut stage = stage();
    let more = replicas("one-more", Amount::Add(1));
    let warnings = |reply: Option<Reply>| -> Vec<Reason> {
        let Some(Reply::Submitted(_, outcome)) = reply else {
            panic!("{reply:?}")
        };
        outcome.accepted().unwrap().warnings.clone()
    };
    assert_eq!(warnings(stage.submit(more.clone())), []);
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 4);
    let since = stage
        .intent("acme", "one-more")
        .unwrap()
        .metadata
        .creation_timestamp
        .unwrap();

    let expected = Reason::new(
        "AlreadyResolved",
        format!(
            "this order stands since {since} and was resolved to replicas 4 then, so saying it again changes nothing; say it in \
             absolute values (replicas 5), or withdraw it first"
        ),
    );
    assert_eq!(
        preview(&stage, &more).outcome.accepted().unwrap().warnings,
        std::slice::from_ref(&expected)
    );
    assert_eq!(warnings(stage.submit(more)), [expected]);
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 4);
}

#[test]
fn of_one_author_the_order_that_was_worded_last_is_in_force_whatever_the_age_of_its_intent() {
    let mut stage = stage();
    let mut first = replicas("first", Amount::To(5));
    first.spec.constraints.replicas = Range::new(Some(1), None);
    let mut second = replicas("second", Amount::To(7));
    second.spec.constraints.replicas = Range::new(None, Some(20));
    stage.submit(first.clone());
    stage.run(MINUTE);
    stage.submit(second.clone());
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 7);

    // The limits of the older intent change, and nothing that it orders: the newer order stays in force.
    first.spec.constraints.replicas = Range::new(Some(2), None);
    stage.submit(first.clone());
    stage.run(2 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 7);

    first.spec.expectations = replicas("first", Amount::To(9)).spec.expectations;
    let changes: Vec<String> = preview(&stage, &first)
        .changes
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(changes, ["replicas 7 → 9"]);
    stage.submit(first);
    stage.run(2 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 9);

    // And it is still so after a restart from what was stored.
    let stored: Vec<Intent> = stage.stored.values().cloned().collect();
    stage.state = State::restored(stored, Vec::new(), &stage.ledger, stage.now);
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 9);
}

#[test]
fn of_two_orders_in_one_instant_the_one_that_was_given_last_is_in_force() {
    for (first, second) in [("a", "b"), ("b", "a")] {
        let mut stage = stage();
        stage.submit(replicas(first, Amount::To(5)));
        stage.submit(replicas(second, Amount::To(7)));
        stage.run(MINUTE);
        assert_eq!(stage.cluster.replicas(&web()), 7, "{second} after {first}");
        check_state(&stage, first, IntentState::Finished);
    }
}

#[test]
fn where_all_is_only_advised_on_every_decision_is_recorded_and_none_applied() {
    let mut stage = stage();
    let config = ibn_core::engine::EngineConfig {
        advise_only: true,
        ..ibn_core::engine::EngineConfig::default()
    };
    let admission = ibn_core::admission::Admission::without_twin();
    stage.engine = ibn_core::engine::Engine::new(config, admission);
    stage.recommender = Box::new(FixedReplicas(6));
    stage.submit(latency("fast"));
    stage.run(3 * MINUTE);
    stage.submit(replicas("five", Amount::To(5)));
    stage.run(3 * MINUTE);
    assert_eq!(stage.cluster.applied().len(), 0);
    let wanted: Vec<u32> = decisions(&stage)
        .iter()
        .filter_map(|decision| Some(decision.wanted.allocation()?.replicas))
        .collect();
    assert_eq!(wanted, [6, 5]);
    for decision in decisions(&stage) {
        let first = &decision.reasons[0];
        assert_eq!(
            (decision.approved, first.code.as_str()),
            (None, "AdviseOnly")
        );
    }
    // What ends has nothing to give back.
    stage.ask(Request::Withdraw(key("five")));
    assert_eq!(stage.intent("acme", "five"), None);
}
