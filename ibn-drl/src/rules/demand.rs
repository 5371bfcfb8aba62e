//! The demand that capacity is to be made for: measured, trending, forecast, and what waits already.

use std::time::Duration;

use ibn_core::observation::{Observation, Signal};
use ibn_core::prediction::{Forecast, ForecastPoint, WorkloadModel};
use ibn_core::situation::Situation;
use jiff::Timestamp;

use super::confidence::z;

/// How demand is read from a situation.
#[derive(Debug, Clone, PartialEq)]
pub struct DemandSettings {
    /// Share of a rise that is taken to go on until new pods serve, 0 (none) to 1 (all of it).
    pub trend: f64,
    /// The time in which requests that wait are to be worked off.
    pub drain: Duration,
    /// The most by which trend and backlog together may exceed the measured rate, as a factor of it, 1 to 10.
    pub surge_limit: f64,
}

impl Default for DemandSettings {
    fn default() -> Self {
        Self {
            trend: 1.0,
            drain: Duration::from_secs(60),
            surge_limit: 3.0,
        }
    }
}

/// Keeps count of the requests that wait, from turn to turn.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog {
    requests: f64,
    last: Option<Timestamp>,
}

impl Backlog {
    /// Takes in the newest observation. `late` says that a latency objective is violated, which a queue would show as.
    ///
    /// What arrived and was neither served nor failed is waiting; and by Little's law (`L = λW`) no more
    /// can wait than was served in the time that the slow requests took.
    fn update(&mut self, seen: &Observation, late: bool) -> f64 {
        if self.last.is_some_and(|last| last >= seen.at) {
            return self.requests;
        }
        let span = match self.last {
            Some(last) => seen
                .at
                .duration_since(last)
                .as_secs_f64()
                .min(seen.window.as_secs_f64()),
            None => 0.0,
        };
        self.last = Some(seen.at);
        let (Some(arrived), Some(served)) = (
            seen.value(&Signal::RequestRate),
            seen.value(&Signal::Throughput),
        ) else {
            self.requests = 0.0;
            return 0.0;
        };
        if !late {
            self.requests = 0.0;
            return 0.0;
        }
        let failed = seen.value(&Signal::ErrorRate).unwrap_or(0.0).min(1.0) * arrived;
        let grown = self.requests + (arrived - failed - served) * span;
        let slowest = seen
            .readings
            .iter()
            .filter(|(signal, _)| matches!(signal, Signal::Latency(_)))
            .filter_map(|(signal, _)| seen.value(signal))
            .fold(0.0, f64::max);
        self.requests = grown.clamp(0.0, served * slowest);
        self.requests
    }
}

/// The demand of one turn, in requests per second.
#[derive(Debug, Clone)]
pub(super) struct Demands<'a> {
    /// What was measured.
    pub(super) measured: f64,
    /// Requests per second by which the measured rate rises each second; 0 where it falls or the rise may be chance.
    pub(super) slope: f64,
    /// Requests that wait already.
    pub(super) backlog: f64,
    forecast: Option<&'a Forecast>,
    age: f64,
    lag: f64,
    settings: &'a DemandSettings,
    confidence: f64,
    spread: f64,
    chance: f64,
}

impl<'a> Demands<'a> {
    /// Reads the demand; `None` where no request rate was measured.
    pub(super) fn of(
        situation: &'a Situation,
        settings: &'a DemandSettings,
        backlog: &mut Backlog,
        late: bool,
        model: &WorkloadModel,
        lead: Duration,
        confidence: f64,
    ) -> Option<Self> {
        let seen = situation.latest()?;
        let measured = seen.value(&Signal::RequestRate)?;
        let age = situation.forecast.as_ref().map_or(0.0, |forecast| {
            situation.now.duration_since(forecast.made_at).as_secs_f64()
        });
        let forecast = situation
            .forecast
            .as_ref()
            .filter(|forecast| is_usable(forecast, age));
        Some(Self {
            measured,
            slope: slope(situation, seen, measured),
            backlog: backlog.update(seen, late),
            forecast,
            age,
            lag: seen.window.as_secs_f64() / 2.0
                + situation.now.duration_since(seen.at).as_secs_f64().max(0.0),
            settings,
            confidence,
            spread: spread(situation, lead),
            chance: chance(measured, model.service_cv2, seen.window),
        })
    }

    /// The rate that capacity is to be there for at any time within `horizon`, backlog left aside.
    ///
    /// The greatest of: what was measured, with its rise going on; what was measured, widened by how far a window's load
    /// lies from its mean by chance and, where there is no forecast, by how far the rate rose of late; and the peak of the
    /// forecast.
    pub(super) fn peak(&self, horizon: Duration) -> f64 {
        let ahead = horizon.as_secs_f64() + self.lag;
        let risen = self.measured + self.settings.trend * self.slope * ahead;
        let risen = risen.min(self.settings.surge_limit * self.measured);
        let wide = |share: f64| self.measured * (1.0 + z(self.confidence) * share);
        let near = risen.max(wide(self.chance));
        match self.forecast_peak(horizon) {
            Some(peak) => near.max(peak),
            None => near.max(wide(self.spread)),
        }
    }

    /// The rate that capacity is to be there for within `horizon`, backlog included.
    pub(super) fn peak_with_backlog(&self, horizon: Duration) -> f64 {
        let drain = self.settings.drain.as_secs_f64().max(1.0);
        let most = (self.settings.surge_limit - 1.0) * self.measured;
        self.peak(horizon) + (self.backlog / drain).min(most)
    }

    /// The peak of the forecast within `horizon` and up to the first point behind it; `None` without a forecast.
    pub(super) fn forecast_peak(&self, horizon: Duration) -> Option<f64> {
        let end = horizon.as_secs_f64() + self.age;
        let mut peak: Option<f64> = None;
        for point in &self.forecast?.points {
            let at = point.horizon.as_secs_f64();
            if at < self.age {
                continue;
            }
            if let Some(value) = at_confidence(point, self.confidence) {
                // Ten times what is there now is no forecast but a fault.
                let value = value.clamp(0.0, 10.0 * self.measured.max(1.0));
                peak = Some(peak.map_or(value, |peak| peak.max(value)));
            }
            if at >= end {
                break;
            }
        }
        peak
    }

    /// The horizons of the forecast that lie ahead, from now.
    pub(super) fn horizons(&self) -> impl Iterator<Item = Duration> + '_ {
        self.forecast
            .iter()
            .flat_map(|forecast| &forecast.points)
            .map(|point| point.horizon.as_secs_f64() - self.age)
            .filter(|ahead| *ahead > 0.0)
            .filter_map(|ahead| Duration::try_from_secs_f64(ahead).ok())
    }
}

/// Some point lies ahead, and it was not made in the future.
fn is_usable(forecast: &Forecast, age: f64) -> bool {
    age >= 0.0
        && forecast
            .points
            .iter()
            .any(|point| point.horizon.as_secs_f64() >= age)
}

/// The value that is not exceeded with `confidence`: between the quantiles that were forecast by a straight line over the
/// standard normal quantile, beyond them the outermost.
fn at_confidence(point: &ForecastPoint, confidence: f64) -> Option<f64> {
    let values = || {
        point
            .values
            .iter()
            .filter(|(_, value)| value.is_finite())
            .map(|(quantile, value)| (quantile.get(), *value))
    };
    // A hair of slack, since quantiles are whole millionths.
    let below = values().rfind(|(q, _)| *q <= confidence + 1e-9);
    let above = values().find(|(q, _)| *q > confidence + 1e-9);
    match (below, above) {
        (Some((q, low)), Some((r, high))) => {
            let share = (z(confidence) - z(q)) / (z(r) - z(q));
            Some(low + share.clamp(0.0, 1.0) * (high - low))
        }
        (Some((_, value)), None) | (None, Some((_, value))) => Some(value),
        (None, None) => None,
    }
}

/// The rise per second against the newest observation that shares no request with the latest one.
fn slope(situation: &Situation, seen: &Observation, measured: f64) -> f64 {
    let earlier = situation.history.iter().rev().find_map(|before| {
        let apart = seen.at.duration_since(before.at).as_secs_f64();
        let rate = before.value(&Signal::RequestRate)?;
        (apart > 0.0 && apart >= 0.99 * seen.window.as_secs_f64()).then_some((apart, rate))
    });
    let Some((apart, rate)) = earlier else {
        return 0.0;
    };
    // Three standard deviations of the difference of two Poisson counts, as rates.
    let window = seen.window.as_secs_f64().max(1.0);
    let chance = 3.0 * ((measured + rate) / window).sqrt();
    if measured - rate > chance {
        (measured - rate) / apart
    } else {
        0.0
    }
}

/// The relative standard deviation of the load that arrives in a window, for a compound Poisson process:
/// `√((1 + c²) ÷ (λ window))`; at most 1/2.
fn chance(rate: f64, service_cv2: f64, window: Duration) -> f64 {
    let arrivals = rate * window.as_secs_f64();
    let share = ((1.0 + service_cv2) / arrivals.max(1e-9)).sqrt();
    if share.is_finite() {
        share.min(0.5)
    } else {
        0.0
    }
}

/// How far the rate rose between observations `lag` apart: the root mean square of the relative rises, at most 1/2.
fn spread(situation: &Situation, lag: Duration) -> f64 {
    let rates: Vec<(Timestamp, f64)> = situation
        .history
        .iter()
        .filter_map(|seen| Some((seen.at, seen.value(&Signal::RequestRate)?)))
        .collect();
    let mut later = rates.iter().peekable();
    let (mut sum, mut count) = (0.0, 0.0f64);
    for (before, from) in &rates {
        let is_early =
            |at: &Timestamp| at.duration_since(*before).as_secs_f64() < lag.as_secs_f64();
        while later.next_if(|(at, _)| is_early(at)).is_some() {}
        let Some((_, to)) = later.peek() else { break };
        if *from > 0.0 {
            let rise = (to / from - 1.0).max(0.0);
            sum += rise * rise;
            count += 1.0;
        }
    }
    (sum / count.max(1.0)).sqrt().min(0.5)
}

#[cfg(test)]
mod tests {
    use ibn_core::units::Quantile;

    use super::*;

    #[test]
    fn confidence_lies_between_the_quantiles_that_were_forecast() {
        let point = |values: &[(f64, f64)]| ForecastPoint {
            horizon: Duration::from_secs(60),
            values: values
                .iter()
                .filter_map(|(q, value)| Some((Quantile::new(*q)?, *value)))
                .collect(),
        };
        let normal = point(&[(0.05, 100.0 - 16.449), (0.5, 100.0), (0.95, 100.0 + 16.449)]);
        for (confidence, expected) in [
            (0.5, 100.0),
            (0.8, 108.416),
            (0.95, 116.449),
            (0.99, 116.449),
        ] {
            let value = at_confidence(&normal, confidence).unwrap();
            assert!((value - expected).abs() < 0.01, "{confidence}: {value}");
        }
        assert_eq!(at_confidence(&point(&[(0.9, 7.0)]), 0.5), Some(7.0));
        assert_eq!(
            at_confidence(&point(&[(0.5, f64::NAN), (0.9, 7.0)]), 0.8),
            Some(7.0)
        );
        assert_eq!(at_confidence(&point(&[(0.5, f64::INFINITY)]), 0.8), None);
    }
}
