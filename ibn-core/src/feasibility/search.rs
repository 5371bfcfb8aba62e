//! The search for the cheapest allocation that is predicted to meet objectives.

use super::Bounds;
use super::mobility::{Mobility, Pods};
use crate::allocation::Allocation;
use crate::conflict::Twin;
use crate::intent::{Autoscale, Bound, IndicatorName, Objective};
use crate::prediction::Prediction;
use crate::units::{CpuMillis, Magnitude};

/// Where nothing bounds the number of pods, no more than this are thought of.
const MOST_PODS: u32 = 10_000;

/// Sizes of a pod that are tried, relative to the present one.
const SIZE_FACTORS: [f64; 9] = [1.0, 0.25, 0.5, 0.75, 1.25, 1.5, 2.0, 3.0, 4.0];

/// Looks for allocations inside bounds, by moving what may be moved.
///
/// A twin is taken to be monotonic in the number of pods: what meets an objective that asks for capacity
/// (latency, errors, throughput) still does with more pods. Whatever is found was itself predicted, so
/// that a twin that isn't may hide an allocation but never makes one up. The best guess decides, not
/// the ends of the interval.
pub(crate) struct Search<'a> {
    pub(crate) twin: Twin<'a>,
    pub(crate) base: &'a Allocation,
    pub(crate) bounds: &'a Bounds,
    pub(crate) mobility: &'a Mobility,
}

/// An allocation that was predicted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) allocation: Allocation,
    pub(crate) prediction: Prediction,
}

impl Candidate {
    fn cores(&self) -> CpuMillis {
        self.allocation.total_requests().cpu
    }
}

/// What an objective asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// More pods never hurt it.
    Capacity,
    /// Fewer pods never hurt it.
    Thrift,
}

impl Asks {
    fn of(objective: &Objective) -> Self {
        let more_is_higher = match objective.indicator {
            IndicatorName::Availability | IndicatorName::Throughput | IndicatorName::Cost => true,
            IndicatorName::Latency
            | IndicatorName::ErrorRate
            | IndicatorName::CpuUtilization
            | IndicatorName::MemoryUtilization
            | IndicatorName::Custom(_) => false,
        };
        match (&objective.bound, more_is_higher) {
            (Bound::AtLeast(_), true) | (Bound::AtMost(_), false) => Self::Capacity,
            (Bound::AtMost(_), true) | (Bound::AtLeast(_), false) => Self::Thrift,
        }
    }
}

impl Search<'_> {
    /// What is predicted of an allocation.
    pub(crate) fn predict(&self, allocation: &Allocation) -> Prediction {
        let Twin {
            predictor,
            model,
            demand,
            ..
        } = self.twin;
        predictor.predict(model, demand, allocation)
    }

    /// Whether an allocation is predicted to meet all objectives.
    pub(crate) fn is_met(&self, allocation: &Allocation, objectives: &[&Objective]) -> bool {
        self.meets(allocation, allocation.replicas, objectives, None)
    }

    /// The cheapest allocation that meets all objectives, the present size of a pod first where the price is the same.
    pub(crate) fn cheapest(&self, objectives: &[&Objective]) -> Option<Candidate> {
        self.sizes()
            .iter()
            .filter_map(|size| self.fewest(size, objectives))
            .min_by_key(Candidate::cores)
    }

    /// The fewest pods of the present size that meet all objectives.
    pub(crate) fn cheapest_of_this_size(&self, objectives: &[&Objective]) -> Option<Candidate> {
        self.fewest(self.base, objectives)
    }

    /// The allocation that comes nearest to `objective` among those that meet all of `kept`.
    pub(crate) fn best(&self, objective: &Objective, kept: &[&Objective]) -> Option<Candidate> {
        let value = |candidate: &Candidate| candidate.prediction.of(objective).map(|i| i.mid);
        let better = |a: f64, b: f64| match objective.bound {
            Bound::AtMost(_) => a < b,
            Bound::AtLeast(_) => a > b,
        };
        let mut best: Option<(f64, Candidate)> = None;
        for size in self.sizes() {
            let found = match Asks::of(objective) {
                Asks::Capacity => self.most(&size, kept),
                Asks::Thrift => self.fewest(&size, kept),
            };
            if let Some(candidate) = found
                && let Some(value) = value(&candidate)
                && best.as_ref().is_none_or(|(best, _)| better(value, *best))
            {
                best = Some((value, candidate));
            }
        }
        best.map(|(_, candidate)| candidate)
    }

    /// The fewest pods of a size that meet all objectives.
    fn fewest(&self, size: &Allocation, objectives: &[&Objective]) -> Option<Candidate> {
        let (low, high) = self.pods(size)?;
        let enough = |pods: u32| self.meets(size, pods, objectives, Some(Asks::Capacity));
        let pods = partition(low, high, |pods| !enough(pods));
        self.candidate(size, pods, high, objectives)
    }

    /// The most pods of a size that meet all objectives.
    fn most(&self, size: &Allocation, objectives: &[&Objective]) -> Option<Candidate> {
        let (low, high) = self.pods(size)?;
        let cheap_enough = |pods: u32| self.meets(size, pods, objectives, Some(Asks::Thrift));
        let too_many = partition(low, high, cheap_enough);
        let pods = too_many.checked_sub(1).filter(|pods| *pods >= low)?;
        self.candidate(size, pods, high, objectives)
    }

    fn candidate(
        &self,
        size: &Allocation,
        pods: u32,
        high: u32,
        objectives: &[&Objective],
    ) -> Option<Candidate> {
        (pods <= high && self.meets(size, pods, objectives, None)).then(|| {
            let allocation = size.with_replicas(pods);
            Candidate {
                prediction: self.predict(&allocation),
                allocation,
            }
        })
    }

    /// Whether the objectives that ask for `only` this are met; what the twin doesn't model is passed over.
    fn meets(
        &self,
        size: &Allocation,
        pods: u32,
        objectives: &[&Objective],
        only: Option<Asks>,
    ) -> bool {
        let prediction = self.predict(&size.with_replicas(pods));
        objectives
            .iter()
            .filter(|objective| only.is_none_or(|asks| Asks::of(objective) == asks))
            .filter_map(|objective| Some(objective.is_met_by(prediction.of(objective)?.mid)))
            .all(|met| met)
    }

    /// The number of pods that an autoscaler comes to at the twin's demand.
    pub(crate) fn settles_at(&self, autoscale: &Autoscale) -> u32 {
        let target = f64::from(autoscale.cpu_utilization());
        let too_busy = |pods: u32| {
            let prediction = self.predict(&self.base.with_replicas(pods));
            prediction.saturated || prediction.cpu_utilization.mid > target
        };
        let (min, max) = (autoscale.min_replicas().max(1), autoscale.max);
        partition(min, max, too_busy).min(max)
    }

    /// The fewest and the most pods of a size that may be thought of.
    fn pods(&self, size: &Allocation) -> Option<(u32, u32)> {
        let (fewest, most) = self.bounds.pods_of(size)?;
        let (low, high) = match &self.mobility.pods {
            Pods::Free => (fewest.max(1), most.min(MOST_PODS)),
            // Whether the held number lies inside is the directive's matter.
            Pods::Held | Pods::Foreign(_) => (size.replicas, size.replicas),
            Pods::Autoscaled {
                autoscale,
                held: true,
            } => {
                let settled = Search {
                    base: size,
                    ..*self
                }
                .settles_at(autoscale);
                (settled, settled)
            }
            // The minimum of an autoscaler that nobody holds may be raised.
            Pods::Autoscaled {
                autoscale,
                held: false,
            } => (
                fewest.max(autoscale.min_replicas()).max(1),
                most.min(autoscale.max),
            ),
        };
        (low <= high).then_some((low, high))
    }

    /// The sizes of a pod that may be thought of, the present one first.
    fn sizes(&self) -> Vec<Allocation> {
        let mut sizes = vec![self.base.clone()];
        if !self.mobility.cpu || !self.twin.resizing {
            return sizes;
        }
        let mut factors = SIZE_FACTORS.to_vec();
        let range = self.bounds.envelope.cpu.range();
        let ratio = |bound: Option<CpuMillis>, present: CpuMillis| {
            bound
                .filter(|_| present > CpuMillis::ZERO)
                .map(|bound| bound.as_f64() / present.as_f64())
        };
        factors.extend(ratio(range.max, self.base.pod_limits().cpu));
        factors.extend(ratio(range.min, self.base.pod_requests().cpu));
        for factor in factors {
            let Some(size) = with_cpu_scaled(self.base, factor) else {
                continue;
            };
            let fits = size.pod_requests().cpu >= range.min.unwrap_or(CpuMillis::ZERO)
                && range.max.is_none_or(|max| size.pod_limits().cpu <= max);
            if fits && !sizes.contains(&size) {
                sizes.push(size);
            }
        }
        sizes
    }
}

/// The least value in `low..=high` for which `below` doesn't hold, `high + 1` where there is none;
/// `below` holds up to some value and not beyond.
fn partition(low: u32, high: u32, below: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut end) = (low, high.saturating_add(1));
    // Most answers are near the lower end, where nothing bounds the upper one.
    let mut step = 1u32;
    while low < end {
        let probe = low.saturating_add(step - 1).min(end - 1);
        if below(probe) {
            low = probe + 1;
            step = step.saturating_mul(2);
        } else {
            end = probe;
            break;
        }
    }
    while low < end {
        let middle = low + (end - low) / 2;
        if below(middle) {
            low = middle + 1;
        } else {
            end = middle;
        }
    }
    low
}

/// The same with every CPU request and limit times `factor`, rounded down; `None` where that leaves a pod without CPU.
pub(crate) fn with_cpu_scaled(base: &Allocation, factor: f64) -> Option<Allocation> {
    let scale = |cpu: Option<CpuMillis>| -> Option<Option<CpuMillis>> {
        match cpu {
            None => Some(None),
            Some(cpu) => {
                // A boundary factor that comes out a hair below a whole number means that number.
                let scaled = (cpu.as_f64() * factor + 1e-6).floor();
                (scaled >= 1.0 || cpu == CpuMillis::ZERO)
                    .then(|| CpuMillis::from_cores(scaled / 1000.0))
            }
        }
    };
    let mut scaled = base.clone();
    for container in &mut scaled.containers {
        container.requests.cpu = scale(container.requests.cpu)?;
        container.limits.cpu = scale(container.limits.cpu)?;
    }
    Some(scaled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_finds_the_first_value_that_is_not_below() {
        for first in 0..=12 {
            assert_eq!(
                partition(2, 9, |value| value < first),
                first.clamp(2, 10),
                "{first}"
            );
        }
        assert_eq!(partition(5, 5, |_| false), 5);
    }
}
