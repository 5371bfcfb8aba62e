//! Kubernetes: the custom resources of `ibn.dev/v1alpha1`, and the roles that act and measure on a cluster.
//!
//! The types of [`ibn_core`] are the API; here they become CustomResourceDefinitions with structural
//! schemas, so that the API server refuses what the reader would refuse.

pub mod controller;
mod crd;
mod error;
pub mod monitor;
pub mod orchestrator;
mod sizes;
mod store;
pub mod watch;

pub use crd::{Error as CrdError, crds, crds_yaml};
pub use monitor::ClusterMonitor;
pub use orchestrator::ClusterOrchestrator;
pub use store::{ClusterIntentStore, ClusterLedger, FINALIZER};
pub use watch::{Scope, Watches};
