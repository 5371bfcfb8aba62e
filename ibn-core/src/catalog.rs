//! The closed list of names that a translator may use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::allocation::{ContainerResources, Resources};
use crate::workload::{Inventory, WorkloadKind, WorkloadRef};

/// What exists: workloads, namespaces and indicators. A name that isn't in here is another name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Catalog {
    /// Deployments and StatefulSets.
    #[serde(default)]
    pub workloads: Vec<CatalogWorkload>,
    /// Namespaces, those without workloads included.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Names of `Indicator` objects.
    #[serde(default)]
    pub indicators: Vec<String>,
}

/// One workload of the catalog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CatalogWorkload {
    /// The namespace.
    pub namespace: String,
    /// Deployment or StatefulSet.
    pub kind: WorkloadKind,
    /// The name.
    pub name: String,
    /// Pods asked for.
    #[serde(default)]
    pub replicas: u32,
    /// Its containers.
    #[serde(default)]
    pub containers: Vec<CatalogContainer>,
    /// Customers' own names for it.
    #[serde(default)]
    pub aliases: Vec<String>,
}

impl CatalogWorkload {
    /// The workload's reference.
    #[must_use]
    pub fn workload(&self) -> WorkloadRef {
        WorkloadRef::new(&self.namespace, self.kind, &self.name)
    }
}

/// One container of a workload of the catalog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CatalogContainer {
    /// The name.
    pub name: String,
    /// What it requests.
    #[serde(default)]
    pub requests: Resources,
    /// What it is limited to.
    #[serde(default)]
    pub limits: Resources,
}

impl Catalog {
    /// The catalog of what is live, with `aliases` by workload.
    #[must_use]
    pub fn from_inventory(
        inventory: &Inventory,
        aliases: &BTreeMap<WorkloadRef, Vec<String>>,
        indicators: Vec<String>,
    ) -> Self {
        let mut namespaces: Vec<String> = inventory
            .workloads
            .keys()
            .map(|workload| workload.namespace.clone())
            .collect();
        namespaces.dedup();
        let workloads = inventory
            .workloads
            .values()
            .filter(|state| state.workload.kind != WorkloadKind::Namespace)
            .map(|state| CatalogWorkload {
                namespace: state.workload.namespace.clone(),
                kind: state.workload.kind,
                name: state.workload.name.clone(),
                replicas: state.allocation.replicas,
                containers: state
                    .allocation
                    .containers
                    .iter()
                    .map(CatalogContainer::from)
                    .collect(),
                aliases: aliases.get(&state.workload).cloned().unwrap_or_default(),
            })
            .collect();
        Self {
            workloads,
            namespaces,
            indicators,
        }
    }
}

impl From<&ContainerResources> for CatalogContainer {
    fn from(container: &ContainerResources) -> Self {
        Self {
            name: container.name.clone(),
            requests: container.requests,
            limits: container.limits,
        }
    }
}
