//! What a cluster is built from: nodes, workloads, and how finely it is accounted for.

use std::time::Duration;

use ibn_core::units::{Bytes, CpuMillis, Quantile};

use crate::arrivals::ArrivalProcess;
use crate::balance::Balancing;
use crate::demand::RateCurve;
use crate::error::{Error, Result};
use crate::law::Law;
use crate::time::nanos;

/// A cluster as it is at the start.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterSpec {
    /// The nodes.
    pub nodes: Vec<NodeSpec>,
    /// The workloads; names are unique.
    pub workloads: Vec<WorkloadSpec>,
    /// How the run is accounted for.
    pub accounting: Accounting,
    /// Whether nodes come and go with the pods that need them.
    pub node_autoscaling: Option<NodeAutoscaling>,
}

/// Nodes that come where pods find no room, and go where none is left on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAutoscaling {
    /// What each new node is like; its number is added to its name.
    pub node: NodeSpec,
    /// New nodes at most, at a time.
    pub most: u32,
    /// From a pod that finds no room to a node that takes it.
    pub delay: Duration,
    /// How long a new node stays without a pod.
    pub idle: Duration,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name.
    pub name: String,
    /// Allocatable CPU; rounded up to whole cores, it bounds how many threads of a pod run at once.
    pub cpu: CpuMillis,
    /// Allocatable memory.
    pub memory: Bytes,
    /// Pods that it takes at most; 110 is the kubelet's default.
    pub max_pods: u32,
}

/// One workload: its pods, its requests and its users.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkloadSpec {
    /// Its name, unique in the cluster; also names its random streams.
    pub name: String,
    /// The namespace whose quota it draws on.
    pub namespace: String,
    /// Pods at the start; those that fit are ready at once.
    pub replicas: u32,
    /// What each pod is given.
    pub size: PodSize,
    /// CPU time of a request.
    pub service: Law,
    /// Response time that doesn't depend on load, added to every request.
    pub base_latency: Duration,
    /// Requests that a pod works on at once; as many as its node has cores where absent.
    pub concurrency: Option<u32>,
    /// Requests that wait in a pod besides; one more is refused.
    pub max_queue: u32,
    /// Age at which a client gives up.
    pub timeout: Option<Duration>,
    /// From being placed on a node to ready.
    pub startup: Law,
    /// Least time from the order to stop to the end; requests in flight are finished meanwhile.
    pub drain: Duration,
    /// Longest time from the order to stop to the end; requests that are then still in flight are lost.
    pub grace: Duration,
    /// What the kernel does besides giving a container its quota.
    pub kernel: Kernel,
    /// What a pod's memory use is made of.
    pub memory: MemoryUse,
    /// Which pod a request goes to.
    pub balancing: Balancing,
    /// The users.
    pub traffic: Traffic,
    /// What response times are counted against.
    pub objective: LatencyObjective,
    /// The calls that each request makes once its own work is done, all at once; it is answered when they are, and no thread is held
    /// meanwhile. Calls must not go round in a circle.
    pub calls: Vec<Call>,
    /// Whether clients try again; absent where they don't.
    pub retries: Option<Retries>,
}

/// A call to another workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The name of the workload.
    pub workload: String,
    /// The share of requests that make it, 0 to 1.
    pub share: f64,
}

/// Clients that try again after a failure: a refusal, a loss, no pod, or their own patience with the workload itself. A failure of a
/// call that a request made is not one that its client tries again for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retries {
    /// Attempts after the first.
    pub attempts: u32,
    /// Retries for each request that comes, on average: a client saves up to 100 of them, and begins with 10.
    pub budget: f64,
    /// The wait before the first retry; it doubles with each.
    pub backoff: Duration,
}

/// What a pod is given. A bound that is absent isn't set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PodSize {
    /// CPU that is reserved on the node.
    pub cpu_request: CpuMillis,
    /// CPU that is allowed at most, by quota.
    pub cpu_limit: Option<CpuMillis>,
    /// Memory that is reserved on the node.
    pub memory_request: Bytes,
    /// Memory beyond which the container is killed.
    pub memory_limit: Option<Bytes>,
}

impl PodSize {
    /// Request and limit alike (quality of service class Guaranteed).
    #[must_use]
    pub const fn guaranteed(cpu: CpuMillis, memory: Bytes) -> Self {
        Self {
            cpu_request: cpu,
            cpu_limit: Some(cpu),
            memory_request: memory,
            memory_limit: Some(memory),
        }
    }
}

/// Memory of a pod: a base and a part for each request in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryUse {
    /// Of an idle pod.
    pub base: Bytes,
    /// Of each request that is worked on or waits.
    pub per_request: Bytes,
}

/// What the kernel does besides giving a container its quota. By default nothing, as queueing theory has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kernel {
    /// Whether the pod's cgroup around the container's has the same quota, in periods of another phase. The kubelet sets it
    /// so where every container of the pod has a limit; threads run while neither is spent.
    pub pod_quota: bool,
    /// CPU time by which a quota is exceeded before the timer tick that notices it; it is owed to the next period.
    pub overrun: Duration,
    /// CPU time that a request needs besides where it finds its thread idle, and caches cold.
    pub wake: Duration,
}

impl Kernel {
    /// As it fits pods of Linux 6.18 under Kubernetes 1.34 best: both quotas, half a tick of 1 ms, half a millisecond to wake.
    pub const MEASURED: Self = Self {
        pod_quota: true,
        overrun: Duration::from_micros(500),
        wake: Duration::from_micros(500),
    };
}

/// Where requests come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Traffic {
    /// Drawn from a rate.
    Rate(RateCurve, ArrivalProcess),
    /// Given times since the start, rising.
    Times(Vec<Duration>),
    /// Given requests.
    Requests {
        /// Times since the start, rising.
        times: Vec<Duration>,
        /// CPU time of each; the k-th attempt needs the k-th, and after the last it begins again.
        work: Vec<Duration>,
    },
}

impl Traffic {
    /// The same over `horizon` with `factor` times as many requests from `at` until `end`. Of given times, each is there as often as
    /// that makes on average.
    pub(crate) fn surged(
        self,
        at: Duration,
        end: Duration,
        factor: f64,
        horizon: Duration,
    ) -> Result<Self> {
        match self {
            Self::Rate(curve, process) => {
                Ok(Self::Rate(curve.surged(at, end, factor, horizon)?, process))
            }
            Self::Times(times) => {
                let (times, _) = repeat(&times, &[], at, end, factor);
                Ok(Self::Times(times))
            }
            Self::Requests { times, work } => {
                let (times, work) = repeat(&times, &work, at, end, factor);
                Ok(Self::Requests { times, work })
            }
        }
    }
}

/// Each time, with its work where there is some, as often as makes `factor` of them on average from `at` until `end`.
fn repeat(
    times: &[Duration],
    work: &[Duration],
    at: Duration,
    end: Duration,
    factor: f64,
) -> (Vec<Duration>, Vec<Duration>) {
    let (mut all, mut works) = (
        Vec::with_capacity(times.len()),
        Vec::with_capacity(work.len()),
    );
    let mut owed = 0.0;
    for (place, time) in times.iter().enumerate() {
        owed += if *time >= at && *time < end {
            factor
        } else {
            1.0
        };
        while owed >= 1.0 {
            all.push(*time);
            works.extend(work.get(place));
            owed -= 1.0;
        }
    }
    (all, works)
}

/// A quantile of the response time is to be at most a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatencyObjective {
    /// Which quantile.
    pub quantile: Quantile,
    /// The bound.
    pub at_most: Duration,
}

/// How a run is accounted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accounting {
    /// Width of the bins that observations are made of.
    pub bin: Duration,
    /// Width of the windows that violations are counted in; a multiple of `bin`.
    pub window: Duration,
    /// How long bins are kept.
    pub retention: Duration,
}

impl Default for Accounting {
    /// Bins of 5 s, windows of 60 s, one hour kept.
    fn default() -> Self {
        Self {
            bin: Duration::from_secs(5),
            window: Duration::from_secs(60),
            retention: Duration::from_secs(3600),
        }
    }
}

impl WorkloadSpec {
    /// A workload with usual values, to be changed where it matters: one pod of 500m and 256Mi, exponential CPU time of
    /// 20 ms a request, two requests at once and 100 waiting, ready 5 s after being placed, p95 to be at most 200 ms.
    #[must_use]
    pub fn new(name: &str, traffic: RateCurve) -> Self {
        Self {
            name: name.to_owned(),
            namespace: "default".to_owned(),
            replicas: 1,
            size: PodSize::guaranteed(CpuMillis::new(500), Bytes::new(256 << 20)),
            service: Law::Exponential {
                mean: Duration::from_millis(20),
            },
            base_latency: Duration::ZERO,
            concurrency: Some(2),
            max_queue: 100,
            timeout: None,
            startup: Law::Constant {
                mean: Duration::from_secs(5),
            },
            drain: Duration::from_secs(2),
            grace: Duration::from_secs(30),
            kernel: Kernel::default(),
            memory: MemoryUse {
                base: Bytes::new(64 << 20),
                per_request: Bytes::new(1 << 20),
            },
            balancing: Balancing::Random,
            traffic: Traffic::Rate(traffic, ArrivalProcess::Poisson),
            objective: LatencyObjective {
                quantile: Quantile::P95,
                at_most: Duration::from_millis(200),
            },
            calls: Vec::new(),
            retries: None,
        }
    }
}

impl NodeSpec {
    /// A node that takes 110 pods.
    #[must_use]
    pub fn new(name: &str, cpu: CpuMillis, memory: Bytes) -> Self {
        Self {
            name: name.to_owned(),
            cpu,
            memory,
            max_pods: 110,
        }
    }
}

impl ClusterSpec {
    /// Workloads on one node of 64 cores and 256 GiB, with the usual accounting.
    #[must_use]
    pub fn on_one_node(workloads: Vec<WorkloadSpec>) -> Self {
        let node = NodeSpec::new("node-1", CpuMillis::new(64_000), Bytes::new(256 << 30));
        Self {
            nodes: vec![node],
            workloads,
            accounting: Accounting::default(),
            node_autoscaling: None,
        }
    }

    /// The places of the workloads, who calls before who is called.
    ///
    /// # Errors
    /// Calls that go round in a circle.
    pub(crate) fn callers_first(&self) -> Result<Vec<usize>> {
        let calls = |from: &WorkloadSpec, to: &WorkloadSpec| {
            from.calls.iter().any(|call| call.workload == to.name)
        };
        let mut left: Vec<(usize, &WorkloadSpec)> = self.workloads.iter().enumerate().collect();
        let mut order = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let uncalled = left
                .iter()
                .position(|(_, of)| !left.iter().any(|(_, from)| calls(from, of)));
            let Some(at) = uncalled else {
                let names: Vec<&str> = left.iter().map(|(_, of)| of.name.as_str()).collect();
                return Err(Error::spec(
                    "workloads.calls",
                    format!("calls go round in a circle among {}", names.join(", ")),
                ));
            };
            order.push(left.remove(at).0);
        }
        Ok(order)
    }

    /// Checks what types don't: names, ranges, laws, and that workloads have users that can be served.
    pub(crate) fn check(&self) -> Result<()> {
        let Accounting {
            bin,
            window,
            retention,
        } = self.accounting;
        if bin < Duration::from_millis(100)
            || window < bin
            || !nanos(window).is_multiple_of(nanos(bin))
            || retention < window
        {
            return Err(Error::spec(
                "accounting",
                "`bin` must be at least 100ms, `window` a multiple of it, `retention` no shorter than that",
            ));
        }
        if let Some(node) = self.nodes.iter().find(|node| node.cpu.get() == 0) {
            return Err(Error::spec(
                format!("nodes.{}.cpu", node.name),
                "must be above 0",
            ));
        }
        if let Some(scaling) = &self.node_autoscaling
            && (scaling.node.cpu.get() == 0 || scaling.delay.is_zero() || scaling.idle.is_zero())
        {
            return Err(Error::spec(
                "nodeAutoscaling",
                "its node's CPU, its delay and its idle time must be above 0",
            ));
        }
        for (index, workload) in self.workloads.iter().enumerate() {
            let key = |field: &str| format!("workloads.{}.{field}", workload.name);
            if self
                .workloads
                .iter()
                .take(index)
                .any(|other| other.name == workload.name)
            {
                return Err(Error::spec(
                    key("name"),
                    "another workload has the same name",
                ));
            }
            workload.service.sampler()?;
            workload.startup.sampler()?;
            if workload.concurrency == Some(0) {
                return Err(Error::spec(key("concurrency"), "must be at least 1"));
            }
            if workload
                .timeout
                .is_some_and(|timeout| timeout <= workload.base_latency)
            {
                return Err(Error::spec(
                    key("timeout"),
                    "must be above the base latency",
                ));
            }
            if workload.grace < workload.drain {
                return Err(Error::spec(
                    key("grace"),
                    "must not be below the drain time",
                ));
            }
            if let Traffic::Times(times) | Traffic::Requests { times, .. } = &workload.traffic
                && !times.is_sorted()
            {
                return Err(Error::spec(key("traffic"), "times must rise"));
            }
            if let Traffic::Requests { times, work } = &workload.traffic
                && (work.len() != times.len() || work.iter().any(Duration::is_zero))
            {
                return Err(Error::spec(
                    key("traffic"),
                    "each request needs a CPU time above 0",
                ));
            }
            for call in &workload.calls {
                if !self
                    .workloads
                    .iter()
                    .any(|other| other.name == call.workload)
                {
                    return Err(Error::spec(
                        key("calls"),
                        format!("there is no workload `{}`", call.workload),
                    ));
                }
                if !(0.0..=1.0).contains(&call.share) {
                    return Err(Error::spec(key("calls"), "a share is from 0 to 1"));
                }
            }
            if workload
                .retries
                .is_some_and(|retries| !(0.0..=10.0).contains(&retries.budget))
            {
                return Err(Error::spec(
                    key("retries.budget"),
                    "must be from 0 to 10 retries for each request",
                ));
            }
            check_size(&workload.size).map_err(|reason| Error::spec(key("size"), reason))?;
        }
        Ok(())
    }
}

/// A limit of 0 would let nothing run; one below the request is what Kubernetes refuses.
pub(crate) fn check_size(size: &PodSize) -> Result<(), &'static str> {
    match size {
        PodSize {
            cpu_limit: Some(limit),
            ..
        } if limit.get() == 0 => Err("the CPU limit must be above 0"),
        PodSize {
            cpu_limit: Some(limit),
            cpu_request,
            ..
        } if limit < cpu_request => Err("the CPU limit must not be below the request"),
        PodSize {
            memory_limit: Some(limit),
            memory_request,
            ..
        } if limit < memory_request => Err("the memory limit must not be below the request"),
        _ => Ok(()),
    }
}
