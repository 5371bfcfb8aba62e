//! Episodes, and playing some to their end.

use ibn_core::roles::{Environment, Step};

/// An episode, as far as it went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Episode {
    /// The sum of its rewards, as the environment gave them.
    pub reward: f64,
    /// Its steps.
    pub steps: u64,
}

impl Episode {
    /// Takes in a step.
    pub(crate) fn add(&mut self, step: &Step) {
        self.reward += f64::from(step.reward);
        self.steps += 1;
    }

    /// The mean reward of episodes; `None` of none.
    pub(crate) fn mean_reward(episodes: &[Self]) -> Option<f64> {
        let sum: f64 = episodes.iter().map(|episode| episode.reward).sum();
        (!episodes.is_empty()).then(|| sum / episodes.len() as f64)
    }
}

/// Plays an episode from each of `seeds` on, one after the other. `act` takes a step in the environment by what it last
/// observed and what is allowed, and overwrites both.
pub(crate) fn play<E: Environment + ?Sized>(
    environment: &mut E,
    seeds: impl Iterator<Item = u64>,
    mut act: impl FnMut(&mut E, &mut [f32], &mut [bool]) -> Step,
) -> Vec<Episode> {
    let spaces = environment.spaces();
    let mut observation = vec![0.0; spaces.observation];
    let mut mask = vec![true; spaces.action.mask_len()];
    seeds
        .map(|seed| {
            environment.reset(seed, &mut observation, &mut mask);
            let mut episode = Episode::default();
            loop {
                let step = act(environment, &mut observation, &mut mask);
                episode.add(&step);
                if step.terminated || step.truncated {
                    break episode;
                }
            }
        })
        .collect()
}
