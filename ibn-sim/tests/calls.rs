//! Requests that call other workloads, and clients that try again, against closed forms and counting by hand.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

use std::time::Duration;

use ibn_core::units::{Bytes, CpuMillis};
use ibn_sim::{
    ArrivalProcess, Call, Cluster, ClusterSpec, Law, MemoryUse, PodSize, RateCurve, Retries,
    SimTime, Traffic, WorkloadSpec,
};

const MS: Duration = Duration::from_millis(1);

/// One pod of a whole core that works on one request at a time.
fn workload(name: &str, rate: f64, service: Law) -> WorkloadSpec {
    WorkloadSpec {
        service,
        size: PodSize::guaranteed(CpuMillis::new(1000), Bytes::new(1 << 28)),
        concurrency: Some(1),
        max_queue: 1_000_000,
        memory: MemoryUse {
            base: Bytes::new(1 << 20),
            per_request: Bytes::new(0),
        },
        ..WorkloadSpec::new(name, RateCurve::constant(rate).unwrap())
    }
}

fn exponential(mean: Duration) -> Law {
    Law::Exponential { mean }
}

fn constant(mean: Duration) -> Law {
    Law::Constant { mean }
}

fn calling(mut workload: WorkloadSpec, to: &[(&str, f64)]) -> WorkloadSpec {
    workload.calls = to
        .iter()
        .map(|(name, share)| Call {
            workload: (*name).to_owned(),
            share: *share,
        })
        .collect();
    workload
}

fn at(spec: WorkloadSpec, millis: &[u64]) -> WorkloadSpec {
    WorkloadSpec {
        traffic: Traffic::Times(millis.iter().map(|at| Duration::from_millis(*at)).collect()),
        ..spec
    }
}

fn run(workloads: Vec<WorkloadSpec>, secs: u64) -> Cluster {
    let mut cluster = Cluster::new(&ClusterSpec::on_one_node(workloads), 1).unwrap();
    cluster.advance_to(SimTime::from_secs(secs));
    cluster
}

#[test]
fn a_call_adds_its_time_and_calls_at_once_add_the_longest() {
    let front = calling(
        at(workload("front", 0.0, constant(5 * MS)), &[10, 2000, 4000]),
        &[("left", 1.0), ("right", 1.0)],
    );
    let left = workload("left", 0.0, constant(20 * MS));
    let right = WorkloadSpec {
        base_latency: 7 * MS,
        ..calling(workload("right", 0.0, constant(10 * MS)), &[("store", 1.0)])
    };
    let store = workload("store", 0.0, constant(8 * MS));
    // In an order in which who is called comes first.
    let mut cluster = run(vec![store, left, right, front], 10);
    let front = cluster.metrics("front").unwrap();
    assert_eq!(front.counts.served, 3);
    // 5 + max(20, 10 + 8 + 7) ms; what is measured is within the histogram's error.
    assert_eq!(front.mean, Some(30 * MS));
    let right = cluster.metrics("right").unwrap();
    assert_eq!((right.counts.arrived, right.mean), (3, Some(25 * MS)));
    assert_eq!(cluster.metrics("store").unwrap().mean, Some(8 * MS));
}

#[test]
fn a_tandem_of_queues_is_as_long_as_jackson_says() {
    // Two M/M/1 queues in a row: each is as if it had the arrivals for itself (Burke 1956, Jackson 1957).
    let (rate, first, second) = (50.0, 10 * MS, 14 * MS);
    let front = calling(
        workload("front", rate, exponential(first)),
        &[("back", 1.0)],
    );
    let back = workload("back", 0.0, exponential(second));
    let mut cluster = run(vec![front, back], 40_000);
    let alone = |mean: Duration| 1.0 / (1.0 / mean.as_secs_f64() - rate);
    let expected = alone(first) + alone(second);
    let front = cluster.metrics("front").unwrap();
    let found = front.mean.unwrap().as_secs_f64();
    assert!((found / expected - 1.0).abs() < 0.02, "{found} {expected}");
    let back = cluster.metrics("back").unwrap();
    let found = back.mean.unwrap().as_secs_f64();
    assert!((found / alone(second) - 1.0).abs() < 0.03, "{found}");
    assert_eq!(
        front.counts.arrived,
        front.counts.finished() + front.in_flight
    );
}

#[test]
fn a_share_of_requests_makes_a_call() {
    let front = calling(workload("front", 100.0, constant(MS)), &[("back", 0.3)]);
    let mut cluster = run(vec![front, workload("back", 0.0, constant(MS))], 1000);
    let back = cluster.metrics("back").unwrap().counts.arrived as f64;
    // 30,000 of 100,000, give or take 145.
    assert!((back - 30_000.0).abs() < 800.0, "{back}");
}

#[test]
fn a_failed_call_fails_its_request() {
    let front = calling(
        at(workload("front", 0.0, constant(MS)), &[10, 2000]),
        &[("back", 1.0)],
    );
    let back = WorkloadSpec {
        replicas: 0,
        ..workload("back", 0.0, constant(MS))
    };
    let mut cluster = run(vec![front, back], 10);
    let front = cluster.metrics("front").unwrap();
    assert_eq!((front.counts.broken, front.counts.served), (2, 0));
    assert_eq!(cluster.metrics("back").unwrap().counts.unrouted, 2);
}

#[test]
fn a_client_gives_up_on_a_request_whose_calls_take_too_long() {
    let front = WorkloadSpec {
        timeout: Some(50 * MS),
        ..calling(
            at(workload("front", 0.0, constant(5 * MS)), &[10, 2000]),
            &[("back", 1.0)],
        )
    };
    let mut cluster = run(vec![front, workload("back", 0.0, constant(100 * MS))], 10);
    let front = cluster.metrics("front").unwrap();
    assert_eq!((front.counts.timed_out, front.in_flight), (2, 0));
    assert_eq!(
        cluster.metrics("back").unwrap().counts.served,
        2,
        "for nobody"
    );
}

#[test]
fn calls_in_a_circle_and_to_nobody_are_refused() {
    let one = calling(workload("one", 1.0, constant(MS)), &[("two", 1.0)]);
    let two = calling(workload("two", 1.0, constant(MS)), &[("one", 1.0)]);
    let circle = ClusterSpec::on_one_node(vec![one.clone(), two]);
    let error = Cluster::new(&circle, 1).unwrap_err().to_string();
    assert!(
        error.contains("circle") && error.contains("one, two"),
        "{error}"
    );
    let nobody = ClusterSpec::on_one_node(vec![one]);
    let error = Cluster::new(&nobody, 1).unwrap_err().to_string();
    assert!(error.contains("no workload `two`"), "{error}");
}

fn retrying(spec: WorkloadSpec, attempts: u32, budget: f64) -> WorkloadSpec {
    WorkloadSpec {
        retries: Some(Retries {
            attempts,
            budget,
            backoff: 10 * MS,
        }),
        ..spec
    }
}

#[test]
fn a_client_tries_again_as_often_as_it_may() {
    let nobody = |budget| WorkloadSpec {
        replicas: 0,
        ..retrying(workload("web", 10.0, constant(MS)), 3, budget)
    };
    let mut cluster = run(vec![nobody(10.0)], 1000);
    let metrics = cluster.metrics("web").unwrap();
    let counts = metrics.counts;
    assert_eq!(counts.unrouted + metrics.in_flight, counts.arrived);
    assert!(metrics.in_flight < 5, "each is counted once: {counts:?}");
    assert!((3 * counts.arrived - 15..=3 * counts.arrived).contains(&counts.retried));
    // One retry for five requests, and the ten that a client begins with.
    let mut cluster = run(vec![nobody(0.2)], 1000);
    let counts = cluster.metrics("web").unwrap().counts;
    let expected = 10 + counts.arrived / 5;
    assert!(counts.retried.abs_diff(expected) <= 2, "{counts:?}");
}

#[test]
fn a_retry_after_patience_is_over_costs_its_work_again() {
    // Given up after 50 ms, tried again at 60; the server is busy with the first until 100 ms, and with the second until 200.
    let web = WorkloadSpec {
        timeout: Some(50 * MS),
        ..retrying(
            at(workload("web", 0.0, constant(100 * MS)), &[1000]),
            1,
            1.0,
        )
    };
    let mut cluster = run(vec![web.clone()], 10);
    let metrics = cluster.metrics("web").unwrap();
    let counts = metrics.counts;
    assert_eq!(
        (counts.arrived, counts.retried, counts.timed_out),
        (1, 1, 1)
    );
    assert!((metrics.used_core_hours * 3600.0 - 0.2).abs() < 1e-9);
    // 30 ms each. The first is done at 1030. The second, begun then, is given up at 1051, done for nobody at 1060, and tried again
    // from 1061 to 1091. The third is given up in the queue at 1052; its second try would be done at 1121, 59 ms after it came.
    let web = WorkloadSpec {
        service: constant(30 * MS),
        ..at(web, &[1000, 1001, 1002])
    };
    let mut cluster = run(vec![web], 10);
    let metrics = cluster.metrics("web").unwrap();
    let counts = metrics.counts;
    assert_eq!((counts.served, counts.retried, counts.timed_out), (2, 2, 1));
    // 30 ms, and 90 from when it first came.
    assert_eq!(metrics.mean, Some(60 * MS));
}

#[test]
fn the_steps_in_which_time_moves_do_not_matter() {
    let spec = {
        let front = WorkloadSpec {
            timeout: Some(300 * MS),
            max_queue: 5,
            ..retrying(
                calling(
                    workload("front", 60.0, exponential(12 * MS)),
                    &[("left", 0.7), ("right", 0.4)],
                ),
                2,
                0.3,
            )
        };
        let left = WorkloadSpec {
            replicas: 2,
            timeout: Some(100 * MS),
            traffic: Traffic::Rate(RateCurve::constant(20.0).unwrap(), ArrivalProcess::Poisson),
            ..retrying(workload("left", 0.0, exponential(25 * MS)), 1, 0.5)
        };
        ClusterSpec::on_one_node(vec![
            front,
            left,
            workload("right", 5.0, exponential(20 * MS)),
        ])
    };
    let run = |step: u64| {
        let mut cluster = Cluster::new(&spec, 3).unwrap();
        let mut now = 0;
        while now < 600_000 {
            now = (now + step).min(600_000);
            cluster.advance_to(SimTime::from_nanos(now * 1_000_000));
            if now % 3 == 0 {
                cluster.status("left").unwrap();
            }
        }
        let metrics: Vec<_> = ["front", "left", "right"]
            .into_iter()
            .map(|name| cluster.metrics(name).unwrap())
            .collect();
        (cluster.event_hash(), metrics)
    };
    let whole = run(600_000);
    assert!(whole.1[0].counts.retried > 100 && whole.1[0].counts.broken > 10);
    assert_eq!(whole, run(731));
    assert_eq!(whole, run(7_003));
}
