//! What an approval stands for.

use ibn_core::intent::Range;
use ibn_core::units::CpuMillis;
use ibn_core::workload::WorkloadRef;

use crate::support::{pods, small, within};

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
