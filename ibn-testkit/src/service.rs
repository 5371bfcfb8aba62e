//! Tests that need something real: a program, a server, recorded data.

use std::fmt;
use std::io::Write;

/// The variable that lists what must be there: `prometheus,llm,cluster,browser`.
pub const REQUIRE: &str = "IBN_REQUIRE";

/// What a test needs, where it is there. Where it isn't, says aloud that the test is skipped.
///
/// ```no_run
/// # fn start() -> Result<u16, String> { Err("not installed".to_owned()) }
/// let Some(port) = ibn_testkit::service::need("prometheus", start()) else {
///     return;
/// };
/// # let _ = port;
/// ```
///
/// # Panics
/// Where it isn't there and the environment's [`REQUIRE`] names `service`.
pub fn need<T, E: fmt::Display>(service: &str, found: Result<T, E>) -> Option<T> {
    let required = std::env::var(REQUIRE).unwrap_or_default();
    match outcome(service, &required, found) {
        Ok(value) => Some(value),
        Err(message) => {
            // Not by a macro, whose output of tests that pass nobody sees.
            let _ = writeln!(std::io::stderr(), "{message}");
            None
        }
    }
}

fn outcome<T, E: fmt::Display>(
    service: &str,
    required: &str,
    found: Result<T, E>,
) -> Result<T, String> {
    found.map_err(|reason| {
        assert!(
            !required.split(',').any(|it| it.trim() == service),
            "{REQUIRE} asks for {service}: {reason}"
        );
        format!("skipped: no {service}: {reason}")
    })
}

/// Whether `program` can be run, as what [`need`] is told.
///
/// # Errors
/// Says which program is missing.
pub fn program(program: &str) -> Result<(), String> {
    let ran = std::process::Command::new(program)
        .arg("--version")
        .stdin(std::process::Stdio::null())
        .output();
    match ran {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("`{program}` fails: {}", output.status)),
        Err(error) => Err(format!("`{program}` is missing: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_given() {
        assert_eq!(outcome::<_, String>("llm", "llm", Ok(1)), Ok(1));
    }

    #[test]
    fn what_is_missing_and_not_required_is_skipped_aloud() {
        let told = outcome::<(), _>("llm", "prometheus, browser", Err("gone"));
        assert_eq!(told, Err("skipped: no llm: gone".to_owned()));
    }

    #[test]
    #[should_panic(expected = "IBN_REQUIRE asks for llm: gone")]
    fn what_is_missing_and_required_fails() {
        let _ = outcome::<(), _>("llm", "prometheus, llm", Err("gone"));
    }

    #[test]
    fn a_program_is_there_or_not() {
        assert_eq!(program("rustc"), Ok(()));
        assert!(program("no-such-program").is_err());
    }
}
