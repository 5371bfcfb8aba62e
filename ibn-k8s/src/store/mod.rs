//! What is remembered, in custom resources: intents with their status, and the newest decisions.

mod intents;
mod ledger;

use kube::core::{ApiResource, DynamicObject, GroupVersionKind};

pub use intents::ClusterIntentStore;
pub(crate) use intents::read;
pub use ledger::ClusterLedger;

/// Keeps an intent until what it changed is restored or kept.
pub const FINALIZER: &str = "ibn.dev/intent";

/// The uid under which the engine knows an intent that came through it, and not through the API server.
const IDENTITY: &str = "ibn.dev/identity";

/// A kind of our API.
pub(crate) fn resource(kind: &str) -> ApiResource {
    let kind = GroupVersionKind::gvk("ibn.dev", "v1alpha1", kind);
    ApiResource::from_gvk(&kind)
}

/// Our objects in a namespace.
pub(crate) fn api(client: &kube::Client, kind: &str, namespace: &str) -> kube::Api<DynamicObject> {
    kube::Api::namespaced_with(client.clone(), namespace, &resource(kind))
}

/// Our objects in the namespaces that are looked after: one, or all.
pub(crate) fn api_of_scope(
    client: &kube::Client,
    kind: &str,
    namespace: Option<&str>,
) -> kube::Api<DynamicObject> {
    match namespace {
        Some(namespace) => api(client, kind, namespace),
        None => kube::Api::all_with(client.clone(), &resource(kind)),
    }
}

/// Every object of a kind, page by page.
pub(crate) async fn list(
    client: &kube::Client,
    kind: &str,
    namespace: Option<&str>,
) -> ibn_core::Result<Vec<DynamicObject>> {
    const PAGE: u32 = 500;
    let api = api_of_scope(client, kind, namespace);
    let mut found = Vec::new();
    let mut params = kube::api::ListParams::default().limit(PAGE);
    loop {
        let page = api
            .list(&params)
            .await
            .map_err(|error| crate::error::told(format!("the list of {kind} objects"), &error))?;
        found.extend(page.items);
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => params = params.continue_token(&token),
            _ => return Ok(found),
        }
    }
}
