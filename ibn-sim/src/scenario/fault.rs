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
    /// How long it lasts; of no effect on pods that are killed.
    #[serde(rename = "for", with = "duration_text")]
    pub lasts: Duration,
    /// Whom it hits; every workload where absent.
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
    /// The monitor can't be reached.
    MonitorDown,
    /// The orchestrator can't be reached.
    OrchestratorDown,
    /// So many ready pods, the oldest ones, are deleted by force, once.
    KillPods(u32),
}

impl Fault {
    /// Whether it holds at `at` for `workload`.
    pub(crate) fn holds(&self, at: Duration, workload: &WorkloadRef) -> bool {
        at >= self.at && at < self.at.saturating_add(self.lasts) && self.hits(workload)
    }

    pub(crate) fn hits(&self, workload: &WorkloadRef) -> bool {
        self.workload.as_ref().is_none_or(|hit| hit == workload)
    }
}
