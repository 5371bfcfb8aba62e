//! Several methods, of which the one that was right most speaks.

use std::time::Duration;

use ibn_core::prediction::{Forecast, Series};
use ibn_core::roles::Forecaster;
use ibn_core::units::Quantile;

use super::{Fitted, Foreseen, HoltWinters, SeasonalNaive, assemble};

/// Takes, at each horizon, the method whose forecasts were off least over the series so far: level and trend alone, a
/// season of a day on top, or the day before.
///
/// Demand has days, but one is not like the other: where they differ, or are only just known, level and trend are the
/// better guide for the next minutes. Which it is shows in the errors at that horizon, of which the same newest ones are compared
/// (mean absolute error). As long as two days aren't known, level and trend are all there is.
///
/// ```
/// use ibn_assurance::forecast::BestOf;
/// use ibn_core::roles::Forecaster;
///
/// assert_eq!(BestOf::by_day().name(), "best-by-day");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BestOf {
    season: Duration,
}

impl BestOf {
    /// With a season of a day.
    #[must_use]
    pub fn by_day() -> Self {
        Self {
            season: Duration::from_secs(24 * 3600),
        }
    }

    /// With another season.
    #[must_use]
    pub fn with_season(season: Duration) -> Self {
        Self { season }
    }
}

impl Forecaster for BestOf {
    fn name(&self) -> &str {
        if *self == Self::by_day() {
            "best-by-day"
        } else {
            "best-by-season"
        }
    }

    fn forecast(
        &self,
        series: &Series,
        horizons: &[Duration],
        quantiles: &[Quantile],
    ) -> Option<Forecast> {
        let plain = HoltWinters::without_season().fit(series);
        let smooth = HoltWinters::seasonal(self.season).fit(series);
        let naive = SeasonalNaive::new(self.season).fit(series);
        assemble(series, horizons, quantiles, |steps| {
            let all = [
                plain.as_ref().and_then(|it| it.look_ahead(steps)),
                smooth.as_ref().and_then(|it| it.look_ahead(steps)),
                naive.as_ref().and_then(|it| it.look_ahead(steps)),
            ];
            best(all.into_iter().flatten().collect())
        })
    }
}

/// The one with the least mean absolute error over the errors that all have; the first of equals.
fn best(all: Vec<Foreseen>) -> Option<Foreseen> {
    let common = all.iter().map(|it| it.errors.len()).min()?;
    let off = |it: &Foreseen| {
        it.errors
            .iter()
            .rev()
            .take(common)
            .map(|error| error.abs())
            .sum::<f64>()
    };
    all.into_iter().min_by(|a, b| off(a).total_cmp(&off(b)))
}
