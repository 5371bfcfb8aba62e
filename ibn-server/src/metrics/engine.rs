//! Metrics of the engine, the guard, learners and the translator.

use std::collections::BTreeMap;
use std::fmt;

use ibn_core::intent::IntentState;

use super::out::{Histogram, Labels, Out, of, with};
use crate::board::Durations;
use crate::state::ServerState;

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
    let decisions = tally.decisions.iter().map(|((trigger, verdict), count)| {
        let trigger = with(Labels::new(), "trigger", trigger.as_str());
        (with(trigger, "verdict", verdict.as_str()), *count)
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
    let cuts = tally
        .cuts
        .iter()
        .map(|(rule, count)| (with(Labels::new(), "rule", &word(rule)), *count));
    out.counters("ibn_guard_cuts", "What the guard did not allow", cuts)?;
    let actions = tally
        .actions
        .iter()
        .map(|(action, count)| (with(Labels::new(), "action", action), *count));
    out.counters("ibn_assurance_actions", "What assurance asked for", actions)
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
        sentences
            .outcomes
            .iter()
            .map(|(outcome, count)| (with(Labels::new(), "outcome", outcome), *count)),
    )?;
    out.histograms(
        "ibn_translator_duration_seconds",
        "From sentence to outcome",
        [histogram(&sentences.durations)],
    )
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
