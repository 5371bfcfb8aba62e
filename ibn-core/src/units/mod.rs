//! Quantities with their unit in the type: CPU, memory, durations, quantiles and indicator values.
//!
//! Text forms are Kubernetes' own where Kubernetes has one (`500m`, `512Mi`), and Go's for durations
//! (`200ms`, `1m30s`). Every type prints a canonical form that reads back as the same value.

mod duration;
mod quantile;
mod quantity;
mod value;

pub use duration::{duration_text, format_duration, parse_duration};
pub use quantile::Quantile;
pub use quantity::{Bytes, CpuMillis, Magnitude, SignedBytes, SignedCpuMillis};
pub use value::{IndicatorValue, Unit};

/// A text that is not a value of the unit that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct ParseUnitError {
    /// What was read.
    pub text: String,
    /// What would have been accepted, as a phrase that ends the sentence "… is not".
    pub expected: &'static str,
}

impl ParseUnitError {
    pub(crate) fn new(text: &str, expected: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            expected,
        }
    }
}
