//! Scenarios: a cluster, its workloads and users, and what goes wrong, as a file.

mod demand;
mod fault;
mod read;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ibn_core::allocation::{Allocation, ContainerResources, Resources};
use ibn_core::diagnostic::Diagnostic;
use ibn_core::guardrail::{Guardrail, GuardrailSpec, Selector};
use ibn_core::intent::{Bound, IndicatorName, Objective, Range};
use ibn_core::prediction::WorkloadModel;
use ibn_core::read::{Format, read};
use ibn_core::units::{Bytes, CpuMillis, IndicatorValue, Quantile, Unit, duration_text};
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use jiff::Timestamp;
use serde::Serialize;

pub use demand::{DemandSpec, RateStep, SwitchingRate, TraceSpec, WorkSpec};
pub use fault::{Fault, FaultEffect, SlowPods, WrongSignals};

use crate::arrivals::ArrivalProcess;
use crate::balance::Balancing;
use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::law::Law;
use crate::rng::Seeds;
use crate::spec::{
    Accounting, Call, ClusterSpec, Kernel, LatencyObjective, MemoryUse, NodeAutoscaling, NodeSpec,
    PodSize, Retries, Traffic, WorkloadSpec,
};

/// The scenario of the demo: three customers with a shop front end, a checkout and a worker each.
const DEMO: &str = include_str!("../../scenarios/demo.toml");

/// A cluster, its workloads and their users, and what goes wrong: all that a run needs but the seed and a recommender.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The date and time at which a run begins.
    pub start: Timestamp,
    /// How long a run lasts.
    #[serde(with = "duration_text")]
    pub horizon: Duration,
    /// The time between two decisions of a recommender.
    #[serde(with = "duration_text")]
    pub control_period: Duration,
    /// The nodes.
    pub nodes: Vec<NodeGroup>,
    /// Whether more nodes come where pods find no room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_autoscaling: Option<NodeScaling>,
    /// The workloads.
    pub workloads: Vec<WorkloadScenario>,
    /// What goes wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Where relative file names begin.
    #[serde(skip)]
    pub directory: PathBuf,
}

fn monday() -> Timestamp {
    // 2026-01-05T00:00:00Z.
    Timestamp::from_second(1_767_571_200).unwrap_or_default()
}

const fn quarter_minute() -> Duration {
    Duration::from_secs(15)
}

/// Nodes that come where pods find no room, like those of a group, and go where none is left on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeScaling {
    /// The name of the group whose nodes they are like.
    pub group: String,
    /// New nodes at most, at a time.
    pub most: u32,
    /// From a pod that finds no room to a node that takes it; 2 min where absent.
    #[serde(with = "duration_text")]
    pub delay: Duration,
    /// How long a new node stays without a pod; 10 min where absent, as the cluster autoscaler waits.
    #[serde(with = "duration_text")]
    pub idle: Duration,
}

/// Nodes that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeGroup {
    /// The name that theirs begin with.
    pub name: String,
    /// How many.
    pub count: u32,
    /// Allocatable CPU of each.
    pub cpu: CpuMillis,
    /// Allocatable memory of each.
    pub memory: Bytes,
    /// Pods that each takes at most.
    pub max_pods: u32,
}

const fn one_node() -> u32 {
    1
}

const fn kubelet_pods() -> u32 {
    110
}

/// One workload of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadScenario {
    /// Its namespace.
    pub namespace: String,
    /// Deployment or StatefulSet.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: String,
    /// Customers' own names for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Its labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Pods at the start.
    pub replicas: u32,
    /// Between how many pods a recommender may choose.
    #[serde(skip_serializing_if = "Range::is_empty")]
    pub bounds: Range<u32>,
    /// The name of its container.
    pub container: String,
    /// What each pod reserves.
    pub requests: Resources,
    /// What each pod is allowed at most.
    pub limits: Resources,
    /// CPU time of a request.
    pub service: Law,
    /// Response time that doesn't depend on load.
    #[serde(with = "duration_text")]
    pub base_latency: Duration,
    /// Requests that a pod works on at once; as many as its node has cores where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Requests that wait in a pod besides.
    pub max_queue: u32,
    /// Age at which a client gives up.
    #[serde(
        default,
        with = "duration_text::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub timeout: Option<Duration>,
    /// From being placed on a node to ready.
    pub startup: Law,
    /// Least time from the order to stop to the end.
    #[serde(with = "duration_text")]
    pub drain: Duration,
    /// Longest time from the order to stop to the end.
    #[serde(with = "duration_text")]
    pub grace: Duration,
    /// Memory of an idle pod.
    pub base_memory: Bytes,
    /// Memory of each request in flight.
    pub memory_per_request: Bytes,
    /// Which pod a request goes to.
    pub balancing: Balancing,
    /// The objective that runs are counted against.
    pub slo: Slo,
    /// Its users.
    pub demand: DemandSpec,
    /// How they follow each other.
    #[serde(skip_serializing_if = "is_poisson")]
    pub arrivals: ArrivalProcess,
    /// The calls that each of its requests makes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallSpec>,
    /// Whether its clients try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<RetrySpec>,
}

/// A call to another workload of the scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallSpec {
    /// Which one.
    pub workload: WorkloadRef,
    /// The share of requests that make it; all where absent.
    pub share: f64,
}

/// Clients that try again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RetrySpec {
    /// Attempts after the first.
    pub attempts: u32,
    /// Retries for each request that comes, on average; 0.2 where absent.
    pub budget: f64,
    /// The wait before the first retry, doubled with each; 25 ms where absent.
    #[serde(with = "duration_text")]
    pub backoff: Duration,
}

fn is_poisson(arrivals: &ArrivalProcess) -> bool {
    *arrivals == ArrivalProcess::Poisson
}

fn app() -> String {
    "app".to_owned()
}

const fn hundred() -> u32 {
    100
}

const fn two_seconds() -> Duration {
    Duration::from_secs(2)
}

const fn half_minute() -> Duration {
    Duration::from_secs(30)
}

/// A quantile of the response time that is to be at most a bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Slo {
    /// Which quantile; p95 where absent.
    pub quantile: Quantile,
    /// The bound.
    #[serde(with = "duration_text")]
    pub at_most: Duration,
}

impl Scenario {
    /// The scenario of the demo: namespaces `acme`, `globex` and `initech`, each with the Deployments `web`, `checkout` and
    /// `worker`, over a day with two flash crowds.
    ///
    /// # Errors
    /// None; the file is part of the crate and of its tests.
    pub fn demo() -> Result<Self> {
        Self::from_toml(DEMO)
    }

    /// Reads the text of a scenario and lists every fault; it is there only where none is an error. Relative file names begin
    /// at the current directory.
    #[must_use]
    pub fn read(text: &str, format: Format) -> (Option<Self>, Vec<Diagnostic>) {
        read(text, format)
    }

    /// Reads the TOML of a scenario. Relative file names begin at the current directory.
    ///
    /// # Errors
    /// Every fault, with its place.
    pub fn from_toml(text: &str) -> Result<Self> {
        let (scenario, faults) = Self::read(text, Format::Toml);
        scenario.ok_or(Error::Scenario { faults })
    }

    /// Reads the file of a scenario, TOML, YAML or JSON by the ending of its name. Relative file names begin where it lies.
    ///
    /// # Errors
    /// A file that can't be read, or every fault in it, with its place.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::file(path, source))?;
        let format = path
            .to_str()
            .and_then(Format::of_file)
            .unwrap_or(Format::Toml);
        let (scenario, faults) = Self::read(&text, format);
        let directory = path.parent().map(Path::to_owned).unwrap_or_default();
        scenario
            .map(|scenario| Self {
                directory,
                ..scenario
            })
            .ok_or(Error::Scenario { faults })
    }

    /// Identifies what is simulated: two scenarios of the same text and the same traces have the same, wherever they lie.
    ///
    /// # Errors
    /// A trace that can't be read.
    pub fn fingerprint(&self) -> Result<u64> {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        // Plain data with text keys: always written.
        hasher.update(&serde_json::to_vec(self).unwrap_or_default());
        for workload in &self.workloads {
            if let DemandSpec::Trace(trace) = &workload.demand {
                let path = self.directory.join(&trace.file);
                hasher.update(&std::fs::read(&path).map_err(|source| Error::file(&path, source))?);
            }
        }
        Ok(hasher.digest())
    }

    /// The specification of its cluster. What is random about the demand follows from `seed`.
    ///
    /// # Errors
    /// The first fault, with its key; a trace that can't be read.
    pub fn cluster_spec(&self, seed: u64) -> Result<ClusterSpec> {
        if self.horizon.is_zero() || self.control_period.is_zero() {
            return Err(Error::spec(
                "horizon",
                "the horizon and the control period must be above 0",
            ));
        }
        for (index, fault) in self.faults.iter().enumerate() {
            let known = |hit: &WorkloadRef| {
                self.workloads
                    .iter()
                    .any(|workload| workload.workload() == *hit)
            };
            if let Some(unknown) = fault.workload.as_ref().filter(|hit| !known(hit)) {
                return Err(Error::spec(
                    format!("faults[{index}].workload"),
                    format!("there is no `{unknown}`"),
                ));
            }
        }
        let nodes = self.nodes.iter().flat_map(|group| {
            (1..=group.count).map(|number| NodeSpec {
                name: format!("{}-{number}", group.name),
                cpu: group.cpu,
                memory: group.memory,
                max_pods: group.max_pods,
            })
        });
        let seeds = Seeds::new(seed);
        let workloads = self.workloads.iter().map(|workload| {
            let mut spec = workload.spec(self.horizon, seeds, &self.directory)?;
            let reference = workload.workload();
            for fault in self.faults.iter().filter(|fault| fault.hits(&reference)) {
                if let FaultEffect::Surge(factor) = fault.effect {
                    spec.traffic =
                        spec.traffic
                            .surged(fault.at, fault.end(), factor, self.horizon)?;
                }
            }
            Ok(spec)
        });
        Ok(ClusterSpec {
            nodes: nodes.collect(),
            workloads: workloads.collect::<Result<Vec<_>>>()?,
            accounting: Accounting::default(),
            node_autoscaling: self.node_scaling()?,
        })
    }

    fn node_scaling(&self) -> Result<Option<NodeAutoscaling>> {
        let Some(scaling) = &self.node_autoscaling else {
            return Ok(None);
        };
        let group = self.nodes.iter().find(|group| group.name == scaling.group);
        let Some(group) = group else {
            return Err(Error::spec(
                "nodeAutoscaling.group",
                format!("there are no nodes `{}`", scaling.group),
            ));
        };
        Ok(Some(NodeAutoscaling {
            node: NodeSpec {
                name: group.name.clone(),
                cpu: group.cpu,
                memory: group.memory,
                max_pods: group.max_pods,
            },
            most: scaling.most,
            delay: scaling.delay,
            idle: scaling.idle,
        }))
    }

    /// Its cluster at the start of a run.
    ///
    /// # Errors
    /// As for [`Scenario::cluster_spec`].
    pub fn cluster(&self, seed: u64) -> Result<Cluster> {
        Cluster::new(&self.cluster_spec(seed)?, seed)
    }

    /// Cores of its largest node.
    #[must_use]
    pub fn cores(&self) -> u32 {
        let cores =
            |group: &NodeGroup| u32::try_from(group.cpu.get().div_ceil(1000)).unwrap_or(u32::MAX);
        self.nodes.iter().map(cores).max().unwrap_or(1).max(1)
    }

    /// The workload of this reference.
    #[must_use]
    pub fn workload(&self, workload: &WorkloadRef) -> Option<&WorkloadScenario> {
        self.workloads
            .iter()
            .find(|candidate| candidate.workload() == *workload)
    }

    /// The same with users who come as a trace says: each workload gets the part of the trace that its own mean rate is of
    /// the sum over all, so that all together get what the trace has.
    ///
    /// # Errors
    /// A demand that can't be read.
    pub fn following(&self, trace: &TraceSpec) -> Result<Self> {
        let means = self.workloads.iter().map(|workload| {
            match workload.demand.traffic(
                self.horizon,
                Seeds::new(0),
                &workload.name,
                &self.directory,
                workload.arrivals,
            )? {
                Traffic::Rate(curve, _) => Ok(curve.mean()),
                Traffic::Times(times) | Traffic::Requests { times, .. } => {
                    Ok(times.len() as f64 / self.horizon.as_secs_f64())
                }
            }
        });
        let means: Vec<f64> = means.collect::<Result<_>>()?;
        let sum: f64 = means.iter().sum();
        let mut scenario = self.clone();
        for (workload, mean) in scenario.workloads.iter_mut().zip(means) {
            let share = if sum > 0.0 {
                mean / sum
            } else {
                1.0 / self.workloads.len() as f64
            };
            workload.demand = DemandSpec::Trace(TraceSpec {
                scale: trace.scale * share,
                ..trace.clone()
            });
        }
        Ok(scenario)
    }

    /// The bounds on replicas as guardrails, one for each workload that has some.
    #[must_use]
    pub fn guardrails(&self) -> Vec<Guardrail> {
        let bounded = self
            .workloads
            .iter()
            .filter(|workload| !workload.bounds.is_empty());
        bounded
            .map(|workload| {
                let selector = Selector {
                    kind: Some(workload.kind),
                    name: Some(workload.name.clone()),
                    ..Selector::default()
                };
                let spec = GuardrailSpec {
                    selector,
                    replicas: workload.bounds,
                    ..GuardrailSpec::default()
                };
                Guardrail::new(
                    &format!("{}-replicas", workload.name),
                    &workload.namespace,
                    spec,
                )
            })
            .collect()
    }
}

impl WorkloadScenario {
    /// Its reference.
    #[must_use]
    pub fn workload(&self) -> WorkloadRef {
        WorkloadRef::new(&self.namespace, self.kind, &self.name)
    }

    /// What it is given at the start.
    #[must_use]
    pub fn allocation(&self) -> Allocation {
        let container = ContainerResources {
            name: self.container.clone(),
            requests: self.requests,
            limits: self.limits,
        };
        Allocation::new(self.replicas, vec![container])
    }

    /// Its SLO as an objective.
    #[must_use]
    pub fn objective(&self) -> Option<Objective> {
        let value = IndicatorValue::new(self.slo.at_most.as_secs_f64(), Unit::Seconds)?;
        Some(Objective {
            indicator: IndicatorName::Latency,
            quantile: Some(self.slo.quantile),
            bound: Bound::AtMost(value),
            window: None,
        })
    }

    /// What a twin knows of it: the true parameters, on nodes with so many cores.
    #[must_use]
    pub fn model(&self, cores: u32) -> WorkloadModel {
        let concurrency = self.concurrency.unwrap_or(cores);
        let held = self
            .memory_per_request
            .saturating_mul(u64::from(concurrency));
        WorkloadModel {
            cpu_seconds_per_request: self.service.mean().as_secs_f64(),
            service_cv2: self.service.cv2(),
            base_latency_seconds: self.base_latency.as_secs_f64(),
            concurrency,
            queue_capacity: Some(self.max_queue),
            startup: self.startup.mean(),
            pod_memory: self.base_memory.saturating_add(held),
        }
    }

    fn spec(&self, horizon: Duration, seeds: Seeds, directory: &Path) -> Result<WorkloadSpec> {
        let name = self.workload().to_string();
        let container = ContainerResources {
            name: String::new(),
            requests: self.requests,
            limits: self.limits,
        };
        Ok(WorkloadSpec {
            namespace: self.namespace.clone(),
            replicas: self.replicas,
            size: PodSize::from(&container),
            service: self.service,
            base_latency: self.base_latency,
            concurrency: self.concurrency,
            max_queue: self.max_queue,
            timeout: self.timeout,
            startup: self.startup,
            drain: self.drain,
            grace: self.grace,
            kernel: Kernel::default(),
            memory: MemoryUse {
                base: self.base_memory,
                per_request: self.memory_per_request,
            },
            balancing: self.balancing,
            traffic: self
                .demand
                .traffic(horizon, seeds, &name, directory, self.arrivals)?,
            objective: LatencyObjective {
                quantile: self.slo.quantile,
                at_most: self.slo.at_most,
            },
            calls: self
                .calls
                .iter()
                .map(|call| Call {
                    workload: call.workload.to_string(),
                    share: call.share,
                })
                .collect(),
            retries: self.retries.map(|retries| Retries {
                attempts: retries.attempts,
                budget: retries.budget,
                backoff: retries.backoff,
            }),
            name,
        })
    }
}

impl From<&ContainerResources> for PodSize {
    /// The size of a pod with just this container.
    fn from(container: &ContainerResources) -> Self {
        Self {
            cpu_request: container.requests.cpu.unwrap_or_default(),
            cpu_limit: container.limits.cpu,
            memory_request: container.requests.memory.unwrap_or_default(),
            memory_limit: container.limits.memory,
        }
    }
}

#[cfg(test)]
mod tests;
