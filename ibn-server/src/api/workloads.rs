//! What is live, and how it does.

use axum::Json;
use axum::extract::State;
use ibn_core::workload::WorkloadRef;
use serde::{Deserialize, Serialize};

use crate::board::History;
use crate::error::{Error, Problem, Result};
use crate::extract::WorkloadPath;
use crate::record::DecisionRecord;
use crate::state::ServerState;
use crate::view::{Explanation, WorkloadSummary};

/// All workloads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WorkloadList {
    /// In order of namespace, kind and name.
    pub workloads: Vec<WorkloadSummary>,
}

/// One workload with its history.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct WorkloadDetail {
    /// How it is now.
    #[serde(flatten)]
    pub summary: WorkloadSummary,
    /// How it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<History>,
}

/// An explanation with the newest decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Explained {
    /// Limits, intents, what was measured, and what assurance says.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// The newest decisions, the newest first.
    pub decisions: Vec<DecisionRecord>,
}

/// Decisions that come with an explanation.
const EXPLAINING: usize = 10;

pub(crate) fn summary(state: &ServerState, workload: &WorkloadRef) -> Result<WorkloadSummary> {
    let engine = state.control().state();
    let live = engine
        .inventory()
        .workloads
        .get(workload)
        .ok_or_else(|| Error::NotFound(format!("the workload `{workload}`")))?;
    let now = state.control().now();
    Ok(WorkloadSummary::of(
        live,
        &engine,
        state.aliases(workload),
        now,
    ))
}

/// All workloads at a glance.
#[utoipa::path(get, path = "/workloads", tag = "workloads", responses((status = OK, body = WorkloadList)))]
pub(super) async fn list(State(state): State<ServerState>) -> Json<WorkloadList> {
    let engine = state.control().state();
    let now = state.control().now();
    let workloads = engine
        .inventory()
        .workloads
        .values()
        .map(|live| WorkloadSummary::of(live, &engine, state.aliases(&live.workload), now))
        .collect();
    Json(WorkloadList { workloads })
}

/// One workload, with the series of the last hour and of the last 24 hours.
#[utoipa::path(
    get,
    path = "/workloads/{namespace}/{kind}/{name}",
    tag = "workloads",
    params(("namespace" = String, Path), ("kind" = String, Path), ("name" = String, Path)),
    responses((status = OK, body = WorkloadDetail), (status = NOT_FOUND, body = Problem))
)]
pub(super) async fn get(
    State(state): State<ServerState>,
    WorkloadPath(workload): WorkloadPath,
) -> Result<Json<WorkloadDetail>> {
    Ok(Json(WorkloadDetail {
        summary: summary(&state, &workload)?,
        series: state.board().history(&workload),
    }))
}

/// Why a workload is as it is: limits with who set them, held fields, intents, assessment, newest decisions.
#[utoipa::path(
    get,
    path = "/explain/{namespace}/{kind}/{name}",
    tag = "workloads",
    params(("namespace" = String, Path), ("kind" = String, Path), ("name" = String, Path)),
    responses((status = OK, body = Explained), (status = NOT_FOUND, body = Problem))
)]
pub(super) async fn explain(
    State(state): State<ServerState>,
    WorkloadPath(workload): WorkloadPath,
) -> Result<Json<Explained>> {
    let engine = state.control().state();
    let explanation = Explanation::of(&workload, &engine, state.control().now())
        .ok_or_else(|| Error::NotFound(format!("the workload `{workload}`")))?;
    let decisions = super::records(&state, Some(workload), EXPLAINING).await?;
    Ok(Json(Explained {
        explanation,
        decisions,
    }))
}
