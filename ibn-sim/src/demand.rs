//! Demand: the rate of requests over time, constant, from a trace, or from the built-in day.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::math;
use crate::rng::{Purpose, Seeds, normal, uniform};
use crate::time::{SimTime, common_divisor, nanos};

/// A rate of requests that is constant within bins of equal width.
#[derive(Debug, Clone, PartialEq)]
pub struct RateCurve {
    bin_nanos: u64,
    /// Requests per second, one a bin; shared by clones.
    rates: Arc<[f64]>,
    after: After,
}

/// What comes after the last bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// The first bin.
    Again,
    /// The last rate, for ever.
    Same,
    /// Nothing.
    Nothing,
}

impl RateCurve {
    /// A curve from requests per second, one value a bin. After its end it begins again where it `repeats`, else it is 0.
    ///
    /// # Errors
    /// No values, a bin shorter than 1 ms, or a rate that is negative, not finite or above 1e9.
    pub fn new(bin: Duration, rates: Vec<f64>, repeats: bool) -> Result<Self> {
        if rates.is_empty() {
            return Err(Error::spec("demand", "a curve needs at least one value"));
        }
        if bin < Duration::from_millis(1) {
            return Err(Error::spec(
                "demand.unit",
                format!("`{bin:?}` is below 1ms"),
            ));
        }
        match rates.iter().position(|rate| !(0.0..=1e9).contains(rate)) {
            Some(at) => Err(Error::spec(
                format!("demand[{at}]"),
                "a rate must be finite and between 0 and 1e9 requests a second",
            )),
            None => Ok(Self {
                bin_nanos: nanos(bin),
                rates: rates.into(),
                after: if repeats {
                    After::Again
                } else {
                    After::Nothing
                },
            }),
        }
    }

    /// The same rate for ever, in requests per second.
    ///
    /// # Errors
    /// A rate that is negative, not finite or above 1e9.
    pub fn constant(rate: f64) -> Result<Self> {
        Self::new(Duration::from_secs(3600), vec![rate], true)
    }

    /// The same curve with every rate multiplied by `factor`. A Poisson process of the result is the thinned (below 1)
    /// or thickened process of this one.
    ///
    /// # Errors
    /// A factor that makes a rate negative, not finite or above 1e9.
    pub fn scaled(&self, factor: f64) -> Result<Self> {
        let rates = self.rates.iter().map(|rate| rate * factor).collect();
        Ok(Self {
            after: self.after,
            ..Self::new(self.bin(), rates, false)?
        })
    }

    /// The same curve with its last rate held for ever.
    #[must_use]
    pub fn holding_its_end(self) -> Self {
        Self {
            after: After::Same,
            ..self
        }
    }

    /// The same curve, as long as `horizon`, with the rates from `at` until `end` multiplied by `factor`.
    ///
    /// # Errors
    /// Times that need more than 50 million bins, or a factor that makes a rate negative, not finite or above 1e9.
    pub(crate) fn surged(
        &self,
        at: Duration,
        end: Duration,
        factor: f64,
        horizon: Duration,
    ) -> Result<Self> {
        let (from, to) = (nanos(at), nanos(end));
        let bin = common_divisor(common_divisor(self.bin_nanos, from), to);
        let bins = nanos(horizon).div_ceil(bin).max(1);
        if bin < 1_000_000 || bins > 50_000_000 {
            return Err(Error::spec(
                "faults.surge",
                "its times and the bins of the demand need to be whole multiples of a longer span",
            ));
        }
        let rates = (0..bins)
            .map(|index| {
                let start = index * bin;
                let rate = self.rate_of_bin(start / self.bin_nanos).unwrap_or(0.0);
                if (from..to).contains(&start) {
                    rate * factor
                } else {
                    rate
                }
            })
            .collect();
        Self::new(Duration::from_nanos(bin), rates, true)
    }

    /// The width of a bin.
    #[must_use]
    pub const fn bin(&self) -> Duration {
        Duration::from_nanos(self.bin_nanos)
    }

    /// The length of the curve, once.
    #[must_use]
    pub fn span(&self) -> Duration {
        Duration::from_nanos(self.bin_nanos.saturating_mul(self.rates.len() as u64))
    }

    /// Requests per second, one value a bin.
    #[must_use]
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// The rate in requests per second at `t`.
    #[must_use]
    pub fn rate_at(&self, t: SimTime) -> f64 {
        self.rate_of_bin(t.nanos() / self.bin_nanos).unwrap_or(0.0)
    }

    /// Requests per second in bin number `index` from the start of the run; `None` after the end.
    pub(crate) fn rate_of_bin(&self, index: u64) -> Option<f64> {
        let len = self.rates.len() as u64;
        let index = match self.after {
            After::Again => index % len,
            After::Same => index.min(len - 1),
            After::Nothing => index,
        };
        usize::try_from(index)
            .ok()
            .and_then(|index| self.rates.get(index))
            .copied()
    }

    pub(crate) const fn bin_nanos(&self) -> u64 {
        self.bin_nanos
    }

    /// The mean rate between two instants in requests per second; 0 for an empty span.
    #[must_use]
    pub fn mean_between(&self, from: SimTime, to: SimTime) -> f64 {
        let mut expected = 0.0;
        let mut at = from.nanos();
        while at < to.nanos() {
            let index = at / self.bin_nanos;
            let end = (index + 1).saturating_mul(self.bin_nanos).min(to.nanos());
            let Some(rate) = self.rate_of_bin(index) else {
                break;
            };
            expected += rate * (end - at) as f64;
            at = end;
        }
        if to > from {
            expected / to.nanos().saturating_sub(from.nanos()) as f64
        } else {
            0.0
        }
    }

    /// The mean rate over the curve, once.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.rates.iter().sum::<f64>() / self.rates.len() as f64
    }

    /// The highest rate.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.rates.iter().copied().fold(0.0, f64::max)
    }
}

/// The built-in day: a smooth daily swing, noise, and flash crowds.
///
/// The rate at time of day `h` is `mean · (1 + swing · day(h)) · noise + Σ crowds`, never negative. `day` has its
/// maximum 1 at `peak_hour`, its minimum of -0.74 twelve hours later, and mean 0. `noise` is
/// log-normal with mean 1 and a correlation time of ten minutes. Each day has two crowds, one between 8 and 12 hours
/// and one between 15 and 20; each rises over two minutes to `crowd · mean`, stays ten minutes, then halves every ten.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DayCurve {
    /// The mean rate without crowds, in requests per second.
    pub mean: f64,
    /// The daily swing relative to the mean, 0 to 1.
    pub swing: f64,
    /// The hour of the maximum, 0 to 24.
    pub peak_hour: f64,
    /// The coefficient of variation of the noise, 0 to 1.
    pub noise: f64,
    /// The height of a flash crowd relative to the mean; it varies by ±20 % from one to the next. 0 for none.
    pub crowd: f64,
}

impl Default for DayCurve {
    fn default() -> Self {
        Self {
            mean: 50.0,
            swing: 0.6,
            peak_hour: 14.0,
            noise: 0.08,
            crowd: 1.5,
        }
    }
}

const DAY_SECS: u64 = 86_400;
const STEP_SECS: u64 = 10;

impl DayCurve {
    /// The curve over `days` whole days for `owner`, in bins of 10 s. The same seeds and owner give the same curve.
    ///
    /// # Errors
    /// A parameter outside its range, or no or more than 3,660 days.
    pub fn curve(&self, days: u32, seeds: Seeds, owner: &str) -> Result<RateCurve> {
        let Self {
            mean,
            swing,
            peak_hour,
            noise,
            crowd,
        } = *self;
        for (key, value, range) in [
            ("mean", mean, 0.0..=1e8),
            ("swing", swing, 0.0..=1.0),
            ("peakHour", peak_hour, 0.0..=24.0),
            ("noise", noise, 0.0..=1.0),
            ("crowd", crowd, 0.0..=1000.0),
            ("days", f64::from(days), 1.0..=3660.0),
        ] {
            if !range.contains(&value) {
                return Err(Error::spec(
                    format!("demand.day.{key}"),
                    format!(
                        "`{value}` is not between {} and {}",
                        range.start(),
                        range.end()
                    ),
                ));
            }
        }
        // Noise and crowds have streams of their own, so that a day is the same whatever days follow.
        let mut stream = seeds.stream(Purpose::Demand, owner, 1);
        let crowds: Vec<(f64, f64)> = (0..days)
            .flat_map(|day| [(day, 8.0, 12.0), (day, 15.0, 20.0)])
            .map(|(day, from, to)| {
                let start = f64::from(day) * DAY_SECS as f64
                    + 3600.0 * (from + (to - from) * uniform(&mut stream));
                (start, crowd * (0.8 + 0.4 * uniform(&mut stream)))
            })
            .collect();

        let sigma2 = math::ln(1.0 + noise * noise);
        let keep = math::exp(-(STEP_SECS as f64) / 600.0);
        let (sigma, fresh) = (sigma2.sqrt(), (1.0 - keep * keep).sqrt());
        let mut stream = seeds.stream(Purpose::Demand, owner, 0);
        let mut level = normal(&mut stream);
        let mut over = 0;
        let rates = (0..u64::from(days) * DAY_SECS / STEP_SECS)
            .map(|step| {
                let t = (step * STEP_SECS) as f64;
                let shake = math::exp(sigma * level - sigma2 / 2.0);
                level = keep * level + fresh * normal(&mut stream);
                // They come in order, and half a day after its start nothing is left of one.
                let since = |crowd: &(f64, f64)| t - crowd.0;
                over += crowds
                    .iter()
                    .skip(over)
                    .take_while(|crowd| since(crowd) > DAY_SECS as f64 / 2.0)
                    .count();
                let crowd: f64 = crowds
                    .iter()
                    .skip(over)
                    .take_while(|crowd| since(crowd) >= 0.0)
                    .map(|crowd| crowd.1 * crowd_shape(since(crowd)))
                    .sum();
                (mean * ((1.0 + swing * day_shape(t / 3600.0 - peak_hour)) * shake + crowd))
                    .max(0.0)
            })
            .collect();
        RateCurve::new(Duration::from_secs(STEP_SECS), rates, true)
    }
}

/// 1 at the peak, about -0.74 twelve hours later, with mean 0: a first and a second harmonic, which flattens the night.
fn day_shape(hours_after_peak: f64) -> f64 {
    let turns = hours_after_peak / 24.0;
    (math::cos_turns(turns) + 0.15 * math::cos_turns(2.0 * turns)) / 1.15
}

/// The height of a flash crowd `secs` after it began, 0 to 1.
fn crowd_shape(secs: f64) -> f64 {
    const RISE: f64 = 120.0;
    const STAY: f64 = 600.0;
    if secs < 0.0 {
        0.0
    } else if secs < RISE {
        secs / RISE
    } else if secs < RISE + STAY {
        1.0
    } else {
        math::exp(-(secs - RISE - STAY) / 600.0 * std::f64::consts::LN_2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_same_whatever_days_follow() {
        let seeds = Seeds::new(7);
        let of = |days| DayCurve::default().curve(days, seeds, "web").unwrap();
        let (one, three) = (of(1), of(3));
        for bin in 0..DAY_SECS / STEP_SECS {
            assert_eq!(one.rate_of_bin(bin), three.rate_of_bin(bin));
        }
    }

    #[test]
    fn a_curve_repeats_or_ends() {
        let bin = Duration::from_secs(60);
        let repeating = RateCurve::new(bin, vec![1.0, 3.0], true).unwrap();
        assert_eq!(repeating.rate_at(SimTime::from_secs(59)), 1.0);
        assert_eq!(repeating.rate_at(SimTime::from_secs(190)), 3.0);
        assert_eq!(
            repeating.mean_between(SimTime::from_secs(30), SimTime::from_secs(120)),
            (30.0 + 180.0) / 90.0
        );
        let ending = RateCurve::new(bin, vec![1.0, 3.0], false).unwrap();
        assert_eq!(ending.rate_at(SimTime::from_secs(120)), 0.0);
        assert_eq!(
            ending.mean_between(SimTime::from_secs(60), SimTime::from_secs(240)),
            1.0
        );
        assert_eq!(
            (ending.mean(), ending.peak(), ending.span()),
            (2.0, 3.0, Duration::from_secs(120))
        );
    }

    #[test]
    fn rates_that_are_none_are_refused_by_place() {
        let error = RateCurve::new(Duration::from_secs(1), vec![1.0, f64::NAN], true)
            .unwrap_err()
            .to_string();
        assert!(error.contains("demand[1]"), "{error}");
        assert!(RateCurve::new(Duration::from_secs(1), vec![], true).is_err());
        assert!(RateCurve::constant(2.0).unwrap().scaled(-1.0).is_err());
    }

    #[test]
    fn the_day_swings_about_its_mean_and_peaks_at_its_hour() {
        let quiet = DayCurve {
            mean: 100.0,
            swing: 0.5,
            peak_hour: 14.0,
            noise: 0.0,
            crowd: 0.0,
        };
        let curve = quiet.curve(1, Seeds::new(1), "a/web").unwrap();
        assert!((curve.mean() - 100.0).abs() < 1e-6, "{}", curve.mean());
        assert!((curve.rate_at(SimTime::from_secs(14 * 3600)) - 150.0).abs() < 1e-9);
        assert!((curve.peak() - 150.0).abs() < 1e-9);
    }

    #[test]
    fn two_crowds_a_day_stand_out() {
        let day = DayCurve {
            mean: 100.0,
            swing: 0.0,
            noise: 0.0,
            crowd: 3.0,
            ..DayCurve::default()
        };
        let curve = day.curve(2, Seeds::new(3), "a/web").unwrap();
        // A crowd is a run of bins at 2.4 times the mean above it, or more.
        let high: Vec<bool> = curve.rates().iter().map(|rate| *rate > 300.0).collect();
        let starts = high.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        assert_eq!(starts, 4);
        assert_eq!(curve.rate_at(SimTime::from_secs(3600)), 100.0);
    }

    #[test]
    fn days_differ_by_seed_and_owner_alone() {
        let curve = |seed, owner| {
            DayCurve::default()
                .curve(1, Seeds::new(seed), owner)
                .unwrap()
        };
        assert_eq!(curve(1, "a/web"), curve(1, "a/web"));
        assert_ne!(curve(1, "a/web"), curve(2, "a/web"));
        assert_ne!(curve(1, "a/web"), curve(1, "b/web"));
    }

    #[test]
    fn parameters_outside_their_range_are_named() {
        let error = DayCurve {
            swing: 1.5,
            ..DayCurve::default()
        }
        .curve(1, Seeds::new(1), "x")
        .unwrap_err();
        assert!(error.to_string().contains("demand.day.swing"), "{error}");
    }
}
