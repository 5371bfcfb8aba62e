//! Exact division of a whole number into shares.

/// Splits `total` over `weights`, each share its exact part rounded down or up, the sum exactly `total`.
///
/// No share exceeds its weight where `total` is at most the sum of the weights. All shares are zero where all weights are.
pub(crate) fn apportion(weights: &[u64], total: u128) -> Vec<u64> {
    let sum: u128 = weights.iter().copied().map(u128::from).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let parts: Vec<(u128, bool)> = weights
        .iter()
        .map(|weight| multiply_divide(*weight, total, sum))
        .collect();
    let mut rest = total.saturating_sub(parts.iter().map(|(share, _)| share).sum());
    parts
        .into_iter()
        .map(|(share, has_remainder)| {
            let extra = u128::from(has_remainder && rest > 0);
            rest -= extra;
            u64::try_from(share + extra).unwrap_or(u64::MAX)
        })
        .collect()
}

/// `factor * total / divisor` rounded down, and whether something remained. `divisor` is not zero and below 2^127.
fn multiply_divide(factor: u64, total: u128, divisor: u128) -> (u128, bool) {
    if let Some(product) = u128::from(factor).checked_mul(total) {
        return (product / divisor, !product.is_multiple_of(divisor));
    }
    // Bit by bit, so that the product, which may have more than 128 bits, is never needed.
    let (whole, part) = (total / divisor, total % divisor);
    let (mut quotient, mut remainder) = (0u128, 0u128);
    for bit in (0..u64::BITS).rev() {
        quotient = quotient.saturating_mul(2);
        remainder *= 2;
        if factor >> bit & 1 == 1 {
            quotient = quotient.saturating_add(whole);
            remainder += part;
        }
        while remainder >= divisor {
            remainder -= divisor;
            quotient = quotient.saturating_add(1);
        }
    }
    (quotient, remainder != 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_are_proportional_and_exact() {
        assert_eq!(apportion(&[300, 100], 200), [150, 50]);
        assert_eq!(apportion(&[1, 1, 1], 2), [1, 1, 0]);
        assert_eq!(apportion(&[0, 0], 7), [0, 0]);
        assert_eq!(apportion(&[], 7), [0u64; 0]);
        let huge = [u64::MAX, u64::MAX, u64::MAX, u64::MAX];
        assert_eq!(apportion(&huge, 4 * u128::from(u64::MAX)), huge);
        assert_eq!(
            apportion(&huge, 4 * u128::from(u64::MAX) - 3),
            [u64::MAX, u64::MAX - 1, u64::MAX - 1, u64::MAX - 1]
        );
    }

    proptest! {
        #[test]
        fn no_share_exceeds_its_weight(
            weights in proptest::collection::vec(prop_oneof![0..5u64, any::<u64>(), Just(u64::MAX)], 1..6),
            part in any::<u64>(),
        ) {
            let sum: u128 = weights.iter().map(|w| u128::from(*w)).sum();
            let total = sum.min(u128::from(part) * 4);
            let shares = apportion(&weights, total);
            prop_assert_eq!(shares.iter().map(|s| u128::from(*s)).sum::<u128>(), total);
            for (share, weight) in shares.iter().zip(&weights) {
                prop_assert!(share <= weight);
            }
        }
    }
}
