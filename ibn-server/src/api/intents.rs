//! What is wanted, and what became of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use ibn_core::engine::{Reply, Request};
use ibn_core::intent::Intent;
use serde::{Deserialize, Serialize};

use super::system::Touched;
use crate::error::{Error, Problem, Result};
use crate::extract::{IntentPath, Query};
use crate::openapi::schema;
use crate::state::ServerState;
use crate::view::Pause;

/// Intents with their status.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct IntentList {
    /// In order of namespace and name.
    #[schema(value_type = Vec<schema::Intent>)]
    pub intents: Vec<Arc<Intent>>,
    /// The pauses that hold on their workloads: until these end, none of the intents there acts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Pause>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// Only those of this namespace.
    namespace: Option<String>,
}

/// All intents with their status.
#[utoipa::path(get, path = "/intents", tag = "intents", params(Filter), responses((status = OK, body = IntentList)))]
pub(super) async fn list(
    State(state): State<ServerState>,
    Query(filter): Query<Filter>,
) -> Json<IntentList> {
    let engine = state.control().state();
    let is_wanted = |name: &str| {
        filter
            .namespace
            .as_ref()
            .is_none_or(|namespace| namespace == name)
    };
    let intents = engine
        .intents()
        .filter(|intent| is_wanted(&intent.metadata.namespace))
        .cloned()
        .collect();
    let mut pauses = Pause::all(&engine, state.control().now());
    pauses.retain(|pause| is_wanted(&pause.workload.namespace));
    Json(IntentList { intents, pauses })
}

/// One intent with its status.
#[utoipa::path(
    get,
    path = "/intents/{namespace}/{name}",
    tag = "intents",
    params(("namespace" = String, Path), ("name" = String, Path)),
    responses((status = OK, body = schema::Intent), (status = NOT_FOUND, body = Problem))
)]
pub(super) async fn get(
    State(state): State<ServerState>,
    IntentPath(key): IntentPath,
) -> Result<Json<Arc<Intent>>> {
    state
        .control()
        .state()
        .intent(&key)
        .cloned()
        .map(Json)
        .ok_or_else(|| Error::NotFound(format!("the intent `{key}`")))
}

/// Gives an intent up. What it changed goes back or stays, as its `onEnd` says.
#[utoipa::path(
    delete,
    path = "/intents/{namespace}/{name}",
    tag = "intents",
    params(("namespace" = String, Path), ("name" = String, Path)),
    responses((status = OK, body = Touched), (status = NOT_FOUND, body = Problem))
)]
pub(super) async fn withdraw(
    State(state): State<ServerState>,
    IntentPath(key): IntentPath,
) -> Result<Json<Touched>> {
    touched(state.control().request(Request::Withdraw(key)).await?).map(Json)
}

/// The intents that a reply names.
pub(crate) fn touched(reply: Reply) -> Result<Touched> {
    match reply {
        Reply::Touched(intents) => Ok(Touched { intents }),
        Reply::Failed(error) => Err(error.into()),
        Reply::Submitted(intent, _) => Ok(Touched {
            intents: vec![intent],
        }),
        Reply::Undoing(_) | Reply::Approving(_) => Ok(Touched {
            intents: Vec::new(),
        }),
    }
}
