//! Environments whose right answer is what is observed.

use ibn_core::roles::{Action, ActionSpace, Spaces};
use ibn_core::{Error, Result};

use super::draws::Draws;
use super::episode::{Episode, Task};

/// The right action is what is observed: the smallest task for each kind of action.
///
/// - Observation: each choice as a row of zeros with a one at its place; a number as it is.
/// - Action: so many choices, or a number.
/// - Reward: 1 where all choices, or the number within the tolerance, are those that were observed before the step, else 0. NaN is
///   never right.
/// - What is to be answered is drawn anew for each step, uniformly.
/// - Never terminated; truncated after 100 steps, so that the best return is 100.
///
/// They are those of Stable-Baselines3 (`common/envs/identity_env.py`: `IdentityEnv`, `IdentityEnvMultiDiscrete`, `IdentityEnvBox`), whose
/// tests want a return of 90.
///
/// ```
/// use ibn_core::roles::{Action, Environment};
/// use ibn_drl::classic::Identity;
///
/// let mut identity = Identity::multi_discrete(&[2, 3])?;
/// let (mut seen, mut mask) = ([0.0; 5], [false; 5]);
/// identity.reset(7, &mut seen, &mut mask);
/// let answer = [u32::from(seen[1] > 0.0), if seen[2] > 0.0 { 0 } else { u32::from(seen[4] > 0.0) + 1 }];
/// assert_eq!(identity.step(Action::Discrete(&answer), &mut seen, &mut mask).reward, 1.0);
/// # Ok::<(), ibn_core::Error>(())
/// ```
pub type Identity = Episode<IdentityState>;

/// The state of an [`Identity`].
#[derive(Debug, Clone, PartialEq)]
pub struct IdentityState {
    asked: Asked,
    draws: Draws,
}

#[derive(Debug, Clone, PartialEq)]
enum Asked {
    Choices {
        name: &'static str,
        /// Of each part how many choices there are, and the right one.
        parts: Vec<(u32, u32)>,
    },
    Number {
        low: f32,
        high: f32,
        tolerance: f32,
        right: f32,
    },
}

/// The most choices of all parts together.
const MOST_CHOICES: usize = 65_536;

impl Episode<IdentityState> {
    /// One of so many choices.
    ///
    /// # Errors
    /// [`Error::Invalid`] for none, and for more than 65 536.
    pub fn discrete(choices: usize) -> Result<Self> {
        Self::of_choices(IdentityState::DISCRETE, &[choices])
    }

    /// One of so many choices for each part.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no part, for one without a choice, and for more than 65 536 choices together.
    pub fn multi_discrete(parts: &[usize]) -> Result<Self> {
        Self::of_choices(IdentityState::MULTI_DISCRETE, parts)
    }

    /// A number between two ends that is right within `tolerance`.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the ends lie in order within ±1e6, and for a tolerance that is negative or not finite.
    pub fn continuous(low: f32, high: f32, tolerance: f32) -> Result<Self> {
        let ends = -1e6..=1e6;
        if !(ends.contains(&low) && ends.contains(&high) && low < high) {
            let reason = format!("they are {low} and {high}, allowed are two in order within ±1e6");
            return Err(Error::invalid("the ends", reason));
        }
        if !(0.0..=f32::MAX).contains(&tolerance) {
            let reason = format!("it is {tolerance}, allowed is what is finite and not below 0");
            return Err(Error::invalid("the tolerance", reason));
        }
        Ok(Self::starting(IdentityState {
            asked: Asked::Number {
                low,
                high,
                tolerance,
                right: low,
            },
            draws: Draws::new(0),
        }))
    }

    fn of_choices(name: &'static str, parts: &[usize]) -> Result<Self> {
        let total = parts
            .iter()
            .fold(0usize, |sum, choices| sum.saturating_add(*choices));
        if parts.is_empty() || parts.contains(&0) || total > MOST_CHOICES {
            let reason =
                format!("they are {parts:?}, allowed is 1 or more each, at most {MOST_CHOICES}");
            return Err(Error::invalid("the choices", reason));
        }
        let parts = parts.iter().map(|choices| (*choices as u32, 0)).collect();
        Ok(Self::starting(IdentityState {
            asked: Asked::Choices { name, parts },
            draws: Draws::new(0),
        }))
    }
}

impl IdentityState {
    /// The name of those of one choice.
    pub const DISCRETE: &'static str = "identity-discrete";
    /// The name of those of several choices.
    pub const MULTI_DISCRETE: &'static str = "identity-multi-discrete";
    /// The name of those of a number.
    pub const CONTINUOUS: &'static str = "identity-continuous";

    fn ask(&mut self) {
        match &mut self.asked {
            Asked::Choices { parts, .. } => {
                for (choices, right) in parts {
                    *right = self.draws.choice(*choices);
                }
            }
            Asked::Number {
                low, high, right, ..
            } => *right = self.draws.uniform(f64::from(*low), f64::from(*high)) as f32,
        }
    }
}

impl Task for IdentityState {
    fn name(&self) -> &'static str {
        match &self.asked {
            Asked::Choices { name, .. } => name,
            Asked::Number { .. } => Self::CONTINUOUS,
        }
    }

    fn time_limit(&self) -> u32 {
        100
    }

    fn spaces(&self) -> Spaces {
        let action = match &self.asked {
            Asked::Number { low, high, .. } => ActionSpace::Continuous {
                low: vec![*low],
                high: vec![*high],
            },
            Asked::Choices { parts, name } => match parts.as_slice() {
                [(choices, _)] if *name == Self::DISCRETE => {
                    ActionSpace::Discrete(*choices as usize)
                }
                parts => ActionSpace::MultiDiscrete(
                    parts.iter().map(|(choices, _)| *choices as usize).collect(),
                ),
            },
        };
        Spaces {
            observation: action.mask_len().max(1),
            action,
        }
    }

    fn begin(&mut self, seed: u64) {
        self.draws = Draws::new(seed);
        self.ask();
    }

    fn act(&mut self, action: Action<'_>) -> Option<(f32, bool)> {
        let is_right = match (&self.asked, action) {
            (Asked::Choices { parts, .. }, Action::Discrete(answer)) => {
                let mut both = parts.iter().zip(answer);
                let is_action = answer.len() == parts.len()
                    && both.clone().all(|((choices, _), choice)| choice < choices);
                if !is_action {
                    return None;
                }
                both.all(|((_, right), choice)| choice == right)
            }
            (
                Asked::Number {
                    right, tolerance, ..
                },
                Action::Continuous([answer]),
            ) => (right - tolerance..=right + tolerance).contains(answer),
            _ => return None,
        };
        self.ask();
        Some((f32::from(u8::from(is_right)), false))
    }

    fn observe(&self, observation: &mut [f32]) {
        match &self.asked {
            Asked::Number { right, .. } => observation.fill(*right),
            Asked::Choices { parts, .. } => {
                observation.fill(0.0);
                let mut from = 0;
                for (choices, right) in parts {
                    if let Some(place) = observation.get_mut(from + *right as usize) {
                        *place = 1.0;
                    }
                    from += *choices as usize;
                }
            }
        }
    }

    fn is_possible(&self) -> bool {
        match &self.asked {
            Asked::Choices { parts, .. } => parts.iter().all(|(choices, right)| right < choices),
            // Rounded to single precision, a number may come to lie on the upper end.
            Asked::Number {
                low, high, right, ..
            } => (low..=high).contains(&right),
        }
    }

    /// What makes the task stands before what is asked, so that a snapshot of another one is refused.
    fn save(&self) -> Vec<u64> {
        let (seed, drawn) = self.draws.place();
        let mut words = vec![seed, drawn];
        match &self.asked {
            Asked::Choices { parts, .. } => {
                words.extend(parts.iter().map(|(choices, _)| u64::from(*choices)));
                words.extend(parts.iter().map(|(_, right)| u64::from(*right)));
            }
            Asked::Number {
                low,
                high,
                tolerance,
                right,
            } => words.extend([low, high, tolerance, right].map(|it| u64::from(it.to_bits()))),
        }
        words
    }

    fn load(&self, words: &[u64]) -> Option<Self> {
        let [seed, drawn, rest @ ..] = words else {
            return None;
        };
        let mut loaded = self.clone();
        loaded.draws = Draws::at(*seed, *drawn);
        match &mut loaded.asked {
            Asked::Choices { parts, .. } => {
                let (of, rights) = rest.split_at_checked(parts.len())?;
                for ((choices, right), (same, to)) in parts.iter_mut().zip(of.iter().zip(rights)) {
                    if *same != u64::from(*choices) {
                        return None;
                    }
                    *right = u32::try_from(*to).ok()?;
                }
            }
            Asked::Number {
                low,
                high,
                tolerance,
                right,
            } => {
                let [of @ .., to] = <[u64; 4]>::try_from(rest).ok()?;
                if of != [low, high, tolerance].map(|it| u64::from(it.to_bits())) {
                    return None;
                }
                *right = f32::from_bits(u32::try_from(to).ok()?);
            }
        }
        Some(loaded)
    }
}
