//! Printing results and failures.

use std::io::{IsTerminal, Write};

use ibn_core::diagnostic::{Diagnostic, Severity};
use serde::Serialize;

use crate::args::OutputFormat;
use crate::exit::{Exit, Failure};

/// Prints a result in the format that was asked for; `text` is what a person gets.
pub(crate) fn print<T: Serialize>(
    format: OutputFormat,
    value: &T,
    text: impl FnOnce() -> String,
) -> Result<(), Failure> {
    let rendered = match format {
        OutputFormat::Text => text(),
        OutputFormat::Json => serde_json::to_string_pretty(value).map_err(|error| {
            Failure::because(Exit::Failed, "the result can't be written as JSON", &error)
        })?,
        OutputFormat::Yaml => serde_saphyr::to_string(value).map_err(|error| {
            Failure::because(Exit::Failed, "the result can't be written as YAML", &error)
        })?,
    };
    line(rendered.trim_end());
    Ok(())
}

/// Prints to standard output. A reader that has gone away is no failure.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Tells a person something beside the result.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A failure for a program.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToldFailure<'f> {
    error: &'f crate::exit::Told,
}

/// Tells a failure on standard error: to a person, or, where the result was to be for a program, as one document with the key `error`.
pub(crate) fn failure(format: OutputFormat, failure: &Failure) {
    let told = ToldFailure { error: failure };
    let document = match format {
        OutputFormat::Text => None,
        OutputFormat::Json => serde_json::to_string_pretty(&told).ok(),
        OutputFormat::Yaml => serde_saphyr::to_string(&told).ok(),
    };
    match document {
        Some(document) => note(document.trim_end()),
        None => failure_text(failure),
    }
}

fn failure_text(failure: &Failure) {
    let paint = Paint::for_stderr();
    let mut text = format!("{}: {}", paint.red("error"), failure.message);
    for cause in &failure.causes {
        text.push_str(&format!("\n  because: {cause}"));
    }
    for diagnostic in &failure.diagnostics {
        text.push('\n');
        text.push_str(&diagnostic_text(
            diagnostic,
            failure.file.as_deref(),
            &paint,
        ));
    }
    if let Some(help) = &failure.help {
        text.push_str(&format!("\n  {}: {help}", paint.cyan("help")));
    }
    note(&text);
}

/// One fault of an input, as `file:line:column` that an editor can jump to.
pub(crate) fn diagnostic_text(
    diagnostic: &Diagnostic,
    file: Option<&str>,
    paint: &Paint,
) -> String {
    let severity = match diagnostic.severity {
        Severity::Warning => paint.yellow("warning"),
        Severity::Error => paint.red("error"),
    };
    let mut place = file.unwrap_or_default().to_owned();
    if let Some(line) = diagnostic.line {
        place.push_str(&format!(":{line}"));
        if let Some(column) = diagnostic.column {
            place.push_str(&format!(":{column}"));
        }
    }
    let mut text = format!("{severity}[{}]: {}", diagnostic.code, diagnostic.message);
    let at = [place.as_str(), diagnostic.path.as_str()]
        .iter()
        .filter(|part| !part.is_empty())
        .copied()
        .collect::<Vec<_>>();
    if !at.is_empty() {
        text.push_str(&format!("\n  --> {}", at.join(" at ")));
    }
    if !diagnostic.help.is_empty() {
        text.push_str(&format!("\n  {}: {}", paint.cyan("help"), diagnostic.help));
    }
    text
}

/// Colour, where the stream is a terminal and nobody asked for none.
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// For standard error.
    pub(crate) fn for_stderr() -> Self {
        Self::when(std::io::stderr().is_terminal())
    }

    /// For standard output.
    pub(crate) fn for_stdout() -> Self {
        Self::when(std::io::stdout().is_terminal())
    }

    fn when(terminal: bool) -> Self {
        Self {
            on: terminal && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    fn with(&self, code: &str, text: &str) -> String {
        if self.on {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn red(&self, text: &str) -> String {
        self.with("31;1", text)
    }

    pub(crate) fn yellow(&self, text: &str) -> String {
        self.with("33;1", text)
    }

    pub(crate) fn green(&self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn cyan(&self, text: &str) -> String {
        self.with("36", text)
    }

    pub(crate) fn dim(&self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }
}

/// A table for a person: columns as wide as they need to be, the header in bold.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let paint = Paint::for_stdout();
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let pad = |cells: Vec<String>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| {
                format!(
                    "{cell}{}",
                    " ".repeat(width.saturating_sub(cell.chars().count()))
                )
            })
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![paint.bold(&pad(header.iter().map(ToString::to_string).collect()))];
    lines.extend(rows.iter().map(|row| pad(row.clone())));
    lines.join("\n")
}
