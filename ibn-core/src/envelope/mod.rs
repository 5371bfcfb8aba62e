//! The envelope: the intersection of all limits on one workload.
//!
//! [`Envelope::build`] intersects guardrails, constraints of intents and quotas, in any order to the same result.
//! [`Envelope::distance`] says how far an allocation is from lying inside, [`Envelope::violations`] in words, and
//! [`Envelope::nearest`] where it would have to go. [`crate::guard::Guard`] lets nothing leave it.

mod apportion;
mod build;
mod distance;
mod nearest;

pub(crate) use apportion::apportion;
pub(crate) use distance::sum;
pub use distance::{Distance, Drawn, Usage, Violation};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::allocation::Resource;
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
    /// Who set what of the above has no source of its own.
    #[serde(default)]
    pub sources: Sources,
}

/// Who set the limits that are no bounds; absent where nobody did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sources {
    /// Of [`StepLimits::replicas_up`].
    pub replicas_up: Option<LimitSource>,
    /// Of [`StepLimits::replicas_down`].
    pub replicas_down: Option<LimitSource>,
    /// Of [`StepLimits::resource_factor`].
    pub resource_factor: Option<LimitSource>,
    /// Of [`Envelope::cool_down`].
    pub cool_down: Option<LimitSource>,
    /// Of [`Envelope::approval`].
    pub approval: Option<LimitSource>,
    /// Of [`Envelope::rollout`].
    pub rollout: Option<LimitSource>,
    /// Of [`Envelope::freeze`], window by window.
    pub freeze: Vec<LimitSource>,
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

    /// The limits as they hold: where an intent's end excludes another's, the intent's gives way as far as it must.
    ///
    /// What a user says of a workload can't hold up what an administrator says. Ends of one kind that exclude each other stay.
    #[must_use]
    pub fn settled(&self) -> Self {
        let mut settled = self.clone();
        if let (Some(min), Some(max)) = (&mut settled.min, &mut settled.max)
            && min.value > max.value
        {
            match (&min.source, &max.source) {
                (LimitSource::Intent(_), LimitSource::Intent(_)) => {}
                (LimitSource::Intent(_), _) => min.value = max.value,
                (_, LimitSource::Intent(_)) => max.value = min.value,
                _ => {}
            }
        }
        settled
    }

    /// Narrows both ends by `range`. Of equally tight ends the source that sorts first stays, so that order is no matter.
    pub fn intersect(&mut self, range: Range<T>, source: &LimitSource) {
        let stays = |limit: &Option<Limit<T>>, value: T, looser: std::cmp::Ordering| {
            limit.as_ref().is_some_and(|limit| {
                let order = limit.value.cmp(&value);
                order == looser.reverse() || (order.is_eq() && limit.source <= *source)
            })
        };
        let limit = |value| {
            Some(Limit {
                value,
                source: source.clone(),
            })
        };
        if let Some(min) = range.min
            && !stays(&self.min, min, std::cmp::Ordering::Less)
        {
            self.min = limit(min);
        }
        if let Some(max) = range.max
            && !stays(&self.max, max, std::cmp::Ordering::Greater)
        {
            self.max = limit(max);
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
            sources: Sources::default(),
        }
    }

    /// The greatest factor between old and new sizes that counts: what is no number or below 1 lets nothing move.
    #[must_use]
    pub fn resource_factor(&self) -> Option<f64> {
        self.step.resource_factor.and_then(strict_factor)
    }

    /// The bounds on a pod's size as they hold, in millicores or bytes: the minimum on requests, the maximum on limits.
    pub(crate) fn pod_bounds(&self, resource: Resource) -> Limits<u64> {
        fn plain<T: Ord + Copy>(limits: &Limits<T>, get: fn(T) -> u64) -> Limits<u64> {
            let limits = limits.settled();
            let limit = |limit: &Option<Limit<T>>| {
                limit.as_ref().map(|limit| Limit {
                    value: get(limit.value),
                    source: limit.source.clone(),
                })
            };
            Limits {
                min: limit(&limits.min),
                max: limit(&limits.max),
            }
        }
        match resource {
            Resource::Cpu => plain(&self.cpu, CpuMillis::get),
            Resource::Memory => plain(&self.memory, Bytes::get),
        }
    }

    /// The revision of this content: XXH3 over its canonical JSON.
    #[must_use]
    pub fn revision(&self) -> EnvelopeRevision {
        // JSON has no NaN or infinity; what they mean has a form.
        let mut canonical = std::borrow::Cow::Borrowed(self);
        if self.step.resource_factor != self.resource_factor() {
            canonical.to_mut().step.resource_factor = self.resource_factor();
        }
        // Serialization of plain data with string keys can't fail; an empty text would still be a stable revision.
        let text = serde_json::to_string(&*canonical).unwrap_or_default();
        EnvelopeRevision(xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
    }
}

/// A factor as it counts: no limit where infinite, 1 where it is no number or less than 1.
fn strict_factor(factor: f64) -> Option<f64> {
    if factor.is_nan() {
        Some(1.0)
    } else {
        (factor != f64::INFINITY).then(|| factor.max(1.0))
    }
}

/// Envelopes by workload.
pub type Envelopes = BTreeMap<WorkloadRef, Envelope>;
