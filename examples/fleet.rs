//! A fleet of workloads in the fluid engine, each with its autoscaler: `fleet --workloads 10000 --pods-per 10 --steps 100 -o json`.
//!
//! Prints the time of a step, decisions and churn included, and the memory of the process.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use ibn_core::units::{Bytes, CpuMillis};
use ibn_sim::fluid::{Fleet, FleetHpa};
use ibn_sim::{ClusterSpec, DayCurve, Law, NodeSpec, PodSize, Seeds, WorkloadSpec};
use serde_json::json;

/// A fleet of workloads in the fluid engine, each with its autoscaler.
#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 1000)]
    workloads: u32,
    /// Pods of each workload at the start.
    #[arg(long, default_value_t = 10)]
    pods_per: u32,
    /// Steps of 15 s.
    #[arg(long, default_value_t = 20)]
    steps: u32,
    #[arg(long, default_value_t = 1000)]
    nodes: u32,
    /// The share of pods that crash in a step.
    #[arg(long, default_value_t = 0.01)]
    churn: f64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// `json` for one object.
    #[arg(short, long, default_value = "text")]
    output: String,
}

fn main() -> Result<()> {
    let Args {
        workloads,
        pods_per,
        steps,
        nodes,
        churn,
        seed,
        output,
    } = Args::parse();
    let built = Instant::now();
    let spec = cluster(workloads, pods_per, nodes, seed)?;
    let mut fleet = Fleet::new(&spec, Duration::from_secs(15), seed)?;
    let mut autoscalers = FleetHpa::new(fleet.len(), 70, 1, pods_per.max(1) * 2);
    let build_s = built.elapsed().as_secs_f64();
    let started = Instant::now();
    let (mut decisions, mut crashed) = (0, 0);
    for step in 0..steps as usize {
        // A pod of every hundredth workload, in turn, and so on: the given share of all pods.
        let every = (1.0 / (churn * f64::from(pods_per)).max(1e-9)).max(1.0) as usize;
        for index in (step % every..fleet.len()).step_by(every) {
            fleet.crash(index, 1);
            crashed += usize::from(churn > 0.0);
        }
        fleet.step();
        decisions += autoscalers.sync(&mut fleet);
    }
    let step_ms = started.elapsed().as_secs_f64() * 1e3 / f64::from(steps);
    let (mut core_hours, mut violated) = (0.0, 0);
    for index in 0..fleet.len() {
        let totals = fleet.totals(index).context("the workload is there")?;
        core_hours += totals.core_hours;
        violated += totals.violated;
    }
    let result = json!({
        "workloads": fleet.len(),
        "pods": fleet.placed_pods(),
        "nodes": nodes,
        "steps": steps,
        "build_s": build_s,
        "step_ms": step_ms,
        "rss_mib": resident_mib(),
        "scaled": decisions,
        "crashed_pods": crashed,
        "core_hours": core_hours,
        "violated": violated as f64 / f64::from(steps.saturating_mul(workloads).max(1)),
    });
    if output == "json" {
        println!("{result}");
    } else {
        for (name, value) in result.as_object().context("an object")? {
            println!("{name:14} {value}");
        }
    }
    Ok(())
}

/// Workloads that differ in the time of their peak, in ten kinds of requests, on nodes that have room for all.
fn cluster(workloads: u32, pods: u32, nodes: u32, seed: u64) -> Result<ClusterSpec> {
    let size = PodSize::guaranteed(CpuMillis::new(500), Bytes::new(128 << 20));
    let seeds = Seeds::new(seed);
    let specs = (0..workloads).map(|number| {
        let work = Duration::from_millis(u64::from(4 + 4 * (number % 10)));
        // Two thirds of what the pods can do, on average.
        let mean = 0.5 * f64::from(pods) / work.as_secs_f64() * 0.66;
        let day = DayCurve {
            mean,
            peak_hour: f64::from(number % 24),
            ..DayCurve::default()
        };
        let name = format!("w{number}");
        let mut workload = WorkloadSpec::new(&name, day.curve(1, seeds, &name)?);
        workload.replicas = pods;
        workload.size = size;
        workload.service = Law::Exponential { mean: work };
        Ok(workload)
    });
    let workloads = specs.collect::<Result<Vec<_>>>()?;
    let all = u64::from(workloads.len() as u32) * u64::from(pods);
    let per_node = (all * 2).div_ceil(u64::from(nodes.max(1)));
    let nodes = (0..nodes)
        .map(|number| {
            let cpu = CpuMillis::new(per_node * 500);
            let memory = Bytes::new(per_node * (128 << 20));
            NodeSpec {
                max_pods: u32::try_from(per_node).unwrap_or(u32::MAX),
                ..NodeSpec::new(&format!("n{number}"), cpu, memory)
            }
        })
        .collect();
    Ok(ClusterSpec {
        nodes,
        ..ClusterSpec::on_one_node(workloads)
    })
}

/// The memory of this process, as Linux tells it; `None` elsewhere.
fn resident_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
