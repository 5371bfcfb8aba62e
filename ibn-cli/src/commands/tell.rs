//! Telling a person what was understood and what it would do.

use ibn_core::admission::{AdmissionOutcome, Feasibility};
use ibn_core::intent::{Expectation, Intent};
use ibn_core::prediction::Interval;
use ibn_core::translation::Translation;

use crate::exit::Exit;
use crate::output::{Paint, diagnostic_text};

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

/// An intent in plain words.
pub(crate) fn intent(intent: &Intent) -> String {
    let paint = Paint::for_stdout();
    let mut lines = vec![format!(
        "{} on {}",
        paint.bold(&intent.key().to_string()),
        intent.workload()
    )];
    for expectation in &intent.spec.expectations {
        lines.push(match expectation {
            Expectation::Objective(objective) => format!("  keep {objective}"),
            Expectation::Directive(directive) => format!("  order {}", compact(directive)),
        });
    }
    if !intent.spec.constraints.is_empty() {
        lines.push(format!("  within {}", compact(&intent.spec.constraints)));
    }
    if let Some(preference) = intent.spec.preference {
        lines.push(format!("  favour {}", compact(&preference)));
    }
    if let Some(priority) = intent.spec.priority {
        lines.push(format!("  priority {priority}"));
    }
    if let Some(mode) = intent.spec.mode {
        lines.push(format!("  mode {}", compact(&mode)));
    }
    if let Some(validity) = &intent.spec.validity {
        let from = validity
            .from
            .map_or_else(String::new, |from| format!(" from {from}"));
        let until = validity
            .until
            .map_or_else(String::new, |until| format!(" until {until}"));
        lines.push(format!("  valid{from}{until}"));
    }
    lines.join("\n")
}

/// A value on one line, without the quotes of JSON.
fn compact(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value)
        .unwrap_or_default()
        .replace('"', "")
        .replace(',', ", ")
        .replace(':', ": ")
}

/// The end that an outcome of admission is.
pub(crate) fn exit_of_outcome(outcome: &AdmissionOutcome) -> Exit {
    match outcome {
        AdmissionOutcome::Accepted(_) => Exit::Done,
        AdmissionOutcome::Rejected { .. } | AdmissionOutcome::Infeasible { .. } => Exit::Refused,
    }
}

/// An outcome of admission in plain words.
pub(crate) fn outcome(outcome: &AdmissionOutcome) -> String {
    let paint = Paint::for_stdout();
    let mut lines = Vec::new();
    match outcome {
        AdmissionOutcome::Accepted(accepted) => {
            lines.push(paint.green("can be done"));
            let changes = accepted.effect.before.changes_to(&accepted.effect.after);
            if changes.is_empty() {
                lines.push("  changes nothing at once".to_owned());
            }
            lines.extend(changes.iter().map(|change| format!("  {change}")));
            for objective in &accepted.effect.objectives {
                let side = |interval: &Option<Interval>| {
                    interval.map_or_else(|| "not known".to_owned(), interval_text)
                };
                let (before, after) = (side(&objective.before), side(&objective.after));
                lines.push(format!(
                    "  {}: {before} now, {after} expected",
                    objective.objective
                ));
            }
            if let Some((before, after)) = accepted.effect.requests() {
                lines.push(format!(
                    "  requests: {} CPU and {} now, {} and {} then",
                    before.cpu, before.memory, after.cpu, after.memory
                ));
            }
            if let Feasibility::Unknown { why } = &accepted.feasibility {
                lines.push(format!(
                    "  {}: {why}",
                    paint.yellow("not known to be feasible")
                ));
            }
            lines.extend(
                accepted
                    .warnings
                    .iter()
                    .map(|w| format!("  {}: {}", paint.yellow("warning"), w.message)),
            );
        }
        AdmissionOutcome::Rejected { diagnostics, .. } => {
            lines.push(paint.red("rejected"));
            lines.extend(
                diagnostics
                    .iter()
                    .map(|diagnostic| diagnostic_text(diagnostic, None, &paint)),
            );
        }
        AdmissionOutcome::Infeasible { why, proposal, .. } => {
            lines.push(format!("{}: {why}", paint.red("infeasible")));
            if let Some(proposal) = proposal {
                lines.push(format!("  what can be had: {}", compact(&**proposal)));
            }
        }
    }
    for conflict in outcome.conflicts() {
        lines.push(format!("  {}: {conflict}", paint.yellow("conflict")));
        lines.extend(conflict.ways_out.iter().map(|way| format!("    - {way}")));
    }
    lines.join("\n")
}

fn interval_text(interval: Interval) -> String {
    let text = |value: f64| {
        if value.is_finite() {
            format!("{value:.3}")
        } else {
            "without bound".to_owned()
        }
    };
    if interval.mid.is_finite() {
        format!(
            "{} ({} to {})",
            text(interval.mid),
            text(interval.low),
            text(interval.high)
        )
    } else {
        text(interval.mid)
    }
}
