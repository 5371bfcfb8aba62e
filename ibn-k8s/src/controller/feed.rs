//! What is seen of our objects.

use std::pin::pin;

use futures::{Stream, StreamExt, stream};
use kube::api::DynamicObject;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};

use crate::store::api_of_scope;

/// Something that was seen of one kind's objects.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// All of them follow, from the beginning.
    Begun,
    /// This one is there, as it is.
    There(Box<DynamicObject>),
    /// These were all.
    Complete,
    /// This one is there no longer.
    Gone(Box<DynamicObject>),
}

/// Watches the objects of a kind in one namespace, or in all; what fails is tried again, with a pause that grows.
pub fn feed(
    client: &kube::Client,
    kind: &'static str,
    namespace: Option<&str>,
) -> impl Stream<Item = Seen> + Send + use<> {
    let api = api_of_scope(client, kind, namespace);
    let watched = watcher(api, watcher::Config::default()).default_backoff();
    stream::unfold(Box::pin(watched), move |mut watched| async move {
        loop {
            let seen = match pin!(watched.next()).await? {
                Ok(Event::Init) => Seen::Begun,
                Ok(Event::InitApply(object) | Event::Apply(object)) => {
                    Seen::There(Box::new(object))
                }
                Ok(Event::InitDone) => Seen::Complete,
                Ok(Event::Delete(object)) => Seen::Gone(Box::new(object)),
                Err(error) => {
                    tracing::warn!(%error, kind, "the watch failed and begins anew");
                    continue;
                }
            };
            return Some((seen, watched));
        }
    })
}
