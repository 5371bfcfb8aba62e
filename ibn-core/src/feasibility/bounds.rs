//! An envelope with what others draw on its budgets.

use std::fmt;

use crate::allocation::{Allocation, Resource};
use crate::envelope::{Drawn, Envelope, Limits, Usage, Violation};
use crate::workload::Inventory;

/// The limits on one workload that hold at every instant. Step limits, cool-downs and freezes pass, so they bound nothing here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) envelope: Envelope,
    others: Vec<Usage>,
}

impl Bounds {
    /// The bounds of an envelope among what is live.
    pub(crate) fn of(envelope: Envelope, inventory: &Inventory) -> Self {
        Self {
            others: envelope.used_by_others(inventory, &[]),
            envelope,
        }
    }

    /// The same without budgets.
    pub(crate) fn without_budgets(&self) -> Self {
        let envelope = Envelope {
            budgets: Vec::new(),
            ..self.envelope.clone()
        };
        Self {
            envelope,
            others: Vec::new(),
        }
    }

    /// No bounds but at least one pod.
    pub(crate) fn open(&self) -> Self {
        Self {
            envelope: Envelope::open(self.envelope.workload.clone()),
            others: Vec::new(),
        }
    }

    /// The bounds that an allocation is beyond, an autoscaler's whole range included.
    pub(crate) fn violations(&self, allocation: &Allocation) -> Vec<Violation> {
        self.envelope.violations_beside(allocation, &self.others)
    }

    /// The bounds that `allocation` is beyond for another reason than that `reference` is, too.
    ///
    /// Nothing where it is beyond no bound further than `reference`.
    pub(crate) fn violations_beyond(
        &self,
        allocation: &Allocation,
        reference: &Allocation,
    ) -> Vec<Violation> {
        let distance =
            |allocation: &Allocation| self.envelope.distance_beside(allocation, &self.others);
        if distance(allocation).is_no_worse_than(&distance(reference)) {
            return Vec::new();
        }
        let excused = self.violations(reference);
        let mut violations = self.violations(allocation);
        violations.retain(|violation| !excused.contains(violation));
        violations
    }

    /// The limits that exclude each other, each pair in a sentence.
    pub(crate) fn contradictions(&self) -> Vec<String> {
        fn of<T: Ord + Copy + fmt::Display>(limits: &Limits<T>, noun: &str) -> Option<String> {
            let (min, max) = (limits.min.as_ref()?, limits.max.as_ref()?);
            (min.value > max.value).then(|| {
                format!(
                    "{} demands at least {} {noun}, and {} allows at most {}",
                    min.source, min.value, max.source, max.value
                )
            })
        }
        [
            of(&self.envelope.replicas, "pods"),
            of(&self.envelope.cpu, "CPU a pod"),
            of(&self.envelope.memory, "memory a pod"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The fewest and the most pods of this size that are allowed; `None` where no number is.
    pub(crate) fn pods_of(&self, size: &Allocation) -> Option<(u32, u32)> {
        let range = self.envelope.replicas.range();
        let fewest = range.min.unwrap_or(0);
        let one = Usage::of(&Allocation {
            autoscale: None,
            ..size.with_replicas(1)
        });
        let mut most = range.max.unwrap_or(u32::MAX);
        for (budget, others) in self.envelope.budgets.iter().zip(&self.others) {
            for drawn in Drawn::ALL {
                if let Some(limit) = budget.most(drawn)
                    && let Some(fit) = limit
                        .saturating_sub(others.get(drawn))
                        .checked_div(one.get(drawn))
                {
                    most = most.min(u32::try_from(fit).unwrap_or(u32::MAX));
                }
            }
        }
        (fewest <= most).then_some((fewest, most))
    }

    /// What is left to this workload of a resource, over all budgets.
    pub(crate) fn room(&self, resource: Resource) -> Option<u128> {
        self.envelope
            .budgets
            .iter()
            .zip(&self.others)
            .filter_map(|(budget, others)| {
                let drawn = Drawn::Requests(resource);
                Some(budget.most(drawn)?.saturating_sub(others.get(drawn)))
            })
            .min()
    }
}
