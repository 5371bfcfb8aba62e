//! Recommenders and learners by name, as a command line or a configuration file names them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ibn_core::roles::{PolicyLearner, Predictor, Recommender};
use ibn_core::units::parse_duration;

use crate::bandit::{Bandit, BanditSettings};
use crate::error::{Error, Result};
use crate::ladder::{Ladder, LadderSettings, Rung, Supervised};
use crate::rules::{Hold, ModelPredictive, MpcSettings, TargetSettings, TargetTracking};

/// `NAME[:key=value,…]`: what is to recommend, and its settings.
///
/// ```
/// use ibn_drl::Spec;
///
/// let spec: Spec = "mpc:confidence=0.9,stabilization=5m".parse().unwrap();
/// assert_eq!((spec.name(), spec.option("confidence")), ("mpc", Some("0.9")));
/// assert_eq!(spec.to_string(), "mpc:confidence=0.9,stabilization=5m");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spec {
    name: String,
    options: BTreeMap<String, String>,
}

impl Spec {
    /// A recommender with its defaults.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            options: BTreeMap::new(),
        }
    }

    /// The same with one more option.
    #[must_use]
    pub fn with_option(mut self, key: &str, value: &str) -> Self {
        self.options.insert(key.to_owned(), value.to_owned());
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of an option.
    #[must_use]
    pub fn option(&self, key: &str) -> Option<&str> {
        self.options.get(key).map(String::as_str)
    }

    /// The options by key.
    pub fn options(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl FromStr for Spec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let mut faults = Vec::new();
        if name.trim().is_empty() {
            faults.push(format!(
                "`{text}` names no recommender: `NAME[:key=value,…]` is expected"
            ));
        }
        let mut options = BTreeMap::new();
        for part in rest
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            match part.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    let key = key.trim().to_owned();
                    if options
                        .insert(key.clone(), value.trim().to_owned())
                        .is_some()
                    {
                        faults.push(format!("`{key}` is given twice"));
                    }
                }
                _ => faults.push(format!("`{part}` is not `key=value`")),
            }
        }
        if faults.is_empty() {
            Ok(Self {
                name: name.trim().to_owned(),
                options,
            })
        } else {
            Err(Error::Settings {
                what: "recommender".to_owned(),
                faults,
            })
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (idx, (key, value)) in self.options.iter().enumerate() {
            write!(f, "{}{key}={value}", if idx == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

/// One name with what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// Its options, each with what is allowed.
    pub options: &'static [(&'static str, &'static str)],
    /// Whether it learns.
    pub learns: bool,
}

const TARGET_OPTIONS: [(&str, &str); 3] = [
    ("target", "CPU utilisation in percent, 1 to 200 (70)"),
    (
        "tolerance",
        "relative deviation that is let be, 0 to 1 (0.1)",
    ),
    (
        "stabilization",
        "how long a scale-in must have been wanted, a duration (5m)",
    ),
];

const MPC_OPTIONS: [(&str, &str); 7] = [
    (
        "confidence",
        "how sure predictions must be, 0.5 to 0.999 (by the preference)",
    ),
    (
        "headroom",
        "factor on the demand, 0.5 to 4 (by the preference)",
    ),
    (
        "stabilization",
        "how long a scale-in must have been wanted, a duration (5m)",
    ),
    (
        "trend",
        "share of a rise that is taken to go on, 0 to 1 (1)",
    ),
    (
        "drain",
        "time in which waiting requests are worked off, a duration (1m)",
    ),
    (
        "surgeLimit",
        "most that trend and backlog may make of the measured rate, 1 to 10 (3)",
    ),
    (
        "sizes",
        "whether the CPU of the pods may be changed, true or false (false)",
    ),
];

const BANDIT_OPTIONS: [(&str, &str); 8] = [
    (
        "headrooms",
        "head-rooms to choose from, each 0.5 to 4, ascending, separated by / (0.9/1/1.15/1.35/1.6)",
    ),
    (
        "dwell",
        "how long a choice is kept at least, a duration (5m)",
    ),
    (
        "decay",
        "weight of an experience after one more, 0.5 to 1 (0.999)",
    ),
    ("uniform", "share of uniform choices, 0 to 0.5 (0.02)"),
    (
        "noise",
        "standard deviation of rewards assumed at first, above 0 to 10 (0.1)",
    ),
    (
        "confidence",
        "of the rule, 0.5 to 0.999 (by the preference)",
    ),
    ("stabilization", "of the rule, a duration (5m)"),
    ("trend", "of the rule, 0 to 1 (1)"),
];

const LADDER_OPTIONS: [(&str, &str); 7] = [
    ("learner", "the learner, by name (bandit)"),
    ("rule", "the rule that supervises it, by name (mpc)"),
    (
        "start",
        "the rung to begin at: off, shadow, scaleOutOnly or full (shadow)",
    ),
    ("highest", "the rung to go to at most (full)"),
    (
        "promoteAfter",
        "good windows in a row that a step up takes, 1 to 1000000 (60)",
    ),
    (
        "demoteAfter",
        "violated windows in a row that a step down takes, 1 to 1000000 (4)",
    ),
    (
        "tolerance",
        "how far the mean reward may lie below the rule's, 0 to 1000 (0.2)",
    ),
];

/// What this crate offers, by name.
pub const ENTRIES: [Entry; 5] = [
    Entry {
        name: "hold",
        about: "leaves everything as it is",
        options: &[],
        learns: false,
    },
    Entry {
        name: "target",
        about: "as many pods as bring CPU utilisation to a target",
        options: &TARGET_OPTIONS,
        learns: false,
    },
    Entry {
        name: "mpc",
        about: "the fewest pods for which the twin predicts that the objectives are met at the demand to come",
        options: &MPC_OPTIONS,
        learns: false,
    },
    Entry {
        name: Bandit::NAME,
        about: "mpc with a head-room that is learned",
        options: &BANDIT_OPTIONS,
        learns: true,
    },
    Entry {
        name: Supervised::NAME,
        about: "a learner that a rule supervises, from the shadow up",
        options: &LADDER_OPTIONS,
        learns: true,
    },
];

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

fn ladder(spec: &Spec, predictor: &Arc<dyn Predictor>) -> Result<Box<Supervised>> {
    let mut options = Options::of(spec);
    let mut settings = LadderSettings::default();
    options.rung("start", &mut settings.start);
    options.rung("highest", &mut settings.highest);
    options.count("promoteAfter", &mut settings.promote_after);
    options.count("demoteAfter", &mut settings.demote_after);
    options.number("tolerance", &mut settings.tolerance);
    let named = |key, default| Spec::new(spec.option(key).unwrap_or(default));
    let (inner, rule) = (named("learner", Bandit::NAME), named("rule", "mpc"));
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

/// Reads options and collects what is wrong with them; knows from the entry which there are.
struct Options<'a> {
    spec: &'a Spec,
    faults: Vec<String>,
}

impl<'a> Options<'a> {
    fn of(spec: &'a Spec) -> Self {
        Self {
            spec,
            faults: Vec::new(),
        }
    }

    fn read<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.spec.option(key)?;
        let value = parse(text);
        if value.is_none() {
            self.faults
                .push(format!("`{key}` is `{text}`, {expected} is expected"));
        }
        value
    }

    fn optional(&mut self, key: &str) -> Option<f64> {
        self.read(key, "a number", |text| text.parse().ok())
    }

    fn number(&mut self, key: &str, into: &mut f64) {
        *into = self.optional(key).unwrap_or(*into);
    }

    fn duration(&mut self, key: &str, into: &mut Duration) {
        let read = self.read(key, "a duration such as `5m`", |text| {
            parse_duration(text).ok()
        });
        *into = read.unwrap_or(*into);
    }

    fn count(&mut self, key: &str, into: &mut u32) {
        let read = self.read(key, "a whole number", |text| text.parse().ok());
        *into = read.unwrap_or(*into);
    }

    fn rung(&mut self, key: &str, into: &mut Rung) {
        let read = self.read(key, "off, shadow, scaleOutOnly or full", |text| {
            text.parse().ok()
        });
        *into = read.unwrap_or(*into);
    }

    fn numbers(&mut self, key: &str, into: &mut Vec<f64>) {
        let read = self.read(key, "a list such as `1/1.2/1.5`", |text| {
            text.split('/')
                .map(|part| part.trim().parse().ok())
                .collect()
        });
        if let Some(read) = read {
            *into = read;
        }
    }

    fn target(&mut self) -> TargetSettings {
        let mut settings = TargetSettings::default();
        self.number("target", &mut settings.target);
        self.number("tolerance", &mut settings.tolerance);
        self.duration("stabilization", &mut settings.stabilization);
        settings
    }

    fn mpc(&mut self) -> MpcSettings {
        let mut settings = MpcSettings {
            confidence: self.optional("confidence"),
            headroom: self.optional("headroom"),
            ..MpcSettings::default()
        };
        self.duration("stabilization", &mut settings.stabilization);
        self.number("trend", &mut settings.demand.trend);
        self.duration("drain", &mut settings.demand.drain);
        self.number("surgeLimit", &mut settings.demand.surge_limit);
        let sizes = self.read("sizes", "true or false", |text| text.parse().ok());
        settings.sizes = sizes.unwrap_or(settings.sizes);
        settings
    }

    /// Makes the thing, or tells every fault: of the texts, of unknown options, and of the values.
    fn finish<S, T>(mut self, settings: S, make: impl Fn(S) -> Result<T>) -> Result<T> {
        let allowed: Vec<&str> = ENTRIES
            .iter()
            .filter(|entry| entry.name == self.spec.name())
            .flat_map(|entry| entry.options.iter().map(|(key, _)| *key))
            .collect();
        for (key, _) in self.spec.options() {
            if !allowed.contains(&key) {
                let allowed = if allowed.is_empty() {
                    "there are none".to_owned()
                } else {
                    format!("allowed are {}", allowed.join(", "))
                };
                self.faults
                    .push(format!("`{key}` is not an option, {allowed}"));
            }
        }
        match make(settings) {
            Ok(made) if self.faults.is_empty() => Ok(made),
            Ok(_) => Err(Error::Settings {
                what: self.spec.name().to_owned(),
                faults: self.faults,
            }),
            Err(Error::Settings { faults, .. }) => {
                self.faults.extend(faults);
                Err(Error::Settings {
                    what: self.spec.name().to_owned(),
                    faults: self.faults,
                })
            }
            // A name inside an option that doesn't exist is told with the options.
            Err(_) if !self.faults.is_empty() => Err(Error::Settings {
                what: self.spec.name().to_owned(),
                faults: self.faults,
            }),
            Err(other) => Err(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_tells_all_that_is_wrong_with_it() {
        let error = ":a,b=1,b=2,=3".parse::<Spec>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "recommender: `:a,b=1,b=2,=3` names no recommender: `NAME[:key=value,…]` is expected; `a` is not `key=value`; \
             `b` is given twice; `=3` is not `key=value`"
        );
        assert_eq!(
            " mpc : headroom = 2 ".parse::<Spec>().unwrap().to_string(),
            "mpc:headroom=2"
        );
    }
}
