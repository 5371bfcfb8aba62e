//! The multi-window, multi-burn-rate assessor.

use std::time::Duration;

use ibn_core::assessment::{Assessment, AssessmentInput};
use ibn_core::roles::Assessor;

use super::{Burning, ObjectiveView, assess};
use crate::settings::AssuranceSettings;
use crate::slo::WindowSummary;

/// Calls an objective burning when its error budget is spent too fast over a long and a short window at once.
///
/// The long window shows that it matters, the short one (a twelfth) that it still goes on, so that an alarm ends
/// soon after its cause (*The Site Reliability Workbook*, chapter 5, "Multiwindow, multi-burn-rate alerts"). There the
/// period of the objective is 30 days, and burn rates of 14.4, 6 and 1 over 1 h, 6 h and 3 d spend 2, 5 and 10 % of its
/// budget. An intent's objective holds over its own window, minutes long, so that here, with that window `W`:
///
/// | rule | long | short | burn rate | fires when |
/// |---|---|---|---|---|
/// | fast | `W` | `W/12` | 2 | the window's budget is spent twice |
/// | slow | `3 W` | `W/4` | 1 | three windows' budget is spent |
///
/// The short window holds the newest observation at least. A rule needs two observations, half of its long window
/// covered (a quarter for the fast one), and, for budgets of requests, `minRequests` of them in the long window.
///
/// ```
/// use ibn_assurance::BurnRateAssessor;
/// use ibn_core::roles::Assessor;
///
/// let assessor: Box<dyn Assessor> = Box::new(BurnRateAssessor::default());
/// assert_eq!(assessor.name(), "burn-rate");
/// ```
#[derive(Debug, Clone, Default)]
pub struct BurnRateAssessor {
    settings: AssuranceSettings,
}

impl BurnRateAssessor {
    /// With these settings.
    #[must_use]
    pub fn new(settings: AssuranceSettings) -> Self {
        Self { settings }
    }

    /// What the rule saw that fired; the faster one where both did.
    fn burns(&self, input: &AssessmentInput, view: &ObjectiveView<'_>) -> Option<Burning> {
        let window = view.objective.window();
        let fast = Rule {
            burn: self.settings.fast_burn,
            covered: window.as_secs_f64() / 4.0,
        };
        let slow = Rule {
            burn: self.settings.slow_burn,
            covered: window.as_secs_f64() * 1.5,
        };
        if let Some(burning) = self.fires(fast, view, window, (&view.long, &view.short)) {
            return Some(burning);
        }
        let (long, short) = view.windows(input, window * 3);
        self.fires(slow, view, window * 3, (&long, &short))
    }

    fn fires(
        &self,
        rule: Rule,
        view: &ObjectiveView<'_>,
        window: Duration,
        (long, short): (&WindowSummary, &WindowSummary),
    ) -> Option<Burning> {
        let enough = long.periods >= 2
            && long.seconds >= rule.covered
            && (!view.history.budget().counts_requests()
                || long.requests >= self.settings.min_requests);
        let burns = |summary: &WindowSummary| summary.burn.is_some_and(|burn| burn >= rule.burn);
        let fires = enough && burns(long) && burns(short);
        let burning = |rate| Burning { rate, window };
        long.burn.filter(|_| fires).map(burning)
    }
}

#[derive(Debug, Clone, Copy)]
struct Rule {
    /// From which burn rate on, in both windows.
    burn: f64,
    /// Seconds that must be covered.
    covered: f64,
}

impl Assessor for BurnRateAssessor {
    fn name(&self) -> &str {
        "burn-rate"
    }

    fn assess(&self, input: &AssessmentInput) -> Assessment {
        assess(input, &self.settings, |view| self.burns(input, view))
    }
}
