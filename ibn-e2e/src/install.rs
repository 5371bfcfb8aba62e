//! The custom resources, on the cluster that is there.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, Patch, PatchParams};

/// Brings the CustomResourceDefinitions up to date, and waits until their kinds are served.
///
/// # Panics
/// Where the cluster refuses one.
pub async fn install_crds(client: &kube::Client) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for crd in expect("the definitions", ibn_k8s::crds()) {
        let name = crd.metadata.name.clone().unwrap_or_default();
        let params = PatchParams::apply("ibn-e2e").force();
        expect(&name, api.patch(&name, &params, &Patch::Apply(&crd)).await);
        crate::until("the kind is served", Duration::from_secs(30), async || {
            let live = api.get(&name).await.ok()?;
            let conditions = live.status?.conditions?;
            conditions
                .iter()
                .any(|it| it.type_ == "Established" && it.status == "True")
                .then_some(())
        })
        .await;
    }
}

#[expect(clippy::panic, reason = "a test without the kinds is to fail")]
fn expect<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}
