//! `ibn undo`: take a decision back, through the guard.

use ibn_core::decision::DecisionId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::args::UndoArgs;
use crate::client::{Client, wait};
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::settings::Settings;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Undoing {
    /// The decision by which it is undone.
    by: DecisionId,
}

pub(crate) fn run(args: &UndoArgs, settings: &Settings) -> Outcome {
    let decision: DecisionId =
        args.decision
            .parse()
            .map_err(|error: ibn_core::units::ParseUnitError| {
                Failure::new(Exit::Usage, error.to_string()).help("`ibn get decisions` lists them")
            })?;
    let undoing: Undoing = wait(async {
        Client::new(&settings.server)?
            .post(&format!("decisions/{decision}/undo"), &json!({}))
            .await
    })
    .map_err(|failure| match failure.help {
        None => {
            failure.help("`ibn get decisions` lists those that there are, with what came of them")
        }
        Some(_) => failure,
    })?;
    output::print(settings.output, &undoing, || {
        format!("{decision} is being undone by {}", undoing.by)
    })?;
    Ok(Exit::Done)
}
