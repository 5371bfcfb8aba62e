//! What admission decides on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::guardrail::Guardrail;
use crate::intent::Intent;
use crate::prediction::{Demand, WorkloadModel};
use crate::workload::{Inventory, WorkloadRef};

/// What admission decides on; all of it from one instant.
#[derive(Debug, Clone, Copy)]
pub struct AdmissionContext<'a> {
    /// The instant.
    pub now: Timestamp,
    /// Everything that is live.
    pub inventory: &'a Inventory,
    /// The intents that there are, at least those of the intent's namespace; an older version of the
    /// intent itself is passed over.
    pub intents: &'a [Arc<Intent>],
    /// The limits that administrators set.
    pub guardrails: &'a [Guardrail],
    /// What is known of workloads, and the demand that they have to serve (the greater of what is measured and what is forecast).
    pub models: Option<&'a BTreeMap<WorkloadRef, (WorkloadModel, Demand)>>,
    /// Names of the `Indicator` objects; not checked where absent.
    pub indicators: Option<&'a BTreeSet<String>>,
    /// Whether the author of the intent may patch its workload.
    pub may_patch: bool,
}

impl<'a> AdmissionContext<'a> {
    /// A context in which there is nothing beyond what is live, and the author may patch.
    #[must_use]
    pub fn new(now: Timestamp, inventory: &'a Inventory) -> Self {
        Self {
            now,
            inventory,
            intents: &[],
            guardrails: &[],
            models: None,
            indicators: None,
            may_patch: true,
        }
    }

    /// The intents beside `intent` that are live in its namespace, those whose time is still to come included.
    pub(super) fn standing_beside(&self, intent: &Intent) -> Vec<&'a Arc<Intent>> {
        let key = intent.key();
        self.intents
            .iter()
            .filter(|other| {
                other.metadata.namespace == key.namespace
                    && other.key() != key
                    && other.state().is_live()
                    && other.metadata.deletion_timestamp.is_none()
            })
            .collect()
    }
}
