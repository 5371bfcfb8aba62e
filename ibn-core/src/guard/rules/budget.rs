//! Sums over several workloads, on one snapshot with plans in flight.

use super::super::CutRule;
use super::super::back;
use super::super::trim::{Case, Trim};
use super::size::{Counted, cap_growth};
use crate::allocation::Allocation;
use crate::envelope::{Drawn, Usage};

pub(super) fn trim(case: &Case<'_>, trim: &mut Trim<'_>) {
    for (budget, others) in case.current.envelope.budgets.iter().zip(&case.others) {
        for what in Drawn::ALL {
            if let Some(most) = budget.most(what) {
                let room = most.saturating_sub(others.get(what));
                trim.cut(CutRule::Budget, &budget.source, |live, now| {
                    fit(live, now, what, room);
                });
            }
        }
    }
}

/// Cuts growth until the draw fits the room, or is no more than what is drawn already: pods first, then requests.
fn fit(live: &Allocation, now: &mut Allocation, what: Drawn, room: u128) {
    let room = room.max(Usage::of(live).get(what));
    if Usage::of(now).get(what) <= room {
        return;
    }
    let per_pod = match what {
        Drawn::Requests(resource) => Counted::Reserved.sum(now, resource),
        Drawn::Pods => 1,
    };
    let pods = u32::try_from(room.checked_div(per_pod).unwrap_or(room)).unwrap_or(u32::MAX);
    if now.granted_pods() > live.granted_pods() {
        back::most(live, now, pods);
    }
    if let Drawn::Requests(resource) = what
        && Usage::of(now).get(what) > room
    {
        let per_pod = room
            .checked_div(u128::from(now.granted_pods()))
            .unwrap_or(room);
        cap_growth(live, now, resource, Counted::Reserved, per_pod);
    }
}
