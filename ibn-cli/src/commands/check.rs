//! `ibn check`: every fault of every file, at once.

use ibn_core::diagnostic::{Diagnostic, Severity};
use ibn_core::read::{Document, Format, Value, parse, read, read_catalog, read_documents};
use ibn_core::validate::validate_against;
use ibn_sim::Scenario;
use serde::Serialize;

use crate::args::CheckArgs;
use crate::exit::{Exit, Failure, Outcome, read_file};
use crate::output;
use crate::settings::{FileSettings, Settings};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    file: String,
    documents: usize,
    diagnostics: Vec<Diagnostic>,
}

pub(crate) fn run(args: &CheckArgs, settings: &Settings) -> Outcome {
    let catalog = match args.catalog.clone().or_else(|| settings.catalog()) {
        Some(path) => {
            let name = path.display().to_string();
            let (catalog, faults) = read_catalog(
                &read_file(&name)?,
                Format::of_file(&name).unwrap_or(Format::Json),
            );
            Some(catalog.ok_or_else(|| Failure::faults(&name, faults))?)
        }
        None => None,
    };
    let mut checked = Vec::new();
    for file in &args.files {
        let text = read_file(file)?;
        let format = Format::of_file(file).unwrap_or(Format::Yaml);
        let alone = if is_scenario(&text, format) {
            Some(Scenario::read(&text, format).1)
        } else if format == Format::Toml {
            Some(read::<FileSettings>(&text, format).1)
        } else {
            None
        };
        if let Some(diagnostics) = alone {
            checked.push(Checked {
                file: file.clone(),
                documents: 1,
                diagnostics,
            });
            continue;
        }
        let (documents, mut diagnostics) = read_documents(&text, format);
        let documents = documents.unwrap_or_default();
        if let Some(catalog) = &catalog {
            for document in &documents {
                if let Document::Intent(intent) = document {
                    diagnostics.extend(validate_against(intent, catalog));
                }
            }
        }
        checked.push(Checked {
            file: file.clone(),
            documents: documents.len(),
            diagnostics,
        });
    }
    let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
    let has_errors = checked
        .iter()
        .any(|checked| checked.diagnostics.iter().any(is_error));
    output::print(settings.output, &checked, || text(&checked))?;
    Ok(if has_errors {
        Exit::Refused
    } else {
        Exit::Done
    })
}

/// Whether a text is, or was to be, a scenario of the simulator: the other kinds of files have none of these keys.
fn is_scenario(text: &str, format: Format) -> bool {
    let (documents, _) = parse(text, format);
    documents.iter().any(|document| match &document.value {
        Value::Map(map) => map
            .entries
            .iter()
            .any(|entry| matches!(entry.key.as_str(), "horizon" | "nodes" | "controlPeriod")),
        _ => false,
    })
}

fn text(checked: &[Checked]) -> String {
    let paint = output::Paint::for_stdout();
    let mut lines = Vec::new();
    for Checked {
        file,
        documents,
        diagnostics,
    } in checked
    {
        for diagnostic in diagnostics {
            lines.push(output::diagnostic_text(diagnostic, Some(file), &paint));
        }
        if diagnostics.is_empty() {
            let plural = if *documents == 1 {
                "document"
            } else {
                "documents"
            };
            lines.push(format!(
                "{} {file}: {documents} {plural}",
                paint.green("ok")
            ));
        }
    }
    lines.join("\n")
}
