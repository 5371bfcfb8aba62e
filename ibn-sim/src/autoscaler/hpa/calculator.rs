//! What one metric proposes: the replica calculator.

use std::collections::{BTreeMap, BTreeSet};

use super::{Metric, Parameters, Pod, PodStatus, Readiness, Readings, Sample, Source, Target};

/// Everything that a proposal is computed from.
pub(super) struct Input<'a> {
    pub(super) now: i64,
    pub(super) parameters: &'a Parameters,
    /// `scale.spec.replicas` and `scale.status.replicas`.
    pub(super) spec: i32,
    pub(super) status: i32,
    pub(super) pods: &'a [Pod],
}

impl Input<'_> {
    /// The number of pods that a metric proposes; `None` where it fails.
    pub(super) fn propose(&self, metric: &Metric, readings: &Readings) -> Option<i32> {
        match (metric.source, metric.target, readings) {
            (
                Source::Cpu | Source::Memory,
                Target::Utilization(target),
                Readings::Pods(samples),
            ) => self.utilization(metric.source, target, samples),
            (
                Source::Cpu | Source::Memory | Source::Pods,
                Target::AverageValue(target),
                Readings::Pods(samples),
            ) => self.plain(metric.source, target, samples),
            (Source::Object | Source::External, Target::Value(target), Readings::Total(usage)) => {
                self.total(target, *usage)
            }
            (
                Source::Object | Source::External,
                Target::AverageValue(target),
                Readings::Total(usage),
            ) => Some(self.per_pod(target, *usage)),
            _ => None,
        }
    }

    fn within_tolerance(&self, ratio: f64) -> bool {
        let tolerance = self.parameters.tolerance;
        1.0 - tolerance <= ratio && ratio <= 1.0 + tolerance
    }

    /// `GetResourceReplicas`.
    fn utilization(&self, source: Source, target: i32, samples: &[Sample]) -> Option<i32> {
        let mut groups = self.group(source, samples)?;
        let requests: BTreeMap<u64, i64> = self
            .pods
            .iter()
            .map(|pod| Some((pod.id, pod.request(source)?)))
            .collect::<Option<_>>()?;
        let ratio = |metrics: &BTreeMap<u64, i64>| {
            let known = metrics
                .iter()
                .filter_map(|(id, value)| Some((*value, *requests.get(id)?)));
            let (used, requested) = known.fold((0, 0), |sum, of| {
                (sum.0 + i128::from(of.0), sum.1 + i128::from(of.1))
            });
            // A whole percentage, as upstream has it.
            let percent = i32::try_from((used * 100).checked_div(requested)?).unwrap_or(i32::MAX);
            Some(f64::from(percent) / f64::from(target))
        };
        let first = ratio(&groups.metrics)?;
        if !groups.fill(first, |id| {
            let fallback = i64::from(target.max(100));
            if first < 1.0 {
                Some(requests.get(&id)?.saturating_mul(fallback) / 100)
            } else {
                (first > 1.0).then_some(0)
            }
        }) {
            return Some(self.settle(first, groups.ready));
        }
        Some(self.settle_filled(first, ratio(&groups.metrics)?, groups.metrics.len()))
    }

    /// `calcPlainMetricReplicas`.
    fn plain(&self, source: Source, target: i64, samples: &[Sample]) -> Option<i32> {
        let mut groups = self.group(source, samples)?;
        let ratio = |metrics: &BTreeMap<u64, i64>| {
            let sum: i128 = metrics.values().map(|value| i128::from(*value)).sum();
            (sum / metrics.len().max(1) as i128) as f64 / target as f64
        };
        let first = ratio(&groups.metrics);
        if !groups.fill(first, |_| {
            if first < 1.0 {
                Some(target)
            } else {
                (first > 1.0).then_some(0)
            }
        }) {
            return Some(self.settle(first, groups.ready));
        }
        Some(self.settle_filled(first, ratio(&groups.metrics), groups.metrics.len()))
    }

    /// `getUsageRatioReplicaCount`.
    fn total(&self, target: i64, usage: i64) -> Option<i32> {
        let ratio = usage as f64 / target as f64;
        if self.spec == 0 {
            return Some(ceil(ratio));
        }
        if self.within_tolerance(ratio) {
            return Some(self.spec);
        }
        if self.pods.is_empty() {
            return None;
        }
        let running = |pod: &&Pod| {
            pod.status == PodStatus::Running && pod.readiness == Some(Readiness::Ready)
        };
        Some(ceil(
            ratio * self.pods.iter().filter(running).count() as f64,
        ))
    }

    /// `GetObjectPerPodMetricReplicas`.
    fn per_pod(&self, target: i64, usage: i64) -> i32 {
        let ratio = usage as f64 / (target as f64 * f64::from(self.status));
        if self.within_tolerance(ratio) {
            self.status
        } else {
            ceil(usage as f64 / target as f64)
        }
    }

    fn settle(&self, ratio: f64, ready: usize) -> i32 {
        if self.within_tolerance(ratio) {
            self.spec
        } else {
            ceil(ratio * ready as f64)
        }
    }

    /// With readings filled in, the proposal must not point the other way than without.
    fn settle_filled(&self, first: f64, ratio: f64, pods: usize) -> i32 {
        if self.within_tolerance(ratio)
            || (first < 1.0 && ratio > 1.0)
            || (first > 1.0 && ratio < 1.0)
        {
            return self.spec;
        }
        let proposal = ceil(ratio * pods as f64);
        if (ratio < 1.0 && proposal > self.spec) || (ratio > 1.0 && proposal < self.spec) {
            return self.spec;
        }
        proposal
    }

    /// `groupPods`; `None` where no pod is left whose reading counts.
    fn group(&self, source: Source, samples: &[Sample]) -> Option<Groups> {
        let by_pod: BTreeMap<u64, &Sample> =
            samples.iter().map(|sample| (sample.pod, sample)).collect();
        let mut metrics: BTreeMap<u64, i64> = by_pod
            .iter()
            .map(|(id, sample)| (*id, sample.value))
            .collect();
        let mut groups = Groups {
            metrics: BTreeMap::new(),
            ready: 0,
            unready: BTreeSet::new(),
            missing: BTreeSet::new(),
        };
        for pod in self.pods {
            if pod.deleted || pod.status == PodStatus::Failed {
                metrics.remove(&pod.id);
            } else if pod.status == PodStatus::Pending {
                metrics.remove(&pod.id);
                groups.unready.insert(pod.id);
            } else if let Some(sample) = by_pod.get(&pod.id) {
                if source == Source::Cpu && self.ignores_cpu(pod, sample) {
                    metrics.remove(&pod.id);
                    groups.unready.insert(pod.id);
                } else {
                    groups.ready += 1;
                }
            } else {
                groups.missing.insert(pod.id);
            }
        }
        groups.metrics = metrics;
        (!self.pods.is_empty() && !groups.metrics.is_empty()).then_some(groups)
    }

    /// CPU of a pod that isn't ready, or only just is, says nothing of the load.
    fn ignores_cpu(&self, pod: &Pod, sample: &Sample) -> bool {
        let (Some(started), Some(readiness), Some(since)) =
            (pod.started, pod.readiness, pod.ready_since)
        else {
            return true;
        };
        let not_ready = readiness == Readiness::NotReady;
        if started.saturating_add(self.parameters.cpu_initialization) > self.now {
            not_ready || sample.at < since.saturating_add(self.parameters.metric_window)
        } else {
            not_ready && started.saturating_add(self.parameters.initial_readiness_delay) > since
        }
    }
}

struct Groups {
    metrics: BTreeMap<u64, i64>,
    ready: usize,
    unready: BTreeSet<u64>,
    missing: BTreeSet<u64>,
}

impl Groups {
    /// Fills in readings of missing pods, and zeros for pods that aren't ready where the others are over the target; false
    /// where there was nothing to fill in.
    fn fill(&mut self, ratio: f64, missing: impl Fn(u64) -> Option<i64>) -> bool {
        let up_with_unready = !self.unready.is_empty() && ratio > 1.0;
        if !up_with_unready && self.missing.is_empty() {
            return false;
        }
        self.metrics.extend(
            self.missing
                .iter()
                .filter_map(|id| Some((*id, missing(*id)?))),
        );
        if up_with_unready {
            self.metrics.extend(self.unready.iter().map(|id| (*id, 0)));
        }
        true
    }
}

fn ceil(x: f64) -> i32 {
    x.ceil() as i32
}
