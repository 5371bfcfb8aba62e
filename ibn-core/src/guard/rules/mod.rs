//! The rules that trim: each moves what is wanted back towards what is live until it holds.

mod bounds;
mod budget;
mod floor;
pub(super) mod owner;
pub(super) mod rollout;
pub(super) mod shrink;
mod size;
mod step;

use super::trim::{Case, Trim};

/// In the order in which they are asked. Since each only moves towards what is live, the order decides which rule is named
/// in a cut, not what is safe.
const RULES: [fn(&Case<'_>, &mut Trim<'_>); 8] = [
    owner::trim,
    rollout::keep_what_is_set,
    shrink::trim,
    floor::trim,
    step::trim,
    bounds::trim,
    budget::trim,
    rollout::keep_class,
];

/// More rounds than any plan needs; one that needs more is refused.
const MOST_ROUNDS: usize = 64;

/// Asks all rules in turn until none cuts anything more; whether that came to an end.
pub(super) fn settle(case: &Case<'_>, trim: &mut Trim<'_>) -> bool {
    for _ in 0..MOST_ROUNDS {
        let before = trim.now.clone();
        for rule in RULES {
            rule(case, trim);
        }
        if trim.now == before {
            return true;
        }
    }
    false
}
