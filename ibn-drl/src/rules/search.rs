//! Finds the fewest pods for which the twin predicts that the objectives are met.

use std::time::Duration;

use ibn_core::allocation::Allocation;
use ibn_core::intent::{Bound, IndicatorName, Objective};
use ibn_core::prediction::{Prediction, WorkloadModel};
use ibn_core::roles::Predictor;

use super::confidence::reached;
use super::memo::Memo;

/// No search goes beyond this number of pods; Kubernetes is tested up to 150 000 in a whole cluster.
const MOST: u32 = 20_000;

/// What candidates are judged by.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    predictor: &'a dyn Predictor,
    model: &'a WorkloadModel,
    size: &'a Allocation,
    objectives: &'a [Objective],
    confidence: f64,
    window: Duration,
    memo: &'a Memo,
}

/// A candidate with what is predicted of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) allocation: Allocation,
    /// Requests a second.
    pub(super) rate: f64,
    pub(super) prediction: Prediction,
    pub(super) meets: bool,
    /// By how much the worst objective is missed, relative to its bound; 0 where all are met.
    pub(super) miss: f64,
}

impl Candidate {
    /// Less cost is better among those that meet the objectives; among the others a smaller miss is.
    ///
    /// −cores where the objectives are met; else −cores − 1 000 × miss, the miss counted up to 10.
    pub(super) fn score(&self) -> f64 {
        -self.prediction.cost_cores - 1_000.0 * self.miss.min(10.0)
    }
}

/// What came of a search.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// The choice.
    pub(super) best: Candidate,
    /// Whether more pods than the search may take would help.
    pub(super) at_limit: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        predictor: &'a dyn Predictor,
        model: &'a WorkloadModel,
        size: &'a Allocation,
        objectives: &'a [Objective],
        confidence: f64,
        window: Duration,
        memo: &'a Memo,
    ) -> Self {
        Self {
            predictor,
            model,
            size,
            objectives,
            confidence,
            window,
            memo,
        }
    }

    /// The same for pods of another size.
    pub(super) fn with_size<'b>(&self, size: &'b Allocation) -> Judge<'b>
    where
        'a: 'b,
    {
        Judge { size, ..*self }
    }

    /// The objectives that it judges by.
    pub(super) fn objectives(&self) -> &[Objective] {
        self.objectives
    }

    /// How sure a prediction must be, 0.5 (the best guess meets the bound) to 1 (the worst end of the interval does).
    pub(super) fn confidence(&self) -> f64 {
        self.confidence
    }

    /// From an order to a pod that serves.
    pub(super) fn startup(&self) -> Duration {
        self.model.startup
    }

    /// The objectives that more capacity helps and that the twin predicts.
    pub(super) fn capacity_objectives(objectives: &[Objective]) -> Vec<Objective> {
        objectives
            .iter()
            .filter(|objective| needs_capacity(objective))
            .cloned()
            .collect()
    }

    /// So many pods under so many requests a second.
    pub(super) fn candidate(&self, replicas: u32, rate: f64) -> Candidate {
        let allocation = self.size.with_replicas(replicas);
        let prediction = self
            .memo
            .predict(self.predictor, self.model, rate, &allocation);
        let mut candidate = Candidate {
            meets: false,
            miss: 0.0,
            allocation,
            rate,
            prediction,
        };
        let miss = self.worst_miss(self.objectives, &candidate);
        // Beyond saturation nothing is met for long, whatever the numbers say.
        candidate.miss = if candidate.prediction.saturated {
            miss.max(1.0)
        } else {
            miss
        };
        candidate.meets = candidate.miss <= 0.0;
        candidate
    }

    fn worst_miss(&self, objectives: &[Objective], candidate: &Candidate) -> f64 {
        objectives
            .iter()
            .filter_map(|objective| Some(miss(objective, self.reached(candidate, objective)?)))
            .fold(0.0, f64::max)
    }

    /// What a candidate reaches of an objective, as an observation window will show it, with the confidence that is asked.
    pub(super) fn reached(&self, candidate: &Candidate, objective: &Objective) -> Option<f64> {
        let window = objective.window().min(self.window).as_secs_f64();
        let counted = candidate.rate * window;
        reached(&candidate.prediction, objective, self.confidence, counted)
    }

    /// Whether the twin says anything of any objective.
    pub(super) fn predicts_something(&self) -> bool {
        let prediction = self.candidate(self.size.replicas.max(1), 1.0).prediction;
        self.objectives
            .iter()
            .any(|objective| prediction.of(objective).is_some())
    }

    /// The fewest pods between `least` and `most` that meet all objectives at `rate`; sought from `hint` on.
    ///
    /// Where none do: the fewest beyond which more pods hardly help. More pods are taken never to make an objective
    /// worse, so a search by halving finds the same as one by counting.
    pub(super) fn fewest(&self, rate: f64, hint: u32, least: u32, most: Option<u32>) -> Found {
        let least = least.clamp(1, MOST);
        let most = most.unwrap_or(MOST).clamp(least, MOST);
        let start = self.candidate(hint.clamp(least, most), rate);
        // Outwards from the hint with doubling steps, until one side meets the objectives and the other doesn't.
        let mut step = 1;
        let (below, best) = if start.meets {
            let mut best = start;
            loop {
                let at = best.allocation.replicas;
                if at == least {
                    return Found::of(best);
                }
                let next = self.candidate(at.saturating_sub(step).max(least), rate);
                if !next.meets {
                    break (next.allocation.replicas, best);
                }
                best = next;
                step = step.saturating_mul(2);
            }
        } else {
            let mut below = start.allocation.replicas;
            loop {
                if below == most {
                    return self.nearest(rate, least, most);
                }
                let next = self.candidate(below.saturating_add(step).min(most), rate);
                if next.meets {
                    break (below, next);
                }
                below = next.allocation.replicas;
                step = step.saturating_mul(2);
            }
        };
        Found::of(self.between(rate, below, best, |candidate| candidate.meets))
    }

    /// The fewest pods that are `good`, where `best` are and `below` aren't.
    fn between(
        &self,
        rate: f64,
        mut below: u32,
        mut best: Candidate,
        good: impl Fn(&Candidate) -> bool,
    ) -> Candidate {
        while best.allocation.replicas - below > 1 {
            let middle = self.candidate(below + (best.allocation.replicas - below) / 2, rate);
            if good(&middle) {
                best = middle;
            } else {
                below = middle.allocation.replicas;
            }
        }
        best
    }

    /// The fewest pods whose miss is within a twentieth of the bound from the least miss that can be had; the most where
    /// even they are saturated.
    fn nearest(&self, rate: f64, least: u32, most: u32) -> Found {
        let limit = self.candidate(most, rate);
        if limit.prediction.saturated || !limit.miss.is_finite() {
            return Found {
                best: limit,
                at_limit: true,
            };
        }
        let good_enough = limit.miss + 0.05;
        let best = self.between(rate, least.saturating_sub(1), limit, |candidate| {
            candidate.miss <= good_enough
        });
        Found {
            at_limit: best.allocation.replicas == most,
            best,
        }
    }

    /// The most pods that meet the objectives that more pods make worse (a cost, a least utilisation); `None` where there is none such.
    pub(super) fn thrift_limit(
        &self,
        objectives: &[Objective],
        rate: f64,
        least: u32,
        most: Option<u32>,
    ) -> Option<u32> {
        let thrift: Vec<Objective> = objectives
            .iter()
            .filter(|objective| !needs_capacity(objective))
            .cloned()
            .collect();
        if thrift.is_empty() {
            return None;
        }
        let meets =
            |replicas: u32| self.worst_miss(&thrift, &self.candidate(replicas, rate)) <= 0.0;
        let least = least.clamp(1, MOST);
        let (mut low, mut high) = (least, most.unwrap_or(MOST).clamp(least, MOST));
        if meets(high) {
            return None;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if meets(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(low)
    }
}

impl Found {
    fn of(best: Candidate) -> Self {
        Self {
            best,
            at_limit: false,
        }
    }
}

/// Whether more pods help: not for a cost, nor for what is to be used at least.
fn needs_capacity(objective: &Objective) -> bool {
    !matches!(
        (&objective.indicator, &objective.bound),
        (IndicatorName::Cost, _)
            | (
                IndicatorName::CpuUtilization | IndicatorName::MemoryUtilization,
                Bound::AtLeast(_)
            )
    )
}

/// By how much `achieved` misses the bound, relative to it; infinite for NaN.
fn miss(objective: &Objective, achieved: f64) -> f64 {
    if objective.is_met_by(achieved) {
        return 0.0;
    }
    let bound = objective.bound.value().number();
    let distance = (achieved - bound).abs() / bound.abs().max(1e-9);
    if distance.is_nan() {
        f64::INFINITY
    } else {
        distance.max(f64::MIN_POSITIVE)
    }
}
