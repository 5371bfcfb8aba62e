//! The HorizontalPodAutoscaler that is ours to move: one that we made, or one that was handed over.

use std::sync::Arc;

use ibn_core::Error;
use ibn_core::intent::Autoscale;
use ibn_core::workload::FieldOwner;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use kube::api::{DeleteParams, Patch, Preconditions};
use serde_json::json;

use super::ClusterOrchestrator;
use super::call::Mode;
use super::live;
use super::steps::refused;
use crate::watch::{MANAGED_BY, ScalerView, WorkloadView};

impl ClusterOrchestrator {
    /// The autoscaler of a workload that is ours to move.
    pub(super) fn scaler_of(&self, view: &WorkloadView) -> Option<Arc<ScalerView>> {
        let all = self.watches.scalers.about(&view.workload);
        all.into_iter().find(|it| it.owner() == FieldOwner::Ibn)
    }

    /// Whether an autoscaler is as it was wanted.
    pub(super) fn is_scaler(&self, found: Option<&ScalerView>, wanted: Option<Autoscale>) -> bool {
        match (found.map(live::autoscale), wanted) {
            (Some(found), Some(wanted)) => {
                found.min_replicas() == wanted.min_replicas()
                    && found.max == wanted.max
                    && found.cpu_utilization() == wanted.cpu_utilization()
            }
            (found, wanted) => found.is_none() && wanted.is_none(),
        }
    }

    fn scalers(&self, namespace: &str) -> Api<HorizontalPodAutoscaler> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Makes, moves or removes the autoscaler of a workload; what became of it.
    pub(super) async fn write_scaler(
        &self,
        view: &WorkloadView,
        found: Option<&ScalerView>,
        wanted: Option<Autoscale>,
        mode: Mode,
    ) -> ibn_core::Result<Option<ScalerView>> {
        match (found, wanted) {
            (None, None) => Ok(None),
            (Some(found), Some(wanted)) if !found.is_ours => {
                self.move_adopted(found, wanted, mode).await.map(Some)
            }
            (_, Some(wanted)) => self.write_ours(view, wanted, mode).await.map(Some),
            (Some(found), None) if found.is_ours => {
                self.remove(found, mode).await?;
                Ok(None)
            }
            (Some(found), None) => Err(refused(format!(
                "HorizontalPodAutoscaler `{}` was handed over, not made by us: it isn't ours to remove",
                found.name
            ))),
        }
    }

    async fn write_ours(
        &self,
        view: &WorkloadView,
        wanted: Autoscale,
        mode: Mode,
    ) -> ibn_core::Result<ScalerView> {
        let workload = &view.workload;
        let name = format!("ibn-{}", workload.name);
        let object = json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {
                "name": name,
                "namespace": workload.namespace,
                "labels": {MANAGED_BY.0: MANAGED_BY.1},
                // It goes with its workload.
                "ownerReferences": [{
                    "apiVersion": "apps/v1",
                    "kind": workload.kind.as_str(),
                    "name": workload.name,
                    "uid": view.uid,
                }],
            },
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "apps/v1",
                    "kind": workload.kind.as_str(),
                    "name": workload.name,
                },
                "minReplicas": wanted.min_replicas(),
                "maxReplicas": wanted.max,
                "metrics": [cpu_metric(wanted.cpu_utilization())],
            },
        });
        let api = self.scalers(&workload.namespace);
        let mut params = mode.params();
        params.force = true;
        let patch = Patch::Apply(object);
        let what = format!("HorizontalPodAutoscaler {}/{name}", workload.namespace);
        let answer = self.ask(what, || api.patch(&name, &params, &patch)).await?;
        Ok(self.note(&answer, mode))
    }

    /// Of an autoscaler that was handed over only what a directive says is moved; all else of it stays.
    async fn move_adopted(
        &self,
        found: &ScalerView,
        wanted: Autoscale,
        mode: Mode,
    ) -> ibn_core::Result<ScalerView> {
        let api = self.scalers(&found.namespace);
        let what = format!("HorizontalPodAutoscaler {}/{}", found.namespace, found.name);
        let now = self.ask(&what, || api.get(&found.name)).await?;
        let mut spec = json!({"minReplicas": wanted.min_replicas(), "maxReplicas": wanted.max});
        if found
            .cpu_utilization
            .is_some_and(|it| it != wanted.cpu_utilization())
        {
            let metrics = now.spec.as_ref().and_then(|it| it.metrics.clone());
            let mut metrics = metrics.unwrap_or_default();
            for metric in &mut metrics {
                if let Some(resource) = metric.resource.as_mut().filter(|it| it.name == "cpu") {
                    let target = i32::try_from(wanted.cpu_utilization()).unwrap_or(i32::MAX);
                    resource.target.average_utilization = Some(target);
                }
            }
            if let Some(spec) = spec.as_object_mut() {
                spec.insert("metrics".to_owned(), json!(metrics));
            }
        }
        let patch = Patch::Merge(json!({
            "metadata": {"uid": found.uid, "resourceVersion": now.metadata.resource_version},
            "spec": spec,
        }));
        let params = mode.params();
        let answer = self
            .ask(&what, || api.patch(&found.name, &params, &patch))
            .await?;
        Ok(self.note(&answer, mode))
    }

    async fn remove(&self, found: &ScalerView, mode: Mode) -> ibn_core::Result<()> {
        let api = self.scalers(&found.namespace);
        let params = DeleteParams {
            dry_run: mode == Mode::DryRun,
            preconditions: Some(Preconditions {
                uid: Some(found.uid.clone()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        let what = format!("HorizontalPodAutoscaler {}/{}", found.namespace, found.name);
        match self.ask(what, || api.delete(&found.name, &params)).await {
            Ok(_) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        if mode == Mode::Write {
            let key = (found.namespace.clone(), found.name.clone());
            self.watches.scalers.remove(&key, 0);
        }
        Ok(())
    }

    fn note(&self, answer: &HorizontalPodAutoscaler, mode: Mode) -> ScalerView {
        let view = ScalerView::of(answer);
        if mode == Mode::Write {
            self.watches.scalers.put(view.clone());
        }
        view
    }
}

fn cpu_metric(utilization: u32) -> serde_json::Value {
    json!({
        "type": "Resource",
        "resource": {
            "name": "cpu",
            "target": {"type": "Utilization", "averageUtilization": utilization},
        },
    })
}
