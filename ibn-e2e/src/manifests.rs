//! The manifests that users install, on the cluster that is there.

use std::path::Path;
use std::time::Duration;

use kube::api::{Api, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, TypeMeta};

/// Applies every object of a file of `deploy/manifests`.
///
/// # Panics
/// Where the file can't be read or the cluster refuses an object.
pub async fn apply_manifest(client: &kube::Client, file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../deploy/manifests")
        .join(file);
    let text = expect(file, std::fs::read_to_string(path));
    for document in text.split("\n---\n") {
        let object: DynamicObject = expect(file, serde_saphyr::from_str(document));
        let kind = object.types.clone().unwrap_or(TypeMeta {
            api_version: String::new(),
            kind: String::new(),
        });
        let kind = expect(file, GroupVersionKind::try_from(kind));
        let resource = ApiResource::from_gvk(&kind);
        let api: Api<DynamicObject> = match &object.metadata.namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        let name = object.metadata.name.clone().unwrap_or_default();
        let params = PatchParams::apply("ibn-e2e").force();
        expect(
            &name,
            api.patch(&name, &params, &Patch::Apply(&object)).await,
        );
    }
}

/// A client that speaks as somebody else.
///
/// # Errors
/// Says why there is none.
pub async fn cluster_as(user: &str) -> Result<kube::Client, String> {
    let mut config = crate::config().await?;
    config.auth_info.impersonate = Some(user.to_owned());
    kube::Client::try_from(config).map_err(|error| error.to_string())
}

/// How long the API server may take until a policy holds.
pub const POLICY_HOLDS: Duration = Duration::from_secs(30);

#[expect(clippy::panic, reason = "a test without what it needs is to fail")]
fn expect<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}
