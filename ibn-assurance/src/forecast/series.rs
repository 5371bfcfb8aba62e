//! From observations to a regular series.

use std::sync::Arc;
use std::time::Duration;

use ibn_core::observation::{Observation, Signal};
use ibn_core::prediction::Series;
use jiff::Timestamp;

use crate::slo::fresh_value;
use crate::stats;

/// The longest series that is made; at one minute, more than five days.
const LONGEST: usize = 8000;

/// The request rate over the history, as a regular series.
#[must_use]
pub fn demand_series(
    history: &[Arc<Observation>],
    step: Duration,
    max_age: Duration,
) -> Option<Series> {
    signal_series(history, &Signal::RequestRate, step, max_age)
}

/// A signal over the history: the mean of the values in each `step`, missing where there is none.
///
/// The slots are cut so that the last one ends with the newest observation; it stands at the end of the series even
/// where its value is missing. A value that was stale when it was read is missing. `None` without an observation.
///
/// `step` is raised to the median time between observations where it is shorter: no slot would be missing only
/// because nobody looked.
#[must_use]
pub fn signal_series(
    history: &[Arc<Observation>],
    signal: &Signal,
    step: Duration,
    max_age: Duration,
) -> Option<Series> {
    let (oldest, newest) = (history.first()?.at, history.last()?.at);
    let step = step.max(usual_spacing(history));
    let nanos = i128::try_from(step.as_nanos())
        .ok()
        .filter(|nanos| *nanos > 0)?;
    let slots_back = |at: Timestamp| {
        let behind = newest.as_nanosecond() - at.as_nanosecond();
        usize::try_from(behind.max(0) / nanos).ok()
    };
    let n = (slots_back(oldest)? + 1).min(LONGEST);
    let mut sums = vec![(0.0, 0_u32); n];
    for seen in history {
        let slot = slots_back(seen.at).and_then(|back| n.checked_sub(back + 1));
        if let Some(slot) = slot.and_then(|slot| sums.get_mut(slot))
            && let Some(value) = fresh_value(seen, signal, max_age)
        {
            slot.0 += value;
            slot.1 += 1;
        }
    }
    let back = step.checked_mul(u32::try_from(n - 1).ok()?)?;
    Some(Series {
        start: newest.checked_sub(back).ok()?,
        step,
        values: sums
            .into_iter()
            .map(|(sum, n)| (n > 0).then(|| sum / f64::from(n)))
            .collect(),
    })
}

fn usual_spacing(history: &[Arc<Observation>]) -> Duration {
    let gaps = history.windows(2).filter_map(|pair| match pair {
        [a, b] => Some(b.at.duration_since(a.at).as_secs_f64()),
        _ => None,
    });
    let usual = stats::median(gaps).unwrap_or(0.0).max(0.0);
    Duration::try_from_secs_f64(usual).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use ibn_testkit::assessor::Story;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn slots_hold_means_and_gaps_stay_gaps() {
        // Every 15 s; the fifth minute is silent.
        let story = Story::new().steps(40, |idx, step| {
            if !(16..20).contains(&idx) {
                step.rate(idx as f64);
            }
        });
        let input = story.input();
        let series = demand_series(&input.history, MINUTE, MINUTE).unwrap();
        assert_eq!((series.values.len(), series.step), (10, MINUTE));
        assert_eq!(series.values[9], Some(37.5), "36 to 39");
        assert_eq!(series.values[4], None);
        assert_eq!(series.start, input.now - MINUTE * 9);
    }

    #[test]
    fn a_step_shorter_than_the_looks_makes_no_gaps() {
        let story = Story::new().steps(10, |_, step| {
            step.rate(1.0);
        });
        let series = demand_series(&story.input().history, Duration::from_secs(1), MINUTE).unwrap();
        assert_eq!(series.values, vec![Some(1.0); 10]);
        assert_eq!(demand_series(&[], MINUTE, MINUTE), None);
    }

    #[test]
    fn what_was_stale_is_missing() {
        let story = Story::new().steps(10, |_, step| {
            step.rate(1.0).age(MINUTE * 2);
        });
        let series = demand_series(&story.input().history, MINUTE, MINUTE).unwrap();
        assert!(series.values.iter().all(Option::is_none));
    }
}
