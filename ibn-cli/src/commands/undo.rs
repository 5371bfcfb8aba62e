//! `ibn undo` and `ibn approve`: take a decision back, or let it be done, through the guard.

use ibn_core::decision::DecisionId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::args::{ApproveArgs, UndoArgs};
use crate::client::{Client, wait};
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::settings::Settings;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    /// The decision by which it is done.
    by: DecisionId,
}

pub(crate) fn run(args: &UndoArgs, settings: &Settings) -> Outcome {
    ask(&args.decision, "undo", settings, |decision, by| {
        format!("{decision} is being undone by {by}")
    })
}

pub(crate) fn approve(args: &ApproveArgs, settings: &Settings) -> Outcome {
    ask(&args.decision, "approve", settings, |decision, by| {
        format!("what {decision} wanted is being done by {by}")
    })
}

fn ask(
    decision: &str,
    what: &str,
    settings: &Settings,
    tell: impl Fn(DecisionId, DecisionId) -> String,
) -> Outcome {
    let decision: DecisionId =
        decision
            .parse()
            .map_err(|error: ibn_core::units::ParseUnitError| {
                Failure::new(Exit::Usage, error.to_string()).help("`ibn get decisions` lists them")
            })?;
    let done: Done = wait(async {
        Client::new(&settings.server)?
            .post(&format!("decisions/{decision}/{what}"), &json!({}))
            .await
    })
    .map_err(|failure| match help(decision, &failure) {
        Some(help) if failure.help.is_none() => failure.help(help),
        _ => failure,
    })?;
    output::print(settings.output, &done, || tell(decision, done.by))?;
    Ok(Exit::Done)
}

/// What to do where the server said no, by the reason that it gave.
fn help(decision: DecisionId, failure: &Failure) -> Option<String> {
    match failure.code.as_deref()? {
        "notFound" => Some("`ibn get decisions` lists those that there are".to_owned()),
        "nothingToUndo" => Some(format!("`ibn explain {decision}` tells what came of it")),
        "alreadyUndone" => Some(format!("`ibn explain {decision}` tells when and why")),
        "refused" | "stale" => Some(format!(
            "`ibn explain {decision}` tells what can be done about it now; what is wanted instead can be said with `ibn apply`"
        )),
        _ => None,
    }
}
