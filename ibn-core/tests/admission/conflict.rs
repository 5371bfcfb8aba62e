//! What does not go together, rule by rule.

use ibn_core::allocation::{Field, QuotaLimits};
use ibn_core::conflict::{
    Conflict, ConflictContext, DirectiveValuesDiffer, Level, Nature, Party, Registry,
};
use ibn_core::guardrail::{Guardrail, GuardrailSpec};
use ibn_core::intent::{
    Amount, Autoscale, BudgetLimit, Directive, Expectation, Intent, OriginKind, QuotaAmounts,
    StatusConflict, Validity,
};
use ibn_core::units::CpuMillis;
use ibn_core::validate::validate_intent;
use ibn_core::workload::{FieldOwner, WorkloadRef};
use proptest::prelude::*;

use super::support::{
    World, at, container, cost_at_most, intent, now, p95_at_most, pods, replicas, rules, scale_to,
    state, web,
};

fn party(name: &str) -> Party {
    Party::Intent(intent(name, "ann", 0).key())
}

#[track_caller]
fn only(conflicts: &[Conflict]) -> &Conflict {
    match conflicts {
        [conflict] => conflict,
        other => panic!("not one conflict: {other:#?}"),
    }
}

#[test]
fn different_values_of_one_field_by_different_authors_block_the_newer() {
    let bobs = intent("bobs", "bob", 55).with_expectation(replicas(Amount::To(8)));
    let conflicts = World::new().with(scale_to(5)).with(bobs).conflicts();
    let conflict = only(&conflicts);
    assert_eq!(
        rules(&conflicts),
        [("directive-values-differ", Level::Blocking)]
    );
    assert_eq!(
        (conflict.nature, &conflict.yields),
        (Nature::Contest, &party("bobs"))
    );
    assert_eq!(
        conflict.to_string(),
        "directive-values-differ: intent `shop/bobs` (orders replicas 8) against intent `shop/scale` (orders replicas 5): \
         both have priority 50 and different authors, so the older one, `shop/scale`, stays in force"
    );
    assert_eq!(conflict.ways_out.len(), 3);
}

#[test]
fn a_newer_directive_of_the_same_author_is_only_a_warning() {
    let newer = intent("newer", "ann", 55).with_expectation(replicas(Amount::To(8)));
    let conflicts = World::new().with(scale_to(5)).with(newer).conflicts();
    assert_eq!(
        rules(&conflicts),
        [("directive-values-differ", Level::Warning)]
    );
    assert_eq!(only(&conflicts).yields, party("scale"));
}

#[test]
fn a_higher_priority_is_only_a_warning() {
    let mut important = intent("important", "bob", 55).with_expectation(replicas(Amount::To(8)));
    important.spec.priority = Some(80);
    let conflicts = World::new().with(scale_to(5)).with(important).conflicts();
    let conflict = only(&conflicts);
    assert_eq!(
        (conflict.level, &conflict.yields),
        (Level::Warning, &party("scale"))
    );
    assert_eq!(
        conflict.ways_out[0],
        "give `shop/scale` a priority above 80"
    );
}

#[test]
fn the_same_value_is_no_conflict() {
    let same = intent("same", "bob", 55).with_expectation(replicas(Amount::Add(2)));
    assert_eq!(World::new().with(scale_to(5)).with(same).conflicts(), []);
}

#[test]
fn intents_whose_times_never_meet_are_no_conflict() {
    let mut tonight = intent("tonight", "bob", 55).with_expectation(replicas(Amount::To(8)));
    let mut today = scale_to(5);
    today.spec.validity = Some(Validity {
        from: None,
        until: Some(at(600)),
    });
    tonight.spec.validity = Some(Validity {
        from: Some(at(600)),
        until: None,
    });
    let world = World::new().with(today).with(tonight.clone());
    assert_eq!(world.conflicts(), []);
    tonight.spec.validity = Some(Validity {
        from: Some(at(599)),
        until: None,
    });
    let world = World::new()
        .with(world.intents[0].as_ref().clone())
        .with(tonight);
    assert_eq!(
        rules(&world.conflicts()),
        [("directive-values-differ", Level::Blocking)]
    );
}

#[test]
fn replicas_against_an_autoscaler_is_a_conflict_of_one_field() {
    let auto = intent("auto", "bob", 55).with_expectation(Expectation::Directive(
        Directive::Autoscale(Autoscale {
            min: None,
            max: 8,
            cpu_utilization: None,
        }),
    ));
    let conflicts = World::new().with(scale_to(5)).with(auto).conflicts();
    assert_eq!(
        rules(&conflicts),
        [("directive-values-differ", Level::Blocking)]
    );
}

#[test]
fn a_live_directive_outranks_an_objective_on_its_field() {
    let fast = intent("fast", "bob", 1).with_expectation(p95_at_most(0.3));
    let world = World::new().with(scale_to(5)).with(fast).under(50.0);
    let conflicts = world.conflicts();
    let conflict = only(&conflicts);
    assert_eq!(
        rules(&conflicts),
        [("objective-under-directive", Level::Warning)]
    );
    assert_eq!(conflict.yields, party("fast"));
    assert_eq!(
        conflict.why,
        "a directive outranks an objective on its field; it is predicted to be met all the same"
    );
}

#[test]
fn a_directive_and_an_objective_of_one_intent_are_no_conflict() {
    let both = scale_to(5).with_expectation(p95_at_most(0.3));
    assert_eq!(World::new().with(both).under(50.0).conflicts(), []);
}

#[test]
fn constraints_of_two_intents_that_leave_no_value_block_the_newer() {
    let mut many = intent("many", "ann", 1);
    many.spec.constraints.replicas = pods(Some(10), None);
    let mut few = intent("few", "ann", 2);
    few.spec.constraints.replicas = pods(None, Some(5));
    let conflicts = World::new()
        .with(many.clone())
        .with(few.clone())
        .conflicts();
    let conflict = only(&conflicts);
    assert_eq!(rules(&conflicts), [("bounds-exclude", Level::Blocking)]);
    assert_eq!(
        (conflict.nature, &conflict.yields),
        (Nature::Limit, &party("few"))
    );

    few.spec.priority = Some(60);
    let conflicts = World::new().with(many).with(few).conflicts();
    assert_eq!(only(&conflicts).yields, party("many"));
}

#[test]
fn constraints_give_way_to_a_guardrail() {
    let mut many = intent("many", "ann", 1);
    many.spec.constraints.replicas = pods(Some(10), None);
    many.spec.priority = Some(100);
    let guardrail = GuardrailSpec {
        replicas: pods(None, Some(5)),
        ..GuardrailSpec::default()
    };
    let conflicts = World::new()
        .with(many)
        .guarded("small", guardrail)
        .conflicts();
    let conflict = only(&conflicts);
    assert_eq!(
        (conflict.level, &conflict.yields),
        (Level::Blocking, &party("many"))
    );
    assert!(
        conflict
            .sides
            .iter()
            .any(|side| side.party == Party::Guardrail("small".to_owned()))
    );
}

#[test]
fn constraints_that_overlap_are_no_conflict() {
    let mut some = intent("some", "ann", 1);
    some.spec.constraints.replicas = pods(Some(3), Some(10));
    let mut others = intent("others", "bob", 2);
    others.spec.constraints.replicas = pods(Some(1), Some(3));
    assert_eq!(World::new().with(some).with(others).conflicts(), []);
}

#[test]
fn a_directive_gives_way_to_the_constraints_of_another_whatever_the_priorities() {
    let mut important = scale_to(9);
    important.spec.priority = Some(90);
    let mut few = intent("few", "bob", 55);
    few.spec.constraints.replicas = pods(None, Some(5));
    let conflicts = World::new().with(important).with(few).conflicts();
    let conflict = only(&conflicts);
    assert_eq!(
        rules(&conflicts),
        [("directive-outside-limits", Level::Blocking)]
    );
    assert_eq!(conflict.yields, party("scale"));
    assert_eq!(conflict.why, "replicas would be 9, and may be at most 5");
}

#[test]
fn a_floor_that_assurance_raised_gives_way_to_people() {
    let mut floor = intent("floor", "assurance", 1);
    floor.spec.origin.as_mut().unwrap().by = OriginKind::Assurance;
    floor.spec.constraints.replicas = pods(Some(6), None);
    floor.spec.priority = Some(90);
    let conflicts = World::new()
        .with(floor.clone())
        .with(scale_to(4))
        .conflicts();
    let conflict = only(&conflicts);
    assert_eq!(
        (conflict.level, &conflict.yields),
        (Level::Blocking, &party("floor"))
    );

    let mut few = intent("few", "ann", 55);
    few.spec.constraints.replicas = pods(None, Some(5));
    let world = World::new().with(floor.clone()).with(few.clone());
    let conflicts = world.conflicts();
    let conflict = only(&conflicts);
    assert_eq!(conflict.yields, party("floor"));
    assert_eq!(
        conflict.why,
        "no value lies inside both, and assurance gives way to `shop/few`"
    );
    // So a person is never kept out by what assurance did, and assurance is by what people said.
    let outcome = world.review(&few);
    assert_eq!(outcome.accepted().unwrap().displaces, [floor.key()]);
    assert!(world.review(&floor).accepted().is_none());
}

#[test]
fn an_objective_that_the_budget_cannot_pay() {
    let fast = intent("fast", "ann", 1).with_expectation(p95_at_most(0.2));
    let budget = GuardrailSpec {
        budget: BudgetLimit {
            cpu: Some(CpuMillis::new(2000)),
            memory: None,
        },
        ..GuardrailSpec::default()
    };
    let world = World::new().with(fast).under(90.0).guarded("cheap", budget);
    let conflicts = world.conflicts();
    let conflict = only(&conflicts);
    assert_eq!(rules(&conflicts), [("budget-cannot-pay", Level::Blocking)]);
    assert!(
        conflict
            .sides
            .iter()
            .any(|side| side.party == Party::Guardrail("cheap".to_owned()))
    );
    assert_eq!(conflict.yields, party("fast"));
}

#[test]
fn two_objectives_that_cannot_be_met_together_warn() {
    let fast = intent("fast", "ann", 1).with_expectation(p95_at_most(0.2));
    let cheap = intent("cheap", "bob", 2).with_expectation(cost_at_most(1.0));
    let conflicts = World::new().with(fast).with(cheap).under(90.0).conflicts();
    assert_eq!(rules(&conflicts), [("objectives-exclude", Level::Warning)]);
    assert_eq!(only(&conflicts).yields, party("cheap"));
}

fn quota(cpu: Option<u64>, pods: Option<u32>) -> Intent {
    let mut intent = Intent::new("quota", &WorkloadRef::namespace("shop"));
    intent.metadata.creation_timestamp = Some(at(50));
    intent.with_expectation(Expectation::Directive(Directive::Quota(QuotaAmounts {
        cpu: cpu.map(CpuMillis::new),
        memory: None,
        pods,
    })))
}

fn shop() -> WorkloadRef {
    WorkloadRef::namespace("shop")
}

#[test]
fn a_quota_below_what_is_live_is_blocked() {
    let world = World::new().with_quota(QuotaLimits::default());
    let world = world.with(quota(Some(1000), Some(2)));
    let conflicts = world.conflicts_on(&shop());
    let conflict = only(&conflicts);
    assert_eq!(rules(&conflicts), [("quota-too-small", Level::Blocking)]);
    assert_eq!(
        conflict.ways_out[0],
        "order a quota of at least 1500m CPU, 3 pods"
    );
}

#[test]
fn a_quota_below_what_an_autoscaler_may_come_to_warns() {
    let mut world = World::new().with_quota(QuotaLimits::default());
    world.live().allocation.autoscale = Some(Autoscale {
        min: None,
        max: 10,
        cpu_utilization: None,
    });
    let conflicts = world.with(quota(None, Some(5))).conflicts_on(&shop());
    let conflict = only(&conflicts);
    assert_eq!(rules(&conflicts), [("quota-too-small", Level::Warning)]);
    assert_eq!(
        conflict.why,
        "its autoscaler may need 10 pods in the namespace"
    );
}

#[test]
fn a_quota_below_what_is_ordered_warns() {
    let world = World::new().with_quota(QuotaLimits::default());
    let world = world.with(scale_to(8)).with(quota(None, Some(5)));
    assert_eq!(
        rules(&world.conflicts_on(&shop())),
        [("quota-too-small", Level::Warning)]
    );
}

#[test]
fn a_quota_on_cpu_shuts_out_pods_without_a_cpu_request() {
    let mut world = World::new().with_quota(QuotaLimits::default());
    world.live().allocation.containers[0].requests.cpu = None;
    world.live().allocation.containers[0].limits.cpu = None;
    let conflicts = world.with(quota(Some(8000), None)).conflicts_on(&shop());
    assert_eq!(only(&conflicts).ways_out, ["give `app` a CPU request"]);
}

#[test]
fn a_quota_that_is_live_blocks_what_does_not_fit() {
    let small = QuotaLimits {
        pods: Some(6),
        ..QuotaLimits::default()
    };
    let mut world = World::new().with_quota(small);
    world.put(state(
        &WorkloadRef::deployment("shop", "db"),
        2,
        vec![container(500)],
    ));
    let conflicts = world.with(scale_to(5)).conflicts();
    let conflict = only(&conflicts);
    assert_eq!(rules(&conflicts), [("quota-too-small", Level::Blocking)]);
    assert!(
        conflict
            .sides
            .iter()
            .any(|side| side.party == Party::Quota("shop".to_owned()))
    );
}

#[test]
fn a_field_of_another_autoscaler_stays_untouched() {
    let owner = FieldOwner::HorizontalPodAutoscaler("web-hpa".to_owned());
    let conflicts = World::new()
        .with(scale_to(5))
        .owned(Field::Replicas, owner.clone())
        .conflicts();
    let conflict = only(&conflicts);
    assert_eq!(rules(&conflicts), [("field-owned", Level::Blocking)]);
    assert!(
        conflict
            .sides
            .iter()
            .any(|side| side.party == Party::Owner(owner.clone()))
    );
    let ways: Vec<&str> = conflict
        .ways_out
        .iter()
        .map(|way| way.split([':', ' ']).next().unwrap())
        .collect();
    assert_eq!(ways, ["adopt", "tune", "yield"]);
}

#[test]
fn a_manager_is_foreign_only_where_a_guardrail_yields_to_it() {
    let argo = FieldOwner::Manager("argocd".to_owned());
    let world = World::new().with(scale_to(5)).owned(Field::Replicas, argo);
    assert_eq!(world.conflicts(), []);
    let yields = GuardrailSpec {
        yield_to: ["argocd".to_owned()].into(),
        ..GuardrailSpec::default()
    };
    assert_eq!(
        rules(&world.guarded("gitops", yields).conflicts()),
        [("field-owned", Level::Blocking)]
    );
}

#[test]
fn our_own_fields_are_not_foreign() {
    assert_eq!(
        World::new()
            .with(scale_to(5))
            .owned(Field::Replicas, FieldOwner::Ibn)
            .conflicts(),
        []
    );
}

#[test]
fn a_conflict_is_written_into_a_status() {
    let bobs = intent("bobs", "bob", 55).with_expectation(replicas(Amount::To(8)));
    let conflicts = World::new().with(scale_to(5)).with(bobs).conflicts();
    let status = StatusConflict::from(only(&conflicts));
    assert_eq!(
        (status.rule.as_str(), status.level.as_str()),
        ("directive-values-differ", "blocking")
    );
    let json = serde_json::to_value(&conflicts).unwrap();
    assert_eq!(
        serde_json::from_value::<Vec<Conflict>>(json).unwrap(),
        conflicts
    );
}

#[test]
fn an_autoscaler_of_ours_beside_a_foreign_one_is_not_ordered() {
    let owner = FieldOwner::HorizontalPodAutoscaler("web-hpa".to_owned());
    let auto = intent("auto", "ann", 55).with_expectation(Expectation::Directive(
        Directive::Autoscale(Autoscale {
            min: None,
            max: 8,
            cpu_utilization: None,
        }),
    ));
    let conflicts = World::new()
        .with(auto)
        .owned(Field::Replicas, owner)
        .conflicts();
    assert_eq!(rules(&conflicts), [("field-owned", Level::Blocking)]);
}

#[test]
fn a_rule_that_is_asked_twice_speaks_once() {
    let bobs = intent("bobs", "bob", 55).with_expectation(replicas(Amount::To(8)));
    let world = World::new().with(scale_to(5)).with(bobs);
    let twice = Registry::standard().with(DirectiveValuesDiffer);
    let web = web();
    let context = ConflictContext::new(
        now(),
        &web,
        &world.inventory,
        &world.guardrails,
        world.intents.iter().cloned(),
    );
    assert_eq!(twice.check(&context), world.conflicts());
}

#[test]
fn every_rule_has_a_name_of_its_own() {
    let registry = Registry::standard();
    let mut names: Vec<&str> = registry.names().collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), registry.names().count());
}

fn any_expectation() -> impl Strategy<Value = Expectation> {
    prop_oneof![
        (1u32..12).prop_map(|to| replicas(Amount::To(to))),
        (0.05f64..1.0).prop_map(p95_at_most),
        (0.5f64..8.0).prop_map(cost_at_most),
        (1u32..4, 4u32..10).prop_map(|(min, max)| Expectation::Directive(Directive::Autoscale(
            Autoscale {
                min: Some(min),
                max,
                cpu_utilization: None,
            }
        ))),
        (100u64..2000).prop_map(|cpu| Expectation::Directive(Directive::Resources(
            ibn_core::intent::ResourcesDirective {
                container: None,
                requests: ibn_core::intent::ResourceAmounts {
                    cpu: Some(Amount::To(CpuMillis::new(cpu))),
                    memory: None,
                },
                limits: ibn_core::intent::ResourceAmounts::default(),
            }
        ))),
    ]
}

prop_compose! {
    fn any_intent(name: &'static str)(
        expectations in prop::collection::vec(any_expectation(), 0..3),
        author in prop_oneof![Just("ann"), Just("bob")],
        minute in 0i64..3,
        priority in prop_oneof![Just(50u8), Just(60)],
        range in prop::option::of((1u32..6, 0u32..6)),
        until in prop::option::of(50i64..70),
    ) -> Intent {
        let mut intent = intent(name, author, minute);
        intent.spec.priority = Some(priority);
        intent.spec.expectations = expectations;
        intent.spec.constraints.replicas = pods(range.map(|(min, _)| min), range.map(|(min, more)| min + more));
        intent.spec.validity = until.map(|until| Validity { from: None, until: Some(at(until)) });
        intent
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn swapping_two_intents_finds_the_same_conflicts(a in any_intent("a"), b in any_intent("b"), load in 10.0f64..150.0) {
        let guardrail = GuardrailSpec {
            replicas: pods(Some(2), Some(8)),
            budget: BudgetLimit { cpu: Some(CpuMillis::new(3000)), memory: None },
            ..GuardrailSpec::default()
        };
        let world = || World::new().under(load).guarded("shop", guardrail.clone());
        let one = world().with(a.clone()).with(b.clone()).conflicts();
        let other = world().with(b).with(a).conflicts();
        prop_assert_eq!(&one, &other);
        for conflict in &one {
            let [first, second] = &conflict.sides;
            prop_assert!(first <= second);
            prop_assert!(conflict.sides.iter().any(|side| side.party == conflict.yields));
            prop_assert!(!conflict.ways_out.is_empty() && !conflict.why.is_empty());
        }
    }

    #[test]
    fn renaming_does_not_change_who_yields_where_ages_differ(pods_a in 1u32..9, pods_b in 1u32..9, swap in any::<bool>()) {
        let names = if swap { ["x", "y"] } else { ["y", "x"] };
        let older = intent(names[0], "ann", 1).with_expectation(replicas(Amount::To(pods_a)));
        let newer = intent(names[1], "bob", 2).with_expectation(replicas(Amount::To(pods_b)));
        let conflicts = World::new().with(older).with(newer.clone()).conflicts();
        if pods_a == pods_b {
            prop_assert_eq!(conflicts, []);
        } else {
            prop_assert_eq!(&only(&conflicts).yields, &Party::Intent(newer.key()));
        }
    }

    #[test]
    fn the_review_of_either_finds_what_lies_between_them(a in any_intent("a"), b in any_intent("b")) {
        let between = |world: &World, intent: &Intent| -> Vec<Conflict> {
            let mut conflicts = world.review(intent).conflicts().to_vec();
            conflicts.retain(|conflict| conflict.involves(&a.key()) && conflict.involves(&b.key()));
            conflicts
        };
        let both = World::new().with(a.clone()).with(b.clone());
        let of_a = between(&both, &both.intents[0]);
        let of_b = between(&both, &both.intents[1]);
        let is_valid = |intent: &Intent| validate_intent(intent).is_empty();
        prop_assume!(is_valid(&a) && is_valid(&b));
        let over = |intent: &Intent| intent.spec.validity.is_some_and(|validity| validity.is_over(at(60)));
        // What is over is not looked at again, and has nothing to say.
        if !over(&a) && !over(&b) {
            prop_assert_eq!(of_a, of_b);
        }
    }
}

#[test]
fn guardrails_in_any_order_find_the_same() {
    let mut many = intent("many", "ann", 1);
    many.spec.constraints.replicas = pods(Some(10), None);
    let guardrail = |name: &str, max| {
        Guardrail::new(
            name,
            "shop",
            GuardrailSpec {
                replicas: pods(None, Some(max)),
                ..GuardrailSpec::default()
            },
        )
    };
    let mut world = World::new().with(many);
    world.guardrails = vec![guardrail("a", 5), guardrail("b", 4)];
    let one = world.conflicts();
    world.guardrails.reverse();
    assert_eq!(one, world.conflicts());
    assert_eq!(one.len(), 2);
}
