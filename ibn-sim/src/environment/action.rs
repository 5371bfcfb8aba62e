//! What an action does to an allocation.

use ibn_core::allocation::Allocation;
use ibn_core::encoding::{ActionTable, ReplicaRoom, allows};
use ibn_core::roles::{Action, ActionSpace};
use ibn_core::situation::Situation;
use ibn_core::units::Magnitude;

/// The kinds of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    /// One of the moves of [`ActionTable::replicas_and_cpu`], for a scenario with one workload.
    Discrete,
    /// For each workload three choices: two pods fewer, one fewer, as many, one more, two more; the CPU of each pod × 0.8, as it is,
    /// × 1.25; its memory likewise. The mask tells each choice by itself; they are made in this order, and one that isn't allowed after
    /// those before is left.
    MultiDiscrete,
    /// For each workload three numbers from −1 to 1: pods × 2^a (rounded, at least one up or down from a third on), the CPU of each pod × 1.25^b
    /// and its memory × 1.25^c. Pods are held between the bounds; a size that isn't allowed is left.
    Continuous,
}

/// Changes of the number of pods.
const PODS: [i32; 5] = [-2, -1, 0, 1, 2];
/// Factors on sizes.
const SIZES: [f64; 3] = [0.8, 1.0, 1.25];

impl ActionKind {
    /// Numbers of an action for one workload.
    pub(super) const fn len(self) -> usize {
        match self {
            Self::Discrete => 1,
            Self::MultiDiscrete | Self::Continuous => 3,
        }
    }

    /// Entries of the mask for one workload.
    pub(super) fn mask_len(self) -> usize {
        match self {
            Self::Discrete => ActionTable::replicas_and_cpu().moves().len(),
            Self::MultiDiscrete => PODS.len() + 2 * SIZES.len(),
            Self::Continuous => 0,
        }
    }

    pub(super) fn space(self, workloads: usize) -> ActionSpace {
        match self {
            Self::Discrete => ActionSpace::Discrete(self.mask_len()),
            Self::MultiDiscrete => {
                ActionSpace::MultiDiscrete([PODS.len(), SIZES.len(), SIZES.len()].repeat(workloads))
            }
            Self::Continuous => ActionSpace::Continuous {
                low: vec![-1.0; 3 * workloads],
                high: vec![1.0; 3 * workloads],
            },
        }
    }

    /// An action as bits, numbers held between −1 and 1; `None` where it is of another kind or length.
    pub(super) fn bits(self, action: Action<'_>, workloads: usize) -> Option<Vec<u32>> {
        let bits: Vec<u32> = match (self, action) {
            (Self::Discrete | Self::MultiDiscrete, Action::Discrete(choices)) => choices.to_vec(),
            (Self::Continuous, Action::Continuous(numbers)) => numbers
                .iter()
                .map(|number| {
                    if number.is_nan() {
                        0.0
                    } else {
                        number.clamp(-1.0, 1.0)
                    }
                })
                .map(f32::to_bits)
                .collect(),
            _ => return None,
        };
        (bits.len() == self.len() * workloads).then_some(bits)
    }

    /// Whether these bits can be an action.
    pub(super) fn is_one(self, bits: &[u32]) -> bool {
        bits.chunks_exact(self.len()).all(|part| match self {
            Self::Discrete => part
                .iter()
                .all(|choice| (*choice as usize) < self.mask_len()),
            Self::MultiDiscrete => part
                .iter()
                .zip([PODS.len(), SIZES.len(), SIZES.len()])
                .all(|(choice, most)| (*choice as usize) < most),
            Self::Continuous => part
                .iter()
                .all(|bits| (-1.0..=1.0).contains(&f32::from_bits(*bits))),
        })
    }

    /// Which choices are allowed, each by itself.
    pub(super) fn mask(self, situation: &Situation, mask: &mut [bool]) {
        let allowed: Vec<bool> = match self {
            Self::Discrete => ActionTable::replicas_and_cpu().mask(situation),
            Self::MultiDiscrete => {
                let live = &situation.state.allocation;
                let ok = |to: Option<Allocation>| to.is_some_and(|to| allows(situation, &to));
                let pods = PODS.iter().map(|by| ok(with_pods(live, *by)));
                let cpu = SIZES.iter().map(|by| ok(with_cpu(live, *by)));
                let memory = SIZES.iter().map(|by| ok(with_memory(live, *by)));
                pods.chain(cpu).chain(memory).collect()
            }
            Self::Continuous => Vec::new(),
        };
        for (place, allowed) in mask.iter_mut().zip(allowed) {
            *place = allowed;
        }
    }

    /// What an action for one workload leads to.
    pub(super) fn wanted(self, situation: &Situation, bits: &[u32]) -> Allocation {
        let live = &situation.state.allocation;
        let part = |index: usize| bits.get(index).copied().unwrap_or_default();
        match self {
            Self::Discrete => ActionTable::replicas_and_cpu()
                .allocation(situation, part(0) as usize)
                .unwrap_or_else(|| live.clone()),
            Self::MultiDiscrete => {
                let of = |index: usize| SIZES.get(part(index) as usize).copied().unwrap_or(1.0);
                let by = PODS.get(part(0) as usize).copied().unwrap_or(0);
                let pods = with_pods(live, by);
                in_turn(situation, pods, of(1), of(2))
            }
            Self::Continuous => {
                let number = |index: usize| f64::from(f32::from_bits(part(index)));
                let pods = scaled_pods(live.replicas, number(0));
                let pods = live.with_replicas(ReplicaRoom::of(situation).clamp(pods));
                let factor = |index: usize| 1.25f64.powf(number(index));
                in_turn(situation, Some(pods), factor(1), factor(2))
            }
        }
    }
}

/// Pods × 2^a, rounded; never the same from a third up or down on.
fn scaled_pods(live: u32, a: f64) -> u32 {
    let exact = (f64::from(live) * a.exp2()).round() as u32;
    if a >= 1.0 / 3.0 {
        exact.max(live.saturating_add(1))
    } else if a <= -1.0 / 3.0 {
        exact.min(live.saturating_sub(1))
    } else {
        exact
    }
}

/// Pods, then CPU, then memory, each where it is allowed after those before.
fn in_turn(situation: &Situation, pods: Option<Allocation>, cpu: f64, memory: f64) -> Allocation {
    let allowed = |to: Option<Allocation>| to.filter(|to| allows(situation, to));
    let live = situation.state.allocation.clone();
    let to = allowed(pods).unwrap_or(live);
    let to = allowed(with_cpu(&to, cpu)).unwrap_or(to);
    allowed(with_memory(&to, memory)).unwrap_or(to)
}

fn with_pods(live: &Allocation, by: i32) -> Option<Allocation> {
    let pods = live.replicas.checked_add_signed(by)?;
    Some(live.with_replicas(pods))
}

/// Requests and limits of CPU × `factor`, where they are set; never less than 10m.
fn with_cpu(live: &Allocation, factor: f64) -> Option<Allocation> {
    let mut to = live.clone();
    for container in &mut to.containers {
        for amounts in [&mut container.requests, &mut container.limits] {
            if let Some(cpu) = amounts.cpu {
                amounts.cpu = Some(cpu.checked_scale(factor).filter(|cpu| cpu.get() >= 10)?);
            }
        }
    }
    Some(to)
}

/// Requests and limits of memory × `factor`, where they are set; never less than 8Mi.
fn with_memory(live: &Allocation, factor: f64) -> Option<Allocation> {
    let mut to = live.clone();
    for container in &mut to.containers {
        for amounts in [&mut container.requests, &mut container.limits] {
            if let Some(memory) = amounts.memory {
                let scaled = memory.checked_scale(factor);
                amounts.memory = Some(scaled.filter(|memory| memory.get() >= 8 << 20)?);
            }
        }
    }
    Some(to)
}
