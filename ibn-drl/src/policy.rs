//! What a policy-gradient learner has learned: from an observation to a distribution over actions.

use ibn_core::roles::{ActionSpace, Spaces};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use crate::nn::{Mlp, Real, Workspace};
use crate::tensors::Tensors;

/// Normalised observations are clipped to ± this.
const MOST_DEVIATIONS: f64 = 10.0;

/// A stochastic policy: a network whose output is, by the action space, the logits of categorical distributions or the means of
/// a diagonal normal one, whose deviations don't depend on the observation.
///
/// What a mask forbids has probability zero. A part of which a mask forbids everything takes its first choice.
///
/// ```
/// use ibn_core::roles::{ActionSpace, Spaces};
/// use ibn_drl::policy::Policy;
///
/// let spaces = Spaces { observation: 2, action: ActionSpace::MultiDiscrete(vec![3, 2]) };
/// let policy: Policy<f32> = Policy::new(&spaces, &[16], 0.0, 1);
/// let (mut work, mut action) = (policy.workspace(1), [0.0; 2]);
/// policy.best(&[0.5, -1.0], &[false, true, false, true, true], &mut work, &mut action);
/// assert_eq!(action[0], 1.0, "the only one that the mask allows");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Policy<F> {
    pub(crate) spaces: Spaces,
    pub(crate) actor: Mlp<F>,
    /// Logarithms of the deviations of a continuous action; none for choices.
    pub(crate) log_std: Vec<F>,
    /// What observations are normalised by; as they come where absent.
    pub(crate) normaliser: Option<Normaliser>,
}

/// Buffers for decisions on so many observations at once.
#[derive(Debug, Clone)]
pub struct PolicyWork<F> {
    pub(crate) network: Workspace<F>,
    pub(crate) observations: Vec<F>,
    pub(crate) row: Row<F>,
}

/// What is known of the distribution for one observation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row<F> {
    /// Of each choice of each part.
    probabilities: Vec<F>,
    log_probabilities: Vec<F>,
}

impl<F: Real> Policy<F> {
    /// A policy near uniform, or near zero, whose network has these hidden layers.
    #[must_use]
    pub fn new(spaces: &Spaces, hidden: &[usize], initial_log_std: f64, seed: u64) -> Self {
        let outputs = match &spaces.action {
            ActionSpace::Continuous { low, .. } => low.len(),
            choices => choices.mask_len(),
        };
        let mut sizes = vec![spaces.observation];
        sizes.extend(hidden);
        sizes.push(outputs);
        let n_continuous = match &spaces.action {
            ActionSpace::Continuous { low, .. } => low.len(),
            _ => 0,
        };
        Self {
            spaces: spaces.clone(),
            actor: Mlp::new(&sizes, 0.01, seed),
            log_std: vec![F::of(initial_log_std); n_continuous],
            normaliser: None,
        }
    }

    /// The shapes that it is for.
    #[must_use]
    pub fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    /// The network, to be changed.
    pub fn actor_mut(&mut self) -> &mut Mlp<F> {
        &mut self.actor
    }

    /// What observations are normalised by, where they are.
    #[must_use]
    pub fn normaliser(&self) -> Option<&Normaliser> {
        self.normaliser.as_ref()
    }

    /// Numbers of an action: one for each part, or one for each dimension.
    #[must_use]
    pub fn action_len(&self) -> usize {
        match &self.spaces.action {
            ActionSpace::Discrete(_) => 1,
            ActionSpace::MultiDiscrete(parts) => parts.len(),
            ActionSpace::Continuous { low, .. } => low.len(),
        }
    }

    /// The numbers of choices of the parts; none for continuous actions.
    pub(crate) fn parts(&self) -> &[usize] {
        match &self.spaces.action {
            ActionSpace::Discrete(choices) => std::slice::from_ref(choices),
            ActionSpace::MultiDiscrete(parts) => parts,
            ActionSpace::Continuous { .. } => &[],
        }
    }

    /// Buffers for up to `rows` observations at once.
    #[must_use]
    pub fn workspace(&self, rows: usize) -> PolicyWork<F> {
        PolicyWork {
            network: Workspace::new(&self.actor, rows),
            observations: vec![F::zero(); rows * self.spaces.observation],
            row: Row::default(),
        }
    }

    /// Observations as the network takes them.
    pub(crate) fn normalise(&self, observation: &[f32], to: &mut [F]) {
        match &self.normaliser {
            Some(normaliser) => normaliser.normalise(observation, to),
            None => {
                for (to, from) in to.iter_mut().zip(observation) {
                    *to = F::of(f64::from(*from));
                }
            }
        }
    }

    /// The likeliest action on one observation: choices as whole numbers, or the mean, within the ends of the space.
    ///
    /// `observation` has `spaces().observation` numbers, `mask` `mask_len` entries, `action` [`Policy::action_len`].
    pub fn best(
        &self,
        observation: &[f32],
        mask: &[bool],
        work: &mut PolicyWork<F>,
        action: &mut [F],
    ) {
        self.best_of_each(observation, mask, work, action);
    }

    /// The same on as many observations as the workspace has room for, one after the other.
    pub fn best_of_each(
        &self,
        observations: &[f32],
        masks: &[bool],
        work: &mut PolicyWork<F>,
        actions: &mut [F],
    ) {
        let width = self.spaces.observation.max(1);
        let rows = observations.len() / width;
        let Some(normalised) = work.observations.get_mut(..rows * width) else {
            return;
        };
        for (from, to) in observations
            .chunks_exact(width)
            .zip(normalised.chunks_exact_mut(width))
        {
            self.normalise(from, to);
        }
        let outputs = self.actor.pass(normalised, &mut work.network);
        let mut masks = masks.chunks_exact(self.spaces.action.mask_len().max(1));
        for (output, action) in outputs
            .chunks_exact(self.actor.outputs().max(1))
            .zip(actions.chunks_exact_mut(self.action_len().max(1)))
        {
            let mask = masks.next().unwrap_or_default();
            match &self.spaces.action {
                ActionSpace::Continuous { low, high } => {
                    for ((to, mean), (low, high)) in
                        action.iter_mut().zip(output).zip(low.iter().zip(high))
                    {
                        *to = clip(*mean, *low, *high);
                    }
                }
                _ => {
                    let (mut output, mut mask) = (output, mask);
                    for (to, choices) in action.iter_mut().zip(self.parts()) {
                        let (logits, left) = output.split_at(*choices);
                        let (allowed, masks_left) = mask.split_at(*choices);
                        *to = F::of(likeliest(logits, allowed) as f64);
                        (output, mask) = (left, masks_left);
                    }
                }
            }
        }
    }

    /// The probabilities of all choices of all parts on one observation; none for continuous actions.
    #[must_use]
    pub fn probabilities(
        &self,
        observation: &[f32],
        mask: &[bool],
        work: &mut PolicyWork<F>,
    ) -> Vec<F> {
        let Some(normalised) = work.observations.get_mut(..observation.len()) else {
            return Vec::new();
        };
        self.normalise(observation, normalised);
        if self.parts().is_empty() {
            return Vec::new();
        }
        let output = self.actor.pass(normalised, &mut work.network);
        self.tabulate(output, mask, &mut work.row);
        work.row.probabilities.clone()
    }

    /// Draws an action from the distribution that `output` of the network stands for; the logarithm of its probability (density).
    ///
    /// A continuous action is as it was drawn: it is clipped to the ends of the space only where it is taken.
    pub(crate) fn sample(
        &self,
        output: &[F],
        mask: &[bool],
        random: &mut impl Rng,
        row: &mut Row<F>,
        action: &mut [F],
    ) -> F {
        if self.parts().is_empty() {
            let mut sum = F::zero();
            for ((to, mean), log_std) in action.iter_mut().zip(output).zip(&self.log_std) {
                let deviation: f64 = StandardNormal.sample(random);
                *to = *mean + log_std.exp() * F::of(deviation);
                sum += log_density(*to, *mean, *log_std);
            }
            return sum;
        }
        self.tabulate(output, mask, row);
        let mut sum = F::zero();
        let (mut at, log_probabilities) = (0, &row.log_probabilities);
        for (to, choices) in action.iter_mut().zip(self.parts()) {
            let part = at..at + choices;
            at = part.end;
            let probabilities = row.probabilities.get(part.clone()).unwrap_or_default();
            let mut left = F::of(random.random::<f64>());
            let mut chosen = None;
            for (idx, probability) in probabilities.iter().enumerate() {
                if *probability > F::zero() {
                    chosen = Some(idx);
                    left -= *probability;
                    if left < F::zero() {
                        break;
                    }
                }
            }
            let chosen = chosen.unwrap_or(0);
            *to = F::of(chosen as f64);
            sum += log_probabilities
                .get(part.start + chosen)
                .copied()
                .unwrap_or_default();
        }
        sum
    }

    /// Probabilities of all choices.
    fn tabulate(&self, output: &[F], mask: &[bool], row: &mut Row<F>) {
        row.probabilities.resize(output.len(), F::zero());
        row.log_probabilities.resize(output.len(), F::zero());
        let (mut output, mut mask) = (output, mask);
        let mut probabilities = row.probabilities.as_mut_slice();
        let mut log_probabilities = row.log_probabilities.as_mut_slice();
        for choices in self.parts() {
            let (logits, left) = output.split_at(*choices);
            let (allowed, masks_left) = mask.split_at(*choices);
            let (own, others) = probabilities.split_at_mut(*choices);
            let (own_log, others_log) = log_probabilities.split_at_mut(*choices);
            softmax(logits, allowed, own, own_log);
            (output, mask) = (left, masks_left);
            (probabilities, log_probabilities) = (others, others_log);
        }
    }

    /// The logarithm of the probability (density) of `action`, and the entropy of the distribution. What [`Policy::add_slopes`]
    /// needs of it stays in `row`.
    pub(crate) fn look_up(
        &self,
        output: &[F],
        mask: &[bool],
        action: &[F],
        row: &mut Row<F>,
    ) -> (F, F) {
        let (mut log_probability, mut entropy) = (F::zero(), F::zero());
        if self.parts().is_empty() {
            let half_log_2_pi_e = F::of(0.5 * (2.0 * std::f64::consts::PI).ln() + 0.5);
            for ((action, mean), log_std) in action.iter().zip(output).zip(&self.log_std) {
                log_probability += log_density(*action, *mean, *log_std);
                entropy += *log_std + half_log_2_pi_e;
            }
            return (log_probability, entropy);
        }
        self.tabulate(output, mask, row);
        let mut at = 0;
        for (chosen, choices) in action.iter().zip(self.parts()) {
            let chosen = chosen.to_usize().unwrap_or(0);
            log_probability += row
                .log_probabilities
                .get(at + chosen)
                .copied()
                .unwrap_or_default();
            at += choices;
        }
        entropy -= plogp(&row.probabilities, &row.log_probabilities);
        (log_probability, entropy)
    }

    /// The derivatives by `output`, and by the log deviations, of `by_log_probability · ln π(action) + by_entropy · H`, after
    /// [`Policy::look_up`] of the same row. `slopes` is written, `by_log_std` added to.
    ///
    /// For a softmax, `∂ ln π(a) ÷ ∂z(j) = [j = a] − p(j)` and `∂H ÷ ∂z(j) = −p(j) (ln p(j) + H)`.
    #[expect(
        clippy::too_many_arguments,
        reason = "a row of each array of a minibatch"
    )]
    pub(crate) fn slopes(
        &self,
        output: &[F],
        action: &[F],
        row: &Row<F>,
        by_log_probability: F,
        by_entropy: F,
        slopes: &mut [F],
        by_log_std: &mut [F],
    ) {
        if self.parts().is_empty() {
            let per_dimension = action.iter().zip(output).zip(&self.log_std);
            for (((action, mean), log_std), (slope, by_log_std)) in
                per_dimension.zip(slopes.iter_mut().zip(by_log_std))
            {
                let std = log_std.exp();
                let deviation = (*action - *mean) / std;
                *slope = by_log_probability * deviation / std;
                *by_log_std += by_log_probability * (deviation * deviation - F::one()) + by_entropy;
            }
            return;
        }
        let mut at = 0;
        for (chosen, choices) in action.iter().zip(self.parts()) {
            let part = at..at + choices;
            at = part.end;
            let (Some(probabilities), Some(log_probabilities), Some(slopes)) = (
                row.probabilities.get(part.clone()),
                row.log_probabilities.get(part.clone()),
                slopes.get_mut(part),
            ) else {
                return;
            };
            let entropy = -plogp(probabilities, log_probabilities);
            for ((slope, probability), log_probability) in
                slopes.iter_mut().zip(probabilities).zip(log_probabilities)
            {
                *slope = -*probability * by_log_probability;
                if *probability > F::zero() {
                    *slope -= by_entropy * *probability * (*log_probability + entropy);
                }
            }
            if let Some(slope) = chosen.to_usize().and_then(|chosen| slopes.get_mut(chosen)) {
                *slope += by_log_probability;
            }
        }
    }
}

/// `Σ p ln p`.
fn plogp<F: Real>(probabilities: &[F], log_probabilities: &[F]) -> F {
    let terms = probabilities.iter().zip(log_probabilities);
    terms.fold(F::zero(), |sum, (probability, log_probability)| {
        if *probability > F::zero() {
            sum + *probability * *log_probability
        } else {
            sum
        }
    })
}

/// The logarithm of the density of a normal distribution.
fn log_density<F: Real>(value: F, mean: F, log_std: F) -> F {
    let deviation = (value - mean) / log_std.exp();
    let half_log_2_pi = F::of(0.5 * (2.0 * std::f64::consts::PI).ln());
    F::of(-0.5) * deviation * deviation - log_std - half_log_2_pi
}

/// Into the ends of a space; what is no number goes to the middle.
pub(crate) fn clip<F: Real>(value: F, low: f32, high: f32) -> F {
    let (low, high) = (F::of(f64::from(low)), F::of(f64::from(high)));
    if value.is_nan() {
        return (low + high) / F::of(2.0);
    }
    value.max(low).min(high)
}

/// Probabilities from logits, over what is allowed; where nothing is, the first is certain.
fn softmax<F: Real>(
    logits: &[F],
    allowed: &[bool],
    probabilities: &mut [F],
    log_probabilities: &mut [F],
) {
    let most = logits
        .iter()
        .zip(allowed)
        .filter(|(_, allowed)| **allowed)
        .fold(F::neg_infinity(), |most, (logit, _)| most.max(*logit));
    if most == F::neg_infinity() {
        probabilities.fill(F::zero());
        log_probabilities.fill(F::neg_infinity());
        if let (Some(probability), Some(log_probability)) =
            (probabilities.first_mut(), log_probabilities.first_mut())
        {
            (*probability, *log_probability) = (F::one(), F::zero());
        }
        return;
    }
    let mut sum = F::zero();
    for ((probability, logit), allowed) in probabilities.iter_mut().zip(logits).zip(allowed) {
        *probability = if *allowed {
            (*logit - most).exp()
        } else {
            F::zero()
        };
        sum += *probability;
    }
    let log_sum = most + sum.ln();
    for ((probability, log_probability), (logit, allowed)) in probabilities
        .iter_mut()
        .zip(log_probabilities)
        .zip(logits.iter().zip(allowed))
    {
        *probability /= sum;
        *log_probability = if *allowed {
            *logit - log_sum
        } else {
            F::neg_infinity()
        };
    }
}

/// The allowed choice with the greatest logit, the first of equals; the first where none is allowed.
fn likeliest<F: Real>(logits: &[F], allowed: &[bool]) -> usize {
    let mut best: Option<(usize, F)> = None;
    for (idx, (logit, allowed)) in logits.iter().zip(allowed).enumerate() {
        if *allowed && best.is_none_or(|(_, most)| *logit > most) {
            best = Some((idx, *logit));
        }
    }
    best.map_or(0, |(idx, _)| idx)
}

/// The ends of a column of which nothing was seen.
const NOTHING_SEEN: (f64, f64) = (f64::INFINITY, f64::NEG_INFINITY);

/// Mean and variance of numbers that came one after the other; of rows, column by column.
///
/// Merged by the formula of Chan, Golub and LeVeque ("Algorithms for Computing the Sample Variance", The American Statistician 37,
/// 1983), in `f64`.
#[derive(Debug, Clone, PartialEq)]
pub struct Normaliser {
    pub(crate) count: f64,
    pub(crate) mean: Vec<f64>,
    /// Sums of squared deviations.
    pub(crate) squares: Vec<f64>,
    /// The least and the greatest.
    pub(crate) ends: Vec<(f64, f64)>,
    /// What a value is taken from and multiplied by, as of the last merge.
    scale: Vec<(f64, f64)>,
}

impl Normaliser {
    /// One that has seen nothing yet and leaves numbers as they are.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self {
            count: 0.0,
            mean: vec![0.0; columns],
            squares: vec![0.0; columns],
            ends: vec![NOTHING_SEEN; columns],
            scale: vec![(0.0, 1.0); columns],
        }
    }

    /// Adds all that it has seen to arrays whose names begin with `name`.
    pub(crate) fn write(&self, name: &str, tensors: &mut Tensors) {
        let n = self.mean.len();
        tensors.insert(&format!("{name}.count"), &[1], [self.count]);
        let (low, high) = (
            self.ends.iter().map(|it| it.0),
            self.ends.iter().map(|it| it.1),
        );
        // What saw nothing yet has no ends to write.
        let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
        for (what, values) in [
            ("mean", self.mean.clone()),
            ("squares", self.squares.clone()),
            ("low", low.map(finite).collect()),
            ("high", high.map(finite).collect()),
        ] {
            tensors.insert(&format!("{name}.{what}"), &[n], values);
        }
    }

    /// Reads what [`Normaliser::write`] wrote, of so many columns.
    pub(crate) fn read(name: &str, columns: usize, tensors: &Tensors) -> Result<Self, String> {
        let get = |what: &str, n: usize| {
            Ok::<_, String>(tensors.get(&format!("{name}.{what}"), &[n])?.to_vec())
        };
        let count = get("count", 1)?.first().copied().unwrap_or(0.0);
        let (low, high) = (get("low", columns)?, get("high", columns)?);
        let ends = low.into_iter().zip(high);
        let mut normaliser = Self {
            count,
            mean: get("mean", columns)?,
            squares: get("squares", columns)?,
            ends: ends
                .map(|ends| if count > 0.0 { ends } else { NOTHING_SEEN })
                .collect(),
            scale: vec![(0.0, 1.0); columns],
        };
        normaliser.settle();
        Ok(normaliser)
    }

    /// How far a value of a column lies outside of all that was seen, as a share of their span; 0 inside.
    pub(crate) fn beyond(&self, column: usize, value: f64) -> f64 {
        let Some((low, high)) = self.ends.get(column).copied() else {
            return 0.0;
        };
        let outside = (low - value).max(value - high).max(0.0);
        if outside > 0.0 {
            outside / (high - low).max(1e-3)
        } else {
            0.0
        }
    }

    /// Rows so far.
    #[must_use]
    pub fn count(&self) -> f64 {
        self.count
    }

    /// The means.
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The standard deviations, of the whole population.
    pub fn deviations(&self) -> impl Iterator<Item = f64> + '_ {
        let count = self.count.max(1.0);
        self.squares.iter().map(move |sum| (sum / count).sqrt())
    }

    /// Takes in one row; what is normalised stays as it was until [`Normaliser::settle`].
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = f64>) {
        self.count += 1.0;
        for (((mean, squares), ends), value) in self
            .mean
            .iter_mut()
            .zip(&mut self.squares)
            .zip(&mut self.ends)
            .zip(row)
        {
            *ends = (ends.0.min(value), ends.1.max(value));
            let before = value - *mean;
            *mean += before / self.count;
            *squares += before * (value - *mean);
        }
    }

    /// Takes in all that another has seen.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        let count = self.count + other.count;
        for (ends, other) in self.ends.iter_mut().zip(&other.ends) {
            *ends = (ends.0.min(other.0), ends.1.max(other.1));
        }
        for ((mean, squares), (other_mean, other_squares)) in self
            .mean
            .iter_mut()
            .zip(&mut self.squares)
            .zip(other.mean.iter().zip(&other.squares))
        {
            let apart = other_mean - *mean;
            *mean += apart * other.count / count;
            *squares += other_squares + apart * apart * self.count * other.count / count;
        }
        self.count = count;
    }

    /// From now on numbers are normalised by all that was seen.
    pub(crate) fn settle(&mut self) {
        let count = self.count;
        if count < 1.0 {
            return;
        }
        for (scale, (mean, squares)) in self
            .scale
            .iter_mut()
            .zip(self.mean.iter().zip(&self.squares))
        {
            *scale = (*mean, 1.0 / (squares / count + 1e-8).sqrt());
        }
    }

    /// `(x − mean) ÷ deviation`, within ±10.
    pub(crate) fn normalise<F: Real>(&self, row: &[f32], to: &mut [F]) {
        for ((to, value), (mean, factor)) in to.iter_mut().zip(row).zip(&self.scale) {
            let deviations = (f64::from(*value) - mean) * factor;
            *to = F::of(deviations.clamp(-MOST_DEVIATIONS, MOST_DEVIATIONS));
        }
    }

    /// `x ÷ deviation` of the first column, within ±10: rewards keep their sign.
    pub(crate) fn scale(&self, value: f64) -> f64 {
        let factor = self.scale.first().map_or(1.0, |(_, factor)| *factor);
        (value * factor).clamp(-MOST_DEVIATIONS, MOST_DEVIATIONS)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_pcg::Pcg64;

    use super::*;

    fn policy(action: ActionSpace) -> Policy<f64> {
        let spaces = Spaces {
            observation: 3,
            action,
        };
        let mut policy = Policy::new(&spaces, &[5], -0.3, 1);
        // Away from uniform.
        let mut random = Pcg64::seed_from_u64(4);
        for parameter in policy.actor.parameters_mut() {
            *parameter += random.random_range(-0.5..0.5);
        }
        policy
    }

    fn continuous() -> ActionSpace {
        ActionSpace::Continuous {
            low: vec![-1.0, -2.0],
            high: vec![1.0, 2.0],
        }
    }

    #[test]
    fn samples_come_as_often_as_their_probability_and_never_where_masked() {
        let policy = policy(ActionSpace::MultiDiscrete(vec![3, 4]));
        let (output, mask) = (
            [0.3, -1.0, 0.8, 0.0, 2.0, -0.5, 0.1],
            [true, false, true, true, true, false, true],
        );
        let mut random = Pcg64::seed_from_u64(2);
        let (mut row, mut action) = (Row::default(), [0.0; 2]);
        let mut counts = [0.0f64; 7];
        let n = 200_000;
        for _ in 0..n {
            let drawn = policy.sample(&output, &mask, &mut random, &mut row, &mut action);
            let mut again = Row::default();
            let (known, _) = policy.look_up(&output, &mask, &action, &mut again);
            assert_eq!(drawn, known);
            counts[action[0] as usize] += 1.0;
            counts[3 + action[1] as usize] += 1.0;
        }
        for (part, whole) in [(0..3, 3), (3..7, 7)] {
            let sum: f64 = part
                .clone()
                .filter(|idx| mask[*idx])
                .map(|idx| output[idx].exp())
                .sum();
            for idx in part {
                let expected = if mask[idx] {
                    output[idx].exp() / sum
                } else {
                    0.0
                };
                let found = counts[idx] / f64::from(n);
                assert!(
                    (found - expected).abs() < 0.005,
                    "{idx} of {whole}: {found} {expected}"
                );
                assert!(mask[idx] || counts[idx] == 0.0);
            }
        }
    }

    #[test]
    fn where_all_is_masked_the_first_is_certain() {
        let policy = policy(ActionSpace::Discrete(3));
        let mut row = Row::default();
        let mut action = [9.0];
        let mut random = Pcg64::seed_from_u64(2);
        let none = [false; 3];
        let sampled = policy.sample(&[1.0, 2.0, 3.0], &none, &mut random, &mut row, &mut action);
        assert_eq!((sampled, action), (0.0, [0.0]));
        assert_eq!(likeliest(&[1.0, 2.0], &[false, false]), 0);
    }

    #[test]
    fn normal_samples_have_mean_and_deviation_and_the_density_of_the_formula() {
        let policy = policy(continuous());
        let mut random = Pcg64::seed_from_u64(3);
        let (mut row, mut action) = (Row::default(), [0.0; 2]);
        let mut seen = Normaliser::new(2);
        for _ in 0..100_000 {
            policy.sample(&[0.5, -1.0], &[], &mut random, &mut row, &mut action);
            seen.push(action);
        }
        for ((mean, deviation), expected) in
            seen.mean().iter().zip(seen.deviations()).zip([0.5, -1.0])
        {
            assert!((mean - expected).abs() < 0.02, "{mean}");
            assert!((deviation - (-0.3f64).exp()).abs() < 0.01, "{deviation}");
        }
        let normal = statrs::distribution::Normal::new(0.5, (-0.3f64).exp()).unwrap();
        use statrs::distribution::Continuous;
        assert!((log_density(0.9, 0.5, -0.3) - normal.ln_pdf(0.9)).abs() < 1e-12);
        use statrs::statistics::Distribution;
        let (_, entropy) = policy.look_up(&[0.5, -1.0], &[], &[0.0, 0.0], &mut row);
        assert!((entropy - 2.0 * normal.entropy().unwrap()).abs() < 1e-12);
    }

    #[test]
    fn slopes_are_those_of_finite_differences_and_zero_where_masked() {
        let spaces = [
            (
                ActionSpace::MultiDiscrete(vec![3, 4]),
                vec![2.0, 0.0],
                vec![true, false, true, true, true, false, true],
            ),
            (ActionSpace::Discrete(3), vec![1.0], vec![true; 3]),
            (continuous(), vec![0.4, -2.2], vec![]),
        ];
        for (space, action, mask) in spaces {
            let policy = policy(space);
            let n = policy.actor.outputs();
            let output: Vec<f64> = (0..n).map(|idx| (idx as f64 * 1.7).sin()).collect();
            let (by_log_probability, by_entropy) = (0.7, -0.4);
            let mut row = Row::default();
            let value = |policy: &Policy<f64>, output: &[f64]| {
                let (log_probability, entropy) =
                    policy.look_up(output, &mask, &action, &mut Row::default());
                by_log_probability * log_probability + by_entropy * entropy
            };
            policy.look_up(&output, &mask, &action, &mut row);
            let (mut slopes, mut by_log_std) = (vec![9.0; n], vec![0.0; policy.log_std.len()]);
            policy.slopes(
                &output,
                &action,
                &row,
                by_log_probability,
                by_entropy,
                &mut slopes,
                &mut by_log_std,
            );
            let h = 1e-6;
            for idx in 0..n {
                let moved = |shift: f64| {
                    let mut output = output.clone();
                    output[idx] += shift;
                    value(&policy, &output)
                };
                let numeric = (moved(h) - moved(-h)) / (2.0 * h);
                assert!(
                    (numeric - slopes[idx]).abs() < 1e-8,
                    "{idx}: {numeric} {}",
                    slopes[idx]
                );
                if mask.get(idx) == Some(&false) {
                    assert_eq!(slopes[idx], 0.0);
                }
            }
            for (idx, exact) in by_log_std.iter().enumerate() {
                let moved = |shift: f64| {
                    let mut policy = policy.clone();
                    policy.log_std[idx] += shift;
                    value(&policy, &output)
                };
                let numeric = (moved(h) - moved(-h)) / (2.0 * h);
                assert!((numeric - exact).abs() < 1e-8);
            }
        }
    }

    #[test]
    fn merged_or_pushed_the_moments_are_the_same() {
        let rows: Vec<[f64; 2]> = (0..50)
            .map(|idx| [f64::from(idx).sin() * 3.0 + 100.0, f64::from(idx).cos()])
            .collect();
        let (mut all, mut first, mut second) =
            (Normaliser::new(2), Normaliser::new(2), Normaliser::new(2));
        for (idx, row) in rows.iter().enumerate() {
            all.push(*row);
            if idx < 20 { &mut first } else { &mut second }.push(*row);
        }
        first.merge(&second);
        first.merge(&Normaliser::new(2));
        assert_eq!(first.count, 50.0);
        for (a, b) in all
            .mean
            .iter()
            .chain(&all.squares)
            .zip(first.mean.iter().chain(&first.squares))
        {
            assert!((a - b).abs() < 1e-9);
        }
        assert_eq!(all.ends, first.ends);
        assert_eq!(all.beyond(1, 0.5), 0.0);
        let (low, high) = all.ends[1];
        assert!((all.beyond(1, high + high - low) - 1.0).abs() < 1e-12);
        let column: Vec<f64> = rows.iter().map(|row| row[0]).collect();
        use statrs::statistics::Statistics;
        assert!((all.mean[0] - column.iter().mean()).abs() < 1e-9);
        assert!(
            (all.deviations().next().unwrap() - column.iter().population_std_dev()).abs() < 1e-9
        );
        let mut out = [0.0f64; 2];
        all.normalise(&[5.0, 7.0], &mut out);
        assert_eq!(out, [5.0, 7.0], "not settled yet");
        all.settle();
        all.normalise(&[1e9, 0.0], &mut out);
        assert_eq!(out[0], 10.0);
    }
}
