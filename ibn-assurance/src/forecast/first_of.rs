//! Several forecasters, of which the first that can tell speaks.

use std::sync::Arc;
use std::time::Duration;

use ibn_core::prediction::{Forecast, Series};
use ibn_core::roles::Forecaster;
use ibn_core::units::Quantile;

use super::HoltWinters;

/// Asks several forecasters in order until one can tell.
///
/// ```
/// use ibn_assurance::forecast::FirstOf;
/// use ibn_core::roles::Forecaster;
///
/// // By the day where two days are known, by level and trend before that.
/// assert_eq!(FirstOf::by_day().name(), "holt-winters-by-day");
/// ```
#[derive(Clone)]
pub struct FirstOf {
    name: String,
    forecasters: Vec<Arc<dyn Forecaster>>,
}

impl FirstOf {
    /// Under this name, the most demanding first.
    #[must_use]
    pub fn new(name: &str, forecasters: Vec<Arc<dyn Forecaster>>) -> Self {
        Self {
            name: name.to_owned(),
            forecasters,
        }
    }

    /// Holt-Winters with a season of a day, and without a season while the series is too short for that.
    #[must_use]
    pub fn by_day() -> Self {
        let day = Duration::from_secs(24 * 3600);
        Self::new(
            "holt-winters-by-day",
            vec![
                Arc::new(HoltWinters::seasonal(day)),
                Arc::new(HoltWinters::without_season()),
            ],
        )
    }
}

impl std::fmt::Debug for FirstOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.forecasters.iter().map(|it| it.name()).collect();
        f.debug_struct("FirstOf")
            .field("name", &self.name)
            .field("forecasters", &names)
            .finish()
    }
}

impl Forecaster for FirstOf {
    fn name(&self) -> &str {
        &self.name
    }

    fn forecast(
        &self,
        series: &Series,
        horizons: &[Duration],
        quantiles: &[Quantile],
    ) -> Option<Forecast> {
        self.forecasters
            .iter()
            .find_map(|it| it.forecast(series, horizons, quantiles))
    }
}
