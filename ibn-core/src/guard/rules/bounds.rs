//! Bounds on the number of pods and on a pod's size.

use super::super::CutRule;
use super::super::back;
use super::super::trim::{Case, Trim};
use super::size::{Counted, cap_growth, cap_shrinking};
use crate::allocation::{Allocation, Field, Resource, ResourceBound};
use crate::envelope::{Envelope, LimitSource, Limits};

pub(super) fn trim(case: &Case<'_>, trim: &mut Trim<'_>) {
    let envelope = case.current.envelope;
    trim_pods(envelope, trim);
    for resource in Resource::ALL {
        let rule = match resource {
            Resource::Cpu => CutRule::PodCpu,
            Resource::Memory => CutRule::PodMemory,
        };
        let bounds = envelope.pod_bounds(resource);
        if let Some(max) = &bounds.max {
            trim.cut(rule, &max.source, |live, now| {
                keep_limits(live, now, resource);
                let most = u128::from(max.value);
                cap_growth(live, now, resource, Counted::Ceiling, most);
            });
        }
        if let Some(min) = &bounds.min {
            trim.cut(rule, &min.source, |live, now| {
                let least = u128::from(min.value);
                cap_shrinking(live, now, resource, Counted::Reserved, least);
            });
        }
    }
}

fn trim_pods(envelope: &Envelope, trim: &mut Trim<'_>) {
    let limits = &envelope.replicas.settled();
    let range = limits.range();
    // Down to nothing is an order of its own: it is followed where it is allowed, and nowhere to 1 instead.
    let is_off = trim.now.autoscale.is_none() && trim.now.replicas == 0;
    if is_off && !range.contains(0) {
        let source = source_of(limits, true);
        trim.cut(CutRule::Replicas, source, |live, now| {
            back::least(live, now, live.replicas)
        });
    }
    let least = allowed(limits, trim.live.least_pods(), trim.now.least_pods());
    if least != trim.now.least_pods() {
        let source = source_of(limits, least > trim.now.least_pods());
        trim.cut(CutRule::Replicas, source, |live, now| {
            back::least(live, now, least)
        });
    }
    let most = allowed(limits, trim.live.most_pods(), trim.now.most_pods());
    if most != trim.now.most_pods() {
        let source = source_of(limits, most > trim.now.most_pods());
        trim.cut(CutRule::Replicas, source, |live, now| {
            back::most(live, now, most)
        });
    }
}

/// The bound to go back towards. Where the ends exclude each other, that is where what is live would go.
fn allowed(limits: &Limits<u32>, live: u32, wanted: u32) -> u32 {
    let range = limits.range();
    if range.is_contradictory() {
        live.clamp(range.max.unwrap_or(0), range.min.unwrap_or(u32::MAX))
    } else {
        range.clamp(wanted)
    }
}

fn source_of(limits: &Limits<u32>, is_min: bool) -> &LimitSource {
    let limit = if is_min { &limits.min } else { &limits.max };
    limit
        .as_ref()
        .or(limits.min.as_ref())
        .map_or(&LimitSource::Default, |limit| &limit.source)
}

/// Under a maximum a limit that is set stays set, since a container without one has no bound at all.
fn keep_limits(live: &Allocation, now: &mut Allocation, resource: Resource) {
    let bound = ResourceBound::Limits;
    let removed: Vec<Field> = live
        .containers
        .iter()
        .zip(&now.containers)
        .filter(|(before, after)| {
            before.amount(bound, resource).is_some() && after.amount(bound, resource).is_none()
        })
        .map(|(before, _)| Field::Resource {
            container: before.name.clone(),
            bound,
            resource,
        })
        .collect();
    for field in removed {
        back::field(live, now, &field);
    }
}
