//! Durations as Go and Prometheus write them: `200ms`, `1m30s`, `2h`, `7d`.

use std::time::Duration;

use super::ParseUnitError;

const UNITS: [(&str, u64); 8] = [
    ("w", 604_800_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Reads a sequence of number and unit (`w d h m s ms us µs ns`), largest first or not; a unit is required, save for `0`.
///
/// # Errors
/// What is no such sequence, is negative, or overflows 2^64 ns (584 years).
pub fn parse_duration(text: &str) -> Result<Duration, ParseUnitError> {
    let fail = || ParseUnitError::new(text, "a duration such as `200ms` or `1m30s`");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let number_end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(fail)?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let unit = if unit == "µs" || unit == "μs" {
            "us"
        } else {
            unit
        };
        let (_, unit_nanos) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(fail)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || whole.len() > 18 || fraction.len() > 9 || fraction.contains('.') {
            return Err(fail());
        }
        let mantissa: u128 = format!("{whole}{fraction}").parse().map_err(|_| fail())?;
        nanos += mantissa * u128::from(*unit_nanos) / 10u128.pow(fraction.len() as u32);
        rest = next;
    }
    u64::try_from(nanos)
        .ok()
        .filter(|_| !text.is_empty())
        .map(Duration::from_nanos)
        .ok_or_else(fail)
}

/// Writes the canonical form: whole units from hours down, `0s` for zero; `parse_duration` reads it back unchanged.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, unit_nanos) in UNITS.iter().skip(2) {
        let unit_nanos = u128::from(*unit_nanos);
        if rest >= unit_nanos {
            text.push_str(&format!("{}{unit}", rest / unit_nanos));
            rest %= unit_nanos;
        }
    }
    text
}

/// Serde form of a [`Duration`] as text, for `#[serde(with = "duration_text")]`; `duration_text::option` for optional ones.
pub mod duration_text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de};

    /// Writes the canonical text.
    ///
    /// # Errors
    /// Only what the serializer itself reports.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::format_duration(*duration))
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// A text that is no duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_duration(&text).map_err(de::Error::custom)
    }

    /// The same for `Option<Duration>`; use with `#[serde(default, skip_serializing_if = "Option::is_none")]`.
    pub mod option {
        use super::{Deserialize, Deserializer, Duration, Serializer, de};

        /// Writes the canonical text.
        ///
        /// # Errors
        /// Only what the serializer itself reports.
        pub fn serialize<S: Serializer>(
            duration: &Option<Duration>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match duration {
                Some(duration) => super::serialize(duration, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads the text form.
        ///
        /// # Errors
        /// A text that is no duration.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Duration>, D::Error> {
            Option::<String>::deserialize(deserializer)?
                .map(|text| crate::units::parse_duration(&text).map_err(de::Error::custom))
                .transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, nanos: u64, canonical: &str) {
        let duration = parse_duration(text).unwrap();
        assert_eq!(
            (duration.as_nanos(), format_duration(duration).as_str()),
            (u128::from(nanos), canonical)
        );
        assert_eq!(parse_duration(canonical), Ok(duration));
    }

    #[test]
    fn reads_go_and_prometheus_forms() {
        check("200ms", 200_000_000, "200ms");
        check("1m30s", 90_000_000_000, "1m30s");
        check("1.5h", 5_400_000_000_000, "1h30m");
        check("7d", 604_800_000_000_000, "168h");
        check("0", 0, "0s");
        check("250us", 250_000, "250us");
    }

    #[test]
    fn refuses_what_has_no_unit_or_sign() {
        for text in ["", "5", "-5m", "5 m", "m", "1x", "1..5s", "99999999999w"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
