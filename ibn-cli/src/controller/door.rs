//! What is answered while somebody else leads, and by whoever does.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::exit::{Exit, Failure};

/// Answers on an address: first that it stands by, then with what is led.
pub(super) struct Door {
    listen: String,
    close: oneshot::Sender<()>,
    standing_by: JoinHandle<ibn_server::Result<()>>,
}

impl Door {
    /// Answers that it is healthy and stands by.
    pub(super) async fn open(listen: &str) -> Result<Self, Failure> {
        let listener = bind(listen).await?;
        let (close, closed) = oneshot::channel::<()>();
        let app = Router::new()
            .route("/healthz", get(async || "ok\n"))
            .fallback(async || (StatusCode::SERVICE_UNAVAILABLE, "standing by\n"));
        let standing_by = tokio::spawn(ibn_server::serve(listener, app, async {
            // Closes as well where nobody can tell it any more.
            drop(closed.await);
        }));
        Ok(Self {
            listen: listen.to_owned(),
            close,
            standing_by,
        })
    }

    /// Answers with this from now on, until `stop`.
    pub(super) async fn lead(
        self,
        app: Router,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Failure> {
        // It may have ended by itself, and then there is nothing to close.
        let _ = self.close.send(());
        let _ = self.standing_by.await;
        let listener = bind(&self.listen).await?;
        ibn_server::serve(listener, app, stop)
            .await
            .map_err(|error| Failure::because(Exit::Failed, "the server failed", &error))
    }
}

async fn bind(listen: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(listen).await.map_err(|error| {
        Failure::because(Exit::Usage, format!("can't listen on `{listen}`"), &error)
    })
}
