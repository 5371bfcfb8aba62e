//! Environments against the suite, and against what is known of them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed helper fails its test"
)]

use std::time::Duration;

use ibn_core::encoding::headroom::{FACTORS, HeadroomView, SPANS};
use ibn_core::roles::{Action, Batch, BatchActions, Environment, ScenarioSource, Step};
use ibn_sim::Scenario;
use ibn_sim::environment::{
    ActionKind, Engine, HeadroomEnvironment, HeadroomSource, Price, ScenarioDistribution,
    ScenarioEnvironment,
};
use ibn_sim::scenario::DemandSpec;
use ibn_testkit::environment;

/// One workload, or two, with a load that a pod of half a core is half busy with.
fn scenario(workloads: usize) -> Scenario {
    let mut text = r#"
name = "small"
horizon = "10m"
nodes = [{ name = "n", count = 2, cpu = "8", memory = "16Gi" }]
"#
    .to_owned();
    for index in 0..workloads {
        text.push_str(&format!(
            r#"
[[workloads]]
namespace = "acme"
name = "web{index}"
replicas = 3
bounds = {{ min = 1, max = 6 }}
requests = {{ cpu = "500m", memory = "256Mi" }}
limits = {{ cpu = "500m", memory = "256Mi" }}
service = {{ law = "exponential", mean = "20ms" }}
startup = {{ law = "constant", mean = "20s" }}
slo = {{ atMost = "400ms" }}
demand = {{ constant = 30.0 }}
"#
        ));
    }
    Scenario::from_toml(&text).unwrap()
}

#[test]
fn every_engine_and_kind_of_action_passes_the_suite() {
    for engine in [Engine::Requests, Engine::Fluid] {
        for (actions, workloads) in [
            (ActionKind::Discrete, 1),
            (ActionKind::MultiDiscrete, 2),
            (ActionKind::Continuous, 2),
        ] {
            environment::check(&|| {
                let of = ScenarioEnvironment::new(scenario(workloads), engine, actions);
                Box::new(of.unwrap())
            });
        }
    }
}

#[test]
fn a_distribution_passes_the_suite() {
    for engine in [Engine::Requests, Engine::Fluid] {
        let source = ScenarioDistribution::new(
            engine,
            ActionKind::Discrete,
            Duration::from_secs(900),
            Duration::from_secs(15),
        )
        .unwrap();
        environment::check_source(&source);
        let drawn = |seed| source.scenario(1.0, seed).unwrap();
        assert_ne!(drawn(1), drawn(2));
        assert_eq!(drawn(1), drawn(1));
    }
    let few = Duration::from_secs(20);
    let too_short = ScenarioDistribution::new(
        Engine::Fluid,
        ActionKind::Discrete,
        few,
        Duration::from_secs(15),
    );
    assert!(too_short.is_err());
}

struct Stage {
    environment: ScenarioEnvironment,
    observation: Vec<f32>,
    mask: Vec<bool>,
}

impl Stage {
    fn new(scenario: Scenario, engine: Engine, actions: ActionKind, seed: u64) -> Self {
        let mut environment = ScenarioEnvironment::new(scenario, engine, actions).unwrap();
        let spaces = environment.spaces();
        let mut observation = vec![0.0; spaces.observation];
        let mut mask = vec![false; spaces.action.mask_len()];
        environment.reset(seed, &mut observation, &mut mask);
        Self {
            environment,
            observation,
            mask,
        }
    }

    fn step(&mut self, action: Action<'_>) -> Step {
        self.environment
            .step(action, &mut self.observation, &mut self.mask)
    }

    fn replicas(&self) -> u32 {
        self.environment.situations()[0].state.allocation.replicas
    }
}

#[test]
fn the_reward_is_what_is_written() {
    for engine in [Engine::Requests, Engine::Fluid] {
        let mut calm = Stage::new(scenario(1), engine, ActionKind::Discrete, 1);
        // Three pods of half a core, nothing violated, nothing changed: 1.5 cores of ten.
        let step = calm.step(Action::Discrete(&[0]));
        assert!((step.reward + 0.15).abs() < 1e-6, "{engine:?}: {step:?}");
        // One more pod: two cores, and one changed field of weight 0.1.
        let more = calm.step(Action::Discrete(&[2]));
        assert!((more.reward + 0.21).abs() < 1e-6, "{engine:?}: {more:?}");

        let mut busy = scenario(1);
        busy.workloads[0].demand = DemandSpec::Constant(300.0);
        let mut drowning = Stage::new(busy, engine, ActionKind::Discrete, 1);
        let mut last = 0.0;
        for _ in 0..5 {
            last = drowning.step(Action::Discrete(&[0])).reward;
        }
        assert!((last + 1.15).abs() < 1e-6, "{engine:?}: {last}");
    }
}

#[test]
fn an_episode_is_as_long_as_its_scenario_and_then_stands_still() {
    let mut stage = Stage::new(scenario(1), Engine::Fluid, ActionKind::Discrete, 1);
    assert_eq!(stage.environment.steps(), 39);
    for step in 1..=39 {
        assert_eq!(stage.step(Action::Discrete(&[0])).truncated, step == 39);
    }
    let before = stage.observation.clone();
    let after = stage.step(Action::Discrete(&[2]));
    assert!(after.truncated && after.reward == 0.0 && stage.observation == before);
}

#[test]
fn masks_hold_the_bounds_and_forbidden_choices_are_left() {
    let mut stage = Stage::new(scenario(1), Engine::Fluid, ActionKind::MultiDiscrete, 1);
    for _ in 0..2 {
        stage.step(Action::Discrete(&[4, 1, 1]));
    }
    // Three and two more are five; two more would be seven, where six are allowed.
    assert_eq!(stage.replicas(), 5);
    assert_eq!(stage.mask[..5], [true, true, true, true, false]);
    // Larger pods are as cheap to ask for as larger numbers: both in one action, in turn.
    stage.step(Action::Discrete(&[3, 2, 0]));
    let live = &stage.environment.situations()[0].state.allocation;
    assert_eq!(live.replicas, 6);
    let container = &live.containers[0];
    assert_eq!(container.limits.cpu.map(|cpu| cpu.get()), Some(625));
    let memory = container.requests.memory.map(|memory| memory.get());
    assert_eq!(memory, Some(214_748_365), "256Mi × 0.8, rounded");
}

#[test]
fn continuous_actions_scale() {
    let mut stage = Stage::new(scenario(1), Engine::Requests, ActionKind::Continuous, 1);
    stage.step(Action::Continuous(&[1.0, 0.0, 0.0]));
    assert_eq!(stage.replicas(), 6, "twice as many");
    stage.step(Action::Continuous(&[-1.0, 0.0, 0.0]));
    assert_eq!(stage.replicas(), 3, "half as many");
    stage.step(Action::Continuous(&[f32::NAN, 0.0, 0.0]));
    assert_eq!(stage.replicas(), 3, "no number is no change");
    let before = stage.environment.snapshot();
    assert!(stage.environment.restore(&before).is_ok());
    assert!(
        stage
            .environment
            .restore(&before[..before.len() - 1])
            .is_err()
    );
    assert!(stage.environment.restore(b"else").is_err());
}

#[test]
fn a_copy_goes_on_as_the_original() {
    for engine in [Engine::Requests, Engine::Fluid] {
        let mut stage = Stage::new(scenario(1), engine, ActionKind::Discrete, 3);
        stage.step(Action::Discrete(&[1]));
        let mut copy = Stage {
            environment: stage.environment.clone(),
            observation: stage.observation.clone(),
            mask: stage.mask.clone(),
        };
        for action in [0, 2, 0, 0] {
            let (here, there) = (
                stage.step(Action::Discrete(&[action])),
                copy.step(Action::Discrete(&[action])),
            );
            assert_eq!((here, &stage.observation), (there, &copy.observation));
        }
    }
}

#[test]
fn several_workloads_need_several_actions() {
    let wrong = ScenarioEnvironment::new(scenario(2), Engine::Fluid, ActionKind::Discrete);
    let error = wrong.err().unwrap().to_string();
    assert!(error.contains("multi-discrete"), "{error}");
    let source: &dyn ScenarioSource = &ScenarioDistribution::new(
        Engine::Fluid,
        ActionKind::Continuous,
        Duration::from_secs(600),
        Duration::from_secs(15),
    )
    .unwrap();
    assert_eq!(source.sample(1.0, 1).spaces().action.mask_len(), 0);
}

#[test]
fn a_batch_is_its_environments_one_by_one() {
    let make =
        || ScenarioEnvironment::new(scenario(1), Engine::Fluid, ActionKind::Discrete).unwrap();
    let boxed = || -> Box<dyn Environment> { Box::new(make()) };
    let mut batch = Batch::new((0..3).map(|_| boxed()).collect()).unwrap();
    let width = batch.spaces().observation;
    let masks = batch.spaces().action.mask_len();
    let (mut observations, mut mask) = (vec![0.0; 3 * width], vec![false; 3 * masks]);
    let (mut steps, mut finals) = (vec![Step::default(); 3], vec![0.0; 3 * width]);
    batch.reset(1, &mut observations, &mut mask);
    assert_ne!(
        observations[..width],
        observations[width..2 * width],
        "each has its own seed"
    );
    for _ in 0..39 {
        let actions = BatchActions::Discrete(&[0, 2, 1]);
        batch.step(
            actions,
            &mut observations,
            &mut mask,
            &mut steps,
            &mut finals,
        );
    }
    assert!(steps.iter().all(|step| step.truncated));
    // The episodes have begun again, with other seeds; what they ended with is among the finals.
    assert_ne!(observations, finals);
    let other = ScenarioEnvironment::new(scenario(2), Engine::Fluid, ActionKind::MultiDiscrete);
    assert!(Batch::new(vec![boxed(), Box::new(other.unwrap())]).is_err());
    assert!(Batch::new(Vec::new()).is_err());
}

#[test]
fn head_room_passes_the_suite_alone_beside_others_and_drawn() {
    for (workloads, focus) in [(1, 0), (2, 1)] {
        environment::check(&|| {
            let of = HeadroomEnvironment::new(scenario(workloads), focus, Price::default());
            Box::new(of.unwrap())
        });
    }
    let drawn = ScenarioDistribution::new(
        Engine::Requests,
        ActionKind::MultiDiscrete,
        Duration::from_secs(600),
        Duration::from_secs(15),
    );
    let source = HeadroomSource::new(
        &[scenario(1), scenario(2)],
        Some(drawn.unwrap()),
        0.5,
        Price::default(),
    );
    environment::check_source(&source.unwrap());
    assert!(HeadroomEnvironment::new(scenario(1), 1, Price::default()).is_err());
    assert!(HeadroomSource::new(&[], None, 0.5, Price::default()).is_err());
}

/// Pays for one thing at a time, so that each part of the reward is seen by itself.
fn rewards(price: Price, choose: impl Fn(&[f32], &[bool]) -> u32) -> Vec<f32> {
    let mut environment = HeadroomEnvironment::new(scenario(1), 0, price).unwrap();
    let mut seen = vec![0.0; HeadroomView::N_FEATURES];
    let mut mask = vec![false; HeadroomView::N_ACTIONS];
    environment.reset(5, &mut seen, &mut mask);
    let mut rewards = Vec::new();
    loop {
        let choice = choose(&seen, &mask);
        let step = environment.step(Action::Discrete(&[choice]), &mut seen, &mut mask);
        rewards.push(step.reward);
        if step.truncated {
            return rewards;
        }
    }
}

#[test]
fn the_reward_of_head_room_is_what_pods_cost_and_what_is_violated() {
    let free = Price {
        violated: 0.0,
        change: 0.0,
    };
    // Three pods of half a core; 30 requests a second of 20 ms keep 0.6 cores busy.
    let stay = rewards(free, |_, _| 0);
    assert_eq!(stay.len(), 39, "a step for each period but the first");
    for reward in &stay {
        assert!((reward + 1.5 / 0.6).abs() < 1e-4, "{reward}");
    }
    // All head-room there is: five pods, for a moment of noise six; what is paid for is the pods, and each change.
    let most = |_: &[f32], mask: &[bool]| mask.iter().rposition(|allowed| *allowed).unwrap() as u32;
    let with_changes = rewards(
        Price {
            change: 1.0,
            ..free
        },
        most,
    );
    let mut before = 3.0;
    let mut changes = 0;
    for reward in &with_changes {
        let paid = |pods: f32| pods * 0.5 / 0.6 + f32::from(u8::from(pods != before));
        let pods = [5.0, 6.0]
            .into_iter()
            .find(|pods| (reward + paid(*pods)).abs() < 1e-4);
        let pods = pods.unwrap_or_else(|| panic!("{with_changes:?}"));
        changes += u32::from(pods != before);
        before = pods;
    }
    assert_eq!(changes, 3, "{with_changes:?}");
    assert_eq!(FACTORS.len() * SPANS.len() + 1, HeadroomView::N_ACTIONS);
}
