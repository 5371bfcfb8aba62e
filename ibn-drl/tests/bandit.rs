//! The bandit over days of demand: learning that shows.

#![cfg(test)]

mod common;

use std::sync::Arc;

use common::{Day, ErlangTwin, Foresight, Score, World, run};
use ibn_drl::rules::{ModelPredictive, MpcSettings};
use ibn_drl::{Bandit, BanditSettings};

fn fixed(headroom: f64) -> ModelPredictive {
    let settings = MpcSettings {
        headroom: Some(headroom),
        ..MpcSettings::default()
    };
    ModelPredictive::new(Arc::new(ErlangTwin), settings).unwrap()
}

fn bandit() -> Bandit {
    Bandit::new(Arc::new(ErlangTwin), BanditSettings::default()).unwrap()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Mean reward of each day.
fn by_day(score: &Score) -> Vec<f64> {
    score.rewards.chunks(24).map(mean).collect()
}

#[test]
fn regret_falls_from_day_to_day() {
    let world = World {
        foresight: Foresight::Diurnal,
        period: 30,
        ..World::default()
    };
    let (mut first, mut last, mut bandit_total, mut fixed_total) = (0.0, 0.0, 0.0, 0.0);
    let (mut explored_first, mut explored_last) = (0.0, 0.0);
    for seed in 0..3 {
        let days = Day::days(seed, 3, 6);
        let mut learner = bandit();
        let learned = run(&days, world, seed, &mut learner);
        let fixed: Vec<Vec<f64>> = BanditSettings::default()
            .headrooms
            .iter()
            .map(|headroom| by_day(&run(&days, world, seed, &mut fixed(*headroom))))
            .collect();
        let total = |days: &[f64]| days.iter().sum::<f64>();
        let best = fixed
            .iter()
            .max_by(|a, b| total(a).total_cmp(&total(b)))
            .unwrap();
        let own = by_day(&learned);
        first += best[0] - own[0];
        last += best[2] - own[2];
        bandit_total += total(&own);
        fixed_total += fixed.iter().map(|days| total(days)).sum::<f64>() / fixed.len() as f64;
        // What the report shows of it.
        let reports = &learned.reports;
        assert!(
            reports
                .windows(2)
                .all(|pair| pair[1].experiences == pair[0].experiences + 1)
        );
        let exploration: Vec<f64> = reports.iter().map(|report| report.exploration).collect();
        let tenth = exploration.len() / 10;
        explored_first += mean(&exploration[..tenth]);
        explored_last += mean(&exploration[exploration.len() - tenth..]);
        assert_eq!(learner.ignored(), 0);
    }
    assert!(
        explored_last < 0.7 * explored_first,
        "what is known is tried less: {explored_first} at first, {explored_last} at last"
    );
    assert!(
        last < 0.5 * first,
        "regret of the first day {first}, of the third {last}"
    );
    assert!(
        bandit_total > fixed_total,
        "{bandit_total} against a head-room chosen blindly, {fixed_total}"
    );
}
