//! What would come of an intent: before and after, changes, cost, conflicts, cuts.

use ibn_core::admission::{Accepted, AdmissionOutcome, Cost, Effect, Feasibility, WhatIf};
use ibn_core::guard::Desired;
use ibn_core::intent::{Bound, Intent};
use ibn_core::prediction::{Interval, Prediction};
use ibn_core::units::Quantile;
use maud::{Markup, html};

use super::{format, parts, words};
use crate::plot::WriteValue;
use crate::reading::{Foreseen, mode_alone};
use crate::state::ServerState;
use crate::view::intents_on;

/// What a pause is to an intent on its workload.
pub(crate) const PAUSED: &str = "this takes effect when it is resumed";

/// How an outcome stands in one word.
pub(crate) fn verdict(outcome: &AdmissionOutcome) -> Markup {
    match outcome {
        AdmissionOutcome::Accepted(_) => parts::badge("good", "can be done"),
        AdmissionOutcome::Rejected { .. } => parts::badge("bad", "can't be accepted"),
        AdmissionOutcome::Infeasible { .. } => parts::badge("bad", "can't be met"),
    }
}

/// Everything that is foreseen of one intent.
pub(crate) fn foreseen(server: &ServerState, intent: &Intent, foreseen: &Foreseen) -> Markup {
    if let Some(mode) = mode_alone(&intent.spec) {
        let engine = server.control().state();
        let touched: Vec<_> = intents_on(&engine, &intent.workload()).collect();
        return html! {
            p {
                @if touched.is_empty() {
                    "There are no intents on this workload, so nothing changes."
                } @else {
                    "These intents go into the mode " b { (format!("{mode:?}")) } ": "
                    @for (idx, touched) in touched.iter().enumerate() {
                        @if idx > 0 { ", " }
                        a href=(parts::intent_url(&touched.key())) { (touched.metadata.name) }
                    }
                    "."
                }
            }
        };
    }
    let what_if = &foreseen.what_if;
    match &what_if.outcome {
        AdmissionOutcome::Accepted(accepted) => html! {
            @if let Some(pause) = &foreseen.paused { (parts::pause(pause, PAUSED)) }
            (accepted_part(intent, accepted))
            (effect(intent, what_if))
            (cuts(&what_if.cuts))
        },
        AdmissionOutcome::Rejected {
            diagnostics,
            conflicts,
        } => html! {
            @if !diagnostics.is_empty() { (parts::diagnostics(diagnostics)) }
            (parts::conflicts(conflicts))
        },
        AdmissionOutcome::Infeasible { why, conflicts, .. } => html! {
            p.lead { (parts::rich(&parts::sentence(why))) }
            (parts::conflicts(conflicts))
            @if foreseen.proposed.is_none() {
                p { "There is nothing near it that could be had inside the limits." }
            }
        },
    }
}

/// The counter-proposal with what would come of it.
pub(crate) fn proposed(intent: &Intent, what_if: &WhatIf) -> Markup {
    html! {
        ul.plain { @for line in words::sentences(&intent.spec) { li { (line) } } }
        (effect(intent, what_if))
        (cuts(&what_if.cuts))
    }
}

fn accepted_part(intent: &Intent, accepted: &Accepted) -> Markup {
    html! {
        @if let Feasibility::Unknown { why } = &accepted.feasibility {
            p.note { "Whether it can be met isn't known: " (parts::rich(why)) "." }
        }
        @for warning in &accepted.warnings { p.note { (parts::rich(&parts::sentence(&warning.message))) } }
        @if !accepted.diagnostics.is_empty() { (parts::diagnostics(&accepted.diagnostics)) }
        (parts::conflicts(&accepted.conflicts))
        @if !accepted.displaces.is_empty() {
            p.note {
                "While it stands, it takes the place of "
                @for (idx, key) in accepted.displaces.iter().enumerate() {
                    @if idx > 0 { ", " }
                    a href=(parts::intent_url(key)) { (key.name) }
                }
                "."
            }
        }
        @if intent.spec.validity.is_some_and(|validity| validity.from.is_some()) {
            p.note { "It begins later; what is shown is as if it began now." }
        }
    }
}

fn cuts(cuts: &[ibn_core::guard::Cut]) -> Markup {
    html! {
        @if !cuts.is_empty() {
            h3 { "What the guard would not do at once" }
            (parts::cuts(cuts))
        }
    }
}

/// Before and after, as a table.
fn effect(intent: &Intent, what_if: &WhatIf) -> Markup {
    let Some(effect) = what_if.effect() else {
        return html! {};
    };
    let changes = &what_if.changes;
    html! {
        table.effect {
            caption { "What would come of it" }
            thead { tr { th scope="col" { "" } th scope="col" { "now" } th scope="col" { "then" } } }
            tbody {
                @for change in changes {
                    tr.changed {
                        th scope="row" { (change.field) }
                        td { (change.from.as_deref().unwrap_or("unset")) }
                        td { b { (change.to.as_deref().unwrap_or("unset")) } }
                    }
                }
                @if changes.is_empty() {
                    tr { th scope="row" { "fields" } td colspan="2" { "nothing has to change now" } }
                }
                @if let Some(cost) = what_if.cost { (cost_rows(cost)) }
                (predicted(intent, effect))
                @for objective in &effect.objectives {
                    tr {
                        th scope="row" {
                            (objective.objective)
                            @if objective.intent != intent.key() { span.where { " of " (objective.intent.name) } }
                        }
                        td { (met(objective.met_before, false)) }
                        td { (met(objective.met_after, objective.is_uncertain)) }
                    }
                }
            }
        }
        @if let Some(demand) = what_if.demand.filter(|_| effect.predicted_after.is_some()) {
            p.help { "Predicted for a load of " (format::rate(demand.request_rate)) ". Below a value stands the range in which it is expected." }
        }
        @if effect.predicted_before.is_none() && matches!(effect.before, Desired::Allocation(_)) {
            p.help { "Response times can't be predicted yet: how this workload turns requests into CPU time isn't known." }
        }
    }
}

fn met(met: Option<bool>, is_uncertain: bool) -> Markup {
    html! {
        @match (met, is_uncertain) {
            (Some(true), false) => (parts::badge("good", "met")),
            (Some(true), true) => (parts::badge("warn", "just about met")),
            (Some(false), true) => (parts::badge("warn", "just about missed")),
            (Some(false), false) => (parts::badge("bad", "missed")),
            (None, _) => "not known",
        }
    }
}

fn cost_rows(cost: Cost) -> Markup {
    let Cost {
        cpu_before,
        cpu_after,
        memory_before,
        memory_after,
    } = cost;
    let difference = cpu_after.as_cores() - cpu_before.as_cores();
    let relative = if cpu_before.get() > 0 {
        format!(
            " ({}{} %)",
            sign(difference),
            format::number((100.0 * difference / cpu_before.as_cores()).abs())
        )
    } else {
        String::new()
    };
    html! {
        tr.changed[cpu_before != cpu_after] {
            th scope="row" { "CPU requested in all" }
            td { (format::cores(cpu_before.as_cores())) }
            td {
                b { (format::cores(cpu_after.as_cores())) }
                @if cpu_before != cpu_after {
                    span.delta.more[difference > 0.0] { " " (sign(difference)) (format::number(difference.abs())) (relative) }
                }
            }
        }
        tr.changed[memory_before != memory_after] {
            th scope="row" { "memory requested in all" }
            td { (format::bytes(memory_before.get() as f64)) }
            td { b { (format::bytes(memory_after.get() as f64)) } }
        }
    }
}

fn sign(difference: f64) -> &'static str {
    if difference < 0.0 { "−" } else { "+" }
}

fn predicted(intent: &Intent, effect: &Effect) -> Markup {
    let (Some(before), Some(after)) = (&effect.predicted_before, &effect.predicted_after) else {
        return html! {};
    };
    let mut quantiles: Vec<Quantile> = intent
        .spec
        .objectives()
        .filter(|(_, objective)| matches!(objective.bound, Bound::AtMost(_)))
        .filter(|(_, objective)| objective.indicator == ibn_core::intent::IndicatorName::Latency)
        .map(|(_, objective)| objective.quantile())
        .collect();
    if quantiles.is_empty() {
        quantiles.push(Quantile::P95);
    }
    quantiles.sort_unstable();
    quantiles.dedup();
    type Row = (&'static str, fn(&Prediction) -> Interval, WriteValue);
    let rows: [Row; 3] = [
        (
            "CPU use",
            |it| it.cpu_utilization,
            |value| format!("{} %", format::number(value)),
        ),
        ("failed requests", |it| it.error_rate, format::percent),
        ("requests served", |it| it.throughput, format::rate),
    ];
    html! {
        @for quantile in quantiles {
            @if let (Some(before), Some(after)) = (before.latency_at(quantile), after.latency_at(quantile)) {
                (interval_row(&format!("{} response time", quantile.short_name()), before, after, format::seconds))
            }
        }
        @for (name, of, write) in rows {
            (interval_row(name, of(before), of(after), write))
        }
    }
}

fn interval_row(name: &str, before: Interval, after: Interval, write: WriteValue) -> Markup {
    let cell = |interval: Interval| {
        let (mid, range) = format::interval(interval, write);
        html! { b { (mid) } @if let Some(range) = range { span.range { (range) } } }
    };
    html! {
        tr {
            th scope="row" { (name) span.where { " predicted" } }
            td { (cell(before)) }
            td { (cell(after)) }
        }
    }
}
