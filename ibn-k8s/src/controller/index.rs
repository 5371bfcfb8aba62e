//! What the engine is to be told, of what is seen and of what it does itself.

use std::collections::{BTreeMap, BTreeSet};

use ibn_core::guardrail::Guardrail;
use ibn_core::intent::{Intent, IntentKey, IntentSpec};
use kube::api::DynamicObject;

use super::Seen;
use crate::store::{FINALIZER, read};

/// Something that the engine did to an intent.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// It asked for this to be stored.
    Saved(Box<Intent>),
    /// It has nothing to do with it any more.
    Forgotten(IntentKey),
}

/// Something that is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// Submit this intent, or this newer wording of one.
    Submit(Box<Intent>),
    /// Withdraw this intent.
    Withdraw(IntentKey),
    /// Let an object go that the engine has nothing to do with.
    Release(IntentKey),
    /// Say on an object that it can't be read.
    Unreadable {
        /// Which.
        key: IntentKey,
        /// Which wording.
        generation: i64,
        /// Why not.
        message: String,
    },
    /// These limits are in force.
    Guardrails(Vec<Guardrail>),
}

/// Compares what is there with what the engine knows.
///
/// It does nothing itself, waits for nothing and knows no clock: what goes in, in which order, decides what comes out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Index {
    intents: BTreeMap<IntentKey, Known>,
    guardrails: BTreeMap<(String, String), Guardrail>,
    /// The namespace whose guardrails speak of every namespace.
    home: String,
    listing: BTreeSet<IntentKey>,
    listing_guardrails: BTreeSet<(String, String)>,
    guardrails_listed: bool,
}

/// What the engine knows of an intent, as far as it was told or told us.
#[derive(Debug, Clone, Default, PartialEq)]
struct Known {
    /// The object's own uid; empty until the object was seen.
    object: String,
    spec: Option<IntentSpec>,
    generation: i64,
    withdrawn: bool,
    /// Another object of the same name, which waits until this one is over.
    heir: Option<Box<Intent>>,
}

impl Index {
    /// An index beside an engine that begins with `intents`; guardrails in `home` speak of every namespace.
    #[must_use]
    pub fn new(home: &str, intents: &[Intent]) -> Self {
        let known = intents.iter().map(|intent| {
            let known = Known {
                object: String::new(),
                spec: Some(intent.spec.clone()),
                generation: followed(intent),
                withdrawn: intent.metadata.deletion_timestamp.is_some(),
                heir: None,
            };
            (intent.key(), known)
        });
        Self {
            intents: known.collect(),
            home: home.to_owned(),
            ..Self::default()
        }
    }

    /// Takes in what was seen of intents.
    pub fn intent(&mut self, seen: &Seen) -> Vec<Wanted> {
        match seen {
            Seen::Begun => {
                self.listing = self.intents.keys().cloned().collect();
                Vec::new()
            }
            Seen::There(object) => {
                let key = key(object);
                self.listing.remove(&key);
                self.intent_there(key, object)
            }
            Seen::Complete => {
                let gone = std::mem::take(&mut self.listing);
                // One that the engine has not stored yet was never seen, and is no less there.
                gone.into_iter()
                    .filter(|key| {
                        self.intents
                            .get(key)
                            .is_some_and(|known| !known.object.is_empty())
                    })
                    .collect::<Vec<_>>()
                    .into_iter()
                    .flat_map(|key| self.intent_gone(&key, None))
                    .collect()
            }
            Seen::Gone(object) => {
                let uid = object.metadata.uid.clone().unwrap_or_default();
                self.intent_gone(&key(object), Some(&uid))
            }
        }
    }

    fn intent_there(&mut self, key: IntentKey, object: &DynamicObject) -> Vec<Wanted> {
        let uid = object.metadata.uid.clone().unwrap_or_default();
        let generation = object.metadata.generation.unwrap_or(0);
        let is_going = object.metadata.deletion_timestamp.is_some();
        let intent = read(object);
        let Some(known) = self.intents.get_mut(&key) else {
            if is_going {
                let ours = object.metadata.finalizers.iter().flatten();
                let waits = ours.into_iter().any(|it| it == FINALIZER);
                return if waits {
                    vec![Wanted::Release(key)]
                } else {
                    Vec::new()
                };
            }
            return match intent {
                Ok(intent) => self.submit(uid, intent),
                Err(error) => vec![Wanted::Unreadable {
                    key,
                    generation,
                    message: error.to_string(),
                }],
            };
        };
        if known.object.is_empty() {
            known.object.clone_from(&uid);
        }
        if known.object != uid {
            known.heir = intent.ok().filter(|_| !is_going).map(Box::new);
            if known.withdrawn {
                return Vec::new();
            }
            known.withdrawn = true;
            return vec![Wanted::Withdraw(key)];
        }
        if is_going {
            if known.withdrawn {
                return Vec::new();
            }
            known.withdrawn = true;
            return vec![Wanted::Withdraw(key)];
        }
        match intent {
            Err(error) if generation > known.generation => {
                known.generation = generation;
                vec![Wanted::Unreadable {
                    key,
                    generation,
                    message: error.to_string(),
                }]
            }
            Ok(intent)
                if generation > known.generation || known.spec.as_ref() != Some(&intent.spec) =>
            {
                // An older picture than what the engine wrote itself says nothing new.
                if generation < known.generation {
                    return Vec::new();
                }
                self.submit(uid, intent)
            }
            _ => Vec::new(),
        }
    }

    fn submit(&mut self, object: String, intent: Intent) -> Vec<Wanted> {
        let known = Known {
            object,
            spec: Some(intent.spec.clone()),
            generation: intent.metadata.generation.unwrap_or(0),
            withdrawn: false,
            heir: None,
        };
        self.intents.insert(intent.key(), known);
        vec![Wanted::Submit(Box::new(intent))]
    }

    fn intent_gone(&mut self, key: &IntentKey, uid: Option<&str>) -> Vec<Wanted> {
        let Some(known) = self.intents.get_mut(key) else {
            return Vec::new();
        };
        if uid.is_some_and(|uid| !known.object.is_empty() && known.object != uid) {
            // It was the heir that went.
            known.heir = None;
            return Vec::new();
        }
        if known.withdrawn {
            return Vec::new();
        }
        known.withdrawn = true;
        vec![Wanted::Withdraw(key.clone())]
    }

    /// Takes in what the engine did.
    pub fn told(&mut self, told: &Told) -> Vec<Wanted> {
        match told {
            Told::Saved(intent) => {
                let known = self.intents.entry(intent.key()).or_default();
                known.spec = Some(intent.spec.clone());
                known.generation = known
                    .generation
                    .max(intent.metadata.generation.unwrap_or(0));
                known.withdrawn |= intent.metadata.deletion_timestamp.is_some();
                Vec::new()
            }
            Told::Forgotten(key) => {
                let heir = self.intents.remove(key).and_then(|known| known.heir);
                match heir {
                    Some(heir) => {
                        let uid = heir.metadata.uid.clone().unwrap_or_default();
                        self.submit(uid, *heir)
                    }
                    None => Vec::new(),
                }
            }
        }
    }

    /// The engine would not have this one: it is to be told of it again, where it is still there.
    pub fn not_taken(&mut self, key: &IntentKey, is_known: bool) {
        if !is_known {
            self.intents.remove(key);
        }
    }

    /// Takes in what was seen of guardrails.
    pub fn guardrail(&mut self, seen: &Seen) -> Vec<Wanted> {
        let changed = match seen {
            Seen::Begun => {
                self.listing_guardrails = self.guardrails.keys().cloned().collect();
                false
            }
            Seen::There(object) => match limits(object) {
                Some(mut guardrail) => {
                    let name = named(object);
                    self.listing_guardrails.remove(&name);
                    if guardrail.metadata.namespace == self.home {
                        guardrail.metadata.namespace.clear();
                    }
                    let is_new = self
                        .guardrails
                        .get(&name)
                        .is_none_or(|old| old.spec != guardrail.spec);
                    self.guardrails.insert(name, guardrail);
                    is_new
                }
                // Limits that can't be read are no reason to forget those that could.
                None => false,
            },
            Seen::Complete => {
                let gone = std::mem::take(&mut self.listing_guardrails);
                for name in &gone {
                    self.guardrails.remove(name);
                }
                let first = !self.guardrails_listed;
                self.guardrails_listed = true;
                first || !gone.is_empty()
            }
            Seen::Gone(object) => self.guardrails.remove(&named(object)).is_some(),
        };
        // Before all were seen, a part of them would let through what the others forbid.
        if changed && self.guardrails_listed {
            vec![Wanted::Guardrails(
                self.guardrails.values().cloned().collect(),
            )]
        } else {
            Vec::new()
        }
    }
}

/// The generation that an intent's status speaks of: an edit that nobody has looked at is news.
fn followed(intent: &Intent) -> i64 {
    intent
        .status
        .as_ref()
        .and_then(|status| status.observed_generation)
        .unwrap_or(0)
}

fn limits(object: &DynamicObject) -> Option<Guardrail> {
    let value = serde_json::to_value(object).ok()?;
    match serde_json::from_value(value) {
        Ok(guardrail) => Some(guardrail),
        Err(error) => {
            tracing::error!(%error, guardrail = ?named(object), "a guardrail can't be read");
            None
        }
    }
}

fn named(object: &DynamicObject) -> (String, String) {
    let metadata = &object.metadata;
    (
        metadata.namespace.clone().unwrap_or_default(),
        metadata.name.clone().unwrap_or_default(),
    )
}

fn key(object: &DynamicObject) -> IntentKey {
    let (namespace, name) = named(object);
    IntentKey { namespace, name }
}

#[cfg(test)]
mod tests;
