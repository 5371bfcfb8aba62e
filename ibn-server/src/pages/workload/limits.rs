//! The limits of a workload, each with who set it.

use std::fmt::Display;

use ibn_core::envelope::{Envelope, LimitSource, Limits};
use ibn_core::guardrail::Rollout;
use ibn_core::units::format_duration;
use maud::{Markup, html};

use super::super::{format, parts, words};
use crate::view::Explanation;

/// The envelope as a table, and which fields are held.
pub(super) fn limits(explanation: &Explanation) -> Markup {
    let envelope = &explanation.envelope;
    html! {
        div.card {
            @if !explanation.outside.is_empty() {
                p.note { "Outside of its limits now: " (parts::rich(&explanation.outside.join("; "))) "." }
            }
            table.limits {
                caption.sr { "Limits and who set them" }
                thead { tr { th scope="col" { "What" } th scope="col" { "Limit" } th scope="col" { "Set by" } } }
                tbody {
                    (bounds("pods", &envelope.replicas))
                    (bounds("CPU of a pod", &envelope.cpu))
                    (bounds("memory of a pod", &envelope.memory))
                    @for budget in &envelope.budgets {
                        tr {
                            th scope="row" {
                                @if budget.members.len() > 1 { "budget of " (budget.members.len()) " workloads" } @else { "budget" }
                            }
                            td { (budget_text(budget)) }
                            td { (source(&budget.source)) }
                        }
                    }
                    (steps(envelope))
                    @if let Some(cool_down) = envelope.cool_down {
                        (row("shrinks again after", &format_duration(cool_down), envelope.sources.cool_down.as_ref()))
                    }
                    @if let Some(approval) = envelope.approval {
                        (row("a person approves from risk", &format!("{approval:?}"), envelope.sources.approval.as_ref()))
                    }
                    (row("pods may be replaced", if envelope.rollout == Rollout::Allowed { "yes" } else { "no" }, envelope.sources.rollout.as_ref()))
                    @for (window, by) in envelope.freeze.iter().zip(&envelope.sources.freeze) {
                        (row("nothing changes", &format!("{} to {}", format::moment(window.from), format::moment(window.until)), Some(by)))
                    }
                }
            }
            @if !explanation.held.is_empty() {
                h3 { "Held by directives" }
                ul.plain {
                    @for (field, held) in &explanation.held {
                        li {
                            code { (field) } " at " b { (words::setting(&held.setting)) }
                            " by " a href=(parts::intent_url(&held.intent)) { (held.intent.name) }
                        }
                    }
                }
            }
            @if let Some(floor) = explanation.assessment.as_ref().and_then(|it| it.floor.as_ref()) {
                h3 { "What the measured load needs" }
                p { "At least " b { (words::pods_text(floor.replicas)) } " and " b { (floor.total_cpu) " CPU" } " in all: " (parts::rich(&floor.basis)) }
            }
        }
    }
}

fn row(what: &str, limit: &str, by: Option<&LimitSource>) -> Markup {
    html! {
        tr {
            th scope="row" { (what) }
            td { (limit) }
            td { (source(by.unwrap_or(&LimitSource::Default))) }
        }
    }
}

fn bounds<T: Display>(what: &str, limits: &Limits<T>) -> Markup {
    html! {
        @if let Some(min) = &limits.min { (row(&format!("{what}, at least"), &min.value.to_string(), Some(&min.source))) }
        @if let Some(max) = &limits.max { (row(&format!("{what}, at most"), &max.value.to_string(), Some(&max.source))) }
    }
}

fn steps(envelope: &Envelope) -> Markup {
    let sources = &envelope.sources;
    html! {
        @if let Some(up) = envelope.step.replicas_up {
            (row("one step up", &words::pods_text(up), sources.replicas_up.as_ref()))
        }
        @if let Some(down) = envelope.step.replicas_down {
            (row("one step down", &words::pods_text(down), sources.replicas_down.as_ref()))
        }
        @if let Some(factor) = envelope.resource_factor() {
            (row("one step in size", &format!("at most {} times", format::number(factor)), sources.resource_factor.as_ref()))
        }
    }
}

fn budget_text(budget: &ibn_core::envelope::Budget) -> String {
    let mut parts = Vec::new();
    parts.extend(budget.limit.cpu.map(|cpu| format!("{cpu} CPU")));
    parts.extend(budget.limit.memory.map(|memory| format!("{memory} memory")));
    parts.extend(budget.pods.map(words::pods_text));
    parts.join(", ")
}

fn source(source: &LimitSource) -> Markup {
    match source {
        LimitSource::Intent(key) => {
            let name = key.rsplit('/').next().unwrap_or(key);
            html! { "intent " a href={ "/intents/" (key) } { (name) } }
        }
        LimitSource::Guardrail(name) => html! { "guardrail " (name) },
        other => parts::rich(&other.to_string()),
    }
}
