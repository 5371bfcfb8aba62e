//! The start page: what should happen, and how everything is.

use std::collections::BTreeMap;

use axum::extract::State;
use ibn_core::intent::IntentState;
use ibn_core::workload::WorkloadKind;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Frame, Section};
use super::{format, parts, told};
use crate::board::HeardNotice;
use crate::extract::Query;
use crate::plot::sparkline;
use crate::reading::SENTENCE;
use crate::state::ServerState;
use crate::view::WorkloadSummary;

/// Decisions on the page.
const DECISIONS: usize = 9;

/// Notices on the page.
const NOTICES: usize = 12;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    /// A sentence to begin with.
    #[serde(default)]
    text: String,
    told: Option<String>,
    of: Option<String>,
}

/// `GET /`.
pub(crate) async fn page(State(server): State<ServerState>, Query(asked): Query<Asked>) -> Markup {
    let engine = server.control().state();
    let now = server.control().now();
    let mut customers: BTreeMap<String, Vec<WorkloadSummary>> = BTreeMap::new();
    for live in engine.inventory().workloads.values() {
        if live.workload.kind == WorkloadKind::Namespace {
            continue;
        }
        customers
            .entry(live.workload.namespace.clone())
            .or_default()
            .push(WorkloadSummary::of(
                live,
                &engine,
                server.aliases(&live.workload),
                now,
            ));
    }
    let decisions = server.board().decisions(DECISIONS);
    let notices = server.board().notices(NOTICES);
    let frame = Frame {
        server: &server,
        title: "Overview",
        section: Section::Start,
        path: "/",
        told: told(asked.told.as_deref(), asked.of.as_deref()),
    };
    frame.around(&html! {
        (sentence_form(&server, "What should happen?", &asked.text, true))
        div.board {
            section.customers id="workloads" data-live aria-label="Workloads" {
                @for (customer, workloads) in &customers {
                    (customer_column(&server, customer, workloads))
                }
                @if customers.is_empty() {
                    p.empty.card { "No workloads are known yet." }
                }
            }
            aside.stream aria-label="What happens" {
                section id="decisions" data-live {
                    h2 { "Decisions " a.more href="/decisions" { "all" } }
                    @if decisions.is_empty() { p.empty { "Nothing was decided yet." } }
                    ul.items {
                        @for record in &decisions { (parts::decision_item(record, now, true)) }
                    }
                }
                section id="notices" data-live {
                    h2 { "Notices" }
                    @if notices.is_empty() { p.empty { "Nothing to tell." } }
                    ul.items {
                        @for alike in notices.chunk_by(is_alike) {
                            @if let [heard] = alike { (parts::notice_item(heard, now)) } @else { (parts::notice_items(alike, now)) }
                        }
                    }
                }
            }
        }
    })
}

/// Whether two notices say the same of different workloads at the same moment.
fn is_alike(one: &HeardNotice, other: &HeardNotice) -> bool {
    one.at == other.at
        && one.notice.level == other.notice.level
        && one.notice.reason == other.notice.reason
        && one.notice.intent.is_none()
        && other.notice.intent.is_none()
}

/// The box for a sentence.
pub(crate) fn sentence_form(
    server: &ServerState,
    heading: &str,
    text: &str,
    is_first: bool,
) -> Markup {
    html! {
        form.say method="get" action="/understand" data-busy="Reading…" {
            @if is_first {
                h1 { label for="sentence" { (heading) } }
            } @else {
                h2 { label for="sentence" { (heading) } }
            }
            div.say-row {
                textarea id="sentence" name="text" rows="2" maxlength=(SENTENCE) required
                    autocomplete="off" spellcheck="true" aria-describedby="say-help"
                    placeholder="keep checkout in acme under 200 ms p95, at most 12 pods" { (text) }
                button.primary type="submit" { "Understand" }
            }
            input type="hidden" name="timezone" value="UTC" data-timezone;
            p.help id="say-help" {
                "Nothing is done before you have seen what was understood and what would come of it. "
                a href="/document" { "Write it as a document" }
            }
            @if is_first { (examples(server)) }
        }
    }
}

/// Sentences to begin with.
pub(crate) fn examples(server: &ServerState) -> Markup {
    html! {
        @if !server.config().examples.is_empty() {
            ul.examples aria-label="Examples" {
                @for example in server.config().examples.iter() {
                    li { a.chip href=(format!("/?{}", super::query(&[("text", example)]))) data-fill="sentence" { (example) } }
                }
            }
        }
    }
}

fn customer_column(server: &ServerState, customer: &str, workloads: &[WorkloadSummary]) -> Markup {
    let cores: f64 = workloads
        .iter()
        .map(|workload| workload.requests.cpu.as_cores())
        .sum();
    html! {
        section.customer id={ "customer-" (customer) } {
            h2 { (customer) span.sum { (format::cores(cores)) " requested" } }
            @for workload in workloads { (card(server, workload)) }
        }
    }
}

fn card(server: &ServerState, summary: &WorkloadSummary) -> Markup {
    let workload = &summary.workload;
    let points: Vec<_> = server
        .board()
        .history(workload)
        .map(|history| {
            history
                .hour
                .points
                .iter()
                .map(|point| (point.at, point.sample.latency.map(f64::from)))
                .collect()
        })
        .unwrap_or_default();
    let requested = summary.requests.cpu.as_cores();
    let violated = summary.is_violated() == Some(true);
    html! {
        article.card.workload-card.violated[violated] id=(format!("card-{}-{}-{}", workload.namespace, workload.kind, workload.name)) {
            h3 {
                a href=(parts::workload_url(workload)) { (workload.name) }
                @if workload.kind != WorkloadKind::Deployment { span.kind { (workload.kind) } }
            }
            dl.figures.three {
                div {
                    dt { "Pods" }
                    dd { b { (summary.ready_replicas) } }
                    dd.of {
                        @if summary.ready_replicas == summary.allocation.replicas { "all ready" }
                        @else { "ready of " (summary.allocation.replicas) }
                    }
                }
                div {
                    dt { "CPU" }
                    dd { b { (summary.cpu_used.map_or_else(|| "–".to_owned(), format::number)) } }
                    dd.of { "of " (format::cores(requested)) }
                }
                div.violated[violated] {
                    dt { (summary.quantile.short_name()) }
                    dd { b { (summary.latency.map_or_else(|| "–".to_owned(), format::seconds)) } }
                    dd.of {
                        @match summary.latency_objective {
                            Some(goal) => { "≤ " (format::seconds(goal)) }
                            None => "no objective",
                        }
                    }
                }
            }
            div.shape {
                (parts::pods(summary.ready_replicas, summary.allocation.replicas))
                @if let Some(used) = summary.cpu_used {
                    (parts::meter(&format!("{} of {} used", format::number(used), format::cores(requested)), used, requested))
                }
            }
            @if points.iter().filter(|(_, value)| value.is_some()).count() > 1 {
                (sparkline(
                    &format!("{} of {} in the last hour", summary.quantile.short_name(), workload.name),
                    &points,
                    summary.latency_objective,
                ))
            }
            (intents(summary))
            @if let Some(pause) = &summary.paused { (parts::pause(pause, "")) }
        }
    }
}

fn intents(summary: &WorkloadSummary) -> Markup {
    let standing = || {
        summary
            .intents
            .iter()
            .filter(|glance| glance.state != IntentState::Finished)
    };
    html! {
        @if standing().next().is_some() {
            ul.badges aria-label="Intents" {
                @for glance in standing() {
                    li {
                        a href=(parts::intent_url(&glance.intent)) title=(glance.intent.to_string()) {
                            (parts::state_badge(glance.state, glance.mode))
                            span.sr { " " (glance.intent.name) }
                        }
                    }
                }
            }
        } @else {
            p.of { "no intents" }
        }
    }
}
