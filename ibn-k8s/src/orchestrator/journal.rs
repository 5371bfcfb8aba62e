//! What stands on a workload while several writes are under way, so that they can be taken back whatever happens.

use ibn_core::Error;
use ibn_core::decision::DecisionId;
use ibn_core::intent::Autoscale;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::Mode;
use super::steps::{self, Steps};
use super::{ClusterOrchestrator, live};
use crate::sizes::Sizes;
use crate::watch::{JOURNAL, Phase, WorkloadView};

/// What an apply is about to change beside sizes, and from what. Sizes go back to what is held, which is written last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Journal {
    decision: DecisionId,
    /// The number of pods before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replicas: Option<(u32, u32)>,
    /// The autoscaler before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scaler: Option<(Option<Autoscale>, Option<Autoscale>)>,
    /// What running pods are given.
    #[serde(default, skip_serializing_if = "Sizes::is_empty")]
    in_place: Sizes,
}

impl Journal {
    pub(super) fn new(
        decision: DecisionId,
        view: &WorkloadView,
        scaler: Option<Autoscale>,
        steps: &Steps,
    ) -> Self {
        Self {
            decision,
            replicas: steps.replicas.map(|to| (view.replicas, to)),
            scaler: steps.scaler.map(|to| (scaler, to)),
            in_place: steps.in_place.clone(),
        }
    }

    /// The patch that announces it, where the workload still is as in `view`.
    pub(super) fn announce(&self, view: &WorkloadView) -> Value {
        let text = serde_json::to_string(self).unwrap_or_default();
        json!({"metadata": {
            "uid": view.uid,
            "resourceVersion": view.resource_version,
            "annotations": {JOURNAL: text},
        }})
    }
}

impl ClusterOrchestrator {
    /// Takes back what an apply that was broken off has done so far, and closes its journal.
    ///
    /// Only what still is as that apply left it: what somebody changed since stays.
    pub(super) async fn take_back(&self, view: &WorkloadView) -> ibn_core::Result<()> {
        let workload = &view.workload;
        let Some(text) = &view.journal else {
            return Ok(());
        };
        let journal: Journal = serde_json::from_str(text).map_err(|error| Error::Corrupt {
            what: format!("the annotation `{JOURNAL}` of {workload}"),
            reason: error.to_string(),
        })?;
        tracing::warn!(%workload, decision = %journal.decision, "takes back an apply that was broken off");
        let mut view = view.clone();
        if let Some((before, after)) = journal.replicas
            && view.replicas == after
        {
            view = self.scale_anyway(&view, after, before).await?;
        }
        if let Some((before, after)) = journal.scaler {
            let found = self.scaler_of(&view);
            if found.as_ref().map(|it| live::autoscale(it)) != before
                && self.is_scaler(found.as_deref(), after)
            {
                self.write_scaler(&view, found.as_deref(), before, Mode::Write)
                    .await?;
            }
        }
        let held = view.sizes();
        let back: Sizes = journal
            .in_place
            .keys()
            .filter_map(|field| Some((field.clone(), held.get(field)?.clone())))
            .collect();
        for pod in self.watches.pods.about(workload) {
            if pod.phase == Phase::Over {
                continue;
            }
            let is_left = |field: &_| {
                let given = journal.in_place.get(field);
                crate::sizes::is_same(field, given, pod.sizes.get(field))
            };
            if let Some(patch) = steps::of_pod(&pod, &back, is_left) {
                match self.resize(&pod, &patch, Mode::Write).await {
                    Ok(_) | Err(Error::NotFound { .. } | Error::Stale { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let close = json!({"metadata": {"annotations": {JOURNAL: null}}});
        self.patch_workload(workload, &close, Mode::Write).await?;
        Ok(())
    }

    /// Orders a number of pods as long as there are `from`, also where something else of the workload moves on.
    pub(super) async fn scale_anyway(
        &self,
        view: &WorkloadView,
        from: u32,
        to: u32,
    ) -> ibn_core::Result<WorkloadView> {
        let mut view = view.clone();
        for _ in 0..5 {
            match self.scale(&view, to, Mode::Write).await {
                Err(Error::Stale { .. }) => {
                    view = self.read(&view.workload).await?;
                    if view.replicas != from {
                        break;
                    }
                }
                other => return other,
            }
        }
        Err(Error::Stale {
            what: view.workload.to_string(),
            judged_on: format!("{from} pods"),
            found: format!("{} pods", view.replicas),
        })
    }
}
