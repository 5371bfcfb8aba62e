//! The report that changes nothing.

use ibn_core::admission::{AdmissionOutcome, WhatIf};
use ibn_core::guard::{CutRule, Standing};
use ibn_core::guardrail::{GuardrailSpec, StepLimits};
use ibn_core::units::CpuMillis;

use super::support::{World, admission, intent, p95_at_most, pods, scale_to};

fn changes(what_if: &WhatIf) -> Vec<String> {
    what_if.changes.iter().map(ToString::to_string).collect()
}

#[test]
fn it_tells_changes_cost_and_predictions() {
    let what_if = World::new().under(60.0).what_if(&scale_to(6));
    assert_eq!(changes(&what_if), ["replicas 3 → 6"]);
    let cost = what_if.cost.unwrap();
    assert_eq!(
        (cost.cpu_before, cost.cpu_after),
        (CpuMillis::new(1500), CpuMillis::new(3000))
    );
    let effect = what_if.effect().unwrap();
    let p95 = |prediction: &Option<ibn_core::prediction::Prediction>| {
        prediction.as_ref().unwrap().latency["p95"].mid
    };
    assert!(p95(&effect.predicted_after) < p95(&effect.predicted_before));
    assert_eq!(what_if.demand.unwrap().request_rate, 60.0);
}

#[test]
fn of_what_is_infeasible_it_tells_the_effect_of_the_counter_proposal() {
    let guardrail = GuardrailSpec {
        replicas: pods(None, Some(5)),
        ..GuardrailSpec::default()
    };
    let what_if = World::new()
        .guarded("prod", guardrail)
        .what_if(&scale_to(9));
    assert!(matches!(
        what_if.outcome,
        AdmissionOutcome::Infeasible { .. }
    ));
    assert_eq!(changes(&what_if), ["replicas 3 → 5"]);
    assert!(what_if.proposal_effect.is_some());
}

#[test]
fn it_promises_another_size_of_pods_only_where_somebody_gives_it() {
    // One pod of 500m serves 25 requests a second; the objective would need a larger one.
    let world = World::new()
        .under(40.0)
        .with(intent("fast", "ann", 50).with_expectation(p95_at_most(0.2)));
    let what_if = |resizing: bool| {
        admission()
            .resizing(resizing)
            .what_if(&scale_to(1), &world.context(), &Standing::default())
    };
    assert_eq!(changes(&what_if(false)), ["replicas 3 → 1"]);
    let larger = changes(&what_if(true));
    assert!(
        larger.iter().any(|change| change.contains("cpu")),
        "{larger:?}"
    );
}

#[test]
fn of_what_is_rejected_it_tells_why_and_nothing_else() {
    let mut world = World::new();
    world.may_patch = false;
    let what_if = world.what_if(&scale_to(9));
    assert_eq!(
        (what_if.effect(), what_if.cost, changes(&what_if).len()),
        (None, None, 0)
    );
}

#[test]
fn it_reads_back_as_it_was_written() {
    let fast = intent("fast", "ann", 50).with_expectation(p95_at_most(0.2));
    for what_if in [
        World::new().under(90.0).what_if(&fast),
        World::new().what_if(&scale_to(0)),
    ] {
        let json = serde_json::to_value(&what_if).unwrap();
        assert_eq!(serde_json::from_value::<WhatIf>(json).unwrap(), what_if);
    }
}

#[test]
fn it_tells_what_the_guard_would_not_do_at_once() {
    let guardrail = GuardrailSpec {
        step: StepLimits {
            replicas_up: Some(2),
            ..StepLimits::default()
        },
        ..GuardrailSpec::default()
    };
    let what_if = World::new()
        .guarded("slowly", guardrail)
        .what_if(&scale_to(9));
    assert_eq!(changes(&what_if), ["replicas 3 → 9"]);
    let cuts: Vec<CutRule> = what_if.cuts.iter().map(|cut| cut.rule).collect();
    assert_eq!(cuts, [CutRule::Step]);
    assert_eq!(World::new().what_if(&scale_to(9)).cuts, []);
    assert_eq!(World::new().what_if(&scale_to(3)).cuts, []);
}
