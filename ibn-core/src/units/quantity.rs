//! CPU and memory amounts with the text form of `k8s.io/apimachinery` quantities.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::ParseUnitError;

/// A non-negative size that can be moved by a signed difference or by a factor.
///
/// Used by [`crate::intent::Amount`] so that replicas, CPU and memory share one meaning of
/// "to", "add" and "scale".
pub trait Magnitude: Copy + Ord + fmt::Debug + fmt::Display {
    /// The signed difference between two such sizes.
    type Delta: Copy + Eq + fmt::Debug + fmt::Display;

    /// The smallest size.
    const ZERO: Self;

    /// This size moved by `delta`; `None` below zero or on overflow.
    #[must_use]
    fn checked_add_delta(self, delta: Self::Delta) -> Option<Self>;

    /// This size times `factor`, rounded half away from zero; `None` where the factor is negative or
    /// not finite, or where the result overflows.
    #[must_use]
    fn checked_scale(self, factor: f64) -> Option<Self>;

    /// This size as a plain number in its unit (pods, millicores, bytes), for arithmetic on models.
    #[must_use]
    fn as_f64(self) -> f64;
}

/// Rounds half away from zero into `u64`; `None` for what doesn't fit.
fn scale_u64(value: u64, factor: f64) -> Option<u64> {
    if !factor.is_finite() || factor < 0.0 {
        return None;
    }
    let scaled = (value as f64 * factor).round();
    // `u64::MAX as f64` is 2^64, the first value that doesn't fit.
    (scaled < u64::MAX as f64).then_some(scaled as u64)
}

impl Magnitude for u32 {
    type Delta = i32;
    const ZERO: Self = 0;

    fn checked_add_delta(self, delta: i32) -> Option<Self> {
        self.checked_add_signed(delta)
    }

    fn checked_scale(self, factor: f64) -> Option<Self> {
        scale_u64(u64::from(self), factor).and_then(|scaled| Self::try_from(scaled).ok())
    }

    fn as_f64(self) -> f64 {
        f64::from(self)
    }
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $(#[$delta_doc:meta])* $delta:ident, $scale:expr, $write:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        $(#[$delta_doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $delta(i64);

        impl $name {
            /// Wraps a count of the base unit.
            #[must_use]
            pub const fn new(count: u64) -> Self {
                Self(count)
            }

            /// The count of the base unit.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The sum, or the largest value where it would overflow.
            #[must_use]
            pub const fn saturating_add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }

            /// The difference, or zero where it would be negative.
            #[must_use]
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }

            /// This many times as much, or the largest value where it would overflow.
            #[must_use]
            pub const fn saturating_mul(self, times: u64) -> Self {
                Self(self.0.saturating_mul(times))
            }
        }

        impl $delta {
            /// Wraps a signed count of the base unit.
            #[must_use]
            pub const fn new(count: i64) -> Self {
                Self(count)
            }

            /// The signed count of the base unit.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl Magnitude for $name {
            type Delta = $delta;
            const ZERO: Self = Self(0);

            fn checked_add_delta(self, delta: $delta) -> Option<Self> {
                self.0.checked_add_signed(delta.0).map(Self)
            }

            fn checked_scale(self, factor: f64) -> Option<Self> {
                scale_u64(self.0, factor).map(Self)
            }

            fn as_f64(self) -> f64 {
                self.0 as f64
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                iter.fold(Self(0), Self::saturating_add)
            }
        }

        impl FromStr for $name {
            type Err = ParseUnitError;

            fn from_str(text: &str) -> Result<Self, ParseUnitError> {
                parse_scaled(text, $scale)
                    .and_then(|count| u64::try_from(count).ok())
                    .map(Self)
                    .ok_or_else(|| ParseUnitError::new(text, $expected))
            }
        }

        impl FromStr for $delta {
            type Err = ParseUnitError;

            fn from_str(text: &str) -> Result<Self, ParseUnitError> {
                parse_scaled(text, $scale)
                    .and_then(|count| i64::try_from(count).ok())
                    .map(Self)
                    .ok_or_else(|| ParseUnitError::new(text, $expected))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&$write(self.0))
            }
        }

        impl fmt::Display for $delta {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let sign = if self.0 < 0 { "-" } else { "" };
                f.pad(&format!("{sign}{}", $write(self.0.unsigned_abs())))
            }
        }

        quantity!(@serde $name, $expected);
        quantity!(@serde $delta, $expected);
    };
    (@serde $name:ident, $expected:literal) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(QuantityVisitor).and_then(|text| {
                    text.parse().map_err(|error: ParseUnitError| de::Error::custom(error))
                })
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "x-kubernetes-int-or-string": true,
                    "anyOf": [{"type": "integer"}, {"type": "string"}],
                    "description": concat!("A Kubernetes quantity: ", $expected, "."),
                })
            }
        }
    };
}

quantity!(
    /// CPU in thousandths of a core, as in `500m`. Finer amounts are rounded up, as Kubernetes does.
    CpuMillis,
    /// A difference of CPU in thousandths of a core.
    SignedCpuMillis,
    1000,
    write_cpu,
    "a CPU quantity such as `500m` or `1.5`"
);

quantity!(
    /// Memory in bytes, as in `512Mi`. Fractions of a byte are rounded up, as Kubernetes does.
    Bytes,
    /// A difference of memory in bytes.
    SignedBytes,
    1,
    write_bytes,
    "a memory quantity such as `512Mi` or `1G`"
);

impl CpuMillis {
    /// This amount in cores.
    #[must_use]
    pub fn as_cores(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The amount nearest to `cores`, rounded half away from zero; `None` where that is negative, not finite or too large.
    #[must_use]
    pub fn from_cores(cores: f64) -> Option<Self> {
        let millis = (cores * 1000.0).round();
        (millis >= 0.0 && millis < u64::MAX as f64).then_some(Self(millis as u64))
    }
}

fn write_cpu(millis: u64) -> String {
    if millis.is_multiple_of(1000) {
        (millis / 1000).to_string()
    } else {
        format!("{millis}m")
    }
}

fn write_bytes(bytes: u64) -> String {
    const BINARY: [&str; 6] = ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki"];
    const DECIMAL: [&str; 6] = ["E", "P", "T", "G", "M", "k"];
    if bytes == 0 {
        return "0".to_owned();
    }
    for (power, suffix) in (1..=6u32).rev().zip(BINARY) {
        let unit = 1u64 << (10 * power);
        if bytes.is_multiple_of(unit) {
            return format!("{}{suffix}", bytes / unit);
        }
    }
    for (power, suffix) in (1..=6u32).rev().zip(DECIMAL) {
        let unit = 10u64.pow(3 * power);
        if bytes.is_multiple_of(unit) {
            return format!("{}{suffix}", bytes / unit);
        }
    }
    bytes.to_string()
}

/// Reads a quantity exactly and returns it in units of 1/`scale`, rounded away from zero.
///
/// The grammar is that of `k8s.io/apimachinery/pkg/api/resource`: a signed decimal number followed
/// by a binary suffix, a decimal suffix or a decimal exponent.
fn parse_scaled(text: &str, scale: i128) -> Option<i128> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let digits_end = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(digits_end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty())
        || fraction.contains('.')
        || whole.len() > 19
        || fraction.len() > 18
    {
        return None;
    }
    let (multiplier, mut decimal_exponent): (i128, i32) = match suffix {
        "" => (1, 0),
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        _ => (
            1,
            suffix
                .strip_prefix(['e', 'E'])?
                .parse()
                .ok()
                .filter(|e: &i32| e.abs() <= 18)?,
        ),
    };
    let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
    decimal_exponent -= i32::try_from(fraction.len()).ok()?;
    let mut count = mantissa.checked_mul(multiplier)?.checked_mul(scale)?;
    let power = 10i128.checked_pow(decimal_exponent.unsigned_abs())?;
    count = if decimal_exponent >= 0 {
        count.checked_mul(power)?
    } else {
        count / power + i128::from(count % power != 0)
    };
    Some(if negative { -count } else { count })
}

/// Accepts a string or a bare number, as Kubernetes' JSON does.
struct QuantityVisitor;

impl de::Visitor<'_> for QuantityVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity as a string or a number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_cpu(text: &str, millis: u64, canonical: &str) {
        let cpu: CpuMillis = text.parse().unwrap();
        assert_eq!((cpu.get(), cpu.to_string().as_str()), (millis, canonical));
    }

    #[track_caller]
    fn check_memory(text: &str, bytes: u64, canonical: &str) {
        let memory: Bytes = text.parse().unwrap();
        assert_eq!(
            (memory.get(), memory.to_string().as_str()),
            (bytes, canonical)
        );
    }

    #[test]
    fn cpu_reads_as_kubernetes_does() {
        check_cpu("500m", 500, "500m");
        check_cpu("1.5", 1500, "1500m");
        check_cpu("2", 2000, "2");
        check_cpu("0.1", 100, "100m");
        check_cpu("1u", 1, "1m");
        check_cpu("1e3", 1_000_000, "1000");
        check_cpu("2k", 2_000_000, "2000");
    }

    #[test]
    fn memory_reads_as_kubernetes_does() {
        check_memory("512Mi", 512 << 20, "512Mi");
        check_memory("1Gi", 1 << 30, "1Gi");
        check_memory("1G", 1_000_000_000, "1G");
        check_memory("1.5Gi", 3 << 29, "1536Mi");
        check_memory("100", 100, "100");
        check_memory("1001m", 2, "2");
        check_memory("0", 0, "0");
    }

    #[test]
    fn nonsense_and_overflow_are_refused() {
        for text in [
            "",
            "m",
            "-1",
            "1.2.3",
            "1mi",
            "5 00m",
            "1e99",
            "99999999999999999999",
            "NaN",
            "inf",
            "0x10",
        ] {
            assert!(text.parse::<CpuMillis>().is_err(), "{text}");
        }
        assert_eq!("-500m".parse::<SignedCpuMillis>().unwrap().get(), -500);
    }

    #[test]
    fn scaling_rounds_half_away_from_zero() {
        assert_eq!(3u32.checked_scale(1.5), Some(5));
        assert_eq!(
            CpuMillis::new(333).checked_scale(0.5),
            Some(CpuMillis::new(167))
        );
        assert_eq!(5u32.checked_scale(-1.0), None);
        assert_eq!(5u32.checked_scale(f64::NAN), None);
        assert_eq!(u32::MAX.checked_scale(2.0), None);
    }
}
