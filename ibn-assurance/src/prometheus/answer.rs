//! From an HTTP response to a result or a failure.

use std::error::Error as _;
use std::time::Duration;

use ibn_core::Error;
use prometheus_http_query::Error as ClientError;
use prometheus_http_query::response::{Data, PromqlResult};
use serde::Deserialize;

const SERVICE: &str = "Prometheus";
/// An answer is some numbers; an error's text is cut here.
const LONGEST_REASON: usize = 300;

/// Both forms of an answer.
#[derive(Deserialize)]
struct Envelope {
    status: Status,
    data: Option<serde_json::Value>,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Status {
    Success,
    Error,
}

/// The result of a query.
///
/// - No connection, 429, any 5xx, and a body that breaks off: [`Error::Unavailable`]; no answer in time: [`Error::TimedOut`].
/// - 400 and 422 (the expression, or evaluating it, is at fault) and other statuses: [`Error::Refused`].
/// - 200 with a body that is no answer: [`Error::Corrupt`].
pub(super) async fn read(
    sent: Result<reqwest::Response, ClientError>,
    timeout: Duration,
) -> ibn_core::Result<Data> {
    let response = match sent {
        Ok(response) => response,
        Err(ClientError::Client(error)) => {
            return Err(match error.inner() {
                Some(inner) => transport(inner, timeout),
                None => Error::unavailable(SERVICE, error),
            });
        }
        Err(error) => return Err(Error::unavailable(SERVICE, error)),
    };
    let status = response.status();
    let body = response
        .bytes()
        .await
        .map_err(|error| transport(&error, timeout))?;
    let envelope: Option<Envelope> = serde_json::from_slice(&body).ok();
    if !status.is_success() {
        let reason = envelope
            .map(|envelope| envelope.error)
            .filter(|reason| !reason.is_empty());
        let reason = cut(&reason.unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned()));
        let reason = format!("status {}: {reason}", status.as_u16());
        return Err(if status.is_server_error() || status.as_u16() == 429 {
            Error::unavailable(SERVICE, reason)
        } else {
            Error::Refused {
                service: SERVICE.to_owned(),
                reason,
            }
        });
    }
    let corrupt = |reason: String| Error::Corrupt {
        what: "an answer of Prometheus".to_owned(),
        reason,
    };
    let envelope = envelope.ok_or_else(|| corrupt(cut(&String::from_utf8_lossy(&body))))?;
    if envelope.status == Status::Error {
        return Err(Error::Refused {
            service: SERVICE.to_owned(),
            reason: cut(&envelope.error),
        });
    }
    let data = envelope
        .data
        .ok_or_else(|| corrupt("there is no `data`".to_owned()))?;
    let result: PromqlResult =
        serde_json::from_value(data).map_err(|error| corrupt(error.to_string()))?;
    Ok(result.into_inner().0)
}

fn transport(error: &reqwest::Error, timeout: Duration) -> Error {
    if error.is_timeout() {
        return Error::TimedOut {
            service: SERVICE.to_owned(),
            after_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
        };
    }
    // The outermost message only says that sending failed; the innermost says why.
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        reason = inner.to_string();
        source = inner.source();
    }
    Error::unavailable(SERVICE, cut(&reason))
}

fn cut(reason: &str) -> String {
    match reason.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}…", reason.get(..end).unwrap_or_default()),
        None => reason.to_owned(),
    }
}
