//! What is wanted, and what became of it.

use std::sync::Arc;

use axum::extract::State;
use ibn_core::intent::{ConditionStatus, Expectation, Intent, IntentState, OriginKind};
use ibn_core::units::format_duration;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Frame, Section};
use super::{format, parts, told, words, yaml};
use crate::error::{Error, Result};
use crate::extract::{IntentPath, Query};
use crate::state::ServerState;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    namespace: Option<String>,
    /// `yes` to list what assurance raised and what is over, too.
    all: Option<String>,
    told: Option<String>,
    of: Option<String>,
}

/// `GET /intents`.
pub(crate) async fn list(State(server): State<ServerState>, Query(asked): Query<Asked>) -> Markup {
    let engine = server.control().state();
    let mut namespaces: Vec<&str> = engine
        .inventory()
        .workloads
        .keys()
        .map(|workload| workload.namespace.as_str())
        .collect();
    namespaces.dedup();
    let chosen = asked.namespace.as_deref().filter(|it| !it.is_empty());
    let intents: Vec<&Arc<Intent>> = engine
        .intents()
        .filter(|intent| chosen.is_none_or(|namespace| intent.metadata.namespace == namespace))
        .collect();
    let is_all = asked.all.as_deref() == Some("yes");
    let path_to = |all: bool| {
        let mut asked: Vec<(&str, &str)> = Vec::new();
        asked.extend(chosen.map(|namespace| ("namespace", namespace)));
        asked.extend(all.then_some(("all", "yes")));
        match asked.as_slice() {
            [] => "/intents".to_owned(),
            asked => format!("/intents?{}", super::query(asked)),
        }
    };
    let path = path_to(is_all);
    let (hidden, listed): (Vec<&Arc<Intent>>, Vec<&Arc<Intent>>) = intents
        .iter()
        .copied()
        .partition(|intent| !is_all && is_corrected(intent));
    let frame = Frame {
        server: &server,
        title: "Intents",
        section: Section::Intents,
        path: &path,
        told: told(asked.told.as_deref(), asked.of.as_deref()),
    };
    frame.around(&html! {
        div.section-head {
            h1 { "Intents" }
            form.filter method="get" action="/intents" {
                label for="namespace" { "Namespace" }
                select id="namespace" name="namespace" data-submit {
                    option value="" { "all" }
                    @for namespace in namespaces {
                        option value=(namespace) selected[chosen == Some(namespace)] { (namespace) }
                    }
                }
                @if is_all { input type="hidden" name="all" value="yes"; }
                button type="submit" { "Show" }
            }
        }
        div id="intents" data-live {
            @if intents.is_empty() {
                p.empty.card { "Nothing is wanted yet. " a href="/" { "Say what should happen" } ", or " a href="/document" { "write it as a document" } "." }
            }
            h2.sr { "Each of them" }
            (cards(&listed, &path))
            @if is_all {
                p.help { a href=(path_to(false)) { "Hide what assurance raised and is over" } }
            } @else if !hidden.is_empty() {
                p.help {
                    (hidden.len()) " that assurance raised and that " @if hidden.len() == 1 { "is" } @else { "are" } " over "
                    @if hidden.len() == 1 { "is" } @else { "are" } " hidden: " a href=(path_to(true)) { "show all" } "."
                }
            }
        }
    })
}

/// Whether assurance raised it and it is over: there come many of them, and what they did is told by the decisions.
fn is_corrected(intent: &Intent) -> bool {
    intent.spec.author().by == OriginKind::Assurance && intent.state() == IntentState::Finished
}

/// Those that stand, and those that are over folded away.
pub(crate) fn cards(intents: &[&Arc<Intent>], back: &str) -> Markup {
    let (over, standing): (Vec<&Arc<Intent>>, Vec<&Arc<Intent>>) = intents
        .iter()
        .copied()
        .partition(|intent| intent.state() == IntentState::Finished);
    html! {
        div.cards { @for intent in &standing { (card(intent, back)) } }
        @if !over.is_empty() {
            details.over id="over" open[standing.is_empty()] {
                summary { (over.len()) " that " @if over.len() == 1 { "is" } @else { "are" } " over" }
                div.cards { @for intent in &over { (card(intent, back)) } }
            }
        }
    }
}

/// `GET /intents/{namespace}/{name}`.
pub(crate) async fn page(
    State(server): State<ServerState>,
    IntentPath(key): IntentPath,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let engine = server.control().state();
    let now = server.control().now();
    let intent = engine
        .intent(&key)
        .ok_or_else(|| Error::NotFound(format!("the intent `{key}`")))?;
    let decisions: Vec<_> = server
        .board()
        .decisions(400)
        .into_iter()
        .filter(|record| record.decision.intents.contains(&key))
        .take(20)
        .collect();
    let url = parts::intent_url(&key);
    let frame = Frame {
        server: &server,
        title: &key.name,
        section: Section::Other,
        path: &url,
        told: told(asked.told.as_deref(), asked.of.as_deref()),
    };
    Ok(frame.around(&html! {
        div.page-head {
            p.crumbs { a href="/intents" { "Intents" } " / " (key.namespace) }
            h1 { (key.name) }
        }
        div id="intent" data-live {
            h2.sr { "How it stands" }
            (card(intent, "/intents"))
            (conditions(intent))
        }
        section id="decisions" data-live {
            h2 { "Decisions for it" }
            @if decisions.is_empty() { p.empty.card { "None yet." } }
            ul.items.card[!decisions.is_empty()] {
                @for record in &decisions { (super::decisions::full_item(record, now, &url)) }
            }
        }
        section.card {
            h2 { "The document" }
            pre tabindex="0" { code { (yaml::yaml(intent)) } }
        }
    }))
}

/// An intent with its status.
pub(crate) fn card(intent: &Intent, back: &str) -> Markup {
    let is_corrective = intent.spec.author().by == OriginKind::Assurance;
    let key = intent.key();
    let workload = intent.workload();
    html! {
        article.card.intent.corrective[is_corrective] id={ "intent-" (key.namespace) "-" (key.name) } {
            h3 {
                a href=(parts::intent_url(&key)) { (key.name) }
                " " (parts::state_badge(intent.state(), intent.spec.mode()))
                @if is_corrective { " " (parts::badge("info", "raised by assurance")) }
            }
            p.on { "on " (parts::workload_link(&workload)) }
            @if let Some(text) = &intent.spec.text { blockquote.said.small { p { (text) } } }
            @if let Some(cause) = intent.spec.origin.as_ref().and_then(|origin| origin.cause.as_ref()) {
                p.why { "Cause: " (parts::rich(cause)) }
            }
            ul.plain { @for line in words::sentences(&intent.spec) { li { (line) } } }
            (expectations(intent))
            @for conflict in intent.status.iter().flat_map(|status| &status.conflicts) {
                ul.conflicts { (parts::conflict_item(conflict.level == "blocking", &conflict.sides, &conflict.why, &conflict.ways_out)) }
            }
            @if let Some(proposal) = intent.status.as_ref().and_then(|status| status.proposal.as_ref()) {
                div.proposal {
                    h4 { "What could be had instead" }
                    ul.plain { @for line in words::sentences(proposal) { li { (line) } } }
                }
            }
            @if intent.state() != IntentState::Finished {
                div.actions {
                    a.button.small href=(format!("/document?{}", super::query(&[("intent", &key.to_string())]))) { "Edit" span.sr { " " (key.name) } }
                    form.inline method="post" action={ (parts::intent_url(&key)) "/withdraw" } {
                        input type="hidden" name="back" value=(back);
                        button.small.quiet type="submit" { "Withdraw" span.sr { " " (key.name) } }
                    }
                }
            }
        }
    }
}

/// What became of each expectation.
pub(crate) fn expectations(intent: &Intent) -> Markup {
    let Some(status) = &intent.status else {
        return html! {};
    };
    html! {
        @if !intent.spec.expectations.is_empty() {
            table.expectations {
                caption.sr { "What became of it" }
                thead { tr { th scope="col" { "Expected" } th scope="col" { "Achieved" } th scope="col" { "Met" } th scope="col" { "Since" } } }
                tbody {
                    @for (expectation, became) in intent.spec.expectations.iter().zip(&status.expectations) {
                        tr {
                            th scope="row" {
                                @match expectation {
                                    Expectation::Objective(objective) => { (words::short_objective(objective)) span.where { " over " (format_duration(objective.window())) } }
                                    Expectation::Directive(_) => {
                                        (became.resolved.as_ref().map_or_else(|| words::expectation(expectation), words::setting))
                                    }
                                }
                            }
                            td { (became.achieved.as_deref().map_or_else(|| "–".to_owned(), words::achieved)) }
                            td {
                                @match became.fulfilled {
                                    Some(true) => (parts::badge("good", "met")),
                                    Some(false) => (parts::badge("bad", "missed")),
                                    None => (parts::badge("quiet", "not known")),
                                }
                            }
                            td { @if let Some(since) = became.since { time datetime=(since.to_string()) { (format::clock(since)) } } }
                        }
                        @if !became.reason.is_empty() {
                            tr.reason { td colspan="4" { (parts::rich(&became.reason)) } }
                        }
                    }
                }
            }
        }
    }
}

fn conditions(intent: &Intent) -> Markup {
    let Some(status) = &intent.status else {
        return html! {};
    };
    html! {
        section.card {
            h2 { "Conditions" }
            div.scroll tabindex="0" role="region" aria-label="Conditions" {
                table {
                    caption.sr { "Conditions of the intent" }
                    thead { tr { th scope="col" { "Condition" } th scope="col" { "Holds" } th scope="col" { "Why" } th scope="col" { "Since" } } }
                    tbody {
                        @for condition in &status.conditions {
                            tr {
                                th scope="row" { (format!("{:?}", condition.kind)) }
                                td {
                                    (match condition.status {
                                        ConditionStatus::True => "yes",
                                        ConditionStatus::False => "no",
                                        ConditionStatus::Unknown => "not known",
                                    })
                                }
                                td { b { (condition.reason) } @if !condition.message.is_empty() { ": " (parts::rich(&condition.message)) } }
                                td { time datetime=(condition.last_transition_time.to_string()) { (format::moment(condition.last_transition_time)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
