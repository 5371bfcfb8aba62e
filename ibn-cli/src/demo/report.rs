//! What a run came to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ibn_core::allocation::FieldChange;
use ibn_core::decision::{DecisionId, LedgerEntry, LedgerEvent, Reason, Trigger};
use ibn_core::engine::{Effect, Event, State};
use ibn_core::intent::Intent;
use ibn_core::roles::Clock;
use ibn_core::workload::WorkloadRef;
use ibn_runtime::Happening;
use ibn_sim::{Metrics, Scenario, SimulatedCluster, evaluation};
use jiff::Timestamp;
use serde::Serialize;

use crate::output::{Paint, table};

/// The report of `ibn demo --once`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The scenario's name.
    scenario: String,
    seed: u64,
    from: Timestamp,
    until: Timestamp,
    /// Hash of everything that happened in the simulated cluster and of everything that was decided.
    event_hash: String,
    /// Every intent with its status, those that assurance raised included.
    intents: Vec<Intent>,
    /// What changed something, in order.
    decisions: Vec<DecisionLine>,
    /// How many decisions each reason was given for; a decision may have several.
    decisions_by_reason: BTreeMap<String, usize>,
    /// What was said aloud, by its code.
    notices: BTreeMap<String, usize>,
    /// How the learners did, hour by hour.
    learning: Vec<LearningHour>,
    workloads: Vec<WorkloadLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comparison: Option<Comparison>,
    #[serde(skip)]
    pub(super) totals: Totals,
}

/// One decision, without its inputs: those are in the ledger.
#[derive(Debug, Serialize)]
struct DecisionLine {
    id: DecisionId,
    at: Timestamp,
    workload: WorkloadRef,
    trigger: Trigger,
    reasons: Vec<Reason>,
    changes: Vec<FieldChange>,
    cuts: usize,
    /// `applied`, `failed`, `undone`, or `rejected` by the guard.
    outcome: &'static str,
}

/// One workload's figures.
#[derive(Debug, Serialize)]
struct WorkloadLine {
    workload: WorkloadRef,
    replicas: u32,
    #[serde(flatten)]
    figures: Figures,
}

/// Figures of one workload over the run.
#[derive(Debug, Serialize)]
struct Figures {
    requests: u64,
    dropped: u64,
    /// Share of 60 s windows with p95 over the objective.
    violations: f64,
    /// Share of requests over it, failed ones included.
    violating_requests: f64,
    core_hours: f64,
    replica_hours: f64,
    changes_per_hour: f64,
    p50_seconds: Option<f64>,
    p95_seconds: Option<f64>,
    p99_seconds: Option<f64>,
}

impl Figures {
    fn of(metrics: &Metrics) -> Self {
        let seconds = |latency: Option<Duration>| latency.map(|latency| latency.as_secs_f64());
        Self {
            requests: metrics.counts.arrived,
            dropped: metrics.counts.failed(),
            violations: metrics.violated_windows(),
            violating_requests: metrics.violating_requests(),
            core_hours: metrics.core_hours,
            replica_hours: metrics.replica_hours,
            changes_per_hour: metrics.churn(),
            p50_seconds: seconds(metrics.p50),
            p95_seconds: seconds(metrics.p95),
            p99_seconds: seconds(metrics.p99),
        }
    }
}

/// The three runs side by side.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) managed: Totals,
    pub(super) hpa: Totals,
    pub(super) fixed: Totals,
}

/// Figures over all workloads of a run.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Totals {
    /// Share of 60 s windows with p95 over the objective.
    violations: f64,
    /// Share of requests over it, failed ones included.
    violating_requests: f64,
    core_hours: f64,
    replica_hours: f64,
    /// Changes of all workloads together in an hour.
    changes_per_hour: f64,
    requests: u64,
}

impl Totals {
    /// Sums workloads up over a run of so long.
    pub(super) fn of(workloads: &[Metrics], horizon: Duration) -> Self {
        let totals = evaluation::Totals::of(workloads, horizon);
        Self {
            violations: totals.violations.windows,
            violating_requests: totals.violations.requests,
            core_hours: totals.core_hours,
            replica_hours: totals.replica_hours,
            changes_per_hour: totals.churn,
            requests: totals.requests,
        }
    }
}

/// How the learners did in one hour.
#[derive(Debug, Serialize)]
struct LearningHour {
    hour: u64,
    experiences: u64,
    mean_reward: f64,
    mean_exploration: f64,
    /// How many workloads' learners stood at each rung of trust at the end of the hour.
    rungs: BTreeMap<String, usize>,
    /// Changes that were a learner's own advice.
    changes: usize,
}

/// What a run said, gathered on the way.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Sums>>);

#[derive(Debug, Default)]
struct Sums {
    begun: Option<Timestamp>,
    notices: BTreeMap<String, usize>,
    learning: BTreeMap<u64, HourSums>,
}

#[derive(Debug, Default)]
struct HourSums {
    experiences: u64,
    reward: f64,
    exploration: f64,
    stages: BTreeMap<WorkloadRef, String>,
}

/// The hour of a run, from 0; its end belongs to it.
fn hour(begun: Timestamp, now: Timestamp) -> u64 {
    let passed = now.duration_since(begun).unsigned_abs().as_secs();
    passed.saturating_sub(1) / 3600
}

impl Heard {
    /// Hears everything that goes through the driver.
    pub(super) fn listener(&self) -> impl FnMut(Timestamp, Happening<'_>) + Send + 'static {
        let heard = self.clone();
        move |now, what| {
            let mut sums = heard.0.lock().unwrap_or_else(PoisonError::into_inner);
            let begun = *sums.begun.get_or_insert(now);
            match what {
                Happening::Effect(Effect::Notify(notice)) => {
                    *sums.notices.entry(notice.reason.code.clone()).or_default() += 1;
                }
                Happening::Event(Event::Learned(workload, report)) => {
                    let hour = sums.learning.entry(hour(begun, now)).or_default();
                    hour.experiences += 1;
                    hour.reward += report.reward;
                    hour.exploration += report.exploration;
                    if let Some(stage) = &report.stage {
                        hour.stages.insert(workload.clone(), stage.clone());
                    }
                }
                _ => {}
            }
        }
    }
}

impl Report {
    /// Puts a finished run together.
    pub(super) fn new(
        scenario: &Scenario,
        seed: u64,
        state: &State,
        cluster: &SimulatedCluster,
        entries: &[LedgerEntry],
        heard: &Heard,
    ) -> Self {
        let metrics = cluster.all_metrics();
        let sums = heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        let replicas = |workload: &WorkloadRef| {
            state
                .inventory()
                .workloads
                .get(workload)
                .map_or(0, |live| live.allocation.replicas)
        };
        let decisions = decision_lines(entries);
        let learning = learning(&sums, entries, &decisions);
        Self {
            scenario: scenario.name.clone(),
            seed,
            from: scenario.start,
            until: cluster.now(),
            event_hash: format!("{:016x}", event_hash(cluster, entries)),
            intents: state.intents().map(|intent| (**intent).clone()).collect(),
            decisions,
            decisions_by_reason: by_reason(entries),
            notices: sums.notices.clone(),
            learning,
            workloads: metrics
                .iter()
                .filter_map(|metrics| {
                    let workload: WorkloadRef = metrics.workload.parse().ok()?;
                    Some(WorkloadLine {
                        replicas: replicas(&workload),
                        workload,
                        figures: Figures::of(metrics),
                    })
                })
                .collect(),
            comparison: None,
            totals: Totals::of(&metrics, scenario.horizon),
        }
    }

    /// The report for a person.
    pub(super) fn text(&self) -> String {
        let paint = Paint::for_stdout();
        let mut parts = vec![paint.bold(&format!(
            "{} from {} until {}, seed {}",
            self.scenario, self.from, self.until, self.seed
        ))];
        let achieved = |intent: &Intent| {
            let entries = intent.status.iter().flat_map(|status| &status.expectations);
            entries
                .filter_map(|entry| entry.achieved.clone())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let intents: Vec<Vec<String>> = self
            .intents
            .iter()
            .map(|intent| {
                vec![
                    intent.key().to_string(),
                    intent.state().as_str().to_owned(),
                    achieved(intent),
                    intent.spec.text.clone().unwrap_or_default(),
                ]
            })
            .collect();
        parts.push(table(&["INTENT", "STATE", "ACHIEVED", "SAID"], &intents));
        let workloads: Vec<Vec<String>> = self
            .workloads
            .iter()
            .map(|line| {
                let figures = &line.figures;
                vec![
                    line.workload.to_string(),
                    line.replicas.to_string(),
                    figures.requests.to_string(),
                    percent(figures.violations),
                    figures
                        .p95_seconds
                        .map_or_else(String::new, |p95| format!("{:.0} ms", p95 * 1000.0)),
                    format!("{:.1}", figures.core_hours),
                    format!("{:.1}", figures.changes_per_hour),
                ]
            })
            .collect();
        parts.push(table(
            &[
                "WORKLOAD",
                "PODS",
                "REQUESTS",
                "VIOLATED",
                "P95",
                "CORE-HOURS",
                "CHANGES/H",
            ],
            &workloads,
        ));
        let reasons: Vec<Vec<String>> = self
            .decisions_by_reason
            .iter()
            .map(|(code, count)| vec![code.clone(), count.to_string()])
            .collect();
        parts.push(table(&["DECISIONS BY REASON", "COUNT"], &reasons));
        if !self.learning.is_empty() {
            let hours: Vec<Vec<String>> = self
                .learning
                .iter()
                .map(|hour| {
                    vec![
                        hour.hour.to_string(),
                        hour.experiences.to_string(),
                        format!("{:.3}", hour.mean_reward),
                        percent(hour.mean_exploration),
                        hour.changes.to_string(),
                        hour.rungs
                            .iter()
                            .map(|(rung, workloads)| format!("{workloads} {rung}"))
                            .collect::<Vec<_>>()
                            .join(", "),
                    ]
                })
                .collect();
            parts.push(table(
                &[
                    "LEARNING, HOUR",
                    "EXPERIENCES",
                    "MEAN REWARD",
                    "EXPLORED",
                    "OWN CHANGES",
                    "TRUST",
                ],
                &hours,
            ));
        }
        if let Some(Comparison {
            managed,
            hpa,
            fixed,
        }) = &self.comparison
        {
            let rows: Vec<Vec<String>> = [
                ("managed", managed),
                ("HPA at 70 %", hpa),
                ("fixed replicas", fixed),
            ]
            .iter()
            .map(|(name, totals)| {
                vec![
                    (*name).to_owned(),
                    percent(totals.violations),
                    percent(totals.violating_requests),
                    format!("{:.1}", totals.core_hours),
                    format!("{:.1}", totals.changes_per_hour),
                ]
            })
            .collect();
            parts.push(table(
                &[
                    "THE SAME TRAFFIC",
                    "WINDOWS VIOLATED",
                    "REQUESTS VIOLATED",
                    "CORE-HOURS",
                    "CHANGES/H",
                ],
                &rows,
            ));
        }
        parts.push(format!("event hash {}", self.event_hash));
        parts.join("\n\n")
    }
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// How the learners did, hour by hour: what they reported, and what was done on their own advice.
fn learning(sums: &Sums, entries: &[LedgerEntry], lines: &[DecisionLine]) -> Vec<LearningHour> {
    let begun = sums.begun.unwrap_or(Timestamp::MIN);
    let done: BTreeSet<DecisionId> = lines
        .iter()
        .filter(|line| matches!(line.outcome, "applied" | "undone") && !line.changes.is_empty())
        .map(|line| line.id)
        .collect();
    let mut changes: BTreeMap<u64, usize> = BTreeMap::new();
    for entry in entries {
        if let LedgerEvent::Decided(decision) = &entry.event
            && decision.policy.is_some()
            && done.contains(&decision.id)
        {
            *changes.entry(hour(begun, decision.at)).or_default() += 1;
        }
    }
    sums.learning
        .iter()
        .map(|(hour, sums)| {
            let mut rungs = BTreeMap::new();
            for stage in sums.stages.values() {
                *rungs.entry(stage.clone()).or_default() += 1;
            }
            LearningHour {
                hour: *hour,
                experiences: sums.experiences,
                mean_reward: sums.reward / sums.experiences as f64,
                mean_exploration: sums.exploration / sums.experiences as f64,
                rungs,
                changes: changes.get(hour).copied().unwrap_or(0),
            }
        })
        .collect()
}

/// Covers what happened in the cluster and what was decided, to the byte.
fn event_hash(cluster: &SimulatedCluster, entries: &[LedgerEntry]) -> u64 {
    let mut text = cluster.event_hash().to_string();
    for entry in entries {
        text.push_str(&serde_json::to_string(entry).unwrap_or_default());
    }
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

fn decision_lines(entries: &[LedgerEntry]) -> Vec<DecisionLine> {
    let mut lines: BTreeMap<DecisionId, DecisionLine> = BTreeMap::new();
    for entry in entries {
        let outcome = match &entry.event {
            LedgerEvent::Decided(decision) => {
                let line = DecisionLine {
                    id: decision.id,
                    at: decision.at,
                    workload: decision.workload.clone(),
                    trigger: decision.trigger,
                    reasons: decision.reasons.clone(),
                    changes: decision.changes.clone(),
                    cuts: decision.cuts.len(),
                    outcome: "rejected",
                };
                lines.insert(decision.id, line);
                continue;
            }
            LedgerEvent::Applied(_) => "applied",
            LedgerEvent::Failed { .. } => "failed",
            LedgerEvent::Undone { .. } => "undone",
        };
        if let Some(line) = lines.get_mut(&entry.event.decision()) {
            line.outcome = outcome;
        }
    }
    lines.into_values().collect()
}

fn by_reason(entries: &[LedgerEntry]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in entries {
        if let LedgerEvent::Decided(decision) = &entry.event {
            let codes: BTreeSet<&str> = decision
                .reasons
                .iter()
                .map(|reason| reason.code.as_str())
                .collect();
            for code in codes {
                *counts.entry(code.to_owned()).or_default() += 1;
            }
        }
    }
    counts
}
