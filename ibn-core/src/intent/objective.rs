//! Objectives: an indicator that is to stay on one side of a value.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::units::{IndicatorValue, Quantile, Unit, format_duration, parse_duration};

/// The window of an objective that names none.
pub const DEFAULT_WINDOW: Duration = Duration::from_secs(300);

/// An indicator is to stay on one side of a value over a sliding window.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// What is measured.
    pub indicator: IndicatorName,
    /// For `latency`: which quantile; p95 where absent.
    pub quantile: Option<Quantile>,
    /// The side and the value.
    pub bound: Bound,
    /// The window; [`DEFAULT_WINDOW`] where absent.
    pub window: Option<Duration>,
}

impl Objective {
    /// The window; 5 minutes where none is given.
    #[must_use]
    pub fn window(&self) -> Duration {
        self.window.unwrap_or(DEFAULT_WINDOW)
    }

    /// The quantile of a latency objective; p95 where none is given.
    #[must_use]
    pub fn quantile(&self) -> Quantile {
        self.quantile.unwrap_or(Quantile::P95)
    }

    /// Whether `achieved`, in the unit of the bound, meets the objective. NaN meets nothing.
    #[must_use]
    pub fn is_met_by(&self, achieved: f64) -> bool {
        match &self.bound {
            Bound::AtMost(value) => achieved <= value.number(),
            Bound::AtLeast(value) => achieved >= value.number(),
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.indicator == IndicatorName::Latency {
            write!(f, "{} ", self.quantile().short_name())?;
        }
        match &self.bound {
            Bound::AtMost(value) => write!(f, "{} at most {value}", self.indicator),
            Bound::AtLeast(value) => write!(f, "{} at least {value}", self.indicator),
        }?;
        write!(f, " over {}", format_duration(self.window()))
    }
}

/// The side of an objective: exactly one of `atMost` and `atLeast`.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// The indicator may reach this value and no more.
    AtMost(IndicatorValue),
    /// The indicator may fall to this value and no lower.
    AtLeast(IndicatorValue),
}

impl Bound {
    /// The value, whichever the side.
    #[must_use]
    pub fn value(&self) -> &IndicatorValue {
        match self {
            Self::AtMost(value) | Self::AtLeast(value) => value,
        }
    }
}

/// A built-in indicator, or the name of an `Indicator` object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndicatorName {
    /// A quantile of the response time, a duration.
    Latency,
    /// Share of requests that failed, percent.
    ErrorRate,
    /// Share of requests that succeeded, percent.
    Availability,
    /// CPU used, percent of the requests.
    CpuUtilization,
    /// Memory used, percent of the requests.
    MemoryUtilization,
    /// Requests served per second.
    Throughput,
    /// Cores requested over all pods.
    Cost,
    /// The name of an `Indicator` object.
    Custom(String),
}

impl IndicatorName {
    /// The built-in indicators.
    pub const BUILT_IN: [Self; 7] = [
        Self::Latency,
        Self::ErrorRate,
        Self::Availability,
        Self::CpuUtilization,
        Self::MemoryUtilization,
        Self::Throughput,
        Self::Cost,
    ];

    /// The unit of a built-in indicator; `None` for an own one, whose unit stands in its object.
    #[must_use]
    pub fn unit(&self) -> Option<Unit> {
        match self {
            Self::Latency => Some(Unit::Seconds),
            Self::ErrorRate
            | Self::Availability
            | Self::CpuUtilization
            | Self::MemoryUtilization => Some(Unit::Percent),
            Self::Throughput => Some(Unit::RequestsPerSecond),
            Self::Cost => Some(Unit::Cores),
            Self::Custom(_) => None,
        }
    }

    /// Reads a value of this indicator.
    ///
    /// # Errors
    /// A text without the indicator's unit.
    pub fn parse_value(&self, text: &str) -> Result<IndicatorValue, crate::units::ParseUnitError> {
        match self.unit() {
            Some(unit) => IndicatorValue::parse(text, unit),
            None => IndicatorValue::parse_any(text),
        }
    }

    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Latency => "latency",
            Self::ErrorRate => "errorRate",
            Self::Availability => "availability",
            Self::CpuUtilization => "cpuUtilization",
            Self::MemoryUtilization => "memoryUtilization",
            Self::Throughput => "throughput",
            Self::Cost => "cost",
            Self::Custom(name) => name,
        }
    }
}

impl fmt::Display for IndicatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for IndicatorName {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::BUILT_IN
            .into_iter()
            .find(|name| name.as_str() == text)
            .unwrap_or_else(|| Self::Custom(text.to_owned())))
    }
}

impl Serialize for IndicatorName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for IndicatorName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse() {
            Ok(name) => Ok(name),
            Err(never) => match never {},
        }
    }
}

/// The written form of an objective, in which each part is optional text.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Objective"))]
struct ObjectiveForm {
    /// `latency`, `errorRate`, `availability`, `cpuUtilization`, `memoryUtilization`, `throughput`, `cost`, or the name of an `Indicator`.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    indicator: IndicatorName,
    /// For `latency`: the quantile, between 0 and 1; 0.95 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantile: Option<Quantile>,
    /// The greatest value that is allowed, with its unit; exactly one of `atMost` and `atLeast`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_most: Option<String>,
    /// The least value that is allowed, with its unit; exactly one of `atMost` and `atLeast`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_least: Option<String>,
    /// The sliding window, such as `5m` (the default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<String>,
}

impl Serialize for Objective {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (at_most, at_least) = match &self.bound {
            Bound::AtMost(value) => (Some(value.to_string()), None),
            Bound::AtLeast(value) => (None, Some(value.to_string())),
        };
        ObjectiveForm {
            indicator: self.indicator.clone(),
            quantile: self.quantile,
            at_most,
            at_least,
            window: self.window.map(format_duration),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Objective {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = ObjectiveForm::deserialize(deserializer)?;
        let read = |text: &str| form.indicator.parse_value(text).map_err(de::Error::custom);
        let bound = match (&form.at_most, &form.at_least) {
            (Some(text), None) => Bound::AtMost(read(text)?),
            (None, Some(text)) => Bound::AtLeast(read(text)?),
            _ => {
                return Err(de::Error::custom(
                    "exactly one of `atMost` and `atLeast` is needed",
                ));
            }
        };
        let window = form
            .window
            .as_deref()
            .map(parse_duration)
            .transpose()
            .map_err(de::Error::custom)?;
        Ok(Self {
            indicator: form.indicator,
            quantile: form.quantile,
            bound,
            window,
        })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Objective {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Objective".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ObjectiveForm::json_schema(generator)
    }
}
