//! Budgets over several workloads hold, whatever is in flight and in whichever order it lands.

use ibn_core::allocation::Allocation;
use ibn_core::envelope::{Budget, Envelope, LimitSource};
use ibn_core::guard::{ApprovedPlan, CutRule};
use ibn_core::intent::{BudgetLimit, Range};
use ibn_core::units::{Bytes, CpuMillis};
use ibn_core::workload::{WorkloadRef, WorkloadState};
use proptest::prelude::*;

use crate::support::generate::{Dice, config};
use crate::support::{World, app, oracle, state_of, told, web};

/// Workloads that share one budget.
struct Group {
    states: Vec<WorkloadState>,
    budget: Budget,
}

impl Group {
    fn random(dice: &mut Dice) -> Self {
        let states: Vec<_> = (0..2 + dice.below(4))
            .map(|idx| {
                let containers = 1 + dice.below(2) as usize;
                let mut live = dice.live(containers);
                live.replicas %= 12;
                if let Some(scaler) = &mut live.autoscale {
                    scaler.max = scaler.max.min(40).max(scaler.min_replicas());
                }
                state_of(WorkloadRef::deployment("acme", &format!("w{idx}")), live)
            })
            .collect();
        let mut group = Self {
            budget: Budget {
                source: LimitSource::Guardrail("team".into()),
                members: states.iter().map(|state| state.workload.clone()).collect(),
                limit: BudgetLimit::default(),
                pods: None,
            },
            states,
        };
        // Somewhere around what is drawn: often over it already.
        let [cpu, memory, pods] = group.drawn(&group.states);
        let mut around = |drawn: i128| {
            let drawn = u64::try_from(drawn).unwrap_or(u64::MAX / 4);
            (drawn as f64 * (0.6 + dice.below(1000) as f64 / 1000.0)) as u64
        };
        group.budget.limit.cpu = Some(CpuMillis::new(around(cpu)));
        group.budget.limit.memory = Some(Bytes::new(around(memory)));
        group.budget.pods = Some(u32::try_from(around(pods)).unwrap_or(u32::MAX));
        group
    }

    fn drawn<'a>(&self, states: impl IntoIterator<Item = &'a WorkloadState>) -> [i128; 3] {
        states.into_iter().fold([0; 3], |mut sum, state| {
            for (sum, part) in sum.iter_mut().zip(oracle::draw(&state.allocation)) {
                *sum += part;
            }
            sum
        })
    }

    fn limit(&self) -> [i128; 3] {
        [
            self.budget.limit.cpu.unwrap().get().into(),
            self.budget.limit.memory.unwrap().get().into(),
            self.budget.pods.unwrap().into(),
        ]
    }

    /// The world as it is for one member.
    fn world(&self, idx: usize) -> World {
        let mut world = World::of(self.states[idx].clone());
        world.others = self
            .states
            .iter()
            .filter(|s| s.workload != world.state.workload)
            .cloned()
            .collect();
        world.envelope.budgets.push(self.budget.clone());
        world.envelope.replicas = Default::default();
        world.envelope.rollout = ibn_core::guardrail::Rollout::Allowed;
        world
    }

    fn land(&mut self, plan: &ApprovedPlan) {
        let state = self
            .states
            .iter_mut()
            .find(|s| s.workload == *plan.workload())
            .unwrap();
        state.allocation = plan.desired().allocation().unwrap().clone();
    }
}

proptest! {
    #![proptest_config(config(3_000))]

    /// Plans are approved one after another, each knowing those before it as in flight; some land, in any order, some
    /// never do. At no moment is more drawn than the budget says, or than was drawn at the start.
    #[test]
    fn a_budget_holds_over_a_group_with_plans_in_flight(seed in any::<u64>().no_shrink()) {
        let mut dice = Dice(seed);
        let mut group = Group::random(&mut dice);
        let bound: Vec<i128> = group.drawn(&group.states).iter().zip(group.limit()).map(|(drawn, limit)| *drawn.max(&limit)).collect();
        for _ in 0..4 {
            let mut flying: Vec<ApprovedPlan> = Vec::new();
            for idx in 0..group.states.len() {
                let mut world = group.world(idx);
                world.in_flight = flying.iter().filter_map(ApprovedPlan::reservation).collect();
                let wanted = dice.wanted(world.live());
                let (approved, _) = world.review(&wanted).into_parts();
                flying.extend(approved);
            }
            while !flying.is_empty() {
                let plan = flying.swap_remove(dice.below(flying.len() as u64) as usize);
                if dice.percent(80) {
                    group.land(&plan);
                }
                let drawn = group.drawn(&group.states);
                for (drawn, bound) in drawn.iter().zip(&bound) {
                    prop_assert!(drawn <= bound, "{drawn} of {bound}");
                }
            }
        }
    }

    /// What autoscalers may do by themselves within the bounds that the guard let through stays in the budget too.
    #[test]
    fn autoscalers_cannot_carry_a_group_over_its_budget(seed in any::<u64>().no_shrink()) {
        let mut dice = Dice(seed);
        let mut group = Group::random(&mut dice);
        let bound: Vec<i128> = group.drawn(&group.states).iter().zip(group.limit()).map(|(drawn, limit)| *drawn.max(&limit)).collect();
        for _ in 0..3 {
            for idx in 0..group.states.len() {
                let world = group.world(idx);
                let (approved, _) = world.review(&dice.wanted(world.live())).into_parts();
                if let Some(plan) = approved {
                    group.land(&plan);
                }
                // Every autoscaler goes to its maximum.
                for state in &mut group.states {
                    if let Some(scaler) = state.allocation.autoscale {
                        state.allocation.replicas = state.allocation.replicas.max(scaler.max);
                    }
                }
                let drawn = group.drawn(&group.states);
                for (drawn, bound) in drawn.iter().zip(&bound) {
                    prop_assert!(drawn <= bound, "{drawn} of {bound}");
                }
            }
        }
    }
}

fn two_of_four_cores() -> (World, Budget) {
    let mut world = World::new(Allocation::new(2, vec![app(1000, 1000)]));
    let cart = WorkloadRef::deployment("acme", "cart");
    world.others.push(state_of(
        cart.clone(),
        Allocation::new(2, vec![app(1000, 1000)]),
    ));
    let budget = Budget {
        source: LimitSource::Guardrail("team-a".into()),
        members: [web(), cart].into(),
        limit: BudgetLimit {
            cpu: Some(CpuMillis::new(6000)),
            memory: None,
        },
        pods: None,
    };
    world.envelope.budgets.push(budget.clone());
    (world, budget)
}

#[test]
fn a_team_may_use_six_cores_and_no_more() {
    let (world, _) = two_of_four_cores();
    let live = world.live();
    world.approves(&live.with_replicas(4));
    let cuts = world.trims(&live.with_replicas(9), &live.with_replicas(4));
    assert_eq!(
        cuts[0].to_string(),
        "replicas: wanted 9, allowed 4 (budget of guardrail `team-a`)"
    );
}

#[test]
fn a_plan_in_flight_has_its_share_reserved_until_it_has_landed_or_failed() {
    let (mut world, _) = two_of_four_cores();
    let live = world.live().clone();
    // The neighbour was just allowed a third core, which isn't live yet.
    let mut neighbour = World::of(world.others[0].clone());
    neighbour.others.push(world.state.clone());
    neighbour.envelope = Envelope {
        workload: neighbour.state.workload.clone(),
        ..world.envelope.clone()
    };
    let grown = neighbour.approves(&live.with_replicas(3));
    world.in_flight.extend(grown.reservation());
    world.trims(&live.with_replicas(4), &live.with_replicas(3));

    // A neighbour's shrink gives nothing free before it has landed, since it may fail.
    let shrunk = neighbour.approves(&live.with_replicas(1));
    world.in_flight = shrunk.reservation().into_iter().collect();
    world.trims(&live.with_replicas(5), &live.with_replicas(4));

    // Its own plan in flight is replaced by this one, not added to it.
    world.in_flight = world
        .approves(&live.with_replicas(4))
        .reservation()
        .into_iter()
        .collect();
    world.approves(&live.with_replicas(4));
}

#[test]
fn over_budget_a_plan_must_lower_what_is_drawn() {
    let (mut world, _) = two_of_four_cores();
    // Somebody scaled the neighbour by hand.
    world.others[0].allocation.replicas = 7;
    let live = world.live();
    world.rejects(&live.with_replicas(3), CutRule::Budget);
    world.approves(&live.with_replicas(1));
    let mut more_memory = live.clone();
    more_memory.containers[0].limits.memory = Some(Bytes::new(1 << 30));
    let cuts = world.rejects(&more_memory, CutRule::Budget);
    assert_eq!(
        cuts[0].to_string(),
        "wanted CPU requested together 9, allowed at most 6 (budget of guardrail `team-a`)"
    );
}

#[test]
fn pods_give_way_before_sizes_do() {
    let (world, _) = two_of_four_cores();
    let bigger = Allocation::new(3, vec![app(2000, 2000)]);
    // Two pods of 2 cores fill what is left; a third does not fit.
    world.trims(&bigger, &bigger.with_replicas(2));
    let much_bigger = Allocation::new(3, vec![app(3000, 3000)]);
    let mut fitting = Allocation::new(2, vec![app(2000, 3000)]);
    let verdict = world.review(&much_bigger);
    assert_eq!(
        verdict.approved().unwrap().desired().allocation(),
        Some(&fitting),
        "{}",
        told(&verdict)
    );
    // Also where the request is only the limit that stands in for it.
    let mut world = world;
    world.envelope.rollout = ibn_core::guardrail::Rollout::Allowed;
    for allocation in [&mut world.state.allocation, &mut fitting] {
        allocation.containers[0].requests.cpu = None;
        allocation.containers[0].limits.cpu = Some(CpuMillis::new(
            if allocation.containers[0].limits.cpu == Some(CpuMillis::new(3000)) {
                2000
            } else {
                1000
            },
        ));
    }
    let mut limited = much_bigger.clone();
    limited.containers[0].requests.cpu = None;
    world.trims(&limited, &fitting);
}

#[test]
fn where_pods_shrink_and_sizes_grow_only_the_sizes_are_cut() {
    let (mut world, _) = two_of_four_cores();
    world.state.allocation.replicas = 4;
    world.trims(
        &Allocation::new(2, vec![app(3000, 3000)]),
        &Allocation::new(2, vec![app(2000, 3000)]),
    );
}

#[test]
fn an_autoscaler_counts_as_if_it_were_at_its_maximum() {
    let (mut world, _) = two_of_four_cores();
    world
        .envelope
        .replicas
        .intersect(Range::new(Some(1), None), &LimitSource::Default);
    let mut wanted = world.live().clone();
    wanted.autoscale = Some(ibn_core::intent::Autoscale {
        min: Some(1),
        max: 10,
        cpu_utilization: Some(70),
    });
    let mut fitting = wanted.clone();
    fitting.autoscale.as_mut().unwrap().max = 4;
    world.trims(&wanted, &fitting);
    // And so it does for its neighbours.
    world.others[0].allocation.autoscale = Some(ibn_core::intent::Autoscale {
        min: Some(1),
        max: 4,
        cpu_utilization: None,
    });
    let live = world.live();
    let cuts = world.rejects(&live.with_replicas(4), CutRule::Budget);
    assert_eq!(cuts[0].allowed, "2");
}
