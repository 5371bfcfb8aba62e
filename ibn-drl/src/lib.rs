//! Reinforcement learning on plain arrays: learners, training, evaluation, checkpoints.

mod bandit;
mod error;
pub mod ladder;
mod registry;
mod reward;
pub mod rules;
mod tensors;

pub use bandit::{Bandit, BanditSettings};
pub use error::{Error, ErrorKind, Result};
pub use registry::{ENTRIES, Entry, Spec, learner, recommender};
pub use reward::RewardWeights;
