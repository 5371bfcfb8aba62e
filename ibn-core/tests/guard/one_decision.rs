//! How far one decision may go, when, and who must approve it.

use std::time::Duration;

use ibn_core::allocation::{Allocation, QuotaLimits};
use ibn_core::guard::{CutRule, Desired};
use ibn_core::guardrail::{FreezeWindow, RiskClass};
use jiff::SignedDuration;

use crate::support::{app, at, now, pods, said, scaled, sized, small, within, world};

#[test]
fn one_decision_goes_only_so_far() {
    let mut world = world();
    world.envelope.step.replicas_up = Some(2);
    world.envelope.step.replicas_down = Some(1);
    world.envelope.step.resource_factor = Some(1.5);
    world.envelope.sources.replicas_up = Some(small());
    let cuts = world.trims(&pods(&world, 10), &pods(&world, 5));
    assert_eq!(
        said(&cuts),
        ["replicas: wanted 10, allowed 5 (step limit of guardrail `small`)"]
    );
    world.trims(&pods(&world, 1), &pods(&world, 2));
    world.trims(&sized(1000, 1000), &sized(750, 1000));
    world.trims(&sized(500, 5000), &sized(500, 1500));
    world.trims(&sized(100, 1000), &sized(334, 1000));
    world.trims(&scaled(&world, 1, 10), &scaled(&world, 2, 5));
}

#[test]
fn a_factor_that_is_no_number_lets_no_size_move() {
    for factor in [f64::NAN, 0.0, -1.0, f64::NEG_INFINITY, 0.5] {
        let mut world = world();
        world.envelope.step.resource_factor = Some(factor);
        world.rejects(&sized(501, 1000), CutRule::Step);
        world.approves(&pods(&world, 4));
    }
    let mut world = world();
    world.envelope.step.resource_factor = Some(f64::INFINITY);
    world.approves(&sized(1000, 100_000));
}

#[test]
fn what_is_not_set_has_no_factor_to_anything() {
    let mut world = world();
    world.state.allocation.containers[0].limits.cpu = None;
    world.approves(&sized(500, 1000));
    world.envelope.step.resource_factor = Some(3.0);
    world.rejects(&sized(500, 1000), CutRule::Step);
}

#[test]
fn soon_after_an_apply_it_may_grow_but_not_shrink() {
    let mut world = world();
    world.envelope.cool_down = Some(Duration::from_secs(300));
    world.envelope.sources.cool_down = Some(small());
    world.last_applied_at = Some(now() - SignedDuration::from_secs(299));
    let cuts = world.rejects(&pods(&world, 2), CutRule::CoolDown);
    assert_eq!(
        said(&cuts),
        ["replicas: wanted 2, allowed 3 (cool-down of guardrail `small`)"]
    );
    world.rejects(&sized(400, 1000), CutRule::CoolDown);
    world.approves(&pods(&world, 9));
    world.trims(&Allocation::new(9, vec![app(400, 1000)]), &pods(&world, 9));
    // An apply in the future is as recent as can be.
    world.last_applied_at = Some(now() + SignedDuration::from_hours(48));
    world.rejects(&pods(&world, 2), CutRule::CoolDown);
    world.last_applied_at = Some(now() - SignedDuration::from_secs(300));
    world.approves(&pods(&world, 2));
    world.last_applied_at = None;
    world.approves(&pods(&world, 2));
}

#[test]
fn in_a_freeze_window_nothing_changes() {
    let mut world = world();
    world.envelope.freeze.push(FreezeWindow {
        from: now(),
        until: at("2026-11-30T00:00:00Z"),
        reason: "black friday".into(),
    });
    world.envelope.sources.freeze.push(small());
    let cuts = world.rejects(&pods(&world, 4), CutRule::Freeze);
    assert_eq!(
        said(&cuts),
        [
            "wanted replicas 3 → 4, allowed nothing before 2026-11-30T00:00:00Z (black friday) (freeze window of guardrail `small`)"
        ]
    );
    world.approved_by_person = true;
    world.rejects(&pods(&world, 4), CutRule::Freeze);
    world.now = at("2026-11-30T00:00:00Z");
    world.approves(&pods(&world, 4));
}

#[test]
fn from_a_risk_on_a_person_must_approve() {
    let low = pods(&world(), 4);
    let medium = sized(600, 1000);
    let less = pods(&world(), 2);
    let high = pods(&world(), 1);
    for (from, free, asked) in [
        (RiskClass::High, vec![&low, &medium, &less], vec![&high]),
        (RiskClass::Medium, vec![&low], vec![&medium, &less, &high]),
        (RiskClass::Low, vec![], vec![&low, &medium, &less, &high]),
    ] {
        let mut world = world();
        world.envelope.approval = Some(from);
        for wanted in free {
            world.approves(wanted);
        }
        for wanted in &asked {
            world.rejects(wanted, CutRule::Approval);
        }
        world.approved_by_person = true;
        for wanted in asked {
            world.approves(wanted);
        }
    }
    let mut world = world();
    world.envelope.approval = Some(RiskClass::High);
    let cuts = world.rejects(&high, CutRule::Approval);
    assert_eq!(
        said(&cuts),
        [
            "wanted replicas 3 → 1 (risk High), allowed only with a person's approval, from risk High on (approval)"
        ]
    );
}

#[test]
fn an_approval_does_not_cover_what_a_plan_is_completed_by() {
    let mut world = within(None, Some(12));
    world.state.allocation.replicas = 30;
    world.envelope.approval = Some(RiskClass::High);
    world.approved_by_person = true;
    // A person approved a little more CPU; to lose 18 of 30 pods with it is another matter.
    world.rejects_also(
        &Allocation::new(30, vec![app(600, 1000)]),
        CutRule::Approval,
    );
    world.approves(&pods(&world, 12));
}

#[test]
fn the_risk_of_a_change_is_what_it_could_hurt() {
    #[track_caller]
    fn check(before: &Allocation, after: &Allocation, expected: RiskClass) {
        let of = |a: &Allocation| Desired::Allocation(a.clone());
        assert_eq!(RiskClass::of(&of(before), &of(after)), expected);
    }
    let live = world().live().clone();
    check(&live, &pods(&world(), 9), RiskClass::Low);
    check(&live, &scaled(&world(), 3, 9), RiskClass::Low);
    check(&live, &scaled(&world(), 2, 9), RiskClass::Medium);
    check(&live, &sized(500, 1001), RiskClass::Medium);
    check(&live, &sized(251, 1000), RiskClass::Medium);
    check(&live, &sized(250, 1000), RiskClass::High);
    check(&live, &sized(500, 500), RiskClass::High);
    check(
        &live,
        &Allocation::new(2, vec![app(500, 740)]),
        RiskClass::High,
    );
    check(
        &live,
        &Allocation::new(0, vec![app(500, 1000)]),
        RiskClass::High,
    );
    let mut unlimited = live.clone();
    unlimited.containers[0].limits.cpu = None;
    check(&live, &unlimited, RiskClass::High);
    // A higher target of an autoscaler means fewer pods.
    let mut hotter = scaled(&world(), 2, 9);
    hotter.autoscale.as_mut().unwrap().cpu_utilization = Some(90);
    check(&scaled(&world(), 2, 9), &hotter, RiskClass::Medium);
    check(&hotter, &scaled(&world(), 2, 9), RiskClass::Low);
    let quota = |pods| {
        Desired::Quota(Some(QuotaLimits {
            pods: Some(pods),
            ..QuotaLimits::default()
        }))
    };
    assert_eq!(
        RiskClass::of(&Desired::Quota(None), &quota(5)),
        RiskClass::High
    );
}
