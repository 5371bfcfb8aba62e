//! `ibn get`: what there is.

use serde_json::Value;

use crate::args::{GetArgs, Kind};
use crate::client::{Client, wait};
use crate::exit::{Exit, Outcome};
use crate::output;
use crate::settings::Settings;

pub(crate) fn run(args: &GetArgs, settings: &Settings) -> Outcome {
    let (path, query) = match args.kind {
        Kind::Intents => (
            "intents",
            settings
                .namespace
                .iter()
                .map(|name| ("namespace", name.clone()))
                .collect(),
        ),
        Kind::Workloads => ("workloads", Vec::new()),
        Kind::Decisions => ("decisions", vec![("last", args.last.to_string())]),
    };
    let found: Value = wait(async { Client::new(&settings.server)?.get(path, &query).await })?;
    output::print(settings.output, &found, || {
        let rows = found.get(path).map(items).unwrap_or_default();
        match args.kind {
            Kind::Intents => intents(rows),
            Kind::Workloads => workloads(rows),
            Kind::Decisions => decisions(rows),
        }
    })?;
    Ok(Exit::Done)
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
            .map(|expectation| at(expectation, "/achieved"))
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
            at(intent, "/status/state"),
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

fn workloads(found: &[Value]) -> String {
    let row = |workload: &Value| {
        let number = |pointer: &str| {
            workload
                .pointer(pointer)
                .and_then(Value::as_f64)
                .map_or_else(String::new, |number| format!("{number:.3}"))
        };
        vec![
            at(workload, "/workload"),
            format!(
                "{}/{}",
                at(workload, "/readyReplicas"),
                at(workload, "/allocation/replicas")
            ),
            at(workload, "/requests/cpu"),
            number("/cpuUsed"),
            number("/requestRate"),
            number("/latency"),
            number("/latencyObjective"),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    output::table(
        &[
            "WORKLOAD",
            "READY",
            "CPU REQUESTED",
            "CPU USED",
            "RPS",
            "LATENCY (S)",
            "OBJECTIVE (S)",
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
    output::table(
        &[
            "DECISION", "AT", "WORKLOAD", "BY", "CHANGED", "OUTCOME", "WHY",
        ],
        &rows,
    )
}
