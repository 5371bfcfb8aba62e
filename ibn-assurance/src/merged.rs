//! Several monitors as one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use ibn_core::observation::{Observation, Reading, Signal, SignalHealth};
use ibn_core::roles::Monitor;
use ibn_core::workload::WorkloadRef;

/// Asks several monitors at once and takes each signal from the first that has it fresh.
///
/// Where none has it fresh, the best that there is is taken: stale before invalid, the earlier monitor between equals. A
/// monitor that fails is passed over; only where all fail, the first one's failure is the answer.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use ibn_assurance::{Merged, Replay};
/// use ibn_core::roles::VirtualClock;
///
/// let clock = Arc::new(VirtualClock::new("2026-01-01T00:00:00Z".parse()?));
/// let (first, second) = (Replay::parse("", clock.clone())?, Replay::parse("", clock)?);
/// let merged = Merged::new(vec![Arc::new(first), Arc::new(second)], Duration::from_secs(60));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Merged {
    sources: Vec<Arc<dyn Monitor>>,
    max_age: Duration,
}

impl Merged {
    /// From these monitors, the preferred one first. A reading older than `max_age` is stale.
    #[must_use]
    pub fn new(sources: Vec<Arc<dyn Monitor>>, max_age: Duration) -> Self {
        Self { sources, max_age }
    }
}

impl std::fmt::Debug for Merged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Merged")
            .field("sources", &self.sources.len())
            .field("max_age", &self.max_age)
            .finish()
    }
}

#[async_trait]
impl Monitor for Merged {
    async fn observe(
        &self,
        workloads: &[WorkloadRef],
        window: Duration,
    ) -> ibn_core::Result<Vec<Observation>> {
        let asked = self
            .sources
            .iter()
            .map(|source| source.observe(workloads, window));
        let mut first_error = None;
        let mut answers: Vec<Vec<Observation>> = Vec::new();
        for answer in join_all(asked).await {
            match answer {
                Ok(seen) => answers.push(seen),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        if answers.is_empty() {
            return Err(first_error.unwrap_or_else(|| {
                ibn_core::Error::invalid("a merge of monitors", "there is none to ask")
            }));
        }
        Ok(workloads
            .iter()
            .enumerate()
            .filter_map(|(idx, _)| {
                self.merge(
                    answers
                        .iter()
                        .filter_map(|answer| answer.get(idx))
                        .collect(),
                )
            })
            .collect())
    }
}

impl Merged {
    fn merge(&self, seen: Vec<&Observation>) -> Option<Observation> {
        // All were asked at once; the newest instant is the one by which none looks older than it is.
        let at = seen.iter().map(|it| it.at).max()?;
        let first = *seen.first()?;
        let mut merged = Observation::new(first.workload.clone(), at, first.window);
        let health = |signal: &Signal, reading: &Reading| {
            let mut one = Observation::new(first.workload.clone(), at, first.window);
            one.readings.insert(signal.clone(), *reading);
            one.health(signal, at, self.max_age)
        };
        for (signal, reading) in seen.iter().flat_map(|it| &it.readings) {
            let better = merged.readings.get(signal).is_none_or(|held| {
                let held = health(signal, held);
                held != SignalHealth::Fresh && health(signal, reading) < held
            });
            if better {
                merged.readings.insert(signal.clone(), *reading);
            }
        }
        Some(merged)
    }
}
