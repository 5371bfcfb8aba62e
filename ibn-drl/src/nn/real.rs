//! The two kinds of floating-point number.

use ndarray::NdFloat;

use super::kernel::Kernel;

/// `f32`, computed on the vector unit, or `f64`, computed plainly: the oracle of the former.
pub trait Real: NdFloat + Default + Kernel {
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
