//! What this is.

use axum::extract::State;
use ibn_core::workload::WorkloadKind;
use maud::{Markup, html};

use super::layout::{Frame, Section};
use crate::state::ServerState;

/// `GET /about`.
pub(crate) async fn page(State(server): State<ServerState>) -> Markup {
    let frame = Frame {
        server: &server,
        title: "About",
        section: Section::About,
        path: "/about",
        told: None,
    };
    let engine = server.control().state();
    let workloads = engine
        .inventory()
        .workloads
        .keys()
        .filter(|workload| workload.kind != WorkloadKind::Namespace)
        .count();
    let intents = engine.intents().count();
    frame.around(&html! {
        div.page-head {
            h1 { "About ibn" }
            p.lead { "You say what an application should do. It is made so, kept so, and shown to be so." }
        }
        div.two {
            section.card.prose {
                h2 { "The way of a sentence" }
                ol {
                    li { b { "Understood. " } "A sentence becomes a typed intent, or a question, or a refusal; never a guess. What only a language model read, you confirm expressly." }
                    li { b { "Checked. " } "Conflicts with other intents and with limits are found, and a model of the workload predicts what would come of it." }
                    li { b { "Applied inside limits. " } "One guard judges every plan. No model and no learner can leave the limits that administrators and intents set." }
                    li { b { "Proved. " } "What is measured is held against the intent's own objective; where it is missed, assurance corrects or undoes." }
                    li { b { "Recorded. " } "Every decision is kept with its grounds before it is applied, and everything that was applied can be undone." }
                }
                h2 { "When something fails" }
                p { "Where signals are missing or stale, nothing shrinks. Where a model or a store is gone, nothing changes. It is said aloud among the notices." }
            }
            section.card.prose {
                h2 { "This system" }
                dl.facts {
                    dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) }
                    dt { "Controls" } dd { (server.config().place) }
                    dt { "Workloads" } dd { (workloads) }
                    dt { "Intents" } dd { (intents) }
                    dt { "Reads sentences" } dd { (server.translator().name()) }
                    dt { "Time" } dd { @if server.pace().is_some() { "simulated" } @else { "real" } }
                }
                h2 { "For programs" }
                ul.plain {
                    li { a href="/api/v1/openapi.json" { "OpenAPI document" } " of the API" }
                    li { a href="/api/v1/status" { "Status" } ", " a href="/api/v1/catalog" { "names" } ", " a href="/api/v1/decisions" { "decisions" } }
                    li { a href="/api/v1/events" { "Events" } ", as they happen" }
                    li { a href="/metrics" { "Metrics" } " for Prometheus" }
                }
                p { "Free software under MIT or Apache-2.0." }
            }
        }
    })
}
