//! `ibn`: say what an application on Kubernetes should do, and have it done, measured and kept.
//!
//! The binary only composes: every rule lives in a library crate.

mod args;
mod client;
mod commands;
mod controller;
mod demo;
mod evaluate;
mod exit;
mod logging;
mod output;
mod progress;
mod recommenders;
mod settings;
mod signals;
mod train;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command, OutputFormat};
use crate::exit::{Exit, Failure, Outcome};

fn main() -> ExitCode {
    let given = args::with_default_command(std::env::args_os());
    let args = match Args::try_parse_from(&given) {
        Ok(args) => args,
        Err(error) => return usage(&error, &given),
    };
    let mut format = args.global.output.unwrap_or_default();
    let outcome = settings::Settings::load(&args.global).and_then(|settings| {
        format = settings.output;
        run(args, &settings)
    });
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::failure(format, &failure);
            failure.exit.into()
        }
    }
}

/// Tells of wrong arguments; to a program as a document, where it asked for that as far as can be seen. Help is no fault.
fn usage(error: &clap::Error, given: &[OsString]) -> ExitCode {
    let format = args::format_of(given);
    if error.use_stderr() && format != OutputFormat::Text {
        let text = error.render().to_string();
        let message = text.trim().trim_start_matches("error: ").to_owned();
        output::failure(format, &Failure::new(Exit::Usage, message));
    } else {
        // Nobody may be listening.
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn run(args: Args, settings: &settings::Settings) -> Outcome {
    match args
        .command
        .unwrap_or(Command::Demo(args::DemoArgs::default()))
    {
        Command::Demo(args) => demo::run(&args, settings),
        Command::Translate(args) => commands::translate::run(&args, settings),
        Command::WhatIf(args) => commands::what_if::run(&args, settings),
        Command::Apply(args) => commands::apply::run(&args, settings),
        Command::Undo(args) => commands::undo::run(&args, settings),
        Command::Simulate(args) => commands::simulate::run(&args, settings),
        Command::Evaluate(args) => evaluate::run(&args, settings),
        Command::Train(args) => train::run(&args, settings),
        Command::Approve(args) => commands::undo::approve(&args, settings),
        Command::Get(args) => commands::get::run(&args, settings),
        Command::Explain(args) => commands::explain::run(&args, settings),
        Command::Check(args) => commands::check::run(&args, settings),
        Command::Crds => commands::crds::run(settings),
        Command::Controller(args) => controller::run(&args, settings),
        Command::Completions(args) => {
            commands::completions::run(&args);
            Ok(Exit::Done)
        }
    }
}
