//! Workloads: what intents are about, how they are named, and what is live.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::allocation::{Allocation, Field, QuotaLimits};
use crate::units::{Bytes, CpuMillis};

/// The kinds of object that an intent may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum WorkloadKind {
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
    /// A Namespace, for quotas only.
    Namespace,
}

impl WorkloadKind {
    /// The name as Kubernetes writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::Namespace => "Namespace",
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for WorkloadKind {
    type Err = crate::units::ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Deployment, Self::StatefulSet, Self::Namespace]
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                crate::units::ParseUnitError::new(
                    text,
                    "`Deployment`, `StatefulSet` or `Namespace`",
                )
            })
    }
}

/// Namespace, kind and name; prints as `namespace/Kind/name` and reads that back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadRef {
    /// The namespace.
    pub namespace: String,
    /// The kind.
    pub kind: WorkloadKind,
    /// The name; for a namespace the namespace itself.
    pub name: String,
}

impl WorkloadRef {
    /// A reference from its parts.
    #[must_use]
    pub fn new(namespace: &str, kind: WorkloadKind, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            kind,
            name: name.to_owned(),
        }
    }

    /// A reference to a Deployment.
    #[must_use]
    pub fn deployment(namespace: &str, name: &str) -> Self {
        Self::new(namespace, WorkloadKind::Deployment, name)
    }

    /// A reference to a namespace, as the target of a quota.
    #[must_use]
    pub fn namespace(name: &str) -> Self {
        Self::new(name, WorkloadKind::Namespace, name)
    }
}

impl fmt::Display for WorkloadRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.kind, self.name)
    }
}

impl FromStr for WorkloadRef {
    type Err = crate::units::ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail =
            || crate::units::ParseUnitError::new(text, "a workload such as `acme/Deployment/web`");
        let mut parts = text.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(namespace), Some(kind), Some(name), None)
                if !namespace.is_empty() && !name.is_empty() =>
            {
                Ok(Self::new(
                    namespace,
                    kind.parse().map_err(|_| fail())?,
                    name,
                ))
            }
            _ => Err(fail()),
        }
    }
}

impl Serialize for WorkloadRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WorkloadRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// What is live of one workload, or of one namespace's quota, at one resource version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadState {
    /// Which workload.
    pub workload: WorkloadRef,
    /// Opaque version of what was read; an apply that was judged on another one is refused.
    pub resource_version: String,
    /// Labels of the workload, for the selectors of guardrails; never read as instructions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What it is given. For a namespace: zero replicas and no containers.
    pub allocation: Allocation,
    /// The quota, where the target is a namespace that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaLimits>,
    /// Pods that are ready.
    pub ready_replicas: u32,
    /// Who else claims fields: an HPA, VPA or KEDA object, or a field manager.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub owners: BTreeMap<Field, FieldOwner>,
}

/// Who claims a field of a workload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FieldOwner {
    /// This system.
    Ibn,
    /// A HorizontalPodAutoscaler of this name that isn't ours.
    HorizontalPodAutoscaler(String),
    /// A VerticalPodAutoscaler of this name.
    VerticalPodAutoscaler(String),
    /// A KEDA ScaledObject of this name.
    ScaledObject(String),
    /// A field manager, such as `kubectl` or `argocd`.
    Manager(String),
}

impl fmt::Display for FieldOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ibn => f.write_str("ibn"),
            Self::HorizontalPodAutoscaler(name) => write!(f, "HorizontalPodAutoscaler `{name}`"),
            Self::VerticalPodAutoscaler(name) => write!(f, "VerticalPodAutoscaler `{name}`"),
            Self::ScaledObject(name) => write!(f, "ScaledObject `{name}`"),
            Self::Manager(name) => write!(f, "field manager `{name}`"),
        }
    }
}

/// Everything that is live, as one snapshot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    /// Workloads and namespaces by reference, in order.
    pub workloads: BTreeMap<WorkloadRef, WorkloadState>,
    /// Room on the nodes that is not requested by any pod, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<FreeCapacity>,
}

/// What the nodes could still take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FreeCapacity {
    /// Allocatable CPU less all requests.
    pub cpu: CpuMillis,
    /// Allocatable memory less all requests.
    pub memory: Bytes,
}
