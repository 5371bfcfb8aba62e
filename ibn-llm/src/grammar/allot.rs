//! Requests and limits: which fields of which containers a change of CPU or memory is about.

use ibn_core::allocation::Resources;
use ibn_core::catalog::{CatalogContainer, CatalogWorkload};
use ibn_core::intent::{Amount, ResourceAmounts, ResourcesDirective};
use ibn_core::translation::Translation;
use ibn_core::units::{Bytes, CpuMillis, SignedBytes, SignedCpuMillis};

use super::reply::{clarify, clarify_among};
use super::sem::{Change, ContainerPick, Dir, Noun, Part, Qty, Side, Unit};
use super::{clash, measure};

type Answer<T> = Result<T, Translation>;

/// The directives that the parts stand for on a workload, with notes.
pub(crate) fn directives(
    workload: &CatalogWorkload,
    pick: Option<&ContainerPick>,
    parts: &[Part],
) -> Answer<(Vec<ResourcesDirective>, Vec<String>)> {
    let mut found: Vec<ResourcesDirective> = Vec::new();
    let mut notes = Vec::new();
    for part in parts {
        let (cpu, memory) = kinds(part)?;
        if cpu {
            let amount = cpu_amount(&part.change)?;
            place(workload, pick, part, amount, &CPU, &mut found)?;
        }
        if memory {
            let (amount, note) = memory_amount(&part.change)?;
            notes.extend(note);
            place(workload, pick, part, amount, &MEMORY, &mut found)?;
        }
    }
    Ok((found, notes))
}

/// Whether a part is about CPU, memory or both.
fn kinds(part: &Part) -> Answer<(bool, bool)> {
    let Noun { cpu, memory, .. } = part.noun;
    if let Change::Ask(missing, question) = &part.change {
        return Err(clarify(missing, question.clone()));
    }
    match (cpu, memory, part.change.qty()) {
        (true, true, Some(qty)) => Err(clarify(
            "amount",
            format!(
                "{} for CPU or for memory? They need an amount each.",
                qty.number
            ),
        )),
        (false, false, Some(qty)) => {
            let is_memory = measure::is_memory(qty)?;
            Ok((!is_memory, is_memory))
        }
        (false, false, None) => Ok((true, true)),
        (cpu, memory, _) => Ok((cpu, memory)),
    }
}

fn cpu_amount(change: &Change) -> Answer<Amount<CpuMillis>> {
    match change {
        Change::To(qty) | Change::Toward(_, qty) => {
            if qty.unit == Unit::Percent {
                return Err(percent_question(qty));
            }
            let value = measure::container_cpu(qty, false)?.value;
            nonzero(value.get() > 0)?;
            Ok(Amount::To(value))
        }
        Change::Add(qty) => {
            let size = measure::container_cpu(&positive(qty), true)?.value.get();
            nonzero(size > 0)?;
            let size = i64::try_from(size).map_err(|_| measure::unit_question(qty))?;
            Ok(Amount::Add(SignedCpuMillis::new(sign(qty) * size)))
        }
        Change::Scale(factor) => {
            nonzero(*factor > 0.0)?;
            Ok(Amount::Scale(*factor))
        }
        Change::Ask(missing, question) => Err(clarify(missing, question.clone())),
    }
}

fn memory_amount(change: &Change) -> Answer<(Amount<Bytes>, Option<String>)> {
    match change {
        Change::To(qty) | Change::Toward(_, qty) => {
            if qty.unit == Unit::Percent {
                return Err(percent_question(qty));
            }
            let noted = measure::memory(qty)?;
            nonzero(noted.value.get() > 0)?;
            Ok((Amount::To(noted.value), noted.note))
        }
        Change::Add(qty) => {
            let noted = measure::memory(&positive(qty))?;
            nonzero(noted.value.get() > 0)?;
            let size = i64::try_from(noted.value.get()).map_err(|_| measure::unit_question(qty))?;
            Ok((Amount::Add(SignedBytes::new(sign(qty) * size)), noted.note))
        }
        Change::Scale(factor) => {
            nonzero(*factor > 0.0)?;
            Ok((Amount::Scale(*factor), None))
        }
        Change::Ask(missing, question) => Err(clarify(missing, question.clone())),
    }
}

fn percent_question(qty: &Qty) -> Translation {
    clarify(
        "amount",
        format!(
            "{} % of what? Say by how many percent more or less.",
            qty.number
        ),
    )
}

/// No CPU or memory at all would be the end of the limit, which can't be said.
fn nonzero(positive: bool) -> Answer<()> {
    if positive {
        Ok(())
    } else {
        Err(clarify(
            "amount",
            "A container needs more than nothing. How much?",
        ))
    }
}

fn positive(qty: &Qty) -> Qty {
    let number = if qty.number.is_negative() {
        qty.number.negated()
    } else {
        qty.number
    };
    Qty {
        number,
        ..qty.clone()
    }
}

fn sign(qty: &Qty) -> i64 {
    if qty.number.is_negative() { -1 } else { 1 }
}

/// How to look at CPU or memory in a catalog and in a directive.
struct Field<T: ibn_core::units::Magnitude> {
    name: &'static str,
    live: fn(&Resources) -> Option<T>,
    slot: fn(&mut ResourceAmounts) -> &mut Option<Amount<T>>,
}

const CPU: Field<CpuMillis> = Field {
    name: "CPU",
    live: |resources| resources.cpu,
    slot: |amounts| &mut amounts.cpu,
};

const MEMORY: Field<Bytes> = Field {
    name: "memory",
    live: |resources| resources.memory,
    slot: |amounts| &mut amounts.memory,
};

/// Writes one amount into the directives of the containers that it is for.
fn place<T>(
    workload: &CatalogWorkload,
    pick: Option<&ContainerPick>,
    part: &Part,
    amount: Amount<T>,
    field: &Field<T>,
    found: &mut Vec<ResourcesDirective>,
) -> Answer<()>
where
    T: ibn_core::units::Magnitude + PartialEq,
{
    let side = part.noun.side;
    let containers: Vec<&CatalogContainer> = match pick {
        None | Some(ContainerPick::All) => workload.containers.iter().collect(),
        Some(ContainerPick::Named(name)) => {
            let one = workload
                .containers
                .iter()
                .find(|container| container.name == *name)
                .ok_or_else(|| unknown_container(workload, name))?;
            vec![one]
        }
        Some(ContainerPick::Unknown(name)) => return Err(unknown_container(workload, name)),
    };
    let named = match pick {
        Some(ContainerPick::Named(name)) => Some(name.clone()),
        _ => None,
    };
    let absolute = !matches!(amount, Amount::Scale(_));
    if absolute && pick.is_none() && containers.len() > 1 {
        return Err(clarify_among(
            "container",
            format!(
                "`{}` has several containers. Which one gets that {}?",
                workload.name, field.name
            ),
            containers.iter().map(|it| it.name.clone()).collect(),
        ));
    }
    let is_set = matches!(amount, Amount::To(_));
    // Which sides each container is changed on.
    let sides = |container: &CatalogContainer| -> (bool, bool) {
        let sets = |resources: &Resources| (field.live)(resources).is_some();
        let (requested, limited) = (sets(&container.requests), sets(&container.limits));
        match side {
            Side::Requests => (is_set || requested, false),
            Side::Limits => (false, is_set || limited),
            Side::Both => (is_set || requested, is_set || limited),
            Side::Unsaid if is_set && !limited => (true, false),
            Side::Unsaid => (requested, limited),
        }
    };
    // Where the catalog doesn't know the containers, what is set is found out on the cluster.
    if containers.is_empty() {
        let (requests, limits) = match side {
            Side::Requests => (true, false),
            Side::Limits => (false, true),
            Side::Both => (true, true),
            Side::Unsaid => (true, !is_set),
        };
        return write(found, named, (requests, limits), amount, field);
    }
    let all: Vec<(bool, bool)> = containers.iter().map(|it| sides(it)).collect();
    if all.iter().all(|(requests, limits)| !requests && !limits) {
        let what = match side {
            Side::Requests => "request",
            Side::Limits => "limit",
            Side::Unsaid | Side::Both => "request or limit",
        };
        return Err(clarify(
            "amount",
            format!(
                "`{}` sets no {} {what} that could be changed by that. How much should it be?",
                workload.name, field.name
            ),
        ));
    }
    if let (Change::Toward(dir, _), Amount::To(value)) = (&part.change, amount) {
        let changes = containers.iter().zip(&all).map(|(it, sides)| (*it, *sides));
        in_direction(workload, *dir, value, changes.collect(), field)?;
    }
    let first = all.first().copied().unwrap_or_default();
    let uniform = all.iter().all(|it| *it == first);
    if is_set && !uniform && named.is_none() {
        for (container, sides) in containers.iter().zip(&all) {
            write(found, Some(container.name.clone()), *sides, amount, field)?;
        }
        return Ok(());
    }
    let any = (
        all.iter().any(|(requests, _)| *requests),
        all.iter().any(|(_, limits)| *limits),
    );
    write(found, named, any, amount, field)
}

/// A question where a value that is to be more, or less, is the opposite of what a container has now.
fn in_direction<T>(
    workload: &CatalogWorkload,
    dir: Dir,
    value: T,
    changes: Vec<(&CatalogContainer, (bool, bool))>,
    field: &Field<T>,
) -> Answer<()>
where
    T: ibn_core::units::Magnitude + PartialEq,
{
    for (container, (requests, limits)) in changes {
        let sides = [
            (requests, &container.requests, "request"),
            (limits, &container.limits, "limit"),
        ];
        for (changed, resources, side) in sides {
            let live = (field.live)(resources).filter(|_| changed);
            if let Some(live) = live.filter(|live| dir.excludes(live, &value)) {
                let live = format!(
                    "`{}` of `{}` has a {} {side} of {live}",
                    container.name, workload.name, field.name
                );
                return Err(clash::opposite(live, dir, value));
            }
        }
    }
    Ok(())
}

fn write<T>(
    found: &mut Vec<ResourcesDirective>,
    container: Option<String>,
    (requests, limits): (bool, bool),
    amount: Amount<T>,
    field: &Field<T>,
) -> Answer<()>
where
    T: ibn_core::units::Magnitude + PartialEq,
{
    let at = match found.iter().position(|it| it.container == container) {
        Some(at) => at,
        None => {
            found.push(ResourcesDirective {
                container,
                ..ResourcesDirective::default()
            });
            found.len() - 1
        }
    };
    let Some(directive) = found.get_mut(at) else {
        return Ok(());
    };
    for (wanted, amounts) in [
        (requests, &mut directive.requests),
        (limits, &mut directive.limits),
    ] {
        if !wanted {
            continue;
        }
        let slot = (field.slot)(amounts);
        if slot.is_some_and(|before| before != amount) {
            return Err(clarify(
                "amount",
                format!("Two amounts of {}. Which one holds?", field.name),
            ));
        }
        *slot = Some(amount);
    }
    Ok(())
}

fn unknown_container(workload: &CatalogWorkload, name: &str) -> Translation {
    clarify_among(
        "container",
        format!(
            "`{}` has no container `{name}`. Which one is meant?",
            workload.name
        ),
        workload
            .containers
            .iter()
            .map(|container| container.name.clone())
            .collect(),
    )
}

/// Whether two directives order the same field of the same container differently.
pub(crate) fn clashes(a: &ResourcesDirective, b: &ResourcesDirective) -> bool {
    if a.container.is_some() && b.container.is_some() && a.container != b.container {
        return false;
    }
    let same_container = a.container == b.container;
    let differ = |a: bool, b: bool, equal: bool| a && b && (!equal || !same_container);
    let pairs = [(&a.requests, &b.requests), (&a.limits, &b.limits)];
    pairs.into_iter().any(|(a, b)| {
        differ(a.cpu.is_some(), b.cpu.is_some(), a.cpu == b.cpu)
            || differ(a.memory.is_some(), b.memory.is_some(), a.memory == b.memory)
    })
}

/// Adds the amounts of `more` to `into`.
pub(crate) fn merge(into: &mut ResourcesDirective, more: &ResourcesDirective) {
    for (into, more) in [
        (&mut into.requests, &more.requests),
        (&mut into.limits, &more.limits),
    ] {
        into.cpu = more.cpu.or(into.cpu);
        into.memory = more.memory.or(into.memory);
    }
}
