//! Decisions with what came of them, gathered from the lines of the ledger.

use std::collections::BTreeMap;

use ibn_core::decision::{Decision, DecisionId, LedgerEntry, LedgerEvent};
use ibn_core::guard::Receipt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::openapi::schema;

/// A decision with what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionRecord {
    /// What was decided.
    #[schema(value_type = schema::Decision)]
    pub decision: Decision,
    /// How far it has come.
    pub outcome: DecisionOutcome,
    /// What was done, where it was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Receipt>)]
    pub receipt: Option<Receipt>,
    /// Why it could not be applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// By what it was undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
}

/// How far a decision has come.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum DecisionOutcome {
    /// The guard let nothing of it through, or there was nothing to let through.
    Rejected,
    /// Nothing but a person's approval is missing.
    AwaitingApproval,
    /// It is on its way to the cluster.
    Pending,
    /// It is in force, or was until the next one.
    Applied,
    /// It could not be applied.
    Failed,
    /// It was undone.
    Undone,
}

/// By what a decision was undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Undone {
    /// The decision that undid it.
    #[schema(value_type = schema::DecisionId)]
    pub by: DecisionId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why, in a sentence.
    pub reason: String,
}

impl DecisionRecord {
    /// A decision of which nothing more is known.
    #[must_use]
    pub fn new(decision: Decision) -> Self {
        let outcome = if decision.approved.is_some() {
            DecisionOutcome::Pending
        } else if decision.needs_approval() {
            DecisionOutcome::AwaitingApproval
        } else {
            DecisionOutcome::Rejected
        };
        Self {
            decision,
            outcome,
            receipt: None,
            failure: None,
            undone: None,
        }
    }

    /// Whether there is something that can be undone.
    #[must_use]
    pub fn can_be_undone(&self) -> bool {
        self.receipt.is_some() && self.undone.is_none()
    }

    /// Takes in what came of it.
    pub(crate) fn take(&mut self, at: Timestamp, event: &LedgerEvent) {
        match event {
            LedgerEvent::Decided(_) => {}
            LedgerEvent::Applied(receipt) => {
                self.receipt = Some((**receipt).clone());
                if self.undone.is_none() {
                    self.outcome = DecisionOutcome::Applied;
                }
            }
            LedgerEvent::Failed { error, .. } => {
                self.failure = Some(error.to_string());
                self.outcome = DecisionOutcome::Failed;
            }
            LedgerEvent::Undone { by, reason, .. } => {
                self.undone = Some(Undone {
                    by: *by,
                    at,
                    reason: reason.clone(),
                });
                self.outcome = DecisionOutcome::Undone;
            }
        }
    }
}

/// Decisions by identity, with what came of them. What is told of a decision that isn't there is passed over.
pub(crate) fn gather(
    entries: impl IntoIterator<Item = LedgerEntry>,
) -> BTreeMap<DecisionId, DecisionRecord> {
    let mut records = BTreeMap::new();
    for entry in entries {
        match entry.event {
            LedgerEvent::Decided(decision) => {
                records.insert(decision.id, DecisionRecord::new(*decision));
            }
            event => {
                if let Some(record) = records.get_mut(&event.decision()) {
                    record.take(entry.at, &event);
                }
            }
        }
    }
    records
}
