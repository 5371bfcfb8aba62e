//! Calls and answers.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::StreamExt;
use futures::channel::mpsc::UnboundedReceiver;
use http::request::Parts;
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::{Value, json};

use super::Body;

/// How a body is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Merge,
    Strategic,
    Apply,
    Unknown,
}

/// A call, as it was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Empty for the core group.
    pub group: String,
    /// The version of the group.
    pub version: String,
    /// The plural of the kind; empty where the path names none.
    pub plural: String,
    /// The namespace; empty where there is none.
    pub namespace: String,
    /// The name; empty for a list.
    pub name: String,
    /// The subresource; empty where there is none.
    pub subresource: String,
    /// The parameters.
    pub query: BTreeMap<String, String>,
    /// The body; null where there is none, or none that can be read.
    pub body: Value,
    pub(super) form: Form,
    agent: String,
}

impl Call {
    pub(super) fn read(parts: &Parts, body: &Bytes) -> Self {
        let header = |name| {
            let value = parts.headers.get(name);
            value.and_then(|it| it.to_str().ok()).unwrap_or_default()
        };
        let form = match header(http::header::CONTENT_TYPE) {
            "application/merge-patch+json" => Form::Merge,
            "application/strategic-merge-patch+json" => Form::Strategic,
            "application/apply-patch+yaml" => Form::Apply,
            _ if parts.method == http::Method::PATCH => Form::Unknown,
            _ => Form::Plain,
        };
        let agent = header(http::header::USER_AGENT);
        let body = serde_json::from_slice(body).unwrap_or(Value::Null);
        Self::new(
            parts.method.as_str(),
            parts.uri.path(),
            parts.uri.query().unwrap_or_default(),
            body,
            form,
            agent,
        )
    }

    pub(super) fn by_hand(method: &str, path: &str, manager: &str, body: Option<&Value>) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let form = if method == "PATCH" {
            Form::Strategic
        } else {
            Form::Plain
        };
        let body = body.cloned().unwrap_or(Value::Null);
        Self::new(method, path, query, body, form, manager)
    }

    fn new(method: &str, path: &str, query: &str, body: Value, form: Form, agent: &str) -> Self {
        let query = query
            .split('&')
            .filter_map(|it| it.split_once('='))
            .map(|(key, value)| (decoded(key), decoded(value)))
            .collect();
        let mut call = Self {
            method: method.to_owned(),
            group: String::new(),
            version: String::new(),
            plural: String::new(),
            namespace: String::new(),
            name: String::new(),
            subresource: String::new(),
            query,
            body,
            form,
            agent: agent.to_owned(),
        };
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let mut next = || parts.next().unwrap_or_default().to_owned();
        if next() == "apis" {
            call.group = next();
        }
        call.version = next();
        call.plural = next();
        call.name = next();
        let third = next();
        // `namespaces/NAME` and its subresources are of the namespace itself; anything else is in it.
        if call.plural == "namespaces" && !third.is_empty() && third != "status" {
            call.namespace = std::mem::take(&mut call.name);
            call.plural = third;
            call.name = next();
            call.subresource = next();
        } else {
            call.subresource = third;
        }
        call
    }

    /// Who writes: the field manager, else the name that the client gives itself.
    #[must_use]
    pub fn manager(&self) -> &str {
        self.query
            .get("fieldManager")
            .map_or(self.agent.as_str(), String::as_str)
    }

    /// Whether it is only tried out.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.query.get("dryRun").is_some_and(|it| it == "All")
    }

    /// Whether it would change something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.method != "GET" && !self.is_dry_run()
    }

    /// Whether it begins a watch.
    #[must_use]
    pub fn is_watch(&self) -> bool {
        let is_on = |it: &String| it == "true" || it == "1";
        self.method == "GET" && self.query.get("watch").is_some_and(is_on)
    }

    pub(super) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }
}

/// What `%` escapes in a query.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                bytes.extend(u8::from_str_radix(digits, 16).ok());
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An answer.
pub(super) enum Answer {
    Object(u16, Value),
    Watch(UnboundedReceiver<Bytes>),
}

impl Answer {
    pub(super) fn failure(code: u16, reason: &str, message: &str) -> Self {
        Self::Object(code, status(code, reason, message))
    }

    pub(super) fn into_response(self) -> Response<Body> {
        match self {
            Self::Object(code, value) => {
                let text = Bytes::from(value.to_string());
                respond(code, Full::new(text).boxed_unsync())
            }
            Self::Watch(events) => {
                let frames = events.map(|event| Ok(Frame::data(event)));
                respond(200, StreamBody::new(frames).boxed_unsync())
            }
        }
    }
}

fn respond(code: u16, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or_default();
    let json = http::HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    response
}

/// What the API server says instead of an object.
pub(super) fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Status",
        "metadata": {},
        "status": if code < 400 { "Success" } else { "Failure" },
        "code": code,
        "reason": reason,
        "message": message,
    })
}

/// Why a call is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn not_found(what: &str) -> Self {
        Self {
            code: 404,
            reason: "NotFound",
            message: format!("{what} not found"),
        }
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self {
            code: 409,
            reason: "Conflict",
            message: message.into(),
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self {
            code: 422,
            reason: "Invalid",
            message: message.into(),
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::failure(refusal.code, refusal.reason, &refusal.message)
    }
}
