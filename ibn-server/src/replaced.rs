//! What an intent takes the place of: the one of its name that is there and says something else.

use std::fmt;

use ibn_core::engine::State;
use ibn_core::intent::{Intent, IntentKey, IntentSpec, IntentState};
use serde::{Deserialize, Serialize};

use crate::openapi::schema;
use crate::reading::mode_alone;
use crate::words;

/// An intent that another one of the same name takes the place of; what it said holds no more then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replaced {
    /// Which intent.
    #[schema(value_type = schema::IntentKey)]
    pub intent: IntentKey,
    /// What it says until then, in plain words.
    pub said: String,
    /// The same as a document.
    #[schema(value_type = schema::IntentSpec)]
    pub spec: IntentSpec,
}

impl Replaced {
    /// What an intent would take the place of, if it were submitted now.
    pub(crate) fn by(intent: &Intent, state: &State) -> Option<Self> {
        if mode_alone(&intent.spec).is_some() {
            return None;
        }
        let known = state
            .intent(&intent.key())
            .filter(|known| known.state() != IntentState::Finished)?;
        if wanted(&known.spec) == wanted(&intent.spec) {
            return None;
        }
        let mut said = words::brief(&known.spec);
        if known.spec.target != intent.spec.target {
            let target = &known.spec.target;
            let whose = words::target(&known.metadata.namespace, target.kind, &target.name);
            said = format!("of {whose}: {said}");
        }
        Some(Self {
            intent: known.key(),
            said,
            spec: known.spec.clone(),
        })
    }
}

/// A spec without by whom and in which words it was said.
fn wanted(spec: &IntentSpec) -> IntentSpec {
    IntentSpec {
        text: None,
        origin: None,
        ..spec.clone()
    }
}

/// Such as ``changes `web-latency-p95`, which said p95 ≤ 250 ms``.
impl fmt::Display for Replaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "changes `{}`, which said {}",
            self.intent.name, self.said
        )
    }
}
