//! Numbers that are drawn in proportion to their size.

/// So many numbers, none below zero, with the sums that it takes to draw one of them in proportion, in logarithmic time.
///
/// Every sum is that of the two below it and is made anew when one of them changes, so rounding doesn't add up.
#[derive(Debug, Clone)]
pub(super) struct SumTree {
    /// Row by row: the sum of all at 1, below node `i` the nodes `2i` and `2i + 1`, the numbers themselves from `leaves` on.
    sums: Vec<f64>,
    /// A power of two.
    leaves: usize,
}

impl SumTree {
    /// A tree of so many numbers at least, all of them zero.
    pub(super) fn new(count: usize) -> Self {
        let leaves = count.max(1).next_power_of_two();
        Self {
            sums: vec![0.0; 2 * leaves],
            leaves,
        }
    }

    /// The sum of all numbers.
    pub(super) fn total(&self) -> f64 {
        self.at(1)
    }

    /// The number at a place.
    pub(super) fn get(&self, place: usize) -> f64 {
        self.at(self.leaves + place)
    }

    /// Replaces the number at a place.
    pub(super) fn set(&mut self, place: usize, number: f64) {
        let mut node = self.leaves + place;
        match self.sums.get_mut(node) {
            Some(leaf) => *leaf = number,
            None => return,
        }
        while node > 1 {
            node /= 2;
            let sum = self.at(2 * node) + self.at(2 * node + 1);
            if let Some(to) = self.sums.get_mut(node) {
                *to = sum;
            }
        }
    }

    /// The place at which the sum of all numbers from the first on goes beyond `mass`, which lies between zero and the total; never
    /// that of a zero, unless there is nothing else.
    pub(super) fn find(&self, mut mass: f64) -> usize {
        let mut node = 1;
        while node < self.leaves {
            let (left, right) = (2 * node, 2 * node + 1);
            // By rounding, a mass may lie beyond the last number; it then falls on that and not on the empty places behind.
            if mass < self.at(left) || self.at(right) <= 0.0 {
                node = left;
            } else {
                mass -= self.at(left);
                node = right;
            }
        }
        node - self.leaves
    }

    fn at(&self, node: usize) -> f64 {
        self.sums.get(node).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;

    /// The definition: the first place at which the running sum is beyond the mass.
    fn plain_find(numbers: &[f64], mass: f64) -> usize {
        let mut sum = 0.0;
        let beyond = numbers.iter().position(|number| {
            sum += number;
            mass < sum
        });
        beyond.unwrap_or_else(|| numbers.iter().rposition(|it| *it > 0.0).unwrap_or(0))
    }

    /// Whole numbers, so that sums in any order are the same to the bit.
    fn changes() -> impl Strategy<Value = (usize, Vec<(usize, u32)>)> {
        (1usize..70).prop_flat_map(|count| {
            let change = (0..count, prop_oneof![Just(0), 0u32..1000]);
            (Just(count), prop::collection::vec(change, 0..200))
        })
    }

    proptest! {
        #[test]
        fn after_any_changes_it_is_the_plain_sums((count, changes) in changes()) {
            let (mut tree, mut plain) = (SumTree::new(count), vec![0.0; count]);
            for (place, number) in changes {
                tree.set(place, f64::from(number));
                plain[place] = f64::from(number);
                prop_assert_eq!(tree.total(), plain.iter().sum::<f64>());
            }
            for (place, number) in plain.iter().enumerate() {
                prop_assert_eq!(tree.get(place), *number);
            }
            // At the edges of every number, and in the middle.
            let mut before = 0.0;
            for number in &plain {
                for mass in [before, before + number / 2.0, before + number - 0.5] {
                    if (0.0..=tree.total()).contains(&mass) {
                        prop_assert_eq!(tree.find(mass), plain_find(&plain, mass));
                    }
                }
                before += number;
            }
            prop_assert_eq!(tree.find(tree.total()), plain_find(&plain, tree.total()));
        }

        #[test]
        fn places_are_drawn_as_often_as_their_share(
            numbers in prop::collection::vec(prop_oneof![1 => Just(0.0), 4 => 0.01f64..10.0], 2..20),
            seed in any::<u64>(),
        ) {
            prop_assume!(numbers.iter().any(|number| *number > 0.0));
            let mut tree = SumTree::new(numbers.len());
            for (place, number) in numbers.iter().enumerate() {
                tree.set(place, *number);
            }
            let mut random = Pcg64::seed_from_u64(seed);
            let (mut counts, n) = (vec![0.0; numbers.len()], 20_000.0);
            for _ in 0..20_000 {
                counts[tree.find(random.random::<f64>() * tree.total())] += 1.0;
            }
            for (count, number) in counts.iter().zip(&numbers) {
                let share = number / numbers.iter().sum::<f64>();
                // Six standard deviations, and ten draws for what is rare and not normal.
                let most = 6.0 * (share * (1.0 - share) / n).sqrt() + 10.0 / n;
                prop_assert!((count / n - share).abs() <= most, "{} {share}", count / n);
            }
        }
    }

    #[test]
    fn what_rounding_leaves_falls_on_the_last_number() {
        let mut tree = SumTree::new(5);
        for place in 0..3 {
            tree.set(place, 0.1);
        }
        assert_eq!(tree.find(tree.total()), 2);
        assert_eq!(tree.find(tree.total() * (1.0 + 1e-9)), 2);
        tree.set(2, 0.0);
        assert_eq!(tree.find(tree.total()), 1);
    }
}
