//! Generalised advantage estimation.

use ndarray::{Array2, ArrayView2, Zip};

use crate::error::{Error, Result};
use crate::nn::Real;

/// What a batch of environments went through: each array is `[steps, environments]`, in the order of time.
///
/// Episodes may end anywhere inside; `terminated` and `truncated` are kept apart, since the value of what follows is zero
/// after the one and is estimated after the other (Pardo et al., "Time Limits in Reinforcement Learning", ICML 2018).
#[derive(Debug, Clone, Copy)]
pub struct Trajectories<'a, F> {
    /// The reward of each step.
    pub rewards: ArrayView2<'a, F>,
    /// The estimated value of the observation that each step was taken on.
    pub values: ArrayView2<'a, F>,
    /// The estimated value of the observation that followed; at the end of an episode of its final observation, never of
    /// the first one of the next.
    pub next_values: ArrayView2<'a, F>,
    /// The task was over after the step.
    pub terminated: ArrayView2<'a, bool>,
    /// Time was up after the step.
    pub truncated: ArrayView2<'a, bool>,
}

/// How much better each action was than what is usual, `[steps, environments]`:
///
/// ```text
/// δ(t) = r(t) + γ (1 − terminated(t)) V(next(t)) − V(t)
/// A(t) = δ(t) + γλ (1 − terminated(t)) (1 − truncated(t)) A(t + 1)
/// ```
///
/// Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage Estimation" (ICLR 2016), eq. 16.
/// The returns that a critic is fitted to are the advantages plus the values. Behind the last step nothing is added: what
/// follows it is in `next_values`.
///
/// ```
/// use ibn_drl::gae::{Trajectories, advantages};
/// use ndarray::{Array2, arr2};
///
/// // Two steps to the end, a reward of 1 each, nothing expected.
/// let zero = Array2::zeros((2, 1));
/// let advantages = advantages(
///     &Trajectories {
///         rewards: arr2(&[[1.0], [1.0]]).view(),
///         values: zero.view(),
///         next_values: zero.view(),
///         terminated: arr2(&[[false], [true]]).view(),
///         truncated: arr2(&[[false], [false]]).view(),
///     },
///     0.9,
///     1.0,
/// )
/// .unwrap();
/// assert_eq!(advantages, arr2(&[[1.9], [1.0]]));
/// ```
///
/// # Errors
/// [`Error::Settings`] where the arrays differ in shape, or the discount `γ` or `λ` is not from 0 to 1.
pub fn advantages<F: Real>(
    of: &Trajectories<'_, F>,
    discount: f64,
    lambda: f64,
) -> Result<Array2<F>> {
    check(of, discount, lambda)?;
    let (discount, decay) = (F::of(discount), F::of(discount * lambda));
    let mut advantages = Array2::zeros(of.rewards.dim());
    let mut following = ndarray::Array1::zeros(of.rewards.ncols());
    for (step_idx, mut now) in advantages.outer_iter_mut().enumerate().rev() {
        now.assign(&of.rewards.row(step_idx));
        now -= &of.values.row(step_idx);
        Zip::from(&mut now)
            .and(of.next_values.row(step_idx))
            .and(of.terminated.row(step_idx))
            .and(of.truncated.row(step_idx))
            .and(&mut following)
            .for_each(|now, next, terminated, truncated, following| {
                if !terminated {
                    *now += discount * *next;
                    if !truncated {
                        *now += decay * *following;
                    }
                }
                *following = *now;
            });
    }
    Ok(advantages)
}

fn check<F: Real>(of: &Trajectories<'_, F>, discount: f64, lambda: f64) -> Result<()> {
    let mut faults = Vec::new();
    let shape = of.rewards.dim();
    for (name, found) in [
        ("values", of.values.dim()),
        ("next_values", of.next_values.dim()),
        ("terminated", of.terminated.dim()),
        ("truncated", of.truncated.dim()),
    ] {
        if found != shape {
            faults.push(format!(
                "`{name}` has shape {found:?}, `rewards` has {shape:?}"
            ));
        }
    }
    for (name, value) in [("discount", discount), ("lambda", lambda)] {
        if !(0.0..=1.0).contains(&value) {
            faults.push(format!("`{name}` is {value}, allowed is 0 to 1"));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::Settings {
            what: "advantages".to_owned(),
            faults,
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::arr2;
    use proptest::prelude::*;

    use super::*;

    /// The definition, as the sum over what follows until the episode ends.
    fn plain_sum(
        of: &Trajectories<'_, f64>,
        discount: f64,
        lambda: f64,
        start: usize,
        env: usize,
    ) -> f64 {
        let (mut sum, mut weight) = (0.0, 1.0);
        for t in start..of.rewards.nrows() {
            let at = [t, env];
            let next = if of.terminated[at] {
                0.0
            } else {
                of.next_values[at]
            };
            sum += weight * (of.rewards[at] + discount * next - of.values[at]);
            if of.terminated[at] || of.truncated[at] {
                break;
            }
            weight *= discount * lambda;
        }
        sum
    }

    proptest! {
        #[test]
        fn equals_the_plain_sum(
            (steps, envs, numbers, ends) in (1usize..12, 1usize..4).prop_flat_map(|(steps, envs)| (
                Just(steps), Just(envs),
                prop::collection::vec(-10.0f64..10.0, 3 * steps * envs),
                prop::collection::vec((prop::bool::weighted(0.2), prop::bool::weighted(0.2)), steps * envs),
            )),
            (discount, lambda) in (0.0f64..=1.0, 0.0f64..=1.0),
        ) {
            let shape = (steps, envs);
            let part = |idx: usize| Array2::from_shape_vec(shape, numbers[idx * steps * envs..][..steps * envs].to_vec()).unwrap();
            let (rewards, values, next_values) = (part(0), part(1), part(2));
            let terminated = Array2::from_shape_vec(shape, ends.iter().map(|end| end.0).collect()).unwrap();
            let truncated = Array2::from_shape_vec(shape, ends.iter().map(|end| end.1).collect()).unwrap();
            let of = Trajectories {
                rewards: rewards.view(),
                values: values.view(),
                next_values: next_values.view(),
                terminated: terminated.view(),
                truncated: truncated.view(),
            };
            let found = advantages(&of, discount, lambda).unwrap();
            for ((t, env), value) in found.indexed_iter() {
                prop_assert!((value - plain_sum(&of, discount, lambda, t, env)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_perfect_critic_leaves_nothing_and_truncation_is_no_end() {
        // A reward of 1 for ever is worth 1 ÷ (1 − γ) at each step, so no action is better than usual.
        let (discount, steps) = (0.9, 5);
        let worth = Array2::from_elem((steps, 2), 1.0 / (1.0 - discount));
        let no = Array2::from_elem((steps, 2), false);
        let mut truncated = no.clone();
        truncated[[2, 1]] = true;
        let rewards = Array2::ones((steps, 2));
        let mut of = Trajectories {
            rewards: rewards.view(),
            values: worth.view(),
            next_values: worth.view(),
            terminated: no.view(),
            truncated: truncated.view(),
        };
        assert!(
            advantages(&of, discount, 0.95)
                .unwrap()
                .iter()
                .all(|a: &f64| a.abs() < 1e-12)
        );
        // Taken for the end of the task, time that is up would look like a loss of all that was to come.
        of.terminated = truncated.view();
        of.truncated = no.view();
        assert!((advantages(&of, discount, 0.95).unwrap()[[2, 1]] + 9.0).abs() < 1e-12);
    }

    #[test]
    fn without_a_critic_it_is_the_discounted_sum() {
        // λ = 1, V = 0, k steps to the end: (1 − γᵏ) ÷ (1 − γ).
        let steps = 20;
        let (rewards, zero) = (Array2::<f32>::ones((steps, 1)), Array2::zeros((steps, 1)));
        let mut terminated = Array2::from_elem((steps, 1), false);
        terminated[[steps - 1, 0]] = true;
        let no = Array2::from_elem((steps, 1), false);
        let of = Trajectories {
            rewards: rewards.view(),
            values: zero.view(),
            next_values: zero.view(),
            terminated: terminated.view(),
            truncated: no.view(),
        };
        for (t, found) in advantages(&of, 0.9, 1.0).unwrap().iter().enumerate() {
            let expected = (1.0 - 0.9f32.powi((steps - t) as i32)) / 0.1;
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }

    /// With a reward of 1 at each step and a value of `v` everywhere, `δ` is `1 + γv − v` but `1 − v` at the end of an episode, so that
    /// `n` steps before it `A = (1 + γv − v) (1 − (γλ)ⁿ) ÷ (1 − γλ) + (γλ)ⁿ (1 − v)`.
    #[test]
    fn one_and_three_episodes_by_the_closed_form() {
        for (discount, lambda) in [(0.99, 0.9), (0.99, 1.0), (1.0, 0.9), (1.0, 1.0)] {
            for lengths in [vec![9], vec![4, 1, 6]] {
                let steps = lengths.iter().sum::<i32>() as usize;
                let v = 0.7;
                let (rewards, values) = (
                    Array2::<f64>::ones((steps, 1)),
                    Array2::from_elem((steps, 1), v),
                );
                let mut terminated = Array2::from_elem((steps, 1), false);
                let mut before = Vec::new();
                for length in lengths {
                    before.extend((0..length).rev());
                    terminated[[before.len() - 1, 0]] = true;
                }
                let no = Array2::from_elem((steps, 1), false);
                let found = advantages(
                    &Trajectories {
                        rewards: rewards.view(),
                        values: values.view(),
                        next_values: values.view(),
                        terminated: terminated.view(),
                        truncated: no.view(),
                    },
                    discount,
                    lambda,
                )
                .unwrap();
                for (found, n) in found.iter().zip(before) {
                    let decay: f64 = discount * lambda;
                    let usual = 1.0 + discount * v - v;
                    let sum = if decay == 1.0 {
                        f64::from(n)
                    } else {
                        (1.0 - decay.powi(n)) / (1.0 - decay)
                    };
                    let expected = usual * sum + decay.powi(n) * (1.0 - v);
                    assert!((found - expected).abs() < 1e-12, "{n}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn shapes_and_ranges_are_told() {
        let (one, two) = (Array2::<f64>::zeros((1, 1)), Array2::zeros((2, 1)));
        let no = arr2(&[[false]]);
        let error = advantages(
            &Trajectories {
                rewards: one.view(),
                values: two.view(),
                next_values: one.view(),
                terminated: no.view(),
                truncated: no.view(),
            },
            1.5,
            f64::NAN,
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "advantages: `values` has shape (2, 1), `rewards` has (1, 1); `discount` is 1.5, allowed is 0 to 1; \
             `lambda` is NaN, allowed is 0 to 1"
        );
    }
}
