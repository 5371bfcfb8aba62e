//! Forecasts of demand with quantiles.
//!
//! All of them take their quantiles from what they would have got wrong before: a forecaster is run over the
//! series, at each value its forecast for each horizon is compared with what came, and the empirical quantiles of
//! those errors are added to the forecast. So no law of the errors is assumed, they may be skew, and they grow with
//! the horizon just as they did. The errors are in-sample (the same series chose the parameters); they are widened
//! by `√(n / (n - p))` for `p` parameters, as the estimate of a regression's error is.
//!
//! A horizon at which too few errors are known is left out; with none left, nothing is told.
//!
//! A value that is missing moves nothing and is compared with nothing. Where no value of the series is negative,
//! no forecast is.

mod best_of;
mod holt_winters;
mod seasonal_naive;
mod series;

use std::time::Duration;

use ibn_core::prediction::{Forecast, ForecastPoint, Series};
use ibn_core::units::Quantile;

pub use best_of::BestOf;
pub use holt_winters::HoltWinters;
pub use seasonal_naive::SeasonalNaive;
pub use series::{demand_series, signal_series};

use crate::slo::later;
use crate::stats;

/// Errors at a horizon that there must be for quantiles.
const LEAST_ERRORS: usize = 12;

/// A method that was fitted to a series.
trait Fitted {
    /// What it says so many steps ahead.
    fn look_ahead(&self, steps: usize) -> Option<Foreseen>;
}

/// What a method says at one horizon: the forecast, and its errors (what came less what was foreseen) so far.
struct Foreseen {
    value: f64,
    errors: Vec<f64>,
    /// Parameters that were chosen by the same values.
    parameters: usize,
}

/// Builds the forecast from what `foresee` says of each number of steps ahead.
fn assemble(
    series: &Series,
    horizons: &[Duration],
    quantiles: &[Quantile],
    mut foresee: impl FnMut(usize) -> Option<Foreseen>,
) -> Option<Forecast> {
    let step = series.step.as_nanos();
    let last = series.values.len().checked_sub(1)?;
    if step == 0 {
        return None;
    }
    let made_at = later(
        series.start,
        series.step.checked_mul(u32::try_from(last).ok()?)?,
    );
    let negative = series.values.iter().flatten().any(|value| *value < 0.0);
    let mut horizons = horizons.to_vec();
    horizons.sort_unstable();
    horizons.dedup();
    let mut quantiles = quantiles.to_vec();
    quantiles.sort_unstable();
    quantiles.dedup();
    let mut points = Vec::with_capacity(horizons.len());
    for horizon in horizons {
        let steps = usize::try_from(horizon.as_nanos().div_ceil(step))
            .ok()?
            .max(1);
        let Some(foreseen) = foresee(steps) else {
            continue;
        };
        if foreseen.errors.len() < LEAST_ERRORS.max(foreseen.parameters + 2) {
            continue;
        }
        let errors = stats::sorted(foreseen.errors.iter().copied());
        let n = errors.len() as f64;
        let widen = (n / (n - foreseen.parameters as f64)).sqrt();
        let values = quantiles
            .iter()
            .filter_map(|quantile| {
                let error = error_quantile(&errors, quantile.get())?;
                let value = foreseen.value + widen * error;
                Some((*quantile, if negative { value } else { value.max(0.0) }))
            })
            .collect();
        points.push(ForecastPoint { horizon, values });
    }
    (!points.is_empty()).then_some(Forecast { made_at, points })
}

/// The quantile at plotting position `q (n + 1) - 1` (Hyndman and Fan 1996, type 6), which for a new value of the same
/// law has the probability `q` to lie above, where it is inside the sample; the extremes stand for what is outside.
fn error_quantile(ascending: &[f64], q: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    let position = (q * (ascending.len() as f64 + 1.0) - 1.0).clamp(0.0, last as f64);
    let below = position.floor() as usize;
    let low = *ascending.get(below)?;
    let high = *ascending.get(below + 1).unwrap_or(&low);
    Some(low + (high - low) * (position - position.floor()))
}

/// A whole number of steps in `span`; `None` where it isn't one, or is less than two.
fn steps_in(span: Duration, series: &Series) -> Option<usize> {
    let step = series.step.as_nanos();
    let whole = step > 0 && span.as_nanos().is_multiple_of(step);
    let steps = whole.then(|| span.as_nanos() / step)?;
    usize::try_from(steps).ok().filter(|steps| *steps >= 2)
}
