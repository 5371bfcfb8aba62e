//! What is kept of each kind of object: only the fields that somebody reads.

use std::collections::{BTreeMap, BTreeSet};

use ibn_core::allocation::{Field, ResourceBound};
use ibn_core::workload::{FieldOwner, WorkloadKind, WorkloadRef};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{
    Container, Namespace, Node, Pod, PodSpec, PodTemplateSpec, ResourceQuota,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    ManagedFieldsEntry, ObjectMeta, OwnerReference,
};
use kube::core::DynamicObject;
use serde_json::Value;

use super::cache::{Key, View};
use crate::sizes::{self, HELD, Held, Sizes};

/// The name under which everything of ours is written.
pub const FIELD_MANAGER: &str = "ibn";

/// The label of objects that we made, and its value.
pub(crate) const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "ibn");

/// The annotation by which somebody hands an object of theirs over: `"true"` on a HorizontalPodAutoscaler or a ResourceQuota.
pub(crate) const ADOPT: &str = "ibn.dev/adopt";

fn key(metadata: &ObjectMeta) -> Key {
    (
        metadata.namespace.clone().unwrap_or_default(),
        metadata.name.clone().unwrap_or_default(),
    )
}

fn version(metadata: &ObjectMeta) -> u64 {
    let text = metadata.resource_version.as_deref().unwrap_or_default();
    text.parse().unwrap_or(0)
}

fn count(number: Option<i32>) -> u32 {
    number.and_then(|it| u32::try_from(it).ok()).unwrap_or(0)
}

fn annotation<'a>(metadata: &'a ObjectMeta, name: &str) -> Option<&'a String> {
    metadata.annotations.as_ref()?.get(name)
}

/// An annotation, where it was written by us: one that came with a copy of another object's says nothing of this one.
fn our_annotation<'a>(metadata: &'a ObjectMeta, name: &str) -> Option<&'a String> {
    let mut entries = metadata.managed_fields.iter().flatten();
    let place = format!("f:{name}");
    let is_ours = entries.any(|it| {
        it.manager.as_deref() == Some(FIELD_MANAGER)
            && it
                .fields_v1
                .as_ref()
                .is_some_and(|it| child(&it.0, &["f:metadata", "f:annotations", &place]).is_some())
    });
    annotation(metadata, name).filter(|_| is_ours)
}

fn label<'a>(metadata: &'a ObjectMeta, name: &str) -> Option<&'a String> {
    metadata.labels.as_ref()?.get(name)
}

fn is_ours(metadata: &ObjectMeta) -> bool {
    label(metadata, MANAGED_BY.0).is_some_and(|by| by == MANAGED_BY.1)
}

fn is_adopted(metadata: &ObjectMeta) -> bool {
    annotation(metadata, ADOPT).is_some_and(|it| it == "true")
}

/// A Deployment or StatefulSet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WorkloadView {
    pub(crate) workload: WorkloadRef,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) replicas: u32,
    pub(crate) ready: u32,
    /// The names of the containers, in the order of the template.
    pub(crate) containers: Vec<String>,
    /// What the pod template says.
    pub(crate) template: Sizes,
    /// Fields whose change restarts the container, by its resize policy.
    pub(crate) restarting: BTreeSet<Field>,
    pub(crate) held: Held,
    /// The journal of an apply that is under way or was broken off, as it stands in its annotation.
    pub(crate) journal: Option<String>,
    /// Who wrote the fields last.
    pub(crate) managers: BTreeMap<Field, FieldOwner>,
    pub(crate) rollout: Rollout,
}

/// Where the rollout of a changed template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rollout {
    /// All pods are of the newest template, or none was changed.
    Complete,
    /// Pods are being replaced.
    UnderWay,
    /// It made no progress within its deadline.
    Stuck,
}

/// The annotation of a workload that has the journal of an apply.
pub(crate) const JOURNAL: &str = "ibn.dev/applying";

/// What Deployments and StatefulSets share.
struct Parts<'a> {
    kind: WorkloadKind,
    metadata: &'a ObjectMeta,
    replicas: Option<i32>,
    ready: Option<i32>,
    template: Option<&'a PodTemplateSpec>,
    rollout: Rollout,
}

impl WorkloadView {
    pub(crate) fn deployment(of: &Deployment) -> Self {
        let (spec, status) = (of.spec.as_ref(), of.status.as_ref());
        let wanted = count(spec.and_then(|it| it.replicas).or(Some(1)));
        let is_stuck = status.is_some_and(|it| {
            let mut conditions = it.conditions.iter().flatten();
            conditions.any(|it| it.reason.as_deref() == Some("ProgressDeadlineExceeded"))
        });
        let is_complete = status.is_some_and(|it| {
            it.observed_generation >= of.metadata.generation
                && count(it.updated_replicas) >= wanted
                && count(it.replicas) <= wanted
        });
        Self::of(&Parts {
            kind: WorkloadKind::Deployment,
            metadata: &of.metadata,
            replicas: spec.and_then(|it| it.replicas),
            ready: status.and_then(|it| it.ready_replicas),
            template: spec.map(|it| &it.template),
            rollout: match (is_stuck, is_complete) {
                (true, _) => Rollout::Stuck,
                (_, true) => Rollout::Complete,
                _ => Rollout::UnderWay,
            },
        })
    }

    pub(crate) fn stateful_set(of: &StatefulSet) -> Self {
        let (spec, status) = (of.spec.as_ref(), of.status.as_ref());
        let wanted = count(spec.and_then(|it| it.replicas).or(Some(1)));
        let is_complete = status.is_some_and(|it| {
            it.observed_generation >= of.metadata.generation && count(it.updated_replicas) >= wanted
        });
        Self::of(&Parts {
            kind: WorkloadKind::StatefulSet,
            metadata: &of.metadata,
            replicas: spec.and_then(|it| it.replicas),
            ready: status.and_then(|it| it.ready_replicas),
            template: spec.map(|it| &it.template),
            rollout: if is_complete {
                Rollout::Complete
            } else {
                Rollout::UnderWay
            },
        })
    }

    fn of(parts: &Parts<'_>) -> Self {
        let (namespace, name) = key(parts.metadata);
        let spec: Option<&PodSpec> = parts.template.and_then(|it| it.spec.as_ref());
        let containers = spec.map_or(&[][..], |it| it.containers.as_slice());
        let names: Vec<String> = containers.iter().map(|it| it.name.clone()).collect();
        Self {
            workload: WorkloadRef::new(&namespace, parts.kind, &name),
            uid: parts.metadata.uid.clone().unwrap_or_default(),
            resource_version: parts.metadata.resource_version.clone().unwrap_or_default(),
            labels: parts.metadata.labels.clone().unwrap_or_default(),
            replicas: count(parts.replicas.or(Some(1))),
            ready: count(parts.ready),
            template: sizes::of_containers(containers),
            restarting: restarting(containers),
            held: Held::read(our_annotation(parts.metadata, HELD)),
            journal: our_annotation(parts.metadata, JOURNAL).cloned(),
            managers: managers(parts.metadata, &names),
            containers: names,
            rollout: parts.rollout,
        }
    }

    /// What its pods are to have.
    pub(crate) fn sizes(&self) -> Sizes {
        self.held.over(&self.template)
    }
}

impl View for WorkloadView {
    fn key(&self) -> Key {
        (self.workload.namespace.clone(), self.workload.name.clone())
    }

    fn version(&self) -> u64 {
        self.resource_version.parse().unwrap_or(0)
    }

    fn about(&self) -> Option<WorkloadRef> {
        Some(self.workload.clone())
    }
}

/// The fields whose change restarts their container.
fn restarting(containers: &[Container]) -> BTreeSet<Field> {
    let mut fields = BTreeSet::new();
    for container in containers {
        for policy in container.resize_policy.iter().flatten() {
            if policy.restart_policy == "RestartContainer" {
                let of_policy = sizes::fields_of(&container.name).filter(|field| {
                    matches!(field, Field::Resource { resource, .. } if sizes::name(*resource) == policy.resource_name)
                });
                fields.extend(of_policy);
            }
        }
    }
    fields
}

/// Who wrote replicas, requests and limits last; of several that agree on a value, the first by name.
fn managers(metadata: &ObjectMeta, containers: &[String]) -> BTreeMap<Field, FieldOwner> {
    let mut found = BTreeMap::new();
    for entry in metadata.managed_fields.iter().flatten() {
        let (Some(by), Some(fields)) = (&entry.manager, &entry.fields_v1) else {
            continue;
        };
        let spec = child(&fields.0, &["f:spec"]);
        let mut owned = BTreeSet::new();
        if spec.is_some_and(|it| it.get("f:replicas").is_some()) {
            owned.insert(Field::Replicas);
        }
        let of_pods = spec.and_then(|it| child(it, &["f:template", "f:spec"]));
        owned.extend(of_pods.into_iter().flat_map(|it| in_pods(it, containers)));
        for field in owned {
            let owner = owner(by);
            let place = found.entry(field).or_insert_with(|| owner.clone());
            // What we own is ours, whoever else agrees.
            if owner == FieldOwner::Ibn || (*place != FieldOwner::Ibn && owner < *place) {
                *place = owner;
            }
        }
    }
    found
}

fn owner(manager: &str) -> FieldOwner {
    if manager == FIELD_MANAGER {
        FieldOwner::Ibn
    } else {
        FieldOwner::Manager(manager.to_owned())
    }
}

fn child<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// The requests and limits that an entry owns of a pod's containers.
fn in_pods(spec: &Value, containers: &[String]) -> Vec<Field> {
    let mut owned = Vec::new();
    for name in containers {
        let place = format!("k:{{\"name\":\"{name}\"}}");
        let Some(resources) = child(spec, &["f:containers", &place, "f:resources"]) else {
            continue;
        };
        owned.extend(sizes::fields_of(name).filter(|field| {
            let text = field.to_string();
            let mut parts = text.rsplit('.');
            let (Some(resource), Some(bound)) = (parts.next(), parts.next()) else {
                return false;
            };
            child(
                resources,
                &[&format!("f:{bound}"), &format!("f:{resource}")],
            )
            .is_some()
        }));
    }
    owned
}

/// A pod.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PodView {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) version: u64,
    pub(crate) workload: Option<WorkloadRef>,
    pub(crate) phase: Phase,
    /// Since when it is ready.
    pub(crate) ready_since: Option<Timestamp>,
    pub(crate) restarts: u32,
    pub(crate) is_on_node: bool,
    /// The names of its containers that run on, in order.
    pub(crate) containers: Vec<String>,
    pub(crate) sizes: Sizes,
    pub(crate) given: Given,
    pub(crate) resize: Resize,
    /// Fields that were resized in place, and by whom last.
    pub(crate) resized: BTreeMap<Field, (FieldOwner, Timestamp)>,
}

/// What the node gives a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// The node doesn't say.
    Unsaid,
    /// What its specification says.
    AsAsked,
    /// Something else.
    Other,
}

/// Where a pod is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not all of its containers were started yet.
    Pending,
    /// It runs.
    Running,
    /// It ended, or is on its way out.
    Over,
}

/// What the node says of a resize.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Resize {
    /// Nothing.
    #[default]
    None,
    /// It is being done.
    InProgress,
    /// It could not be done; it is tried again.
    Failing(String),
    /// There is no room at the moment.
    Deferred(String),
    /// It can't be done on this node.
    Infeasible(String),
}

impl PodView {
    pub(crate) fn of(pod: &Pod) -> Self {
        let (namespace, name) = key(&pod.metadata);
        let spec = pod.spec.as_ref();
        let status = pod.status.as_ref();
        let containers = spec.map_or(&[][..], |it| it.containers.as_slice());
        let names: Vec<String> = containers.iter().map(|it| it.name.clone()).collect();
        let is_over = pod.metadata.deletion_timestamp.is_some()
            || matches!(phase(pod), Some("Succeeded" | "Failed"));
        let conditions = || {
            status
                .into_iter()
                .flat_map(|it| it.conditions.iter().flatten())
        };
        let ready = conditions().find(|it| it.type_ == "Ready" && it.status == "True");
        let statuses = || {
            let all = status.into_iter();
            all.flat_map(|it| it.container_statuses.iter().flatten())
        };
        let mut actual: Option<Sizes> = None;
        for of in statuses() {
            if let Some(resources) = &of.resources {
                sizes::read(&of.name, resources, actual.get_or_insert_default());
            }
        }
        let sizes = sizes::of_containers(containers);
        let is_given = |actual: &Sizes| {
            let mut asked = sizes.iter();
            asked.all(|(field, text)| sizes::is_same(field, Some(text), actual.get(field)))
        };
        Self {
            workload: workload_of(&namespace, &pod.metadata),
            uid: pod.metadata.uid.clone().unwrap_or_default(),
            version: version(&pod.metadata),
            phase: match (is_over, phase(pod)) {
                (true, _) => Phase::Over,
                (_, Some("Running")) => Phase::Running,
                _ => Phase::Pending,
            },
            ready_since: ready.filter(|_| !is_over).map(|it| {
                let since = it.last_transition_time.as_ref();
                since.map_or(Timestamp::UNIX_EPOCH, |time| time.0)
            }),
            restarts: statuses().map(|it| count(Some(it.restart_count))).sum(),
            is_on_node: spec.is_some_and(|it| it.node_name.is_some()),
            given: match &actual {
                None => Given::Unsaid,
                Some(actual) if is_given(actual) => Given::AsAsked,
                Some(_) => Given::Other,
            },
            sizes,
            resize: resize(pod),
            resized: resized(
                pod.metadata.managed_fields.as_deref().unwrap_or_default(),
                &names,
            ),
            containers: names,
            namespace,
            name,
        }
    }

    /// Whether somebody else resized this field of it.
    pub(crate) fn is_by_hand(&self, field: &Field) -> bool {
        let by = self.resized.get(field);
        by.is_some_and(|(by, _)| *by != FieldOwner::Ibn)
    }

    /// Whether it has what its specification says, as far as that can be told.
    pub(crate) fn is_settled(&self) -> bool {
        self.phase != Phase::Running || self.resize == Resize::None && self.given != Given::Other
    }
}

fn phase(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
}

fn resize(pod: &Pod) -> Resize {
    let conditions = pod
        .status
        .iter()
        .flat_map(|it| it.conditions.iter().flatten());
    let mut found = Resize::None;
    for it in conditions.filter(|it| it.status == "True") {
        let message = it.message.clone().unwrap_or_default();
        match (it.type_.as_str(), it.reason.as_deref()) {
            ("PodResizePending", Some("Infeasible")) => return Resize::Infeasible(message),
            ("PodResizePending", _) => found = Resize::Deferred(message),
            ("PodResizeInProgress", Some("Error")) => found = Resize::Failing(message),
            ("PodResizeInProgress", _) if found == Resize::None => found = Resize::InProgress,
            _ => {}
        }
    }
    found
}

fn resized(
    entries: &[ManagedFieldsEntry],
    containers: &[String],
) -> BTreeMap<Field, (FieldOwner, Timestamp)> {
    let mut found = BTreeMap::new();
    for entry in entries
        .iter()
        .filter(|it| it.subresource.as_deref() == Some("resize"))
    {
        let spec = entry.fields_v1.as_ref().and_then(|it| it.0.get("f:spec"));
        let (Some(by), Some(spec)) = (&entry.manager, spec) else {
            continue;
        };
        let at = entry.time.as_ref().map_or(Timestamp::UNIX_EPOCH, |it| it.0);
        for field in in_pods(spec, containers) {
            let place = found.entry(field).or_insert_with(|| (owner(by), at));
            if place.1 < at {
                *place = (owner(by), at);
            }
        }
    }
    found
}

/// The workload that made a pod.
fn workload_of(namespace: &str, metadata: &ObjectMeta) -> Option<WorkloadRef> {
    let owners = metadata.owner_references.iter().flatten();
    let owner: &OwnerReference = owners.into_iter().find(|it| it.controller == Some(true))?;
    match owner.kind.as_str() {
        "StatefulSet" => Some(WorkloadRef::new(
            namespace,
            WorkloadKind::StatefulSet,
            &owner.name,
        )),
        "ReplicaSet" => {
            // A Deployment names its ReplicaSets by itself and the hash that their pods carry.
            let hash = label(metadata, "pod-template-hash")?;
            let name = owner.name.strip_suffix(hash.as_str())?.strip_suffix('-')?;
            Some(WorkloadRef::deployment(namespace, name))
        }
        _ => None,
    }
}

impl View for PodView {
    fn key(&self) -> Key {
        (self.namespace.clone(), self.name.clone())
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn about(&self) -> Option<WorkloadRef> {
        self.workload.clone()
    }
}

/// A HorizontalPodAutoscaler.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScalerView {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) version: u64,
    pub(crate) target: Option<WorkloadRef>,
    pub(crate) min: Option<u32>,
    pub(crate) max: u32,
    /// Its target of CPU utilisation in percent, where that is one of its metrics.
    pub(crate) cpu_utilization: Option<u32>,
    /// Whether we made it.
    pub(crate) is_ours: bool,
    /// Whether somebody handed it over to us.
    pub(crate) is_adopted: bool,
    /// The KEDA ScaledObject that made it.
    pub(crate) scaled_object: Option<String>,
}

impl ScalerView {
    pub(crate) fn of(scaler: &HorizontalPodAutoscaler) -> Self {
        let (namespace, name) = key(&scaler.metadata);
        let spec = scaler.spec.as_ref();
        let metrics = spec.into_iter().flat_map(|it| it.metrics.iter().flatten());
        let mut cpu = metrics.filter_map(|it| {
            let resource = it.resource.as_ref().filter(|it| it.name == "cpu")?;
            resource.target.average_utilization
        });
        let target = spec.and_then(|it| {
            let of = &it.scale_target_ref;
            target(&namespace, &of.kind, &of.name)
        });
        let owners = scaler.metadata.owner_references.iter().flatten();
        Self {
            uid: scaler.metadata.uid.clone().unwrap_or_default(),
            version: version(&scaler.metadata),
            target,
            min: spec
                .and_then(|it| it.min_replicas)
                .map(|it| count(Some(it))),
            max: count(spec.map(|it| it.max_replicas)),
            cpu_utilization: cpu.next().map(|it| count(Some(it))),
            is_ours: is_ours(&scaler.metadata),
            is_adopted: is_adopted(&scaler.metadata),
            scaled_object: owners
                .into_iter()
                .find(|it| it.kind == "ScaledObject")
                .map(|it| it.name.clone()),
            namespace,
            name,
        }
    }

    /// Who it is to the guard.
    pub(crate) fn owner(&self) -> FieldOwner {
        match &self.scaled_object {
            Some(name) => FieldOwner::ScaledObject(name.clone()),
            None if self.is_ours || self.is_adopted => FieldOwner::Ibn,
            None => FieldOwner::HorizontalPodAutoscaler(self.name.clone()),
        }
    }
}

impl View for ScalerView {
    fn key(&self) -> Key {
        (self.namespace.clone(), self.name.clone())
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn about(&self) -> Option<WorkloadRef> {
        self.target.clone()
    }
}

fn target(namespace: &str, kind: &str, name: &str) -> Option<WorkloadRef> {
    let kind = match kind {
        "Deployment" => WorkloadKind::Deployment,
        "StatefulSet" => WorkloadKind::StatefulSet,
        _ => return None,
    };
    Some(WorkloadRef::new(namespace, kind, name))
}

/// A VerticalPodAutoscaler or a ScaledObject: whom it claims what of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClaimView {
    key: Key,
    version: u64,
    target: Option<WorkloadRef>,
    pub(crate) owner: FieldOwner,
    /// What it leaves alone, by container (`*` for all others): `None` for everything.
    exempt: BTreeMap<String, Exempt>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Exempt {
    is_off: bool,
    is_requests_only: bool,
    resources: Option<BTreeSet<String>>,
}

impl ClaimView {
    /// A KEDA ScaledObject.
    pub(crate) fn scaled_object(of: &DynamicObject) -> Option<Self> {
        let key = key(&of.metadata);
        let target_ref = of.data.pointer("/spec/scaleTargetRef")?;
        let text = |name| target_ref.get(name).and_then(Value::as_str);
        Some(Self {
            version: version(&of.metadata),
            target: target(&key.0, text("kind").unwrap_or("Deployment"), text("name")?),
            owner: FieldOwner::ScaledObject(key.1.clone()),
            exempt: BTreeMap::new(),
            key,
        })
    }

    /// A VerticalPodAutoscaler that changes pods; one that only recommends claims nothing.
    pub(crate) fn vertical(of: &DynamicObject) -> Option<Self> {
        let key = key(&of.metadata);
        let mode = of.data.pointer("/spec/updatePolicy/updateMode");
        if mode.and_then(Value::as_str) == Some("Off") {
            return None;
        }
        let target_ref = of.data.pointer("/spec/targetRef")?;
        let text = |name| target_ref.get(name).and_then(Value::as_str);
        let policies = of.data.pointer("/spec/resourcePolicy/containerPolicies");
        let policies = policies.and_then(Value::as_array).into_iter().flatten();
        let exempt = policies.filter_map(|policy| {
            let text = |name: &str| policy.get(name).and_then(Value::as_str);
            let resources = policy.get("controlledResources").and_then(Value::as_array);
            let exempt = Exempt {
                is_off: text("mode") == Some("Off"),
                is_requests_only: text("controlledValues") == Some("RequestsOnly"),
                resources: resources.map(|all| {
                    let all = all.iter().filter_map(Value::as_str);
                    all.map(str::to_owned).collect()
                }),
            };
            Some((text("containerName")?.to_owned(), exempt))
        });
        Some(Self {
            version: version(&of.metadata),
            target: target(&key.0, text("kind")?, text("name")?),
            owner: FieldOwner::VerticalPodAutoscaler(key.1.clone()),
            exempt: exempt.collect(),
            key,
        })
    }

    /// Whether it claims a request or limit.
    pub(crate) fn claims(&self, field: &Field) -> bool {
        let Field::Resource {
            container,
            bound,
            resource,
        } = field
        else {
            return false;
        };
        let exempt = self.exempt.get(container).or_else(|| self.exempt.get("*"));
        exempt.is_none_or(|it| {
            let is_spared = it.is_requests_only && *bound == ResourceBound::Limits;
            !it.is_off
                && !is_spared
                && it
                    .resources
                    .as_ref()
                    .is_none_or(|all| all.contains(sizes::name(*resource)))
        })
    }
}

impl View for ClaimView {
    fn key(&self) -> Key {
        self.key.clone()
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn about(&self) -> Option<WorkloadRef> {
        self.target.clone()
    }
}

/// A ResourceQuota without scopes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QuotaView {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) version: u64,
    pub(crate) hard: BTreeMap<String, String>,
    pub(crate) is_ours: bool,
    pub(crate) is_adopted: bool,
    /// Who wrote its limits.
    pub(crate) manager: Option<String>,
}

impl QuotaView {
    /// A quota of particular pods isn't one of the namespace.
    pub(crate) fn of(quota: &ResourceQuota) -> Option<Self> {
        let (namespace, name) = key(&quota.metadata);
        let spec = quota.spec.as_ref()?;
        if spec.scope_selector.is_some() || spec.scopes.as_ref().is_some_and(|it| !it.is_empty()) {
            return None;
        }
        let hard = spec.hard.iter().flatten();
        let entries = quota.metadata.managed_fields.iter().flatten();
        let mut managers = entries.filter(|it| {
            let fields = it.fields_v1.as_ref();
            fields.is_some_and(|it| child(&it.0, &["f:spec", "f:hard"]).is_some())
        });
        Some(Self {
            uid: quota.metadata.uid.clone().unwrap_or_default(),
            version: version(&quota.metadata),
            hard: hard
                .map(|(name, amount)| (name.clone(), amount.0.clone()))
                .collect(),
            is_ours: is_ours(&quota.metadata),
            is_adopted: is_adopted(&quota.metadata),
            manager: managers.next().and_then(|it| it.manager.clone()),
            namespace,
            name,
        })
    }
}

impl View for QuotaView {
    fn key(&self) -> Key {
        (self.namespace.clone(), self.name.clone())
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn about(&self) -> Option<WorkloadRef> {
        Some(WorkloadRef::namespace(&self.namespace))
    }
}

/// A namespace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NamespaceView {
    pub(crate) name: String,
    pub(crate) version: u64,
    pub(crate) labels: BTreeMap<String, String>,
}

impl NamespaceView {
    /// One that is on its way out is no longer there.
    pub(crate) fn of(namespace: &Namespace) -> Option<Self> {
        let metadata = &namespace.metadata;
        metadata.deletion_timestamp.is_none().then(|| Self {
            name: key(metadata).1,
            version: version(metadata),
            labels: metadata.labels.clone().unwrap_or_default(),
        })
    }
}

impl View for NamespaceView {
    fn key(&self) -> Key {
        (String::new(), self.name.clone())
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn about(&self) -> Option<WorkloadRef> {
        Some(WorkloadRef::namespace(&self.name))
    }
}

/// A node that pods can be put on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NodeView {
    name: String,
    version: u64,
    pub(crate) cpu: u64,
    pub(crate) memory: u64,
}

impl NodeView {
    /// One that takes no pods counts for nothing.
    pub(crate) fn of(node: &Node) -> Option<Self> {
        let spec = node.spec.as_ref();
        if spec.is_some_and(|it| it.unschedulable == Some(true)) {
            return None;
        }
        let allocatable = node.status.as_ref()?.allocatable.as_ref()?;
        let cpu: ibn_core::units::CpuMillis = allocatable.get("cpu")?.0.parse().ok()?;
        let memory: ibn_core::units::Bytes = allocatable.get("memory")?.0.parse().ok()?;
        Some(Self {
            name: key(&node.metadata).1,
            version: version(&node.metadata),
            cpu: cpu.get(),
            memory: memory.get(),
        })
    }
}

impl View for NodeView {
    fn key(&self) -> Key {
        (String::new(), self.name.clone())
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn about(&self) -> Option<WorkloadRef> {
        None
    }
}
