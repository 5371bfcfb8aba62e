//! Conformance of an `Environment`, and of a `ScenarioSource`.

use ibn_core::roles::{Action, ActionSpace, Environment, ScenarioSource, Spaces, Step};

/// Steps after which an episode that has not ended is left alone.
const LONGEST: u32 = 500;

/// What every environment must hold. `make` gives a fresh one.
///
/// Actions are drawn from the mask, so an environment is never asked for what it forbids.
///
/// # Panics
/// Where it doesn't.
pub fn check(make: &dyn Fn() -> Box<dyn Environment>) {
    let spaces = make().spaces();
    check_spaces(&spaces);
    for seed in [0, 1, u64::MAX] {
        let first = Run::of(make().as_mut(), seed);
        let second = Run::of(make().as_mut(), seed);
        assert!(
            first == second,
            "seed {seed}: the same actions, the same trajectory, to the bit"
        );
        let mut used = make();
        Run::of(used.as_mut(), seed.wrapping_add(5));
        assert!(
            Run::of(used.as_mut(), seed) == first,
            "seed {seed}: a reset leaves nothing of the episode before"
        );
        assert_eq!(used.spaces(), spaces, "spaces never change");
    }
    check_snapshot(make);
    check_end(make);
}

/// What every source of scenarios must hold.
///
/// # Panics
/// Where `source` doesn't.
pub fn check_source(source: &dyn ScenarioSource) {
    for level in [0.0, 0.5, 1.0] {
        for seed in 0..3 {
            check(&|| source.sample(level, seed));
        }
    }
    // Numbers that make no sense must not stop a training run.
    for level in [-1.0, 2.0, f64::NAN] {
        check_spaces(&source.sample(level, 0).spaces());
    }
}

fn check_spaces(spaces: &Spaces) {
    assert!(spaces.observation > 0, "something is observed");
    match &spaces.action {
        ActionSpace::Discrete(choices) => assert!(*choices > 0, "there is a choice"),
        ActionSpace::MultiDiscrete(parts) => {
            assert!(
                !parts.is_empty() && parts.iter().all(|choices| *choices > 0),
                "each part has a choice"
            );
        }
        ActionSpace::Continuous { low, high } => {
            assert!(
                !low.is_empty() && low.len() == high.len(),
                "as many low as high ends"
            );
            assert!(
                low.iter()
                    .zip(high)
                    .all(|(low, high)| low.is_finite() && high.is_finite() && low < high),
                "each range has a width"
            );
        }
    }
}

/// All that came of an episode, comparable to the bit.
#[derive(PartialEq)]
struct Run {
    observations: Vec<Vec<u32>>,
    masks: Vec<Vec<bool>>,
    steps: Vec<(u32, bool, bool)>,
}

/// Buffers for one environment, filled with what must not be left in them.
struct Buffers {
    observation: Vec<f32>,
    mask: Vec<bool>,
}

impl Buffers {
    fn of(spaces: &Spaces) -> Self {
        Self {
            observation: vec![f32::NAN; spaces.observation],
            mask: vec![false; spaces.action.mask_len()],
        }
    }

    fn soil(&mut self) {
        self.observation.fill(f32::NAN);
        self.mask.fill(false);
    }

    fn check(&self, spaces: &Spaces) {
        assert!(
            self.observation.iter().all(|value| value.is_finite()),
            "every number of an observation is written, and finite"
        );
        let mut rest = self.mask.as_slice();
        for choices in parts(&spaces.action) {
            let (part, behind) = rest.split_at(choices.min(rest.len()));
            assert!(part.contains(&true), "something is allowed of each part");
            rest = behind;
        }
    }
}

/// The number of choices of each discrete part.
fn parts(space: &ActionSpace) -> Vec<usize> {
    match space {
        ActionSpace::Discrete(choices) => vec![*choices],
        ActionSpace::MultiDiscrete(parts) => parts.clone(),
        ActionSpace::Continuous { .. } => Vec::new(),
    }
}

/// An action that the mask allows, drawn from `random`.
enum Drawn {
    Discrete(Vec<u32>),
    Continuous(Vec<f32>),
}

impl Drawn {
    fn of(spaces: &Spaces, mask: &[bool], random: &mut Random) -> Self {
        if let ActionSpace::Continuous { low, high } = &spaces.action {
            let numbers = low.iter().zip(high);
            return Self::Continuous(
                numbers
                    .map(|(low, high)| low + (high - low) * random.share())
                    .collect(),
            );
        }
        let mut rest = mask;
        let mut choice = Vec::new();
        for choices in parts(&spaces.action) {
            let (part, behind) = rest.split_at(choices.min(rest.len()));
            rest = behind;
            let allowed: Vec<u32> = (0u32..)
                .zip(part)
                .filter(|(_, allowed)| **allowed)
                .map(|(idx, _)| idx)
                .collect();
            let at = (random.next() % allowed.len().max(1) as u64) as usize;
            choice.push(allowed.get(at).copied().unwrap_or(0));
        }
        Self::Discrete(choice)
    }

    fn action(&self) -> Action<'_> {
        match self {
            Self::Discrete(choice) => Action::Discrete(choice),
            Self::Continuous(numbers) => Action::Continuous(numbers),
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn share(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u32 << 24) as f32
    }
}

impl Run {
    /// One episode under random actions.
    fn of(environment: &mut dyn Environment, seed: u64) -> Self {
        let spaces = environment.spaces();
        let mut buffers = Buffers::of(&spaces);
        environment.reset(seed, &mut buffers.observation, &mut buffers.mask);
        buffers.check(&spaces);
        let mut run = Self {
            observations: Vec::new(),
            masks: Vec::new(),
            steps: Vec::new(),
        };
        run.note(&buffers);
        run.go_on(environment, &spaces, &mut buffers, &mut Random(seed));
        run
    }

    fn note(&mut self, buffers: &Buffers) {
        self.observations.push(
            buffers
                .observation
                .iter()
                .map(|value| value.to_bits())
                .collect(),
        );
        self.masks.push(buffers.mask.clone());
    }

    /// To the end of the episode, or for [`LONGEST`] steps.
    fn go_on(
        &mut self,
        environment: &mut dyn Environment,
        spaces: &Spaces,
        buffers: &mut Buffers,
        random: &mut Random,
    ) {
        for _ in 0..LONGEST {
            let drawn = Drawn::of(spaces, &buffers.mask, random);
            buffers.soil();
            let step =
                environment.step(drawn.action(), &mut buffers.observation, &mut buffers.mask);
            assert!(step.reward.is_finite(), "a reward is a number");
            buffers.check(spaces);
            self.note(buffers);
            self.steps
                .push((step.reward.to_bits(), step.terminated, step.truncated));
            if is_over(step) {
                return;
            }
        }
    }
}

fn is_over(step: Step) -> bool {
    step.terminated || step.truncated
}

fn check_snapshot(make: &dyn Fn() -> Box<dyn Environment>) {
    let mut environment = make();
    let spaces = environment.spaces();
    let mut buffers = Buffers::of(&spaces);
    environment.reset(7, &mut buffers.observation, &mut buffers.mask);
    let mut random = Random(7);
    for _ in 0..3 {
        let drawn = Drawn::of(&spaces, &buffers.mask, &mut random);
        let step = environment.step(drawn.action(), &mut buffers.observation, &mut buffers.mask);
        if is_over(step) {
            environment.reset(8, &mut buffers.observation, &mut buffers.mask);
        }
    }
    let kept = environment.snapshot();
    let mask = buffers.mask.clone();
    let mut go_on = |environment: &mut dyn Environment| {
        let mut run = Run {
            observations: Vec::new(),
            masks: Vec::new(),
            steps: Vec::new(),
        };
        buffers.mask.clone_from(&mask);
        run.go_on(environment, &spaces, &mut buffers, &mut Random(99));
        run
    };
    let first = go_on(environment.as_mut());
    let mut other = make();
    for back in [&mut environment, &mut other] {
        assert_eq!(back.restore(&kept), Ok(()), "takes its own snapshot");
        assert_eq!(
            back.snapshot(),
            kept,
            "a snapshot that was restored is the same to the byte"
        );
        for garbage in [
            &b""[..],
            &b"not a snapshot"[..],
            kept.get(..kept.len() / 2).unwrap_or(&[]),
        ] {
            assert!(
                matches!(back.restore(garbage), Err(ibn_core::Error::Invalid { .. })),
                "refuses what is no snapshot as invalid"
            );
        }
        assert_eq!(back.snapshot(), kept, "a refused snapshot changes nothing");
        assert!(
            go_on(back.as_mut()) == first,
            "goes on from a snapshot as it did before"
        );
    }
}

/// After the end of an episode a step leaves all as it is.
fn check_end(make: &dyn Fn() -> Box<dyn Environment>) {
    let mut environment = make();
    let spaces = environment.spaces();
    let run = Run::of(environment.as_mut(), 3);
    if !run
        .steps
        .last()
        .is_some_and(|(_, terminated, truncated)| *terminated || *truncated)
    {
        return;
    }
    let before = environment.snapshot();
    let mut buffers = Buffers::of(&spaces);
    buffers.mask.fill(true);
    let drawn = Drawn::of(&spaces, &buffers.mask, &mut Random(1));
    let step = environment.step(drawn.action(), &mut buffers.observation, &mut buffers.mask);
    assert!(
        step.reward.is_finite(),
        "a step after the end has a reward that is a number"
    );
    assert_eq!(
        environment.snapshot(),
        before,
        "a step after the end leaves all as it is"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A walk on a line of ten places, from the middle; over at either end, time is up after 50 steps.
    #[derive(Clone)]
    struct Walk {
        place: u8,
        steps: u8,
        forgetful: bool,
    }

    impl Walk {
        fn new(forgetful: bool) -> Self {
            Self {
                place: 5,
                steps: 0,
                forgetful,
            }
        }

        fn write(&self, observation: &mut [f32], mask: &mut [bool]) {
            observation.fill(f32::from(self.place) / 10.0);
            mask.fill(true);
        }

        fn is_over(&self) -> bool {
            self.place == 0 || self.place == 10 || self.steps >= 50
        }
    }

    impl Environment for Walk {
        fn spaces(&self) -> Spaces {
            Spaces {
                observation: 1,
                action: ActionSpace::Discrete(2),
            }
        }

        fn reset(&mut self, seed: u64, observation: &mut [f32], mask: &mut [bool]) {
            self.place = 4 + (seed % 3) as u8;
            if !self.forgetful {
                self.steps = 0;
            }
            self.write(observation, mask);
        }

        fn step(&mut self, action: Action<'_>, observation: &mut [f32], mask: &mut [bool]) -> Step {
            if !self.is_over() {
                self.steps += 1;
                match action {
                    Action::Discrete([1, ..]) => self.place += 1,
                    _ => self.place -= 1,
                }
            }
            self.write(observation, mask);
            let terminated = self.place == 0 || self.place == 10;
            Step {
                reward: f32::from(u8::from(self.place == 10)),
                terminated,
                truncated: !terminated && self.steps >= 50,
            }
        }

        fn snapshot(&self) -> Vec<u8> {
            vec![self.place, self.steps]
        }

        fn restore(&mut self, snapshot: &[u8]) -> ibn_core::Result<()> {
            let [place, steps] = snapshot else {
                return Err(ibn_core::Error::invalid(
                    "the snapshot",
                    "two bytes are expected",
                ));
            };
            (self.place, self.steps) = (*place, *steps);
            Ok(())
        }
    }

    struct Walks;

    impl ScenarioSource for Walks {
        fn sample(&self, _: f64, _: u64) -> Box<dyn Environment> {
            Box::new(Walk::new(false))
        }
    }

    #[test]
    fn a_walk_passes() {
        check_source(&Walks);
    }

    #[test]
    #[should_panic(expected = "leaves nothing of the episode before")]
    fn one_that_remembers_the_last_episode_is_found() {
        check(&|| Box::new(Walk::new(true)));
    }
}
