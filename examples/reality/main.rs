//! Holds the simulator against a real cluster: `reality DIR -o json` simulates every run that was recorded there, from its
//! load alone, and says how far off it is. Ends with exit code 1 where a bar is missed.

mod autoscale;
mod dynamic;
mod laws;
mod load;
mod record;
mod report;
mod shop;
mod steady;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{CommandFactory, Parser, ValueEnum};

use ibn_sim::Kernel;

use laws::Laws;
use record::Line;
use report::{Report, Run};

/// Holds the simulator against runs that were recorded on a real cluster.
///
/// Each run is simulated request by request from its profile and seed, several times where phases are unknown; the errors
/// are those of the simulations together.
#[derive(Parser)]
#[command(
    after_help = "Example: reality ../shared/measurements -o json\n\nExit code: 0 where all bars are met, 1 where one is missed, and where the files can't be read."
)]
struct Args {
    /// The directory with `steady.jsonl.gz` and `dynamics.jsonl.gz`.
    directory: Option<PathBuf>,
    /// How results are told.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table, and whether each bar is met.
    Text,
    /// One object: `runs`, `laws`, `summary`, `met`.
    Json,
}

/// How each run is simulated.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Settings {
    /// Simulations of each run; they differ in the phases of quota periods, syncs and looks, and in random choices of pods.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) phases: u16,
    /// The seed of the first simulation; the others follow.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Simulate the container's quota alone, without what the kernel does besides.
    #[arg(long)]
    pub(crate) one_quota: bool,
}

impl Settings {
    pub(crate) fn kernel(&self) -> Kernel {
        if self.one_quota {
            Kernel::default()
        } else {
            Kernel::MEASURED
        }
    }

    /// One seed for each simulation.
    pub(crate) fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        let first = self.seed;
        (0..u64::from(self.phases)).map(move |number| first.wrapping_add(number))
    }
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let Some(directory) = args.directory else {
        // The recorded runs are no part of the project, and examples are run without arguments.
        Args::command().print_long_help()?;
        return Ok(ExitCode::SUCCESS);
    };
    let lines = record::read_directory(&directory)?;
    let report = compare(&lines, &args.settings)?;
    match args.output {
        Output::Text => print!("{report}"),
        Output::Json => println!("{}", serde_json::to_string(&report)?),
    }
    Ok(ExitCode::from(u8::from(!report.is_met())))
}

/// Simulates every recorded run.
fn compare(lines: &[Line], settings: &Settings) -> Result<Report> {
    let laws = Laws::fit(lines, settings)?;
    let mut runs = Vec::new();
    for line in lines {
        let named = |id: &str| format!("can't simulate the run `{id}`");
        let run = match line {
            Line::Steady(run) => steady::compare(run, "steady", &laws, settings)
                .map(Run::Steady)
                .with_context(|| named(&run.id))?,
            Line::Overload(run) => steady::compare(run, "overload", &laws, settings)
                .map(Run::Steady)
                .with_context(|| named(&run.id))?,
            Line::Hpa(run) => autoscale::compare(run, &laws, settings)
                .map(Run::Autoscale)
                .with_context(|| named(&run.id))?,
            Line::Kill(run) => dynamic::compare(run, "kill", &laws, settings)
                .map(Run::Dynamic)
                .with_context(|| named(&run.id))?,
            Line::ResizeLoad(run) => dynamic::compare(run, "resize-load", &laws, settings)
                .map(Run::Dynamic)
                .with_context(|| named(&run.id))?,
            Line::Startup(_) | Line::Resize(_) => continue,
        };
        runs.push(run);
    }
    if runs.is_empty() && laws.fits.is_empty() {
        bail!("there is nothing to compare");
    }
    Ok(Report::new(runs, laws))
}
