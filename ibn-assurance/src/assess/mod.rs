//! How intents stand and what should follow: what all assessors share.
//!
//! An assessor differs from another in the rule by which an objective counts as burning; health, floor, model,
//! attribution, corrective intents and the verdict on the last apply are the same for all. Nothing is kept
//! between two calls: whatever has a memory, such as not raising a floor twice, reads it off the input.
//!
//! The codes of findings are those of [`Cause`] and these:
//!
//! | code | says |
//! |---|---|
//! | `Signals` | which signals are missing, stale or no numbers |
//! | `ObjectiveBurning` | which objective burns, and how fast |
//! | `CapacityWontHelp` | that no floor is raised, since more pods are not expected to help or nobody knows |
//! | `CorrectiveStands`, `HeldByDirective`, `AdviceOnly`, `Settling`, `AtLimit` | why a floor that would help is not raised |
//! | `ApplyHarmful` | what the last apply made worse |

mod burn_rate;
mod cause;
mod corrective;
mod evidence;
mod floor;
mod forecast_aware;
mod health;
mod model;
mod threshold;
mod undo;

use std::time::Duration;

use ibn_core::assessment::{
    Assessment, AssessmentInput, AssuranceAction, BurnRate, IntentAssessment, ObjectiveAssessment,
};
use ibn_core::decision::Reason;
use ibn_core::intent::{IndicatorName, Intent, Mode, Objective};
use ibn_core::observation::SignalHealth;
use ibn_core::units::format_duration;

use crate::settings::AssuranceSettings;
use crate::slo::{ObjectiveHistory, WindowSummary, signal_of};
use corrective::Need;
use evidence::Evidence;
use undo::Effect;

pub use burn_rate::BurnRateAssessor;
pub use cause::Cause;
pub use forecast_aware::ForecastAwareAssessor;
pub use threshold::ThresholdAssessor;

/// Short windows are this part of the long one (*The Site Reliability Workbook*, chapter 5, "Multiwindow,
/// multi-burn-rate alerts": "a good guideline is to make the short window 1/12 the duration of the long window").
const SHORT_PART: u32 = 12;

/// One objective of one intent, with its history.
pub(crate) struct ObjectiveView<'a> {
    pub(crate) intent: &'a Intent,
    pub(crate) expectation: usize,
    pub(crate) objective: &'a Objective,
    pub(crate) history: ObjectiveHistory<'a>,
    /// Whether what it is judged by is fresh now.
    pub(crate) is_current: bool,
    /// Over the objective's window.
    pub(crate) long: WindowSummary,
    /// Over a twelfth of it.
    pub(crate) short: WindowSummary,
}

impl<'a> ObjectiveView<'a> {
    fn new(
        input: &AssessmentInput,
        intent: &'a Intent,
        expectation: usize,
        objective: &'a Objective,
        settings: &AssuranceSettings,
    ) -> Self {
        let history = ObjectiveHistory::new(objective, input, settings.period_budget);
        let window = objective.window();
        let is_current = signal_of(objective)
            .is_none_or(|signal| health::of(input, &signal) == SignalHealth::Fresh);
        Self {
            long: history.last(window, input.now),
            short: history.last(window / SHORT_PART, input.now),
            intent,
            expectation,
            objective,
            history,
            is_current,
        }
    }

    /// Summaries of a long window and of the twelfth of it.
    pub(crate) fn windows(
        &self,
        input: &AssessmentInput,
        long: Duration,
    ) -> (WindowSummary, WindowSummary) {
        (
            self.history.last(long, input.now),
            self.history.last(long / SHORT_PART, input.now),
        )
    }

    fn assessment(&self, input: &AssessmentInput) -> ObjectiveAssessment {
        let (achieved, met) = if self.objective.indicator == IndicatorName::Cost {
            // What is requested now is known without measuring.
            let cores = input.state.allocation.total_requests().cpu.as_cores();
            (Some(cores), Some(self.objective.is_met_by(cores)))
        } else if self.is_current {
            (self.long.achieved, self.long.met)
        } else {
            (None, None)
        };
        let burn_rate = match (self.short.burn, self.long.burn) {
            (Some(short), Some(long)) if self.is_current => Some(BurnRate { short, long }),
            _ => None,
        };
        ObjectiveAssessment {
            expectation: self.expectation,
            achieved,
            met,
            burn_rate,
        }
    }
}

/// How fast an objective burns its error budget, by the rule that says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Burning {
    /// How many times as fast as allowed.
    pub(crate) rate: f64,
    /// Over the newest so long.
    pub(crate) window: Duration,
}

/// The whole assessment, given the rule by which an objective burns.
pub(crate) fn assess(
    input: &AssessmentInput,
    settings: &AssuranceSettings,
    burns: impl Fn(&ObjectiveView<'_>) -> Option<Burning>,
) -> Assessment {
    let views: Vec<ObjectiveView<'_>> = input
        .intents
        .iter()
        .flat_map(|intent| {
            let objectives = intent.spec.objectives();
            objectives
                .map(|(idx, objective)| ObjectiveView::new(input, intent, idx, objective, settings))
        })
        .collect();
    let model = model::estimate(input, settings);
    let mut report = Report::default();
    report.complain(input);
    let mut burning: Vec<(&ObjectiveView<'_>, Burning)> = views
        .iter()
        .filter(|view| view.is_current)
        .filter_map(|view| Some((view, burns(view)?)))
        .collect();
    // The most important first, then the one that burns most; the order of intents decides between equals.
    burning.sort_by(|(a, _), (b, _)| {
        let rank = |view: &ObjectiveView<'_>| view.intent.spec.priority();
        let burn = |view: &ObjectiveView<'_>| view.long.burn.unwrap_or(0.0);
        rank(b).cmp(&rank(a)).then(burn(b).total_cmp(&burn(a)))
    });
    for (idx, (view, burning)) in burning.iter().enumerate() {
        let model = model.as_ref().map(|model| model.cpu_seconds_per_request);
        report.complain_of(view, *burning);
        report.burning(input, view, model, settings, idx == 0);
    }
    report.judge_last_apply(input, &views, settings);
    Assessment {
        intents: input
            .intents
            .iter()
            .map(|intent| intent_assessment(input, intent, &views))
            .collect(),
        health: health::worst(input),
        floor: floor::measure(input, settings),
        model,
        forecast: None,
        actions: report.actions,
        findings: report.findings,
    }
}

fn intent_assessment(
    input: &AssessmentInput,
    intent: &Intent,
    views: &[ObjectiveView<'_>],
) -> IntentAssessment {
    IntentAssessment {
        intent: intent.key(),
        objectives: views
            .iter()
            .filter(|view| std::ptr::eq(view.intent, intent))
            .map(|view| view.assessment(input))
            .collect(),
    }
}

/// What should follow and what stands out, as it is gathered.
#[derive(Default)]
struct Report {
    actions: Vec<AssuranceAction>,
    findings: Vec<Reason>,
}

impl Report {
    fn complain(&mut self, input: &AssessmentInput) {
        let complaints = health::complaints(input);
        if !complaints.is_empty() {
            let list: Vec<String> = complaints
                .iter()
                .map(|(signal, health)| format!("{signal} is {health}"))
                .collect();
            self.findings.push(Reason::new("Signals", list.join(", ")));
        }
    }

    fn complain_of(&mut self, view: &ObjectiveView<'_>, burning: Burning) {
        self.findings.push(Reason::new(
            "ObjectiveBurning",
            format!(
                "{} of intent `{}` burns its error budget {:.1} times as fast as allowed over the last {}",
                view.objective,
                view.intent.key(),
                burning.rate,
                format_duration(burning.window)
            ),
        ));
    }

    /// Names the cause of one objective's burning; the first one may raise a floor, the others gain from it.
    fn burning(
        &mut self,
        input: &AssessmentInput,
        view: &ObjectiveView<'_>,
        work: Option<f64>,
        settings: &AssuranceSettings,
        may_raise: bool,
    ) {
        let evidence = Evidence::gather(input, view.objective.window());
        let busy =
            evidence.capacity_helps(settings.helpful_utilization, settings.helpful_throttling);
        let about_latency = view.objective.indicator == IndicatorName::Latency;
        let found = cause::attribute(&evidence, about_latency, busy);
        self.findings.push(found.reason());
        if !may_raise {
            return;
        }
        if !capacity_moves(view.objective) || busy != Some(true) {
            self.findings.push(Reason::new(
                "CapacityWontHelp",
                match busy {
                    None => "neither CPU use nor throttling is known: no floor is raised",
                    _ => "more pods are not expected to help: no floor is raised",
                },
            ));
            return;
        }
        let need = Need {
            parent: view.intent,
            cause: found.text(),
            replicas: needed_replicas(input, &evidence, work, settings),
        };
        match corrective::raise(input, &need, settings) {
            Ok(intent) => self
                .actions
                .push(AssuranceAction::Corrective(Box::new(intent))),
            Err(reason) => self.findings.push(reason),
        }
    }

    fn judge_last_apply(
        &mut self,
        input: &AssessmentInput,
        views: &[ObjectiveView<'_>],
        settings: &AssuranceSettings,
    ) {
        let Some(apply) = input.last_apply.as_ref() else {
            return;
        };
        let enforced = || {
            views
                .iter()
                .filter(|view| view.intent.spec.mode() == Mode::Enforce)
        };
        let hurt = enforced().find_map(|view| undo::shrink_begins_to_hurt(input, view, settings));
        if let Some(cause) = hurt {
            self.actions.push(AssuranceAction::DemoteLearner { cause });
        }
        let harm = enforced().find_map(|view| match undo::judge(input, view, settings) {
            Effect::Harmful(cause) => Some(cause),
            Effect::NotJudged | Effect::Kept => None,
        });
        if let Some(cause) = harm {
            self.findings
                .push(Reason::new("ApplyHarmful", cause.clone()));
            self.actions.push(AssuranceAction::Undo {
                decision: apply.decision,
                cause,
            });
        }
    }
}

/// Whether more pods move the indicator towards its bound.
fn capacity_moves(objective: &Objective) -> bool {
    use ibn_core::intent::Bound;
    match (&objective.indicator, &objective.bound) {
        (IndicatorName::Latency | IndicatorName::ErrorRate, Bound::AtMost(_))
        | (IndicatorName::CpuUtilization | IndicatorName::MemoryUtilization, Bound::AtMost(_))
        | (IndicatorName::Availability | IndicatorName::Throughput, Bound::AtLeast(_)) => true,
        // Which way an own indicator goes with capacity isn't known: busy pods are the best sign there is.
        (IndicatorName::Custom(_), _) => true,
        _ => false,
    }
}

/// The pods of the present size that the demand takes: arrivals times CPU time per request where both are known,
/// else the CPU that was used, over what a pod may use before more of them would be expected to help.
fn needed_replicas(
    input: &AssessmentInput,
    evidence: &Evidence,
    work: Option<f64>,
    settings: &AssuranceSettings,
) -> Option<f64> {
    let pod_cpu = input.state.allocation.pod_limits().cpu.as_cores();
    if pod_cpu <= 0.0 {
        return None;
    }
    let offered = evidence
        .demand
        .now
        .zip(work)
        .map(|(rate, work)| rate * work);
    let used = evidence
        .utilization
        .map(|used| used * pod_cpu * f64::from(evidence.ready));
    let cores = match (offered, used) {
        (Some(offered), Some(used)) => Some(offered.max(used)),
        (offered, used) => offered.or(used),
    };
    cores.map(|cores| cores / (pod_cpu * settings.helpful_utilization))
}
