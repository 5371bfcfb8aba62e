//! Deep Q-learning, from top to bottom: settings, what is kept, acting, the update, the loss.
//!
//! Mnih et al., "Human-level control through deep reinforcement learning" (Nature 518, 2015), with the choice of the next action by
//! the network that learns (van Hasselt, Guez and Silver, "Deep Reinforcement Learning with Double Q-learning", AAAI 2016),
//! replay by priority (Schaul, Quan, Antonoglou and Silver, "Prioritized Experience Replay", ICLR 2016), and returns over several
//! steps (Sutton, "Learning to Predict by the Methods of Temporal Differences", Machine Learning 3, 1988). Tanh, orthogonal
//! weights, Adam.
//!
//! Every iteration takes `train_every` steps in each environment, then learns from `gradient_steps` minibatches out of what was
//! gone through so far. What a mask forbids is neither taken nor counted on. All of it runs on the thread of the caller: the
//! minibatches are too small to be divided.

mod replay;
mod sum_tree;

use std::collections::VecDeque;

use ibn_core::roles::{Action, ActionSpace, Environment, Spaces};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::episodes::{Episode, play};
use crate::error::{Error, Faults, Result};
use crate::nn::{Adam, AdamSettings, Mlp, Real, Workspace, norm};
use crate::ppo::Schedule;
use replay::{Replay, Transition};

/// How to train; only with actions that are one choice of several.
#[derive(Debug, Clone, PartialEq)]
pub struct DqnSettings {
    /// Steps for the whole training; schedules end there.
    pub total_steps: u64,
    /// Steps, in all environments, before anything is learned.
    pub learning_starts: u64,
    /// Steps in each environment before each update.
    pub train_every: usize,
    /// Minibatches of an update.
    pub gradient_steps: usize,
    /// Transitions in a minibatch.
    pub minibatch: usize,
    /// Transitions that are kept.
    pub replay: usize,
    /// How likely transitions are drawn; uniformly where absent.
    pub priorities: Option<Priorities>,
    /// The step size of Adam.
    pub learning_rate: Schedule,
    /// The discount γ.
    pub discount: f64,
    /// Rewards that are added up before the value of what follows is estimated.
    pub return_steps: usize,
    /// Whether the network that learns chooses the action that the target network judges; otherwise the latter does both, and
    /// overestimates.
    pub double: bool,
    /// The target network follows after so many steps in all environments, at the end of the iteration in which they are over.
    pub target_every: u64,
    /// How far it then follows: 1 is a copy, less is a weighted mean with what it was.
    pub target_factor: f64,
    /// How often an action is drawn at random, at first and at last.
    pub epsilon: (f64, f64),
    /// The share of the training over which that goes down in a line from the first to the last.
    pub exploration_fraction: f64,
    /// The longest gradient.
    pub max_gradient_norm: f64,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
}

/// How transitions are preferred from which much is to be learned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Priorities {
    /// The power of the error by which a transition is drawn: 0 is uniformly, 1 in proportion.
    pub alpha: f64,
    /// How far the weight of a transition makes up for that, at first; in a line it goes up to 1, which is wholly, at the end of the
    /// training.
    pub beta: f64,
    /// What is added to every error, so that none is never drawn again.
    pub epsilon: f64,
}

impl Default for Priorities {
    /// What Schaul et al. use with the proportional variant.
    fn default() -> Self {
        Self {
            alpha: 0.6,
            beta: 0.4,
            epsilon: 1e-6,
        }
    }
}

impl Default for DqnSettings {
    /// What CleanRL's `dqn.py` uses, with priorities, the double estimate, and Stable-Baselines3's longest gradient.
    fn default() -> Self {
        Self {
            total_steps: 500_000,
            learning_starts: 10_000,
            train_every: 10,
            gradient_steps: 1,
            minibatch: 128,
            replay: 10_000,
            priorities: Some(Priorities::default()),
            learning_rate: Schedule::Constant(2.5e-4),
            discount: 0.99,
            return_steps: 1,
            double: true,
            target_every: 500,
            target_factor: 1.0,
            epsilon: (1.0, 0.05),
            exploration_fraction: 0.5,
            max_gradient_norm: 10.0,
            hidden: vec![120, 84],
        }
    }
}

impl DqnSettings {
    fn check(&self, environments: &[Box<dyn Environment>]) -> Result<()> {
        let mut faults = Faults::default();
        faults.in_range("total_steps", self.total_steps as f64, 1.0..=1e15);
        let starts = 0.0..=self.total_steps as f64;
        faults.in_range("learning_starts", self.learning_starts as f64, starts);
        faults.in_range("train_every", self.train_every as f64, 1.0..=1e6);
        faults.in_range("gradient_steps", self.gradient_steps as f64, 1.0..=1e6);
        faults.in_range("minibatch", self.minibatch as f64, 1.0..=1e5);
        faults.in_range("replay", self.replay as f64, 1.0..=1e8);
        let learning_rate = self.learning_rate.at(0.0);
        faults.in_range("learning_rate", learning_rate, 0.0..=1.0);
        faults.in_range("discount", self.discount, 0.0..=1.0);
        faults.in_range("return_steps", self.return_steps as f64, 1.0..=1e3);
        faults.in_range("target_every", self.target_every as f64, 1.0..=1e15);
        faults.in_range("target_factor", self.target_factor, 1e-9..=1.0);
        faults.in_range("epsilon.0", self.epsilon.0, 0.0..=1.0);
        faults.in_range("epsilon.1", self.epsilon.1, 0.0..=1.0);
        let fraction = self.exploration_fraction;
        faults.in_range("exploration_fraction", fraction, 0.0..=1.0);
        faults.in_range("max_gradient_norm", self.max_gradient_norm, 1e-9..=1e9);
        for width in &self.hidden {
            faults.in_range("hidden", *width as f64, 1.0..=4096.0);
        }
        if let Some(priorities) = &self.priorities {
            faults.in_range("priorities.alpha", priorities.alpha, 0.0..=1.0);
            faults.in_range("priorities.beta", priorities.beta, 0.0..=1.0);
            faults.in_range("priorities.epsilon", priorities.epsilon, 1e-12..=1.0);
        }
        let Some(first) = environments.first() else {
            faults.push("there is no environment".to_owned());
            return faults.finish("dqn");
        };
        let spaces = first.spaces();
        if !matches!(spaces.action, ActionSpace::Discrete(1..)) {
            faults.push(format!(
                "an action is {:?}, allowed is one choice of several",
                spaces.action
            ));
        }
        if let Some(place) = environments.iter().position(|it| it.spaces() != spaces) {
            faults.push(format!(
                "environment {place} has other spaces than the first"
            ));
        }
        faults.finish("dqn")
    }

    /// How often an action is drawn at random after so many steps.
    fn epsilon_at(&self, steps: u64) -> f64 {
        let (first, last) = self.epsilon;
        let whole = self.exploration_fraction * self.total_steps as f64;
        let steps = steps as f64;
        if steps < whole {
            first + (last - first) * steps / whole
        } else {
            last
        }
    }
}

/// The values of choices on an observation, and the best of them.
///
/// ```
/// use ibn_core::roles::{ActionSpace, Spaces};
/// use ibn_drl::dqn::QNetwork;
///
/// let spaces = Spaces { observation: 2, action: ActionSpace::Discrete(3) };
/// let network: QNetwork<f32> = QNetwork::new(&spaces, &[16], 1);
/// let mut work = network.workspace();
/// assert_eq!(network.values(&[0.5, -1.0], &mut work).len(), 3);
/// assert_eq!(network.best(&[0.5, -1.0], &[false, false, true], &mut work), 2, "the only one that the mask allows");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct QNetwork<F> {
    pub(crate) spaces: Spaces,
    pub(crate) network: Mlp<F>,
}

/// Buffers for decisions.
#[derive(Debug, Clone)]
pub struct QWork<F> {
    network: Workspace<F>,
    observation: Vec<F>,
}

impl<F: Real> QNetwork<F> {
    /// A network with these hidden layers that has learned nothing.
    #[must_use]
    pub fn new(spaces: &Spaces, hidden: &[usize], seed: u64) -> Self {
        let mut sizes = vec![spaces.observation];
        sizes.extend(hidden);
        sizes.push(spaces.action.mask_len());
        Self {
            spaces: spaces.clone(),
            network: Mlp::new(&sizes, 1.0, seed),
        }
    }

    /// The shapes that it is for.
    #[must_use]
    pub fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    /// The network itself.
    #[must_use]
    pub fn network(&self) -> &Mlp<F> {
        &self.network
    }

    /// Buffers for one observation at a time.
    #[must_use]
    pub fn workspace(&self) -> QWork<F> {
        QWork {
            network: Workspace::new(&self.network, 1),
            observation: Vec::with_capacity(self.spaces.observation),
        }
    }

    /// The discounted sum of rewards that is expected from each choice on, whatever a mask would say.
    ///
    /// `observation` has `spaces().observation` numbers.
    pub fn values<'w>(&self, observation: &[f32], work: &'w mut QWork<F>) -> &'w [F] {
        work.observation.clear();
        extend(&mut work.observation, observation);
        self.network.pass(&work.observation, &mut work.network)
    }

    /// The allowed choice with the greatest value, the first of equals; the first where none is allowed.
    ///
    /// `observation` has `spaces().observation` numbers, `mask` as many entries as there are choices.
    pub fn best(&self, observation: &[f32], mask: &[bool], work: &mut QWork<F>) -> u32 {
        greatest(self.values(observation, work), mask)
    }
}

/// The allowed place with the greatest value, the first of equals; the first where none is allowed.
fn greatest<F: Real>(values: &[F], mask: &[bool]) -> u32 {
    let mut best: Option<(u32, F)> = None;
    for (idx, (value, allowed)) in (0..).zip(values.iter().zip(mask)) {
        if *allowed && best.is_none_or(|(_, most)| *value > most) {
            best = Some((idx, *value));
        }
    }
    best.map_or(0, |(idx, _)| idx)
}

/// Observations as networks take them.
fn extend<F: Real>(to: &mut Vec<F>, observation: &[f32]) {
    to.extend(observation.iter().map(|value| F::of(f64::from(*value))));
}

/// What one iteration came to; the quantities are those that CleanRL logs.
#[derive(Debug, Clone, PartialEq)]
pub struct Iteration {
    /// Counted from 1.
    pub number: u64,
    /// Steps in all environments so far.
    pub steps: u64,
    /// Episodes that ended in this iteration.
    pub episodes: Vec<Episode>,
    /// How often an action was drawn at random, at its last step.
    pub epsilon: f64,
    /// What was learned; nothing before learning starts.
    pub update: Option<Update>,
}

/// What an update came to; means over its minibatches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Update {
    /// Huber's loss of the error of the values, weighted.
    pub td_loss: f64,
    /// The value of the choices that were taken.
    pub q_values: f64,
    /// Before it was shortened.
    pub gradient_norm: f64,
    /// The step size that was used.
    pub learning_rate: f64,
    /// How far weights made up for priorities: the β that was used.
    pub beta: f64,
}

impl Iteration {
    /// The mean reward of the episodes that ended; `None` where none did.
    #[must_use]
    pub fn mean_reward(&self) -> Option<f64> {
        Episode::mean_reward(&self.episodes)
    }
}

/// A training that goes on: environments, what was gone through in them, and networks.
///
/// ```
/// use ibn_core::roles::Environment;
/// use ibn_drl::classic::CartPole;
/// use ibn_drl::dqn::{Dqn, DqnSettings};
///
/// let environments = (0..2).map(|_| Box::new(CartPole::default()) as Box<dyn Environment>).collect();
/// let settings = DqnSettings { total_steps: 200, learning_starts: 100, ..DqnSettings::default() };
/// let mut dqn: Dqn<f32> = Dqn::new(settings, environments, 1)?;
/// while !dqn.is_done() {
///     let iteration = dqn.iterate()?;
///     assert_eq!(iteration.update.is_some(), iteration.steps >= 100);
/// }
/// assert_eq!(dqn.steps(), 200);
/// # Ok::<(), ibn_drl::Error>(())
/// ```
pub struct Dqn<F> {
    settings: DqnSettings,
    iterations: u64,
    steps: u64,
    /// The network that learns.
    online: QNetwork<F>,
    /// The one that follows it.
    target: Mlp<F>,
    adam: Adam<F>,
    lanes: Vec<Lane>,
    replay: Replay,
    /// For what is drawn from the replay.
    random: Pcg64,
    acting: Workspace<F>,
    observations: Vec<F>,
    batch: Batch<F>,
}

/// One environment and where it stands.
struct Lane {
    environment: Box<dyn Environment>,
    /// For episodes and what is tried in them.
    random: Pcg64,
    observation: Vec<f32>,
    mask: Vec<bool>,
    episode: Episode,
    ended: Vec<Episode>,
    /// Steps of which the return isn't known yet, the oldest first.
    open: VecDeque<Open>,
    /// Those that were closed, for their buffers.
    closed: Vec<Open>,
}

/// A step with what followed so far.
#[derive(Default)]
struct Open {
    observation: Vec<f32>,
    choice: u32,
    reward: f64,
    discount: f64,
}

/// Transitions to learn from, and the way through the networks.
struct Batch<F> {
    places: Vec<usize>,
    weights: Vec<f64>,
    observations: Vec<F>,
    nexts: Vec<F>,
    /// The choices in `nexts` whose values count.
    choices: Vec<u32>,
    /// What the values of the choices that were taken should be.
    targets: Vec<F>,
    /// By how much they are beyond.
    errors: Vec<f64>,
    work: Workspace<F>,
    by_output: Vec<F>,
    gradients: Vec<F>,
}

impl<F: Real> Dqn<F> {
    /// A training that begins at the first observation of each environment.
    ///
    /// # Errors
    /// [`Error::Settings`] with every fault of the settings, for no environments, where their spaces differ, or where an action isn't
    /// one choice of several.
    pub fn new(
        settings: DqnSettings,
        environments: Vec<Box<dyn Environment>>,
        seed: u64,
    ) -> Result<Self> {
        settings.check(&environments)?;
        // There is a first one: that was checked.
        let spaces = environments.first().map(|first| first.spaces());
        let spaces = spaces.unwrap_or(Spaces {
            observation: 0,
            action: ActionSpace::Discrete(0),
        });
        let mut seeds = Pcg64::seed_from_u64(seed);
        let online = QNetwork::new(&spaces, &settings.hidden, seeds.random());
        let target = online.network.clone();
        let adam = AdamSettings {
            learning_rate: 1.0,
            epsilon: 1e-8,
            ..AdamSettings::default()
        };
        let widths = (spaces.observation, spaces.action.mask_len());
        Ok(Self {
            iterations: 0,
            steps: 0,
            adam: Adam::new(target.parameters().len(), adam),
            replay: Replay::new(settings.replay, widths, settings.priorities),
            random: Pcg64::seed_from_u64(seeds.random()),
            acting: Workspace::new(&target, environments.len()),
            observations: Vec::new(),
            batch: Batch::new(&target, settings.minibatch),
            lanes: environments
                .into_iter()
                .map(|environment| Lane::new(environment, &spaces, seeds.random()))
                .collect(),
            settings,
            online,
            target,
        })
    }

    /// What it has learned so far.
    #[must_use]
    pub fn network(&self) -> &QNetwork<F> {
        &self.online
    }

    /// How it trains.
    #[must_use]
    pub fn settings(&self) -> &DqnSettings {
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

    /// Some steps and, once learning has started, one update.
    ///
    /// # Errors
    /// [`Error::Diverged`] where a loss or gradient is not finite; the networks are then as before the minibatch in which it was.
    pub fn iterate(&mut self) -> Result<Iteration> {
        let before = self.steps;
        let progress = before as f64 / self.settings.total_steps as f64;
        self.iterations += 1;
        let epsilon = self.act();
        let update = if self.steps >= self.settings.learning_starts && self.replay.len() > 0 {
            Some(self.update(progress)?)
        } else {
            None
        };
        let every = self.settings.target_every;
        if self.steps / every > before / every {
            self.follow();
        }
        Ok(Iteration {
            number: self.iterations,
            steps: self.steps,
            episodes: self
                .lanes
                .iter_mut()
                .flat_map(|lane| lane.ended.drain(..))
                .collect(),
            epsilon,
            update,
        })
    }

    // ── Acting ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// Takes the steps; the ε of the last.
    fn act(&mut self) -> f64 {
        let mut epsilon = 0.0;
        for _ in 0..self.settings.train_every {
            epsilon = self.settings.epsilon_at(self.steps);
            self.observations.clear();
            for lane in &self.lanes {
                extend(&mut self.observations, &lane.observation);
            }
            let network = &self.online.network;
            let values = network.pass(&self.observations, &mut self.acting);
            let values = values.chunks_exact(network.outputs().max(1));
            for (lane, values) in self.lanes.iter_mut().zip(values) {
                let choice = lane.choose(values, epsilon);
                lane.take(choice, &self.settings, &mut self.replay);
            }
            self.steps += self.lanes.len() as u64;
        }
        epsilon
    }

    // ── The update ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// Learns from `gradient_steps` minibatches.
    fn update(&mut self, progress: f64) -> Result<Update> {
        let settings = &self.settings;
        let first = settings.priorities.map_or(1.0, |it| it.beta);
        let beta = first + (1.0 - first) * progress.min(1.0);
        let learning_rate = settings.learning_rate.at(progress);
        let (count, minibatch) = (settings.gradient_steps, settings.minibatch);
        let (mut sums, mut gradient_norm) = (Sums::default(), 0.0);
        for _ in 0..count {
            self.replay.draw(
                minibatch,
                beta,
                &mut self.random,
                &mut self.batch.places,
                &mut self.batch.weights,
            );
            self.aim();
            let of_minibatch = self.compare();
            gradient_norm += self.descend(&of_minibatch, learning_rate)?;
            self.replay.rank(&self.batch.places, &self.batch.errors);
            sums.td_loss += of_minibatch.td_loss;
            sums.q_values += of_minibatch.q_values;
        }
        let count = count as f64;
        Ok(Update {
            td_loss: sums.td_loss / count,
            q_values: sums.q_values / count,
            gradient_norm: gradient_norm / count,
            learning_rate,
            beta,
        })
    }

    /// One step of Adam against the gradient; the length of that before it was shortened.
    fn descend(&mut self, sums: &Sums, learning_rate: f64) -> Result<f64> {
        let gradients = &mut self.batch.gradients;
        let length = norm(gradients);
        // The gradient of an error without end is finite, its loss isn't.
        if !(length.is_finite() && sums.td_loss.is_finite()) {
            return Err(Error::Diverged {
                reason: format!(
                    "the loss or its gradient is not finite in iteration {}",
                    self.iterations
                ),
            });
        }
        if length > self.settings.max_gradient_norm {
            let factor = F::of(self.settings.max_gradient_norm / length);
            gradients.iter_mut().for_each(|value| *value *= factor);
        }
        self.adam.step(
            self.online.network.parameters_mut(),
            gradients,
            learning_rate,
        );
        Ok(length)
    }

    /// Moves the target network towards the one that learns.
    fn follow(&mut self) {
        let online = self.online.network.parameters();
        let target = self.target.parameters_mut();
        if self.settings.target_factor == 1.0 {
            target.copy_from_slice(online);
            return;
        }
        let factor = F::of(self.settings.target_factor);
        for (target, online) in target.iter_mut().zip(online) {
            *target += factor * (*online - *target);
        }
    }

    // ── The loss ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
    //
    // Of a minibatch of `n` transitions, with Huber's function `h(δ)`, which is `δ² ÷ 2` up to `|δ| = 1` and goes on in a line:
    //
    //     L = 1/n Σ w h(Q(s, a) − y)     y = r + d Q⁻(s′, argmax Q(s′, ·))
    //
    // `Q⁻` is the target network, `argmax` is over what the mask of `s′` allows, and `d` is γ to the power of the steps, or 0 where
    // the task was over. `y` doesn't move with what is learned.

    /// What the values of the choices that were taken should be.
    fn aim(&mut self) {
        let Self {
            settings,
            replay,
            online,
            target,
            batch,
            ..
        } = self;
        batch.nexts.clear();
        for of in batch.places.iter().filter_map(|place| replay.get(*place)) {
            extend(&mut batch.nexts, of.next);
        }
        let n_choices = target.outputs().max(1);
        let judge = if settings.double {
            &online.network
        } else {
            &*target
        };
        let values = judge.pass(&batch.nexts, &mut batch.work);
        let transitions = batch.places.iter().filter_map(|place| replay.get(*place));
        batch.choices.clear();
        batch.choices.extend(
            transitions
                .zip(values.chunks_exact(n_choices))
                .map(|(of, values)| greatest(values, of.next_mask)),
        );
        let values = target.pass(&batch.nexts, &mut batch.work);
        let transitions = batch.places.iter().filter_map(|place| replay.get(*place));
        batch.targets.clear();
        batch.targets.extend(
            transitions
                .zip(&batch.choices)
                .zip(values.chunks_exact(n_choices))
                .map(|((of, choice), values)| {
                    let value = values.get(*choice as usize).copied().unwrap_or_default();
                    F::of(of.reward) + F::of(of.discount) * value
                }),
        );
    }

    /// How far the values are from that, with the gradient of the loss.
    fn compare(&mut self) -> Sums {
        let Self {
            replay,
            online,
            batch,
            ..
        } = self;
        let network = &online.network;
        batch.observations.clear();
        for of in batch.places.iter().filter_map(|place| replay.get(*place)) {
            extend(&mut batch.observations, of.observation);
        }
        let values = network.pass(&batch.observations, &mut batch.work);
        batch.by_output.clear();
        batch.by_output.resize(values.len(), F::zero());
        batch.errors.clear();
        let n_choices = network.outputs().max(1);
        let rows = values
            .chunks_exact(n_choices)
            .zip(batch.by_output.chunks_exact_mut(n_choices));
        let wanted = batch.weights.iter().zip(&batch.targets);
        let transitions = batch.places.iter().filter_map(|place| replay.get(*place));
        let n = batch.places.len().max(1) as f64;
        let mut sums = Sums::default();
        for ((of, (weight, target)), (values, slopes)) in transitions.zip(wanted).zip(rows) {
            let choice = of.choice as usize;
            let (Some(value), Some(slope)) = (values.get(choice), slopes.get_mut(choice)) else {
                continue;
            };
            let error = *value - *target;
            let (loss, by_error) = huber(error);
            *slope = F::of(weight / n) * by_error;
            sums.td_loss += weight * loss / n;
            sums.q_values += value.wide() / n;
            batch.errors.push(error.wide());
        }
        batch.gradients.fill(F::zero());
        network.backward(&batch.by_output, &mut batch.work, &mut batch.gradients);
        sums
    }
}

/// Means over a minibatch, and their sums over an update.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sums {
    td_loss: f64,
    q_values: f64,
}

/// Huber's function and its derivative; neither is a number where the error isn't.
fn huber<F: Real>(error: F) -> (f64, F) {
    let size = error.wide().abs();
    if size <= 1.0 {
        (0.5 * size * size, error)
    } else {
        (size - 0.5, error.signum())
    }
}

impl<F: Real> Batch<F> {
    fn new(network: &Mlp<F>, rows: usize) -> Self {
        Self {
            places: Vec::with_capacity(rows),
            weights: Vec::with_capacity(rows),
            observations: Vec::with_capacity(rows * network.inputs()),
            nexts: Vec::with_capacity(rows * network.inputs()),
            choices: Vec::with_capacity(rows),
            targets: Vec::with_capacity(rows),
            errors: Vec::with_capacity(rows),
            work: Workspace::new(network, rows),
            by_output: Vec::with_capacity(rows * network.outputs()),
            gradients: vec![F::zero(); network.parameters().len()],
        }
    }
}

impl Lane {
    fn new(environment: Box<dyn Environment>, spaces: &Spaces, seed: u64) -> Self {
        let mut lane = Self {
            environment,
            random: Pcg64::seed_from_u64(seed),
            observation: vec![0.0; spaces.observation],
            mask: vec![true; spaces.action.mask_len()],
            episode: Episode::default(),
            ended: Vec::new(),
            open: VecDeque::new(),
            closed: Vec::new(),
        };
        lane.begin();
        lane
    }

    fn begin(&mut self) {
        let seed = self.random.random();
        self.environment
            .reset(seed, &mut self.observation, &mut self.mask);
    }

    /// The best of what is allowed or, as often as `epsilon` says, any of it.
    fn choose<F: Real>(&mut self, values: &[F], epsilon: f64) -> u32 {
        if self.random.random::<f64>() >= epsilon {
            return greatest(values, &self.mask);
        }
        let n_allowed = self.mask.iter().filter(|allowed| **allowed).count();
        let nth = self.random.random_range(0..n_allowed.max(1));
        let allowed = (0..).zip(&self.mask).filter(|(_, allowed)| **allowed);
        allowed.map(|(choice, _)| choice).nth(nth).unwrap_or(0)
    }

    /// Takes a step, and hands to the replay those of which the return is now known.
    fn take(&mut self, choice: u32, settings: &DqnSettings, replay: &mut Replay) {
        let mut open = self.closed.pop().unwrap_or_default();
        open.observation.clear();
        open.observation.extend_from_slice(&self.observation);
        (open.choice, open.reward, open.discount) = (choice, 0.0, 1.0);
        self.open.push_back(open);
        let step = self.environment.step(
            Action::Discrete(&[choice]),
            &mut self.observation,
            &mut self.mask,
        );
        self.episode.add(&step);
        for open in &mut self.open {
            open.reward += open.discount * f64::from(step.reward);
            open.discount *= settings.discount;
        }
        let ends = step.terminated || step.truncated;
        while ends || self.open.len() >= settings.return_steps {
            let Some(open) = self.open.pop_front() else {
                break;
            };
            replay.push(&Transition {
                observation: &open.observation,
                choice: open.choice,
                reward: open.reward,
                discount: if step.terminated { 0.0 } else { open.discount },
                next: &self.observation,
                next_mask: &self.mask,
            });
            self.closed.push(open);
        }
        if ends {
            self.ended.push(self.episode);
            self.episode = Episode::default();
            self.begin();
        }
    }
}

/// Plays episodes by the best choices, one after the other; deterministic in `seed`.
pub fn evaluate<F: Real>(
    network: &QNetwork<F>,
    environment: &mut dyn Environment,
    n_episodes: usize,
    seed: u64,
) -> Vec<Episode> {
    let mut work = network.workspace();
    let mut random = Pcg64::seed_from_u64(seed);
    let seeds = (0..n_episodes).map(|_| random.random());
    play(environment, seeds, |environment, observation, mask| {
        let choice = network.best(observation, mask, &mut work);
        environment.step(Action::Discrete(&[choice]), observation, mask)
    })
}

#[cfg(test)]
mod tests;
