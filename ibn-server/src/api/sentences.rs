//! From a sentence to intents: translate, preview, apply.

use axum::Json;
use axum::extract::State;
use ibn_core::admission::WhatIf;
use ibn_core::diagnostic::Code;
use ibn_core::intent::{Intent, OriginKind};
use ibn_core::read::{Decode, Node, Reader};
use ibn_core::translation::Translation;
use serde::Serialize;

use crate::error::{Error, Problem, Result};
use crate::extract::Body;
use crate::openapi::schema;
use crate::reading::{self, IntentReply};
use crate::replaced::Replaced;
use crate::state::ServerState;
use crate::view::Pause;

/// A sentence.
#[derive(Debug, Clone, utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Sentence {
    /// What should happen.
    text: String,
    /// The namespace to prefer where a name stands in several.
    namespace: Option<String>,
    /// IANA name of the time zone in which it is said; UTC where absent.
    timezone: Option<String>,
}

/// A sentence or intents; exactly one of `text` and `intents`.
#[derive(Debug, Clone, utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Wish {
    /// What should happen.
    text: Option<String>,
    /// The intents themselves.
    #[schema(value_type = Option<Vec<schema::Intent>>)]
    intents: Option<Vec<Intent>>,
    /// The namespace to prefer where a name stands in several.
    namespace: Option<String>,
    /// IANA name of the time zone in which it is said; UTC where absent.
    timezone: Option<String>,
}

/// What is to be applied; exactly one of `text`, `intents` and `reading`.
#[derive(Debug, Clone, utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Order {
    /// What should happen. It is read anew; to apply just what was previewed, send `reading`. What only a model reads is never applied
    /// so.
    text: Option<String>,
    /// The intents themselves.
    #[schema(value_type = Option<Vec<schema::Intent>>)]
    intents: Option<Vec<Intent>>,
    /// What a preview gave: exactly that is applied, once.
    reading: Option<String>,
    /// The namespace to prefer where a name stands in several.
    namespace: Option<String>,
    /// IANA name of the time zone in which it is said; UTC where absent.
    timezone: Option<String>,
    /// That a person saw the `reading` and agrees; needed where only a model read the sentence.
    #[schema(default = false, required = false)]
    confirmed: bool,
}

impl Decode for Sentence {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["text", "namespace", "timezone"])?;
        let text = fields.required("text");
        let namespace = fields.optional("namespace");
        let timezone = fields.optional("timezone");
        Some(Self {
            text: text?,
            namespace: namespace?,
            timezone: timezone?,
        })
    }
}

impl Decode for Wish {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["text", "intents", "namespace", "timezone"])?;
        let chosen = fields.exactly_one(&["text", "intents"]);
        let text = fields.optional("text");
        let intents = fields.optional("intents");
        let namespace = fields.optional("namespace");
        let timezone = fields.optional("timezone");
        chosen?;
        Some(Self {
            text: text?,
            intents: intents?,
            namespace: namespace?,
            timezone: timezone?,
        })
    }
}

impl Decode for Order {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let names = [
            "text",
            "intents",
            "reading",
            "namespace",
            "timezone",
            "confirmed",
        ];
        let mut fields = reader.fields(node, &names)?;
        let chosen = fields.exactly_one(&["text", "intents", "reading"]);
        let text = fields.optional("text");
        let intents = fields.optional("intents");
        let reading = fields.optional("reading");
        let namespace = fields.optional("namespace");
        let timezone = fields.optional("timezone");
        let confirmed = fields.or_default("confirmed");
        chosen?;
        Some(Self {
            text: text?,
            intents: intents?,
            reading: reading?,
            namespace: namespace?,
            timezone: timezone?,
            confirmed: confirmed?,
        })
    }
}

/// What was understood, and what would become of it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// By this, `apply` applies just what is shown here.
    pub reading: String,
    /// What the sentence means; absent where intents were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Translation>)]
    pub translation: Option<Translation>,
    /// What would become of each intent, or else of its counter-proposal.
    #[schema(value_type = Vec<schema::WhatIf>)]
    pub foreseen: Vec<WhatIf>,
    /// The intents that are there and would be changed, since they have the names of those that are foreseen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<Replaced>,
    /// The pauses that hold on their workloads: what is foreseen takes effect when these end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paused: Vec<Pause>,
    /// Whether a person must confirm the reading, since only a model gave it.
    pub needs_confirmation: bool,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// What the sentence means; absent where no sentence was sent. Only an `intent` is applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Translation>)]
    pub translation: Option<Translation>,
    /// What became of each intent.
    pub replies: Vec<IntentReply>,
}

/// What a sentence means; changes nothing.
#[utoipa::path(
    post, path = "/translate", tag = "sentences", request_body = Sentence,
    responses((status = OK, body = schema::Translation), (status = UNPROCESSABLE_ENTITY, body = Problem))
)]
pub(super) async fn translate(
    State(state): State<ServerState>,
    Body(sentence): Body<Sentence>,
) -> Result<Json<Translation>> {
    let Sentence {
        text,
        namespace,
        timezone,
    } = sentence;
    let timezone = timezone.as_deref().unwrap_or("UTC");
    reading::translate(&state, &text, namespace, timezone)
        .await
        .map(Json)
}

/// What a sentence means and what would become of its intents; changes nothing.
#[utoipa::path(
    post, path = "/preview", tag = "sentences", request_body = Wish,
    responses((status = OK, body = Preview), (status = UNPROCESSABLE_ENTITY, body = Problem))
)]
pub(super) async fn preview(
    State(state): State<ServerState>,
    Body(wish): Body<Wish>,
) -> Result<Json<Preview>> {
    let Wish {
        text,
        intents,
        namespace,
        timezone,
    } = wish;
    let reading = match (text, intents) {
        (Some(text), None) => {
            let timezone = timezone.as_deref().unwrap_or("UTC");
            reading::read(&state, &text, namespace, timezone).await?
        }
        (None, Some(intents)) => reading::read_intents(&state, "", own(intents)?).await?,
        _ => return Err(not_one()),
    };
    Ok(Json(Preview {
        reading: reading.id.clone(),
        translation: reading.translation.clone(),
        foreseen: reading
            .foreseen
            .iter()
            .map(|foreseen| foreseen.what_if.clone())
            .collect(),
        replaces: reading
            .foreseen
            .iter()
            .filter_map(|foreseen| foreseen.replaces.clone())
            .collect(),
        paused: reading.paused(),
        needs_confirmation: reading.needs_confirmation(),
    }))
}

/// Submits what a sentence means, intents, or a reading that was previewed.
#[utoipa::path(
    post, path = "/apply", tag = "sentences", request_body = Order,
    responses(
        (status = OK, body = Applied),
        (status = CONFLICT, body = Problem, description = "A person must confirm first, or it was applied already."),
        (status = UNPROCESSABLE_ENTITY, body = Problem)
    )
)]
pub(super) async fn apply(
    State(state): State<ServerState>,
    Body(order): Body<Order>,
) -> Result<Json<Applied>> {
    let Order {
        text,
        intents,
        reading,
        namespace,
        timezone,
        confirmed,
    } = order;
    match (text, intents, reading) {
        (Some(text), None, None) => {
            let timezone = timezone.as_deref().unwrap_or("UTC");
            let translation = reading::translate(&state, &text, namespace, timezone).await?;
            let replies = match &translation {
                // It was read just now, so nobody can have seen this reading: a person confirms one that a preview gave.
                Translation::Intent(_) if reading::needs_confirmation(Some(&translation)) => {
                    return Err(Error::NeedsConfirmation);
                }
                Translation::Intent(reading) => reading::apply(&state, &reading.intents).await?,
                _ => Vec::new(),
            };
            Ok(Json(Applied {
                translation: Some(translation),
                replies,
            }))
        }
        (None, Some(intents), None) => Ok(Json(Applied {
            translation: None,
            replies: reading::apply(&state, &own(intents)?).await?,
        })),
        (None, None, Some(id)) => Ok(Json(Applied {
            replies: reading::apply_reading(&state, &id, confirmed).await?,
            translation: state
                .readings()
                .get(&id)
                .ok()
                .and_then(|reading| reading.translation.clone()),
        })),
        _ => Err(not_one()),
    }
}

/// Intents of a client, without what only the system may set.
fn own(mut intents: Vec<Intent>) -> Result<Vec<Intent>> {
    if intents.is_empty() || intents.len() > reading::INTENTS {
        return Err(Error::body(
            Code::OutOfRange,
            "intents",
            format!("{} intents were sent", intents.len()),
            format!("from 1 to {} intents", reading::INTENTS),
        ));
    }
    for intent in &mut intents {
        reading::set_by_system(intent, OriginKind::Api);
    }
    Ok(intents)
}

/// Decoding has seen to it already.
fn not_one() -> Error {
    let help = "one of `text`, `intents` and, to apply it, `reading`".to_owned();
    Error::body(
        Code::NotExactlyOne,
        "",
        "exactly one is needed".to_owned(),
        help,
    )
}
