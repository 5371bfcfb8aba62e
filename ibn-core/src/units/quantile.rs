//! A quantile strictly between 0 and 1, comparable and hashable.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A quantile in millionths, so that 0.95 read from two places is the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantile(u32);

impl Quantile {
    /// The median.
    pub const P50: Self = Self(500_000);
    /// The 95th percentile, the default of a latency objective.
    pub const P95: Self = Self(950_000);
    /// The 99th percentile.
    pub const P99: Self = Self(990_000);

    /// The quantile nearest to `q` (to a millionth); `None` outside the open interval (0, 1).
    #[must_use]
    pub fn new(q: f64) -> Option<Self> {
        let millionths = (q * 1e6).round();
        (1.0..=999_999.0)
            .contains(&millionths)
            .then_some(Self(millionths as u32))
    }

    /// The quantile as a number in (0, 1).
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.0) / 1e6
    }

    /// The usual short name: `p95`, `p99.9`.
    #[must_use]
    pub fn short_name(self) -> String {
        format!("p{}", f64::from(self.0) / 1e4)
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.get())
    }
}

impl Serialize for Quantile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.get())
    }
}

impl<'de> Deserialize<'de> for Quantile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let q = f64::deserialize(deserializer)?;
        Self::new(q)
            .ok_or_else(|| de::Error::custom(format!("`{q}` is not a quantile between 0 and 1")))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Quantile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Quantile".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "number", "minimum": 0, "maximum": 1})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_bounds() {
        assert_eq!(Quantile::new(0.95), Some(Quantile::P95));
        assert_eq!(Quantile::new(0.999).unwrap().short_name(), "p99.9");
        for q in [0.0, 1.0, -1.0, 95.0, f64::NAN] {
            assert_eq!(Quantile::new(q), None);
        }
    }
}
