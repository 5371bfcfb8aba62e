//! What became of an intent; written by the system.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Autoscale, IntentSpec};
use crate::allocation::{ContainerResources, QuotaLimits};
use crate::decision::DecisionId;

/// The status of an intent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntentStatus {
    /// Where it stands in its life.
    pub state: IntentState,
    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `metav1.Condition`s, one a kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// One entry for each entry of `spec.expectations`, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<ExpectationStatus>,
    /// When infeasible: the best that can be had, as a complete spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Box<IntentSpec>>,
    /// Conflicts that stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<StatusConflict>,
    /// The last decision that was taken for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_decision: Option<DecisionId>,
}

impl IntentStatus {
    /// Sets a condition; the transition time moves only where the status changes.
    pub fn set_condition(
        &mut self,
        kind: ConditionKind,
        status: ConditionStatus,
        reason: &str,
        message: &str,
        now: Timestamp,
    ) {
        let observed_generation = self.observed_generation;
        match self
            .conditions
            .iter_mut()
            .find(|condition| condition.kind == kind)
        {
            Some(condition) => {
                if condition.status != status {
                    condition.last_transition_time = now;
                }
                condition.status = status;
                condition.reason = reason.to_owned();
                condition.message = message.to_owned();
                condition.observed_generation = observed_generation;
            }
            None => self.conditions.push(Condition {
                kind,
                status,
                reason: reason.to_owned(),
                message: message.to_owned(),
                last_transition_time: now,
                observed_generation,
            }),
        }
    }

    /// The condition of a kind, where it was set.
    #[must_use]
    pub fn condition(&self, kind: ConditionKind) -> Option<&Condition> {
        self.conditions
            .iter()
            .find(|condition| condition.kind == kind)
    }
}

/// Where an intent stands in its life.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum IntentState {
    /// Stored, not yet looked at.
    #[default]
    Received,
    /// Not valid; nothing is done.
    Rejected,
    /// Valid, free of conflict and feasible, but not yet fulfilled.
    Accepted,
    /// Every expectation is met.
    Fulfilled,
    /// At least one expectation is not met.
    Degraded,
    /// Paused, by its mode or by an undo.
    Suspended,
    /// Paused since a person changed a held field.
    Overridden,
    /// Cannot be met inside the limits; `proposal` says what can.
    Infeasible,
    /// Expired or withdrawn.
    Finished,
}

impl IntentState {
    /// The name as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "Received",
            Self::Rejected => "Rejected",
            Self::Accepted => "Accepted",
            Self::Fulfilled => "Fulfilled",
            Self::Degraded => "Degraded",
            Self::Suspended => "Suspended",
            Self::Overridden => "Overridden",
            Self::Infeasible => "Infeasible",
            Self::Finished => "Finished",
        }
    }

    /// Whether the intent moves anything in this state.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Accepted | Self::Fulfilled | Self::Degraded)
    }
}

/// A `metav1.Condition`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What it speaks of.
    #[serde(rename = "type")]
    pub kind: ConditionKind,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// One PascalCase word.
    pub reason: String,
    /// A sentence for a person.
    pub message: String,
    /// When `status` last changed.
    pub last_transition_time: Timestamp,
    /// The generation of the spec that it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

impl IntentStatus {
    /// Whether a directive has its absolute value.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.expectations.iter().any(ExpectationStatus::is_resolved)
    }
}

impl ExpectationStatus {
    /// Whether `resolved` is of the wording that stands in the spec, as far as the status tells.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.resolved.is_some() && self.hash.is_some()
    }
}

/// What a condition speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ConditionKind {
    /// A sentence became this intent.
    Translated,
    /// Validation passed.
    Accepted,
    /// The twin predicts that it can be met inside the limits.
    Feasible,
    /// Another intent or owner stands against it.
    Conflicting,
    /// What it orders was applied.
    Applied,
    /// Its expectations are met.
    Fulfilled,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It doesn't.
    False,
    /// It isn't known.
    Unknown,
}

/// What became of one expectation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpectationStatus {
    /// What was measured over the window (objectives) or is in force (directives), for a person to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub achieved: Option<String>,
    /// Whether it is met; absent while it isn't known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfilled: Option<bool>,
    /// Identifies the uid and expectation that `resolved` belongs to; absent where it is of an older wording, and only tells
    /// which fields `previous` speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The absolute value of a directive, written before it is applied and read ever after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Setting>,
    /// When it was first said in its present words: of two orders of one author the later one is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<Timestamp>,
    /// The value of the same fields before this intent first changed them, for `onEnd: Restore`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Setting>,
    /// Why it is not met, in a sentence; empty where it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Since when `fulfilled` is what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// The absolute values of the fields that a directive orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Setting {
    /// The number of pods.
    Replicas(u32),
    /// Requests and limits; only the fields that the directive orders are set.
    Containers(Vec<ContainerResources>),
    /// The bounds of a HorizontalPodAutoscaler; `None` where there is none.
    Autoscale(Option<Autoscale>),
    /// The quota of a namespace; `None` where there is none.
    Quota(Option<QuotaLimits>),
    /// All that an objective may move: what was there before, where it is to be restored at the end.
    Allocation {
        /// The number of pods.
        replicas: u32,
        /// Requests and limits of every container, as far as they were set.
        containers: Vec<ContainerResources>,
    },
}

/// A conflict as it stands in a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusConflict {
    /// The rule that found it, such as `directive-values-differ`.
    pub rule: String,
    /// `warning` or `blocking`.
    pub level: String,
    /// Both sides, for a person to read.
    pub sides: [String; 2],
    /// Why they exclude each other.
    pub why: String,
    /// What a person can do.
    pub ways_out: Vec<String>,
}
