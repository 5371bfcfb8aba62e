//! The rules of the CustomResourceDefinitions against objects that are to pass and objects that are to fail.
//!
//! The end-to-end tests send the same objects to a real API server. A first line `# refused: FIELD: MESSAGE` says what a rule
//! says; with `schema:` in front, the schema alone refuses it, which only the API server looks at. Of two documents the second
//! is an edit of the first.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]
#![expect(clippy::indexing_slicing, reason = "what is not there fails its test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kube::core::cel::Validator;
use serde_json::{Value, json};

fn schemas() -> BTreeMap<String, Value> {
    let crds = ibn_k8s::crds().unwrap();
    crds.iter()
        .map(|crd| {
            let version = &crd.spec.versions[0];
            let schema = version.schema.as_ref().unwrap();
            let schema = json!(schema.open_api_v3_schema);
            (crd.spec.names.kind.clone(), schema)
        })
        .collect()
}

fn fixtures(kind: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(kind);
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

/// What the rules say of the last document, each as `field: message`.
fn judged(text: &str) -> Vec<String> {
    let documents: Vec<Value> = text
        .split("---\n")
        .map(|document| serde_saphyr::from_str(document).unwrap())
        .collect();
    let object = documents.last().unwrap();
    let old = documents.iter().rev().nth(1);
    let schema = &schemas()[object["kind"].as_str().unwrap()];
    match Validator::new().validate(schema, object, old) {
        Ok(()) => Vec::new(),
        Err(errors) => errors
            .iter()
            .map(|error| format!("{}: {}", error.field_path, error.message))
            .collect(),
    }
}

#[test]
fn what_is_to_pass_passes() {
    for (path, text) in fixtures("pass") {
        assert_eq!(judged(&text), Vec::<String>::new(), "{}", path.display());
    }
}

#[test]
fn what_is_to_fail_is_refused_at_its_field() {
    for (path, text) in fixtures("fail") {
        let expected = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# refused: "))
            .unwrap();
        if !expected.starts_with("schema: ") {
            assert_eq!(judged(&text), [expected], "{}", path.display());
        }
    }
}
