//! The role that judges.

use crate::assessment::{Assessment, AssessmentInput};

/// Judges how intents stand and what should follow. Pure: the same input, the same assessment.
///
/// ```
/// use ibn_core::assessment::{Assessment, AssessmentInput};
/// use ibn_core::decision::Reason;
/// use ibn_core::observation::{Signal, SignalHealth};
/// use ibn_core::roles::Assessor;
///
/// /// Judges no objective; says where pods restart.
/// struct Restarts;
///
/// impl Assessor for Restarts {
///     fn name(&self) -> &str {
///         "restarts"
///     }
///
///     fn assess(&self, input: &AssessmentInput) -> Assessment {
///         let seen = input.history.last();
///         let health = seen.map_or(SignalHealth::Missing, |seen| {
///             seen.health(&Signal::Restarts, input.now, input.max_signal_age)
///         });
///         let restarts = seen.and_then(|seen| seen.value(&Signal::Restarts)).unwrap_or(0.0);
///         let finding = Reason::new("Restarts", format!("{restarts} restarts in the window"));
///         Assessment {
///             intents: Vec::new(),
///             health,
///             floor: None,
///             model: None,
///             forecast: None,
///             actions: Vec::new(),
///             findings: (restarts > 0.0).then_some(finding).into_iter().collect(),
///         }
///     }
/// }
///
/// let calm = ibn_testkit::assessor::Story::new().input();
/// assert!(Restarts.assess(&calm).findings.is_empty());
/// ```
pub trait Assessor: Send + Sync {
    /// The name under which it can be chosen.
    fn name(&self) -> &str;

    /// How things stand. What can't be told from the input is absent in the result, never assumed.
    fn assess(&self, input: &AssessmentInput) -> Assessment;
}
