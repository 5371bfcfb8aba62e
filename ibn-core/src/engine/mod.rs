//! The control engine: events in, effects out, and nothing else.
//!
//! [`Engine::step`] is a pure function of the state, the event and the instant. A turn of a workload is
//! a chain of effects and the events that answer them:
//!
//! ```text
//! Tick ─► TakeInventory ─► Observe ─► Assess ─► Recommend ─► (guard) ─► Record ─► Apply ─► Record
//! ```
//!
//! Every workload goes through its own chain. A turn never waits for another one: what doesn't answer
//! in time is given up at the next tick, and the other workloads have gone on meanwhile. The driver may
//! carry out effects in any order; what comes late is taken in as what it is (a receipt is always
//! recorded) or ignored (an observation of an older turn).
//!
//! Invariants:
//! - nothing is applied whose decision isn't in the ledger, and no directive is followed whose absolute
//!   value isn't in the store;
//! - nothing is applied that the guard didn't approve on what is live and in force at that moment;
//! - a failure changes nothing, and is said aloud.

mod apply;
mod config;
mod event;
mod intents;
mod state;
mod status;
mod turn;

use jiff::Timestamp;

pub use config::{EngineConfig, Observe};
pub use event::{Effect, Event, Notice, NoticeLevel, Reply, Request, RequestId, TurnId};
pub use state::State;

use crate::admission::{Admission, WhatIf};
use crate::decision::Reason;
use crate::guard::Guard;
use crate::intent::{Intent, IntentKey};
use crate::workload::WorkloadRef;

/// The rules of control. It has no memory of its own: that is the [`State`].
///
/// ```
/// use ibn_core::engine::{Effect, Engine, EngineConfig, Event, State};
///
/// let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
/// let engine = Engine::new(EngineConfig::default(), ibn_core::admission::Admission::without_twin());
/// let mut state = State::new(now);
/// let effects = engine.step(&mut state, Event::Tick, now);
/// assert!(matches!(effects.as_slice(), [Effect::TakeInventory(_)]));
/// assert!(engine.step(&mut state, Event::Tick, now).is_empty()); // it is already under way
/// ```
#[derive(Debug, Clone)]
pub struct Engine {
    config: EngineConfig,
    admission: Admission,
    guard: Guard,
}

impl Engine {
    /// An engine with these settings and this admission.
    #[must_use]
    pub fn new(config: EngineConfig, admission: Admission) -> Self {
        Self {
            config,
            admission,
            guard: Guard,
        }
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Takes in one event at `now` and says what is to be done, in order.
    ///
    /// `now` may not go back; an earlier instant is read as it is and delays what is due.
    #[must_use = "effects that are dropped are never carried out"]
    pub fn step(&self, state: &mut State, event: Event, now: Timestamp) -> Vec<Effect> {
        let mut step = Step {
            engine: self,
            state,
            now,
            effects: Vec::new(),
        };
        match event {
            Event::Tick => step.tick(),
            Event::Request(id, request) => step.request(id, request),
            Event::GuardrailsChanged(guardrails) => {
                step.state.guardrails = guardrails;
                step.circumstances_changed();
                step.hurry();
            }
            Event::InventoryTaken(turn, result) => step.inventory_taken(turn, result),
            Event::Observed(turn, workload, result) => step.observed(turn, &workload, result),
            Event::Assessed(turn, workload, result) => step.assessed(turn, &workload, result),
            Event::Recommended(turn, workload, result) => step.recommended(turn, &workload, result),
            Event::Recorded(decision, result) => step.recorded(decision, result),
            Event::RecordFailed(entry, error) => step.record_failed(*entry, &error),
            Event::Applied(decision, result) => step.applied(decision, result),
            Event::IntentSaved(key, version, result) => step.intent_saved(&key, version, result),
            // Kept by whoever reports; the engine decides nothing by it.
            Event::Learned(..) => {}
        }
        step.effects
    }

    /// What would become of an intent if it were submitted at `now`; changes nothing.
    #[must_use]
    pub fn preview(&self, state: &State, intent: &Intent, now: Timestamp) -> WhatIf {
        let standing = state.standing(&intent.workload(), now).unwrap_or_default();
        state.in_admission_context(now, |context| {
            self.admission.what_if(intent, context, &standing)
        })
    }
}

/// One call of [`Engine::step`].
struct Step<'a> {
    engine: &'a Engine,
    state: &'a mut State,
    now: Timestamp,
    effects: Vec<Effect>,
}

impl Step<'_> {
    fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn notify(
        &mut self,
        level: NoticeLevel,
        workload: Option<&WorkloadRef>,
        intent: Option<&IntentKey>,
        reason: Reason,
    ) {
        self.push(Effect::Notify(Notice {
            workload: workload.cloned(),
            intent: intent.cloned(),
            level,
            reason,
        }));
    }

    fn deadline(&self) -> Timestamp {
        self.after(self.engine.config.timeout)
    }

    /// The instant so long from now, at the end of time where it would lie beyond.
    fn after(&self, duration: std::time::Duration) -> Timestamp {
        jiff::SignedDuration::try_from(duration)
            .ok()
            .and_then(|duration| self.now.checked_add(duration).ok())
            .unwrap_or(Timestamp::MAX)
    }

    /// Something changed that shouldn't wait for the next control period.
    fn hurry(&mut self) {
        self.state.next_inventory_at = self.state.next_inventory_at.min(self.now);
    }

    fn tick(&mut self) {
        self.give_up_overdue();
        self.begin_and_end_by_time();
        if self.state.taking_inventory.is_none() && self.state.next_inventory_at <= self.now {
            let turn = self.state.new_turn();
            self.state.taking_inventory = Some(state::Pending {
                id: turn,
                until: self.deadline(),
            });
            // A fixed grid, so that a slow turn doesn't shift the later ones; what was missed is not caught up on.
            let period = self.engine.config.control_period;
            let next = jiff::SignedDuration::try_from(period)
                .ok()
                .and_then(|period| self.state.next_inventory_at.checked_add(period).ok())
                .filter(|next| *next > self.now);
            self.state.next_inventory_at = next.unwrap_or_else(|| self.after(period));
            self.push(Effect::TakeInventory(turn));
        }
    }
}
