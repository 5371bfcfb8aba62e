//! One workload with its limits and with what intents hold on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Bounds, Mobility, Pods, Search};
use crate::allocation::{Allocation, Field};
use crate::conflict::{HeldField, Twin, all_claims, foreign_owner, holders_of};
use crate::envelope::Envelope;
use crate::guard::Desired;
use crate::guardrail::Guardrail;
use crate::intent::{Intent, IntentKey, Objective};
use crate::workload::{Inventory, WorkloadState};

/// A workload as it would be if the given intents, and only they, were followed.
#[derive(Clone)]
pub(crate) struct Scene<'a> {
    pub(crate) state: &'a WorkloadState,
    pub(crate) bounds: Bounds,
    pub(crate) held: BTreeMap<Field, HeldField>,
    pub(crate) mobility: Mobility,
    /// What is ordered, and where nothing is, the nearest to what is live that is allowed.
    pub(crate) wanted: Desired,
    pub(crate) twin: Option<Twin<'a>>,
}

impl<'a> Scene<'a> {
    pub(crate) fn of(
        state: &'a WorkloadState,
        inventory: &Inventory,
        guardrails: &[Guardrail],
        intents: &[Arc<Intent>],
        twin: Option<Twin<'a>>,
    ) -> Self {
        let envelope = Envelope::build(state, guardrails, intents, inventory);
        let claims = intents
            .iter()
            .filter(|intent| intent.workload() == state.workload)
            .flat_map(|intent| all_claims(intent, state))
            .collect();
        let held = holders_of(claims);
        let mobility = Mobility::of(state, &held, &envelope.yield_to);
        let mut wanted = Desired::live(state);
        if let Desired::Allocation(live) = &mut wanted {
            *live = nearest(state, &envelope);
        }
        for held in held.values() {
            held.setting.write_to(&mut wanted);
        }
        if let Desired::Allocation(wanted) = &mut wanted {
            take_its_place(held.keys(), wanted);
        }
        let mut scene = Self {
            state,
            bounds: Bounds::of(envelope, inventory),
            held,
            mobility,
            wanted,
            twin,
        };
        scene.let_the_autoscaler_settle();
        scene
    }

    /// What would be wanted within the same limits if one intent ordered nothing.
    pub(crate) fn without_orders_of(&self, intent: &IntentKey) -> Allocation {
        let others = || self.held.iter().filter(|(_, held)| held.intent != *intent);
        let mut wanted = others().fold(
            nearest(self.state, &self.bounds.envelope),
            |allocation, (_, held)| held.setting.apply_to(&allocation),
        );
        take_its_place(others().map(|(field, _)| field), &mut wanted);
        wanted
    }

    /// The search from what is wanted; `None` without a twin, and for a namespace.
    pub(crate) fn search(&self) -> Option<Search<'_>> {
        self.search_within(&self.bounds)
    }

    /// The same search within other bounds.
    pub(crate) fn search_within<'b>(&'b self, bounds: &'b Bounds) -> Option<Search<'b>> {
        Some(Search {
            twin: self.twin?,
            base: self.wanted.allocation()?,
            bounds,
            mobility: &self.mobility,
        })
    }

    /// The objectives of an intent that the twin can predict, with their index.
    pub(crate) fn predictable<'i>(&self, intent: &'i Intent) -> Vec<(usize, &'i Objective)> {
        let Some(search) = self.search() else {
            return Vec::new();
        };
        let prediction = search.predict(search.base);
        intent
            .spec
            .objectives()
            .filter(|(_, objective)| prediction.of(objective).is_some())
            .collect()
    }

    /// Under an autoscaler the number of pods is what it comes to by itself.
    fn let_the_autoscaler_settle(&mut self) {
        let Pods::Autoscaled { autoscale, .. } = self.mobility.pods else {
            return;
        };
        let settled = self.search().map(|search| search.settles_at(&autoscale));
        if let Desired::Allocation(wanted) = &mut self.wanted {
            let (min, max) = (autoscale.min_replicas(), autoscale.max);
            wanted.replicas = settled.unwrap_or(wanted.replicas).min(max).max(min);
        }
    }
}

/// Where the number of pods is ordered, an autoscaler of ours goes.
fn take_its_place<'f>(mut held: impl Iterator<Item = &'f Field>, wanted: &mut Allocation) {
    if held.any(|field| *field == Field::Replicas) {
        wanted.autoscale = None;
    }
}

/// The nearest to what is live that is allowed, without touching what is foreign.
fn nearest(state: &WorkloadState, envelope: &Envelope) -> Allocation {
    let live = &state.allocation;
    let mut nearest = envelope.nearest(live);
    let yield_to: BTreeSet<&str> = envelope.yield_to.iter().map(String::as_str).collect();
    for field in state.owners.keys() {
        if foreign_owner(state, field, &yield_to).is_some() {
            nearest.take_field(field, live);
        }
    }
    nearest
}
