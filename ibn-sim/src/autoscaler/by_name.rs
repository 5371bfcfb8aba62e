//! Autoscalers by name, as a command line names them.

use std::time::Duration;

use ibn_core::roles::{Forecaster, Recommender};
use ibn_core::units::{Quantile, parse_duration};
use jiff::civil::Time;

use super::captain::{self, Captain};
use super::clairvoyant::{self, Clairvoyant};
use super::hpa::Hpa;
use super::keda::{self, Keda};
use super::predictive::{self, Predictive};
use super::vpa::{Config, Vpa};
use super::{Fixed, Foresight, Scheduled};
use crate::error::{Error, Result};

/// What there is: name, what it is, and its options with what each may be.
pub const ENTRIES: [Entry; 8] = [
    Entry {
        name: "fixed",
        about: "always the same number of pods",
        options: &[("replicas", "pods (those that it finds)")],
    },
    Entry {
        name: "scheduled",
        about: "pods by the time of day, such as scheduled:08:00=6,20:00=2",
        options: &[(
            TIME_OF_DAY,
            "pods from that time of day on, in UTC, once for each of its times; at least one (no default)",
        )],
    },
    Entry {
        name: "hpa",
        about: "Kubernetes' HorizontalPodAutoscaler on CPU utilisation",
        options: &[TARGET, MIN, MAX],
    },
    Entry {
        name: "predictive",
        about: "the same on CPU utilisation now and as it is forecast, whichever takes more pods",
        options: &[
            TARGET,
            MIN,
            MAX,
            (
                "horizon",
                "how far to look ahead, a duration (start-up time, a control period and half a window)",
            ),
            ("quantile", "of the forecast, 0.05 to 0.99 (0.5)"),
            (
                "season",
                "after how long demand repeats, whole minutes such as 24h, of which two must have passed (none)",
            ),
        ],
    },
    Entry {
        name: "keda",
        about: "KEDA on the rate of requests, down to zero where bounds allow",
        options: &[
            (
                "rps",
                "requests a second that a pod is to have, above 0 (10)",
            ),
            ("min", "fewest pods (0)"),
            ("max", "most pods (100)"),
            ("polling", "time between two looks, a duration (30s)"),
            (
                "cooldown",
                "time without requests before the last pod goes, a duration (5m)",
            ),
        ],
    },
    Entry {
        name: "vpa",
        about: "Kubernetes' VerticalPodAutoscaler: sizes of pods, resized in place",
        options: &[(
            "margin",
            "added to every percentile, as a share, 0 to 10 (0.15)",
        )],
    },
    Entry {
        name: "captain",
        about: "CPU of pods by throttling, resized in place, as Autothrottle does",
        options: &[
            (
                "target",
                "share of CFS periods that may be throttled, 0 to 1 (0.1)",
            ),
            ("history", "how far back use counts, a duration (5m)"),
            (
                "margin",
                "deviations of use that are kept free at first, 0 to 100 (3)",
            ),
            (
                "least",
                "lowest CPU limit of a pod in millicores, above 0 (50)",
            ),
        ],
    },
    Entry {
        name: Clairvoyant::NAME,
        about: "the fewest pods that meet the objective at the demand to come, which it sees: the bound for all others",
        options: &[
            (
                "confidence",
                "how sure objectives must be met, 0.5 to 0.95 (0.85)",
            ),
            ("margin", "added to the rate, as a share, 0 to 10 (0)"),
        ],
    },
];

const TARGET: (&str, &str) = ("target", "share of the CPU requests, 0.01 to 2 (0.8)");
const MIN: (&str, &str) = ("min", "fewest pods (1)");
const MAX: (&str, &str) = ("max", "most pods (by the scenario)");
/// Stands for every time of day as the key of an option.
const TIME_OF_DAY: &str = "HH:MM";

/// One name with what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its options, each with what is allowed and, in parentheses, the default.
    pub options: &'static [(&'static str, &'static str)],
}

/// Makes a forecaster, with a season or without.
pub type MakeForecaster<'a> = &'a dyn Fn(Option<Duration>) -> Box<dyn Forecaster>;

/// What there is beside options to make autoscalers of; those that need what is missing can't be had.
#[derive(Clone, Copy, Default)]
pub struct Context<'a> {
    /// The demand to come, where there is a scenario that tells it.
    pub foresight: Option<&'a Foresight>,
    /// Forecasters, for autoscalers that ask one.
    pub forecaster: Option<MakeForecaster<'a>>,
}

/// Makes the autoscaler of this name with these options.
///
/// ```
/// use ibn_sim::Scenario;
/// use ibn_sim::autoscaler::{Context, Foresight, by_name};
///
/// let nothing = Context::default();
/// assert_eq!(by_name("hpa", [("target", "0.7")], &nothing)?.name(), "hpa");
/// assert_eq!(by_name("scheduled", [("08:00", "6"), ("20:00", "2")], &nothing)?.name(), "scheduled");
/// let error = by_name("hpa", [("target", "70"), ("maximum", "3")], &nothing).err().unwrap();
/// assert_eq!(
///     error.to_string(),
///     "hpa: `target` is `70`, allowed is share of the CPU requests, 0.01 to 2 (0.8); `maximum` is no option, allowed are target, min, max"
/// );
/// let error = by_name("clairvoyant", [], &nothing).err().unwrap();
/// assert_eq!(
///     error.to_string(),
///     "clairvoyant: it sees the demand to come of a scenario, and there is none here"
/// );
/// let foresight = Foresight::of(&Scenario::demo()?, 1)?;
/// let context = Context { foresight: Some(&foresight), ..nothing };
/// assert_eq!(by_name("clairvoyant", [], &context)?.name(), "clairvoyant");
/// # Ok::<(), ibn_sim::Error>(())
/// ```
///
/// # Errors
/// [`Error::Autoscaler`] for an unknown name, for one that needs what `context` hasn't, or with every fault of the options.
pub fn by_name<'a>(
    name: &str,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
    context: &Context<'_>,
) -> Result<Box<dyn Recommender>> {
    let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) else {
        let known: Vec<&str> = ENTRIES.iter().map(|entry| entry.name).collect();
        return Err(Error::Autoscaler(format!(
            "there is no autoscaler `{name}`: allowed are {}",
            known.join(", ")
        )));
    };
    let mut options = Options {
        entry,
        given: options.into_iter().collect(),
        faults: Vec::new(),
    };
    let made = make(&mut options, context);
    options.finish(made)
}

/// `None` where a fault says why not.
fn make(options: &mut Options<'_>, context: &Context<'_>) -> Option<Box<dyn Recommender>> {
    match options.entry.name {
        "scheduled" => {
            let plan = options.plan();
            let scheduled = Scheduled::new(plan);
            if scheduled.is_none() && options.faults.is_empty() {
                let fault = "there is no time of day, such as `08:00=6`";
                options.faults.push(fault.to_owned());
            }
            Some(Box::new(scheduled?))
        }
        "hpa" => {
            let hpa = Hpa::new(options.utilization());
            Some(Box::new(match options.bounds() {
                None => hpa,
                Some((min, max)) => hpa.with_bounds(min, max),
            }))
        }
        "predictive" => {
            let mut settings = predictive::Settings {
                utilization: options.utilization(),
                ..predictive::Settings::default()
            };
            settings.horizon = options.read("horizon", duration);
            options.set("quantile", quantile, &mut settings.quantile);
            let season = options.read("season", season);
            if let Some(season) = season {
                settings.step = MINUTE;
                settings.memory = season.saturating_mul(SEASONS);
            }
            let bounds = options.bounds();
            let Some(forecaster) = context.forecaster else {
                let fault = "it needs a forecaster, and there is none here";
                options.faults.push(fault.to_owned());
                return None;
            };
            let predictive = Predictive::new(settings, forecaster(season));
            Some(Box::new(match bounds {
                None => predictive,
                Some((min, max)) => predictive.with_bounds(min, max),
            }))
        }
        "keda" => {
            let mut settings = keda::Settings::default();
            options.set("rps", positive, &mut settings.requests_per_pod);
            options.set("min", whole, &mut settings.min);
            options.set("max", whole, &mut settings.max);
            options.set("polling", duration, &mut settings.polling);
            options.set("cooldown", duration, &mut settings.cooldown);
            Some(Box::new(Keda::new(settings)))
        }
        "vpa" => {
            let mut config = Config::default();
            options.set("margin", |text| within(text, 0.0, 10.0), &mut config.margin);
            Some(Box::new(Vpa::new(config)))
        }
        "captain" => {
            let mut settings = captain::Settings::default();
            options.set(
                "target",
                |text| within(text, 0.0, 1.0),
                &mut settings.target,
            );
            options.set("history", duration, &mut settings.history);
            options.set(
                "margin",
                |text| within(text, 0.0, 100.0),
                &mut settings.margin,
            );
            let millicores = |text: &str| whole(text).filter(|it| *it > 0).map(u64::from);
            options.set("least", millicores, &mut settings.least);
            Some(Box::new(Captain::new(settings)))
        }
        Clairvoyant::NAME => {
            let mut settings = clairvoyant::Settings::default();
            let confidence = |text: &str| within(text, 0.5, 0.95);
            options.set("confidence", confidence, &mut settings.confidence);
            options.set(
                "margin",
                |text| within(text, 0.0, 10.0),
                &mut settings.margin,
            );
            let Some(foresight) = context.foresight else {
                let fault = "it sees the demand to come of a scenario, and there is none here";
                options.faults.push(fault.to_owned());
                return None;
            };
            Some(Box::new(Clairvoyant::new(foresight.clone(), settings)))
        }
        _ => Some(Box::new(match options.read("replicas", whole) {
            Some(replicas) => Fixed::at(replicas),
            None => Fixed::as_found(),
        })),
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// Seasons that are remembered.
const SEASONS: u32 = 3;

fn positive(text: &str) -> Option<f64> {
    text.parse()
        .ok()
        .filter(|number: &f64| *number > 0.0 && number.is_finite())
}

fn whole(text: &str) -> Option<u32> {
    text.parse().ok()
}

fn within(text: &str, least: f64, most: f64) -> Option<f64> {
    text.parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
}

fn duration(text: &str) -> Option<Duration> {
    parse_duration(text).ok().filter(|it| *it > Duration::ZERO)
}

fn season(text: &str) -> Option<Duration> {
    // Two minutes at least, a month at most.
    duration(text).filter(|it| {
        it.as_nanos().is_multiple_of(MINUTE.as_nanos())
            && (2 * MINUTE..=31 * 24 * 60 * MINUTE).contains(it)
    })
}

fn quantile(text: &str) -> Option<Quantile> {
    Quantile::new(within(text, 0.05, 0.99)?)
}

/// `HH:MM`, from 00:00 to 23:59.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| -> Option<i8> {
        let is_pair = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_pair.then(|| text.parse().ok()).flatten()
    };
    Time::new(digits(hour)?, digits(minute)?, 0, 0).ok()
}

struct Options<'a> {
    entry: &'static Entry,
    given: Vec<(&'a str, &'a str)>,
    faults: Vec<String>,
}

impl<'a> Options<'a> {
    fn read<T>(&mut self, key: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let (_, text) = self.given.iter().find(|(given, _)| *given == key)?;
        let value = parse(text);
        if value.is_none() {
            let fault = self.fault(key, key, text);
            self.faults.push(fault);
        }
        value
    }

    /// That an option has a value that isn't allowed; `of` is the name under which the entry has it.
    fn fault(&self, key: &str, of: &str, text: &str) -> String {
        let allowed = self.entry.options.iter().find(|(name, _)| *name == of);
        let allowed = allowed.map_or("", |(_, allowed)| allowed);
        format!("`{key}` is `{text}`, allowed is {allowed}")
    }

    fn set<T>(&mut self, key: &str, parse: impl Fn(&str) -> Option<T>, into: &mut T) {
        if let Some(value) = self.read(key, parse) {
            *into = value;
        }
    }

    fn utilization(&mut self) -> u32 {
        let target = self.read("target", |text| within(text, 0.01, 2.0));
        (target.unwrap_or(0.8) * 100.0).round() as u32
    }

    fn bounds(&mut self) -> Option<(u32, u32)> {
        match (self.read("min", whole), self.read("max", whole)) {
            (None, None) => None,
            (min, max) => Some((min.unwrap_or(1), max.unwrap_or(u32::MAX))),
        }
    }

    /// The options whose keys are times of day.
    fn plan(&mut self) -> Vec<(Time, u32)> {
        let timed: Vec<(Time, &str, &str)> = self
            .given
            .iter()
            .filter_map(|(key, text)| Some((time_of_day(key)?, *key, *text)))
            .collect();
        let mut plan = Vec::new();
        for (time, key, text) in timed {
            match whole(text) {
                Some(pods) => plan.push((time, pods)),
                None => {
                    let fault = self.fault(key, TIME_OF_DAY, text);
                    self.faults.push(fault);
                }
            }
        }
        plan
    }

    fn is_known(&self, key: &str) -> bool {
        let mut names = self.entry.options.iter().map(|(name, _)| *name);
        names.any(|name| name == key && name != TIME_OF_DAY)
            || (self.entry.name == "scheduled" && time_of_day(key).is_some())
    }

    fn finish<T>(mut self, made: Option<T>) -> Result<T> {
        let allowed: Vec<&str> = self.entry.options.iter().map(|(key, _)| *key).collect();
        let unknown: Vec<String> = self
            .given
            .iter()
            .filter(|(key, _)| !self.is_known(key))
            .map(|(key, _)| format!("`{key}` is no option, allowed are {}", allowed.join(", ")))
            .collect();
        self.faults.extend(unknown);
        match made {
            Some(made) if self.faults.is_empty() => Ok(made),
            _ => {
                let faults = self.faults.join("; ");
                Err(Error::Autoscaler(format!("{}: {faults}", self.entry.name)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ibn_core::prediction::{Forecast, Series};

    use super::*;
    use crate::scenario::Scenario;

    /// Foresees nothing.
    struct Blind;

    impl Forecaster for Blind {
        fn name(&self) -> &str {
            "blind"
        }

        fn forecast(&self, _: &Series, _: &[Duration], _: &[Quantile]) -> Option<Forecast> {
            None
        }
    }

    fn told(name: &str, options: &[(&str, &str)]) -> String {
        let foresight = Foresight::of(&Scenario::demo().unwrap(), 1).unwrap();
        let context = Context {
            foresight: Some(&foresight),
            forecaster: Some(&|_| Box::new(Blind)),
        };
        match by_name(name, options.iter().copied(), &context) {
            Ok(made) => made.name().to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_entry_can_be_had_with_its_defaults() {
        for entry in ENTRIES {
            let plan: &[(&str, &str)] = match entry.name {
                "scheduled" => &[("00:00", "1")],
                _ => &[],
            };
            assert_eq!(told(entry.name, plan), entry.name);
        }
    }

    #[test]
    fn every_option_is_read() {
        for entry in ENTRIES {
            for (key, allowed) in entry.options {
                let key = if *key == TIME_OF_DAY { "08:00" } else { key };
                let told = told(entry.name, &[(key, "x")]);
                let expected = format!("{}: `{key}` is `x`, allowed is {allowed}", entry.name);
                assert_eq!(told, expected);
            }
        }
    }

    #[test]
    fn a_plan_without_times_or_with_other_keys_is_told() {
        assert_eq!(
            told("scheduled", &[]),
            "scheduled: there is no time of day, such as `08:00=6`"
        );
        for key in [
            "8:00", "24:00", "08:60", "0800", "HH:MM", "08:00:00", "+8:00",
        ] {
            let told = told("scheduled", &[("09:00", "1"), (key, "1")]);
            let expected = format!("scheduled: `{key}` is no option, allowed are HH:MM");
            assert_eq!(told, expected);
        }
        assert_eq!(
            told("hpa", &[("08:00", "1")]),
            "hpa: `08:00` is no option, allowed are target, min, max"
        );
    }

    #[test]
    fn what_is_missing_is_told_with_the_faults_of_options() {
        let error = by_name("predictive", [("season", "90s")], &Context::default());
        assert_eq!(
            error.err().unwrap().to_string(),
            "predictive: `season` is `90s`, allowed is after how long demand repeats, whole minutes such as 24h, of which two must \
             have passed (none); it needs a forecaster, and there is none here"
        );
    }
}
