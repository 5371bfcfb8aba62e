//! An engine on a stage: every effect is carried out at once on fakes, unless the test holds it back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use ibn_core::Result;
use ibn_core::admission::Admission;
use ibn_core::allocation::Field;
use ibn_core::assessment::{Assessment, AssessmentInput, IntentAssessment, ObjectiveAssessment};
use ibn_core::decision::{LedgerEntry, LedgerEvent};
use ibn_core::engine::{
    Effect, Engine, EngineConfig, Event, Notice, Reply, Request, RequestId, State,
};
use ibn_core::intent::{Intent, IntentKey};
use ibn_core::observation::{Signal, SignalHealth};
use ibn_core::roles::{Assessor, Monitor, Orchestrator, Recommender};
use ibn_core::situation::{Recommendation, Situation};
use jiff::{SignedDuration, Timestamp};

use crate::cluster::FakeCluster;

/// An assessor that only compares: the newest observation against each objective. Signals are healthy where the request rate is.
#[derive(Debug, Clone, Copy, Default)]
pub struct ComparingAssessor;

impl Assessor for ComparingAssessor {
    fn name(&self) -> &str {
        "comparing"
    }

    fn assess(&self, input: &AssessmentInput) -> Assessment {
        let newest = input.history.last();
        let health = newest.map_or(SignalHealth::Missing, |seen| {
            seen.health(&Signal::RequestRate, input.now, input.max_signal_age)
        });
        let judge = |intent: &Arc<Intent>| IntentAssessment {
            intent: intent.key(),
            objectives: intent
                .spec
                .objectives()
                .map(|(expectation, objective)| {
                    let achieved = newest
                        .filter(|_| health == SignalHealth::Fresh)
                        .and_then(|seen| seen.achieved(objective, &input.state.allocation));
                    let met = achieved.map(|achieved| objective.is_met_by(achieved));
                    ObjectiveAssessment {
                        expectation,
                        achieved,
                        met,
                        burn_rate: None,
                    }
                })
                .collect(),
        };
        Assessment {
            intents: input.intents.iter().map(judge).collect(),
            health,
            floor: None,
            model: None,
            forecast: None,
            actions: Vec::new(),
            findings: Vec::new(),
        }
    }
}

/// A recommender that always advises so many replicas, where they are free to move.
#[derive(Debug, Clone, Copy)]
pub struct FixedReplicas(pub u32);

impl Recommender for FixedReplicas {
    fn name(&self) -> &str {
        "fixed"
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        if !situation.is_free(&Field::Replicas) {
            return Recommendation::leave(situation, "Held", "the number of pods is held");
        }
        let reason =
            ibn_core::decision::Reason::new("Fixed", format!("{} pods are advised", self.0));
        Recommendation::new(
            situation.state.allocation.with_replicas(self.0),
            vec![reason],
        )
    }
}

/// Whether an effect is held back: its answer then never comes.
type HoldBack = Box<dyn Fn(&Effect) -> bool>;

/// A cluster that can be played on: it acts and measures, and is told the time of the stage.
pub trait StageCluster: Orchestrator + Monitor {
    /// Sets the instant of observations and receipts, where it doesn't have one of its own.
    fn set_now(&self, now: Timestamp);
}

impl StageCluster for FakeCluster {
    fn set_now(&self, now: Timestamp) {
        Self::set_now(self, now);
    }
}

/// An engine with fakes around it.
pub struct Stage<C = FakeCluster> {
    /// The engine.
    pub engine: Engine,
    /// Its state.
    pub state: State,
    /// The cluster.
    pub cluster: C,
    /// Asked for every assessment.
    pub assessor: Box<dyn Assessor>,
    /// Asked for every recommendation.
    pub recommender: Box<dyn Recommender>,
    /// The instant.
    pub now: Timestamp,
    /// Every effect, in order.
    pub effects: Vec<Effect>,
    /// The ledger.
    pub ledger: Vec<LedgerEntry>,
    /// The store of intents.
    pub stored: BTreeMap<IntentKey, Intent>,
    /// What the ledger answers; `Ok` where absent.
    pub ledger_error: Option<ibn_core::Error>,
    /// What the store answers; `Ok` where absent.
    pub store_error: Option<ibn_core::Error>,
    hold_back: HoldBack,
    requests: u64,
}

impl Stage {
    /// A stage on `cluster` at the beginning of 2026, with default settings and without a twin.
    #[must_use]
    pub fn new(cluster: FakeCluster) -> Self {
        Self::with_engine(
            cluster,
            Engine::new(EngineConfig::default(), Admission::without_twin()),
        )
    }
}

impl<C: StageCluster> Stage<C> {
    /// A stage with an own engine, on any cluster.
    #[must_use]
    pub fn with_engine(cluster: C, engine: Engine) -> Self {
        let now = Timestamp::from_second(1_767_225_600).unwrap_or_default();
        cluster.set_now(now);
        Self {
            engine,
            state: State::new(now),
            cluster,
            assessor: Box::new(ComparingAssessor),
            recommender: Box::new(FixedReplicas(3)),
            now,
            effects: Vec::new(),
            ledger: Vec::new(),
            stored: BTreeMap::new(),
            ledger_error: None,
            store_error: None,
            hold_back: Box::new(|_| false),
            requests: 0,
        }
    }

    /// Holds effects back from now on: they are seen, and never answered.
    pub fn hold_back(&mut self, held: impl Fn(&Effect) -> bool + 'static) {
        self.hold_back = Box::new(held);
    }

    /// Lets time go on, with a tick at every second.
    pub fn run(&mut self, duration: Duration) {
        for _ in 0..duration.as_secs() {
            self.now = self
                .now
                .checked_add(SignedDuration::from_secs(1))
                .unwrap_or(self.now);
            self.cluster.set_now(self.now);
            self.feed(Event::Tick);
        }
    }

    /// Asks for something and lets half a minute pass, so that it is under way; the reply, where it came.
    pub fn ask(&mut self, request: Request) -> Option<Reply> {
        self.requests += 1;
        let id = RequestId(self.requests);
        let before = self.effects.len();
        self.feed(Event::Request(id, request));
        self.run(Duration::from_secs(30));
        self.effects
            .iter()
            .skip(before)
            .find_map(|effect| match effect {
                Effect::Reply(of, reply) if *of == id => Some((**reply).clone()),
                _ => None,
            })
    }

    /// Submits an intent and lets half a minute pass.
    pub fn submit(&mut self, intent: Intent) -> Option<Reply> {
        self.ask(Request::Submit(Box::new(intent)))
    }

    /// Tells the engine something, and carries out what follows.
    pub fn feed(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.engine.step(&mut self.state, event, self.now) {
                self.effects.push(effect.clone());
                if !(self.hold_back)(&effect) {
                    events.extend(self.carry_out(effect));
                }
            }
        }
    }

    /// The intent with its status, as the engine has it.
    #[must_use]
    pub fn intent(&self, namespace: &str, name: &str) -> Option<Arc<Intent>> {
        let key = IntentKey {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        self.state.intent(&key).cloned()
    }

    /// What was said aloud, in order.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        let notice = |effect: &Effect| match effect {
            Effect::Notify(notice) => Some(notice.clone()),
            _ => None,
        };
        self.effects.iter().filter_map(notice).collect()
    }

    /// The codes of what was said aloud, in order.
    #[must_use]
    pub fn notice_codes(&self) -> Vec<String> {
        self.notices()
            .into_iter()
            .map(|notice| notice.reason.code)
            .collect()
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        let answer =
            |error: &Option<ibn_core::Error>| -> Result<()> { error.clone().map_or(Ok(()), Err) };
        match effect {
            Effect::Reply(..) | Effect::Notify(_) | Effect::Learn(..) | Effect::Demote(..) => None,
            Effect::SaveIntent(intent, version) => {
                let result = answer(&self.store_error);
                if result.is_ok() {
                    self.stored.insert(intent.key(), (*intent).clone());
                }
                Some(Event::IntentSaved(intent.key(), version, result))
            }
            Effect::ForgetIntent(key) => {
                self.stored.remove(&key);
                None
            }
            Effect::TakeInventory(turn) => Some(Event::InventoryTaken(
                turn,
                block_on(self.cluster.inventory()),
            )),
            Effect::Observe(turn, workload, window) => {
                let seen = block_on(
                    self.cluster
                        .observe(std::slice::from_ref(&workload), window),
                );
                let seen = seen.and_then(|mut seen| {
                    seen.pop()
                        .ok_or_else(|| ibn_core::Error::not_found(&workload))
                });
                Some(Event::Observed(turn, workload, seen))
            }
            Effect::Assess(turn, workload, input) => Some(Event::Assessed(
                turn,
                workload,
                Ok(self.assessor.assess(&input)),
            )),
            Effect::Recommend(turn, workload, situation) => Some(Event::Recommended(
                turn,
                workload,
                Ok(self.recommender.recommend(&situation)),
            )),
            Effect::Record(entry) => {
                let result = answer(&self.ledger_error);
                if result.is_ok() {
                    self.ledger.push((*entry).clone());
                }
                match (&entry.event, result) {
                    (LedgerEvent::Decided(decision), result) => {
                        Some(Event::Recorded(decision.id, result))
                    }
                    (_, Err(error)) => Some(Event::RecordFailed(entry, error)),
                    (_, Ok(())) => None,
                }
            }
            Effect::Apply(plan) => {
                let decision = plan.decision();
                Some(Event::Applied(
                    decision,
                    block_on(self.cluster.apply(*plan)),
                ))
            }
        }
    }
}
