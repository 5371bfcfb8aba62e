//! Another CPU size for every pod.

use ibn_core::allocation::Allocation;
use ibn_core::decision::Reason;
use ibn_core::encoding::{Move, ReplicaMove, ReplicaRoom, allows};
use ibn_core::observation::SignalHealth;

use super::planner::Planner;
use super::search::Candidate;

/// The factors on the CPU of a pod that are tried.
const FACTORS: [f64; 6] = [0.5, 0.67, 0.8, 1.25, 1.5, 2.0];

/// What of the present cost another size may cost at most, to be worth a change.
const WORTH: f64 = 0.9;

/// A size that is better than the present one.
pub(super) struct Better {
    pub(super) best: Candidate,
    pub(super) reason: Reason,
    pub(super) score_of_present: f64,
}

/// The cheapest size that meets all objectives at `rate` with no more pods than are live, where it is cheaper than `present`
/// by a tenth, or where `present` doesn't meet them.
///
/// With no more pods than there are, since pods change their size at once and new ones take their time.
pub(super) fn better(planner: &Planner<'_>, present: &Allocation, rate: f64) -> Option<Better> {
    let situation = planner.situation;
    let live = &situation.state.allocation;
    if situation.health != SignalHealth::Fresh {
        return None;
    }
    let now = planner.judge.candidate(present.replicas, rate);
    let most_cost = if now.meets {
        WORTH * now.prediction.cost_cores
    } else {
        f64::INFINITY
    };
    let mut better: Option<Candidate> = None;
    for factor in FACTORS {
        let resize = Move {
            replicas: ReplicaMove::Add(0),
            cpu: factor,
        };
        let Some(size) = resize
            .of(live)
            .filter(|size| size != live && allows(situation, size))
        else {
            continue;
        };
        let room = ReplicaRoom::at(situation, &size);
        let judge = planner.judge.with_size(&size);
        let candidate = judge
            .fewest(rate, present.replicas, room.least, room.most)
            .best;
        let cost = candidate.prediction.cost_cores;
        let is_fit = candidate.meets
            && candidate.allocation.replicas <= live.replicas
            && keeps_the_floor(planner, &candidate.allocation)
            && cost <= most_cost;
        let is_cheaper = better
            .as_ref()
            .is_none_or(|best| cost < best.prediction.cost_cores);
        if is_fit && is_cheaper {
            better = Some(candidate);
        }
    }
    let best = better?;
    let to = best.allocation.pod_limits().cpu;
    let message = if now.meets {
        format!(
            "{} pods with {to} CPU each meet all objectives with {} cores, {} with {} take {}",
            best.allocation.replicas,
            best.prediction.cost_cores,
            present.replicas,
            live.pod_limits().cpu,
            now.prediction.cost_cores
        )
    } else {
        format!(
            "{} pods with {to} CPU each meet what {} with {} do not",
            best.allocation.replicas,
            present.replicas,
            live.pod_limits().cpu
        )
    };
    Some(Better {
        reason: Reason::new("Resized", message),
        score_of_present: now.score(),
        best,
    })
}

fn keeps_the_floor(planner: &Planner<'_>, to: &Allocation) -> bool {
    planner.situation.floor.as_ref().is_none_or(|floor| {
        let total = to.pod_limits().cpu.saturating_mul(u64::from(to.replicas));
        to.replicas >= floor.replicas && total >= floor.total_cpu
    })
}
