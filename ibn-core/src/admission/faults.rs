//! What is wrong with an intent by itself, in view of what exists, and of who speaks.

use std::collections::BTreeMap;

use super::AdmissionContext;
use crate::catalog::{Catalog, CatalogContainer, CatalogWorkload};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::intent::{IndicatorName, Intent};
use crate::validate::{validate_against, validate_intent};
use crate::workload::{Inventory, WorkloadKind, WorkloadState};

/// Every fault of an intent, by itself and in its context.
pub(super) fn faults(intent: &Intent, context: &AdmissionContext<'_>) -> Vec<Diagnostic> {
    let workload = intent.workload();
    let state = context.inventory.workloads.get(&workload);
    let mut faults = validate_intent(intent);
    for fault in validate_against(intent, &names(intent, state, context)) {
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    let unknown = faults.iter().any(|fault| fault.code == Code::UnknownTarget);
    if state.is_none() && !unknown {
        faults.push(error(
            Code::UnknownTarget,
            format!("nothing is known of `{workload}`"),
            "wait until it was seen, or name something that exists".to_owned(),
        ));
    }
    if state.is_some() && !context.may_patch {
        faults.push(error(
            Code::NotPermitted,
            format!("the author of this intent may not patch `{workload}`"),
            "only who may change a workload may write intents for it: ask for that permission"
                .to_owned(),
        ));
    }
    faults
}

pub(super) fn has_errors(faults: &[Diagnostic]) -> bool {
    faults
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
}

fn error(code: Code, message: String, help: String) -> Diagnostic {
    Diagnostic {
        code,
        severity: Severity::Error,
        path: "spec.target".to_owned(),
        line: None,
        column: None,
        message,
        help,
    }
}

/// The names that the intent may use: its own target where that exists, else all that could have been meant.
fn names(
    intent: &Intent,
    state: Option<&WorkloadState>,
    context: &AdmissionContext<'_>,
) -> Catalog {
    let indicators = match context.indicators {
        Some(indicators) => indicators.iter().cloned().collect(),
        // Not known, so none is unknown.
        None => intent
            .spec
            .objectives()
            .filter_map(|(_, objective)| match &objective.indicator {
                IndicatorName::Custom(name) => Some(name.clone()),
                _ => None,
            })
            .collect(),
    };
    match state {
        Some(state) => Catalog {
            namespaces: vec![state.workload.namespace.clone()],
            workloads: only(state),
            indicators,
        },
        None => everything(context.inventory, indicators),
    }
}

fn only(state: &WorkloadState) -> Vec<CatalogWorkload> {
    if state.workload.kind == WorkloadKind::Namespace {
        return Vec::new();
    }
    vec![CatalogWorkload {
        namespace: state.workload.namespace.clone(),
        kind: state.workload.kind,
        name: state.workload.name.clone(),
        replicas: state.allocation.replicas,
        containers: state
            .allocation
            .containers
            .iter()
            .map(CatalogContainer::from)
            .collect(),
        aliases: Vec::new(),
    }]
}

fn everything(inventory: &Inventory, indicators: Vec<String>) -> Catalog {
    Catalog::from_inventory(inventory, &BTreeMap::new(), indicators)
}
