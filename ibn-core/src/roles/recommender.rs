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

    /// Whether it ever gives pods another size; one that doesn't moves their number only. What admission promises for an
    /// objective is held to it, see [`crate::admission::Admission::resizing`].
    fn resizes(&self) -> bool {
        false
    }

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
///
/// ```
/// use ibn_core::roles::{Checkpoint, LearnReport, PolicyLearner, Recommender};
/// use ibn_core::situation::{Experience, Recommendation, Situation};
///
/// /// Leaves everything, and counts what it was told.
/// #[derive(Default)]
/// struct Counter(u64);
///
/// impl Recommender for Counter {
///     fn name(&self) -> &str {
///         "counter"
///     }
///
///     fn recommend(&mut self, situation: &Situation) -> Recommendation {
///         Recommendation::leave(situation, "Counting", format!("{} experiences so far", self.0))
///     }
///
///     fn as_learner(&mut self) -> Option<&mut dyn PolicyLearner> {
///         Some(self)
///     }
/// }
///
/// impl PolicyLearner for Counter {
///     fn learn(&mut self, experience: &Experience) -> LearnReport {
///         self.0 += 1;
///         LearnReport { reward: experience.outcome.reward, experiences: self.0, ..LearnReport::default() }
///     }
///
///     fn checkpoint(&self) -> Checkpoint {
///         let data = self.0.to_le_bytes().to_vec();
///         Checkpoint { learner: "counter".to_owned(), version: 1, encoding: 0, data }
///     }
///
///     fn restore(&mut self, checkpoint: &Checkpoint) -> ibn_core::Result<()> {
///         let data = <[u8; 8]>::try_from(checkpoint.data.as_slice());
///         match (checkpoint.learner.as_str(), checkpoint.version, data) {
///             ("counter", 1, Ok(data)) => self.0 = u64::from_le_bytes(data),
///             _ => return Err(ibn_core::Error::invalid("the checkpoint", "it is not of a counter")),
///         }
///         Ok(())
///     }
/// }
///
/// let mut trained = Counter(3);
/// let mut fresh = Counter::default();
/// fresh.restore(&trained.checkpoint())?;
/// assert_eq!(fresh.0, 3);
/// # Ok::<(), ibn_core::Error>(())
/// ```
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
    /// How far the learner is trusted, in the words of who hands over to it, such as `shadow`; `None` where nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
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
