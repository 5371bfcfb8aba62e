//! Scenarios from documents: every fault is found, with its place.

use std::time::Duration;

use ibn_core::diagnostic::Code;
use ibn_core::observation::Signal;
use ibn_core::read::{Decode, Fields, Node, Reader};
use ibn_core::units::Quantile;
use ibn_core::workload::{WorkloadKind, WorkloadRef};

use super::{
    CallSpec, DemandSpec, Fault, FaultEffect, NodeGroup, NodeScaling, RateStep, RetrySpec,
    Scenario, Slo, SlowPods, SwitchingRate, TraceSpec, WorkSpec, WorkloadScenario, WrongSignals,
};
use crate::arrivals::ArrivalProcess;
use crate::balance::Balancing;
use crate::demand::DayCurve;
use crate::law::Law;
use crate::trace::parse_unit;

/// The most that a rate may be, in requests per second.
const MAX_RATE: f64 = 1e9;

impl Decode for Scenario {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let names = [
            "name",
            "start",
            "horizon",
            "controlPeriod",
            "nodes",
            "nodeAutoscaling",
            "workloads",
            "faults",
        ];
        let mut fields = reader.fields(node, &names)?;
        let name = fields.required("name");
        let start = fields.or("start", super::monday());
        let horizon = fields.required_with("horizon", positive);
        let control_period = fields.optional_with("controlPeriod", positive);
        let nodes = fields.required("nodes");
        let node_autoscaling = fields.optional("nodeAutoscaling");
        let workloads: Option<Vec<WorkloadScenario>> = fields.required("workloads");
        let faults: Option<Vec<Fault>> = fields.or_default("faults");
        if let (Some(workloads), Some(faults)) = (&workloads, &faults) {
            report_names(node, reader, workloads, faults);
        }
        Some(Self {
            name: name?,
            start: start?,
            horizon: horizon?,
            control_period: control_period?.unwrap_or(super::quarter_minute()),
            nodes: nodes?,
            node_autoscaling: node_autoscaling?,
            workloads: workloads?,
            faults: faults?,
            directory: std::path::PathBuf::new(),
        })
    }
}

/// Workloads of the same name, and faults of workloads that there aren't.
fn report_names(
    node: &Node,
    reader: &mut Reader,
    workloads: &[WorkloadScenario],
    faults: &[Fault],
) {
    let references: Vec<WorkloadRef> = workloads.iter().map(WorkloadScenario::workload).collect();
    for (index, reference) in references.iter().enumerate() {
        if references
            .iter()
            .take(index)
            .any(|other| other == reference)
        {
            let message = format!("there are two workloads `{reference}`");
            reader.error(
                node,
                Code::DuplicateEntry,
                message,
                "a name of its own for each workload of a namespace",
            );
        }
    }
    let hit = faults.iter().filter_map(|fault| fault.workload.as_ref());
    let hit = hit.map(|hit| ("a fault hits", hit));
    let calls = workloads.iter().flat_map(|workload| &workload.calls);
    let called = calls.map(|call| ("a call goes to", &call.workload));
    for (what, unknown) in hit.chain(called).filter(|(_, of)| !references.contains(of)) {
        let known: Vec<String> = references.iter().map(ToString::to_string).collect();
        let message = format!("{what} `{unknown}`, which the scenario does not have");
        reader.error(
            node,
            Code::UnknownTarget,
            message,
            format!("one of {}", known.join(", ")),
        );
    }
}

impl Decode for NodeScaling {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["group", "most", "delay", "idle"])?;
        let group = fields.required("group");
        let most = fields.required_with("most", |node, reader| reader.whole(node, 1..=10_000));
        let delay = fields.optional_with("delay", positive);
        let idle = fields.optional_with("idle", positive);
        Some(Self {
            group: group?,
            most: most?,
            delay: delay?.unwrap_or(Duration::from_secs(120)),
            idle: idle?.unwrap_or(Duration::from_secs(600)),
        })
    }
}

impl Decode for NodeGroup {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["name", "count", "cpu", "memory", "maxPods"])?;
        let name = fields.required("name");
        let count = fields.optional_with("count", |node, reader| reader.whole(node, 1..=10_000));
        let cpu = fields.required("cpu");
        let memory = fields.required("memory");
        let max_pods = fields.or("maxPods", super::kubelet_pods());
        Some(Self {
            name: name?,
            count: count?.unwrap_or(super::one_node()),
            cpu: cpu?,
            memory: memory?,
            max_pods: max_pods?,
        })
    }
}

impl Decode for WorkloadScenario {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(
            node,
            &[
                "namespace",
                "kind",
                "name",
                "aliases",
                "labels",
                "replicas",
                "bounds",
                "container",
                "requests",
                "limits",
                "service",
                "baseLatency",
                "concurrency",
                "maxQueue",
                "timeout",
                "startup",
                "drain",
                "grace",
                "baseMemory",
                "memoryPerRequest",
                "balancing",
                "slo",
                "demand",
                "arrivals",
                "calls",
                "retries",
            ],
        )?;
        let kinds = [
            ("Deployment", WorkloadKind::Deployment),
            ("StatefulSet", WorkloadKind::StatefulSet),
        ];
        let namespace = fields.required("namespace");
        let kind = fields.optional_with("kind", |node, reader| reader.one_of(node, &kinds));
        let name = fields.required("name");
        let aliases = fields.or_default("aliases");
        let labels = fields.or_default("labels");
        let replicas =
            fields.required_with("replicas", |node, reader| reader.whole(node, 0..=100_000));
        let bounds = fields.or_default("bounds");
        let container = fields.or("container", super::app());
        let requests = fields.required("requests");
        let limits = fields.or_default("limits");
        let service = fields.required("service");
        let base_latency = fields.or("baseLatency", Duration::ZERO);
        let concurrency = fields.optional_with("concurrency", |node, reader| {
            reader.whole(node, 1..=1_000_000)
        });
        let max_queue = fields.or("maxQueue", super::hundred());
        let timeout = fields.optional_with("timeout", positive);
        let startup = fields.required("startup");
        let drain = fields.or("drain", super::two_seconds());
        let grace = fields.or("grace", super::half_minute());
        let base_memory = fields.or_default("baseMemory");
        let memory_per_request = fields.or_default("memoryPerRequest");
        let balancing = fields.or_default("balancing");
        let slo = fields.required("slo");
        let demand = fields.required("demand");
        let arrivals = fields.or_default("arrivals");
        let calls = fields.or_default("calls");
        let retries = fields.optional("retries");
        Some(Self {
            namespace: namespace?,
            kind: kind?.unwrap_or(WorkloadKind::Deployment),
            name: name?,
            aliases: aliases?,
            labels: labels?,
            replicas: replicas?,
            bounds: bounds?,
            container: container?,
            requests: requests?,
            limits: limits?,
            service: service?,
            base_latency: base_latency?,
            concurrency: concurrency?,
            max_queue: max_queue?,
            timeout: timeout?,
            startup: startup?,
            drain: drain?,
            grace: grace?,
            base_memory: base_memory?,
            memory_per_request: memory_per_request?,
            balancing: balancing?,
            slo: slo?,
            demand: demand?,
            arrivals: arrivals?,
            calls: calls?,
            retries: retries?,
        })
    }
}

impl Decode for CallSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["workload", "share"])?;
        let workload = fields.required_with("workload", reference);
        let share = fields.optional_with("share", |node, reader| reader.number(node, 0.0..=1.0));
        Some(Self {
            workload: workload?,
            share: share?.unwrap_or(1.0),
        })
    }
}

impl Decode for RetrySpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["attempts", "budget", "backoff"])?;
        let attempts = fields.required_with("attempts", |node, reader| reader.whole(node, 1..=20));
        let budget = fields.optional_with("budget", |node, reader| reader.number(node, 0.0..=10.0));
        let backoff = fields.or("backoff", Duration::from_millis(25));
        Some(Self {
            attempts: attempts?,
            budget: budget?.unwrap_or(0.2),
            backoff: backoff?,
        })
    }
}

fn reference(node: &Node, reader: &mut Reader) -> Option<WorkloadRef> {
    reader.parse(
        node,
        Code::InvalidName,
        "a workload such as `acme/Deployment/web`",
        |text| text.parse().ok(),
    )
}

impl Decode for Slo {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["quantile", "atMost"])?;
        let quantile = fields.or("quantile", Quantile::P95);
        let at_most = fields.required_with("atMost", positive);
        Some(Self {
            quantile: quantile?,
            at_most: at_most?,
        })
    }
}

impl Decode for Balancing {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.one_of(
            node,
            &[
                ("random", Self::Random),
                ("roundRobin", Self::RoundRobin),
                ("leastLoaded", Self::LeastLoaded),
                ("powerOfTwo", Self::PowerOfTwo),
                ("keptConnections", Self::KeptConnections),
            ],
        )
    }
}

impl Decode for Law {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["law", "mean", "cv", "shape", "min", "max"])?;
        let laws = [
            "constant",
            "uniform",
            "exponential",
            "lognormal",
            "hyperexponential",
            "erlang",
            "pareto",
        ]
        .map(|name| (name, name));
        let law = fields.required_with("law", |node, reader| reader.one_of(node, &laws));
        let mean = |fields: &mut Fields<'_, '_>| fields.required_with("mean", positive);
        let cv = |fields: &mut Fields<'_, '_>, least: f64| {
            fields.required_with("cv", |node, reader| reader.number(node, least..=100.0))
        };
        let read = match law? {
            "constant" => Self::Constant {
                mean: mean(&mut fields)?,
            },
            "exponential" => Self::Exponential {
                mean: mean(&mut fields)?,
            },
            "lognormal" => {
                let (mean, cv) = (mean(&mut fields), cv(&mut fields, 1e-6));
                Self::Lognormal {
                    mean: mean?,
                    cv: cv?,
                }
            }
            "hyperexponential" => {
                let (mean, cv) = (mean(&mut fields), cv(&mut fields, 1.0));
                Self::Hyperexponential {
                    mean: mean?,
                    cv: cv?,
                }
            }
            "erlang" => {
                let shape =
                    fields.required_with("shape", |node, reader| reader.whole(node, 1..=100));
                let mean = mean(&mut fields);
                Self::Erlang {
                    mean: mean?,
                    shape: shape?,
                }
            }
            "pareto" => {
                let shape =
                    fields.required_with("shape", |node, reader| reader.number(node, 1.0..=100.0));
                let mean = mean(&mut fields);
                Self::Pareto {
                    mean: mean?,
                    shape: shape?,
                }
            }
            _ => {
                let (min, max) = (
                    fields.required("min"),
                    fields.required_with("max", positive),
                );
                Self::Uniform {
                    min: min?,
                    max: max?,
                }
            }
        };
        let surplus = ["mean", "cv", "shape", "min", "max"]
            .into_iter()
            .find(|name| fields.has(name) && !read.has(name));
        let fault = surplus
            .map(|name| {
                (
                    Code::UnknownField,
                    format!("`{name}` is no parameter of this law"),
                )
            })
            .or_else(|| Some((Code::OutOfRange, read.sampler().err()?.to_string())));
        match fault {
            Some((code, message)) => {
                fields.reader().error(
                    node,
                    code,
                    message,
                    "see the laws of durations for their parameters and ranges",
                );
                None
            }
            None => Some(read),
        }
    }
}

impl Decode for DemandSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let forms = ["constant", "day", "steps", "switching", "trace"];
        let mut fields = reader.fields(node, &forms)?;
        match fields.exactly_one(&forms)? {
            "constant" => fields.required_with("constant", rate).map(Self::Constant),
            "day" => fields.required("day").map(Self::Day),
            "steps" => fields.required("steps").map(Self::Steps),
            "switching" => fields.required("switching").map(Self::Switching),
            _ => fields.required("trace").map(Self::Trace),
        }
    }
}

impl Decode for DayCurve {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["mean", "swing", "peakHour", "noise", "crowd"])?;
        let usual = Self::default();
        let mut number = |name: &str, most: f64, usual: f64| {
            let read = fields.optional_with(name, |node, reader| reader.number(node, 0.0..=most));
            Some(read?.unwrap_or(usual))
        };
        let mean = number("mean", 1e8, usual.mean);
        let swing = number("swing", 1.0, usual.swing);
        let peak_hour = number("peakHour", 24.0, usual.peak_hour);
        let noise = number("noise", 1.0, usual.noise);
        let crowd = number("crowd", 1000.0, usual.crowd);
        Some(Self {
            mean: mean?,
            swing: swing?,
            peak_hour: peak_hour?,
            noise: noise?,
            crowd: crowd?,
        })
    }
}

impl Decode for SwitchingRate {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["rates", "stays"])?;
        let each_rate = |node: &Node, reader: &mut Reader| -> Option<Vec<f64>> {
            reader.each(node, rate)?.into_iter().collect()
        };
        let each_stay = |node: &Node, reader: &mut Reader| -> Option<Vec<Duration>> {
            reader.each(node, positive)?.into_iter().collect()
        };
        let rates = fields.required_with("rates", each_rate);
        let stays = fields.required_with("stays", each_stay);
        let switching = Self {
            rates: rates?,
            stays: stays?,
        };
        if let Err(error) = switching.check() {
            reader.error(
                node,
                Code::OutOfRange,
                error.to_string(),
                "as many rates as stays, at least two, each stay from 1s on",
            );
            return None;
        }
        Some(switching)
    }
}

impl Decode for ArrivalProcess {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.one_of(node, &[("poisson", Self::Poisson), ("even", Self::Even)])
    }
}

impl Decode for RateStep {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["at", "rate"])?;
        let at = fields.required("at");
        let rate = fields.required_with("rate", rate);
        Some(Self {
            at: at?,
            rate: rate?,
        })
    }
}

impl Decode for TraceSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            reader.fields(node, &["file", "column", "unit", "scale", "skip", "work"])?;
        let file: Option<String> = fields.required("file");
        let column = fields.optional("column");
        let unit = fields.optional_with("unit", |node, reader| {
            reader.parse(
                node,
                Code::InvalidDuration,
                "a duration such as `1min` or `5s`",
                |text| parse_unit(text).ok().map(|_| text.to_owned()),
            )
        });
        let scale = fields.optional_with("scale", |node, reader| {
            reader.number(node, f64::MIN_POSITIVE..=MAX_RATE)
        });
        let skip = fields.or("skip", Duration::ZERO);
        let work = fields.optional("work");
        Some(Self {
            file: file?.into(),
            column: column?,
            unit: unit?.unwrap_or_else(super::demand::minute),
            scale: scale?.unwrap_or(1.0),
            skip: skip?,
            work: work?,
        })
    }
}

impl Decode for WorkSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["column", "each", "base"])?;
        let column = fields.required("column");
        let each = fields.required_with("each", positive);
        let base = fields.or("base", Duration::ZERO);
        Some(Self {
            column: column?,
            each: each?,
            base: base?,
        })
    }
}

impl Decode for Fault {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["at", "for", "every", "workload", "effect"])?;
        let at = fields.required("at");
        let lasts = fields.required("for");
        let every = fields.optional_with("every", positive);
        let workload = fields.optional_with("workload", reference);
        let effect = fields.required("effect");
        let fault = Self {
            at: at?,
            lasts: lasts?,
            every: every?,
            workload: workload?,
            effect: effect?,
        };
        if fault.every.is_some() && !fault.is_momentary() {
            reader.error(
                node,
                Code::UnknownField,
                "`every` is only for what happens at a moment",
                "`killPods` or `crashPods`, or no `every`",
            );
            return None;
        }
        Some(fault)
    }
}

impl Decode for FaultEffect {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let words = [
            ("monitorDown", Self::MonitorDown),
            ("orchestratorDown", Self::OrchestratorDown),
            ("orchestratorRefuses", Self::OrchestratorRefuses),
        ];
        if let ibn_core::read::Value::Text(_) = node.value {
            let places: Vec<(&str, usize)> = words
                .iter()
                .enumerate()
                .map(|(place, (word, _))| (*word, place))
                .collect();
            let place = reader.one_of(node, &places)?;
            return words.into_iter().nth(place).map(|(_, effect)| effect);
        }
        let forms = [
            "missing",
            "stale",
            "notANumber",
            "wrong",
            "late",
            "clockAhead",
            "clockBehind",
            "monitorDown",
            "orchestratorDown",
            "orchestratorRefuses",
            "killPods",
            "crashPods",
            "slowPods",
            "coldImage",
            "nodeLoss",
            "surge",
        ];
        let mut fields = reader.fields(node, &forms)?;
        let factor = |node: &Node, reader: &mut Reader| reader.number(node, 0.0..=1000.0);
        match fields.exactly_one(&forms)? {
            "missing" => fields.required_with("missing", signals).map(Self::Missing),
            "stale" => fields.required_with("stale", signals).map(Self::Stale),
            "notANumber" => fields
                .required_with("notANumber", signals)
                .map(Self::NotANumber),
            "wrong" => fields.required("wrong").map(Self::Wrong),
            "late" => fields.required_with("late", positive).map(Self::Late),
            "clockAhead" => fields
                .required_with("clockAhead", positive)
                .map(Self::ClockAhead),
            "clockBehind" => fields
                .required_with("clockBehind", positive)
                .map(Self::ClockBehind),
            "killPods" => fields.required("killPods").map(Self::KillPods),
            "crashPods" => fields.required("crashPods").map(Self::CrashPods),
            "slowPods" => fields.required("slowPods").map(Self::SlowPods),
            "coldImage" => fields
                .required_with("coldImage", |node, reader| {
                    reader.number(node, 1.0..=1000.0)
                })
                .map(Self::ColdImage),
            "nodeLoss" => fields
                .required_with("nodeLoss", |node, reader| reader.whole(node, 1..=10_000))
                .map(Self::NodeLoss),
            "surge" => fields.required_with("surge", factor).map(Self::Surge),
            word => {
                let message = format!("`{word}` takes no value");
                reader.error(
                    node,
                    Code::WrongType,
                    message,
                    format!("the word by itself: \"{word}\""),
                );
                None
            }
        }
    }
}

impl Decode for WrongSignals {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["signals", "factor"])?;
        let named = fields.optional_with("signals", signals);
        let factor =
            fields.required_with("factor", |node, reader| reader.number(node, 0.0..=1000.0));
        Some(Self {
            signals: named?.unwrap_or_default(),
            factor: factor?,
        })
    }
}

impl Decode for SlowPods {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["pods", "factor"])?;
        let pods = fields.required("pods");
        let factor =
            fields.required_with("factor", |node, reader| reader.number(node, 1.0..=1000.0));
        Some(Self {
            pods: pods?,
            factor: factor?,
        })
    }
}

fn signals(node: &Node, reader: &mut Reader) -> Option<Vec<Signal>> {
    let each = reader.each(node, |node, reader| {
        let expected = "a signal such as `cpuUsage` or `latency/0.95`";
        reader.parse(node, Code::UnknownVariant, expected, |text| {
            text.parse().ok()
        })
    })?;
    each.into_iter().collect()
}

fn positive(node: &Node, reader: &mut Reader) -> Option<Duration> {
    let duration = Duration::decode(node, reader)?;
    if duration.is_zero() {
        reader.error(
            node,
            Code::OutOfRange,
            "a duration of 0 is too short",
            "a duration above 0",
        );
        return None;
    }
    Some(duration)
}

fn rate(node: &Node, reader: &mut Reader) -> Option<f64> {
    reader.number(node, 0.0..=MAX_RATE)
}
