//! What conflict rules look at.

use std::cell::OnceCell;
use std::sync::Arc;

use jiff::Timestamp;

use crate::feasibility::Scene;
use crate::guardrail::Guardrail;
use crate::intent::{Intent, IntentKey, Mode};
use crate::prediction::{Demand, WorkloadModel};
use crate::roles::Predictor;
use crate::workload::{Inventory, WorkloadRef, WorkloadState};

/// What the rules look at: one workload or namespace, at one instant.
#[derive(Clone)]
pub struct ConflictContext<'a> {
    now: Timestamp,
    workload: &'a WorkloadRef,
    inventory: &'a Inventory,
    guardrails: &'a [Guardrail],
    twin: Option<Twin<'a>>,
    about: Option<IntentKey>,
    intents: Vec<Arc<Intent>>,
    scene: OnceCell<Option<Scene<'a>>>,
}

impl<'a> ConflictContext<'a> {
    /// What is to be looked at for `workload`.
    ///
    /// `intents` are those that stand: on this workload and, for quotas, on the others of its namespace.
    /// Their order doesn't matter; what is over or doesn't enforce is left out.
    #[must_use]
    pub fn new(
        now: Timestamp,
        workload: &'a WorkloadRef,
        inventory: &'a Inventory,
        guardrails: &'a [Guardrail],
        intents: impl IntoIterator<Item = Arc<Intent>>,
    ) -> Self {
        let mut intents: Vec<Arc<Intent>> = intents
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
            scene: OnceCell::new(),
        }
    }

    /// The same with a twin of the workload.
    #[must_use]
    pub fn with_twin(self, twin: Option<Twin<'a>>) -> Self {
        Self {
            twin,
            scene: OnceCell::new(),
            ..self
        }
    }

    /// The same where only conflicts of one intent are wanted, which is looked at as if its time had come.
    #[must_use]
    pub fn about(self, intent: IntentKey) -> Self {
        Self {
            about: Some(intent),
            scene: OnceCell::new(),
            ..self
        }
    }

    /// The instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Which workload or namespace.
    #[must_use]
    pub fn workload(&self) -> &'a WorkloadRef {
        self.workload
    }

    /// Everything that is live.
    #[must_use]
    pub fn inventory(&self) -> &'a Inventory {
        self.inventory
    }

    /// The limits that administrators set.
    #[must_use]
    pub fn guardrails(&self) -> &'a [Guardrail] {
        self.guardrails
    }

    /// The workload as it is; `None` where it doesn't exist.
    #[must_use]
    pub fn state(&self) -> Option<&'a WorkloadState> {
        self.inventory.workloads.get(self.workload)
    }

    /// The intents that stand in the namespace, in the order of their keys.
    #[must_use]
    pub fn intents(&self) -> &[Arc<Intent>] {
        &self.intents
    }

    /// The intents that stand on the workload itself, in the order of their keys.
    pub fn intents_here(&self) -> impl Iterator<Item = &Arc<Intent>> {
        self.intents
            .iter()
            .filter(|intent| intent.workload() == *self.workload)
    }

    /// The intent of which alone conflicts are wanted.
    #[must_use]
    pub fn intent(&self) -> Option<&IntentKey> {
        self.about.as_ref()
    }

    /// Whether a conflict of this intent would be wanted.
    #[must_use]
    pub fn wants(&self, intent: &IntentKey) -> bool {
        self.about.as_ref().is_none_or(|about| about == intent)
    }

    /// Whether a conflict between these two would be wanted.
    #[must_use]
    pub fn wants_pair(&self, a: &IntentKey, b: &IntentKey) -> bool {
        self.wants(a) || self.wants(b)
    }

    /// The workload as it would be if all intents on it whose time has come were followed.
    pub(crate) fn scene(&self) -> Option<&Scene<'a>> {
        self.scene.get_or_init(|| self.scene_of(|_| true)).as_ref()
    }

    /// The same with only some of the intents.
    pub(crate) fn scene_of(&self, takes: impl Fn(&Intent) -> bool) -> Option<Scene<'a>> {
        let has_come = |intent: &Intent| {
            intent.spec.validity.unwrap_or_default().has_begun(self.now)
                || self.about.as_ref() == Some(&intent.key())
        };
        let intents: Vec<Arc<Intent>> = self
            .intents
            .iter()
            .filter(|intent| has_come(intent) && takes(intent))
            .cloned()
            .collect();
        Some(Scene::of(
            self.state()?,
            self.inventory,
            self.guardrails,
            &intents,
            self.twin,
        ))
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
    /// Whether whoever recommends gives pods another size.
    pub resizing: bool,
}
