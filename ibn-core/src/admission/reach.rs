//! How far the guard lets an order go, given time.

use crate::conflict::held_by;
use crate::decision::{DecisionId, Trigger};
use crate::envelope::Envelope;
use crate::feasibility::Scene;
use crate::guard::{Current, Cut, Desired, Guard, Plan};
use crate::intent::IntentKey;
use crate::observation::SignalHealth;
use crate::workload::{Inventory, WorkloadState};

/// More steps than this are not looked at: what goes on for so long is taken to arrive.
const MOST_STEPS: usize = 256;

/// What is decided on the way from what is live to what would be, one after the other. The number of pods is the autoscaler's for
/// as long as there is one, so it is no part of any decision, and where the autoscaler goes it comes next.
pub(super) fn stages(before: &Desired, after: &Desired) -> Vec<Desired> {
    let mut stages = vec![before.clone()];
    if let (Desired::Allocation(live), Desired::Allocation(then)) = (before, after)
        && (live.autoscale.is_some() || then.autoscale.is_some())
    {
        stages.push(Desired::Allocation(then.with_replicas(live.replicas)));
        if then.autoscale.is_none() {
            stages.push(after.clone());
        }
    } else {
        stages.push(after.clone());
    }
    // What changes nothing is not decided on.
    stages.dedup();
    stages.remove(0);
    stages
}

/// What the guard cuts of the orders of `intent` in `scene` however long it is asked: with fresh signals, no load, a person's approval,
/// outside of freezes and cool-downs, and step by step.
pub(super) fn never_let_through(
    intent: &IntentKey,
    scene: &Scene<'_>,
    inventory: &Inventory,
) -> Vec<Cut> {
    let held = held_by(&scene.held, intent);
    let envelope = Envelope {
        cool_down: None,
        freeze: Vec::new(),
        approval: None,
        ..scene.bounds.envelope.clone()
    };
    let mut state = scene.state.clone();
    let mut left = Vec::new();
    for stage in stages(&Desired::live(scene.state), &scene.wanted) {
        for _ in 0..MOST_STEPS {
            if Desired::live(&state) == stage {
                break;
            }
            let (approved, cuts) = review(intent, &stage, &state, &envelope, inventory);
            match approved {
                Some(Desired::Allocation(allocation)) => state.allocation = allocation,
                Some(Desired::Quota(quota)) => state.quota = quota,
                None => {
                    left.extend(cuts);
                    break;
                }
            }
        }
    }
    left.retain(|cut: &Cut| cut.field.as_ref().is_none_or(|field| held.contains(field)));
    left
}

fn review(
    intent: &IntentKey,
    desired: &Desired,
    state: &WorkloadState,
    envelope: &Envelope,
    inventory: &Inventory,
) -> (Option<Desired>, Vec<Cut>) {
    let plan = Plan {
        decision: DecisionId(0),
        workload: state.workload.clone(),
        desired: desired.clone(),
        trigger: Trigger::Directive,
        intents: vec![intent.clone()],
        reasons: Vec::new(),
    };
    let current = Current {
        now: jiff::Timestamp::UNIX_EPOCH,
        state,
        envelope,
        inventory,
        in_flight: &[],
        health: SignalHealth::Fresh,
        floor: None,
        last_applied_at: None,
        barred: &[],
        approved_by_person: true,
    };
    let (approved, cuts) = Guard.review(plan, &current).into_parts();
    (approved.map(|plan| plan.desired().clone()), cuts)
}
