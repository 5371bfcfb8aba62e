//! The Adam optimiser.

use super::{Dense, Gradients, Mlp, Real};

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
    /// `m` and `v`, in the shape of the network.
    means: Vec<(Dense<F>, Dense<F>)>,
    steps: i32,
}

impl<F: Real> Adam<F> {
    /// An optimiser of `network`.
    #[must_use]
    pub fn new(network: &Mlp<F>, settings: AdamSettings) -> Self {
        let means = network
            .layers()
            .iter()
            .map(|layer| {
                let zero = Dense {
                    weight: layer.weight.map(|_| F::zero()),
                    bias: layer.bias.map(|_| F::zero()),
                };
                (zero.clone(), zero)
            })
            .collect();
        Self {
            settings,
            means,
            steps: 0,
        }
    }

    /// Steps so far.
    #[must_use]
    pub fn steps(&self) -> i32 {
        self.steps
    }

    /// One step against the gradients, at `rate` times the learning rate (1, or less on a schedule).
    ///
    /// A gradient that is not finite moves nothing; false then.
    pub fn step(&mut self, network: &mut Mlp<F>, gradients: &Gradients<F>, rate: f64) -> bool {
        if gradients.values().any(|value| !value.is_finite()) {
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
        let pace = F::of(rate * learning_rate * root / (1.0 - beta1.powi(self.steps)));
        let epsilon = F::of(epsilon * root);
        let (beta1, beta2) = (F::of(beta1), F::of(beta2));
        let update = |parameter: &mut F, gradient: &F, mean: &mut F, square: &mut F| {
            *mean = beta1 * *mean + (F::one() - beta1) * *gradient;
            *square = beta2 * *square + (F::one() - beta2) * *gradient * *gradient;
            *parameter -= pace * *mean / (square.sqrt() + epsilon);
        };
        let layers = network.layers_mut().iter_mut();
        for ((layer, gradient), (mean, square)) in
            layers.zip(&gradients.layers).zip(&mut self.means)
        {
            ndarray::Zip::from(&mut layer.weight)
                .and(&gradient.weight)
                .and(&mut mean.weight)
                .and(&mut square.weight)
                .for_each(update);
            ndarray::Zip::from(&mut layer.bias)
                .and(&gradient.bias)
                .and(&mut mean.bias)
                .and(&mut square.bias)
                .for_each(update);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr2};

    use super::*;

    /// A network of one weight and one bias, and gradients of it.
    fn line(parameters: [f64; 2]) -> Mlp<f64> {
        let mut network = Mlp::new(&[1, 1], 1.0, 0);
        assert!(network.set_parameters(&parameters));
        network
    }

    fn gradients(weight: f64, bias: f64) -> Gradients<f64> {
        let network = line([0.0, 0.0]);
        // Of the loss y·g at x: by the weight x·g, by the bias g.
        let pass = network.pass(arr2(&[[weight / bias]]).view());
        network.backward(&pass, arr2(&[[bias]]).view()).0
    }

    #[test]
    fn three_steps_by_the_formula() {
        let settings = AdamSettings {
            learning_rate: 0.1,
            epsilon: 1e-8,
            ..AdamSettings::default()
        };
        let mut network = line([1.0, 2.0]);
        let mut adam = Adam::new(&network, settings);
        let (mut theta, mut m, mut v) = (1.0f64, 0.0, 0.0);
        for (t, g) in [(1, 0.5), (2, -2.0), (3, 0.25)] {
            assert!(adam.step(&mut network, &gradients(g, 1.0), 1.0));
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let (m_hat, v_hat) = (m / (1.0 - 0.9f64.powi(t)), v / (1.0 - 0.999f64.powi(t)));
            theta -= 0.1 * m_hat / (v_hat.sqrt() + 1e-8);
            let found = network.parameters().next().unwrap();
            assert!((found - theta).abs() < 1e-12, "{t}: {found} {theta}");
        }
        // With a constant gradient the bias goes down by the learning rate at each step.
        let bias = network.parameters().nth(1).unwrap();
        assert!((bias - 1.7).abs() < 1e-6, "{bias}");
        assert_eq!(adam.steps(), 3);
    }

    #[test]
    fn what_is_not_finite_moves_nothing() {
        let mut network = line([1.0, 2.0]);
        let mut adam = Adam::new(&network, AdamSettings::default());
        let before = (network.clone(), adam.clone());
        assert!(!adam.step(&mut network, &gradients(f64::NAN, 1.0), 1.0));
        assert_eq!((network, adam), before);
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
            let mut adam = Adam::new(&network, settings);
            for _ in 0..500 {
                let pass = network.pass(x.view());
                let (gradients, _) = network.backward(&pass, (&pass.output - &y).view());
                adam.step(&mut network, &gradients, 1.0);
            }
            let worst = (network.forward(x.view()) - &y)
                .iter()
                .fold(0.0f32, |worst, d| worst.max(d.abs()));
            assert!(worst < 0.05, "seed {seed}: {worst}");
        }
    }
}
