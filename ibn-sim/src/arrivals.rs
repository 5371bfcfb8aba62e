//! Arrival times drawn from a rate curve, one after the other.

use std::sync::Arc;

use serde::Serialize;

use crate::demand::RateCurve;
use crate::rng::{Stream, exponential};

/// How requests follow each other at a given rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ArrivalProcess {
    /// Independent users: a Poisson process, inhomogeneous where the rate varies.
    #[default]
    Poisson,
    /// Evenly spaced: the k-th request comes where the integral of the rate reaches k.
    Even,
}

/// Arrivals where the integral of the rate reaches E₁ + … + Eₖ, with Eₖ standard exponential (Poisson) or 1 (even).
///
/// The Eₖ don't depend on the rate, so that the same stream under a scaled curve gives the same users, closer together.
#[derive(Debug, Clone)]
pub(crate) struct Arrivals {
    source: Source,
    next: u64,
}

#[derive(Debug, Clone)]
enum Source {
    Curve(CurveSource),
    /// Given times in ns, rising, and the index of the one after `next`.
    Times(Arc<[u64]>, usize),
}

#[derive(Debug, Clone)]
struct CurveSource {
    curve: Arc<RateCurve>,
    process: ArrivalProcess,
    stream: Stream,
    bin: u64,
    bin_start: u64,
    /// Place within the bin, in ns.
    offset: f64,
    width: f64,
    /// Of the bin: requests per ns and its inverse.
    rate: f64,
    gap: f64,
}

impl Arrivals {
    pub(crate) fn from_curve(
        curve: Arc<RateCurve>,
        process: ArrivalProcess,
        stream: Stream,
    ) -> Self {
        let width = curve.bin_nanos() as f64;
        let mut source = CurveSource {
            curve,
            process,
            stream,
            bin: 0,
            bin_start: 0,
            offset: 0.0,
            width,
            rate: 0.0,
            gap: 0.0,
        };
        let next = if source.curve.peak() > 0.0 && source.enter(0) {
            source.next()
        } else {
            u64::MAX
        };
        Self {
            source: Source::Curve(source),
            next,
        }
    }

    /// Replays times in ns that must not fall.
    pub(crate) fn from_times(times: Arc<[u64]>) -> Self {
        let next = times.first().copied().unwrap_or(u64::MAX);
        Self {
            source: Source::Times(times, 1),
            next,
        }
    }

    /// The next arrival in ns; `u64::MAX` where there is none.
    #[inline]
    pub(crate) const fn peek(&self) -> u64 {
        self.next
    }

    /// Goes on to the arrival after the next one.
    #[inline]
    pub(crate) fn step(&mut self) {
        self.next = match &mut self.source {
            Source::Curve(source) => source.next(),
            Source::Times(times, index) => {
                let next = times.get(*index).copied().unwrap_or(u64::MAX);
                *index += 1;
                next
            }
        };
    }
}

impl CurveSource {
    /// Moves to the start of a bin; false after the end of the curve.
    fn enter(&mut self, bin: u64) -> bool {
        let Some(rate) = self.curve.rate_of_bin(bin) else {
            return false;
        };
        self.bin = bin;
        self.bin_start = bin.saturating_mul(self.curve.bin_nanos());
        self.offset = 0.0;
        self.rate = rate / 1e9;
        self.gap = if rate > 0.0 {
            1e9 / rate
        } else {
            f64::INFINITY
        };
        self.bin_start < u64::MAX
    }

    #[inline]
    fn next(&mut self) -> u64 {
        let mut need: f64 = match self.process {
            ArrivalProcess::Poisson => exponential(&mut self.stream),
            ArrivalProcess::Even => 1.0,
        };
        loop {
            let offset = self.offset + need * self.gap;
            if offset < self.width {
                self.offset = offset;
                return self.bin_start + offset as u64;
            }
            need = (need - self.rate * (self.width - self.offset)).max(0.0);
            if !self.enter(self.bin + 1) {
                return u64::MAX;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rng::{Purpose, Seeds};

    fn take(arrivals: &mut Arrivals, before: u64) -> Vec<u64> {
        let mut times = Vec::new();
        while arrivals.peek() < before {
            times.push(arrivals.peek());
            arrivals.step();
        }
        times
    }

    fn stream(seed: u64) -> Stream {
        Seeds::new(seed).stream(Purpose::Arrivals, "test", 0)
    }

    fn poisson(curve: &RateCurve, seed: u64) -> Arrivals {
        Arrivals::from_curve(
            Arc::new(curve.clone()),
            ArrivalProcess::Poisson,
            stream(seed),
        )
    }

    #[test]
    fn even_arrivals_are_where_the_integral_is_whole() {
        // 2/s for 1.25 s is 2.5 requests; the next, at 4/s, completes the third after 0.125 s.
        let curve = RateCurve::new(Duration::from_millis(1250), vec![2.0, 4.0], false).unwrap();
        let mut arrivals = Arrivals::from_curve(Arc::new(curve), ArrivalProcess::Even, stream(1));
        let times = take(&mut arrivals, u64::MAX);
        let expected = [0.5, 1.0, 1.375, 1.625, 1.875, 2.125, 2.375];
        assert_eq!(
            times.iter().map(|t| *t as f64 / 1e9).collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn counts_and_gaps_are_poisson() {
        let curve = RateCurve::constant(1000.0).unwrap();
        let times = take(&mut poisson(&curve, 2), 1_000_000_000_000);
        let n = times.len() as f64;
        // Count in 1000 s at 1000/s: mean 10^6, standard deviation 1000.
        assert!((n - 1e6).abs() < 4000.0, "{n}");
        let gaps: Vec<f64> = times
            .windows(2)
            .map(|w| (w[1] - w[0]) as f64 / 1e6)
            .collect();
        let mean = gaps.iter().sum::<f64>() / n;
        let cv2 = gaps.iter().map(|g| g * g).sum::<f64>() / n / (mean * mean) - 1.0;
        assert!((cv2 - 1.0).abs() < 0.02, "{cv2}");
        let beyond = gaps.iter().filter(|g| **g > 3.0).count() as f64 / n;
        assert!((beyond - (-3.0f64).exp()).abs() < 0.001, "{beyond}");
    }

    #[test]
    fn a_varying_rate_is_followed_bin_by_bin() {
        let rates = vec![0.0, 500.0, 0.0, 2000.0];
        let curve = RateCurve::new(Duration::from_secs(100), rates.clone(), false).unwrap();
        let times = take(&mut poisson(&curve, 3), u64::MAX);
        for (bin, rate) in rates.iter().enumerate() {
            let from = bin as u64 * 100_000_000_000;
            let count = times
                .iter()
                .filter(|t| (from..from + 100_000_000_000).contains(*t))
                .count() as f64;
            assert!(
                (count - rate * 100.0).abs() <= 4.0 * (rate * 100.0).sqrt(),
                "bin {bin}: {count}"
            );
        }
    }

    #[test]
    fn scaling_keeps_the_users() {
        let curve = RateCurve::constant(10.0).unwrap();
        let slow = take(&mut poisson(&curve, 4), 100_000_000_000);
        let fast = take(&mut poisson(&curve.scaled(2.0).unwrap(), 4), 50_000_000_000);
        assert_eq!(slow.len(), fast.len());
        assert!(
            slow.iter()
                .zip(&fast)
                .all(|(slow, fast)| slow.abs_diff(fast * 2) <= 2)
        );
    }

    #[test]
    fn no_rate_means_no_arrival() {
        assert_eq!(
            poisson(&RateCurve::constant(0.0).unwrap(), 5).peek(),
            u64::MAX
        );
        let mut replay = Arrivals::from_times(vec![3, 3, 8].into());
        assert_eq!(take(&mut replay, u64::MAX), [3, 3, 8]);
        assert_eq!(Arrivals::from_times(vec![].into()).peek(), u64::MAX);
    }
}
