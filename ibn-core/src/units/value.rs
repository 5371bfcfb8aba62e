//! The value of an indicator with its unit: `200ms`, `99.9%`, `120rps`, `8` cores.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{CpuMillis, ParseUnitError, format_duration, parse_duration};

/// What an indicator is measured in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Seconds; written as a duration (`200ms`).
    Seconds,
    /// Percent; written with `%`.
    Percent,
    /// Requests per second; written with `rps`.
    RequestsPerSecond,
    /// CPU cores; written as a Kubernetes quantity (`8`, `500m`).
    Cores,
    /// The unit of an `Indicator` object, written behind the number; may be empty.
    Other(String),
}

/// A finite number in the unit of its indicator: seconds, percent, requests per second, cores or an own unit.
#[derive(Debug, Clone, PartialEq)]
pub struct IndicatorValue {
    number: f64,
    unit: Unit,
}

impl IndicatorValue {
    /// Wraps `number` of `unit`; `None` where it is not finite or is negative.
    #[must_use]
    pub fn new(number: f64, unit: Unit) -> Option<Self> {
        (number.is_finite() && number >= 0.0).then_some(Self { number, unit })
    }

    /// The number in its unit (seconds for durations, 0…100 for percent, cores for CPU).
    #[must_use]
    pub fn number(&self) -> f64 {
        self.number
    }

    /// The unit.
    #[must_use]
    pub fn unit(&self) -> &Unit {
        &self.unit
    }

    /// Reads a value of a known unit.
    ///
    /// # Errors
    /// A text that lacks the unit, has another one, or is no number.
    pub fn parse(text: &str, unit: Unit) -> Result<Self, ParseUnitError> {
        let text = text.trim();
        let plain = |number: &str| number.trim().parse::<f64>().ok();
        let (number, expected) = match &unit {
            Unit::Seconds => (
                parse_duration(text).ok().map(|d| d.as_secs_f64()),
                "a duration such as `200ms` or `1.5s`",
            ),
            Unit::Percent => (
                text.strip_suffix('%').and_then(plain),
                "a percentage such as `99.9%`",
            ),
            Unit::RequestsPerSecond => (
                text.strip_suffix("rps").and_then(plain),
                "a request rate such as `120rps`",
            ),
            Unit::Cores => {
                let bare = text
                    .strip_suffix("cores")
                    .or_else(|| text.strip_suffix("core"))
                    .unwrap_or(text)
                    .trim();
                (
                    bare.parse::<CpuMillis>().ok().map(CpuMillis::as_cores),
                    "an amount of CPU such as `8` or `500m`",
                )
            }
            Unit::Other(suffix) => (
                text.strip_suffix(suffix.as_str()).and_then(plain),
                "a number with the unit of its indicator",
            ),
        };
        number
            .and_then(|n| Self::new(n, unit))
            .ok_or_else(|| ParseUnitError::new(text, expected))
    }

    /// Reads a value of an indicator whose unit isn't known here: the unit is what follows the number.
    ///
    /// # Errors
    /// A text that doesn't begin with a number.
    pub fn parse_any(text: &str) -> Result<Self, ParseUnitError> {
        let text = text.trim();
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        number
            .parse::<f64>()
            .ok()
            .and_then(|n| Self::new(n, Unit::Other(suffix.trim().to_owned())))
            .ok_or_else(|| ParseUnitError::new(text, "a number followed by its unit"))
    }
}

impl fmt::Display for IndicatorValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Unit::Seconds => f.pad(&format_duration(to_duration(self.number))),
            Unit::Percent => f.pad(&format!("{}%", self.number)),
            Unit::RequestsPerSecond => f.pad(&format!("{}rps", self.number)),
            Unit::Cores => match CpuMillis::from_cores(self.number) {
                Some(cpu) => f.pad(&cpu.to_string()),
                None => f.pad(&self.number.to_string()),
            },
            Unit::Other(suffix) => f.pad(&format!("{}{suffix}", self.number)),
        }
    }
}

impl Serialize for IndicatorValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Seconds to a duration at nanosecond resolution, saturating.
fn to_duration(seconds: f64) -> Duration {
    Duration::from_nanos((seconds * 1e9).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, unit: Unit, number: f64, canonical: &str) {
        let value = IndicatorValue::parse(text, unit.clone()).unwrap();
        assert_eq!(
            (value.number(), value.to_string().as_str()),
            (number, canonical)
        );
        assert_eq!(IndicatorValue::parse(canonical, unit), Ok(value));
    }

    #[test]
    fn reads_each_unit_and_prints_it_back() {
        check("200ms", Unit::Seconds, 0.2, "200ms");
        check("99.9%", Unit::Percent, 99.9, "99.9%");
        check("120rps", Unit::RequestsPerSecond, 120.0, "120rps");
        check("500m", Unit::Cores, 0.5, "500m");
        check("8 cores", Unit::Cores, 8.0, "8");
        check("30items", Unit::Other("items".into()), 30.0, "30items");
    }

    #[test]
    fn a_missing_or_foreign_unit_is_refused() {
        for (text, unit) in [
            ("200", Unit::Seconds),
            ("0.5", Unit::Percent),
            ("NaN%", Unit::Percent),
            ("-1rps", Unit::RequestsPerSecond),
        ] {
            assert!(IndicatorValue::parse(text, unit).is_err(), "{text}");
        }
    }
}
