//! The driver in virtual time: one effect after the other, as fast as the machine can.
//!
//! What only computes may be answered by several threads at once: of all that is to be answered before the next event that
//! needs it, in the order in which it was asked for. The events, the effects and their order are the same with any number.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::executor::block_on;
use ibn_core::assessment::AssessmentInput;
use ibn_core::engine::{Effect, Engine, Event, Reply, Request, RequestId, State, TurnId};
use ibn_core::guardrail::Guardrail;
use ibn_core::roles::VirtualClock;
use ibn_core::situation::Situation;
use ibn_core::workload::WorkloadRef;
use jiff::{SignedDuration, Timestamp};
use rayon::iter::{IndexedParallelIterator as _, IntoParallelIterator as _, ParallelIterator as _};
use rayon::{ThreadPool, ThreadPoolBuilder};

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
    /// Answers what only computes; none where the calling thread does.
    threads: Option<ThreadPool>,
}

/// What is to come to the engine, in order.
enum Coming {
    Event(Box<Event>),
    /// The answer to something that only computes and that nobody has begun with.
    Answer(Question),
}

/// What only computes: its answer depends on nothing but itself, and on what its workload's recommender has learned.
enum Question {
    Assess(TurnId, WorkloadRef, Box<AssessmentInput>),
    Recommend(TurnId, WorkloadRef, Arc<Situation>),
}

impl Question {
    fn answer(self, roles: &Roles) -> Event {
        match self {
            Self::Assess(turn, workload, input) => {
                let assessment = roles.assessor.assess(&input);
                Event::Assessed(turn, workload, Ok(assessment))
            }
            Self::Recommend(turn, workload, situation) => {
                let recommendation = roles.recommenders.recommend(&situation);
                Event::Recommended(turn, workload, Ok(recommendation))
            }
        }
    }

    fn workload(&self) -> &WorkloadRef {
        match self {
            Self::Assess(_, workload, _) | Self::Recommend(_, workload, _) => workload,
        }
    }
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
            threads: None,
        }
    }

    /// Lets so many threads answer at once what only computes: assessments and recommendations. With one, or where no more can be
    /// started, the calling thread does. The run is the same to the byte with any number.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = (threads > 1)
            .then(|| {
                ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .thread_name(|idx| format!("ibn-answer-{idx}"))
                    .build()
                    .ok()
            })
            .flatten();
        self
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
        let mut coming = VecDeque::from([Coming::Event(Box::new(event))]);
        while let Some(next) = coming.pop_front() {
            let event = match next {
                Coming::Event(event) => *event,
                Coming::Answer(question) => {
                    coming.push_front(Coming::Answer(question));
                    self.answer(&mut coming);
                    continue;
                }
            };
            for listener in &mut self.listeners {
                listener.hear(self.now, Happening::Event(&event));
            }
            for effect in self.engine.step(&mut self.state, event, self.now) {
                for listener in &mut self.listeners {
                    listener.hear(self.now, Happening::Effect(&effect));
                }
                if let Effect::Learn(workload, _) | Effect::Demote(workload, _) = &effect {
                    // What was asked of a recommender before is answered by what it knew then.
                    let asked = |next: &Coming| matches!(next, Coming::Answer(question) if question.workload() == workload);
                    if coming.iter().any(asked) {
                        self.answer(&mut coming);
                    }
                }
                coming.extend(self.take_up(effect));
            }
        }
    }

    /// What is to come of an effect: the answer to it or, where that may wait for others like it, the question.
    fn take_up(&mut self, effect: Effect) -> Option<Coming> {
        let threads = self.threads.is_some();
        match effect {
            Effect::Assess(turn, workload, input) if threads => {
                Some(Coming::Answer(Question::Assess(turn, workload, input)))
            }
            Effect::Recommend(turn, workload, situation) if threads => {
                let question = Question::Recommend(turn, workload, situation);
                Some(Coming::Answer(question))
            }
            effect => Some(Coming::Event(Box::new(self.carry_out(effect)?))),
        }
    }

    /// Answers all questions that wait, each in its place.
    fn answer(&self, coming: &mut VecDeque<Coming>) {
        let roles = &self.roles;
        let all: Vec<Coming> = std::mem::take(coming).into();
        let answered = |next: Coming| match next {
            Coming::Answer(question) => Coming::Event(Box::new(question.answer(roles))),
            event @ Coming::Event(_) => event,
        };
        let all: Vec<Coming> = match &self.threads {
            Some(threads) if all.len() > 1 => threads.install(|| {
                let each = all.into_par_iter().with_max_len(1);
                each.map(answered).collect()
            }),
            _ => all.into_iter().map(answered).collect(),
        };
        *coming = all.into();
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        let roles = &self.roles;
        let _inside = crate::telling::span(&effect).entered();
        match effect {
            Effect::Reply(id, reply) => {
                self.replies.push((id, *reply));
                None
            }
            Effect::Notify(notice) => {
                crate::telling::tell_of(self.now, &notice);
                None
            }
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
                Some(Question::Assess(turn, workload, input).answer(roles))
            }
            Effect::Recommend(turn, workload, situation) => {
                Some(Question::Recommend(turn, workload, situation).answer(roles))
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
