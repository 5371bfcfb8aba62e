//! The load: arrival times from a profile and a seed, as the generator of the recorded runs draws them.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::record::{Config, Process};

/// Sebastiano Vigna's SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Equally likely in 0 to below 1, in steps of 2^-53.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Equally likely between two bounds.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }
}

/// `SECONDS:RATE,…`, linear in between.
pub(crate) fn parse_profile(text: &str) -> Result<Vec<(f64, f64)>> {
    let points = text
        .split(',')
        .map(|point| {
            let (at, rate) = point.split_once(':')?;
            let (at, rate) = (at.trim().parse().ok()?, rate.trim().parse().ok()?);
            let is_one = f64::is_finite(at) && (0.0..=1e6).contains(&rate);
            is_one.then_some((at, rate))
        })
        .collect::<Option<Vec<(f64, f64)>>>()
        .with_context(|| format!("`{text}` is no profile of SECONDS:RATE, …"))?;
    if points.len() < 2 || !points.is_sorted_by(|one, next| one.0 <= next.0) {
        bail!("the profile `{text}` needs two points or more, with seconds that rise");
    }
    Ok(points)
}

/// The arrival times of a run, from its start: the k-th is where the integral of the profile reaches E₁ + … + Eₖ.
pub(crate) fn arrivals(config: &Config) -> Result<Vec<Duration>> {
    let points = parse_profile(&config.profile)?;
    let mut random = SplitMix64::new(config.seed);
    let mut step = || match config.arrivals {
        Process::Poisson => -(1.0 - random.uniform()).ln(),
        Process::Deterministic => 1.0,
    };
    let mut times = Vec::new();
    let (mut area_before, mut wanted) = (0.0, step());
    for pair in points.windows(2) {
        let &[(from, low), (to, high)] = pair else {
            continue;
        };
        let area = (low + high) / 2.0 * (to - from);
        while to > from && wanted <= area_before + area {
            times.push(Duration::from_secs_f64(
                from + reach(wanted - area_before, low, (high - low) / (to - from)),
            ));
            wanted += step();
        }
        area_before += area;
    }
    Ok(times)
}

/// When a rate that begins at `rate` and grows by `slope` a second has come to `area` requests. In the form that
/// neither divides by a slope of 0 nor subtracts what is nearly equal.
fn reach(area: f64, rate: f64, slope: f64) -> f64 {
    let root = rate.mul_add(rate, 2.0 * slope * area).max(0.0).sqrt();
    if area > 0.0 {
        2.0 * area / (rate + root)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Mode;

    fn config(profile: &str, seed: u64, arrivals: Process) -> Config {
        Config {
            limit_m: 200,
            replicas: 1,
            service_ms: 10.0,
            concurrency: None,
            max_queue: 100,
            mode: Mode::ClusteripFresh,
            arrivals,
            profile: profile.to_owned(),
            seed,
            end_s: 60.0,
        }
    }

    #[track_caller]
    fn check(profile: &str, seed: u64, process: Process, count: usize, some: &[(usize, u128)]) {
        let times = arrivals(&config(profile, seed, process)).unwrap();
        assert_eq!(times.len(), count);
        assert!(times.is_sorted());
        for (index, micros) in some {
            assert_eq!(times[*index].as_micros(), *micros, "arrival {index}");
        }
    }

    // Counts and times from a few lines of Python that know only the rule (SplitMix64 on whole numbers, `math.log`).

    #[test]
    fn golden_a_step() {
        check(
            "0:8,60:8,60:36,90:36",
            11,
            Process::Poisson,
            1584,
            &[(0, 47519), (1, 85557), (792, 68850924), (1582, 89958341)],
        );
    }

    #[test]
    fn golden_slopes_and_the_largest_seed() {
        check(
            "0:5,30:5,90:25,120:0",
            18446744073709551615,
            Process::Poisson,
            1458,
            &[(0, 448755), (1, 936201), (729, 75389621), (1456, 118136251)],
        );
    }

    #[test]
    fn golden_seed_0() {
        check(
            "0:12,60:12",
            0,
            Process::Poisson,
            760,
            &[(0, 179020), (1, 226087), (380, 29673632), (758, 59870979)],
        );
    }

    #[test]
    fn golden_even_arrivals() {
        check(
            "0:3,10:3",
            7,
            Process::Deterministic,
            30,
            &[(0, 333333), (1, 666666), (15, 5333333), (28, 9666666)],
        );
    }

    #[test]
    fn the_integral_is_reached_on_slopes_and_steps() {
        // 0 to 4/s within 2 s: t² requests by t, so at 1, √2 and √3 and at the end itself.
        let times = arrivals(&config("0:0,2:4", 1, Process::Deterministic)).unwrap();
        let expected = [1.0, 2.0f64.sqrt(), 3.0f64.sqrt(), 2.0];
        assert_eq!(times.len(), 4);
        for (time, expected) in times.iter().zip(expected) {
            assert!((time.as_secs_f64() - expected).abs() < 1e-9, "{time:?}");
        }
    }

    #[test]
    fn what_is_no_profile_is_said() {
        for text in ["", "0:1", "0:1,x:2", "0:-1,5:2", "5:1,0:1", "0:NaN,5:1"] {
            assert!(parse_profile(text).is_err(), "{text}");
        }
    }
}
