//! The error budget of an objective: how much may be bad, and what is bad.

use std::time::Duration;

use ibn_core::intent::{Bound, IndicatorName, Objective};
use ibn_core::observation::Observation;

use super::tail::share_over;

/// The least budget, so that "no error at all" has a burn rate that is a number.
const LEAST_BUDGET: f64 = 1e-6;

/// How much may be bad.
///
/// | objective | unit | bad | budget |
/// |---|---|---|---|
/// | latency quantile q at most x | requests | slower than x | 1 - q |
/// | error rate at most x % | requests | failed | x/100 |
/// | availability at least x % | requests | failed | 1 - x/100 |
/// | any other | time | periods outside of the bound | a setting, 5 % by default |
///
/// A latency objective "p95 at most 200 ms" says just that 5 % of the requests may take longer: this is the
/// request-based form of *The Site Reliability Workbook*, chapter 2 ("SLI specification"), and chapter 5's
/// burn rate follows from it: bad share / budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ErrorBudget {
    /// A share of the requests.
    Requests(f64),
    /// A share of the time.
    Time(f64),
}

impl ErrorBudget {
    /// The budget of `objective`; `period_budget` where it isn't about requests.
    #[must_use]
    pub fn of(objective: &Objective, period_budget: f64) -> Self {
        let share = match (&objective.indicator, &objective.bound) {
            (IndicatorName::Latency, Bound::AtMost(_)) => 1.0 - objective.quantile().get(),
            (IndicatorName::ErrorRate, Bound::AtMost(most)) => most.number() / 100.0,
            (IndicatorName::Availability, Bound::AtLeast(least)) => 1.0 - least.number() / 100.0,
            _ => return Self::Time(period_budget.max(LEAST_BUDGET)),
        };
        Self::Requests(share.clamp(LEAST_BUDGET, 1.0))
    }

    /// The share that may be bad.
    #[must_use]
    pub fn share(self) -> f64 {
        match self {
            Self::Requests(share) | Self::Time(share) => share,
        }
    }

    /// Whether requests are counted, not time.
    #[must_use]
    pub fn counts_requests(self) -> bool {
        matches!(self, Self::Requests(_))
    }

    /// The share of a period that was bad, given what it achieved.
    pub(super) fn bad_share(
        self,
        objective: &Objective,
        seen: &Observation,
        achieved: f64,
        max_age: Duration,
    ) -> f64 {
        match (self, &objective.indicator) {
            (Self::Requests(_), IndicatorName::Latency) => {
                let bound = objective.bound.value().number();
                share_over(seen, bound, max_age).unwrap_or(0.0)
            }
            (Self::Requests(_), IndicatorName::ErrorRate) => (achieved / 100.0).clamp(0.0, 1.0),
            (Self::Requests(_), _) => (1.0 - achieved / 100.0).clamp(0.0, 1.0),
            (Self::Time(_), _) => f64::from(u8::from(!objective.is_met_by(achieved))),
        }
    }
}
