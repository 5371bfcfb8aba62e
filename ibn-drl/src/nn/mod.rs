//! Small neural networks on plain arrays: dense layers with tanh between them, gradients by hand, Adam.
//!
//! Generic over [`Real`]: `f32` to train, `f64` to check gradients against finite differences. Batches are rows:
//! `[batch, numbers]`. Nothing here draws ambient randomness; the same seed gives the same weights and, by the same
//! operations in the same order, the same training.

mod adam;
mod init;
mod mlp;
mod real;

pub use adam::{Adam, AdamSettings};
pub use init::orthogonal;
pub use mlp::{Dense, Gradients, Mlp, Pass};
pub use real::Real;
