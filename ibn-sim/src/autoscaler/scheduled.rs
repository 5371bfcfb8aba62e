//! Pods by the time of day, as a cron-driven scaler sets them.

use std::collections::BTreeMap;

use ibn_core::allocation::Field;
use ibn_core::decision::Reason;
use ibn_core::roles::Recommender;
use ibn_core::situation::{Recommendation, Situation};
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// So many pods from each of several times of day on, in UTC, every day; before the first of them those of the last.
///
/// As the `CronHPA` of OpenKruise and KEDA's `cron` scaler do, without their days of the week. The bounds of the envelope
/// hold besides: nearest to the plan inside them.
///
/// ```
/// use ibn_sim::autoscaler::Scheduled;
/// use jiff::civil::time;
///
/// let office = Scheduled::new([(time(8, 0, 0, 0), 6), (time(20, 0, 0, 0), 2)]).unwrap();
/// assert_eq!(office.replicas_at(time(12, 30, 0, 0)), 6);
/// assert_eq!(office.replicas_at(time(3, 0, 0, 0)), 2);
/// assert!(Scheduled::new([]).is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    plan: BTreeMap<Time, u32>,
    /// The last entry, which holds from midnight on.
    last: (Time, u32),
}

impl Scheduled {
    /// A plan of times of day, each with the pods from then on; of equal times the later given counts. `None` for no times.
    #[must_use]
    pub fn new(plan: impl IntoIterator<Item = (Time, u32)>) -> Option<Self> {
        let plan: BTreeMap<Time, u32> = plan.into_iter().collect();
        let last = plan.last_key_value().map(|(time, pods)| (*time, *pods))?;
        Some(Self { plan, last })
    }

    /// The pods at a time of day.
    #[must_use]
    pub fn replicas_at(&self, time: Time) -> u32 {
        self.entry(time).1
    }

    fn entry(&self, time: Time) -> (Time, u32) {
        self.plan
            .range(..=time)
            .next_back()
            .map_or(self.last, |(time, pods)| (*time, *pods))
    }
}

impl Recommender for Scheduled {
    fn name(&self) -> &str {
        "scheduled"
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let live = &situation.state.allocation;
        if !situation.is_free(&Field::Replicas) {
            return Recommendation::leave(situation, "Held", "the number of pods is held");
        }
        let now = situation.now.to_zoned(TimeZone::UTC).time();
        let (since, planned) = self.entry(now);
        let replicas = situation.envelope.replicas.range().clamp(planned);
        let cut = if replicas == planned {
            String::new()
        } else {
            format!(", of which bounds leave {replicas}")
        };
        let message = format!(
            "{planned} pods from {} UTC on{cut}",
            since.strftime("%H:%M")
        );
        Recommendation::new(
            live.with_replicas(replicas),
            vec![Reason::new("TimeOfDay", message)],
        )
    }
}

#[cfg(test)]
mod tests {
    use ibn_testkit::recommender::{check, situation};
    use jiff::Timestamp;
    use jiff::civil::time;

    use super::*;

    fn office() -> Scheduled {
        Scheduled::new([(time(20, 0, 0, 0), 2), (time(8, 0, 0, 0), 6)]).unwrap()
    }

    fn at(scheduled: &mut Scheduled, instant: &str) -> Recommendation {
        let mut situation = situation(3, 0);
        situation.now = instant.parse::<Timestamp>().unwrap();
        scheduled.recommend(&situation)
    }

    #[test]
    fn it_passes_the_suite() {
        check(&|| Box::new(office()));
    }

    #[test]
    fn a_time_of_day_holds_from_its_minute_until_the_next_over_midnight() {
        for (instant, replicas) in [
            ("2026-01-01T07:59:59Z", 2),
            ("2026-01-01T08:00:00Z", 6),
            ("2026-01-01T19:59:59Z", 6),
            ("2026-01-01T20:00:00Z", 2),
            ("2026-01-02T00:00:00Z", 2),
            // 08:30 UTC.
            ("2026-01-02T10:30:00+02:00", 6),
        ] {
            let advice = at(&mut office(), instant);
            assert_eq!(advice.allocation.replicas, replicas, "{instant}");
        }
    }

    #[test]
    fn bounds_cut_the_plan_and_it_says_so() {
        let mut crowd = Scheduled::new([(time(0, 0, 0, 0), 50)]).unwrap();
        let advice = at(&mut crowd, "2026-01-01T12:00:00Z");
        assert_eq!(advice.allocation.replicas, 20);
        assert_eq!(
            advice.reasons[0].message,
            "50 pods from 00:00 UTC on, of which bounds leave 20"
        );
    }
}
