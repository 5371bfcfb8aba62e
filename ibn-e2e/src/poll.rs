//! Waiting for what is to become true, with a deadline.

use std::time::{Duration, Instant};

/// Asks again and again until `look` gives something; what it gave.
///
/// # Panics
/// Where it gave nothing within `limit`.
pub async fn until<T>(what: &str, limit: Duration, look: impl AsyncFn() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        if Instant::now() >= end {
            give_up(what, limit);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[expect(
    clippy::panic,
    reason = "a test that waits in vain for what must come is to fail"
)]
fn give_up(what: &str, limit: Duration) -> ! {
    panic!("{what} within {limit:?}")
}
