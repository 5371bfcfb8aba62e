//! Holds a scale-in back until it was wanted for a while.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
/// assert_eq!(stabilizer.settle(at(0), 6, 2).0, 6);
/// assert_eq!(stabilizer.settle(at(60), 6, 8).0, 8);
/// assert_eq!(stabilizer.settle(at(300), 8, 2).0, 8);
/// assert_eq!(stabilizer.settle(at(361), 8, 2).0, 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stabilizer {
    window: Duration,
    /// When how many were wanted: ascending in time, descending in number, so that the front is the greatest.
    wanted: VecDeque<(Timestamp, u32)>,
    started: bool,
}

impl Stabilizer {
    /// A stabilizer over `window`; zero holds nothing back.
    #[must_use]
    pub fn new(window: Duration) -> Self {
        Self {
            window,
            wanted: VecDeque::new(),
            started: false,
        }
    }

    /// Notes that `wanted` is wanted at `now`. Returns what to advise and, where that is more than `wanted`, since when it is held.
    pub fn settle(&mut self, now: Timestamp, live: u32, wanted: u32) -> (u32, Option<Timestamp>) {
        if !std::mem::replace(&mut self.started, true) {
            self.note(now, live);
        }
        while let Some((at, _)) = self.wanted.front()
            && now.duration_since(*at).unsigned_abs() > self.window
        {
            self.wanted.pop_front();
        }
        self.note(now, wanted);
        match self.wanted.front() {
            // Never more than what is live for the sake of the past: it was not needed then, or was not granted.
            Some((at, held)) if *held > wanted && live > wanted => ((*held).min(live), Some(*at)),
            _ => (wanted, None),
        }
    }

    fn note(&mut self, at: Timestamp, wanted: u32) {
        while self
            .wanted
            .back()
            .is_some_and(|(_, older)| *older <= wanted)
        {
            self.wanted.pop_back();
        }
        self.wanted.push_back((at, wanted));
    }
}
