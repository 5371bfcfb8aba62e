//! `ibn explain`: why a decision was taken, or how a workload stands.

use ibn_core::decision::Trigger;
use ibn_core::envelope::Limits;
use ibn_core::intent::{Intent, Mode};
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use ibn_server::{
    DecisionDetail, DecisionOutcome, DecisionRecord, Explained, UndoOutlook, format, words,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::tell;
use crate::args::ExplainArgs;
use crate::client::{Client, wait};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{self, Paint};
use crate::settings::Settings;

/// What is to be explained.
#[derive(Debug, PartialEq)]
enum Subject {
    Decision(String),
    Workload(WorkloadRef),
}

pub(crate) fn run(args: &ExplainArgs, settings: &Settings) -> Outcome {
    match subject_of(&args.subject, settings.namespace.as_deref())? {
        Subject::Decision(id) => show(settings, &format!("decisions/{id}"), decision),
        Subject::Workload(it) => show(settings, &path_of(&it), workload),
    }
}

fn show<T: Serialize + DeserializeOwned>(
    settings: &Settings,
    path: &str,
    text: fn(&T) -> String,
) -> Outcome {
    let found: T = find(settings, path)?;
    output::print(settings.output, &found, || text(&found))?;
    Ok(Exit::Done)
}

fn find<T: DeserializeOwned>(settings: &Settings, path: &str) -> Result<T, Failure> {
    wait(async { Client::new(&settings.server)?.get(path, &[]).await }).map_err(|failure| {
        match failure.help {
            None => failure.help("`ibn get decisions` and `ibn get workloads` list what there is"),
            Some(_) => failure,
        }
    })
}

/// How a workload stands, as a document and in plain words.
pub(crate) fn of_workload(
    it: &WorkloadRef,
    settings: &Settings,
) -> Result<(Explained, String), Failure> {
    let found: Explained = find(settings, &path_of(it))?;
    let text = workload(&found);
    Ok((found, text))
}

fn path_of(it: &WorkloadRef) -> String {
    format!("explain/{}/{}/{}", it.namespace, it.kind, it.name)
}

/// A decision with its grounds.
fn decision(detail: &DecisionDetail) -> String {
    let paint = Paint::for_stdout();
    let DecisionDetail { record, undo } = detail;
    let decision = &record.decision;
    let mut lines = vec![headline(record)];
    lines.push(format!("asked for by {}", asker(decision.trigger)));
    for intent in &decision.intents {
        lines.push(format!("for intent {intent}"));
    }
    lines.push(paint.bold("why"));
    for reason in &decision.reasons {
        let code = paint.dim(&format!("({})", reason.code));
        lines.push(format!("  {} {code}", reason.message));
    }
    if !decision.cuts.is_empty() {
        lines.push(paint.bold("what the guard cut"));
        lines.extend(decision.cuts.iter().map(|cut| format!("  {cut}")));
    }
    if let Some(predicted) = &decision.predicted {
        lines.push(paint.bold("expected of it"));
        for (quantile, latency) in &predicted.latency {
            let latency = tell::interval(*latency, format::seconds);
            lines.push(format!("  {quantile} response time {latency}"));
        }
        let cores = format::cores(predicted.cost_cores);
        lines.push(format!("  {cores} requested"));
    }
    if !decision.alternatives.is_empty() {
        lines.push(paint.bold("what else was considered"));
        let rows: Vec<Vec<String>> = decision
            .alternatives
            .iter()
            .map(|alternative| {
                vec![
                    alternative.allocation.replicas.to_string(),
                    alternative.allocation.pod_requests().cpu.to_string(),
                    format::number(alternative.score),
                    alternative.note.clone(),
                ]
            })
            .collect();
        lines.extend(tell::indented(&output::table(
            &["PODS", "CPU OF A POD", "SCORE", "NOTE"],
            &rows,
        )));
    }
    if decision.needs_approval() {
        lines.push(paint.dim(&format!(
            "let it be done with `ibn approve {}`, within an hour of the decision",
            decision.id
        )));
    }
    if record.can_be_undone() {
        lines.extend(undoing(record, undo).iter().map(|line| paint.dim(line)));
    }
    lines.join("\n")
}

/// How what was applied can be taken back, and what of it; or why it can't be as things are.
fn undoing(record: &DecisionRecord, undo: &UndoOutlook) -> Vec<String> {
    let mut lines = vec![match &undo.why_not {
        Some(why) => format!("it can't be taken back now: {why}"),
        None => format!("take it back with `ibn undo {}`", record.decision.id),
    }];
    lines.extend(undo.except.iter().map(|cut| format!("  but not {cut}")));
    lines
}

/// What was decided when, of which workload, and how far it has come.
fn headline(record: &DecisionRecord) -> String {
    let paint = Paint::for_stdout();
    let decision = &record.decision;
    let outcome = match record.outcome {
        DecisionOutcome::Rejected => paint.dim("not done"),
        DecisionOutcome::AwaitingApproval => paint.yellow("needs a person's approval"),
        DecisionOutcome::Pending => paint.cyan("on its way"),
        DecisionOutcome::Applied => paint.green("applied"),
        DecisionOutcome::Failed => paint.red("failed"),
        DecisionOutcome::Undone => paint.yellow("undone"),
    };
    let mut lines = vec![format!(
        "{} on {}, {}: {outcome}",
        paint.bold(&decision.id.to_string()),
        decision.workload,
        decision.at
    )];
    lines.extend(decision.changes.iter().map(|change| format!("  {change}")));
    if let Some(failure) = &record.failure {
        lines.push(format!("  {failure}"));
    }
    if let Some(undone) = &record.undone {
        lines.push(format!("  undone by {}: {}", undone.by, undone.reason));
    }
    lines.join("\n")
}

fn asker(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Directive => "a directive",
        Trigger::Constraint => "a bound that was not kept",
        Trigger::Recommender => "a recommender, for an objective",
        Trigger::Restore => "the end of an intent",
        Trigger::Undo => "a wish to undo",
    }
}

/// How a workload stands: what it is given, its intents, its limits, and what was decided.
fn workload(explained: &Explained) -> String {
    let paint = Paint::for_stdout();
    let Explained {
        explanation,
        decisions,
    } = explained;
    let live = &explanation.live;
    let mut lines = vec![paint.bold(&live.workload.to_string())];
    if live.workload.kind != WorkloadKind::Namespace {
        let pod = live.allocation.pod_requests();
        lines.push(format!(
            "  {} of {} pods ready, each requests {} CPU and {} memory",
            live.ready_replicas, live.allocation.replicas, pod.cpu, pod.memory
        ));
    }
    lines.extend(
        explanation
            .outside
            .iter()
            .map(|outside| format!("  {}: {outside}", paint.yellow("outside of its limits"))),
    );
    lines.extend(
        explanation
            .paused
            .iter()
            .map(|pause| format!("  {}", paint.yellow(&pause.to_string()))),
    );
    lines.push(paint.bold("intents"));
    if explanation.intents.is_empty() {
        lines.push("  none".to_owned());
    }
    for intent in &explanation.intents {
        lines.extend(standing(intent));
    }
    lines.push(paint.bold("limits"));
    let envelope = &explanation.envelope;
    lines.extend(bounds("pods", &envelope.replicas));
    lines.extend(bounds("CPU of a pod", &envelope.cpu));
    lines.extend(bounds("memory of a pod", &envelope.memory));
    for budget in &envelope.budgets {
        let parts = [
            budget.limit.cpu.map(|cpu| format!("{cpu} CPU")),
            budget.limit.memory.map(|memory| format!("{memory} memory")),
            budget.pods.map(words::pods_text),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        lines.push(format!(
            "  together with {} workloads at most {} ({})",
            budget.members.len(),
            parts.join(", "),
            budget.source
        ));
    }
    if let Some(assessment) = &explanation.assessment {
        lines.push(format!("{} {}", paint.bold("signals"), assessment.health));
        if let Some(floor) = &assessment.floor {
            lines.push(format!(
                "{} at least {} and {} CPU in all: {}",
                paint.bold("the measured load needs"),
                words::pods_text(floor.replicas),
                floor.total_cpu,
                floor.basis
            ));
        }
        lines.extend(
            assessment
                .findings
                .iter()
                .map(|it| format!("  {}", it.message)),
        );
    }
    lines.push(paint.bold("decisions, the newest first"));
    if decisions.is_empty() {
        lines.push("  none yet".to_owned());
    }
    for record in decisions {
        lines.extend(tell::indented(&headline(record)));
        lines.extend(
            record
                .decision
                .reasons
                .first()
                .map(|it| format!("    {}", it.message)),
        );
    }
    lines.join("\n")
}

/// An intent, its state, and what became of its expectations.
fn standing(intent: &Intent) -> Vec<String> {
    let advises = if intent.spec.mode() == Mode::Advise && intent.state().is_live() {
        format!(", {}", tell::ADVISES)
    } else {
        String::new()
    };
    let mut lines = vec![format!(
        "  {}: {:?}{advises}",
        intent.metadata.name,
        intent.state()
    )];
    let became = intent.status.iter().flat_map(|status| &status.expectations);
    for (expectation, became) in intent.spec.expectations.iter().zip(became) {
        let achieved = became.achieved.as_deref().map_or_else(String::new, |it| {
            format!(" Achieved: {}.", words::achieved(it))
        });
        lines.push(format!("    {}{achieved}", words::expectation(expectation)));
    }
    lines
}

fn bounds<T: std::fmt::Display>(what: &str, limits: &Limits<T>) -> Vec<String> {
    let side = |name: &str, limit: &Option<ibn_core::envelope::Limit<T>>| {
        limit
            .as_ref()
            .map(|limit| format!("  {what}: {name} {} ({})", limit.value, limit.source))
    };
    [side("at least", &limits.min), side("at most", &limits.max)]
        .into_iter()
        .flatten()
        .collect()
}

fn subject_of(subject: &str, namespace: Option<&str>) -> Result<Subject, Failure> {
    if subject.parse::<ibn_core::decision::DecisionId>().is_ok() {
        return Ok(Subject::Decision(subject.to_owned()));
    }
    let parts: Vec<&str> = subject.split('/').collect();
    Ok(Subject::Workload(match (parts.as_slice(), namespace) {
        ([namespace, kind, name], _) => {
            let kind: WorkloadKind =
                kind.parse()
                    .map_err(|error: ibn_core::units::ParseUnitError| {
                        Failure::new(Exit::Usage, error.to_string()).help(
                            "a workload is `namespace/Kind/name`, such as `acme/Deployment/web`",
                        )
                    })?;
            WorkloadRef::new(namespace, kind, name)
        }
        ([namespace, name], _) => WorkloadRef::deployment(namespace, name),
        ([name], Some(namespace)) => WorkloadRef::deployment(namespace, name),
        _ => {
            return Err(Failure::new(Exit::Usage, format!("`{subject}` names no decision and no workload"))
                .help("a decision such as `d17`, or a workload such as `acme/web` or `acme/Deployment/web`"));
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_and_workloads_are_told_apart() {
        assert_eq!(
            subject_of("d17", None).unwrap(),
            Subject::Decision("d17".to_owned())
        );
        for (subject, namespace, workload) in [
            ("acme/web", None, "acme/Deployment/web"),
            ("acme/StatefulSet/db", None, "acme/StatefulSet/db"),
            ("web", Some("acme"), "acme/Deployment/web"),
        ] {
            assert_eq!(
                subject_of(subject, namespace).unwrap(),
                Subject::Workload(workload.parse().unwrap())
            );
        }
        assert!(subject_of("web", None).is_err());
    }
}
