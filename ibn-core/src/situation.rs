//! What a recommender is told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::allocation::{Allocation, Field};
use crate::decision::{PolicyTrace, Reason};
use crate::envelope::Envelope;
use crate::intent::{Objective, Preference};
use crate::observation::{Floor, Observation, SignalHealth};
use crate::prediction::{Alternative, Forecast, Prediction, WorkloadModel};
use crate::units::duration_text;
use crate::workload::{WorkloadRef, WorkloadState};

/// Everything that a recommender may base an allocation on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Situation {
    /// Of which workload.
    pub workload: WorkloadRef,
    /// The instant.
    pub now: Timestamp,
    /// The time between two decisions.
    #[serde(with = "duration_text")]
    pub control_period: Duration,
    /// The workload as it is.
    pub state: WorkloadState,
    /// Its limits.
    pub envelope: Arc<Envelope>,
    /// What is to be met, the highest priority first.
    pub objectives: Vec<Objective>,
    /// What to favour.
    pub preference: Preference,
    /// What was measured, oldest first; the last one is of now.
    pub history: Vec<Arc<Observation>>,
    /// The demand to come, where it was forecast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// What is known of how it turns requests into CPU time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<WorkloadModel>,
    /// The worst health of the signals that it needs.
    pub health: SignalHealth,
    /// What the measured load needs at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Floor>,
    /// Fields that may not be moved, since a directive holds them or somebody else owns them.
    pub held: BTreeSet<Field>,
    /// For whatever is random in the recommender; differs at every turn.
    pub seed: u64,
}

impl Situation {
    /// The newest observation.
    #[must_use]
    pub fn latest(&self) -> Option<&Observation> {
        self.history.last().map(Arc::as_ref)
    }

    /// Whether a field may be moved.
    #[must_use]
    pub fn is_free(&self, field: &Field) -> bool {
        !self.held.contains(field)
    }
}

/// What a recommender advises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recommendation {
    /// The whole allocation; equal to the live one for "leave it".
    pub allocation: Allocation,
    /// Why, the strongest reason first.
    pub reasons: Vec<Reason>,
    /// What else was considered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Alternative>,
    /// What is expected of it, where the recommender predicts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Prediction>,
    /// How a learner came to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyTrace>,
}

impl Recommendation {
    /// Advice without alternatives or prediction.
    #[must_use]
    pub fn new(allocation: Allocation, reasons: Vec<Reason>) -> Self {
        Self {
            allocation,
            reasons,
            alternatives: Vec::new(),
            predicted: None,
            policy: None,
        }
    }

    /// Advice to leave everything as it is.
    #[must_use]
    pub fn leave(situation: &Situation, code: &str, message: impl Into<String>) -> Self {
        Self::new(
            situation.state.allocation.clone(),
            vec![Reason::new(code, message)],
        )
    }
}

/// What followed on an advice that was taken, for a learner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Experience {
    /// What the advice was based on.
    pub situation: Situation,
    /// What was advised.
    pub recommendation: Recommendation,
    /// What the guard let through and was applied.
    pub applied: Allocation,
    /// What it led to.
    pub outcome: Outcome,
}

/// What an allocation led to over one control period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Share of the objectives that were violated at the end of the period, 0 to 1; NaN where it can't be told.
    pub violation: f64,
    /// Cores requested over all pods.
    pub cost_cores: f64,
    /// Fields changed.
    pub changes: u32,
    /// The reward: minus the cost in cores, what is violated, and what changed, each with its weight; greater is better.
    pub reward: f64,
}

/// What the parts of a reward weigh against a requested core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RewardWeights {
    /// Of violating every objective.
    pub violation: f64,
    /// Of each changed field.
    pub change: f64,
}

impl Default for RewardWeights {
    /// 10 cores for a violation, 0.1 for a change.
    fn default() -> Self {
        Self {
            violation: 10.0,
            change: 0.1,
        }
    }
}

impl Outcome {
    /// Judges what followed on an advice: `seen` is the observation of the period, `live` what was given in it, and `changes`
    /// how many fields had been changed.
    #[must_use]
    pub fn of(
        objectives: &[Objective],
        seen: &Observation,
        live: &Allocation,
        changes: u32,
        weights: RewardWeights,
    ) -> Self {
        let judged: Vec<f64> = objectives
            .iter()
            .filter_map(|objective| {
                let achieved = seen.achieved(objective, live)?;
                Some(f64::from(u8::from(!objective.is_met_by(achieved))))
            })
            .collect();
        let violation = if judged.is_empty() {
            f64::NAN
        } else {
            judged.iter().sum::<f64>() / judged.len() as f64
        };
        let cost_cores = live.total_requests().cpu.as_cores();
        Self {
            violation,
            cost_cores,
            changes,
            reward: -(weights.violation * violation
                + cost_cores
                + weights.change * f64::from(changes)),
        }
    }
}
