//! Counter-proposals, all of which would be accepted.

use ibn_core::admission::AdmissionOutcome;
use ibn_core::allocation::{ContainerResources, QuotaLimits};
use ibn_core::guardrail::GuardrailSpec;
use ibn_core::intent::{
    Amount, Autoscale, BudgetLimit, Directive, Expectation, Intent, IntentSpec, QuotaAmounts,
    ResourceAmounts, ResourcesDirective,
};
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::WorkloadRef;
use proptest::prelude::*;

use super::support::{
    MI, World, accepted, cost_at_most, infeasible, intent, p95_at_most, pods, replicas, scale_to,
};

/// The counter-proposal, put to the test.
#[track_caller]
fn proposed(world: &World, intent: &Intent) -> IntentSpec {
    let outcome = world.review(intent);
    let (why, proposal) = infeasible(&outcome);
    let proposal = proposal
        .unwrap_or_else(|| panic!("no proposal: {why}"))
        .clone();
    accepted(&world.review(&again(intent, &proposal)));
    proposal
}

fn again(intent: &Intent, spec: &IntentSpec) -> Intent {
    Intent {
        spec: spec.clone(),
        ..intent.clone()
    }
}

fn up_to(max: u32) -> GuardrailSpec {
    GuardrailSpec {
        replicas: pods(Some(2), Some(max)),
        ..GuardrailSpec::default()
    }
}

fn budget(millis: u64) -> GuardrailSpec {
    GuardrailSpec {
        budget: BudgetLimit {
            cpu: Some(CpuMillis::new(millis)),
            memory: None,
        },
        ..GuardrailSpec::default()
    }
}

fn cpu(requests: Amount<CpuMillis>, limits: Option<Amount<CpuMillis>>) -> Expectation {
    Expectation::Directive(Directive::Resources(ResourcesDirective {
        container: None,
        requests: ResourceAmounts {
            cpu: Some(requests),
            memory: None,
        },
        limits: ResourceAmounts {
            cpu: limits,
            memory: None,
        },
    }))
}

#[test]
fn the_nearest_replica_count_inside_the_envelope() {
    let world = World::new().guarded("prod", up_to(12));
    assert_eq!(
        proposed(&world, &scale_to(20)).expectations,
        [replicas(Amount::To(12))]
    );
    assert_eq!(
        proposed(&world, &scale_to(1)).expectations,
        [replicas(Amount::To(2))]
    );
    let five_fewer = intent("fewer", "ann", 50).with_expectation(replicas(Amount::Add(-5)));
    assert_eq!(
        proposed(&world, &five_fewer).expectations,
        [replicas(Amount::To(2))]
    );
    let far_more = intent("more", "ann", 50).with_expectation(replicas(Amount::Scale(1e12)));
    assert_eq!(
        proposed(&world, &far_more).expectations,
        [replicas(Amount::To(12))]
    );
}

#[test]
fn as_many_pods_as_the_budget_pays() {
    let world = World::new().guarded("cheap", budget(3300));
    assert_eq!(
        proposed(&world, &scale_to(20)).expectations,
        [replicas(Amount::To(6))]
    );
}

#[test]
fn as_many_pods_as_the_quota_lets_in() {
    let world = World::new().with_quota(QuotaLimits {
        pods: Some(7),
        ..QuotaLimits::default()
    });
    assert_eq!(
        proposed(&world, &scale_to(20)).expectations,
        [replicas(Amount::To(7))]
    );
}

#[test]
fn the_sentence_is_not_kept_for_what_was_not_said() {
    let mut said = scale_to(20);
    said.spec.text = Some("twenty pods, please".to_owned());
    said.spec.priority = Some(60);
    let proposal = proposed(&World::new().guarded("prod", up_to(12)), &said);
    assert_eq!((proposal.text, proposal.priority), (None, Some(60)));
}

#[test]
fn the_largest_size_that_a_pod_may_have() {
    let mut spec = GuardrailSpec::default();
    spec.cpu.max = Some(CpuMillis::new(1500));
    let triple = Amount::Scale(4.0);
    let order = intent("triple", "ann", 50).with_expectation(cpu(triple, Some(triple)));
    let proposal = proposed(&World::new().guarded("small", spec), &order);
    let expected = Expectation::Directive(Directive::Resources(ResourcesDirective {
        container: Some("app".to_owned()),
        requests: ResourceAmounts {
            cpu: Some(Amount::To(CpuMillis::new(1500))),
            memory: None,
        },
        limits: ResourceAmounts {
            cpu: Some(Amount::To(CpuMillis::new(1500))),
            memory: None,
        },
    }));
    assert_eq!(proposal.expectations, [expected]);
}

#[test]
fn what_is_not_ordered_keeps_its_share_of_the_bound() {
    let mut spec = GuardrailSpec::default();
    spec.memory.max = Some(Bytes::new(1000 * MI));
    let mut world = World::new().guarded("small", spec);
    let mut sidecar = ContainerResources::new("sidecar");
    sidecar.limits.memory = Some(Bytes::new(200 * MI));
    sidecar.requests.memory = Some(Bytes::new(200 * MI));
    world.live().allocation.containers.push(sidecar);
    let to = |mi: u64| ResourceAmounts {
        cpu: None,
        memory: Some(Amount::To(Bytes::new(mi * MI))),
    };
    let app = |mi| {
        Expectation::Directive(Directive::Resources(ResourcesDirective {
            container: Some("app".to_owned()),
            requests: ResourceAmounts::default(),
            limits: to(mi),
        }))
    };
    let order = intent("large", "ann", 50).with_expectation(app(2000));
    assert_eq!(proposed(&world, &order).expectations, [app(800)]);
}

#[test]
fn the_size_that_the_budget_pays_for_all_pods() {
    let double = Amount::Scale(2.0);
    let order = intent("double", "ann", 50).with_expectation(cpu(double, Some(double)));
    let proposal = proposed(&World::new().guarded("cheap", budget(2400)), &order);
    let expected = Amount::To(CpuMillis::new(800));
    let Expectation::Directive(Directive::Resources(fitted)) = &proposal.expectations[0] else {
        panic!("other")
    };
    assert_eq!(
        (fitted.requests.cpu, fitted.limits.cpu),
        (Some(expected), Some(expected))
    );
}

#[test]
fn pods_and_sizes_together_under_one_budget() {
    let order = intent("large", "ann", 50)
        .with_expectation(replicas(Amount::To(20)))
        .with_expectation(cpu(Amount::Scale(4.0), Some(Amount::Scale(4.0))));
    let mut guardrail = up_to(8);
    guardrail.budget.cpu = Some(CpuMillis::new(4000));
    let proposal = proposed(&World::new().guarded("prod", guardrail), &order);
    assert_eq!(proposal.expectations[0], replicas(Amount::To(8)));
    let Expectation::Directive(Directive::Resources(sizes)) = &proposal.expectations[1] else {
        panic!("other")
    };
    assert_eq!(sizes.requests.cpu, Some(Amount::To(CpuMillis::new(500))));
}

#[test]
fn an_autoscaler_within_the_range() {
    let auto = |min, max| {
        Expectation::Directive(Directive::Autoscale(Autoscale {
            min,
            max,
            cpu_utilization: Some(60),
        }))
    };
    let world = World::new().guarded("prod", up_to(12));
    let order = intent("auto", "ann", 50).with_expectation(auto(Some(1), 30));
    assert_eq!(proposed(&world, &order).expectations, [auto(Some(2), 12)]);
    let order = intent("auto", "ann", 50).with_expectation(auto(None, 30));
    assert_eq!(proposed(&world, &order).expectations, [auto(Some(2), 12)]);
}

#[test]
fn constraints_that_give_way_to_a_guardrail() {
    let mut many = intent("many", "ann", 50);
    many.spec.constraints.replicas = pods(Some(20), Some(30));
    let proposal = proposed(&World::new().guarded("prod", up_to(12)), &many);
    assert_eq!(proposal.constraints.replicas, pods(Some(12), Some(30)));
}

#[test]
fn a_quota_that_what_is_live_fits_into() {
    let mut small = Intent::new("quota", &WorkloadRef::namespace("shop"));
    small = small.with_expectation(Expectation::Directive(Directive::Quota(QuotaAmounts {
        cpu: Some(CpuMillis::new(1000)),
        memory: Some(Bytes::new(4096 * MI)),
        pods: None,
    })));
    let world = World::new().with_quota(QuotaLimits::default());
    let expected = Expectation::Directive(Directive::Quota(QuotaAmounts {
        cpu: Some(CpuMillis::new(1500)),
        memory: Some(Bytes::new(4096 * MI)),
        pods: None,
    }));
    assert_eq!(proposed(&world, &small).expectations, [expected]);
}

#[test]
fn the_best_latency_that_can_be_had() {
    let mut world = World::new().under(90.0).guarded("prod", up_to(6));
    let mut fixed = GuardrailSpec::default();
    fixed.cpu.max = Some(CpuMillis::new(500));
    world = world.guarded("small", fixed);
    let fast = intent("fast", "ann", 50).with_expectation(p95_at_most(0.05));
    let outcome = world.review(&fast);
    assert_eq!(
        infeasible(&outcome).0,
        // Erlang's formula by hand: C(6, 3.6) = 0.194, so 120 ms + ln(0.194 / 0.05) / 60 s.
        "p95 latency at most 50ms over 5m can't be had inside the limits: at best it is 143ms (128ms to 157ms), \
         with 6 pods of 500m CPU; it would take 2 pods of 2 CPU, and guardrail `small` allows CPU limit of a pod at most 500m"
    );
    assert_eq!(proposed(&world, &fast).expectations, [p95_at_most(0.15)]);
}

#[test]
fn what_cannot_be_served_at_all_widens_the_bounds_of_the_intent_itself() {
    let mut fast = intent("fast", "ann", 50).with_expectation(p95_at_most(0.2));
    fast.spec.constraints.replicas = pods(None, Some(3));
    fast.spec.constraints.cpu.max = Some(CpuMillis::new(500));
    fast.spec.constraints.budget.cpu = Some(CpuMillis::new(2000));
    let proposal = proposed(&World::new().under(200.0), &fast);
    assert_eq!(proposal.expectations, fast.spec.expectations);
    // 200 requests of 20 ms are four cores.
    assert!(proposal.constraints.budget.cpu > Some(CpuMillis::new(4000)));
}

#[test]
fn where_nothing_can_be_had_nothing_is_proposed() {
    let mut spec = up_to(3);
    spec.cpu.max = Some(CpuMillis::new(500));
    let fast = intent("fast", "ann", 50).with_expectation(p95_at_most(0.2));
    let outcome = World::new()
        .under(200.0)
        .guarded("prod", spec)
        .review(&fast);
    let (why, proposal) = infeasible(&outcome);
    assert_eq!(proposal, None);
    assert!(why.contains("at best it is without bound"), "{why}");
}

#[test]
fn the_first_objective_is_kept_and_the_second_gives_way() {
    let both = intent("both", "ann", 50)
        .with_expectation(p95_at_most(0.2))
        .with_expectation(cost_at_most(1.0));
    let proposal = proposed(&World::new().under(90.0), &both);
    assert_eq!(proposal.expectations[0], p95_at_most(0.2));
    assert_ne!(proposal.expectations[1], cost_at_most(1.0));
}

#[test]
fn a_field_that_cannot_be_resolved_leaves_nothing_to_propose() {
    let mut world = World::new();
    world.live().allocation.containers[0].limits.cpu = None;
    let order = intent("limits", "ann", 50).with_expectation(Expectation::Directive(
        Directive::Resources(ResourcesDirective {
            container: Some("app".to_owned()),
            requests: ResourceAmounts::default(),
            limits: ResourceAmounts {
                cpu: Some(Amount::Scale(2.0)),
                memory: None,
            },
        }),
    ));
    assert_eq!(infeasible(&world.review(&order)).1, None);
}

fn any_expectation() -> impl Strategy<Value = Expectation> {
    prop_oneof![
        (0u32..30).prop_map(|to| replicas(Amount::To(to))),
        (-6i32..30).prop_map(|by| replicas(Amount::Add(by))),
        (0.02f64..1.0).prop_map(p95_at_most),
        (0.2f64..8.0).prop_map(cost_at_most),
        (0.1f64..6.0).prop_map(|factor| cpu(Amount::Scale(factor), Some(Amount::Scale(factor)))),
        (1u32..6, 0u32..30).prop_map(|(min, more)| Expectation::Directive(Directive::Autoscale(
            Autoscale {
                min: Some(min),
                max: min + more,
                cpu_utilization: None,
            }
        ))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_counter_proposal_is_itself_accepted(
        expectations in prop::collection::vec(any_expectation(), 1..3),
        own in prop::option::of((1u32..15, 0u32..10)),
        guardrail in (1u32..4, 0u32..12),
        budget_cpu in prop::option::of(600u64..8000),
        most_cpu in prop::option::of(300u64..3000),
        load in prop::option::of(1.0f64..300.0),
        other in prop::option::of((1u32..10, 1i64..99)),
    ) {
        let mut spec = GuardrailSpec {
            replicas: pods(Some(guardrail.0), Some(guardrail.0 + guardrail.1)),
            budget: BudgetLimit { cpu: budget_cpu.map(CpuMillis::new), memory: None },
            ..GuardrailSpec::default()
        };
        spec.cpu.max = most_cpu.map(CpuMillis::new);
        let mut world = World::new().guarded("prod", spec);
        if let Some(load) = load {
            world = world.under(load);
        }
        if let Some((to, minute)) = other {
            world = world.with(intent("other", "bob", minute).with_expectation(replicas(Amount::To(to))));
        }
        let mut wish = intent("wish", "ann", 50);
        wish.spec.expectations = expectations;
        wish.spec.constraints.replicas = pods(own.map(|(min, _)| min), own.map(|(min, more)| min + more));
        match world.review(&wish) {
            AdmissionOutcome::Infeasible { proposal: Some(proposal), why, .. } => {
                prop_assert!(!why.is_empty());
                prop_assert_ne!(&*proposal, &wish.spec);
                let outcome = world.review(&again(&wish, &proposal));
                prop_assert!(outcome.accepted().is_some(), "{why}\n{outcome:#?}");
            }
            AdmissionOutcome::Infeasible { why, .. } => prop_assert!(!why.is_empty()),
            AdmissionOutcome::Accepted(accepted) => {
                prop_assert_eq!(accepted.resolved.len(), wish.spec.expectations.len());
            }
            AdmissionOutcome::Rejected { conflicts, diagnostics } => {
                prop_assert!(!conflicts.is_empty() || !diagnostics.is_empty());
            }
        }
    }

    #[test]
    fn a_single_order_of_pods_always_has_a_nearest(to in 0u32..200, min in 1u32..5, more in 0u32..20) {
        let guardrail = GuardrailSpec { replicas: pods(Some(min), Some(min + more)), ..GuardrailSpec::default() };
        let world = World::new().guarded("prod", guardrail);
        match world.review(&scale_to(to)) {
            AdmissionOutcome::Accepted(_) => prop_assert!((min..=min + more).contains(&to)),
            AdmissionOutcome::Infeasible { proposal, .. } => {
                let nearest = to.clamp(min, min + more);
                prop_assert_eq!(proposal.unwrap().expectations, vec![replicas(Amount::To(nearest))]);
            }
            other @ AdmissionOutcome::Rejected { .. } => prop_assert!(false, "{other:#?}"),
        }
    }
}
