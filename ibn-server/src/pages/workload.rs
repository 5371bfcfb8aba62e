//! One workload: how it did, what is wanted of it, inside which limits, and what was decided.

use std::collections::BTreeSet;

use axum::extract::State;
use ibn_core::intent::{IntentState, Mode};
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Frame, Section};
use super::{format, parts, told};
use crate::api;
use crate::error::{Error, Result};
use crate::extract::{Query, WorkloadPath};
use crate::state::ServerState;
use crate::view::{Explanation, WorkloadSummary};

mod limits;
mod plots;

/// Decisions on the page.
const DECISIONS: usize = 12;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    /// `day` for the last 24 hours; the last hour else.
    span: Option<String>,
    told: Option<String>,
    of: Option<String>,
}

/// `GET /workloads/{namespace}/{kind}/{name}`.
pub(crate) async fn page(
    State(server): State<ServerState>,
    WorkloadPath(workload): WorkloadPath,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let engine = server.control().state();
    let now = server.control().now();
    let explanation = Explanation::of(&workload, &engine, now)
        .ok_or_else(|| Error::NotFound(format!("the workload `{workload}`")))?;
    let summary = WorkloadSummary::of(&explanation.live, &engine, server.aliases(&workload), now);
    let decisions = api::records(&server, Some(workload.clone()), DECISIONS).await?;
    let is_day = asked.span.as_deref() == Some("day");
    let url = parts::workload_url(&workload);
    let path = if is_day {
        format!("{url}?span=day")
    } else {
        url.clone()
    };
    let title = format!("{} in {}", workload.name, workload.namespace);
    let frame = Frame {
        server: &server,
        title: &title,
        section: Section::Other,
        path: &path,
        told: told(asked.told.as_deref(), asked.of.as_deref()),
    };
    Ok(frame.around(&html! {
        div.page-head {
            p.crumbs { a href="/" { "Overview" } " / " (workload.namespace) }
            h1 { (workload.name) " " span.kind { (workload.kind) } }
            @if !summary.aliases.is_empty() { p.help { "Also called " (summary.aliases.join(", ")) } }
            div id="figures" data-live {
                @if workload.kind == WorkloadKind::Namespace { (quota(&summary)) } @else { (figures(&summary)) }
            }
        }
        @if workload.kind != WorkloadKind::Namespace {
            section id="plots" data-live aria-label="How it did" {
                div.section-head {
                    h2 { "How it did" }
                    nav.tabs aria-label="Span" {
                        a href=(url) aria-current=[(!is_day).then_some("true")] { "Last hour" }
                        a href=(format!("{url}?span=day")) aria-current=[is_day.then_some("true")] { "24 hours" }
                    }
                }
                (plots::plots(&server, &workload, &engine, now, is_day))
            }
        }
        div.two {
            section id="intents" data-live {
                div.section-head {
                    h2 { "Intents" }
                    (modes(&workload, &explanation, &path))
                }
                @if let Some(pause) = &explanation.paused {
                    (parts::pause(pause, "what is wanted of it takes effect when it is resumed"))
                }
                @if explanation.intents.is_empty() {
                    p.empty.card { "Nothing is wanted of it. " a href=(format!("/?{}", super::query(&[("text", &format!("keep {} in {} under 200 ms p95", workload.name, workload.namespace))]))) { "Say what should happen" } "." }
                }
                (super::intents::cards(&explanation.intents.iter().collect::<Vec<_>>(), &path))
            }
            section id="limits" data-live {
                h2 { "Limits" }
                (limits::limits(&explanation))
            }
        }
        section id="explained" data-live {
            h2 { "Decisions " a.more href=(format!("/decisions?{}", super::query(&[("workload", &workload.to_string())]))) { "all of " (workload.name) } }
            @if decisions.is_empty() { p.empty.card { "Nothing was decided yet." } }
            ul.items.card[!decisions.is_empty()] {
                @for record in &decisions {
                    (super::decisions::full_item(record, now, &path))
                }
            }
        }
    }))
}

/// What a namespace may use.
fn quota(summary: &WorkloadSummary) -> Markup {
    let limits = summary.quota.unwrap_or_default();
    let unlimited = || "no limit".to_owned();
    html! {
        dl.figures.wide {
            div { dt { "CPU that may be requested" } dd { b { (limits.cpu.map_or_else(unlimited, |cpu| format::cores(cpu.as_cores()))) } } }
            div { dt { "Memory that may be requested" } dd { b { (limits.memory.map_or_else(unlimited, |memory| format::bytes(memory.get() as f64))) } } }
            div { dt { "Pods" } dd { b { (limits.pods.map_or_else(unlimited, |pods| pods.to_string())) } } }
        }
    }
}

pub(crate) fn figures(summary: &WorkloadSummary) -> Markup {
    let unknown = || "–".to_owned();
    let requested = summary.requests.cpu.as_cores();
    html! {
        dl.figures.wide {
            div {
                dt { "Pods" }
                dd { b { (summary.ready_replicas) } span.of { "/" (summary.allocation.replicas) } " " (parts::pods(summary.ready_replicas, summary.allocation.replicas)) }
            }
            div {
                dt { "CPU" }
                dd { b { (summary.cpu_used.map_or_else(unknown, format::number)) } span.of { "/" (format::cores(requested)) } }
            }
            div {
                dt { "Memory" }
                dd { b { (summary.memory_used.map_or_else(unknown, format::bytes)) } span.of { "/" (format::bytes(summary.requests.memory.get() as f64)) } }
            }
            div {
                dt { "Requests" }
                dd { b { (summary.request_rate.map_or_else(unknown, format::rate)) } }
            }
            div.violated[summary.is_violated() == Some(true)] {
                dt { (summary.quantile.short_name()) }
                dd { b { (summary.latency.map_or_else(unknown, format::seconds)) } @if let Some(goal) = summary.latency_objective { span.of { "≤ " (format::seconds(goal)) } } }
            }
            div {
                dt { "Failed" }
                dd { b { (summary.error_rate.map_or_else(unknown, format::percent)) } }
            }
            @if let Some(health) = summary.health {
                div {
                    dt { "Signals" }
                    dd { b { (health) } }
                }
            }
        }
    }
}

fn modes(workload: &WorkloadRef, explanation: &Explanation, back: &str) -> Markup {
    let modes: BTreeSet<Mode> = explanation
        .intents
        .iter()
        .filter(|intent| intent.state() != IntentState::Finished)
        .map(|intent| intent.spec.mode())
        .collect();
    if modes.is_empty() {
        return html! {};
    }
    let action = format!("{}/mode", parts::workload_url(workload));
    html! {
        form.segments method="post" action=(action) aria-label="Mode of all intents on this workload" {
            input type="hidden" name="back" value=(back);
            @for (name, mode, help) in [
                ("Enforce", Mode::Enforce, "Act on its intents"),
                ("Advise", Mode::Advise, "Only tell what would be done"),
                ("Suspend", Mode::Suspended, "Do nothing for its intents"),
            ] {
                button type="submit" name="mode" value=(format!("{mode:?}")) title=(help)
                    aria-pressed=(modes.len() == 1 && modes.contains(&mode)) { (name) }
            }
        }
    }
}
