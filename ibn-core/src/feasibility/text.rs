//! Numbers of a twin as a person reads them.

use crate::allocation::Allocation;
use crate::intent::{Bound, IndicatorName, Objective};
use crate::prediction::Interval;
use crate::units::{IndicatorValue, Unit};

/// A predicted value in the unit of an objective, to three significant digits.
pub(crate) fn predicted(objective: &Objective, value: f64) -> String {
    if !value.is_finite() {
        return "without bound".to_owned();
    }
    written(objective, round_to(value, 3, f64::round))
        .map_or_else(|| value.to_string(), |value| value.to_string())
}

/// A best guess with its range.
pub(crate) fn interval(objective: &Objective, interval: Interval) -> String {
    let Interval { low, mid, high } = interval;
    let [low, mid, high] = [low, mid, high].map(|value| predicted(objective, value));
    if low == mid && mid == high {
        mid
    } else {
        format!("{mid} ({low} to {high})")
    }
}

/// An allocation in a few words.
pub(crate) fn size(allocation: &Allocation) -> String {
    let pods = match allocation.replicas {
        1 => "1 pod".to_owned(),
        replicas => format!("{replicas} pods"),
    };
    match allocation.pod_limits().cpu {
        cpu if cpu.get() == 0 => pods,
        cpu => format!("{pods} of {cpu} CPU"),
    }
}

/// The objective whose bound is `achieved`, rounded to two significant digits to the side that is easier to meet.
pub(crate) fn relaxed(objective: &Objective, achieved: f64) -> Option<Objective> {
    if !achieved.is_finite() {
        return None;
    }
    let value = match (&objective.bound, &objective.indicator) {
        (Bound::AtMost(_), _) => round_to(achieved, 2, f64::ceil),
        // What matters of an availability is how much of it is missing.
        (Bound::AtLeast(_), IndicatorName::Availability) => {
            100.0 - round_to(100.0 - achieved, 2, f64::ceil)
        }
        (Bound::AtLeast(_), _) => round_to(achieved, 2, f64::floor),
    };
    let value = written(objective, value)?;
    Some(Objective {
        bound: match &objective.bound {
            Bound::AtMost(_) => Bound::AtMost(value),
            Bound::AtLeast(_) => Bound::AtLeast(value),
        },
        ..objective.clone()
    })
}

/// A number as a value of the objective's unit that reads back as itself.
fn written(objective: &Objective, value: f64) -> Option<IndicatorValue> {
    let unit = objective.bound.value().unit();
    let value = match unit {
        Unit::Cores => (value * 1000.0).round() / 1000.0,
        _ => value,
    };
    let value = IndicatorValue::new(value.max(0.0), unit.clone())?;
    IndicatorValue::parse(&value.to_string(), unit.clone()).ok()
}

/// `value` to so many significant digits, rounded by `round`.
fn round_to(value: f64, digits: i32, round: impl Fn(f64) -> f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return value;
    }
    let exponent = digits - 1 - value.log10().floor() as i32;
    // Dividing by a whole power of ten keeps decimal numbers what they look like.
    if exponent >= 0 {
        let power = 10f64.powi(exponent);
        round(value * power) / power
    } else {
        let power = 10f64.powi(-exponent);
        round(value / power) * power
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latency(bound: Bound) -> Objective {
        Objective {
            indicator: IndicatorName::Latency,
            quantile: None,
            bound,
            window: None,
        }
    }

    #[test]
    fn a_relaxed_objective_is_met_by_what_was_achieved() {
        let value = IndicatorValue::new(0.05, Unit::Seconds).unwrap();
        let objective = latency(Bound::AtMost(value));
        for achieved in [0.0834, 0.2, 1.234, 12.7, 0.000_95] {
            let relaxed = relaxed(&objective, achieved).unwrap();
            assert!(relaxed.is_met_by(achieved), "{achieved}: {relaxed}");
        }
        assert_eq!(
            relaxed(&objective, 0.0834)
                .unwrap()
                .bound
                .value()
                .to_string(),
            "84ms"
        );
        assert_eq!(relaxed(&objective, f64::INFINITY), None);
    }

    #[test]
    fn an_availability_is_relaxed_by_what_is_missing() {
        let objective = Objective {
            indicator: IndicatorName::Availability,
            bound: Bound::AtLeast(IndicatorValue::new(99.99, Unit::Percent).unwrap()),
            ..latency(Bound::AtMost(
                IndicatorValue::new(1.0, Unit::Seconds).unwrap(),
            ))
        };
        let relaxed = relaxed(&objective, 99.8734).unwrap();
        assert_eq!(relaxed.bound.value().to_string(), "99.87%");
        assert!(relaxed.is_met_by(99.8734));
    }

    #[test]
    fn predictions_are_written_in_the_unit_of_the_objective() {
        let objective = latency(Bound::AtMost(
            IndicatorValue::new(0.05, Unit::Seconds).unwrap(),
        ));
        assert_eq!(predicted(&objective, 0.083_412), "83ms400us");
        assert_eq!(predicted(&objective, f64::INFINITY), "without bound");
        let range = Interval {
            low: 0.07,
            mid: 0.08,
            high: 0.1,
        };
        assert_eq!(interval(&objective, range), "80ms (70ms to 100ms)");
    }
}
