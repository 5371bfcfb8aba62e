//! Recordings of what was observed, and playing them back: one observation as JSON a line.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ibn_core::observation::Observation;
use ibn_core::roles::{Clock, Monitor};
use ibn_core::workload::WorkloadRef;

use crate::error::{Error, Result};

/// Plays a recording back: at any time, the newest observation of each workload that had been made by then.
///
/// Readings keep their times, so that they grow stale where the recording has a gap or ends. The window is the recorded one.
///
/// ```
/// use std::sync::Arc;
/// use ibn_assurance::Replay;
/// use ibn_core::roles::VirtualClock;
///
/// let line = r#"{"workload":"acme/Deployment/web","at":"2026-01-01T00:00:00Z","window":"1m",
///     "readings":{"cpuUsage":{"value":0.5,"at":"2026-01-01T00:00:00Z"}}}"#.replace('\n', "");
/// let clock = Arc::new(VirtualClock::new("2026-01-01T00:00:30Z".parse()?));
/// assert_eq!(Replay::parse(&line, clock)?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Replay {
    /// By workload, oldest first.
    seen: BTreeMap<WorkloadRef, Vec<Observation>>,
    clock: Arc<dyn Clock>,
}

impl Replay {
    /// Of a file.
    ///
    /// # Errors
    /// A file that can't be read, or a line that is no observation.
    pub fn read(path: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, clock)
    }

    /// Of a text; empty lines are passed over.
    ///
    /// # Errors
    /// A line that is no observation.
    pub fn parse(text: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        let mut seen: BTreeMap<WorkloadRef, Vec<Observation>> = BTreeMap::new();
        for (idx, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let observation: Observation =
                serde_json::from_str(line).map_err(|source| Error::Recording {
                    line: idx + 1,
                    source,
                })?;
            seen.entry(observation.workload.clone())
                .or_default()
                .push(observation);
        }
        for observations in seen.values_mut() {
            observations.sort_by_key(|observation| observation.at);
        }
        Ok(Self { seen, clock })
    }

    /// How many observations it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.values().map(Vec::len).sum()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay")
            .field("observations", &self.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Monitor for Replay {
    async fn observe(
        &self,
        workloads: &[WorkloadRef],
        window: Duration,
    ) -> ibn_core::Result<Vec<Observation>> {
        let now = self.clock.now();
        let newest = |workload: &WorkloadRef| {
            let seen = self.seen.get(workload)?;
            seen.iter().rev().find(|observation| observation.at <= now)
        };
        Ok(workloads
            .iter()
            .map(|workload| match newest(workload) {
                Some(seen) => Observation {
                    at: now,
                    ..seen.clone()
                },
                None => Observation::new(workload.clone(), now, window),
            })
            .collect())
    }
}

/// Writes down all that another monitor observes, for [`Replay`].
///
/// What can't be written fails the observation: a recording with silent gaps is none.
#[derive(Debug)]
pub struct Recorded<M, W> {
    inner: M,
    lines: Mutex<W>,
}

impl<M: Monitor, W: Write + Send> Recorded<M, W> {
    /// What `inner` observes goes to `lines`, flushed after each round.
    #[must_use]
    pub fn new(inner: M, lines: W) -> Self {
        Self {
            inner,
            lines: Mutex::new(lines),
        }
    }

    /// What was written to.
    pub fn into_lines(self) -> W {
        self.lines
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, seen: &[Observation]) -> std::io::Result<()> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        for observation in seen {
            let mut line = serde_json::to_vec(observation)?;
            line.push(b'\n');
            lines.write_all(&line)?;
        }
        lines.flush()
    }
}

#[async_trait]
impl<M: Monitor, W: Write + Send> Monitor for Recorded<M, W> {
    async fn observe(
        &self,
        workloads: &[WorkloadRef],
        window: Duration,
    ) -> ibn_core::Result<Vec<Observation>> {
        let seen = self.inner.observe(workloads, window).await?;
        self.write(&seen)
            .map_err(|error| ibn_core::Error::unavailable("the recording", error))?;
        Ok(seen)
    }
}
