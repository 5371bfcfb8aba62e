//! The roles that advise and learn.

use serde::{Deserialize, Serialize};

use crate::situation::{Experience, Recommendation, Situation};

/// Advises an allocation. One instance serves one workload and may keep state between calls.
///
/// Deterministic: the same sequence of situations gives the same sequence of recommendations; whatever
/// is random draws from `situation.seed`.
///
/// ```
/// use ibn_core::decision::Reason;
/// use ibn_core::roles::Recommender;
/// use ibn_core::situation::{Recommendation, Situation};
///
/// /// Always one pod more.
/// struct OneMore;
///
/// impl Recommender for OneMore {
///     fn name(&self) -> &str {
///         "one-more"
///     }
///
///     fn recommend(&mut self, situation: &Situation) -> Recommendation {
///         let live = &situation.state.allocation;
///         Recommendation::new(live.with_replicas(live.replicas + 1), vec![Reason::new("OneMore", "one pod more")])
///     }
/// }
/// ```
pub trait Recommender: Send {
    /// The name under which it can be chosen.
    fn name(&self) -> &str;

    /// What the workload should be given. Must not move a field of `situation.held`; the engine puts such fields back.
    fn recommend(&mut self, situation: &Situation) -> Recommendation;

    /// Trust the learner in it less, since assurance found that its advice did harm; nothing for one that doesn't learn.
    fn demote(&mut self, cause: &str) {
        let _ = cause;
    }

    /// The learner in it, where there is one.
    fn as_learner(&mut self) -> Option<&mut dyn PolicyLearner> {
        None
    }
}

/// A recommender that learns from what its advice led to.
pub trait PolicyLearner: Recommender {
    /// Takes in what followed on an advice.
    fn learn(&mut self, experience: &Experience) -> LearnReport;

    /// All that is needed to go on elsewhere.
    fn checkpoint(&self) -> Checkpoint;

    /// Takes over a checkpoint.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] where it is of another kind, layout or version; both are named, and the learner is as before.
    fn restore(&mut self, checkpoint: &Checkpoint) -> crate::Result<()>;
}

/// What a learner says of one step of learning, for metrics and the report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LearnReport {
    /// The reward that was taken in.
    pub reward: f64,
    /// How far the learner was off, in the unit of the reward.
    pub error: f64,
    /// Share of actions that are explored, 0 to 1.
    pub exploration: f64,
    /// Experiences taken in so far.
    pub experiences: u64,
}

/// A learner's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// The learner's name.
    pub learner: String,
    /// The layout of the state.
    pub version: u32,
    /// The encoding of situations that it learned on.
    pub encoding: u32,
    /// The state itself.
    pub data: Vec<u8>,
}
