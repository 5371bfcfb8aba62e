//! The life of an intent as a state machine.
//!
#![doc = include_str!("lifecycle.md")]

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::intent::{ConditionKind, ConditionStatus, IntentState, IntentStatus};

/// Something that happens to an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LifecycleEvent {
    /// Its spec was changed.
    Edited,
    /// Admission let it in: valid, free of blocking conflicts, and not known to be infeasible.
    Admitted,
    /// Admission found it invalid, or a conflict blocks it.
    Rejected,
    /// It cannot be met inside the limits.
    FoundInfeasible,
    /// What it orders was applied.
    Applied,
    /// Every expectation is met.
    Met,
    /// At least one expectation is not met.
    Missed,
    /// Its mode is `Suspended` now.
    Suspended,
    /// What was done for it was undone.
    Undone,
    /// A person changed a field that it holds.
    ManualChange,
    /// It may go on: its mode changed back, or a person took the manual change back or said so.
    Resumed,
    /// Its validity is over.
    Expired,
    /// It was deleted.
    Withdrawn,
}

impl LifecycleEvent {
    /// Every event, in the order of the table.
    pub const ALL: [Self; 13] = [
        Self::Edited,
        Self::Admitted,
        Self::Rejected,
        Self::FoundInfeasible,
        Self::Applied,
        Self::Met,
        Self::Missed,
        Self::Suspended,
        Self::Undone,
        Self::ManualChange,
        Self::Resumed,
        Self::Expired,
        Self::Withdrawn,
    ];

    /// The name as it is written, which is also the reason of the conditions that it sets.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edited => "Edited",
            Self::Admitted => "Admitted",
            Self::Rejected => "Rejected",
            Self::FoundInfeasible => "FoundInfeasible",
            Self::Applied => "Applied",
            Self::Met => "Met",
            Self::Missed => "Missed",
            Self::Suspended => "Suspended",
            Self::Undone => "Undone",
            Self::ManualChange => "ManualChange",
            Self::Resumed => "Resumed",
            Self::Expired => "Expired",
            Self::Withdrawn => "Withdrawn",
        }
    }

    /// The conditions that it speaks of, with what they become.
    #[must_use]
    pub fn conditions(self) -> &'static [(ConditionKind, ConditionStatus)] {
        use ConditionKind::{Accepted, Applied, Conflicting, Feasible, Fulfilled};
        use ConditionStatus::{False, True, Unknown};
        match self {
            Self::Edited => &[
                (Accepted, Unknown),
                (Feasible, Unknown),
                (Conflicting, Unknown),
                (Applied, False),
                (Fulfilled, Unknown),
            ],
            Self::Admitted => &[(Accepted, True)],
            Self::Rejected => &[(Accepted, False), (Fulfilled, Unknown)],
            Self::FoundInfeasible => &[(Accepted, True), (Feasible, False), (Fulfilled, Unknown)],
            Self::Applied => &[(Applied, True)],
            Self::Met => &[(Fulfilled, True)],
            Self::Missed => &[(Fulfilled, False)],
            Self::Undone | Self::ManualChange => &[(Applied, False), (Fulfilled, Unknown)],
            Self::Suspended | Self::Resumed => &[(Fulfilled, Unknown)],
            Self::Expired | Self::Withdrawn => &[(Applied, False), (Fulfilled, Unknown)],
        }
    }
}

impl fmt::Display for LifecycleEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An event that can't happen in a state; nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[error("an intent that is {} can't take the event {event}", state.as_str())]
pub struct IllegalTransition {
    /// The state.
    pub state: IntentState,
    /// The event.
    pub event: LifecycleEvent,
}

/// The state after `event`, for every state and every event.
///
/// ```
/// use ibn_core::intent::IntentState;
/// use ibn_core::lifecycle::{LifecycleEvent, next};
///
/// let admitted = next(IntentState::Received, LifecycleEvent::Admitted);
/// assert_eq!(admitted, Ok(IntentState::Accepted));
/// assert!(next(IntentState::Finished, LifecycleEvent::Resumed).is_err());
/// ```
///
/// # Errors
/// Where the event can't happen in the state; a late answer is to be ignored then.
pub fn next(state: IntentState, event: LifecycleEvent) -> Result<IntentState, IllegalTransition> {
    use IntentState::{
        Accepted, Degraded, Finished, Fulfilled, Infeasible, Overridden, Received, Rejected,
        Suspended,
    };
    use LifecycleEvent as E;
    let illegal = Err(IllegalTransition { state, event });
    if is_terminal(state) {
        return illegal;
    }
    match (state, event) {
        (_, E::Expired | E::Withdrawn) => Ok(Finished),
        // A new wording is looked at anew, whatever became of the old one.
        (_, E::Edited) => Ok(Received),
        (_, E::Suspended) => Ok(Suspended),

        (Received | Rejected | Infeasible, E::Admitted) => Ok(Accepted),
        (Accepted | Fulfilled | Degraded, E::Admitted) => Ok(state),
        (Received | Rejected | Infeasible | Accepted | Fulfilled | Degraded, E::Rejected) => {
            Ok(Rejected)
        }
        (
            Received | Rejected | Infeasible | Accepted | Fulfilled | Degraded,
            E::FoundInfeasible,
        ) => Ok(Infeasible),

        // An apply that was under way may land when the intent is already paused.
        (Accepted | Fulfilled | Degraded | Suspended | Overridden, E::Applied) => Ok(state),
        (Accepted | Fulfilled | Degraded, E::Met) => Ok(Fulfilled),
        (Accepted | Fulfilled | Degraded, E::Missed) => Ok(Degraded),

        (Accepted | Fulfilled | Degraded | Suspended | Overridden, E::Undone) => Ok(Suspended),
        (Accepted | Fulfilled | Degraded | Overridden, E::ManualChange) => Ok(Overridden),
        (Suspended | Overridden, E::Resumed) => Ok(Received),
        _ => illegal,
    }
}

/// Whether no event leads out of a state.
#[must_use]
pub fn is_terminal(state: IntentState) -> bool {
    state == IntentState::Finished
}

/// Every state, in the order of the table.
pub const STATES: [IntentState; 9] = [
    IntentState::Received,
    IntentState::Rejected,
    IntentState::Infeasible,
    IntentState::Accepted,
    IntentState::Fulfilled,
    IntentState::Degraded,
    IntentState::Suspended,
    IntentState::Overridden,
    IntentState::Finished,
];

impl IntentStatus {
    /// Moves on by `event` and sets the conditions that it speaks of; times move only where a condition changes.
    ///
    /// ```
    /// use ibn_core::intent::{ConditionKind, ConditionStatus, IntentState, IntentStatus};
    /// use ibn_core::lifecycle::LifecycleEvent;
    ///
    /// let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    /// let mut status = IntentStatus::default();
    /// status.advance(LifecycleEvent::Admitted, "no conflict", now).unwrap();
    /// assert_eq!(status.state, IntentState::Accepted);
    /// let accepted = status.condition(ConditionKind::Accepted).unwrap();
    /// assert_eq!(accepted.status, ConditionStatus::True);
    /// ```
    ///
    /// # Errors
    /// Where the event can't happen in this state; the status is as before.
    pub fn advance(
        &mut self,
        event: LifecycleEvent,
        message: &str,
        now: Timestamp,
    ) -> Result<IntentState, IllegalTransition> {
        self.state = next(self.state, event)?;
        for (kind, status) in event.conditions() {
            self.set_condition(*kind, *status, event.as_str(), message, now);
        }
        Ok(self.state)
    }
}

/// The table of transitions as Markdown, as it stands in the documentation of this module.
#[must_use]
pub fn transition_table() -> String {
    let mut table = String::from("| |");
    for state in STATES {
        table.push_str(&format!(" {} |", state.as_str()));
    }
    table.push_str("\n|---|");
    table.push_str(&"---|".repeat(STATES.len()));
    table.push('\n');
    for event in LifecycleEvent::ALL {
        table.push_str(&format!("| {event} |"));
        for state in STATES {
            match next(state, event) {
                Ok(after) if after == state => table.push_str(" = |"),
                Ok(after) => table.push_str(&format!(" {} |", after.as_str())),
                Err(_) => table.push_str(" – |"),
            }
        }
        table.push('\n');
    }
    table
}
