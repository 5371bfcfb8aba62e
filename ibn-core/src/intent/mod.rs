//! The intent: what a person wants of a workload, in the one form that is used everywhere.
//!
//! The same document is the custom resource, the JSON of the API, the form in the GUI and what every
//! translator yields. What is omitted stays absent; defaults are applied by reading accessors
//! ([`Objective::window`], [`IntentSpec::priority`]…), never by filling fields in.

mod amount;
mod constraints;
mod directive;
mod objective;
mod status;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use amount::Amount;
pub use constraints::{BudgetLimit, Constraints, Range};
pub use directive::{Autoscale, Directive, QuotaAmounts, ResourceAmounts, ResourcesDirective};
pub use objective::{Bound, DEFAULT_WINDOW, IndicatorName, Objective};
pub use status::{
    Condition, ConditionKind, ConditionStatus, ExpectationStatus, IntentState, IntentStatus,
    Setting, StatusConflict,
};

use crate::workload::{WorkloadKind, WorkloadRef};

/// The API version that this crate reads and writes.
pub const API_VERSION: &str = "ibn.dev/v1alpha1";

/// What a person wants of one workload, with what the system says of it.
///
/// ```
/// use ibn_core::intent::{Amount, Directive, Expectation, Intent};
/// use ibn_core::workload::{WorkloadKind, WorkloadRef};
///
/// let web = WorkloadRef::new("acme", WorkloadKind::Deployment, "web");
/// let intent = Intent::new("scale-web", &web)
///     .with_expectation(Expectation::Directive(Directive::Replicas(Amount::To(5))));
/// assert_eq!(intent.workload(), web);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Intent {
    /// Always [`API_VERSION`].
    pub api_version: String,
    /// Always `Intent`.
    pub kind: String,
    /// Name, namespace and what the store keeps.
    pub metadata: Metadata,
    /// What is wanted.
    pub spec: IntentSpec,
    /// What became of it; written by the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<IntentStatus>,
}

impl Intent {
    /// An intent on `workload` that expects nothing yet.
    #[must_use]
    pub fn new(name: &str, workload: &WorkloadRef) -> Self {
        Self {
            api_version: API_VERSION.to_owned(),
            kind: "Intent".to_owned(),
            metadata: Metadata {
                name: name.to_owned(),
                namespace: workload.namespace.clone(),
                ..Metadata::default()
            },
            spec: IntentSpec::new(Target {
                kind: workload.kind,
                name: workload.name.clone(),
            }),
            status: None,
        }
    }

    /// The same with one more expectation.
    #[must_use]
    pub fn with_expectation(mut self, expectation: Expectation) -> Self {
        self.spec.expectations.push(expectation);
        self
    }

    /// The workload (or namespace) that this intent is about.
    #[must_use]
    pub fn workload(&self) -> WorkloadRef {
        WorkloadRef::new(
            &self.metadata.namespace,
            self.spec.target.kind,
            &self.spec.target.name,
        )
    }

    /// Namespace and name.
    #[must_use]
    pub fn key(&self) -> IntentKey {
        IntentKey {
            namespace: self.metadata.namespace.clone(),
            name: self.metadata.name.clone(),
        }
    }

    /// The state, [`IntentState::Received`] where no status was written yet.
    #[must_use]
    pub fn state(&self) -> IntentState {
        self.status
            .as_ref()
            .map_or(IntentState::Received, |status| status.state)
    }
}

/// Namespace and name of an intent; prints as `namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IntentKey {
    /// The namespace.
    pub namespace: String,
    /// The name, unique in the namespace.
    pub name: String,
}

impl fmt::Display for IntentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The part of Kubernetes' object metadata that matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// A DNS label or subdomain, unique in the namespace.
    pub name: String,
    /// The namespace.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Given by the store when the object is created; a new object of the same name has another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Counts changes of `spec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// Opaque version for optimistic concurrency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
    /// When the store first had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<Timestamp>,
    /// Set while the object waits for its finalizers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_timestamp: Option<Timestamp>,
    /// Kept as they are; never read as instructions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Kept as they are; never read as instructions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What is wanted of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IntentSpec {
    /// What was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What it is about, in the intent's namespace.
    pub target: Target,
    /// Objectives to meet and directives to follow; may be empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<Expectation>,
    /// Bounds on what may be done for it.
    #[serde(default, skip_serializing_if = "Constraints::is_empty")]
    pub constraints: Constraints,
    /// What to favour where the objective leaves room; `balanced` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preference: Option<Preference>,
    /// 1 to 100, higher wins; 50 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100)))]
    pub priority: Option<u8>,
    /// Whether to act; `Enforce` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// When it holds; always where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// What becomes of the changes on expiry and deletion; see [`IntentSpec::on_end`] for the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_end: Option<OnEnd>,
    /// Where it came from; set by the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl IntentSpec {
    /// The mode, where nothing but a mode is wanted (and, at most, when): it speaks of the other intents on the target.
    #[must_use]
    pub fn only_mode(&self) -> Option<Mode> {
        let says_more = !self.expectations.is_empty()
            || !self.constraints.is_empty()
            || self.preference.is_some()
            || self.priority.is_some();
        self.mode.filter(|_| !says_more)
    }

    /// A spec for `target` that wants nothing yet.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            text: None,
            target,
            expectations: Vec::new(),
            constraints: Constraints::default(),
            preference: None,
            priority: None,
            mode: None,
            validity: None,
            on_end: None,
            origin: None,
        }
    }

    /// The priority, 1 to 100; 50 where none is given.
    #[must_use]
    pub fn priority(&self) -> u8 {
        self.priority.unwrap_or(50)
    }

    /// The preference; balanced where none is given.
    #[must_use]
    pub fn preference(&self) -> Preference {
        self.preference.unwrap_or_default()
    }

    /// The mode; enforcing where none is given.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode.unwrap_or_default()
    }

    /// What to do at the end: as given, else `Restore` where there is a directive and `Keep` otherwise.
    #[must_use]
    pub fn on_end(&self) -> OnEnd {
        self.on_end
            .unwrap_or(if self.directives().next().is_some() {
                OnEnd::Restore
            } else {
                OnEnd::Keep
            })
    }

    /// Who speaks: the origin's kind and author, the key under which a newer directive supersedes an older one.
    #[must_use]
    pub fn author(&self) -> Author<'_> {
        self.origin.as_ref().map_or(
            Author {
                by: OriginKind::User,
                name: None,
            },
            |origin| Author {
                by: origin.by,
                name: origin.author.as_deref(),
            },
        )
    }

    /// The directives among the expectations, with their index.
    pub fn directives(&self) -> impl Iterator<Item = (usize, &Directive)> {
        self.expectations
            .iter()
            .enumerate()
            .filter_map(|(idx, expectation)| match expectation {
                Expectation::Directive(directive) => Some((idx, directive)),
                Expectation::Objective(_) => None,
            })
    }

    /// The objectives among the expectations, with their index.
    pub fn objectives(&self) -> impl Iterator<Item = (usize, &Objective)> {
        self.expectations
            .iter()
            .enumerate()
            .filter_map(|(idx, expectation)| match expectation {
                Expectation::Objective(objective) => Some((idx, objective)),
                Expectation::Directive(_) => None,
            })
    }
}

/// Who speaks, as [`IntentSpec::author`] gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Author<'a> {
    /// The kind of origin.
    pub by: OriginKind,
    /// The name of the person or client, where known.
    pub name: Option<&'a str>,
}

/// What an intent is about, in the intent's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Target {
    /// A workload's kind, or `Namespace` for a quota.
    pub kind: WorkloadKind,
    /// Its name; for `Namespace` the namespace itself.
    pub name: String,
}

/// One thing that is expected: exactly one of an objective and a directive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Expectation {
    /// An indicator is to stay on one side of a value; how is left to the system.
    Objective(Objective),
    /// A field is to have a value.
    Directive(Directive),
}

/// What to favour where the objective leaves room.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Preference {
    /// The cheapest allocation that is predicted to meet the objective.
    Cost,
    /// Head-room over price.
    Performance,
    /// Between the two.
    #[default]
    Balanced,
}

/// Whether an intent acts.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Mode {
    /// Act.
    #[default]
    Enforce,
    /// Predict and report only.
    Advise,
    /// Do nothing.
    Suspended,
}

/// When an intent holds: from `from` (inclusive) until `until` (exclusive).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Validity {
    /// The first instant; at once where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The instant at which it ends; never where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Validity {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Validity".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "When an intent holds: from `from` (inclusive) until `until` (exclusive).",
            "properties": {
                "from": {"type": "string", "format": "date-time"},
                "until": {"type": "string", "format": "date-time"},
            },
        })
    }
}

impl Validity {
    /// Whether the validity has begun at `now`.
    #[must_use]
    pub fn has_begun(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now)
    }

    /// Whether the validity is over at `now`.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// What becomes of an intent's changes on expiry and deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum OnEnd {
    /// The fields go back to what they were before.
    Restore,
    /// The fields stay as they are.
    Keep,
}

/// Where an intent came from; set by the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Origin {
    /// The kind of source.
    pub by: OriginKind,
    /// The person or client, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The uid of the intent that a corrective intent serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Why a corrective intent was raised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// The kind of source of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum OriginKind {
    /// A person.
    User,
    /// The assurance module, on its own.
    Assurance,
    /// A client of the API.
    Api,
}
