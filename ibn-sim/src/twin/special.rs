//! The few special functions that the twin needs.

/// Logarithm of Γ(x) for x > 0, within 1e-13 (Lanczos, g = 7, n = 9).
pub(super) fn ln_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        // Reflection.
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let mut sum = 0.999_999_999_999_809_9;
    let mut place = 1.0;
    for coefficient in COEFFICIENTS {
        sum += coefficient / (x + place);
        place += 1.0;
    }
    let t = x + 7.5;
    0.5 * std::f64::consts::TAU.ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// A gamma law by its first two moments; a point where its variance is next to nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gamma {
    shape: f64,
    rate: f64,
    ln_gamma_shape: f64,
}

/// Above this shape a gamma law is as good as normal.
const NORMAL_SHAPE: f64 = 400.0;

impl Gamma {
    pub(super) fn matching(mean: f64, variance: f64) -> Self {
        let shape = (mean * mean / variance.max(mean * mean * 1e-6)).max(1e-3);
        Self {
            shape,
            rate: shape / mean,
            ln_gamma_shape: if shape < NORMAL_SHAPE {
                ln_gamma(shape)
            } else {
                0.0
            },
        }
    }

    /// The mean.
    pub(super) fn mean(&self) -> f64 {
        self.shape / self.rate
    }

    /// The probability of more than `x`, and the first two moments of the excess over it.
    pub(super) fn excess(&self, x: f64) -> [f64; 3] {
        let (mean, above) = (self.mean(), self.survival(x));
        if self.shape >= NORMAL_SHAPE {
            // As of a normal law: E(X-x)⁺ = σ(φ(z) - zΦ̄(z)), E(X-x)⁺² = σ²((1+z²)Φ̄(z) - zφ(z)).
            let sigma = mean / self.shape.sqrt();
            let z = (x - mean) / sigma;
            let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
            let tail = normal_survival(z);
            let first = sigma * (density - z * tail);
            return [
                above,
                first.max(0.0),
                (sigma * sigma * ((1.0 + z * z) * tail - z * density)).max(0.0),
            ];
        }
        // Γ(a+1, y) = aΓ(a, y) + y^a e^-y, twice.
        let (a, y) = (self.shape, x * self.rate);
        let step = (a * y.ln() - y - self.ln_gamma_shape).exp() / a;
        let above_1 = above + step;
        let above_2 = above_1 + step * y / (a + 1.0);
        let first = mean * above_1 - x * above;
        let second =
            mean * mean * (1.0 + 1.0 / a) * above_2 - 2.0 * x * mean * above_1 + x * x * above;
        [above, first.max(0.0), second.max(0.0)]
    }

    /// The probability of more than `x`: the upper regularised incomplete gamma function (Numerical Recipes 6.2, series
    /// and Lentz's continued fraction), Wilson-Hilferty's normal approximation for large shapes.
    pub(super) fn survival(&self, x: f64) -> f64 {
        if x <= 0.0 {
            return 1.0;
        }
        let (a, x) = (self.shape, x * self.rate);
        if a >= NORMAL_SHAPE {
            let z = ((x / a).cbrt() - 1.0 + 1.0 / (9.0 * a)) * 3.0 * a.sqrt();
            return normal_survival(z);
        }
        let front = (a * x.ln() - x - self.ln_gamma_shape).exp();
        if x < a + 1.0 {
            let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
            while term > sum * 1e-7 {
                n += 1.0;
                term *= x / n;
                sum += term;
            }
            (1.0 - sum * front).clamp(0.0, 1.0)
        } else {
            const TINY: f64 = 1e-300;
            let mut b = x + 1.0 - a;
            let (mut c, mut d) = (1.0 / TINY, 1.0 / b);
            let mut h = d;
            for i in 1..200 {
                let an = -f64::from(i) * (f64::from(i) - a);
                b += 2.0;
                d = 1.0 / non_zero(an * d + b);
                c = non_zero(b + an / c);
                let delta = d * c;
                h *= delta;
                if (delta - 1.0).abs() < 1e-7 {
                    break;
                }
            }
            (front * h).clamp(0.0, 1.0)
        }
    }
}

fn non_zero(x: f64) -> f64 {
    if x.abs() < 1e-300 { 1e-300 } else { x }
}

/// The probability that a standard normal variable is above `z`, within 1.2e-7 (Numerical Recipes 6.2.2).
fn normal_survival(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let polynomial = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ]
    .into_iter()
    .fold(0.0, |sum, coefficient| sum * t + coefficient);
    let tail = 0.5 * t * (polynomial - x * x).exp();
    if z >= 0.0 { tail } else { 1.0 - tail }
}

/// A log-normal law by its first two moments; a point where its variance is next to nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lognormal {
    mu: f64,
    sigma: f64,
}

impl Lognormal {
    pub(super) fn matching(mean: f64, variance: f64) -> Self {
        let sigma2 = (variance / (mean * mean)).max(1e-6).ln_1p();
        Self {
            mu: mean.ln() - sigma2 / 2.0,
            sigma: sigma2.sqrt(),
        }
    }

    /// The probability of more than `x`.
    pub(super) fn survival(&self, x: f64) -> f64 {
        if x <= 0.0 {
            1.0
        } else {
            normal_survival((x.ln() - self.mu) / self.sigma)
        }
    }
}

/// Erlang's C: the probability that an arrival at `servers` servers with an offered load of `load` (below `servers`) finds
/// all of them busy, by the recursion for Erlang's B.
pub(crate) fn erlang_c(servers: u32, load: f64) -> f64 {
    const MANY: u32 = 20_000;
    if servers > MANY && load > f64::from(MANY) / 2.0 {
        // As good as fluid; a smaller system of the same load waits a little more.
        return erlang_c(MANY, load / f64::from(servers) * f64::from(MANY));
    }
    if f64::from(servers) > load + 12.0 * load.sqrt() + 12.0 {
        return 0.0;
    }
    let mut blocked = 1.0;
    for n in 1..=servers {
        blocked = load * blocked / (f64::from(n) + load * blocked);
    }
    let idle = 1.0 - load / f64::from(servers);
    (blocked / (idle + (1.0 - idle) * blocked)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, Gamma as Reference, Normal};

    use super::*;

    #[test]
    fn gamma_survival_is_that_of_a_library() {
        for (mean, cv2) in [
            (1.0, 1.0),
            (5.0, 0.25),
            (0.01, 4.0),
            (2.0, 0.01),
            (1.0, 30.0),
            (3.0, 0.002),
        ] {
            let gamma = Gamma::matching(mean, cv2 * mean * mean);
            let reference = Reference::new(1.0 / cv2, 1.0 / (cv2 * mean)).unwrap();
            for share in [0.01, 0.3, 0.9, 1.0, 1.1, 2.0, 5.0, 20.0] {
                let (ours, theirs) = (gamma.survival(share * mean), reference.sf(share * mean));
                assert!(
                    (ours - theirs).abs() < 1e-5,
                    "{mean} {cv2} {share}: {ours} {theirs}"
                );
            }
        }
    }

    #[test]
    fn normal_survival_is_that_of_a_library() {
        let normal = Normal::new(0.0, 1.0).unwrap();
        for z in [-4.0, -1.0, -0.1, 0.0, 0.5, 1.645, 3.0] {
            assert!((normal_survival(z) - normal.sf(z)).abs() < 2e-7, "{z}");
        }
    }

    #[test]
    fn erlang_c_is_its_definition() {
        // One server waits with probability ρ; two with 2ρ²/(1+ρ).
        assert!((erlang_c(1, 0.7) - 0.7).abs() < 1e-12);
        assert!((erlang_c(2, 1.4) - 2.0 * 0.49 / 1.7).abs() < 1e-12);
        assert_eq!(erlang_c(u32::MAX, 3.0), 0.0);
        assert!(erlang_c(u32::MAX, 0.9 * f64::from(u32::MAX)) < 1e-9);
        // A table value: 10 servers, 8 Erlang, 0.40918 (Cooper, Introduction to Queueing Theory).
        assert!((erlang_c(10, 8.0) - 0.409_18).abs() < 1e-4);
    }
}
