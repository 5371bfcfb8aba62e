//! The role that judges.

use crate::assessment::{Assessment, AssessmentInput};

/// Judges how intents stand and what should follow. Pure: the same input, the same assessment.
pub trait Assessor: Send + Sync {
    /// The name under which it can be chosen.
    fn name(&self) -> &str;

    /// How things stand. What can't be told from the input is absent in the result, never assumed.
    fn assess(&self, input: &AssessmentInput) -> Assessment;
}
