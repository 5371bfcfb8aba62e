//! Conflicts: what of the things that are wanted excludes each other, and which directive is in force.
//!
//! A [`ConflictRule`] looks at the intents that stand on one workload, with what is live and the limits,
//! and says what doesn't go together: both sides, how bad, why, and the ways out. The [`Registry`]
//! asks all rules and puts what they find into one order, so that the result depends neither on the
//! order of the intents nor on the order of the rules.

mod directives;
mod ownership;
mod precedence;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use precedence::{Claim, claims_of, contests};
pub use precedence::{HeldField, StandsBack, Superseded, held_fields, holders, is_acting};

use crate::envelope::LimitSource;
use crate::guardrail::Guardrail;
use crate::intent::{Intent, IntentKey, Mode, StatusConflict};
use crate::prediction::{Demand, WorkloadModel};
use crate::roles::Predictor;
use crate::workload::{FieldOwner, Inventory, WorkloadRef, WorkloadState};

pub use directives::DirectiveValuesDiffer;
pub use ownership::FieldOwned;

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

/// What the rules look at: one workload or namespace, at one instant.
#[derive(Clone)]
pub struct ConflictContext<'a> {
    /// The instant.
    pub now: Timestamp,
    /// Which workload or namespace.
    pub workload: &'a WorkloadRef,
    /// Everything that is live.
    pub inventory: &'a Inventory,
    /// The limits that administrators set.
    pub guardrails: &'a [Guardrail],
    /// The twin of the workload, where there is one.
    pub twin: Option<Twin<'a>>,
    /// Only conflicts of this intent are wanted; all of the workload where absent.
    pub about: Option<IntentKey>,
    intents: Vec<&'a Intent>,
}

impl<'a> ConflictContext<'a> {
    /// What is to be looked at for `workload`.
    ///
    /// `intents` are those that stand: on this workload and, for quotas, on the others of its namespace.
    /// Their order doesn't matter; what is over, finished or doesn't enforce is left out.
    #[must_use]
    pub fn new(
        now: Timestamp,
        workload: &'a WorkloadRef,
        inventory: &'a Inventory,
        guardrails: &'a [Guardrail],
        intents: impl IntoIterator<Item = &'a Intent>,
    ) -> Self {
        let mut intents: Vec<&Intent> = intents
            .into_iter()
            .filter(|intent| {
                intent.metadata.namespace == workload.namespace
                    && intent.spec.mode() == Mode::Enforce
                    && !intent.spec.validity.unwrap_or_default().is_over(now)
            })
            .collect();
        intents.sort_by_cached_key(|intent| intent.key());
        Self {
            now,
            workload,
            inventory,
            guardrails,
            twin: None,
            about: None,
            intents,
        }
    }

    /// The workload as it is; `None` where it doesn't exist.
    #[must_use]
    pub fn state(&self) -> Option<&'a WorkloadState> {
        self.inventory.workloads.get(self.workload)
    }

    /// The intents that stand in the namespace, in the order of their keys.
    #[must_use]
    pub fn intents(&self) -> &[&'a Intent] {
        &self.intents
    }

    /// The intents that stand on the workload itself, in the order of their keys.
    pub fn intents_here(&self) -> impl Iterator<Item = &'a Intent> {
        self.intents
            .iter()
            .copied()
            .filter(|intent| intent.workload() == *self.workload)
    }

    /// Whether a conflict between these two would be wanted.
    #[must_use]
    pub fn wants(&self, a: &IntentKey, b: &IntentKey) -> bool {
        self.about
            .as_ref()
            .is_none_or(|about| about == a || about == b)
    }
}

/// A predictor with what it has to know of one workload.
#[derive(Clone, Copy)]
pub struct Twin<'a> {
    /// The predictor.
    pub predictor: &'a dyn Predictor,
    /// The workload's model.
    pub model: &'a WorkloadModel,
    /// The demand that has to be served.
    pub demand: Demand,
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
        Self::empty().with(DirectiveValuesDiffer).with(FieldOwned)
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
                    .about
                    .as_ref()
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
