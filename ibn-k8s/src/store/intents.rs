//! Intents as custom resources.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ibn_core::intent::{ConditionKind, ConditionStatus, Intent, IntentKey, IntentStatus};
use ibn_core::roles::IntentStore;
use ibn_core::{Error, Result};
use jiff::Timestamp;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Value, json};

use super::{FINALIZER, IDENTITY, api, list};
use crate::error::told;
use crate::watch::FIELD_MANAGER;

/// Intents as objects of the API server, which people write there as well.
///
/// What the engine decides goes to the status, by server-side apply, and only where it says something new. The spec is a
/// person's: it is written where the engine was asked to change it, and never over an edit that the engine hasn't seen.
#[derive(Clone)]
pub struct ClusterIntentStore {
    client: kube::Client,
    namespace: Option<String>,
    known: Arc<Mutex<BTreeMap<IntentKey, Known>>>,
}

/// What is known of an object that was read or written.
#[derive(Debug, Clone, Default)]
struct Known {
    /// The object's own uid; another object of its name is left alone.
    object: String,
    /// An edit that admission would not have, while the wording before it is still followed.
    refused: Option<Refusal>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    generation: i64,
    message: String,
    since: Timestamp,
}

impl ClusterIntentStore {
    /// The intents of one namespace, or of all.
    #[must_use]
    pub fn new(client: kube::Client, namespace: Option<String>) -> Self {
        Self {
            client,
            namespace,
            known: Arc::default(),
        }
    }

    /// Puts on an intent's status that admission would not have its newest wording.
    ///
    /// Where an older wording is followed, `followed` is its status, which stays; else the intent is rejected as a whole.
    ///
    /// # Errors
    /// Where the status can't be written.
    pub async fn refuse(
        &self,
        key: &IntentKey,
        generation: i64,
        followed: Option<&IntentStatus>,
        rejected: &IntentStatus,
        message: &str,
        now: Timestamp,
    ) -> Result<()> {
        let Some(live) = self.live(key).await? else {
            return Ok(());
        };
        let status = match followed {
            None => {
                let mut status = rejected.clone();
                status.observed_generation = Some(generation);
                status
            }
            Some(followed) => {
                let refusal = Refusal {
                    generation,
                    message: message.to_owned(),
                    since: now,
                };
                let mut known = self.known();
                let entry = known.entry(key.clone()).or_default();
                if entry
                    .refused
                    .as_ref()
                    .is_none_or(|old| old.generation != generation || old.message != message)
                {
                    entry.refused = Some(refusal);
                }
                let refused = entry.refused.clone();
                drop(known);
                with_refusal(followed.clone(), refused.as_ref())
            }
        };
        self.write_status(key, &live, &status).await
    }

    /// The newest wording is followed: no refusal stands against it any more. Whether one did.
    #[must_use = "a status that tells of the refusal is to be written anew"]
    pub fn accepted(&self, key: &IntentKey) -> bool {
        let mut known = self.known();
        known
            .get_mut(key)
            .is_some_and(|known| known.refused.take().is_some())
    }

    /// The uid of the object that holds an intent, where it was seen.
    #[must_use]
    pub fn object(&self, key: &IntentKey) -> Option<String> {
        let known = self.known();
        let uid = known.get(key).map(|known| known.object.clone());
        uid.filter(|uid| !uid.is_empty())
    }

    /// Lets an object go that is being deleted and that the engine has nothing to do with.
    ///
    /// # Errors
    /// Where the object can't be read or written.
    pub async fn release(&self, key: &IntentKey) -> Result<()> {
        match self.live(key).await? {
            Some(live) if live.metadata.deletion_timestamp.is_some() => self.free(key, &live).await,
            _ => Ok(()),
        }
    }

    /// Takes our finalizer away.
    async fn free(&self, key: &IntentKey, live: &DynamicObject) -> Result<()> {
        let others: Vec<&String> = live
            .metadata
            .finalizers
            .iter()
            .flatten()
            .filter(|it| *it != FINALIZER)
            .collect();
        let patch = json!({"metadata": {"uid": live.metadata.uid, "finalizers": others}});
        let freed = api(&self.client, "Intent", &key.namespace)
            .patch(&key.name, &PatchParams::default(), &Patch::Merge(&patch))
            .await;
        match freed.map_err(|error| told(named(key), &error)) {
            Ok(_) | Err(Error::NotFound { .. }) => {
                self.known().remove(key);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<IntentKey, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn live(&self, key: &IntentKey) -> Result<Option<DynamicObject>> {
        let found = api(&self.client, "Intent", &key.namespace)
            .get_opt(&key.name)
            .await;
        found.map_err(|error| told(named(key), &error))
    }

    /// Notes which object has the name; false where it is another one than the engine speaks of.
    fn is_the_same(&self, key: &IntentKey, live: &DynamicObject) -> bool {
        let uid = live.metadata.uid.clone().unwrap_or_default();
        let mut known = self.known();
        let entry = known.entry(key.clone()).or_default();
        if entry.object.is_empty() {
            entry.object = uid;
            return true;
        }
        entry.object == uid
    }

    fn note(&self, key: &IntentKey, live: &DynamicObject) {
        let uid = live.metadata.uid.clone().unwrap_or_default();
        let mut known = self.known();
        let entry = known.entry(key.clone()).or_default();
        if entry.object != uid {
            *entry = Known {
                object: uid,
                refused: None,
            };
        }
    }

    async fn create(&self, intent: &Intent) -> Result<DynamicObject> {
        let key = intent.key();
        let mut annotations = intent.metadata.annotations.clone();
        if let Some(uid) = &intent.metadata.uid {
            annotations.insert(IDENTITY.to_owned(), uid.clone());
        }
        let object = json!({
            "apiVersion": intent.api_version,
            "kind": intent.kind,
            "metadata": {
                "name": key.name,
                "namespace": key.namespace,
                "labels": intent.metadata.labels,
                "annotations": annotations,
                "finalizers": [FINALIZER],
            },
            "spec": intent.spec,
        });
        let object: DynamicObject =
            serde_json::from_value(object).map_err(|error| Error::invalid(&named(&key), error))?;
        let created = api(&self.client, "Intent", &key.namespace)
            .create(&PostParams::default(), &object)
            .await
            .map_err(|error| told(named(&key), &error))?;
        self.note(&key, &created);
        Ok(created)
    }

    /// Writes what differs of the spec and of the finalizer, on the version that was read.
    async fn write_object(&self, intent: &Intent, live: DynamicObject) -> Result<DynamicObject> {
        let key = intent.key();
        let mut patch = json!({"metadata": {"resourceVersion": live.metadata.resource_version}});
        let mut differs = false;
        let finalizers = live.metadata.finalizers.clone().unwrap_or_default();
        let is_going = live.metadata.deletion_timestamp.is_some();
        if !is_going && !finalizers.iter().any(|it| it == FINALIZER) {
            let all: Vec<&str> = finalizers
                .iter()
                .map(String::as_str)
                .chain([FINALIZER])
                .collect();
            merge(&mut patch, json!({"metadata": {"finalizers": all}}));
            differs = true;
        }
        let spec = json!(intent.spec);
        let of = intent.metadata.generation;
        let is_newer = of.is_none() || of > live.metadata.generation;
        if live.data.get("spec") != Some(&spec) && is_newer {
            // What was there and is no longer is taken away; a merge alone would keep it.
            let mut spec = spec;
            if let (Some(spec), Some(old)) = (
                spec.as_object_mut(),
                live.data.get("spec").and_then(Value::as_object),
            ) {
                for field in old.keys() {
                    spec.entry(field).or_insert(Value::Null);
                }
            }
            merge(&mut patch, json!({"spec": spec}));
            differs = true;
        }
        if !differs {
            return Ok(live);
        }
        api(&self.client, "Intent", &key.namespace)
            .patch(&key.name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map_err(|error| told(named(&key), &error))
    }

    async fn write_status(
        &self,
        key: &IntentKey,
        live: &DynamicObject,
        status: &IntentStatus,
    ) -> Result<()> {
        let written = json!(status);
        if live.data.get("status") == Some(&written) {
            return Ok(());
        }
        let patch = json!({
            "apiVersion": "ibn.dev/v1alpha1",
            "kind": "Intent",
            // Of this very object: one that was deleted doesn't come back, and its successor isn't touched.
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": live.metadata.uid},
            "status": written,
        });
        let params = PatchParams::apply(FIELD_MANAGER).force();
        api(&self.client, "Intent", &key.namespace)
            .patch_status(&key.name, &params, &Patch::Apply(&patch))
            .await
            .map(drop)
            .map_err(|error| told(named(key), &error))
    }
}

#[async_trait]
impl IntentStore for ClusterIntentStore {
    async fn put(&self, intent: &Intent) -> Result<()> {
        let key = intent.key();
        let live = match self.live(&key).await? {
            Some(live) if !self.is_the_same(&key, &live) => {
                return Err(Error::not_found(named(&key)));
            }
            Some(live) => self.write_object(intent, live).await?,
            // One that came from the API server and is there no longer was deleted: it doesn't come back.
            None if self.known().contains_key(&key) || is_of_the_server(intent) => {
                return Err(Error::not_found(named(&key)));
            }
            None => self.create(intent).await?,
        };
        if let Some(status) = &intent.status {
            let refused = self
                .known()
                .get(&key)
                .and_then(|known| known.refused.clone());
            let status = with_refusal(status.clone(), refused.as_ref());
            self.write_status(&key, &live, &status).await?;
        }
        if intent.metadata.deletion_timestamp.is_some()
            && live.metadata.deletion_timestamp.is_none()
        {
            delete_object(&self.client, &key, &live).await?;
        }
        Ok(())
    }

    async fn get(&self, key: &IntentKey) -> Result<Option<Intent>> {
        let found = self.live(key).await?;
        if let Some(live) = &found {
            self.note(key, live);
        }
        found.map(|live| read(&live)).transpose()
    }

    async fn list(&self) -> Result<Vec<Intent>> {
        let mut intents = Vec::new();
        for object in list(&self.client, "Intent", self.namespace.as_deref()).await? {
            match read(&object) {
                Ok(intent) => {
                    self.note(&intent.key(), &object);
                    intents.push(intent);
                }
                // The index tells its author; the others are not to suffer from it.
                Err(error) => tracing::warn!(%error, "an intent can't be read"),
            }
        }
        intents.sort_by_key(Intent::key);
        Ok(intents)
    }

    async fn delete(&self, key: &IntentKey) -> Result<()> {
        let Some(live) = self.live(key).await? else {
            self.known().remove(key);
            return Ok(());
        };
        if !self.is_the_same(key, &live) {
            self.known().remove(key);
            return Ok(());
        }
        if live.metadata.deletion_timestamp.is_none() {
            delete_object(&self.client, key, &live).await?;
        }
        self.free(key, &live).await
    }
}

async fn delete_object(client: &kube::Client, key: &IntentKey, live: &DynamicObject) -> Result<()> {
    let params = DeleteParams {
        preconditions: Some(Preconditions {
            uid: live.metadata.uid.clone(),
            resource_version: None,
        }),
        ..DeleteParams::default()
    };
    let deleted = api(client, "Intent", &key.namespace)
        .delete(&key.name, &params)
        .await;
    match deleted.map_err(|error| told(named(key), &error)) {
        Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The intent that an object holds.
///
/// # Errors
/// What the object's schema allows and the reader doesn't, such as a value without its unit.
pub(crate) fn read(object: &DynamicObject) -> Result<Intent> {
    let name = object.metadata.name.clone().unwrap_or_default();
    let failed = |error: serde_json::Error| Error::invalid(&format!("intent `{name}`"), error);
    let value = serde_json::to_value(object).map_err(failed)?;
    let mut intent: Intent = serde_json::from_value(value).map_err(failed)?;
    if let Some(identity) = intent.metadata.annotations.remove(IDENTITY) {
        intent.metadata.uid = Some(identity);
    }
    Ok(intent)
}

/// Whether the API server gave it its uid.
fn is_of_the_server(intent: &Intent) -> bool {
    let uid = intent.metadata.uid.as_deref();
    uid.is_some_and(|uid| uid.len() == 36 && uid.contains('-'))
}

/// The status of what is followed, with what stands against the newer wording.
fn with_refusal(mut status: IntentStatus, refused: Option<&Refusal>) -> IntentStatus {
    if let Some(refused) = refused {
        let message = format!(
            "generation {} is refused, the wording before it is still followed: {}",
            refused.generation, refused.message
        );
        let followed = status.observed_generation;
        status.observed_generation = Some(refused.generation);
        status.set_condition(
            ConditionKind::Accepted,
            ConditionStatus::False,
            "EditRefused",
            &message,
            refused.since,
        );
        status.observed_generation = followed;
    }
    status
}

fn named(key: &IntentKey) -> String {
    format!("intent `{key}`")
}

/// Adds fields of one JSON object to another.
fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}
