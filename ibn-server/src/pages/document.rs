//! Intents as documents: written, checked and previewed without any sentence.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ibn_core::diagnostic::Diagnostic;
use ibn_core::intent::{Intent, OriginKind};
use ibn_core::read::{Document, Format, read_documents};
use ibn_core::workload::WorkloadKind;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Frame, Section};
use super::{parts, yaml};
use crate::error::Result;
use crate::extract::{Form, Query};
use crate::reading::{self, INTENTS};
use crate::state::ServerState;

#[derive(Debug, Deserialize)]
pub(crate) struct From {
    /// A reading whose intents are to be edited.
    reading: Option<String>,
    /// An intent that is to be edited, as `namespace/name`.
    intent: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Written {
    document: String,
}

/// `GET /document`.
pub(crate) async fn page(
    State(server): State<ServerState>,
    Query(from): Query<From>,
) -> Result<Markup> {
    let text = match (from.reading, from.intent) {
        (Some(id), _) => {
            let reading = server.readings().get(&id)?;
            let documents: Vec<String> = reading.intents.iter().map(own_part).collect();
            documents.join("---\n")
        }
        (None, Some(key)) => {
            let engine = server.control().state();
            engine
                .intents()
                .find(|intent| intent.key().to_string() == key)
                .map(|intent| own_part(intent))
                .unwrap_or_default()
        }
        (None, None) => template(&server),
    };
    Ok(form(&server, &text, &[]))
}

/// `POST /document`: leads to what would come of it, or shows what is wrong.
pub(crate) async fn preview(
    State(server): State<ServerState>,
    Form(written): Form<Written>,
) -> Result<Response> {
    let (documents, faults) = read_documents(&written.document, Format::Yaml);
    let Some(documents) = documents else {
        return Ok(form(&server, &written.document, &faults).into_response());
    };
    let mut intents: Vec<Intent> = Vec::new();
    for document in documents {
        if let Document::Intent(mut intent) = document {
            reading::set_by_system(&mut intent, OriginKind::User);
            intents.push(*intent);
        }
    }
    if intents.is_empty() || intents.len() > INTENTS {
        return Ok(form(&server, &written.document, &[no_intents(intents.len())]).into_response());
    }
    let reading = reading::read_intents(&server, "", intents).await?;
    Ok(super::back_to(&format!("/readings/{}", reading.id), &[]))
}

fn no_intents(count: usize) -> Diagnostic {
    Diagnostic {
        code: ibn_core::diagnostic::Code::OutOfRange,
        severity: ibn_core::diagnostic::Severity::Error,
        path: String::new(),
        line: None,
        column: None,
        message: format!("there are {count} intents in the document"),
        help: format!("from 1 to {INTENTS} documents of kind `Intent`"),
    }
}

/// The document without what only the system writes.
fn own_part(intent: &Intent) -> String {
    let mut own = intent.clone();
    reading::set_by_system(&mut own, OriginKind::User);
    own.spec.origin = None;
    yaml::yaml(&own)
}

/// A document to begin with, on the first workload that there is.
fn template(server: &ServerState) -> String {
    let engine = server.control().state();
    let workload = engine
        .inventory()
        .workloads
        .keys()
        .find(|workload| workload.kind != WorkloadKind::Namespace);
    let (namespace, kind, name) = workload.map_or(("acme", "Deployment", "web"), |workload| {
        (
            workload.namespace.as_str(),
            workload.kind.as_str(),
            workload.name.as_str(),
        )
    });
    format!(
        "apiVersion: ibn.dev/v1alpha1\nkind: Intent\nmetadata: {{name: {name}-fast, namespace: {namespace}}}\nspec:\n  \
         target: {{kind: {kind}, name: {name}}}\n  expectations:\n  - objective: {{indicator: latency, quantile: 0.95, atMost: 200ms}}\n  \
         constraints:\n    replicas: {{max: 12}}\n  preference: cost\n"
    )
}

fn form(server: &ServerState, text: &str, faults: &[Diagnostic]) -> Markup {
    let frame = Frame {
        server,
        title: "Intent as a document",
        section: Section::Other,
        path: "/document",
        told: None,
    };
    frame.around(&html! {
        div.page-head {
            h1 { "Intent as a document" }
            p.lead { "The same document as everywhere: in the API, and as a custom resource. Several are separated by " code { "---" } "." }
        }
        @if !faults.is_empty() {
            section.card.problem role="alert" {
                h2 { "It can't be read yet" }
                (parts::diagnostics(faults))
            }
        }
        form.card method="post" action="/document" {
            label for="document" { "Document (YAML)" }
            textarea.code id="document" name="document" rows="20" spellcheck="false" autocomplete="off" { (text) }
            div.actions {
                button.primary type="submit" { "Show what would come of it" }
                a.button.quiet href="/" { "Cancel" }
            }
        }
    })
}
