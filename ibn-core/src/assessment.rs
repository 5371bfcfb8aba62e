//! What assurance says of a workload: achieved, burning, why, and what should follow.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decision::{DecisionId, Reason};
use crate::guard::Desired;
use crate::intent::{Intent, IntentKey};
use crate::observation::{Floor, Observation, SignalHealth};
use crate::prediction::{Forecast, WorkloadModel};
use crate::units::duration_text;
use crate::workload::WorkloadState;

/// What an assessor is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssessmentInput {
    /// The instant.
    pub now: Timestamp,
    /// The workload as it is.
    pub state: WorkloadState,
    /// What was measured, oldest first; the last one is of now.
    pub history: Vec<Arc<Observation>>,
    /// Live intents on the workload.
    pub intents: Vec<Arc<Intent>>,
    /// The last apply, where its effect can still be judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_apply: Option<LastApply>,
    /// The age beyond which a signal is stale.
    #[serde(with = "duration_text")]
    pub max_signal_age: Duration,
}

/// An apply whose effect is still to be judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastApply {
    /// Which decision.
    pub decision: DecisionId,
    /// When it was applied.
    pub at: Timestamp,
    /// What was live before.
    pub before: Desired,
    /// What is live since.
    pub after: Desired,
    /// The observation before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation: Option<Arc<Observation>>,
}

/// What an assessor says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assessment {
    /// One entry for each intent that was given.
    pub intents: Vec<IntentAssessment>,
    /// The worst health of the signals that the intents need.
    pub health: SignalHealth,
    /// What the measured load needs at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Floor>,
    /// What is known of how the workload turns requests into CPU time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<WorkloadModel>,
    /// The demand to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// What should follow; the engine decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<AssuranceAction>,
    /// A sentence on each thing that stands out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Reason>,
}

/// How one intent stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntentAssessment {
    /// Which intent.
    pub intent: IntentKey,
    /// One entry for each objective, by the index of its expectation.
    pub objectives: Vec<ObjectiveAssessment>,
}

/// How one objective stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectiveAssessment {
    /// The index in `spec.expectations`.
    pub expectation: usize,
    /// What was achieved over the window, in the unit of the bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub achieved: Option<f64>,
    /// Whether the objective is met; `None` where it can't be told. Met with nothing achieved: nobody asked for anything, so
    /// nobody was let down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
    /// How many times faster than allowed the error budget is spent, over a short and a long window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burn_rate: Option<BurnRate>,
}

/// Spending of the error budget; 1 spends it exactly by the end of the period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BurnRate {
    /// Over the short window.
    pub short: f64,
    /// Over the long window.
    pub long: f64,
}

/// What assurance may ask for. It never writes values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AssuranceAction {
    /// Submit this corrective intent: a floor with a time to live, with origin and cause.
    Corrective(Box<Intent>),
    /// Trust the learner less on this workload.
    DemoteLearner {
        /// Why.
        cause: String,
    },
    /// Ask the guard to undo this decision.
    Undo {
        /// Which decision.
        decision: DecisionId,
        /// Why.
        cause: String,
    },
}
