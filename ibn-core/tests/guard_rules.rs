//! Each rule of the guard, told as a story.

mod guard_support;

use std::time::Duration;

use guard_support::{MI, World, app, at, container, now, rejected, said, web};
use ibn_core::allocation::{
    Allocation, ContainerResources, Field, QuotaLimits, Resource, ResourceBound,
};
use ibn_core::envelope::LimitSource;
use ibn_core::guard::{Barred, CutRule, Desired, Verdict};
use ibn_core::guardrail::{FreezeWindow, RiskClass, Rollout};
use ibn_core::intent::{Autoscale, Range};
use ibn_core::observation::{Floor, SignalHealth};
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::{FieldOwner, WorkloadRef};
use jiff::SignedDuration;

fn small() -> LimitSource {
    LimitSource::Guardrail("small".into())
}

/// Three pods of 500m of 1 core, 256Mi of 512Mi.
fn world() -> World {
    World::new(Allocation::new(3, vec![app(500, 1000)]))
}

fn within(min: Option<u32>, max: Option<u32>) -> World {
    let mut world = world();
    if min == Some(0) {
        world.envelope.replicas.min = None;
    }
    world
        .envelope
        .replicas
        .intersect(Range::new(min, max), &small());
    world
}

fn scaled(world: &World, min: u32, max: u32) -> Allocation {
    Allocation {
        autoscale: Some(Autoscale {
            min: Some(min),
            max,
            cpu_utilization: Some(70),
        }),
        ..world.live().clone()
    }
}

fn pods(world: &World, replicas: u32) -> Allocation {
    world.live().with_replicas(replicas)
}

fn sized(request: u64, limit: u64) -> Allocation {
    Allocation::new(3, vec![app(request, limit)])
}

fn size_of(bound: ResourceBound, resource: Resource) -> Field {
    Field::Resource {
        container: "app".into(),
        bound,
        resource,
    }
}

// --- Bounds.

#[test]
fn more_pods_than_the_bound_become_the_bound() {
    let world = within(Some(2), Some(12));
    let cuts = world.trims(&pods(&world, 40), &pods(&world, 12));
    assert_eq!(
        said(&cuts),
        ["replicas: wanted 40, allowed 12 (bound on pods of guardrail `small`)"]
    );
    world.trims(&pods(&world, 1), &pods(&world, 2));
    world.approves(&pods(&world, 12));
}

#[test]
fn zero_pods_are_refused_unless_somebody_allowed_zero() {
    let cuts = world().rejects(&pods(&world(), 0), CutRule::Replicas);
    assert_eq!(
        said(&cuts),
        ["replicas: wanted 0, allowed 3 (bound on pods)"]
    );
    within(Some(2), None).rejects(&pods(&world(), 0), CutRule::Replicas);
    within(Some(0), None).approves(&pods(&world(), 0));
}

#[test]
fn an_autoscaler_gets_bounds_inside_the_bounds() {
    let world = within(Some(2), Some(12));
    world.trims(&scaled(&world, 1, 30), &scaled(&world, 2, 12));
    world.approves(&scaled(&world, 2, 12));
}

#[test]
fn growth_is_cut_in_proportion_until_the_pod_fits() {
    let mut world = World::new(Allocation::new(
        3,
        vec![container("app", 100, 400), container("proxy", 100, 200)],
    ));
    world
        .envelope
        .cpu
        .intersect(Range::new(None, Some(CpuMillis::new(900))), &small());
    // 400 and 200 more are wanted, 300 fit: 200 and 100.
    let wanted = Allocation::new(
        3,
        vec![container("app", 100, 800), container("proxy", 100, 400)],
    );
    let fitting = Allocation::new(
        3,
        vec![container("app", 100, 600), container("proxy", 100, 300)],
    );
    let cuts = world.trims(&wanted, &fitting);
    assert_eq!(
        said(&cuts),
        [
            "app.limits.cpu: wanted 800m, allowed 600m (bound on CPU of guardrail `small`)",
            "proxy.limits.cpu: wanted 400m, allowed 300m (bound on CPU of guardrail `small`)",
        ]
    );
}

#[test]
fn a_request_goes_down_with_the_limit_that_was_cut() {
    let mut world = world();
    world
        .envelope
        .memory
        .intersect(Range::new(None, Some(Bytes::new(600 * MI))), &small());
    let mut wanted = sized(500, 1000);
    wanted.containers[0].requests.memory = Some(Bytes::new(700 * MI));
    wanted.containers[0].limits.memory = Some(Bytes::new(700 * MI));
    let mut fitting = sized(500, 1000);
    fitting.containers[0].requests.memory = Some(Bytes::new(600 * MI));
    fitting.containers[0].limits.memory = Some(Bytes::new(600 * MI));
    let cuts = world.trims(&wanted, &fitting);
    assert!(cuts.iter().all(|cut| cut.rule == CutRule::PodMemory));
    assert_eq!(cuts.len(), 2);
}

#[test]
fn requests_do_not_fall_below_the_least() {
    let mut world = world();
    world
        .envelope
        .cpu
        .intersect(Range::new(Some(CpuMillis::new(300)), None), &small());
    world.trims(&sized(100, 1000), &sized(300, 1000));
    // A limit below that would be below its request.
    world.trims(&sized(100, 100), &sized(300, 300));
}

#[test]
fn from_outside_any_step_nearer_is_let_through_and_one_that_is_not_is_completed() {
    let mut world = within(None, Some(12));
    world.state.allocation.replicas = 20;
    world.approves(&pods(&world, 19));
    let cuts = world.trims(&pods(&world, 25), &pods(&world, 12));
    assert_eq!(
        said(&cuts),
        ["replicas: wanted 25, allowed 12 (bound on pods of guardrail `small`)"]
    );
    // A plan that leaves alone what is outside brings it in as well.
    let bigger = Allocation::new(20, vec![app(600, 1000)]);
    world.trims(&bigger, &bigger.with_replicas(12));
}

#[test]
fn from_outside_a_step_further_out_in_anything_is_refused() {
    let mut world = within(None, Some(12));
    world.state.allocation.replicas = 20;
    world
        .envelope
        .cpu
        .intersect(Range::new(None, Some(CpuMillis::new(800))), &small());
    world.envelope.step.replicas_down = Some(0);
    world.envelope.step.resource_factor = Some(1.0);
    let cuts = world
        .review(&Allocation::new(19, vec![app(500, 1100)]))
        .into_parts()
        .1;
    assert!(
        world
            .review(&Allocation::new(19, vec![app(500, 1100)]))
            .approved()
            .is_none(),
        "{cuts:?}"
    );
}

#[test]
fn what_a_user_says_cannot_hold_up_what_an_administrator_says() {
    let mut world = within(None, Some(12));
    let user = LimitSource::Intent("acme/many".into());
    world
        .envelope
        .replicas
        .intersect(Range::new(Some(15), None), &user);
    world.state.allocation.replicas = 20;
    assert_eq!(world.envelope.nearest(world.live()).replicas, 12);
    world.approves(&pods(&world, 12));
    // Of two administrators neither is preferred: nothing moves further than both allow.
    let mut world = within(Some(15), Some(12));
    world.state.allocation.replicas = 20;
    world.trims(&pods(&world, 12), &pods(&world, 15));
    world.state.allocation.replicas = 13;
    world.rejects(&pods(&world, 12), CutRule::Replicas);
    world.rejects(&pods(&world, 14), CutRule::Replicas);
}

// --- One decision.

#[test]
fn one_decision_goes_only_so_far() {
    let mut world = world();
    world.envelope.step.replicas_up = Some(2);
    world.envelope.step.replicas_down = Some(1);
    world.envelope.step.resource_factor = Some(1.5);
    world.envelope.sources.replicas_up = Some(small());
    let cuts = world.trims(&pods(&world, 10), &pods(&world, 5));
    assert_eq!(
        said(&cuts),
        ["replicas: wanted 10, allowed 5 (step limit of guardrail `small`)"]
    );
    world.trims(&pods(&world, 1), &pods(&world, 2));
    world.trims(&sized(1000, 1000), &sized(750, 1000));
    world.trims(&sized(500, 5000), &sized(500, 1500));
    world.trims(&sized(100, 1000), &sized(334, 1000));
    world.trims(&scaled(&world, 1, 10), &scaled(&world, 2, 5));
}

#[test]
fn a_factor_that_is_no_number_lets_no_size_move() {
    for factor in [f64::NAN, 0.0, -1.0, f64::NEG_INFINITY, 0.5] {
        let mut world = world();
        world.envelope.step.resource_factor = Some(factor);
        world.rejects(&sized(501, 1000), CutRule::Step);
        world.approves(&pods(&world, 4));
    }
    let mut world = world();
    world.envelope.step.resource_factor = Some(f64::INFINITY);
    world.approves(&sized(1000, 100_000));
}

#[test]
fn what_is_not_set_has_no_factor_to_anything() {
    let mut world = world();
    world.state.allocation.containers[0].limits.cpu = None;
    world.approves(&sized(500, 1000));
    world.envelope.step.resource_factor = Some(3.0);
    world.rejects(&sized(500, 1000), CutRule::Step);
}

#[test]
fn soon_after_an_apply_it_may_grow_but_not_shrink() {
    let mut world = world();
    world.envelope.cool_down = Some(Duration::from_secs(300));
    world.envelope.sources.cool_down = Some(small());
    world.last_applied_at = Some(now() - SignedDuration::from_secs(299));
    let cuts = world.rejects(&pods(&world, 2), CutRule::CoolDown);
    assert_eq!(
        said(&cuts),
        ["replicas: wanted 2, allowed 3 (cool-down of guardrail `small`)"]
    );
    world.rejects(&sized(400, 1000), CutRule::CoolDown);
    world.approves(&pods(&world, 9));
    world.trims(&Allocation::new(9, vec![app(400, 1000)]), &pods(&world, 9));
    // An apply in the future is as recent as can be.
    world.last_applied_at = Some(now() + SignedDuration::from_hours(48));
    world.rejects(&pods(&world, 2), CutRule::CoolDown);
    world.last_applied_at = Some(now() - SignedDuration::from_secs(300));
    world.approves(&pods(&world, 2));
    world.last_applied_at = None;
    world.approves(&pods(&world, 2));
}

#[test]
fn in_a_freeze_window_nothing_changes() {
    let mut world = world();
    world.envelope.freeze.push(FreezeWindow {
        from: now(),
        until: at("2026-11-30T00:00:00Z"),
        reason: "black friday".into(),
    });
    world.envelope.sources.freeze.push(small());
    let cuts = world.rejects(&pods(&world, 4), CutRule::Freeze);
    assert_eq!(
        said(&cuts),
        [
            "wanted replicas 3 → 4, allowed nothing before 2026-11-30T00:00:00Z (black friday) (freeze window of guardrail `small`)"
        ]
    );
    world.approved_by_person = true;
    world.rejects(&pods(&world, 4), CutRule::Freeze);
    world.now = at("2026-11-30T00:00:00Z");
    world.approves(&pods(&world, 4));
}

#[test]
fn from_a_risk_on_a_person_must_approve() {
    let low = pods(&world(), 4);
    let medium = sized(600, 1000);
    let less = pods(&world(), 2);
    let high = pods(&world(), 1);
    for (from, free, asked) in [
        (RiskClass::High, vec![&low, &medium, &less], vec![&high]),
        (RiskClass::Medium, vec![&low], vec![&medium, &less, &high]),
        (RiskClass::Low, vec![], vec![&low, &medium, &less, &high]),
    ] {
        let mut world = world();
        world.envelope.approval = Some(from);
        for wanted in free {
            world.approves(wanted);
        }
        for wanted in &asked {
            world.rejects(wanted, CutRule::Approval);
        }
        world.approved_by_person = true;
        for wanted in asked {
            world.approves(wanted);
        }
    }
    let mut world = world();
    world.envelope.approval = Some(RiskClass::High);
    let cuts = world.rejects(&high, CutRule::Approval);
    assert_eq!(
        said(&cuts),
        [
            "wanted replicas 3 → 1 (risk High), allowed only with a person's approval, from risk High on (approval)"
        ]
    );
}

#[test]
fn an_approval_does_not_cover_what_a_plan_is_completed_by() {
    let mut world = within(None, Some(12));
    world.state.allocation.replicas = 30;
    world.envelope.approval = Some(RiskClass::High);
    world.approved_by_person = true;
    // A person approved a little more CPU; to lose 18 of 30 pods with it is another matter.
    world.rejects_also(
        &Allocation::new(30, vec![app(600, 1000)]),
        CutRule::Approval,
    );
    world.approves(&pods(&world, 12));
}

#[test]
fn the_risk_of_a_change_is_what_it_could_hurt() {
    #[track_caller]
    fn check(before: &Allocation, after: &Allocation, expected: RiskClass) {
        let of = |a: &Allocation| Desired::Allocation(a.clone());
        assert_eq!(RiskClass::of(&of(before), &of(after)), expected);
    }
    let live = world().live().clone();
    check(&live, &pods(&world(), 9), RiskClass::Low);
    check(&live, &scaled(&world(), 3, 9), RiskClass::Low);
    check(&live, &scaled(&world(), 2, 9), RiskClass::Medium);
    check(&live, &sized(500, 1001), RiskClass::Medium);
    check(&live, &sized(251, 1000), RiskClass::Medium);
    check(&live, &sized(250, 1000), RiskClass::High);
    check(&live, &sized(500, 500), RiskClass::High);
    check(
        &live,
        &Allocation::new(2, vec![app(500, 740)]),
        RiskClass::High,
    );
    check(
        &live,
        &Allocation::new(0, vec![app(500, 1000)]),
        RiskClass::High,
    );
    let mut unlimited = live.clone();
    unlimited.containers[0].limits.cpu = None;
    check(&live, &unlimited, RiskClass::High);
    // A higher target of an autoscaler means fewer pods.
    let mut hotter = scaled(&world(), 2, 9);
    hotter.autoscale.as_mut().unwrap().cpu_utilization = Some(90);
    check(&scaled(&world(), 2, 9), &hotter, RiskClass::Medium);
    check(&hotter, &scaled(&world(), 2, 9), RiskClass::Low);
    let quota = |pods| {
        Desired::Quota(Some(QuotaLimits {
            pods: Some(pods),
            ..QuotaLimits::default()
        }))
    };
    assert_eq!(
        RiskClass::of(&Desired::Quota(None), &quota(5)),
        RiskClass::High
    );
}

// --- Signals.

#[test]
fn on_bad_signals_nothing_shrinks_in_any_field() {
    for health in [
        SignalHealth::Stale,
        SignalHealth::Invalid,
        SignalHealth::Missing,
    ] {
        let mut world = world();
        world.health = health;
        let cuts = world.rejects(&pods(&world, 2), CutRule::Signals);
        assert_eq!(said(&cuts), ["replicas: wanted 2, allowed 3 (fail static)"]);
        world.rejects(&sized(499, 1000), CutRule::Signals);
        world.rejects(&sized(500, 999), CutRule::Signals);
        let mut less_memory = world.live().clone();
        less_memory.containers[0].requests.memory = Some(Bytes::new(255 * MI));
        world.rejects(&less_memory, CutRule::Signals);
        less_memory = world.live().clone();
        less_memory.containers[0].limits.memory = Some(Bytes::new(511 * MI));
        world.rejects(&less_memory, CutRule::Signals);
        // What grows may.
        world.approves(&Allocation::new(9, vec![app(600, 2000)]));
        world.trims(&Allocation::new(2, vec![app(600, 2000)]), &sized(600, 2000));
    }
}

#[test]
fn on_bad_signals_an_autoscalers_bounds_and_target_do_not_give_way() {
    let mut world = world();
    world.health = SignalHealth::Stale;
    // A new one starts where the pods are.
    world.trims(&scaled(&world, 1, 9), &scaled(&world, 3, 9));
    world.trims(&scaled(&world, 1, 2), &scaled(&world, 3, 3));
    world.state.allocation = scaled(&world, 2, 9);
    world.rejects(&scaled(&world, 1, 9), CutRule::Signals);
    world.rejects(&scaled(&world, 2, 8), CutRule::Signals);
    let mut hotter = scaled(&world, 2, 9);
    hotter.autoscale.as_mut().unwrap().cpu_utilization = Some(90);
    world.rejects(&hotter, CutRule::Signals);
    world.approves(&scaled(&world, 3, 12));
    // Without it there would be no way up.
    world.rejects(
        &Allocation {
            autoscale: None,
            ..scaled(&world, 2, 9)
        },
        CutRule::Signals,
    );
}

#[test]
fn on_bad_signals_a_limit_is_neither_set_nor_removed() {
    let mut world = world();
    world.envelope.rollout = Rollout::Allowed;
    world.health = SignalHealth::Missing;
    let mut unlimited = world.live().clone();
    unlimited.containers[0].limits.memory = None;
    world.rejects(&unlimited, CutRule::Signals);
    let limited = world.live().clone();
    world.state.allocation = unlimited;
    world.rejects(&limited, CutRule::Signals);
}

#[test]
fn on_bad_signals_even_a_bound_that_came_down_does_not_shrink_what_is_live() {
    let mut world = within(None, Some(2));
    world.health = SignalHealth::Missing;
    let nearest = world.envelope.nearest(world.live());
    assert_eq!(nearest.replicas, 2);
    let cuts = world.rejects(&nearest, CutRule::Signals);
    assert_eq!(said(&cuts), ["replicas: wanted 2, allowed 3 (fail static)"]);
}

fn floor(replicas: u32, total_cpu: u64, pod_memory: u64) -> Option<Floor> {
    Some(Floor {
        replicas,
        total_cpu: CpuMillis::new(total_cpu),
        pod_memory: Bytes::new(pod_memory),
        basis: "CPU used over 5m".into(),
    })
}

#[test]
fn nothing_shrinks_below_what_the_measured_load_needs() {
    let mut world = world();
    world.floor = floor(2, 0, 0);
    let cuts = world.trims(&pods(&world, 1), &pods(&world, 2));
    assert_eq!(
        said(&cuts),
        ["replicas: wanted 1, allowed 2 (measured floor)"]
    );
    // 2100m need three pods of one core; or two, but those would have to grow first.
    world.floor = floor(1, 2100, 0);
    world.rejects(&pods(&world, 2), CutRule::Floor);
    world.trims(&sized(500, 600), &sized(500, 700));
    world.floor = floor(1, 0, 400 * MI);
    let mut less = world.live().clone();
    less.containers[0].limits.memory = Some(Bytes::new(300 * MI));
    let mut enough = less.clone();
    enough.containers[0].limits.memory = Some(Bytes::new(400 * MI));
    world.trims(&less, &enough);
}

#[test]
fn what_is_below_the_floor_already_may_stay_but_not_shrink() {
    let mut world = world();
    world.floor = floor(9, 9000, 1 << 40);
    world.rejects(&pods(&world, 2), CutRule::Floor);
    world.rejects(&sized(500, 999), CutRule::Floor);
    world.approves(&pods(&world, 4));
    world.approves(&sized(400, 1000));
}

#[test]
fn growth_in_the_same_plan_does_not_pay_for_a_shrink_before_it_is_there() {
    let mut world = world();
    world.floor = floor(1, 2700, 0);
    // Six pods of half a core are as much, but the limits fall at once and the pods come later.
    world.trims(
        &Allocation::new(6, vec![app(500, 500)]),
        &Allocation::new(6, vec![app(500, 900)]),
    );
    // So are two pods of 1350m, but a resize may have to wait and a pod is gone at once.
    world.trims(
        &Allocation::new(2, vec![app(500, 1350)]),
        &Allocation::new(3, vec![app(500, 1350)]),
    );
}

#[test]
fn one_container_cannot_be_starved_for_another() {
    let live = Allocation::new(
        1,
        vec![container("app", 100, 1000), container("proxy", 100, 1000)],
    );
    let mut world = World::new(live);
    world.floor = floor(1, 1000, 512 * MI);
    // The pod would have more than it needs, but who knows which of the two needs it.
    let wanted = Allocation::new(
        1,
        vec![container("app", 10, 10), container("proxy", 100, 5000)],
    );
    let fitting = Allocation::new(
        1,
        vec![container("app", 10, 500), container("proxy", 100, 5000)],
    );
    let cuts = world.trims(&wanted, &fitting);
    assert_eq!(
        said(&cuts),
        ["app.limits.cpu: wanted 10m, allowed 500m (measured floor)"]
    );
}

#[test]
fn a_first_limit_must_leave_room_for_all_that_the_pod_needs() {
    let mut unlimited = container("app", 100, 100);
    unlimited.limits.cpu = None;
    let mut world = World::new(Allocation::new(2, vec![unlimited]));
    world.floor = floor(1, 1000, 0);
    world.rejects(
        &Allocation::new(2, vec![container("app", 100, 499)]),
        CutRule::Floor,
    );
    world.approves(&Allocation::new(2, vec![container("app", 100, 500)]));
}

#[test]
fn an_autoscaler_cannot_be_told_to_overlook_the_load() {
    let mut world = world();
    let with = |target| {
        let mut allocation = scaled(&world, 1, 9);
        allocation.autoscale.as_mut().unwrap().cpu_utilization = Some(target);
        allocation
    };
    let (usual, full, mad) = (with(70), with(100), with(5000));
    world.state.allocation = usual.with_replicas(8);
    world.approves(&mad.with_replicas(8));
    // Eight pods are needed, and with a target of 5000 % one would stay.
    world.floor = floor(8, 8000, 0);
    world.trims(&mad.with_replicas(8), &full.with_replicas(8));
    world.approves(&full.with_replicas(8));
    // Where the minimum suffices, the target is no matter.
    world.floor = floor(1, 1000, 0);
    world.approves(&mad.with_replicas(8));
}

#[test]
fn an_autoscaler_cannot_be_set_to_go_below_the_floor() {
    let mut world = world();
    world.floor = floor(2, 0, 0);
    world.trims(&scaled(&world, 1, 9), &scaled(&world, 2, 9));
    world.trims(&scaled(&world, 1, 1), &scaled(&world, 2, 2));
}

// --- Owners.

#[test]
fn what_an_autoscaling_object_claims_is_foreign() {
    for owner in [
        FieldOwner::HorizontalPodAutoscaler("web".into()),
        FieldOwner::ScaledObject("web".into()),
    ] {
        let mut world = world();
        world.state.owners.insert(Field::Replicas, owner);
        world.rejects(&pods(&world, 9), CutRule::Owner);
        // A second autoscaler would move the same field.
        world.rejects(&scaled(&world, 2, 9), CutRule::Owner);
        world.approves(&sized(600, 1000));
        world.trims(&Allocation::new(9, vec![app(600, 1000)]), &sized(600, 1000));
    }
    let mut world = world();
    let field = size_of(ResourceBound::Requests, Resource::Cpu);
    world
        .state
        .owners
        .insert(field, FieldOwner::VerticalPodAutoscaler("web".into()));
    world.rejects(&sized(600, 1000), CutRule::Owner);
    let cuts = world.trims(&sized(600, 1100), &sized(500, 1100));
    assert_eq!(
        said(&cuts),
        ["app.requests.cpu: wanted 600m, allowed 500m (foreign field)"]
    );
}

#[test]
fn what_a_manager_claims_is_foreign_only_where_we_yield_to_it() {
    let mut world = world();
    world
        .state
        .owners
        .insert(Field::Replicas, FieldOwner::Manager("argocd".into()));
    world.approves(&pods(&world, 9));
    world.envelope.yield_to.insert("argocd".into());
    world.rejects(&pods(&world, 9), CutRule::Owner);
    world.state.owners.insert(Field::Replicas, FieldOwner::Ibn);
    world.approves(&pods(&world, 9));
}

#[test]
fn under_an_autoscaler_only_its_bounds_move() {
    let mut world = world();
    world.state.allocation = scaled(&world, 2, 9);
    let more = scaled(&world, 4, 12);
    world.trims(&more.with_replicas(8), &more);
    world.rejects(&scaled(&world, 2, 9).with_replicas(8), CutRule::Owner);
    // Neither in the plan that brings it nor in the one that takes it.
    world.trims(
        &Allocation::new(8, vec![app(500, 1000)]),
        &Allocation::new(3, vec![app(500, 1000)]),
    );
    world.state.allocation.autoscale = None;
    world.trims(&more.with_replicas(8), &more);
}

// --- What was undone, and what replaces pods.

#[test]
fn what_was_undone_does_not_come_back_for_a_while_nor_does_anything_worse() {
    let mut world = within(Some(1), None);
    world.barred.push(Barred {
        allocation: pods(&world, 2),
        until: at("2026-11-24T12:15:00Z"),
    });
    let cuts = world.rejects(&pods(&world, 2), CutRule::Barred);
    assert_eq!(
        said(&cuts),
        [
            "wanted replicas 3 → 2, allowed not again before 2026-11-24T12:15:00Z (undone allocation)"
        ]
    );
    world.rejects(&pods(&world, 1), CutRule::Barred);
    // A byte elsewhere makes it no other allocation,
    let mut disguised = pods(&world, 2);
    disguised.containers[0].limits.memory = Some(Bytes::new(512 * MI + 1));
    world.rejects(&disguised, CutRule::Barred);
    world.approves(&pods(&world, 4));
    world.now = at("2026-11-24T12:15:00Z");
    world.approves(&pods(&world, 2));
}

#[test]
fn a_hair_beside_what_was_undone_is_no_other_allocation() {
    let mut world = world();
    let barred = sized(500, 600);
    world.barred.push(Barred {
        allocation: barred,
        until: at("2026-11-24T12:15:00Z"),
    });
    // An eighth of the way back from 600m to 1 core is 650m.
    world.rejects(&sized(500, 601), CutRule::Barred);
    world.rejects(&sized(500, 650), CutRule::Barred);
    world.approves(&sized(500, 651));
}

#[test]
fn growth_that_was_undone_bars_just_itself() {
    let mut world = world();
    world.barred.push(Barred {
        allocation: pods(&world, 8),
        until: at("2026-11-24T12:15:00Z"),
    });
    world.rejects(&pods(&world, 8), CutRule::Barred);
    world.approves(&pods(&world, 9));
    world.approves(&pods(&world, 7));
}

#[test]
fn a_plan_that_is_trimmed_onto_what_was_undone_is_refused_too() {
    let mut world = within(None, Some(8));
    world.barred.push(Barred {
        allocation: pods(&world, 8),
        until: at("2026-11-24T12:15:00Z"),
    });
    assert!(world.review(&pods(&world, 20)).approved().is_none());
}

#[test]
fn what_running_pods_cannot_take_needs_a_guardrail_that_allows_rollouts() {
    let mut world = world();
    let mut unlimited = world.live().clone();
    unlimited.containers[0].limits.cpu = None;
    let cuts = world.rejects(&unlimited, CutRule::Rollout);
    assert_eq!(
        said(&cuts),
        ["app.limits.cpu: wanted unset, allowed 1 (no rollout)"]
    );
    // Requests that reach their limits everywhere would make the pod Guaranteed: stay off by the least.
    let mut guaranteed = sized(1000, 1000);
    guaranteed.containers[0].requests.memory = Some(Bytes::new(512 * MI));
    let mut beside = guaranteed.clone();
    beside.containers[0].requests.cpu = Some(CpuMillis::new(999));
    world.trims(&guaranteed, &beside);
    world.envelope.rollout = Rollout::Allowed;
    world.approves(&unlimited);
    world.approves(&guaranteed);
    // And a Guaranteed pod can't become Burstable, nor one without requests get some.
    world.envelope.rollout = Rollout::Never;
    world.state.allocation = guaranteed;
    world.rejects(&beside, CutRule::Rollout);
    world.state.allocation.containers = vec![ContainerResources::new("app")];
    world.rejects(&sized(500, 1000), CutRule::Rollout);
}

#[test]
fn under_a_maximum_a_limit_is_not_removed_even_where_pods_may_be_replaced() {
    let mut world = world();
    world.envelope.rollout = Rollout::Allowed;
    world
        .envelope
        .cpu
        .intersect(Range::new(None, Some(CpuMillis::new(2000))), &small());
    let mut unlimited = world.live().clone();
    unlimited.containers[0].limits.cpu = None;
    world.rejects(&unlimited, CutRule::PodCpu);
}

// --- What can't be meant.

#[test]
fn what_cannot_be_meant_is_refused_with_every_fault() {
    let world = world();
    let malformed = |wanted: Allocation| said(&world.rejects(&wanted, CutRule::Malformed));
    assert_eq!(
        malformed(Allocation::new(
            3,
            vec![app(500, 1000), container("log", 1, 1)]
        )),
        ["wanted containers [app, log], allowed containers [app] (malformed plan)"]
    );
    assert_eq!(
        malformed(Allocation::new(4, vec![])),
        ["wanted containers [], allowed containers [app] (malformed plan)"]
    );
    assert_eq!(
        malformed(Allocation::new(3, vec![app(1, 1000), app(1, 1000)])).len(),
        1
    );
    let mut wrong = sized(2000, 1000);
    wrong.containers[0].requests.memory = Some(Bytes::new(0));
    wrong.autoscale = Some(Autoscale {
        min: Some(5),
        max: 2,
        cpu_utilization: None,
    });
    assert_eq!(
        malformed(wrong),
        [
            "app.requests.cpu: wanted 2, allowed at most its limit, 1 (malformed plan)",
            "app.requests.memory: wanted 0, allowed more than 0 (malformed plan)",
            "autoscale: wanted 5 to 2 pods at 80 % CPU, allowed at least 1 pod at most, a minimum up to the maximum, a target above 0 % (malformed plan)",
        ]
    );
    assert_eq!(
        malformed(pods(&world, u32::MAX)),
        ["wanted more than Kubernetes can hold, allowed less (malformed plan)"]
    );
    assert_eq!(malformed(sized(500, u64::MAX)).len(), 1);
    let mut overflowing = sized(i64::MAX.unsigned_abs(), i64::MAX.unsigned_abs());
    overflowing.containers[0].requests.memory = Some(Bytes::new(1));
    assert_eq!(malformed(overflowing).len(), 1);
    rejected(world.review_quota(None), CutRule::Malformed);
    rejected(
        World::namespace(None).review(world.live()),
        CutRule::Malformed,
    );
}

#[test]
fn huge_wishes_are_trimmed_where_a_bound_is_there_to_trim_them_to() {
    let mut world = within(None, Some(12));
    world
        .envelope
        .cpu
        .intersect(Range::new(None, Some(CpuMillis::new(4000))), &small());
    world.trims(
        &Allocation::new(u32::MAX, vec![app(500, u64::MAX)]),
        &Allocation::new(12, vec![app(500, 4000)]),
    );
}

#[test]
fn a_plan_an_envelope_and_a_state_must_be_of_one_workload_and_one_snapshot() {
    let mut mixed = world();
    mixed.envelope.workload = WorkloadRef::deployment("acme", "cart");
    mixed.rejects(&pods(&mixed, 4), CutRule::Malformed);
    let mut older = world();
    older.others.push(older.state.clone());
    older.state.resource_version = "web-2".into();
    let wanted = pods(&older, 4);
    let inventory = world().inventory();
    let verdict = older.with_current(|current| {
        let mut current = *current;
        current.inventory = &inventory;
        ibn_core::guard::Guard.review(
            ibn_core::guard::Plan {
                decision: ibn_core::decision::DecisionId(1),
                workload: web(),
                desired: Desired::Allocation(wanted),
                trigger: ibn_core::decision::Trigger::Directive,
                intents: vec![],
                reasons: vec![],
            },
            &current,
        )
    });
    let cuts = rejected(verdict, CutRule::Malformed);
    assert_eq!(
        said(&cuts),
        ["wanted version `web-2`, allowed version `web-1`, as in the snapshot (malformed plan)"]
    );
}

#[test]
fn nothing_to_do_is_said() {
    let world = world();
    world.rejects(world.live(), CutRule::Unchanged);
    let mut same = scaled(&world, 1, 9);
    let mut scaled_world = world.clone();
    scaled_world.state.allocation = same.clone();
    same.autoscale.as_mut().unwrap().min = None;
    scaled_world.rejects(&same, CutRule::Unchanged);
    // Also outside the envelope: what is to be brought in must be asked for.
    let mut outside = within(None, Some(2));
    outside.rejects(&outside.live().clone(), CutRule::Unchanged);
    outside.envelope.freeze.clear();
}

#[test]
fn containers_may_be_named_in_any_order() {
    let world = World::new(Allocation::new(
        3,
        vec![container("app", 100, 200), container("log", 10, 20)],
    ));
    let wanted = Allocation::new(
        3,
        vec![container("log", 10, 30), container("app", 100, 200)],
    );
    let expected = Allocation::new(
        3,
        vec![container("app", 100, 200), container("log", 10, 30)],
    );
    let Verdict::Approved(plan) = world.review(&wanted) else {
        panic!()
    };
    assert_eq!(plan.desired(), &Desired::Allocation(expected));
}

// --- Quotas.

fn quota(cpu: Option<u64>, pods: Option<u32>) -> Option<QuotaLimits> {
    Some(QuotaLimits {
        cpu: cpu.map(CpuMillis::new),
        memory: None,
        pods,
    })
}

#[test]
fn a_quota_is_set_changed_and_removed() {
    let mut world = World::namespace(None);
    let Verdict::Approved(plan) = world.review_quota(quota(Some(8000), Some(50))) else {
        panic!()
    };
    assert_eq!(plan.desired(), &Desired::Quota(quota(Some(8000), Some(50))));
    assert_eq!(plan.reservation(), None);
    assert_eq!(
        plan.changes()[0].to_string(),
        "quota unset → 8 CPU, 50 pods"
    );
    world = world.after(&plan);
    rejected(
        world.review_quota(quota(Some(8000), Some(50))),
        CutRule::Unchanged,
    );
    assert!(matches!(world.review_quota(None), Verdict::Approved(_)));
    world.envelope.approval = Some(RiskClass::High);
    rejected(world.review_quota(None), CutRule::Approval);
}

#[test]
fn on_bad_signals_a_quota_only_grows() {
    let mut world = World::namespace(quota(Some(8000), None));
    world.health = SignalHealth::Stale;
    let cuts = rejected(
        world.review_quota(quota(Some(4000), None)),
        CutRule::Signals,
    );
    assert_eq!(
        said(&cuts),
        ["quota: wanted 4 CPU, allowed 8 CPU (fail static)"]
    );
    // What was not limited stays so.
    let verdict = world.review_quota(quota(Some(9000), Some(5)));
    assert_eq!(
        verdict.approved().unwrap().desired(),
        &Desired::Quota(quota(Some(9000), None))
    );
    assert!(matches!(world.review_quota(None), Verdict::Approved(_)));
    world.state.quota = None;
    rejected(
        world.review_quota(quota(Some(4000), None)),
        CutRule::Signals,
    );
}

#[test]
fn a_quota_of_nothing_or_zero_or_of_another_owner_is_refused() {
    let mut world = World::namespace(quota(Some(8000), None));
    rejected(
        world.review_quota(Some(QuotaLimits::default())),
        CutRule::Malformed,
    );
    rejected(world.review_quota(quota(Some(0), None)), CutRule::Malformed);
    rejected(
        world.review_quota(quota(Some(u64::MAX), None)),
        CutRule::Malformed,
    );
    world
        .state
        .owners
        .insert(Field::Quota, FieldOwner::Manager("argocd".into()));
    world.envelope.yield_to.insert("argocd".into());
    rejected(world.review_quota(quota(Some(9000), None)), CutRule::Owner);
}

// --- What an approval stands for.

#[test]
fn an_approval_holds_for_what_it_was_judged_on_and_nothing_else() {
    let world = within(None, Some(12));
    let plan = world.approves(&pods(&world, 5));
    assert!(plan.check_fresh(&world.state).is_ok());
    assert!(plan.check_envelope(&world.envelope).is_ok());
    let mut moved = world.state.clone();
    moved.resource_version = "web-2".into();
    assert_eq!(
        plan.check_fresh(&moved).unwrap_err().to_string(),
        "acme/Deployment/web has changed: judged on version `web-1`, found `web-2`"
    );
    moved.workload = WorkloadRef::deployment("acme", "cart");
    assert!(plan.check_fresh(&moved).is_err());
    let mut tighter = world.envelope.clone();
    tighter
        .replicas
        .intersect(Range::new(None, Some(4)), &small());
    assert!(plan.check_envelope(&tighter).is_err());
    assert_eq!(
        plan.changes()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["replicas 3 → 5"]
    );
    let reserved = plan.reservation().unwrap();
    assert_eq!(
        (reserved.pods, reserved.requests.cpu),
        (5, CpuMillis::new(2500))
    );
}
