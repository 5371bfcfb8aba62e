//! Single requests, each with a limit of time, and their answers put into the caches.

use std::future::Future;
use std::time::Duration;

use ibn_core::Error;
use ibn_core::allocation::Field;
use ibn_core::workload::{FieldOwner, WorkloadKind, WorkloadRef};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v1::Scale;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::ClusterOrchestrator;
use crate::error::{API_SERVER, told};
use crate::watch::{FIELD_MANAGER, PodView, WorkloadView};

/// Whether a write is done or only tried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Write,
    /// By the API server, with all of its checks.
    DryRun,
}

impl Mode {
    pub(super) fn params(self) -> PatchParams {
        PatchParams {
            dry_run: self == Self::DryRun,
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        }
    }
}

/// How often a request is sent that the API server had no time for.
const TRIES: u32 = 4;

impl ClusterOrchestrator {
    /// The answer to a request about `what`. What the server had no time for, and so didn't do, is asked again.
    pub(super) async fn ask<T, F>(
        &self,
        what: impl ToString,
        request: impl Fn() -> F,
    ) -> ibn_core::Result<T>
    where
        F: Future<Output = kube::Result<T>>,
    {
        let mut pause = Duration::from_millis(100);
        let mut tries = 1;
        loop {
            let answer = tokio::time::timeout(self.limits.request, request()).await;
            match answer {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(kube::Error::Api(status))) if status.code == 429 && tries < TRIES => {}
                Ok(Err(error)) => return Err(told(what, &error)),
                Err(_) => {
                    let after = u64::try_from(self.limits.request.as_millis());
                    return Err(Error::TimedOut {
                        service: API_SERVER.to_owned(),
                        after_ms: after.unwrap_or(u64::MAX),
                    });
                }
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
            tries += 1;
        }
    }

    fn deployments(&self, namespace: &str) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), namespace)
    }

    fn stateful_sets(&self, namespace: &str) -> Api<StatefulSet> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// A workload as it is now.
    pub(super) async fn read(&self, workload: &WorkloadRef) -> ibn_core::Result<WorkloadView> {
        let (namespace, name) = (&workload.namespace, &workload.name);
        let view = match workload.kind {
            WorkloadKind::Deployment => {
                let api = self.deployments(namespace);
                let of = self.ask(workload, || api.get(name)).await;
                of.map(|it| WorkloadView::deployment(&it))
            }
            WorkloadKind::StatefulSet => {
                let api = self.stateful_sets(namespace);
                let of = self.ask(workload, || api.get(name)).await;
                of.map(|it| WorkloadView::stateful_set(&it))
            }
            WorkloadKind::Namespace => Err(Error::not_found(workload)),
        };
        if let Ok(view) = &view {
            self.put(view);
        }
        view
    }

    fn put(&self, view: &WorkloadView) {
        if let Some(cache) = self.watches.workloads_of(view.workload.kind) {
            cache.put(view.clone());
        }
    }

    /// Patches a workload, as it is in `patch`; what became of it.
    pub(super) async fn patch_workload(
        &self,
        workload: &WorkloadRef,
        patch: &Value,
        mode: Mode,
    ) -> ibn_core::Result<WorkloadView> {
        let (namespace, name) = (&workload.namespace, &workload.name);
        let (params, patch) = (mode.params(), Patch::Strategic(patch));
        let view = if workload.kind == WorkloadKind::StatefulSet {
            let api = self.stateful_sets(namespace);
            let of = self
                .ask(workload, || api.patch(name, &params, &patch))
                .await?;
            WorkloadView::stateful_set(&of)
        } else {
            let api = self.deployments(namespace);
            let of = self
                .ask(workload, || api.patch(name, &params, &patch))
                .await?;
            WorkloadView::deployment(&of)
        };
        if mode == Mode::Write {
            self.put(&view);
        }
        Ok(view)
    }

    /// Orders a number of pods, where the workload still is as in `view`; what became of it.
    pub(super) async fn scale(
        &self,
        view: &WorkloadView,
        replicas: u32,
        mode: Mode,
    ) -> ibn_core::Result<WorkloadView> {
        let workload = &view.workload;
        let (namespace, name) = (&workload.namespace, &workload.name);
        let patch = Patch::Merge(json!({
            "metadata": {"resourceVersion": view.resource_version, "uid": view.uid},
            "spec": {"replicas": replicas},
        }));
        let params = mode.params();
        let answer: Scale = if workload.kind == WorkloadKind::StatefulSet {
            let api = self.stateful_sets(namespace);
            self.ask(workload, || api.patch_scale(name, &params, &patch))
                .await?
        } else {
            let api = self.deployments(namespace);
            self.ask(workload, || api.patch_scale(name, &params, &patch))
                .await?
        };
        let mut view = view.clone();
        let ordered = answer.spec.and_then(|it| it.replicas);
        view.replicas = ordered.and_then(|it| u32::try_from(it).ok()).unwrap_or(0);
        view.managers.insert(Field::Replicas, FieldOwner::Ibn);
        view.resource_version = answer.metadata.resource_version.unwrap_or_default();
        if mode == Mode::Write {
            self.put(&view);
        }
        Ok(view)
    }

    /// Resizes a pod in place; what became of it.
    pub(super) async fn resize(
        &self,
        pod: &PodView,
        patch: &Value,
        mode: Mode,
    ) -> ibn_core::Result<PodView> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &pod.namespace);
        let what = format!("pod {}/{}", pod.namespace, pod.name);
        let (params, patch) = (mode.params(), Patch::Strategic(patch));
        let mut tries = 1;
        let answer = loop {
            let answer = self
                .ask(&what, || api.patch_resize(&pod.name, &params, &patch))
                .await;
            let error = match answer {
                Err(error @ (Error::Refused { .. } | Error::Stale { .. })) => error,
                answer => break answer?,
            };
            // Another pod by the same name is no conflict to the server, but an identity that can't be changed; and a
            // conflict is no other pod, but a node that wrote at the same time.
            let now = self.ask(&what, || api.get(&pod.name)).await?;
            let found = now.metadata.uid.unwrap_or_default();
            if found != pod.uid {
                return Err(Error::Stale {
                    what,
                    judged_on: pod.uid.clone(),
                    found,
                });
            }
            if matches!(error, Error::Refused { .. }) {
                return Err(error);
            }
            if tries >= TRIES {
                return Err(Error::unavailable(API_SERVER, error));
            }
            tries += 1;
        };
        let view = PodView::of(&answer);
        if mode == Mode::Write {
            self.watches.pods.put(view.clone());
        }
        Ok(view)
    }
}
