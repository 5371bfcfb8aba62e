//! What was understood of a sentence, and what became of it once it was applied.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use ibn_core::admission::Cost;
use ibn_core::intent::{Intent, IntentKey, IntentState};
use ibn_core::translation::{
    Clarification, QueryKind, QueryReading, Reader, Refusal, RefusalCode, Translation,
};
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Frame, Section};
use super::{effect, format, parts, start, words, yaml};
use crate::error::{Error, Result};
use crate::extract::{Form, Query};
use crate::reading::{self, Foreseen, IntentReply, Reading};
use crate::replaced::Replaced;
use crate::state::ServerState;
use crate::view::{Pause, WorkloadSummary};

#[derive(Debug, Deserialize)]
pub(crate) struct Said {
    #[serde(default)]
    text: String,
    #[serde(default)]
    timezone: String,
    told: Option<String>,
    of: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Confirmation {
    confirmed: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Taking {
    intent: usize,
}

/// `GET /understand`: reads a sentence, and shows what was understood.
pub(crate) async fn understand(
    State(server): State<ServerState>,
    headers: HeaderMap,
    Query(said): Query<Said>,
) -> Result<Response> {
    let text = said.text.trim();
    // A page of somebody else may bring a sentence, but not have it read: that could cost money.
    let is_foreign = headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "cross-site");
    if text.is_empty() || is_foreign {
        let query = super::query(&[("text", text)]);
        return Ok(Redirect::to(&format!("/?{query}")).into_response());
    }
    let timezone = if said.timezone.is_empty() {
        "UTC"
    } else {
        &said.timezone
    };
    let reading = reading::read(&server, text, None, timezone).await?;
    if let Some(Translation::Query(query)) = &reading.translation
        && query.about != QueryKind::WhatIf
    {
        return Ok(Redirect::to(&answer_url(query)).into_response());
    }
    // A page of its own, so that to load it again doesn't read the sentence again.
    let query = super::query(&[("text", text)]);
    Ok(Redirect::to(&format!("/readings/{}?{query}", reading.id)).into_response())
}

/// `GET /readings/{id}`: what was understood, or what became of it.
pub(crate) async fn reading(
    State(server): State<ServerState>,
    Path(id): Path<String>,
    Query(said): Query<Said>,
) -> Result<Response> {
    match server.readings().get(&id) {
        Ok(reading) => {
            let told = super::told(said.told.as_deref(), said.of.as_deref());
            Ok(page_of(&server, &reading, told).into_response())
        }
        // It was too long ago, or the server began anew: the sentence is still there.
        Err(Error::NotFound(_)) if !said.text.is_empty() => {
            let query = super::query(&[("text", &said.text)]);
            Ok(Redirect::to(&format!("/?{query}")).into_response())
        }
        Err(error) => Err(error),
    }
}

/// `POST /readings/{id}/apply`.
pub(crate) async fn apply(
    State(server): State<ServerState>,
    Path(id): Path<String>,
    Form(confirmation): Form<Confirmation>,
) -> Result<Response> {
    let confirmed = confirmation.confirmed.is_some();
    match reading::apply_reading(&server, &id, confirmed).await {
        // Sent twice: what became of it the first time is shown.
        Ok(_) | Err(Error::AlreadyApplied(_)) => {
            Ok(super::back_to(&format!("/readings/{id}"), &[]))
        }
        Err(error) => Err(error),
    }
}

/// `POST /readings/{id}/take`: shows the counter-proposal as what is wanted.
pub(crate) async fn take(
    State(server): State<ServerState>,
    Path(id): Path<String>,
    Form(taking): Form<Taking>,
) -> Result<Response> {
    let reading = server.readings().get(&id)?;
    let proposed = reading
        .foreseen
        .get(taking.intent)
        .and_then(|foreseen| foreseen.proposed.clone())
        .ok_or_else(|| Error::NotFound("the counter-proposal".to_owned()))?;
    let taken = reading::read_intents(&server, &reading.text, vec![proposed]).await?;
    Ok(super::back_to(&format!("/readings/{}", taken.id), &[]))
}

/// Where a question is answered.
fn answer_url(query: &QueryReading) -> String {
    match (&query.target, query.about) {
        (Some(workload), QueryKind::Explain) => {
            format!("{}#explained", parts::workload_url(workload))
        }
        (Some(workload), _) => parts::workload_url(workload),
        (None, QueryKind::Explain) => "/decisions".to_owned(),
        (None, _) => "/".to_owned(),
    }
}

fn page_of(server: &ServerState, reading: &Arc<Reading>, told: Option<Markup>) -> Markup {
    let (title, body) = match (&reading.replies, &reading.translation) {
        (Some(replies), _) => ("What became of it", applied(server, reading, replies)),
        (None, Some(Translation::Clarify(question))) => {
            ("One question first", clarify(server, reading, question))
        }
        (None, Some(Translation::Refuse(refusal))) => {
            ("Not done", refuse(server, reading, refusal))
        }
        (None, _) => ("What was understood", understood(server, reading)),
    };
    let frame = Frame {
        server,
        title,
        section: Section::Other,
        path: &format!("/readings/{}", reading.id),
        told,
    };
    frame.around(&body)
}

fn quote(reading: &Reading) -> Markup {
    html! {
        @if !reading.text.is_empty() {
            blockquote.said { p { (reading.text) } }
        }
    }
}

fn understood(server: &ServerState, reading: &Arc<Reading>) -> Markup {
    let translation = reading.translation.as_ref();
    let (notes, reader) = match translation {
        Some(Translation::Intent(read)) => (read.notes.as_slice(), Some(read.reader)),
        _ => (&[][..], None),
    };
    let is_what_if = matches!(translation, Some(Translation::Query(_)));
    let can_apply = reading
        .foreseen
        .iter()
        .any(|foreseen| foreseen.what_if.outcome.accepted().is_some());
    html! {
        div.page-head {
            h1 { (if is_what_if { "What would happen" } else { "What was understood" }) }
            (quote(reading))
            @if let Some(reader) = reader {
                p.help {
                    "Read by "
                    (match reader {
                        Reader::Grammar => "the grammar",
                        Reader::Model => "a language model alone",
                        Reader::Both => "the grammar and a language model, alike",
                    })
                    " · times are read in " (reading.timezone)
                }
            }
        }
        div.understood {
            div {
                @for (idx, (intent, foreseen)) in reading.intents.iter().zip(&reading.foreseen).enumerate() {
                    (intent_part(server, reading, idx, intent, foreseen))
                }
            }
            aside.card.decide aria-label="Decide" {
                @if !notes.is_empty() {
                    h2 { "Taken for granted" }
                    ul.plain { @for note in notes { li { (parts::rich(&parts::sentence(note))) } } }
                }
                (cost(reading))
                @if can_apply {
                    form.apply id="apply" method="post" action={ "/readings/" (reading.id) "/apply" } data-busy="Applying…" {
                        @if reading.needs_confirmation() {
                            p.confirm {
                                input type="checkbox" id="confirmed" name="confirmed" value="yes" required;
                                label for="confirmed" {
                                    "Only a language model read this. I have looked at it, and it is what I meant."
                                }
                            }
                        }
                        button.primary type="submit" {
                            @if reading.intents.len() > 1 { "Apply all " (reading.intents.len()) } @else { "Apply" }
                        }
                    }
                } @else {
                    p.help { "Nothing of it can be applied as it is." }
                }
                a.button href=(format!("/?{}", super::query(&[("text", &reading.text)]))) { "Edit" }
                a.button href=(format!("/document?{}", super::query(&[("reading", &reading.id)]))) { "Edit as a document" }
                a.button.quiet href="/" { "Cancel" }
            }
        }
    }
}

fn intent_part(
    server: &ServerState,
    reading: &Reading,
    idx: usize,
    intent: &Intent,
    foreseen: &Foreseen,
) -> Markup {
    html! {
        section.card.intent {
            h2 {
                (words::target(&intent.metadata.namespace, intent.spec.target.kind, &intent.spec.target.name))
                " " (effect::verdict(&foreseen.what_if.outcome))
            }
            ul.plain.big { @for line in words::sentences(&intent.spec) { li { (line) } } }
            @if let Some(replaced) = &foreseen.replaces { (replaces_part(replaced, "This changes ")) }
            (effect::foreseen(server, intent, foreseen))
            @if let Some(proposed) = &foreseen.proposed {
                div.proposal {
                    h3 { "What could be had instead" }
                    (effect::proposed(proposed, &foreseen.what_if))
                    form method="post" action={ "/readings/" (reading.id) "/take" } {
                        input type="hidden" name="intent" value=(idx);
                        button.primary type="submit" { "Take this instead" }
                    }
                }
            }
            (document(intent))
        }
    }
}

/// The intent whose place is taken, with what it says until then.
fn replaces_part(replaced: &Replaced, start: &str) -> Markup {
    html! {
        p.note.replaces {
            (start) a href=(parts::intent_url(&replaced.intent)) { (replaced.intent.name) } ", which said " (replaced.said) "."
        }
    }
}

/// What all that can be applied would cost together.
fn cost(reading: &Reading) -> Markup {
    let costs: Vec<Cost> = reading
        .foreseen
        .iter()
        .filter(|foreseen| foreseen.what_if.outcome.accepted().is_some())
        .filter_map(|foreseen| foreseen.what_if.cost)
        .collect();
    if costs.is_empty() {
        return html! {};
    }
    let cpu = |of: fn(&Cost) -> CpuMillis| costs.iter().map(|cost| of(cost).as_cores()).sum();
    let memory = |of: fn(&Cost) -> Bytes| costs.iter().map(|cost| of(cost).get() as f64).sum();
    html! {
        h2 { "Cost" }
        p.cost {
            (format::cores(cpu(|cost| cost.cpu_before))) " → " (format::cores(cpu(|cost| cost.cpu_after)))
            br;
            (format::bytes(memory(|cost| cost.memory_before))) " → " (format::bytes(memory(|cost| cost.memory_after)))
        }
        p.help { "What all pods request, before and after." }
    }
}

fn document(intent: &Intent) -> Markup {
    html! {
        details.document {
            summary { "The intent as a document" }
            pre tabindex="0" { code { (yaml::yaml(intent)) } }
        }
    }
}

fn clarify(server: &ServerState, reading: &Reading, question: &Clarification) -> Markup {
    html! {
        div.page-head {
            h1 { "One question first" }
            (quote(reading))
        }
        section.card.question {
            p.lead { (parts::rich(&question.question)) }
            @if !question.candidates.is_empty() {
                ul.answers aria-label="Answers" {
                    @for candidate in &question.candidates {
                        @let answer = answered(&reading.text, question, candidate);
                        li {
                            a.answer href=(format!("/understand?{}", super::query(&[("text", &answer), ("timezone", &reading.timezone)]))) {
                                b { (candidate) }
                                @if answer != *candidate { span.where { (answer) } }
                            }
                        }
                    }
                }
            }
        }
        (start::sentence_form(server, "Or say it otherwise", &reading.text, false))
    }
}

/// The sentence with an answer in it: in place of the name that is asked about where that is so, else behind it. The
/// person sees the whole before choosing it.
fn answered(text: &str, question: &Clarification, candidate: &str) -> String {
    let answer = candidate.parse::<WorkloadRef>().map_or_else(
        |_| candidate.to_owned(),
        |workload| format!("{} in {}", workload.name, workload.namespace),
    );
    // A candidate that says the whole sentence anew.
    if candidate.split_whitespace().count() > 3 && candidate.len() >= text.len() {
        return candidate.to_owned();
    }
    let asked = question
        .question
        .split_once('`')
        .and_then(|(_, rest)| rest.split_once('`'))
        .map(|(name, _)| name.to_lowercase())
        .filter(|name| {
            !name.is_empty() && question.missing.iter().any(|missing| missing == "target")
        });
    let lower = text.to_lowercase();
    let place = asked
        .as_ref()
        .and_then(|name| lower.find(name.as_str()).map(|at| (at, at + name.len())));
    let replaced = place.and_then(|(from, to)| {
        // Lower case may have another length; then the place is not the same.
        Some(format!("{}{answer}{}", text.get(..from)?, text.get(to..)?))
    });
    match replaced {
        Some(replaced) if lower.len() == text.len() => replaced,
        _ => format!("{}, {answer}", text.trim_end_matches(['.', '!', ' '])),
    }
}

fn refuse(server: &ServerState, reading: &Reading, refusal: &Refusal) -> Markup {
    let heading = match refusal.code {
        RefusalCode::OutOfScope => "That is not something this system can do",
        RefusalCode::Unsafe => "That will not be done",
        RefusalCode::UnknownTarget => "There is no such workload",
        RefusalCode::NotUnderstood => "That was not understood",
    };
    html! {
        div.page-head {
            h1 { (heading) }
            (quote(reading))
        }
        section.card.refusal { p.lead { (parts::rich(&parts::sentence(&refusal.message))) } p { "Nothing was changed." } }
        (start::sentence_form(server, "Say it otherwise", &reading.text, false))
        @if refusal.code == RefusalCode::NotUnderstood { (start::examples(server)) }
    }
}

fn applied(server: &ServerState, reading: &Reading, replies: &[IntentReply]) -> Markup {
    let engine = server.control().state();
    let taken = replies.iter().filter(|reply| reply.is_taken()).count();
    let is_done = replies.iter().all(|reply| {
        engine
            .intent(&reply.intent)
            .is_some_and(|intent| intent.state() == IntentState::Fulfilled)
    });
    html! {
        div.page-head id="became" data-live {
            h1 {
                @if taken == 0 { "Nothing was changed" }
                @else if taken < replies.len() { "Some of it is being done" }
                @else if is_done { "It is done" }
                @else { "It is being done" }
            }
            (quote(reading))
        }
        @for reply in replies { (reply_part(server, reply, &reading.id)) }
        div.actions {
            a.button.primary href="/" { "Back to the overview" }
            @if let Some(reply) = replies.first() {
                a.button href=(parts::workload_url(&reply.workload)) { "Look at " (reply.workload.name) }
            }
        }
    }
}

/// Decisions that are shown of what was applied.
const SHOWN: usize = 4;

fn reply_part(server: &ServerState, reply: &IntentReply, reading: &str) -> Markup {
    let engine = server.control().state();
    let now = server.control().now();
    let intent = engine.intent(&reply.intent);
    let summary = engine
        .inventory()
        .workloads
        .get(&reply.workload)
        .filter(|live| live.workload.kind != WorkloadKind::Namespace)
        .map(|live| WorkloadSummary::of(live, &engine, &[], now));
    let paused = intent
        .filter(|intent| intent.state().is_live())
        .and_then(|intent| Pause::of(intent, &engine, now));
    let mut records = server.board().decisions(400);
    records.retain(|record| record.decision.intents.contains(&reply.intent));
    records.truncate(SHOWN);
    let back = format!("/readings/{reading}");
    html! {
        section.card.reply id={ "reply-" (reply.intent.namespace) "-" (reply.intent.name) } data-live aria-live="polite" {
            h2 {
                (words::target(&reply.workload.namespace, reply.workload.kind, &reply.workload.name))
                @if let Some(intent) = intent {
                    " " (parts::state_badge(intent.state(), intent.spec.mode()))
                }
            }
            @if let Some(failure) = &reply.failure { p.cut { (parts::rich(failure)) } }
            @if let Some(touched) = &reply.touched { (touched_part(touched)) }
            @if let Some(outcome) = &reply.outcome && outcome.accepted().is_none() {
                p { (effect::verdict(outcome)) " " (parts::rich(&parts::sentence(&outcome.summary()))) }
            }
            @if let Some(replaced) = &reply.replaces { (replaces_part(replaced, "This changed ")) }
            @if let Some(summary) = &summary { (super::workload::figures(summary)) }
            @if let Some(intent) = intent {
                (super::intents::expectations(intent))
                p.help { "Kept as " a href=(parts::intent_url(&reply.intent)) { (reply.intent.name) } "." }
            }
            @if !records.is_empty() {
                h3 { "Decided for it" }
                ul.items {
                    @for record in &records {
                        li.decision.with-side id={ "decision-" (record.decision.id) } {
                            div.body { (parts::decision_body(record, now, false)) }
                            (parts::undo_button(record, &back))
                        }
                    }
                }
            } @else if let Some(pause) = &paused {
                (parts::pause(pause, effect::PAUSED))
            } @else if intent.is_some_and(|intent| intent.state().is_live()) {
                p.help { "What has to change for it is decided within the next control period." }
            }
        }
    }
}

fn touched_part(touched: &[IntentKey]) -> Markup {
    html! {
        p {
            @if touched.is_empty() { "There were no intents to touch." }
            @else {
                "Touched: "
                @for (idx, key) in touched.iter().enumerate() {
                    @if idx > 0 { ", " }
                    a href=(parts::intent_url(key)) { (key.name) }
                }
                "."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(question: &str, missing: &str, candidate: &str, expected: &str) {
        let question = Clarification {
            question: question.to_owned(),
            missing: vec![missing.to_owned()],
            candidates: Vec::new(),
        };
        assert_eq!(answered("Scale Web to 5.", &question, candidate), expected);
    }

    #[test]
    fn an_answer_takes_the_place_of_the_name_that_was_asked_about() {
        let several = "`web` could be several workloads. Which one is meant?";
        check(
            several,
            "target",
            "acme/Deployment/web",
            "Scale web in acme to 5.",
        );
        check(
            "Which one?",
            "target",
            "acme/Deployment/web",
            "Scale Web to 5, web in acme",
        );
        check(
            "Is that for each pod of `web`, or all?",
            "scope",
            "each pod",
            "Scale Web to 5, each pod",
        );
        check(
            "Which one?",
            "reading",
            "scale web of acme to exactly 5",
            "scale web of acme to exactly 5",
        );
    }
}
