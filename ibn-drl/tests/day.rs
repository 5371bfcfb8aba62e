//! A day with flash crowds: the rules against each other.

#![cfg(test)]

mod common;

use std::sync::Arc;

use common::{Day, ErlangTwin, Foresight, World, run};
use ibn_core::intent::Preference;
use ibn_core::roles::Recommender;
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

#[test]
#[ignore = "prints a table for tuning"]
fn table() {
    for (name, world) in [
        ("plain 15 s", World::default()),
        (
            "diurnal 15 s",
            World {
                foresight: Foresight::Diurnal,
                ..World::default()
            },
        ),
        (
            "diurnal 60 s",
            World {
                foresight: Foresight::Diurnal,
                period: 60,
                ..World::default()
            },
        ),
        (
            "diurnal 30 s, quick pods",
            World {
                foresight: Foresight::Diurnal,
                period: 30,
                startup: 15,
                ..World::default()
            },
        ),
        (
            "service 15 % more",
            World {
                foresight: Foresight::Diurnal,
                service_factor: 1.15,
                ..World::default()
            },
        ),
        (
            "service 15 % less",
            World {
                foresight: Foresight::Diurnal,
                service_factor: 0.85,
                ..World::default()
            },
        ),
        (
            "step 2",
            World {
                foresight: Foresight::Diurnal,
                step_up: Some(2),
                ..World::default()
            },
        ),
    ] {
        println!("{name}");
        let mean = |name: &str, world: World, make: &dyn Fn() -> Box<dyn Recommender>| {
            let (mut violations, mut cores, mut changes, mut flaps) = (0.0, 0.0, 0, 0);
            for seed in 0..4 {
                let day = Day::with_flash_crowds(seed, 5);
                let score = run(&day, world, seed, make().as_mut());
                violations += 25.0 * score.violations;
                cores += score.core_hours / 4.0;
                changes += score.changes;
                flaps += score.flaps;
            }
            println!(
                "  {name:10} {violations:5.2} % {cores:6.1} core-hours, {} changes, {} flaps",
                changes / 4,
                flaps / 4
            );
        };
        for percent in [60.0, 70.0] {
            mean(&format!("target {percent}"), world, &|| {
                Box::new(target(percent))
            });
        }
        for preference in [
            Preference::Cost,
            Preference::Balanced,
            Preference::Performance,
        ] {
            mean(
                &format!("{preference:?}"),
                World {
                    preference,
                    ..world
                },
                &|| Box::new(mpc(MpcSettings::default())),
            );
        }
    }
}

#[test]
#[ignore = "prints a table for tuning"]
fn sweep() {
    use ibn_drl::rules::DemandSettings;
    use std::time::Duration;
    for (stabilization, trend, drain, surge_limit) in [
        (300, 0.5, 60, 2.0),
        (300, 1.0, 60, 2.0),
        (300, 1.0, 60, 3.0),
        (300, 1.0, 30, 3.0),
        (300, 1.0, 120, 3.0),
        (600, 1.0, 60, 3.0),
    ] {
        let (mut violations, mut cores, mut changes, mut flaps) = (0.0, 0.0, 0, 0);
        for seed in 0..4 {
            let day = Day::with_flash_crowds(seed, 5);
            let settings = MpcSettings {
                stabilization: Duration::from_secs(stabilization),
                demand: DemandSettings {
                    trend,
                    drain: Duration::from_secs(drain),
                    surge_limit,
                },
                ..MpcSettings::default()
            };
            let world = World {
                foresight: Foresight::Diurnal,
                ..World::default()
            };
            let score = run(&day, world, seed, &mut mpc(settings));
            violations += 25.0 * score.violations;
            cores += score.core_hours / 4.0;
            changes += score.changes;
            flaps += score.flaps;
        }
        println!(
            "stab {stabilization} trend {trend} drain {drain} surge {surge_limit}: {violations:.2} % {cores:.1} ch {changes} flaps {flaps}"
        );
    }
}
