//! Fakes, builders and conformance suites for implementers of the traits.

pub mod assessor;
pub mod clock;
pub mod cluster;
pub mod environment;
pub mod forecaster;
pub mod learner;
pub mod monitor;
pub mod mutants;
pub mod orchestrator;
pub mod predictor;
pub mod recommender;
pub mod service;
pub mod stage;
pub mod store;
pub mod strategies;
pub mod translator;
