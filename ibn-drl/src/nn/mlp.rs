//! Dense layers in a row.

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip};
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use super::{Real, orthogonal};

/// `y = x W + b`, for a batch of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense<F> {
    /// `[inputs, outputs]`.
    pub weight: Array2<F>,
    /// `[outputs]`.
    pub bias: Array1<F>,
}

impl<F: Real> Dense<F> {
    /// A layer with orthogonal weights and no bias.
    pub fn new(inputs: usize, outputs: usize, gain: f64, random: &mut impl Rng) -> Self {
        Self {
            weight: orthogonal(inputs, outputs, gain, random),
            bias: Array1::zeros(outputs),
        }
    }

    fn forward(&self, x: ArrayView2<'_, F>) -> Array2<F> {
        let mut y = x.dot(&self.weight);
        y += &self.bias;
        y
    }

    fn is_of(&self, other: &Self) -> bool {
        self.weight.dim() == other.weight.dim() && self.bias.dim() == other.bias.dim()
    }
}

/// A multilayer perceptron: dense layers with tanh between them, none behind the last.
///
/// ```
/// use ibn_drl::nn::Mlp;
/// use ndarray::Array2;
///
/// let network: Mlp<f32> = Mlp::new(&[4, 64, 64, 2], 0.01, 1);
/// let out = network.forward(Array2::ones((8, 4)).view());
/// assert_eq!(out.dim(), (8, 2));
/// assert_eq!(network.n_parameters(), 4 * 64 + 64 + 64 * 64 + 64 + 64 * 2 + 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp<F> {
    layers: Vec<Dense<F>>,
}

/// What a forward pass leaves for the backward one.
#[derive(Debug, Clone)]
pub struct Pass<F> {
    /// The input of each layer, `[batch, inputs of the layer]`.
    inputs: Vec<Array2<F>>,
    /// `[batch, outputs]`.
    pub output: Array2<F>,
}

/// Derivatives of a loss by all parameters, in the shape of the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients<F> {
    pub(super) layers: Vec<Dense<F>>,
}

impl<F: Real> Mlp<F> {
    /// A network with `sizes` numbers from input to output, at least two. Orthogonal weights with gain √2, `output_gain` in
    /// the last layer: 0.01 for a policy, so that it begins near uniform, 1 for a value (Andrychowicz et al.,
    /// "What Matters for On-Policy Deep Actor-Critic Methods?", ICLR 2021).
    #[must_use]
    pub fn new(sizes: &[usize], output_gain: f64, seed: u64) -> Self {
        let mut random = Pcg64::seed_from_u64(seed);
        let last = sizes.len().saturating_sub(2);
        let layers = sizes
            .windows(2)
            .enumerate()
            .filter_map(|(idx, pair)| match pair {
                [inputs, outputs] => {
                    let gain = if idx == last {
                        output_gain
                    } else {
                        std::f64::consts::SQRT_2
                    };
                    Some(Dense::new(*inputs, *outputs, gain, &mut random))
                }
                _ => None,
            })
            .collect();
        Self { layers }
    }

    /// The layers, from input to output.
    #[must_use]
    pub fn layers(&self) -> &[Dense<F>] {
        &self.layers
    }

    pub(super) fn layers_mut(&mut self) -> &mut [Dense<F>] {
        &mut self.layers
    }

    /// Numbers that are learned.
    #[must_use]
    pub fn n_parameters(&self) -> usize {
        self.layers
            .iter()
            .map(|layer| layer.weight.len() + layer.bias.len())
            .sum()
    }

    /// All parameters, layer by layer, weights before biases, in row-major order; for checkpoints.
    pub fn parameters(&self) -> impl Iterator<Item = F> + '_ {
        self.layers
            .iter()
            .flat_map(|layer| layer.weight.iter().chain(&layer.bias).copied())
    }

    /// Takes over parameters in that order; false, with nothing changed, where there are not as many.
    pub fn set_parameters(&mut self, parameters: &[F]) -> bool {
        if parameters.len() != self.n_parameters() {
            return false;
        }
        let own = self
            .layers
            .iter_mut()
            .flat_map(|layer| layer.weight.iter_mut().chain(&mut layer.bias));
        for (own, new) in own.zip(parameters) {
            *own = *new;
        }
        true
    }

    /// The output for a batch, `[batch, inputs]` to `[batch, outputs]`.
    #[must_use]
    pub fn forward(&self, x: ArrayView2<'_, F>) -> Array2<F> {
        self.pass(x).output
    }

    /// The same, keeping what [`Mlp::backward`] needs.
    #[must_use]
    pub fn pass(&self, x: ArrayView2<'_, F>) -> Pass<F> {
        let mut inputs = Vec::with_capacity(self.layers.len());
        let mut next = x.to_owned();
        for (idx, layer) in self.layers.iter().enumerate() {
            let mut y = layer.forward(next.view());
            if idx + 1 < self.layers.len() {
                y.mapv_inplace(F::tanh);
            }
            inputs.push(std::mem::replace(&mut next, y));
        }
        Pass {
            inputs,
            output: next,
        }
    }

    /// From the derivative of a loss by the output, `[batch, outputs]`, those by all parameters (summed over the batch) and
    /// by the input, `[batch, inputs]`.
    #[must_use]
    pub fn backward(
        &self,
        pass: &Pass<F>,
        by_output: ArrayView2<'_, F>,
    ) -> (Gradients<F>, Array2<F>) {
        let mut layers = Vec::with_capacity(self.layers.len());
        let mut by_y = by_output.to_owned();
        for (idx, (layer, x)) in self.layers.iter().zip(&pass.inputs).enumerate().rev() {
            layers.push(Dense {
                weight: x.t().dot(&by_y),
                bias: by_y.sum_axis(Axis(0)),
            });
            let mut by_x = by_y.dot(&layer.weight.t());
            if idx > 0 {
                // The input of this layer is tanh of the one before: d tanh = 1 − tanh².
                Zip::from(&mut by_x)
                    .and(x)
                    .for_each(|by_x, x| *by_x *= F::one() - *x * *x);
            }
            by_y = by_x;
        }
        layers.reverse();
        (Gradients { layers }, by_y)
    }
}

impl<F: Real> Gradients<F> {
    /// All derivatives, in the order of [`Mlp::parameters`].
    pub fn values(&self) -> impl Iterator<Item = F> + '_ {
        self.layers
            .iter()
            .flat_map(|layer| layer.weight.iter().chain(&layer.bias).copied())
    }

    /// The Euclidean norm over all parameters, summed in `f64`.
    #[must_use]
    pub fn norm(&self) -> f64 {
        self.values()
            .map(|value| value.wide() * value.wide())
            .sum::<f64>()
            .sqrt()
    }

    /// Shortens to a norm of `most`, where it is longer; returns the norm before (Pascanu, Mikolov and Bengio, 2013).
    pub fn clip(&mut self, most: f64) -> f64 {
        let norm = self.norm();
        if norm > most {
            self.scale(most / norm);
        }
        norm
    }

    /// Multiplies all by `factor`.
    pub fn scale(&mut self, factor: f64) {
        let factor = F::of(factor);
        for layer in &mut self.layers {
            layer.weight *= factor;
            layer.bias *= factor;
        }
    }

    /// Adds those of another loss of the same network; false, with nothing changed, where it is of another shape.
    pub fn add(&mut self, other: &Self) -> bool {
        let fits = self.layers.len() == other.layers.len()
            && self
                .layers
                .iter()
                .zip(&other.layers)
                .all(|(own, other)| own.is_of(other));
        if fits {
            for (own, other) in self.layers.iter_mut().zip(&other.layers) {
                own.weight += &other.weight;
                own.bias += &other.bias;
            }
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use ndarray::arr2;
    use rand::RngExt;

    use super::*;

    fn batch(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
        let mut random = Pcg64::seed_from_u64(seed);
        Array2::from_shape_fn((rows, columns), |_| random.random_range(-1.0..1.0))
    }

    /// A loss with curvature: Σ w y² ÷ 2 + Σ sin y.
    fn loss(output: &Array2<f64>, weights: &Array2<f64>) -> f64 {
        (weights * output * output).sum() / 2.0 + output.mapv(f64::sin).sum()
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        for sizes in [vec![3, 2], vec![3, 5, 2], vec![3, 6, 4, 2]] {
            let network: Mlp<f64> = Mlp::new(&sizes, 1.0, 3);
            let (x, weights) = (batch(7, 3, 1), batch(7, 2, 2));
            let pass = network.pass(x.view());
            let by_output = &weights * &pass.output + pass.output.mapv(f64::cos);
            let (gradients, by_input) = network.backward(&pass, by_output.view());
            let h = 1e-6;
            let parameters: Vec<f64> = network.parameters().collect();
            for (idx, exact) in gradients.values().enumerate() {
                let at = |shift: f64| {
                    let mut moved = parameters.clone();
                    moved[idx] += shift;
                    let mut network = network.clone();
                    assert!(network.set_parameters(&moved));
                    loss(&network.forward(x.view()), &weights)
                };
                let numeric = (at(h) - at(-h)) / (2.0 * h);
                assert!(
                    (numeric - exact).abs() < 1e-7 * (1.0 + exact.abs()),
                    "{sizes:?} {idx}: {numeric} {exact}"
                );
            }
            for (at, exact) in by_input.indexed_iter() {
                let moved = |shift: f64| {
                    let mut x = x.clone();
                    x[at] += shift;
                    loss(&network.forward(x.view()), &weights)
                };
                let numeric = (moved(h) - moved(-h)) / (2.0 * h);
                assert!(
                    (numeric - exact).abs() < 1e-7 * (1.0 + exact.abs()),
                    "{at:?}"
                );
            }
        }
    }

    #[test]
    fn single_precision_follows_double() {
        let wide: Mlp<f64> = Mlp::new(&[3, 16, 2], 1.0, 5);
        let narrow: Mlp<f32> = Mlp::new(&[3, 16, 2], 1.0, 5);
        let x = batch(9, 3, 4);
        let difference =
            wide.forward(x.view()) - narrow.forward(x.mapv(|v| v as f32).view()).mapv(f64::from);
        assert!(difference.iter().all(|d| d.abs() < 1e-6));
    }

    #[test]
    fn by_hand() {
        let mut network: Mlp<f64> = Mlp::new(&[1, 1, 1], 1.0, 0);
        // y = 3 tanh(2x + 1) − 1
        assert!(network.set_parameters(&[2.0, 1.0, 3.0, -1.0]));
        assert!(!network.set_parameters(&[2.0]));
        let out = network.forward(arr2(&[[0.5], [-0.5]]).view());
        assert!((out[[0, 0]] - (3.0 * 2f64.tanh() - 1.0)).abs() < 1e-15);
        assert!((out[[1, 0]] + 1.0).abs() < 1e-15);
    }

    #[test]
    fn clipping_keeps_the_direction() {
        let network: Mlp<f64> = Mlp::new(&[3, 4, 2], 1.0, 3);
        let pass = network.pass(batch(5, 3, 1).view());
        let (full, _) = network.backward(&pass, pass.output.view());
        let mut clipped = full.clone();
        let norm = clipped.clip(0.1);
        assert!((norm - full.norm()).abs() < 1e-12 && norm > 0.1);
        assert!((clipped.norm() - 0.1).abs() < 1e-12);
        for (a, b) in clipped.values().zip(full.values()) {
            assert!((a * norm - 0.1 * b).abs() < 1e-12);
        }
        let mut twice = full.clone();
        assert!(twice.add(&full));
        assert!((twice.norm() - 2.0 * norm).abs() < 1e-12);
        let (other, _) = Mlp::<f64>::new(&[3, 2], 1.0, 0).backward(
            &Mlp::<f64>::new(&[3, 2], 1.0, 0).pass(batch(5, 3, 1).view()),
            pass.output.view(),
        );
        assert!(!twice.add(&other));
    }
}
