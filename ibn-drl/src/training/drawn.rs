//! Another scenario for each episode.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ibn_core::roles::{Action, Environment, ScenarioSource, Spaces, Step};
use ibn_core::{Error, Result};

/// An environment that is drawn anew from a source at every reset, at the level of a curriculum that its trainer moves.
///
/// A snapshot is of the episode that goes on, with what it was drawn by.
pub struct Drawn {
    source: Arc<dyn ScenarioSource>,
    level: Arc<Level>,
    drawn: (f64, u64),
    environment: Box<dyn Environment>,
}

/// A level from 0 to 1 that several environments share.
#[derive(Debug, Default)]
pub struct Level(AtomicU64);

impl Level {
    /// The level.
    #[must_use]
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// Moves it; episodes that begin from now on are of the new one.
    pub fn set(&self, level: f64) {
        let level = if level.is_nan() {
            0.0
        } else {
            level.clamp(0.0, 1.0)
        };
        self.0.store(level.to_bits(), Ordering::Relaxed);
    }
}

impl Drawn {
    /// Draws from `source`, at a level that may be moved meanwhile.
    #[must_use]
    pub fn new(source: Arc<dyn ScenarioSource>, level: Arc<Level>) -> Self {
        let drawn = (level.get(), 0);
        Self {
            environment: source.sample(drawn.0, drawn.1),
            source,
            level,
            drawn,
        }
    }
}

impl Environment for Drawn {
    fn spaces(&self) -> Spaces {
        self.environment.spaces()
    }

    fn reset(&mut self, seed: u64, observation: &mut [f32], mask: &mut [bool]) {
        self.drawn = (self.level.get(), seed);
        self.environment = self.source.sample(self.drawn.0, seed);
        self.environment.reset(seed, observation, mask);
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f32], mask: &mut [bool]) -> Step {
        self.environment.step(action, observation, mask)
    }

    fn snapshot(&self) -> Vec<u8> {
        let (level, seed) = self.drawn;
        let mut bytes = level.to_le_bytes().to_vec();
        bytes.extend(seed.to_le_bytes());
        bytes.extend(self.environment.snapshot());
        bytes
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<()> {
        let invalid = || Error::invalid("the snapshot", "it is not of a drawn environment");
        let (level, rest) = snapshot.split_first_chunk::<8>().ok_or_else(invalid)?;
        let (seed, rest) = rest.split_first_chunk::<8>().ok_or_else(invalid)?;
        let (level, seed) = (f64::from_le_bytes(*level), u64::from_le_bytes(*seed));
        if !(0.0..=1.0).contains(&level) {
            return Err(invalid());
        }
        let mut environment = self.source.sample(level, seed);
        environment.restore(rest)?;
        self.environment = environment;
        self.drawn = (level, seed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classic;

    /// Two environments, by the seed, that differ in what they are worth.
    struct Either;

    impl ScenarioSource for Either {
        fn sample(&self, _: f64, seed: u64) -> Box<dyn Environment> {
            let name = if seed.is_multiple_of(2) {
                "probe-policy"
            } else {
                "probe-context"
            };
            classic::make(name).unwrap()
        }
    }

    #[test]
    fn it_is_an_environment_of_what_it_drew() {
        let make = || Drawn::new(Arc::new(Either), Arc::default());
        ibn_testkit::environment::check(&|| Box::new(make()));
        let mut drawn = make();
        let (mut seen, mut mask) = ([9.0], [false; 2]);
        drawn.reset(2, &mut seen, &mut mask);
        assert_eq!(seen, [0.0]);
        drawn.reset(3, &mut seen, &mut mask);
        assert_eq!(seen[0].abs(), 1.0);
        let snapshot = drawn.snapshot();
        let mut other = make();
        other.restore(&snapshot).unwrap();
        assert_eq!(other.snapshot(), snapshot);
        assert!(other.restore(&snapshot[..9]).is_err());
    }
}
