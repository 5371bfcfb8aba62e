//! Whatever happens, no request is lost from the books, no node is given more than it has, and nothing takes more CPU than its quota.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed helper fails its test"
)]

use std::time::Duration;

use ibn_core::units::CpuMillis;
use ibn_core::workload::WorkloadRef;
use ibn_sim::scenario::{Fault, FaultEffect, SlowPods};
use ibn_sim::{Balancing, Cluster, PodPhase, Scenario, SimTime, SimulatedCluster};
use proptest::prelude::*;

/// A scenario of three workloads that call each other, with faults.
fn scenario() -> impl Strategy<Value = Scenario> {
    let workload = (
        1.0..80.0f64,
        0..5u32,
        0..5usize,
        1..4u64,
        prop::option::of(50..400u64),
        0..4u32,
        2..30u32,
    );
    let effect = prop_oneof![
        (1..3u32).prop_map(FaultEffect::KillPods),
        (1..3u32).prop_map(FaultEffect::CrashPods),
        (1..3u32).prop_map(FaultEffect::NodeLoss),
        (1..3u32, 1.0..8.0f64)
            .prop_map(|(pods, factor)| FaultEffect::SlowPods(SlowPods { pods, factor })),
        (1.0..20.0f64).prop_map(FaultEffect::ColdImage),
        (0.0..6.0f64).prop_map(FaultEffect::Surge),
    ];
    let fault = (0..500u64, 1..400u64, effect, prop::option::of(0..3usize));
    (
        prop::collection::vec(workload, 3),
        prop::collection::vec(fault, 0..5),
    )
        .prop_map(|(workloads, faults)| {
            let mut scenario = Scenario::from_toml(BASE).unwrap();
            let names: Vec<WorkloadRef> = scenario.workloads.iter().map(|w| w.workload()).collect();
            for (of, (rate, replicas, balancing, law, timeout, attempts, queue)) in
                scenario.workloads.iter_mut().zip(workloads)
            {
                of.demand = ibn_sim::scenario::DemandSpec::Constant(rate);
                of.replicas = replicas;
                of.balancing = [
                    Balancing::Random,
                    Balancing::RoundRobin,
                    Balancing::LeastLoaded,
                    Balancing::PowerOfTwo,
                    Balancing::KeptConnections,
                ][balancing];
                of.service = of.service.scaled(law as f64);
                of.timeout = timeout.map(Duration::from_millis);
                of.max_queue = queue;
                if let Some(retries) = &mut of.retries {
                    retries.attempts = attempts.max(1);
                }
            }
            scenario.faults = faults
                .into_iter()
                .map(|(at, lasts, effect, hit)| Fault {
                    lasts: Duration::from_secs(lasts),
                    workload: hit.and_then(|hit| names.get(hit).cloned()),
                    ..Fault::once(Duration::from_secs(at), effect)
                })
                .collect();
            scenario
        })
}

const BASE: &str = r#"
name = "random"
horizon = "10m"
nodes = [{ name = "n", count = 3, cpu = "3", memory = "4Gi" }]

[[workloads]]
namespace = "a"
name = "front"
replicas = 2
requests = { cpu = "300m", memory = "128Mi" }
limits = { cpu = "600m", memory = "256Mi" }
service = { law = "exponential", mean = "8ms" }
startup = { law = "lognormal", mean = "8s", cv = 0.5 }
memoryPerRequest = "8Mi"
slo = { atMost = "200ms" }
demand = { constant = 1.0 }
calls = [{ workload = "a/Deployment/middle", share = 0.7 }, { workload = "a/Deployment/back" }]
retries = { attempts = 2 }

[[workloads]]
namespace = "a"
name = "middle"
replicas = 2
requests = { cpu = "500m", memory = "128Mi" }
limits = { cpu = "500m", memory = "256Mi" }
service = { law = "erlang", mean = "10ms", shape = 3 }
startup = { law = "constant", mean = "5s" }
slo = { atMost = "200ms" }
demand = { constant = 1.0 }
calls = [{ workload = "a/Deployment/back", share = 0.5 }]

[[workloads]]
namespace = "a"
name = "back"
replicas = 2
requests = { cpu = "250m", memory = "128Mi" }
limits = { cpu = "1", memory = "128Mi" }
service = { law = "pareto", mean = "6ms", shape = 1.8 }
startup = { law = "constant", mean = "5s" }
slo = { atMost = "200ms" }
demand = { constant = 1.0 }
retries = { attempts = 1, budget = 1.0 }
"#;

fn check(scenario: &Scenario, seed: u64) {
    let cluster = SimulatedCluster::new(scenario, seed).unwrap();
    let mut used = vec![0.0; scenario.workloads.len()];
    for step in 1..=20 {
        cluster.advance_by(Duration::from_secs(30));
        let mut reserved = [(0, 0); 3];
        for (of, used) in scenario.workloads.iter().zip(&mut used) {
            let workload = of.workload();
            let metrics = cluster.metrics(&workload).unwrap();
            let counts = metrics.counts;
            assert_eq!(
                counts.arrived,
                counts.finished() + metrics.in_flight,
                "{workload} after {step} steps: {counts:?}"
            );
            assert!(counts.over_objective <= counts.served);
            let pods = cluster.pods(&workload);
            for pod in &pods {
                assert!(pod.in_flight <= 3 + of.max_queue as usize, "{pod:?}");
                if let (Some(node), true) = (pod.node, pod.phase != PodPhase::Pending) {
                    reserved[node].0 += pod.size.cpu_request.get();
                    reserved[node].1 += pod.size.memory_request.get();
                }
            }
            // At most four pods, each at most the quota of 30 s and of the period that had begun.
            let limit = of.limits.cpu.map_or(3.0, CpuMillis::as_cores).min(3.0);
            let spent = (metrics.used_core_hours - *used) * 3600.0;
            assert!(spent <= 8.0 * limit * 30.2, "{workload}: {spent}");
            *used = metrics.used_core_hours;
        }
        for (cpu, memory) in reserved {
            assert!(cpu <= 3000 && memory <= 4 << 30, "{reserved:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_from_the_books(scenario in scenario(), seed in 0..1000u64) {
        check(&scenario, seed);
    }

    #[test]
    fn steps_and_looks_change_nothing(scenario in scenario(), seed in 0..1000u64, step in 100..9000u64) {
        let run = |step: u64| {
            let cluster = SimulatedCluster::new(&scenario, seed).unwrap();
            let mut now = 0;
            while now < 300_000 {
                let next = step.min(300_000 - now);
                cluster.advance_by(Duration::from_millis(next));
                now += next;
            }
            (cluster.event_hash(), cluster.all_metrics())
        };
        prop_assert_eq!(run(300_000), run(step));
    }
}

#[test]
fn a_snapshot_goes_on_as_the_original() {
    let scenario = Scenario::from_toml(BASE).unwrap();
    let mut cluster: Cluster = scenario.cluster(1).unwrap();
    cluster.advance_to(SimTime::from_secs(60));
    let mut copy = cluster.clone();
    for of in [&mut cluster, &mut copy] {
        of.advance_to(SimTime::from_secs(120));
    }
    assert_eq!(cluster.event_hash(), copy.event_hash());
}
