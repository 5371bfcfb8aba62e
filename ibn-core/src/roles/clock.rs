//! The role that tells the time.

use std::sync::Mutex;

use jiff::Timestamp;

/// Tells the time. Core never reads a clock by itself.
pub trait Clock: Send + Sync {
    /// The instant.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct VirtualClock(Mutex<Timestamp>);

impl VirtualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Sets the clock; it may not go back, an earlier instant leaves it as it is.
    pub fn set(&self, now: Timestamp) {
        let mut stands_at = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *stands_at = now.max(*stands_at);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
