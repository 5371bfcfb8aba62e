//! From an amount that was ordered to the absolute value that is held.
//!
//! A directive is resolved once, from live state; the [`Setting`] that comes of it is written to
//! `status.expectations[i].resolved` before it is applied, under [`expectation_hash`], and read ever
//! after. What can't be is [`Unresolvable`], with a sentence; nothing is clipped.
//!
//! `container: None` means every container, and relative amounts then move the fields that are set.
//! A directive that orders the request and the limit of a resource by the same amount speaks of the
//! resource as a whole ("50 % more CPU"), so that a field that isn't set stays so; `to` then sets
//! every request, and the limits that are there. A named container is taken at its word.

mod carried;
mod setting;

pub(crate) use carried::carried_over;

use serde::{Deserialize, Serialize};

use crate::allocation::{
    Allocation, ContainerResources, Field, QuotaLimits, Resource, ResourceBound, Resources,
};
use crate::intent::{
    Amount, Directive, Expectation, Intent, QuotaAmounts, ResourcesDirective, Setting,
};
use crate::units::Magnitude;
use crate::workload::{WorkloadKind, WorkloadState};

/// Why an amount has no absolute value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Unresolvable {
    /// The result would be below zero, or too large for the field.
    #[error("{field} is {live}, so it can't be changed {by}")]
    OutOfRange {
        /// Which field.
        field: Field,
        /// What is live.
        live: String,
        /// What was ordered, as a phrase.
        by: String,
    },
    /// A relative amount on a field that has no value.
    #[error("{what} can't be changed {by}: it is not set, so there is nothing to start from")]
    NotSet {
        /// Which field or fields, as a phrase.
        what: String,
        /// What was ordered, as a phrase.
        by: String,
    },
    /// The container that is named isn't there.
    #[error("there is no container `{container}`; there is {available}")]
    NoContainer {
        /// The name that was given.
        container: String,
        /// The names that there are, as a phrase.
        available: String,
    },
    /// The target can't be given what the directive orders.
    #[error("a {kind} can't be given {what}")]
    NotApplicable {
        /// The target's kind.
        kind: WorkloadKind,
        /// What was ordered.
        what: String,
    },
    /// A request would stand above its limit.
    #[error("{field} would be {request}, above its limit of {limit}")]
    RequestAboveLimit {
        /// The request's field.
        field: Field,
        /// What the request would be.
        request: String,
        /// What the limit would be.
        limit: String,
    },
}

/// The absolute values of just the fields that `directive` orders, from what is live in `state`.
///
/// ```
/// use ibn_core::allocation::Allocation;
/// use ibn_core::intent::{Amount, Directive, Setting};
/// use ibn_core::resolve::resolve_directive;
/// use ibn_core::workload::{WorkloadRef, WorkloadState};
///
/// let state = WorkloadState {
///     workload: WorkloadRef::deployment("acme", "web"),
///     resource_version: "7".to_owned(),
///     labels: Default::default(),
///     allocation: Allocation::new(3, Vec::new()),
///     quota: None,
///     ready_replicas: 3,
///     owners: Default::default(),
/// };
/// let half_more = Directive::Replicas(Amount::Scale(1.5));
/// assert_eq!(resolve_directive(&half_more, &state), Ok(Setting::Replicas(5)));
/// let too_few = Directive::Replicas(Amount::Add(-5));
/// assert_eq!(
///     resolve_directive(&too_few, &state).unwrap_err().to_string(),
///     "replicas is 3, so it can't be changed by -5",
/// );
/// ```
///
/// # Errors
/// Where there is no such value; the sentence says why.
pub fn resolve_directive(
    directive: &Directive,
    state: &WorkloadState,
) -> Result<Setting, Unresolvable> {
    let kind = state.workload.kind;
    let is_namespace = kind == WorkloadKind::Namespace;
    let unfit = |what: &str| Unresolvable::NotApplicable {
        kind,
        what: what.to_owned(),
    };
    match directive {
        Directive::Replicas(_) if is_namespace => Err(unfit("replicas")),
        Directive::Resources(_) if is_namespace => Err(unfit("requests and limits")),
        Directive::Autoscale(_) if is_namespace => Err(unfit("an autoscaler")),
        Directive::Quota(_) if !is_namespace => Err(unfit("a quota")),
        Directive::Replicas(amount) => {
            resolve_amount(*amount, Some(state.allocation.replicas), || Field::Replicas)
                .map(Setting::Replicas)
        }
        Directive::Resources(resources) => {
            resolve_resources(resources, &state.allocation).map(Setting::Containers)
        }
        Directive::Autoscale(autoscale) => Ok(Setting::Autoscale(Some(*autoscale))),
        Directive::Quota(QuotaAmounts { cpu, memory, pods }) => {
            Ok(Setting::Quota(Some(QuotaLimits {
                cpu: *cpu,
                memory: *memory,
                pods: *pods,
            })))
        }
    }
}

/// Identifies an expectation of one intent: as long as it stays the same, what it was resolved to holds, wherever among the
/// expectations it stands.
///
/// XXH3 over the uid, how many equal expectations stand before it, and its canonical JSON, as 16 hexadecimal digits; `None`
/// where there is no expectation at that index.
#[must_use]
pub fn expectation_hash(uid: &str, expectations: &[Expectation], index: usize) -> Option<String> {
    let expectation = expectations.get(index)?;
    let equal = expectations
        .iter()
        .take(index)
        .filter(|other| *other == expectation);
    let twins = equal.count();
    // Plain data with string keys always serializes; an empty text would still be a stable key.
    let json = serde_json::to_string(expectation).unwrap_or_default();
    // The uid goes in with its length, so that no two triples make one text.
    let text = format!("{}:{uid}:{twins}:{json}", uid.len());
    Some(format!(
        "{:016x}",
        xxhash_rust::xxh3::xxh3_64(text.as_bytes())
    ))
}

/// A directive of an intent with what it was, or would now be, resolved to.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedDirective {
    /// The index in `spec.expectations`.
    pub expectation: usize,
    /// The absolute values, or why there are none.
    pub setting: Result<Setting, Unresolvable>,
    /// Whether it was read from the status, and so is settled.
    pub settled: bool,
}

/// The directives of `intent`: as they were resolved, where the status says so for the same uid and
/// expectation, else from what is live in `state`.
#[must_use]
pub fn resolve_intent(intent: &Intent, state: &WorkloadState) -> Vec<ResolvedDirective> {
    intent
        .spec
        .directives()
        .map(|(expectation, directive)| {
            let settled = settled(intent, expectation).cloned();
            ResolvedDirective {
                expectation,
                settled: settled.is_some(),
                setting: settled.map_or_else(|| resolve_directive(directive, state), Ok),
            }
        })
        .collect()
}

/// What the status says that an expectation was resolved to; `None` where it was not, or was for another uid or amount.
#[must_use]
pub fn settled(intent: &Intent, expectation: usize) -> Option<&Setting> {
    let entry = intent.status.as_ref()?.expectations.get(expectation)?;
    let uid = intent.metadata.uid.as_deref().unwrap_or_default();
    let hash = expectation_hash(uid, &intent.spec.expectations, expectation)?;
    entry
        .resolved
        .as_ref()
        .filter(|_| entry.hash.as_deref() == Some(hash.as_str()))
}

/// Checks that no request stands above its limit, which no cluster takes.
///
/// # Errors
/// The first field, in the order of containers, of which that is so.
pub fn check_requests_below_limits(allocation: &Allocation) -> Result<(), Unresolvable> {
    fn check<T: Magnitude>(
        container: &str,
        resource: Resource,
        request: Option<T>,
        limit: Option<T>,
    ) -> Result<(), Unresolvable> {
        match (request, limit) {
            (Some(request), Some(limit)) if request > limit => {
                Err(Unresolvable::RequestAboveLimit {
                    field: Field::Resource {
                        container: container.to_owned(),
                        bound: ResourceBound::Requests,
                        resource,
                    },
                    request: request.to_string(),
                    limit: limit.to_string(),
                })
            }
            _ => Ok(()),
        }
    }
    allocation.containers.iter().try_for_each(|container| {
        let (requests, limits) = (&container.requests, &container.limits);
        check(&container.name, Resource::Cpu, requests.cpu, limits.cpu)?;
        check(
            &container.name,
            Resource::Memory,
            requests.memory,
            limits.memory,
        )
    })
}

fn resolve_resources(
    directive: &ResourcesDirective,
    live: &Allocation,
) -> Result<Vec<ContainerResources>, Unresolvable> {
    let targets: Vec<&ContainerResources> = match &directive.container {
        Some(name) => vec![
            live.container(name)
                .ok_or_else(|| Unresolvable::NoContainer {
                    container: name.clone(),
                    available: names(live),
                })?,
        ],
        None => live.containers.iter().collect(),
    };
    let every = directive.container.is_none();
    let ResourcesDirective {
        requests, limits, ..
    } = directive;
    let cpu = Ordered::new(requests.cpu, limits.cpu, every);
    let memory = Ordered::new(requests.memory, limits.memory, every);
    let mut resolved = Vec::new();
    for container in targets {
        let field = |bound, resource| Field::Resource {
            container: container.name.clone(),
            bound,
            resource,
        };
        let (cpu_request, cpu_limit) =
            cpu.resolve(container.requests.cpu, container.limits.cpu, |bound| {
                field(bound, Resource::Cpu)
            })?;
        let (memory_request, memory_limit) = memory.resolve(
            container.requests.memory,
            container.limits.memory,
            |bound| field(bound, Resource::Memory),
        )?;
        let setting = ContainerResources {
            name: container.name.clone(),
            requests: Resources {
                cpu: cpu_request,
                memory: memory_request,
            },
            limits: Resources {
                cpu: cpu_limit,
                memory: memory_limit,
            },
        };
        if setting.requests != Resources::default() || setting.limits != Resources::default() {
            resolved.push(setting);
        }
    }
    // Fields that aren't set were passed over one by one; an order of which nothing at all is left can't be followed.
    unmoved(&cpu, &resolved, "CPU", |amounts| amounts.cpu.is_some())?;
    unmoved(&memory, &resolved, "memory", |amounts| {
        amounts.memory.is_some()
    })?;
    Ok(resolved)
}

/// Fails where an amount of one resource is ordered, and no container has such a field to move.
fn unmoved<T: Magnitude>(
    ordered: &Ordered<T>,
    resolved: &[ContainerResources],
    resource: &str,
    is_set: impl Fn(&Resources) -> bool,
) -> Result<(), Unresolvable> {
    let moved = |part: fn(&ContainerResources) -> &Resources| {
        resolved.iter().any(|container| is_set(part(container)))
    };
    let requests_moved = moved(|container| &container.requests);
    let limits_moved = moved(|container| &container.limits);
    let fail = |what: &str, amount: Amount<T>| {
        Err(Unresolvable::NotSet {
            what: format!("the {resource} {what}"),
            by: phrase(amount),
        })
    };
    match (ordered.request, ordered.limit) {
        (Some(amount), Some(_)) if ordered.as_a_whole => {
            if requests_moved || limits_moved {
                Ok(())
            } else {
                fail("request or limit", amount)
            }
        }
        (Some(amount), _) if !requests_moved => fail("request", amount),
        (_, Some(amount)) if !limits_moved => fail("limit", amount),
        _ => Ok(()),
    }
}

/// What is ordered of one resource.
struct Ordered<T: Magnitude> {
    request: Option<Amount<T>>,
    limit: Option<Amount<T>>,
    /// Request and limit by the same amount: fields that aren't set stay so.
    as_a_whole: bool,
    /// Whether every container is meant.
    every: bool,
}

impl<T: Magnitude> Ordered<T> {
    fn new(request: Option<Amount<T>>, limit: Option<Amount<T>>, every: bool) -> Self {
        Self {
            request,
            limit,
            as_a_whole: request.is_some() && request == limit,
            every,
        }
    }

    /// The request and the limit of one container; `None` for what stays as it is.
    fn resolve(
        &self,
        live_request: Option<T>,
        live_limit: Option<T>,
        field: impl Fn(ResourceBound) -> Field,
    ) -> Result<(Option<T>, Option<T>), Unresolvable> {
        let one = |amount: Option<Amount<T>>, live: Option<T>, bound: ResourceBound| {
            let Some(amount) = amount else {
                return Ok(None);
            };
            let stays_unset = live.is_none()
                && if amount.is_relative() {
                    self.every || self.as_a_whole
                } else {
                    self.every && self.as_a_whole && bound == ResourceBound::Limits
                };
            if stays_unset {
                return Ok(None);
            }
            resolve_amount(amount, live, || field(bound)).map(Some)
        };
        Ok((
            one(self.request, live_request, ResourceBound::Requests)?,
            one(self.limit, live_limit, ResourceBound::Limits)?,
        ))
    }
}

fn resolve_amount<T: Magnitude>(
    amount: Amount<T>,
    live: Option<T>,
    field: impl Fn() -> Field,
) -> Result<T, Unresolvable> {
    match (amount, live) {
        (Amount::To(value), _) => Ok(value),
        (_, Some(live)) => amount
            .resolve(live)
            .ok_or_else(|| Unresolvable::OutOfRange {
                field: field(),
                live: live.to_string(),
                by: phrase(amount),
            }),
        (_, None) => Err(Unresolvable::NotSet {
            what: field().to_string(),
            by: phrase(amount),
        }),
    }
}

/// An amount as the end of the sentence "it can't be changed …".
fn phrase<T: Magnitude>(amount: Amount<T>) -> String {
    match amount {
        Amount::To(value) => format!("to {value}"),
        Amount::Add(delta) => format!("by {delta}"),
        Amount::Scale(factor) => format!("by the factor {factor}"),
    }
}

fn names(allocation: &Allocation) -> String {
    let names: Vec<String> = allocation
        .containers
        .iter()
        .map(|container| format!("`{}`", container.name))
        .collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
