//! Linear Thompson sampling with forgetting: the learning part of the bandit.

use ndarray::{Array1, Array2};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

use super::linear::{cholesky, forward, greatest, win_probabilities};

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

/// What a choice is made on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Context {
    /// What explains the reward whichever arm is played; begins with a constant 1.
    pub(super) shared: Array1<f64>,
    /// What an arm's advantage depends on.
    pub(super) own: Array1<f64>,
}

/// A Bayesian linear regression of the reward: a value that all arms share, and for each arm its advantage. An arm is drawn
/// by sampling each arm's advantage and taking the greatest.
///
/// Thompson sampling as in Agrawal and Goyal, "Thompson Sampling for Contextual Bandits with Linear Payoffs"
/// (ICML 2013), with the part of the reward that no arm changes taken out as in Greenewald, Tewari, Klasnja and
/// Murphy, "Action Centered Contextual Bandits" (NeurIPS 2017), and with the forgetting of Russac, Vernade and Cappé,
/// "Weighted Linear Bandits for Non-Stationary Environments" (NeurIPS 2019). With `z` the shared context and,
/// in the block of the arm that was played, its own context:
///
/// ```text
/// A ← γA + (1 − γ)λI + z zᵀ     b ← γb + r z
/// mean = uᵀA⁻¹b                 sd = σ √(uᵀA⁻¹u)     of an arm's advantage over the mean of all arms, as u picks it
/// ```
///
/// The prior expects the running mean of the rewards of every arm, so that an arm that was never tried looks average
/// rather than perfect. The unit of the reward doesn't matter. All in `f64`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LinearThompson {
    settings: ThompsonSettings,
    n_arms: usize,
    /// `[dim, dim]`, with `dim` the shared and all arms' own numbers.
    pub(super) precision: Array2<f64>,
    /// `[dim]`.
    pub(super) moment: Array1<f64>,
    /// Running mean of the rewards, of the squared errors, and how many there were.
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
    pub(super) fn new(
        n_arms: usize,
        n_shared: usize,
        n_own: usize,
        settings: ThompsonSettings,
    ) -> Self {
        let dim = n_shared + n_arms * n_own;
        Self {
            precision: Array2::eye(dim) * settings.prior,
            moment: Array1::zeros(dim),
            n_arms,
            baseline: 0.0,
            variance: settings.noise * settings.noise,
            count: 0,
            settings,
        }
    }

    pub(super) fn dim(&self) -> usize {
        self.moment.len()
    }

    /// `[dim]`: the shared context, and the own one in the block of each arm times that arm's weight.
    fn row(&self, shared: f64, context: &Context, weight: impl Fn(usize) -> f64) -> Array1<f64> {
        let own = (0..self.n_arms)
            .flat_map(|arm| context.own.iter().map(move |value| (arm, value)))
            .map(|(arm, value)| weight(arm) * value);
        let context = context.shared.iter().map(|value| shared * value);
        context.chain(own).collect()
    }

    /// What is learned from when `arm` is played.
    fn played(&self, context: &Context, arm: usize) -> Array1<f64> {
        self.row(1.0, context, |of| f64::from(u8::from(of == arm)))
    }

    /// `arm` less the mean of all arms. A shift that all arms have in common can't be told from the value, so only such
    /// differences become certain.
    fn contrast(&self, context: &Context, arm: usize) -> Array1<f64> {
        let share = 1.0 / self.n_arms.max(1) as f64;
        self.row(0.0, context, |of| f64::from(u8::from(of == arm)) - share)
    }

    /// The mean of all arms.
    fn mean(&self, context: &Context) -> Array1<f64> {
        let share = 1.0 / self.n_arms.max(1) as f64;
        self.row(1.0, context, |_| share)
    }

    /// The Cholesky factor `L` of the precision, and `L⁻¹` times the moment of the rewards less their running mean.
    fn posterior(&self) -> (Array2<f64>, Array1<f64>) {
        let factor = cholesky(&self.precision);
        // Behind the constant 1 stands the sum of the contexts: Σ(r − mean)z = Σrz − mean Σz.
        let mut sums = self.precision.column(0).to_owned();
        if let Some(first) = sums.first_mut() {
            *first -= self.settings.prior;
        }
        let half = forward(&factor, &(&self.moment - &(sums * self.baseline)));
        (factor, half)
    }

    /// The mean reward of all arms, and for each arm the mean of its advantage over that and the standard deviation of the mean.
    pub(super) fn beliefs(&self, context: &Context) -> (f64, Vec<(f64, f64)>) {
        let (factor, half) = self.posterior();
        let value = self.baseline + forward(&factor, &self.mean(context)).dot(&half);
        let arms = (0..self.n_arms)
            .map(|arm| {
                let row = forward(&factor, &self.contrast(context, arm));
                let spread = (self.variance * row.dot(&row)).sqrt();
                (row.dot(&half), spread.max(1e-9))
            })
            .collect();
        (value, arms)
    }

    /// Draws an arm.
    pub(super) fn draw(&self, context: &Context, seed: u64) -> Draw {
        let (shared, beliefs) = self.beliefs(context);
        let mut rng = Pcg64::seed_from_u64(seed);
        let uniform = rng.random_range(0.0..1.0) < self.settings.uniform;
        let any = rng.random_range(0..self.n_arms.max(1));
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
        let floor = self.settings.uniform / self.n_arms.max(1) as f64;
        let chances: Vec<f64> = win_probabilities(&beliefs)
            .into_iter()
            .map(|share| (1.0 - self.settings.uniform) * share + floor)
            .collect();
        let chance = |arm: usize| chances.get(arm).copied().unwrap_or(0.0);
        let gain: f64 = chances.iter().zip(&means).map(|(p, mean)| p * mean).sum();
        Draw {
            arm,
            log_probability: chance(arm).max(1e-12).ln().min(0.0),
            value: shared + gain,
            explored: arm != best,
            exploration: (1.0 - chance(best)).clamp(0.0, 1.0),
        }
    }

    /// Takes in a reward; returns by how much it was more than expected.
    pub(super) fn update(&mut self, context: &Context, arm: usize, reward: f64) -> f64 {
        if self.count == 0 {
            self.baseline = reward;
        }
        let (shared, beliefs) = self.beliefs(context);
        let advantage = beliefs.get(arm).map_or(0.0, |(mean, _)| *mean);
        let residual = reward - shared - advantage;
        self.count += 1;
        let weight = (1.0 / self.count as f64).max(0.02);
        self.baseline += weight * (reward - self.baseline);
        // The assumed noise counts as one experience.
        let weight = (1.0 / (self.count + 1) as f64).max(0.02);
        self.variance += weight * (residual * residual - self.variance);
        // A reward that never varies would end all exploration for good.
        self.variance = self
            .variance
            .max(1e-6 * self.settings.noise * self.settings.noise);
        let gamma = self.settings.decay;
        let row = self.played(context, arm);
        self.precision *= gamma;
        self.moment *= gamma;
        for diagonal in self.precision.diag_mut() {
            *diagonal += (1.0 - gamma) * self.settings.prior;
        }
        for (mut into, value) in self.precision.outer_iter_mut().zip(&row) {
            into.scaled_add(*value, &row);
        }
        self.moment.scaled_add(reward, &row);
        residual
    }
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

    fn context(x: f64) -> Context {
        Context {
            shared: ndarray::array![1.0],
            own: ndarray::array![1.0, x],
        }
    }

    #[test]
    fn logged_probabilities_are_those_of_the_draws() {
        let mut bandit = LinearThompson::new(3, 1, 2, SETTINGS);
        let x = context(0.5);
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
        choose: &mut dyn FnMut(&mut LinearThompson, &Context, u64) -> usize,
    ) -> [f64; 4] {
        let mut rng = Pcg64::seed_from_u64(seed);
        let settings = ThompsonSettings {
            decay: 0.999,
            ..SETTINGS
        };
        let mut bandit = LinearThompson::new(3, 1, 2, settings);
        let mut quarters = [0.0; 4];
        for turn in 0..2_000usize {
            let x = rng.random_range(-1.0..1.0);
            let context = context(x);
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
            1,
            ThompsonSettings {
                decay: 0.98,
                ..SETTINGS
            },
        );
        let x = Context {
            shared: ndarray::array![1.0],
            own: ndarray::array![1.0],
        };
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
