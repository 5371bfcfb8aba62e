//! What is wrong with an intent in view of what exists and of who speaks.

use super::AdmissionContext;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::intent::{Directive, Expectation, IndicatorName, Intent};
use crate::validate::validate_intent;
use crate::workload::WorkloadKind;

/// Every fault of an intent, by itself and in its context.
pub(super) fn faults(intent: &Intent, context: &AdmissionContext<'_>) -> Vec<Diagnostic> {
    let mut faults = validate_intent(intent);
    faults.extend(context_faults(intent, context));
    faults
}

pub(super) fn has_errors(faults: &[Diagnostic]) -> bool {
    faults
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
}

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
