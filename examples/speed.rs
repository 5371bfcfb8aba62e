//! How fast the simulator is on one core: `speed --seconds 3 -o json`.
//!
//! - *cluster*: 50 pods of one core each with 16 threads (processor sharing), power of two choices, time-outs, histograms and the hash of all events.
//! - *hold*: the queue of events alone, with 10,000 pending; an event is taken out and one put in.
//! - *ping-pong*: two processes that send each other messages. The same in DSLab's kernel is `benches/simcore`.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use ibn_core::units::{Bytes, CpuMillis};
use ibn_sim::queue::Agenda;
use ibn_sim::{
    Balancing, Cluster, ClusterSpec, Law, NodeSpec, PodSize, RateCurve, SimTime, WorkloadSpec,
};
use serde_json::json;

/// How fast the simulator is on one core.
#[derive(Parser)]
struct Args {
    /// Seconds that each measurement takes, about.
    #[arg(long, default_value_t = 0.2)]
    seconds: f64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// `json` for one object.
    #[arg(short, long, default_value = "text")]
    output: String,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let requests = cluster(args.seconds, args.seed)?;
    let hold = rate(args.seconds, hold);
    let ours = rate(args.seconds, ping_pong);
    if args.output == "json" {
        println!(
            "{}",
            json!({
                "cluster_requests_per_s": requests, "hold_events_per_s": hold,
                "ping_pong_events_per_s": ours,
            })
        );
    } else {
        for (what, per_s) in [
            ("cluster, requests", requests),
            ("hold, events", hold),
            ("ping-pong, events", ours),
        ] {
            println!("{what:30} {:8.2} M/s", per_s / 1e6);
        }
    }
    Ok(())
}

/// Events a second of a run of so many, repeated for about so long; the best of the repetitions.
fn rate(seconds: f64, run: fn(u64)) -> f64 {
    let events = 1_000_000;
    let (begun, mut best) = (Instant::now(), 0.0f64);
    loop {
        let start = Instant::now();
        run(events);
        best = best.max(events as f64 / start.elapsed().as_secs_f64());
        if begun.elapsed().as_secs_f64() > seconds {
            return best;
        }
    }
}

/// Requests a second.
fn cluster(seconds: f64, seed: u64) -> Result<f64> {
    let pods = 50;
    let nodes = (1..=pods).map(|number| {
        let name = format!("node-{number}");
        NodeSpec::new(&name, CpuMillis::new(1000), Bytes::new(4 << 30))
    });
    let web = WorkloadSpec {
        replicas: pods,
        size: PodSize {
            cpu_limit: None,
            ..PodSize::guaranteed(CpuMillis::new(1000), Bytes::new(1 << 30))
        },
        service: Law::Exponential {
            mean: Duration::from_millis(10),
        },
        concurrency: Some(16),
        timeout: Some(Duration::from_secs(1)),
        balancing: Balancing::PowerOfTwo,
        // 70 % of what 50 cores can do.
        ..WorkloadSpec::new("web", RateCurve::constant(3500.0)?)
    };
    let spec = ClusterSpec {
        nodes: nodes.collect(),
        ..ClusterSpec::on_one_node(vec![web])
    };
    let mut cluster = Cluster::new(&spec, seed)?;
    let begun = Instant::now();
    let mut simulated = 0;
    while begun.elapsed().as_secs_f64() < seconds {
        simulated += 60;
        cluster.advance_to(SimTime::from_secs(simulated));
    }
    let took = begun.elapsed().as_secs_f64();
    let served = cluster.metrics("web")?.counts.finished();
    Ok(served as f64 / took)
}

/// A small generator, the same for all.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Takes out the earliest of 10,000 and puts in one at a random time after it.
fn hold(events: u64) {
    let (mut agenda, mut state) = (Agenda::new(), 88_172_645_463_325_252);
    for event in 0..10_000u32 {
        agenda.push(next(&mut state) >> 40, event);
    }
    for _ in 0..events {
        if let Some((at, event)) = agenda.pop() {
            agenda.push(at + (next(&mut state) >> 40), event);
        }
    }
}

/// A process of ours: it answers each message after a second of simulated time.
trait Process {
    fn on(&mut self, now: u64, from: usize, agenda: &mut Agenda<Message>);
}

#[derive(Clone, Copy)]
struct Message {
    from: usize,
    to: usize,
}

struct Answering {
    own: usize,
    heard: u64,
}

impl Process for Answering {
    fn on(&mut self, now: u64, from: usize, agenda: &mut Agenda<Message>) {
        self.heard += 1;
        let answer = Message {
            from: self.own,
            to: from,
        };
        agenda.push(now + 1_000_000_000, answer);
    }
}

fn ping_pong(events: u64) {
    let mut processes: Vec<Box<dyn Process>> = (0..2)
        .map(|own| Box::new(Answering { own, heard: 0 }) as Box<dyn Process>)
        .collect();
    let mut agenda = Agenda::new();
    agenda.push(0, Message { from: 0, to: 1 });
    for _ in 0..events {
        if let Some((now, message)) = agenda.pop()
            && let Some(process) = processes.get_mut(message.to)
        {
            process.on(now, message.from, &mut agenda);
        }
    }
}
