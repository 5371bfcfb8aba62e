//! Simulated queues against what is known of them.

use super::*;
use crate::error::Error;

const MEAN: Duration = Duration::from_millis(1);
const CUSTOMERS: u64 = 400_000;

fn laws() -> [Law; 5] {
    [
        Law::Constant { mean: MEAN },
        Law::Uniform {
            min: Duration::ZERO,
            max: MEAN * 2,
        },
        Law::Exponential { mean: MEAN },
        Law::Lognormal {
            mean: MEAN,
            cv: 1.5,
        },
        Law::Hyperexponential {
            mean: MEAN,
            cv: 2.0,
        },
    ]
}

#[track_caller]
fn assert_near(found: f64, exact: f64, allowed: f64) {
    assert!((found - exact).abs() <= allowed, "{found}, exactly {exact}");
}

#[test]
fn both_ways_to_simulate_see_the_same_waits() {
    for servers in [1, 2, 4, 32] {
        for law in laws() {
            let queue = Queue::at_load(0.9, servers, law);
            let (a, b) = (
                queue.run_by_recursion(50_000, 3).unwrap(),
                queue.run_by_events(50_000, 3).unwrap(),
            );
            assert_eq!(a.mean_wait.to_bits(), b.mean_wait.to_bits(), "{law:?}");
            assert_eq!(a.p99_wait.to_bits(), b.p99_wait.to_bits());
            assert_eq!(a.mean_response.to_bits(), b.mean_response.to_bits());
        }
    }
}

#[test]
fn waits_with_several_servers_are_those_of_erlang() {
    for servers in [1, 2, 8, 32] {
        let queue = Queue::at_load(0.8, servers, Law::Exponential { mean: MEAN });
        let (seen, exact) = (queue.run_by_recursion(CUSTOMERS, 5).unwrap(), queue.exact());
        assert_near(
            seen.mean_wait,
            exact.mean_wait.unwrap(),
            4.0 * seen.standard_error,
        );
        let p99 = exact.p99_wait.unwrap();
        assert_near(seen.p99_wait, p99, 0.1 * p99);
    }
}

#[test]
fn waits_at_one_server_are_those_of_pollaczek_and_khinchine() {
    for law in laws() {
        let queue = Queue::at_load(0.7, 1, law);
        let (seen, exact) = (queue.run_by_recursion(CUSTOMERS, 7).unwrap(), queue.exact());
        assert_near(
            seen.mean_wait,
            exact.mean_wait.unwrap(),
            4.0 * seen.standard_error,
        );
        if let Some(p99) = exact.p99_wait {
            assert_near(seen.p99_wait, p99, 0.06 * p99);
        }
    }
}

#[test]
fn sharing_is_insensitive_to_the_law() {
    for law in laws() {
        let mut queue = Queue::at_load(0.7, 1, law);
        queue.discipline = Discipline::ProcessorSharing;
        let (seen, exact) = (queue.run_by_events(CUSTOMERS, 9).unwrap(), queue.exact());
        assert_near(
            seen.mean_wait,
            exact.mean_wait.unwrap(),
            4.0 * seen.standard_error,
        );
        assert!(seen.little_error.unwrap() < 1e-12);
    }
}

#[test]
fn finite_room_loses_what_erlang_says() {
    let mut queue = Queue::at_load(1.2, 2, Law::Exponential { mean: MEAN });
    queue.capacity = Some(6);
    let (seen, exact) = (queue.run_by_events(CUSTOMERS, 11).unwrap(), queue.exact());
    assert_near(seen.lost, exact.lost.unwrap(), 0.003);
    assert_near(
        seen.mean_wait,
        exact.mean_wait.unwrap(),
        0.02 * exact.mean_wait.unwrap(),
    );
    assert_near(
        seen.p99_wait,
        exact.p99_wait.unwrap(),
        0.02 * exact.p99_wait.unwrap(),
    );
    assert!(seen.little_error.unwrap() < 1e-12);
}

#[test]
fn what_is_no_stable_queue_is_refused() {
    let unstable = Queue::at_load(1.0, 2, Law::Exponential { mean: MEAN });
    assert!(matches!(
        unstable.run_by_events(10, 1),
        Err(Error::Queue(_))
    ));
    let mut shared = Queue::at_load(0.5, 1, Law::Exponential { mean: MEAN });
    shared.discipline = Discipline::ProcessorSharing;
    assert!(shared.run_by_recursion(10, 1).is_err());
    shared.servers = 0;
    assert!(shared.run_by_events(10, 1).is_err());
}
