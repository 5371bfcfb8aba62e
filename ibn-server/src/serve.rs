//! Listening, and ending well.

use std::future::Future;
use std::time::Duration;

use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::api::Closing;
use crate::error::{Error, Result};

/// How long requests may go on after the end was asked for.
const GRACE: Duration = Duration::from_secs(5);

/// Serves `app` on `listener` until `shutdown` comes; then event streams end, and requests have five seconds to finish.
///
/// # Errors
/// Where the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let (closing, is_closing) = watch::channel(false);
    let app = app.layer(Extension(Closing(is_closing.clone())));
    let asked = {
        let mut is_closing = is_closing.clone();
        // An error means that the sender is gone, which is an end as well.
        async move { drop(is_closing.wait_for(|closing| *closing).await) }
    };
    tokio::spawn(async move {
        shutdown.await;
        closing.send_replace(true);
        // Kept until the grace is over, so that streams hear of the end.
        tokio::time::sleep(GRACE).await;
    });
    let mut over = is_closing;
    let grace = async move {
        drop(over.wait_for(|closing| *closing).await);
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = axum::serve(listener, app).with_graceful_shutdown(asked).into_future() => {
            served.map_err(Error::Serve)
        }
        () = grace => Ok(()),
    }
}
