//! Autoscalers as recommenders: those of Kubernetes, others that were published, baselines, and the bound for all of them.

mod by_name;
pub mod captain;
pub mod clairvoyant;
mod fixed;
mod foresight;
pub mod hpa;
pub mod keda;
pub mod predictive;
mod scheduled;
pub mod vpa;

pub use by_name::{Context, ENTRIES, Entry, MakeForecaster, by_name};
pub use fixed::Fixed;
pub use foresight::Foresight;
pub use scheduled::Scheduled;
