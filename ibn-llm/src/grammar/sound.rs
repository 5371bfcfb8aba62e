//! Whether a finished intent can be at all; where it can't, a question in a person's words.

use ibn_core::diagnostic::{Code, Diagnostic};
use ibn_core::intent::Intent;
use ibn_core::translation::Translation;
use ibn_core::validate::validate_intent;

use super::reply::clarify;

/// The question about the first rule that an intent breaks by itself.
pub(crate) fn check(intent: &Intent) -> Result<(), Translation> {
    let faults = validate_intent(intent);
    match faults.iter().find(|fault| fault.is_error()) {
        Some(fault) => Err(question(&intent.spec.target.name, fault)),
        None => Ok(()),
    }
}

fn question(name: &str, fault: &Diagnostic) -> Translation {
    let Diagnostic {
        code,
        path,
        message,
        help,
        ..
    } = fault;
    match code {
        Code::RequestAboveLimit => clarify(
            "amount",
            format!(
                "For `{name}`, {message}, and a request is at most its limit. Which one holds?"
            ),
        ),
        Code::LaterResume => clarify(
            "time",
            "A resume can't wait for its time. Say it then, or give the pause its end, such as `pause … until 18:00`.",
        ),
        Code::EndsBeforeBegin => clarify(
            "time",
            "It would end before it begins. From when until when?",
        ),
        Code::OutOfRange if path.ends_with(".window") => clarify(
            "time",
            format!("The window can't be that: {message}. Possible: {help}. Over how long?"),
        ),
        _ => clarify(
            "amount",
            format!("For `{name}`, that can't be: {message}. Possible: {help}. What should hold?"),
        ),
    }
}
