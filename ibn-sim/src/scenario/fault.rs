//! Faults: what goes wrong with signals and pods, and when.

use std::time::Duration;

use ibn_core::observation::Signal;
use ibn_core::units::duration_text;
use ibn_core::workload::WorkloadRef;
use serde::Serialize;

/// Something that goes wrong for a while.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// When it begins, since the start of the run.
    #[serde(with = "duration_text")]
    pub at: Duration,
    /// How long it lasts; of no effect on what happens once.
    #[serde(rename = "for", with = "duration_text")]
    pub lasts: Duration,
    /// The time from one to the next of what happens once, as long as it lasts; absent where it happens only at its beginning.
    #[serde(
        default,
        with = "duration_text::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub every: Option<Duration>,
    /// Whom it hits; every workload where absent. Nodes and the orchestrator are everybody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<WorkloadRef>,
    /// What happens.
    pub effect: FaultEffect,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultEffect {
    /// These signals are missing; all of them where none is named.
    Missing(Vec<Signal>),
    /// These signals stay as they were when it began.
    Stale(Vec<Signal>),
    /// These signals are NaN.
    NotANumber(Vec<Signal>),
    /// These signals are so many times what they should be.
    Wrong(WrongSignals),
    /// All signals are so much older than they are otherwise.
    Late(#[serde(with = "duration_text")] Duration),
    /// The monitor's clock is so far ahead: its readings seem to be of the future.
    ClockAhead(#[serde(with = "duration_text")] Duration),
    /// The monitor's clock is so far behind: its readings seem old.
    ClockBehind(#[serde(with = "duration_text")] Duration),
    /// The monitor can't be reached.
    MonitorDown,
    /// The orchestrator can't be reached.
    OrchestratorDown,
    /// The orchestrator refuses every change.
    OrchestratorRefuses,
    /// So many ready pods, the oldest ones, are deleted by force, once.
    KillPods(u32),
    /// The containers of so many ready pods, the oldest ones, end and are started again, once.
    CrashPods(u32),
    /// So many ready pods, the oldest ones, need more time for each request.
    SlowPods(SlowPods),
    /// Pods need so many times as long to start, as where a node doesn't have the image.
    ColdImage(f64),
    /// So many nodes, those with most pods, are gone: what is in flight there is lost at once. As in Kubernetes, requests still
    /// go there for 50 s, and other pods take their place after another 5 min.
    NodeLoss(u32),
    /// So many times as many requests come.
    Surge(f64),
}

/// Signals that are wrong by a factor.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WrongSignals {
    /// Which ones; all where none is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<Signal>,
    /// What their values are multiplied by.
    pub factor: f64,
}

/// Pods that are slow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlowPods {
    /// How many.
    pub pods: u32,
    /// What the CPU time of each of their requests is multiplied by.
    pub factor: f64,
}

impl Fault {
    /// A fault that happens once, at `at`, to everybody.
    #[must_use]
    pub const fn once(at: Duration, effect: FaultEffect) -> Self {
        Self {
            at,
            lasts: Duration::ZERO,
            every: None,
            workload: None,
            effect,
        }
    }

    /// When it ends.
    pub(crate) fn end(&self) -> Duration {
        self.at.saturating_add(self.lasts)
    }

    /// Whether it holds at `at` for `workload`.
    pub(crate) fn holds(&self, at: Duration, workload: &WorkloadRef) -> bool {
        self.is_on(at) && self.hits(workload)
    }

    pub(crate) fn is_on(&self, at: Duration) -> bool {
        at >= self.at && at < self.end()
    }

    pub(crate) fn hits(&self, workload: &WorkloadRef) -> bool {
        self.workload.as_ref().is_none_or(|hit| hit == workload)
    }

    /// Whether it changes pods or nodes, so that its moments must not be missed.
    const fn is_felt(&self) -> bool {
        matches!(
            self.effect,
            FaultEffect::KillPods(_)
                | FaultEffect::CrashPods(_)
                | FaultEffect::SlowPods(_)
                | FaultEffect::ColdImage(_)
                | FaultEffect::NodeLoss(_)
        )
    }

    /// Whether it happens at a moment, not over a time.
    pub(crate) const fn is_momentary(&self) -> bool {
        matches!(
            self.effect,
            FaultEffect::KillPods(_) | FaultEffect::CrashPods(_)
        )
    }

    /// The next moment after `now` at which pods or nodes change because of it.
    pub(crate) fn next_after(&self, now: Duration) -> Option<Duration> {
        if !self.is_felt() {
            return None;
        }
        if now < self.at {
            return Some(self.at);
        }
        let next = if self.is_momentary() {
            let every = self.every?.as_nanos().max(1);
            let rounds = (now - self.at).as_nanos() / every + 1;
            let since = u64::try_from(rounds.saturating_mul(every)).ok()?;
            self.at.checked_add(Duration::from_nanos(since))?
        } else {
            return Some(self.end()).filter(|end| now < *end);
        };
        (next < self.end()).then_some(next)
    }
}
