//! The arithmetic of the bandit: triangular systems, and who wins among normal variables.

use ndarray::{Array1, Array2};
use statrs::function::erf::erf;

/// The index of the greatest number, the first of equals.
pub(super) fn greatest(values: &[f64]) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (idx, value) in values.iter().enumerate() {
        if *value > best.1 {
            best = (idx, *value);
        }
    }
    best.0
}

/// The lower triangular `L` with `L Lᵀ = matrix`, for symmetric positive definite `[n, n]`.
#[expect(
    clippy::indexing_slicing,
    reason = "a kernel over the indices of a square matrix"
)]
pub(super) fn cholesky(matrix: &Array2<f64>) -> Array2<f64> {
    let n = matrix.nrows();
    let mut factor = Array2::zeros((n, n));
    for row in 0..n {
        for column in 0..=row {
            let mut sum = matrix[[row, column]];
            for k in 0..column {
                sum -= factor[[row, k]] * factor[[column, k]];
            }
            factor[[row, column]] = if row == column {
                // The prior's share keeps it positive; the bound is against rounding.
                sum.max(1e-12).sqrt()
            } else {
                sum / factor[[column, column]]
            };
        }
    }
    factor
}

/// Solves `L y = x` for lower triangular `L` by substitution.
#[expect(
    clippy::indexing_slicing,
    reason = "a kernel over the indices of a square matrix"
)]
pub(super) fn forward(factor: &Array2<f64>, x: &Array1<f64>) -> Array1<f64> {
    let mut y = x.clone();
    for row in 0..y.len() {
        for k in 0..row {
            y[row] -= factor[[row, k]] * y[k];
        }
        y[row] /= factor[[row, row]];
    }
    y
}

/// For each of independent normal variables (mean, standard deviation) the probability of being the greatest:
/// `P(i) = ∫ φ(t) Π_{j≠i} Φ((mᵢ + sᵢt − mⱼ) ÷ sⱼ) dt`, by Simpson's rule over ±8 standard deviations, scaled to sum to 1.
pub(super) fn win_probabilities(beliefs: &[(f64, f64)]) -> Vec<f64> {
    const INTERVALS: u32 = 160;
    const REACH: f64 = 8.0;
    let step = 2.0 * REACH / f64::from(INTERVALS);
    let below = |x: f64| 0.5 * (1.0 + erf(x / std::f64::consts::SQRT_2));
    let raw: Vec<f64> = beliefs
        .iter()
        .enumerate()
        .map(|(own, (mean, spread))| {
            (0..=INTERVALS)
                .map(|point| {
                    let t = -REACH + step * f64::from(point);
                    let weight = match point {
                        0 | INTERVALS => 1.0,
                        odd if odd % 2 == 1 => 4.0,
                        _ => 2.0,
                    };
                    let others: f64 = beliefs
                        .iter()
                        .enumerate()
                        .filter(|(other, _)| *other != own)
                        .map(|(_, (m, s))| below((mean + spread * t - m) / s))
                        .product();
                    weight * (-0.5 * t * t).exp() * others
                })
                .sum()
        })
        .collect();
    let total: f64 = raw.iter().sum();
    raw.iter()
        .map(|p| {
            if total > 0.0 {
                p / total
            } else {
                1.0 / raw.len() as f64
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cholesky_gives_the_matrix_back() {
        let matrix = ndarray::array![[4.0, 2.0, 0.6], [2.0, 3.0, 0.4], [0.6, 0.4, 2.0]];
        let factor = cholesky(&matrix);
        let difference = (factor.dot(&factor.t()) - matrix).mapv(f64::abs).sum();
        assert!(difference < 1e-12, "{difference}");
    }

    #[test]
    fn two_arms_win_by_the_closed_form() {
        // P(X > Y) = Φ((m − n) ÷ √(s² + t²)).
        let p = win_probabilities(&[(0.3, 0.4), (0.0, 0.3)]);
        let expected = 0.5 * (1.0 + erf(0.3 / 0.5 / std::f64::consts::SQRT_2));
        assert!(
            (p[0] - expected).abs() < 1e-6 && (p[0] + p[1] - 1.0).abs() < 1e-12,
            "{p:?}"
        );
    }
}
