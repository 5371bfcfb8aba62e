//! What may be moved for an objective: what no directive holds and nobody else owns.

use std::collections::{BTreeMap, BTreeSet};

use crate::allocation::{Field, Resource};
use crate::conflict::{HeldField, foreign_owner};
use crate::intent::{Autoscale, Setting};
use crate::workload::{FieldOwner, WorkloadState};

/// What may be moved for an objective.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mobility {
    pub(crate) pods: Pods,
    /// Whether CPU requests and limits may be moved together.
    pub(crate) cpu: bool,
}

/// Who moves the number of pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pods {
    /// We may.
    Free,
    /// A directive holds it.
    Held,
    /// Our autoscaler does, within its bounds.
    Autoscaled {
        /// The bounds.
        autoscale: Autoscale,
        /// Whether a directive holds them, so that we may not raise the minimum either.
        held: bool,
    },
    /// Somebody else does, within bounds that aren't known here.
    Foreign(FieldOwner),
}

impl Mobility {
    pub(crate) fn of(
        state: &WorkloadState,
        held: &BTreeMap<Field, HeldField>,
        yield_to: &BTreeSet<String>,
    ) -> Self {
        let yield_to: BTreeSet<&str> = yield_to.iter().map(String::as_str).collect();
        let foreign = |field: &Field| foreign_owner(state, field, &yield_to);
        let autoscale_is_held = held.contains_key(&Field::Autoscale);
        let autoscale = match held.get(&Field::Autoscale).map(|held| &held.setting) {
            Some(Setting::Autoscale(autoscale)) => *autoscale,
            _ => state.allocation.autoscale,
        };
        let pods = match (autoscale, foreign(&Field::Replicas)) {
            _ if held.contains_key(&Field::Replicas) => Pods::Held,
            (Some(autoscale), _) => Pods::Autoscaled {
                autoscale,
                held: autoscale_is_held,
            },
            (None, Some(owner)) => Pods::Foreign(owner.clone()),
            (None, None) => Pods::Free,
        };
        let is_cpu = |field: &Field| {
            matches!(
                field,
                Field::Resource {
                    resource: Resource::Cpu,
                    ..
                }
            )
        };
        let has_cpu =
            state.allocation.containers.iter().any(|container| {
                container.requests.cpu.is_some() || container.limits.cpu.is_some()
            });
        let cpu = has_cpu
            && !held.keys().any(is_cpu)
            && !state
                .owners
                .keys()
                .any(|field| is_cpu(field) && foreign(field).is_some());
        Self { pods, cpu }
    }
}
