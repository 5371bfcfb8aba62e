//! A small world for the guard to judge on, an oracle that is written from the rules as documented (in `i128` and `f64`,
//! sharing no code with the guard), and generators of plausible and absurd worlds and plans.

pub(crate) mod generate;
pub(crate) mod oracle;

use std::collections::BTreeMap;
use std::fmt;

use ibn_core::allocation::{
    Allocation, ContainerResources, Field, QuotaLimits, Resource, ResourceBound,
};
use ibn_core::decision::{DecisionId, Trigger};
use ibn_core::envelope::{Envelope, LimitSource};
use ibn_core::guard::{
    ApprovedPlan, Barred, Current, Cut, CutRule, Desired, Guard, Plan, Reservation, Verdict,
};
use ibn_core::intent::{Autoscale, Range};
use ibn_core::observation::{Floor, SignalHealth};
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::{Inventory, WorkloadRef, WorkloadState};
use jiff::Timestamp;

pub(crate) const MI: u64 = 1 << 20;

pub(crate) fn now() -> Timestamp {
    at("2026-11-24T12:00:00Z")
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn web() -> WorkloadRef {
    WorkloadRef::deployment("acme", "web")
}

/// A container `app` with these millicores requested and allowed, and half a Gi of memory likewise.
pub(crate) fn app(request: u64, limit: u64) -> ContainerResources {
    container("app", request, limit)
}

pub(crate) fn container(name: &str, request: u64, limit: u64) -> ContainerResources {
    ContainerResources::new(name)
        .with_requests(CpuMillis::new(request), Bytes::new(256 * MI))
        .with_limits(CpuMillis::new(limit), Bytes::new(512 * MI))
}

pub(crate) fn state_of(workload: WorkloadRef, allocation: Allocation) -> WorkloadState {
    WorkloadState {
        resource_version: format!("{}-1", workload.name),
        workload,
        labels: BTreeMap::new(),
        ready_replicas: allocation.replicas,
        allocation,
        quota: None,
        owners: BTreeMap::new(),
    }
}

/// An allocation on one line: `3 pods [app cpu 100/200 memory -/400] scaled 1-5@80`.
pub(crate) fn brief(a: &Allocation) -> String {
    let number = |amount: Option<u64>| amount.map_or("-".to_owned(), |amount| amount.to_string());
    let containers: Vec<String> = a
        .containers
        .iter()
        .map(|c| {
            let pair = |resource| {
                let [request, limit] =
                    ResourceBound::ALL.map(|bound| number(c.amount(bound, resource)));
                format!("{request}/{limit}")
            };
            format!(
                "{} cpu {} memory {}",
                c.name,
                pair(Resource::Cpu),
                pair(Resource::Memory)
            )
        })
        .collect();
    let scaled = a.autoscale.map_or(String::new(), |h| {
        format!(
            " scaled {}-{}@{}",
            h.min_replicas(),
            h.max,
            h.cpu_utilization()
        )
    });
    format!("{} pods [{}]{scaled}", a.replicas, containers.join(", "))
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n  live {}", brief(self.live()))?;
        writeln!(f, "  owners {:?}", self.state.owners)?;
        let e = &self.envelope;
        let (cpu, memory) = (e.cpu.range(), e.memory.range());
        writeln!(
            f,
            "  replicas {:?}, cpu {:?} memory {:?}",
            e.replicas.range(),
            (cpu.min, cpu.max),
            (memory.min, memory.max)
        )?;
        writeln!(
            f,
            "  {:?} cool-down {:?} approval {:?} {:?} freeze {:?} yield {:?}",
            e.step, e.cool_down, e.approval, e.rollout, e.freeze, e.yield_to
        )?;
        for budget in &e.budgets {
            let members: Vec<&str> = budget.members.iter().map(|m| m.name.as_str()).collect();
            writeln!(
                f,
                "  budget {members:?} {:?} pods {:?}",
                budget.limit, budget.pods
            )?;
        }
        for state in &self.others {
            writeln!(f, "  {} {}", state.workload.name, brief(&state.allocation))?;
        }
        for r in &self.in_flight {
            writeln!(
                f,
                "  in flight {} {:?} pods {}",
                r.workload.name, r.requests, r.pods
            )?;
        }
        writeln!(
            f,
            "  {:?} {:?} last {:?} approved {}",
            self.health, self.floor, self.last_applied_at, self.approved_by_person
        )?;
        for barred in &self.barred {
            writeln!(f, "  barred {}", brief(&barred.allocation))?;
        }
        Ok(())
    }
}

/// A world and a plan for it.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) world: World,
    pub(crate) wanted: Allocation,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}  wanted {}", self.world, brief(&self.wanted))
    }
}

/// What a verdict comes down to, on a few lines.
pub(crate) fn told(verdict: &Verdict) -> String {
    let desired = verdict
        .approved()
        .and_then(|plan| plan.desired().allocation());
    format!(
        "{}; {:#?}",
        desired.map_or("nothing".to_owned(), brief),
        said(verdict.cuts())
    )
}

/// What the guard is told; calm where nothing else is said.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) state: WorkloadState,
    pub(crate) envelope: Envelope,
    pub(crate) others: Vec<WorkloadState>,
    pub(crate) in_flight: Vec<Reservation>,
    pub(crate) health: SignalHealth,
    pub(crate) floor: Option<Floor>,
    pub(crate) last_applied_at: Option<Timestamp>,
    pub(crate) barred: Vec<Barred>,
    pub(crate) approved_by_person: bool,
    pub(crate) now: Timestamp,
}

impl World {
    pub(crate) fn new(allocation: Allocation) -> Self {
        Self::of(state_of(web(), allocation))
    }

    pub(crate) fn of(state: WorkloadState) -> Self {
        Self {
            envelope: Envelope::open(state.workload.clone()),
            state,
            others: Vec::new(),
            in_flight: Vec::new(),
            health: SignalHealth::Fresh,
            floor: None,
            last_applied_at: None,
            barred: Vec::new(),
            approved_by_person: false,
            now: now(),
        }
    }

    pub(crate) fn namespace(quota: Option<QuotaLimits>) -> Self {
        let mut state = state_of(WorkloadRef::namespace("acme"), Allocation::default());
        state.quota = quota;
        let mut world = Self::of(state);
        world.envelope.replicas = Default::default();
        world
    }

    pub(crate) fn live(&self) -> &Allocation {
        &self.state.allocation
    }

    pub(crate) fn inventory(&self) -> Inventory {
        Inventory {
            workloads: self
                .others
                .iter()
                .chain([&self.state])
                .map(|state| (state.workload.clone(), state.clone()))
                .collect(),
            free: None,
        }
    }

    /// Calls `ask` with what the guard is told.
    pub(crate) fn with_current<T>(&self, ask: impl FnOnce(&Current<'_>) -> T) -> T {
        let inventory = self.inventory();
        ask(&Current {
            now: self.now,
            state: &self.state,
            envelope: &self.envelope,
            inventory: &inventory,
            in_flight: &self.in_flight,
            health: self.health,
            floor: self.floor.as_ref(),
            last_applied_at: self.last_applied_at,
            barred: &self.barred,
            approved_by_person: self.approved_by_person,
        })
    }

    pub(crate) fn review(&self, wanted: &Allocation) -> Verdict {
        self.review_desired(Desired::Allocation(wanted.clone()))
    }

    pub(crate) fn review_quota(&self, wanted: Option<QuotaLimits>) -> Verdict {
        self.review_desired(Desired::Quota(wanted))
    }

    pub(crate) fn review_desired(&self, desired: Desired) -> Verdict {
        let plan = Plan {
            decision: DecisionId(1),
            workload: self.state.workload.clone(),
            desired,
            trigger: Trigger::Recommender,
            intents: vec![],
            reasons: vec![],
        };
        self.with_current(|current| Guard.review(plan, current))
    }

    /// The same world after a plan was applied; time stands still and nothing else moves.
    #[must_use]
    pub(crate) fn after(&self, approved: &ApprovedPlan) -> Self {
        let mut world = self.clone();
        match approved.desired() {
            Desired::Allocation(allocation) => world.state.allocation = allocation.clone(),
            Desired::Quota(quota) => world.state.quota = *quota,
        }
        world.state.resource_version = format!("{}'", world.state.resource_version);
        world
    }

    #[track_caller]
    pub(crate) fn approves(&self, wanted: &Allocation) -> ApprovedPlan {
        match self.review(wanted) {
            Verdict::Approved(plan) => {
                assert_eq!(plan.desired().allocation(), Some(wanted));
                plan
            }
            other => panic!("not approved: {other:#?}"),
        }
    }

    #[track_caller]
    pub(crate) fn trims(&self, wanted: &Allocation, to: &Allocation) -> Vec<Cut> {
        match self.review(wanted) {
            Verdict::Trimmed(plan, cuts) => {
                assert_eq!(plan.desired().allocation(), Some(to), "{cuts:#?}");
                cuts
            }
            other => panic!("not trimmed: {other:#?}"),
        }
    }

    /// Rejected, by just this rule.
    #[track_caller]
    pub(crate) fn rejects(&self, wanted: &Allocation, rule: CutRule) -> Vec<Cut> {
        rejected(self.review(wanted), rule)
    }
}

impl World {
    /// Rejected, by this rule among others.
    #[track_caller]
    pub(crate) fn rejects_also(&self, wanted: &Allocation, rule: CutRule) {
        match self.review(wanted) {
            Verdict::Rejected(cuts) => {
                assert!(cuts.iter().any(|cut| cut.rule == rule), "{cuts:#?}")
            }
            other => panic!("not rejected: {other:#?}"),
        }
    }
}

#[track_caller]
pub(crate) fn rejected(verdict: Verdict, rule: CutRule) -> Vec<Cut> {
    match verdict {
        Verdict::Rejected(cuts) => {
            assert!(!cuts.is_empty(), "rejected without a reason");
            assert!(cuts.iter().all(|cut| cut.rule == rule), "{cuts:#?}");
            cuts
        }
        other => panic!("not rejected: {other:#?}"),
    }
}

/// The cuts as a person reads them.
pub(crate) fn said(cuts: &[Cut]) -> Vec<String> {
    cuts.iter().map(ToString::to_string).collect()
}

/// Who set the limits of [`within`].
pub(crate) fn small() -> LimitSource {
    LimitSource::Guardrail("small".into())
}

/// Three pods of 500m of 1 core, 256Mi of 512Mi.
pub(crate) fn world() -> World {
    World::new(Allocation::new(3, vec![app(500, 1000)]))
}

/// The same world, with bounds on the number of pods.
pub(crate) fn within(min: Option<u32>, max: Option<u32>) -> World {
    let mut world = world();
    if min == Some(0) {
        world.envelope.replicas.min = None;
    }
    world
        .envelope
        .replicas
        .intersect(Range::new(min, max), &small());
    world
}

/// What is live, with an autoscaler.
pub(crate) fn scaled(world: &World, min: u32, max: u32) -> Allocation {
    Allocation {
        autoscale: Some(Autoscale {
            min: Some(min),
            max,
            cpu_utilization: Some(70),
        }),
        ..world.live().clone()
    }
}

/// What is live, with so many pods.
pub(crate) fn pods(world: &World, replicas: u32) -> Allocation {
    world.live().with_replicas(replicas)
}

/// What is live in [`world`], with other CPU.
pub(crate) fn sized(request: u64, limit: u64) -> Allocation {
    Allocation::new(3, vec![app(request, limit)])
}

/// A field of the container `app`.
pub(crate) fn size_of(bound: ResourceBound, resource: Resource) -> Field {
    Field::Resource {
        container: "app".into(),
        bound,
        resource,
    }
}
