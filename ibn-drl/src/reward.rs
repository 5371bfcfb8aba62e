//! The reward that fits the learners of this crate.

use ibn_core::intent::Preference;
use ibn_core::situation::Outcome;

/// Weights of the three things that a reward weighs.
///
/// ```text
/// reward = −(violation weight × violation + cost weight × cores ÷ reference cores + change weight × fields changed)
/// ```
///
/// with `violation` the share of the objectives that were violated at the end of the period and the reference a fixed
/// number of cores of the workload, such as the most that the envelope allows; it must not move with the allocation, else
/// cost would not count. So a reward lies between about −(sum of the weights) and 0, which is the scale that the learners'
/// defaults are made for.
///
/// ```
/// use ibn_core::intent::Preference;
/// use ibn_core::situation::Outcome;
/// use ibn_drl::RewardWeights;
///
/// let outcome = Outcome { violation: 0.0, cost_cores: 4.0, changes: 1, reward: f64::NAN };
/// let weights = RewardWeights::for_preference(Preference::Balanced);
/// assert!((weights.reward(&outcome, 8.0) - -(0.3 * 0.5 + 0.02)).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RewardWeights {
    /// Of a control period in which all objectives are violated.
    pub violation: f64,
    /// Of a control period at the reference cost.
    pub cost: f64,
    /// Of one changed field.
    pub change: f64,
}

impl RewardWeights {
    /// What a preference stands for: a violation weighs 1; the cost of the reference 0.6 (cost), 0.3 (balanced)
    /// or 0.1 (performance); a change 0.02.
    #[must_use]
    pub fn for_preference(preference: Preference) -> Self {
        Self {
            violation: 1.0,
            cost: match preference {
                Preference::Cost => 0.6,
                Preference::Balanced => 0.3,
                Preference::Performance => 0.1,
            },
            change: 0.02,
        }
    }

    /// The reward of an outcome, whose own `reward` is not read; NaN where the violation can't be told.
    #[must_use]
    pub fn reward(&self, outcome: &Outcome, reference_cores: f64) -> f64 {
        let relative_cost = outcome.cost_cores / reference_cores.max(1e-3);
        -(self.violation * outcome.violation
            + self.cost * relative_cost
            + self.change * f64::from(outcome.changes))
    }
}
