//! Worlds and plans from a seed: mostly plausible, sometimes absurd, with limits mostly near what is live.

use std::time::Duration;

use ibn_core::allocation::{
    Allocation, ContainerResources, Field, PodResources, Resource, ResourceBound,
};
use ibn_core::envelope::{Budget, Envelope, LimitSource};
use ibn_core::guard::{Barred, Reservation};
use ibn_core::guardrail::{FreezeWindow, RiskClass, Rollout, StepLimits};
use ibn_core::intent::{Autoscale, BudgetLimit, Range};
use ibn_core::observation::{Floor, SignalHealth};
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::{FieldOwner, WorkloadRef};
use proptest::test_runner::{Config, RngSeed};

use super::{Case, World, at, now, oracle, state_of, web};

/// `cases` cases, the same ones at every run; others with `PROPTEST_RNG_SEED`, more with `PROPTEST_CASES`.
pub(crate) fn config(cases: u32) -> Config {
    let given = Config::default();
    Config {
        // 256 is what holds where the environment says nothing.
        cases: if given.cases == 256 {
            cases
        } else {
            given.cases
        },
        rng_seed: match given.rng_seed {
            RngSeed::Random => RngSeed::Fixed(2026),
            fixed => fixed,
        },
        failure_persistence: None,
        ..given
    }
}

pub(crate) const OTHERS: [&str; 3] = ["cart", "search", "mail"];
const NAMES: [&str; 3] = ["app", "proxy", "log"];

/// SplitMix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    fn maybe<T>(&mut self, chance: u64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.percent(chance).then(|| make(self))
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()].clone()
    }

    fn factor(&mut self) -> f64 {
        0.1 + self.below(3000) as f64 / 1000.0
    }

    fn size(&mut self) -> u64 {
        match self.below(100) {
            0 => 0,
            1 => self.pick(&[
                u64::MAX,
                u64::MAX / 2,
                i64::MAX.unsigned_abs(),
                i64::MAX.unsigned_abs() + 1,
            ]),
            2..6 => 1 + self.below(1 << 40),
            6..40 => 1 + self.below(40),
            _ => 40 + self.below(4000),
        }
    }

    /// Mostly near `value`.
    fn near(&mut self, value: u64) -> u64 {
        match self.below(10) {
            0 => self.size(),
            1 => value,
            2 => value.saturating_add(1),
            3 => value.saturating_sub(1),
            _ => (value as f64 * self.factor()) as u64,
        }
    }

    fn pods(&mut self) -> u32 {
        match self.below(60) {
            0 => self.pick(&[
                u32::MAX,
                i32::MAX.unsigned_abs(),
                i32::MAX.unsigned_abs() + 1,
            ]),
            1 | 2 => u32::try_from(self.below(2000)).unwrap(),
            3 | 4 => 0,
            _ => 1 + u32::try_from(self.below(20)).unwrap(),
        }
    }

    fn near_pods(&mut self, pods: u32) -> u32 {
        match self.below(10) {
            0 => self.pods(),
            1..4 => pods,
            _ => pods
                .saturating_add(u32::try_from(self.below(9)).unwrap())
                .saturating_sub(4),
        }
    }

    fn container(&mut self, name: &str) -> ContainerResources {
        let mut container = ContainerResources::new(name);
        let style = self.below(10);
        for resource in Resource::ALL {
            let (a, b) = (self.size(), self.size());
            let (request, limit) = match style {
                0 => (None, None),
                1..3 => (Some(a), Some(a)),
                3 => (None, Some(a)),
                4 => (Some(a), None),
                _ => (self.maybe(85, |_| a.min(b)), self.maybe(85, |_| a.max(b))),
            };
            container.set_amount(ResourceBound::Requests, resource, request);
            container.set_amount(ResourceBound::Limits, resource, limit);
        }
        container
    }

    fn scaler(&mut self, replicas: u32) -> Autoscale {
        let (a, b) = (
            self.near_pods(replicas.min(1000)),
            self.near_pods(replicas.min(1000)),
        );
        Autoscale {
            min: self.maybe(80, |_| a.min(b)),
            max: a.max(b).max(1),
            cpu_utilization: self.maybe(50, |dice| 1 + u32::try_from(dice.below(150)).unwrap()),
        }
    }

    fn containers(&mut self, count: usize) -> Vec<ContainerResources> {
        NAMES[..count]
            .iter()
            .map(|name| self.container(name))
            .collect()
    }

    /// What may be live: as Kubernetes would take it.
    pub(crate) fn live(&mut self, containers: usize) -> Allocation {
        let replicas = self.pods();
        let mut live = Allocation::new(replicas, self.containers(containers));
        live.autoscale = self.maybe(20, |dice| dice.scaler(replicas));
        live
    }

    /// Anything at all.
    pub(crate) fn absurd(&mut self, containers: usize) -> Allocation {
        let mut allocation = Allocation::new(self.pods(), self.containers(containers));
        for container in &mut allocation.containers {
            if self.percent(20) {
                container.name = self.pick(&["app", "", "extra"]).into();
            }
            for resource in Resource::ALL {
                for bound in ResourceBound::ALL {
                    if self.percent(30) {
                        let amount = self.maybe(70, Self::size);
                        container.set_amount(bound, resource, amount);
                    }
                }
            }
        }
        allocation.autoscale = self.maybe(40, |dice| Autoscale {
            min: dice.maybe(70, Self::pods),
            max: dice.pods(),
            cpu_utilization: dice.maybe(50, |dice| u32::try_from(dice.below(3)).unwrap()),
        });
        allocation
    }

    /// Something else in some fields of what is live.
    pub(crate) fn wanted(&mut self, live: &Allocation) -> Allocation {
        let mut wanted = live.clone();
        if self.percent(60) {
            wanted.replicas = self.near_pods(live.replicas);
        }
        if self.percent(if live.autoscale.is_some() { 60 } else { 10 }) {
            wanted.autoscale = self.maybe(80, |dice| dice.scaler(live.most_pods()));
            if let Some(scaler) = &mut wanted.autoscale
                && self.percent(2)
            {
                scaler.cpu_utilization = Some(0);
            }
        }
        for container in &mut wanted.containers {
            for resource in Resource::ALL {
                if self.percent(50) {
                    continue;
                }
                for bound in ResourceBound::ALL {
                    let was = container.amount(bound, resource);
                    let amount = match self.below(20) {
                        0 => None,
                        1 => Some(self.size()),
                        2..6 => was,
                        _ => was.map(|was| self.near(was)),
                    };
                    container.set_amount(bound, resource, amount);
                }
                let [request, limit] =
                    ResourceBound::ALL.map(|bound| container.amount(bound, resource));
                if let (Some(request), Some(limit)) = (request, limit)
                    && request > limit
                    && self.percent(98)
                {
                    container.set_amount(ResourceBound::Limits, resource, Some(request));
                }
            }
        }
        match self.below(100) {
            0 => wanted.containers.push(ContainerResources::new("extra")),
            1 => wanted.containers.truncate(1),
            2..6 => wanted.containers.reverse(),
            _ => {}
        }
        wanted
    }

    /// Bounds near the two values; a tenth of those with both ends exclude each other.
    fn range(&mut self, low: u64, high: u64) -> Range<u64> {
        let (min, max) = (
            self.maybe(25, |dice| dice.near(low)),
            self.maybe(35, |dice| dice.near(high)),
        );
        match (min, max) {
            (Some(a), Some(b)) if (a > b) != self.percent(10) => Range::new(Some(b), Some(a)),
            _ => Range::new(min, max),
        }
    }

    fn resource_factor(&mut self) -> f64 {
        if self.percent(30) {
            return self.pick(&[
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
                0.0,
                -0.0,
                -3.0,
                0.5,
                1.0,
                f64::MAX,
                f64::MIN_POSITIVE,
                1.0f64.next_up(),
            ]);
        }
        1.0 + self.factor()
    }

    /// Limits near what is live.
    pub(crate) fn envelope(&mut self, live: &Allocation, beside: [i128; 3]) -> Envelope {
        let mut envelope = Envelope::open(web());
        let sources = [
            LimitSource::Guardrail("any".into()),
            LimitSource::Intent("acme/any".into()),
        ];
        let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let pods = self.range(live.least_pods().into(), live.most_pods().into());
        if let Some(min) = pods.min {
            envelope.replicas.min = None;
            envelope
                .replicas
                .intersect(Range::new(Some(small(min)), None), &self.pick(&sources));
        }
        envelope
            .replicas
            .intersect(Range::new(None, pods.max.map(small)), &self.pick(&sources));
        let (request, limit) = (live.pod_requests(), live.pod_limits());
        let cpu = self.range(request.cpu.get(), limit.cpu.get());
        let cpu = Range::new(cpu.min.map(CpuMillis::new), cpu.max.map(CpuMillis::new));
        envelope
            .cpu
            .intersect(Range::new(cpu.min, None), &self.pick(&sources));
        envelope
            .cpu
            .intersect(Range::new(None, cpu.max), &self.pick(&sources));
        let memory = self.range(request.memory.get(), limit.memory.get());
        let memory = Range::new(memory.min.map(Bytes::new), memory.max.map(Bytes::new));
        envelope
            .memory
            .intersect(Range::new(memory.min, None), &self.pick(&sources));
        envelope
            .memory
            .intersect(Range::new(None, memory.max), &self.pick(&sources));
        let own = oracle::draw(live);
        let mut near =
            |idx: usize| self.near(u64::try_from(own[idx] + beside[idx]).unwrap_or(u64::MAX));
        let limits = [near(0), near(1), near(2)];
        for idx in 0..self.below(3) {
            let budget = Budget {
                source: LimitSource::Guardrail(format!("budget-{idx}")),
                members: OTHERS
                    .iter()
                    .filter(|_| self.percent(60))
                    .map(|name| WorkloadRef::deployment("acme", name))
                    .chain([web()])
                    .collect(),
                limit: BudgetLimit {
                    cpu: self.maybe(50, |_| CpuMillis::new(limits[0])),
                    memory: self.maybe(50, |_| Bytes::new(limits[1])),
                },
                pods: self.maybe(25, |_| small(limits[2])),
            };
            envelope.budgets.push(budget);
        }
        envelope.step = StepLimits {
            replicas_up: self.maybe(20, |dice| small(dice.below(6))),
            replicas_down: self.maybe(20, |dice| small(dice.below(6))),
            resource_factor: self.maybe(25, Self::resource_factor),
        };
        envelope.cool_down = self.maybe(20, |dice| {
            if dice.percent(10) {
                Duration::MAX
            } else {
                Duration::from_secs(dice.below(900))
            }
        });
        if self.percent(2) {
            envelope.freeze.push(FreezeWindow {
                from: at("2026-11-24T00:00:00Z"),
                until: at("2026-11-25T00:00:00Z"),
                reason: String::new(),
            });
        }
        envelope.approval = self.maybe(20, |dice| {
            dice.pick(&[RiskClass::Low, RiskClass::Medium, RiskClass::High])
        });
        envelope.rollout = self.pick(&[Rollout::Allowed, Rollout::Never]);
        if self.percent(50) {
            envelope.yield_to.insert("argocd".into());
        }
        envelope
    }

    fn owner(&mut self) -> (Field, FieldOwner) {
        let field = match self.below(4) {
            0 => Field::Replicas,
            1 => Field::Autoscale,
            _ => Field::Resource {
                container: self.pick(&NAMES).into(),
                bound: self.pick(&ResourceBound::ALL),
                resource: self.pick(&Resource::ALL),
            },
        };
        let owner = self.pick(&[
            FieldOwner::Ibn,
            FieldOwner::Manager("argocd".into()),
            FieldOwner::Manager("kubectl".into()),
            FieldOwner::HorizontalPodAutoscaler("hpa".into()),
            FieldOwner::VerticalPodAutoscaler("vpa".into()),
            FieldOwner::ScaledObject("keda".into()),
        ]);
        (field, owner)
    }

    fn floor(&mut self, live: &Allocation) -> Floor {
        let [cpu, _, _] = oracle::draw(live);
        let cpu = u64::try_from(cpu).unwrap_or(u64::MAX);
        Floor {
            replicas: self.near_pods(live.replicas),
            total_cpu: CpuMillis::new(self.near(cpu)),
            pod_memory: Bytes::new(self.near(live.pod_limits().memory.get())),
            basis: String::new(),
        }
    }

    fn reservation(&mut self) -> Reservation {
        Reservation {
            workload: WorkloadRef::deployment(
                "acme",
                self.pick(&["cart", "search", "mail", "web"]),
            ),
            requests: PodResources {
                cpu: CpuMillis::new(self.size()),
                memory: Bytes::new(self.size()),
            },
            pods: self.pods(),
        }
    }

    /// A world around what is live.
    pub(crate) fn world(&mut self, live: Allocation) -> World {
        let others: Vec<_> = OTHERS
            .iter()
            .filter(|_| self.percent(60))
            .map(|name| WorkloadRef::deployment("acme", name))
            .collect();
        let others: Vec<_> = others
            .into_iter()
            .map(|other| state_of(other, self.live(1)))
            .collect();
        let mut beside = [0; 3];
        for other in &others {
            for (sum, part) in beside.iter_mut().zip(oracle::draw(&other.allocation)) {
                *sum += part;
            }
        }
        let mut world = World::new(live);
        world.envelope = self.envelope(world.live(), beside);
        world.others = others;
        world.state.owners = (0..self.below(3) / 2).map(|_| self.owner()).collect();
        world.health = match self.below(10) {
            0 => SignalHealth::Stale,
            1 => SignalHealth::Invalid,
            2 => SignalHealth::Missing,
            _ => SignalHealth::Fresh,
        };
        let live = world.live().clone();
        world.floor = self.maybe(30, |dice| dice.floor(&live));
        world.last_applied_at = self.maybe(40, |dice| {
            now() + jiff::SignedDuration::from_secs(60)
                - jiff::SignedDuration::from_secs(dice.below(1200).cast_signed())
        });
        world.in_flight = (0..self.below(4) / 2).map(|_| self.reservation()).collect();
        world.approved_by_person = self.percent(50);
        world
    }

    /// A world and a plan for it.
    pub(crate) fn case(&mut self) -> Case {
        let containers = 1 + usize::try_from(self.below(3)).unwrap();
        let live = self.live(containers);
        let mut world = self.world(live);
        let wanted = self.wanted(world.live());
        if self.percent(15) {
            // Half of what is barred is just what is wanted.
            let allocation = if self.percent(50) {
                wanted.clone()
            } else {
                self.wanted(world.live())
            };
            world.barred.push(Barred {
                allocation,
                until: at("2026-11-24T12:00:01Z"),
            });
        }
        Case { world, wanted }
    }
}

/// The smallest case that still fails, found by leaving out one thing after another.
pub(crate) fn smallest(mut case: Case, fails: impl Fn(&Case) -> bool) -> Case {
    loop {
        let Some(smaller) = simpler(&case).into_iter().find(&fails) else {
            return case;
        };
        case = smaller;
    }
}

fn simpler(case: &Case) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut offer = |change: &dyn Fn(&mut Case)| {
        let mut other = case.clone();
        change(&mut other);
        // Always shorter, so that it comes to an end.
        if format!("{other:?}").len() < format!("{case:?}").len() {
            cases.push(other);
        }
    };
    offer(&|c| c.world.envelope = Envelope::open(web()));
    offer(&|c| c.world.envelope.budgets.clear());
    offer(&|c| drop(c.world.envelope.budgets.pop()));
    offer(&|c| c.world.envelope.cpu = Default::default());
    offer(&|c| c.world.envelope.memory = Default::default());
    offer(&|c| c.world.envelope.replicas = Default::default());
    offer(&|c| c.world.envelope.replicas.max = None);
    offer(&|c| c.world.envelope.step.resource_factor = None);
    offer(&|c| c.world.envelope.step.replicas_up = None);
    offer(&|c| c.world.envelope.step.replicas_down = None);
    offer(&|c| c.world.envelope.cool_down = None);
    offer(&|c| c.world.envelope.approval = None);
    offer(&|c| c.world.envelope.rollout = Rollout::Allowed);
    offer(&|c| c.world.others.clear());
    offer(&|c| c.world.in_flight.clear());
    offer(&|c| c.world.barred.clear());
    offer(&|c| c.world.floor = None);
    offer(&|c| c.world.health = SignalHealth::Fresh);
    offer(&|c| c.world.last_applied_at = None);
    offer(&|c| c.world.state.owners.clear());
    offer(&|c| {
        c.world.state.allocation.autoscale = None;
        c.wanted.autoscale = None;
    });
    offer(&|c| c.wanted.autoscale = c.world.state.allocation.autoscale);
    offer(&|c| c.wanted.replicas = c.world.state.allocation.replicas);
    for idx in 0..case.wanted.containers.len() {
        offer(&|c| {
            let Some(name) = c.wanted.containers.get(idx).map(|c| c.name.clone()) else {
                return;
            };
            c.wanted.containers.retain(|c| c.name != name);
            c.world
                .state
                .allocation
                .containers
                .retain(|c| c.name != name);
        });
        for resource in Resource::ALL {
            for bound in ResourceBound::ALL {
                offer(&|c| {
                    let name = c.wanted.containers[idx].name.clone();
                    let live = c
                        .world
                        .live()
                        .container(&name)
                        .and_then(|c| c.amount(bound, resource));
                    c.wanted.containers[idx].set_amount(bound, resource, live);
                });
                offer(&|c| {
                    let name = c.wanted.containers[idx].name.clone();
                    c.wanted.containers[idx].set_amount(bound, resource, None);
                    for container in &mut c.world.state.allocation.containers {
                        if container.name == name {
                            container.set_amount(bound, resource, None);
                        }
                    }
                });
            }
        }
    }
    cases
}
