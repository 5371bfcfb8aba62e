//! What admission says of an intent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::allocation::PodResources;
use crate::conflict::Conflict;
use crate::decision::Reason;
use crate::diagnostic::Diagnostic;
use crate::guard::Desired;
use crate::intent::{
    ConditionKind, ConditionStatus, IntentKey, IntentSpec, IntentState, IntentStatus, Setting,
    StatusConflict,
};
use crate::lifecycle::{IllegalTransition, LifecycleEvent};
use crate::prediction::{Interval, Prediction};

/// What admission says of an intent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub enum AdmissionOutcome {
    /// It may be followed.
    Accepted(Box<Accepted>),
    /// It is not valid, its author may not speak for the workload, or somebody else's will stands against it.
    Rejected {
        /// Faults of the document, warnings included.
        diagnostics: Vec<Diagnostic>,
        /// What stands against it.
        conflicts: Vec<Conflict>,
    },
    /// It cannot be met inside the limits.
    Infeasible {
        /// Why, in a sentence.
        why: String,
        /// The best that can be had, as a complete spec that would itself be accepted; absent where there is none.
        proposal: Option<Box<IntentSpec>>,
        /// What stands against it.
        conflicts: Vec<Conflict>,
    },
}

impl AdmissionOutcome {
    /// What there is to know where it may be followed.
    #[must_use]
    pub fn accepted(&self) -> Option<&Accepted> {
        match self {
            Self::Accepted(accepted) => Some(accepted),
            _ => None,
        }
    }

    /// The conflicts that were found.
    #[must_use]
    pub fn conflicts(&self) -> &[Conflict] {
        match self {
            Self::Accepted(accepted) => &accepted.conflicts,
            Self::Rejected { conflicts, .. } | Self::Infeasible { conflicts, .. } => conflicts,
        }
    }

    /// The event in the life of the intent that this is.
    #[must_use]
    pub fn event(&self) -> LifecycleEvent {
        match self {
            Self::Accepted(_) => LifecycleEvent::Admitted,
            Self::Rejected { .. } => LifecycleEvent::Rejected,
            Self::Infeasible { .. } => LifecycleEvent::FoundInfeasible,
        }
    }

    /// The outcome in one sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Accepted(accepted) => match &accepted.feasibility {
                Feasibility::Feasible => "accepted".to_owned(),
                Feasibility::Unknown { why } => format!("accepted, feasibility unknown: {why}"),
            },
            Self::Rejected {
                diagnostics,
                conflicts,
            } => diagnostics
                .iter()
                .find(|diagnostic| diagnostic.severity == crate::diagnostic::Severity::Error)
                .map(|diagnostic| diagnostic.message.clone())
                .or_else(|| conflicts.first().map(|conflict| conflict.why.clone()))
                .unwrap_or_else(|| "rejected".to_owned()),
            Self::Infeasible { why, .. } => why.clone(),
        }
    }

    /// Writes the outcome into a status: state, conditions, conflicts and proposal.
    ///
    /// # Errors
    /// Where an intent in this state isn't looked at (it is paused or finished); the status is as before.
    pub fn write_to(
        &self,
        status: &mut IntentStatus,
        now: Timestamp,
    ) -> Result<IntentState, IllegalTransition> {
        let summary = self.summary();
        let state = status.advance(self.event(), &summary, now)?;
        status.conflicts = self.conflicts().iter().map(StatusConflict::from).collect();
        let (conflicting, reason, message) = match self.conflicts().first() {
            None => (ConditionStatus::False, "NoConflict", String::new()),
            Some(conflict) => (ConditionStatus::True, "ConflictFound", conflict.to_string()),
        };
        status.set_condition(
            ConditionKind::Conflicting,
            conflicting,
            reason,
            &message,
            now,
        );
        if let Self::Accepted(accepted) = self {
            let (feasible, reason, message) = match &accepted.feasibility {
                Feasibility::Feasible => (ConditionStatus::True, "InsideLimits", ""),
                Feasibility::Unknown { why } => {
                    (ConditionStatus::Unknown, "NotKnown", why.as_str())
                }
            };
            status.set_condition(ConditionKind::Feasible, feasible, reason, message, now);
        }
        status.proposal = match self {
            Self::Infeasible { proposal, .. } => proposal.clone(),
            _ => None,
        };
        Ok(state)
    }
}

/// An intent that may be followed, and what would come of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// Warnings on the document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
    /// What a person should know before they agree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Reason>,
    /// Conflicts that don't block it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Whether it is known that it can be met.
    pub feasibility: Feasibility,
    /// One entry for each entry of `spec.expectations`: for a directive its absolute values, settled or as they would now be.
    pub resolved: Vec<Option<Setting>>,
    /// Intents that are blocked while this one stands, and have to be looked at again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub displaces: Vec<IntentKey>,
    /// What would come of it.
    pub effect: Effect,
}

/// Whether it is known that an intent can be met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Feasibility {
    /// It can be met inside the limits.
    Feasible,
    /// It can't be told.
    Unknown {
        /// Why not, in a sentence.
        why: String,
    },
}

/// What would come of an intent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    /// What is live.
    pub before: Desired,
    /// What would be, once everything is applied.
    pub after: Desired,
    /// What is predicted of what is live, at the demand that admission was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted_before: Option<Prediction>,
    /// What is predicted of what would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted_after: Option<Prediction>,
    /// Every objective on the workload, its own ones and those of other intents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<ObjectiveEffect>,
}

impl Effect {
    /// The sum of requests before and after; nothing for a quota.
    #[must_use]
    pub fn requests(&self) -> Option<(PodResources, PodResources)> {
        let before = self.before.allocation()?.total_requests();
        let after = self.after.allocation()?.total_requests();
        Some((before, after))
    }
}

/// What an intent would do to an objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectiveEffect {
    /// Whose objective it is.
    pub intent: IntentKey,
    /// The index in its `spec.expectations`.
    pub expectation: usize,
    /// The objective, for a person to read.
    pub objective: String,
    /// Predicted now, in the unit of the bound; absent for what the twin doesn't model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Interval>,
    /// Predicted then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Interval>,
    /// Whether the best guess meets it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met_before: Option<bool>,
    /// Whether the best guess meets it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met_after: Option<bool>,
    /// Whether one end of the predicted range then meets it and the other doesn't.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_uncertain: bool,
}
