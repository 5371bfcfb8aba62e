//! A situation as numbers for learners: a versioned, fixed layout that is finite for every input.
//!
//! Each feature lies in its range. What is missing, stale or not a number takes the neutral value, and the
//! `…_known` flag beside it says so; no NaN or infinity passes. A change of the table is a new
//! [`VERSION`], and what was learned on another version is refused.
//!
//! Words of the table: `cut(x, a, b)` is `x` held between `a` and `b`; `used` is CPU used by all pods, `rate`
//! the request rate, `capacity` the CPU limit (request where there is no limit) of the ready pods, `n` the
//! pods asked for; `then` is the newest observation that is at least five minutes older than the last one, `before` the last but one.
//!
//! | index | name | range | neutral | formula |
//! |---|---|---|---|---|
//! | 0 | cpu_utilization | 0…1 | 0.25 | cut(used ÷ CPU requests of the ready pods, 0, 2) ÷ 2 |
//! | 1 | cpu_utilization_known | 0…1 | 0 | 1 where it is known |
//! | 2 | offered_load | 0…1 | 0.25 | cut(rate × CPU seconds per request ÷ capacity, 0, 2) ÷ 2 |
//! | 3 | offered_load_known | 0…1 | 0 | 1 where rate and model are known |
//! | 4 | rate_trend | -1…1 | 0 | (rate − rate then) ÷ (rate + rate then) |
//! | 5 | rate_step | -1…1 | 0 | (rate − rate before) ÷ (rate + rate before) |
//! | 6 | rate_trend_known | 0…1 | 0 | 1 where rate and rate then are known |
//! | 7 | strain | -1…1 | 0 | cut(log2 of achieved ÷ bound of the worst objective, −3, 3) ÷ 3; above 0 is violated |
//! | 8 | strain_known | 0…1 | 0 | 1 where an objective's indicator is known |
//! | 9 | error_rate | 0…1 | 0 | square root of the share of requests that failed |
//! | 10 | error_rate_known | 0…1 | 0 | 1 where it is known |
//! | 11 | throttled | 0…1 | 0 | share of throttled CFS periods |
//! | 12 | throttled_known | 0…1 | 0 | 1 where it is known |
//! | 13 | memory_used | 0…1 | 0.5 | memory of the pod that uses most ÷ a pod's memory limit |
//! | 14 | memory_used_known | 0…1 | 0 | 1 where it is known |
//! | 15 | ready_share | 0…1 | 1 | ready pods ÷ n |
//! | 16 | replicas | 0…1 | 0 | log2(1 + n) ÷ 10 |
//! | 17 | replicas_place | 0…1 | 0.5 | (n − least) ÷ (most − least) of the envelope, budgets included |
//! | 18 | replicas_bounded | 0…1 | 0 | 1 where there is a most |
//! | 19 | room_up | 0…1 | 1 | log2(1 + pods that may be added) ÷ 10 |
//! | 20 | room_down | 0…1 | 0 | log2(1 + pods that may be taken) ÷ 10 |
//! | 21 | budget_used | 0…1 | 0 | own CPU requests ÷ the tightest CPU budget |
//! | 22 | budget_limited | 0…1 | 0 | 1 where there is a CPU budget |
//! | 23 | pod_cpu_place | 0…1 | 0.5 | a pod's CPU limit ÷ the greatest allowed |
//! | 24 | pod_cpu_bounded | 0…1 | 0 | 1 where there is a greatest |
//! | 25 | since_change | 0…1 | 1 | t ÷ (t + 10 min), t since the number of ready pods was another one |
//! | 26 | since_change_known | 0…1 | 0 | 1 where the history shows such a change |
//! | 27 | forecast_peak | -1…1 | 0 | cut(log2 of the median peak within start-up and one period ÷ rate, −2, 2) ÷ 2 |
//! | 28 | forecast_high | -1…1 | 0 | the same at the greatest quantile that was forecast |
//! | 29 | forecast_known | 0…1 | 0 | 1 where rate and forecast are known |
//! | 30 | floor | 0…1 | 0 | cut(pods of the measured floor ÷ n, 0, 2) ÷ 2 |
//! | 31 | floor_known | 0…1 | 0 | 1 where there is a floor |
//! | 32 | startup | 0…1 | 0.5 | start-up time ÷ (start-up time + 60 s) |
//! | 33 | service_cv2 | 0…1 | 0.5 | c² ÷ (1 + c²) of the CPU time of requests |
//! | 34 | model_known | 0…1 | 0 | 1 where there is a model |
//! | 35 | hour_sin | -1…1 | 0 | sine of the time of day, UTC |
//! | 36 | hour_cos | -1…1 | 0 | cosine of the time of day, UTC |
//! | 37 | week_sin | -1…1 | 0 | sine of the time of the week, from Monday, UTC |
//! | 38 | week_cos | -1…1 | 0 | cosine of the time of the week, from Monday, UTC |
//! | 39 | prefers_cost | 0…1 | 0 | 1 where the preference is cost |
//! | 40 | prefers_performance | 0…1 | 0 | 1 where the preference is performance |
//! | 41 | fresh | 0…1 | 0 | 1 where all needed signals are fresh |

mod action;
mod facts;
pub mod headroom;

use xxhash_rust::xxh3::xxh3_64;

pub use action::{ActionTable, Move, ReplicaMove, ReplicaRoom, allows};
use facts::Facts;

use crate::intent::Preference;
use crate::observation::{Signal, SignalHealth};
use crate::situation::Situation;

/// The version of the layout and of the formulas.
pub const VERSION: u32 = 1;

/// A situation as numbers.
///
/// ```
/// use ibn_core::encoding::{self, FEATURE_NAMES};
/// # use ibn_core::allocation::{Allocation, ContainerResources};
/// # use ibn_core::envelope::Envelope;
/// # use ibn_core::observation::SignalHealth;
/// # use ibn_core::situation::Situation;
/// # use ibn_core::workload::{WorkloadRef, WorkloadState};
/// # let web = WorkloadRef::deployment("acme", "web");
/// # let situation = Situation {
/// #     workload: web.clone(), now: jiff::Timestamp::UNIX_EPOCH, control_period: std::time::Duration::from_secs(15),
/// #     state: WorkloadState { workload: web.clone(), resource_version: "1".into(), labels: Default::default(),
/// #         allocation: Allocation::new(3, vec![ContainerResources::new("app")]), quota: None, ready_replicas: 3, owners: Default::default() },
/// #     envelope: std::sync::Arc::new(Envelope::open(web)), objectives: vec![], preference: Default::default(), history: vec![],
/// #     forecast: None, model: None, health: SignalHealth::Missing, floor: None, held: Default::default(), seed: 0,
/// # };
/// // Nothing was measured: still a full vector of finite numbers.
/// let encoded = encoding::encode(&situation);
/// assert_eq!(encoded.features.len(), FEATURE_NAMES.len());
/// assert!(encoded.features.iter().all(|x| x.is_finite()));
/// assert_eq!(encoded.feature("cpu_utilization_known"), Some(0.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedSituation {
    /// The layout, [`VERSION`].
    pub version: u32,
    /// One number per feature, in the order of the table above.
    pub features: Vec<f32>,
    /// The names, in the same order.
    pub names: &'static [&'static str],
    /// One entry per action of the table that was asked for: whether it may be taken.
    pub mask: Vec<bool>,
}

impl EncodedSituation {
    /// XXH3 over the version and the features as little-endian bytes; the mask is no part of it.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut bytes = Vec::with_capacity(4 * (1 + self.features.len()));
        bytes.extend(self.version.to_le_bytes());
        for feature in &self.features {
            bytes.extend(feature.to_le_bytes());
        }
        xxh3_64(&bytes)
    }

    /// The feature of this name.
    #[must_use]
    pub fn feature(&self, name: &str) -> Option<f32> {
        let idx = self.names.iter().position(|known| *known == name)?;
        self.features.get(idx).copied()
    }
}

/// Encodes a situation, with the mask of [`ActionTable::replicas`].
#[must_use]
pub fn encode(situation: &Situation) -> EncodedSituation {
    encode_with(situation, &ActionTable::replicas())
}

/// Encodes a situation, with the mask of `actions`.
#[must_use]
pub fn encode_with(situation: &Situation, actions: &ActionTable) -> EncodedSituation {
    let facts = Facts::of(situation);
    EncodedSituation {
        version: VERSION,
        features: FEATURES
            .iter()
            .map(|feature| feature.encode(&facts))
            .collect(),
        names: &FEATURE_NAMES,
        mask: actions.mask(situation),
    }
}

/// One line of the table.
struct Feature {
    name: &'static str,
    low: f64,
    high: f64,
    neutral: f64,
    formula: &'static str,
    of: fn(&Facts<'_>) -> Option<f64>,
}

impl Feature {
    const fn new(
        name: &'static str,
        (low, high): (f64, f64),
        neutral: f64,
        formula: &'static str,
        of: fn(&Facts<'_>) -> Option<f64>,
    ) -> Self {
        Self {
            name,
            low,
            high,
            neutral,
            formula,
            of,
        }
    }

    fn encode(&self, facts: &Facts<'_>) -> f32 {
        let value = (self.of)(facts)
            .filter(|value| value.is_finite())
            .unwrap_or(self.neutral)
            .clamp(self.low, self.high) as f32;
        // Negative zero would be another hash.
        value + 0.0
    }
}

const UNIT: (f64, f64) = (0.0, 1.0);
const SIGNED: (f64, f64) = (-1.0, 1.0);

fn flag(set: bool) -> Option<f64> {
    Some(f64::from(u8::from(set)))
}

/// A count on a scale on which 1 023 is 1.
fn log_count(count: u32) -> f64 {
    (1.0 + f64::from(count)).log2() / 10.0
}

/// `part` ÷ `whole` where that says something.
fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then_some(part / whole)
}

const FEATURES: [Feature; 42] = [
    Feature::new(
        "cpu_utilization",
        UNIT,
        0.25,
        "cut(used ÷ CPU requests of the ready pods, 0, 2) ÷ 2",
        |f| f.cpu_utilization().map(|share| share / 2.0),
    ),
    Feature::new(
        "cpu_utilization_known",
        UNIT,
        0.0,
        "1 where it is known",
        |f| flag(f.cpu_utilization().is_some()),
    ),
    Feature::new(
        "offered_load",
        UNIT,
        0.25,
        "cut(rate × CPU seconds per request ÷ capacity, 0, 2) ÷ 2",
        |f| f.offered_load().map(|load| load / 2.0),
    ),
    Feature::new(
        "offered_load_known",
        UNIT,
        0.0,
        "1 where rate and model are known",
        |f| flag(f.offered_load().is_some()),
    ),
    Feature::new(
        "rate_trend",
        SIGNED,
        0.0,
        "(rate − rate then) ÷ (rate + rate then)",
        |f| f.rate_trend(),
    ),
    Feature::new(
        "rate_step",
        SIGNED,
        0.0,
        "(rate − rate before) ÷ (rate + rate before)",
        |f| f.rate_step(),
    ),
    Feature::new(
        "rate_trend_known",
        UNIT,
        0.0,
        "1 where rate and rate then are known",
        |f| flag(f.rate_trend().is_some()),
    ),
    Feature::new(
        "strain",
        SIGNED,
        0.0,
        "cut(log2 of achieved ÷ bound of the worst objective, −3, 3) ÷ 3; above 0 is violated",
        |f| f.strain().map(|strain| strain.clamp(-3.0, 3.0) / 3.0),
    ),
    Feature::new(
        "strain_known",
        UNIT,
        0.0,
        "1 where an objective's indicator is known",
        |f| flag(f.strain().is_some()),
    ),
    Feature::new(
        "error_rate",
        UNIT,
        0.0,
        "square root of the share of requests that failed",
        |f| f.value(&Signal::ErrorRate).map(f64::sqrt),
    ),
    Feature::new("error_rate_known", UNIT, 0.0, "1 where it is known", |f| {
        flag(f.value(&Signal::ErrorRate).is_some())
    }),
    Feature::new(
        "throttled",
        UNIT,
        0.0,
        "share of throttled CFS periods",
        |f| f.value(&Signal::CpuThrottled),
    ),
    Feature::new("throttled_known", UNIT, 0.0, "1 where it is known", |f| {
        flag(f.value(&Signal::CpuThrottled).is_some())
    }),
    Feature::new(
        "memory_used",
        UNIT,
        0.5,
        "memory of the pod that uses most ÷ a pod's memory limit",
        |f| f.memory_used(),
    ),
    Feature::new("memory_used_known", UNIT, 0.0, "1 where it is known", |f| {
        flag(f.memory_used().is_some())
    }),
    Feature::new("ready_share", UNIT, 1.0, "ready pods ÷ n", |f| {
        ratio(f.ready, f.replicas())
    }),
    Feature::new("replicas", UNIT, 0.0, "log2(1 + n) ÷ 10", |f| {
        Some(log_count(f.situation.state.allocation.replicas))
    }),
    Feature::new(
        "replicas_place",
        UNIT,
        0.5,
        "(n − least) ÷ (most − least) of the envelope, budgets included",
        |f| f.replicas_place(),
    ),
    Feature::new(
        "replicas_bounded",
        UNIT,
        0.0,
        "1 where there is a most",
        |f| flag(f.room.most.is_some()),
    ),
    Feature::new(
        "room_up",
        UNIT,
        1.0,
        "log2(1 + pods that may be added) ÷ 10",
        |f| f.room.up().map(log_count),
    ),
    Feature::new(
        "room_down",
        UNIT,
        0.0,
        "log2(1 + pods that may be taken) ÷ 10",
        |f| Some(log_count(f.room.down())),
    ),
    Feature::new(
        "budget_used",
        UNIT,
        0.0,
        "own CPU requests ÷ the tightest CPU budget",
        |f| f.budget_used(),
    ),
    Feature::new(
        "budget_limited",
        UNIT,
        0.0,
        "1 where there is a CPU budget",
        |f| flag(f.budget_used().is_some()),
    ),
    Feature::new(
        "pod_cpu_place",
        UNIT,
        0.5,
        "a pod's CPU limit ÷ the greatest allowed",
        |f| f.pod_cpu_place(),
    ),
    Feature::new(
        "pod_cpu_bounded",
        UNIT,
        0.0,
        "1 where there is a greatest",
        |f| flag(f.pod_cpu_place().is_some()),
    ),
    Feature::new(
        "since_change",
        UNIT,
        1.0,
        "t ÷ (t + 10 min), t since the number of ready pods was another one",
        |f| {
            f.seconds_since_change()
                .map(|seconds| seconds / (seconds + 600.0))
        },
    ),
    Feature::new(
        "since_change_known",
        UNIT,
        0.0,
        "1 where the history shows such a change",
        |f| flag(f.seconds_since_change().is_some()),
    ),
    Feature::new(
        "forecast_peak",
        SIGNED,
        0.0,
        "cut(log2 of the median peak within start-up and one period ÷ rate, −2, 2) ÷ 2",
        |f| f.forecast_rise(false).map(|rise| rise / 2.0),
    ),
    Feature::new(
        "forecast_high",
        SIGNED,
        0.0,
        "the same at the greatest quantile that was forecast",
        |f| f.forecast_rise(true).map(|rise| rise / 2.0),
    ),
    Feature::new(
        "forecast_known",
        UNIT,
        0.0,
        "1 where rate and forecast are known",
        |f| flag(f.forecast_rise(true).is_some()),
    ),
    Feature::new(
        "floor",
        UNIT,
        0.0,
        "cut(pods of the measured floor ÷ n, 0, 2) ÷ 2",
        |f| {
            let floor = f.situation.floor.as_ref()?;
            ratio(f64::from(floor.replicas), f.replicas()).map(|share| share / 2.0)
        },
    ),
    Feature::new("floor_known", UNIT, 0.0, "1 where there is a floor", |f| {
        flag(f.situation.floor.is_some())
    }),
    Feature::new(
        "startup",
        UNIT,
        0.5,
        "start-up time ÷ (start-up time + 60 s)",
        |f| {
            let seconds = f.situation.model.as_ref()?.startup.as_secs_f64();
            Some(seconds / (seconds + 60.0))
        },
    ),
    Feature::new(
        "service_cv2",
        UNIT,
        0.5,
        "c² ÷ (1 + c²) of the CPU time of requests",
        |f| {
            let cv2 = f.situation.model.as_ref()?.service_cv2;
            (cv2 >= 0.0).then_some(cv2 / (1.0 + cv2))
        },
    ),
    Feature::new("model_known", UNIT, 0.0, "1 where there is a model", |f| {
        flag(f.situation.model.is_some())
    }),
    Feature::new(
        "hour_sin",
        SIGNED,
        0.0,
        "sine of the time of day, UTC",
        |f| Some(f.day_angle().sin()),
    ),
    Feature::new(
        "hour_cos",
        SIGNED,
        0.0,
        "cosine of the time of day, UTC",
        |f| Some(f.day_angle().cos()),
    ),
    Feature::new(
        "week_sin",
        SIGNED,
        0.0,
        "sine of the time of the week, from Monday, UTC",
        |f| Some(f.week_angle().sin()),
    ),
    Feature::new(
        "week_cos",
        SIGNED,
        0.0,
        "cosine of the time of the week, from Monday, UTC",
        |f| Some(f.week_angle().cos()),
    ),
    Feature::new(
        "prefers_cost",
        UNIT,
        0.0,
        "1 where the preference is cost",
        |f| flag(f.situation.preference == Preference::Cost),
    ),
    Feature::new(
        "prefers_performance",
        UNIT,
        0.0,
        "1 where the preference is performance",
        |f| flag(f.situation.preference == Preference::Performance),
    ),
    Feature::new(
        "fresh",
        UNIT,
        0.0,
        "1 where all needed signals are fresh",
        |f| flag(f.situation.health == SignalHealth::Fresh),
    ),
];

/// The names of the features, in the order of the table.
pub static FEATURE_NAMES: [&str; FEATURES.len()] = {
    let mut names = [""; FEATURES.len()];
    let mut idx = 0;
    while idx < FEATURES.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "evaluated by the compiler, within the length of both"
        )]
        {
            names[idx] = FEATURES[idx].name;
        }
        idx += 1;
    }
    names
};

/// The lines of the table in the documentation of this module.
#[must_use]
pub fn table_lines() -> Vec<String> {
    FEATURES
        .iter()
        .enumerate()
        .map(|(idx, f)| {
            format!(
                "| {idx} | {} | {}…{} | {} | {} |",
                f.name, f.low, f.high, f.neutral, f.formula
            )
        })
        .collect()
}

#[cfg(test)]
mod tests;
