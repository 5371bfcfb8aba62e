//! Dense layers in a row.

use ndarray::{Array2, ArrayView2};
use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::kernel::transpose;
use super::{Real, orthogonal};

/// A multilayer perceptron: dense layers `y = x W + b` with tanh between them, none behind the last.
///
/// ```
/// use ibn_drl::nn::Mlp;
/// use ndarray::Array2;
///
/// let network: Mlp<f32> = Mlp::new(&[4, 64, 64, 2], 0.01, 1);
/// let out = network.forward(Array2::ones((8, 4)).view());
/// assert_eq!(out.dim(), (8, 2));
/// assert_eq!(network.parameters().len(), 4 * 64 + 64 + 64 * 64 + 64 + 64 * 2 + 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp<F> {
    sizes: Vec<usize>,
    parameters: Vec<F>,
}

/// Buffers for one batch that goes through a network, there and back. Made once, used for many batches of at most so many rows.
#[derive(Debug, Clone)]
pub struct Workspace<F> {
    rows: usize,
    /// Rows of the batch that went through last.
    used: usize,
    /// What went into each layer and, at the end, what came out: `[rows, width]` each.
    values: Vec<Vec<F>>,
    /// Derivatives by those.
    deltas: Vec<Vec<F>>,
    /// Weights, turned.
    turned: Vec<F>,
}

impl<F: Real> Workspace<F> {
    /// Buffers for up to `rows` rows through `network`.
    #[must_use]
    pub fn new(network: &Mlp<F>, rows: usize) -> Self {
        let buffers = || -> Vec<Vec<F>> {
            let widths = network.sizes.iter();
            widths.map(|width| vec![F::zero(); rows * width]).collect()
        };
        let largest = network
            .layers()
            .map(|layer| layer.weight.len())
            .max()
            .unwrap_or(0);
        Self {
            rows,
            used: 0,
            values: buffers(),
            deltas: buffers(),
            turned: vec![F::zero(); largest],
        }
    }
}

/// The parameters of one layer.
#[derive(Debug, Clone, Copy)]
struct Layer<'a, F> {
    /// `[inputs, outputs]`.
    weight: &'a [F],
    /// `[outputs]`.
    bias: &'a [F],
    inputs: usize,
    outputs: usize,
    /// Where its weights stand among all parameters.
    at: usize,
}

impl<F: Real> Mlp<F> {
    /// A network with `sizes` numbers from input to output, at least two. Orthogonal weights with gain √2, `output_gain` in
    /// the last layer: 0.01 for a policy, so that it begins near uniform, 1 for a value (Andrychowicz et al.,
    /// "What Matters for On-Policy Deep Actor-Critic Methods?", ICLR 2021); no bias.
    #[must_use]
    pub fn new(sizes: &[usize], output_gain: f64, seed: u64) -> Self {
        let mut random = Pcg64::seed_from_u64(seed);
        let last = sizes.len().saturating_sub(2);
        let mut parameters = Vec::new();
        for (idx, pair) in sizes.windows(2).enumerate() {
            if let [inputs, outputs] = pair {
                let gain = if idx == last {
                    output_gain
                } else {
                    std::f64::consts::SQRT_2
                };
                let weight: Array2<F> = orthogonal(*inputs, *outputs, gain, &mut random);
                parameters.extend(weight.iter().copied());
                parameters.extend(std::iter::repeat_n(F::zero(), *outputs));
            }
        }
        Self {
            sizes: sizes.to_vec(),
            parameters,
        }
    }

    /// Numbers from input to output.
    #[must_use]
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Numbers that go in.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.sizes.first().copied().unwrap_or(0)
    }

    /// Numbers that come out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.sizes.last().copied().unwrap_or(0)
    }

    /// All parameters, layer by layer: the weights `[inputs, outputs]` in row-major order, then the biases.
    #[must_use]
    pub fn parameters(&self) -> &[F] {
        &self.parameters
    }

    /// The same, to be changed.
    pub fn parameters_mut(&mut self) -> &mut [F] {
        &mut self.parameters
    }

    fn layers(&self) -> impl DoubleEndedIterator<Item = Layer<'_, F>> + ExactSizeIterator {
        let mut at = 0;
        let layers: Vec<Layer<'_, F>> = self
            .sizes
            .windows(2)
            .filter_map(|pair| {
                let [inputs, outputs] = *pair else {
                    return None;
                };
                let begin = at;
                let behind = begin + inputs * outputs;
                at = behind + outputs;
                Some(Layer {
                    weight: self.parameters.get(begin..behind)?,
                    bias: self.parameters.get(behind..at)?,
                    inputs,
                    outputs,
                    at: begin,
                })
            })
            .collect();
        layers.into_iter()
    }

    /// The output for a batch, `[batch, inputs]` to `[batch, outputs]`.
    #[must_use]
    pub fn forward(&self, x: ArrayView2<'_, F>) -> Array2<F> {
        let rows = x.nrows();
        let mut work = Workspace::new(self, rows);
        let output = match x.as_slice() {
            Some(x) => self.pass(x, &mut work).to_vec(),
            None => {
                let x: Vec<F> = x.iter().copied().collect();
                self.pass(&x, &mut work).to_vec()
            }
        };
        Array2::from_shape_vec((rows, self.outputs()), output).unwrap_or_default()
    }

    /// The output for a batch of rows one after the other, as many as the workspace has room for, keeping what
    /// [`Mlp::backward`] needs.
    pub fn pass<'w>(&self, x: &[F], work: &'w mut Workspace<F>) -> &'w [F] {
        let used = x
            .len()
            .checked_div(self.inputs())
            .unwrap_or(0)
            .min(work.rows);
        work.used = used;
        if let Some(first) = work.values.first_mut() {
            for (to, from) in first.iter_mut().zip(x) {
                *to = *from;
            }
        }
        let n_layers = self.sizes.len().saturating_sub(1);
        for (idx, layer) in self.layers().enumerate() {
            let Some([from, to, ..]) = work.values.get_mut(idx..) else {
                break;
            };
            let (Some(from), Some(to)) = (
                from.get(..used * layer.inputs),
                to.get_mut(..used * layer.outputs),
            ) else {
                break;
            };
            F::affine(to, from, layer.weight, Some(layer.bias), layer.outputs);
            if idx + 1 < n_layers {
                F::tanh_all(to);
            }
        }
        let output = work.values.last().and_then(|last| {
            let width = self.outputs();
            last.get(..used * width)
        });
        output.unwrap_or_default()
    }

    /// From the derivative of a loss by the output of the last [`Mlp::pass`], `[batch, outputs]`, those by all parameters,
    /// summed over the batch and added to `gradients`.
    pub fn backward(&self, by_output: &[F], work: &mut Workspace<F>, gradients: &mut [F]) {
        let used = work.used;
        if let Some(last) = work.deltas.last_mut() {
            for (to, from) in last.iter_mut().zip(by_output) {
                *to = *from;
            }
        }
        for (idx, layer) in self.layers().enumerate().rev() {
            let Some([by_x, by_y, ..]) = work.deltas.get_mut(idx..) else {
                return;
            };
            let (Some(x), Some(by_x), Some(by_y)) = (
                work.values
                    .get(idx)
                    .and_then(|x| x.get(..used * layer.inputs)),
                by_x.get_mut(..used * layer.inputs),
                by_y.get(..used * layer.outputs),
            ) else {
                return;
            };
            let n_weights = layer.weight.len();
            let Some((by_weight, by_bias)) = gradients
                .get_mut(layer.at..layer.at + n_weights + layer.outputs)
                .map(|own| own.split_at_mut(n_weights))
            else {
                return;
            };
            add_by_weight(by_weight, x, by_y, layer, &mut work.turned);
            for row in by_y.chunks_exact(layer.outputs) {
                for (sum, value) in by_bias.iter_mut().zip(row) {
                    *sum += *value;
                }
            }
            if idx > 0 {
                let Some(turned) = work.turned.get_mut(..n_weights) else {
                    return;
                };
                transpose(turned, layer.weight, layer.outputs);
                F::affine(by_x, by_y, turned, None, layer.inputs);
                // The input of this layer is tanh of the one before: d tanh = 1 − tanh².
                for (by_x, x) in by_x.iter_mut().zip(x) {
                    *by_x *= F::one() - *x * *x;
                }
            }
        }
    }
}

/// Adds `xᵀ · by_y`. The wider side lies along the vectors of the processor, so a narrow layer is computed turned.
fn add_by_weight<F: Real>(
    sum: &mut [F],
    x: &[F],
    by_y: &[F],
    layer: Layer<'_, F>,
    scratch: &mut [F],
) {
    if layer.outputs >= layer.inputs {
        F::add_transposed(sum, x, by_y, layer.outputs);
        return;
    }
    let Some(scratch) = scratch.get_mut(..sum.len()) else {
        return;
    };
    scratch.fill(F::zero());
    F::add_transposed(scratch, by_y, x, layer.inputs);
    for (row, turned) in scratch.chunks_exact(layer.inputs).enumerate() {
        let column = sum.iter_mut().skip(row).step_by(layer.outputs);
        for (sum, value) in column.zip(turned) {
            *sum += *value;
        }
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
            let mut work = Workspace::new(&network, 9);
            let output = network.pass(x.as_slice().unwrap(), &mut work).to_vec();
            let output = Array2::from_shape_vec((7, 2), output).unwrap();
            let by_output = &weights * &output + output.mapv(f64::cos);
            let mut gradients = vec![0.0; network.parameters().len()];
            network.backward(by_output.as_slice().unwrap(), &mut work, &mut gradients);
            let h = 1e-6;
            for (idx, exact) in gradients.iter().enumerate() {
                let at = |shift: f64| {
                    let mut moved = network.clone();
                    moved.parameters_mut()[idx] += shift;
                    loss(&moved.forward(x.view()), &weights)
                };
                let numeric = (at(h) - at(-h)) / (2.0 * h);
                assert!(
                    (numeric - exact).abs() < 1e-7 * (1.0 + exact.abs()),
                    "{sizes:?} {idx}: {numeric} {exact}"
                );
            }
        }
    }

    #[test]
    fn single_precision_follows_double_there_and_back() {
        for sizes in [vec![3, 64, 64, 2], vec![70, 33, 5], vec![4, 17]] {
            let wide: Mlp<f64> = Mlp::new(&sizes, 1.0, 5);
            let mut narrow: Mlp<f32> = Mlp::new(&sizes, 1.0, 5);
            let rows = 19;
            let (x, by_output) = (
                batch(rows, wide.inputs(), 4),
                batch(rows, wide.outputs(), 6),
            );
            let single = |of: &Array2<f64>| of.mapv(|value| value as f32);
            let (mut of_wide, mut of_narrow) =
                (Workspace::new(&wide, rows), Workspace::new(&narrow, rows));
            let output = wide.pass(x.as_slice().unwrap(), &mut of_wide).to_vec();
            let found = narrow.pass(single(&x).as_slice().unwrap(), &mut of_narrow);
            for (wide, narrow) in output.iter().zip(found) {
                assert!((wide - f64::from(*narrow)).abs() < 1e-5, "{wide} {narrow}");
            }
            let mut exact = vec![0.0; wide.parameters().len()];
            wide.backward(by_output.as_slice().unwrap(), &mut of_wide, &mut exact);
            let mut found = vec![0.0; narrow.parameters().len()];
            let by_output = single(&by_output);
            narrow.backward(by_output.as_slice().unwrap(), &mut of_narrow, &mut found);
            for (wide, narrow) in exact.iter().zip(&found) {
                assert!(
                    (wide - f64::from(*narrow)).abs() < 2e-5 * (1.0 + wide.abs()),
                    "{wide} {narrow}"
                );
            }
            // What is left from a batch before doesn't show.
            narrow.parameters_mut()[0] += 0.0;
            let few = narrow
                .pass(
                    &single(&x).as_slice().unwrap()[..wide.inputs()],
                    &mut of_narrow,
                )
                .to_vec();
            assert_eq!(few, narrow.forward(single(&x).view()).row(0).to_vec());
        }
    }

    #[test]
    fn by_hand() {
        let mut network: Mlp<f64> = Mlp::new(&[1, 1, 1], 1.0, 0);
        // y = 3 tanh(2x + 1) − 1
        network
            .parameters_mut()
            .copy_from_slice(&[2.0, 1.0, 3.0, -1.0]);
        let out = network.forward(arr2(&[[0.5], [-0.5]]).view());
        assert!((out[[0, 0]] - (3.0 * 2f64.tanh() - 1.0)).abs() < 1e-15);
        assert!((out[[1, 0]] + 1.0).abs() < 1e-15);
        // A view that is not in standard layout is the same.
        let wide: Mlp<f32> = Mlp::new(&[2, 3], 1.0, 0);
        let x = arr2(&[[1.0, 2.0], [3.0, 4.0]]);
        let turned = x.t().as_standard_layout().to_owned();
        assert_eq!(wide.forward(x.t()), wide.forward(turned.view()));
    }
}
