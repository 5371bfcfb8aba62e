//! `ibn get`: what there is.

use ibn_core::catalog::Catalog;
use ibn_core::intent::IntentState;
use ibn_core::read::quote;
use ibn_server::{Pause, format, words};
use serde::Deserialize;
use serde_json::Value;

use crate::args::{GetArgs, Kind};
use crate::client::{Client, wait};
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::settings::Settings;

pub(crate) fn run(args: &GetArgs, settings: &Settings) -> Outcome {
    let found = find(args, settings)?;
    output::print(settings.output, &found, || text(args.kind, &found))?;
    Ok(Exit::Done)
}

/// What there is, as the server lists it.
pub(crate) fn find(args: &GetArgs, settings: &Settings) -> Result<Value, Failure> {
    let path = path(args.kind);
    let query = match args.kind {
        Kind::Intents => settings
            .namespace
            .iter()
            .map(|name| ("namespace", name.clone()))
            .collect(),
        Kind::Workloads => Vec::new(),
        Kind::Decisions => {
            let namespace = settings.namespace.clone();
            let namespace = namespace.map(|name| ("namespace", name));
            let last = ("last", args.last.to_string());
            namespace.into_iter().chain([last]).collect()
        }
    };
    let mut found: Value = wait(async { Client::new(&settings.server)?.get(path, &query).await })?;
    match (args.kind, &settings.namespace) {
        (Kind::Workloads, Some(namespace)) => keep_namespace(&mut found, namespace),
        (Kind::Intents, _) if !args.all => hide_corrected(&mut found),
        _ => {}
    }
    if let Some(namespace) = &settings.namespace
        && found.get(path).is_some_and(|found| items(found).is_empty())
    {
        expect_namespace(namespace, settings)?;
    }
    Ok(found)
}

/// The list in plain words.
pub(crate) fn text(kind: Kind, found: &Value) -> String {
    let rows = found.get(path(kind)).map(items).unwrap_or_default();
    let mut text = match kind {
        Kind::Intents => intents(rows),
        Kind::Workloads => workloads(rows),
        Kind::Decisions => decisions(rows),
    };
    for note in notes(found) {
        text.push('\n');
        text.push_str(&note);
    }
    text
}

/// Where the server lists things of a kind, and the key that it lists them under.
fn path(kind: Kind) -> &'static str {
    match kind {
        Kind::Intents => "intents",
        Kind::Workloads => "workloads",
        Kind::Decisions => "decisions",
    }
}

/// Says so where there is no such namespace: that nothing is in it would be no answer.
fn expect_namespace(namespace: &str, settings: &Settings) -> Result<(), Failure> {
    let catalog: Catalog =
        wait(async { Client::new(&settings.server)?.get("catalog", &[]).await })?;
    let known = super::namespaces(&catalog);
    // Before the first inventory none is known, and so none is missing.
    if known.is_empty() || known.contains(namespace) {
        return Ok(());
    }
    let message = format!("there is no namespace {}", quote(namespace));
    Err(Failure::new(Exit::Failed, message).help(super::existing_namespaces(&known)))
}

/// Keeps of workloads those of one namespace.
fn keep_namespace(found: &mut Value, namespace: &str) {
    let start = format!("{namespace}/");
    if let Some(workloads) = found.get_mut("workloads").and_then(Value::as_array_mut) {
        workloads.retain(|workload| at(workload, "/workload").starts_with(&start));
    }
}

/// Leaves out what assurance raised and is over, of which there come many, and says how many these are.
fn hide_corrected(found: &mut Value) {
    let Some(intents) = found.get_mut("intents").and_then(Value::as_array_mut) else {
        return;
    };
    let all = intents.len();
    intents.retain(|intent| {
        at(intent, "/spec/origin/by") != "assurance" || at(intent, "/status/state") != "Finished"
    });
    let hidden = all - intents.len();
    if let Some(found) = found.as_object_mut().filter(|_| hidden > 0) {
        found.insert("hidden".to_owned(), hidden.into());
    }
}

/// What is to be said below a list: pauses that hold, and what was left out.
fn notes(found: &Value) -> Vec<String> {
    let of_workloads = found.get("workloads").map(items).unwrap_or_default();
    let of_workloads = of_workloads.iter().filter_map(|it| it.get("paused"));
    let mut notes: Vec<String> = found
        .get("pauses")
        .map(items)
        .unwrap_or_default()
        .iter()
        .chain(of_workloads)
        .filter_map(|pause| Pause::deserialize(pause).ok())
        .map(|pause| format!("{}: {pause}", pause.workload))
        .collect();
    notes.extend(found.get("hidden").map(|hidden| {
        format!("{hidden} raised by assurance and over by now: hidden, `--all` lists them, too")
    }));
    notes
}

fn items(found: &Value) -> &[Value] {
    found.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The text at a JSON pointer; empty where there is none.
fn at(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

fn intents(found: &[Value]) -> String {
    let row = |intent: &Value| {
        let achieved: Vec<String> = intent
            .pointer("/status/expectations")
            .map(items)
            .unwrap_or_default()
            .iter()
            .map(|expectation| words::achieved(&at(expectation, "/achieved")))
            .collect();
        let target = format!(
            "{}/{}",
            at(intent, "/spec/target/kind"),
            at(intent, "/spec/target/name")
        );
        vec![
            at(intent, "/metadata/namespace"),
            at(intent, "/metadata/name"),
            target,
            state(intent),
            achieved.join(", "),
            at(intent, "/spec/text"),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    if rows.is_empty() {
        return "no intents yet; say one with `ibn apply \"…\"`".to_owned();
    }
    output::table(
        &["NAMESPACE", "NAME", "TARGET", "STATE", "ACHIEVED", "SAID"],
        &rows,
    )
}

/// The state of an intent, and whether it is followed by advice alone.
fn state(intent: &Value) -> String {
    let state = at(intent, "/status/state");
    let is_live = intent
        .pointer("/status/state")
        .and_then(|state| IntentState::deserialize(state).ok())
        .is_some_and(IntentState::is_live);
    if is_live && at(intent, "/spec/mode") == "Advise" {
        format!("{state}, {}", super::tell::ADVISES)
    } else {
        state
    }
}

fn workloads(found: &[Value]) -> String {
    let row = |workload: &Value| {
        let number = |pointer: &str, write: fn(f64) -> String| {
            workload
                .pointer(pointer)
                .and_then(Value::as_f64)
                .map_or_else(String::new, write)
        };
        vec![
            at(workload, "/workload"),
            format!(
                "{}/{}",
                at(workload, "/readyReplicas"),
                at(workload, "/allocation/replicas")
            ),
            at(workload, "/requests/cpu"),
            number("/cpuUsed", format::number),
            number("/requestRate", format::rate),
            number("/latency", format::seconds),
            number("/latencyObjective", format::seconds),
        ]
    };
    // A namespace stands among the workloads for its quota, and has no pods of its own.
    let rows: Vec<_> = found
        .iter()
        .filter(|workload| !at(workload, "/workload").contains("/Namespace/"))
        .map(row)
        .collect();
    if rows.is_empty() {
        return "no workloads are known yet".to_owned();
    }
    output::table(
        &[
            "WORKLOAD",
            "READY",
            "CPU REQUESTED",
            "CPU USED",
            "REQUESTS",
            "LATENCY",
            "OBJECTIVE",
        ],
        &rows,
    )
}

fn decisions(found: &[Value]) -> String {
    let row = |decision: &Value| {
        let changes: Vec<String> = decision
            .pointer("/decision/changes")
            .map(items)
            .unwrap_or_default()
            .iter()
            .map(|change| {
                format!(
                    "{} {} → {}",
                    at(change, "/field"),
                    at(change, "/from"),
                    at(change, "/to")
                )
            })
            .collect();
        vec![
            at(decision, "/decision/id"),
            at(decision, "/decision/at"),
            at(decision, "/decision/workload"),
            at(decision, "/decision/trigger"),
            if changes.is_empty() {
                "nothing".to_owned()
            } else {
                changes.join(", ")
            },
            at(decision, "/outcome"),
            at(decision, "/decision/reasons/0/message"),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    if rows.is_empty() {
        return "nothing was decided yet".to_owned();
    }
    output::table(
        &[
            "DECISION", "AT", "WORKLOAD", "BY", "CHANGED", "OUTCOME", "WHY",
        ],
        &rows,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_assurance_raised_and_is_over_is_left_out_and_counted() {
        let intent = |name: &str, by: &str, state: &str| {
            json!({
                "metadata": {"name": name},
                "spec": {"origin": {"by": by}},
                "status": {"state": state},
            })
        };
        let mut found = json!({"intents": [
            intent("floor-1", "assurance", "Finished"),
            intent("floor-2", "assurance", "Accepted"),
            intent("night", "user", "Finished"),
            intent("floor-3", "assurance", "Finished"),
            {"metadata": {"name": "new"}, "spec": {}},
        ]});
        hide_corrected(&mut found);
        let intents = found.get("intents").map(items).unwrap_or_default();
        let names: Vec<String> = intents.iter().map(|it| at(it, "/metadata/name")).collect();
        assert_eq!(names, ["floor-2", "night", "new"]);
        assert_eq!(found.get("hidden"), Some(&json!(2)));
        assert!(notes(&found).concat().starts_with("2 raised by assurance"));
        // Where nothing is left out, nothing is said.
        let mut few = json!({"intents": [intent("night", "user", "Finished")]});
        hide_corrected(&mut few);
        assert_eq!(few.get("hidden"), None);
        assert_eq!(notes(&few), Vec::<String>::new());
    }
}
