use ibn_core::observation::Signal;
use ibn_core::units::Quantile;
use ibn_testkit::assessor::{Story, now};

use super::*;

fn objective(json: &str) -> Objective {
    serde_json::from_str(json).unwrap()
}

const P95: &str = r#"{"indicator": "latency", "atMost": "200ms"}"#;
const ERRORS: &str = r#"{"indicator": "errorRate", "atMost": "1%"}"#;

#[track_caller]
fn over_5m(story: &Story, json: &str) -> WindowSummary {
    let objective = objective(json);
    let input = story.input();
    ObjectiveHistory::new(&objective, &input, 0.05).last(Duration::from_secs(300), now())
}

#[track_caller]
fn near(found: Option<f64>, expected: f64) {
    let found = found.expect("there is a value");
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[test]
fn shares_of_requests_are_exact_whatever_the_rates() {
    // 10 periods with 10 of 100 failed, 10 with 0 of 300: 100 of 4000.
    let story = Story::new().steps(20, |idx, step| {
        let (rate, share) = if idx < 10 { (100.0, 0.1) } else { (300.0, 0.0) };
        step.rate(rate).set(Signal::ErrorRate, share);
    });
    let seen = over_5m(&story, ERRORS);
    near(seen.achieved, 2.5);
    near(seen.burn, 2.5);
    assert_eq!(seen.met, Some(false));
    let availability = r#"{"indicator": "availability", "atLeast": "97%"}"#;
    let seen = over_5m(&story, availability);
    near(seen.achieved, 97.5);
    near(seen.burn, 2.5 / 3.0);
    assert_eq!(seen.met, Some(true));
}

#[test]
fn latency_is_weighted_by_requests() {
    let story = Story::new().steps(20, |idx, step| {
        let (rate, seconds) = if idx < 10 { (10.0, 0.1) } else { (30.0, 0.3) };
        step.rate(rate).latency(seconds);
    });
    near(over_5m(&story, P95).achieved, 0.25);
}

#[test]
fn at_its_bound_an_objective_burns_at_one() {
    let story = Story::new().steps(20, |_, step| {
        step.rate(10.0).latency(0.2);
    });
    near(over_5m(&story, P95).burn, 1.0);
}

#[test]
fn only_the_window_counts() {
    let story = Story::new()
        .steps(40, |_, step| {
            step.rate(10.0).latency(5.0);
        })
        .steps(20, |_, step| {
            step.rate(10.0).latency(0.1);
        });
    let seen = over_5m(&story, P95);
    near(seen.achieved, 0.1);
    assert_eq!((seen.periods, seen.seconds), (20, 300.0));
    near(Some(seen.requests), 3000.0);
}

#[test]
fn without_a_rate_time_is_the_weight_and_without_a_value_nothing_is_said() {
    let story = Story::new().steps(20, |idx, step| {
        step.latency(if idx < 10 { 0.1 } else { 0.3 });
    });
    near(over_5m(&story, P95).achieved, 0.2);
    let silent = Story::new().steps(20, |_, step| {
        step.rate(10.0);
    });
    let seen = over_5m(&silent, P95);
    assert_eq!(
        (seen.achieved, seen.met, seen.burn, seen.periods),
        (None, None, None, 0)
    );
}

#[test]
fn when_nobody_comes_nobody_waits() {
    let story = Story::new().steps(20, |_, step| {
        step.rate(0.0).latency(f64::NAN);
    });
    let seen = over_5m(&story, P95);
    assert_eq!(
        (seen.achieved, seen.met, seen.burn),
        (None, Some(true), Some(0.0))
    );
    // One period without a rate, and it isn't known that nobody came.
    let story = story.steps(1, |_, _| {});
    assert_eq!(over_5m(&story, P95).met, None);
}

#[test]
fn a_sample_that_comes_again_counts_once() {
    let story = Story::new().steps(20, |idx, step| {
        // Seen every 15 s, measured every 30 s.
        let age = if idx % 2 == 0 { 0 } else { 15 };
        step.rate(10.0)
            .latency(0.1 + (idx / 2) as f64)
            .age(Duration::from_secs(age));
    });
    assert_eq!(over_5m(&story, P95).periods, 10);
}

#[test]
fn objectives_of_other_kinds_count_time() {
    let utilization = r#"{"indicator": "cpuUtilization", "atMost": "60%"}"#;
    // 3 pods of 500m: 0.75 cores are 50 %, 1.2 cores 80 %.
    let story = Story::new().steps(20, |idx, step| {
        step.rate(if idx < 5 { 100.0 } else { 1.0 })
            .cpu(if idx < 5 { 1.2 } else { 0.75 });
    });
    let seen = over_5m(&story, utilization);
    near(seen.achieved, (5.0 * 80.0 + 15.0 * 50.0) / 20.0);
    near(seen.burn, 0.25 / 0.05);
}

#[test]
fn utilisation_before_an_apply_is_of_what_was_live_then() {
    let base = Story::new();
    let before = base.input().state.allocation.with_replicas(6);
    let story = base
        .steps(10, |_, step| {
            step.rate(1.0).cpu(1.5);
        })
        .applied_from(before)
        .steps(10, |_, step| {
            step.rate(1.0).cpu(1.5);
        });
    near(
        over_5m(
            &story,
            r#"{"indicator": "cpuUtilization", "atMost": "60%"}"#,
        )
        .achieved,
        75.0,
    );
}

#[test]
fn no_error_at_all_has_a_finite_burn_rate() {
    let story = Story::new().steps(20, |_, step| {
        step.rate(10.0).set(Signal::ErrorRate, 0.5);
    });
    let burn = over_5m(&story, r#"{"indicator": "errorRate", "atMost": "0%"}"#).burn;
    assert!(
        burn.is_some_and(|burn| burn.is_finite() && burn > 1000.0),
        "{burn:?}"
    );
}

#[test]
fn a_fresh_value_is_what_the_observation_calls_fresh() {
    use ibn_core::observation::SignalHealth;
    let minute = Duration::from_secs(60);
    for value in [0.0, 1.5, -1.0, f64::NAN, f64::INFINITY] {
        for seconds in [-61_i64, -60, 0, 60, 61] {
            let mut seen = Observation::new(ibn_testkit::assessor::web(), now(), minute);
            seen.set(
                Signal::CpuUsage,
                value,
                now() + jiff::SignedDuration::from_secs(seconds),
            );
            let fresh = seen.health(&Signal::CpuUsage, now(), minute) == SignalHealth::Fresh;
            let expected = fresh.then(|| seen.value(&Signal::CpuUsage)).flatten();
            assert_eq!(
                fresh_value(&seen, &Signal::CpuUsage, minute),
                expected,
                "{value} {seconds}"
            );
        }
    }
}

#[test]
fn more_quantiles_tell_more() {
    // Bimodal: half are quick, 6 % take longer than the bound.
    let story = Story::new().steps(20, |_, step| {
        step.rate(10.0)
            .set(Signal::Latency(Quantile::P50), 0.01)
            .set(Signal::Latency(Quantile::new(0.94).unwrap()), 0.2)
            .set(Signal::Latency(Quantile::P95), 1.0);
    });
    near(over_5m(&story, P95).burn, 0.06 / 0.05);
}
