//! From what is wanted to what is applied: guard, ledger, orchestrator, and the way back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Step;
use super::event::{Effect, NoticeLevel, Reply, RequestId};
use super::state::{
    IdleDecision, Pending, PendingApproval, PendingUndo, Phase, Uncertain, Undertaking, field_text,
    is_autoscaled, reason,
};
use super::turn::Composed;
use crate::allocation::Field;
use crate::decision::{Decision, DecisionId, LedgerEntry, LedgerEvent, Reason, Trigger};
use crate::envelope::Envelope;
use crate::guard::{ApprovedPlan, Barred, Current, Cut, Desired, Plan, Receipt, Verdict};
use crate::intent::{DEFAULT_WINDOW, Intent, IntentKey};
use crate::lifecycle::LifecycleEvent;
use crate::observation::SignalHealth;
use crate::situation::Recommendation;
use crate::workload::{WorkloadRef, WorkloadState};
use crate::{Error, ErrorKind, Result};

/// The same decision that changes nothing is recorded again only after so long.
const REPEAT_IDLE_DECISION_AFTER: Duration = Duration::from_secs(3600);

/// For how many windows an undone allocation may not come back.
const BARRED_WINDOWS: u32 = 3;

/// Whether a person approved just what the guard is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Approval {
    None,
    OfAPerson,
}

impl Step<'_> {
    /// Hands a plan to the guard and records what it says. Returns what is on its way to be applied.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one part of the decision that is recorded"
    )]
    pub(super) fn judge(
        &mut self,
        workload: &WorkloadRef,
        composed: &Composed,
        wanted: Desired,
        trigger: Trigger,
        reasons: Vec<Reason>,
        advised: Option<&Recommendation>,
        health: SignalHealth,
    ) -> Option<Desired> {
        let live = Desired::live(self.state.inventory.workloads.get(workload)?);
        if wanted == live {
            // What ends has nothing to put back.
            for key in &composed.restores {
                self.finish_ending(key);
            }
            return None;
        }
        let id = self.state.new_decision();
        let intents = composed.served(&live, &wanted, trigger);
        let plan = Plan {
            decision: id,
            workload: workload.clone(),
            desired: wanted.clone(),
            trigger,
            intents: intents.clone(),
            reasons: reasons.clone(),
        };
        let verdict = if composed.advise_only {
            Verdict::Rejected(Vec::new())
        } else {
            let envelope = &composed.envelope;
            self.with_current(
                workload,
                envelope,
                health,
                Approval::None,
                |guard, current| guard.review(plan, current),
            )?
        };
        let (mut trigger, mut reasons) = (trigger, reasons);
        if let Verdict::Approved(plan) | Verdict::Trimmed(plan, _) = &verdict
            && trigger == Trigger::Directive
            && advised.is_some()
            && !live
                .changes_to(plan.desired())
                .iter()
                .any(|change| composed.held.contains(&change.field))
        {
            // What a directive orders was cut: what is done is the recommender's.
            trigger = Trigger::Recommender;
            reasons.sort_by_key(|reason| reason.code == "Directive");
        }
        if composed.advise_only {
            let why = if self.engine.config.advise_only {
                "nothing is applied here: all is only advised on"
            } else {
                "the intents that ask for it may only advise"
            };
            reasons.insert(0, reason("AdviseOnly", why));
        }
        let undertaking = |approved| Undertaking {
            approved,
            undoes: None,
            restores: composed.restores.clone(),
        };
        self.record_verdict(
            id,
            workload,
            wanted,
            trigger,
            &intents,
            reasons,
            advised,
            verdict,
            undertaking,
        )
    }

    /// Records a decision and, where the guard let something through, waits for the ledger to apply it.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one part of the decision that is recorded"
    )]
    fn record_verdict(
        &mut self,
        id: DecisionId,
        workload: &WorkloadRef,
        wanted: Desired,
        trigger: Trigger,
        intents: &[IntentKey],
        mut reasons: Vec<Reason>,
        advised: Option<&Recommendation>,
        verdict: Verdict,
        undertaking: impl FnOnce(ApprovedPlan) -> Undertaking,
    ) -> Option<Desired> {
        let (now, until) = (self.now, self.deadline());
        let state = self.state.inventory.workloads.get(workload)?;
        let before = Desired::live(state);
        let (approved, cuts) = verdict.into_parts();
        let control = self.state.workloads.get_mut(workload)?;
        if approved.is_none() {
            let idle = IdleDecision {
                trigger,
                cuts: cuts
                    .iter()
                    .map(|cut| (cut.field.clone(), cut.rule))
                    .collect(),
                at: now,
            };
            let repeated = control.last_idle_decision.as_ref().is_some_and(|last| {
                let recent =
                    now.duration_since(last.at).unsigned_abs() < REPEAT_IDLE_DECISION_AFTER;
                recent && last.trigger == idle.trigger && last.cuts == idle.cuts
            });
            if repeated {
                return None;
            }
            control.last_idle_decision = Some(idle);
            reasons.splice(0..0, refusals(&cuts));
        } else {
            control.last_idle_decision = None;
        }
        let allowed = approved.as_ref().map(|plan| plan.desired().clone());
        let decision = Decision {
            id,
            at: now,
            workload: workload.clone(),
            trigger,
            intents: intents.to_vec(),
            reasons,
            observation: control
                .history
                .back()
                .map(|observation| (**observation).clone()),
            changes: allowed
                .as_ref()
                .map(|allowed| before.changes_to(allowed))
                .unwrap_or_default(),
            before,
            wanted,
            approved: allowed.clone(),
            cuts: cuts.clone(),
            alternatives: advised
                .map(|advice| advice.alternatives.clone())
                .unwrap_or_default(),
            predicted: advised.and_then(|advice| advice.predicted.clone()),
            policy: advised.and_then(|advice| advice.policy.clone()),
        };
        if let Some(approved) = approved {
            control.phase =
                Phase::Recording(Pending { id, until }, Box::new(undertaking(approved)));
        }
        self.say_cuts(workload, intents, &cuts, allowed.is_none());
        self.record(LedgerEvent::Decided(Box::new(decision)));
        allowed
    }

    fn say_cuts(
        &mut self,
        workload: &WorkloadRef,
        intents: &[IntentKey],
        cuts: &[Cut],
        rejected: bool,
    ) {
        if let Some(cut) = cuts.first() {
            let code = if rejected {
                "GuardRejected"
            } else {
                "GuardTrimmed"
            };
            self.notify(
                NoticeLevel::Normal,
                Some(workload),
                intents.first(),
                reason(code, cut.to_string()),
            );
        }
    }

    fn record(&mut self, event: LedgerEvent) {
        let entry = LedgerEntry {
            at: self.now,
            event,
        };
        self.push(Effect::Record(Box::new(entry)));
    }

    /// The intents that act on a workload, and the limits that they and the guardrails leave.
    fn acting_in(&self, state: &WorkloadState) -> (Vec<Arc<Intent>>, Envelope) {
        let acting = self.intents_on(&state.workload, |entry| entry.is_acting(self.now));
        let (guardrails, inventory) = (&self.state.guardrails, &self.state.inventory);
        let envelope = Envelope::build(state, guardrails, &acting, inventory);
        (acting, envelope)
    }

    /// Calls the guard with all that it must know of this instant.
    fn with_current<T>(
        &self,
        workload: &WorkloadRef,
        envelope: &Envelope,
        health: SignalHealth,
        approval: Approval,
        ask: impl FnOnce(crate::guard::Guard, &Current<'_>) -> T,
    ) -> Option<T> {
        let state = self.state.inventory.workloads.get(workload)?;
        let standing = self.state.standing(workload, self.now)?;
        let current = Current {
            now: self.now,
            state,
            envelope,
            inventory: &self.state.inventory,
            in_flight: &standing.in_flight,
            health,
            floor: standing.floor.as_ref(),
            last_applied_at: standing.last_applied_at,
            barred: &standing.barred,
            approved_by_person: approval == Approval::OfAPerson,
        };
        Some(ask(self.engine.guard, &current))
    }

    pub(super) fn recorded(&mut self, id: DecisionId, result: Result<()>) {
        let Some(workload) = self.workload_in(id, |phase| matches!(phase, Phase::Recording(..)))
        else {
            return;
        };
        let Some(control) = self.state.workloads.get_mut(&workload) else {
            return;
        };
        let Phase::Recording(_, undertaking) = std::mem::take(&mut control.phase) else {
            return;
        };
        if let Err(error) = result {
            let message = format!("{id} is not applied, since it could not be recorded: {error}");
            self.notify(
                NoticeLevel::Warning,
                Some(&workload),
                None,
                reason("LedgerFailed", message),
            );
            return;
        }
        // Between the verdict and now the world may have moved: what was judged must still be what is.
        if let Err(error) = self.check_still_right(&workload, &undertaking.approved) {
            self.record(LedgerEvent::Failed {
                decision: id,
                error,
            });
            self.hurry();
            return;
        }
        let until = self.deadline();
        let plan = Box::new(undertaking.approved.clone());
        if let Some(control) = self.state.workloads.get_mut(&workload) {
            control.phase = Phase::Applying(Pending { id, until }, undertaking);
        }
        self.push(Effect::Apply(plan));
    }

    fn check_still_right(&self, workload: &WorkloadRef, plan: &ApprovedPlan) -> Result<()> {
        let state = self
            .state
            .inventory
            .workloads
            .get(workload)
            .ok_or_else(|| Error::not_found(workload))?;
        plan.check_fresh(state)?;
        let (_, envelope) = self.acting_in(state);
        let revision = envelope.revision();
        if revision != plan.envelope_revision() {
            return Err(Error::Stale {
                what: format!("the envelope of {workload}"),
                judged_on: plan.envelope_revision().to_string(),
                found: revision.to_string(),
            });
        }
        Ok(())
    }

    pub(super) fn applied(&mut self, id: DecisionId, result: Result<Receipt>) {
        let applying = self.workload_in(id, |phase| matches!(phase, Phase::Applying(..)));
        match (applying, result) {
            (Some(workload), Ok(receipt)) => {
                let Some(control) = self.state.workloads.get_mut(&workload) else {
                    return;
                };
                let Phase::Applying(_, undertaking) = std::mem::take(&mut control.phase) else {
                    return;
                };
                self.take_receipt(&workload, receipt, Some(*undertaking));
            }
            // Given up as too slow, yet it was done: it is recorded all the same.
            (None, Ok(receipt)) => {
                let workload = receipt.workload.clone();
                if let Some(control) = self.state.workloads.get_mut(&workload)
                    && control
                        .uncertain
                        .as_ref()
                        .is_some_and(|uncertain| uncertain.decision == id)
                    && let Some(uncertain) = control.uncertain.take()
                {
                    self.take_receipt(&workload, receipt, None);
                    self.note_applied_on_intents(
                        &workload,
                        &uncertain.intents,
                        id,
                        &uncertain.before,
                        &uncertain.desired,
                    );
                }
            }
            (Some(workload), Err(error)) => {
                if let Some(control) = self.state.workloads.get_mut(&workload) {
                    control.phase = Phase::Idle;
                }
                let (level, hurry) = match error.kind() {
                    ErrorKind::Stale => (NoticeLevel::Normal, true),
                    _ => (NoticeLevel::Warning, false),
                };
                let message = format!("{id} could not be applied: {error}");
                self.notify(level, Some(&workload), None, reason("ApplyFailed", message));
                self.record(LedgerEvent::Failed {
                    decision: id,
                    error,
                });
                if hurry {
                    self.hurry();
                }
            }
            (None, Err(_)) => {}
        }
    }

    fn take_receipt(
        &mut self,
        workload: &WorkloadRef,
        receipt: Receipt,
        undertaking: Option<Undertaking>,
    ) {
        let receipt = Arc::new(receipt);
        // The snapshot goes along, so that budgets count what was just taken.
        if let Some(state) = self.state.inventory.workloads.get_mut(workload) {
            match &receipt.applied {
                Desired::Allocation(allocation) => state.allocation = allocation.clone(),
                Desired::Quota(quota) => state.quota = *quota,
            }
            state.resource_version.clone_from(&receipt.resource_version);
        }
        if let Some(control) = self.state.workloads.get_mut(workload) {
            control.note_receipt(Arc::clone(&receipt));
        }
        if is_autoscaled(&receipt.previous) && !is_autoscaled(&receipt.applied) {
            // The pods that are ordered in its place had to wait for it to go.
            self.hurry();
        }
        self.record(LedgerEvent::Applied(Box::new((*receipt).clone())));
        let Some(undertaking) = undertaking else {
            return;
        };
        let plan = &undertaking.approved;
        let (intents, before, desired) = (&plan.plan().intents, plan.before(), plan.desired());
        self.note_applied_on_intents(workload, intents, plan.decision(), before, desired);
        for key in &undertaking.restores {
            self.finish_ending(key);
        }
        if let Some((undone, cause)) = undertaking.undoes {
            self.record(LedgerEvent::Undone {
                decision: undone.decision,
                by: receipt.decision,
                reason: cause.clone(),
            });
            self.bar(workload, &undone, &undertaking.approved, &cause);
        }
    }

    /// An undone allocation may not come back for three windows, and a directive that led to it is suspended.
    fn bar(&mut self, workload: &WorkloadRef, undone: &Receipt, plan: &ApprovedPlan, cause: &str) {
        let window = self
            .intents_on(workload, |_| true)
            .iter()
            .flat_map(|intent| {
                intent
                    .spec
                    .objectives()
                    .map(|(_, objective)| objective.window())
            })
            .max()
            .unwrap_or(DEFAULT_WINDOW);
        let until = self.after(window.saturating_mul(BARRED_WINDOWS));
        if let (Some(allocation), Some(control)) = (
            undone.applied.allocation(),
            self.state.workloads.get_mut(workload),
        ) {
            control.barred.retain(|barred| self.now < barred.until);
            control.barred.push(Barred {
                allocation: allocation.clone(),
                until,
            });
            // What was undone is not judged once more.
            control.last_apply = None;
        }
        let fields: BTreeSet<_> = plan
            .changes()
            .into_iter()
            .map(|change| change.field)
            .collect();
        let now = self.now;
        let in_force =
            crate::conflict::holders(&self.intents_on(workload, |entry| entry.is_acting(now)));
        for intent in self.intents_on(workload, |entry| entry.ending.is_none()) {
            let ordered = crate::conflict::holders(std::slice::from_ref(&intent));
            let key = intent.key();
            // What stands back behind another order had no part in it.
            let stands_back = |field: &Field| {
                let holder = in_force.get(field);
                holder.is_some_and(|holder| {
                    holder.superseded.iter().any(|behind| behind.intent == key)
                })
            };
            if ordered
                .keys()
                .any(|field| fields.contains(field) && !stands_back(field))
            {
                self.change_state(&intent.key(), LifecycleEvent::Undone, cause);
            }
        }
    }

    pub(super) fn apply_given_up(&mut self, workload: &WorkloadRef, id: DecisionId, error: Error) {
        let Some(control) = self.state.workloads.get_mut(workload) else {
            return;
        };
        let Phase::Applying(_, undertaking) = std::mem::take(&mut control.phase) else {
            return;
        };
        let plan = &undertaking.approved;
        control.uncertain = Some(Box::new(Uncertain {
            decision: plan.decision(),
            before: plan.before().clone(),
            desired: plan.desired().clone(),
            intents: plan.plan().intents.clone(),
        }));
        let message = format!(
            "whether {id} was applied is not known until the cluster is read again: {error}"
        );
        self.notify(
            NoticeLevel::Warning,
            Some(workload),
            None,
            reason("ApplyUncertain", message),
        );
        self.hurry();
    }

    /// With a fresh inventory it can be told whether a slow apply was done.
    pub(super) fn settle_uncertain(&mut self) {
        let uncertain: Vec<(WorkloadRef, Box<Uncertain>)> = self
            .state
            .workloads
            .iter_mut()
            .filter(|(_, control)| control.phase == Phase::Idle)
            .filter_map(|(workload, control)| Some((workload.clone(), control.uncertain.take()?)))
            .collect();
        for (workload, uncertain) in uncertain {
            let Some(state) = self.state.inventory.workloads.get(&workload) else {
                continue;
            };
            let live = Desired::live(state);
            let Uncertain {
                decision,
                before,
                desired,
                intents,
            } = *uncertain;
            if live == desired {
                let receipt = Receipt {
                    decision,
                    workload: workload.clone(),
                    previous: before.clone(),
                    applied: live,
                    previous_owners: state.owners.clone(),
                    resource_version: state.resource_version.clone(),
                    applied_at: self.now,
                };
                self.take_receipt(&workload, receipt, None);
                self.note_applied_on_intents(&workload, &intents, decision, &before, &desired);
            } else {
                let error = Error::unavailable(
                    "the orchestrator",
                    "it gave no answer, and what is live shows no change",
                );
                self.record(LedgerEvent::Failed { decision, error });
            }
        }
    }

    /// The ledger would not take what was done: it is kept and written again.
    pub(super) fn record_failed(&mut self, entry: LedgerEntry, error: &Error) {
        let message = format!(
            "what became of {} is not on record yet: {error}",
            entry.event.decision()
        );
        self.notify(
            NoticeLevel::Warning,
            None,
            None,
            reason("LedgerFailed", message),
        );
        self.state.unrecorded.push(entry);
    }

    pub(super) fn retry_records(&mut self) {
        for entry in std::mem::take(&mut self.state.unrecorded) {
            self.push(Effect::Record(Box::new(entry)));
        }
    }

    /// A held field that no longer has the value that we wrote was changed by somebody else: the intent pauses.
    pub(super) fn detect_manual_changes(&mut self) {
        let mut changed = Vec::new();
        for (workload, control) in &self.state.workloads {
            let Some(state) = self.state.inventory.workloads.get(workload) else {
                continue;
            };
            if control.phase != Phase::Idle || control.written.is_empty() {
                continue;
            }
            let live = Desired::live(state);
            let on_record = self.intents_on(workload, |entry| {
                entry.is_acting(self.now) && entry.is_on_record()
            });
            for (field, holder) in crate::conflict::holders(&on_record) {
                let Some(written) = control.written.get(&field) else {
                    continue;
                };
                let found = field_text(&live, &field);
                if *written != found {
                    // The orders that stand behind it don't fight the change in its place.
                    let behind = on_record.iter().map(|intent| (intent.key(), intent));
                    let behind = behind.filter(|(key, intent)| {
                        let alone = std::slice::from_ref(*intent);
                        *key != holder.intent
                            && crate::conflict::holders(alone).contains_key(&field)
                    });
                    changed.push((
                        workload.clone(),
                        behind.map(|(key, _)| key).collect::<Vec<_>>(),
                        field,
                        holder.intent,
                        written.clone(),
                        found,
                    ));
                }
            }
        }
        for (workload, behind, field, key, written, found) in changed {
            let text = |value: Option<String>| value.unwrap_or_else(|| "unset".to_owned());
            let message = format!(
                "{field} was changed by hand from {} to {}; the intent is paused",
                text(written),
                text(found)
            );
            if let Some(control) = self.state.workloads.get_mut(&workload) {
                control.written.remove(&field);
            }
            self.notify(
                NoticeLevel::Warning,
                Some(&workload),
                Some(&key),
                reason("Overridden", message.clone()),
            );
            for key in std::iter::once(&key).chain(&behind) {
                self.change_state(key, LifecycleEvent::ManualChange, &message);
            }
        }
    }

    pub(super) fn want_undo(&mut self, undo: PendingUndo) {
        let workload = undo.receipt.workload.clone();
        if !self.state.inventory.workloads.contains_key(&workload) {
            if let Some(request) = undo.request {
                let error = Error::not_found(&workload);
                self.push(Effect::Reply(request, Box::new(Reply::Failed(error))));
            }
            return;
        }
        self.state
            .workloads
            .entry(workload)
            .or_default()
            .undos
            .push_back(undo);
        self.hurry();
    }

    /// Takes up the next wish to undo; whether it uses this turn.
    pub(super) fn undo_next(&mut self, workload: &WorkloadRef, health: SignalHealth) -> bool {
        let Some(undo) = self
            .state
            .workloads
            .get_mut(workload)
            .and_then(|control| control.undos.pop_front())
        else {
            return false;
        };
        let Some(state) = self.state.inventory.workloads.get(workload) else {
            return false;
        };
        let (acting, envelope) = self.acting_in(state);
        let id = self.state.new_decision();
        // A person who asks for it approves it, too.
        let approval = match undo.request {
            Some(_) => Approval::OfAPerson,
            None => Approval::None,
        };
        let verdict = self.with_current(workload, &envelope, health, approval, |guard, current| {
            guard.undo(id, &undo.receipt, current)
        });
        let Some(verdict) = verdict else { return false };
        let intents: Vec<IntentKey> = acting.iter().map(|intent| intent.key()).collect();
        let reasons = vec![reason(
            "Undo",
            format!("{} is undone: {}", undo.receipt.decision, undo.cause),
        )];
        let reply = match verdict.approved() {
            Some(_) => Reply::Undoing(id),
            None => Reply::Failed(refused(&verdict)),
        };
        if let Some(request) = undo.request {
            self.push(Effect::Reply(request, Box::new(reply)));
        }
        let wanted = undo.receipt.previous.clone();
        let (receipt, cause) = (undo.receipt, undo.cause);
        let undertaking = |approved| Undertaking {
            approved,
            undoes: Some((receipt, cause)),
            restores: Vec::new(),
        };
        self.record_verdict(
            id,
            workload,
            wanted,
            Trigger::Undo,
            &intents,
            reasons,
            None,
            verdict,
            undertaking,
        );
        true
    }

    pub(super) fn want_approval(&mut self, request: RequestId, decision: Box<Decision>) {
        let workload = decision.workload.clone();
        let error = if !self.state.inventory.workloads.contains_key(&workload) {
            Error::not_found(&workload)
        } else if !decision.may_be_approved(self.now) {
            let why = if decision.needs_approval() {
                "it waited for longer than an hour; what is still wanted was decided anew since"
            } else {
                "it doesn't wait for a person's approval"
            };
            Error::Refused {
                service: "the control engine".to_owned(),
                reason: format!("{} can't be approved: {why}", decision.id),
            }
        } else {
            let control = self.state.workloads.entry(workload).or_default();
            control
                .approvals
                .push_back(PendingApproval { request, decision });
            self.hurry();
            return;
        };
        self.push(Effect::Reply(request, Box::new(Reply::Failed(error))));
    }

    /// Takes up the next decision that a person approved; whether it uses this turn.
    ///
    /// The approval is for this change of what was live then, and for nothing else.
    pub(super) fn approve_next(&mut self, workload: &WorkloadRef, health: SignalHealth) -> bool {
        let Some(PendingApproval { request, decision }) = self
            .state
            .workloads
            .get_mut(workload)
            .and_then(|control| control.approvals.pop_front())
        else {
            return false;
        };
        let Some(state) = self.state.inventory.workloads.get(workload) else {
            return false;
        };
        let (acting, envelope) = self.acting_in(state);
        let is_asked_for = decision.trigger == Trigger::Restore
            || decision
                .intents
                .iter()
                .all(|key| acting.iter().any(|intent| intent.key() == *key));
        if Desired::live(state) != decision.before || !is_asked_for {
            let what = if is_asked_for {
                format!("{workload}, on which {} was decided", decision.id)
            } else {
                format!("the intents that {} was decided for", decision.id)
            };
            let error = Error::Stale {
                what,
                judged_on: decision.at.to_string(),
                found: self.now.to_string(),
            };
            self.push(Effect::Reply(request, Box::new(Reply::Failed(error))));
            return false;
        }
        let id = self.state.new_decision();
        let Decision {
            id: approved,
            wanted,
            trigger,
            intents,
            mut reasons,
            cuts,
            ..
        } = *decision;
        let refusals = refusals(&cuts);
        reasons.retain(|reason| !refusals.contains(reason));
        reasons.insert(
            0,
            reason("Approved", format!("a person approved {approved}")),
        );
        let plan = Plan {
            decision: id,
            workload: workload.clone(),
            desired: wanted.clone(),
            trigger,
            intents: intents.clone(),
            reasons: reasons.clone(),
        };
        let approval = Approval::OfAPerson;
        let verdict = self.with_current(workload, &envelope, health, approval, |guard, current| {
            guard.review(plan, current)
        });
        let Some(verdict) = verdict else { return false };
        let reply = match verdict.approved() {
            Some(_) => Reply::Approving(id),
            None => Reply::Failed(refused(&verdict)),
        };
        self.push(Effect::Reply(request, Box::new(reply)));
        let undertaking = |approved| Undertaking {
            approved,
            undoes: None,
            restores: Vec::new(),
        };
        self.record_verdict(
            id,
            workload,
            wanted,
            trigger,
            &intents,
            reasons,
            None,
            verdict,
            undertaking,
        );
        true
    }

    /// The workload whose phase speaks of this decision.
    fn workload_in(&self, id: DecisionId, is: impl Fn(&Phase) -> bool) -> Option<WorkloadRef> {
        self.state
            .workloads
            .iter()
            .find(|(_, control)| {
                let speaks_of = match &control.phase {
                    Phase::Recording(pending, _) | Phase::Applying(pending, _) => pending.id == id,
                    _ => false,
                };
                speaks_of && is(&control.phase)
            })
            .map(|(workload, _)| workload.clone())
    }
}

/// Why the guard let nothing through, as reasons: what speaks of the whole plan first.
fn refusals(cuts: &[Cut]) -> Vec<Reason> {
    let whole = cuts.iter().filter(|cut| cut.field.is_none());
    let of_fields = cuts.iter().filter(|cut| cut.field.is_some());
    whole.chain(of_fields).map(Cut::reason).collect()
}

fn refused(verdict: &Verdict) -> Error {
    let cuts: Vec<String> = verdict.cuts().iter().map(Cut::to_string).collect();
    Error::Refused {
        service: "the guard".to_owned(),
        reason: cuts.join("; "),
    }
}
