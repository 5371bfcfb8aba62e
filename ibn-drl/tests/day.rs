//! A day with flash crowds: the rules against each other.

#![allow(unreachable_pub, reason = "a test module that several binaries share")]

mod common;

use std::sync::Arc;

use common::{Day, ErlangTwin, Foresight, Score, World, run};
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
        for seed in 0..3 {
            let day = Day::with_flash_crowds(seed, 5);
            let show = |name: &str, s: Score| {
                println!(
                    "  {seed} {name:10} violations {:6.2} % core-hours {:6.1} changes {:4} flaps {}",
                    100.0 * s.violations,
                    s.core_hours,
                    s.changes,
                    s.flaps
                );
            };
            for percent in [50.0, 60.0, 70.0, 80.0] {
                show(
                    &format!("target {percent}"),
                    run(&day, world, seed, &mut target(percent)),
                );
            }
            show(
                "mpc",
                run(&day, world, seed, &mut mpc(MpcSettings::default())),
            );
            let bal = World {
                preference: ibn_core::intent::Preference::Balanced,
                ..world
            };
            show(
                "mpc bal",
                run(&day, bal, seed, &mut mpc(MpcSettings::default())),
            );
            let perf = World {
                preference: ibn_core::intent::Preference::Performance,
                ..world
            };
            show(
                "mpc perf",
                run(&day, perf, seed, &mut mpc(MpcSettings::default())),
            );
        }
    }
}
