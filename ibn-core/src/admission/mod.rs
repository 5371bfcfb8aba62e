//! Admission: whether an intent may be followed, and what would come of it.
//!
//! [`Admission::review`] validates the document, looks for conflicts, resolves what is ordered, and asks
//! the twin whether what is wanted can be had inside the limits. It changes nothing and decides only
//! on what it is given, so that the same function serves a submission, a second look and a what-if.

mod context;
mod faults;
mod judge;
mod outcome;
mod proposal;
mod reach;
mod what_if;

use std::sync::Arc;

pub use context::AdmissionContext;
pub use outcome::{Accepted, AdmissionOutcome, Effect, Feasibility, ObjectiveEffect};
pub use what_if::{Cost, WhatIf};

use crate::conflict::{
    Conflict, ConflictContext, Nature, Party, Registry, Twin, is_acting, time_of_order,
};
use crate::feasibility::Scene;
use crate::intent::{Intent, IntentKey, Mode, Setting};
use crate::resolve::{carried_over, resolve_intent};
use crate::roles::Predictor;
use crate::workload::{WorkloadRef, WorkloadState};

/// The rules and the twin by which intents are admitted.
///
/// ```
/// use ibn_core::admission::{Admission, AdmissionContext, AdmissionOutcome};
/// use ibn_core::intent::Intent;
/// use ibn_core::workload::{Inventory, WorkloadRef};
///
/// let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
/// let intent = Intent::new("web", &WorkloadRef::deployment("acme", "web"));
/// let nothing = Inventory::default();
/// let context = AdmissionContext::new(now, &nothing);
/// let outcome = Admission::without_twin().review(&intent, &context);
/// assert_eq!(outcome.summary(), "there is no Deployment `web` in namespace `acme`");
/// ```
#[derive(Clone)]
pub struct Admission {
    registry: Arc<Registry>,
    predictor: Option<Arc<dyn Predictor>>,
    resizing: bool,
}

impl Admission {
    /// Admission by these rules and this twin.
    #[must_use]
    pub fn new(registry: Registry, predictor: Arc<dyn Predictor>) -> Self {
        Self {
            registry: Arc::new(registry),
            predictor: Some(predictor),
            resizing: true,
        }
    }

    /// Admission by the standard rules, which knows no effects: objectives are never known to be feasible.
    #[must_use]
    pub fn without_twin() -> Self {
        Self {
            registry: Arc::new(Registry::standard()),
            predictor: None,
            resizing: true,
        }
    }

    /// Whether whoever recommends gives pods another size ([`crate::roles::Recommender::resizes`]); it is taken to, unless said here.
    /// Where it doesn't, an objective is feasible, and a preview promises, only what another number of pods can bring.
    #[must_use]
    pub fn resizing(mut self, resizing: bool) -> Self {
        self.resizing = resizing;
        self
    }

    /// The rules.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What becomes of `intent` if it is submitted, or looked at again, in `context`.
    ///
    /// It is judged as if its time had come and as if it enforced, whatever its mode; where it doesn't
    /// enforce, conflicts are no obstacle. Amounts that an older version of it was resolved to are kept.
    #[must_use]
    pub fn review(&self, intent: &Intent, context: &AdmissionContext<'_>) -> AdmissionOutcome {
        let intent = Arc::new(with_known_status(intent, context));
        let mut outcome = self.look_at(&intent, context);
        if let AdmissionOutcome::Infeasible { proposal, .. } = &mut outcome {
            *proposal = self.proposal(&intent, context).map(Box::new);
        }
        outcome
    }

    /// The outcome, without a counter-proposal.
    fn look_at(&self, intent: &Arc<Intent>, context: &AdmissionContext<'_>) -> AdmissionOutcome {
        let diagnostics = faults::faults(intent, context);
        let workload = intent.workload();
        let state = match context.inventory.workloads.get(&workload) {
            Some(state) if !faults::has_errors(&diagnostics) => state,
            _ => {
                return AdmissionOutcome::Rejected {
                    diagnostics,
                    conflicts: Vec::new(),
                };
            }
        };
        let key = intent.key();
        let conflicts = self.conflicts(intent, &workload, context);
        let mode = intent.spec.mode();
        let blocked_by = |nature| {
            conflicts
                .iter()
                .find(|conflict| conflict.nature == nature && conflict.blocks(&key))
        };
        if mode == Mode::Enforce && blocked_by(Nature::Contest).is_some() {
            return AdmissionOutcome::Rejected {
                diagnostics,
                conflicts,
            };
        }

        let displaces = displaced(&conflicts, &key);
        let resolved = resolve_intent(intent, state);
        let mut settings = Vec::new();
        for directive in resolved {
            match directive.setting {
                Ok(setting) => settings.push((directive.expectation, setting)),
                Err(why) => {
                    return AdmissionOutcome::Infeasible {
                        why: why.to_string(),
                        proposal: None,
                        conflicts,
                    };
                }
            }
        }
        let scene = self.scene(Some(intent), state, context, &displaces);
        let others = acting_beside(intent, context, &displaces);
        let judged = match judge::judge(intent, &scene, &others) {
            Ok(_) if mode != Mode::Suspended && blocked_by(Nature::Limit).is_some() => {
                Err(blocked_by(Nature::Limit).map_or_else(String::new, |c| c.why.clone()))
            }
            // Nothing of it is done, so nothing of it can be impossible.
            Err(_) if mode == Mode::Suspended => Ok(judge::Outlook::unjudged(&scene)),
            judged => judged,
        };
        match judged {
            Err(why) => AdmissionOutcome::Infeasible {
                why,
                proposal: None,
                conflicts,
            },
            Ok(outlook) => {
                let effect = judge::effect(&scene, outlook.after, intent, &others);
                let mut warnings = outlook.warnings;
                warnings.extend(judge::warnings(intent, &effect, &scene, context));
                AdmissionOutcome::Accepted(Box::new(Accepted {
                    diagnostics,
                    warnings,
                    conflicts,
                    feasibility: outlook.feasibility,
                    resolved: by_expectation(intent, &settings),
                    displaces,
                    effect,
                }))
            }
        }
    }

    fn conflicts(
        &self,
        intent: &Arc<Intent>,
        workload: &WorkloadRef,
        context: &AdmissionContext<'_>,
    ) -> Vec<Conflict> {
        let standing = context.standing_beside(intent).into_iter().cloned();
        let look = ConflictContext::new(
            context.now,
            workload,
            context.inventory,
            context.guardrails,
            standing.chain([Arc::new(as_enforced(intent))]),
        )
        .with_twin(self.twin(workload, context))
        .about(intent.key());
        self.registry.check(&look)
    }

    fn twin<'a>(
        &'a self,
        workload: &WorkloadRef,
        context: &AdmissionContext<'a>,
    ) -> Option<Twin<'a>> {
        let (model, demand) = context.models?.get(workload)?;
        Some(Twin {
            predictor: self.predictor.as_deref()?,
            model,
            demand: *demand,
            resizing: self.resizing,
        })
    }

    /// The workload as it would be with all that acts on it and with `intent`, but without what that displaces.
    fn scene<'a>(
        &'a self,
        intent: Option<&Arc<Intent>>,
        state: &'a WorkloadState,
        context: &AdmissionContext<'a>,
        displaced: &[IntentKey],
    ) -> Scene<'a> {
        let mut intents: Vec<Arc<Intent>> = context
            .intents
            .iter()
            .filter(|other| {
                let key = other.key();
                is_acting(other, context.now)
                    && intent.is_none_or(|intent| intent.key() != key)
                    && !displaced.contains(&key)
            })
            .cloned()
            .collect();
        intents.extend(intent.cloned());
        let twin = self.twin(&state.workload, context);
        Scene::of(state, context.inventory, context.guardrails, &intents, twin)
    }
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission")
            .field("registry", &self.registry)
            .field("resizing", &self.resizing)
            .field(
                "predictor",
                &self.predictor.as_ref().map(|predictor| predictor.name()),
            )
            .finish()
    }
}

/// The intent with what the store has of it, where it comes without: amounts are resolved once, not at every submission.
fn with_known_status(intent: &Intent, context: &AdmissionContext<'_>) -> Intent {
    let mut intent = intent.clone();
    let key = intent.key();
    if let Some(known) = context.intents.iter().find(|known| known.key() == key) {
        if intent.metadata.uid.is_none() {
            intent.metadata.uid.clone_from(&known.metadata.uid);
        }
        if intent.metadata.creation_timestamp.is_none() {
            intent.metadata.creation_timestamp = known.metadata.creation_timestamp;
        }
        // What was resolved is found by uid and wording, so another object's status does no harm.
        if intent.status.is_none() {
            intent.status.clone_from(&known.status);
            let workload = intent.workload();
            let here = context.intents.iter().map(AsRef::as_ref);
            let here = here.filter(|other: &&Intent| other.workload() == workload);
            let expectations = carried_over(&intent, Some(known), time_of_order(context.now, here));
            if let Some(status) = &mut intent.status {
                status.expectations = expectations;
            }
        }
    }
    intent
}

fn as_enforced(intent: &Intent) -> Intent {
    let mut intent = intent.clone();
    intent.spec.mode = None;
    intent
}

/// The intents that act on the same workload.
fn acting_beside(
    intent: &Intent,
    context: &AdmissionContext<'_>,
    displaced: &[IntentKey],
) -> Vec<Arc<Intent>> {
    let (key, workload) = (intent.key(), intent.workload());
    let mut others: Vec<Arc<Intent>> = context
        .intents
        .iter()
        .filter(|other| {
            other.workload() == workload
                && other.key() != key
                && is_acting(other, context.now)
                && !displaced.contains(&other.key())
        })
        .cloned()
        .collect();
    others.sort_by_cached_key(|other| (std::cmp::Reverse(other.spec.priority()), other.key()));
    others
}

fn by_expectation(intent: &Intent, settings: &[(usize, Setting)]) -> Vec<Option<Setting>> {
    (0..intent.spec.expectations.len())
        .map(|idx| {
            settings
                .iter()
                .find(|(expectation, _)| *expectation == idx)
                .map(|(_, setting)| setting.clone())
        })
        .collect()
}

/// The other intents that are blocked by conflicts with this one.
fn displaced(conflicts: &[Conflict], key: &IntentKey) -> Vec<IntentKey> {
    let mut displaced: Vec<IntentKey> = conflicts
        .iter()
        .filter_map(|conflict| match &conflict.yields {
            Party::Intent(other) if other != key && conflict.blocks(other) => Some(other.clone()),
            _ => None,
        })
        .collect();
    displaced.sort();
    displaced.dedup();
    displaced
}
