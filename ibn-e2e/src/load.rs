//! Requests at a rate, from outside of the cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Sends requests, whether those before were answered or not, until this is dropped.
pub struct Load {
    rate: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Load {
    /// Begins to send so many a second to an address.
    #[must_use]
    pub fn start(address: &str, rate: u32) -> Self {
        let rate = Arc::new(AtomicU32::new(rate));
        let task = tokio::spawn(send(address.to_owned(), Arc::clone(&rate)));
        Self { rate, task }
    }

    /// Sends so many a second from now on.
    pub fn set(&self, rate: u32) {
        self.rate.store(rate, Ordering::Relaxed);
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn send(address: String, rate: Arc<AtomicU32>) {
    loop {
        let rate = rate.load(Ordering::Relaxed).max(1);
        tokio::time::sleep(Duration::from_secs(1) / rate).await;
        let address = address.clone();
        // What isn't answered in time is lost, as with anybody who waits no longer.
        tokio::spawn(tokio::time::timeout(Duration::from_secs(5), async move {
            request(&address).await
        }));
    }
}

async fn request(address: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let head = b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
    stream.write_all(head).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(())
}

/// Whether somebody answers there, or does so before long: a new Service takes a moment to be known.
///
/// # Errors
/// Says that nobody can be reached from here.
pub async fn reaches(address: &str) -> Result<(), String> {
    let end = tokio::time::Instant::now() + Duration::from_secs(15);
    loop {
        let asked = tokio::time::timeout_at(end, request(address)).await;
        let reason = match asked {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        if tokio::time::Instant::now() >= end {
            return Err(format!("{address} can't be reached from here: {reason}"));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
