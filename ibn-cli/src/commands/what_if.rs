//! `ibn what-if`: what a sentence or a file of intents would do.

use ibn_core::admission::WhatIf;
use ibn_core::translation::{QueryKind, QueryReading, Translation};
use ibn_server::{Pause, Replaced};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{explain, get, intents_of, tell};
use crate::args::{GetArgs, IntentArgs, Kind};
use crate::client::{Client, wait};
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::settings::Settings;

/// What the server says of a sentence or of intents before they are submitted.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preview {
    /// Under which exactly this can be applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reading: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) translation: Option<Translation>,
    #[serde(default)]
    pub(crate) foreseen: Vec<WhatIf>,
    /// The intents that are there and would be changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) replaces: Vec<Replaced>,
    /// The pauses that hold on their workloads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) paused: Vec<Pause>,
    #[serde(default)]
    pub(crate) needs_confirmation: bool,
    /// What a question is answered with: what the command prints that asks for the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<Value>,
    /// The same in plain words.
    #[serde(skip)]
    answered: Option<String>,
}

pub(crate) fn run(args: &IntentArgs, settings: &Settings) -> Outcome {
    let preview = preview(args, settings)?;
    output::print(settings.output, &preview, || text(&preview))?;
    Ok(exit_of(&preview))
}

/// Asks the server what would become of it, or what a question asks for.
pub(crate) fn preview(args: &IntentArgs, settings: &Settings) -> Result<Preview, Failure> {
    let mut preview: Preview = wait(async {
        let client = Client::new(&settings.server)?;
        client.post("preview", &body(args, settings)?).await
    })?;
    if let Some(Translation::Query(query)) = &preview.translation
        && let Some((answer, text)) = answer(query, settings)?
    {
        preview.answer = Some(answer);
        preview.answered = Some(text);
    }
    Ok(preview)
}

/// The answer to a question, as a document and in plain words; what would be if is foreseen already.
fn answer(query: &QueryReading, settings: &Settings) -> Result<Option<(Value, String)>, Failure> {
    let kind = match (query.about, &query.target) {
        (QueryKind::WhatIf, _) => return Ok(None),
        (_, Some(workload)) => {
            let (explained, text) = explain::of_workload(workload, settings)?;
            let explained = serde_json::to_value(&explained).map_err(|error| {
                Failure::because(Exit::Failed, "the answer can't be written as JSON", &error)
            })?;
            return Ok(Some((explained, text)));
        }
        (QueryKind::Explain, None) => Kind::Decisions,
        (QueryKind::Status, None) => Kind::Intents,
    };
    let found = get::find(&GetArgs::all_of(kind), settings)?;
    let text = get::text(kind, &found);
    Ok(Some((found, text)))
}

/// The body that names a sentence or intents.
fn body(args: &IntentArgs, settings: &Settings) -> Result<serde_json::Value, Failure> {
    match (&args.text, &args.file) {
        (Some(text), _) => Ok(json!({"text": text, "namespace": settings.namespace})),
        (None, Some(file)) => Ok(json!({"intents": intents_of(file)?})),
        (None, None) => Err(Failure::new(
            Exit::Usage,
            "neither a sentence nor a file is named",
        )),
    }
}

/// The preview in plain words.
pub(crate) fn text(preview: &Preview) -> String {
    let mut parts: Vec<String> = preview.translation.iter().map(tell::translation).collect();
    parts.extend(preview.answered.clone());
    // One intent of a sentence stands just above.
    let has_headings = preview.translation.is_none() || preview.foreseen.len() > 1;
    for what_if in &preview.foreseen {
        parts.extend(has_headings.then(|| tell::heading(&what_if.workload, &what_if.intent)));
        parts.push(tell::foreseen(what_if));
        let is_replaced = |replaced: &&Replaced| replaced.intent == what_if.intent;
        if let Some(replaced) = preview.replaces.iter().find(is_replaced) {
            parts.push(format!("  {}", tell::replaced(replaced)));
        }
        let is_kept_back = |pause: &&Pause| {
            pause.workload == what_if.workload && what_if.outcome.accepted().is_some()
        };
        if let Some(pause) = preview.paused.iter().find(is_kept_back) {
            parts.push(format!("  {}", tell::paused(pause)));
        }
    }
    parts.join("\n")
}

/// The end that a preview is: the worst of its parts.
pub(crate) fn exit_of(preview: &Preview) -> Exit {
    let translation = preview
        .translation
        .as_ref()
        .map_or(Exit::Done, tell::exit_of);
    if translation != Exit::Done {
        return translation;
    }
    preview
        .foreseen
        .iter()
        .map(|what_if| tell::exit_of_outcome(&what_if.outcome))
        .find(|exit| *exit != Exit::Done)
        .unwrap_or(Exit::Done)
}
