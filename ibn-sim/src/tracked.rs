//! Requests that are followed one by one: those that call other workloads, and those whose clients try again.
//!
//! Everything here goes by the time at which it happens, not by the moment at which a pod is looked at, so that a run
//! doesn't depend on the steps in which time is moved.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::account::{Account, Outcome};
use crate::rng::{Purpose, Seeds, Stream};
use crate::spec::WorkloadSpec;
use crate::time::nanos;

/// Tokens that a retry budget saves up at most: a burst of so many retries.
const MOST_TOKENS: f64 = 100.0;

/// Who waits for a request: the request of another workload that made the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Caller {
    pub(crate) workload: usize,
    pub(crate) arrived: u64,
}

/// An attempt to have a request served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Attempt {
    pub(crate) caller: Option<Caller>,
    /// When the request first came.
    pub(crate) first: u64,
    /// Attempts before this one.
    pub(crate) tries: u32,
    /// The pod that it went to.
    pub(crate) pod: u64,
    /// What its calls are drawn from.
    draw: u64,
}

/// A request whose own work is done and whose calls are out.
#[derive(Debug, Clone, Copy)]
struct Join {
    attempt: Attempt,
    pending: u32,
    /// When the last answer came.
    answered: u64,
    /// Whether all calls were answered.
    ok: bool,
    /// When its client gives up.
    deadline: u64,
}

/// What a workload has to tell others: calls that its requests make, and what became of requests that others made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Message {
    Call { to: usize, at: u64, caller: Caller },
    Answer { to: Caller, at: u64, ok: bool },
}

/// What is followed of a workload's requests.
#[derive(Debug, Clone)]
pub(crate) struct Tracked {
    /// The workload's own place.
    place: usize,
    calls: Vec<(usize, f64)>,
    attempts: u32,
    backoff: u64,
    budget: f64,
    tokens: f64,
    timeout: u64,
    base: u64,
    stream: Stream,
    /// Attempts in the servers, by when they came; no two come at the same instant.
    at_work: HashMap<u64, Attempt>,
    joins: HashMap<u64, Join>,
    /// Attempts to come: calls of others, and further tries.
    inbox: BinaryHeap<Reverse<(u64, Attempt)>>,
    /// When clients give up, and on which attempt.
    give_ups: BinaryHeap<Reverse<(u64, u64)>>,
    last: u64,
    messages: Vec<Message>,
}

impl Tracked {
    /// What has to be followed of the workload at `place`, whose calls go to the workloads at the places in `calls`; `None` where
    /// nothing has.
    pub(crate) fn of(
        spec: &WorkloadSpec,
        place: usize,
        calls: Vec<(usize, f64)>,
        is_called: bool,
        seeds: Seeds,
    ) -> Option<Self> {
        if calls.is_empty() && !is_called && spec.retries.is_none() {
            return None;
        }
        let retries = spec.retries;
        Some(Self {
            place,
            calls,
            attempts: retries.map_or(0, |retries| retries.attempts),
            backoff: retries.map_or(0, |retries| nanos(retries.backoff)),
            budget: retries.map_or(0.0, |retries| retries.budget),
            // A client that begins has a few tries to spend.
            tokens: if retries.is_some() { 10.0 } else { 0.0 },
            timeout: spec.timeout.map_or(u64::MAX, |timeout| {
                nanos(timeout).saturating_sub(nanos(spec.base_latency))
            }),
            base: nanos(spec.base_latency),
            stream: seeds.stream(Purpose::Calls, &spec.name, 0),
            at_work: HashMap::new(),
            joins: HashMap::new(),
            inbox: BinaryHeap::new(),
            give_ups: BinaryHeap::new(),
            last: 0,
            messages: Vec::new(),
        })
    }

    /// Requests that came and are neither answered nor failed.
    pub(crate) fn in_flight(&self) -> u64 {
        let again = self
            .inbox
            .iter()
            .filter(|Reverse((_, attempt))| attempt.tries > 0);
        (self.at_work.len() + self.joins.len() + again.count()) as u64
    }

    /// When the next attempt comes from the inbox.
    pub(crate) fn next_attempt(&self) -> u64 {
        self.inbox.peek().map_or(u64::MAX, |Reverse((at, _))| *at)
    }

    /// When the next client gives up.
    pub(crate) fn next_give_up(&self) -> u64 {
        self.give_ups
            .peek()
            .map_or(u64::MAX, |Reverse((at, _))| *at)
    }

    /// The next attempt from the inbox, or that of a request that comes from outside at `at`; with the instant at which it is
    /// counted, which no other has.
    pub(crate) fn attempt(
        &mut self,
        from_outside: Option<u64>,
        account: &mut Account,
    ) -> (u64, Attempt) {
        let (at, mut attempt) = match from_outside {
            Some(at) => (
                at,
                Attempt {
                    caller: None,
                    first: at,
                    tries: 0,
                    pod: 0,
                    draw: 0,
                },
            ),
            None => match self.inbox.pop() {
                Some(Reverse(next)) => next,
                None => (
                    self.last,
                    Attempt {
                        caller: None,
                        first: self.last,
                        tries: 0,
                        pod: 0,
                        draw: 0,
                    },
                ),
            },
        };
        let now = at.max(self.last + 1);
        self.last = now;
        if attempt.tries == 0 {
            attempt.first = now;
            account.arrived();
            self.tokens = (self.tokens + self.budget).min(MOST_TOKENS);
        } else {
            account.retried();
        }
        attempt.draw = rand::Rng::next_u64(&mut self.stream);
        (now, attempt)
    }

    /// An attempt is in a pod.
    pub(crate) fn begin(&mut self, now: u64, attempt: Attempt) {
        self.at_work.insert(now, attempt);
        if self.timeout != u64::MAX {
            self.give_ups
                .push(Reverse((now.saturating_add(self.timeout), now)));
        }
    }

    /// The pod of the attempt on which a client is about to give up; `None` where it isn't at work any more.
    pub(crate) fn about_to_give_up(&self) -> Option<u64> {
        let Reverse((_, arrived)) = self.give_ups.peek()?;
        self.at_work.get(arrived).map(|attempt| attempt.pod)
    }

    /// Lets the next client give up, where it still waits.
    pub(crate) fn give_up(&mut self, account: &mut Account) {
        let Some(Reverse((at, arrived))) = self.give_ups.pop() else {
            return;
        };
        if let Some(attempt) = self.at_work.remove(&arrived) {
            self.fail(attempt, at, Outcome::TimedOut, account);
        }
    }

    /// Takes in what servers have put aside: work that is done, and what failed there.
    pub(crate) fn take_in(&mut self, account: &mut Account) {
        while let Some((arrived, outcome)) = account.aside() {
            let Some(attempt) = self.at_work.remove(&arrived) else {
                // Its client gave up before.
                continue;
            };
            match outcome {
                Outcome::Served(latency) => self.done(attempt, arrived, arrived + latency, account),
                Outcome::TimedOut => {
                    self.fail(
                        attempt,
                        arrived.saturating_add(self.timeout),
                        outcome,
                        account,
                    );
                }
                Outcome::Lost(at) | Outcome::Refused(at) | Outcome::Unrouted(at) => {
                    self.fail(attempt, at, outcome, account);
                }
            }
        }
    }

    /// Own work is done: the calls go out, or the request is answered.
    fn done(&mut self, attempt: Attempt, arrived: u64, at: u64, account: &mut Account) {
        let mut pending = 0;
        for (index, (to, share)) in self.calls.iter().enumerate() {
            // A number of its own for each call, from the one that was drawn when the request came.
            let word = attempt
                .draw
                .wrapping_add((index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let mixed = (word ^ (word >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
            let number = (mixed >> 11) as f64 / (1u64 << 53) as f64;
            if number < *share {
                pending += 1;
                self.messages.push(Message::Call {
                    to: *to,
                    at,
                    caller: Caller {
                        workload: self.place,
                        arrived,
                    },
                });
            }
        }
        if pending == 0 {
            self.answer(attempt, at, account);
        } else {
            let join = Join {
                attempt,
                pending,
                answered: at,
                ok: true,
                deadline: arrived.saturating_add(self.timeout),
            };
            self.joins.insert(arrived, join);
        }
    }

    /// A call comes at `at`.
    pub(crate) fn called(&mut self, at: u64, caller: Caller) {
        let attempt = Attempt {
            caller: Some(caller),
            first: at,
            tries: 0,
            pod: 0,
            draw: 0,
        };
        self.inbox.push(Reverse((at, attempt)));
    }

    /// A call of the request that came at `arrived` has ended at `at`.
    pub(crate) fn answered(&mut self, arrived: u64, at: u64, ok: bool, account: &mut Account) {
        let Some(join) = self.joins.get_mut(&arrived) else {
            return;
        };
        join.pending -= 1;
        join.answered = join.answered.max(at);
        join.ok &= ok;
        if join.pending > 0 {
            return;
        }
        let join = *join;
        self.joins.remove(&arrived);
        if join.answered >= join.deadline {
            self.end(join.attempt, join.deadline, Outcome::TimedOut, account);
        } else if join.ok {
            self.answer(join.attempt, join.answered, account);
        } else {
            account.settle(join.attempt.first, Outcome::Lost(join.answered), true);
            self.tell(join.attempt, join.answered, false);
        }
    }

    fn answer(&mut self, attempt: Attempt, at: u64, account: &mut Account) {
        account.settle(attempt.first, Outcome::Served(at - attempt.first), false);
        self.tell(attempt, at, true);
    }

    /// An attempt has failed: it is made once more where that is allowed.
    pub(crate) fn fail(
        &mut self,
        attempt: Attempt,
        at: u64,
        outcome: Outcome,
        account: &mut Account,
    ) {
        if attempt.tries < self.attempts && self.tokens >= 1.0 {
            self.tokens -= 1.0;
            let wait = self.backoff.saturating_mul(1 << attempt.tries.min(20));
            let again = Attempt {
                tries: attempt.tries + 1,
                ..attempt
            };
            self.inbox
                .push(Reverse((at.saturating_add(wait.max(1)), again)));
            return;
        }
        self.end(attempt, at, outcome, account);
    }

    fn end(&mut self, attempt: Attempt, at: u64, outcome: Outcome, account: &mut Account) {
        account.settle(attempt.first, outcome, false);
        self.tell(attempt, at, false);
    }

    fn tell(&mut self, attempt: Attempt, at: u64, ok: bool) {
        if let Some(to) = attempt.caller {
            let at = at.saturating_add(self.base);
            self.messages.push(Message::Answer { to, at, ok });
        }
    }

    /// What there is to tell others since the last call.
    pub(crate) fn messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }
}
