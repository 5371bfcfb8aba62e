//! What a workload is given: replicas, requests and limits, an autoscaler.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::intent::Autoscale;
use crate::units::{Bytes, CpuMillis};

/// What a workload is given, as absolute values.
///
/// ```
/// use ibn_core::allocation::{Allocation, ContainerResources};
/// use ibn_core::units::{Bytes, CpuMillis};
///
/// let app = ContainerResources::new("app").with_requests(CpuMillis::new(500), Bytes::new(256 << 20));
/// let allocation = Allocation::new(3, vec![app]);
/// assert_eq!(allocation.total_requests().cpu, CpuMillis::new(1500));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Allocation {
    /// Number of pods asked for.
    pub replicas: u32,
    /// Containers of the pod template, in its order.
    pub containers: Vec<ContainerResources>,
    /// The HorizontalPodAutoscaler that we keep for it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscale>,
}

impl Allocation {
    /// An allocation without an autoscaler.
    #[must_use]
    pub fn new(replicas: u32, containers: Vec<ContainerResources>) -> Self {
        Self {
            replicas,
            containers,
            autoscale: None,
        }
    }

    /// The same with another number of pods.
    #[must_use]
    pub fn with_replicas(&self, replicas: u32) -> Self {
        Self {
            replicas,
            ..self.clone()
        }
    }

    /// The container of this name.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<&ContainerResources> {
        self.containers
            .iter()
            .find(|container| container.name == name)
    }

    /// The sum of a pod's requests. A container without one counts with its limit, as Kubernetes sets it, else as zero.
    #[must_use]
    pub fn pod_requests(&self) -> PodResources {
        PodResources {
            cpu: self
                .containers
                .iter()
                .filter_map(|c| c.requests.cpu.or(c.limits.cpu))
                .sum(),
            memory: self
                .containers
                .iter()
                .filter_map(|c| c.requests.memory.or(c.limits.memory))
                .sum(),
        }
    }

    /// The sum of a pod's limits, a container's request standing in where it has no limit.
    #[must_use]
    pub fn pod_limits(&self) -> PodResources {
        PodResources {
            cpu: self
                .containers
                .iter()
                .filter_map(|c| c.limits.cpu.or(c.requests.cpu))
                .sum(),
            memory: self
                .containers
                .iter()
                .filter_map(|c| c.limits.memory.or(c.requests.memory))
                .sum(),
        }
    }

    /// The fewest pods that it may come to by itself: the autoscaler's minimum, or `replicas` where there is none.
    #[must_use]
    pub fn least_pods(&self) -> u32 {
        self.autoscale
            .map_or(self.replicas, |autoscale| autoscale.min_replicas())
    }

    /// The most pods that it may come to by itself: the autoscaler's maximum, or `replicas` where there is none.
    #[must_use]
    pub fn most_pods(&self) -> u32 {
        self.autoscale
            .map_or(self.replicas, |autoscale| autoscale.max)
    }

    /// The pods that budgets count: those asked for, or the autoscaler's maximum where that is more, since it goes there
    /// without asking.
    #[must_use]
    pub fn granted_pods(&self) -> u32 {
        self.replicas.max(self.most_pods())
    }

    /// The sum of the requests of all pods.
    #[must_use]
    pub fn total_requests(&self) -> PodResources {
        let pod = self.pod_requests();
        let replicas = u64::from(self.replicas);
        PodResources {
            cpu: pod.cpu.saturating_mul(replicas),
            memory: pod.memory.saturating_mul(replicas),
        }
    }

    /// Takes over one field from another allocation; nothing where either lacks the container.
    pub fn take_field(&mut self, field: &Field, from: &Self) {
        match field {
            Field::Replicas => self.replicas = from.replicas,
            Field::Autoscale => self.autoscale = from.autoscale,
            Field::Resource {
                container,
                bound,
                resource,
            } => {
                let (Some(to), Some(from)) = (
                    self.containers.iter_mut().find(|c| c.name == *container),
                    from.container(container),
                ) else {
                    return;
                };
                let (to, from) = match bound {
                    ResourceBound::Requests => (&mut to.requests, &from.requests),
                    ResourceBound::Limits => (&mut to.limits, &from.limits),
                };
                match resource {
                    Resource::Cpu => to.cpu = from.cpu,
                    Resource::Memory => to.memory = from.memory,
                }
            }
            Field::Quota => {}
        }
    }

    /// The fields in which `to` differs from this, in a fixed order.
    ///
    /// A container that only one of the two has is not compared: containers are the template's business.
    #[must_use]
    pub fn changes_to(&self, to: &Self) -> Vec<FieldChange> {
        let mut changes = Vec::new();
        let mut push = |field: Field, from: Option<String>, to: Option<String>| {
            if from != to {
                changes.push(FieldChange { field, from, to });
            }
        };
        push(
            Field::Replicas,
            Some(self.replicas.to_string()),
            Some(to.replicas.to_string()),
        );
        for (before, after) in self
            .containers
            .iter()
            .filter_map(|c| Some((c, to.container(&c.name)?)))
        {
            for (bound, before_amounts, after_amounts) in [
                (ResourceBound::Requests, &before.requests, &after.requests),
                (ResourceBound::Limits, &before.limits, &after.limits),
            ] {
                let field = |resource| Field::Resource {
                    container: before.name.clone(),
                    bound,
                    resource,
                };
                let text = |cpu: Option<CpuMillis>| cpu.map(|cpu| cpu.to_string());
                push(
                    field(Resource::Cpu),
                    text(before_amounts.cpu),
                    text(after_amounts.cpu),
                );
                let text = |memory: Option<Bytes>| memory.map(|memory| memory.to_string());
                push(
                    field(Resource::Memory),
                    text(before_amounts.memory),
                    text(after_amounts.memory),
                );
            }
        }
        let text = |autoscale: &Option<Autoscale>| {
            autoscale.map(|a| {
                format!(
                    "{} to {} pods at {} % CPU",
                    a.min_replicas(),
                    a.max,
                    a.cpu_utilization()
                )
            })
        };
        push(Field::Autoscale, text(&self.autoscale), text(&to.autoscale));
        changes
    }
}

/// Requests and limits of one container.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerResources {
    /// The container's name.
    pub name: String,
    /// What is reserved.
    #[serde(default)]
    pub requests: Resources,
    /// What is allowed at most.
    #[serde(default)]
    pub limits: Resources,
}

impl ContainerResources {
    /// A container without requests or limits.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// The same with these requests.
    #[must_use]
    pub fn with_requests(mut self, cpu: CpuMillis, memory: Bytes) -> Self {
        self.requests = Resources {
            cpu: Some(cpu),
            memory: Some(memory),
        };
        self
    }

    /// The same with these limits.
    #[must_use]
    pub fn with_limits(mut self, cpu: CpuMillis, memory: Bytes) -> Self {
        self.limits = Resources {
            cpu: Some(cpu),
            memory: Some(memory),
        };
        self
    }
}

impl ContainerResources {
    /// A request or limit as a plain number of millicores or bytes; `None` where it is not set.
    #[must_use]
    pub fn amount(&self, bound: ResourceBound, resource: Resource) -> Option<u64> {
        let resources = match bound {
            ResourceBound::Requests => &self.requests,
            ResourceBound::Limits => &self.limits,
        };
        match resource {
            Resource::Cpu => resources.cpu.map(CpuMillis::get),
            Resource::Memory => resources.memory.map(Bytes::get),
        }
    }

    /// Sets a request or limit from a plain number of millicores or bytes.
    pub fn set_amount(&mut self, bound: ResourceBound, resource: Resource, amount: Option<u64>) {
        let resources = match bound {
            ResourceBound::Requests => &mut self.requests,
            ResourceBound::Limits => &mut self.limits,
        };
        match resource {
            Resource::Cpu => resources.cpu = amount.map(CpuMillis::new),
            Resource::Memory => resources.memory = amount.map(Bytes::new),
        }
    }

    /// What is reserved: the request, else the limit (as Kubernetes sets it), else nothing.
    #[must_use]
    pub fn reserved(&self, resource: Resource) -> u64 {
        self.amount(ResourceBound::Requests, resource)
            .or(self.amount(ResourceBound::Limits, resource))
            .unwrap_or(0)
    }

    /// What bounds on limits count: the limit, else the request, else nothing.
    #[must_use]
    pub fn ceiling(&self, resource: Resource) -> u64 {
        self.amount(ResourceBound::Limits, resource)
            .or(self.amount(ResourceBound::Requests, resource))
            .unwrap_or(0)
    }
}

/// CPU and memory, each of which may not be set.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CpuMillis>,
    /// Memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
}

/// A sum of CPU and memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodResources {
    /// CPU.
    pub cpu: CpuMillis,
    /// Memory.
    pub memory: Bytes,
}

/// The hard limits of a ResourceQuota.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub struct QuotaLimits {
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

/// A field that somebody may hold or own; prints as `replicas`, `app.requests.cpu`, `autoscale`, `quota` and reads that back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The number of pods.
    Replicas,
    /// A request or limit of a container.
    Resource {
        /// The container.
        container: String,
        /// Request or limit.
        bound: ResourceBound,
        /// CPU or memory.
        resource: Resource,
    },
    /// The HorizontalPodAutoscaler.
    Autoscale,
    /// The ResourceQuota of a namespace.
    Quota,
}

/// Request or limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceBound {
    /// What is reserved.
    Requests,
    /// What is allowed at most.
    Limits,
}

/// CPU or memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// CPU.
    Cpu,
    /// Memory.
    Memory,
}

impl ResourceBound {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Requests, Self::Limits];
}

impl Resource {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cpu, Self::Memory];

    /// An amount in millicores or bytes as Kubernetes writes it.
    #[must_use]
    pub fn text(self, amount: u64) -> String {
        match self {
            Self::Cpu => CpuMillis::new(amount).to_string(),
            Self::Memory => Bytes::new(amount).to_string(),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replicas => f.pad("replicas"),
            Self::Autoscale => f.pad("autoscale"),
            Self::Quota => f.pad("quota"),
            Self::Resource {
                container,
                bound,
                resource,
            } => {
                let bound = match bound {
                    ResourceBound::Requests => "requests",
                    ResourceBound::Limits => "limits",
                };
                let resource = match resource {
                    Resource::Cpu => "cpu",
                    Resource::Memory => "memory",
                };
                f.pad(&format!("{container}.{bound}.{resource}"))
            }
        }
    }
}

impl FromStr for Field {
    type Err = crate::units::ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || {
            crate::units::ParseUnitError::new(
                text,
                "a field such as `replicas` or `app.requests.cpu`",
            )
        };
        match text {
            "replicas" => return Ok(Self::Replicas),
            "autoscale" => return Ok(Self::Autoscale),
            "quota" => return Ok(Self::Quota),
            _ => {}
        }
        let (rest, resource) = text.rsplit_once('.').ok_or_else(fail)?;
        let (container, bound) = rest.rsplit_once('.').ok_or_else(fail)?;
        let resource = match resource {
            "cpu" => Resource::Cpu,
            "memory" => Resource::Memory,
            _ => return Err(fail()),
        };
        let bound = match bound {
            "requests" => ResourceBound::Requests,
            "limits" => ResourceBound::Limits,
            _ => return Err(fail()),
        };
        Ok(Self::Resource {
            container: container.to_owned(),
            bound,
            resource,
        })
    }
}

impl Serialize for Field {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// One field's old and new value, for a person to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// Which field.
    pub field: Field,
    /// The old value; absent where it was not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The new value; absent where it is no longer set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "unset".to_owned());
        write!(
            f,
            "{} {} → {}",
            self.field,
            side(&self.from),
            side(&self.to)
        )
    }
}
