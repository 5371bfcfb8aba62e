//! Kubernetes: the custom resources of `ibn.dev/v1alpha1`, and the roles that act and measure on a cluster.
//!
//! The types of [`ibn_core`] are the API; here they become CustomResourceDefinitions with structural
//! schemas, so that the API server refuses what the reader would refuse.

mod crd;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "for the roles that are yet to come")
)]
mod error;

pub use crd::{crds, crds_yaml};
