//! What was undone, and what would replace pods.

use ibn_core::allocation::ContainerResources;
use ibn_core::guard::{Barred, CutRule};
use ibn_core::guardrail::Rollout;
use ibn_core::intent::Range;
use ibn_core::units::{Bytes, CpuMillis};

use crate::support::{MI, at, pods, said, sized, small, within, world};

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
