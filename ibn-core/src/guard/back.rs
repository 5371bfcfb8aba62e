//! Moving what is wanted back towards what is live, value by value.
//!
//! Every function here moves `now` only along the way between what it is and `live`, never past either, and keeps requests
//! within limits and an autoscaler's minimum within its maximum. So rules can be applied in any order until none moves
//! anything: each round is nearer to what is live, where nothing changes.

use crate::allocation::{Allocation, ContainerResources, Field, Resource, ResourceBound};

/// `value`, or the end of the way from `a` to `b` that is nearer to it.
fn between<T: Ord + Copy>(a: T, b: T, value: T) -> T {
    value.clamp(a.min(b), a.max(b))
}

/// Moves the fewest pods towards `value`.
pub(super) fn least(live: &Allocation, now: &mut Allocation, value: u32) {
    match (&mut now.autoscale, live.autoscale) {
        (Some(scaler), _) => {
            let least = between(scaler.min_replicas(), live.least_pods(), value);
            if least != scaler.min_replicas() {
                scaler.min = Some(least);
            }
            scaler.max = scaler.max.max(least);
        }
        // An autoscaler that goes can't go by half.
        (None, Some(_)) => {
            if between(now.replicas, live.least_pods(), value) != now.replicas {
                now.autoscale = live.autoscale;
            }
        }
        (None, None) => now.replicas = between(now.replicas, live.replicas, value),
    }
}

/// Moves the most pods towards `value`.
pub(super) fn most(live: &Allocation, now: &mut Allocation, value: u32) {
    match (&mut now.autoscale, live.autoscale) {
        (Some(scaler), _) => {
            scaler.max = between(scaler.max, live.most_pods(), value);
            if scaler.min_replicas() > scaler.max {
                scaler.min = Some(scaler.max);
            }
        }
        (None, Some(_)) => {
            if between(now.replicas, live.most_pods(), value) != now.replicas {
                now.autoscale = live.autoscale;
            }
        }
        (None, None) => now.replicas = between(now.replicas, live.replicas, value),
    }
}

/// Moves a limit, or the request where there is no limit, towards `value`.
pub(super) fn ceiling(
    live: &ContainerResources,
    now: &mut ContainerResources,
    resource: Resource,
    value: u64,
) {
    let limit = |container: &ContainerResources| container.amount(ResourceBound::Limits, resource);
    match (limit(live), limit(now)) {
        (Some(from), Some(to)) => {
            let moved = between(from, to, value);
            now.set_amount(ResourceBound::Limits, resource, Some(moved));
        }
        (None, None) => return reserved(live, now, resource, value),
        (unset, _) => now.set_amount(ResourceBound::Limits, resource, unset),
    }
    if let (Some(request), Some(limit)) =
        (now.amount(ResourceBound::Requests, resource), limit(now))
        && request > limit
    {
        now.set_amount(ResourceBound::Requests, resource, Some(limit));
    }
    unset_again(live, now, resource);
}

/// Moves a request, or the limit that stands in for it, towards `value`.
pub(super) fn reserved(
    live: &ContainerResources,
    now: &mut ContainerResources,
    resource: Resource,
    value: u64,
) {
    let request =
        |container: &ContainerResources| container.amount(ResourceBound::Requests, resource);
    match (request(live), request(now)) {
        (None, None) => {
            if now.amount(ResourceBound::Limits, resource)
                != live.amount(ResourceBound::Limits, resource)
            {
                ceiling(live, now, resource, value);
            }
            return;
        }
        (Some(_), None) => now.set_amount(ResourceBound::Requests, resource, request(live)),
        (_, Some(to)) => {
            let moved = between(live.reserved(resource), to, value);
            now.set_amount(ResourceBound::Requests, resource, Some(moved));
        }
    }
    let limit = |container: &ContainerResources| container.amount(ResourceBound::Limits, resource);
    if limit(now).is_some_and(|limit| limit < now.reserved(resource)) {
        // The live limit is at least the live request, and what is reserved lies on the way to it.
        let raised = limit(live).map(|_| now.reserved(resource));
        now.set_amount(ResourceBound::Limits, resource, raised);
    }
    if request(live).is_none() && request(now) == Some(0) {
        // A request of nothing can't be meant: all of it goes back.
        now.set_amount(ResourceBound::Limits, resource, limit(live));
    }
    unset_again(live, now, resource);
}

/// A request that was not set is not set again once it is what its limit, or nothing, stands for anyway.
fn unset_again(live: &ContainerResources, now: &mut ContainerResources, resource: Resource) {
    let limit = |container: &ContainerResources| container.amount(ResourceBound::Limits, resource);
    if live.amount(ResourceBound::Requests, resource).is_none()
        && limit(now) == limit(live)
        && now.reserved(resource) == live.reserved(resource)
    {
        now.set_amount(ResourceBound::Requests, resource, None);
    }
}

/// Puts one field back to what is live.
pub(super) fn field(live: &Allocation, now: &mut Allocation, field: &Field) {
    match field {
        Field::Replicas => now.replicas = live.replicas,
        Field::Autoscale => now.autoscale = live.autoscale,
        Field::Quota => {}
        Field::Resource {
            container,
            bound,
            resource,
        } => {
            let (Some(from), Some(to)) = (
                live.container(container),
                now.containers.iter_mut().find(|c| c.name == *container),
            ) else {
                return;
            };
            to.set_amount(*bound, *resource, from.amount(*bound, *resource));
            let request = to.amount(ResourceBound::Requests, *resource);
            let limit = to.amount(ResourceBound::Limits, *resource);
            if let (Some(request), Some(limit)) = (request, limit)
                && request > limit
            {
                // The other of the two gives way, towards what is live as well.
                match bound {
                    ResourceBound::Requests => {
                        let raised = from
                            .amount(ResourceBound::Limits, *resource)
                            .map(|_| request);
                        to.set_amount(ResourceBound::Limits, *resource, raised);
                    }
                    ResourceBound::Limits => {
                        to.set_amount(ResourceBound::Requests, *resource, Some(limit));
                    }
                }
            }
            unset_again(from, to, *resource);
        }
    }
}
