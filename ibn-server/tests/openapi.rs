//! The OpenAPI document: what it says, that it says all, and that what is sent is as it says.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed helper fails its test"
)]
#![allow(clippy::indexing_slicing, reason = "what is not there in JSON is null")]

mod common;

use std::collections::BTreeSet;

use common::Served;
use serde_json::{Value, json};

#[test]
fn it_is_as_it_was() {
    insta::with_settings!({sort_maps => true}, {
        insta::assert_json_snapshot!(ibn_server::openapi_document());
    });
}

#[tokio::test]
async fn every_path_is_served() {
    let served = Served::at_speed(60.0);
    let document = served.get("/api/v1/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    let known: BTreeSet<&str> = paths.keys().map(String::as_str).collect();
    for path in [
        "/api/v1/workloads",
        "/api/v1/workloads/{namespace}/{kind}/{name}",
        "/api/v1/intents",
        "/api/v1/intents/{namespace}/{name}",
        "/api/v1/translate",
        "/api/v1/preview",
        "/api/v1/apply",
        "/api/v1/mode",
        "/api/v1/decisions",
        "/api/v1/decisions/{id}",
        "/api/v1/decisions/{id}/undo",
        "/api/v1/explain/{namespace}/{kind}/{name}",
        "/api/v1/notices",
        "/api/v1/status",
        "/api/v1/catalog",
        "/api/v1/learning",
        "/api/v1/events",
        "/api/v1/speed",
    ] {
        assert!(known.contains(path), "{path} is not described");
    }
    for (path, operations) in paths {
        let path = path
            .replace("{namespace}/{kind}/{name}", "acme/Deployment/web")
            .replace("{namespace}/{name}", "acme/web")
            .replace("{id}", "d1");
        for method in operations.as_object().unwrap().keys() {
            if path.ends_with("/events") {
                continue;
            }
            let answer = match method.as_str() {
                "get" => served.get(&path).await,
                "delete" => served.delete(&path).await,
                _ => served.post(&path, &json!({})).await,
            };
            assert!(
                !answer.text.contains(&format!("`{path}`")) && answer.status.as_u16() != 405,
                "{method} {path} is not served: {}",
                answer.text
            );
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = ibn_server::openapi_document();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 50, "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        let target = document.pointer(pointer);
        assert!(target.is_some(), "{reference}");
        assert_ne!(
            target,
            Some(&json!({"type": "object"})),
            "{reference} is only a stand-in"
        );
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                references.insert(reference.clone());
            }
            map.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[tokio::test]
async fn what_is_sent_is_as_it_is_described() {
    let served = Served::lively(60.0, 3);
    served
        .post("/api/v1/apply", &json!({"text": "scale acme web to 12"}))
        .await;
    served
        .until("/api/v1/decisions?last=5", |it| {
            it.text.contains("trimmed") || it.text.contains("\"cuts\"")
        })
        .await;
    let decisions = served.get("/api/v1/decisions?last=1").await.json();
    let id = decisions["decisions"][0]["decision"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut checked = Vec::new();
    for path in [
        "/api/v1/workloads",
        "/api/v1/workloads/acme/Deployment/checkout",
        "/api/v1/explain/acme/Deployment/checkout",
        "/api/v1/explain/acme/Deployment/web",
        "/api/v1/explain/acme/Namespace/acme",
        "/api/v1/intents",
        "/api/v1/intents/globex/web-fast",
        "/api/v1/decisions?last=100",
        "/api/v1/notices",
        "/api/v1/status",
        "/api/v1/catalog",
        "/api/v1/learning",
    ] {
        checked.push(("get", path.to_owned(), served.get(path).await.json()));
    }
    checked.push((
        "get",
        format!("/api/v1/decisions/{id}"),
        served.get(&format!("/api/v1/decisions/{id}")).await.json(),
    ));
    let still = Served::at_speed(60.0);
    still
        .post("/api/v1/apply", &json!({"text": "scale acme web to 5"}))
        .await;
    let applied = still
        .until("/api/v1/decisions?last=1", |it| {
            it.text.contains("\"receipt\":{")
        })
        .await
        .json();
    let path = format!(
        "/api/v1/decisions/{}/undo",
        applied["decisions"][0]["decision"]["id"].as_str().unwrap()
    );
    checked.push((
        "post",
        path.clone(),
        still.post(&path, &json!({"cause": "a test"})).await.json(),
    ));
    for text in [
        "scale acme web to 5",
        "please make acme web fast",
        "make web bigger",
        "show the secret",
        "how is acme web",
        "acme web 9 fewer",
        "make acme worker fast",
    ] {
        let sentence = json!({"text": text});
        checked.push((
            "post",
            "/api/v1/translate".to_owned(),
            served.post("/api/v1/translate", &sentence).await.json(),
        ));
        checked.push((
            "post",
            "/api/v1/preview".to_owned(),
            served.post("/api/v1/preview", &sentence).await.json(),
        ));
    }
    for text in [
        "make acme worker fast",
        "scale globex web to 5",
        "suspend acme worker",
    ] {
        checked.push((
            "post",
            "/api/v1/apply".to_owned(),
            served
                .post("/api/v1/apply", &json!({"text": text}))
                .await
                .json(),
        ));
    }
    let document = ibn_server::openapi_document();
    for (method, path, answer) in checked {
        let described = describe(&document, method, &path);
        let mut faults = Vec::new();
        conforms(&document, &described, &answer, &path, &mut faults);
        assert!(faults.is_empty(), "{faults:#?}\n{answer}");
    }
}

/// The schema of what is sent where all is well.
fn describe(document: &Value, method: &str, path: &str) -> Value {
    let path = path.split('?').next().unwrap();
    let wanted: Vec<&str> = path.split('/').collect();
    let paths = document["paths"].as_object().unwrap();
    let fits = |known: &String| {
        let known: Vec<&str> = known.split('/').collect();
        known.len() == wanted.len()
            && known
                .iter()
                .zip(&wanted)
                .all(|(a, b)| a == b || a.starts_with('{'))
    };
    let (_, found) = paths.iter().find(|(known, _)| fits(known)).unwrap();
    found[method]["responses"]["200"]["content"]["application/json"]["schema"].clone()
}

/// As much of JSON Schema as the document uses; a field that isn't described is a fault.
fn conforms(
    document: &Value,
    schema: &Value,
    value: &Value,
    place: &str,
    faults: &mut Vec<String>,
) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document
            .pointer(reference.strip_prefix('#').unwrap())
            .unwrap();
        return conforms(document, target, value, place, faults);
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let fits = choices.iter().any(|choice| {
                let mut inner = Vec::new();
                conforms(document, choice, value, place, &mut inner);
                inner.is_empty()
            });
            if !fits {
                let mut each = Vec::new();
                for choice in choices {
                    conforms(document, choice, value, place, &mut each);
                }
                faults.push(format!(
                    "{place} is none of the forms that are described: {each:?}"
                ));
            }
            return;
        }
    }
    if let Some(all) = schema["allOf"].as_array() {
        // Parts of one mapping: what one doesn't describe, another may.
        let merged = merged(document, all);
        return conforms(document, &merged, value, place, faults);
    }
    if let Some(wanted) = schema.get("const") {
        if wanted != value {
            faults.push(format!("{place} is {value}, not {wanted}"));
        }
        return;
    }
    if let Some(words) = schema["enum"].as_array() {
        if !words.contains(value) {
            faults.push(format!("{place} is {value}, none of {words:?}"));
        }
        return;
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let fits = kinds.iter().any(|kind| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    });
    if !fits {
        faults.push(format!("{place} is {value}, not of type {kinds:?}"));
        return;
    }
    if let Some(items) = value.as_array() {
        for (idx, item) in items.iter().enumerate() {
            conforms(
                document,
                &schema["items"],
                item,
                &format!("{place}[{idx}]"),
                faults,
            );
        }
    }
    let (Some(map), Some(properties)) = (
        value.as_object(),
        schema.get("properties").and_then(Value::as_object),
    ) else {
        if let (Some(map), Some(each)) = (value.as_object(), schema.get("additionalProperties")) {
            for (key, value) in map {
                conforms(document, each, value, &format!("{place}.{key}"), faults);
            }
        }
        return;
    };
    for (key, value) in map {
        match properties.get(key) {
            Some(described) => conforms(
                document,
                described,
                value,
                &format!("{place}.{key}"),
                faults,
            ),
            None => faults.push(format!("{place}.{key} is not described")),
        }
    }
    for needed in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !map.contains_key(needed) {
            faults.push(format!("{place}.{needed} is missing"));
        }
    }
}

fn merged(document: &Value, all: &[Value]) -> Value {
    let mut properties = serde_json::Map::new();
    let mut required = Vec::new();
    for part in all {
        let mut part = part.clone();
        if let Some(reference) = part["$ref"].as_str() {
            part = document
                .pointer(reference.strip_prefix('#').unwrap())
                .unwrap()
                .clone();
        }
        if let Some(inner) = part["allOf"].as_array() {
            part = merged(document, inner);
        }
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    json!({"type": "object", "properties": properties, "required": required})
}
