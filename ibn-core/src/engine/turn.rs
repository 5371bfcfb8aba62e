//! A workload's turn, from the inventory to what is wanted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::event::{Effect, NoticeLevel, TurnId};
use super::state::{Pending, PendingAdvice, Phase, RefusedCorrective, field_text, reason};
use super::{Observe, Step};
use crate::allocation::Field;
use crate::assessment::{Assessment, AssessmentInput, AssuranceAction};
use crate::decision::{Reason, Trigger};
use crate::envelope::Envelope;
use crate::guard::Desired;
use crate::intent::{Intent, IntentKey, IntentState, Mode, Objective, Preference};
use crate::observation::{Observation, SignalHealth};
use crate::situation::{Experience, Outcome, Recommendation, Situation};
use crate::workload::{FieldOwner, Inventory, WorkloadKind, WorkloadRef, WorkloadState};
use crate::{Error, Result};

/// A corrective intent that was refused is raised again only after so long, unless something changed.
const REPEAT_REFUSED_AFTER: Duration = Duration::from_secs(600);

/// What the intents on a workload amount to at one instant, before any recommender is asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Composed {
    /// What is live, with what ends put back and with what is ordered.
    pub(super) base: Desired,
    /// Fields that a directive holds or somebody else owns.
    pub(super) held: BTreeSet<Field>,
    /// The limits.
    pub(super) envelope: Arc<Envelope>,
    /// What is to be met, the highest priority first.
    pub(super) objectives: Vec<Objective>,
    pub(super) preference: Preference,
    /// The intents that ask for something here, the highest priority first.
    pub(super) asking: Vec<Asking>,
    /// The intents whose fields go back.
    pub(super) restores: Vec<IntentKey>,
    pub(super) trigger: Trigger,
    pub(super) reasons: Vec<Reason>,
    /// Only intents that may not act ask for something.
    pub(super) advise_only: bool,
}

/// An intent with the kinds of what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asking {
    pub(super) key: IntentKey,
    /// The fields that its directives hold, with the autoscaler that goes for them.
    pub(super) holds: BTreeSet<Field>,
    pub(super) has_objectives: bool,
    pub(super) has_constraints: bool,
}

impl Composed {
    /// The intents that a change from `live` to `wanted` serves: those that hold one of the fields, those with objectives where
    /// a field moves that nothing holds, those with limits where the limits are the reason, and those whose fields go back.
    pub(super) fn served(
        &self,
        live: &Desired,
        wanted: &Desired,
        trigger: Trigger,
    ) -> Vec<IntentKey> {
        let changed: BTreeSet<Field> = live
            .changes_to(wanted)
            .into_iter()
            .map(|change| change.field)
            .collect();
        let is_free = |field: &Field| !self.asking.iter().any(|it| it.holds.contains(field));
        let moves_free = changed.iter().any(is_free);
        let mut served: Vec<IntentKey> = self
            .asking
            .iter()
            .filter(|it| {
                !it.holds.is_disjoint(&changed)
                    || (it.has_objectives && moves_free)
                    || (it.has_constraints && trigger == Trigger::Constraint)
            })
            .map(|it| it.key.clone())
            .collect();
        if served.is_empty() {
            served.extend(self.asking.iter().map(|it| it.key.clone()));
        }
        served
    }
}

impl Step<'_> {
    pub(super) fn give_up_overdue(&mut self) {
        let timeout = self.engine.config.timeout;
        let timed_out = |service: &str| Error::TimedOut {
            service: service.to_owned(),
            after_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
        };
        if self
            .state
            .taking_inventory
            .is_some_and(|pending| pending.until <= self.now)
            && let Some(pending) = self.state.taking_inventory
        {
            self.inventory_taken(pending.id, Err(timed_out("the orchestrator")));
        }
        let overdue: Vec<WorkloadRef> = self
            .state
            .workloads
            .iter()
            .filter(|(_, control)| control.phase.until().is_some_and(|until| until <= self.now))
            .map(|(workload, _)| workload.clone())
            .collect();
        for workload in overdue {
            let Some(control) = self.state.workloads.get_mut(&workload) else {
                continue;
            };
            match &control.phase {
                Phase::Idle => {}
                Phase::Observing(pending) => {
                    let turn = pending.id;
                    self.observed(turn, &workload, Err(timed_out("the monitor")));
                }
                Phase::Assessing(pending) => {
                    let turn = pending.id;
                    self.assessed(turn, &workload, Err(timed_out("the assessor")));
                }
                Phase::Recommending(pending, ..) => {
                    let turn = pending.id;
                    self.recommended(turn, &workload, Err(timed_out("the recommender")));
                }
                Phase::Recording(pending, _) => {
                    let decision = pending.id;
                    self.recorded(decision, Err(timed_out("the ledger")));
                }
                Phase::Applying(pending, _) => {
                    let decision = pending.id;
                    self.apply_given_up(&workload, decision, timed_out("the orchestrator"));
                }
            }
        }
    }

    pub(super) fn inventory_taken(&mut self, turn: TurnId, result: Result<Inventory>) {
        if self
            .state
            .taking_inventory
            .is_none_or(|pending| pending.id != turn)
        {
            return;
        }
        self.state.taking_inventory = None;
        match result {
            Ok(inventory) => {
                if admits_otherwise(&self.state.inventory, &inventory) {
                    self.circumstances_changed();
                }
                self.state.inventory = inventory;
                self.state.inventory_at = Some(self.now);
                let gone: Vec<WorkloadRef> = self
                    .state
                    .workloads
                    .keys()
                    .filter(|workload| !self.state.inventory.workloads.contains_key(*workload))
                    .cloned()
                    .collect();
                for workload in gone {
                    self.state.workloads.remove(&workload);
                }
                self.resume_endings();
                self.settle_uncertain();
                self.detect_manual_changes();
                self.take_waiting(None);
                self.recheck();
            }
            Err(error) => {
                // Observing and assessing goes on; nothing is decided on a picture that may be old.
                self.state.inventory_at = None;
                self.take_waiting(Some(&error));
                let message =
                    format!("nothing is changed until the cluster can be read again: {error}");
                self.notify(
                    NoticeLevel::Warning,
                    None,
                    None,
                    reason("InventoryFailed", message),
                );
            }
        }
        self.retry_saves();
        self.retry_records();
        let workloads: Vec<WorkloadRef> = self.state.inventory.workloads.keys().cloned().collect();
        for workload in workloads {
            self.begin_turn(&workload);
        }
    }

    fn begin_turn(&mut self, workload: &WorkloadRef) {
        let managed =
            self.state
                .intents
                .values()
                .any(|entry| entry.intent.workload() == *workload)
                || self.state.workloads.get(workload).is_some_and(|control| {
                    !control.undos.is_empty() || !control.approvals.is_empty()
                });
        let observed = managed
            || (self.engine.config.observe == Observe::All
                && workload.kind != WorkloadKind::Namespace);
        if !observed {
            return;
        }
        let control = self.state.workloads.entry(workload.clone()).or_default();
        if control.phase != Phase::Idle {
            return;
        }
        control.turns += 1;
        if workload.kind == WorkloadKind::Namespace {
            // A quota has no indicators: what is ordered is all there is to it.
            self.resolve_begun(workload);
            self.decide_without_recommender(workload, SignalHealth::Fresh);
            return;
        }
        let turn = self.state.new_turn();
        let until = self.deadline();
        if let Some(control) = self.state.workloads.get_mut(workload) {
            control.phase = Phase::Observing(Pending { id: turn, until });
        }
        self.push(Effect::Observe(
            turn,
            workload.clone(),
            self.engine.config.observation_window,
        ));
    }

    pub(super) fn observed(
        &mut self,
        turn: TurnId,
        workload: &WorkloadRef,
        result: Result<Observation>,
    ) {
        let (now, history_len, window) = (
            self.now,
            self.engine.config.history,
            self.engine.config.observation_window,
        );
        let Some(state) = self.state.inventory.workloads.get(workload).cloned() else {
            return;
        };
        let intents = self.intents_on(workload, |entry| {
            entry.is_acting(now) || entry.is_advising(now)
        });
        let until = self.deadline();
        let Some(control) = self.state.workloads.get_mut(workload) else {
            return;
        };
        if !matches!(&control.phase, Phase::Observing(pending) if pending.id == turn) {
            return;
        }
        let (observation, failure) = match result {
            Ok(observation) => (observation, None),
            // An observation in which everything is missing: the guard lets nothing shrink on it.
            Err(error) => (Observation::new(workload.clone(), now, window), Some(error)),
        };
        control.history.push_back(Arc::new(observation));
        while control.history.len() > history_len {
            control.history.pop_front();
        }
        let input = AssessmentInput {
            now,
            state,
            history: control.history.iter().cloned().collect(),
            intents,
            last_apply: control.last_apply.clone(),
            max_signal_age: self.engine.config.max_signal_age,
        };
        control.phase = Phase::Assessing(Pending { id: turn, until });
        if let Some(error) = failure {
            let message = format!("no signals, so nothing of it shrinks: {error}");
            self.notify(
                NoticeLevel::Warning,
                Some(workload),
                None,
                reason("ObservationFailed", message),
            );
        }
        self.push(Effect::Assess(turn, workload.clone(), Box::new(input)));
    }

    pub(super) fn assessed(
        &mut self,
        turn: TurnId,
        workload: &WorkloadRef,
        result: Result<Assessment>,
    ) {
        let Some(control) = self.state.workloads.get_mut(workload) else {
            return;
        };
        if !matches!(&control.phase, Phase::Assessing(pending) if pending.id == turn) {
            return;
        }
        control.phase = Phase::Idle;
        let health = match result {
            Ok(assessment) => {
                let assessment = Arc::new(assessment);
                control.assessment = Some(Arc::clone(&assessment));
                self.learn(workload);
                self.update_statuses(workload, &assessment);
                self.say_findings(workload, &assessment.findings);
                for action in &assessment.actions {
                    self.follow(workload, action);
                }
                assessment.health
            }
            Err(error) => {
                let message = format!("not assessed, so nothing of it shrinks: {error}");
                self.notify(
                    NoticeLevel::Warning,
                    Some(workload),
                    None,
                    reason("AssessmentFailed", message),
                );
                if let Some(control) = self.state.workloads.get_mut(workload) {
                    control.assessment = None;
                    control.advice = None;
                }
                SignalHealth::Missing
            }
        };
        self.resolve_begun(workload);
        self.decide(turn, workload, health);
    }

    /// Says what stands out now and didn't at the assessment before; numbers that moved are no news.
    fn say_findings(&mut self, workload: &WorkloadRef, findings: &[Reason]) {
        let essence = |finding: &Reason| {
            let words = finding.message.split(|c: char| c.is_ascii_digit());
            (finding.code.clone(), words.collect::<String>())
        };
        let now: Vec<_> = findings.iter().map(essence).collect();
        let Some(control) = self.state.workloads.get_mut(workload) else {
            return;
        };
        let before = std::mem::replace(&mut control.findings, now.clone());
        for (finding, essence) in findings.iter().zip(&now) {
            if !before.contains(essence) {
                self.notify(NoticeLevel::Normal, Some(workload), None, finding.clone());
            }
        }
    }

    /// Raises a corrective intent, unless the same one was refused a short while ago and nothing has changed since.
    fn raise(&mut self, workload: &WorkloadRef, intent: &Intent) {
        let now = self.now;
        let stands = self.state.intents.get(&intent.key()).is_some_and(|entry| {
            entry.intent.spec == intent.spec && entry.intent.state() != IntentState::Finished
        });
        if stands {
            return;
        }
        let parent = intent
            .spec
            .origin
            .as_ref()
            .and_then(|origin| origin.parent.clone());
        let refused = self
            .state
            .workloads
            .get(workload)
            .and_then(|control| control.refused.as_ref());
        let is_known = refused.is_some_and(|refused| {
            now < refused.until
                && refused.parent == parent
                && refused.constraints == intent.spec.constraints
        });
        if is_known {
            return;
        }
        self.submit(None, intent);
        let is_in_force = self.state.intents.contains_key(&intent.key());
        let until = self.after(REPEAT_REFUSED_AFTER);
        if let Some(control) = self.state.workloads.get_mut(workload) {
            control.refused = (!is_in_force).then(|| RefusedCorrective {
                parent,
                constraints: intent.spec.constraints.clone(),
                until,
            });
        }
    }

    fn follow(&mut self, workload: &WorkloadRef, action: &AssuranceAction) {
        match action {
            AssuranceAction::Corrective(intent) => self.raise(workload, intent),
            AssuranceAction::DemoteLearner { cause } => {
                self.notify(
                    NoticeLevel::Warning,
                    Some(workload),
                    None,
                    reason("LearnerDemoted", cause.clone()),
                );
                self.push(Effect::Demote(workload.clone(), cause.clone()));
            }
            AssuranceAction::Undo { decision, cause } => {
                let Some(control) = self.state.workloads.get_mut(workload) else {
                    return;
                };
                let receipt = control
                    .last_receipt
                    .clone()
                    .filter(|receipt| receipt.decision == *decision);
                if let Some(receipt) = receipt {
                    // Judged once: the same apply is not undone twice.
                    control.last_apply = None;
                    control.undos.push_back(super::state::PendingUndo {
                        request: None,
                        receipt,
                        cause: cause.clone(),
                    });
                }
            }
        }
    }

    /// Hands the outcome of the last advice to the learner.
    fn learn(&mut self, workload: &WorkloadRef) {
        let Some(state) = self.state.inventory.workloads.get(workload) else {
            return;
        };
        let Some(control) = self.state.workloads.get_mut(workload) else {
            return;
        };
        let Some(advice) = control.advice.take() else {
            return;
        };
        let Some(observation) = control.history.back() else {
            return;
        };
        let outcome = Outcome::of(
            &advice.situation.objectives,
            observation,
            &state.allocation,
            advice.changes,
            self.engine.config.reward,
        );
        let experience = Experience {
            situation: Arc::unwrap_or_clone(advice.situation),
            recommendation: advice.recommendation,
            applied: advice.applied,
            outcome,
        };
        self.push(Effect::Learn(workload.clone(), Box::new(experience)));
    }

    /// Looks at what the intents on a workload amount to, and either asks a recommender or proposes.
    fn decide(&mut self, turn: TurnId, workload: &WorkloadRef, health: SignalHealth) {
        if self.state.inventory_at.is_none() {
            return;
        }
        if self.undo_next(workload, health) || self.approve_next(workload, health) {
            return;
        }
        let Some(composed) = self.compose(workload) else {
            return;
        };
        let Some(state) = self.state.inventory.workloads.get(workload) else {
            return;
        };
        let Desired::Allocation(base) = &composed.base else {
            return;
        };
        if composed.objectives.is_empty() {
            self.propose(workload, composed, None, health);
            return;
        }
        let Some(control) = self.state.workloads.get(workload) else {
            return;
        };
        let assessment = control.assessment.as_deref();
        let situation = Situation {
            workload: workload.clone(),
            now: self.now,
            control_period: self.engine.config.control_period,
            state: WorkloadState {
                allocation: base.clone(),
                ..state.clone()
            },
            envelope: Arc::clone(&composed.envelope),
            objectives: composed.objectives.clone(),
            preference: composed.preference,
            history: control.history.iter().cloned().collect(),
            forecast: assessment.and_then(|assessment| assessment.forecast.clone()),
            model: assessment.and_then(|assessment| assessment.model.clone()),
            health,
            floor: assessment.and_then(|assessment| assessment.floor.clone()),
            held: composed.held.clone(),
            seed: seed(self.engine.config.seed, workload, control.turns),
        };
        let situation = Arc::new(situation);
        let until = self.deadline();
        if let Some(control) = self.state.workloads.get_mut(workload) {
            control.phase = Phase::Recommending(
                Pending { id: turn, until },
                Box::new(composed),
                Arc::clone(&situation),
            );
        }
        self.push(Effect::Recommend(turn, workload.clone(), situation));
    }

    /// The same for what has no indicators.
    fn decide_without_recommender(&mut self, workload: &WorkloadRef, health: SignalHealth) {
        if self.state.inventory_at.is_none()
            || self.undo_next(workload, health)
            || self.approve_next(workload, health)
        {
            return;
        }
        if let Some(composed) = self.compose(workload) {
            self.propose(workload, composed, None, health);
        }
    }

    pub(super) fn recommended(
        &mut self,
        turn: TurnId,
        workload: &WorkloadRef,
        result: Result<Recommendation>,
    ) {
        let Some(control) = self.state.workloads.get_mut(workload) else {
            return;
        };
        if !matches!(&control.phase, Phase::Recommending(pending, ..) if pending.id == turn) {
            return;
        }
        let Phase::Recommending(_, composed, situation) = std::mem::take(&mut control.phase) else {
            return;
        };
        match result {
            Ok(recommendation) => {
                let health = situation.health;
                self.propose(
                    workload,
                    *composed,
                    Some((situation, recommendation)),
                    health,
                );
            }
            Err(error) => {
                let message = format!("no advice, so only what is ordered is done: {error}");
                self.notify(
                    NoticeLevel::Warning,
                    Some(workload),
                    None,
                    reason("RecommenderFailed", message),
                );
                self.propose(workload, *composed, None, situation.health);
            }
        }
    }

    /// What the intents on a workload amount to; `None` where nobody asks for anything.
    fn compose(&self, workload: &WorkloadRef) -> Option<Composed> {
        let state = self.state.inventory.workloads.get(workload)?;
        let control = self.state.workloads.get(workload)?;
        let pause = self.state.pause(workload, self.now);
        if pause == Some(Mode::Suspended) {
            return None;
        }
        let entries = || {
            self.state
                .intents
                .values()
                .filter(|entry| entry.intent.workload() == *workload)
        };
        let mut chosen: Vec<_> = entries()
            .filter(|entry| entry.is_acting(self.now))
            .collect();
        let nobody_acts = chosen.is_empty() && control.restores.is_empty();
        let advise_only =
            nobody_acts || pause == Some(Mode::Advise) || self.engine.config.advise_only;
        if nobody_acts {
            chosen = entries()
                .filter(|entry| entry.is_advising(self.now))
                .collect();
        }
        if chosen.is_empty() && control.restores.is_empty() {
            return None;
        }
        let live = Desired::live(state);
        let mut base = live.clone();
        let mut reasons = Vec::new();

        // The lowest precedence first, so that what counts more overwrites.
        let on_record: Vec<Arc<Intent>> = chosen
            .iter()
            .filter(|entry| entry.is_on_record())
            .map(|entry| Arc::clone(&entry.intent))
            .collect();
        let holders = crate::conflict::holders(&on_record);
        let mut held = crate::conflict::held_fields(&holders);

        let mut restores = Vec::new();
        for restore in &control.restores {
            restores.push(restore.intent.clone());
            let back = restore.put_back(&base);
            for change in base.clone().changes_to(&back) {
                let ours =
                    control.written.get(&change.field) == Some(&field_text(&live, &change.field));
                if ours && !held.contains(&change.field) {
                    take_field(&mut base, &change.field, &back);
                }
            }
        }
        if base != live {
            let message = "the fields of an intent that ended go back to what they were".to_owned();
            reasons.push(reason("Restore", message));
        }
        let restored = base.clone();
        for (field, holder) in &holders {
            let mut ordered = base.clone();
            holder.setting.write_to(&mut ordered);
            take_field(&mut base, field, &ordered);
        }
        if let (Desired::Allocation(wanted), Desired::Allocation(found)) = (&mut base, &live)
            && found.autoscale.is_some()
        {
            // For as long as an autoscaler is there, the number of pods is its own: it goes first, and what is ordered comes next.
            wanted.replicas = found.replicas;
            if holders.contains_key(&Field::Replicas) && wanted.autoscale.take().is_some() {
                let message = "a directive orders the number of pods, so the autoscaler goes first";
                reasons.push(reason("AutoscalerGoes", message));
            }
        }
        if base != restored {
            reasons.push(reason("Directive", "a directive orders it"));
        }
        let trigger = if base != restored {
            Trigger::Directive
        } else if restored != live {
            Trigger::Restore
        } else {
            Trigger::Constraint
        };

        let acting: Vec<Arc<Intent>> = chosen
            .iter()
            .map(|entry| Arc::clone(&entry.intent))
            .collect();
        let envelope = Envelope::build(
            state,
            &self.state.guardrails,
            &acting,
            &self.state.inventory,
        );
        held.extend(
            state
                .owners
                .iter()
                .filter(|(_, owner)| is_foreign(owner, &envelope))
                .map(|(field, _)| field.clone()),
        );
        if state.allocation.autoscale.is_some() {
            held.insert(Field::Replicas);
        }

        chosen.sort_by(|a, b| {
            b.intent
                .spec
                .priority()
                .cmp(&a.intent.spec.priority())
                .then_with(|| a.intent.key().cmp(&b.intent.key()))
        });
        let objectives = chosen
            .iter()
            .flat_map(|entry| entry.intent.spec.objectives().map(|(_, o)| o.clone()))
            .collect();
        let preference = chosen
            .iter()
            .find_map(|entry| entry.intent.spec.preference)
            .unwrap_or_default();
        Some(Composed {
            base,
            held,
            envelope: Arc::new(envelope),
            objectives,
            preference,
            asking: chosen
                .iter()
                .map(|entry| {
                    let (key, spec) = (entry.intent.key(), &entry.intent.spec);
                    Asking {
                        holds: crate::conflict::held_by(&holders, &key),
                        has_objectives: spec.objectives().next().is_some(),
                        has_constraints: !spec.constraints.is_empty(),
                        key,
                    }
                })
                .collect(),
            restores,
            trigger,
            reasons,
            advise_only,
        })
    }

    /// Puts together what is wanted and hands it to the guard.
    fn propose(
        &mut self,
        workload: &WorkloadRef,
        composed: Composed,
        advice: Option<(Arc<Situation>, Recommendation)>,
        health: SignalHealth,
    ) {
        let Some(state) = self.state.inventory.workloads.get(workload) else {
            return;
        };
        let live = Desired::live(state);
        let mut wanted = composed.base.clone();
        let mut trigger = composed.trigger;
        let mut reasons = composed.reasons.clone();
        let mut advised = None;
        if let (Some((_, recommendation)), Desired::Allocation(base)) = (&advice, &composed.base) {
            // Whatever the recommender says of held fields, they stay as they are held.
            let mut allocation = base.clone();
            for change in base.changes_to(&recommendation.allocation) {
                if !composed.held.contains(&change.field) {
                    allocation.take_field(&change.field, &recommendation.allocation);
                }
            }
            if allocation != *base {
                if wanted == live {
                    trigger = Trigger::Recommender;
                }
                reasons.extend(recommendation.reasons.iter().cloned());
                wanted = Desired::Allocation(allocation);
            }
            advised = Some(recommendation.clone());
        }
        if wanted == live
            && let Desired::Allocation(allocation) = &live
        {
            // Constraints act by themselves: live state moves to the nearest bound.
            let nearest = composed.envelope.nearest(allocation);
            if nearest != *allocation {
                trigger = Trigger::Constraint;
                reasons.push(reason(
                    "OutsideLimits",
                    "what is live lies outside the limits",
                ));
                wanted = Desired::Allocation(nearest);
            }
        }
        let outcome = self.judge(
            workload,
            &composed,
            wanted,
            trigger,
            reasons,
            advised.as_ref(),
            health,
        );
        if let (Some((situation, recommendation)), Some(control)) =
            (advice, self.state.workloads.get_mut(workload))
        {
            let applied = outcome
                .as_ref()
                .and_then(Desired::allocation)
                .unwrap_or(&situation.state.allocation)
                .clone();
            let changes = u32::try_from(
                live.allocation()
                    .map_or(0, |live| live.changes_to(&applied).len()),
            )
            .unwrap_or(u32::MAX);
            control.advice = Some(PendingAdvice {
                situation,
                recommendation,
                applied,
                changes,
            });
        }
    }

    pub(super) fn intents_on(
        &self,
        workload: &WorkloadRef,
        wanted: impl Fn(&super::state::IntentEntry) -> bool,
    ) -> Vec<Arc<Intent>> {
        self.state
            .intents
            .values()
            .filter(|entry| entry.intent.workload() == *workload && wanted(entry))
            .map(|entry| Arc::clone(&entry.intent))
            .collect()
    }
}

/// Whether two inventories differ in what admission goes by, other than how many pods there are and how large: what exists,
/// its labels and containers, who owns fields, quotas and autoscalers.
fn admits_otherwise(old: &Inventory, new: &Inventory) -> bool {
    let same = |a: &WorkloadState, b: &WorkloadState| {
        let names = |state: &WorkloadState| -> Vec<String> {
            let containers = state.allocation.containers.iter();
            containers.map(|container| container.name.clone()).collect()
        };
        a.labels == b.labels
            && a.owners == b.owners
            && a.quota == b.quota
            && a.allocation.autoscale == b.allocation.autoscale
            && names(a) == names(b)
    };
    old.workloads.len() != new.workloads.len()
        || old.workloads.iter().any(|(workload, state)| {
            new.workloads
                .get(workload)
                .is_none_or(|found| !same(state, found))
        })
}

/// Whether a field's owner is somebody whose field we leave alone.
fn is_foreign(owner: &FieldOwner, envelope: &Envelope) -> bool {
    match owner {
        FieldOwner::Ibn => false,
        FieldOwner::Manager(name) => envelope.yield_to.contains(name),
        FieldOwner::HorizontalPodAutoscaler(_)
        | FieldOwner::VerticalPodAutoscaler(_)
        | FieldOwner::ScaledObject(_) => true,
    }
}

/// Copies one field from one thing that is wanted to another of the same kind.
fn take_field(to: &mut Desired, field: &Field, from: &Desired) {
    match (to, from) {
        (Desired::Allocation(to), Desired::Allocation(from)) => to.take_field(field, from),
        (Desired::Quota(to), Desired::Quota(from)) => *to = *from,
        _ => {}
    }
}

/// A seed that differs for every run, workload and turn.
fn seed(run: u64, workload: &WorkloadRef, turn: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(
        workload.to_string().as_bytes(),
        run ^ turn.rotate_left(32),
    )
}
