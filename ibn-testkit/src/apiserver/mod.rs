//! An API server in memory, for the tests of clients: HTTP in, HTTP out, no network.
//!
//! It is a [`tower::Service`] of plain HTTP, so that any client can sit on it; `kube::Client::new(server, "default")` does.
//! What it covers is held by one suite that runs on it and on a real cluster alike (`ibn-e2e/tests/apiserver.rs`):
//!
//! | | |
//! |---|---|
//! | reading | get; list by namespace or all, label selectors of equalities, `metadata.name` as field selector, pages |
//! | watching | from a version, with what happened since; 410 where that is forgotten; ends when dropped. No bookmarks, no streamed lists |
//! | writing | create, replace, delete; merge, strategic merge (lists by key where Kubernetes has one) and apply patches; a write that changes nothing is no new version |
//! | preconditions | `resourceVersion`, in objects, patches and deletions: 409; `uid` in objects and deletions: 409, in patches: 422 |
//! | field owners | `managedFields` by manager, operation and subresource; apply with conflicts, force, and removal of what is no longer applied |
//! | subresources | `status`; `scale` of Deployments and StatefulSets; `resize` of pods (takes requests and limits only, none removed, the class of service stays) |
//! | trying out | `dryRun=All` |
//! | deletion | finalizers; what an object owns goes with it, and what is in a namespace with the namespace |
//! | versions | `generation` moves with the specification |
//! | faults | any status on any call, no answer, an answer that is lost after the write, watches that end, versions that are forgotten |
//!
//! With [`ApiServer::with_life`] Deployments and StatefulSets get pods that are ready at once, and nodes resize at once or say
//! that they never can; a changed template replaces all pods at once. ReplicaSets are only names in the pods' owner references.
//!
//! Not covered: authentication, admission, schemas (custom resources are taken as they are), defaults beyond the few that clients
//! read back, quotas, events, other kinds than [`ApiServer::new`] has unless they are added by [`ApiServer::with_kind`].

mod fields;
mod kinds;
mod life;
mod merge;
mod pods;
mod request;
mod state;
mod watch;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use serde_json::Value;

pub use kinds::Kind;
pub use request::Call;
pub use state::Write;

use request::Answer;
use state::State;

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is refused with this status, and nothing is done.
    Status(u16),
    /// It is never answered, and nothing is done.
    Silence,
    /// It is done, and never answered.
    LostAnswer,
}

type Pick = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

/// An API server in memory. Clones share it.
#[derive(Clone)]
pub struct ApiServer {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    state: State,
    calls: Vec<Call>,
    faults: Option<Pick>,
}

impl Default for ApiServer {
    fn default() -> Self {
        Self::new()
    }
}

impl ApiServer {
    /// One with the namespace `default`, and the kinds that an orchestrator reads.
    #[must_use]
    pub fn new() -> Self {
        let server = Self {
            inner: Arc::new(Mutex::new(Inner {
                state: State::new(),
                calls: Vec::new(),
                faults: None,
            })),
        };
        server.lock().state.make_namespace("default");
        server
    }

    /// The same with one kind more.
    #[must_use]
    pub fn with_kind(self, kind: Kind) -> Self {
        self.lock().state.kinds.push(kind);
        self
    }

    /// The same with controllers and nodes: pods come, go and are resized at once. A node has this many millicores.
    #[must_use]
    pub fn with_life(self, node_millis: u64) -> Self {
        self.lock().state.node_millis = Some(node_millis);
        self
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets calls go wrong for which `pick` says so.
    pub fn inject(&self, pick: impl FnMut(&Call) -> Option<Fault> + Send + 'static) {
        self.lock().faults = Some(Box::new(pick));
    }

    /// Lets everything go right again.
    pub fn heal(&self) {
        self.lock().faults = None;
    }

    /// Ends every watch that is under way.
    pub fn drop_watches(&self) {
        self.lock().state.watches.clear();
    }

    /// Forgets what happened: whoever goes on watching from an older version is told 410.
    pub fn compact(&self) {
        self.lock().state.compact();
    }

    /// The calls so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// What was changed so far, by whom, in order.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        self.lock().state.writes.clone()
    }

    /// An object as it is, by plural, namespace (empty where it has none) and name.
    #[must_use]
    pub fn object(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        self.lock().state.find(plural, namespace, name)
    }

    /// Does a call with nothing going wrong, as somebody else would: the status and the answer.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        manager: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let call = Call::by_hand(method, path, manager, body);
        let answer = self.lock().state.answer(&call);
        match answer {
            Answer::Object(status, value) => (status, value),
            Answer::Watch(_) => (200, Value::Null),
        }
    }

    async fn serve(self, call: Call) -> Response<Body> {
        let (answer, fault) = {
            let mut inner = self.lock();
            inner.calls.push(call.clone());
            let fault = inner.faults.as_mut().and_then(|pick| pick(&call));
            let answer = match fault {
                Some(Fault::Status(code)) => {
                    Answer::failure(code, "Injected", &format!("injected status {code}"))
                }
                Some(Fault::Silence) => Answer::Object(200, Value::Null),
                Some(Fault::LostAnswer) | None => inner.state.answer(&call),
            };
            (answer, fault)
        };
        if matches!(fault, Some(Fault::Silence | Fault::LostAnswer)) {
            return futures::future::pending().await;
        }
        answer.into_response()
    }
}

impl<B> tower::Service<Request<B>> for ApiServer
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display + Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.clone();
        async move {
            let (parts, body) = request.into_parts();
            let response = match body.collect().await {
                Ok(body) => {
                    let call = Call::read(&parts, &body.to_bytes());
                    server.serve(call).await
                }
                Err(error) => {
                    let why = format!("the body can't be read: {error}");
                    Answer::failure(400, "BadRequest", &why).into_response()
                }
            };
            Ok(response)
        }
        .boxed()
    }
}
