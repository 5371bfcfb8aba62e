//! Virtual time at a pace: the live demo.
//!
//! The virtual driver runs on a thread of its own and lets simulated time go on so many times as fast
//! as real time. Requests come in between two steps, are put into the journal with their virtual
//! instant, and only then are acted on, so that the run can be repeated to the byte.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::executor::block_on;
use ibn_core::admission::WhatIf;
use ibn_core::decision::LedgerEntry;
use ibn_core::engine::{Effect, Event, Reply, Request, RequestId, State};
use ibn_core::intent::Intent;
use ibn_core::roles::{Ledger, LedgerQuery};
use ibn_core::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{broadcast, oneshot, watch};

use crate::control::{Control, UPDATE_BACKLOG, Update};
use crate::journal::{Journal, JournalEntry};
use crate::roles::Happening;
use crate::virtual_time::{VirtualDriver, World};

/// Real time between two steps.
const STEP: Duration = Duration::from_millis(50);

/// Real time between two notes of how far the run has come.
const POSITION_EVERY: Duration = Duration::from_secs(1);

/// Virtual time between two looks at whether a replay is to go on.
const REPLAY_STEP: SignedDuration = SignedDuration::from_mins(10);

/// A virtual driver at a pace. Dropping it stops the thread after its current step.
pub struct PacedDriver {
    handle: PacedHandle,
    thread: Option<JoinHandle<()>>,
}

/// Speaks to a [`PacedDriver`]. Clones speak to the same one.
#[derive(Clone)]
pub struct PacedHandle {
    messages: mpsc::Sender<Message>,
    state: watch::Receiver<(Timestamp, Arc<State>)>,
    updates: broadcast::Sender<Update>,
    ledger: Arc<dyn Ledger>,
}

enum Message {
    Request(Request, oneshot::Sender<Result<Reply>>),
    Preview(Vec<Intent>, oneshot::Sender<Vec<WhatIf>>),
    Speed(f64),
    Stop,
}

impl PacedDriver {
    /// Starts a driver at `speed` (virtual seconds per real second), with the journal that requests go into first.
    ///
    /// # Errors
    /// Where the thread can't be started.
    pub fn start<W: World + 'static>(
        mut driver: VirtualDriver<W>,
        journal: Option<Arc<dyn Journal>>,
        speed: f64,
    ) -> crate::Result<Self> {
        let (messages, inbox) = mpsc::channel();
        let (updates, _) = broadcast::channel(UPDATE_BACKLOG);
        let (published, state) = watch::channel((driver.now(), Arc::new(driver.state().clone())));
        let ledger = Arc::clone(&driver.roles().ledger);
        let heard = updates.clone();
        driver.listen(move |now: Timestamp, what: Happening<'_>| {
            let update = match what {
                Happening::Effect(Effect::Notify(notice)) => Update::Notice(now, notice.clone()),
                Happening::Effect(Effect::Record(entry)) => {
                    Update::Recorded(Arc::new((**entry).clone()))
                }
                _ => return,
            };
            // Nobody may be watching.
            let _ = heard.send(update);
        });
        let handle = PacedHandle {
            messages,
            state,
            updates: updates.clone(),
            ledger,
        };
        let pace = Pace {
            driver,
            journal,
            speed: speed.max(0.0),
            published,
            updates,
            waiting: Vec::new(),
            owed: 0.0,
        };
        let thread = std::thread::Builder::new()
            .name("ibn-engine".to_owned())
            .spawn(move || pace.run(&inbox))
            .map_err(crate::Error::Thread)?;
        Ok(Self {
            handle,
            thread: Some(thread),
        })
    }

    /// Speaks to it.
    #[must_use]
    pub fn handle(&self) -> PacedHandle {
        self.handle.clone()
    }

    /// Finishes the current step, notes how far it came, and ends.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Where the thread has ended already, there is nothing to tell it.
        let _ = self.handle.messages.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for PacedDriver {
    fn drop(&mut self) {
        self.end();
    }
}

impl PacedHandle {
    /// Changes the pace; 0 stands still.
    pub fn set_speed(&self, speed: f64) {
        let _ = self.messages.send(Message::Speed(speed));
    }
}

fn ended() -> Error {
    Error::unavailable("the control engine", "it has ended")
}

#[async_trait]
impl Control for PacedHandle {
    async fn request(&self, request: Request) -> Result<Reply> {
        let (reply, replied) = oneshot::channel();
        self.messages
            .send(Message::Request(request, reply))
            .map_err(|_| ended())?;
        replied.await.map_err(|_| ended())?
    }

    async fn preview(&self, intents: Vec<Intent>) -> Result<Vec<WhatIf>> {
        let (reply, replied) = oneshot::channel();
        self.messages
            .send(Message::Preview(intents, reply))
            .map_err(|_| ended())?;
        replied.await.map_err(|_| ended())
    }

    async fn ledger(&self, query: LedgerQuery) -> Result<Vec<LedgerEntry>> {
        self.ledger.query(&query).await
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.borrow().1)
    }

    fn now(&self) -> Timestamp {
        self.state.borrow().0
    }

    fn updates(&self) -> broadcast::Receiver<Update> {
        self.updates.subscribe()
    }
}

struct Pace<W> {
    driver: VirtualDriver<W>,
    journal: Option<Arc<dyn Journal>>,
    speed: f64,
    published: watch::Sender<(Timestamp, Arc<State>)>,
    updates: broadcast::Sender<Update>,
    waiting: Vec<(RequestId, oneshot::Sender<Result<Reply>>)>,
    /// Virtual seconds that have passed and were not enough for a step yet.
    owed: f64,
}

impl<W: World> Pace<W> {
    fn run(mut self, inbox: &mpsc::Receiver<Message>) {
        let mut last_step = Instant::now();
        let mut last_position = Instant::now();
        loop {
            match inbox.recv_timeout(STEP.saturating_sub(last_step.elapsed())) {
                Ok(Message::Request(request, reply)) => self.take_request(request, reply),
                Ok(Message::Preview(intents, reply)) => {
                    let (engine, state, now) =
                        (self.driver.engine(), self.driver.state(), self.driver.now());
                    let what_if = intents
                        .iter()
                        .map(|intent| engine.preview(state, intent, now))
                        .collect();
                    // Somebody who has gone away doesn't need the answer.
                    let _ = reply.send(what_if);
                }
                Ok(Message::Speed(speed)) => self.speed = speed.max(0.0),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let virtual_seconds = last_step.elapsed().as_secs_f64() * self.speed;
                    last_step = Instant::now();
                    self.step(virtual_seconds);
                    if last_position.elapsed() >= POSITION_EVERY {
                        last_position = Instant::now();
                        self.note_position();
                    }
                }
            }
        }
        self.note_position();
    }

    /// Goes on by whole seconds only: requests then come in at instants at which the world stops by anyhow, and a replay
    /// takes the very same steps.
    fn step(&mut self, virtual_seconds: f64) {
        self.owed += virtual_seconds;
        let whole = self.owed.floor();
        if whole < 1.0 {
            return;
        }
        self.owed -= whole;
        let ahead = SignedDuration::try_from_secs_f64(whole).unwrap_or(SignedDuration::ZERO);
        let until = self
            .driver
            .now()
            .checked_add(ahead)
            .unwrap_or(Timestamp::MAX);
        self.driver.run_until(until);
        self.publish();
    }

    fn publish(&mut self) {
        let now = self.driver.now();
        // Before the replies go out, so that whoever has one finds the state that it speaks of.
        self.published
            .send_replace((now, Arc::new(self.driver.state().clone())));
        let driver = &mut self.driver;
        self.waiting = std::mem::take(&mut self.waiting)
            .into_iter()
            .filter_map(|(id, reply)| match driver.take_reply(id) {
                Some(answer) => {
                    let _ = reply.send(Ok(answer));
                    None
                }
                None => Some((id, reply)),
            })
            .collect();
        let _ = self.updates.send(Update::Changed(now));
    }

    fn take_request(&mut self, request: Request, reply: oneshot::Sender<Result<Reply>>) {
        let at = self.driver.now();
        if let Some(journal) = &self.journal
            && let Err(error) = block_on(journal.write(&JournalEntry {
                at,
                request: request.clone(),
            }))
        {
            let _ = reply.send(Err(error.into()));
            return;
        }
        let id = self.driver.request(request);
        self.waiting.push((id, reply));
        // What was asked for begins at once, not at the next control period.
        self.driver.feed(Event::Tick);
        self.publish();
    }

    fn note_position(&self) {
        if let Some(journal) = &self.journal
            && let Err(error) = block_on(journal.set_position(self.driver.now()))
        {
            tracing::warn!("how far the run has come could not be noted: {error}");
        }
    }
}

/// Runs a driver again through everything that a journal holds, as fast as it can, and returns where it stands.
///
/// Requests are asked at their instants exactly as [`PacedDriver`] asked them; then time goes on to `position`. Where it has
/// come to is told to `went`, which can break it off; what is kept stays as it was then.
pub fn replay<W: World>(
    driver: &mut VirtualDriver<W>,
    entries: Vec<JournalEntry>,
    position: Option<Timestamp>,
    mut went: impl FnMut(Timestamp) -> ControlFlow<()>,
) -> ControlFlow<(), Timestamp> {
    let mut run_until = |driver: &mut VirtualDriver<W>, until: Timestamp| {
        while driver.now() < until {
            let next = driver.now().checked_add(REPLAY_STEP).unwrap_or(until);
            driver.run_until(next.min(until));
            went(driver.now())?;
        }
        driver.run_until(until);
        ControlFlow::Continue(())
    };
    for JournalEntry { at, request } in entries {
        run_until(driver, at)?;
        driver.request(request);
        driver.feed(Event::Tick);
    }
    if let Some(position) = position {
        run_until(driver, position)?;
    }
    ControlFlow::Continue(driver.now())
}
