//! What the handlers share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ibn_core::catalog::Catalog;
use ibn_core::roles::Translator;
use ibn_core::workload::WorkloadRef;
use ibn_runtime::{Control, PacedHandle};
use tokio::sync::Semaphore;

use crate::board::{Board, Durations};
use crate::metrics::WorkloadMetrics;
use crate::reading::Readings;

/// What the handlers share; clones share it too.
#[derive(Clone)]
pub struct ServerState {
    parts: Arc<Parts>,
}

#[derive(Clone)]
struct Parts {
    control: Arc<dyn Control>,
    translator: Arc<dyn Translator>,
    board: Board,
    aliases: BTreeMap<WorkloadRef, Vec<String>>,
    indicators: Vec<String>,
    metrics: Option<Arc<dyn WorkloadMetrics>>,
    pace: Option<Arc<dyn Pace>>,
    config: ServerConfig,
    readings: Arc<Readings>,
    listeners: Arc<Semaphore>,
    sentences: Arc<Mutex<Sentences>>,
}

/// What came of sentences since the start.
#[derive(Debug, Clone)]
pub(crate) struct Sentences {
    pub(crate) outcomes: BTreeMap<&'static str, u64>,
    pub(crate) durations: Durations,
}

/// Upper ends of the buckets of the time that a translation takes, seconds.
const TRANSLATION_BOUNDS: [f64; 9] = [0.001, 0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Settings of the server; [`ServerConfig::default`] is right for a local one.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Names under which it may be asked, beside addresses and `localhost`; a name with or without port.
    pub hosts: Arc<[String]>,
    /// How long a request may take.
    pub timeout: Duration,
    /// Clients that may listen to events at once.
    pub listeners: usize,
    /// Sentences that the start page offers.
    pub examples: Arc<[String]>,
    /// What is controlled, in a few words, for the pages; such as `simulated cluster` or the name of a context.
    pub place: String,
}

impl Default for ServerConfig {
    fn default() -> Self {
        let examples = [
            "keep checkout in acme under 200 ms p95 as cheaply as you can, at most 12 pods",
            "give web in globex 50 % more CPU",
            "at least 2 and at most 6 pods for worker in acme",
            "scale web in initech to 5",
            "globex may use at most 8 cores",
        ];
        Self {
            hosts: Arc::new([]),
            timeout: Duration::from_secs(30),
            listeners: 64,
            examples: examples.map(str::to_owned).into(),
            place: "cluster".to_owned(),
        }
    }
}

/// Whoever can let simulated time go faster and slower.
pub trait Pace: Send + Sync {
    /// Simulated seconds per real second; 0 where time stands still.
    fn speed(&self) -> f64;

    /// Changes the speed.
    fn set_speed(&self, speed: f64);
}

/// The pace of a [`ibn_runtime::PacedDriver`].
pub struct DriverPace {
    handle: PacedHandle,
    speed: AtomicU64,
}

impl DriverPace {
    /// The pace of the driver behind `handle`, which was started at `speed`.
    #[must_use]
    pub fn new(handle: PacedHandle, speed: f64) -> Self {
        Self {
            handle,
            speed: AtomicU64::new(speed.to_bits()),
        }
    }
}

impl Pace for DriverPace {
    fn speed(&self) -> f64 {
        f64::from_bits(self.speed.load(Ordering::Relaxed))
    }

    fn set_speed(&self, speed: f64) {
        self.speed.store(speed.to_bits(), Ordering::Relaxed);
        self.handle.set_speed(speed);
    }
}

impl ServerState {
    /// What is needed at least: a running engine, a translator, and the board that hears the engine's driver.
    #[must_use]
    pub fn new(control: Arc<dyn Control>, translator: Arc<dyn Translator>, board: Board) -> Self {
        let config = ServerConfig::default();
        Self {
            parts: Arc::new(Parts {
                control,
                translator,
                board,
                aliases: BTreeMap::new(),
                indicators: Vec::new(),
                metrics: None,
                pace: None,
                listeners: Arc::new(Semaphore::new(config.listeners)),
                config,
                readings: Arc::new(Readings::default()),
                sentences: Arc::new(Mutex::new(Sentences {
                    outcomes: BTreeMap::new(),
                    durations: Durations::new(&TRANSLATION_BOUNDS),
                })),
            }),
        }
    }

    /// The same with customers' own names of workloads.
    #[must_use]
    pub fn with_aliases(self, aliases: BTreeMap<WorkloadRef, Vec<String>>) -> Self {
        self.with(|parts| parts.aliases = aliases)
    }

    /// The same with the names of `Indicator` objects.
    #[must_use]
    pub fn with_indicators(self, indicators: Vec<String>) -> Self {
        self.with(|parts| parts.indicators = indicators)
    }

    /// The same with a source of what the engine can't know of workloads.
    #[must_use]
    pub fn with_metrics(self, metrics: Arc<dyn WorkloadMetrics>) -> Self {
        self.with(|parts| parts.metrics = Some(metrics))
    }

    /// The same with a speed that can be changed; without one, time is real.
    #[must_use]
    pub fn with_pace(self, pace: Arc<dyn Pace>) -> Self {
        self.with(|parts| parts.pace = Some(pace))
    }

    /// The same with other settings.
    #[must_use]
    pub fn with_config(self, config: ServerConfig) -> Self {
        self.with(|parts| {
            parts.listeners = Arc::new(Semaphore::new(config.listeners));
            parts.config = config;
        })
    }

    fn with(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(Arc::make_mut(&mut self.parts));
        self
    }

    pub(crate) fn control(&self) -> &dyn Control {
        self.parts.control.as_ref()
    }

    pub(crate) fn translator(&self) -> &dyn Translator {
        self.parts.translator.as_ref()
    }

    pub(crate) fn board(&self) -> &Board {
        &self.parts.board
    }

    pub(crate) fn metrics(&self) -> Option<&Arc<dyn WorkloadMetrics>> {
        self.parts.metrics.as_ref()
    }

    pub(crate) fn pace(&self) -> Option<&dyn Pace> {
        self.parts.pace.as_deref()
    }

    /// Simulated seconds per real second.
    pub(crate) fn speed(&self) -> f64 {
        self.pace().map_or(1.0, Pace::speed)
    }

    pub(crate) fn config(&self) -> &ServerConfig {
        &self.parts.config
    }

    pub(crate) fn readings(&self) -> &Readings {
        &self.parts.readings
    }

    pub(crate) fn sentences(&self) -> Sentences {
        self.parts
            .sentences
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn count_sentence(&self, outcome: &'static str, took: Duration) {
        let mut sentences = self
            .parts
            .sentences
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *sentences.outcomes.entry(outcome).or_default() += 1;
        sentences.durations.observe(took);
    }

    pub(crate) fn listeners(&self) -> &Arc<Semaphore> {
        &self.parts.listeners
    }

    /// The closed list of names at this moment.
    pub(crate) fn catalog(&self) -> Catalog {
        Catalog::from_inventory(
            self.control().state().inventory(),
            &self.parts.aliases,
            self.parts.indicators.clone(),
        )
    }

    pub(crate) fn aliases(&self, workload: &WorkloadRef) -> &[String] {
        self.parts
            .aliases
            .get(workload)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}
