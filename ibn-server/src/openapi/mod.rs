//! The OpenAPI document: paths and own types by utoipa, types of the core by their schemas.

mod core;
pub(crate) mod schema;

use serde_json::Value;
use utoipa::OpenApi;

/// The beginning of the document; paths are added where the routes are.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "ibn",
        description = "Says what applications on Kubernetes should do, makes it so, and proves it. Failures are problem documents (RFC 9457).",
    ),
    tags(
        (name = "workloads", description = "What is live, and how it does."),
        (name = "intents", description = "What is wanted, and what became of it."),
        (name = "sentences", description = "From a sentence to intents: translate, preview, apply."),
        (name = "decisions", description = "What was decided, on which grounds, and undoing it."),
        (name = "system", description = "Time, names, notices, learning and events."),
    )
)]
pub(crate) struct Head;

/// The whole document, with the schemas of the core in place of their stand-ins.
pub(crate) fn document(api: &utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(api).unwrap_or_default();
    if let Some(schemas) = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    {
        schemas.extend(core::schemas());
    }
    document
}
