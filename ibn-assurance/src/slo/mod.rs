//! Objectives over sliding windows: what was achieved, and how fast the error budget is spent.
//!
//! An observation covers a short span; an objective a longer window. [`ObjectiveHistory`] cuts the history
//! into [`Period`]s, one for each observation, and [`ObjectiveHistory::over`] sums them up.
//!
//! **Achieved.** With `x` the indicator of a period and `w` its weight, a window achieved `Σ w·x / Σ w`. The
//! weight is the number of requests that arrived in the period for indicators of requests (latency, error
//! rate, availability) and its length for all others. For shares of requests this is exact. Quantiles of
//! parts don't add up to the quantile of the whole: the weighted mean of the periods' quantiles stands in
//! for it, which is exact where the periods are alike.
//!
//! **Burn rate.** The share of bad requests over the error budget (Google, *The Site Reliability Workbook*,
//! chapter 5, "Alerting on SLOs"): 1 spends the budget exactly by the end of the window. See [`ErrorBudget`].

mod budget;
mod tail;

use std::time::Duration;

use ibn_core::assessment::AssessmentInput;
use ibn_core::intent::{IndicatorName, Objective};
use ibn_core::observation::{Observation, Signal};
use jiff::Timestamp;

pub use budget::ErrorBudget;
pub use tail::share_over;

/// What one observation says of one objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Period {
    /// Its end.
    pub at: Timestamp,
    /// Its length in seconds: the time since the observation before, at most the span that rates cover.
    pub seconds: f64,
    /// Requests that arrived in it; `None` where the rate wasn't measured.
    pub requests: Option<f64>,
    /// The indicator, in the unit of the bound.
    pub achieved: Option<f64>,
    /// The share of the budget's unit (requests or time) that was bad, 0 to 1.
    pub bad: Option<f64>,
}

/// One objective over the whole history.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectiveHistory<'a> {
    objective: &'a Objective,
    budget: ErrorBudget,
    periods: Vec<Period>,
}

/// What a window of the history says of an objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowSummary {
    /// How many periods say something.
    pub periods: usize,
    /// How many seconds they cover.
    pub seconds: f64,
    /// How many requests arrived in them, as far as it was measured.
    pub requests: f64,
    /// What was achieved, in the unit of the bound; `None` where nothing was measured, or nothing was asked.
    pub achieved: Option<f64>,
    /// Whether the bound was kept. A window in which it was measured that no request came keeps every bound on requests.
    pub met: Option<bool>,
    /// How many times faster than allowed the error budget was spent.
    pub burn: Option<f64>,
}

impl<'a> ObjectiveHistory<'a> {
    /// Cuts the history of `input` into periods for `objective`. A reading that was stale when it was taken,
    /// or that repeats the sample of the period before, says nothing.
    #[must_use]
    pub fn new(objective: &'a Objective, input: &AssessmentInput, period_budget: f64) -> Self {
        let budget = ErrorBudget::of(objective, period_budget);
        let mut periods: Vec<Period> = Vec::with_capacity(input.history.len());
        let mut before: Option<&Observation> = None;
        for seen in &input.history {
            let repeats = before.is_some_and(|before| repeats(before, seen, objective));
            if !repeats {
                periods.push(period(objective, budget, input, before, seen));
                before = Some(seen);
            }
        }
        Self {
            objective,
            budget,
            periods,
        }
    }

    /// The error budget.
    #[must_use]
    pub fn budget(&self) -> ErrorBudget {
        self.budget
    }

    /// The periods, oldest first.
    #[must_use]
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// Sums up the periods that end after `from` and not after `to`.
    #[must_use]
    pub fn over(&self, from: Timestamp, to: Timestamp) -> WindowSummary {
        let inside = self
            .periods
            .iter()
            .filter(|period| from < period.at && period.at <= to);
        self.sum_up(inside)
    }

    /// Sums up the `window` that ends at `now`; the newest period counts even where it is longer than that.
    #[must_use]
    pub fn last(&self, window: Duration, now: Timestamp) -> WindowSummary {
        let newest = self.periods.last().map(|period| period.at);
        let from = earlier(now, window);
        let inside = self
            .periods
            .iter()
            .filter(|period| from < period.at || newest == Some(period.at));
        self.sum_up(inside)
    }

    fn sum_up<'p>(&self, inside: impl Iterator<Item = &'p Period>) -> WindowSummary {
        let mut achieved = Mean::default();
        let mut bad = Mean::default();
        let (mut periods, mut seconds, mut requests) = (0, 0.0, 0.0);
        let mut idle = true;
        for period in inside {
            requests += period.requests.unwrap_or(0.0);
            if period.bad.is_none() && period.achieved.is_none() {
                idle = false;
                continue;
            }
            periods += 1;
            seconds += period.seconds;
            idle &= period.requests == Some(0.0);
            let weight = if self.budget.counts_requests() {
                period.requests
            } else {
                Some(period.seconds)
            };
            achieved.add(period.achieved, weight, period.seconds);
            bad.add(period.bad, weight, period.seconds);
        }
        let nobody_came = self.budget.counts_requests() && idle && periods > 0;
        let achieved = achieved.value();
        let bad = if nobody_came { Some(0.0) } else { bad.value() };
        WindowSummary {
            periods,
            seconds,
            requests,
            achieved,
            met: achieved
                .map(|achieved| self.objective.is_met_by(achieved))
                .or(nobody_came.then_some(true)),
            burn: bad.map(|bad| bad / self.budget.share()),
        }
    }
}

/// A weighted mean that falls back on the second weight where no value has the first.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    weighted: f64,
    weight: f64,
    plain: f64,
    plain_weight: f64,
}

impl Mean {
    fn add(&mut self, value: Option<f64>, weight: Option<f64>, otherwise: f64) {
        let Some(value) = value else { return };
        match weight {
            Some(weight) => {
                self.weighted += weight * value;
                self.weight += weight;
            }
            None => {
                self.plain += otherwise * value;
                self.plain_weight += otherwise;
            }
        }
    }

    fn value(self) -> Option<f64> {
        if self.weight > 0.0 {
            Some(self.weighted / self.weight)
        } else {
            (self.plain_weight > 0.0).then(|| self.plain / self.plain_weight)
        }
    }
}

/// The signal that an objective is judged by; `None` for cost, which is known without measuring.
#[must_use]
pub fn signal_of(objective: &Objective) -> Option<Signal> {
    match &objective.indicator {
        IndicatorName::Latency => Some(Signal::Latency(objective.quantile())),
        IndicatorName::ErrorRate | IndicatorName::Availability => Some(Signal::ErrorRate),
        IndicatorName::CpuUtilization => Some(Signal::CpuUsage),
        IndicatorName::MemoryUtilization => Some(Signal::MemoryUsage),
        IndicatorName::Throughput => Some(Signal::Throughput),
        IndicatorName::Cost => None,
        IndicatorName::Custom(name) => Some(Signal::Custom(name.clone())),
    }
}

/// The value of a signal, where it was usable and recent when it was taken.
pub(crate) fn fresh_value(seen: &Observation, signal: &Signal, max_age: Duration) -> Option<f64> {
    // What `Observation::health` calls fresh, by one look-up: this is asked of each observation many times a turn.
    let reading = seen.readings.get(signal)?;
    let is_recent = || seen.at.duration_since(reading.at).unsigned_abs() <= max_age;
    (reading.value.is_finite() && reading.value >= 0.0 && is_recent()).then_some(reading.value)
}

/// `at` less `span`, or the earliest time there is.
pub(crate) fn earlier(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_sub(span).unwrap_or(Timestamp::MIN)
}

/// `at` plus `span`, or the latest time there is.
pub(crate) fn later(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// The length of each observation in seconds: the time since the one before, at most what its rates cover.
pub(crate) fn seconds_of(before: Option<&Observation>, seen: &Observation) -> f64 {
    let covered = seen.window.as_secs_f64();
    let since = before.map_or(covered, |before| {
        seen.at.duration_since(before.at).as_secs_f64().max(0.0)
    });
    if covered > 0.0 {
        since.min(covered)
    } else {
        since
    }
}

fn repeats(before: &Observation, seen: &Observation, objective: &Objective) -> bool {
    let Some(signal) = signal_of(objective) else {
        return false;
    };
    match (before.readings.get(&signal), seen.readings.get(&signal)) {
        (Some(old), Some(new)) => old.at == new.at && old.value == new.value,
        _ => false,
    }
}

fn period(
    objective: &Objective,
    budget: ErrorBudget,
    input: &AssessmentInput,
    before: Option<&Observation>,
    seen: &Observation,
) -> Period {
    let max_age = input.max_signal_age;
    let seconds = seconds_of(before, seen);
    let rate = fresh_value(seen, &Signal::RequestRate, max_age);
    let requests = rate.map(|rate| rate * seconds);
    let judged =
        signal_of(objective).is_none_or(|signal| fresh_value(seen, &signal, max_age).is_some());
    let achieved = judged
        .then(|| seen.achieved(objective, allocation_at(input, seen.at)))
        .flatten();
    let bad = match achieved {
        Some(achieved) => Some(budget.bad_share(objective, seen, achieved, max_age)),
        None => (budget.counts_requests() && rate == Some(0.0)).then_some(0.0),
    };
    Period {
        at: seen.at,
        seconds,
        requests,
        achieved,
        bad,
    }
}

/// What the workload was given at a time that the history covers, as far as the last apply tells.
pub(crate) fn allocation_at(
    input: &AssessmentInput,
    at: Timestamp,
) -> &ibn_core::allocation::Allocation {
    input
        .last_apply
        .as_ref()
        .filter(|apply| at <= apply.at)
        .and_then(|apply| apply.before.allocation())
        .unwrap_or(&input.state.allocation)
}

#[cfg(test)]
mod tests;
