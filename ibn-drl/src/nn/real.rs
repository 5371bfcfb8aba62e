//! The two kinds of floating-point number.

use ndarray::NdFloat;

/// `f32` or `f64`.
pub trait Real: NdFloat + Default {
    /// The nearest value to `value`.
    fn of(value: f64) -> Self;

    /// The same value, exactly.
    fn wide(self) -> f64;
}

impl Real for f32 {
    fn of(value: f64) -> Self {
        value as Self
    }

    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }

    fn wide(self) -> f64 {
        self
    }
}
