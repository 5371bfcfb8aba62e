//! A small world for the stories: one namespace, a few workloads, and a twin that can be checked by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use ibn_core::admission::{Admission, AdmissionContext, AdmissionOutcome, WhatIf};
use ibn_core::allocation::{Allocation, ContainerResources, Field, QuotaLimits};
use ibn_core::conflict::{Conflict, ConflictContext, Registry, Twin};
use ibn_core::guard::Standing;
use ibn_core::guardrail::{Guardrail, GuardrailSpec};
use ibn_core::intent::{
    Amount, Bound, Directive, Expectation, ExpectationStatus, IndicatorName, Intent, IntentState,
    IntentStatus, Objective, Origin, OriginKind, Range,
};
use ibn_core::prediction::{Demand, Interval, Prediction, WorkloadModel};
use ibn_core::resolve::{expectation_hash, resolve_directive};
use ibn_core::roles::Predictor;
use ibn_core::units::{Bytes, CpuMillis, IndicatorValue, Quantile, Unit};
use ibn_core::workload::{FieldOwner, Inventory, WorkloadRef, WorkloadState};
use jiff::Timestamp;

pub(crate) const MI: u64 = 1 << 20;

pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
}

/// The instant at which everything is looked at.
pub(crate) fn now() -> Timestamp {
    at(60)
}

pub(crate) fn web() -> WorkloadRef {
    WorkloadRef::deployment("shop", "web")
}

/// One container `app` with requests and limits of the same size.
pub(crate) fn container(millis: u64) -> ContainerResources {
    ContainerResources::new("app")
        .with_requests(CpuMillis::new(millis), Bytes::new(256 * MI))
        .with_limits(CpuMillis::new(millis), Bytes::new(256 * MI))
}

pub(crate) fn state(
    workload: &WorkloadRef,
    replicas: u32,
    containers: Vec<ContainerResources>,
) -> WorkloadState {
    WorkloadState {
        workload: workload.clone(),
        resource_version: "1".to_owned(),
        labels: BTreeMap::new(),
        allocation: Allocation::new(replicas, containers),
        quota: None,
        ready_replicas: replicas,
        owners: BTreeMap::new(),
    }
}

/// Pods work as the servers of one M/M/c queue, each as fast as its CPU limit allows; ten percent of uncertainty.
#[derive(Debug)]
pub(crate) struct Queue;

impl Predictor for Queue {
    fn name(&self) -> &str {
        "queue"
    }

    fn predict(
        &self,
        model: &WorkloadModel,
        demand: Demand,
        allocation: &Allocation,
    ) -> Prediction {
        let pods = f64::from(allocation.replicas);
        let rate = demand.request_rate;
        let per_pod = allocation.pod_limits().cpu.as_cores() / model.cpu_seconds_per_request;
        let capacity = pods * per_pod;
        let saturated = rate >= capacity;
        let served = rate.min(capacity);
        let failed = if rate > 0.0 { 1.0 - served / rate } else { 0.0 };
        let quantile = |q: f64| {
            if saturated {
                return f64::INFINITY;
            }
            let waits = erlang_c(allocation.replicas, rate / per_pod);
            let wait = (waits / (1.0 - q)).max(1.0).ln() / (capacity - rate);
            model.base_latency_seconds - (1.0 - q).ln() / per_pod + wait
        };
        let latency = [Quantile::P50, Quantile::P95, Quantile::P99]
            .into_iter()
            .map(|q| (q.short_name(), Interval::around(quantile(q.get()), 0.1)))
            .collect();
        let requests = allocation.total_requests().cpu.as_cores();
        let used = 100.0 * served * model.cpu_seconds_per_request / requests;
        Prediction {
            latency,
            cpu_utilization: Interval::exact(if requests > 0.0 { used } else { 0.0 }),
            error_rate: Interval::exact(failed),
            throughput: Interval::exact(served),
            cost_cores: requests,
            saturated,
        }
    }
}

/// The probability that an arrival waits in an M/M/c queue offered `load` erlangs (Erlang's C formula).
fn erlang_c(servers: u32, load: f64) -> f64 {
    let mut blocked = 1.0;
    for server in 1..=servers {
        blocked = load * blocked / (f64::from(server) + load * blocked);
    }
    let busy = load / f64::from(servers);
    blocked / (1.0 - busy + busy * blocked)
}

/// 20 ms of CPU a request, so that a pod of 500m serves 25 requests a second.
pub(crate) fn model() -> WorkloadModel {
    WorkloadModel {
        cpu_seconds_per_request: 0.02,
        service_cv2: 1.0,
        base_latency_seconds: 0.0,
        concurrency: 1,
        queue_capacity: None,
        startup: std::time::Duration::from_secs(10),
        pod_memory: Bytes::new(100 * MI),
    }
}

pub(crate) fn rate(request_rate: f64) -> Demand {
    Demand {
        request_rate,
        arrival_cv2: 1.0,
    }
}

/// What is live, who wants what, and which limits hold.
pub(crate) struct World {
    pub(crate) inventory: Inventory,
    pub(crate) intents: Vec<Arc<Intent>>,
    pub(crate) guardrails: Vec<Guardrail>,
    pub(crate) models: BTreeMap<WorkloadRef, (WorkloadModel, Demand)>,
    pub(crate) may_patch: bool,
}

impl World {
    /// `web` with three pods of 500m, nothing said of its load.
    pub(crate) fn new() -> Self {
        let mut world = Self {
            inventory: Inventory::default(),
            intents: Vec::new(),
            guardrails: Vec::new(),
            models: BTreeMap::new(),
            may_patch: true,
        };
        world.put(state(&web(), 3, vec![container(500)]));
        world
    }

    pub(crate) fn put(&mut self, state: WorkloadState) {
        self.inventory
            .workloads
            .insert(state.workload.clone(), state);
    }

    pub(crate) fn live(&mut self) -> &mut WorkloadState {
        self.inventory.workloads.get_mut(&web()).unwrap()
    }

    /// The same under this many requests a second.
    pub(crate) fn under(mut self, request_rate: f64) -> Self {
        self.models.insert(web(), (model(), rate(request_rate)));
        self
    }

    /// The same with an intent that is followed.
    pub(crate) fn with(mut self, intent: Intent) -> Self {
        let intent = self.followed(intent);
        self.intents.push(Arc::new(intent));
        self
    }

    pub(crate) fn guarded(mut self, name: &str, spec: GuardrailSpec) -> Self {
        self.guardrails.push(Guardrail::new(name, "shop", spec));
        self
    }

    pub(crate) fn owned(mut self, field: Field, owner: FieldOwner) -> Self {
        self.live().owners.insert(field, owner);
        self
    }

    /// `shop` with this quota.
    pub(crate) fn with_quota(mut self, quota: QuotaLimits) -> Self {
        let namespace = WorkloadRef::namespace("shop");
        let mut shop = state(&namespace, 0, Vec::new());
        shop.quota = Some(quota);
        self.put(shop);
        self
    }

    /// An intent as it is once it was admitted and resolved.
    pub(crate) fn followed(&self, mut intent: Intent) -> Intent {
        let state = &self.inventory.workloads[&intent.workload()];
        let mut status = IntentStatus {
            state: IntentState::Accepted,
            ..IntentStatus::default()
        };
        let uid = format!("uid-{}", intent.metadata.name);
        for (idx, expectation) in intent.spec.expectations.iter().enumerate() {
            let resolved = match expectation {
                Expectation::Directive(directive) => resolve_directive(directive, state).ok(),
                Expectation::Objective(_) => None,
            };
            status.expectations.push(ExpectationStatus {
                hash: resolved
                    .as_ref()
                    .and_then(|_| expectation_hash(&uid, &intent.spec.expectations, idx)),
                resolved,
                ..ExpectationStatus::default()
            });
        }
        intent.metadata.uid = Some(uid);
        intent.status = Some(status);
        intent
    }

    pub(crate) fn context(&self) -> AdmissionContext<'_> {
        AdmissionContext {
            intents: &self.intents,
            guardrails: &self.guardrails,
            models: Some(&self.models),
            may_patch: self.may_patch,
            ..AdmissionContext::new(now(), &self.inventory)
        }
    }

    pub(crate) fn review(&self, intent: &Intent) -> AdmissionOutcome {
        admission().review(intent, &self.context())
    }

    pub(crate) fn what_if(&self, intent: &Intent) -> WhatIf {
        admission().what_if(intent, &self.context(), &Standing::default())
    }

    /// All conflicts on a workload.
    pub(crate) fn conflicts_on(&self, workload: &WorkloadRef) -> Vec<Conflict> {
        let twin = self.models.get(workload).map(|(model, demand)| Twin {
            predictor: &Queue,
            model,
            demand: *demand,
            resizing: true,
        });
        let context = ConflictContext::new(
            now(),
            workload,
            &self.inventory,
            &self.guardrails,
            self.intents.iter().cloned(),
        );
        Registry::standard().check(&context.with_twin(twin))
    }

    pub(crate) fn conflicts(&self) -> Vec<Conflict> {
        self.conflicts_on(&web())
    }
}

pub(crate) fn admission() -> Admission {
    Admission::new(Registry::standard(), Arc::new(Queue))
}

/// An intent of `author` on `web`, created at this minute.
pub(crate) fn intent(name: &str, author: &str, minute: i64) -> Intent {
    let mut intent = Intent::new(name, &web());
    intent.metadata.creation_timestamp = Some(at(minute));
    intent.spec.origin = Some(Origin {
        by: OriginKind::User,
        author: Some(author.to_owned()),
        parent: None,
        cause: None,
    });
    intent
}

pub(crate) fn replicas(amount: Amount<u32>) -> Expectation {
    Expectation::Directive(Directive::Replicas(amount))
}

pub(crate) fn p95_at_most(seconds: f64) -> Expectation {
    Expectation::Objective(Objective {
        indicator: IndicatorName::Latency,
        quantile: None,
        bound: Bound::AtMost(IndicatorValue::new(seconds, Unit::Seconds).unwrap()),
        window: None,
    })
}

pub(crate) fn cost_at_most(cores: f64) -> Expectation {
    Expectation::Objective(Objective {
        indicator: IndicatorName::Cost,
        quantile: None,
        bound: Bound::AtMost(IndicatorValue::new(cores, Unit::Cores).unwrap()),
        window: None,
    })
}

pub(crate) fn pods(min: Option<u32>, max: Option<u32>) -> Range<u32> {
    Range::new(min, max)
}

/// Ann's intent to have this many pods.
pub(crate) fn scale_to(replicas_to: u32) -> Intent {
    intent("scale", "ann", 50).with_expectation(replicas(Amount::To(replicas_to)))
}

#[track_caller]
pub(crate) fn accepted(outcome: &AdmissionOutcome) -> &ibn_core::admission::Accepted {
    outcome
        .accepted()
        .unwrap_or_else(|| panic!("not accepted: {outcome:#?}"))
}

/// The reason and the counter-proposal.
#[track_caller]
pub(crate) fn infeasible(
    outcome: &AdmissionOutcome,
) -> (&str, Option<&ibn_core::intent::IntentSpec>) {
    match outcome {
        AdmissionOutcome::Infeasible { why, proposal, .. } => (why, proposal.as_deref()),
        other => panic!("not infeasible: {other:#?}"),
    }
}

/// Rules and levels of conflicts, in order.
pub(crate) fn rules(conflicts: &[Conflict]) -> Vec<(&str, ibn_core::conflict::Level)> {
    conflicts
        .iter()
        .map(|conflict| (conflict.rule.as_str(), conflict.level))
        .collect()
}
