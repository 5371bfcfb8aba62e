//! Undoing goes through the same gate, and restores exactly what it may.

use std::collections::BTreeMap;

use ibn_core::allocation::{Allocation, Field, QuotaLimits};
use ibn_core::decision::{DecisionId, Trigger};
use ibn_core::envelope::LimitSource;
use ibn_core::guard::{ApprovedPlan, CutRule, Desired, Guard, Receipt, Verdict};
use ibn_core::intent::{Autoscale, Range};
use ibn_core::observation::SignalHealth;
use ibn_core::units::CpuMillis;
use ibn_core::workload::WorkloadRef;
use proptest::prelude::*;

use crate::support::generate::{Dice, config};
use crate::support::{Case, World, app, brief, now, oracle, rejected, said, told, web};

fn receipt(plan: &ApprovedPlan, after: &World) -> Receipt {
    Receipt {
        decision: plan.decision(),
        workload: plan.workload().clone(),
        previous: plan.before().clone(),
        applied: plan.desired().clone(),
        previous_owners: BTreeMap::new(),
        resource_version: after.state.resource_version.clone(),
        applied_at: now(),
    }
}

fn undo(world: &World, receipt: &Receipt) -> Verdict {
    world.with_current(|current| Guard.undo(DecisionId(2), receipt, current))
}

proptest! {
    #![proptest_config(config(10_000))]

    /// Whatever was applied, and whatever somebody changed since: an undo stays within what the oracle allows, touches only
    /// fields that the receipt changed and that nobody touched, and restores them exactly where that is allowed.
    #[test]
    fn an_undo_restores_exactly_what_it_may(seed in any::<u64>().no_shrink()) {
        let mut dice = Dice(seed);
        let Case { world, wanted } = dice.case();
        let Some(plan) = world.review(&wanted).into_parts().0 else { return Ok(()) };
        let mut after = world.after(&plan);
        let receipt = receipt(&plan, &after);
        if dice.percent(40) {
            after.state.allocation = dice.wanted(&after.state.allocation);
            after.state.allocation.containers = plan.desired().allocation().unwrap().containers.clone();
        }
        after.barred.clear();
        let (previous, applied) = (world.live(), plan.desired().allocation().unwrap());
        let (was, set, live) = (oracle::values(previous), oracle::values(applied), oracle::values(after.live()));
        // What an undo may want at most.
        let mut ideal = after.live().clone();
        for field in was.keys().filter(|field| was[*field] != set[*field] && set[*field] == live[*field]) {
            match field {
                Field::Replicas => ideal.replicas = previous.replicas,
                Field::Autoscale => ideal.autoscale = previous.autoscale,
                Field::Resource { container, bound, resource } => {
                    let from = previous.container(container).unwrap().amount(*bound, *resource);
                    ideal.containers.iter_mut().find(|c| c.name == *container).unwrap().set_amount(*bound, *resource, from);
                }
                Field::Quota => unreachable!(),
            }
        }
        let verdict = undo(&after, &receipt);
        let touched = was.keys().any(|field| was[field] != set[field] && set[field] != live[field]);
        if let Some(back) = verdict.approved() {
            let to = back.desired().allocation().unwrap();
            let allowed = oracle::allows(&after, to);
            prop_assert!(allowed.is_ok(), "{}: {}", allowed.unwrap_err(), brief(to));
            prop_assert_eq!((back.decision(), back.plan().trigger), (DecisionId(2), Trigger::Undo));
            if oracle::beyond(&after, after.live()).iter().all(|by| *by == 0) {
                let values = oracle::values(to);
                for field in values.keys().filter(|field| oracle::values(&ideal)[*field] == live[*field]) {
                    prop_assert_eq!(&values[field], &live[field], "{} was not its to touch", field);
                }
            }
        }
        let is_change = oracle::values(&ideal) != live;
        if is_change && oracle::allows(&after, &ideal).is_ok() {
            let approved = verdict.approved().map(|plan| plan.desired().clone());
            prop_assert_eq!(approved, Some(Desired::Allocation(ideal)), "{}", told(&verdict));
            prop_assert_eq!(matches!(verdict, Verdict::Trimmed(..)), touched);
        } else if !is_change {
            prop_assert!(matches!(verdict, Verdict::Rejected(_)));
        }
    }
}

#[track_caller]
fn applied(world: &World, wanted: &Allocation) -> (World, Receipt) {
    let plan = world.approves(wanted);
    let after = world.after(&plan);
    let receipt = receipt(&plan, &after);
    (after, receipt)
}

#[test]
fn an_undo_puts_back_exactly_what_was() {
    let before = Allocation::new(3, vec![app(500, 1000)]);
    let world = World::new(before.clone());
    let (after, receipt) = applied(&world, &Allocation::new(5, vec![app(800, 1000)]));
    match undo(&after, &receipt) {
        Verdict::Approved(plan) => {
            assert_eq!(plan.desired(), &Desired::Allocation(before));
            assert_eq!(plan.plan().trigger, Trigger::Undo);
            assert_eq!(plan.plan().reasons[0].message, "takes back what d1 did");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_somebody_changed_since_stays() {
    let world = World::new(Allocation::new(3, vec![app(500, 1000)]));
    let (mut after, receipt) = applied(&world, &Allocation::new(5, vec![app(800, 1000)]));
    after.state.allocation.replicas = 7;
    let verdict = undo(&after, &receipt);
    let Verdict::Trimmed(plan, cuts) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(
        plan.desired(),
        &Desired::Allocation(Allocation::new(7, vec![app(500, 1000)]))
    );
    assert_eq!(cuts.len(), 1);
    assert_eq!(
        cuts[0].to_string(),
        "replicas: wanted 3, allowed 7, as it is now (changed since)"
    );

    after.state.allocation = Allocation::new(7, vec![app(900, 1000)]);
    let cuts = rejected(undo(&after, &receipt), CutRule::ChangedSince);
    assert_eq!(cuts.len(), 2);
}

#[test]
fn what_no_longer_fits_what_somebody_changed_stays_too_and_the_rest_goes_back() {
    let world = World::new(Allocation::new(3, vec![app(500, 1000)]));
    let (mut after, receipt) = applied(&world, &Allocation::new(5, vec![app(300, 1000)]));
    after.state.allocation.containers = vec![app(300, 400)];
    let verdict = undo(&after, &receipt);
    let Verdict::Trimmed(plan, cuts) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(
        plan.desired(),
        &Desired::Allocation(Allocation::new(3, vec![app(300, 400)]))
    );
    assert_eq!(
        said(&cuts),
        ["app.requests.cpu: wanted 500m, allowed 300m, as it is now (changed since)"]
    );
}

#[test]
fn an_undo_cannot_leave_the_envelope_nor_shrink_on_bad_signals() {
    let world = World::new(Allocation::new(3, vec![app(500, 1000)]));
    let (mut after, receipt) = applied(&world, &Allocation::new(8, vec![app(500, 1000)]));
    after.health = SignalHealth::Missing;
    rejected(undo(&after, &receipt), CutRule::Signals);
    after.health = SignalHealth::Fresh;
    after.envelope.replicas.intersect(
        Range::new(Some(6), None),
        &LimitSource::Guardrail("season".into()),
    );
    let verdict = undo(&after, &receipt);
    assert_eq!(
        verdict.approved().unwrap().desired(),
        &Desired::Allocation(Allocation::new(6, vec![app(500, 1000)]))
    );
}

#[test]
fn undoing_an_autoscaler_removes_it_and_leaves_the_pods_where_it_took_them() {
    let world = World::new(Allocation::new(3, vec![app(500, 1000)]));
    let mut scaled = world.live().clone();
    scaled.autoscale = Some(Autoscale {
        min: Some(2),
        max: 9,
        cpu_utilization: Some(60),
    });
    let (mut after, receipt) = applied(&world, &scaled);
    after.state.allocation.replicas = 7;
    let verdict = undo(&after, &receipt);
    assert_eq!(
        verdict.approved().unwrap().desired(),
        &Desired::Allocation(Allocation::new(7, vec![app(500, 1000)]))
    );
}

#[test]
fn a_limit_that_was_set_first_goes_back_to_none_only_where_pods_may_be_replaced() {
    let mut before = Allocation::new(3, vec![app(500, 1000)]);
    before.containers[0].limits.cpu = None;
    let mut world = World::new(before.clone());
    let mut limited = before.clone();
    limited.containers[0].limits.cpu = Some(CpuMillis::new(2000));
    let (after, receipt) = applied(&world, &limited);
    rejected(undo(&after, &receipt), CutRule::Rollout);
    world.envelope.rollout = ibn_core::guardrail::Rollout::Allowed;
    let (after, receipt) = applied(&world, &limited);
    assert_eq!(
        undo(&after, &receipt).approved().unwrap().desired(),
        &Desired::Allocation(before)
    );
}

#[test]
fn a_receipt_of_another_workload_is_refused() {
    let world = World::new(Allocation::new(3, vec![app(500, 1000)]));
    let (after, mut receipt) = applied(&world, &Allocation::new(5, vec![app(500, 1000)]));
    receipt.workload = WorkloadRef::deployment("acme", "cart");
    rejected(undo(&after, &receipt), CutRule::Malformed);
    receipt.workload = web();
    receipt.previous = Desired::Quota(None);
    rejected(undo(&after, &receipt), CutRule::Malformed);
}

#[test]
fn a_quota_goes_back_unless_somebody_changed_it() {
    let quota = |pods| {
        Some(QuotaLimits {
            pods: Some(pods),
            ..QuotaLimits::default()
        })
    };
    let world = World::namespace(None);
    let Verdict::Approved(plan) = world.review_quota(quota(50)) else {
        panic!()
    };
    let mut after = world.after(&plan);
    let receipt = receipt(&plan, &after);
    assert_eq!(
        undo(&after, &receipt).approved().unwrap().desired(),
        &Desired::Quota(None)
    );
    after.state.quota = quota(60);
    let cuts = rejected(undo(&after, &receipt), CutRule::ChangedSince);
    assert_eq!(
        cuts[0].to_string(),
        "quota: wanted none, allowed 60 pods, as it is now (changed since)"
    );
}
