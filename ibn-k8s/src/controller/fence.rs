//! Nothing is written by who doesn't hold the lease.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::{Either, Ready, ready};
use http::{Method, Request};
use tower::{BoxError, Layer, Service};

/// Until when writes are let through, by this process's own clock. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Held(Arc<AtomicU64>);

impl Held {
    /// Opens the fence until so long after `since`.
    pub(crate) fn until(&self, since: Instant, after: Duration) {
        let end = millis(since).saturating_add(u64::try_from(after.as_millis()).unwrap_or(0));
        self.0.store(end, Ordering::Release);
    }

    /// Closes the fence.
    pub(crate) fn close(&self) {
        self.0.store(0, Ordering::Release);
    }

    /// Whether writes are let through at this instant.
    #[must_use]
    pub fn is_held(&self) -> bool {
        millis(Instant::now()) < self.0.load(Ordering::Acquire)
    }
}

/// Milliseconds since the first call, and one: zero is never.
fn millis(instant: Instant) -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let passed = instant.saturating_duration_since(*START.get_or_init(Instant::now));
    u64::try_from(passed.as_millis())
        .unwrap_or(u64::MAX)
        .saturating_add(1)
}

/// Lets reads through, and writes while the lease is held.
///
/// It stands in the client, below everything that writes, so that nobody can forget to ask.
#[derive(Debug, Clone)]
pub struct Fence {
    held: Held,
}

impl Fence {
    /// A fence that `held` opens.
    #[must_use]
    pub fn new(held: Held) -> Self {
        Self { held }
    }
}

impl<S> Layer<S> for Fence {
    type Service = Fenced<S>;

    fn layer(&self, inner: S) -> Fenced<S> {
        Fenced {
            inner,
            held: self.held.clone(),
        }
    }
}

/// A service behind a [`Fence`].
#[derive(Debug, Clone)]
pub struct Fenced<S> {
    inner: S,
    held: Held,
}

/// The lease is not held.
#[derive(Debug)]
struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing is written without the lease")
    }
}

impl std::error::Error for Closed {}

impl<S, B> Service<Request<B>> for Fenced<S>
where
    S: Service<Request<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Either<
        futures::future::MapErr<S::Future, fn(S::Error) -> BoxError>,
        Ready<Result<S::Response, BoxError>>,
    >;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        use futures::TryFutureExt;
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if reads || self.held.is_held() {
            let into: fn(S::Error) -> BoxError = Into::into;
            Either::Left(self.inner.call(request).map_err(into))
        } else {
            Either::Right(ready(Err(Box::new(Closed))))
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use tower::ServiceExt;

    use super::*;

    fn sent(method: Method, held: &Held) -> bool {
        let inner = tower::service_fn(async |_: Request<()>| Ok::<_, BoxError>(()));
        let request = Request::builder().method(method).body(()).unwrap();
        let fenced = Fence::new(held.clone()).layer(inner);
        block_on(fenced.oneshot(request)).is_ok()
    }

    #[test]
    fn writes_go_through_only_while_the_lease_is_held() {
        let held = Held::default();
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert!(!sent(method.clone(), &held), "{method} before");
            held.until(Instant::now(), Duration::from_secs(60));
            assert!(sent(method.clone(), &held), "{method} meanwhile");
            held.until(Instant::now(), Duration::ZERO);
            assert!(!sent(method.clone(), &held), "{method} when it ran out");
            held.close();
        }
        assert!(sent(Method::GET, &held));
    }
}
