//! Intents coming, changing and going.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::Step;
use super::event::{Effect, NoticeLevel, Reply, Request, RequestId};
use super::state::{Ending, IntentEntry, PendingUndo, Restore, State, reason};
use crate::admission::{AdmissionContext, AdmissionOutcome};
use crate::conflict::{StandsBack, time_of_order};
use crate::intent::{
    ExpectationStatus, Intent, IntentKey, IntentState, IntentStatus, Mode, OnEnd, Setting,
};
use crate::lifecycle::LifecycleEvent;
use crate::observation::Signal;
use crate::prediction::Demand;
use crate::resolve::{carried_over, expectation_hash};
use crate::workload::WorkloadRef;
use crate::{Error, Result};

/// So many intents that couldn't be met are looked at again with one inventory; the others with the next ones.
const RECHECKED_AT_ONCE: usize = 16;

impl State {
    /// What `look` makes of all that admission decides on, as it is known at `now`.
    pub(super) fn in_admission_context<T>(
        &self,
        now: Timestamp,
        look: impl FnOnce(&AdmissionContext<'_>) -> T,
    ) -> T {
        let models: BTreeMap<_, _> = self
            .workloads
            .iter()
            .filter_map(|(workload, control)| {
                let model = control.assessment.as_ref()?.model.clone()?;
                let request_rate = control.history.back()?.value(&Signal::RequestRate)?;
                let demand = Demand {
                    request_rate,
                    arrival_cv2: 1.0,
                };
                Some((workload.clone(), (model, demand)))
            })
            .collect();
        let intents: Vec<Arc<Intent>> = self
            .intents
            .values()
            .filter(|entry| entry.ending.is_none() && entry.intent.state() != IntentState::Finished)
            .map(|entry| Arc::clone(&entry.intent))
            .collect();
        let mut context = AdmissionContext::new(now, &self.inventory);
        context.intents = &intents;
        context.guardrails = &self.guardrails;
        context.models = Some(&models);
        look(&context)
    }
}

impl Step<'_> {
    pub(super) fn request(&mut self, id: RequestId, request: Request) {
        match request {
            Request::Submit(intent) if self.state.inventory_at.is_none() => {
                self.state.waiting.push((id, intent));
                self.hurry();
            }
            Request::Submit(intent) => self.submit(Some(id), &intent),
            Request::Withdraw(key) => self.withdraw(id, &key),
            Request::SetMode(workload, mode) => self.set_mode(id, &workload, mode),
            Request::Approve(decision) => self.want_approval(id, decision),
            Request::Undo { receipt, cause } => {
                self.want_undo(PendingUndo {
                    request: Some(id),
                    receipt: Arc::new(*receipt),
                    cause,
                });
            }
        }
    }

    /// Takes up what waited for an inventory, or says that there is none.
    pub(super) fn take_waiting(&mut self, failure: Option<&Error>) {
        for (id, intent) in std::mem::take(&mut self.state.waiting) {
            match failure {
                None => self.submit(Some(id), &intent),
                Some(error) => self.push(Effect::Reply(id, Box::new(Reply::Failed(error.clone())))),
            }
        }
    }

    /// What admission says of an intent at this instant.
    fn admit(&self, intent: &Intent) -> AdmissionOutcome {
        self.state.in_admission_context(self.now, |context| {
            self.engine.admission.review(intent, context)
        })
    }

    pub(super) fn submit(&mut self, request: Option<RequestId>, intent: &Intent) {
        let mut intent = intent.clone();
        let key = intent.key();
        let existing = self
            .state
            .intents
            .get(&key)
            .map(|entry| Arc::clone(&entry.intent));
        let known = existing.filter(|existing| existing.state() != IntentState::Finished);
        match &known {
            Some(known) => {
                let changed = known.spec != intent.spec;
                intent.metadata.uid.clone_from(&known.metadata.uid);
                intent.metadata.creation_timestamp = known.metadata.creation_timestamp;
                // What is known of it here is newer than what came along.
                intent.status = None;
                let next = known
                    .metadata
                    .generation
                    .map(|generation| generation + i64::from(changed));
                // Where somebody else counts as well, several edits may have come as one.
                intent.metadata.generation = next.max(intent.metadata.generation);
            }
            None => {
                self.state.next_version += 1;
                if intent.metadata.uid.is_none() {
                    let text = format!(
                        "{}/{}/{}",
                        self.engine.config.seed, key, self.state.next_version
                    );
                    intent.metadata.uid = Some(format!(
                        "{:032x}",
                        xxhash_rust::xxh3::xxh3_128(text.as_bytes())
                    ));
                }
                intent.metadata.generation.get_or_insert(1);
                intent.metadata.creation_timestamp.get_or_insert(self.now);
            }
        }
        let outcome = self.admit(&intent);
        let stored = match &outcome {
            AdmissionOutcome::Accepted(_) => true,
            AdmissionOutcome::Infeasible { .. } => request.is_some(),
            AdmissionOutcome::Rejected { .. } => false,
        };
        if stored {
            intent.status = Some(self.first_status(&intent, known.as_deref(), &outcome));
            self.put(intent, None);
            if outcome.accepted().is_some() {
                self.resolve(&key);
                self.hurry();
            }
            if request.is_some() {
                self.circumstances_changed();
                self.state.recheck.remove(&key);
            }
        }
        if request.is_none() {
            let (level, code) = match &outcome {
                AdmissionOutcome::Accepted(_) => (NoticeLevel::Warning, "CorrectiveIntent"),
                _ => (NoticeLevel::Normal, "CorrectiveIntentRefused"),
            };
            let entry = self.state.intents.get(&key);
            let cause = entry.and_then(|entry| entry.intent.spec.origin.as_ref()?.cause.clone());
            let workload = entry.map(|entry| entry.intent.workload());
            self.notify(
                level,
                workload.as_ref(),
                Some(&key),
                reason(code, cause.unwrap_or_else(|| outcome.summary())),
            );
        }
        if let Some(request) = request {
            self.push(Effect::Reply(
                request,
                Box::new(Reply::Submitted(key, Box::new(outcome))),
            ));
        }
    }

    /// The status of an intent that was just looked at; what is known of an older wording of it stays known.
    fn first_status(
        &self,
        intent: &Intent,
        known: Option<&Intent>,
        outcome: &AdmissionOutcome,
    ) -> IntentStatus {
        let now = self.now;
        let mut status = known
            .and_then(|known| known.status.clone())
            .unwrap_or_default();
        status.observed_generation = intent.metadata.generation;
        let workload = intent.workload();
        let here = self.state.intents.values().map(|entry| &*entry.intent);
        let here = here.filter(|other| other.workload() == workload);
        status.expectations = carried_over(intent, known, time_of_order(now, here));
        // Each of these is allowed in every state that a known intent can have here.
        let _ = status.advance(LifecycleEvent::Edited, "the spec was changed", now);
        let _ = outcome.write_to(&mut status, now);
        if intent.spec.mode() == Mode::Suspended {
            let _ = status.advance(LifecycleEvent::Suspended, "the mode is Suspended", now);
        }
        status
    }

    /// Keeps an intent and sends it to the store.
    fn put(&mut self, intent: Intent, ending: Option<Ending>) {
        self.state.next_version += 1;
        let version = self.state.next_version;
        let intent = Arc::new(intent);
        let key = intent.key();
        let old = self.state.intents.remove(&key);
        let resolved = intent
            .status
            .as_ref()
            .is_some_and(IntentStatus::is_resolved);
        let entry = IntentEntry {
            intent: Arc::clone(&intent),
            version,
            saved: old.as_ref().map_or(0, |old| old.saved),
            resolved_in: resolved.then(|| {
                old.as_ref()
                    .and_then(|old| old.resolved_in)
                    .unwrap_or(version)
            }),
            ending: ending.or(old.and_then(|old| old.ending)),
        };
        self.state.intents.insert(key, entry);
        self.push(Effect::SaveIntent(intent, version));
    }

    /// Changes an intent's status and saves it.
    pub(super) fn change_status(
        &mut self,
        key: &IntentKey,
        change: impl FnOnce(&mut IntentStatus),
    ) {
        let Some(entry) = self.state.intents.get(key) else {
            return;
        };
        let mut intent = (*entry.intent).clone();
        let mut status = intent.status.take().unwrap_or_default();
        change(&mut status);
        if entry.intent.status.as_ref() == Some(&status) {
            return;
        }
        intent.status = Some(status);
        self.put(intent, None);
    }

    /// Lets an event of its life happen to an intent; nothing where the event doesn't fit its state.
    pub(super) fn change_state(&mut self, key: &IntentKey, event: LifecycleEvent, message: &str) {
        let now = self.now;
        self.change_status(key, |status| {
            // A late answer that doesn't fit the state any more changes nothing.
            let _ = status.advance(event, message, now);
        });
    }

    pub(super) fn intent_saved(&mut self, key: &IntentKey, version: u64, result: Result<()>) {
        let Some(entry) = self.state.intents.get_mut(key) else {
            return;
        };
        match result {
            Ok(()) => {
                let was_on_record = entry.is_on_record();
                entry.saved = entry.saved.max(version);
                if !was_on_record && entry.is_on_record() {
                    self.hurry();
                }
            }
            Err(error) => {
                let message = format!("the intent is not followed until it is stored: {error}");
                self.notify(
                    NoticeLevel::Warning,
                    None,
                    Some(key),
                    reason("StoreFailed", message),
                );
            }
        }
    }

    /// Sends again what the store hasn't confirmed.
    pub(super) fn retry_saves(&mut self) {
        let unsaved: Vec<_> = self
            .state
            .intents
            .values()
            .filter(|entry| entry.saved < entry.version)
            .map(|entry| Effect::SaveIntent(Arc::clone(&entry.intent), entry.version))
            .collect();
        self.effects.extend(unsaved);
    }

    /// Gives directives that have begun their absolute values, once.
    pub(super) fn resolve_begun(&mut self, workload: &WorkloadRef) {
        let now = self.now;
        for intent in self.intents_on(workload, |entry| {
            entry.is_acting(now) && entry.resolved_in.is_none()
        }) {
            self.resolve(&intent.key());
        }
    }

    /// Gives an intent's directives their absolute values from live state, each once, and saves them.
    fn resolve(&mut self, key: &IntentKey) {
        let now = self.now;
        let Some(entry) = self.state.intents.get(key) else {
            return;
        };
        if !entry.is_acting(now) {
            return;
        }
        let intent = Arc::clone(&entry.intent);
        let Some(state) = self.state.inventory.workloads.get(&intent.workload()) else {
            return;
        };
        let uid = intent.metadata.uid.clone().unwrap_or_default();
        let mut resolved = Vec::new();
        for (idx, directive) in intent.spec.directives() {
            let Some(hash) = expectation_hash(&uid, &intent.spec.expectations, idx) else {
                continue;
            };
            let known = intent
                .status
                .as_ref()
                .and_then(|status| status.expectations.get(idx));
            if known.is_some_and(|known| {
                known.hash.as_deref() == Some(hash.as_str()) && known.resolved.is_some()
            }) {
                continue;
            }
            match crate::resolve::resolve_directive(directive, state) {
                Ok(setting) => {
                    let previous = Setting::from_live(state, &setting);
                    resolved.push((idx, hash, setting, previous));
                }
                Err(why) => {
                    let message = why.to_string();
                    self.change_state(key, LifecycleEvent::FoundInfeasible, &message);
                    self.notify(
                        NoticeLevel::Warning,
                        Some(&intent.workload()),
                        Some(key),
                        reason("Infeasible", message),
                    );
                    return;
                }
            }
        }
        // An objective that is to be undone at its end: what was there before it.
        let before: Vec<usize> = match intent.spec.on_end {
            Some(OnEnd::Restore) => intent.spec.objectives().map(|(idx, _)| idx).collect(),
            _ => Vec::new(),
        };
        let allocation = Setting::of_allocation(&state.allocation);
        if !resolved.is_empty() || !before.is_empty() {
            self.change_status(key, |status| {
                for idx in before {
                    if let Some(expectation) = status.expectations.get_mut(idx) {
                        let previous = &mut expectation.previous;
                        previous.get_or_insert_with(|| allocation.clone());
                    }
                }
                for (idx, hash, setting, previous) in resolved {
                    if let Some(expectation) = status.expectations.get_mut(idx) {
                        expectation.hash = Some(hash);
                        expectation.previous = Some(
                            match (expectation.previous.take(), expectation.resolved.take()) {
                                (Some(known), Some(earlier)) => previous.keeping(&known, &earlier),
                                _ => previous,
                            },
                        );
                        expectation.resolved = Some(setting);
                    }
                }
            });
        }
        self.finish_superseded(&intent.workload());
    }

    /// An intent that only ordered what the same author has since ordered otherwise is over; not so where the newer order has an
    /// end and gives back what it took: then the older one is in force again.
    fn finish_superseded(&mut self, workload: &WorkloadRef) {
        let acting = self.intents_on(workload, |entry| entry.is_acting(self.now));
        let holders = crate::conflict::holders(&acting);
        let mut stands_back: BTreeMap<IntentKey, IntentKey> = BTreeMap::new();
        for holder in holders.values() {
            for loser in holder
                .superseded
                .iter()
                .filter(|loser| loser.why == StandsBack::Superseded)
                .filter(|_| {
                    !acting
                        .iter()
                        .any(|it| it.key() == holder.intent && gives_back(it))
                })
            {
                stands_back.insert(loser.intent.clone(), holder.intent.clone());
            }
        }
        for (older, newer) in stands_back {
            let still_holds = holders.values().any(|holder| holder.intent == older);
            let wants_more = acting
                .iter()
                .find(|intent| intent.key() == older)
                .is_some_and(|intent| {
                    intent.spec.objectives().next().is_some() || !intent.spec.constraints.is_empty()
                });
            if !still_holds && !wants_more {
                let message = format!("superseded by `{newer}`");
                self.change_state(&older, LifecycleEvent::Withdrawn, &message);
            }
        }
    }

    /// Intents, limits or the cluster have changed: what couldn't be met may be met now, and is looked at again.
    ///
    /// Not so where an amount is relative: it was said of what was live then, and isn't followed at some later time.
    pub(super) fn circumstances_changed(&mut self) {
        for control in self.state.workloads.values_mut() {
            control.refused = None;
        }
        let waits = |entry: &IntentEntry| {
            matches!(
                entry.intent.state(),
                IntentState::Infeasible | IntentState::Rejected
            ) && entry.ending.is_none()
                && entry.intent.spec.mode() != Mode::Suspended
                && !entry
                    .intent
                    .spec
                    .directives()
                    .any(|(_, directive)| directive.is_relative())
        };
        let waiting: Vec<IntentKey> = self
            .state
            .intents
            .iter()
            .filter(|(_, entry)| waits(entry))
            .map(|(key, _)| key.clone())
            .collect();
        self.state.recheck.extend(waiting);
    }

    /// Puts the next few of the intents that couldn't be met through admission again.
    pub(super) fn recheck(&mut self) {
        for _ in 0..RECHECKED_AT_ONCE {
            let Some(key) = self.state.recheck.pop_first() else {
                return;
            };
            let Some(entry) = self.state.intents.get(&key) else {
                continue;
            };
            if !matches!(
                entry.intent.state(),
                IntentState::Infeasible | IntentState::Rejected
            ) {
                continue;
            }
            let intent = Arc::clone(&entry.intent);
            let outcome = self.admit(&intent);
            let now = self.now;
            self.change_status(&key, |status| {
                let _ = outcome.write_to(status, now);
            });
            if outcome.accepted().is_some() {
                self.notify(
                    NoticeLevel::Normal,
                    Some(&intent.workload()),
                    Some(&key),
                    reason("FeasibleNow", "what stood against it is gone"),
                );
                self.resolve(&key);
                self.hurry();
            }
        }
    }

    /// Puts an intent that may go on through admission again.
    fn look_again(&mut self, key: &IntentKey) {
        let Some(entry) = self.state.intents.get(key) else {
            return;
        };
        if entry.intent.state() != IntentState::Received {
            return;
        }
        let intent = Arc::clone(&entry.intent);
        let outcome = self.admit(&intent);
        let now = self.now;
        self.change_status(key, |status| {
            let _ = outcome.write_to(status, now);
        });
        self.resolve(key);
    }

    fn withdraw(&mut self, request: RequestId, key: &IntentKey) {
        let Some(entry) = self.state.intents.get_mut(key) else {
            let error = Error::not_found(format!("intent `{key}`"));
            self.push(Effect::Reply(request, Box::new(Reply::Failed(error))));
            return;
        };
        let mut intent = (*entry.intent).clone();
        intent.metadata.deletion_timestamp = Some(self.now);
        self.put(intent, Some(Ending::Withdrawn));
        self.begin_ending(key, LifecycleEvent::Withdrawn);
        self.circumstances_changed();
        self.push(Effect::Reply(
            request,
            Box::new(Reply::Touched(vec![key.clone()])),
        ));
    }

    fn set_mode(&mut self, request: RequestId, workload: &WorkloadRef, mode: Mode) {
        let touched = self.intents_on(workload, |entry| {
            entry.ending.is_none() && entry.intent.state() != IntentState::Finished
        });
        let mut keys = Vec::new();
        for intent in touched {
            let mut patched = (*intent).clone();
            patched.spec.mode = Some(mode);
            patched.metadata.generation =
                patched.metadata.generation.map(|generation| generation + 1);
            self.put(patched, None);
            let event = if mode == Mode::Suspended {
                LifecycleEvent::Suspended
            } else {
                LifecycleEvent::Resumed
            };
            let message = format!("the mode is {mode:?}");
            self.change_state(&intent.key(), event, &message);
            if mode != Mode::Suspended {
                self.look_again(&intent.key());
            }
            keys.push(intent.key());
        }
        if mode == Mode::Enforce
            && let Some(control) = self.state.workloads.get_mut(workload)
        {
            // What was changed by hand meanwhile is ours again.
            control.written.clear();
        }
        self.circumstances_changed();
        self.hurry();
        self.push(Effect::Reply(request, Box::new(Reply::Touched(keys))));
    }

    /// Ends what has expired and gives values to what has begun.
    pub(super) fn begin_and_end_by_time(&mut self) {
        let now = self.now;
        if self.state.inventory_at.is_none() {
            // What is to be put back can't be told before it is known what is live.
            return;
        }
        let expired: Vec<IntentKey> = self
            .state
            .intents
            .values()
            .filter(|entry| {
                entry.ending.is_none()
                    && entry.intent.state() != IntentState::Finished
                    && entry
                        .intent
                        .spec
                        .validity
                        .is_some_and(|validity| validity.is_over(now))
            })
            .map(|entry| entry.intent.key())
            .collect();
        let any = !expired.is_empty();
        for key in expired {
            self.begin_ending(&key, LifecycleEvent::Expired);
        }
        if any {
            self.circumstances_changed();
        }
    }

    /// Goes on with what was ending when the process before this one stopped, or when its workload went.
    pub(super) fn resume_endings(&mut self) {
        let begun: Vec<&IntentKey> = self
            .state
            .workloads
            .values()
            .flat_map(|control| control.restores.iter().map(|restore| &restore.intent))
            .collect();
        let halted: Vec<(IntentKey, LifecycleEvent)> = self
            .state
            .intents
            .iter()
            .filter(|(key, _)| !begun.contains(key))
            .filter_map(|(key, entry)| {
                let event = match entry.ending? {
                    Ending::Withdrawn => LifecycleEvent::Withdrawn,
                    Ending::Expired => LifecycleEvent::Expired,
                };
                Some((key.clone(), event))
            })
            .collect();
        for (key, event) in halted {
            self.begin_ending(&key, event);
        }
    }

    /// Queues what an ending intent has to put back, or finishes it at once.
    pub(super) fn begin_ending(&mut self, key: &IntentKey, event: LifecycleEvent) {
        let Some(entry) = self.state.intents.get_mut(key) else {
            return;
        };
        entry.ending = Some(if event == LifecycleEvent::Withdrawn {
            Ending::Withdrawn
        } else {
            Ending::Expired
        });
        let intent = Arc::clone(&entry.intent);
        self.pass_on_previous(&intent);
        let is_applied = !self.engine.config.advise_only;
        let previous: Vec<Restore> = match (intent.spec.on_end(), &intent.status) {
            (OnEnd::Restore, Some(status)) if is_applied => {
                restores(key, &status.expectations).collect()
            }
            _ => Vec::new(),
        };
        let workload = intent.workload();
        if previous.is_empty() || !self.state.inventory.workloads.contains_key(&workload) {
            self.finish_ending(key);
            return;
        }
        let control = self.state.workloads.entry(workload).or_default();
        control.restores.extend(previous);
        self.hurry();
    }

    /// An order that ends while another one stands above it leaves to that one what was there before it: its own value is no longer
    /// anything to go back to.
    fn pass_on_previous(&mut self, ending: &Intent) {
        if ending.spec.on_end() != OnEnd::Restore {
            return;
        }
        let left: Vec<(Setting, Setting)> = ending
            .status
            .iter()
            .flat_map(|status| &status.expectations)
            .filter_map(|entry| Some((entry.resolved.clone()?, entry.previous.clone()?)))
            .collect();
        if left.is_empty() {
            return;
        }
        let now = self.now;
        for above in self.intents_on(&ending.workload(), |entry| entry.is_acting(now)) {
            if above.spec.on_end() != OnEnd::Restore {
                continue;
            }
            self.change_status(&above.key(), |status| {
                for entry in &mut status.expectations {
                    for (value, before) in &left {
                        if let Some(previous) = &mut entry.previous {
                            previous.replace(value, before);
                        }
                    }
                }
            });
        }
    }

    /// Nothing is left to put back.
    pub(super) fn finish_ending(&mut self, key: &IntentKey) {
        for control in self.state.workloads.values_mut() {
            control.restores.retain(|restore| restore.intent != *key);
        }
        let Some(entry) = self.state.intents.get(key) else {
            return;
        };
        match entry.ending {
            Some(Ending::Withdrawn) => {
                self.state.intents.remove(key);
                self.push(Effect::ForgetIntent(key.clone()));
            }
            Some(Ending::Expired) => {
                self.change_state(key, LifecycleEvent::Expired, "its validity is over");
                if let Some(entry) = self.state.intents.get_mut(key) {
                    entry.ending = None;
                }
            }
            None => {}
        }
    }
}

/// Whether what an intent orders is there for a time only, and what it took goes back then.
fn gives_back(intent: &Intent) -> bool {
    let has_end = intent.spec.validity.is_some_and(|it| it.until.is_some());
    has_end && intent.spec.on_end() == OnEnd::Restore
}

/// What goes back where an intent's changes are to be restored.
fn restores<'a>(
    key: &'a IntentKey,
    expectations: &'a [ExpectationStatus],
) -> impl Iterator<Item = Restore> + 'a {
    expectations.iter().filter_map(|expectation| {
        Some(Restore {
            intent: key.clone(),
            ordered: expectation.resolved.clone(),
            previous: expectation.previous.clone()?,
        })
    })
}
