use ibn_core::roles::{Action, ActionSpace, Environment, Spaces, Step};
use ndarray::Array2;
use rand::RngExt;

use super::*;
use crate::classic::{self, IdentityState, ProbeKind};

/// Observations that wander, rewards by the action, episodes of 7 steps that are over or out of time in turn.
struct Wander {
    action: ActionSpace,
    random: Pcg64,
    step: u32,
    episodes: u32,
    /// From this step on, rewards are no numbers.
    breaks_at: u32,
}

impl Wander {
    fn new(action: ActionSpace) -> Self {
        Self {
            action,
            random: Pcg64::seed_from_u64(0),
            step: 0,
            episodes: 0,
            breaks_at: u32::MAX,
        }
    }

    fn look(&mut self, observation: &mut [f32], mask: &mut [bool]) {
        for value in observation {
            *value = self.random.random_range(-2.0..2.0);
        }
        for (idx, allowed) in mask.iter_mut().enumerate() {
            *allowed = idx == 0 || idx == 3 || self.random.random_bool(0.6);
        }
    }
}

impl Environment for Wander {
    fn spaces(&self) -> Spaces {
        Spaces {
            observation: 3,
            action: self.action.clone(),
        }
    }

    fn reset(&mut self, seed: u64, observation: &mut [f32], mask: &mut [bool]) {
        self.random = Pcg64::seed_from_u64(seed);
        self.step = 0;
        self.episodes += 1;
        self.look(observation, mask);
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f32], mask: &mut [bool]) -> Step {
        let reward = match action {
            Action::Discrete(choices) => choices.iter().map(|choice| *choice as f32).sum(),
            Action::Continuous(numbers) => numbers.iter().map(|value| value.sin()).sum(),
        };
        self.step += 1;
        self.look(observation, mask);
        let ends = self.step == 7;
        Step {
            reward: if self.step >= self.breaks_at {
                f32::NAN
            } else {
                reward
            },
            terminated: ends && self.episodes.is_multiple_of(2),
            truncated: ends && !self.episodes.is_multiple_of(2),
        }
    }

    fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(&mut self, _: &[u8]) -> ibn_core::Result<()> {
        Ok(())
    }
}

fn choices() -> ActionSpace {
    ActionSpace::MultiDiscrete(vec![3, 2])
}

fn numbers() -> ActionSpace {
    ActionSpace::Continuous {
        low: vec![-1.0; 2],
        high: vec![1.0; 2],
    }
}

fn small() -> PpoSettings {
    PpoSettings {
        total_steps: 1_000_000,
        rollout_steps: 40,
        hidden: vec![5, 4],
        ..PpoSettings::default()
    }
}

fn wandering<F: Real>(settings: PpoSettings, action: &ActionSpace) -> Ppo<F> {
    let environments = (0..5)
        .map(|_| Box::new(Wander::new(action.clone())) as Box<dyn Environment>)
        .collect();
    Ppo::new(settings, environments, 7).unwrap()
}

fn all(n: usize) -> Vec<u32> {
    (0..u32::try_from(n).unwrap()).collect()
}

impl<F: Real> Ppo<F> {
    /// What a minibatch comes to with the networks as they are; gradients stay in the tasks.
    fn sums(&mut self, minibatch: &[u32]) -> Sums {
        self.make_tasks(minibatch.len());
        let loss = Loss {
            settings: &self.settings,
            clip: self.settings.clip.at(0.0),
            policy: &self.policy,
            critic: &self.critic,
            records: &self.records,
            minibatch,
            advantages: advantage_scale(&self.settings, &self.records, minibatch),
            imitates: false,
        };
        loss.gradients(&mut self.tasks)
    }

    fn loss(&mut self, minibatch: &[u32]) -> f64 {
        let sums = self.sums(minibatch);
        sums.policy_loss - self.settings.entropy_weight * sums.entropy
            + self.settings.value_weight * sums.value_loss
    }

    /// Every number that is learned, in turn.
    fn parameter(&mut self, idx: usize) -> &mut F {
        let n_actor = self.policy.actor.parameters().len();
        let n_log_std = self.policy.log_std.len();
        if idx < n_actor {
            &mut self.policy.actor.parameters_mut()[idx]
        } else if idx < n_actor + n_log_std {
            &mut self.policy.log_std[idx - n_actor]
        } else {
            &mut self.critic.parameters_mut()[idx - n_actor - n_log_std]
        }
    }
}

#[test]
fn the_ratio_is_exactly_one_before_the_first_step() {
    for action in [choices(), numbers()] {
        let mut ppo: Ppo<f32> = wandering(small(), &action);
        ppo.roll_out(None);
        ppo.judge().unwrap();
        let sums = ppo.sums(&all(200));
        assert_eq!((sums.kl, sums.clipped), (0.0, 0.0));
        // In any other minibatch too, whatever stands beside a step.
        let sums = ppo.sums(&[3, 77, 199]);
        assert_eq!((sums.kl, sums.clipped), (0.0, 0.0));
        // And after a step it isn't.
        ppo.update(0.0, false).unwrap();
        assert!(ppo.sums(&all(200)).kl > 0.0);
    }
}

#[test]
fn every_step_is_learned_from_once_in_each_epoch() {
    for (n, parts) in [(200, 4), (203, 4), (7, 7), (5, 1)] {
        let order = all(n);
        let found: Vec<&[u32]> = even_parts(&order, parts).collect();
        assert_eq!(found.len(), parts);
        assert_eq!(found.concat(), order);
        let lengths = found.iter().map(|part| part.len());
        assert!(lengths.clone().max().unwrap() - lengths.min().unwrap() <= 1);
    }
    // The parts of a minibatch cover it: its sums are those of its steps one by one.
    let mut ppo: Ppo<f64> = wandering(
        PpoSettings {
            normalise_advantages: false,
            rollout_steps: 60,
            ..small()
        },
        &choices(),
    );
    ppo.roll_out(None);
    ppo.judge().unwrap();
    let whole = ppo.sums(&all(300));
    let mut sum = Sums::default();
    for step in 0..300 {
        sum.add(&ppo.sums(&[step]));
    }
    assert!((whole.policy_loss - sum.policy_loss / 300.0).abs() < 1e-12);
    assert!((whole.value_loss - sum.value_loss / 300.0).abs() < 1e-12);
    assert!((whole.entropy - sum.entropy / 300.0).abs() < 1e-12);
}

#[test]
fn the_gradient_of_the_loss_is_that_of_finite_differences() {
    for (action, clip_value) in [(choices(), true), (choices(), false), (numbers(), true)] {
        let settings = PpoSettings {
            clip_value,
            clip: Schedule::Constant(0.1),
            entropy_weight: 0.3,
            ..small()
        };
        let mut ppo: Ppo<f64> = wandering(settings, &action);
        ppo.roll_out(None);
        ppo.judge().unwrap();
        // Away from the policy of the rollout, so that some ratios and values are clipped.
        let n_parameters = ppo.policy.actor.parameters().len()
            + ppo.policy.log_std.len()
            + ppo.critic.parameters().len();
        let mut random = Pcg64::seed_from_u64(9);
        for idx in 0..n_parameters {
            *ppo.parameter(idx) += random.random_range(-0.1..0.1);
        }
        let minibatch = all(200);
        let sums = ppo.sums(&minibatch);
        assert!(sums.clipped > 0.1 && sums.clipped < 0.9, "{sums:?}");
        let mut gradient = Vec::new();
        for network in [Network::Actor, Network::Critic] {
            let parts: Vec<&Task<f64>> = ppo
                .tasks
                .iter()
                .filter(|task| task.network == network)
                .collect();
            assert_eq!(parts.len(), 2);
            let sum = |of: fn(&Task<f64>) -> &Vec<f64>| -> Vec<f64> {
                of(parts[0])
                    .iter()
                    .zip(of(parts[1]))
                    .map(|(a, b)| a + b)
                    .collect()
            };
            gradient.extend(sum(|task| &task.gradients));
            if network == Network::Actor {
                gradient.extend(sum(|task| &task.by_log_std));
            }
        }
        assert_eq!(gradient.len(), n_parameters);
        let h = 1e-6;
        let scale = norm(&gradient);
        for (idx, exact) in gradient.iter().enumerate() {
            let before = *ppo.parameter(idx);
            *ppo.parameter(idx) = before + h;
            let above = ppo.loss(&minibatch);
            *ppo.parameter(idx) = before - h;
            let below = ppo.loss(&minibatch);
            *ppo.parameter(idx) = before;
            let numeric = (above - below) / (2.0 * h);
            assert!(
                (numeric - exact).abs() <= 1e-5 * exact.abs().max(1e-3 * scale),
                "{action:?} {idx}: {numeric} {exact}"
            );
        }
    }
}

#[derive(serde::Deserialize)]
struct Recorded {
    kind: String,
    observations: Vec<Vec<f64>>,
    masks: Vec<Vec<bool>>,
    actions: Vec<Vec<f64>>,
    old_log_probabilities: Vec<f64>,
    old_values: Vec<f64>,
    advantages: Vec<f64>,
    returns: Vec<f64>,
    actor: Vec<f64>,
    critic: Vec<f64>,
    log_std: Vec<f64>,
    updates: Vec<RecordedUpdate>,
}

#[derive(serde::Deserialize)]
struct RecordedUpdate {
    policy_loss: f64,
    value_loss: f64,
    entropy: f64,
    kl: f64,
    clipped: f64,
    gradient_norm: f64,
    actor: Vec<f64>,
    critic: Vec<f64>,
    log_std: Vec<f64>,
}

/// `tests/fixtures/ppo/record.py` made the numbers, by PyTorch.
#[test]
fn two_updates_are_those_of_pytorch() {
    let text = include_str!("../../tests/fixtures/ppo/update.json");
    let cases: Vec<Recorded> = serde_json::from_str(text).unwrap();
    assert_eq!(cases.len(), 2);
    for case in cases {
        check_update::<f64>(&case, 1e-9);
        check_update::<f32>(&case, 1e-5);
    }
}

fn check_update<F: Real>(case: &Recorded, most: f64) {
    let of = |values: &[f64]| -> Vec<F> { values.iter().map(|value| F::of(*value)).collect() };
    let flat = |rows: &[Vec<f64>]| -> Vec<F> { of(&rows.concat()) };
    let is_choices = case.kind == "choices";
    let action = if is_choices { choices() } else { numbers() };
    let settings = PpoSettings {
        rollout_steps: case.advantages.len(),
        learning_rate: Schedule::Constant(1e-2),
        ..small()
    };
    let mut ppo: Ppo<F> = wandering(settings, &action);
    ppo.policy
        .actor
        .parameters_mut()
        .copy_from_slice(&of(&case.actor));
    ppo.critic
        .parameters_mut()
        .copy_from_slice(&of(&case.critic));
    ppo.policy.log_std = of(&case.log_std);
    let mut record = Record::new(&ppo.policy, case.advantages.len());
    record.observations = flat(&case.observations);
    record.masks = if is_choices {
        case.masks.concat()
    } else {
        Vec::new()
    };
    record.actions = flat(&case.actions);
    record.log_probabilities = of(&case.old_log_probabilities);
    record.values = of(&case.old_values);
    record.advantages = of(&case.advantages);
    record.returns = of(&case.returns);
    ppo.records = vec![record];
    let minibatch = all(case.advantages.len());
    let near = |what: &str, found: f64, expected: f64| {
        assert!(
            (found - expected).abs() <= most * expected.abs().max(1.0),
            "{}: {what} {found} {expected}",
            case.kind
        );
    };
    for update in &case.updates {
        let sums = ppo.sums(&minibatch);
        near("policy loss", sums.policy_loss, update.policy_loss);
        near("value loss", sums.value_loss, update.value_loss);
        near("entropy", sums.entropy, update.entropy);
        near("kl", sums.kl, update.kl);
        near("clipped", sums.clipped, update.clipped);
        let length = ppo.descend(0.0).unwrap();
        near("gradient norm", length, update.gradient_norm);
        for (what, found, expected) in [
            ("actor", ppo.policy.actor.parameters(), &update.actor),
            ("critic", ppo.critic.parameters(), &update.critic),
            ("log std", &ppo.policy.log_std, &update.log_std),
        ] {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                near(what, found.wide(), *expected);
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let run = |threads: usize, action: &ActionSpace| {
        let settings = PpoSettings {
            normalise_observations: true,
            normalise_rewards: true,
            hidden: vec![20, 17],
            rollout_steps: 61,
            ..small()
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut ppo: Ppo<f32> = wandering(settings, action);
            let iterations: Vec<Iteration> = (0..4).map(|_| ppo.iterate().unwrap()).collect();
            (ppo.policy, ppo.critic, iterations)
        })
    };
    for action in [choices(), numbers()] {
        let one = run(1, &action);
        assert_eq!(one, run(2, &action));
        assert_eq!(one, run(3, &action));
        assert!(one.2.iter().all(|iteration| !iteration.episodes.is_empty()));
    }
}

#[test]
fn a_training_goes_on_from_a_checkpoint_to_the_same_bits() {
    let make = |seed: u64, steps: usize| -> Ppo<f32> {
        let environments = (0..3)
            .map(|_| classic::make("CartPole-v1").unwrap())
            .collect();
        let settings = PpoSettings {
            normalise_observations: true,
            normalise_rewards: true,
            rollout_steps: steps,
            ..small()
        };
        Ppo::new(settings, environments, seed).unwrap()
    };
    let mut whole = make(5, 50);
    for _ in 0..3 {
        whole.iterate().unwrap();
    }
    let bytes = whole.checkpoint();
    let mut resumed = make(5, 50);
    resumed.restore(&bytes).unwrap();
    assert_eq!(resumed.policy.normaliser, whole.policy.normaliser);
    assert_eq!(resumed.checkpoint(), bytes);
    for _ in 0..3 {
        assert_eq!(whole.iterate().unwrap(), resumed.iterate().unwrap());
    }
    assert_eq!(whole.checkpoint(), resumed.checkpoint());

    let refused = |of: &mut Ppo<f32>, bytes: &[u8]| of.restore(bytes).unwrap_err().to_string();
    assert_eq!(
        refused(&mut make(6, 50), &bytes),
        "the policy can't be used: it is of version 1, seed 5, 3 environments, and this is version 1, seed 6, 3 environments"
    );
    assert!(refused(&mut make(5, 60), &bytes).contains("rollout_steps: 50"));
    assert!(refused(&mut make(5, 50), b"no").contains("no safetensors file"));
}

#[test]
fn a_diverging_run_stops_with_a_reason_and_keeps_its_networks() {
    let environments = vec![Box::new(Wander {
        breaks_at: 5,
        ..Wander::new(choices())
    }) as Box<dyn Environment>];
    let mut ppo: Ppo<f32> = Ppo::new(small(), environments, 7).unwrap();
    let before = ppo.policy.clone();
    let error = ppo.iterate().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the training diverged: the gradient is not finite in iteration 1"
    );
    assert_eq!(ppo.policy, before);
    assert!(
        ppo.policy
            .actor
            .parameters()
            .iter()
            .all(|it| it.is_finite())
    );
}

#[test]
fn the_divergence_from_the_rollout_stops_the_epochs() {
    let settings = PpoSettings {
        target_kl: Some(1e-9),
        epochs: 10,
        ..small()
    };
    let mut ppo: Ppo<f32> = wandering(settings, &choices());
    assert_eq!(ppo.iterate().unwrap().epochs, 1);
    let mut ppo: Ppo<f32> = wandering(small(), &choices());
    assert_eq!(ppo.iterate().unwrap().epochs, 4);
}

#[test]
fn what_is_truncated_is_worth_what_would_follow_and_what_is_over_is_not() {
    let mut ppo: Ppo<f64> = wandering(small(), &choices());
    ppo.roll_out(None);
    ppo.judge().unwrap();
    let value = |observation: &[f64]| {
        let x = Array2::from_shape_vec((1, 3), observation.to_vec()).unwrap();
        ppo.critic.forward(x.view())[[0, 0]]
    };
    let (mut over, mut out_of_time) = (0, 0);
    for record in &ppo.records {
        for step in 0..40 {
            let at = |idx: usize| value(Record::<f64>::row(&record.observations, idx, 3));
            let next = if record.terminated[step] {
                over += 1;
                0.0
            } else if record.truncated[step] {
                out_of_time += 1;
                let last = record.finals.iter().find(|(idx, _)| *idx == step).unwrap();
                value(&last.1)
            } else if step == 39 {
                value(&record.last)
            } else {
                at(step + 1)
            };
            let ends = record.terminated[step] || record.truncated[step];
            let following = if ends || step == 39 {
                0.0
            } else {
                0.99 * 0.95 * record.advantages[step + 1]
            };
            let expected = record.rewards[step] + 0.99 * next - at(step) + following;
            assert!((record.advantages[step] - expected).abs() < 1e-12);
            assert!((record.returns[step] - expected - at(step)).abs() < 1e-12);
        }
    }
    assert!(over > 5 && out_of_time > 5);
}

/// Takes action 1 where the first number seen is above zero, else 2; 0 where that is masked.
struct BySign;

impl Teacher for BySign {
    fn action(&self, observation: &[f32], mask: &[bool]) -> u32 {
        let choice = if observation[0] > 0.0 { 1 } else { 2 };
        if mask[choice as usize] { choice } else { 0 }
    }
}

#[test]
fn what_a_teacher_does_is_learned_whatever_comes_of_it() {
    let settings = PpoSettings {
        hidden: vec![16],
        learning_rate: Schedule::Constant(1e-2),
        ..small()
    };
    // Action 3 pays most, and is never what the teacher takes.
    let mut ppo: Ppo<f32> = wandering(settings.clone(), &ActionSpace::Discrete(4));
    for _ in 0..40 {
        ppo.imitate(&BySign).unwrap();
    }
    assert_eq!(ppo.steps(), 0, "lessons are no steps");
    let mut work = ppo.policy().workspace(1);
    for (observation, taught) in [([1.0, 0.3, -0.2], 1), ([-1.0, 0.5, 1.5], 2)] {
        let learned = ppo
            .policy()
            .probabilities(&observation, &[true; 4], &mut work);
        assert!(learned[taught] > 0.9, "{learned:?} for {observation:?}");
        let without = [true, taught != 1, taught != 2, true];
        let learned = ppo
            .policy()
            .probabilities(&observation, &without, &mut work);
        assert!(learned[0] > 0.6, "{learned:?} for {observation:?}");
    }
    // The same lessons give the same bits.
    let mut again: Ppo<f32> = wandering(settings, &ActionSpace::Discrete(4));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    pool.install(|| (0..40).for_each(|_| again.imitate(&BySign).unwrap()));
    assert_eq!(again.policy(), ppo.policy());
}

#[test]
fn settings_that_cannot_be_are_all_told() {
    let settings = PpoSettings {
        rollout_steps: 0,
        minibatches: 0,
        discount: 1.5,
        hidden: vec![0],
        ..PpoSettings::default()
    };
    let error = Ppo::<f32>::new(settings, vec![classic::make("CartPole-v1").unwrap()], 1)
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "ppo: `rollout_steps` is 0, allowed is 1 to 1000000; `minibatches` is 0, allowed is 1 to 0; \
         `discount` is 1.5, allowed is 0 to 1; `hidden` is 0, allowed is 1 to 4096"
    );
    let none = Ppo::<f32>::new(PpoSettings::default(), Vec::new(), 1);
    assert!(none.is_err());
}

/// What a learner comes to on a probe with discount 0.5: its values of the observations −1, 0 and 1, and the likeliest choices at −1
/// and 1.
fn probe(kind: ProbeKind) -> ([f32; 3], [f32; 2]) {
    let environments = (0..4)
        .map(|_| classic::make(kind.name()).unwrap())
        .collect();
    let settings = PpoSettings {
        total_steps: 12_800,
        rollout_steps: 32,
        learning_rate: Schedule::Linear(5e-3),
        discount: 0.5,
        hidden: vec![16],
        entropy_weight: 0.0,
        normalise_advantages: false,
        clip_value: false,
        ..PpoSettings::default()
    };
    let mut ppo: Ppo<f32> = Ppo::new(settings, environments, 3).unwrap();
    while !ppo.is_done() {
        ppo.iterate().unwrap();
    }
    let mut work = ppo.policy.workspace(1);
    let n_choices = ppo.policy.spaces.action.mask_len();
    let choices = [-1.0, 1.0].map(|observation| {
        let mut action = [0.0];
        ppo.policy.best(
            &[observation],
            &vec![true; n_choices],
            &mut work,
            &mut action,
        );
        action[0]
    });
    let value = |x: f32| ppo.critic.forward(ndarray::arr2(&[[x]]).view())[[0, 0]];
    ([value(-1.0), value(0.0), value(1.0)], choices)
}

/// The probes are in the order in which they should be looked at when learning fails.
#[test]
fn every_probe_is_learned() {
    let near = |found: f32, expected: f32| assert!((found - expected).abs() < 0.05, "{found}");
    near(probe(ProbeKind::Value).0[1], 1.0);
    let (values, _) = probe(ProbeKind::Observation);
    near(values[0], -1.0);
    near(values[2], 1.0);
    let (values, _) = probe(ProbeKind::Discount);
    near(values[1], 0.5);
    near(values[2], 1.0);
    let (values, choices) = probe(ProbeKind::Policy);
    near(values[1], 1.0);
    assert_eq!(choices, [1.0, 1.0]);
    let (values, choices) = probe(ProbeKind::Context);
    near(values[0], 1.0);
    near(values[2], 1.0);
    assert_eq!(choices, [0.0, 1.0]);
}

/// As Stable-Baselines3's own tests: 90 % of the best reward of 100 an episode, in the 1,200 steps that they allow.
#[test]
fn identities_are_learned_in_1200_steps() {
    for name in [
        IdentityState::DISCRETE,
        IdentityState::MULTI_DISCRETE,
        IdentityState::CONTINUOUS,
    ] {
        for seed in 1..=5 {
            let environments = (0..4).map(|_| classic::make(name).unwrap()).collect();
            let settings = PpoSettings {
                total_steps: 1_200,
                rollout_steps: 25,
                minibatches: 2,
                epochs: 20,
                learning_rate: Schedule::Constant(2e-3),
                discount: 0.4,
                gae_lambda: 0.95,
                entropy_weight: 0.1,
                hidden: vec![64, 64],
                ..PpoSettings::default()
            };
            let mut ppo: Ppo<f32> = Ppo::new(settings, environments, seed).unwrap();
            while !ppo.is_done() {
                ppo.iterate().unwrap();
            }
            assert_eq!(ppo.steps(), 1_200);
            let mut environment = classic::make(name).unwrap();
            let episodes = evaluate(ppo.policy(), environment.as_mut(), 20, seed);
            let mean = episodes.iter().map(|it| it.reward).sum::<f64>() / 20.0;
            assert!(mean >= 90.0, "{name} {seed}: {mean}");
        }
    }
}
