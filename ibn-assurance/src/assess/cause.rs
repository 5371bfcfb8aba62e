//! Why an objective burns: a closed code, and a sentence for a person.

use std::fmt;

use ibn_core::decision::Reason;
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;

/// Why an objective burns, or will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Cause {
    /// Some pods aren't ready, or restart.
    PodsNotReady,
    /// More requests come than before, and the pods are busy.
    DemandSurge,
    /// More requests are foreseen than what is live can serve.
    DemandForecast,
    /// The pods are busy or throttled at the usual demand.
    CpuThrottling,
    /// Requests fail that didn't before, while the pods have room.
    ErrorSpike,
    /// Requests take long while the pods have room: the time goes elsewhere.
    Dependency,
    /// Nothing that was measured explains it.
    Unknown,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::PodsNotReady,
        Self::DemandSurge,
        Self::DemandForecast,
        Self::CpuThrottling,
        Self::ErrorSpike,
        Self::Dependency,
        Self::Unknown,
    ];

    /// The code, one PascalCase word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PodsNotReady => "PodsNotReady",
            Self::DemandSurge => "DemandSurge",
            Self::DemandForecast => "DemandForecast",
            Self::CpuThrottling => "CpuThrottling",
            Self::ErrorSpike => "ErrorSpike",
            Self::Dependency => "Dependency",
            Self::Unknown => "Unknown",
        }
    }

    /// Whether it is the capacity that lacks.
    #[must_use]
    pub fn is_capacity(self) -> bool {
        matches!(
            self,
            Self::DemandSurge | Self::DemandForecast | Self::CpuThrottling
        )
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A cause with the sentence that says from what it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribution {
    pub(crate) cause: Cause,
    pub(crate) sentence: String,
}

impl Attribution {
    pub(crate) fn reason(&self) -> Reason {
        Reason::new(self.cause.as_str(), self.sentence.clone())
    }

    /// Code and sentence in one text, as `origin.cause` carries them.
    pub(crate) fn text(&self) -> String {
        format!("{}: {}", self.cause, self.sentence)
    }
}

/// Demand, or work per request, must have grown by this to be named.
const GREW: f64 = 1.2;
/// Errors must be this many times as frequent as before to be named.
const ERRORS_GREW: f64 = 2.0;
/// Errors below this share are never named.
const FEW_ERRORS: f64 = 0.01;

/// The first of the causes that the evidence shows. Pods that lack come first, since they make the others busy.
pub(crate) fn attribute(seen: &Evidence, about_latency: bool, busy: Option<bool>) -> Attribution {
    let (cause, sentence) = if seen.ready < seen.replicas {
        let sentence = format!(
            "{} of {} pods are not ready",
            seen.replicas - seen.ready,
            seen.replicas
        );
        (Cause::PodsNotReady, sentence)
    } else if let Some(restarts) = seen.restarts.filter(|restarts| *restarts >= 1.0) {
        (
            Cause::PodsNotReady,
            format!("containers restarted {restarts:.0} times"),
        )
    } else if busy == Some(true) {
        busy_cause(seen)
    } else if seen.errors.now.is_some_and(|share| share >= FEW_ERRORS)
        && (seen.errors.before.is_none() || seen.errors.rose_by(ERRORS_GREW))
    {
        let share = percent(seen.errors.now);
        let before = seen.errors.before.map_or(String::new(), |_| {
            format!(", {} before", percent(seen.errors.before))
        });
        (
            Cause::ErrorSpike,
            format!("{share} of the requests fail{before}, while the pods have room"),
        )
    } else if about_latency && busy == Some(false) {
        let used = match seen.utilization {
            Some(used) => format!("only {} of the CPU limits are used", percent(Some(used))),
            None => "the pods are not throttled".to_owned(),
        };
        (
            Cause::Dependency,
            format!("requests take long while {used}: the time goes elsewhere"),
        )
    } else {
        (
            Cause::Unknown,
            "nothing that was measured explains it".to_owned(),
        )
    };
    Attribution { cause, sentence }
}

fn busy_cause(seen: &Evidence) -> (Cause, String) {
    let how = match (seen.utilization, seen.throttled) {
        (Some(used), Some(throttled)) => format!(
            "{} of the CPU limits are used and {} of the periods throttled",
            percent(Some(used)),
            percent(Some(throttled))
        ),
        (Some(used), None) => format!("{} of the CPU limits are used", percent(Some(used))),
        (None, throttled) => format!("{} of the periods are throttled", percent(throttled)),
    };
    if seen.demand.rose_by(GREW)
        && let (Some(now), Some(before)) = (seen.demand.now, seen.demand.before)
    {
        let sentence = format!("demand rose from {before:.1} to {now:.1} requests a second; {how}");
        return (Cause::DemandSurge, sentence);
    }
    let work = match (seen.work.now, seen.work.before) {
        (Some(now), Some(before)) if seen.work.rose_by(GREW) => format!(
            "; a request costs {:.1} ms of CPU, {:.1} before",
            1000.0 * now,
            1000.0 * before
        ),
        _ => String::new(),
    };
    (Cause::CpuThrottling, format!("{how}{work}"))
}

pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or("an unknown share".to_owned(), |share| {
        let percent = 100.0 * share;
        if percent < 10.0 {
            format!("{percent:.1} %")
        } else {
            format!("{percent:.0} %")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::evidence::Level;

    fn calm() -> Evidence {
        Evidence {
            demand: Level::default(),
            errors: Level::default(),
            work: Level::default(),
            utilization: Some(0.4),
            throttled: Some(0.0),
            ready: 3,
            replicas: 3,
            restarts: None,
        }
    }

    #[track_caller]
    fn check(seen: &Evidence, expected: Cause, part: &str) {
        let busy = seen.capacity_helps(0.7, 0.1);
        let found = attribute(seen, true, busy);
        assert_eq!(found.cause, expected, "{}", found.sentence);
        assert!(found.sentence.contains(part), "{}", found.sentence);
    }

    #[test]
    fn what_is_measured_decides() {
        check(&calm(), Cause::Dependency, "only 40 % of the CPU limits");
        check(
            &Evidence { ready: 1, ..calm() },
            Cause::PodsNotReady,
            "2 of 3 pods",
        );
        check(
            &Evidence {
                restarts: Some(2.0),
                ..calm()
            },
            Cause::PodsNotReady,
            "restarted 2 times",
        );
        check(
            &Evidence {
                utilization: Some(0.9),
                ..calm()
            },
            Cause::CpuThrottling,
            "90 % of the CPU",
        );
        check(
            &Evidence {
                throttled: Some(0.3),
                ..calm()
            },
            Cause::CpuThrottling,
            "30 % of the periods",
        );
        let failing = Level {
            now: Some(0.2),
            ..Level::default()
        };
        check(
            &Evidence {
                errors: failing,
                ..calm()
            },
            Cause::ErrorSpike,
            "20 % of the requests fail",
        );
        let blind = Evidence {
            utilization: None,
            throttled: None,
            ..calm()
        };
        check(&blind, Cause::Unknown, "nothing");
    }

    #[test]
    fn codes_are_distinct_and_read_back() {
        for cause in Cause::ALL {
            let text = serde_json::to_string(&cause).unwrap();
            assert_eq!(text, format!("\"{cause}\""));
            assert_eq!(serde_json::from_str::<Cause>(&text).unwrap(), cause);
        }
    }
}
