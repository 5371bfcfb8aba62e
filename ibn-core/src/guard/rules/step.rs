//! How far one decision may go.

use super::super::CutRule;
use super::super::back;
use super::super::trim::{Case, Trim};
use crate::allocation::{Allocation, Field, Resource, ResourceBound};
use crate::envelope::LimitSource;

pub(super) fn trim(case: &Case<'_>, trim: &mut Trim<'_>) {
    let envelope = case.current.envelope;
    let (step, sources) = (&envelope.step, &envelope.sources);
    // Where an autoscaler goes, the pods that are there stay.
    if trim.live.autoscale.is_none() || trim.now.autoscale.is_some() {
        let (up, down) = (step.replicas_up, step.replicas_down);
        let (up_by, down_by) = (by(&sources.replicas_up), by(&sources.replicas_down));
        trim.cut(CutRule::Step, up_by, |live, now| {
            if let Some(up) = up {
                let (least, most) = (live.least_pods(), live.most_pods());
                cap(
                    now,
                    Allocation::least_pods,
                    least.saturating_add(up),
                    |now, to| {
                        back::least(live, now, to);
                    },
                );
                cap(
                    now,
                    Allocation::most_pods,
                    most.saturating_add(up),
                    |now, to| {
                        back::most(live, now, to);
                    },
                );
            }
        });
        trim.cut(CutRule::Step, down_by, |live, now| {
            if let Some(down) = down {
                let least = live.least_pods().saturating_sub(down);
                if now.least_pods() < least {
                    back::least(live, now, least);
                }
                let most = live.most_pods().saturating_sub(down);
                if now.most_pods() < most {
                    back::most(live, now, most);
                }
            }
        });
    }
    if let Some(factor) = envelope.resource_factor() {
        trim.cut(CutRule::Step, by(&sources.resource_factor), |live, now| {
            keep_sizes(live, now, factor);
        });
    }
}

fn cap(
    now: &mut Allocation,
    pods: impl Fn(&Allocation) -> u32,
    most: u32,
    back: impl FnOnce(&mut Allocation, u32),
) {
    if pods(now) > most {
        back(now, most);
    }
}

fn by(source: &Option<LimitSource>) -> &LimitSource {
    source.as_ref().unwrap_or(&LimitSource::Default)
}

/// Requests and limits stay within the factor; one that is not set, or is nothing, has no factor to anything else.
fn keep_sizes(live: &Allocation, now: &mut Allocation, factor: f64) {
    let mut back_to_live = Vec::new();
    for (before, after) in live.containers.iter().zip(&mut now.containers) {
        for resource in Resource::ALL {
            for bound in ResourceBound::ALL {
                match (
                    before.amount(bound, resource),
                    after.amount(bound, resource),
                ) {
                    (Some(from), Some(to)) => {
                        let (least, most) = (quotient(from, factor), product(from, factor));
                        let kept = to.clamp(least, most.max(least));
                        if kept != to && bound == ResourceBound::Requests {
                            back::reserved(before, after, resource, kept);
                        } else if kept != to {
                            back::ceiling(before, after, resource, kept);
                        }
                    }
                    (None, None) => {}
                    _ => back_to_live.push(Field::Resource {
                        container: before.name.clone(),
                        bound,
                        resource,
                    }),
                }
            }
        }
    }
    for field in back_to_live {
        back::field(live, now, &field);
    }
}

/// A finite factor of at least 1 as `mantissa * 2^exponent`, exactly.
fn parts(factor: f64) -> (u128, i32) {
    let bits = factor.to_bits();
    let exponent = i32::try_from(bits >> 52 & 0x7ff).unwrap_or(0) - 1075;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    (u128::from(mantissa), exponent)
}

/// The greatest amount that is at most `factor` times `amount`, exactly; `factor` is finite and at least 1.
fn product(amount: u64, factor: f64) -> u64 {
    let (mantissa, exponent) = parts(factor);
    // 64 and 53 bits fit.
    let product = u128::from(amount) * mantissa;
    let product = if exponent >= 0 {
        let lost = product != 0 && product.leading_zeros() < exponent.unsigned_abs();
        if lost {
            u128::MAX
        } else {
            product.checked_shl(exponent.unsigned_abs()).unwrap_or(0)
        }
    } else {
        product.checked_shr(exponent.unsigned_abs()).unwrap_or(0)
    };
    u64::try_from(product).unwrap_or(u64::MAX)
}

/// The least amount whose product with `factor` is at least `amount`, exactly; `factor` is finite and at least 1.
fn quotient(amount: u64, factor: f64) -> u64 {
    let (mantissa, exponent) = parts(factor);
    let amount = u128::from(amount);
    let quotient = if exponent >= 0 {
        let divisor = mantissa.checked_shl(exponent.unsigned_abs());
        match divisor.filter(|divisor| divisor >> exponent.unsigned_abs() == mantissa) {
            Some(divisor) => amount.div_ceil(divisor),
            None => u128::from(amount > 0),
        }
    } else {
        // At most 64 + 52 bits, since the factor is at least 1.
        amount
            .checked_shl(exponent.unsigned_abs())
            .unwrap_or(u128::MAX)
            .div_ceil(mantissa)
    };
    u64::try_from(quotient).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_exact() {
        assert_eq!((quotient(1000, 1.5), product(1000, 1.5)), (667, 1500));
        assert_eq!((quotient(3, 2.0), product(3, 2.0)), (2, 6));
        assert_eq!((quotient(7, 1.0), product(7, 1.0)), (7, 7));
        assert_eq!((quotient(0, 3.0), product(0, 3.0)), (0, 0));
        assert_eq!((quotient(9, 1e300), product(9, 1e300)), (1, u64::MAX));
        assert_eq!(
            (quotient(u64::MAX, 1.0), product(u64::MAX, 1.0)),
            (u64::MAX, u64::MAX)
        );
        assert_eq!(product(u64::MAX, 2.0), u64::MAX);
        // 1.1 as a double is a little more than 1.1.
        assert_eq!(
            product(10_000_000_000_000_000_000, 1.1),
            11_000_000_000_000_000_888
        );
        // The double next above 1 lets a large amount move by a little, and none lets a small one.
        let next = 1.0f64.next_up();
        assert_eq!(
            (product(1000, next), product(1 << 60, next)),
            (1000, (1 << 60) + 256)
        );
        assert_eq!(quotient(1 << 60, f64::MAX), 1);
        assert_eq!(quotient(u64::MAX, 2f64.powi(63)), 2);
    }
}
