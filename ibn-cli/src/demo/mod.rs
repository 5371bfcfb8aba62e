//! The demo: three customers on a simulated cluster, driven by a day of traffic.

mod live;
mod once;
mod report;
mod serve;
mod setup;

use std::time::Duration;

use ibn_core::units::parse_duration;

use crate::args::DemoArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::settings::Settings;

/// Runs the demo: with `--once` to its report, otherwise as a page in the browser until it is stopped.
pub(crate) fn run(args: &DemoArgs, settings: &Settings) -> Outcome {
    let args = settings.demo(args);
    match &args.once {
        Some(span) => once::run(&args, settings, span_of(span)?),
        None => live::run(&args, settings),
    }
}

fn span_of(text: &str) -> Result<Duration, Failure> {
    let span = parse_duration(text)
        .ok()
        .filter(|span| *span >= Duration::from_secs(60));
    span.ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`{text}` is no span to simulate"))
            .help("at least `1m`, such as `24h`")
    })
}
