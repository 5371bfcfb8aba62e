//! A day with flash crowds: the rules against each other.

#![cfg(test)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use common::{Day, ErlangTwin, Foresight, World, run};
use ibn_core::allocation::Allocation;
use ibn_core::intent::Preference;
use ibn_core::prediction::{Demand, Prediction, WorkloadModel};
use ibn_core::roles::{Predictor, Recommender};
use ibn_drl::rules::{ModelPredictive, MpcSettings, TargetSettings, TargetTracking};

fn target(percent: f64) -> TargetTracking {
    TargetTracking::new(TargetSettings {
        target: percent,
        ..TargetSettings::default()
    })
    .unwrap()
}

fn mpc(settings: MpcSettings) -> ModelPredictive {
    ModelPredictive::new(Arc::new(ErlangTwin), settings).unwrap()
}

/// Mean violations, core-hours and changes of some days.
fn mean(world: World, make: &dyn Fn() -> Box<dyn Recommender>) -> (f64, f64, u32) {
    const SEEDS: u64 = 3;
    let (mut violations, mut cores, mut changes) = (0.0, 0.0, 0);
    for seed in 0..SEEDS {
        let day = Day::with_flash_crowds(seed, 5);
        let score = run(&day, world, seed, make().as_mut());
        assert_eq!(
            score.flaps, 0,
            "no scale-in within five minutes of a scale-out"
        );
        violations += score.violations / SEEDS as f64;
        cores += score.core_hours / SEEDS as f64;
        changes += score.changes;
    }
    (violations, cores, changes)
}

#[track_caller]
fn check_beats_target_tracking(world: World) {
    let tracking = mean(world, &|| Box::new(target(70.0)));
    let with = |preference| {
        mean(
            World {
                preference,
                ..world
            },
            &|| Box::new(mpc(MpcSettings::default())),
        )
    };
    let (cost, performance) = (with(Preference::Cost), with(Preference::Performance));
    assert!(
        cost.0 < tracking.0 && cost.1 < 0.95 * tracking.1,
        "violations and core-hours {cost:?} against {tracking:?} at 70 %"
    );
    // Head-room buys fewer violations.
    assert!(
        performance.0 < cost.0 && performance.1 > cost.1,
        "{performance:?} {cost:?}"
    );
}

#[test]
fn fewer_violations_at_fewer_core_hours_without_a_forecast() {
    check_beats_target_tracking(World::default());
}

#[test]
fn fewer_violations_at_fewer_core_hours_with_a_forecast() {
    check_beats_target_tracking(World {
        foresight: Foresight::Diurnal,
        period: 30,
        ..World::default()
    });
}

#[test]
fn also_where_the_model_takes_requests_for_lighter_than_they_are() {
    check_beats_target_tracking(World {
        service_factor: 1.2,
        period: 30,
        ..World::default()
    });
}

#[test]
fn also_where_one_decision_adds_two_pods_at_most() {
    check_beats_target_tracking(World {
        step_up: Some(2),
        foresight: Foresight::Diurnal,
        ..World::default()
    });
}

#[test]
fn same_day_same_decisions() {
    let day = Day::with_flash_crowds(9, 5);
    let once = || run(&day, World::default(), 9, &mut mpc(MpcSettings::default()));
    assert_eq!(once(), once());
}

/// Counts how often it is asked.
struct Counting(AtomicU32);

impl Predictor for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    fn predict(
        &self,
        model: &WorkloadModel,
        demand: Demand,
        allocation: &Allocation,
    ) -> Prediction {
        self.0.fetch_add(1, Ordering::Relaxed);
        ErlangTwin.predict(model, demand, allocation)
    }
}

#[test]
fn a_turn_asks_the_twin_a_few_times() {
    let day = Day::with_flash_crowds(1, 5);
    for (step_up, most) in [(None, 4), (Some(2), 10)] {
        let world = World {
            foresight: Foresight::Diurnal,
            period: 60,
            step_up,
            ..World::default()
        };
        let twin = Arc::new(Counting(AtomicU32::new(0)));
        let mut recommender =
            ModelPredictive::new(Arc::clone(&twin) as _, MpcSettings::default()).unwrap();
        run(&day, world, 1, &mut recommender);
        let mean = twin.0.load(Ordering::Relaxed) / 1_439;
        assert!(
            mean <= most,
            "{mean} questions a turn, step limit {step_up:?}"
        );
    }
}
