//! What `kubectl describe` tells of an intent beyond its status: how its state moved, and what was done for it.

use std::collections::BTreeMap;

use ibn_core::decision::{DecisionId, LedgerEntry, LedgerEvent, Reason};
use ibn_core::engine::{Notice, NoticeLevel};
use ibn_core::intent::{Intent, IntentKey, IntentState};

/// So many decisions are remembered for what becomes of them.
const REMEMBERED: usize = 256;

/// Makes notices of what is stored and put on record. Their reasons are the states of intents, `Applied` and `Undone`.
#[derive(Debug, Default)]
pub(super) struct Story {
    states: BTreeMap<IntentKey, IntentState>,
    serves: BTreeMap<DecisionId, Vec<IntentKey>>,
}

impl Story {
    /// A story that goes on from these intents.
    pub(super) fn new<'a>(intents: impl IntoIterator<Item = &'a Intent>) -> Self {
        let states = intents
            .into_iter()
            .map(|intent| (intent.key(), intent.state()));
        Self {
            states: states.collect(),
            serves: BTreeMap::new(),
        }
    }

    /// An intent was stored.
    pub(super) fn saved(&mut self, intent: &Intent) -> Option<Notice> {
        let state = intent.state();
        let before = self.states.insert(intent.key(), state);
        // What is only received is looked at in the same step.
        if before == Some(state) || state == IntentState::Received {
            return None;
        }
        let level = match state {
            IntentState::Degraded
            | IntentState::Overridden
            | IntentState::Infeasible
            | IntentState::Rejected => NoticeLevel::Warning,
            _ => NoticeLevel::Normal,
        };
        let conditions = intent.status.iter().flat_map(|status| &status.conditions);
        let newest = conditions
            .filter(|condition| !condition.message.is_empty())
            .max_by_key(|condition| condition.last_transition_time);
        let message = newest.map_or_else(String::new, |condition| condition.message.clone());
        Some(Notice {
            workload: Some(intent.workload()),
            intent: Some(intent.key()),
            level,
            reason: Reason::new(state.as_str(), message),
        })
    }

    /// An intent is over.
    pub(super) fn forgotten(&mut self, key: &IntentKey) {
        self.states.remove(key);
    }

    /// Something was put on record.
    pub(super) fn recorded(&mut self, entry: &LedgerEntry) -> Vec<Notice> {
        let (decision, level, reason) = match &entry.event {
            LedgerEvent::Decided(decision) => {
                self.serves.insert(decision.id, decision.intents.clone());
                while self.serves.len() > REMEMBERED {
                    self.serves.pop_first();
                }
                return Vec::new();
            }
            LedgerEvent::Applied(receipt) => {
                let changes: Vec<String> = receipt
                    .previous
                    .changes_to(&receipt.applied)
                    .iter()
                    .map(ToString::to_string)
                    .collect();
                let message = format!("{}: {}", receipt.decision, changes.join(", "));
                let reason = Reason::new("Applied", message);
                (receipt.decision, NoticeLevel::Normal, reason)
            }
            LedgerEvent::Undone {
                decision,
                by,
                reason,
            } => {
                let message = format!("{decision} was undone by {by}: {reason}");
                (
                    *decision,
                    NoticeLevel::Warning,
                    Reason::new("Undone", message),
                )
            }
            // The engine says so itself.
            LedgerEvent::Failed { .. } => return Vec::new(),
        };
        let intents = self.serves.get(&decision);
        intents
            .into_iter()
            .flatten()
            .map(|key| Notice {
                workload: None,
                intent: Some(key.clone()),
                level,
                reason: reason.clone(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use ibn_core::intent::IntentStatus;
    use ibn_core::lifecycle::LifecycleEvent;
    use ibn_core::workload::WorkloadRef;
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    #[test]
    fn a_state_is_told_when_it_is_another_one_with_what_led_to_it() {
        let web = WorkloadRef::deployment("acme", "web");
        let mut intent = Intent::new("fast", &web);
        let mut story = Story::default();
        assert_eq!(story.saved(&intent), None);
        let mut status = IntentStatus::default();
        let mut now = Timestamp::UNIX_EPOCH;
        let mut told = Vec::new();
        for (event, message) in [
            (LifecycleEvent::Admitted, "no conflict"),
            (LifecycleEvent::Missed, "1 of 1 expectations are not met"),
            (LifecycleEvent::Missed, "1 of 1 expectations are not met"),
            (LifecycleEvent::Met, "every expectation is met"),
        ] {
            status.advance(event, message, now).unwrap();
            intent.status = Some(status.clone());
            told.extend(story.saved(&intent));
            now += SignedDuration::from_secs(10);
        }
        let told: Vec<_> = told
            .iter()
            .map(|it| {
                (
                    it.level,
                    it.reason.code.as_str(),
                    it.reason.message.as_str(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (NoticeLevel::Normal, "Accepted", "no conflict"),
                (
                    NoticeLevel::Warning,
                    "Degraded",
                    "1 of 1 expectations are not met"
                ),
                (NoticeLevel::Normal, "Fulfilled", "every expectation is met"),
            ]
        );
        let mut later = Story::new([&intent]);
        assert_eq!(later.saved(&intent), None, "what is known is no news");
    }
}
