//! The HorizontalPodAutoscaler of Kubernetes 1.34, `autoscaling/v2`: the decisions of its controller.
//!
//! The order of one sync, the rules for pods without readings or readiness, stabilisation and policies are those of
//! `pkg/controller/podautoscaler`. Values, targets and requests are in thousandths (millicores for CPU), times in
//! nanoseconds on any one clock.

mod behavior;
mod calculator;
mod recommender;

pub use behavior::{Amount, Behavior, Policy, Rules, Select};
pub use recommender::Hpa;

use behavior::Memory;
use calculator::Input;

const SECOND: i64 = 1_000_000_000;

/// The time between two syncs (`--horizontal-pod-autoscaler-sync-period`).
pub const SYNC_NANOS: u64 = 15_000_000_000;

/// What an autoscaler is told to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The fewest pods; 0 lets it scale to zero.
    pub min: i32,
    /// The most pods.
    pub max: i32,
    /// What it looks at; the metric that wants most pods decides.
    pub metrics: Vec<Metric>,
    /// Rules for the speed of change; the older rules of the controller where absent.
    pub behavior: Option<Behavior>,
}

impl Spec {
    /// An autoscaler on CPU utilisation in percent of the requests, with the rules that hold where none are written.
    #[must_use]
    pub fn on_cpu(min: u32, max: u32, utilization: u32) -> Self {
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let metric = Metric {
            source: Source::Cpu,
            target: Target::Utilization(number(utilization.max(1))),
        };
        Self {
            min: number(min),
            max: number(max),
            metrics: vec![metric],
            behavior: None,
        }
    }
}

/// One metric and its target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Where it comes from.
    pub source: Source,
    /// What it should be.
    pub target: Target,
}

/// Where a metric comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// CPU of the pods.
    Cpu,
    /// Memory of the pods.
    Memory,
    /// A custom metric of the pods.
    Pods,
    /// A metric of another object.
    Object,
    /// A metric from outside the cluster.
    External,
}

/// What a metric should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Percent of the requests, on average over the pods.
    Utilization(i32),
    /// An amount per pod, on average.
    AverageValue(i64),
    /// An amount in all.
    Value(i64),
}

/// Flags of the controller. Times in ns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Relative deviation from the target that is let be.
    pub tolerance: f64,
    /// How long a higher recommendation holds.
    pub downscale_stabilization: i64,
    /// How long after its start a pod's CPU counts only where it is ready.
    pub cpu_initialization: i64,
    /// How long after its start a pod that isn't ready counts as never having been.
    pub initial_readiness_delay: i64,
    /// The window that a CPU sample covers.
    pub metric_window: i64,
}

impl Default for Parameters {
    /// The controller's defaults, and the 15 s resolution of the metrics server.
    fn default() -> Self {
        Self {
            tolerance: 0.1,
            downscale_stabilization: 300 * SECOND,
            cpu_initialization: 300 * SECOND,
            initial_readiness_delay: 30 * SECOND,
            metric_window: 15 * SECOND,
        }
    }
}

/// A pod as the controller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pod {
    /// Its identity.
    pub id: u64,
    /// Its phase.
    pub status: PodStatus,
    /// When the kubelet took it (`status.startTime`).
    pub started: Option<i64>,
    /// Its Ready condition.
    pub readiness: Option<Readiness>,
    /// When that last changed.
    pub ready_since: Option<i64>,
    /// Whether it is being deleted.
    pub deleted: bool,
    /// CPU that it requests, in millicores.
    pub cpu_request: Option<i64>,
    /// Memory that it requests, in thousandths of a byte.
    pub memory_request: Option<i64>,
}

impl Pod {
    fn request(&self, source: Source) -> Option<i64> {
        if source == Source::Memory {
            self.memory_request
        } else {
            self.cpu_request
        }
    }
}

/// The phase of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodStatus {
    /// Not all of its containers run yet.
    Pending,
    /// It runs.
    Running,
    /// It ended well.
    Succeeded,
    /// It ended badly.
    Failed,
}

/// The Ready condition of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// True.
    Ready,
    /// False.
    NotReady,
    /// Unknown.
    Unknown,
}

/// What the source of a metric answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Readings {
    /// It can't be had.
    Failed,
    /// One value for each pod that has one.
    Pods(Vec<Sample>),
    /// One value (of several external series, the sum).
    Total(i64),
}

/// The value of a metric at one pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The pod; may be gone.
    pub pod: u64,
    /// The value.
    pub value: i64,
    /// The end of the window that it covers.
    pub at: i64,
}

/// What the controller sees at a sync.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen<'a> {
    /// The instant.
    pub now: i64,
    /// `scale.spec.replicas`.
    pub replicas: i32,
    /// `scale.status.replicas`.
    pub status_replicas: i32,
    /// All pods of the workload.
    pub pods: &'a [Pod],
    /// What the source of each metric of the specification answers.
    pub readings: &'a [Readings],
}

/// What a sync came to, step by step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What each metric proposes, `None` where it fails; empty where metrics weren't asked.
    pub proposals: Vec<Option<i32>>,
    /// The greatest proposal; `None` where metrics weren't asked, or failures forbid to act.
    pub recommended: Option<i32>,
    /// The recommendation after stabilisation.
    pub stabilized: Option<i32>,
    /// Replicas to set; equal to those that are where nothing is to change.
    pub replicas: i32,
}

/// The controller's side of one autoscaler.
///
/// ```
/// use ibn_sim::autoscaler::hpa::{Controller, Parameters, Pod, PodStatus, Readiness, Readings, Sample, Seen, Spec};
///
/// let pod = Pod {
///     id: 1,
///     status: PodStatus::Running,
///     started: Some(-3_600_000_000_000),
///     readiness: Some(Readiness::Ready),
///     ready_since: Some(-3_590_000_000_000),
///     deleted: false,
///     cpu_request: Some(500),
///     memory_request: None,
/// };
/// let mut hpa = Controller::new(Spec::on_cpu(1, 10, 70), Parameters::default());
/// let readings = [Readings::Pods(vec![Sample { pod: 1, value: 600, at: 0 }])];
/// let seen = Seen { now: 0, replicas: 1, status_replicas: 1, pods: &[pod], readings: &readings };
/// // 600m of 500m is 120 %; 120 / 70 rounded up is 2.
/// assert_eq!(hpa.sync(&seen).replicas, 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Controller {
    spec: Spec,
    parameters: Parameters,
    memory: Memory,
}

impl Controller {
    /// A controller that remembers nothing.
    #[must_use]
    pub fn new(spec: Spec, parameters: Parameters) -> Self {
        Self {
            spec,
            parameters,
            memory: Memory::default(),
        }
    }

    /// What it is told to do.
    #[must_use]
    pub const fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Tells it to do something else; what it remembers stays.
    pub fn edit(&mut self, spec: Spec) {
        self.spec = spec;
    }

    /// One sync. Where it asks for another number of pods and that was set, call [`Controller::scaled`].
    pub fn sync(&mut self, seen: &Seen<'_>) -> Outcome {
        let Seen { now, replicas, .. } = *seen;
        self.memory.begin(now, replicas);
        let mut outcome = Outcome {
            proposals: Vec::new(),
            recommended: None,
            stabilized: None,
            replicas,
        };
        if replicas == 0 && self.spec.min != 0 {
            return outcome;
        }
        if replicas > self.spec.max || replicas < self.spec.min {
            outcome.replicas = if replicas > self.spec.max {
                self.spec.max
            } else {
                self.spec.min
            };
            return outcome;
        }
        let input = Input {
            now,
            parameters: &self.parameters,
            spec: replicas,
            status: seen.status_replicas,
            pods: seen.pods,
        };
        outcome.proposals = self
            .spec
            .metrics
            .iter()
            .enumerate()
            .map(|(index, metric)| {
                input.propose(
                    metric,
                    seen.readings.get(index).unwrap_or(&Readings::Failed),
                )
            })
            .collect();
        // A metric that fails may hide a need: without it nothing shrinks.
        let failed = outcome
            .proposals
            .iter()
            .filter(|proposal| proposal.is_none())
            .count();
        let Some(greatest) = outcome.proposals.iter().flatten().copied().max() else {
            return outcome;
        };
        if failed > 0 && greatest < replicas {
            return outcome;
        }
        let stabilized =
            self.memory
                .stabilize(&self.spec, &self.parameters, now, replicas, greatest);
        outcome.recommended = Some(greatest);
        outcome.stabilized = Some(stabilized);
        outcome.replicas = self.memory.limit(&self.spec, now, replicas, stabilized);
        outcome
    }

    /// Takes in that the number of pods was changed as it asked for.
    pub fn scaled(&mut self, now: i64, from: i32, to: i32) {
        self.memory.changed(&self.spec, now, from, to);
    }
}

#[cfg(test)]
mod tests;
