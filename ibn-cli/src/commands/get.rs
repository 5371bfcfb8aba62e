//! `ibn get`: what there is.

use ibn_server::{format, words};
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
    let mut found: Value = wait(async { Client::new(&settings.server)?.get(path, &query).await })?;
    if let Some(namespace) = &settings.namespace {
        keep_namespace(&mut found, path, namespace);
    }
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

/// Keeps of workloads and decisions those of one namespace.
fn keep_namespace(found: &mut Value, path: &str, namespace: &str) {
    let start = format!("{namespace}/");
    if let Some(items) = found.get_mut(path).and_then(Value::as_array_mut) {
        items.retain(|item| {
            let workload = item
                .pointer("/workload")
                .or_else(|| item.pointer("/decision/workload"));
            workload
                .and_then(Value::as_str)
                .is_none_or(|workload| workload.starts_with(&start))
        });
    }
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
