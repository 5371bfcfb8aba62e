//! Proximal policy optimisation, from top to bottom: settings, what is kept, the rollout, advantages, the update, the loss.
//!
//! Schulman, Wolski, Dhariwal, Radford and Klimov, "Proximal Policy Optimization Algorithms" (arXiv 1707.06347), with the details
//! of Huang et al., "The 37 Implementation Details of Proximal Policy Optimization" (ICLR Blog Track 2022). Separate networks for
//! policy and value, tanh, orthogonal weights, Adam.
//!
//! Every iteration takes `rollout_steps` steps in each environment and then goes through them `epochs` times in minibatches.
//! Environments and parts of minibatches are spread over the threads of the pool that the caller installs (rayon's global one
//! otherwise). What is computed doesn't depend on how many there are: each environment has its own random numbers, and sums
//! run over parts of a fixed size in a fixed order.

mod checkpoint;

use ibn_core::roles::{Action, ActionSpace, Environment, Spaces, Step};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use crate::episodes::Episode;
use crate::episodes::play;
use crate::error::{Error, Faults, Result};
use crate::gae::{Trajectories, advantages};
use crate::nn::{Adam, AdamSettings, Mlp, Real, Workspace, norm};
use crate::policy::{Normaliser, Policy, PolicyWork, Row, clip};

/// Rows of a minibatch that are one task. Part of what is computed: another number would sum in another order.
const TASK_ROWS: usize = 128;

/// How to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PpoSettings {
    /// Steps for the whole training; schedules end there.
    pub total_steps: u64,
    /// Steps in each environment before each update.
    pub rollout_steps: usize,
    /// Parts into which the steps of a rollout are divided; the last ones may be one step shorter.
    pub minibatches: usize,
    /// Times that each step is learned from.
    pub epochs: usize,
    /// The step size of Adam.
    pub learning_rate: Schedule,
    /// How far the probability ratio may move from 1 before it stops paying.
    pub clip: Schedule,
    /// The discount γ.
    pub discount: f64,
    /// The λ of generalised advantage estimation.
    pub gae_lambda: f64,
    /// Weight of the entropy in the loss.
    pub entropy_weight: f64,
    /// Weight of half the mean squared error of the value.
    pub value_weight: f64,
    /// Whether a value may move from its old one by `clip` only, as the ratio.
    pub clip_value: bool,
    /// The longest gradient, over both networks.
    pub max_gradient_norm: f64,
    /// No further minibatch once the approximate divergence from the policy of the rollout is beyond 1.5 times this.
    pub target_kl: Option<f64>,
    /// Whether advantages have mean 0 and deviation 1 in each minibatch.
    pub normalise_advantages: bool,
    /// Whether observations are normalised by their running mean and deviation, as of the beginning of the rollout.
    pub normalise_observations: bool,
    /// Whether rewards are divided by the running deviation of the discounted return.
    pub normalise_rewards: bool,
    /// Widths of the hidden layers of both networks.
    pub hidden: Vec<usize>,
    /// The logarithm of the deviation of continuous actions at first.
    pub initial_log_std: f64,
}

/// A number over the course of the training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Schedule {
    /// Always the same.
    Constant(f64),
    /// From this down to zero.
    Linear(f64),
}

impl Schedule {
    /// The value where `progress`, from 0 to 1, is behind.
    #[must_use]
    pub fn at(self, progress: f64) -> f64 {
        match self {
            Self::Constant(value) => value,
            Self::Linear(value) => value * (1.0 - progress).max(0.0),
        }
    }

    fn first(self) -> f64 {
        match self {
            Self::Constant(value) | Self::Linear(value) => value,
        }
    }
}

impl Default for PpoSettings {
    /// What CleanRL's `ppo.py` uses.
    fn default() -> Self {
        Self {
            total_steps: 500_000,
            rollout_steps: 128,
            minibatches: 4,
            epochs: 4,
            learning_rate: Schedule::Linear(2.5e-4),
            clip: Schedule::Constant(0.2),
            discount: 0.99,
            gae_lambda: 0.95,
            entropy_weight: 0.01,
            value_weight: 0.5,
            clip_value: true,
            max_gradient_norm: 0.5,
            target_kl: None,
            normalise_advantages: true,
            normalise_observations: false,
            normalise_rewards: false,
            hidden: vec![64, 64],
            initial_log_std: 0.0,
        }
    }
}

impl PpoSettings {
    fn check(&self, n_envs: usize) -> Result<()> {
        let mut faults = Faults::default();
        let steps = self.rollout_steps.saturating_mul(n_envs);
        faults.in_range("rollout_steps", self.rollout_steps as f64, 1.0..=1e6);
        faults.in_range("epochs", self.epochs as f64, 1.0..=1e4);
        faults.in_range("minibatches", self.minibatches as f64, 1.0..=steps as f64);
        faults.in_range("total_steps", self.total_steps as f64, 1.0..=1e15);
        faults.in_range("learning_rate", self.learning_rate.first(), 0.0..=1.0);
        faults.in_range("clip", self.clip.first(), 0.0..=10.0);
        faults.in_range("discount", self.discount, 0.0..=1.0);
        faults.in_range("gae_lambda", self.gae_lambda, 0.0..=1.0);
        faults.in_range("entropy_weight", self.entropy_weight, 0.0..=10.0);
        faults.in_range("value_weight", self.value_weight, 0.0..=100.0);
        faults.in_range("max_gradient_norm", self.max_gradient_norm, 1e-9..=1e9);
        faults.in_range("initial_log_std", self.initial_log_std, -20.0..=20.0);
        if let Some(target_kl) = self.target_kl {
            faults.in_range("target_kl", target_kl, 1e-9..=1e3);
        }
        for width in &self.hidden {
            faults.in_range("hidden", *width as f64, 1.0..=4096.0);
        }
        faults.finish("ppo")
    }
}

/// What one iteration came to; the quantities are those that CleanRL logs.
#[derive(Debug, Clone, PartialEq)]
pub struct Iteration {
    /// Counted from 1.
    pub number: u64,
    /// Steps in all environments so far.
    pub steps: u64,
    /// Episodes that ended in this rollout.
    pub episodes: Vec<Episode>,
    /// The clipped surrogate loss, a mean over the minibatches of the last epoch, as are the next five.
    pub policy_loss: f64,
    /// Half the mean squared error of the value.
    pub value_loss: f64,
    /// Of the policy, in nats.
    pub entropy: f64,
    /// The mean of `r − 1 − ln r` over the probability ratios `r`, an estimate of the divergence from the policy of the
    /// rollout (Schulman, "Approximating KL Divergence", 2020).
    pub approximate_kl: f64,
    /// The share of steps whose ratio was clipped.
    pub clip_fraction: f64,
    /// Before it was shortened.
    pub gradient_norm: f64,
    /// How much of the variance of the returns the values tell: 1 is all, 0 no more than a constant, less is worse than that.
    pub explained_variance: f64,
    /// The step size that was used.
    pub learning_rate: f64,
    /// Epochs that were begun; less than asked for where the divergence went beyond its target.
    pub epochs: usize,
}

impl Iteration {
    /// The mean reward of the episodes that ended; `None` where none did.
    #[must_use]
    pub fn mean_reward(&self) -> Option<f64> {
        Episode::mean_reward(&self.episodes)
    }
}

/// A training that goes on: environments, networks and their optimisers.
///
/// ```
/// use ibn_core::roles::Environment;
/// use ibn_drl::classic::CartPole;
/// use ibn_drl::ppo::{Ppo, PpoSettings};
///
/// let environments = (0..2).map(|_| Box::new(CartPole::default()) as Box<dyn Environment>).collect();
/// let settings = PpoSettings { rollout_steps: 16, total_steps: 64, ..PpoSettings::default() };
/// let mut ppo: Ppo<f32> = Ppo::new(settings, environments, 1)?;
/// while !ppo.is_done() {
///     let iteration = ppo.iterate()?;
///     assert!(iteration.entropy > 0.0);
/// }
/// assert_eq!(ppo.steps(), 64);
/// # Ok::<(), ibn_drl::Error>(())
/// ```
pub struct Ppo<F> {
    settings: PpoSettings,
    seed: u64,
    iterations: u64,
    steps: u64,
    policy: Policy<F>,
    critic: Mlp<F>,
    of_actor: Adam<F>,
    of_log_std: Adam<F>,
    of_critic: Adam<F>,
    /// Of discounted returns, for the scale of rewards.
    returns: Option<Normaliser>,
    lanes: Vec<Lane>,
    records: Vec<Record<F>>,
    tasks: Vec<Task<F>>,
}

/// Somebody to learn the first steps from.
pub trait Teacher: Sync {
    /// The choice, which the mask must allow.
    fn action(&self, observation: &[f32], mask: &[bool]) -> u32;
}

/// One environment and where it stands.
struct Lane {
    place: u64,
    environment: Box<dyn Environment>,
    observation: Vec<f32>,
    mask: Vec<bool>,
    /// Episodes begun.
    begun: u64,
    episode: Episode,
    discounted_return: f64,
    ended: Vec<Episode>,
    /// What was observed and returned in this rollout.
    observed: Normaliser,
    returned: Normaliser,
}

/// What happened in one environment during a rollout; `[steps, …]`.
#[derive(Clone)]
struct Record<F> {
    /// As the networks take them.
    observations: Vec<F>,
    masks: Vec<bool>,
    /// Choices as whole numbers, or numbers as they were drawn.
    actions: Vec<F>,
    log_probabilities: Vec<F>,
    rewards: Vec<F>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    values: Vec<F>,
    next_values: Vec<F>,
    advantages: Vec<F>,
    returns: Vec<F>,
    /// The final observations of truncated episodes, with the step.
    finals: Vec<(usize, Vec<F>)>,
    /// The observation behind the last step.
    last: Vec<F>,
}

/// Which of the networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    Actor,
    Critic,
}

/// A part of a minibatch through one of the networks, there and back.
struct Task<F> {
    network: Network,
    /// Which part.
    part: usize,
    work: Workspace<F>,
    observations: Vec<F>,
    by_output: Vec<F>,
    row: Row<F>,
    gradients: Vec<F>,
    by_log_std: Vec<F>,
    sums: Sums,
}

/// Sums over the steps of a part of a minibatch, and of the whole.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sums {
    policy_loss: f64,
    value_loss: f64,
    entropy: f64,
    kl: f64,
    clipped: f64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.policy_loss += other.policy_loss;
        self.value_loss += other.value_loss;
        self.entropy += other.entropy;
        self.kl += other.kl;
        self.clipped += other.clipped;
    }
}

impl<F: Real> Ppo<F> {
    /// A training that begins at the first observation of each environment.
    ///
    /// # Errors
    /// [`Error::Settings`] with every fault of the settings, for no environments, or where their spaces differ.
    pub fn new(
        settings: PpoSettings,
        environments: Vec<Box<dyn Environment>>,
        seed: u64,
    ) -> Result<Self> {
        settings.check(environments.len())?;
        let fault = |fault: String| Error::Settings {
            what: "ppo".to_owned(),
            faults: vec![fault],
        };
        let spaces = match environments.first() {
            Some(first) => first.spaces(),
            None => return Err(fault("there is no environment".to_owned())),
        };
        if let Some(place) = environments.iter().position(|it| it.spaces() != spaces) {
            let message = format!("environment {place} has other spaces than the first");
            return Err(fault(message));
        }
        let mut policy = Policy::new(
            &spaces,
            &settings.hidden,
            settings.initial_log_std,
            mix(seed, 1, 0),
        );
        if settings.normalise_observations {
            policy.normaliser = Some(Normaliser::new(spaces.observation));
        }
        let mut sizes = vec![spaces.observation];
        sizes.extend(&settings.hidden);
        sizes.push(1);
        let critic = Mlp::new(&sizes, 1.0, mix(seed, 2, 0));
        let adam = |n_parameters: usize| {
            let rate = AdamSettings {
                learning_rate: 1.0,
                ..AdamSettings::default()
            };
            Adam::new(n_parameters, rate)
        };
        let lanes: Vec<Lane> = environments
            .into_iter()
            .enumerate()
            .map(|(place, environment)| Lane::new(place as u64, environment, &spaces, seed))
            .collect();
        Ok(Self {
            records: vec![Record::new(&policy, settings.rollout_steps); lanes.len()],
            of_actor: adam(policy.actor.parameters().len()),
            of_log_std: adam(policy.log_std.len()),
            of_critic: adam(critic.parameters().len()),
            returns: settings.normalise_rewards.then(|| Normaliser::new(1)),
            settings,
            seed,
            iterations: 0,
            steps: 0,
            policy,
            critic,
            lanes,
            tasks: Vec::new(),
        })
    }

    /// The policy as it is now.
    #[must_use]
    pub fn policy(&self) -> &Policy<F> {
        &self.policy
    }

    /// The network that estimates values, of observations as the policy's network takes them.
    #[must_use]
    pub fn critic(&self) -> &Mlp<F> {
        &self.critic
    }

    /// How it trains.
    #[must_use]
    pub fn settings(&self) -> &PpoSettings {
        &self.settings
    }

    /// Steps in all environments so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Whether all steps were taken.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.steps >= self.settings.total_steps
    }

    /// One rollout and one update.
    ///
    /// # Errors
    /// [`Error::Diverged`] where a loss or gradient is not finite; the networks are then as before the minibatch in which it was.
    pub fn iterate(&mut self) -> Result<Iteration> {
        let progress = self.steps as f64 / self.settings.total_steps as f64;
        self.roll_out(None);
        self.judge()?;
        let explained_variance = explained_variance(&self.records);
        self.iterations += 1;
        self.steps += (self.settings.rollout_steps * self.lanes.len()) as u64;
        let update = self.update(progress, false)?;
        let count = update.minibatches.max(1) as f64;
        Ok(Iteration {
            number: self.iterations,
            steps: self.steps,
            episodes: self
                .lanes
                .iter_mut()
                .flat_map(|lane| lane.ended.drain(..))
                .collect(),
            policy_loss: update.sums.policy_loss / count,
            value_loss: update.sums.value_loss / count,
            entropy: update.sums.entropy / count,
            approximate_kl: update.sums.kl / count,
            clip_fraction: update.sums.clipped / count,
            gradient_norm: update.gradient_norm / count,
            explained_variance,
            learning_rate: self.settings.learning_rate.at(progress),
            epochs: update.epochs,
        })
    }

    /// One rollout by a teacher, and one update towards what it did: the policy by the logarithm of its probability, the critic by
    /// the returns. It counts neither as steps nor in the schedules. Only for one discrete choice; others are left as they are.
    ///
    /// # Errors
    /// As for [`Self::iterate`].
    pub fn imitate(&mut self, teacher: &dyn Teacher) -> Result<()> {
        if !matches!(self.policy.spaces.action, ActionSpace::Discrete(_)) {
            return Ok(());
        }
        self.roll_out(Some(teacher));
        self.judge()?;
        self.iterations += 1;
        self.update(0.0, true)?;
        for lane in &mut self.lanes {
            lane.ended.clear();
        }
        Ok(())
    }

    // ── The rollout ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// Takes the steps, each thread in its share of the environments.
    fn roll_out(&mut self, teacher: Option<&dyn Teacher>) {
        let Self {
            settings,
            policy,
            returns,
            lanes,
            records,
            ..
        } = self;
        let (seed, iteration) = (self.seed, self.iterations);
        let share = lanes.len().div_ceil(rayon::current_num_threads()).max(1);
        lanes
            .par_chunks_mut(share)
            .zip(records.par_chunks_mut(share))
            .for_each(|(lanes, records)| {
                let mut random: Vec<Pcg64> = lanes
                    .iter()
                    .map(|lane| Pcg64::seed_from_u64(mix(seed, 3 + lane.place, iteration)))
                    .collect();
                let mut work = policy.workspace(lanes.len());
                records.iter_mut().for_each(Record::clear);
                for step_idx in 0..settings.rollout_steps {
                    let taken = Shard {
                        settings,
                        policy,
                        returns: returns.as_ref(),
                        teacher,
                        seed,
                    };
                    taken.step(step_idx, lanes, records, &mut random, &mut work);
                }
                for (lane, record) in lanes.iter().zip(records) {
                    policy.normalise(&lane.observation, &mut record.last);
                }
            });
        for lane in lanes {
            if let Some(normaliser) = &mut policy.normaliser {
                normaliser.merge(&lane.observed);
                lane.observed = Normaliser::new(lane.observation.len());
            }
            if let Some(returns) = returns {
                returns.merge(&lane.returned);
                lane.returned = Normaliser::new(1);
            }
        }
    }

    // ── Values and advantages ────────────────────────────────────────────────────────────────────────────────────────────────

    /// Values of all observations, and from them advantages and returns.
    fn judge(&mut self) -> Result<()> {
        let Self {
            settings,
            critic,
            records,
            ..
        } = self;
        let critic = &*critic;
        records
            .par_iter_mut()
            .try_for_each(|record| record.judge(settings, critic))?;
        // What was sampled by the old scale is learned by it; the next rollout goes by the new one.
        if let Some(normaliser) = &mut self.policy.normaliser {
            normaliser.settle();
        }
        if let Some(returns) = &mut self.returns {
            returns.settle();
        }
        Ok(())
    }

    // ── The update ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// Goes through the steps of the rollout `epochs` times.
    fn update(&mut self, progress: f64, imitates: bool) -> Result<Update> {
        let n_steps = self.settings.rollout_steps * self.lanes.len();
        let most = n_steps.div_ceil(self.settings.minibatches);
        self.make_tasks(most);
        let mut random = Pcg64::seed_from_u64(mix(self.seed, 0, self.iterations));
        let mut order: Vec<u32> = (0..u32::try_from(n_steps).unwrap_or(u32::MAX)).collect();
        let mut update = Update::default();
        'epochs: for _ in 0..self.settings.epochs {
            order.shuffle(&mut random);
            update = Update {
                epochs: update.epochs + 1,
                ..Update::default()
            };
            for minibatch in even_parts(&order, self.settings.minibatches) {
                let loss = Loss {
                    settings: &self.settings,
                    clip: self.settings.clip.at(progress),
                    policy: &self.policy,
                    critic: &self.critic,
                    records: &self.records,
                    minibatch,
                    advantages: advantage_scale(&self.settings, &self.records, minibatch),
                    imitates,
                };
                let sums = loss.gradients(&mut self.tasks);
                update.minibatches += 1;
                update.sums.add(&sums);
                let target = self.settings.target_kl.filter(|_| !imitates);
                if target.is_some_and(|most| sums.kl > 1.5 * most) {
                    break 'epochs;
                }
                update.gradient_norm += self.descend(progress)?;
            }
        }
        Ok(update)
    }

    fn make_tasks(&mut self, most: usize) {
        let n_parts = most.div_ceil(TASK_ROWS);
        if self.tasks.len() == 2 * n_parts {
            return;
        }
        let rows = TASK_ROWS.min(most);
        self.tasks = (0..n_parts)
            .flat_map(|part| [(Network::Actor, part), (Network::Critic, part)])
            .map(|(network, part)| {
                let of = match network {
                    Network::Actor => &self.policy.actor,
                    Network::Critic => &self.critic,
                };
                Task {
                    network,
                    part,
                    work: Workspace::new(of, rows),
                    observations: Vec::with_capacity(rows * of.inputs()),
                    by_output: Vec::with_capacity(rows * of.outputs()),
                    row: Row::default(),
                    gradients: vec![F::zero(); of.parameters().len()],
                    by_log_std: vec![F::zero(); self.policy.log_std.len()],
                    sums: Sums::default(),
                }
            })
            .collect();
    }

    /// One step of Adam in both networks against the sum of all parts' gradients; the length of that before it was shortened.
    fn descend(&mut self, progress: f64) -> Result<f64> {
        // The parts beyond the first are added to it, in order.
        let n_networks = 2.min(self.tasks.len());
        let (first, others) = self.tasks.split_at_mut(n_networks);
        for task in others.iter() {
            if let Some(sum) = first.iter_mut().find(|it| it.network == task.network) {
                add(&mut sum.gradients, &task.gradients);
                add(&mut sum.by_log_std, &task.by_log_std);
            }
        }
        let [actor, critic] = first else {
            return Ok(0.0);
        };
        let norms = [&actor.gradients, &actor.by_log_std, &critic.gradients].map(|part| norm(part));
        let length = norms.iter().map(|norm| norm * norm).sum::<f64>().sqrt();
        if !length.is_finite() {
            return Err(Error::Diverged {
                reason: format!(
                    "the gradient is not finite in iteration {}",
                    self.iterations
                ),
            });
        }
        let most = self.settings.max_gradient_norm;
        if length > most {
            let factor = F::of(most / length);
            for part in [
                &mut actor.gradients,
                &mut actor.by_log_std,
                &mut critic.gradients,
            ] {
                part.iter_mut().for_each(|value| *value *= factor);
            }
        }
        let rate = self.settings.learning_rate.at(progress);
        self.of_actor
            .step(self.policy.actor.parameters_mut(), &actor.gradients, rate);
        self.of_log_std
            .step(&mut self.policy.log_std, &actor.by_log_std, rate);
        self.of_critic
            .step(self.critic.parameters_mut(), &critic.gradients, rate);
        Ok(length)
    }
}

/// What an update came to: sums over the minibatches of its last epoch.
#[derive(Debug, Default)]
struct Update {
    sums: Sums,
    gradient_norm: f64,
    minibatches: usize,
    epochs: usize,
}

/// What a thread needs to take steps in its share of the environments.
struct Shard<'a, F> {
    settings: &'a PpoSettings,
    policy: &'a Policy<F>,
    returns: Option<&'a Normaliser>,
    teacher: Option<&'a dyn Teacher>,
    seed: u64,
}

impl<F: Real> Shard<'_, F> {
    /// One step in each environment.
    fn step(
        &self,
        step_idx: usize,
        lanes: &mut [Lane],
        records: &mut [Record<F>],
        random: &mut [impl Rng],
        work: &mut PolicyWork<F>,
    ) {
        let width = self.policy.spaces.observation;
        for ((lane, record), to) in lanes
            .iter_mut()
            .zip(records.iter_mut())
            .zip(work.observations.chunks_exact_mut(width.max(1)))
        {
            self.policy.normalise(&lane.observation, to);
            record.observations.extend_from_slice(to);
            record.masks.extend_from_slice(&lane.mask);
            if self.policy.normaliser.is_some() {
                let raw = lane.observation.iter().map(|value| f64::from(*value));
                lane.observed.push(raw);
            }
        }
        let outputs = self
            .policy
            .actor
            .pass(&work.observations, &mut work.network);
        let outputs = outputs.chunks_exact(self.policy.actor.outputs().max(1));
        for (((lane, record), random), output) in
            lanes.iter_mut().zip(records).zip(random).zip(outputs)
        {
            let n_actions = self.policy.action_len();
            let at = record.actions.len();
            record.actions.resize(at + n_actions, F::zero());
            let action = record.actions.get_mut(at..).unwrap_or_default();
            let log_probability =
                self.policy
                    .sample(output, &lane.mask, random, &mut work.row, action);
            if let (Some(teacher), Some(choice)) = (self.teacher, action.first_mut()) {
                *choice = F::of(f64::from(teacher.action(&lane.observation, &lane.mask)));
            }
            record.log_probabilities.push(log_probability);
            let step = lane.take(&self.policy.spaces.action, action);
            lane.episode.add(&step);
            let mut reward = f64::from(step.reward);
            if let Some(returns) = self.returns {
                lane.discounted_return = lane.discounted_return * self.settings.discount + reward;
                lane.returned.push([lane.discounted_return]);
                reward = returns.scale(reward);
            }
            record.rewards.push(F::of(reward));
            record.terminated.push(step.terminated);
            record.truncated.push(step.truncated && !step.terminated);
            if step.terminated || step.truncated {
                if !step.terminated {
                    let mut last = vec![F::zero(); width];
                    self.policy.normalise(&lane.observation, &mut last);
                    record.finals.push((step_idx, last));
                }
                lane.end(self.seed);
            }
        }
    }
}

impl Lane {
    fn new(place: u64, environment: Box<dyn Environment>, spaces: &Spaces, seed: u64) -> Self {
        let mut lane = Self {
            place,
            environment,
            observation: vec![0.0; spaces.observation],
            mask: vec![true; spaces.action.mask_len()],
            begun: 0,
            episode: Episode::default(),
            discounted_return: 0.0,
            ended: Vec::new(),
            observed: Normaliser::new(spaces.observation),
            returned: Normaliser::new(1),
        };
        lane.begin(seed);
        lane
    }

    fn begin(&mut self, seed: u64) {
        let episode = mix(seed, (1 << 32) + self.place, self.begun);
        self.begun += 1;
        self.environment
            .reset(episode, &mut self.observation, &mut self.mask);
    }

    /// Notes the episode that ended and begins the next.
    fn end(&mut self, seed: u64) {
        self.ended.push(self.episode);
        self.episode = Episode::default();
        self.discounted_return = 0.0;
        self.begin(seed);
    }

    fn take<F: Real>(&mut self, space: &ActionSpace, action: &[F]) -> Step {
        take(
            self.environment.as_mut(),
            space,
            action,
            &mut self.observation,
            &mut self.mask,
        )
    }
}

/// Takes an action of a policy in an environment: choices from whole numbers, numbers within the ends of the space.
fn take<F: Real>(
    environment: &mut dyn Environment,
    space: &ActionSpace,
    action: &[F],
    observation: &mut [f32],
    mask: &mut [bool],
) -> Step {
    /// Parts that an action may have without a buffer being made for it.
    const FEW: usize = 16;
    match space {
        ActionSpace::Continuous { low, high } => {
            let numbers: Vec<f32> = action
                .iter()
                .zip(low.iter().zip(high))
                .map(|(value, (low, high))| clip(*value, *low, *high).wide() as f32)
                .collect();
            environment.step(Action::Continuous(&numbers), observation, mask)
        }
        _ => {
            let mut few = [0; FEW];
            let choice = |value: &F| value.to_u32().unwrap_or(0);
            if let Some(choices) = few.get_mut(..action.len()) {
                for (to, value) in choices.iter_mut().zip(action) {
                    *to = choice(value);
                }
                environment.step(Action::Discrete(choices), observation, mask)
            } else {
                let choices: Vec<u32> = action.iter().map(choice).collect();
                environment.step(Action::Discrete(&choices), observation, mask)
            }
        }
    }
}

impl<F: Real> Record<F> {
    fn new(policy: &Policy<F>, steps: usize) -> Self {
        let numbers = || Vec::with_capacity(steps);
        Self {
            observations: Vec::with_capacity(steps * policy.spaces.observation),
            masks: Vec::with_capacity(steps * policy.spaces.action.mask_len()),
            actions: Vec::with_capacity(steps * policy.action_len()),
            log_probabilities: numbers(),
            rewards: numbers(),
            terminated: Vec::with_capacity(steps),
            truncated: Vec::with_capacity(steps),
            values: vec![F::zero(); steps],
            next_values: vec![F::zero(); steps],
            advantages: vec![F::zero(); steps],
            returns: vec![F::zero(); steps],
            finals: Vec::new(),
            last: vec![F::zero(); policy.spaces.observation],
        }
    }

    /// Forgets the rollout before.
    fn clear(&mut self) {
        self.observations.clear();
        self.masks.clear();
        self.actions.clear();
        self.log_probabilities.clear();
        self.rewards.clear();
        self.terminated.clear();
        self.truncated.clear();
        self.finals.clear();
    }

    /// Values, advantages and returns of all steps.
    fn judge(&mut self, settings: &PpoSettings, critic: &Mlp<F>) -> Result<()> {
        let mut work = Workspace::new(critic, TASK_ROWS.min(self.values.len().max(1)));
        let rows = TASK_ROWS * critic.inputs().max(1);
        for (observations, values) in self
            .observations
            .chunks(rows)
            .zip(self.values.chunks_mut(TASK_ROWS))
        {
            values.copy_from_slice(critic.pass(observations, &mut work));
        }
        let mut value_of = |observation: &[F]| {
            let value = critic.pass(observation, &mut work);
            value.first().copied().unwrap_or_default()
        };
        for (next, value) in self.next_values.iter_mut().zip(self.values.iter().skip(1)) {
            *next = *value;
        }
        if let Some(next) = self.next_values.last_mut() {
            *next = value_of(&self.last);
        }
        for (step_idx, observation) in &self.finals {
            if let Some(next) = self.next_values.get_mut(*step_idx) {
                *next = value_of(observation);
            }
        }
        let column = |values| ndarray::aview1::<F>(values).insert_axis(ndarray::Axis(1));
        let flags = |values| ndarray::aview1::<bool>(values).insert_axis(ndarray::Axis(1));
        let found = advantages(
            &Trajectories {
                rewards: column(&self.rewards),
                values: column(&self.values),
                next_values: column(&self.next_values),
                terminated: flags(&self.terminated),
                truncated: flags(&self.truncated),
            },
            settings.discount,
            settings.gae_lambda,
        )?;
        for ((advantage, to_return), (found, value)) in self
            .advantages
            .iter_mut()
            .zip(&mut self.returns)
            .zip(found.iter().zip(&self.values))
        {
            *advantage = *found;
            *to_return = *found + *value;
        }
        Ok(())
    }

    /// Row `step_idx` of an array that has `width` numbers a step.
    fn row<T>(values: &[T], step_idx: usize, width: usize) -> &[T] {
        values
            .get(step_idx * width..(step_idx + 1) * width)
            .unwrap_or_default()
    }
}

// ── The loss ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// The loss of a minibatch of `n` steps:
///
/// ```text
/// L = − 1/n Σ min(r A, clip(r, 1 − ε, 1 + ε) A) − entropy_weight · 1/n Σ H + value_weight · 1/2n Σ (V − R)²
/// ```
///
/// with `r = π(a | s) ÷ π_old(a | s)`. With `clip_value` the last term is the greater of it and of the same with
/// `V_old + clip(V − V_old, −ε, ε)` for `V`.
struct Loss<'a, F> {
    settings: &'a PpoSettings,
    clip: f64,
    policy: &'a Policy<F>,
    critic: &'a Mlp<F>,
    records: &'a [Record<F>],
    /// Steps, numbered through all environments.
    minibatch: &'a [u32],
    /// What is taken from an advantage, and what it is then multiplied by.
    advantages: (F, F),
    /// Whether the policy is to do what was done, whatever came of it.
    imitates: bool,
}

impl<F: Real> Loss<'_, F> {
    /// Writes the gradients of all parts into the tasks; the means over the minibatch.
    fn gradients(&self, tasks: &mut [Task<F>]) -> Sums {
        tasks.par_iter_mut().for_each(|task| {
            task.gradients.fill(F::zero());
            task.by_log_std.fill(F::zero());
            task.sums = Sums::default();
            if let Some(part) = self.minibatch.chunks(TASK_ROWS).nth(task.part) {
                self.go_through(part, task);
            }
        });
        let mut sums = Sums::default();
        for task in tasks {
            sums.add(&task.sums);
        }
        let n = self.minibatch.len().max(1) as f64;
        Sums {
            policy_loss: sums.policy_loss / n,
            value_loss: sums.value_loss / n,
            entropy: sums.entropy / n,
            kl: sums.kl / n,
            clipped: sums.clipped / n,
        }
    }

    /// The environment and the step in it.
    fn place(&self, number: u32) -> Option<(&Record<F>, usize)> {
        let steps = self.settings.rollout_steps;
        let number = number as usize;
        Some((self.records.get(number / steps)?, number % steps))
    }

    fn go_through(&self, part: &[u32], task: &mut Task<F>) {
        let network = match task.network {
            Network::Actor => &self.policy.actor,
            Network::Critic => self.critic,
        };
        task.observations.clear();
        for (record, step_idx) in part.iter().filter_map(|number| self.place(*number)) {
            let row = Record::<F>::row(&record.observations, step_idx, network.inputs());
            task.observations.extend_from_slice(row);
        }
        let outputs = network.pass(&task.observations, &mut task.work);
        task.by_output.clear();
        task.by_output.resize(outputs.len(), F::zero());
        let rows = outputs
            .chunks_exact(network.outputs().max(1))
            .zip(task.by_output.chunks_exact_mut(network.outputs().max(1)));
        let steps = part.iter().filter_map(|number| self.place(*number));
        for ((record, step_idx), (output, by_output)) in steps.zip(rows) {
            match task.network {
                Network::Actor => self.of_policy(
                    record,
                    step_idx,
                    output,
                    by_output,
                    &mut task.by_log_std,
                    &mut task.row,
                    &mut task.sums,
                ),
                Network::Critic => {
                    self.of_value(record, step_idx, output, by_output, &mut task.sums);
                }
            }
        }
        network.backward(&task.by_output, &mut task.work, &mut task.gradients);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one step of a minibatch, and where its parts of the sums go"
    )]
    fn of_policy(
        &self,
        record: &Record<F>,
        step_idx: usize,
        output: &[F],
        by_output: &mut [F],
        by_log_std: &mut [F],
        row: &mut Row<F>,
        sums: &mut Sums,
    ) {
        let mask = Record::<F>::row(
            &record.masks,
            step_idx,
            self.policy.spaces.action.mask_len(),
        );
        let action = Record::<F>::row(&record.actions, step_idx, self.policy.action_len());
        let (Some(old), Some(advantage)) = (
            record.log_probabilities.get(step_idx),
            record.advantages.get(step_idx),
        ) else {
            return;
        };
        let (shift, factor) = self.advantages;
        let advantage = (*advantage - shift) * factor;
        let (log_probability, entropy) = self.policy.look_up(output, mask, action, row);
        let log_ratio = log_probability - *old;
        let ratio = log_ratio.exp();
        let (low, high) = (F::of(1.0 - self.clip), F::of(1.0 + self.clip));
        let (free, bound) = (ratio * advantage, ratio.max(low).min(high) * advantage);
        let n = F::of(self.minibatch.len() as f64);
        // Where the clipped one is less, the loss doesn't move with the policy.
        let (by_log_probability, by_entropy) = if self.imitates {
            (-F::one() / n, F::zero())
        } else {
            let moves = bound >= free;
            let by = if moves { -free / n } else { F::zero() };
            (by, -F::of(self.settings.entropy_weight) / n)
        };
        self.policy.slopes(
            output,
            action,
            row,
            by_log_probability,
            by_entropy,
            by_output,
            by_log_std,
        );
        sums.policy_loss -= free.min(bound).wide();
        sums.entropy += entropy.wide();
        sums.kl += (ratio - F::one() - log_ratio).wide();
        sums.clipped += f64::from(u8::from(ratio < low || ratio > high));
    }

    fn of_value(
        &self,
        record: &Record<F>,
        step_idx: usize,
        output: &[F],
        by_output: &mut [F],
        sums: &mut Sums,
    ) {
        let (Some(value), Some(slope), Some(old), Some(wanted)) = (
            output.first(),
            by_output.first_mut(),
            record.values.get(step_idx),
            record.returns.get(step_idx),
        ) else {
            return;
        };
        let mut error = *value - *wanted;
        let mut moves = true;
        if self.settings.clip_value {
            let clip = F::of(self.clip);
            let moved = *value - *old;
            let bound = *old + moved.max(-clip).min(clip) - *wanted;
            if bound * bound > error * error {
                error = bound;
                moves = moved.abs() <= clip;
            }
        }
        let n = F::of(self.minibatch.len() as f64);
        *slope = if moves {
            F::of(self.settings.value_weight) * error / n
        } else {
            F::zero()
        };
        sums.value_loss += 0.5 * error.wide() * error.wide();
    }
}

/// What is taken from the advantages of a minibatch and what they are multiplied by.
fn advantage_scale<F: Real>(
    settings: &PpoSettings,
    records: &[Record<F>],
    minibatch: &[u32],
) -> (F, F) {
    if !settings.normalise_advantages || minibatch.len() < 2 {
        return (F::zero(), F::one());
    }
    let advantage = |number: &u32| {
        let number = *number as usize;
        let record = records.get(number / settings.rollout_steps);
        let value =
            record.and_then(|record| record.advantages.get(number % settings.rollout_steps));
        value.map_or(0.0, |value| value.wide())
    };
    let n = minibatch.len() as f64;
    let mean = minibatch.iter().map(advantage).sum::<f64>() / n;
    let squares: f64 = minibatch
        .iter()
        .map(|number| (advantage(number) - mean).powi(2))
        .sum();
    let deviation = (squares / (n - 1.0)).sqrt();
    (F::of(mean), F::of(1.0 / (deviation + 1e-8)))
}

/// How much of the variance of the returns the values tell.
fn explained_variance<F: Real>(records: &[Record<F>]) -> f64 {
    let (mut returns, mut errors) = (Normaliser::new(1), Normaliser::new(1));
    for record in records {
        for (to_return, value) in record.returns.iter().zip(&record.values) {
            returns.push([to_return.wide()]);
            errors.push([(*to_return - *value).wide()]);
        }
    }
    match (returns.deviations().next(), errors.deviations().next()) {
        (Some(of_returns), Some(of_errors)) if of_returns > 0.0 => {
            1.0 - (of_errors / of_returns).powi(2)
        }
        _ => f64::NAN,
    }
}

fn add<F: Real>(sum: &mut [F], other: &[F]) {
    for (sum, value) in sum.iter_mut().zip(other) {
        *sum += *value;
    }
}

/// As many parts as asked for, whose lengths differ by one at most.
fn even_parts<T>(values: &[T], n_parts: usize) -> impl Iterator<Item = &[T]> {
    let (short, n_longer) = (values.len() / n_parts, values.len() % n_parts);
    let mut left = values;
    (0..n_parts).map(move |idx| {
        let (part, rest) = left.split_at(short + usize::from(idx < n_longer));
        left = rest;
        part
    })
}

/// A seed for one use of many, by SplitMix64's finaliser.
fn mix(seed: u64, stream: u64, number: u64) -> u64 {
    let scramble = |value: u64| {
        let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    };
    let step = 0x9e37_79b9_7f4a_7c15u64;
    let stream = scramble(seed.wrapping_add(step).wrapping_add(scramble(stream)));
    scramble(stream.wrapping_add(step.wrapping_mul(number.wrapping_add(1))))
}

/// Plays episodes by the likeliest actions of a policy, one after the other; deterministic in `seed`.
pub fn evaluate<F: Real>(
    policy: &Policy<F>,
    environment: &mut dyn Environment,
    n_episodes: usize,
    seed: u64,
) -> Vec<Episode> {
    let space = environment.spaces().action;
    let (mut work, mut action) = (policy.workspace(1), vec![F::zero(); policy.action_len()]);
    let seeds = (0..n_episodes).map(|number| mix(seed, 1 << 33, number as u64));
    play(environment, seeds, |environment, observation, mask| {
        policy.best(observation, mask, &mut work, &mut action);
        take(environment, &space, &action, observation, mask)
    })
}

#[cfg(test)]
mod tests;
