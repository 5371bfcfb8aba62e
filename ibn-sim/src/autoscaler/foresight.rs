//! What is yet to come in a scenario, for a recommender that is to see it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ibn_core::intent::Objective;
use ibn_core::prediction::WorkloadModel;
use ibn_core::units::Quantile;
use ibn_core::workload::WorkloadRef;
use jiff::Timestamp;

use crate::arrivals::ArrivalProcess;
use crate::demand::RateCurve;
use crate::error::Result;
use crate::scenario::Scenario;
use crate::spec::{Traffic, WorkloadSpec};
use crate::time::{SimTime, nanos};
use crate::twin::Twin;

/// The bins in which given requests are counted: the minutes in which runs are held against objectives.
const BIN: Duration = Duration::from_secs(60);

/// The demand that a scenario will have at a seed: the rates that its requests are drawn from, with the noise and the crowds
/// of that seed (of given requests, how many come in a minute, each as far as its work goes), the calls that they make, and what its workloads are like. Clones
/// share it.
///
/// It sees users, surges among them, and not what else goes wrong.
#[derive(Debug, Clone)]
pub struct Foresight {
    workloads: Arc<BTreeMap<WorkloadRef, Coming>>,
}

/// What comes to one workload, and what it makes of it.
#[derive(Debug, Clone)]
pub(super) struct Coming {
    start: Timestamp,
    /// Its own users and those whose requests call it, each with the calls of one request.
    streams: Vec<(RateCurve, f64)>,
    /// Squared coefficient of variation of the time between requests.
    pub(super) arrival_cv2: f64,
    /// The time that one start of a hundred takes longer than.
    pub(super) startup: Duration,
    pub(super) model: WorkloadModel,
    pub(super) objective: Option<Objective>,
    pub(super) twin: Twin,
}

impl Foresight {
    /// What comes in `scenario` at `seed`.
    ///
    /// ```
    /// use ibn_sim::Scenario;
    /// use ibn_sim::autoscaler::Foresight;
    /// use std::time::Duration;
    ///
    /// let scenario = Scenario::demo()?;
    /// let web = scenario.workloads[0].workload();
    /// let noon = scenario.start + Duration::from_secs(12 * 3600);
    /// let rate = |seed| Foresight::of(&scenario, seed).unwrap().peak(&web, noon, Duration::from_secs(60));
    /// assert!(rate(1).unwrap() > 20.0);
    /// assert_ne!(rate(1), rate(2));
    /// # Ok::<(), ibn_sim::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Scenario::cluster_spec`].
    pub fn of(scenario: &Scenario, seed: u64) -> Result<Self> {
        let cores = scenario.cores();
        let spec = scenario.cluster_spec(seed)?;
        let order = spec.callers_first()?;
        let mut coming = Vec::with_capacity(spec.workloads.len());
        for (workload, own) in scenario.workloads.iter().zip(&spec.workloads) {
            let (curve, arrival_cv2) = match &own.traffic {
                Traffic::Rate(curve, ArrivalProcess::Poisson) => (curve.clone(), 1.0),
                Traffic::Rate(curve, ArrivalProcess::Even) => (curve.clone(), 0.0),
                Traffic::Times(times) => (counted(times, |_| 1.0)?, 1.0),
                Traffic::Requests { times, work } => {
                    let mean = own.service.mean().as_secs_f64();
                    let weight = |index: usize| {
                        let work = work.get(index % work.len().max(1));
                        work.map_or(1.0, |work| work.as_secs_f64() / mean.max(1e-9))
                    };
                    (counted(times, weight)?, 1.0)
                }
            };
            coming.push(Coming {
                start: scenario.start,
                streams: vec![(curve, 1.0)],
                arrival_cv2,
                startup: workload.startup.quantile(Quantile::P99),
                model: workload.model(cores),
                objective: workload.objective(),
                twin: Twin::default()
                    .with_cores(cores)
                    .with_balancing(workload.balancing),
            });
        }
        // Who calls is whole before whom it calls.
        for from in order {
            let calls = spec.workloads.get(from).map(|from| from.calls.as_slice());
            for call in calls.unwrap_or_default() {
                let streams = coming.get(from).map(|from| from.streams.clone());
                let named = |of: &WorkloadSpec| of.name == call.workload;
                let to = spec.workloads.iter().position(named);
                if let Some(to) = to.and_then(|to| coming.get_mut(to)) {
                    let called = streams.into_iter().flatten();
                    to.streams
                        .extend(called.map(|(curve, calls)| (curve, calls * call.share)));
                    to.arrival_cv2 = 1.0;
                }
            }
        }
        let names = scenario.workloads.iter().map(|of| of.workload());
        let workloads: BTreeMap<WorkloadRef, Coming> = names.zip(coming).collect();
        Ok(Self {
            workloads: Arc::new(workloads),
        })
    }

    /// The highest rate of requests to a workload, in requests per second, from an instant on for so long, both ends
    /// included; `None` where the scenario has no such workload.
    #[must_use]
    pub fn peak(&self, workload: &WorkloadRef, from: Timestamp, span: Duration) -> Option<f64> {
        Some(self.coming(workload)?.peak(from, span))
    }

    /// The mean rate of requests to a workload over so long from the start on; `None` where the scenario has no such workload.
    #[must_use]
    pub fn mean(&self, workload: &WorkloadRef, span: Duration) -> Option<f64> {
        let end = SimTime::from_nanos(nanos(span));
        let streams = &self.coming(workload)?.streams;
        let of = |(curve, calls): &(RateCurve, f64)| curve.mean_between(SimTime::ZERO, end) * calls;
        Some(streams.iter().map(of).sum())
    }

    pub(super) fn coming(&self, workload: &WorkloadRef) -> Option<&Coming> {
        self.workloads.get(workload)
    }
}

impl Coming {
    pub(super) fn peak(&self, from: Timestamp, span: Duration) -> f64 {
        let since = from.as_nanosecond() - self.start.as_nanosecond();
        // Before the start there is nobody: what comes first counts.
        let from = SimTime::from_nanos(u64::try_from(since.max(0)).unwrap_or(u64::MAX));
        // The rate is highest at the instant itself or where some bin begins.
        let begins = self.streams.iter().flat_map(|(curve, _)| {
            let bin = curve.bin_nanos();
            let (first, last) = (from.nanos() / bin, from.after(span).nanos() / bin);
            // A curve that repeats has shown all that it has after one turn.
            let last = last.min(first.saturating_add(curve.rates().len() as u64));
            (first + 1..=last).map(move |index| SimTime::from_nanos(index.saturating_mul(bin)))
        });
        std::iter::once(from)
            .chain(begins)
            .map(|at| self.rate_at(at))
            .fold(0.0, f64::max)
    }

    fn rate_at(&self, at: SimTime) -> f64 {
        let streams = self.streams.iter();
        streams
            .map(|(curve, calls)| calls * curve.rate_at(at))
            .sum()
    }
}

/// Given times as a curve of rates; the k-th counts `weight(k)` times.
fn counted(times: &[Duration], weight: impl Fn(usize) -> f64) -> Result<RateCurve> {
    let bin_of = |time: &Duration| (nanos(*time) / nanos(BIN)) as usize;
    let mut rates = vec![0.0; times.last().map_or(1, |last| bin_of(last) + 1)];
    for (index, time) in times.iter().enumerate() {
        if let Some(rate) = rates.get_mut(bin_of(time)) {
            *rate += weight(index) / BIN.as_secs_f64();
        }
    }
    RateCurve::new(BIN, rates, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5/s, from the second minute on 50/s, from the third on 20/s.
    const STEPS: &str = r#"
name = "steps"
start = "2026-01-05T00:00:00Z"
horizon = "10m"
[[nodes]]
name = "n"
cpu = "8"
memory = "8Gi"
[[workloads]]
namespace = "acme"
name = "web"
replicas = 1
requests = { cpu = "500m", memory = "256Mi" }
service = { law = "exponential", mean = "20ms" }
startup = { law = "constant", mean = "5s" }
slo = { atMost = "300ms" }
demand = { steps = [{ at = "0s", rate = 5.0 }, { at = "60s", rate = 50.0 }, { at = "120s", rate = 20.0 }] }
"#;

    #[test]
    fn the_peak_is_that_of_every_bin_that_is_touched() {
        let scenario = Scenario::from_toml(STEPS).unwrap();
        let foresight = Foresight::of(&scenario, 1).unwrap();
        let web = WorkloadRef::deployment("acme", "web");
        let peak = |from: i64, span| {
            let from = scenario.start + jiff::SignedDuration::from_secs(from);
            foresight.peak(&web, from, Duration::from_secs(span))
        };
        assert_eq!(peak(0, 59), Some(5.0));
        assert_eq!(peak(0, 60), Some(50.0));
        assert_eq!(peak(119, 0), Some(50.0));
        assert_eq!(peak(120, 600), Some(20.0));
        assert_eq!(peak(-3600, 1), Some(5.0), "before the start");
        let other = WorkloadRef::deployment("acme", "other");
        assert_eq!(foresight.peak(&other, scenario.start, Duration::ZERO), None);
    }

    #[test]
    fn calls_come_on_top_of_a_workloads_own_users_and_are_passed_on() {
        let front = r#"
calls = [{ workload = "acme/Deployment/cart", share = 0.5 }]
[[workloads]]
namespace = "acme"
name = "store"
replicas = 1
requests = { cpu = "500m", memory = "256Mi" }
service = { law = "exponential", mean = "20ms" }
startup = { law = "constant", mean = "5s" }
slo = { atMost = "300ms" }
demand = { constant = 1.0 }
[[workloads]]
namespace = "acme"
name = "cart"
replicas = 1
requests = { cpu = "500m", memory = "256Mi" }
service = { law = "exponential", mean = "20ms" }
startup = { law = "constant", mean = "5s" }
slo = { atMost = "300ms" }
demand = { steps = [{ at = "0s", rate = 4.0 }, { at = "90s", rate = 8.0 }] }
calls = [{ workload = "acme/Deployment/store", share = 0.25 }]
"#;
        let scenario = Scenario::from_toml(&format!("{STEPS}{front}")).unwrap();
        let foresight = Foresight::of(&scenario, 1).unwrap();
        let peak = |name, from: i64, span| {
            let from = scenario.start + jiff::SignedDuration::from_secs(from);
            let of = WorkloadRef::deployment("acme", name);
            foresight.peak(&of, from, Duration::from_secs(span))
        };
        // Half of 5, 50, 50, 20 and 4, 4, 8, 8 besides.
        assert_eq!(peak("cart", 0, 10), Some(6.5));
        assert_eq!(peak("cart", 0, 70), Some(29.0));
        assert_eq!(peak("cart", 0, 600), Some(33.0));
        assert_eq!(peak("cart", 200, 100), Some(18.0));
        // A quarter of that, and 1.
        assert_eq!(peak("store", 0, 600), Some(9.25));
    }

    #[test]
    fn given_times_are_counted_as_far_as_their_work_goes() {
        let times: Vec<Duration> = [1, 2, 3, 61, 150].map(Duration::from_secs).to_vec();
        let close = |curve: &RateCurve, expected: [f64; 3]| {
            let pairs = curve.rates().iter().zip(expected);
            curve.rates().len() == 3
                && pairs
                    .into_iter()
                    .all(|(rate, of)| (60.0 * rate - of).abs() < 1e-9)
        };
        let plain = counted(&times, |_| 1.0).unwrap();
        assert!(close(&plain, [3.0, 1.0, 1.0]), "{plain:?}");
        let weighed = counted(&times, |index| index as f64).unwrap();
        assert!(close(&weighed, [3.0, 3.0, 4.0]), "{weighed:?}");
        assert_eq!(counted(&[], |_| 1.0).unwrap().rates(), [0.0]);
    }
}
