//! Telling a person what was understood and what it would do.

use ibn_core::admission::{AdmissionOutcome, Effect, Feasibility, WhatIf};
use ibn_core::diagnostic::Diagnostic;
use ibn_core::guard::Desired;
use ibn_core::intent::{Intent, IntentKey};
use ibn_core::prediction::Interval;
use ibn_core::translation::{QueryKind, QueryReading, Translation};
use ibn_core::workload::WorkloadRef;
use ibn_server::{Pause, Replaced, format, words};

use crate::exit::Exit;
use crate::output::{self, Paint, diagnostic_text};

/// What is said of an intent of which it is only told what would be done.
pub(crate) const ADVISES: &str = "only advises";

/// The end that a translation is by itself.
pub(crate) fn exit_of(translation: &Translation) -> Exit {
    match translation {
        Translation::Intent(_) | Translation::Query(_) => Exit::Done,
        Translation::Clarify(_) => Exit::Clarify,
        Translation::Refuse(_) => Exit::Refused,
    }
}

/// A translation in plain words.
pub(crate) fn translation(translation: &Translation) -> String {
    let paint = Paint::for_stdout();
    match translation {
        Translation::Intent(reading) => {
            let mut lines: Vec<String> = reading.intents.iter().map(intent).collect();
            lines.extend(
                reading
                    .notes
                    .iter()
                    .map(|note| format!("{}: {note}", paint.yellow("note"))),
            );
            lines.join("\n")
        }
        Translation::Query(query) => {
            let about = serde_json::to_value(query.about)
                .ok()
                .and_then(|v| v.as_str().map(str::to_owned));
            let target = query
                .target
                .as_ref()
                .map_or_else(|| "everything".to_owned(), ToString::to_string);
            format!("a question ({}) about {target}", about.unwrap_or_default())
        }
        Translation::Clarify(clarification) => {
            let mut text = format!("{} {}", paint.yellow("?"), clarification.question);
            for candidate in &clarification.candidates {
                text.push_str(&format!("\n  - {candidate}"));
            }
            text
        }
        Translation::Refuse(refusal) => format!("{} {}", paint.red("refused:"), refusal.message),
    }
}

/// The command that answers a question.
pub(crate) fn answering(query: &QueryReading) -> String {
    match (query.about, &query.target) {
        (QueryKind::WhatIf, _) => "`ibn what-if` with this sentence".to_owned(),
        (_, Some(workload)) => format!("`ibn explain {workload}`"),
        (QueryKind::Explain, None) => "`ibn get decisions`".to_owned(),
        (QueryKind::Status, None) => "`ibn get`".to_owned(),
    }
}

/// What a verdict is about, where it stands by itself or there are several.
pub(crate) fn heading(it: &WorkloadRef, intent: &IntentKey) -> String {
    let paint = Paint::for_stdout();
    let what = words::target(&it.namespace, it.kind, &it.name);
    let name = format!("(intent {})", intent.name);
    format!("{} {}", paint.bold(&what), paint.dim(&name))
}

/// An intent in plain words.
pub(crate) fn intent(intent: &Intent) -> String {
    let paint = Paint::for_stdout();
    let target = &intent.spec.target;
    let what = words::target(&intent.metadata.namespace, target.kind, &target.name);
    let name = format!("(intent {})", intent.metadata.name);
    let mut lines = vec![format!("{} {}", paint.bold(&what), paint.dim(&name))];
    lines.extend(indented(&words::sentences(&intent.spec).join("\n")));
    lines.join("\n")
}

/// Each line of a text further to the right.
pub(crate) fn indented(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(|line| format!("  {line}"))
}

/// The end that an outcome of admission is.
pub(crate) fn exit_of_outcome(outcome: &AdmissionOutcome) -> Exit {
    match outcome {
        AdmissionOutcome::Accepted(_) => Exit::Done,
        AdmissionOutcome::Rejected { .. } | AdmissionOutcome::Infeasible { .. } => Exit::Refused,
    }
}

/// What would become of an intent, in plain words.
pub(crate) fn foreseen(what_if: &WhatIf) -> String {
    let paint = Paint::for_stdout();
    let mut lines = vec![outcome(&what_if.outcome)];
    if let AdmissionOutcome::Infeasible { proposal, .. } = &what_if.outcome {
        match proposal {
            Some(spec) => {
                lines.push(paint.bold("what could be had instead"));
                lines.extend(indented(&words::sentences(spec).join("\n")));
            }
            None => lines.push("  nothing near it can be had inside the limits".to_owned()),
        }
    }
    if let Some(effect) = what_if.effect() {
        if let Some(demand) = what_if.demand {
            let rate = format::rate(demand.request_rate);
            lines.push(paint.dim(&format!("  predicted for a load of {rate}")));
        }
        let rows = effect_rows(what_if, effect);
        lines.extend(indented(&output::table(&["", "NOW", "THEN"], &rows)));
        if effect.predicted_after.is_none() && matches!(effect.after, Desired::Allocation(_)) {
            lines.push("  response times can't be predicted yet: how this workload turns requests into CPU time isn't known".to_owned());
        }
    }
    for cut in &what_if.cuts {
        lines.push(format!("  {}: {cut}", paint.yellow("the guard would cut")));
    }
    lines.join("\n")
}

/// What an intent takes the place of.
pub(crate) fn replaced(replaced: &Replaced) -> String {
    let paint = Paint::for_stdout();
    format!("{}: it {replaced}", paint.yellow("note"))
}

/// A pause, and what it is to an intent on its workload.
pub(crate) fn paused(pause: &Pause) -> String {
    let pause = Paint::for_stdout().yellow(&pause.to_string());
    format!("{pause}: this takes effect when it is resumed")
}

/// The rows of a table of what is and what would be.
fn effect_rows(what_if: &WhatIf, effect: &Effect) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = |what: &str, now: String, then: String| {
        rows.push(vec![what.to_owned(), now, then]);
    };
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "unset".to_owned());
    for change in &what_if.changes {
        row(
            &change.field.to_string(),
            side(&change.from),
            side(&change.to),
        );
    }
    if what_if.changes.is_empty() {
        row("nothing has to change now", String::new(), String::new());
    }
    if let Some(cost) = what_if.cost {
        row(
            "CPU of all pods",
            format::cores(cost.cpu_before.as_cores()),
            format::cores(cost.cpu_after.as_cores()),
        );
        row(
            "memory of all pods",
            format::bytes(cost.memory_before.get() as f64),
            format::bytes(cost.memory_after.get() as f64),
        );
    }
    if let (Some(now), Some(then)) = (&effect.predicted_before, &effect.predicted_after) {
        for (quantile, before) in &now.latency {
            if let Some(after) = then.latency.get(quantile) {
                row(
                    &format!("{quantile} response time"),
                    interval(*before, format::seconds),
                    interval(*after, format::seconds),
                );
            }
        }
        let percent = |value: f64| format::percent(value / 100.0);
        row(
            "CPU use",
            interval(now.cpu_utilization, percent),
            interval(then.cpu_utilization, percent),
        );
        row(
            "failed requests",
            interval(now.error_rate, format::percent),
            interval(then.error_rate, format::percent),
        );
        row(
            "requests served",
            interval(now.throughput, format::rate),
            interval(then.throughput, format::rate),
        );
    }
    for objective in &effect.objectives {
        let whose = if objective.intent == what_if.intent {
            objective.objective.clone()
        } else {
            format!("{} of {}", objective.objective, objective.intent.name)
        };
        row(
            &whose,
            met(objective.met_before, false).to_owned(),
            met(objective.met_after, objective.is_uncertain).to_owned(),
        );
    }
    rows
}

fn met(met: Option<bool>, is_uncertain: bool) -> &'static str {
    match (met, is_uncertain) {
        (Some(true), false) => "met",
        (Some(true), true) => "just about met",
        (Some(false), true) => "just about missed",
        (Some(false), false) => "missed",
        (None, _) => "not known",
    }
}

pub(crate) fn interval(interval: Interval, write: impl Fn(f64) -> String) -> String {
    match format::interval(interval, write) {
        (mid, Some(range)) => format!("{mid} ({range})"),
        (mid, None) => mid,
    }
}

/// An outcome of admission in plain words, without its effect.
pub(crate) fn outcome(outcome: &AdmissionOutcome) -> String {
    let paint = Paint::for_stdout();
    let mut lines = Vec::new();
    match outcome {
        AdmissionOutcome::Accepted(accepted) => {
            lines.push(paint.green("can be done"));
            if let Feasibility::Unknown { why } = &accepted.feasibility {
                lines.push(format!(
                    "  {}: {why}",
                    paint.yellow("whether it can be met isn't known")
                ));
            }
            lines.extend(
                accepted
                    .warnings
                    .iter()
                    .map(|w| format!("  {}: {}", paint.yellow("warning"), w.message)),
            );
            lines.extend(diagnostics(&accepted.diagnostics));
            for displaced in &accepted.displaces {
                lines.push(format!(
                    "  it takes the place of {displaced} while it stands"
                ));
            }
        }
        AdmissionOutcome::Rejected {
            diagnostics: faults,
            ..
        } => {
            lines.push(paint.red("can't be accepted"));
            lines.extend(diagnostics(faults));
        }
        AdmissionOutcome::Infeasible { why, .. } => {
            lines.push(format!("{}: {why}", paint.red("can't be met")));
        }
    }
    for conflict in outcome.conflicts() {
        lines.push(format!("  {}: {conflict}", paint.yellow("conflict")));
        lines.extend(conflict.ways_out.iter().map(|way| format!("    - {way}")));
    }
    lines.join("\n")
}

fn diagnostics(faults: &[Diagnostic]) -> impl Iterator<Item = String> {
    let paint = Paint::for_stdout();
    faults
        .iter()
        .map(move |fault| diagnostic_text(fault, None, &paint))
}
