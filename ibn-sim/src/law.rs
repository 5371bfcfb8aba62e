//! Laws of positive random durations: CPU time of requests, start-up times.

use std::time::Duration;

use ibn_core::units::{Quantile, duration_text};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::math;
use crate::rng::{Stream, exponential, normal, uniform};

/// The longest duration that is drawn: an hour.
const MAX_NANOS: f64 = 3.6e12;

/// The law of a positive duration. All laws with a mean and the same coefficient of variation `cv` (standard deviation
/// over mean) are interchangeable for a two-moment formula, but not in their tails.
///
/// Written as `{law = "lognormal", mean = "20ms", cv = 0.8}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "law", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Law {
    /// Always the same; `cv` 0.
    Constant {
        /// The duration.
        #[serde(with = "duration_text")]
        mean: Duration,
    },
    /// Equally likely between two bounds.
    Uniform {
        /// The lower bound.
        #[serde(with = "duration_text")]
        min: Duration,
        /// The upper bound.
        #[serde(with = "duration_text")]
        max: Duration,
    },
    /// Memoryless; `cv` 1.
    Exponential {
        /// The mean.
        #[serde(with = "duration_text")]
        mean: Duration,
    },
    /// Log-normal, the usual shape of service times.
    Lognormal {
        /// The mean (not the median).
        #[serde(with = "duration_text")]
        mean: Duration,
        /// Standard deviation over mean, above 0.
        cv: f64,
    },
    /// A mix of two exponentials with balanced means (each contributes half of the mean), for `cv` of 1 and more.
    Hyperexponential {
        /// The mean.
        #[serde(with = "duration_text")]
        mean: Duration,
        /// Standard deviation over mean, at least 1.
        cv: f64,
    },
    /// The sum of `shape` exponentials; `cv` is 1 over the root of `shape`.
    Erlang {
        /// The mean.
        #[serde(with = "duration_text")]
        mean: Duration,
        /// How many, 1 to 100.
        shape: u32,
    },
    /// Pareto's, with a tail that falls as a power: P(X > x) = (x₀/x)^shape from the least value x₀ on. Of `shape` 2 and less
    /// only the cut at an hour makes the variance finite.
    Pareto {
        /// The mean (before the cut).
        #[serde(with = "duration_text")]
        mean: Duration,
        /// The exponent, above 1 to 100; the smaller, the heavier the tail.
        shape: f64,
    },
}

impl Law {
    /// The mean.
    #[must_use]
    pub fn mean(&self) -> Duration {
        match *self {
            Self::Constant { mean }
            | Self::Exponential { mean }
            | Self::Lognormal { mean, .. }
            | Self::Hyperexponential { mean, .. }
            | Self::Erlang { mean, .. }
            | Self::Pareto { mean, .. } => mean,
            Self::Uniform { min, max } => (min + max) / 2,
        }
    }

    /// The squared coefficient of variation: variance over squared mean.
    #[must_use]
    pub fn cv2(&self) -> f64 {
        match *self {
            Self::Constant { .. } => 0.0,
            Self::Exponential { .. } => 1.0,
            Self::Lognormal { cv, .. } | Self::Hyperexponential { cv, .. } => cv * cv,
            Self::Erlang { shape, .. } => 1.0 / f64::from(shape.max(1)),
            Self::Pareto { mean, shape } => pareto_cv2(mean.as_secs_f64() * 1e9, shape),
            Self::Uniform { min, max } => {
                let (width, sum) = (
                    (max.saturating_sub(min)).as_secs_f64(),
                    (max + min).as_secs_f64(),
                );
                if sum > 0.0 {
                    width * width / (3.0 * sum * sum)
                } else {
                    0.0
                }
            }
        }
    }

    /// The duration that a draw exceeds with probability 1 - `quantile`; 0 for what describes no law. Within 1e-9 of it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ibn_core::units::Quantile;
    /// use ibn_sim::Law;
    ///
    /// let startup = Law::Exponential { mean: Duration::from_secs(10) };
    /// // 10 s · ln 100
    /// assert_eq!(startup.quantile(Quantile::P99).as_secs_f64().round(), 46.0);
    /// ```
    #[must_use]
    pub fn quantile(&self, quantile: Quantile) -> Duration {
        let (q, beyond) = (quantile.get(), -math::ln(1.0 - quantile.get()));
        let nanos = match self.sampler() {
            Err(_) => 0.0,
            Ok(Sampler::Constant(nanos)) => nanos as f64,
            Ok(Sampler::Exponential(mean)) => mean * beyond,
            Ok(Sampler::Uniform { low, width }) => low + width * q,
            Ok(Sampler::Lognormal { mu, sigma }) => {
                math::exp(mu + sigma * math::normal_quantile(q))
            }
            Ok(Sampler::Hyperexponential { first, means }) => {
                let above = |t: f64| {
                    first * math::exp(-t / means.0) + (1.0 - first) * math::exp(-t / means.1)
                };
                exceeded_with(1.0 - q, above)
            }
            // P(X > t) = e⁻ˣ Σ xᵏ/k! over k below the shape, x = t/stage.
            Ok(Sampler::Erlang { stage, shape }) => exceeded_with(1.0 - q, |t| {
                let x = t / stage;
                let mut term = math::exp(-x);
                let mut sum = term;
                for k in 1..shape {
                    term *= x / f64::from(k);
                    sum += term;
                }
                sum
            }),
            Ok(Sampler::Pareto { least, exponent }) => least * math::exp(exponent * beyond),
        };
        Duration::from_nanos(nanos.clamp(0.0, MAX_NANOS) as u64)
    }

    /// Whether the law is written with a parameter of this name.
    pub(crate) fn has(&self, parameter: &str) -> bool {
        match self {
            Self::Constant { .. } | Self::Exponential { .. } => parameter == "mean",
            Self::Lognormal { .. } | Self::Hyperexponential { .. } => {
                matches!(parameter, "mean" | "cv")
            }
            Self::Uniform { .. } => matches!(parameter, "min" | "max"),
            Self::Erlang { .. } | Self::Pareto { .. } => matches!(parameter, "mean" | "shape"),
        }
    }

    /// The same law with its mean (and bounds) multiplied by `factor`.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let scale = |d: Duration| {
            Duration::try_from_secs_f64(d.as_secs_f64() * factor).unwrap_or(Duration::ZERO)
        };
        match *self {
            Self::Constant { mean } => Self::Constant { mean: scale(mean) },
            Self::Uniform { min, max } => Self::Uniform {
                min: scale(min),
                max: scale(max),
            },
            Self::Exponential { mean } => Self::Exponential { mean: scale(mean) },
            Self::Lognormal { mean, cv } => Self::Lognormal {
                mean: scale(mean),
                cv,
            },
            Self::Hyperexponential { mean, cv } => Self::Hyperexponential {
                mean: scale(mean),
                cv,
            },
            Self::Erlang { mean, shape } => Self::Erlang {
                mean: scale(mean),
                shape,
            },
            Self::Pareto { mean, shape } => Self::Pareto {
                mean: scale(mean),
                shape,
            },
        }
    }

    /// The form that draws. A draw is cut to whole ns, at least 1 ns and at most an hour.
    ///
    /// # Errors
    /// A mean of zero or above one hour, bounds in the wrong order, a `cv` outside its range or above 100.
    pub(crate) fn sampler(&self) -> Result<Sampler> {
        let fail = |reason: &str| Error::Law {
            law: format!("{self:?}"),
            reason: reason.to_owned(),
        };
        let mean = self.mean().as_secs_f64() * 1e9;
        if !(1.0..=MAX_NANOS).contains(&mean) {
            return Err(fail("the mean must be at least 1ns and at most 1h"));
        }
        Ok(match *self {
            Self::Constant { .. } => Sampler::Constant(mean as u64),
            Self::Exponential { .. } => Sampler::Exponential(mean),
            Self::Uniform { min, max } if min <= max => {
                let low = min.as_secs_f64() * 1e9;
                Sampler::Uniform {
                    low,
                    width: max.as_secs_f64() * 1e9 - low,
                }
            }
            Self::Uniform { .. } => return Err(fail("`min` must not be above `max`")),
            Self::Lognormal { cv, .. } if cv > 0.0 && cv <= 100.0 => {
                let sigma2 = math::ln(1.0 + cv * cv);
                Sampler::Lognormal {
                    mu: math::ln(mean) - sigma2 / 2.0,
                    sigma: sigma2.sqrt(),
                }
            }
            Self::Lognormal { .. } => return Err(fail("`cv` must be above 0 and at most 100")),
            Self::Hyperexponential { cv, .. } if (1.0..=100.0).contains(&cv) => {
                let first = balanced_share(cv);
                Sampler::Hyperexponential {
                    first,
                    means: (mean / (2.0 * first), mean / (2.0 * (1.0 - first))),
                }
            }
            Self::Hyperexponential { .. } => return Err(fail("`cv` must be between 1 and 100")),
            Self::Erlang { shape, .. } if (1..=100).contains(&shape) => Sampler::Erlang {
                stage: mean / f64::from(shape),
                shape,
            },
            Self::Erlang { .. } => {
                return Err(fail("`shape` must be a whole number from 1 to 100"));
            }
            Self::Pareto { shape, .. } if shape > 1.0 && shape <= 100.0 => Sampler::Pareto {
                least: mean * (shape - 1.0) / shape,
                exponent: 1.0 / shape,
            },
            Self::Pareto { .. } => return Err(fail("`shape` must be above 1 and at most 100")),
        })
    }
}

/// The time in ns, up to an hour, that is exceeded with a probability, by halving; `above` tells that probability of a time.
fn exceeded_with(probability: f64, above: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, MAX_NANOS);
    while high - low > 1e-10 * high && high > 1.0 {
        let middle = f64::midpoint(low, high);
        if above(middle) > probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The probability of the first of two exponentials that each contribute half of the mean, for a `cv` of 1 and more.
///
/// Whitt 1982, "Approximating a point process by a renewal process", section 3: balanced means.
pub(crate) fn balanced_share(cv: f64) -> f64 {
    let cv2 = cv * cv;
    f64::midpoint(1.0, ((cv2 - 1.0) / (cv2 + 1.0)).sqrt())
}

/// The squared coefficient of variation of a Pareto law that is cut at an hour; mean in ns.
fn pareto_cv2(mean: f64, shape: f64) -> f64 {
    let least = mean * (shape - 1.0) / shape;
    let ratio = MAX_NANOS / least;
    // E[min(X, M)ⁿ] / x₀ⁿ = 1 + n · ∫₁^(M/x₀) y^(n-1-shape) dy.
    let moment = |n: f64| {
        let power = n - shape;
        let integral = if power.abs() < 1e-9 {
            math::ln(ratio)
        } else {
            (math::exp(power * math::ln(ratio)) - 1.0) / power
        };
        1.0 + n * integral
    };
    let first = moment(1.0);
    moment(2.0) / (first * first) - 1.0
}

/// A checked law, ready to draw whole nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sampler {
    Constant(u64),
    Exponential(f64),
    Uniform { low: f64, width: f64 },
    Lognormal { mu: f64, sigma: f64 },
    Hyperexponential { first: f64, means: (f64, f64) },
    Erlang { stage: f64, shape: u32 },
    Pareto { least: f64, exponent: f64 },
}

impl Sampler {
    /// Draws once, by inversion. The number of words taken from the stream depends on the kind of law alone.
    #[inline]
    pub(crate) fn sample(&self, stream: &mut Stream) -> u64 {
        let nanos = match *self {
            Self::Constant(nanos) => return nanos,
            Self::Exponential(mean) => mean * exponential(stream),
            Self::Uniform { low, width } => low + width * uniform(stream),
            Self::Lognormal { mu, sigma } => math::exp(mu + sigma * normal(stream)),
            Self::Hyperexponential { first, means } => {
                let mean = if uniform(stream) < first {
                    means.0
                } else {
                    means.1
                };
                mean * exponential(stream)
            }
            Self::Erlang { stage, shape } => {
                stage * (0..shape).map(|_| exponential(stream)).sum::<f64>()
            }
            Self::Pareto { least, exponent } => least * math::exp(exponent * exponential(stream)),
        };
        nanos.clamp(1.0, MAX_NANOS) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Seeds};

    const MEAN: Duration = Duration::from_millis(10);

    fn laws() -> [Law; 6] {
        [
            Law::Constant { mean: MEAN },
            Law::Uniform {
                min: Duration::from_millis(5),
                max: Duration::from_millis(15),
            },
            Law::Exponential { mean: MEAN },
            Law::Lognormal {
                mean: MEAN,
                cv: 0.7,
            },
            Law::Hyperexponential {
                mean: MEAN,
                cv: 2.0,
            },
            Law::Erlang {
                mean: MEAN,
                shape: 4,
            },
        ]
    }

    #[test]
    fn drawn_moments_are_the_stated_ones() {
        for law in laws() {
            let sampler = law.sampler().unwrap();
            let mut stream = Seeds::new(1).stream(Purpose::Service, "test", 0);
            let n = 400_000;
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..n {
                let x = sampler.sample(&mut stream) as f64 / 1e7;
                sum += x;
                squares += x * x;
            }
            let mean = sum / f64::from(n);
            let cv2 = squares / f64::from(n) / (mean * mean) - 1.0;
            // Five standard errors of the mean at cv 2.
            assert!((mean - 1.0).abs() < 0.016, "{law:?}: mean {mean}");
            assert!(
                (cv2 - law.cv2()).abs() < 0.05 * law.cv2().max(0.1),
                "{law:?}: cv² {cv2}"
            );
        }
    }

    #[test]
    fn draws_lie_below_a_quantile_as_often_as_it_says() {
        let pareto = Law::Pareto {
            mean: MEAN,
            shape: 2.5,
        };
        for law in laws().into_iter().chain([pareto]) {
            let sampler = law.sampler().unwrap();
            let n = 100_000;
            for quantile in [Quantile::P50, Quantile::P95, Quantile::P99] {
                let mut stream = Seeds::new(2).stream(Purpose::Service, "test", 0);
                let bound = law.quantile(quantile).as_nanos() as u64;
                let below = (0..n)
                    .filter(|_| sampler.sample(&mut stream) <= bound)
                    .count();
                let share = below as f64 / f64::from(n);
                let expected = if matches!(law, Law::Constant { .. }) {
                    1.0
                } else {
                    quantile.get()
                };
                // Four standard deviations of a share of one half.
                assert!((share - expected).abs() < 0.0064, "{law:?}: {share}");
            }
        }
    }

    #[test]
    fn the_uniform_law_has_the_textbook_variance() {
        // Var = width² / 12 = 100/12 ms², mean² = 100 ms².
        let law = Law::Uniform {
            min: Duration::from_millis(5),
            max: Duration::from_millis(15),
        };
        assert!((law.cv2() - 1.0 / 12.0).abs() < 1e-12);
    }

    #[test]
    fn the_tail_of_pareto_falls_as_a_power() {
        let law = Law::Pareto {
            mean: MEAN,
            shape: 2.5,
        };
        // Least value 10 ms · 1.5/2.5 = 6 ms; median 6 ms · 2^(1/2.5); P(X > 60 ms) = 10^-2.5. Its cv² is 1/(2.5 · 0.5) = 0.8, of
        // which the cut at an hour takes (6 ms/1 h)^0.5, some 0.1 %.
        assert!((law.cv2() - 0.8).abs() < 0.005, "{}", law.cv2());
        let sampler = law.sampler().unwrap();
        let mut stream = Seeds::new(1).stream(Purpose::Service, "test", 0);
        let n = 400_000;
        let draws: Vec<u64> = (0..n).map(|_| sampler.sample(&mut stream)).collect();
        assert!(draws.iter().all(|draw| *draw >= 5_999_999));
        let share = |above: f64| {
            draws.iter().filter(|draw| **draw as f64 > above).count() as f64 / f64::from(n)
        };
        assert!((share(6e6 * 2f64.powf(0.4)) - 0.5).abs() < 0.004);
        assert!((share(6e7) - 10f64.powf(-2.5)).abs() < 0.0004);
        let heavy = Law::Pareto {
            mean: MEAN,
            shape: 1.5,
        };
        assert!(heavy.cv2() > 100.0 && heavy.cv2().is_finite());
    }

    #[test]
    fn what_is_no_law_is_refused() {
        for law in [
            Law::Constant {
                mean: Duration::ZERO,
            },
            Law::Lognormal {
                mean: MEAN,
                cv: 0.0,
            },
            Law::Lognormal {
                mean: MEAN,
                cv: f64::NAN,
            },
            Law::Hyperexponential {
                mean: MEAN,
                cv: 0.5,
            },
            Law::Uniform {
                min: MEAN * 2,
                max: MEAN,
            },
            Law::Erlang {
                mean: MEAN,
                shape: 0,
            },
            Law::Pareto {
                mean: MEAN,
                shape: 1.0,
            },
        ] {
            assert!(law.sampler().is_err(), "{law:?}");
        }
    }

    #[test]
    fn scaling_moves_the_mean_and_keeps_the_shape() {
        for law in laws() {
            let scaled = law.scaled(1.5);
            assert_eq!(scaled.mean(), Duration::from_millis(15), "{law:?}");
            assert!((scaled.cv2() - law.cv2()).abs() < 1e-12);
        }
    }
}
