//! `ibn what-if`: what a sentence or a file of intents would do.

use ibn_core::admission::WhatIf;
use ibn_core::translation::Translation;
use ibn_server::Pause;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{intents_of, tell};
use crate::args::IntentArgs;
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
    /// The pauses that hold on their workloads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) paused: Vec<Pause>,
    #[serde(default)]
    pub(crate) needs_confirmation: bool,
}

pub(crate) fn run(args: &IntentArgs, settings: &Settings) -> Outcome {
    let preview = wait(preview(args, settings))?;
    output::print(settings.output, &preview, || text(&preview))?;
    Ok(exit_of(&preview))
}

/// Asks the server what would become of it.
pub(crate) async fn preview(args: &IntentArgs, settings: &Settings) -> Result<Preview, Failure> {
    let client = Client::new(&settings.server)?;
    client.post("preview", &body(args, settings)?).await
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
    for what_if in &preview.foreseen {
        parts.push(tell::foreseen(what_if));
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
