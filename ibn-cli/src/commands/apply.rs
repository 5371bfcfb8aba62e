//! `ibn apply`: submit a sentence or a file of intents, after a look at what it would do.

use std::io::{BufRead, IsTerminal, Write};

use ibn_core::admission::AdmissionOutcome;
use ibn_core::intent::IntentKey;
use ibn_core::translation::Translation;
use ibn_core::workload::WorkloadRef;
use ibn_server::{Pause, Replaced};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{tell, what_if};
use crate::args::ApplyArgs;
use crate::client::{Client, wait};
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::settings::Settings;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Applied {
    replies: Vec<Submitted>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Submitted {
    intent: IntentKey,
    workload: WorkloadRef,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<AdmissionOutcome>,
    /// For a change of mode: the intents that were put into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    touched: Option<Vec<IntentKey>>,
    /// The intent of this name that was there and was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<Replaced>,
    /// The pause that keeps it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paused: Option<Pause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

impl Submitted {
    fn exit(&self) -> Exit {
        match (&self.outcome, &self.touched) {
            _ if self.failure.is_some() => Exit::Failed,
            (Some(outcome), _) => tell::exit_of_outcome(outcome),
            (None, Some(_)) => Exit::Done,
            (None, None) => Exit::Failed,
        }
    }

    fn text(&self) -> String {
        if let Some(failure) = &self.failure {
            return format!("{}: {failure}", self.intent);
        }
        let names = |keys: &[IntentKey]| {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            keys.join(", ")
        };
        match (&self.outcome, self.touched.as_deref()) {
            (Some(outcome), _) if outcome.accepted().is_some() => {
                let mut next = self.paused.as_ref().map_or_else(
                    || "what has to change for it is decided within the next control period (`ibn get decisions`)".to_owned(),
                    tell::paused,
                );
                if let Some(replaced) = &self.replaces {
                    next.push_str(&format!("\n  {}", tell::replaced(replaced)));
                }
                format!("{} is accepted; {next}", self.intent)
            }
            (Some(outcome), _) => format!("{}: {}", self.intent, tell::outcome(outcome)),
            (None, Some([])) => {
                "there are no intents on this workload, so nothing changed".to_owned()
            }
            (None, touched) => format!("changed: {}", names(touched.unwrap_or_default())),
        }
    }
}

pub(crate) fn run(args: &ApplyArgs, settings: &Settings) -> Outcome {
    let preview = what_if::preview(&args.intent, settings)?;
    let exit = what_if::exit_of(&preview);
    // A question is answered, and never done.
    let is_order = !matches!(preview.translation, Some(Translation::Query(_)));
    if args.dry_run || exit != Exit::Done || preview.foreseen.is_empty() || !is_order {
        output::print(settings.output, &preview, || what_if::text(&preview))?;
        return Ok(exit);
    }
    // A reading that only a model gave is asked about, whatever was said beforehand.
    let ask = preview.needs_confirmation || !args.yes;
    if ask {
        output::note(&what_if::text(&preview));
        if preview.needs_confirmation {
            output::note("Only a model read this sentence; look closely.");
        }
        confirm(preview.needs_confirmation)?;
    }
    // Just what was seen, not what the sentence would be read as now.
    let Some(reading) = &preview.reading else {
        return Err(Failure::new(
            Exit::Failed,
            "the server gave a preview that can't be applied",
        )
        .help("`ibn --version` here and where the server runs should be the same"));
    };
    let body = json!({"reading": reading, "confirmed": ask});
    let applied: Applied =
        wait(async { Client::new(&settings.server)?.post("apply", &body).await })?;
    output::print(settings.output, &applied, || {
        let has_headings = applied.replies.len() > 1;
        let lines = applied.replies.iter().flat_map(|reply| {
            let heading = || tell::heading(&reply.workload, &reply.intent);
            has_headings.then(heading).into_iter().chain([reply.text()])
        });
        lines.collect::<Vec<String>>().join("\n")
    })?;
    let exits = applied.replies.iter().map(Submitted::exit);
    Ok(exits
        .into_iter()
        .find(|exit| *exit != Exit::Done)
        .unwrap_or(Exit::Done))
}

/// Asks the person; a "no" is a refusal, and nobody to ask is a question that stays open.
fn confirm(model_only: bool) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        let failure = Failure::new(
            Exit::Clarify,
            "a person has to confirm this, and there is no terminal to ask on",
        );
        return Err(if model_only {
            failure.help("confirm it in a terminal or on the page; a model's reading is never applied unseen")
        } else {
            failure.help("look at it with `ibn what-if`, then say `--yes`")
        });
    }
    let mut err = std::io::stderr().lock();
    // A terminal that can't be written to can't be answered on either; the read then fails.
    let _ = write!(err, "Apply this? [y/N] ");
    let _ = err.flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    match (read, answer.trim().to_ascii_lowercase().as_str()) {
        (Ok(_), "y" | "yes") => Ok(()),
        _ => Err(Failure::new(Exit::Refused, "nothing was applied")),
    }
}
