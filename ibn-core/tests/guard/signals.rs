//! Nothing shrinks on bad signals, nor below the measured floor.

use ibn_core::allocation::Allocation;
use ibn_core::guard::CutRule;
use ibn_core::guardrail::Rollout;
use ibn_core::observation::{Floor, SignalHealth};
use ibn_core::units::{Bytes, CpuMillis};

use crate::support::{MI, World, app, container, pods, said, scaled, sized, within, world};

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
