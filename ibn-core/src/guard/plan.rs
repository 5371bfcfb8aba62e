//! What goes into the guard and what comes out of it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::allocation::{Allocation, Field, FieldChange, PodResources, QuotaLimits};
use crate::decision::{DecisionId, Reason, Trigger};
use crate::envelope::{Envelope, EnvelopeRevision, LimitSource};
use crate::intent::IntentKey;
use crate::observation::{Floor, SignalHealth};
use crate::workload::{FieldOwner, Inventory, WorkloadRef, WorkloadState};

/// What somebody wants a workload to be given. Anyone may make one; nothing is applied from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The decision that it belongs to.
    pub decision: DecisionId,
    /// Of which workload.
    pub workload: WorkloadRef,
    /// What is wanted.
    pub desired: Desired,
    /// What asked for it.
    pub trigger: Trigger,
    /// The intents that it serves.
    pub intents: Vec<IntentKey>,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// What is wanted of, or live in, a workload or a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Desired {
    /// Of a workload.
    Allocation(Allocation),
    /// Of a namespace: its quota, `None` for no quota.
    Quota(Option<QuotaLimits>),
}

impl Desired {
    /// What is live in `state`.
    #[must_use]
    pub fn live(state: &WorkloadState) -> Self {
        match state.workload.kind {
            crate::workload::WorkloadKind::Namespace => Self::Quota(state.quota),
            _ => Self::Allocation(state.allocation.clone()),
        }
    }

    /// The allocation, where it is of a workload.
    #[must_use]
    pub fn allocation(&self) -> Option<&Allocation> {
        match self {
            Self::Allocation(allocation) => Some(allocation),
            Self::Quota(_) => None,
        }
    }

    /// The fields in which `to` differs from this.
    #[must_use]
    pub fn changes_to(&self, to: &Self) -> Vec<FieldChange> {
        match (self, to) {
            (Self::Allocation(from), Self::Allocation(to)) => from.changes_to(to),
            (Self::Quota(from), Self::Quota(to)) if from != to => {
                let text = |quota: &Option<QuotaLimits>| {
                    quota.map(|quota| {
                        let mut parts = Vec::new();
                        parts.extend(quota.cpu.map(|cpu| format!("{cpu} CPU")));
                        parts.extend(quota.memory.map(|memory| format!("{memory} memory")));
                        parts.extend(quota.pods.map(|pods| format!("{pods} pods")));
                        parts.join(", ")
                    })
                };
                vec![FieldChange {
                    field: Field::Quota,
                    from: text(from),
                    to: text(to),
                }]
            }
            _ => Vec::new(),
        }
    }
}

/// What the guard judges a plan on; all of it from one instant.
#[derive(Debug, Clone, Copy)]
pub struct Current<'a> {
    /// The instant.
    pub now: Timestamp,
    /// The workload as it is.
    pub state: &'a WorkloadState,
    /// Its limits.
    pub envelope: &'a Envelope,
    /// Everything that is live, for budgets.
    pub inventory: &'a Inventory,
    /// What other plans will take as soon as they are applied.
    pub in_flight: &'a [Reservation],
    /// The worst health of the signals that could justify a shrink.
    pub health: SignalHealth,
    /// What the measured load needs at least; `None` where there is no load to measure.
    pub floor: Option<&'a Floor>,
    /// When something was last applied to the workload.
    pub last_applied_at: Option<Timestamp>,
    /// Allocations that were undone and may not come back yet.
    pub barred: &'a [Barred],
    /// Whether a person approved just this plan.
    pub approved_by_person: bool,
}

/// How a workload stands at this moment, as far as the guard minds: what is measured, and what was and will be applied.
#[derive(Debug, Clone)]
pub struct Standing {
    /// What other plans will take as soon as they are applied.
    pub in_flight: Vec<Reservation>,
    /// The worst health of the signals that could justify a shrink.
    pub health: SignalHealth,
    /// What the measured load needs at least; `None` where there is no load to measure.
    pub floor: Option<Floor>,
    /// When something was last applied to the workload.
    pub last_applied_at: Option<Timestamp>,
    /// Allocations that were undone and may not come back yet.
    pub barred: Vec<Barred>,
}

impl Default for Standing {
    /// Signals are fresh, nothing is needed at least, and nothing was applied or is on its way.
    fn default() -> Self {
        Self {
            in_flight: Vec::new(),
            health: SignalHealth::Fresh,
            floor: None,
            last_applied_at: None,
            barred: Vec::new(),
        }
    }
}

/// What an approved plan will request of budgets once it is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// Of which workload.
    pub workload: WorkloadRef,
    /// The sum of its requests after the apply, of all pods that it may then come to by itself.
    pub requests: PodResources,
    /// The most pods that it may then come to by itself.
    pub pods: u32,
}

/// An allocation that was undone and may not be applied again until `until`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Barred {
    /// What may not come back.
    pub allocation: Allocation,
    /// Until when (exclusive).
    pub until: Timestamp,
}

/// A plan that the guard let through, whole or trimmed.
///
/// Only [`super::Guard`] makes one: the fields are private, there is no constructor and it can't be read
/// from text. [`crate::roles::Orchestrator::apply`] takes nothing else.
///
/// ```compile_fail
/// // It can't be made from text,
/// let plan: ibn_core::guard::ApprovedPlan = serde_json::from_str("{}").unwrap();
/// ```
/// ```compile_fail
/// // nor from its parts.
/// use ibn_core::guard::{ApprovedPlan, Plan};
/// fn forge(plan: Plan) -> ApprovedPlan {
///     ApprovedPlan { plan, ..todo!() }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovedPlan {
    pub(super) plan: Plan,
    pub(super) before: Desired,
    pub(super) envelope_revision: EnvelopeRevision,
    pub(super) resource_versions: BTreeMap<WorkloadRef, String>,
    pub(super) approved_at: Timestamp,
}

impl ApprovedPlan {
    /// The decision that it belongs to; an orchestrator applies each decision at most once.
    #[must_use]
    pub fn decision(&self) -> DecisionId {
        self.plan.decision
    }

    /// Of which workload.
    #[must_use]
    pub fn workload(&self) -> &WorkloadRef {
        &self.plan.workload
    }

    /// What is to be, as absolute values.
    #[must_use]
    pub fn desired(&self) -> &Desired {
        &self.plan.desired
    }

    /// What was live when it was judged.
    #[must_use]
    pub fn before(&self) -> &Desired {
        &self.before
    }

    /// The plan as it was approved.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The fields that it changes.
    #[must_use]
    pub fn changes(&self) -> Vec<FieldChange> {
        self.before.changes_to(&self.plan.desired)
    }

    /// The revision of the envelope that it was judged on.
    #[must_use]
    pub fn envelope_revision(&self) -> EnvelopeRevision {
        self.envelope_revision
    }

    /// The resource versions that it was judged on: of its own workload and of every member of its budgets.
    #[must_use]
    pub fn resource_versions(&self) -> &BTreeMap<WorkloadRef, String> {
        &self.resource_versions
    }

    /// When it was approved.
    #[must_use]
    pub fn approved_at(&self) -> Timestamp {
        self.approved_at
    }

    /// What it will request of budgets once it is applied, with an autoscaler as if it were at its maximum; nothing for a
    /// quota.
    #[must_use]
    pub fn reservation(&self) -> Option<Reservation> {
        let allocation = self.plan.desired.allocation()?;
        let pods = allocation.granted_pods();
        Some(Reservation {
            workload: self.plan.workload.clone(),
            requests: allocation.with_replicas(pods).total_requests(),
            pods,
        })
    }

    /// Checks that the limits it was judged on are still those.
    ///
    /// # Errors
    /// [`crate::Error::Stale`] where the envelope has another revision.
    pub fn check_envelope(&self, envelope: &Envelope) -> crate::Result<()> {
        let found = envelope.revision();
        if envelope.workload == self.plan.workload && found == self.envelope_revision {
            return Ok(());
        }
        Err(crate::Error::Stale {
            what: format!("the envelope of {}", self.plan.workload),
            judged_on: self.envelope_revision.to_string(),
            found: found.to_string(),
        })
    }

    /// Checks that nothing it was judged on has changed since.
    ///
    /// Every orchestrator calls this with what it finds, right before it writes.
    ///
    /// # Errors
    /// [`crate::Error::Stale`] where the workload has another resource version than it was judged on.
    pub fn check_fresh(&self, found: &WorkloadState) -> crate::Result<()> {
        match self.resource_versions.get(&found.workload) {
            Some(version) if *version == found.resource_version => Ok(()),
            judged_on => Err(crate::Error::Stale {
                what: found.workload.to_string(),
                judged_on: judged_on.cloned().unwrap_or_else(|| "none".to_owned()),
                found: found.resource_version.clone(),
            }),
        }
    }
}

/// What the guard says of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// As it was wanted.
    Approved(ApprovedPlan),
    /// Less than was wanted.
    Trimmed(ApprovedPlan, Vec<Cut>),
    /// Nothing of it.
    Rejected(Vec<Cut>),
}

impl Verdict {
    /// What was let through.
    #[must_use]
    pub fn approved(&self) -> Option<&ApprovedPlan> {
        match self {
            Self::Approved(plan) | Self::Trimmed(plan, _) => Some(plan),
            Self::Rejected(_) => None,
        }
    }

    /// What was cut.
    #[must_use]
    pub fn cuts(&self) -> &[Cut] {
        match self {
            Self::Approved(_) => &[],
            Self::Trimmed(_, cuts) | Self::Rejected(cuts) => cuts,
        }
    }

    /// Both at once.
    #[must_use]
    pub fn into_parts(self) -> (Option<ApprovedPlan>, Vec<Cut>) {
        match self {
            Self::Approved(plan) => (Some(plan), Vec::new()),
            Self::Trimmed(plan, cuts) => (Some(plan), cuts),
            Self::Rejected(cuts) => (None, cuts),
        }
    }
}

/// Something that the guard did not allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cut {
    /// By which rule.
    pub rule: CutRule,
    /// Of which field; the whole plan where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Field>,
    /// What was wanted.
    pub wanted: String,
    /// What was allowed instead.
    pub allowed: String,
    /// Whose limit it is.
    pub source: LimitSource,
}

impl Cut {
    /// The cut as a reason for not doing what was wanted.
    #[must_use]
    pub fn reason(&self) -> Reason {
        let wanted = match &self.field {
            Some(field) => format!("{field} {}", self.wanted),
            None => self.wanted.clone(),
        };
        let rule = self.rule.as_str();
        let by = match &self.source {
            LimitSource::Default => rule.to_owned(),
            source => format!("{rule} of {source}"),
        };
        let message = match &self.field {
            Some(_) => format!(
                "the guard refused {wanted} and allows {} ({by})",
                self.allowed
            ),
            None => format!("the guard refused {wanted}: {} ({by})", self.allowed),
        };
        Reason::new(self.rule.code(), message)
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(
                f,
                "{field}: wanted {}, allowed {}",
                self.wanted, self.allowed
            )?,
            None => write!(f, "wanted {}, allowed {}", self.wanted, self.allowed)?,
        }
        match &self.source {
            LimitSource::Default => write!(f, " ({})", self.rule.as_str()),
            source => write!(f, " ({} of {source})", self.rule.as_str()),
        }
    }
}

/// The rules of the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CutRule {
    /// A bound on the number of pods.
    Replicas,
    /// A bound on a pod's CPU.
    PodCpu,
    /// A bound on a pod's memory.
    PodMemory,
    /// How far one decision may go.
    Step,
    /// Too soon after the last apply.
    CoolDown,
    /// A sum over several workloads.
    Budget,
    /// A freeze window.
    Freeze,
    /// A person must approve.
    Approval,
    /// Signals are missing, stale or not numbers: nothing shrinks.
    Signals,
    /// The measured load needs more.
    Floor,
    /// The field is foreign.
    Owner,
    /// The field was changed again after what is to be undone, by whomever.
    ChangedSince,
    /// The allocation was undone a short while ago.
    Barred,
    /// The change would replace pods, and that isn't allowed.
    Rollout,
    /// The plan is of another workload, or can't be meant (a container that isn't there, a request above its limit).
    Malformed,
    /// Nothing would change.
    Unchanged,
}

impl CutRule {
    /// The name as the code of a reason.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Replicas => "Replicas",
            Self::PodCpu => "PodCpu",
            Self::PodMemory => "PodMemory",
            Self::Step => "Step",
            Self::CoolDown => "CoolDown",
            Self::Budget => "Budget",
            Self::Freeze => "Freeze",
            Self::Approval => "Approval",
            Self::Signals => "Signals",
            Self::Floor => "Floor",
            Self::Owner => "Owner",
            Self::ChangedSince => "ChangedSince",
            Self::Barred => "Barred",
            Self::Rollout => "Rollout",
            Self::Malformed => "Malformed",
            Self::Unchanged => "Unchanged",
        }
    }

    /// The name for a person.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replicas => "bound on pods",
            Self::PodCpu => "bound on CPU",
            Self::PodMemory => "bound on memory",
            Self::Step => "step limit",
            Self::CoolDown => "cool-down",
            Self::Budget => "budget",
            Self::Freeze => "freeze window",
            Self::Approval => "approval",
            Self::Signals => "fail static",
            Self::Floor => "measured floor",
            Self::Owner => "foreign field",
            Self::ChangedSince => "changed since",
            Self::Barred => "undone allocation",
            Self::Rollout => "no rollout",
            Self::Malformed => "malformed plan",
            Self::Unchanged => "no change",
        }
    }
}

/// What was done, so that it can be undone: the exact previous values and owners.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The decision that was applied.
    pub decision: DecisionId,
    /// Of which workload.
    pub workload: WorkloadRef,
    /// What was live before.
    pub previous: Desired,
    /// What is live now.
    pub applied: Desired,
    /// Who claimed the changed fields before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub previous_owners: BTreeMap<Field, FieldOwner>,
    /// The resource version after the apply.
    pub resource_version: String,
    /// When it was applied.
    pub applied_at: Timestamp,
}
