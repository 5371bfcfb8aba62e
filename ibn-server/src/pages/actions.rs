//! What forms ask for.

use axum::extract::State;
use axum::response::Response;
use ibn_core::decision::DecisionId;
use ibn_core::engine::Request;
use serde::Deserialize;

use crate::api;
use crate::error::{Error, Result};
use crate::extract::{Form, IntentPath, PathText, WorkloadPath};
use crate::state::ServerState;

#[derive(Debug, Deserialize)]
pub(crate) struct Back {
    #[serde(default)]
    back: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Speed {
    speed: f64,
    #[serde(default)]
    back: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ModeForm {
    mode: String,
    #[serde(default)]
    back: String,
}

/// `POST /speed`.
pub(crate) async fn speed(
    State(server): State<ServerState>,
    Form(form): Form<Speed>,
) -> Result<Response> {
    api::set_speed(&server, form.speed)?;
    Ok(super::back_to(&form.back, &[]))
}

/// `POST /decisions/{id}/undo`.
pub(crate) async fn undo(
    State(server): State<ServerState>,
    PathText(id): PathText<DecisionId>,
    Form(form): Form<Back>,
) -> Result<Response> {
    let by = api::undo_decision(&server, id, None).await?;
    let told = [("told", "undoing"), ("of", &*by.to_string())];
    Ok(super::back_to(&form.back, &told))
}

/// `POST /decisions/{id}/approve`.
pub(crate) async fn approve(
    State(server): State<ServerState>,
    PathText(id): PathText<DecisionId>,
    Form(form): Form<Back>,
) -> Result<Response> {
    let by = api::approve_decision(&server, id).await?;
    let told = [("told", "approved"), ("of", &*by.to_string())];
    Ok(super::back_to(&form.back, &told))
}

/// `POST /intents/{namespace}/{name}/withdraw`.
pub(crate) async fn withdraw(
    State(server): State<ServerState>,
    IntentPath(key): IntentPath,
    Form(form): Form<Back>,
) -> Result<Response> {
    let reply = server.control().request(Request::Withdraw(key)).await?;
    api::touched(reply)?;
    Ok(super::back_to(&form.back, &[("told", "withdrawn")]))
}

/// `POST /workloads/{namespace}/{kind}/{name}/mode`.
pub(crate) async fn mode(
    State(server): State<ServerState>,
    WorkloadPath(workload): WorkloadPath,
    Form(form): Form<ModeForm>,
) -> Result<Response> {
    let mode = api::MODES
        .iter()
        .find(|(name, _)| *name == form.mode)
        .map(|(_, mode)| *mode)
        .ok_or_else(|| Error::Parameter {
            name: "mode".to_owned(),
            reason: "it is `Enforce`, `Advise` or `Suspended`".to_owned(),
        })?;
    let request = Request::SetMode(workload, mode);
    api::touched(server.control().request(request).await?)?;
    Ok(super::back_to(&form.back, &[("told", "mode")]))
}
