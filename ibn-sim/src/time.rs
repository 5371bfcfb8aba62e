//! Simulated time: whole nanoseconds since the start of the run.

use std::fmt;
use std::time::Duration;

/// An instant of the simulation, counted in nanoseconds from its start. It covers 584 years, and never reads a clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

impl SimTime {
    /// The start of the run.
    pub const ZERO: Self = Self(0);
    /// An instant that no run reaches.
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `nanos` ns after the start.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `secs` s after the start.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the start.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The time since the start.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// The time that passed since `earlier`; zero where `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This instant moved into the future, at most to [`SimTime::MAX`].
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// This instant moved into the past, at most to the start.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.3}s", self.as_secs_f64()))
    }
}

/// A duration in ns, saturating.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The greatest number that divides both; of 0 and another, that other.
pub(crate) const fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_and_saturates() {
        let t = SimTime::from_secs(90);
        assert_eq!(t.after(Duration::from_millis(1)).nanos(), 90_001_000_000);
        assert_eq!(t.before(Duration::from_secs(100)), SimTime::ZERO);
        assert_eq!(t.since(SimTime::from_secs(30)), Duration::from_secs(60));
        assert_eq!(SimTime::ZERO.since(t), Duration::ZERO);
        assert_eq!(SimTime::MAX.after(Duration::from_secs(1)), SimTime::MAX);
    }
}
