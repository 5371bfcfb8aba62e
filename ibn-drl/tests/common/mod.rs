//! A twin by Erlang's formulas and a fluid queue under a day of demand: what the rules and learners are tried on.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "several test binaries share this, and each uses a part"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ibn_core::allocation::{Allocation, ContainerResources};
use ibn_core::envelope::{Envelope, LimitSource};
use ibn_core::intent::{Bound, IndicatorName, Objective, Preference, Range};
use ibn_core::observation::{Observation, Signal, SignalHealth};
use ibn_core::prediction::{Demand, Forecast, ForecastPoint, Interval, Prediction, WorkloadModel};
use ibn_core::roles::{LearnReport, Predictor, Recommender};
use ibn_core::situation::{Experience, Outcome, Recommendation, Situation};
use ibn_core::units::{Bytes, CpuMillis, IndicatorValue, Quantile, Unit};
use ibn_core::workload::{WorkloadRef, WorkloadState};
use jiff::Timestamp;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Normal};
use rand_pcg::Pcg64;

pub fn web() -> WorkloadRef {
    WorkloadRef::deployment("shop", "web")
}

pub fn at(second: i64) -> Timestamp {
    // A Monday.
    Timestamp::from_second(1_767_571_200 + second).unwrap()
}

pub fn model() -> WorkloadModel {
    WorkloadModel {
        cpu_seconds_per_request: 0.02,
        service_cv2: 1.0,
        base_latency_seconds: 0.01,
        concurrency: 16,
        queue_capacity: None,
        startup: Duration::from_secs(60),
        pod_memory: Bytes::new(128 << 20),
    }
}

pub fn allocation(replicas: u32) -> Allocation {
    let app =
        ContainerResources::new("app").with_requests(CpuMillis::new(1_000), Bytes::new(256 << 20));
    Allocation::new(replicas, vec![app])
}

pub fn p95_at_most(seconds: f64) -> Objective {
    Objective {
        indicator: IndicatorName::Latency,
        quantile: None,
        bound: Bound::AtMost(IndicatorValue::new(seconds, Unit::Seconds).unwrap()),
        window: None,
    }
}

/// The probability that a request waits in M/M/c (Erlang C), by the recursion of Erlang B.
pub fn erlang_c(servers: u32, offered: f64) -> f64 {
    let mut blocked = 1.0;
    for n in 1..=servers {
        blocked = offered * blocked / (f64::from(n) + offered * blocked);
    }
    let utilization = offered / f64::from(servers);
    blocked / (1.0 - utilization * (1.0 - blocked))
}

/// The delay before the exponential tail of the response time, and the tail's rate, of M/M/c with pods as servers.
fn response_tail(rate: f64, pods: u32, service: f64, base: f64) -> Option<(f64, f64)> {
    if pods == 0 {
        return (rate == 0.0).then_some((base, 1.0 / service));
    }
    let offered = rate * service;
    if offered >= f64::from(pods) {
        return None;
    }
    let waits = erlang_c(pods, offered);
    let is_meant = service.is_finite() && service > 0.0 && rate >= 0.0;
    if !is_meant {
        return None;
    }
    let spare = f64::from(pods) / service - rate;
    // Service and wait quantiles added: a little too long, alike in the twin and in the world.
    let wait_95 = ((waits / 0.05).ln() / spare).max(0.0);
    let quantile_95 = base + wait_95 + 3.0 * service;
    Some((base, 3.0 / (quantile_95 - base)))
}

/// An M/M/c twin in which each pod is one server.
#[derive(Debug)]
pub struct ErlangTwin;

impl Predictor for ErlangTwin {
    fn name(&self) -> &str {
        "erlang"
    }

    fn predict(
        &self,
        model: &WorkloadModel,
        demand: Demand,
        allocation: &Allocation,
    ) -> Prediction {
        let pods = allocation.replicas;
        let service = model.cpu_seconds_per_request / allocation.pod_limits().cpu.as_cores();
        let cost_cores = allocation.total_requests().cpu.as_cores();
        let tail = response_tail(
            demand.request_rate,
            pods,
            service,
            model.base_latency_seconds,
        );
        let latency = [Quantile::P50, Quantile::P95, Quantile::P99]
            .into_iter()
            .map(|quantile| {
                let value = tail.map_or(f64::INFINITY, |(delay, k)| {
                    delay - (1.0 - quantile.get()).ln() / k
                });
                (quantile.short_name(), Interval::around(value, 0.15))
            })
            .collect();
        let capacity = f64::from(pods) / service;
        Prediction {
            latency,
            cpu_utilization: Interval::exact(100.0 * (demand.request_rate / capacity).min(1.0)),
            error_rate: Interval::exact(0.0),
            throughput: Interval::exact(demand.request_rate.min(capacity)),
            cost_cores,
            saturated: tail.is_none(),
        }
    }
}

/// A situation in which nothing was measured yet.
pub fn situation(replicas: u32) -> Situation {
    Situation {
        workload: web(),
        now: at(0),
        control_period: Duration::from_secs(15),
        state: WorkloadState {
            workload: web(),
            resource_version: "1".to_owned(),
            labels: BTreeMap::new(),
            allocation: allocation(replicas),
            quota: None,
            ready_replicas: replicas,
            owners: BTreeMap::new(),
        },
        envelope: Arc::new(envelope(1, 40)),
        objectives: vec![p95_at_most(0.2)],
        preference: Preference::Cost,
        history: Vec::new(),
        forecast: None,
        model: Some(model()),
        health: SignalHealth::Fresh,
        floor: None,
        held: BTreeSet::new(),
        seed: 0,
    }
}

pub fn envelope(least: u32, most: u32) -> Envelope {
    let mut envelope = Envelope::open(web());
    envelope
        .replicas
        .intersect(Range::new(Some(least), Some(most)), &LimitSource::Default);
    envelope
}

pub fn seen(second: i64, readings: &[(Signal, f64)]) -> Arc<Observation> {
    let mut observation = Observation::new(web(), at(second), Duration::from_secs(60));
    for (signal, value) in readings {
        observation.set(signal.clone(), *value, at(second));
    }
    Arc::new(observation)
}

/// Requests per second over a day.
#[derive(Debug, Clone)]
pub struct Day {
    pub smooth: Vec<f64>,
    pub rate: Vec<f64>,
}

impl Day {
    /// A day between about 60 and 300 requests a second, with `crowds` sudden surges to two to three times as many.
    pub fn with_flash_crowds(seed: u64, crowds: usize) -> Self {
        Self::days(seed, 1, crowds)
    }

    /// Several such days, with `crowds` surges each.
    pub fn days(seed: u64, n_days: usize, crowds: usize) -> Self {
        let mut rng = Pcg64::seed_from_u64(seed);
        let seconds = n_days * 86_400;
        let smooth: Vec<f64> = (0..seconds)
            .map(|s| 180.0 - 120.0 * (std::f64::consts::TAU * s as f64 / 86_400.0).cos())
            .collect();
        let mut rate = smooth.clone();
        for crowd in 0..n_days * crowds {
            let start = crowd / crowds * 86_400 + rng.random_range(3_600..86_400 - 7_200);
            let (rise, stay, fall) = (
                rng.random_range(60.0..180.0),
                rng.random_range(300.0..900.0),
                rng.random_range(300.0..900.0),
            );
            let height: f64 = rng.random_range(1.0..2.0);
            for (second, value) in rate.iter_mut().enumerate().skip(start).take(3_600) {
                let t = (second - start) as f64;
                let shape = if t < rise {
                    t / rise
                } else if t < rise + stay {
                    1.0
                } else {
                    (1.0 - (t - rise - stay) / fall).max(0.0)
                };
                *value *= 1.0 + height * shape;
            }
        }
        // Slow noise: a walk that comes back, 5 % wide.
        let mut noise = 0.0;
        let step = Normal::new(0.0, 0.005).unwrap();
        for value in &mut rate {
            noise = 0.995 * noise + step.sample(&mut rng);
            *value *= 1.0 + noise;
        }
        Self { smooth, rate }
    }
}

/// What the recommender is told of the demand to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foresight {
    Nothing,
    /// The smooth curve of the day, without the crowds.
    Diurnal,
}

/// How the world differs from what is planned on.
#[derive(Debug, Clone, Copy)]
pub struct World {
    pub period: u64,
    pub startup: u64,
    /// CPU time of a request over what the model says.
    pub service_factor: f64,
    pub foresight: Foresight,
    pub preference: Preference,
    pub most: u32,
    pub step_up: Option<u32>,
    /// What a violated period weighs against ten cores; the reward is −(weight × violation + cores ÷ 10 + 0.05 × changes).
    pub violation_weight: f64,
}

impl Default for World {
    fn default() -> Self {
        Self {
            period: 15,
            startup: 60,
            service_factor: 1.0,
            foresight: Foresight::Nothing,
            preference: Preference::Cost,
            most: 40,
            step_up: None,
            violation_weight: 5.0,
        }
    }
}

/// How a day went.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Share of 60 s windows with p95 over the objective.
    pub violations: f64,
    pub core_hours: f64,
    pub changes: u32,
    /// Times that a change went the other way than the last one, within five minutes.
    pub flaps: u32,
    /// The mean reward of each hour.
    pub rewards: Vec<f64>,
    /// What a learner said of each step of learning.
    pub reports: Vec<LearnReport>,
}

struct Second {
    arrived: f64,
    served: f64,
    delay: f64,
    tail: f64,
    ready: u32,
}

/// The quantile of the response time over some seconds, by halving on the mixture of their tails.
fn quantile_of(seconds: &[Second], q: f64) -> f64 {
    let total: f64 = seconds.iter().map(|s| s.served).sum();
    let beyond = |x: f64| -> f64 {
        seconds
            .iter()
            .map(|s| {
                s.served
                    * if x <= s.delay {
                        1.0
                    } else {
                        (-(x - s.delay) * s.tail).exp()
                    }
            })
            .sum::<f64>()
            / total.max(1e-9)
    };
    let (mut low, mut high) = (0.0, 600.0);
    for _ in 0..26 {
        let middle = 0.5 * (low + high);
        if beyond(middle) > 1.0 - q {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Runs a recommender through a day. Deterministic.
pub fn run(day: &Day, world: World, seed: u64, recommender: &mut dyn Recommender) -> Score {
    let mut rng = Pcg64::seed_from_u64(seed);
    let objective = p95_at_most(0.2);
    let model = model();
    let service = model.cpu_seconds_per_request * world.service_factor;
    let mut envelope = envelope(2, world.most);
    envelope.step.replicas_up = world.step_up;
    let envelope = Arc::new(envelope);
    let mut ready = 6u32;
    let mut starting: Vec<u64> = Vec::new();
    let mut backlog = 0.0f64;
    let mut past: Vec<Second> = Vec::new();
    let mut history: Vec<Arc<Observation>> = Vec::new();
    let (mut windows, mut violated) = (0u32, 0u32);
    let mut core_seconds = 0.0;
    let (mut changes, mut flaps) = (0, 0);
    let mut last_change: Option<(u64, bool)> = None;
    let mut waiting: Option<(Situation, Recommendation, Allocation)> = None;
    let mut reports = Vec::new();
    let mut rewards = vec![(0.0, 0u32); day.rate.len() / 3_600];
    for (second, mean) in day.rate.iter().enumerate() {
        let second = second as u64;
        let came_up = starting.iter().filter(|at| **at <= second).count() as u32;
        starting.retain(|at| *at > second);
        ready += came_up;
        let pods = ready + starting.len() as u32;
        core_seconds += f64::from(pods);
        // A Poisson count is near enough normal at such rates.
        let arrived = Normal::new(*mean, mean.sqrt())
            .unwrap()
            .sample(&mut rng)
            .max(0.0);
        let capacity = f64::from(ready) / service;
        let served = (arrived + backlog).min(capacity);
        backlog = backlog + arrived - served;
        let queue_delay = backlog / capacity;
        let calm = response_tail(
            mean.min(0.98 * capacity),
            ready,
            service,
            model.base_latency_seconds,
        );
        let (delay, tail) = calm.unwrap_or((model.base_latency_seconds, 1.0 / service));
        past.push(Second {
            arrived,
            served,
            delay: delay + queue_delay,
            tail,
            ready,
        });
        if (second + 1).is_multiple_of(60) {
            windows += 1;
            let window = &past[past.len() - 60..];
            if quantile_of(window, 0.95) > 0.2 {
                violated += 1;
            }
        }
        if second < 60 || !second.is_multiple_of(world.period) {
            continue;
        }
        let window = &past[past.len() - 60..];
        let mean_of = |f: fn(&Second) -> f64| window.iter().map(f).sum::<f64>() / 60.0;
        let p95 = quantile_of(window, 0.95);
        let readings = [
            (Signal::RequestRate, mean_of(|s| s.arrived)),
            (Signal::Throughput, mean_of(|s| s.served)),
            (Signal::Latency(Quantile::P95), p95),
            (Signal::ErrorRate, 0.0),
            (Signal::CpuUsage, mean_of(|s| s.served) * service),
            (
                Signal::ReadyReplicas,
                mean_of(|s| f64::from(s.ready)).round(),
            ),
        ];
        history.push(seen(second as i64, &readings));
        if history.len() > 80 {
            history.remove(0);
        }
        let mut situation = situation(pods);
        situation.now = at(second as i64);
        situation.control_period = Duration::from_secs(world.period);
        situation.state.ready_replicas = ready;
        situation.envelope = Arc::clone(&envelope);
        situation.preference = world.preference;
        situation.objectives = vec![objective.clone()];
        situation.history = history.clone();
        situation.seed = seed ^ second.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        if let Some(model) = &mut situation.model {
            model.startup = Duration::from_secs(world.startup);
        }
        if world.foresight == Foresight::Diurnal {
            situation.forecast = Some(diurnal_forecast(day, second));
        }
        if let Some((before, advice, applied)) = waiting.take() {
            let violation = f64::from(u8::from(p95 > 0.2));
            let cost_cores = f64::from(pods);
            let changed = u32::from(before.state.allocation != applied);
            let reward = -(world.violation_weight * violation
                + cost_cores / 10.0
                + 0.05 * f64::from(changed));
            let (sum, count) = &mut rewards[(second / 3_600) as usize];
            *sum += reward;
            *count += 1;
            if let Some(learner) = recommender.as_learner() {
                reports.push(learner.learn(&Experience {
                    situation: before,
                    recommendation: advice,
                    applied,
                    outcome: Outcome {
                        violation,
                        cost_cores,
                        changes: changed,
                        reward,
                    },
                }));
            }
        }
        let advice = recommender.recommend(&situation);
        let most_up = world.step_up.map_or(u32::MAX, |up| pods + up);
        let wanted = advice.allocation.replicas.clamp(2, world.most).min(most_up);
        if wanted != pods {
            changes += 1;
            let up = wanted > pods;
            if last_change.is_some_and(|(at, was_up)| was_up != up && second - at < 300) && !up {
                flaps += 1;
            }
            last_change = Some((second, up));
        }
        for _ in pods..wanted {
            starting.push(second + world.startup);
        }
        for _ in wanted..pods {
            // What has not started yet goes first, as Kubernetes does.
            if starting.pop().is_none() {
                ready -= 1;
            }
        }
        waiting = Some((situation, advice, allocation(wanted)));
    }
    Score {
        reports,
        violations: f64::from(violated) / f64::from(windows),
        core_hours: core_seconds / 3_600.0,
        changes,
        flaps,
        rewards: rewards
            .iter()
            .map(|(sum, count)| sum / f64::from((*count).max(1)))
            .collect(),
    }
}

fn diurnal_forecast(day: &Day, second: u64) -> Forecast {
    let points = (1..=15u64)
        .map(|minute| {
            let ahead = (second + 60 * minute) as usize % day.smooth.len();
            let mid = day.smooth[ahead];
            ForecastPoint {
                horizon: Duration::from_secs(60 * minute),
                values: [(0.5, 1.0), (0.8, 1.05), (0.9, 1.08), (0.975, 1.12)]
                    .map(|(q, factor)| (Quantile::new(q).unwrap(), factor * mid))
                    .to_vec(),
            }
        })
        .collect();
    Forecast {
        made_at: at(second as i64),
        points,
    }
}
