//! An amount that a directive orders: absolute, by a difference or by a factor.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::units::Magnitude;

/// Exactly one of `{to: x}`, `{add: ±x}`, `{scale: factor}`.
///
/// A relative amount stays relative until it is resolved once, by code, from live state
/// ([`Amount::resolve`]); what can't be is an error, never clipped.
///
/// ```
/// use ibn_core::intent::Amount;
/// assert_eq!(Amount::<u32>::Scale(1.5).resolve(3), Some(5)); // half away from zero
/// assert_eq!(Amount::<u32>::Add(-5).resolve(3), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    bound(
        serialize = "T: Serialize, T::Delta: Serialize",
        deserialize = "T: DeserializeOwned, T::Delta: DeserializeOwned"
    )
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(bound = "T: schemars::JsonSchema, T::Delta: schemars::JsonSchema")
)]
pub enum Amount<T: Magnitude> {
    /// This value.
    To(T),
    /// This much more, or less where negative.
    Add(T::Delta),
    /// This many times as much.
    Scale(f64),
}

impl<T: Magnitude> Amount<T> {
    /// The absolute value, given the live one; `None` where the result would be negative or too large.
    #[must_use]
    pub fn resolve(self, live: T) -> Option<T> {
        match self {
            Self::To(value) => Some(value),
            Self::Add(delta) => live.checked_add_delta(delta),
            Self::Scale(factor) => live.checked_scale(factor),
        }
    }

    /// Whether the value depends on the live one.
    #[must_use]
    pub fn is_relative(self) -> bool {
        !matches!(self, Self::To(_))
    }
}
