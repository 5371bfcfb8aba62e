//! The demo: three customers on a simulated cluster, driven by a day of traffic.

mod live;
mod once;
mod report;
mod serve;
mod setup;

use std::time::Duration;

use ibn_core::units::parse_duration;

use crate::args::DemoArgs;
use crate::commands::translate::translator;
use crate::exit::{Exit, Failure, Outcome};
use crate::settings::Settings;

/// Runs the demo: with `--once` to its report, otherwise as a page in the browser until it is stopped.
pub(crate) fn run(args: &DemoArgs, settings: &Settings) -> Outcome {
    let args = settings.demo(args);
    match &args.once {
        Some(span) => {
            // Nothing is said in such a run; a model that can't be had is a slip all the same.
            translator(&args.model)?;
            once::run(&args, settings, span_of(span)?)
        }
        None => {
            if let Some(listen) = &args.listen {
                address(listen)?;
            }
            live::run(&args, settings)
        }
    }
}

/// Whether one can listen on what is named, as far as can be seen of it.
pub(crate) fn address(listen: &str) -> Result<(), Failure> {
    let is_address = listen
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if is_address {
        return Ok(());
    }
    let message = format!("can't listen on `{listen}`: it is no address with a port");
    Err(Failure::new(Exit::Usage, message).help(LISTEN_HELP))
}

const LISTEN_HELP: &str =
    "an address of this machine and a port, such as `--listen 127.0.0.1:8080`";

/// Whether there is such a recommender that the demo can follow.
pub(crate) fn recommender(name: &str) -> Result<(), Failure> {
    let args = DemoArgs {
        recommender: Some(name.to_owned()),
        ..DemoArgs::default()
    };
    setup::recommender(&args).map(drop)
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
