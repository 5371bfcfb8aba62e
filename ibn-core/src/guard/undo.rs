//! Undoing what was applied, through the same gate.

use super::trim::text;
use super::whole::whole;
use super::{Current, Cut, CutRule, Desired, Guard, Plan, Receipt, Verdict, back, quota};
use crate::allocation::{Allocation, Field, Resource, ResourceBound};
use crate::decision::{DecisionId, Reason, Trigger};
use crate::envelope::LimitSource;

impl Guard {
    /// Judges taking back what `receipt` says was applied, as the new decision `decision`.
    ///
    /// Only fields that the receipt changed go back, to exactly what they were, and only those that still are what was
    /// applied: what somebody changed since stays and is cut by [`CutRule::ChangedSince`]. What is left goes through
    /// [`Guard::review`] like any other plan, so an undo can't leave the envelope either.
    #[must_use]
    pub fn undo(&self, decision: DecisionId, receipt: &Receipt, current: &Current<'_>) -> Verdict {
        let live = Desired::live(current.state);
        let (desired, mut cuts) = match (&receipt.previous, &receipt.applied, &live) {
            (
                Desired::Allocation(previous),
                Desired::Allocation(applied),
                Desired::Allocation(live),
            ) if receipt.workload == current.state.workload => {
                let (back, cuts) = take_back(previous, applied, live);
                (Desired::Allocation(back), cuts)
            }
            (Desired::Quota(previous), Desired::Quota(applied), Desired::Quota(live_quota))
                if receipt.workload == current.state.workload =>
            {
                if live_quota == applied || previous == applied {
                    (Desired::Quota(*previous), Vec::new())
                } else {
                    let cut = changed_since(
                        Field::Quota,
                        quota::text(*previous),
                        quota::text(*live_quota),
                    );
                    (live.clone(), vec![cut])
                }
            }
            _ => {
                let own = &current.state.workload;
                return Verdict::Rejected(vec![whole(
                    CutRule::Malformed,
                    format!("to undo a change of {}", receipt.workload),
                    format!("to undo a change of {own}"),
                )]);
            }
        };
        if !cuts.is_empty() && live.changes_to(&desired).is_empty() {
            return Verdict::Rejected(cuts);
        }
        let undone = receipt.decision;
        let plan = Plan {
            decision,
            workload: receipt.workload.clone(),
            desired,
            trigger: Trigger::Undo,
            intents: Vec::new(),
            reasons: vec![Reason::new("Undo", format!("takes back what {undone} did"))],
        };
        match (self.review(plan, current), cuts.is_empty()) {
            (verdict, true) => verdict,
            (Verdict::Approved(plan), false) => Verdict::Trimmed(plan, cuts),
            (Verdict::Trimmed(plan, more), false) => {
                cuts.extend(more);
                Verdict::Trimmed(plan, cuts)
            }
            (Verdict::Rejected(more), false) => {
                cuts.extend(more);
                Verdict::Rejected(cuts)
            }
        }
    }
}

/// What is live with the fields that an apply changed as they were before, and what stays since it changed again.
fn take_back(
    previous: &Allocation,
    applied: &Allocation,
    live: &Allocation,
) -> (Allocation, Vec<Cut>) {
    let mut back = live.clone();
    let mut cuts = Vec::new();
    let changed = previous.changes_to(applied);
    let moved_since = applied.changes_to(live);
    for field in changed.into_iter().map(|change| change.field) {
        let is_there = match &field {
            Field::Resource { container, .. } => live.container(container).is_some(),
            _ => true,
        };
        if is_there && moved_since.iter().all(|change| change.field != field) {
            restore(previous, &mut back, &field);
        } else {
            let (wanted, allowed) = (text(previous, &field), text(live, &field));
            cuts.push(changed_since(field, wanted, allowed));
        }
    }
    keep_apart(previous, live, &mut back, &mut cuts);
    (back, cuts)
}

/// Leaves a size as it is where somebody's later change and what would be restored exclude each other.
fn keep_apart(
    previous: &Allocation,
    live: &Allocation,
    back: &mut Allocation,
    cuts: &mut Vec<Cut>,
) {
    for (was, to) in live.containers.iter().zip(&mut back.containers) {
        for resource in Resource::ALL {
            let [request, limit] = ResourceBound::ALL.map(|bound| to.amount(bound, resource));
            if request.zip(limit).is_none_or(|(it, limit)| it <= limit) {
                continue;
            }
            for bound in ResourceBound::ALL {
                let amount = was.amount(bound, resource);
                if to.amount(bound, resource) == amount {
                    continue;
                }
                to.set_amount(bound, resource, amount);
                let field = Field::Resource {
                    container: was.name.clone(),
                    bound,
                    resource,
                };
                let (wanted, allowed) = (text(previous, &field), text(live, &field));
                cuts.push(changed_since(field, wanted, allowed));
            }
        }
    }
}

/// Sets one field to what it was, whatever the others are.
fn restore(from: &Allocation, to: &mut Allocation, field: &Field) {
    match field {
        Field::Resource {
            container,
            bound,
            resource,
        } => {
            if let (Some(from), Some(to)) = (
                from.container(container),
                to.containers.iter_mut().find(|c| c.name == *container),
            ) {
                to.set_amount(*bound, *resource, from.amount(*bound, *resource));
            }
        }
        _ => back::field(from, to, field),
    }
}

fn changed_since(field: Field, wanted: String, live: String) -> Cut {
    Cut {
        rule: CutRule::ChangedSince,
        field: Some(field),
        wanted,
        allowed: format!("{live}, as it is now"),
        source: LimitSource::Default,
    }
}
