//! Autoscalers: those of Kubernetes, and baselines, as recommenders.

mod fixed;
pub mod hpa;

pub use fixed::Fixed;
