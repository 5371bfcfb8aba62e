//! What the assessors say of whole stories.
#![expect(
    clippy::panic,
    reason = "the functions that tests share fail as tests do"
)]

use std::time::Duration;

use ibn_assurance::{AssuranceParams, BurnRateAssessor, ThresholdAssessor};
use ibn_core::admission::{Admission, AdmissionContext};
use ibn_core::allocation::Allocation;
use ibn_core::assessment::{Assessment, AssuranceAction};
use ibn_core::intent::{Amount, Directive, Expectation, Intent, Mode, Range};
use ibn_core::observation::{Signal, SignalHealth};
use ibn_core::roles::Assessor;
use ibn_core::units::{CpuMillis, Quantile};
use ibn_core::workload::Inventory;
use ibn_testkit::assessor::{Story, calm, check_shape, intent, surge};

const P95: &str = r#"{"indicator": "latency", "quantile": 0.95, "atMost": "200ms"}"#;

#[track_caller]
fn assess(story: &Story) -> Assessment {
    let input = story.input();
    let told = BurnRateAssessor::default().assess(&input);
    check_shape(&input, &told);
    told
}

fn floor_of(told: &Assessment) -> Option<u32> {
    told.actions.iter().find_map(|action| match action {
        AssuranceAction::Corrective(intent) => intent.spec.constraints.replicas.min,
        _ => None,
    })
}

fn undoes(told: &Assessment) -> bool {
    told.actions
        .iter()
        .any(|action| matches!(action, AssuranceAction::Undo { .. }))
}

fn demotes(told: &Assessment) -> bool {
    told.actions
        .iter()
        .any(|action| matches!(action, AssuranceAction::DemoteLearner { .. }))
}

#[track_caller]
fn finding<'a>(told: &'a Assessment, code: &str) -> &'a str {
    let found = told.findings.iter().find(|reason| reason.code == code);
    let Some(found) = found else {
        panic!("no {code} among {:?}", told.findings)
    };
    &found.message
}

mod floors {
    use super::*;

    #[test]
    fn a_surge_raises_a_floor_that_holds_the_demand() {
        let told = assess(&surge());
        // 120 requests of 10 ms are 1.2 cores, 1.48 were used: over 70 % of half a core 4.2 pods.
        assert_eq!(floor_of(&told), Some(5));
        let message = finding(&told, "DemandSurge");
        assert!(message.contains("120.0 requests a second"), "{message}");
        let [AssuranceAction::Corrective(raised)] = told.actions.as_slice() else {
            panic!("{:?}", told.actions)
        };
        let origin = raised.spec.origin.as_ref().unwrap();
        assert_eq!(origin.parent.as_deref(), Some("uid-of-web-fast"));
        assert!(
            origin
                .cause
                .as_deref()
                .unwrap()
                .starts_with("DemandSurge: ")
        );
        assert!(
            raised.metadata.name.starts_with("web-fast-floor-"),
            "{}",
            raised.metadata.name
        );
        assert_eq!(
            raised.spec.validity.unwrap().until.unwrap(),
            surge().input().now + Duration::from_secs(900)
        );
    }

    #[test]
    fn what_is_raised_is_admitted() {
        let told = assess(&surge());
        let [AssuranceAction::Corrective(raised)] = told.actions.as_slice() else {
            panic!("{:?}", told.actions)
        };
        let input = surge().input();
        let mut inventory = Inventory::default();
        inventory
            .workloads
            .insert(input.state.workload.clone(), input.state.clone());
        let mut context = AdmissionContext::new(input.now, &inventory);
        context.intents = &input.intents;
        let outcome = Admission::without_twin().review(raised, &context);
        assert!(outcome.accepted().is_some(), "{}", outcome.summary());
    }

    #[test]
    fn the_fast_rule_fires_within_two_periods() {
        let burst = |n: usize| {
            calm().steps(n, |_, step| {
                step.rate(160.0).latency(2.0).cpu(1.5);
            })
        };
        // Burn 14.8 for 15 of 300 seconds at four times the requests: 16 %, the long window stands at 2.6.
        assert_eq!(floor_of(&assess(&burst(0))), None);
        assert!(floor_of(&assess(&burst(2))).is_some());
    }

    #[test]
    fn the_rate_that_is_told_is_that_of_the_rule_that_fired() {
        let rates = |told: &Assessment| {
            let message = finding(told, "ObjectiveBurning").to_owned();
            let (_, said) = message.split_once("budget ").unwrap();
            let rate: f64 = said.split(' ').next().unwrap().parse().unwrap();
            (rate, message)
        };
        // Trouble a while ago and a little of it still: a bit over one of the last five minutes is bad, and eleven of the last fifteen.
        let story = calm()
            .steps(41, |_, step| {
                step.rate(40.0).latency(0.23).cpu(1.3);
            })
            .steps(14, |_, step| {
                step.rate(40.0).latency(0.1).cpu(1.3);
            })
            .steps(5, |_, step| {
                step.rate(40.0).latency(0.23).cpu(1.3);
            });
        let told = assess(&story);
        let last = told.intents[0].objectives[0].burn_rate.unwrap().long;
        assert!(last < 1.0, "{last}");
        let (rate, message) = rates(&told);
        assert!(rate >= 1.0, "{message}");
        assert!(message.ends_with("over the last 15m"), "{message}");
        let (rate, message) = rates(&assess(&surge()));
        assert!(rate >= 2.0, "{message}");
        assert!(message.ends_with("over the last 5m"), "{message}");
    }

    #[test]
    fn a_little_over_the_bound_fires_late_and_what_is_over_fires_no_more() {
        let slow = |n: usize| {
            calm().steps(n, |_, step| {
                step.rate(40.0).latency(0.23).cpu(1.3);
            })
        };
        assert_eq!(
            floor_of(&assess(&slow(20))),
            None,
            "five minutes at burn 1.5"
        );
        assert!(floor_of(&assess(&slow(60))).is_some(), "fifteen minutes");
        let over = surge().steps(6, |_, step| {
            step.rate(40.0).latency(0.1).cpu(1.3);
        });
        assert_eq!(
            floor_of(&assess(&over)),
            None,
            "both short windows are calm"
        );
    }

    #[test]
    fn few_requests_prove_nothing() {
        let night = Story::new().steps(20, |_, step| {
            step.rate(0.05).latency(3.0).cpu(1.4);
        });
        assert_eq!(floor_of(&assess(&night)), None);
    }

    #[test]
    fn where_pods_have_room_none_is_added() {
        let slow = calm().steps(40, |_, step| {
            step.rate(40.0).latency(0.9).cpu(0.4);
        });
        let told = assess(&slow);
        assert_eq!(told.actions, []);
        assert!(finding(&told, "Dependency").contains("27 % of the CPU limits"));
        assert!(finding(&told, "CapacityWontHelp").contains("not expected to help"));
    }

    #[test]
    fn throttled_pods_are_not_asked_how_busy_they_are() {
        let throttled = calm().steps(40, |_, step| {
            step.rate(40.0)
                .latency(0.9)
                .cpu(0.7)
                .set(Signal::CpuThrottled, 0.4);
        });
        let told = assess(&throttled);
        assert_eq!(floor_of(&told), Some(4), "one more than now");
        finding(&told, "CpuThrottling");
    }

    #[test]
    fn without_cpu_use_nobody_knows_whether_pods_would_help() {
        let blind = calm().steps(40, |_, step| {
            step.rate(40.0).latency(0.9);
        });
        let told = assess(&blind);
        assert_eq!(
            (told.health, told.actions.len()),
            (SignalHealth::Missing, 0)
        );
        assert!(finding(&told, "CapacityWontHelp").contains("known"));
        assert!(finding(&told, "Signals").contains("cpuUsage is missing"));
    }

    #[test]
    fn limits_directives_and_modes_are_respected() {
        let mut capped = intent("web-fast", P95);
        capped.spec.constraints.replicas = Range::new(None, Some(4));
        assert_eq!(
            floor_of(&assess(&surge().intents([capped.clone()]))),
            Some(4)
        );
        capped.spec.constraints.replicas = Range::new(None, Some(3));
        let told = assess(&surge().intents([capped]));
        assert_eq!(floor_of(&told), None);
        assert!(finding(&told, "AtLimit").contains("5 pods would be needed, 3 are live"));

        let held = Intent::new("hold", &ibn_testkit::assessor::web())
            .with_expectation(Expectation::Directive(Directive::Replicas(Amount::To(3))));
        let told = assess(&surge().and_intent(held));
        assert_eq!(floor_of(&told), None);
        assert!(finding(&told, "HeldByDirective").contains("acme/hold"));

        let mut advice = intent("web-fast", P95);
        advice.spec.mode = Some(Mode::Advise);
        let told = assess(&surge().intents([advice]));
        assert_eq!(told.actions, []);
        finding(&told, "AdviceOnly");
    }

    #[test]
    fn what_was_just_added_is_waited_for() {
        let before = Story::new().input().state.allocation.with_replicas(2);
        let fresh = surge().applied_from(before);
        finding(&assess(&fresh), "Settling");
        let settled = fresh.steps(2, |_, step| {
            step.rate(120.0).latency(0.8).cpu(1.48);
        });
        assert!(floor_of(&assess(&settled)).is_some());
    }

    #[test]
    fn one_floor_asks_for_twice_as_much_at_most() {
        let flood = calm().steps(40, |_, step| {
            step.rate(4000.0).latency(9.0).cpu(1.5);
        });
        assert_eq!(floor_of(&assess(&flood)), Some(7), "3 and 4 more");
    }

    #[test]
    fn the_name_is_the_same_within_a_time_to_live_and_another_after_it() {
        let name_at = |seconds: i64| {
            let mut input = surge().input();
            let shift = jiff::SignedDuration::from_secs(seconds);
            input.now += shift;
            input.history = input
                .history
                .iter()
                .map(|seen| {
                    let mut seen = seen.as_ref().clone();
                    seen.at += shift;
                    seen.readings
                        .values_mut()
                        .for_each(|reading| reading.at += shift);
                    std::sync::Arc::new(seen)
                })
                .collect();
            let told = BurnRateAssessor::default().assess(&input);
            match told.actions.as_slice() {
                [AssuranceAction::Corrective(intent)] => intent.metadata.name.clone(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(name_at(0), name_at(899));
        assert_ne!(name_at(0), name_at(900));
    }

    #[test]
    fn of_two_burning_intents_the_more_important_is_the_parent() {
        let mut vital = intent("vital", P95);
        vital.spec.priority = Some(90);
        let told = assess(&surge().and_intent(vital));
        let [AssuranceAction::Corrective(raised)] = told.actions.as_slice() else {
            panic!("{:?}", told.actions)
        };
        assert!(raised.metadata.name.starts_with("vital-floor-"));
        assert_eq!(raised.spec.priority, Some(90));
    }

    #[test]
    fn the_threshold_fires_on_the_window_and_on_nothing_less() {
        let assessor = ThresholdAssessor::default();
        let short = calm().steps(2, |_, step| {
            step.rate(40.0).latency(0.5).cpu(1.5);
        });
        assert_eq!(floor_of(&assessor.assess(&short.input())), None);
        assert_eq!(floor_of(&assessor.assess(&surge().input())), Some(5));
    }
}

mod last_apply {
    use super::*;

    /// An hour within the bound, then `d7` took the workload from `before` pods to 3, then 40 periods of what follows.
    fn after(before: u32, rate: f64, latency: f64, cpu: f64) -> Story {
        let live: Allocation = calm().input().state.allocation;
        calm()
            .applied_from(live.with_replicas(before))
            .steps(40, |_, step| {
                step.rate(rate).latency(latency).cpu(cpu);
            })
    }

    #[test]
    fn a_shrink_that_breaks_the_bound_is_undone() {
        let told = assess(&after(6, 40.0, 0.5, 1.4));
        assert!(undoes(&told), "{:?}", told.actions);
        let message = finding(&told, "ApplyHarmful");
        assert!(message.contains("decision d7"), "{message}");
    }

    #[test]
    fn at_a_higher_demand_the_apply_is_not_undone() {
        let told = assess(&after(6, 80.0, 0.5, 1.4));
        assert!(!undoes(&told), "{:?}", told.actions);
    }

    /// After how many observations behind the apply a learner is demoted.
    fn demoted_at(before: u32, rate: f64, latency: impl Fn(usize) -> f64) -> Vec<usize> {
        let live: Allocation = calm().input().state.allocation;
        let at = |n: usize| {
            let story = calm().applied_from(live.with_replicas(before));
            let story = story.steps(n, |idx, step| {
                step.rate(rate).latency(latency(idx)).cpu(1.4);
            });
            demotes(&assess(&story))
        };
        (0..90).filter(|n| at(*n)).collect()
    }

    #[test]
    fn a_learner_is_demoted_once_for_an_apply_that_hurts() {
        // One observation of start-up, then two that burn.
        assert_eq!(demoted_at(6, 40.0, |_| 0.5), [3]);
        assert_eq!(demoted_at(6, 80.0, |_| 0.5), [3], "at a higher demand too");
        let comes_and_goes = |idx: usize| if idx % 20 < 10 { 0.5 } else { 0.01 };
        assert_eq!(demoted_at(6, 40.0, comes_and_goes), [3]);
        assert_eq!(
            demoted_at(6, 40.0, |_| 0.19),
            [0_usize; 0],
            "within the bound"
        );
        assert_eq!(
            demoted_at(2, 40.0, |_| 0.5),
            [0_usize; 0],
            "nothing was taken away"
        );
    }

    #[test]
    fn what_only_added_is_not_to_blame() {
        let told = assess(&after(2, 40.0, 0.5, 0.4));
        assert!(!undoes(&told) && !demotes(&told), "{:?}", told.actions);
    }

    #[test]
    fn what_costs_more_than_allowed_is_to_blame_for_adding() {
        let cost = intent("cheap", r#"{"indicator": "cost", "atMost": "1"}"#);
        let told = assess(&after(2, 40.0, 0.1, 0.4).intents([cost]));
        assert!(undoes(&told), "{:?}", told.findings);
    }

    #[test]
    fn a_shrink_within_the_bound_is_kept() {
        let told = assess(&after(6, 40.0, 0.19, 0.9));
        assert_eq!(told.actions, []);
    }

    #[test]
    fn what_burned_before_is_not_the_applys_doing() {
        let live: Allocation = calm().input().state.allocation;
        let bad = |story: Story| {
            story.steps(40, |_, step| {
                step.rate(40.0).latency(0.5).cpu(0.5);
            })
        };
        let told = assess(&bad(bad(calm()).applied_from(live.with_replicas(6))));
        assert!(!undoes(&told), "{:?}", told.actions);
    }

    #[test]
    fn it_is_judged_once_settled_and_not_for_ever() {
        let live: Allocation = calm().input().state.allocation;
        let at = |n: usize| {
            let story = calm()
                .applied_from(live.with_replicas(6))
                .steps(n, |_, step| {
                    step.rate(40.0).latency(0.5).cpu(1.4);
                });
            undoes(&assess(&story))
        };
        // 15 s start-up and a window of 300 s are 21 periods; two windows more are 61.
        let judged: Vec<usize> = (1..80).filter(|n| at(*n)).collect();
        assert_eq!(
            (judged.first(), judged.last(), judged.len()),
            (Some(&21), Some(&61), 41)
        );
    }

    #[test]
    fn what_has_recovered_is_kept() {
        let recovered = after(6, 40.0, 0.5, 1.4).steps(8, |_, step| {
            step.rate(40.0).latency(0.1).cpu(1.0);
        });
        assert!(!undoes(&assess(&recovered)));
    }

    #[test]
    fn gaps_before_or_after_undo_nothing() {
        let live: Allocation = calm().input().state.allocation;
        let blind_before = Story::new()
            .steps(40, |_, _| {})
            .applied_from(live.with_replicas(6))
            .steps(40, |_, step| {
                step.rate(40.0).latency(0.5).cpu(1.4);
            });
        assert!(!undoes(&assess(&blind_before)));
        let sparse_after = calm()
            .applied_from(live.with_replicas(6))
            .steps(40, |idx, step| {
                step.rate(40.0).cpu(1.4);
                if idx % 4 == 3 {
                    step.latency(0.5);
                }
            });
        assert!(
            !undoes(&assess(&sparse_after)),
            "a quarter of the window is covered"
        );
    }

    #[test]
    fn a_field_that_another_intent_holds_is_its_business() {
        let held = Intent::new("hold", &ibn_testkit::assessor::web())
            .with_expectation(Expectation::Directive(Directive::Replicas(Amount::To(3))));
        let told = assess(&after(6, 40.0, 0.5, 1.4).and_intent(held));
        assert_eq!(told.actions, []);
    }

    #[test]
    fn an_intents_own_directive_may_be_undone() {
        let both = intent("both", P95)
            .with_expectation(Expectation::Directive(Directive::Replicas(Amount::To(3))));
        assert!(undoes(&assess(&after(6, 40.0, 0.5, 1.4).intents([both]))));
    }
}

mod whatever_comes {
    use ibn_assurance::ForecastAwareAssessor;
    use proptest::prelude::*;

    use super::*;

    const OBJECTIVES: [&str; 7] = [
        P95,
        r#"{"indicator": "errorRate", "atMost": "1%", "window": "1m"}"#,
        r#"{"indicator": "availability", "atLeast": "99.9%"}"#,
        r#"{"indicator": "cpuUtilization", "atMost": "60%"}"#,
        r#"{"indicator": "throughput", "atLeast": "10rps", "window": "1s"}"#,
        r#"{"indicator": "cost", "atMost": "1"}"#,
        r#"{"indicator": "queue", "atMost": "30items", "window": "1h"}"#,
    ];

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            6 => 0.0..2.0_f64,
            1 => prop::sample::select(vec![0.0, -1.0, 1e-300, 1e300, f64::NAN, f64::INFINITY]),
        ]
    }

    fn story() -> impl Strategy<Value = Story> {
        let signals = [
            Signal::RequestRate,
            Signal::Latency(Quantile::P50),
            Signal::Latency(Quantile::P95),
            Signal::CpuUsage,
            Signal::ErrorRate,
            Signal::Throughput,
            Signal::CpuThrottled,
            Signal::MemoryUsage,
            Signal::MemoryPeak,
            Signal::ReadyReplicas,
            Signal::Restarts,
            Signal::Custom("queue".to_owned()),
        ];
        let signal = prop::sample::select(signals.to_vec());
        let step = (prop::collection::vec((signal, value()), 0..14), 0_u64..120);
        let objectives = prop::sample::subsequence(OBJECTIVES.to_vec(), 0..4);
        (
            prop::collection::vec(step, 0..60),
            objectives,
            0_usize..60,
            prop::option::of(0_u32..9),
            (0_u32..9, 0_u32..9, 1_u64..400),
        )
            .prop_map(
                |(steps, objectives, applied, before, (replicas, ready, period))| {
                    let intents = objectives.iter().enumerate();
                    let mut story = Story::new()
                        .intents(intents.map(|(idx, json)| intent(&format!("i{idx}"), json)))
                        .replicas(replicas)
                        .ready(ready)
                        .period(Duration::from_secs(period));
                    for (idx, (values, age)) in steps.into_iter().enumerate() {
                        if let Some(before) = before.filter(|_| idx == applied) {
                            let live = story.input().state.allocation;
                            story = story.applied_from(live.with_replicas(before));
                        }
                        story = story.steps(1, |_, step| {
                            step.age(Duration::from_secs(age));
                            for (signal, value) in &values {
                                step.set(signal.clone(), *value);
                            }
                        });
                    }
                    story
                },
            )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn assessments_keep_their_shape(story in story()) {
            let input = story.input();
            for assessor in [
                &BurnRateAssessor::default() as &dyn Assessor,
                &ThresholdAssessor::default(),
                &ForecastAwareAssessor::around(BurnRateAssessor::default()),
            ] {
                let told = assessor.assess(&input);
                check_shape(&input, &told);
                if told.health != SignalHealth::Fresh {
                    prop_assert!(!undoes(&told), "on signals that are {}", told.health);
                }
                if let Some(model) = told.model {
                    prop_assert!(model.cpu_seconds_per_request > 0.0 && model.cpu_seconds_per_request.is_finite());
                    prop_assert!(model.base_latency_seconds >= 0.0 && model.base_latency_seconds.is_finite());
                    prop_assert!((0.0..=4.0).contains(&model.service_cv2));
                }
            }
        }

        /// A signal that is taken out of the newest observation never adds an action.
        #[test]
        fn to_see_less_is_to_do_no_more(story in story()) {
            let mut input = story.input();
            let before = BurnRateAssessor::default().assess(&input);
            if let Some(newest) = input.history.last_mut() {
                std::sync::Arc::make_mut(newest).readings.clear();
            }
            let after = BurnRateAssessor::default().assess(&input);
            prop_assert!(!undoes(&after));
            prop_assert!(after.actions.len() <= before.actions.len());
        }
    }
}

mod measured {
    use super::*;

    #[test]
    fn the_floor_is_the_peak_over_the_utilisation() {
        let story = calm().steps(1, |_, step| {
            step.rate(40.0)
                .latency(0.1)
                .cpu(0.9)
                .set(Signal::MemoryPeak, 100e6);
        });
        let quiet = story.clone().steps(39, |_, step| {
            step.rate(1.0).latency(0.1).cpu(0.1);
        });
        let floor = assess(&quiet).floor.unwrap();
        // 0.9 / 0.8 = 1.125 cores, 3 pods of 500m; the peak is 585 s old.
        assert_eq!((floor.total_cpu, floor.replicas), (CpuMillis::new(1125), 3));
        assert_eq!(floor.pod_memory.get(), 110_000_000);
        assert!(
            floor.basis.contains("0.900 cores used in 10m"),
            "{}",
            floor.basis
        );
        let later = quiet.steps(1, |_, step| {
            step.rate(1.0).latency(0.1).cpu(0.1);
        });
        assert_eq!(assess(&later).floor.unwrap().total_cpu, CpuMillis::new(125));
    }

    #[test]
    fn without_a_request_nothing_is_needed_and_all_is_fresh() {
        let idle = Story::new().steps(60, |_, step| {
            step.rate(0.0).latency(f64::NAN).cpu(0.002);
        });
        let told = assess(&idle);
        assert_eq!(told.health, SignalHealth::Fresh);
        let floor = told.floor.unwrap();
        assert_eq!((floor.replicas, floor.total_cpu), (0, CpuMillis::new(0)));
        assert_eq!(told.intents[0].objectives[0].met, Some(true));
        let down = assess(&idle.ready(0));
        assert_eq!(
            down.health,
            SignalHealth::Invalid,
            "nobody can come to pods that aren't there"
        );
        assert_eq!(down.intents[0].objectives[0].met, None);
    }

    #[test]
    fn the_model_is_what_the_workload_was_made_of() {
        // 10 ms of CPU and 20 ms of waiting; log-normal with cv² = 1.
        let sigma = 2.0_f64.ln().sqrt();
        let service = |z: f64| 0.010 * (sigma * z - sigma * sigma / 2.0).exp();
        let story = Story::new().steps(40, |idx, step| {
            let rate = 10.0 + idx as f64;
            step.rate(rate)
                .cpu(rate * 0.010)
                .set(Signal::MemoryPeak, 64e6);
            step.set(Signal::Latency(Quantile::P50), 0.020 + service(0.0));
        });
        let model = assess(&story).model.unwrap();
        assert!((model.cpu_seconds_per_request - 0.010).abs() < 1e-9);
        assert!(
            (model.base_latency_seconds - 0.020).abs() < 1e-6,
            "{model:?}"
        );
        assert_eq!((model.service_cv2, model.concurrency), (1.0, 1));
        assert_eq!(model.pod_memory.get(), 64_000_000);
    }

    #[test]
    fn two_quantiles_tell_the_variation() {
        for cv2 in [0.1_f64, 0.5, 2.0] {
            let sigma = cv2.ln_1p().sqrt();
            let at = |z: f64| 0.010 * (sigma * z - sigma * sigma / 2.0).exp();
            let story = Story::new().steps(10, |_, step| {
                step.rate(20.0).cpu(0.2);
                step.set(Signal::Latency(Quantile::P50), at(0.0));
                step.set(Signal::Latency(Quantile::P95), at(1.644_853_626_951_472_7));
            });
            let model = assess(&story).model.unwrap();
            assert!((model.service_cv2 - cv2).abs() < 1e-6, "{cv2}: {model:?}");
            assert!(model.base_latency_seconds < 1e-6, "{model:?}");
        }
    }

    #[test]
    fn one_observation_is_enough_for_a_ratio_and_none_for_nothing() {
        let one = Story::new().steps(1, |_, step| {
            step.rate(20.0).cpu(0.3);
        });
        assert_eq!(assess(&one).model.unwrap().cpu_seconds_per_request, 0.015);
        let silent = Story::new().steps(9, |_, step| {
            step.rate(0.0).cpu(0.3);
        });
        assert_eq!(assess(&silent).model, None);
    }

    #[test]
    fn outliers_and_refusals_hardly_move_the_ratio_and_a_release_does() {
        let noisy = Story::new().steps(60, |idx, step| {
            step.rate(20.0).cpu(if idx % 10 == 0 { 1.4 } else { 0.2 });
        });
        assert_eq!(assess(&noisy).model.unwrap().cpu_seconds_per_request, 0.010);
        let refusing = Story::new().steps(20, |_, step| {
            step.rate(200.0).set(Signal::Throughput, 50.0).cpu(0.5);
        });
        assert_eq!(
            assess(&refusing).model.unwrap().cpu_seconds_per_request,
            0.010
        );
        let released = noisy.steps(30, |_, step| {
            step.rate(20.0).cpu(0.8);
        });
        assert_eq!(
            assess(&released).model.unwrap().cpu_seconds_per_request,
            0.040
        );
    }

    #[test]
    fn startup_is_what_new_pods_took() {
        let before = Story::new().input().state.allocation.with_replicas(1);
        let story = calm().applied_from(before).steps(8, |idx, step| {
            step.rate(40.0).latency(0.1).cpu(0.4);
            step.set(Signal::ReadyReplicas, if idx < 2 { 1.0 } else { 3.0 });
        });
        assert_eq!(
            assess(&story).model.unwrap().startup,
            Duration::from_secs(45)
        );
        assert_eq!(
            assess(&calm()).model.unwrap().startup,
            Duration::from_secs(15),
            "the setting"
        );
    }

    #[test]
    fn cost_is_known_without_measuring() {
        let cost = intent("cheap", r#"{"indicator": "cost", "atMost": "2"}"#);
        let told = assess(&Story::new().intents([cost]));
        assert_eq!(told.intents[0].objectives[0].achieved, Some(1.5));
        assert_eq!(told.intents[0].objectives[0].met, Some(true));
    }

    #[test]
    fn settings_matter() {
        let settings = AssuranceParams {
            max_utilization: 0.4,
            ..AssuranceParams::default()
        };
        let assessor = BurnRateAssessor::new(settings.check().unwrap());
        let floor = assessor.assess(&calm().input()).floor.unwrap();
        assert_eq!(floor.total_cpu, CpuMillis::new(1080), "0.432 over 0.4");
    }
}
