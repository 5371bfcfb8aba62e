//! Why a sentence was not read, said so that a person can mend it.

use ibn_core::translation::{RefusalCode, Translation};

use super::GRAMMAR;
use super::engine::Chart;
use super::input::Input;
use super::lex::Kind;
use super::read::Context;
use super::reasons::CONDITION;
use super::reply::{clarify, refuse};
use super::scope;
use super::vocabulary::NEGATIONS;

/// The answer for a sentence that no rule reads as a whole.
pub(crate) fn explain(input: &Input, _: &Context<'_>) -> Translation {
    if input.len() == 0 {
        return refuse(RefusalCode::NotUnderstood, "nothing was said");
    }
    match scope::reason(input) {
        // The `if` of a question what would happen is no condition.
        Some((_, message)) if message == CONDITION && predicts(input) => {
            return clarify(
                "meaning",
                "What would be different? Say it as in `what if I scaled web to 5 pods`.",
            );
        }
        Some((code, message)) => return refuse(code, message),
        None => {}
    }
    if let Some(number) = decimal_comma(input) {
        return clarify(
            "amount",
            format!("What is `{number}`? A fraction is written with a full stop, as in `1.5`."),
        );
    }
    let negated = (0..input.len()).any(|at| {
        !input.is_named(at)
            && input
                .lower(at)
                .is_some_and(|word| NEGATIONS.contains(&word) || word.ends_with("n't"))
    });
    if negated {
        return clarify(
            "meaning",
            "An intent says what is to be, not what isn't to be. What should hold?",
        );
    }
    let words = (0..input.len())
        .filter(|at| {
            input
                .token(*at)
                .is_some_and(|token| token.kind == Kind::Word)
        })
        .count();
    let names = (0..input.len()).filter(|at| input.is_named(*at)).count();
    let content = (0..input.len())
        .filter(|at| {
            (input.is_known(*at) || input.is_repaired(*at))
                && input
                    .lower(*at)
                    .is_some_and(|word| SPEAKING.contains(&word))
        })
        .count();
    let mut chart = Chart::new(&GRAMMAR, input);
    let mut is_amount = |at: usize| {
        ["num", "cpuunit", "memunit", "timeunit", "pword"]
            .iter()
            .any(|rule| !chart.read(rule, at).is_empty())
    };
    let unread: Vec<&str> = (0..input.len())
        .filter(|at| {
            !is_amount(*at)
                && !input.is_known(*at)
                && !input.is_named(*at)
                && input
                    .token(*at)
                    .is_some_and(|token| token.kind == Kind::Word && !token.glued)
        })
        .map(|at| input.span(at, at + 1))
        .collect();
    if names == 0 && content == 0 || words == 0 {
        return refuse(
            RefusalCode::NotUnderstood,
            "the sentence was not understood",
        );
    }
    let question = match unread.as_slice() {
        [] => "How is that meant? The words are known, but not in this order.".to_owned(),
        [word] => format!("What does `{word}` mean here?"),
        several => format!("What do `{}` mean here?", several.join("`, `")),
    };
    clarify("meaning", question)
}

/// The first number that is written with a comma where a fraction begins, as in `1,5`.
fn decimal_comma(input: &Input) -> Option<&str> {
    let is_glued_number = |at: usize| {
        input
            .token(at)
            .is_some_and(|token| token.glued && matches!(token.kind, Kind::Number(_)))
    };
    let is_number = |at: usize| {
        input
            .token(at)
            .is_some_and(|token| matches!(token.kind, Kind::Number(_)))
    };
    (0..input.len())
        .find(|at| {
            let comma = input.token(at + 1).filter(|token| token.glued);
            is_number(*at)
                && comma.is_some_and(|token| token.lower == "{comma}")
                && is_glued_number(at + 2)
        })
        .map(|at| input.span(at, at + 3))
}

/// Whether the sentence asks what would happen.
pub(crate) fn predicts(input: &Input) -> bool {
    !Chart::new(&GRAMMAR, input).read("whatif", 0).is_empty()
}

/// Words that show that a sentence is about workloads, where the rest of it was not read.
const SPEAKING: &[&str] = &[
    "scale",
    "rescale",
    "resize",
    "replicas",
    "replica",
    "pods",
    "pod",
    "instances",
    "cpu",
    "cpus",
    "memory",
    "ram",
    "limit",
    "limits",
    "request",
    "requests",
    "latency",
    "throughput",
    "errors",
    "error",
    "availability",
    "utilization",
    "utilisation",
    "usage",
    "quota",
    "autoscale",
    "autoscaler",
    "hpa",
    "namespace",
    "deployment",
    "deployments",
    "statefulset",
    "workload",
    "workloads",
    "container",
    "containers",
    "priority",
    "suspend",
    "pause",
    "resume",
    "cost",
    "increase",
    "decrease",
    "reduce",
    "double",
    "triple",
    "halve",
    "cap",
    "raise",
    "lower",
    "performance",
    "service",
    "services",
    "application",
    "app",
    "p95",
    "percentile",
    "capacity",
    "resources",
    "response",
    "traffic",
    "load",
];
