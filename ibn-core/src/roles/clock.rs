//! The role that tells the time.

use std::sync::Mutex;

use jiff::Timestamp;

/// Tells the time. Core never reads a clock by itself.
///
/// ```
/// use ibn_core::roles::Clock;
/// use jiff::Timestamp;
///
/// /// A clock of a machine whose time is off by some seconds.
/// struct Off<C>(C, i64);
///
/// impl<C: Clock> Clock for Off<C> {
///     fn now(&self) -> Timestamp {
///         let off = jiff::SignedDuration::from_secs(self.1);
///         self.0.now().checked_add(off).unwrap_or(Timestamp::MAX)
///     }
/// }
///
/// let clock = Off(ibn_core::roles::VirtualClock::new(Timestamp::UNIX_EPOCH), 30);
/// assert_eq!(clock.now().as_second(), 30);
/// ```
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
