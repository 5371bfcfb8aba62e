//! Decimal numbers as they were said, exact until they become a factor.

use std::fmt;

/// A signed decimal: `mantissa / 10^places`, in lowest terms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal {
    mantissa: i128,
    places: u32,
    /// Whether it was written as thousands are in other countries: `1.000`.
    grouped: bool,
}

/// However it was written.
impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        (self.mantissa, self.places) == (other.mantissa, other.places)
    }
}

impl Eq for Decimal {}

/// More digits than any amount needs; keeps every operation far from overflow.
const MAX_DIGITS: usize = 15;

impl Decimal {
    /// A whole number.
    pub(crate) const fn whole(number: i64) -> Self {
        Self {
            mantissa: number as i128,
            places: 0,
            grouped: false,
        }
    }

    /// `mantissa / 10^places`.
    pub(crate) const fn new(mantissa: i64, places: u32) -> Self {
        Self {
            mantissa: mantissa as i128,
            places,
            grouped: false,
        }
        .reduced()
    }

    /// Reads digits with at most one point; `None` for anything else or more than 15 digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = whole.len() + fraction.len();
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || digits > MAX_DIGITS || !plain(whole) || !plain(fraction) {
            return None;
        }
        let mantissa = format!("{whole}{fraction}").parse().ok()?;
        let places = u32::try_from(fraction.len()).ok()?;
        let grouped = fraction.len() == 3 && whole.len() <= 3 && !whole.starts_with('0');
        let read = Self {
            mantissa,
            places,
            grouped,
        };
        Some(read.reduced())
    }

    const fn reduced(mut self) -> Self {
        while self.places > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.places -= 1;
        }
        self
    }

    /// The sum; `None` where it has too many digits.
    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        let places = self.places.max(other.places);
        let lift = |it: Self| {
            10i128
                .checked_pow(places - it.places)
                .and_then(|power| it.mantissa.checked_mul(power))
        };
        let mantissa = lift(self)?.checked_add(lift(other)?)?;
        Self {
            mantissa,
            places,
            grouped: false,
        }
        .checked()
    }

    /// The product; `None` where it has too many digits.
    pub(crate) fn times(self, other: Self) -> Option<Self> {
        let mantissa = self.mantissa.checked_mul(other.mantissa)?;
        Self {
            mantissa,
            places: self.places.checked_add(other.places)?,
            grouped: false,
        }
        .checked()
    }

    fn checked(self) -> Option<Self> {
        let reduced = self.reduced();
        (reduced.mantissa.unsigned_abs() < 10u128.pow(MAX_DIGITS as u32 + 6)
            && reduced.places <= MAX_DIGITS as u32 + 6)
            .then_some(reduced)
    }

    /// The number with the other sign.
    #[must_use]
    pub(crate) fn negated(self) -> Self {
        Self {
            mantissa: -self.mantissa,
            ..self
        }
    }

    /// A hundredth of it.
    #[must_use]
    pub(crate) fn hundredth(self) -> Self {
        Self {
            mantissa: self.mantissa,
            places: self.places + 2,
            grouped: false,
        }
        .reduced()
    }

    /// The nearest double, the one that the written number stands for.
    pub(crate) fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The number where it is whole and fits.
    pub(crate) fn to_u32(self) -> Option<u32> {
        (self.places == 0)
            .then_some(self.mantissa)
            .and_then(|number| u32::try_from(number).ok())
    }

    /// The number a thousand times as large, where the way it was written can mean that one too: of `1.000`, 1000.
    pub(crate) fn may_be_thousands(self) -> Option<Self> {
        self.grouped.then(|| self.times(Self::whole(1000)))?
    }

    pub(crate) fn is_negative(self) -> bool {
        self.mantissa < 0
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        let places = self.places as usize;
        if places == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_prints_and_computes_exactly() {
        let read = |text| Decimal::parse(text).unwrap();
        assert_eq!(read("1.50").to_string(), "1.5");
        assert_eq!(read("0.05").to_string(), "0.05");
        assert_eq!(read("33").hundredth().to_string(), "0.33");
        assert_eq!(
            Decimal::whole(1).plus(read("0.33")).map(Decimal::to_f64),
            Some(1.33)
        );
        assert_eq!(read("0.5").times(read("3")), Some(read("1.5")));
        assert_eq!(read("12").to_u32(), Some(12));
        assert_eq!(read("1.5").to_u32(), None);
        assert_eq!(read("1.000").may_be_thousands(), Some(Decimal::whole(1000)));
        for text in ["1.00", "0.500", "1234.000", "1000", "1.0000"] {
            assert_eq!(read(text).may_be_thousands(), None, "{text}");
        }
        for text in ["", ".", ".5", "1.2.3", "-1", "1e3", "1234567890123456"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
