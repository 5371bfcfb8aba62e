//! A rule over head-room, as a teacher for the first steps of a training.

use ibn_core::encoding::headroom::HeadroomView;

use crate::ppo::Teacher;

/// Always the same head-room for a preference, whatever else is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The actions for those who prefer cost, neither, and performance.
    pub actions: [usize; 3],
}

impl Rule {
    /// The demand as it is, 1.2 times it with the peak of a quarter of an hour, and 1.6 times it with that of an hour: of the rules of this
    /// kind those that do well on the shipped scenarios.
    #[must_use]
    pub const fn usual() -> Self {
        Self {
            actions: [
                HeadroomView::action(1, 0),
                HeadroomView::action(2, 1),
                HeadroomView::action(3, 2),
            ],
        }
    }
}

impl Teacher for Rule {
    fn action(&self, observation: &[f32], mask: &[bool]) -> u32 {
        let action = self
            .actions
            .get(preference(observation))
            .copied()
            .unwrap_or(0);
        let allowed = mask.get(action) == Some(&true);
        if allowed { action as u32 } else { 0 }
    }
}

/// 0 for cost, 1 for neither, 2 for performance.
fn preference(observation: &[f32]) -> usize {
    let is_set = |name: &str| {
        let place = HeadroomView::names().position(|of| of == name);
        place
            .and_then(|place| observation.get(place))
            .is_some_and(|value| *value > 0.5)
    };
    if is_set("prefers_cost") {
        0
    } else if is_set("prefers_performance") {
        2
    } else {
        1
    }
}
