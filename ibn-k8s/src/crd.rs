//! CustomResourceDefinitions, generated from the types of core.

use ibn_core::guardrail::GuardrailSpec;
use ibn_core::indicator::IndicatorSpec;
use ibn_core::intent::IntentSpec;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::schema::StructuralSchemaRewriter;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
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
    spec: Value,
    /// Whether the system writes a status.
    has_status: bool,
    /// Name, type and JSON path of what `kubectl get` shows.
    columns: &'static [(&'static str, &'static str, &'static str)],
}

fn kinds() -> Vec<Kind> {
    vec![
        Kind {
            name: "Intent",
            plural: "intents",
            short: "int",
            spec: schema::<IntentSpec>(),
            has_status: true,
            columns: &[
                ("Target", "string", ".spec.target.name"),
                ("State", "string", ".status.state"),
                ("Achieved", "string", ".status.expectations[0].achieved"),
                ("Priority", "integer", ".spec.priority"),
                ("Age", "date", ".metadata.creationTimestamp"),
            ],
        },
        Kind {
            name: "Guardrail",
            plural: "guardrails",
            short: "gr",
            spec: schema::<GuardrailSpec>(),
            has_status: false,
            columns: &[
                ("Min", "integer", ".spec.replicas.min"),
                ("Max", "integer", ".spec.replicas.max"),
                ("Age", "date", ".metadata.creationTimestamp"),
            ],
        },
        Kind {
            name: "Indicator",
            plural: "indicators",
            short: "sli",
            spec: schema::<IndicatorSpec>(),
            has_status: false,
            columns: &[
                ("Unit", "string", ".spec.unit"),
                ("Direction", "string", ".spec.direction"),
                ("Age", "date", ".metadata.creationTimestamp"),
            ],
        },
    ]
}

/// The structural schema of a type: everything inline, in the subset that the API server takes.
fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::openapi3()
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .with_transform(StructuralSchemaRewriter);
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("title");
    }
    schema
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
    let mut properties = json!({"spec": kind.spec});
    let mut version = json!({"name": "v1alpha1", "served": true, "storage": true});
    if kind.has_status {
        properties["status"] = json!({
            "description": "What became of it; written by the system.",
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": true,
        });
        version["subresources"] = json!({"status": {}});
    }
    version["schema"] = json!({"openAPIV3Schema": {
        "type": "object",
        "required": ["spec"],
        "properties": properties,
    }});
    let columns: Vec<Value> = kind
        .columns
        .iter()
        .map(|(name, of, path)| json!({"name": name, "type": of, "jsonPath": path}))
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
                "plural": kind.plural,
                "singular": kind.name.to_lowercase(),
                "shortNames": [kind.short],
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
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_definition_with_a_structural_schema() {
        let crds = crds().unwrap();
        let names: Vec<_> = crds
            .iter()
            .map(|crd| crd.spec.names.kind.as_str())
            .collect();
        assert_eq!(names, ["Intent", "Guardrail", "Indicator"]);
        for crd in &crds {
            let schema = crd.spec.versions[0]
                .schema
                .as_ref()
                .unwrap()
                .open_api_v3_schema
                .as_ref()
                .unwrap();
            let text = serde_json::to_string(schema).unwrap();
            assert!(!text.contains("$ref"), "{}: {text}", crd.spec.names.kind);
            let spec = &schema.properties.as_ref().unwrap()["spec"];
            assert_eq!(spec.type_.as_deref(), Some("object"));
        }
    }

    #[test]
    fn the_yaml_reads_back_as_the_same_definitions() {
        let yaml = crds_yaml().unwrap();
        let documents: Vec<&str> = yaml
            .split("---\n")
            .filter(|text| !text.is_empty())
            .collect();
        assert_eq!(documents.len(), 3);
        for (document, crd) in documents.iter().zip(crds().unwrap()) {
            let value: Value = serde_saphyr::from_str(document).unwrap();
            assert_eq!(value, serde_json::to_value(crd).unwrap());
        }
    }
}
