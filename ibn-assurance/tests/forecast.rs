//! Forecasts against what came.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the functions that tests share fail as tests do"
)]

use std::sync::Arc;
use std::time::Duration;

use ibn_assurance::forecast::{BestOf, HoltWinters, SeasonalNaive};
use ibn_assurance::{BurnRateAssessor, ForecastAwareAssessor};
use ibn_core::assessment::AssuranceAction;
use ibn_core::prediction::Series;
use ibn_core::roles::{Assessor, Forecaster};
use ibn_core::units::Quantile;
use ibn_testkit::assessor::{Story, calm};
use ibn_testkit::forecaster::{by_minute, check, days};

const DAY: Duration = Duration::from_secs(86_400);
const STEP: Duration = Duration::from_secs(600);
const PER_DAY: usize = 144;

fn q(q: f64) -> Quantile {
    Quantile::new(q).unwrap()
}

fn head(series: &Series, n: usize) -> Series {
    Series {
        values: series.values[..n].to_vec(),
        ..series.clone()
    }
}

/// Share of values inside the 90 % interval, and mean absolute error of the median, over a day of origins.
fn backtest(forecaster: &dyn Forecaster, steps: usize, noise: f64) -> (f64, f64) {
    let (mut inside, mut error, mut n) = (0.0, 0.0, 0.0);
    for seed in 1..=3 {
        let series = days(5, STEP, noise, seed);
        for origin in (4 * PER_DAY..5 * PER_DAY - steps).step_by(3) {
            let ahead = [STEP * steps as u32];
            let told = forecaster
                .forecast(&head(&series, origin), &ahead, &[q(0.05), q(0.5), q(0.95)])
                .unwrap();
            let came = series.values[origin - 1 + steps].unwrap();
            let point = &told.points[0];
            let (low, high) = (point.at(q(0.05)).unwrap(), point.at(q(0.95)).unwrap());
            inside += f64::from(u8::from(low <= came && came <= high));
            error += (point.at(q(0.5)).unwrap() - came).abs();
            n += 1.0;
        }
    }
    (inside / n, error / n)
}

#[test]
fn nine_of_ten_values_lie_in_the_interval_of_nine_tenths() {
    for steps in [1, 6, 36] {
        for noise in [2.0, 10.0] {
            for forecaster in [
                &SeasonalNaive::new(DAY) as &dyn Forecaster,
                &HoltWinters::seasonal(DAY),
            ] {
                let (covered, error) = backtest(forecaster, steps, noise);
                eprintln!(
                    "{} {steps} steps, noise {noise}: {covered:.3} covered, error {error:.2}",
                    forecaster.name()
                );
                assert!(
                    (0.80..=0.97).contains(&covered),
                    "{} {steps} {noise}: {covered}",
                    forecaster.name()
                );
            }
        }
    }
}

#[test]
fn smoothing_beats_the_naive_and_the_naive_beats_no_season() {
    let noise = 10.0;
    let (_, smooth) = backtest(&HoltWinters::seasonal(DAY), 36, noise);
    let (_, naive) = backtest(&SeasonalNaive::new(DAY), 36, noise);
    let (_, blind) = backtest(&HoltWinters::without_season(), 36, noise);
    let (covered, best) = backtest(&BestOf::by_day(), 36, noise);
    assert!(best < 1.05 * smooth, "{best} {smooth}");
    assert!((0.80..=0.97).contains(&covered), "{covered}");
    assert!(smooth < naive && naive < blind, "{smooth} {naive} {blind}");
}

#[test]
fn a_curve_without_noise_is_foreseen_exactly() {
    let series = days(3, STEP, 0.0, 1);
    let ahead = [STEP * 30];
    for forecaster in [
        &SeasonalNaive::new(DAY) as &dyn Forecaster,
        &HoltWinters::seasonal(DAY),
    ] {
        let told = forecaster
            .forecast(&head(&series, 350), &ahead, &[Quantile::P50])
            .unwrap();
        let came = series.values[349 + 30].unwrap();
        let median = told.points[0].at(Quantile::P50).unwrap();
        assert!(
            (median - came).abs() < 1e-6,
            "{}: {median}, {came}",
            forecaster.name()
        );
    }
}

#[test]
fn where_days_are_unlike_the_last_hour_is_the_better_guide() {
    // Each day has its own level, and one of ten times the size: yesterday tells nothing.
    let mut series = days(5, STEP, 1.0, 1);
    for (idx, value) in series.values.iter_mut().enumerate() {
        let level = [1.0, 8.0, 2.0, 10.0, 3.0][idx / PER_DAY];
        *value = value.map(|value| level * 100.0 + value);
    }
    let now = 4 * PER_DAY + 100;
    let came = series.values[now].unwrap();
    let off = |forecaster: &dyn Forecaster| {
        let told = forecaster
            .forecast(&head(&series, now), &[STEP], &[Quantile::P50])
            .unwrap();
        (told.points[0].at(Quantile::P50).unwrap() - came).abs()
    };
    let (best, naive) = (off(&BestOf::by_day()), off(&SeasonalNaive::new(DAY)));
    assert!(best < 5.0 && naive > 100.0, "{best} {naive}");
}

#[test]
fn a_level_that_moved_is_followed() {
    let mut series = days(4, STEP, 1.0, 1);
    series
        .values
        .iter_mut()
        .skip(3 * PER_DAY)
        .flatten()
        .for_each(|value| *value += 80.0);
    let told = HoltWinters::seasonal(DAY)
        .forecast(&series, &[STEP], &[Quantile::P50])
        .unwrap();
    let median = told.points[0].at(Quantile::P50).unwrap();
    let next = days(1, STEP, 0.0, 1).values[0].unwrap() + 80.0;
    assert!((median - next).abs() < 8.0, "{median} is not {next}");
}

#[test]
fn gaps_are_bridged_and_too_many_are_not() {
    let mut series = days(4, STEP, 2.0, 1);
    series
        .values
        .iter_mut()
        .step_by(7)
        .for_each(|value| *value = None);
    for forecaster in [
        &SeasonalNaive::new(DAY) as &dyn Forecaster,
        &HoltWinters::seasonal(DAY),
    ] {
        check(forecaster, &series);
    }
    series
        .values
        .iter_mut()
        .enumerate()
        .filter(|(idx, _)| idx % 3 != 0)
        .for_each(|(_, value)| *value = None);
    assert_eq!(
        HoltWinters::seasonal(DAY).forecast(&series, &[STEP], &[Quantile::P50]),
        None
    );
}

#[test]
fn what_is_too_short_is_not_told() {
    let series = head(&days(2, STEP, 1.0, 1), 2 * PER_DAY - 1);
    let ask = |forecaster: &dyn Forecaster| forecaster.forecast(&series, &[STEP], &[Quantile::P50]);
    assert_eq!(ask(&SeasonalNaive::new(DAY)), None);
    assert_eq!(ask(&HoltWinters::seasonal(DAY)), None);
    assert!(
        ask(&BestOf::by_day()).is_some(),
        "level and trend need less"
    );
    let uneven = SeasonalNaive::new(Duration::from_secs(1000));
    assert_eq!(ask(&uneven), None, "no whole number of steps");
    let hour = [STEP, STEP * 300];
    let told = BestOf::by_day()
        .forecast(&series, &hour, &[Quantile::P50])
        .unwrap();
    assert_eq!(
        told.points.len(),
        1,
        "so far ahead nothing was ever compared"
    );
    let odd = by_minute((0..100).map(|idx| Some(if idx == 50 { f64::NAN } else { 1.0 })));
    assert_eq!(
        HoltWinters::without_season().forecast(&odd, &[STEP], &[Quantile::P50]),
        None
    );
}

#[test]
fn all_conform() {
    let long = days(3, STEP, 3.0, 1);
    check(&SeasonalNaive::new(DAY), &long);
    check(&HoltWinters::seasonal(DAY), &long);
    check(&HoltWinters::without_season(), &long);
    check(&BestOf::by_day(), &long);
}

fn climbing() -> Story {
    // 60 minutes of a rate that climbs by 1.5 a minute: 100 at the end, 10 ms each, on 3 pods of 500m.
    Story::new().steps(240, |idx, step| {
        let rate = 10.0 + 90.0 * idx as f64 / 240.0;
        step.rate(rate).latency(0.1).cpu(0.01 * rate);
    })
}

#[test]
fn a_floor_is_raised_before_the_demand_is_there() {
    let assessor = ForecastAwareAssessor::around(BurnRateAssessor::default());
    // At 100 a second 1.0 of 1.5 cores are used; 107 in five minutes would take 1.34 at 80 %: there is room.
    let told = assessor.assess(&climbing().input());
    assert!(
        told.forecast.is_some() && told.actions.is_empty(),
        "{:?}",
        told.actions
    );
    // On two pods there isn't.
    let told = assessor.assess(&climbing().replicas(2).input());
    let [AssuranceAction::Corrective(raised)] = told.actions.as_slice() else {
        panic!("{:?}", told.actions)
    };
    assert_eq!(raised.spec.constraints.replicas.min, Some(3));
    let cause = raised.spec.origin.as_ref().unwrap().cause.clone().unwrap();
    assert!(cause.starts_with("DemandForecast: up to 10"), "{cause}");
    let told = assessor.assess(&climbing().replicas(2).and_intent(*raised.clone()).input());
    assert!(told.actions.is_empty(), "one stands");
}

#[test]
fn a_forecast_takes_nothing_away_and_blind_eyes_foresee_nothing() {
    let assessor = ForecastAwareAssessor::around(BurnRateAssessor::default());
    let falling = Story::new().steps(240, |idx, step| {
        let rate = 100.0 - 90.0 * idx as f64 / 240.0;
        step.rate(rate).latency(0.1).cpu(0.01 * rate);
    });
    let (input, plain) = (falling.input(), BurnRateAssessor::default());
    let told = assessor.assess(&input);
    assert_eq!(told.floor, plain.assess(&input).floor);
    assert_eq!(told.actions, []);
    let blind = calm().steps(8, |_, step| {
        step.latency(0.1).cpu(0.4);
    });
    assert_eq!(assessor.assess(&blind.input()).forecast, None);
}

#[test]
fn another_forecaster_may_be_given() {
    let hour = Duration::from_secs(3600);
    let assessor = ForecastAwareAssessor::around(BurnRateAssessor::default()).with_forecaster(
        Arc::new(SeasonalNaive::new(hour / 4)),
        Duration::from_secs(60),
        &[Duration::from_secs(60)],
    );
    let told = assessor.assess(&calm().input());
    assert_eq!(told.forecast.unwrap().points.len(), 1);
}
