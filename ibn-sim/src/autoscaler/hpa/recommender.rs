//! The autoscaler as a recommender, from what a monitor measures of a workload as a whole.

use std::time::Duration;

use ibn_core::allocation::Field;
use ibn_core::decision::Reason;
use ibn_core::observation::Signal;
use ibn_core::roles::Recommender;
use ibn_core::situation::{Recommendation, Situation};
use jiff::Timestamp;

use super::{
    Controller, Outcome, Parameters, Pod, PodStatus, Readiness, Readings, SYNC_NANOS, Sample, Seen,
    Spec,
};

/// The HorizontalPodAutoscaler on CPU utilisation as a recommender.
///
/// It sees the sum of the pods' CPU and the number of ready pods, takes the pods as alike, and those that aren't ready as
/// without CPU of their own. It decides when it is asked, at most every 15 s. Without bounds of its own it takes those of
/// the envelope: a minimum of 1 and a maximum of ten times the pods that it finds first where the envelope has none.
#[derive(Debug, Clone)]
pub struct Hpa {
    utilization: u32,
    min: Option<u32>,
    max: Option<u32>,
    controller: Option<Controller>,
    last_sync: Option<Timestamp>,
    first_replicas: u32,
}

impl Hpa {
    /// An autoscaler with a target in percent of the CPU requests.
    #[must_use]
    pub const fn new(utilization: u32) -> Self {
        Self {
            utilization,
            min: None,
            max: None,
            controller: None,
            last_sync: None,
            first_replicas: 0,
        }
    }

    /// The same with bounds of its own; those of the envelope hold besides.
    #[must_use]
    pub const fn with_bounds(mut self, min: u32, max: u32) -> Self {
        self.min = Some(min);
        self.max = Some(max);
        self
    }

    fn spec(&self, situation: &Situation) -> Spec {
        let range = situation.envelope.replicas.range();
        let min = self.min.unwrap_or(0).max(range.min.unwrap_or(1)).max(1);
        let widest = self.first_replicas.saturating_mul(10).max(1);
        let max = match (self.max, range.max) {
            (Some(own), Some(limit)) => own.min(limit),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => widest,
        };
        Spec::on_cpu(min, max.max(min), self.utilization)
    }

    /// The target in percent of the CPU requests.
    pub(in crate::autoscaler) const fn utilization(&self) -> u32 {
        self.utilization
    }

    /// One sync where one is due and can be had, else why all is left as it is.
    ///
    /// What `foresee` gives, where it gives something, is the CPU to come as a multiple of the measured one; the controller is
    /// then shown it as a second metric, so that the one that wants more pods counts.
    pub(in crate::autoscaler) fn sync(
        &mut self,
        situation: &Situation,
        foresee: impl FnOnce() -> Option<f64>,
    ) -> Result<Outcome, Reason> {
        let live = &situation.state.allocation;
        if !situation.is_free(&Field::Replicas) {
            return Err(Reason::new("Held", "the number of pods is held"));
        }
        let since = self
            .last_sync
            .map(|last| situation.now.duration_since(last).unsigned_abs());
        if since.is_some_and(|since| since < Duration::from_nanos(SYNC_NANOS)) {
            return Err(Reason::new(
                "NotDue",
                "the last sync was less than 15 s ago",
            ));
        }
        self.last_sync = Some(situation.now);
        if self.first_replicas == 0 {
            self.first_replicas = live.replicas;
        }
        let now = i64::try_from(situation.now.as_nanosecond()).unwrap_or(i64::MAX);
        let mut spec = self.spec(situation);
        let (pods, measured) = seen(situation, now, 1.0);
        let mut readings = vec![measured];
        if let Some(factor) = foresee() {
            spec.metrics.extend_from_within(..);
            readings.push(seen(situation, now, factor).1);
        }
        let controller = self
            .controller
            .get_or_insert_with(|| Controller::new(spec.clone(), Parameters::default()));
        controller.edit(spec);

        let replicas = i32::try_from(live.replicas).unwrap_or(i32::MAX);
        let seen = Seen {
            now,
            replicas,
            status_replicas: replicas,
            pods: &pods,
            readings: &readings,
        };
        let mut outcome = controller.sync(&seen);
        outcome.recommended = outcome
            .recommended
            .or((outcome.replicas != replicas).then_some(outcome.replicas));
        if outcome.recommended.is_none() {
            return Err(Reason::new(
                "NoReading",
                "CPU can't be told, so nothing is changed",
            ));
        }
        if outcome.replicas != replicas {
            controller.scaled(now, replicas, outcome.replicas);
        }
        Ok(outcome)
    }
}

impl Recommender for Hpa {
    fn name(&self) -> &str {
        "hpa"
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let outcome = match self.sync(situation, || None) {
            Ok(outcome) => outcome,
            Err(reason) => return Recommendation::leave(situation, &reason.code, reason.message),
        };
        let wanted = u32::try_from(outcome.replicas).unwrap_or(0);
        let recommended = outcome.recommended.unwrap_or(outcome.replicas);
        let reason = Reason::new(
            "CpuUtilization",
            format!(
                "at {} % CPU it takes {recommended} pods; after stabilisation and limits {wanted}",
                self.utilization
            ),
        );
        let live = &situation.state.allocation;
        Recommendation::new(live.with_replicas(wanted), vec![reason])
    }
}

/// Ready pods that share `factor` times the measured CPU, and pods that aren't ready.
fn seen(situation: &Situation, now: i64, factor: f64) -> (Vec<Pod>, Readings) {
    let state = &situation.state;
    let request = i64::try_from(state.allocation.pod_requests().cpu.get())
        .ok()
        .filter(|request| *request > 0);
    let count = state.allocation.replicas.max(state.ready_replicas);
    let observation = situation.latest();
    let ready = observation
        .and_then(|seen| seen.value(&Signal::ReadyReplicas))
        .map_or(state.ready_replicas, |ready| ready as u32)
        .min(count);
    let pods = (0..count)
        .map(|id| Pod {
            id: u64::from(id),
            status: PodStatus::Running,
            // Long ago: what isn't ready is told apart by its condition alone.
            started: Some(now.saturating_sub(Parameters::default().initial_readiness_delay)),
            readiness: Some(if id < ready {
                Readiness::Ready
            } else {
                Readiness::NotReady
            }),
            ready_since: Some(
                now.saturating_sub(Parameters::default().initial_readiness_delay * 2),
            ),
            deleted: false,
            cpu_request: request,
            memory_request: None,
        })
        .collect();
    let used = observation
        .and_then(|seen| seen.value(&Signal::CpuUsage))
        .map(|cores| (cores * factor * 1000.0).round() as i64);
    let (Some(used), true) = (used, ready > 0) else {
        return (pods, Readings::Failed);
    };
    // Whole millicores; the first pods take what division leaves, so that the sum is the measured one.
    let (each, rest) = (used / i64::from(ready), used % i64::from(ready));
    let samples = (0..count)
        .map(|id| Sample {
            pod: u64::from(id),
            value: if id < ready {
                each + i64::from(i64::from(id) < rest)
            } else {
                0
            },
            at: now,
        })
        .collect();
    (pods, Readings::Pods(samples))
}
