//! Elementary functions from IEEE operations alone.
//!
//! A system's own `exp` and `ln` differ in the last bit between libraries and processors; these don't, so that a seed
//! gives the same run on every machine.

use std::f64::consts::{LN_2, SQRT_2};

/// e^x, within 2e-15 of it; 0 and infinity beyond the range of doubles.
#[inline]
pub(crate) fn exp(x: f64) -> f64 {
    /// ln 2 in two parts, the first with trailing zeros, so that multiples of it are exact.
    const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    if x < -708.0 {
        return 0.0;
    }
    if x > 709.0 {
        return f64::INFINITY;
    }
    let k = (x / LN_2).round();
    let r = (x - k * LN_2_HIGH) - k * LN_2_LOW;
    // Taylor on |r| <= ln 2 / 2: the next term is below 2^-53.
    let mut sum = 1.0 / 6_227_020_800.0;
    for factor in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = sum * r + factor;
    }
    // k is between -1022 and 1023.
    sum * f64::from_bits(((k as i64 + 1023) as u64) << 52)
}

/// The natural logarithm of a normal number above 0, within 1e-15 of it (absolutely, near 1).
#[inline]
pub(crate) fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) as i64 - 1023) as f64;
    let mut mantissa = f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF) | 0x3FF0_0000_0000_0000);
    if mantissa > SQRT_2 {
        mantissa *= 0.5;
        exponent += 1.0;
    }
    // ln m = 2 artanh((m-1)/(m+1)), whose argument is at most 0.172.
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let s2 = s * s;
    let mut sum = 1.0 / 21.0;
    for divisor in [19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * s2 + 1.0 / divisor;
    }
    2.0 * s * sum + exponent * LN_2
}

/// The cosine of so many turns, within 1e-15 of it.
pub(crate) fn cos_turns(turns: f64) -> f64 {
    // To an eighth of a turn: by period, by symmetry, by complement.
    let turn = (turns - turns.round()).abs();
    let (turn, sign) = if turn > 0.25 {
        (0.5 - turn, -1.0)
    } else {
        (turn, 1.0)
    };
    let series = |turn: f64, first: f64, odd: f64| {
        let x2 = (turn * std::f64::consts::TAU).powi(2);
        let (mut term, mut sum) = (first, first);
        for n in 1..12 {
            let n = 2.0 * f64::from(n) + odd;
            term *= -x2 / (n * (n - 1.0));
            sum += term;
        }
        sum
    };
    if turn <= 0.125 {
        sign * series(turn, 1.0, 0.0)
    } else {
        sign * series(0.25 - turn, (0.25 - turn) * std::f64::consts::TAU, 1.0)
    }
}

/// The value that a standard normal variable is below with probability `p` in (0, 1), within 1.2e-9 relatively (Acklam's
/// rational approximations).
#[inline]
pub(crate) fn normal_quantile(p: f64) -> f64 {
    const CENTRE: f64 = 0.024_25;
    let tail = |p: f64| {
        let q = (-2.0 * ln(p)).sqrt();
        (((((-7.784_894_002_430_293e-3 * q - 3.223_964_580_411_365e-1) * q
            - 2.400_758_277_161_838)
            * q
            - 2.549_732_539_343_734)
            * q
            + 4.374_664_141_464_968)
            * q
            + 2.938_163_982_698_783)
            / ((((7.784_695_709_041_462e-3 * q + 3.224_671_290_700_398e-1) * q
                + 2.445_134_137_142_996)
                * q
                + 3.754_408_661_907_416)
                * q
                + 1.0)
    };
    if p < CENTRE {
        return tail(p);
    }
    if p > 1.0 - CENTRE {
        return -tail(1.0 - p);
    }
    let q = p - 0.5;
    let r = q * q;
    (((((-3.969_683_028_665_376e1 * r + 2.209_460_984_245_205e2) * r - 2.759_285_104_469_687e2)
        * r
        + 1.383_577_518_672_69e2)
        * r
        - 3.066_479_806_614_716e1)
        * r
        + 2.506_628_277_459_239)
        * q
        / (((((-5.447_609_879_822_406e1 * r + 1.615_858_368_580_409e2) * r
            - 1.556_989_798_598_866e2)
            * r
            + 6.680_131_188_771_972e1)
            * r
            - 1.328_068_155_288_572e1)
            * r
            + 1.0)
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, Normal};

    use super::*;

    #[test]
    fn they_are_the_systems_own_to_the_last_bits() {
        for i in -7000..7000 {
            let x = f64::from(i) * 0.1003;
            assert!((exp(x) / x.exp() - 1.0).abs() < 2e-15, "exp {x}");
            let y = (f64::from(i) * 0.05).exp();
            assert!(
                (ln(y) - y.ln()).abs() <= 1e-15 * (1.0 + y.ln().abs()),
                "ln {y}"
            );
            let turns = f64::from(i) / 3000.0;
            let expected = (turns * std::f64::consts::TAU).cos();
            assert!((cos_turns(turns) - expected).abs() < 5e-15, "cos {turns}");
        }
        assert_eq!(
            (exp(0.0), ln(1.0), cos_turns(0.0), cos_turns(0.5)),
            (1.0, 0.0, 1.0, -1.0)
        );
        assert_eq!((exp(-1000.0), exp(1000.0)), (0.0, f64::INFINITY));
    }

    #[test]
    fn normal_quantiles_are_those_of_a_library() {
        let normal = Normal::new(0.0, 1.0).unwrap();
        for i in 1..4000 {
            let p = f64::from(i) / 4000.0;
            assert!(
                (normal_quantile(p) - normal.inverse_cdf(p)).abs() < 1e-8,
                "{p}"
            );
        }
        for p in [1e-16, 1e-9, 1e-4] {
            assert!(
                (normal_quantile(p) / normal.inverse_cdf(p) - 1.0).abs() < 1e-8,
                "{p}"
            );
        }
    }
}
