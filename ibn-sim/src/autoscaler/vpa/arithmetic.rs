//! Double arithmetic to the last bit as the upstream recommender has it: the elementary functions of its language's library,
//! which follow FreeBSD's `e_log.c` and `e_exp.c`. A recommendation in bytes shows a difference of one bit.

const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// Natural logarithm of a positive normal number.
pub(super) fn ln(x: f64) -> f64 {
    const L: [f64; 7] = [
        6.666_666_666_666_735e-1,
        3.999_999_999_940_942e-1,
        2.857_142_874_366_239e-1,
        2.222_219_843_214_978_4e-1,
        1.818_357_216_161_805e-1,
        1.531_383_769_920_937_3e-1,
        1.479_819_860_511_658_6e-1,
    ];
    let (mut fraction, mut exponent) = split(x);
    if fraction < std::f64::consts::FRAC_1_SQRT_2 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let [l1, l2, l3, l4, l5, l6, l7] = L;
    let (f, k) = (fraction - 1.0, f64::from(exponent));
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let odd = s2 * (l1 + s4 * (l3 + s4 * (l5 + s4 * l7)));
    let even = s4 * (l2 + s4 * (l4 + s4 * l6));
    let half_square = 0.5 * f * f;
    k * LN2_HIGH - ((half_square - (s * (half_square + (odd + even)) + k * LN2_LOW)) - f)
}

/// 2 to the power of `x`, for |x| < 1000.
pub(super) fn exp2(x: f64) -> f64 {
    const P: [f64; 5] = [
        1.666_666_666_666_666_6e-1,
        -2.777_777_777_701_559_3e-3,
        6.613_756_321_437_934e-5,
        -1.653_390_220_546_525_2e-6,
        4.138_136_797_057_238_5e-8,
    ];
    let k = (x + 0.5_f64.copysign(x)).trunc();
    let t = x - k;
    let (high, low) = (t * LN2_HIGH, -t * LN2_LOW);
    let [p1, p2, p3, p4, p5] = P;
    let r = high - low;
    let t = r * r;
    let c = r - t * (p1 + t * (p2 + t * (p3 + t * (p4 + t * p5))));
    let y = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
    scale(y, k as i32)
}

/// `x` times 2 to the power of `exponent`, exact where the result is a normal number.
pub(super) fn scale(x: f64, exponent: i32) -> f64 {
    // In two steps, since 2^1023 is the greatest power of two there is.
    let half = exponent / 2;
    x * power_of_two(half) * power_of_two(exponent - half)
}

/// A base of normal size to a whole power, by squaring.
pub(super) fn power(base: f64, mut exponent: u32) -> f64 {
    let (mut result, mut square) = (1.0, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= square;
        }
        square *= square;
        exponent >>= 1;
    }
    result
}

fn power_of_two(exponent: i32) -> f64 {
    let biased = exponent.saturating_add(1023);
    if biased <= 0 {
        0.0
    } else {
        f64::from_bits((biased.min(2047) as u64) << 52)
    }
}

/// A fraction in [0.5, 1) and the exponent that it is to be scaled by.
fn split(x: f64) -> (f64, i32) {
    const EXPONENT: u64 = 0x7ff << 52;
    let bits = x.to_bits();
    let exponent = ((bits & EXPONENT) >> 52) as i32 - 1022;
    (f64::from_bits((bits & !EXPONENT) | (1022 << 52)), exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Within the last two bits of this machine's own functions, which are rounded otherwise.
    #[test]
    fn it_is_near_the_functions_of_the_system() {
        for step in 1..4000 {
            let x = f64::from(step) * 0.731;
            assert!(
                (ln(x) - x.ln()).abs() <= 4e-16 * x.ln().abs().max(1.0),
                "ln {x}"
            );
            let y = f64::from(step - 2000) * 0.049;
            assert!((exp2(y) / y.exp2() - 1.0).abs() < 5e-16, "exp2 {y}");
        }
        assert_eq!(exp2(0.0).to_bits(), 1.0_f64.to_bits());
        assert_eq!(exp2(-3.0).to_bits(), 0.125_f64.to_bits());
        assert_eq!(scale(1.0, -100_000).to_bits(), 0.0_f64.to_bits());
        assert_eq!(power(1.5, 3).to_bits(), 3.375_f64.to_bits());
    }
}
