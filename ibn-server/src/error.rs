//! What can go wrong, and how it is told: as an `application/problem+json` document (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ibn_core::ErrorKind;
use ibn_core::decision::DecisionId;
use ibn_core::diagnostic::{Code, Diagnostic, Severity};
use serde::Serialize;

use crate::openapi::schema;

/// The result of a request.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of a request, or of the server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A role failed.
    #[error(transparent)]
    Core(#[from] ibn_core::Error),
    /// The body of a request can't be used.
    #[error("the body can't be read: {}", summary(.0))]
    Body(Vec<Diagnostic>),
    /// The path or the query of a request can't be used.
    #[error("the parameter `{name}` can't be read: {reason}")]
    Parameter {
        /// Which parameter.
        name: String,
        /// Why.
        reason: String,
    },
    /// There is no such thing.
    #[error("{0} does not exist")]
    NotFound(String),
    /// There is such a path, but not with this method.
    #[error("this path does not take that method")]
    Method,
    /// Only a model read the sentence, and nobody confirmed the reading.
    #[error(
        "only a model read this sentence: preview it, show that to a person, and send its `reading` with `confirmed: true`"
    )]
    NeedsConfirmation,
    /// A reading was applied already.
    #[error("the reading `{0}` was applied already")]
    AlreadyApplied(String),
    /// A decision was never applied, so there is nothing to undo.
    #[error("{0} was not applied, so there is nothing to undo")]
    NothingToUndo(DecisionId),
    /// A decision was undone already.
    #[error("{decision} was undone already by {by}")]
    AlreadyUndone {
        /// Which decision.
        decision: DecisionId,
        /// By which.
        by: DecisionId,
    },
    /// Time can't be set here: it is real time.
    #[error("the speed can't be changed: this system runs in real time")]
    RealTime,
    /// The `Host` header names somebody else.
    #[error("the host `{0}` is not served here")]
    Host(String),
    /// A page of somebody else sent the request.
    #[error("requests that change something are taken from this origin only")]
    CrossOrigin,
    /// The body is larger than is allowed.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// The body is of another media type.
    #[error("the body must be of type `{0}`")]
    MediaType(&'static str),
    /// The engine didn't answer in time.
    #[error("no answer came in time")]
    TimedOut,
    /// So many listen to events that no more are taken.
    #[error("{0} clients listen to events already")]
    TooManyListeners(usize),
    /// The metrics can't be written.
    #[error("the metrics can't be written")]
    Metrics(#[from] std::fmt::Error),
    /// The server can't go on.
    #[error("the server failed")]
    Serve(#[source] std::io::Error),
}

fn summary(diagnostics: &[Diagnostic]) -> String {
    match diagnostics {
        [] => "it is not understood".to_owned(),
        [only] => only.message.clone(),
        [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
    }
}

impl Error {
    /// The stable word for this failure, in camelCase.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Core(ibn_core::Error::TimedOut { .. }) | Self::TimedOut => "timedOut",
            Self::Core(error) => match error.kind() {
                ErrorKind::Unavailable => "unavailable",
                ErrorKind::Stale => "stale",
                ErrorKind::NotFound => "notFound",
                ErrorKind::Refused => "refused",
                ErrorKind::Invalid => "invalid",
                ErrorKind::Corrupt => "corrupt",
            },
            Self::Body(_) => "invalidBody",
            Self::Parameter { .. } => "invalidParameter",
            Self::NotFound(_) => "notFound",
            Self::Method => "methodNotAllowed",
            Self::NeedsConfirmation => "needsConfirmation",
            Self::AlreadyApplied(_) => "alreadyApplied",
            Self::NothingToUndo(_) => "nothingToUndo",
            Self::AlreadyUndone { .. } => "alreadyUndone",
            Self::RealTime => "realTime",
            Self::Host(_) => "wrongHost",
            Self::CrossOrigin => "crossOrigin",
            Self::TooLarge(_) => "tooLarge",
            Self::MediaType(_) => "unsupportedMediaType",
            Self::TooManyListeners(_) => "tooManyListeners",
            Self::Metrics(_) | Self::Serve(_) => "internal",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Core(ibn_core::Error::TimedOut { .. }) | Self::TimedOut => {
                StatusCode::GATEWAY_TIMEOUT
            }
            Self::Core(error) => match error.kind() {
                ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                ErrorKind::Stale => StatusCode::CONFLICT,
                ErrorKind::NotFound => StatusCode::NOT_FOUND,
                ErrorKind::Refused => StatusCode::FORBIDDEN,
                ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                ErrorKind::Corrupt => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Self::Body(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Parameter { .. } => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NeedsConfirmation
            | Self::AlreadyApplied(_)
            | Self::NothingToUndo(_)
            | Self::AlreadyUndone { .. }
            | Self::RealTime => StatusCode::CONFLICT,
            Self::Host(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyListeners(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Metrics(_) | Self::Serve(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The failure as a document.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let status = self.status();
        Problem {
            kind: format!("urn:ibn:problem:{}", self.code()),
            title: status.canonical_reason().unwrap_or("Failed").to_owned(),
            status: status.as_u16(),
            code: self.code().to_owned(),
            detail: self.to_string(),
            diagnostics: match self {
                Self::Body(diagnostics) => diagnostics.clone(),
                _ => Vec::new(),
            },
        }
    }
}

/// A failure as a document, in the form of RFC 9457.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Identifies the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable word for the kind of problem.
    pub code: String,
    /// What happened this time.
    pub detail: String,
    /// Every fault of the body, with its place and help.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::Diagnostic>)]
    pub diagnostics: Vec<Diagnostic>,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::warn!(code = self.code(), "a request failed: {self}");
        }
        let problem = self.problem();
        let mut response = (status, axum::Json(&problem)).into_response();
        // For whoever would rather have a page.
        response.extensions_mut().insert(problem);
        let problem = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, problem);
        response
    }
}

impl Error {
    /// One fault of a body.
    pub(crate) fn body(code: Code, path: &str, message: String, help: String) -> Self {
        Self::Body(vec![Diagnostic {
            code,
            severity: Severity::Error,
            path: path.to_owned(),
            line: None,
            column: None,
            message,
            help,
        }])
    }
}
