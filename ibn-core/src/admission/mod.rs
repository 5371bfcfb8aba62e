//! Admission: whether an intent may be followed, and what would come of it.
//!
//! [`Admission::review`] validates the document, looks for conflicts, resolves what is ordered, and asks
//! the twin whether what is wanted can be had inside the limits. It changes nothing and decides only
//! on what it is given, so that the same function serves a submission, a second look and a what-if.

mod context;
mod outcome;

use std::sync::Arc;

pub use context::AdmissionContext;
pub use outcome::{Accepted, AdmissionOutcome, Effect, Feasibility, ObjectiveEffect};

use crate::conflict::{Conflict, ConflictContext, Nature, Party, Registry, Twin};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::guard::Desired;
use crate::intent::{Directive, Expectation, IndicatorName, Intent, IntentKey, Setting};
use crate::resolve::{ResolvedDirective, Unresolvable, resolve_intent};
use crate::roles::Predictor;
use crate::validate::validate_intent;
use crate::workload::{WorkloadKind, WorkloadState};

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
}

impl Admission {
    /// Admission by these rules and this twin.
    #[must_use]
    pub fn new(registry: Registry, predictor: Arc<dyn Predictor>) -> Self {
        Self {
            registry: Arc::new(registry),
            predictor: Some(predictor),
        }
    }

    /// Admission by the standard rules, which knows no effects: objectives are never known to be feasible.
    #[must_use]
    pub fn without_twin() -> Self {
        Self {
            registry: Arc::new(Registry::standard()),
            predictor: None,
        }
    }

    /// The rules.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What becomes of `intent` if it is submitted, or looked at again, in `context`.
    #[must_use]
    pub fn review(&self, intent: &Intent, context: &AdmissionContext<'_>) -> AdmissionOutcome {
        let mut diagnostics = validate_intent(intent);
        diagnostics.extend(context_faults(intent, context));
        let workload = intent.workload();
        let state = match context.inventory.workloads.get(&workload) {
            Some(state) if !has_errors(&diagnostics) => state,
            _ => {
                return AdmissionOutcome::Rejected {
                    diagnostics,
                    conflicts: Vec::new(),
                };
            }
        };
        let twin = self.predictor.as_deref().and_then(|predictor| {
            let (model, demand) = context.models?.get(&workload)?;
            Some(Twin {
                predictor,
                model,
                demand: *demand,
            })
        });
        let key = intent.key();
        let standing = context.standing_beside(intent);
        let mut look = ConflictContext::new(
            context.now,
            &workload,
            context.inventory,
            context.guardrails,
            standing.iter().copied().chain([intent]),
        );
        look.twin = twin;
        look.about = Some(key.clone());
        let conflicts = self.registry.check(&look);
        let is_contested = conflicts
            .iter()
            .any(|conflict| conflict.nature == Nature::Contest && conflict.blocks(&key));
        if is_contested {
            return AdmissionOutcome::Rejected {
                diagnostics,
                conflicts,
            };
        }

        let resolved = resolve_intent(intent, state);
        match orders(&resolved) {
            Err(why) => AdmissionOutcome::Infeasible {
                why: why.to_string(),
                proposal: None,
                conflicts,
            },
            Ok(settings) => AdmissionOutcome::Accepted(Box::new(accept(
                intent,
                state,
                diagnostics,
                conflicts,
                &settings,
            ))),
        }
    }
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission")
            .field("registry", &self.registry)
            .field(
                "predictor",
                &self.predictor.as_ref().map(|predictor| predictor.name()),
            )
            .finish()
    }
}

fn accept(
    intent: &Intent,
    state: &WorkloadState,
    diagnostics: Vec<Diagnostic>,
    conflicts: Vec<Conflict>,
    settings: &[(usize, Setting)],
) -> Accepted {
    let mut after = Desired::live(state);
    for (_, setting) in settings {
        setting.write_to(&mut after);
    }
    Accepted {
        diagnostics,
        warnings: Vec::new(),
        feasibility: Feasibility::Feasible,
        resolved: by_expectation(intent, settings),
        displaces: displaced(&conflicts, &intent.key()),
        effect: Effect {
            before: Desired::live(state),
            after,
            predicted_before: None,
            predicted_after: None,
            objectives: Vec::new(),
        },
        conflicts,
    }
}

/// The absolute values of all directives, or why one of them has none.
fn orders(resolved: &[ResolvedDirective]) -> Result<Vec<(usize, Setting)>, &Unresolvable> {
    resolved
        .iter()
        .map(|directive| match &directive.setting {
            Ok(setting) => Ok((directive.expectation, setting.clone())),
            Err(why) => Err(why),
        })
        .collect()
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

fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// What is wrong with an intent in view of what exists and of who speaks.
fn context_faults(intent: &Intent, context: &AdmissionContext<'_>) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let mut fault = |code, path: String, message: String, help: String| {
        faults.push(Diagnostic {
            code,
            severity: Severity::Error,
            path,
            line: None,
            column: None,
            message,
            help,
        });
    };
    let workload = intent.workload();
    let Some(state) = context.inventory.workloads.get(&workload) else {
        let message = match workload.kind {
            WorkloadKind::Namespace => format!("there is no namespace `{}`", workload.name),
            kind => format!(
                "there is no {kind} `{}` in namespace `{}`",
                workload.name, workload.namespace
            ),
        };
        let help = "the name of something that exists; `ibn get workloads` lists it".to_owned();
        fault(Code::UnknownTarget, "spec.target".to_owned(), message, help);
        return faults;
    };
    if !context.may_patch {
        fault(
            Code::NotPermitted,
            "spec.target".to_owned(),
            format!("the author of this intent may not patch `{workload}`"),
            "only who may change a workload may write intents for it: ask for that permission"
                .to_owned(),
        );
    }
    for (idx, expectation) in intent.spec.expectations.iter().enumerate() {
        match expectation {
            Expectation::Directive(Directive::Resources(resources)) => {
                if let Some(container) = &resources.container
                    && state.allocation.container(container).is_none()
                {
                    let names: Vec<&str> = state
                        .allocation
                        .containers
                        .iter()
                        .map(|container| container.name.as_str())
                        .collect();
                    fault(
                        Code::UnknownContainer,
                        format!("spec.expectations[{idx}].directive.resources.container"),
                        format!("`{workload}` has no container `{container}`"),
                        format!("one of: {}", names.join(", ")),
                    );
                }
            }
            Expectation::Objective(objective) => {
                if let IndicatorName::Custom(name) = &objective.indicator
                    && let Some(indicators) = context.indicators
                    && !indicators.contains(name)
                {
                    fault(
                        Code::UnknownIndicator,
                        format!("spec.expectations[{idx}].objective.indicator"),
                        format!("there is no indicator `{name}`"),
                        "a built-in indicator, or the name of an `Indicator` object".to_owned(),
                    );
                }
            }
            Expectation::Directive(_) => {}
        }
    }
    faults
}
