//! Bounds that an intent puts on what may be done for it.

use serde::{Deserialize, Serialize};

use crate::units::{Bytes, CpuMillis};

/// Bounds that act by themselves: live state is moved to the nearest one.
///
/// `cpu` and `memory` speak of the pod's sum over its containers: `max` bounds the limits (the requests
/// where no limit is set), `min` bounds the requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Constraints {
    /// Bounds on the number of pods.
    #[serde(default, skip_serializing_if = "Range::is_empty")]
    pub replicas: Range<u32>,
    /// Bounds on a pod's CPU.
    #[serde(default, skip_serializing_if = "Range::is_empty")]
    pub cpu: Range<CpuMillis>,
    /// Bounds on a pod's memory.
    #[serde(default, skip_serializing_if = "Range::is_empty")]
    pub memory: Range<Bytes>,
    /// Bounds on the sum of requests over all pods.
    #[serde(default, skip_serializing_if = "BudgetLimit::is_empty")]
    pub budget: BudgetLimit,
}

impl Constraints {
    /// Whether nothing is bounded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A closed range, either end of which may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Range<T> {
    /// The least value, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<T>,
    /// The greatest value, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<T>,
}

impl<T> Default for Range<T> {
    fn default() -> Self {
        Self {
            min: None,
            max: None,
        }
    }
}

impl<T> Range<T> {
    /// Whether both ends are open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.min.is_none() && self.max.is_none()
    }
}

impl<T: Ord + Copy> Range<T> {
    /// The range from `min` to `max`.
    #[must_use]
    pub fn new(min: Option<T>, max: Option<T>) -> Self {
        Self { min, max }
    }

    /// Whether `value` lies inside.
    #[must_use]
    pub fn contains(&self, value: T) -> bool {
        self.min.is_none_or(|min| min <= value) && self.max.is_none_or(|max| value <= max)
    }

    /// The value inside that is nearest to `value`; the minimum where the ends exclude each other.
    #[must_use]
    pub fn clamp(&self, value: T) -> T {
        let below = self.max.map_or(value, |max| value.min(max));
        self.min.map_or(below, |min| below.max(min))
    }

    /// Whether no value lies inside.
    #[must_use]
    pub fn is_contradictory(&self) -> bool {
        matches!((self.min, self.max), (Some(min), Some(max)) if min > max)
    }
}

/// The most that the requests of all pods may sum to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BudgetLimit {
    /// CPU requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CpuMillis>,
    /// Memory requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
}

impl BudgetLimit {
    /// Whether nothing is bounded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cpu.is_none() && self.memory.is_none()
    }
}
