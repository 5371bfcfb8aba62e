//! Remembers what a twin predicted, from turn to turn.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ibn_core::allocation::Allocation;
use ibn_core::prediction::{Demand, Prediction, WorkloadModel};
use ibn_core::roles::Predictor;
use ibn_core::units::CpuMillis;

/// Rates are rounded up to steps of half a percent, so that the next turn asks the same questions.
const STEP: f64 = 1.005;

/// A number of a model counts as the same until it has moved by more than this factor.
const DRIFT: f64 = 1.02;

/// Answers that are kept at most.
const MOST: usize = 4_096;

/// A twin with a memory. Pure apart from time: the same questions, the same answers.
#[derive(Debug, Default)]
pub(super) struct Memo {
    model: Option<WorkloadModel>,
    answers: RefCell<Answers>,
}

/// Rate by its step, pods, and a pod's CPU request and limit.
type Question = (i64, u32, CpuMillis, CpuMillis);

#[derive(Debug, Default)]
struct Answers {
    /// Of which model.
    model: Option<WorkloadModel>,
    /// Of which pods, their CPU aside.
    containers: Vec<String>,
    known: BTreeMap<Question, Prediction>,
}

impl Memo {
    /// The model to ask with: the one before, in each number that has hardly moved since it was taken over.
    pub(super) fn steady(&mut self, model: &WorkloadModel) -> WorkloadModel {
        let steady = match &self.model {
            Some(before) => {
                let keep = |before: f64, now: f64| {
                    let is_near = now < before * DRIFT && before < now * DRIFT;
                    if is_near { before } else { now }
                };
                WorkloadModel {
                    cpu_seconds_per_request: keep(
                        before.cpu_seconds_per_request,
                        model.cpu_seconds_per_request,
                    ),
                    service_cv2: keep(before.service_cv2, model.service_cv2),
                    base_latency_seconds: keep(
                        before.base_latency_seconds,
                        model.base_latency_seconds,
                    ),
                    ..model.clone()
                }
            }
            None => model.clone(),
        };
        self.model = Some(steady.clone());
        steady
    }

    /// What `predictor` says of `allocation` at `rate`, requests a second that come as a Poisson process.
    pub(super) fn predict(
        &self,
        predictor: &dyn Predictor,
        model: &WorkloadModel,
        rate: f64,
        allocation: &Allocation,
    ) -> Prediction {
        let (step, rate) = rounded_up(rate);
        let question = (
            step,
            allocation.replicas,
            allocation.pod_requests().cpu,
            allocation.pod_limits().cpu,
        );
        let mut answers = self.answers.borrow_mut();
        answers.keep_to(model, allocation);
        if let Some(known) = answers.known.get(&question) {
            return known.clone();
        }
        let demand = Demand {
            request_rate: rate,
            arrival_cv2: 1.0,
        };
        let prediction = predictor.predict(model, demand, allocation);
        if answers.known.len() >= MOST {
            answers.known.clear();
        }
        answers.known.insert(question, prediction.clone());
        prediction
    }
}

impl Answers {
    /// Forgets what was said of another model or other pods.
    fn keep_to(&mut self, model: &WorkloadModel, allocation: &Allocation) {
        let is_same = self.model.as_ref() == Some(model)
            && self.containers.len() == allocation.containers.len()
            && allocation
                .containers
                .iter()
                .zip(&self.containers)
                .all(|(container, known)| container.name == *known);
        if !is_same {
            self.known.clear();
            self.model = Some(model.clone());
            let names = allocation.containers.iter().map(|c| c.name.clone());
            self.containers = names.collect();
        }
    }
}

/// The step that a rate is rounded up to, and the rate there; what is no positive number stays as it is.
fn rounded_up(rate: f64) -> (i64, f64) {
    if !(rate > 0.0 && rate.is_finite()) {
        let step = if rate == 0.0 { i64::MIN } else { i64::MAX };
        return (step, rate);
    }
    // A hair of slack, so that a rate on the grid stays there.
    let step = (rate.ln() / STEP.ln() - 1e-6).ceil();
    (step as i64, STEP.powf(step))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ibn_core::units::Bytes;

    use super::*;

    #[test]
    fn a_model_is_kept_until_it_has_moved() {
        let model = |cpu_seconds_per_request| WorkloadModel {
            cpu_seconds_per_request,
            service_cv2: 1.0,
            base_latency_seconds: 0.0,
            concurrency: 1,
            queue_capacity: None,
            startup: Duration::ZERO,
            pod_memory: Bytes::new(0),
        };
        let mut memo = Memo::default();
        let taken: Vec<f64> = [1.0, 1.01, 1.019, 1.03, 1.02, 0.9]
            .map(|cpu| memo.steady(&model(cpu)).cpu_seconds_per_request)
            .to_vec();
        assert_eq!(taken, [1.0, 1.0, 1.0, 1.03, 1.03, 0.9]);
    }

    #[test]
    fn rates_are_rounded_up_by_no_more_than_a_step() {
        for rate in [1e-3, 0.5, 1.0, 99.9, 12_345.6] {
            let (step, rounded) = rounded_up(rate);
            assert!(
                rounded >= rate * (1.0 - 1e-8) && rounded <= rate * STEP,
                "{rate} {rounded}"
            );
            assert_eq!(rounded_up(rounded).0, step, "what is on the grid stays");
        }
        assert_eq!(rounded_up(0.0), (i64::MIN, 0.0));
        assert!(rounded_up(f64::NAN).1.is_nan() && rounded_up(f64::INFINITY).1.is_infinite());
    }
}
