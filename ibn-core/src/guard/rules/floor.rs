//! Nothing shrinks below what the measured load needs.
//!
//! What grows in the same plan does not count before it is there: capacity is counted with the lesser of what is live and
//! what is wanted, in pods and in size. Nobody knows which of a pod's containers carries the load, so each must keep its
//! share of it, in proportion to what it has.

use super::super::CutRule;
use super::super::back;
use super::super::trim::{Case, Trim};
use super::size::Counted;
use crate::allocation::{Allocation, Resource, ResourceBound};
use crate::envelope::LimitSource;
use crate::observation::Floor;

pub(super) fn trim(case: &Case<'_>, trim: &mut Trim<'_>) {
    let Some(floor) = case.current.floor else {
        return;
    };
    trim.cut(CutRule::Floor, &LimitSource::Default, |live, now| {
        keep_pods(live, now, floor);
        keep_target(live, now, floor);
        let pods = u128::from(running_pods(live).min(running_pods(now)));
        if let Some(needed) = u128::from(floor.total_cpu.get()).checked_add(pods.saturating_sub(1))
            && let Some(needed) = needed.checked_div(pods)
        {
            keep_sizes(live, now, Resource::Cpu, needed);
        }
        let needed = u128::from(floor.pod_memory.get());
        keep_sizes(live, now, Resource::Memory, needed);
    });
}

/// The pods that run right after: those asked for, within the autoscaler's bounds.
fn running_pods(allocation: &Allocation) -> u32 {
    allocation
        .replicas
        .min(allocation.most_pods())
        .max(allocation.least_pods())
}

fn keep_pods(live: &Allocation, now: &mut Allocation, floor: &Floor) {
    let size = live
        .containers
        .iter()
        .zip(&now.containers)
        .map(|(a, b)| u128::from(a.ceiling(Resource::Cpu).min(b.ceiling(Resource::Cpu))))
        .sum::<u128>();
    let live_size = Counted::Ceiling.sum(live, Resource::Cpu);
    // Pods of this size that have the CPU which is needed, or which `live_pods` have.
    let for_cpu = |live_pods: u32| {
        let has = u128::from(live_pods).saturating_mul(live_size);
        let needed = has.min(u128::from(floor.total_cpu.get()));
        match needed.checked_add(size.saturating_sub(1)) {
            Some(padded) => padded
                .checked_div(size)
                .unwrap_or(u128::from(needed > 0) * u128::MAX),
            None => u128::MAX,
        }
    };
    let needed = |live_pods: u32| {
        let for_cpu = u32::try_from(for_cpu(live_pods)).unwrap_or(u32::MAX);
        floor.replicas.max(for_cpu).min(live_pods)
    };
    let least = needed(live.least_pods());
    if now.least_pods() < least {
        back::least(live, now, least);
    }
    let most = needed(running_pods(live)).max(floor.replicas.min(live.most_pods()));
    if now.most_pods() < most {
        back::most(live, now, most);
    }
}

/// An autoscaler that aims at more than all that is requested lets pods starve: it may only where its minimum suffices.
fn keep_target(live: &Allocation, now: &mut Allocation, floor: &Floor) {
    let size = Counted::Ceiling.sum(now, Resource::Cpu);
    let least = now.least_pods();
    let suffices = least >= floor.replicas
        && size.saturating_mul(least.into()) >= u128::from(floor.total_cpu.get());
    if let (Some(before), Some(after)) = (live.autoscale, &mut now.autoscale)
        && !suffices
    {
        let most = before.cpu_utilization().max(100);
        if after.cpu_utilization() > most {
            after.cpu_utilization = Some(most);
        }
    }
}

/// Keeps each container at its share of what a pod needs, or at what it has.
fn keep_sizes(live: &Allocation, now: &mut Allocation, resource: Resource, needed: u128) {
    let has = Counted::Ceiling.sum(live, resource);
    for (before, after) in live.containers.iter().zip(&mut now.containers) {
        let limit = |bound| {
            (
                before.amount(bound, resource),
                after.amount(bound, resource),
            )
        };
        if let (None, Some(limit)) = limit(ResourceBound::Limits) {
            // So far it could take what it wanted; now it must have room for all that the pod needs.
            if u128::from(limit) < needed {
                back::ceiling(before, after, resource, u64::MAX);
            }
            continue;
        }
        let mine = u128::from(before.ceiling(resource));
        let share = if needed >= has {
            mine
        } else {
            share_of(mine, needed, has)
        };
        let share = u64::try_from(share.min(mine)).unwrap_or(u64::MAX);
        if after.ceiling(resource) < share {
            back::ceiling(before, after, resource, share);
        }
    }
}

/// `mine * needed / has`, rounded up; all of `mine` where that can't be told.
fn share_of(mine: u128, needed: u128, has: u128) -> u128 {
    mine.checked_mul(needed)
        .and_then(|product| product.checked_add(has.saturating_sub(1)))
        .and_then(|padded| padded.checked_div(has))
        .unwrap_or(mine)
}
