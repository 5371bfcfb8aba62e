//! Linear Thompson sampling with forgetting: the learning part of the bandit.

use ndarray::{Array1, Array2};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use statrs::function::erf::erf;

/// How [`LinearThompson`] learns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ThompsonSettings {
    /// Weight of an experience after one more, above 0 and up to 1 (nothing is forgotten).
    pub(super) decay: f64,
    /// Precision of the prior: how many experiences it counts as.
    pub(super) prior: f64,
    /// The standard deviation of rewards that is assumed before any was seen.
    pub(super) noise: f64,
    /// Share of choices that are uniform, so that every arm keeps a probability.
    pub(super) uniform: f64,
}

/// For each arm a Bayesian linear regression of the reward on the context; an arm is drawn by sampling each arm's
/// mean reward and taking the greatest.
///
/// Thompson sampling as in Agrawal and Goyal, "Thompson Sampling for Contextual Bandits with Linear Payoffs"
/// (ICML 2013); the forgetting, with which the posterior of what isn't tried drifts back to the prior, as in
/// Russac, Vernade and Cappé, "Weighted Linear Bandits for Non-Stationary Environments" (NeurIPS 2019). With
/// context `x`, arm precision `A` and moment `b`, after a reward `r`:
///
/// ```text
/// A ← γA + (1 − γ)λI + x xᵀ     b ← γb + r x      (the arm that was played; the others without x)
/// mean = xᵀA⁻¹b                 sd = σ √(xᵀA⁻¹x)
/// ```
///
/// Rewards are taken relative to a slow running mean, so that an arm that was never tried looks average rather than
/// perfect. All in `f64`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LinearThompson {
    settings: ThompsonSettings,
    /// One `[dim, dim]` precision and one `[dim]` moment per arm.
    arms: Vec<(Array2<f64>, Array1<f64>)>,
    /// Running mean of the rewards, of their squared residuals, and how many there were.
    pub(super) baseline: f64,
    pub(super) variance: f64,
    pub(super) count: u64,
}

/// A drawn arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Draw {
    pub(super) arm: usize,
    pub(super) log_probability: f64,
    /// The expected reward under the policy.
    pub(super) value: f64,
    /// Whether another arm has the greatest mean.
    pub(super) explored: bool,
    /// The probability with which another arm than the best is drawn.
    pub(super) exploration: f64,
}

impl LinearThompson {
    pub(super) fn new(arms: usize, dim: usize, settings: ThompsonSettings) -> Self {
        Self {
            arms: vec![(Array2::eye(dim) * settings.prior, Array1::zeros(dim)); arms],
            settings,
            baseline: 0.0,
            variance: settings.noise * settings.noise,
            count: 0,
        }
    }

    pub(super) fn arms(&self) -> &[(Array2<f64>, Array1<f64>)] {
        &self.arms
    }

    /// The same with other regressions, of the same shapes.
    pub(super) fn with_arms(mut self, arms: Vec<(Array2<f64>, Array1<f64>)>) -> Self {
        self.arms = arms;
        self
    }

    /// For each arm the mean reward in context `x` and the standard deviation of that mean.
    pub(super) fn beliefs(&self, x: &Array1<f64>) -> Vec<(f64, f64)> {
        self.arms
            .iter()
            .map(|(precision, moment)| {
                let factor = cholesky(precision);
                let half_x = forward(&factor, x);
                let half_b = forward(&factor, moment);
                let mean = self.baseline + half_x.dot(&half_b);
                let spread = (self.variance * half_x.dot(&half_x)).sqrt();
                (mean, spread.max(1e-9))
            })
            .collect()
    }

    /// Draws an arm.
    pub(super) fn draw(&self, x: &Array1<f64>, seed: u64) -> Draw {
        let beliefs = self.beliefs(x);
        let mut rng = Pcg64::seed_from_u64(seed);
        let uniform = rng.random_range(0.0..1.0) < self.settings.uniform;
        let any = rng.random_range(0..beliefs.len().max(1));
        let sampled: Vec<f64> = beliefs
            .iter()
            .map(|(mean, spread)| {
                let z: f64 = StandardNormal.sample(&mut rng);
                mean + spread * z
            })
            .collect();
        let means: Vec<f64> = beliefs.iter().map(|(mean, _)| *mean).collect();
        let arm = if uniform { any } else { greatest(&sampled) };
        let best = greatest(&means);
        let chance = |arm: usize, thompson: &[f64]| {
            let count = thompson.len().max(1) as f64;
            let share = thompson.get(arm).copied().unwrap_or(0.0);
            (1.0 - self.settings.uniform) * share + self.settings.uniform / count
        };
        let probabilities = win_probabilities(&beliefs);
        let value = means
            .iter()
            .enumerate()
            .map(|(arm, mean)| chance(arm, &probabilities) * mean)
            .sum();
        Draw {
            arm,
            log_probability: chance(arm, &probabilities).max(1e-12).ln().min(0.0),
            value,
            explored: arm != best,
            exploration: (1.0 - chance(best, &probabilities)).max(0.0),
        }
    }

    /// Takes in a reward; returns by how much it was more than expected.
    pub(super) fn update(&mut self, x: &Array1<f64>, arm: usize, reward: f64) -> f64 {
        if self.count == 0 {
            self.baseline = reward;
        }
        let expected = self
            .beliefs(x)
            .get(arm)
            .map_or(self.baseline, |(mean, _)| *mean);
        let residual = reward - expected;
        self.count += 1;
        let weight = (1.0 / self.count as f64).max(0.02);
        self.variance += weight * (residual * residual - self.variance);
        // A reward that never varies would end all exploration for good.
        self.variance = self
            .variance
            .max(1e-4 * self.settings.noise * self.settings.noise);
        let gamma = self.settings.decay;
        for (idx, (precision, moment)) in self.arms.iter_mut().enumerate() {
            *precision *= gamma;
            *moment *= gamma;
            for diagonal in precision.diag_mut() {
                *diagonal += (1.0 - gamma) * self.settings.prior;
            }
            if idx == arm {
                for ((row, column), entry) in precision.indexed_iter_mut() {
                    *entry +=
                        x.get(row).copied().unwrap_or(0.0) * x.get(column).copied().unwrap_or(0.0);
                }
                moment.scaled_add(reward - self.baseline, x);
            }
        }
        residual
    }
}

/// The index of the greatest number, the first of equals.
fn greatest(values: &[f64]) -> usize {
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
fn cholesky(matrix: &Array2<f64>) -> Array2<f64> {
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
fn forward(factor: &Array2<f64>, x: &Array1<f64>) -> Array1<f64> {
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
fn win_probabilities(beliefs: &[(f64, f64)]) -> Vec<f64> {
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

    const SETTINGS: ThompsonSettings = ThompsonSettings {
        decay: 0.995,
        prior: 1.0,
        noise: 0.3,
        uniform: 0.02,
    };

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

    #[test]
    fn logged_probabilities_are_those_of_the_draws() {
        let mut bandit = LinearThompson::new(3, 2, SETTINGS);
        let x = ndarray::array![1.0, 0.5];
        for (arm, reward) in [(0, -0.2), (1, 0.3), (2, 0.1), (1, 0.2), (0, 0.1)] {
            bandit.update(&x, arm, reward);
        }
        let draws = 8_000u32;
        let mut counts = [0u32; 3];
        let mut logged = [0.0; 3];
        for seed in 0..draws {
            let draw = bandit.draw(&x, u64::from(seed));
            counts[draw.arm] += 1;
            logged[draw.arm] = draw.log_probability.exp();
        }
        for (count, logged) in counts.iter().zip(logged) {
            let share = f64::from(*count) / f64::from(draws);
            // Four standard deviations of a share.
            assert!(
                (share - logged).abs() < 4.0 * (0.25 / f64::from(draws)).sqrt(),
                "{share} {logged}"
            );
        }
    }

    /// Three arms, each the best in another third of the context; the noise is as wide as the gaps.
    fn reward(x: f64, arm: usize, rng: &mut Pcg64) -> (f64, f64) {
        let means = [-0.5 * x, 0.17, 0.5 * x];
        let noise: f64 = StandardNormal.sample(rng);
        let best = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (means[arm] + 0.2 * noise, best - means[arm])
    }

    /// Total regret in each quarter of a run.
    fn regret(
        seed: u64,
        choose: &mut dyn FnMut(&mut LinearThompson, &Array1<f64>, u64) -> usize,
    ) -> [f64; 4] {
        let mut rng = Pcg64::seed_from_u64(seed);
        let settings = ThompsonSettings {
            decay: 0.999,
            ..SETTINGS
        };
        let mut bandit = LinearThompson::new(3, 2, settings);
        let mut quarters = [0.0; 4];
        for turn in 0..2_000usize {
            let x = rng.random_range(-1.0..1.0);
            let context = ndarray::array![1.0, x];
            let arm = choose(
                &mut bandit,
                &context,
                seed.wrapping_mul(1_000_003) + turn as u64,
            );
            let (reward, regret) = reward(x, arm, &mut rng);
            bandit.update(&context, arm, reward);
            quarters[turn / 500] += regret;
        }
        quarters
    }

    #[test]
    fn regret_falls_and_beats_every_fixed_arm_at_any_seed() {
        for seed in 0..8 {
            let learned = regret(seed, &mut |bandit, x, seed| bandit.draw(x, seed).arm);
            assert!(learned[3] < 0.5 * learned[0], "seed {seed}: {learned:?}");
            for fixed in 0..3 {
                let fixed_regret: f64 = regret(seed, &mut |_, _, _| fixed).iter().sum();
                assert!(
                    learned.iter().sum::<f64>() < 0.4 * fixed_regret,
                    "seed {seed} arm {fixed}"
                );
            }
        }
    }

    #[test]
    fn what_changes_is_learned_anew() {
        let mut bandit = LinearThompson::new(
            2,
            1,
            ThompsonSettings {
                decay: 0.98,
                ..SETTINGS
            },
        );
        let x = ndarray::array![1.0];
        let mut rng = Pcg64::seed_from_u64(1);
        let mut right = [0u32; 2];
        for turn in 0..1_200u64 {
            let good = usize::from(turn >= 600);
            let arm = bandit.draw(&x, turn).arm;
            let noise: f64 = StandardNormal.sample(&mut rng);
            bandit.update(&x, arm, if arm == good { 0.5 } else { 0.0 } + 0.2 * noise);
            if turn % 600 >= 400 {
                right[good] += u32::from(arm == good);
            }
        }
        assert!(right[0] > 150 && right[1] > 150, "{right:?} of 200 each");
    }
}
