//! The metrics endpoint, in the text form of OpenMetrics, which Prometheus reads.

use std::collections::BTreeMap;
use std::fmt;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use ibn_core::intent::IntentState;
use ibn_core::observation::Signal;
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::board::TURN_BUCKETS;
use crate::error::Result;
use crate::state::ServerState;

/// Tells what the engine can't know of workloads: counters and histograms since their start.
///
/// A simulated cluster tells it of its pods. On a real one the pods are scraped themselves, and nobody implements it.
pub trait WorkloadMetrics: Send + Sync {
    /// What is known now, one entry for each workload. Counters never go back.
    fn read(&self) -> Vec<WorkloadSample>;
}

/// What is known of one workload. What isn't known is absent or empty.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkloadSample {
    /// Which workload.
    pub workload: WorkloadRef,
    /// Requests by how they ended, since the start.
    pub requests: Vec<(RequestOutcome, u64)>,
    /// Response times of served requests, seconds.
    pub duration: Option<DurationHistogram>,
    /// CPU time that was used by all pods, seconds since the start.
    pub cpu_seconds: Option<f64>,
    /// Memory that all pods use, bytes.
    pub memory_bytes: Option<f64>,
}

impl WorkloadSample {
    /// A sample in which nothing is known.
    #[must_use]
    pub fn new(workload: WorkloadRef) -> Self {
        Self {
            workload,
            requests: Vec::new(),
            duration: None,
            cpu_seconds: None,
            memory_bytes: None,
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestOutcome {
    /// It was served.
    Success,
    /// It failed.
    Error,
    /// It was turned away since the queue was full.
    Dropped,
}

impl RequestOutcome {
    /// The value of the label `outcome`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Dropped => "dropped",
        }
    }
}

/// A histogram since the start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DurationHistogram {
    /// Sum of all durations, seconds.
    pub sum: f64,
    /// Upper end of each bucket in seconds, ascending, with the count of what fell between the one before and it; the
    /// last one may be infinite, what is longer than the last is added otherwise.
    pub buckets: Vec<(f64, u64)>,
    /// All that were counted.
    pub count: u64,
}

/// `GET /metrics`.
pub(crate) async fn metrics(State(state): State<ServerState>) -> Result<Response> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Everything(state)));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

struct Everything(ServerState);

impl fmt::Debug for Everything {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Everything")
    }
}

/// Names and values of labels.
type Labels = Vec<(&'static str, String)>;

impl Collector for Everything {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut out = Out(&mut encoder);
        self.write_workloads(&mut out)?;
        self.write_objectives(&mut out)?;
        self.write_engine(&mut out)?;
        self.write_learning(&mut out)
    }
}

impl Everything {
    fn write_workloads(&self, out: &mut Out<'_, '_>) -> Result<(), fmt::Error> {
        let state = self.0.control().state();
        let workloads = || {
            state
                .inventory()
                .workloads
                .values()
                .filter(|it| it.workload.kind != WorkloadKind::Namespace)
        };
        let told: BTreeMap<WorkloadRef, _> = self
            .0
            .metrics()
            .map(|source| source.read())
            .unwrap_or_default()
            .into_iter()
            .map(|sample| (sample.workload.clone(), sample))
            .collect();

        let requests = told.values().flat_map(|sample| {
            sample.requests.iter().map(|(outcome, count)| {
                let label = ("outcome", outcome.as_str().to_owned());
                (with(of(&sample.workload), label), *count)
            })
        });
        out.counters(
            "ibn_workload_requests",
            "Requests by how they ended",
            requests,
        )?;
        let durations = told
            .values()
            .filter_map(|sample| Some((of(&sample.workload), sample.duration.as_ref()?)));
        out.histograms(
            "ibn_workload_request_duration_seconds",
            "Response times of served requests",
            durations.map(|(labels, histogram)| {
                (labels, histogram.sum, histogram.count, finished(histogram))
            }),
        )?;
        let cpu = told
            .values()
            .filter_map(|sample| Some((of(&sample.workload), sample.cpu_seconds?)));
        out.counters(
            "ibn_workload_cpu_usage_seconds",
            "CPU time used by all pods",
            cpu,
        )?;
        let memory = workloads().filter_map(|it| {
            let told = told
                .get(&it.workload)
                .and_then(|sample| sample.memory_bytes);
            let seen = state.observation(&it.workload);
            let seen = seen.and_then(|seen| seen.value(&Signal::MemoryUsage));
            Some((of(&it.workload), told.or(seen)?))
        });
        out.gauges(
            "ibn_workload_memory_usage_bytes",
            "Memory used by all pods",
            memory,
        )?;
        let requested = workloads().map(|it| {
            let cores = it.allocation.total_requests().cpu.as_cores();
            (of(&it.workload), cores)
        });
        out.gauges(
            "ibn_workload_cpu_requested_cores",
            "CPU requested by all pods",
            requested,
        )?;
        let replicas = workloads().flat_map(|it| {
            [
                ("desired", it.allocation.replicas),
                ("ready", it.ready_replicas),
            ]
            .map(|(label, count)| {
                let label = ("state", label.to_owned());
                (with(of(&it.workload), label), f64::from(count))
            })
        });
        out.gauges("ibn_workload_replicas", "Pods", replicas)
    }

    fn write_objectives(&self, out: &mut Out<'_, '_>) -> Result<(), fmt::Error> {
        let state = self.0.control().state();
        let mut values = Vec::new();
        let mut achieved = Vec::new();
        let mut burn_rates = Vec::new();
        for intent in state.intents().filter(|intent| intent.state().is_live()) {
            let workload = intent.workload();
            let assessment = state.assessment(&workload);
            let assessed = assessment
                .and_then(|all| all.intents.iter().find(|one| one.intent == intent.key()));
            for (idx, objective) in intent.spec.objectives() {
                let mut labels = of(&workload);
                labels.push(("intent", intent.metadata.name.clone()));
                labels.push(("indicator", objective.indicator.as_str().to_owned()));
                values.push((labels.clone(), objective.bound.value().number()));
                let Some(judged) =
                    assessed.and_then(|one| one.objectives.iter().find(|it| it.expectation == idx))
                else {
                    continue;
                };
                achieved.extend(judged.achieved.map(|value| (labels.clone(), value)));
                for (window, rate) in judged
                    .burn_rate
                    .iter()
                    .flat_map(|burn| [("short", burn.short), ("long", burn.long)])
                {
                    burn_rates.push((with(labels.clone(), ("window", window.to_owned())), rate));
                }
            }
        }
        out.gauges(
            "ibn_objective_value",
            "What objectives ask for, in the unit of the indicator",
            values,
        )?;
        out.gauges(
            "ibn_objective_achieved",
            "What was measured of objectives, in the unit of the indicator",
            achieved,
        )?;
        out.gauges(
            "ibn_assurance_burn_rate",
            "How many times faster than allowed error budgets are spent",
            burn_rates,
        )
    }

    fn write_engine(&self, out: &mut Out<'_, '_>) -> Result<(), fmt::Error> {
        let tally = self.0.board().tally();
        let decisions = tally.decisions.iter().map(|((trigger, verdict), count)| {
            let labels = vec![
                ("trigger", trigger.as_str().to_owned()),
                ("verdict", verdict.as_str().to_owned()),
            ];
            (labels, *count)
        });
        out.counters(
            "ibn_engine_decisions",
            "Decisions that were recorded",
            decisions,
        )?;
        let cuts = tally
            .cuts
            .iter()
            .map(|(rule, count)| (vec![("rule", word(rule))], *count));
        out.counters("ibn_guard_cuts", "What the guard did not allow", cuts)?;
        let buckets = TURN_BUCKETS
            .into_iter()
            .chain([f64::MAX])
            .zip(tally.turns.buckets)
            .collect();
        out.histograms(
            "ibn_engine_turn_duration_seconds",
            "Real time that a turn of a workload took",
            [(Vec::new(), tally.turns.sum, tally.turns.count, buckets)],
        )?;
        let state = self.0.control().state();
        let mut intents: BTreeMap<IntentState, u32> = BTreeMap::new();
        for intent in state.intents() {
            *intents.entry(intent.state()).or_default() += 1;
        }
        let intents = ibn_core::lifecycle::STATES.into_iter().map(|state| {
            let count = intents.get(&state).copied().unwrap_or_default();
            (vec![("state", state.as_str().to_owned())], f64::from(count))
        });
        out.gauges("ibn_intents", "Intents by their state", intents)
    }

    fn write_learning(&self, out: &mut Out<'_, '_>) -> Result<(), fmt::Error> {
        let learning = self.0.board().learning();
        let newest = || {
            learning
                .iter()
                .filter_map(|(workload, hours)| Some((workload, hours.last()?)))
        };
        out.gauges(
            "ibn_learner_reward",
            "Mean reward of the current hour",
            newest().map(|(workload, hour)| (of(workload), hour.reward)),
        )?;
        out.gauges(
            "ibn_learner_exploration_ratio",
            "Share of actions that are explored",
            newest().map(|(workload, hour)| (of(workload), hour.exploration)),
        )?;
        out.counters(
            "ibn_learner_experiences",
            "Experiences that were taken in",
            newest().map(|(workload, hour)| (of(workload), hour.experiences_so_far)),
        )
    }
}

/// The name of a value of a closed enum, as JSON writes it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn of(workload: &WorkloadRef) -> Labels {
    vec![
        ("namespace", workload.namespace.clone()),
        ("kind", workload.kind.as_str().to_owned()),
        ("workload", workload.name.clone()),
    ]
}

fn with(mut labels: Labels, label: (&'static str, String)) -> Labels {
    labels.push(label);
    labels
}

/// The buckets with one for everything beyond the last.
fn finished(histogram: &DurationHistogram) -> Vec<(f64, u64)> {
    let mut buckets = histogram.buckets.clone();
    if buckets.last().is_none_or(|(end, _)| end.is_finite()) {
        let counted: u64 = buckets.iter().map(|(_, count)| count).sum();
        buckets.push((f64::MAX, histogram.count.saturating_sub(counted)));
    }
    if let Some((end, _)) = buckets.last_mut() {
        // The encoder's word for infinity.
        *end = f64::MAX;
    }
    buckets
}

/// Writes families of metrics.
struct Out<'a, 'b>(&'a mut DescriptorEncoder<'b>);

impl Out<'_, '_> {
    fn family(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        write: impl FnOnce(&mut MetricEncoder<'_>) -> Result<(), fmt::Error>,
    ) -> Result<(), fmt::Error> {
        let mut encoder = self.0.encode_descriptor(name, help, None, kind)?;
        write(&mut encoder)
    }

    fn gauges(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels, f64)>,
    ) -> Result<(), fmt::Error> {
        self.family(name, help, MetricType::Gauge, |encoder| {
            for (labels, value) in values {
                let gauge = prometheus_client::metrics::gauge::ConstGauge::new(value);
                gauge.encode(encoder.encode_family(&labels)?)?;
            }
            Ok(())
        })
    }

    fn counters<N>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels, N)>,
    ) -> Result<(), fmt::Error>
    where
        N: prometheus_client::encoding::EncodeCounterValue + Copy,
    {
        self.family(name, help, MetricType::Counter, |encoder| {
            for (labels, value) in values {
                let mut encoder = encoder.encode_family(&labels)?;
                encoder.encode_counter::<NoLabelSet, N, u64>(&value, None)?;
            }
            Ok(())
        })
    }

    fn histograms(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels, f64, u64, Vec<(f64, u64)>)>,
    ) -> Result<(), fmt::Error> {
        self.family(name, help, MetricType::Histogram, |encoder| {
            for (labels, sum, count, buckets) in values {
                let mut encoder = encoder.encode_family(&labels)?;
                encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            }
            Ok(())
        })
    }
}
