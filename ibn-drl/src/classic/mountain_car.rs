//! A car in a valley that is too weak to drive straight up.

use ibn_core::roles::{Action, ActionSpace, Spaces};

use super::draws::Draws;
use super::episode::{Episode, Task, choice, put};

/// A car in a valley that must swing to get up the hill, Gymnasium's `MountainCar-v0`.
///
/// - Observation, 2 numbers: position in [−1.2, 0.6], velocity a step in [−0.07, 0.07]. The height is `sin(3 · position)`.
/// - Action, one of 3: thrust to the left, none, to the right.
/// - Reward: −1 for each step, the last one too.
/// - Start: a position uniform in [−0.6, −0.4), at rest.
/// - Terminated at position 0.5 and beyond, unless it moves left; truncated after 200 steps.
///
/// A return of −110 on average over 100 episodes counts as solved. The left end stops the car.
///
/// Moore, "Efficient Memory-based Learning for Robot Control" (PhD thesis, University of Cambridge, 1990).
pub type MountainCar = Episode<MountainCarState>;

/// The state of a [`MountainCar`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MountainCarState {
    /// Where the car is, in [−1.2, 0.6].
    pub position: f64,
    /// What that changes by in a step, in [−0.07, 0.07].
    pub velocity: f64,
}

const LEFTMOST: f64 = -1.2;
const RIGHTMOST: f64 = 0.6;
const FASTEST: f64 = 0.07;
const GOAL: f64 = 0.5;
const THRUST: f64 = 0.001;
const GRAVITY: f64 = 0.0025;

impl MountainCarState {
    /// Its name.
    pub const NAME: &'static str = "MountainCar-v0";
}

impl Task for MountainCarState {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn time_limit(&self) -> u32 {
        200
    }

    fn spaces(&self) -> Spaces {
        Spaces {
            observation: 2,
            action: ActionSpace::Discrete(3),
        }
    }

    fn begin(&mut self, seed: u64) {
        *self = Self {
            position: Draws::new(seed).uniform(-0.6, -0.4),
            velocity: 0.0,
        };
    }

    fn act(&mut self, action: Action<'_>) -> Option<(f32, bool)> {
        let direction = f64::from(choice(action, 3)?) - 1.0;
        let pull = direction * THRUST + (3.0 * self.position).cos() * -GRAVITY;
        self.velocity = (self.velocity + pull).clamp(-FASTEST, FASTEST);
        self.position = (self.position + self.velocity).clamp(LEFTMOST, RIGHTMOST);
        if self.position <= LEFTMOST && self.velocity < 0.0 {
            self.velocity = 0.0;
        }
        Some((-1.0, self.position >= GOAL && self.velocity >= 0.0))
    }

    fn observe(&self, observation: &mut [f32]) {
        put([self.position, self.velocity], observation);
    }

    fn is_possible(&self) -> bool {
        (LEFTMOST..=RIGHTMOST).contains(&self.position) && self.velocity.abs() <= FASTEST
    }

    fn save(&self) -> Vec<u64> {
        vec![self.position.to_bits(), self.velocity.to_bits()]
    }

    fn load(&self, words: &[u64]) -> Option<Self> {
        let [position, velocity] = <[u64; 2]>::try_from(words).ok()?.map(f64::from_bits);
        Some(Self { position, velocity })
    }
}
