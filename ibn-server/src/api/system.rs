//! Time, names, modes, notices and learning.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use ibn_core::catalog::Catalog;
use ibn_core::diagnostic::Code;
use ibn_core::engine::Request;
use ibn_core::intent::{IntentKey, Mode};
use ibn_core::read::{Decode, Node, Reader};
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::intents::touched;
use crate::board::{HeardNotice, LearningHour};
use crate::error::{Error, Problem, Result};
use crate::extract::{Body, Query};
use crate::openapi::schema;
use crate::state::ServerState;

/// Notices that are listed where nobody says how many.
const LISTED: usize = 100;

/// The greatest speed, simulated seconds per real second.
pub(crate) const FASTEST: f64 = 100_000.0;

/// The modes by their names.
pub(crate) const MODES: [(&str, Mode); 3] = [
    ("Enforce", Mode::Enforce),
    ("Advise", Mode::Advise),
    ("Suspended", Mode::Suspended),
];

/// How the system is.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The version of the program.
    pub version: String,
    /// What is controlled.
    pub place: String,
    /// The engine's time.
    #[schema(value_type = String, format = DateTime)]
    pub now: Timestamp,
    /// Simulated seconds per real second; 1 in real time.
    pub speed: f64,
    /// Whether the speed can be changed.
    pub simulated: bool,
    /// Who reads sentences.
    pub translator: String,
    /// Workloads that are known.
    pub workloads: usize,
    /// Intents by their state.
    pub intents: BTreeMap<String, usize>,
    /// Decisions by what asked for them, since the start.
    pub decisions: BTreeMap<String, u64>,
    /// Codes of reasons and notices, with how often they were heard since the start.
    pub reasons: BTreeMap<String, u64>,
}

/// The intents that were touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Touched {
    /// In order of namespace and name.
    #[schema(value_type = Vec<schema::IntentKey>)]
    pub intents: Vec<IntentKey>,
}

/// What was said aloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NoticeList {
    /// The newest first.
    pub notices: Vec<HeardNotice>,
}

/// What learners report.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Learning {
    /// Of each workload with a learner.
    pub workloads: Vec<LearnerHistory>,
}

/// What one workload's learner reported.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct LearnerHistory {
    /// Of which workload.
    #[schema(value_type = schema::WorkloadRef)]
    pub workload: WorkloadRef,
    /// Hour by hour, oldest first.
    pub hours: Vec<LearningHour>,
}

#[derive(Debug, utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ModeWish {
    /// Of which workload, as `namespace/Kind/name`.
    #[schema(value_type = schema::WorkloadRef)]
    workload: WorkloadRef,
    /// The mode that all its intents are put into.
    #[schema(value_type = schema::Mode)]
    mode: Mode,
}

#[derive(Debug, utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct SpeedWish {
    /// Simulated seconds per real second, from 0 (stand still) to 100000.
    speed: f64,
}

impl Decode for ModeWish {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["workload", "mode"])?;
        let workload = fields.required_with("workload", |node, reader| {
            let expected = "a workload such as `acme/Deployment/web`";
            reader.parse(node, Code::InvalidName, expected, |text| text.parse().ok())
        });
        let mode = fields.required_with("mode", |node, reader| reader.one_of(node, &MODES));
        Some(Self {
            workload: workload?,
            mode: mode?,
        })
    }
}

impl Decode for SpeedWish {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["speed"])?;
        let speed =
            fields.required_with("speed", |node, reader| reader.number(node, 0.0..=FASTEST));
        Some(Self { speed: speed? })
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// Only the newest so many; 100 where absent.
    last: Option<usize>,
}

/// How the system is.
#[utoipa::path(get, path = "/status", tag = "system", responses((status = OK, body = Status)))]
pub(super) async fn status(State(state): State<ServerState>) -> Json<Status> {
    let engine = state.control().state();
    let mut intents: BTreeMap<String, usize> = BTreeMap::new();
    for intent in engine.intents() {
        *intents
            .entry(intent.state().as_str().to_owned())
            .or_default() += 1;
    }
    let mut decisions: BTreeMap<String, u64> = BTreeMap::new();
    for ((trigger, _), count) in state.board().tally().decisions {
        *decisions.entry(trigger.as_str().to_owned()).or_default() += count;
    }
    Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        place: state.config().place.clone(),
        now: state.control().now(),
        speed: state.speed(),
        simulated: state.pace().is_some(),
        translator: state.translator().name().to_owned(),
        workloads: engine
            .inventory()
            .workloads
            .keys()
            .filter(|workload| workload.kind != WorkloadKind::Namespace)
            .count(),
        intents,
        decisions,
        reasons: state.board().reasons(),
    })
}

/// Puts all intents on a workload into a mode.
#[utoipa::path(
    post, path = "/mode", tag = "intents", request_body = ModeWish,
    responses((status = OK, body = Touched), (status = UNPROCESSABLE_ENTITY, body = Problem))
)]
pub(super) async fn mode(
    State(state): State<ServerState>,
    Body(wish): Body<ModeWish>,
) -> Result<Json<Touched>> {
    super::workloads::summary(&state, &wish.workload)?;
    let request = Request::SetMode(wish.workload, wish.mode);
    touched(state.control().request(request).await?).map(Json)
}

/// Changes the speed of simulated time.
#[utoipa::path(
    post, path = "/speed", tag = "system", request_body = SpeedWish,
    responses(
        (status = OK, body = Status),
        (status = CONFLICT, body = Problem, description = "Time is real."),
        (status = UNPROCESSABLE_ENTITY, body = Problem)
    )
)]
pub(super) async fn speed(
    State(state): State<ServerState>,
    Body(wish): Body<SpeedWish>,
) -> Result<Json<Status>> {
    set_speed(&state, wish.speed)?;
    Ok(status(State(state)).await)
}

pub(crate) fn set_speed(state: &ServerState, speed: f64) -> Result<()> {
    let pace = state.pace().ok_or(Error::RealTime)?;
    if !(0.0..=FASTEST).contains(&speed) {
        return Err(Error::body(
            Code::OutOfRange,
            "speed",
            format!("speed `{speed}` is out of range"),
            format!("a number from 0 to {FASTEST}"),
        ));
    }
    pace.set_speed(speed);
    Ok(())
}

/// The closed list of names that sentences may use.
#[utoipa::path(get, path = "/catalog", tag = "system", responses((status = OK, body = schema::Catalog)))]
pub(super) async fn catalog(State(state): State<ServerState>) -> Json<Catalog> {
    Json(state.catalog())
}

/// What was said aloud, the newest first.
#[utoipa::path(get, path = "/notices", tag = "system", params(Filter), responses((status = OK, body = NoticeList)))]
pub(super) async fn notices(
    State(state): State<ServerState>,
    Query(filter): Query<Filter>,
) -> Json<NoticeList> {
    let notices = state.board().notices(filter.last.unwrap_or(LISTED));
    Json(NoticeList { notices })
}

/// What learners report, hour by hour.
#[utoipa::path(get, path = "/learning", tag = "system", responses((status = OK, body = Learning)))]
pub(super) async fn learning(State(state): State<ServerState>) -> Json<Learning> {
    let workloads = state
        .board()
        .learning()
        .into_iter()
        .map(|(workload, hours)| LearnerHistory { workload, hours })
        .collect();
    Json(Learning { workloads })
}
