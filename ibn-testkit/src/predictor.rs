//! Conformance of a `Predictor`.

use std::time::Duration;

use ibn_core::allocation::{Allocation, ContainerResources};
use ibn_core::prediction::{Demand, Interval, Prediction, WorkloadModel};
use ibn_core::roles::Predictor;
use ibn_core::units::{Bytes, CpuMillis, Quantile};

/// A service of 20 ms CPU time a request on pods of one core: one pod serves at most 50 requests a second.
#[must_use]
pub fn model() -> WorkloadModel {
    WorkloadModel {
        cpu_seconds_per_request: 0.02,
        service_cv2: 1.0,
        base_latency_seconds: 0.005,
        concurrency: 8,
        queue_capacity: None,
        startup: Duration::from_secs(10),
        pod_memory: Bytes::new(128 << 20),
    }
}

/// What every predictor must hold, on [`model`].
///
/// # Panics
/// Where it doesn't.
pub fn check(predictor: &dyn Predictor) {
    assert!(!predictor.name().is_empty(), "has a name");
    moves_as_queues_do(predictor);
    says_when_it_is_too_much(predictor);
    survives_nonsense(predictor);
}

fn pods(replicas: u32, millis: u64) -> Allocation {
    let app = ContainerResources::new("app")
        .with_requests(CpuMillis::new(millis), Bytes::new(256 << 20))
        .with_limits(CpuMillis::new(millis), Bytes::new(256 << 20));
    Allocation::new(replicas, vec![app])
}

fn demand(request_rate: f64) -> Demand {
    Demand {
        request_rate,
        arrival_cv2: 1.0,
    }
}

fn p95(predicted: &Prediction) -> f64 {
    predicted
        .latency_at(Quantile::P95)
        .map_or(f64::NAN, |it| it.mid)
}

fn moves_as_queues_do(predictor: &dyn Predictor) {
    let predict = |rate: f64, allocation: &Allocation| {
        let first = predictor.predict(&model(), demand(rate), allocation);
        let second = predictor.predict(&model(), demand(rate), allocation);
        assert_eq!(first, second, "the same question, the same answer");
        check_shape(&first, rate, allocation);
        assert!(
            !first.saturated,
            "{rate} requests a second are not too much"
        );
        first
    };
    let (few, many, wide) = (
        predict(40.0, &pods(4, 1_000)),
        predict(160.0, &pods(4, 1_000)),
        predict(160.0, &pods(12, 1_000)),
    );
    for (what, it) in [("few", &few), ("many", &many), ("wide", &wide)] {
        let p95 = p95(it);
        // The mean time of one request on an idle pod, and a time nobody would call served.
        assert!((0.02..20.0).contains(&p95), "{what}: p95 is {p95} s");
    }
    assert!(p95(&few) < p95(&many), "more requests wait longer");
    assert!(p95(&wide) < p95(&many), "with more pods they wait less");
    // 40 requests of 20 ms are 0.8 cores of 4: 20 %.
    let used = few.cpu_utilization.mid;
    assert!((15.0..25.0).contains(&used), "{used} % of the CPU is used");
    let served = few.throughput.mid;
    assert!((36.0..44.0).contains(&served), "{served} of 40 are served");
    assert!(few.error_rate.mid < 0.01, "and hardly one fails");
}

fn says_when_it_is_too_much(predictor: &dyn Predictor) {
    // Four pods serve 200 requests a second.
    let allocation = pods(4, 1_000);
    let predicted = predictor.predict(&model(), demand(800.0), &allocation);
    check_shape(&predicted, 800.0, &allocation);
    assert!(predicted.saturated, "four times too much is too much");
    assert!(
        p95(&predicted).is_infinite(),
        "a queue without an end is no latency: {predicted:?}"
    );
    let none = predictor.predict(&model(), demand(10.0), &pods(0, 1_000));
    assert!(none.saturated, "without a pod nothing is served: {none:?}");
}

fn survives_nonsense(predictor: &dyn Predictor) {
    let numbers = [
        0.0,
        -1.0,
        1e-300,
        1e300,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    let allocations = [
        pods(3, 1_000),
        pods(0, 1_000),
        pods(3, 0),
        Allocation::default(),
    ];
    for allocation in &allocations {
        for number in numbers {
            let mut models = vec![model(); 4];
            for (idx, model) in models.iter_mut().enumerate() {
                match idx {
                    0 => model.cpu_seconds_per_request = number,
                    1 => model.service_cv2 = number,
                    2 => model.base_latency_seconds = number,
                    _ => model.concurrency = 0,
                }
                // Of nonsense nothing holds but that it is answered.
                let _ = predictor.predict(model, demand(20.0), allocation);
            }
            let told = predictor.predict(&model(), demand(number), allocation);
            let is_rate = number.is_finite() && number >= 0.0;
            assert!(
                is_rate || told.saturated,
                "{number} is no rate, and nobody is told that less would do: {told:?}"
            );
            let bursts = Demand {
                request_rate: 20.0,
                arrival_cv2: number,
            };
            let _ = predictor.predict(&model(), bursts, allocation);
        }
    }
}

/// What holds of every prediction of a demand that makes sense.
fn check_shape(predicted: &Prediction, rate: f64, allocation: &Allocation) {
    check_intervals(predicted);
    let mut before = 0.0;
    for quantile in [Quantile::P50, Quantile::P95, Quantile::P99] {
        let Some(latency) = predicted.latency_at(quantile) else {
            continue;
        };
        assert!(
            latency.mid >= before,
            "quantiles ascend: {:?}",
            predicted.latency
        );
        before = latency.mid;
    }
    let cost = allocation.total_requests().cpu.as_cores();
    assert!(
        (predicted.cost_cores - cost).abs() < 1e-9,
        "{} cores are requested, not {cost}",
        predicted.cost_cores
    );
    assert!(
        predicted.throughput.mid <= rate * 1.1,
        "no more is served than asked"
    );
}

fn check_intervals(predicted: &Prediction) {
    let is_ordered = |it: &Interval| it.low >= 0.0 && it.low <= it.mid && it.mid <= it.high;
    let all = predicted.latency.values().chain([
        &predicted.cpu_utilization,
        &predicted.error_rate,
        &predicted.throughput,
    ]);
    for interval in all {
        assert!(is_ordered(interval), "an interval ascends: {predicted:?}");
    }
    assert!(
        predicted.error_rate.high <= 1.0,
        "a share is at most one: {predicted:?}"
    );
}
