//! The HorizontalPodAutoscaler on the load to come.

use std::collections::VecDeque;
use std::time::Duration;

use ibn_core::decision::Reason;
use ibn_core::observation::Signal;
use ibn_core::prediction::Series;
use ibn_core::roles::{Forecaster, Recommender};
use ibn_core::situation::{Recommendation, Situation};
use ibn_core::units::Quantile;
use jiff::Timestamp;

use super::hpa::Hpa;

/// How far ahead a predictive autoscaler looks, and what it remembers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The target in percent of the CPU requests, as of [`Hpa::new`].
    pub utilization: u32,
    /// How far ahead; where absent, until pods that are ordered at the next look are ready: the start-up time of the
    /// workload's model and a control period, with half of the window of observations, by which they lag.
    pub horizon: Option<Duration>,
    /// Which quantile of the forecast counts.
    pub quantile: Quantile,
    /// The time between two values of the series that is forecast, above 0.
    pub step: Duration,
    /// How much of the past is remembered, a multiple of `step`.
    pub memory: Duration,
}

impl Default for Settings {
    /// 80 % CPU, the median, and half an hour of values 15 s apart.
    fn default() -> Self {
        Self {
            utilization: 80,
            horizon: None,
            quantile: Quantile::P50,
            step: Duration::from_secs(15),
            memory: Duration::from_secs(1800),
        }
    }
}

/// The HorizontalPodAutoscaler on CPU utilisation, now and as it will be: of what both want, the greater.
///
/// It keeps the rates of requests that it was shown as a series, has them forecast, and takes CPU to follow the rate: at the
/// horizon it is the measured one times forecast rate over measured rate (at most ten times). The controller of [`Hpa`] then
/// decides as Kubernetes does for an autoscaler with two metrics: each proposes a number of pods, the greatest counts, and
/// stabilisation and policies apply to that. So it never asks for fewer pods than the autoscaler would on the measured
/// load, and where nothing can be forecast it is that autoscaler.
///
/// As in the `PredictiveHorizontalPodAutoscaler` of J. Thompson (2019), whose decision type `maximum` this is, and in
/// AHPA (Zhou et al., *AHPA: Adaptive Horizontal Pod Autoscaling Systems on Alibaba Cloud Container Service for Kubernetes*,
/// AAAI 2023), which decides on a forecast as well as on the present.
pub struct Predictive {
    hpa: Hpa,
    settings: Settings,
    forecaster: Box<dyn Forecaster>,
    rates: Rates,
}

impl Predictive {
    /// An autoscaler that asks `forecaster` for the rate to come.
    #[must_use]
    pub fn new(settings: Settings, forecaster: Box<dyn Forecaster>) -> Self {
        let step = settings.step.max(Duration::from_millis(1));
        let length = settings.memory.as_nanos() / step.as_nanos();
        Self {
            hpa: Hpa::new(settings.utilization),
            settings,
            forecaster,
            rates: Rates {
                step,
                length: usize::try_from(length).unwrap_or(usize::MAX).max(1),
                last: None,
                values: VecDeque::new(),
            },
        }
    }

    /// The same with bounds of its own; those of the envelope hold besides.
    #[must_use]
    pub fn with_bounds(mut self, min: u32, max: u32) -> Self {
        self.hpa = self.hpa.with_bounds(min, max);
        self
    }
}

/// What is foreseen.
struct Ahead {
    horizon: Duration,
    /// Requests per second.
    rate: f64,
    /// Of the CPU that was measured.
    factor: f64,
}

/// The greatest multiple of what was measured that is believed.
const MOST: f64 = 10.0;

fn foresee(
    situation: &Situation,
    settings: &Settings,
    forecaster: &dyn Forecaster,
    rates: &Rates,
) -> Option<Ahead> {
    let seen = situation.latest()?;
    let measured = seen
        .value(&Signal::RequestRate)
        .filter(|rate| *rate > 0.0)?;
    let horizon = settings.horizon.or_else(|| {
        let startup = situation.model.as_ref()?.startup;
        startup
            .checked_add(situation.control_period)?
            .checked_add(seen.window / 2)
    })?;
    let forecast = forecaster.forecast(&rates.series()?, &[horizon], &[settings.quantile])?;
    let rate = forecast.points.first()?.at(settings.quantile)?;
    rate.is_finite().then(|| Ahead {
        horizon,
        rate,
        factor: (rate / measured).clamp(0.0, MOST),
    })
}

impl Recommender for Predictive {
    fn name(&self) -> &str {
        "predictive"
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let Self {
            hpa,
            settings,
            forecaster,
            rates,
        } = self;
        rates.take(situation);
        let mut ahead = None;
        let outcome = hpa.sync(situation, || {
            ahead = foresee(situation, settings, forecaster.as_ref(), rates);
            ahead.as_ref().map(|ahead| ahead.factor)
        });
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(reason) => return Recommendation::leave(situation, &reason.code, reason.message),
        };
        let wanted = u32::try_from(outcome.replicas).unwrap_or(0);
        let target = hpa.utilization();
        let reason = match (ahead, outcome.proposals.as_slice()) {
            (Some(ahead), [Some(now), Some(then)]) => Reason::new(
                "CpuForecast",
                format!(
                    "at {target} % CPU it takes {now} pods now and {then} in {:.0} s, at {:.1} requests/s; after \
                     stabilisation and limits {wanted}",
                    ahead.horizon.as_secs_f64(),
                    ahead.rate
                ),
            ),
            _ => Reason::new(
                "CpuUtilization",
                format!(
                    "at {target} % CPU it takes {} pods, and nothing is foreseen; after stabilisation and limits {wanted}",
                    outcome.recommended.unwrap_or(outcome.replicas)
                ),
            ),
        };
        let live = &situation.state.allocation;
        Recommendation::new(live.with_replicas(wanted), vec![reason])
    }
}

/// The rates of requests that were seen, one a step; missing where none was measured.
#[derive(Debug, Clone)]
struct Rates {
    step: Duration,
    length: usize,
    /// The time of the last value, and of the observation that it is from.
    last: Option<(Timestamp, Timestamp)>,
    values: VecDeque<Option<f64>>,
}

impl Rates {
    /// Takes in the newest observation. The first one of a step counts, and no observation counts twice.
    fn take(&mut self, situation: &Situation) {
        let now = situation.now;
        let seen = situation.latest();
        let fresh = |after: Option<Timestamp>| {
            seen.filter(|seen| after.is_none_or(|after| seen.at > after))
                .and_then(|seen| seen.value(&Signal::RequestRate))
        };
        let observed = seen.map_or(now, |seen| seen.at);
        let Some((last, of)) = self.last else {
            self.values.push_back(fresh(None));
            self.last = Some((now, observed));
            return;
        };
        let passed = now.as_nanosecond() - last.as_nanosecond();
        let steps = u128::try_from(passed).unwrap_or(0) / self.step.as_nanos();
        let steps = usize::try_from(steps).unwrap_or(usize::MAX);
        if steps == 0 {
            return;
        }
        let missing = (steps - 1).min(self.length);
        self.values.extend(std::iter::repeat_n(None, missing));
        self.values.push_back(fresh(Some(of)));
        let surplus = self.values.len().saturating_sub(self.length);
        self.values.drain(..surplus);
        // On the grid of steps, unless it is an age ago.
        let at = u32::try_from(steps)
            .ok()
            .and_then(|steps| last.checked_add(self.step.checked_mul(steps)?).ok());
        self.last = Some((at.unwrap_or(now), observed.max(of)));
    }

    fn series(&self) -> Option<Series> {
        let (last, _) = self.last?;
        let back = u32::try_from(self.values.len().checked_sub(1)?).ok()?;
        Some(Series {
            start: last.checked_sub(self.step.checked_mul(back)?).ok()?,
            step: self.step,
            values: self.values.iter().copied().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ibn_core::prediction::{Forecast, ForecastPoint};
    use ibn_testkit::recommender::{check, situation};

    use super::*;

    /// The rate goes on as it went between the last two values.
    struct Straight;

    impl Forecaster for Straight {
        fn name(&self) -> &str {
            "straight"
        }

        fn forecast(
            &self,
            series: &Series,
            horizons: &[Duration],
            quantiles: &[Quantile],
        ) -> Option<Forecast> {
            let [.., Some(from), Some(to)] = series.values.as_slice() else {
                return None;
            };
            let slope = (to - from) / series.step.as_secs_f64();
            let points = horizons.iter().map(|horizon| {
                let value = to + slope * horizon.as_secs_f64();
                ForecastPoint {
                    horizon: *horizon,
                    values: quantiles
                        .iter()
                        .map(|quantile| (*quantile, value))
                        .collect(),
                }
            });
            Some(Forecast {
                made_at: series.start,
                points: points.collect(),
            })
        }
    }

    fn predictive() -> Predictive {
        let settings = Settings {
            utilization: 50,
            horizon: Some(Duration::from_secs(120)),
            step: Duration::from_secs(60),
            ..Settings::default()
        };
        Predictive::new(settings, Box::new(Straight))
    }

    /// So many pods that serve `rate` at 20 ms of a core each, a minute after the turn before.
    fn at(replicas: u32, rate: f64, turn: u32) -> Situation {
        let mut situation = situation(replicas, turn);
        let now = situation.now;
        if let Some(latest) = situation.history.last_mut() {
            let latest = Arc::make_mut(latest);
            latest.set(Signal::RequestRate, rate, now);
            latest.set(Signal::CpuUsage, 0.02 * rate, now);
        }
        situation
    }

    fn follow(recommender: &mut dyn Recommender, rates: &[f64]) -> Vec<u32> {
        let mut replicas = 4;
        (0..)
            .zip(rates)
            .map(|(turn, rate)| {
                let advice = recommender.recommend(&at(replicas, *rate, turn));
                replicas = advice.allocation.replicas;
                replicas
            })
            .collect()
    }

    #[test]
    fn it_passes_the_suite() {
        check(&|| Box::new(predictive()));
    }

    #[test]
    fn a_ramp_is_met_before_it_is_there() {
        // A pod of one core at 50 % takes 25 requests a second; up to a tenth more is let be.
        let ramp = [100.0, 100.0, 125.0, 150.0, 175.0, 200.0];
        assert_eq!(follow(&mut Hpa::new(50), &ramp), [4, 4, 5, 6, 7, 8]);
        // Two minutes ahead of a rise of 25 a minute: 175/25, 200/25, 225/25; 250/9 is within the tolerance.
        assert_eq!(follow(&mut predictive(), &ramp), [4, 4, 7, 8, 9, 9]);
    }

    #[test]
    fn a_fall_to_come_takes_nothing_from_what_is_needed_now() {
        let fall = [100.0, 100.0, 95.0, 91.0];
        assert_eq!(follow(&mut predictive(), &fall), [4, 4, 4, 4]);
        let mut one = predictive();
        let mut advice = Vec::new();
        for turn in 0..12 {
            let rate = 100.0 - 4.0 * f64::from(turn);
            advice.push(one.recommend(&at(4, rate, turn)).allocation.replicas);
        }
        // 100 - 4 · 11 = 56 take ⌈4 · 56/100⌉ = 3 pods now, fewer in two minutes; the five minutes before, at 76 and less, four.
        let mut hpa = Hpa::new(50);
        for (turn, given) in (0..12).zip(&advice) {
            let rate = 100.0 - 4.0 * f64::from(turn);
            let plain = hpa.recommend(&at(4, rate, turn)).allocation.replicas;
            assert_eq!(*given, plain, "turn {turn}");
        }
    }

    #[test]
    fn without_a_forecast_it_is_the_plain_autoscaler() {
        let jumps = [100.0, 180.0, 60.0, 60.0, 220.0, 20.0, 20.0];
        let blind = Settings {
            utilization: 50,
            // No model and no horizon: it can't tell how far to look.
            ..Settings::default()
        };
        let mut blind = Predictive::new(blind, Box::new(Straight));
        let mut hpa = Hpa::new(50);
        for (turn, rate) in (0..).zip(jumps) {
            let mut situation = at(4, rate, turn);
            situation.model = None;
            assert_eq!(
                blind.recommend(&situation).allocation,
                hpa.recommend(&situation).allocation
            );
        }
    }

    #[test]
    fn limits_of_the_controller_and_bounds_hold() {
        let leap = [1.0, 100.0];
        // 100 + 2 · 99 would take 12 pods; the controller at most doubles.
        assert_eq!(follow(&mut predictive(), &leap)[1], 8);
        let mut bounded = predictive().with_bounds(1, 5);
        assert_eq!(follow(&mut bounded, &leap)[1], 5);
    }

    #[test]
    fn the_series_has_a_gap_where_nothing_new_was_seen() {
        let mut rates = Rates {
            step: Duration::from_secs(60),
            length: 4,
            last: None,
            values: VecDeque::new(),
        };
        for (turn, rate) in [(0, 1.0), (1, 2.0), (3, 4.0)] {
            rates.take(&at(1, rate, turn));
        }
        let series = rates.series().unwrap();
        assert_eq!(series.values, [Some(1.0), Some(2.0), None, Some(4.0)]);
        assert_eq!(series.start, at(1, 0.0, 0).now);
        // The observation of the turn before, once more.
        let mut stale = at(1, 4.0, 3);
        stale.now = at(1, 0.0, 4).now;
        rates.take(&stale);
        let series = rates.series().unwrap();
        assert_eq!(series.values, [Some(2.0), None, Some(4.0), None]);
        assert_eq!(series.start, at(1, 0.0, 1).now);
    }
}
