//! Small neural networks on plain arrays: dense layers with tanh between them, gradients by hand, Adam.
//!
//! Generic over [`Real`]: `f32` to train, `f64` to check gradients against finite differences. Batches are rows:
//! `[batch, numbers]`. Nothing here draws ambient randomness; the same seed gives the same weights and, by the same
//! operations in the same order, the same training. A row's output does not depend on the other rows of its batch.

mod adam;
mod init;
mod kernel;
mod mlp;
mod real;

pub use adam::{Adam, AdamSettings};
pub use init::orthogonal;
pub use mlp::{Mlp, Workspace};
pub use real::Real;

/// The Euclidean norm, summed in `f64`; not finite where one of the values isn't.
#[must_use]
pub fn norm<F: Real>(values: &[F]) -> f64 {
    /// Sums that run beside each other, so that none waits for the one before.
    const SUMS: usize = 16;
    let mut sums = [0.0; SUMS];
    let whole = values.chunks_exact(SUMS);
    for (sum, value) in sums.iter_mut().zip(whole.remainder()) {
        *sum = value.wide() * value.wide();
    }
    for values in whole {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value.wide() * value.wide();
        }
    }
    sums.iter().sum::<f64>().sqrt()
}
