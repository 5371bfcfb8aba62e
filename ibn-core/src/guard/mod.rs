//! The guard: the only maker of [`ApprovedPlan`].

mod back;
mod plan;
mod quota;
mod risk;
mod rules;
mod trim;
mod undo;
mod whole;

use std::collections::BTreeMap;

pub use plan::{
    ApprovedPlan, Barred, Current, Cut, CutRule, Desired, Plan, Receipt, Reservation, Verdict,
};

use crate::allocation::{Allocation, ContainerResources};
use crate::workload::WorkloadRef;
use trim::{Case, Trim};

/// Judges plans against the envelope.
#[derive(Debug, Clone, Copy, Default)]
pub struct Guard;

impl Guard {
    /// Judges a plan.
    #[must_use]
    pub fn review(&self, plan: Plan, current: &Current<'_>) -> Verdict {
        let faults = whole::mismatched(&plan, current);
        if !faults.is_empty() {
            return Verdict::Rejected(faults);
        }
        let before = Desired::live(current.state);
        let faults = match (&plan.desired, &before) {
            (Desired::Allocation(wanted), Desired::Allocation(live)) => {
                whole::malformed(wanted, live)
            }
            (Desired::Quota(wanted), Desired::Quota(live)) => {
                whole::malformed_quota(*wanted, *live)
            }
            _ => Vec::new(),
        };
        if !faults.is_empty() {
            return Verdict::Rejected(faults);
        }
        let changes = before.changes_to(&plan.desired);
        if changes.is_empty() {
            let cut = whole::whole(CutRule::Unchanged, "what is live", "what is live");
            return Verdict::Rejected(vec![cut]);
        }
        let wanted: Vec<String> = changes.iter().map(ToString::to_string).collect();
        let wanted = wanted.join(", ");
        if let Some(cut) = whole::frozen(current, &wanted) {
            return Verdict::Rejected(vec![cut]);
        }
        let (after, mut cuts) = match &plan.desired {
            Desired::Allocation(allocation) => {
                let in_order = in_order_of(&current.state.allocation, allocation);
                match trimmed(in_order, current, &wanted) {
                    Ok((after, cuts)) => (Desired::Allocation(after), cuts),
                    Err(cuts) => return Verdict::Rejected(cuts),
                }
            }
            Desired::Quota(quota) => {
                let (after, cuts) = quota::trim(*quota, current.state.quota, current);
                (Desired::Quota(after), cuts)
            }
        };
        if before.changes_to(&after).is_empty() {
            return Verdict::Rejected(cuts);
        }
        if let Some(cut) = risk::unapproved(current, &before, &after) {
            cuts.push(cut);
            return Verdict::Rejected(cuts);
        }
        let approved = ApprovedPlan {
            plan: Plan {
                desired: after,
                ..plan
            },
            before,
            envelope_revision: current.envelope.revision(),
            resource_versions: resource_versions(current),
            approved_at: current.now,
        };
        if cuts.is_empty() {
            Verdict::Approved(approved)
        } else {
            Verdict::Trimmed(approved, cuts)
        }
    }
}

/// What is left of an allocation that is well formed, with what was cut; only the cuts where nothing may be done.
fn trimmed(
    wanted: Allocation,
    current: &Current<'_>,
    wanted_text: &str,
) -> Result<(Allocation, Vec<Cut>), Vec<Cut>> {
    let case = Case::new(current);
    let live = case.live();
    let envelope = current.envelope;
    let mut trim = Trim::new(live, wanted);
    let before = envelope.distance_beside(live, &case.others);
    let mut settled = rules::settle(&case, &mut trim);
    let may_be = |to: &Allocation| {
        let distance = envelope.distance_beside(to, &case.others);
        distance.is_inside() || distance.is_nearer_than(&before)
    };
    if settled && !may_be(&trim.now) {
        // What is live lies outside: the plan is completed by the way back.
        trim.pull_in(envelope);
        settled = rules::settle(&case, &mut trim);
    }
    if !settled {
        let (_, mut cuts) = trim.into_parts();
        cuts.push(whole::whole(CutRule::Malformed, wanted_text, "nothing"));
        return Err(cuts);
    }
    let is_idle = trim.changes_nothing();
    let (after, mut cuts) = trim.into_parts();
    if is_idle {
        return Err(cuts);
    }
    if !may_be(&after) {
        for violation in envelope.violations_beside(&after, &case.others) {
            cuts.push(Cut {
                rule: violation.rule,
                field: violation.field,
                wanted: format!("{} {}", violation.what, violation.found),
                allowed: violation.allowed,
                source: violation.source,
            });
        }
        return Err(cuts);
    }
    let refused =
        whole::unrepresentable(&after).or_else(|| whole::barred(current, &after, wanted_text));
    if let Some(cut) = refused {
        cuts.push(cut);
        return Err(cuts);
    }
    Ok((after, cuts))
}

/// The same allocation with its containers in the order of `live`, which has the same ones.
fn in_order_of(live: &Allocation, wanted: &Allocation) -> Allocation {
    let containers: Vec<ContainerResources> = live
        .containers
        .iter()
        .filter_map(|container| wanted.container(&container.name).cloned())
        .collect();
    Allocation {
        containers,
        ..wanted.clone()
    }
}

/// The versions of all that was judged on.
fn resource_versions(current: &Current<'_>) -> BTreeMap<WorkloadRef, String> {
    let members = current
        .envelope
        .budgets
        .iter()
        .flat_map(|budget| &budget.members)
        .filter_map(|member| current.inventory.workloads.get(member));
    members
        .chain([current.state])
        .map(|state| (state.workload.clone(), state.resource_version.clone()))
        .collect()
}
