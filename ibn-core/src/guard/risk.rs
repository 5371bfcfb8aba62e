//! How much a change could hurt, and who must approve it.

use super::rules::shrink;
use super::whole::whole;
use super::{Cut, CutRule, Desired};
use crate::allocation::{Allocation, Field, Resource};
use crate::envelope::{Envelope, LimitSource};
use crate::guardrail::RiskClass;

impl RiskClass {
    /// The class of a change.
    ///
    /// `High`: it needs new pods, scales to zero, touches a quota, or halves the pods, a container's limit or request, or the
    /// CPU or memory of all pods together. `Medium`: anything shrinks, or a size changes. `Low`: only pods are added.
    #[must_use]
    pub fn of(before: &Desired, after: &Desired) -> Self {
        match (before, after) {
            (Desired::Allocation(before), Desired::Allocation(after)) => {
                of_allocation(before, after)
            }
            _ => Self::High,
        }
    }
}

fn of_allocation(before: &Allocation, after: &Allocation) -> RiskClass {
    let stops = after.least_pods() == 0 && before.least_pods() > 0;
    if before.replaces_pods(after) || stops || halves(before, after) {
        return RiskClass::High;
    }
    let resizes = before
        .changes_to(after)
        .iter()
        .any(|change| matches!(change.field, Field::Resource { .. }));
    if resizes || !shrink::shrinks(before, after).is_empty() {
        RiskClass::Medium
    } else {
        RiskClass::Low
    }
}

fn halves(before: &Allocation, after: &Allocation) -> bool {
    let is_halved = |before: u128, after: u128| before > 0 && after.saturating_mul(2) <= before;
    let pods = [
        (before.least_pods(), after.least_pods()),
        (before.most_pods(), after.most_pods()),
    ];
    let sizes = before.containers.iter().filter_map(|container| {
        let other = after.container(&container.name)?;
        Some(Resource::ALL.iter().any(|resource| {
            [
                (container.ceiling(*resource), other.ceiling(*resource)),
                (container.reserved(*resource), other.reserved(*resource)),
            ]
            .into_iter()
            .any(|(before, after)| is_halved(before.into(), after.into()))
        }))
    });
    let all_together = |allocation: &Allocation, resource| {
        let size = crate::envelope::sum(allocation, |container| container.ceiling(resource));
        size.saturating_mul(allocation.least_pods().into())
    };
    pods.into_iter()
        .any(|(before, after)| is_halved(before.into(), after.into()))
        || sizes.into_iter().any(|halved| halved)
        || Resource::ALL.iter().any(|resource| {
            is_halved(
                all_together(before, *resource),
                all_together(after, *resource),
            )
        })
}

/// What needs a person's approval, as a cut.
pub(super) fn unapproved(envelope: &Envelope, before: &Desired, after: &Desired) -> Option<Cut> {
    let from = envelope.approval?;
    let risk = RiskClass::of(before, after);
    (risk >= from).then(|| {
        let changes: Vec<String> = before
            .changes_to(after)
            .iter()
            .map(ToString::to_string)
            .collect();
        let source = envelope.sources.approval.clone();
        Cut {
            source: source.unwrap_or(LimitSource::Default),
            ..whole(
                CutRule::Approval,
                format!("{} (risk {risk:?})", changes.join(", ")),
                format!("only with a person's approval, from risk {from:?} on"),
            )
        }
    })
}
