//! The envelope: how it is intersected, how far it is, and where its nearest point lies.

use std::sync::Arc;
use std::time::Duration;

use ibn_core::allocation::{Allocation, ContainerResources, QuotaLimits, Resource};
use ibn_core::envelope::{Budget, Envelope, Limit, LimitSource};
use ibn_core::guardrail::{
    FreezeWindow, Guardrail, GuardrailSpec, RiskClass, Rollout, Selector, StepLimits,
};
use ibn_core::intent::{Autoscale, BudgetLimit, Intent, Range};
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::{Inventory, WorkloadKind, WorkloadRef};
use proptest::prelude::*;

use crate::support::generate::{Dice, OTHERS, config};
use crate::support::{MI, World, app, at, brief, container, oracle, state_of, web};

fn guardrail(name: &str, spec: GuardrailSpec) -> Guardrail {
    Guardrail::new(name, "acme", spec)
}

fn inventory(world: &World, quota: Option<QuotaLimits>) -> Inventory {
    let mut inventory = world.inventory();
    let mut namespace = World::namespace(quota).state;
    namespace.workload = WorkloadRef::namespace("acme");
    inventory
        .workloads
        .insert(namespace.workload.clone(), namespace);
    inventory
}

#[track_caller]
fn min_and_max<T: Copy + PartialEq + std::fmt::Debug>(
    limits: &ibn_core::envelope::Limits<T>,
    min: Option<(T, &str)>,
    max: Option<(T, &str)>,
) {
    let read = |limit: &Option<Limit<T>>| limit.as_ref().map(|l| (l.value, l.source.to_string()));
    let owned = |limit: Option<(T, &str)>| limit.map(|(value, source)| (value, source.to_owned()));
    assert_eq!(
        (read(&limits.min), read(&limits.max)),
        (owned(min), owned(max))
    );
}

#[test]
fn the_tightest_of_all_limits_holds_and_says_who_set_it() {
    let world = World::new(Allocation::new(3, vec![app(100, 200)]));
    let wide = guardrail(
        "wide",
        GuardrailSpec {
            replicas: Range::new(Some(2), Some(50)),
            cpu: Range::new(None, Some(CpuMillis::new(4000))),
            step: StepLimits {
                replicas_up: Some(4),
                replicas_down: None,
                resource_factor: Some(3.0),
            },
            cool_down: Some(Duration::from_secs(60)),
            approval: Some(RiskClass::High),
            rollout: Some(Rollout::Allowed),
            yield_to: ["argocd".to_owned()].into(),
            ..GuardrailSpec::default()
        },
    );
    let narrow = guardrail(
        "narrow",
        GuardrailSpec {
            replicas: Range::new(None, Some(20)),
            memory: Range::new(None, Some(Bytes::new(MI))),
            step: StepLimits {
                replicas_up: Some(9),
                replicas_down: Some(1),
                resource_factor: Some(1.5),
            },
            cool_down: Some(Duration::from_secs(300)),
            approval: Some(RiskClass::Medium),
            yield_to: ["flux".to_owned()].into(),
            ..GuardrailSpec::default()
        },
    );
    let elsewhere = Guardrail::new(
        "elsewhere",
        "other",
        GuardrailSpec {
            replicas: Range::new(None, Some(1)),
            ..GuardrailSpec::default()
        },
    );
    let mut small = Intent::new("small", &web());
    small.spec.constraints.replicas = Range::new(Some(3), Some(12));
    small.spec.constraints.budget.cpu = Some(CpuMillis::new(8000));
    let mut other = Intent::new("other", &WorkloadRef::deployment("acme", "cart"));
    other.spec.constraints.replicas = Range::new(None, Some(1));

    let envelope = Envelope::build(
        &world.state,
        &[wide, narrow, elsewhere],
        &[Arc::new(small), Arc::new(other)],
        &world.inventory(),
    );
    min_and_max(
        &envelope.replicas,
        Some((3, "intent `acme/small`")),
        Some((12, "intent `acme/small`")),
    );
    min_and_max(
        &envelope.cpu,
        None,
        Some((CpuMillis::new(4000), "guardrail `wide`")),
    );
    min_and_max(
        &envelope.memory,
        None,
        Some((Bytes::new(MI), "guardrail `narrow`")),
    );
    assert_eq!(
        envelope.step,
        StepLimits {
            replicas_up: Some(4),
            replicas_down: Some(1),
            resource_factor: Some(1.5)
        }
    );
    assert_eq!(envelope.cool_down, Some(Duration::from_secs(300)));
    assert_eq!(envelope.approval, Some(RiskClass::Medium));
    assert_eq!(envelope.rollout, Rollout::Allowed);
    assert_eq!(
        envelope.yield_to,
        ["argocd".to_owned(), "flux".to_owned()].into()
    );
    let (wide, narrow) = (
        LimitSource::Guardrail("wide".into()),
        LimitSource::Guardrail("narrow".into()),
    );
    assert_eq!(envelope.sources.replicas_up, Some(wide.clone()));
    assert_eq!(envelope.sources.resource_factor, Some(narrow.clone()));
    assert_eq!(envelope.sources.cool_down, Some(narrow.clone()));
    assert_eq!(envelope.sources.approval, Some(narrow));
    assert_eq!(envelope.sources.rollout, Some(wide));
    assert_eq!(
        envelope.budgets,
        [Budget {
            source: LimitSource::Intent("acme/small".into()),
            members: [web()].into(),
            limit: BudgetLimit {
                cpu: Some(CpuMillis::new(8000)),
                memory: None
            },
            pods: None,
        }]
    );
}

#[test]
fn the_least_is_one_pod_until_somebody_says_zero_and_nobody_says_more() {
    let world = World::new(Allocation::new(3, vec![]));
    let with_min = |name: &str, min| {
        guardrail(
            name,
            GuardrailSpec {
                replicas: Range::new(Some(min), None),
                ..GuardrailSpec::default()
            },
        )
    };
    let build = |guardrails: &[Guardrail]| {
        Envelope::build(&world.state, guardrails, &[], &world.inventory())
    };
    min_and_max(&build(&[]).replicas, Some((1, "the default")), None);
    min_and_max(
        &build(&[with_min("night", 0)]).replicas,
        Some((0, "guardrail `night`")),
        None,
    );
    min_and_max(
        &build(&[with_min("night", 0), with_min("day", 2)]).replicas,
        Some((2, "guardrail `day`")),
        None,
    );
}

#[test]
fn one_never_outweighs_every_allowed_and_silence_is_never() {
    let world = World::new(Allocation::new(3, vec![]));
    let with = |name: &str, rollout| {
        guardrail(
            name,
            GuardrailSpec {
                rollout,
                ..GuardrailSpec::default()
            },
        )
    };
    let build = |guardrails: &[Guardrail]| {
        Envelope::build(&world.state, guardrails, &[], &world.inventory()).rollout
    };
    let (allowed, never) = (
        with("a", Some(Rollout::Allowed)),
        with("n", Some(Rollout::Never)),
    );
    let silent = with("s", None);
    assert_eq!(build(&[]), Rollout::Never);
    assert_eq!(build(std::slice::from_ref(&silent)), Rollout::Never);
    assert_eq!(build(&[allowed.clone(), silent]), Rollout::Allowed);
    assert_eq!(build(&[allowed, never]), Rollout::Never);
}

#[test]
fn a_guardrails_budget_is_shared_by_all_that_it_selects_and_a_quota_by_the_namespace() {
    let mut world = World::new(Allocation::new(3, vec![]));
    for name in OTHERS {
        let mut other = state_of(
            WorkloadRef::deployment("acme", name),
            Allocation::new(1, vec![]),
        );
        if name != "mail" {
            other.labels.insert("team".into(), "a".into());
        }
        world.others.push(other);
    }
    world.others.push(state_of(
        WorkloadRef::deployment("other", "far"),
        Allocation::new(1, vec![]),
    ));
    world.state.labels.insert("team".into(), "a".into());
    let team = guardrail(
        "team-a",
        GuardrailSpec {
            selector: Selector {
                match_labels: [("team".to_owned(), "a".to_owned())].into(),
                ..Selector::default()
            },
            budget: BudgetLimit {
                cpu: Some(CpuMillis::new(8000)),
                memory: None,
            },
            ..GuardrailSpec::default()
        },
    );
    let quota = QuotaLimits {
        cpu: None,
        memory: Some(Bytes::new(MI)),
        pods: Some(50),
    };
    let envelope = Envelope::build(&world.state, &[team], &[], &inventory(&world, Some(quota)));
    let members = |names: &[&str]| {
        names
            .iter()
            .map(|name| WorkloadRef::deployment("acme", name))
            .collect()
    };
    assert_eq!(
        envelope.budgets,
        [
            Budget {
                source: LimitSource::Guardrail("team-a".into()),
                members: members(&["web", "cart", "search"]),
                limit: BudgetLimit {
                    cpu: Some(CpuMillis::new(8000)),
                    memory: None
                },
                pods: None,
            },
            Budget {
                source: LimitSource::Quota("acme".into()),
                members: members(&["web", "cart", "search", "mail"]),
                limit: BudgetLimit {
                    cpu: None,
                    memory: Some(Bytes::new(MI))
                },
                pods: Some(50),
            },
        ]
    );
}

#[test]
fn what_is_no_factor_lets_nothing_move() {
    let world = World::new(Allocation::new(3, vec![]));
    let with = |factor| {
        let step = StepLimits {
            resource_factor: Some(factor),
            ..StepLimits::default()
        };
        let guardrail = guardrail(
            "step",
            GuardrailSpec {
                step,
                ..GuardrailSpec::default()
            },
        );
        Envelope::build(&world.state, &[guardrail], &[], &world.inventory())
            .step
            .resource_factor
    };
    for factor in [f64::NAN, f64::NEG_INFINITY, -2.0, 0.0, 0.99] {
        assert_eq!(with(factor), Some(1.0), "{factor}");
    }
    assert_eq!(with(f64::INFINITY), None);
    assert_eq!(with(2.5), Some(2.5));
    // An envelope that was made by hand means the same, and has a revision of its own.
    let by_hand = |factor| {
        let mut envelope = Envelope::open(web());
        envelope.step.resource_factor = factor;
        envelope.revision()
    };
    assert_eq!(by_hand(Some(f64::NAN)), by_hand(Some(1.0)));
    assert_eq!(by_hand(Some(f64::INFINITY)), by_hand(None));
    assert_ne!(by_hand(Some(2.0)), by_hand(Some(2.5)));
}

/// Random guardrails and intents on `web`, with many that tie.
fn limits(dice: &mut Dice) -> (Vec<Guardrail>, Vec<Arc<Intent>>) {
    let mut small = |most: u64, chance: u64| dice.percent(chance).then(|| dice.below(most));
    let mut range = || Range::new(small(3, 40), small(4, 40));
    let (mut guardrails, mut intents) = (vec![], vec![]);
    let of = |range: Range<u64>| {
        Range::new(range.min.map(CpuMillis::new), range.max.map(CpuMillis::new))
    };
    let pods =
        |range: Range<u64>| Range::new(range.min.map(|x| x as u32), range.max.map(|x| x as u32));
    let ranges: Vec<_> = (0..12).map(|_| range()).collect();
    let mut ranges = ranges.into_iter();
    for idx in 0..4u64 {
        let span = |from: u64| FreezeWindow {
            from: at("2026-01-01T00:00:00Z"),
            until: at(["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"][(from % 2) as usize]),
            reason: String::new(),
        };
        let spec = GuardrailSpec {
            selector: if dice.percent(30) {
                Selector {
                    kind: Some(WorkloadKind::Deployment),
                    ..Selector::default()
                }
            } else {
                Selector::default()
            },
            replicas: pods(ranges.next().unwrap()),
            cpu: of(ranges.next().unwrap()),
            budget: BudgetLimit {
                cpu: dice.percent(50).then(|| CpuMillis::new(dice.below(3))),
                memory: None,
            },
            step: StepLimits {
                replicas_up: dice.percent(50).then(|| dice.below(2) as u32),
                replicas_down: dice.percent(50).then(|| dice.below(2) as u32),
                resource_factor: dice
                    .percent(50)
                    .then(|| [1.0, f64::NAN, 2.0, -0.0][dice.below(4) as usize]),
            },
            cool_down: dice.percent(50).then(|| Duration::from_secs(dice.below(2))),
            freeze: (0..dice.below(3)).map(span).collect(),
            approval: dice
                .percent(50)
                .then(|| [RiskClass::Low, RiskClass::High][dice.below(2) as usize]),
            rollout: dice
                .percent(50)
                .then(|| [Rollout::Never, Rollout::Allowed][dice.below(2) as usize]),
            yield_to: if dice.percent(50) {
                [format!("m{}", dice.below(3))].into()
            } else {
                Default::default()
            },
            ..GuardrailSpec::default()
        };
        guardrails.push(guardrail(&format!("g{}", idx % 3), spec));
    }
    for idx in 0..3 {
        let mut intent = Intent::new(&format!("i{idx}"), &web());
        intent.spec.constraints.replicas = pods(ranges.next().unwrap());
        intent.spec.constraints.budget.cpu =
            dice.percent(50).then(|| CpuMillis::new(dice.below(3)));
        intents.push(Arc::new(intent));
    }
    (guardrails, intents)
}

fn shuffled<T: Clone>(dice: &mut Dice, items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    for idx in (1..items.len()).rev() {
        items.swap(idx, dice.below(idx as u64 + 1) as usize);
    }
    items
}

/// The bounds of an envelope without budgets that exclude each other, or leave less than one to a container.
fn is_possible(envelope: &Envelope, allocation: &Allocation) -> bool {
    let pods = envelope.replicas.range();
    let sizes = [
        (
            envelope.cpu.range().min.map(CpuMillis::get),
            envelope.cpu.range().max.map(CpuMillis::get),
        ),
        (
            envelope.memory.range().min.map(Bytes::get),
            envelope.memory.range().max.map(Bytes::get),
        ),
    ];
    let count = allocation.containers.len() as u64;
    !pods.is_contradictory()
        && sizes.iter().all(|(min, max)| {
            !Range::new(*min, *max).is_contradictory()
                && max.is_none_or(|max| max >= count)
                && (count > 0 || min.is_none_or(|min| min == 0))
        })
}

proptest! {
    #![proptest_config(config(5_000))]

    #[test]
    fn order_is_no_matter(seed in any::<u64>().no_shrink()) {
        let mut dice = Dice(seed);
        let world = World::new(Allocation::new(3, vec![app(100, 200)]));
        let (guardrails, intents) = limits(&mut dice);
        let inventory = inventory(&world, Some(QuotaLimits { pods: Some(9), ..QuotaLimits::default() }));
        let envelope = Envelope::build(&world.state, &guardrails, &intents, &inventory);
        let other = Envelope::build(&world.state, &shuffled(&mut dice, &guardrails), &shuffled(&mut dice, &intents), &inventory);
        prop_assert_eq!(envelope.revision(), other.revision());
        prop_assert_eq!(envelope, other);
    }

    /// Whatever one more guardrail or intent says, what was excluded before stays excluded.
    #[test]
    fn one_more_limit_never_allows_more(seed in any::<u64>().no_shrink()) {
        let mut dice = Dice(seed);
        let mut world = World::new(Allocation::new(3, vec![app(2, 3)]));
        let (guardrails, intents) = limits(&mut dice);
        let count = 1 + dice.below(3) as usize;
        let (inventory, wanted) = (world.inventory(), dice.wanted(world.live()));
        let fewer = Envelope::build(&world.state, &guardrails[..count], &intents[..1], &inventory);
        let more = Envelope::build(&world.state, &guardrails, &intents, &inventory);
        // What may be loosened by one alone: the least of 1 pod, and rollouts.
        let says_min = |g: &Guardrail| g.spec.replicas.min.is_some();
        let is_default = !guardrails[..count].iter().any(says_min) && intents[0].spec.constraints.replicas.min.is_none();
        if more.contains(&wanted) && !(is_default && wanted.least_pods() == 0) {
            prop_assert!(fewer.contains(&wanted), "{}", brief(&wanted));
        }
        prop_assert!(fewer.approval.is_none() || more.approval.is_some_and(|a| Some(a) <= fewer.approval));
        prop_assert!(fewer.cool_down <= more.cool_down);
        prop_assert!(fewer.freeze.iter().all(|window| more.freeze.contains(window)));
        prop_assert!(fewer.yield_to.is_subset(&more.yield_to));
        world.envelope = more;
    }

    #[test]
    fn the_nearest_point_lies_inside_and_is_exact(seed in any::<u64>().no_shrink()) {
        let mut dice = Dice(seed);
        let containers = dice.below(4) as usize;
        let live = dice.live(containers);
        let mut world = dice.world(live);
        world.others.clear();
        world.in_flight.clear();
        let budgets = std::mem::take(&mut world.envelope.budgets);
        let live = world.live().clone();
        let nearest = world.envelope.nearest(&live);
        let distance = oracle::beyond(&world, &nearest);
        let is_inside = |world: &World, a: &Allocation| oracle::beyond(world, a).iter().all(|by| *by == 0);
        prop_assert_eq!(world.envelope.contains(&live), is_inside(&world, &live));
        prop_assert_eq!(world.envelope.violations(&live).is_empty(), is_inside(&world, &live));
        prop_assert_eq!(&world.envelope.nearest(&nearest), &nearest, "not idempotent: {:?}", world);
        if is_inside(&world, &live) {
            prop_assert_eq!(&nearest, &live);
        }
        // Under an autoscaler the number of pods follows later.
        let follows = live.autoscale.is_some() && !world.envelope.replicas.range().contains(live.replicas);
        if is_possible(&world.envelope, &live) && !follows {
            prop_assert!(is_inside(&world, &nearest), "outside: {} {distance:?}\n{:?}", brief(&nearest), world);
        }
        prop_assert_eq!(nearest.replicas, if live.autoscale.is_some() { live.replicas } else { nearest.replicas });
        if live.autoscale.is_none() && !world.envelope.replicas.range().is_contradictory() {
            prop_assert_eq!(nearest.replicas, world.envelope.replicas.range().clamp(live.replicas));
        }
        // Sums end on the bound, or a unit beside it where the class of service would change.
        let keeps_class = live.qos_class() == nearest.qos_class();
        for (resource, max) in [(Resource::Cpu, world.envelope.cpu.range().max.map(CpuMillis::get)), (Resource::Memory, world.envelope.memory.range().max.map(Bytes::get))] {
            let (was, is) = (oracle::limits(&live, resource), oracle::limits(&nearest, resource));
            if let Some(max) = max.map(i128::from).filter(|max| was > *max && is_possible(&world.envelope, &live)) {
                prop_assert!(is == max || (keeps_class && is == max - 1), "{is} of {max}: {}", brief(&nearest));
                for (b, a) in live.containers.iter().zip(&nearest.containers) {
                    let exact = oracle::limit(b, resource) as f64 * max as f64 / was as f64;
                    let got = oracle::limit(a, resource) as f64;
                    // Two of three containers may have been kept from nothing.
                    let slack = 3.0 + exact * 1e-9;
                    prop_assert!((got - exact).abs() <= slack, "{got} for {exact}");
                }
            }
        }
        // With budgets of its own it goes at least no further out.
        world.envelope.budgets = budgets.into_iter().map(|mut budget| {
            budget.members = [web()].into();
            budget
        }).collect();
        let nearest = world.envelope.nearest(&live);
        if nearest != live {
            let nearer = oracle::lies_inside_or_nearer(&world, &nearest);
            prop_assert!(nearer.is_ok(), "{}: {}\n{:?}", nearer.unwrap_err(), brief(&nearest), world);
        }
        prop_assert_eq!(&world.envelope.nearest(&nearest), &nearest, "not idempotent with budgets: {} then {}\n{:?}", brief(&nearest), brief(&world.envelope.nearest(&nearest)), world);
    }
}

fn envelope(set: impl FnOnce(&mut Envelope, &LimitSource)) -> Envelope {
    let mut envelope = Envelope::open(web());
    set(&mut envelope, &LimitSource::Guardrail("small".into()));
    envelope
}

fn millis(min: Option<u64>, max: Option<u64>) -> Range<CpuMillis> {
    Range::new(min.map(CpuMillis::new), max.map(CpuMillis::new))
}

#[test]
fn above_the_maximum_limits_fall_in_proportion_and_requests_only_where_they_must() {
    let envelope = envelope(|e, by| e.cpu.intersect(millis(None, Some(1000)), by));
    let live = Allocation::new(
        2,
        vec![container("app", 300, 1500), container("proxy", 450, 500)],
    );
    let nearest = envelope.nearest(&live);
    assert_eq!(
        nearest.containers,
        [container("app", 300, 750), container("proxy", 250, 250)]
    );
}

#[test]
fn where_there_is_no_limit_the_request_counts_and_falls() {
    let envelope = envelope(|e, by| e.cpu.intersect(millis(None, Some(1000)), by));
    let mut proxy = container("proxy", 500, 500);
    proxy.limits.cpu = None;
    let nearest = envelope.nearest(&Allocation::new(
        1,
        vec![container("app", 300, 1500), proxy.clone()],
    ));
    proxy.requests.cpu = Some(CpuMillis::new(250));
    assert_eq!(nearest.containers, [container("app", 300, 750), proxy]);
}

#[test]
fn below_the_minimum_requests_rise_within_limits_and_with_them_only_at_last() {
    let envelope = envelope(|e, by| e.cpu.intersect(millis(Some(1000), None), by));
    let live = Allocation::new(
        2,
        vec![container("app", 100, 200), container("proxy", 100, 2000)],
    );
    // In proportion it would be 500 each, but the limit of `app` stands at 200.
    assert_eq!(
        envelope.nearest(&live).containers,
        [container("app", 200, 200), container("proxy", 800, 2000)]
    );
    let live = Allocation::new(
        2,
        vec![container("app", 100, 200), container("proxy", 100, 200)],
    );
    assert_eq!(
        envelope.nearest(&live).containers,
        [container("app", 500, 500), container("proxy", 500, 500)]
    );
    let bare = Allocation::new(
        1,
        vec![
            ContainerResources::new("a"),
            ContainerResources::new("b"),
            ContainerResources::new("c"),
        ],
    );
    let requests: Vec<_> = envelope
        .nearest(&bare)
        .containers
        .iter()
        .map(|c| c.requests.cpu.unwrap().get())
        .collect();
    assert_eq!(requests, [334, 333, 333]);
}

#[test]
fn under_an_autoscaler_its_bounds_move_and_the_pods_do_not() {
    let envelope = envelope(|e, by| e.replicas.intersect(Range::new(Some(2), Some(12)), by));
    let mut live = Allocation::new(20, vec![app(100, 200)]);
    live.autoscale = Some(Autoscale {
        min: None,
        max: 30,
        cpu_utilization: Some(50),
    });
    let nearest = envelope.nearest(&live);
    assert_eq!(nearest.replicas, 20);
    assert_eq!(
        nearest.autoscale,
        Some(Autoscale {
            min: Some(2),
            max: 12,
            cpu_utilization: Some(50)
        })
    );
}

#[test]
fn a_budget_of_its_own_takes_pods_first_and_then_requests() {
    let with = |cpu| {
        envelope(|e, by| {
            e.replicas.intersect(Range::new(Some(4), None), by);
            e.budgets.push(Budget {
                source: by.clone(),
                members: [web()].into(),
                limit: BudgetLimit {
                    cpu: Some(CpuMillis::new(cpu)),
                    memory: None,
                },
                pods: None,
            });
        })
    };
    let live = Allocation::new(10, vec![app(500, 1000)]);
    assert_eq!(with(5000).nearest(&live), live);
    assert_eq!(with(3100).nearest(&live), live.with_replicas(6));
    assert_eq!(
        with(1000).nearest(&live),
        Allocation::new(4, vec![app(250, 1000)])
    );
    assert_eq!(
        with(3100).violations(&live)[0].to_string(),
        "CPU requested together is 5, at most 3100m (guardrail `small`)"
    );
}

#[test]
fn the_class_of_service_stays_since_running_pods_cannot_change_it() {
    let envelope = envelope(|e, by| e.cpu.intersect(millis(None, Some(400)), by));
    let mut live = Allocation::new(1, vec![app(500, 1000)]);
    live.containers[0].requests.memory = live.containers[0].limits.memory;
    let nearest = envelope.nearest(&live);
    assert_eq!(
        nearest.containers[0].requests.cpu,
        Some(CpuMillis::new(399))
    );
    assert_eq!(nearest.containers[0].limits.cpu, Some(CpuMillis::new(400)));
    assert_eq!(nearest.qos_class(), live.qos_class());
}

#[test]
fn bounds_that_exclude_each_other_are_approached_only_as_far_as_neither_suffers() {
    let envelope = envelope(|e, by| e.replicas.intersect(Range::new(Some(10), Some(3)), by));
    let live = Allocation::new(20, vec![]);
    assert_eq!(envelope.nearest(&live).replicas, 10);
    assert_eq!(envelope.nearest(&live.with_replicas(1)).replicas, 3);
    assert_eq!(envelope.nearest(&live.with_replicas(5)).replicas, 5);
}
