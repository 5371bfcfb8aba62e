//! What the engine is told and what it asks for.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::admission::AdmissionOutcome;
use crate::assessment::{Assessment, AssessmentInput};
use crate::decision::{Decision, DecisionId, LedgerEntry, Reason};
use crate::guard::{ApprovedPlan, Receipt};
use crate::guardrail::Guardrail;
use crate::intent::{Intent, IntentKey, Mode};
use crate::observation::Observation;
use crate::roles::LearnReport;
use crate::situation::{Experience, Recommendation, Situation};
use crate::workload::{Inventory, WorkloadRef};
use crate::{Error, Result};

/// Identifies a request of a person or client, so that its [`Reply`] finds the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// Identifies one turn of one workload; what belongs to an older turn is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TurnId(pub u64);

/// What the engine is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Time went on. Whatever is due begins, whatever took too long is given up.
    Tick,
    /// A person or a client asks for something.
    Request(RequestId, Request),
    /// The limits are these from now on.
    GuardrailsChanged(Vec<Guardrail>),
    /// The result of [`Effect::TakeInventory`].
    InventoryTaken(TurnId, Result<Inventory>),
    /// The result of [`Effect::Observe`].
    Observed(TurnId, WorkloadRef, Result<Observation>),
    /// The result of [`Effect::Assess`].
    Assessed(TurnId, WorkloadRef, Result<Assessment>),
    /// The result of [`Effect::Recommend`].
    Recommended(TurnId, WorkloadRef, Result<Recommendation>),
    /// The result of [`Effect::Record`] of a decision, which is not applied before it.
    Recorded(DecisionId, Result<()>),
    /// The ledger would not take another entry. (That it took one is not told.)
    RecordFailed(Box<LedgerEntry>, Error),
    /// The result of [`Effect::Apply`].
    Applied(DecisionId, Result<Receipt>),
    /// The result of [`Effect::SaveIntent`], with the version that was saved.
    IntentSaved(IntentKey, u64, Result<()>),
    /// The result of [`Effect::Learn`].
    Learned(WorkloadRef, LearnReport),
}

/// What a person or a client may ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Take this intent, or this newer version of one.
    Submit(Box<Intent>),
    /// Give an intent up.
    Withdraw(IntentKey),
    /// Put all intents on a workload into this mode.
    SetMode(WorkloadRef, Mode),
    /// Undo what this receipt says was done.
    Undo {
        /// The receipt, from the ledger.
        receipt: Box<Receipt>,
        /// Why, in a sentence.
        cause: String,
    },
    /// Do what this decision, from the ledger, wanted, and what only lacked a person's approval.
    ///
    /// The guard judges it again, on what is live then. It is refused where the workload is no longer as it was, where the intents
    /// that asked for it no longer act, and after [`Decision::APPROVAL_LASTS`].
    Approve(Box<Decision>),
}

/// What the engine asks for. The driver carries effects out in any order and at any speed, and answers each with its event.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Answer a request.
    Reply(RequestId, Box<Reply>),
    /// Say something aloud: a log line, a Kubernetes Event, an entry on the page.
    Notify(Notice),
    /// Write an intent with its status to the store; the number counts its versions.
    SaveIntent(Arc<Intent>, u64),
    /// Forget an intent in the store.
    ForgetIntent(IntentKey),
    /// Ask the orchestrator for an inventory.
    TakeInventory(TurnId),
    /// Ask the monitor for an observation over a window.
    Observe(TurnId, WorkloadRef, Duration),
    /// Ask the assessor.
    Assess(TurnId, WorkloadRef, Box<AssessmentInput>),
    /// Ask the workload's recommender.
    Recommend(TurnId, WorkloadRef, Arc<Situation>),
    /// Hand an experience to the workload's learner.
    Learn(WorkloadRef, Box<Experience>),
    /// Trust the workload's learner less.
    Demote(WorkloadRef, String),
    /// Write to the ledger.
    Record(Box<LedgerEntry>),
    /// Apply a plan whose decision is in the ledger.
    Apply(Box<ApprovedPlan>),
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply {
    /// What became of a submitted intent.
    Submitted(IntentKey, Box<AdmissionOutcome>),
    /// The intents that were touched.
    Touched(Vec<IntentKey>),
    /// The decision by which something is undone.
    Undoing(DecisionId),
    /// The decision by which what was approved is done.
    Approving(DecisionId),
    /// What was asked for can't be done.
    Failed(Error),
}

/// Something that is said aloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// Of which workload; of the whole where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<WorkloadRef>,
    /// Of which intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<IntentKey>,
    /// How loud.
    pub level: NoticeLevel,
    /// What.
    pub reason: Reason,
}

/// How loud a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NoticeLevel {
    /// Good to know.
    Normal,
    /// Look at it.
    Warning,
}
