//! The role that foresees demand.

use std::time::Duration;

use crate::prediction::{Forecast, Series};
use crate::units::Quantile;

/// Foresees a series. Pure: the same series, the same forecast.
///
/// ```
/// use ibn_core::prediction::{Forecast, ForecastPoint, Series};
/// use ibn_core::roles::Forecaster;
/// use ibn_core::units::Quantile;
/// use std::time::Duration;
///
/// /// Everything stays as it is.
/// struct Naive;
///
/// impl Forecaster for Naive {
///     fn name(&self) -> &str {
///         "naive"
///     }
///
///     fn forecast(&self, series: &Series, horizons: &[Duration], quantiles: &[Quantile]) -> Option<Forecast> {
///         let last = (*series.values.last()?)?;
///         let values = quantiles.iter().map(|quantile| (*quantile, last));
///         let points = horizons.iter().map(|horizon| ForecastPoint {
///             horizon: *horizon,
///             values: values.clone().collect(),
///         });
///         let steps = u32::try_from(series.values.len()).ok()?.saturating_sub(1);
///         let made_at = series.start.checked_add(series.step * steps).ok()?;
///         Some(Forecast { made_at, points: points.collect() })
///     }
/// }
/// ```
pub trait Forecaster: Send + Sync {
    /// The name under which it can be chosen.
    fn name(&self) -> &str;

    /// Quantiles of the series at `horizons` after its last value; `None` where the series is too short to tell.
    fn forecast(
        &self,
        series: &Series,
        horizons: &[Duration],
        quantiles: &[Quantile],
    ) -> Option<Forecast>;
}
