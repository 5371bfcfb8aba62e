//! The Adam optimiser.

use super::{Real, norm};

/// How [`Adam`] moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamSettings {
    /// The step size.
    pub learning_rate: f64,
    /// Decay of the mean of the gradients.
    pub beta1: f64,
    /// Decay of the mean of their squares.
    pub beta2: f64,
    /// Added to the root of the latter; 1e-5 is usual with PPO.
    pub epsilon: f64,
}

impl Default for AdamSettings {
    fn default() -> Self {
        Self {
            learning_rate: 3e-4,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-5,
        }
    }
}

/// Adam, with the correction of the means' bias:
///
/// ```text
/// m ← β₁m + (1 − β₁)g     v ← β₂v + (1 − β₂)g²
/// θ ← θ − η (m ÷ (1 − β₁ᵗ)) ÷ (√(v ÷ (1 − β₂ᵗ)) + ε)
/// ```
///
/// Kingma and Ba, "Adam: A Method for Stochastic Optimization" (ICLR 2015), algorithm 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Adam<F> {
    settings: AdamSettings,
    /// `m`, one for each parameter.
    means: Vec<F>,
    /// `v`, likewise.
    squares: Vec<F>,
    steps: i32,
}

impl<F: Real> Adam<F> {
    /// An optimiser of so many parameters.
    #[must_use]
    pub fn new(n_parameters: usize, settings: AdamSettings) -> Self {
        Self {
            settings,
            means: vec![F::zero(); n_parameters],
            squares: vec![F::zero(); n_parameters],
            steps: 0,
        }
    }

    /// Steps so far.
    #[must_use]
    pub fn steps(&self) -> i32 {
        self.steps
    }

    /// The means of the gradients and of their squares.
    #[must_use]
    pub fn moments(&self) -> (&[F], &[F]) {
        (&self.means, &self.squares)
    }

    /// Goes on from moments after so many steps; false, with nothing changed, where there are not as many as parameters.
    pub fn restore(&mut self, means: &[F], squares: &[F], steps: i32) -> bool {
        let fits = means.len() == self.means.len() && squares.len() == self.squares.len();
        if fits {
            self.means.copy_from_slice(means);
            self.squares.copy_from_slice(squares);
            self.steps = steps;
        }
        fits
    }

    /// One step against the gradients, at `rate` times the learning rate (1, or less on a schedule).
    ///
    /// A gradient that is not finite moves nothing, nor does one of another length; false then.
    pub fn step(&mut self, parameters: &mut [F], gradients: &[F], rate: f64) -> bool {
        let fits = parameters.len() == self.means.len() && gradients.len() == self.means.len();
        if !fits || !norm(gradients).is_finite() {
            return false;
        }
        self.steps = self.steps.saturating_add(1);
        let AdamSettings {
            learning_rate,
            beta1,
            beta2,
            epsilon,
        } = self.settings;
        // Both corrections in two numbers: η √(1 − β₂ᵗ) ÷ (1 − β₁ᵗ), and ε √(1 − β₂ᵗ).
        let root = (1.0 - beta2.powi(self.steps)).sqrt();
        let pace = rate * learning_rate * root / (1.0 - beta1.powi(self.steps));
        let rates = [pace, beta1, beta2, epsilon * root].map(F::of);
        F::adam(
            rates,
            parameters,
            gradients,
            &mut self.means,
            &mut self.squares,
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr2};

    use super::super::{Mlp, Workspace};
    use super::*;

    #[test]
    fn three_steps_by_the_formula() {
        let settings = AdamSettings {
            learning_rate: 0.1,
            epsilon: 1e-8,
            ..AdamSettings::default()
        };
        let mut parameters = [1.0, 2.0];
        let mut adam = Adam::new(2, settings);
        let (mut theta, mut m, mut v) = (1.0f64, 0.0, 0.0);
        for (t, g) in [(1, 0.5), (2, -2.0), (3, 0.25)] {
            assert!(adam.step(&mut parameters, &[g, 1.0], 1.0));
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let (m_hat, v_hat) = (m / (1.0 - 0.9f64.powi(t)), v / (1.0 - 0.999f64.powi(t)));
            theta -= 0.1 * m_hat / (v_hat.sqrt() + 1e-8);
            let found = parameters[0];
            assert!((found - theta).abs() < 1e-12, "{t}: {found} {theta}");
        }
        // With a constant gradient a parameter goes down by the learning rate at each step.
        assert!((parameters[1] - 1.7).abs() < 1e-6, "{}", parameters[1]);
        assert_eq!(adam.steps(), 3);
    }

    #[test]
    fn single_precision_follows_double_and_restores() {
        let (mut wide, mut narrow) = ([1.0f64; 70], [1.0f32; 70]);
        let mut of_wide = Adam::new(70, AdamSettings::default());
        let mut of_narrow = Adam::new(70, AdamSettings::default());
        for step in 1..=200 {
            let gradients: [f64; 70] =
                std::array::from_fn(|idx| (idx as f64 + f64::from(step)).sin());
            assert!(of_wide.step(&mut wide, &gradients, 1.0));
            assert!(of_narrow.step(&mut narrow, &gradients.map(|value| value as f32), 1.0));
            let (means, squares) = of_narrow.moments();
            let mut again = Adam::new(70, AdamSettings::default());
            assert!(again.restore(means, squares, of_narrow.steps()));
            assert_eq!(again, of_narrow);
        }
        for (wide, narrow) in wide.iter().zip(narrow) {
            assert!((wide - f64::from(narrow)).abs() < 1e-5, "{wide} {narrow}");
        }
        assert!(!of_narrow.restore(&[0.0], &[0.0], 1));
    }

    #[test]
    fn what_is_not_finite_moves_nothing() {
        let mut parameters = [1.0, 2.0];
        let mut adam = Adam::new(2, AdamSettings::default());
        let before = adam.clone();
        assert!(!adam.step(&mut parameters, &[f64::NAN, 1.0], 1.0));
        assert!(!adam.step(&mut parameters, &[1.0], 1.0));
        assert_eq!((parameters, adam), ([1.0, 2.0], before));
    }

    #[test]
    fn learns_what_no_line_can() {
        let x = arr2(&[[0.0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
        let y: Array2<f32> = arr2(&[[0.0], [1.0], [1.0], [0.0]]);
        for seed in 0..5 {
            let mut network: Mlp<f32> = Mlp::new(&[2, 16, 1], 1.0, seed);
            let settings = AdamSettings {
                learning_rate: 0.02,
                ..AdamSettings::default()
            };
            let mut adam = Adam::new(network.parameters().len(), settings);
            let mut work = Workspace::new(&network, 4);
            for _ in 0..500 {
                let output = network.pass(x.as_slice().unwrap(), &mut work);
                let by_output: Vec<f32> = output.iter().zip(&y).map(|(a, b)| a - b).collect();
                let mut gradients = vec![0.0; network.parameters().len()];
                network.backward(&by_output, &mut work, &mut gradients);
                adam.step(network.parameters_mut(), &gradients, 1.0);
            }
            let worst = (network.forward(x.view()) - &y)
                .iter()
                .fold(0.0f32, |worst, d| worst.max(d.abs()));
            assert!(worst < 0.05, "seed {seed}: {worst}");
        }
    }
}
