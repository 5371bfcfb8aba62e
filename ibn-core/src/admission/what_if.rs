//! What would be if: the report that changes nothing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::proposal::reworded;
use super::reach::stages;
use super::{Admission, AdmissionContext, AdmissionOutcome, Effect};
use crate::allocation::FieldChange;
use crate::decision::{DecisionId, Trigger};
use crate::guard::{Current, Cut, Desired, Guard, Plan, Standing};
use crate::intent::{Intent, IntentKey};
use crate::prediction::Demand;
use crate::units::{Bytes, CpuMillis};
use crate::workload::WorkloadRef;

/// What would become of an intent, for a person to look at before anything is done.
///
/// ```
/// use ibn_core::admission::{Admission, AdmissionContext};
/// use ibn_core::allocation::Allocation;
/// use ibn_core::guard::Standing;
/// use ibn_core::intent::{Amount, Directive, Expectation, Intent};
/// use ibn_core::workload::{Inventory, WorkloadRef, WorkloadState};
///
/// let web = WorkloadRef::deployment("acme", "web");
/// let mut inventory = Inventory::default();
/// inventory.workloads.insert(web.clone(), WorkloadState {
///     workload: web.clone(),
///     resource_version: "7".to_owned(),
///     labels: Default::default(),
///     allocation: Allocation::new(3, Vec::new()),
///     quota: None,
///     ready_replicas: 3,
///     owners: Default::default(),
/// });
/// let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
/// let intent = Intent::new("two-more", &web)
///     .with_expectation(Expectation::Directive(Directive::Replicas(Amount::Add(2))));
///
/// let context = AdmissionContext::new(now, &inventory);
/// let what_if = Admission::without_twin().what_if(&intent, &context, &Standing::default());
/// assert_eq!(what_if.changes[0].to_string(), "replicas 3 → 5");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WhatIf {
    /// Which intent.
    pub intent: IntentKey,
    /// On which workload.
    pub workload: WorkloadRef,
    /// The demand that predictions are for; absent where nothing is predicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demand: Option<Demand>,
    /// Whether it would be accepted, with conflicts and, where it is infeasible, the counter-proposal.
    pub outcome: AdmissionOutcome,
    /// What would come of the counter-proposal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal_effect: Option<Effect>,
    /// The fields that would change: by the intent, or else by the counter-proposal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// What the guard would not do at once, and why: steps that are too large, freezes, approvals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<Cut>,
    /// What it costs before and after; absent for a quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// The sum of requests over all pods, before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// CPU now.
    pub cpu_before: CpuMillis,
    /// CPU then.
    pub cpu_after: CpuMillis,
    /// Memory now.
    pub memory_before: Bytes,
    /// Memory then.
    pub memory_after: Bytes,
}

impl WhatIf {
    /// What would come of the intent where it is accepted, else of the counter-proposal.
    #[must_use]
    pub fn effect(&self) -> Option<&Effect> {
        self.outcome
            .accepted()
            .map(|accepted| &accepted.effect)
            .or(self.proposal_effect.as_ref())
    }
}

impl Admission {
    /// What would become of `intent` in `context`; the review of [`Admission::review`], told at length. `standing` is how its workload
    /// stands, for what the guard would cut.
    #[must_use]
    pub fn what_if(
        &self,
        intent: &Intent,
        context: &AdmissionContext<'_>,
        standing: &Standing,
    ) -> WhatIf {
        let outcome = self.review(intent, context);
        let proposal_effect = match &outcome {
            AdmissionOutcome::Infeasible {
                proposal: Some(spec),
                ..
            } => {
                let outcome = self.review(&reworded(intent, spec), context);
                outcome.accepted().map(|accepted| accepted.effect.clone())
            }
            _ => None,
        };
        let workload = intent.workload();
        let mut what_if = WhatIf {
            intent: intent.key(),
            demand: self.twin(&workload, context).map(|twin| twin.demand),
            workload,
            outcome,
            proposal_effect,
            changes: Vec::new(),
            cuts: Vec::new(),
            cost: None,
        };
        if let Some(effect) = what_if.effect() {
            let changes = effect.before.changes_to(&effect.after);
            let cost = effect.requests().map(|(before, after)| Cost {
                cpu_before: before.cpu,
                cpu_after: after.cpu,
                memory_before: before.memory,
                memory_after: after.memory,
            });
            let cuts = self.cuts(&what_if, effect, intent, context, standing);
            what_if.changes = changes;
            what_if.cost = cost;
            what_if.cuts = cuts;
        }
        what_if
    }

    /// What the guard would cut.
    fn cuts(
        &self,
        what_if: &WhatIf,
        effect: &Effect,
        intent: &Intent,
        context: &AdmissionContext<'_>,
        standing: &Standing,
    ) -> Vec<Cut> {
        let Some(state) = context.inventory.workloads.get(&what_if.workload) else {
            return Vec::new();
        };
        if effect.before == effect.after {
            return Vec::new();
        }
        let accepted = what_if.outcome.accepted();
        let displaced = accepted.map_or(&[][..], |accepted| &accepted.displaces);
        let proposed = match &what_if.outcome {
            AdmissionOutcome::Infeasible {
                proposal: Some(spec),
                ..
            } => reworded(intent, spec),
            _ => intent.clone(),
        };
        let scene = self.scene(Some(&Arc::new(proposed)), state, context, displaced);
        let trigger = if intent.spec.directives().next().is_some() {
            Trigger::Directive
        } else if intent.spec.objectives().next().is_some() {
            Trigger::Recommender
        } else {
            Trigger::Constraint
        };
        let mut state = state.clone();
        let mut cuts: Vec<Cut> = Vec::new();
        for desired in stages(&effect.before, &effect.after) {
            let plan = Plan {
                decision: DecisionId(0),
                workload: what_if.workload.clone(),
                desired: desired.clone(),
                trigger,
                intents: vec![what_if.intent.clone()],
                reasons: Vec::new(),
            };
            let current = Current {
                now: context.now,
                state: &state,
                envelope: &scene.bounds.envelope,
                inventory: context.inventory,
                in_flight: &standing.in_flight,
                health: standing.health,
                floor: standing.floor.as_ref(),
                last_applied_at: standing.last_applied_at,
                barred: &standing.barred,
                approved_by_person: false,
            };
            for cut in Guard.review(plan, &current).cuts() {
                if !cuts.contains(cut) {
                    cuts.push(cut.clone());
                }
            }
            if let Desired::Allocation(allocation) = desired {
                state.allocation = allocation;
            }
        }
        cuts
    }
}
