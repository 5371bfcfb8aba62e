//! Reinforcement learning on plain arrays: learners, training, evaluation, checkpoints.

mod error;
pub mod rules;

pub use error::{Error, ErrorKind, Result};
