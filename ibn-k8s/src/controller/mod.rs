//! What a controller is made of besides the roles: who may write, what is told to the engine, and what is said aloud.
//!
//! - [`Election`] holds a lease, and a client behind a [`Fence`] writes only while it is held.
//! - [`feed`] watches our objects, and [`Index`] makes of what is seen what the engine is to be told.
//! - [`Events`] says aloud what the engine says, as Events of the objects that it speaks of.

mod events;
mod feed;
mod fence;
mod index;
mod lease;

pub use events::Events;
pub use feed::{Seen, feed};
pub use fence::{Fence, Held};
pub use index::{Index, Told, Wanted};
pub use lease::{Election, LeaseTimes};

use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};

/// The two clients of a controller.
pub struct Clients {
    /// Writes only while `held` says so.
    pub fenced: kube::Client,
    /// For the lease alone.
    pub free: kube::Client,
    /// Whether the fence is open.
    pub held: Held,
}

/// Connects to the cluster of a context, of the current one, or of the pod that this runs in.
///
/// # Errors
/// Where there is no configuration, or it can't be used.
pub async fn connect(context: Option<&str>) -> ibn_core::Result<Clients> {
    let unusable =
        |reason: String| ibn_core::Error::invalid("the configuration of the cluster", reason);
    let mut config = match context {
        None => kube::Config::infer()
            .await
            .map_err(|error| unusable(error.to_string()))?,
        Some(context) => {
            let file = Kubeconfig::read().map_err(|error| unusable(error.to_string()))?;
            let options = KubeConfigOptions {
                context: Some(context.to_owned()),
                ..KubeConfigOptions::default()
            };
            kube::Config::from_custom_kubeconfig(file, &options)
                .await
                .map_err(|error| unusable(error.to_string()))?
        }
    };
    config.connect_timeout = Some(std::time::Duration::from_secs(5));
    let held = Held::default();
    let builder =
        || ClientBuilder::try_from(config.clone()).map_err(|error| unusable(error.to_string()));
    Ok(Clients {
        fenced: builder()?.with_layer(&Fence::new(held.clone())).build(),
        free: builder()?.build(),
        held,
    })
}
