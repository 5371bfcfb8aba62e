//! Merging patches into objects.

use serde_json::{Map, Value};

/// The key by which elements of a list are told apart; `None` for lists that are one value.
pub(super) fn key_of(list: &str) -> Option<&'static str> {
    match list {
        "containers" | "initContainers" | "env" | "volumes" => Some("name"),
        "conditions" => Some("type"),
        "ownerReferences" => Some("uid"),
        _ => None,
    }
}

/// A merge patch, as RFC 7396 has it.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    for (key, value) in patch {
        let target = as_map(target);
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// A strategic merge patch: as a merge patch, but lists that have a key are merged element by element.
pub(super) fn strategic(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    for (key, value) in patch {
        let target = as_map(target);
        if value.is_null() {
            target.remove(key);
            continue;
        }
        let place = target.entry(key.clone()).or_insert(Value::Null);
        match (key_of(key), value) {
            (Some(by), Value::Array(elements)) => by_key(place, elements, by),
            _ => strategic(place, value),
        }
    }
}

fn by_key(place: &mut Value, elements: &[Value], by: &str) {
    if !place.is_array() {
        *place = Value::Array(Vec::new());
    }
    let Value::Array(there) = place else { return };
    for element in elements {
        let same = there.iter_mut().find(|it| it.get(by) == element.get(by));
        match same {
            Some(same) => strategic(same, element),
            None => {
                let mut fresh = Value::Null;
                strategic(&mut fresh, element);
                there.push(fresh);
            }
        }
    }
}

fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        // It was made one above.
        _ => unreachable!("an object"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The example of RFC 7396, section 3.
    #[test]
    fn a_merge_patch_is_that_of_the_rfc() {
        let mut target = json!({
            "title": "Goodbye!",
            "author": {"givenName": "John", "familyName": "Doe"},
            "tags": ["example", "sample"],
            "content": "This will be unchanged",
        });
        let patch = json!({
            "title": "Hello!",
            "phoneNumber": "+01-123-456-7890",
            "author": {"familyName": null},
            "tags": ["example"],
        });
        merge(&mut target, &patch);
        let expected = json!({
            "title": "Hello!",
            "author": {"givenName": "John"},
            "tags": ["example"],
            "content": "This will be unchanged",
            "phoneNumber": "+01-123-456-7890",
        });
        assert_eq!(target, expected);
    }

    #[test]
    fn containers_are_merged_by_name() {
        let mut target = json!({"containers": [
            {"name": "app", "image": "a", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}},
            {"name": "side", "image": "b"},
        ]});
        let patch = json!({"containers": [
            {"name": "app", "resources": {"limits": {"cpu": "2", "memory": null}}},
        ]});
        strategic(&mut target, &patch);
        let expected = json!({"containers": [
            {"name": "app", "image": "a", "resources": {"limits": {"cpu": "2"}}},
            {"name": "side", "image": "b"},
        ]});
        assert_eq!(target, expected);
    }
}
