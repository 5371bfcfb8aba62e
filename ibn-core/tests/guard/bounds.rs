//! Bounds on pods and on sizes.

use ibn_core::allocation::Allocation;
use ibn_core::envelope::LimitSource;
use ibn_core::guard::CutRule;
use ibn_core::intent::Range;
use ibn_core::units::{Bytes, CpuMillis};

use crate::support::{MI, World, app, container, pods, said, scaled, sized, small, within, world};

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
