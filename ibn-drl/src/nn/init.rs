//! Orthogonal initial weights.

use ndarray::{Array1, Array2};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::Real;

/// A `[rows, columns]` matrix whose shorter side is orthonormal, times `gain`: rows where there are fewer rows, columns
/// otherwise. Uniform over such matrices.
///
/// Saxe, McClelland and Ganguli, "Exact Solutions to the Nonlinear Dynamics of Learning in Deep Linear Neural Networks"
/// (ICLR 2014). By modified Gram–Schmidt, twice, on normal vectors, in `f64`.
pub fn orthogonal<F: Real>(
    rows: usize,
    columns: usize,
    gain: f64,
    random: &mut impl Rng,
) -> Array2<F> {
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut basis: Vec<Array1<f64>> = Vec::with_capacity(count);
    while basis.len() < count {
        let mut vector: Array1<f64> = (0..length).map(|_| StandardNormal.sample(random)).collect();
        // Once more takes out what rounding left.
        for _ in 0..2 {
            for other in &basis {
                let along = vector.dot(other);
                vector.scaled_add(-along, other);
            }
        }
        let norm = vector.dot(&vector).sqrt();
        // One that lay almost inside of the others is drawn anew.
        if norm > 1e-6 {
            basis.push(vector / norm);
        }
    }
    let mut matrix = Array2::zeros((rows, columns));
    for (idx, vector) in basis.iter().enumerate() {
        let mut side = if rows <= columns {
            matrix.row_mut(idx)
        } else {
            matrix.column_mut(idx)
        };
        for (entry, value) in side.iter_mut().zip(vector) {
            *entry = F::of(gain * value);
        }
    }
    matrix
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_pcg::Pcg64;

    use super::*;

    #[test]
    fn the_shorter_side_is_orthonormal_times_the_gain() {
        for (rows, columns) in [(3, 8), (8, 3), (64, 64), (1, 5), (5, 1)] {
            let gain = 1.5;
            let w: Array2<f64> = orthogonal(rows, columns, gain, &mut Pcg64::seed_from_u64(7));
            let gram = if rows <= columns {
                w.dot(&w.t())
            } else {
                w.t().dot(&w)
            };
            let off = (gram - Array2::<f64>::eye(rows.min(columns)) * gain * gain).mapv(f64::abs);
            assert!(off.iter().all(|x| *x < 1e-12), "{rows}×{columns}");
        }
    }
}
