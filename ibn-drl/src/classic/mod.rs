//! Small environments of which it is known what a learner comes to: classic control, probes, identities.
//!
//! | name | observation | action | an episode |
//! |---|---|---|---|
//! | `CartPole-v1` | 4 numbers | one of 2 | +1 a step, over when the pole falls, 500 steps at most |
//! | `Acrobot-v1` | 6 numbers | one of 3 | −1 a step until the tip is up, 500 steps at most |
//! | `MountainCar-v0` | 2 numbers | one of 3 | −1 a step until the car is up, 200 steps at most |
//! | `Pendulum-v1` | 3 numbers | 1 number | a cost for each step, always 200 steps |
//! | `probe-…` | 1 number | one of 1 or 2 | one or two steps; see [`ProbeKind`] |
//! | `identity-…` | what is to be answered | the same | +1 for a right answer, 100 steps; see [`Identity`] |
//!
//! Those of classic control follow Gymnasium's of the same name, step by step; what they draw at the start is of the same
//! distribution, but not of the same random numbers. With one difference: where the last step that is allowed also ends the task,
//! an episode is `terminated` and not `truncated`, since nothing follows of which a value could be estimated.
//!
//! All are an [`Episode`] of a [`Task`], and have in common:
//! - Every choice is allowed always.
//! - What is no action of the space (another kind, a choice that there is not, too few or too many numbers) leaves all as it is: the
//!   reward is 0 and the step isn't counted. So does every action after the end of the episode.
//! - Before the first `reset` they are at the start of seed 0.
//! - Same seed and actions, same trajectory, to the bit, on one machine; sines and cosines are the platform's.
//!
//! ```
//! use ibn_core::roles::{Action, Environment};
//! use ibn_drl::classic;
//!
//! let mut environment = classic::make("CartPole-v1")?;
//! let (mut observation, mut mask) = ([0.0; 4], [false; 2]);
//! environment.reset(7, &mut observation, &mut mask);
//! let mut steps = 0;
//! loop {
//!     // Towards the side to which the pole falls.
//!     let choice = u32::from(observation[2] + observation[3] > 0.0);
//!     let step = environment.step(Action::Discrete(&[choice]), &mut observation, &mut mask);
//!     steps += 1;
//!     if step.terminated || step.truncated {
//!         break;
//!     }
//! }
//! assert!(steps > 100, "{steps}");
//! # Ok::<(), ibn_core::Error>(())
//! ```

mod acrobot;
mod cart_pole;
mod draws;
mod episode;
mod identity;
mod mountain_car;
mod pendulum;
mod probe;
mod snapshot;

use ibn_core::roles::Environment;
use ibn_core::{Error, Result};

pub use acrobot::{Acrobot, AcrobotState};
pub use cart_pole::{CartPole, CartPoleState};
pub use episode::{Episode, Task};
pub use identity::{Identity, IdentityState};
pub use mountain_car::{MountainCar, MountainCarState};
pub use pendulum::{Pendulum, PendulumState};
pub use probe::{Probe, ProbeKind, ProbeState};

/// The names that [`make`] knows.
pub const NAMES: [&str; 12] = [
    CartPoleState::NAME,
    AcrobotState::NAME,
    MountainCarState::NAME,
    PendulumState::NAME,
    ProbeKind::Value.name(),
    ProbeKind::Observation.name(),
    ProbeKind::Discount.name(),
    ProbeKind::Policy.name(),
    ProbeKind::Context.name(),
    IdentityState::DISCRETE,
    IdentityState::MULTI_DISCRETE,
    IdentityState::CONTINUOUS,
];

/// An environment by its name, one of [`NAMES`]. The identities are of the sizes at which Stable-Baselines3 tests its learners:
/// four choices, two times four choices, numbers between −1 and 1 with a tolerance of 0.5.
///
/// # Errors
/// [`Error::NotFound`] for another name, with those that there are.
///
/// ```
/// use ibn_drl::classic;
///
/// assert!(classic::NAMES.iter().all(|name| classic::make(name).is_ok()));
/// let error = classic::make("CartPole-v2").err().map(|error| error.to_string());
/// assert!(error.is_some_and(|text| text.contains("`CartPole-v1`")));
/// ```
pub fn make(name: &str) -> Result<Box<dyn Environment>> {
    if let Some(kind) = ProbeKind::ALL.into_iter().find(|kind| kind.name() == name) {
        return Ok(Box::new(Probe::new(kind)));
    }
    Ok(match name {
        CartPoleState::NAME => Box::new(CartPole::default()),
        AcrobotState::NAME => Box::new(Acrobot::default()),
        MountainCarState::NAME => Box::new(MountainCar::default()),
        PendulumState::NAME => Box::new(Pendulum::default()),
        IdentityState::DISCRETE => Box::new(Identity::discrete(4)?),
        IdentityState::MULTI_DISCRETE => Box::new(Identity::multi_discrete(&[4, 4])?),
        IdentityState::CONTINUOUS => Box::new(Identity::continuous(-1.0, 1.0, 0.5)?),
        _ => {
            let known = NAMES.map(|name| format!("`{name}`")).join(", ");
            return Err(Error::NotFound {
                what: format!("environment `{name}` (there are {known})"),
            });
        }
    })
}
