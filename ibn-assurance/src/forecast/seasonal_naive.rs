//! The value of a season ago.

use std::time::Duration;

use ibn_core::prediction::{Forecast, Series};
use ibn_core::roles::Forecaster;
use ibn_core::units::Quantile;

use super::{Fitted, Foreseen, assemble, steps_in};

/// Foresees what was a season ago: the yardstick that a better method has to beat (Hyndman and Athanasopoulos,
/// *Forecasting: Principles and Practice*, 3rd edition, section 5.2).
///
/// Needs two seasons, whole numbers of steps long. A value that is missing a season ago is looked for another season
/// earlier.
#[derive(Debug, Clone, Copy)]
pub struct SeasonalNaive {
    season: Duration,
}

impl SeasonalNaive {
    /// With this season.
    #[must_use]
    pub fn new(season: Duration) -> Self {
        Self { season }
    }
}

impl Forecaster for SeasonalNaive {
    fn name(&self) -> &str {
        "seasonal-naive"
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

impl SeasonalNaive {
    /// `None` where the series is too short.
    pub(super) fn fit<'a>(&self, series: &'a Series) -> Option<impl Fitted + 'a> {
        let season = steps_in(self.season, series)?;
        let values = series.values.as_slice();
        (values.len() >= 2 * season).then_some(Naive { values, season })
    }
}

struct Naive<'a> {
    values: &'a [Option<f64>],
    season: usize,
}

impl Fitted for Naive<'_> {
    fn look_ahead(&self, steps: usize) -> Option<Foreseen> {
        let Self { values, season } = *self;
        // How many whole seasons back lies the newest value that the same phase was known of?
        let back = steps.div_ceil(season) * season;
        let error = |(idx, value): (usize, &Option<f64>)| {
            Some((*value)? - known(values, idx.checked_sub(back)?, season)?)
        };
        let value = known(
            values,
            (values.len() - 1 + steps).checked_sub(back)?,
            season,
        )?;
        let errors = values.iter().enumerate().filter_map(error).collect();
        Some(Foreseen {
            value,
            errors,
            parameters: 0,
        })
    }
}

/// The value at `idx`, or where it is missing the newest one whole seasons earlier.
fn known(values: &[Option<f64>], idx: usize, season: usize) -> Option<f64> {
    (0..=idx / season).find_map(|back| values.get(idx - back * season).copied().flatten())
}
