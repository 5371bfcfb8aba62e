//! Server-sent events, and the end of a server that has listeners.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]
#![allow(clippy::indexing_slicing, reason = "what is not there in JSON is null")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use common::{Scripted, Served, request};
use futures::StreamExt as _;
use ibn_core::admission::WhatIf;
use ibn_core::decision::{LedgerEntry, Reason};
use ibn_core::engine::{Notice, NoticeLevel, Reply, Request, State};
use ibn_core::intent::Intent;
use ibn_core::roles::LedgerQuery;
use ibn_runtime::{Control, Update};
use ibn_server::{Board, ServerConfig, ServerState, app};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{broadcast, oneshot};
use tower::ServiceExt as _;

/// The messages of a stream, one after the other.
struct Messages {
    body: BodyDataStream,
    rest: String,
}

impl Messages {
    async fn of(app: &axum::Router) -> (StatusCode, Self) {
        let asked = request("GET", "/api/v1/events")
            .body(Body::empty())
            .unwrap();
        let response = app.clone().oneshot(asked).await.unwrap();
        let status = response.status();
        let body = response.into_body().into_data_stream();
        let rest = String::new();
        (status, Self { body, rest })
    }

    /// The next message; `None` at the end.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((message, rest)) = self.rest.split_once("\n\n") {
                let data = message.strip_prefix("data: ").map(str::to_owned);
                self.rest = rest.to_owned();
                match data {
                    Some(data) => return Some(serde_json::from_str(&data).unwrap()),
                    None => continue,
                }
            }
            let bytes = tokio::time::timeout(Duration::from_secs(20), self.body.next())
                .await
                .unwrap()?;
            self.rest
                .push_str(std::str::from_utf8(&bytes.unwrap()).unwrap());
        }
    }

    async fn until(&mut self, kind: &str) -> Value {
        let wait = async {
            loop {
                let message = self.next().await.unwrap();
                if message["kind"] == kind {
                    return message;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn what_happens_is_told() {
    let served = Served::at_speed(60.0);
    let (status, mut messages) = Messages::of(&served.app).await;
    assert_eq!(status, StatusCode::OK);
    let first = messages.next().await.unwrap();
    assert_eq!(
        (&first["kind"], &first["speed"]),
        (&json!("changed"), &json!(60.0))
    );

    served
        .post("/api/v1/apply", &json!({"text": "scale acme web to 5"}))
        .await;
    let decided = messages.until("decided").await;
    assert_eq!(decided["workload"], "acme/Deployment/web");
    assert_eq!(decided["changes"], json!(["replicas 3 → 5"]));
    let applied = messages.until("applied").await;
    assert_eq!(applied["decision"], decided["decision"]);
    let id = decided["decision"].as_str().unwrap();
    served
        .post(&format!("/api/v1/decisions/{id}/undo"), &json!({}))
        .await;
    assert_eq!(
        messages.until("undone").await["decision"],
        decided["decision"]
    );
}

/// Says only what a test says.
struct Quiet(broadcast::Sender<Update>);

#[async_trait]
impl Control for Quiet {
    async fn request(&self, _: Request) -> ibn_core::Result<Reply> {
        std::future::pending().await
    }

    async fn preview(&self, _: Vec<Intent>) -> ibn_core::Result<Vec<WhatIf>> {
        Ok(Vec::new())
    }

    async fn ledger(&self, _: LedgerQuery) -> ibn_core::Result<Vec<LedgerEntry>> {
        Ok(Vec::new())
    }

    fn state(&self) -> Arc<State> {
        Arc::new(State::new(self.now()))
    }

    fn now(&self) -> Timestamp {
        common::start()
    }

    fn updates(&self) -> broadcast::Receiver<Update> {
        self.0.subscribe()
    }
}

fn quiet(config: ServerConfig) -> (axum::Router, broadcast::Sender<Update>) {
    let (updates, _) = broadcast::channel(4);
    let control = Arc::new(Quiet(updates.clone()));
    let state = ServerState::new(control, Arc::new(Scripted), Board::new()).with_config(config);
    (app(state), updates)
}

fn notice(count: usize) -> Update {
    let notice = Notice {
        workload: None,
        intent: None,
        level: NoticeLevel::Normal,
        reason: Reason::new("Test", count.to_string()),
    };
    Update::Notice(common::start(), notice)
}

#[tokio::test]
async fn one_who_is_too_slow_is_told_how_much_was_missed() {
    let (app, updates) = quiet(ServerConfig::default());
    let (_, mut messages) = Messages::of(&app).await;
    assert_eq!(messages.next().await.unwrap()["kind"], "changed");
    for count in 0..10 {
        updates.send(notice(count)).unwrap();
    }
    assert_eq!(
        messages.next().await.unwrap(),
        json!({"kind": "missed", "count": 6})
    );
    assert_eq!(messages.next().await.unwrap()["message"], "6");
}

#[tokio::test]
async fn many_changes_are_one_message() {
    let (app, updates) = quiet(ServerConfig::default());
    let (_, mut messages) = Messages::of(&app).await;
    messages.next().await.unwrap();
    for _ in 0..3 {
        updates.send(Update::Changed(common::start())).unwrap();
    }
    assert_eq!(messages.next().await.unwrap()["kind"], "changed");
    updates.send(notice(1)).unwrap();
    assert_eq!(
        messages.next().await.unwrap()["kind"],
        "notice",
        "and no second one for the same changes"
    );
}

#[tokio::test]
async fn listeners_are_counted() {
    let config = ServerConfig {
        listeners: 1,
        ..ServerConfig::default()
    };
    let (app, _updates) = quiet(config);
    let (_, mut first) = Messages::of(&app).await;
    first.next().await.unwrap();
    assert_eq!(Messages::of(&app).await.0, StatusCode::SERVICE_UNAVAILABLE);
    drop(first);
    assert_eq!(Messages::of(&app).await.0, StatusCode::OK, "one has gone");
}

#[tokio::test]
async fn an_engine_that_does_not_answer_is_a_problem() {
    let config = ServerConfig {
        timeout: Duration::from_millis(50),
        ..ServerConfig::default()
    };
    let (app, _updates) = quiet(config);
    let asked = request("DELETE", "/api/v1/intents/acme/web")
        .body(Body::empty())
        .unwrap();
    let response = app.oneshot(asked).await.unwrap();
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test]
async fn a_server_ends_although_somebody_listens() {
    let served = Served::at_speed(60.0);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(ibn_server::serve(listener, served.app.clone(), async {
        let _ = ended.await;
    }));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let asked = format!("GET /api/v1/events HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut buffer = [0; 1024];
    let count = stream.read(&mut buffer).await.unwrap();
    assert!(
        std::str::from_utf8(&buffer[..count])
            .unwrap()
            .starts_with("HTTP/1.1 200")
    );
    end.send(()).unwrap();
    let served = tokio::time::timeout(Duration::from_secs(20), serving)
        .await
        .unwrap();
    assert!(served.unwrap().is_ok());
}
