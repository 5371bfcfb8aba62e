//! Kubernetes: the custom resources of `ibn.dev/v1alpha1`.
//!
//! The types of [`ibn_core`] are the API; here they become CustomResourceDefinitions with structural
//! schemas, so that the API server refuses what the reader would refuse.

mod crd;

pub use crd::{crds, crds_yaml};
