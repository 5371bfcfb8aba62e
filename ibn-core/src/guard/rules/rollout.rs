//! What a running pod can't take in place needs new pods, and those only where that is allowed.

use super::super::CutRule;
use super::super::back;
use super::super::trim::{Case, Trim};
use crate::allocation::{Allocation, Field, Resource, ResourceBound};
use crate::envelope::LimitSource;
use crate::qos::QosClass;

/// Requests and limits that are set stay set.
pub(super) fn keep_what_is_set(case: &Case<'_>, trim: &mut Trim<'_>) {
    if case.current.envelope.rollout.is_allowed() {
        return;
    }
    let removed: Vec<Field> = trim
        .live
        .containers
        .iter()
        .filter_map(|before| Some((before, trim.now.container(&before.name)?)))
        .flat_map(|(before, after)| {
            let field = |(bound, resource)| Field::Resource {
                container: before.name.clone(),
                bound,
                resource,
            };
            before.removed_by(after).into_iter().map(field)
        })
        .collect();
    for field in removed {
        trim.cut(CutRule::Rollout, source(case), |live, now| {
            back::field(live, now, &field);
        });
    }
}

/// The class of service stays.
pub(super) fn keep_class(case: &Case<'_>, trim: &mut Trim<'_>) {
    if case.current.envelope.rollout.is_allowed() {
        return;
    }
    trim.cut(CutRule::Rollout, source(case), back_to_class);
}

/// Moves sizes back towards what is live until pods have the class of service that they have there.
pub(crate) fn back_to_class(live: &Allocation, now: &mut Allocation) {
    let class = live.qos_class();
    if now.qos_class() == class || (class == QosClass::Burstable && step_off_the_limit(live, now)) {
        return;
    }
    for (before, after) in live.containers.iter().zip(&mut now.containers) {
        after.clone_from(before);
    }
}

/// Where requests came to equal limits everywhere, takes one of them back by the least amount; whether that was enough.
fn step_off_the_limit(live: &Allocation, now: &mut Allocation) -> bool {
    for idx in 0..now.containers.len() {
        for resource in Resource::ALL {
            for bound in ResourceBound::ALL {
                let mut other = now.clone();
                let (Some(before), Some(after)) =
                    (live.containers.get(idx), other.containers.get_mut(idx))
                else {
                    continue;
                };
                let amounts = (
                    before.amount(bound, resource),
                    after.amount(bound, resource),
                );
                let (Some(from), Some(to)) = amounts else {
                    continue;
                };
                let moved = match bound {
                    ResourceBound::Requests if to > from => to.checked_sub(1),
                    ResourceBound::Limits if to < from => to.checked_add(1),
                    _ => continue,
                };
                after.set_amount(bound, resource, moved);
                if other.qos_class() == QosClass::Burstable {
                    *now = other;
                    return true;
                }
            }
        }
    }
    false
}

fn source<'a>(case: &Case<'a>) -> &'a LimitSource {
    let by = case.current.envelope.sources.rollout.as_ref();
    by.unwrap_or(&LimitSource::Default)
}
