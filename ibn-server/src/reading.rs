//! From a sentence to intents that are submitted: what was understood is kept, so that what a person saw is what is applied.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ibn_core::admission::{AdmissionOutcome, WhatIf};
use ibn_core::diagnostic::{Code, Diagnostic, Severity};
use ibn_core::engine::{Reply, Request};
use ibn_core::intent::{Intent, IntentKey, IntentSpec, Mode, Origin, OriginKind};
use ibn_core::translation::{QueryReading, Reader, Translation, Utterance};
use ibn_core::workload::WorkloadRef;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::openapi::schema;
use crate::replaced::Replaced;
use crate::state::ServerState;
use crate::view::Pause;

/// Readings that are kept until they are applied or pushed out by newer ones.
const READINGS: usize = 256;

/// Characters of a sentence; longer ones are no sentences.
pub(crate) const SENTENCE: usize = 2000;

/// Intents of one request.
pub(crate) const INTENTS: usize = 100;

/// What was understood, and what would become of it.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// Identifies it; unguessable by a later process, so that a page of an older one can't apply anything.
    pub(crate) id: String,
    /// What was said; empty where the intents came as such.
    pub(crate) text: String,
    pub(crate) timezone: String,
    /// What the translator made of it; absent where the intents came as such.
    pub(crate) translation: Option<Translation>,
    pub(crate) intents: Vec<Intent>,
    /// One for each intent.
    pub(crate) foreseen: Vec<Foreseen>,
    /// What became of each intent, once it was applied.
    pub(crate) replies: Option<Vec<IntentReply>>,
}

/// What would become of one intent.
#[derive(Debug, Clone)]
pub(crate) struct Foreseen {
    pub(crate) what_if: WhatIf,
    /// The counter-proposal, where it is infeasible and there is one.
    pub(crate) proposed: Option<Intent>,
    /// The intent of this name that is there already and would be changed.
    pub(crate) replaces: Option<Replaced>,
    /// The pause that would keep it back.
    pub(crate) paused: Option<Pause>,
}

/// What became of one intent that was submitted.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntentReply {
    /// Which intent.
    #[schema(value_type = schema::IntentKey)]
    pub intent: IntentKey,
    /// Of which workload.
    #[schema(value_type = schema::WorkloadRef)]
    pub workload: WorkloadRef,
    /// What admission said; absent for a change of mode and for a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::AdmissionOutcome>)]
    pub outcome: Option<AdmissionOutcome>,
    /// For a change of mode: the intents that were put into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::IntentKey>>)]
    pub touched: Option<Vec<IntentKey>>,
    /// The intent of this name that was there and was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Replaced>,
    /// The pause that keeps it back; it takes effect when that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// Why it could not be submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl IntentReply {
    /// Whether it is followed from now on.
    pub(crate) fn is_taken(&self) -> bool {
        self.touched.is_some()
            || self
                .outcome
                .as_ref()
                .is_some_and(|outcome| outcome.accepted().is_some())
    }
}

impl Reading {
    /// Whether only a model read it, so that a person must say so expressly.
    pub(crate) fn needs_confirmation(&self) -> bool {
        needs_confirmation(self.translation.as_ref())
    }

    /// The pauses that would keep its intents back, one for each workload.
    pub(crate) fn paused(&self) -> Vec<Pause> {
        let pauses = self.foreseen.iter().filter_map(|it| it.paused.as_ref());
        let by_workload: BTreeMap<&WorkloadRef, &Pause> =
            pauses.map(|pause| (&pause.workload, pause)).collect();
        by_workload.into_values().cloned().collect()
    }
}

pub(crate) fn needs_confirmation(translation: Option<&Translation>) -> bool {
    matches!(translation, Some(Translation::Intent(reading)) if reading.reader == Reader::Model)
}

/// Readings by identity, the oldest first.
#[derive(Debug)]
pub(crate) struct Readings {
    nonce: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    count: u64,
    readings: VecDeque<Arc<Reading>>,
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            nonce: RandomState::new().build_hasher().finish(),
            kept: Mutex::default(),
        }
    }
}

impl Readings {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, mut reading: Reading) -> Arc<Reading> {
        let mut kept = self.lock();
        kept.count += 1;
        reading.id = format!("{:016x}-{}", self.nonce, kept.count);
        let reading = Arc::new(reading);
        kept.readings.push_back(Arc::clone(&reading));
        while kept.readings.len() > READINGS {
            kept.readings.pop_front();
        }
        reading
    }

    /// The reading of this identity.
    pub(crate) fn get(&self, id: &str) -> Result<Arc<Reading>> {
        self.lock()
            .readings
            .iter()
            .find(|reading| reading.id == id)
            .cloned()
            .ok_or_else(|| Error::NotFound(format!("the reading `{id}`")))
    }

    /// Marks a reading as being applied; only one caller gets it.
    fn begin(&self, id: &str) -> Result<Arc<Reading>> {
        let mut kept = self.lock();
        let reading = kept
            .readings
            .iter_mut()
            .find(|reading| reading.id == id)
            .ok_or_else(|| Error::NotFound(format!("the reading `{id}`")))?;
        if reading.replies.is_some() {
            return Err(Error::AlreadyApplied(id.to_owned()));
        }
        let before = Arc::clone(reading);
        Arc::make_mut(reading).replies = Some(Vec::new());
        Ok(before)
    }

    fn set_replies(&self, id: &str, replies: Option<Vec<IntentReply>>) {
        let mut kept = self.lock();
        if let Some(reading) = kept.readings.iter_mut().find(|reading| reading.id == id) {
            Arc::make_mut(reading).replies = replies;
        }
    }
}

/// What a translator makes of a sentence at this moment.
pub(crate) async fn translate(
    state: &ServerState,
    text: &str,
    namespace: Option<String>,
    timezone: &str,
) -> Result<Translation> {
    if text.chars().count() > SENTENCE {
        return Err(Error::Body(vec![Diagnostic {
            code: Code::OutOfRange,
            severity: Severity::Error,
            path: "text".to_owned(),
            line: None,
            column: None,
            message: format!("the sentence is longer than {SENTENCE} characters"),
            help: "one sentence that says what should happen".to_owned(),
        }]));
    }
    let utterance = Utterance {
        text: text.to_owned(),
        now: state.control().now(),
        timezone: timezone.to_owned(),
        namespace,
    };
    let began = Instant::now();
    let translated = state
        .translator()
        .translate(&utterance, &state.catalog())
        .await;
    let outcome = match &translated {
        Ok(Translation::Intent(_)) => "intent",
        Ok(Translation::Query(_)) => "query",
        Ok(Translation::Clarify(_)) => "clarify",
        Ok(Translation::Refuse(_)) => "refuse",
        Err(_) => "error",
    };
    state.count_sentence(outcome, began.elapsed());
    let mut translation = translated?;
    match &mut translation {
        Translation::Intent(reading) => {
            for intent in &mut reading.intents {
                said(intent, text);
            }
        }
        Translation::Query(query) => {
            for intent in &mut query.intents {
                said(intent, text);
            }
        }
        Translation::Clarify(_) | Translation::Refuse(_) => {}
    }
    Ok(translation)
}

fn said(intent: &mut Intent, text: &str) {
    intent.spec.text.get_or_insert_with(|| text.to_owned());
    set_by_system(intent, OriginKind::User);
}

/// Removes what only the system may set.
pub(crate) fn set_by_system(intent: &mut Intent, by: OriginKind) {
    intent.status = None;
    intent.metadata.uid = None;
    intent.metadata.generation = None;
    intent.metadata.resource_version = None;
    intent.metadata.creation_timestamp = None;
    intent.metadata.deletion_timestamp = None;
    intent.spec.origin = Some(Origin {
        by,
        author: None,
        parent: None,
        cause: None,
    });
}

/// Reads a sentence, foresees what would become of it, and keeps both.
pub(crate) async fn read(
    state: &ServerState,
    text: &str,
    namespace: Option<String>,
    timezone: &str,
) -> Result<Arc<Reading>> {
    let translation = translate(state, text, namespace, timezone).await?;
    let intents = match &translation {
        Translation::Intent(reading) => reading.intents.clone(),
        Translation::Query(QueryReading { intents, .. }) => intents.clone(),
        Translation::Clarify(_) | Translation::Refuse(_) => Vec::new(),
    };
    Ok(state.readings().keep(Reading {
        id: String::new(),
        text: text.to_owned(),
        timezone: timezone.to_owned(),
        translation: Some(translation),
        foreseen: foresee(state, &intents).await?,
        intents,
        replies: None,
    }))
}

/// Foresees what would become of intents that came as such, and keeps both.
pub(crate) async fn read_intents(
    state: &ServerState,
    text: &str,
    intents: Vec<Intent>,
) -> Result<Arc<Reading>> {
    Ok(state.readings().keep(Reading {
        id: String::new(),
        text: text.to_owned(),
        timezone: "UTC".to_owned(),
        translation: None,
        foreseen: foresee(state, &intents).await?,
        intents,
        replies: None,
    }))
}

async fn foresee(state: &ServerState, intents: &[Intent]) -> Result<Vec<Foreseen>> {
    if intents.is_empty() {
        return Ok(Vec::new());
    }
    let what_ifs = state.control().preview(intents.to_vec()).await?;
    let engine = state.control().state();
    let now = state.control().now();
    Ok(intents
        .iter()
        .zip(what_ifs)
        .map(|(intent, what_if)| Foreseen {
            replaces: Replaced::by(intent, &engine).filter(|_| is_kept(&what_if.outcome)),
            proposed: proposal(intent, &what_if.outcome),
            paused: Pause::of(intent, &engine, now),
            what_if,
        })
        .collect())
}

/// Whether an intent is kept, be it followed or not.
fn is_kept(outcome: &AdmissionOutcome) -> bool {
    !matches!(outcome, AdmissionOutcome::Rejected { .. })
}

/// The counter-proposal as an intent.
fn proposal(intent: &Intent, outcome: &AdmissionOutcome) -> Option<Intent> {
    let AdmissionOutcome::Infeasible {
        proposal: Some(spec),
        ..
    } = outcome
    else {
        return None;
    };
    let mut proposed = intent.clone();
    proposed.spec = (**spec).clone();
    proposed.spec.origin.clone_from(&intent.spec.origin);
    Some(proposed)
}

/// Submits the intents of a reading, once.
pub(crate) async fn apply_reading(
    state: &ServerState,
    id: &str,
    confirmed: bool,
) -> Result<Vec<IntentReply>> {
    let readings = state.readings();
    if readings.get(id)?.needs_confirmation() && !confirmed {
        return Err(Error::NeedsConfirmation);
    }
    let reading = readings.begin(id)?;
    let replies = apply(state, &reading.intents).await;
    // What could not be asked at all may be tried again.
    readings.set_replies(id, replies.as_ref().ok().cloned());
    replies
}

/// Submits intents, one after the other; one that is refused doesn't keep the others back.
pub(crate) async fn apply(state: &ServerState, intents: &[Intent]) -> Result<Vec<IntentReply>> {
    let mut replies: Vec<IntentReply> = Vec::with_capacity(intents.len());
    for intent in intents {
        let request = match mode_alone(&intent.spec) {
            Some(mode) => Request::SetMode(intent.workload(), mode),
            None => Request::Submit(Box::new(intent.clone())),
        };
        let mut reply = IntentReply {
            intent: intent.key(),
            workload: intent.workload(),
            outcome: None,
            touched: None,
            replaces: None,
            paused: None,
            failure: None,
        };
        let replaces = Replaced::by(intent, &state.control().state());
        match state.control().request(request).await {
            Ok(Reply::Submitted(_, outcome)) => {
                if outcome.accepted().is_some() {
                    let control = state.control();
                    reply.paused = Pause::of(intent, &control.state(), control.now());
                }
                reply.replaces = replaces.filter(|_| is_kept(&outcome));
                reply.outcome = Some(*outcome);
            }
            Ok(Reply::Touched(touched)) => reply.touched = Some(touched),
            Ok(Reply::Undoing(decision) | Reply::Approving(decision)) => {
                reply.failure = Some(format!("the engine answered with {decision}"));
            }
            Ok(Reply::Failed(error)) => reply.failure = Some(error.to_string()),
            // The first one tells that the engine can't be asked; later ones are told beside what was done.
            Err(error) if replies.is_empty() => return Err(error.into()),
            Err(error) => reply.failure = Some(error.to_string()),
        }
        replies.push(reply);
    }
    Ok(replies)
}

/// The mode, where an intent says nothing but a mode: it speaks of the intents that are there, and is not kept itself. One with an end
/// is kept, and puts the others into its mode as long as it holds.
pub(crate) fn mode_alone(spec: &IntentSpec) -> Option<Mode> {
    spec.only_mode()
        .filter(|_| spec.validity.is_none() && spec.on_end.is_none())
}
