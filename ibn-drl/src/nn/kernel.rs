//! The products of small matrices that training spends its time in, on whatever vector unit the processor has.
//!
//! All matrices are row-major slices. Every sum runs over its index in ascending order with a fused multiply and add for each
//! term, so a row of a result depends neither on the other rows, nor on the width of the vector unit: AVX2, AVX-512 and Neon
//! give the same bits, and so does the slow path for processors without either.
#![expect(
    clippy::indexing_slicing,
    reason = "a numeric kernel, whose shapes are checked where it is entered"
)]

use pulp::{Arch, Simd, WithSimd};

/// What networks compute with: on the vector unit for `f32`, plainly for `f64`, which is the oracle of the former.
///
/// Shapes that don't fit each other leave the rest of the result as it is.
pub trait Kernel: Sized {
    /// `out[m, n] = x[m, k] · weight[k, n]`, plus `bias[n]` where there is one.
    fn affine(out: &mut [Self], x: &[Self], weight: &[Self], bias: Option<&[Self]>, n: usize);

    /// `out[k, n] += a[m, k]ᵀ · b[m, n]`.
    fn add_transposed(out: &mut [Self], a: &[Self], b: &[Self], n: usize);

    /// Hyperbolic tangent of each number.
    fn tanh_all(values: &mut [Self]);

    /// One step of Adam on every parameter, at the corrected pace, β₁, β₂ and the corrected ε; see [`super::Adam`].
    fn adam(
        rates: [Self; 4],
        parameters: &mut [Self],
        gradients: &[Self],
        means: &mut [Self],
        squares: &mut [Self],
    );
}

impl Kernel for f32 {
    fn affine(out: &mut [Self], x: &[Self], weight: &[Self], bias: Option<&[Self]>, n: usize) {
        affine(out, x, weight, bias, n);
    }

    fn add_transposed(out: &mut [Self], a: &[Self], b: &[Self], n: usize) {
        add_transposed(out, a, b, n);
    }

    fn tanh_all(values: &mut [Self]) {
        tanh(values);
    }

    fn adam(
        rates: [Self; 4],
        parameters: &mut [Self],
        gradients: &[Self],
        means: &mut [Self],
        squares: &mut [Self],
    ) {
        adam(rates, parameters, gradients, means, squares);
    }
}

impl Kernel for f64 {
    fn affine(out: &mut [Self], x: &[Self], weight: &[Self], bias: Option<&[Self]>, n: usize) {
        if n == 0 || weight.is_empty() {
            return;
        }
        for (out, x) in out
            .chunks_exact_mut(n)
            .zip(x.chunks_exact(weight.len() / n))
        {
            match bias {
                Some(bias) => out.copy_from_slice(bias),
                None => out.fill(0.0),
            }
            for (x, weight) in x.iter().zip(weight.chunks_exact(n)) {
                for (out, weight) in out.iter_mut().zip(weight) {
                    *out += x * weight;
                }
            }
        }
    }

    fn add_transposed(out: &mut [Self], a: &[Self], b: &[Self], n: usize) {
        if n == 0 || out.is_empty() {
            return;
        }
        let k = out.len() / n;
        for (a, b) in a.chunks_exact(k).zip(b.chunks_exact(n)) {
            for (a, out) in a.iter().zip(out.chunks_exact_mut(n)) {
                for (out, b) in out.iter_mut().zip(b) {
                    *out += a * b;
                }
            }
        }
    }

    fn tanh_all(values: &mut [Self]) {
        values.iter_mut().for_each(|value| *value = value.tanh());
    }

    fn adam(
        [pace, beta1, beta2, epsilon]: [Self; 4],
        parameters: &mut [Self],
        gradients: &[Self],
        means: &mut [Self],
        squares: &mut [Self],
    ) {
        let moments = means.iter_mut().zip(squares);
        for ((parameter, gradient), (mean, square)) in
            parameters.iter_mut().zip(gradients).zip(moments)
        {
            *mean = beta1 * *mean + (1.0 - beta1) * gradient;
            *square = beta2 * *square + (1.0 - beta2) * gradient * gradient;
            *parameter -= pace * *mean / (square.sqrt() + epsilon);
        }
    }
}

/// Rows of a result that are computed at once, two vectors of columns wide: 12 sums, which hides the latency of an addition.
const ROWS: usize = 6;

/// `out[m, n] = x[m, k] · weight[k, n]`, plus `bias[n]` where there is one.
fn affine(out: &mut [f32], x: &[f32], weight: &[f32], bias: Option<&[f32]>, n: usize) {
    if n == 0 || weight.is_empty() {
        return;
    }
    let k = weight.len() / n;
    let m = (out.len() / n).min(x.len() / k);
    Arch::new().dispatch(Product::<false> {
        out,
        m,
        n,
        k,
        a: x,
        a_width: k,
        b: weight,
        bias,
    });
}

/// `out[k, n] += a[m, k]ᵀ · b[m, n]`.
fn add_transposed(out: &mut [f32], a: &[f32], b: &[f32], n: usize) {
    if n == 0 || out.is_empty() {
        return;
    }
    let k = out.len() / n;
    Arch::new().dispatch(Product::<true> {
        m: k,
        n,
        k: (a.len() / k).min(b.len() / n),
        out,
        a,
        a_width: k,
        b,
        bias: None,
    });
}

/// `out[n, m] = a[m, n]ᵀ`.
pub(super) fn transpose<F: Copy>(out: &mut [F], a: &[F], n: usize) {
    /// Side of the squares that are turned at once, so that reads and writes stay in few cache lines.
    const SIDE: usize = 8;
    if n == 0 {
        return;
    }
    let m = a.len() / n;
    for row in (0..m).step_by(SIDE) {
        for column in (0..n).step_by(SIDE) {
            for r in row..(row + SIDE).min(m) {
                for c in column..(column + SIDE).min(n) {
                    out[c * m + r] = a[r * n + c];
                }
            }
        }
    }
}

/// Hyperbolic tangent of each number, with a relative error below 4 ε.
///
/// A ratio of polynomials of degree 13 and 6, as in Eigen, beyond ±7.9 constant.
fn tanh(values: &mut [f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || values.iter_mut().for_each(|value| *value = tanh_of(*value)),
    );
}

#[inline(always)]
#[expect(clippy::excessive_precision, reason = "as the fit was published")]
fn tanh_of(value: f32) -> f32 {
    const ODD: [f32; 7] = [
        -2.760_768_477_423_55e-16,
        2.000_187_904_824_77e-13,
        -8.604_671_522_137_35e-11,
        5.122_297_090_371_14e-8,
        1.485_722_357_179_79e-5,
        6.372_619_288_754_36e-4,
        4.893_524_558_917_86e-3,
    ];
    const EVEN: [f32; 4] = [
        1.198_258_394_667_02e-6,
        1.185_347_056_866_54e-4,
        2.268_434_632_439_00e-3,
        4.893_525_185_543_85e-3,
    ];
    let x = value.clamp(-7.905_311_107_635_5, 7.905_311_107_635_5);
    let square = x * x;
    let odd = ODD[1..]
        .iter()
        .fold(ODD[0], |sum, term| sum.mul_add(square, *term));
    let even = EVEN[1..]
        .iter()
        .fold(EVEN[0], |sum, term| sum.mul_add(square, *term));
    x * odd / even
}

fn adam(
    [pace, beta1, beta2, epsilon]: [f32; 4],
    parameters: &mut [f32],
    gradients: &[f32],
    means: &mut [f32],
    squares: &mut [f32],
) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let moments = means.iter_mut().zip(squares);
            for ((parameter, gradient), (mean, square)) in
                parameters.iter_mut().zip(gradients).zip(moments)
            {
                *mean = beta1.mul_add(*mean, (1.0 - beta1) * gradient);
                *square = beta2.mul_add(*square, (1.0 - beta2) * gradient * gradient);
                *parameter -= pace * *mean / (square.sqrt() + epsilon);
            }
        },
    );
}

/// `out[m, n] = a · b`, where `a` is `[m, k]`; or, transposed, `out[m, n] += aᵀ · b`, where `a` is `[k, m]`.
struct Product<'a, const TRANSPOSED: bool> {
    out: &'a mut [f32],
    m: usize,
    n: usize,
    k: usize,
    a: &'a [f32],
    /// Numbers in a row of `a`.
    a_width: usize,
    b: &'a [f32],
    bias: Option<&'a [f32]>,
}

impl<const TRANSPOSED: bool> WithSimd for Product<'_, TRANSPOSED> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let lanes = S::F32_LANES;
        let mut column = 0;
        while column + 2 * lanes <= self.n {
            self.strip::<S, 2>(simd, column, lanes);
            column += 2 * lanes;
        }
        while column < self.n {
            self.strip::<S, 1>(simd, column, lanes.min(self.n - column));
            column += lanes;
        }
    }
}

impl<const TRANSPOSED: bool> Product<'_, TRANSPOSED> {
    /// All rows of `VECTORS` vectors of columns from `column` on, of each of which `width` numbers are within the matrix.
    #[inline(always)]
    fn strip<S: Simd, const VECTORS: usize>(&mut self, simd: S, column: usize, width: usize) {
        let mut row = 0;
        while row + ROWS <= self.m {
            self.tile::<S, ROWS, VECTORS>(simd, row, column, width);
            row += ROWS;
        }
        while row + 2 <= self.m {
            self.tile::<S, 2, VECTORS>(simd, row, column, width);
            row += 2;
        }
        if row < self.m {
            self.tile::<S, 1, VECTORS>(simd, row, column, width);
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const HEIGHT: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
        width: usize,
    ) {
        let (n, k) = (self.n, self.k);
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; HEIGHT];
        if let Some(bias) = self.bias {
            sums = [load::<S, VECTORS>(simd, &bias[column..], width); HEIGHT];
        }
        if TRANSPOSED {
            for (r, sums) in sums.iter_mut().enumerate() {
                *sums = load::<S, VECTORS>(simd, &self.out[(row + r) * n + column..], width);
            }
            let rows = self
                .a
                .chunks_exact(self.a_width)
                .zip(self.b.chunks_exact(n));
            for (a, b) in rows.take(k) {
                let (a, b) = (
                    &a[row..row + HEIGHT],
                    load::<S, VECTORS>(simd, &b[column..], width),
                );
                for r in 0..HEIGHT {
                    let factor = simd.splat_f32s(a[r]);
                    for v in 0..VECTORS {
                        sums[r][v] = simd.mul_add_f32s(factor, b[v], sums[r][v]);
                    }
                }
            }
        } else {
            let a: [&[f32]; HEIGHT] =
                std::array::from_fn(|r| &self.a[(row + r) * self.a_width..][..k]);
            for (idx, b) in self.b.chunks_exact(n).take(k).enumerate() {
                let b = load::<S, VECTORS>(simd, &b[column..], width);
                for r in 0..HEIGHT {
                    let factor = simd.splat_f32s(a[r][idx]);
                    for v in 0..VECTORS {
                        sums[r][v] = simd.mul_add_f32s(factor, b[v], sums[r][v]);
                    }
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            let out = &mut self.out[(row + r) * n + column..];
            if VECTORS == 1 && width < S::F32_LANES {
                simd.partial_store_f32s(&mut out[..width], sums[0]);
            } else {
                let (out, _) = S::as_mut_simd_f32s(&mut out[..VECTORS * S::F32_LANES]);
                out.copy_from_slice(sums);
            }
        }
    }
}

/// The first vectors of a row; of one that is not full, zeros behind `width` numbers.
#[inline(always)]
fn load<S: Simd, const VECTORS: usize>(simd: S, row: &[f32], width: usize) -> [S::f32s; VECTORS] {
    if VECTORS == 1 && width < S::F32_LANES {
        return [simd.partial_load_f32s(&row[..width]); VECTORS];
    }
    let (vectors, _) = S::as_simd_f32s(&row[..VECTORS * S::F32_LANES]);
    std::array::from_fn(|v| vectors[v])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        use rand::{RngExt, SeedableRng};
        let mut random = rand_pcg::Pcg64::seed_from_u64(seed);
        (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
    }

    /// One sum after the other, by the definition.
    fn plain(a: impl Fn(usize) -> f32, b: impl Fn(usize) -> f32, first: f32, k: usize) -> f32 {
        (0..k).fold(first, |sum, idx| a(idx).mul_add(b(idx), sum))
    }

    proptest! {
        #[test]
        fn products_are_those_of_the_definition_to_the_bit(
            m in 1usize..20, k in 1usize..20, n in 1usize..75, seed in any::<u64>(), has_bias in any::<bool>(),
        ) {
            let (x, weight, bias) = (numbers(m * k, seed), numbers(k * n, seed ^ 1), numbers(n, seed ^ 2));
            let mut out = vec![f32::NAN; m * n];
            affine(&mut out, &x, &weight, has_bias.then_some(&bias), n);
            for (at, found) in out.iter().enumerate() {
                let (row, column) = (at / n, at % n);
                let first = if has_bias { bias[column] } else { 0.0 };
                let expected = plain(|idx| x[row * k + idx], |idx| weight[idx * n + column], first, k);
                prop_assert_eq!(found.to_bits(), expected.to_bits());
            }

            let y = numbers(m * n, seed ^ 3);
            let before = numbers(k * n, seed ^ 4);
            let mut sum = before.clone();
            add_transposed(&mut sum, &x, &y, n);
            for (at, found) in sum.iter().enumerate() {
                let (row, column) = (at / n, at % n);
                let expected = plain(|idx| x[idx * k + row], |idx| y[idx * n + column], before[at], m);
                prop_assert_eq!(found.to_bits(), expected.to_bits());
            }

            let mut turned = vec![0.0; m * k];
            transpose(&mut turned, &x, k);
            for (at, value) in x.iter().enumerate() {
                prop_assert_eq!(turned[(at % k) * m + at / k], *value);
            }
        }
    }

    #[test]
    fn every_vector_unit_gives_the_same_bits() {
        let (m, k, n) = (13, 37, 70);
        let (x, weight) = (numbers(m * k, 1), numbers(k * n, 2));
        let mut fastest = vec![0.0; m * n];
        affine(&mut fastest, &x, &weight, None, n);
        fn product<'a>(
            out: &'a mut [f32],
            [m, k, n]: [usize; 3],
            a: &'a [f32],
            b: &'a [f32],
        ) -> Product<'a, false> {
            Product {
                out,
                m,
                n,
                k,
                a,
                a_width: k,
                b,
                bias: None,
            }
        }
        let mut out = vec![0.0; m * n];
        product(&mut out, [m, k, n], &x, &weight).with_simd(pulp::Scalar);
        assert_eq!(out, fastest);
        #[cfg(target_arch = "x86_64")]
        if let Some(narrower) = pulp::x86::V3::try_new() {
            let mut out = vec![0.0; m * n];
            Simd::vectorize(narrower, product(&mut out, [m, k, n], &x, &weight));
            assert_eq!(out, fastest);
        }
    }

    #[test]
    fn tanh_is_near_the_library_and_odd() {
        let mut worst = 0.0f64;
        for step in -100_000i32..=100_000 {
            let x = f32::from(i16::try_from(step / 10).unwrap()) * 1e-3 + step as f32 * 1e-6;
            let mut values = [x, -x, x * 1e-4];
            tanh(&mut values);
            assert_eq!(values[0], -values[1]);
            assert!(values[0].abs() <= 1.0);
            for (found, of) in [(values[0], x), (values[2], x * 1e-4)] {
                let exact = f64::from(of).tanh();
                if exact != 0.0 {
                    worst = worst.max((f64::from(found) - exact).abs() / exact.abs());
                }
            }
        }
        assert!(worst < 4.0 * f64::from(f32::EPSILON), "{worst:e}");
        let mut ends = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 0.0];
        tanh(&mut ends);
        assert!(ends[0] > 1.0 - 4.0 * f32::EPSILON && ends[0] <= 1.0);
        assert!(ends[1] == -ends[0] && ends[2].is_nan() && ends[3] == 0.0);
    }

    #[test]
    fn empty_shapes_are_nothing() {
        affine(&mut [], &[], &[], None, 0);
        add_transposed(&mut [], &[], &[], 0);
        transpose::<f32>(&mut [], &[], 0);
        let mut untouched = [1.0];
        affine(&mut untouched, &[], &[1.0], None, 1);
        assert_eq!(untouched, [1.0]);
    }
}
