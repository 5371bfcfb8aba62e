//! The JSON API under `/api/v1`.

mod decisions;
mod events;
mod intents;
mod sentences;
mod system;
mod workloads;

pub use decisions::{DecisionDetail, DecisionList, Undoing};
pub(crate) use events::Closing;
pub use events::ServerEvent;
pub use intents::IntentList;
pub use sentences::{Applied, Preview};
pub use system::{LearnerHistory, Learning, NoticeList, Status, Touched};
pub use workloads::{Explained, WorkloadDetail, WorkloadList};

pub(crate) use decisions::{approve_decision, find_record, records, undo_decision};
pub(crate) use intents::touched;
pub(crate) use system::{MODES, set_speed};

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::openapi;
use crate::state::ServerState;

/// The routes, and the document that describes them.
pub(crate) fn router() -> Router<ServerState> {
    let (router, document) = parts();
    let document: Arc<str> = document.to_string().into();
    router
        .route(
            "/api/v1/openapi.json",
            get(move || {
                let document = Arc::clone(&document);
                async move {
                    let json = [(header::CONTENT_TYPE, "application/json")];
                    (json, document.to_string()).into_response()
                }
            }),
        )
        .route("/api/{*rest}", axum::routing::any(not_found))
}

/// The OpenAPI document of the API.
#[must_use]
pub fn openapi_document() -> serde_json::Value {
    parts().1
}

fn parts() -> (Router<ServerState>, serde_json::Value) {
    let api = OpenApiRouter::new()
        .routes(routes!(workloads::list))
        .routes(routes!(workloads::get))
        .routes(routes!(workloads::explain))
        .routes(routes!(intents::list))
        .routes(routes!(intents::get, intents::withdraw))
        .routes(routes!(sentences::translate))
        .routes(routes!(sentences::preview))
        .routes(routes!(sentences::apply))
        .routes(routes!(decisions::list))
        .routes(routes!(decisions::get))
        .routes(routes!(decisions::undo))
        .routes(routes!(decisions::approve))
        .routes(routes!(system::mode))
        .routes(routes!(system::speed))
        .routes(routes!(system::status))
        .routes(routes!(system::catalog))
        .routes(routes!(system::notices))
        .routes(routes!(system::learning))
        .routes(routes!(events::events));
    let (router, document) = OpenApiRouter::with_openapi(openapi::Head::openapi())
        .nest("/api/v1", api)
        .split_for_parts();
    (
        router.method_not_allowed_fallback(async || Error::Method),
        openapi::document(&document),
    )
}

async fn not_found(uri: axum::http::Uri) -> Error {
    Error::NotFound(format!("`{}`", uri.path()))
}
