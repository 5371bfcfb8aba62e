//! Random numbers whose place in their stream can be written down.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A stream of random numbers that can be gone back to by its seed and how many were drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draws {
    seed: u64,
    drawn: u64,
    stream: Pcg64Mcg,
}

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self::at(seed, 0)
    }

    /// The stream of `seed` after so many numbers.
    pub(super) fn at(seed: u64, drawn: u64) -> Self {
        let mut stream = Pcg64Mcg::seed_from_u64(seed);
        stream.advance(u128::from(drawn));
        Self {
            seed,
            drawn,
            stream,
        }
    }

    /// What [`Draws::at`] takes.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.seed, self.drawn)
    }

    fn word(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        self.stream.next_u64()
    }

    /// Uniform in `[low, high)`.
    pub(super) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let share = (self.word() >> 11) as f64 * (1.0 / (1u64 << 53) as f64);
        low + (high - low) * share
    }

    /// Uniform below `choices`.
    pub(super) fn choice(&mut self, choices: u32) -> u32 {
        // The upper half of the product: uneven by less than 2^-32 of each share.
        ((u128::from(self.word()) * u128::from(choices)) >> 64) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_from_its_place() {
        let mut draws = Draws::new(3);
        for _ in 0..10 {
            draws.uniform(0.0, 1.0);
        }
        let (seed, drawn) = draws.place();
        let mut other = Draws::at(seed, drawn);
        assert_eq!(other, draws);
        assert_eq!(other.choice(1000), draws.choice(1000));
    }

    #[test]
    fn choices_are_alike() {
        let mut draws = Draws::new(5);
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[draws.choice(6) as usize] += 1;
        }
        // Below 20.5 in 999 of 1000 cases: chi squared with five degrees of freedom.
        let chi_squared: f64 = counts
            .iter()
            .map(|count| (f64::from(*count) - 10_000.0).powi(2) / 10_000.0)
            .sum();
        assert!(chi_squared < 20.5, "{counts:?}");
    }
}
