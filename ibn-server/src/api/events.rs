//! Server-sent events: what happens, in small messages.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use ibn_core::decision::{DecisionId, LedgerEvent, Trigger};
use ibn_core::engine::{Notice, NoticeLevel};
use ibn_core::intent::IntentKey;
use ibn_core::workload::WorkloadRef;
use ibn_runtime::Update;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::error::{Error, Problem};
use crate::openapi::schema;
use crate::state::ServerState;

/// Real time between two messages that only say that the state changed.
const CHANGED_EVERY: Duration = Duration::from_millis(500);

/// Real time between two signs of life where nothing happens.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What happened. Each is one `data:` line of JSON; `kind` tells which.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ServerEvent {
    /// The state changed; look again. At most two a second.
    Changed {
        /// The engine's time.
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
        /// Simulated seconds per real second.
        speed: f64,
    },
    /// Something was decided.
    Decided {
        /// When.
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
        /// Which decision.
        #[schema(value_type = schema::DecisionId)]
        decision: DecisionId,
        /// For which workload.
        #[schema(value_type = schema::WorkloadRef)]
        workload: WorkloadRef,
        /// What asked for it.
        #[schema(value_type = String)]
        trigger: Trigger,
        /// What changes, for a person to read; empty where the guard let nothing through.
        changes: Vec<String>,
        /// The strongest reason.
        reason: String,
    },
    /// A decision was applied.
    Applied {
        /// When.
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
        /// Which decision.
        #[schema(value_type = schema::DecisionId)]
        decision: DecisionId,
        /// For which workload.
        #[schema(value_type = schema::WorkloadRef)]
        workload: WorkloadRef,
    },
    /// A decision could not be applied.
    Failed {
        /// When.
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
        /// Which decision.
        #[schema(value_type = schema::DecisionId)]
        decision: DecisionId,
        /// Why.
        error: String,
    },
    /// A decision was undone.
    Undone {
        /// When.
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
        /// Which decision.
        #[schema(value_type = schema::DecisionId)]
        decision: DecisionId,
        /// By which.
        #[schema(value_type = schema::DecisionId)]
        by: DecisionId,
        /// Why.
        reason: String,
    },
    /// Something was said aloud.
    Notice {
        /// When.
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
        /// How loud.
        #[schema(value_type = String)]
        level: NoticeLevel,
        /// Of which workload.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<schema::WorkloadRef>)]
        workload: Option<WorkloadRef>,
        /// Of which intent.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<schema::IntentKey>)]
        intent: Option<IntentKey>,
        /// The code of the reason.
        code: String,
        /// The reason.
        message: String,
    },
    /// This client was too slow; so many messages were passed over.
    Missed {
        /// How many.
        count: u64,
    },
}

/// Tells streams that the server is about to end.
#[derive(Debug, Clone)]
pub(crate) struct Closing(pub(crate) watch::Receiver<bool>);

/// A stream of what happens, as server-sent events.
#[utoipa::path(
    get, path = "/events", tag = "system",
    responses(
        (status = OK, body = ServerEvent, content_type = "text/event-stream"),
        (status = SERVICE_UNAVAILABLE, body = Problem, description = "Too many clients listen already.")
    )
)]
pub(super) async fn events(
    State(state): State<ServerState>,
    closing: Option<Extension<Closing>>,
) -> Result<impl IntoResponse, Error> {
    let permit = state
        .listeners()
        .clone()
        .try_acquire_owned()
        .map_err(|_| Error::TooManyListeners(state.config().listeners))?;
    let listening = Listening {
        updates: state.control().updates(),
        state,
        closing: closing.map(|Extension(Closing(closing))| closing),
        changed: None,
        next_changed: tokio::time::Instant::now(),
        is_first: true,
        _permit: permit,
    };
    Ok(Sse::new(stream(listening)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Listening {
    updates: Receiver<Update>,
    state: ServerState,
    closing: Option<watch::Receiver<bool>>,
    /// The newest change that was not told yet.
    changed: Option<Timestamp>,
    next_changed: tokio::time::Instant,
    is_first: bool,
    _permit: OwnedSemaphorePermit,
}

fn stream(listening: Listening) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold(listening, |mut listening| async move {
        let event = listening.next().await?;
        // Plain data with text keys can always be written.
        let text = serde_json::to_string(&event).unwrap_or_default();
        Some((Ok(Event::default().data(text)), listening))
    })
}

impl Listening {
    /// The next message; `None` where the engine or the server ends.
    async fn next(&mut self) -> Option<ServerEvent> {
        if std::mem::take(&mut self.is_first) {
            return Some(self.tell_changed(self.state.control().now()));
        }
        loop {
            if let Some(at) = self.changed
                && self.next_changed <= tokio::time::Instant::now()
            {
                return Some(self.tell_changed(at));
            }
            let update = tokio::select! {
                update = self.updates.recv() => update,
                () = until(self.changed.map(|_| self.next_changed)) => continue,
                () = closed(&mut self.closing) => return None,
            };
            match update {
                Ok(Update::Changed(at)) => self.changed = Some(at),
                Ok(update) => {
                    if let Some(event) = told(update) {
                        return Some(event);
                    }
                }
                Err(RecvError::Lagged(count)) => return Some(ServerEvent::Missed { count }),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn tell_changed(&mut self, at: Timestamp) -> ServerEvent {
        self.changed = None;
        self.next_changed = tokio::time::Instant::now() + CHANGED_EVERY;
        ServerEvent::Changed {
            at,
            speed: self.state.speed(),
        }
    }
}

async fn until(instant: Option<tokio::time::Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

async fn closed(closing: &mut Option<watch::Receiver<bool>>) {
    match closing {
        // An error means that the server is gone.
        Some(closing) => drop(closing.wait_for(|closing| *closing).await),
        None => std::future::pending().await,
    }
}

fn told(update: Update) -> Option<ServerEvent> {
    match update {
        Update::Changed(_) => None,
        Update::Notice(at, notice) => {
            let Notice {
                workload,
                intent,
                level,
                reason,
            } = notice;
            Some(ServerEvent::Notice {
                at,
                level,
                workload,
                intent,
                code: reason.code,
                message: reason.message,
            })
        }
        Update::Recorded(entry) => {
            let at = entry.at;
            Some(match &entry.event {
                LedgerEvent::Decided(decision) => ServerEvent::Decided {
                    at,
                    decision: decision.id,
                    workload: decision.workload.clone(),
                    trigger: decision.trigger,
                    changes: decision.changes.iter().map(ToString::to_string).collect(),
                    reason: decision
                        .reasons
                        .first()
                        .map(|reason| reason.message.clone())
                        .unwrap_or_default(),
                },
                LedgerEvent::Applied(receipt) => ServerEvent::Applied {
                    at,
                    decision: receipt.decision,
                    workload: receipt.workload.clone(),
                },
                LedgerEvent::Failed { decision, error } => ServerEvent::Failed {
                    at,
                    decision: *decision,
                    error: error.to_string(),
                },
                LedgerEvent::Undone {
                    decision,
                    by,
                    reason,
                } => ServerEvent::Undone {
                    at,
                    decision: *decision,
                    by: *by,
                    reason: reason.clone(),
                },
            })
        }
    }
}
