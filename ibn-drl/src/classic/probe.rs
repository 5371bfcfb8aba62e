//! Environments that ask one thing of a learner.

use ibn_core::roles::{Action, ActionSpace, Spaces};

use super::draws::Draws;
use super::episode::{Episode, Task, choice};

/// An environment of one or two steps that asks one thing of a learner; [`ProbeKind`] says which.
///
/// The order is that of what a learner needs: where one is learned and the next isn't, the fault lies in what the next one adds. They
/// are never truncated.
///
/// Andy Jones, "Debugging RL, Without the Agonizing Pain" (2021), "probe environments".
///
/// ```
/// use ibn_core::roles::{Action, Environment};
/// use ibn_drl::classic::{Probe, ProbeKind};
///
/// let (mut probe, mut seen, mut mask) = (Probe::new(ProbeKind::Context), [0.0], [false; 2]);
/// probe.reset(1, &mut seen, &mut mask);
/// let right = u32::from(seen[0] > 0.0);
/// assert_eq!(probe.step(Action::Discrete(&[right]), &mut seen, &mut mask).reward, 1.0);
/// ```
pub type Probe = Episode<ProbeState>;

/// What a [`Probe`] asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProbeKind {
    /// One choice, observation 0, one step, reward 1. The value of 0 must come to 1: the loss of the value, and its optimiser.
    Value,
    /// One choice, observation −1 or 1 by chance, one step, the observation as reward. The value of −1 must come to −1, of 1 to 1:
    /// that gradients reach the observation.
    Observation,
    /// One choice, observation 0 and then 1, two steps, reward 0 and then 1. The value of 1 must come to 1 and the value of 0 to the
    /// discount: that rewards are carried back.
    Discount,
    /// Two choices, observation 0, one step, reward −1 for choice 0 and 1 for choice 1. The policy must come to choice 1 and the
    /// value to 1: advantages, and the loss of the policy.
    Policy,
    /// Two choices, observation −1 or 1 by chance, one step, reward 1 for choice 0 at −1 and for choice 1 at 1, −1 otherwise. The
    /// policy must follow the observation and the value of both come to 1: that policy and value learn together, and that
    /// observations, actions and rewards of a batch aren't mixed up.
    Context,
}

impl ProbeKind {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [
        Self::Value,
        Self::Observation,
        Self::Discount,
        Self::Policy,
        Self::Context,
    ];

    /// The name of the environment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Value => "probe-value",
            Self::Observation => "probe-observation",
            Self::Discount => "probe-discount",
            Self::Policy => "probe-policy",
            Self::Context => "probe-context",
        }
    }

    fn choices(self) -> u32 {
        match self {
            Self::Policy | Self::Context => 2,
            Self::Value | Self::Observation | Self::Discount => 1,
        }
    }
}

/// The state of a [`Probe`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbeState {
    kind: ProbeKind,
    seen: f32,
}

impl Episode<ProbeState> {
    /// A probe at the start of seed 0.
    #[must_use]
    pub fn new(kind: ProbeKind) -> Self {
        Self::starting(ProbeState { kind, seen: 0.0 })
    }
}

/// −1 for choice 0, 1 for choice 1.
fn sign(choice: u32) -> f32 {
    if choice == 0 { -1.0 } else { 1.0 }
}

impl Task for ProbeState {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn time_limit(&self) -> u32 {
        u32::MAX
    }

    fn spaces(&self) -> Spaces {
        Spaces {
            observation: 1,
            action: ActionSpace::Discrete(self.kind.choices() as usize),
        }
    }

    fn begin(&mut self, seed: u64) {
        self.seen = match self.kind {
            ProbeKind::Observation | ProbeKind::Context => sign(Draws::new(seed).choice(2)),
            ProbeKind::Value | ProbeKind::Discount | ProbeKind::Policy => 0.0,
        };
    }

    fn act(&mut self, action: Action<'_>) -> Option<(f32, bool)> {
        let choice = choice(action, self.kind.choices())?;
        Some(match self.kind {
            ProbeKind::Value => (1.0, true),
            ProbeKind::Observation => (self.seen, true),
            ProbeKind::Discount if self.seen > 0.0 => (1.0, true),
            ProbeKind::Discount => {
                self.seen = 1.0;
                (0.0, false)
            }
            ProbeKind::Policy => (sign(choice), true),
            ProbeKind::Context => (sign(choice) * self.seen, true),
        })
    }

    fn observe(&self, observation: &mut [f32]) {
        observation.fill(self.seen);
    }

    fn is_possible(&self) -> bool {
        match self.kind {
            ProbeKind::Value | ProbeKind::Policy => self.seen == 0.0,
            ProbeKind::Observation | ProbeKind::Context => self.seen.abs() == 1.0,
            ProbeKind::Discount => self.seen == 0.0 || self.seen == 1.0,
        }
    }

    fn save(&self) -> Vec<u64> {
        vec![u64::from(self.seen.to_bits())]
    }

    fn load(&self, words: &[u64]) -> Option<Self> {
        let [seen] = <[u64; 1]>::try_from(words).ok()?;
        Some(Self {
            seen: f32::from_bits(u32::try_from(seen).ok()?),
            ..*self
        })
    }
}
