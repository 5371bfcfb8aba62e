//! What is counted: decisions, cuts, reasons and the time that turns take.

use std::collections::BTreeMap;
use std::time::Instant;

use ibn_core::assessment::AssuranceAction;
use ibn_core::decision::{Decision, Trigger};
use ibn_core::guard::CutRule;
use ibn_core::workload::WorkloadRef;

use super::durations::Durations;

/// Upper ends of the buckets of turn durations, seconds.
const TURN_BOUNDS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
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
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub(crate) decisions: BTreeMap<(Trigger, VerdictKind), u64>,
    pub(crate) cuts: BTreeMap<CutRule, u64>,
    /// Plans that were applied.
    pub(crate) applied: u64,
    /// Plans that reached the orchestrator and were not applied.
    pub(crate) failed: u64,
    /// What assurance asked for.
    pub(crate) actions: BTreeMap<&'static str, u64>,
    pub(crate) reasons: BTreeMap<String, u64>,
    pub(crate) turns: Durations,
    under_way: BTreeMap<WorkloadRef, (Instant, Option<Instant>)>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            decisions: BTreeMap::new(),
            cuts: BTreeMap::new(),
            applied: 0,
            failed: 0,
            actions: BTreeMap::new(),
            reasons: BTreeMap::new(),
            turns: Durations::new(&TURN_BOUNDS),
            under_way: BTreeMap::new(),
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

    pub(crate) fn count_action(&mut self, action: &AssuranceAction) {
        let word = match action {
            AssuranceAction::Corrective(_) => "corrective",
            AssuranceAction::DemoteLearner { .. } => "demoteLearner",
            AssuranceAction::Undo { .. } => "undo",
        };
        *self.actions.entry(word).or_default() += 1;
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
