//! Merging, recording and replaying.
#![expect(
    clippy::unwrap_used,
    reason = "the functions that tests share fail as tests do"
)]

use std::sync::Arc;
use std::time::Duration;

use ibn_assurance::{Merged, Recorded, Replay};
use ibn_core::observation::{Observation, Signal};
use ibn_core::roles::{Monitor, VirtualClock};
use ibn_core::workload::WorkloadRef;
use ibn_testkit::monitor::{ScriptedMonitor, check};
use jiff::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + second).unwrap()
}

fn web() -> WorkloadRef {
    WorkloadRef::deployment("acme", "web")
}

async fn see(monitor: &dyn Monitor) -> Observation {
    monitor.observe(&[web()], MINUTE).await.unwrap().remove(0)
}

#[tokio::test]
async fn each_signal_comes_from_the_first_that_has_it_fresh() {
    let (first, second) = (ScriptedMonitor::new(at(100)), ScriptedMonitor::new(at(100)));
    let set = |monitor: &ScriptedMonitor, signal, value, second| {
        monitor.set(&web(), signal, value, at(second))
    };
    set(&first, Signal::RequestRate, 1.0, 100);
    set(&second, Signal::RequestRate, 2.0, 100);
    set(&first, Signal::CpuUsage, 1.0, 0);
    set(&second, Signal::CpuUsage, 2.0, 90);
    set(&first, Signal::ErrorRate, f64::NAN, 100);
    set(&second, Signal::ErrorRate, 0.5, 1);
    set(&first, Signal::MemoryUsage, 1.0, 10);
    set(&second, Signal::MemoryUsage, 2.0, 20);
    set(&second, Signal::Throughput, 2.0, 100);
    let merged = Merged::new(vec![Arc::new(first), Arc::new(second)], MINUTE);
    let seen = see(&merged).await;
    let value = |signal: Signal| seen.readings.get(&signal).map(|it| (it.value, it.at));
    assert_eq!(
        value(Signal::RequestRate),
        Some((1.0, at(100))),
        "both fresh: the first"
    );
    assert_eq!(
        value(Signal::CpuUsage),
        Some((2.0, at(90))),
        "one fresh: that one"
    );
    assert_eq!(
        value(Signal::ErrorRate),
        Some((0.5, at(1))),
        "stale before invalid"
    );
    assert_eq!(
        value(Signal::MemoryUsage),
        Some((1.0, at(10))),
        "both stale: the first"
    );
    assert_eq!(
        value(Signal::Throughput),
        Some((2.0, at(100))),
        "one has it: that one"
    );
    assert_eq!(value(Signal::Restarts), None);
    check(&merged, &web()).await;
}

#[tokio::test]
async fn one_that_fails_is_passed_over_and_all_that_fail_are_not() {
    let (first, second) = (
        Arc::new(ScriptedMonitor::new(at(0))),
        Arc::new(ScriptedMonitor::new(at(0))),
    );
    second.set(&web(), Signal::CpuUsage, 2.0, at(0));
    let merged = Merged::new(vec![first.clone(), second.clone()], MINUTE);
    first.fail(Some(ibn_core::Error::unavailable("first", "gone")));
    assert_eq!(see(&merged).await.value(&Signal::CpuUsage), Some(2.0));
    second.fail(Some(ibn_core::Error::unavailable("second", "gone")));
    let error = merged.observe(&[web()], MINUTE).await.unwrap_err();
    assert_eq!(error, ibn_core::Error::unavailable("first", "gone"));
    assert!(
        Merged::new(Vec::new(), MINUTE)
            .observe(&[web()], MINUTE)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn what_was_recorded_is_played_back_and_grows_old() {
    let source = Arc::new(ScriptedMonitor::new(at(0)));
    let recorded = Recorded::new(Shared(source.clone()), Vec::new());
    for second in [0, 15, 30] {
        source.set_now(at(second));
        source.set(&web(), Signal::RequestRate, second as f64, at(second));
        source.set(&web(), Signal::ErrorRate, f64::NAN, at(second));
        see(&recorded).await;
    }
    let lines = String::from_utf8(recorded.into_lines()).unwrap();
    assert_eq!(lines.lines().count(), 3);
    check(&Recorded::new(Shared(source.clone()), Vec::new()), &web()).await;
    // Written in any order, played in order.
    let shuffled: Vec<&str> = lines.lines().rev().collect();
    let clock = Arc::new(VirtualClock::new(at(0)));
    let replay = Replay::parse(&shuffled.join("\n\n"), clock.clone()).unwrap();
    check(&replay, &web()).await;
    for (now, expected) in [(0, 0.0), (14, 0.0), (15, 15.0), (500, 30.0)] {
        clock.set(at(now));
        let seen = see(&replay).await;
        assert_eq!(
            (seen.value(&Signal::RequestRate), seen.at),
            (Some(expected), at(now))
        );
        assert!(
            seen.readings
                .get(&Signal::ErrorRate)
                .unwrap()
                .value
                .is_nan()
        );
    }
    use ibn_core::observation::SignalHealth::Stale;
    assert_eq!(
        see(&replay)
            .await
            .health(&Signal::RequestRate, at(500), MINUTE),
        Stale
    );
}

#[tokio::test]
async fn before_its_first_observation_a_recording_is_silent() {
    let line = serde_json::to_string(&Observation::new(web(), at(10), MINUTE)).unwrap();
    let replay = Replay::parse(&line, Arc::new(VirtualClock::new(at(0)))).unwrap();
    assert_eq!(see(&replay).await, Observation::new(web(), at(0), MINUTE));
}

#[test]
fn a_damaged_line_is_named() {
    let clock = Arc::new(VirtualClock::new(at(0)));
    let line = serde_json::to_string(&Observation::new(web(), at(0), MINUTE)).unwrap();
    let error =
        Replay::parse(&format!("{line}\n\n{{\"workload\": 1}}"), clock.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 3 of the recording is no observation"
    );
    let missing = Replay::read("/no/such/recording.jsonl".as_ref(), clock).unwrap_err();
    assert!(missing.to_string().contains("/no/such/recording.jsonl"));
}

#[tokio::test]
async fn a_recording_that_cannot_be_written_is_said() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("no space left"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let recorded = Recorded::new(ScriptedMonitor::new(at(0)), Full);
    let error = recorded.observe(&[web()], MINUTE).await.unwrap_err();
    assert!(error.to_string().contains("no space left"), "{error}");
}

/// A monitor that two share.
struct Shared(Arc<ScriptedMonitor>);

#[async_trait::async_trait]
impl Monitor for Shared {
    async fn observe(
        &self,
        workloads: &[WorkloadRef],
        window: Duration,
    ) -> ibn_core::Result<Vec<Observation>> {
        self.0.observe(workloads, window).await
    }
}
