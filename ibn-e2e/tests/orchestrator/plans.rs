//! Plans as the guard lets them through where nothing limits them.

use ibn_core::decision::{DecisionId, Trigger};
use ibn_core::envelope::Envelope;
use ibn_core::guard::{ApprovedPlan, Current, Desired, Guard, Plan, Receipt, Verdict};
use ibn_core::guardrail::Rollout;
use ibn_core::observation::SignalHealth;
use ibn_core::roles::Orchestrator;
use ibn_core::workload::{Inventory, WorkloadRef, WorkloadState};
use ibn_k8s::ClusterOrchestrator;
use jiff::Timestamp;

/// What is live of a workload.
pub(crate) async fn live(orchestrator: &ClusterOrchestrator, of: &WorkloadRef) -> WorkloadState {
    let seen = orchestrator.inventory().await.unwrap();
    seen.workloads.get(of).expect("it is listed").clone()
}

/// A change of a workload, as it is approved on what is live now.
pub(crate) async fn plan(
    orchestrator: &ClusterOrchestrator,
    decision: u64,
    of: &WorkloadRef,
    change: impl FnOnce(&mut Desired),
) -> ApprovedPlan {
    let seen = orchestrator.inventory().await.unwrap();
    let state = seen.workloads.get(of).expect("it is listed");
    let mut desired = Desired::live(state);
    change(&mut desired);
    let plan = Plan {
        decision: DecisionId(decision),
        workload: of.clone(),
        desired,
        trigger: Trigger::Directive,
        intents: Vec::new(),
        reasons: Vec::new(),
    };
    let envelope = envelope(of);
    approved(Guard.review(plan, &current(&seen, state, &envelope)))
}

/// Undoes a receipt, through the guard.
pub(crate) async fn undo(
    orchestrator: &ClusterOrchestrator,
    decision: u64,
    receipt: &Receipt,
) -> Receipt {
    let seen = orchestrator.inventory().await.unwrap();
    let state = seen.workloads.get(&receipt.workload).expect("it is listed");
    let envelope = envelope(&receipt.workload);
    let verdict = Guard.undo(
        DecisionId(decision),
        receipt,
        &current(&seen, state, &envelope),
    );
    orchestrator.apply(approved(verdict)).await.unwrap()
}

/// No limits, and pods may be replaced.
fn envelope(of: &WorkloadRef) -> Envelope {
    Envelope {
        rollout: Rollout::Allowed,
        ..Envelope::open(of.clone())
    }
}

fn approved(verdict: Verdict) -> ApprovedPlan {
    let said = format!("{verdict:?}");
    verdict.into_parts().0.expect(&said)
}

fn current<'a>(
    inventory: &'a Inventory,
    state: &'a WorkloadState,
    envelope: &'a Envelope,
) -> Current<'a> {
    Current {
        now: Timestamp::now(),
        state,
        envelope,
        inventory,
        in_flight: &[],
        health: SignalHealth::Fresh,
        floor: None,
        last_applied_at: None,
        barred: &[],
        approved_by_person: true,
    }
}
