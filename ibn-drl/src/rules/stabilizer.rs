//! Holds a scale-in back until it was wanted for a while.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

/// The greatest number of pods that was wanted within a window, as the HorizontalPodAutoscaler's
/// `behavior.scaleDown.stabilizationWindowSeconds` does it.
///
/// An instance that has not yet seen a whole window counts the live number as wanted at its beginning.
///
/// ```
/// use ibn_drl::rules::Stabilizer;
/// use std::time::Duration;
///
/// let at = |second| jiff::Timestamp::from_second(second).unwrap();
/// let mut stabilizer = Stabilizer::new(Duration::from_secs(300));
/// assert_eq!(stabilizer.settle(at(0), 6, 2), 6);
/// assert_eq!(stabilizer.settle(at(60), 6, 8), 8);
/// assert_eq!(stabilizer.settle(at(300), 8, 2), 8);
/// assert_eq!(stabilizer.settle(at(361), 8, 2), 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Stabilizer {
    wanted: WindowMax<u32>,
}

impl Stabilizer {
    /// A stabilizer over `window`; zero holds nothing back.
    #[must_use]
    pub fn new(window: Duration) -> Self {
        Self {
            wanted: WindowMax::new(window),
        }
    }

    /// Notes that `wanted` is wanted at `now`, and says what to advise.
    pub fn settle(&mut self, now: Timestamp, live: u32, wanted: u32) -> u32 {
        if self.wanted.is_new() {
            self.wanted.note(now, live);
        }
        self.wanted.note(now, wanted);
        match self.wanted.greatest() {
            // Never more than what is live for the sake of the past: it was not needed then, or was not granted.
            Some((_, held)) if held > wanted && live > wanted => held.min(live),
            _ => wanted,
        }
    }
}

/// The greatest of the values of a window, in amortised constant time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WindowMax<T> {
    window: Duration,
    /// Ascending in time, descending in value, so that the front is the greatest.
    values: VecDeque<(Timestamp, T)>,
    since: Option<Timestamp>,
}

impl<T: PartialOrd + Copy> WindowMax<T> {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            window,
            values: VecDeque::new(),
            since: None,
        }
    }

    /// Whether nothing was noted yet.
    pub(super) fn is_new(&self) -> bool {
        self.since.is_none()
    }

    /// Whether a whole window was seen by `now`.
    pub(super) fn is_full(&self, now: Timestamp) -> bool {
        self.since
            .is_some_and(|since| now.duration_since(since).unsigned_abs() >= self.window)
    }

    pub(super) fn note(&mut self, now: Timestamp, value: T) {
        self.since.get_or_insert(now);
        while self
            .values
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at).unsigned_abs() > self.window)
        {
            self.values.pop_front();
        }
        while self.values.back().is_some_and(|(_, older)| *older <= value) {
            self.values.pop_back();
        }
        self.values.push_back((now, value));
    }

    /// The greatest value and when it was noted.
    pub(super) fn greatest(&self) -> Option<(Timestamp, T)> {
        self.values.front().copied()
    }
}
