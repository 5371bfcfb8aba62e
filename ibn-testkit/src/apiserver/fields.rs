//! Who owns which field of an object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::merge::key_of;

/// A way to a value: names, and keys of elements as `k:{"name":"app"}`.
pub(super) type Path = Vec<String>;

/// A manager, what it does (`Apply` or `Update`), and through which subresource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owner {
    pub(super) manager: String,
    pub(super) operation: &'static str,
    pub(super) subresource: String,
}

/// The fields of each owner, and when it wrote last.
pub(super) type Owners = BTreeMap<Owner, (BTreeSet<Path>, String)>;

/// The values of an object by their ways; lists without keys are one value, and so are empty maps.
pub(super) fn leaves(object: &Value) -> BTreeMap<Path, Value> {
    let mut found = BTreeMap::new();
    walk(object, &mut Vec::new(), &mut found);
    found.retain(|path, _| is_owned(path));
    found
}

/// What the server keeps by itself belongs to nobody, and neither does what an object is called.
fn is_owned(path: &Path) -> bool {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    match names.as_slice() {
        ["apiVersion" | "kind"] => false,
        ["metadata", name, ..] => matches!(
            *name,
            "labels" | "annotations" | "finalizers" | "ownerReferences"
        ),
        _ => true,
    }
}

fn walk(value: &Value, path: &mut Path, found: &mut BTreeMap<Path, Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                path.push(key.clone());
                walk(value, path, found);
                path.pop();
            }
        }
        Value::Array(elements) => {
            let key = path.last().and_then(|name| key_of(name));
            let keyed = key.filter(|by| elements.iter().all(|it| it.get(*by).is_some()));
            match keyed {
                Some(by) if !elements.is_empty() => {
                    for element in elements {
                        let of = json!({by: element.get(by)});
                        path.push(format!("k:{of}"));
                        walk(element, path, found);
                        path.pop();
                    }
                }
                _ => {
                    found.insert(path.clone(), value.clone());
                }
            }
        }
        _ => {
            found.insert(path.clone(), value.clone());
        }
    }
}

/// Takes the value at a way out of an object, with the maps and elements that are then empty.
pub(super) fn remove(object: &mut Value, path: &[String]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if let Some(key) = first.strip_prefix("k:") {
        let Value::Array(elements) = object else {
            return;
        };
        let wanted: Value = serde_json::from_str(key).unwrap_or_default();
        for element in elements.iter_mut().filter(|it| is_element(it, &wanted)) {
            remove(element, rest);
        }
        // An element of which only the key is left is gone.
        elements
            .retain(|it| !is_element(it, &wanted) || it.as_object().is_none_or(|it| it.len() > 1));
        return;
    }
    let Value::Object(map) = object else { return };
    if rest.is_empty() {
        map.remove(first);
        return;
    }
    if let Some(child) = map.get_mut(first) {
        remove(child, rest);
        let is_empty = child.as_object().is_some_and(Map::is_empty)
            || child.as_array().is_some_and(Vec::is_empty);
        if is_empty {
            map.remove(first);
        }
    }
}

fn is_element(element: &Value, wanted: &Value) -> bool {
    let wanted = wanted.as_object();
    wanted.is_some_and(|keys| {
        keys.iter()
            .all(|(key, value)| element.get(key) == Some(value))
    })
}

/// After a plain write: what changed is the writer's alone, and what is gone nobody's.
pub(super) fn update(
    owners: &mut Owners,
    owner: Owner,
    now: &str,
    before: &BTreeMap<Path, Value>,
    after: &BTreeMap<Path, Value>,
) {
    let changed: BTreeSet<Path> = after
        .iter()
        .filter(|(path, value)| before.get(*path) != Some(value))
        .map(|(path, _)| path.clone())
        .collect();
    for (paths, _) in owners.values_mut() {
        paths.retain(|path| after.contains_key(path) && !changed.contains(path));
    }
    if !changed.is_empty() {
        let (paths, at) = owners.entry(owner).or_default();
        paths.extend(changed);
        now.clone_into(at);
    }
    owners.retain(|_, (paths, _)| !paths.is_empty());
}

/// The entries of `managedFields`.
pub(super) fn render(owners: &Owners, api_version: &str) -> Value {
    let entries = owners.iter().map(|(owner, (paths, at))| {
        let mut fields = Value::Object(Map::new());
        for path in paths {
            let mut place = &mut fields;
            for step in path {
                let step = if step.starts_with("k:") {
                    step.clone()
                } else {
                    format!("f:{step}")
                };
                let Value::Object(map) = place else { break };
                place = map.entry(step).or_insert_with(|| json!({}));
            }
        }
        let mut entry = json!({
            "apiVersion": api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
            "manager": owner.manager,
            "operation": owner.operation,
            "time": at,
        });
        if let (false, Some(entry)) = (owner.subresource.is_empty(), entry.as_object_mut()) {
            entry.insert("subresource".to_owned(), json!(owner.subresource));
        }
        entry
    });
    Value::Array(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(manager: &str) -> Owner {
        Owner {
            manager: manager.to_owned(),
            operation: "Update",
            subresource: String::new(),
        }
    }

    #[test]
    fn a_change_takes_a_field_over() {
        let before = leaves(&json!({"spec": {"replicas": 1, "paused": false}}));
        let after = leaves(&json!({"spec": {"replicas": 2, "paused": false}}));
        let mut owners = Owners::new();
        update(&mut owners, owner("a"), "t0", &BTreeMap::new(), &before);
        update(&mut owners, owner("b"), "t1", &before, &after);
        assert_eq!(
            render(&owners, "v1"),
            json!([
                {"apiVersion": "v1", "fieldsType": "FieldsV1", "manager": "a", "operation": "Update", "time": "t0",
                 "fieldsV1": {"f:spec": {"f:paused": {}}}},
                {"apiVersion": "v1", "fieldsType": "FieldsV1", "manager": "b", "operation": "Update", "time": "t1",
                 "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            ])
        );
    }

    #[test]
    fn elements_of_keyed_lists_have_ways_of_their_own() {
        let mut object = json!({"spec": {"containers": [
            {"name": "app", "resources": {"limits": {"cpu": "1"}}},
        ]}});
        let path: Path = [
            "spec",
            "containers",
            r#"k:{"name":"app"}"#,
            "resources",
            "limits",
            "cpu",
        ]
        .map(str::to_owned)
        .into();
        assert_eq!(leaves(&object).get(&path), Some(&json!("1")));
        remove(&mut object, &path);
        assert_eq!(object, json!({}), "what is empty then goes along");
    }
}
