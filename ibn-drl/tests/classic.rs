//! Small environments against the suite, against recorded runs of Gymnasium, and against what is known of them.

#![cfg(test)]

use std::f64::consts::PI;

use ibn_core::Error;
use ibn_core::roles::{Action, ActionSpace, Environment, Step};
use ibn_drl::classic::{
    self, Acrobot, AcrobotState, CartPole, CartPoleState, Episode, Identity, MountainCar,
    MountainCarState, Pendulum, PendulumState, Probe, ProbeKind, Task,
};
use ibn_testkit::environment;
use proptest::prelude::*;
use serde_json::Value;

/// An environment with what it is seen and allowed.
struct Stage {
    environment: Box<dyn Environment>,
    observation: Vec<f32>,
    mask: Vec<bool>,
}

impl Stage {
    fn new(environment: Box<dyn Environment>, seed: u64) -> Self {
        let spaces = environment.spaces();
        let mut stage = Self {
            environment,
            observation: vec![f32::NAN; spaces.observation],
            mask: vec![false; spaces.action.mask_len()],
        };
        stage.reset(seed);
        stage
    }

    fn of(name: &str, seed: u64) -> Self {
        Self::new(classic::make(name).unwrap(), seed)
    }

    fn reset(&mut self, seed: u64) {
        self.environment
            .reset(seed, &mut self.observation, &mut self.mask);
    }

    fn step(&mut self, action: Action<'_>) -> Step {
        self.observation.fill(f32::NAN);
        self.mask.fill(false);
        self.environment
            .step(action, &mut self.observation, &mut self.mask)
    }

    fn choose(&mut self, choices: &[u32]) -> Step {
        self.step(Action::Discrete(choices))
    }
}

#[test]
fn each_that_has_a_name_passes_the_suite() {
    for name in classic::NAMES {
        environment::check(&|| classic::make(name).unwrap());
    }
    // All are of one type, whatever the task: `Episode`.
    environment::check(&|| Box::new(Episode::<CartPoleState>::default()));
    environment::check(&|| Box::new(Identity::multi_discrete(&[1, 7, 2]).unwrap()));
    environment::check(&|| Box::new(Identity::continuous(3.0, 4.0, 0.0).unwrap()));
}

#[test]
fn what_has_no_name_is_told_with_the_names_that_there_are() {
    assert_eq!(CartPole::default().name(), "CartPole-v1");
    for name in ["", "cartpole-v1", "CartPole-v0", "probe"] {
        let error = classic::make(name).err().unwrap();
        assert!(matches!(error, Error::NotFound { .. }));
        for known in classic::NAMES {
            assert!(error.to_string().contains(&format!("`{known}`")), "{error}");
        }
    }
}

/// A transition that Gymnasium made; `fixtures/classic/record.py` says how.
struct Recorded {
    steps: u32,
    before: Vec<f64>,
    action: Value,
    after: Vec<f64>,
    observation: Vec<f32>,
    reward: f32,
    terminated: bool,
    truncated: bool,
}

fn numbers(of: &Value) -> Vec<f64> {
    let list = of.as_array().unwrap().iter();
    list.map(|number| number.as_f64().unwrap()).collect()
}

fn recorded(lines: &str) -> Vec<Recorded> {
    let read = |line: &str| {
        let of: Value = serde_json::from_str(line).unwrap();
        Recorded {
            steps: of[0].as_u64().unwrap() as u32,
            before: numbers(&of[1]),
            action: of[2].clone(),
            after: numbers(&of[3]),
            observation: numbers(&of[4]).iter().map(|it| *it as f32).collect(),
            reward: of[5].as_f64().unwrap() as f32,
            terminated: of[6].as_bool().unwrap(),
            truncated: of[7].as_bool().unwrap(),
        }
    };
    lines.lines().map(read).collect()
}

/// Equal but for the last places of what was added up, whose size is that of the numbers before and after.
fn is_near(found: f64, expected: f64, before: f64) -> bool {
    (found - expected).abs() <= 1e-12 * expected.abs().max(before.abs())
}

/// At most one step between numbers of single precision apart.
fn is_next(found: f32, expected: f32) -> bool {
    found == expected || found.next_up() == expected || found.next_down() == expected
}

/// Takes each recorded action in the recorded state, and says how the episodes ended: terminated, truncated.
fn replay<T: Task>(
    lines: &str,
    state: fn(&[f64]) -> T,
    numbers_of: fn(&T) -> Vec<f64>,
) -> (usize, usize) {
    let (mut terminated, mut truncated) = (0, 0);
    for (line, recorded) in recorded(lines).iter().enumerate() {
        let line = line + 1;
        let mut episode = Episode::with_state(state(&recorded.before), recorded.steps).unwrap();
        let spaces = episode.spaces();
        let mut observation = vec![f32::NAN; spaces.observation];
        let mut mask = vec![false; spaces.action.mask_len()];
        let step = match &recorded.action {
            Value::Array(_) => {
                let numbers: Vec<f32> = numbers(&recorded.action)
                    .iter()
                    .map(|number| *number as f32)
                    .collect();
                episode.step(Action::Continuous(&numbers), &mut observation, &mut mask)
            }
            choice => {
                let choice = choice.as_u64().unwrap() as u32;
                episode.step(Action::Discrete(&[choice]), &mut observation, &mut mask)
            }
        };
        let after = numbers_of(episode.state());
        assert_eq!(after.len(), recorded.after.len());
        for ((found, expected), before) in after.iter().zip(&recorded.after).zip(&recorded.before) {
            assert!(
                is_near(*found, *expected, *before),
                "line {line}: {after:?}, recorded is {:?}",
                recorded.after
            );
        }
        assert_eq!(observation.len(), recorded.observation.len());
        for (found, expected) in observation.iter().zip(&recorded.observation) {
            assert!(
                is_next(*found, *expected),
                "line {line}: {observation:?}, recorded is {:?}",
                recorded.observation
            );
        }
        assert!(
            is_next(step.reward, recorded.reward),
            "line {line}: {step:?}"
        );
        // Gymnasium calls the last step that is allowed truncated, be the task over or not.
        assert_eq!(step.terminated, recorded.terminated, "line {line}");
        assert_eq!(
            step.truncated,
            recorded.truncated && !recorded.terminated,
            "line {line}"
        );
        assert_eq!(episode.steps(), recorded.steps + 1);
        assert!(mask.iter().all(|allowed| *allowed));
        terminated += usize::from(step.terminated);
        truncated += usize::from(step.truncated);
    }
    (terminated, truncated)
}

fn cart_pole(of: &[f64]) -> CartPoleState {
    CartPoleState {
        position: of[0],
        velocity: of[1],
        angle: of[2],
        angular_velocity: of[3],
    }
}

fn acrobot(of: &[f64]) -> AcrobotState {
    AcrobotState {
        angle1: of[0],
        angle2: of[1],
        velocity1: of[2],
        velocity2: of[3],
    }
}

fn mountain_car(of: &[f64]) -> MountainCarState {
    MountainCarState {
        position: of[0],
        velocity: of[1],
    }
}

fn pendulum(of: &[f64]) -> PendulumState {
    PendulumState {
        angle: of[0],
        velocity: of[1],
    }
}

fn of_cart_pole(of: &CartPoleState) -> Vec<f64> {
    vec![of.position, of.velocity, of.angle, of.angular_velocity]
}

fn of_acrobot(of: &AcrobotState) -> Vec<f64> {
    vec![of.angle1, of.angle2, of.velocity1, of.velocity2]
}

fn of_mountain_car(of: &MountainCarState) -> Vec<f64> {
    vec![of.position, of.velocity]
}

fn of_pendulum(of: &PendulumState) -> Vec<f64> {
    vec![of.angle, of.velocity]
}

#[test]
fn cart_pole_does_as_gymnasium_does() {
    let lines = include_str!("fixtures/classic/cart_pole.jsonl");
    assert_eq!(replay(lines, cart_pole, of_cart_pole), (7, 1));
}

#[test]
fn acrobot_does_as_gymnasium_does() {
    let lines = include_str!("fixtures/classic/acrobot.jsonl");
    assert_eq!(replay(lines, acrobot, of_acrobot), (8, 1));
}

#[test]
fn mountain_car_does_as_gymnasium_does() {
    let lines = include_str!("fixtures/classic/mountain_car.jsonl");
    assert_eq!(replay(lines, mountain_car, of_mountain_car), (4, 3));
}

#[test]
fn pendulum_does_as_gymnasium_does() {
    let lines = include_str!("fixtures/classic/pendulum.jsonl");
    assert_eq!(replay(lines, pendulum, of_pendulum), (0, 6));
}

/// Starts are uniform between `bounds`, and one number of a start says nothing of another.
fn check_starts<T: Task + Default>(numbers_of: fn(&T) -> Vec<f64>, bounds: &[(f64, f64)]) {
    let mut episode = Episode::<T>::default();
    let width = episode.spaces().observation;
    let (mut observation, mut mask) = (
        vec![0.0; width],
        vec![false; episode.spaces().action.mask_len()],
    );
    let n = 20_000usize;
    let starts: Vec<Vec<f64>> = (0..n as u64)
        .map(|seed| {
            episode.reset(seed, &mut observation, &mut mask);
            numbers_of(episode.state())
        })
        .collect();
    let root = (n as f64).sqrt();
    // Shares of the way from one bound to the other.
    let share = |start: &Vec<f64>, idx: usize| {
        let (low, high) = bounds[idx];
        (start[idx] - low) / (high - low)
    };
    for idx in 0..bounds.len() {
        if bounds[idx].0 == bounds[idx].1 {
            assert!(starts.iter().all(|start| start[idx] == bounds[idx].0));
            continue;
        }
        let mut shares: Vec<f64> = starts.iter().map(|start| share(start, idx)).collect();
        // Single precision may round a start up to the bound.
        assert!(
            shares
                .iter()
                .all(|share| (-1e-6..1.0 + 1e-6).contains(share))
        );
        let mean = shares.iter().sum::<f64>() / n as f64;
        assert!((mean - 0.5).abs() < 4.0 * (1.0f64 / 12.0).sqrt() / root);
        // Kolmogorov and Smirnov: below 1.95 in 999 of 1000 cases.
        shares.sort_by(f64::total_cmp);
        let farthest = shares
            .iter()
            .enumerate()
            .map(|(rank, share)| (share - (rank as f64 + 0.5) / n as f64).abs())
            .fold(0.0, f64::max);
        assert!(farthest * root < 1.95, "number {idx}: {farthest}");
        for other in (0..idx).filter(|other| bounds[*other].0 != bounds[*other].1) {
            let products = starts
                .iter()
                .map(|start| (share(start, idx) - 0.5) * (share(start, other) - 0.5) * 12.0);
            let correlation = products.sum::<f64>() / n as f64;
            assert!(
                correlation.abs() * root < 4.0,
                "{idx}, {other}: {correlation}"
            );
        }
    }
}

#[test]
fn starts_are_drawn_as_gymnasium_draws_them() {
    check_starts(of_cart_pole, &[(-0.05, 0.05); 4]);
    check_starts(of_acrobot, &[(-0.1, 0.1); 4]);
    check_starts(of_mountain_car, &[(-0.6, -0.4), (0.0, 0.0)]);
    check_starts(of_pendulum, &[(-PI, PI), (-1.0, 1.0)]);
    let links = Acrobot::default();
    let numbers = of_acrobot(links.state());
    assert!(numbers.iter().all(|it| f64::from(*it as f32) == *it));
}

#[test]
fn the_first_observation_is_of_the_state() {
    let (mut pole, mut seen) = (CartPole::default(), [0.0; 4]);
    pole.reset(9, &mut seen, &mut [false; 2]);
    assert_eq!(
        seen.to_vec(),
        of_cart_pole(pole.state())
            .iter()
            .map(|it| *it as f32)
            .collect::<Vec<_>>()
    );
    let (mut pendulum, mut seen) = (Pendulum::default(), [0.0; 3]);
    pendulum.reset(9, &mut seen, &mut []);
    let state = pendulum.state();
    let expected = [state.angle.cos(), state.angle.sin(), state.velocity];
    assert_eq!(seen, expected.map(|it| it as f32));
}

#[test]
fn states_that_cannot_be_are_refused() {
    let state = MountainCarState::default();
    assert!(MountainCar::with_state(state, 199).is_ok());
    assert!(MountainCar::with_state(state, 200).is_err());
    for position in [f64::NAN, f64::INFINITY, -1.3, 0.7] {
        assert!(MountainCar::with_state(MountainCarState { position, ..state }, 0).is_err());
    }
    for of in [f64::NAN, 1e300, -28.3] {
        let velocity = AcrobotState {
            velocity2: of,
            ..AcrobotState::default()
        };
        assert!(Acrobot::with_state(velocity, 0).is_err());
        assert!(Pendulum::with_state(pendulum(&[0.0, of]), 0).is_err());
    }
    for of in [f64::NAN, 1e300, f64::NEG_INFINITY] {
        assert!(CartPole::with_state(cart_pole(&[of, 0.0, 0.0, 0.0]), 0).is_err());
    }
}

/// Why a snapshot is refused.
fn refusal(environment: &mut dyn Environment, snapshot: &[u8]) -> String {
    let before = environment.snapshot();
    let error = environment.restore(snapshot).unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }));
    assert_eq!(environment.snapshot(), before);
    error.to_string()
}

#[test]
fn snapshots_of_something_else_are_refused() {
    for name in classic::NAMES {
        let mut environment = classic::make(name).unwrap();
        for other in classic::NAMES.iter().filter(|other| **other != name) {
            let text = refusal(
                environment.as_mut(),
                &classic::make(other).unwrap().snapshot(),
            );
            assert!(
                text.contains(&format!("of `{other}`, expected is `{name}`")),
                "{text}"
            );
        }
        let own = environment.snapshot();
        let mut newer = own.clone();
        newer["ibn-classic".len()] = 2;
        assert!(refusal(environment.as_mut(), &newer).contains("version 2, expected is 1"));
        let mut longer = own.clone();
        longer.push(0);
        assert!(refusal(environment.as_mut(), &longer).contains("bytes, expected are"));
        for len in 0..own.len() {
            refusal(environment.as_mut(), &own[..len]);
        }
        // Steps beyond the limit, or an end without a step.
        let words = own.len() - "ibn-classic".len() - 2 - name.len();
        let steps = own.len() - words;
        let mut late = own.clone();
        late[steps..steps + 8].fill(0xff);
        assert!(refusal(environment.as_mut(), &late).contains("none that"));
        let mut ended = own.clone();
        ended[steps + 8] = 1;
        assert!(refusal(environment.as_mut(), &ended).contains("none that"));
    }
    let of = |low| Identity::continuous(low, 1.0, 0.5).unwrap();
    assert!(refusal(&mut of(0.0), &of(-1.0).snapshot()).contains("none that"));
    let of = |choices| Identity::discrete(choices).unwrap();
    assert!(refusal(&mut of(3), &of(4).snapshot()).contains("none that"));
    let of = |parts| Identity::multi_discrete(parts).unwrap();
    assert!(refusal(&mut of(&[3]), &of(&[3, 3]).snapshot()).contains("bytes, expected are"));
}

#[test]
fn a_state_that_is_not_finite_is_no_snapshot() {
    for (name, bytes) in [("CartPole-v1", 32), ("Acrobot-v1", 32), ("Pendulum-v1", 16)] {
        let mut environment = classic::make(name).unwrap();
        let mut snapshot = environment.snapshot();
        let at = snapshot.len() - bytes;
        snapshot[at..at + 8].copy_from_slice(&f64::NAN.to_le_bytes());
        assert!(refusal(environment.as_mut(), &snapshot).contains("none that"));
    }
}

#[test]
fn probes_reward_what_they_say() {
    let mut value = Stage::of("probe-value", 1);
    assert_eq!(value.observation, [0.0]);
    let end = |reward| Step {
        reward,
        terminated: true,
        truncated: false,
    };
    assert_eq!(value.choose(&[0]), end(1.0));

    let mut discount = Stage::of("probe-discount", 1);
    assert_eq!(discount.observation, [0.0]);
    assert_eq!(discount.choose(&[0]), Step::default());
    assert_eq!(discount.observation, [1.0]);
    assert_eq!(discount.choose(&[0]), end(1.0));

    for (choice, reward) in [(0, -1.0), (1, 1.0)] {
        let mut policy = Stage::of("probe-policy", 1);
        assert_eq!(policy.observation, [0.0]);
        assert_eq!(policy.choose(&[choice]), end(reward));
    }

    let mut above = 0;
    for seed in 0..1000 {
        let mut observation = Stage::of("probe-observation", seed);
        let seen = observation.observation[0];
        assert_eq!(seen.abs(), 1.0);
        assert_eq!(observation.choose(&[0]), end(seen));
        above += u32::from(seen > 0.0);
        for (choice, sign) in [(0, -1.0), (1, 1.0)] {
            let mut context = Stage::of("probe-context", seed);
            let seen = context.observation[0];
            assert_eq!(seen.abs(), 1.0);
            assert_eq!(context.choose(&[choice]), end(seen * sign));
        }
    }
    // Four standard deviations of a fair coin.
    assert!((437..=563).contains(&above), "{above}");
    for kind in ProbeKind::ALL {
        assert_eq!(Probe::new(kind).name(), kind.name());
        assert!(classic::NAMES.contains(&kind.name()));
    }
}

/// The choice of each part that an observation names.
fn named(observation: &[f32], parts: &[usize]) -> Vec<u32> {
    let mut rest = observation;
    let mut choices = Vec::new();
    for part in parts {
        let (of, behind) = rest.split_at(*part);
        assert_eq!(of.iter().filter(|it| **it == 1.0).count(), 1);
        assert_eq!(of.iter().sum::<f32>(), 1.0);
        choices.push(of.iter().position(|it| *it == 1.0).unwrap() as u32);
        rest = behind;
    }
    assert!(rest.is_empty());
    choices
}

#[test]
fn identities_reward_the_right_answer() {
    for (environment, parts) in [
        (Identity::discrete(4).unwrap(), vec![4]),
        (Identity::multi_discrete(&[4, 4]).unwrap(), vec![4, 4]),
        (Identity::multi_discrete(&[2, 3, 5]).unwrap(), vec![2, 3, 5]),
    ] {
        let mut stage = Stage::new(Box::new(environment), 5);
        let mut asked = std::collections::BTreeSet::new();
        for step_idx in 0..100 {
            let mut answer = named(&stage.observation, &parts);
            asked.insert(answer.clone());
            let is_wrong = step_idx % 3 == 2;
            if is_wrong {
                let last = answer.len() - 1;
                answer[last] = (answer[last] + 1) % parts[last] as u32;
            }
            let step = stage.choose(&answer);
            assert_eq!(step.reward, f32::from(u8::from(!is_wrong)));
            assert!(!step.terminated);
            assert_eq!(step.truncated, step_idx == 99);
        }
        assert!(asked.len() >= 4, "what is asked changes");
    }
}

#[test]
fn a_number_is_right_within_the_tolerance() {
    let mut stage = Stage::new(Box::new(Identity::continuous(-1.0, 1.0, 0.05).unwrap()), 5);
    let (mut least, mut greatest) = (f32::MAX, f32::MIN);
    for step_idx in 0..100 {
        let right = stage.observation[0];
        least = least.min(right);
        greatest = greatest.max(right);
        let off = [0.0, 0.049, -0.049, 0.051, -0.051, f32::NAN][step_idx % 6];
        let step = stage.step(Action::Continuous(&[right + off]));
        assert_eq!(step.reward, f32::from(u8::from(step_idx % 6 < 3)));
        assert_eq!(step.truncated, step_idx == 99);
    }
    assert!(least < -0.9 && greatest > 0.9, "{least} to {greatest}");
}

#[test]
fn identities_that_make_no_sense_are_refused() {
    assert!(Identity::discrete(0).is_err());
    assert!(Identity::discrete(usize::MAX).is_err());
    assert!(Identity::multi_discrete(&[]).is_err());
    assert!(Identity::multi_discrete(&[3, 0]).is_err());
    assert!(Identity::multi_discrete(&[usize::MAX, usize::MAX]).is_err());
    for (low, high, tolerance) in [
        (1.0, 1.0, 0.1),
        (f32::NAN, 1.0, 0.1),
        (0.0, f32::INFINITY, 0.1),
        (0.0, 1.0, -0.1),
        (0.0, 1.0, f32::NAN),
        (0.0, 1.0, f32::INFINITY),
    ] {
        assert!(Identity::continuous(low, high, tolerance).is_err());
    }
}

#[test]
fn a_torque_that_is_no_number_is_none() {
    let after = |torque: f32| {
        let mut pendulum = Pendulum::default();
        let step = pendulum.step(Action::Continuous(&[torque]), &mut [0.0; 3], &mut []);
        (step, *pendulum.state())
    };
    assert_eq!(after(f32::NAN), after(0.0));
    assert_eq!(after(f32::INFINITY), after(2.0));
    assert_eq!(after(f32::MIN), after(-2.0));
    assert_ne!(after(2.0), after(0.0));
}

#[test]
fn what_is_no_action_changes_nothing() {
    for name in classic::NAMES {
        let mut stage = Stage::of(name, 3);
        let seen = stage.observation.clone();
        let before = stage.environment.snapshot();
        let (choices, few) = (vec![u32::MAX; 3], [0.0; 2]);
        let right_kind_wrong_choice = match stage.environment.spaces().action {
            ActionSpace::Discrete(choices) => vec![choices as u32],
            ActionSpace::MultiDiscrete(parts) => vec![0, parts[1] as u32],
            ActionSpace::Continuous { .. } => vec![0],
        };
        for action in [
            Action::Discrete(&[]),
            Action::Discrete(&right_kind_wrong_choice),
            Action::Discrete(&choices),
            Action::Continuous(&[]),
            Action::Continuous(&few),
        ] {
            assert_eq!(stage.step(action), Step::default(), "{name}: {action:?}");
            assert_eq!(stage.environment.snapshot(), before);
            assert_eq!(stage.observation, seen);
            assert!(stage.mask.iter().all(|allowed| *allowed));
        }
    }
}

/// What a learner that is broken may send.
#[derive(Debug, Clone)]
enum Sent {
    Choices(Vec<u32>),
    Numbers(Vec<f32>),
}

fn sent() -> impl Strategy<Value = Sent> {
    prop_oneof![
        8 => prop::collection::vec(0u32..4, 1..3).prop_map(Sent::Choices),
        1 => prop::collection::vec(any::<u32>(), 0..4).prop_map(Sent::Choices),
        4 => prop::collection::vec(-3.0f32..3.0, 1).prop_map(Sent::Numbers),
        4 => prop::collection::vec(prop::num::f32::ANY, 0..3).prop_map(Sent::Numbers),
    ]
}

proptest! {
    #[test]
    fn whatever_is_sent_what_is_seen_is_finite_and_repeatable(
        seed in any::<u64>(),
        all in prop::collection::vec(sent(), 1..300),
    ) {
        for name in classic::NAMES {
            let (mut one, mut two) = (Stage::of(name, seed), Stage::of(name, seed));
            prop_assert_eq!(&one.observation, &two.observation);
            for (idx, sent) in all.iter().enumerate() {
                let action = match sent {
                    Sent::Choices(choices) => Action::Discrete(choices),
                    Sent::Numbers(numbers) => Action::Continuous(numbers),
                };
                let step = one.step(action);
                prop_assert_eq!(step, two.step(action));
                prop_assert!(step.reward.is_finite());
                prop_assert!(!(step.terminated && step.truncated));
                prop_assert!(one.observation.iter().all(|it| it.is_finite()), "{} {:?}", name, one.observation);
                prop_assert_eq!(&one.observation, &two.observation);
                prop_assert!(one.mask.iter().all(|allowed| *allowed));
                prop_assert_eq!(one.environment.snapshot(), two.environment.snapshot());
                if step.terminated || step.truncated {
                    let next = seed.wrapping_add(idx as u64);
                    one.reset(next);
                    two.reset(next);
                }
            }
        }
    }

    #[test]
    fn any_state_that_can_be_stays_one(
        shares in prop::array::uniform4(-1.0f64..=1.0),
        choices in prop::collection::vec(0u32..3, 1..50),
    ) {
        let [a, b, c, d] = shares;
        let links = acrobot(&[a * PI, b * PI, c * 4.0 * PI, d * 9.0 * PI]);
        let mut links = Acrobot::with_state(links, 0).unwrap();
        let mut car = MountainCar::with_state(mountain_car(&[-0.3 + 0.9 * a, 0.07 * b]), 0).unwrap();
        let mut pole = CartPole::with_state(cart_pole(&[a * 1e6, b * 1e6, c * 1e6, d * 1e6]), 0).unwrap();
        for choice in choices {
            links.step(Action::Discrete(&[choice]), &mut [0.0; 6], &mut [false; 3]);
            car.step(Action::Discrete(&[choice]), &mut [0.0; 2], &mut [false; 3]);
            pole.step(Action::Discrete(&[choice % 2]), &mut [0.0; 4], &mut [false; 2]);
            prop_assert!(links.state().is_possible() && car.state().is_possible());
            prop_assert!(of_cart_pole(pole.state()).iter().all(|it| it.is_finite()));
        }
    }
}
