//! On bad signals, and for a while after an apply, nothing shrinks in any field.

use super::super::back;
use super::super::trim::{Case, Trim};
use super::super::{Current, CutRule};
use crate::allocation::{Allocation, ContainerResources, Field, Resource, ResourceBound};
use crate::envelope::LimitSource;
use crate::observation::SignalHealth;

pub(super) fn trim(case: &Case<'_>, trim: &mut Trim<'_>) {
    let Some((rule, source)) = reason_to_keep(case.current) else {
        return;
    };
    trim.cut(rule, source, keep_pods);
    trim.cut(rule, source, |live, now| {
        for (before, after) in live.containers.iter().zip(&mut now.containers) {
            for resource in Resource::ALL {
                keep_size(before, after, resource);
            }
        }
    });
}

/// The rule that forbids to shrink, where there is one.
pub(in crate::guard) fn reason_to_keep<'a>(
    current: &Current<'a>,
) -> Option<(CutRule, &'a LimitSource)> {
    if current.health != SignalHealth::Fresh {
        return Some((CutRule::Signals, &LimitSource::Default));
    }
    let (last, cool_down) = (current.last_applied_at?, current.envelope.cool_down?);
    // An apply that seems to lie ahead is as recent as can be.
    let elapsed = current.now.duration_since(last).as_nanos().max(0);
    let source = current.envelope.sources.cool_down.as_ref();
    (elapsed.unsigned_abs() < cool_down.as_nanos())
        .then(|| (CutRule::CoolDown, source.unwrap_or(&LimitSource::Default)))
}

fn keep_pods(live: &Allocation, now: &mut Allocation) {
    if now.least_pods() < live.least_pods() {
        back::least(live, now, live.least_pods());
    }
    if now.most_pods() < live.most_pods() {
        back::most(live, now, live.most_pods());
    }
    // A higher target makes the autoscaler run fewer pods.
    if let (Some(before), Some(after)) = (live.autoscale, &mut now.autoscale)
        && after.cpu_utilization() > before.cpu_utilization()
    {
        after.cpu_utilization = before.cpu_utilization;
    }
}

/// A limit that was not set and is set shrinks; what was set and is not counts as shrinking too, since it is not known what
/// then holds.
fn keep_size(live: &ContainerResources, now: &mut ContainerResources, resource: Resource) {
    let amounts = |bound| (live.amount(bound, resource), now.amount(bound, resource));
    let shrinks = match amounts(ResourceBound::Limits) {
        (None, Some(_)) | (Some(_), None) => true,
        (before, after) => after < before,
    };
    if shrinks {
        let limit = live.amount(ResourceBound::Limits, resource);
        back::ceiling(live, now, resource, limit.unwrap_or(u64::MAX));
    }
    let removed = live.amount(ResourceBound::Requests, resource).is_some()
        && now.amount(ResourceBound::Requests, resource).is_none();
    if removed || now.reserved(resource) < live.reserved(resource) {
        back::reserved(live, now, resource, live.reserved(resource));
    }
}

/// Whether a field shrinks on the way from `live` to `to`.
pub(in crate::guard) fn shrinks(live: &Allocation, to: &Allocation) -> Vec<Field> {
    let mut kept = to.clone();
    keep_pods(live, &mut kept);
    for (before, after) in live.containers.iter().zip(&mut kept.containers) {
        for resource in Resource::ALL {
            keep_size(before, after, resource);
        }
    }
    to.changes_to(&kept)
        .into_iter()
        .map(|change| change.field)
        .collect()
}
