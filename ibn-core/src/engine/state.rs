//! What the engine remembers between events.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::event::{RequestId, TurnId};
use crate::allocation::{Allocation, Field};
use crate::assessment::{Assessment, LastApply};
use crate::decision::{Decision, DecisionId, LedgerEntry, LedgerEvent, Reason, Trigger};
use crate::guard::{ApprovedPlan, Barred, CutRule, Desired, Receipt, Reservation, Standing};
use crate::guardrail::Guardrail;
use crate::intent::{Constraints, Intent, IntentKey, IntentState, IntentStatus, Mode, Setting};
use crate::observation::{Observation, SignalHealth};
use crate::situation::{Recommendation, Situation};
use crate::workload::{Inventory, WorkloadRef};

/// Everything that the engine remembers. Plain data: it can be cloned, compared and rebuilt from the stores.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub(super) intents: BTreeMap<IntentKey, IntentEntry>,
    pub(super) guardrails: Vec<Guardrail>,
    pub(super) inventory: Inventory,
    /// When the inventory was asked for; `None` until the first one came, and again when one failed.
    pub(super) inventory_at: Option<Timestamp>,
    pub(super) taking_inventory: Option<Pending<TurnId>>,
    pub(super) next_inventory_at: Timestamp,
    pub(super) workloads: BTreeMap<WorkloadRef, WorkloadControl>,
    /// Submissions that came before the first inventory: what exists isn't known yet.
    pub(super) waiting: Vec<(RequestId, Box<Intent>)>,
    /// Intents that couldn't be met, to be looked at again since intents, limits or the cluster have changed.
    pub(super) recheck: BTreeSet<IntentKey>,
    /// What was done and the ledger would not take; it is written again until it does.
    pub(super) unrecorded: Vec<LedgerEntry>,
    pub(super) next_turn: u64,
    pub(super) next_decision: u64,
    pub(super) next_version: u64,
}

/// Something that was asked for and has not come yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pending<T> {
    pub(super) id: T,
    /// When it is given up.
    pub(super) until: Timestamp,
}

/// An intent with what the engine knows beyond its document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IntentEntry {
    pub(super) intent: Arc<Intent>,
    /// The newest version that was sent to the store.
    pub(super) version: u64,
    /// The newest version that the store confirmed.
    pub(super) saved: u64,
    /// The version in which the directives' absolute values stand; nothing is held before the store has it.
    pub(super) resolved_in: Option<u64>,
    /// It expired or was withdrawn, and its fields may have to go back first.
    pub(super) ending: Option<Ending>,
}

impl IntentEntry {
    /// Whether its directives may be followed: live, and the values on record.
    pub(super) fn is_on_record(&self) -> bool {
        self.resolved_in
            .is_some_and(|version| version <= self.saved)
    }

    pub(super) fn is_acting(&self, now: Timestamp) -> bool {
        self.is_current(now) && self.intent.spec.mode() == Mode::Enforce
    }

    pub(super) fn is_advising(&self, now: Timestamp) -> bool {
        self.is_current(now) && self.intent.spec.mode() == Mode::Advise
    }

    /// The mode that it puts all others on its workload into, while it holds.
    pub(super) fn pauses(&self, now: Timestamp) -> Option<Mode> {
        let validity = self.intent.spec.validity.unwrap_or_default();
        let is_over = matches!(
            self.intent.state(),
            IntentState::Received
                | IntentState::Rejected
                | IntentState::Infeasible
                | IntentState::Finished
        );
        let holds =
            self.ending.is_none() && !is_over && validity.has_begun(now) && !validity.is_over(now);
        self.intent.spec.only_mode().filter(|_| holds)
    }

    fn is_current(&self, now: Timestamp) -> bool {
        let validity = self.intent.spec.validity.unwrap_or_default();
        self.ending.is_none()
            && self.intent.state().is_live()
            && validity.has_begun(now)
            && !validity.is_over(now)
    }
}

/// Why an intent ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Expired,
    Withdrawn,
}

/// What the engine knows of one workload.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct WorkloadControl {
    pub(super) phase: Phase,
    pub(super) turns: u64,
    pub(super) history: VecDeque<Arc<Observation>>,
    pub(super) assessment: Option<Arc<Assessment>>,
    pub(super) last_apply: Option<LastApply>,
    pub(super) last_receipt: Option<Arc<Receipt>>,
    pub(super) barred: Vec<Barred>,
    /// The fields that we wrote last, with what we wrote.
    pub(super) written: BTreeMap<Field, Option<String>>,
    /// An apply whose outcome isn't known: it was given up, or the process ended in the middle of it.
    pub(super) uncertain: Option<Box<Uncertain>>,
    pub(super) undos: VecDeque<PendingUndo>,
    pub(super) approvals: VecDeque<PendingApproval>,
    pub(super) restores: Vec<Restore>,
    pub(super) advice: Option<PendingAdvice>,
    /// The last decision that changed nothing, so that the same one isn't recorded at every turn.
    pub(super) last_idle_decision: Option<IdleDecision>,
    /// What stood out at the last assessment, without its numbers: it is said when it begins, not at every turn.
    pub(super) findings: Vec<(String, String)>,
    /// The last corrective intent that admission would not have.
    pub(super) refused: Option<RefusedCorrective>,
}

/// Fields that go back to what they were before an intent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Restore {
    pub(super) intent: IntentKey,
    /// What was ordered, where a directive did: it tells which fields weren't set before.
    pub(super) ordered: Option<Setting>,
    pub(super) previous: Setting,
}

impl Restore {
    /// `desired` with the fields put back.
    pub(super) fn put_back(&self, desired: &Desired) -> Desired {
        let mut back = desired.clone();
        match &self.ordered {
            Some(ordered) => ordered.restore(&self.previous, &mut back),
            None => self.previous.write_to(&mut back),
        }
        back
    }
}

/// A corrective intent that was refused, so that the same one isn't raised at every turn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RefusedCorrective {
    /// The intent on whose behalf it was.
    pub(super) parent: Option<String>,
    pub(super) constraints: Constraints,
    /// Until then it isn't looked at again unless intents or limits change.
    pub(super) until: Timestamp,
}

/// An apply of which only the next inventory tells whether it was done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Uncertain {
    pub(super) decision: DecisionId,
    pub(super) before: Desired,
    pub(super) desired: Desired,
    pub(super) intents: Vec<IntentKey>,
}

impl Uncertain {
    fn reservation(&self, workload: &WorkloadRef) -> Option<Reservation> {
        let allocation = self.desired.allocation()?;
        Some(Reservation {
            workload: workload.clone(),
            requests: allocation.total_requests(),
            pods: allocation.replicas,
        })
    }
}

/// A wish to undo that waits for the workload's turn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PendingUndo {
    pub(super) request: Option<RequestId>,
    pub(super) receipt: Arc<Receipt>,
    pub(super) cause: String,
}

/// A decision that a person approved and that waits for the workload's turn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PendingApproval {
    pub(super) request: RequestId,
    pub(super) decision: Box<Decision>,
}

/// An advice that was taken and whose outcome is still to be seen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PendingAdvice {
    pub(super) situation: Arc<Situation>,
    pub(super) recommendation: Recommendation,
    pub(super) applied: Allocation,
    pub(super) changes: u32,
}

/// What makes two decisions that change nothing the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IdleDecision {
    pub(super) trigger: Trigger,
    pub(super) cuts: Vec<(Option<Field>, CutRule)>,
    pub(super) at: Timestamp,
}

/// Where a workload's turn stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Phase {
    #[default]
    Idle,
    Observing(Pending<TurnId>),
    Assessing(Pending<TurnId>),
    Recommending(Pending<TurnId>, Box<super::turn::Composed>, Arc<Situation>),
    Recording(Pending<DecisionId>, Box<Undertaking>),
    Applying(Pending<DecisionId>, Box<Undertaking>),
}

/// A decision on its way to the cluster.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Undertaking {
    pub(super) approved: ApprovedPlan,
    /// Where this undoes another decision: which, and why.
    pub(super) undoes: Option<(Arc<Receipt>, String)>,
    /// The intents whose fields go back with it.
    pub(super) restores: Vec<IntentKey>,
}

impl Phase {
    pub(super) fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Idle => None,
            Self::Observing(pending)
            | Self::Assessing(pending)
            | Self::Recommending(pending, ..) => Some(pending.until),
            Self::Recording(pending, _) | Self::Applying(pending, _) => Some(pending.until),
        }
    }
}

impl State {
    /// A state that knows nothing yet; the first turn is due at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            intents: BTreeMap::new(),
            guardrails: Vec::new(),
            inventory: Inventory::default(),
            inventory_at: None,
            taking_inventory: None,
            next_inventory_at: now,
            workloads: BTreeMap::new(),
            waiting: Vec::new(),
            recheck: BTreeSet::new(),
            unrecorded: Vec::new(),
            next_turn: 0,
            next_decision: 1,
            next_version: 0,
        }
    }

    /// The state after a restart: intents from their store, and what the ledger says was done, oldest entry first.
    ///
    /// Whether a decision that was recorded last, and of which nothing more is known, was applied is told by the next inventory.
    #[must_use]
    pub fn restored(
        intents: Vec<Intent>,
        guardrails: Vec<Guardrail>,
        ledger: &[LedgerEntry],
        now: Timestamp,
    ) -> Self {
        let mut state = Self {
            guardrails,
            ..Self::new(now)
        };
        for intent in intents {
            let expired = intent
                .spec
                .validity
                .is_some_and(|validity| validity.is_over(now));
            let finished = intent.state() == IntentState::Finished;
            let ending = match (
                finished,
                intent.metadata.deletion_timestamp.is_some(),
                expired,
            ) {
                (true, ..) => None,
                (_, true, _) => Some(Ending::Withdrawn),
                (_, _, true) => Some(Ending::Expired),
                _ => None,
            };
            let resolved = intent
                .status
                .as_ref()
                .is_some_and(IntentStatus::is_resolved);
            let entry = IntentEntry {
                intent: Arc::new(intent),
                version: 0,
                saved: 0,
                resolved_in: resolved.then_some(0),
                ending,
            };
            state.intents.insert(entry.intent.key(), entry);
        }
        for entry in ledger {
            state.next_decision = state.next_decision.max(entry.event.decision().0 + 1);
            match &entry.event {
                LedgerEvent::Decided(decision) => {
                    let control = state
                        .workloads
                        .entry(decision.workload.clone())
                        .or_default();
                    control.uncertain = decision.approved.clone().map(|desired| {
                        Box::new(Uncertain {
                            decision: decision.id,
                            before: decision.before.clone(),
                            desired,
                            intents: decision.intents.clone(),
                        })
                    });
                }
                LedgerEvent::Applied(receipt) => {
                    let control = state.workloads.entry(receipt.workload.clone()).or_default();
                    control.uncertain = None;
                    control.note_receipt(Arc::new((**receipt).clone()));
                }
                LedgerEvent::Failed { decision, .. } => {
                    for control in state.workloads.values_mut() {
                        if control
                            .uncertain
                            .as_ref()
                            .is_some_and(|uncertain| uncertain.decision == *decision)
                        {
                            control.uncertain = None;
                        }
                    }
                }
                LedgerEvent::Undone { .. } => {}
            }
        }
        state
    }

    /// All intents with their status, in order of their key.
    pub fn intents(&self) -> impl Iterator<Item = &Arc<Intent>> {
        self.intents.values().map(|entry| &entry.intent)
    }

    /// The intent of this key.
    #[must_use]
    pub fn intent(&self, key: &IntentKey) -> Option<&Arc<Intent>> {
        self.intents.get(key).map(|entry| &entry.intent)
    }

    /// The limits in force.
    #[must_use]
    pub fn guardrails(&self) -> &[Guardrail] {
        &self.guardrails
    }

    /// What was live when it was last asked.
    #[must_use]
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The newest observation of a workload.
    #[must_use]
    pub fn observation(&self, workload: &WorkloadRef) -> Option<&Arc<Observation>> {
        self.workloads.get(workload)?.history.back()
    }

    /// The newest assessment of a workload.
    #[must_use]
    pub fn assessment(&self, workload: &WorkloadRef) -> Option<&Arc<Assessment>> {
        self.workloads.get(workload)?.assessment.as_ref()
    }

    /// When [`super::Event::Tick`] is wanted next; the driver may send it earlier and more often.
    #[must_use]
    pub fn next_wake(&self) -> Timestamp {
        let turn = self
            .taking_inventory
            .map_or(self.next_inventory_at, |pending| pending.until);
        self.workloads
            .values()
            .filter_map(|control| control.phase.until())
            .fold(turn, Timestamp::min)
    }

    /// The mode that a pause with an end puts all intents on a workload into, where one holds.
    pub(super) fn pause(&self, workload: &WorkloadRef, now: Timestamp) -> Option<Mode> {
        let pauses = || {
            self.intents
                .values()
                .filter(|entry| entry.intent.workload() == *workload)
                .filter_map(|entry| entry.pauses(now))
        };
        pauses()
            .find(|mode| *mode == Mode::Suspended)
            .or_else(|| pauses().find(|mode| *mode == Mode::Advise))
    }

    /// How a workload stands for the guard; `None` where it has not been looked at yet.
    pub(super) fn standing(&self, workload: &WorkloadRef, now: Timestamp) -> Option<Standing> {
        let control = self.workloads.get(workload)?;
        let assessment = control.assessment.as_ref();
        Some(Standing {
            in_flight: self.reservations(workload),
            health: assessment.map_or(SignalHealth::Missing, |assessment| assessment.health),
            floor: assessment.and_then(|assessment| assessment.floor.clone()),
            last_applied_at: control.last_applied_at(),
            barred: control
                .barred
                .iter()
                .filter(|barred| now < barred.until)
                .cloned()
                .collect(),
        })
    }

    /// What approved plans of workloads other than `except` will take.
    pub(super) fn reservations(&self, except: &WorkloadRef) -> Vec<Reservation> {
        self.workloads
            .iter()
            .filter(|(workload, _)| *workload != except)
            .flat_map(|(workload, control)| {
                let on_its_way = match &control.phase {
                    Phase::Recording(_, undertaking) | Phase::Applying(_, undertaking) => {
                        undertaking.approved.reservation()
                    }
                    _ => None,
                };
                let uncertain = control
                    .uncertain
                    .as_ref()
                    .and_then(|uncertain| uncertain.reservation(workload));
                on_its_way.into_iter().chain(uncertain)
            })
            .collect()
    }

    pub(super) fn new_turn(&mut self) -> TurnId {
        self.next_turn += 1;
        TurnId(self.next_turn)
    }

    pub(super) fn new_decision(&mut self) -> DecisionId {
        let id = DecisionId(self.next_decision);
        self.next_decision += 1;
        id
    }
}

impl WorkloadControl {
    /// Takes in that something was applied.
    pub(super) fn note_receipt(&mut self, receipt: Arc<Receipt>) {
        for change in receipt.previous.changes_to(&receipt.applied) {
            self.written.insert(change.field, change.to);
        }
        if is_autoscaled(&receipt.previous) || is_autoscaled(&receipt.applied) {
            // What an autoscaler of ours makes of the number of pods is no change by hand.
            self.written.remove(&Field::Replicas);
        }
        self.last_apply = Some(LastApply {
            decision: receipt.decision,
            at: receipt.applied_at,
            before: receipt.previous.clone(),
            after: receipt.applied.clone(),
            observation: self.history.back().cloned(),
        });
        self.last_receipt = Some(receipt);
    }

    /// When something was last applied.
    pub(super) fn last_applied_at(&self) -> Option<Timestamp> {
        self.last_receipt.as_ref().map(|receipt| receipt.applied_at)
    }
}

/// Whether an autoscaler of ours moves the number of pods.
pub(super) fn is_autoscaled(desired: &Desired) -> bool {
    desired
        .allocation()
        .is_some_and(|allocation| allocation.autoscale.is_some())
}

/// The value of a field of what is live, as it is written in a [`crate::allocation::FieldChange`].
pub(super) fn field_text(live: &Desired, field: &Field) -> Option<String> {
    // Comparing with an empty allocation of the same containers names every field that is set.
    match live {
        Desired::Allocation(allocation) => {
            let blank = Allocation {
                replicas: u32::MAX,
                containers: allocation
                    .containers
                    .iter()
                    .map(|c| crate::allocation::ContainerResources::new(&c.name))
                    .collect(),
                autoscale: None,
            };
            blank
                .changes_to(allocation)
                .into_iter()
                .find(|change| change.field == *field)
                .and_then(|change| change.to)
        }
        Desired::Quota(_) => Desired::Quota(None)
            .changes_to(live)
            .into_iter()
            .next()
            .and_then(|change| change.to),
    }
}

/// A reason for a decision.
pub(super) fn reason(code: &str, message: impl Into<String>) -> Reason {
    Reason::new(code, message)
}
