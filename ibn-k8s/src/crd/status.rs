//! Schemas of what the system writes.

use ibn_core::intent::{ConditionKind, ConditionStatus, IntentState};
use serde_json::{Value, json};

use super::schema;

/// The schema of an intent's status; `spec` is that of a complete spec, for what is proposed.
pub(super) fn intent(spec: Value) -> Value {
    let mut proposal = spec;
    describe(
        &mut proposal,
        "Where it can't be met: the best that can be had, as a complete spec.",
    );
    let mut state = schema::of::<IntentState>();
    describe(
        &mut state,
        "Where it stands: Received, Rejected (not valid), Accepted, Fulfilled, Degraded (an expectation is missed), Suspended, Overridden (a person changed a held field), Infeasible (see `proposal`) or Finished.",
    );
    json!({
        "description": "What became of it; written by the controller.",
        "type": "object",
        "properties": {
            "state": state,
            "observedGeneration": integer("The generation of the spec that this status speaks of."),
            "conditions": conditions(),
            "expectations": {
                "description": "What became of each entry of `spec.expectations`, in order.",
                "type": "array",
                "items": expectation(),
            },
            "proposal": proposal,
            "conflicts": {
                "description": "What stands against it.",
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "rule": text("The rule that found it."),
                        "level": text("`warning` or `blocking`."),
                        "sides": {"description": "Both sides.", "type": "array", "items": {"type": "string"}},
                        "why": text("Why they exclude each other."),
                        "waysOut": {"description": "What a person can do.", "type": "array", "items": {"type": "string"}},
                    },
                },
            },
            "lastDecision": text("The last decision that was taken for it, such as `d17`; see `kubectl get decisions`."),
        },
    })
}

/// As `metav1.Condition`, with one entry a type.
fn conditions() -> Value {
    json!({
        "description": "What holds of it: Translated, Accepted, Feasible, Conflicting, Applied, Fulfilled.",
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": schema::of::<ConditionKind>(),
                "status": schema::of::<ConditionStatus>(),
                "reason": text("One word."),
                "message": text("A sentence."),
                "lastTransitionTime": {"description": "When the status last changed.", "type": "string", "format": "date-time"},
                "observedGeneration": integer("The generation of the spec that it speaks of."),
            },
        },
    })
}

fn expectation() -> Value {
    json!({
        "type": "object",
        "properties": {
            "achieved": text("What was measured over the window, or what is in force."),
            "fulfilled": {"description": "Whether it is met; absent while it isn't known.", "type": "boolean"},
            "hash": text("Which wording `resolved` belongs to."),
            "resolved": setting("The absolute value of a directive, written before it is applied and read ever after."),
            "ordered": {"description": "When it was first said in its present words.", "type": "string", "format": "date-time"},
            "previous": setting("The value of the same fields before, for `onEnd: Restore`."),
            "reason": text("Why it is not met."),
            "since": {"description": "Since when `fulfilled` is what it is.", "type": "string", "format": "date-time"},
        },
    })
}

/// The values of fields; of many forms, and read by the controller alone.
fn setting(description: &str) -> Value {
    json!({
        "description": description,
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

/// The schema of a decision's spec: what a person reads, and the entries of the ledger as they are.
pub(super) fn decision() -> Value {
    json!({
        "description": "What was decided and what came of it.",
        "type": "object",
        "required": ["id", "at", "workload", "trigger", "outcome", "entries"],
        "properties": {
            "id": text("Its name for `ibn explain` and `ibn undo`, such as `d17`."),
            "at": {"description": "When it was taken.", "type": "string", "format": "date-time"},
            "workload": text("For which workload: namespace, kind and name."),
            "trigger": text("What asked for it: directive, constraint, recommender, restore or undo."),
            "intents": {"description": "The intents that it serves.", "type": "array", "items": {"type": "string"}},
            "outcome": text("Decided, Applied, Failed, Undone, or Rejected by the guard."),
            "reason": text("Why, in sentences."),
            "changes": text("The fields that change, from and to."),
            "entries": {
                "description": "The entries of the ledger, whole.",
                "type": "array",
                "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            },
        },
    })
}

fn text(description: &str) -> Value {
    json!({"description": description, "type": "string"})
}

fn integer(description: &str) -> Value {
    json!({"description": description, "type": "integer", "format": "int64"})
}

fn describe(schema: &mut Value, description: &str) {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), json!(description));
    }
}
