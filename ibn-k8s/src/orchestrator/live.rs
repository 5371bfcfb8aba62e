//! What is live, in the words of the core.

use std::collections::BTreeMap;

use ibn_core::allocation::{Allocation, Field, QuotaLimits};
use ibn_core::intent::Autoscale;
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::{FieldOwner, FreeCapacity, Inventory, WorkloadRef, WorkloadState};
use serde::Serialize;

use crate::sizes::{self, Sizes};
use crate::watch::{Phase, PodView, QuotaView, ScalerView, Scope, Watches, WorkloadView};

/// Everything that is live.
pub(super) fn inventory(watches: &Watches) -> Inventory {
    let all = [&watches.deployments, &watches.stateful_sets];
    let workloads = all.into_iter().flat_map(|cache| cache.all());
    let states = workloads.map(|view| state(&view, watches));
    let spaces = watches.namespace_names().into_iter();
    let spaces = spaces.map(|name| namespace(&name, watches));
    Inventory {
        workloads: states
            .chain(spaces)
            .map(|state| (state.workload.clone(), state))
            .collect(),
        free: free(watches),
    }
}

/// What is live of a workload.
pub(super) fn state(view: &WorkloadView, watches: &Watches) -> WorkloadState {
    let workload = &view.workload;
    let scalers = watches.scalers.about(workload);
    let mut owners = view.managers.clone();
    let mut sizes = view.sizes();
    for (field, _) in view.held.in_force(&view.template) {
        owners.insert(field.clone(), FieldOwner::Ibn);
    }
    for (field, by, text) in by_hand(&watches.pods.about(workload), &sizes) {
        sizes.insert(field.clone(), text);
        owners.insert(field, by);
    }
    for vertical in watches.verticals.about(workload) {
        let all = view.containers.iter().flat_map(|it| sizes::fields_of(it));
        for field in all.filter(|field| vertical.claims(field)) {
            owners.insert(field, vertical.owner.clone());
        }
    }
    let ours = scalers.iter().find(|it| it.owner() == FieldOwner::Ibn);
    let foreign = scalers.iter().map(|it| it.owner());
    let claims = watches.scaled_objects.about(workload);
    let foreign = foreign.chain(claims.iter().map(|it| it.owner.clone()));
    if let Some(owner) = foreign.filter(|it| *it != FieldOwner::Ibn).max() {
        owners.insert(Field::Replicas, owner);
    } else if ours.is_some() {
        // It is its autoscaler that moves it.
        owners.insert(Field::Replicas, FieldOwner::Ibn);
        owners.insert(Field::Autoscale, FieldOwner::Ibn);
    }
    let mut allocation =
        Allocation::new(view.replicas, sizes::containers(&view.containers, &sizes));
    allocation.autoscale = ours.map(|it| autoscale(it));
    finish(
        WorkloadState {
            workload: workload.clone(),
            resource_version: String::new(),
            labels: view.labels.clone(),
            allocation,
            quota: None,
            ready_replicas: view.ready,
            owners,
        },
        &view.uid,
    )
}

/// Sizes that somebody gave single pods: their newest word stands for the workload.
fn by_hand(pods: &[std::sync::Arc<PodView>], held: &Sizes) -> Vec<(Field, FieldOwner, String)> {
    let mut newest: BTreeMap<&Field, (jiff::Timestamp, &FieldOwner, &String)> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| pod.phase != Phase::Over) {
        for (field, (by, at)) in &pod.resized {
            let Some(text) = pod.sizes.get(field) else {
                continue;
            };
            if *by == FieldOwner::Ibn || sizes::is_same(field, Some(text), held.get(field)) {
                continue;
            }
            let place = newest.entry(field).or_insert((*at, by, text));
            if place.0 < *at {
                *place = (*at, by, text);
            }
        }
    }
    newest
        .into_iter()
        .map(|(field, (_, by, text))| (field.clone(), by.clone(), text.clone()))
        .collect()
}

pub(super) fn autoscale(scaler: &ScalerView) -> Autoscale {
    Autoscale {
        min: scaler.min,
        max: scaler.max,
        cpu_utilization: scaler.cpu_utilization,
    }
}

/// What is live of a namespace.
pub(super) fn namespace(name: &str, watches: &Watches) -> WorkloadState {
    let quota = quota_of(name, watches);
    let labels = watches.namespaces.get("", name);
    let mut owners = BTreeMap::new();
    if let Some(quota) = &quota {
        let owner = match &quota.manager {
            _ if quota.is_ours || quota.is_adopted => FieldOwner::Ibn,
            Some(by) => FieldOwner::Manager(by.clone()),
            None => FieldOwner::Manager("unknown".to_owned()),
        };
        owners.insert(Field::Quota, owner);
    }
    finish(
        WorkloadState {
            workload: WorkloadRef::namespace(name),
            resource_version: String::new(),
            labels: labels.map(|it| it.labels.clone()).unwrap_or_default(),
            allocation: Allocation::default(),
            quota: quota.as_ref().map(|it| limits(it)),
            ready_replicas: 0,
            owners,
        },
        &quota.as_ref().map(|it| it.uid.clone()).unwrap_or_default(),
    )
}

/// The quota that stands for a namespace: ours, else one that was handed over, else the first that limits what we can say.
pub(super) fn quota_of(name: &str, watches: &Watches) -> Option<std::sync::Arc<QuotaView>> {
    let mut quotas = watches.quotas.within(name);
    quotas.retain(|it| it.is_ours || it.is_adopted || limits(it) != QuotaLimits::default());
    quotas.sort_by_key(|it| (!it.is_ours, !it.is_adopted, it.name.clone()));
    quotas.into_iter().next()
}

/// The limits of a quota that the core knows. Requests have two names; the stricter of both holds.
pub(super) fn limits(quota: &QuotaView) -> QuotaLimits {
    fn least<T: std::str::FromStr + Ord>(quota: &QuotaView, names: &[&str]) -> Option<T> {
        let amounts = names.iter().filter_map(|name| quota.hard.get(*name));
        amounts.filter_map(|text| text.parse().ok()).min()
    }
    QuotaLimits {
        cpu: least::<CpuMillis>(quota, CPU_LIMITS),
        memory: least::<Bytes>(quota, MEMORY_LIMITS),
        pods: least::<u32>(quota, POD_LIMITS),
    }
}

/// The names of the sum of CPU requests in a quota, ours first.
pub(super) const CPU_LIMITS: &[&str] = &["requests.cpu", "cpu"];
/// The names of the sum of memory requests.
pub(super) const MEMORY_LIMITS: &[&str] = &["requests.memory", "memory"];
/// The names of the number of pods.
pub(super) const POD_LIMITS: &[&str] = &["pods", "count/pods"];

/// Gives a state its version: a fingerprint of all that a plan is judged on.
///
/// The version that the cluster gives an object also moves with its status, which would make plans stale for nothing, and
/// doesn't move with the autoscaler beside it. What guards a write is the object's own version, read with what is compared here.
fn finish(mut state: WorkloadState, uid: &str) -> WorkloadState {
    #[derive(Serialize)]
    struct Judged<'a> {
        uid: &'a str,
        labels: &'a BTreeMap<String, String>,
        allocation: &'a Allocation,
        quota: &'a Option<QuotaLimits>,
        owners: &'a BTreeMap<Field, FieldOwner>,
    }
    let judged = Judged {
        uid,
        labels: &state.labels,
        allocation: &state.allocation,
        quota: &state.quota,
        owners: &state.owners,
    };
    let text = serde_json::to_vec(&judged).unwrap_or_default();
    state.resource_version = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&text));
    state
}

/// What nodes have room for; not known where nodes aren't watched.
fn free(watches: &Watches) -> Option<FreeCapacity> {
    let nodes = watches.nodes.all();
    if watches.scope != Scope::Cluster || nodes.is_empty() {
        return None;
    }
    let (mut cpu, mut memory) = (0_u64, 0_u64);
    for node in nodes {
        cpu = cpu.saturating_add(node.cpu);
        memory = memory.saturating_add(node.memory);
    }
    for pod in watches.pods.all() {
        if pod.phase == Phase::Over || !pod.is_on_node {
            continue;
        }
        let requests = Allocation::new(1, sizes::containers(&pod.containers, &pod.sizes));
        let requests = requests.total_requests();
        cpu = cpu.saturating_sub(requests.cpu.get());
        memory = memory.saturating_sub(requests.memory.get());
    }
    Some(FreeCapacity {
        cpu: CpuMillis::new(cpu),
        memory: Bytes::new(memory),
    })
}
