//! The controller as a process of the test's own, in the test's namespace.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;

/// `ibn controller`, which is killed when this is dropped.
pub struct Controller {
    child: Child,
    identity: String,
}

/// The program `ibn`: `IBN_BINARY`, or the one that was built beside the tests.
///
/// # Errors
/// Says that there is none.
pub fn binary() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("IBN_BINARY") {
        return Ok(path.into());
    }
    let test = std::env::current_exe().map_err(|error| error.to_string())?;
    let beside = test
        .parent()
        .and_then(|deps| deps.parent())
        .map(|folder| folder.join("ibn"));
    beside
        .filter(|path| path.is_file())
        .ok_or_else(|| "`ibn` is not built: `cargo build -p ibn-cli`".to_owned())
}

/// The Prometheus server of the cluster, where there is one.
///
/// # Errors
/// Says that `PROMETHEUS_URL` names none.
pub fn prometheus() -> Result<String, String> {
    std::env::var("PROMETHEUS_URL").map_err(|_| "PROMETHEUS_URL is not set".to_owned())
}

impl Controller {
    /// Starts one that looks after one namespace alone, where its lease is too.
    ///
    /// # Errors
    /// Where the program can't be started.
    pub fn start(space: &str, identity: &str) -> Result<Self, String> {
        let mut command = Command::new(binary()?);
        command
            .args(["controller", "--namespace", space, "--home", space])
            .args(["--identity", identity, "--listen", "127.0.0.1:0"])
            .args(["--control-period", "2s"])
            .env("IBN_STATE_DIR", ":memory:")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if let Ok(url) = prometheus() {
            command.args(["--prometheus", &url]);
        }
        let child = command.spawn().map_err(|error| error.to_string())?;
        Ok(Self {
            child,
            identity: identity.to_owned(),
        })
    }

    /// Waits until it holds the lease.
    pub async fn leads(&self, client: &kube::Client, space: &str) {
        let leases: Api<Lease> = Api::namespaced(client.clone(), space);
        crate::until(
            "the controller leads",
            Duration::from_secs(60),
            async || {
                let lease = leases.get_opt("ibn-controller").await.ok()??;
                let holder = lease.spec?.holder_identity?;
                (holder == self.identity).then_some(())
            },
        )
        .await;
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.end();
    }
}
