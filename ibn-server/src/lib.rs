//! HTTP API, web GUI, metrics endpoint and server-sent events of `ibn`.
//!
//! [`app`] makes the whole of it of a [`ServerState`]; [`serve`] lets it listen. There are no rules of control in here:
//! everything goes through [`ibn_runtime::Control`], a [`ibn_core::roles::Translator`], and the [`Board`], which hears
//! the driver and keeps what pages show.
//!
//! - `/` the pages, which work without scripts and stay live with them;
//! - `/api/v1` the API, described by `/api/v1/openapi.json`;
//! - `/api/v1/events` what happens, as server-sent events;
//! - `/metrics` for Prometheus, `/healthz` and `/readyz` for Kubernetes.
//!
//! Requests to other hosts' names and from other origins' pages are refused; a name beside addresses and `localhost`
//! must stand in [`ServerConfig::hosts`].

mod api;
mod board;
mod error;
mod extract;
pub mod format;
mod metrics;
mod openapi;
mod pages;
mod plot;
mod reading;
mod record;
mod replaced;
mod security;
mod serve;
mod state;
mod undo;
mod view;
pub mod words;

pub use api::{
    Applied, DecisionDetail, DecisionList, Explained, IntentList, LearnerHistory, Learning,
    NoticeList, Preview, ServerEvent, Status, Touched, Undoing, WorkloadDetail, WorkloadList,
    openapi_document,
};
pub use board::{Board, HeardNotice, History, LearningHour, Point, Sample, Series};
pub use error::{Error, Problem, Result};
pub use metrics::{DurationHistogram, RequestCounts, WorkloadMetrics, WorkloadSample};
pub use reading::IntentReply;
pub use record::{DecisionOutcome, DecisionRecord, Undone};
pub use replaced::Replaced;
pub use serve::serve;
pub use state::{DriverPace, Pace, ServerConfig, ServerState};
pub use undo::UndoOutlook;
pub use view::{Explanation, IntentGlance, Pause, WorkloadSummary};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use tower_http::trace::TraceLayer;

/// Bytes that a body may have.
pub(crate) const BODY_LIMIT: usize = 256 * 1024;

/// The whole server: pages, API, metrics and events.
pub fn app(state: ServerState) -> Router {
    Router::new()
        .merge(api::router())
        .merge(pages::router())
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(state.clone(), security::timeout))
        .layer(from_fn_with_state(state.clone(), security::origin))
        .layer(from_fn_with_state(state.clone(), pages::problems))
        .layer(from_fn(security::headers))
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http())
        .with_state(state)
}

/// Ready once the engine knows what there is.
async fn ready(State(state): State<ServerState>) -> (StatusCode, &'static str) {
    if state.control().state().inventory().workloads.is_empty() {
        (StatusCode::SERVICE_UNAVAILABLE, "no inventory yet\n")
    } else {
        (StatusCode::OK, "ok\n")
    }
}
