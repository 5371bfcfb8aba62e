//! Each rule of the guard, told as a story.

use std::collections::BTreeMap;
use std::time::Duration;

use ibn_core::allocation::{Allocation, ContainerResources, Field};
use ibn_core::decision::{DecisionId, Trigger};
use ibn_core::envelope::{Envelope, LimitSource};
use ibn_core::guard::{Current, Cut, CutRule, Desired, Guard, Plan, Verdict};
use ibn_core::intent::Range;
use ibn_core::observation::SignalHealth;
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::{Inventory, WorkloadRef, WorkloadState};
use jiff::Timestamp;

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn web() -> WorkloadRef {
    WorkloadRef::deployment("acme", "web")
}

fn app(request: u64, limit: u64) -> ContainerResources {
    ContainerResources::new("app")
        .with_requests(CpuMillis::new(request), Bytes::new(256 << 20))
        .with_limits(CpuMillis::new(limit), Bytes::new(512 << 20))
}

/// The world as the guard sees it, with everything calm.
struct World {
    state: WorkloadState,
    envelope: Envelope,
    inventory: Inventory,
    health: SignalHealth,
}

impl World {
    fn new(allocation: Allocation) -> Self {
        let state = WorkloadState {
            workload: web(),
            resource_version: "7".into(),
            labels: BTreeMap::new(),
            ready_replicas: allocation.replicas,
            allocation,
            quota: None,
            owners: BTreeMap::new(),
        };
        Self {
            inventory: Inventory {
                workloads: [(web(), state.clone())].into(),
                free: None,
            },
            state,
            envelope: Envelope::open(web()),
            health: SignalHealth::Fresh,
        }
    }

    fn current(&self) -> Current<'_> {
        Current {
            now: now(),
            state: &self.state,
            envelope: &self.envelope,
            inventory: &self.inventory,
            in_flight: &[],
            health: self.health,
            floor: None,
            last_applied_at: None,
            barred: &[],
            approved_by_person: false,
        }
    }
}

fn plan(desired: Allocation) -> Plan {
    Plan {
        decision: DecisionId(1),
        workload: web(),
        desired: Desired::Allocation(desired),
        trigger: Trigger::Recommender,
        intents: vec![],
        reasons: vec![],
    }
}

#[track_caller]
fn trimmed_to(verdict: Verdict, expected: &Allocation) -> Vec<Cut> {
    match verdict {
        Verdict::Trimmed(plan, cuts) => {
            assert_eq!(plan.desired().allocation(), Some(expected), "{cuts:?}");
            cuts
        }
        other => panic!("not trimmed: {other:?}"),
    }
}

#[test]
fn more_pods_than_the_bound_become_the_bound() {
    let mut world = World::new(Allocation::new(3, vec![app(500, 1000)]));
    let small = LimitSource::Guardrail("small".into());
    world
        .envelope
        .replicas
        .intersect(Range::new(Some(2), Some(12)), &small);
    let live = &world.state.allocation;
    let cuts = trimmed_to(
        Guard.review(plan(live.with_replicas(40)), &world.current()),
        &live.with_replicas(12),
    );
    assert_eq!(
        cuts,
        [Cut {
            rule: CutRule::Replicas,
            field: Some(Field::Replicas),
            wanted: "40".into(),
            allowed: "12".into(),
            source: small,
        }]
    );
    assert_eq!(
        cuts[0].to_string(),
        "replicas: wanted 40, allowed 12 (bound on pods of guardrail `small`)"
    );
    let _ = Duration::ZERO;
}
