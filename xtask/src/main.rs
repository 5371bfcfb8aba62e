//! The developers' commands: `cargo xtask ci` is the one gate, the others are its parts.

#[cfg(test)]
mod chart;
mod ci;
mod generate;
mod image;
mod process;
mod tidy;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Every check, in order; the first failure stops.
    Ci {
        /// Leave out tests and doctests, where `cargo test --workspace` has just been run.
        #[arg(long)]
        no_test: bool,
    },
    /// The house rules: crate arrows, manifests, files, sources.
    Tidy,
    /// Write the generated files.
    Generate {
        /// Write nothing; fail where a file would change.
        #[arg(long)]
        check: bool,
    },
    /// Run every example.
    Examples,
    /// Write the container image `ibn.local/ibn:dev` as an archive; no daemon is needed.
    Image {
        /// Where to.
        #[arg(long, default_value = "ibn.tar")]
        out: PathBuf,
        /// The profile of the binary; `release` is built sooner.
        #[arg(long, default_value = "dist")]
        profile: String,
    },
}

fn main() -> Result<()> {
    let Args { command } = Args::parse();
    let root = workspace_root()?;
    match command {
        Command::Ci { no_test } => ci::run(&root, no_test),
        Command::Tidy => tidy::run(&root),
        Command::Generate { check } => generate::run(&root, check),
        Command::Examples => ci::examples(&root),
        Command::Image { out, profile } => image::write(&root, &out, &profile),
    }
}

/// The folder above this package's.
fn workspace_root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(root.context("xtask lies in no workspace")?.to_path_buf())
}
