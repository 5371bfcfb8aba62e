//! A queue by simulation, with its closed form beside it: `mmc --servers 4 --rho 0.9 --customers 20000000 --seed 1 -o json`.
//!
//! Both ways to simulate see the same waits.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use ibn_sim::Law;
use ibn_sim::queue::{Discipline, Queue};
use serde_json::json;

/// A queue by simulation, with its closed form beside it. Services take a second on average.
#[derive(Parser)]
struct Args {
    #[arg(long, value_enum, default_value = "mmc")]
    queue: Kind,
    #[arg(long, default_value_t = 4)]
    servers: u32,
    /// Offered load for each server.
    #[arg(long, default_value_t = 0.9)]
    rho: f64,
    /// Coefficient of variation of the service, for `mg1`.
    #[arg(long, default_value_t = 2.0)]
    cv: f64,
    /// Customers that there is room for, for `mmck`.
    #[arg(long, default_value_t = 10)]
    room: u32,
    #[arg(long, default_value_t = 200_000)]
    customers: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How it is simulated; by the recursion where that can be done.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// `json` for one object.
    #[arg(short, long, default_value = "text")]
    output: String,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Kind {
    Mm1,
    Mmc,
    Md1,
    Mg1,
    Ps,
    Mmck,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Engine {
    Recursion,
    Events,
}

impl Args {
    fn engine(&self) -> Engine {
        self.engine.unwrap_or(match self.queue {
            Kind::Ps | Kind::Mmck => Engine::Events,
            _ => Engine::Recursion,
        })
    }

    fn queue(&self) -> Queue {
        let mean = Duration::from_secs(1);
        let exponential = Law::Exponential { mean };
        let one = |law| Queue::at_load(self.rho, 1, law);
        let several = Queue::at_load(self.rho, self.servers, exponential);
        match self.queue {
            Kind::Mm1 => one(exponential),
            Kind::Mmc => several,
            Kind::Md1 => one(Law::Constant { mean }),
            Kind::Mg1 if self.cv < 1.0 => one(Law::Lognormal { mean, cv: self.cv }),
            Kind::Mg1 => one(Law::Hyperexponential { mean, cv: self.cv }),
            Kind::Ps => Queue {
                discipline: Discipline::ProcessorSharing,
                ..one(exponential)
            },
            Kind::Mmck => Queue {
                capacity: Some(self.room),
                ..several
            },
        }
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    let queue = args.queue();
    let started = Instant::now();
    let seen = match args.engine() {
        Engine::Events => queue.run_by_events(args.customers, args.seed)?,
        Engine::Recursion => queue.run_by_recursion(args.customers, args.seed)?,
    };
    let seconds = started.elapsed().as_secs_f64();
    let exact = queue.exact();
    let result = json!({
        "queue": format!("{:?}", args.queue).to_lowercase(),
        "servers": queue.servers,
        "rho": args.rho,
        "customers": args.customers,
        "seed": args.seed,
        "engine": format!("{:?}", args.engine()).to_lowercase(),
        "customers_per_s": args.customers as f64 / seconds,
        "mean_wait": seen.mean_wait,
        "mean_wait_interval": seen.interval(),
        "mean_wait_exact": exact.mean_wait,
        "p99_wait": seen.p99_wait,
        "p99_wait_exact": exact.p99_wait,
        "lost": seen.lost,
        "lost_exact": exact.lost,
        "little_error": seen.little_error,
    });
    if args.output == "json" {
        println!("{result}");
    } else {
        for (name, value) in result.as_object().context("an object")? {
            println!("{name:20} {value}");
        }
    }
    Ok(())
}
