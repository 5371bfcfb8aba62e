//! The subcommands beside the demo.

pub(crate) mod apply;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod crds;
pub(crate) mod explain;
pub(crate) mod get;
pub(crate) mod simulate;
mod tell;
pub(crate) mod translate;
pub(crate) mod undo;
pub(crate) mod what_if;

use std::collections::BTreeSet;

use ibn_core::catalog::Catalog;
use ibn_core::intent::Intent;
use ibn_core::read::{Document, Format, alternatives, read_documents};

use crate::exit::{Failure, read_file};

/// The namespaces of a catalog, those included that only its workloads name.
fn namespaces(catalog: &Catalog) -> BTreeSet<&str> {
    let of_workloads = catalog.workloads.iter().map(|it| it.namespace.as_str());
    let named = catalog.namespaces.iter().map(String::as_str);
    named.chain(of_workloads).collect()
}

/// Which namespaces there are, as help for a wrong one.
fn existing_namespaces(namespaces: &BTreeSet<&str>) -> String {
    let names: Vec<&str> = namespaces.iter().copied().collect();
    format!("what exists: {}", alternatives(&names))
}

/// The intents of a file.
fn intents_of(file: &str) -> Result<Vec<Intent>, Failure> {
    let text = read_file(file)?;
    let format = Format::of_file(file).unwrap_or(Format::Yaml);
    let (documents, faults) = read_documents(&text, format);
    let documents = documents.ok_or_else(|| Failure::faults(file, faults))?;
    documents
        .into_iter()
        .map(|document| match document {
            Document::Intent(intent) => Ok(*intent),
            _ => Err(Failure::new(
                crate::exit::Exit::Usage,
                format!("`{file}` holds more than intents, and only intents can be submitted"),
            )
            .help("guardrails and indicators are installed by an administrator")),
        })
        .collect()
}
