//! Axes: which values stand at which ticks.

use jiff::Timestamp;

/// Values from zero up to a round maximum, with ticks at round steps.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ValueAxis {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) ticks: Vec<f64>,
}

impl ValueAxis {
    /// An axis on which `low` and `high` lie, zero always, with about `ticks` steps.
    pub(crate) fn new(low: f64, high: f64, ticks: u32) -> Self {
        let low = if low.is_finite() { low.min(0.0) } else { 0.0 };
        let high = if high.is_finite() { high.max(0.0) } else { 1.0 };
        let high = if high > low { high } else { low + 1.0 };
        let span = high - low;
        let step = round_step(span / f64::from(ticks.max(1)));
        let first = (low / step).floor();
        // Room above the highest value, so that a line never lies on the edge.
        let last = ((high + 0.04 * span) / step).ceil().max(first + 1.0);
        let count = (last - first).clamp(1.0, 50.0) as u32;
        Self {
            min: first * step,
            max: (first + f64::from(count)) * step,
            ticks: (0..=count)
                .map(|tick| (first + f64::from(tick)) * step)
                .collect(),
        }
    }

    /// Where a value lies, from 0 at the bottom to 1 at the top.
    pub(crate) fn share(&self, value: f64) -> f64 {
        ((value - self.min) / (self.max - self.min)).clamp(0.0, 1.0)
    }
}

/// The least of 1, 2, 5 times a power of ten that is no less than `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let lead = step / power;
    let round = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|round| lead <= *round + 1e-9)
        .unwrap_or(10.0);
    round * power
}

/// A span of time with ticks at round times of day (UTC).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimeAxis {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) ticks: Vec<Timestamp>,
}

/// Seconds between ticks that a person finds round.
const STEPS: [i64; 13] = [
    1, 5, 15, 60, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 86_400,
];

impl TimeAxis {
    /// The span from `from` to `to` with at most `ticks` ticks.
    pub(crate) fn new(from: Timestamp, to: Timestamp, ticks: i64) -> Self {
        let span = (to.as_second() - from.as_second()).max(1);
        let step = STEPS
            .into_iter()
            .find(|step| span / step <= ticks.max(1))
            .unwrap_or(7 * 86_400);
        let first = from.as_second().div_euclid(step) + 1;
        let last = to.as_second().div_euclid(step);
        Self {
            from,
            to,
            ticks: (first..=last)
                .filter_map(|tick| Timestamp::from_second(tick * step).ok())
                .collect(),
        }
    }

    /// Where an instant lies, from 0 at the left to 1 at the right; outside for what lies outside.
    pub(crate) fn share(&self, at: Timestamp) -> f64 {
        let span = (self.to.as_millisecond() - self.from.as_millisecond()).max(1);
        (at.as_millisecond() - self.from.as_millisecond()) as f64 / span as f64
    }

    /// A tick's text: the time of day, or the date where it is midnight.
    pub(crate) fn text(at: Timestamp) -> String {
        let is_midnight = at.as_second().rem_euclid(86_400) == 0;
        let format = if is_midnight { "%-d %b" } else { "%H:%M" };
        at.strftime(format).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(low: f64, high: f64, ticks: &[f64]) {
        let found = ValueAxis::new(low, high, 4).ticks;
        let close = found.len() == ticks.len()
            && found.iter().zip(ticks).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(close, "{found:?} is not {ticks:?}");
    }

    #[test]
    fn values_stand_at_round_ticks_with_room_above() {
        check(0.0, 9.0, &[0.0, 5.0, 10.0]);
        check(0.0, 0.2, &[0.0, 0.05, 0.1, 0.15, 0.2, 0.25]);
        check(0.0, 0.0, &[0.0, 0.5, 1.0, 1.5]);
        check(-3.0, 0.0, &[-3.0, -2.0, -1.0, 0.0, 1.0]);
        check(f64::NAN, f64::INFINITY, &[0.0, 0.5, 1.0, 1.5]);
    }

    #[test]
    fn times_stand_at_round_ticks() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap_or_default();
        let axis = TimeAxis::new(at("2026-01-05T22:40:10Z"), at("2026-01-06T02:40:10Z"), 6);
        let texts: Vec<_> = axis
            .ticks
            .iter()
            .map(|tick| TimeAxis::text(*tick))
            .collect();
        assert_eq!(texts, ["23:00", "6 Jan", "01:00", "02:00"]);
        assert_eq!(axis.share(at("2026-01-06T00:40:10Z")), 0.5);
    }
}
