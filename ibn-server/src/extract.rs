//! Extractors that tell what is wrong as a problem document.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use axum::http::request::Parts;
use ibn_core::intent::IntentKey;
use ibn_core::read::{self, Decode, Format};
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use serde::de::DeserializeOwned;

use crate::error::Error;

/// A body in JSON or YAML. What is wrong with it is told with all diagnostics.
pub(crate) struct Body<T>(pub(crate) T);

/// A form of a page.
pub(crate) struct Form<T>(pub(crate) T);

/// The query of a URL.
pub(crate) struct Query<T>(pub(crate) T);

/// `{namespace}/{kind}/{name}` of a path.
pub(crate) struct WorkloadPath(pub(crate) WorkloadRef);

/// `{namespace}/{name}` of a path.
pub(crate) struct IntentPath(pub(crate) IntentKey);

/// One parameter of a path that is read from its text.
pub(crate) struct PathText<T>(pub(crate) T);

impl<S: Send + Sync, T: Decode> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let format = if has_media_type(&request, "application/json") {
            Format::Json
        } else if has_media_type(&request, "application/yaml") {
            Format::Yaml
        } else {
            return Err(Error::MediaType("application/json"));
        };
        let bytes = bytes(request, state).await?;
        let text = read::text(&bytes).map_err(|fault| Error::Body(vec![fault]))?;
        let (value, faults) = read::read(text, format);
        value.map(Self).ok_or(Error::Body(faults))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        if !has_media_type(&request, "application/x-www-form-urlencoded") {
            return Err(Error::MediaType("application/x-www-form-urlencoded"));
        }
        axum::extract::Form::<T>::from_request(request, state)
            .await
            .map(|axum::extract::Form(form)| Self(form))
            .map_err(|rejection| {
                if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                    return Error::TooLarge(crate::BODY_LIMIT);
                }
                Error::Parameter {
                    name: "form".to_owned(),
                    reason: rejection.body_text(),
                }
            })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| Error::Parameter {
                name: "query".to_owned(),
                reason: rejection.body_text(),
            })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WorkloadPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let (namespace, kind, name): (String, String, String) = path(parts, state).await?;
        let kind: WorkloadKind = kind.parse().map_err(|error| Error::Parameter {
            name: "kind".to_owned(),
            reason: format!("{error}"),
        })?;
        Ok(Self(WorkloadRef::new(&namespace, kind, &name)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IntentPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let (namespace, name) = path(parts, state).await?;
        Ok(Self(IntentKey { namespace, name }))
    }
}

impl<S: Send + Sync, T: std::str::FromStr<Err: std::fmt::Display>> FromRequestParts<S>
    for PathText<T>
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let text: String = path(parts, state).await?;
        text.parse().map(Self).map_err(|error| Error::Parameter {
            name: text,
            reason: format!("{error}"),
        })
    }
}

async fn path<S: Send + Sync, T: DeserializeOwned + Send>(
    parts: &mut Parts,
    state: &S,
) -> Result<T, Error> {
    axum::extract::Path::<T>::from_request_parts(parts, state)
        .await
        .map(|axum::extract::Path(path)| path)
        .map_err(|rejection| Error::Parameter {
            name: "path".to_owned(),
            reason: rejection.body_text(),
        })
}

fn has_media_type(request: &Request, wanted: &str) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case(wanted))
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Error> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| {
            if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                Error::TooLarge(crate::BODY_LIMIT)
            } else {
                Error::Parameter {
                    name: "body".to_owned(),
                    reason: rejection.body_text(),
                }
            }
        })
}
