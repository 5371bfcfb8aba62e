//! Pieces that several pages are made of.

use ibn_core::conflict::{Conflict, Level};
use ibn_core::decision::{Decision, Reason};
use ibn_core::diagnostic::{Diagnostic, Severity};
use ibn_core::engine::NoticeLevel;
use ibn_core::guard::{Cut, Desired};
use ibn_core::intent::{IntentKey, IntentState, Mode};
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use jiff::Timestamp;
use maud::{Markup, html};

use super::format;
use crate::board::HeardNotice;
use crate::record::{DecisionOutcome, DecisionRecord};
use crate::view::Pause;

/// Pods that are drawn one by one; more are only counted.
const DRAWN_PODS: u32 = 16;

/// The page of a workload.
pub(crate) fn workload_url(workload: &WorkloadRef) -> String {
    format!(
        "/workloads/{}/{}/{}",
        workload.namespace, workload.kind, workload.name
    )
}

/// The page of an intent.
pub(crate) fn intent_url(key: &IntentKey) -> String {
    format!("/intents/{}/{}", key.namespace, key.name)
}

/// A link to a workload's page.
pub(crate) fn workload_link(workload: &WorkloadRef) -> Markup {
    html! {
        a.workload href=(workload_url(workload)) {
            @if workload.kind == WorkloadKind::Namespace {
                span.ns { "namespace" } " " (workload.name)
            } @else {
                span.ns { (workload.namespace) } "/" (workload.name)
            }
        }
    }
}

/// A small label.
pub(crate) fn badge(class: &str, text: &str) -> Markup {
    html! { span class={ "badge " (class) } { (text) } }
}

/// The state of an intent.
pub(crate) fn state_badge(state: IntentState, mode: Mode) -> Markup {
    let (class, sign) = match state {
        IntentState::Fulfilled => ("good", "✓"),
        IntentState::Degraded => ("bad", "!"),
        IntentState::Infeasible | IntentState::Rejected => ("bad", "✕"),
        IntentState::Accepted | IntentState::Received => ("info", "…"),
        IntentState::Overridden => ("warn", "‖"),
        IntentState::Suspended => ("quiet", "‖"),
        IntentState::Finished => ("quiet", "▪"),
    };
    html! {
        span class={ "badge " (class) } { span.sign aria-hidden="true" { (sign) } (state.as_str()) }
        @if mode == Mode::Advise && state.is_live() {
            " " span.badge.quiet { "only advises" }
        }
    }
}

/// A pause that holds, and what follows from it where that is to be said.
pub(crate) fn pause(pause: &Pause, so: &str) -> Markup {
    html! {
        p.note.paused {
            a href=(intent_url(&pause.intent)) { (sentence(&pause.to_string()).trim_end_matches('.')) }
            @if !so.is_empty() { ": " (so) }
            "."
        }
    }
}

/// Pods as little boxes: ready ones filled, those that are asked for and not ready hollow.
pub(crate) fn pods(ready: u32, asked: u32) -> Markup {
    let drawn = ready.max(asked);
    let text = if ready == asked {
        format!("{ready} of {asked} pods ready")
    } else if ready > asked {
        format!("{ready} pods ready, {asked} asked for")
    } else {
        format!("{ready} of {asked} pods ready, {} starting", asked - ready)
    };
    html! {
        span.pods role="img" aria-label=(text) title=(text) {
            @if drawn <= DRAWN_PODS {
                @for pod in 0..drawn {
                    i.pod.starting[pod >= ready].leaving[pod >= asked] {}
                }
            }
        }
    }
}

/// How much of a whole is used.
pub(crate) fn meter(label: &str, used: f64, whole: f64) -> Markup {
    let share = if whole > 0.0 { used / whole } else { 0.0 };
    let width = (100.0 * share).clamp(0.0, 100.0);
    html! {
        svg.meter role="img" viewBox="0 0 100 6" preserveAspectRatio="none" {
            title { (label) }
            rect.track width="100" height="6" {}
            rect.fill.high[share > 0.9] width=(format!("{width:.1}")) height="6" {}
        }
    }
}

/// A decision in a list.
pub(crate) fn decision_item(record: &DecisionRecord, now: Timestamp, of_several: bool) -> Markup {
    html! {
        li.decision id={ "decision-" (record.decision.id) } { (decision_body(record, now, of_several)) }
    }
}

/// What a list says of a decision.
pub(crate) fn decision_body(record: &DecisionRecord, now: Timestamp, of_several: bool) -> Markup {
    let decision = &record.decision;
    html! {
        div.line {
            time datetime=(decision.at.to_string()) { (format::near(decision.at, now)) }
            @if of_several { (workload_link(&decision.workload)) }
            (outcome_badge(record))
            a.id href={ "/decisions/" (decision.id) } { (decision.id) }
        }
        (changes(record))
        @if let Some(reason) = ground(decision) {
            p.why { (rich(&sentence(&reason.message))) }
        }
        @if let Some(cut) = decision.cuts.first() {
            p.cut {
                "Guard: " (rich(&cut.to_string()))
                @if decision.cuts.len() > 1 { " and " (decision.cuts.len() - 1) " more" }
            }
        }
        @if let Some(undone) = &record.undone {
            p.why { "Undone by " a href={ "/decisions/" (undone.by) } { (undone.by) } ": " (rich(&undone.reason)) }
        }
        @if let Some(failure) = &record.failure {
            p.cut { "Failed: " (rich(failure)) }
        }
    }
}

/// Why something was wanted. A refusal is recorded among the reasons, too, and stands with what the guard cut.
fn ground(decision: &Decision) -> Option<&Reason> {
    let told: Vec<Reason> = match decision.approved {
        Some(_) => Vec::new(),
        None => decision.cuts.iter().map(Cut::reason).collect(),
    };
    decision
        .reasons
        .iter()
        .find(|reason| !told.contains(reason))
}

/// A text in which what stands in backticks is a name.
pub(crate) fn rich(text: &str) -> Markup {
    let pieces: Vec<&str> = text.split('`').collect();
    // An odd backtick is only a backtick.
    if pieces.len().is_multiple_of(2) {
        return html! { (text) };
    }
    html! {
        @for (idx, piece) in pieces.iter().enumerate() {
            @if idx.is_multiple_of(2) { (piece) } @else { code { (piece) } }
        }
    }
}

/// A phrase of the core as a sentence: with a capital letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first_word = text.split_whitespace().next().unwrap_or_default();
    // Names of quantiles and decisions stay as they are.
    let is_name = first_word.chars().any(|c| c.is_ascii_digit());
    let mut out: String = if is_name {
        text.to_owned()
    } else {
        chars
            .next()
            .map(|first| first.to_uppercase().chain(chars).collect())
            .unwrap_or_default()
    };
    if !out.ends_with(['.', '?', '!', ':']) {
        out.push('.');
    }
    out
}

/// The fields that a decision changes, or wanted to.
pub(crate) fn changes(record: &DecisionRecord) -> Markup {
    let decision = &record.decision;
    let wanted = decision.before.changes_to(&decision.wanted);
    let (changes, is_done) = if decision.changes.is_empty() {
        (&wanted, false)
    } else {
        (&decision.changes, true)
    };
    html! {
        @if !changes.is_empty() {
            ul.changes.refused[!is_done] {
                @for change in changes {
                    li {
                        span.field { (change.field) }
                        " " span.from { (change.from.as_deref().unwrap_or("unset")) }
                        " → " b { (change.to.as_deref().unwrap_or("unset")) }
                    }
                }
            }
        }
    }
}

/// How far a decision has come.
pub(crate) fn outcome_badge(record: &DecisionRecord) -> Markup {
    let trimmed = !record.decision.cuts.is_empty() && record.decision.approved.is_some();
    html! {
        (match record.outcome {
            DecisionOutcome::Applied => badge("good", "applied"),
            DecisionOutcome::Pending => badge("info", "on its way"),
            DecisionOutcome::Rejected => badge("quiet", "not done"),
            DecisionOutcome::AwaitingApproval => badge("warn", "needs approval"),
            DecisionOutcome::Failed => badge("bad", "failed"),
            DecisionOutcome::Undone => badge("warn", "undone"),
        })
        @if trimmed { " " (badge("warn", "trimmed")) }
    }
}

/// The button that approves or undoes a decision, where that can be done. An approval that comes too late is refused.
pub(crate) fn undo_button(record: &DecisionRecord, back: &str) -> Markup {
    html! {
        @if record.decision.needs_approval() {
            form.inline method="post" action={ "/decisions/" (record.decision.id) "/approve" } {
                input type="hidden" name="back" value=(back);
                button.small type="submit" { "Approve" span.sr { " " (record.decision.id) } }
            }
        }
        @if record.can_be_undone() {
            form.inline method="post" action={ "/decisions/" (record.decision.id) "/undo" } {
                input type="hidden" name="back" value=(back);
                button.small type="submit" { "Undo" span.sr { " " (record.decision.id) } }
            }
        }
    }
}

/// Something that was said aloud.
pub(crate) fn notice_item(heard: &HeardNotice, now: Timestamp) -> Markup {
    let notice = &heard.notice;
    html! {
        li.notice.loud[notice.level == NoticeLevel::Warning] {
            div.line {
                time datetime=(heard.at.to_string()) { (format::near(heard.at, now)) }
                @if let Some(workload) = &notice.workload { (workload_link(workload)) }
                @if let Some(intent) = &notice.intent {
                    a.id href=(intent_url(intent)) { (intent.name) }
                }
                @if notice.level == NoticeLevel::Warning { (badge("warn", "look")) }
            }
            @if notice.reason.code == CORRECTIVE {
                p.why { "Assurance corrects: " (rich(cause(&notice.reason.message))) "." }
            } @else {
                p.why { (rich(&sentence(&notice.reason.message))) }
            }
        }
    }
}

/// The code of the notice that assurance raised a corrective intent.
const CORRECTIVE: &str = "CorrectiveIntent";

/// A cause without the code that it begins with.
fn cause(message: &str) -> &str {
    match message.split_once(": ") {
        Some((code, rest)) if !code.contains(char::is_whitespace) => rest,
        _ => message,
    }
}

/// The same said of several workloads.
pub(crate) fn notice_items(alike: &[HeardNotice], now: Timestamp) -> Markup {
    let Some(first) = alike.first() else {
        return html! {};
    };
    html! {
        li.notice.loud[first.notice.level == NoticeLevel::Warning] {
            div.line {
                time datetime=(first.at.to_string()) { (format::near(first.at, now)) }
                @if first.notice.level == NoticeLevel::Warning { (badge("warn", "look")) }
                details id=(format!("alike-{}-{}", first.at.as_second(), first.notice.reason.code)) {
                    summary { (alike.len()) " workloads" }
                    @for heard in alike {
                        @if let Some(workload) = &heard.notice.workload { div { (workload_link(workload)) } }
                    }
                }
            }
            p.why { (rich(&sentence(&first.notice.reason.message))) }
        }
    }
}

/// Faults of a document.
pub(crate) fn diagnostics(diagnostics: &[Diagnostic]) -> Markup {
    html! {
        ul.faults {
            @for fault in diagnostics {
                li class=(match fault.severity { Severity::Error => "fault", Severity::Warning => "fault mild" }) {
                    p {
                        b { (rich(&fault.message)) }
                        span.where {
                            @if let Some(line) = fault.line { " line " (line) }
                            @if !fault.path.is_empty() { " " code { (fault.path) } }
                            " " span.code { (fault.code) }
                        }
                    }
                    @if !fault.help.is_empty() { p.help { (rich(&fault.help)) } }
                }
            }
        }
    }
}

/// Conflicts with their ways out.
pub(crate) fn conflicts(conflicts: &[Conflict]) -> Markup {
    html! {
        @if !conflicts.is_empty() {
            ul.conflicts {
                @for conflict in conflicts {
                    (conflict_item(
                        conflict.level == Level::Blocking,
                        &conflict.sides.clone().map(|side| side.to_string()),
                        &conflict.why,
                        &conflict.ways_out,
                    ))
                }
            }
        }
    }
}

/// One conflict.
pub(crate) fn conflict_item(
    blocking: bool,
    sides: &[String; 2],
    why: &str,
    ways_out: &[String],
) -> Markup {
    let [a, b] = sides;
    html! {
        li.conflict {
            p {
                (if blocking { badge("bad", "in the way") } else { badge("warn", "know this") })
                " " b { (rich(why)) }
            }
            p.sides { (rich(a)) " — " (rich(b)) }
            @if !ways_out.is_empty() {
                p.ways { "Ways out:" }
                ul { @for way in ways_out { li { (rich(way)) } } }
            }
        }
    }
}

/// What the guard would not allow, or did not.
pub(crate) fn cuts(cuts: &[Cut]) -> Markup {
    html! {
        ul.cuts {
            @for cut in cuts {
                li {
                    b { (cut.rule.as_str()) }
                    @if let Some(field) = &cut.field { " on " code { (field) } }
                    ": wanted " (cut.wanted) ", allowed " (cut.allowed)
                    span.where { " — " (rich(&cut.source.to_string())) }
                }
            }
        }
    }
}

/// An allocation in a few words.
pub(crate) fn allocation_text(desired: &Desired) -> String {
    match desired {
        Desired::Allocation(allocation) => {
            let pod = allocation.pod_requests();
            format!("{} × {} CPU, {}", allocation.replicas, pod.cpu, pod.memory)
        }
        Desired::Quota(None) => "no quota".to_owned(),
        Desired::Quota(Some(quota)) => {
            let mut parts = Vec::new();
            parts.extend(quota.cpu.map(|cpu| format!("{cpu} CPU")));
            parts.extend(quota.memory.map(|memory| format!("{memory} memory")));
            parts.extend(quota.pods.map(|pods| format!("{pods} pods")));
            parts.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use ibn_core::allocation::{Allocation, Field};
    use ibn_core::decision::{DecisionId, Trigger};
    use ibn_core::envelope::LimitSource;
    use ibn_core::guard::CutRule;

    use super::*;

    #[test]
    fn what_was_refused_says_once_why() {
        let workload = WorkloadRef::deployment("acme", "web");
        let pods = |count| Desired::Allocation(Allocation::new(count, Vec::new()));
        let cut = Cut {
            field: Some(Field::Replicas),
            wanted: "8".to_owned(),
            allowed: "3".to_owned(),
            rule: CutRule::Replicas,
            source: LimitSource::Guardrail("small".to_owned()),
        };
        let directive = Reason::new("Directive", "a directive orders it");
        let decision = Decision {
            id: DecisionId(7),
            at: Timestamp::UNIX_EPOCH,
            workload,
            trigger: Trigger::Directive,
            intents: Vec::new(),
            reasons: vec![cut.reason(), directive.clone()],
            observation: None,
            before: pods(3),
            wanted: pods(8),
            approved: None,
            changes: Vec::new(),
            cuts: vec![cut.clone()],
            alternatives: Vec::new(),
            predicted: None,
            policy: None,
        };
        assert_eq!(ground(&decision), Some(&directive));
        let record = DecisionRecord {
            decision,
            receipt: None,
            undone: None,
            failure: None,
            outcome: DecisionOutcome::Rejected,
        };
        let page = decision_body(&record, Timestamp::UNIX_EPOCH, false).into_string();
        let why = rich(&cut.to_string()).into_string();
        assert_eq!(page.matches(&why).count(), 1, "{page}");
        let again = rich(&sentence(&cut.reason().message)).into_string();
        assert!(!page.contains(&again), "{page}");
        assert!(page.contains("A directive orders it."), "{page}");
    }

    #[test]
    fn a_cause_is_told_without_its_code() {
        for (message, told) in [
            (
                "DemandForecast: up to 25 requests a second come",
                "up to 25 requests a second come",
            ),
            ("too many fail: 3 %", "too many fail: 3 %"),
            ("slow", "slow"),
        ] {
            assert_eq!(cause(message), told);
        }
    }
}
