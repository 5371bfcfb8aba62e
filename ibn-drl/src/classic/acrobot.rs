//! Two links that hang, of which the lower is to be swung up.

use std::f64::consts::PI;

use ibn_core::roles::{Action, ActionSpace, Spaces};

use super::draws::Draws;
use super::episode::{Episode, Task, choice, put, within};

/// Two links that hang from a fixed point, with a motor in the joint between them, Gymnasium's `Acrobot-v1`.
///
/// - Observation, 6 numbers: cosine and sine of the angle of the first link (0 downwards), cosine and sine of the angle of the second
///   (relative to the first), and their velocities in rad/s, in [−4π, 4π] and [−9π, 9π].
/// - Action, one of 3: a torque of −1, 0, 1 N m on the joint between the links.
/// - Reward: −1 for each step that doesn't reach the height, 0 for the one that does.
/// - Start: both angles and velocities uniform in [−0.1, 0.1), rounded to single precision.
/// - Terminated where the tip is more than 1 m above the fixed point, `−cos θ₁ − cos(θ₁ + θ₂) > 1`; truncated after 500 steps.
///
/// A return of −100 on average over 100 episodes counts as solved. One step of the Runge–Kutta method of fourth order at 0.2 s, angles
/// wrapped to [−π, π], velocities cut to their bounds.
///
/// Sutton, "Generalization in Reinforcement Learning: Successful Examples Using Sparse Coarse Coding" (NIPS 1995), with the
/// equations of motion of Sutton and Barto, "Reinforcement Learning: An Introduction" (1998), section 11.3.
pub type Acrobot = Episode<AcrobotState>;

/// The state of an [`Acrobot`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AcrobotState {
    /// Angle of the first link in rad, 0 downwards, in [−π, π].
    pub angle1: f64,
    /// Angle of the second link relative to the first in rad, in [−π, π].
    pub angle2: f64,
    /// Velocity of the first angle in rad/s, in [−4π, 4π].
    pub velocity1: f64,
    /// Velocity of the second angle in rad/s, in [−9π, 9π].
    pub velocity2: f64,
}

const GRAVITY: f64 = 9.8;
/// Mass of each link in kg.
const MASS: f64 = 1.0;
/// Length of the first link in m.
const LENGTH: f64 = 1.0;
/// From the joint to the centre of mass of each link, in m.
const CENTRE: f64 = 0.5;
/// Moment of inertia of each link.
const INERTIA: f64 = 1.0;
/// Seconds a step.
const PERIOD: f64 = 0.2;
const FASTEST1: f64 = 4.0 * PI;
const FASTEST2: f64 = 9.0 * PI;

impl AcrobotState {
    /// Its name.
    pub const NAME: &'static str = "Acrobot-v1";

    fn numbers(self) -> [f64; 4] {
        [self.angle1, self.angle2, self.velocity1, self.velocity2]
    }
}

/// What the two angles and their velocities change by, a second.
fn slope([angle1, angle2, velocity1, velocity2]: [f64; 4], torque: f64) -> [f64; 4] {
    let (sin2, cos2) = angle2.sin_cos();
    let d1 = MASS * (CENTRE * CENTRE)
        + MASS * (LENGTH * LENGTH + CENTRE * CENTRE + 2.0 * LENGTH * CENTRE * cos2)
        + INERTIA
        + INERTIA;
    let d2 = MASS * (CENTRE * CENTRE + LENGTH * CENTRE * cos2) + INERTIA;
    let phi2 = MASS * CENTRE * GRAVITY * (angle1 + angle2 - PI / 2.0).cos();
    let phi1 = -MASS * LENGTH * CENTRE * (velocity2 * velocity2) * sin2
        - 2.0 * MASS * LENGTH * CENTRE * velocity2 * velocity1 * sin2
        + (MASS * CENTRE + MASS * LENGTH) * GRAVITY * (angle1 - PI / 2.0).cos()
        + phi2;
    let acceleration2 =
        (torque + d2 / d1 * phi1 - MASS * LENGTH * CENTRE * (velocity1 * velocity1) * sin2 - phi2)
            / (MASS * (CENTRE * CENTRE) + INERTIA - d2 * d2 / d1);
    let acceleration1 = -(d2 * acceleration2 + phi1) / d1;
    [velocity1, velocity2, acceleration1, acceleration2]
}

/// `at + time · slope`.
fn along(at: [f64; 4], time: f64, slope: [f64; 4]) -> [f64; 4] {
    let ([a, b, c, d], [e, f, g, h]) = (at, slope);
    [a + time * e, b + time * f, c + time * g, d + time * h]
}

fn wrap(mut angle: f64) -> f64 {
    while angle > PI {
        angle -= 2.0 * PI;
    }
    while angle < -PI {
        angle += 2.0 * PI;
    }
    angle
}

impl Task for AcrobotState {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn time_limit(&self) -> u32 {
        500
    }

    fn spaces(&self) -> Spaces {
        Spaces {
            observation: 6,
            action: ActionSpace::Discrete(3),
        }
    }

    fn begin(&mut self, seed: u64) {
        let mut draws = Draws::new(seed);
        let mut draw = || f64::from(draws.uniform(-0.1, 0.1) as f32);
        *self = Self {
            angle1: draw(),
            angle2: draw(),
            velocity1: draw(),
            velocity2: draw(),
        };
    }

    fn act(&mut self, action: Action<'_>) -> Option<(f32, bool)> {
        let torque = f64::from(choice(action, 3)?) - 1.0;
        let at = self.numbers();
        let k1 = slope(at, torque);
        let k2 = slope(along(at, PERIOD / 2.0, k1), torque);
        let k3 = slope(along(at, PERIOD / 2.0, k2), torque);
        let k4 = slope(along(at, PERIOD, k3), torque);
        let sum = along(along(along(k1, 2.0, k2), 2.0, k3), 1.0, k4);
        let [angle1, angle2, velocity1, velocity2] = along(at, PERIOD / 6.0, sum);
        *self = Self {
            angle1: wrap(angle1),
            angle2: wrap(angle2),
            velocity1: velocity1.clamp(-FASTEST1, FASTEST1),
            velocity2: velocity2.clamp(-FASTEST2, FASTEST2),
        };
        let up = -self.angle1.cos() - (self.angle2 + self.angle1).cos() > 1.0;
        Some((if up { 0.0 } else { -1.0 }, up))
    }

    fn observe(&self, observation: &mut [f32]) {
        let ((sin1, cos1), (sin2, cos2)) = (self.angle1.sin_cos(), self.angle2.sin_cos());
        put(
            [cos1, sin1, cos2, sin2, self.velocity1, self.velocity2],
            observation,
        );
    }

    fn is_possible(&self) -> bool {
        within([
            (self.angle1, PI),
            (self.angle2, PI),
            (self.velocity1, FASTEST1),
            (self.velocity2, FASTEST2),
        ])
    }

    fn save(&self) -> Vec<u64> {
        self.numbers().map(f64::to_bits).to_vec()
    }

    fn load(&self, words: &[u64]) -> Option<Self> {
        let [angle1, angle2, velocity1, velocity2] =
            <[u64; 4]>::try_from(words).ok()?.map(f64::from_bits);
        Some(Self {
            angle1,
            angle2,
            velocity1,
            velocity2,
        })
    }
}
