//! The log: on standard error, apart from results and progress.

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;
use crate::exit::{Exit, Failure};

/// What is told where nobody says what: what goes wrong in this program.
const DEFAULT: &str = "ibn=warn";

/// What `-v` tells, once, twice and more often.
const LOUDER: [&str; 3] = ["ibn=info", "ibn=debug", "info,ibn=trace"];

/// Starts the log. `directives` win over `verbose`, and both over `RUST_LOG`.
pub(crate) fn start(
    verbose: u8,
    directives: Option<&str>,
    format: LogFormat,
) -> Result<(), Failure> {
    let usual = std::env::var("RUST_LOG").ok();
    let directives = directives.unwrap_or_else(|| chosen(verbose, usual.as_deref()));
    let filter = filter(directives)?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // Only a second log in one process could not be started, and this is the first.
    let _ = match format {
        LogFormat::Text => log
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// What directives let through.
pub(crate) fn filter(directives: &str) -> Result<EnvFilter, Failure> {
    EnvFilter::try_new(directives).map_err(|error| {
        Failure::because(
            Exit::Usage,
            format!("the log can't tell `{directives}`"),
            &error,
        )
        .help("levels, for all or by the part of the program, such as `info` or `ibn_runtime=debug,ibn_server=info`")
    })
}

/// What is told for so many `-v`.
fn chosen(verbose: u8, usual: Option<&str>) -> &str {
    match usize::from(verbose).checked_sub(1) {
        None => usual.unwrap_or(DEFAULT),
        Some(louder) => LOUDER.get(louder).or(LOUDER.last()).unwrap_or(&DEFAULT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_usual_variable() {
        assert_eq!(chosen(0, None), "ibn=warn");
        assert_eq!(chosen(0, Some("debug")), "debug");
        assert_eq!(chosen(1, Some("debug")), "ibn=info");
        assert_eq!(chosen(9, None), "info,ibn=trace");
        for directives in LOUDER.iter().chain([&DEFAULT]) {
            assert!(EnvFilter::try_new(directives).is_ok(), "{directives}");
        }
    }
}
