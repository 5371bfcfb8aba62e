//! KEDA's way of scaling on a rate of requests: an autoscaler between 1 and many, and its own operator between 0 and 1.

use std::time::Duration;

use ibn_core::allocation::Field;
use ibn_core::decision::Reason;
use ibn_core::observation::Signal;
use ibn_core::roles::Recommender;
use ibn_core::situation::{Recommendation, Situation};
use jiff::Timestamp;

use super::hpa::{
    Controller, Metric, Parameters, Pod, PodStatus, Readiness, Readings, SYNC_NANOS, Seen, Source,
    Spec, Target,
};

/// What a `ScaledObject` says, for one trigger on the rate of requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Requests a second that one pod is to have (`threshold`).
    pub requests_per_pod: f64,
    /// Requests a second above which the trigger is active (`activationThreshold`).
    pub activation: f64,
    /// The time between two looks at the trigger (`pollingInterval`).
    pub polling: Duration,
    /// How long the trigger must have been inactive before the last pod goes (`cooldownPeriod`).
    pub cooldown: Duration,
    /// The fewest pods; 0 lets it scale to zero (`minReplicaCount`).
    pub min: u32,
    /// The most pods (`maxReplicaCount`).
    pub max: u32,
    /// What holds while the trigger can't be read.
    pub fallback: Option<Fallback>,
}

/// The pods that are kept while a trigger can't be read: so many, or those that are, whichever is more
/// (`behavior: currentReplicasIfHigher`). It never scales down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fallback {
    /// It holds after more failed looks than these (`failureThreshold`).
    pub failures: u32,
    /// Pods (`replicas`).
    pub replicas: u32,
}

impl Default for Settings {
    /// KEDA's defaults, with 10 requests a second for each pod and a fallback to one pod after three failures.
    fn default() -> Self {
        Self {
            requests_per_pod: 10.0,
            activation: 0.0,
            polling: Duration::from_secs(30),
            cooldown: Duration::from_secs(300),
            min: 0,
            max: 100,
            fallback: Some(Fallback {
                failures: 3,
                replicas: 1,
            }),
        }
    }
}

/// An event-driven autoscaler as a recommender, after KEDA 2.17: `ScaledObject` with one external trigger of type
/// `AverageValue`.
///
/// From 1 pod on, the HorizontalPodAutoscaler decides, every 15 s, by the trigger's value as read then; the operator looks
/// every polling interval, lifts 0 to the minimum (at least 1) where the trigger is active, and lets the last pods go once
/// the cool-down has passed. The bounds of the envelope hold besides.
#[derive(Debug, Clone)]
pub struct Keda {
    settings: Settings,
    controller: Option<Controller>,
    last_sync: Option<Timestamp>,
    last_poll: Option<Timestamp>,
    last_active: Option<Timestamp>,
    failures: u32,
}

impl Keda {
    /// An autoscaler with these settings that has seen nothing yet.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self {
            settings,
            controller: None,
            last_sync: None,
            last_poll: None,
            last_active: None,
            failures: 0,
        }
    }

    /// The operator's part: between none and some pods. `None` where it leaves the number to the autoscaler.
    fn poll(&mut self, now: Timestamp, replicas: u32, rate: Option<f64>, min: u32) -> Option<u32> {
        let Some(rate) = rate else {
            self.failures = self.failures.saturating_add(1);
            return None;
        };
        self.failures = 0;
        if rate > self.settings.activation {
            self.last_active = Some(now);
            return (replicas == 0).then_some(min.max(1));
        }
        let has_cooled = self
            .last_active
            .is_none_or(|last| passed(now, last) > self.settings.cooldown);
        if min == 0 && replicas > 0 {
            return has_cooled.then_some(0);
        }
        (replicas < min).then_some(min)
    }

    /// The value of the trigger as the autoscaler gets it, in thousandths; a fallback where it can't be read for long.
    fn trigger(&self, replicas: u32, rate: Option<f64>) -> Readings {
        let thousandths = |value: f64| (value * 1000.0).round() as i64;
        match (rate, self.settings.fallback) {
            (Some(rate), _) => Readings::Total(thousandths(rate)),
            (None, Some(fallback)) if self.failures > fallback.failures => {
                let pods = f64::from(replicas.max(fallback.replicas));
                Readings::Total(thousandths(self.settings.requests_per_pod * pods))
            }
            (None, _) => Readings::Failed,
        }
    }

    /// The autoscaler's part: between 1 and many.
    fn sync(
        &mut self,
        now: Timestamp,
        replicas: u32,
        rate: Option<f64>,
        (min, max): (u32, u32),
    ) -> u32 {
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let target = (self.settings.requests_per_pod * 1000.0).round().max(1.0) as i64;
        let spec = Spec {
            min: number(min.max(1)),
            max: number(max.max(1)),
            metrics: vec![Metric {
                source: Source::External,
                target: Target::AverageValue(target),
            }],
            behavior: None,
        };
        let readings = [self.trigger(replicas, rate)];
        let controller = self
            .controller
            .get_or_insert_with(|| Controller::new(spec.clone(), Parameters::default()));
        controller.edit(spec);
        let at = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX);
        let outcome = controller.sync(&Seen {
            now: at,
            replicas: number(replicas),
            status_replicas: number(replicas),
            pods: &[RUNNING],
            readings: &readings,
        });
        if outcome.replicas != number(replicas) {
            controller.scaled(at, number(replicas), outcome.replicas);
        }
        u32::try_from(outcome.replicas).unwrap_or(0)
    }
}

impl Default for Keda {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

/// A metric from outside asks no pod; that there are any is all that counts.
const RUNNING: Pod = Pod {
    id: 0,
    status: PodStatus::Running,
    started: Some(0),
    readiness: Some(Readiness::Ready),
    ready_since: Some(0),
    deleted: false,
    cpu_request: None,
    memory_request: None,
};

fn passed(now: Timestamp, since: Timestamp) -> Duration {
    now.duration_since(since).unsigned_abs()
}

impl Recommender for Keda {
    fn name(&self) -> &str {
        "keda"
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let live = &situation.state.allocation;
        if !situation.is_free(&Field::Replicas) {
            return Recommendation::leave(situation, "Held", "the number of pods is held");
        }
        let now = situation.now;
        let is_due =
            |last: Option<Timestamp>, period| last.is_none_or(|last| passed(now, last) >= period);
        let range = situation.envelope.replicas.range();
        let max = self.settings.max.min(range.max.unwrap_or(u32::MAX));
        let min = self.settings.min.max(range.min.unwrap_or(0)).min(max);
        let rate = situation
            .latest()
            .and_then(|seen| seen.value(&Signal::RequestRate));
        if is_due(self.last_poll, self.settings.polling) {
            self.last_poll = Some(now);
            if let Some(replicas) = self.poll(now, live.replicas, rate, min) {
                let reason = if replicas == 0 {
                    Reason::new("Inactive", "no requests came for the whole cool-down")
                } else {
                    Reason::new("Active", "requests come in")
                };
                return Recommendation::new(live.with_replicas(replicas), vec![reason]);
            }
        }
        if live.replicas == 0 || !is_due(self.last_sync, Duration::from_nanos(SYNC_NANOS)) {
            return Recommendation::leave(
                situation,
                "NotDue",
                "the last sync was less than 15 s ago",
            );
        }
        self.last_sync = Some(now);
        let replicas = self.sync(now, live.replicas, rate, (min, max));
        let message = match rate {
            Some(rate) => format!(
                "{rate:.1} requests/s at {} a pod: {replicas} pods after stabilisation and limits",
                self.settings.requests_per_pod
            ),
            None => format!("the rate of requests can't be told: {replicas} pods"),
        };
        Recommendation::new(
            live.with_replicas(replicas),
            vec![Reason::new("RequestRate", message)],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibn_testkit::recommender::{check, situation};
    use std::sync::Arc;

    /// So many pods at that rate, `None` for one that can't be told, a minute after the turn before.
    fn at(replicas: u32, rate: Option<f64>, turn: u32) -> Situation {
        let mut situation = situation(replicas, turn);
        let mut envelope = (*situation.envelope).clone();
        envelope.replicas = Default::default();
        situation.envelope = Arc::new(envelope);
        let now = situation.now;
        match (rate, situation.history.last_mut()) {
            (Some(rate), Some(latest)) => {
                Arc::make_mut(latest).set(Signal::RequestRate, rate, now);
            }
            _ => situation.history.clear(),
        }
        situation
    }

    /// The pods that follow from rates, one a minute.
    fn follow(keda: &mut Keda, mut replicas: u32, rates: &[Option<f64>]) -> Vec<u32> {
        (0..)
            .zip(rates)
            .map(|(turn, rate)| {
                replicas = keda
                    .recommend(&at(replicas, *rate, turn))
                    .allocation
                    .replicas;
                replicas
            })
            .collect()
    }

    #[test]
    fn it_passes_the_suite() {
        check(&|| Box::new(Keda::default()));
    }

    #[test]
    fn the_first_request_brings_a_pod_and_load_brings_more() {
        let rates = [Some(0.0), Some(1.0), Some(45.0), Some(45.0)];
        // From 0 to 1 by the operator, then by the autoscaler to at most 4 at once: 45 / 10 rounded up is 5.
        assert_eq!(follow(&mut Keda::default(), 0, &rates), [0, 1, 4, 5]);
    }

    #[test]
    fn the_last_pod_goes_after_the_cool_down_and_not_before() {
        let mut rates = vec![Some(5.0)];
        rates.extend([Some(0.0); 7]);
        // More than 300 s after the last activity, which was at minute 0.
        assert_eq!(
            follow(&mut Keda::default(), 1, &rates),
            [1, 1, 1, 1, 1, 1, 0, 0]
        );
    }

    #[test]
    fn a_minimum_keeps_pods_without_requests() {
        let settings = Settings {
            min: 2,
            ..Settings::default()
        };
        let rates = [Some(0.0); 10];
        assert_eq!(follow(&mut Keda::new(settings), 0, &rates)[9], 2);
    }

    #[test]
    fn a_trigger_that_fails_changes_nothing_and_later_never_fewer() {
        let settings = Settings {
            fallback: Some(Fallback {
                failures: 3,
                replicas: 6,
            }),
            ..Settings::default()
        };
        let lost = [None; 12];
        let few = follow(&mut Keda::new(settings.clone()), 4, &lost);
        assert_eq!(few[..3], [4, 4, 4], "not more than three failures yet");
        assert_eq!(few[11], 6, "the fallback");
        let many = follow(&mut Keda::new(settings), 9, &lost);
        assert!(many.iter().all(|replicas| *replicas == 9), "{many:?}");
        let none = Settings {
            fallback: None,
            ..Settings::default()
        };
        assert!(
            follow(&mut Keda::new(none), 9, &lost)
                .iter()
                .all(|it| *it == 9)
        );
    }
}
