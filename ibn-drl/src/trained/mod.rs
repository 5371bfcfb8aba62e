//! A trained policy as a recommender: it chooses head-room over what the twin says a workload needs.

mod file;

use std::sync::Arc;

use ibn_core::decision::{PolicyTrace, Reason};
use ibn_core::encoding::headroom::{FACTORS, Headroom, HeadroomView};
use ibn_core::prediction::Alternative;
use ibn_core::roles::{Predictor, Recommender};
use ibn_core::situation::{Recommendation, Situation};

pub use file::{About, TrainedPolicy};

use crate::nn::Workspace;
use crate::policy::PolicyWork;

/// Follows a trained policy. It doesn't learn by itself: policies are trained in environments and shipped as files.
///
/// Where signals, model or objectives are missing, only leaving is allowed, and it says so: a [`crate::ladder::Supervised`] then
/// takes the advice of its rule.
pub struct Trained {
    policy: Arc<TrainedPolicy>,
    predictor: Arc<dyn Predictor>,
    headroom: Headroom,
    work: PolicyWork<f32>,
    of_critic: Workspace<f32>,
}

impl Trained {
    /// The name under which it can be chosen.
    pub const NAME: &str = "ppo";

    /// Follows `policy`, with `predictor` to tell what is needed.
    #[must_use]
    pub fn new(policy: Arc<TrainedPolicy>, predictor: Arc<dyn Predictor>) -> Self {
        Self {
            work: policy.policy.workspace(1),
            of_critic: Workspace::new(&policy.critic, 1),
            policy,
            predictor,
            headroom: Headroom::default(),
        }
    }

    /// What moved the choice: how far the probability of the action falls where a feature is replaced by its mean in training,
    /// the greatest first.
    fn moved_by(&mut self, view: &HeadroomView, action: usize) -> Vec<(&'static str, f64)> {
        let Some(normaliser) = self.policy.policy.normaliser() else {
            return Vec::new();
        };
        let means: Vec<f32> = normaliser.mean().iter().map(|mean| *mean as f32).collect();
        let probability = |features: &[f32], work: &mut PolicyWork<f32>| {
            let all = self.policy.policy.probabilities(features, &view.mask, work);
            all.get(action).copied().map_or(0.0, f64::from)
        };
        let whole = probability(&view.features, &mut self.work);
        let mut features = view.features.clone();
        let mut moved: Vec<(&'static str, f64)> = HeadroomView::names()
            .zip(&means)
            .enumerate()
            .filter_map(|(idx, (name, mean))| {
                let place = features.get_mut(idx)?;
                let value = std::mem::replace(place, *mean);
                let without = probability(&features, &mut self.work);
                *features.get_mut(idx)? = value;
                Some((name, whole - without))
            })
            .collect();
        moved.sort_by(|a, b| b.1.total_cmp(&a.1));
        moved
    }
}

impl Recommender for Trained {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let view = self.headroom.view(situation, self.predictor.as_ref());
        if view.mask.iter().filter(|allowed| **allowed).count() < 2 {
            let why = "nothing but leaving is allowed: every head-room comes to the pods that there are, or what it takes to tell isn't known";
            return Recommendation::leave(situation, "NothingElse", why);
        }
        let trained = Arc::clone(&self.policy);
        let mut action = [0.0];
        trained
            .policy
            .best(&view.features, &view.mask, &mut self.work, &mut action);
        let action = action[0] as usize;
        let probabilities =
            trained
                .policy
                .probabilities(&view.features, &view.mask, &mut self.work);
        let probability = probabilities.get(action).copied().map_or(0.0, f64::from);
        let value = trained.value(&view.features, &mut self.of_critic);
        let to = view.allocations.get(action).cloned();
        let allocation = to.unwrap_or_else(|| situation.state.allocation.clone());
        let pods = allocation.replicas;
        let message = match action.checked_sub(1).and_then(|idx| FACTORS.get(idx)) {
            Some(factor) => format!("{pods} pods, for {factor} times the measured demand"),
            None => format!("{pods} pods, as they are"),
        };
        let mut reasons = vec![Reason::new(
            "Policy",
            format!("{message}; with probability {probability:.2}"),
        )];
        let moved: Vec<String> = self
            .moved_by(&view, action)
            .into_iter()
            .filter(|(_, by)| *by > 0.01)
            .take(3)
            .map(|(name, by)| format!("{name} by {by:.2}"))
            .collect();
        if !moved.is_empty() {
            reasons.push(Reason::new("MovedBy", moved.join(", ")));
        }
        let alternatives = view
            .allocations
            .iter()
            .zip(&probabilities)
            .enumerate()
            .filter(|(idx, (_, probability))| *idx != action && **probability > 0.05)
            .map(|(idx, (allocation, probability))| Alternative {
                allocation: allocation.clone(),
                score: f64::from(*probability),
                note: match idx.checked_sub(1).and_then(|idx| FACTORS.get(idx)) {
                    Some(factor) => format!("for {factor} times the demand"),
                    None => "as it is".to_owned(),
                },
            })
            .collect();
        Recommendation {
            allocation,
            reasons,
            alternatives,
            predicted: None,
            policy: Some(PolicyTrace {
                policy: trained.name(),
                log_probability: probability.max(f64::MIN_POSITIVE).ln(),
                value: f64::from(value),
                observation_hash: view.hash(),
                action: action as u32,
                explored: false,
            }),
        }
    }
}
