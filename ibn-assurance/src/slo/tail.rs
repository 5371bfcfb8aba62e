//! The share of requests over a bound, read off the quantiles that were measured.

use std::time::Duration;

use ibn_core::observation::{Observation, Signal};

use super::fresh_value;

/// The share of requests that took longer than `bound` seconds; `None` where no quantile was measured.
///
/// A quantile q at x says that a share 1 - q took longer than x. Between two such points, and from
/// (0, 1) to the first, the logarithm of the share is taken as linear in the time, as it is for an
/// exponential tail; beyond the last one the tail goes on as (1 - q)^(bound/x). So the share is exact
/// where the bound is a measured quantile: the objective's own quantile at its bound burns at exactly 1.
/// The more quantiles are measured, the less is assumed.
#[must_use]
pub fn share_over(seen: &Observation, bound: f64, max_age: Duration) -> Option<f64> {
    let mut below = Point {
        seconds: 0.0,
        log_share: 0.0,
    };
    let mut last = None;
    // Readings are ordered by signal, and latencies by quantile.
    for signal in seen.readings.keys() {
        let Signal::Latency(quantile) = signal else {
            continue;
        };
        let Some(seconds) = fresh_value(seen, signal, max_age) else {
            continue;
        };
        let point = Point {
            // Quantiles of one distribution never fall; where the source's do, the higher one stands for both.
            seconds: seconds.max(below.seconds),
            log_share: (1.0 - quantile.get()).ln(),
        };
        if bound < point.seconds {
            return Some(between(below, point, bound).exp().clamp(0.0, 1.0));
        }
        below = point;
        last = Some(point);
    }
    let last = last?;
    let log_share = if last.seconds > 0.0 {
        last.log_share * bound / last.seconds
    } else if bound > 0.0 {
        f64::NEG_INFINITY
    } else {
        last.log_share
    };
    Some(log_share.exp().clamp(0.0, 1.0))
}

#[derive(Debug, Clone, Copy)]
struct Point {
    seconds: f64,
    log_share: f64,
}

fn between(low: Point, high: Point, bound: f64) -> f64 {
    let width = high.seconds - low.seconds;
    if width <= 0.0 {
        return low.log_share;
    }
    let part = ((bound - low.seconds) / width).clamp(0.0, 1.0);
    low.log_share + part * (high.log_share - low.log_share)
}

#[cfg(test)]
mod tests {
    use ibn_core::units::Quantile;
    use ibn_core::workload::WorkloadRef;
    use jiff::Timestamp;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn seen(quantiles: &[(f64, f64)]) -> Observation {
        let now = Timestamp::UNIX_EPOCH;
        let mut seen = Observation::new(WorkloadRef::deployment("acme", "web"), now, MINUTE);
        for (q, seconds) in quantiles {
            seen.set(Signal::Latency(Quantile::new(*q).unwrap()), *seconds, now);
        }
        seen
    }

    #[track_caller]
    fn check(quantiles: &[(f64, f64)], bound: f64, expected: f64) {
        let share = share_over(&seen(quantiles), bound, MINUTE).unwrap();
        assert!((share - expected).abs() < 1e-9, "{share} is not {expected}");
    }

    #[test]
    fn a_measured_quantile_is_exact() {
        check(&[(0.95, 0.2)], 0.2, 0.05);
        check(&[(0.5, 0.1), (0.95, 0.2), (0.99, 0.3)], 0.3, 0.01);
        check(&[(0.5, 0.1), (0.95, 0.2)], 0.1, 0.5);
    }

    #[test]
    fn an_exponential_distribution_is_met_everywhere() {
        // Survival exp(-t/m), m = 0.1 s: quantile q lies at -m ln(1 - q).
        let at = |q: f64| (q, -0.1 * (1.0 - q).ln());
        for quantiles in [
            vec![at(0.95)],
            vec![at(0.5), at(0.95)],
            vec![at(0.5), at(0.9), at(0.99)],
        ] {
            for bound in [0.01, 0.05, 0.2, 0.3, 0.7] {
                check(&quantiles, bound, (-bound / 0.1).exp());
            }
        }
    }

    #[test]
    fn odd_readings_stay_in_range() {
        check(&[(0.95, 0.0)], 0.2, 0.0);
        check(&[(0.5, 0.3), (0.95, 0.2)], 0.3, 0.05);
        for bound in [0.0, 0.1, 0.2, 0.3, 9.0] {
            let share = share_over(&seen(&[(0.5, 0.3), (0.95, 0.2)]), bound, MINUTE).unwrap();
            assert!((0.0..=1.0).contains(&share), "{bound}: {share}");
        }
        assert_eq!(share_over(&seen(&[]), 0.2, MINUTE), None);
        assert_eq!(share_over(&seen(&[(0.95, f64::NAN)]), 0.2, MINUTE), None);
    }
}
