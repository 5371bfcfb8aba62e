//! A world that moves: load with a day's rhythm, response times that follow it, an assessor that foresees, a recommender
//! that learns, and a twin that knows the formulas.

use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use ibn_core::allocation::Allocation;
use ibn_core::assessment::{
    Assessment, AssessmentInput, AssuranceAction, BurnRate, IntentAssessment, ObjectiveAssessment,
};
use ibn_core::decision::{PolicyTrace, Reason};
use ibn_core::intent::{Constraints, Intent, Origin, OriginKind, Range, Validity};
use ibn_core::observation::{Floor, Signal, SignalHealth};
use ibn_core::prediction::{
    Alternative, Demand, Forecast, ForecastPoint, Interval, Prediction, WorkloadModel,
};
use ibn_core::roles::{Assessor, Checkpoint, LearnReport, PolicyLearner, Predictor, Recommender};
use ibn_core::situation::{Experience, Recommendation, Situation};
use ibn_core::units::{Bytes, CpuMillis, Quantile};
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use ibn_runtime::World;
use ibn_testkit::cluster::FakeCluster;
use jiff::{SignedDuration, Timestamp};

/// CPU time of a request, seconds.
const CPU_PER_REQUEST: f64 = 0.012;

/// Response time without load, seconds.
const BASE: f64 = 0.06;

/// A number from 0 to 1 that only depends on its input.
fn noise(seed: u64) -> f64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 32;
    (x % 10_000) as f64 / 10_000.0
}

fn phase(workload: &WorkloadRef) -> f64 {
    let text = workload.to_string();
    noise(text.bytes().fold(7, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte))
    }))
}

/// Requests a second of a workload at an instant.
fn load(workload: &WorkloadRef, now: Timestamp) -> f64 {
    let base = match workload.name.as_str() {
        "checkout" => 70.0,
        "web" => 110.0,
        _ => 35.0,
    };
    let day = now.as_second() as f64 / 86_400.0;
    let hour = now.as_second() as f64 / 3_600.0;
    base * (1.0 + 0.45 * (TAU * (day + phase(workload))).sin() + 0.12 * (TAU * hour * 1.7).sin())
}

fn p95(rate: f64, allocation: &Allocation) -> f64 {
    let cores = allocation.pod_limits().cpu.as_cores() * f64::from(allocation.replicas);
    let use_of_all = rate * CPU_PER_REQUEST / cores.max(0.001);
    if use_of_all < 0.97 {
        BASE * (1.0 + 1.6 * use_of_all.powi(3) / (1.0 - use_of_all))
    } else {
        3.0
    }
}

/// Signals that follow load and allocation.
pub(crate) struct Lively {
    pub(crate) cluster: FakeCluster,
    pub(crate) ready: BTreeMap<WorkloadRef, (f64, Timestamp)>,
}

impl World for Lively {
    fn advance_to(&mut self, now: Timestamp) {
        self.cluster.set_now(now);
        for namespace in super::CUSTOMERS {
            for name in super::NAMES {
                let workload = super::deployment(namespace, name);
                let Some(state) = self.cluster.state(&workload) else {
                    continue;
                };
                if state.workload.kind == WorkloadKind::Namespace {
                    continue;
                }
                let seed =
                    (now.as_second() as u64 / 5).wrapping_add((1e6 * phase(&workload)) as u64);
                let rate = load(&workload, now) * (0.94 + 0.12 * noise(seed));
                let allocation = &state.allocation;
                let capacity =
                    allocation.pod_limits().cpu.as_cores() * f64::from(allocation.replicas);
                let used = (rate * CPU_PER_REQUEST).min(capacity);
                let (ready, since) = self
                    .ready
                    .entry(workload.clone())
                    .or_insert((f64::from(allocation.replicas), now));
                // Pods take 40 seconds to become ready.
                if *ready >= f64::from(allocation.replicas) {
                    *ready = f64::from(allocation.replicas);
                    *since = now;
                } else if now.duration_since(*since).as_secs() > 40 {
                    *ready = f64::from(allocation.replicas);
                }
                let served = allocation.with_replicas((*ready) as u32);
                let latency = p95(rate, &served) * (0.9 + 0.25 * noise(seed + 1));
                let set = |signal, value| self.cluster.set_signal(&workload, signal, value);
                set(Signal::RequestRate, rate);
                set(Signal::Throughput, rate);
                set(Signal::CpuUsage, used);
                set(
                    Signal::MemoryUsage,
                    f64::from(allocation.replicas) * (9e7 + 4e5 * rate),
                );
                set(Signal::Latency(Quantile::P95), latency);
                set(Signal::Latency(Quantile::P99), 1.6 * latency);
                set(Signal::ErrorRate, if latency > 1.0 { 0.04 } else { 0.0006 });
                set(Signal::ReadyReplicas, *ready);
            }
        }
    }
}

/// Knows the formulas of [`Lively`].
pub(crate) struct Twin;

impl Predictor for Twin {
    fn name(&self) -> &str {
        "formula"
    }

    fn predict(&self, _: &WorkloadModel, demand: Demand, allocation: &Allocation) -> Prediction {
        let latency = p95(demand.request_rate, allocation);
        let requested = allocation.total_requests().cpu.as_cores();
        let used = demand.request_rate * CPU_PER_REQUEST;
        let saturated = latency >= 3.0;
        let around = |mid: f64| Interval {
            low: 0.85 * mid,
            mid,
            high: if saturated { f64::INFINITY } else { 1.3 * mid },
        };
        Prediction {
            latency: BTreeMap::from([
                (Quantile::P50.short_name(), around(0.45 * latency)),
                (Quantile::P95.short_name(), around(latency)),
                (Quantile::P99.short_name(), around(1.6 * latency)),
            ]),
            cpu_utilization: Interval::around(100.0 * used / requested.max(0.001), 0.08),
            error_rate: if saturated {
                Interval {
                    low: 0.0,
                    mid: 0.04,
                    high: 0.2,
                }
            } else {
                Interval {
                    low: 0.0,
                    mid: 0.0006,
                    high: 0.002,
                }
            },
            throughput: Interval::around(demand.request_rate, 0.06),
            cost_cores: requested,
            saturated,
        }
    }
}

/// Judges, foresees, and raises a floor when it goes badly.
pub(crate) struct Foreseeing;

impl Assessor for Foreseeing {
    fn name(&self) -> &str {
        "foreseeing"
    }

    fn assess(&self, input: &AssessmentInput) -> Assessment {
        let now = input.now;
        let newest = input.history.last();
        let health = newest.map_or(SignalHealth::Missing, |seen| {
            seen.health(&Signal::RequestRate, now, input.max_signal_age)
        });
        let workload = &input.state.workload;
        let judge = |intent: &Arc<Intent>| IntentAssessment {
            intent: intent.key(),
            objectives: intent
                .spec
                .objectives()
                .map(|(expectation, objective)| {
                    let achieved =
                        newest.and_then(|seen| seen.achieved(objective, &input.state.allocation));
                    let met = achieved.map(|achieved| objective.is_met_by(achieved));
                    let burn = achieved.map(|achieved| achieved / objective.bound.value().number());
                    ObjectiveAssessment {
                        expectation,
                        achieved,
                        met,
                        burn_rate: burn.map(|burn| BurnRate {
                            short: burn,
                            long: 0.7 * burn,
                        }),
                    }
                })
                .collect(),
        };
        let intents: Vec<IntentAssessment> = input.intents.iter().map(judge).collect();
        let horizons = [60, 120, 180, 300, 420, 600, 900];
        let points = horizons
            .into_iter()
            .map(|seconds| {
                let at = now
                    .checked_add(SignedDuration::from_secs(seconds))
                    .unwrap_or(now);
                let mid = load(workload, at);
                let wide = 0.04 + 0.1 * seconds as f64 / 900.0;
                ForecastPoint {
                    horizon: Duration::from_secs(seconds.unsigned_abs()),
                    values: vec![
                        (Quantile::new(0.05).unwrap(), mid * (1.0 - wide)),
                        (Quantile::P50, mid),
                        (Quantile::P95, mid * (1.0 + wide)),
                    ],
                }
            })
            .collect();
        let cores = load(workload, now) * CPU_PER_REQUEST;
        let size = input.state.allocation.pod_limits().cpu.as_cores().max(0.05);
        Assessment {
            actions: corrective(input, &intents)
                .map(AssuranceAction::Corrective)
                .into_iter()
                .collect(),
            intents,
            health,
            floor: Some(Floor {
                replicas: (cores / size).ceil().max(1.0) as u32,
                total_cpu: CpuMillis::from_cores(cores).unwrap_or_default(),
                pod_memory: Bytes::new(128 << 20),
                basis: format!(
                    "{:.0} requests a second of {:.0} ms CPU each",
                    load(workload, now),
                    1000.0 * CPU_PER_REQUEST
                ),
            }),
            model: Some(WorkloadModel {
                cpu_seconds_per_request: CPU_PER_REQUEST,
                service_cv2: 1.0,
                base_latency_seconds: BASE,
                concurrency: 8,
                queue_capacity: None,
                startup: Duration::from_secs(40),
                pod_memory: Bytes::new(128 << 20),
            }),
            forecast: Some(Forecast {
                made_at: now,
                points,
            }),
            findings: Vec::new(),
        }
    }
}

fn corrective(input: &AssessmentInput, judged: &[IntentAssessment]) -> Option<Box<Intent>> {
    let worst = judged
        .iter()
        .flat_map(|intent| {
            intent
                .objectives
                .iter()
                .filter_map(move |it| Some((intent, it.burn_rate?.short)))
        })
        .filter(|(_, burn)| *burn > 1.6)
        .max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let workload = &input.state.workload;
    let mut raised = Intent::new(&format!("{}-floor", workload.name), workload);
    raised.spec.constraints = Constraints {
        replicas: Range::new(Some(input.state.allocation.replicas + 1), None),
        ..Constraints::default()
    };
    let until = input.now.checked_add(SignedDuration::from_mins(20)).ok()?;
    raised.spec.validity = Some(Validity {
        from: None,
        until: Some(until),
    });
    raised.spec.origin = Some(Origin {
        by: OriginKind::Assurance,
        author: None,
        parent: None,
        cause: Some(format!(
            "the error budget of `{}` burns {:.1} times too fast",
            worst.0.intent.name, worst.1
        )),
    });
    Some(Box::new(raised))
}

/// Head-rooms between which the bandit chooses.
const ARMS: [f64; 5] = [1.15, 1.3, 1.5, 1.7, 2.0];

/// Head-room over the measured load, chosen by what it led to.
#[derive(Default)]
pub(crate) struct Bandit {
    means: [f64; ARMS.len()],
    counts: [u32; ARMS.len()],
    experiences: u64,
}

impl Recommender for Bandit {
    fn name(&self) -> &str {
        "bandit"
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let Some(rate) = situation
            .latest()
            .and_then(|seen| seen.value(&Signal::RequestRate))
        else {
            return Recommendation::leave(situation, "NoSignal", "the load isn't known");
        };
        let explored = noise(situation.seed) < self.exploration();
        let arm = if explored {
            (noise(situation.seed + 1) * ARMS.len() as f64) as usize % ARMS.len()
        } else {
            (0..ARMS.len())
                .max_by(|a, b| self.means[*a].total_cmp(&self.means[*b]))
                .unwrap_or(2)
        };
        let foreseen = situation
            .forecast
            .as_ref()
            .and_then(|forecast| forecast.peak_within(Duration::from_secs(300), Quantile::P95))
            .unwrap_or(rate);
        let live = &situation.state.allocation;
        let size = live.pod_limits().cpu.as_cores().max(0.05);
        let pods = |headroom: f64| {
            ((foreseen.max(rate) * CPU_PER_REQUEST * headroom / size).ceil() as u32).max(1)
        };
        let wanted = pods(ARMS[arm]);
        // A pod less isn't worth the change.
        let wanted = if wanted + 1 == live.replicas {
            live.replicas
        } else {
            wanted
        };
        let tried: BTreeSet<u32> = ARMS.iter().map(|headroom| pods(*headroom)).collect();
        let mut recommendation = Recommendation::new(
            live.with_replicas(wanted),
            vec![Reason::new(
                "Predictive",
                format!(
                    "{foreseen:.0} requests a second are foreseen; with {:.0} % head-room they need {wanted} pods",
                    100.0 * (ARMS[arm] - 1.0)
                ),
            )],
        );
        recommendation.alternatives = tried
            .into_iter()
            .map(|pods| Alternative {
                allocation: live.with_replicas(pods),
                score: -p95(foreseen, &live.with_replicas(pods)) - 0.05 * f64::from(pods),
                note: if pods == wanted {
                    "taken".to_owned()
                } else {
                    "less head-room or more cost".to_owned()
                },
            })
            .collect();
        recommendation.policy = Some(PolicyTrace {
            policy: "bandit v1".to_owned(),
            log_probability: if explored { -1.6 } else { -0.2 },
            value: self.means[arm],
            observation_hash: situation.seed,
            action: u32::try_from(arm).unwrap_or_default(),
            explored,
        });
        recommendation
    }

    fn as_learner(&mut self) -> Option<&mut dyn PolicyLearner> {
        Some(self)
    }
}

impl Bandit {
    fn exploration(&self) -> f64 {
        0.05 + 0.35 / (1.0 + self.experiences as f64 / 40.0)
    }
}

impl PolicyLearner for Bandit {
    fn learn(&mut self, experience: &Experience) -> LearnReport {
        let reward = experience.outcome.reward;
        let mut error = 0.0;
        if let Some(policy) = &experience.recommendation.policy
            && reward.is_finite()
        {
            let arm = policy.action as usize % ARMS.len();
            self.counts[arm] += 1;
            error = (reward - self.means[arm]).abs();
            self.means[arm] += (reward - self.means[arm]) / f64::from(self.counts[arm]);
        }
        self.experiences += 1;
        LearnReport {
            reward,
            error,
            exploration: self.exploration(),
            experiences: self.experiences,
            stage: None,
        }
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            learner: "bandit".to_owned(),
            version: 1,
            encoding: 1,
            data: Vec::new(),
        }
    }

    fn restore(&mut self, _: &Checkpoint) -> ibn_core::Result<()> {
        Ok(())
    }
}
