//! What holds of every plan on every world, by an oracle that is written apart from the guard.

use std::collections::BTreeSet;

use ibn_core::allocation::{Allocation, Field, Resource, ResourceBound};
use ibn_core::guard::{Cut, CutRule, Desired, Verdict};
use proptest::prelude::*;

use crate::support::generate::{Dice, config, smallest};
use crate::support::{Case, World, brief, oracle, said, told};

macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(format!($($why)+));
        }
    };
}

/// The same allocation with its containers in the order of `live`.
fn in_order(live: &Allocation, wanted: &Allocation) -> Allocation {
    let place = |name: &str| live.containers.iter().position(|other| other.name == name);
    let mut ordered = wanted.clone();
    ordered.containers.sort_by_key(|c| place(&c.name));
    ordered
}

fn holds(case: &Case) -> Result<(), String> {
    let Case { world, wanted } = case;
    let verdict = world.review(wanted);
    let live = world.live();
    let ordered = in_order(live, wanted);
    let is_allowed = oracle::allows(world, &ordered).is_ok();
    let is_change = oracle::values(live) != oracle::values(&ordered);
    ensure!(
        !is_allowed || !is_change || matches!(verdict, Verdict::Approved(_)),
        "cut without need: {}",
        told(&verdict)
    );
    let (approved, cuts) = match verdict {
        Verdict::Approved(plan) => (plan, vec![]),
        Verdict::Trimmed(plan, cuts) => {
            ensure!(!cuts.is_empty(), "trimmed without a cut");
            (plan, cuts)
        }
        Verdict::Rejected(cuts) => {
            ensure!(!cuts.is_empty(), "rejected without a cut");
            let endless = |cut: &Cut| cut.rule == CutRule::Malformed && cut.allowed == "nothing";
            ensure!(!cuts.iter().any(endless), "the rules come to no end");
            return Ok(());
        }
    };
    let after = approved.desired().allocation().unwrap();
    oracle::allows(world, after)
        .map_err(|why| format!("{why}: {} by {:#?}", brief(after), said(&cuts)))?;
    ensure!(
        oracle::values(live) != oracle::values(after),
        "nothing changes"
    );
    ensure!(
        *approved.before() == Desired::Allocation(live.clone()),
        "another before"
    );
    ensure!(!cuts.is_empty() || *after == ordered, "changed in silence");

    // What is cut is named.
    let (was, asked, is) = (
        oracle::values(live),
        oracle::values(&ordered),
        oracle::values(after),
    );
    let named: BTreeSet<&Field> = cuts.iter().filter_map(|cut| cut.field.as_ref()).collect();
    for (field, value) in &is {
        ensure!(
            asked[field] == *value || named.contains(field),
            "{field} is cut in silence"
        );
    }
    // From inside, the guard only takes away.
    if oracle::beyond(world, live).iter().all(|by| *by == 0) {
        for (field, value) in &is {
            let (Some(was), Some(asked), Some(is)) = (was[field], asked[field], value) else {
                continue;
            };
            for ((was, asked), is) in was.iter().zip(asked).zip(is) {
                let way = *was.min(&asked)..=*was.max(&asked);
                ensure!(way.contains(is), "{field}: {was} to {asked} became {is}");
            }
        }
    }

    // The same again is let through unchanged; once applied there is nothing to do.
    let again = world.review(after);
    ensure!(
        matches!(&again, Verdict::Approved(again) if again.desired() == approved.desired()),
        "not idempotent: {} then {}",
        brief(after),
        told(&again)
    );
    let applied = world.after(&approved);
    let twice = applied.review(after);
    ensure!(
        matches!(&twice, Verdict::Rejected(cuts) if cuts.iter().all(|cut| cut.rule == CutRule::Unchanged)),
        "applied twice: {}",
        told(&twice)
    );

    // It says on what it was judged, and holds only there.
    ensure!(
        approved.check_envelope(&world.envelope).is_ok(),
        "its own envelope"
    );
    ensure!(approved.check_fresh(&world.state).is_ok(), "its own state");
    ensure!(
        approved.check_fresh(&applied.state).is_err(),
        "a state that it made itself"
    );
    let members = world
        .envelope
        .budgets
        .iter()
        .flat_map(|budget| &budget.members);
    for member in members {
        let state = world.others.iter().find(|state| state.workload == *member);
        let judged_on = approved.resource_versions().get(member);
        let expected = state.map(|state| &state.resource_version);
        ensure!(
            *member == world.state.workload || judged_on == expected,
            "{member} was not judged on"
        );
    }
    Ok(())
}

/// Fails with the smallest case that fails likewise.
fn check(case: Case) -> Result<(), TestCaseError> {
    let Err(why) = holds(&case) else {
        return Ok(());
    };
    let kind = |why: &str| why.split(':').next().unwrap_or_default().to_owned();
    let found = kind(&why);
    let case = smallest(case, |case| {
        holds(case).is_err_and(|why| kind(&why) == found)
    });
    let why = holds(&case).unwrap_err();
    Err(TestCaseError::fail(format!("{why}\n{case:?}")))
}

proptest! {
    #![proptest_config(config(10_000))]

    #[test]
    fn nothing_leaves_the_envelope_and_nothing_is_cut_without_need(seed in any::<u64>().no_shrink()) {
        check(Dice(seed).case())?;
    }

    /// What is live may be anything, and so may be what is wanted: there is a verdict, and it never leads further out.
    #[test]
    fn absurd_states_and_plans_get_a_verdict(seed in any::<u64>().no_shrink()) {
        let mut dice = Dice(seed);
        let containers = usize::try_from(dice.below(4)).unwrap();
        let live = dice.absurd(containers);
        let mut world = dice.world(live);
        let wanted = if dice.percent(50) { dice.absurd(containers) } else { dice.wanted(world.live()) };
        if dice.percent(20) {
            world.state.workload.name = "else".into();
        }
        let verdict = world.review(&wanted);
        if let Some(plan) = verdict.approved() {
            let after = plan.desired().allocation().unwrap();
            let nearer = oracle::lies_inside_or_nearer(&world, after);
            prop_assert!(nearer.is_ok(), "{}: {}\n{:?}", nearer.unwrap_err(), told(&verdict), Case { world, wanted });
        }
    }
}

/// A world with small numbers, so that every value between what is live and what is wanted can be tried.
fn small_world(dice: &mut Dice) -> World {
    let mut live = dice.live(1);
    live.autoscale = None;
    live.replicas %= 40;
    for container in &mut live.containers {
        for resource in oracle::BOTH {
            for bound in ResourceBound::ALL {
                let amount = container
                    .amount(bound, resource)
                    .map(|amount| 1 + amount % 60);
                container.set_amount(bound, resource, amount);
            }
            let [request, limit] =
                ResourceBound::ALL.map(|bound| container.amount(bound, resource));
            if request
                .zip(limit)
                .is_some_and(|(request, limit)| request > limit)
            {
                container.set_amount(ResourceBound::Requests, resource, limit);
            }
        }
    }
    dice.world(live)
}

/// What is allowed is the value nearest to what was wanted, of all on the way from what is live that the oracle allows.
fn check_nearest(
    world: &World,
    wanted: i128,
    to: &dyn Fn(i128) -> Allocation,
    of: &dyn Fn(&Allocation) -> i128,
) -> Result<(), TestCaseError> {
    let live = of(world.live());
    let is_inside = oracle::beyond(world, world.live())
        .iter()
        .all(|by| *by == 0);
    if live == wanted || !is_inside {
        return Ok(());
    }
    let way = live.min(wanted)..=live.max(wanted);
    let nearest = way
        .filter(|value| *value != live && oracle::allows(world, &to(*value)).is_ok())
        .min_by_key(|value| (value - wanted).abs());
    let verdict = world.review(&to(wanted));
    let allowed = verdict
        .approved()
        .and_then(|plan| plan.desired().allocation())
        .map(of);
    prop_assert_eq!(
        allowed,
        nearest,
        "{}\n{:?}",
        told(&verdict),
        Case {
            world: world.clone(),
            wanted: to(wanted)
        }
    );
    Ok(())
}

proptest! {
    #![proptest_config(config(5_000))]

    #[test]
    fn pods_are_trimmed_to_the_nearest_that_is_allowed(seed in any::<u64>().no_shrink()) {
        let mut dice = Dice(seed);
        let mut world = small_world(&mut dice);
        // Whether a person must approve is asked of the whole, not of values on the way.
        world.approved_by_person = true;
        let wanted = 1 + i128::from(dice.below(60));
        let live = world.live().clone();
        let to = |pods: i128| live.with_replicas(u32::try_from(pods).unwrap());
        check_nearest(&world, wanted, &to, &|a| a.replicas.into())?;
    }

    #[test]
    fn a_size_is_trimmed_to_the_nearest_that_is_allowed(seed in any::<u64>().no_shrink()) {
        let mut dice = Dice(seed);
        let mut world = small_world(&mut dice);
        world.approved_by_person = true;
        let (resource, bound) = if dice.percent(50) {
            (Resource::Cpu, ResourceBound::Limits)
        } else {
            (Resource::Memory, ResourceBound::Requests)
        };
        let live = world.live().clone();
        let Some(container) = live.containers.first().filter(|c| c.amount(bound, resource).is_some()) else { return Ok(()) };
        let other = match bound {
            ResourceBound::Limits => container.amount(ResourceBound::Requests, resource).unwrap_or(1)..=90,
            ResourceBound::Requests => 1..=container.amount(ResourceBound::Limits, resource).unwrap_or(90),
        };
        let wanted = other.start() + dice.below(other.end() - other.start() + 1);
        let to = |amount: i128| {
            let mut to = live.clone();
            to.containers[0].set_amount(bound, resource, Some(u64::try_from(amount).unwrap()));
            to
        };
        check_nearest(&world, wanted.into(), &to, &|a| a.containers[0].amount(bound, resource).unwrap().into())?;
    }
}
