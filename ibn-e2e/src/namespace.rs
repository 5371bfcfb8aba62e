//! A namespace of a test's own.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::FutureExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::json;

/// The variable whose value begins the names of the namespaces; `e2e` where it isn't set.
const PREFIX: &str = "IBN_E2E_PREFIX";

/// Runs a test in a new namespace `e2e-LABEL-…`, and deletes it afterwards, also where the test fails.
///
/// # Panics
/// Where the test does, and where the namespace can't be made.
pub async fn in_namespace<T>(
    client: &kube::Client,
    label: &str,
    test: impl AsyncFnOnce(&str) -> T,
) -> T {
    let name = new_namespace(client, label).await;
    let outcome = AssertUnwindSafe(test(&name)).catch_unwind().await;
    delete_namespace(client, &name).await;
    match outcome {
        Ok(value) => value,
        Err(payload) => std::panic::resume_unwind(payload),
    }
}

/// Makes a new namespace `e2e-LABEL-…` for a test that deletes it by itself.
///
/// # Panics
/// Where it can't be made.
pub async fn new_namespace(client: &kube::Client, label: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let prefix = std::env::var(PREFIX).unwrap_or_else(|_| "e2e".to_owned());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("{prefix}-{label}-{}-{count}", std::process::id());
    create_namespace(client, &name).await;
    name
}

/// Makes a namespace for a test that needs several; they are to be deleted by [`delete_namespace`].
///
/// # Panics
/// Where it can't be made.
pub async fn create_namespace(client: &kube::Client, name: &str) {
    let spaces: Api<Namespace> = Api::all(client.clone());
    if let Err(error) = spaces.create(&PostParams::default(), &named(name)).await {
        fail(&format!("the namespace {name} can be made: {error}"));
    }
}

/// Deletes a namespace with all that is in it, without waiting for that.
pub async fn delete_namespace(client: &kube::Client, name: &str) {
    let spaces: Api<Namespace> = Api::all(client.clone());
    // Whatever the answer is, there is nothing else that a test could do about it.
    let _ = spaces.delete(name, &DeleteParams::default()).await;
}

fn named(name: &str) -> Namespace {
    let metadata = serde_json::from_value(json!({"name": name, "labels": {"ibn.dev/e2e": "true"}}));
    Namespace {
        metadata: metadata.unwrap_or_default(),
        ..Namespace::default()
    }
}

#[expect(
    clippy::panic,
    reason = "a test that has no namespace of its own is to fail"
)]
fn fail(expected: &str) -> ! {
    panic!("{expected}")
}
