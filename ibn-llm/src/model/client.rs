//! One question to the endpoint, with every way in which its reply can be bad.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::check::Fault;
use super::settings::ModelSettings;
use crate::error::{Error, Result};

/// A message of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Message {
    pub(super) role: &'static str,
    pub(super) content: String,
}

#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    settings: ModelSettings,
}

/// The part of a reply that is looked at; what else is in it is the server's business.
#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Answer,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Value>>,
}

impl Client {
    pub(super) fn new(settings: ModelSettings) -> Result<Self> {
        settings.validate()?;
        let url = settings.endpoint()?;
        // A redirect would take the key and the sentence elsewhere.
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(settings.timeout.min(Duration::from_secs(10)))
            .timeout(settings.timeout)
            .build()
            .map_err(Error::Client)?;
        Ok(Self {
            http,
            url,
            settings,
        })
    }

    /// The content of the model's answer, or what is wrong with it.
    pub(super) async fn complete(
        &self,
        messages: &[Message],
        schema: &Value,
    ) -> ibn_core::Result<std::result::Result<String, Fault>> {
        let body = json!({
            "model": self.settings.model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": self.settings.max_tokens,
            "stream": false,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "translation", "strict": true, "schema": schema},
            },
        });
        let mut request = self.http.post(self.url.clone()).json(&body);
        if let Some(key) = &self.settings.key {
            request = request.bearer_auth(key.expose());
        }
        let response = request.send().await.map_err(|error| self.failed(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(refused(status));
        }
        let is_json = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().contains("json"));
        if !is_json {
            return Err(unavailable("its reply is no JSON"));
        }
        let bytes = self.read(response).await?;
        let completion: Completion = serde_json::from_slice(&bytes)
            .map_err(|_| unavailable("its reply is no chat completion"))?;
        Ok(content(completion))
    }

    /// The body, as far as it is allowed to be.
    async fn read(&self, mut response: reqwest::Response) -> ibn_core::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failed(&error))?
        {
            if bytes.len() + chunk.len() > self.settings.max_bytes {
                return Err(unavailable("its reply is too large"));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn failed(&self, error: &reqwest::Error) -> ibn_core::Error {
        if error.is_timeout() {
            return ibn_core::Error::TimedOut {
                service: SERVICE.to_owned(),
                after_ms: u64::try_from(self.settings.timeout.as_millis()).unwrap_or(u64::MAX),
            };
        }
        // The error's own text names the address, which may be private.
        unavailable(if error.is_connect() {
            "no connection"
        } else {
            "the connection broke"
        })
    }
}

const SERVICE: &str = "the model server";

fn unavailable(reason: &str) -> ibn_core::Error {
    ibn_core::Error::unavailable(SERVICE, reason)
}

fn refused(status: StatusCode) -> ibn_core::Error {
    let again = status.is_server_error()
        || status.is_redirection()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        );
    if again {
        return unavailable(&format!("it answered {}", status.as_u16()));
    }
    ibn_core::Error::Refused {
        service: SERVICE.to_owned(),
        reason: format!("it answered {}", status.as_u16()),
    }
}

fn content(completion: Completion) -> std::result::Result<String, Fault> {
    let mut choices = completion.choices.into_iter();
    let (Some(choice), None) = (choices.next(), choices.next()) else {
        return Err(Fault::new("there must be exactly one answer"));
    };
    if choice
        .message
        .tool_calls
        .is_some_and(|calls| !calls.is_empty())
    {
        return Err(Fault::new("no tool may be called"));
    }
    if choice.finish_reason.as_deref() == Some("length") {
        return Err(Fault::new("the answer was cut off: be brief"));
    }
    match choice.message.content {
        Some(content) if !content.trim().is_empty() => Ok(content),
        _ => Err(Fault::new("the answer is empty")),
    }
}
