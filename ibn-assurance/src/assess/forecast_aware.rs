//! An assessor that looks ahead.

use std::sync::Arc;
use std::time::Duration;

use ibn_core::assessment::{Assessment, AssessmentInput, AssuranceAction};
use ibn_core::decision::Reason;
use ibn_core::intent::{Intent, Mode};
use ibn_core::observation::SignalHealth;
use ibn_core::prediction::Forecast;
use ibn_core::roles::{Assessor, Forecaster};
use ibn_core::units::{Quantile, format_duration};
use ibn_core::workload::WorkloadKind;

use super::cause::{Attribution, Cause};
use super::corrective::{self, Need};
use super::{capacity_moves, health};
use crate::forecast::{BestOf, demand_series};
use crate::settings::AssuranceSettings;

/// The quantiles that are foreseen.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// Adds the forecast of the request rate to what another assessor says, and a floor before the demand is there.
///
/// A floor is raised where nothing burns yet, but the 95th percentile of the demand within the look-ahead (start-up plus
/// three minutes, so that pods are ready in time), times the CPU time per request, takes more than `max_utilization` of
/// what is live, and the median is above what comes now. As with all floors, it adds and never takes away.
///
/// ```
/// use ibn_assurance::{BurnRateAssessor, ForecastAwareAssessor};
/// use ibn_core::roles::Assessor;
///
/// let assessor = ForecastAwareAssessor::around(BurnRateAssessor::default());
/// assert_eq!(assessor.name(), "forecast-aware");
/// ```
pub struct ForecastAwareAssessor<A> {
    inner: A,
    forecaster: Arc<dyn Forecaster>,
    settings: AssuranceSettings,
    step: Duration,
    horizons: Vec<Duration>,
}

impl<A: Assessor> ForecastAwareAssessor<A> {
    /// Around `inner`, by what was right most ([`BestOf::by_day`]) on values each minute: for each minute up to a
    /// quarter of an hour and then each five minutes up to an hour.
    #[must_use]
    pub fn around(inner: A) -> Self {
        let minutes = (1..=15).chain((20..=60).step_by(5));
        Self {
            inner,
            forecaster: Arc::new(BestOf::by_day()),
            settings: AssuranceSettings::default(),
            step: Duration::from_secs(60),
            horizons: minutes
                .map(|minute| Duration::from_secs(60 * minute))
                .collect(),
        }
    }

    /// The same with these settings.
    #[must_use]
    pub fn with_settings(mut self, settings: AssuranceSettings) -> Self {
        self.settings = settings;
        self
    }

    /// The same with another forecaster, on values each `step`, asked for these horizons.
    #[must_use]
    pub fn with_forecaster(
        mut self,
        forecaster: Arc<dyn Forecaster>,
        step: Duration,
        horizons: &[Duration],
    ) -> Self {
        self.forecaster = forecaster;
        self.step = step;
        self.horizons = horizons.to_vec();
        self
    }

    fn forecast(&self, input: &AssessmentInput) -> Option<Forecast> {
        let quantiles: Vec<Quantile> = QUANTILES.into_iter().filter_map(Quantile::new).collect();
        let series = demand_series(&input.history, self.step, input.max_signal_age)?;
        // A forecast of what isn't measured any more says nothing of now.
        (*series.values.last()?)?;
        self.forecaster
            .forecast(&series, &self.horizons, &quantiles)
    }

    /// A floor for the demand to come, or why there is none; `None` where there is nothing to say.
    fn prepare(
        &self,
        input: &AssessmentInput,
        told: &Assessment,
    ) -> Option<Result<Intent, Reason>> {
        let (forecast, model) = (told.forecast.as_ref()?, told.model.as_ref()?);
        let look_ahead = model.startup + Duration::from_secs(180);
        let peak = forecast.peak_within(look_ahead, Quantile::P95)?;
        let median = forecast.peak_within(look_ahead, Quantile::P50)?;
        let rate = input
            .history
            .last()?
            .value(&ibn_core::observation::Signal::RequestRate)?;
        let pod_cpu = input.state.allocation.pod_limits().cpu.as_cores();
        let live = pod_cpu * f64::from(input.state.allocation.replicas);
        let needed = peak * model.cpu_seconds_per_request / self.settings.max_utilization;
        if pod_cpu <= 0.0 || needed <= live || median <= rate {
            return None;
        }
        let parent = parent_of(input)?;
        let sentence = format!(
            "up to {peak:.1} requests a second are foreseen within {}, {rate:.1} come now",
            format_duration(look_ahead)
        );
        let found = Attribution {
            cause: Cause::DemandForecast,
            sentence,
        };
        let need = Need {
            parent,
            cause: found.text(),
            replicas: Some(needed / pod_cpu),
        };
        Some(corrective::raise(input, &need, &self.settings))
    }
}

/// The most important intent that has an objective which capacity moves.
fn parent_of(input: &AssessmentInput) -> Option<&Intent> {
    let mut parent: Option<&Intent> = None;
    for intent in input.intents.iter().map(AsRef::as_ref) {
        let moved = intent
            .spec
            .objectives()
            .any(|(_, objective)| capacity_moves(objective));
        let higher = parent.is_none_or(|parent| intent.spec.priority() > parent.spec.priority());
        if moved && higher && intent.spec.mode() == Mode::Enforce {
            parent = Some(intent);
        }
    }
    parent
}

impl<A: Assessor> Assessor for ForecastAwareAssessor<A> {
    fn name(&self) -> &str {
        "forecast-aware"
    }

    fn assess(&self, input: &AssessmentInput) -> Assessment {
        let mut told = self.inner.assess(input);
        if input.state.workload.kind == WorkloadKind::Namespace {
            return told;
        }
        told.forecast = self.forecast(input);
        let is_calm = told.actions.is_empty() && health::worst(input) == SignalHealth::Fresh;
        if is_calm && let Some(raised) = self.prepare(input, &told) {
            match raised {
                Ok(intent) => told
                    .actions
                    .push(AssuranceAction::Corrective(Box::new(intent))),
                Err(reason) => told.findings.push(reason),
            }
        }
        told
    }
}
