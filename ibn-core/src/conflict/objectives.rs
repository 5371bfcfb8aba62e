//! Objectives against directives, budgets and other objectives.

use std::collections::BTreeSet;

use super::bounds::{coincide, gives_way};
use super::{Conflict, ConflictContext, ConflictRule, Level, Nature, Party, Side};
use crate::allocation::{Field, Resource};
use crate::feasibility::{Search, text};
use crate::intent::{IndicatorName, Intent, Objective};

/// A live directive of another intent holds a field that an objective would move.
///
/// The directive outranks the objective on its field, which is a warning: the objective may still be met by what is left.
#[derive(Debug, Clone, Copy, Default)]
pub struct ObjectiveUnderDirective;

impl ConflictRule for ObjectiveUnderDirective {
    fn name(&self) -> &'static str {
        "objective-under-directive"
    }

    fn check(&self, context: &ConflictContext<'_>) -> Vec<Conflict> {
        let Some(scene) = context.scene() else {
            return Vec::new();
        };
        let mut conflicts = Vec::new();
        for intent in context.intents_here() {
            for (_, objective) in intent.spec.objectives() {
                let holders: BTreeSet<_> = scene
                    .held
                    .iter()
                    .filter(|(field, _)| moves(&objective.indicator, field))
                    .map(|(_, held)| &held.intent)
                    .filter(|holder| {
                        **holder != intent.key() && context.wants_pair(&intent.key(), holder)
                    })
                    .collect();
                for holder in holders {
                    let fields: Vec<String> = scene
                        .held
                        .iter()
                        .filter(|(field, held)| {
                            held.intent == *holder && moves(&objective.indicator, field)
                        })
                        .map(|(_, held)| held.setting.to_string())
                        .collect();
                    let outlook = scene
                        .search()
                        .map_or(String::new(), |search| outlook(&search, objective));
                    conflicts.push(Conflict::new(
                        self.name(),
                        Level::Warning,
                        Nature::Contest,
                        Side::intent(&intent.key(), format!("wants {objective}")),
                        Side::intent(holder, format!("orders {}", fields.join(", "))),
                        format!("a directive outranks an objective on its field{outlook}"),
                        vec![
                            format!("withdraw `{holder}`, so that the objective decides"),
                            format!(
                                "withdraw `{}`, so that the order stands alone",
                                intent.key()
                            ),
                        ],
                    ));
                }
            }
        }
        conflicts
    }
}

/// What becomes of an objective under what is held, as the end of a sentence.
fn outlook(search: &Search<'_>, objective: &Objective) -> String {
    if search.predict(search.base).of(objective).is_none() {
        String::new()
    } else if search.is_met(search.base, &[objective]) {
        "; it is predicted to be met all the same".to_owned()
    } else {
        match search.cheapest(&[objective]) {
            Some(found) => format!(
                "; it can still be met with {}",
                text::size(&found.allocation)
            ),
            None => "; with it, the objective is predicted to be missed".to_owned(),
        }
    }
}

/// Whether an objective on this indicator would move a field.
fn moves(indicator: &IndicatorName, field: &Field) -> bool {
    match field {
        Field::Replicas | Field::Autoscale => true,
        Field::Quota => false,
        Field::Resource { resource, .. } => match indicator {
            IndicatorName::Custom(_) => true,
            IndicatorName::MemoryUtilization => *resource == Resource::Memory,
            _ => *resource == Resource::Cpu,
        },
    }
}

/// An objective that could be met, but for a budget.
#[derive(Debug, Clone, Copy, Default)]
pub struct BudgetCannotPay;

impl ConflictRule for BudgetCannotPay {
    fn name(&self) -> &'static str {
        "budget-cannot-pay"
    }

    fn check(&self, context: &ConflictContext<'_>) -> Vec<Conflict> {
        let Some(scene) = context.scene() else {
            return Vec::new();
        };
        let unpaid = scene.bounds.without_budgets();
        let (Some(search), Some(rich)) = (scene.search(), scene.search_within(&unpaid)) else {
            return Vec::new();
        };
        let mut conflicts = Vec::new();
        for intent in context.intents_here() {
            let wanted = objectives(&scene.predictable(intent));
            if wanted.is_empty() || search.cheapest(&wanted).is_some() {
                continue;
            }
            let Some(needed) = rich.cheapest(&wanted) else {
                continue;
            };
            for violation in scene.bounds.violations(&needed.allocation) {
                let source = &violation.source;
                conflicts.push(Conflict::new(
                    self.name(),
                    Level::Blocking,
                    Nature::Limit,
                    Side::intent(&intent.key(), format!("wants {}", sentence(&wanted))),
                    Side {
                        party: Party::from(source),
                        says: format!("{} {}", violation.what, violation.allowed),
                    },
                    format!(
                        "the cheapest allocation that meets it is {}, with which {} would be {}",
                        text::size(&needed.allocation),
                        violation.what,
                        violation.found
                    ),
                    vec![
                        format!("raise the limit of {source}"),
                        format!("relax the objective of `{}`", intent.key()),
                    ],
                ));
            }
        }
        conflicts
    }
}

/// The objectives of two intents can each be met, but not both at once.
///
/// The recommender meets the higher priority first, so this is a warning.
#[derive(Debug, Clone, Copy, Default)]
pub struct ObjectivesExclude;

impl ConflictRule for ObjectivesExclude {
    fn name(&self) -> &'static str {
        "objectives-exclude"
    }

    fn check(&self, context: &ConflictContext<'_>) -> Vec<Conflict> {
        let Some((scene, search)) = context
            .scene()
            .and_then(|scene| Some((scene, scene.search()?)))
        else {
            return Vec::new();
        };
        let possible: Vec<(&Intent, Vec<&Objective>)> = context
            .intents_here()
            .map(|intent| (intent.as_ref(), objectives(&scene.predictable(intent))))
            .filter(|(_, wanted)| !wanted.is_empty() && search.cheapest(wanted).is_some())
            .collect();
        let mut conflicts = Vec::new();
        for (idx, (a, of_a)) in possible.iter().enumerate() {
            for (b, of_b) in possible.iter().skip(idx + 1) {
                if !context.wants_pair(&a.key(), &b.key()) || !coincide(a, b) {
                    continue;
                }
                let both: Vec<&Objective> = of_a.iter().chain(of_b).copied().collect();
                if search.cheapest(&both).is_some() {
                    continue;
                }
                let (yields, stays) = if gives_way(a, b) {
                    ((a, of_a), (b, of_b))
                } else {
                    ((b, of_b), (a, of_a))
                };
                let (loser, winner) = (yields.0.key(), stays.0.key());
                conflicts.push(Conflict::new(
                    self.name(),
                    Level::Warning,
                    Nature::Contest,
                    Side::intent(&loser, format!("wants {}", sentence(yields.1))),
                    Side::intent(&winner, format!("wants {}", sentence(stays.1))),
                    format!(
                        "each can be met, but nothing inside the limits is predicted to meet both; `{winner}` comes first"
                    ),
                    vec![
                        format!("relax one of the objectives of `{loser}` or `{winner}`"),
                        "widen the limits".to_owned(),
                    ],
                ));
            }
        }
        conflicts
    }
}

fn objectives<'i>(indexed: &[(usize, &'i Objective)]) -> Vec<&'i Objective> {
    indexed.iter().map(|(_, objective)| *objective).collect()
}

fn sentence(objectives: &[&Objective]) -> String {
    let parts: Vec<String> = objectives.iter().map(ToString::to_string).collect();
    parts.join(" and ")
}
