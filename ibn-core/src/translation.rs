//! What a translator makes of a sentence.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::intent::Intent;
use crate::workload::WorkloadRef;

/// What a person said, and when and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Utterance {
    /// The sentence.
    pub text: String,
    /// The instant against which "until 6 pm" is resolved.
    pub now: Timestamp,
    /// IANA name of the time zone in which the person speaks.
    pub timezone: String,
    /// The namespace to prefer where a name stands in several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl Utterance {
    /// A sentence said at `now` in UTC.
    #[must_use]
    pub fn new(text: &str, now: Timestamp) -> Self {
        Self {
            text: text.to_owned(),
            now,
            timezone: "UTC".to_owned(),
            namespace: None,
        }
    }
}

/// What a sentence means. Never a guess: two readings, or no such workload, is [`Translation::Clarify`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "camelCase")]
pub enum Translation {
    /// It wants something.
    Intent(IntentReading),
    /// It asks something.
    Query(QueryReading),
    /// It needs an answer first.
    Clarify(Clarification),
    /// It can't be done, or may not be.
    Refuse(Refusal),
}

/// The intents that a sentence stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntentReading {
    /// One for each workload that is meant.
    pub intents: Vec<Intent>,
    /// What was taken for granted ("p95, since no quantile was said"), for the confirmation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Who read it.
    pub reader: Reader,
}

/// Who read a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reader {
    /// The deterministic grammar.
    Grammar,
    /// A model alone: a person must confirm, `--yes` does not cover it.
    Model,
    /// Both, with the same result.
    Both,
}

/// What a sentence asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryReading {
    /// What it asks about.
    pub about: QueryKind,
    /// Of which workload; all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<WorkloadRef>,
    /// For `whatIf`: the intents whose effect is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intents: Vec<Intent>,
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum QueryKind {
    /// How things stand.
    Status,
    /// Why something was done.
    Explain,
    /// What would happen.
    WhatIf,
}

/// What must be answered before a sentence can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Clarification {
    /// The question, for the person.
    pub question: String,
    /// What is missing or ambiguous, such as `target`, `amount`, `container`, `unit`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What could be meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
}

/// Why a sentence is not followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The kind of reason.
    pub code: RefusalCode,
    /// A sentence for the person.
    pub message: String,
}

/// Why a sentence is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RefusalCode {
    /// It is no resource or service-level matter, or the form can't say it.
    OutOfScope,
    /// It aims at the system itself, at secrets, or at harm.
    Unsafe,
    /// It names something that does not exist.
    UnknownTarget,
    /// It can't be read.
    NotUnderstood,
}
