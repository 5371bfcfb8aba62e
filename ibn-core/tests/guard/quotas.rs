//! Quotas of namespaces.

use ibn_core::allocation::{Field, QuotaLimits};
use ibn_core::guard::{CutRule, Desired, Verdict};
use ibn_core::guardrail::RiskClass;
use ibn_core::observation::SignalHealth;
use ibn_core::units::CpuMillis;
use ibn_core::workload::FieldOwner;

use crate::support::{World, rejected, said};

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
