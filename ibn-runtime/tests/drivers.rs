//! Both drivers run the same engine to the same effects.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ibn_core::admission::Admission;
use ibn_core::allocation::FieldChange;
use ibn_core::decision::{LedgerEntry, LedgerEvent};
use ibn_core::engine::{Effect, Engine, EngineConfig, Event, Reply, Request, State};
use ibn_core::guard::{ApprovedPlan, Desired, Receipt};
use ibn_core::intent::{Amount, Bound, Directive, Expectation, IndicatorName, Intent, Objective};
use ibn_core::observation::{Observation, Signal};
use ibn_core::roles::{
    Checkpoint, Clock, LearnReport, Ledger, LedgerQuery, Monitor, Orchestrator, PolicyLearner,
    Recommender,
};
use ibn_core::situation::{Experience, Recommendation, Situation};
use ibn_core::units::Quantile;
use ibn_core::workload::{Inventory, WorkloadRef};
use ibn_runtime::Control as _;
use ibn_runtime::{
    Happening, LiveDriver, MemoryStore, RecommenderPool, Roles, VirtualDriver, World,
};
use ibn_testkit::cluster::FakeCluster;
use ibn_testkit::stage::{ComparingAssessor, FixedReplicas};
use jiff::{SignedDuration, Timestamp};

const START: i64 = 1_767_225_600;

fn start() -> Timestamp {
    Timestamp::from_second(START).unwrap()
}

fn cluster() -> FakeCluster {
    let mut cluster = FakeCluster::new();
    for name in ["api", "web", "worker"] {
        cluster = cluster.with_deployment("acme", name, 3, "500m", "256Mi");
        let workload = WorkloadRef::deployment("acme", name);
        cluster.set_signal(&workload, Signal::RequestRate, 50.0);
        cluster.set_signal(&workload, Signal::CpuUsage, 0.5);
        cluster.set_signal(&workload, Signal::Latency(Quantile::P95), 0.3);
    }
    cluster.set_now(start());
    cluster
}

/// What is asked, and how many seconds after the start.
fn requests() -> Vec<(u64, Request)> {
    let workload = |name| WorkloadRef::deployment("acme", name);
    let directive = Intent::new("web-five", &workload("web")).with_expectation(
        Expectation::Directive(Directive::Replicas(Amount::Scale(2.0))),
    );
    let bound = Bound::AtMost(IndicatorName::Latency.parse_value("200ms").unwrap());
    let objective = Objective {
        indicator: IndicatorName::Latency,
        quantile: None,
        bound,
        window: None,
    };
    let fast = |name| {
        Intent::new(&format!("{name}-fast"), &workload(name))
            .with_expectation(Expectation::Objective(objective.clone()))
    };
    vec![
        (7, Request::Submit(Box::new(directive))),
        (31, Request::Submit(Box::new(fast("api")))),
        (31, Request::Submit(Box::new(fast("worker")))),
        (
            90,
            Request::SetMode(workload("web"), ibn_core::intent::Mode::Suspended),
        ),
    ]
}

fn engine() -> Engine {
    Engine::new(EngineConfig::default(), Admission::without_twin())
}

fn roles<C: Orchestrator + Monitor + Clone + 'static>(cluster: &C, store: &MemoryStore) -> Roles {
    Roles {
        orchestrator: Arc::new(cluster.clone()),
        monitor: Arc::new(cluster.clone()),
        assessor: Arc::new(ComparingAssessor),
        intents: Arc::new(store.clone()),
        ledger: Arc::new(store.clone()),
        recommenders: RecommenderPool::new(|_| Box::new(FixedReplicas(5))),
    }
}

/// The cluster's time goes along with virtual time.
struct FakeWorld(FakeCluster);

impl World for FakeWorld {
    fn advance_to(&mut self, now: Timestamp) {
        self.0.set_now(now);
    }
}

/// A cluster whose time is tokio's.
#[derive(Clone)]
struct TimedCluster(FakeCluster, Arc<TokioClock>);

struct TokioClock(tokio::time::Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.0.elapsed()).unwrap();
        start().checked_add(elapsed).unwrap()
    }
}

#[async_trait]
impl Orchestrator for TimedCluster {
    async fn inventory(&self) -> ibn_core::Result<Inventory> {
        self.0.inventory().await
    }

    async fn preview(&self, plan: &ApprovedPlan) -> ibn_core::Result<Vec<FieldChange>> {
        self.0.preview(plan).await
    }

    async fn apply(&self, plan: ApprovedPlan) -> ibn_core::Result<Receipt> {
        self.0.set_now(self.1.now());
        self.0.apply(plan).await
    }
}

#[async_trait]
impl Monitor for TimedCluster {
    async fn observe(
        &self,
        workloads: &[WorkloadRef],
        window: Duration,
    ) -> ibn_core::Result<Vec<Observation>> {
        self.0.set_now(self.1.now());
        self.0.observe(workloads, window).await
    }
}

#[derive(Clone, Default)]
struct Recording {
    events: Arc<Mutex<Vec<(Timestamp, Event)>>>,
    effects: Arc<Mutex<Vec<Effect>>>,
}

impl Recording {
    fn listener(&self) -> impl FnMut(Timestamp, Happening<'_>) + Send + 'static {
        let recording = self.clone();
        move |now, what| match what {
            Happening::Event(event) => recording.events.lock().unwrap().push((now, event.clone())),
            Happening::Effect(effect) => recording.effects.lock().unwrap().push(effect.clone()),
        }
    }
}

async fn run_live(seconds: u64) -> (Recording, MemoryStore, FakeCluster) {
    let clock = Arc::new(TokioClock(tokio::time::Instant::now()));
    let fake = cluster();
    let timed = TimedCluster(fake.clone(), Arc::clone(&clock));
    let store = MemoryStore::new();
    let mut driver = LiveDriver::new(engine(), State::new(start()), roles(&timed, &store), clock);
    let recording = Recording::default();
    driver.listen(recording.listener());
    let (handle, task) = driver.spawn();
    let mut passed = 0;
    for (at, request) in requests() {
        tokio::time::sleep(Duration::from_secs(at - passed)).await;
        passed = at;
        let reply = handle.request(request).await.unwrap();
        assert!(!matches!(reply, Reply::Failed(_)), "{reply:?}");
    }
    tokio::time::sleep(Duration::from_secs(seconds - passed)).await;
    handle.stop().await;
    task.await.unwrap();
    (recording, store, fake)
}

fn run_virtual(seconds: u64) -> (Recording, MemoryStore, FakeCluster) {
    run_on_threads(1, seconds, roles)
}

fn run_on_threads(
    threads: usize,
    seconds: u64,
    roles: impl Fn(&FakeCluster, &MemoryStore) -> Roles,
) -> (Recording, MemoryStore, FakeCluster) {
    let fake = cluster();
    let store = MemoryStore::new();
    let world = FakeWorld(fake.clone());
    let mut driver = VirtualDriver::new(
        engine(),
        State::new(start()),
        roles(&fake, &store),
        world,
        start(),
    )
    .with_threads(threads);
    let recording = Recording::default();
    driver.listen(recording.listener());
    for (at, request) in requests() {
        driver.run_until(
            start()
                .checked_add(SignedDuration::from_secs(at as i64))
                .unwrap(),
        );
        driver.request(request);
        driver.feed(Event::Tick);
    }
    driver.run_until(
        start()
            .checked_add(SignedDuration::from_secs(seconds as i64))
            .unwrap(),
    );
    (recording, store, fake)
}

/// What was done to each workload, in order, without the numbers of decisions and the instants, which may differ by interleaving.
fn deeds(entries: Vec<LedgerEntry>) -> BTreeMap<WorkloadRef, Vec<(Desired, Desired)>> {
    let mut deeds: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in entries {
        if let LedgerEvent::Applied(receipt) = entry.event {
            deeds
                .entry(receipt.workload.clone())
                .or_default()
                .push((receipt.previous, receipt.applied));
        }
    }
    deeds
}

#[tokio::test(start_paused = true)]
async fn the_events_of_a_live_run_lead_to_the_same_effects_in_virtual_time() {
    let (recording, ..) = run_live(180).await;
    let events = recording.events.lock().unwrap().clone();
    let effects = recording.effects.lock().unwrap().clone();
    assert!(events.len() > 50, "{}", events.len());
    let (engine, mut state) = (engine(), State::new(start()));
    let mut replayed = Vec::new();
    for (now, event) in events {
        replayed.extend(engine.step(&mut state, event, now));
    }
    assert_eq!(replayed, effects);
}

#[tokio::test(start_paused = true)]
async fn both_drivers_do_the_same_to_the_cluster() {
    let (_, live_store, live_cluster) = run_live(180).await;
    let (_, virtual_store, virtual_cluster) = run_virtual(180);
    let ledger = async |store: &MemoryStore| store.query(&LedgerQuery::default()).await.unwrap();
    let (live, virtually) = (
        deeds(ledger(&live_store).await),
        deeds(ledger(&virtual_store).await),
    );
    assert_eq!(live, virtually);
    assert_eq!(
        live.len(),
        3,
        "web by directive, api and worker by their recommenders"
    );
    for name in ["api", "web", "worker"] {
        let workload = WorkloadRef::deployment("acme", name);
        assert_eq!(
            live_cluster.replicas(&workload),
            virtual_cluster.replicas(&workload)
        );
    }
}

#[test]
fn virtual_time_is_the_same_to_the_effect_every_time() {
    let effects = || run_virtual(600).0.effects.lock().unwrap().clone();
    assert_eq!(effects(), effects());
}

/// What it advises depends on how often it was asked and on what it learned, and what it is asked first takes longest.
struct Counting {
    asked: u32,
    learned: u32,
    slow: bool,
}

impl Recommender for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        if self.slow {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.asked += 1;
        let mut recommendation = FixedReplicas(0).recommend(situation);
        recommendation.allocation.replicas = 2 + (self.asked + 3 * self.learned) % 4;
        recommendation
    }

    fn as_learner(&mut self) -> Option<&mut dyn PolicyLearner> {
        Some(self)
    }
}

impl PolicyLearner for Counting {
    fn learn(&mut self, _: &Experience) -> LearnReport {
        self.learned += 1;
        LearnReport::default()
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            learner: "counting".to_owned(),
            version: 1,
            encoding: 1,
            data: vec![],
        }
    }

    fn restore(&mut self, _: &Checkpoint) -> ibn_core::Result<()> {
        Err(ibn_core::Error::not_found("a checkpoint"))
    }
}

#[test]
fn it_does_not_matter_how_many_threads_answer() {
    let run = |threads| {
        let (recording, store, fake) = run_on_threads(threads, 900, |cluster, store| Roles {
            recommenders: RecommenderPool::new(|workload| {
                Box::new(Counting {
                    asked: 0,
                    learned: 0,
                    slow: workload.name == "api",
                })
            }),
            ..roles(cluster, store)
        });
        let events = recording.events.lock().unwrap().clone();
        let effects = recording.effects.lock().unwrap().clone();
        let entries = futures::executor::block_on(store.query(&LedgerQuery::default())).unwrap();
        let pods = ["api", "web", "worker"]
            .map(|name| fake.replicas(&WorkloadRef::deployment("acme", name)));
        (events, effects, entries, pods)
    };
    let alone = run(1);
    let learned = alone
        .1
        .iter()
        .filter(|effect| matches!(effect, Effect::Learn(..)));
    assert!(learned.count() > 20);
    for threads in [2, 3, 8] {
        assert!(run(threads) == alone, "{threads} threads");
    }
}

#[test]
fn it_does_not_matter_in_which_steps_virtual_time_goes_on() {
    let (recording, ..) = run_virtual(300);
    let fake = cluster();
    let store = MemoryStore::new();
    let mut driver = VirtualDriver::new(
        engine(),
        State::new(start()),
        roles(&fake, &store),
        FakeWorld(fake.clone()),
        start(),
    );
    let small = Recording::default();
    driver.listen(small.listener());
    let mut requests = requests().into_iter().peekable();
    for millis in (0..=300_000).step_by(250) {
        driver.run_until(
            start()
                .checked_add(SignedDuration::from_millis(millis))
                .unwrap(),
        );
        while let Some((_, request)) = requests.next_if(|(at, _)| *at as i64 * 1000 == millis) {
            driver.request(request);
            driver.feed(Event::Tick);
        }
    }
    assert_eq!(
        *small.effects.lock().unwrap(),
        *recording.effects.lock().unwrap()
    );
}

/// Answers for one workload never come.
#[derive(Clone)]
struct Hanging(TimedCluster);

#[async_trait]
impl Monitor for Hanging {
    async fn observe(
        &self,
        workloads: &[WorkloadRef],
        window: Duration,
    ) -> ibn_core::Result<Vec<Observation>> {
        if workloads.iter().any(|workload| workload.name == "web") {
            std::future::pending::<()>().await;
        }
        self.0.observe(workloads, window).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_monitor_that_hangs_for_one_workload_holds_nobody_else_up() {
    let clock = Arc::new(TokioClock(tokio::time::Instant::now()));
    let fake = cluster();
    let timed = TimedCluster(fake.clone(), Arc::clone(&clock));
    let store = MemoryStore::new();
    let roles = Roles {
        monitor: Arc::new(Hanging(timed.clone())),
        ..roles(&timed, &store)
    };
    let driver = LiveDriver::new(engine(), State::new(start()), roles, clock);
    let (handle, task) = driver.spawn();
    for (_, request) in requests().into_iter().take(2) {
        handle.request(request).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(120)).await;
    let workload = |name| WorkloadRef::deployment("acme", name);
    assert_eq!(fake.replicas(&workload("api")), 5);
    assert_eq!(
        fake.replicas(&workload("web")),
        6,
        "growing needs no signals"
    );
    handle.stop().await;
    task.await.unwrap();
}
