//! `ibn check`: every fault of every file, at once.

use ibn_assurance::prometheus::Templates;
use ibn_core::catalog::Catalog;
use ibn_core::diagnostic::{Code, Diagnostic, Severity};
use ibn_core::indicator::Indicator;
use ibn_core::intent::Intent;
use ibn_core::read::{
    Document, Format, Node, Value, decode, parse, quote, read, read_catalog, read_documents,
};
use ibn_core::validate::validate_against;
use ibn_core::workload::WorkloadKind;
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
            Some(settings_faults(&text))
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
        diagnostics.extend(beyond_the_reader(&text, format, catalog.as_ref()));
        diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        checked.push(Checked {
            file: file.clone(),
            documents: documents.unwrap_or_default().len(),
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

/// What the reader of documents can't tell: whether queries are PromQL, and whether names are in the catalog. A document that has
/// faults of its own is left out, and those beside it aren't.
fn beyond_the_reader(text: &str, format: Format, catalog: Option<&Catalog>) -> Vec<Diagnostic> {
    let (nodes, _) = parse(text, format);
    let mut found = Vec::new();
    for node in nodes.iter().flat_map(items) {
        let (document, _) = decode::<Document>(node);
        let mut faults = match (&document, catalog) {
            (Some(Document::Indicator(indicator)), _) => {
                query_fault(indicator).into_iter().collect()
            }
            (Some(Document::Intent(intent)), Some(catalog)) => name_faults(intent, catalog),
            _ => Vec::new(),
        };
        node.place(&mut faults);
        found.extend(faults);
    }
    found
}

/// The items of a `List`, as kubectl prints several objects; else the document itself.
fn items(node: &Node) -> Vec<&Node> {
    let is_list =
        matches!(node.get("kind"), Some(kind) if kind.value == Value::Text("List".to_owned()));
    match node.get("items").map(|items| &items.value) {
        Some(Value::List(items)) if is_list => items.iter().collect(),
        _ => vec![node],
    }
}

/// Whether the query, its placeholders filled, is PromQL that gives a value.
fn query_fault(indicator: &Indicator) -> Option<Diagnostic> {
    let error = Templates::empty().with_indicator(indicator).err()?;
    let reason = match &error {
        ibn_assurance::Error::Template { reason, .. } => reason.clone(),
        _ => error.to_string(),
    };
    // What the parser says may take several lines.
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(Diagnostic::error(
        Code::InvalidQuery,
        "spec.query",
        format!("the query is no PromQL: {reason}"),
        "a PromQL expression that gives a vector with one result, or a number",
    ))
}

/// The names of an intent that aren't in the catalog. Where its namespace isn't, that is the fault, whatever it asks for in there.
fn name_faults(intent: &Intent, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut faults = validate_against(intent, catalog);
    let target = intent.workload();
    if target.kind == WorkloadKind::Namespace {
        return faults;
    }
    let namespace = quote(&target.namespace);
    let namespaces = super::namespaces(catalog);
    let unknown = faults
        .iter_mut()
        .filter(|fault| fault.code == Code::UnknownTarget);
    if !namespaces.contains(target.namespace.as_str()) {
        for fault in unknown {
            fault.path = "metadata.namespace".to_owned();
            fault.message = format!("there is no namespace {namespace}");
            fault.help = super::existing_namespaces(&namespaces);
        }
        return faults;
    }
    let is_empty = || {
        let mut workloads = catalog.workloads.iter();
        !workloads.any(|known| known.namespace == target.namespace)
    };
    if is_empty() {
        for fault in unknown {
            fault.help = format!("there is no workload in namespace {namespace}");
        }
    }
    faults
}

/// The faults of a settings file, those of values that can be read but not used included.
fn settings_faults(text: &str) -> Vec<Diagnostic> {
    let (settings, mut faults) = read::<FileSettings>(text, Format::Toml);
    if let Some(settings) = settings {
        faults.extend(settings.unusable());
        let (nodes, _) = parse(text, Format::Toml);
        for node in &nodes {
            node.place(&mut faults);
        }
        faults.sort_by_key(|fault| (fault.line, fault.column));
    }
    faults
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
