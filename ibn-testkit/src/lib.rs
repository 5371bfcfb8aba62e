//! Fakes, builders and conformance suites for implementers of the traits.

pub mod assessor;
pub mod cluster;
pub mod forecaster;
pub mod monitor;
pub mod stage;
pub mod store;
