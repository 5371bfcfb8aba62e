//! The roles on which learners train.

/// A reinforcement-learning environment over slices, so that a batch of them is one buffer.
///
/// The protocol is Gymnasium's: `reset`, then `step` until `terminated` (the task is over) or `truncated`
/// (time is up), then `reset` again; a step after an end is an error of the caller and leaves all as it is.
/// Same seed and actions, same trajectory, to the bit.
///
/// ```
/// use ibn_core::roles::{Action, ActionSpace, Environment, Spaces, Step};
///
/// /// One step: the reward is 1 for the choice that the observation names.
/// #[derive(Default)]
/// struct Echo(u32);
///
/// impl Environment for Echo {
///     fn spaces(&self) -> Spaces {
///         Spaces { observation: 1, action: ActionSpace::Discrete(2) }
///     }
///
///     fn reset(&mut self, seed: u64, observation: &mut [f32], mask: &mut [bool]) {
///         self.0 = (seed % 2) as u32;
///         observation[0] = self.0 as f32;
///         mask.fill(true);
///     }
///
///     fn step(&mut self, action: Action<'_>, observation: &mut [f32], mask: &mut [bool]) -> Step {
///         let right = matches!(action, Action::Discrete([choice]) if *choice == self.0);
///         observation[0] = self.0 as f32;
///         mask.fill(true);
///         Step { reward: f32::from(u8::from(right)), terminated: true, truncated: false }
///     }
///
///     fn snapshot(&self) -> Vec<u8> {
///         vec![self.0 as u8]
///     }
///
///     fn restore(&mut self, snapshot: &[u8]) -> ibn_core::Result<()> {
///         match snapshot {
///             [number @ 0..=1] => self.0 = u32::from(*number),
///             _ => return Err(ibn_core::Error::invalid("the snapshot", "it is not of an echo")),
///         }
///         Ok(())
///     }
/// }
///
/// let (mut echo, mut observation, mut mask) = (Echo::default(), [0.0], [false; 2]);
/// echo.reset(3, &mut observation, &mut mask);
/// assert_eq!(observation, [1.0]);
/// assert_eq!(echo.step(Action::Discrete(&[1]), &mut observation, &mut mask).reward, 1.0);
/// ```
pub trait Environment: Send {
    /// The shapes of observations and actions; they never change.
    fn spaces(&self) -> Spaces;

    /// Begins an episode and writes the first observation.
    ///
    /// `observation` has `spaces().observation` numbers; `mask` has `spaces().action.mask_len()` entries,
    /// true for what is allowed.
    fn reset(&mut self, seed: u64, observation: &mut [f32], mask: &mut [bool]);

    /// Takes an action and writes the observation that follows, at the end of an episode the final one.
    fn step(&mut self, action: Action<'_>, observation: &mut [f32], mask: &mut [bool]) -> Step;

    /// The whole state, for [`Environment::restore`].
    fn snapshot(&self) -> Vec<u8>;

    /// Goes back to a snapshot of an environment of the same kind.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for other data; the environment is then as before.
    fn restore(&mut self, snapshot: &[u8]) -> crate::Result<()>;
}

/// The shapes of an environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Spaces {
    /// Numbers in an observation.
    pub observation: usize,
    /// What an action is.
    pub action: ActionSpace,
}

/// What an action is.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionSpace {
    /// One of so many.
    Discrete(usize),
    /// One of so many, for each part.
    MultiDiscrete(Vec<usize>),
    /// So many numbers, each between the two ends.
    Continuous {
        /// The least values.
        low: Vec<f32>,
        /// The greatest values.
        high: Vec<f32>,
    },
}

impl ActionSpace {
    /// Entries of a mask: one for each choice of each part; none for continuous actions.
    #[must_use]
    pub fn mask_len(&self) -> usize {
        match self {
            Self::Discrete(choices) => *choices,
            Self::MultiDiscrete(parts) => parts.iter().sum(),
            Self::Continuous { .. } => 0,
        }
    }
}

/// One action.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action<'a> {
    /// The index of the choice, or one for each part.
    Discrete(&'a [u32]),
    /// The numbers.
    Continuous(&'a [f32]),
}

/// What an action led to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Step {
    /// The reward.
    pub reward: f32,
    /// The task is over: nothing follows, and the value of what follows is zero.
    pub terminated: bool,
    /// Time is up: more would follow, and its value is to be estimated from the final observation.
    pub truncated: bool,
}

/// Makes environments of a distribution of scenarios.
///
/// ```
/// use ibn_core::roles::{Environment, ScenarioSource};
///
/// /// The same environment whatever is drawn.
/// struct Always<F>(F);
///
/// impl<F: Fn() -> Box<dyn Environment> + Send + Sync> ScenarioSource for Always<F> {
///     fn sample(&self, _level: f64, _seed: u64) -> Box<dyn Environment> {
///         (self.0)()
///     }
/// }
/// ```
pub trait ScenarioSource: Send + Sync {
    /// An environment drawn at `seed`; `level` from 0 (easy) to 1 (the full distribution) for a curriculum.
    fn sample(&self, level: f64, seed: u64) -> Box<dyn Environment>;
}
