//! Conformance of a `Recommender`, and situations to try it on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ibn_core::allocation::{Allocation, ContainerResources, Field};
use ibn_core::envelope::{Envelope, LimitSource};
use ibn_core::intent::{Bound, IndicatorName, Objective, Preference, Range};
use ibn_core::observation::{Floor, Observation, Signal, SignalHealth};
use ibn_core::prediction::{Forecast, ForecastPoint, WorkloadModel};
use ibn_core::roles::Recommender;
use ibn_core::situation::{Recommendation, Situation};
use ibn_core::units::{Bytes, CpuMillis, IndicatorValue, Quantile, Unit};
use ibn_core::workload::{WorkloadRef, WorkloadState};
use jiff::{Timestamp, ToSpan};

/// Of the Deployment `acme/web`: `replicas` pods of one core and 256 MiB, all ready, between 1 and 20 pods allowed, p95 to
/// be at most 200 ms, and one observation a minute for ten minutes, in which each pod served 25 requests a second with
/// half its core.
///
/// The instant is `2026-01-01T12:00:00Z` plus `turn` minutes, and the seed differs at every turn.
#[must_use]
pub fn situation(replicas: u32, turn: u32) -> Situation {
    let workload = WorkloadRef::deployment("acme", "web");
    let app = ContainerResources::new("app")
        .with_requests(CpuMillis::new(1_000), Bytes::new(256 << 20))
        .with_limits(CpuMillis::new(1_000), Bytes::new(256 << 20));
    let now = Timestamp::from_second(1_767_268_800 + 60 * i64::from(turn)).unwrap_or_default();
    let mut envelope = Envelope::open(workload.clone());
    envelope
        .replicas
        .intersect(Range::new(Some(1), Some(20)), &LimitSource::Default);
    let objective = IndicatorValue::new(0.2, Unit::Seconds).map(|value| Objective {
        indicator: IndicatorName::Latency,
        quantile: None,
        bound: Bound::AtMost(value),
        window: None,
    });
    Situation {
        now,
        control_period: Duration::from_secs(60),
        state: WorkloadState {
            workload: workload.clone(),
            resource_version: "1".to_owned(),
            labels: BTreeMap::new(),
            allocation: Allocation::new(replicas, vec![app]),
            quota: None,
            ready_replicas: replicas,
            owners: BTreeMap::new(),
        },
        envelope: Arc::new(envelope),
        objectives: objective.into_iter().collect(),
        preference: Preference::Balanced,
        history: (0..10)
            .rev()
            .map(|minutes| Arc::new(observation(&workload, replicas, now, minutes, 25.0)))
            .collect(),
        forecast: Some(Forecast {
            made_at: now,
            points: [60, 300, 900]
                .map(|seconds| ForecastPoint {
                    horizon: Duration::from_secs(seconds),
                    values: [Quantile::P50, Quantile::P95]
                        .map(|quantile| (quantile, 30.0 * f64::from(replicas)))
                        .to_vec(),
                })
                .to_vec(),
        }),
        model: Some(WorkloadModel {
            cpu_seconds_per_request: 0.02,
            service_cv2: 1.0,
            base_latency_seconds: 0.01,
            concurrency: 16,
            queue_capacity: Some(100),
            startup: Duration::from_secs(30),
            pod_memory: Bytes::new(128 << 20),
        }),
        health: SignalHealth::Fresh,
        floor: None,
        held: BTreeSet::new(),
        seed: 0x5eed ^ (u64::from(turn) << 16),
        workload,
    }
}

fn observation(
    workload: &WorkloadRef,
    replicas: u32,
    now: Timestamp,
    minutes_ago: i64,
    rate: f64,
) -> Observation {
    let at = now.checked_sub(minutes_ago.minutes()).unwrap_or(now);
    let total = rate * f64::from(replicas);
    let mut seen = Observation::new(workload.clone(), at, Duration::from_secs(60));
    for (signal, value) in [
        (Signal::RequestRate, total),
        (Signal::Throughput, total),
        (Signal::Latency(Quantile::P50), 0.03),
        (Signal::Latency(Quantile::P95), 0.09),
        (Signal::Latency(Quantile::P99), 0.15),
        (Signal::ErrorRate, 0.0),
        (Signal::CpuUsage, 0.02 * total),
        (Signal::CpuThrottled, 0.0),
        (Signal::MemoryUsage, 150e6 * f64::from(replicas)),
        (Signal::MemoryPeak, 160e6),
        (Signal::ReadyReplicas, f64::from(replicas)),
        (Signal::Restarts, 0.0),
    ] {
        seen.set(signal, value, at);
    }
    seen
}

/// Situations that a recommender must get through, each with what is odd about it; the first is the ordinary one.
#[must_use]
pub fn situations() -> Vec<(&'static str, Situation)> {
    let changed = |change: &dyn Fn(&mut Situation)| {
        let mut situation = situation(4, 0);
        change(&mut situation);
        situation
    };
    let all_readings = |value: f64| {
        changed(&|s| {
            for seen in &mut s.history {
                let seen = Arc::make_mut(seen);
                for reading in seen.readings.values_mut() {
                    reading.value = value;
                }
            }
            s.health = if value.is_finite() {
                SignalHealth::Fresh
            } else {
                SignalHealth::Invalid
            };
        })
    };
    vec![
        ("ordinary", changed(&|_| ())),
        (
            "nothing was measured yet",
            changed(&|s| {
                s.history.clear();
                s.health = SignalHealth::Missing;
            }),
        ),
        (
            "no signal is there",
            changed(&|s| {
                for seen in &mut s.history {
                    Arc::make_mut(seen).readings.clear();
                }
                s.health = SignalHealth::Missing;
            }),
        ),
        ("every reading is NaN", all_readings(f64::NAN)),
        ("every reading is infinite", all_readings(f64::INFINITY)),
        ("every reading is negative", all_readings(-1.0)),
        ("every reading is zero", all_readings(0.0)),
        ("every reading is huge", all_readings(1e300)),
        (
            "signals are stale",
            changed(&|s| {
                s.now = s.now.checked_add(1.hour()).unwrap_or(s.now);
                s.health = SignalHealth::Stale;
            }),
        ),
        ("no model", changed(&|s| s.model = None)),
        ("no forecast", changed(&|s| s.forecast = None)),
        (
            "a forecast of NaN, infinity and less than nothing",
            changed(&|s| {
                if let Some(forecast) = &mut s.forecast {
                    for (point, value) in
                        forecast
                            .points
                            .iter_mut()
                            .zip([f64::NAN, f64::INFINITY, -5.0])
                    {
                        for (_, forecast) in &mut point.values {
                            *forecast = value;
                        }
                    }
                }
            }),
        ),
        (
            "an empty forecast",
            changed(&|s| {
                s.forecast = Some(Forecast {
                    made_at: s.now,
                    points: Vec::new(),
                });
            }),
        ),
        (
            "a model of zeros",
            changed(&|s| {
                if let Some(model) = &mut s.model {
                    model.cpu_seconds_per_request = 0.0;
                    model.service_cv2 = 0.0;
                    model.base_latency_seconds = 0.0;
                    model.concurrency = 0;
                    model.startup = Duration::ZERO;
                }
            }),
        ),
        (
            "a model of NaN",
            changed(&|s| {
                if let Some(model) = &mut s.model {
                    model.cpu_seconds_per_request = f64::NAN;
                    model.service_cv2 = f64::NAN;
                    model.base_latency_seconds = f64::NAN;
                }
            }),
        ),
        ("no objective", changed(&|s| s.objectives.clear())),
        (
            "no pod",
            changed(&|s| {
                s.state.allocation.replicas = 0;
                s.state.ready_replicas = 0;
            }),
        ),
        ("no pod is ready", changed(&|s| s.state.ready_replicas = 0)),
        (
            "no container has requests or limits",
            changed(&|s| {
                s.state.allocation.containers = vec![
                    ContainerResources::new("app"),
                    ContainerResources::new("proxy"),
                ];
            }),
        ),
        (
            "no container",
            changed(&|s| s.state.allocation.containers.clear()),
        ),
        (
            "more pods than the envelope allows",
            changed(&|s| {
                s.state.allocation.replicas = 50;
                s.state.ready_replicas = 50;
            }),
        ),
        (
            "a contradictory envelope",
            changed(&|s| {
                let envelope = Arc::make_mut(&mut s.envelope);
                envelope
                    .replicas
                    .intersect(Range::new(Some(30), None), &LimitSource::Default);
            }),
        ),
        (
            "nothing limits it",
            changed(&|s| s.envelope = Arc::new(Envelope::open(s.workload.clone()))),
        ),
        (
            "the number of pods is held",
            changed(&|s| s.held = BTreeSet::from([Field::Replicas])),
        ),
        (
            "everything is held",
            changed(&|s| {
                let mut larger = s.state.allocation.with_replicas(u32::MAX);
                for container in &mut larger.containers {
                    *container = ContainerResources::new(&container.name)
                        .with_requests(CpuMillis::new(1), Bytes::new(1))
                        .with_limits(CpuMillis::new(1), Bytes::new(1));
                }
                s.held = s
                    .state
                    .allocation
                    .changes_to(&larger)
                    .into_iter()
                    .map(|change| change.field)
                    .collect();
                s.held.insert(Field::Autoscale);
            }),
        ),
        (
            "a floor above what is live",
            changed(&|s| {
                s.floor = Some(Floor {
                    replicas: 9,
                    total_cpu: CpuMillis::new(9_000),
                    pod_memory: Bytes::new(200 << 20),
                    basis: "a surge".to_owned(),
                });
            }),
        ),
        (
            "far over the objective",
            changed(&|s| {
                let now = s.now;
                if let Some(seen) = s.history.last_mut() {
                    let seen = Arc::make_mut(seen);
                    seen.set(Signal::Latency(Quantile::P95), 5.0, now);
                    seen.set(Signal::CpuUsage, 4.0, now);
                    seen.set(Signal::RequestRate, 400.0, now);
                }
            }),
        ),
    ]
}

/// What every recommender must hold. `make` gives a fresh one.
///
/// # Panics
/// Where it doesn't.
pub fn check(make: &dyn Fn() -> Box<dyn Recommender>) {
    check_name(make().name());
    for (what, situation) in situations() {
        let recommendation = make().recommend(&situation);
        check_recommendation(what, &situation, &recommendation);
    }
    // Twice the same story, the odd turns among it.
    let story: Vec<Situation> = (0..40)
        .map(|turn| situation(2 + turn % 7, turn))
        .chain(situations().into_iter().map(|(_, situation)| situation))
        .chain((40..50).map(|turn| situation(4, turn)))
        .collect();
    let (mut one, mut other) = (make(), make());
    for (turn, situation) in story.iter().enumerate() {
        let told = one.recommend(situation);
        check_recommendation("a longer story", situation, &told);
        assert_same(&format!("turn {turn}"), &told, &other.recommend(situation));
    }
    // Whom assurance demotes goes on recommending.
    let mut demoted = make();
    demoted.demote("it did harm");
    let situation = situation(4, 0);
    check_recommendation(
        "after a demotion",
        &situation,
        &demoted.recommend(&situation),
    );
}

/// The same recommendation, given the same situations.
///
/// # Panics
/// Where they differ.
#[track_caller]
pub(crate) fn assert_same(what: &str, one: &Recommendation, other: &Recommendation) {
    let texts = [one, other].map(|given| {
        let reasons: Vec<&str> = given.reasons.iter().map(|r| r.message.as_str()).collect();
        format!("{} pods: {}", given.allocation.replicas, reasons.join("; "))
    });
    // By text, so that what is not a number equals itself.
    assert!(
        format!("{one:?}") == format!("{other:?}"),
        "{what}: the same situations, the same recommendations; found {texts:#?}"
    );
}

fn check_name(name: &str) {
    assert!(
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c)),
        "`{name}` can be written on a command line: lower case, digits, `-`, `_`, `.`"
    );
}

fn check_recommendation(what: &str, situation: &Situation, given: &Recommendation) {
    let live = &situation.state.allocation;
    let names = |allocation: &Allocation| -> Vec<String> {
        let containers = &allocation.containers;
        containers.iter().map(|c| c.name.clone()).collect()
    };
    assert_eq!(
        names(&given.allocation),
        names(live),
        "{what}: the containers are the template's"
    );
    for change in live.changes_to(&given.allocation) {
        assert!(
            situation.is_free(&change.field),
            "{what}: {change} moves a held field"
        );
    }
    assert!(!given.reasons.is_empty(), "{what}: gives a reason");
    for reason in &given.reasons {
        let code = &reason.code;
        assert!(
            code.starts_with(|c: char| c.is_ascii_uppercase())
                && code.chars().all(|c| c.is_ascii_alphanumeric()),
            "{what}: code `{code}` is one PascalCase word"
        );
        assert!(
            !reason.message.trim().is_empty(),
            "{what}: {code} says something"
        );
        assert!(
            !reason.message.contains("NaN"),
            "{what}: {}",
            reason.message
        );
    }
    for alternative in &given.alternatives {
        assert!(
            alternative.score.is_finite(),
            "{what}: scores can be compared"
        );
        assert!(
            !alternative.note.is_empty(),
            "{what}: an alternative says why not"
        );
    }
    if let Some(predicted) = &given.predicted {
        let intervals = predicted.latency.values().chain([
            &predicted.cpu_utilization,
            &predicted.error_rate,
            &predicted.throughput,
        ]);
        for interval in intervals {
            let ends = [interval.low, interval.mid, interval.high];
            assert!(
                ends.iter().all(|end| !end.is_nan()),
                "{what}: what is predicted is a number: {ends:?}"
            );
        }
    }
    if let Some(trace) = &given.policy {
        assert!(
            trace.log_probability <= 0.0 && trace.log_probability.is_finite(),
            "{what}: {} is the logarithm of a probability",
            trace.log_probability
        );
        assert!(trace.value.is_finite(), "{what}: the value is a number");
        assert!(!trace.policy.is_empty(), "{what}: the policy has a name");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibn_core::decision::Reason;

    struct OneMore(u32);

    impl Recommender for OneMore {
        fn name(&self) -> &str {
            "one-more"
        }

        fn recommend(&mut self, situation: &Situation) -> Recommendation {
            self.0 += 1;
            let live = &situation.state.allocation;
            if situation.is_free(&Field::Replicas) {
                let more = live.with_replicas(live.replicas.saturating_add(1));
                Recommendation::new(more, vec![Reason::new("OneMore", "one pod more")])
            } else {
                Recommendation::leave(situation, "Held", "the number is held")
            }
        }
    }

    #[test]
    fn a_plain_recommender_passes() {
        check(&|| Box::new(OneMore(0)));
    }

    /// Moves a held field.
    struct Rude;

    impl Recommender for Rude {
        fn name(&self) -> &str {
            "rude"
        }

        fn recommend(&mut self, situation: &Situation) -> Recommendation {
            let live = &situation.state.allocation;
            Recommendation::new(live.with_replicas(99), vec![Reason::new("Rude", "because")])
        }
    }

    #[test]
    #[should_panic(expected = "moves a held field")]
    fn one_that_moves_held_fields_is_found() {
        check(&|| Box::new(Rude));
    }

    #[test]
    #[should_panic(expected = "the same situations")]
    fn one_that_differs_from_run_to_run_is_found() {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        struct Moody;
        impl Recommender for Moody {
            fn name(&self) -> &str {
                "moody"
            }
            fn recommend(&mut self, situation: &Situation) -> Recommendation {
                let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Recommendation::leave(situation, "Mood", format!("turn {count} of this process"))
            }
        }
        check(&|| Box::new(Moody));
    }
}
