//! Actions relative to what a twin says is needed, and what a learner of them sees.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::{Facts, ReplicaRoom, allows};
use crate::allocation::{Allocation, ContainerResources, Field};
use crate::intent::{IndicatorName, Objective};
use crate::observation::{Observation, Signal, SignalHealth};
use crate::prediction::{Demand, WorkloadModel};
use crate::roles::Predictor;
use crate::situation::Situation;

/// The version of the factors and of the features.
pub const HEADROOM_VERSION: u32 = 2;

/// Head-room over the measured demand: pods are added up to what so many times the present rate needs.
pub const FACTORS: [f64; 6] = [0.8, 1.0, 1.2, 1.6, 2.0, 2.8];

/// Pods are taken down to what that factor of the highest rate of the last three minutes needs, so that noise doesn't move them to and fro,
/// and never below what the highest rate of this span needs.
pub const SPANS: [Duration; 3] = [
    Duration::from_secs(180),
    Duration::from_secs(900),
    Duration::from_secs(3_600),
];

/// The place of factor 1 in [`FACTORS`].
const WHOLE: usize = 1;

/// For how long objectives that were missed although the twin foresaw that they would be met make for more need.
const DISTRUST: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// More than so many times what the twin says is never taken for the need.
const MOST_CORRECTION: f64 = 4.0;

/// Requests in a window from which on a missed objective is held against the twin.
const ENOUGH: f64 = 100.0;

/// Where the rate is no longer measured, the highest of this span is taken for it.
const BLIND: Duration = Duration::from_secs(900);

/// Where nothing bounds the number of pods, no more than this are thought of.
const MOST_PODS: u32 = 1_000;

/// The names of the features, each in −1…1.
///
/// | name | formula |
/// |---|---|
/// | need_… | cut(log2(pods of this factor and the first span ÷ n), −3, 3) ÷ 3, for each of [`FACTORS`] |
/// | held_15m, held_60m | cut(log2(pods that the highest rate of that span needs ÷ n), −3, 3) ÷ 3 |
/// | spare | cut(log2(rate that n pods take ÷ rate), −3, 3) ÷ 3 |
/// | grain | 1 ÷ pods of factor 1 |
/// | peak_5m, peak_15m, peak_60m | cut(log2(highest rate of that span ÷ rate), 0, 3) ÷ 3 |
/// | trough_15m | cut(log2(lowest rate of that span ÷ rate), −3, 0) ÷ 3 |
/// | jumpiness | the mean of abs(log2(rate ÷ rate before)) over the history, at most 1 |
/// | jump | the greatest log2(rate ÷ rate before) in the history, at most 3, ÷ 3 |
/// | jumps_age | t ÷ (t + 5 min), t since the rate last grew by half from one observation to the next |
/// | missed_5m, missed_15m | share of the observations of that span in which an objective was missed |
/// | startup_periods | s ÷ (s + 1), s the start-up time in control periods |
/// | pending | cut((n − ready) ÷ n, 0, 1) |
/// | high_stay | t ÷ (t + 5 min), t for how long the rate has been within a fifth of the present one |
/// | noise | cut(1 ÷ √(requests in a window), 0, 1) |
/// | onset | cut(log2(rate of late ÷ rate), 0, 3) ÷ 3, see [`Headroom`] |
/// | correction | log2(correction) ÷ 2, see [`Headroom`] |
/// | surprise | cut(log2(measured latency ÷ what the twin foresaw), −3, 3) ÷ 3 |
pub const FEATURES: [&str; 26] = [
    "need_0.8",
    "need_1.0",
    "need_1.2",
    "need_1.6",
    "need_2.0",
    "need_2.8",
    "held_15m",
    "held_60m",
    "spare",
    "grain",
    "peak_5m",
    "peak_15m",
    "peak_60m",
    "trough_15m",
    "jumpiness",
    "jump",
    "jumps_age",
    "missed_5m",
    "missed_15m",
    "startup_periods",
    "pending",
    "high_stay",
    "noise",
    "onset",
    "correction",
    "surprise",
];

/// What a learner of head-room is shown of a situation.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadroomView {
    /// [`super::FEATURE_NAMES`], then [`FEATURES`].
    pub features: Vec<f32>,
    /// Which actions may be taken: leaving, what comes to the same, and what the envelope allows.
    pub mask: Vec<bool>,
    /// What each action leads to; the live allocation where it may not be taken.
    pub allocations: Vec<Allocation>,
}

impl HeadroomView {
    /// Features that there are.
    pub const N_FEATURES: usize = super::FEATURE_NAMES.len() + FEATURES.len();
    /// Actions that there are.
    pub const N_ACTIONS: usize = FACTORS.len() * SPANS.len() + 1;

    /// The action of a factor and a span by their places in [`FACTORS`] and [`SPANS`]. Action 0 is to leave everything as it is.
    #[must_use]
    pub const fn action(factor: usize, span: usize) -> usize {
        1 + factor * SPANS.len() + span
    }

    /// The factor and the span of an action, `None` of leaving and of what is no action.
    #[must_use]
    pub fn meaning(action: usize) -> Option<(f64, Duration)> {
        let place = action.checked_sub(1)?;
        let factor = FACTORS.get(place / SPANS.len())?;
        Some((*factor, *SPANS.get(place % SPANS.len())?))
    }

    /// What an action is, in words.
    #[must_use]
    pub fn in_words(action: usize) -> String {
        Self::meaning(action).map_or_else(
            || "as it is".to_owned(),
            |(factor, span)| {
                let minutes = span.as_secs() / 60;
                format!("for {factor} times the demand and the peak of {minutes} min")
            },
        )
    }

    /// Whether there is anything to choose from.
    #[must_use]
    pub fn has_choice(&self) -> bool {
        let first = self.allocations.first();
        self.allocations.iter().any(|to| Some(to) != first)
    }

    /// The names of the features, in order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        super::FEATURE_NAMES.into_iter().chain(FEATURES)
    }

    /// XXH3 over the version and the features as little-endian bytes.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let version = HEADROOM_VERSION.to_le_bytes().into_iter();
        let features = self.features.iter().flat_map(|it| it.to_le_bytes());
        let bytes: Vec<u8> = version.chain(features).collect();
        xxhash_rust::xxh3::xxh3_64(&bytes)
    }
}

/// Looks at situations for a learner of head-room. It remembers what rate so many pods can take, as long as model, sizes and
/// objectives stay the same; what it gives doesn't depend on what it remembers.
///
/// The need is the twin's, for the demand with two corrections:
/// - **Rate of late.** Observations overlap: what the newest has more than the one before came since then, and what left it for that is
///   about what was measured a window ago. So the rate since the last look is `then + (newest − before) · window ÷ passed`, of which two
///   standard deviations of Poisson arrivals are taken off; it counts where it is above the rate of the window.
/// - **Correction.** Where an objective was missed for two windows without a break, the pods that were ready were too few for the rate that
///   there was, whatever the twin says: for ten minutes the need is larger by what they could take by its word over that rate, at most
///   fourfold.
///
/// Where the rate isn't measured any more, its highest of the last quarter of an hour stands in, and pods may only be added; nor
/// may any be taken while other signals are not fresh.
#[derive(Debug, Clone, Default)]
pub struct Headroom {
    of: Option<Key>,
    known: BTreeMap<u32, f64>,
}

/// What the capacity of a number of pods depends on.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    containers: Vec<ContainerResources>,
    objectives: Vec<Objective>,
    model: WorkloadModel,
}

impl Headroom {
    /// Features, mask and allocations. Where the number of pods is held, or rate, model or objectives aren't known, only leaving is
    /// allowed.
    pub fn view(&mut self, situation: &Situation, predictor: &dyn Predictor) -> HeadroomView {
        let live = &situation.state.allocation;
        let facts = Facts::of(situation);
        let rate = Rate::of(situation, &facts);
        let needs = rate.and_then(|rate| self.needs(situation, predictor, &facts, rate));
        let may_take =
            situation.health == SignalHealth::Fresh && rate.is_some_and(|it| it.is_fresh);
        let mut allocations = vec![live.clone()];
        let mut mask = vec![true];
        let pairs =
            (0..FACTORS.len()).flat_map(|factor| (0..SPANS.len()).map(move |span| (factor, span)));
        for (factor, span) in pairs {
            let pods = needs
                .as_ref()
                .and_then(|needs| needs.pods(live.replicas, factor, span));
            let to = pods.map(|pods| live.with_replicas(pods));
            let allowed = to.filter(|to| {
                to.replicas == live.replicas
                    || (situation.is_free(&Field::Replicas)
                        && (may_take || to.replicas > live.replicas)
                        && allows(situation, to))
            });
            mask.push(allowed.is_some());
            allocations.push(allowed.unwrap_or_else(|| live.clone()));
        }
        let mut features = super::encode(situation).features;
        let rate = rate.unwrap_or_default();
        features.extend(own_features(situation, &facts, rate, needs.as_ref()));
        HeadroomView {
            features,
            mask,
            allocations,
        }
    }

    fn needs(
        &mut self,
        situation: &Situation,
        predictor: &dyn Predictor,
        facts: &Facts<'_>,
        rate: Rate,
    ) -> Option<Needs> {
        let live = &situation.state.allocation;
        let key = Key {
            containers: live.containers.clone(),
            objectives: situation.objectives.clone(),
            model: situation.model.clone()?,
        };
        if key.objectives.is_empty() {
            return None;
        }
        if self.of.as_ref() != Some(&key) {
            self.known.clear();
            self.of = Some(key.clone());
        }
        let room = ReplicaRoom::of(situation);
        let least = room.least.max(1);
        let most = room.most.unwrap_or(MOST_PODS).max(least);
        let mut capacity = |pods: u32| {
            *self
                .known
                .entry(pods)
                .or_insert_with(|| capacity(&key, predictor, &live.with_replicas(pods)))
        };
        let correction = correction(situation, &mut capacity);
        let highest = SPANS.map(|span| highest_rate(situation, span).max(rate.of_late));
        let held = highest.map(|rate| fewest(&mut capacity, rate * correction, least, most));
        let of_late = highest.first().copied().unwrap_or(rate.of_late);
        let mut bands = Vec::with_capacity(FACTORS.len());
        let (mut now, mut then) = (least, least);
        for factor in FACTORS {
            let factor = factor * correction;
            now = fewest(&mut capacity, rate.of_late * factor, now, most);
            then = fewest(&mut capacity, of_late * factor, then.max(now), most);
            bands.push((now, then));
        }
        Some(Needs {
            bands,
            held,
            spare: capacity(live.replicas.clamp(1, MOST_PODS)),
            correction,
            surprise: surprise(situation, facts, predictor, rate),
        })
    }
}

struct Needs {
    /// By factor the pods that there must be now, and those beyond which some may be taken.
    bands: Vec<(u32, u32)>,
    /// The pods that the highest rate of a span needs.
    held: [u32; SPANS.len()],
    /// The rate that the pods that there are can take.
    spare: f64,
    /// What the twin's need is multiplied by, 1 to 4.
    correction: f64,
    /// Measured over foreseen latency; 1 where it can't be told.
    surprise: f64,
}

impl Needs {
    /// The pods that a factor and a span come to where there are `live`.
    fn pods(&self, live: u32, factor: usize, span: usize) -> Option<u32> {
        let (now, then) = self.bands.get(factor)?;
        // Out by what comes now, in by the most that came lately.
        let most = if span == 0 {
            *then
        } else {
            *self.held.get(span)?.max(then)
        };
        Some(live.clamp(*now, most))
    }
}

/// The highest rate that was measured in a span before now; 0 where there was none.
fn highest_rate(situation: &Situation, span: Duration) -> f64 {
    let ago = |seen: &Observation| situation.now.duration_since(seen.at);
    situation
        .history
        .iter()
        .rev()
        .take_while(|seen| ago(seen).unsigned_abs() <= span)
        .filter_map(|seen| seen.value(&Signal::RequestRate))
        .fold(0.0, f64::max)
}

/// Requests per second.
#[derive(Debug, Clone, Copy, Default)]
struct Rate {
    /// Over the window.
    measured: f64,
    /// Since the last look, as far as it is surely higher; else that over the window.
    of_late: f64,
    is_fresh: bool,
}

impl Rate {
    fn of(situation: &Situation, facts: &Facts<'_>) -> Option<Self> {
        let of = |seen: &Observation| seen.value(&Signal::RequestRate);
        let Some(measured) = facts.value(&Signal::RequestRate) else {
            let highest = highest_rate(situation, BLIND);
            if highest <= 0.0 {
                return None;
            }
            return Some(Self {
                measured: highest,
                of_late: highest,
                is_fresh: false,
            });
        };
        let mut rate = Self {
            measured,
            of_late: measured,
            is_fresh: true,
        };
        let mut before = situation.history.iter().rev();
        let (Some(newest), Some(last)) = (before.next(), before.next()) else {
            return Some(rate);
        };
        let window = newest.window.as_secs_f64();
        let passed = newest.at.duration_since(last.at).as_secs_f64();
        if !(passed > 0.0 && passed < window) {
            return Some(rate);
        }
        let ago = |seen: &Observation| newest.at.duration_since(seen.at).as_secs_f64();
        let a_window_ago = situation
            .history
            .iter()
            .rev()
            .find(|seen| ago(seen) >= window);
        let (Some(then), Some(last)) = (of(a_window_ago.unwrap_or(last)), of(last)) else {
            return Some(rate);
        };
        let since = then + (measured - last) * window / passed;
        let deviation = ((measured + last) / passed).max(0.0).sqrt();
        rate.of_late = (since - 2.0 * deviation).clamp(measured, 8.0 * measured.max(1e-9));
        Some(rate)
    }
}

/// By how much more than the twin says is needed, as objectives that were missed for two windows without a break tell.
fn correction(situation: &Situation, capacity: &mut impl FnMut(u32) -> f64) -> f64 {
    let live = &situation.state.allocation;
    let mut correction = 1.0f64;
    // Since when objectives have been missed without a break, and of the last two windows of that the rates and the ready pods.
    let mut since = None;
    let mut recent: VecDeque<(jiff::Timestamp, f64, f64)> = VecDeque::new();
    for seen in &situation.history {
        let missed = situation.objectives.iter().any(|objective| {
            let achieved = seen.achieved(objective, live);
            achieved.is_some_and(|achieved| !objective.is_met_by(achieved))
        });
        let rate = seen.value(&Signal::RequestRate).unwrap_or(0.0);
        let counted = rate * seen.window.as_secs_f64();
        let ready = seen.value(&Signal::ReadyReplicas);
        let (Some(ready), true) = (ready, missed && counted >= ENOUGH) else {
            since = None;
            recent.clear();
            continue;
        };
        let begun = *since.get_or_insert(seen.at);
        let two_windows = 2 * seen.window;
        let ago = |at: jiff::Timestamp| seen.at.duration_since(at).unsigned_abs();
        recent.push_back((seen.at, rate, ready));
        while recent
            .front()
            .is_some_and(|(at, ..)| ago(*at) > two_windows)
        {
            recent.pop_front();
        }
        let is_lately = situation.now.duration_since(seen.at) <= DISTRUST;
        if is_lately && ago(begun) >= two_windows {
            let highest = recent.iter().map(|(_, rate, _)| *rate).fold(0.0, f64::max);
            let fewest = recent
                .iter()
                .map(|(.., ready)| *ready)
                .fold(f64::INFINITY, f64::min);
            let pods = (fewest as u32).clamp(1, MOST_PODS);
            correction = correction.max(capacity(pods) / highest);
        }
    }
    correction.min(MOST_CORRECTION)
}

/// Measured over foreseen latency of the first objective of that kind.
fn surprise(
    situation: &Situation,
    facts: &Facts<'_>,
    predictor: &dyn Predictor,
    rate: Rate,
) -> f64 {
    let found = || {
        let objective = situation
            .objectives
            .iter()
            .find(|objective| objective.indicator == IndicatorName::Latency)?;
        let measured = facts.value(&Signal::Latency(objective.quantile()))?;
        let demand = Demand {
            request_rate: rate.measured,
            arrival_cv2: 1.0,
        };
        let ready = situation
            .state
            .allocation
            .with_replicas((facts.ready as u32).max(1));
        let foreseen = predictor.predict(situation.model.as_ref()?, demand, &ready);
        let foreseen = foreseen.of(objective)?.mid;
        (foreseen.is_finite() && foreseen > 0.0 && measured > 0.0).then(|| measured / foreseen)
    };
    found().unwrap_or(1.0)
}

/// The fewest pods from `least` on that take `rate`, `most` where none do: by doubling the step, then by halving.
fn fewest(capacity: &mut impl FnMut(u32) -> f64, rate: f64, least: u32, most: u32) -> u32 {
    let (mut below, mut enough, mut step) = (least, least, 1);
    while capacity(enough) < rate {
        if enough >= most {
            return most;
        }
        below = enough;
        enough = enough.saturating_add(step).min(most);
        step *= 2;
    }
    while enough - below > 1 {
        let middle = below + (enough - below) / 2;
        if capacity(middle) >= rate {
            enough = middle;
        } else {
            below = middle;
        }
    }
    enough
}

/// The highest rate, to half a percent, at which an allocation is predicted to meet the objectives; 0 where it does at none.
fn capacity(key: &Key, predictor: &dyn Predictor, allocation: &Allocation) -> f64 {
    let does = |request_rate: f64| {
        let demand = Demand {
            request_rate,
            arrival_cv2: 1.0,
        };
        let prediction = predictor.predict(&key.model, demand, allocation);
        !prediction.saturated
            && key.objectives.iter().all(|objective| {
                let value = prediction.of(objective);
                value.is_none_or(|value| objective.is_met_by(value.mid))
            })
    };
    let (mut low, mut high) = (0.0, 1.0);
    while high < 1e9 && does(high) {
        (low, high) = (high, high * 2.0);
    }
    while high > 1e-3 && high - low > 0.005 * high {
        let middle = f64::midpoint(low, high);
        if does(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// `log2` of a ratio within ±3, as a share of that.
fn octaves(part: f64, whole: f64) -> f64 {
    if part > 0.0 && whole > 0.0 {
        (part / whole).log2().clamp(-3.0, 3.0) / 3.0
    } else {
        0.0
    }
}

fn own_features(
    situation: &Situation,
    facts: &Facts<'_>,
    Rate {
        measured: rate,
        of_late,
        ..
    }: Rate,
    needs: Option<&Needs>,
) -> Vec<f32> {
    let n_live = situation.state.allocation.replicas;
    let n = f64::from(n_live);
    let mut found: Vec<f64> = (0..FACTORS.len())
        .map(|idx| {
            let pods = needs.and_then(|needs| needs.pods(n_live, idx, 0));
            pods.map_or(0.0, |pods| octaves(f64::from(pods), n))
        })
        .collect();
    found.extend((1..SPANS.len()).map(|span| {
        let pods = needs.and_then(|needs| needs.held.get(span));
        pods.map_or(0.0, |pods| octaves(f64::from(*pods), n))
    }));
    found.push(needs.map_or(0.0, |needs| octaves(needs.spare, rate)));
    let of_one = needs.and_then(|needs| needs.bands.get(WHOLE));
    found.push(of_one.map_or(0.0, |(pods, _)| 1.0 / f64::from(*pods).max(1.0)));

    // The rate over the history: how long ago, in seconds, and what it was; the newest first.
    let rates: Vec<(f64, f64)> = situation
        .history
        .iter()
        .rev()
        .filter_map(|seen| {
            let ago = situation.now.duration_since(seen.at).as_secs_f64();
            Some((ago, seen.value(&Signal::RequestRate)?))
        })
        .collect();
    let within = |seconds: f64| {
        let near = move |(ago, _): &&(f64, f64)| *ago <= seconds;
        rates.iter().filter(near).map(|(_, rate)| *rate)
    };
    let peak = |seconds: f64| octaves(within(seconds).fold(rate, f64::max), rate).max(0.0);
    let trough = octaves(within(900.0).fold(rate, f64::min), rate).min(0.0);
    let jumps: Vec<(f64, f64)> = rates
        .iter()
        .zip(rates.iter().skip(1))
        .filter(|((_, now), (_, before))| *now > 0.0 && *before > 0.0)
        .map(|((ago, now), (_, before))| (*ago, (now / before).log2()))
        .collect();
    let jumpiness =
        jumps.iter().map(|(_, jump)| jump.abs()).sum::<f64>() / jumps.len().max(1) as f64;
    let greatest = jumps.iter().map(|(_, jump)| *jump).fold(0.0, f64::max);
    let age = |seconds: f64| seconds / (seconds + 300.0);
    let grown = jumps.iter().find(|(_, jump)| *jump > 1.5f64.log2());
    let missed = |seconds: f64| {
        let live = &situation.state.allocation;
        let (mut judged, mut missed) = (0.0, 0.0);
        for seen in &situation.history {
            if situation.now.duration_since(seen.at).as_secs_f64() > seconds {
                continue;
            }
            for objective in &situation.objectives {
                if let Some(achieved) = seen.achieved(objective, live) {
                    judged += 1.0;
                    missed += f64::from(u8::from(!objective.is_met_by(achieved)));
                }
            }
        }
        if judged > 0.0 { missed / judged } else { 0.0 }
    };
    let period = situation.control_period.as_secs_f64().max(1.0);
    let startup = situation
        .model
        .as_ref()
        .map_or(0.0, |model| model.startup.as_secs_f64() / period);
    let stays = rates
        .iter()
        .take_while(|(_, then)| *then > rate * 0.8 && *then < rate * 1.25)
        .last()
        .map_or(0.0, |(ago, _)| *ago);
    let window = situation
        .latest()
        .map_or(period, |seen| seen.window.as_secs_f64());
    found.extend([
        peak(300.0),
        peak(900.0),
        peak(3_600.0),
        trough,
        jumpiness.min(1.0),
        greatest.min(3.0) / 3.0,
        grown.map_or(1.0, |(ago, _)| age(*ago)),
        missed(300.0),
        missed(900.0),
        startup / (startup + 1.0),
        if n > 0.0 {
            ((n - facts.ready) / n).clamp(0.0, 1.0)
        } else {
            0.0
        },
        age(stays),
        (1.0 / (rate * window).max(1.0).sqrt()).clamp(0.0, 1.0),
        octaves(of_late, rate).max(0.0),
        needs.map_or(0.0, |needs| {
            needs.correction.log2() / MOST_CORRECTION.log2()
        }),
        needs.map_or(0.0, |needs| octaves(needs.surprise, 1.0)),
    ]);
    found
        .into_iter()
        .map(|value| {
            let value = if value.is_finite() { value } else { 0.0 };
            value.clamp(-1.0, 1.0) as f32 + 0.0
        })
        .collect()
}
