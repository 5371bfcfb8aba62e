//! Schemas of core's types in the subset that the API server takes.

use kube::core::schema::StructuralSchemaRewriter;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// What the API server reads as a quantity that isn't negative, or is where it is a difference.
const QUANTITY: &str =
    r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$";

/// The structural schema of a type: everything inline, nothing nullable, and each choice written as the fields it is among.
pub(super) fn of<T: JsonSchema>() -> Value {
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
    tidy(&mut schema);
    schema
}

fn tidy(node: &mut Value) {
    let Some(node) = node.as_object_mut() else {
        return;
    };
    merge_optional(node);
    // What is absent is absent, never null. What exactly one of is needed is told by a rule, whose message says so.
    for key in ["nullable", "oneOf", "title"] {
        node.remove(key);
    }
    if node.contains_key("x-kubernetes-int-or-string") {
        node.insert(
            "anyOf".to_owned(),
            json!([{"type": "integer"}, {"type": "string"}]),
        );
        node.insert("pattern".to_owned(), json!(QUANTITY));
        node.insert("maxLength".to_owned(), json!(40));
        node.remove("type");
    } else {
        node.remove("anyOf");
    }
    if let Some(format) = node.get("format").and_then(Value::as_str) {
        let known = match format {
            "uint8" | "uint16" | "int8" | "int16" => "int32",
            "uint32" | "uint64" | "uint" | "int" => "int64",
            other => other,
        };
        let known = json!(known);
        node.insert("format".to_owned(), known);
    }
    if let Some(Value::String(text)) = node.get_mut("description") {
        // Links of the documentation are nothing to a person at a terminal.
        *text = text.replace("[`", "`").replace("`]", "`");
    }
    if let Some(properties) = node.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(tidy);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = node.get_mut(key) {
            tidy(inner);
        }
    }
}

/// What may also be null becomes what it is otherwise.
fn merge_optional(node: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = node.get("anyOf") else {
        return;
    };
    let is_null = |choice: &Value| choice.get("enum") == Some(&json!([null]));
    if !choices.iter().any(is_null) {
        return;
    }
    let kept = choices.iter().find(|choice| !is_null(choice)).cloned();
    node.remove("anyOf");
    if let Some(Value::Object(kept)) = kept {
        for (key, value) in kept {
            node.entry(key).or_insert(value);
        }
    }
}
