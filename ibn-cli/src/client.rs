//! Speaks to a running `ibn` over its HTTP API.

use std::time::Duration;

use ibn_core::diagnostic::Diagnostic;
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, Failure};

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client of one server.
pub(crate) struct Client {
    base: String,
    http: reqwest::Client,
}

/// `application/problem+json`, as the server sends it.
#[derive(Debug, Deserialize)]
struct Problem {
    title: Option<String>,
    code: Option<String>,
    detail: Option<String>,
    help: Option<String>,
    #[serde(default)]
    diagnostics: Vec<Diagnostic>,
}

impl Client {
    /// A client of the server at `base`.
    pub(crate) fn new(base: &str) -> Result<Self, Failure> {
        let is_url = reqwest::Url::parse(base)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !is_url {
            return Err(
                Failure::new(Exit::Usage, format!("`{base}` is no address of a server"))
                    .help("`--server URL` such as `http://127.0.0.1:8080`"),
            );
        }
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Failure::because(Exit::Failed, "can't make an HTTP client", &error))?;
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            http,
        })
    }

    /// Asks for something.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        self.send(self.request(Method::GET, path).query(query))
            .await
    }

    /// Sends something.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}/api/v1/{path}", self.base))
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let unreachable = |error: &reqwest::Error| {
            // What lies between says which library was asked, not what is wrong.
            let mut cause: &dyn std::error::Error = error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            Failure::because(
                Exit::Unreachable,
                format!("no `ibn` answers at `{}`", self.base),
                cause,
            )
            .help("start one with `ibn`, or name another one with `--server URL`")
        };
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        let body = response.text().await.map_err(|error| unreachable(&error))?;
        if status.is_success() {
            return serde_json::from_str(&body).map_err(|error| {
                Failure::because(
                    Exit::Failed,
                    format!("`{}` answered with something else", self.base),
                    &error,
                )
                .help("check that client and server are of the same version: `ibn --version`")
            });
        }
        let exit = match status.as_u16() {
            400 | 422 => Exit::Usage,
            403 | 409 => Exit::Refused,
            502..=504 => Exit::Unreachable,
            _ => Exit::Failed,
        };
        let problem: Option<Problem> = serde_json::from_str(&body).ok();
        let Some(problem) = problem else {
            return Err(Failure::new(
                exit,
                format!("`{}` answered {status}", self.base),
            ));
        };
        let message = problem
            .detail
            .or(problem.title)
            .unwrap_or_else(|| status.to_string());
        let mut failure = Failure::new(exit, message);
        failure.help = problem.help;
        failure.code = problem.code;
        failure.diagnostics = problem.diagnostics;
        Err(failure)
    }
}

/// Runs an asynchronous command to its end.
pub(crate) fn wait<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because(Exit::Failed, "can't start the async runtime", &error))?
        .block_on(work)
}
