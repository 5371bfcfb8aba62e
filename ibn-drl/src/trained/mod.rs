//! A trained policy as a recommender: it chooses head-room over what the twin says a workload needs.

mod file;
mod rule;

use std::sync::Arc;

use ibn_core::decision::{PolicyTrace, Reason};
use ibn_core::encoding::headroom::{FEATURES, Headroom, HeadroomView};
use ibn_core::intent::Preference;
use ibn_core::prediction::Alternative;
use ibn_core::roles::{Checkpoint, LearnReport, PolicyLearner, Predictor, Recommender};
use ibn_core::situation::{Experience, Recommendation, Situation};
use ibn_core::{Error, Result, encoding};

pub use file::{About, TrainedPolicy};
pub use rule::Rule;

use crate::nn::Workspace;
use crate::policy::PolicyWork;

/// How far outside of all that was seen in training a feature may lie, as a share of their span; beyond, what was learned says
/// nothing.
const FAMILIAR: f64 = 0.25;

/// Features of the situation at large by which what is familiar is told, beside those of the head-room.
const OF_THE_WORKLOAD: [&str; 2] = ["startup", "service_cv2"];

/// The action that is taken where the policy can't tell: 1.6 times the demand, and the peak of the last quarter of an hour.
pub const USUAL: usize = HeadroomView::action(3, 1);

/// Follows a trained policy. Its weights stay as they are: policies are trained in environments and shipped as files. As a
/// learner it keeps account of its rewards, by which a [`crate::ladder::Supervised`] compares it with its rule.
///
/// Where model or objectives are missing, or the rate was not measured for long, it leaves everything; without a fresh rate it only adds
/// pods. Where the observation lies outside of what it was trained on it does what [`USUAL`] says; it says so, without a [`PolicyTrace`], and a
/// [`crate::ladder::Supervised`] then takes the advice of its rule.
pub struct Trained {
    experiences: u64,
    mean_reward: f64,
    policy: Arc<TrainedPolicy>,
    predictor: Arc<dyn Predictor>,
    preference: Option<Preference>,
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
            experiences: 0,
            mean_reward: 0.0,
            work: policy.policy.workspace(1),
            of_critic: Workspace::new(&policy.critic, 1),
            policy,
            predictor,
            preference: None,
            headroom: Headroom::default(),
        }
    }

    /// Follows it as for an intent with this preference, whatever the intent's own is.
    #[must_use]
    pub fn with_preference(self, preference: Preference) -> Self {
        Self {
            preference: Some(preference),
            ..self
        }
    }

    /// The feature that lies farthest outside of what the policy was trained on, where one does.
    fn unfamiliar(&self, view: &HeadroomView) -> Option<(&'static str, f64)> {
        let normaliser = self.policy.policy.normaliser()?;
        HeadroomView::names()
            .zip(&view.features)
            .enumerate()
            // The time of day and flags of what is known may be others than in training.
            .filter(|(_, (name, _))| FEATURES.contains(name) || OF_THE_WORKLOAD.contains(name))
            .map(|(idx, (name, value))| (name, normaliser.beyond(idx, f64::from(*value))))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .filter(|(_, beyond)| *beyond > FAMILIAR)
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
        let preferred = self.preference.map(|preference| Situation {
            preference,
            ..situation.clone()
        });
        let situation = preferred.as_ref().unwrap_or(situation);
        let view = self.headroom.view(situation, self.predictor.as_ref());
        if !view.has_choice() {
            let why = "nothing but leaving is allowed: every head-room comes to the pods that there are, or what it takes to tell isn't known";
            return Recommendation::leave(situation, "NothingElse", why);
        }
        if let Some((name, _)) = self.unfamiliar(&view) {
            return usual(situation, &view, name);
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
        let message = format!(
            "{} pods, {}",
            allocation.replicas,
            HeadroomView::in_words(action)
        );
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
                note: HeadroomView::in_words(idx),
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

    fn as_learner(&mut self) -> Option<&mut dyn PolicyLearner> {
        Some(self)
    }
}

/// The layout of a checkpoint: experiences, mean reward, and the policy as its file has it.
const VERSION: u32 = 1;

impl PolicyLearner for Trained {
    fn learn(&mut self, experience: &Experience) -> LearnReport {
        let reward = experience.outcome.reward;
        let mut report = LearnReport::default();
        self.experiences += 1;
        if reward.is_finite() {
            report.reward = reward;
            report.error = (reward - self.mean_reward).abs();
            self.mean_reward += (reward - self.mean_reward) / self.experiences as f64;
        }
        report.experiences = self.experiences;
        report
    }

    fn checkpoint(&self) -> Checkpoint {
        let mut data = self.experiences.to_le_bytes().to_vec();
        data.extend(self.mean_reward.to_le_bytes());
        data.extend(self.policy.to_bytes());
        Checkpoint {
            learner: Self::NAME.to_owned(),
            version: VERSION,
            encoding: encoding::VERSION,
            data,
        }
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let refuse = |reason: String| Error::invalid("the checkpoint", reason);
        let text = |learner: &str, version: u32, encoding: u32| {
            format!("learner `{learner}`, layout {version}, encoding {encoding}")
        };
        let (found, ours) = (
            text(&checkpoint.learner, checkpoint.version, checkpoint.encoding),
            text(Self::NAME, VERSION, encoding::VERSION),
        );
        if found != ours {
            return Err(refuse(format!("it is of {found}; expected is {ours}")));
        }
        let cut = || refuse("it is cut off".to_owned());
        let (experiences, rest) = checkpoint.data.split_first_chunk().ok_or_else(cut)?;
        let (mean, file) = rest.split_first_chunk().ok_or_else(cut)?;
        let mean = f64::from_le_bytes(*mean);
        if !mean.is_finite() {
            return Err(refuse("its mean reward is not a number".to_owned()));
        }
        let policy = TrainedPolicy::from_bytes(file).map_err(|error| refuse(error.to_string()))?;
        *self = Self {
            experiences: u64::from_le_bytes(*experiences),
            mean_reward: mean,
            preference: self.preference,
            ..Self::new(Arc::new(policy), Arc::clone(&self.predictor))
        };
        Ok(())
    }
}

/// As many pods as [`USUAL`] says, since `feature` is none that the policy knows.
fn usual(situation: &Situation, view: &HeadroomView, feature: &str) -> Recommendation {
    let allowed = view.mask.get(USUAL) == Some(&true);
    let to = view.allocations.get(USUAL).filter(|_| allowed);
    let to = to.unwrap_or(&situation.state.allocation).clone();
    let message = format!(
        "`{feature}` is far from all that the policy was trained on: {} pods, {}",
        to.replicas,
        HeadroomView::in_words(USUAL)
    );
    Recommendation::new(to, vec![Reason::new("Unfamiliar", message)])
}
