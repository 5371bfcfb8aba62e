//! The rules that a document obeys beyond its form.

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::intent::Intent;

/// Every rule that an intent breaks by itself, without knowing what exists.
///
/// Empty where it is valid. Lines and columns are absent: the intent may never have been text.
#[must_use]
pub fn validate_intent(intent: &Intent) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    if let Some(priority) = intent.spec.priority
        && !(1..=100).contains(&priority)
    {
        diagnostics.push(Diagnostic {
            code: Code::OutOfRange,
            severity: Severity::Error,
            path: "spec.priority".to_owned(),
            line: None,
            column: None,
            message: format!("priority `{priority}` is out of range"),
            help: "a whole number from 1 to 100".to_owned(),
        });
    }
    diagnostics
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
}
