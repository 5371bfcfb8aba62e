//! What was decided, and on which grounds.

use axum::extract::State;
use ibn_core::decision::{DecisionId, Trigger};
use ibn_core::observation::Signal;
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Frame, Section};
use super::{format, parts, told};
use crate::api;
use crate::error::Result;
use crate::extract::{PathText, Query};
use crate::record::DecisionRecord;
use crate::state::ServerState;
use crate::undo::UndoOutlook;

/// Decisions on the page.
const LISTED: usize = 100;

/// What can ask for a decision.
const TRIGGERS: [Trigger; 5] = [
    Trigger::Directive,
    Trigger::Constraint,
    Trigger::Recommender,
    Trigger::Restore,
    Trigger::Undo,
];

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    workload: String,
    #[serde(default)]
    trigger: String,
    told: Option<String>,
    of: Option<String>,
}

/// `GET /decisions`.
pub(crate) async fn list(
    State(server): State<ServerState>,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let engine = server.control().state();
    let now = server.control().now();
    let workload: Option<WorkloadRef> = asked.workload.parse().ok();
    let trigger = TRIGGERS
        .into_iter()
        .find(|trigger| trigger.as_str() == asked.trigger);
    // Of one trigger, more have to be looked through.
    let looked_at = if trigger.is_some() {
        4 * LISTED
    } else {
        LISTED
    };
    let mut records = api::records(&server, workload.clone(), looked_at).await?;
    records.retain(|record| trigger.is_none_or(|trigger| record.decision.trigger == trigger));
    records.truncate(LISTED);
    let path = format!(
        "/decisions?{}",
        super::query(&[
            ("workload", &asked.workload),
            ("trigger", trigger.map_or("", Trigger::as_str)),
        ])
    );
    let frame = Frame {
        server: &server,
        title: "Decisions",
        section: Section::Decisions,
        path: &path,
        told: told(asked.told.as_deref(), asked.of.as_deref()),
    };
    Ok(frame.around(&html! {
        div.section-head {
            h1 { "Decisions" }
            form.filter method="get" action="/decisions" {
                label for="workload" { "Workload" }
                select id="workload" name="workload" data-submit {
                    option value="" { "all" }
                    @for known in engine.inventory().workloads.keys() {
                        option value=(known) selected[workload.as_ref() == Some(known)] {
                            (known.namespace) @if known.kind != WorkloadKind::Namespace { "/" (known.name) } @else { " (namespace)" }
                        }
                    }
                }
                label for="trigger" { "Asked for by" }
                select id="trigger" name="trigger" data-submit {
                    option value="" { "anything" }
                    @for known in TRIGGERS {
                        option value=(known.as_str()) selected[trigger == Some(known)] { (known.as_str()) }
                    }
                }
                button type="submit" { "Show" }
            }
        }
        div id="decisions" data-live {
            h2.sr { "Each of them" }
            @if records.is_empty() { p.empty.card { "Nothing was decided yet." } }
            ul.items.card[!records.is_empty()] {
                @for record in &records { (item(record, now, &path, true)) }
            }
        }
    }))
}

/// `GET /decisions/{id}`.
pub(crate) async fn page(
    State(server): State<ServerState>,
    PathText(id): PathText<DecisionId>,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let record = api::find_record(&server, id).await?;
    let undo = UndoOutlook::of(&record, &server);
    let now = server.control().now();
    let decision = &record.decision;
    let url = format!("/decisions/{id}");
    let title = format!("Decision {id}");
    let frame = Frame {
        server: &server,
        title: &title,
        section: Section::Other,
        path: &url,
        told: told(asked.told.as_deref(), asked.of.as_deref()),
    };
    Ok(frame.around(&html! {
        div.page-head {
            p.crumbs { a href="/decisions" { "Decisions" } " / " (parts::workload_link(&decision.workload)) }
            h1 { (title) }
            p.lead { (format::moment(decision.at)) " UTC, asked for by " (trigger_words(decision.trigger)) }
        }
        div id="decision" data-live {
            h2.sr { "What was decided" }
            ul.items.card {
                li.decision.with-side {
                    div.body {
                        (parts::decision_body(&record, now, true))
                        (undo_outlook(&record, &undo))
                    }
                    @if undo.is_possible || !record.can_be_undone() { (parts::undo_button(&record, &url)) }
                }
            }
            section.card { h2 { "Grounds" } (grounds(&record)) }
            @if let Some(observation) = &decision.observation {
                section.card {
                    h2 { "What was measured" }
                    table.numeric {
                        caption.sr { "What was measured" }
                        thead { tr { th scope="col" { "Signal" } th scope="col" { "Value" } th scope="col" { "At" } } }
                        tbody {
                            @for (signal, reading) in &observation.readings {
                                tr {
                                    th scope="row" { (signal) }
                                    td { (measured(signal, reading.value)) }
                                    td { (format::clock(reading.at)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }))
}

/// Why what was applied can't be taken back as things are, or what of it would stay.
fn undo_outlook(record: &DecisionRecord, undo: &UndoOutlook) -> Markup {
    html! {
        @if record.can_be_undone() {
            @if let Some(why) = &undo.why_not {
                p.help { "It can't be taken back now: " (parts::rich(why)) "." }
            }
            @if !undo.except.is_empty() {
                p.help { "An undo would leave as it is: " (parts::rich(&undo.except.join("; "))) "." }
            }
        }
    }
}

/// A decision with everything behind it folded away.
pub(crate) fn full_item(record: &DecisionRecord, now: Timestamp, back: &str) -> Markup {
    item(record, now, back, false)
}

fn item(record: &DecisionRecord, now: Timestamp, back: &str, of_several: bool) -> Markup {
    html! {
        li.decision.with-side id={ "decision-" (record.decision.id) } {
            div.body {
                (parts::decision_body(record, now, of_several))
                details id={ "behind-" (record.decision.id) } {
                    summary { "Grounds" span.sr { " of " (record.decision.id) } }
                    (grounds(record))
                }
            }
            (parts::undo_button(record, back))
        }
    }
}

fn trigger_words(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Directive => "a directive",
        Trigger::Constraint => "a bound that was not kept",
        Trigger::Recommender => "a recommender, for an objective",
        Trigger::Restore => "the end of an intent",
        Trigger::Undo => "a wish to undo",
    }
}

/// Reasons, intents, cuts, alternatives, and how a policy came to it.
fn grounds(record: &DecisionRecord) -> Markup {
    let decision = &record.decision;
    html! {
        div.grounds {
            h3 { "Reasons" }
            ul.plain {
                li { "Asked for by " (trigger_words(decision.trigger)) "." }
                @for reason in &decision.reasons { li { (parts::rich(&parts::sentence(&reason.message))) span.where { " " (reason.code) } } }
            }
            @if !decision.intents.is_empty() {
                h3 { "For" }
                ul.plain { @for key in &decision.intents { li { a href=(parts::intent_url(key)) { (key) } } } }
            }
            p {
                "From " b { (parts::allocation_text(&decision.before)) }
                ", wanted " b { (parts::allocation_text(&decision.wanted)) }
                @match &decision.approved {
                    Some(approved) => { ", allowed " b { (parts::allocation_text(approved)) } "." }
                    None => ", nothing of it allowed.",
                }
            }
            @if !decision.cuts.is_empty() {
                h3 { "What the guard cut" }
                (parts::cuts(&decision.cuts))
            }
            @if let Some(predicted) = &decision.predicted {
                h3 { "Expected of it" }
                ul.plain {
                    @for (quantile, latency) in &predicted.latency {
                        li { (quantile) " " b { (format::seconds(latency.mid)) } " (" (format::seconds(latency.low)) " to " (format::seconds(latency.high)) ")" }
                    }
                    li { "CPU use " b { (format::number(predicted.cpu_utilization.mid)) " %" } ", " (format::cores(predicted.cost_cores)) " requested" }
                }
            }
            @if !decision.alternatives.is_empty() {
                h3 { "What else was considered" }
                table.numeric {
                    caption.sr { "Alternatives" }
                    thead { tr { th scope="col" { "Pods" } th scope="col" { "CPU of a pod" } th scope="col" { "Score" } th scope="col" { "Note" } } }
                    tbody {
                        @for alternative in &decision.alternatives {
                            tr {
                                td { (alternative.allocation.replicas) }
                                td { (alternative.allocation.pod_requests().cpu) }
                                td { (format::number(alternative.score)) }
                                td.text { (alternative.note) }
                            }
                        }
                    }
                }
            }
            @if let Some(policy) = &decision.policy {
                h3 { "The policy" }
                p {
                    b { (policy.policy) } " took action " (policy.action)
                    @if policy.explored { " to explore" }
                    ", with probability " (format::percent(policy.log_probability.exp()))
                    " and an estimated value of " (format::number(policy.value)) "."
                }
            }
        }
    }
}

fn measured(signal: &Signal, value: f64) -> String {
    if !value.is_finite() {
        return "not a number".to_owned();
    }
    match signal {
        Signal::RequestRate | Signal::Throughput => format::rate(value),
        Signal::Latency(_) => format::seconds(value),
        Signal::ErrorRate | Signal::CpuThrottled => format::percent(value),
        Signal::CpuUsage => format::cores(value),
        Signal::MemoryUsage | Signal::MemoryPeak => format::bytes(value),
        Signal::ReadyReplicas | Signal::Restarts | Signal::Custom(_) => format::number(value),
    }
}
