//! A pendulum that is to be swung up and held there.

use std::f64::consts::PI;

use ibn_core::roles::{Action, ActionSpace, Spaces};

use super::draws::Draws;
use super::episode::{Episode, Task, put, within};

/// A pendulum with a motor that is too weak to lift it at once, Gymnasium's `Pendulum-v1`.
///
/// - Observation, 3 numbers: cosine and sine of the angle (0 upright), its velocity in rad/s in [−8, 8].
/// - Action, 1 number: a torque in N m, cut to [−2, 2]; NaN is taken as 0.
/// - Reward: `−(θ² + 0.1 θ̇² + 0.001 u²)` of the state before the step, `θ` in [−π, π), `u` the torque; so between −16.3 and 0.
/// - Start: an angle uniform in [−π, π), a velocity uniform in [−1, 1).
/// - Never terminated; truncated after 200 steps.
///
/// There is no threshold that counts as solved; good policies have a return of about −150 on average. The velocity is
/// integrated first, the angle with what it then is, at 0.05 s. The angle isn't wrapped.
pub type Pendulum = Episode<PendulumState>;

/// The state of a [`Pendulum`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PendulumState {
    /// Angle in rad, 0 upright; it counts whole turns.
    pub angle: f64,
    /// Its velocity in rad/s, in [−8, 8].
    pub velocity: f64,
}

const GRAVITY: f64 = 10.0;
/// Length in m and mass in kg.
const LENGTH: f64 = 1.0;
const MASS: f64 = 1.0;
/// Seconds a step.
const PERIOD: f64 = 0.05;
const FASTEST: f64 = 8.0;
const STRONGEST: f32 = 2.0;
/// More turns than an episode has room for.
const BOUND: f64 = 1e6;

impl PendulumState {
    /// Its name.
    pub const NAME: &'static str = "Pendulum-v1";
}

impl Task for PendulumState {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn time_limit(&self) -> u32 {
        200
    }

    fn spaces(&self) -> Spaces {
        Spaces {
            observation: 3,
            action: ActionSpace::Continuous {
                low: vec![-STRONGEST],
                high: vec![STRONGEST],
            },
        }
    }

    fn begin(&mut self, seed: u64) {
        let mut draws = Draws::new(seed);
        *self = Self {
            angle: draws.uniform(-PI, PI),
            velocity: draws.uniform(-1.0, 1.0),
        };
    }

    fn act(&mut self, action: Action<'_>) -> Option<(f32, bool)> {
        let torque = match action {
            Action::Continuous([torque]) if torque.is_nan() => 0.0,
            Action::Continuous([torque]) => torque.clamp(-STRONGEST, STRONGEST),
            _ => return None,
        };
        let lean = (self.angle + PI).rem_euclid(2.0 * PI) - PI;
        // What depends on the torque alone is rounded to single precision, as NumPy does with an action of `float32`.
        let effort = f64::from(0.001 * (torque * torque));
        let lift = f64::from((3.0 / (MASS * (LENGTH * LENGTH))) as f32 * torque);
        let cost = lean * lean + 0.1 * (self.velocity * self.velocity) + effort;
        let fall = 3.0 * GRAVITY / (2.0 * LENGTH) * self.angle.sin();
        self.velocity = (self.velocity + (fall + lift) * PERIOD).clamp(-FASTEST, FASTEST);
        self.angle += self.velocity * PERIOD;
        Some((-cost as f32, false))
    }

    fn observe(&self, observation: &mut [f32]) {
        let (sin, cos) = self.angle.sin_cos();
        put([cos, sin, self.velocity], observation);
    }

    fn is_possible(&self) -> bool {
        within([(self.angle, BOUND), (self.velocity, FASTEST)])
    }

    fn save(&self) -> Vec<u64> {
        vec![self.angle.to_bits(), self.velocity.to_bits()]
    }

    fn load(&self, words: &[u64]) -> Option<Self> {
        let [angle, velocity] = <[u64; 2]>::try_from(words).ok()?.map(f64::from_bits);
        Some(Self { angle, velocity })
    }
}
