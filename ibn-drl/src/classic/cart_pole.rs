//! A pole on a cart that is to be kept upright.

use ibn_core::roles::{Action, ActionSpace, Spaces};

use super::draws::Draws;
use super::episode::{Episode, Task, choice, put, within};

/// A pole on a cart that is pushed left or right, Gymnasium's `CartPole-v1`.
///
/// - Observation, 4 numbers: position of the cart in m, its velocity in m/s, angle of the pole from upright in rad (positive to the
///   right), its velocity in rad/s.
/// - Action, one of 2: a push of 10 N to the left, to the right.
/// - Reward: 1 for each step, the last one too.
/// - Start: each number uniform in [−0.05, 0.05).
/// - Terminated where the cart is more than 2.4 m off the middle or the pole more than 12° off upright; truncated after 500 steps.
///
/// A return of 475 on average over 100 episodes counts as solved. Euler's method at 0.02 s.
///
/// Barto, Sutton and Anderson, "Neuronlike Adaptive Elements That Can Solve Difficult Learning Control Problems" (IEEE Transactions
/// on Systems, Man, and Cybernetics 13(5), 1983), with no friction.
pub type CartPole = Episode<CartPoleState>;

/// The state of a [`CartPole`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CartPoleState {
    /// Position of the cart in m, 0 in the middle.
    pub position: f64,
    /// Its velocity in m/s.
    pub velocity: f64,
    /// Angle of the pole in rad, 0 upright, positive to the right.
    pub angle: f64,
    /// Its velocity in rad/s.
    pub angular_velocity: f64,
}

const GRAVITY: f64 = 9.8;
const POLE_MASS: f64 = 0.1;
const TOTAL_MASS: f64 = POLE_MASS + 1.0;
/// Half of the pole, in m.
const HALF_LENGTH: f64 = 0.5;
const POLE_MOMENT: f64 = POLE_MASS * HALF_LENGTH;
const FORCE: f64 = 10.0;
/// Seconds a step.
const PERIOD: f64 = 0.02;
const WIDEST: f64 = 2.4;
const STEEPEST: f64 = 12.0 * 2.0 * std::f64::consts::PI / 360.0;
/// Far beyond what 500 steps lead to, and small enough for all that follows to be finite.
const BOUND: f64 = 1e6;

impl CartPoleState {
    /// Its name.
    pub const NAME: &'static str = "CartPole-v1";

    fn numbers(self) -> [f64; 4] {
        [
            self.position,
            self.velocity,
            self.angle,
            self.angular_velocity,
        ]
    }
}

impl Task for CartPoleState {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn time_limit(&self) -> u32 {
        500
    }

    fn spaces(&self) -> Spaces {
        Spaces {
            observation: 4,
            action: ActionSpace::Discrete(2),
        }
    }

    fn begin(&mut self, seed: u64) {
        let mut draws = Draws::new(seed);
        let mut draw = || draws.uniform(-0.05, 0.05);
        *self = Self {
            position: draw(),
            velocity: draw(),
            angle: draw(),
            angular_velocity: draw(),
        };
    }

    #[inline]
    fn act(&mut self, action: Action<'_>) -> Option<(f32, bool)> {
        let force = match choice(action, 2)? {
            0 => -FORCE,
            _ => FORCE,
        };
        let (sin, cos) = self.angle.sin_cos();
        let push = (force + POLE_MOMENT * (self.angular_velocity * self.angular_velocity) * sin)
            / TOTAL_MASS;
        let angular_acceleration = (GRAVITY * sin - cos * push)
            / (HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * (cos * cos) / TOTAL_MASS));
        let acceleration = push - POLE_MOMENT * angular_acceleration * cos / TOTAL_MASS;
        self.position += PERIOD * self.velocity;
        self.velocity += PERIOD * acceleration;
        self.angle += PERIOD * self.angular_velocity;
        self.angular_velocity += PERIOD * angular_acceleration;
        let fallen = self.position.abs() > WIDEST || self.angle.abs() > STEEPEST;
        Some((1.0, fallen))
    }

    #[inline]
    fn observe(&self, observation: &mut [f32]) {
        put(self.numbers(), observation);
    }

    fn is_possible(&self) -> bool {
        within(self.numbers().map(|number| (number, BOUND)))
    }

    fn save(&self) -> Vec<u64> {
        self.numbers().map(f64::to_bits).to_vec()
    }

    fn load(&self, words: &[u64]) -> Option<Self> {
        let [position, velocity, angle, angular_velocity] =
            <[u64; 4]>::try_from(words).ok()?.map(f64::from_bits);
        Some(Self {
            position,
            velocity,
            angle,
            angular_velocity,
        })
    }
}
