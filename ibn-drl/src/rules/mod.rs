//! Rules: recommenders that don't learn, against which learners are compared and on which they fall back.

mod confidence;
mod correction;
mod demand;
mod memo;
mod planner;
mod predictive;
mod search;
mod sizes;
mod stabilizer;
mod target;

use ibn_core::allocation::{Allocation, Field};
use ibn_core::decision::Reason;
use ibn_core::encoding::ReplicaRoom;
use ibn_core::observation::SignalHealth;
use ibn_core::roles::Recommender;
use ibn_core::situation::{Recommendation, Situation};

pub use demand::DemandSettings;
pub use predictive::{ModelPredictive, MpcSettings, Steering};
pub use stabilizer::Stabilizer;
pub use target::{TargetSettings, TargetTracking};

/// Leaves everything as it is: what a workload does that nobody tunes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hold;

impl Recommender for Hold {
    fn name(&self) -> &str {
        "hold"
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        Recommendation::leave(situation, "Hold", "nothing is tuned")
    }
}

/// Why the number of pods may not be moved, where it may not.
pub(crate) fn replicas_are_held(situation: &Situation) -> Option<Reason> {
    if !situation.is_free(&Field::Replicas) {
        return Some(Reason::new(
            "Held",
            "the number of pods is held by a directive or another owner",
        ));
    }
    situation.state.allocation.autoscale.map(|autoscale| {
        Reason::new(
            "Autoscaled",
            format!(
                "an autoscaler moves the number of pods between {} and {}",
                autoscale.min_replicas(),
                autoscale.max
            ),
        )
    })
}

/// Brings a wanted number of pods into what may be advised: inside the envelope and its budgets, and no shrink on
/// signals that can't be relied on or below the measured floor. Says what it changed.
pub(crate) fn settle(situation: &Situation, wanted: u32, reasons: &mut Vec<Reason>) -> Allocation {
    let live = &situation.state.allocation;
    let room = ReplicaRoom::of(situation);
    let mut replicas = room.clamp(wanted);
    if replicas < wanted {
        reasons.push(Reason::new(
            "Bounded",
            format!("{wanted} pods are wanted, the envelope leaves at most {replicas}"),
        ));
    }
    // A live number above the envelope is brought back by the constraint itself.
    let keep = live.replicas.min(room.most.unwrap_or(u32::MAX));
    if replicas < keep && situation.health != SignalHealth::Fresh {
        reasons.push(Reason::new(
            "SignalsUnreliable",
            format!(
                "{replicas} pods would do, but a signal is {}: nothing shrinks",
                situation.health
            ),
        ));
        replicas = keep;
    }
    if let Some(floor) = &situation.floor {
        let least = floor.replicas.min(keep);
        if replicas < least {
            reasons.push(Reason::new(
                "Floor",
                format!(
                    "the measured load needs at least {} pods ({})",
                    floor.replicas, floor.basis
                ),
            ));
            replicas = least;
        }
    }
    live.with_replicas(replicas)
}
