//! A field that is wanted here and belongs to somebody else.

use std::collections::{BTreeMap, BTreeSet};

use super::directives::all_claims;
use super::{Conflict, ConflictContext, ConflictRule, Level, Nature, Party, Side};
use crate::allocation::Field;
use crate::intent::IntentKey;
use crate::workload::{FieldOwner, WorkloadState};

/// A directive orders a field that another autoscaler, or a manager in a guardrail's `yieldTo`, claims.
///
/// Foreign fields stay untouched, so the intent is blocked; the ways out are to adopt, to tune the
/// owner's bounds, and to yield. Fields of other managers are taken over, which is no conflict.
#[derive(Debug, Clone, Copy, Default)]
pub struct FieldOwned;

impl ConflictRule for FieldOwned {
    fn name(&self) -> &'static str {
        "field-owned"
    }

    fn check(&self, context: &ConflictContext<'_>) -> Vec<Conflict> {
        let Some(state) = context.state() else {
            return Vec::new();
        };
        let yield_to: BTreeSet<&str> = context
            .guardrails()
            .iter()
            .filter(|guardrail| guardrail.selects(state))
            .flat_map(|guardrail| guardrail.spec.yield_to.iter().map(String::as_str))
            .collect();
        let mut found: BTreeMap<(IntentKey, &FieldOwner), Vec<(Field, String)>> = BTreeMap::new();
        for intent in context.intents_here() {
            for claim in all_claims(intent, state) {
                if let Some(owner) = foreign_owner(state, &claim.field, &yield_to) {
                    found
                        .entry((intent.key(), owner))
                        .or_default()
                        .push((claim.field, claim.setting.to_string()));
                }
            }
        }
        found
            .into_iter()
            .map(|((intent, owner), fields)| conflict(self.name(), &intent, owner, &fields))
            .collect()
    }
}

/// Who claims a field that we have to leave alone. Of `replicas` and an autoscaler whoever claims the one claims both.
pub(crate) fn foreign_owner<'a>(
    state: &'a WorkloadState,
    field: &Field,
    yield_to: &BTreeSet<&str>,
) -> Option<&'a FieldOwner> {
    let is_foreign = |owner: &&FieldOwner| match owner {
        FieldOwner::Ibn => false,
        FieldOwner::Manager(name) => yield_to.contains(name.as_str()),
        FieldOwner::HorizontalPodAutoscaler(_)
        | FieldOwner::VerticalPodAutoscaler(_)
        | FieldOwner::ScaledObject(_) => true,
    };
    let owner = |field: &Field| state.owners.get(field).filter(is_foreign);
    match field {
        Field::Autoscale => owner(&Field::Autoscale).or_else(|| {
            owner(&Field::Replicas).filter(|owner| !matches!(owner, FieldOwner::Manager(_)))
        }),
        _ => owner(field),
    }
}

fn conflict(
    rule: &str,
    intent: &IntentKey,
    owner: &FieldOwner,
    fields: &[(Field, String)],
) -> Conflict {
    let names: Vec<String> = fields.iter().map(|(field, _)| field.to_string()).collect();
    let values: Vec<&str> = fields.iter().map(|(_, value)| value.as_str()).collect();
    let names = names.join(", ");
    let ways_out = match owner {
        FieldOwner::HorizontalPodAutoscaler(_) | FieldOwner::ScaledObject(_) => vec![
            format!(
                "adopt it: let an `autoscale` directive stand in its place, and remove {owner}"
            ),
            format!("tune the bounds of {owner} instead of ordering {names}"),
            format!("yield: withdraw `{intent}`"),
        ],
        FieldOwner::VerticalPodAutoscaler(_) => vec![
            format!("adopt the sizes: set {owner} to `updateMode: Off` or remove it"),
            format!("tune its bounds: `minAllowed` and `maxAllowed` of {owner}"),
            format!("yield: withdraw `{intent}`"),
        ],
        FieldOwner::Manager(name) => vec![
            format!("adopt it: remove `{name}` from `yieldTo` in the guardrail"),
            format!("change {names} where {owner} keeps it"),
            format!("yield: withdraw `{intent}`"),
        ],
        FieldOwner::Ibn => Vec::new(),
    };
    Conflict::new(
        rule,
        Level::Blocking,
        Nature::Contest,
        Side::intent(intent, format!("orders {}", values.join(", "))),
        Side {
            party: Party::Owner(owner.clone()),
            says: format!("claims {names}"),
        },
        format!("{names} is foreign here, since {owner} moves it; it stays untouched"),
        ways_out,
    )
}
