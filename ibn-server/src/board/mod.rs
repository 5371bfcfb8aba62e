//! The read model: what the driver was heard to do, kept for pages, API and metrics in bounded memory.

mod durations;
mod learning;
mod series;
mod tally;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ibn_core::allocation::Allocation;
use ibn_core::assessment::AssessmentInput;
use ibn_core::decision::{DecisionId, LedgerEntry, LedgerEvent};
use ibn_core::engine::{Effect, Event, Notice};
use ibn_core::intent::{Bound, IndicatorName};
use ibn_core::observation::{Observation, Signal};
use ibn_core::units::Quantile;
use ibn_core::workload::{Inventory, WorkloadKind, WorkloadRef};
use ibn_runtime::{Happening, Listener};
use jiff::Timestamp;
use serde::Serialize;

pub(crate) use durations::Durations;
pub(crate) use learning::Learner;
pub use learning::LearningHour;
pub use series::{Point, Sample, Series};
pub(crate) use tally::{Tally, VerdictKind};

use crate::openapi::schema;
use crate::record::DecisionRecord;
use learning::Learning;

/// Decisions that are kept.
const DECISIONS: usize = 400;

/// Notices that are kept.
const NOTICES: usize = 300;

/// Workloads whose series are kept; each takes about 50 KiB.
const WORKLOADS: usize = 500;

/// The fine series: the last hour.
const FINE: (Duration, usize) = (Duration::from_secs(15), 240);

/// The coarse series: the last 24 hours.
const COARSE: (Duration, usize) = (Duration::from_secs(300), 288);

/// Hears a driver and keeps what pages, API and metrics show. Clones share what they keep.
///
/// Give one clone to the driver (`driver.listen(board.clone())`) and one to [`crate::ServerState::new`].
#[derive(Debug, Clone, Default)]
pub struct Board {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    workloads: BTreeMap<WorkloadRef, History>,
    decisions: BTreeMap<DecisionId, Arc<DecisionRecord>>,
    notices: VecDeque<HeardNotice>,
    learning: Learning,
    tally: Tally,
}

/// What is kept of one workload.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The quantile of the newest latency in the series.
    #[schema(value_type = f64)]
    pub quantile: Quantile,
    /// The last hour.
    pub hour: Series,
    /// The last 24 hours.
    pub day: Series,
}

impl Default for History {
    fn default() -> Self {
        Self {
            quantile: Quantile::P95,
            hour: Series::new(FINE.0, FINE.1),
            day: Series::new(COARSE.0, COARSE.1),
        }
    }
}

impl History {
    fn push(&mut self, now: Timestamp, sample: &Sample) {
        self.hour.push(now, sample);
        self.day.push(now, sample);
    }
}

/// Something that was said aloud, with its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeardNotice {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    #[schema(value_type = schema::Notice)]
    pub notice: Notice,
}

impl Board {
    /// A board that has heard nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what the ledger holds from before, oldest first, so that the newest decisions are there after a restart.
    pub fn take_in(&self, entries: impl IntoIterator<Item = LedgerEntry>) {
        let mut inner = self.lock();
        for entry in entries {
            inner.record(&entry);
        }
    }

    /// What is kept of a workload.
    #[must_use]
    pub fn history(&self, workload: &WorkloadRef) -> Option<History> {
        self.lock().workloads.get(workload).cloned()
    }

    /// The newest decisions, the newest first.
    #[must_use]
    pub fn decisions(&self, last: usize) -> Vec<Arc<DecisionRecord>> {
        self.lock()
            .decisions
            .values()
            .rev()
            .take(last)
            .cloned()
            .collect()
    }

    /// The newest notices, the newest first.
    #[must_use]
    pub fn notices(&self, last: usize) -> Vec<HeardNotice> {
        self.lock()
            .notices
            .iter()
            .rev()
            .take(last)
            .cloned()
            .collect()
    }

    /// What learners reported, hour by hour, oldest first, of each workload.
    #[must_use]
    pub fn learning(&self) -> BTreeMap<WorkloadRef, Vec<LearningHour>> {
        self.lock().learning.by_workload()
    }

    /// How often each code of a reason or notice was heard.
    #[must_use]
    pub fn reasons(&self) -> BTreeMap<String, u64> {
        self.lock().tally.reasons.clone()
    }

    pub(crate) fn learners(&self) -> BTreeMap<WorkloadRef, Learner> {
        self.lock().learning.learners().clone()
    }

    pub(crate) fn tally(&self) -> Tally {
        self.lock().tally.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Board {
    fn hear(&mut self, now: Timestamp, what: Happening<'_>) {
        let mut inner = self.lock();
        match what {
            Happening::Event(Event::InventoryTaken(_, Ok(inventory))) => {
                inner.take_inventory(now, inventory);
            }
            Happening::Event(Event::Learned(workload, report)) => {
                inner.learning.take(now, workload, report);
            }
            Happening::Event(Event::Assessed(_, workload, result)) => {
                inner.tally.note_turn(workload);
                for action in result.iter().flat_map(|assessment| &assessment.actions) {
                    inner.tally.count_action(action);
                }
            }
            Happening::Event(Event::Recommended(_, workload, _)) => {
                inner.tally.note_turn(workload);
            }
            Happening::Event(Event::Applied(_, Ok(receipt))) => {
                inner.tally.applied += 1;
                inner.tally.note_turn(&receipt.workload);
            }
            Happening::Event(Event::Applied(_, Err(_))) => inner.tally.failed += 1,
            Happening::Effect(Effect::Demote(workload, _)) => inner.learning.demote(workload),
            Happening::Effect(Effect::Observe(_, workload, _)) => inner.tally.begin_turn(workload),
            Happening::Effect(Effect::Assess(_, workload, input)) => {
                inner.sample(now, workload, input);
            }
            Happening::Effect(Effect::Notify(notice)) => {
                inner.tally.count_reason(&notice.reason.code);
                inner.notices.push_back(HeardNotice {
                    at: now,
                    notice: notice.clone(),
                });
                while inner.notices.len() > NOTICES {
                    inner.notices.pop_front();
                }
            }
            Happening::Effect(Effect::Record(entry)) => {
                if let LedgerEvent::Decided(decision) = &entry.event {
                    inner.tally.count_decision(decision);
                    if let Some(trace) = &decision.policy {
                        inner.learning.name(&decision.workload, &trace.policy);
                    }
                }
                inner.record(entry);
            }
            _ => {}
        }
    }
}

impl Inner {
    fn take_inventory(&mut self, now: Timestamp, inventory: &Inventory) {
        let is_there = |workload: &WorkloadRef| inventory.workloads.contains_key(workload);
        self.workloads.retain(|workload, _| is_there(workload));
        self.learning.retain(is_there);
        self.tally.retain(is_there);
        for state in inventory.workloads.values() {
            let mut sample = asked(&state.allocation);
            sample.ready = Some(state.ready_replicas as f32);
            self.push(now, &state.workload, &sample);
        }
    }

    fn sample(&mut self, now: Timestamp, workload: &WorkloadRef, input: &AssessmentInput) {
        let objective = strictest_latency(input);
        let quantile = objective.map_or(Quantile::P95, |(quantile, _)| quantile);
        let mut sample = asked(&input.state.allocation);
        sample.ready = Some(input.state.ready_replicas as f32);
        sample.latency_objective = objective.map(|(_, seconds)| seconds as f32);
        if let Some(observation) = input.history.last() {
            measured(&mut sample, observation, quantile);
        }
        self.push(now, workload, &sample);
        if let Some(history) = self.workloads.get_mut(workload) {
            history.quantile = quantile;
        }
    }

    fn push(&mut self, now: Timestamp, workload: &WorkloadRef, sample: &Sample) {
        if workload.kind == WorkloadKind::Namespace {
            return;
        }
        if let Some(history) = self.workloads.get_mut(workload) {
            history.push(now, sample);
        } else if self.workloads.len() < WORKLOADS {
            let mut history = History::default();
            history.push(now, sample);
            self.workloads.insert(workload.clone(), history);
        }
    }

    fn record(&mut self, entry: &LedgerEntry) {
        match &entry.event {
            LedgerEvent::Decided(decision) => {
                let record = Arc::new(DecisionRecord::new((**decision).clone()));
                self.decisions.insert(decision.id, record);
                while self.decisions.len() > DECISIONS {
                    self.decisions.pop_first();
                }
            }
            event => {
                if let Some(record) = self.decisions.get_mut(&event.decision()) {
                    Arc::make_mut(record).take(entry.at, event);
                }
            }
        }
    }
}

/// What an allocation asks for.
fn asked(allocation: &Allocation) -> Sample {
    let replicas = f64::from(allocation.replicas);
    let requests = allocation.total_requests();
    Sample {
        replicas: Some(replicas as f32),
        cpu_requested: Some(requests.cpu.as_cores() as f32),
        cpu_limit: Some((allocation.pod_limits().cpu.as_cores() * replicas) as f32),
        memory_requested: Some(requests.memory.get() as f32),
        ..Sample::default()
    }
}

fn measured(sample: &mut Sample, seen: &Observation, quantile: Quantile) {
    let value = |signal: Signal| seen.value(&signal).map(|value| value as f32);
    sample.ready = value(Signal::ReadyReplicas).or(sample.ready);
    sample.cpu_used = value(Signal::CpuUsage);
    sample.memory_used = value(Signal::MemoryUsage);
    sample.request_rate = value(Signal::RequestRate);
    sample.latency = value(Signal::Latency(quantile));
    sample.error_rate = value(Signal::ErrorRate);
}

/// The latency objective with the least bound among the intents that are assessed.
fn strictest_latency(input: &AssessmentInput) -> Option<(Quantile, f64)> {
    input
        .intents
        .iter()
        .flat_map(|intent| intent.spec.objectives())
        .filter_map(
            |(_, objective)| match (&objective.indicator, &objective.bound) {
                (IndicatorName::Latency, Bound::AtMost(value)) => {
                    Some((objective.quantile(), value.number()))
                }
                _ => None,
            },
        )
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
}
