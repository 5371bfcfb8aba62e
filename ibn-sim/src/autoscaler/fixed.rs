//! The baseline that never changes anything.

use ibn_core::allocation::Field;
use ibn_core::roles::Recommender;
use ibn_core::situation::{Recommendation, Situation};

/// Always the same number of pods: those that it is told, or those that it finds first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fixed {
    replicas: Option<u32>,
}

impl Fixed {
    /// Keeps as many pods as there are when it is first asked.
    #[must_use]
    pub const fn as_found() -> Self {
        Self { replicas: None }
    }

    /// Keeps `replicas` pods.
    #[must_use]
    pub const fn at(replicas: u32) -> Self {
        Self {
            replicas: Some(replicas),
        }
    }
}

impl Recommender for Fixed {
    fn name(&self) -> &str {
        "fixed"
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let live = &situation.state.allocation;
        let replicas = *self.replicas.get_or_insert(live.replicas);
        let mut recommendation =
            Recommendation::leave(situation, "Fixed", format!("always {replicas} pods"));
        if situation.is_free(&Field::Replicas) {
            recommendation.allocation.replicas = replicas;
        }
        recommendation
    }
}
