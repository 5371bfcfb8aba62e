//! Actions for learners, and which of them the envelope allows.

use serde::{Deserialize, Serialize};

use crate::allocation::{Allocation, Field};
use crate::observation::SignalHealth;
use crate::situation::Situation;
use crate::units::Magnitude;

/// A closed list of moves, from which a discrete policy chooses by index.
///
/// The list always begins with leaving everything as it is, so a mask is never empty.
///
/// ```
/// use ibn_core::encoding::{ActionTable, Move, ReplicaMove};
///
/// let table = ActionTable::replicas();
/// assert_eq!(table.moves().first(), Some(&Move::STAY));
/// assert!(table.moves().iter().any(|m| m.replicas == ReplicaMove::Add(1)));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionTable {
    version: u32,
    moves: Vec<Move>,
}

/// What one action does to the live allocation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    /// To the number of pods.
    pub replicas: ReplicaMove,
    /// The factor on CPU requests and limits of every container that has them; 1 leaves them.
    pub cpu: f64,
}

/// What one action does to the number of pods.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReplicaMove {
    /// So many more or fewer.
    Add(i32),
    /// So many times as many, rounded away from the present number.
    Scale(f64),
}

impl Move {
    /// Leaves everything as it is.
    pub const STAY: Self = Self {
        replicas: ReplicaMove::Add(0),
        cpu: 1.0,
    };

    const fn replicas(replicas: ReplicaMove) -> Self {
        Self { replicas, cpu: 1.0 }
    }

    /// What it makes of `live`; `None` where that is no allocation (fewer than no pods, overflow).
    #[must_use]
    pub fn of(&self, live: &Allocation) -> Option<Allocation> {
        let replicas = match self.replicas {
            ReplicaMove::Add(delta) => live.replicas.checked_add_delta(delta)?,
            ReplicaMove::Scale(factor) => {
                let exact = f64::from(live.replicas) * factor;
                let away = if factor >= 1.0 {
                    exact.ceil()
                } else {
                    exact.floor()
                };
                (0.0..=f64::from(u32::MAX))
                    .contains(&away)
                    .then_some(away as u32)?
            }
        };
        let mut to = live.with_replicas(replicas);
        // Exact on purpose: 1 is the value that stands for "leave it".
        if self.cpu != 1.0 {
            for container in &mut to.containers {
                for amounts in [&mut container.requests, &mut container.limits] {
                    if let Some(cpu) = amounts.cpu {
                        amounts.cpu = Some(cpu.checked_scale(self.cpu)?);
                    }
                }
            }
        }
        Some(to)
    }
}

impl ActionTable {
    /// A table of own moves behind [`Move::STAY`]; `version` names its layout in checkpoints.
    #[must_use]
    pub fn new(version: u32, moves: impl IntoIterator<Item = Move>) -> Self {
        Self {
            version,
            moves: std::iter::once(Move::STAY).chain(moves).collect(),
        }
    }

    /// Version 1: only the number of pods: leave, ±1, ±2, ±4, and a quarter, a half or all more, a quarter less.
    #[must_use]
    pub fn replicas() -> Self {
        use ReplicaMove::{Add, Scale};
        Self::new(
            1,
            [
                Add(-1),
                Add(1),
                Add(-2),
                Add(2),
                Add(-4),
                Add(4),
                Scale(0.75),
                Scale(1.25),
                Scale(1.5),
                Scale(2.0),
            ]
            .map(Move::replicas),
        )
    }

    /// Version 2: the moves of [`ActionTable::replicas`], and the CPU of every pod a quarter more or a fifth less.
    #[must_use]
    pub fn replicas_and_cpu() -> Self {
        let replicas = Self::replicas().moves.into_iter().skip(1);
        let sizes = [1.25, 0.8].map(|cpu| Move { cpu, ..Move::STAY });
        Self::new(2, replicas.chain(sizes))
    }

    /// The layout's version.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The moves, by action index.
    #[must_use]
    pub fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// The allocation that an action leads to; `None` where it is masked or out of range.
    #[must_use]
    pub fn allocation(&self, situation: &Situation, action: usize) -> Option<Allocation> {
        let to = self.moves.get(action)?.of(&situation.state.allocation)?;
        allows(situation, &to).then_some(to)
    }

    /// For each action whether [`allows`] allows what it leads to.
    #[must_use]
    pub fn mask(&self, situation: &Situation) -> Vec<bool> {
        (0..self.moves.len())
            .map(|action| self.allocation(situation, action).is_some())
            .collect()
    }
}

/// Whether a learner may choose `to`: it is what is live, or it lies inside the envelope as a whole, within the step
/// limits, outside freeze windows, moves no held field, and shrinks nothing on bad signals or below the measured floor.
///
/// Budgets are judged on this workload's own requests; what others take of them is the guard's to judge, on one snapshot.
#[must_use]
pub fn allows(situation: &Situation, to: &Allocation) -> bool {
    let live = &situation.state.allocation;
    if to == live {
        return true;
    }
    let envelope = &situation.envelope;
    let (requests, limits, total) = (to.pod_requests(), to.pod_limits(), to.total_requests());
    let sizes = [
        (envelope.cpu.range().min, envelope.cpu.range().max)
            .within(requests.cpu.as_f64(), limits.cpu.as_f64()),
        (envelope.memory.range().min, envelope.memory.range().max)
            .within(requests.memory.as_f64(), limits.memory.as_f64()),
    ];
    let budgets = envelope.budgets.iter().all(|budget| {
        budget.limit.cpu.is_none_or(|most| total.cpu <= most)
            && budget.limit.memory.is_none_or(|most| total.memory <= most)
            && budget.pods.is_none_or(|most| to.replicas <= most)
    });
    envelope.replicas.range().contains(to.replicas)
        && sizes.iter().all(|fits| *fits)
        && budgets
        && !envelope
            .freeze
            .iter()
            .any(|window| window.contains(situation.now))
        && within_step(situation, to)
        && live
            .changes_to(to)
            .iter()
            .all(|change| is_movable(situation, &change.field))
        && is_safe_shrink(situation, to)
}

/// The two ends of a size, as `(least, most)`.
trait SizeBounds {
    fn within(&self, requests: f64, limits: f64) -> bool;
}

impl<T: Magnitude> SizeBounds for (Option<T>, Option<T>) {
    fn within(&self, requests: f64, limits: f64) -> bool {
        self.0.is_none_or(|least| requests >= least.as_f64())
            && self.1.is_none_or(|most| limits <= most.as_f64())
    }
}

fn within_step(situation: &Situation, to: &Allocation) -> bool {
    let live = &situation.state.allocation;
    let step = &situation.envelope.step;
    let up = to.replicas.saturating_sub(live.replicas);
    let down = live.replicas.saturating_sub(to.replicas);
    let within_factor = |from: Option<f64>, to: Option<f64>| match (step.resource_factor, from, to)
    {
        (None, ..) | (_, None, None) => true,
        (Some(most), Some(from), Some(to)) => to <= from * most && from <= to * most,
        (Some(_), ..) => false,
    };
    step.replicas_up.is_none_or(|most| up <= most)
        && step.replicas_down.is_none_or(|most| down <= most)
        && to.containers.iter().all(|after| {
            live.container(&after.name).is_none_or(|before| {
                [
                    (&before.requests, &after.requests),
                    (&before.limits, &after.limits),
                ]
                .iter()
                .all(|(before, after)| {
                    within_factor(
                        before.cpu.map(|x| x.as_f64()),
                        after.cpu.map(|x| x.as_f64()),
                    ) && within_factor(
                        before.memory.map(|x| x.as_f64()),
                        after.memory.map(|x| x.as_f64()),
                    )
                })
            })
        })
}

/// Not held; and under an autoscaler the number of pods is the autoscaler's.
fn is_movable(situation: &Situation, field: &Field) -> bool {
    situation.is_free(field)
        && !(*field == Field::Replicas && situation.state.allocation.autoscale.is_some())
}

/// Grows, or shrinks on fresh signals to no less than the measured floor.
fn is_safe_shrink(situation: &Situation, to: &Allocation) -> bool {
    let live = &situation.state.allocation;
    let (before, after) = (live.pod_limits(), to.pod_limits());
    let shrinks = to.replicas < live.replicas
        || after.cpu < before.cpu
        || after.memory < before.memory
        || to.pod_requests().cpu < live.pod_requests().cpu
        || to.pod_requests().memory < live.pod_requests().memory;
    !shrinks
        || (situation.health == SignalHealth::Fresh
            && situation.floor.as_ref().is_none_or(|floor| {
                to.replicas >= floor.replicas
                    && after.cpu.saturating_mul(u64::from(to.replicas)) >= floor.total_cpu
                    && after.memory >= floor.pod_memory
            }))
}

/// Between which numbers of pods the envelope and its budgets leave the choice, at the present size of a pod.
///
/// Step limits, cool-down and freeze windows are no part of it: they limit one decision, not where it may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplicaRoom {
    /// Pods asked for now.
    pub now: u32,
    /// The fewest.
    pub least: u32,
    /// The most; `None` where nothing limits it. Never below `least`.
    pub most: Option<u32>,
}

impl ReplicaRoom {
    /// The room at the present size of a pod.
    #[must_use]
    pub fn of(situation: &Situation) -> Self {
        Self::at(situation, &situation.state.allocation)
    }

    /// The room at the pod size of `allocation`.
    #[must_use]
    pub fn at(situation: &Situation, allocation: &Allocation) -> Self {
        let envelope = &situation.envelope;
        let pod = allocation.pod_requests();
        let share = |most: u64, each: u64| {
            // A pod without a request draws nothing from a budget.
            most.checked_div(each)
                .map(|count| u32::try_from(count).unwrap_or(u32::MAX))
        };
        let budgets = envelope.budgets.iter().flat_map(|budget| {
            [
                budget
                    .limit
                    .cpu
                    .and_then(|most| share(most.get(), pod.cpu.get())),
                budget
                    .limit
                    .memory
                    .and_then(|most| share(most.get(), pod.memory.get())),
                budget.pods,
            ]
        });
        let range = envelope.replicas.range();
        let least = range.min.unwrap_or(0);
        let most = std::iter::once(range.max).chain(budgets).flatten().min();
        Self {
            now: situation.state.allocation.replicas,
            least,
            most: most.map(|most| most.max(least)),
        }
    }

    /// Pods that may be added; `None` where nothing limits it.
    #[must_use]
    pub fn up(&self) -> Option<u32> {
        self.most.map(|most| most.saturating_sub(self.now))
    }

    /// Pods that may be taken.
    #[must_use]
    pub fn down(&self) -> u32 {
        self.now.saturating_sub(self.least)
    }

    /// The number nearest to `replicas` that lies inside.
    #[must_use]
    pub fn clamp(&self, replicas: u32) -> u32 {
        let below = self.most.map_or(replicas, |most| replicas.min(most));
        below.max(self.least)
    }
}
