//! Rules on guardrails.

use std::time::Duration;

use super::Findings;
use super::intent::{header, metadata};
use super::limits::{Limits, limits};
use crate::diagnostic::{Code, Diagnostic};
use crate::guardrail::{FreezeWindow, Guardrail, GuardrailSpec};
use crate::read::path::{join, push_index};
use crate::workload::WorkloadKind;

/// The longest cool-down of a guardrail, 30 days; what should stand still for longer is a freeze window.
pub const MAX_COOL_DOWN: Duration = Duration::from_secs(30 * 86_400);

/// Every rule that a guardrail breaks by itself. Lines and columns are absent, as with [`super::validate_intent`].
#[must_use]
pub fn validate_guardrail(guardrail: &Guardrail) -> Vec<Diagnostic> {
    let mut findings = Findings::default();
    header(
        "Guardrail",
        &guardrail.api_version,
        &guardrail.kind,
        &mut findings,
    );
    metadata(&guardrail.metadata, &mut findings);
    guardrail_spec(&guardrail.spec, &mut findings);
    for (index, window) in guardrail.spec.freeze.iter().enumerate() {
        let mut path = "spec.freeze".to_owned();
        push_index(&mut path, index);
        freeze_window(&path, window, &mut findings);
    }
    findings.diagnostics
}

/// Every rule on the spec but those on its freeze windows.
pub(crate) fn guardrail_spec(spec: &GuardrailSpec, findings: &mut Findings) {
    if let Some(name) = &spec.selector.name {
        if spec.selector.kind == Some(WorkloadKind::Namespace) {
            findings.label("spec.selector.name", name);
        } else {
            findings.subdomain("spec.selector.name", name);
        }
    }
    let bounds = Limits {
        replicas: &spec.replicas,
        cpu: &spec.cpu,
        memory: &spec.memory,
        budget: &spec.budget,
    };
    limits("spec", &bounds, findings);
    if let Some(factor) = spec.step.resource_factor
        && !(factor.is_finite() && factor >= 1.0)
    {
        findings.error(
            Code::OutOfRange,
            "spec.step.resourceFactor",
            format!("`{factor}` is out of range"),
            "a finite factor of at least 1; 2 allows a change to the double or the half",
        );
    }
    if let Some(cool_down) = spec.cool_down {
        findings.duration_in("spec.coolDown", cool_down, Duration::ZERO..=MAX_COOL_DOWN);
    }
    if spec.yield_to.contains("") {
        findings.error(
            Code::InvalidName,
            "spec.yieldTo",
            "`` is no field manager",
            "names of field managers such as `argocd`",
        );
    }
}

/// A window ends after it begins.
pub(crate) fn freeze_window(path: &str, window: &FreezeWindow, findings: &mut Findings) {
    if window.until <= window.from {
        findings.error(
            Code::EndsBeforeBegin,
            join(path, "until"),
            format!(
                "it ends at `{}`, before or when it begins at `{}`",
                window.until, window.from
            ),
            format!("a time after `{}`", window.from),
        );
    }
}
