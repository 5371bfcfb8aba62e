//! What needs a person's approval, told as stories on a stage.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed helper fails its test"
)]

use std::time::Duration;

use ibn_core::decision::{Decision, LedgerEvent, Trigger};
use ibn_core::engine::{Event, Reply, Request};
use ibn_core::guard::CutRule;
use ibn_core::guardrail::{Guardrail, GuardrailSpec, RiskClass};
use ibn_core::intent::{Amount, Directive, Expectation, Intent, IntentKey, IntentState, Range};
use ibn_core::observation::Signal;
use ibn_core::workload::WorkloadRef;
use ibn_testkit::cluster::FakeCluster;
use ibn_testkit::stage::Stage;

const MINUTE: Duration = Duration::from_secs(60);

fn web() -> WorkloadRef {
    WorkloadRef::deployment("acme", "web")
}

/// Four pods, and every change of risk needs a person.
fn stage() -> Stage {
    let cluster = FakeCluster::new().with_deployment("acme", "web", 4, "500m", "256Mi");
    cluster.set_signal(&web(), Signal::RequestRate, 50.0);
    cluster.set_signal(&web(), Signal::CpuUsage, 0.5);
    let mut stage = Stage::new(cluster);
    guard_with(&mut stage, None);
    stage
}

fn guard_with(stage: &mut Stage, max: Option<u32>) {
    let spec = GuardrailSpec {
        approval: Some(RiskClass::Low),
        replicas: Range::new(None, max),
        ..GuardrailSpec::default()
    };
    stage.feed(Event::GuardrailsChanged(vec![Guardrail::new(
        "ask", "", spec,
    )]));
}

fn order(name: &str, pods: u32) -> Intent {
    Intent::new(name, &web()).with_expectation(Expectation::Directive(Directive::Replicas(
        Amount::To(pods),
    )))
}

fn decisions(stage: &Stage) -> Vec<Decision> {
    let decided = |entry: &ibn_core::decision::LedgerEntry| match &entry.event {
        LedgerEvent::Decided(decision) => Some((**decision).clone()),
        _ => None,
    };
    stage.ledger.iter().filter_map(decided).collect()
}

/// An order that waits, and its decision.
fn waiting(stage: &mut Stage) -> Box<Decision> {
    stage.submit(order("six", 6));
    stage.run(2 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 4);
    let decided = decisions(stage);
    assert_eq!(decided.len(), 1, "asked once, not at every turn");
    let decision = decided.into_iter().next().unwrap();
    assert!(decision.needs_approval());
    assert_eq!(decision.cuts.last().unwrap().rule, CutRule::Approval);
    let why = decision.reasons.first().unwrap();
    assert_eq!(why.code, "Approval", "first of all why not");
    Box::new(decision)
}

#[track_caller]
fn check_refused(reply: Option<Reply>, word: &str) {
    let Some(Reply::Failed(error)) = reply else {
        panic!("{reply:?}");
    };
    assert!(error.to_string().contains(word), "{error}");
}

#[test]
fn what_needs_approval_waits_and_is_done_once_a_person_approves() {
    let mut stage = stage();
    let decision = waiting(&mut stage);
    let reply = stage.ask(Request::Approve(decision.clone()));
    assert!(matches!(reply, Some(Reply::Approving(_))), "{reply:?}");
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 6);
    let done = decisions(&stage).pop().unwrap();
    assert_eq!(
        (done.trigger, done.approved.is_some()),
        (Trigger::Directive, true)
    );
    assert_eq!(done.reasons[0].code, "Approved");
    assert!(done.reasons[0].message.contains(&decision.id.to_string()));
    assert!(!done.reasons.contains(&decision.reasons[0]));
    let six = stage.intent("acme", "six").unwrap();
    assert_eq!(six.state(), IntentState::Fulfilled);
    // It was for that change only.
    check_refused(stage.ask(Request::Approve(decision)), "web");
}

#[test]
fn an_approval_is_no_way_around_a_bound() {
    let mut stage = stage();
    let decision = waiting(&mut stage);
    guard_with(&mut stage, Some(4));
    check_refused(stage.ask(Request::Approve(decision)), "replicas");
    stage.run(5 * MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 4);
}

#[test]
fn an_approval_of_what_is_no_longer_so_is_refused() {
    let mut stage = stage();
    let decision = waiting(&mut stage);
    stage
        .cluster
        .change(&web(), |state| state.allocation.replicas = 5);
    check_refused(stage.ask(Request::Approve(decision)), "web");
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 5);
}

#[test]
fn an_approval_for_an_intent_that_is_gone_is_refused() {
    let mut stage = stage();
    let decision = waiting(&mut stage);
    stage.ask(Request::Withdraw(IntentKey {
        namespace: "acme".into(),
        name: "six".into(),
    }));
    let reply = stage.ask(Request::Approve(decision));
    assert!(!matches!(reply, Some(Reply::Approving(_))), "{reply:?}");
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 4);
}

#[test]
fn a_decision_waits_for_an_hour() {
    let mut stage = stage();
    let decision = waiting(&mut stage);
    stage.run(62 * MINUTE);
    check_refused(stage.ask(Request::Approve(decision)), "hour");
    assert_eq!(stage.cluster.replicas(&web()), 4);
    // It was asked again meanwhile, and that one can be approved.
    let again = Box::new(decisions(&stage).pop().unwrap());
    let reply = stage.ask(Request::Approve(again));
    assert!(matches!(reply, Some(Reply::Approving(_))), "{reply:?}");
    assert_eq!(stage.cluster.replicas(&web()), 6);
}

#[test]
fn what_was_cut_for_another_reason_can_not_be_approved() {
    let mut stage = stage();
    let decision = waiting(&mut stage);
    let mut other = *decision;
    other.cuts[0].rule = CutRule::Replicas;
    check_refused(stage.ask(Request::Approve(Box::new(other))), "approval");
}

#[test]
fn a_person_who_undoes_approves_that_too() {
    let mut stage = stage();
    let decision = waiting(&mut stage);
    stage.ask(Request::Approve(decision));
    let applied = |entry: &ibn_core::decision::LedgerEntry| match &entry.event {
        LedgerEvent::Applied(receipt) => Some(receipt.clone()),
        _ => None,
    };
    let receipt = stage.ledger.iter().find_map(applied).unwrap();
    let reply = stage.ask(Request::Undo {
        receipt,
        cause: "changed my mind".into(),
    });
    assert!(matches!(reply, Some(Reply::Undoing(_))), "{reply:?}");
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 4);
}
