//! Conformance of a `Monitor`, and one that says what it is told.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ibn_core::observation::{Observation, Reading, Signal};
use ibn_core::roles::Monitor;
use ibn_core::workload::WorkloadRef;
use jiff::Timestamp;

/// A monitor that says what it was told last; what it wasn't told of is empty.
///
/// ```
/// use std::time::Duration;
/// use ibn_core::observation::Signal;
/// use ibn_core::roles::Monitor;
/// use ibn_core::workload::WorkloadRef;
/// use ibn_testkit::monitor::ScriptedMonitor;
///
/// let (web, now) = (WorkloadRef::deployment("acme", "web"), "2026-01-01T00:00:00Z".parse().unwrap());
/// let monitor = ScriptedMonitor::new(now);
/// monitor.set(&web, Signal::RequestRate, 12.0, now);
/// let seen = futures::executor::block_on(monitor.observe(&[web], Duration::from_secs(60))).unwrap();
/// assert_eq!(seen[0].value(&Signal::RequestRate), Some(12.0));
/// ```
#[derive(Debug)]
pub struct ScriptedMonitor {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    readings: BTreeMap<WorkloadRef, BTreeMap<Signal, Reading>>,
    failure: Option<ibn_core::Error>,
}

impl ScriptedMonitor {
    /// One that has seen nothing at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let state = State {
            now,
            readings: BTreeMap::new(),
            failure: None,
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// From now on a signal has this value.
    pub fn set(&self, workload: &WorkloadRef, signal: Signal, value: f64, at: Timestamp) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let readings = state.readings.entry(workload.clone()).or_default();
        readings.insert(signal, Reading { value, at });
    }

    /// From now on nothing is known of a workload.
    pub fn forget(&self, workload: &WorkloadRef) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .readings
            .remove(workload);
    }

    /// From now on it is this late.
    pub fn set_now(&self, now: Timestamp) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .now = now;
    }

    /// From now on it fails so, or no longer.
    pub fn fail(&self, failure: Option<ibn_core::Error>) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .failure = failure;
    }
}

#[async_trait]
impl Monitor for ScriptedMonitor {
    async fn observe(
        &self,
        workloads: &[WorkloadRef],
        window: Duration,
    ) -> ibn_core::Result<Vec<Observation>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        Ok(workloads
            .iter()
            .map(|workload| {
                let mut seen = Observation::new(workload.clone(), state.now, window);
                seen.readings = state.readings.get(workload).cloned().unwrap_or_default();
                seen
            })
            .collect())
    }
}

/// What every monitor must hold. It can be reached, and has something of `known`.
///
/// # Panics
/// Where `monitor` doesn't.
pub async fn check(monitor: &dyn Monitor, known: &WorkloadRef) {
    let window = Duration::from_secs(60);
    let nobody = WorkloadRef::deployment("no-such-namespace", "no-such-workload");
    let space = WorkloadRef::namespace(&known.namespace);
    assert_eq!(
        observe(monitor, &[], window).await,
        [],
        "nothing asked, nothing said"
    );
    let asked = [nobody.clone(), known.clone(), space.clone(), known.clone()];
    let seen = observe(monitor, &asked, window).await;
    let answered: Vec<_> = seen.iter().map(|it| it.workload.clone()).collect();
    assert_eq!(
        answered, asked,
        "one observation for each, in order, twice where asked twice"
    );
    for it in &seen {
        assert!(!it.window.is_zero(), "rates cover something");
        let is_known = it.workload == *known;
        assert_eq!(
            !it.readings.is_empty(),
            is_known,
            "{} has {:?}",
            it.workload,
            it.readings
        );
        for (signal, reading) in &it.readings {
            // A clock may differ by a little, not by a minute.
            let ahead = reading.at.duration_since(it.at);
            assert!(
                ahead.as_secs() < 60,
                "{signal} of {} is of the future: {reading:?}",
                it.workload
            );
        }
    }
}

#[expect(
    clippy::panic,
    reason = "a test with a monitor that can't be reached is to fail"
)]
async fn observe(
    monitor: &dyn Monitor,
    workloads: &[WorkloadRef],
    window: Duration,
) -> Vec<Observation> {
    match monitor.observe(workloads, window).await {
        Ok(seen) => seen,
        Err(error) => panic!("it can be reached: {error}"),
    }
}
