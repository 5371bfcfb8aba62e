//! The recommender of the VerticalPodAutoscaler 1.5: what containers should request, to the byte.
//!
//! CPU usage and daily memory peaks of each container name go into histograms in which a sample's weight halves every day;
//! percentiles of them, with a safety margin, are the target and the bounds. The bounds lie the wider apart the less is
//! known. After `pkg/recommender` of `vertical-pod-autoscaler` 1.5.1. Times are nanoseconds since 1970, CPU is in
//! millicores, memory in bytes.

mod advise;
mod aggregate;
mod arithmetic;
mod histogram;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use advise::Vpa;
use aggregate::{Aggregate, Container};
pub use histogram::Buckets;

/// Nanoseconds since 1970, or a span of them.
pub type Nanos = i64;

const SECOND: Nanos = 1_000_000_000;
const DAY: Nanos = 86_400 * SECOND;
/// The weight of a CPU sample.
const SAMPLE_WEIGHT: f64 = 0.1;
/// The greatest amount of anything.
const MAX_AMOUNT: f64 = 1e14;

/// Flags of the recommender.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// After how long a CPU sample weighs half, ns.
    pub cpu_half_life: Nanos,
    /// After how long a memory peak weighs half, ns.
    pub memory_half_life: Nanos,
    /// The span of which a memory peak is taken, ns.
    pub memory_interval: Nanos,
    /// What a container that was killed for want of memory is taken to need, as a multiple of what it had.
    pub oom_ratio: f64,
    /// The same as an addition, bytes; the greater counts.
    pub oom_min_bytes: f64,
    /// What is added to every percentile, as a share of it.
    pub margin: f64,
    /// The percentiles of CPU for lower bound, target and upper bound, 0 to 1.
    pub cpu_percentiles: [f64; 3],
    /// The percentiles of memory peaks, 0 to 1.
    pub memory_percentiles: [f64; 3],
    /// The history that gives full confidence in CPU bounds, ns.
    pub cpu_confidence: Nanos,
    /// The history that gives full confidence in memory bounds, ns.
    pub memory_confidence: Nanos,
    /// The least that a pod gets, millicores, shared equally by its containers.
    pub pod_min_cpu: f64,
    /// The least that a pod gets, bytes.
    pub pod_min_memory: f64,
}

impl Default for Config {
    /// Upstream's defaults.
    fn default() -> Self {
        let percentiles = [0.5, 0.9, 0.95];
        Self {
            cpu_half_life: DAY,
            memory_half_life: DAY,
            memory_interval: DAY,
            oom_ratio: 1.2,
            oom_min_bytes: 104_857_600.0,
            margin: 0.15,
            cpu_percentiles: percentiles,
            memory_percentiles: percentiles,
            cpu_confidence: DAY,
            memory_confidence: DAY,
            pod_min_cpu: 25.0,
            pod_min_memory: 262_144_000.0,
        }
    }
}

/// An amount of both resources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Millicores.
    pub cpu: i64,
    /// Bytes.
    pub memory: i64,
}

/// What one container should request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Below it a pod is to be resized.
    pub lower: Amounts,
    /// What to request.
    pub target: Amounts,
    /// Above it a pod is to be resized.
    pub upper: Amounts,
    /// CPU samples that it rests on.
    pub samples: u64,
}

impl Estimate {
    /// The same inside the range that a policy allows; where the range is empty, its maximum counts.
    #[must_use]
    pub fn capped(mut self, policy: &Policy) -> Self {
        for amounts in [&mut self.lower, &mut self.target, &mut self.upper] {
            let cap = |value: i64, min: Option<i64>, max: Option<i64>| {
                value.max(min.unwrap_or(value)).min(max.unwrap_or(i64::MAX))
            };
            amounts.cpu = cap(amounts.cpu, policy.min_cpu, policy.max_cpu);
            amounts.memory = cap(amounts.memory, policy.min_memory, policy.max_memory);
        }
        self
    }
}

/// The range that a container policy allows (`minAllowed`, `maxAllowed`); what is absent is free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// Millicores.
    pub min_cpu: Option<i64>,
    /// Millicores.
    pub max_cpu: Option<i64>,
    /// Bytes.
    pub min_memory: Option<i64>,
    /// Bytes.
    pub max_memory: Option<i64>,
}

/// The recommender's side of one VerticalPodAutoscaler.
///
/// ```
/// use ibn_sim::autoscaler::vpa::{Config, Recommender};
///
/// let mut vpa = Recommender::new(Config::default());
/// vpa.add_pod(1, 0, &["app"]);
/// for minute in 0..120 {
///     let at = minute * 60_000_000_000;
///     assert!(vpa.add_cpu(1, "app", at, 400));
///     assert!(vpa.add_memory(1, "app", at, 300 << 20));
/// }
/// let app = vpa.recommend()["app"];
/// // 400m lies in the bucket that ends at 0.01 · (1.05²³ − 1) / 0.05 cores, 414m; the margin is 15 %.
/// assert_eq!(app.target.cpu, 476);
/// assert!(app.lower.cpu <= app.target.cpu && app.target.cpu <= app.upper.cpu);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Recommender {
    config: Config,
    cpu_buckets: Buckets,
    memory_buckets: Buckets,
    /// By group and container name.
    aggregates: BTreeMap<(u64, String), Aggregate>,
    /// By pod.
    pods: BTreeMap<u64, Pod>,
}

#[derive(Debug, Clone, PartialEq)]
struct Pod {
    group: u64,
    containers: BTreeMap<String, Container>,
}

impl Recommender {
    /// A recommender that knows nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            cpu_buckets: Buckets::cpu_cores(),
            memory_buckets: Buckets::memory_bytes(),
            aggregates: BTreeMap::new(),
            pods: BTreeMap::new(),
        }
    }

    /// A pod appears; a known one starts anew. Pods of one `group` carry the same labels: what their containers use is counted together.
    pub fn add_pod(&mut self, pod: u64, group: u64, containers: &[&str]) {
        for name in containers {
            self.aggregates
                .entry((group, (*name).to_owned()))
                .or_insert_with(|| {
                    Aggregate::new(&self.config, &self.cpu_buckets, &self.memory_buckets)
                });
        }
        let containers = containers
            .iter()
            .map(|name| ((*name).to_owned(), Container::default()))
            .collect();
        self.pods.insert(pod, Pod { group, containers });
    }

    /// A pod goes; what it used is remembered.
    pub fn remove_pod(&mut self, pod: u64) {
        self.pods.remove(&pod);
    }

    /// A sample of CPU usage in millicores; `false` where it is not taken: unknown container, negative, duplicate, out of order.
    pub fn add_cpu(&mut self, pod: u64, container: &str, at: Nanos, millicores: i64) -> bool {
        let Some((state, aggregate)) = find(&mut self.pods, &mut self.aggregates, pod, container)
        else {
            return false;
        };
        state.add_cpu(aggregate, &self.cpu_buckets, at, millicores)
    }

    /// A sample of the memory in use in bytes; `false` where it is not taken.
    pub fn add_memory(&mut self, pod: u64, container: &str, at: Nanos, bytes: i64) -> bool {
        let Some((state, aggregate)) = find(&mut self.pods, &mut self.aggregates, pod, container)
        else {
            return false;
        };
        let how = (&self.config, &self.memory_buckets);
        state.add_memory(aggregate, how, at, bytes, false)
    }

    /// A container with that memory request, in bytes, was killed for want of memory; `false` where it is too long ago.
    pub fn record_oom(&mut self, pod: u64, container: &str, at: Nanos, requested: i64) -> bool {
        let Some((state, aggregate)) = find(&mut self.pods, &mut self.aggregates, pod, container)
        else {
            return false;
        };
        let how = (&self.config, &self.memory_buckets);
        state.record_oom(aggregate, how, at, requested)
    }

    /// What each container should request, by name.
    pub fn recommend(&mut self) -> BTreeMap<String, Estimate> {
        let mut merged: BTreeMap<String, Aggregate> = BTreeMap::new();
        for ((_, name), aggregate) in &mut self.aggregates {
            merged
                .entry(name.clone())
                .or_insert_with(|| {
                    Aggregate::new(&self.config, &self.cpu_buckets, &self.memory_buckets)
                })
                .merge(aggregate);
        }
        let share = 1.0 / merged.len() as f64;
        let least = Amounts {
            cpu: scaled(
                scaled(self.config.pod_min_cpu * 0.001 * 1000.0, 1.0) as f64,
                share,
            ),
            memory: scaled(scaled(self.config.pod_min_memory, 1.0) as f64, share),
        };
        merged
            .into_iter()
            .map(|(name, aggregate)| (name, self.estimate(&aggregate, least)))
            .collect()
    }

    fn estimate(&self, of: &Aggregate, least: Amounts) -> Estimate {
        let config = &self.config;
        let with_margin = |base: i64| base.saturating_add(scaled(base as f64, config.margin));
        let cpu = config
            .cpu_percentiles
            .map(|share| with_margin(scaled(of.cpu.percentile(&self.cpu_buckets, share), 1000.0)));
        let memory = config.memory_percentiles.map(|share| {
            with_margin(scaled(
                of.memory_peaks.percentile(&self.memory_buckets, share),
                1.0,
            ))
        });
        let cpu = widened(cpu, of.confidence(config.cpu_confidence));
        let memory = widened(memory, of.confidence(config.memory_confidence));
        let [lower, target, upper] = [0, 1, 2].map(|index: usize| Amounts {
            cpu: cpu.get(index).copied().unwrap_or(0).max(least.cpu),
            memory: memory.get(index).copied().unwrap_or(0).max(least.memory),
        });
        Estimate {
            lower,
            target,
            upper,
            samples: of.samples,
        }
    }
}

fn find<'a>(
    pods: &'a mut BTreeMap<u64, Pod>,
    aggregates: &'a mut BTreeMap<(u64, String), Aggregate>,
    pod: u64,
    container: &str,
) -> Option<(&'a mut Container, &'a mut Aggregate)> {
    let pod = pods.get_mut(&pod)?;
    let state = pod.containers.get_mut(container)?;
    let aggregate = aggregates.get_mut(&(pod.group, container.to_owned()))?;
    Some((state, aggregate))
}

/// Lower bound, target and upper bound, the bounds moved apart where confidence is low.
fn widened([lower, target, upper]: [i64; 3], confidence: f64) -> [i64; 3] {
    let doubt = 1.0 + 0.001 / confidence;
    [
        scaled(lower as f64, 1.0 / (doubt * doubt)),
        target,
        scaled(upper as f64, 1.0 + 1.0 / confidence),
    ]
}

/// A whole amount from a product: cut off, at least 0, at most 10¹⁴; below everything where it is no number.
fn scaled(amount: f64, factor: f64) -> i64 {
    let product = amount * factor;
    if product.is_nan() {
        i64::MIN
    } else {
        product.clamp(0.0, MAX_AMOUNT) as i64
    }
}
