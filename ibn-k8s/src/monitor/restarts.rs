//! Restarts over a window, out of counts that only grow.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// What was seen of a workload's restarts.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Since when no restart could be missed.
    since: Option<Timestamp>,
    last: Option<Timestamp>,
    /// The count of each pod at the last look.
    counts: BTreeMap<String, u32>,
    /// When restarts were seen, and how many.
    seen: VecDeque<(Timestamp, u32)>,
}

impl History {
    /// Takes the counts of the pods that are there.
    pub(super) fn look<'a>(
        &mut self,
        pods: impl Iterator<Item = (&'a str, u32)>,
        now: Timestamp,
        window: Duration,
    ) {
        // After a long time without a look nobody knows when what is new happened.
        if self.last.is_none_or(|last| before(now, window) > last) {
            *self = Self {
                since: Some(now),
                ..Self::default()
            };
        }
        let is_first = self.last.is_none();
        let mut counts = BTreeMap::new();
        let mut new = 0_u32;
        for (pod, count) in pods {
            let known = self.counts.get(pod).copied();
            // A pod that came since the last look did all its restarts since.
            let known = known.unwrap_or(if is_first { count } else { 0 });
            new = new.saturating_add(count.saturating_sub(known));
            counts.insert(pod.to_owned(), count);
        }
        self.counts = counts;
        self.last = Some(now);
        if new > 0 {
            self.seen.push_back((now, new));
        }
        while self
            .seen
            .front()
            .is_some_and(|(at, _)| *at < before(now, window.saturating_mul(2)))
        {
            self.seen.pop_front();
        }
    }

    /// Restarts in the window before `now`; `None` where that isn't known yet.
    pub(super) fn within(&self, window: Duration, now: Timestamp) -> Option<u32> {
        let from = before(now, window);
        self.since.filter(|since| *since <= from)?;
        let seen = self.seen.iter().filter(|(at, _)| *at > from);
        Some(seen.map(|(_, count)| *count).fold(0, u32::saturating_add))
    }
}

fn before(now: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    now.checked_sub(span).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn restarts_are_missing_until_the_window_was_watched() {
        let mut history = History::default();
        history.look([("a", 7)].into_iter(), at(0), WINDOW);
        assert_eq!(history.within(WINDOW, at(0)), None);
        history.look([("a", 8)].into_iter(), at(30), WINDOW);
        assert_eq!(history.within(WINDOW, at(30)), None);
        history.look([("a", 8)].into_iter(), at(60), WINDOW);
        assert_eq!(history.within(WINDOW, at(60)), Some(1));
        history.look([("a", 8)].into_iter(), at(90), WINDOW);
        assert_eq!(history.within(WINDOW, at(90)), Some(0), "it is long ago");
    }

    #[test]
    fn a_new_pod_counts_with_all_its_restarts_and_one_that_went_with_none() {
        let mut history = History::default();
        history.look([("a", 5)].into_iter(), at(0), WINDOW);
        history.look([("b", 2)].into_iter(), at(60), WINDOW);
        assert_eq!(history.within(WINDOW, at(60)), Some(2));
    }

    #[test]
    fn a_gap_begins_anew() {
        let mut history = History::default();
        history.look([("a", 5)].into_iter(), at(0), WINDOW);
        history.look([("a", 9)].into_iter(), at(61), WINDOW);
        assert_eq!(history.within(WINDOW, at(61)), None);
        history.look([("a", 9)].into_iter(), at(121), WINDOW);
        assert_eq!(history.within(WINDOW, at(121)), Some(0));
    }
}
