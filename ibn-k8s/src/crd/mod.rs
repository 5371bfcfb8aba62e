//! CustomResourceDefinitions, generated from the types of core.
//!
//! The schemas come of the types; [`rules`] adds what a type can't say, as CEL that the API server evaluates, and bounds on
//! lists and texts, without which it would refuse the rules for what they may cost.

mod rules;
mod schema;
mod status;

use ibn_core::guardrail::GuardrailSpec;
use ibn_core::indicator::IndicatorSpec;
use ibn_core::intent::IntentSpec;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

/// A CustomResourceDefinition could not be put together.
#[derive(Debug, thiserror::Error)]
#[error("the schema of `{kind}` does not fit a CustomResourceDefinition")]
pub struct Error {
    kind: &'static str,
    source: serde_json::Error,
}

/// One kind of the API.
struct Kind {
    name: &'static str,
    plural: &'static str,
    short: &'static str,
    description: &'static str,
    spec: Value,
    /// The schema of what the system writes, where it writes a status.
    status: Option<Value>,
    /// What `kubectl get` shows.
    columns: &'static [Column],
}

/// Name, type and JSON path of a column; those of priority 1 are shown by `-o wide` alone.
struct Column(&'static str, &'static str, &'static str, i32);

const AGE: Column = Column("Age", "date", ".metadata.creationTimestamp", 0);

fn kinds() -> Vec<Kind> {
    let mut intent = schema::of::<IntentSpec>();
    // What is proposed is read, never admitted: it needs no rules.
    let proposal = intent.clone();
    rules::intent(&mut intent);
    let mut guardrail = schema::of::<GuardrailSpec>();
    rules::guardrail(&mut guardrail);
    let mut indicator = schema::of::<IndicatorSpec>();
    rules::indicator(&mut indicator);
    vec![
        Kind {
            name: "Intent",
            plural: "intents",
            short: "int",
            description: "What a workload should do: objectives to meet, directives to follow, and bounds on what may be done for it.",
            spec: intent,
            status: Some(status::intent(proposal)),
            columns: &[
                Column("Target", "string", ".spec.target.name", 0),
                Column("State", "string", ".status.state", 0),
                Column("Achieved", "string", ".status.expectations[*].achieved", 0),
                Column("Decision", "string", ".status.lastDecision", 1),
                Column("Priority", "integer", ".spec.priority", 1),
                Column("Mode", "string", ".spec.mode", 1),
                Column(
                    "Reason",
                    "string",
                    ".status.conditions[?(@.type==\"Accepted\")].message",
                    1,
                ),
                Column("Text", "string", ".spec.text", 1),
                AGE,
            ],
        },
        Kind {
            name: "Guardrail",
            plural: "guardrails",
            short: "gr",
            description: "Limits on every workload that its selector finds, which neither an intent nor a recommender can leave. It speaks of its own namespace; in the namespace of the controller, of all.",
            spec: guardrail,
            status: None,
            columns: &[
                Column("Selects", "string", ".spec.selector.name", 0),
                Column("Min", "integer", ".spec.replicas.min", 0),
                Column("Max", "integer", ".spec.replicas.max", 0),
                Column("CPU", "string", ".spec.cpu.max", 0),
                Column("Memory", "string", ".spec.memory.max", 0),
                Column("Budget", "string", ".spec.budget.cpu", 1),
                Column("Approval", "string", ".spec.approval", 1),
                Column("Rollout", "string", ".spec.rollout", 1),
                AGE,
            ],
        },
        Kind {
            name: "Indicator",
            plural: "indicators",
            short: "sli",
            description: "An indicator beside the built-in ones: a name for objectives to speak of, a unit, and a PromQL template.",
            spec: indicator,
            status: None,
            columns: &[
                Column("Unit", "string", ".spec.unit", 0),
                Column("Direction", "string", ".spec.direction", 0),
                Column("Query", "string", ".spec.query", 1),
                AGE,
            ],
        },
        Kind {
            name: "Decision",
            plural: "decisions",
            short: "dec",
            description: "What the controller decided for a workload, on which grounds, and what came of it. Written by the controller, which keeps the newest of each workload.",
            spec: status::decision(),
            status: None,
            columns: &[
                Column("Workload", "string", ".spec.workload", 0),
                Column("Trigger", "string", ".spec.trigger", 0),
                Column("Outcome", "string", ".spec.outcome", 0),
                Column("Changes", "string", ".spec.changes", 0),
                Column("Reason", "string", ".spec.reason", 1),
                AGE,
            ],
        },
    ]
}

/// The CustomResourceDefinitions of `ibn.dev/v1alpha1`, in a fixed order.
///
/// # Errors
/// Never for the types of this version; a schema that doesn't fit is named.
pub fn crds() -> Result<Vec<CustomResourceDefinition>, Error> {
    kinds()
        .into_iter()
        .map(|kind| {
            let name = kind.name;
            serde_json::from_value(definition(kind)).map_err(|source| Error { kind: name, source })
        })
        .collect()
}

#[expect(
    clippy::indexing_slicing,
    reason = "a new key of a JSON object is inserted by indexing"
)]
fn definition(kind: Kind) -> Value {
    let mut properties = json!({
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": kind.spec,
    });
    let mut version = json!({"name": "v1alpha1", "served": true, "storage": true});
    if let Some(status) = kind.status {
        properties["status"] = status;
        version["subresources"] = json!({"status": {}});
    }
    version["schema"] = json!({"openAPIV3Schema": {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        "properties": properties,
    }});
    let columns: Vec<Value> = kind
        .columns
        .iter()
        .map(|Column(name, of, path, priority)| {
            let mut column = json!({"name": name, "type": of, "jsonPath": path});
            if *priority > 0 {
                column["priority"] = json!(priority);
            }
            column
        })
        .collect();
    version["additionalPrinterColumns"] = json!(columns);
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{}.ibn.dev", kind.plural)},
        "spec": {
            "group": "ibn.dev",
            "scope": "Namespaced",
            "names": {
                "kind": kind.name,
                "listKind": format!("{}List", kind.name),
                "plural": kind.plural,
                "singular": kind.name.to_lowercase(),
                "shortNames": [kind.short],
                "categories": ["ibn"],
            },
            "versions": [version],
        },
    })
}

/// The CustomResourceDefinitions as YAML documents for `kubectl apply -f -`.
///
/// # Errors
/// As [`crds`].
pub fn crds_yaml() -> Result<String, Error> {
    let mut text = String::new();
    for crd in crds()? {
        // JSON is YAML; written by the YAML writer so that people can read it.
        let document = serde_saphyr::to_string(&crd).map_err(|error| Error {
            kind: "CustomResourceDefinition",
            source: serde::ser::Error::custom(error),
        })?;
        text.push_str("---\n");
        text.push_str(document.trim_end());
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
