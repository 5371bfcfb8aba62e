//! The reader and the rules, on files, on mutants of files, on generated values and on hostile input.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper of tests fails as a test does"
)]

mod config;
mod fixtures;
mod hostile;
mod mutants;
mod page;
mod roundtrip;
mod rules;
mod schemas;

use ibn_core::diagnostic::Diagnostic;
use ibn_core::read::{Format, read, read_documents};

/// Reads a text as what the name of its file says; whether a value came out.
fn read_as(name: &str, text: &str, format: Format) -> (bool, Vec<Diagnostic>) {
    use ibn_core::{catalog, guardrail, indicator, intent};
    fn usable<T>((value, diagnostics): (Option<T>, Vec<Diagnostic>)) -> (bool, Vec<Diagnostic>) {
        (value.is_some(), diagnostics)
    }
    let kind = name.split('-').next().unwrap_or_default();
    match kind {
        "intent" => usable(read::<intent::Intent>(text, format)),
        "guardrail" => usable(read::<guardrail::Guardrail>(text, format)),
        "indicator" => usable(read::<indicator::Indicator>(text, format)),
        "catalog" => usable(read::<catalog::Catalog>(text, format)),
        "config" => usable(read::<config::Config>(text, format)),
        "documents" => usable(read_documents(text, format)),
        _ => panic!("`{name}` does not begin with what it holds"),
    }
}

/// Every file of a folder of fixtures: its name, format and text, in order of name.
fn files(folder: &str) -> Vec<(String, Format, String)> {
    let folder = format!("{}/fixtures/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            let format = Format::of_file(&name)?;
            Some((name, format, std::fs::read_to_string(path).ok()?))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}
