//! Cutting growth or shrinking of a pod's size in proportion over its containers.

use super::super::back;
use crate::allocation::{Allocation, ContainerResources, Resource};
use crate::envelope::apportion;

/// One of the two ways to count a container.
#[derive(Clone, Copy)]
pub(super) enum Counted {
    /// Its request, else its limit.
    Reserved,
    /// Its limit, else its request.
    Ceiling,
}

impl Counted {
    pub(super) fn of(self, container: &ContainerResources, resource: Resource) -> u64 {
        match self {
            Self::Reserved => container.reserved(resource),
            Self::Ceiling => container.ceiling(resource),
        }
    }

    /// The sum over a pod.
    pub(super) fn sum(self, allocation: &Allocation, resource: Resource) -> u128 {
        crate::envelope::sum(allocation, |container| self.of(container, resource))
    }

    fn back(
        self,
        live: &ContainerResources,
        now: &mut ContainerResources,
        resource: Resource,
        value: u64,
    ) {
        match self {
            Self::Reserved => back::reserved(live, now, resource, value),
            Self::Ceiling => back::ceiling(live, now, resource, value),
        }
    }
}

/// Cuts the growth of containers, each in proportion to its own, so that the sum is at most `most` or what is live.
pub(super) fn cap_growth(
    live: &Allocation,
    now: &mut Allocation,
    resource: Resource,
    counted: Counted,
    most: u128,
) {
    let most = most.max(counted.sum(live, resource));
    if counted.sum(now, resource) <= most {
        return;
    }
    let pairs: Vec<(u64, u64)> = pairs(live, now, resource, counted);
    let base: u128 = pairs.iter().map(|(a, b)| u128::from(*a.min(b))).sum();
    let growth: Vec<u64> = pairs.iter().map(|(a, b)| b.saturating_sub(*a)).collect();
    let shares = apportion(&growth, most.saturating_sub(base));
    for (idx, ((before, _), (share, growth))) in
        pairs.iter().zip(shares.iter().zip(&growth)).enumerate()
    {
        if *growth > 0 {
            move_one(
                live,
                now,
                idx,
                resource,
                counted,
                before.saturating_add(*share),
            );
        }
    }
}

/// Cuts the shrinking of containers, each in proportion to its own, so that the sum is at least `least` or what is live.
pub(super) fn cap_shrinking(
    live: &Allocation,
    now: &mut Allocation,
    resource: Resource,
    counted: Counted,
    least: u128,
) {
    let least = least.min(counted.sum(live, resource));
    if counted.sum(now, resource) >= least {
        return;
    }
    let pairs = pairs(live, now, resource, counted);
    let top: u128 = pairs.iter().map(|(a, b)| u128::from(*a.max(b))).sum();
    let shrinking: Vec<u64> = pairs.iter().map(|(a, b)| a.saturating_sub(*b)).collect();
    let shares = apportion(&shrinking, top.saturating_sub(least));
    for (idx, ((before, _), (share, shrinking))) in
        pairs.iter().zip(shares.iter().zip(&shrinking)).enumerate()
    {
        if *shrinking > 0 {
            move_one(
                live,
                now,
                idx,
                resource,
                counted,
                before.saturating_sub(*share),
            );
        }
    }
}

/// Each container's count before and after.
fn pairs(
    live: &Allocation,
    now: &Allocation,
    resource: Resource,
    counted: Counted,
) -> Vec<(u64, u64)> {
    live.containers
        .iter()
        .zip(&now.containers)
        .map(|(a, b)| (counted.of(a, resource), counted.of(b, resource)))
        .collect()
}

fn move_one(
    live: &Allocation,
    now: &mut Allocation,
    idx: usize,
    resource: Resource,
    counted: Counted,
    value: u64,
) {
    if let (Some(before), Some(after)) = (live.containers.get(idx), now.containers.get_mut(idx)) {
        counted.back(before, after, resource, value);
    }
}
