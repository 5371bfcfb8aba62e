//! The objects, and what calls do to them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::{self, Owner, Owners, Path};
use super::kinds::{self, Kind};
use super::request::{Answer, Call, Form, Refusal, status};
use super::watch::{Happened, Watcher};
use super::{merge, pods};

/// Group and plural, namespace, name.
pub(super) type Key = (String, String, String);

type Done = Result<Value, Refusal>;

/// What was changed of an object, by whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The field manager.
    pub manager: String,
    /// The plural of the kind.
    pub plural: String,
    /// The namespace; empty where there is none.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The subresource; empty where there is none.
    pub subresource: String,
    /// The ways to what is new, other or gone, with dots between; `*` where the object itself came or went.
    pub changed: BTreeSet<String>,
}

pub(super) struct Stored {
    pub(super) value: Value,
    owners: Owners,
}

/// Everything.
pub(super) struct State {
    pub(super) kinds: Vec<Kind>,
    pub(super) objects: BTreeMap<Key, Stored>,
    pub(super) version: u64,
    pub(super) history: VecDeque<Happened>,
    /// The newest version that is forgotten.
    pub(super) forgotten: u64,
    pub(super) watches: Vec<Watcher>,
    pub(super) writes: Vec<Write>,
    pub(super) node_millis: Option<u64>,
    names: u64,
}

/// What a write comes from.
pub(super) struct Writer<'a> {
    pub(super) manager: &'a str,
    pub(super) subresource: &'a str,
    pub(super) is_dry_run: bool,
}

impl Kind {
    fn place(&self) -> String {
        format!("{}/{}", self.group, self.plural)
    }
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            kinds: kinds::built_in(),
            objects: BTreeMap::new(),
            version: 0,
            history: VecDeque::new(),
            forgotten: 0,
            watches: Vec::new(),
            writes: Vec::new(),
            node_millis: None,
            names: 0,
        }
    }

    pub(super) fn make_namespace(&mut self, name: &str) {
        let body = json!({"metadata": {"name": name}, "status": {"phase": "Active"}});
        let call = Call::by_hand("POST", "/api/v1/namespaces", "fake", Some(&body));
        let _ = self.answer(&call);
    }

    pub(super) fn find(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        let kind = self.kinds.iter().find(|it| it.plural == plural)?;
        let key = (kind.place(), namespace.to_owned(), name.to_owned());
        Some(self.objects.get(&key)?.value.clone())
    }

    /// Answers a call, and does what it asks for.
    pub(super) fn answer(&mut self, call: &Call) -> Answer {
        if call.version == "version" {
            let version = json!({
                "major": "1", "minor": "34", "gitVersion": "v1.34.0", "gitCommit": "", "gitTreeState": "",
                "buildDate": "", "goVersion": "", "compiler": "", "platform": "",
            });
            return Answer::Object(200, version);
        }
        let found = self.kinds.iter().find(|it| {
            it.group == call.group && it.version == call.version && it.plural == call.plural
        });
        let Some(kind) = found.cloned() else {
            return Refusal::not_found("the kind was").into();
        };
        if call.is_watch() {
            return self.watch(call, &kind.place());
        }
        let done = match (call.method.as_str(), call.name.is_empty()) {
            ("GET", true) => Ok((200, self.list(call, &kind))),
            ("GET", false) => self.get(call, &kind).map(|it| (200, it)),
            ("POST", true) => self.create(call, &kind).map(|it| (201, it)),
            ("PUT" | "PATCH", false) => self.change(call, &kind),
            ("DELETE", false) => self.delete(call, &kind).map(|it| (200, it)),
            _ => Err(Refusal {
                code: 405,
                reason: "MethodNotAllowed",
                message: format!("{} is not supported here", call.method),
            }),
        };
        match done {
            Ok((code, value)) => {
                if !call.is_dry_run() {
                    self.live();
                }
                // What controllers did at once is part of a later read, not of this answer.
                Answer::Object(code, value)
            }
            Err(refusal) => refusal.into(),
        }
    }

    fn key(&self, call: &Call, kind: &Kind) -> Key {
        (kind.place(), call.namespace.clone(), call.name.clone())
    }

    fn stored(&self, call: &Call, kind: &Kind) -> Result<&Stored, Refusal> {
        let what = format!("{} \"{}\"", kind.plural, call.name);
        let found = self.objects.get(&self.key(call, kind));
        found.ok_or_else(|| Refusal::not_found(&what))
    }

    fn get(&self, call: &Call, kind: &Kind) -> Done {
        let found = self.stored(call, kind)?;
        match call.subresource.as_str() {
            "scale" if kind.is_scaled() => Ok(scale_of(&found.value)),
            "" | "status" => Ok(found.value.clone()),
            "resize" if kind.plural == "pods" => Ok(found.value.clone()),
            _ => Err(Refusal::not_found("the subresource was")),
        }
    }

    fn list(&self, call: &Call, kind: &Kind) -> Value {
        let place = kind.place();
        let after = call.parameter("continue").to_owned();
        let limit: usize = call.parameter("limit").parse().unwrap_or(usize::MAX);
        let of_kind = self.objects.iter().filter(|(key, stored)| {
            key.0 == place
                && (call.namespace.is_empty() || key.1 == call.namespace)
                && selected(&stored.value, call)
                && (after.is_empty() || format!("{}/{}", key.1, key.2) > after)
        });
        let mut items: Vec<(&Key, &Stored)> = of_kind.collect();
        // The order of the store is by `namespace/name`.
        items.sort_by_key(|(key, _)| format!("{}/{}", key.1, key.2));
        let is_cut = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| is_cut);
        let next = next.map(|(key, _)| format!("{}/{}", key.1, key.2));
        let items: Vec<&Value> = items.iter().map(|(_, stored)| &stored.value).collect();
        json!({
            "apiVersion": kind.api_version(),
            "kind": format!("{}List", kind.kind),
            "metadata": {"resourceVersion": self.version.to_string(), "continue": next.unwrap_or_default()},
            "items": items,
        })
    }

    fn create(&mut self, call: &Call, kind: &Kind) -> Done {
        let mut value = call.body.clone();
        if !value.is_object() {
            return Err(Refusal::invalid("the body is no object"));
        }
        let name = text(&value, "/metadata/name")
            .unwrap_or_default()
            .to_owned();
        let generated = text(&value, "/metadata/generateName").unwrap_or_default();
        let name = if name.is_empty() && !generated.is_empty() {
            self.names += 1;
            format!("{generated}{:05}", self.names)
        } else {
            name
        };
        if name.is_empty() {
            return Err(Refusal::invalid(
                "metadata.name: name or generateName is required",
            ));
        }
        self.check_namespace(call, kind)?;
        let key = (kind.place(), call.namespace.clone(), name.clone());
        if self.objects.contains_key(&key) {
            return Err(Refusal {
                code: 409,
                reason: "AlreadyExists",
                message: format!("{} \"{name}\" already exists", kind.plural),
            });
        }
        set(&mut value, "/metadata/name", json!(name));
        let writer = Writer {
            manager: call.manager(),
            subresource: "",
            is_dry_run: call.is_dry_run(),
        };
        self.put(kind, key, value, &writer, None)
    }

    fn check_namespace(&self, call: &Call, kind: &Kind) -> Result<(), Refusal> {
        let place = (
            "/namespaces".to_owned(),
            String::new(),
            call.namespace.clone(),
        );
        if kind.is_namespaced && !self.objects.contains_key(&place) {
            let what = format!("namespaces \"{}\"", call.namespace);
            return Err(Refusal::not_found(&what));
        }
        Ok(())
    }

    fn change(&mut self, call: &Call, kind: &Kind) -> Result<(u16, Value), Refusal> {
        if call.method == "PATCH" && call.form == Form::Apply {
            return self.apply(call, kind);
        }
        let before = self.stored(call, kind)?.value.clone();
        let is_scale = call.subresource == "scale" && kind.is_scaled();
        let base = if is_scale {
            scale_of(&before)
        } else {
            before.clone()
        };
        let mut after = base.clone();
        match (call.method.as_str(), call.form) {
            ("PUT", _) => after = call.body.clone(),
            (_, Form::Merge) => merge::merge(&mut after, &call.body),
            (_, Form::Strategic) if !kind.group.contains('.') || kind.group.ends_with("k8s.io") => {
                merge::strategic(&mut after, &call.body);
            }
            _ => {
                return Err(Refusal {
                    code: 415,
                    reason: "UnsupportedMediaType",
                    message: "the body of the patch was in an unknown format".to_owned(),
                });
            }
        }
        let differs = |path: &str| {
            let said = text(&after, path).filter(|it| !it.is_empty());
            said.is_some() && said != text(&before, path)
        };
        let what = format!("{} \"{}\"", kind.plural, call.name);
        if differs("/metadata/resourceVersion") {
            return Err(Refusal::conflict(format!(
                "Operation cannot be fulfilled on {what}: the object has been modified"
            )));
        }
        if differs("/metadata/uid") {
            let message = format!("{what}: metadata.uid: field is immutable");
            return Err(match call.method.as_str() {
                "PUT" => Refusal::conflict(message),
                _ => Refusal::invalid(message),
            });
        }
        let mut next = before.clone();
        match call.subresource.as_str() {
            "" => {
                let status = before.get("status").cloned();
                next = after;
                place(&mut next, "status", status);
            }
            "status" => place(&mut next, "status", after.get("status").cloned()),
            "scale" if is_scale => {
                let replicas = after.pointer("/spec/replicas").cloned();
                set(&mut next, "/spec/replicas", replicas.unwrap_or(json!(0)));
            }
            "resize" if kind.plural == "pods" => {
                pods::take_resources(&mut next, &after);
                pods::check_resize(&before, &next)?;
            }
            _ => return Err(Refusal::not_found("the subresource was")),
        }
        let writer = Writer {
            manager: call.manager(),
            subresource: &call.subresource,
            is_dry_run: call.is_dry_run(),
        };
        let key = self.key(call, kind);
        let done = self.put(kind, key, next, &writer, None)?;
        Ok((200, if is_scale { scale_of(&done) } else { done }))
    }

    /// An apply patch: what the manager says is its, what it no longer says is gone unless somebody else says it.
    fn apply(&mut self, call: &Call, kind: &Kind) -> Result<(u16, Value), Refusal> {
        let key = self.key(call, kind);
        let wanted = fields::leaves(&normal(call.body.clone()));
        let owner = Owner {
            manager: call.manager().to_owned(),
            operation: "Apply",
            subresource: call.subresource.clone(),
        };
        let empty = json!({"metadata": {"name": call.name}});
        let (before, mut owners) = match self.objects.get(&key) {
            Some(stored) => (Some(stored.value.clone()), stored.owners.clone()),
            None => {
                self.check_namespace(call, kind)?;
                (None, Owners::new())
            }
        };
        for path in ["/metadata/uid", "/metadata/resourceVersion"] {
            let there = before.as_ref().and_then(|it| text(it, path));
            if let Some(said) = text(&call.body, path)
                && there != Some(said)
            {
                return Err(Refusal::conflict(format!("{path} is not {said:?}")));
            }
        }
        let live = before.as_ref().map(fields::leaves).unwrap_or_default();
        let is_forced = call.parameter("force") == "true";
        let differs = |path: &&Path| live.get(*path) != wanted.get(*path);
        for (other, (paths, _)) in owners.iter_mut().filter(|(it, _)| **it != owner) {
            let contested: Vec<Path> = paths
                .iter()
                .filter(|path| wanted.contains_key(*path))
                .filter(differs)
                .cloned()
                .collect();
            if let (Some(first), false) = (contested.first(), is_forced) {
                return Err(Refusal::conflict(format!(
                    "Apply failed with {} conflict: conflict with {:?}: .{}",
                    contested.len(),
                    other.manager,
                    first.join("."),
                )));
            }
            for path in contested {
                paths.remove(&path);
            }
        }
        let mut next = before.clone().unwrap_or(empty);
        let was = owners
            .remove(&owner)
            .map(|(paths, _)| paths)
            .unwrap_or_default();
        let still: BTreeSet<&Path> = owners.values().flat_map(|(paths, _)| paths).collect();
        for path in was
            .iter()
            .filter(|it| !wanted.contains_key(*it) && !still.contains(it))
        {
            fields::remove(&mut next, path);
        }
        let mut body = call.body.clone();
        place(&mut body, "status", None);
        let status = next.get("status").cloned();
        merge::strategic(&mut next, &body);
        place(&mut next, "status", status);
        owners.insert(owner, (wanted.into_keys().collect(), now()));
        owners.retain(|_, (paths, _)| !paths.is_empty());
        let writer = Writer {
            manager: call.manager(),
            subresource: &call.subresource,
            is_dry_run: call.is_dry_run(),
        };
        let code = if before.is_some() { 200 } else { 201 };
        let done = self.put(kind, key, next, &writer, Some(owners))?;
        Ok((code, done))
    }

    /// Stores an object as it is to be. `owners` are told by an apply; any other write takes over what it changes.
    pub(super) fn put(
        &mut self,
        kind: &Kind,
        key: Key,
        value: Value,
        writer: &Writer<'_>,
        owners: Option<Owners>,
    ) -> Done {
        let mut value = normal(value);
        let before = self.objects.get(&key).map(|it| it.value.clone());
        let was = before.as_ref().map(fields::leaves).unwrap_or_default();
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            // What is empty there is not there.
            let is_empty = |it: &Value| *it == json!({}) || *it == json!([]);
            metadata.retain(|_, it| !is_empty(it));
        }
        set(&mut value, "/apiVersion", json!(kind.api_version()));
        set(&mut value, "/kind", json!(kind.kind));
        set(&mut value, "/metadata/name", json!(key.2));
        if kind.is_namespaced {
            set(&mut value, "/metadata/namespace", json!(key.1));
        }
        defaults(kind, &mut value);
        // What the server keeps by itself.
        let kept = |path: &str| before.as_ref().and_then(|it| it.pointer(path)).cloned();
        let uid = kept("/metadata/uid")
            .unwrap_or_else(|| json!(format!("00000000-0000-4000-8000-{:012}", self.version + 1)));
        set(&mut value, "/metadata/uid", uid);
        let created = kept("/metadata/creationTimestamp").unwrap_or_else(|| json!(now()));
        set(&mut value, "/metadata/creationTimestamp", created);
        let going = kept("/metadata/deletionTimestamp");
        if let Some(going) = going {
            set(&mut value, "/metadata/deletionTimestamp", going);
        }
        let is = fields::leaves(&value);
        let spec = |of: &BTreeMap<Path, Value>| -> BTreeMap<Path, Value> {
            let is_spec = |path: &Path| match path.first().map(String::as_str) {
                Some("status") => false,
                // Deployments are told apart by their annotations, too.
                Some("metadata") => {
                    kind.plural == "deployments"
                        && path.get(1).is_some_and(|it| it == "annotations")
                }
                _ => true,
            };
            let all = of.iter().filter(|(path, _)| is_spec(path));
            all.map(|(path, value)| (path.clone(), value.clone()))
                .collect()
        };
        let generation = kept("/metadata/generation").and_then(|it| it.as_u64());
        let generation = match generation {
            None => 1,
            Some(number) if spec(&was) != spec(&is) => number + 1,
            Some(number) => number,
        };
        set(&mut value, "/metadata/generation", json!(generation));
        let previous = self.objects.get(&key).map(|it| &it.owners);
        let is_told = owners.is_some();
        let mut owners = owners.unwrap_or_else(|| previous.cloned().unwrap_or_default());
        if is_told {
            for (paths, _) in owners.values_mut() {
                paths.retain(|path| is.contains_key(path));
            }
        } else {
            let owner = Owner {
                manager: writer.manager.to_owned(),
                operation: "Update",
                subresource: writer.subresource.to_owned(),
            };
            fields::update(&mut owners, owner, &now(), &was, &is);
        }
        let paths_of = |owners: &Owners| -> Vec<(Owner, BTreeSet<Path>)> {
            let all = owners.iter();
            all.map(|(owner, (paths, _))| (owner.clone(), paths.clone()))
                .collect()
        };
        let is_same =
            before.is_some() && was == is && previous.map(paths_of) == Some(paths_of(&owners));
        if is_same && let Some(before) = before {
            return Ok(before);
        }
        let entries = fields::render(&owners, &kind.api_version());
        set(&mut value, "/metadata/managedFields", entries);
        if writer.is_dry_run {
            let version = kept("/metadata/resourceVersion").unwrap_or_else(|| json!(""));
            set(&mut value, "/metadata/resourceVersion", version);
            return Ok(value);
        }
        self.version += 1;
        set(
            &mut value,
            "/metadata/resourceVersion",
            json!(self.version.to_string()),
        );
        let changed = if before.is_none() {
            BTreeSet::from(["*".to_owned()])
        } else {
            let all = was.keys().chain(is.keys());
            all.filter(|path| was.get(*path) != is.get(*path))
                .map(|path| path.join("."))
                .collect()
        };
        self.note(&key, writer, changed);
        let what = if before.is_some() {
            "MODIFIED"
        } else {
            "ADDED"
        };
        self.happened(&key, what, &value);
        let stored = Stored {
            value: value.clone(),
            owners,
        };
        let finalizers = value
            .pointer("/metadata/finalizers")
            .and_then(Value::as_array);
        let is_held = finalizers.is_some_and(|it| !it.is_empty());
        self.objects.insert(key.clone(), stored);
        if value.pointer("/metadata/deletionTimestamp").is_some() && !is_held {
            self.remove(&key, writer);
        }
        Ok(value)
    }

    fn note(&mut self, key: &Key, writer: &Writer<'_>, changed: BTreeSet<String>) {
        let plural = key.0.split_once('/').map_or("", |(_, plural)| plural);
        self.writes.push(Write {
            manager: writer.manager.to_owned(),
            plural: plural.to_owned(),
            namespace: key.1.clone(),
            name: key.2.clone(),
            subresource: writer.subresource.to_owned(),
            changed,
        });
    }

    fn delete(&mut self, call: &Call, kind: &Kind) -> Done {
        let value = self.stored(call, kind)?.value.clone();
        for path in ["uid", "resourceVersion"] {
            let wanted = text(&call.body, &format!("/preconditions/{path}"));
            if wanted.is_some() && wanted != text(&value, &format!("/metadata/{path}")) {
                return Err(Refusal::conflict(format!("the {path} is another one")));
            }
        }
        if call.is_dry_run() {
            return Ok(status(200, "", ""));
        }
        let writer = Writer {
            manager: call.manager(),
            subresource: "",
            is_dry_run: false,
        };
        let key = self.key(call, kind);
        let finalizers = value
            .pointer("/metadata/finalizers")
            .and_then(Value::as_array);
        if finalizers.is_some_and(|it| !it.is_empty()) {
            if value.pointer("/metadata/deletionTimestamp").is_none()
                && let Some(stored) = self.objects.get_mut(&key)
            {
                self.version += 1;
                set(
                    &mut stored.value,
                    "/metadata/deletionTimestamp",
                    json!(now()),
                );
                let version = json!(self.version.to_string());
                set(&mut stored.value, "/metadata/resourceVersion", version);
                let value = stored.value.clone();
                self.note(
                    &key,
                    &writer,
                    BTreeSet::from(["metadata.deletionTimestamp".to_owned()]),
                );
                self.happened(&key, "MODIFIED", &value);
            }
            return self.get(call, kind);
        }
        self.remove(&key, &writer);
        Ok(status(200, "", ""))
    }

    /// Takes an object away, with what it owns, and with what is in it.
    pub(super) fn remove(&mut self, key: &Key, writer: &Writer<'_>) {
        let Some(mut stored) = self.objects.remove(key) else {
            return;
        };
        self.version += 1;
        let version = json!(self.version.to_string());
        set(&mut stored.value, "/metadata/resourceVersion", version);
        self.note(key, writer, BTreeSet::from(["*".to_owned()]));
        self.happened(key, "DELETED", &stored.value);
        let uid = text(&stored.value, "/metadata/uid")
            .unwrap_or_default()
            .to_owned();
        let is_namespace = key.0 == "/namespaces";
        let along: Vec<Key> = self
            .objects
            .iter()
            .filter(|(other, stored)| {
                let owners = stored.value.pointer("/metadata/ownerReferences");
                let mut owners = owners.and_then(Value::as_array).into_iter().flatten();
                (is_namespace && other.1 == key.2)
                    || owners.any(|it| it.get("uid").and_then(Value::as_str) == Some(&uid))
            })
            .map(|(other, _)| other.clone())
            .collect();
        let collector = Writer {
            manager: "garbage-collector",
            ..*writer
        };
        for other in along {
            self.remove(&other, &collector);
        }
    }
}

pub(super) fn now() -> String {
    Timestamp::now().to_string()
}

pub(super) fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path)?.as_str()
}

/// Sets the value at a path, with the maps on the way.
pub(super) fn set(value: &mut Value, path: &str, to: Value) {
    let mut at = value;
    for step in path.split('/').skip(1) {
        if !at.is_object() {
            *at = json!({});
        }
        let Value::Object(map) = at else { return };
        at = map.entry(step).or_insert(Value::Null);
    }
    *at = to;
}

fn place(value: &mut Value, name: &str, to: Option<Value>) {
    if let Value::Object(map) = value {
        match to {
            Some(to) => map.insert(name.to_owned(), to),
            None => map.remove(name),
        };
    }
}

/// Without what isn't there: absent and null are the same.
fn normal(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            map.retain(|_, it| !it.is_null());
            for child in map.values_mut() {
                *child = normal(child.take());
            }
        }
        Value::Array(elements) => {
            for element in elements {
                *element = normal(element.take());
            }
        }
        _ => {}
    }
    value
}

fn defaults(kind: &Kind, value: &mut Value) {
    if kind.is_scaled() && value.pointer("/spec/replicas").is_none() {
        set(value, "/spec/replicas", json!(1));
    }
    if kind.plural == "horizontalpodautoscalers" && value.pointer("/spec/minReplicas").is_none() {
        set(value, "/spec/minReplicas", json!(1));
    }
    let containers = if kind.is_scaled() {
        "/spec/template/spec/containers"
    } else {
        "/spec/containers"
    };
    if kind.is_scaled() || kind.plural == "pods" {
        let containers = value.pointer_mut(containers).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            pods::canonical(container);
        }
    }
}

fn scale_of(object: &Value) -> Value {
    let at = |path: &str| object.pointer(path).cloned().unwrap_or(Value::Null);
    json!({
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {
            "name": at("/metadata/name"),
            "namespace": at("/metadata/namespace"),
            "uid": at("/metadata/uid"),
            "resourceVersion": at("/metadata/resourceVersion"),
            "creationTimestamp": at("/metadata/creationTimestamp"),
        },
        "spec": {"replicas": at("/spec/replicas")},
        "status": {"replicas": object.pointer("/status/replicas").cloned().unwrap_or(json!(0))},
    })
}

/// Whether an object is among what a list or watch asks for.
pub(super) fn selected(object: &Value, call: &Call) -> bool {
    let labels = object.pointer("/metadata/labels");
    let mut wanted = call
        .parameter("labelSelector")
        .split(',')
        .filter(|it| !it.is_empty());
    let has = |part: &str| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.strip_prefix('=').unwrap_or(value);
        labels.and_then(|it| it.get(key)).and_then(Value::as_str) == Some(value)
    };
    let name = call
        .parameter("fieldSelector")
        .strip_prefix("metadata.name=");
    wanted.all(has) && name.is_none_or(|name| text(object, "/metadata/name") == Some(name))
}
