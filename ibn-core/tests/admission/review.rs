//! What admission says of an intent, and why.

use std::collections::BTreeSet;

use ibn_core::admission::{Accepted, Admission, AdmissionContext, AdmissionOutcome, Feasibility};
use ibn_core::allocation::{Allocation, ContainerResources, Field};
use ibn_core::diagnostic::Code;
use ibn_core::envelope::Envelope;
use ibn_core::guardrail::{GuardrailSpec, Rollout, StepLimits};
use ibn_core::intent::{
    Amount, Autoscale, Bound, BudgetLimit, ConditionKind, ConditionStatus, Directive, Expectation,
    IndicatorName, Intent, IntentState, IntentStatus, Mode, Objective, Preference, ResourceAmounts,
    ResourcesDirective, Setting, Validity,
};
use ibn_core::units::{Bytes, CpuMillis, IndicatorValue, Unit};
use ibn_core::workload::{FieldOwner, FreeCapacity, WorkloadRef};

use super::support::{
    MI, World, accepted, at, container, infeasible, intent, now, p95_at_most, pods, replicas,
    rules, scale_to, state, web,
};

fn codes(outcome: &AdmissionOutcome) -> Vec<Code> {
    match outcome {
        AdmissionOutcome::Rejected { diagnostics, .. } => {
            diagnostics.iter().map(|it| it.code).collect()
        }
        other => panic!("not rejected: {other:#?}"),
    }
}

fn after(accepted: &Accepted) -> &Allocation {
    accepted.effect.after.allocation().unwrap()
}

fn warned(accepted: &Accepted) -> Vec<&str> {
    accepted
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect()
}

#[test]
fn an_intent_on_what_does_not_exist_is_rejected() {
    let nowhere = Intent::new("x", &WorkloadRef::deployment("shop", "wbe"));
    assert_eq!(codes(&World::new().review(&nowhere)), [Code::UnknownTarget]);
}

#[test]
fn who_may_not_patch_the_workload_may_not_write_intents_for_it() {
    let mut world = World::new();
    world.may_patch = false;
    let outcome = world.review(&scale_to(5));
    assert_eq!(codes(&outcome), [Code::NotPermitted]);
    assert_eq!(
        outcome.summary(),
        "the author of this intent may not patch `shop/Deployment/web`"
    );
}

#[test]
fn all_faults_are_collected() {
    let queue = Expectation::Objective(Objective {
        indicator: IndicatorName::Custom("queue-length".to_owned()),
        quantile: None,
        bound: Bound::AtMost(IndicatorValue::new(30.0, Unit::Other(String::new())).unwrap()),
        window: None,
    });
    let db = Expectation::Directive(Directive::Resources(ResourcesDirective {
        container: Some("db".to_owned()),
        requests: ResourceAmounts {
            cpu: Some(Amount::Scale(2.0)),
            memory: None,
        },
        limits: ResourceAmounts::default(),
    }));
    let intent = intent("x", "ann", 1)
        .with_expectation(queue)
        .with_expectation(db);
    let world = World::new();
    let none = BTreeSet::new();
    let context = AdmissionContext {
        indicators: Some(&none),
        ..world.context()
    };
    let outcome = Admission::without_twin().review(&intent, &context);
    assert_eq!(
        codes(&outcome),
        [Code::UnknownContainer, Code::UnknownIndicator]
    );
}

#[test]
fn a_relative_amount_is_resolved_once() {
    let two_more = intent("more", "ann", 50).with_expectation(replicas(Amount::Add(2)));
    let mut world = World::new().with(two_more.clone());
    world.live().allocation.replicas = 5;
    // The same document comes again, without a status, as a client sends it.
    let outcome = world.review(&two_more);
    assert_eq!(accepted(&outcome).resolved, [Some(Setting::Replicas(5))]);
    assert_eq!(after(accepted(&outcome)).replicas, 5);

    let three_more = intent("more", "ann", 50).with_expectation(replicas(Amount::Add(3)));
    let outcome = world.review(&three_more);
    assert_eq!(accepted(&outcome).resolved, [Some(Setting::Replicas(8))]);
}

#[test]
fn what_cannot_be_is_infeasible_never_clipped() {
    let five_fewer = intent("fewer", "ann", 50).with_expectation(replicas(Amount::Add(-5)));
    let outcome = World::new().review(&five_fewer);
    assert_eq!(
        infeasible(&outcome).0,
        "replicas is 3, so it can't be changed by -5"
    );
}

#[test]
fn constraints_intersect() {
    let bounded = |name, min, max| {
        let mut bounded = intent(name, name, 1);
        bounded.spec.constraints.replicas = pods(min, max);
        bounded
    };
    let world = World::new()
        .with(bounded("ann", Some(2), Some(10)))
        .with(bounded("bob", None, Some(6)));
    accepted(&world.review(&scale_to(6)));
    let too_many = world.review(&scale_to(7));
    assert_eq!(
        infeasible(&too_many).0,
        "replicas would be 7, and intent `shop/bob` allows at most 6"
    );
    let too_few = world.review(&scale_to(1));
    assert_eq!(
        infeasible(&too_few).0,
        "replicas would be 1, and intent `shop/ann` allows at least 2"
    );
}

#[test]
fn constraints_alone_act_too() {
    let mut at_least = intent("at-least", "ann", 50);
    at_least.spec.constraints.replicas = pods(Some(5), None);
    let outcome = World::new().review(&at_least);
    let accepted = accepted(&outcome);
    assert_eq!(after(accepted).replicas, 5);
    assert_eq!(warned(accepted), ["LiveOutside"]);
    assert_eq!(
        accepted.warnings[0].message,
        "replicas is 3 now, and will be moved to at least 5"
    );
}

#[test]
fn a_memory_bound_is_on_the_sum_of_a_pod() {
    let mut small = intent("small", "ann", 50);
    small.spec.constraints.memory.max = Some(Bytes::new(128 * MI));
    let outcome = World::new().review(&small);
    assert_eq!(
        after(accepted(&outcome)).pod_limits().memory,
        Bytes::new(128 * MI)
    );
}

#[test]
fn scaling_to_zero_needs_a_minimum_of_zero() {
    let outcome = World::new().review(&scale_to(0));
    assert_eq!(
        infeasible(&outcome).0,
        "replicas would be 0, and the default allows at least 1"
    );
    let allowed = GuardrailSpec {
        replicas: pods(Some(0), None),
        ..GuardrailSpec::default()
    };
    assert_eq!(
        after(accepted(
            &World::new().guarded("zero", allowed).review(&scale_to(0))
        ))
        .replicas,
        0
    );
}

#[test]
fn a_request_above_its_limit_is_infeasible() {
    let order = intent("double", "ann", 50).with_expectation(Expectation::Directive(
        Directive::Resources(ResourcesDirective {
            container: None,
            requests: ResourceAmounts {
                cpu: Some(Amount::Scale(2.0)),
                memory: None,
            },
            limits: ResourceAmounts::default(),
        }),
    ));
    let outcome = World::new().review(&order);
    assert_eq!(
        infeasible(&outcome).0,
        "app.requests.cpu would be 1, above its limit of 500m"
    );
}

#[test]
fn a_newer_directive_of_another_author_is_rejected_while_the_older_stands() {
    let bobs = intent("bobs", "bob", 55).with_expectation(replicas(Amount::To(8)));
    let world = World::new().with(scale_to(5));
    let outcome = world.review(&bobs);
    assert_eq!(codes(&outcome), []);
    assert_eq!(outcome.conflicts()[0].rule, "directive-values-differ");
    // The older one, looked at again, is not blocked.
    accepted(&world.with(bobs).review(&scale_to(5)));
}

#[test]
fn a_newer_directive_of_the_same_author_supersedes() {
    let newer = intent("newer", "ann", 55).with_expectation(replicas(Amount::To(8)));
    let outcome = World::new().with(scale_to(5)).review(&newer);
    let accepted = accepted(&outcome);
    assert_eq!(after(accepted).replicas, 8);
    assert_eq!(accepted.conflicts.len(), 1);
    assert!(accepted.displaces.is_empty());
}

#[test]
fn a_directive_that_is_outranked_is_accepted_and_has_no_effect() {
    let mut important = scale_to(5);
    important.spec.priority = Some(80);
    let minor = intent("minor", "bob", 55).with_expectation(replicas(Amount::To(8)));
    let outcome = World::new().with(important).review(&minor);
    assert_eq!(after(accepted(&outcome)).replicas, 5);
}

#[test]
fn what_a_stronger_constraint_blocks_has_to_be_looked_at_again() {
    let mut strong = intent("strong", "bob", 55);
    strong.spec.constraints.replicas = pods(None, Some(4));
    let world = World::new().with(scale_to(5));
    let outcome = world.review(&strong);
    let accepted = accepted(&outcome);
    assert_eq!(accepted.displaces, [scale_to(5).key()]);
    assert_eq!(after(accepted).replicas, 3);
    infeasible(&world.with(strong).review(&scale_to(5)));
}

#[test]
fn a_foreign_field_rejects_the_order() {
    let owner = FieldOwner::ScaledObject("web-keda".to_owned());
    let outcome = World::new()
        .owned(Field::Replicas, owner)
        .review(&scale_to(5));
    assert_eq!(codes(&outcome), []);
    assert_eq!(outcome.conflicts()[0].rule, "field-owned");
}

#[test]
fn without_a_model_it_is_not_known_and_not_assumed() {
    let fast = intent("fast", "ann", 50).with_expectation(p95_at_most(0.2));
    let outcome = World::new().review(&fast);
    let Feasibility::Unknown { why } = &accepted(&outcome).feasibility else {
        panic!("known")
    };
    assert_eq!(
        why,
        "nothing is known yet of how `shop/Deployment/web` turns requests into load, so whether the objective can be met is not known"
    );
    let mut status = IntentStatus::default();
    outcome.write_to(&mut status, now()).unwrap();
    assert_eq!(
        status.condition(ConditionKind::Feasible).unwrap().status,
        ConditionStatus::Unknown
    );
}

#[test]
fn what_the_twin_cannot_tell_is_not_known() {
    let memory = intent("memory", "ann", 50).with_expectation(Expectation::Objective(Objective {
        indicator: IndicatorName::MemoryUtilization,
        quantile: None,
        bound: Bound::AtMost(IndicatorValue::new(80.0, Unit::Percent).unwrap()),
        window: None,
    }));
    let outcome = World::new().under(50.0).review(&memory);
    let expected = Feasibility::Unknown {
        why: "the twin can't tell of memoryUtilization at most 80% over 5m".to_owned(),
    };
    assert_eq!(accepted(&outcome).feasibility, expected);
}

#[test]
fn an_objective_that_is_met_leaves_things_as_they_are() {
    // A pod of 500m answers 25 requests a second: -ln(0.05)/25 s = 120 ms at no load.
    let fast = intent("fast", "ann", 50).with_expectation(p95_at_most(0.3));
    let outcome = World::new().under(30.0).review(&fast);
    let accepted = accepted(&outcome);
    assert_eq!(accepted.feasibility, Feasibility::Feasible);
    assert_eq!(accepted.effect.before, accepted.effect.after);
    assert_eq!(accepted.effect.objectives[0].met_after, Some(true));
}

#[test]
fn an_objective_that_is_missed_gets_the_pods_that_it_needs() {
    let fast = intent("fast", "ann", 50).with_expectation(p95_at_most(0.2));
    let world = World::new().under(70.0);
    let outcome = world.review(&fast);
    let accepted = accepted(&outcome);
    let objective = &accepted.effect.objectives[0];
    assert_eq!(
        (objective.met_before, objective.met_after),
        (Some(false), Some(true))
    );
    // One pod fewer would not do: the fewest of this size were found.
    let found = after(accepted).clone();
    let one_fewer = scale_to(found.replicas - 1).with_expectation(p95_at_most(0.2));
    infeasible(
        &World::new()
            .under(70.0)
            .guarded("fixed", fixed_size())
            .review(&one_fewer),
    );
}

/// Pods keep their size.
fn fixed_size() -> GuardrailSpec {
    let mut spec = GuardrailSpec::default();
    spec.cpu.min = Some(CpuMillis::new(500));
    spec.cpu.max = Some(CpuMillis::new(500));
    spec
}

#[test]
fn with_the_preference_cost_the_cheapest_is_expected() {
    let fast = |preference| {
        let mut fast = intent("fast", "ann", 50).with_expectation(p95_at_most(0.3));
        fast.spec.preference = preference;
        fast
    };
    let mut world = World::new().under(30.0);
    world.live().allocation.replicas = 9;
    let cores = |outcome: &AdmissionOutcome| after(accepted(outcome)).total_requests().cpu;
    let balanced = cores(&world.review(&fast(None)));
    let cheapest = cores(&world.review(&fast(Some(Preference::Cost))));
    assert_eq!(balanced, CpuMillis::new(4500));
    assert!(cheapest < CpuMillis::new(1500), "{cheapest}");
}

#[test]
fn an_objective_searches_inside_the_budget() {
    let budget = GuardrailSpec {
        budget: BudgetLimit {
            cpu: Some(CpuMillis::new(2500)),
            memory: None,
        },
        ..GuardrailSpec::default()
    };
    let world = World::new().under(90.0).guarded("cheap", budget);
    let fast = |seconds| intent("fast", "ann", 50).with_expectation(p95_at_most(seconds));
    let outcome = world.review(&fast(0.5));
    assert!(after(accepted(&outcome)).total_requests().cpu <= CpuMillis::new(2500));
    let outcome = world.review(&fast(0.1));
    let (why, proposal) = infeasible(&outcome);
    assert!(why.contains("guardrail `cheap`"), "{why}");
    assert!(proposal.is_some());
    assert!(
        outcome
            .conflicts()
            .iter()
            .any(|conflict| conflict.rule == "budget-cannot-pay")
    );
}

#[test]
fn what_a_directive_holds_is_not_moved_for_an_objective() {
    let world = World::new()
        .with(scale_to(3))
        .under(70.0)
        .guarded("fixed", fixed_size());
    let fast = intent("fast", "ann", 55).with_expectation(p95_at_most(0.2));
    let outcome = world.review(&fast);
    assert!(infeasible(&outcome).0.contains("at best it is"));
    assert!(
        outcome
            .conflicts()
            .iter()
            .any(|conflict| conflict.rule == "objective-under-directive")
    );
}

#[test]
fn under_a_foreign_autoscaler_it_is_not_known() {
    let owner = FieldOwner::HorizontalPodAutoscaler("web-hpa".to_owned());
    let world = World::new()
        .owned(Field::Replicas, owner)
        .under(90.0)
        .guarded("fixed", fixed_size());
    let fast = intent("fast", "ann", 50).with_expectation(p95_at_most(0.2));
    let outcome = world.review(&fast);
    assert!(
        matches!(&accepted(&outcome).feasibility, Feasibility::Unknown { why } if why.contains("web-hpa"))
    );
}

#[test]
fn an_autoscaler_is_predicted_to_settle() {
    let auto = intent("auto", "ann", 50).with_expectation(Expectation::Directive(
        Directive::Autoscale(Autoscale {
            min: Some(1),
            max: 20,
            cpu_utilization: Some(50),
        }),
    ));
    // 100 requests of 20 ms are two cores; at half use of 500m a pod that takes eight.
    let outcome = World::new().under(100.0).review(&auto);
    let accepted = accepted(&outcome);
    assert_eq!(after(accepted).replicas, 8);
    assert_eq!(warned(accepted), ["AutoscalerDecides"]);
}

#[test]
fn an_autoscaler_goes_on_where_pods_are_saturated() {
    let auto = intent("auto", "ann", 50).with_expectation(Expectation::Directive(
        Directive::Autoscale(Autoscale {
            min: None,
            max: 20,
            cpu_utilization: Some(100),
        }),
    ));
    // Two cores of work on four pods of 500m is a full use that no queue survives.
    let outcome = World::new().under(100.0).review(&auto);
    assert_eq!(after(accepted(&outcome)).replicas, 5);
}

#[test]
fn the_budget_of_an_intent_binds_its_own_order() {
    let mut order = scale_to(5);
    order.spec.constraints.budget.cpu = Some(CpuMillis::new(2000));
    let outcome = World::new().review(&order);
    let (why, proposal) = infeasible(&outcome);
    assert_eq!(
        why,
        "CPU requested together would be 2500m, and intent `shop/scale` allows at most 2"
    );
    assert_eq!(proposal.unwrap().expectations, [replicas(Amount::To(4))]);
}

#[test]
fn what_is_foreign_is_not_moved_by_limits_and_not_the_fault_of_an_order() {
    let mut small = GuardrailSpec::default();
    small.cpu.max = Some(CpuMillis::new(300));
    let owner = FieldOwner::VerticalPodAutoscaler("web-vpa".to_owned());
    let field = |bound: &str| format!("app.{bound}.cpu").parse::<Field>().unwrap();
    small.budget.cpu = Some(CpuMillis::new(3000));
    let world = World::new()
        .guarded("small", small)
        .owned(field("requests"), owner.clone())
        .owned(field("limits"), owner);
    let outcome = world.review(&scale_to(5));
    let after = after(accepted(&outcome));
    assert_eq!(after.replicas, 5);
    assert_eq!(after.pod_limits().cpu, CpuMillis::new(500));
    // The pods are too large already; what this order is told is what it adds.
    assert_eq!(
        infeasible(&world.review(&scale_to(7))).0,
        "CPU requested together would be 3500m, and guardrail `small` allows at most 3"
    );
}

#[test]
fn a_size_that_is_held_stays_for_an_objective_too() {
    let to = Some(Amount::To(CpuMillis::new(500)));
    let size = intent("size", "bob", 1).with_expectation(Expectation::Directive(
        Directive::Resources(ResourcesDirective {
            container: None,
            requests: ResourceAmounts {
                cpu: to,
                memory: None,
            },
            limits: ResourceAmounts {
                cpu: to,
                memory: None,
            },
        }),
    ));
    let mut cheap = intent("cheap", "ann", 50).with_expectation(p95_at_most(0.3));
    cheap.spec.preference = Some(Preference::Cost);
    let outcome = World::new().with(size).under(80.0).review(&cheap);
    assert_eq!(
        after(accepted(&outcome)).pod_limits().cpu,
        CpuMillis::new(500)
    );
}

#[test]
fn an_order_that_only_comes_nearer_to_a_shared_budget_is_let_through() {
    let mut world = World::new().guarded(
        "shared",
        GuardrailSpec {
            budget: BudgetLimit {
                cpu: Some(CpuMillis::new(1200)),
                memory: None,
            },
            ..GuardrailSpec::default()
        },
    );
    let db = WorkloadRef::deployment("shop", "db");
    world.put(state(&db, 1, vec![container(500)]));
    assert_eq!(after(accepted(&world.review(&scale_to(2)))).replicas, 2);
    infeasible(&world.review(&scale_to(4)));
}

#[test]
fn an_autoscaler_has_to_stay_inside_the_limits_with_its_whole_range() {
    let guardrail = GuardrailSpec {
        replicas: pods(Some(2), Some(10)),
        ..GuardrailSpec::default()
    };
    let auto = intent("auto", "ann", 50).with_expectation(Expectation::Directive(
        Directive::Autoscale(Autoscale {
            min: Some(2),
            max: 11,
            cpu_utilization: None,
        }),
    ));
    let outcome = World::new().guarded("prod", guardrail).review(&auto);
    assert_eq!(
        infeasible(&outcome).0,
        "the autoscaler's maximum would be 11, and guardrail `prod` allows at most 10"
    );
}

#[test]
fn an_autoscaler_that_shrinks_makes_room_for_larger_pods() {
    let triple = Some(Amount::Scale(3.0));
    let order = intent("few-large", "ann", 50)
        .with_expectation(Expectation::Directive(Directive::Resources(
            ResourcesDirective {
                container: None,
                requests: ResourceAmounts {
                    cpu: triple,
                    memory: None,
                },
                limits: ResourceAmounts {
                    cpu: triple,
                    memory: None,
                },
            },
        )))
        .with_expectation(Expectation::Directive(Directive::Autoscale(Autoscale {
            min: Some(2),
            max: 2,
            cpu_utilization: None,
        })));
    let budget = GuardrailSpec {
        budget: BudgetLimit {
            cpu: Some(CpuMillis::new(3000)),
            memory: None,
        },
        ..GuardrailSpec::default()
    };
    let outcome = World::new().guarded("cheap", budget).review(&order);
    assert_eq!(after(accepted(&outcome)).replicas, 2);
}

#[test]
fn an_order_that_harms_the_objective_of_another_says_so() {
    let fast = intent("fast", "bob", 1).with_expectation(p95_at_most(0.3));
    let world = World::new()
        .with(fast)
        .under(40.0)
        .guarded("fixed", fixed_size());
    let outcome = world.review(&scale_to(2));
    let accepted = accepted(&outcome);
    assert_eq!(warned(accepted), ["HarmsObjective"]);
    assert_eq!(rules(&accepted.conflicts)[0].0, "objective-under-directive");
}

#[test]
fn an_objective_that_lies_within_the_uncertainty_says_so() {
    let world = World::new().under(70.0).guarded("fixed", fixed_size());
    let predicted = |seconds| {
        let fast = intent("fast", "ann", 50).with_expectation(p95_at_most(seconds));
        world.review(&fast)
    };
    let first = predicted(10.0);
    let mid = accepted(&first).effect.objectives[0].after.unwrap().mid;
    assert_eq!(warned(accepted(&predicted(mid * 1.05))), ["Uncertain"]);
    assert_eq!(warned(accepted(&predicted(mid * 1.2))), [""; 0]);
}

#[test]
fn what_the_nodes_have_no_room_for_is_said() {
    let mut world = World::new();
    world.inventory.free = Some(FreeCapacity {
        cpu: CpuMillis::new(900),
        memory: Bytes::new(1 << 40),
    });
    assert_eq!(
        warned(accepted(&world.review(&scale_to(5)))),
        ["NoRoomOnNodes"]
    );
    assert_eq!(warned(accepted(&world.review(&scale_to(4)))), [""; 0]);
}

#[test]
fn an_intent_whose_time_is_to_come_is_judged_as_if_it_had() {
    let mut later = scale_to(5);
    later.spec.validity = Some(Validity {
        from: Some(at(100)),
        until: None,
    });
    let outcome = World::new().review(&later);
    assert_eq!(after(accepted(&outcome)).replicas, 5);
    assert_eq!(warned(accepted(&outcome)), ["NotYet"]);
}

#[test]
fn advice_is_not_blocked_by_the_will_of_others() {
    let mut advice = intent("advice", "bob", 55).with_expectation(replicas(Amount::To(8)));
    advice.spec.mode = Some(Mode::Advise);
    let outcome = World::new().with(scale_to(5)).review(&advice);
    let accepted = accepted(&outcome);
    assert_eq!(accepted.conflicts.len(), 1);
    assert_eq!(warned(accepted), ["AdviseOnly"]);
}

#[test]
fn a_suspended_intent_is_taken_in_and_does_nothing() {
    let mut suspended = scale_to(99);
    suspended.spec.mode = Some(Mode::Suspended);
    let guardrail = GuardrailSpec {
        replicas: pods(None, Some(10)),
        ..GuardrailSpec::default()
    };
    let outcome = World::new().guarded("prod", guardrail).review(&suspended);
    let accepted = accepted(&outcome);
    assert_eq!(accepted.effect.before, accepted.effect.after);
}

#[test]
fn the_outcome_is_written_into_the_status() {
    let mut status = IntentStatus::default();
    let guardrail = GuardrailSpec {
        replicas: pods(None, Some(10)),
        ..GuardrailSpec::default()
    };
    let mut world = World::new().guarded("prod", guardrail);
    let outcome = world.review(&scale_to(12));
    assert_eq!(
        outcome.write_to(&mut status, at(1)),
        Ok(IntentState::Infeasible)
    );
    assert_eq!(
        status.condition(ConditionKind::Feasible).unwrap().status,
        ConditionStatus::False
    );
    assert_eq!(
        status.condition(ConditionKind::Conflicting).unwrap().status,
        ConditionStatus::True
    );
    assert_eq!(status.conflicts[0].rule, "directive-outside-limits");
    assert!(status.proposal.is_some());

    world.guardrails.clear();
    let outcome = world.review(&scale_to(12));
    assert_eq!(
        outcome.write_to(&mut status, at(2)),
        Ok(IntentState::Accepted)
    );
    assert_eq!(
        status
            .condition(ConditionKind::Feasible)
            .unwrap()
            .last_transition_time,
        at(2)
    );
    assert_eq!(
        status
            .condition(ConditionKind::Accepted)
            .unwrap()
            .last_transition_time,
        at(1)
    );
    assert_eq!((status.proposal, status.conflicts.len()), (None, 0));
}

#[test]
fn what_is_accepted_lies_inside_the_envelope() {
    let guardrail = GuardrailSpec {
        replicas: pods(Some(2), Some(6)),
        ..GuardrailSpec::default()
    };
    let world = World::new().under(60.0).guarded("prod", guardrail);
    for seconds in [0.13, 0.2, 0.3, 0.5] {
        let fast = intent("fast", "ann", 50).with_expectation(p95_at_most(seconds));
        if let AdmissionOutcome::Accepted(accepted) = world.review(&fast) {
            let state = &world.inventory.workloads[&web()];
            let envelope = Envelope::build(state, &world.guardrails, &[], &world.inventory);
            assert!(envelope.contains(after(&accepted)));
        }
    }
}

/// One pod size of a Burstable pod: 1 CPU of at most 2, its memory pinned.
fn burstable() -> World {
    let mut world = World::new();
    let app = ContainerResources::new("app")
        .with_requests(CpuMillis::new(1000), Bytes::new(256 * MI))
        .with_limits(CpuMillis::new(2000), Bytes::new(256 * MI));
    world.put(state(&web(), 3, vec![app]));
    world
}

fn two_cpus() -> Intent {
    let amounts = ResourceAmounts {
        cpu: Some(Amount::To(CpuMillis::new(2000))),
        memory: None,
    };
    intent("size", "ann", 50).with_expectation(Expectation::Directive(Directive::Resources(
        ResourcesDirective {
            container: None,
            requests: amounts,
            limits: amounts,
        },
    )))
}

#[test]
fn what_running_pods_never_take_is_infeasible_and_the_nearest_that_they_take_is_proposed() {
    // Requests equal to limits everywhere would make the pods Guaranteed, and Kubernetes doesn't change the class of a running pod.
    let world = burstable();
    let outcome = world.review(&two_cpus());
    let (why, proposal) = infeasible(&outcome);
    assert_eq!(
        why,
        "the class of service of the pods would become Guaranteed instead of Burstable, which no running pod takes, and no \
         guardrail allows a rollout"
    );
    let Expectation::Directive(Directive::Resources(nearest)) = &proposal.unwrap().expectations[0]
    else {
        panic!("{proposal:?}")
    };
    assert_eq!(
        (nearest.requests.cpu, nearest.limits.cpu),
        (
            Some(Amount::To(CpuMillis::new(1999))),
            Some(Amount::To(CpuMillis::new(2000)))
        )
    );

    let world = world.guarded(
        "strict",
        GuardrailSpec {
            rollout: Some(Rollout::Never),
            ..GuardrailSpec::default()
        },
    );
    let outcome = world.review(&two_cpus());
    assert!(
        infeasible(&outcome)
            .0
            .ends_with("and guardrail `strict` allows no rollout"),
        "{outcome:#?}"
    );
}

#[test]
fn where_pods_may_be_replaced_their_class_of_service_may_change() {
    let world = burstable().guarded(
        "free",
        GuardrailSpec {
            rollout: Some(Rollout::Allowed),
            ..GuardrailSpec::default()
        },
    );
    let outcome = world.review(&two_cpus());
    assert_eq!(
        after(accepted(&outcome)).containers[0].requests.cpu,
        Some(CpuMillis::new(2000))
    );
}

#[test]
fn an_order_is_not_to_blame_for_a_change_of_class_by_another_one() {
    let world = burstable().with(two_cpus());
    accepted(&world.review(&intent("more", "ann", 55).with_expectation(replicas(Amount::To(5)))));
}

#[test]
fn a_relative_order_that_stands_is_not_taken_for_another_one() {
    let more = intent("more", "ann", 50).with_expectation(replicas(Amount::Add(1)));
    let mut world = World::new().with(more.clone());
    world.live().allocation.replicas = 4;
    let outcome = world.review(&more);
    assert_eq!(warned(accepted(&outcome)), ["AlreadyResolved"]);
    // What is said in absolute values, or in other words, is no trap.
    let exactly = intent("exactly", "ann", 51).with_expectation(replicas(Amount::To(4)));
    let world = world.with(exactly.clone());
    assert_eq!(warned(accepted(&world.review(&exactly))), [""; 0]);
    let other = intent("more", "ann", 50).with_expectation(replicas(Amount::Add(2)));
    assert_eq!(warned(accepted(&world.review(&other))), [""; 0]);
}

#[test]
fn where_request_and_limit_may_not_part_both_are_proposed() {
    // The pods of this world are Guaranteed.
    let memory = ResourceAmounts {
        cpu: None,
        memory: Some(Amount::To(Bytes::new(512 * MI))),
    };
    let order = intent("size", "ann", 50).with_expectation(Expectation::Directive(
        Directive::Resources(ResourcesDirective {
            container: None,
            requests: ResourceAmounts::default(),
            limits: memory,
        }),
    ));
    let outcome = World::new().review(&order);
    let (_, proposal) = infeasible(&outcome);
    let Expectation::Directive(Directive::Resources(both)) = &proposal.unwrap().expectations[0]
    else {
        panic!("{proposal:?}")
    };
    assert_eq!((both.requests, both.limits), (memory, memory));
}

#[test]
fn what_takes_many_steps_arrives_and_what_no_step_leads_to_is_said() {
    let steps = GuardrailSpec {
        step: StepLimits {
            replicas_up: Some(1),
            resource_factor: Some(1.5),
            ..StepLimits::default()
        },
        ..GuardrailSpec::default()
    };
    let outcome = World::new()
        .guarded("slowly", steps.clone())
        .review(&scale_to(60));
    assert_eq!(warned(accepted(&outcome)), [""; 0]);

    // What is not set has no factor to anything, so a limit can't be set where none is.
    let mut world = World::new().guarded("slowly", steps);
    let app =
        ContainerResources::new("app").with_requests(CpuMillis::new(500), Bytes::new(256 * MI));
    world.put(state(&web(), 3, vec![app]));
    let order = intent("limit", "ann", 50).with_expectation(Expectation::Directive(
        Directive::Resources(ResourcesDirective {
            container: Some("app".to_owned()),
            requests: ResourceAmounts::default(),
            limits: ResourceAmounts {
                cpu: Some(Amount::To(CpuMillis::new(1000))),
                memory: None,
            },
        }),
    ));
    let outcome = world.review(&order);
    let warnings = &accepted(&outcome).warnings;
    assert_eq!(warned(accepted(&outcome)), ["NeverLetThrough"]);
    assert_eq!(
        warnings[0].message,
        "as the limits are, the guard won't let all of it through: app.limits.cpu: wanted 1, allowed unset (step limit of \
         guardrail `slowly`)"
    );
}
