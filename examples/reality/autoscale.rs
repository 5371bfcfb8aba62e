//! Runs under an autoscaler, simulated from the recorded load alone.
//!
//! What the autoscaler sees is old, and the run depends on how old. The kubelet's cAdvisor looks at a container every 10 to
//! 20 s, for the first time so long after its start; before that the kubelet answers with what the runtime counts at that
//! moment. The metrics server asks the kubelet every 10 s, keeps the last two readings that differ in time, and answers with
//! the growth between them. The autoscaler syncs 15 s after it was made and every 15 s. The phases of all that are drawn
//! anew for each simulation.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use ibn_sim::autoscaler::hpa::{
    Amount, Behavior, Controller, Parameters, Pod, PodStatus, Policy, Readiness, Readings, Rules,
    Sample, Seen, Select, Spec,
};
use ibn_sim::{Cluster, PodPhase, PodView};
use serde::{Deserialize, Serialize};

use crate::Settings;
use crate::dynamic::{Latencies, compare_whole, costs, failed_points};
use crate::laws::Laws;
use crate::load::SplitMix64;
use crate::record::Dynamic;
use crate::shop::{AFTER, Outcome, SHOP, cluster, instant};

/// The metrics server's resolution.
const SCRAPE_S: f64 = 10.0;
/// Between two looks of the kubelet at a container.
const LOOK_S: (f64, f64) = (10.0, 20.0);
/// Between two syncs: the controller's 15 s, and what a sync and its queue take.
const SYNC_S: f64 = 15.015;
/// The load begins so long after the pods were seen to be Ready; the autoscaler was made with them.
const LEAD_S: f64 = 2.0;

/// A run beside its simulations.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Compared {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) load_is_equal: bool,
    pub(crate) samples: usize,
    /// Shares of the samples, on average over the simulations.
    pub(crate) equal: f64,
    pub(crate) within_one: f64,
    /// Shares of the samples for the replicas that the median of the simulations has.
    pub(crate) median_equal: f64,
    pub(crate) median_within_one: f64,
    /// Of single simulations, the worst and the best share of equal samples.
    equal_range: [f64; 2],
    pub(crate) whole: Latencies,
    pub(crate) failed_points: f64,
    /// Recorded replicas and the median of the simulations, where either changes: `[t, recorded, median]`.
    pub(crate) course: Vec<(f64, u32, u32)>,
}

/// `spec` of a HorizontalPodAutoscaler, as far as it is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    min_replicas: Option<u32>,
    max_replicas: u32,
    metrics: Vec<serde_json::Value>,
    behavior: Option<Directions>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Directions {
    scale_up: Option<Written>,
    scale_down: Option<Written>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    stabilization_window_seconds: Option<i32>,
    select_policy: Option<String>,
    policies: Option<Vec<WrittenPolicy>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenPolicy {
    r#type: String,
    value: i32,
    period_seconds: i32,
}

impl Object {
    fn spec(self) -> Result<Spec> {
        let target = match self.metrics.as_slice() {
            [metric]
                if metric
                    .pointer("/resource/name")
                    .is_some_and(|name| name == "cpu") =>
            {
                metric.pointer("/resource/target/averageUtilization")
            }
            _ => None,
        };
        let target = target.and_then(serde_json::Value::as_u64);
        let target = target.context("not an autoscaler on CPU utilization alone")?;
        let mut spec = Spec::on_cpu(
            self.min_replicas.unwrap_or(1),
            self.max_replicas,
            u32::try_from(target)?,
        );
        if let Some(written) = self.behavior {
            let Behavior { up, down } = Behavior::default();
            spec.behavior = Some(Behavior {
                up: filled(written.scale_up, up)?,
                down: filled(written.scale_down, down)?,
            });
        }
        Ok(spec)
    }
}

/// What is written, with the API's defaults where it isn't.
fn filled(written: Option<Written>, default: Rules) -> Result<Rules> {
    let Some(written) = written else {
        return Ok(default);
    };
    let select = match written.select_policy.as_deref() {
        None => default.select,
        Some("Max") => Select::Max,
        Some("Min") => Select::Min,
        Some("Disabled") => Select::Disabled,
        Some(other) => bail!("no selectPolicy `{other}`"),
    };
    let policies = written.policies.map(|policies| {
        let read = policies.into_iter().map(|policy| {
            let amount = match policy.r#type.as_str() {
                "Pods" => Amount::Pods(policy.value),
                "Percent" => Amount::Percent(policy.value),
                other => bail!("no policy of type `{other}`"),
            };
            let period_secs = policy.period_seconds;
            Ok(Policy {
                amount,
                period_secs,
            })
        });
        read.collect::<Result<Vec<_>>>()
    });
    Ok(Rules {
        window_secs: written.stabilization_window_seconds.or(default.window_secs),
        select,
        policies: policies.transpose()?.unwrap_or(default.policies),
    })
}

/// A reading of a container's CPU counter; seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    at: f64,
    cpu: f64,
}

/// A container as the kubelet and the metrics server know it.
#[derive(Debug, Clone, Copy)]
struct Container {
    started: f64,
    next_look: f64,
    looked: Option<Point>,
    previous: Option<Point>,
    last: Option<Point>,
}

impl Container {
    fn started(at: f64, random: &mut SplitMix64) -> Self {
        Self {
            started: at,
            next_look: at + random.between(LOOK_S.0, LOOK_S.1),
            looked: None,
            previous: None,
            last: None,
        }
    }

    /// The metrics server asks.
    fn scrape(&mut self, now: Point) {
        if self.started > now.at {
            return;
        }
        let told = self.looked.unwrap_or(now);
        if self.last.is_none_or(|last| told.at > last.at) {
            self.previous = self.last.replace(told);
        }
    }

    /// What the metrics server answers: millicores, rounded up, and when the span that they cover began.
    fn reading(&self) -> Option<(i64, f64)> {
        let (from, to) = (self.previous?, self.last?);
        let cores = (to.cpu - from.cpu) / (to.at - from.at);
        Some(((cores * 1e3 - 1e-6).ceil().max(0.0) as i64, from.at))
    }
}

/// One simulation of a run.
struct World<'a> {
    cluster: Cluster,
    random: SplitMix64,
    laws: &'a Laws,
    limit_m: u64,
    /// The creation of the first pods and of the autoscaler, before the load.
    created: f64,
    containers: BTreeMap<u64, Container>,
    controller: Controller,
}

impl World<'_> {
    /// The pods as they are at `t`.
    fn look(&mut self, t: f64) -> Result<Vec<PodView>> {
        self.cluster.advance_to(instant(t));
        let pods = self.cluster.pods(SHOP)?;
        self.containers
            .retain(|id, _| pods.iter().any(|pod| pod.id == *id));
        for pod in &pods {
            let Some(placed) = pod.placed else {
                continue;
            };
            if !self.containers.contains_key(&pod.id) {
                let created = self.since(placed.as_secs_f64());
                let started = created + self.laws.process(self.limit_m);
                self.containers
                    .insert(pod.id, Container::started(started, &mut self.random));
            }
        }
        Ok(pods)
    }

    /// Second 0 of the simulation stands for the time when the first pods were made.
    fn since(&self, at: f64) -> f64 {
        if at > 0.0 { at } else { self.created }
    }

    fn look_at_containers(&mut self, t: f64, pods: &[PodView]) {
        for pod in pods {
            let now = point(t, pod);
            if let Some(container) = self.containers.get_mut(&pod.id)
                && container.next_look <= t
            {
                container.looked = Some(now);
                container.next_look = t + self.random.between(LOOK_S.0, LOOK_S.1);
            }
        }
    }

    fn scrape(&mut self, t: f64, pods: &[PodView]) {
        for pod in pods {
            if let Some(container) = self.containers.get_mut(&pod.id) {
                container.scrape(point(t, pod));
            }
        }
    }

    fn sync(&mut self, t: f64, views: &[PodView]) -> Result<()> {
        let status = self.cluster.status(SHOP)?;
        let pods: Vec<Pod> = views.iter().map(|view| self.seen(t, view)).collect();
        let samples = self.containers.iter().filter_map(|(pod, container)| {
            let (value, from) = container.reading()?;
            // A sample counts where all of its window is after the pod became ready: told by the window's start, with
            // a window of none in the parameters.
            Some(Sample {
                pod: *pod,
                value,
                at: nanos(from),
            })
        });
        let readings = [Readings::Pods(samples.collect())];
        let replicas = i32::try_from(status.replicas)?;
        let outcome = self.controller.sync(&Seen {
            now: nanos(t),
            replicas,
            status_replicas: i32::try_from(status.pods)?,
            pods: &pods,
            readings: &readings,
        });
        if outcome.replicas != replicas {
            self.cluster.scale(SHOP, u32::try_from(outcome.replicas)?)?;
            self.controller.scaled(nanos(t), replicas, outcome.replicas);
        }
        Ok(())
    }

    fn seen(&self, t: f64, pod: &PodView) -> Pod {
        let runs = self
            .containers
            .get(&pod.id)
            .is_some_and(|container| container.started <= t);
        let readiness = if pod.phase == PodPhase::Ready {
            Readiness::Ready
        } else {
            Readiness::NotReady
        };
        Pod {
            id: pod.id,
            status: if runs {
                PodStatus::Running
            } else {
                PodStatus::Pending
            },
            started: pod
                .placed
                .map(|placed| nanos(self.since(placed.as_secs_f64()))),
            readiness: Some(readiness),
            ready_since: Some(nanos(match pod.changed.as_secs_f64() {
                at if at > 0.0 => at,
                _ => -LEAD_S,
            })),
            deleted: pod.phase == PodPhase::Stopping,
            cpu_request: i64::try_from(pod.size.cpu_request.get()).ok(),
            memory_request: None,
        }
    }
}

fn point(at: f64, pod: &PodView) -> Point {
    Point {
        at,
        cpu: pod.usage.cpu_nanos as f64 / 1e9,
    }
}

fn nanos(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

/// Simulates a run once for each seed.
pub(crate) fn compare(run: &Dynamic, laws: &Laws, settings: &Settings) -> Result<Compared> {
    let object = run.hpa.clone().context("no `hpa`")?;
    let object: Object =
        serde_json::from_value(object).context("`hpa` is no specification of an autoscaler")?;
    let spec = object.spec()?;
    let mut outcome = Outcome::default();
    let (mut failed, mut offered) = (0, 0);
    let mut courses = Vec::new();
    for seed in settings.seeds() {
        let mut world = world(run, &spec, laws, settings, seed)?;
        courses.push(play(run, &mut world)?);
        world.cluster.advance_to(instant(run.config.end_s + AFTER));
        let counts = world.cluster.metrics(SHOP)?.counts;
        failed += counts.failed();
        offered = counts.arrived;
        outcome.add(world.cluster.take_requests(SHOP)?);
    }
    let recorded: Vec<u32> = run.samples.iter().map(|sample| sample.replicas).collect();
    let medians: Vec<u32> = (0..recorded.len())
        .map(|index| {
            let mut all: Vec<u32> = courses
                .iter()
                .filter_map(|course| course.get(index).copied())
                .collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied().unwrap_or(0)
        })
        .collect();
    let share = |course: &[u32], most: u32| {
        let near = recorded
            .iter()
            .zip(course)
            .filter(|(one, other)| one.abs_diff(**other) <= most);
        near.count() as f64 / recorded.len().max(1) as f64
    };
    let mean = |most| {
        courses
            .iter()
            .map(|course| share(course, most))
            .sum::<f64>()
            / courses.len().max(1) as f64
    };
    let equals = courses.iter().map(|course| share(course, 0));
    let (worst, best) = equals.fold((1.0f64, 0.0f64), |(low, high), it| {
        (low.min(it), high.max(it))
    });
    let mut course: Vec<(f64, u32, u32)> = Vec::new();
    for ((sample, recorded), median) in run.samples.iter().zip(&recorded).zip(&medians) {
        if course
            .last()
            .is_none_or(|(_, one, other)| (one, other) != (recorded, median))
        {
            course.push((sample.t, *recorded, *median));
        }
    }
    Ok(Compared {
        name: run.id.clone(),
        kind: "hpa",
        load_is_equal: offered == run.whole.offered,
        samples: recorded.len(),
        equal: mean(0),
        within_one: mean(1),
        median_equal: share(&medians, 0),
        median_within_one: share(&medians, 1),
        equal_range: [worst, best],
        whole: compare_whole(&run.whole, &outcome, run.config.end_s),
        failed_points: failed_points(&run.whole, failed, settings),
        course,
    })
}

fn world<'a>(
    run: &Dynamic,
    spec: &Spec,
    laws: &'a Laws,
    settings: &Settings,
    seed: u64,
) -> Result<World<'a>> {
    let pods = u32::try_from(spec.max).unwrap_or(1);
    let cluster = cluster(&run.config, &costs(run, laws, settings), pods, seed)?;
    let mut random = SplitMix64::new(seed);
    let limit_m = run.config.limit_m;
    let created = -LEAD_S - laws.ready(limit_m, random.uniform());
    let parameters = Parameters {
        metric_window: 0,
        ..Parameters::default()
    };
    Ok(World {
        cluster,
        random,
        laws,
        limit_m,
        created,
        containers: BTreeMap::new(),
        controller: Controller::new(spec.clone(), parameters),
    })
}

/// Plays a run to its end; the replicas at each recorded sample.
fn play(run: &Dynamic, world: &mut World<'_>) -> Result<Vec<u32>> {
    let mut next_scrape = world.random.between(-SCRAPE_S, 0.0);
    let mut next_sync = world.created + SYNC_S;
    let mut course = Vec::new();
    let mut samples = run.samples.iter().peekable();
    while let Some(sample) = samples.peek() {
        let looks = world
            .containers
            .values()
            .map(|container| container.next_look);
        let next_look = looks.fold(f64::INFINITY, f64::min);
        let t = next_scrape.min(next_sync).min(next_look).min(sample.t);
        let pods = world.look(t)?;
        world.look_at_containers(t, &pods);
        if next_scrape <= t {
            world.scrape(t, &pods);
            next_scrape += SCRAPE_S;
        }
        if next_sync <= t {
            world.sync(t, &pods)?;
            next_sync += SYNC_S;
        }
        if sample.t <= t {
            course.push(world.cluster.status(SHOP)?.pods);
            samples.next();
        }
    }
    Ok(course)
}
