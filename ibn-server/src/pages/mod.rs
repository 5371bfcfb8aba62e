//! The pages. They work as plain forms and links; a script keeps them live.

mod about;
mod actions;
mod assets;
mod decisions;
mod document;
mod effect;
mod intents;
mod layout;
mod learning;
mod parts;
mod start;
mod understand;
mod workload;
mod yaml;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use ibn_core::decision::DecisionId;
use maud::{Markup, html};

use crate::error::{Error, Problem};
use crate::state::ServerState;
use crate::{format, words};

/// The pages and what they are made of.
pub(crate) fn router() -> Router<ServerState> {
    Router::new()
        .route("/", get(start::page))
        .route("/understand", get(understand::understand))
        .route("/readings/{id}", get(understand::reading))
        .route("/readings/{id}/apply", post(understand::apply))
        .route("/readings/{id}/take", post(understand::take))
        .route("/document", get(document::page).post(document::preview))
        .route("/workloads/{namespace}/{kind}/{name}", get(workload::page))
        .route(
            "/workloads/{namespace}/{kind}/{name}/mode",
            post(actions::mode),
        )
        .route("/intents", get(intents::list))
        .route("/intents/{namespace}/{name}", get(intents::page))
        .route(
            "/intents/{namespace}/{name}/withdraw",
            post(actions::withdraw),
        )
        .route("/decisions", get(decisions::list))
        .route("/decisions/{id}", get(decisions::page))
        .route("/decisions/{id}/undo", post(actions::undo))
        .route("/decisions/{id}/approve", post(actions::approve))
        .route("/learning", get(learning::page))
        .route("/about", get(about::page))
        .route("/speed", post(actions::speed))
        .route("/static/{name}", get(assets::get))
        .method_not_allowed_fallback(async || Error::Method)
        .fallback(async |uri: Uri| Error::NotFound(format!("the page `{}`", uri.path())))
}

/// Who asks for a page is told of a failure by a page.
pub(crate) async fn problems(
    State(server): State<ServerState>,
    request: Request,
    next: Next,
) -> Response {
    let wants_page = !request.uri().path().starts_with("/api/")
        && request
            .headers()
            .get(header::ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"));
    let response = next.run(request).await;
    let problem = response.extensions().get::<Problem>();
    match problem.filter(|_| wants_page) {
        Some(problem) => {
            let page = layout::problem_page(&server, problem);
            (response.status(), page).into_response()
        }
        None => response,
    }
}

/// A query from its pairs, escaped.
fn query(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (key, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(key);
        text.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                text.push(char::from(byte));
            } else {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    text
}

/// Back to a page of this server, and what to tell there.
fn back_to(path: &str, told: &[(&str, &str)]) -> Response {
    // Anything that a browser could take for another place leads to the start page.
    let is_local = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(['\\', '\r', '\n', '#'])
        && path.is_ascii();
    let path = if is_local { path } else { "/" };
    let (path, kept) = path.split_once('?').unwrap_or((path, ""));
    let kept = kept
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("told=") && !pair.starts_with("of="));
    let told = query(told);
    let pairs: Vec<&str> = kept
        .chain((!told.is_empty()).then_some(told.as_str()))
        .collect();
    let target = if pairs.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", pairs.join("&"))
    };
    let mut response = Redirect::to(&target).into_response();
    *response.status_mut() = StatusCode::SEE_OTHER;
    response
}

/// What was just done, from the closed list of things that a page can tell.
fn told(told: Option<&str>, of: Option<&str>) -> Option<Markup> {
    let decision = of.and_then(|of| of.parse::<DecisionId>().ok());
    match told? {
        "undoing" => Some(html! {
            "It is being undone"
            @if let Some(id) = decision { " by " a href={ "/decisions/" (id) } { (id) } }
            "."
        }),
        "approved" => Some(html! {
            "What you approved is being done"
            @if let Some(id) = decision { " by " a href={ "/decisions/" (id) } { (id) } }
            "."
        }),
        "withdrawn" => Some(html! { "The intent was withdrawn." }),
        "mode" => Some(html! { "The mode was changed." }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, location: &str) {
        let response = back_to(path, &[("told", "undoing"), ("of", "d1")]);
        let found = response.headers().get(header::LOCATION);
        assert_eq!(found.map(|it| it.to_str().unwrap()), Some(location));
    }

    #[test]
    fn forms_lead_back_to_own_pages_only() {
        check("/decisions", "/decisions?told=undoing&of=d1");
        check(
            "/decisions?workload=a%2Fb&told=mode",
            "/decisions?workload=a%2Fb&told=undoing&of=d1",
        );
        for path in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "/a\r\nb",
        ] {
            check(path, "/?told=undoing&of=d1");
        }
    }
}
