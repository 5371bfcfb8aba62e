//! The driver in virtual time: one effect after the other, as fast as the machine can.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::executor::block_on;
use ibn_core::engine::{Effect, Engine, Event, Reply, Request, RequestId, State};
use ibn_core::guardrail::Guardrail;
use ibn_core::roles::VirtualClock;
use jiff::{SignedDuration, Timestamp};

use crate::roles::{Happening, Listener, Roles};

/// Whatever moves with virtual time beside the engine, such as a simulated cluster.
pub trait World: Send {
    /// Lets time go on to `now`. Never called with an earlier instant than before.
    fn advance_to(&mut self, now: Timestamp);
}

/// A world without a life of its own.
impl World for () {
    fn advance_to(&mut self, _: Timestamp) {}
}

/// Drives an engine in virtual time.
///
/// Deterministic: with the same engine, state, roles and world, the same calls lead to the same events
/// and effects in the same order. Roles must answer without waiting for anything but their own work.
pub struct VirtualDriver<W> {
    engine: Engine,
    state: State,
    roles: Roles,
    clock: Arc<VirtualClock>,
    world: W,
    now: Timestamp,
    next_request: u64,
    listeners: Vec<Box<dyn Listener>>,
    replies: Vec<(RequestId, Reply)>,
}

/// So many rounds at one instant are no turn any more but a loop; time is then moved on.
const ROUNDS_AT_ONE_INSTANT: u32 = 1_000;

impl<W: World> VirtualDriver<W> {
    /// A driver that begins at `now`.
    #[must_use]
    pub fn new(engine: Engine, state: State, roles: Roles, world: W, now: Timestamp) -> Self {
        Self {
            engine,
            state,
            roles,
            clock: Arc::new(VirtualClock::new(now)),
            world,
            now,
            next_request: 1,
            listeners: Vec::new(),
            replies: Vec::new(),
        }
    }

    /// Adds somebody who hears everything from now on.
    pub fn listen(&mut self, listener: impl Listener + 'static) {
        self.listeners.push(Box::new(listener));
    }

    /// The clock that shows this driver's time.
    #[must_use]
    pub fn clock(&self) -> Arc<VirtualClock> {
        Arc::clone(&self.clock)
    }

    /// The instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The engine's state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> &W {
        &self.world
    }

    /// The world, to disturb it.
    pub fn world_mut(&mut self) -> &mut W {
        &mut self.world
    }

    /// The roles.
    #[must_use]
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// Puts guardrails in force.
    pub fn set_guardrails(&mut self, guardrails: Vec<Guardrail>) {
        self.feed(Event::GuardrailsChanged(guardrails));
    }

    /// Asks for something at this instant. The reply may come at once or in a later turn ([`VirtualDriver::take_reply`]).
    pub fn request(&mut self, request: Request) -> RequestId {
        let id = RequestId(self.next_request);
        self.next_request += 1;
        self.feed(Event::Request(id, request));
        id
    }

    /// Takes the reply to a request, where it has come.
    pub fn take_reply(&mut self, id: RequestId) -> Option<Reply> {
        let position = self.replies.iter().position(|(of, _)| *of == id)?;
        Some(self.replies.remove(position).1)
    }

    /// Lets time go on to `until`, with every turn that is due on the way.
    pub fn run_until(&mut self, until: Timestamp) {
        let mut rounds = 0;
        loop {
            let wake = self.state.next_wake().max(self.now);
            if wake > until {
                break;
            }
            rounds = if wake > self.now { 0 } else { rounds + 1 };
            let wake = if rounds > ROUNDS_AT_ONE_INSTANT {
                self.a_second_after(wake).min(until)
            } else {
                wake
            };
            self.advance(wake);
            self.feed(Event::Tick);
            if rounds > ROUNDS_AT_ONE_INSTANT && self.now >= until {
                break;
            }
        }
        self.advance(until);
    }

    fn a_second_after(&self, instant: Timestamp) -> Timestamp {
        instant
            .checked_add(SignedDuration::from_secs(1))
            .unwrap_or(Timestamp::MAX)
    }

    fn advance(&mut self, to: Timestamp) {
        while self.now < to {
            // Whole seconds in between are stations, so that the world goes the same steps whoever asks for how much.
            self.now = next_second(self.now).min(to);
            self.world.advance_to(self.now);
            self.clock.set(self.now);
        }
    }

    /// Tells the engine something and carries out all that follows from it at this instant.
    pub fn feed(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for listener in &mut self.listeners {
                listener.hear(self.now, Happening::Event(&event));
            }
            for effect in self.engine.step(&mut self.state, event, self.now) {
                for listener in &mut self.listeners {
                    listener.hear(self.now, Happening::Effect(&effect));
                }
                events.extend(self.carry_out(effect));
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        let roles = &self.roles;
        match effect {
            Effect::Reply(id, reply) => {
                self.replies.push((id, *reply));
                None
            }
            Effect::Notify(_) => None,
            Effect::SaveIntent(intent, version) => Some(Event::IntentSaved(
                intent.key(),
                version,
                block_on(roles.intents.put(&intent)),
            )),
            Effect::ForgetIntent(key) => {
                // An intent that stays in the store by mistake is ended again after the next start.
                let _ = block_on(roles.intents.delete(&key));
                None
            }
            Effect::TakeInventory(turn) => Some(Event::InventoryTaken(
                turn,
                block_on(roles.orchestrator.inventory()),
            )),
            Effect::Observe(turn, workload, window) => {
                let observed = block_on(
                    roles
                        .monitor
                        .observe(std::slice::from_ref(&workload), window),
                );
                let observation = crate::live::only_one(observed, &workload);
                Some(Event::Observed(turn, workload, observation))
            }
            Effect::Assess(turn, workload, input) => {
                let assessment = roles.assessor.assess(&input);
                Some(Event::Assessed(turn, workload, Ok(assessment)))
            }
            Effect::Recommend(turn, workload, situation) => {
                let recommendation = roles.recommenders.recommend(&situation);
                Some(Event::Recommended(turn, workload, Ok(recommendation)))
            }
            Effect::Learn(workload, experience) => {
                let report = roles.recommenders.learn(&workload, &experience)?;
                Some(Event::Learned(workload, report))
            }
            Effect::Demote(workload, cause) => {
                roles.recommenders.demote(&workload, &cause);
                None
            }
            Effect::Record(entry) => {
                let recorded = block_on(roles.ledger.append(&entry));
                crate::live::answer_to_record(&entry, recorded)
            }
            Effect::Apply(plan) => {
                let decision = plan.decision();
                Some(Event::Applied(
                    decision,
                    block_on(roles.orchestrator.apply(*plan)),
                ))
            }
        }
    }
}

/// The first whole second after an instant.
fn next_second(instant: Timestamp) -> Timestamp {
    let begun = instant.as_nanosecond().div_euclid(1_000_000_000);
    i64::try_from(begun + 1)
        .ok()
        .and_then(|second| Timestamp::from_second(second).ok())
        .unwrap_or(Timestamp::MAX)
}
