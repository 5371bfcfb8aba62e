//! What can't be meant.

use ibn_core::allocation::Allocation;
use ibn_core::decision::{DecisionId, Trigger};
use ibn_core::guard::{CutRule, Desired, Guard, Plan, Verdict};
use ibn_core::intent::{Autoscale, Range};
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::WorkloadRef;

use crate::support::{
    World, app, container, pods, rejected, said, scaled, sized, small, web, within, world,
};

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
        Guard.review(
            Plan {
                decision: DecisionId(1),
                workload: web(),
                desired: Desired::Allocation(wanted),
                trigger: Trigger::Directive,
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
    let outside = within(None, Some(2));
    outside.rejects(&outside.live().clone(), CutRule::Unchanged);
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
