//! The ResourceQuota of a namespace.

use std::collections::BTreeMap;
use std::sync::Arc;

use ibn_core::Error;
use ibn_core::allocation::{Field, FieldChange, QuotaLimits};
use ibn_core::guard::{ApprovedPlan, Desired, Receipt};
use ibn_core::workload::WorkloadState;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, ResourceQuota};
use kube::Api;
use kube::api::{DeleteParams, Patch, Preconditions};
use serde_json::{Value, json};

use super::ClusterOrchestrator;
use super::call::Mode;
use super::live::{self, CPU_LIMITS, MEMORY_LIMITS, POD_LIMITS};
use super::steps::refused;
use crate::watch::{MANAGED_BY, QuotaView, Scope};

/// The name of the quotas that we make.
const NAME: &str = "ibn";

impl ClusterOrchestrator {
    pub(super) async fn preview_quota(
        &self,
        plan: &ApprovedPlan,
        to: Option<QuotaLimits>,
    ) -> ibn_core::Result<Vec<FieldChange>> {
        let live = self.look_at_namespace(plan).await?;
        let after = self.write_quota(plan, to, Mode::DryRun).await?;
        let seen = Desired::Quota(after.as_ref().map(live::limits));
        Ok(Desired::live(&live).changes_to(&seen))
    }

    pub(super) async fn apply_quota(
        &self,
        plan: &ApprovedPlan,
        to: Option<QuotaLimits>,
    ) -> ibn_core::Result<Receipt> {
        let before = self.look_at_namespace(plan).await?;
        self.write_quota(plan, to, Mode::Write).await?;
        let after = live::namespace(&plan.workload().name, &self.watches);
        let owner = before.owners.get(&Field::Quota).cloned();
        let previous_owners: BTreeMap<_, _> =
            owner.map(|it| (Field::Quota, it)).into_iter().collect();
        Ok(Receipt {
            decision: plan.decision(),
            workload: plan.workload().clone(),
            previous: Desired::live(&before),
            applied: plan.desired().clone(),
            previous_owners,
            resource_version: after.resource_version,
            applied_at: Timestamp::now(),
        })
    }

    /// The namespace as it is now, where that is what the plan was judged on.
    async fn look_at_namespace(&self, plan: &ApprovedPlan) -> ibn_core::Result<WorkloadState> {
        let name = &plan.workload().name;
        let is_known = match &self.watches.scope {
            Scope::Namespaces(names) => names.contains(name),
            Scope::Cluster => {
                let api: Api<Namespace> = Api::all(self.client.clone());
                let found = self.ask(plan.workload(), || api.get_opt(name)).await?;
                found.is_some()
            }
        };
        if !is_known {
            return Err(Error::not_found(plan.workload()));
        }
        if let Some(quota) = live::quota_of(name, &self.watches) {
            let api = self.quotas(name);
            let found = self
                .ask(plan.workload(), || api.get_opt(&quota.name))
                .await?;
            match found.as_ref().and_then(QuotaView::of) {
                Some(view) => self.watches.quotas.put(view),
                None => {
                    let key = (name.clone(), quota.name.clone());
                    self.watches.quotas.remove(&key, 0);
                }
            }
        }
        let live = live::namespace(name, &self.watches);
        plan.check_fresh(&live)?;
        Ok(live)
    }

    fn quotas(&self, namespace: &str) -> Api<ResourceQuota> {
        Api::namespaced(self.client.clone(), namespace)
    }

    async fn write_quota(
        &self,
        plan: &ApprovedPlan,
        to: Option<QuotaLimits>,
        mode: Mode,
    ) -> ibn_core::Result<Option<QuotaView>> {
        let namespace = &plan.workload().name;
        let found: Option<Arc<QuotaView>> = live::quota_of(namespace, &self.watches);
        let what = format!("the ResourceQuota of {namespace}");
        let api = self.quotas(namespace);
        let Some(to) = to else {
            let Some(found) = found else { return Ok(None) };
            if !found.is_ours {
                return Err(refused(format!(
                    "ResourceQuota `{}` was not made by us: it isn't ours to remove",
                    found.name
                )));
            }
            let params = DeleteParams {
                dry_run: mode == Mode::DryRun,
                preconditions: Some(Preconditions {
                    uid: Some(found.uid.clone()),
                    resource_version: None,
                }),
                ..DeleteParams::default()
            };
            match self.ask(&what, || api.delete(&found.name, &params)).await {
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
            if mode == Mode::Write {
                let key = (found.namespace.clone(), found.name.clone());
                self.watches.quotas.remove(&key, 0);
            }
            return Ok(None);
        };
        let params = mode.params();
        let answer = match found.filter(|it| !it.is_ours) {
            Some(found) => {
                let patch = Patch::Merge(json!({
                    "metadata": {"uid": found.uid, "resourceVersion": found.version.to_string()},
                    "spec": {"hard": hard(Some(&found), to)},
                }));
                self.ask(&what, || api.patch(&found.name, &params, &patch))
                    .await?
            }
            None => {
                let mut params = params;
                params.force = true;
                let patch = Patch::Apply(json!({
                    "apiVersion": "v1",
                    "kind": "ResourceQuota",
                    "metadata": {
                        "name": NAME,
                        "namespace": namespace,
                        "labels": {MANAGED_BY.0: MANAGED_BY.1},
                    },
                    "spec": {"hard": hard(None, to)},
                }));
                self.ask(&what, || api.patch(NAME, &params, &patch)).await?
            }
        };
        let Some(view) = QuotaView::of(&answer) else {
            return Err(Error::invalid(&what, "the answer is no quota"));
        };
        if mode == Mode::Write {
            self.watches.quotas.put(view.clone());
        }
        Ok(Some(view))
    }
}

/// The hard limits that change. Of a quota of somebody else each limit keeps the name that it has, and `null` takes one away.
fn hard(found: Option<&QuotaView>, to: QuotaLimits) -> Value {
    let mut hard = serde_json::Map::new();
    for (names, amount) in [
        (CPU_LIMITS, to.cpu.map(|it| it.to_string())),
        (MEMORY_LIMITS, to.memory.map(|it| it.to_string())),
        (POD_LIMITS, to.pods.map(|it| it.to_string())),
    ] {
        let has = |name: &&&str| found.is_some_and(|it| it.hard.contains_key(**name));
        let mut is_said = false;
        for name in names.iter().filter(has) {
            hard.insert((*name).to_owned(), json!(amount));
            is_said = true;
        }
        if let (false, Some(name), Some(amount)) = (is_said, names.first(), amount) {
            hard.insert((*name).to_owned(), json!(amount));
        }
    }
    Value::Object(hard)
}
