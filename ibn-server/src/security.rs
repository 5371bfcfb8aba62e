//! What every request goes through: whose host it names, who sent it, how long it takes, and the headers of its answer.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::Error;
use crate::state::ServerState;

/// No inline script or style, nothing from elsewhere, no frames.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// Headers of every answer. `same-origin` for referrers, since without any a form of ours would be sent with an opaque origin.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Adds the headers, unless the handler set its own.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Answers with a problem where the handler takes too long. A stream has answered when it begins.
pub(crate) async fn timeout(
    State(state): State<ServerState>,
    request: Request,
    next: Next,
) -> Response {
    match tokio::time::timeout(state.config().timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::TimedOut.into_response(),
    }
}

/// Refuses requests to another host's name (DNS rebinding) and requests that change something from another origin (CSRF).
pub(crate) async fn origin(
    State(state): State<ServerState>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let host = host_of(&request).unwrap_or_default();
    if !is_own_host(&host, &state.config().hosts) {
        return Err(Error::Host(host));
    }
    let changes = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if changes && !is_same_origin(request.headers(), &host) {
        return Err(Error::CrossOrigin);
    }
    Ok(next.run(request).await)
}

fn host_of(request: &Request) -> Option<String> {
    request
        .uri()
        .authority()
        .map(|authority| authority.as_str().to_owned())
        .or_else(|| {
            Some(
                request
                    .headers()
                    .get(header::HOST)?
                    .to_str()
                    .ok()?
                    .to_owned(),
            )
        })
}

/// An address can't be rebound, and `localhost` is always this machine; any other name must be known.
fn is_own_host(host: &str, known: &Arc<[String]>) -> bool {
    let name = without_port(host);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || known
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name) || known.eq_ignore_ascii_case(host))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.chars().all(|c| c.is_ascii_digit())
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

/// A browser says where a request comes from; a request that says nothing comes from no browser's form, since forms of
/// browsers without `Sec-Fetch-Site` have an `Origin`.
fn is_same_origin(headers: &HeaderMap, host: &str) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    match text(header::ORIGIN) {
        Some(origin) => origin
            .split_once("://")
            .is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(host)),
        None => headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_none_or(|kind| kind.starts_with("application/json")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_known_names_are_served() {
        let known: Arc<[String]> = Arc::new(["ibn.example".to_owned()]);
        for host in [
            "localhost",
            "localhost:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "::1",
            "10.0.0.7",
            "ibn.example",
            "IBN.example:443",
        ] {
            assert!(is_own_host(host, &known), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
        ] {
            assert!(!is_own_host(host, &known), "{host}");
        }
    }

    #[test]
    fn only_own_pages_and_programs_change_something() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs
                .iter()
                .map(|(name, value)| {
                    (
                        HeaderName::from_static(name),
                        HeaderValue::from_static(value),
                    )
                })
                .collect::<HeaderMap>()
        };
        let form = "application/x-www-form-urlencoded";
        for (pairs, allowed) in [
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("sec-fetch-site", "none")], true),
            (vec![("sec-fetch-site", "cross-site")], false),
            (vec![("sec-fetch-site", "same-site")], false),
            (vec![("origin", "http://localhost:8080")], true),
            (vec![("origin", "http://evil.example")], false),
            (vec![("origin", "null")], false),
            (vec![("content-type", "application/json")], true),
            (vec![("content-type", form)], false),
            (vec![], true),
        ] {
            assert_eq!(
                is_same_origin(&headers(&pairs), "localhost:8080"),
                allowed,
                "{pairs:?}"
            );
        }
    }
}
