//! What the model-predictive rule does with each thing that it is told.

#![cfg(test)]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common::{ErlangTwin, at, envelope, erlang_c, p95_at_most, seen, situation};
use ibn_core::allocation::Field;
use ibn_core::intent::{Autoscale, Bound, IndicatorName, Objective};
use ibn_core::observation::{Floor, Observation, Signal, SignalHealth};
use ibn_core::prediction::{Forecast, ForecastPoint};
use ibn_core::roles::Recommender;
use ibn_core::situation::{Recommendation, Situation};
use ibn_core::units::{Bytes, CpuMillis, IndicatorValue, Quantile, Unit};
use ibn_drl::rules::{ModelPredictive, MpcSettings};
use proptest::prelude::*;

fn mpc() -> ModelPredictive {
    ModelPredictive::new(Arc::new(ErlangTwin), MpcSettings::default()).unwrap()
}

/// Calm: this rate for as long as is remembered, served at once.
fn calm(rate: f64, second: i64) -> Vec<Arc<Observation>> {
    (0..20)
        .rev()
        .map(|ago| {
            seen(
                second - 15 * ago,
                &[
                    (Signal::RequestRate, rate),
                    (Signal::Throughput, rate),
                    (Signal::Latency(Quantile::P95), 0.1),
                    (Signal::CpuUsage, 0.02 * rate),
                    (Signal::ErrorRate, 0.0),
                ],
            )
        })
        .collect()
}

/// `replicas` pods under a calm `rate`, at a time.
fn under(rate: f64, replicas: u32, second: i64) -> Situation {
    let mut situation = situation(replicas);
    situation.now = at(second);
    situation.history = calm(rate, second);
    situation
}

fn flat_forecast(second: i64, points: &[(u64, f64)]) -> Option<Forecast> {
    Some(Forecast {
        made_at: at(second),
        points: points
            .iter()
            .map(|(horizon, value)| ForecastPoint {
                horizon: Duration::from_secs(*horizon),
                values: vec![(Quantile::P50, *value), (Quantile::P95, *value)],
            })
            .collect(),
    })
}

/// Asked twice, a stabilisation window apart, so that nothing is held any more.
fn settled(situation: &Situation) -> Recommendation {
    let mut recommender = mpc();
    let mut before = situation.clone();
    before.now = situation
        .now
        .checked_sub(jiff::SignedDuration::from_secs(400))
        .unwrap();
    before.history = vec![];
    before.forecast = None;
    recommender.recommend(&before);
    // Without a rate nothing was planned: once more with one, long enough ago.
    let mut early = situation.clone();
    early.now = situation
        .now
        .checked_sub(jiff::SignedDuration::from_secs(301))
        .unwrap();
    recommender.recommend(&early);
    recommender.recommend(situation)
}

fn codes(recommendation: &Recommendation) -> Vec<&str> {
    recommendation
        .reasons
        .iter()
        .map(|reason| reason.code.as_str())
        .collect()
}

/// The fewest pods for a p95 at most 200 ms with confidence 0.8, by counting up from the formulas of the fake twin.
fn by_hand(rate: f64) -> u32 {
    // A minute's requests scatter around the quantile; 0.8416 is the normal quantile of 0.8.
    let z = 0.8416;
    // So does their load, with a coefficient of variation of 1.
    let rate = rate * (1.0 + z * (2.0 / (60.0 * rate)).sqrt());
    let scatter = z * (0.95 * 0.05 / (60.0 * rate)).sqrt();
    let depth = -(1.0 - (0.95 + scatter.min(0.025))).ln();
    (1..)
        .find(|pods| {
            let offered = rate * 0.02;
            if offered >= f64::from(*pods) {
                return false;
            }
            let spare = f64::from(*pods) / 0.02 - rate;
            let wait = ((erlang_c(*pods, offered) / 0.05).ln() / spare).max(0.0);
            // Two thirds of the way to the upper end of the interval, 15 % above.
            (0.01 + depth / 3.0 * (wait + 0.06)) * 1.1 <= 0.2
        })
        .unwrap()
}

#[test]
fn finds_the_fewest_pods_that_meet_the_objective() {
    for rate in [5.0, 40.0, 120.0, 333.0, 900.0] {
        let advice = settled(&under(rate, 30, 3_600));
        assert_eq!(
            advice.allocation.replicas,
            by_hand(rate),
            "{rate}: {:?}",
            advice.reasons
        );
        assert_eq!(codes(&advice)[0], "Predicted");
    }
}

#[test]
fn says_why_with_numbers_and_what_else_was_considered() {
    let advice = settled(&under(120.0, 4, 3_600));
    assert_eq!(
        advice.reasons[0].message,
        "3 pods are the fewest for 121.7 requests/s within 1m15s: p95 latency at most 200ms over 5m; what a window measures is no \
         worse than 181ms with confidence 0.8; with 2 it would be without bound"
    );
    let considered: Vec<(u32, &str)> = advice
        .alternatives
        .iter()
        .map(|a| (a.allocation.replicas, a.note.as_str()))
        .collect();
    assert_eq!(
        considered,
        [
            (2, "an objective would be missed"),
            (3, "chosen"),
            (4, "meets all, costs more")
        ]
    );
    assert!(advice.alternatives[1].score > advice.alternatives[2].score);
    assert!(advice.alternatives[2].score > advice.alternatives[0].score);
    assert!(!advice.predicted.unwrap().saturated);
}

#[test]
fn orders_in_time_for_the_forecast() {
    let mut soon = under(100.0, 4, 3_600);
    soon.forecast = flat_forecast(3_600, &[(60, 400.0), (300, 400.0)]);
    assert_eq!(mpc().recommend(&soon).allocation.replicas, by_hand(400.0));
    // What pods of the next turn would still be in time for is not ordered yet.
    let mut late = under(100.0, 4, 3_600);
    late.forecast = flat_forecast(3_600, &[(60, 100.0), (120, 100.0), (600, 400.0)]);
    assert!(mpc().recommend(&late).allocation.replicas <= 4);
    // A forecast made a while ago counts from then.
    late.forecast = flat_forecast(3_100, &[(60, 100.0), (120, 100.0), (600, 400.0)]);
    assert_eq!(mpc().recommend(&late).allocation.replicas, by_hand(400.0));
    // A forecast of less takes nothing from what the measured rate needs.
    let mut less = under(400.0, 12, 3_600);
    less.forecast = flat_forecast(3_600, &[(60, 10.0), (600, 10.0)]);
    assert_eq!(settled(&less).allocation.replicas, by_hand(400.0));
}

#[test]
fn orders_early_where_a_step_limit_would_be_too_slow() {
    let mut limited = under(100.0, 4, 3_600);
    let mut tight = envelope(1, 40);
    tight.step.replicas_up = Some(1);
    limited.envelope = Arc::new(tight);
    // Between now and a start-up before 150 s lie six more turns, at each of which one more can be added.
    limited.forecast = flat_forecast(3_600, &[(60, 100.0), (90, 100.0), (150, 900.0)]);
    let advice = mpc().recommend(&limited);
    assert_eq!(advice.allocation.replicas, by_hand(900.0) - 6);
    assert!(
        codes(&advice).contains(&"StepLimit"),
        "{:?}",
        advice.reasons
    );
}

#[test]
fn a_rise_goes_on_and_a_backlog_is_worked_off() {
    let mut rising = under(100.0, 4, 3_600);
    rising.history.push(seen(
        3_600,
        &[(Signal::RequestRate, 180.0), (Signal::Throughput, 170.0)],
    ));
    let advice = mpc().recommend(&rising);
    assert!(codes(&advice).contains(&"Rising"));
    assert!(advice.allocation.replicas > by_hand(180.0));

    let mut waiting = under(100.0, 3, 3_600);
    let mut recommender = mpc();
    recommender.recommend(&waiting);
    waiting.now = at(3_660);
    waiting.history.push(seen(
        3_660,
        &[
            (Signal::RequestRate, 100.0),
            (Signal::Throughput, 60.0),
            (Signal::Latency(Quantile::P95), 50.0),
        ],
    ));
    let advice = recommender.recommend(&waiting);
    assert!(codes(&advice).contains(&"Backlog"), "{:?}", advice.reasons);
    // 2 400 requests wait and are to be gone in a minute: 40 a second more.
    assert_eq!(advice.allocation.replicas, by_hand(140.0));
}

#[test]
fn scales_in_only_after_the_window_and_never_flaps() {
    let mut recommender = mpc();
    let mut live = 4;
    let mut path = Vec::new();
    for turn in 0..80 {
        let second = 3_600 + 15 * turn;
        // A surge of three minutes.
        let rate = if (10..22).contains(&turn) {
            400.0
        } else {
            100.0
        };
        let mut now = situation(live);
        now.now = at(second);
        now.history = calm(rate, second);
        let next = recommender.recommend(&now).allocation.replicas;
        if next != live {
            path.push((turn, next));
        }
        live = next;
    }
    let (up, down) = (by_hand(400.0), by_hand(100.0));
    // Down a window of 300 s, 20 turns, after the last turn of the surge.
    assert_eq!(path, [(10, up), (42, down)]);
}

#[test]
fn the_preference_is_head_room() {
    let with = |preference| {
        let mut situation = under(600.0, 30, 3_600);
        situation.preference = preference;
        settled(&situation).allocation.replicas
    };
    use ibn_core::intent::Preference::{Balanced, Cost, Performance};
    assert!(with(Cost) <= with(Balanced) && with(Balanced) < with(Performance));
}

#[test]
fn falls_back_where_it_can_not_predict_and_says_so() {
    let mut no_model = under(100.0, 4, 3_600);
    no_model.model = None;
    let mut no_rate = under(100.0, 4, 3_600);
    no_rate.history = vec![seen(3_600, &[(Signal::CpuUsage, 3.6)])];
    let mut no_objective = under(100.0, 4, 3_600);
    no_objective.objectives.clear();
    for (situation, missing) in [
        (no_model, "there is no model of the workload"),
        (no_rate, "no request rate was measured"),
        (no_objective, "the twin predicts none of the objectives"),
    ] {
        let advice = mpc().recommend(&situation);
        assert_eq!(
            codes(&advice)[..2],
            ["Fallback", "Utilization"],
            "{missing}"
        );
        assert_eq!(
            advice.reasons[0].message,
            format!("{missing}: CPU utilisation is tracked instead")
        );
    }
    let mut no_forecast = under(100.0, 4, 3_600);
    assert!(codes(&mpc().recommend(&no_forecast)).contains(&"NoForecast"));
    no_forecast.forecast = flat_forecast(0, &[(60, 900.0)]);
    assert!(
        codes(&mpc().recommend(&no_forecast)).contains(&"NoForecast"),
        "it is over"
    );
}

#[test]
fn held_and_autoscaled_numbers_stay() {
    let mut held = under(900.0, 4, 3_600);
    held.held = BTreeSet::from([Field::Replicas]);
    let advice = mpc().recommend(&held);
    assert_eq!(
        (advice.allocation, advice.reasons[0].code.as_str()),
        (held.state.allocation, "Held")
    );
    let mut autoscaled = under(900.0, 4, 3_600);
    autoscaled.state.allocation.autoscale = Some(Autoscale {
        min: Some(1),
        max: 5,
        cpu_utilization: None,
    });
    let advice = mpc().recommend(&autoscaled);
    assert_eq!(advice.allocation, autoscaled.state.allocation);
    assert_eq!(codes(&advice), ["Autoscaled"]);
}

#[test]
fn nothing_shrinks_on_bad_signals_or_below_the_floor() {
    let mut stale = under(20.0, 12, 3_600);
    stale.health = SignalHealth::Stale;
    let advice = settled(&stale);
    assert_eq!(advice.allocation.replicas, 12);
    assert!(codes(&advice).contains(&"SignalsUnreliable"));
    let mut floored = under(20.0, 12, 3_600);
    floored.floor = Some(Floor {
        replicas: 7,
        total_cpu: CpuMillis::new(0),
        pod_memory: Bytes::new(0),
        basis: "a burst at 12:00".to_owned(),
    });
    let advice = settled(&floored);
    assert_eq!(advice.allocation.replicas, 7);
    assert!(codes(&advice).contains(&"Floor"));
    // Growth is no matter of health.
    let mut stale = under(900.0, 4, 3_600);
    stale.health = SignalHealth::Stale;
    assert_eq!(settled(&stale).allocation.replicas, by_hand(900.0));
}

#[test]
fn beyond_the_envelope_it_takes_what_there_is_and_says_so() {
    let mut cramped = under(900.0, 4, 3_600);
    cramped.envelope = Arc::new(envelope(1, 8));
    let advice = settled(&cramped);
    assert_eq!(
        (advice.allocation.replicas, codes(&advice)[0]),
        (8, "OutOfRoom")
    );
    // What no number of pods can reach is no reason to order them all.
    let mut hopeless = under(900.0, 4, 3_600);
    hopeless.objectives = vec![p95_at_most(0.05)];
    let advice = settled(&hopeless);
    assert_eq!(codes(&advice)[0], "OutOfReach");
    assert!(advice.allocation.replicas < 30, "{:?}", advice.reasons);
}

#[test]
fn an_objective_on_cost_is_a_limit_and_one_on_throughput_a_reserve() {
    let mut thrifty = under(900.0, 4, 3_600);
    thrifty.objectives.push(Objective {
        indicator: IndicatorName::Cost,
        quantile: None,
        bound: Bound::AtMost(IndicatorValue::new(10.0, Unit::Cores).unwrap()),
        window: None,
    });
    let advice = settled(&thrifty);
    assert_eq!(advice.allocation.replicas, 10);
    assert!(codes(&advice).contains(&"Thrift"));
    let mut reserve = under(20.0, 4, 3_600);
    reserve.objectives.push(Objective {
        indicator: IndicatorName::Throughput,
        quantile: None,
        bound: Bound::AtLeast(IndicatorValue::new(400.0, Unit::RequestsPerSecond).unwrap()),
        window: None,
    });
    assert_eq!(settled(&reserve).allocation.replicas, by_hand(400.0));
}

proptest! {
    #[test]
    fn what_is_advised_lies_inside_the_envelope_or_is_what_is_live(
        rate in prop_oneof![0.0f64..5_000.0, Just(f64::NAN), Just(f64::MAX)],
        replicas in 0u32..60,
        (least, span) in (1u32..20, 0u32..30),
        latency in 0.0f64..10.0,
        forecast in prop::option::of(0.0f64..20_000.0),
        healthy in any::<bool>(),
    ) {
        let mut situation = under(10.0, replicas, 3_600);
        situation.envelope = Arc::new(envelope(least, least + span));
        situation.history.push(seen(3_600, &[
            (Signal::RequestRate, rate), (Signal::Throughput, rate / 2.0), (Signal::Latency(Quantile::P95), latency),
        ]));
        if let Some(value) = forecast {
            situation.forecast = flat_forecast(3_600, &[(30, value), (300, value)]);
        }
        if !healthy {
            situation.health = SignalHealth::Missing;
        }
        let advised = mpc().recommend(&situation).allocation.replicas;
        prop_assert!((least..=least + span).contains(&advised) || advised == replicas, "{advised} of {replicas}");
        prop_assert!(healthy || advised >= replicas.min(least + span));
    }

    #[test]
    fn more_demand_never_gets_fewer_pods(rate in 1.0f64..2_000.0, more in 1.0f64..3.0) {
        let wide = |rate: f64| {
            let mut situation = under(rate, 100, 3_600);
            situation.envelope = Arc::new(envelope(1, 500));
            settled(&situation).allocation.replicas
        };
        prop_assert!(wide(rate) <= wide(rate * more));
    }
}

fn sizing(situation: &Situation) -> Recommendation {
    let settings = MpcSettings {
        sizes: true,
        ..MpcSettings::default()
    };
    let mut recommender = ModelPredictive::new(Arc::new(ErlangTwin), settings).unwrap();
    let mut early = situation.clone();
    early.now = situation
        .now
        .checked_sub(jiff::SignedDuration::from_secs(301))
        .unwrap();
    recommender.recommend(&early);
    recommender.recommend(situation)
}

#[test]
fn pods_get_another_size_only_in_calm_and_with_no_more_of_them() {
    // Two pods must stay, and idle.
    let mut idle = under(8.0, 2, 3_600);
    idle.envelope = Arc::new(envelope(2, 40));
    let advice = sizing(&idle);
    let cpu = advice.allocation.pod_requests().cpu;
    assert_eq!(
        (advice.allocation.replicas, codes(&advice)[0]),
        (2, "Resized")
    );
    assert!(cpu < CpuMillis::new(1_000), "{cpu}");
    assert_eq!(
        settled(&idle).allocation.pod_requests().cpu,
        CpuMillis::new(1_000),
        "not by default"
    );
    // The most pods that may be are too few.
    let mut cramped = under(300.0, 8, 3_600);
    cramped.envelope = Arc::new(envelope(2, 6));
    cramped.state.allocation.replicas = 6;
    cramped.state.ready_replicas = 6;
    let advice = sizing(&cramped);
    assert_eq!(codes(&advice)[0], "Resized");
    assert!(advice.allocation.pod_requests().cpu > CpuMillis::new(1_000));
    // Small pods would do with more of them: not worth a dip.
    let busy = under(120.0, 3, 3_600);
    assert_eq!(
        sizing(&busy).allocation.pod_requests().cpu,
        CpuMillis::new(1_000)
    );
    let mut starting = idle.clone();
    starting.state.ready_replicas = 1;
    assert_eq!(
        sizing(&starting).allocation.pod_requests().cpu,
        CpuMillis::new(1_000)
    );
    let mut held = idle;
    held.held = BTreeSet::from(["app.requests.cpu".parse::<Field>().unwrap()]);
    assert_eq!(
        sizing(&held).allocation.pod_requests().cpu,
        CpuMillis::new(1_000)
    );
}
