//! What the system writes into the status of intents.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Step;
use crate::assessment::{Assessment, ObjectiveAssessment};
use crate::decision::DecisionId;
use crate::guard::Desired;
use crate::intent::{Expectation, ExpectationStatus, Intent, IntentKey, IntentStatus, Objective};
use crate::lifecycle::LifecycleEvent;
use crate::units::{IndicatorValue, Unit};
use crate::workload::{WorkloadRef, WorkloadState};

impl Step<'_> {
    /// Writes what was achieved into the intents on a workload; saves where something that counts changed.
    pub(super) fn update_statuses(&mut self, workload: &WorkloadRef, assessment: &Assessment) {
        let now = self.now;
        let Some(state) = self.state.inventory.workloads.get(workload).cloned() else {
            return;
        };
        let behind = self.behind(workload);
        for intent in self.intents_on(workload, |entry| {
            entry.is_acting(now) || entry.is_advising(now)
        }) {
            let key = intent.key();
            let judged = assessment
                .intents
                .iter()
                .find(|judged| judged.intent == key);
            let mut status = intent.status.clone().unwrap_or_default();
            for (idx, expectation) in intent.spec.expectations.iter().enumerate() {
                let Some(entry) = status.expectations.get_mut(idx) else {
                    continue;
                };
                match expectation {
                    Expectation::Objective(objective) => {
                        let judged = judged.and_then(|judged| {
                            judged.objectives.iter().find(|o| o.expectation == idx)
                        });
                        judge_objective(entry, objective, judged, now);
                    }
                    Expectation::Directive(_) => {
                        let above = behind.get(&(key.clone(), idx));
                        judge_directive(entry, &state, above.map(String::as_str), now);
                    }
                }
            }
            advance_overall(&mut status, now);
            let counts = intent
                .status
                .as_ref()
                .is_none_or(|old| is_news(old, &status));
            if counts {
                self.change_status(&key, |old| *old = status);
            } else if let Some(entry) = self.state.intents.get_mut(&key) {
                // Numbers that moved a little are shown, but not worth a write.
                Arc::make_mut(&mut entry.intent).status = Some(status);
            }
        }
    }

    /// The directives on a workload that are not in force, each with what stands above it, in a sentence.
    fn behind(&self, workload: &WorkloadRef) -> BTreeMap<(IntentKey, usize), String> {
        let acting = self.intents_on(workload, |entry| entry.is_acting(self.now));
        let mut behind = BTreeMap::new();
        for holder in crate::conflict::holders(&acting).into_values() {
            let Some(winner) = acting.iter().find(|it| it.key() == holder.intent) else {
                continue;
            };
            for loser in holder.superseded {
                behind.insert((loser.intent, loser.expectation), above(winner));
            }
        }
        behind
    }

    /// Notes on the intents that a decision serves that it was applied.
    pub(super) fn note_applied_on_intents(
        &mut self,
        workload: &WorkloadRef,
        intents: &[IntentKey],
        decision: DecisionId,
        before: &Desired,
        applied: &Desired,
    ) {
        let now = self.now;
        let changes: Vec<String> = before
            .changes_to(applied)
            .iter()
            .map(ToString::to_string)
            .collect();
        let message = format!("{decision}: {}", changes.join(", "));
        let live = self.state.inventory.workloads.get(workload).cloned();
        let behind = self.behind(workload);
        for key in intents {
            let live = live.clone();
            self.change_status(key, |status| {
                status.last_decision = Some(decision);
                // An intent that was paused meanwhile keeps its state; the condition tells that it was applied.
                let _ = status.advance(LifecycleEvent::Applied, &message, now);
                if let Some(live) = live {
                    for (idx, entry) in status.expectations.iter_mut().enumerate() {
                        let above = behind.get(&(key.clone(), idx));
                        judge_directive(entry, &live, above.map(String::as_str), now);
                    }
                    advance_overall(status, now);
                }
            });
        }
    }
}

/// What stands above a directive that is not in force, and for how long.
fn above(winner: &Intent) -> String {
    let until = winner.spec.validity.and_then(|validity| validity.until);
    let key = winner.key();
    match until {
        Some(until) => format!("it stands back behind `{key}` until {until}"),
        None => format!("it stands back behind `{key}`"),
    }
}

fn judge_objective(
    entry: &mut ExpectationStatus,
    objective: &Objective,
    judged: Option<&ObjectiveAssessment>,
    now: jiff::Timestamp,
) {
    let achieved = judged.and_then(|judged| judged.achieved);
    let met = judged.and_then(|judged| judged.met);
    entry.achieved = achieved.and_then(|number| readable(number, objective.bound.value().unit()));
    entry.reason = match (met, &entry.achieved) {
        (Some(true), _) => String::new(),
        (Some(false), Some(achieved)) => format!("{objective} is wanted, {achieved} was measured"),
        (Some(false), None) => format!("{objective} is wanted"),
        (None, _) => "it can't be told: the signal is missing or stale".to_owned(),
    };
    if met == Some(true) && entry.achieved.is_none() {
        // An objective on requests is kept where none come.
        entry.achieved = Some("no requests".to_owned());
    }
    set_fulfilled(entry, met, now);
}

fn judge_directive(
    entry: &mut ExpectationStatus,
    state: &WorkloadState,
    above: Option<&str>,
    now: jiff::Timestamp,
) {
    let Some(resolved) = entry.resolved.as_ref().filter(|_| entry.hash.is_some()) else {
        return;
    };
    let met = resolved.matches(state);
    let mut live = Desired::live(state);
    let found = live.clone();
    resolved.write_to(&mut live);
    let missing: Vec<String> = found
        .changes_to(&live)
        .iter()
        .map(ToString::to_string)
        .collect();
    entry.achieved = Some(match above {
        _ if met => "as ordered".to_owned(),
        Some(_) => "not in force".to_owned(),
        None => format!("still to come: {}", missing.join(", ")),
    });
    entry.reason = match above {
        _ if met => String::new(),
        Some(above) => above.to_owned(),
        None => "not applied yet, or only in part".to_owned(),
    };
    set_fulfilled(entry, Some(met), now);
}

fn set_fulfilled(entry: &mut ExpectationStatus, met: Option<bool>, now: jiff::Timestamp) {
    if entry.fulfilled != met || entry.since.is_none() {
        entry.fulfilled = met;
        entry.since = Some(now);
    }
}

/// Lets the expectations together move the intent on, where they say something new.
fn advance_overall(status: &mut IntentStatus, now: jiff::Timestamp) {
    let Some(event) = overall(status) else { return };
    let message = match event {
        LifecycleEvent::Met => "every expectation is met".to_owned(),
        // Without the numbers, which change all the time: they stand beside the expectation.
        _ => format!(
            "{} of {} expectations are not met",
            missed(status),
            status.expectations.len()
        ),
    };
    // An intent that is paused is not moved by what is measured.
    let _ = status.advance(event, &message, now);
}

/// What the expectations together mean for the intent's life; `None` where it can't be told yet.
fn overall(status: &IntentStatus) -> Option<LifecycleEvent> {
    let expectations = &status.expectations;
    if expectations
        .iter()
        .any(|entry| entry.fulfilled == Some(false))
    {
        Some(LifecycleEvent::Missed)
    } else if expectations
        .iter()
        .all(|entry| entry.fulfilled == Some(true))
    {
        Some(LifecycleEvent::Met)
    } else {
        None
    }
}

fn missed(status: &IntentStatus) -> usize {
    status
        .expectations
        .iter()
        .filter(|entry| entry.fulfilled == Some(false))
        .count()
}

/// Whether a status differs in more than measured numbers.
fn is_news(old: &IntentStatus, new: &IntentStatus) -> bool {
    let essence = |status: &IntentStatus| {
        let fulfilled: Vec<_> = status
            .expectations
            .iter()
            .map(|entry| (entry.fulfilled, entry.resolved.clone()))
            .collect();
        (
            status.state,
            fulfilled,
            status.conditions.clone(),
            status.last_decision,
        )
    };
    essence(old) != essence(new)
}

/// Three significant digits are enough for a person, and keep a status from changing all the time.
fn readable(number: f64, unit: &Unit) -> Option<String> {
    if number == 0.0 {
        return Some(IndicatorValue::new(0.0, unit.clone())?.to_string());
    }
    let magnitude = number.abs().log10().floor();
    // Percent near 100 needs its nines.
    let digits = if *unit == Unit::Percent { 5.0 } else { 3.0 };
    let step = 10f64.powf(magnitude - digits + 1.0);
    let rounded = (number / step).round() * step;
    // Removes the noise of the binary representation, such as 0.17100000000000001.
    let text: f64 = format!("{rounded:.9}").parse().ok()?;
    Some(IndicatorValue::new(text, unit.clone())?.to_string())
}
