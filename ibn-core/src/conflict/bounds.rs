//! Bounds that exclude each other, and directives that lie outside of them.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::directives::overlap;
use super::{Age, Conflict, ConflictContext, ConflictRule, Level, Nature, Party, Side};
use crate::envelope::{LimitSource, Violation};
use crate::intent::{Constraints, Intent, IntentKey, OriginKind, Range};
use crate::resolve::resolve_intent;
use crate::units::{Bytes, CpuMillis};

/// The constraints of two intents, or those of an intent and a guardrail, leave no value.
///
/// An intent gives way to a guardrail, and one that assurance raised to one of people. Of two others the
/// one of lower priority gives way, at equal priority the newer one.
#[derive(Debug, Clone, Copy, Default)]
pub struct BoundsExclude;

impl ConflictRule for BoundsExclude {
    fn name(&self) -> &'static str {
        "bounds-exclude"
    }

    fn check(&self, context: &ConflictContext<'_>) -> Vec<Conflict> {
        let Some(state) = context.state() else {
            return Vec::new();
        };
        let mut conflicts = Vec::new();
        let intents: Vec<&Intent> = context.intents_here().map(AsRef::as_ref).collect();
        for (idx, intent) in intents.iter().enumerate() {
            let own = Ranges::from(&intent.spec.constraints);
            for guardrail in context.guardrails().iter().filter(|it| it.selects(state)) {
                let theirs = Ranges {
                    replicas: guardrail.spec.replicas,
                    cpu: guardrail.spec.cpu,
                    memory: guardrail.spec.memory,
                };
                let name = &guardrail.metadata.name;
                conflicts.extend(own.excluded_by(theirs).into_iter().map(|(own, their)| {
                    Conflict::new(
                        self.name(),
                        Level::Blocking,
                        Nature::Limit,
                        Side::intent(&intent.key(), own),
                        Side {
                            party: Party::Guardrail(name.clone()),
                            says: their,
                        },
                        "no value lies inside both, and a guardrail can't be left".to_owned(),
                        vec![
                            format!("change the constraints of `{}`", intent.key()),
                            format!("ask an administrator to change guardrail `{name}`"),
                        ],
                    )
                }));
            }
            for other in intents.iter().skip(idx + 1) {
                if !coincide(intent, other) {
                    continue;
                }
                let theirs = Ranges::from(&other.spec.constraints);
                conflicts.extend(
                    own.excluded_by(theirs)
                        .into_iter()
                        .map(|(own, their)| between(self.name(), (intent, own), (other, their))),
                );
            }
        }
        conflicts
    }
}

fn between(rule: &str, a: (&Intent, String), b: (&Intent, String)) -> Conflict {
    let (yields, stays) = if gives_way(a.0, b.0) { (a, b) } else { (b, a) };
    let (loser, winner) = (yields.0.key(), stays.0.key());
    let why = if is_corrective(yields.0) && !is_corrective(stays.0) {
        format!("no value lies inside both, and assurance gives way to `{winner}`")
    } else if yields.0.spec.priority() < stays.0.spec.priority() {
        format!("no value lies inside both, and `{winner}` has the higher priority")
    } else {
        format!("no value lies inside both, and `{winner}` was there first")
    };
    Conflict::new(
        rule,
        Level::Blocking,
        Nature::Limit,
        Side::intent(&loser, yields.1),
        Side::intent(&winner, stays.1),
        why,
        vec![
            format!("change the constraints of `{loser}` or `{winner}`"),
            format!("withdraw `{winner}` or `{loser}`"),
        ],
    )
}

/// Whether `a` is the one of the two that gives way: assurance to people, then the lower priority, then the newer one.
pub(super) fn gives_way(a: &Intent, b: &Intent) -> bool {
    let strength = |intent: &Intent| {
        (
            is_corrective(intent),
            std::cmp::Reverse(intent.spec.priority()),
            Age::of(intent),
        )
    };
    strength(a) > strength(b)
}

/// Whether assurance raised it by itself.
fn is_corrective(intent: &Intent) -> bool {
    intent.spec.author().by == OriginKind::Assurance
}

pub(super) fn coincide(a: &Intent, b: &Intent) -> bool {
    overlap(
        &a.spec.validity.unwrap_or_default(),
        &b.spec.validity.unwrap_or_default(),
    )
}

#[derive(Clone, Copy)]
struct Ranges {
    replicas: Range<u32>,
    cpu: Range<CpuMillis>,
    memory: Range<Bytes>,
}

impl From<&Constraints> for Ranges {
    fn from(constraints: &Constraints) -> Self {
        Self {
            replicas: constraints.replicas,
            cpu: constraints.cpu,
            memory: constraints.memory,
        }
    }
}

impl Ranges {
    /// What each side says, for every pair of ends that exclude each other.
    fn excluded_by(self, other: Self) -> Vec<(String, String)> {
        fn of<T: Ord + Copy + Display>(
            a: Range<T>,
            b: Range<T>,
            noun: &str,
        ) -> Option<(String, String)> {
            let at_least = |value| format!("demands at least {value} {noun}");
            let at_most = |value| format!("allows at most {value} {noun}");
            match (a.min, a.max, b.min, b.max) {
                (Some(min), _, _, Some(max)) if min > max => Some((at_least(min), at_most(max))),
                (_, Some(max), Some(min), _) if min > max => Some((at_most(max), at_least(min))),
                _ => None,
            }
        }
        [
            of(self.replicas, other.replicas, "pods"),
            of(self.cpu, other.cpu, "CPU a pod"),
            of(self.memory, other.memory, "of memory a pod"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// A directive orders what the limits exclude: a guardrail, a budget, or the constraints of another intent.
///
/// Limits intersect whatever the priorities, so the directive gives way; but not to a floor that assurance
/// raised for an objective, since a directive outranks objectives.
#[derive(Debug, Clone, Copy, Default)]
pub struct DirectiveOutsideLimits;

impl ConflictRule for DirectiveOutsideLimits {
    fn name(&self) -> &'static str {
        "directive-outside-limits"
    }

    fn check(&self, context: &ConflictContext<'_>) -> Vec<Conflict> {
        directives_outside(context)
            .into_iter()
            .filter(|((_, source), _)| !matches!(source, LimitSource::Quota(_)))
            .map(|((intent, source), outside)| {
                let limit = Side {
                    party: Party::from(&source),
                    says: outside.limits(),
                };
                let order = Side::intent(&intent, format!("orders {}", outside.orders));
                let by_assurance = context.intents_here().any(|other| {
                    is_corrective(other) && limit.party == Party::Intent(other.key())
                });
                if by_assurance {
                    return Conflict::new(
                        self.name(),
                        Level::Blocking,
                        Nature::Limit,
                        limit,
                        order,
                        format!(
                            "{}; an order outranks the floor that assurance raised for an objective",
                            outside.why()
                        ),
                        vec![format!("withdraw `{intent}`, so that the objective decides")],
                    );
                }
                let way_out = match &source {
                    LimitSource::Guardrail(_) => {
                        format!("ask an administrator to change {source}")
                    }
                    _ => format!("change or withdraw {source}"),
                };
                Conflict::new(
                    self.name(),
                    Level::Blocking,
                    Nature::Limit,
                    order,
                    limit,
                    outside.why(),
                    vec!["order what lies inside the limits".to_owned(), way_out],
                )
            })
            .collect()
    }
}

/// What one intent orders outside the limits of one source.
pub(super) struct Outside {
    pub(super) orders: String,
    pub(super) violations: Vec<Violation>,
}

impl Outside {
    pub(super) fn limits(&self) -> String {
        let limits: Vec<String> = self
            .violations
            .iter()
            .map(|violation| format!("{} {}", violation.what, violation.allowed))
            .collect();
        limits.join(", ")
    }

    pub(super) fn why(&self) -> String {
        let found: Vec<String> = self
            .violations
            .iter()
            .map(|violation| {
                format!(
                    "{} would be {}, and may be {}",
                    violation.what, violation.found, violation.allowed
                )
            })
            .collect();
        found.join("; ")
    }
}

/// For every intent that orders something outside of limits that are not its own: by whose limit, and what.
pub(super) fn directives_outside(
    context: &ConflictContext<'_>,
) -> BTreeMap<(IntentKey, LimitSource), Outside> {
    let mut found: BTreeMap<(IntentKey, LimitSource), Outside> = BTreeMap::new();
    let Some(scene) = context.scene() else {
        return found;
    };
    for intent in context.intents_here() {
        let settings: Vec<_> = resolve_intent(intent, scene.state)
            .into_iter()
            .filter_map(|resolved| resolved.setting.ok())
            .collect();
        if settings.is_empty() {
            continue;
        }
        let reference = scene.without_orders_of(&intent.key());
        let mut ordered = settings
            .iter()
            .fold(reference.clone(), |allocation, setting| {
                setting.apply_to(&allocation)
            });
        if let Some(autoscale) = ordered.autoscale {
            // It takes the pods into its range by itself.
            let pods = ordered.replicas.min(autoscale.max);
            ordered.replicas = pods.max(autoscale.min_replicas());
        }
        let orders: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let own = LimitSource::Intent(intent.key().to_string());
        for violation in scene.bounds.violations_beyond(&ordered, &reference) {
            if violation.source != own {
                found
                    .entry((intent.key(), violation.source.clone()))
                    .or_insert_with(|| Outside {
                        orders: orders.join(", "),
                        violations: Vec::new(),
                    })
                    .violations
                    .push(violation);
            }
        }
    }
    found
}
