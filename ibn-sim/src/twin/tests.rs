//! The twin against closed forms and against the simulator.

use std::time::Duration;

use ibn_core::allocation::ContainerResources;
use ibn_core::units::Bytes;

use super::*;
use crate::{Cluster, ClusterSpec, Law, RateCurve, SimTime, WorkloadSpec};

fn model(work_ms: f64, cv2: f64, concurrency: u32) -> WorkloadModel {
    WorkloadModel {
        cpu_seconds_per_request: work_ms / 1e3,
        service_cv2: cv2,
        base_latency_seconds: 0.0,
        concurrency,
        queue_capacity: None,
        startup: Duration::from_secs(10),
        pod_memory: Bytes::new(1 << 20),
    }
}

fn allocation(replicas: u32, limit_millis: Option<u64>) -> Allocation {
    let mut app =
        ContainerResources::new("app").with_requests(CpuMillis::new(500), Bytes::new(1 << 20));
    app.limits.cpu = limit_millis.map(CpuMillis::new);
    Allocation::new(replicas, vec![app])
}

fn poisson(request_rate: f64) -> Demand {
    Demand {
        request_rate,
        arrival_cv2: 1.0,
    }
}

fn latency_ms(prediction: &Prediction, q: Quantile) -> f64 {
    prediction.latency_at(q).unwrap().mid * 1e3
}

#[track_caller]
fn check_near(what: &str, value: f64, expected: f64, tolerance: f64) {
    assert!(
        (value / expected - 1.0).abs() < tolerance,
        "{what}: {value}, expected {expected}"
    );
}

#[test]
fn without_a_quota_it_is_mm1() {
    for rho in [0.0, 0.4, 0.8, 0.95] {
        let prediction = Twin::default().predict(
            &model(10.0, 1.0, 1),
            poisson(rho * 100.0),
            &allocation(1, None),
        );
        let mean = 10.0 / (1.0 - rho);
        check_near(
            "p50",
            latency_ms(&prediction, Quantile::P50),
            mean * 2f64.ln(),
            0.1,
        );
        check_near(
            "p95",
            latency_ms(&prediction, Quantile::P95),
            mean * 20f64.ln(),
            0.1,
        );
        check_near(
            "p99",
            latency_ms(&prediction, Quantile::P99),
            mean * 100f64.ln(),
            0.1,
        );
    }
}

#[test]
fn pods_are_queues_of_their_own_and_one_queue_is_better() {
    let predict = |balancing| {
        let twin = Twin::default().with_balancing(balancing);
        latency_ms(
            &twin.predict(&model(10.0, 1.0, 1), poisson(320.0), &allocation(4, None)),
            Quantile::P95,
        )
    };
    let random = predict(Balancing::Random);
    check_near("random", random, 50.0 * 20f64.ln(), 0.1);
    assert!(
        predict(Balancing::RoundRobin) < random
            && predict(Balancing::LeastLoaded) < predict(Balancing::RoundRobin)
    );
}

#[test]
fn beyond_saturation_it_says_so_and_gives_no_number() {
    for (rate, replicas) in [
        (20.1, 1),
        (1000.0, 1),
        (1.0, 0),
        (f64::NAN, 1),
        (f64::INFINITY, 1),
        (-1.0, 1),
    ] {
        let mut model = model(10.0, 1.0, 2);
        model.queue_capacity = Some(10);
        let prediction =
            Twin::default().predict(&model, poisson(rate), &allocation(replicas, Some(200)));
        assert!(prediction.saturated, "{rate}");
        assert!(
            latency_ms(&prediction, Quantile::P50).is_infinite(),
            "{rate}"
        );
    }
    let prediction = Twin::default().predict(
        &model(10.0, 1.0, 2),
        poisson(40.0),
        &allocation(1, Some(200)),
    );
    check_near("throughput", prediction.throughput.mid, 20.0, 1e-9);
    check_near("error rate", prediction.error_rate.mid, 0.5, 1e-9);
}

#[test]
fn utilisation_and_cost_are_plain_sums() {
    let prediction = Twin::default().predict(
        &model(10.0, 1.0, 2),
        poisson(60.0),
        &allocation(3, Some(1000)),
    );
    check_near(
        "utilisation",
        prediction.cpu_utilization.mid,
        100.0 * 0.6 / 1.5,
        1e-9,
    );
    check_near("cost", prediction.cost_cores, 1.5, 1e-9);
    assert!(!prediction.saturated);
}

#[test]
fn more_is_never_slower() {
    let p95 = |replicas, limit, rate| {
        let prediction = Twin::default().predict(
            &model(10.0, 1.0, 4),
            poisson(rate),
            &allocation(replicas, Some(limit)),
        );
        latency_ms(&prediction, Quantile::P95)
    };
    for limit in [200, 500, 1000, 2000, 3900, 4100] {
        for replicas in 1..10 {
            let rate = 0.8 * limit as f64 / 10.0;
            assert!(
                p95(replicas + 1, limit, rate) <= p95(replicas, limit, rate) * 1.01,
                "{limit} {replicas}"
            );
            assert!(
                p95(replicas, limit, 0.9 * rate) <= p95(replicas, limit, rate) * 1.01,
                "{limit} {replicas}"
            );
        }
    }
}

/// Runs the simulator and compares its p95 with the twin's.
#[track_caller]
fn check_against_simulator(
    limit: Option<u64>,
    concurrency: u32,
    law: Law,
    load: f64,
    tolerance: f64,
) {
    let cores = limit
        .map_or(f64::INFINITY, |limit| limit as f64 / 1e3)
        .min(f64::from(concurrency));
    let work = law.mean().as_secs_f64();
    let rate = load * cores / work;
    let mut web = WorkloadSpec::new("web", RateCurve::constant(rate).unwrap());
    web.size.cpu_limit = limit.map(CpuMillis::new);
    web.size.cpu_request = CpuMillis::new(100);
    web.size.memory_limit = None;
    web.service = law;
    web.concurrency = Some(concurrency);
    web.max_queue = u32::MAX;
    let mut cluster = Cluster::new(&ClusterSpec::on_one_node(vec![web]), 1).unwrap();
    cluster.advance_to(SimTime::from_secs((200_000.0 / rate) as u64));
    let measured = cluster.metrics("web").unwrap().p95.unwrap().as_secs_f64() * 1e3;
    let model = model(work * 1e3, law.cv2(), concurrency);
    let prediction = Twin::default().predict(&model, poisson(rate), &allocation(1, limit));
    let label = format!("{limit:?} {concurrency} {law:?} {load}");
    check_near(
        &label,
        latency_ms(&prediction, Quantile::P95),
        measured,
        tolerance,
    );
    let interval = prediction.latency_at(Quantile::P95).unwrap();
    assert!(interval.low < interval.mid && interval.mid < interval.high);
}

#[test]
fn the_simulator_agrees_within_a_quarter() {
    let lognormal = |ms, cv| Law::Lognormal {
        mean: Duration::from_millis(ms),
        cv,
    };
    for limit in [Some(200), Some(500), Some(1000), None] {
        for concurrency in [1, 4] {
            for law in [
                Law::Exponential {
                    mean: Duration::from_millis(10),
                },
                lognormal(10, 0.5),
                lognormal(40, 1.0),
            ] {
                for load in [0.3, 0.6, 0.85] {
                    check_against_simulator(limit, concurrency, law, load, 0.25);
                }
            }
        }
    }
}
