//! What was gone through, to learn from more than once.

use rand::{Rng, RngExt};

use super::Priorities;
use super::sum_tree::SumTree;

/// A step, or several in a row, from the first observation to the last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Transition<'a> {
    pub(super) observation: &'a [f32],
    pub(super) choice: u32,
    /// The discounted sum of the rewards.
    pub(super) reward: f64,
    /// What the value of `next` is multiplied by: the discount to the power of the steps, or 0 where nothing follows.
    pub(super) discount: f64,
    pub(super) next: &'a [f32],
    /// What is allowed in `next`.
    pub(super) next_mask: &'a [bool],
}

/// As many transitions as there is room for; the oldest makes room for the newest.
///
/// Drawn uniformly, or by priority: Schaul, Quan, Antonoglou and Silver, "Prioritized Experience Replay" (ICLR 2016), section 3.3,
/// "proportional". Each of `n` draws is out of its own `n`-th of the sum of priorities (appendix B.2.1).
#[derive(Debug, Clone)]
pub(super) struct Replay {
    capacity: usize,
    /// Numbers in an observation, and choices.
    widths: (usize, usize),
    observations: Vec<f32>,
    nexts: Vec<f32>,
    next_masks: Vec<bool>,
    /// Choice, reward and discount.
    steps: Vec<(u32, f64, f64)>,
    /// Where the next one comes to stand.
    place: usize,
    ranks: Option<Ranks>,
}

#[derive(Debug, Clone)]
struct Ranks {
    settings: Priorities,
    /// Priorities to the power of α.
    tree: SumTree,
    /// The greatest priority so far, with which what is new begins.
    most: f64,
}

impl Replay {
    /// Room for so many transitions of observations and masks of these widths. Memory is taken as it fills, but for
    /// that of priorities.
    pub(super) fn new(
        capacity: usize,
        widths: (usize, usize),
        priorities: Option<Priorities>,
    ) -> Self {
        Self {
            capacity: capacity.max(1),
            widths,
            observations: Vec::new(),
            nexts: Vec::new(),
            next_masks: Vec::new(),
            steps: Vec::new(),
            place: 0,
            ranks: priorities.map(|settings| Ranks {
                settings,
                tree: SumTree::new(capacity),
                most: 1.0,
            }),
        }
    }

    /// Transitions that it holds.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The one at a place.
    pub(super) fn get(&self, place: usize) -> Option<Transition<'_>> {
        let (width, n_choices) = self.widths;
        let (choice, reward, discount) = *self.steps.get(place)?;
        Some(Transition {
            observation: self.observations.get(place * width..(place + 1) * width)?,
            choice,
            reward,
            discount,
            next: self.nexts.get(place * width..(place + 1) * width)?,
            next_mask: self
                .next_masks
                .get(place * n_choices..(place + 1) * n_choices)?,
        })
    }

    /// Takes one in, with the greatest priority so far, so that each is learned from.
    pub(super) fn push(&mut self, of: &Transition<'_>) {
        let place = self.place;
        put(&mut self.observations, place, of.observation);
        put(&mut self.nexts, place, of.next);
        put(&mut self.next_masks, place, of.next_mask);
        put(
            &mut self.steps,
            place,
            &[(of.choice, of.reward, of.discount)],
        );
        if let Some(ranks) = &mut self.ranks {
            ranks.tree.set(place, ranks.most.powf(ranks.settings.alpha));
        }
        self.place = (place + 1) % self.capacity;
    }

    /// Draws `n` places, some perhaps more than once, with the weights that make up for how likely each was: `(N p)^−β`, divided by the
    /// greatest of them. None where it is empty.
    pub(super) fn draw(
        &self,
        n: usize,
        beta: f64,
        random: &mut impl Rng,
        places: &mut Vec<usize>,
        weights: &mut Vec<f64>,
    ) {
        places.clear();
        weights.clear();
        let count = self.len();
        if count == 0 {
            return;
        }
        let Some(Ranks { tree, .. }) = &self.ranks else {
            places.extend((0..n).map(|_| random.random_range(0..count)));
            weights.resize(n, 1.0);
            return;
        };
        let stratum = tree.total() / n as f64;
        for idx in 0..n {
            let mass = (idx as f64 + random.random::<f64>()) * stratum;
            let place = tree.find(mass);
            let probability = tree.get(place) / tree.total();
            places.push(place);
            weights.push((count as f64 * probability).powf(-beta));
        }
        let most = weights.iter().fold(0.0f64, |most, it| most.max(*it));
        weights.iter_mut().for_each(|weight| *weight /= most);
    }

    /// Notes by how much the values of places were wrong.
    pub(super) fn rank(&mut self, places: &[usize], errors: &[f64]) {
        let Some(ranks) = &mut self.ranks else {
            return;
        };
        for (place, error) in places.iter().zip(errors) {
            let priority = error.abs() + ranks.settings.epsilon;
            ranks.most = ranks.most.max(priority);
            ranks.tree.set(*place, priority.powf(ranks.settings.alpha));
        }
    }
}

/// Writes a row at a place, which may be just behind the last.
fn put<T: Copy>(values: &mut Vec<T>, place: usize, row: &[T]) {
    match values.get_mut(place * row.len()..(place + 1) * row.len()) {
        Some(to) => to.copy_from_slice(row),
        None => values.extend_from_slice(row),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_pcg::Pcg64;

    use super::*;

    const PRIORITIES: Priorities = Priorities {
        alpha: 0.7,
        beta: 0.5,
        epsilon: 1e-3,
    };

    fn filled(capacity: usize, count: u32, priorities: Option<Priorities>) -> Replay {
        let mut replay = Replay::new(capacity, (2, 3), priorities);
        for number in 0..count {
            push(&mut replay, number);
        }
        replay
    }

    fn push(replay: &mut Replay, number: u32) {
        let value = number as f32;
        replay.push(&Transition {
            observation: &[value, -value],
            choice: number % 3,
            reward: f64::from(number) / 8.0,
            discount: f64::from(number % 2),
            next: &[value + 1.0, -value - 1.0],
            next_mask: &[number.is_multiple_of(2), true, number.is_multiple_of(3)],
        });
    }

    fn draw(replay: &Replay, n: usize, beta: f64, seed: u64) -> (Vec<usize>, Vec<f64>) {
        let (mut places, mut weights) = (vec![9], vec![9.0]);
        let mut random = Pcg64::seed_from_u64(seed);
        replay.draw(n, beta, &mut random, &mut places, &mut weights);
        (places, weights)
    }

    #[test]
    fn it_holds_the_newest_as_they_were() {
        for count in [3u32, 5, 6, 13] {
            let replay = filled(5, count, None);
            assert_eq!(replay.len(), 5.min(count as usize));
            for number in count.saturating_sub(5)..count {
                let found = replay.get(number as usize % 5).unwrap();
                let value = number as f32;
                let expected = Transition {
                    observation: &[value, -value],
                    choice: number % 3,
                    reward: f64::from(number) / 8.0,
                    discount: f64::from(number % 2),
                    next: &[value + 1.0, -value - 1.0],
                    next_mask: &[number.is_multiple_of(2), true, number.is_multiple_of(3)],
                };
                assert_eq!(found, expected);
            }
        }
        assert_eq!(filled(5, 3, None).get(3), None);
        assert!(draw(&filled(5, 0, None), 4, 0.5, 1).0.is_empty());
        assert!(
            draw(&filled(5, 0, Some(PRIORITIES)), 4, 0.5, 1)
                .0
                .is_empty()
        );
    }

    #[test]
    fn draws_and_weights_are_those_of_the_paper() {
        let mut replay = filled(7, 6, Some(PRIORITIES));
        let errors = [0.0, -0.5, 2.0, 0.25, -4.0];
        replay.rank(&[0, 1, 2, 3, 4], &errors);
        // The last was never learned from and has the priority that was the greatest when it came: 1.
        let mut priorities: Vec<f64> = errors
            .iter()
            .map(|error| (error.abs() + 1e-3f64).powf(0.7))
            .collect();
        priorities.push(1.0);
        let sum: f64 = priorities.iter().sum();
        let mut counts = [0.0; 6];
        let mut least: f64 = f64::INFINITY;
        for round in 0..10_000 {
            let (places, weights) = draw(&replay, 8, 0.5, round);
            let plain: Vec<f64> = places
                .iter()
                .map(|place| (6.0 * priorities[*place] / sum).powf(-0.5))
                .collect();
            let most = plain.iter().copied().fold(0.0, f64::max);
            for ((place, weight), plain) in places.iter().zip(weights).zip(plain) {
                assert!((weight - plain / most).abs() < 1e-12);
                least = least.min(weight);
                counts[*place] += 1.0;
            }
        }
        for (count, priority) in counts.iter().zip(&priorities) {
            assert!((count / 80_000.0 - priority / sum).abs() < 0.005);
        }
        assert!(least < 0.5);
        // What comes now begins with the greatest so far.
        push(&mut replay, 6);
        let ranks = replay.ranks.as_ref().unwrap();
        assert!((ranks.tree.get(6) - 4.001f64.powf(0.7)).abs() < 1e-12);
        // And takes the place of the oldest, with its priority.
        push(&mut replay, 7);
        let ranks = replay.ranks.as_ref().unwrap();
        assert!((ranks.tree.get(0) - 4.001f64.powf(0.7)).abs() < 1e-12);
    }

    #[test]
    fn without_priorities_draws_are_uniform() {
        let replay = filled(5, 9, None);
        let (places, weights) = draw(&replay, 50_000, 0.5, 1);
        assert!(weights.iter().all(|weight| *weight == 1.0));
        for place in 0..5 {
            let count = places.iter().filter(|it| **it == place).count();
            assert!((count as f64 / 50_000.0 - 0.2).abs() < 0.01, "{count}");
        }
    }
}
