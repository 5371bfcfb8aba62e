//! The controller against decisions computed by hand from its documented rules.

use super::*;

fn pod(id: u64) -> Pod {
    Pod {
        id,
        status: PodStatus::Running,
        started: Some(-3600 * SECOND),
        readiness: Some(Readiness::Ready),
        ready_since: Some(-3590 * SECOND),
        deleted: false,
        cpu_request: Some(100),
        memory_request: None,
    }
}

fn pods(count: u64) -> Vec<Pod> {
    (0..count).map(pod).collect()
}

fn cpu(at_secs: i64, millis: &[(u64, i64)]) -> Readings {
    Readings::Pods(
        millis
            .iter()
            .map(|(pod, value)| Sample {
                pod: *pod,
                value: *value,
                at: at_secs * SECOND,
            })
            .collect(),
    )
}

fn each(at_secs: i64, pods: u64, millis: i64) -> Readings {
    cpu(
        at_secs,
        &(0..pods).map(|id| (id, millis)).collect::<Vec<_>>(),
    )
}

fn on_cpu(utilization: u32) -> Controller {
    Controller::new(Spec::on_cpu(1, 20, utilization), Parameters::default())
}

fn sync(controller: &mut Controller, at_secs: i64, pods: &[Pod], readings: Readings) -> Outcome {
    let replicas = pods.len() as i32;
    let seen = Seen {
        now: at_secs * SECOND,
        replicas,
        status_replicas: replicas,
        pods,
        readings: &[readings],
    };
    controller.sync(&seen)
}

#[track_caller]
fn check(utilization: u32, pods: &[Pod], readings: Readings, replicas: i32) {
    assert_eq!(
        sync(&mut on_cpu(utilization), 0, pods, readings).replicas,
        replicas
    );
}

#[test]
fn the_formula_rounds_up() {
    check(50, &pods(4), each(0, 4, 60), 5); // ⌈4 · 60/50⌉
    check(70, &pods(3), each(0, 3, 100), 5); // ⌈3 · 100/70⌉
}

#[test]
fn a_tenth_of_deviation_is_let_be() {
    check(50, &pods(4), each(0, 4, 55), 4);
    check(50, &pods(4), each(0, 4, 56), 5);
    check(50, &pods(4), each(0, 4, 45), 4);
}

#[test]
fn upwards_at_most_doubles_or_goes_to_four() {
    check(10, &pods(1), each(0, 1, 100), 4);
    check(10, &pods(4), each(0, 4, 100), 8);
}

#[test]
fn downwards_waits_for_five_quiet_minutes() {
    let mut controller = on_cpu(50);
    assert_eq!(
        sync(&mut controller, 0, &pods(4), each(0, 4, 50)).replicas,
        4
    );
    for at in (15..=300).step_by(15) {
        let outcome = sync(&mut controller, at, &pods(4), each(at, 4, 20));
        assert_eq!(
            (outcome.recommended, outcome.replicas),
            (Some(2), 4),
            "at {at} s"
        );
    }
    assert_eq!(
        sync(&mut controller, 315, &pods(4), each(315, 4, 20)).replicas,
        2
    );
}

#[test]
fn pods_without_a_reading_count_against_the_change() {
    // Down: the missing two count as at their request: (2·20 + 2·100) / 4 = 60 %, which points up: leave.
    check(50, &pods(4), cpu(0, &[(0, 20), (1, 20)]), 4);
    // Up: they count as 0: 2·100 / 4 = 50 %: leave.
    check(50, &pods(4), cpu(0, &[(0, 100), (1, 100)]), 4);
    // Up all the same: 3·100 / 4 = 75 %: ⌈4 · 75/50⌉.
    check(50, &pods(4), cpu(0, &[(0, 100), (1, 100), (2, 100)]), 6);
}

#[test]
fn a_pod_that_just_became_ready_does_not_count_yet() {
    let mut pods = pods(2);
    pods[1].started = Some(-20 * SECOND);
    pods[1].ready_since = Some(-10 * SECOND);
    // Its sample of 100 would begin before it was ready: (100 + 0) / 2 = 50 %.
    check(50, &pods, each(0, 2, 100), 2);
    pods[1].ready_since = Some(-15 * SECOND);
    check(50, &pods, each(0, 2, 100), 4);
}

#[test]
fn what_is_going_away_does_not_count() {
    let mut pods = pods(3);
    pods[2].deleted = true;
    check(50, &pods, cpu(0, &[(0, 40), (1, 40), (2, 1000)]), 3); // ⌈2 · 40/50⌉ = 2, held by stabilisation
}

#[test]
fn without_readings_or_requests_nothing_changes() {
    let outcome = sync(&mut on_cpu(50), 0, &pods(3), Readings::Failed);
    assert_eq!((outcome.recommended, outcome.replicas), (None, 3));
    let mut pods = pods(3);
    pods[0].cpu_request = None;
    assert_eq!(
        sync(&mut on_cpu(50), 0, &pods, each(0, 3, 100)).recommended,
        None
    );
}

#[test]
fn bounds_hold_without_readings() {
    let mut controller = Controller::new(Spec::on_cpu(3, 5, 50), Parameters::default());
    assert_eq!(
        sync(&mut controller, 0, &pods(2), Readings::Failed).replicas,
        3
    );
    assert_eq!(
        sync(&mut controller, 15, &pods(7), Readings::Failed).replicas,
        5
    );
    assert_eq!(
        sync(&mut controller, 30, &[], Readings::Failed).replicas,
        0,
        "scaled to zero by hand is left"
    );
}

#[test]
fn a_failing_metric_forbids_to_shrink_but_not_to_grow() {
    let mut spec = Spec::on_cpu(1, 20, 50);
    spec.metrics.push(Metric {
        source: Source::External,
        target: Target::AverageValue(1000),
    });
    let run = |used| {
        let (mut controller, pods) = (
            Controller::new(spec.clone(), Parameters::default()),
            pods(4),
        );
        let readings = [each(0, 4, used), Readings::Failed];
        controller
            .sync(&Seen {
                now: 0,
                replicas: 4,
                status_replicas: 4,
                pods: &pods,
                readings: &readings,
            })
            .recommended
    };
    assert_eq!((run(10), run(100)), (None, Some(8)));
}

#[test]
fn policies_bound_the_change_within_their_period() {
    let mut spec = Spec::on_cpu(1, 100, 10);
    let pods_policy = Policy {
        amount: Amount::Pods(3),
        period_secs: 60,
    };
    spec.behavior = Some(Behavior {
        up: Rules {
            window_secs: Some(0),
            select: Select::Max,
            policies: vec![pods_policy],
        },
        down: Rules {
            window_secs: Some(0),
            select: Select::Disabled,
            policies: vec![],
        },
    });
    let mut controller = Controller::new(spec, Parameters::default());
    let mut replicas = 2;
    for (at, expected) in [(0, 5), (15, 5), (45, 5), (60, 8), (75, 8)] {
        let outcome = sync(
            &mut controller,
            at,
            &pods(replicas),
            each(at, replicas, 100),
        );
        assert_eq!(outcome.replicas, expected, "at {at} s");
        if outcome.replicas != replicas as i32 {
            controller.scaled(at * SECOND, replicas as i32, outcome.replicas);
        }
        replicas = outcome.replicas as u64;
    }
    let outcome = sync(&mut controller, 90, &pods(8), each(90, 8, 1));
    assert_eq!(
        (outcome.recommended, outcome.replicas),
        (Some(1), 8),
        "downwards is disabled"
    );
}

#[test]
fn external_amounts_are_per_pod_or_in_all() {
    let run = |target, total| {
        let mut spec = Spec::on_cpu(1, 20, 50);
        spec.metrics = vec![Metric {
            source: Source::External,
            target,
        }];
        let (mut controller, pods) = (Controller::new(spec, Parameters::default()), pods(4));
        let readings = [Readings::Total(total)];
        controller
            .sync(&Seen {
                now: 0,
                replicas: 4,
                status_replicas: 4,
                pods: &pods,
                readings: &readings,
            })
            .replicas
    };
    assert_eq!(run(Target::AverageValue(30_000), 151_000), 6); // ⌈151/30⌉
    assert_eq!(run(Target::Value(100_000), 140_000), 6); // ⌈4 · 1.4⌉
}

#[test]
fn the_recommender_holds_what_every_recommender_must() {
    ibn_testkit::recommender::check(&|| Box::new(Hpa::new(70)));
    ibn_testkit::recommender::check(&|| Box::new(crate::autoscaler::Fixed::as_found()));
}

#[test]
fn the_recommender_decides_as_the_controller_does() {
    use ibn_core::roles::Recommender;
    // Four pods of one core that use half of it: 50 % of a target of 25 %.
    let situation = ibn_testkit::recommender::situation(4, 0);
    let advice = Hpa::new(25).recommend(&situation);
    assert_eq!(advice.allocation.replicas, 8);
    let mut hpa = Hpa::new(50);
    assert_eq!(hpa.recommend(&situation).allocation.replicas, 4);
    assert_eq!(hpa.recommend(&situation).reasons[0].code, "NotDue");
}
