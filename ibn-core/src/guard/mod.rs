//! The guard: the only maker of [`ApprovedPlan`], and so the only way to a cluster.
//!
//! Anyone may make a [`Plan`]: a directive, a recommender, a learner, an undo. [`Guard::review`] trusts none of them; what it
//! trusts is [`Current`]: the state, the limits and the signals of one instant. Whatever is asked, this holds of what it
//! approves (the property tests in `tests/guard` hold each point against an oracle that is written apart):
//!
//! 1. It lies inside the envelope, every budget with its other members and with plans in flight included; or, where what is
//!    live lies outside, it is strictly nearer in one bound and no further out in any other ([`crate::envelope::Distance`]).
//! 2. On signals that are not fresh, and during the cool-down, nothing shrinks in any field. With a measured floor nothing
//!    shrinks below it, and what grows in the same plan doesn't count before it is there.
//! 3. Foreign fields stay as they are. Under an autoscaler its bounds move, the number of pods never.
//! 4. Running pods can take it in place, unless a guardrail allows to replace them.
//! 5. It goes no further than the step limits, is no return to what was just undone, and has a person's approval where its
//!    [risk](crate::guardrail::RiskClass::of) asks for one. In a freeze window nothing is approved at all.
//! 6. It can be meant: the containers are those that are there, requests are within limits, every amount can be written.
//! 7. Nothing is cut without need. A plan that satisfies all this is approved as it is; what is cut is cut to the nearest
//!    value that is allowed, on the way from what is live to what was wanted, and every cut says by which rule and whose
//!    limit. The same plan again gets the same verdict; once applied it is [`CutRule::Unchanged`].
//!
//! How: each rule moves values back towards what is live until it holds, and the rules are asked in turn until none
//! moves anything. Since all move in the same direction, towards a point at which nothing changes, that comes to an end and
//! the order doesn't matter to what is safe. What is left is measured against the envelope once more. Where what is live lies
//! outside and the plan alone would not lead nearer, it is completed by the way to [`crate::envelope::Envelope::nearest`], and
//! judged again; only then may a field change that the plan left alone.
//!
//! How things are counted:
//!
//! - A container without a request reserves its limit, as Kubernetes has it; one without a limit counts with its request
//!   against maxima, and to set a limit where there was none is to shrink.
//! - An autoscaler counts as all that it may do by itself: with its minimum against the floor and lower bounds, with its
//!   maximum against upper bounds and budgets. Without one both are the number of pods.
//! - A plan in flight counts with the greater of what is live and what is reserved, since it may or may not land.
//! - Of a pod's containers nobody knows which carries the load: each keeps at least its share of the floor.
//!
//! ```
//! use ibn_core::allocation::Allocation;
//! use ibn_core::decision::{DecisionId, Trigger};
//! use ibn_core::envelope::{Envelope, LimitSource};
//! use ibn_core::guard::{Current, Desired, Guard, Plan, Verdict};
//! use ibn_core::intent::Range;
//! use ibn_core::observation::SignalHealth;
//! use ibn_core::workload::{Inventory, WorkloadRef, WorkloadState};
//!
//! let web = WorkloadRef::deployment("acme", "web");
//! let state = WorkloadState {
//!     workload: web.clone(),
//!     resource_version: "7".into(),
//!     labels: Default::default(),
//!     allocation: Allocation::new(3, vec![]),
//!     quota: None,
//!     ready_replicas: 3,
//!     owners: Default::default(),
//! };
//! let mut envelope = Envelope::open(web.clone());
//! envelope.replicas.intersect(Range::new(None, Some(12)), &LimitSource::Guardrail("small".into()));
//! let plan = Plan {
//!     decision: DecisionId(1),
//!     workload: web,
//!     desired: Desired::Allocation(Allocation::new(40, vec![])),
//!     trigger: Trigger::Recommender,
//!     intents: vec![],
//!     reasons: vec![],
//! };
//! let verdict = Guard.review(plan, &Current {
//!     now: "2026-11-24T12:00:00Z".parse()?,
//!     state: &state,
//!     envelope: &envelope,
//!     inventory: &Inventory::default(),
//!     in_flight: &[],
//!     health: SignalHealth::Fresh,
//!     floor: None,
//!     last_applied_at: None,
//!     barred: &[],
//!     approved_by_person: false,
//! });
//! let Verdict::Trimmed(approved, cuts) = verdict else { unreachable!() };
//! assert_eq!(approved.desired(), &Desired::Allocation(Allocation::new(12, vec![])));
//! assert_eq!(cuts[0].to_string(), "replicas: wanted 40, allowed 12 (bound on pods of guardrail `small`)");
//! # Ok::<(), jiff::Error>(())
//! ```

mod back;
mod plan;
mod quota;
mod risk;
mod rules;
mod trim;
mod undo;
mod whole;

use std::collections::BTreeMap;

pub use plan::{
    ApprovedPlan, Barred, Current, Cut, CutRule, Desired, Plan, Receipt, Reservation, Standing,
    Verdict,
};

pub(crate) use rules::rollout::back_to_class;

use crate::allocation::{Allocation, ContainerResources};
use crate::workload::WorkloadRef;
use trim::{Case, Trim};

/// Judges plans against the envelope; see the [module](self) for what it promises.
#[derive(Debug, Clone, Copy, Default)]
pub struct Guard;

impl Guard {
    /// Judges a plan on what is true at one instant.
    ///
    /// Total and pure: it never panics, whatever it is given, and the same input gives the same verdict. A rejected plan has
    /// at least one cut.
    #[must_use]
    pub fn review(&self, plan: Plan, current: &Current<'_>) -> Verdict {
        let faults = whole::mismatched(&plan, current);
        if !faults.is_empty() {
            return Verdict::Rejected(faults);
        }
        let before = Desired::live(current.state);
        let faults = match (&plan.desired, &before) {
            (Desired::Allocation(wanted), Desired::Allocation(live)) => {
                whole::malformed(wanted, live)
            }
            (Desired::Quota(wanted), Desired::Quota(live)) => {
                whole::malformed_quota(*wanted, *live)
            }
            _ => Vec::new(),
        };
        if !faults.is_empty() {
            return Verdict::Rejected(faults);
        }
        let changes = before.changes_to(&plan.desired);
        if changes.is_empty() {
            let cut = whole::whole(CutRule::Unchanged, "what is live", "what is live");
            return Verdict::Rejected(vec![cut]);
        }
        let wanted: Vec<String> = changes.iter().map(ToString::to_string).collect();
        let wanted = wanted.join(", ");
        if let Some(cut) = whole::frozen(current, &wanted) {
            return Verdict::Rejected(vec![cut]);
        }
        let mut is_approved = current.approved_by_person;
        let (after, mut cuts) = match &plan.desired {
            Desired::Allocation(allocation) => {
                let in_order = in_order_of(&current.state.allocation, allocation);
                match trimmed(in_order, current, &wanted) {
                    Ok(left) => {
                        // A person approved the plan, not what it was completed by.
                        is_approved &= !left.is_completed;
                        (Desired::Allocation(left.allocation), left.cuts)
                    }
                    Err(cuts) => return Verdict::Rejected(cuts),
                }
            }
            Desired::Quota(quota) => {
                let (after, cuts) = quota::trim(*quota, current.state.quota, current);
                (Desired::Quota(after), cuts)
            }
        };
        if before.changes_to(&after).is_empty() {
            return Verdict::Rejected(cuts);
        }
        if !is_approved && let Some(cut) = risk::unapproved(current.envelope, &before, &after) {
            cuts.push(cut);
            return Verdict::Rejected(cuts);
        }
        let approved = ApprovedPlan {
            plan: Plan {
                desired: after,
                ..plan
            },
            before,
            envelope_revision: current.envelope.revision(),
            resource_versions: resource_versions(current),
            approved_at: current.now,
        };
        if cuts.is_empty() {
            Verdict::Approved(approved)
        } else {
            Verdict::Trimmed(approved, cuts)
        }
    }
}

/// What may be done of a plan.
struct Left {
    allocation: Allocation,
    cuts: Vec<Cut>,
    /// Whether it was completed by the way back into the envelope.
    is_completed: bool,
}

/// What may be done of an allocation that is well formed; only the cuts where that is nothing.
fn trimmed(wanted: Allocation, current: &Current<'_>, wanted_text: &str) -> Result<Left, Vec<Cut>> {
    let case = Case::new(current);
    let live = case.live();
    let envelope = current.envelope;
    let mut trim = Trim::new(live, wanted);
    let before = envelope.distance_beside(live, &case.others);
    let mut settled = rules::settle(&case, &mut trim);
    let may_be = |to: &Allocation| {
        let distance = envelope.distance_beside(to, &case.others);
        distance.is_inside() || distance.is_nearer_than(&before)
    };
    let is_completed = settled && !may_be(&trim.now);
    if is_completed {
        trim.pull_in(envelope);
        settled = rules::settle(&case, &mut trim);
    }
    if !settled {
        let (_, mut cuts) = trim.into_parts();
        cuts.push(whole::whole(CutRule::Malformed, wanted_text, "nothing"));
        return Err(cuts);
    }
    let is_idle = trim.changes_nothing();
    let (allocation, mut cuts) = trim.into_parts();
    if is_idle {
        return Err(cuts);
    }
    if !may_be(&allocation) {
        for violation in envelope.violations_beside(&allocation, &case.others) {
            cuts.push(Cut {
                rule: violation.rule,
                field: violation.field,
                wanted: format!("{} {}", violation.what, violation.found),
                allowed: violation.allowed,
                source: violation.source,
            });
        }
        return Err(cuts);
    }
    let refused = whole::unrepresentable(&allocation)
        .or_else(|| whole::barred(current, &allocation, wanted_text));
    if let Some(cut) = refused {
        cuts.push(cut);
        return Err(cuts);
    }
    Ok(Left {
        allocation,
        cuts,
        is_completed,
    })
}

/// The same allocation with its containers in the order of `live`, which has the same ones.
fn in_order_of(live: &Allocation, wanted: &Allocation) -> Allocation {
    let containers: Vec<ContainerResources> = live
        .containers
        .iter()
        .filter_map(|container| wanted.container(&container.name).cloned())
        .collect();
    Allocation {
        containers,
        ..wanted.clone()
    }
}

/// The versions of all that was judged on.
fn resource_versions(current: &Current<'_>) -> BTreeMap<WorkloadRef, String> {
    let members = current
        .envelope
        .budgets
        .iter()
        .flat_map(|budget| &budget.members)
        .filter_map(|member| current.inventory.workloads.get(member));
    members
        .chain([current.state])
        .map(|state| (state.workload.clone(), state.resource_version.clone()))
        .collect()
}
