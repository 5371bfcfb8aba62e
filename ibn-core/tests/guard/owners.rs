//! Whose fields are touched.

use ibn_core::allocation::{Allocation, Field, Resource, ResourceBound};
use ibn_core::guard::CutRule;
use ibn_core::workload::FieldOwner;

use crate::support::{app, pods, said, scaled, size_of, sized, world};

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
