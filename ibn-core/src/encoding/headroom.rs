//! Actions relative to what a twin says is needed, and what a learner of them sees.

use std::collections::BTreeMap;

use super::{Facts, ReplicaRoom, allows};
use crate::allocation::{Allocation, ContainerResources, Field};
use crate::intent::Objective;
use crate::observation::{Signal, SignalHealth};
use crate::prediction::{Demand, WorkloadModel};
use crate::roles::Predictor;
use crate::situation::Situation;

/// The version of the factors and of the features.
pub const HEADROOM_VERSION: u32 = 1;

/// Head-room over the measured demand: the pods that meet the objectives at so many times the rate of requests, as it is now to add
/// pods, at its highest of the last three minutes to take some. Action `i + 1` is factor `i`; action 0 leaves everything as it is. Of several
/// that come to the same, only the first may be taken.
pub const FACTORS: [f64; 9] = [0.9, 1.0, 1.1, 1.2, 1.35, 1.6, 2.0, 2.8, 4.0];

/// Pods are taken only for what lies above the highest rate of this span, so that noise doesn't move them to and fro.
const STABILIZATION: jiff::SignedDuration = jiff::SignedDuration::from_secs(180);

/// Where nothing bounds the number of pods, no more than this are thought of.
const MOST_PODS: u32 = 1_000;

/// The names of the features, each in −1…1.
///
/// | name | formula |
/// |---|---|
/// | need_… | cut(log2(pods of this factor ÷ n), −3, 3) ÷ 3, for each of [`FACTORS`] |
/// | spare | cut(log2(rate that n pods take ÷ rate), −3, 3) ÷ 3 |
/// | grain | 1 ÷ pods of factor 1 |
/// | peak_5m, peak_15m | cut(log2(highest rate of that span ÷ rate), 0, 3) ÷ 3 |
/// | trough_15m | cut(log2(lowest rate of that span ÷ rate), −3, 0) ÷ 3 |
/// | jumpiness | the mean of abs(log2(rate ÷ rate before)) over the history, at most 1 |
/// | jump | the greatest log2(rate ÷ rate before) in the history, at most 3, ÷ 3 |
/// | jumps_age | t ÷ (t + 5 min), t since the rate last grew by half from one observation to the next |
/// | missed_5m, missed_15m | share of the observations of that span in which an objective was missed |
/// | startup_periods | s ÷ (s + 1), s the start-up time in control periods |
/// | pending | cut((n − ready) ÷ n, 0, 1) |
/// | high_stay | t ÷ (t + 5 min), t for how long the rate has been within a fifth of the present one |
/// | noise | cut(1 ÷ √(requests in a window), 0, 1) |
pub const FEATURES: [&str; 23] = [
    "need_0.9",
    "need_1.0",
    "need_1.1",
    "need_1.2",
    "need_1.35",
    "need_1.6",
    "need_2.0",
    "need_2.8",
    "need_4.0",
    "spare",
    "grain",
    "peak_5m",
    "peak_15m",
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
];

/// What a learner of head-room is shown of a situation.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadroomView {
    /// [`super::FEATURE_NAMES`], then [`FEATURES`].
    pub features: Vec<f32>,
    /// Which actions may be taken; leaving always may.
    pub mask: Vec<bool>,
    /// What each action leads to; the live allocation where it may not be taken.
    pub allocations: Vec<Allocation>,
}

impl HeadroomView {
    /// Features that there are.
    pub const N_FEATURES: usize = super::FEATURE_NAMES.len() + FEATURES.len();
    /// Actions that there are.
    pub const N_ACTIONS: usize = FACTORS.len() + 1;

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
    /// Features, mask and allocations. Where the number of pods is held, or rate, model or objectives aren't known or the signals
    /// not fresh, only leaving is allowed.
    pub fn view(&mut self, situation: &Situation, predictor: &dyn Predictor) -> HeadroomView {
        let live = &situation.state.allocation;
        let facts = Facts::of(situation);
        let rate = facts
            .value(&Signal::RequestRate)
            .filter(|rate| *rate >= 0.0);
        let needs = rate.and_then(|rate| self.needs(situation, predictor, rate));
        let mut allocations = vec![live.clone()];
        let mut mask = vec![true];
        for idx in 0..FACTORS.len() {
            let pods = needs.as_ref().and_then(|needs| needs.pods.get(idx));
            let to = pods.map(|pods| live.with_replicas(*pods));
            let allowed = to.filter(|to| {
                let is_new = allocations
                    .iter()
                    .all(|other: &Allocation| other.replicas != to.replicas);
                is_new
                    && situation.is_free(&Field::Replicas)
                    && situation.health == SignalHealth::Fresh
                    && allows(situation, to)
            });
            mask.push(allowed.is_some());
            allocations.push(allowed.unwrap_or_else(|| live.clone()));
        }
        let mut features = super::encode(situation).features;
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
        rate: f64,
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
        let lately = situation
            .history
            .iter()
            .filter(|seen| situation.now.duration_since(seen.at) <= STABILIZATION)
            .filter_map(|seen| seen.value(&Signal::RequestRate))
            .fold(rate, f64::max);
        let mut pods = Vec::with_capacity(FACTORS.len());
        let (mut now, mut then) = (least, least);
        for factor in FACTORS {
            now = fewest(&mut capacity, rate * factor, now, most);
            then = fewest(&mut capacity, lately * factor, then.max(now), most);
            // Out by what comes now, in by the most that came lately.
            pods.push(live.replicas.clamp(now, then));
        }
        Some(Needs {
            pods,
            spare: capacity(live.replicas.clamp(1, MOST_PODS)),
        })
    }
}

struct Needs {
    /// Pods by factor.
    pods: Vec<u32>,
    /// The rate that the pods that there are can take.
    spare: f64,
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
    rate: Option<f64>,
    needs: Option<&Needs>,
) -> Vec<f32> {
    let n = f64::from(situation.state.allocation.replicas);
    let rate = rate.unwrap_or(0.0);
    let mut found: Vec<f64> = (0..FACTORS.len())
        .map(|idx| {
            let pods = needs.and_then(|needs| needs.pods.get(idx));
            pods.map_or(0.0, |pods| octaves(f64::from(*pods), n))
        })
        .collect();
    found.push(needs.map_or(0.0, |needs| octaves(needs.spare, rate)));
    let of_one = needs.and_then(|needs| needs.pods.get(1));
    found.push(of_one.map_or(0.0, |pods| 1.0 / f64::from(*pods).max(1.0)));

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
    ]);
    found
        .into_iter()
        .map(|value| {
            let value = if value.is_finite() { value } else { 0.0 };
            value.clamp(-1.0, 1.0) as f32 + 0.0
        })
        .collect()
}
