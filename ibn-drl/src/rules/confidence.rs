//! What of a prediction can be relied on, and what a measurement will scatter by.

use ibn_core::intent::{Bound, IndicatorName, Objective};
use ibn_core::prediction::{Interval, Prediction};

/// What is reached of an objective with `confidence` (0.5: the best guess), in the unit of its bound; `None` for what isn't
/// predicted.
///
/// From the middle of the interval at 0.5 to its worse end at 0.95 and above. A latency is read at a quantile a little
/// beyond the objective's: among `counted` requests, the share that is faster than the true quantile `q` scatters by
/// `√(q(1 − q) ÷ counted)`, so that the quantile that will be measured lies below the true one at
/// `q + z √(q(1 − q) ÷ counted)` with that confidence (the normal approximation of a binomial count); no further than half
/// of the way to 1, since of a handful of requests nothing can be promised.
pub(super) fn reached(
    prediction: &Prediction,
    objective: &Objective,
    confidence: f64,
    counted: f64,
) -> Option<f64> {
    let interval = if objective.indicator == IndicatorName::Latency {
        let q = objective.quantile().get();
        let scatter = (q * (1.0 - q) / counted.max(1.0)).sqrt();
        let beyond = (z(confidence).max(0.0) * scatter).min(0.5 * (1.0 - q));
        latency_beyond(prediction, objective, q + beyond)?
    } else {
        prediction.of(objective)?
    };
    let worse = match &objective.bound {
        Bound::AtMost(_) => interval.high,
        Bound::AtLeast(_) => interval.low,
    };
    let weight = ((confidence - 0.5) / 0.45).clamp(0.0, 1.0);
    // An end of an interval around infinity says no more than its middle.
    Some(if weight <= 0.0 || !interval.mid.is_finite() {
        interval.mid
    } else {
        interval.mid + weight * (worse - interval.mid)
    })
}

/// The latency at a quantile from the objective's on: between and beyond the quantiles that were predicted by a straight line
/// over `−ln(1 − q)`, which is exact for an exponential tail.
fn latency_beyond(
    prediction: &Prediction,
    objective: &Objective,
    quantile: f64,
) -> Option<Interval> {
    let own = prediction.latency_at(objective.quantile())?;
    let wanted = depth(quantile);
    let (mut below, mut above) = ((depth(objective.quantile().get()), own), None);
    let mut known: Vec<(f64, Interval)> = prediction
        .latency
        .iter()
        .filter_map(|(name, interval)| Some((depth(quantile_of(name)?), *interval)))
        .collect();
    known.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut before = None;
    for (at, interval) in known {
        if at < below.0 {
            before = Some((at, interval));
        } else if at <= wanted {
            before = Some(below).filter(|(own, _)| *own < at).or(before);
            below = (at, interval);
        } else {
            above = Some((at, interval));
            break;
        }
    }
    Some(match (above, before) {
        _ if wanted <= below.0 => below.1,
        (Some(above), _) => line(below, above, wanted),
        (None, Some(before)) => line(before, below, wanted),
        (None, None) => below.1.map(|value| value * wanted / below.0),
    })
}

fn depth(quantile: f64) -> f64 {
    -(1.0 - quantile).ln()
}

/// The quantile of a name such as `p99.9`.
fn quantile_of(name: &str) -> Option<f64> {
    let percent: f64 = name.strip_prefix('p')?.parse().ok()?;
    (percent > 0.0 && percent < 100.0).then_some(percent / 100.0)
}

fn line((x, a): (f64, Interval), (y, b): (f64, Interval), at: f64) -> Interval {
    let share = (at - x) / (y - x);
    let value = |a: f64, b: f64| {
        if a.is_finite() && b.is_finite() {
            a + share * (b - a)
        } else {
            a.max(b)
        }
    };
    Interval {
        low: value(a.low, b.low),
        mid: value(a.mid, b.mid),
        high: value(a.high, b.high),
    }
}

/// The standard normal quantile to 0.0005 (Abramowitz and Stegun, 26.2.23).
pub(super) fn z(confidence: f64) -> f64 {
    let tail = confidence.min(1.0 - confidence).clamp(1e-6, 0.5);
    let t = (-2.0 * tail.ln()).sqrt();
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let upper = (t - numerator / denominator).max(0.0);
    if confidence < 0.5 { -upper } else { upper }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ibn_core::units::{IndicatorValue, Quantile, Unit};

    use super::*;

    #[test]
    fn normal_quantiles_are_those_of_the_tables() {
        for (confidence, expected) in [
            (0.05, -1.6449),
            (0.5, 0.0),
            (0.8, 0.8416),
            (0.95, 1.6449),
            (0.99, 2.3263),
        ] {
            assert!((z(confidence) - expected).abs() < 1e-3, "{confidence}");
        }
    }

    fn p95() -> Objective {
        Objective {
            indicator: IndicatorName::Latency,
            quantile: None,
            bound: Bound::AtMost(IndicatorValue::new(1.0, Unit::Seconds).unwrap()),
            window: None,
        }
    }

    /// An exponential response time with mean 1, predicted at these quantiles.
    fn exponential(quantiles: &[f64]) -> Prediction {
        let zero = Interval::exact(0.0);
        Prediction {
            latency: quantiles
                .iter()
                .map(|q| {
                    (
                        Quantile::new(*q).unwrap().short_name(),
                        Interval::exact(-(1.0 - q).ln()),
                    )
                })
                .collect::<BTreeMap<_, _>>(),
            cpu_utilization: zero,
            error_rate: zero,
            throughput: zero,
            cost_cores: 1.0,
            saturated: false,
        }
    }

    #[test]
    fn few_requests_are_read_further_out() {
        // 100 requests at 0.8: 0.95 + 0.8416 √(0.95 × 0.05 ÷ 100) = 0.96834.
        let expected = -(1.0f64 - 0.968_34).ln();
        for quantiles in [&[0.5, 0.95, 0.99][..], &[0.95, 0.99], &[0.5, 0.95], &[0.95]] {
            let found = reached(&exponential(quantiles), &p95(), 0.8, 100.0).unwrap();
            assert!(
                (found - expected).abs() < 1e-3,
                "{quantiles:?}: {found} {expected}"
            );
        }
        let many = reached(&exponential(&[0.5, 0.95, 0.99]), &p95(), 0.8, 1e9).unwrap();
        assert!((many - 20f64.ln()).abs() < 1e-3);
        let guess = reached(&exponential(&[0.5, 0.95, 0.99]), &p95(), 0.5, 10.0).unwrap();
        assert!((guess - 20f64.ln()).abs() < 1e-12);
        let beyond = reached(&exponential(&[0.5, 0.95, 0.99]), &p95(), 0.99, 30.0).unwrap();
        assert!(
            (beyond - 40f64.ln()).abs() < 1e-6,
            "no further than p97.5: {beyond}"
        );
        assert_eq!(reached(&exponential(&[0.5]), &p95(), 0.8, 100.0), None);
    }

    #[test]
    fn infinite_stays_infinite() {
        let mut prediction = exponential(&[0.95, 0.99]);
        prediction
            .latency
            .insert("p99".to_owned(), Interval::exact(f64::INFINITY));
        assert_eq!(
            reached(&prediction, &p95(), 0.8, 100.0),
            Some(f64::INFINITY)
        );
    }
}
