//! Indicators that users define: a name, a unit and a PromQL template.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::intent::Metadata;

/// An indicator beside the built-in ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Indicator {
    /// Always [`crate::intent::API_VERSION`].
    pub api_version: String,
    /// Always `Indicator`.
    pub kind: String,
    /// The name under which objectives speak of it.
    pub metadata: Metadata,
    /// How it is measured.
    pub spec: IndicatorSpec,
}

/// How an indicator is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IndicatorSpec {
    /// What stands behind the number; may be empty.
    #[serde(default)]
    pub unit: String,
    /// Which way is better.
    pub direction: Direction,
    /// A PromQL expression with one result; `{{namespace}}`, `{{kind}}`, `{{name}}`, `{{window}}` and the parameters are replaced, escaped.
    pub query: String,
    /// Values of further placeholders.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

/// Which way an indicator is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Direction {
    /// Less is better, as with latency.
    LowerIsBetter,
    /// More is better, as with throughput.
    HigherIsBetter,
}
