//! Decisions: what was decided on which grounds, and what came of it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::allocation::FieldChange;
use crate::guard::{Cut, CutRule, Desired, Receipt};
use crate::intent::IntentKey;
use crate::observation::Observation;
use crate::prediction::{Alternative, Prediction};
use crate::workload::WorkloadRef;

/// Identifies a decision in its ledger; prints as `d17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DecisionId(pub u64);

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "d{}", self.0)
    }
}

impl FromStr for DecisionId {
    type Err = crate::units::ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix('d')
            .and_then(|digits| digits.parse().ok())
            .map(Self)
            .ok_or_else(|| crate::units::ParseUnitError::new(text, "a decision such as `d17`"))
    }
}

impl Serialize for DecisionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DecisionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// What was decided for a workload, with inputs, alternatives, reasons and what the guard cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Its identity.
    pub id: DecisionId,
    /// When it was taken.
    pub at: Timestamp,
    /// For which workload.
    pub workload: WorkloadRef,
    /// What asked for it.
    pub trigger: Trigger,
    /// The intents that it serves.
    pub intents: Vec<IntentKey>,
    /// Why, the strongest reason first; where the guard let nothing through, first of all why not.
    pub reasons: Vec<Reason>,
    /// The observation that it was taken on, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation: Option<Observation>,
    /// What was live.
    pub before: Desired,
    /// What was wanted.
    pub wanted: Desired,
    /// What the guard allowed; `None` where it rejected the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Desired>,
    /// What the guard cut, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<Cut>,
    /// The fields that change.
    pub changes: Vec<FieldChange>,
    /// What else was considered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Alternative>,
    /// What the twin expects of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Prediction>,
    /// For a learner's decision: how the policy came to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyTrace>,
}

impl Decision {
    /// How long a decision that needs a person's approval waits for it.
    pub const APPROVAL_LASTS: Duration = Duration::from_secs(3600);

    /// Whether nothing but a person's approval was missing. Not so for an undo: a person who wants it says so by an undo of
    /// their own.
    #[must_use]
    pub fn needs_approval(&self) -> bool {
        let missing = self.cuts.last().map(|cut| cut.rule);
        self.approved.is_none()
            && missing == Some(CutRule::Approval)
            && self.trigger != Trigger::Undo
    }

    /// Whether a person may still approve it at `now`.
    #[must_use]
    pub fn may_be_approved(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.at);
        self.needs_approval() && !age.is_negative() && age.unsigned_abs() <= Self::APPROVAL_LASTS
    }
}

/// What asked for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trigger {
    /// A directive that is held.
    Directive,
    /// A bound that live state is outside of.
    Constraint,
    /// A recommender, for an objective.
    Recommender,
    /// The end of an intent whose fields go back.
    Restore,
    /// A person's or the assessor's wish to undo a decision.
    Undo,
}

impl Trigger {
    /// The name as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Directive => "directive",
            Self::Constraint => "constraint",
            Self::Recommender => "recommender",
            Self::Restore => "restore",
            Self::Undo => "undo",
        }
    }
}

/// Why something was decided: a closed code for machines, a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// One PascalCase word from a closed set of its author.
    pub code: String,
    /// A sentence.
    pub message: String,
}

impl Reason {
    /// A reason from its parts.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

/// How a policy came to its action; what an off-policy estimate needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTrace {
    /// Name and version of the policy.
    pub policy: String,
    /// Logarithm of the probability with which the action was taken.
    pub log_probability: f64,
    /// Estimated value of the situation.
    pub value: f64,
    /// Hash of the encoded observation.
    pub observation_hash: u64,
    /// The action, by its index in the policy's action space.
    pub action: u32,
    /// Whether the action was explored rather than the best known.
    pub explored: bool,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    pub event: LedgerEvent,
}

/// What happened to a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LedgerEvent {
    /// It was taken; written before anything is applied.
    Decided(Box<Decision>),
    /// It was applied.
    Applied(Box<Receipt>),
    /// It could not be applied.
    Failed {
        /// Which decision.
        decision: DecisionId,
        /// Why.
        error: crate::Error,
    },
    /// It was undone by another decision.
    Undone {
        /// Which decision.
        decision: DecisionId,
        /// By which.
        by: DecisionId,
        /// Why, in a sentence.
        reason: String,
    },
}

impl LedgerEvent {
    /// The decision that this is about.
    #[must_use]
    pub fn decision(&self) -> DecisionId {
        match self {
            Self::Decided(decision) => decision.id,
            Self::Applied(receipt) => receipt.decision,
            Self::Failed { decision, .. } | Self::Undone { decision, .. } => *decision,
        }
    }
}
