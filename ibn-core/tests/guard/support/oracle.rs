//! What the guard may let through, recomputed from the documentation of the rules.

use std::collections::BTreeMap;

use ibn_core::allocation::{
    Allocation, ContainerResources, Field, Resource, ResourceBound, Resources,
};
use ibn_core::envelope::{Limit, LimitSource, Limits};
use ibn_core::guardrail::{RiskClass, Rollout};
use ibn_core::observation::SignalHealth;
use ibn_core::workload::FieldOwner;

use super::World;

/// Whether `after` may be applied where `world.state` is live; the first reason against it.
pub(crate) fn allows(world: &World, after: &Allocation) -> Result<(), String> {
    let before = world.live();
    is_well_formed(before, after)?;
    lies_inside_or_nearer(world, after)?;
    keeps_foreign_fields(world, after)?;
    keeps_pods(world, after)?;
    keeps_within_steps(world, after)?;
    if world.health != SignalHealth::Fresh {
        shrinks_nothing(before, after).map_err(|why| format!("bad signals: {why}"))?;
    }
    if let (Some(cool_down), Some(last)) = (world.envelope.cool_down, world.last_applied_at) {
        let elapsed = world.now.as_nanosecond() - last.as_nanosecond();
        if elapsed < i128::try_from(cool_down.as_nanos()).unwrap_or(i128::MAX) {
            shrinks_nothing(before, after).map_err(|why| format!("cool-down: {why}"))?;
        }
    }
    stays_above_floor(world, after)?;
    let frozen = |w: &ibn_core::guardrail::FreezeWindow| w.from <= world.now && world.now < w.until;
    if world.envelope.freeze.iter().any(frozen) {
        return Err("frozen".into());
    }
    for barred in &world.barred {
        if world.now < barred.until && returns_to(before, &barred.allocation, after) {
            return Err("barred".into());
        }
    }
    if let Some(from) = world.envelope.approval
        && !world.approved_by_person
        && risk(before, after) >= from
    {
        return Err("not approved by a person".into());
    }
    Ok(())
}

pub(crate) fn get(resources: &Resources, resource: Resource) -> Option<i128> {
    match resource {
        Resource::Cpu => resources.cpu.map(|cpu| i128::from(cpu.get())),
        Resource::Memory => resources.memory.map(|memory| i128::from(memory.get())),
    }
}

pub(crate) fn request(c: &ContainerResources, resource: Resource) -> i128 {
    get(&c.requests, resource)
        .or(get(&c.limits, resource))
        .unwrap_or(0)
}

pub(crate) fn limit(c: &ContainerResources, resource: Resource) -> i128 {
    get(&c.limits, resource)
        .or(get(&c.requests, resource))
        .unwrap_or(0)
}

pub(crate) fn requests(a: &Allocation, resource: Resource) -> i128 {
    a.containers.iter().map(|c| request(c, resource)).sum()
}

pub(crate) fn limits(a: &Allocation, resource: Resource) -> i128 {
    a.containers.iter().map(|c| limit(c, resource)).sum()
}

pub(crate) const BOTH: [Resource; 2] = [Resource::Cpu, Resource::Memory];

/// The fewest and the most pods that there may come to be without asking again.
pub(crate) fn span(a: &Allocation) -> (i128, i128) {
    match a.autoscale {
        Some(h) => (h.min.unwrap_or(1).into(), h.max.into()),
        None => (a.replicas.into(), a.replicas.into()),
    }
}

fn pairs<'a>(
    before: &'a Allocation,
    after: &'a Allocation,
) -> impl Iterator<Item = (&'a ContainerResources, &'a ContainerResources)> {
    before.containers.iter().zip(&after.containers)
}

fn is_well_formed(before: &Allocation, after: &Allocation) -> Result<(), String> {
    let names = |a: &Allocation| {
        a.containers
            .iter()
            .map(|c| c.name.clone())
            .collect::<Vec<_>>()
    };
    if names(before) != names(after) {
        return Err("other containers".into());
    }
    for (b, a) in pairs(before, after).filter(|(b, a)| a != b) {
        for resource in BOTH {
            let (r, l) = (get(&a.requests, resource), get(&a.limits, resource));
            if let (Some(r), Some(l)) = (r, l)
                && r > l
            {
                return Err("request above limit".into());
            }
            for (now, was) in [
                (r, get(&b.requests, resource)),
                (l, get(&b.limits, resource)),
            ] {
                if now == Some(0) && was != Some(0) {
                    return Err("set to nothing".into());
                }
            }
        }
    }
    let amounts = values(after).into_values().flatten().flatten();
    if amounts.max() > Some(i64::MAX.into()) {
        return Err("too large to write".into());
    }
    let (least, most) = span(after);
    let pods = most.max(after.replicas.into());
    if least > most || pods > i32::MAX.into() {
        return Err("impossible numbers of pods".into());
    }
    if let Some(h) = after.autoscale
        && (h.max == 0 || h.cpu_utilization == Some(0))
    {
        return Err("impossible autoscaler".into());
    }
    if BOTH
        .iter()
        .any(|r| pods * requests(after, *r) > i64::MAX.into())
    {
        return Err("too much to write".into());
    }
    Ok(())
}

/// Both ends; an intent's end gives way to a guardrail's.
pub(crate) fn ends<T: Copy>(
    limits: &Limits<T>,
    number: impl Fn(T) -> i128,
) -> (Option<i128>, Option<i128>) {
    let end = |limit: &Option<Limit<T>>| limit.as_ref().map(|limit| number(limit.value));
    let by_intent = |limit: &Option<Limit<T>>| {
        limit
            .as_ref()
            .map(|limit| matches!(limit.source, LimitSource::Intent(_)))
    };
    match (
        end(&limits.min),
        end(&limits.max),
        by_intent(&limits.min),
        by_intent(&limits.max),
    ) {
        (Some(min), Some(max), Some(true), Some(false)) if min > max => (Some(max), Some(max)),
        (Some(min), Some(max), Some(false), Some(true)) if min > max => (Some(min), Some(min)),
        (min, max, ..) => (min, max),
    }
}

/// By how much every bound is exceeded.
pub(crate) fn beyond(world: &World, a: &Allocation) -> Vec<i128> {
    let envelope = &world.envelope;
    let mut beyond = Vec::new();
    let mut hold = |value: i128, min: Option<i128>, max: Option<i128>| {
        beyond.push(min.map_or(0, |min| (min - value).max(0)));
        beyond.push(max.map_or(0, |max| (value - max).max(0)));
    };
    let (min, max) = ends(&envelope.replicas, i128::from);
    let (least, most) = span(a);
    for pods in [i128::from(a.replicas), least, most] {
        hold(pods, min, max);
    }
    let cpu = ends(&envelope.cpu, |x| x.get().into());
    let memory = ends(&envelope.memory, |x| x.get().into());
    hold(requests(a, Resource::Cpu), cpu.0, None);
    hold(limits(a, Resource::Cpu), None, cpu.1);
    hold(requests(a, Resource::Memory), memory.0, None);
    hold(limits(a, Resource::Memory), None, memory.1);
    for budget in &envelope.budgets {
        let [mut cpu, mut memory, mut pods] = draw(a);
        for member in budget
            .members
            .iter()
            .filter(|m| **m != world.state.workload)
        {
            let mut taken = world
                .others
                .iter()
                .find(|state| state.workload == *member)
                .map_or([0; 3], |state| draw(&state.allocation));
            for r in world.in_flight.iter().filter(|r| r.workload == *member) {
                let reserved = [
                    r.requests.cpu.get().into(),
                    r.requests.memory.get().into(),
                    r.pods.into(),
                ];
                for (t, r) in taken.iter_mut().zip(reserved) {
                    *t = i128::max(*t, r);
                }
            }
            cpu += taken[0];
            memory += taken[1];
            pods += taken[2];
        }
        hold(cpu, None, budget.limit.cpu.map(|x| x.get().into()));
        hold(memory, None, budget.limit.memory.map(|x| x.get().into()));
        hold(pods, None, budget.pods.map(i128::from));
    }
    beyond
}

/// CPU, memory and pods that an allocation may come to draw from a budget.
pub(crate) fn draw(a: &Allocation) -> [i128; 3] {
    let pods = span(a).1.max(a.replicas.into());
    [
        pods * requests(a, Resource::Cpu),
        pods * requests(a, Resource::Memory),
        pods,
    ]
}

pub(crate) fn lies_inside_or_nearer(world: &World, after: &Allocation) -> Result<(), String> {
    let (was, is) = (beyond(world, world.live()), beyond(world, after));
    if is.iter().all(|by| *by == 0) {
        return Ok(());
    }
    if is.iter().zip(&was).any(|(is, was)| is > was) {
        return Err(format!("further outside: {was:?} to {is:?}"));
    }
    if is == was {
        return Err(format!("outside and no nearer: {is:?}"));
    }
    Ok(())
}

fn is_foreign(world: &World, field: &Field) -> bool {
    match world.state.owners.get(field) {
        None | Some(FieldOwner::Ibn) => false,
        Some(FieldOwner::Manager(name)) => world.envelope.yield_to.contains(name),
        Some(_) => true,
    }
}

/// Every field with its value.
pub(crate) fn values(a: &Allocation) -> BTreeMap<Field, Option<[i128; 3]>> {
    let mut values = BTreeMap::new();
    values.insert(Field::Replicas, Some([a.replicas.into(), 0, 0]));
    let scaler = a.autoscale.map(|h| {
        [
            h.min.unwrap_or(1).into(),
            h.max.into(),
            h.cpu_utilization.unwrap_or(80).into(),
        ]
    });
    values.insert(Field::Autoscale, scaler);
    for c in &a.containers {
        for resource in BOTH {
            for (bound, resources) in [
                (ResourceBound::Requests, &c.requests),
                (ResourceBound::Limits, &c.limits),
            ] {
                let field = Field::Resource {
                    container: c.name.clone(),
                    bound,
                    resource,
                };
                values.insert(field, get(resources, resource).map(|x| [x, 0, 0]));
            }
        }
    }
    values
}

fn keeps_foreign_fields(world: &World, after: &Allocation) -> Result<(), String> {
    let (was, is) = (values(world.live()), values(after));
    for (field, value) in &is {
        let moved = was.get(field) != Some(value);
        let foreign = is_foreign(world, field)
            || (*field == Field::Autoscale && is_foreign(world, &Field::Replicas));
        if moved && foreign {
            return Err(format!("{field} is foreign"));
        }
    }
    let scaled = world.live().autoscale.is_some() || after.autoscale.is_some();
    if scaled && after.replicas != world.live().replicas {
        return Err("replicas are the autoscaler's".into());
    }
    Ok(())
}

fn qos(a: &Allocation) -> u8 {
    let set = |r: &Resources, resource| get(r, resource).filter(|x| *x > 0);
    let any = a.containers.iter().any(|c| {
        BOTH.iter()
            .any(|r| set(&c.requests, *r).is_some() || set(&c.limits, *r).is_some())
    });
    let pinned = a.containers.iter().all(|c| {
        BOTH.iter().all(|r| {
            let limit = set(&c.limits, *r);
            limit.is_some() && (get(&c.requests, *r).is_none() || get(&c.requests, *r) == limit)
        })
    });
    match (any, pinned) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    }
}

/// Whether running pods can't take the change.
fn needs_new_pods(before: &Allocation, after: &Allocation) -> bool {
    let (was, is) = (values(before), values(after));
    let removed = was.iter().any(|(field, value)| {
        matches!(field, Field::Resource { .. }) && value.is_some() && is.get(field) == Some(&None)
    });
    removed || qos(before) != qos(after)
}

fn keeps_pods(world: &World, after: &Allocation) -> Result<(), String> {
    if world.envelope.rollout == Rollout::Never && needs_new_pods(world.live(), after) {
        return Err("pods would be replaced".into());
    }
    for (b, a) in pairs(world.live(), after) {
        for (resource, bounded) in [
            (Resource::Cpu, world.envelope.cpu.max.is_some()),
            (Resource::Memory, world.envelope.memory.max.is_some()),
        ] {
            if bounded && get(&b.limits, resource).is_some() && get(&a.limits, resource).is_none() {
                return Err("a limit is removed under a maximum".into());
            }
        }
    }
    Ok(())
}

fn keeps_within_steps(world: &World, after: &Allocation) -> Result<(), String> {
    let before = world.live();
    let step = &world.envelope.step;
    let goes = before.autoscale.is_some() && after.autoscale.is_none();
    let (least, most) = (span(before), span(after));
    for (was, is) in [(least.0, most.0), (least.1, most.1)] {
        if !goes && step.replicas_up.is_some_and(|up| is - was > up.into()) {
            return Err(format!("from {was} up to {is} pods"));
        }
        if !goes
            && step
                .replicas_down
                .is_some_and(|down| was - is > down.into())
        {
            return Err(format!("from {was} down to {is} pods"));
        }
    }
    let Some(factor) = step.resource_factor.filter(|f| *f != f64::INFINITY) else {
        return Ok(());
    };
    // What is no factor of at least 1 lets nothing move.
    let factor = if factor >= 1.0 { factor } else { 1.0 };
    let (was, is) = (values(before), values(after));
    for (field, value) in was
        .iter()
        .filter(|(f, _)| matches!(f, Field::Resource { .. }))
    {
        match (value, is.get(field).unwrap()) {
            (Some([was, ..]), Some([is, ..])) => {
                let (was, is) = (*was as f64, *is as f64);
                // Doubles are good to 15 digits; a factor of exactly 1 is told apart by the sign.
                let slack = if factor == 1.0 { 0.0 } else { 1e-12 };
                if is > was * factor * (1.0 + slack) || was > is * factor * (1.0 + slack) {
                    return Err(format!(
                        "{field} from {was} to {is} is more than {factor} times"
                    ));
                }
            }
            (None, None) => {}
            _ => return Err(format!("{field} has no factor")),
        }
    }
    Ok(())
}

pub(crate) fn shrinks_nothing(before: &Allocation, after: &Allocation) -> Result<(), String> {
    let (was, is) = (span(before), span(after));
    if is.0 < was.0 || is.1 < was.1 {
        return Err(format!("pods from {was:?} to {is:?}"));
    }
    if let (Some(b), Some(a)) = (before.autoscale, after.autoscale)
        && a.cpu_utilization.unwrap_or(80) > b.cpu_utilization.unwrap_or(80)
    {
        return Err("a higher target".into());
    }
    for (b, a) in pairs(before, after) {
        for resource in BOTH {
            if request(a, resource) < request(b, resource) {
                return Err(format!("{} requests less {resource:?}", a.name));
            }
            if get(&b.requests, resource).is_some() && get(&a.requests, resource).is_none() {
                return Err(format!("{} no longer requests {resource:?}", a.name));
            }
            match (get(&b.limits, resource), get(&a.limits, resource)) {
                (None, None) => {}
                (Some(was), Some(is)) if is >= was => {}
                (was, is) => return Err(format!("{}'s limit from {was:?} to {is:?}", a.name)),
            }
        }
    }
    Ok(())
}

/// Pods that run right after.
fn running(a: &Allocation) -> i128 {
    let (least, most) = span(a);
    i128::from(a.replicas).min(most).max(least)
}

fn stays_above_floor(world: &World, after: &Allocation) -> Result<(), String> {
    let Some(floor) = &world.floor else {
        return Ok(());
    };
    let before = world.live();
    let (was, is) = (span(before), span(after));
    let pods = i128::from(floor.replicas);
    if is.0 < was.0.min(pods) || is.1 < was.1.min(pods) {
        return Err(format!("pods {is:?} below the floor {pods}"));
    }
    // What grows does not count yet.
    let size: i128 = pairs(before, after)
        .map(|(b, a)| limit(b, Resource::Cpu).min(limit(a, Resource::Cpu)))
        .sum();
    let needed = i128::from(floor.total_cpu.get());
    let live_size = limits(before, Resource::Cpu);
    for (was, is) in [(was.0, is.0), (running(before), running(after))] {
        if is < was && is * size < needed.min(was * live_size) {
            return Err(format!("{is} pods of {size} for {needed}"));
        }
    }
    if let (Some(b), Some(a)) = (before.autoscale, after.autoscale)
        && a.cpu_utilization.unwrap_or(80) > b.cpu_utilization.unwrap_or(80).max(100)
        && (is.0 < pods || is.0 * limits(after, Resource::Cpu) < needed)
    {
        return Err("a target above all that is requested, and a minimum below the floor".into());
    }
    let pods = running(before).min(running(after));
    for (resource, per_pod) in [
        (
            Resource::Cpu,
            if pods > 0 {
                (needed + pods - 1) / pods
            } else {
                0
            },
        ),
        (Resource::Memory, i128::from(floor.pod_memory.get())),
    ] {
        let has = limits(before, resource);
        for (b, a) in pairs(before, after) {
            let unlimited = get(&b.limits, resource).is_none();
            if let (true, Some(limit)) = (unlimited, get(&a.limits, resource)) {
                if limit < per_pod {
                    return Err(format!("{} is newly limited to {limit}", a.name));
                }
                continue;
            }
            // Shares in proportion to what each has: is / was >= per_pod / has.
            let (was, is) = (limit(b, resource), limit(a, resource));
            let falls_short = match (is.checked_mul(has), was.checked_mul(per_pod)) {
                (Some(keeps), Some(needs)) => keeps < needs,
                _ => (is as f64) * (has as f64) < (was as f64) * (per_pod as f64) * (1.0 - 1e-12),
            };
            if is < was && falls_short {
                return Err(format!(
                    "{} keeps {is} of {was} where a pod of {has} needs {per_pod}",
                    a.name
                ));
            }
        }
    }
    Ok(())
}

fn returns_to(live: &Allocation, barred: &Allocation, after: &Allocation) -> bool {
    let (was, bad, is) = (values(live), values(barred), values(after));
    if bad
        .iter()
        .all(|(field, value)| is.get(field).is_none_or(|now| now == value))
    {
        return true;
    }
    let moved: Vec<_> = bad
        .iter()
        .filter(|(field, value)| was.get(field).is_some_and(|was| was != *value))
        .collect();
    !moved.is_empty()
        && moved.into_iter().all(|(field, value)| {
            let (was, is) = (was[field], is[field]);
            match (was, *value, is) {
                (Some(was), Some(bad), Some(is))
                    if *field != Field::Autoscale && bad[0] < was[0] =>
                {
                    is[0] <= bad[0] + (was[0] - bad[0]) / 8
                }
                _ => is == *value,
            }
        })
}

pub(crate) fn risk(before: &Allocation, after: &Allocation) -> RiskClass {
    let halved = |was: i128, is: i128| was > 0 && 2 * is <= was;
    let (was, is) = (span(before), span(after));
    let mut high = needs_new_pods(before, after)
        || (is.0 == 0 && was.0 > 0)
        || halved(was.0, is.0)
        || halved(was.1, is.1);
    for resource in BOTH {
        for (b, a) in pairs(before, after) {
            high |= halved(limit(b, resource), limit(a, resource));
            high |= halved(request(b, resource), request(a, resource));
        }
        high |= halved(
            was.0 * limits(before, resource),
            is.0 * limits(after, resource),
        );
    }
    if high {
        return RiskClass::High;
    }
    let resized = before.containers != after.containers;
    if resized || shrinks_nothing(before, after).is_err() {
        RiskClass::Medium
    } else {
        RiskClass::Low
    }
}
