//! What was decided, on which grounds, and undoing it.

use axum::Json;
use axum::extract::State;
use ibn_core::decision::DecisionId;
use ibn_core::engine::{Reply, Request};
use ibn_core::read::{Decode, Node, Reader};
use ibn_core::roles::LedgerQuery;
use ibn_core::workload::WorkloadRef;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem, Result};
use crate::extract::{Body, PathText, Query};
use crate::openapi::schema;
use crate::record::{DecisionRecord, gather};
use crate::state::ServerState;
use crate::undo::UndoOutlook;

/// Decisions that are listed where nobody says how many.
const LISTED: usize = 100;

/// Decisions that are listed at most.
const LISTED_AT_MOST: usize = 1000;

/// Lines of the ledger that one decision may have: taken, applied or failed, undone.
const LINES: usize = 3;

/// So many times more of the ledger is looked through where too few were found.
const WIDER: usize = 4;

/// Decisions with what came of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DecisionList {
    /// The newest first.
    pub decisions: Vec<DecisionRecord>,
}

/// One decision with what came of it, and whether it can be taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DecisionDetail {
    /// What was decided, and what came of it.
    #[serde(flatten)]
    pub record: DecisionRecord,
    /// What would become of a wish to undo it.
    #[serde(default)]
    pub undo: UndoOutlook,
}

/// What a person approved is being done.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Approving {
    /// The decision that does it.
    #[schema(value_type = schema::DecisionId)]
    by: DecisionId,
}

/// A decision is being undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Undoing {
    /// The decision that undoes it.
    #[schema(value_type = schema::DecisionId)]
    pub by: DecisionId,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// Only those of this workload, as `namespace/Kind/name`.
    #[param(value_type = Option<String>)]
    workload: Option<WorkloadRef>,
    /// Only those of workloads in this namespace, and of itself.
    namespace: Option<String>,
    /// Only the newest so many; 100 where absent, at most 1000.
    last: Option<usize>,
}

#[derive(Debug, utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct UndoWish {
    /// Why, in a sentence.
    cause: Option<String>,
}

impl Decode for UndoWish {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["cause"])?;
        Some(Self {
            cause: fields.optional("cause")?,
        })
    }
}

/// The newest decisions of a workload, or of all, the newest first.
pub(crate) async fn records(
    state: &ServerState,
    workload: Option<WorkloadRef>,
    last: usize,
) -> Result<Vec<DecisionRecord>> {
    newest(state, workload, None, last).await
}

/// The newest decisions of a workload and a namespace, the newest first: as many as are asked for, where there are so many.
async fn newest(
    state: &ServerState,
    workload: Option<WorkloadRef>,
    namespace: Option<String>,
    last: usize,
) -> Result<Vec<DecisionRecord>> {
    // A decision may have more lines than most: then more of the ledger is looked through.
    let mut lines = last.saturating_mul(LINES);
    loop {
        let entries = state
            .control()
            .ledger(LedgerQuery {
                workload: workload.clone(),
                namespace: namespace.clone(),
                last: Some(lines),
                ..LedgerQuery::default()
            })
            .await?;
        let is_all = entries.len() < lines;
        let found: Vec<DecisionRecord> = gather(entries).into_values().rev().take(last).collect();
        if is_all || found.len() >= last {
            return Ok(found);
        }
        lines = lines.saturating_mul(WIDER);
    }
}

/// One decision with what came of it.
pub(crate) async fn find_record(state: &ServerState, id: DecisionId) -> Result<DecisionRecord> {
    let entries = state
        .control()
        .ledger(LedgerQuery {
            decision: Some(id),
            ..LedgerQuery::default()
        })
        .await?;
    gather(entries)
        .remove(&id)
        .ok_or_else(|| Error::NotFound(format!("the decision `{id}`")))
}

/// Asks for a decision to be undone; the decision that does it.
pub(crate) async fn undo_decision(
    state: &ServerState,
    id: DecisionId,
    cause: Option<String>,
) -> Result<DecisionId> {
    let record = find_record(state, id).await?;
    if let Some(undone) = record.undone {
        return Err(Error::AlreadyUndone {
            decision: id,
            by: undone.by,
        });
    }
    let receipt = record.receipt.ok_or(Error::NothingToUndo(id))?;
    let cause = cause
        .map(|cause| cause.trim().to_owned())
        .filter(|cause| !cause.is_empty())
        .unwrap_or_else(|| "a person asked for it".to_owned());
    let request = Request::Undo {
        receipt: Box::new(receipt),
        cause,
    };
    match state.control().request(request).await? {
        Reply::Undoing(by) => Ok(by),
        Reply::Failed(error) => Err(error.into()),
        Reply::Submitted(..) | Reply::Touched(_) | Reply::Approving(_) => Err(
            ibn_core::Error::unavailable("the control engine", "it answered something else").into(),
        ),
    }
}

/// Asks for what a decision wanted to be done, on a person's approval; the decision that does it.
pub(crate) async fn approve_decision(state: &ServerState, id: DecisionId) -> Result<DecisionId> {
    let record = find_record(state, id).await?;
    let request = Request::Approve(Box::new(record.decision));
    match state.control().request(request).await? {
        Reply::Approving(by) => Ok(by),
        Reply::Failed(error) => Err(error.into()),
        Reply::Submitted(..) | Reply::Touched(_) | Reply::Undoing(_) => Err(
            ibn_core::Error::unavailable("the control engine", "it answered something else").into(),
        ),
    }
}

/// The newest decisions with what came of them.
#[utoipa::path(
    get, path = "/decisions", tag = "decisions", params(Filter),
    responses((status = OK, body = DecisionList), (status = BAD_REQUEST, body = Problem))
)]
pub(super) async fn list(
    State(state): State<ServerState>,
    Query(filter): Query<Filter>,
) -> Result<Json<DecisionList>> {
    let last = filter.last.unwrap_or(LISTED).min(LISTED_AT_MOST);
    let Filter {
        workload,
        namespace,
        ..
    } = filter;
    let decisions = newest(&state, workload, namespace, last).await?;
    Ok(Json(DecisionList { decisions }))
}

/// One decision: grounds, alternatives, cuts, receipt, whether it was undone, and whether it can be.
#[utoipa::path(
    get, path = "/decisions/{id}", tag = "decisions", params(("id" = String, Path)),
    responses((status = OK, body = DecisionDetail), (status = NOT_FOUND, body = Problem))
)]
pub(super) async fn get(
    State(state): State<ServerState>,
    PathText(id): PathText<DecisionId>,
) -> Result<Json<DecisionDetail>> {
    let record = find_record(&state, id).await?;
    let undo = UndoOutlook::of(&record, &state);
    Ok(Json(DecisionDetail { record, undo }))
}

/// Undoes a decision that was applied, through the same gate as everything else.
#[utoipa::path(
    post, path = "/decisions/{id}/undo", tag = "decisions", params(("id" = String, Path)), request_body = UndoWish,
    responses(
        (status = OK, body = Undoing),
        (status = NOT_FOUND, body = Problem),
        (status = CONFLICT, body = Problem, description = "It was never applied, or was undone already.")
    )
)]
pub(super) async fn undo(
    State(state): State<ServerState>,
    PathText(id): PathText<DecisionId>,
    Body(wish): Body<UndoWish>,
) -> Result<Json<Undoing>> {
    let by = undo_decision(&state, id, wish.cause).await?;
    Ok(Json(Undoing { by }))
}

/// Does what a decision wanted that only lacked a person's approval; the guard judges it again.
#[utoipa::path(
    post, path = "/decisions/{id}/approve", tag = "decisions", params(("id" = String, Path)),
    responses(
        (status = OK, body = Approving),
        (status = NOT_FOUND, body = Problem),
        (status = FORBIDDEN, body = Problem, description = "It doesn't wait for approval, waited too long, or the guard refuses it."),
        (status = CONFLICT, body = Problem, description = "The workload or its intents have changed since.")
    )
)]
pub(super) async fn approve(
    State(state): State<ServerState>,
    PathText(id): PathText<DecisionId>,
) -> Result<Json<Approving>> {
    let by = approve_decision(&state, id).await?;
    Ok(Json(Approving { by }))
}
