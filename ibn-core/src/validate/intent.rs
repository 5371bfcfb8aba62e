//! Rules on intents.

use super::Findings;
use super::directives::directives;
use super::findings::is_dns_label;
use super::limits::{Limits, limits};
use super::objective::{contradictions, objective};
use crate::diagnostic::{Code, Diagnostic};
use crate::intent::{
    API_VERSION, Constraints, Expectation, Intent, Metadata, Mode, Preference, Target, Validity,
};
use crate::read::path::{join, push_index};
use crate::read::quote;
use crate::workload::WorkloadKind;

/// Every rule that an intent breaks by itself, without knowing what exists.
///
/// Empty where it is valid. Lines and columns are absent, since the intent may never have been text;
/// [`crate::read::Node::place`] adds them.
///
/// ```
/// use ibn_core::intent::{Amount, Directive, Expectation, Intent};
/// use ibn_core::validate::validate_intent;
/// use ibn_core::workload::WorkloadRef;
///
/// let mut intent = Intent::new("scale-web", &WorkloadRef::deployment("acme", "web"))
///     .with_expectation(Expectation::Directive(Directive::Replicas(Amount::To(5))));
/// assert_eq!(validate_intent(&intent), []);
///
/// intent.spec.constraints.replicas.max = Some(3);
/// let faults = validate_intent(&intent);
/// assert_eq!(faults[0].path, "spec.expectations[0].directive.replicas.to");
/// ```
#[must_use]
pub fn validate_intent(intent: &Intent) -> Vec<Diagnostic> {
    let mut findings = Findings::default();
    header("Intent", &intent.api_version, &intent.kind, &mut findings);
    metadata(&intent.metadata, &mut findings);
    let parts = SpecParts {
        target: Some(&intent.spec.target),
        expectations: intent.spec.expectations.iter().enumerate().collect(),
        constraints: &intent.spec.constraints,
        priority: intent.spec.priority,
        preference: intent.spec.preference,
        mode: intent.spec.mode,
        validity: intent.spec.validity,
    };
    spec(&parts, &intent.metadata.namespace, &mut findings);
    findings.diagnostics
}

/// The parts of a spec that rules look at; what could not be read is absent, and places in lists are kept.
pub(crate) struct SpecParts<'a> {
    pub(crate) target: Option<&'a Target>,
    pub(crate) expectations: Vec<(usize, &'a Expectation)>,
    pub(crate) constraints: &'a Constraints,
    pub(crate) priority: Option<u8>,
    pub(crate) preference: Option<Preference>,
    pub(crate) mode: Option<Mode>,
    pub(crate) validity: Option<Validity>,
}

impl SpecParts<'_> {
    /// Whether nothing is wanted but that what was paused goes on.
    fn only_resumes(&self) -> bool {
        self.mode == Some(Mode::Enforce)
            && self.expectations.is_empty()
            && self.constraints.is_empty()
            && self.preference.is_none()
            && self.priority.is_none()
    }
}

/// The API version and kind are those that are read here.
pub(super) fn header(wanted: &str, api_version: &str, kind: &str, findings: &mut Findings) {
    if api_version != API_VERSION {
        findings.error(
            Code::UnknownApiVersion,
            "apiVersion",
            format!("{} is not read here", quote(api_version)),
            format!("`{API_VERSION}`"),
        );
    }
    if kind != wanted {
        findings.error(
            Code::UnknownKind,
            "kind",
            format!("{} stands where `{wanted}` is needed", quote(kind)),
            format!("`{wanted}`"),
        );
    }
}

/// The name is an object's, and the namespace, where there is one, a namespace's.
pub(crate) fn metadata(metadata: &Metadata, findings: &mut Findings) {
    findings.subdomain("metadata.name", &metadata.name);
    if !metadata.namespace.is_empty() {
        findings.label("metadata.namespace", &metadata.namespace);
    }
}

/// The name of a target is one that an object of its kind can have.
pub(crate) fn target(path: &str, kind: Option<WorkloadKind>, name: &str, findings: &mut Findings) {
    if kind == Some(WorkloadKind::Namespace) {
        findings.label(path, name);
    } else {
        findings.subdomain(path, name);
    }
}

/// Every rule on the spec of an intent in `namespace` (empty where none is said).
pub(crate) fn spec(parts: &SpecParts<'_>, namespace: &str, findings: &mut Findings) {
    let kind = parts.target.map(|target| target.kind);
    if let Some(found) = parts.target {
        target("spec.target.name", kind, &found.name, findings);
        let both_are_names = is_dns_label(&found.name) && is_dns_label(namespace);
        if found.kind == WorkloadKind::Namespace && both_are_names && found.name != namespace {
            findings.error(
                Code::TargetOutsideNamespace,
                "spec.target.name",
                format!(
                    "the namespace {} is not the intent's own",
                    quote(&found.name)
                ),
                format!("{}, or an intent in the other namespace", quote(namespace)),
            );
        }
    }
    if let Some(priority) = parts.priority
        && !(1..=100).contains(&priority)
    {
        findings.error(
            Code::OutOfRange,
            "spec.priority",
            format!("`{priority}` is out of range"),
            "a whole number from 1 to 100",
        );
    }
    if let Some(Validity {
        from: Some(from),
        until: Some(until),
    }) = parts.validity
        && until <= from
    {
        findings.error(
            Code::EndsBeforeBegin,
            "spec.validity.until",
            format!("it ends at `{until}`, before or when it begins at `{from}`"),
            format!("a time after `{from}`"),
        );
    }
    if parts.validity.is_some() && parts.only_resumes() {
        findings.error(
            Code::LaterResume,
            "spec.validity",
            "a resume can't wait for its time",
            "say it then, or give the pause its end, such as `pause … until 18:00`",
        );
    }
    constraints(kind, parts.constraints, findings);
    expectations(kind, parts, findings);
}

fn constraints(kind: Option<WorkloadKind>, constraints: &Constraints, findings: &mut Findings) {
    let path = "spec.constraints";
    if kind == Some(WorkloadKind::Namespace) && !constraints.is_empty() {
        findings.error(
            Code::NamespaceTakesQuotaOnly,
            path,
            "`constraints` are given for a namespace",
            "a `quota` directive bounds what a namespace may use",
        );
    }
    let bounds = Limits {
        replicas: &constraints.replicas,
        cpu: &constraints.cpu,
        memory: &constraints.memory,
        budget: &constraints.budget,
    };
    limits(path, &bounds, findings);
}

fn expectations(kind: Option<WorkloadKind>, parts: &SpecParts<'_>, findings: &mut Findings) {
    let mut objectives = Vec::new();
    let mut placed = Vec::new();
    for (index, expectation) in &parts.expectations {
        let mut path = "spec.expectations".to_owned();
        push_index(&mut path, *index);
        match expectation {
            Expectation::Objective(objective) => {
                objectives.push((join(&path, "objective"), objective))
            }
            Expectation::Directive(directive) => {
                let name = super::directives::name(directive);
                placed.push((join(&join(&path, "directive"), name), directive));
            }
        }
    }
    for (path, found) in &objectives {
        objective(path, found, findings);
        if kind == Some(WorkloadKind::Namespace) {
            findings.error(
                Code::NamespaceTakesQuotaOnly,
                path.as_str(),
                "an objective is set for a namespace",
                "a `quota` directive where the target is a `Namespace`",
            );
        }
    }
    contradictions(objectives.into_iter(), findings);
    directives(kind, &placed, parts.constraints, findings);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::WorkloadRef;

    #[test]
    fn a_priority_lies_between_1_and_100() {
        let mut intent = Intent::new("web", &WorkloadRef::deployment("acme", "web"));
        for (priority, valid) in [(0, false), (1, true), (100, true), (101, false)] {
            intent.spec.priority = Some(priority);
            assert_eq!(validate_intent(&intent).is_empty(), valid, "{priority}");
        }
    }

    #[test]
    fn a_resume_is_for_now_and_a_pause_may_end() {
        let mut intent = Intent::new("web", &WorkloadRef::deployment("acme", "web"));
        let until = "2026-12-24T18:00:00Z".parse().ok();
        let validity = Validity {
            from: until,
            until: None,
        };
        for (mode, validity, codes) in [
            (Mode::Enforce, None, &[][..]),
            (Mode::Enforce, Some(validity), &[Code::LaterResume]),
            (Mode::Suspended, Some(validity), &[]),
        ] {
            (intent.spec.mode, intent.spec.validity) = (Some(mode), validity);
            let found: Vec<Code> = validate_intent(&intent).iter().map(|it| it.code).collect();
            assert_eq!(found, codes, "{mode:?} {validity:?}");
        }
        intent.spec.mode = Some(Mode::Enforce);
        intent.spec.priority = Some(60);
        assert_eq!(validate_intent(&intent), [], "it says more than that");
    }
}
