//! How far an allocation is from lying inside an envelope, by number and in words.

use std::fmt;

use super::{Budget, Envelope, LimitSource};
use crate::allocation::{Allocation, Field, Resource};
use crate::guard::{CutRule, Reservation};
use crate::units::{Bytes, CpuMillis};
use crate::workload::{Inventory, WorkloadRef};

/// How far an allocation is beyond each bound of one envelope; comparable only with another distance to the same envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distance {
    /// By how much each bound is exceeded, in a fixed order; zero where it holds.
    beyond: Vec<u128>,
}

impl Distance {
    /// Whether every bound holds.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.beyond.iter().all(|by| *by == 0)
    }

    /// Whether no bound is exceeded further than in `other`.
    #[must_use]
    pub fn is_no_worse_than(&self, other: &Self) -> bool {
        self.beyond.len() == other.beyond.len()
            && self
                .beyond
                .iter()
                .zip(&other.beyond)
                .all(|(mine, theirs)| mine <= theirs)
    }

    /// Whether some bound is exceeded less than in `other`, and none further.
    #[must_use]
    pub fn is_nearer_than(&self, other: &Self) -> bool {
        self.is_no_worse_than(other) && self != other
    }
}

/// A bound that an allocation is beyond; prints as `replicas is 13, at most 12 (guardrail `small`)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule of the guard that holds the bound.
    pub rule: CutRule,
    /// Which field; absent where it is a sum.
    pub field: Option<Field>,
    /// What the bound is on, such as `CPU limits of a pod`.
    pub what: &'static str,
    /// What it is.
    pub found: String,
    /// What it may be, such as `at most 12`.
    pub allowed: String,
    /// Who set the bound.
    pub source: LimitSource,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            found,
            allowed,
            source,
            ..
        } = self;
        write!(f, "{what} is {found}, {allowed} ({source})")
    }
}

/// What is drawn from a budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Millicores requested.
    pub cpu: u128,
    /// Bytes requested.
    pub memory: u128,
    /// Pods.
    pub pods: u128,
}

impl Usage {
    /// What an allocation draws: the requests of all its pods, with an autoscaler as if it were at its maximum.
    #[must_use]
    pub fn of(allocation: &Allocation) -> Self {
        let pods = u128::from(allocation.granted_pods());
        Self {
            cpu: pods.saturating_mul(sum(allocation, |c| c.reserved(Resource::Cpu))),
            memory: pods.saturating_mul(sum(allocation, |c| c.reserved(Resource::Memory))),
            pods,
        }
    }

    /// The drawn amount of one kind.
    #[must_use]
    pub fn get(&self, what: Drawn) -> u128 {
        match what {
            Drawn::Requests(Resource::Cpu) => self.cpu,
            Drawn::Requests(Resource::Memory) => self.memory,
            Drawn::Pods => self.pods,
        }
    }

    fn of_reservation(reservation: &Reservation) -> Self {
        Self {
            cpu: u128::from(reservation.requests.cpu.get()),
            memory: u128::from(reservation.requests.memory.get()),
            pods: u128::from(reservation.pods),
        }
    }

    /// The greater of both, amount by amount.
    fn max(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.max(other.cpu),
            memory: self.memory.max(other.memory),
            pods: self.pods.max(other.pods),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_add(other.cpu),
            memory: self.memory.saturating_add(other.memory),
            pods: self.pods.saturating_add(other.pods),
        }
    }
}

/// What a budget may limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// The sum of requests.
    Requests(Resource),
    /// The number of pods.
    Pods,
}

impl Drawn {
    /// Everything that a budget may limit.
    pub const ALL: [Self; 3] = [
        Self::Requests(Resource::Cpu),
        Self::Requests(Resource::Memory),
        Self::Pods,
    ];

    /// What an amount of it is, for a person.
    fn text(self, amount: u128) -> String {
        let amount = u64::try_from(amount).unwrap_or(u64::MAX);
        match self {
            Self::Requests(resource) => resource.text(amount),
            Self::Pods => amount.to_string(),
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Requests(Resource::Cpu) => "CPU requested together",
            Self::Requests(Resource::Memory) => "memory requested together",
            Self::Pods => "number of pods together",
        }
    }
}

impl Budget {
    /// What the members other than `own` draw: for each the greater of what is live and what is in flight, since a plan in
    /// flight may or may not come to be applied.
    #[must_use]
    pub fn used_by_others(
        &self,
        own: &WorkloadRef,
        inventory: &Inventory,
        in_flight: &[Reservation],
    ) -> Usage {
        self.members
            .iter()
            .filter(|member| *member != own)
            .map(|member| {
                let live = inventory
                    .workloads
                    .get(member)
                    .map(|state| Usage::of(&state.allocation))
                    .unwrap_or_default();
                in_flight
                    .iter()
                    .filter(|reservation| reservation.workload == *member)
                    .map(Usage::of_reservation)
                    .fold(live, Usage::max)
            })
            .fold(Usage::default(), Usage::plus)
    }

    /// Whether nobody else draws on it.
    #[must_use]
    pub fn is_of_one(&self, own: &WorkloadRef) -> bool {
        self.members.iter().all(|member| member == own)
    }

    /// The limit of one kind.
    #[must_use]
    pub fn most(&self, what: Drawn) -> Option<u128> {
        match what {
            Drawn::Requests(Resource::Cpu) => self.limit.cpu.map(CpuMillis::get).map(u128::from),
            Drawn::Requests(Resource::Memory) => self.limit.memory.map(Bytes::get).map(u128::from),
            Drawn::Pods => self.pods.map(u128::from),
        }
    }
}

/// One bound, held against one allocation.
struct Check<'a> {
    rule: CutRule,
    field: Option<Field>,
    what: &'static str,
    found: u128,
    bound: u128,
    is_min: bool,
    unit: Drawn,
    source: &'a LimitSource,
}

impl Check<'_> {
    fn beyond(&self) -> u128 {
        if self.is_min {
            self.bound.saturating_sub(self.found)
        } else {
            self.found.saturating_sub(self.bound)
        }
    }

    fn violation(&self) -> Option<Violation> {
        (self.beyond() > 0).then(|| Violation {
            rule: self.rule,
            field: self.field.clone(),
            what: self.what,
            found: self.unit.text(self.found),
            allowed: format!(
                "at {} {}",
                if self.is_min { "least" } else { "most" },
                self.unit.text(self.bound)
            ),
            source: self.source.clone(),
        })
    }
}

impl Envelope {
    /// Whether an allocation lies inside, as far as can be told without the other members of its budgets.
    #[must_use]
    pub fn contains(&self, allocation: &Allocation) -> bool {
        self.distance(allocation).is_inside()
    }

    /// How far an allocation is from lying inside, as far as can be told without the other members of its budgets.
    #[must_use]
    pub fn distance(&self, allocation: &Allocation) -> Distance {
        self.distance_beside(allocation, &[])
    }

    /// The bounds that an allocation is beyond, as far as can be told without the other members of its budgets.
    #[must_use]
    pub fn violations(&self, allocation: &Allocation) -> Vec<Violation> {
        self.violations_beside(allocation, &[])
    }

    /// What others draw of each budget, in order.
    pub(crate) fn used_by_others(
        &self,
        inventory: &Inventory,
        in_flight: &[Reservation],
    ) -> Vec<Usage> {
        self.budgets
            .iter()
            .map(|budget| budget.used_by_others(&self.workload, inventory, in_flight))
            .collect()
    }

    /// The distance where others draw this much of each budget.
    pub(crate) fn distance_beside(&self, allocation: &Allocation, others: &[Usage]) -> Distance {
        let mut beyond = Vec::new();
        self.each_check(allocation, others, |check| beyond.push(check.beyond()));
        Distance { beyond }
    }

    /// The violations where others draw this much of each budget.
    pub(crate) fn violations_beside(
        &self,
        allocation: &Allocation,
        others: &[Usage],
    ) -> Vec<Violation> {
        let mut violations: Vec<Violation> = Vec::new();
        self.each_check(allocation, others, |check| {
            // Without an autoscaler `replicas` is asked thrice.
            violations.extend(
                check
                    .violation()
                    .filter(|violation| !violations.contains(violation)),
            );
        });
        violations
    }

    /// Calls `visit` for every bound, in an order that depends on the envelope only.
    fn each_check(
        &self,
        allocation: &Allocation,
        others: &[Usage],
        mut visit: impl FnMut(Check<'_>),
    ) {
        self.check_pods(allocation, &mut visit);
        for resource in Resource::ALL {
            self.check_sizes(allocation, resource, &mut visit);
        }
        let own = Usage::of(allocation);
        for (idx, budget) in self.budgets.iter().enumerate() {
            let beside = others.get(idx).copied().unwrap_or_default();
            for what in Drawn::ALL {
                let Some(most) = budget.most(what) else {
                    continue;
                };
                visit(Check {
                    rule: CutRule::Budget,
                    field: None,
                    what: what.what(),
                    found: own.get(what).saturating_add(beside.get(what)),
                    bound: most,
                    is_min: false,
                    unit: what,
                    source: &budget.source,
                });
            }
        }
    }

    /// The number of pods, and how far an autoscaler may take it.
    fn check_pods(&self, allocation: &Allocation, visit: &mut impl FnMut(Check<'_>)) {
        let replicas = (Field::Replicas, "replicas", allocation.replicas);
        let ends = match allocation.autoscale {
            Some(autoscale) => {
                let least = "the autoscaler's minimum";
                let most = "the autoscaler's maximum";
                [
                    replicas,
                    (Field::Autoscale, least, autoscale.min_replicas()),
                    (Field::Autoscale, most, autoscale.max),
                ]
            }
            None => [replicas.clone(), replicas.clone(), replicas],
        };
        let limits = self.replicas.settled();
        for (field, what, pods) in ends {
            for (limit, is_min) in [(&limits.min, true), (&limits.max, false)] {
                let Some(limit) = limit else { continue };
                visit(Check {
                    rule: CutRule::Replicas,
                    field: Some(field.clone()),
                    what,
                    found: u128::from(pods),
                    bound: u128::from(limit.value),
                    is_min,
                    unit: Drawn::Pods,
                    source: &limit.source,
                });
            }
        }
    }

    /// A pod's size: requests against the minimum, limits against the maximum.
    fn check_sizes(
        &self,
        allocation: &Allocation,
        resource: Resource,
        visit: &mut impl FnMut(Check<'_>),
    ) {
        let (rule, requested, limit) = match resource {
            Resource::Cpu => (
                CutRule::PodCpu,
                "CPU requested by a pod",
                "CPU limit of a pod",
            ),
            Resource::Memory => (
                CutRule::PodMemory,
                "memory requested by a pod",
                "memory limit of a pod",
            ),
        };
        let bounds = self.pod_bounds(resource);
        let requests = sum(allocation, |container| container.reserved(resource));
        let limits = sum(allocation, |container| container.ceiling(resource));
        for (bound, is_min, what, found) in [
            (&bounds.min, true, requested, requests),
            (&bounds.max, false, limit, limits),
        ] {
            let Some(bound) = bound else { continue };
            visit(Check {
                rule,
                field: None,
                what,
                found,
                bound: u128::from(bound.value),
                is_min,
                unit: Drawn::Requests(resource),
                source: &bound.source,
            });
        }
    }
}

/// The exact sum over a pod's containers.
pub(crate) fn sum(
    allocation: &Allocation,
    amount: impl Fn(&crate::allocation::ContainerResources) -> u64,
) -> u128 {
    allocation
        .containers
        .iter()
        .map(|container| u128::from(amount(container)))
        .sum()
}
