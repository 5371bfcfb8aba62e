//! What the end-to-end tests share: the cluster that is there, and a namespace for each test.
//!
//! The tests run on whatever cluster `KUBECONFIG` names; where it names none, they say so and are skipped, or fail where
//! `IBN_REQUIRE` has `cluster`.
//!
//! ```no_run
//! # async fn test() {
//! let Some(client) = ibn_testkit::service::need("cluster", ibn_e2e::cluster().await) else {
//!     return;
//! };
//! ibn_e2e::in_namespace(&client, "scale", async |space| {
//!     assert!(space.starts_with("e2e-scale-"));
//! })
//! .await;
//! # }
//! ```

pub mod controller;
mod install;
pub mod load;
mod manifests;
mod namespace;
mod poll;
pub mod shop;

pub use install::install_crds;
pub use manifests::{POLICY_HOLDS, apply_manifest, cluster_as};
pub use namespace::{create_namespace, delete_namespace, in_namespace, new_namespace};
pub use poll::until;

use kube::config::{KubeConfigOptions, Kubeconfig};

/// A client of the cluster that `KUBECONFIG` names.
///
/// # Errors
/// Says why there is none: the variable isn't set, the file can't be used, or nothing answers.
pub async fn cluster() -> Result<kube::Client, String> {
    let client = kube::Client::try_from(config().await?).map_err(|error| error.to_string())?;
    let version = client.apiserver_version().await;
    version
        .map(|_| client)
        .map_err(|error| format!("nothing answers: {error}"))
}

/// How the cluster that `KUBECONFIG` names is reached.
async fn config() -> Result<kube::Config, String> {
    let path = std::env::var_os("KUBECONFIG")
        .filter(|path| !path.is_empty())
        .ok_or("KUBECONFIG is not set")?;
    let file = Kubeconfig::read_from(path).map_err(|error| error.to_string())?;
    kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .map_err(|error| error.to_string())
}
