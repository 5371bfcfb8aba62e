//! Episodes of a task: the count of steps, the limit on it, the end, snapshots.

use ibn_core::roles::{Action, Environment, Spaces, Step};
use ibn_core::{Error, Result};

use super::snapshot;

/// The state of a task with its rules; an [`Episode`] of it is an environment.
pub trait Task: Clone + Send {
    /// What it is called, in at most 255 bytes; snapshots of another name are refused.
    fn name(&self) -> &'static str;

    /// The steps after which an episode is truncated.
    fn time_limit(&self) -> u32;

    /// The shapes of observations and actions; they never change.
    fn spaces(&self) -> Spaces;

    /// Draws the state at the start of an episode.
    fn begin(&mut self, seed: u64);

    /// Takes an action: the reward, and whether the task is over. Nothing, with all as it was, for what is no action of the space.
    fn act(&mut self, action: Action<'_>) -> Option<(f32, bool)>;

    /// Writes what is observed.
    fn observe(&self, observation: &mut [f32]);

    /// Whether the rules hold for a state such as this: finite, and inside of the bounds.
    fn is_possible(&self) -> bool;

    /// The state as numbers, always as many.
    fn save(&self) -> Vec<u64>;

    /// The state of the same task that was saved as these numbers.
    fn load(&self, words: &[u64]) -> Option<Self>;
}

/// A task with its time limit, as an environment.
///
/// ```
/// use ibn_core::roles::{Action, Environment};
/// use ibn_drl::classic::{MountainCar, MountainCarState};
///
/// // From just below the goal, two steps before time is up.
/// let start = MountainCarState { position: 0.49, velocity: 0.03 };
/// let mut car = MountainCar::with_state(start, 198)?;
/// let step = car.step(Action::Discrete(&[2]), &mut [0.0; 2], &mut [false; 3]);
/// assert!(step.terminated && car.state().position >= 0.5 && car.steps() == 199);
/// # Ok::<(), ibn_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Episode<T> {
    state: T,
    steps: u32,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Not yet.
    Open,
    Terminated,
    Truncated,
}

impl<T: Task + Default> Default for Episode<T> {
    /// At the start of seed 0.
    fn default() -> Self {
        Self::starting(T::default())
    }
}

impl<T: Task> Episode<T> {
    /// The task at the start of seed 0, whatever state it is in.
    #[must_use]
    pub fn starting(mut task: T) -> Self {
        task.begin(0);
        Self {
            state: task,
            steps: 0,
            end: End::Open,
        }
    }

    /// An episode in a state of one's choice, after so many steps.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a state that is not finite or out of bounds, and where no step is left.
    pub fn with_state(state: T, steps: u32) -> Result<Self> {
        if !state.is_possible() {
            return Err(Error::invalid(
                "the state",
                format!("`{}` can't be in it", state.name()),
            ));
        }
        let limit = state.time_limit();
        if steps >= limit {
            return Err(Error::invalid(
                "the number of steps",
                format!("it is {steps}, an episode has {limit}"),
            ));
        }
        Ok(Self {
            state,
            steps,
            end: End::Open,
        })
    }

    /// The state, in full precision.
    #[must_use]
    pub fn state(&self) -> &T {
        &self.state
    }

    /// The steps of this episode so far.
    #[must_use]
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.state.name()
    }

    fn write(&self, observation: &mut [f32], mask: &mut [bool]) {
        self.state.observe(observation);
        mask.fill(true);
    }
}

impl<T: Task> Environment for Episode<T> {
    fn spaces(&self) -> Spaces {
        self.state.spaces()
    }

    fn reset(&mut self, seed: u64, observation: &mut [f32], mask: &mut [bool]) {
        self.state.begin(seed);
        (self.steps, self.end) = (0, End::Open);
        self.write(observation, mask);
    }

    #[inline]
    fn step(&mut self, action: Action<'_>, observation: &mut [f32], mask: &mut [bool]) -> Step {
        let mut reward = 0.0;
        if self.end == End::Open
            && let Some((earned, over)) = self.state.act(action)
        {
            reward = earned;
            self.steps += 1;
            if over {
                self.end = End::Terminated;
            } else if self.steps >= self.state.time_limit() {
                self.end = End::Truncated;
            }
        }
        self.write(observation, mask);
        Step {
            reward,
            terminated: self.end == End::Terminated,
            truncated: self.end == End::Truncated,
        }
    }

    fn snapshot(&self) -> Vec<u8> {
        let end = match self.end {
            End::Open => 0,
            End::Terminated => 1,
            End::Truncated => 2,
        };
        let mut words = vec![u64::from(self.steps), end];
        words.extend(self.state.save());
        snapshot::write(self.state.name(), &words)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<()> {
        let count = 2 + self.state.save().len();
        let words = snapshot::read(self.state.name(), count, snapshot)?;
        let restored = self.read(&words).ok_or_else(snapshot::impossible)?;
        *self = restored;
        Ok(())
    }
}

impl<T: Task> Episode<T> {
    fn read(&self, words: &[u64]) -> Option<Self> {
        let [steps, end, state @ ..] = words else {
            return None;
        };
        let state = self.state.load(state).filter(Task::is_possible)?;
        let (steps, limit) = (u32::try_from(*steps).ok()?, state.time_limit());
        let end = match end {
            0 if steps < limit => End::Open,
            1 if (1..=limit).contains(&steps) => End::Terminated,
            2 if steps == limit => End::Truncated,
            _ => return None,
        };
        Some(Self { state, steps, end })
    }
}

/// Writes numbers to an observation.
pub(super) fn put<const N: usize>(numbers: [f64; N], observation: &mut [f32]) {
    for (to, number) in observation.iter_mut().zip(numbers) {
        *to = number as f32;
    }
}

/// Whether each number lies between minus its bound and its bound; NaN doesn't.
pub(super) fn within<const N: usize>(numbers: [(f64, f64); N]) -> bool {
    numbers.iter().all(|(number, bound)| number.abs() <= *bound)
}

/// One of `choices`.
pub(super) fn choice(action: Action<'_>, choices: u32) -> Option<u32> {
    match action {
        Action::Discrete([choice]) if *choice < choices => Some(*choice),
        _ => None,
    }
}
