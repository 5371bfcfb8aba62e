//! What drivers tell the log: notices, and a span around each effect that says what it is about.

use ibn_core::decision::LedgerEvent;
use ibn_core::engine::{Effect, Notice, NoticeLevel};
use jiff::Timestamp;
use tracing::{Span, field::display, info_span};

/// A span for the carrying out of an effect, with those of `intent`, `workload` and `decision` that it is about.
pub(crate) fn span(effect: &Effect) -> Span {
    let empty = tracing::field::Empty;
    match effect {
        Effect::Reply(..) | Effect::Notify(_) => Span::none(),
        Effect::SaveIntent(intent, version) => {
            info_span!("save", intent = %intent.key(), workload = %intent.workload(), version)
        }
        Effect::ForgetIntent(key) => info_span!("forget", intent = %key),
        Effect::TakeInventory(id) => info_span!("inventory", turn = id.0),
        Effect::Observe(id, workload, _) => info_span!("observe", %workload, turn = id.0),
        Effect::Assess(id, workload, _) => info_span!("assess", %workload, turn = id.0),
        Effect::Recommend(id, workload, _) => info_span!("recommend", %workload, turn = id.0),
        Effect::Learn(workload, _) => info_span!("learn", %workload),
        Effect::Demote(workload, _) => info_span!("demote", %workload),
        Effect::Apply(plan) => {
            info_span!("apply", workload = %plan.workload(), decision = %plan.decision())
        }
        Effect::Record(entry) => {
            let span = info_span!("record", decision = %entry.event.decision(), workload = empty);
            let workload = match &entry.event {
                LedgerEvent::Decided(decision) => Some(&decision.workload),
                LedgerEvent::Applied(receipt) => Some(&receipt.workload),
                LedgerEvent::Failed { .. } | LedgerEvent::Undone { .. } => None,
            };
            if let Some(workload) = workload {
                span.record("workload", display(workload));
            }
            span
        }
    }
}

/// Tells what the engine says aloud.
pub(crate) fn tell(notice: &Notice) {
    let workload = notice.workload.as_ref().map(display);
    let intent = notice.intent.as_ref().map(display);
    let (reason, message) = (&notice.reason.code, &notice.reason.message);
    match notice.level {
        NoticeLevel::Normal => tracing::info!(workload, intent, reason, "{message}"),
        NoticeLevel::Warning => tracing::warn!(workload, intent, reason, "{message}"),
    }
}

/// The same of a simulated instant. Nothing of it is about the process, so that it is told one level lower.
pub(crate) fn tell_of(now: Timestamp, notice: &Notice) {
    let workload = notice.workload.as_ref().map(display);
    let intent = notice.intent.as_ref().map(display);
    let (reason, message) = (&notice.reason.code, &notice.reason.message);
    match notice.level {
        NoticeLevel::Normal => tracing::debug!(%now, workload, intent, reason, "{message}"),
        NoticeLevel::Warning => tracing::info!(%now, workload, intent, reason, "{message}"),
    }
}
