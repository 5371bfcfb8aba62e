//! The cluster against closed forms, and against itself.

use std::time::Duration;

use ibn_core::units::{Bytes, CpuMillis};
use proptest::prelude::*;

use super::*;
use crate::balance::Balancing;
use crate::demand::RateCurve;
use crate::law::Law;
use crate::metrics::Metrics;
use crate::pod::PodPhase;
use crate::request::Fate;
use crate::spec::{MemoryUse, NodeSpec, PodSize, Traffic, WorkloadSpec};

const MS: Duration = Duration::from_millis(1);

fn secs(secs: u64) -> SimTime {
    SimTime::from_secs(secs)
}

fn web(rate: f64) -> WorkloadSpec {
    WorkloadSpec::new("web", RateCurve::constant(rate).unwrap())
}

/// No quota, no bound on the queue: what queueing theory speaks of.
fn plain(rate: f64, service: Law, concurrency: u32) -> WorkloadSpec {
    let mut spec = web(rate);
    spec.size.cpu_limit = None;
    spec.size.memory_limit = None;
    spec.max_queue = u32::MAX;
    spec.service = service;
    spec.concurrency = Some(concurrency);
    spec
}

fn cluster(workload: WorkloadSpec, seed: u64) -> Cluster {
    Cluster::new(&ClusterSpec::on_one_node(vec![workload]), seed).unwrap()
}

fn run(workload: WorkloadSpec, seed: u64, end: u64) -> Metrics {
    let mut cluster = cluster(workload, seed);
    cluster.advance_to(secs(end));
    cluster.metrics("web").unwrap()
}

#[track_caller]
fn check_near(what: &str, measured: f64, expected: f64, tolerance: f64) {
    assert!(
        (measured / expected - 1.0).abs() < tolerance,
        "{what}: measured {measured}, expected {expected}"
    );
}

fn millis(duration: Option<Duration>) -> f64 {
    duration.unwrap().as_secs_f64() * 1e3
}

#[test]
fn one_memoryless_server_is_mm1() {
    // M/M/1: the response time is exponential with mean s/(1-ρ).
    for rho in [0.3, 0.6, 0.8] {
        let service = Law::Exponential { mean: 10 * MS };
        let metrics = run(plain(rho * 100.0, service, 1), 1, 20_000);
        let mean = 10.0 / (1.0 - rho);
        check_near("mean", millis(metrics.mean), mean, 0.03);
        check_near("p50", millis(metrics.p50), mean * 2f64.ln(), 0.03);
        check_near("p95", millis(metrics.p95), mean * 20f64.ln(), 0.04);
        check_near(
            "cpu",
            metrics.used_core_hours * 3600.0 / 20_000.0,
            rho,
            0.02,
        );
    }
}

#[test]
fn several_memoryless_servers_are_mmc() {
    // M/M/4 at ρ = 0.75: Erlang C from its definition.
    let (c, rho, service) = (4u32, 0.75, 10.0);
    let a = f64::from(c) * rho;
    let term = |k: u32| (1..=k).fold(1.0, |product, i| product * a / f64::from(i));
    let waiting_term = term(c) / (1.0 - rho);
    let wait_probability = waiting_term / ((0..c).map(term).sum::<f64>() + waiting_term);
    let mean = service + wait_probability * service / (f64::from(c) * (1.0 - rho));
    let metrics = run(
        plain(a / service * 1e3, Law::Exponential { mean: 10 * MS }, c),
        2,
        10_000,
    );
    check_near("mean", millis(metrics.mean), mean, 0.02);
}

#[test]
fn constant_work_is_md1() {
    // M/D/1: mean wait ρs / 2(1-ρ) (Pollaczek-Khinchine).
    let rho: f64 = 0.7;
    let metrics = run(
        plain(rho * 100.0, Law::Constant { mean: 10 * MS }, 1),
        3,
        20_000,
    );
    check_near(
        "mean",
        millis(metrics.mean),
        10.0 + rho * 10.0 / (2.0 * (1.0 - rho)),
        0.02,
    );
}

#[test]
fn varied_work_is_mg1() {
    // M/G/1: mean wait ρs(1+cv²) / 2(1-ρ).
    let (rho, cv): (f64, f64) = (0.6, 1.5);
    let metrics = run(
        plain(rho * 100.0, Law::Hyperexponential { mean: 10 * MS, cv }, 1),
        4,
        40_000,
    );
    let wait = rho * 10.0 * (1.0 + cv * cv) / (2.0 * (1.0 - rho));
    check_near("mean", millis(metrics.mean), 10.0 + wait, 0.04);
}

#[test]
fn threads_that_share_a_core_are_a_processor_sharing_queue() {
    // M/G/1-PS: mean s/(1-ρ), whatever the law of the work.
    let rho: f64 = 0.6;
    let mut spec = plain(
        rho * 100.0,
        Law::Hyperexponential {
            mean: 10 * MS,
            cv: 1.5,
        },
        10_000,
    );
    spec.size.cpu_request = CpuMillis::new(100);
    let mut spec = ClusterSpec::on_one_node(vec![spec]);
    spec.nodes = vec![NodeSpec::new(
        "small",
        CpuMillis::new(1000),
        Bytes::new(4 << 30),
    )];
    let mut cluster = Cluster::new(&spec, 5).unwrap();
    cluster.advance_to(secs(20_000));
    check_near(
        "mean",
        millis(cluster.metrics("web").unwrap().mean),
        10.0 / (1.0 - rho),
        0.03,
    );
}

#[test]
fn given_times_are_replayed() {
    let mut spec = web(1.0);
    spec.service = Law::Constant { mean: 10 * MS };
    spec.concurrency = Some(1);
    spec.traffic = Traffic::Times([0, 4, 30].map(|ms| ms * MS).to_vec());
    let metrics = run(spec, 14, 60);
    // 10 ms, 16 ms (6 of waiting) and 10 ms.
    assert_eq!((metrics.counts.served, metrics.mean), (3, Some(12 * MS)));
}

#[test]
fn a_kept_connection_stays_with_its_pod_and_the_last_used_is_taken_first() {
    let mut spec = web(1.0);
    spec.replicas = 8;
    spec.service = Law::Constant { mean: 10 * MS };
    spec.balancing = Balancing::KeptConnections;
    // One at a time: one connection, one pod. Then two at once: a second connection, and no third after that.
    let alone = (1..=50).map(|at| at * 100 * MS);
    let pairs = (60..=100).flat_map(|at| [at * 100 * MS, at * 100 * MS + MS]);
    spec.traffic = Traffic::Times(alone.chain(pairs).collect());
    let pods_used = |until| {
        let mut cluster = cluster(spec.clone(), 3);
        cluster.advance_to(secs(until));
        let pods = cluster.pods("web").unwrap();
        pods.iter().filter(|pod| pod.usage.cpu_nanos > 0).count()
    };
    assert_eq!(pods_used(5), 1);
    assert!((1..=2).contains(&pods_used(20)));
    // Long after the first burst of 16 at once, single requests still go to the pod that was done last.
    let burst = (0..16).map(|_| 100 * MS);
    spec.traffic = Traffic::Times(
        burst
            .chain((1..=200).map(|at| 1000 * MS + at * 50 * MS))
            .collect(),
    );
    let mut cluster = cluster(spec, 3);
    cluster.advance_to(secs(20));
    let busiest = cluster
        .pods("web")
        .unwrap()
        .iter()
        .map(|pod| pod.usage.cpu_nanos)
        .max();
    assert!(busiest.unwrap() >= 200 * 10_000_000);
}

#[test]
fn kept_requests_are_those_that_are_counted() {
    let mut spec = web(150.0);
    spec.max_queue = 3;
    spec.timeout = Some(60 * MS);
    let mut cluster = cluster(spec, 5);
    cluster.keep_requests("web").unwrap();
    cluster.advance_to(secs(60));
    let requests = cluster.take_requests("web").unwrap();
    let counts = cluster.metrics("web").unwrap().counts;
    let number =
        |pick: fn(&Fate) -> bool| requests.iter().filter(|it| pick(&it.fate)).count() as u64;
    assert!(requests.is_sorted_by_key(|request| request.arrived));
    assert_eq!(requests.len() as u64, counts.finished());
    assert_eq!(
        number(|fate| matches!(fate, Fate::Served(_))),
        counts.served
    );
    assert_eq!(number(|fate| *fate == Fate::Refused), counts.refused);
    assert_eq!(number(|fate| *fate == Fate::TimedOut), counts.timed_out);
    assert!(cluster.take_requests("web").unwrap().is_empty());
}

#[test]
fn random_split_is_many_queues_and_turns_are_better() {
    let mean = |balancing| {
        let mut spec = plain(4.0 * 70.0, Law::Exponential { mean: 10 * MS }, 1);
        spec.replicas = 4;
        spec.balancing = balancing;
        millis(run(spec, 6, 5000).mean)
    };
    // Each pod is M/M/1 at 0.7.
    let random = mean(Balancing::Random);
    check_near("random", random, 10.0 / 0.3, 0.04);
    let turns = mean(Balancing::RoundRobin);
    let two = mean(Balancing::PowerOfTwo);
    let least = mean(Balancing::LeastLoaded);
    assert!(
        random > turns && turns > two && two > least,
        "{random} {turns} {two} {least}"
    );
    // JSQ is at least as slow as one queue for all: M/M/4 at 0.7 has a mean of 13.6 ms.
    assert!(least > 13.5 && least < 20.0, "{least}");
}

#[test]
fn a_quota_bounds_the_throughput_but_does_not_slow_a_lone_request() {
    // 200m and 10 ms of work serve 20/s; a lone request takes 10 ms all the same.
    let mut spec = web(100.0);
    spec.size = PodSize::guaranteed(CpuMillis::new(200), Bytes::new(1 << 30));
    spec.service = Law::Constant { mean: 10 * MS };
    let metrics = run(spec.clone(), 7, 1000);
    check_near(
        "throughput",
        metrics.counts.served as f64 / 1000.0,
        20.0,
        0.01,
    );
    assert!(metrics.counts.refused > 0);
    // Ten periods a second, each of which ends throttled.
    check_near("periods", metrics.cpu_periods as f64, 10_000.0, 0.01);
    let throttled = metrics.cpu_throttled_periods as f64;
    check_near("throttled", throttled, 10_000.0, 0.01);
    spec.traffic = Traffic::Rate(RateCurve::constant(1.0).unwrap(), Default::default());
    let lone = run(spec, 7, 1000);
    check_near("p50", millis(lone.p50), 10.0, 0.005);
    let throttled = lone.cpu_throttled_periods as f64 / lone.cpu_periods as f64;
    assert!(throttled < 0.01, "{throttled}");
}

#[test]
fn pods_start_serve_and_stop_in_their_time() {
    let mut cluster = cluster(web(10.0), 8);
    cluster.advance_to(secs(100));
    cluster.scale("web", 3).unwrap();
    cluster.advance_to(secs(104));
    assert_eq!(cluster.status("web").unwrap().ready, 1);
    cluster.advance_to(secs(105));
    assert_eq!(cluster.status("web").unwrap().ready, 3);
    cluster.advance_to(secs(200));
    cluster.scale("web", 1).unwrap();
    let phases: Vec<PodPhase> = cluster
        .pods("web")
        .unwrap()
        .iter()
        .map(|pod| pod.phase)
        .collect();
    assert_eq!(
        phases,
        [PodPhase::Ready, PodPhase::Stopping, PodPhase::Stopping]
    );
    cluster.advance_to(secs(203));
    assert_eq!(cluster.pods("web").unwrap().len(), 1);
    let metrics = cluster.metrics("web").unwrap();
    assert_eq!((metrics.counts.failed(), metrics.changes), (0, 2));
    // One pod for 203 s, two for 100 s and the 2 s of their drain.
    check_near(
        "pod hours",
        metrics.replica_hours * 3600.0,
        203.0 + 2.0 * 102.0,
        1e-9,
    );
    check_near(
        "core hours",
        metrics.core_hours * 3600.0,
        0.5 * (203.0 + 2.0 * 102.0),
        1e-9,
    );
}

#[test]
fn pods_without_room_wait_until_something_is_freed() {
    let mut first = web(1.0);
    first.name = "first".to_owned();
    first.replicas = 2;
    let mut spec = ClusterSpec::on_one_node(vec![first, web(1.0)]);
    spec.nodes = vec![NodeSpec::new(
        "n",
        CpuMillis::new(1600),
        Bytes::new(64 << 30),
    )];
    let mut cluster = Cluster::new(&spec, 9).unwrap();
    cluster.scale("web", 3).unwrap();
    cluster.advance_to(secs(60));
    assert_eq!(
        (
            cluster.status("web").unwrap().ready,
            cluster.status("web").unwrap().pods
        ),
        (1, 3)
    );
    assert_eq!(cluster.free().cpu, CpuMillis::new(100));
    cluster.scale("first", 0).unwrap();
    cluster.advance_to(secs(120));
    assert_eq!(cluster.status("web").unwrap().ready, 3);
    assert!(cluster.metrics("first").unwrap().counts.unrouted > 0);
}

#[test]
fn a_resize_is_in_place_and_waits_for_room() {
    let mut spec = ClusterSpec::on_one_node(vec![web(5.0)]);
    spec.nodes = vec![NodeSpec::new(
        "n",
        CpuMillis::new(1600),
        Bytes::new(64 << 30),
    )];
    let mut cluster = Cluster::new(&spec, 10).unwrap();
    cluster.scale("web", 2).unwrap();
    cluster.advance_to(secs(20));
    let bigger = PodSize::guaranteed(CpuMillis::new(900), Bytes::new(256 << 20));
    cluster.resize("web", bigger).unwrap();
    cluster.advance_to(secs(21));
    let sizes = |cluster: &mut Cluster| -> Vec<u64> {
        cluster
            .pods("web")
            .unwrap()
            .iter()
            .map(|pod| pod.size.cpu_request.get())
            .collect()
    };
    assert_eq!(sizes(&mut cluster), [900, 500], "room for one of both");
    assert_eq!(
        cluster.status("web").unwrap().ready,
        2,
        "nothing was restarted"
    );
    cluster.scale("web", 1).unwrap();
    cluster.advance_to(secs(30));
    assert_eq!(sizes(&mut cluster), [900]);
    assert!(
        cluster
            .resize(
                "web",
                PodSize {
                    cpu_limit: Some(CpuMillis::new(0)),
                    ..bigger
                }
            )
            .is_err()
    );
}

#[test]
fn a_quota_holds_pods_and_resizes_back_until_it_has_room() {
    let mut cluster = cluster(web(1.0), 16);
    let quota = |cpu, pods| QuotaLimits {
        cpu: Some(CpuMillis::new(cpu)),
        memory: None,
        pods,
    };
    cluster.set_quota("default", Some(quota(1600, Some(4))));
    cluster.scale("web", 5).unwrap();
    assert_eq!(cluster.status("web").unwrap().pods, 3, "three pods of 500m");
    cluster
        .resize(
            "web",
            PodSize::guaranteed(CpuMillis::new(600), Bytes::new(256 << 20)),
        )
        .unwrap();
    let sizes = |cluster: &mut Cluster| -> Vec<u64> {
        cluster
            .pods("web")
            .unwrap()
            .iter()
            .map(|pod| pod.desired.cpu_request.get() * 1000 + pod.size.cpu_request.get())
            .collect()
    };
    cluster.advance_to(secs(20));
    assert_eq!(
        sizes(&mut cluster),
        [600_600, 600_500, 600_500],
        "room for one of three"
    );
    cluster.set_quota("default", Some(quota(2400, Some(4))));
    cluster.advance_to(secs(40));
    assert_eq!(
        sizes(&mut cluster),
        [600_600; 4],
        "two thousand four hundred are four pods"
    );
    cluster.set_quota("default", None);
    cluster.advance_to(secs(60));
    assert_eq!(cluster.status("web").unwrap().ready, 5);
    cluster.set_quota("default", Some(quota(100, Some(1))));
    cluster.advance_to(secs(80));
    assert_eq!(
        cluster.status("web").unwrap().ready,
        5,
        "what is there stays"
    );
}

#[test]
fn a_pod_that_needs_too_much_memory_is_killed_and_backs_off() {
    let mut spec = web(50.0);
    spec.memory = MemoryUse {
        base: Bytes::new(100 << 20),
        per_request: Bytes::new(10 << 20),
    };
    // Room for 15 requests; at 50/s against 25/s of capacity they gather within a second.
    let metrics = run(spec.clone(), 11, 120);
    assert!((3..12).contains(&metrics.restarts), "{}", metrics.restarts);
    assert!(metrics.counts.lost >= 16 * metrics.restarts && metrics.counts.unrouted > 0);
    spec.memory.base = Bytes::new(300 << 20);
    let metrics = run(spec, 11, 120);
    assert_eq!(
        metrics.counts.served, 0,
        "its limit is below what it needs when idle"
    );
    assert!(metrics.restarts > 2);
}

#[test]
fn a_killed_pod_is_replaced_and_its_requests_are_lost() {
    let mut spec = web(30.0);
    spec.service = Law::Constant { mean: 200 * MS };
    let mut cluster = cluster(spec, 12);
    cluster.advance_to(secs(10));
    let in_flight = cluster.status("web").unwrap().in_flight;
    assert!(in_flight > 0);
    cluster.kill_pod("web", 0).unwrap();
    assert_eq!(cluster.metrics("web").unwrap().counts.lost, in_flight);
    cluster.advance_to(secs(15));
    assert_eq!(cluster.status("web").unwrap().ready, 1);
    assert_eq!(cluster.pods("web").unwrap()[0].id, 1);
}

#[test]
fn an_allocation_does_not_change_who_comes_and_what_they_need() {
    let run = |replicas| {
        let mut spec = web(30.0);
        spec.max_queue = u32::MAX;
        spec.replicas = replicas;
        let mut cluster = cluster(spec, 13);
        cluster.advance_to(secs(300));
        let metrics = cluster.metrics("web").unwrap();
        (
            metrics.counts.arrived,
            metrics.counts.served,
            metrics.used_core_hours,
        )
    };
    let (few, many) = (run(3), run(6));
    assert_eq!(few.0, many.0);
    check_near("work", few.2, many.2, 0.002);
}

#[test]
fn what_is_no_cluster_is_refused_by_key() {
    let check = |change: &dyn Fn(&mut ClusterSpec), key: &str| {
        let mut spec = ClusterSpec::on_one_node(vec![web(1.0)]);
        change(&mut spec);
        let error = Cluster::new(&spec, 1).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    };
    check(&|spec| spec.workloads.push(web(1.0)), "workloads.web.name");
    check(
        &|spec| spec.workloads[0].concurrency = Some(0),
        "concurrency",
    );
    check(
        &|spec| spec.workloads[0].size.cpu_limit = Some(CpuMillis::new(1)),
        "size",
    );
    check(&|spec| spec.workloads[0].grace = Duration::ZERO, "grace");
    check(
        &|spec| spec.nodes[0].cpu = CpuMillis::new(0),
        "nodes.node-1.cpu",
    );
    check(
        &|spec| spec.accounting.window = Duration::from_secs(7),
        "accounting",
    );
    let mut cluster = cluster(web(1.0), 1);
    assert!(matches!(
        cluster.scale("web2", 1),
        Err(Error::UnknownWorkload(_))
    ));
}

/// A change at a time.
#[derive(Debug, Clone)]
enum Change {
    Scale(u32),
    Resize(u64),
    Kill(u64),
}

fn changes() -> impl Strategy<Value = Vec<(u64, Change)>> {
    let change = prop_oneof![
        (0u32..8).prop_map(Change::Scale),
        (50u64..1500).prop_map(Change::Resize),
        (0u64..6).prop_map(Change::Kill),
    ];
    proptest::collection::vec((1u64..60_000, change), 0..12).prop_map(|mut changes| {
        changes.sort_by_key(|(at, _)| *at);
        changes
    })
}

fn play(
    spec: &ClusterSpec,
    seed: u64,
    changes: &[(u64, Change)],
    look_every_ms: Option<u64>,
) -> (Metrics, u64) {
    let mut cluster = Cluster::new(spec, seed).unwrap();
    let mut at = 0;
    let ends = changes
        .iter()
        .map(|(at, change)| (*at, Some(change)))
        .chain([(70_000, None)]);
    for (until, change) in ends {
        while let Some(step) = look_every_ms.filter(|step| at + step < until) {
            at += step;
            cluster.advance_to(SimTime::from_nanos(at * 1_000_000));
            check_conservation(&mut cluster);
            cluster.pods("web").unwrap();
        }
        at = until;
        cluster.advance_to(SimTime::from_nanos(at * 1_000_000));
        match change {
            Some(Change::Scale(replicas)) => cluster.scale("web", *replicas).unwrap(),
            Some(Change::Resize(cpu)) => {
                let size = PodSize::guaranteed(CpuMillis::new(*cpu), Bytes::new(128 << 20));
                cluster.resize("web", size).unwrap();
            }
            Some(Change::Kill(pod)) => cluster.kill_pod("web", *pod).unwrap(),
            None => {}
        }
        check_conservation(&mut cluster);
    }
    (cluster.metrics("web").unwrap(), cluster.event_hash())
}

#[track_caller]
fn check_conservation(cluster: &mut Cluster) {
    let metrics = cluster.metrics("web").unwrap();
    assert_eq!(
        metrics.counts.arrived,
        metrics.counts.finished() + metrics.in_flight
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_request_is_lost_from_the_books_and_looking_changes_nothing(
        rate in 1.0f64..200.0,
        service_ms in 1u32..60,
        concurrency in 1u32..6,
        max_queue in 0u32..40,
        timeout_ms in proptest::option::of(20u64..2000),
        balancing in prop_oneof![
            Just(Balancing::Random),
            Just(Balancing::RoundRobin),
            Just(Balancing::LeastLoaded),
            Just(Balancing::PowerOfTwo),
            Just(Balancing::KeptConnections),
        ],
        memory_kib in 0u64..8000,
        changes in changes(),
        look_ms in 100u64..9000,
        seed in 0u64..1000,
    ) {
        let mut workload = web(rate);
        workload.replicas = 2;
        workload.service = Law::Lognormal { mean: service_ms * MS, cv: 1.0 };
        workload.startup = Law::Lognormal { mean: 3000 * MS, cv: 0.5 };
        workload.concurrency = Some(concurrency);
        workload.max_queue = max_queue;
        workload.timeout = timeout_ms.map(Duration::from_millis);
        workload.balancing = balancing;
        workload.memory.per_request = Bytes::new(memory_kib << 10);
        let mut spec = ClusterSpec::on_one_node(vec![workload]);
        spec.nodes = (0..2).map(|i| NodeSpec::new(&format!("n{i}"), CpuMillis::new(2500), Bytes::new(2 << 30))).collect();
        let (metrics, hash) = play(&spec, seed, &changes, None);
        prop_assert_eq!((metrics, hash), play(&spec, seed, &changes, Some(look_ms)));
    }

    #[test]
    fn a_clone_is_a_snapshot(rate in 1.0f64..100.0, at in 1u64..60_000, seed in 0u64..1000) {
        let mut original = cluster(web(rate), seed);
        original.advance_to(SimTime::from_nanos(at * 1_000_000));
        let mut copy = original.clone();
        copy.scale("web", 4).unwrap();
        copy.advance_to(secs(90));
        let mut straight = cluster(web(rate), seed);
        straight.advance_to(secs(90));
        original.advance_to(secs(90));
        prop_assert_eq!(original.metrics("web").unwrap(), straight.metrics("web").unwrap());
        prop_assert_eq!(original.event_hash(), straight.event_hash());
        prop_assert_ne!(copy.event_hash(), straight.event_hash());
    }
}
