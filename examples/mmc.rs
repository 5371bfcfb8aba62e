//! A queue by simulation, with its closed form beside it: `mmc --servers 4 --rho 0.9 --customers 20000000 --seed 1 -o json`.
//!
//! `--queue` is one of mm1, mmc, md1, mg1 (with `--cv`), ps and mmck (with `--room`). With `--engine` `recursion` (where it
//! can, the default) or `events` says how it is simulated; both see the same waits.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ibn_sim::Law;
use ibn_sim::queue::{Discipline, Queue};
use serde_json::json;

fn main() -> Result<()> {
    let options = Options::read()?;
    let queue = options.queue()?;
    let started = Instant::now();
    let seen = if options.by_events {
        queue.run_by_events(options.customers, options.seed)?
    } else {
        queue.run_by_recursion(options.customers, options.seed)?
    };
    let seconds = started.elapsed().as_secs_f64();
    let exact = queue.exact();
    let result = json!({
        "queue": options.kind,
        "servers": queue.servers,
        "rho": options.rho,
        "customers": options.customers,
        "seed": options.seed,
        "engine": if options.by_events { "events" } else { "recursion" },
        "customers_per_s": options.customers as f64 / seconds,
        "mean_wait": seen.mean_wait,
        "mean_wait_interval": seen.interval(),
        "mean_wait_exact": exact.mean_wait,
        "p99_wait": seen.p99_wait,
        "p99_wait_exact": exact.p99_wait,
        "lost": seen.lost,
        "lost_exact": exact.lost,
        "little_error": seen.little_error,
    });
    if options.is_json {
        println!("{result}");
    } else {
        // One line a figure, in the unit of a service.
        for (name, value) in result.as_object().context("an object")? {
            println!("{name:20} {value}");
        }
    }
    Ok(())
}

struct Options {
    kind: String,
    servers: u32,
    rho: f64,
    cv: f64,
    room: u32,
    customers: u64,
    seed: u64,
    by_events: bool,
    is_json: bool,
}

impl Options {
    fn read() -> Result<Self> {
        let mut options = Self {
            kind: "mmc".to_owned(),
            servers: 4,
            rho: 0.9,
            cv: 2.0,
            room: 10,
            customers: 200_000,
            seed: 1,
            by_events: false,
            is_json: false,
        };
        let mut engine = None;
        let mut arguments = std::env::args().skip(1);
        while let Some(flag) = arguments.next() {
            let value = arguments
                .next()
                .with_context(|| format!("{flag} needs a value"))?;
            let wrong = || format!("{flag} can't be {value}");
            match flag.as_str() {
                "--queue" => options.kind = value,
                "--servers" => options.servers = value.parse().with_context(wrong)?,
                "--rho" => options.rho = value.parse().with_context(wrong)?,
                "--cv" => options.cv = value.parse().with_context(wrong)?,
                "--room" => options.room = value.parse().with_context(wrong)?,
                "--customers" => options.customers = value.parse().with_context(wrong)?,
                "--seed" => options.seed = value.parse().with_context(wrong)?,
                "--engine" => engine = Some(value),
                "-o" | "--output" => options.is_json = value == "json",
                _ => bail!(
                    "no option {flag}: allowed are --queue, --servers, --rho, --cv, --room, --customers, --seed, --engine, -o"
                ),
            }
        }
        let needs_events = matches!(options.kind.as_str(), "ps" | "mmck");
        options.by_events = match engine.as_deref() {
            None => needs_events,
            Some("events") => true,
            Some("recursion") => false,
            Some(other) => bail!("no engine `{other}`: allowed are recursion and events"),
        };
        Ok(options)
    }

    /// Services take a second on average.
    fn queue(&self) -> Result<Queue> {
        let mean = Duration::from_secs(1);
        let exponential = Law::Exponential { mean };
        let one = |law| Queue::at_load(self.rho, 1, law);
        Ok(match self.kind.as_str() {
            "mm1" => one(exponential),
            "mmc" => Queue::at_load(self.rho, self.servers, exponential),
            "md1" => one(Law::Constant { mean }),
            "mg1" if self.cv < 1.0 => one(Law::Lognormal { mean, cv: self.cv }),
            "mg1" => one(Law::Hyperexponential { mean, cv: self.cv }),
            "ps" => Queue {
                discipline: Discipline::ProcessorSharing,
                ..one(exponential)
            },
            "mmck" => Queue {
                capacity: Some(self.room),
                ..Queue::at_load(self.rho, self.servers, exponential)
            },
            other => bail!("no queue `{other}`: allowed are mm1, mmc, md1, mg1, ps, mmck"),
        })
    }
}
