//! The envelope: the intersection of all limits on one workload.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::guardrail::{FreezeWindow, RiskClass, Rollout, StepLimits};
use crate::intent::{BudgetLimit, Range};
use crate::units::{Bytes, CpuMillis, duration_text};
use crate::workload::WorkloadRef;

/// All limits on one workload, each with who set it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// Of which workload.
    pub workload: WorkloadRef,
    /// Bounds on the number of pods; the minimum is 1 where nobody allowed 0.
    pub replicas: Limits<u32>,
    /// Bounds on a pod's CPU: the maximum on the sum of limits, the minimum on the sum of requests.
    pub cpu: Limits<CpuMillis>,
    /// Bounds on a pod's memory, likewise.
    pub memory: Limits<Bytes>,
    /// Budgets that this workload draws on.
    pub budgets: Vec<Budget>,
    /// How far one decision may go: the tightest of all.
    pub step: StepLimits,
    /// How long after an apply nothing may shrink again: the longest of all.
    #[serde(
        default,
        with = "duration_text::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub cool_down: Option<Duration>,
    /// When nothing is changed.
    pub freeze: Vec<FreezeWindow>,
    /// From which risk class on a person must approve: the lowest of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<RiskClass>,
    /// Whether the pod template may be changed: only where every guardrail that speaks of it allows it.
    pub rollout: Rollout,
    /// Field managers whose fields are foreign to us.
    pub yield_to: BTreeSet<String>,
}

/// Both ends of a bound, each with who set it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits<T> {
    /// The least value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<Limit<T>>,
    /// The greatest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Limit<T>>,
}

impl<T: Ord + Copy> Limits<T> {
    /// The plain range.
    #[must_use]
    pub fn range(&self) -> Range<T> {
        Range::new(
            self.min.as_ref().map(|limit| limit.value),
            self.max.as_ref().map(|limit| limit.value),
        )
    }

    /// Narrows both ends by `range`; an end that isn't tighter keeps its source.
    pub fn intersect(&mut self, range: Range<T>, source: &LimitSource) {
        if let Some(min) = range.min
            && self.min.as_ref().is_none_or(|limit| limit.value < min)
        {
            self.min = Some(Limit {
                value: min,
                source: source.clone(),
            });
        }
        if let Some(max) = range.max
            && self.max.as_ref().is_none_or(|limit| limit.value > max)
        {
            self.max = Some(Limit {
                value: max,
                source: source.clone(),
            });
        }
    }
}

/// One bound and who set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limit<T> {
    /// The bound.
    pub value: T,
    /// Who set it.
    pub source: LimitSource,
}

/// Who set a limit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LimitSource {
    /// A guardrail of this name.
    Guardrail(String),
    /// The constraints of an intent, as `namespace/name`.
    Intent(String),
    /// The ResourceQuota of a namespace.
    Quota(String),
    /// What holds where nobody said anything.
    Default,
}

impl fmt::Display for LimitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guardrail(name) => write!(f, "guardrail `{name}`"),
            Self::Intent(key) => write!(f, "intent `{key}`"),
            Self::Quota(namespace) => write!(f, "the quota of namespace `{namespace}`"),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// A sum that several workloads share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// Who set it.
    pub source: LimitSource,
    /// Whose requests it sums.
    pub members: BTreeSet<WorkloadRef>,
    /// The greatest sums.
    pub limit: BudgetLimit,
    /// The greatest number of pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<u32>,
}

/// Identifies the content of an envelope: equal content, equal revision, on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EnvelopeRevision(pub u64);

impl fmt::Display for EnvelopeRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Envelope {
    /// An envelope that limits nothing but the least number of pods, 1.
    #[must_use]
    pub fn open(workload: WorkloadRef) -> Self {
        Self {
            workload,
            replicas: Limits {
                min: Some(Limit {
                    value: 1,
                    source: LimitSource::Default,
                }),
                max: None,
            },
            cpu: Limits::default(),
            memory: Limits::default(),
            budgets: Vec::new(),
            step: StepLimits::default(),
            cool_down: None,
            freeze: Vec::new(),
            approval: None,
            rollout: Rollout::Never,
            yield_to: BTreeSet::new(),
        }
    }

    /// The revision of this content: XXH3 over its canonical JSON.
    #[must_use]
    pub fn revision(&self) -> EnvelopeRevision {
        // Serialization of plain data with string keys can't fail; an empty text would still be a stable revision.
        let text = serde_json::to_string(self).unwrap_or_default();
        EnvelopeRevision(xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
    }
}

/// Envelopes by workload.
pub type Envelopes = BTreeMap<WorkloadRef, Envelope>;
