//! Recommenders that rule, learn, and hand over to each other.
//!
//! - [`rules`] don't learn: [`rules::ModelPredictive`] asks a twin for the fewest pods that meet the objectives at the
//!   demand to come, [`rules::TargetTracking`] follows CPU utilisation. Learners are compared with them and fall back on
//!   them.
//! - [`Bandit`] learns the head-room of the predictive rule: each of its actions is one that the rule itself would take.
//! - [`ladder`] hands a workload over from a rule to a learner by rungs of trust, and back at once.
//! - [`ppo`] trains a [`policy`] in environments; [`nn`] and [`gae`] are what it is made of: small networks, Adam, advantages.
//! - [`dqn`] learns the values of choices in environments, from what it went through before.
//! - [`training`] trains one over a distribution of scenarios; [`trained`] follows what came of it.
//! - [`classic`] are environments with known answers, to check learners on.
//! - [`recommender`] and [`learner`] make them by name; [`ENTRIES`] lists the names with their options.
//!
//! What a learner sees of a situation is [`ibn_core::encoding`]; [`RewardWeights`] is the reward that fits. Nothing here knows
//! a cluster or a simulator.

mod bandit;
pub mod classic;
pub mod dqn;
mod episodes;
mod error;
pub mod gae;
pub mod ladder;
pub mod nn;
pub mod policy;
pub mod ppo;
mod registry;
mod reward;
pub mod rules;
mod tensors;
pub mod trained;
pub mod training;

#[doc = include_str!("../WRITE_YOUR_OWN.md")]
pub mod write_your_own {}

pub use bandit::{Bandit, BanditSettings};
pub use error::{Error, ErrorKind, Result};
pub use registry::{ENTRIES, Entry, Spec, learner, recommender};
pub use reward::RewardWeights;
