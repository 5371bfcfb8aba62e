//! Many environments as one.

use super::environment::{Action, ActionSpace, Environment, Spaces, Step};
use crate::{Error, Result};

/// Environments of the same spaces, stepped together over flat slices: row `i` of each is environment `i`'s.
///
/// An environment whose episode ends is begun again at once, with a seed that follows from its own and the number of its
/// episode: its row of `observations` is then the first of the next episode, and its row of `finals` the last of the one that ended.
///
/// ```
/// use ibn_core::roles::{Batch, BatchActions, Environment, Step};
/// # use ibn_core::roles::{Action, ActionSpace, Spaces};
/// # #[derive(Default)]
/// # struct Count(u32);
/// # impl Environment for Count {
/// #     fn spaces(&self) -> Spaces { Spaces { observation: 1, action: ActionSpace::Discrete(2) } }
/// #     fn reset(&mut self, _: u64, observation: &mut [f32], mask: &mut [bool]) { self.0 = 0; observation[0] = 0.0; mask.fill(true); }
/// #     fn step(&mut self, _: Action<'_>, observation: &mut [f32], mask: &mut [bool]) -> Step {
/// #         self.0 += 1; observation[0] = self.0 as f32; mask.fill(true);
/// #         Step { reward: 1.0, terminated: false, truncated: self.0 == 2 }
/// #     }
/// #     fn snapshot(&self) -> Vec<u8> { Vec::new() }
/// #     fn restore(&mut self, _: &[u8]) -> ibn_core::Result<()> { Ok(()) }
/// # }
///
/// // Three environments that count to two.
/// let mut batch = Batch::new((0..3).map(|_| Box::new(Count::default()) as Box<dyn Environment>).collect())?;
/// let (mut observations, mut masks) = (vec![0.0; 3], vec![false; 6]);
/// let (mut steps, mut finals) = (vec![Step::default(); 3], vec![0.0; 3]);
/// batch.reset(7, &mut observations, &mut masks);
/// for _ in 0..2 {
///     batch.step(BatchActions::Discrete(&[0, 1, 0]), &mut observations, &mut masks, &mut steps, &mut finals);
/// }
/// assert!(steps.iter().all(|step| step.truncated));
/// assert_eq!((observations, finals), (vec![0.0; 3], vec![2.0; 3]));
/// # Ok::<(), ibn_core::Error>(())
/// ```
pub struct Batch {
    environments: Vec<Box<dyn Environment>>,
    spaces: Spaces,
    /// Numbers of an action of one environment.
    action_len: usize,
    seed: u64,
    /// Episodes that each has begun.
    episodes: Vec<u64>,
}

/// The actions of a batch, one environment after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BatchActions<'a> {
    /// Indices of choices, or one for each part.
    Discrete(&'a [u32]),
    /// Numbers.
    Continuous(&'a [f32]),
}

impl Batch {
    /// A batch of these environments.
    ///
    /// # Errors
    /// [`Error::Invalid`] for none, or where their spaces differ.
    pub fn new(environments: Vec<Box<dyn Environment>>) -> Result<Self> {
        let spaces = match environments.first() {
            Some(first) => first.spaces(),
            None => return Err(Error::invalid("the batch", "it has no environment")),
        };
        if let Some(place) = environments.iter().position(|of| of.spaces() != spaces) {
            let reason = format!("environment {place} has other spaces than the first");
            return Err(Error::invalid("the batch", reason));
        }
        Ok(Self {
            action_len: match &spaces.action {
                ActionSpace::Discrete(_) => 1,
                ActionSpace::MultiDiscrete(parts) => parts.len(),
                ActionSpace::Continuous { low, .. } => low.len(),
            },
            episodes: vec![0; environments.len()],
            environments,
            spaces,
            seed: 0,
        })
    }

    /// How many environments there are; never none.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.environments.len()
    }

    /// The spaces of each.
    #[must_use]
    pub fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    /// Begins the first episode of each. `observations` has `len · spaces().observation` numbers, `masks` `len · mask_len` entries.
    pub fn reset(&mut self, seed: u64, observations: &mut [f32], masks: &mut [bool]) {
        self.seed = seed;
        self.episodes.fill(0);
        for place in 0..self.environments.len() {
            self.begin(place, observations, masks);
        }
    }

    /// Takes an action in each. `finals` is as long as `observations`; rows of environments whose episode goes on are left as they are.
    pub fn step(
        &mut self,
        actions: BatchActions<'_>,
        observations: &mut [f32],
        masks: &mut [bool],
        steps: &mut [Step],
        finals: &mut [f32],
    ) {
        let (width, each) = (self.spaces.observation, self.action_len);
        let mask_len = self.spaces.action.mask_len();
        for place in 0..self.environments.len() {
            let at = place * each..(place + 1) * each;
            let action = match actions {
                BatchActions::Discrete(all) => Action::Discrete(all.get(at).unwrap_or_default()),
                BatchActions::Continuous(all) => {
                    Action::Continuous(all.get(at).unwrap_or_default())
                }
            };
            let (Some(environment), Some(observation), Some(mask), Some(step)) = (
                self.environments.get_mut(place),
                observations.get_mut(place * width..(place + 1) * width),
                masks.get_mut(place * mask_len..(place + 1) * mask_len),
                steps.get_mut(place),
            ) else {
                continue;
            };
            *step = environment.step(action, observation, mask);
            if step.terminated || step.truncated {
                if let Some(last) = finals.get_mut(place * width..(place + 1) * width) {
                    last.copy_from_slice(observation);
                }
                self.begin(place, observations, masks);
            }
        }
    }

    fn begin(&mut self, place: usize, observations: &mut [f32], masks: &mut [bool]) {
        let (width, mask_len) = (self.spaces.observation, self.spaces.action.mask_len());
        let (Some(environment), Some(episode), Some(observation), Some(mask)) = (
            self.environments.get_mut(place),
            self.episodes.get_mut(place),
            observations.get_mut(place * width..(place + 1) * width),
            masks.get_mut(place * mask_len..(place + 1) * mask_len),
        ) else {
            return;
        };
        let mut bytes = [0; 24];
        for (part, number) in bytes
            .chunks_exact_mut(8)
            .zip([self.seed, place as u64, *episode])
        {
            part.copy_from_slice(&number.to_le_bytes());
        }
        *episode += 1;
        environment.reset(xxhash_rust::xxh3::xxh3_64(&bytes), observation, mask);
    }
}
