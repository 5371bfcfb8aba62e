//! Recommenders and learners by name, as a command line or a configuration file names them.

mod entries;
mod options;
mod spec;

use std::sync::Arc;

use ibn_core::roles::{PolicyLearner, Predictor, Recommender};

pub use entries::{ENTRIES, Entry};
use options::Options;
pub use spec::Spec;

use crate::bandit::{Bandit, BanditSettings};
use crate::error::{Error, Result};
use crate::ladder::{Ladder, LadderSettings, Supervised};
use crate::rules::{Hold, ModelPredictive, TargetTracking};
use crate::trained::Trained;

/// Makes a recommender. `predictor` is the twin that those ask which predict.
///
/// ```
/// # use ibn_core::{allocation::Allocation, prediction::{Demand, Interval, Prediction, WorkloadModel}, roles::Predictor};
/// # struct Twin;
/// # impl Predictor for Twin {
/// #     fn name(&self) -> &str { "twin" }
/// #     fn predict(&self, _: &WorkloadModel, _: Demand, a: &Allocation) -> Prediction {
/// #         let zero = Interval::exact(0.0);
/// #         Prediction { latency: Default::default(), cpu_utilization: zero, error_rate: zero, throughput: zero, cost_cores: f64::from(a.replicas), saturated: false }
/// #     }
/// # }
/// use ibn_drl::recommender;
/// use std::sync::Arc;
///
/// let twin: Arc<dyn Predictor> = Arc::new(Twin);
/// assert_eq!(recommender(&"mpc:headroom=1.2".parse().unwrap(), &twin).unwrap().name(), "mpc");
/// let error = recommender(&"mpc:headroom=99,speed=3,trend=x".parse().unwrap(), &twin).err().unwrap();
/// assert_eq!(
///     error.to_string(),
///     "mpc: `trend` is `x`, a number is expected; `speed` is not an option, allowed are confidence, headroom, stabilization, \
///      trend, drain, surgeLimit, sizes; `headroom` is 99, allowed is 0.5 to 4"
/// );
/// ```
///
/// # Errors
/// [`Error::UnknownRecommender`], or [`Error::Settings`] with every fault of the options.
pub fn recommender(spec: &Spec, predictor: &Arc<dyn Predictor>) -> Result<Box<dyn Recommender>> {
    match spec.name() {
        "hold" => {
            let options = Options::of(spec);
            options.finish(Hold, |hold| Ok(Box::new(hold) as Box<dyn Recommender>))
        }
        "target" => {
            let mut options = Options::of(spec);
            let settings = options.target();
            options.finish(settings, |settings| {
                Ok(Box::new(TargetTracking::new(settings)?) as _)
            })
        }
        "mpc" => {
            let mut options = Options::of(spec);
            let settings = options.mpc();
            options.finish(settings, |settings| {
                Ok(Box::new(ModelPredictive::new(Arc::clone(predictor), settings)?) as _)
            })
        }
        Bandit::NAME => Ok(bandit(spec, predictor)?),
        Supervised::NAME => Ok(ladder(spec, predictor)?),
        Trained::NAME => Ok(trained(spec, predictor)?),
        _ => Err(unknown(spec, |_| true)),
    }
}

/// Makes a learner.
///
/// # Errors
/// As [`recommender`]; a recommender that doesn't learn is unknown here.
pub fn learner(spec: &Spec, predictor: &Arc<dyn Predictor>) -> Result<Box<dyn PolicyLearner>> {
    match spec.name() {
        Bandit::NAME => Ok(bandit(spec, predictor)?),
        Supervised::NAME => Ok(ladder(spec, predictor)?),
        Trained::NAME => Ok(trained(spec, predictor)?),
        _ => Err(unknown(spec, |entry| entry.learns)),
    }
}

fn bandit(spec: &Spec, predictor: &Arc<dyn Predictor>) -> Result<Box<Bandit>> {
    let mut options = Options::of(spec);
    let mut settings = BanditSettings::default();
    options.numbers("headrooms", &mut settings.headrooms);
    options.duration("dwell", &mut settings.dwell);
    options.number("decay", &mut settings.decay);
    options.number("uniform", &mut settings.uniform);
    options.number("noise", &mut settings.noise);
    settings.rule.confidence = options.optional("confidence");
    options.duration("stabilization", &mut settings.rule.stabilization);
    options.number("trend", &mut settings.rule.demand.trend);
    options.finish(settings, |settings| {
        Ok(Box::new(Bandit::new(Arc::clone(predictor), settings)?))
    })
}

fn trained(spec: &Spec, predictor: &Arc<dyn Predictor>) -> Result<Box<Trained>> {
    let mut options = Options::of(spec);
    let policy = options.policy();
    let preference = options.preference();
    options.finish(policy, |policy| {
        let trained = Trained::new(policy, Arc::clone(predictor));
        Ok(Box::new(match preference {
            Some(preference) => trained.with_preference(preference),
            None => trained,
        }))
    })
}

fn ladder(spec: &Spec, predictor: &Arc<dyn Predictor>) -> Result<Box<Supervised>> {
    let mut options = Options::of(spec);
    let mut settings = LadderSettings::default();
    options.rung("start", &mut settings.start);
    options.rung("highest", &mut settings.highest);
    options.count("promoteAfter", &mut settings.promote_after);
    options.count("demoteAfter", &mut settings.demote_after);
    options.number("tolerance", &mut settings.tolerance);
    let named = |key, default| Spec::new(spec.option(key).unwrap_or(default));
    let (mut inner, rule) = (named("learner", Bandit::NAME), named("rule", "mpc"));
    if let Some(file) = spec.option("file") {
        inner = inner.with_option("file", file);
    }
    for (key, name, may) in [
        (
            "learner",
            inner.name(),
            is_plain_learner as fn(&Entry) -> bool,
        ),
        ("rule", rule.name(), |entry| !entry.learns),
    ] {
        if !ENTRIES.iter().any(|entry| entry.name == name && may(entry)) {
            options
                .faults
                .push(format!("`{key}` is `{name}`, allowed are {}", names(may)));
        }
    }
    options.finish(settings, |settings| {
        let ladder = Ladder::new(settings)?;
        Ok(Box::new(Supervised::new(
            learner(&inner, predictor)?,
            recommender(&rule, predictor)?,
            ladder,
        )))
    })
}

fn is_plain_learner(entry: &Entry) -> bool {
    entry.learns && entry.name != Supervised::NAME
}

fn names(wanted: impl Fn(&Entry) -> bool) -> String {
    let names: Vec<String> = ENTRIES
        .iter()
        .filter(|entry| wanted(entry))
        .map(|entry| format!("`{}`", entry.name))
        .collect();
    names.join(", ")
}

fn unknown(spec: &Spec, wanted: impl Fn(&Entry) -> bool) -> Error {
    Error::UnknownRecommender {
        name: spec.name().to_owned(),
        known: names(wanted),
    }
}
