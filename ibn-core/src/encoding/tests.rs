//! Tests of the encoding: the table, finiteness, masks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::allocation::{Allocation, ContainerResources, Field};
use crate::envelope::{Budget, Envelope, LimitSource};
use crate::guardrail::{FreezeWindow, StepLimits};
use crate::intent::{Bound, BudgetLimit, IndicatorName, Objective, Range};
use crate::observation::{Floor, Observation};
use crate::prediction::{Demand, Forecast, ForecastPoint, Interval, Prediction, WorkloadModel};
use crate::roles::Predictor;
use crate::units::{Bytes, CpuMillis, IndicatorValue, Quantile, Unit};
use crate::workload::{WorkloadRef, WorkloadState};

fn web() -> WorkloadRef {
    WorkloadRef::deployment("acme", "web")
}

/// 2026-01-05 was a Monday.
fn now() -> Timestamp {
    "2026-01-05T06:00:00Z".parse().unwrap()
}

fn situation(replicas: u32) -> Situation {
    let app =
        ContainerResources::new("app").with_requests(CpuMillis::new(500), Bytes::new(256 << 20));
    Situation {
        workload: web(),
        now: now(),
        control_period: Duration::from_secs(60),
        state: WorkloadState {
            workload: web(),
            resource_version: "1".to_owned(),
            labels: BTreeMap::new(),
            allocation: Allocation::new(replicas, vec![app]),
            quota: None,
            ready_replicas: replicas,
            owners: BTreeMap::new(),
        },
        envelope: Arc::new(Envelope::open(web())),
        objectives: Vec::new(),
        preference: Preference::Balanced,
        history: Vec::new(),
        forecast: None,
        model: None,
        health: SignalHealth::Fresh,
        floor: None,
        held: BTreeSet::new(),
        seed: 0,
    }
}

fn model() -> WorkloadModel {
    WorkloadModel {
        cpu_seconds_per_request: 0.01,
        service_cv2: 1.0,
        base_latency_seconds: 0.005,
        concurrency: 16,
        queue_capacity: None,
        startup: Duration::from_secs(60),
        pod_memory: Bytes::new(128 << 20),
    }
}

fn seen(minutes_ago: i64, readings: &[(Signal, f64)]) -> Arc<Observation> {
    let at = now()
        .checked_sub(SignedDuration::from_mins(minutes_ago))
        .unwrap();
    let mut observation = Observation::new(web(), at, Duration::from_secs(60));
    for (signal, value) in readings {
        observation.set(signal.clone(), *value, at);
    }
    Arc::new(observation)
}

fn p95_at_most(seconds: f64) -> Objective {
    Objective {
        indicator: IndicatorName::Latency,
        quantile: None,
        bound: Bound::AtMost(IndicatorValue::new(seconds, Unit::Seconds).unwrap()),
        window: None,
    }
}

#[test]
fn the_documented_table_is_the_table() {
    let source = include_str!("mod.rs");
    for line in table_lines() {
        assert!(
            source.contains(&format!("//! {line}\n")),
            "not in the docs: {line}"
        );
    }
    let distinct: BTreeSet<_> = FEATURE_NAMES.iter().collect();
    assert_eq!(distinct.len(), FEATURE_NAMES.len());
}

#[test]
fn each_formula_by_hand() {
    let mut situation = situation(4);
    situation.state.ready_replicas = 3;
    situation.objectives = vec![p95_at_most(0.2)];
    situation.model = Some(model());
    situation.preference = Preference::Cost;
    let at =
        |rate: f64, ready: f64| vec![(Signal::RequestRate, rate), (Signal::ReadyReplicas, ready)];
    situation.history = vec![
        seen(7, &at(50.0, 3.0)),
        seen(2, &at(80.0, 3.0)),
        seen(
            0,
            &[
                (Signal::RequestRate, 120.0),
                (Signal::ReadyReplicas, 4.0),
                (Signal::CpuUsage, 1.2),
                (Signal::Latency(Quantile::P95), 0.4),
                (Signal::ErrorRate, 0.04),
            ],
        ),
    ];
    situation.forecast = Some(Forecast {
        made_at: now(),
        points: vec![ForecastPoint {
            horizon: Duration::from_secs(120),
            values: vec![(Quantile::P50, 240.0), (Quantile::P95, 960.0)],
        }],
    });
    let encoded = encode(&situation);
    let check = |name: &str, expected: f64| {
        let value = f64::from(encoded.feature(name).unwrap());
        assert!(
            (value - expected).abs() < 1e-6,
            "{name}: {value}, not {expected}"
        );
    };
    check("cpu_utilization", 1.2 / 2.0 / 2.0);
    check("offered_load", 1.2 / 2.0 / 2.0);
    check("rate_trend", 70.0 / 170.0);
    check("rate_step", 40.0 / 200.0);
    check("strain", 1.0 / 3.0);
    check("error_rate", 0.2);
    check("ready_share", 1.0);
    check("replicas", 5f64.log2() / 10.0);
    check("replicas_bounded", 0.0);
    check("room_up", 1.0);
    check("room_down", 0.2);
    check("since_change", 120.0 / 720.0);
    check("forecast_peak", 0.5);
    check("forecast_high", 1.0);
    check("startup", 0.5);
    check("service_cv2", 0.5);
    check("hour_sin", 1.0);
    check("hour_cos", 0.0);
    check("week_sin", (std::f64::consts::TAU / 28.0).sin());
    check("prefers_cost", 1.0);
    check("throttled_known", 0.0);
    check("fresh", 1.0);
}

#[test]
fn a_bad_reading_counts_as_missing_and_hashes_the_same() {
    let mut missing = situation(4);
    missing.history = vec![seen(0, &[])];
    let mut bad = missing.clone();
    bad.history = vec![seen(
        0,
        &[
            (Signal::CpuUsage, f64::NAN),
            (Signal::RequestRate, f64::INFINITY),
            (Signal::ErrorRate, -1.0),
        ],
    )];
    assert_eq!(encode(&bad), encode(&missing));
    assert_eq!(encode(&bad).hash(), encode(&missing).hash());
    let mut stale = missing.clone();
    stale.history = vec![seen(9, &[(Signal::CpuUsage, 1.0)])];
    assert_eq!(encode(&stale).feature("cpu_utilization_known"), Some(0.0));
    let mut other = missing.clone();
    other.preference = Preference::Cost;
    assert_ne!(encode(&other).hash(), encode(&missing).hash());
}

#[track_caller]
fn check_allowed(situation: &Situation, expected: &[u32]) {
    let table = ActionTable::replicas();
    let mut reached: Vec<u32> = (0..table.moves().len())
        .filter_map(|action| table.allocation(situation, action))
        .map(|allocation| allocation.replicas)
        .collect();
    reached.sort_unstable();
    reached.dedup();
    assert_eq!(reached, expected);
}

#[test]
fn masks_hold_every_limit() {
    let with = |change: fn(&mut Situation, &mut Envelope)| {
        let mut situation = situation(6);
        let mut envelope = Envelope::open(web());
        change(&mut situation, &mut envelope);
        situation.envelope = Arc::new(envelope);
        situation
    };
    check_allowed(&with(|_, _| ()), &[2, 4, 5, 6, 7, 8, 9, 10, 12]);
    check_allowed(
        &with(|_, e| {
            e.replicas
                .intersect(Range::new(Some(4), Some(8)), &LimitSource::Default);
        }),
        &[4, 5, 6, 7, 8],
    );
    check_allowed(
        &with(|_, e| {
            e.step = StepLimits {
                replicas_up: Some(1),
                replicas_down: Some(2),
                resource_factor: None,
            };
        }),
        &[4, 5, 6, 7],
    );
    check_allowed(
        &with(|_, e| {
            e.budgets.push(Budget {
                source: LimitSource::Default,
                members: BTreeSet::from([web()]),
                limit: BudgetLimit {
                    cpu: Some(CpuMillis::new(4_400)),
                    memory: None,
                },
                pods: None,
            });
        }),
        &[2, 4, 5, 6, 7, 8],
    );
    check_allowed(
        &with(|s, e| {
            e.freeze.push(FreezeWindow {
                from: s.now,
                until: s.now.checked_add(SignedDuration::from_secs(1)).unwrap(),
                reason: String::new(),
            });
        }),
        &[6],
    );
    check_allowed(
        &with(|s, _| s.held = BTreeSet::from([Field::Replicas])),
        &[6],
    );
    check_allowed(
        &with(|s, _| s.health = SignalHealth::Stale),
        &[6, 7, 8, 9, 10, 12],
    );
    check_allowed(
        &with(|s, _| {
            s.floor = Some(Floor {
                replicas: 5,
                total_cpu: CpuMillis::new(0),
                pod_memory: Bytes::new(0),
                basis: String::new(),
            });
        }),
        &[5, 6, 7, 8, 9, 10, 12],
    );
}

#[test]
fn room_counts_budgets_at_the_size_of_a_pod() {
    let mut situation = situation(3);
    let mut envelope = Envelope::open(web());
    envelope
        .replicas
        .intersect(Range::new(Some(2), Some(40)), &LimitSource::Default);
    envelope.budgets.push(Budget {
        source: LimitSource::Default,
        members: BTreeSet::from([web()]),
        limit: BudgetLimit {
            cpu: Some(CpuMillis::new(8_000)),
            memory: Some(Bytes::new(10 << 30)),
        },
        pods: Some(30),
    });
    situation.envelope = Arc::new(envelope);
    let room = ReplicaRoom::of(&situation);
    assert_eq!((room.least, room.most), (2, Some(16)));
    assert_eq!((room.up(), room.down()), (Some(13), 1));
    assert_eq!([room.clamp(1), room.clamp(9), room.clamp(99)], [2, 9, 16]);
}

/// Any number at all, the bad ones often.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        0.0..1e4,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(0.0),
    ]
}

prop_compose! {
    fn any_situation()(
        (replicas, ready, cpu, memory) in (0u32..2_000, 0u32..2_000, 0u64..8_000, 0u64..1 << 34),
        readings in prop::collection::vec(
            prop::collection::vec((prop::sample::select(vec![
                Signal::RequestRate, Signal::Throughput, Signal::Latency(Quantile::P95), Signal::ErrorRate, Signal::CpuUsage,
                Signal::CpuThrottled, Signal::MemoryPeak, Signal::ReadyReplicas,
            ]), any_number()), 0..8), 0..8),
        bounds in (prop::option::of(0u32..50), prop::option::of(0u32..500)),
        cpu_bounds in (prop::option::of(0u64..4_000), prop::option::of(0u64..8_000)),
        budget in prop::option::of((0u64..100_000, 0u64..1 << 36, prop::option::of(0u32..300))),
        step in (prop::option::of(0u32..5), prop::option::of(0u32..5), prop::option::of(1.0f64..2.0)),
        model_numbers in prop::option::of((any_number(), any_number(), 0u64..100_000)),
        forecast in prop::option::of(prop::collection::vec((0u64..100_000, any_number()), 0..5)),
        floor in prop::option::of((0u32..100, 0u64..100_000)),
        (bound, seconds, healthy) in (0.0f64..1e3, -1_000_000_000i64..10_000_000_000, any::<bool>()),
    ) -> Situation {
        let mut situation = situation(replicas);
        situation.now = Timestamp::from_second(seconds).unwrap();
        situation.state.ready_replicas = ready;
        for container in &mut situation.state.allocation.containers {
            container.requests.cpu = Some(CpuMillis::new(cpu));
            container.limits.memory = Some(Bytes::new(memory));
        }
        let count = readings.len() as i64;
        situation.history = readings.into_iter().zip(0i64..).map(|(readings, idx)| {
            let at = Timestamp::from_second(seconds - 60 * (count - 1 - idx)).unwrap();
            let mut observation = Observation::new(web(), at, Duration::from_secs(60));
            for (signal, value) in readings {
                observation.set(signal, value, at);
            }
            Arc::new(observation)
        }).collect();
        let mut envelope = Envelope::open(web());
        envelope.replicas.intersect(Range::new(bounds.0, bounds.1), &LimitSource::Default);
        envelope.cpu.intersect(
            Range::new(cpu_bounds.0.map(CpuMillis::new), cpu_bounds.1.map(CpuMillis::new)),
            &LimitSource::Default,
        );
        if let Some((cpu, memory, pods)) = budget {
            envelope.budgets.push(Budget {
                source: LimitSource::Default,
                members: BTreeSet::from([web()]),
                limit: BudgetLimit { cpu: Some(CpuMillis::new(cpu)), memory: Some(Bytes::new(memory)) },
                pods,
            });
        }
        envelope.step = StepLimits { replicas_up: step.0, replicas_down: step.1, resource_factor: step.2 };
        situation.envelope = Arc::new(envelope);
        situation.model = model_numbers.map(|(cpu_seconds_per_request, service_cv2, startup)| WorkloadModel {
            cpu_seconds_per_request, service_cv2, startup: Duration::from_secs(startup), ..model()
        });
        situation.forecast = forecast.map(|points| Forecast {
            made_at: situation.now,
            points: points.into_iter().map(|(horizon, value)| ForecastPoint {
                horizon: Duration::from_secs(horizon), values: vec![(Quantile::P50, value), (Quantile::P95, value * 2.0)],
            }).collect(),
        });
        situation.floor = floor.map(|(replicas, cpu)| Floor {
            replicas, total_cpu: CpuMillis::new(cpu), pod_memory: Bytes::new(0), basis: String::new(),
        });
        situation.objectives = vec![p95_at_most(bound)];
        situation.health = if healthy { SignalHealth::Fresh } else { SignalHealth::Missing };
        situation
    }
}

proptest! {
    #[test]
    fn every_situation_encodes_finite_and_within_range(situation in any_situation()) {
        let encoded = encode(&situation);
        prop_assert_eq!(encoded.features.len(), FEATURES.len());
        for (value, feature) in encoded.features.iter().zip(&FEATURES) {
            prop_assert!(
                value.is_finite() && (feature.low as f32..=feature.high as f32).contains(value),
                "{} is {}", feature.name, value
            );
        }
        prop_assert_eq!(encoded.hash(), encode(&situation).hash());
    }

    #[test]
    fn what_the_mask_allows_lies_inside_the_envelope(situation in any_situation()) {
        let table = ActionTable::replicas_and_cpu();
        let mask = table.mask(&situation);
        prop_assert_eq!(mask.len(), table.moves().len());
        prop_assert_eq!(mask.first(), Some(&true));
        let envelope = &situation.envelope;
        let live = &situation.state.allocation;
        for (action, _) in mask.iter().enumerate().filter(|(_, allowed)| **allowed) {
            let to = table.allocation(&situation, action).unwrap();
            if to == *live {
                continue;
            }
            prop_assert!(envelope.replicas.range().contains(to.replicas));
            prop_assert!(envelope.cpu.range().max.is_none_or(|most| to.pod_limits().cpu <= most));
            prop_assert!(envelope.cpu.range().min.is_none_or(|least| to.pod_requests().cpu >= least));
            for budget in &envelope.budgets {
                prop_assert!(budget.limit.cpu.is_none_or(|most| to.total_requests().cpu <= most));
                prop_assert!(budget.limit.memory.is_none_or(|most| to.total_requests().memory <= most));
                prop_assert!(budget.pods.is_none_or(|most| to.replicas <= most));
            }
            let step = &envelope.step;
            prop_assert!(step.replicas_up.is_none_or(|most| to.replicas <= live.replicas.saturating_add(most)));
            prop_assert!(step.replicas_down.is_none_or(|most| to.replicas >= live.replicas.saturating_sub(most)));
            let shrinks = to.replicas < live.replicas || to.pod_limits().cpu < live.pod_limits().cpu;
            prop_assert!(!shrinks || situation.health == SignalHealth::Fresh);
        }
    }
}

/// A twin of pods that take ten requests a second each at 50 ms, and none more.
struct TenEach;

impl Predictor for TenEach {
    fn name(&self) -> &str {
        "ten each"
    }

    fn predict(&self, _: &WorkloadModel, demand: Demand, allocation: &Allocation) -> Prediction {
        let saturated = demand.request_rate > 10.0 * f64::from(allocation.replicas);
        let exactly = |value: f64| Interval {
            low: value,
            mid: value,
            high: value,
        };
        let latency = if saturated { f64::INFINITY } else { 0.05 };
        Prediction {
            latency: [(Quantile::P95.short_name(), exactly(latency))].into(),
            cpu_utilization: exactly(50.0),
            error_rate: exactly(0.0),
            throughput: exactly(demand.request_rate),
            cost_cores: f64::from(allocation.replicas),
            saturated,
        }
    }
}

/// A minute's observations, 15 s apart, the newest last; of each its rate, ready pods and 95th percentile.
fn watched(replicas: u32, looks: &[(f64, f64, f64)]) -> Situation {
    let mut situation = situation(replicas);
    situation.objectives = vec![p95_at_most(0.2)];
    situation.model = Some(model());
    situation.history = looks
        .iter()
        .rev()
        .zip(0i64..)
        .map(|((rate, ready, p95), ago)| {
            let at = now()
                .checked_sub(SignedDuration::from_secs(15 * ago))
                .unwrap();
            let mut seen = Observation::new(web(), at, Duration::from_secs(60));
            seen.set(Signal::RequestRate, *rate, at);
            seen.set(Signal::ReadyReplicas, *ready, at);
            seen.set(Signal::Latency(Quantile::P95), *p95, at);
            Arc::new(seen)
        })
        .collect();
    situation.history.reverse();
    situation
}

/// The pods that head-room of factor 1 and the span of this place come to; those that there are where it may not be taken.
fn pods_for_the_demand_and(situation: &Situation, span: usize) -> u32 {
    let view = headroom::Headroom::default().view(situation, &TenEach);
    let place = headroom::FACTORS.iter().position(|it| *it == 1.0).unwrap();
    let action = headroom::HeadroomView::action(place, span);
    assert_eq!(
        headroom::HeadroomView::meaning(action),
        Some((1.0, headroom::SPANS[span]))
    );
    if view.mask[action] {
        view.allocations[action].replicas
    } else {
        situation.state.allocation.replicas
    }
}

fn pods_for_the_demand(situation: &Situation) -> u32 {
    pods_for_the_demand_and(situation, 0)
}

#[test]
fn head_room_sees_a_step_at_the_first_look_after_it() {
    // From 100/s to 500/s 15 s ago: the minute has seen a quarter of it. 500/s less two deviations of Poisson arrivals, √(300 / 15) each.
    let mut looks = vec![(100.0, 12.0, 0.05); 8];
    looks.push((200.0, 12.0, 0.05));
    assert_eq!(pods_for_the_demand(&watched(12, &looks)), 50);
    // At the second look as well, and not more than there is.
    looks.push((300.0, 12.0, 0.05));
    assert_eq!(pods_for_the_demand(&watched(12, &looks)), 49);
    // Noise is no step: 100/s over a minute by 1 or 2 a second more or less.
    for rate in [100.0, 101.0, 102.0] {
        let mut noisy = vec![(100.0, 12.0, 0.05); 8];
        noisy.push((rate, 12.0, 0.05));
        assert!(pods_for_the_demand(&watched(9, &noisy)) <= 11, "{rate}");
    }
}

#[test]
fn what_was_missed_against_the_twin_raises_the_need_for_ten_minutes() {
    // 100/s on 15 pods that can take 150/s by the twin, and yet a second of latency, for two minutes.
    let mut looks = vec![(100.0, 15.0, 0.05); 8];
    looks.extend(vec![(100.0, 15.0, 1.0); 8]);
    assert_eq!(pods_for_the_demand(&watched(10, &looks)), 10);
    looks.push((100.0, 15.0, 1.0));
    assert_eq!(pods_for_the_demand(&watched(10, &looks)), 15);
    looks.extend(vec![(100.0, 15.0, 0.05); 40]);
    assert_eq!(pods_for_the_demand(&watched(10, &looks)), 15);
    looks.push((100.0, 15.0, 0.05));
    assert_eq!(pods_for_the_demand(&watched(9, &looks)), 10);
    // Where it goes on with more pods, those were too few as well.
    let mut looks = vec![(100.0, 15.0, 1.0); 9];
    looks.extend(vec![(100.0, 20.0, 1.0); 9]);
    assert_eq!(pods_for_the_demand(&watched(20, &looks)), 20);
    // What is missed with too few pods says nothing against the twin, and hardly anything where few requests came.
    let few = vec![(100.0, 5.0, 1.0); 20];
    assert_eq!(pods_for_the_demand(&watched(5, &few)), 10);
    let rare = vec![(1.0, 5.0, 1.0); 20];
    assert_eq!(pods_for_the_demand(&watched(5, &rare)), 1);
}

#[test]
fn pods_are_taken_down_to_what_the_peak_of_the_span_needs() {
    // 200/s ten minutes ago, 150/s until five minutes ago, 50/s since.
    let mut looks = vec![(200.0, 20.0, 0.05); 4];
    looks.extend(vec![(150.0, 20.0, 0.05); 16]);
    looks.extend(vec![(50.0, 20.0, 0.05); 20]);
    let situation = watched(30, &looks);
    let spans = [0, 1, 2].map(|span| pods_for_the_demand_and(&situation, span));
    assert_eq!(spans, [5, 20, 20]);
    // Who remembers peaks doesn't add pods for them.
    assert_eq!(pods_for_the_demand_and(&watched(8, &looks), 1), 8);
    assert_eq!(headroom::HeadroomView::meaning(0), None);
    let words = [0, headroom::HeadroomView::action(2, 1)].map(headroom::HeadroomView::in_words);
    assert_eq!(
        words,
        [
            "as it is",
            "for 1.2 times the demand and the peak of 15 min"
        ]
    );
    assert_eq!(
        headroom::HeadroomView::meaning(headroom::HeadroomView::N_ACTIONS),
        None
    );
}

#[test]
fn without_a_fresh_rate_head_room_only_adds_for_the_most_of_late() {
    let mut looks = vec![(200.0, 12.0, 0.05); 2];
    looks.extend(vec![(100.0, 12.0, 0.05); 6]);
    let mut situation = watched(12, &looks);
    let stale = |situation: &mut Situation| {
        let newest = situation.history.pop().unwrap();
        let mut blind = Observation::clone(&newest);
        blind.readings.remove(&Signal::RequestRate);
        situation.history.push(Arc::new(blind));
    };
    stale(&mut situation);
    assert_eq!(pods_for_the_demand(&situation), 20);
    let view = headroom::Headroom::default().view(&situation, &TenEach);
    for (allowed, to) in view.mask.iter().zip(&view.allocations).skip(1) {
        assert!(!allowed || to.replicas >= 12, "{to:?}");
    }
    // Where another signal is gone, nothing is taken either.
    let mut unsound = watched(30, &looks);
    assert!(pods_for_the_demand(&unsound) < 30);
    unsound.health = SignalHealth::Missing;
    assert_eq!(pods_for_the_demand(&unsound), 30);
}
