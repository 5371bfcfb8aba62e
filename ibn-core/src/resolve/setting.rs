//! What a [`Setting`] says of fields, and how it is put on and taken off.

use std::fmt;

use crate::allocation::{
    Allocation, ContainerResources, Field, QuotaLimits, Resource, ResourceBound, Resources,
};
use crate::guard::Desired;
use crate::intent::{Autoscale, Setting};
use crate::workload::WorkloadState;

impl Setting {
    /// The fields that it speaks of, in a fixed order.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        match self {
            Self::Replicas(_) => vec![Field::Replicas],
            Self::Autoscale(_) => vec![Field::Autoscale],
            Self::Quota(_) => vec![Field::Quota],
            Self::Containers(containers) => containers.iter().flat_map(resource_fields).collect(),
            Self::Allocation { containers, .. } => std::iter::once(Field::Replicas)
                .chain(containers.iter().flat_map(resource_fields))
                .collect(),
        }
    }

    /// The part of it that speaks of `field`; `None` where it doesn't.
    #[must_use]
    pub fn only(&self, field: &Field) -> Option<Self> {
        if !self.fields().contains(field) {
            return None;
        }
        match (self, field) {
            (Self::Allocation { replicas, .. }, Field::Replicas) => Some(Self::Replicas(*replicas)),
            (
                Self::Containers(containers) | Self::Allocation { containers, .. },
                Field::Resource {
                    container,
                    bound,
                    resource,
                },
            ) => {
                let from = containers.iter().find(|c| c.name == *container)?;
                let mut only = ContainerResources::new(container);
                only.set_amount(*bound, *resource, from.amount(*bound, *resource));
                Some(Self::Containers(vec![only]))
            }
            _ => Some(self.clone()),
        }
    }

    /// `allocation` with these values; containers that it lacks are passed over, a quota changes nothing.
    #[must_use]
    pub fn apply_to(&self, allocation: &Allocation) -> Allocation {
        let mut applied = allocation.clone();
        match self {
            Self::Replicas(replicas) => applied.replicas = *replicas,
            Self::Autoscale(autoscale) => applied.autoscale = *autoscale,
            Self::Quota(_) => {}
            Self::Containers(containers) => set_sizes(containers, &mut applied),
            Self::Allocation {
                replicas,
                containers,
            } => {
                applied.replicas = *replicas;
                set_sizes(containers, &mut applied);
            }
        }
        applied
    }

    /// Puts these values into `desired`, where it is of a workload or of a namespace as the setting is.
    ///
    /// Of a quota the parts that aren't given stay as they are; no quota at all takes it away.
    pub fn write_to(&self, desired: &mut Desired) {
        match (self, desired) {
            (Self::Quota(None), Desired::Quota(live)) => *live = None,
            (Self::Quota(Some(quota)), Desired::Quota(live)) => {
                let before = live.unwrap_or_default();
                *live = Some(QuotaLimits {
                    cpu: quota.cpu.or(before.cpu),
                    memory: quota.memory.or(before.memory),
                    pods: quota.pods.or(before.pods),
                });
            }
            (_, Desired::Allocation(allocation)) => *allocation = self.apply_to(allocation),
            (_, Desired::Quota(_)) => {}
        }
    }

    /// All that an objective may move, as it is.
    #[must_use]
    pub fn of_allocation(allocation: &Allocation) -> Self {
        Self::Allocation {
            replicas: allocation.replicas,
            containers: allocation.containers.clone(),
        }
    }

    /// The live values of the fields that `like` speaks of, to be written down as `previous`.
    ///
    /// Kept with `like`, it says of every field of `like` what it was: a field that it lacks was not set.
    #[must_use]
    pub fn from_live(state: &WorkloadState, like: &Self) -> Self {
        match like {
            Self::Replicas(_) => Self::Replicas(state.allocation.replicas),
            Self::Autoscale(_) => Self::Autoscale(state.allocation.autoscale),
            Self::Quota(_) => Self::Quota(state.quota),
            Self::Allocation { .. } => Self::of_allocation(&state.allocation),
            Self::Containers(containers) => Self::Containers(
                containers
                    .iter()
                    .map(|setting| {
                        let mut live = ContainerResources::new(&setting.name);
                        if let Some(container) = state.allocation.container(&setting.name) {
                            for (bound, resource) in RESOURCE_FIELDS {
                                if setting.amount(bound, resource).is_some() {
                                    let amount = container.amount(bound, resource);
                                    live.set_amount(bound, resource, amount);
                                }
                            }
                        }
                        live
                    })
                    .collect(),
            ),
        }
    }

    /// `self` as the live values before an order, with what is `known` of the fields of an earlier order put in: a field that was
    /// ordered before keeps what it was before that, unset ones included.
    #[must_use]
    pub fn keeping(mut self, known: &Self, earlier: &Self) -> Self {
        match (&mut self, known, earlier) {
            (Self::Containers(live), Self::Containers(known), Self::Containers(earlier)) => {
                for container in live {
                    let of = |all: &[ContainerResources]| {
                        all.iter().find(|it| it.name == container.name).cloned()
                    };
                    let (Some(known), Some(earlier)) = (of(known), of(earlier)) else {
                        continue;
                    };
                    for (bound, resource) in RESOURCE_FIELDS {
                        if earlier.amount(bound, resource).is_some() {
                            container.set_amount(bound, resource, known.amount(bound, resource));
                        }
                    }
                }
                self
            }
            (Self::Replicas(_), Self::Replicas(_), _)
            | (Self::Autoscale(_), Self::Autoscale(_), _)
            | (Self::Quota(_), Self::Quota(_), _) => known.clone(),
            _ => self,
        }
    }

    /// Puts what was there `before` an order in the place of its `value`, in every field of `self` that has it.
    pub(crate) fn replace(&mut self, value: &Self, before: &Self) {
        match (self, value, before) {
            (Self::Containers(own), Self::Containers(value), Self::Containers(before)) => {
                for container in own {
                    let of = |all: &[ContainerResources]| {
                        all.iter().find(|it| it.name == container.name).cloned()
                    };
                    let (Some(value), Some(before)) = (of(value), of(before)) else {
                        continue;
                    };
                    for (bound, resource) in RESOURCE_FIELDS {
                        let ordered = value.amount(bound, resource);
                        if ordered.is_some() && container.amount(bound, resource) == ordered {
                            container.set_amount(bound, resource, before.amount(bound, resource));
                        }
                    }
                }
            }
            (own @ Self::Replicas(_), Self::Replicas(_), Self::Replicas(_))
            | (own @ Self::Autoscale(_), Self::Autoscale(_), Self::Autoscale(_))
            | (own @ Self::Quota(_), Self::Quota(_), Self::Quota(_))
                if own == value =>
            {
                own.clone_from(before);
            }
            _ => {}
        }
    }

    /// Puts every field that this speaks of back to what `previous` says, unset ones included.
    ///
    /// Takes back [`Setting::write_to`] where `previous` is what [`Setting::from_live`] gave before.
    pub fn restore(&self, previous: &Self, desired: &mut Desired) {
        match (self, previous, desired) {
            (Self::Quota(_), Self::Quota(quota), Desired::Quota(live)) => *live = *quota,
            (
                Self::Containers(containers),
                Self::Containers(previous),
                Desired::Allocation(live),
            ) => {
                for setting in containers {
                    let before = previous.iter().find(|c| c.name == setting.name);
                    let target = live.containers.iter_mut().find(|c| c.name == setting.name);
                    if let (Some(before), Some(target)) = (before, target) {
                        for (bound, resource) in RESOURCE_FIELDS {
                            if setting.amount(bound, resource).is_some() {
                                target.set_amount(bound, resource, before.amount(bound, resource));
                            }
                        }
                    }
                }
            }
            (Self::Replicas(_), Self::Replicas(_), desired)
            | (Self::Autoscale(_), Self::Autoscale(_), desired) => previous.write_to(desired),
            _ => {}
        }
    }

    /// Whether live state has these values; after defaulting, and false where a container is gone.
    #[must_use]
    pub fn matches(&self, state: &WorkloadState) -> bool {
        match self {
            Self::Replicas(replicas) => state.allocation.replicas == *replicas,
            Self::Autoscale(autoscale) => same_autoscale(*autoscale, state.allocation.autoscale),
            Self::Quota(None) => state.quota.is_none(),
            Self::Quota(Some(quota)) => state.quota.is_some_and(|live| {
                same_where_set(quota.cpu, live.cpu)
                    && same_where_set(quota.memory, live.memory)
                    && same_where_set(quota.pods, live.pods)
            }),
            Self::Containers(containers) => containers.iter().all(|size| has_size(state, size)),
            Self::Allocation {
                replicas,
                containers,
            } => {
                state.allocation.replicas == *replicas
                    && containers.iter().all(|size| has_size(state, size))
            }
        }
    }

    /// Whether both may be in force at once: no field that both speak of has two values.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Replicas(a), Self::Replicas(b)) => a == b,
            (Self::Autoscale(a), Self::Autoscale(b)) => same_autoscale(*a, *b),
            (Self::Quota(Some(a)), Self::Quota(Some(b))) => {
                same_where_both(a.cpu, b.cpu)
                    && same_where_both(a.memory, b.memory)
                    && same_where_both(a.pods, b.pods)
            }
            (Self::Quota(a), Self::Quota(b)) => a == b,
            (Self::Replicas(replicas), Self::Autoscale(Some(autoscale)))
            | (Self::Autoscale(Some(autoscale)), Self::Replicas(replicas)) => {
                autoscale.min_replicas() == *replicas && autoscale.max == *replicas
            }
            (Self::Containers(a), Self::Containers(b)) => a.iter().all(|a| {
                b.iter().filter(|b| a.name == b.name).all(|b| {
                    let same = |a: &Resources, b: &Resources| {
                        same_where_both(a.cpu, b.cpu) && same_where_both(a.memory, b.memory)
                    };
                    same(&a.requests, &b.requests) && same(&a.limits, &b.limits)
                })
            }),
            _ => true,
        }
    }

    /// Takes over the parts of another quota that this one doesn't give.
    pub(crate) fn fill_from(&mut self, other: &Self) {
        if let (Self::Quota(Some(quota)), Self::Quota(Some(other))) = (self, other) {
            quota.cpu = quota.cpu.or(other.cpu);
            quota.memory = quota.memory.or(other.memory);
            quota.pods = quota.pods.or(other.pods);
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replicas(replicas) => write!(f, "replicas {replicas}"),
            Self::Autoscale(None) => f.write_str("no autoscaler"),
            Self::Autoscale(Some(autoscale)) => write!(
                f,
                "an autoscaler for {} to {} pods at {} % CPU",
                autoscale.min_replicas(),
                autoscale.max,
                autoscale.cpu_utilization()
            ),
            Self::Quota(None) => f.write_str("no quota"),
            Self::Quota(Some(quota)) => {
                let parts = [
                    quota.cpu.map(|cpu| format!("{cpu} CPU")),
                    quota.memory.map(|memory| format!("{memory} memory")),
                    quota.pods.map(|pods| format!("{pods} pods")),
                ];
                let parts: Vec<String> = parts.into_iter().flatten().collect();
                write!(f, "a quota of {}", parts.join(", "))
            }
            Self::Containers(containers) => f.write_str(&sizes_text(containers)),
            Self::Allocation {
                replicas,
                containers,
            } => write!(f, "replicas {replicas}, {}", sizes_text(containers)),
        }
    }
}

fn sizes_text(containers: &[ContainerResources]) -> String {
    let mut parts = Vec::new();
    for container in containers {
        for (bound, resource) in RESOURCE_FIELDS {
            if let Some(amount) = container.amount(bound, resource) {
                let value = resource.text(amount);
                let container = container.name.clone();
                let field = Field::Resource {
                    container,
                    bound,
                    resource,
                };
                parts.push(format!("{field} {value}"));
            }
        }
    }
    parts.join(", ")
}

/// Sets the requests and limits that are given.
fn set_sizes(containers: &[ContainerResources], allocation: &mut Allocation) {
    for setting in containers {
        let target = allocation
            .containers
            .iter_mut()
            .find(|container| container.name == setting.name);
        if let Some(target) = target {
            for (bound, resource) in RESOURCE_FIELDS {
                if setting.amount(bound, resource).is_some() {
                    target.set_amount(bound, resource, setting.amount(bound, resource));
                }
            }
        }
    }
}

/// Whether a container has the requests and limits that are given.
fn has_size(state: &WorkloadState, size: &ContainerResources) -> bool {
    let live = state.allocation.container(&size.name);
    live.is_some_and(|live| {
        let same = |a: &Resources, b: &Resources| {
            same_where_set(a.cpu, b.cpu) && same_where_set(a.memory, b.memory)
        };
        same(&size.requests, &live.requests) && same(&size.limits, &live.limits)
    })
}

const RESOURCE_FIELDS: [(ResourceBound, Resource); 4] = [
    (ResourceBound::Requests, Resource::Cpu),
    (ResourceBound::Requests, Resource::Memory),
    (ResourceBound::Limits, Resource::Cpu),
    (ResourceBound::Limits, Resource::Memory),
];

fn resource_fields(container: &ContainerResources) -> impl Iterator<Item = Field> {
    RESOURCE_FIELDS
        .into_iter()
        .filter(|(bound, resource)| container.amount(*bound, *resource).is_some())
        .map(|(bound, resource)| Field::Resource {
            container: container.name.clone(),
            bound,
            resource,
        })
}

fn same_where_set<T: PartialEq>(wanted: Option<T>, live: Option<T>) -> bool {
    wanted.is_none() || wanted == live
}

fn same_where_both<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    a.is_none() || b.is_none() || a == b
}

fn same_autoscale(a: Option<Autoscale>, b: Option<Autoscale>) -> bool {
    let plain = |autoscale: Autoscale| {
        (
            autoscale.min_replicas(),
            autoscale.max,
            autoscale.cpu_utilization(),
        )
    };
    a.map(plain) == b.map(plain)
}
