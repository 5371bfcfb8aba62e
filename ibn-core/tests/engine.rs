//! What an intent means, told as stories on a stage.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

use std::time::Duration;

use ibn_core::allocation::{ContainerResources, Field};
use ibn_core::assessment::{Assessment, AssessmentInput, AssuranceAction};
use ibn_core::decision::{LedgerEvent, Reason, Trigger};
use ibn_core::engine::{Effect, Event, Reply, Request, State};
use ibn_core::guard::Receipt;
use ibn_core::intent::{
    Amount, Bound, Constraints, Directive, Expectation, IndicatorName, Intent, IntentKey,
    IntentState, Mode, Objective, OnEnd, Origin, OriginKind, Range, ResourcesDirective, Setting,
    Validity,
};
use ibn_core::observation::Signal;
use ibn_core::roles::Assessor;
use ibn_core::units::{Bytes, CpuMillis, Quantile};
use ibn_core::workload::WorkloadRef;
use ibn_testkit::cluster::FakeCluster;
use ibn_testkit::stage::{ComparingAssessor, FixedReplicas, Stage};
use jiff::SignedDuration;

const MINUTE: Duration = Duration::from_secs(60);

fn web() -> WorkloadRef {
    WorkloadRef::deployment("acme", "web")
}

fn stage() -> Stage {
    let cluster = FakeCluster::new()
        .with_deployment("acme", "web", 3, "500m", "256Mi")
        .with_deployment("acme", "api", 2, "500m", "256Mi")
        .with_namespace("acme");
    for name in ["web", "api"] {
        let workload = WorkloadRef::deployment("acme", name);
        cluster.set_signal(&workload, Signal::RequestRate, 50.0);
        cluster.set_signal(&workload, Signal::CpuUsage, 0.5);
        cluster.set_signal(&workload, Signal::Latency(Quantile::P95), 0.1);
    }
    Stage::new(cluster)
}

fn replicas(name: &str, amount: Amount<u32>) -> Intent {
    Intent::new(name, &web()).with_expectation(Expectation::Directive(Directive::Replicas(amount)))
}

fn latency(name: &str) -> Intent {
    let bound = Bound::AtMost(IndicatorName::Latency.parse_value("200ms").unwrap());
    let objective = Objective {
        indicator: IndicatorName::Latency,
        quantile: None,
        bound,
        window: None,
    };
    Intent::new(name, &web()).with_expectation(Expectation::Objective(objective))
}

#[track_caller]
fn check_state(stage: &Stage, name: &str, state: IntentState) {
    let intent = stage.intent("acme", name).unwrap();
    assert_eq!(intent.state(), state, "{:#?}", intent.status);
}

fn key(name: &str) -> IntentKey {
    IntentKey {
        namespace: "acme".into(),
        name: name.into(),
    }
}

fn last_receipt(stage: &Stage) -> Receipt {
    let applied = |entry: &ibn_core::decision::LedgerEntry| match &entry.event {
        LedgerEvent::Applied(receipt) => Some((**receipt).clone()),
        _ => None,
    };
    stage.ledger.iter().rev().find_map(applied).unwrap()
}

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
    stage.run(15 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 5);
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

/// Says and asks for the same at every turn.
struct Insisting {
    findings: Vec<Reason>,
    actions: Vec<AssuranceAction>,
}

impl Assessor for Insisting {
    fn name(&self) -> &str {
        "insisting"
    }

    fn assess(&self, input: &AssessmentInput) -> Assessment {
        Assessment {
            findings: self.findings.clone(),
            actions: self.actions.clone(),
            ..ComparingAssessor.assess(input)
        }
    }
}

/// A floor on behalf of another intent, as assurance raises it.
fn floor(name: &str, pods: u32, minutes: i64, stage: &Stage) -> Intent {
    let mut floor = Intent::new(name, &web());
    floor.spec.constraints.replicas = Range::new(Some(pods), None);
    floor.spec.validity = Some(Validity {
        from: None,
        until: Some(
            stage
                .now
                .checked_add(SignedDuration::from_mins(minutes))
                .unwrap(),
        ),
    });
    floor.spec.origin = Some(Origin {
        by: OriginKind::Assurance,
        author: None,
        parent: Some("fast".to_owned()),
        cause: Some("latency burns".to_owned()),
    });
    floor
}

fn limit_replicas(stage: &mut Stage, max: u32) {
    let limits = ibn_core::guardrail::GuardrailSpec {
        replicas: Range::new(None, Some(max)),
        ..ibn_core::guardrail::GuardrailSpec::default()
    };
    stage.feed(Event::GuardrailsChanged(vec![
        ibn_core::guardrail::Guardrail::new("most", "", limits),
    ]));
}

fn count(stage: &Stage, code: &str) -> usize {
    let codes = stage.notice_codes();
    codes.iter().filter(|found| *found == code).count()
}

#[test]
fn assurance_raises_a_floor_with_a_time_to_live_and_never_writes_a_value() {
    let mut stage = stage();
    stage.submit(latency("fast"));
    let raised = floor("floor", 6, 10, &stage);
    stage.assessor = Box::new(Insisting {
        findings: Vec::new(),
        actions: vec![AssuranceAction::Corrective(Box::new(raised))],
    });
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 6);
    let raised = stage.intent("acme", "floor").unwrap();
    assert_eq!(
        raised.spec.origin.as_ref().unwrap().by,
        OriginKind::Assurance
    );
    assert_eq!(
        count(&stage, "CorrectiveIntent"),
        1,
        "raised once, though asked for at every turn"
    );
    // Its time is over: the recommender may go back to its three pods.
    stage.assessor = Box::new(ComparingAssessor);
    stage.run(12 * MINUTE);
    check_state(&stage, "floor", IntentState::Finished);
    assert_eq!(stage.cluster.replicas(&web()), 3);
}

#[test]
fn a_corrective_intent_that_is_refused_is_not_raised_again_until_something_changes() {
    let mut stage = stage();
    limit_replicas(&mut stage, 4);
    stage.submit(latency("fast"));
    let raised = floor("floor", 6, 60, &stage);
    stage.assessor = Box::new(Insisting {
        findings: Vec::new(),
        actions: vec![AssuranceAction::Corrective(Box::new(raised))],
    });
    stage.run(5 * MINUTE);
    assert_eq!(count(&stage, "CorrectiveIntentRefused"), 1);
    assert_eq!(stage.cluster.replicas(&web()), 3);
    limit_replicas(&mut stage, 10);
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 6, "now it may be");
}

#[test]
fn what_stands_out_is_said_once_and_again_only_after_it_was_gone() {
    let mut stage = stage();
    let burning = |number: u32| Insisting {
        findings: vec![Reason::new(
            "Burning",
            format!("spends {number} times its budget"),
        )],
        actions: Vec::new(),
    };
    stage.submit(latency("fast"));
    for number in 2..8 {
        stage.assessor = Box::new(burning(number));
        stage.run(MINUTE);
    }
    assert_eq!(count(&stage, "Burning"), 1);
    stage.assessor = Box::new(ComparingAssessor);
    stage.run(MINUTE);
    stage.assessor = Box::new(burning(3));
    stage.run(MINUTE);
    assert_eq!(count(&stage, "Burning"), 2);
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
fn a_learner_that_did_harm_is_trusted_less_and_nothing_is_written_by_it() {
    let mut stage = stage();
    stage.submit(latency("fast"));
    stage.assessor = Box::new(Insisting {
        findings: Vec::new(),
        actions: vec![AssuranceAction::DemoteLearner {
            cause: "latency rose after its last three changes".to_owned(),
        }],
    });
    let before = stage.cluster.applied().len();
    stage.run(Duration::from_secs(20));
    let demoted = stage
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::Demote(workload, _) if *workload == web()));
    assert!(demoted);
    assert_eq!(
        stage.cluster.applied().len(),
        before,
        "nothing is written by it"
    );
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
