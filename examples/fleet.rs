//! A fleet of workloads in the fluid engine, each with its autoscaler: `fleet --workloads 10000 --pods-per 10 --steps 100 -o json`.
//!
//! `--nodes` (1,000 by default), `--churn` (the share of pods that crash in a step, 0.01) and `--seed` besides. Prints the time
//! of a step, decisions and churn included, and the memory of the process.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ibn_core::units::{Bytes, CpuMillis};
use ibn_sim::fluid::{Fleet, FleetHpa};
use ibn_sim::{ClusterSpec, DayCurve, Law, NodeSpec, PodSize, Seeds, WorkloadSpec};
use serde_json::json;

fn main() -> Result<()> {
    let mut numbers = [
        ("--workloads", 1000.0),
        ("--pods-per", 10.0),
        ("--steps", 20.0),
    ]
    .into_iter()
    .chain([("--nodes", 1000.0), ("--churn", 0.01), ("--seed", 1.0)])
    .collect::<Vec<_>>();
    let mut is_json = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments
            .next()
            .with_context(|| format!("{flag} needs a value"))?;
        if flag == "-o" || flag == "--output" {
            is_json = value == "json";
        } else if let Some((_, number)) = numbers.iter_mut().find(|(name, _)| *name == flag) {
            *number = value
                .parse()
                .with_context(|| format!("{flag} can't be {value}"))?;
        } else {
            let names: Vec<&str> = numbers.iter().map(|(name, _)| *name).collect();
            bail!("no option {flag}: allowed are {}, -o", names.join(", "));
        }
    }
    let [workloads, pods, steps, nodes, churn, seed] = <[f64; 6]>::try_from(
        numbers
            .iter()
            .map(|(_, number)| *number)
            .collect::<Vec<_>>(),
    )
    .map_err(|_| anyhow::anyhow!("six numbers"))?;

    let built = Instant::now();
    let spec = cluster(workloads as u32, pods as u32, nodes as u32, seed as u64)?;
    let mut fleet = Fleet::new(&spec, Duration::from_secs(15), seed as u64)?;
    let mut autoscalers = FleetHpa::new(fleet.len(), 70, 1, (pods as u32).max(1) * 2);
    let build_s = built.elapsed().as_secs_f64();
    let started = Instant::now();
    let (mut decisions, mut crashed) = (0, 0);
    for step in 0..steps as usize {
        // A pod of every hundredth workload, in turn, and so on: the given share of all pods.
        let every = (1.0 / (churn * pods).max(1e-9)).max(1.0) as usize;
        for index in (step % every..fleet.len()).step_by(every) {
            fleet.crash(index, 1);
            crashed += usize::from(churn > 0.0);
        }
        fleet.step();
        decisions += autoscalers.sync(&mut fleet);
    }
    let step_ms = started.elapsed().as_secs_f64() * 1e3 / steps;
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
        "violated": violated as f64 / (steps * workloads).max(1.0),
    });
    if is_json {
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
