//! Additive Holt-Winters smoothing with a damped trend.

use std::time::Duration;

use ibn_core::prediction::{Forecast, Series};
use ibn_core::roles::Forecaster;
use ibn_core::units::Quantile;

use super::{Fitted, Foreseen, assemble, steps_in};
use crate::stats;

/// Values that there must be where there is no season.
const LEAST_VALUES: usize = 24;
/// Values that the first level and trend are taken from where there is no season.
const HEAD: usize = 5;

/// Additive Holt-Winters smoothing with a damped trend, ETS(A, Ad, A), or ETS(A, Ad, N) without a season (Hyndman and
/// Athanasopoulos, *Forecasting: Principles and Practice*, 3rd edition, sections 8.2 to 8.4).
///
/// With error `e = y - (l + φb + s)` of the one-step forecast:
/// `l ← l + φb + αe`, `b ← φb + βe`, `s ← s + γe`, and `h` steps ahead `l + (φ + … + φʰ)b + s`.
/// The parameters are those of a small grid with the least sum of squared one-step errors, so that the same
/// series gives the same forecast on every machine.
///
/// Own rather than taken from a crate: those that there are demand a series without gaps, and monitors have gaps.
///
/// ```
/// use std::time::Duration;
/// use ibn_assurance::forecast::HoltWinters;
/// use ibn_core::prediction::Series;
/// use ibn_core::roles::Forecaster;
/// use ibn_core::units::Quantile;
///
/// let series = Series {
///     start: jiff::Timestamp::UNIX_EPOCH,
///     step: Duration::from_secs(60),
///     values: (0..60).map(|minute| Some(100.0 + minute as f64)).collect(),
/// };
/// let ahead = [Duration::from_secs(300)];
/// let forecast = HoltWinters::without_season().forecast(&series, &ahead, &[Quantile::P50]).unwrap();
/// let median = forecast.points[0].at(Quantile::P50).unwrap();
/// assert!((median - 164.0).abs() < 2.0, "{median}");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct HoltWinters {
    season: Option<Duration>,
}

impl HoltWinters {
    /// With a season, such as a day; needs two of them, whole numbers of steps long.
    #[must_use]
    pub fn seasonal(season: Duration) -> Self {
        Self {
            season: Some(season),
        }
    }

    /// Level and trend alone; needs 24 values.
    #[must_use]
    pub fn without_season() -> Self {
        Self { season: None }
    }
}

impl Forecaster for HoltWinters {
    fn name(&self) -> &str {
        if self.season.is_some() {
            "holt-winters"
        } else {
            "damped-trend"
        }
    }

    fn forecast(
        &self,
        series: &Series,
        horizons: &[Duration],
        quantiles: &[Quantile],
    ) -> Option<Forecast> {
        let fitted = self.fit(series)?;
        assemble(series, horizons, quantiles, |steps| {
            fitted.look_ahead(steps)
        })
    }
}

impl HoltWinters {
    /// `None` where the series is too short, or too much of it is missing.
    pub(super) fn fit<'a>(&self, series: &'a Series) -> Option<impl Fitted + 'a> {
        let season = match self.season {
            Some(season) => Some(steps_in(season, series)?),
            None => None,
        };
        let values = series.values.as_slice();
        let start = State::first(values, season)?;
        let (_, parameters) = grid(season.is_some())
            .map(|parameters| (start.clone().squared_errors(values, parameters), parameters))
            .min_by(|(a, _), (b, _)| a.total_cmp(b))?;
        Some(Smoothed {
            values,
            start,
            parameters,
        })
    }
}

struct Smoothed<'a> {
    values: &'a [Option<f64>],
    start: State,
    parameters: Parameters,
}

impl Fitted for Smoothed<'_> {
    fn look_ahead(&self, steps: usize) -> Option<Foreseen> {
        Some(
            self.start
                .clone()
                .look_ahead(self.values, self.parameters, steps),
        )
    }
}

#[derive(Debug, Clone, Copy)]
struct Parameters {
    level: f64,
    trend: f64,
    season: f64,
    damping: f64,
}

fn grid(seasonal: bool) -> impl Iterator<Item = Parameters> {
    let seasons: &[f64] = if seasonal { &[0.05, 0.2, 0.5] } else { &[0.0] };
    [0.05, 0.15, 0.3, 0.6, 0.9]
        .into_iter()
        .flat_map(move |level| {
            [0.0, 0.02, 0.1].into_iter().flat_map(move |trend| {
                seasons.iter().flat_map(move |season| {
                    [0.8, 0.98].into_iter().map(move |damping| Parameters {
                        level,
                        trend,
                        season: *season,
                        damping,
                    })
                })
            })
        })
}

#[derive(Debug, Clone)]
struct State {
    level: f64,
    trend: f64,
    /// By phase; a single zero where there is no season.
    seasons: Vec<f64>,
    /// How many values were used up for the first state, and are not smoothed again.
    used: usize,
}

impl State {
    /// Level and season from the first season, the level from the first values where there is none. `None` where the
    /// series is too short, or too much is missing.
    fn first(values: &[Option<f64>], season: Option<usize>) -> Option<Self> {
        let used = season.unwrap_or(HEAD);
        let least = season.map_or(LEAST_VALUES, |season| 2 * season);
        if values.len() < least || values.iter().flatten().any(|value| !value.is_finite()) {
            return None;
        }
        let head = values.get(..used)?;
        let known = head.iter().flatten().count();
        if 2 * known < used || 2 * values.iter().flatten().count() < values.len() {
            return None;
        }
        let level = head.iter().flatten().sum::<f64>() / known as f64;
        match season {
            Some(_) => {
                let seasons = head
                    .iter()
                    .map(|value| value.map_or(0.0, |value| value - level))
                    .collect();
                Some(Self {
                    level,
                    trend: 0.0,
                    seasons,
                    used,
                })
            }
            None => {
                let steps = values.get(..2 * HEAD)?.windows(2);
                let trend = stats::median(steps.filter_map(|pair| match pair {
                    [Some(from), Some(to)] => Some(to - from),
                    _ => None,
                }));
                let trend = trend.unwrap_or(0.0);
                // The mean stands in the middle of the head; the level belongs to its end.
                let level = level + trend * (used as f64 - 1.0) / 2.0;
                Some(Self {
                    level,
                    trend,
                    seasons: vec![0.0],
                    used,
                })
            }
        }
    }

    fn season_at(&self, idx: usize) -> f64 {
        self.seasons
            .get(idx % self.seasons.len())
            .copied()
            .unwrap_or(0.0)
    }

    /// Takes the value at `idx`; says the error of what was foreseen of it.
    fn take(&mut self, idx: usize, value: Option<f64>, parameters: Parameters) -> Option<f64> {
        let trend = parameters.damping * self.trend;
        let error = value.map(|value| value - (self.level + trend + self.season_at(idx)));
        let moved = error.unwrap_or(0.0);
        self.level += trend + parameters.level * moved;
        self.trend = trend + parameters.trend * moved;
        let phase = idx % self.seasons.len();
        if let Some(season) = self.seasons.get_mut(phase) {
            *season += parameters.season * moved;
        }
        error
    }

    fn squared_errors(mut self, values: &[Option<f64>], parameters: Parameters) -> f64 {
        let rest = values.iter().enumerate().skip(self.used);
        rest.filter_map(|(idx, value)| self.take(idx, *value, parameters))
            .map(|error| error * error)
            .sum()
    }

    /// Smooths the whole series; at each value compares what was foreseen `steps` before.
    fn look_ahead(
        mut self,
        values: &[Option<f64>],
        parameters: Parameters,
        steps: usize,
    ) -> Foreseen {
        let phi = parameters.damping;
        // φ + … + φʰ
        let damped = phi * (1.0 - phi.powi(i32::try_from(steps).unwrap_or(i32::MAX))) / (1.0 - phi);
        let foreseen = |state: &Self, idx: usize| {
            state.level + damped * state.trend + state.season_at(idx + steps)
        };
        let mut errors = Vec::with_capacity(values.len());
        for (idx, value) in values.iter().enumerate().skip(self.used) {
            self.take(idx, *value, parameters);
            if let Some(Some(came)) = values.get(idx + steps) {
                errors.push(came - foreseen(&self, idx));
            }
        }
        Foreseen {
            value: foreseen(&self, values.len().saturating_sub(1)),
            errors,
            // Level, trend and damping, and season.
            parameters: if self.seasons.len() > 1 { 4 } else { 3 },
        }
    }
}
