//! What is counted: decisions, cuts, reasons and the time that turns take.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ibn_core::decision::{Decision, Trigger};
use ibn_core::guard::CutRule;
use ibn_core::workload::WorkloadRef;

/// Upper ends of the buckets of turn durations, seconds.
pub(crate) const TURN_BUCKETS: [f64; 12] = [
    0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0,
];

/// So many different codes of reasons are counted; their set is closed, this is a guard against a mistake.
const CODES: usize = 200;

/// What the guard said of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum VerdictKind {
    Approved,
    Trimmed,
    Rejected,
}

impl VerdictKind {
    pub(crate) fn of(decision: &Decision) -> Self {
        match (&decision.approved, decision.cuts.is_empty()) {
            (None, _) => Self::Rejected,
            (Some(_), true) => Self::Approved,
            (Some(_), false) => Self::Trimmed,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Trimmed => "trimmed",
            Self::Rejected => "rejected",
        }
    }
}

/// Counts since the start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) decisions: BTreeMap<(Trigger, VerdictKind), u64>,
    pub(crate) cuts: BTreeMap<CutRule, u64>,
    pub(crate) reasons: BTreeMap<String, u64>,
    pub(crate) turns: TurnDurations,
    under_way: BTreeMap<WorkloadRef, (Instant, Option<Instant>)>,
}

/// A histogram of the real time that turns took.
#[derive(Debug, Clone, Default)]
pub(crate) struct TurnDurations {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    /// By [`TURN_BUCKETS`], each for itself; the last one for what is longer.
    pub(crate) buckets: [u64; TURN_BUCKETS.len() + 1],
}

impl TurnDurations {
    fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.count += 1;
        self.sum += seconds;
        let bucket = TURN_BUCKETS
            .iter()
            .position(|end| seconds <= *end)
            .unwrap_or(TURN_BUCKETS.len());
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count += 1;
        }
    }
}

impl Tally {
    pub(crate) fn count_decision(&mut self, decision: &Decision) {
        *self
            .decisions
            .entry((decision.trigger, VerdictKind::of(decision)))
            .or_default() += 1;
        for cut in &decision.cuts {
            *self.cuts.entry(cut.rule).or_default() += 1;
        }
        for reason in &decision.reasons {
            self.count_reason(&reason.code);
        }
    }

    pub(crate) fn count_reason(&mut self, code: &str) {
        if let Some(count) = self.reasons.get_mut(code) {
            *count += 1;
        } else if self.reasons.len() < CODES {
            self.reasons.insert(code.to_owned(), 1);
        }
    }

    /// A turn begins; the last one of this workload has ended with the last thing that was heard of it.
    pub(crate) fn begin_turn(&mut self, workload: &WorkloadRef) {
        let now = Instant::now();
        if let Some((began, Some(ended))) = self.under_way.insert(workload.clone(), (now, None)) {
            self.turns.observe(ended.duration_since(began));
        }
    }

    /// A turn has come this far.
    pub(crate) fn note_turn(&mut self, workload: &WorkloadRef) {
        if let Some((_, ended)) = self.under_way.get_mut(workload) {
            *ended = Some(Instant::now());
        }
    }

    pub(crate) fn retain(&mut self, is_there: impl Fn(&WorkloadRef) -> bool) {
        self.under_way.retain(|workload, _| is_there(workload));
    }
}
