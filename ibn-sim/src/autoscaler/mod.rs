//! Autoscalers: those of Kubernetes, and baselines, as recommenders.

mod fixed;
pub mod hpa;
pub mod keda;
pub mod vpa;

pub use fixed::Fixed;
