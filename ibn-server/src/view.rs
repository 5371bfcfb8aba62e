//! What pages and API say of a workload, from the engine's state.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use ibn_core::allocation::{Allocation, Field, PodResources, QuotaLimits};
use ibn_core::assessment::Assessment;
use ibn_core::conflict::{HeldField, holders, is_acting};
use ibn_core::engine::State;
use ibn_core::envelope::Envelope;
use ibn_core::intent::{Bound, IndicatorName, Intent, IntentKey, IntentState, Mode};
use ibn_core::observation::{Observation, Signal, SignalHealth};
use ibn_core::units::Quantile;
use ibn_core::workload::{WorkloadKind, WorkloadRef, WorkloadState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::format;
use crate::openapi::schema;

/// A pause that holds: an intent that says nothing but a mode puts all others on its workload into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Of which workload.
    #[schema(value_type = schema::WorkloadRef)]
    pub workload: WorkloadRef,
    /// By which intent.
    #[schema(value_type = schema::IntentKey)]
    pub intent: IntentKey,
    /// `Suspended` where nothing is done, `Advise` where it is only told what would be done.
    #[schema(value_type = schema::Mode)]
    pub mode: Mode,
    /// When it ends; absent where it holds until it is withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

impl Pause {
    /// The pause that holds on a workload: the one that does least, and of those the one that ends last.
    pub(crate) fn on(workload: &WorkloadRef, state: &State, now: Timestamp) -> Option<Self> {
        intents_on(state, workload)
            .filter_map(|intent| Self::by(intent, now))
            .max_by_key(|pause| {
                let end = pause.until.unwrap_or(Timestamp::MAX);
                (pause.mode == Mode::Suspended, end)
            })
    }

    /// All that hold, in order of their workload.
    pub(crate) fn all(state: &State, now: Timestamp) -> Vec<Self> {
        let paused: BTreeSet<WorkloadRef> = state
            .intents()
            .filter_map(|intent| Self::by(intent, now))
            .map(|pause| pause.workload)
            .collect();
        paused
            .iter()
            .filter_map(|workload| Self::on(workload, state, now))
            .collect()
    }

    /// The pause that keeps back what an intent wants; nothing for an intent that only speaks of the mode itself.
    pub(crate) fn of(intent: &Intent, state: &State, now: Timestamp) -> Option<Self> {
        match intent.spec.only_mode() {
            Some(_) => None,
            None => Self::on(&intent.workload(), state, now),
        }
    }

    /// What an intent pauses at this instant.
    fn by(intent: &Intent, now: Timestamp) -> Option<Self> {
        let mode = intent
            .spec
            .only_mode()
            .filter(|mode| *mode != Mode::Enforce)?;
        let validity = intent.spec.validity.unwrap_or_default();
        let is_over = matches!(
            intent.state(),
            IntentState::Received
                | IntentState::Rejected
                | IntentState::Infeasible
                | IntentState::Finished
        ) || intent.metadata.deletion_timestamp.is_some()
            || validity.is_over(now);
        (!is_over && validity.has_begun(now)).then(|| Self {
            workload: intent.workload(),
            intent: intent.key(),
            mode,
            until: validity.until,
        })
    }
}

/// Such as `paused until Mon 12 Jan, 18:00:00 UTC (by intent acme/web-pause)`.
impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.mode {
            Mode::Suspended => "paused",
            Mode::Advise | Mode::Enforce => "only advised on",
        })?;
        if let Some(until) = self.until {
            write!(f, " until {} UTC", format::moment(until))?;
        }
        write!(f, " (by intent {})", self.intent)
    }
}

/// A workload at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadSummary {
    /// Which workload.
    #[schema(value_type = schema::WorkloadRef)]
    pub workload: WorkloadRef,
    /// Customers' own names for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What it is given.
    #[schema(value_type = schema::Allocation)]
    pub allocation: Allocation,
    /// The quota, where it is a namespace that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::QuotaLimits>)]
    pub quota: Option<QuotaLimits>,
    /// Pods that are ready.
    pub ready_replicas: u32,
    /// The sum of requests over all pods.
    #[schema(value_type = schema::PodResources)]
    pub requests: PodResources,
    /// Cores used by all pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_used: Option<f64>,
    /// Bytes used by all pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used: Option<f64>,
    /// Requests per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_rate: Option<f64>,
    /// Share of requests that failed, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<f64>,
    /// The quantile of `latency`: that of the strictest latency objective, 0.95 where there is none.
    #[schema(value_type = f64)]
    pub quantile: Quantile,
    /// The response time at the quantile, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<f64>,
    /// The strictest latency objective, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_objective: Option<f64>,
    /// The worst health of the signals that its intents need; absent where it isn't observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::SignalHealth>)]
    pub health: Option<SignalHealth>,
    /// Its intents with their state.
    pub intents: Vec<IntentGlance>,
    /// The pause that holds on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
}

/// An intent at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntentGlance {
    /// Which intent.
    #[schema(value_type = schema::IntentKey)]
    pub intent: IntentKey,
    /// Where it stands.
    #[schema(value_type = schema::IntentState)]
    pub state: IntentState,
    /// Whether it acts.
    #[schema(value_type = schema::Mode)]
    pub mode: Mode,
}

impl WorkloadSummary {
    /// The summary of what is live.
    pub(crate) fn of(
        live: &WorkloadState,
        state: &State,
        aliases: &[String],
        now: Timestamp,
    ) -> Self {
        let workload = &live.workload;
        let intents: Vec<&Arc<Intent>> = intents_on(state, workload).collect();
        let (quantile, latency_objective) = latency_objective(&intents)
            .map_or((Quantile::P95, None), |(quantile, seconds)| {
                (quantile, Some(seconds))
            });
        let seen = state.observation(workload);
        let value = |signal: Signal| seen.and_then(|seen| seen.value(&signal));
        Self {
            workload: workload.clone(),
            aliases: aliases.to_vec(),
            allocation: live.allocation.clone(),
            quota: live.quota,
            ready_replicas: live.ready_replicas,
            requests: live.allocation.total_requests(),
            cpu_used: value(Signal::CpuUsage),
            memory_used: value(Signal::MemoryUsage),
            request_rate: value(Signal::RequestRate),
            error_rate: value(Signal::ErrorRate),
            quantile,
            latency: value(Signal::Latency(quantile)),
            latency_objective,
            health: state
                .assessment(workload)
                .map(|assessment| assessment.health),
            intents: intents
                .iter()
                .map(|intent| IntentGlance {
                    intent: intent.key(),
                    state: intent.state(),
                    mode: intent.spec.mode(),
                })
                .collect(),
            paused: Pause::on(workload, state, now),
        }
    }

    /// Whether the latency is above its objective; `None` where either isn't known.
    #[must_use]
    pub fn is_violated(&self) -> Option<bool> {
        Some(self.latency? > self.latency_objective?)
    }
}

/// Everything that is known of why a workload is as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// What is live.
    #[schema(value_type = schema::WorkloadState)]
    pub live: WorkloadState,
    /// The limits, each with who set it.
    #[schema(value_type = schema::Envelope)]
    pub envelope: Envelope,
    /// In words, where what is live lies outside of the limits.
    pub outside: Vec<String>,
    /// The fields that directives hold.
    #[schema(value_type = std::collections::BTreeMap<String, schema::HeldField>)]
    pub held: BTreeMap<Field, HeldField>,
    /// The intents on it, with their status.
    #[schema(value_type = Vec<schema::Intent>)]
    pub intents: Vec<Arc<Intent>>,
    /// What was measured last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Observation>)]
    pub observation: Option<Arc<Observation>>,
    /// What assurance said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Assessment>)]
    pub assessment: Option<Arc<Assessment>>,
    /// The pause that holds on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
}

impl Explanation {
    /// Why a workload is as it is; `None` where there is no such workload.
    pub(crate) fn of(workload: &WorkloadRef, state: &State, now: Timestamp) -> Option<Self> {
        let live = state.inventory().workloads.get(workload)?;
        let intents: Vec<Arc<Intent>> = intents_on(state, workload).cloned().collect();
        let acting: Vec<Arc<Intent>> = intents
            .iter()
            .filter(|intent| is_acting(intent, now))
            .cloned()
            .collect();
        let envelope = Envelope::build(live, state.guardrails(), &acting, state.inventory());
        let outside = match workload.kind {
            WorkloadKind::Namespace => Vec::new(),
            _ => envelope
                .violations(&live.allocation)
                .iter()
                .map(ToString::to_string)
                .collect(),
        };
        Some(Self {
            live: live.clone(),
            outside,
            held: holders(&acting),
            envelope,
            intents,
            observation: state.observation(workload).cloned(),
            assessment: state.assessment(workload).cloned(),
            paused: Pause::on(workload, state, now),
        })
    }
}

/// The intents on a workload, in order of their key.
pub(crate) fn intents_on<'a>(
    state: &'a State,
    workload: &WorkloadRef,
) -> impl Iterator<Item = &'a Arc<Intent>> {
    state
        .intents()
        .filter(move |intent| intent.workload() == *workload)
}

/// The latency objective with the least bound among live intents.
fn latency_objective(intents: &[&Arc<Intent>]) -> Option<(Quantile, f64)> {
    intents
        .iter()
        .filter(|intent| intent.state().is_live())
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
