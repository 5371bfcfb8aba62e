//! Whether a decision can be taken back as things are.

use std::sync::Arc;

use ibn_core::conflict::is_acting;
use ibn_core::decision::DecisionId;
use ibn_core::engine::State;
use ibn_core::envelope::Envelope;
use ibn_core::guard::{Current, Cut, Guard};
use ibn_core::intent::Intent;
use ibn_core::observation::SignalHealth;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{DecisionOutcome, DecisionRecord};
use crate::state::ServerState;
use crate::view::intents_on;

/// Decisions that are looked through for what was applied last.
const DECISIONS: usize = 400;

/// What would become of a wish to undo a decision at this moment. The guard judges again when it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UndoOutlook {
    /// Whether anything of it would go back.
    pub is_possible: bool,
    /// Why nothing of it would, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// What of it would not go back, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

impl UndoOutlook {
    /// The outlook on undoing what is recorded.
    pub(crate) fn of(record: &DecisionRecord, server: &ServerState) -> Self {
        let engine = server.control().state();
        // The engine knows it as well, and tells it nobody.
        let last_applied_at = server
            .board()
            .decisions(DECISIONS)
            .iter()
            .filter_map(|it| it.receipt.as_ref())
            .find(|receipt| receipt.workload == record.decision.workload)
            .map(|receipt| receipt.applied_at);
        match judged(record, &engine, server.control().now(), last_applied_at) {
            Ok(except) => Self {
                is_possible: true,
                why_not: None,
                except,
            },
            Err(why) => Self {
                why_not: Some(why),
                ..Self::default()
            },
        }
    }
}

/// What would not go back where something would; else why nothing would.
fn judged(
    record: &DecisionRecord,
    engine: &State,
    now: Timestamp,
    last_applied_at: Option<Timestamp>,
) -> Result<Vec<String>, String> {
    if let Some(undone) = &record.undone {
        return Err(format!("it was undone already by {}", undone.by));
    }
    let Some(receipt) = &record.receipt else {
        let why = match record.outcome {
            DecisionOutcome::Pending => "it is still on its way",
            DecisionOutcome::Failed => "it could not be applied",
            DecisionOutcome::AwaitingApproval => "it waits for a person's approval",
            _ => "nothing of it was applied",
        };
        return Err(why.to_owned());
    };
    let Some(live) = engine.inventory().workloads.get(&receipt.workload) else {
        return Err(format!("{} does not exist any more", receipt.workload));
    };
    let acting: Vec<Arc<Intent>> = intents_on(engine, &receipt.workload)
        .filter(|intent| is_acting(intent, now))
        .cloned()
        .collect();
    let envelope = Envelope::build(live, engine.guardrails(), &acting, engine.inventory());
    let assessment = engine.assessment(&receipt.workload);
    let current = Current {
        now,
        state: live,
        envelope: &envelope,
        inventory: engine.inventory(),
        // What is on its way and what is barred lasts for a few turns only.
        in_flight: &[],
        barred: &[],
        health: assessment.map_or(SignalHealth::Missing, |assessment| assessment.health),
        floor: assessment.and_then(|assessment| assessment.floor.as_ref()),
        last_applied_at,
        approved_by_person: true,
    };
    let verdict = Guard.undo(DecisionId(0), receipt, &current);
    let cuts: Vec<String> = verdict.cuts().iter().map(Cut::to_string).collect();
    match verdict.approved() {
        Some(_) => Ok(cuts),
        None => Err(cuts.join("; ")),
    }
}
