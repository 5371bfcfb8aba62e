//! Guardrails: the limits that administrators set and that nobody can leave.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::intent::{BudgetLimit, Metadata, Range};
use crate::units::{Bytes, CpuMillis, duration_text};
use crate::workload::{WorkloadKind, WorkloadState};

/// Limits on every workload that a selector finds. Several guardrails on a workload intersect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guardrail {
    /// Always [`crate::intent::API_VERSION`].
    pub api_version: String,
    /// Always `Guardrail`.
    pub kind: String,
    /// Name and namespace; a guardrail speaks of workloads of its own namespace, or of all where it has none.
    pub metadata: Metadata,
    /// The limits.
    pub spec: GuardrailSpec,
}

impl Guardrail {
    /// A guardrail of this name for `namespace` (all namespaces where empty).
    #[must_use]
    pub fn new(name: &str, namespace: &str, spec: GuardrailSpec) -> Self {
        Self {
            api_version: crate::intent::API_VERSION.to_owned(),
            kind: "Guardrail".to_owned(),
            metadata: Metadata {
                name: name.to_owned(),
                namespace: namespace.to_owned(),
                ..Metadata::default()
            },
            spec,
        }
    }

    /// Whether it speaks of this workload.
    #[must_use]
    pub fn selects(&self, state: &WorkloadState) -> bool {
        let selector = &self.spec.selector;
        (self.metadata.namespace.is_empty() || self.metadata.namespace == state.workload.namespace)
            && selector.kind.is_none_or(|kind| kind == state.workload.kind)
            && selector
                .name
                .as_ref()
                .is_none_or(|name| *name == state.workload.name)
            && selector
                .match_labels
                .iter()
                .all(|(key, value)| state.labels.get(key) == Some(value))
    }
}

/// The limits of a guardrail; what is absent is not limited.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GuardrailSpec {
    /// Which workloads; every one in reach where absent.
    #[serde(default, skip_serializing_if = "Selector::is_empty")]
    pub selector: Selector,
    /// Bounds on the number of pods. Scaling to zero needs a minimum of 0.
    #[serde(default, skip_serializing_if = "Range::is_empty")]
    pub replicas: Range<u32>,
    /// Bounds on a pod's CPU, as in [`crate::intent::Constraints`].
    #[serde(default, skip_serializing_if = "Range::is_empty")]
    pub cpu: Range<CpuMillis>,
    /// Bounds on a pod's memory.
    #[serde(default, skip_serializing_if = "Range::is_empty")]
    pub memory: Range<Bytes>,
    /// The most that all selected workloads together may request.
    #[serde(default, skip_serializing_if = "BudgetLimit::is_empty")]
    pub budget: BudgetLimit,
    /// How far one decision may go.
    #[serde(default, skip_serializing_if = "StepLimits::is_empty")]
    pub step: StepLimits,
    /// How long after an apply nothing may shrink again.
    #[serde(
        default,
        with = "duration_text::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub cool_down: Option<Duration>,
    /// When nothing is changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<FreezeWindow>,
    /// From which risk class on a person must approve; never where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<RiskClass>,
    /// Whether the pod template may be changed, which restarts pods; `Never` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// Field managers whose fields are foreign to us.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub yield_to: BTreeSet<String>,
}

/// Which workloads a guardrail speaks of; all parts must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Selector {
    /// The kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<WorkloadKind>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Labels with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
}

impl Selector {
    /// Whether it finds everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How far one decision may go from what is live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StepLimits {
    /// Pods more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas_up: Option<u32>,
    /// Pods fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas_down: Option<u32>,
    /// The greatest factor between old and new requests and limits, at least 1, both ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_factor: Option<f64>,
}

impl StepLimits {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A span in which nothing is changed: from `from` (inclusive) until `until` (exclusive).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FreezeWindow {
    /// The first instant.
    pub from: Timestamp,
    /// The instant at which it is over.
    pub until: Timestamp,
    /// Why, for a person to read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl FreezeWindow {
    /// Whether `now` lies inside.
    #[must_use]
    pub fn contains(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// How much a change could hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RiskClass {
    /// Adds capacity.
    Low,
    /// Takes capacity away, or changes sizes.
    Medium,
    /// Restarts pods, halves capacity or more, scales to zero, or sets a quota.
    High,
}

/// Whether the pod template may be changed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Rollout {
    /// It may; pods are replaced.
    Allowed,
    /// It may not.
    #[default]
    Never,
}
