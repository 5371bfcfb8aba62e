//! Progress of long work.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use crate::args::OutputFormat;

/// A progress bar on a terminal, nothing elsewhere and nothing beside output for a program.
#[derive(Clone)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins with so many steps to go.
    pub(crate) fn start(format: OutputFormat, what: &'static str, steps: u64) -> Self {
        let bar = if std::io::stderr().is_terminal() && format == OutputFormat::Text {
            ProgressBar::new(steps)
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} % {eta:>4}")
        {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self(bar)
    }

    /// So many steps are done.
    pub(crate) fn at(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
