//! The simulated cluster in its roles.

use futures::executor::block_on;
use ibn_core::allocation::{ContainerResources, Field, QuotaLimits};
use ibn_core::decision::{DecisionId, Trigger};
use ibn_core::envelope::Envelope;
use ibn_core::guard::{ApprovedPlan, Current, Desired, Guard, Plan, Receipt};
use ibn_core::intent::Autoscale;
use ibn_core::observation::{Observation, Signal, SignalHealth};
use ibn_core::roles::{Monitor, Orchestrator};
use ibn_core::units::{Bytes, CpuMillis, Quantile};
use ibn_core::workload::{FieldOwner, Inventory};

use super::*;
use crate::pod::PodPhase;
use crate::scenario::FaultEffect;

const MINUTE: Duration = Duration::from_secs(60);

fn web() -> WorkloadRef {
    WorkloadRef::deployment("acme", "web")
}

fn demo() -> SimulatedCluster {
    SimulatedCluster::new(&Scenario::demo().unwrap(), 1).unwrap()
}

fn inventory(cluster: &SimulatedCluster) -> Inventory {
    block_on(cluster.inventory()).unwrap()
}

fn live(cluster: &SimulatedCluster) -> Allocation {
    inventory(cluster).workloads[&web()].allocation.clone()
}

/// What the guard makes of a wish, with nothing that limits it.
fn approve(
    cluster: &SimulatedCluster,
    decision: u64,
    workload: &WorkloadRef,
    desired: Desired,
) -> ApprovedPlan {
    let inventory = inventory(cluster);
    let envelope = Envelope::open(workload.clone());
    let plan = Plan {
        decision: DecisionId(decision),
        workload: workload.clone(),
        desired,
        trigger: Trigger::Directive,
        intents: vec![],
        reasons: vec![],
    };
    let current = Current {
        now: cluster.now(),
        state: &inventory.workloads[workload],
        envelope: &envelope,
        inventory: &inventory,
        in_flight: &[],
        health: SignalHealth::Fresh,
        floor: None,
        last_applied_at: None,
        barred: &[],
        approved_by_person: true,
    };
    Guard.review(plan, &current).into_parts().0.unwrap()
}

fn apply(cluster: &SimulatedCluster, decision: u64, allocation: &Allocation) -> Receipt {
    let plan = approve(
        cluster,
        decision,
        &web(),
        Desired::Allocation(allocation.clone()),
    );
    block_on(cluster.apply(plan)).unwrap()
}

fn bigger(allocation: &Allocation, replicas: u32, cpu: u64) -> Allocation {
    let app = ContainerResources::new("app")
        .with_requests(CpuMillis::new(cpu), Bytes::new(256 << 20))
        .with_limits(CpuMillis::new(2 * cpu), Bytes::new(256 << 20));
    Allocation {
        replicas,
        containers: vec![app],
        ..allocation.clone()
    }
}

#[test]
fn an_apply_changes_everything_and_its_receipt_can_undo_it() {
    let cluster = demo();
    cluster.advance_by(MINUTE);
    let before = live(&cluster);
    let wanted = bigger(&before, 5, 700);
    let plan = approve(&cluster, 1, &web(), Desired::Allocation(wanted.clone()));
    let preview = block_on(cluster.preview(&plan)).unwrap();
    assert_eq!(live(&cluster), before, "a preview changes nothing");
    let receipt = block_on(cluster.apply(plan.clone())).unwrap();
    assert_eq!(preview, before.changes_to(&wanted));
    assert_eq!(
        (receipt.previous.clone(), receipt.applied.clone()),
        (
            Desired::Allocation(before.clone()),
            Desired::Allocation(wanted.clone())
        )
    );
    assert_eq!(receipt.applied_at, cluster.now());
    assert_eq!(
        receipt.resource_version,
        inventory(&cluster).workloads[&web()].resource_version
    );
    cluster.advance_by(MINUTE);
    let pods = cluster.pods(&web());
    assert_eq!(pods.len(), 5);
    assert!(
        pods.iter()
            .all(|pod| pod.phase == PodPhase::Ready && pod.size.cpu_request == CpuMillis::new(700))
    );

    apply(&cluster, 2, before_of(&receipt));
    assert_eq!(live(&cluster), before);
}

fn before_of(receipt: &Receipt) -> &Allocation {
    receipt.previous.allocation().unwrap()
}

#[test]
fn a_decision_is_applied_once() {
    let cluster = demo();
    let plan = approve(
        &cluster,
        1,
        &web(),
        Desired::Allocation(live(&cluster).with_replicas(5)),
    );
    let first = block_on(cluster.apply(plan.clone())).unwrap();
    apply(&cluster, 2, &live(&cluster).with_replicas(4));
    assert_eq!(block_on(cluster.apply(plan.clone())).unwrap(), first);
    assert_eq!(
        live(&cluster).replicas,
        4,
        "the second call changed nothing"
    );
    assert_eq!(block_on(cluster.preview(&plan)).unwrap(), []);
}

#[test]
fn a_plan_that_was_judged_on_something_else_is_refused() {
    let cluster = demo();
    let plan = approve(
        &cluster,
        1,
        &web(),
        Desired::Allocation(live(&cluster).with_replicas(5)),
    );
    cluster
        .change_by_hand(&web(), &live(&cluster).with_replicas(6), "kubectl")
        .unwrap();
    for result in [
        block_on(cluster.preview(&plan)).map(|_| ()),
        block_on(cluster.apply(plan)).map(|_| ()),
    ] {
        assert!(
            matches!(result, Err(ibn_core::Error::Stale { .. })),
            "{result:?}"
        );
    }
    assert_eq!(live(&cluster).replicas, 6);
    let owners = &inventory(&cluster).workloads[&web()].owners;
    assert_eq!(
        owners[&Field::Replicas],
        FieldOwner::Manager("kubectl".to_owned())
    );
    let receipt = apply(&cluster, 2, &live(&cluster).with_replicas(3));
    assert_eq!(
        receipt.previous_owners[&Field::Replicas],
        FieldOwner::Manager("kubectl".to_owned())
    );
    assert_eq!(
        inventory(&cluster).workloads[&web()].owners[&Field::Replicas],
        FieldOwner::Ibn
    );
}

#[test]
fn what_does_not_exist_or_cannot_be_is_refused_whole() {
    let cluster = demo();
    let nobody = WorkloadRef::deployment("acme", "wep");
    let found = cluster.change_by_hand(&nobody, &live(&cluster), "kubectl");
    assert!(
        matches!(found, Err(ibn_core::Error::NotFound { .. })),
        "{found:?}"
    );
    let mut wrong = live(&cluster).with_replicas(9);
    wrong.containers[0].limits.cpu = Some(CpuMillis::new(1));
    let found = cluster.change_by_hand(&web(), &wrong, "kubectl");
    assert!(
        matches!(found, Err(ibn_core::Error::Refused { .. })),
        "{found:?}"
    );
    assert_eq!(live(&cluster).replicas, 3);
}

#[test]
fn a_quota_is_an_object_of_its_namespace() {
    let cluster = demo();
    let acme = WorkloadRef::namespace("acme");
    let quota = QuotaLimits {
        cpu: Some(CpuMillis::new(4_000)),
        memory: None,
        pods: None,
    };
    let plan = approve(&cluster, 1, &acme, Desired::Quota(Some(quota)));
    let receipt = block_on(cluster.apply(plan)).unwrap();
    assert_eq!(receipt.previous, Desired::Quota(None));
    assert_eq!(inventory(&cluster).workloads[&acme].quota, Some(quota));
    // acme requests 3.5 cores; there is room for one more pod of 500m.
    cluster
        .change_by_hand(&web(), &live(&cluster).with_replicas(8), "kubectl")
        .unwrap();
    cluster.advance_by(MINUTE);
    assert_eq!(cluster.pods(&web()).len(), 4);
}

#[test]
fn an_autoscaler_runs_in_the_cluster() {
    let cluster = demo();
    let mut wanted = live(&cluster);
    wanted.autoscale = Some(Autoscale {
        min: Some(2),
        max: 4,
        cpu_utilization: Some(20),
    });
    apply(&cluster, 1, &wanted);
    assert_eq!(live(&cluster).autoscale, wanted.autoscale);
    cluster.advance_by(5 * MINUTE);
    // At night the front end uses some 0.25 cores; at 20 % of 500m that takes three pods or more.
    let replicas = live(&cluster).replicas;
    assert!((3..=4).contains(&replicas), "{replicas}");
    wanted.autoscale = Some(Autoscale {
        min: Some(6),
        max: 8,
        cpu_utilization: Some(90),
    });
    wanted.replicas = replicas;
    apply(&cluster, 2, &wanted);
    cluster.advance_by(MINUTE);
    assert_eq!(live(&cluster).replicas, 6);
    wanted.autoscale = None;
    wanted.replicas = 6;
    apply(&cluster, 3, &wanted);
    cluster.advance_by(10 * MINUTE);
    assert_eq!(
        (live(&cluster).replicas, live(&cluster).autoscale),
        (6, None),
        "it no longer shrinks"
    );
}

fn observe(cluster: &SimulatedCluster) -> Observation {
    block_on(cluster.observe(&[web()], MINUTE))
        .unwrap()
        .remove(0)
}

#[test]
fn observations_are_what_the_books_say() {
    let cluster = demo();
    assert!(
        observe(&cluster).readings.is_empty(),
        "nothing has been measured yet"
    );
    cluster.advance_by(10 * MINUTE);
    block_on(ibn_testkit::monitor::check(&cluster, &web()));
    let seen = observe(&cluster);
    let value = |signal| seen.value(&signal).unwrap();
    let (rate, cpu) = (value(Signal::RequestRate), value(Signal::CpuUsage));
    // 20 ms a request.
    assert!(
        (cpu / rate / 0.02 - 1.0).abs() < 0.2,
        "{cpu} cores at {rate}/s"
    );
    assert!(value(Signal::Latency(Quantile::P50)) < value(Signal::Latency(Quantile::P95)));
    assert_eq!(value(Signal::ErrorRate), 0.0);
    assert_eq!(value(Signal::ReadyReplicas), 3.0);
    assert!(value(Signal::MemoryUsage) >= 3.0 * value(Signal::MemoryPeak) * 0.9);
    assert_eq!(
        seen.health(&Signal::CpuUsage, cluster.now(), MINUTE),
        SignalHealth::Fresh
    );
}

#[test]
fn faults_take_signals_away() {
    let cluster = demo();
    cluster.advance_by(5 * MINUTE);
    let before = observe(&cluster);
    let fault = |effect| Fault {
        at: cluster.elapsed(),
        lasts: 2 * MINUTE,
        every: None,
        workload: Some(web()),
        effect,
    };
    let cpu = vec![Signal::CpuUsage];
    let health = |cluster: &SimulatedCluster, signal: &Signal| {
        observe(cluster).health(signal, cluster.now(), MINUTE)
    };

    let missing = cluster.fork();
    missing.inject(fault(FaultEffect::Missing(cpu.clone())));
    assert_eq!(health(&missing, &Signal::CpuUsage), SignalHealth::Missing);
    assert_eq!(health(&missing, &Signal::RequestRate), SignalHealth::Fresh);
    missing.advance_by(2 * MINUTE);
    assert_eq!(
        health(&missing, &Signal::CpuUsage),
        SignalHealth::Fresh,
        "the fault is over"
    );

    let invalid = cluster.fork();
    invalid.inject(fault(FaultEffect::NotANumber(vec![])));
    assert_eq!(
        health(&invalid, &Signal::RequestRate),
        SignalHealth::Invalid
    );

    let stale = cluster.fork();
    stale.inject(fault(FaultEffect::Stale(cpu)));
    stale.advance_by(MINUTE + Duration::from_secs(30));
    assert_eq!(health(&stale, &Signal::CpuUsage), SignalHealth::Stale);
    assert_eq!(
        observe(&stale).readings[&Signal::CpuUsage],
        before.readings[&Signal::CpuUsage]
    );

    let down = cluster.fork();
    down.inject(fault(FaultEffect::MonitorDown));
    down.inject(fault(FaultEffect::OrchestratorDown));
    assert!(matches!(
        block_on(down.observe(&[web()], MINUTE)),
        Err(ibn_core::Error::Unavailable { .. })
    ));
    assert!(matches!(
        block_on(down.inventory()),
        Err(ibn_core::Error::Unavailable { .. })
    ));

    cluster.inject(Fault {
        at: 6 * MINUTE,
        ..fault(FaultEffect::KillPods(2))
    });
    cluster.advance_by(2 * MINUTE);
    let ids: Vec<u64> = cluster.pods(&web()).iter().map(|pod| pod.id).collect();
    assert_eq!(ids, [2, 3, 4]);
}

#[test]
fn the_steps_in_which_time_moves_do_not_matter() {
    let run = |step: u64| {
        let cluster = demo();
        let mut wanted = live(&cluster);
        wanted.autoscale = Some(Autoscale {
            min: Some(1),
            max: 8,
            cpu_utilization: Some(30),
        });
        apply(&cluster, 1, &wanted);
        cluster.inject(Fault {
            at: 11 * MINUTE,
            lasts: MINUTE,
            every: None,
            workload: None,
            effect: FaultEffect::KillPods(1),
        });
        let end = 20 * MINUTE;
        while cluster.elapsed() < end {
            cluster.advance_by(Duration::from_millis(step).min(end - cluster.elapsed()));
        }
        (cluster.event_hash(), cluster.all_metrics())
    };
    assert_eq!(run(1_200_000), run(7_001));
}

/// A small cluster: a pod on each of two nodes, with plenty of room for requests of 10 ms at 20/s.
fn pair(faults: &str) -> SimulatedCluster {
    let text = format!(
        r#"
name = "pair"
horizon = "1h"
nodes = [{{ name = "n", count = 2, cpu = "4", memory = "8Gi" }}]
{faults}
[[workloads]]
namespace = "acme"
name = "web"
replicas = 2
requests = {{ cpu = "1", memory = "256Mi" }}
service = {{ law = "constant", mean = "10ms" }}
startup = {{ law = "constant", mean = "5s" }}
slo = {{ atMost = "200ms" }}
demand = {{ constant = 20.0 }}
"#
    );
    SimulatedCluster::new(&Scenario::from_toml(&text).unwrap(), 1).unwrap()
}

fn ready(cluster: &SimulatedCluster) -> u32 {
    let inventory = block_on(cluster.inventory()).unwrap();
    inventory.workloads[&web()].ready_replicas
}

#[test]
fn a_lost_node_takes_requests_for_fifty_seconds_and_its_pods_are_replaced_after_five_minutes() {
    let cluster = pair(r#"faults = [{ at = "2m", for = "20m", effect = { nodeLoss = 1 } }]"#);
    cluster.advance_by(2 * MINUTE - Duration::from_secs(1));
    assert_eq!(cluster.metrics(&web()).unwrap().counts.failed(), 0);
    cluster.advance_by(Duration::from_secs(31));
    // Half of 20/s for 30 s go to a node that isn't there.
    let lost = cluster.metrics(&web()).unwrap().counts.lost;
    assert!((230..370).contains(&lost), "{lost}");
    assert_eq!(ready(&cluster), 2, "nobody knows yet");
    cluster.advance_by(MINUTE);
    assert_eq!(ready(&cluster), 1);
    let lost = cluster.metrics(&web()).unwrap().counts.lost;
    assert!((420..580).contains(&lost), "{lost}");
    cluster.advance_by(5 * MINUTE);
    assert_eq!(ready(&cluster), 2, "another pod has taken its place");
    let metrics = cluster.metrics(&web()).unwrap();
    assert_eq!(metrics.counts.lost, lost, "none was lost any more");
    let nodes: Vec<Option<usize>> = cluster.pods(&web()).iter().map(|pod| pod.node).collect();
    assert!(nodes[0] == nodes[1], "both are on the node that is left");
    cluster.advance_by(30 * MINUTE);
    let free = block_on(cluster.inventory()).unwrap().free.unwrap();
    assert_eq!(free.cpu.get(), 6_000, "the node is there again");
}

#[test]
fn a_node_that_is_back_soon_starts_its_pods_again() {
    let cluster = pair(r#"faults = [{ at = "2m", for = "70s", effect = { nodeLoss = 1 } }]"#);
    cluster.advance_by(3 * MINUTE);
    assert_eq!(ready(&cluster), 1);
    cluster.advance_by(MINUTE);
    assert_eq!(ready(&cluster), 2);
    let restarts: u32 = cluster.pods(&web()).iter().map(|pod| pod.restarts).sum();
    assert_eq!(restarts, 1);
    let metrics = cluster.metrics(&web()).unwrap();
    assert_eq!(
        metrics.counts.arrived,
        metrics.counts.finished() + metrics.in_flight
    );
}

#[test]
fn slow_pods_crashes_and_cold_images_hold_as_long_as_they_are_said_to() {
    let slow = pair(
        r#"faults = [{ at = "0s", for = "10m", effect = { slowPods = { pods = 2, factor = 5.0 } } }]"#,
    );
    slow.advance_by(10 * MINUTE);
    let mean = |cluster: &SimulatedCluster| {
        let metrics = cluster.metrics(&web()).unwrap();
        metrics.used_core_hours * 3.6e6 / metrics.counts.served as f64
    };
    assert!((mean(&slow) - 50.0).abs() < 1.0, "{}", mean(&slow));
    slow.advance_by(10 * MINUTE);
    assert!((mean(&slow) - 30.0).abs() < 2.0, "{}", mean(&slow));

    let crashing =
        pair(r#"faults = [{ at = "1m", for = "10m", every = "2m", effect = { crashPods = 1 } }]"#);
    crashing.advance_by(20 * MINUTE);
    assert_eq!(
        crashing.metrics(&web()).unwrap().restarts,
        5,
        "at 1, 3, 5, 7 and 9 minutes"
    );

    let cold = pair(
        r#"faults = [{ at = "1m", for = "5m", effect = { coldImage = 10.0 } }, { at = "2m", for = "0s", effect = { killPods = 2 } }]"#,
    );
    cold.advance_by(2 * MINUTE + Duration::from_secs(49));
    assert_eq!(ready(&cold), 0);
    cold.advance_by(Duration::from_secs(2));
    assert_eq!(ready(&cold), 2);
}

#[test]
fn a_surge_brings_as_many_more_requests() {
    let surge = pair(r#"faults = [{ at = "10m", for = "90s", effect = { surge = 4.0 } }]"#);
    let arrived = |cluster: &SimulatedCluster| cluster.metrics(&web()).unwrap().counts.arrived;
    surge.advance_by(10 * MINUTE);
    let before = arrived(&surge);
    surge.advance_by(Duration::from_secs(90));
    let during = arrived(&surge) - before;
    // 80/s for 90 s: 7,200, give or take 85.
    assert!((6_850..7_550).contains(&during), "{during}");
    surge.advance_by(10 * MINUTE);
    let after = arrived(&surge) - before - during;
    assert!((11_500..12_500).contains(&after), "{after}");
}

#[test]
fn signals_can_be_wrong_late_and_of_another_time() {
    let cluster = demo();
    cluster.advance_by(10 * MINUTE);
    let before = observe(&cluster);
    let with = |effect| {
        let fork = cluster.fork();
        fork.inject(Fault {
            lasts: MINUTE,
            ..Fault::once(fork.elapsed(), effect)
        });
        observe(&fork)
    };
    let wrong = with(FaultEffect::Wrong(crate::scenario::WrongSignals {
        signals: vec![Signal::CpuUsage],
        factor: 3.0,
    }));
    let cpu = |seen: &Observation| seen.readings[&Signal::CpuUsage];
    assert_eq!(cpu(&wrong).value, 3.0 * cpu(&before).value);
    assert_eq!(
        wrong.readings[&Signal::RequestRate],
        before.readings[&Signal::RequestRate]
    );
    let seconds = jiff::SignedDuration::from_secs;
    let late = with(FaultEffect::Late(Duration::from_secs(45)));
    assert_eq!(cpu(&late).at, cpu(&before).at - seconds(45));
    let ahead = with(FaultEffect::ClockAhead(Duration::from_secs(90)));
    assert_eq!(cpu(&ahead).at, cpu(&before).at + seconds(90));
    let behind = with(FaultEffect::ClockBehind(Duration::from_secs(90)));
    assert_eq!(cpu(&behind).at, cpu(&before).at - seconds(90));
    assert_eq!(
        behind.health(&Signal::CpuUsage, cluster.now(), MINUTE),
        SignalHealth::Stale
    );
}

#[test]
fn an_orchestrator_that_refuses_changes_nothing() {
    let cluster = demo();
    cluster.inject(Fault {
        lasts: MINUTE,
        ..Fault::once(Duration::ZERO, FaultEffect::OrchestratorRefuses)
    });
    let allocation = live(&cluster).with_replicas(7);
    let refused = cluster.change_by_hand(&web(), &allocation, "kubectl");
    assert!(matches!(refused, Err(ibn_core::Error::Refused { .. })));
    assert!(block_on(cluster.inventory()).is_ok());
    cluster.advance_by(MINUTE);
    cluster
        .change_by_hand(&web(), &allocation, "kubectl")
        .unwrap();
}

#[test]
fn nodes_come_where_pods_find_no_room_and_go_where_none_is_left() {
    let cluster = pair(r#"nodeAutoscaling = { group = "n", most = 2, delay = "2m", idle = "5m" }"#);
    cluster.advance_by(MINUTE);
    let scale = |replicas| {
        let allocation = live(&cluster).with_replicas(replicas);
        cluster
            .change_by_hand(&web(), &allocation, "kubectl")
            .unwrap();
    };
    let cores = || inventory(&cluster).free.unwrap().cpu.get() / 1000;
    // Two nodes of four cores take eight pods of one; the ninth orders a node, and needs 5 s to start there.
    scale(9);
    cluster.advance_by(2 * MINUTE);
    assert_eq!(ready(&cluster), 8);
    cluster.advance_by(Duration::from_secs(6));
    assert_eq!((ready(&cluster), cores()), (9, 3));
    // Twenty want three more nodes than there are; two may come in all.
    scale(20);
    cluster.advance_by(10 * MINUTE);
    assert_eq!((ready(&cluster), cores()), (16, 0));
    scale(2);
    cluster.advance_by(3 * MINUTE);
    assert_eq!(cores(), 14, "they stay a while");
    cluster.advance_by(8 * MINUTE);
    assert!(
        (6..=10).contains(&cores()),
        "those without a pod have gone: {}",
        cores()
    );
    let unknown = Scenario::from_toml(
        "name = \"x\"\nhorizon = \"1h\"\nnodes = [{ name = \"n\", cpu = \"1\", memory = \"1Gi\" }]\nworkloads = []\nnodeAutoscaling = { group = \"m\", most = 1 }\n",
    );
    assert!(unknown.unwrap().cluster(1).is_err());
}
