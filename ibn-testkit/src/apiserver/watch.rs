//! Telling watchers what happens.

use bytes::Bytes;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use serde_json::{Value, json};

use super::request::{Answer, Call, status};
use super::state::{Key, State, selected};

/// How much is remembered for those who go on watching.
const MEMORY: usize = 100_000;

/// Something that happened to an object.
pub(super) struct Happened {
    version: u64,
    place: String,
    namespace: String,
    what: &'static str,
    object: Value,
}

/// Somebody who is told.
pub(super) struct Watcher {
    place: String,
    call: Call,
    events: UnboundedSender<Bytes>,
}

impl Watcher {
    /// Tells it, where it asked for that; whether it still listens.
    fn tell(&self, happened: &Happened) -> bool {
        let is_asked = self.place == happened.place
            && (self.call.namespace.is_empty() || self.call.namespace == happened.namespace)
            && selected(&happened.object, &self.call);
        !is_asked
            || self
                .events
                .unbounded_send(line(happened.what, &happened.object))
                .is_ok()
    }
}

fn line(what: &str, object: &Value) -> Bytes {
    Bytes::from(format!("{}\n", json!({"type": what, "object": object})))
}

impl State {
    pub(super) fn happened(&mut self, key: &Key, what: &'static str, object: &Value) {
        let happened = Happened {
            version: self.version,
            place: key.0.clone(),
            namespace: key.1.clone(),
            what,
            object: object.clone(),
        };
        self.watches.retain(|watcher| watcher.tell(&happened));
        self.history.push_back(happened);
        if self.history.len() > MEMORY
            && let Some(oldest) = self.history.pop_front()
        {
            self.forgotten = oldest.version;
        }
    }

    pub(super) fn compact(&mut self) {
        self.forgotten = self.version;
        self.history.clear();
    }

    pub(super) fn watch(&mut self, call: &Call, place: &str) -> Answer {
        let (events, answer) = unbounded();
        let watcher = Watcher {
            place: place.to_owned(),
            call: call.clone(),
            events,
        };
        let from: u64 = call.parameter("resourceVersion").parse().unwrap_or(0);
        if from == 0 {
            for (key, stored) in self.objects.iter().filter(|(key, _)| key.0 == place) {
                watcher.tell(&Happened {
                    version: 0,
                    place: key.0.clone(),
                    namespace: key.1.clone(),
                    what: "ADDED",
                    object: stored.value.clone(),
                });
            }
        } else if from < self.forgotten {
            let gone = status(410, "Expired", "too old resource version");
            let _ = watcher.events.unbounded_send(line("ERROR", &gone));
            // The watcher is not kept, so that its stream ends.
            return Answer::Watch(answer);
        } else {
            for happened in self.history.iter().filter(|it| it.version > from) {
                watcher.tell(happened);
            }
        }
        self.watches.push(watcher);
        Answer::Watch(answer)
    }
}
