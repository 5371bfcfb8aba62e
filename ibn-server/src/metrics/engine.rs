//! Metrics of the engine, the guard, learners and the translator.

use std::collections::BTreeMap;
use std::fmt;

use ibn_core::decision::Trigger;
use ibn_core::guard::CutRule;
use ibn_core::intent::IntentState;

use super::out::{Histogram, Labels, Out, of, with};
use crate::board::{Durations, VerdictKind};
use crate::state::ServerState;

// Counters with labels of closed sets start at 0, each of them: an `increase` knows nothing of a series that begins at 1, so
// that an alert on the first undo would never fire.
const TRIGGERS: [Trigger; 5] = [
    Trigger::Directive,
    Trigger::Constraint,
    Trigger::Recommender,
    Trigger::Restore,
    Trigger::Undo,
];
const VERDICTS: [VerdictKind; 3] = [
    VerdictKind::Approved,
    VerdictKind::Trimmed,
    VerdictKind::Rejected,
];
const CUT_RULES: [CutRule; 15] = [
    CutRule::Replicas,
    CutRule::PodCpu,
    CutRule::PodMemory,
    CutRule::Step,
    CutRule::CoolDown,
    CutRule::Budget,
    CutRule::Freeze,
    CutRule::Approval,
    CutRule::Signals,
    CutRule::Floor,
    CutRule::Owner,
    CutRule::Barred,
    CutRule::Rollout,
    CutRule::Malformed,
    CutRule::Unchanged,
];
const ACTIONS: [&str; 3] = ["corrective", "demoteLearner", "undo"];
const OUTCOMES: [&str; 5] = ["intent", "query", "clarify", "refuse", "error"];

pub(super) fn write(server: &ServerState, out: &mut Out<'_, '_>) -> Result<(), fmt::Error> {
    let tally = server.board().tally();
    out.gauges(
        "ibn_engine_time_speed",
        "Seconds that pass for the engine in a second",
        [(Labels::new(), server.speed())],
    )?;
    out.histograms(
        "ibn_engine_turn_duration_seconds",
        "From the begin of a workload's turn to its end, by the clock on the wall",
        [histogram(&tally.turns)],
    )?;
    let decisions = TRIGGERS.into_iter().flat_map(|trigger| {
        let tally = &tally;
        VERDICTS.into_iter().map(move |verdict| {
            let count = tally.decisions.get(&(trigger, verdict));
            let labels = with(Labels::new(), "trigger", trigger.as_str());
            let labels = with(labels, "verdict", verdict.as_str());
            (labels, count.copied().unwrap_or_default())
        })
    });
    out.counters("ibn_engine_decisions", "Decisions", decisions)?;
    let applies = [("applied", tally.applied), ("failed", tally.failed)];
    out.counters(
        "ibn_engine_applies",
        "Plans that reached the orchestrator",
        applies.map(|(outcome, count)| (with(Labels::new(), "outcome", outcome), count)),
    )?;
    let state = server.control().state();
    let mut intents: BTreeMap<IntentState, u32> = BTreeMap::new();
    for intent in state.intents() {
        *intents.entry(intent.state()).or_default() += 1;
    }
    let intents = ibn_core::lifecycle::STATES.into_iter().map(|state| {
        let count = intents.get(&state).copied().unwrap_or_default();
        (
            with(Labels::new(), "state", state.as_str()),
            f64::from(count),
        )
    });
    out.gauges("ibn_engine_intents", "Intents by state", intents)?;
    let cuts = CUT_RULES.into_iter().map(|rule| {
        let count = tally.cuts.get(&rule).copied().unwrap_or_default();
        (with(Labels::new(), "rule", &word(&rule)), count)
    });
    out.counters("ibn_guard_cuts", "What the guard did not allow", cuts)?;
    out.counters(
        "ibn_assurance_actions",
        "What assurance asked for",
        words("action", ACTIONS, &tally.actions),
    )
}

pub(super) fn write_learners(
    server: &ServerState,
    out: &mut Out<'_, '_>,
) -> Result<(), fmt::Error> {
    let learners = server.board().learners();
    let each = || {
        learners.iter().map(|(workload, learner)| {
            let labels = with(of(workload), "learner", &learner.name);
            (labels, learner)
        })
    };
    let reported = || each().filter_map(|(labels, it)| Some((labels, it.last.as_ref()?)));
    out.gauges(
        "ibn_learner_reward",
        "The reward that was taken in last",
        reported().map(|(labels, last)| (labels, last.reward)),
    )?;
    out.gauges(
        "ibn_learner_error",
        "How far the learner was off, in the unit of the reward",
        reported().map(|(labels, last)| (labels, last.error)),
    )?;
    out.gauges(
        "ibn_learner_exploration_ratio",
        "Share of actions that are explored",
        reported().map(|(labels, last)| (labels, last.exploration)),
    )?;
    out.counters(
        "ibn_learner_experiences",
        "Experiences taken in",
        reported().map(|(labels, last)| (labels, last.experiences)),
    )?;
    out.counters(
        "ibn_learner_demotions",
        "How often it was trusted less",
        each().map(|(labels, it)| (labels, it.demotions)),
    )
}

pub(super) fn write_translator(
    server: &ServerState,
    out: &mut Out<'_, '_>,
) -> Result<(), fmt::Error> {
    let sentences = server.sentences();
    out.counters(
        "ibn_translator_requests",
        "Sentences by what came of them",
        words("outcome", OUTCOMES, &sentences.outcomes),
    )?;
    out.histograms(
        "ibn_translator_duration_seconds",
        "From sentence to outcome",
        [histogram(&sentences.durations)],
    )
}

/// The count of each word, 0 where nothing was counted.
fn words<const N: usize>(
    label: &'static str,
    all: [&'static str; N],
    counts: &BTreeMap<&'static str, u64>,
) -> impl Iterator<Item = (Labels, u64)> {
    all.into_iter().map(move |word| {
        let count = counts.get(word).copied().unwrap_or_default();
        (with(Labels::new(), label, word), count)
    })
}

/// The name of a value of a closed enum, as JSON writes it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn histogram(durations: &Durations) -> Histogram {
    Histogram {
        labels: Labels::new(),
        sum: durations.sum,
        count: durations.count,
        buckets: durations.buckets(),
    }
}
