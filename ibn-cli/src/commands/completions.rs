//! `ibn completions`.

use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs};

pub(crate) fn run(args: &CompletionsArgs) {
    let mut buffer = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "ibn", &mut buffer);
    crate::output::line(String::from_utf8_lossy(&buffer).trim_end());
}
