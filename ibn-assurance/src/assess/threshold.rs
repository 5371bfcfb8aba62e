//! The assessor that compares with the bound and nothing else.

use ibn_core::assessment::{Assessment, AssessmentInput};
use ibn_core::roles::Assessor;

use super::{Burning, ObjectiveView, assess};
use crate::settings::AssuranceSettings;

/// Calls an objective burning when its bound is broken over its window and in the newest observation.
///
/// The window must be covered by half. Later than [`super::BurnRateAssessor`] and blind to how bad it is, but easy to
/// foresee: what a plain alert on the objective would say.
///
/// ```
/// use ibn_assurance::ThresholdAssessor;
/// use ibn_core::roles::Assessor;
///
/// assert_eq!(ThresholdAssessor::default().name(), "threshold");
/// ```
#[derive(Debug, Clone, Default)]
pub struct ThresholdAssessor {
    settings: AssuranceSettings,
}

impl ThresholdAssessor {
    /// With these settings.
    #[must_use]
    pub fn new(settings: AssuranceSettings) -> Self {
        Self { settings }
    }
}

fn burns(view: &ObjectiveView<'_>) -> Option<Burning> {
    let half = view.objective.window().as_secs_f64() / 2.0;
    let newest = view.history.periods().last();
    let still = newest
        .and_then(|period| period.achieved)
        .is_some_and(|achieved| !view.objective.is_met_by(achieved));
    let burns = view.long.met == Some(false) && view.long.seconds >= half && still;
    burns.then(|| Burning {
        rate: view.long.burn.unwrap_or(0.0),
        window: view.objective.window(),
    })
}

impl Assessor for ThresholdAssessor {
    fn name(&self) -> &str {
        "threshold"
    }

    fn assess(&self, input: &AssessmentInput) -> Assessment {
        assess(input, &self.settings, burns)
    }
}
