//! Autoscalers: those of Kubernetes, and baselines, as recommenders.

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

pub use by_name::{ENTRIES, Entry, by_name};
pub use fixed::Fixed;
pub use foresight::Foresight;
pub use scheduled::Scheduled;
