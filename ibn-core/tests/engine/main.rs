//! What an intent means, told as stories on a stage. Each rule of the form and where it is told (stories in other files are named with
//! their file):
//!
//! | rule | story |
//! |---|---|
//! | a directive is held until it is superseded, expired or withdrawn | `orders`: `a_directive_is_followed…`, `a_newer_directive_of_the_same_author…`; `endings`: `at_the_end_of_its_validity…`, `with_keep…`, `an_order_that_stands…` |
//! | its amount is resolved once per expectation, on record before it is applied | `orders`: `a_relative_amount_is_resolved_once…`, `an_amount_stays_resolved…`, `the_same_relative_order_again…`; `failures`: `what_can_not_be_stored…` |
//! | rounding is half away from zero | `tests/admission/resolve.rs`: `half_away_from_zero…` |
//! | a manual change of a held field pauses the intent | `orders`: `a_manual_change_of_a_held_field…` |
//! | envelopes and constraints intersect | `orders`: `constraints_of_several_intents_intersect`; `tests/guard/envelope.rs` |
//! | per field the higher priority wins; of one author the newer; else conflict, and the older stays | `orders`: `the_higher_priority…`, `a_newer_directive…`, `of_one_author…`, `directives_of_two_authors…`; `tests/admission/precedence.rs` |
//! | an order of pods takes the place of an autoscaler of ours, and the other way round | `orders`: `replicas_ordered_after…`, `an_autoscaler_ordered_after…`, `an_autoscaler_that_was_kept…` |
//! | a live directive outranks an objective on its field | `orders`: `a_live_directive_outranks…` |
//! | constraints alone act | `orders`: `constraints_alone_act` |
//! | assurance never writes values: floors with a time to live, demotion, correction, undo | `assurance` |
//! | an undone intent is suspended and its allocation barred for three windows | `endings`: `an_undone_directive…`; `tests/guard/undone.rs` |
//! | `constraints.cpu` and `memory` are the pod's sum; `budget` sums requests over pods | `tests/guard/bounds.rs`, `tests/guard/groups.rs`; `tests/admission/review.rs`: `a_memory_bound_is_on_the_sum…` |
//! | an amount that can't be is infeasible, never clipped | `orders`: `an_amount_that_can_not_be…` |
//! | pods are resized in place, templates only where rollouts are allowed | `tests/guard/undone.rs`: `what_running_pods_cannot_take…`; the orchestrators' suite |
//! | who writes an intent must be allowed to patch its target | `tests/admission/review.rs`: `who_may_not_patch…` |
//! | modes, validity, `onEnd`; a pause with an end | `orders`: `an_advising_intent…`; `endings`: `a_pause_with_an_end…` |
//! | what needs a person's approval waits for it | `tests/approval.rs` |

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

mod assurance;
mod endings;
mod failures;
mod orders;

use std::time::Duration;

use ibn_core::allocation::{ContainerResources, Field};
use ibn_core::assessment::{Assessment, AssessmentInput, AssuranceAction};
use ibn_core::decision::{Decision, LedgerEvent, Reason, Trigger};
use ibn_core::engine::{Effect, Event, Reply, Request, State};
use ibn_core::guard::Receipt;
use ibn_core::intent::{
    Amount, Autoscale, Bound, Constraints, Directive, Expectation, IndicatorName, Intent,
    IntentKey, IntentState, Mode, Objective, OnEnd, Origin, OriginKind, Range, ResourcesDirective,
    Setting, Validity,
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

fn autoscale(name: &str, min: u32, max: u32) -> Intent {
    let bounds = Autoscale {
        min: Some(min),
        max,
        cpu_utilization: Some(60),
    };
    Intent::new(name, &web()).with_expectation(Expectation::Directive(Directive::Autoscale(bounds)))
}

/// The autoscaler in the cluster comes to another number of pods.
fn autoscaler_moves_to(stage: &Stage, pods: u32) {
    stage.cluster.change(&web(), |state| {
        assert!(state.allocation.autoscale.is_some(), "there is none");
        state.allocation.replicas = pods;
    });
}

fn preview(stage: &Stage, intent: &Intent) -> ibn_core::admission::WhatIf {
    stage.engine.preview(&stage.state, intent, stage.now)
}

/// The decisions that were recorded, in order.
fn decisions(stage: &Stage) -> Vec<Decision> {
    let decided = |entry: &ibn_core::decision::LedgerEntry| match &entry.event {
        LedgerEvent::Decided(decision) => Some((**decision).clone()),
        _ => None,
    };
    stage.ledger.iter().filter_map(decided).collect()
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
