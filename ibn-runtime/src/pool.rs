//! Recommenders, one for each workload, made when they are first needed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ibn_core::roles::{LearnReport, Recommender};
use ibn_core::situation::{Experience, Recommendation, Situation};
use ibn_core::workload::WorkloadRef;

/// A recommender that a driver's task may take hold of.
pub type SharedRecommender = Arc<Mutex<Box<dyn Recommender>>>;

/// Makes the recommender of a workload.
type Make = dyn Fn(&WorkloadRef) -> Box<dyn Recommender> + Send + Sync;

/// Keeps one recommender for each workload. Clones share them.
#[derive(Clone)]
pub struct RecommenderPool {
    make: Arc<Make>,
    made: Arc<Mutex<BTreeMap<WorkloadRef, SharedRecommender>>>,
}

impl RecommenderPool {
    /// A pool whose recommenders `make` makes.
    #[must_use]
    pub fn new(
        make: impl Fn(&WorkloadRef) -> Box<dyn Recommender> + Send + Sync + 'static,
    ) -> Self {
        Self {
            make: Arc::new(make),
            made: Arc::default(),
        }
    }

    /// The recommender of a workload.
    #[must_use]
    pub fn of(&self, workload: &WorkloadRef) -> SharedRecommender {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = made
            .entry(workload.clone())
            .or_insert_with(|| Arc::new(Mutex::new((self.make)(workload))));
        Arc::clone(shared)
    }

    /// Asks the workload's recommender.
    #[must_use]
    pub fn recommend(&self, situation: &Situation) -> Recommendation {
        let shared = self.of(&situation.workload);
        let mut recommender = shared.lock().unwrap_or_else(PoisonError::into_inner);
        recommender.recommend(situation)
    }

    /// Whether the workload's recommender ever gives pods another size.
    #[must_use]
    pub fn resizes(&self, workload: &WorkloadRef) -> bool {
        let shared = self.of(workload);
        let recommender = shared.lock().unwrap_or_else(PoisonError::into_inner);
        recommender.resizes()
    }

    /// Hands an experience to the workload's learner; `None` where its recommender doesn't learn.
    #[must_use]
    pub fn learn(&self, workload: &WorkloadRef, experience: &Experience) -> Option<LearnReport> {
        let shared = self.of(workload);
        let mut recommender = shared.lock().unwrap_or_else(PoisonError::into_inner);
        Some(recommender.as_learner()?.learn(experience))
    }

    /// Trusts the workload's learner less.
    pub fn demote(&self, workload: &WorkloadRef, cause: &str) {
        let shared = self.of(workload);
        shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .demote(cause);
    }
}
