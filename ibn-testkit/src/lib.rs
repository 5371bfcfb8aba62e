//! Fakes, builders and conformance suites for implementers of the traits.

pub mod assessor;
pub mod forecaster;
