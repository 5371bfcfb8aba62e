//! The driver in real time, on tokio: every effect is a task with a time-out.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ibn_core::admission::WhatIf;
use ibn_core::decision::{LedgerEntry, LedgerEvent};
use ibn_core::engine::{Effect, Engine, Event, Reply, Request, RequestId, State};
use ibn_core::intent::Intent;
use ibn_core::observation::Observation;
use ibn_core::roles::{Clock, Ledger, LedgerQuery};
use ibn_core::workload::WorkloadRef;
use ibn_core::{Error, Result};
use jiff::Timestamp;
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot, watch};
use tracing::{Instrument as _, Span};

use crate::control::{Control, UPDATE_BACKLOG, Update};
use crate::roles::{Happening, Listener, Roles};

/// How many calls of one service may be under way at once.
const CONCURRENT_CALLS: usize = 32;

/// Drives an engine in real time.
///
/// The engine runs on one task. Each effect is a task of its own with the engine's time-out, so that
/// nothing waits for what is slow; writes to a store go one after the other, in the order in which the engine asked for them.
pub struct LiveDriver {
    engine: Engine,
    state: State,
    roles: Roles,
    clock: Arc<dyn Clock>,
    listeners: Vec<Box<dyn Listener>>,
}

/// Speaks to a running [`LiveDriver`]. Clones speak to the same one.
#[derive(Clone)]
pub struct LiveHandle {
    messages: mpsc::Sender<Message>,
    state: watch::Receiver<Arc<State>>,
    updates: broadcast::Sender<Update>,
    engine: Engine,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
}

enum Message {
    Event(Box<Event>),
    Request(Request, oneshot::Sender<Reply>),
    Stop,
}

impl LiveHandle {
    /// Tells the engine something, such as new guardrails.
    ///
    /// # Errors
    /// Where the driver has ended.
    pub async fn tell(&self, event: Event) -> Result<()> {
        self.messages
            .send(Message::Event(Box::new(event)))
            .await
            .map_err(|_| ended())
    }

    /// Asks the driver to finish what is under way and end.
    pub async fn stop(&self) {
        // Where it has ended already, there is nothing to ask.
        let _ = self.messages.send(Message::Stop).await;
    }
}

fn ended() -> Error {
    Error::unavailable("the control engine", "it has ended")
}

#[async_trait]
impl Control for LiveHandle {
    async fn request(&self, request: Request) -> Result<Reply> {
        let (reply, replied) = oneshot::channel();
        self.messages
            .send(Message::Request(request, reply))
            .await
            .map_err(|_| ended())?;
        replied.await.map_err(|_| ended())
    }

    async fn preview(&self, intents: Vec<Intent>) -> Result<Vec<WhatIf>> {
        let (state, now) = (self.state(), self.now());
        Ok(intents
            .iter()
            .map(|intent| self.engine.preview(&state, intent, now))
            .collect())
    }

    async fn ledger(&self, query: LedgerQuery) -> Result<Vec<LedgerEntry>> {
        self.ledger.query(&query).await
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.borrow())
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn updates(&self) -> broadcast::Receiver<Update> {
        self.updates.subscribe()
    }
}

impl LiveDriver {
    /// A driver that begins with `state`.
    #[must_use]
    pub fn new(engine: Engine, state: State, roles: Roles, clock: Arc<dyn Clock>) -> Self {
        Self {
            engine,
            state,
            roles,
            clock,
            listeners: Vec::new(),
        }
    }

    /// Adds somebody who hears everything.
    pub fn listen(&mut self, listener: impl Listener + 'static) {
        self.listeners.push(Box::new(listener));
    }

    /// Starts it on the current tokio runtime; the task ends after [`LiveHandle::stop`], when what was under way has been answered.
    pub fn spawn(self) -> (LiveHandle, tokio::task::JoinHandle<()>) {
        let (messages, inbox) = mpsc::channel(1024);
        let (published, state) = watch::channel(Arc::new(self.state.clone()));
        let (updates, _) = broadcast::channel(UPDATE_BACKLOG);
        let handle = LiveHandle {
            messages,
            state,
            updates: updates.clone(),
            engine: self.engine.clone(),
            ledger: Arc::clone(&self.roles.ledger),
            clock: Arc::clone(&self.clock),
        };
        let task = tokio::spawn(self.run(inbox, published, updates));
        (handle, task)
    }

    async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Message>,
        published: watch::Sender<Arc<State>>,
        updates: broadcast::Sender<Update>,
    ) {
        let (events, mut answers) = mpsc::unbounded_channel();
        let hands = Hands::new(self.roles.clone(), self.engine.config().timeout, events);
        let mut waiting: std::collections::BTreeMap<RequestId, oneshot::Sender<Reply>> =
            Default::default();
        let mut next_request = 1;
        let mut stopping = false;
        loop {
            let event = if stopping {
                // An answer may have come between the last look and the end of its task.
                if hands.idle() && answers.is_empty() {
                    break;
                }
                match tokio::time::timeout(self.engine.config().timeout, answers.recv()).await {
                    Ok(Some(event)) => event,
                    _ => break,
                }
            } else {
                let wake = tokio::time::sleep(self.until_wake());
                tokio::select! {
                    biased;
                    Some(event) = answers.recv() => event,
                    message = inbox.recv() => match message {
                        Some(Message::Event(event)) => *event,
                        Some(Message::Request(request, reply)) => {
                            let id = RequestId(next_request);
                            next_request += 1;
                            waiting.insert(id, reply);
                            Event::Request(id, request)
                        }
                        Some(Message::Stop) | None => {
                            stopping = true;
                            continue;
                        }
                    },
                    () = wake => Event::Tick,
                }
            };
            let now = self.clock.now();
            for listener in &mut self.listeners {
                listener.hear(now, Happening::Event(&event));
            }
            let effects = self.engine.step(&mut self.state, event, now);
            // Before the reply goes out, so that whoever has it finds the state that it speaks of.
            published.send_replace(Arc::new(self.state.clone()));
            for effect in effects {
                for listener in &mut self.listeners {
                    listener.hear(now, Happening::Effect(&effect));
                }
                match effect {
                    Effect::Reply(id, reply) => {
                        if let Some(waits) = waiting.remove(&id) {
                            // Somebody who has gone away doesn't need the reply.
                            let _ = waits.send(*reply);
                        }
                    }
                    Effect::Notify(notice) => {
                        crate::telling::tell(&notice);
                        // Nobody may be watching.
                        let _ = updates.send(Update::Notice(now, notice));
                    }
                    effect => {
                        if let Effect::Record(entry) = &effect {
                            let _ = updates.send(Update::Recorded(Arc::new((**entry).clone())));
                        }
                        hands.carry_out(effect);
                    }
                }
            }
            let _ = updates.send(Update::Changed(now));
        }
    }

    fn until_wake(&self) -> Duration {
        let until = self.state.next_wake().duration_since(self.clock.now());
        Duration::try_from(until).unwrap_or(Duration::ZERO)
    }
}

/// Carries effects out.
struct Hands {
    roles: Roles,
    timeout: Duration,
    events: mpsc::UnboundedSender<Event>,
    orchestrator_calls: Arc<Semaphore>,
    monitor_calls: Arc<Semaphore>,
    writes: mpsc::UnboundedSender<(Write, Arc<()>)>,
    /// Everything under way holds a clone.
    token: Arc<()>,
}

/// A write to a store; these go in order.
enum Write {
    Intent(Arc<ibn_core::intent::Intent>, u64),
    Forget(ibn_core::intent::IntentKey),
    Entry(Box<LedgerEntry>),
}

impl Hands {
    fn new(roles: Roles, timeout: Duration, events: mpsc::UnboundedSender<Event>) -> Self {
        let (writes, queue) = mpsc::unbounded_channel();
        tokio::spawn(write_in_order(
            roles.clone(),
            timeout,
            queue,
            events.clone(),
        ));
        Self {
            roles,
            timeout,
            events,
            orchestrator_calls: Arc::new(Semaphore::new(CONCURRENT_CALLS)),
            monitor_calls: Arc::new(Semaphore::new(CONCURRENT_CALLS)),
            writes,
            token: Arc::new(()),
        }
    }

    /// Whether nothing is under way any more.
    fn idle(&self) -> bool {
        Arc::strong_count(&self.token) == 1
    }

    fn carry_out(&self, effect: Effect) {
        let roles = self.roles.clone();
        // Tasks that begin here go on in it.
        let _inside = crate::telling::span(&effect).entered();
        match effect {
            Effect::Reply(..) | Effect::Notify(_) => {}
            Effect::SaveIntent(intent, version) => self.write(Write::Intent(intent, version)),
            Effect::ForgetIntent(key) => self.write(Write::Forget(key)),
            Effect::Record(entry) => self.write(Write::Entry(entry)),
            Effect::TakeInventory(turn) => self.call(
                &self.orchestrator_calls,
                "the orchestrator",
                async move { roles.orchestrator.inventory().await },
                move |result| Event::InventoryTaken(turn, result),
            ),
            Effect::Apply(plan) => {
                let decision = plan.decision();
                self.call(
                    &self.orchestrator_calls,
                    "the orchestrator",
                    async move { roles.orchestrator.apply(*plan).await },
                    move |result| Event::Applied(decision, result),
                );
            }
            Effect::Observe(turn, workload, window) => {
                let observed = workload.clone();
                self.call(
                    &self.monitor_calls,
                    "the monitor",
                    async move {
                        let found = roles
                            .monitor
                            .observe(std::slice::from_ref(&observed), window)
                            .await;
                        only_one(found, &observed)
                    },
                    move |result| Event::Observed(turn, workload, result),
                );
            }
            Effect::Assess(turn, workload, input) => {
                self.compute(move || {
                    Event::Assessed(turn, workload, Ok(roles.assessor.assess(&input)))
                });
            }
            Effect::Recommend(turn, workload, situation) => {
                self.compute(move || {
                    Event::Recommended(turn, workload, Ok(roles.recommenders.recommend(&situation)))
                });
            }
            Effect::Learn(workload, experience) => {
                let (events, token) = (self.events.clone(), Arc::clone(&self.token));
                tokio::task::spawn_blocking(move || {
                    let _under_way = token;
                    if let Some(report) = roles.recommenders.learn(&workload, &experience) {
                        // Nobody listens any more once the driver has ended.
                        let _ = events.send(Event::Learned(workload, report));
                    }
                });
            }
            Effect::Demote(workload, cause) => {
                tokio::task::spawn_blocking(move || roles.recommenders.demote(&workload, &cause));
            }
        }
    }

    fn write(&self, write: Write) {
        // The writing task ends with the last sender only.
        let _ = self.writes.send((write, Arc::clone(&self.token)));
    }

    /// Calls a service, waiting at most the time-out for a place and the answer together.
    fn call<T: Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        service: &'static str,
        work: impl Future<Output = Result<T>> + Send + 'static,
        event: impl FnOnce(Result<T>) -> Event + Send + 'static,
    ) {
        let (places, events, timeout) = (Arc::clone(places), self.events.clone(), self.timeout);
        let token = Arc::clone(&self.token);
        let called = async move {
            let _under_way = token;
            let answer = tokio::time::timeout(timeout, async {
                let _place = places.acquire().await;
                work.await
            });
            let result = answer
                .await
                .unwrap_or_else(|_| Err(timed_out(service, timeout)));
            if let Err(error) = &result {
                tracing::debug!("{service} failed: {error}");
            }
            let _ = events.send(event(result));
        };
        tokio::spawn(called.instrument(Span::current()));
    }

    /// Computes on a thread that may be busy. What takes too long is given up by the engine itself.
    fn compute(&self, work: impl FnOnce() -> Event + Send + 'static) {
        let (events, token) = (self.events.clone(), Arc::clone(&self.token));
        let span = Span::current();
        tokio::task::spawn_blocking(move || {
            let _under_way = token;
            let _ = events.send(span.in_scope(work));
        });
    }
}

fn timed_out(service: &str, timeout: Duration) -> Error {
    Error::TimedOut {
        service: service.to_owned(),
        after_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
    }
}

async fn write_in_order(
    roles: Roles,
    timeout: Duration,
    mut queue: mpsc::UnboundedReceiver<(Write, Arc<()>)>,
    events: mpsc::UnboundedSender<Event>,
) {
    while let Some((write, _under_way)) = queue.recv().await {
        let event = match write {
            Write::Intent(intent, version) => {
                let saved = tokio::time::timeout(timeout, roles.intents.put(&intent)).await;
                let saved = saved.unwrap_or_else(|_| Err(timed_out("the intent store", timeout)));
                Some(Event::IntentSaved(intent.key(), version, saved))
            }
            Write::Forget(key) => {
                // An intent that stays in the store by mistake is ended again after the next start.
                let _ = tokio::time::timeout(timeout, roles.intents.delete(&key)).await;
                None
            }
            Write::Entry(entry) => {
                let recorded = tokio::time::timeout(timeout, roles.ledger.append(&entry)).await;
                let recorded = recorded.unwrap_or_else(|_| Err(timed_out("the ledger", timeout)));
                answer_to_record(&entry, recorded)
            }
        };
        if let Some(event) = event {
            let _ = events.send(event);
        }
    }
}

/// What the engine is told of a write to the ledger: of a decision how it went, of the rest only that it failed.
pub(crate) fn answer_to_record(entry: &LedgerEntry, recorded: Result<()>) -> Option<Event> {
    match (&entry.event, recorded) {
        (LedgerEvent::Decided(decision), recorded) => Some(Event::Recorded(decision.id, recorded)),
        (_, Err(error)) => Some(Event::RecordFailed(Box::new(entry.clone()), error)),
        (_, Ok(())) => None,
    }
}

/// The one observation that was asked for.
pub(crate) fn only_one(
    found: Result<Vec<Observation>>,
    workload: &WorkloadRef,
) -> Result<Observation> {
    found?
        .into_iter()
        .find(|observation| observation.workload == *workload)
        .ok_or_else(|| Error::invalid("the monitor's answer", format!("it lacks {workload}")))
}
