//! Holds the simulator's autoscalers against decisions that were recorded from Kubernetes' own code.
//!
//! `oracle hpa FILE.jsonl.gz` and `oracle vpa FILE.jsonl.gz` replay every row and compare every decision; what differs is
//! shown, the first three in full, and ends with exit code 1.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, file] = arguments.as_slice() else {
        println!("usage: oracle hpa|vpa FILE.jsonl.gz");
        return Ok(ExitCode::SUCCESS);
    };
    let tally = check(kind, Path::new(file))?;
    println!("{tally}");
    Ok(ExitCode::from(u8::from(tally.mismatches > 0)))
}

/// Replays a file.
fn check(kind: &str, file: &Path) -> Result<Tally> {
    match kind {
        "hpa" => hpa::check(file),
        "vpa" => vpa::check(file),
        other => bail!("no oracle `{other}`: allowed are `hpa` and `vpa`"),
    }
}

/// What was compared.
#[derive(Debug, Default)]
struct Tally {
    rows: usize,
    decisions: usize,
    mismatches: usize,
    shown: Vec<String>,
}

impl Tally {
    fn compare<T: PartialEq + std::fmt::Debug>(&mut self, place: &str, ours: &T, theirs: &T) {
        self.decisions += 1;
        if ours == theirs {
            return;
        }
        self.mismatches += 1;
        if self.shown.len() < 3 {
            self.shown.push(format!(
                "{place}\n  upstream {theirs:?}\n  here     {ours:?}"
            ));
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for mismatch in &self.shown {
            writeln!(f, "{mismatch}")?;
        }
        write!(
            f,
            "{} rows, {} decisions compared, {} mismatches",
            self.rows, self.decisions, self.mismatches
        )
    }
}

/// The lines of a compressed file, read as they are needed.
fn lines(file: &Path) -> Result<impl Iterator<Item = Result<String>>> {
    let opened = File::open(file).with_context(|| format!("can't open {}", file.display()))?;
    let lines = BufReader::new(GzDecoder::new(opened)).lines();
    Ok(lines.map(|line| line.context("not a gzipped text file")))
}

fn parse<T: DeserializeOwned>(line: &str, number: usize) -> Result<T> {
    serde_json::from_str(line).with_context(|| format!("line {number} is no such row"))
}

mod hpa {
    use super::*;
    use ibn_sim::autoscaler::hpa::{
        Amount, Behavior, Controller, Metric, Parameters, Pod, PodStatus, Policy, Readiness,
        Readings, Rules, Sample, Seen, Select, Source, Spec, Target,
    };

    const MILLISECOND: i64 = 1_000_000;

    #[derive(Deserialize)]
    struct Row {
        id: String,
        ctl: Flags,
        hpa: SpecRow,
        syncs: Vec<Sync>,
    }

    #[derive(Deserialize)]
    struct Flags {
        tolerance: f64,
        downscale_stabilization_ms: i64,
        cpu_initialization_ms: i64,
        initial_readiness_delay_ms: i64,
        metric_window_ms: i64,
    }

    #[derive(Deserialize)]
    struct SpecRow {
        min: Option<i32>,
        max: i32,
        metrics: Vec<MetricRow>,
        behavior: Option<BehaviorRow>,
    }

    #[derive(Deserialize)]
    struct MetricRow {
        r#type: String,
        name: String,
        target: String,
        value: i64,
    }

    #[derive(Deserialize)]
    struct BehaviorRow {
        up: RulesRow,
        down: RulesRow,
    }

    #[derive(Deserialize)]
    struct RulesRow {
        window_s: Option<i32>,
        select: String,
        policies: Vec<PolicyRow>,
    }

    #[derive(Deserialize)]
    struct PolicyRow {
        r#type: String,
        value: i32,
        period_s: i32,
    }

    type PodRow = (u64, String, Option<i64>, i8, Option<i64>, u8, i64, i64);

    #[derive(Deserialize)]
    struct Sync {
        t: i64,
        spec: i32,
        status: i32,
        hpa: Option<SpecRow>,
        pods: Option<Vec<PodRow>>,
        m: Vec<Answer>,
        #[serde(default)]
        upd_err: bool,
        out: Out,
    }

    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        err: bool,
        v: Option<Vec<Option<i64>>>,
        ts: Option<Vec<i64>>,
        x: Option<Vec<(u64, i64)>>,
        val: Option<i64>,
        vals: Option<Vec<i64>>,
    }

    #[derive(Deserialize)]
    struct Out {
        raw: Option<Vec<Option<i32>>>,
        rec: Option<i32>,
        stab: Option<i32>,
        r#final: i32,
        want: Option<i32>,
    }

    /// What is compared of a sync.
    #[derive(Debug, PartialEq)]
    struct Decision {
        proposals: Vec<Option<i32>>,
        recommended: Option<i32>,
        stabilized: Option<i32>,
        replicas: i32,
    }

    pub(super) fn check(file: &Path) -> Result<Tally> {
        let mut tally = Tally::default();
        for (index, line) in lines(file)?.enumerate() {
            let row: Row = parse(&line?, index + 1)?;
            replay(&row, &mut tally)?;
            tally.rows += 1;
        }
        Ok(tally)
    }

    fn replay(row: &Row, tally: &mut Tally) -> Result<()> {
        let flags = &row.ctl;
        let parameters = Parameters {
            tolerance: flags.tolerance,
            downscale_stabilization: flags.downscale_stabilization_ms * MILLISECOND,
            cpu_initialization: flags.cpu_initialization_ms * MILLISECOND,
            initial_readiness_delay: flags.initial_readiness_delay_ms * MILLISECOND,
            metric_window: flags.metric_window_ms * MILLISECOND,
        };
        let mut controller = Controller::new(spec(&row.hpa)?, parameters);
        let mut pods = Vec::new();
        for sync in &row.syncs {
            if let Some(edited) = &sync.hpa {
                controller.edit(spec(edited)?);
            }
            if let Some(rows) = &sync.pods {
                pods = rows.iter().map(pod).collect::<Result<_>>()?;
            }
            let now = sync.t * MILLISECOND;
            let readings: Vec<Readings> = controller
                .spec()
                .metrics
                .iter()
                .zip(&sync.m)
                .map(|(metric, answer)| readings(metric.source, answer, &pods, now))
                .collect();
            let outcome = controller.sync(&Seen {
                now,
                replicas: sync.spec,
                status_replicas: sync.status,
                pods: &pods,
                readings: &readings,
            });
            if !sync.upd_err && outcome.replicas != sync.spec {
                controller.scaled(now, sync.spec, outcome.replicas);
            }
            let theirs = Decision {
                proposals: sync.out.raw.clone().unwrap_or_default(),
                recommended: sync.out.rec.filter(|replicas| *replicas >= 0),
                stabilized: sync.out.stab,
                replicas: match sync.out.want {
                    Some(want) if sync.upd_err => want,
                    _ => sync.out.r#final,
                },
            };
            let ours = Decision {
                proposals: outcome.proposals,
                recommended: outcome.recommended,
                stabilized: outcome.stabilized,
                replicas: outcome.replicas,
            };
            tally.compare(&format!("{} at {} ms", row.id, sync.t), &ours, &theirs);
        }
        Ok(())
    }

    fn spec(row: &SpecRow) -> Result<Spec> {
        Ok(Spec {
            min: row.min.unwrap_or(1),
            max: row.max,
            metrics: row.metrics.iter().map(metric).collect::<Result<_>>()?,
            behavior: row
                .behavior
                .as_ref()
                .map(|behavior| {
                    anyhow::Ok(Behavior {
                        up: rules(&behavior.up)?,
                        down: rules(&behavior.down)?,
                    })
                })
                .transpose()?,
        })
    }

    fn metric(row: &MetricRow) -> Result<Metric> {
        let source = match (row.r#type.as_str(), row.name.as_str()) {
            ("Resource", "cpu") => Source::Cpu,
            ("Resource", "memory") => Source::Memory,
            ("Pods", _) => Source::Pods,
            ("Object", _) => Source::Object,
            ("External", _) => Source::External,
            other => bail!("no metric {other:?}"),
        };
        let target = match row.target.as_str() {
            "Utilization" => Target::Utilization(i32::try_from(row.value)?),
            "AverageValue" => Target::AverageValue(row.value),
            "Value" => Target::Value(row.value),
            other => bail!("no target `{other}`"),
        };
        Ok(Metric { source, target })
    }

    fn rules(row: &RulesRow) -> Result<Rules> {
        let policies = row.policies.iter().map(|policy| {
            Ok(Policy {
                amount: match policy.r#type.as_str() {
                    "Pods" => Amount::Pods(policy.value),
                    "Percent" => Amount::Percent(policy.value),
                    other => bail!("no policy `{other}`"),
                },
                period_secs: policy.period_s,
            })
        });
        Ok(Rules {
            window_secs: row.window_s,
            select: match row.select.as_str() {
                "Max" => Select::Max,
                "Min" => Select::Min,
                "Disabled" => Select::Disabled,
                other => bail!("no way to select `{other}`"),
            },
            policies: policies.collect::<Result<_>>()?,
        })
    }

    fn pod(row: &PodRow) -> Result<Pod> {
        let (id, phase, start, ready, ready_since, deleted, cpu, memory) = row;
        let request = |amount: i64| (amount >= 0).then_some(amount);
        Ok(Pod {
            id: *id,
            status: match phase.as_str() {
                "P" => PodStatus::Pending,
                "R" => PodStatus::Running,
                "S" => PodStatus::Succeeded,
                "F" => PodStatus::Failed,
                other => bail!("no phase `{other}`"),
            },
            started: start.map(|at| at * MILLISECOND),
            readiness: match ready {
                -1 => None,
                0 => Some(Readiness::NotReady),
                1 => Some(Readiness::Ready),
                2 => Some(Readiness::Unknown),
                other => bail!("no readiness {other}"),
            },
            ready_since: ready_since.map(|at| at * MILLISECOND),
            deleted: *deleted == 1,
            cpu_request: request(*cpu),
            memory_request: request(*memory),
        })
    }

    fn readings(source: Source, answer: &Answer, pods: &[Pod], now: i64) -> Readings {
        if answer.err {
            return Readings::Failed;
        }
        if matches!(source, Source::Object | Source::External) {
            let sum = answer.vals.as_ref().map(|values| values.iter().sum());
            return answer.val.or(sum).map_or(Readings::Failed, Readings::Total);
        }
        let times = answer.ts.as_deref().unwrap_or_default();
        let at = |index: usize| {
            let time = times.get(index).or(times.first());
            time.map_or(now, |time| time * MILLISECOND)
        };
        let values = answer.v.as_deref().unwrap_or_default();
        let of_pods = pods
            .iter()
            .zip(values)
            .enumerate()
            .filter_map(|(index, (pod, value))| {
                let (pod, value, at) = (pod.id, (*value)?, at(index));
                Some(Sample { pod, value, at })
            });
        let gone = answer.x.iter().flatten().map(|(pod, value)| Sample {
            pod: *pod,
            value: *value,
            at: at(0),
        });
        let samples: Vec<Sample> = of_pods.chain(gone).collect();
        if samples.is_empty() {
            Readings::Failed
        } else {
            Readings::Pods(samples)
        }
    }
}

mod vpa {
    use super::*;
    use ibn_sim::autoscaler::vpa::{Amounts, Buckets, Config, Estimate, Policy, Recommender};

    const SECOND: i64 = 1_000_000_000;

    #[derive(Deserialize)]
    struct BucketsRow {
        cpu_cores: Vec<f64>,
        memory_bytes: Vec<f64>,
    }

    #[derive(Deserialize)]
    struct Row {
        id: String,
        config: ConfigRow,
        t0: i64,
        tick_s: i64,
        ticks: i64,
        containers: Vec<ContainerRow>,
        pods: Vec<PodRow>,
        series: Vec<Series>,
        #[serde(default)]
        extra: Vec<Single>,
        #[serde(default)]
        oom: Vec<Single>,
        recs: Vec<Recommendation>,
    }

    #[derive(Deserialize)]
    struct ConfigRow {
        cpu_half_life_s: i64,
        memory_half_life_s: i64,
        memory_interval_s: i64,
        oom_ratio: f64,
        oom_min_bytes: f64,
        margin: f64,
        cpu_percentiles: [f64; 3],
        memory_percentiles: [f64; 3],
        cpu_confidence_s: i64,
        memory_confidence_s: i64,
        pod_min_cpu_m: f64,
        pod_min_memory_mib: f64,
    }

    #[derive(Deserialize)]
    struct ContainerRow {
        name: String,
        policy: Option<PolicyRow>,
    }

    #[derive(Deserialize)]
    struct PolicyRow {
        min_cpu_m: Option<i64>,
        max_cpu_m: Option<i64>,
        min_memory: Option<i64>,
        max_memory: Option<i64>,
    }

    #[derive(Deserialize)]
    struct PodRow {
        group: u64,
        from: i64,
        to: i64,
    }

    #[derive(Deserialize)]
    struct Series {
        pod: u64,
        container: usize,
        res: Resource,
        from: i64,
        every: i64,
        v: Vec<Option<i64>>,
    }

    #[derive(Deserialize, Clone, Copy)]
    #[serde(rename_all = "lowercase")]
    enum Resource {
        Cpu,
        Memory,
    }

    #[derive(Deserialize)]
    struct Single {
        tick: i64,
        pod: u64,
        container: usize,
        res: Resource,
        at: i64,
        value: i64,
        accepted: bool,
    }

    #[derive(Deserialize)]
    struct Recommendation {
        tick: i64,
        c: Vec<EstimateRow>,
    }

    #[derive(Deserialize)]
    struct EstimateRow {
        name: String,
        n: u64,
        lower: [i64; 2],
        target: [i64; 2],
        upper: [i64; 2],
        capped_lower: Option<[i64; 2]>,
        capped_target: Option<[i64; 2]>,
        capped_upper: Option<[i64; 2]>,
    }

    pub(super) fn check(file: &Path) -> Result<Tally> {
        let mut tally = Tally::default();
        for (index, line) in lines(file)?.enumerate() {
            let line = line?;
            if index == 0 {
                let theirs: BucketsRow = parse(&line, 1)?;
                compare_buckets(&mut tally, "CPU", &Buckets::cpu_cores(), &theirs.cpu_cores);
                let memory = Buckets::memory_bytes();
                compare_buckets(&mut tally, "memory", &memory, &theirs.memory_bytes);
                continue;
            }
            replay(&parse(&line, index + 1)?, &mut tally)?;
            tally.rows += 1;
        }
        Ok(tally)
    }

    fn compare_buckets(tally: &mut Tally, what: &str, ours: &Buckets, theirs: &[f64]) {
        let bits = |starts: &[f64]| {
            starts
                .iter()
                .map(|start| start.to_bits())
                .collect::<Vec<_>>()
        };
        tally.compare(
            &format!("starts of the {what} buckets"),
            &bits(ours.starts()),
            &bits(theirs),
        );
    }

    fn replay(row: &Row, tally: &mut Tally) -> Result<()> {
        let mut vpa = Recommender::new(config(&row.config));
        let names: Vec<&str> = row.containers.iter().map(|it| it.name.as_str()).collect();
        let name = |index: usize| *names.get(index).unwrap_or(&"?");
        let mut recommendations = row.recs.iter().peekable();
        for tick in 0..row.ticks {
            for (pod, life) in (0..).zip(&row.pods) {
                if life.from == tick {
                    vpa.add_pod(pod, life.group, &names);
                }
                if life.to == tick {
                    vpa.remove_pod(pod);
                }
            }
            let now = (row.t0 + tick * row.tick_s) * SECOND;
            for series in &row.series {
                let since = tick - series.from;
                if since < 0 || since % series.every != 0 {
                    continue;
                }
                let index = usize::try_from(since / series.every)?;
                if let Some(Some(value)) = series.v.get(index) {
                    let container = name(series.container);
                    match series.res {
                        Resource::Cpu => vpa.add_cpu(series.pod, container, now, *value),
                        Resource::Memory => vpa.add_memory(series.pod, container, now, *value),
                    };
                }
            }
            for (single, is_oom) in (row.extra.iter().map(|it| (it, false)))
                .chain(row.oom.iter().map(|it| (it, true)))
                .filter(|(single, _)| single.tick == tick)
            {
                let (pod, container) = (single.pod, name(single.container));
                let (at, value) = (single.at * SECOND, single.value);
                let taken = match single.res {
                    _ if is_oom => vpa.record_oom(pod, container, at, value),
                    Resource::Cpu => vpa.add_cpu(pod, container, at, value),
                    Resource::Memory => vpa.add_memory(pod, container, at, value),
                };
                let place = format!("{} at tick {tick}: is {container}'s sample taken", row.id);
                tally.compare(&place, &taken, &single.accepted);
            }
            if let Some(theirs) = recommendations.next_if(|it| it.tick == tick) {
                compare(row, theirs, &vpa.recommend(), tally);
            }
        }
        Ok(())
    }

    fn compare(
        row: &Row,
        theirs: &Recommendation,
        ours: &BTreeMap<String, Estimate>,
        tally: &mut Tally,
    ) {
        for expected in &theirs.c {
            let place = format!("{} at tick {}: {}", row.id, theirs.tick, expected.name);
            let amounts = |[cpu, memory]: [i64; 2]| Amounts { cpu, memory };
            let estimate = |[lower, target, upper]: [[i64; 2]; 3]| Estimate {
                lower: amounts(lower),
                target: amounts(target),
                upper: amounts(upper),
                samples: expected.n,
            };
            let plain = estimate([expected.lower, expected.target, expected.upper]);
            let found = ours.get(&expected.name).copied();
            tally.compare(&place, &found, &Some(plain));
            let policy = row
                .containers
                .iter()
                .find(|it| it.name == expected.name)
                .and_then(|it| it.policy.as_ref());
            if let (Some(lower), Some(target), Some(upper)) = (
                expected.capped_lower,
                expected.capped_target,
                expected.capped_upper,
            ) {
                let policy = policy.map_or_else(Policy::default, |policy| Policy {
                    min_cpu: policy.min_cpu_m,
                    max_cpu: policy.max_cpu_m,
                    min_memory: policy.min_memory,
                    max_memory: policy.max_memory,
                });
                let capped = estimate([lower, target, upper]);
                let found = found.map(|estimate| estimate.capped(&policy));
                tally.compare(&format!("{place}, capped"), &found, &Some(capped));
            }
        }
    }

    fn config(row: &ConfigRow) -> Config {
        Config {
            cpu_half_life: row.cpu_half_life_s * SECOND,
            memory_half_life: row.memory_half_life_s * SECOND,
            memory_interval: row.memory_interval_s * SECOND,
            oom_ratio: row.oom_ratio,
            oom_min_bytes: row.oom_min_bytes,
            margin: row.margin,
            cpu_percentiles: row.cpu_percentiles,
            memory_percentiles: row.memory_percentiles,
            cpu_confidence: row.cpu_confidence_s * SECOND,
            memory_confidence: row.memory_confidence_s * SECOND,
            pod_min_cpu: row.pod_min_cpu_m,
            pod_min_memory: row.pod_min_memory_mib * 1024.0 * 1024.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recorded decisions are no part of the project: where they are absent, the test says so.
    fn recorded(kind: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/oracles");
        let file = folder.join(format!("{kind}.jsonl.gz"));
        let found = if file.exists() {
            Ok(())
        } else {
            Err(format!("there is no {}", file.display()))
        };
        if ibn_testkit::service::need("oracles", found).is_none() {
            return;
        }
        let tally = check(kind, &file).expect("the file is readable");
        assert!(tally.decisions > 10_000, "{tally}");
        assert_eq!(tally.mismatches, 0, "{tally}");
    }

    #[test]
    fn every_recorded_decision_of_the_horizontal_autoscaler_is_equal() {
        recorded("hpa");
    }

    #[test]
    fn every_recorded_recommendation_of_the_vertical_autoscaler_is_equal() {
        recorded("vpa");
    }
}
