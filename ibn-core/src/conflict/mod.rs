//! Conflicts: what of the things that are wanted excludes each other, and which directive is in force.
//!
//! A [`ConflictRule`] looks at the intents that stand on one workload, with what is live and the limits,
//! and says what doesn't go together: both sides, how bad, why, and the ways out. The [`Registry`]
//! asks all rules and puts what they find into one order, so that the result depends neither on the
//! order of the intents nor on the order of the rules.
//!
//! | rule | finds |
//! |---|---|
//! | `directive-values-differ` | several directives order different values of one field, or both `replicas` and an autoscaler |
//! | `field-owned` | a directive orders a field that another autoscaler or a manager in `yieldTo` claims |
//! | `bounds-exclude` | constraints that leave no value, with those of another intent or a guardrail |
//! | `directive-outside-limits` | a directive orders what a guardrail, a budget or another intent's constraints exclude |
//! | `quota-too-small` | a quota below what is live, ordered, or may come; or pods that a quota would shut out |
//! | `budget-cannot-pay` | an objective that could be met, but for a budget |
//! | `objective-under-directive` | an objective on a field that a directive of another intent holds |
//! | `objectives-exclude` | two objectives that can each be met, but not both |

mod bounds;
mod context;
mod directives;
mod objectives;
mod ownership;
mod precedence;
mod quota;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use directives::all_claims;
pub(crate) use ownership::foreign_owner;
pub(crate) use precedence::{Age, Claim, claims_of, contests, held_by, holders_of, time_of_order};
pub use precedence::{HeldField, StandsBack, Superseded, held_fields, holders, is_acting};

use crate::envelope::LimitSource;
use crate::intent::{IntentKey, StatusConflict};
use crate::workload::{FieldOwner, WorkloadRef};

pub use bounds::{BoundsExclude, DirectiveOutsideLimits};
pub use context::{ConflictContext, Twin};
pub use directives::DirectiveValuesDiffer;
pub use objectives::{BudgetCannotPay, ObjectiveUnderDirective, ObjectivesExclude};
pub use ownership::FieldOwned;
pub use quota::QuotaTooSmall;
pub(crate) use quota::live_usage;

/// Two things that don't go together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// The rule that found it, such as `directive-values-differ`.
    pub rule: String,
    /// How bad it is.
    pub level: Level,
    /// Of which nature it is.
    pub nature: Nature,
    /// Both sides, in the order of their parties.
    pub sides: [Side; 2],
    /// The party that has to give way: where the conflict is blocking, what it wants is not done.
    pub yields: Party,
    /// Why they exclude each other, in a sentence.
    pub why: String,
    /// What a person can do about it.
    pub ways_out: Vec<String>,
}

impl Conflict {
    /// A conflict between two sides, which are put into the order of their parties.
    #[must_use]
    pub fn new(
        rule: &str,
        level: Level,
        nature: Nature,
        yields: Side,
        stays: Side,
        why: String,
        ways_out: Vec<String>,
    ) -> Self {
        let party = yields.party.clone();
        let mut sides = [yields, stays];
        sides.sort();
        Self {
            rule: rule.to_owned(),
            level,
            nature,
            sides,
            yields: party,
            why,
            ways_out,
        }
    }

    /// Whether an intent is one of the sides.
    #[must_use]
    pub fn involves(&self, intent: &IntentKey) -> bool {
        self.sides
            .iter()
            .any(|side| side.party == Party::Intent(intent.clone()))
    }

    /// Whether it keeps an intent from being followed.
    #[must_use]
    pub fn blocks(&self, intent: &IntentKey) -> bool {
        self.level == Level::Blocking && self.yields == Party::Intent(intent.clone())
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b] = &self.sides;
        write!(f, "{}: {a} against {b}: {}", self.rule, self.why)
    }
}

impl From<&Conflict> for StatusConflict {
    fn from(conflict: &Conflict) -> Self {
        let level = match conflict.level {
            Level::Warning => "warning",
            Level::Blocking => "blocking",
        };
        Self {
            rule: conflict.rule.clone(),
            level: level.to_owned(),
            sides: conflict.sides.clone().map(|side| side.to_string()),
            why: conflict.why.clone(),
            ways_out: conflict.ways_out.clone(),
        }
    }
}

/// How bad a conflict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// It is settled by a rule that a person should know of, or may come to be.
    Warning,
    /// The party that yields is not followed while it stands.
    Blocking,
}

/// Of which nature a conflict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Nature {
    /// Two wills: only people can say which one is meant.
    Contest,
    /// A will against a limit: there may be a nearest wish that can be had.
    Limit,
}

/// One side of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// Who.
    pub party: Party,
    /// What it says or wants, as a phrase after its name.
    pub says: String,
}

impl Side {
    /// An intent with what it says.
    #[must_use]
    pub fn intent(key: &IntentKey, says: impl Into<String>) -> Self {
        Self {
            party: Party::Intent(key.clone()),
            says: says.into(),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.party, self.says)
    }
}

/// Who may stand on a side of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Party {
    /// An intent.
    Intent(IntentKey),
    /// A guardrail of this name.
    Guardrail(String),
    /// The ResourceQuota of this namespace.
    Quota(String),
    /// Whoever else claims a field.
    Owner(FieldOwner),
    /// A workload as it is.
    Workload(WorkloadRef),
    /// What holds where nobody said anything.
    Default,
}

impl From<&LimitSource> for Party {
    fn from(source: &LimitSource) -> Self {
        match source {
            LimitSource::Guardrail(name) => Self::Guardrail(name.clone()),
            LimitSource::Quota(namespace) => Self::Quota(namespace.clone()),
            LimitSource::Default => Self::Default,
            LimitSource::Intent(key) => {
                let (namespace, name) = key.split_once('/').unwrap_or(("", key));
                Self::Intent(IntentKey {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                })
            }
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Intent(key) => write!(f, "intent `{key}`"),
            Self::Guardrail(name) => write!(f, "guardrail `{name}`"),
            Self::Quota(namespace) => write!(f, "the quota of namespace `{namespace}`"),
            Self::Owner(owner) => write!(f, "{owner}"),
            Self::Workload(workload) => write!(f, "`{workload}`"),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// A rule that finds conflicts. Pure: the same context, the same findings.
///
/// ```
/// use ibn_core::conflict::{Conflict, ConflictContext, ConflictRule};
///
/// /// Finds nothing.
/// struct Peace;
///
/// impl ConflictRule for Peace {
///     fn name(&self) -> &'static str {
///         "peace"
///     }
///
///     fn check(&self, _: &ConflictContext<'_>) -> Vec<Conflict> {
///         Vec::new()
///     }
/// }
/// ```
pub trait ConflictRule: Send + Sync {
    /// The name that stands in [`Conflict::rule`].
    fn name(&self) -> &'static str;

    /// The conflicts that it finds, in any order.
    fn check(&self, context: &ConflictContext<'_>) -> Vec<Conflict>;
}

/// The rules that are asked.
///
/// ```
/// let registry = ibn_core::conflict::Registry::standard();
/// assert!(registry.names().any(|name| name == "directive-values-differ"));
/// ```
pub struct Registry {
    rules: Vec<Box<dyn ConflictRule>>,
}

impl Registry {
    /// No rules at all.
    #[must_use]
    pub fn empty() -> Self {
        Self { rules: Vec::new() }
    }

    /// The rules of this crate.
    #[must_use]
    pub fn standard() -> Self {
        Self::empty()
            .with(DirectiveValuesDiffer)
            .with(FieldOwned)
            .with(BoundsExclude)
            .with(DirectiveOutsideLimits)
            .with(QuotaTooSmall)
            .with(BudgetCannotPay)
            .with(ObjectiveUnderDirective)
            .with(ObjectivesExclude)
    }

    /// The same with one more rule.
    #[must_use]
    pub fn with(mut self, rule: impl ConflictRule + 'static) -> Self {
        self.rules.push(Box::new(rule));
        self
    }

    /// The names of the rules.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.rules.iter().map(|rule| rule.name())
    }

    /// Everything that any rule finds, blocking ones first, in one order whatever the order of intents and rules.
    #[must_use]
    pub fn check(&self, context: &ConflictContext<'_>) -> Vec<Conflict> {
        let mut found: Vec<Conflict> = self
            .rules
            .iter()
            .flat_map(|rule| rule.check(context))
            .filter(|conflict| {
                context
                    .intent()
                    .is_none_or(|about| conflict.involves(about))
            })
            .collect();
        found.sort_by(|a, b| {
            let key = |c: &Conflict| (std::cmp::Reverse(c.level), c.rule.clone());
            key(a)
                .cmp(&key(b))
                .then_with(|| a.sides.cmp(&b.sides))
                .then_with(|| a.why.cmp(&b.why))
        });
        found.dedup();
        found
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::standard()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_stands_in_the_table() {
        let documented: Vec<&str> = include_str!("mod.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | `")?.split('`').next())
            .collect();
        let rules: Vec<&str> = Registry::standard().names().collect();
        assert_eq!(documented, rules);
    }
}
