//! The role that foresees demand.

use std::time::Duration;

use crate::prediction::{Forecast, Series};
use crate::units::Quantile;

/// Foresees a series. Pure: the same series, the same forecast.
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
