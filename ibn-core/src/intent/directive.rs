//! Directives: fields that are to have a value.

use serde::{Deserialize, Serialize};

use super::Amount;
use crate::units::{Bytes, CpuMillis};

/// An order: exactly one of `replicas`, `resources`, `autoscale`, `quota`.
///
/// A directive is held until it is superseded, expires or is withdrawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Directive {
    /// The number of pods.
    Replicas(Amount<u32>),
    /// Requests and limits of one container, or of every container.
    Resources(ResourcesDirective),
    /// A HorizontalPodAutoscaler.
    Autoscale(Autoscale),
    /// A ResourceQuota; only where the target is a namespace.
    Quota(QuotaAmounts),
}

impl Directive {
    /// Whether what it comes to depends on what is live.
    #[must_use]
    pub fn is_relative(&self) -> bool {
        match self {
            Self::Replicas(amount) => amount.is_relative(),
            Self::Resources(order) => order.requests.is_relative() || order.limits.is_relative(),
            Self::Autoscale(_) | Self::Quota(_) => false,
        }
    }
}

/// Requests and limits that are to change; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResourcesDirective {
    /// The container; every container where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// What is requested.
    #[serde(default, skip_serializing_if = "ResourceAmounts::is_empty")]
    pub requests: ResourceAmounts,
    /// What is allowed at most.
    #[serde(default, skip_serializing_if = "ResourceAmounts::is_empty")]
    pub limits: ResourceAmounts,
}

/// CPU and memory amounts, each of which may be absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResourceAmounts {
    /// CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Amount<CpuMillis>>,
    /// Memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Amount<Bytes>>,
}

impl ResourceAmounts {
    fn is_relative(&self) -> bool {
        self.cpu.is_some_and(Amount::is_relative) || self.memory.is_some_and(Amount::is_relative)
    }

    /// Whether neither is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cpu.is_none() && self.memory.is_none()
    }
}

/// A HorizontalPodAutoscaler on CPU utilisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Autoscale {
    /// The fewest pods; 1 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// The most pods.
    pub max: u32,
    /// Target CPU utilisation in percent of the requests; 80 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_utilization: Option<u32>,
}

impl Autoscale {
    /// The fewest pods; 1 where none is given.
    #[must_use]
    pub fn min_replicas(&self) -> u32 {
        self.min.unwrap_or(1)
    }

    /// The target CPU utilisation in percent; 80 where none is given.
    #[must_use]
    pub fn cpu_utilization(&self) -> u32 {
        self.cpu_utilization.unwrap_or(80)
    }
}

/// What a namespace may use; `cpu` and `memory` are sums of requests, as in a ResourceQuota.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuotaAmounts {
    /// Sum of CPU requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CpuMillis>,
    /// Sum of memory requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Number of pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<u32>,
}
