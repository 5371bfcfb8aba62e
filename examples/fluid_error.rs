//! How far the fluid engine is from the one that serves request by request: `fluid_error --seconds 3600 -o json`.
//!
//! Over a grid of laws, pods and loads, each run is the same workload on both engines, with given pods: the response times over the
//! run, and the CPU used. Then a load that is too much for two minutes: how long until p95 is within the objective again.

use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use ibn_core::units::{Bytes, CpuMillis};
use ibn_sim::fluid::Fleet;
use ibn_sim::{
    Balancing, Cluster, ClusterSpec, Law, MemoryUse, PodSize, RateCurve, SimTime, WorkloadSpec,
};
use serde_json::json;

/// How far the fluid engine is from the one that serves request by request.
#[derive(Parser)]
struct Args {
    /// Simulated seconds of each run.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// `json` for one object a line.
    #[arg(short, long, default_value = "text")]
    output: String,
}

const STEP: Duration = Duration::from_secs(15);

/// Response times in seconds (p50, p95, p99), and cores used.
type Seen = [f64; 4];

fn workload(law: Law, pods: u32, balancing: Balancing, traffic: RateCurve) -> WorkloadSpec {
    WorkloadSpec {
        replicas: pods,
        service: law,
        concurrency: Some(4),
        max_queue: 1000,
        balancing,
        size: PodSize::guaranteed(CpuMillis::new(500), Bytes::new(256 << 20)),
        memory: MemoryUse {
            base: Bytes::new(1 << 20),
            per_request: Bytes::new(0),
        },
        ..WorkloadSpec::new("web", traffic)
    }
}

fn by_requests(spec: &ClusterSpec, seconds: u64, seed: u64) -> Result<Seen> {
    let mut cluster = Cluster::new(spec, seed)?;
    cluster.advance_to(SimTime::from_secs(seconds));
    let metrics = cluster.metrics("web")?;
    let secs = |of: Option<Duration>| of.map_or(f64::NAN, |of| of.as_secs_f64());
    Ok([
        secs(metrics.p50),
        secs(metrics.p95),
        secs(metrics.p99),
        metrics.used_core_hours * 3600.0 / seconds as f64,
    ])
}

/// Means over the steps.
fn by_flow(spec: &ClusterSpec, seconds: u64, seed: u64) -> Result<Seen> {
    let mut fleet = Fleet::new(spec, STEP, seed)?;
    let steps = (seconds / STEP.as_secs()).max(1);
    let mut sums = [0.0; 4];
    for _ in 0..steps {
        fleet.step();
        if let Some(now) = fleet.reading(0) {
            for (sum, value) in sums
                .iter_mut()
                .zip([now.p50, now.p95, now.p99, now.used_cores])
            {
                *sum += value;
            }
        }
    }
    Ok(sums.map(|sum| sum / steps as f64))
}

fn main() -> Result<()> {
    let args = Args::parse();
    let mean = Duration::from_millis(20);
    let laws = [
        ("erlang 4", Law::Erlang { mean, shape: 4 }),
        ("exponential", Law::Exponential { mean }),
        ("lognormal cv 0.8", Law::Lognormal { mean, cv: 0.8 }),
        (
            "hyperexponential cv 2",
            Law::Hyperexponential { mean, cv: 2.0 },
        ),
    ];
    let mut errors: Vec<[f64; 4]> = Vec::new();
    for (name, law) in laws {
        for balancing in [Balancing::Random, Balancing::LeastLoaded] {
            for pods in [1, 4, 16] {
                for load in [0.3, 0.5, 0.7, 0.85] {
                    // A pod of half a core does 25 requests of 20 ms a second.
                    let rate = load * 25.0 * f64::from(pods);
                    let web = workload(law, pods, balancing, RateCurve::constant(rate)?);
                    let spec = ClusterSpec::on_one_node(vec![web]);
                    let exact = by_requests(&spec, args.seconds, args.seed)?;
                    let flow = by_flow(&spec, args.seconds, args.seed)?;
                    let mut off = [0.0; 4];
                    for ((off, flow), exact) in off.iter_mut().zip(flow).zip(exact) {
                        *off = 100.0 * (flow / exact - 1.0);
                    }
                    errors.push(off);
                    let [p50, p95, p99, cpu] = off;
                    if args.output == "json" {
                        println!(
                            "{}",
                            json!({
                                "law": name, "balancing": balancing, "pods": pods, "load": load,
                                "p95_seconds": exact[1], "error_percent": {"p50": p50, "p95": p95, "p99": p99, "cpu": cpu},
                            })
                        );
                    } else {
                        println!(
                            "{name:22} {balancing:?} {pods:3} pods at {load:.2}: p50 {p50:+6.1} %  p95 {p95:+6.1} %  p99 {p99:+6.1} %  cpu {cpu:+5.1} %"
                        );
                    }
                }
            }
        }
    }
    for (place, what) in ["p50", "p95", "p99", "cpu"].into_iter().enumerate() {
        let mut sizes: Vec<f64> = errors
            .iter()
            .filter_map(|of| of.get(place))
            .map(|error| error.abs())
            .collect();
        sizes.sort_by(f64::total_cmp);
        let at = |share: f64| {
            sizes
                .get((share * (sizes.len() - 1) as f64) as usize)
                .copied()
        };
        let (median, nine) = (at(0.5).unwrap_or(f64::NAN), at(0.9).unwrap_or(f64::NAN));
        if args.output == "json" {
            println!(
                "{}",
                json!({"of": what, "median_error_percent": median, "p90_error_percent": nine})
            );
        } else {
            println!("{what}: median error {median:.1} %, nine of ten within {nine:.1} %");
        }
    }
    overload(&args)
}

/// Twice what two pods can do for two minutes, then half of it: seconds until the p95 of steps is within 200 ms again.
fn overload(args: &Args) -> Result<()> {
    let mut rates = vec![25.0; 40];
    rates.extend([100.0; 8]);
    rates.extend([25.0; 80]);
    let law = Law::Exponential {
        mean: Duration::from_millis(20),
    };
    let curve = RateCurve::new(STEP, rates, false)?;
    let spec = ClusterSpec::on_one_node(vec![workload(law, 2, Balancing::LeastLoaded, curve)]);
    // From the end of the overload to the first of four steps in a row that are within the objective.
    let recovered = |p95: &[f64]| {
        let within = p95.get(48..).unwrap_or_default();
        let steps = within
            .windows(4)
            .position(|four| four.iter().all(|p95| *p95 <= 0.2));
        steps.map(|steps| steps as u64 * STEP.as_secs())
    };
    let words = |secs: Option<u64>| secs.map_or("the end".to_owned(), |secs| format!("{secs} s"));
    let (mut cluster, mut fleet) = (
        Cluster::new(&spec, args.seed)?,
        Fleet::new(&spec, STEP, args.seed)?,
    );
    let (mut exact, mut flow) = (Vec::new(), Vec::new());
    for step in 1..=128 {
        cluster.advance_to(SimTime::from_secs(step * STEP.as_secs()));
        let seen = cluster.span("web", STEP)?;
        exact.push(
            seen.and_then(|seen| seen.latencies.quantile(0.95))
                .map_or(0.0, |p95| p95.as_secs_f64()),
        );
        fleet.step();
        flow.push(fleet.reading(0).map_or(0.0, |now| now.p95));
    }
    let peak = |p95: &[f64]| p95.iter().copied().fold(0.0, f64::max);
    let told = json!({
        "overload": {
            "recovered_after_seconds": recovered(&exact), "recovered_after_seconds_fluid": recovered(&flow),
            "highest_p95_seconds": peak(&exact), "highest_p95_seconds_fluid": peak(&flow),
        }
    });
    if args.output == "json" {
        println!("{told}");
    } else {
        println!(
            "overload: p95 at most {:.1} s, by the flow {:.1} s; within 200 ms again after {}, by the flow {}",
            peak(&exact),
            peak(&flow),
            words(recovered(&exact)),
            words(recovered(&flow))
        );
    }
    Ok(())
}
